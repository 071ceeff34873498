//! Runs beside each other: what differs in their settings, how they did, and whether that can be compared.

use std::collections::BTreeSet;

use super::cost::Cost;
use super::state::{RoundState, TrialState};
use super::tradeoff;
use super::{Health, Manifest, RunState};
use crate::config::setting::SETTINGS;
use crate::config::{RunConfig, difference, preset};
use crate::figure::{FIGURES, Figure, Measured, Word};
use crate::format::{Cell, Piece};

/// One of the runs, as it is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// Directory name.
    pub id: &'a str,
    /// Its manifest, once it is read.
    pub manifest: Option<&'a Manifest>,
    /// How it stands.
    pub health: Health,
    /// What its events add up to.
    pub state: &'a RunState,
    /// The round looked at.
    pub round: Option<&'a RoundState>,
    /// The trial looked at.
    pub trial: Option<&'a TrialState>,
    /// What its post-processing costs, if that was measured.
    pub cost: Option<&'a Cost>,
}

impl<'a> Side<'a> {
    /// A run in its newest round, in the trial that is in progress or was picked.
    pub fn newest(id: &'a str, manifest: &'a Manifest, health: Health, state: &'a RunState) -> Self {
        let round = state.current_round();
        let trial = round.and_then(RoundState::shown_trial);
        Side { id, manifest: Some(manifest), health, state, round, trial, cost: None }
    }

    /// The same with what its post-processing costs.
    #[must_use]
    pub fn with_cost(self, cost: Option<&'a Cost>) -> Self {
        Side { cost, ..self }
    }

    /// Its settings.
    pub fn config(&self) -> Option<&'a RunConfig> {
        self.manifest.map(|manifest| &manifest.config)
    }

    fn has_truth(&self) -> bool {
        self.config().is_none_or(RunConfig::has_truth)
    }

    fn backend(&self) -> &'a str {
        self.manifest.map_or("-", |manifest| &manifest.backend)
    }

    /// What was measured of the round looked at; its time is that of the whole run.
    pub(super) fn measured(&self) -> Measured<'a> {
        let measured = match self.round {
            Some(round) if round.result.is_some() => self.state.measured(round),
            Some(round) => Measured {
                metrics: self.trial.and_then(TrialState::latest_metrics),
                matching: self.trial.and_then(TrialState::matching_loss),
                ..self.state.measured(round)
            },
            None => Measured::default(),
        };
        Measured { seconds: Some(self.state.seconds), ..measured }
    }
}

/// One line: a cell a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its name for programs: a setting's dotted key, or that of a figure.
    pub key: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// The same in ASCII.
    pub ascii: &'static str,
    /// A cell a run.
    pub cells: Vec<Cell>,
    /// The run that did best, where that can be said.
    pub best: Option<usize>,
}

/// The runs, line by line.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Short names of the runs.
    pub names: Vec<String>,
    /// How they stand.
    pub status: Row,
    /// How they did.
    pub figures: Vec<Row>,
    /// What differs in their settings, and their backends where those differ.
    pub settings: Vec<Row>,
    /// Figures that are looked at second, as far as a run has them.
    pub further: Vec<Row>,
    /// Why the figures are not like for like, if they are not.
    pub unlike: Option<String>,
}

/// Compares runs.
pub fn of(sides: &[Side]) -> Comparison {
    let (mut figures, further) = figures(sides);
    figures.extend(lost(sides));
    let status = |side: &Side| side.health.name().to_owned();
    Comparison {
        names: names(&sides.iter().map(|side| side.id).collect::<Vec<_>>()),
        status: words("status", sides, status),
        figures,
        settings: settings(sides),
        further,
        unlike: unlike(sides),
    }
}

/// What post-processing costs, if that is known of any run. None is best: what matters is this beside the figures.
fn lost(sides: &[Side]) -> Option<Row> {
    let lost = |side: &Side| side.cost.map(|cost| 100.0 * cost.drop.median);
    sides.iter().any(|side| side.cost.is_some()).then(|| Row {
        key: "cost",
        label: "accuracy lost, points",
        ascii: "accuracy lost, points",
        cells: sides.iter().map(|side| Cell::maybe(lost(side), |lost| format!("{lost:.1}"))).collect(),
        best: None,
    })
}

fn words(key: &'static str, sides: &[Side], of: impl Fn(&Side) -> String) -> Row {
    let cells = sides.iter().map(|side| Cell::text(of(side))).collect();
    Row { key, label: key, ascii: key, cells, best: None }
}

/// What differs in the settings of the runs, and their backends where those differ.
pub fn settings(sides: &[Side]) -> Vec<Row> {
    let mut rows = Vec::new();
    if sides.iter().any(|side| side.backend() != sides[0].backend()) {
        rows.push(words("backend", sides, |side| side.backend().to_owned()));
    }
    let captured = |side: &Side| {
        let captured = side.config().and_then(|config| config.victim.captured.as_ref());
        captured.map_or_else(|| "-".to_owned(), |captured| captured.update.clone())
    };
    if sides.iter().any(|side| captured(side) != captured(&sides[0])) {
        rows.push(words("victim.captured", sides, captured));
    }
    let values: Vec<_> =
        sides.iter().map(|side| side.config().map(preset::flat).unwrap_or_default()).collect();
    let differs = |key: &str| values.iter().any(|other| other.get(key) != values[0].get(key));
    for setting in SETTINGS.iter().filter(|setting| setting.key != "title" && differs(setting.key)) {
        let cell = |at: usize| match sides[at].config() {
            Some(config) => difference::told(config, &values[at], setting.key),
            None => "-".to_owned(),
        };
        let cells = (0..sides.len()).map(|at| Cell::text(cell(at))).collect();
        rows.push(Row { key: setting.key, label: setting.key, ascii: setting.key, cells, best: None });
    }
    rows
}

/// How the runs did, and the figures that are looked at second, as far as a run has them. The best is marked only where
/// that can be said.
fn figures(sides: &[Side]) -> (Vec<Row>, Vec<Row>) {
    let measured: Vec<Measured> = sides.iter().map(Side::measured).collect();
    let is_fair = |figure: &Figure| !attack_different_pictures(sides) && has_one_scale(figure, sides);
    let row = |figure: &'static Figure| {
        let found: Vec<Option<f64>> = measured.iter().map(|measured| figure.value(measured)).collect();
        let best = if is_fair(figure) { figure.better.of(&found) } else { None };
        // What is missing although the attack goes on needs a ground truth.
        let cell = |at: usize| match found[at] {
            None if figure.needs_truth() && !sides[at].has_truth() && measured[at].matching.is_some() => {
                Cell::text("n/a")
            }
            value => Cell::maybe(value, |value| figure.text(value)),
        };
        let Word { key, heading: label, ascii, .. } = figure.word;
        Row { key, label, ascii, cells: (0..sides.len()).map(cell).collect(), best }
    };
    let has_any = |row: &Row| row.cells.iter().any(|cell| cell.value.is_some());
    let (first, further): (Vec<_>, Vec<_>) = FIGURES.iter().partition(|figure| figure.rank <= FIRST);
    (first.into_iter().map(row).collect(), further.into_iter().map(row).filter(has_any).collect())
}

/// Figures up to this rank are looked at first.
const FIRST: u8 = 2;

/// Whether the runs measure a figure on the same scale: matching losses are of one distance, features of one model.
fn has_one_scale(figure: &Figure, sides: &[Side]) -> bool {
    let is_one = |of: fn(&RunConfig) -> String| {
        let scales: BTreeSet<String> = sides.iter().filter_map(Side::config).map(of).collect();
        scales.len() <= 1
    };
    match figure.word.key {
        "match" => is_one(|config| match config.attack.search() {
            Some(search) => format!("{:?}", search.distance),
            None => config.attack.kind.name().to_owned(),
        }),
        "feature_mse" => is_one(|config| config.victim.model.clone()),
        _ => true,
    }
}

/// Whether the runs have different victims, so that one figure says nothing of another.
fn attack_different_pictures(sides: &[Side]) -> bool {
    let mut pictures = sides.iter().filter_map(Side::config).map(|config| {
        let victim = &config.victim;
        // The same drawing with another seed is another batch.
        let drawn = victim.sample.as_ref().map(|sampling| (sampling, config.run.seed));
        (&victim.data, victim.positions(), drawn, victim.size, &victim.captured)
    });
    let Some(first) = pictures.next() else { return false };
    pictures.any(|other| first != other)
}

/// Why the figures are not like for like, all reasons in a sentence, if they are not: `not like for like: other pictures,
/// other knowledge`.
pub fn unlike(sides: &[Side]) -> Option<String> {
    let knowledge = || sides.iter().filter_map(Side::config).map(|config| &config.knowledge);
    let reasons = [
        attack_different_pictures(sides).then(|| "the runs attack different pictures".to_owned()),
        knowledge()
            .any(|other| knowledge().next() != Some(other))
            .then(|| "the attackers know different things".to_owned()),
        tradeoff::unlike(sides).map(|costs| format!("costs are of {costs}")),
    ];
    let reasons: Vec<String> = reasons.into_iter().flatten().collect();
    (!reasons.is_empty()).then(|| format!("not like for like: {}", reasons.join("; ")))
}

/// What all runs share of their conditions.
pub fn common(sides: &[Side]) -> Vec<Piece> {
    let of = |f: &dyn Fn(&RunConfig) -> String| {
        let values: BTreeSet<String> = sides.iter().filter_map(Side::config).map(f).collect();
        if values.len() == 1 { values.into_iter().next() } else { None }
    };
    let word = |part: Option<String>| part.map(Piece::Word);
    let parts = [
        word(of(&|config| config.victim.model.clone())),
        of(&|config| config.training()).map(Piece::Name),
        word(of(&|config| format!("BN {}", config.victim.batch_norm()))),
        word(of(&|config| format!("labels {}", config.attack.labels.name()))),
        word(of(&|config| format!("batch of {}", config.batch()))),
        word(of(&|config| {
            let threat = config.threat_model();
            format!("threat model {}", threat.split_once(' ').map_or(threat, |(letter, _)| letter))
        })),
    ];
    parts.into_iter().flatten().collect()
}

/// Names of runs without the day they began, and with no more of the time than tells them apart.
pub fn names(ids: &[&str]) -> Vec<String> {
    let of = |id: &str, seconds: bool| {
        let parts: Vec<&str> = id.splitn(3, '-').collect();
        match parts.as_slice() {
            [day, time, rest] if day.len() == 8 && time.len() == 6 && time.is_ascii() => {
                let seconds = if seconds { format!(":{}", &time[4..]) } else { String::new() };
                format!("{rest} {}:{}{seconds}", &time[..2], &time[2..4])
            }
            _ => id.to_owned(),
        }
    };
    let unique = |names: &[String]| names.iter().collect::<BTreeSet<_>>().len() == names.len();
    let all = |seconds| ids.iter().map(|id| of(id, seconds)).collect::<Vec<_>>();
    match (all(false), all(true)) {
        (short, _) if unique(&short) => short,
        (_, longer) if unique(&longer) => longer,
        // The same time of another day.
        _ => ids.iter().map(|id| (*id).to_owned()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_runs_apart() {
        let first = "20261128-085656-dlg-lenet";
        assert_eq!(names(&[first, "20261128-093000-dlg-lenet"]), ["dlg-lenet 08:56", "dlg-lenet 09:30"]);
        assert_eq!(names(&[first, "20261128-085657-dlg-lenet"])[1], "dlg-lenet 08:56:57");
        assert_eq!(names(&[first, "20261129-085656-dlg-lenet"])[1], "20261129-085656-dlg-lenet");
        assert_eq!(names(&["mine"]), ["mine"]);
    }
}
