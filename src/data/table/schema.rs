//! Types of a table's columns: from a TOML file beside it, from the content where that says nothing.
//!
//! ```toml
//! target = "income"
//! header = true
//! missing = "drop"
//!
//! [columns]
//! age = { kind = "numeric", min = 0, max = 120 }
//! sex = { kind = "categorical", values = ["female", "male"] }
//! id = { kind = "ignore" }
//! ```
//!
//! Without a target it is the one column named `target`, `label`, `labels`, `class` or `y` in any case, else the last
//! one that is used. `header` says whether the first line holds the names, `missing` what becomes of fields without a
//! value. A column that is not named is left out if it is empty or only says which row it is; it is numeric if most of
//! its fields are numbers or all are dates, categorical otherwise. Ranges and words that are not given are those of the
//! content; words are sorted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::super::{DataError, io_error, name_of};
use super::ColumnKind;
use super::number::{Form, is_missing};
use super::survey::Survey;
use crate::config::plain;
use crate::text::nearest;

/// Words of one column, each of which is an input of the model; also classes of a table.
pub(super) const MAX_WORDS: usize = 1000;
/// A schema file is small.
const MAX_SCHEMA: u64 = 1 << 20;
/// Names of a column that holds the classes.
const TARGETS: [&str; 5] = ["target", "label", "labels", "class", "y"];
/// Classes of a target that nobody doubts, however few rows each has.
const FEW_CLASSES: usize = 20;

/// What the file says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Schema {
    target: Option<String>,
    /// Whether the first line holds the names of the columns.
    pub header: Option<bool>,
    /// What becomes of fields without a value; they are refused if nothing is said.
    pub missing: Option<Missing>,
    #[serde(default)]
    columns: BTreeMap<String, Declared>,
    #[serde(skip)]
    path: PathBuf,
}

/// What becomes of fields without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Missing {
    /// Their rows are left out.
    Drop,
    /// They are the mean of the column, or its most frequent word.
    Mean,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
enum Declared {
    Numeric { min: Option<f64>, max: Option<f64> },
    Categorical { values: Option<Vec<String>> },
    Ignore {},
}

/// What is made of one column, before its content is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Use {
    /// The classes.
    Target,
    /// Numbers in this form; one of them may stand for a missing value.
    Number(Form, Option<f64>),
    /// Words.
    Words,
    /// Nothing, and why, where it was not declared.
    Nothing(Option<&'static str>),
}

/// What one column of the file becomes.
#[derive(Debug)]
pub(super) enum Role {
    Target(Vec<String>),
    Input(ColumnKind),
    Ignored,
}

/// What the fields of one column are, in the rows that are used.
#[derive(Debug, Default)]
pub(super) struct Content {
    rows: usize,
    numbers: usize,
    min: f64,
    max: f64,
    // Welford's running mean and sum of squares.
    pub mean: f64,
    squares: f64,
    /// How often each occurs; at most one more than allowed.
    pub words: BTreeMap<String, usize>,
}

impl Content {
    /// Adds a number.
    pub fn number(&mut self, number: f64) {
        if self.numbers == 0 {
            (self.min, self.max) = (number, number);
        }
        self.numbers += 1;
        (self.min, self.max) = (self.min.min(number), self.max.max(number));
        let off = number - self.mean;
        self.mean += off / self.numbers as f64;
        self.squares += off * (number - self.mean);
    }

    /// Adds a word.
    pub fn word(&mut self, word: &str) {
        self.rows += 1;
        if let Some(count) = self.words.get_mut(word) {
            *count += 1;
        } else if self.words.len() <= MAX_WORDS {
            self.words.insert(word.to_owned(), 1);
        }
    }

    /// The word that occurs most often.
    pub fn usual(&self) -> Option<&str> {
        self.words.iter().max_by_key(|(_, count)| **count).map(|(word, _)| word.as_str())
    }

    /// Whether it is always the same.
    pub fn is_constant(&self) -> bool {
        if self.numbers > 0 { self.min == self.max } else { self.words.len() == 1 }
    }

    /// Sorted; numbers by size.
    fn sorted_words(&self) -> Vec<String> {
        let mut words: Vec<String> = self.words.keys().cloned().collect();
        let numbers: Option<Vec<f64>> = words.iter().map(|word| Form::Point.number(word)).collect();
        if numbers.is_some() {
            let number = |word: &String| Form::Point.number(word).unwrap_or(f64::NAN);
            words.sort_by(|a, b| number(a).total_cmp(&number(b)));
        }
        words
    }
}

impl Schema {
    /// The file beside a table, or nothing declared: `adult.schema.toml` for `adult.csv` or `adult.csv.gz`.
    pub fn beside(path: &Path) -> Result<Schema, DataError> {
        let path = path.with_file_name(schema_name(path));
        if fs::symlink_metadata(&path).is_err() {
            return Ok(Schema { path, ..Schema::default() });
        }
        let wrong = |reason: String| DataError::Schema { path: path.clone(), reason };
        let text = crate::files::read_text(&path, MAX_SCHEMA).map_err(|reason| match reason.kind() {
            ErrorKind::NotFound => wrong("it is a link to nothing; remove it, or write the schema".into()),
            ErrorKind::InvalidInput | ErrorKind::FileTooLarge | ErrorKind::InvalidData => {
                wrong(format!("{reason}; a schema is a small text in TOML, remove what lies in its place"))
            }
            _ => io_error(&path, reason),
        })?;
        let schema: Schema = toml::from_str(&text).map_err(|error| {
            let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
            let line = line.map_or_else(String::new, |line| format!("line {line}: "));
            wrong(format!("{line}{}", plain(error.message())))
        })?;
        Ok(Schema { path, ..schema })
    }

    pub fn wrong(&self, reason: String) -> DataError {
        DataError::Schema { path: self.path.clone(), reason }
    }

    /// Refuses declared columns that are not there.
    pub fn fits(&self, names: &[String]) -> Result<(), DataError> {
        for name in self.columns.keys().chain(&self.target) {
            if !names.contains(name) {
                let near = nearest(name, names.iter().map(String::as_str));
                let remedy = match (near, self.header) {
                    (Some(near), _) => format!("; did you mean {near:?}?"),
                    (None, Some(false)) => {
                        "; with header = false they are called column 1, column 2, ...".to_owned()
                    }
                    (None, _) => format!("; it has {}", some(names.iter().map(String::as_str))),
                };
                return Err(self.wrong(format!("the table has no column {name:?}{remedy}")));
            }
        }
        Ok(())
    }

    /// Whether a field of this column has no value: a word that is declared is one.
    pub fn is_missing(&self, name: &str, field: &str) -> bool {
        let declared = match self.columns.get(name) {
            Some(Declared::Categorical { values: Some(values) }) => values.iter().any(|value| value == field),
            _ => false,
        };
        is_missing(field) && !declared
    }

    /// What is made of each column. `own` is its name where it has one in the file.
    pub fn uses(
        &self,
        names: &[String],
        own: impl Fn(usize) -> Option<String>,
        surveys: &[Survey],
        path: &Path,
    ) -> Result<Vec<Use>, DataError> {
        let comma = surveys.iter().any(Survey::shows_comma);
        let mut uses: Vec<Use> = Vec::with_capacity(names.len());
        for (i, (name, survey)) in names.iter().zip(surveys).enumerate() {
            let form = survey.form(comma);
            let inferred = || match form {
                _ if survey.is_empty() => Use::Nothing(Some("empty")),
                _ if let Some(why) = survey.identifies(own(i).as_deref(), i == 0) => Use::Nothing(Some(why)),
                Some(form) => Use::Number(form, survey.sentinel().map(|(sentinel, _)| sentinel)),
                None => Use::Words,
            };
            uses.push(match self.columns.get(name) {
                Some(Declared::Ignore {}) => Use::Nothing(None),
                Some(Declared::Categorical { .. }) => Use::Words,
                Some(Declared::Numeric { min, .. }) => {
                    let allowed = |sentinel: &f64| min.is_none_or(|min| min > *sentinel);
                    let sentinel = survey.sentinel().map(|(sentinel, _)| sentinel).filter(allowed);
                    Use::Number(form.unwrap_or(Form::Point), sentinel)
                }
                None => inferred(),
            });
        }
        let target = self.target(names, &uses).ok_or_else(|| DataError::Table {
            path: path.into(),
            reason: format!("no column is left for the target; name it in {}", schema_name(path)),
        })?;
        if matches!(self.columns.get(&names[target]), Some(Declared::Numeric { .. } | Declared::Ignore {})) {
            let name = &names[target];
            return Err(self.wrong(format!("the target {name:?} holds the classes and must be categorical")));
        }
        uses[target] = Use::Target;
        for (i, name) in names.iter().enumerate() {
            let doubt =
                surveys[i].doubt().filter(|_| uses[i] == Use::Words && !self.columns.contains_key(name));
            if let Some(doubt) = doubt {
                let reason = format!("{doubt}, or declare the column in {}", schema_name(path));
                return Err(DataError::Column { path: path.into(), column: name.clone(), reason });
            }
        }
        Ok(uses)
    }

    fn target(&self, names: &[String], uses: &[Use]) -> Option<usize> {
        if let Some(target) = &self.target {
            return names.iter().position(|name| name == target);
        }
        let named = |name: &String| TARGETS.contains(&name.to_lowercase().as_str());
        let mut named = (0..names.len()).filter(|&i| named(&names[i]));
        match (named.next(), named.next()) {
            (Some(only), None) => Some(only),
            _ => uses.iter().rposition(|used| !matches!(used, Use::Nothing(_))),
        }
    }

    /// What a column becomes, by what is declared and by its content. `path` is the table.
    pub fn role(&self, name: &str, used: Use, content: &Content, path: &Path) -> Result<Role, DataError> {
        let declared = self.columns.get(name);
        let column = |reason: String| DataError::Column { path: path.into(), column: name.into(), reason };
        match used {
            Use::Nothing(_) => Ok(Role::Ignored),
            Use::Target => {
                let given = match declared {
                    Some(Declared::Categorical { values }) => values.as_ref(),
                    _ => None,
                };
                let numbers =
                    || content.words.keys().map(|word| Form::Point.number(word).or(Form::Comma.number(word)));
                let many = content.words.len();
                let fractions = numbers().all(|number| number.is_some())
                    && numbers().flatten().any(|number| number.fract() != 0.0);
                if given.is_none()
                    && (fractions || (many > FEW_CLASSES && 2 * many > content.rows) || many > MAX_WORDS)
                {
                    let many =
                        if many > MAX_WORDS { format!("more than {MAX_WORDS}") } else { many.to_string() };
                    return Err(column(format!(
                        "as the target it would have {many} classes, it looks like a quantity; name the column of \
                         classes as target in {}",
                        schema_name(path)
                    )));
                }
                let classes = self.words(name, given, content)?;
                match classes.as_slice() {
                    [only] => Err(column(format!(
                        "it is the target and always {only:?}; with a single class there is no gradient to invert, \
                         name another column as target in {}",
                        schema_name(path)
                    ))),
                    _ => Ok(Role::Target(classes)),
                }
            }
            Use::Number(..) => {
                let (min, max) = match declared {
                    Some(Declared::Numeric { min, max }) => (*min, *max),
                    _ => (None, None),
                };
                let std = (content.squares / content.numbers.max(1) as f64).sqrt();
                let (least, most) = (min.unwrap_or(content.min), max.unwrap_or(content.max));
                let declared = min.is_some() || max.is_some();
                if declared && !(least.is_finite() && most.is_finite() && least < most) {
                    return Err(self.wrong(format!(
                        "column {name:?} has min {least} and max {most}; min must be smaller"
                    )));
                }
                Ok(Role::Input(ColumnKind::Numeric { min: least, max: most, std }))
            }
            Use::Words if declared.is_none() && content.words.len() > MAX_WORDS => Err(column(format!(
                "it has more than {MAX_WORDS} different words; give it kind = \"ignore\" in {}",
                schema_name(path)
            ))),
            Use::Words => {
                let given = match declared {
                    Some(Declared::Categorical { values }) => values.as_ref(),
                    _ => None,
                };
                Ok(Role::Input(ColumnKind::Categorical { values: self.words(name, given, content)? }))
            }
        }
    }

    /// Whether the smallest and the largest number of a column are declared, or both as its words are.
    pub fn given(&self, name: &str) -> [bool; 2] {
        match self.columns.get(name) {
            Some(Declared::Numeric { min, max }) => [min.is_some(), max.is_some()],
            Some(Declared::Categorical { values }) => [values.is_some(); 2],
            Some(Declared::Ignore {}) | None => [false; 2],
        }
    }

    /// Whether the words of a column are declared.
    pub fn declares_words(&self, name: &str) -> bool {
        matches!(self.columns.get(name), Some(Declared::Categorical { values: Some(_) }))
    }

    /// Whether the kind of a column is declared to be numeric.
    pub fn is_declared_numeric(&self, name: &str) -> bool {
        matches!(self.columns.get(name), Some(Declared::Numeric { .. }))
    }

    /// The words of a column as declared, else as they are.
    fn words(
        &self,
        name: &str,
        given: Option<&Vec<String>>,
        content: &Content,
    ) -> Result<Vec<String>, DataError> {
        let words = given.cloned().unwrap_or_else(|| content.sorted_words());
        let distinct: BTreeSet<&String> = words.iter().collect();
        if words.is_empty() || distinct.len() != words.len() || words.len() > MAX_WORDS {
            let reason = format!("the values of column {name:?} must be 1 to {MAX_WORDS} different words");
            return Err(self.wrong(reason));
        }
        Ok(words)
    }
}

/// Some of the names, and how many more.
pub(super) fn some<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const MOST: usize = 8;
    let all = names.len();
    let shown: Vec<&str> = names.take(MOST).collect();
    match all {
        0..=MOST => shown.join(", "),
        _ => format!("{} and {} more", shown.join(", "), all - MOST),
    }
}

/// Name of the schema file of a table.
pub(super) fn schema_name(path: &Path) -> String {
    let name = name_of(path);
    let stem = name.strip_suffix(".gz").unwrap_or(&name);
    format!("{}.schema.toml", stem.rsplit_once('.').map_or(stem, |(stem, _)| stem))
}
