//! Figures for a paper: the losses of runs, PSNR by round of a federation, leakage against utility.

mod drawing;

pub use drawing::svg;

use super::axis::{Decades, round_step};
use super::entry;
use super::record::Record;
use crate::config::RunConfig;
use crate::figure::{Figure, figure};
use crate::run::comparison::{self, Side};
use crate::run::state::{RoundState, RunState, TrialState};
use crate::run::tradeoff;

/// How wide a figure is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Width {
    /// 3.3 inches, a column of two.
    #[default]
    Column,
    /// 7 inches, the width of a page.
    Page,
}

impl Width {
    /// All widths.
    pub const ALL: [Width; 2] = [Width::Column, Width::Page];

    /// Inches, as one writes them.
    pub fn name(self) -> &'static str {
        match self {
            Width::Column => "3.3",
            Width::Page => "7",
        }
    }

    fn inches(self) -> f64 {
        match self {
            Width::Column => 3.3,
            Width::Page => 7.0,
        }
    }

    /// Of the plot, in points.
    fn height(self) -> f64 {
        match self {
            Width::Column => 125.0,
            Width::Page => 205.0,
        }
    }

    fn legend_columns(self) -> usize {
        match self {
            Width::Column => 1,
            Width::Page => 2,
        }
    }
}

/// The style of marks that stand for those of any colour.
const BLACK: usize = 3;

/// A figure, still without a size.
pub struct Plot {
    /// What is added to the name of a further file.
    pub suffix: &'static str,
    title: String,
    /// The conditions of all that is shown.
    about: String,
    x: Axis,
    y: Axis,
    curves: Vec<Curve>,
    marks: Vec<Mark>,
    /// Points to be joined.
    joined: Vec<((f64, f64), (f64, f64))>,
    /// Values across the whole plot, with their names.
    rules: Vec<(f64, String)>,
    keys: Vec<Key>,
    notes: Vec<String>,
}

struct Axis {
    /// With its unit, where there is one.
    name: &'static str,
    scale: Scale,
}

enum Scale {
    Linear { from: f64, to: f64, step: f64 },
    Log(Decades),
}

struct Curve {
    name: String,
    /// Decides colour, dashes and marks.
    style: usize,
    points: Vec<(f64, f64)>,
    has_marks: bool,
}

struct Mark {
    at: (f64, f64),
    style: usize,
    is_hollow: bool,
}

/// An entry of the legend.
enum Key {
    Curve { name: String, style: usize, has_marks: bool },
    Mark { name: String, style: usize, is_hollow: bool },
}

impl Scale {
    /// With about five ticks, from a multiple of their distance to another.
    fn linear(lowest: f64, highest: f64) -> Scale {
        let step = round_step(((highest - lowest) / 5.0).max(1e-3));
        let (from, to) = ((lowest / step).floor() * step, (highest / step).ceil() * step);
        Scale::Linear { from, to: to.max(from + step), step }
    }

    fn share(&self, value: f64) -> Option<f64> {
        match self {
            Scale::Linear { from, to, .. } => {
                value.is_finite().then(|| ((value - from) / (to - from)).clamp(0.0, 1.0))
            }
            Scale::Log(decades) => decades.share(value),
        }
    }
}

/// The figures that there are of these runs, as a report tells them.
pub fn plots(records: &[Record]) -> Vec<Plot> {
    let records: &[Record] = &records.iter().map(Record::for_report).collect::<Vec<_>>();
    let ids: Vec<String> = records.iter().map(Record::id).collect();
    let names = comparison::names(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    let sides: Vec<Side<'_>> = records.iter().zip(&ids).map(|(record, id)| record.side(id)).collect();
    let (about, unlike) = (about(records), unlike(records));
    let plots = [losses(records, &names), rounds(records, &names), tradeoff(&sides)];
    let told = |mut plot: Plot| {
        plot.notes.extend(unlike.clone());
        Plot { about: about.clone(), ..plot }
    };
    plots.into_iter().flatten().map(told).collect()
}

/// A condition of figures with what it is in a run.
type Condition = (&'static str, fn(&RunConfig) -> String);

/// In which conditions the runs differ, so that one figure says little of another.
fn unlike(records: &[Record]) -> Option<String> {
    let conditions: [Condition; 5] = [
        ("model", |config| config.victim.model.clone()),
        ("training", RunConfig::training),
        ("BatchNorm", |config| config.victim.batch_norm().to_owned()),
        ("batch size", |config| config.batch().to_string()),
        ("labels", |config| config.attack.labels.name().to_owned()),
    ];
    let differ = conditions.into_iter().filter_map(|(name, of)| {
        let mut all = records.iter().map(|record| of(record.config()));
        let first = all.next()?;
        all.any(|other| other != first).then_some(name)
    });
    let differ: Vec<&str> = differ.collect();
    (!differ.is_empty()).then(|| format!("Not like for like: the runs differ in {}.", differ.join(", ")))
}

fn about(records: &[Record]) -> String {
    let entries = entry::entries(records);
    let groups = entry::groups(&entries);
    let named = groups.iter().map(|(conditions, members)| {
        let mut runs: Vec<String> = members.iter().map(|entry| entry.record.id()).collect();
        runs.dedup();
        format!("{}: {conditions}", runs.join(", "))
    });
    format!("Single runs. {}", named.collect::<Vec<_>>().join(" "))
}

/// The last attacked round that has a curve, and its shown trial.
fn newest(state: &RunState) -> Option<(&RoundState, &TrialState)> {
    let mut rounds = state.rounds.iter().rev().filter_map(|round| Some((round, round.shown_trial()?)));
    rounds.find(|(_, trial)| trial.matching.smallest_positive().is_some())
}

/// One curve a run, in its last attacked round.
fn losses(records: &[Record], names: &[String]) -> Option<Plot> {
    let (mut curves, mut low, mut high, mut last) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (style, (record, name)) in records.iter().zip(names).enumerate() {
        let Some((round, trial)) = newest(&record.state) else { continue };
        let of_round =
            if record.state.rounds.len() > 1 { format!(", round {}", round.round) } else { String::new() };
        let of_trial =
            if round.trials.len() > 1 { format!(", trial {}", trial.trial + 1) } else { String::new() };
        low.extend(trial.matching.smallest_positive());
        high.extend(trial.matching.range().map(|(_, high)| high));
        last.extend(trial.matching.last_x());
        let points = trial.matching.buckets().iter().map(|bucket| (bucket.last, bucket.value));
        let name = format!("{name}{of_round}{of_trial}");
        curves.push(Curve { name, style, points: points.collect(), has_marks: false });
    }
    let lowest = low.into_iter().reduce(f64::min)?;
    let highest = high.into_iter().reduce(f64::max)?;
    let last = last.into_iter().fold(1.0, f64::max);
    // The axis ends with the last iteration, between two ticks.
    let iterations = Scale::Linear { from: 0.0, to: last, step: round_step(last / 5.0).max(1.0) };
    Some(Plot {
        suffix: "",
        title: "Matching loss by iteration".into(),
        about: String::new(),
        x: Axis { name: "iteration", scale: iterations },
        y: Axis { name: "matching loss", scale: Scale::Log(Decades::around(lowest, highest)) },
        keys: keys(&curves),
        curves,
        marks: Vec::new(),
        joined: Vec::new(),
        rules: Vec::new(),
        notes: Vec::new(),
    })
}

fn keys(curves: &[Curve]) -> Vec<Key> {
    let key = |curve: &Curve| Key::Curve {
        name: curve.name.clone(),
        style: curve.style,
        has_marks: curve.has_marks,
    };
    curves.iter().map(key).collect()
}

/// PSNR of every attacked round of the runs that have several.
fn rounds(records: &[Record], names: &[String]) -> Option<Plot> {
    let psnr = figure("psnr");
    let (mut curves, mut notes) = (Vec::new(), Vec::new());
    for (style, (record, name)) in records.iter().zip(names).enumerate() {
        if record.state.rounds.len() < 2 {
            continue;
        }
        let point = |round: &RoundState| {
            let value = psnr.value(&record.state.measured(round)).filter(|value| value.is_finite())?;
            Some((f64::from(round.round), value))
        };
        let points: Vec<(f64, f64)> = record.state.rounds.iter().filter_map(point).collect();
        if record.lacks_cost() {
            notes.push(format!("{name} is left out: what its post-processing costs is not measured."));
        } else if !points.is_empty() {
            curves.push(Curve { name: name.clone(), style, points, has_marks: true });
        }
    }
    let rules: Vec<(f64, String)> =
        [("psnr_grey", "grey picture"), ("psnr_mean", "mean of the other samples")]
            .into_iter()
            .filter_map(|(key, name)| Some((shared(figure(key), records)?, name.to_owned())))
            .collect();
    let values = || curves.iter().flat_map(|curve| &curve.points);
    let last = values().map(|(round, _)| *round).reduce(f64::max)?;
    let scale = decibels(values().map(|(_, psnr)| *psnr).chain(rules.iter().map(|(value, _)| *value)));
    let step = round_step(last / 5.0).max(1.0);
    Some(Plot {
        suffix: "-rounds",
        title: "PSNR by federated round".into(),
        about: String::new(),
        x: Axis { name: "federated round", scale: Scale::Linear { from: 0.0, to: last.max(1.0), step } },
        y: Axis { name: "PSNR (dB)", scale },
        keys: keys(&curves),
        curves,
        marks: Vec::new(),
        joined: Vec::new(),
        rules,
        notes,
    })
}

/// A figure that all attacked rounds have alike, in what is shown of it.
fn shared(figure: &Figure, records: &[Record]) -> Option<f64> {
    let rounds =
        records.iter().flat_map(|record| record.state.rounds.iter().map(move |round| (record, round)));
    let mut values = rounds.filter_map(|(record, round)| figure.value(&record.state.measured(round)));
    let first = values.next()?;
    values.all(|other| figure.text(other) == figure.text(first)).then_some(first)
}

/// From 0 on, or from below where a value is.
fn decibels(values: impl Iterator<Item = f64>) -> Scale {
    let (low, high) =
        values.fold((0.0_f64, 10.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    Scale::linear(low, high)
}

/// What post-processing left of the picture over what it costs.
fn tradeoff(sides: &[Side<'_>]) -> Option<Plot> {
    let found = tradeoff::of(sides, figure("psnr"))?;
    let mut steps: Vec<&str> = Vec::new();
    for mark in &found.marks {
        if !steps.contains(&mark.steps.as_str()) {
            steps.push(&mark.steps);
        }
    }
    // Of five shapes, since hollow ones mean something else here.
    let style = |of: &str| steps.iter().position(|known| *known == of).unwrap_or(0) % 5;
    let marks: Vec<Mark> = found
        .marks
        .iter()
        .map(|mark| Mark {
            at: (mark.lost, mark.leaked),
            style: style(&mark.steps),
            is_hollow: !mark.adaptive,
        })
        .collect();
    let joined =
        found.joined.iter().map(|&(naive, adaptive)| (marks[naive].at, marks[adaptive].at)).collect();
    let rules: Vec<(f64, String)> = found.ends.iter().map(|end| (end.leaked, end.name.to_owned())).collect();
    let lost = || marks.iter().map(|mark| mark.at.0);
    let leaked = marks.iter().map(|mark| mark.at.1).chain(rules.iter().map(|(value, _)| *value));
    let mut keys: Vec<Key> = steps
        .iter()
        .map(|name| Key::Mark { name: (*name).to_owned(), style: style(name), is_hollow: false })
        .collect();
    if marks.iter().any(|mark| mark.is_hollow) {
        for (name, is_hollow) in [("the attacker adapts", false), ("the attacker ignores it", true)] {
            keys.push(Key::Mark { name: name.to_owned(), style: BLACK, is_hollow });
        }
    }
    let scale = decibels(leaked);
    Some(Plot {
        suffix: "-tradeoff",
        title: "Leakage against utility".into(),
        about: String::new(),
        x: Axis {
            name: "accuracy lost (percentage points, median over seeds)",
            scale: Scale::linear(lost().fold(0.0, f64::min), lost().fold(1.0, f64::max)),
        },
        y: Axis { name: "PSNR (dB)", scale },
        curves: Vec::new(),
        marks,
        joined,
        rules,
        keys,
        notes: Vec::new(),
    })
}
