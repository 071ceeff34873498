//! How a table is laid out in its text: what separates the columns, where the table begins, and whether its first
//! line holds the names. What a file does not say is told from its first lines.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};

use super::super::{DataError, name_of};
use super::number::{Form, is_missing, is_plain};
use super::schema::schema_name;
use crate::reading::Reading;

/// Most columns of a file.
const MAX_COLUMNS: usize = 1 << 16;
/// Bytes and lines from which the layout is told.
const MOST_BYTES: usize = 256 << 10;
const MOST_LINES: usize = 500;
/// Most lines before the table.
const MOST_TITLES: usize = 50;

/// What may separate columns, the likelier first where the lines leave it open.
const SEPARATORS: [(u8, &str); 5] =
    [(b'\t', "tabs"), (b';', "semicolons"), (b'|', "|"), (b',', "commas"), (b' ', "spaces")];

/// A text as a table.
pub struct Layout<'a> {
    /// From the first line of the table on.
    text: Cow<'a, str>,
    /// Lines of the file before that.
    before: u64,
    separator: u8,
    /// One for each column.
    pub names: Vec<String>,
    /// Whether the first line holds them.
    pub header: bool,
    /// Whether the rows have one field more than the line of names: the row's own name, which comes first.
    named_rows: bool,
    path: &'a Path,
}

impl<'a> Layout<'a> {
    /// Tells the layout. `header` is what the schema says of the first line.
    pub fn of(
        text: &'a str,
        header: Option<bool>,
        path: &'a Path,
        reading: &mut Reading,
    ) -> Result<Layout<'a>, DataError> {
        let wrong = |reason: String| DataError::Table { path: path.into(), reason };
        let (mut text, mut before, given) = given_separator(text);
        if text.trim().is_empty() {
            return Err(wrong("it is empty".into()));
        }
        let (separator, columns) = match given {
            Some(separator) => (separator, modal(&sample(text, separator)).0),
            None => separator(text, path).ok_or_else(|| {
                wrong(
                    "it has one column; separate the columns by commas, semicolons, tabs, | or spaces".into(),
                )
            })?,
        };
        if columns < 2 {
            return Err(wrong(
                "it has one column; separate the columns by commas, semicolons, tabs, | or spaces".into(),
            ));
        }
        if columns > MAX_COLUMNS {
            return Err(wrong(format!("it has {columns} columns, at most {MAX_COLUMNS} are read")));
        }
        let by = SEPARATORS.iter().find(|(byte, _)| *byte == separator).map_or("commas", |(_, name)| name);
        if separator != b',' {
            reading.note(format!("columns are separated by {by}"));
        }
        let titles = titles(text, separator, columns);
        if titles > 0 {
            let lines: Vec<&str> = text.split_inclusive('\n').take(titles).collect();
            let which = match titles {
                1 => format!("line {}, no row of the table, is left out", before + 1),
                _ => format!(
                    "lines {} to {}, no rows of the table, are left out",
                    before + 1,
                    before + titles as u64
                ),
            };
            reading.note(which);
            text = &text[lines.iter().map(|line| line.len()).sum()..];
            before += titles as u64;
        }
        let text = if separator == b' ' { squeezed(text) } else { Cow::Borrowed(text) };
        let rows = sample(&text, separator);
        let Some(first) = rows.first() else { return Err(wrong("it is empty".into())) };
        let mut first: Vec<String> = first.iter().map(str::to_owned).collect();
        let body: Vec<&StringRecord> = rows[1..].iter().filter(|row| row.len() >= columns).collect();
        // R leaves out the name of the rows' names; a comma at the end of rows alone looks the same.
        let short = first.len() + 1 == columns && !body.is_empty() && header != Some(false);
        let named_rows = short && !body.iter().all(|row| row.get(columns - 1).is_some_and(str::is_empty));
        let columns = if short && !named_rows { columns - 1 } else { columns };
        if named_rows {
            first.insert(0, String::new());
        }
        first.truncate(columns);
        let header = header.unwrap_or_else(|| short || holds_names(&first, &body));
        let line = before + 1;
        if header {
            reading.note(format!("line {line} holds the names of the columns"));
        } else {
            reading.note(format!(
                "line {line} is taken as a row, the columns are called column 1 to column {columns}; if it holds their \
                 names, say header = true in {}",
                schema_name(path)
            ));
        }
        let name = |(i, field): (usize, &String)| {
            let field = field.trim_start_matches('#').trim();
            if header && !field.is_empty() { field.to_owned() } else { format!("column {}", i + 1) }
        };
        let mut names: Vec<String> = first.iter().enumerate().map(name).collect();
        names.extend((names.len()..columns).map(|i| format!("column {}", i + 1)));
        unique(&names, line).map_err(wrong)?;
        Ok(Layout { text, before, separator, names, header, named_rows, path })
    }

    /// Calls `f` with the line and the fields of each row, and says what was passed over.
    pub fn each_row(
        &self,
        mut f: impl FnMut(u64, &StringRecord) -> Result<(), DataError>,
    ) -> Result<PassedOver, DataError> {
        let mut passed_over = PassedOver::default();
        let mut reader = reader(self.separator).from_reader(self.text.as_bytes());
        let mut row = StringRecord::new();
        let mut names = self.header;
        let columns = self.names.len();
        loop {
            let more = reader.read_record(&mut row);
            if !more.map_err(|error| self.wrong(error.to_string()))? {
                return Ok(passed_over);
            }
            let start = row.position().map_or((0, 0), |at| (at.line(), at.byte() as usize));
            // Empty lines before it are passed over without a word.
            let empty = self.text.as_bytes().iter().skip(start.1).take_while(|byte| **byte == b'\n').count();
            let line = self.before + start.0 + empty as u64;
            let end = reader.position().byte() as usize;
            if row.iter().all(str::is_empty) {
                passed_over.empty.add(line);
                continue;
            }
            self.refuse_open_quote(line, &row, start.1..end)?;
            if std::mem::take(&mut names) {
                continue;
            }
            if self.header && row.len() >= columns && row.iter().zip(&self.names).all(|(a, b)| a == b) {
                passed_over.names.add(line);
                continue;
            }
            if row.len() != columns {
                if row.get(0).is_some_and(|field| field.starts_with('#')) {
                    passed_over.comments.add(line);
                    continue;
                }
                // A comma behind the last field opens another one, which is empty.
                if row.len() < columns || row.iter().skip(columns).any(|field| !field.is_empty()) {
                    let is_last = self.text.get(end..).is_none_or(|rest| rest.trim().is_empty());
                    let remedy = match row.len() < columns {
                        true if is_last => "the file may be truncated",
                        true => "add those that it lacks, or remove the line",
                        false => "put a field that holds the separator into quotes",
                    };
                    return Err(self.wrong(format!(
                        "line {line} has {} fields where the others have {columns}; {remedy}",
                        row.len()
                    )));
                }
                passed_over.commas.add(line);
                row.truncate(columns);
            }
            f(line, &row)?;
        }
    }

    /// A quote that nobody closes takes everything to the end of the file into one field.
    fn refuse_open_quote(
        &self,
        line: u64,
        row: &StringRecord,
        bytes: std::ops::Range<usize>,
    ) -> Result<(), DataError> {
        let is_last = bytes.end >= self.text.len();
        if !is_last || !row.iter().any(|field| field.contains('\n')) {
            return Ok(());
        }
        let quotes = self.text.get(bytes).map_or(0, |text| text.matches('"').count());
        match quotes % 2 {
            0 => Ok(()),
            _ => {
                Err(self
                    .wrong(format!("line {line} opens a quote that is never closed; close it, or remove it")))
            }
        }
    }

    /// Whether the first column holds the rows' own names, by the header.
    pub fn named_rows(&self) -> bool {
        self.named_rows
    }

    fn wrong(&self, reason: String) -> DataError {
        DataError::Table { path: self.path.into(), reason }
    }
}

/// Lines among the rows that are none.
#[derive(Debug, Default)]
pub struct PassedOver {
    empty: Lines,
    comments: Lines,
    names: Lines,
    commas: Lines,
}

/// How many lines, and the first of them.
#[derive(Debug, Default)]
struct Lines {
    count: usize,
    first: u64,
}

impl Lines {
    fn add(&mut self, line: u64) {
        if self.count == 0 {
            self.first = line;
        }
        self.count += 1;
    }
}

impl PassedOver {
    /// Says what was passed over.
    pub fn tell(&self, reading: &mut Reading) {
        let kinds = [
            (&self.comments, "line that begins with #", "lines that begin with #"),
            (
                &self.names,
                "line that repeats the names of the columns",
                "lines that repeat the names of the columns",
            ),
            (&self.empty, "row without any value", "rows without any value"),
            (&self.commas, "empty field behind the last column", "empty fields behind the last column"),
        ];
        for (lines, one, many) in kinds {
            match lines.count {
                0 => {}
                1 => reading.note(format!("1 {one} is left out, line {}", lines.first)),
                count => {
                    reading.note(format!("{count} {many} are left out, the first in line {}", lines.first))
                }
            }
        }
    }
}

/// The text behind a line `sep=;`, the lines before it, and the separator that it gives.
fn given_separator(text: &str) -> (&str, u64, Option<u8>) {
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    let by = line.trim_end_matches('\n').trim_matches('"').strip_prefix("sep=").map(str::as_bytes);
    match by {
        Some([separator]) => (rest, 1, Some(*separator)),
        _ => (text, 0, None),
    }
}

/// The separator under which the first lines agree best on a number of columns, and that number.
fn separator(text: &str, path: &Path) -> Option<(u8, usize)> {
    let name = name_of(path).to_lowercase();
    let tabs = name.contains(".tsv") || name.contains(".tab");
    let score = |(place, (by, _)): (usize, &(u8, &str))| {
        let squeezed = if *by == b' ' { squeezed(cut(text)) } else { Cow::Borrowed(text) };
        let mut rows = sample(&squeezed, *by);
        let (columns, agree) = modal(&rows);
        // Without the first, which may hold names.
        rows = rows.split_off(rows.len().min(1));
        rows.retain(|row| row.len() == columns);
        let fields = rows.iter().flat_map(StringRecord::iter);
        let is_number =
            |field: &&str| [Form::Point, Form::Comma].iter().any(|form| form.number(field).is_some());
        let (all, numbers) =
            fields.fold((0, 0), |(all, numbers), field| (all + 1, numbers + usize::from(is_number(&field))));
        let share = (20 * numbers).checked_div(all).unwrap_or_default();
        let rank = (agree, share, tabs && *by == b'\t', SEPARATORS.len() - place);
        (columns > 1 && agree >= 5).then_some((rank, *by, columns))
    };
    SEPARATORS.iter().enumerate().filter_map(score).max().map(|(_, by, columns)| (by, columns))
}

/// The number of fields that most rows have, and how many of ten rows that is.
fn modal(rows: &[StringRecord]) -> (usize, usize) {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    rows.iter().for_each(|row| *counts.entry(row.len()).or_default() += 1);
    let most = counts.iter().max_by_key(|(columns, count)| (**count, **columns));
    most.map_or((0, 0), |(columns, count)| (*columns, (10 * count + rows.len() / 2) / rows.len()))
}

/// The first rows, whole, without empty ones and comments.
fn sample(text: &str, separator: u8) -> Vec<StringRecord> {
    let mut rows = Vec::new();
    let mut reader = reader(separator).from_reader(cut(text).as_bytes());
    let mut row = StringRecord::new();
    while rows.len() < MOST_LINES && matches!(reader.read_record(&mut row), Ok(true)) {
        let is_comment = row.get(0).is_some_and(|field| field.starts_with('#')) && !rows.is_empty();
        if !is_comment && row.iter().any(|field| !field.is_empty()) {
            rows.push(row.clone());
        }
    }
    rows
}

/// The beginning of a text, as far as the layout is told from it, in whole lines.
fn cut(text: &str) -> &str {
    match text.as_bytes().get(..MOST_BYTES).and_then(|start| start.iter().rposition(|byte| *byte == b'\n')) {
        Some(end) => &text[..=end],
        None => text,
    }
}

/// Lines before the table: comments, titles of fewer fields, and empty ones among them.
fn titles(text: &str, separator: u8, columns: usize) -> usize {
    let mut titles = 0;
    for (i, line) in text.lines().take(MOST_TITLES).enumerate() {
        let line = if separator == b' ' { squeezed(line) } else { Cow::Borrowed(line) };
        let mut row = StringRecord::new();
        let _ = reader(separator).from_reader(line.as_bytes()).read_record(&mut row);
        let filled = row.iter().filter(|field| !field.is_empty()).count();
        if filled == 0 {
            continue;
        }
        let is_comment = line.starts_with('#') && row.len() != columns && row.len() != columns + 1;
        let is_title = 2 * row.len() <= columns || (filled == 1 && columns > 2);
        // A quote that goes on over lines is a field of a row.
        if !(is_comment || is_title) || line.matches('"').count() % 2 == 1 {
            break;
        }
        titles = i + 1;
    }
    titles
}

/// Whether the first line holds names, by what it has that the rows below have not.
fn holds_names(first: &[String], body: &[&StringRecord]) -> bool {
    let number = |field: &str| [Form::Point, Form::Comma].iter().find_map(|form| form.number(field));
    let is_date = |field: &str| {
        [Form::Date, Form::MonthFirst, Form::DayFirst].iter().any(|form| form.number(field).is_some())
    };
    let is_measured =
        |field: &str| [Form::PointUnit, Form::CommaUnit].iter().any(|form| form.number(field).is_some());
    if body.is_empty() {
        return !first.iter().any(|field| is_plain(field));
    }
    let mut numbers: Vec<(f64, bool)> = Vec::new();
    let (mut words, mut few) = (0, false);
    for (column, field) in first.iter().enumerate() {
        let values: Vec<&str> =
            body.iter().filter_map(|row| row.get(column)).filter(|field| !is_missing(field)).collect();
        let typed = |value: &&&str| number(value).is_some() || is_date(value) || is_measured(value);
        let typed = values.iter().filter(typed).count();
        match number(field) {
            Some(own) => {
                let of = || values.iter().filter_map(|value| number(value));
                let outside =
                    own < of().fold(f64::INFINITY, f64::min) || own > of().fold(f64::NEG_INFINITY, f64::max);
                numbers.push((own, outside));
            }
            None if is_missing(field) => {}
            None if is_date(field) || (is_measured(field) && 2 * typed > values.len()) => return false,
            // A word above numbers.
            None if 2 * typed > values.len() => return true,
            // A word that is among the values below is one of them.
            None if values.contains(&field.as_str()) => return false,
            None => {
                words += 1;
                let distinct: HashSet<&str> = values.iter().copied().collect();
                few |= 2 * distinct.len() <= values.len() && values.len() >= 10;
            }
        }
    }
    if numbers.is_empty() {
        return words > 0;
    }
    let are_names = numbers.iter().all(|(number, _)| number.fract() == 0.0 && *number >= 0.0);
    let count = |from: f64| numbers.iter().zip(0..).all(|((number, _), i)| *number == from + f64::from(i));
    // Columns that are counted, as pandas does without names of its own, or called by year.
    let counted = numbers.len() > 1 && numbers.first().is_some_and(|(first, _)| count(*first));
    let outside = |few: usize| numbers.iter().filter(|(_, outside)| *outside).count() >= few;
    let distinct: HashSet<u64> = numbers.iter().map(|(number, _)| number.to_bits()).collect();
    match words {
        0 => are_names && counted && numbers.len() > 2 && outside(numbers.len().div_ceil(2)),
        _ => are_names && distinct.len() == numbers.len() && (counted || few || outside(numbers.len())),
    }
}

/// Refuses two columns of one name in a line.
fn unique(names: &[String], line: u64) -> Result<(), String> {
    let mut seen = HashMap::new();
    for (i, name) in names.iter().enumerate() {
        if let Some(before) = seen.insert(name, i) {
            return Err(format!(
                "line {line}: columns {} and {} are both called {name:?}; rename one",
                before + 1,
                i + 1
            ));
        }
    }
    Ok(())
}

/// A text in which any number of blanks outside quotes is one, and none at the ends of lines.
fn squeezed(text: &str) -> Cow<'_, str> {
    let mut out = String::with_capacity(text.len());
    let (mut quoted, mut blank) = (false, false);
    for letter in text.chars() {
        match letter {
            ' ' | '\t' if !quoted => blank = !out.is_empty() && !out.ends_with('\n'),
            '\n' if !quoted => {
                blank = false;
                out.push('\n');
            }
            _ => {
                if std::mem::take(&mut blank) {
                    out.push(' ');
                }
                quoted ^= letter == '"';
                out.push(letter);
            }
        }
    }
    Cow::Owned(out)
}

fn reader(separator: u8) -> ReaderBuilder {
    let mut builder = ReaderBuilder::new();
    builder.has_headers(false).flexible(true).trim(Trim::All).delimiter(separator);
    builder
}
