//! Types of a table's columns: from a TOML file beside it, from the content where that says nothing.
//!
//! ```toml
//! target = "income"
//!
//! [columns]
//! age = { kind = "numeric", min = 0, max = 120 }
//! sex = { kind = "categorical", values = ["female", "male"] }
//! id = { kind = "ignore" }
//! ```
//!
//! Without a target it is the one column named `target`, `label` or `class` in any case, else the last. A
//! column that is not named is numeric if most of its fields are numbers, categorical otherwise. Ranges and
//! words that are not given are those of the content; words are sorted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::super::{DataError, io_error, name_of};
use super::ColumnKind;
use crate::config::nearest;

/// Words of one column, each of which is an input of the model; also classes of a table.
const MAX_WORDS: usize = 1000;
/// A schema file is small.
const MAX_SCHEMA: u64 = 1 << 20;
/// Names of a column that holds the classes.
const TARGETS: [&str; 3] = ["target", "label", "class"];

/// What the file says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Schema {
    target: Option<String>,
    #[serde(default)]
    columns: BTreeMap<String, Declared>,
    #[serde(skip)]
    path: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
enum Declared {
    Numeric { min: Option<f64>, max: Option<f64> },
    Categorical { values: Option<Vec<String>> },
    Ignore {},
}

/// What one column of the file becomes.
#[derive(Debug)]
pub(super) enum Role {
    Target(Vec<String>),
    Input(ColumnKind),
    Ignored,
}

/// What the fields of one column are.
#[derive(Debug, Default)]
pub(super) struct Content {
    rows: usize,
    numbers: usize,
    integers: usize,
    min: f64,
    max: f64,
    // Welford's running mean and sum of squares.
    mean: f64,
    squares: f64,
    /// At most one more than allowed.
    words: BTreeSet<String>,
}

impl Content {
    pub fn add(&mut self, field: &str) {
        self.rows += 1;
        if let Ok(number) = field.parse::<f64>() {
            self.integers += usize::from(number.fract() == 0.0);
            if self.numbers == 0 {
                (self.min, self.max) = (number, number);
            }
            self.numbers += 1;
            (self.min, self.max) = (self.min.min(number), self.max.max(number));
            let off = number - self.mean;
            self.mean += off / self.numbers as f64;
            self.squares += off * (number - self.mean);
        }
        if self.words.len() <= MAX_WORDS && !self.words.contains(field) {
            self.words.insert(field.to_owned());
        }
    }

    /// Sorted; numbers by size.
    fn sorted_words(&self) -> Vec<String> {
        let mut words: Vec<String> = self.words.iter().cloned().collect();
        if self.numbers == self.rows {
            let number = |word: &String| word.parse::<f64>().unwrap_or(f64::NAN);
            words.sort_by(|a, b| number(a).total_cmp(&number(b)));
        }
        words
    }
}

impl Schema {
    /// The file beside a table, or nothing declared: `adult.schema.toml` for `adult.csv` or `adult.csv.gz`.
    pub fn beside(path: &Path) -> Result<Schema, DataError> {
        let path = path.with_file_name(schema_name(path));
        if !path.is_file() {
            return Ok(Schema::default());
        }
        let length = fs::metadata(&path).map_err(|reason| io_error(&path, reason))?.len();
        let wrong = |reason: String| DataError::Schema { path: path.clone(), reason };
        if length > MAX_SCHEMA {
            return Err(wrong(format!("it has {length} bytes, too many for a schema")));
        }
        let text = crate::files::read_text(&path, MAX_SCHEMA).map_err(|reason| io_error(&path, reason))?;
        let schema: Schema = toml::from_str(&text).map_err(|error| {
            let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
            let line = line.map_or_else(String::new, |line| format!("line {line}: "));
            wrong(format!("{line}{}", error.message()))
        })?;
        Ok(Schema { path, ..schema })
    }

    fn wrong(&self, reason: String) -> DataError {
        DataError::Schema { path: self.path.clone(), reason }
    }

    /// Position of the target among these columns; refuses declared columns that are not there.
    pub fn target(&self, names: &[String]) -> Result<usize, DataError> {
        let known = || names.iter().map(String::as_str);
        for name in self.columns.keys().chain(&self.target) {
            if !names.contains(name) {
                let near = nearest(name, known()).map(|near| format!("; did you mean {near:?}?"));
                let near = near.unwrap_or_default();
                return Err(self.wrong(format!("the table has no column {name:?}{near}")));
            }
        }
        if let Some(target) = &self.target {
            return Ok(names.iter().position(|name| name == target).unwrap_or_default());
        }
        let named = |name: &String| TARGETS.contains(&name.to_lowercase().as_str());
        let mut named = (0..names.len()).filter(|&i| named(&names[i]));
        match (named.next(), named.next()) {
            (Some(only), None) => Ok(only),
            _ => Ok(names.len().saturating_sub(1)),
        }
    }

    /// What a column becomes, by what is declared and by its content. `path` is the table.
    pub fn role(
        &self,
        name: &str,
        is_target: bool,
        content: &Content,
        path: &Path,
    ) -> Result<Role, DataError> {
        let declared = self.columns.get(name);
        let column = |reason: String| DataError::Column { path: path.into(), column: name.into(), reason };
        if is_target {
            let given = match declared {
                Some(Declared::Numeric { .. } | Declared::Ignore {}) => {
                    let reason = format!("the target {name:?} holds the classes and must be categorical");
                    return Err(self.wrong(reason));
                }
                Some(Declared::Categorical { values }) => values.as_ref(),
                None => None,
            };
            let fraction = content.numbers == content.rows && content.integers < content.rows;
            if given.is_none() && (fraction || content.words.len() > MAX_WORDS) {
                let many = content.words.len();
                let many = if many > MAX_WORDS { format!("more than {MAX_WORDS}") } else { many.to_string() };
                return Err(column(format!(
                    "as the target it would have {many} classes, it looks like a quantity; name the column of classes \
                     as target in {}",
                    schema_name(path)
                )));
            }
            let classes = self.words(name, given, content)?;
            return match classes.as_slice() {
                [only] => Err(column(format!(
                    "it is the target and always {only:?}; with a single class there is no gradient to invert"
                ))),
                _ => Ok(Role::Target(classes)),
            };
        }
        let range = |min: Option<f64>, max: Option<f64>| {
            let std = (content.squares / content.numbers.max(1) as f64).sqrt();
            let (least, most) = (min.unwrap_or(content.min), max.unwrap_or(content.max));
            let declared = min.is_some() || max.is_some();
            if declared && !(least.is_finite() && most.is_finite() && least < most) {
                return Err(self
                    .wrong(format!("column {name:?} has min {least} and max {most}; min must be smaller")));
            }
            Ok(Role::Input(ColumnKind::Numeric { min: least, max: most, std }))
        };
        match declared {
            Some(Declared::Ignore {}) => Ok(Role::Ignored),
            Some(Declared::Numeric { min, max }) => range(*min, *max),
            Some(Declared::Categorical { values }) => {
                let values = self.words(name, values.as_ref(), content)?;
                Ok(Role::Input(ColumnKind::Categorical { values }))
            }
            None if 2 * content.numbers > content.rows => range(None, None),
            None if content.words.len() > MAX_WORDS => Err(column(format!(
                "it has more than {MAX_WORDS} different words; give it kind = \"ignore\" in {}",
                schema_name(path)
            ))),
            None => Ok(Role::Input(ColumnKind::Categorical { values: content.sorted_words() })),
        }
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

/// Name of the schema file of a table.
pub(super) fn schema_name(path: &Path) -> String {
    let name = name_of(path);
    let stem = name.strip_suffix(".gz").unwrap_or(&name);
    format!("{}.schema.toml", stem.rsplit_once('.').map_or(stem, |(stem, _)| stem))
}
