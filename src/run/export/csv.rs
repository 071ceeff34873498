//! Tables: metrics with a row a run and round, curves with a row an iteration.
//!
//! RFC 4180 but for plain line ends; `nan`, `inf`, `-inf` as words; what is not known is an empty cell.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};
use std::io::{self, Write};

use super::ExportError;
use super::record::{self, Record};
use crate::run::event::{Event, Metrics, Spread};
use crate::run::state::RoundState;
use crate::run::{RunError, Tail, Verdict};
use crate::text;

/// Columns of the metrics. Rounds and trials are counted from 0, as in the event log.
const METRICS: [&str; 59] = [
    "run",
    "preset",
    "status",
    "round",
    "complete",
    "labels",
    "batchnorm",
    "state",
    "batch",
    "threat_model",
    "protocol",
    "trial_chosen_by",
    "data",
    "model",
    "attack",
    "accuracy",
    "update_norm",
    "psnr_db",
    "psnr_db_best",
    "psnr_db_worst",
    "ssim",
    "ssim_best",
    "ssim_worst",
    "mse",
    "mse_best",
    "mse_worst",
    "st_lpips",
    "st_lpips_best",
    "st_lpips_worst",
    "lpips",
    "lpips_best",
    "lpips_worst",
    "label_accuracy",
    "label_existence",
    "label_count",
    "brr",
    "wsrr",
    "iip",
    "iip_pool",
    "feature_mse",
    "fields",
    "igsa",
    "igsa_rel",
    "r_eff",
    "igsa_samples",
    "matching_loss",
    "matching_loss_at_truth",
    "verdict",
    "psnr_db_grey",
    "psnr_db_mean_of_others",
    "iteration",
    "trial",
    "trials",
    "evaluations",
    "seconds",
    "seed",
    "backend",
    "host",
    "gialab",
];

/// Columns of the curves.
const CURVES: [&str; 8] = ["run", "round", "trial", "iteration", "seconds", "matching", "prior", "total"];

/// Writes the table of metrics. A round that is not complete has the figures of its shown trial so far; a run
/// without rounds has one row without figures.
pub fn metrics(records: &[Record], out: &mut dyn Write) -> io::Result<()> {
    row(out, METRICS.map(str::to_owned))?;
    for record in records {
        if record.state.rounds.is_empty() {
            metrics_row(record, None, out)?;
        }
        for round in &record.state.rounds {
            metrics_row(record, Some((round, record::figures(&record.state, round))), out)?;
        }
    }
    Ok(())
}

fn metrics_row(
    record: &Record,
    of_round: Option<(&RoundState, record::Figures<'_>)>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (manifest, config) = (&record.manifest, record.config());
    let (round, figures) = of_round.unzip();
    let metrics = figures.and_then(|figures| figures.metrics);
    let result = round.and_then(|round| round.result.as_ref());
    let baselines = result.and_then(|result| result.baselines);
    let mean_best_worst = |spread: Option<Spread>| {
        [spread.map(|s| s.mean), spread.map(|s| s.best), spread.map(|s| s.worst)].map(optional)
    };
    let [psnr, psnr_best, psnr_worst] = mean_best_worst(metrics.map(|m| m.psnr));
    let [ssim, ssim_best, ssim_worst] = mean_best_worst(metrics.and_then(|m| m.ssim));
    let [mse, mse_best, mse_worst] = mean_best_worst(metrics.map(|m| m.mse));
    let [st_lpips, st_lpips_best, st_lpips_worst] = mean_best_worst(metrics.and_then(|m| m.st_lpips));
    let [lpips, lpips_best, lpips_worst] = mean_best_worst(metrics.and_then(|m| m.lpips));
    let share = |of: fn(&Metrics) -> Option<f64>| optional(metrics.and_then(of));
    let probe = figures.and_then(|figures| figures.probe);
    let count =
        |of: fn(record::Figures<'_>) -> usize| figures.map(of).map(|n| n.to_string()).unwrap_or_default();
    row(
        out,
        [
            name(&record.id()),
            name(&manifest.preset),
            record.health.name().to_owned(),
            round.map(|round| round.round.to_string()).unwrap_or_default(),
            figures.is_some_and(|figures| figures.complete).to_string(),
            config.attack.labels.name().to_owned(),
            config.victim.batch_norm().to_owned(),
            name(&round.map_or_else(|| config.training(), |round| config.training_in(round.round))),
            config.batch().to_string(),
            record::threat_model_letter(config).to_owned(),
            name(&config.protocol_and_knowledge()),
            "matching loss".to_owned(),
            name(&config.victim.source()),
            name(&config.victim.model),
            name(&config.attack.kind),
            optional(round.and_then(|round| round.accuracy)),
            optional(round.map(|round| round.update_norm)),
            psnr,
            psnr_best,
            psnr_worst,
            ssim,
            ssim_best,
            ssim_worst,
            mse,
            mse_best,
            mse_worst,
            st_lpips,
            st_lpips_best,
            st_lpips_worst,
            lpips,
            lpips_best,
            lpips_worst,
            share(|m| m.label_accuracy),
            share(|m| m.label_existence),
            share(|m| m.label_count),
            share(|m| m.recovered),
            // Of one batch: its worst sample is recovered or not.
            share(|m| m.worst_recovered.map(|recovered| f64::from(u8::from(recovered)))),
            share(|m| m.iip),
            metrics.and_then(|m| m.iip_pool).map(|pool| pool.to_string()).unwrap_or_default(),
            share(|m| m.feature_mse.map(|spread| spread.mean)),
            share(|m| m.fields),
            optional(probe.map(|probe| probe.igsa)),
            optional(probe.map(|probe| probe.igsa_rel)),
            optional(probe.map(|probe| probe.r_eff)),
            probe.map(|probe| probe.samples.to_string()).unwrap_or_default(),
            optional(figures.and_then(|figures| figures.loss)),
            optional(result.and_then(|result| result.at_truth).map(|truth| truth.matching)),
            result.and_then(Verdict::of).map_or("", Verdict::name).to_owned(),
            optional(baselines.and_then(|baselines| baselines.grey).map(|score| score.0)),
            optional(baselines.and_then(|baselines| baselines.mean).map(|score| score.0)),
            result
                .and_then(|result| result.iteration)
                .map(|iteration| iteration.to_string())
                .unwrap_or_default(),
            figures.and_then(|figures| figures.trial).map(|trial| trial.to_string()).unwrap_or_default(),
            count(|figures| figures.trials),
            count(|figures| figures.evaluations),
            optional(figures.map(|figures| figures.seconds)),
            config.run.seed.to_string(),
            name(&manifest.backend),
            name(&manifest.host),
            name(&manifest.gialab),
        ],
    )
}

/// Writes every point of every curve, trial by trial as they were computed, without loading the logs: each is read
/// once for what takes back earlier points, and once for the points.
pub fn curves(records: &[Record], out: &mut dyn Write) -> Result<(), ExportError> {
    row(out, CURVES.map(str::to_owned))?;
    records.iter().try_for_each(|record| curves_of(record, out))
}

fn curves_of(record: &Record, out: &mut dyn Write) -> Result<(), ExportError> {
    let cuts = Cuts::read(record)?;
    let run = quoted(&name(&record.id())).into_owned();
    let mut line_number = 0;
    each_line(record, |line| {
        line_number += 1;
        let Event::Progress { round, trial, points, .. } = line.event else { return Ok(()) };
        if line_number > cuts.lines {
            return Ok(());
        }
        for point in points {
            if cuts.void(line_number, round, trial, point.iteration) {
                continue;
            }
            let [matching, prior, total] = [point.matching, point.prior, point.total()].map(Number);
            let (iteration, seconds) = (point.iteration, Number(line.t));
            writeln!(out, "{run},{round},{trial},{iteration},{seconds},{matching},{prior},{total}")?;
        }
        Ok(())
    })
}

/// What takes back points that the log already holds: a worker that went on from a checkpoint, or began a trial anew.
/// The rules are those of [`RunState`](crate::run::RunState).
#[derive(Debug, Default)]
struct Cuts {
    /// Lines of the log that were looked at.
    lines: u64,
    /// Rounds in the order they began.
    rounds: Vec<u32>,
    cuts: Vec<Cut>,
}

/// Points before line `line` that lie behind `iteration` of this trial are void.
#[derive(Debug)]
struct Cut {
    line: u64,
    round: u32,
    trial: usize,
    iteration: usize,
}

impl Cuts {
    fn read(record: &Record) -> Result<Cuts, ExportError> {
        let mut cuts = Cuts::default();
        // How far the curves go: place of the round, trial, iteration.
        let mut reached = (0, 0, 0);
        each_line(record, |line| {
            cuts.lines += 1;
            let (round, trial, iteration) = match line.event {
                Event::Round { round, .. } => {
                    cuts.begin(round);
                    return Ok(());
                }
                Event::Trial { round, trial, .. } => (round, trial, 0),
                Event::Resumed { round, trial, iteration } => (round, trial, iteration),
                Event::Progress { round, trial, points, .. } => {
                    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Ok(()) };
                    // A round whose announcement is lost, but never the first.
                    if !cuts.rounds.is_empty() {
                        cuts.begin(round);
                    }
                    let Some(at) = cuts.place(round) else { return Ok(()) };
                    let before = reached;
                    reached = (at, trial, last.iteration);
                    // Points that go back come from a resume whose line is lost.
                    if before < (at, trial, first.iteration) {
                        return Ok(());
                    }
                    (round, trial, first.iteration.saturating_sub(1))
                }
                _ => return Ok(()),
            };
            cuts.cuts.push(Cut { line: cuts.lines, round, trial, iteration });
            Ok(())
        })?;
        Ok(cuts)
    }

    fn begin(&mut self, round: u32) {
        if self.place(round).is_none() {
            self.rounds.push(round);
        }
    }

    fn place(&self, round: u32) -> Option<usize> {
        self.rounds.iter().position(|known| *known == round)
    }

    /// Whether a later line takes this point back, or its round was never announced.
    fn void(&self, line: u64, round: u32, trial: usize, iteration: usize) -> bool {
        let Some(at) = self.place(round) else { return true };
        let mut later = self.cuts.iter().rev().take_while(|cut| cut.line > line);
        later.any(|cut| {
            self.place(cut.round)
                .is_some_and(|of_cut| (at, trial, iteration) > (of_cut, cut.trial, cut.iteration))
        })
    }
}

fn each_line(
    record: &Record,
    mut each: impl FnMut(crate::run::Line) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let mut tail = Tail::new(record.directory.events_path());
    loop {
        let batch = tail.read().map_err(|e| RunError::io("read", tail.path(), e))?;
        if batch.restarted {
            let replaced = io::Error::other("it was replaced while it was read; try again");
            return Err(RunError::io("read", tail.path(), replaced).into());
        }
        batch.lines.into_iter().try_for_each(&mut each)?;
        if !batch.more {
            return Ok(());
        }
    }
}

fn row<const N: usize>(out: &mut dyn Write, cells: [String; N]) -> io::Result<()> {
    for (i, cell) in cells.iter().enumerate() {
        if i > 0 {
            out.write_all(b",")?;
        }
        out.write_all(quoted(cell).as_bytes())?;
    }
    out.write_all(b"\n")
}

/// A word that came from outside.
fn name(text: &str) -> String {
    text::cell(text).into_owned()
}

fn quoted(cell: &str) -> Cow<'_, str> {
    if cell.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\"")).into()
    } else {
        cell.into()
    }
}

/// The shortest text that is read back as the same number.
struct Number(f64);

impl Display for Number {
    fn fmt(&self, text: &mut Formatter<'_>) -> fmt::Result {
        if self.0.is_nan() { text.write_str("nan") } else { write!(text, "{:?}", self.0) }
    }
}

fn optional(value: Option<f64>) -> String {
    value.map(|value| Number(value).to_string()).unwrap_or_default()
}
