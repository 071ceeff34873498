//! What post-processing costs in accuracy, as it was measured once: kept in the data directory for every run that has the
//! same post-processing in the same federation.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{RunDirectory, RunError};
use crate::catalogue::defence::NOISE_ONLY;
use crate::config::{Post, RunConfig, preset};
use crate::figure::Effect;
use crate::files::{self, Access};
use crate::fl::utility::Pair;

/// Settings that decide nothing of what training with post-processing comes to: which picture is attacked, and when.
const BESIDE: [&str; 4] =
    ["victim.indices", "victim.sample", "federation.rounds", "federation.attack_rounds"];

/// The middle, the least and the most of several seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Median.
    pub median: f64,
    /// Least.
    pub least: f64,
    /// Most.
    pub most: f64,
}

/// Trainings with and without, from the same seeds, for equal rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// The settings that decide it, by dotted key.
    pub settings: BTreeMap<String, String>,
    /// Pairs of trainings.
    pub seeds: u32,
    /// Rounds of each.
    pub rounds: u32,
    /// Clients.
    pub clients: u32,
    /// Accuracy without, 0 to 1.
    pub without: Spread,
    /// Accuracy with, 0 to 1.
    pub with: Spread,
    /// What was lost, seed by seed; negative where the model became better.
    pub drop: Spread,
    /// Trainings with post-processing that came to no finite weights.
    pub diverged: u32,
    /// Bytes of an update.
    pub bytes: u64,
    /// Bytes of one without post-processing.
    pub bytes_without: u64,
    /// What became of an update, the median over seeds, clients and rounds.
    pub effect: Effect,
}

impl Spread {
    /// Of some values; `None` of none.
    pub fn of(values: impl Iterator<Item = f64>) -> Option<Spread> {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let (&least, &most) = (values.first()?, values.last()?);
        let median = 0.5 * (values[(values.len() - 1) / 2] + values[values.len() / 2]);
        Some(Spread { median, least, most })
    }

    /// Each value times a factor.
    #[must_use]
    pub fn times(self, factor: f64) -> Spread {
        Spread { median: factor * self.median, least: factor * self.least, most: factor * self.most }
    }
}

impl Cost {
    /// What pairs of trainings of a `federation` say of a config; `parameters` are those of its network and of the same without
    /// what post-processing adds. Nothing without a pair.
    pub fn of(
        config: &RunConfig,
        federation: &RunConfig,
        (parameters, parameters_without): (usize, usize),
        pairs: &[Pair],
    ) -> Option<Cost> {
        let effects: Vec<Effect> = pairs.iter().map(|pair| pair.effect).collect();
        let of = |figure: fn(&Pair) -> f64| Spread::of(pairs.iter().map(figure));
        let effect = Effect::median(&effects)?;
        let bytes = |bits: f64, parameters: usize| (bits * parameters as f64 / 8.0).ceil() as u64;
        Some(Cost {
            settings: settings(config),
            seeds: pairs.len() as u32,
            rounds: federation.rounds(),
            clients: federation.federation.clients,
            without: of(|pair| pair.without.standing.accuracy)?,
            with: of(|pair| pair.with.standing.accuracy)?,
            drop: of(Pair::drop)?,
            diverged: pairs.iter().filter(|pair| pair.with.diverged.is_some()).count() as u32,
            bytes: bytes(effect.bits, parameters),
            bytes_without: bytes(32.0, parameters_without),
            effect,
        })
    }
}

/// `3.0 (2.0 to 4.0)`.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} ({:.1} to {:.1})", self.median, self.least, self.most)
    }
}

/// `3.0 (2.0 to 4.0) points of 77.0 % accuracy, 3 seeds, 100 rounds`.
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (drop, of) = (self.drop.times(100.0), 100.0 * self.without.median);
        write!(f, "{drop} points of {of:.1} % accuracy, {} seeds, {} rounds", self.seeds, self.rounds)
    }
}

/// The settings of a config that decide what its post-processing costs.
pub fn settings(config: &RunConfig) -> BTreeMap<String, String> {
    let decides = |key: &str| {
        let of_training =
            ["victim.", "federation.", "post", "run.precision"].iter().any(|part| key.starts_with(part));
        of_training && !BESIDE.iter().any(|beside| key.starts_with(beside))
    };
    preset::flat(config).into_iter().filter(|(key, _)| decides(key)).collect()
}

/// Whether it makes sense to ask what a run's post-processing costs: it has some that is no control, and clients that can
/// be trained.
pub fn applies(config: &RunConfig) -> bool {
    let is_control = |step: &Post| step.kind == NOISE_ONLY.name;
    config.post.iter().any(|step| !is_control(step)) && config.victim.captured.is_none()
}

/// The costs that were measured in a data directory.
#[derive(Debug, Clone)]
pub struct Costs(PathBuf);

impl Costs {
    /// Those of `data_dir/costs`.
    pub fn in_data_dir(data_dir: &Path) -> Costs {
        Costs(data_dir.join("costs"))
    }

    /// Those of the data directory that a run is in.
    pub fn beside(run: &RunDirectory) -> Costs {
        let data_dir = run.path().parent().and_then(Path::parent).unwrap_or(run.path());
        Costs::in_data_dir(data_dir)
    }

    /// What was measured for the post-processing of this config. What cannot be read was not measured.
    pub fn of(&self, config: &RunConfig) -> Option<Cost> {
        if !applies(config) {
            return None;
        }
        self.read(&settings(config))
    }

    /// Keeps what was measured, in the place of what was before; unless that has more rounds or seeds: it stands then, and
    /// is returned with its file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep(&self, cost: &Cost) -> Result<Option<(Cost, PathBuf)>, RunError> {
        let stands = self.read(&cost.settings);
        if let Some(stands) = stands.filter(|kept| kept.rounds > cost.rounds || kept.seeds > cost.seeds) {
            return Ok(Some((stands, self.path(&cost.settings))));
        }
        files::create_directories(&self.0).map_err(|e| RunError::io("create", &self.0, e))?;
        let path = self.path(&cost.settings);
        let text = serde_json::to_vec_pretty(cost).map_err(|e| RunError::io("write", &path, e.into()))?;
        files::write(&path, &text, Access::Private).map_err(|e| RunError::io("write", &path, e))?;
        Ok(None)
    }

    fn read(&self, settings: &BTreeMap<String, String>) -> Option<Cost> {
        let text = files::read(&self.path(settings), files::TEXT).ok()?;
        serde_json::from_slice(&text).ok().filter(|cost: &Cost| cost.settings == *settings)
    }

    fn path(&self, settings: &BTreeMap<String, String>) -> PathBuf {
        let mut digest = Sha256::new();
        for (key, value) in settings {
            digest.update(format!("{key}={value}\n"));
        }
        let name: String = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        self.0.join(format!("{name}.json"))
    }
}

/// A cost of three points.
#[cfg(test)]
pub fn fixture(config: &RunConfig) -> Cost {
    let spread = |median: f64| Spread { median, least: median, most: median };
    Cost {
        settings: settings(config),
        seeds: 3,
        rounds: 100,
        clients: 10,
        without: spread(0.77),
        with: spread(0.74),
        drop: spread(0.03),
        diverged: 0,
        bytes: 10_000,
        bytes_without: 50_000,
        effect: Effect { norm: 0.9, cosine: 0.9, change: 0.4, zeros: 0.9, bits: 6.4 },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn config(changes: &[&str]) -> RunConfig {
        let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
        preset::load("sparsify", &changes, Path::new("/nonexistent")).unwrap().config
    }

    #[test]
    fn a_cost_belongs_to_every_run_with_the_same_post_processing_and_training() {
        let directory = tempfile::tempdir().unwrap();
        let costs = Costs::in_data_dir(directory.path());
        let measured = config(&[]);
        assert_eq!(costs.of(&measured), None);
        costs.keep(&fixture(&measured)).unwrap();
        for same in [
            &[][..],
            &["victim.indices=[7]"],
            &["knowledge.post=none"],
            &["attack.iterations=9"],
            &["run.seed=4"],
        ] {
            assert_eq!(costs.of(&config(same)), Some(fixture(&measured)), "{same:?}");
        }
        for other in [
            "post=[{ kind = \"sparsify\", share = 0.8 }]",
            "victim.model=mlp",
            "federation.clients=3",
            "post=",
        ] {
            assert_eq!(costs.of(&config(&[other])), None, "{other}");
        }
        let mut several = fixture(&measured);
        several.drop = Spread::of([0.04, 0.02, 0.03].into_iter()).unwrap();
        assert_eq!(several.to_string(), "3.0 (2.0 to 4.0) points of 77.0 % accuracy, 3 seeds, 100 rounds");
    }

    #[test]
    fn a_longer_measurement_stands() {
        let directory = tempfile::tempdir().unwrap();
        let costs = Costs::in_data_dir(directory.path());
        let measured = config(&[]);
        let of = |rounds: u32, seeds: u32| Cost { rounds, seeds, ..fixture(&measured) };
        assert_eq!(costs.keep(&of(100, 3)).unwrap(), None);
        for less in [of(10, 3), of(100, 2), of(200, 1)] {
            let (stands, file) = costs.keep(&less).unwrap().unwrap();
            assert!(stands == of(100, 3) && file.is_file());
            assert_eq!(costs.of(&measured), Some(of(100, 3)));
        }
        for more in [of(100, 3), of(100, 5), of(300, 5)] {
            assert_eq!(costs.keep(&more).unwrap(), None);
            assert_eq!(costs.of(&measured), Some(more));
        }
    }

    #[test]
    fn a_damaged_file_is_no_cost() {
        let directory = tempfile::tempdir().unwrap();
        let costs = Costs::in_data_dir(directory.path());
        let measured = config(&[]);
        costs.keep(&fixture(&measured)).unwrap();
        std::fs::write(costs.path(&settings(&measured)), b"{").unwrap();
        assert_eq!(costs.of(&measured), None);
    }
}
