//! Tables: rows of named fields as samples. A numeric field is one value, scaled to [0, 1] by its range; a
//! categorical one is as many values as it has words, one of which is 1. So a table's samples have shape
//! `[1, 1, width]`, and every model for flat inputs and every attack runs on them without knowing.
//!
//! - [`Table`], [`Field`]: what the values of a row mean, and back from values to fields
//! - [`FieldAccuracy`]: how many fields of a reconstructed row are right
//! - `text`, `layout`: from bytes to rows, and what separates their columns
//! - `number`, `unit`, `survey`: how numbers, dates and missing values are written
//! - `schema`: types from a file or from the content
//! - `read`: files

mod accuracy;
mod apart;
mod layout;
mod number;
mod read;
mod schema;
mod survey;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod text;
mod unit;

pub use accuracy::{FieldAccuracy, TOLERANCE, field_accuracy, right_fields};
pub(super) use read::{embedded, open};

use std::fmt;

/// The columns of a table that a model sees, in order, without the target.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Name of the column that holds the classes.
    pub target: String,
    /// What a model sees.
    pub columns: Vec<Column>,
}

/// One column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// From the header, or `column 1`, `column 2`, ...
    pub name: String,
    /// Its type.
    pub kind: ColumnKind,
    /// Whether its smallest and its largest number, or both its words, are public by themselves, not found over the rows.
    pub given: [bool; 2],
}

/// Type of a column, public with the model.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnKind {
    /// One value: 0 at `min`, 1 at `max`.
    Numeric {
        /// Smallest, in the column's own unit.
        min: f64,
        /// Largest.
        max: f64,
        /// Standard deviation over the whole table, in the column's own unit.
        std: f64,
    },
    /// One value for each word, 1 for the one that is meant and 0 for the others.
    Categorical {
        /// The words.
        values: Vec<String>,
    },
}

/// One field of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Field<'a> {
    /// Name of its column.
    pub name: &'a str,
    /// What it says.
    pub value: Value<'a>,
}

/// What a field says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// In the column's own unit.
    Number(f64),
    /// One of the column's words.
    Word(&'a str),
}

impl ColumnKind {
    /// Values that a model sees for this column.
    pub fn width(&self) -> usize {
        match self {
            ColumnKind::Numeric { .. } => 1,
            ColumnKind::Categorical { values } => values.len(),
        }
    }

    /// The field that these values say; they are as many as [`ColumnKind::width`].
    fn decode(&self, values: &[f64]) -> Value<'_> {
        match self {
            ColumnKind::Numeric { min, max, .. } => {
                Value::Number(min + values.first().copied().unwrap_or(f64::NAN) * (max - min))
            }
            ColumnKind::Categorical { values: words } => {
                let score = |i: &usize| if values[*i].is_nan() { f64::NEG_INFINITY } else { values[*i] };
                // The first of equals.
                let best = (0..words.len()).rev().max_by(|a, b| score(a).total_cmp(&score(b)));
                Value::Word(best.map_or("", |best| &words[best]))
            }
        }
    }
}

impl Table {
    /// Values in one sample.
    pub fn width(&self) -> usize {
        self.columns.iter().map(|column| column.kind.width()).sum()
    }

    /// The fields of a row from the values that a model sees. Numbers are not clamped to their range; of the
    /// words the one with the largest value is taken.
    ///
    /// # Panics
    /// If there are not [`Table::width`] values.
    pub fn decode(&self, values: &[f64]) -> Vec<Field<'_>> {
        assert_eq!(values.len(), self.width(), "values of one row");
        let mut rest = values;
        let fields = self.columns.iter().map(|column| {
            let (own, others) = rest.split_at(column.kind.width());
            rest = others;
            Field { name: &column.name, value: column.kind.decode(own) }
        });
        fields.collect()
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Number(number) => write!(f, "{number}"),
            Value::Word(word) => f.write_str(word),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod decoding {
    use super::*;

    /// Age from 20 to 60 with deviation 10, and one of three colours.
    pub fn people() -> Table {
        let age = ColumnKind::Numeric { min: 20.0, max: 60.0, std: 10.0 };
        let colour = ColumnKind::Categorical { values: ["red", "green", "blue"].map(String::from).into() };
        Table {
            target: "class".into(),
            columns: vec![
                Column { name: "age".into(), kind: age, given: [true; 2] },
                Column { name: "colour".into(), kind: colour, given: [true; 2] },
            ],
        }
    }

    #[test]
    fn values_become_fields_again() {
        let table = people();
        assert_eq!(table.width(), 4);
        let text = |values: &[f64]| {
            let fields = table.decode(values);
            fields.iter().map(|field| format!("{} {}", field.name, field.value)).collect::<Vec<_>>()
        };
        assert_eq!(text(&[0.25, 0.0, 0.0, 1.0]), ["age 30", "colour blue"]);
        assert_eq!(text(&[1.5, 0.2, 0.3, -4.0]), ["age 80", "colour green"]);
        assert_eq!(text(&[0.0, f64::NAN, 0.1, 0.1]), ["age 20", "colour green"]);
        assert_eq!(text(&[f64::NAN, f64::NAN, f64::NAN, f64::NAN]), ["age NaN", "colour red"]);
    }
}
