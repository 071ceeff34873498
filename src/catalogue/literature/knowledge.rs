//! What an attack must know besides the update and the model, and how hard that is to come by.

use serde::{Deserialize, Serialize};

use crate::catalogue::{Facts, LabelUse, Need};

/// Something that a server does not have by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Knowledge {
    /// How the client trains: step size, steps, batches.
    Local,
    /// Statistics of BatchNorm layers.
    BatchNorm,
    /// The labels of the batch.
    Labels,
    /// Data like the client's.
    Surrogate,
    /// A generator or a language model trained on such.
    Generator,
    /// It changes the model that it sends.
    Manipulate,
    /// It chooses clients, or sends each a model of its own.
    Choose,
}

impl Knowledge {
    /// For lists.
    pub fn name(self) -> &'static str {
        match self {
            Knowledge::Local => "local training",
            Knowledge::BatchNorm => "BatchNorm statistics",
            Knowledge::Labels => "labels",
            Knowledge::Surrogate => "like data",
            Knowledge::Generator => "generator",
            Knowledge::Manipulate => "changes the model",
            Knowledge::Choose => "chooses clients",
        }
    }

    /// How easily it is had: 3 by any server, 2 with more or by guessing, 1 only by doing what can be seen.
    pub fn access(self) -> u8 {
        match self {
            Knowledge::Local | Knowledge::BatchNorm => 3,
            Knowledge::Labels | Knowledge::Surrogate | Knowledge::Generator => 2,
            Knowledge::Manipulate | Knowledge::Choose => 1,
        }
    }

    /// A mark for how easily it is had: a full circle is 3.
    pub fn mark(self, ascii: bool) -> &'static str {
        match (self.access(), ascii) {
            (3, false) => "●",
            (3, true) => "*",
            (2, false) => "◐",
            (2, true) => "o",
            (_, false) => "○",
            (_, true) => ".",
        }
    }

    /// All of an attack with their marks, for a line.
    pub fn marked(all: &[Knowledge], ascii: bool) -> String {
        let one = |known: &Knowledge| format!("{} {}", known.mark(ascii), known.name());
        match all {
            [] => "nothing more".to_owned(),
            all => all.iter().map(one).collect::<Vec<_>>().join(", "),
        }
    }

    /// The same as a sentence.
    pub fn in_words(all: &[Knowledge]) -> String {
        let one = |known: &Knowledge| {
            let ease = match known.access() {
                3 => "any server has it",
                2 => "to be granted, read off or collected",
                _ => "a client that looks can see it",
            };
            format!("{} ({ease})", known.name())
        };
        match all {
            [] => "the update and the model alone".to_owned(),
            all => format!("the update, the model, {}", all.iter().map(one).collect::<Vec<_>>().join(", ")),
        }
    }

    /// That of an attack that runs here.
    pub fn of(facts: &Facts) -> Vec<Knowledge> {
        let labels = (facts.labels == LabelUse::Needs).then_some(Knowledge::Labels);
        let mut all: Vec<Knowledge> =
            labels.into_iter().chain(facts.needs.iter().filter_map(|need| Self::by(*need))).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// What a need asks the attacker to know; most ask something of the client or its model.
    fn by(need: Need) -> Option<Knowledge> {
        match need {
            Need::LocalKnowledge => Some(Knowledge::Local),
            Need::BatchNorm => Some(Knowledge::BatchNorm),
            Need::Generator | Need::Autoencoder => Some(Knowledge::Generator),
            Need::Manipulate => Some(Knowledge::Manipulate),
            Need::Choose => Some(Knowledge::Choose),
            Need::FullyConnected
            | Need::Rows
            | Need::OneGradient
            | Need::LocalSteps
            | Need::OneSample
            | Need::Pictures => None,
        }
    }
}
