//! The surrogate of local steps (SME, Zhu, Yao, Blaschko 2023): one gradient at weights between those that were sent and those
//! that came back.

use super::AttackError;
use crate::fl::{AttackerView, Protocol, UpdateKind};
use crate::model::{Model, Parameters};

/// Step size of alpha, in step sizes of the samples: 1e-3 beside 1 in the published settings.
const PACE: f64 = 1e-3;

/// theta_s = (1 - alpha) theta_0 + alpha theta_K, with alpha = begin + 1e-3 z.
#[derive(Debug, Clone)]
pub(super) struct Surrogate {
    /// theta_K - theta_0.
    direction: Parameters,
    begin: f64,
}

impl Surrogate {
    /// From what a client sent after local steps, at this share of the way.
    pub(super) fn new(view: &AttackerView, begin: f64) -> Result<Surrogate, AttackError> {
        if view.update.kind != UpdateKind::Delta {
            let why = "attack.surrogate stands between the weights before and after local steps, and the update is one \
                       gradient; set federation.algorithm = \"fedavg\", or remove it";
            return Err(AttackError::Variable { why: why.to_owned() });
        }
        Ok(Surrogate { direction: view.update.values.clone(), begin })
    }

    /// One gradient of all samples, with the post-processing that is known.
    pub(super) fn protocol(view: &AttackerView) -> Protocol {
        let post = view.knowledge.protocol.post.clone();
        Protocol { post, ..Protocol::fed_sgd(view.update.samples) }
    }

    fn alpha(&self, place: f64) -> f64 {
        self.begin + PACE * place
    }

    /// The model at alpha.
    pub(super) fn model(&self, sent: &Model, place: f64) -> Model {
        sent.at(sent.parameters.clone().combine(1.0, &self.direction, self.alpha(place)))
    }

    /// What moves with alpha.
    pub(super) fn direction(&self) -> &Parameters {
        &self.direction
    }

    /// The gradient to z of what has this slope along the direction.
    pub(super) fn pull(&self, along: f64) -> f64 {
        PACE * along
    }

    /// z with alpha between 0 and 1.
    pub(super) fn kept(&self, place: f64) -> f64 {
        place.clamp(-self.begin / PACE, (1.0 - self.begin) / PACE)
    }
}
