//! `attack.guess`: how a client may have trained, where nobody tells. Each way is searched under, and the smallest matching
//! loss says which one it was.

use serde::{Deserialize, Serialize};

use super::validate::Fault;
use super::{Algorithm, Federation, LocalTraining};

/// Ways in which a client may have trained, otherwise as a federation of which nothing is said (plain SGD): every combination of these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuessedTraining {
    /// Step sizes, above 0.
    pub learning_rate: Vec<f64>,
    /// Passes over the client's samples, 1 or more.
    #[serde(default = "once")]
    pub epochs: Vec<u32>,
    /// Samples in one batch; all of them if absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub batch: Vec<u32>,
}

fn once() -> Vec<u32> {
    vec![1]
}

/// Ways that are searched at most: each takes as long as one that is known.
const MOST: usize = 256;

impl GuessedTraining {
    /// Number of ways.
    pub fn count(&self) -> usize {
        self.learning_rate.len() * self.epochs.len() * self.batch.len().max(1)
    }

    /// The ways, the step size changing fastest.
    pub fn ways(&self) -> Vec<LocalTraining> {
        let batches: Vec<Option<u32>> = match self.batch.as_slice() {
            [] => vec![None],
            batches => batches.iter().map(|batch| Some(*batch)).collect(),
        };
        let mut ways = Vec::with_capacity(self.count());
        for &epochs in &self.epochs {
            for &batch in &batches {
                let like = |&rate| Federation {
                    algorithm: Algorithm::Fedavg,
                    local_epochs: epochs,
                    local_batch: batch,
                    learning_rate: Some(rate),
                    ..Federation::default()
                };
                ways.extend(self.learning_rate.iter().map(like).filter_map(|like| like.local()));
            }
        }
        ways
    }

    /// Whether each of them can be how so many samples were trained on.
    pub(super) fn check(&self, samples: usize) -> Result<(), Fault> {
        let key = "attack.guess";
        let fault = |message: String| Err(Fault { key, message: format!("{key} {message}") });
        match self.count() {
            0 => {
                return fault(
                    "has an empty list; name one or more, as { learning_rate = [0.01, 0.1], epochs = [1, 5] }".into(),
                );
            }
            1..=MOST => {}
            many => return fault(format!("makes {many} ways to train, more than {MOST}; name fewer")),
        }
        let wrong = self.ways().into_iter().find_map(|way| way.check(samples).err());
        wrong.map_or(Ok(()), |(field, message)| fault(format!("supposes {field} {message}")))
    }
}
