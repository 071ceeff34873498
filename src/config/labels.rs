//! `knowledge.labels` and `attack.labels`: what the attacker is granted of the labels, and what it does about them.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::older;

/// What an attack does about the labels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Labels {
    /// It takes those that it is granted.
    Given,
    /// It takes those that it is granted, and so many of them, the first ones, as another class: what a mistake costs.
    Wrong(usize),
    /// It optimises them together with the image, as soft labels.
    Optimise,
    /// It reads them off the update, before the search, by the rule of this name.
    Rule(String),
    /// It does without them.
    Unused,
}

impl Labels {
    /// For headers: `given`, `optimised`, `read by ilrg`.
    pub fn name(&self) -> String {
        match self {
            Labels::Given => "given".into(),
            Labels::Wrong(wrong) => format!("given, {wrong} wrong"),
            Labels::Optimise => "optimised".into(),
            Labels::Rule(rule) => format!("read by {rule}"),
            Labels::Unused => "not used".into(),
        }
    }

    /// Whether they are those that are granted, right or wrong.
    pub fn are_granted(&self) -> bool {
        matches!(self, Labels::Given | Labels::Wrong(_))
    }

    /// As written in a preset.
    pub fn key(&self) -> String {
        match self {
            Labels::Given => "\"given\"".into(),
            Labels::Wrong(wrong) => format!("{{ wrong = {wrong} }}"),
            Labels::Optimise => "\"optimise\"".into(),
            Labels::Rule(rule) => format!("{{ rule = \"{rule}\" }}"),
            Labels::Unused => "\"unused\"".into(),
        }
    }
}

/// Reads `knowledge.labels`. The words of schema 1 are told from other mistakes.
pub(super) fn granted<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    struct Grant;

    impl Visitor<'_> for Grant {
        type Value = bool;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a boolean")
        }

        fn visit_bool<E: Error>(self, granted: bool) -> Result<bool, E> {
            Ok(granted)
        }

        fn visit_str<E: Error>(self, word: &str) -> Result<bool, E> {
            match older::labels(word) {
                Some(instead) => Err(E::custom(format!(
                    "knowledge.labels is what is granted, true or false; instead of \"{word}\" write {instead}"
                ))),
                None => Err(E::invalid_type(serde::de::Unexpected::Str(word), &self)),
            }
        }
    }

    deserializer.deserialize_any(Grant)
}
