//! What a rule needs of an update, and how it says that it does not have it.

use super::evidence::Sign;
use super::{Rule, rule};
use crate::config::{LocalKnowledge, LocalOptimiser, Loss, RunConfig};

/// An assumption of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The gradient to the classifier's bias was sent.
    Bias,
    /// The update comes from one sample.
    OneSample,
    /// No label comes twice, which more samples than classes cannot keep.
    UniqueLabels,
    /// One score for each class, not the single score of a sigmoid.
    ScorePerClass,
    /// The loss pulls the score of the label up, and no other.
    LabelAlonePulls,
    /// Softmax cross-entropy with hard labels.
    SoftmaxCrossEntropy,
    /// No feature in front of the classifier is negative.
    NonNegativeFeatures,
    /// The features of every sample have a positive sum.
    PositiveSums,
    /// How many times the gradient the update is.
    Scale,
}

/// How an update stands towards the needs, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// Samples behind the update.
    pub samples: usize,
    /// The task loss.
    pub loss: Loss,
    /// The factor between update and gradient is known.
    pub scale: bool,
    /// Scores, once there is a model.
    pub classes: Option<usize>,
    /// Whether the gradient to the classifier's bias was sent.
    pub bias: Option<bool>,
    /// The features of random inputs.
    pub features: Option<Sign>,
}

impl Standing {
    /// Before there is a model: what the config says.
    pub fn planned(config: &RunConfig) -> Standing {
        let captured = config.victim.captured.as_ref();
        let local = match config.knowledge.local {
            LocalKnowledge::Known => config.local(),
            LocalKnowledge::Assumed(local) => Some(local),
            LocalKnowledge::None => None,
        };
        let plain = local.is_some_and(|local| {
            local.optimiser == LocalOptimiser::Sgd && local.momentum == 0.0 && local.clip.is_none()
        });
        Standing {
            samples: config.batch(),
            loss: config.victim.loss,
            scale: captured.is_none_or(|captured| !captured.scale.is_estimated())
                && (!config.takes_steps() || plain),
            classes: None,
            bias: None,
            features: None,
        }
    }
}

impl Need {
    /// What is missing and what to do, in one sentence; nothing if the need is met or cannot be judged yet.
    pub fn unmet(self, standing: &Standing) -> Option<String> {
        self.missing(standing).map(|missing| format!("{missing}; {}", instead(standing)))
    }

    fn missing(self, standing: &Standing) -> Option<String> {
        let Standing { samples, loss, scale, classes, bias, features } = *standing;
        match self {
            Need::Bias if bias == Some(false) => Some(
                "it needs the gradient to the bias of the last layer, which has none or was not sent".into(),
            ),
            Need::OneSample if samples != 1 => {
                Some(format!("it reads the label of a single sample, but the batch has {samples}"))
            }
            Need::UniqueLabels => classes.filter(|classes| samples > *classes).map(|classes| {
                format!(
                    "it takes every label to come once, but {samples} samples are more than {classes} classes"
                )
            }),
            Need::ScorePerClass if classes == Some(1) => {
                Some("it compares the scores of classes, but the model has a single output".into())
            }
            Need::LabelAlonePulls if matches!(loss, Loss::Mse | Loss::MseSoftmax) => Some(format!(
                "it reads labels where they alone pull their score up, which the {} does not do",
                loss.name()
            )),
            Need::SoftmaxCrossEntropy if !matches!(loss, Loss::Ce | Loss::CeSum) => Some(format!(
                "it needs softmax cross-entropy with hard labels, but the loss is the {}",
                loss.name()
            )),
            Need::NonNegativeFeatures if features.is_some_and(|sign| sign != Sign::NonNegative) => Some(
                "it needs features that are never negative, as behind ReLU or sigmoid, but this model's are of mixed sign"
                    .into(),
            ),
            Need::PositiveSums if features == Some(Sign::Mixed) => Some(
                "it needs features with a positive sum, as behind ReLU or sigmoid, but this model's sums are of mixed sign"
                    .into(),
            ),
            Need::Scale if !scale => Some(
                "it needs to know how many times the gradient the update is, but the scale is estimated, or local steps \
                 are unknown, clipped or no plain SGD"
                    .into(),
            ),
            _ => None,
        }
    }
}

/// Rules that tell how often a label comes, in the order in which they are advised.
const COUNTING: [&str; 4] = ["ilrg", "llg", "bias-corrected", "idlg"];

/// What to do instead: a rule that counts and that nothing is known to stop, or no rule.
pub fn instead(standing: &Standing) -> String {
    let fits = |rule: &&Rule| rule.needs.iter().all(|need| need.missing(standing).is_none());
    match COUNTING.iter().filter_map(|name| rule(name)).find(fits) {
        Some(rule) => format!("use {}", rule.name),
        None => "grant the labels, or optimise them".to_owned(),
    }
}
