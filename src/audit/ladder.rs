//! Which attacks are tried, from little knowledge to much: every attack that runs here with what it needs to know and no more,
//! and one that fits everywhere with each kind of knowledge in turn.

use crate::catalogue::{ATTACKS, Facts, LabelUse, Need};
use crate::config::{RunConfig, preset};
use crate::fl::Setup;
use crate::model::Net;
use crate::model::generator::MEASURED;
use crate::run::plan;

/// The attack that is tried with every kind of knowledge.
const EVERYWHERE: &str = "inverting-gradients";

/// Rules that read labels off an update, the first that fits is taken.
const RULES: [&str; 4] = ["idlg", "yin", "bias-corrected", "llg"];

/// The built-in generator of pictures, and the autoencoder, with the data that they are of.
const GENERATOR: (&str, &str) = ("fashion28", "fashion28-vae");
const AUTOENCODER: (&str, &str) = ("fashion28", "fashion28-autoencoder");

/// An attack with what it is granted.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Its name among the runs: `B-inverting-gradients`.
    pub name: String,
    /// What it does.
    pub config: RunConfig,
}

/// An attack that was not tried.
#[derive(Debug, Clone)]
pub struct Left {
    /// Which.
    pub facts: &'static Facts,
    /// Why.
    pub why: String,
}

/// Kinds of knowledge, each beside those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rung {
    /// The model that was sent, the update and the number of samples.
    Server,
    /// The labels.
    Labels,
    /// The client's local training.
    Training,
    /// A generator of pictures like the client's.
    Generator,
    /// The statistics of the private batch.
    Statistics,
    /// Changing the model that is sent.
    Manipulates,
    /// Sending clients different ones.
    Chooses,
}

const RUNGS: [Rung; 7] = [
    Rung::Server,
    Rung::Labels,
    Rung::Training,
    Rung::Generator,
    Rung::Statistics,
    Rung::Manipulates,
    Rung::Chooses,
];

impl Rung {
    /// The least on which an attack has what it needs.
    fn of(facts: &Facts) -> Rung {
        let least = |need: &Need| match need {
            Need::Choose => Rung::Chooses,
            Need::Manipulate => Rung::Manipulates,
            Need::BatchNorm => Rung::Statistics,
            Need::Generator => Rung::Generator,
            Need::LocalKnowledge => Rung::Training,
            _ => Rung::Server,
        };
        let labels = if facts.labels == LabelUse::Needs { Rung::Labels } else { Rung::Server };
        facts.needs.iter().map(least).max().unwrap_or(Rung::Server).max(labels)
    }

    /// Whether there is anything of its kind to know.
    fn applies(self, base: &RunConfig, net: &Net) -> bool {
        match self {
            Rung::Server | Rung::Labels => true,
            Rung::Training => base.local().is_some(),
            Rung::Generator => generator(base).is_some(),
            Rung::Statistics => base.victim.captured.is_none() && !net.buffer_specs().is_empty(),
            Rung::Manipulates | Rung::Chooses => base.victim.captured.is_none(),
        }
    }

    /// Its settings.
    fn settings(self, base: &RunConfig) -> Vec<(&'static str, String)> {
        let reaches = |rung: Rung| (self >= rung).to_string();
        let local = if self >= Rung::Training { "known" } else { "none" };
        let exact = if self == Rung::Statistics { "exact" } else { "running" };
        let generator = generator(base)
            .filter(|_| (Rung::Generator..=Rung::Statistics).contains(&self))
            .unwrap_or_default();
        // With the training comes what else the client does to its update.
        let post = match base.victim.captured.is_none() && self >= Rung::Training {
            true => "known",
            false => "estimated",
        };
        let mut settings = vec![
            ("knowledge.labels", reaches(Rung::Labels)),
            ("knowledge.order", "false".into()),
            ("knowledge.statistics", exact.into()),
            ("knowledge.normalisation", "false".into()),
            ("knowledge.generator", generator),
            ("knowledge.manipulate", reaches(Rung::Manipulates)),
            ("knowledge.choose", reaches(Rung::Chooses)),
        ];
        if base.takes_steps() {
            settings.push(("knowledge.local", local.into()));
        }
        if base.victim.captured.is_none() || base.post.is_empty() {
            settings.push(("knowledge.post", post.into()));
        }
        settings
    }
}

/// The generator that an attacker with data like the client's has.
fn generator(base: &RunConfig) -> Option<String> {
    own_or(base, GENERATOR)
}

/// What is given, or what is built in for such data.
fn own_or(base: &RunConfig, (set, own): (&str, &str)) -> Option<String> {
    let built_in = (base.victim.data == set && base.victim.captured.is_none()).then(|| own.to_owned());
    base.knowledge.generator.clone().or(built_in)
}

/// All attempts on what a config describes, and what is not tried.
pub(super) fn attempts(base: &RunConfig, setup: &Setup) -> (Vec<Attempt>, Vec<Left>) {
    let net = &setup.net;
    // What a preset grants is one or the other; features are no codes to search, and codes none to decode.
    let granted = setup.generator.as_ref();
    let is_autoencoder = granted.is_some_and(|it| it.beside.iter().any(|(spec, _)| spec.name == MEASURED[0]));
    let mut other = base.clone();
    let own = other.knowledge.generator.take();
    let (base, autoencoder) =
        if is_autoencoder { (&other, own) } else { (base, own_or(&other, AUTOENCODER)) };
    let autoencoder = autoencoder.as_deref();
    let rungs: Vec<Rung> = RUNGS.into_iter().filter(|rung| rung.applies(base, net)).collect();
    let (mut attempts, mut left) = (Vec::new(), Vec::new());
    for facts in ATTACKS {
        let everywhere = facts.name == EVERYWHERE;
        let from = if everywhere { Rung::Server } else { Rung::of(facts) };
        let mut why = None;
        for &rung in rungs.iter().filter(|rung| **rung >= from && (!everywhere || **rung <= Rung::Statistics))
        {
            match on(base, facts, rung, autoencoder) {
                Ok(config) => {
                    let letter: String = config.threat_model().chars().take(1).collect();
                    let name = format!("{letter}-{}", facts.name);
                    // What makes no difference to what it knows is no other attempt.
                    if attempts.iter().all(|known: &Attempt| known.name != name) {
                        attempts.push(Attempt { name, config });
                    }
                    why = None;
                    if !everywhere {
                        break;
                    }
                }
                Err(reason) if attempts.iter().all(|known| !known.name.ends_with(facts.name)) => {
                    why.get_or_insert(reason);
                }
                Err(_) => {}
            }
        }
        match why {
            // What would have to be otherwise is said elsewhere.
            Some(why) => {
                let why = why.split([';', ':']).next().unwrap_or_default().trim().to_owned();
                left.push(Left { facts, why });
            }
            None if attempts.iter().all(|known| !known.name.ends_with(facts.name)) => {
                left.push(Left { facts, why: lacking(base, net, from) });
            }
            None => {}
        }
    }
    attempts.sort_by_key(|attempt| attempt.name.chars().next());
    (attempts, left)
}

/// Why there is nothing of what an attack must know.
fn lacking(base: &RunConfig, net: &Net, from: Rung) -> String {
    let why = match from {
        Rung::Generator => "no generator of pictures like these is given (--set knowledge.generator=FILE)",
        Rung::Training => "there is no local training, or nothing is said of it",
        Rung::Manipulates | Rung::Chooses if base.victim.captured.is_some() => {
            "it needs a server that changes the model; this update was made on the model in its file"
        }
        Rung::Statistics if net.buffer_specs().is_empty() => "the model has no BatchNorm layer",
        Rung::Statistics => "the statistics of the private batch are not in an update from outside",
        _ => "it does not fit",
    };
    why.to_owned()
}

/// An attack with this knowledge, or why it does not work.
fn on(base: &RunConfig, facts: &Facts, rung: Rung, autoencoder: Option<&str>) -> Result<RunConfig, String> {
    let rules = || {
        let fitting = RULES.into_iter().filter(|rule| *rule != "idlg" || base.batch() == 1);
        fitting.map(|rule| Some(format!("{{ rule = \"{rule}\" }}"))).collect()
    };
    let labels: Vec<Option<String>> = match facts.labels {
        LabelUse::Needs if rung >= Rung::Labels => vec![Some("given".to_owned())],
        LabelUse::Needs => rules(),
        _ => vec![None],
    };
    let own = base.attack.kind.name() == facts.name;
    let mut why = String::new();
    for labels in labels {
        let settings = rung.settings(base);
        let labels = labels.map(|labels| ("attack.labels", labels));
        let autoencoder = autoencoder.filter(|_| facts.needs.contains(&Need::Autoencoder));
        let autoencoder = autoencoder.map(|file| ("knowledge.generator", file.to_owned()));
        let changes: Vec<(&str, String)> = settings.into_iter().chain(labels).chain(autoencoder).collect();
        let changes = changes.iter().map(|(key, value)| (*key, value.as_str()));
        let changed = match own {
            true => preset::change(base, changes),
            false => preset::attacked_by(base, facts.name, changes),
        };
        let tried = changed.map_err(|refused| refused.message);
        match tried.and_then(|config| plan::plan(&config).map(|_| config).map_err(|e| e.to_string())) {
            Ok(config) => return Ok(config),
            Err(reason) => why = reason,
        }
    }
    Err(why)
}
