//! The table of a study for programs: a row a cell, with the conditions of its figures.

use std::io::{self, Write};

use super::Export;
use crate::config::RunConfig;
use crate::study::conduct::Standing;
use crate::text;

/// A condition of all figures of a cell.
type Condition = (&'static str, fn(&RunConfig) -> String);

const CONDITIONS: [Condition; 9] = [
    ("labels", |config| config.attack.labels.name().to_owned()),
    ("batchnorm", |config| config.victim.batch_norm().to_owned()),
    ("state", RunConfig::training),
    ("batch", |config| config.batch().to_string()),
    ("threat_model", |config| config.threat_model().to_owned()),
    ("protocol", RunConfig::protocol_and_knowledge),
    ("data", |config| config.victim.source()),
    ("model", |config| config.victim.model.clone()),
    ("attack", |config| config.attack.kind.name().to_owned()),
];

/// What is said of a figure.
const OF_FIGURES: [&str; 7] = ["runs", "median", "mean", "least", "most", "low", "high"];

/// What post-processing costs, in points of accuracy.
const COST: [&str; 3] = ["cost_median", "cost_least", "cost_most"];

/// Writes the table.
pub fn table(export: &Export, out: &mut dyn Write) -> io::Result<()> {
    let (study, definition) = (&export.study, &export.study.definition);
    let mut table = csv::Writer::from_writer(out);
    let axes = definition.axes.iter().map(|axis| format!("at.{}", axis.name));
    let counts = ["runs", "done", "failed", "informative", "unknowns"].map(str::to_owned);
    let of = |name: &String| OF_FIGURES.map(|part| format!("{name}_{part}"));
    let head = ["study", "cell"].map(str::to_owned).into_iter().chain(axes);
    let head = head.chain(CONDITIONS.map(|(name, _)| name.to_owned())).chain(counts);
    let head = head.chain(definition.figures.iter().flat_map(of)).chain(COST.map(str::to_owned));
    write(&mut table, head)?;
    for cell in export.cells() {
        let (is, filled) = (&study.cells[cell], &export.results.cells[cell]);
        let points = definition.axes.iter().zip(&is.at).map(|(axis, at)| axis.names()[*at].clone());
        let conditions = CONDITIONS.map(|(_, of)| of(&is.config));
        let count =
            |of: fn(&Standing) -> bool| filled.runs.iter().filter(|(_, standing)| of(standing)).count();
        let dimension = &export.dimensions[cell];
        let counts = [
            filled.runs.len(),
            count(|standing| matches!(standing, Standing::Done(_))),
            count(|standing| matches!(standing, Standing::Failed(_))),
            dimension.informative,
            dimension.unknowns(),
        ];
        let figures = filled.figures.iter().flat_map(|shown| {
            let ends = |of: fn(&crate::study::Interval) -> f64| {
                shown.and_then(|shown| shown.interval).map(|interval| of(&interval))
            };
            let values = [
                shown.map(|shown| shown.median),
                shown.map(|shown| shown.mean),
                shown.map(|shown| shown.range.0),
                shown.map(|shown| shown.range.1),
                ends(|interval| interval.low),
                ends(|interval| interval.high),
            ];
            let runs = shown.map_or(0, |shown| shown.runs).to_string();
            std::iter::once(runs).chain(values.map(number))
        });
        let cost = export.costs[cell].as_ref().map(|cost| cost.drop.times(100.0));
        let cost = [cost.map(|cost| cost.median), cost.map(|cost| cost.least), cost.map(|cost| cost.most)];
        let row = [study.name.clone(), is.name.clone()].into_iter().chain(points).chain(conditions);
        let row = row.chain(counts.map(|count| count.to_string())).chain(figures).chain(cost.map(number));
        write(&mut table, row)?;
    }
    table.flush()
}

/// What comes from outside does nothing in a spreadsheet.
fn write<W: Write>(table: &mut csv::Writer<W>, row: impl Iterator<Item = String>) -> io::Result<()> {
    let cells: Vec<String> = row
        .map(|cell| if cell.parse::<f64>().is_ok() { cell } else { text::cell(&cell).into_owned() })
        .collect();
    table.write_record(cells).map_err(io::Error::other)
}

/// The shortest text that is read back as the same number; nothing where there is none.
fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| format!("{value:?}"))
}
