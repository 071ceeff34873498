//! Follows a run from the command line: plain lines, one line that is rewritten on a terminal, or JSON.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gialab::config::RunConfig;
use gialab::figure::Condition;
use gialab::run::event::{self, Event, Finished, Line};
use gialab::run::state::RunState;
use gialab::run::tail::Tail;
use gialab::run::{Health, Manifest, Pulse, Queue, Request, RunDirectory, Status, death, progress, queue};

use super::{Context, DONE, FAILED, INTERRUPTED, NOT_MET, output, require, show};

/// How long whoever started a worker may take to write how it ended.
const REASON: Duration = Duration::from_secs(1);

/// A place in the queue changes rarely.
const LOOK_AT_QUEUE: Duration = Duration::from_millis(500);

/// Follows the run to its end and returns the exit code. Ctrl-C stops the run; closing the terminal does not.
pub fn follow(
    context: &Context,
    directory: &RunDirectory,
    json: bool,
    requirements: &[Condition],
) -> anyhow::Result<u8> {
    let interrupted = Arc::new(AtomicBool::new(false));
    // The second Ctrl-C leaves at once; the run then stops by itself.
    let code = i32::from(INTERRUPTED);
    signal_hook::flag::register_conditional_shutdown(signal_hook::consts::SIGINT, code, interrupted.clone())?;
    signal_hook::flag::register(signal_hook::consts::SIGINT, interrupted.clone())?;
    let mut manifest = directory.manifest()?;
    let mut view = View::new(json);
    view.begin(&manifest)?;
    // A person is told how it stands; a program gets every line.
    let log = directory.events_path();
    let mut tail = if json { Tail::new(log) } else { Tail::thinning(log) };
    let mut pulse = Pulse::default();
    let mut state = RunState::default();
    let mut asked = false;
    let mut turn = Turn::new(Queue::of(directory, &context.paths.data));
    let finished = loop {
        // Looked at before the log: what a worker writes last is there once it is not live any more.
        // A budget of seconds becomes iterations once the run has begun.
        manifest = directory.manifest()?;
        let health = pulse.health(directory, &manifest);
        if health == Health::Queued {
            turn.say(directory)?;
        }
        let batch = tail.read()?;
        let idle = batch.lines.is_empty() && !batch.more;
        for line in batch.lines {
            view.line(&line)?;
            state.apply(line);
        }
        if idle {
            view.progress(&manifest.config, &state)?;
            if !health.is_live() {
                break state.finished.clone();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        if interrupted.load(Ordering::Relaxed) && !asked {
            asked = true;
            directory.ask(Request::Stop)?;
        }
    };
    // A worker that failed before it could write a line leaves the last line of an earlier one.
    let failed_early = |finished: &Finished| -> anyhow::Result<bool> {
        Ok(directory.manifest()?.status == Status::Failed && finished.status != Status::Failed)
    };
    let finished = match finished {
        Some(mut finished) if !failed_early(&finished)? => {
            // What was done before a failure is worth as much.
            if finished.rounds.is_empty() {
                finished.rounds = state.rounds.iter().filter_map(|round| round.result.clone()).collect();
            }
            finished
        }
        _ => {
            view.end()?;
            let error = ended_without_a_last_line(directory)?;
            // Readers of JSON get their last line all the same.
            let last = Finished {
                status: Status::Failed,
                run: directory.id(),
                rounds: Vec::new(),
                error: Some(error.to_string()),
                interrupted: false,
            };
            if view.json {
                view.line(&Line { v: event::VERSION, t: state.seconds, event: Event::Finished(last) })?;
            }
            return Err(error);
        }
    };
    view.end()?;
    view.result(context, directory, &manifest, &finished)?;
    match finished.status {
        Status::Stopped => Ok(INTERRUPTED),
        Status::Done => {
            let unmet: Vec<String> = requirements
                .iter()
                .flat_map(|requirement| {
                    finished.rounds.iter().filter_map(|round| require::unmet(requirement, round))
                })
                .collect();
            unmet.iter().for_each(output::complain);
            Ok(if unmet.is_empty() { DONE } else { NOT_MET })
        }
        _ => {
            let error = finished.error.unwrap_or_else(|| "no reason was given".to_owned());
            output::complain(format_args!("run {} failed: {error}", directory.id()));
            Ok(FAILED)
        }
    }
}

/// Why the log has no last line: the worker vanished, or could not write it and left its reason in the manifest.
fn ended_without_a_last_line(directory: &RunDirectory) -> anyhow::Result<anyhow::Error> {
    let run = directory.id();
    let begin = Instant::now();
    loop {
        let manifest = directory.manifest()?;
        let crashed = manifest.status.is_unfinished();
        match manifest.error {
            Some(error) if crashed => {
                return Ok(anyhow::anyhow!(
                    "run {run} crashed: {error}; gialab resume {run} goes on from its last checkpoint"
                ));
            }
            Some(error) => return Ok(anyhow::anyhow!("run {run} failed: {error}")),
            // Whoever started the worker is about to write how it ended.
            None if begin.elapsed() < REASON => std::thread::sleep(Duration::from_millis(50)),
            None => {
                return Ok(anyhow::anyhow!(
                    "run {run} crashed: {}; gialab resume {run} goes on from its last checkpoint, {} may say why",
                    death::of_silence(&manifest),
                    directory.log_path().display()
                ));
            }
        }
    }
}

/// What is said of a run that waits for its turn: its place, whenever it is another one.
struct Turn {
    queue: Queue,
    next: Instant,
    said: Option<String>,
}

impl Turn {
    fn new(queue: Queue) -> Self {
        Turn { queue, next: Instant::now(), said: None }
    }

    fn say(&mut self, directory: &RunDirectory) -> std::io::Result<()> {
        if Instant::now() < self.next {
            return Ok(());
        }
        self.next = Instant::now() + LOOK_AT_QUEUE;
        let said = queue::turn(directory, &self.queue.entries()).map(|turn| turn.to_string());
        if said.is_none() || said == self.said {
            return Ok(());
        }
        self.said = said;
        let words = self.said.as_deref().unwrap_or_default();
        writeln!(output::notes(), "{words}; gialab queue shows the others")
    }
}

/// Where a run stands: what is new only by the clock is no news.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stand {
    Training { round: u32 },
    Attack { round: u32, trial: usize, iteration: usize },
}

impl Stand {
    fn of(state: &RunState) -> Option<Self> {
        if let Some(trained) = state.training() {
            return Some(Stand::Training { round: trained.round });
        }
        let at = state.position()?;
        Some(Stand::Attack { round: at.round, trial: at.trial, iteration: at.iteration })
    }
}

/// When the next line is due: never twice for one stand, and rarer in a long run where lines stay.
#[derive(Debug, Default)]
struct Pace {
    rewrites: bool,
    last: Option<(Duration, Stand)>,
    lines: u32,
}

impl Pace {
    /// Whether a line is due so long after the beginning; it is then taken for shown.
    fn is_due(&mut self, now: Duration, stand: Stand) -> bool {
        // Every second for the first ten lines, every ten seconds for the next fifty, then every minute.
        let pause = match (self.rewrites, self.lines) {
            (true, _) => Duration::from_millis(200),
            (false, 0..10) => Duration::from_secs(1),
            (false, 10..60) => Duration::from_secs(10),
            (false, _) => Duration::from_secs(60),
        };
        if self.last.is_some_and(|(then, known)| known == stand || now.saturating_sub(then) < pause) {
            return false;
        }
        self.last = Some((now, stand));
        self.lines += 1;
        true
    }

    /// What is rewritten was taken back by a message, and is due again.
    fn forget(&mut self) {
        if self.rewrites {
            self.last = None;
        }
    }
}

/// How progress is shown.
struct View {
    json: bool,
    begin: Instant,
    pace: Pace,
}

impl View {
    fn new(json: bool) -> Self {
        let rewrites = !json && std::io::stdout().is_terminal();
        View { json, begin: Instant::now(), pace: Pace { rewrites, ..Pace::default() } }
    }

    fn begin(&self, manifest: &Manifest) -> std::io::Result<()> {
        if self.json {
            return Ok(());
        }
        let mut out = output::lines();
        writeln!(out, "{}", manifest.config.title)?;
        writeln!(out, "run      {}", manifest.run)?;
        show::facts(&mut out, manifest)
    }

    fn line(&mut self, line: &Line) -> anyhow::Result<()> {
        if self.json {
            let mut out = output::whole(true);
            serde_json::to_writer(&mut out, line)?;
            writeln!(out)?;
            out.flush()?;
        } else if let Event::Log { message, .. } = &line.event {
            self.clear()?;
            self.pace.forget();
            writeln!(output::lines(), "{message}")?;
        }
        Ok(())
    }

    fn progress(&mut self, config: &RunConfig, state: &RunState) -> std::io::Result<()> {
        if self.json {
            return Ok(());
        }
        let Some((stand, text)) = Stand::of(state).zip(describe(config, state)) else { return Ok(()) };
        if !self.pace.is_due(self.begin.elapsed(), stand) {
            return Ok(());
        }
        self.clear()?;
        let mut out = output::lines();
        if self.pace.rewrites {
            write!(out, "{}", output::on_one_row(&text))?;
            out.flush()
        } else {
            writeln!(out, "{text}")
        }
    }

    fn end(&self) -> std::io::Result<()> {
        self.clear()
    }

    /// Takes back the line that is rewritten.
    fn clear(&self) -> std::io::Result<()> {
        if self.pace.rewrites { write!(std::io::stdout(), "\r\x1b[2K") } else { Ok(()) }
    }

    fn result(
        &self,
        context: &Context,
        directory: &RunDirectory,
        manifest: &Manifest,
        finished: &Finished,
    ) -> anyhow::Result<()> {
        if self.json {
            return Ok(());
        }
        let mut out = output::lines();
        if finished.status == Status::Stopped {
            writeln!(out, "stopped; gialab resume {} goes on", directory.id())?;
            return Ok(());
        }
        show::rounds(&mut out, manifest, &finished.rounds)?;
        drop(out);
        if finished.status == Status::Done {
            show::pictures(context, directory, &finished.rounds)?;
        }
        Ok(())
    }
}

/// One line: where the run is, how well it does, and how long it will take.
fn describe(config: &RunConfig, state: &RunState) -> Option<String> {
    let eta = progress::eta(config, state).map_or_else(String::new, |eta| format!("  {eta}"));
    if let Some(trained) = state.training() {
        let (round, accuracy) = (trained.round, 100.0 * trained.accuracy);
        return Some(format!(
            "clients train  round {round:>5}/{}  loss {:.3}  accuracy {accuracy:.1} %{eta}",
            config.rounds(),
            trained.loss
        ));
    }
    let at = state.position()?;
    let trial = state.current_round()?.shown_trial()?;
    let loss = trial.matching_loss().map_or_else(|| "-".to_owned(), |loss| format!("{loss:.2e}"));
    let psnr = trial.latest_metrics().and_then(|metrics| metrics.psnr);
    let psnr = psnr.map_or_else(|| "-".to_owned(), |psnr| format!("{:.1} dB", psnr.mean));
    let speed = state.iterations_per_second().map_or_else(String::new, |speed| format!("  {speed:.1} it/s"));
    let round = match config.attacked_rounds().as_slice() {
        [_] | [] => String::new(),
        _ => format!("round {}  ", state.current_round()?.round),
    };
    Some(format!(
        "{round}{} {}/{}  iteration {:>5}/{}  matching loss {loss}  PSNR {psnr}{speed}{eta}",
        config.attack.name_of(at.trial - 1),
        at.trial,
        at.trials,
        at.iteration,
        at.iterations
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many lines a run gets that stands at these iterations, one a second.
    fn lines(rewrites: bool, iterations: impl Iterator<Item = usize>) -> usize {
        let mut pace = Pace { rewrites, ..Pace::default() };
        let seconds = (0u64..).map(Duration::from_secs);
        let stands = iterations.map(|iteration| Stand::Attack { round: 0, trial: 1, iteration });
        seconds.zip(stands).filter(|(now, stand)| pace.is_due(*now, *stand)).count()
    }

    #[test]
    fn what_did_not_move_is_not_said_again() {
        assert_eq!(lines(false, std::iter::repeat_n(5, 3600)), 1);
        assert_eq!(lines(true, std::iter::repeat_n(5, 3600)), 1);
        assert_eq!(lines(false, [1, 1, 2, 2, 3, 3].into_iter()), 3);
    }

    #[test]
    fn lines_that_stay_get_rarer_and_one_that_is_rewritten_keeps_up() {
        assert_eq!(lines(false, 0..10), 10);
        assert_eq!(lines(false, 0..510), 60);
        assert_eq!(lines(false, 0..4110), 120);
        assert_eq!(lines(true, 0..4110), 4110);
    }

    #[test]
    fn a_rewritten_line_comes_back_after_a_message() {
        let mut pace = Pace { rewrites: true, ..Pace::default() };
        let (now, stand) = (Duration::from_secs(1), Stand::Training { round: 3 });
        assert!(pace.is_due(now, stand) && !pace.is_due(now, stand));
        pace.forget();
        assert!(pace.is_due(now, stand));
    }
}
