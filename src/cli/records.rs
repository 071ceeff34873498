//! Records of a table in the plain shell: a line a field.

use std::io::{self, Write};

use gialab::config::Labels;
use gialab::run::RunState;
use gialab::run::rows::{Rows, Sheet, Told, source};
use gialab::{format, text};

/// Records of a batch that are printed; exports hold the others.
const PRINTED: usize = 4;

/// Prints the reconstructed records of every round; whether there are any.
///
/// # Errors
/// If nothing can be written.
pub fn of_rounds(out: &mut impl Write, labels: &Labels, state: &RunState) -> io::Result<bool> {
    let mut any = false;
    for round in &state.rounds {
        let Some(rows) = round.reconstruction.as_ref().and_then(|picture| picture.rows()) else { continue };
        if state.rounds.len() > 1 {
            writeln!(out, "\nround {}", round.round)?;
        }
        print(out, labels, round.truth.as_ref().and_then(|picture| picture.rows()), rows)?;
        any = true;
    }
    Ok(any)
}

/// Prints the first records of a batch.
///
/// # Errors
/// If nothing can be written.
pub fn print(out: &mut impl Write, labels: &Labels, truth: Option<&Rows>, found: &Rows) -> io::Result<()> {
    let printed = found.rows.len().min(PRINTED);
    for at in 0..printed {
        record(out, labels, &Sheet::new(truth, found, at))?;
    }
    if printed < found.samples {
        let kept = found.rows.len();
        let kept = if kept < found.samples { format!("; the first {kept} are kept") } else { String::new() };
        writeln!(out, "\n{} more records: gialab export RUN --to csv{kept}", found.samples - printed)?;
    }
    Ok(())
}

fn record(out: &mut impl Write, labels: &Labels, sheet: &Sheet) -> io::Result<()> {
    let (mut lines, has_confidence) = (vec![headings(sheet)], sheet.has_confidence());
    lines.extend(sheet.fields().iter().map(|told| cells(told, told.off.clone().unwrap_or_default())));
    lines.extend(sheet.label().map(|told| cells(&told, source(labels))));
    let is_shown = |column: usize| match column {
        TRUTH | RIGHT => sheet.has_truth(),
        CONFIDENCE => has_confidence,
        _ => true,
    };
    let columns: Vec<usize> = (0..COLUMNS).filter(|column| is_shown(*column)).collect();
    let width = |column: usize| lines.iter().map(|line| format::columns(&line[column])).max().unwrap_or(0);
    writeln!(out, "\n{}", sheet.title())?;
    for line in &lines {
        let mut row = String::new();
        for column in &columns {
            let (cell, pad) = (&line[*column], width(*column) - format::columns(&line[*column]));
            match *column {
                FIELD => row.push_str(&format!("{cell}{:pad$}", "")),
                _ => row.push_str(&format!("  {:pad$}{cell}", "")),
            }
        }
        writeln!(out, "{}", row.trim_end())?;
    }
    if let Some(left_out) = sheet.left_out() {
        writeln!(out, "{left_out}")?;
    }
    if sheet.has_truth() {
        writeln!(out, "true: known to you, not to the attacker")?;
    }
    match sheet.summaries("; ").into_iter().next() {
        Some(summary) => writeln!(out, "{summary}"),
        None if !sheet.has_truth() => writeln!(out, "there is no ground truth to judge it by"),
        None => Ok(()),
    }
}

const COLUMNS: usize = 6;
const FIELD: usize = 0;
const TRUTH: usize = 1;
const CONFIDENCE: usize = 4;
const RIGHT: usize = 5;

fn headings(sheet: &Sheet) -> [String; COLUMNS] {
    let off = if sheet.has_truth() { "off by" } else { "" };
    ["field", "true", "recovered", off, "confidence", "right"].map(str::to_owned)
}

/// The cells of a line; `off` is how far a number is off, or where a class comes from.
fn cells(told: &Told, off: String) -> [String; COLUMNS] {
    let right = told.right.map_or("", |right| if right { "yes" } else { "no" });
    let confidence = told.confidence.map_or_else(String::new, |sure| format!("{sure:.2}"));
    let truth = told.truth.clone().unwrap_or_default();
    let [field, truth, found] =
        [told.field, &truth, &told.found].map(|word| text::one_line(word).into_owned());
    [field, truth, found, off, confidence, right.to_owned()]
}
