//! `gialab study run NAME --slurm`: submits the runs that have no result and are in no job.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::Write;
use std::path::Path;

use anyhow::Context as _;
use gialab::run::Pulse;
use gialab::study::slurm::{self, Jobs, Seen, Tasks};
use gialab::study::{self, Member, Place, Standing, Study};
use gialab::{files, text};

use super::super::{Context, output};
use super::run::Arguments;

/// Says how the jobs of a study stand, and submits of the runs without a result those that nobody is at.
pub fn submit(
    context: &Context,
    study: &Study,
    place: &Place,
    missing: &[Member],
    arguments: &Arguments,
) -> anyhow::Result<()> {
    let mut jobs = Jobs::kept(study, place)?;
    let seen = jobs.look()?;
    report(study, place, missing, &seen)?;
    let open = open(study, place, missing, &seen)?;
    let command = command(context, study, place, missing, arguments)?;
    let tasks = Tasks {
        command: &command,
        threads: arguments.threads,
        at_once: arguments.at_once,
        options: &arguments.sbatch,
    };
    let arrays = slurm::arrays(study, place, &open, &tasks);
    if arguments.dry_run {
        let mut out = output::lines();
        arrays.iter().try_for_each(|array| write!(out, "{}", array.script))?;
        return Ok(out.flush()?);
    }
    study::keep(study, place)?;
    let messages = slurm::messages(place);
    files::create_directories(&messages).with_context(|| format!("cannot create {}", messages.display()))?;
    for array in &arrays {
        let job = jobs.submit(array)?;
        let count = array.runs.len();
        writeln!(
            output::notes(),
            "{}: submitted {count} of its runs as job {job}; the same command says how they stand",
            study.name
        )?;
    }
    Ok(())
}

/// The runs that are in no job and on which no worker is, wherever it was started.
fn open(study: &Study, place: &Place, missing: &[Member], seen: &Seen) -> anyhow::Result<Vec<Member>> {
    let waiting = seen.waiting.iter().map(|(task, _)| task);
    let queued: HashSet<&str> = seen.running.iter().chain(waiting).map(|task| task.run.as_str()).collect();
    let mut open = Vec::new();
    for &member in missing {
        let id = study.id(member);
        if !queued.contains(id.as_str())
            && study::standing(&place.run(&id), &mut Pulse::default())? != Standing::Live
        {
            open.push(member);
        }
    }
    Ok(open)
}

/// Says what the queue has of a study, and which tasks are over whose runs have no result.
fn report(study: &Study, place: &Place, missing: &[Member], seen: &Seen) -> anyhow::Result<()> {
    let mut notes = output::notes();
    let missing: HashSet<String> = missing.iter().map(|member| study.id(*member)).collect();
    let mut lost: BTreeMap<u64, usize> = BTreeMap::new();
    for task in seen.ended.iter().filter(|task| missing.contains(&task.run)) {
        *lost.entry(task.job).or_default() += 1;
    }
    for (job, count) in lost {
        let tasks = if count == 1 { "1 task".to_owned() } else { format!("{count} tasks") };
        let messages = slurm::messages(place).join(format!("{job}_*.log"));
        writeln!(
            notes,
            "{}: {tasks} of job {job} ended without a result; messages are in {}",
            study.name,
            messages.display()
        )?;
    }
    if seen.running.is_empty() && seen.waiting.is_empty() {
        return Ok(());
    }
    let tasks = || seen.running.iter().chain(seen.waiting.iter().map(|(task, _)| task));
    let numbers: BTreeSet<u64> = tasks().map(|task| task.job).collect();
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    let reasons: BTreeSet<&str> = seen.waiting.iter().map(|(_, reason)| reason.as_str()).collect();
    let reasons: Vec<&str> = reasons.into_iter().filter(|reason| *reason != "None").collect();
    let reasons = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
    writeln!(
        notes,
        "{}: {} of its runs are running and {} waiting{} in the queue of Slurm, job {}",
        study.name,
        seen.running.len(),
        seen.waiting.len(),
        text::one_line(&reasons),
        numbers.join(", ")
    )?;
    Ok(())
}

/// What a task calls, but for the number of its run: this program on what the study's directory says.
fn command(
    context: &Context,
    study: &Study,
    place: &Place,
    missing: &[Member],
    arguments: &Arguments,
) -> anyhow::Result<Vec<String>> {
    let program = std::env::current_exe().context("cannot find the program itself")?;
    let absolute = |path: &Path| {
        let path = std::path::absolute(path).with_context(|| format!("cannot find {}", path.display()))?;
        let words = path.to_str().map(str::to_owned);
        words
            .with_context(|| format!("{} is no path that a script can hold: it is not UTF-8", path.display()))
    };
    let threads = arguments.threads.to_string();
    let mut command = vec![absolute(&program)?, "--data-dir".to_owned(), absolute(&context.paths.data)?];
    command.extend(["study", "run"].map(str::to_owned));
    command.push(absolute(&place.definition())?);
    // So many that every run has its number, whatever the study says of pairs.
    let pairs = missing.iter().map(|member| member.pair + 1).max().unwrap_or(1).to_string();
    let options = ["--as", &study.name, "--pairs", &pairs, "--threads", &threads];
    command.extend(options.map(str::to_owned));
    command.extend(["--backend", &arguments.backend, "--yes"].map(str::to_owned));
    Ok(command)
}
