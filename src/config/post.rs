//! Steps of post-processing as a preset lists them, checked against the facts of each defence.

use serde::{Deserialize, Serialize};
use toml::Value as Given;

use super::preset;
use crate::catalogue::defence::{self, Defence, Parameter, Takes, Value};
use crate::text::nearest;

/// One step of post-processing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Post {
    /// Which defence.
    #[serde(default)]
    pub kind: String,
    /// Its parameters.
    #[serde(flatten)]
    pub settings: toml::Table,
}

/// The parameters of a defence, with what a preset leaves to their defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings(Vec<(&'static str, Value)>);

impl Post {
    /// A step whose parameters are given by name as they are typed, in TOML or as plain words. An empty one is left to its
    /// default.
    pub fn typed<'a>(kind: &str, parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Post {
        let given = parameters.into_iter().filter(|(_, text)| !text.is_empty());
        let settings = given.map(|(name, text)| (name.to_owned(), preset::parse(name, text)));
        Post { kind: kind.to_owned(), settings: settings.collect() }
    }

    /// A parameter as it is typed; empty where it is left to its default.
    pub fn text(&self, parameter: &str) -> String {
        self.settings.get(parameter).map(preset::written).unwrap_or_default()
    }

    /// The defence with its settings; `at` is the step's place in the list.
    ///
    /// # Errors
    /// A sentence on the first word or value that cannot be used, with its key.
    pub fn read(&self, at: usize) -> Result<(&'static Defence, Settings), String> {
        let defence = defence::defence(&self.kind).ok_or_else(|| self.unknown(at))?;
        let names = || defence.parameters.iter().map(|parameter| parameter.name);
        if let Some(other) = self.settings.keys().find(|key| names().all(|name| name != **key)) {
            let names = names().collect::<Vec<_>>().join(", ");
            let names = if names.is_empty() { "none" } else { &names };
            return Err(format!("post[{at}].{other} is no setting of {}, which has {names}", defence.name));
        }
        let value = |parameter: &Parameter| match (self.settings.get(parameter.name), &parameter.default) {
            (Some(given), _) => taken(&parameter.takes, given).ok_or_else(|| {
                let infinite = given.as_float().is_some_and(|number| !number.is_finite());
                let finite = if infinite { "finite and " } else { "" };
                format!(
                    "post[{at}].{} = {given}, must be {finite}{}",
                    parameter.name,
                    parameter.takes.range()
                )
            }),
            (None, Some(default)) => Ok(default.clone()),
            (None, None) => Err(format!(
                "post[{at}].{} is missing: {}; it is {}",
                parameter.name,
                parameter.about,
                parameter.takes.range()
            )),
        };
        let values = defence.parameters.iter().map(|parameter| Ok((parameter.name, value(parameter)?)));
        Ok((defence, Settings(values.collect::<Result<_, String>>()?)))
    }

    /// Whether what it leaves out is added to the next update.
    pub fn feeds_back(&self) -> bool {
        self.settings.get("feedback").and_then(Given::as_bool) == Some(true)
    }

    fn unknown(&self, at: usize) -> String {
        let kind = self.kind.as_str();
        let called = defence::DEFENCES.iter().find(|defence| defence.also.contains(&kind));
        let names = defence::names();
        if kind.is_empty() {
            let names = names.collect::<Vec<_>>().join(", ");
            return format!("post[{at}].kind is missing; use {names}");
        }
        let what = format!("post[{at}].kind = \"{kind}\"");
        let mut settings = defence::SETTINGS.iter();
        if let Some((_, key)) = settings.find(|(of, _)| of.name == kind || of.also.contains(&kind)) {
            return format!("{what} is no step of a client; set {key} instead");
        }
        if let Some(absent) = defence::ABSENT.iter().find(|absent| absent.also.contains(&kind)) {
            return format!("{what} is not here: {}; gialab defences lists those that are", absent.why);
        }
        match (called, nearest(kind, names.clone())) {
            (Some(called), _) => format!("{what} is called \"{}\" here", called.name),
            (None, Some(near)) => format!("{what} is not known; did you mean \"{near}\"?"),
            (None, None) => format!("{what} is not known; use {}", names.collect::<Vec<_>>().join(", ")),
        }
    }

    /// For headers: `clip 1.0`, `quantise 16 l2`, `sign not scaled`.
    pub fn in_words(&self) -> String {
        let word = |(key, value): (&String, &Given)| match value {
            Given::String(text) => text.clone(),
            Given::Boolean(true) => key.clone(),
            Given::Boolean(false) => format!("not {key}"),
            Given::Array(list) => {
                let words =
                    list.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
                words.collect::<Vec<_>>().join("+")
            }
            other => other.to_string(),
        };
        let words: Vec<String> = self.settings.iter().map(word).collect();
        format!("{} {}", self.kind, words.join(" ")).trim_end().to_owned()
    }
}

/// Which of these steps stand in another order than the usual one, and how all of them are best applied.
pub(super) fn better_order(steps: &[Post]) -> Option<String> {
    let place = |step: &Post| defence::DEFENCES.iter().position(|defence| defence.name == step.kind);
    let mut best: Vec<&Post> = steps.iter().collect();
    best.sort_by_key(|step| place(step));
    let best: Vec<&str> = best.iter().map(|step| step.kind.as_str()).collect();
    let wrong = steps.windows(2).find(|pair| place(&pair[0]) > place(&pair[1]))?;
    let (first, second) = (&wrong[0].kind, &wrong[1].kind);
    Some(format!("{second} is best before {first}, as {}", best.join(", ")))
}

/// Steps as `--set post=` takes them; empty where there are none.
pub fn inline(steps: &[Post]) -> String {
    let list = Given::try_from(steps).ok().filter(|_| !steps.is_empty());
    list.map(|list| list.to_string()).unwrap_or_default()
}

/// The first step of a list that cannot be used, in a sentence.
pub(super) fn check(steps: &[Post]) -> Result<(), String> {
    steps.iter().enumerate().try_for_each(|(at, step)| step.read(at).map(drop))
}

/// What was given, if a parameter takes it.
fn taken(takes: &Takes, given: &Given) -> Option<Value> {
    match takes {
        Takes::Number(range) => {
            let number = given.as_float().or_else(|| given.as_integer().map(|whole| whole as f64))?;
            range.refuses(number).is_none().then_some(Value::Number(number))
        }
        Takes::Whole(least, most) => {
            let whole = u32::try_from(given.as_integer()?).ok()?;
            (*least..=*most).contains(&whole).then_some(Value::Whole(whole))
        }
        Takes::Word(words) => {
            let word = given.as_str()?;
            words.iter().find(|known| **known == word).map(|known| Value::Word(known))
        }
        Takes::Flag => given.as_bool().map(Value::Flag),
        Takes::Layers => {
            let names = match given {
                Given::String(name) => vec![name.clone()],
                Given::Array(list) => {
                    list.iter().map(|name| name.as_str().map(str::to_owned)).collect::<Option<_>>()?
                }
                _ => return None,
            };
            (!names.is_empty()).then_some(Value::Layers(names))
        }
        Takes::Policies => {
            let number = |word: &str| word.parse().ok();
            let policy = |text: &str| text.split('-').map(number).collect::<Option<Vec<usize>>>();
            let policies = given.as_str()?.split('+').map(policy);
            policies.collect::<Option<_>>().map(Value::Policies)
        }
    }
}

/// By the names that the defence gives its parameters. What has another name or kind there is nothing.
impl Settings {
    /// A number.
    pub fn number(&self, name: &str) -> f64 {
        match self.get(name) {
            Some(Value::Number(number)) => *number,
            Some(Value::Whole(whole)) => f64::from(*whole),
            _ => 0.0,
        }
    }

    /// A word.
    pub fn word(&self, name: &str) -> &'static str {
        if let Some(Value::Word(word)) = self.get(name) { word } else { "" }
    }

    /// A flag.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name) == Some(&Value::Flag(true))
    }

    /// Names of layers.
    pub fn layers(&self, name: &str) -> &[String] {
        if let Some(Value::Layers(names)) = self.get(name) { names } else { &[] }
    }

    /// Lists of numbers.
    pub fn policies(&self, name: &str) -> &[Vec<usize>] {
        if let Some(Value::Policies(policies)) = self.get(name) { policies } else { &[] }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;
    use crate::config::{PostKnowledge, preset};

    fn loaded(steps: &str) -> Result<Vec<Post>, String> {
        let changes = [format!("post={steps}")];
        let loaded = preset::load("ig-lenet", &changes, Path::new("/nonexistent"));
        loaded.map(|preset| preset.config.post).map_err(|error| error.message)
    }

    #[test]
    fn what_cannot_be_a_step_is_refused_by_its_key() {
        for (steps, says) in [
            ("{ kind = \"gaussian-noise\", sigma = 0 }", "post[0].sigma = 0, must be above 0"),
            ("{ kind = \"gaussian-noise\", sigma = inf }", "post[0].sigma = inf, must be finite and above 0"),
            ("{ kind = \"laplace-noise\", scale = nan }", "post[0].scale = nan, must be finite and above 0"),
            ("{ kind = \"clip\", norm = -inf }", "post[0].norm = -inf, must be finite and above 0"),
            ("{ kind = \"clip\", norm = \"1\" }", "post[0].norm = \"1\", must be above 0"),
            (
                "{ kind = \"clip\", norm = 1 }, { kind = \"gausian-noise\", sigma = 1 }",
                "post[1].kind = \"gausian-noise\" is not known; did you mean \"gaussian-noise\"?",
            ),
            (
                "{ kind = \"teleport\" }",
                "post[0].kind = \"teleport\" is not known; use ats, mixup, instahide, precode, dropout, dp-sgd, soteria, censor, dcs-2, outpost, graddefense, clip, sparsify, drop-layers, \
                 gaussian-noise, laplace-noise, quantise, cast, sign, noise-only",
            ),
            (
                "{ norm = 1 }",
                "post[0].kind is missing; use ats, mixup, instahide, precode, dropout, dp-sgd, soteria, censor, dcs-2, outpost, graddefense, clip, sparsify, drop-layers, \
                 gaussian-noise, laplace-noise, quantise, cast, sign, noise-only",
            ),
            ("{ kind = \"noise\", sigma = 1 }", "post[0].kind = \"noise\" is called \"gaussian-noise\" here"),
            (
                "{ kind = \"secagg\" }",
                "post[0].kind = \"secagg\" is no step of a client; set federation.secure_aggregation instead",
            ),
            (
                "{ kind = \"refiner\" }",
                "post[0].kind = \"refiner\" is not here: it judges its stand-in pictures by a trained network that could not be \
                 had; gialab defences lists those that are",
            ),
            ("{ kind = \"fp16\" }", "post[0].kind = \"fp16\" is called \"cast\" here"),
            ("{ kind = \"clip\", sigma = 1 }", "post[0].sigma is no setting of clip, which has norm, of"),
            (
                "{ kind = \"sparsify\" }",
                "post[0].share is missing: the share of every tensor that is zeroed; it is above 0 and below 1",
            ),
            ("{ kind = \"sparsify\", share = 1 }", "post[0].share = 1, must be above 0 and below 1"),
            (
                "{ kind = \"sparsify\", share = 0.5, choice = \"best\" }",
                "post[0].choice = \"best\", must be \"largest\" or \"random\"",
            ),
            (
                "{ kind = \"quantise\", levels = 0 }",
                "post[0].levels = 0, must be a whole number from 1 to 65535",
            ),
            (
                "{ kind = \"quantise\", levels = 2.5 }",
                "post[0].levels = 2.5, must be a whole number from 1 to 65535",
            ),
            (
                "{ kind = \"cast\", format = \"fp8\" }",
                "post[0].format = \"fp8\", must be \"fp16\" or \"bf16\" or \"int8\"",
            ),
            (
                "{ kind = \"ats\", policy = \"3-1-\" }",
                "post[0].policy = \"3-1-\", must be one policy or several, as \"3-1-7\" or \"3-1-7+43-18-18\", each a list of numbers",
            ),
            ("{ kind = \"sign\", scaled = 1 }", "post[0].scaled = 1, must be true or false"),
            (
                "{ kind = \"drop-layers\", layers = [] }",
                "post[0].layers = [], must be \"first\", \"last\" or a list of layers and tensors, as [\"fc.weight\"]",
            ),
        ] {
            assert_eq!(loaded(&format!("[{steps}]")).unwrap_err(), says);
        }
    }

    #[test]
    fn a_step_in_a_file_is_refused_with_its_line() {
        let text = preset::shipped_text("clip").unwrap().replace("norm = 1.0", "norm = 0.0");
        let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
        std::fs::write(file.path(), &text).unwrap();
        let error = preset::load(&file.path().to_string_lossy(), &[], Path::new("/nonexistent")).unwrap_err();
        let line = text.lines().position(|line| line == "[[post]]").unwrap() + 1;
        assert!(error.origin.ends_with(&format!(".toml:{line}")), "{error}");
        assert_eq!(error.message, "post[0].norm = 0.0, must be above 0");
    }

    #[test]
    fn what_a_preset_leaves_out_has_its_default() {
        let steps =
            loaded("[{ kind = \"clip\", norm = 2 }, { kind = \"quantise\", levels = 4, scale = \"l2\" }]");
        let read: Vec<Settings> =
            steps.unwrap().iter().enumerate().map(|(at, step)| step.read(at).unwrap().1).collect();
        assert_eq!((read[0].number("norm"), read[0].word("of")), (2.0, "update"));
        assert_eq!((read[1].number("levels"), read[1].word("scale")), (4.0, "l2"));
        assert_eq!(read[1].word("rounding"), "nearest");
    }

    #[test]
    fn what_is_typed_is_the_list_that_a_preset_gives() {
        let typed = [
            Post::typed("clip", [("norm", "1e-6"), ("of", "")]),
            Post::typed("drop-layers", [("layers", "[\"fc\", \"conv1\"]")]),
            Post::typed("sign", [("scaled", "false")]),
        ];
        let list = inline(&typed);
        let changed = preset::load("ig-lenet", &[format!("post={list}")], Path::new("/nonexistent")).unwrap();
        assert_eq!(changed.config.post, typed, "{list}");
        assert_eq!(preset::flat(&changed.config)["post"], list, "as the session and the form keep it");
        let text = |step: usize, name| typed[step].text(name);
        assert_eq!(
            (text(0, "norm"), text(0, "of"), text(2, "scaled")),
            ("1e-6".into(), String::new(), "false".into())
        );
        assert_eq!(inline(&[]), "");
    }

    #[test]
    fn headers_say_the_steps_in_words() {
        let steps = "[{ kind = \"clip\", norm = 1.5, of = \"layer\" }, { kind = \"sign\", scaled = false }, \
                     { kind = \"drop-layers\", layers = [\"fc\", \"conv1\"] }]";
        let mut config = preset::load("ig-lenet", &[], Path::new("/nonexistent")).unwrap().config;
        config.post = loaded(steps).unwrap();
        config.knowledge.post = PostKnowledge::Known;
        let words = "clip 1.5 layer, sign not scaled, drop-layers fc+conv1 (known)";
        assert_eq!(config.post_processing().as_deref(), Some(words));
    }
}
