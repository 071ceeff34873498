//! Leakage against utility: what each post-processing left of the picture beside what it costs in accuracy.

use std::collections::BTreeMap;

use super::comparison::Side;
use super::cost;
use crate::catalogue::defence::NOISE_ONLY;
use crate::config::{PostKnowledge, RunConfig};
use crate::figure::Figure;

/// Runs with and without post-processing, as points.
#[derive(Debug, Clone, PartialEq)]
pub struct Tradeoff {
    /// One for each run whose cost is known.
    pub marks: Vec<Mark>,
    /// Pairs of marks, the same post-processing met by an attacker who ignores it and one who adapts.
    pub joined: Vec<(usize, usize)>,
    /// The two ends of the scale, where a run has them.
    pub ends: Vec<End>,
}

/// A run with post-processing.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// Which of the sides.
    pub side: usize,
    /// Its steps in words.
    pub steps: String,
    /// Points of accuracy that it costs, the median.
    pub lost: f64,
    /// The figure of leakage.
    pub leaked: f64,
    /// Whether the attacker does anything about it.
    pub adaptive: bool,
}

/// A run that shows an end of the scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct End {
    /// What was sent: `whole update`, `noise alone`.
    pub name: &'static str,
    /// The figure of leakage.
    pub leaked: f64,
}

/// The runs as points of this figure; nothing while no run has both the figure and a known cost.
pub fn of(sides: &[Side], figure: &Figure) -> Option<Tradeoff> {
    let (mut marks, mut ends) = (Vec::new(), Vec::new());
    for (at, side) in sides.iter().enumerate() {
        let (Some(config), Some(leaked)) = (side.config(), figure.value(&side.measured())) else { continue };
        match (end(config), side.cost) {
            (Some(name), _) => ends.push((config, End { name, leaked })),
            (None, Some(cost)) => marks.push(Mark {
                side: at,
                steps: config.post_steps().join(", "),
                lost: 100.0 * cost.drop.median,
                leaked,
                adaptive: config.knowledge.post != PostKnowledge::None,
            }),
            (None, None) => {}
        }
    }
    let same = |a: &Mark, b: &Mark| {
        let settings = |mark: &Mark| sides[mark.side].cost.map(|cost| &cost.settings);
        settings(a) == settings(b)
    };
    let pairs = marks.iter().enumerate().filter(|(_, naive)| !naive.adaptive).flat_map(|(at, naive)| {
        let others = marks.iter().enumerate();
        others.filter(|(_, other)| other.adaptive && same(naive, other)).map(move |(other, _)| (at, other))
    });
    let joined = pairs.collect();
    // An end of another network or training is none of this scale.
    let fits = |config: &RunConfig| {
        marks
            .iter()
            .filter_map(|mark| sides[mark.side].config())
            .any(|other| situation(other) == situation(config))
    };
    let ends = ends.into_iter().filter(|(config, _)| fits(config)).map(|(_, end)| end).collect();
    (!marks.is_empty()).then_some(Tradeoff { marks, joined, ends })
}

/// What decides a figure besides post-processing: the settings of victim and federation.
fn situation(config: &RunConfig) -> BTreeMap<String, String> {
    let mut settings = cost::settings(config);
    settings.remove("post");
    settings
}

/// Which end of the scale a run shows, if it shows one.
fn end(config: &RunConfig) -> Option<&'static str> {
    match config.post.as_slice() {
        [] => Some("whole update"),
        steps if steps.iter().all(|step| step.kind == NOISE_ONLY.name) => Some("noise alone"),
        _ => None,
    }
}
