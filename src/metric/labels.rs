//! How much of a batch's labels an attack got right.

use std::collections::HashMap;

/// Share of the true labels that the attack names, as multisets: sum over classes of min(true count, guessed
/// count) / batch, range [0, 1]. The order is not judged: the gradient of a batch does not hold it.
pub fn label_accuracy(truth: &[usize], guessed: &[usize]) -> f64 {
    let mut open = counts(truth);
    let mut right = 0;
    for label in guessed {
        if let Some(count @ 1..) = open.get_mut(label) {
            *count -= 1;
            right += 1;
        }
    }
    f64::from(right) / truth.len() as f64
}

/// Over all classes, absent ones included, the share of which the attack knows whether the batch holds them
/// (iLRG's LeAcc) and how often (its LnAcc). Most classes of a large set are absent: predicting nothing is right
/// there, so both are read beside [`label_accuracy`].
pub fn class_accuracy(truth: &[usize], guessed: &[usize], classes: usize) -> ClassAccuracy {
    let (truth, guessed) = (counts(truth), counts(guessed));
    let known = |same: fn(usize, usize) -> bool| {
        let count = |of: &HashMap<usize, usize>, class: usize| of.get(&class).copied().unwrap_or(0);
        let right = (0..classes).filter(|&class| same(count(&truth, class), count(&guessed, class)));
        right.count() as f64 / classes as f64
    };
    ClassAccuracy {
        existence: known(|truth, guessed| (truth > 0) == (guessed > 0)),
        count: known(|truth, guessed| truth == guessed),
    }
}

/// What an attack knows of every class, range [0, 1] each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassAccuracy {
    /// Share of classes known to be there or not.
    pub existence: f64,
    /// Share of classes whose count is known.
    pub count: f64,
}

fn counts(labels: &[usize]) -> HashMap<usize, usize> {
    let mut counts = HashMap::new();
    for &label in labels {
        *counts.entry(label).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_compared_as_multisets() {
        assert_eq!(label_accuracy(&[3, 1, 1, 7], &[1, 7, 3, 1]), 1.0);
        assert_eq!(label_accuracy(&[3, 1, 1, 7], &[1, 1, 1, 1]), 0.5);
        assert_eq!(label_accuracy(&[3], &[4]), 0.0);
        assert_eq!(label_accuracy(&[1, 2], &[2]), 0.5);
    }

    #[test]
    fn classes_are_judged_whether_they_are_there_or_not() {
        let judged = |guessed: &[usize]| class_accuracy(&[3, 1, 1, 7], guessed, 10);
        assert_eq!(judged(&[1, 7, 3, 1]), ClassAccuracy { existence: 1.0, count: 1.0 });
        // All three are named, but 1 once too seldom and 3 once too often.
        assert_eq!(judged(&[1, 3, 3, 7]), ClassAccuracy { existence: 1.0, count: 0.8 });
        assert_eq!(judged(&[0, 1, 1, 1]), ClassAccuracy { existence: 0.7, count: 0.6 });
        // 24 of 1000 classes are there: knowing nothing is right for 976.
        let batch: Vec<usize> = (0..24).collect();
        assert_eq!(class_accuracy(&batch, &[], 1000), ClassAccuracy { existence: 0.976, count: 0.976 });
    }
}
