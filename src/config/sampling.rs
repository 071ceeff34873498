//! How the private batch is drawn: `sample = { count = 8, classes = "unique" }`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A batch drawn from the set with the run's seed, no sample twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// Samples in the batch, 1 or more.
    #[serde(default = "one")]
    pub count: usize,
    /// Of which classes.
    #[serde(default)]
    pub classes: Classes,
}

fn one() -> usize {
    1
}

/// Which classes the samples have: `"any"`, `"same"`, `"unique"`, `3`, `[3, 5]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Classes {
    /// Any.
    #[default]
    Any,
    /// All of one class, which is drawn too.
    Same,
    /// No class twice.
    Unique,
    /// Only these.
    Of(Vec<usize>),
}

/// As written in a preset.
#[derive(Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "victim.sample.classes is \"any\", \"same\", \"unique\", a class as 3, or several as [3, 5]"
)]
enum Written {
    Word(Word),
    One(usize),
    Several(Vec<usize>),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Any,
    Same,
    Unique,
}

impl<'de> Deserialize<'de> for Classes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Written::deserialize(deserializer)? {
            Written::Word(Word::Any) => Classes::Any,
            Written::Word(Word::Same) => Classes::Same,
            Written::Word(Word::Unique) => Classes::Unique,
            Written::One(class) => Classes::Of(vec![class]),
            Written::Several(classes) => Classes::Of(classes),
        })
    }
}

impl Serialize for Classes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = match self {
            Classes::Any => Written::Word(Word::Any),
            Classes::Same => Written::Word(Word::Same),
            Classes::Unique => Written::Word(Word::Unique),
            Classes::Of(classes) => match classes[..] {
                [class] => Written::One(class),
                _ => Written::Several(classes.clone()),
            },
        };
        written.serialize(serializer)
    }
}

/// After the number of samples: `drawn of one class`.
impl fmt::Display for Sampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.classes {
            Classes::Any => write!(f, "drawn at random"),
            Classes::Same => write!(f, "drawn of one class"),
            Classes::Unique => write!(f, "drawn of different classes"),
            Classes::Of(classes) => match classes[..] {
                [class] => write!(f, "drawn of class {class}"),
                _ => write!(f, "drawn of classes {classes:?}"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;
    use crate::config::{ConfigError, RunConfig, preset};

    fn load(changes: &[&str]) -> Result<RunConfig, ConfigError> {
        let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
        preset::load("ig-lenet", &changes, Path::new("/nonexistent")).map(|preset| preset.config)
    }

    #[test]
    fn every_form_is_read_written_and_counted() {
        for (value, classes, which) in [
            ("{ count = 8 }", Classes::Any, "8 drawn at random"),
            ("{ count = 8, classes = \"same\" }", Classes::Same, "8 drawn of one class"),
            ("{ count = 8, classes = \"unique\" }", Classes::Unique, "8 drawn of different classes"),
            ("{ count = 8, classes = 3 }", Classes::Of(vec![3]), "8 drawn of class 3"),
            ("{ count = 8, classes = [3, 5] }", Classes::Of(vec![3, 5]), "8 drawn of classes [3, 5]"),
        ] {
            let config = load(&[&format!("victim.sample={value}")]).unwrap();
            assert_eq!(config.victim.sample.as_ref().unwrap().classes, classes);
            assert_eq!((config.batch(), config.victim.which().as_str()), (8, which));
            let text = toml::to_string_pretty(&config).unwrap();
            assert_eq!(toml::from_str::<RunConfig>(&text).unwrap(), config);
            let flat = preset::flat(&config);
            let again =
                preset::change(&config, flat.iter().map(|(key, value)| (key.as_str(), value.as_str())));
            assert_eq!(again.unwrap(), config);
        }
    }

    #[test]
    fn indices_and_sampling_replace_each_other_and_exclude_each_other_in_a_file() {
        let config = load(&["victim.indices=[4, 7]", "victim.sample.count=3"]).unwrap();
        assert_eq!((config.batch(), config.victim.positions().len()), (3, 0));
        let config = load(&["victim.sample.count=3", "victim.indices=[4, 7]"]).unwrap();
        assert_eq!((config.batch(), config.victim.positions()), (2, &[4, 7][..]));
        let changed = preset::change(&config, [("victim.sample.classes", "unique")]).unwrap();
        assert_eq!(changed.victim.sample, Some(Sampling { count: 1, classes: Classes::Unique }));
        let emptied = preset::change(&changed, [("victim.sample.classes", ""), ("victim.sample.count", "")]);
        assert_eq!(emptied.unwrap().victim.positions(), [0]);
        let both = RunConfig {
            victim: crate::config::VictimConfig { sample: changed.victim.sample, ..config.victim.clone() },
            ..config
        };
        assert_eq!(
            both.check().unwrap_err(),
            "victim.sample draws the batch, but victim.indices names it; keep one of the two"
        );
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        for (value, expected) in [
            ("{ count = 0 }", "victim.sample.count = 0, must be 1 to 100000"),
            ("{ classes = [] }", "victim.sample.classes is an empty list; name at least one class"),
            (
                "{ classes = \"sane\" }",
                "victim.sample.classes is \"any\", \"same\", \"unique\", a class as 3",
            ),
            ("{ classes = -1 }", "victim.sample.classes is \"any\", \"same\", \"unique\", a class as 3"),
            ("{ counts = 3 }", "`counts` is no setting; did you mean `count`?"),
        ] {
            let error = load(&[&format!("victim.sample={value}")]).unwrap_err();
            assert!(error.message.starts_with(expected), "{value}: {error}");
            assert_eq!(error.origin, format!("--set victim.sample={value}"));
        }
    }
}
