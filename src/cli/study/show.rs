//! `gialab study show NAME`: what came of a study so far.

use std::io::Write;

use gialab::expectation::Experience;
pub use gialab::study::export::json;
use gialab::study::{Pace, Results, StudyError};
use gialab::threads;

use super::super::{Context, DONE, complete, output};
use super::{Size, find, table};

#[derive(clap::Args)]
pub struct Arguments {
    /// Name of a study, or its file
    #[arg(value_name = "STUDY", add = complete::studies())]
    study: String,
    #[command(flatten)]
    size: Size,
    /// Its name here, if it was begun with --as
    #[arg(long = "as", value_name = "NAME", add = complete::begun())]
    called: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let (study, place) = find(context, &arguments.study, arguments.called.as_deref())?;
    if !place.path().exists() {
        return Err(StudyError::NotBegun { study: study.name }.into());
    }
    let results = Results::read(&study, &place, arguments.size.scale())?;
    let pace = Pace::new(&study, &Experience::default(), "flex", threads::allowed().count)?;
    let mut out = output::whole(arguments.json);
    match arguments.json {
        true => json(&mut out, &study, &place, &results, &pace.dimensions)?,
        false => {
            let (dimensions, costs) = (&pace.dimensions, &place.costs());
            table::print(&mut out, table::Shown { study: &study, results: &results, dimensions, costs })?;
        }
    }
    out.flush()?;
    Ok(DONE)
}
