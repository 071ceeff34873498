//! Checks the values of a config, each by itself and against each other. What needs the data, the model or
//! the attack is checked where those are known, before anything is computed.

use super::{Classes, Labels, Loss, Normalise, RunConfig, SCHEMA, captured, federation, post};
use super::{MAX_SIDE, MIN_SIDE, PostKnowledge, StatisticsKnowledge};

/// Largest batch that is drawn: far above what any attack recovers.
const MAX_DRAWN: usize = 100_000;

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
    let within = |value: usize, most: usize, key| {
        require((1..=most).contains(&value), key, format!("= {value}, must be 1 to {most}"))
    };
    require(config.schema == SCHEMA, "schema", {
        format!("= {}, but this gialab reads version {SCHEMA}; update gialab or the preset", config.schema)
    })?;
    if let Some(sampling) = &config.victim.sample {
        let message = "draws the batch, but victim.indices names it; keep one of the two".to_owned();
        require(config.victim.indices.is_empty(), "victim.sample", message)?;
        within(sampling.count, MAX_DRAWN, "victim.sample.count")?;
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
            let message = format!("has a std of {std}, must be above 0");
            require(std.is_finite() && *std > 0.0, "victim.normalise", message)?;
        }
    }
    if let Some(size) = config.victim.size {
        let range = MIN_SIDE..=MAX_SIDE;
        let message = format!("= {size}, must be {} to {} pixels", range.start(), range.end());
        require(range.contains(&size), "victim.size", message)?;
    }
    if let Some(classes) = config.victim.classes {
        let message = format!("= {classes}, must be 1 to 100000");
        require((1..=100_000).contains(&classes), "victim.classes", message)?;
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
    if let Some(width) = config.victim.options.width {
        let message = format!("= {width}, must be above 0 and at most 64");
        require(width > 0.0 && width <= 64.0, "victim.options.width", message)?;
    }
    if let Some(depth) = config.victim.options.depth {
        within(depth, 1000, "victim.options.depth")?;
    }
    let message = "= \"given\" needs labels that knowledge.labels = false does not grant; set that to true, or attack.labels to \
         \"optimise\" or { rule = \"ilrg\" }";
    require(attack.labels != Labels::Given || config.knowledge.labels, "attack.labels", message.into())?;
    attack.check()?;
    within(config.run.snapshot_every, 100_000_000, "run.snapshot_every")?;
    let pause = config.run.checkpoint_seconds;
    let message = format!("= {pause}, must be above 0 and at most 86400");
    require(pause > 0.0 && pause <= 86_400.0, "run.checkpoint_seconds", message)?;
    captured::check(config)?;
    let recovered = config.run.recovered_psnr;
    let message = format!("= {recovered}, must be 0 to 100");
    require((0.0..=100.0).contains(&recovered), "run.recovered_psnr", message)?;
    let message = "is empty; name a file, or remove it".into();
    require(config.run.lpips.as_deref() != Some(""), "run.lpips", message)?;
    federation::check(config)?;
    let own = config.victim.captured.is_none();
    let message = "= \"exact\" cannot be granted: a captured update has no private batch to take them of; use \"running\"";
    let exact = config.knowledge.statistics == StatisticsKnowledge::Exact;
    require(own || !exact, "knowledge.statistics", message.to_owned())?;
    let message =
        "= true cannot be granted: a captured update was made on the model in its file; remove it".to_owned();
    require(own || !config.knowledge.manipulate, "knowledge.manipulate", message)?;
    post::check(&config.post).map_err(|message| Fault { key: "post", message })?;
    let message = "is about post-processing, but there is none; add [[post]], or remove it".to_owned();
    let is_default = config.knowledge.post == PostKnowledge::default();
    require(is_default || !config.post.is_empty(), "knowledge.post", message)
}
