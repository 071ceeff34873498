//! How a set is spread over the clients of a federation: `"iid"`, `{ dirichlet = 0.5 }`, `{ shards = 2 }`.

use serde::{Deserialize, Serialize};

/// A partition of a set over clients.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Partition {
    /// Samples at random, in shares that differ by one at most.
    #[default]
    Iid,
    /// The shares of each class are drawn from a symmetric Dirichlet distribution with this concentration, above
    /// 0: the smaller, the fewer classes a client has (Hsu et al. 2019).
    Dirichlet(f64),
    /// Sorted by class, cut into so many shards for each client, dealt at random (McMahan et al. 2017).
    Shards(usize),
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_form_is_read_and_written() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Holder {
            partition: Partition,
        }
        for (text, partition) in [
            ("partition = \"iid\"", Partition::Iid),
            ("partition = { dirichlet = 0.5 }", Partition::Dirichlet(0.5)),
            ("partition = { shards = 2 }", Partition::Shards(2)),
        ] {
            let holder = Holder { partition };
            assert_eq!(toml::from_str::<Holder>(text).unwrap(), holder);
            assert_eq!(toml::from_str::<Holder>(&toml::to_string(&holder).unwrap()).unwrap(), holder);
        }
    }
}
