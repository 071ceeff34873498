//! `gialab study run NAME`: says how long it takes, computes what is missing, prints what came of it.

use std::io::{IsTerminal as _, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use gialab::backend::Compute;
use gialab::config::ConfigError;
use gialab::expectation::Experience;
use gialab::run::launch::BeginError;
use gialab::run::plan;
use gialab::study::{Conduct, Member, Pace, Place, Progress, Results, Study, conduct, missing};
use gialab::text::{self, about};
use gialab::{sys, threads};

use super::super::{Context, DONE, FAILED, INTERRUPTED, complete, computing, output};
use super::{Size, find, show, slurm, table};

/// What takes longer is begun only with --yes.
const LONG: f64 = 24.0 * 3600.0;

#[derive(clap::Args)]
pub struct Arguments {
    /// Name of a study, or a file of your own
    #[arg(value_name = "STUDY", add = complete::studies())]
    study: String,
    #[command(flatten)]
    size: Size,
    /// Begin no run after this time, as 2h, 90m or 1h30m
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    budget: Option<String>,
    /// Keep its runs under a name of their own
    #[arg(long = "as", value_name = "NAME", add = complete::begun())]
    called: Option<String>,
    /// Runs at once [default: as many as the threads allow; 1 on CUDA]
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(super) at_once: Option<u32>,
    /// Threads of each run
    #[arg(long, value_name = "N", default_value_t = 1, allow_hyphen_values = true, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(super) threads: u32,
    /// Where to compute
    #[arg(long, value_name = "BACKEND", default_value = "auto", value_parser = gialab::backend::NAMES)]
    pub(super) backend: String,
    /// Only say what would be computed and how long it takes; with --slurm also the script
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Begin also what takes more than a day
    #[arg(long)]
    yes: bool,
    /// Compute this one of its runs, counted from 0 (for job arrays); the exit code says whether it is complete
    #[arg(long, value_name = "N", allow_hyphen_values = true, conflicts_with_all = ["quick", "slurm"], value_parser = clap::value_parser!(u32))]
    cell: Option<u32>,
    /// Submit the runs without a result to Slurm, as a job array with a task for each
    ///
    /// The data directory must be the same on all nodes. The same command says later how the tasks stand, and submits
    /// those again that failed, were cancelled or pre-empted.
    #[arg(long, conflicts_with = "budget")]
    slurm: bool,
    /// Options for sbatch, as --partition=main or --time=2:00:00
    #[arg(last = true, value_name = "SBATCH OPTIONS", requires = "slurm")]
    pub(super) sbatch: Vec<String>,
    /// Print what came of it as one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let budget = arguments.budget.as_deref().map(duration).transpose()?;
    let (study, place) = find(context, &arguments.study, arguments.called.as_deref())?;
    let all = study.members(arguments.size.scale());
    let members = match arguments.cell {
        None => all,
        Some(cell) => vec![*all.get(cell as usize).ok_or_else(|| {
            let message = format!("study {} has {} runs, 0 to {}", study.name, all.len(), all.len() - 1);
            ConfigError::new(format!("--cell {cell}"), message)
        })?],
    };
    // What the nodes of a cluster have is theirs to find out.
    let backend = if arguments.slurm { "auto" } else { &arguments.backend };
    let compute = match computing::is_open(backend) && !arguments.slurm {
        true => {
            let net = plan::plan(&study.own).map_err(BeginError::Plan)?.sent;
            computing::choose(backend, &study.own, &net)?
        }
        false => Compute::select(backend, study.own.run.precision)?,
    };
    let allowed = threads::allowed().count;
    let mut experience = Experience::kept(&context.paths.cache, [compute.name()]);
    experience.take_up(&context.store.list().unwrap_or_default(), &sys::host_name());
    let mut pace = Pace::new(&study, &experience, compute.name(), allowed)?;
    let missing = missing(&study, &place, &members, &mut pace)?;
    let at_once = match (arguments.at_once, compute.name()) {
        (Some(at_once), _) => at_once as usize,
        (None, _) if arguments.slurm => missing.len(),
        (None, "cuda") => 1,
        (None, _) => (allowed / arguments.threads as usize).max(1),
    };
    let left = pace.left(missing.iter().copied(), at_once);
    let is_bounded = budget.is_some_and(|budget| budget.as_secs_f64() <= LONG);
    if left > LONG && !is_bounded && !arguments.yes && !arguments.dry_run {
        let message = format!(
            "its {} runs take about {}; begin it with --yes, bound it as with --budget 2h, or take --quick or fewer --pairs",
            missing.len(),
            about(left)
        );
        return Err(ConfigError::new(format!("study {}", study.name), message).into());
    }
    let alone = arguments.cell.is_none() && !arguments.dry_run;
    let _alone = alone.then(|| gialab::study::alone(&study, &place)).transpose()?;
    let mut notes = output::notes();
    writeln!(
        notes,
        "{}: {}",
        study.name,
        estimate(&study, &members, &missing, left, at_once, pace.is_measured())
    )?;
    if let Some(ends) = study.added_controls() {
        writeln!(notes, "{}: {ends}", study.name)?;
    }
    let pairs = members.iter().map(|member| member.pair + 1).max().unwrap_or(0);
    if let Some(sets) = study.comes_round(pairs) {
        writeln!(notes, "{}: {sets}", study.name)?;
    }
    if arguments.slurm && !missing.is_empty() {
        slurm::submit(context, &study, &place, &missing, arguments)?;
    }
    if arguments.dry_run {
        return Ok(DONE);
    }
    if arguments.slurm {
        came_of(&study, &place, arguments, &pace)?;
        return Ok(DONE);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let code = i32::from(INTERRUPTED);
    signal_hook::flag::register_conditional_shutdown(signal_hook::consts::SIGINT, code, stop.clone())?;
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, stop.clone())?;
    }
    let how = Conduct {
        backend: compute.name(),
        at_once,
        threads: arguments.threads as usize,
        until: budget.map(|budget| Instant::now() + budget),
        stop: &stop,
    };
    let mut line = Line::new(&study.name);
    let ended = conduct(&study, &place, &members, &how, &mut pace, &mut |progress| line.show(progress))?;
    line.clear();
    for (run, reason) in &ended.failed {
        output::complain(format_args!("run {run} failed: {reason}"));
    }
    match members.as_slice() {
        // Of a task of many it is asked whether its run is complete; the table is for whoever began them.
        [member] if arguments.cell.is_some() && !arguments.json => {
            let is_there = if ended.done == 1 { "is complete" } else { "has no result yet" };
            writeln!(output::lines(), "run {} {is_there}", study.id(*member))?;
        }
        _ => came_of(&study, &place, arguments, &pace)?,
    }
    if ended.early && arguments.cell.is_none() {
        writeln!(notes, "{} of {} runs are there; the same command goes on", ended.done, ended.all)?;
    }
    Ok(match (ended.failed.is_empty(), stop.load(std::sync::atomic::Ordering::Relaxed)) {
        (false, _) => FAILED,
        (true, true) => INTERRUPTED,
        (true, false) if ended.early && arguments.cell.is_some() => FAILED,
        (true, false) => DONE,
    })
}

/// Prints what there is of it.
fn came_of(study: &Study, place: &Place, arguments: &Arguments, pace: &Pace) -> anyhow::Result<()> {
    let results = Results::read(study, place, arguments.size.scale())?;
    let mut out = output::whole(arguments.json);
    match arguments.json {
        true => show::json(&mut out, study, place, &results, &pace.dimensions)?,
        false => {
            let (dimensions, costs) = (&pace.dimensions, &place.costs());
            table::print(&mut out, table::Shown { study, results: &results, dimensions, costs })?;
        }
    }
    Ok(out.flush()?)
}

/// `60 runs (12 cells, 5 pairs of seed and pictures), 19 are done; the other 41 take about 3 min, 2 at once`.
fn estimate(
    study: &Study,
    members: &[Member],
    missing: &[Member],
    left: f64,
    at_once: usize,
    is_measured: bool,
) -> String {
    let mut cells: Vec<usize> = members.iter().map(|member| member.cell).collect();
    cells.sort_unstable();
    cells.dedup();
    let pairs = members.iter().map(|member| member.pair).max().map_or(0, |last| last + 1);
    let whole = format!(
        "{} runs ({} of {} cells, {pairs} pairs of seed and pictures)",
        members.len(),
        cells.len(),
        study.cells.len()
    );
    let done = members.len() - missing.len();
    if missing.is_empty() {
        return format!("{whole}, all done");
    }
    let by = if is_measured { "by those done here" } else { "estimated for this machine" };
    let time = format!("take about {}, {at_once} at once ({by})", about(left));
    match done {
        0 => format!("{whole} {time}"),
        _ => format!("{whole}, {done} are done; the other {} {time}", missing.len()),
    }
}

/// A time as a person writes it.
fn duration(text: &str) -> Result<Duration, ConfigError> {
    let refused = |message: &str| ConfigError::new(format!("--budget {text}"), message);
    let seconds =
        text::seconds(text).ok_or_else(|| refused("is no time to come; write it as 2h, 90m or 1h30m"))?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if !time.is_zero() => Ok(time),
        Ok(_) => Err(refused("leaves no time to compute; give a time above zero")),
        Err(_) => Err(refused("is longer than anything here can take; write it as 2h, 90m or 1h30m")),
    }
}

/// How it gets on: one line that is rewritten on a terminal, else a line for each tenth.
struct Line {
    study: String,
    is_terminal: bool,
    tenth: usize,
    shown: Option<Instant>,
}

impl Line {
    fn new(study: &str) -> Line {
        Line { study: study.to_owned(), is_terminal: std::io::stderr().is_terminal(), tenth: 0, shown: None }
    }

    fn show(&mut self, progress: &Progress) {
        let Progress { done, failed, live, all, left } = *progress;
        let failures = if failed > 0 { format!(", {failed} failed") } else { String::new() };
        let text =
            format!("{}: {done} of {all} done{failures}, {live} running, {} left", self.study, about(left));
        if self.is_terminal {
            if self.shown.is_none_or(|shown| shown.elapsed() > Duration::from_millis(500)) {
                self.shown = Some(Instant::now());
                output::progress(&text);
            }
        } else if 10 * done / all.max(1) > self.tenth {
            self.tenth = 10 * done / all.max(1);
            // Nobody may be there to read it.
            let _ = writeln!(output::notes(), "{text}");
        }
    }

    fn clear(&self) {
        if self.is_terminal {
            output::progress("");
        }
    }
}
