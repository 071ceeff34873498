//! `[attack]`: which attack, and its settings. A preset names what differs from the attack's recipe
//! ([`Facts::recipe`](crate::catalogue::Facts)); as resolved a config says everything.

use serde::{Deserialize, Serialize};

use super::optimiser::NamedOptimiser;
use super::spoken::not_known;
use super::validate::Fault;
use super::variable::{Stage, VariableKind};
use super::{Answer, Budget, Distance, GuessedTraining, Labels, Priors, Search, Start, Target};
use crate::catalogue::{self, Facts, LabelUse};

/// The attack and its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Named", into = "Named")]
pub struct AttackConfig {
    /// What is known of it.
    pub kind: Kind,
    /// What it does about the labels.
    pub labels: Labels,
    /// Its other settings.
    pub method: Method,
}

/// An attack of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Kind(&'static Facts);

impl PartialEq for Kind {
    fn eq(&self, other: &Kind) -> bool {
        self.0.name == other.0.name
    }
}

impl Kind {
    /// What is known of it.
    pub fn facts(self) -> &'static Facts {
        self.0
    }

    /// Its name in presets.
    pub fn name(self) -> &'static str {
        self.0.name
    }
}

/// Settings by the way an attack goes about it.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a config has one")]
pub enum Method {
    /// Of a search.
    Search(Search),
    /// Of an attack that solves.
    Direct(Direct),
}

/// Settings of attacks that solve; each takes those that its recipe names.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Direct {
    /// Bins into which samples are sorted.
    pub bins: Option<usize>,
    /// How bins are read.
    pub variant: Option<Variant>,
    /// Taken for the mean of the samples' means, 0 to 1 of their range.
    pub mean: Option<f64>,
    /// Taken for the deviation of the samples' means, above 0.
    pub deviation: Option<f64>,
    /// Of trap weights: size of the positive half of a row to the negative one, 0 to 1.
    pub factor: Option<f64>,
    /// Sets of rows that are tried at most.
    pub draws: Option<usize>,
}

/// How an imprint layer tells bins apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// ReLU: a bin is the difference of two rows.
    Linear,
    /// A ReLU cut off at 1: a bin is a row by itself.
    Sparse,
    /// Two rows around one bin, which one of all samples is expected in.
    OneShot,
}

impl AttackConfig {
    /// Settings of the search; nothing for an attack that solves.
    pub fn search(&self) -> Option<&Search> {
        match &self.method {
            Method::Search(search) => Some(search),
            Method::Direct(_) => None,
        }
    }

    /// As [`AttackConfig::search`], to be changed.
    pub fn search_mut(&mut self) -> Option<&mut Search> {
        match &mut self.method {
            Method::Search(search) => Some(search),
            Method::Direct(_) => None,
        }
    }

    /// The same attack with what its search may spend.
    ///
    /// # Errors
    /// If that pays for less than one iteration of each trial.
    pub fn within(&self, budget: Budget) -> Result<AttackConfig, String> {
        let mut attack = self.clone();
        if let Some(search) = attack.search_mut() {
            search.budget = Some(budget);
            search.keep_to_budget()?;
        }
        Ok(attack)
    }

    /// Restarts, and as many on noise of a search that has this control; an attack that solves has one.
    pub fn trials(&self) -> usize {
        self.search().map_or(1, Search::all_trials)
    }

    /// Optimiser steps of one trial; an attack that solves has none, and counts as one.
    pub fn iterations(&self) -> usize {
        self.search().map_or(1, Search::all_iterations)
    }

    /// Whether this trial, 0-based, is of the control on noise.
    pub fn is_control(&self, trial: usize) -> bool {
        self.search().is_some_and(|search| search.has_control() && trial >= search.trials_on_update())
    }

    /// What a trial, 0-based, is called.
    pub fn name_of(&self, trial: usize) -> &'static str {
        if self.is_control(trial) { "control on noise" } else { "trial" }
    }

    /// Whether a positive factor on the update changes nothing.
    pub fn ignores_scale(&self) -> bool {
        self.search().is_none_or(|search| search.distance.ignores_scale())
    }

    /// What is matched, for descriptions: `cosine distance, tv 0.01`; nothing for an attack that solves.
    pub fn objective(&self) -> Option<String> {
        let search = self.search()?;
        let prior = search.prior.title();
        let prior = if prior.is_empty() { prior } else { format!(", {prior}") };
        let of = match search.variable {
            VariableKind::Pixels | VariableKind::Fields => String::new(),
            _ => {
                let then = search.then.iter().map(|stage| format!(", then {}", stage.variable.title()));
                format!(", over {}{}", search.variable.title(), then.collect::<String>())
            }
        };
        Some(format!("{}{prior}{of}", search.distance.title()))
    }

    /// Whether the values are in range.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let facts = self.kind.facts();
        if let Some(message) = unfit(facts, &self.labels) {
            return Err(Fault { key: "attack.labels", message });
        }
        match &self.method {
            Method::Search(search) => search.check(),
            Method::Direct(_) => Ok(()),
        }
    }
}

/// Why an attack cannot do with the labels what a config asks for.
fn unfit(facts: &Facts, labels: &Labels) -> Option<String> {
    let (name, key) = (facts.name, labels.key());
    match (facts.labels, labels) {
        (LabelUse::Optimises, Labels::Optimise)
        | (LabelUse::Needs, Labels::Given | Labels::Wrong(_) | Labels::Rule(_))
        | (LabelUse::Without, Labels::Unused) => None,
        (LabelUse::Reads(own), Labels::Rule(rule)) if rule == own => None,
        (LabelUse::Optimises, _) => Some(format!(
            "{name} optimises the labels with the image, but attack.labels = {key}; set it to \"optimise\", or use \
             idlg or inverting-gradients"
        )),
        (LabelUse::Reads(own), _) => Some(format!(
            "{name} reads the label by its own rule, but attack.labels = {key}; set it to {{ rule = \"{own}\" }}, or use \
             inverting-gradients"
        )),
        (LabelUse::Needs, _) => Some(format!(
            "{name} needs labels, but attack.labels = {key}; set it to \"given\" or {{ rule = \"ilrg\" }}, or use dlg"
        )),
        (LabelUse::Without, _) => {
            Some(format!("{name} does without labels, but attack.labels = {key}; remove it"))
        }
    }
}

/// `[attack]` as a preset writes it: what is absent is as the recipe says.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Named {
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<Labels>,
    #[serde(skip_serializing_if = "Option::is_none")]
    distance: Option<Distance>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prior: Option<Priors>,
    #[serde(rename = "box", skip_serializing_if = "Option::is_none")]
    clamp: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<VariableKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    then: Option<Vec<Stage>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    surrogate: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guess: Option<GuessedTraining>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<Start>,
    #[serde(skip_serializing_if = "Option::is_none")]
    optimiser: Option<NamedOptimiser>,
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iterations: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trials: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<Budget>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_below: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Answer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Target>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queries: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bins: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<Variant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deviation: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    factor: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    draws: Option<usize>,
}

impl TryFrom<Named> for AttackConfig {
    type Error = String;

    fn try_from(named: Named) -> Result<Self, String> {
        let name = named.kind.as_deref().ok_or("missing field `kind`")?;
        let facts =
            catalogue::facts(name).ok_or_else(|| not_known("the attack", name, catalogue::names()))?;
        let recipe = recipe(facts)?;
        if let Some(key) = named.foreign(facts, &recipe) {
            let takes = keys_of(facts);
            let takes = if takes.is_empty() { "none".to_owned() } else { takes.join(", ") };
            return Err(format!("`{key}` is no setting of {name}, which takes {takes}"));
        }
        let missing = |key: &str| format!("missing field `{key}`");
        let labels = match facts.labels {
            LabelUse::Without => named.labels.unwrap_or(Labels::Unused),
            _ => named.labels.or(recipe.labels).ok_or_else(|| missing("labels"))?,
        };
        let method = if facts.family.searches() {
            let optimiser = NamedOptimiser::over(named.optimiser, recipe.optimiser)?;
            let mut search = Search {
                distance: named.distance.or(recipe.distance).ok_or_else(|| missing("distance"))?,
                prior: recipe.prior.unwrap_or_default().with(named.prior.unwrap_or_default()),
                clamp: named.clamp.or(recipe.clamp).unwrap_or_default(),
                variable: named.variable.or(recipe.variable).unwrap_or_default(),
                then: named.then.or(recipe.then).unwrap_or_default(),
                surrogate: named.surrogate.or(recipe.surrogate),
                guess: named.guess.or(recipe.guess),
                start: named.start.or(recipe.start).unwrap_or_default(),
                optimiser,
                members: named.members.or(recipe.members).unwrap_or(1),
                iterations: named.iterations.or(recipe.iterations).ok_or_else(|| missing("iterations"))?,
                trials: named.trials.or(recipe.trials).unwrap_or(1),
                budget: named.budget.or(recipe.budget),
                stop_below: named.stop_below.or(recipe.stop_below).unwrap_or_default(),
                answer: named.answer.or(recipe.answer).unwrap_or_default(),
                target: named.target.or(recipe.target),
                queries: named.queries.or(recipe.queries),
            };
            search.keep_to_budget()?;
            Method::Search(search)
        } else {
            Method::Direct(Direct {
                bins: named.bins.or(recipe.bins),
                variant: named.variant.or(recipe.variant),
                mean: named.mean.or(recipe.mean),
                deviation: named.deviation.or(recipe.deviation),
                factor: named.factor.or(recipe.factor),
                draws: named.draws.or(recipe.draws),
            })
        };
        Ok(AttackConfig { kind: Kind(facts), labels, method })
    }
}

/// The settings that an attack begins with.
fn recipe(facts: &Facts) -> Result<Named, String> {
    toml::from_str(facts.recipe).map_err(|e| format!("the recipe of {} cannot be read: {e}", facts.name))
}

/// Keys of `[attack]` that only searches have.
const OF_SEARCHES: [&str; 15] = [
    "distance",
    "prior",
    "box",
    "variable",
    "then",
    "surrogate",
    "guess",
    "start",
    "optimiser",
    "members",
    "iterations",
    "trials",
    "budget",
    "stop_below",
    "answer",
];

/// Keys of `[attack]` that an attack takes besides its kind.
pub fn keys_of(facts: &Facts) -> Vec<String> {
    let own = toml::from_str::<toml::Table>(facts.recipe).unwrap_or_default();
    let searches = OF_SEARCHES.iter().filter(|_| facts.family.searches()).map(|key| (*key).to_owned());
    let mut keys: Vec<String> = own.keys().cloned().collect();
    keys.extend(searches);
    keys.sort();
    keys.dedup();
    keys
}

impl Named {
    /// A key that is named and that this attack does not take.
    fn foreign(&self, facts: &Facts, recipe: &Named) -> Option<&'static str> {
        let of_search = [
            self.distance.is_some(),
            self.prior.is_some(),
            self.clamp.is_some(),
            self.variable.is_some(),
            self.then.is_some(),
            self.surrogate.is_some(),
            self.guess.is_some(),
            self.start.is_some(),
            self.optimiser.is_some(),
            self.members.is_some(),
            self.iterations.is_some(),
            self.trials.is_some(),
            self.budget.is_some(),
            self.stop_below.is_some(),
            self.answer.is_some(),
        ];
        let of_some = [
            ("target", self.target.is_some(), recipe.target.is_some()),
            ("queries", self.queries.is_some(), recipe.queries.is_some()),
            ("bins", self.bins.is_some(), recipe.bins.is_some()),
            ("variant", self.variant.is_some(), recipe.variant.is_some()),
            ("mean", self.mean.is_some(), recipe.mean.is_some()),
            ("deviation", self.deviation.is_some(), recipe.deviation.is_some()),
            ("factor", self.factor.is_some(), recipe.factor.is_some()),
            ("draws", self.draws.is_some(), recipe.draws.is_some()),
        ];
        let searched =
            OF_SEARCHES.iter().zip(of_search).find(|(_, named)| *named && !facts.family.searches());
        let own = of_some.iter().find(|(_, named, taken)| *named && !taken);
        searched.map(|(key, _)| *key).or(own.map(|(key, ..)| *key))
    }
}

impl From<AttackConfig> for Named {
    fn from(config: AttackConfig) -> Named {
        let kind = Some(config.kind.name().to_owned());
        let labels = Some(config.labels).filter(|labels| *labels != Labels::Unused);
        match config.method {
            Method::Search(search) => Named {
                kind,
                labels,
                distance: Some(search.distance),
                prior: Some(search.prior).filter(|prior| !prior.is_empty()),
                clamp: Some(search.clamp),
                variable: Some(search.variable),
                then: Some(search.then).filter(|then| !then.is_empty()),
                surrogate: search.surrogate,
                guess: search.guess,
                start: Some(search.start),
                optimiser: Some(search.optimiser.into()),
                members: Some(search.members),
                iterations: Some(search.iterations),
                trials: Some(search.trials),
                budget: search.budget,
                stop_below: Some(search.stop_below),
                answer: Some(search.answer),
                target: search.target,
                queries: search.queries,
                ..Named::default()
            },
            Method::Direct(Direct { bins, variant, mean, deviation, factor, draws }) => {
                Named { kind, labels, bins, variant, mean, deviation, factor, draws, ..Named::default() }
            }
        }
    }
}

/// A table of `[attack]` in which what is as the recipe of its attack says is left out, for another attack to fill in.
pub(super) fn forget_recipe(attack: &mut toml::Table) {
    let kind = attack.get("kind").and_then(toml::Value::as_str).unwrap_or_default();
    let Some(old) = toml::from_str::<AttackConfig>(&format!("kind = \"{kind}\"")).ok() else { return };
    let Ok(old) = toml::Table::try_from(&old) else { return };
    attack.retain(|key, value| key == "kind" || old.get(key) != Some(value));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;
    use crate::config::{OptimiserKind, Sign, preset};

    fn load(name: &str, changes: &[&str]) -> Result<AttackConfig, String> {
        let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
        let loaded = preset::load(name, &changes, Path::new("/nonexistent"));
        loaded.map(|preset| preset.config.attack).map_err(|error| error.to_string())
    }

    fn read(text: &str) -> Result<AttackConfig, String> {
        toml::from_str(text).map_err(|e: toml::de::Error| e.message().to_owned())
    }

    #[test]
    fn every_recipe_is_complete_and_comes_back_from_what_is_written() {
        for facts in catalogue::ATTACKS {
            let config = read(&format!("kind = \"{}\"", facts.name)).unwrap();
            config.check().unwrap();
            let written = toml::to_string(&config).unwrap();
            assert_eq!(read(&written).unwrap(), config, "{written}");
        }
    }

    #[test]
    fn a_preset_names_what_differs_from_the_recipe() {
        let config =
            read("kind = \"gradinversion\"\nprior = { bn = 5.0 }\noptimiser = { lr = 0.5 }").unwrap();
        let search = config.search().unwrap();
        assert_eq!((search.optimiser.lr, search.members), (0.5, 4));
        assert!(search.prior.title().contains("bn 5") && search.prior.title().contains("group 0.00001"));
        // Of another optimiser the recipe knows nothing.
        let config =
            read("kind = \"inverting-gradients\"\nbox = false\noptimiser = { kind = \"lbfgs\", lr = 1 }");
        let search = config.unwrap().search().cloned().unwrap();
        assert!(search.optimiser.signed == Sign::None && search.optimiser.kind == OptimiserKind::Lbfgs);
    }

    #[test]
    fn settings_of_another_attack_are_refused_by_name() {
        for (text, said) in [
            (
                "kind = \"fc-inversion\"\niterations = 5",
                "`iterations` is no setting of fc-inversion, which takes none",
            ),
            (
                "kind = \"imprint\"\ntrials = 5",
                "`trials` is no setting of imprint, which takes bins, deviation, mean, variant",
            ),
            ("kind = \"dlg\"\nbins = 4", "`bins` is no setting of dlg, which takes answer, box, "),
            ("kind = \"dgl\"", "the attack `dgl` is not known; did you mean `dlg`?"),
            ("labels = \"given\"", "missing field `kind`"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(said), "{error}");
        }
    }

    #[test]
    fn another_attack_brings_its_own_recipe() {
        let dlg = preset::load("dlg-lenet", &[], Path::new("/nonexistent")).unwrap().config;
        let changed = preset::change(&dlg, [("attack.kind", "idlg")]).unwrap().attack;
        assert_eq!(changed.labels, Labels::Rule("idlg".into()));
        // What the preset set itself stays.
        assert_eq!(changed.trials(), dlg.attack.trials());
        let changed = load("ig-mlp", &["attack.kind=fc-inversion"]).unwrap_err();
        assert!(changed.contains("is no setting of fc-inversion"), "{changed}");
    }

    #[test]
    fn labels_that_an_attack_cannot_use_are_refused() {
        for (preset, change, said) in [
            (
                "dlg-lenet",
                "attack.labels={ rule = \"idlg\" }",
                "dlg optimises the labels with the image, but",
            ),
            ("idlg-lenet", "attack.labels={ rule = \"ilrg\" }", "idlg reads the label by its own rule, but"),
            ("ig-lenet", "attack.labels=optimise", "inverting-gradients needs labels, but"),
            ("ig-lenet", "attack.labels=unused", "inverting-gradients needs labels, but"),
        ] {
            let error = load(preset, &[change]).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
