//! What a study is, as its file says it: a preset, what is varied, how often, and what is expected of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::catalogue::defence::NOISE_ONLY;
use crate::config::{ConfigError, described};
use crate::figure::{self, Figure, Form, figure};
use crate::files;
use crate::text::nearest;

/// Version of the format of studies.
pub const SCHEMA: u32 = 1;

/// Studies that ship, in the order of lists, by name and text.
const SHIPPED: &[(&str, &str)] = &[
    ("t1", include_str!("../../studies/t1.toml")),
    ("t2", include_str!("../../studies/t2.toml")),
    ("t3", include_str!("../../studies/t3.toml")),
    ("t4", include_str!("../../studies/t4.toml")),
    ("t5", include_str!("../../studies/t5.toml")),
    ("m1", include_str!("../../studies/m1.toml")),
    ("m2", include_str!("../../studies/m2.toml")),
    ("m3", include_str!("../../studies/m3.toml")),
    ("m4", include_str!("../../studies/m4.toml")),
    ("m5", include_str!("../../studies/m5.toml")),
    ("m6", include_str!("../../studies/m6.toml")),
    ("m7", include_str!("../../studies/m7.toml")),
    ("p1", include_str!("../../studies/p1.toml")),
    ("p2", include_str!("../../studies/p2.toml")),
    ("p3", include_str!("../../studies/p3.toml")),
    ("a1", include_str!("../../studies/a1.toml")),
    ("a2", include_str!("../../studies/a2.toml")),
    ("figure4", include_str!("../../studies/figure4.toml")),
    ("figure5", include_str!("../../studies/figure5.toml")),
    ("fedleak", include_str!("../../studies/fedleak.toml")),
];

/// Settings of the ends of the scale of a sweep of post-processing.
const WHOLE_UPDATE: &[&str] = &["post=", "knowledge.post="];
const NOISE_OF_ITS_NORM: &[&str] = &["post=[{kind=\"noise-only\"}]"];

/// The file of a study, read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Format version, [`SCHEMA`].
    pub schema: u32,
    /// One line for lists.
    pub title: String,
    /// What it is about, and whose expectation is tested.
    pub about: String,
    /// The preset that is varied.
    pub preset: String,
    /// `key=value` of all cells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<String>,
    /// Pairs of seed and pictures; every cell attacks the same ones.
    pub pairs: u32,
    /// Figures of the table, by key; the first one is drawn.
    pub figures: Vec<String>,
    /// Attacks that it needs and this gialab may not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// What is varied; the cells are all combinations.
    #[serde(rename = "axis")]
    pub axes: Vec<Axis>,
    /// Combinations that are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skip: Vec<Selector>,
    /// What is expected.
    #[serde(default, rename = "hypothesis", skip_serializing_if = "Vec::is_empty")]
    pub hypotheses: Vec<Hypothesis>,
    /// The part that takes minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quick: Option<Quick>,
}

/// One thing that is varied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// What it is called in tables.
    pub name: String,
    /// The setting that takes the values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its values, as they are written in a preset.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<toml::Value>,
    /// Instead of values: named points with several settings each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<Point>,
    /// The ends of the scale that its file leaves out ([`Definition::with_ends`]).
    #[serde(skip)]
    pub ends: Vec<Point>,
}

/// One point of an axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// What it is called in tables.
    pub name: String,
    /// Its settings, `key=value`.
    pub set: Vec<String>,
}

/// Cells by a point on some of the axes: `{ B = 4, labels = "given" }`.
pub type Selector = BTreeMap<String, toml::Value>;

/// One expectation that the figures can speak for or against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hypothesis {
    /// In words.
    pub says: String,
    /// The figure it is about.
    pub figure: String,
    /// Cells that it is about; all if there is none.
    #[serde(default, skip_serializing_if = "Selector::is_empty")]
    pub only: Selector,
    /// The figure goes along this axis ..
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub along: Option<String>,
    /// .. or with this other figure ..
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
    /// .. this way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is: Option<Way>,
    /// Along the axis it comes further that way than this other figure, from where both begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faster_than: Option<String>,
    /// Or it is, in these cells ..
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Selector>,
    /// .. higher than in these, pair by pair, ..
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<Selector>,
    /// .. or about as high as in these, ..
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub like: Option<Selector>,
    /// .. by no more than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<f64>,
}

/// Which way a figure goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Up.
    Rising,
    /// Down.
    Falling,
}

/// The part of a study that takes minutes: its runs count for the whole as well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quick {
    /// Pairs, the first ones.
    pub pairs: u32,
    /// Points that are kept, by axis; all of an axis that is not named.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keep: BTreeMap<String, Vec<toml::Value>>,
}

/// A figure of a study: of the last attacked round, or, as `psnr.first`, of the first one.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// The figure.
    pub figure: &'static Figure,
    /// Of the first attacked round.
    pub of_first: bool,
}

impl Asked {
    /// By its name; nothing where there is no such figure.
    pub fn named(name: &str) -> Option<Asked> {
        let (key, of_first) = match name.strip_suffix(".first") {
            Some(key) => (key, true),
            None => (name, false),
        };
        let is_known = figure::FIGURES.iter().any(|known| known.word.key == key);
        is_known.then(|| Asked { figure: figure(key), of_first })
    }

    /// Whether its middle is the mean: of shares, whose median is often 0 or 1.
    pub fn is_mean(&self) -> bool {
        self.figure.form == Form::Share
    }

    /// In headings, in ASCII.
    pub fn heading(&self) -> String {
        let first = if self.of_first { ", first round" } else { "" };
        format!("{}{first}", self.figure.word.ascii)
    }
}

impl Axis {
    /// Names of its points, for people; none occurs twice.
    pub fn names(&self) -> Vec<String> {
        let spoken = self.named(spoken);
        let is_unique = |(at, name): (usize, &String)| !spoken[..at].contains(name);
        if spoken.iter().enumerate().all(is_unique) { spoken } else { self.written() }
    }

    /// The same as its values are written, of which names of directories are made.
    pub fn written(&self) -> Vec<String> {
        self.named(written)
    }

    fn named(&self, value: fn(&toml::Value) -> String) -> Vec<String> {
        let values = self.values.iter().map(value);
        values.chain(self.points.iter().chain(&self.ends).map(|point| point.name.clone())).collect()
    }

    /// Settings of the point at this place.
    pub fn settings(&self, at: usize) -> Vec<String> {
        match (&self.key, self.values.get(at)) {
            (Some(key), Some(value)) => vec![format!("{key}={value}")],
            _ => {
                let mut points = self.points.iter().chain(&self.ends);
                let point = at.checked_sub(self.values.len()).and_then(|at| points.nth(at));
                point.map(|point| point.set.clone()).unwrap_or_default()
            }
        }
    }

    /// The point that a value of a selector names.
    pub fn position(&self, value: &toml::Value) -> Option<usize> {
        let name = written(value);
        let is_it = |names: Vec<String>| names.iter().position(|known| *known == name);
        is_it(self.written()).or_else(|| is_it(self.names()))
    }
}

/// A value as it is written, but for the quotes of words.
fn written(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A value as tables name it: `0, 50` for `[0, 50]`, `clip norm 0.1` for `[{ kind = "clip", norm = 0.1 }]`.
fn spoken(value: &toml::Value) -> String {
    match value {
        toml::Value::Array(values) if values.iter().any(toml::Value::is_table) => {
            values.iter().map(spoken).collect::<Vec<_>>().join(" + ")
        }
        toml::Value::Array(values) if !values.is_empty() => {
            values.iter().map(spoken).collect::<Vec<_>>().join(", ")
        }
        toml::Value::Table(settings) if !settings.is_empty() => {
            let kind = settings.get("kind").map(spoken);
            let others = settings.iter().filter(|(key, _)| *key != "kind");
            let others = others.map(|(key, value)| format!("{key} {}", spoken(value)));
            kind.into_iter().chain(others).collect::<Vec<_>>().join(" ")
        }
        other => written(other),
    }
}

/// Text of a study that ships.
pub fn shipped_text(name: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(shipped, _)| *shipped == name).map(|(_, text)| *text)
}

/// Names of the studies that ship.
pub fn shipped_names() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(name, _)| *name)
}

/// Reads a study by its name or from a file. Returns its name, where it is from for messages, and what it says.
///
/// # Errors
/// What is wrong, with file and line, and the nearest right word.
pub fn load(name: &str) -> Result<(String, String, Definition), ConfigError> {
    if let Some((name, text)) = SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
        let origin = format!("study \"{name}\"");
        let definition = parse(&origin, text)?;
        return Ok(((*name).to_owned(), origin, definition));
    }
    let path = PathBuf::from(name);
    if !path.exists() {
        let near = nearest(name, shipped_names()).map_or_else(
            || "`gialab study list` lists them".to_owned(),
            |near| format!("did you mean \"{near}\"?"),
        );
        let message = format!("there is no such study and no such file; {near}");
        return Err(ConfigError::new(format!("study \"{name}\""), message));
    }
    let definition = read(&path)?;
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if stem.is_empty() || !stem.chars().all(plain) {
        let message = "a study is called as its file, which must have letters, digits, - and _ alone before .toml; rename it";
        return Err(ConfigError::new(path.display().to_string(), message));
    }
    if shipped_names().any(|shipped| shipped == stem) {
        let message = "a shipped study has this name; rename the file";
        return Err(ConfigError::new(path.display().to_string(), message));
    }
    Ok((stem, path.display().to_string(), definition))
}

/// Reads the file of a study.
///
/// # Errors
/// As [`load`].
pub fn read(path: &Path) -> Result<Definition, ConfigError> {
    let origin = path.display().to_string();
    let text = files::read_text(path, files::TEXT)
        .map_err(|e| ConfigError::new(&origin, format!("cannot be read: {e}")))?;
    parse(&origin, &text)
}

fn parse(origin: &str, text: &str) -> Result<Definition, ConfigError> {
    #[derive(Deserialize)]
    struct Version {
        schema: Option<u32>,
    }
    let version = toml::from_str::<Version>(text).map_err(|e| described(origin, Some(text), &e))?;
    let refused = |message: String| Err(ConfigError::new(origin, message));
    match version.schema {
        Some(SCHEMA) => {}
        Some(newer) if newer > SCHEMA => {
            return refused(format!(
                "is of a newer gialab (schema {newer}, this one knows {SCHEMA}); update gialab"
            ));
        }
        _ => return refused(format!("is no study; the file of one begins with schema = {SCHEMA}")),
    }
    let definition: Definition = toml::from_str(text).map_err(|e| described(origin, Some(text), &e))?;
    match definition.fault() {
        Some(message) => refused(message),
        None => Ok(definition),
    }
}

impl Definition {
    /// Of runs that are made for something else than a study: one pair, one axis, nothing expected.
    pub fn of_one_pair(preset: String, axis: Axis) -> Definition {
        Definition {
            schema: SCHEMA,
            title: String::new(),
            about: String::new(),
            preset,
            set: Vec::new(),
            pairs: 1,
            figures: Vec::new(),
            needs: Vec::new(),
            axes: vec![axis],
            skip: Vec::new(),
            hypotheses: Vec::new(),
            quick: None,
        }
    }

    /// The same with what is missing of the two ends of the scale on the axis that varies post-processing, where one axis alone
    /// does: the whole update, and noise of its norm. Nothing where nothing is missing.
    #[must_use]
    pub fn with_ends(&self) -> Option<Definition> {
        let varies = |axis: &Axis| {
            let settings = (0..axis.written().len()).flat_map(|at| axis.settings(at));
            settings.into_iter().any(|set| ["post=", "post.", "post["].iter().any(|of| set.starts_with(of)))
        };
        let mut with = self.clone();
        let mut axes = with.axes.iter_mut().filter(|axis| varies(axis));
        let (Some(axis), None) = (axes.next(), axes.next()) else { return None };
        let settings = |has: &dyn Fn(&str) -> bool| {
            (0..axis.written().len()).any(|at| axis.settings(at).iter().any(|set| has(set)))
        };
        let ends = [
            ("whole update", settings(&|set| set == "post=" || set == "post=[]"), WHOLE_UPDATE),
            ("noise only", settings(&|set| set.contains(NOISE_ONLY.name)), NOISE_OF_ITS_NORM),
        ];
        let missing = ends
            .into_iter()
            .filter(|(name, is_there, _)| !is_there && !axis.names().iter().any(|known| known == name));
        let ends: Vec<Point> = missing
            .map(|(name, _, set)| Point {
                name: name.to_owned(),
                set: set.iter().map(|&one| one.to_owned()).collect(),
            })
            .collect();
        if let Some(kept) = with.quick.as_mut().and_then(|quick| quick.keep.get_mut(&axis.name)) {
            kept.extend(ends.iter().map(|end| toml::Value::String(end.name.clone())));
        }
        axis.ends = ends;
        (!axis.ends.is_empty()).then_some(with)
    }

    /// What is wrong with it by itself.
    fn fault(&self) -> Option<String> {
        if self.pairs == 0 || self.quick.as_ref().is_some_and(|quick| quick.pairs == 0) {
            return Some("pairs is 0; a study needs at least one pair of seed and pictures".to_owned());
        }
        if self.axes.is_empty() || self.figures.is_empty() {
            let missing = if self.axes.is_empty() { "an [[axis]]" } else { "figures" };
            return Some(format!("has not {missing}; a study varies something and measures something"));
        }
        for (at, axis) in self.axes.iter().enumerate() {
            if self.axes[..at].iter().any(|other| other.name == axis.name) {
                return Some(format!("has two axes called \"{}\"; name each differently", axis.name));
            }
            if let Some(fault) = axis.fault() {
                return Some(fault);
            }
        }
        let hypotheses = self.hypotheses.iter().flat_map(Hypothesis::figures);
        for name in self.figures.iter().chain(hypotheses) {
            if Asked::named(name).is_none() {
                return Some(figure::unknown(name));
            }
        }
        let kept = self.quick.iter().flat_map(|quick| &quick.keep);
        let kept = kept.flat_map(|(axis, values)| values.iter().map(move |value| (axis, value)));
        let selectors = self.skip.iter().chain(self.hypotheses.iter().flat_map(Hypothesis::selectors));
        let mut named = selectors.flatten().chain(kept);
        named
            .find_map(|(axis, value)| self.unknown(axis, value))
            .or_else(|| self.hypotheses.iter().find_map(|of| self.unclear(of)))
    }

    /// What is wrong with a point that is named.
    fn unknown(&self, name: &str, value: &toml::Value) -> Option<String> {
        let Some(axis) = self.axes.iter().find(|axis| axis.name == name) else {
            let names: Vec<&str> = self.axes.iter().map(|axis| axis.name.as_str()).collect();
            return Some(format!("there is no axis \"{name}\"; it has {}", names.join(", ")));
        };
        match axis.position(value) {
            Some(_) => None,
            None => Some(format!("axis \"{name}\" has no point {value}; it has {}", axis.names().join(", "))),
        }
    }

    fn unclear(&self, of: &Hypothesis) -> Option<String> {
        let ways = [of.along.is_some(), of.with.is_some(), of.of.is_some()];
        let is_trend = of.along.is_some() || of.with.is_some();
        let compares = [of.above.is_some(), of.like.is_some()].iter().filter(|is| **is).count();
        let clear = ways.iter().filter(|way| **way).count() == 1
            && of.is.is_some() == is_trend
            && compares == usize::from(of.of.is_some())
            && of.within.is_some() == of.like.is_some();
        if !clear {
            return Some(format!(
                "the hypothesis \"{}\" cannot be tested; give along or with and is, or of and above, or of, like and within",
                of.says
            ));
        }
        let unit = |name: &String| Asked::named(name).map(|asked| (asked.figure.unit, asked.is_mean()));
        if let Some(other) = &of.faster_than
            && (of.along.is_none() || unit(other) != unit(&of.figure))
        {
            return Some(format!(
                "the hypothesis \"{}\" cannot be tested; faster_than goes with along, and names a figure in the unit of the first",
                of.says
            ));
        }
        let along = of.along.as_ref()?;
        let known = self.axes.iter().any(|axis| axis.name == *along);
        (!known).then(|| format!("the hypothesis \"{}\" goes along \"{along}\", which is no axis", of.says))
    }
}

impl Axis {
    fn fault(&self) -> Option<String> {
        let name = &self.name;
        match (&self.key, self.values.is_empty(), self.points.is_empty()) {
            (Some(_), false, true) | (None, true, false) => {}
            _ => return Some(format!("axis \"{name}\" needs a key with values, or points")),
        }
        let names = self.written();
        let twice = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name));
        twice.map(|(_, point)| format!("axis \"{name}\" has the point {point} twice"))
    }
}

impl Hypothesis {
    /// The figures that it is about.
    pub fn figures(&self) -> impl Iterator<Item = &String> {
        [Some(&self.figure), self.with.as_ref(), self.faster_than.as_ref()].into_iter().flatten()
    }

    fn selectors(&self) -> impl Iterator<Item = &Selector> {
        [Some(&self.only), self.of.as_ref(), self.above.as_ref(), self.like.as_ref()].into_iter().flatten()
    }
}
