//! `gialab study stop NAME`: asks whoever runs a study to end, and waits until its runs have.

use std::io::Write;
use std::time::{Duration, Instant};

use gialab::study::{Place, StudyError, detached};

use super::super::{Context, DONE, complete, output};

/// As long as a single run has to stop.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(clap::Args)]
pub struct Arguments {
    /// Name of a study
    #[arg(value_name = "STUDY", add = complete::studies())]
    study: String,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let (data, name) = (&context.paths.data, &arguments.study);
    let place = Place::of(data, name);
    if !place.definition().exists() {
        return Err(StudyError::NotBegun { study: name.clone() }.into());
    }
    anyhow::ensure!(
        is_live(&place)?,
        "study {name} is not running; {} of its runs have a result, gialab study run {name} goes on",
        place.results()
    );
    detached::stop(data, name)?;
    let begin = Instant::now();
    while is_live(&place)? {
        anyhow::ensure!(
            begin.elapsed() < PATIENCE,
            "study {name} did not stop within a minute; gialab list --study {name} says which runs are live"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    writeln!(
        output::lines(),
        "{name} is stopped; {} of its runs have a result, gialab study run {name} goes on",
        place.results()
    )?;
    Ok(DONE)
}

/// Whether somebody runs the study, or any of its runs.
fn is_live(place: &Place) -> anyhow::Result<bool> {
    Ok(detached::is_conducted(place) || place.store().list()?.iter().any(|run| run.health.is_live()))
}
