//! A study as text: its conditions, what follows of its expectations, and a row a cell.

use std::io::{self, Write};

use gialab::format;
use gialab::probe::Dimension;
use gialab::run::cost::{Cost, Costs};
use gialab::study::{Filled, Results, Standing, Study};

/// As wide as a page of text.
const WIDTH: usize = 100;

/// A study with what came of it so far.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    pub study: &'a Study,
    pub results: &'a Results,
    /// Of every cell.
    pub dimensions: &'a [Dimension],
    /// What post-processing was measured to cost.
    pub costs: &'a Costs,
}

/// Prints all of it.
pub fn print(out: &mut impl Write, shown: Shown<'_>) -> io::Result<()> {
    let Shown { study, results, .. } = shown;
    let (done, all) = results.count();
    writeln!(out, "{}: {}", study.name, study.definition.title)?;
    for line in format::wrapped(&study.conditions().join(", "), WIDTH) {
        writeln!(out, "{line}")?;
    }
    let so_far = if done < all { " so far" } else { "" };
    writeln!(out, "{done} of {all} runs, each cell on the same pairs of seed and pictures")?;
    let pairs = results.cells.iter().flat_map(|cell| &cell.runs).map(|(pair, _)| pair + 1).max();
    for line in study.comes_round(pairs.unwrap_or(0)).iter().flat_map(|sets| format::wrapped(sets, WIDTH)) {
        writeln!(out, "{line}")?;
    }
    for judged in &results.judged {
        writeln!(out, "\n{}{so_far}: {}", judged.outcome.name(), judged.says)?;
        writeln!(out, "  {}", judged.in_words())?;
    }
    writeln!(out)?;
    cells(out, shown)
}

fn cells(out: &mut impl Write, shown: Shown<'_>) -> io::Result<()> {
    let Shown { study, results, dimensions, costs } = shown;
    let shown: Vec<usize> =
        (0..study.cells.len()).filter(|cell| !results.cells[*cell].runs.is_empty()).collect();
    let mut columns: Vec<Vec<String>> = Vec::new();
    for (at, axis) in study.definition.axes.iter().enumerate() {
        let names = axis.names();
        let cells = shown.iter().map(|cell| names[study.cells[*cell].at[at]].clone());
        columns.push(std::iter::once(axis.name.clone()).chain(cells).collect());
    }
    let words = columns.len();
    let runs = shown.iter().map(|cell| runs(&results.cells[*cell]));
    columns.push(std::iter::once("runs".to_owned()).chain(runs).collect());
    if dimensions.windows(2).any(|two| two[0] != two[1]) {
        let bound = |cell: &usize| {
            let of = &dimensions[*cell];
            let mark = if of.is_ambiguous() { " <" } else { "  " };
            format!("{:.2}{mark}", of.informative as f64 / of.unknowns().max(1) as f64)
        };
        columns.push(std::iter::once("P/Bd  ".to_owned()).chain(shown.iter().map(bound)).collect());
    }
    let costs: Vec<Option<Cost>> = shown.iter().map(|cell| costs.of(&study.cells[*cell].config)).collect();
    let has_costs = costs.iter().any(Option::is_some);
    if has_costs {
        let lost = costs.iter().map(|cost| match cost {
            Some(cost) => format!("{:.1}", 100.0 * cost.drop.median),
            None => "-".to_owned(),
        });
        columns.push(std::iter::once("lost".to_owned()).chain(lost).collect());
    }
    for (place, asked) in study.figures().into_iter().enumerate() {
        let of = |cell: &usize| results.cells[*cell].figures[place];
        let middle =
            shown.iter().map(|cell| of(cell).map_or_else(|| "-".to_owned(), |of| of.text(asked.figure)));
        let (heading, is_mean) = (asked.heading(), asked.is_mean());
        columns.push(std::iter::once(format!("{heading} [95 %]")).chain(middle).collect());
        // Of the first figure, for the width of a terminal; json has it of all.
        if !is_mean && place == 0 {
            let mean = shown
                .iter()
                .map(|cell| of(cell).map_or_else(|| "-".to_owned(), |of| asked.figure.text(of.mean)));
            columns.push(std::iter::once("mean".to_owned()).chain(mean).collect());
        }
    }
    let widths: Vec<usize> = columns
        .iter()
        .map(|column| column.iter().map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    for row in 0..=shown.len() {
        let line: Vec<String> = columns
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(at, (column, &width))| match at < words {
                true => format!("{:<width$}", column[row]),
                false => format!("{:>width$}", column[row]),
            })
            .collect();
        writeln!(out, "{}", line.join("  ").trim_end())?;
    }
    if columns.iter().any(|column| column[0] == "P/Bd  ") {
        writeln!(
            out,
            "P/Bd: informative numbers of an update for each unknown of the batch; < is below the dimension bound"
        )?;
    }
    if has_costs {
        let least = costs.iter().flatten().map(|cost| cost.seeds).min().unwrap_or(0);
        writeln!(
            out,
            "lost: points of accuracy that the post-processing costs, the median of {least} seeds or more (gialab utility)"
        )?;
    }
    let ends = study.added_controls().or_else(|| study.missing_controls());
    for line in ends.iter().flat_map(|missing| format::wrapped(missing, WIDTH)) {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "medians (of shares means) with 95 % bootstrap intervals over pairs")
}

/// `19 of 20`, with failures.
fn runs(filled: &Filled) -> String {
    let is = |of: fn(&Standing) -> bool| filled.runs.iter().filter(|(_, standing)| of(standing)).count();
    let (done, failed) =
        (is(|of| matches!(of, Standing::Done(_))), is(|of| matches!(of, Standing::Failed(_))));
    let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
    match done == filled.runs.len() {
        true => done.to_string(),
        false => format!("{done} of {}{failed}", filled.runs.len()),
    }
}
