//! How a client trains in a round, in PyTorch's words: `local = { epochs = 1, batch = 2, learning_rate = 0.01 }`.

use serde::{Deserialize, Serialize};

use super::{is_default, setting};

/// Weight decay of `torch.optim.AdamW` where none is given.
const ADAMW_DECAY: f64 = 0.01;

/// `betas` and `eps` of `torch.optim.Adam` where none are given.
const BETAS: [f64; 2] = [0.9, 0.999];
const EPS: f64 = 1e-8;

/// Hyper-parameters of local training: as a client uses them, as an attacker takes them to be, or as they came with a
/// captured update. The optimiser begins anew in every round.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalTraining {
    /// Passes over the client's samples, 1 or more.
    #[serde(default = "one")]
    pub epochs: u32,
    /// Samples in one batch; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<u32>,
    /// Batches whose gradients make one step.
    #[serde(default, skip_serializing_if = "is_default")]
    pub accumulate: Accumulate,
    /// What makes a step of a gradient.
    #[serde(default, skip_serializing_if = "is_default")]
    pub optimiser: LocalOptimiser,
    /// Step size, above 0.
    pub learning_rate: f64,
    /// Momentum of SGD, 0 or more and below 1.
    #[serde(default)]
    pub momentum: f64,
    /// Share of a gradient that does not join the momentum, 0 to 1.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dampening: f64,
    /// Nesterov's momentum.
    #[serde(default, skip_serializing_if = "is_default")]
    pub nesterov: bool,
    /// Decay of Adam's moments, 0 or more and below 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub betas: Option<[f64; 2]>,
    /// What Adam adds to the root of its second moment, above 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eps: Option<f64>,
    /// Weight decay, 0 or more; if absent 0, but 0.01 for AdamW.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f64>,
    /// Largest norm of the gradient of all parameters, above 0: `clip_grad_norm_`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<f64>,
    /// FedProx's mu, 0 or more: mu/2 |theta - theta_0|^2 joins the loss.
    #[serde(default, skip_serializing_if = "is_default")]
    pub proximal: f64,
}

fn one() -> u32 {
    1
}

/// The optimiser of local steps, as PyTorch's of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LocalOptimiser {
    /// With momentum, dampening, Nesterov's momentum.
    #[default]
    Sgd,
    /// Weight decay joins the gradient.
    Adam,
    /// Weight decay shrinks the weights.
    AdamW,
}

/// Batches whose gradients make one step; the last step of an epoch takes those that are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "accumulate is a number of batches, as 4, or { sum = 4 } where the client does not divide the loss by it"
)]
pub enum Accumulate {
    /// The mean of their mean gradients.
    Mean(u32),
    /// Their sum: the loss was not divided.
    Sum {
        /// Number of batches.
        sum: u32,
    },
}

impl Default for Accumulate {
    fn default() -> Self {
        Accumulate::Mean(1)
    }
}

impl Accumulate {
    /// Number of batches.
    pub fn batches(self) -> u32 {
        match self {
            Accumulate::Mean(batches) | Accumulate::Sum { sum: batches } => batches,
        }
    }
}

impl LocalTraining {
    /// For headers: `2 epochs of 4, lr 0.01`, `1 epoch of 2, Adam, lr 0.001, clip 1`. What is as usual is not said.
    pub fn name(&self) -> String {
        let mut name = if self.epochs == 1 { "1 epoch".into() } else { format!("{} epochs", self.epochs) };
        if let Some(batch) = self.batch {
            name += &format!(" of {batch}");
        }
        match self.accumulate {
            Accumulate::Mean(1) | Accumulate::Sum { sum: 1 } => {}
            Accumulate::Mean(batches) => name += &format!(", accumulate {batches}"),
            Accumulate::Sum { sum } => name += &format!(", accumulate {sum} (sum)"),
        }
        name += match self.optimiser {
            LocalOptimiser::Sgd => "",
            LocalOptimiser::Adam => ", Adam",
            LocalOptimiser::AdamW => ", AdamW",
        };
        name += &format!(", lr {}", self.learning_rate);
        if self.momentum > 0.0 {
            let kind = if self.nesterov { "Nesterov momentum" } else { "momentum" };
            name += &format!(", {kind} {}", self.momentum);
        }
        if self.dampening > 0.0 {
            name += &format!(", dampening {}", self.dampening);
        }
        if let Some([first, second]) = self.betas.filter(|&betas| betas != BETAS) {
            name += &format!(", betas {first} and {second}");
        }
        if let Some(eps) = self.eps.filter(|&eps| eps != EPS) {
            name += &format!(", eps {eps:e}");
        }
        // That AdamW decays is easily forgotten.
        if self.decay() > 0.0 || self.optimiser == LocalOptimiser::AdamW {
            name += &format!(", weight decay {}", self.decay());
        }
        if let Some(clip) = self.clip {
            name += &format!(", clip {clip}");
        }
        if self.proximal > 0.0 {
            name += &format!(", proximal {}", self.proximal);
        }
        name
    }

    /// Batches of one epoch over so many samples.
    fn batches(&self, samples: usize) -> usize {
        samples.div_ceil(self.full_batch(samples))
    }

    /// Samples of all batches but perhaps the last.
    fn full_batch(&self, samples: usize) -> usize {
        self.batch.map_or(samples, |batch| batch as usize).clamp(1, samples.max(1))
    }

    /// The least samples that a batch of an epoch has.
    pub fn smallest_batch(&self, samples: usize) -> usize {
        let batch = self.full_batch(samples);
        if samples.is_multiple_of(batch) { batch } else { samples % batch }
    }

    /// K for so many samples.
    pub fn steps(&self, samples: usize) -> usize {
        self.epochs as usize * self.batches(samples).div_ceil(self.accumulate.batches().max(1) as usize)
    }

    /// Weight decay, given or PyTorch's.
    pub fn decay(&self) -> f64 {
        self.weight_decay.unwrap_or(match self.optimiser {
            LocalOptimiser::AdamW => ADAMW_DECAY,
            LocalOptimiser::Sgd | LocalOptimiser::Adam => 0.0,
        })
    }

    /// Decay of Adam's moments, given or PyTorch's.
    pub fn betas(&self) -> [f64; 2] {
        self.betas.unwrap_or(BETAS)
    }

    /// What Adam adds to the root, given or PyTorch's.
    pub fn eps(&self) -> f64 {
        self.eps.unwrap_or(EPS)
    }

    /// The first field that cannot be used on so many samples, and why.
    pub(super) fn check(&self, samples: usize) -> Result<(), (&'static str, String)> {
        for (field, value) in [
            ("epochs", Some(f64::from(self.epochs))),
            ("learning_rate", Some(self.learning_rate)),
            ("momentum", Some(self.momentum)),
            ("dampening", Some(self.dampening)),
            ("eps", self.eps),
            ("weight_decay", self.weight_decay),
            ("clip", self.clip),
            ("proximal", Some(self.proximal)),
        ] {
            in_range(field, value)?;
        }
        if let Some(batch) = self.batch
            && !(1..=samples).contains(&(batch as usize))
        {
            let hold = format!("= {batch}, but the attacked client holds {samples} sample(s)");
            return Err(("batch", format!("{hold}; use 1 to {samples}, or leave it out for all")));
        }
        let (accumulate, batches) = (self.accumulate.batches(), self.batches(samples));
        if !(1..=batches).contains(&(accumulate as usize)) {
            let remedy = match (accumulate, batches) {
                (0, _) => "leave it out for a step after each".to_owned(),
                (_, 1) => "set batch to the samples of one batch, or leave it out".to_owned(),
                (_, most) => format!("use 1 to {most}"),
            };
            let message =
                format!("= {accumulate}, but an epoch of the attacked client has {batches} batch(es)");
            return Err(("accumulate", format!("{message}; {remedy}")));
        }
        match self.optimiser {
            LocalOptimiser::Sgd => self.check_sgd(),
            LocalOptimiser::Adam | LocalOptimiser::AdamW => self.check_adam(),
        }
    }

    fn check_sgd(&self) -> Result<(), (&'static str, String)> {
        if self.dampening > 0.0 && self.momentum == 0.0 {
            let message = format!("= {}, but there is no momentum to dampen; set momentum", self.dampening);
            return Err(("dampening", message + ", or remove it"));
        }
        if self.nesterov && (self.momentum == 0.0 || self.dampening > 0.0) {
            let message = "= true needs a momentum above 0 and no dampening, as in PyTorch";
            let remedy = if self.momentum == 0.0 { "set momentum" } else { "remove dampening" };
            return Err(("nesterov", format!("{message}; {remedy}, or leave it out")));
        }
        for (field, given) in [("betas", self.betas.is_some()), ("eps", self.eps.is_some())] {
            if given {
                let message =
                    "belongs to Adam, but the optimiser is SGD; set optimiser = \"adam\", or remove it";
                return Err((field, message.into()));
            }
        }
        Ok(())
    }

    fn check_adam(&self) -> Result<(), (&'static str, String)> {
        for (field, given) in [
            ("momentum", self.momentum != 0.0),
            ("dampening", self.dampening != 0.0),
            ("nesterov", self.nesterov),
        ] {
            if given {
                let message = "belongs to SGD, but the optimiser is Adam, whose moments are betas = [0.9, 0.999]; \
                               remove it";
                return Err((field, message.into()));
            }
        }
        if !self.betas().iter().all(|beta| (0.0..1.0).contains(beta)) {
            return Err(("betas", format!("= {:?}, must both be 0 or more and below 1", self.betas())));
        }
        Ok(())
    }
}

/// Whether the setting of that name in a federation allows a value.
fn in_range(field: &'static str, value: Option<f64>) -> Result<(), (&'static str, String)> {
    let key = match field {
        "epochs" => "federation.local_epochs".to_owned(),
        field => format!("federation.{field}"),
    };
    let refused = setting::of(&key).zip(value).and_then(|(setting, value)| setting.range.refuses(value));
    refused.map_or(Ok(()), |message| Err((field, message)))
}
