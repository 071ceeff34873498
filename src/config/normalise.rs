//! By what the client normalises pixels: `normalise = true`, `false`, `"client"`, or
//! `{ mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225] }`.

use serde::{Deserialize, Serialize};

/// The public map between pixels and model input, as a preset states it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "victim.normalise is true, false, \"client\", or { mean = [...], std = [...] } with one number for each channel"
)]
pub enum Normalise {
    /// `true`: the set's own mean and standard deviation, as most training code does. `false`: pixels in [0, 1]
    /// as they are, as in DLG's own experiments.
    Own(bool),
    /// `"client"`: the mean and standard deviation of the client's own samples. They say something of them, so that the
    /// attacker has them where `knowledge.normalisation` grants them, and takes the set's own otherwise.
    Client(Client),
    /// What a real client uses, whatever the set's own would be.
    By {
        /// One per channel, in pixels of range [0, 1].
        mean: Vec<f64>,
        /// One per channel, above 0.
        std: Vec<f64>,
    },
}

/// The word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Client {
    /// By its own samples.
    Client,
}

impl Normalise {
    /// Whether a client's own samples decide it.
    pub fn is_clients(&self) -> bool {
        matches!(self, Normalise::Client(_))
    }
}

impl Default for Normalise {
    fn default() -> Self {
        Normalise::Own(true)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::preset;
    use std::path::Path;

    fn set(value: &str) -> Result<Normalise, String> {
        preset::load("ig-lenet", &[format!("victim.normalise={value}")], Path::new("/nonexistent"))
            .map(|preset| preset.config.victim.normalise)
            .map_err(|error| error.message)
    }

    #[test]
    fn it_is_a_flag_or_constants() {
        assert_eq!(set("false"), Ok(Normalise::Own(false)));
        assert_eq!(set("client"), Ok(Normalise::Client(Client::Client)));
        let given = Normalise::By { mean: vec![0.5, 0.5, 0.5], std: vec![0.25, 0.25, 1.0] };
        assert_eq!(set("{ mean = [0.5, 0.5, 0.5], std = [0.25, 0.25, 1] }"), Ok(given));
    }

    #[test]
    fn a_form_shows_and_takes_the_constants_as_one_value() {
        let preset = preset::load("ig-lenet", &[], Path::new("/nonexistent")).unwrap().config;
        let given =
            preset::change(&preset, [("victim.normalise", "{ mean = [0.5], std = [0.25] }")]).unwrap();
        assert_eq!(preset::flat(&given)["victim.normalise"], "{ mean = [0.5], std = [0.25] }");
        let back = preset::change(&given, [("victim.normalise", "true")]).unwrap();
        assert_eq!((back.clone(), preset::flat(&back)["victim.normalise"].as_str()), (preset, "true"));
    }

    #[test]
    fn what_is_neither_is_said_to_be_so() {
        for value in ["yes", "2", "{ mean = [0.5] }", "{ mean = [0.5], std = [1.0], var = [1.0] }"] {
            let error = set(value).unwrap_err();
            assert!(
                error.starts_with("victim.normalise is true, false, \"client\", or { mean"),
                "{value}: {error}"
            );
        }
        for (value, expected) in [
            ("{ mean = [0.5], std = [0.0] }", "victim.normalise has a std of 0, must be finite and above 0"),
            (
                "{ mean = [0.5], std = [inf] }",
                "victim.normalise has a std of inf, must be finite and above 0",
            ),
            ("{ mean = [nan], std = [1.0] }", "victim.normalise has a mean of NaN, must be finite"),
            (
                "{ mean = [0.5, 0.5], std = [1.0] }",
                "victim.normalise has 2 means and 1 deviations, must have one of each per channel",
            ),
        ] {
            assert_eq!(set(value).unwrap_err(), expected);
        }
    }
}
