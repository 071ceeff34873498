//! Tables as comma- or tab-separated text: `.csv`, `.tsv`, plain or gzip-compressed. The first line holds the
//! names of the columns unless one of its fields is a number.
//!
//! The text is read twice, once for what the columns hold and once for the values, so that a row costs no more
//! than its values.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};

use super::super::{
    DataError, Dataset, MAX_BYTES, Normalisation, Samples, gzip::unpacked, io_error, name_of,
};
use super::schema::{Content, Role, Schema, schema_name};
use super::{Column, ColumnKind, Table};
use crate::reading::Reading;

/// Largest table in bytes after decompression.
const MAX_TEXT: u64 = 256 << 20;
/// Most columns of a file, and most values of a row that a model sees.
const MAX_WIDTH: usize = 1 << 16;

/// Whether a file is a table, by its name: its content could be anything.
pub fn is_table(path: &Path) -> bool {
    let name = name_of(path).to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.ends_with(".csv") || name.ends_with(".tsv")
}

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
    dataset(name.into(), text.as_bytes(), &Schema::default(), Path::new(name))
}

pub(super) fn dataset(name: String, text: &[u8], schema: &Schema, path: &Path) -> Result<Dataset, DataError> {
    let (names, header) = header(text, path)?;
    let target = schema.target(&names)?;
    let mut contents: Vec<Content> = names.iter().map(|_| Content::default()).collect();
    let mut rows = 0_usize;
    each_row(text, header, path, |row| {
        rows += 1;
        contents.iter_mut().zip(row).for_each(|(content, field)| content.add(field));
        Ok(())
    })?;
    if rows == 0 {
        return Err(DataError::NoSamples { path: path.into() });
    }

    let mut roles = Vec::with_capacity(names.len());
    for (i, (name, content)) in names.iter().zip(&contents).enumerate() {
        roles.push(schema.role(name, i == target, content, path)?);
    }
    let width: usize =
        roles.iter().map(|role| if let Role::Input(kind) = role { kind.width() } else { 0 }).sum();
    if !(1..=MAX_WIDTH).contains(&width) {
        let reason = format!("a row has {width} values for the model, must be 1 to {MAX_WIDTH}");
        return Err(DataError::Table { path: path.into(), reason });
    }
    if (rows as u64).saturating_mul(8 * width as u64) > MAX_BYTES {
        return Err(DataError::TooManyBytes { path: path.into(), most: MAX_BYTES });
    }

    let encoders: Vec<Encoder> = roles.iter().map(Encoder::new).collect();
    let mut labels = Vec::with_capacity(rows);
    let mut values = Vec::with_capacity(rows * width);
    each_row(text, header, path, |row| {
        for ((encoder, field), name) in encoders.iter().zip(row).zip(&names) {
            encoder.add(field, &mut labels, &mut values).map_err(|reason| DataError::Table {
                path: path.into(),
                reason: format!(
                    "line {}, column {name}: {field:?} {reason}; correct it, or declare the column in {}",
                    row.position().map_or(0, csv::Position::line),
                    schema_name(path)
                ),
            })?;
        }
        Ok(())
    })?;

    let mut table = Table { target: names[target].clone(), columns: Vec::new() };
    let mut classes = Vec::new();
    for (name, role) in names.into_iter().zip(roles) {
        match role {
            Role::Target(words) => classes = words,
            Role::Input(kind) => table.columns.push(Column { name, kind }),
            Role::Ignored => {}
        }
    }
    Ok(Dataset {
        name,
        classes,
        channels: 1,
        size: Some((1, width)),
        table: Some(table),
        reading: Reading::default(),
        known: Some(Normalisation::identity(1)),
        labels,
        samples: Samples::Rows { width, values },
    })
}

/// Names of the columns, and whether the first line holds them.
fn header(text: &[u8], path: &Path) -> Result<(Vec<String>, bool), DataError> {
    let wrong = |reason: String| DataError::Table { path: path.into(), reason };
    let mut first = StringRecord::new();
    let mut reader = reader(path).from_reader(text);
    if !reader.read_record(&mut first).map_err(|error| unreadable(path, error))? {
        return Err(wrong("it is empty".into()));
    }
    if first.len() < 2 {
        let tabs = name_of(path).to_lowercase().contains(".tsv");
        let separator = if tabs { "tabs" } else { "commas" };
        return Err(wrong(format!("it has one column; separate the columns by {separator}")));
    }
    if first.len() > MAX_WIDTH {
        return Err(wrong(format!("it has {} columns, at most {MAX_WIDTH} are read", first.len())));
    }
    let has_names = !first.iter().any(|field| field.parse::<f64>().is_ok());
    let name = |(i, field): (usize, &str)| {
        if has_names && !field.is_empty() { field.to_owned() } else { format!("column {}", i + 1) }
    };
    let names: Vec<String> = first.iter().enumerate().map(name).collect();
    let mut seen = HashMap::new();
    for (i, name) in names.iter().enumerate() {
        if let Some(before) = seen.insert(name, i) {
            return Err(wrong(format!(
                "columns {} and {} are both called {name:?}; rename one",
                before + 1,
                i + 1
            )));
        }
    }
    Ok((names, has_names))
}

/// Calls `f` with each row after the header.
fn each_row(
    text: &[u8],
    header: bool,
    path: &Path,
    mut f: impl FnMut(&StringRecord) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let mut reader = reader(path).from_reader(text);
    let mut row = StringRecord::new();
    let mut skip = header;
    while reader.read_record(&mut row).map_err(|error| unreadable(path, error))? {
        if !std::mem::take(&mut skip) {
            f(&row)?;
        }
    }
    Ok(())
}

fn reader(path: &Path) -> ReaderBuilder {
    let mut builder = ReaderBuilder::new();
    let tabs = name_of(path).to_lowercase().contains(".tsv");
    builder.has_headers(false).trim(Trim::All).delimiter(if tabs { b'\t' } else { b',' });
    builder
}

fn unreadable(path: &Path, error: csv::Error) -> DataError {
    let reason = match error.kind() {
        ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            format!(
                "line {line} has {len} fields, but the first line has {expected_len}; the file may be truncated"
            )
        }
        ErrorKind::Utf8 { pos, .. } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            format!("line {line} is not UTF-8; save the table as UTF-8")
        }
        _ => error.to_string(),
    };
    DataError::Table { path: path.into(), reason }
}

/// How the fields of one column become values.
enum Encoder<'a> {
    Target(HashMap<&'a str, usize>),
    Words(HashMap<&'a str, usize>),
    Number { min: f64, max: f64 },
    Nothing,
}

impl<'a> Encoder<'a> {
    fn new(role: &'a Role) -> Encoder<'a> {
        let places =
            |words: &'a [String]| words.iter().enumerate().map(|(i, word)| (word.as_str(), i)).collect();
        match role {
            Role::Target(classes) => Encoder::Target(places(classes)),
            Role::Input(ColumnKind::Categorical { values }) => Encoder::Words(places(values)),
            &Role::Input(ColumnKind::Numeric { min, max, .. }) => Encoder::Number { min, max },
            Role::Ignored => Encoder::Nothing,
        }
    }

    /// Adds what one field says to the labels or the values, or says why it cannot.
    fn add(&self, field: &str, labels: &mut Vec<usize>, values: &mut Vec<f64>) -> Result<(), String> {
        let unknown = || "is none of the declared values".to_owned();
        match self {
            Encoder::Target(places) => labels.push(*places.get(field).ok_or_else(unknown)?),
            Encoder::Words(places) => {
                let place = places.get(field).ok_or_else(unknown)?;
                values.extend((0..places.len()).map(|i| if i == *place { 1.0 } else { 0.0 }));
            }
            Encoder::Number { min, max } => {
                let number: Option<f64> = field.parse().ok().filter(|number: &f64| number.is_finite());
                let number = number.ok_or("is not a finite number, as the other fields of the column are")?;
                if !(*min..=*max).contains(&number) {
                    return Err(format!("is outside of {min} to {max}"));
                }
                values.push(if max > min { (number - min) / (max - min) } else { 0.0 });
            }
            Encoder::Nothing => {}
        }
        Ok(())
    }
}
