//! `gialab audit`: what comes back of an update, and what would keep it from coming back; `gialab audit verify` checks a report.

use std::io::{IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use gialab::audit::{self, Amount, Asked, AuditError, Budget, How, Report, Step, Threshold, Tone};
use gialab::backend::Compute;
use gialab::config::{ConfigError, RunConfig, preset};
use gialab::figure::Condition;
use gialab::files::{self, Access};
use gialab::format::wrapped;
use gialab::run::export::quoted;
use gialab::run::launch;
use gialab::run::plan;
use gialab::study::Place;
use gialab::text::{self, about};
use gialab::threads;

use super::captured::Captured;
use super::{Context, DONE, FAILED, INTERRUPTED, NOT_MET, audits, complete, computing, output};

/// Columns of what a line is about, and of what it says.
const ABOUT: usize = 22;
const WIDTH: usize = 100;

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// A federation: a shipped preset, one of yours, or a preset file
    #[arg(add = complete::presets(), required_unless_present_any = ["update", "weights"], conflicts_with = "update")]
    preset: Option<String>,
    /// What a client sent back
    #[arg(long, value_name = "FILE", requires = "weights")]
    update: Option<PathBuf>,
    /// The weights that it was sent
    #[arg(long, value_name = "FILE", requires = "update")]
    weights: Option<PathBuf>,
    /// Its samples, to compare with: `images` or `inputs` and `labels`
    #[arg(long, value_name = "FILE", requires = "update")]
    truth: Option<PathBuf>,
    /// What the update is
    #[arg(long, value_name = "KIND", requires = "update", default_value = "gradient",
        value_parser = ["gradient", "delta", "negative-delta", "weights"])]
    kind: String,
    /// Samples behind the update
    #[arg(long, value_name = "B", requires = "update", default_value_t = 1, allow_hyphen_values = true,
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    batch: u32,
    /// Take tensors by their order where their names are not the model's
    #[arg(long, requires = "update")]
    by_order: bool,
    /// Change a setting, as victim.mode=train; can be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", add = complete::settings())]
    changes: Vec<String>,
    /// What all searches may spend together: a time of this machine, as 5min, or evaluations, as 20000
    #[arg(long, value_name = "BUDGET", default_value = "5min", allow_hyphen_values = true)]
    budget: String,
    /// Share of the samples that may come back, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, allow_hyphen_values = true)]
    limit: f64,
    /// Post-processing to try instead of the usual, as '[{ kind = "sign" }]'; can be given several times
    #[arg(long, value_name = "POST")]
    protect: Vec<String>,
    /// Rounds of the trainings that tell what post-processing costs; 0 leaves that out
    #[arg(long, value_name = "N", default_value_t = 20, allow_hyphen_values = true,
        value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    rounds: u32,
    /// Exit with 3 if any attack has this, as 'brr>0' (quote it for the shell); can be given several times
    #[arg(long, value_name = "CONDITION", add = complete::conditions())]
    fail_if: Vec<String>,
    /// Where to compute
    #[arg(long, value_name = "BACKEND", default_value = "auto", value_parser = gialab::backend::NAMES)]
    backend: String,
    /// Also write the report here: a page if it ends in .html, else JSON
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long, requires = "out")]
    force: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Check a report: whether a byte was changed, and whether files and runs are those that it tells of
    Verify(Verify),
    /// What audits there are, and how they stand
    List(audits::List),
    /// Stop one that is being made; what it has computed stays
    Stop(audits::Stop),
}

#[derive(clap::Args)]
struct Verify {
    /// A report, as a page or as JSON
    file: PathBuf,
    /// Where the runs of the audit are, if not beside the report
    #[arg(long, value_name = "DIR")]
    runs: Option<PathBuf>,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    match &arguments.command {
        Some(Command::Verify(arguments)) => return verify(context, arguments),
        Some(Command::List(arguments)) => return audits::list(context, arguments),
        Some(Command::Stop(arguments)) => return audits::stop(context, arguments),
        None => {}
    }
    if let Some(out) = arguments.out.as_ref().filter(|out| out.exists() && !arguments.force) {
        let message = "is there already; give another name, or --force to replace it";
        return Err(ConfigError::new(out.display().to_string(), message).into());
    }
    let asked = asked(context, arguments)?;
    // What is wrong with it the audit says, or finds out.
    let plan = computing::is_open(&arguments.backend).then(|| plan::plan(&asked.base).ok()).flatten();
    let compute = match plan {
        Some(plan) => computing::choose(&arguments.backend, &asked.base, &plan.sent)?,
        None => Compute::select(&arguments.backend, asked.base.run.precision)?,
    };
    let stop = Arc::new(AtomicBool::new(false));
    let code = i32::from(INTERRUPTED);
    signal_hook::flag::register_conditional_shutdown(signal_hook::consts::SIGINT, code, stop.clone())?;
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, stop.clone())?;
    }
    let how = How { backend: compute.name(), at_once: at_once(&compute), stop: &stop };
    let shows = std::io::stderr().is_terminal();
    let mut told = String::new();
    let mut show = |step: Step<'_>| {
        let line = in_words(&step);
        if shows {
            output::progress(&line);
        } else if let Step::Runs(..) = step
            && told != line.split(':').next().unwrap_or_default()
        {
            told = line.split(':').next().unwrap_or_default().to_owned();
            // Nobody may be there to read it.
            let _ = writeln!(output::notes(), "{told}");
        }
    };
    let made = audit::conduct(&asked, &how, &mut show);
    if shows {
        output::progress("");
    }
    let Some(report) = made? else {
        writeln!(output::notes(), "stopped; the same command goes on")?;
        return Ok(INTERRUPTED);
    };
    write(&asked, &report, arguments)
}

/// Runs at once, with a thread each; a device computes one.
fn at_once(compute: &Compute) -> usize {
    match compute.name() {
        "cuda" => 1,
        _ => threads::allowed().count.max(1),
    }
}

/// Writes and prints what came of it.
fn write(asked: &Asked, report: &Report, arguments: &Arguments) -> anyhow::Result<u8> {
    let (json, page) = (report.json()?, audit::page(report, &asked.place)?);
    let keep = |name: &str, text: &str| {
        let path = asked.place.join(name);
        files::write(&path, text.as_bytes(), Access::Private)
            .map_err(|e| anyhow::anyhow!("{} cannot be written: {e}", path.display()))?;
        anyhow::Ok(path)
    };
    let kept = [keep("report.json", &json)?, keep("report.html", &page)?];
    if let Some(out) = &arguments.out {
        let is_page = out.extension().is_some_and(|extension| extension == "html" || extension == "htm");
        let text = if is_page { &page } else { &json };
        files::write(out, text.as_bytes(), Access::Umask)
            .map_err(|e| anyhow::anyhow!("{} cannot be written: {e}", out.display()))?;
    }
    let mut out = output::whole(arguments.json);
    if arguments.json {
        out.write_all(json.as_bytes())?;
    } else {
        print(&mut out, report)?;
        for path in &kept {
            writeln!(out, "{:<ABOUT$}{}", "report", path.display())?;
        }
    }
    out.flush()?;
    let is_met = report.thresholds.iter().any(|threshold| !threshold.met.is_empty());
    Ok(if is_met { NOT_MET } else { DONE })
}

fn print(out: &mut impl Write, report: &Report) -> std::io::Result<()> {
    for line in audit::lines(report) {
        let mark = match line.tone {
            Tone::Bad => "! ",
            Tone::Good | Tone::Plain => "",
        };
        let about = text::one_line(&line.about).into_owned();
        let mut about = about.as_str();
        // A long name stands on a line of its own.
        if about.chars().count() >= ABOUT {
            writeln!(out, "{about}")?;
            about = "";
        }
        for (at, row) in wrapped(&format!("{mark}{}", line.words), WIDTH - ABOUT).iter().enumerate() {
            writeln!(out, "{:<ABOUT$}{row}", if at == 0 { about } else { "" })?;
        }
    }
    Ok(())
}

fn in_words(step: &Step<'_>) -> String {
    match step {
        Step::SelfTest => "self-test: does the simulated client make this update?".to_owned(),
        Step::Runs(what, progress) => {
            let left = if progress.done < progress.all {
                format!(", about {} left", about(progress.left))
            } else {
                String::new()
            };
            format!("{what}: {} of {} done{left}", progress.done, progress.all)
        }
        Step::Cost(steps, round) => format!("cost of {steps}: round {round}"),
    }
}

/// What is asked, checked.
fn asked(context: &Context, arguments: &Arguments) -> anyhow::Result<Asked> {
    let (name, base) = subject(context, arguments)?;
    if !(0.0..=1.0).contains(&arguments.limit) {
        let message = "is no share; give 0 to 1, as 0.1 for a tenth of the samples";
        return Err(ConfigError::new(format!("--limit {}", arguments.limit), message).into());
    }
    let thresholds = arguments
        .fail_if
        .iter()
        .map(|text| {
            let condition = text.parse::<Condition>();
            condition.map(Threshold::from).map_err(|why| ConfigError::new("--fail-if", why.to_string()))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let base = launch::anchored(&base);
    let budget = budget(&arguments.budget)?;
    Ok(Asked {
        place: context.paths.data.join("audits").join(directory(&name, &base, &budget, &arguments.protect)),
        data: context.paths.data.clone(),
        command: command(),
        name,
        base,
        budget,
        limit: arguments.limit,
        protections: arguments.protect.clone(),
        rounds: arguments.rounds,
        thresholds,
    })
}

/// What is audited.
fn subject(context: &Context, arguments: &Arguments) -> anyhow::Result<(String, RunConfig)> {
    if let (Some(update), Some(weights)) = (&arguments.update, &arguments.weights) {
        let files = Captured {
            update,
            weights,
            truth: arguments.truth.as_deref(),
            kind: &arguments.kind,
            batch: arguments.batch,
            changes: &arguments.changes,
            by_order: arguments.by_order,
        };
        let name = update.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return Ok((name, files.config()?));
    }
    let preset = arguments.preset.as_deref().unwrap_or_default();
    let preset = preset::load(preset, &arguments.changes, &context.paths.presets())?;
    Ok((preset.name, preset.config))
}

/// A name of its own for what is asked, so that the same audit goes on and another one begins anew: of its settings, the
/// content of its files, and its budget.
fn directory(name: &str, base: &RunConfig, budget: &Budget, protections: &[String]) -> String {
    // What is tried shares the budget.
    let mut all = format!("{}\n{}\n{protections:?}\n", env!("CARGO_PKG_VERSION"), budget.text);
    all += &toml::to_string(base).unwrap_or_default();
    if let Some(captured) = &base.victim.captured {
        for file in
            [Some(&captured.weights), Some(&captured.update), captured.truth.as_ref()].into_iter().flatten()
        {
            let bytes = files::read(Path::new(file), files::STATE).unwrap_or_default();
            all += &audit::seal::sha256(&bytes);
        }
    }
    let enhancer = base.knowledge.enhancer.as_ref().map(|enhancer| &enhancer.file);
    // Names of what ships with gialab are no files.
    for file in
        [base.victim.weights.as_ref(), base.knowledge.generator.as_ref(), enhancer].into_iter().flatten()
    {
        all += &files::read(Path::new(file), files::STATE)
            .map_or_else(|_| String::new(), |it| audit::seal::sha256(&it));
    }
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '+' };
    let name: String = name.chars().map(plain).take(60).collect();
    format!("{name}-{}", &audit::seal::sha256(all.as_bytes())[..8])
}

fn budget(text: &str) -> Result<Budget, ConfigError> {
    let refused = || {
        ConfigError::new(
            format!("--budget {text}"),
            "is neither a time nor a number of evaluations; write it as 5min, 90s or 1h30m, or as 20000",
        )
    };
    let amount = match text.parse::<i64>() {
        Ok(count) => {
            Amount::Evaluations(usize::try_from(count).ok().filter(|&count| count > 0).ok_or_else(refused)?)
        }
        Err(_) => Amount::Seconds(text::seconds(text).filter(|&seconds| seconds > 0.0).ok_or_else(refused)?),
    };
    Ok(Budget { text: text.to_owned(), amount })
}

/// The command line, as a shell takes it.
fn command() -> String {
    let words = std::env::args_os().skip(1).map(|word| quoted(&word.to_string_lossy()));
    format!("gialab {}", words.collect::<Vec<_>>().join(" "))
}

/// What the user can correct.
pub fn is_usage(error: &AuditError) -> bool {
    match error {
        AuditError::Run(_) | AuditError::Export(_) => false,
        AuditError::Study(error) => super::is_usage(error),
        _ => true,
    }
}

fn verify(_: &Context, arguments: &Verify) -> anyhow::Result<u8> {
    let path = &arguments.file;
    let text = files::read_text(path, files::DOCUMENT)
        .map_err(|e| anyhow::anyhow!("{} cannot be read: {e}", path.display()))?;
    let beside = path.parent().unwrap_or(Path::new("")).to_path_buf();
    let runs = arguments.runs.clone().unwrap_or_else(|| Place::at(beside).store().path().to_path_buf());
    let (report, checked) = audit::verify(&text, &runs)
        .map_err(|why| anyhow::anyhow!("{} does not hold: {why}", path.display()))?;
    let mut out = output::lines();
    writeln!(out, "{}, made by gialab {}: {}", report.subject.name, report.gialab, report.command)?;
    let mut broken = 0;
    for checked in &checked {
        let word = match checked.holds {
            Some(true) => "holds",
            Some(false) => "IS ANOTHER ONE",
            None => "not here to be checked",
        };
        broken += usize::from(checked.holds == Some(false));
        writeln!(out, "{:<23}{}", word, checked.what)?;
    }
    if broken > 0 {
        output::complain(format_args!("{broken} of {} do not hold", checked.len()));
        return Ok(FAILED);
    }
    Ok(DONE)
}
