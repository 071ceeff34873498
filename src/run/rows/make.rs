//! From the values that a model sees to rows of a table.

use super::{Cell, Field, MOST_CELLS, MOST_FIELDS, MOST_ROWS, Row, Rows, Value};
use crate::data::{self, Batch, Column, ColumnKind, Dataset, Images, TOLERANCE, Table, right_fields};
use crate::metric;
use crate::text;

/// Decimals that any value is told with at most.
const MOST_DECIMALS: f64 = 12.0;

/// What the values of a run's samples mean. Knows the ground truth: it lives with the evaluator.
#[derive(Debug, Clone)]
pub struct Tabulator {
    set: String,
    table: Table,
    /// What the table says of its columns is known, not made up from their number.
    is_known: bool,
    classes: Vec<String>,
    /// What every field is guessed as without an update.
    others: Option<Vec<f64>>,
}

impl Tabulator {
    /// For samples of this shape, which belong to this set if there is one; nothing if they are images. Where no table
    /// says what flat values mean they are numbers under no name.
    pub fn of(shape: [usize; 4], truth: Option<&Batch>, set: Option<&Dataset>) -> Option<Tabulator> {
        let [_, channels, height, width] = shape;
        if (channels, height) != (1, 1) {
            return None;
        }
        let known = set.and_then(|set| Some((set, set.table.as_ref()?)));
        let (table, is_known) = match known.filter(|(_, table)| table.width() == width) {
            Some((_, table)) => (table.clone(), true),
            None => (nameless(width), false),
        };
        let others = set.zip(truth).filter(|_| is_known);
        Some(Tabulator {
            set: set.map_or_else(String::new, |set| text::one_line(&set.name).into_owned()),
            table,
            is_known,
            classes: set.map_or_else(Vec::new, |set| set.classes.clone()),
            others: others.and_then(|(set, truth)| metric::mean_of_others(set, &truth.images, None)),
        })
    }

    /// The private records.
    pub fn truth(&self, truth: &Batch) -> Rows {
        let row = |at: usize| {
            let values = truth.images.sample(at);
            let baseline = self.others.as_ref().map(|others| self.judged(values, others));
            let baseline = baseline.map(|right| right.into_iter().filter(|right| *right).count());
            Row { baseline, ..self.row(values, truth.labels.get(at).copied()) }
        };
        self.rows(truth.images.samples, row)
    }

    /// What an attack has, in the order of the private records. As with pictures, what leaves the range of its field
    /// counts as the end of it.
    pub fn guess(&self, images: &Images, labels: &[usize], truth: Option<&Batch>) -> Rows {
        let images = images.clamped();
        // Without the spread of a column nobody can say what is near.
        let judge = truth.filter(|_| self.is_known);
        let row = |at: usize| {
            let (values, label) = (images.sample(at), labels.get(at).copied());
            let mut row = self.row(values, label);
            if let Some(truth) = judge.filter(|truth| at < truth.images.samples) {
                let right = self.judged(truth.images.sample(at), values);
                row.right = Some(right.iter().filter(|right| **right).count());
                row.cells.iter_mut().zip(right).for_each(|(cell, right)| cell.right = Some(right));
            }
            if let (Some(truth), Some(cell)) = (truth, &mut row.label) {
                cell.right = Some(truth.labels.get(at).copied() == label);
            }
            row
        };
        self.rows(images.samples, row)
    }

    fn judged(&self, truth: &[f64], values: &[f64]) -> Vec<bool> {
        right_fields(&self.table, truth, values, TOLERANCE)
    }

    fn rows(&self, samples: usize, row: impl Fn(usize) -> Row) -> Rows {
        let told = self.told();
        let kept = samples.min(MOST_ROWS).min((MOST_CELLS / told.max(1)).max(1));
        Rows {
            set: self.set.clone(),
            samples,
            width: self.table.columns.len(),
            fields: self.table.columns.iter().take(told).map(field).collect(),
            target: text::one_line(&self.table.target).into_owned(),
            rows: (0..kept).map(row).collect(),
        }
    }

    fn told(&self) -> usize {
        self.table.columns.len().min(MOST_FIELDS)
    }

    fn row(&self, values: &[f64], label: Option<usize>) -> Row {
        let cell = |value: Value| Cell { value, right: None, confidence: None };
        let fields = self.table.decode(values).into_iter().take(self.told());
        let cells = fields.map(|field| match field.value {
            data::Value::Number(number) => cell(Value::Number(number)),
            data::Value::Word(word) => cell(Value::Word(text::one_line(word).into_owned())),
        });
        let class = |label: usize| match self.classes.get(label) {
            Some(name) => text::one_line(name).into_owned(),
            None => label.to_string(),
        };
        Row {
            cells: cells.collect(),
            label: label.map(|label| cell(Value::Word(class(label)))),
            right: None,
            baseline: None,
        }
    }
}

fn field(column: &Column) -> Field {
    let decimals = match column.kind {
        // A hundredth of the deviation: what is told apart is far below the tolerance.
        ColumnKind::Numeric { std, .. } if std > 0.0 => {
            Some((2.0 - std.log10()).ceil().clamp(0.0, MOST_DECIMALS) as u8)
        }
        _ => None,
    };
    Field { name: text::one_line(&column.name).into_owned(), decimals }
}

/// Values of which nothing is known but how many there are.
fn nameless(width: usize) -> Table {
    let column = |at: usize| Column {
        name: format!("value {}", at + 1),
        kind: ColumnKind::Numeric { min: 0.0, max: 1.0, std: 0.0 },
        given: [true; 2],
    };
    Table { target: "class".into(), columns: (0..width).map(column).collect() }
}
