//! Filters of a list of runs: words that a row must have, and conditions such as `psnr>20`, `status:failed`, and on every
//! setting, `iterations>=500`.
//!
//! A word is found where one begins like it, so that a list narrows while it is typed: `lenet` finds dlg-lenet and lenet5, but
//! `net` neither. So does `model:lenet`; `model=lenet` is that model alone.

use std::cmp::Ordering;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::{Health, InWords, RunRow};
use crate::config::preset;
use crate::config::setting::SETTINGS;
use crate::figure::{FIGURES, Figure, Form};
use crate::text::{nearest, seconds};

/// What runs are looked for: all of it must hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    terms: Vec<Term>,
}

/// A part of a filter that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Mistake(String);

#[derive(Debug, Clone, PartialEq)]
enum Term {
    /// Somewhere in the row.
    Word(String),
    /// In one column; the whole of it, or a word that begins so.
    Text { column: Text, word: String, whole: bool },
    /// Of the settings, by key or the last part of it: a value as a preset writes it; the whole of it, a word of it that begins so, or a number.
    Setting { name: String, compare: Compare, value: String, whole: bool },
    /// A number, a duration, or the seconds from the first to the last of a day or a minute.
    Number { quantity: Quantity, compare: Compare, first: f64, last: f64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    Status,
    Preset,
    Changed,
    Backend,
    Host,
    Run,
    Model,
    Data,
    Attack,
    Tag,
    Note,
    Title,
}

const TEXTS: [(&str, Text); 12] = [
    ("status", Text::Status),
    ("preset", Text::Preset),
    ("changed", Text::Changed),
    ("backend", Text::Backend),
    ("host", Text::Host),
    ("run", Text::Run),
    ("model", Text::Model),
    ("data", Text::Data),
    ("attack", Text::Attack),
    ("tag", Text::Tag),
    ("note", Text::Note),
    ("title", Text::Title),
];

/// What can be compared.
#[derive(Debug, Clone, Copy)]
enum Quantity {
    Figure(&'static Figure),
    Took,
    Started,
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Quantity {
    /// By the name of its column, or one of a figure's names.
    fn called(name: &str) -> Option<Quantity> {
        match name {
            "took" => Some(Quantity::Took),
            "started" => Some(Quantity::Started),
            // As the column is headed elsewhere; a setting has the name as well.
            "loss" => Quantity::called("match"),
            _ => {
                let key = FIGURES.iter().find(|figure| figure.word.key == name);
                // Other names of a figure may be those of columns and settings, which are meant first.
                let is_taken = || {
                    TEXTS.iter().any(|(known, _)| *known == name)
                        || SETTINGS.iter().any(|setting| is_called(setting.key, name))
                };
                let other = || FIGURES.iter().find(|figure| figure.word.is(name) && !is_taken());
                key.or_else(other).map(Quantity::Figure)
            }
        }
    }

    fn name(self) -> &'static str {
        match self {
            Quantity::Figure(figure) => figure.word.key,
            Quantity::Took => "took",
            Quantity::Started => "started",
        }
    }

    /// What its values are called, and one of them.
    fn example(self) -> (&'static str, &'static str) {
        match self {
            Quantity::Figure(figure) => match figure.form {
                Form::Power => ("number", "1e-3"),
                Form::Share => ("share", "50%"),
                _ => ("number", "20"),
            },
            Quantity::Took => ("duration", "2min"),
            Quantity::Started => ("date", "2026-11-22"),
        }
    }

    /// The first and the last value that are meant.
    fn read(self, text: &str, zone: &TimeZone) -> Option<(f64, f64)> {
        let one = |value: f64| (value, value);
        match self {
            Quantity::Figure(figure) if figure.form == Form::Share => {
                let percent = text.strip_suffix('%').and_then(number).map(|percent| percent / 100.0);
                percent.or_else(|| number(text)).map(one)
            }
            Quantity::Figure(_) => number(text).map(one),
            Quantity::Took => seconds(text).map(one),
            Quantity::Started => moment(text, zone),
        }
    }

    fn value(self, row: &RunRow) -> Option<f64> {
        match self {
            Quantity::Figure(figure) => row.summary.figure(figure.word.key),
            Quantity::Took => row.summary.seconds,
            Quantity::Started => row.config.as_ref().map(|_| row.created),
        }
    }

    /// The value as lists show it: what is the same on the screen is the same.
    fn shown(self, value: f64) -> f64 {
        match self {
            Quantity::Figure(figure) => {
                let text = figure.text(value);
                let read = match text.strip_suffix(" %") {
                    Some(percent) => percent.parse().ok().map(|percent: f64| percent / 100.0),
                    None => text.parse().ok(),
                };
                read.unwrap_or(value)
            }
            Quantity::Took => value.floor(),
            Quantity::Started => value,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compare {
    Above,
    AtLeast,
    Below,
    AtMost,
    Is,
}

/// How comparisons are written, the longer ones first.
const SIGNS: [(&str, Compare); 6] = [
    (">=", Compare::AtLeast),
    ("<=", Compare::AtMost),
    (">", Compare::Above),
    ("<", Compare::Below),
    ("=", Compare::Is),
    (":", Compare::Is),
];

impl Filter {
    /// Reads a filter; dates are those of `zone`. What cannot be read is left out of the filter and said.
    pub fn read(text: &str, zone: &TimeZone) -> (Self, Option<Mistake>) {
        let (mut filter, mut mistake) = (Filter::default(), None);
        for token in tokens(&text.to_lowercase()) {
            match term(&token, zone) {
                Ok(term) => filter.terms.push(term),
                Err(message) => drop(mistake.get_or_insert(Mistake(message))),
            }
        }
        (filter, mistake)
    }

    /// Names of the columns whose words can be asked for.
    pub fn columns() -> impl Iterator<Item = &'static str> {
        TEXTS.iter().map(|(name, _)| *name)
    }

    /// Whether it lets every run pass.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether a run is looked for.
    pub fn fits(&self, row: &RunRow, words: &InWords) -> bool {
        let mut all = None;
        self.terms.iter().all(|term| match term {
            Term::Word(word) => has(all.get_or_insert_with(|| everything(row, words)), word),
            Term::Text { column: Text::Tag, word, whole: true } => row.notebook.tags.contains(word),
            Term::Text { column, word, whole } => {
                let text = in_column(row, words, *column).to_lowercase();
                if *whole { text == *word } else { has(&text, word) }
            }
            Term::Setting { name, compare, value, whole } => {
                let meets = |found: &str| is_met(&found.to_lowercase(), *compare, value, *whole);
                row.config.as_deref().is_some_and(|config| {
                    preset::flat(config).iter().any(|(key, found)| is_called(key, name) && meets(found))
                })
            }
            Term::Number { quantity, compare, first, last } => {
                let Some(value) = quantity.value(row) else { return false };
                match compare {
                    Compare::Above => value > *last,
                    Compare::AtLeast => value >= *first,
                    Compare::Below => value < *first,
                    Compare::AtMost => value <= *last,
                    Compare::Is => (*first..=*last).contains(&quantity.shown(value)),
                }
            }
        })
    }
}

/// Whether a word of the text begins so. Words begin behind signs, and where letters and digits meet; a number has one
/// beginning.
fn has(text: &str, word: &str) -> bool {
    let before = |at: usize| text[..at].chars().next_back();
    let first = word.chars().next();
    text.match_indices(word).any(|(at, _)| match (before(at), first) {
        (None, _) | (_, None) => true,
        (Some(before), Some(first)) if first.is_alphabetic() => !before.is_alphabetic(),
        (Some(before), Some(first)) if first.is_ascii_digit() => {
            let rest = &text[..at - before.len_utf8()];
            let is_decimal = before == '.' && rest.ends_with(|c: char| c.is_ascii_digit());
            !before.is_ascii_digit() && !is_decimal
        }
        _ => true,
    })
}

/// All that a row says, and what it is about.
fn everything(row: &RunRow, words: &InWords) -> String {
    let mut text = format!("{} {} {}", row.health.name(), row.id, row.host);
    let InWords { name, changed, psnr, loss, started, took, backend } = words;
    for word in [name, changed, psnr, loss, started, took, backend].into_iter().chain(&row.error) {
        text.push(' ');
        text.push_str(word);
    }
    for column in [Text::Model, Text::Data, Text::Attack, Text::Tag, Text::Note, Text::Title] {
        text.push(' ');
        text.push_str(&in_column(row, words, column));
    }
    text.to_lowercase()
}

/// Whether a setting has this key, or it is the last part of its key.
fn is_called(key: &str, name: &str) -> bool {
    key == name || key.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'))
}

/// Whether the value of a setting is as a filter says. Numbers are compared as such, however they are written.
fn is_met(found: &str, compare: Compare, value: &str, whole: bool) -> bool {
    let order = number(found).zip(number(value)).and_then(|(found, value)| found.partial_cmp(&value));
    match compare {
        Compare::Above => order.is_some_and(Ordering::is_gt),
        Compare::AtLeast => order.is_some_and(Ordering::is_ge),
        Compare::Below => order.is_some_and(Ordering::is_lt),
        Compare::AtMost => order.is_some_and(Ordering::is_le),
        Compare::Is => match order {
            Some(order) => order.is_eq(),
            None if whole => found == value,
            None => has(found, value),
        },
    }
}

fn in_column(row: &RunRow, words: &InWords, column: Text) -> String {
    let of_config =
        |of: &dyn Fn(&crate::config::RunConfig) -> String| row.config.as_deref().map_or_else(String::new, of);
    match column {
        Text::Status => row.health.name().to_owned(),
        Text::Preset => row.preset.clone(),
        Text::Changed => words.changed.clone(),
        Text::Backend => words.backend.clone(),
        Text::Host => row.host.clone(),
        Text::Run => row.id.clone(),
        Text::Model => of_config(&|config| config.victim.model.clone()),
        Text::Data => of_config(&|config| config.victim.source().to_string()),
        Text::Attack => of_config(&|config| config.attack.kind.name().to_owned()),
        Text::Tag => row.notebook.tags.iter().cloned().collect::<Vec<_>>().join(" "),
        Text::Note => row.notebook.note.clone(),
        Text::Title => row.notebook.title.clone(),
    }
}

/// The words of a filter; around the sign of a comparison there may be spaces.
fn tokens(text: &str) -> Vec<String> {
    let is_sign = |c: char| matches!(c, '<' | '>' | '=');
    let mut tokens: Vec<String> = Vec::new();
    for piece in text.split_whitespace() {
        match tokens.last_mut() {
            Some(last) if piece.starts_with(is_sign) || last.ends_with(is_sign) => last.push_str(piece),
            _ => tokens.push(piece.to_owned()),
        }
    }
    tokens
}

fn term(token: &str, zone: &TimeZone) -> Result<Term, String> {
    let is_name = |name: &str| name.starts_with(char::is_alphabetic);
    let sign = token.find(['<', '>', '=', ':']).and_then(|at| {
        let (name, rest) = token.split_at(at);
        let (sign, compare) = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign))?;
        Some((name, *sign, *compare, &rest[sign.len()..]))
    });
    let Some((name, sign, compare, value)) = sign else { return Ok(Term::Word(token.to_owned())) };
    if !is_name(name) {
        // A time, as 12:55.
        return match sign {
            ":" => Ok(Term::Word(token.to_owned())),
            _ => Err(format!("name what is compared in front of {sign}, as in psnr{sign}20")),
        };
    }
    if let Some(quantity) = Quantity::called(name) {
        let (what, example) = quantity.example();
        let as_in = format!("as in {name}{sign}{example}");
        if value.is_empty() {
            return Err(format!("{name}{sign} wants a {what}, {as_in}"));
        }
        let Some((first, last)) = quantity.read(value, zone) else {
            return Err(format!("`{value}` is no {what}; {name}{sign} wants one, {as_in}"));
        };
        return Ok(Term::Number { quantity, compare, first, last });
    }
    let Some((_, column)) = TEXTS.iter().find(|(known, _)| *known == name) else {
        return setting(name, sign, compare, value);
    };
    if compare != Compare::Is {
        return Err(format!("{name} is a word and has no order; write {name}:{}", or(value, "word")));
    }
    if value.is_empty() {
        return Err(format!("{name}{sign} wants a word, as in {name}{sign}{}", or("", example(*column))));
    }
    let whole = sign == "=";
    let is_status = |health: &Health| match whole {
        true => health.name() == value,
        false => health.name().starts_with(value),
    };
    if *column == Text::Status && !Health::ALL.iter().any(is_status) {
        let names = Health::ALL.map(Health::name);
        let near = nearest(value, names).map(|near| format!("did you mean {near}?"));
        let near = near.unwrap_or_else(|| format!("there are {}", names.join(", ")));
        return Err(format!("there is no status `{value}`; {near}"));
    }
    Ok(Term::Text { column: *column, word: value.to_owned(), whole })
}

fn or<'a>(word: &'a str, instead: &'a str) -> &'a str {
    if word.is_empty() { instead } else { word }
}

fn example(column: Text) -> &'static str {
    match column {
        Text::Status => "failed",
        Text::Preset | Text::Run => "dlg-lenet",
        Text::Changed => "trials",
        Text::Backend => "flex",
        Text::Host => "lab",
        Text::Model => "lenet",
        Text::Data => "photos",
        Text::Attack => "dlg",
        Text::Tag => "paper",
        Text::Note => "again",
        Text::Title => "first",
    }
}

/// A condition on a setting.
fn setting(name: &str, sign: &str, compare: Compare, value: &str) -> Result<Term, String> {
    if !SETTINGS.iter().any(|setting| is_called(setting.key, name)) {
        return Err(unknown(name));
    }
    if value.is_empty() {
        return Err(format!("{name}{sign} wants a value, as presets write it"));
    }
    if compare != Compare::Is && number(value).is_none() {
        return Err(format!("`{value}` is no number; {name}{sign} wants one, or write {name}={value}"));
    }
    Ok(Term::Setting { name: name.to_owned(), compare, value: value.to_owned(), whole: sign == "=" })
}

fn unknown(name: &str) -> String {
    let known = || {
        ["psnr", "loss", "match", "took", "started"].into_iter().chain(TEXTS.iter().map(|(name, _)| *name))
    };
    let figures = FIGURES.iter().map(|figure| figure.word.key);
    match nearest(name, known().chain(figures)) {
        Some(near) => format!("runs have no `{name}`; did you mean {near}?"),
        None => {
            format!(
                "runs have no `{name}`; they have {}, the figures of `gialab explain` and their settings",
                known().collect::<Vec<_>>().join(", ")
            )
        }
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| !number.is_nan())
}

/// The seconds of a day, `2026-11-22`, or of a minute, `2026-11-22T12:55` or today's `12:55`: the first one, and the end of
/// the last.
fn moment(text: &str, zone: &TimeZone) -> Option<(f64, f64)> {
    let seconds = |at: DateTime| {
        let zoned = at.to_zoned(zone.clone()).ok()?;
        Some(Timestamp::from(zoned).as_second() as f64)
    };
    let (begin, end) = if let Some(time) = time_of_day(text) {
        let today = Timestamp::now().to_zoned(zone.clone()).date();
        let begin = today.to_datetime(time);
        (begin, begin.checked_add(1.minute()).ok()?)
    } else if text.contains('t') {
        let begin: DateTime = text.to_uppercase().parse().ok()?;
        (begin, begin.checked_add(1.minute()).ok()?)
    } else {
        let day: Date = text.parse().ok()?;
        (
            day.to_datetime(jiff::civil::Time::midnight()),
            day.tomorrow().ok()?.to_datetime(jiff::civil::Time::midnight()),
        )
    };
    Some((seconds(begin)?, seconds(end)? - 1e-3))
}

/// `12:55`.
fn time_of_day(text: &str) -> Option<jiff::civil::Time> {
    let (hour, minute) = text.split_once(':')?;
    jiff::civil::Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

#[cfg(all(test, feature = "tui"))]
#[path = "filter_tests.rs"]
mod tests;
