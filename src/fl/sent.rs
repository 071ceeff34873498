//! What clients send, and the mean of it: of the parts of a batch, of the clients behind one update, of a round.

use super::{Update, UpdateKind};
use crate::figure::Effect;
use crate::model::{Model, Parameters};

/// What clients send in a round.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Gradient or weight difference, the mean over the clients by their samples.
    pub update: Update,
    /// BatchNorm statistics after the round, the mean over the clients; what became of them is the protocol's.
    pub buffers: Parameters,
    /// What post-processing did to it; absent without any.
    pub effect: Option<Effect>,
}

/// A mean by samples.
#[derive(Debug, Default)]
pub struct Mean(Option<Sent>);

impl Mean {
    /// Takes one more into it.
    pub fn add(&mut self, sent: Sent) {
        self.0 = Some(match self.0.take() {
            None => sent,
            Some(Sent { update, buffers, .. }) => {
                let samples = update.samples + sent.update.samples;
                let (old, new) =
                    (update.samples as f64 / samples as f64, sent.update.samples as f64 / samples as f64);
                let values = update.values.combine(old, &sent.update.values, new);
                let buffers = buffers.combine(old, &sent.buffers, new);
                Sent { update: Update { values, samples, ..update }, buffers, effect: None }
            }
        });
    }

    /// The mean; nothing if there was nothing.
    pub fn get(self) -> Option<Sent> {
        self.0
    }

    /// The mean of updates of a model; of none a zero gradient.
    pub fn of(self, model: &Model) -> Sent {
        self.0.unwrap_or_else(|| Sent {
            update: Update {
                kind: UpdateKind::Gradient,
                values: model.parameters.clone().scaled(0.0),
                samples: 0,
            },
            buffers: model.buffers.clone(),
            effect: None,
        })
    }
}
