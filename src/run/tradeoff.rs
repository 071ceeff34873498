//! Leakage against utility: what each post-processing left of the picture beside what it costs in accuracy.

use std::collections::BTreeMap;

use super::comparison::Side;
use super::cost::{self, Cost};
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

/// Where the costs of these runs were measured over other rounds or by other seeds: `sparsify 0.5 over 10 rounds, sparsify 0.9
/// over 30 rounds`.
pub fn unlike(sides: &[Side]) -> Option<String> {
    let cost = |side: &Side| Some((side.config()?.post_steps().join(", "), side.cost?.clone()));
    differing(&sides.iter().filter_map(cost).collect::<Vec<_>>())
}

fn differing(costs: &[(String, Cost)]) -> Option<String> {
    let (_, first) = costs.first()?;
    let has_other_rounds = costs.iter().any(|(_, cost)| cost.rounds != first.rounds);
    let has_other_seeds = costs.iter().any(|(_, cost)| cost.seeds != first.seeds);
    let mut told: Vec<String> = Vec::new();
    for (steps, Cost { rounds, seeds, .. }) in costs {
        let over = if has_other_rounds { format!(" over {rounds} rounds") } else { String::new() };
        let by = if has_other_seeds { format!(" by {seeds} seeds") } else { String::new() };
        let one = format!("{steps}{over}{by}");
        if !told.contains(&one) {
            told.push(one);
        }
    }
    (has_other_rounds || has_other_seeds).then(|| told.join(", "))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;
    use crate::config::preset;

    #[test]
    fn costs_over_other_rounds_or_by_other_seeds_are_said() {
        let config = preset::load("sparsify", &[], Path::new("/nonexistent")).unwrap().config;
        let of = |steps: &str, rounds: u32, seeds: u32| {
            (steps.to_owned(), Cost { rounds, seeds, ..cost::fixture(&config) })
        };
        let said = |rounds: u32, seeds: u32| {
            differing(&[
                of("sparsify 0.5", 10, 3),
                of("sparsify 0.9", rounds, seeds),
                of("sparsify 0.5", 10, 3),
            ])
        };
        assert_eq!(said(10, 3), None);
        assert_eq!(said(30, 3).unwrap(), "sparsify 0.5 over 10 rounds, sparsify 0.9 over 30 rounds");
        assert_eq!(said(10, 5).unwrap(), "sparsify 0.5 by 3 seeds, sparsify 0.9 by 5 seeds");
        assert!(said(30, 5).unwrap().ends_with("sparsify 0.9 over 30 rounds by 5 seeds"));
    }
}
