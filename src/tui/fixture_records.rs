//! Recorded runs on rows of a table, made from code.

use crate::run::event::{PictureOf, Tiles};
use crate::run::rows::{Cell, Field, Row, Rows, Value};
use crate::run::{Event, Line};

const NAMES: [(&str, u8); 10] = [
    ("radius", 2),
    ("texture", 2),
    ("perimeter", 1),
    ("area", 0),
    ("smoothness", 4),
    ("compactness", 3),
    ("concavity", 3),
    ("concave points", 3),
    ("symmetry", 3),
    ("fractal dimension", 4),
];

/// The same run on so many records, with or without their truth.
pub fn of_table(lines: Vec<Line>, samples: usize, has_truth: bool) -> Vec<Line> {
    let rows = |line: Line| {
        let Event::Picture { round, trial, iteration, what, metrics, .. } = line.event else {
            return Some(line);
        };
        let is_truth = what == PictureOf::Truth;
        if is_truth && !has_truth {
            return None;
        }
        let table = Box::new(table(
            samples,
            if is_truth { 0.0 } else { 40.0 / iteration as f64 },
            is_truth,
            has_truth,
        ));
        Some(Line { event: Event::Rows { round, trial, iteration, what, table, metrics }, ..line })
    };
    lines.into_iter().filter_map(rows).collect()
}

/// The same run as an earlier gialab recorded it: with strips of grey.
pub fn of_strips(mut lines: Vec<Line>) -> Vec<Line> {
    for line in &mut lines {
        if let Event::Picture { tiles, .. } = &mut line.event {
            *tiles = Tiles { samples: 1, columns: 1, width: 30, height: 1 };
        }
    }
    lines
}

fn table(samples: usize, noise: f64, is_truth: bool, has_truth: bool) -> Rows {
    let fields = ["mean", "se", "worst"].iter().flat_map(|of| {
        let numbers = NAMES
            .iter()
            .map(move |(name, decimals)| Field { name: format!("{of} {name}"), decimals: Some(*decimals) });
        numbers.collect::<Vec<_>>()
    });
    let fields: Vec<Field> = fields.chain([Field { name: "hospital".into(), decimals: None }]).collect();
    let row = |sample: usize| {
        let cells = fields.iter().enumerate().map(|(at, field)| {
            let right = (at * 7 + sample) % 10 < 9 || noise < 0.3;
            let value = match field.decimals {
                Some(decimals) => {
                    let own = (1.0 + at as f64 * 0.37 + sample as f64) * 10f64.powi(2 - i32::from(decimals));
                    Value::Number(own * (1.0 + noise * if right { 0.01 } else { 0.5 }))
                }
                None => Value::Word("Charité, Berlin".into()),
            };
            Cell { value, right: (has_truth && !is_truth).then_some(right), confidence: None }
        });
        let cells: Vec<Cell> = cells.collect();
        let right = cells.iter().filter(|cell| cell.right == Some(true)).count();
        let class = Value::Word(["malignant", "benign"][sample % 2].into());
        Row {
            cells,
            label: Some(Cell {
                value: class,
                right: (has_truth && !is_truth).then_some(true),
                confidence: None,
            }),
            right: (has_truth && !is_truth).then_some(right),
            baseline: is_truth.then_some(4),
        }
    };
    Rows {
        set: "breast-cancer".into(),
        samples,
        width: fields.len(),
        target: "diagnosis".into(),
        rows: (0..samples.min(16)).map(row).collect(),
        fields,
    }
}
