//! Tables as text: `.csv`, `.tsv`, UCI's `.data` and their kin, plain or gzip-compressed.
//!
//! The rows are read three times: for how the columns are written, for what they hold, and for the values; so that a
//! row costs no more than its values.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use csv::StringRecord;

use super::super::{
    DataError, Dataset, MAX_BYTES, Normalisation, Samples, gzip::unpacked, io_error, name_of,
};
use super::layout::Layout;
use super::number::Form;
use super::schema::{Content, Missing, Role, Schema, Use, schema_name, some};
use super::survey::Survey;
use super::{Column, ColumnKind, Table, text};
use crate::reading::Reading;

/// Largest table in bytes after decompression.
const MAX_TEXT: u64 = 256 << 20;
/// Most values of a row that a model sees.
const MAX_WIDTH: usize = 1 << 16;
/// What a field without a value is among words.
const NO_WORD: &str = "?";

/// Opens a table with the schema beside it.
pub fn open(path: &Path) -> Result<Dataset, DataError> {
    let mut bytes = Vec::new();
    unpacked(path)?.take(MAX_TEXT + 1).read_to_end(&mut bytes).map_err(|reason| io_error(path, reason))?;
    if bytes.len() as u64 > MAX_TEXT {
        return Err(DataError::TooManyBytes { path: path.into(), most: MAX_TEXT });
    }
    dataset(name_of(path), &bytes, &Schema::beside(path)?, path)
}

/// Opens an embedded table, which explains itself.
pub fn embedded(name: &str, text: &str) -> Result<Dataset, DataError> {
    let set = dataset(name.into(), text.as_bytes(), &Schema::default(), Path::new(name))?;
    let table = set.table.map(|mut table| {
        table.columns.iter_mut().for_each(|column| column.given = [true; 2]);
        table
    });
    Ok(Dataset { reading: Reading::default(), table, ..set })
}

pub(super) fn dataset(
    name: String,
    bytes: &[u8],
    schema: &Schema,
    path: &Path,
) -> Result<Dataset, DataError> {
    let wrong = |reason: String| DataError::Table { path: path.into(), reason };
    let mut reading = Reading::default();
    let text = text::decode(bytes, &mut reading).ok_or_else(|| wrong("it is binary, not text".into()))?;
    let layout = Layout::of(&text, schema.header, path, &mut reading)?;
    let names = &layout.names;
    schema.fits(names)?;

    let mut surveys: Vec<Survey> = names.iter().map(|_| Survey::default()).collect();
    let mut rows = 0_usize;
    let passed_over = layout.each_row(|line, row| {
        rows += 1;
        surveys.iter_mut().zip(row).for_each(|(survey, field)| survey.add(line, field));
        Ok(())
    })?;
    passed_over.tell(&mut reading);
    if rows == 0 {
        return Err(DataError::NoSamples { path: path.into() });
    }
    let own = |i: usize| {
        let is_given = names[i] != format!("column {}", i + 1);
        is_given.then(|| names[i].clone())
    };
    let mut uses = schema.uses(names, own, &surveys, path)?;
    if layout.named_rows() && uses[0] == Use::Words {
        uses[0] = Use::Nothing(Some("the rows' own names"));
    }
    let columns = Columns { names, uses: &uses, surveys: &surveys, schema, path };
    columns.refuse_missing()?;

    let mut contents: Vec<Content> = names.iter().map(|_| Content::default()).collect();
    let mut kept = 0_usize;
    layout.each_row(|line, row| {
        if columns.is_dropped(row) {
            return Ok(());
        }
        kept += 1;
        columns.each(row, |i, field| {
            match (uses[i], field) {
                (Use::Number(form, _), Some(field)) => match form.number(field) {
                    Some(number) => contents[i].number(number),
                    None => return Err(columns.no_number(line, i, field)),
                },
                (Use::Number(..), None) => {}
                (_, Some(field)) => contents[i].word(field),
                (_, None) if schema.missing == Some(Missing::Mean) => {}
                (_, None) => contents[i].word(NO_WORD),
            }
            Ok(())
        })
    })?;
    if kept == 0 {
        return Err(wrong("every row lacks a value, missing = \"drop\" leaves none; use \"mean\"".into()));
    }

    let mut roles = Vec::with_capacity(names.len());
    for ((name, used), content) in names.iter().zip(&uses).zip(&contents) {
        roles.push(schema.role(name, *used, content, path)?);
    }
    let width: usize =
        roles.iter().map(|role| if let Role::Input(kind) = role { kind.width() } else { 0 }).sum();
    if !(1..=MAX_WIDTH).contains(&width) {
        return Err(wrong(format!("a row has {width} values for the model, must be 1 to {MAX_WIDTH}")));
    }
    if (kept as u64).saturating_mul(8 * width as u64) > MAX_BYTES {
        return Err(DataError::TooManyBytes { path: path.into(), most: MAX_BYTES });
    }

    let encoders: Vec<Encoder> = roles
        .iter()
        .zip(&uses)
        .zip(&contents)
        .map(|((role, used), content)| Encoder::new(role, *used, content))
        .collect();
    let mut labels = Vec::with_capacity(kept);
    let mut values = Vec::with_capacity(kept * width);
    layout.each_row(|line, row| {
        if columns.is_dropped(row) {
            return Ok(());
        }
        columns.each(row, |i, field| {
            encoders[i].add(field, &mut labels, &mut values).map_err(|reason| {
                let schema_file = schema_name(path);
                let what = match (field, schema.declares_words(&names[i])) {
                    (None, true) => format!(
                        "it has no value; set missing = \"drop\" or missing = \"mean\" in {schema_file}, or have \
                         {NO_WORD:?} among its values there"
                    ),
                    (field, true) => {
                        let field = field.unwrap_or_default();
                        format!("{field:?} {reason}; add it to the values in {schema_file}, or correct it")
                    }
                    (field, false) => {
                        let field = field.unwrap_or_default();
                        format!("{field:?} {reason}; correct it, or declare the column in {schema_file}")
                    }
                };
                wrong(format!("line {line}, column {}: {what}", names[i]))
            })
        })
    })?;
    columns.tell(&roles, &contents, rows - kept, &mut reading);

    let mut table = Table { target: String::new(), columns: Vec::new() };
    let mut classes = Vec::new();
    for (name, role) in names.iter().zip(roles) {
        match role {
            Role::Target(words) => (table.target, classes) = (name.clone(), words),
            Role::Input(kind) => {
                let given = schema.given(name);
                table.columns.push(Column { name: name.clone(), kind, given });
            }
            Role::Ignored => {}
        }
    }
    Ok(Dataset {
        name,
        classes,
        channels: 1,
        size: Some((1, width)),
        table: Some(table),
        reading,
        known: Some(Normalisation::identity(1)),
        labels,
        samples: Samples::Rows { width, values },
    })
}

/// The columns of a table, and what is made of them.
struct Columns<'a> {
    names: &'a [String],
    uses: &'a [Use],
    surveys: &'a [Survey],
    schema: &'a Schema,
    path: &'a Path,
}

impl Columns<'_> {
    /// Calls `f` with position and field of each column that is used; a field without a value is absent.
    fn each(
        &self,
        row: &StringRecord,
        mut f: impl FnMut(usize, Option<&str>) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        for (i, field) in row.iter().enumerate() {
            if !matches!(self.uses[i], Use::Nothing(_)) {
                f(i, Some(field).filter(|field| !self.lacks(i, field)))?;
            }
        }
        Ok(())
    }

    /// Whether the field of a column has no value.
    fn lacks(&self, i: usize, field: &str) -> bool {
        let is_sentinel = |sentinel: f64, form: Form| form.number(field) == Some(sentinel);
        self.schema.is_missing(&self.names[i], field)
            || matches!(self.uses[i], Use::Number(form, Some(sentinel)) if is_sentinel(sentinel, form))
    }

    /// Whether a row is left out because it lacks a value.
    fn is_dropped(&self, row: &StringRecord) -> bool {
        let used = |i: usize| !matches!(self.uses[i], Use::Nothing(_));
        self.schema.missing == Some(Missing::Drop)
            && row.iter().enumerate().any(|(i, field)| used(i) && self.lacks(i, field))
    }

    /// Nothing is made up where a value is missing, unless the schema says what.
    fn refuse_missing(&self) -> Result<(), DataError> {
        let schema_file = schema_name(self.path);
        for (i, (name, survey)) in self.names.iter().zip(self.surveys).enumerate() {
            let wrong = |reason: String| DataError::Table { path: self.path.into(), reason };
            let first = survey.first_missing.as_ref().filter(|(_, field)| self.lacks(i, field));
            let is = |field: &str| if field.is_empty() { "empty".to_owned() } else { format!("{field:?}") };
            match (self.uses[i], first, self.schema.missing) {
                (Use::Target, Some((line, field)), None | Some(Missing::Mean)) => {
                    return Err(wrong(format!(
                        "target {name} {} at line {line}: remove the row, or set missing = \"drop\" in {schema_file}",
                        is(field)
                    )));
                }
                (Use::Number(..), Some((line, field)), None) => {
                    return Err(wrong(format!(
                        "line {line}, column {name}: it is {}, as {} of its fields; set missing = \"drop\" or missing \
                         = \"mean\" in {schema_file}",
                        is(field),
                        survey.missing
                    )));
                }
                (Use::Number(_, Some(sentinel)), _, None) => {
                    let line = survey.sentinel().map_or(0, |(_, line)| line);
                    let (least, most) = survey.range();
                    return Err(wrong(format!(
                        "line {line}, column {name}: {sentinel} looks like a missing value, the others are {least} to \
                         {most}; set missing = \"drop\" or missing = \"mean\" in {schema_file}, or declare the column \
                         there with min = {sentinel}"
                    )));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A word among numbers.
    fn no_number(&self, line: u64, i: usize, field: &str) -> DataError {
        let name = &self.names[i];
        if self.schema.is_declared_numeric(name) {
            return self.schema.wrong(format!(
                "column {name:?} is declared numeric, but line {line} of {} has {field:?}",
                name_of(self.path)
            ));
        }
        let what = match self.uses[i] {
            Use::Number(Form::Point, _) if Form::Comma.number(field).is_some() => {
                "has a comma before its fraction, where the other fields of the column have a point"
            }
            Use::Number(Form::Comma, _) if Form::Point.number(field).is_some() => {
                "has a point before its fraction, where the other fields of the column have a comma"
            }
            _ => "is not a finite number, as the other fields of the column are",
        };
        DataError::Table {
            path: self.path.into(),
            reason: format!(
                "line {line}, column {name}: {field:?} {what}; correct it, or declare the column in {}",
                schema_name(self.path)
            ),
        }
    }

    /// Says what the columns were taken for.
    fn tell(&self, roles: &[Role], contents: &[Content], dropped: usize, reading: &mut Reading) {
        let named = |is: &dyn Fn(usize) -> bool| -> Vec<&str> {
            (0..self.names.len()).filter(|&i| is(i)).map(|i| self.names[i].as_str()).collect()
        };
        let list = |names: &[&str]| some(names.iter().copied());
        for (name, role) in self.names.iter().zip(roles) {
            if let Role::Target(classes) = role {
                let words = some(classes.iter().map(String::as_str));
                reading.note(format!("the target is {name}, {} classes: {words}", classes.len()));
            }
        }
        let numbers = named(&|i| matches!(roles[i], Role::Input(ColumnKind::Numeric { .. })));
        let words = named(&|i| matches!(roles[i], Role::Input(ColumnKind::Categorical { .. })));
        let parts = [("numbers", numbers), ("words", words)];
        let parts = parts.iter().filter(|(_, names)| !names.is_empty());
        let parts: Vec<String> = parts.map(|(kind, names)| format!("{kind} {}", list(names))).collect();
        reading.note(parts.join("; "));
        for (i, name) in self.names.iter().enumerate() {
            let survey = &self.surveys[i];
            match self.uses[i] {
                Use::Nothing(Some(why)) => reading.note(format!("{name} is left out: {why}")),
                Use::Number(Form::Comma | Form::CommaUnit, _) => {
                    reading.note(format!("{name} has a comma before its fractions"));
                }
                Use::Number(Form::Date, _) => {
                    reading.note(format!("{name} holds dates, taken as days since 1970"))
                }
                Use::Number(Form::MonthFirst, _) => {
                    reading.note(format!("{name} holds dates, month first, taken as days since 1970"));
                }
                Use::Number(Form::DayFirst, _) => {
                    reading.note(format!("{name} holds dates, day first, taken as days since 1970"));
                }
                _ => {}
            }
            if let Use::Number(form, _) = self.uses[i] {
                if let Some(left_out) = survey.decoration(form) {
                    reading.note(format!("{left_out} are left out of the numbers of {name}"));
                }
                if survey.has_brackets() {
                    reading.note(format!("numbers in parentheses in {name} are taken as negative"));
                }
            }
            let lacking =
                survey.missing > 0 && survey.first_missing.as_ref().is_some_and(|(_, f)| self.lacks(i, f));
            if let Use::Number(_, Some(sentinel)) = self.uses[i] {
                reading.note(format!("{sentinel} in {name} is taken for a missing value"));
            }
            match (self.uses[i], self.schema.missing) {
                (Use::Words, None) if lacking => {
                    reading.note(format!(
                        "{name} has no value in {} rows, kept as the word {NO_WORD}",
                        survey.missing
                    ));
                }
                (Use::Words, Some(Missing::Mean)) if lacking => {
                    let usual = contents[i].usual().unwrap_or(NO_WORD);
                    reading.note(format!(
                        "{name} has no value in {} rows, set to its most frequent word {usual:?}",
                        survey.missing
                    ));
                }
                (Use::Number(..), Some(Missing::Mean)) if lacking => {
                    let mean = contents[i].mean;
                    reading.note(format!(
                        "{name} has no value in {} rows, set to its mean {mean:.4}",
                        survey.missing
                    ));
                }
                _ => {}
            }
        }
        let constant = named(&|i| matches!(roles[i], Role::Input(_)) && contents[i].is_constant());
        if !constant.is_empty() {
            reading.note(format!("{} never changes and tells nothing of a row", list(&constant)));
        }
        if dropped > 0 {
            let rows = if dropped == 1 { "row that lacks a value is" } else { "rows that lack a value are" };
            reading.note(format!("{dropped} {rows} left out"));
        }
    }
}

/// How the fields of one column become values.
enum Encoder<'a> {
    Target(HashMap<&'a str, usize>),
    /// With the place of a field without a value.
    Words(HashMap<&'a str, usize>, Option<usize>),
    /// With what a field without a value is.
    Number {
        form: Form,
        min: f64,
        max: f64,
        mean: f64,
    },
    Nothing,
}

impl<'a> Encoder<'a> {
    fn new(role: &'a Role, used: Use, content: &Content) -> Encoder<'a> {
        let places = |words: &'a [String]| -> HashMap<&'a str, usize> {
            words.iter().enumerate().map(|(i, word)| (word.as_str(), i)).collect()
        };
        match role {
            Role::Target(classes) => Encoder::Target(places(classes)),
            Role::Input(ColumnKind::Categorical { values }) => {
                let places = places(values);
                // Rows without a word have this one, or are to have the usual one.
                let absent =
                    if content.words.contains_key(NO_WORD) { Some(NO_WORD) } else { content.usual() };
                let absent = absent.and_then(|word| places.get(word)).copied();
                Encoder::Words(places, absent)
            }
            &Role::Input(ColumnKind::Numeric { min, max, .. }) => {
                let form = if let Use::Number(form, _) = used { form } else { Form::Point };
                Encoder::Number { form, min, max, mean: content.mean }
            }
            Role::Ignored => Encoder::Nothing,
        }
    }

    /// Adds what one field says to the labels or the values, or says why it cannot.
    fn add(&self, field: Option<&str>, labels: &mut Vec<usize>, values: &mut Vec<f64>) -> Result<(), String> {
        let unknown = || "is none of the declared values".to_owned();
        match self {
            Encoder::Target(places) => {
                labels.push(*field.and_then(|field| places.get(field)).ok_or_else(unknown)?);
            }
            Encoder::Words(places, absent) => {
                let place = field.map_or(*absent, |field| places.get(field).copied()).ok_or_else(unknown)?;
                values.extend((0..places.len()).map(|i| if i == place { 1.0 } else { 0.0 }));
            }
            Encoder::Number { form, min, max, mean } => {
                let number = field.map_or(Some(*mean), |field| form.number(field));
                let number = number.ok_or("is not a finite number, as the other fields of the column are")?;
                if !(*min..=*max).contains(&number) {
                    return Err(format!("is outside of the declared {min} to {max}"));
                }
                values.push(if max > min { (number - min) / (max - min) } else { 0.0 });
            }
            Encoder::Nothing => {}
        }
        Ok(())
    }
}
