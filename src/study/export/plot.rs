//! The plot of a study: an axis of its cells across, its yardstick upwards with 95 % intervals, a mark and a line a series.

use super::{Export, StudyExportError};
use crate::config::ConfigError;
use crate::paper::plot::{Axis, Curve, Plot, Scale};
use crate::study::StudyError;
use crate::study::results::{Judged, Shown};

/// How far series stand apart, at most, where points are 1 apart.
const APART: f64 = 0.12;

/// Cells that differ by the axis across alone: their points on the other axes, and by place across what they show.
struct Series {
    at: Vec<usize>,
    points: Vec<(usize, Shown)>,
}

/// Draws the yardstick along an axis.
pub fn plot(export: &Export, along: Option<&str>) -> Result<Plot, StudyExportError> {
    let (study, definition) = (&export.study, &export.study.definition);
    let across = across(export, along)?;
    let asked = study.figures()[0];
    let shown: Vec<(usize, Shown)> =
        export.cells().filter_map(|cell| Some((cell, export.told(cell, 0)?))).collect();
    if shown.is_empty() {
        let of = || (study.name.clone(), definition.figures[0].clone());
        let is_there = export.cells().any(|cell| export.results.cells[cell].figures[0].is_some());
        let ((study, figure), (same, key)) = (of(), of());
        return Err(match is_there {
            true => StudyExportError::NoCost { study, figure },
            false => StudyExportError::NoSuchFigure { study: same, figure: key },
        });
    }
    // Points that there is something at, in the order of the axis.
    let mut places: Vec<usize> = shown.iter().map(|(cell, _)| study.cells[*cell].at[across]).collect();
    places.sort_unstable();
    places.dedup();
    let names = definition.axes[across].names();
    let names: Vec<String> = places.iter().map(|place| names[*place].clone()).collect();
    let varied = |axis: usize| {
        let mut at = shown.iter().map(|(cell, _)| study.cells[*cell].at[axis]);
        let first = at.next();
        at.any(|other| Some(other) != first)
    };
    let others: Vec<usize> =
        (0..definition.axes.len()).filter(|axis| *axis != across && varied(*axis)).collect();
    let mut series: Vec<Series> = Vec::new();
    for &(cell, of) in &shown {
        let at: Vec<usize> = others.iter().map(|axis| study.cells[cell].at[*axis]).collect();
        let place = places.iter().position(|place| *place == study.cells[cell].at[across]).unwrap_or(0);
        match series.iter_mut().find(|known| known.at == at) {
            Some(known) => known.points.push((place, of)),
            None => series.push(Series { at, points: vec![(place, of)] }),
        }
    }
    let goes_along = definition.hypotheses.iter().filter_map(|of| of.along.as_ref());
    let is_ordered = names.iter().all(|name| name.parse::<f64>().is_ok())
        || goes_along.into_iter().any(|along| *along == definition.axes[across].name);
    let many = series.len();
    let step = APART.min(0.6 / many as f64);
    let curve = |(style, Series { at, mut points }): (usize, Series)| {
        points.sort_by_key(|(place, _)| *place);
        let shift = step * (style as f64 - (many - 1) as f64 / 2.0);
        let x = |place: usize| place as f64 + shift;
        let named = others.iter().zip(&at).map(|(axis, at)| {
            let axis = &definition.axes[*axis];
            format!("{}={}", axis.name, axis.names()[*at])
        });
        let interval = |(place, of): &(usize, Shown)| {
            of.interval.map(|interval| (x(*place), interval.low, interval.high))
        };
        Curve {
            name: named.collect::<Vec<_>>().join(", "),
            style,
            points: points.iter().map(|(place, of)| (x(*place), of.middle)).collect(),
            intervals: points.iter().filter_map(interval).collect(),
            has_marks: true,
            is_joined: is_ordered,
        }
    };
    let curves: Vec<Curve> = series.into_iter().enumerate().map(curve).collect();
    let ends = shown.iter().filter_map(|(_, of)| of.interval).flat_map(|of| [of.low, of.high]);
    let values = shown.iter().map(|(_, of)| of.middle).chain(ends);
    let mut y = Axis::of(asked.figure, asked.figure.word.ascii, values);
    if asked.of_first {
        y.name += ", first round";
    }
    let x = Axis::new(definition.axes[across].name.clone(), Scale::Named(names));
    let mut plot = Plot::new(&definition.title, x, y).with_curves(curves);
    if many == 1 {
        plot.keys.clear();
    }
    plot.about = about(export);
    plot.notes = notes(export, asked.is_mean());
    Ok(plot)
}

/// The axis that goes across.
fn across(export: &Export, along: Option<&str>) -> Result<usize, StudyExportError> {
    let axes = &export.study.definition.axes;
    let place = |name: &str| axes.iter().position(|axis| axis.name == name);
    if let Some(name) = along {
        return place(name).ok_or_else(|| {
            let names: Vec<&str> = axes.iter().map(|axis| axis.name.as_str()).collect();
            let message =
                format!("study {} has no such axis; it has {}", export.study.name, names.join(", "));
            StudyError::Config(ConfigError::new(format!("--along {name}"), message)).into()
        });
    }
    let expected = export.study.definition.hypotheses.iter().find_map(|of| place(of.along.as_deref()?));
    let points = |axis: &usize| {
        let mut at: Vec<usize> = export.cells().map(|cell| export.study.cells[cell].at[*axis]).collect();
        at.sort_unstable();
        at.dedup();
        at.len()
    };
    // The first of equal ones.
    let longest = (0..axes.len()).rev().max_by_key(points);
    Ok(expected.or(longest).unwrap_or(0))
}

/// What whoever includes the plot should know.
fn about(export: &Export) -> String {
    let judged = export.results.judged.iter().map(judged);
    let mut sentences: Vec<String> = judged.collect();
    sentences.extend(export.so_far());
    sentences.push(export.conditions());
    sentences.join(" ")
}

/// What stands below the plot: expectations of what is drawn, what is drawn, under which conditions.
fn notes(export: &Export, is_mean: bool) -> Vec<String> {
    let drawn = &export.study.definition.figures[0];
    let tested = export.study.definition.hypotheses.iter().zip(&export.results.judged);
    let mut notes: Vec<String> =
        tested.filter(|(of, _)| of.figure == *drawn).map(|(_, found)| judged(found)).collect();
    let middle = if is_mean { "Mean" } else { "Median" };
    notes.push(format!("{middle} with 95 % bootstrap interval over pairs of seed and pictures."));
    notes.extend(export.so_far());
    notes.extend(costs(export));
    notes.extend(export.study.added_controls().or_else(|| export.study.missing_controls()));
    notes.extend(export.withheld());
    notes.push(export.conditions());
    notes
}

/// What the post-processing of cells costs, each once.
fn costs(export: &Export) -> Option<String> {
    let mut told: Vec<String> = Vec::new();
    for cell in export.cells() {
        let Some(cost) = &export.costs[cell] else { continue };
        let steps = export.study.cells[cell].config.post_steps().join(", ");
        let one = format!("{steps}: {}", cost.drop.times(100.0));
        if !told.contains(&one) {
            told.push(one);
        }
    }
    (!told.is_empty())
        .then(|| format!("Points of accuracy lost, median over seeds (least to most): {}.", told.join("; ")))
}

/// `As expected: PSNR falls with the batch size (rank correlation: -0.83 [-0.90, -0.71], 20 pairs).`
fn judged(found: &Judged) -> String {
    let outcome = found.outcome.name();
    let (first, rest) = outcome.split_at(1);
    format!("{}{rest}: {} ({}).", first.to_uppercase(), found.says, found.in_words())
}
