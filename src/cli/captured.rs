//! Files of a captured update, named on the command line, as a config that attacks them.

use std::path::Path;

use anyhow::Context as _;
use gialab::config::{RunConfig, preset};
use gialab::weights::{Choice, WeightFile};

/// The preset whose attack is assumed: it matches by l2 and so sees every scale.
const PRESET: &str = "dlg-lenet";

/// What is said of an update besides its files.
pub struct Captured<'a> {
    /// What the client sent.
    pub update: &'a Path,
    /// What it was sent.
    pub weights: &'a Path,
    /// Its samples, to compare with.
    pub truth: Option<&'a Path>,
    /// What the update is taken for.
    pub kind: &'a str,
    /// Samples behind it.
    pub batch: u32,
    /// Settings, `key=value`.
    pub changes: &'a [String],
    /// Tensors are taken by their order.
    pub by_order: bool,
}

impl Captured<'_> {
    /// A config that attacks the files, on the built-in model that the weights fit. The attacker knows nothing but what `changes`
    /// grant.
    pub fn config(&self) -> anyhow::Result<RunConfig> {
        let path = |path: &Path| toml::Value::String(path.display().to_string());
        let choice = Choice { key: None, by_order: self.by_order };
        let file = WeightFile::open(&self.weights.to_string_lossy())?.choosing(choice);
        let chosen = |key: &str| self.changes.iter().any(|change| change.starts_with(key));
        let fit = file.fit();
        anyhow::ensure!(
            fit.is_some() || chosen("victim.model="),
            "{} fits no model of gialab; name one with --set victim.model=NAME (gialab models lists them)",
            self.weights.display()
        );
        let (input, classes) = fit.as_ref().map_or(([3, 32, 32], 10), |fit| (fit.input, fit.classes));
        let mut captured = toml::Table::new();
        captured.insert("weights".into(), path(self.weights));
        captured.insert("update".into(), path(self.update));
        captured.insert("kind".into(), self.kind.into());
        captured.insert("batch".into(), i64::from(self.batch).into());
        match self.truth {
            // Their shape is the samples' own.
            Some(truth) => captured.insert("truth".into(), path(truth)),
            None => captured.insert("input".into(), input.map(|size| size as i64).to_vec().into()),
        };
        let own = [
            "victim.data=".to_owned(),
            "victim.indices=".into(),
            "victim.size=".into(),
            format!("victim.model={}", fit.as_ref().map_or("lenet", |fit| fit.architecture)),
            format!("victim.classes={classes}"),
            format!("victim.captured={}", toml::Value::Table(captured)),
            "knowledge.labels=false".into(),
            "knowledge.post=estimated".into(),
            "attack.labels=optimise".into(),
            format!("victim.by_order={}", self.by_order),
        ];
        // Without a word on local steps an update of theirs can still be looked at, as one gradient of any size.
        let steps = self.kind != "gradient" && !chosen("victim.captured.local") && !chosen("knowledge.local");
        let any = ["knowledge.local=none".to_owned(), "attack.distance=cosine".into()];
        let changes: Vec<String> = own
            .into_iter()
            .chain(any.into_iter().filter(|_| steps))
            .chain(self.changes.iter().cloned())
            .collect();
        let preset =
            preset::load(PRESET, &changes, Path::new("")).context("the update cannot be taken like this")?;
        preset.config.check().map_err(anyhow::Error::msg)?;
        Ok(preset.config)
    }
}
