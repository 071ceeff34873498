//! `gialab tour`: six runs of seconds, from an update that gives everything away to one that is defended.

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;

use gialab::config::ConfigError;
use gialab::config::tour::{Step, steps};
use gialab::files::{self, Access};
use gialab::format::wrapped;
use gialab::run::launch;
use gialab::text::about;

use super::{Context, DONE, output, progress};

/// Columns of a line.
const WIDTH: usize = 80;

#[derive(clap::Args)]
pub struct Arguments {
    /// Run this step alone; without it the tour goes on where it was left
    #[arg(allow_hyphen_values = true, conflicts_with_all = ["list", "again"])]
    step: Option<i64>,
    /// Begin with the first step
    #[arg(long, conflicts_with = "list")]
    again: bool,
    /// List the steps
    #[arg(long)]
    list: bool,
    /// Where to compute
    #[arg(long, default_value = "auto", value_parser = gialab::backend::NAMES)]
    backend: String,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let steps = steps();
    if arguments.list {
        list(&mut output::lines(), steps)?;
        return Ok(DONE);
    }
    if let Some(number) = arguments.step {
        let at = usize::try_from(number).ok().filter(|number| (1..=steps.len()).contains(number));
        let at = at.ok_or_else(|| {
            ConfigError::new(format!("tour {number}"), format!("the tour has steps 1 to {}", steps.len()))
        })?;
        return walk(context, arguments, at);
    }
    let left = Left::of(context);
    let first = if arguments.again { 0 } else { left.done() };
    for at in first..steps.len() {
        match walk(context, arguments, at + 1)? {
            DONE => left.write(at + 1)?,
            code => return Ok(code),
        }
        if at + 1 < steps.len() && !goes_on(at + 1)? {
            writeln!(output::lines(), "gialab tour goes on with step {}", at + 2)?;
            return Ok(DONE);
        }
    }
    left.write(0)?;
    say(
        &mut output::lines(),
        "That was the tour. Its runs are kept: gialab list shows them. What else there is: gialab attacks, gialab defences, \
         gialab study list",
    )?;
    Ok(DONE)
}

/// How far the tour was walked, in a file of the data directory.
struct Left(PathBuf);

impl Left {
    fn of(context: &Context) -> Left {
        Left(context.paths.data.join("tour"))
    }

    /// Steps that were walked; a file that cannot be read is none.
    fn done(&self) -> usize {
        let text = files::read_text(&self.0, files::TEXT).unwrap_or_default();
        text.trim().parse().ok().filter(|done| *done < steps().len()).unwrap_or(0)
    }

    fn write(&self, done: usize) -> anyhow::Result<()> {
        Ok(files::write(&self.0, format!("{done}\n").as_bytes(), Access::Private)?)
    }
}

fn list(out: &mut impl Write, steps: &[Step]) -> anyhow::Result<()> {
    for (number, step) in (1..).zip(steps) {
        let preset = step.run()?;
        let seconds = preset.config.expect.map_or_else(String::new, |expect| about(expect.seconds));
        writeln!(out, "{number}  {:<48}  {:<16}  {seconds}", step.title, preset.name)?;
    }
    Ok(writeln!(out, "gialab tour walks them, gialab tour 3 runs one")?)
}

/// Runs the step of this number, from 1, with what to know before it and what it came to.
fn walk(context: &Context, arguments: &Arguments, number: usize) -> anyhow::Result<u8> {
    let Some(step) = steps().get(number - 1) else { return Ok(DONE) };
    let preset = step.run()?;
    let mut out = output::lines();
    writeln!(out, "{number} of {}: {}", steps().len(), step.title)?;
    say(&mut out, step.before())?;
    writeln!(out, "\n$ gialab run {}", preset.name)?;
    out.flush()?;
    drop(out);
    let how = launch::As::default();
    let directory = launch::begin(&context.store, &preset.name, &preset.config, &arguments.backend, how)?;
    let code = progress::follow(context, &directory, false, &[])?;
    if code != DONE {
        return Ok(code);
    }
    let finished = directory.result();
    let measured =
        finished.as_ref().and_then(|finished| finished.rounds.last()).map(|round| round.measured());
    let mut out = output::lines();
    writeln!(out)?;
    say(&mut out, &step.after(&measured.unwrap_or_default()))?;
    writeln!(out)?;
    Ok(DONE)
}

fn say(out: &mut impl Write, text: &str) -> std::io::Result<()> {
    wrapped(text, WIDTH).iter().try_for_each(|line| writeln!(out, "{line}"))
}

/// Asks a person whether to go on; where there is none, it does.
fn goes_on(done: usize) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Ok(true);
    }
    let mut out = output::lines();
    write!(out, "Enter goes on to step {}, q leaves ", done + 1)?;
    out.flush()?;
    let mut answer = String::new();
    // Without an answer, at the end of the input, nobody wants to go on.
    let read = std::io::stdin().lock().read_line(&mut answer)?;
    writeln!(out)?;
    Ok(read > 0 && !answer.trim().starts_with(['q', 'Q', 'n', 'N']))
}
