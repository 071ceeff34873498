//! Figures for a paper: the losses of runs, a figure by round of a federation, leakage against utility, pictures.

use super::record::Record;
use super::{ExportError, Look, entry, strips};
use crate::config::RunConfig;
use crate::equation::Equation;
use crate::figure::{Figure, figure};
use crate::paper::axis::{Decades, round_step};
use crate::paper::plot::{self, Axis, BLACK, Curve, Key, Mark, Plot, Scale};
use crate::paper::{Drawing, Width, strip};
use crate::run::comparison::{self, Side};
use crate::run::state::{RoundState, RunState, TrialState};
use crate::run::tradeoff;

/// The drawings that there are of these runs, as a report tells them, each with what is added to the name of its file.
pub fn figures(records: &[Record], look: Look) -> Result<Vec<(&'static str, Drawing)>, ExportError> {
    let records: &[Record] = &records.iter().map(Record::for_report).collect::<Vec<_>>();
    let ids: Vec<String> = records.iter().map(Record::id).collect();
    let names = comparison::names(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    let sides: Vec<Side<'_>> = records.iter().zip(&ids).map(|(record, id)| record.side(id)).collect();
    let (about, unlike) = (about(records), unlike(records));
    let asked = look.figure.unwrap_or_else(|| figure("psnr"));
    // Whoever asks for a figure wants what shows it.
    let is_any = look.figure.is_none();
    let plots = [
        ("", losses(records, &names).filter(|_| is_any)),
        ("-equation", equations(records, &names).filter(|_| is_any)),
        ("-rounds", rounds(records, &names, asked)),
        ("-tradeoff", tradeoff(&sides, asked)),
    ];
    let told = |(suffix, plot): (&'static str, Option<Plot>)| {
        let mut plot = plot?;
        plot.notes.extend(unlike.clone());
        plot.notes.extend(entry::readings(records.iter()));
        Some((suffix, plot::drawing(&Plot { about: about.clone(), ..plot }, look.width)))
    };
    let mut drawings: Vec<(&str, Drawing)> = plots.into_iter().filter_map(told).collect();
    let strip = is_any.then(|| strips::strip(records, &names, &about, look.width)).flatten();
    drawings.extend(strip.map(|strip| ("-pictures", strip::drawing(&strip, look.width))));
    if let Some((suffix, _)) = drawings.first_mut() {
        *suffix = "";
        return Ok(drawings);
    }
    let Some(asked) = look.figure else { return Err(ExportError::NoFigures) };
    let has = |record: &Record| {
        let mut rounds = record.state.rounds.iter();
        rounds.any(|round| asked.value(&record.state.measured(round)).is_some())
    };
    Err(match records.iter().any(has) {
        true => ExportError::OneValue { figure: asked.word.key },
        false => ExportError::NoSuchFigure { figure: asked.word.key },
    })
}

/// PSNR by attacked round, under these names; nothing where no run has several rounds.
pub fn by_round(records: &[Record], names: &[String], width: Width) -> Option<Drawing> {
    rounds(records, names, figure("psnr")).map(|plot| plot::drawing(&plot, width))
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
        curves.push(Curve {
            name,
            style,
            points: points.collect(),
            intervals: Vec::new(),
            has_marks: false,
            is_joined: true,
        });
    }
    let lowest = low.into_iter().reduce(f64::min)?;
    let highest = high.into_iter().reduce(f64::max)?;
    let last = last.into_iter().fold(1.0, f64::max);
    // The axis ends with the last iteration, between two ticks.
    let iterations = Scale::Linear { from: 0.0, to: last, step: round_step(last / 5.0).max(1.0), unit: 1.0 };
    let y = Scale::Log(Decades::around(lowest, highest));
    let (x, y) = (Axis::new("iteration", iterations), Axis::new("matching loss", y));
    Some(Plot::new("Matching loss by iteration", x, y).with_curves(curves))
}

/// The equation of one unknown that each run began with in its last attacked round, with its roots and the private sample. Runs
/// whose equation is another than the first one's are left out, which is said.
fn equations(records: &[Record], names: &[String]) -> Option<Plot> {
    let of = |record: &Record| {
        let mut rounds = record.state.rounds.iter().rev();
        rounds.find_map(|round| round.result.as_ref()?.equation.as_deref().cloned())
    };
    let found: Vec<(usize, &String, Equation)> = records
        .iter()
        .zip(names)
        .enumerate()
        .filter_map(|(style, (record, name))| Some((style, name, of(record)?)))
        .collect();
    let first = &found.first()?.2;
    let alike: Vec<_> = found.iter().filter(|(_, _, equation)| equation.left == first.left).collect();
    let all = || alike.iter().flat_map(|(_, _, equation)| &equation.points);
    let ends = |values: &mut dyn Iterator<Item = f64>| {
        values
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
    };
    let (left, right) = ends(&mut all().map(|(x, _)| *x));
    let values = alike.iter().map(|(_, _, equation)| equation.value);
    let (low, high) = ends(&mut all().map(|(_, y)| *y).chain(values));
    let (mut marks, mut rules, mut curves) = (Vec::new(), Vec::new(), Vec::new());
    for (style, name, equation) in &alike {
        rules.push((equation.value, name.to_string()));
        let mark = |at, is_hollow| Mark { at, style: *style, is_hollow };
        marks.extend(equation.roots.iter().map(|x| mark((*x, equation.value), equation.taken != Some(*x))));
        curves.push(Curve {
            name: name.to_string(),
            style: *style,
            points: equation.points.clone(),
            intervals: Vec::new(),
            has_marks: false,
            is_joined: true,
        });
    }
    // One sample is behind runs that attack the same one.
    let truth = first.truth.and_then(|x| Some((x, first.at(x)?)));
    marks.extend(truth.map(|at| Mark { at, style: BLACK, is_hollow: false }));
    let x = Axis::new(first.unknown.clone(), Scale::linear(left, right));
    let y = Axis::new(first.left.clone(), Scale::linear(low, high));
    let mut plot = Plot { marks, rules, ..Plot::new("The equation of the logit", x, y).with_curves(curves) };
    let key = |name: &str, style, is_hollow| Key::Mark { name: name.to_owned(), style, is_hollow };
    plot.keys.extend([key("root that was taken", 0, false), key("root that fits as well", 0, true)]);
    plot.keys.extend(truth.map(|_| key("the private sample, which no attack knows", BLACK, false)));
    plot.notes.extend(alike.iter().map(|(_, name, equation)| format!("{name}: {}.", equation.in_words())));
    let others = found.iter().filter(|(_, _, equation)| equation.left != first.left);
    plot.notes.extend(others.map(|(_, name, _)| format!("{name} is left out: its equation is another.")));
    Some(plot)
}

/// A figure in every attacked round of the runs that have several.
fn rounds(records: &[Record], names: &[String], figure_asked: &Figure) -> Option<Plot> {
    let (mut curves, mut notes) = (Vec::new(), Vec::new());
    for (style, (record, name)) in records.iter().zip(names).enumerate() {
        if record.state.rounds.len() < 2 {
            continue;
        }
        let point = |round: &RoundState| {
            let value =
                figure_asked.value(&record.state.measured(round)).filter(|value| value.is_finite())?;
            Some((f64::from(round.round), value))
        };
        let points: Vec<(f64, f64)> = record.state.rounds.iter().filter_map(point).collect();
        if !points.is_empty() {
            curves.push(Curve {
                name: name.clone(),
                style,
                points,
                intervals: Vec::new(),
                has_marks: true,
                is_joined: true,
            });
        } else if record.lacks_cost() {
            notes.push(format!("{name} is left out: what its post-processing costs is not measured."));
        }
    }
    let mut rules = Vec::new();
    if figure_asked.word.key == "psnr" {
        for (key, name) in [("psnr_grey", "grey picture"), ("psnr_mean", "mean of the other samples")] {
            rules.extend(shared(figure(key), records).map(|value| (value, name.to_owned())));
        }
    }
    let values = || curves.iter().flat_map(|curve| &curve.points);
    let last = values().map(|(round, _)| *round).reduce(f64::max)?;
    let all = values().map(|(_, value)| *value).chain(rules.iter().map(|(value, _)| *value));
    let y = Axis::of(figure_asked, figure_asked.word.ascii, all);
    let step = round_step(last / 5.0).max(1.0);
    let x = Axis::new("federated round", Scale::Linear { from: 0.0, to: last.max(1.0), step, unit: 1.0 });
    let title = format!("{} by federated round", figure_asked.word.ascii);
    Some(Plot { rules, notes, ..Plot::new(title, x, y).with_curves(curves) })
}

/// A figure that all attacked rounds have alike, in what is shown of it.
fn shared(figure: &Figure, records: &[Record]) -> Option<f64> {
    let rounds =
        records.iter().flat_map(|record| record.state.rounds.iter().map(move |round| (record, round)));
    let mut values = rounds.filter_map(|(record, round)| figure.value(&record.state.measured(round)));
    let first = values.next()?;
    values.all(|other| figure.text(other) == figure.text(first)).then_some(first)
}

/// What post-processing left of the picture over what it costs.
fn tradeoff(sides: &[Side<'_>], figure: &Figure) -> Option<Plot> {
    let found = tradeoff::of(sides, figure)?;
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
    let x = Axis::new(
        "accuracy lost (percentage points, median over seeds)",
        Scale::linear(lost().fold(0.0, f64::min), lost().fold(1.0, f64::max)),
    );
    let y = Axis::of(figure, figure.word.ascii, leaked);
    let notes = tradeoff::unlike(sides).map(|costs| format!("Costs are not like for like: {costs}."));
    Some(Plot {
        marks,
        joined,
        rules,
        keys,
        notes: notes.into_iter().collect(),
        ..Plot::new("Leakage against utility", x, y)
    })
}
