//! `attack.target`: whose samples a malicious server singles out.

use serde::{Deserialize, Serialize};

/// A class of the batch, or every sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub enum Target {
    /// The one that the fewest samples have; of several the first sample's.
    Rarest,
    /// This one.
    Class(usize),
    /// None alone: every sample, one after another.
    Each,
}

/// As written in a preset.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "attack.target is \"rarest\", a class as 3, or \"each\"")]
enum Written {
    Word(Word),
    Class(usize),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Rarest,
    Each,
}

impl From<Written> for Target {
    fn from(written: Written) -> Target {
        match written {
            Written::Word(Word::Rarest) => Target::Rarest,
            Written::Word(Word::Each) => Target::Each,
            Written::Class(class) => Target::Class(class),
        }
    }
}

impl From<Target> for Written {
    fn from(target: Target) -> Written {
        match target {
            Target::Rarest => Written::Word(Word::Rarest),
            Target::Each => Written::Word(Word::Each),
            Target::Class(class) => Written::Class(class),
        }
    }
}

impl Target {
    /// The class that it means of a batch with these labels, of every sample the one that most have; nothing if no sample has it.
    pub fn among(self, labels: &[usize]) -> Option<usize> {
        let count = |class: usize| labels.iter().filter(|label| **label == class).count();
        match self {
            Target::Rarest => labels.iter().copied().min_by_key(|label| count(*label)),
            Target::Each => labels.iter().rev().copied().max_by_key(|label| count(*label)),
            Target::Class(class) => labels.contains(&class).then_some(class),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rarest_class_is_the_first_of_the_fewest() {
        assert_eq!(Target::Rarest.among(&[4, 7, 4, 2]), Some(7));
        assert_eq!(Target::Rarest.among(&[4, 4]), Some(4));
        assert_eq!(Target::Rarest.among(&[]), None);
        assert_eq!((Target::Each.among(&[7, 4, 2, 4, 2]), Target::Each.among(&[7, 4])), (Some(4), Some(7)));
        assert_eq!((Target::Class(2).among(&[4, 2]), Target::Class(3).among(&[4, 2])), (Some(2), None));
    }
}
