//! One row of the form that can have the keys: a setting, or what belongs to a step of post-processing.

use std::borrow::Cow;

use tui_input::Input;

use crate::catalogue::defence::{self, Defence, Parameter, Takes};
use crate::config::not_known;
use crate::config::preset::Refused;
use crate::config::setting::{Kind, POST_PROCESSING, Setting};
use crate::tui::model::Model;

/// One row with its value as text.
#[derive(Debug)]
pub struct Field {
    /// What it is about.
    pub subject: Subject,
    /// Its value. Of the list of steps all of it, as `--set` takes it.
    pub input: Input,
    /// What it may be, if only a few values are allowed.
    pub(super) choices: Vec<String>,
    pub(super) unchanged: String,
}

/// What a field is about.
#[derive(Debug, Clone, Copy)]
pub enum Subject {
    /// A setting.
    Setting(&'static Setting),
    /// Which defence the step of post-processing at this place is.
    Step(usize, &'static Defence),
    /// A parameter of the step at this place.
    Parameter(usize, &'static Parameter),
}

impl Field {
    pub(super) fn of_setting(
        setting: &'static Setting,
        value: String,
        unchanged: String,
        model: &Model,
    ) -> Field {
        let choices = choices(setting, model);
        Field { subject: Subject::Setting(setting), input: Input::new(value), choices, unchanged }
    }

    pub(super) fn of_step(at: usize, defence: &'static Defence) -> Field {
        let choices = defence::names().map(str::to_owned).collect();
        let input = Input::new(defence.name.to_owned());
        Field { subject: Subject::Step(at, defence), input, choices, unchanged: String::new() }
    }

    pub(super) fn of_parameter(at: usize, parameter: &'static Parameter, value: String) -> Field {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let choices = match parameter.takes {
            Takes::Word(choices) => words(choices),
            Takes::Flag => words(&["false", "true"]),
            Takes::Number(_) | Takes::Whole(..) | Takes::Layers | Takes::Policies => Vec::new(),
        };
        let subject = Subject::Parameter(at, parameter);
        Field { subject, input: Input::new(value), choices, unchanged: String::new() }
    }

    /// The setting, if it is about one.
    pub fn setting(&self) -> Option<&'static Setting> {
        match self.subject {
            Subject::Setting(setting) => Some(setting),
            Subject::Step(..) | Subject::Parameter(..) => None,
        }
    }

    /// Place of the step that it belongs to.
    pub fn step(&self) -> Option<usize> {
        match self.subject {
            Subject::Setting(_) => None,
            Subject::Step(at, _) | Subject::Parameter(at, _) => Some(at),
        }
    }

    /// Its dotted key, as refusals name it.
    pub fn key(&self) -> Cow<'static, str> {
        match self.subject {
            Subject::Setting(setting) => setting.key.into(),
            Subject::Step(at, _) => format!("post[{at}].kind").into(),
            Subject::Parameter(at, parameter) => format!("post[{at}].{}", parameter.name).into(),
        }
    }

    /// The part of the form that it belongs to.
    pub fn section(&self) -> &'static str {
        self.setting().map_or(POST_PROCESSING, Setting::section)
    }

    /// Unit; empty if it has none.
    pub(super) fn unit(&self) -> &'static str {
        match self.subject {
            Subject::Setting(setting) => setting.unit,
            Subject::Step(..) => "",
            Subject::Parameter(_, parameter) => parameter.unit,
        }
    }

    /// What it is.
    pub(super) fn help(&self) -> &'static str {
        match self.subject {
            Subject::Setting(setting) => setting.help,
            Subject::Step(_, defence) => defence.about,
            Subject::Parameter(_, parameter) => parameter.about,
        }
    }

    /// What it can be.
    pub(super) fn range(&self) -> String {
        let choices = self.choices.join(", ");
        let range = match self.subject {
            Subject::Setting(Setting { kind: Kind::Data, .. }) => format!("{choices}, or a path"),
            _ if !choices.is_empty() => choices,
            Subject::Setting(setting) => setting.range.to_string(),
            Subject::Step(..) => String::new(),
            Subject::Parameter(_, parameter) => {
                format!("{} {}", parameter.takes.range(), parameter.unit).trim_end().to_owned()
            }
        };
        self.default().map_or(range.clone(), |default| format!("{range}, empty: {default}"))
    }

    /// Which of its values an empty one stands for.
    pub(super) fn default(&self) -> Option<String> {
        match self.subject {
            Subject::Parameter(_, parameter) => parameter.default.as_ref().map(ToString::to_string),
            Subject::Setting(Setting { kind: Kind::Choice(choices), range, .. }) => {
                choices.iter().find(|choice| **choice == range.empty()).map(|choice| (*choice).to_owned())
            }
            Subject::Setting(_) | Subject::Step(..) => None,
        }
    }

    /// All that a filter looks at.
    pub(super) fn text(&self) -> String {
        let range = match self.subject {
            Subject::Setting(setting) => setting.range.to_string(),
            Subject::Step(..) | Subject::Parameter(..) => self.range(),
        };
        let key = self.key();
        let text = [&*key, self.section(), self.value(), self.unit(), &range, self.help()];
        [text.join(" "), self.choices.join(" ")].join(" ")
    }

    /// Whether it is the list of steps itself, which is changed through them.
    pub(super) fn is_list(&self) -> bool {
        self.setting().is_some_and(|setting| setting.key == "post")
    }

    /// Whether its value can be typed; which defence a step is can only be chosen.
    pub(super) fn is_typed(&self) -> bool {
        !self.is_list() && !matches!(self.subject, Subject::Step(..))
    }

    pub(super) fn value(&self) -> &str {
        self.input.value().trim()
    }

    pub(super) fn is_changed(&self) -> bool {
        self.value() != self.unchanged
    }

    /// Takes another value for the unchanged one, and shows it unless somebody typed one.
    pub(super) fn go_on_from(&mut self, unchanged: String) {
        if !self.is_changed() {
            self.input = Input::new(unchanged.clone());
        }
        self.unchanged = unchanged;
    }

    /// A name that no model or attack has.
    pub(super) fn not_known(&self) -> Option<Refused> {
        let what = match self.setting()?.kind {
            Kind::Model => "the model",
            Kind::Attack => "the attack",
            _ => return None,
        };
        let known = self.choices.iter().map(String::as_str);
        let is_known = self.value().is_empty() || known.clone().any(|name| name == self.value());
        let message = not_known(what, self.value(), known);
        (!is_known).then(|| Refused { key: self.key().into_owned(), message })
    }
}

fn choices(setting: &Setting, model: &Model) -> Vec<String> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    match setting.kind {
        Kind::Choice(choices) => words(choices),
        Kind::Flag => words(&["false", "true"]),
        Kind::Model => model.models.clone(),
        Kind::Attack => model.attacks.clone(),
        // A path can be typed as well; the arrows go through the sets.
        Kind::Data => model.datasets.iter().map(|set| set.name.clone()).collect(),
        Kind::Typed | Kind::Optional | Kind::Text | Kind::Path => Vec::new(),
    }
}
