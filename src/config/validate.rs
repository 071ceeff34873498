//! Checks the values of a config, each by itself and against each other. What needs the data, the model or
//! the attack is checked where those are known, before anything is computed.

use super::setting;
use super::{Classes, Labels, Loss, Normalise, RunConfig, SCHEMA, captured, federation, post};
use super::{PostKnowledge, StatisticsKnowledge};

/// A value that cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its dotted key.
    pub key: &'static str,
    /// What is wrong with it.
    pub message: String,
}

/// The first fault of a config, if it has one.
pub fn check(config: &RunConfig) -> Result<(), Fault> {
    let attack = &config.attack;
    let require = |holds: bool, key: &'static str, message: String| {
        if holds { Ok(()) } else { Err(Fault { key, message: format!("{key} {message}") }) }
    };
    require(config.schema == SCHEMA, "schema", {
        format!("= {}, but this gialab reads version {SCHEMA}; update gialab or the preset", config.schema)
    })?;
    ranges(config)?;
    if let Some(sampling) = &config.victim.sample {
        let message = "draws the batch, but victim.indices names it; keep one of the two".to_owned();
        require(config.victim.indices.is_empty(), "victim.sample", message)?;
        let message = "is an empty list; name at least one class".to_owned();
        require(sampling.classes != Classes::Of(Vec::new()), "victim.sample.classes", message)?;
    }
    if let Normalise::By { mean, std } = &config.victim.normalise {
        let message = format!(
            "has {} means and {} deviations, must have one of each per channel",
            mean.len(),
            std.len()
        );
        require(mean.len() == std.len() && !mean.is_empty(), "victim.normalise", message)?;
        for mean in mean {
            require(mean.is_finite(), "victim.normalise", format!("has a mean of {mean}, must be finite"))?;
        }
        for std in std {
            let message = format!("has a std of {std}, must be finite and above 0");
            require(std.is_finite() && *std > 0.0, "victim.normalise", message)?;
        }
    }
    if let Some(classes) = config.victim.classes {
        let sigmoid = matches!(config.victim.loss, Loss::Bce | Loss::Mse);
        let message =
            "= 1, but the softmax of one score is always 1: set victim.loss = \"bce\" (or \"mse\"), or 2 or \
                       more classes"
                .to_owned();
        require(classes > 1 || sigmoid, "victim.classes", message)?;
    }
    require(
        config.victim.weights.as_deref() != Some(""),
        "victim.weights",
        "is empty; name a file, or remove it".into(),
    )?;
    if let Loss::LabelSmoothing(e) = config.victim.loss {
        let message = format!("= {{ label-smoothing = {e} }}, must be 0 to below 1");
        require((0.0..1.0).contains(&e), "victim.loss", message)?;
    }
    let has_file = config.victim.weights.is_some() || config.victim.captured.is_some();
    if let Some(key) = &config.victim.weights_key {
        let message =
            "names a part of a file of weights, but there is none; remove it, or give victim.weights";
        require(has_file, "victim.weights_key", message.into())?;
        require(!key.is_empty(), "victim.weights_key", "is empty; name a key, or remove it".into())?;
    }
    let message = "is about a file of weights, but there is none; remove it, or give victim.weights";
    require(has_file || !config.victim.by_order, "victim.by_order", message.into())?;
    let message = format!(
        "= {} needs labels that knowledge.labels = false does not grant; set that to true, or attack.labels to \
         \"optimise\" or {{ rule = \"ilrg\" }}",
        attack.labels.key()
    );
    require(!attack.labels.are_granted() || config.knowledge.labels, "attack.labels", message)?;
    if let Labels::Wrong(wrong) = attack.labels {
        let (batch, classes) = (config.batch(), config.victim.classes);
        let message = format!("= {{ wrong = {wrong} }}, must be 1 to {batch}, the samples of the batch");
        require((1..=batch).contains(&wrong), "attack.labels", message)?;
        let message =
            "= { wrong = .. } needs another class to take a label for, but there is one class".to_owned();
        require(classes != Some(1), "attack.labels", message)?;
    }
    if let Some(key) = config.expect.as_ref().and_then(|expect| expect.unknown()) {
        let message =
            format!(".{key} is no figure; use seconds, note and keys of gialab explain, as psnr = 24.1");
        require(false, "expect", message)?;
    }
    attack.check()?;
    captured::check(config)?;
    let message = "is empty; name a file, or remove it".into();
    require(config.run.lpips.as_deref() != Some(""), "run.lpips", message)?;
    federation::check(config)?;
    let own = config.victim.captured.is_none();
    let clients = config.victim.normalise.is_clients();
    let message = "= \"client\" takes mean and deviation of one client's samples, which a captured update does not tell, and a \
                   sum of several has none: name them, as { mean = [...], std = [...] }";
    let is_one = own && config.federation.secure_aggregation <= 1;
    require(!clients || is_one, "victim.normalise", message.to_owned())?;
    let message = "= true grants a client's own mean and deviation, but it takes public ones; set victim.normalise to \
                   \"client\", or remove it";
    require(clients || !config.knowledge.normalisation, "knowledge.normalisation", message.to_owned())?;
    let message = "= \"exact\" cannot be granted: a captured update has no private batch to take them of; use \"running\"";
    let exact = config.knowledge.statistics == StatisticsKnowledge::Exact;
    require(own || !exact, "knowledge.statistics", message.to_owned())?;
    let message =
        "= true cannot be granted: a captured update was made on the model in its file; remove it".to_owned();
    require(own || !config.knowledge.manipulate, "knowledge.manipulate", message)?;
    let message = "= true lets the server send clients different models, but knowledge.manipulate = false does not let it \
                   change one; set that to true, or remove this"
        .to_owned();
    require(config.knowledge.manipulate || !config.knowledge.choose, "knowledge.choose", message)?;
    if config.knowledge.same_batch {
        let says = |message: &str| format!("= true {message}");
        let message = says(
            "matches the updates of several rounds, and one alone is attacked; give federation.attack_rounds more, or remove it",
        );
        require(own && config.attacked_rounds().len() > 1, "knowledge.same_batch", message)?;
        let message = says(
            "is for attacks that match updates; choose one that searches, without attack.surrogate, or remove it",
        );
        let matches = attack.search().is_some_and(|search| search.surrogate.is_none());
        require(matches, "knowledge.same_batch", message)?;
    }
    post::check(&config.post).map_err(|message| Fault { key: "post", message })?;
    let message = "is about post-processing, but there is none; add [[post]], or remove it".to_owned();
    let ignores = config.knowledge.post == PostKnowledge::None;
    require(!ignores || !config.post.is_empty(), "knowledge.post", message)
}

/// The first number that its setting does not allow.
fn ranges(config: &RunConfig) -> Result<(), Fault> {
    fn check(prefix: &str, value: &toml::Value) -> Result<(), Fault> {
        let number = value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
        match (setting::of(prefix), value) {
            (Some(setting), _) => match number.and_then(|number| setting.range.refuses(number)) {
                Some(message) => Err(Fault { key: setting.key, message: format!("{prefix} {message}") }),
                None => Ok(()),
            },
            (None, toml::Value::Table(inner)) => {
                inner.iter().try_for_each(|(name, value)| check(&format!("{prefix}.{name}"), value))
            }
            (None, _) => Ok(()),
        }
    }
    let table = toml::Table::try_from(config).map_err(|error| Fault {
        key: "schema",
        message: format!("the preset cannot be written: {error}"),
    })?;
    table.iter().try_for_each(|(name, value)| check(name, value))
}
