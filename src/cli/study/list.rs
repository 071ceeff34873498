//! `gialab study list`: the studies there are, with how far each has come here.

use std::io::Write;

use gialab::study::{self, Definition, Place, Scale, Study};
use serde::Serialize;

use super::super::{Context, DONE, complete, output};

#[derive(clap::Args)]
pub struct Arguments {
    /// Print the text of this study, as a start for your own
    #[arg(long, value_name = "STUDY", add = complete::studies())]
    text: Option<String>,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// One study in the JSON array.
#[derive(Serialize)]
struct Row {
    study: String,
    title: String,
    preset: String,
    cells: Option<usize>,
    runs: Option<usize>,
    runs_quick: Option<usize>,
    /// Runs with a result here.
    done: usize,
    /// The attack that it waits for.
    lacks: Option<String>,
    /// Why it cannot be read.
    error: Option<String>,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    if let Some(name) = &arguments.text {
        let text = match study::shipped_text(name) {
            Some(text) => text.to_owned(),
            None => toml::to_string(&study::load(name)?.2)?,
        };
        write!(output::lines(), "{text}")?;
        return Ok(DONE);
    }
    let shipped =
        study::shipped_names().map(|name| (name.to_owned(), study::load(name).map(|(_, _, of)| of)));
    let mut rows: Vec<Row> = shipped.map(|(name, definition)| row(context, name, definition)).collect();
    for (name, definition) in study::begun(&context.paths.data) {
        if !study::shipped_names().any(|shipped| shipped == name) {
            rows.push(row(context, name, definition));
        }
    }
    let mut out = output::whole(arguments.json);
    if arguments.json {
        serde_json::to_writer(&mut out, &rows)?;
        writeln!(out)?;
    } else {
        let width = rows.iter().map(|row| row.study.chars().count()).max().unwrap_or(0);
        writeln!(
            out,
            "{:<width$}  {:>5}  {:>5}  {:>5}  {:>5}  title",
            "study", "cells", "runs", "quick", "done"
        )?;
        for row in &rows {
            let number = |of: Option<usize>| of.map_or_else(|| "-".to_owned(), |of| of.to_string());
            let more = match (&row.lacks, &row.error) {
                (Some(attack), _) => format!(" (needs the attack \"{attack}\", which is not there yet)"),
                (None, Some(error)) => format!(" ({error})"),
                (None, None) => String::new(),
            };
            writeln!(
                out,
                "{:<width$}  {:>5}  {:>5}  {:>5}  {:>5}  {}{more}",
                row.study,
                number(row.cells),
                number(row.runs),
                number(row.runs_quick),
                row.done,
                row.title
            )?;
        }
        writeln!(out, "\nquick: runs of the part that takes minutes; gialab study run NAME --quick")?;
    }
    out.flush()?;
    Ok(DONE)
}

fn row(context: &Context, name: String, definition: Result<Definition, gialab::config::ConfigError>) -> Row {
    let place = Place::of(&context.paths.data, &name);
    let mut row = Row {
        study: name.clone(),
        title: String::new(),
        preset: String::new(),
        cells: None,
        runs: None,
        runs_quick: None,
        done: place.results(),
        lacks: None,
        error: None,
    };
    let definition = match definition {
        Ok(definition) => definition,
        Err(error) => return Row { error: Some(error.to_string()), ..row },
    };
    row.title.clone_from(&definition.title);
    row.preset.clone_from(&definition.preset);
    row.lacks = definition.lacks().map(str::to_owned);
    if row.lacks.is_some() {
        return row;
    }
    let origin = format!("study \"{name}\"");
    match Study::of(name, &origin, definition, &context.paths.presets()) {
        Ok(study) => {
            row.cells = Some(study.cells.len());
            row.runs = Some(study.members(Scale::default()).len());
            let quick = Scale { quick: true, pairs: None };
            row.runs_quick = study.definition.quick.as_ref().map(|_| study.members(quick).len());
        }
        Err(error) => row.error = Some(error.to_string()),
    }
    row
}
