//! Runs beside each other: what differs in their settings, how they did, and whether that can be compared.

use std::collections::BTreeSet;

use super::event::{Metrics, Probe};
use super::state::{RoundState, TrialState};
use super::{Health, Manifest, RunState};
use crate::config::setting::SETTINGS;
use crate::config::{RunConfig, preset};
use crate::format::{self, Cell, Piece};

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
}

impl<'a> Side<'a> {
    /// A run in its newest round, in the trial that is in progress or was picked.
    pub fn newest(id: &'a str, manifest: &'a Manifest, health: Health, state: &'a RunState) -> Self {
        let round = state.current_round();
        let trial = round.and_then(RoundState::shown_trial);
        Side { id, manifest: Some(manifest), health, state, round, trial }
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

    fn metrics(&self) -> Option<&'a Metrics> {
        match &self.round?.result {
            Some(result) => result.metrics.as_ref(),
            None => self.trial?.latest_metrics(),
        }
    }

    fn matching(&self) -> Option<f64> {
        match &self.round?.result {
            Some(result) => Some(result.loss),
            None => self.trial?.matching_loss(),
        }
    }

    fn evaluations(&self) -> Option<f64> {
        let round = self.round?;
        Some(round.result.as_ref().map_or(round.evaluations(), |result| result.evaluations) as f64)
    }

    fn probe(&self) -> Option<Probe> {
        self.round?.result.as_ref()?.probe
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
    pub unlike: Option<&'static str>,
}

/// Compares runs.
pub fn of(sides: &[Side]) -> Comparison {
    let (figures, further) = figures(sides);
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

fn words(key: &'static str, sides: &[Side], of: impl Fn(&Side) -> String) -> Row {
    let cells = sides.iter().map(|side| Cell::text(of(side))).collect();
    Row { key, label: key, ascii: key, cells, best: None }
}

fn settings(sides: &[Side]) -> Vec<Row> {
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
        let cell = |at: usize| values[at].get(setting.key).map_or("-", String::as_str).to_owned();
        let cells = (0..sides.len()).map(|at| Cell::text(cell(at))).collect();
        rows.push(Row { key: setting.key, label: setting.key, ascii: setting.key, cells, best: None });
    }
    rows
}

/// How the runs did, and the figures that are looked at second. The best is marked only where victims are the same, and
/// that of the matching loss only where it is the same distance.
fn figures(sides: &[Side]) -> (Vec<Row>, Vec<Row>) {
    let is_fair = !attack_different_pictures(sides);
    let distances: BTreeSet<String> =
        sides.iter().filter_map(|side| Some(format!("{:?}", side.config()?.attack.distance))).collect();
    let if_fair = |better: Better| if is_fair { better } else { Better::Neither };
    let (high, low, neither) = (if_fair(Better::High), if_fair(Better::Low), Better::Neither);
    let of_match = if distances.len() > 1 { neither } else { low };
    let row = |(key, label, ascii): Names,
               of: &dyn Fn(&Side) -> Option<f64>,
               show: fn(f64) -> String,
               better: Better| {
        let found: Vec<Option<f64>> = sides.iter().map(of).collect();
        let best = better.of(&found);
        // What is missing although the attack goes on needs a ground truth.
        let cell = |(value, side): (Option<f64>, &Side)| match value {
            None if !side.has_truth() && side.matching().is_some() => Cell::text("n/a"),
            value => Cell::maybe(value, show),
        };
        Row { key, label, ascii, cells: found.into_iter().zip(sides).map(cell).collect(), best }
    };
    let percent = |share: Option<f64>| Some(100.0 * share?);
    let whole: fn(f64) -> String = |v| format::fixed(v, 0);
    let one: fn(f64) -> String = |v| format::fixed(v, 1);
    let two: fn(f64) -> String = |v| format::fixed(v, 2);
    let three: fn(f64) -> String = |v| format::fixed(v, 3);
    let first = vec![
        row(("psnr", "PSNR↑ dB", "PSNR dB"), &|side| Some(side.metrics()?.psnr.mean), two, high),
        row(("ssim", "SSIM↑", "SSIM"), &|side| Some(side.metrics()?.ssim?.mean), three, high),
        row(("st_lpips", "ST-LPIPS↓", "ST-LPIPS"), &|side| Some(side.metrics()?.st_lpips?.mean), three, low),
        row(("brr_percent", "BRR %", "BRR %"), &|side| percent(side.metrics()?.recovered), whole, high),
        row(
            ("labels_percent", "labels %", "labels %"),
            &|side| percent(side.metrics()?.label_accuracy),
            whole,
            high,
        ),
        row(("loss", "match↓", "match"), &|side| side.matching(), format::loss, of_match),
        row(("seconds", "time", "time"), &|side| Some(side.state.seconds), format::clock, neither),
    ];
    let further = [
        row(("mse", "MSE↓", "MSE"), &|side| Some(side.metrics()?.mse.mean), format::loss, low),
        row(("evaluations", "evaluations", "evaluations"), &|side| side.evaluations(), whole, neither),
        row(("lpips", "LPIPS↓", "LPIPS"), &|side| Some(side.metrics()?.lpips?.mean), three, low),
        row(("iip_percent", "IIP %", "IIP %"), &|side| percent(side.metrics()?.iip), whole, high),
        row(
            ("feature_mse", "feature MSE↓", "feature MSE"),
            &|side| Some(side.metrics()?.feature_mse?.mean),
            format::loss,
            neither,
        ),
        row(("igsa", "IGSA", "IGSA"), &|side| Some(side.probe()?.igsa), format::loss, neither),
        row(
            ("igsa_rel", "IGSA_rel", "IGSA_rel"),
            &|side| Some(side.probe()?.igsa_rel),
            format::loss,
            neither,
        ),
        row(("r_eff", "r_eff", "r_eff"), &|side| Some(side.probe()?.r_eff), one, neither),
        row(
            ("model_accuracy_percent", "model accuracy %", "model accuracy %"),
            &|side| percent(side.round?.accuracy),
            one,
            neither,
        ),
    ];
    let has_any = |row: &Row| row.cells.iter().any(|cell| cell.value.is_some());
    (first, further.into_iter().filter(has_any).collect())
}

/// Of a figure: for programs, for people, in ASCII.
type Names = (&'static str, &'static str, &'static str);

/// Which of several numbers is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Better {
    High,
    Low,
    Neither,
}

impl Better {
    fn of(self, values: &[Option<f64>]) -> Option<usize> {
        let finite =
            values.iter().enumerate().filter_map(|(at, v)| v.filter(|v| !v.is_nan()).map(|v| (at, v)));
        let best = match self {
            Better::High => finite.max_by(|a, b| a.1.total_cmp(&b.1)),
            Better::Low => finite.min_by(|a, b| a.1.total_cmp(&b.1)),
            Better::Neither => None,
        };
        // One that others equal is no better than they are.
        let is_alone = |(at, best): &(usize, f64)| {
            values.iter().enumerate().all(|(other, value)| other == *at || *value != Some(*best))
        };
        best.filter(is_alone).filter(|_| values.len() > 1).map(|(at, _)| at)
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

/// Why the figures are not like for like, if they are not.
pub fn unlike(sides: &[Side]) -> Option<&'static str> {
    if attack_different_pictures(sides) {
        return Some("the runs attack different pictures: their figures are not like for like");
    }
    let mut knowledge = sides.iter().filter_map(Side::config).map(|config| &config.knowledge);
    let first = knowledge.next()?;
    knowledge
        .any(|other| first != other)
        .then_some("the attackers know different things: see knowledge in the table")
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
    fn the_best_is_one_alone() {
        assert_eq!(Better::High.of(&[Some(1.0), Some(3.0), None, Some(2.0)]), Some(1));
        assert_eq!(Better::Low.of(&[Some(1.0), Some(3.0), Some(f64::NAN)]), Some(0));
        assert_eq!(Better::High.of(&[Some(3.0), Some(3.0), Some(2.0)]), None);
        assert_eq!(Better::Neither.of(&[Some(1.0), Some(2.0)]), None);
        assert_eq!(Better::High.of(&[Some(1.0)]), None);
    }

    #[test]
    fn names_tell_runs_apart() {
        let first = "20261128-085656-dlg-lenet";
        assert_eq!(names(&[first, "20261128-093000-dlg-lenet"]), ["dlg-lenet 08:56", "dlg-lenet 09:30"]);
        assert_eq!(names(&[first, "20261128-085657-dlg-lenet"])[1], "dlg-lenet 08:56:57");
        assert_eq!(names(&[first, "20261129-085656-dlg-lenet"])[1], "20261129-085656-dlg-lenet");
        assert_eq!(names(&["mine"]), ["mine"]);
    }
}
