//! `[victim] captured`: an update that came from a real system, with what is known of how it came to be.
//!
//! ```toml
//! [victim]
//! model = "lenet"
//! classes = 10
//! captured = { weights = "global.pth", update = "update.npz", kind = "gradient", batch = 4, input = [3, 32, 32] }
//! ```

use serde::{Deserialize, Serialize};

use super::MAX_SIDE;
use super::validate::Fault;
use super::{Federation, LocalKnowledge, LocalTraining, RunConfig, TrainingState, is_default, setting};

/// Most samples of one update.
pub(super) const MAX_BATCH: usize = 65_536;

/// Files of a real system, instead of a simulated client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Captured {
    /// File of the global model that the client was sent: safetensors, PyTorch or npz.
    pub weights: String,
    /// File of what the client sent back: a tensor for each parameter, by name or, in a list, by order.
    pub update: String,
    /// What the update holds.
    pub kind: CapturedKind,
    /// Samples behind the update, as its weight in the aggregation tells.
    pub batch: usize,
    /// What the numbers sent are times those of the kind: 65,536 behind a loss scaler that was not undone, a number of
    /// accumulated steps, -1 for the opposite sign.
    #[serde(default, skip_serializing_if = "is_default")]
    pub scale: Scale,
    /// How the client trained; for updates that come from local steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<LocalTraining>,
    /// Shape of one sample, `[channels, height, width]`; that of the ground truth if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<[usize; 3]>,
    /// Labels of the samples, if they are granted, or if the ground truth has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<usize>>,
    /// File of the ground truth, to measure by: `images` in [0, 1] or `inputs` as the model saw them,
    /// `[batch, channels, height, width]`, and `labels`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truth: Option<String>,
    /// A data set whose columns the samples have, where they are rows of a table: it tells the attacker how their fields are
    /// encoded. That of `victim.data`, where that is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
}

/// What a captured update holds, of theta_0 sent out and theta_K after the client's steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CapturedKind {
    /// The gradient of the mean loss at theta_0.
    Gradient,
    /// theta_K - theta_0.
    Delta,
    /// theta_0 - theta_K.
    NegativeDelta,
    /// theta_K itself, as Flower sends it.
    Weights,
}

impl CapturedKind {
    /// Whether it comes from local steps.
    pub fn takes_steps(self) -> bool {
        self != CapturedKind::Gradient
    }

    /// For headers.
    pub fn name(self) -> &'static str {
        match self {
            CapturedKind::Gradient => "gradient",
            CapturedKind::Delta => "weight difference",
            CapturedKind::NegativeDelta => "negative weight difference",
            CapturedKind::Weights => "weights after local steps",
        }
    }
}

/// A factor on all numbers of an update.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "victim.captured.scale is a number, the factor on what was sent, or \"estimated\", if only its direction is \
                 to be matched"
)]
pub enum Scale {
    /// Known, and divided out.
    Known(f64),
    /// Not known, but positive: the update is matched up to it.
    Unknown(Estimated),
}

/// The word for a scale that is found by the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Estimated {
    /// `"estimated"`.
    Estimated,
}

impl Default for Scale {
    fn default() -> Self {
        Scale::Known(1.0)
    }
}

impl Scale {
    /// Whether it is to be found by the search.
    pub fn is_estimated(self) -> bool {
        matches!(self, Scale::Unknown(_))
    }

    /// What the update is divided by.
    pub fn known(self) -> f64 {
        match self {
            Scale::Known(factor) => factor,
            Scale::Unknown(_) => 1.0,
        }
    }
}

impl Captured {
    /// The same with the path of every file changed.
    pub fn with_paths(self, change: impl Fn(String) -> String) -> Captured {
        Captured {
            weights: change(self.weights),
            update: change(self.update),
            truth: self.truth.map(&change),
            ..self
        }
    }
}

/// The first fault of a captured update.
pub(super) fn check(config: &RunConfig) -> Result<(), Fault> {
    let victim = &config.victim;
    let fault = |key: &'static str, message: &str| Err(Fault { key, message: format!("{key} {message}") });
    let Some(captured) = &victim.captured else {
        return match victim.data.as_str() {
            "" => fault("victim.data", "is missing; name a data set, for instance \"photos\""),
            _ => Ok(()),
        };
    };
    files(captured)?;
    let scale = captured.scale.known();
    if !scale.is_finite() || scale == 0.0 {
        let message = format!("= {scale}, must be a number other than 0, as 65536 or -1, or \"estimated\"");
        return fault("victim.captured.scale", &message);
    }
    let with_data = !victim.data.is_empty();
    if with_data && captured.truth.is_some() {
        return fault(
            "victim.captured.truth",
            "and victim.data both name a ground truth; remove one of them",
        );
    }
    if let Some(table) = &captured.table {
        let message = match (table.as_str(), with_data) {
            (_, true) => "is given beside victim.data, which has its own columns; remove it",
            ("", _) => "is empty; name a data set whose columns the samples have, for instance \"wine\"",
            _ => "",
        };
        if !message.is_empty() {
            return fault("victim.captured.table", message);
        }
    }
    if !with_data && captured.truth.is_none() && captured.input.is_none() {
        let message = "is missing: without a ground truth nothing tells the shape of a sample; \
                       for instance [3, 32, 32] for channels, height and width";
        return fault("victim.captured.input", message);
    }
    if let Some([channels, height, width]) = captured.input
        && !(matches!(channels, 1 | 3) && [height, width].iter().all(|side| (1..=MAX_SIDE).contains(side)))
    {
        let message = format!(
            "= [{channels}, {height}, {width}], must be 1 or 3 channels and 1 to {} pixels high and wide",
            MAX_SIDE
        );
        return fault("victim.captured.input", &message);
    }
    if !with_data && victim.classes.is_none() {
        return fault("victim.classes", "is missing: without victim.data nothing tells how many there are");
    }
    if !with_data && victim.size.is_some() {
        return fault("victim.size", "resizes pictures of victim.data, which is not given; remove it");
    }
    simulated(config)?;
    labels(config, captured)?;
    local(config, captured)
}

fn files(captured: &Captured) -> Result<(), Fault> {
    for (key, path) in [
        ("victim.captured.weights", Some(&captured.weights)),
        ("victim.captured.update", Some(&captured.update)),
        ("victim.captured.truth", captured.truth.as_ref()),
    ] {
        if path.is_some_and(String::is_empty) {
            return Err(Fault { key, message: format!("{key} is empty; name a file") });
        }
    }
    Ok(())
}

/// What belongs to simulated clients alone.
fn simulated(config: &RunConfig) -> Result<(), Fault> {
    let refuse = |key: &'static str, message: String| Err(Fault { key, message });
    // No weight decay and none given are one.
    let weight_decay = config.federation.weight_decay.filter(|&decay| decay != 0.0);
    let given = Federation { weight_decay, ..config.federation.clone() };
    let given = toml::Table::try_from(&given).unwrap_or_default();
    let usual = toml::Table::try_from(Federation::default()).unwrap_or_default();
    if let Some((key, _)) = given.iter().find(|(key, value)| usual.get(*key) != Some(value)) {
        let message = format!(
            "federation.{key} is for clients that gialab simulates, but victim.captured came from outside; remove it \
             (local training goes to victim.captured.local)"
        );
        let key = setting::of(&format!("federation.{key}")).map_or("federation", |setting| setting.key);
        return refuse(key, message);
    }
    if config.victim.weights.is_some() {
        let message = "victim.weights is given beside victim.captured.weights; remove it";
        return refuse("victim.weights", message.into());
    }
    if config.victim.state != TrainingState::Untrained {
        let message =
            "victim.state trains a simulated federation; a captured update has its own weights, remove it";
        return refuse("victim.state", message.into());
    }
    if config.victim.share_buffers {
        let message = "victim.share_buffers = true, but BatchNorm statistics of a captured update are not read; \
                       remove it";
        return refuse("victim.share_buffers", message.into());
    }
    Ok(())
}

fn labels(config: &RunConfig, captured: &Captured) -> Result<(), Fault> {
    let key = "victim.captured.labels";
    let fault = |message: String| Err(Fault { key, message: format!("{key} {message}") });
    let known = config.knowledge.labels;
    let has_truth = config.has_truth();
    match &captured.labels {
        None if known && !has_truth => fault(
            "is missing: knowledge.labels = true grants labels that nobody gives; add labels = [..], or set it to \
             false"
                .into(),
        ),
        Some(_) if !config.victim.data.is_empty() => {
            fault("is given beside victim.data, which has its own; remove it".into())
        }
        // Beside a file of the truth they may be what it lacks.
        Some(_) if !known && !has_truth => {
            fault("grants labels, but knowledge.labels does not; set it to true, or remove them".into())
        }
        Some(labels) if labels.len() != captured.batch => {
            fault(format!("has {} labels for {} sample(s)", labels.len(), captured.batch))
        }
        _ => Ok(()),
    }
}

fn local(config: &RunConfig, captured: &Captured) -> Result<(), Fault> {
    let key = "victim.captured.local";
    let fault = |message: String| Err(Fault { key, message: format!("{key} {message}") });
    match (captured.kind.takes_steps(), &captured.local) {
        (false, None) => Ok(()),
        (false, Some(_)) => {
            fault("is about local steps, but kind = \"gradient\" has none; remove it, or use \"delta\"".into())
        }
        (true, Some(local)) => match local.check(captured.batch) {
            Ok(()) => Ok(()),
            Err((field, message)) => {
                Err(Fault { key, message: format!("{key}.{field} {message}") })
            }
        },
        (true, None) => match config.knowledge.local {
            LocalKnowledge::Assumed(_) => Ok(()),
            LocalKnowledge::None if config.attack.ignores_scale() || !config.supposed().is_empty() => Ok(()),
            _ => fault(
                "is missing: the update comes from local steps; add local = { epochs = 1, batch = .., learning_rate = \
                 .. }, or set knowledge.local = \"none\" and attack.distance = \"cosine\" to take it for one gradient"
                    .into(),
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;
    use crate::config::preset::{self, Preset};

    fn load(captured: &str, changes: &[&str]) -> Result<Preset, String> {
        let captured = format!("victim.captured={{ weights = \"w\", update = \"u\", {captured} }}");
        let changes: Vec<String> = [captured.as_str(), "victim.size="]
            .iter()
            .chain(changes)
            .map(|change| (*change).to_owned())
            .collect();
        preset::load("ig-lenet", &changes, Path::new("/nonexistent")).map_err(|error| error.to_string())
    }

    const GRADIENT: &str = "kind = \"gradient\", batch = 2, input = [3, 32, 32]";
    const NO_TRUTH: [&str; 3] =
        ["victim.data=", "knowledge.labels=false", "attack.labels={ rule = \"idlg\" }"];

    #[test]
    fn what_contradicts_is_refused_in_one_sentence() {
        let delta = "kind = \"delta\", batch = 2, input = [3, 32, 32]";
        for (captured, change, says) in [
            (GRADIENT.replace("gradient", "gradent"), "", "did you mean `gradient`?"),
            (GRADIENT.replace("= 2", "= 0"), "", "victim.captured.batch = 0, must be 1 to"),
            (GRADIENT.replace("3, 32", "2, 32"), "", "must be 1 or 3 channels"),
            (GRADIENT.replace(", input = [3, 32, 32]", ""), "", "victim.captured.input is missing"),
            (format!("{GRADIENT}, truth = \"\""), "", "victim.captured.truth is empty"),
            (format!("{GRADIENT}, table = \"\""), "victim.data=", "victim.captured.table is empty"),
            (
                format!("{GRADIENT}, table = \"wine\""),
                "victim.data=photos",
                "which has its own columns; remove it",
            ),
            (format!("{GRADIENT}, local = {{ learning_rate = 0.1 }}"), "", "kind = \"gradient\" has none"),
            (
                delta.to_owned(),
                "",
                "victim.captured.local is missing: the update comes from local steps; add local",
            ),
            (delta.replace("delta", "weights"), "", "victim.captured.local is missing"),
            (
                format!("{delta}, local = {{ learning_rate = 0.1, batch = 3 }}"),
                "",
                "victim.captured.local.batch = 3, but the attacked client holds 2",
            ),
            (GRADIENT.to_owned(), "victim.classes=", "victim.classes is missing"),
            (GRADIENT.to_owned(), "victim.size=32", "victim.size resizes pictures of victim.data"),
            (GRADIENT.to_owned(), "victim.weights=x.pth", "remove it"),
            (GRADIENT.to_owned(), "victim.state={ train-rounds = 3 }", "remove it"),
            (
                GRADIENT.to_owned(),
                "federation.learning_rate=0.1",
                "federation.learning_rate is for clients that",
            ),
            (GRADIENT.to_owned(), "federation.algorithm=fedavg", "federation.algorithm is for clients that"),
            (GRADIENT.to_owned(), "knowledge.labels=true", "grants labels that nobody gives"),
            (format!("{GRADIENT}, labels = [1, 2]"), "", "knowledge.labels does not"),
            (format!("{GRADIENT}, labels = [1]"), "knowledge.labels=true", "has 1 labels for 2 sample(s)"),
        ] {
            let changes: Vec<&str> =
                NO_TRUTH.iter().copied().chain([change]).filter(|change| !change.is_empty()).collect();
            let error = load(&captured, &changes).unwrap_err();
            assert!(error.contains(says), "{captured} {change}: {error}");
        }
        let both = load(&format!("{GRADIENT}, truth = \"t\""), &[]).unwrap_err();
        assert!(both.contains("both name a ground truth"), "{both}");
    }

    #[test]
    fn a_weight_difference_without_local_training_can_be_taken_for_one_gradient() {
        let delta = "kind = \"negative-delta\", batch = 2, input = [3, 32, 32]";
        let unknown = [&NO_TRUTH[..], &["knowledge.local=none"]].concat();
        let config = load(delta, &unknown).unwrap().config;
        assert!(config.takes_steps() && config.local().is_none());
        assert!(config.threat_model().starts_with('A'));
        assert!(load(delta, &[&unknown[..], &["attack.distance=l2"]].concat()).is_err());
        let assumed = [&NO_TRUTH[..], &["knowledge.local={ assumed = { learning_rate = 0.1 } }"]].concat();
        assert!(load(delta, &assumed).is_ok());
    }

    #[test]
    fn headers_name_the_files_and_who_knows_what() {
        let local = "kind = \"weights\", batch = 2, input = [3, 32, 32], local = { learning_rate = 0.1 }";
        let config = load(local, &NO_TRUTH).unwrap().config;
        assert_eq!((config.batch(), config.training().as_str()), (2, "weights w"));
        assert_eq!(config.victim.source(), "captured u");
        assert!(config.threat_model().starts_with('C') && !config.has_truth());
        let written = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<RunConfig>(&written).unwrap(), config);
    }

    #[test]
    fn without_data_there_must_be_an_update() {
        let changes = ["victim.data=".to_owned()];
        let error = preset::load("ig-lenet", &changes, Path::new("/nonexistent")).unwrap_err().to_string();
        assert!(error.contains("victim.data is missing; name a data set"), "{error}");
    }
}
