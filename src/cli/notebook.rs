//! `gialab note`, `gialab tag`, `gialab rename`: what a person writes to a run.

use std::collections::BTreeMap;
use std::io::Write;

use gialab::run::Notebook;
use gialab::run::notebook::Entry;

use super::selection::{Among, named};
use super::{Context, DONE, complete, output};

#[derive(clap::Args)]
pub struct Note {
    /// Name of a run, a part of it that fits one run, a path, or `last`
    #[arg(add = complete::runs())]
    run: String,
    /// What to write; an empty text takes the note away; without one it is printed
    #[arg(allow_hyphen_values = true)]
    text: Option<String>,
    #[command(flatten)]
    among: Among,
}

#[derive(clap::Args)]
pub struct Tag {
    /// A run as elsewhere, or a pattern with * and ?; without one the tags there are
    #[arg(add = complete::runs())]
    run: Option<String>,
    /// +TAG puts a tag on, -TAG takes it off; without one the run's tags are printed
    #[arg(allow_hyphen_values = true, value_name = "+TAG|-TAG", add = complete::tags())]
    changes: Vec<String>,
    #[command(flatten)]
    among: Among,
}

#[derive(clap::Args)]
pub struct Rename {
    /// Name of a run, a part of it that fits one run, a path, or `last`
    #[arg(add = complete::runs())]
    run: String,
    /// What it is called in lists; its directory keeps its name
    #[arg(allow_hyphen_values = true)]
    title: String,
    #[command(flatten)]
    among: Among,
}

pub fn note(context: &Context, arguments: &Note) -> anyhow::Result<u8> {
    let entry = arguments.text.as_deref().map(Entry::note).transpose()?;
    let run = arguments.among.store(context)?.find(&arguments.run)?;
    match entry {
        Some(entry) => drop(Notebook::enter(&run, entry)?),
        None => {
            run.manifest()?;
            let note = Notebook::read(&run)?.note;
            let note = if note.is_empty() { "no note" } else { &note };
            writeln!(output::lines(), "{note}")?;
        }
    }
    Ok(DONE)
}

pub fn tag(context: &Context, arguments: &Tag) -> anyhow::Result<u8> {
    let entry = Entry::tags(arguments.changes.iter().map(String::as_str))?;
    let store = arguments.among.store(context)?;
    let mut out = output::lines();
    let Some(run) = &arguments.run else {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for row in store.list()? {
            row.notebook.tags.into_iter().for_each(|tag| *counts.entry(tag).or_default() += 1);
        }
        for (tag, count) in &counts {
            writeln!(out, "{tag}  {count}")?;
        }
        if counts.is_empty() {
            writeln!(out, "no run has a tag; gialab tag RUN +TAG puts one on")?;
        }
        return Ok(DONE);
    };
    for run in named(&store, run)? {
        let notebook = match arguments.changes.is_empty() {
            true => Notebook::read(&run)?,
            false => Notebook::enter(&run, entry.clone())?,
        };
        let tags = notebook.tags.into_iter().collect::<Vec<_>>().join(" ");
        writeln!(out, "{}  {}", run.id(), if tags.is_empty() { "no tag" } else { &tags })?;
    }
    Ok(DONE)
}

pub fn rename(context: &Context, arguments: &Rename) -> anyhow::Result<u8> {
    let entry = Entry::title(&arguments.title)?;
    let run = arguments.among.store(context)?.find(&arguments.run)?;
    let notebook = Notebook::enter(&run, entry)?;
    writeln!(output::lines(), "{} is called {}", run.id(), notebook.title)?;
    Ok(DONE)
}
