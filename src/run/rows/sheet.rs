//! One record beside the truth as text.

use super::{Cell, Field, MOST_ROWS, Row, Rows, Value};
use crate::config::Labels;
use crate::data::TOLERANCE;
use crate::format;

/// One record of a batch, as an attack has it, beside the truth if that is known.
#[derive(Debug, Clone, Copy)]
pub struct Sheet<'a> {
    truth: Option<&'a Rows>,
    found: &'a Rows,
    at: usize,
}

/// One line of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Told<'a> {
    /// Name of the field.
    pub field: &'a str,
    /// What it says; absent without a ground truth.
    pub truth: Option<String>,
    /// What came back.
    pub found: String,
    /// How far that is off; absent for words and without a ground truth.
    pub off: Option<String>,
    /// How sure the attack is of it, 0 to 1, if it can tell.
    pub confidence: Option<f64>,
    /// Whether it is right; absent without a ground truth.
    pub right: Option<bool>,
}

impl<'a> Sheet<'a> {
    /// Record `at` of a batch, from 0 on; the last one if there are not so many.
    pub fn new(truth: Option<&'a Rows>, found: &'a Rows, at: usize) -> Sheet<'a> {
        Sheet { truth, found, at: at.min(found.samples.saturating_sub(1)) }
    }

    /// What the attack has.
    pub fn rows(&self) -> &'a Rows {
        self.found
    }

    /// Whether there is a ground truth beside it.
    pub fn has_truth(&self) -> bool {
        self.truth.is_some()
    }

    /// Whether the attack says of any field how sure it is.
    pub fn has_confidence(&self) -> bool {
        self.found.rows.iter().flat_map(|row| &row.cells).any(|cell| cell.confidence.is_some())
    }

    /// `record 2 of 8, breast-cancer`.
    pub fn title(&self) -> String {
        let set = if self.found.set.is_empty() { String::new() } else { format!(", {}", self.found.set) };
        format!("record {} of {}{set}", self.at + 1, self.found.samples)
    }

    /// Its fields in order; none if the run kept only the first records of its batch.
    pub fn fields(&self) -> Vec<Told<'a>> {
        let Some(row) = self.found.rows.get(self.at) else { return Vec::new() };
        let true_row = self.true_row();
        let fields = self.found.fields.iter().zip(&row.cells).enumerate();
        let told =
            fields.map(|(i, (field, cell))| told(field, true_row.and_then(|row| row.cells.get(i)), cell));
        told.collect()
    }

    /// Its class.
    pub fn label(&self) -> Option<Told<'a>> {
        let found = self.found.rows.get(self.at)?.label.as_ref()?;
        let truth = self.true_row().and_then(|row| row.label.as_ref());
        Some(Told {
            field: &self.found.target,
            truth: truth.map(|cell| said(&cell.value, None)),
            found: said(&found.value, None),
            off: None,
            confidence: found.confidence,
            right: found.right,
        })
    }

    /// What is not told of it, in a sentence.
    pub fn left_out(&self) -> Option<String> {
        let Rows { width, fields, rows, samples, .. } = self.found;
        if self.at >= rows.len() {
            return Some(format!("of {samples} records the first {} are kept", rows.len().min(MOST_ROWS)));
        }
        (*width > fields.len()).then(|| format!("of {width} fields the first {} are kept", fields.len()))
    }

    /// How many fields are right, beside what needs no update; in full, and in fewer and fewer words. Nothing without a
    /// ground truth.
    pub fn summaries(&self, dot: &str) -> Vec<String> {
        let Some(right) = self.found.rows.get(self.at).and_then(|row| row.right) else { return Vec::new() };
        let all = self.found.width;
        let full = format!("{right} of {all} fields within tolerance ({TOLERANCE} sd, TabLeak's)");
        let [short, least] = [format!("{right} of {all} within {TOLERANCE} sd"), format!("{right} of {all}")];
        match self.true_row().and_then(|row| row.baseline) {
            Some(baseline) => vec![
                format!("{full}{dot}mean or mode {baseline} of {all}"),
                format!("{short}{dot}mean or mode {baseline}"),
                short,
                least,
            ],
            None => vec![full, short, least],
        }
    }

    fn true_row(&self) -> Option<&'a Row> {
        self.truth?.rows.get(self.at)
    }
}

/// Where the class of a record comes from.
pub fn source(labels: &Labels) -> String {
    match labels {
        Labels::Rule(_) => "read off the update".into(),
        other => other.name(),
    }
}

fn told<'a>(field: &'a Field, truth: Option<&Cell>, found: &Cell) -> Told<'a> {
    let decimals = field.decimals.map(usize::from);
    let off = match (truth.map(|cell| &cell.value), &found.value) {
        (Some(Value::Number(truth)), Value::Number(found)) => {
            let off = said(&Value::Number(found - truth), decimals);
            // Nothing is off by less than nothing.
            let is_nothing = off.starts_with('-') && off.trim_start_matches(['-', '0', '.']).is_empty();
            Some(if is_nothing { off.trim_start_matches('-').to_owned() } else { off })
        }
        _ => None,
    };
    Told {
        field: &field.name,
        truth: truth.map(|cell| said(&cell.value, decimals)),
        found: said(&found.value, decimals),
        off,
        confidence: found.confidence,
        right: found.right,
    }
}

/// Digits that are told of a number whose field does not say how many decimals it has.
const DIGITS: f64 = 4.0;
/// Decimals beyond which nobody reads.
const MOST_DECIMALS: usize = 12;

fn said(value: &Value, decimals: Option<usize>) -> String {
    match value {
        Value::Word(word) => word.clone(),
        Value::Number(number) => {
            let of_size = || {
                let size = if *number == 0.0 { 0.0 } else { number.abs().log10().floor() + 1.0 };
                (DIGITS - size).max(0.0) as usize
            };
            format::fixed(*number, decimals.unwrap_or_else(of_size).min(MOST_DECIMALS))
        }
    }
}
