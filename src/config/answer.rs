//! Which iterate of a trial is its answer: chosen by the objective alone, never by the truth.

use serde::{Deserialize, Serialize};

/// The iterates among which the smallest objective is taken.
///
/// The loss of a net that is sure of itself starts near zero, before the search has found anything: the smallest one
/// of all may be that of noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// All of them.
    Best,
    /// All but the first tenth of the iterations planned.
    AfterWarmUp,
    /// Those of the last quarter of the iterations planned; of a trial that ends before it, all.
    #[default]
    LastQuarter,
    /// The last one alone.
    Last,
}

impl Answer {
    /// Whether the choice begins anew with this iteration, 1-based, of so many.
    pub fn begins(self, iteration: usize, iterations: usize) -> bool {
        match self {
            Answer::Best => false,
            Answer::AfterWarmUp => iteration == iterations / 10 + 1,
            Answer::LastQuarter => iteration == iterations - iterations / 4,
            Answer::Last => true,
        }
    }

    /// Why the iterate of an iteration was taken, 1-based, of so many, by a trial that may have ended early.
    pub fn reason(self, iteration: usize, iterations: usize) -> &'static str {
        let since = |first: usize, late: &'static str| {
            if iteration >= first { late } else { "the smallest objective of a trial that ended early" }
        };
        match self {
            Answer::Best => "the smallest objective of all",
            Answer::AfterWarmUp => since(iterations / 10 + 1, "the smallest objective after warm-up"),
            Answer::LastQuarter => {
                since(iterations - iterations / 4, "the smallest objective of the last quarter")
            }
            Answer::Last => "the last one",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_begins_once_or_never_or_always() {
        let begins = |answer: Answer, iterations: usize| -> Vec<usize> {
            (1..=iterations).filter(|&i| answer.begins(i, iterations)).collect()
        };
        assert!(begins(Answer::Best, 100).is_empty());
        assert_eq!(begins(Answer::AfterWarmUp, 100), [11]);
        assert_eq!(begins(Answer::LastQuarter, 100), [75]);
        assert_eq!(begins(Answer::Last, 3), [1, 2, 3]);
        assert_eq!((begins(Answer::LastQuarter, 1), begins(Answer::AfterWarmUp, 1)), (vec![1], vec![1]));
    }

    #[test]
    fn the_reason_is_that_of_the_iterate() {
        assert_eq!(Answer::LastQuarter.reason(75, 100), "the smallest objective of the last quarter");
        assert_eq!(Answer::LastQuarter.reason(74, 100), "the smallest objective of a trial that ended early");
        assert_eq!(Answer::Best.reason(3, 60), "the smallest objective of all");
    }
}
