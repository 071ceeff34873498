//! How many labels of a batch an attack got right.

use std::collections::HashMap;

/// Share of the true labels that the attack names, as multisets: sum over classes of min(true count, guessed
/// count) / batch, range [0, 1]. The order is not judged: the gradient of a batch does not hold it.
pub fn label_accuracy(truth: &[usize], guessed: &[usize]) -> f64 {
    let mut open: HashMap<usize, usize> = HashMap::new();
    for &label in truth {
        *open.entry(label).or_default() += 1;
    }
    let mut right = 0;
    for label in guessed {
        if let Some(count @ 1..) = open.get_mut(label) {
            *count -= 1;
            right += 1;
        }
    }
    f64::from(right) / truth.len() as f64
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
}
