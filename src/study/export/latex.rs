//! The table of a study for a paper: a row a cell, expectations with their verdicts and the conditions in the caption.

use std::io::{self, Write};

use super::Export;
use crate::figure::{Figure, Form};
use crate::paper::tex::{Column, Table, escaped, heading, written};
use crate::study::conduct::Standing;
use crate::study::results::Shown;
use crate::study::statistics::Interval;

/// Writes the table.
pub fn table(export: &Export, out: &mut dyn Write) -> io::Result<()> {
    let (study, axes) = (&export.study, &export.study.definition.axes);
    let cells: Vec<usize> = export.cells().collect();
    let words = |heading: String, of: &dyn Fn(usize) -> String| Column {
        heading,
        is_number: false,
        cells: cells.iter().map(|cell| of(*cell)).collect(),
    };
    let numbers =
        |heading: String, of: &dyn Fn(usize) -> String| Column { is_number: true, ..words(heading, of) };
    let varies =
        |axis: &usize| cells.windows(2).any(|two| at(export, two[0], *axis) != at(export, two[1], *axis));
    let mut varied: Vec<usize> = (0..axes.len()).filter(varies).collect();
    if varied.is_empty() {
        varied = (0..axes.len()).collect();
    }
    let mut columns: Vec<Column> = Vec::new();
    // The first of several axes heads its rows.
    let (heads, own) = varied.split_at(usize::from(varied.len() > 1));
    for &axis in own {
        let names = axes[axis].names();
        columns.push(words(escaped(&axes[axis].name), &|cell| escaped(&names[at(export, cell, axis)])));
    }
    // As many everywhere is said once.
    let counts: Vec<String> = cells.iter().map(|cell| runs(export, *cell)).collect();
    let everywhere = counts.first().filter(|first| counts.iter().all(|count| count == *first)).cloned();
    if everywhere.is_none() {
        columns.push(numbers("runs".to_owned(), &|cell| runs(export, cell)));
    }
    if cells.iter().any(|cell| export.costs[*cell].is_some()) {
        columns.push(numbers("points of accuracy lost".to_owned(), &|cell| {
            let cost = export.costs[cell].as_ref();
            cost.map_or_else(none, |cost| escaped(&cost.drop.times(100.0).to_string()))
        }));
    }
    for (place, asked) in study.figures().into_iter().enumerate() {
        let told = |cell: usize| export.told(cell, place);
        if cells.iter().all(|cell| told(*cell).is_none()) {
            continue;
        }
        let figure = asked.figure;
        let name = figure.word.ascii.trim_end_matches(figure.unit).trim_end();
        let first = if asked.of_first { ", first round" } else { "" };
        let named = format!("{}{first}", escaped(name));
        let head = heading(figure, &named);
        let middle = |cell| told(cell).map_or_else(none, |of| short(figure, of.middle));
        let spread = |cell| told(cell).map_or_else(none, |of| interval(figure, &of));
        // Beside the yardstick a loss has no room for two more powers of ten.
        if place > 0 && figure.form == Form::Power {
            columns.push(numbers(head, &middle));
            continue;
        }
        if place > 0 {
            let both = |cell| {
                told(cell)
                    .map_or_else(none, |of| format!("{} {}", short(figure, of.middle), interval(figure, &of)))
            };
            columns.push(numbers(head, &both));
            continue;
        }
        let mean = |cell| told(cell).map_or_else(none, |of| short(figure, of.mean));
        let kind = if asked.is_mean() { "mean" } else { "median" };
        if asked.is_mean() {
            columns.push(numbers(heading(figure, &format!("{named}, {kind}")), &middle));
            columns.push(numbers("[95\\,\\%]".to_owned(), &spread));
        } else {
            columns.push(numbers(heading(figure, &format!("{named}, {kind}")), &middle));
            columns.push(numbers("[95\\,\\%]".to_owned(), &spread));
            columns.push(numbers("mean".to_owned(), &mean));
        }
    }
    // Rows with the same point of the first of several axes belong together.
    let mut bodies = Vec::new();
    let mut begins = 0;
    for row in 1..=cells.len() {
        let goes_on = row < cells.len()
            && (varied.len() < 2
                || at(export, cells[row], varied[0]) == at(export, cells[row - 1], varied[0]));
        if !goes_on {
            let name = |axis: &usize| {
                let axis_of = &axes[*axis];
                let point = axis_of.names().swap_remove(at(export, cells[begins], *axis));
                format!("{}: {}", escaped(&axis_of.name), escaped(&point))
            };
            bodies.push((heads.first().map(name), begins..row));
            begins = row;
        }
    }
    let about = vec![format!("study {}", study.name)];
    Table { about, caption: caption(export, everywhere.as_deref()), label: &study.name, columns, bodies }
        .write(out)
}

fn at(export: &Export, cell: usize, axis: usize) -> usize {
    export.study.cells[cell].at[axis]
}

fn none() -> String {
    "--".to_owned()
}

/// Runs with a result, of how many where some are missing.
fn runs(export: &Export, cell: usize) -> String {
    let runs = &export.results.cells[cell].runs;
    let done = runs.iter().filter(|(_, standing)| matches!(standing, Standing::Done(_))).count();
    if done == runs.len() { done.to_string() } else { format!("{done} of {}", runs.len()) }
}

/// In braces, since at the start of a row it would be an argument of the row before.
fn interval(figure: &Figure, of: &Shown) -> String {
    let Some(Interval { low, high }) = of.interval else { return none() };
    format!("{{[}}{}, {}{{]}}", short(figure, low), short(figure, high))
}

/// With a decimal less than a single run has: more than the interval leaves meaning to has no room on a page.
fn short(figure: &Figure, value: f64) -> String {
    match figure.form {
        Form::Fixed(decimals @ 2..) => written(Form::Fixed(decimals - 1), value),
        form => written(form, value),
    }
}

fn caption(export: &Export, runs: Option<&str>) -> String {
    let definition = &export.study.definition;
    let mut sentences = vec![format!("{}.", escaped(definition.title.trim_end_matches('.')))];
    for judged in &export.results.judged {
        let (says, outcome) = (escaped(&judged.says), judged.outcome.name());
        sentences.push(format!("\\emph{{{says}}}: {outcome} ({}).", escaped(&judged.in_words())));
    }
    sentences.push(
        "Medians (of shares means) with 95\\,\\% percentile bootstrap intervals over pairs of seed and pictures, which all cells share."
            .to_owned(),
    );
    sentences.extend(runs.map(|runs| match runs {
        "1" => "One run a row.".to_owned(),
        runs => format!("{runs} runs a row."),
    }));
    sentences.extend(export.so_far().map(|so_far| escaped(&so_far)));
    sentences.extend(
        export
            .study
            .added_controls()
            .or_else(|| export.study.missing_controls())
            .map(|missing| escaped(&missing)),
    );
    sentences.extend(export.withheld().map(|withheld| escaped(&withheld)));
    let seeds = export.cells().filter_map(|cell| Some(export.costs[cell].as_ref()?.seeds)).min();
    if seeds.is_some() {
        sentences.push("Points of accuracy lost are medians over seeds, with least and most.".to_owned());
    }
    sentences.push(escaped(&export.conditions()));
    sentences.join(" ")
}
