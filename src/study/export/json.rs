//! A study as one JSON document.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use crate::probe::Dimension;
use crate::run::cost::Cost;
use crate::study::{Interval, Member, Outcome, Place, Results, Shown, Standing, Study};

/// A study in JSON.
#[derive(Serialize)]
struct Document<'a> {
    study: &'a str,
    title: &'a str,
    preset: &'a str,
    set: &'a [String],
    conditions: Vec<String>,
    path: String,
    done: usize,
    runs: usize,
    cells: Vec<Row<'a>>,
    hypotheses: Vec<Found<'a>>,
    outcome: Option<&'static str>,
}

/// A cell in JSON.
#[derive(Serialize)]
struct Row<'a> {
    cell: &'a str,
    at: BTreeMap<&'a str, String>,
    /// Numbers of an update that can inform, and unknowns of the batch.
    informative: usize,
    unknowns: usize,
    runs: Vec<String>,
    done: usize,
    failed: usize,
    /// What the post-processing costs, where it was measured.
    cost: Option<Cost>,
    figures: BTreeMap<&'a str, Option<Values>>,
}

/// A figure of a cell in JSON.
#[derive(Serialize)]
struct Values {
    runs: usize,
    median: f64,
    mean: f64,
    least: f64,
    most: f64,
    /// Of the mean for shares, else of the median.
    interval: Option<Interval>,
    of: &'static str,
}

/// A hypothesis in JSON.
#[derive(Serialize)]
struct Found<'a> {
    says: &'a str,
    by: &'a str,
    value: Option<f64>,
    interval: Option<Interval>,
    pairs: usize,
    outcome: &'static str,
}

/// Writes one JSON object.
///
/// # Errors
/// If it cannot be written.
pub fn json(
    out: &mut dyn Write,
    study: &Study,
    place: &Place,
    results: &Results,
    dimensions: &[Dimension],
) -> io::Result<()> {
    let costs = place.costs();
    let names = || study.definition.figures.iter().map(String::as_str);
    let cells = study.cells.iter().zip(&results.cells).enumerate().map(|(place, (cell, filled))| {
        let axes = study.definition.axes.iter().zip(&cell.at);
        let is = |of: fn(&Standing) -> bool| filled.runs.iter().filter(|(_, standing)| of(standing)).count();
        let ids = filled.runs.iter().map(|(pair, _)| study.id(Member { cell: place, pair: *pair }));
        Row {
            cell: &cell.name,
            at: axes.map(|(axis, at)| (axis.name.as_str(), axis.names()[*at].clone())).collect(),
            informative: dimensions[place].informative,
            unknowns: dimensions[place].unknowns(),
            runs: ids.collect(),
            done: is(|standing| matches!(standing, Standing::Done(_))),
            failed: is(|standing| matches!(standing, Standing::Failed(_))),
            cost: costs.of(&cell.config),
            figures: names()
                .zip(
                    filled
                        .figures
                        .iter()
                        .zip(study.figures())
                        .map(|(shown, asked)| shown.map(|shown| values(shown, asked.is_mean()))),
                )
                .collect(),
        }
    });
    let (done, runs) = results.count();
    let document = Document {
        study: &study.name,
        title: &study.definition.title,
        preset: &study.definition.preset,
        set: &study.definition.set,
        conditions: study.conditions(),
        path: place.path().display().to_string(),
        done,
        runs,
        cells: cells.collect(),
        hypotheses: results
            .judged
            .iter()
            .map(|judged| Found {
                says: &judged.says,
                by: &judged.by,
                value: judged.value,
                interval: judged.interval,
                pairs: judged.pairs,
                outcome: judged.outcome.name(),
            })
            .collect(),
        outcome: results.outcome().map(Outcome::name),
    };
    serde_json::to_writer(&mut *out, &document)?;
    writeln!(out)
}

fn values(shown: Shown, is_mean: bool) -> Values {
    Values {
        runs: shown.runs,
        median: shown.median,
        mean: shown.mean,
        least: shown.range.0,
        most: shown.range.1,
        interval: shown.interval,
        of: if is_mean { "mean" } else { "median" },
    }
}
