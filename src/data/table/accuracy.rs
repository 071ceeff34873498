//! How many fields of a reconstructed row are right, as Vero et al. count them (TabLeak, ICML 2023, arXiv
//! 2210.01785).

use super::{ColumnKind, Table, Value};

/// A number is right if it is off by at most this many standard deviations of its column: the value of
/// TabLeak's code.
pub const TOLERANCE: f64 = 0.319;

/// Fields of one row, or the sum over several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FieldAccuracy {
    /// Categorical fields with the right word.
    pub categorical_right: usize,
    /// Categorical fields.
    pub categorical: usize,
    /// Continuous fields within the tolerance.
    pub continuous_right: usize,
    /// Continuous fields.
    pub continuous: usize,
}

impl FieldAccuracy {
    /// Share of fields that are right, 0 to 1; absent for a row without fields.
    pub fn share(&self) -> Option<f64> {
        share(self.categorical_right + self.continuous_right, self.categorical + self.continuous)
    }
}

impl std::ops::AddAssign for FieldAccuracy {
    fn add_assign(&mut self, other: FieldAccuracy) {
        self.categorical_right += other.categorical_right;
        self.categorical += other.categorical;
        self.continuous_right += other.continuous_right;
        self.continuous += other.continuous;
    }
}

fn share(right: usize, all: usize) -> Option<f64> {
    (all > 0).then(|| right as f64 / all as f64)
}

/// Which fields of one row are right beside the truth, both as the values that a model sees. A word is right if it is
/// the same; a number if it is off by at most `tolerance` standard deviations of its column ([`TOLERANCE`]). In a
/// column that never changes every number within rounding of it is right.
///
/// # Panics
/// If one of them has not [`Table::width`] values.
pub fn right_fields(table: &Table, truth: &[f64], row: &[f64], tolerance: f64) -> Vec<bool> {
    let pairs = table.decode(truth).into_iter().zip(table.decode(row));
    let right = pairs.zip(&table.columns).map(|((truth, guess), column)| match (truth.value, guess.value) {
        (Value::Word(truth), Value::Word(guess)) => truth == guess,
        (Value::Number(truth), Value::Number(guess)) => {
            let within = match column.kind {
                ColumnKind::Numeric { std, .. } => tolerance * std,
                ColumnKind::Categorical { .. } => 0.0,
            };
            (truth - guess).abs() <= within + 1e-9 * truth.abs()
        }
        _ => false,
    });
    right.collect()
}

/// How many fields of each kind [`right_fields`] finds right.
///
/// # Panics
/// If one of the rows has not [`Table::width`] values.
pub fn field_accuracy(table: &Table, truth: &[f64], row: &[f64], tolerance: f64) -> FieldAccuracy {
    let mut accuracy = FieldAccuracy::default();
    for (right, column) in right_fields(table, truth, row, tolerance).into_iter().zip(&table.columns) {
        let (all, among) = match column.kind {
            ColumnKind::Numeric { .. } => (&mut accuracy.continuous, &mut accuracy.continuous_right),
            ColumnKind::Categorical { .. } => (&mut accuracy.categorical, &mut accuracy.categorical_right),
        };
        *all += 1;
        *among += usize::from(right);
    }
    accuracy
}

#[cfg(test)]
mod tests {
    use super::super::decoding::people;
    use super::*;

    /// Ages count in units of (60 - 20) years, with a deviation of 10 years.
    fn of(truth: [f64; 4], row: [f64; 4]) -> FieldAccuracy {
        field_accuracy(&people(), &truth, &row, TOLERANCE)
    }

    #[test]
    fn numbers_within_the_tolerance_and_equal_words_are_right() {
        let truth = [0.5, 0.0, 1.0, 0.0];
        let exact = of(truth, [0.5 + 3.18 / 40.0, 0.1, 0.3, 0.2]);
        assert_eq!((exact.continuous_right, exact.categorical_right), (1, 1));
        assert_eq!(exact.share(), Some(1.0));
        let older = of(truth, [0.5 - 3.20 / 40.0, 0.1, 0.3, 0.2]);
        assert_eq!((older.continuous_right, older.categorical_right, older.share()), (0, 1, Some(0.5)));
        let redder = of(truth, [0.5, 0.4, 0.3, 0.2]);
        assert_eq!((redder.continuous_right, redder.categorical_right, redder.share()), (1, 0, Some(0.5)));
        assert_eq!(of(truth, [f64::NAN; 4]).share(), Some(0.0));
        assert_eq!(field_accuracy(&people(), &truth, &[0.7, 0.0, 1.0, 0.0], 1.0).share(), Some(1.0));
    }

    #[test]
    fn rows_add_up() {
        let truth = [0.5, 0.0, 1.0, 0.0];
        let mut sum = of(truth, truth);
        sum += of(truth, [1.0, 0.0, 1.0, 0.0]);
        assert_eq!((sum.continuous, sum.continuous_right, sum.share()), (2, 1, Some(0.75)));
        assert_eq!(FieldAccuracy::default().share(), None);
    }
}
