//! Facts on the defences that a client can put on: data alone, so that lists, presets and their refusals need no engine.
//!
//! A defence is a file here, a line in [`DEFENCES`], and what it does to an update, in `fl::post`.

mod ats;
mod cast;
mod censor;
mod clip;
mod dcs;
mod dp_sgd;
mod drop_layers;
mod dropout;
mod gaussian_noise;
mod graddefense;
mod laplace_noise;
mod mixup;
mod noise_only;
mod outpost;
mod precode;
mod quantise;
mod secure_aggregation;
mod sign;
mod soteria;
mod sparsify;

use std::fmt;

pub use noise_only::NOISE_ONLY;

use crate::range::Range;

/// What is known of a defence.
#[derive(Debug)]
pub struct Defence {
    /// Name in presets.
    pub name: &'static str,
    /// Other words for it, which presets do not take.
    pub also: &'static [&'static str],
    /// For headings.
    pub title: &'static str,
    /// Authors, venue, number.
    pub source: &'static str,
    /// Year of the first publication.
    pub year: u16,
    /// What of a client's work it acts on.
    pub stage: Stage,
    /// What it does, in a line.
    pub about: &'static str,
    /// Its parameters, in their order.
    pub parameters: &'static [Parameter],
    /// What attackers who know of it do about it, and what shows it to those who do not.
    pub adaptive: &'static str,
}

/// What of a client's work a defence acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Its samples, before any gradient.
    Data,
    /// The pass through the model of every sample.
    Pass,
    /// The gradient of every sample, before the mean over the batch.
    Sample,
    /// The update of its batch, with the samples at hand.
    Batch,
    /// Its whole update, gradient or weight difference, after local training.
    Update,
    /// What the server receives of all clients.
    Sum,
}

impl Stage {
    /// For lists.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Data => "data",
            Stage::Pass => "pass",
            Stage::Sample => "sample",
            Stage::Batch => "batch",
            Stage::Update => "update",
            Stage::Sum => "sum",
        }
    }
}

/// A parameter of a defence.
#[derive(Debug)]
pub struct Parameter {
    /// Key in presets.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Unit; empty if it has none.
    pub unit: &'static str,
    /// What it can be.
    pub takes: Takes,
    /// What it is where a preset does not say; absent where a preset must.
    pub default: Option<Value>,
}

/// What a parameter can be.
#[derive(Debug)]
pub enum Takes {
    /// A finite number of this range.
    Number(Range),
    /// A whole number between two, both allowed.
    Whole(u32, u32),
    /// One of these words.
    Word(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// Names of the model's tensors or layers; `first` and `last` are its first and last layer.
    Layers,
    /// Lists of numbers: `3-1-7` or, of several, `3-1-7+43-18-18`.
    Policies,
}

impl Takes {
    /// In words, for lists and refusals.
    pub fn range(&self) -> String {
        match self {
            Takes::Number(range) => range.to_string(),
            Takes::Whole(least, most) => format!("a whole number from {least} to {most}"),
            Takes::Word(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
                words.join(" or ")
            }
            Takes::Flag => "true or false".to_owned(),
            Takes::Layers => {
                "\"first\", \"last\" or a list of layers and tensors, as [\"fc.weight\"]".to_owned()
            }
            Takes::Policies => {
                "one policy or several, as \"3-1-7\" or \"3-1-7+43-18-18\", each a list of numbers".to_owned()
            }
        }
    }
}

/// A value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Of a number.
    Number(f64),
    /// Of a whole number.
    Whole(u32),
    /// Of a word.
    Word(&'static str),
    /// Of a flag.
    Flag(bool),
    /// Of names of layers.
    Layers(Vec<String>),
    /// Of lists of numbers.
    Policies(Vec<Vec<usize>>),
}

/// As it is typed.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Number(number) => write!(f, "{number}"),
            Value::Whole(whole) => write!(f, "{whole}"),
            Value::Word(word) => f.write_str(word),
            Value::Flag(flag) => write!(f, "{flag}"),
            Value::Layers(names) => write!(f, "{names:?}"),
            Value::Policies(policies) => {
                let joined =
                    |policy: &Vec<usize>| policy.iter().map(usize::to_string).collect::<Vec<_>>().join("-");
                f.write_str(&policies.iter().map(joined).collect::<Vec<_>>().join("+"))
            }
        }
    }
}

/// All defences, in the order in which they are best applied.
pub static DEFENCES: [&Defence; 20] = [
    &ats::ATS,
    &mixup::MIXUP,
    &mixup::INSTAHIDE,
    &precode::PRECODE,
    &dropout::DROPOUT,
    &dp_sgd::DP_SGD,
    &soteria::SOTERIA,
    &censor::CENSOR,
    &dcs::DCS,
    &outpost::OUTPOST,
    &graddefense::GRADDEFENSE,
    &clip::CLIP,
    &sparsify::SPARSIFY,
    &drop_layers::DROP_LAYERS,
    &gaussian_noise::GAUSSIAN_NOISE,
    &laplace_noise::LAPLACE_NOISE,
    &quantise::QUANTISE,
    &cast::CAST,
    &sign::SIGN,
    &NOISE_ONLY,
];

/// Defences that are no step of a client, each with the setting that switches it on.
pub static SETTINGS: [(&Defence, &str); 1] =
    [(&secure_aggregation::SECURE_AGGREGATION, "federation.secure_aggregation")];

/// A published defence that is not here.
#[derive(Debug)]
pub struct Absent {
    /// As its authors call it.
    pub title: &'static str,
    /// Words for it, which presets do not take.
    pub also: &'static [&'static str],
    /// Authors, venue, number.
    pub source: &'static str,
    /// Why.
    pub why: &'static str,
}

/// Defences that one could look for here in vain.
pub static ABSENT: [Absent; 1] = [Absent {
    title: "Refiner",
    also: &["refiner"],
    source: "Fan et al., USENIX Security 2025, arXiv 2212.02042",
    why: "it judges its stand-in pictures by a trained network that could not be had",
}];

/// The defence of this name.
pub fn defence(name: &str) -> Option<&'static Defence> {
    DEFENCES.iter().copied().find(|defence| defence.name == name)
}

/// Names of all defences.
pub fn names() -> impl Iterator<Item = &'static str> + Clone {
    DEFENCES.iter().map(|defence| defence.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_single_and_defaults_are_allowed() {
        for defence in DEFENCES {
            let others = || DEFENCES.iter().copied().chain(SETTINGS.iter().map(|(defence, _)| *defence));
            let words = || others().flat_map(|other| other.also.iter().copied().chain([other.name]));
            for name in defence.also.iter().chain([&defence.name]) {
                assert_eq!(words().filter(|word| word == name).count(), 1, "{name}");
            }
            assert!(!defence.about.is_empty() && !defence.adaptive.is_empty(), "{}", defence.name);
            for Parameter { name, takes, default, .. } in defence.parameters {
                let fits = match (takes, default) {
                    (_, None) => true,
                    (Takes::Number(range), Some(Value::Number(value))) => range.refuses(*value).is_none(),
                    (Takes::Whole(least, most), Some(Value::Whole(value))) => (least..=most).contains(&value),
                    (Takes::Word(words), Some(Value::Word(word))) => words.contains(word),
                    (Takes::Flag, Some(Value::Flag(_))) => true,
                    _ => false,
                };
                assert!(fits, "{}.{name}", defence.name);
            }
        }
    }
}
