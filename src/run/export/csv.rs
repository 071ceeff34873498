//! Tables: metrics with a row a run and round, curves with a row an iteration, records with a row a field.
//!
//! RFC 4180 but for plain line ends; `nan`, `inf`, `-inf` as words; what is not known is an empty cell.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};
use std::io::{self, Write};

use super::ExportError;
use super::record::{self, Record};
use super::records;
use crate::figure::{FIGURES, Figure, Form, Measured};
use crate::run::event::{Event, Point};
use crate::run::rows::{Cell, Value, source};
use crate::run::state::RoundState;
use crate::run::{RunError, Tail, Verdict};
use crate::text;

/// A run with one of its rounds; a run without rounds has one row without figures.
struct Row<'a> {
    record: &'a Record,
    round: Option<&'a RoundState>,
    measured: Measured<'a>,
}

/// A column with what it holds of a row, an iteration or a record.
type Column = (&'static str, fn(&Row) -> String);
type CurveColumn = (&'static str, fn(&OnCurve) -> String);
type RecordColumn = (&'static str, fn(&OfRecord) -> String);

/// Whose figures they are, and under which conditions. Rounds and trials are counted from 0, as in the event log.
const BEFORE: [Column; 16] = [
    ("run", |row| name(&row.record.id())),
    ("preset", |row| name(&row.record.manifest.preset)),
    ("status", |row| row.record.health.name().to_owned()),
    ("round", |row| row.round.map(|round| round.round.to_string()).unwrap_or_default()),
    ("complete", |row| row.measured.complete.to_string()),
    ("labels", |row| row.record.config().attack.labels.name().to_owned()),
    ("labels_found", |row| {
        let found = row.round.map_or(&[][..], |round| match &round.result {
            Some(result) => result.labels.as_slice(),
            None => round.shown_trial().map_or(&[], |trial| trial.labels()),
        });
        found.iter().map(usize::to_string).collect::<Vec<_>>().join(" ")
    }),
    ("batchnorm", |row| row.record.config().victim.batch_norm().to_owned()),
    ("state", |row| {
        let config = row.record.config();
        name(&row.round.map_or_else(|| config.training(), |round| config.training_in(round.round)))
    }),
    ("batch", |row| row.record.config().batch().to_string()),
    ("threat_model", |row| record::threat_model_letter(row.record.config()).to_owned()),
    ("protocol", |row| name(&row.record.config().protocol_and_knowledge())),
    ("trial_chosen_by", |_| "matching loss".to_owned()),
    ("data", |row| name(&row.record.config().victim.source())),
    ("model", |row| name(&row.record.config().victim.model)),
    ("attack", |row| name(row.record.config().attack.kind.name())),
];

/// What became of the attack, and how it was computed.
const AFTER: [Column; 12] = [
    ("verdict", |row| {
        let result = row.round.and_then(|round| round.result.as_ref());
        result.and_then(Verdict::of).map_or("", Verdict::name).to_owned()
    }),
    // A figure of what a defence protects from says little without what the defence costs.
    ("cost", |row| match &row.record.cost {
        Some(cost) => name(&cost.to_string()),
        None if row.record.lacks_cost() => "not measured".to_owned(),
        None => String::new(),
    }),
    // How files were taken, and what speaks against an update being what it is taken for.
    ("read", |row| name(&row.record.manifest.reading.notes().join("; "))),
    ("trial", |row| row.measured.trial.map(|trial| trial.to_string()).unwrap_or_default()),
    ("trials", |row| row.round.map(|_| row.measured.trials.to_string()).unwrap_or_default()),
    ("seed", |row| row.record.config().run.seed.to_string()),
    ("backend", |row| name(&row.record.manifest.backend)),
    ("host", |row| name(&row.record.manifest.host)),
    ("gialab", |row| name(&row.record.manifest.gialab)),
    // What a person wrote to the run.
    ("title", |row| name(&row.record.notebook.title)),
    ("tags", |row| name(&row.record.notebook.tags.iter().cloned().collect::<Vec<_>>().join(" "))),
    ("note", |row| name(&row.record.notebook.note)),
];

/// A point of a curve.
struct OnCurve<'a> {
    run: &'a str,
    round: u32,
    trial: usize,
    /// Of its line in the log.
    seconds: f64,
    point: Point,
}

/// Columns of the curves.
const CURVES: [CurveColumn; 8] = [
    ("run", |on| on.run.to_owned()),
    ("round", |on| on.round.to_string()),
    ("trial", |on| on.trial.to_string()),
    ("iteration", |on| on.point.iteration.to_string()),
    ("seconds", |on| Number(on.seconds).to_string()),
    ("matching", |on| Number(on.point.matching).to_string()),
    ("prior", |on| Number(on.point.prior).to_string()),
    ("total", |on| Number(on.point.total()).to_string()),
];

/// A field of a record, or its class.
struct OfRecord<'a> {
    run: &'a str,
    round: u32,
    iteration: usize,
    /// Which record.
    at: usize,
    field: &'a str,
    found: &'a Cell,
    truth: Option<&'a Cell>,
    /// Where a class was taken from.
    source: &'a str,
}

/// Columns of the records.
const RECORDS: [RecordColumn; 11] = [
    ("run", |of| of.run.to_owned()),
    ("round", |of| of.round.to_string()),
    ("iteration", |of| of.iteration.to_string()),
    ("record", |of| of.at.to_string()),
    ("field", |of| name(of.field)),
    ("true", |of| of.truth.map(said).unwrap_or_default()),
    ("recovered", |of| said(of.found)),
    ("off_by", |of| match (of.truth.map(|truth| &truth.value), &of.found.value) {
        (Some(Value::Number(truth)), Value::Number(found)) => Number(found - truth).to_string(),
        _ => String::new(),
    }),
    ("confidence", |of| optional(of.found.confidence)),
    ("right", |of| of.found.right.map(|right| right.to_string()).unwrap_or_default()),
    ("source", |of| of.source.to_owned()),
];

fn headings<Cell>(columns: &'static [(&'static str, Cell)]) -> impl Iterator<Item = String> {
    columns.iter().map(|(heading, _)| (*heading).to_owned())
}

/// Writes the records of tables: of every round the reconstruction, or what the attack has so far. The class comes last,
/// and says where it was taken from.
pub fn records(records: &[Record], out: &mut dyn Write) -> io::Result<()> {
    row(out, headings(&RECORDS))?;
    for record in records {
        let labels = source(&record.config().attack.labels);
        for found in records::of(record) {
            let run = name(&record.id());
            for (at, cells) in found.rows.rows.iter().enumerate() {
                let truth = found.truth.and_then(|truth| truth.rows.get(at));
                let fields =
                    found.rows.fields.iter().zip(&cells.cells).enumerate().map(|(i, (field, cell))| {
                        (field.name.as_str(), cell, truth.and_then(|truth| truth.cells.get(i)), "")
                    });
                let class = cells.label.as_ref().map(|cell| {
                    let truth = truth.and_then(|truth| truth.label.as_ref());
                    (found.rows.target.as_str(), cell, truth, labels.as_str())
                });
                for (field, cell, truth, source) in fields.chain(class) {
                    let (round, iteration) = (found.round, found.iteration);
                    let of = OfRecord { run: &run, round, iteration, at, field, found: cell, truth, source };
                    row(out, RECORDS.iter().map(|(_, cell)| cell(&of)))?;
                }
            }
        }
    }
    Ok(())
}

fn said(cell: &Cell) -> String {
    match &cell.value {
        Value::Number(number) => Number(*number).to_string(),
        Value::Word(word) => name(word),
    }
}

/// Writes the table of metrics. A round that is not complete has the figures of its shown trial so far; a run
/// without rounds has one row without figures.
pub fn metrics(records: &[Record], out: &mut dyn Write) -> io::Result<()> {
    let figures = FIGURES.iter().flat_map(|figure| {
        let key = figure.word.key;
        let spread = figure.is_of_samples().then(|| [format!("{key}_best"), format!("{key}_worst")]);
        std::iter::once(key.to_owned()).chain(spread.into_iter().flatten())
    });
    row(out, headings(&BEFORE).chain(figures).chain(headings(&AFTER)))?;
    for record in records {
        if record.state.rounds.is_empty() {
            metrics_row(&Row { record, round: None, measured: Measured::default() }, out)?;
        }
        for round in &record.state.rounds {
            metrics_row(&Row { record, round: Some(round), measured: record.state.measured(round) }, out)?;
        }
    }
    Ok(())
}

fn metrics_row(of: &Row, out: &mut dyn Write) -> io::Result<()> {
    let figures = FIGURES.iter().flat_map(|figure| {
        let spread = figure.spread(&of.measured);
        let of_samples = [spread.map(|spread| spread.best), spread.map(|spread| spread.worst)].map(optional);
        let of_samples = figure.is_of_samples().then_some(of_samples);
        std::iter::once(cell(figure, figure.value(&of.measured))).chain(of_samples.into_iter().flatten())
    });
    let filled = |columns: &'static [Column]| columns.iter().map(|(_, cell)| cell(of));
    row(out, filled(&BEFORE).chain(figures).chain(filled(&AFTER)))
}

/// Writes every point of every curve, trial by trial as they were computed, without loading the logs: each is read
/// once for what takes back earlier points, and once for the points.
pub fn curves(records: &[Record], out: &mut dyn Write) -> Result<(), ExportError> {
    row(out, headings(&CURVES))?;
    records.iter().try_for_each(|record| curves_of(record, out))
}

fn curves_of(record: &Record, out: &mut dyn Write) -> Result<(), ExportError> {
    let cuts = Cuts::read(record)?;
    let run = name(&record.id());
    let mut line_number = 0;
    each_line(record, |line| {
        line_number += 1;
        let Event::Progress { round, trial, points, .. } = line.event else { return Ok(()) };
        if line_number > cuts.lines {
            return Ok(());
        }
        for point in points {
            if cuts.void(line_number, round, trial, point.iteration) {
                continue;
            }
            let on = OnCurve { run: &run, round, trial, seconds: line.t, point };
            row(out, CURVES.iter().map(|(_, cell)| cell(&on)))?;
        }
        Ok(())
    })
}

/// What takes back points that the log already holds: a worker that went on from a checkpoint, or began a trial anew.
/// The rules are those of [`RunState`](crate::run::RunState).
#[derive(Debug, Default)]
struct Cuts {
    /// Lines of the log that were looked at.
    lines: u64,
    /// Rounds in the order they began.
    rounds: Vec<u32>,
    cuts: Vec<Cut>,
}

/// Points before line `line` that lie behind `iteration` of this trial are void.
#[derive(Debug)]
struct Cut {
    line: u64,
    round: u32,
    trial: usize,
    iteration: usize,
}

impl Cuts {
    fn read(record: &Record) -> Result<Cuts, ExportError> {
        let mut cuts = Cuts::default();
        // How far the curves go: place of the round, trial, iteration.
        let mut reached = (0, 0, 0);
        each_line(record, |line| {
            cuts.lines += 1;
            let (round, trial, iteration) = match line.event {
                Event::Round { round, .. } => {
                    cuts.begin(round);
                    return Ok(());
                }
                Event::Trial { round, trial, .. } => (round, trial, 0),
                Event::Resumed { round, trial, iteration } => (round, trial, iteration),
                Event::Progress { round, trial, points, .. } => {
                    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Ok(()) };
                    // A round whose announcement is lost, but never the first.
                    if !cuts.rounds.is_empty() {
                        cuts.begin(round);
                    }
                    let Some(at) = cuts.place(round) else { return Ok(()) };
                    let before = reached;
                    reached = (at, trial, last.iteration);
                    // Points that go back come from a resume whose line is lost.
                    if before < (at, trial, first.iteration) {
                        return Ok(());
                    }
                    (round, trial, first.iteration.saturating_sub(1))
                }
                _ => return Ok(()),
            };
            cuts.cuts.push(Cut { line: cuts.lines, round, trial, iteration });
            Ok(())
        })?;
        Ok(cuts)
    }

    fn begin(&mut self, round: u32) {
        if self.place(round).is_none() {
            self.rounds.push(round);
        }
    }

    fn place(&self, round: u32) -> Option<usize> {
        self.rounds.iter().position(|known| *known == round)
    }

    /// Whether a later line takes this point back, or its round was never announced.
    fn void(&self, line: u64, round: u32, trial: usize, iteration: usize) -> bool {
        let Some(at) = self.place(round) else { return true };
        let mut later = self.cuts.iter().rev().take_while(|cut| cut.line > line);
        later.any(|cut| {
            self.place(cut.round)
                .is_some_and(|of_cut| (at, trial, iteration) > (of_cut, cut.trial, cut.iteration))
        })
    }
}

fn each_line(
    record: &Record,
    mut each: impl FnMut(crate::run::Line) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let mut tail = Tail::new(record.directory.events_path());
    loop {
        let batch = tail.read().map_err(|e| RunError::io("read", tail.path(), e))?;
        if batch.restarted {
            let replaced = io::Error::other("it was replaced while it was read; try again");
            return Err(RunError::io("read", tail.path(), replaced).into());
        }
        batch.lines.into_iter().try_for_each(&mut each)?;
        if !batch.more {
            return Ok(());
        }
    }
}

fn row(out: &mut dyn Write, cells: impl IntoIterator<Item = String>) -> io::Result<()> {
    for (i, cell) in cells.into_iter().enumerate() {
        if i > 0 {
            out.write_all(b",")?;
        }
        out.write_all(quoted(&cell).as_bytes())?;
    }
    out.write_all(b"\n")
}

/// A word that came from outside.
fn name(text: &str) -> String {
    text::cell(text).into_owned()
}

fn quoted(cell: &str) -> Cow<'_, str> {
    if cell.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\"")).into()
    } else {
        cell.into()
    }
}

/// The shortest text that is read back as the same number.
struct Number(f64);

impl Display for Number {
    fn fmt(&self, text: &mut Formatter<'_>) -> fmt::Result {
        if self.0.is_nan() { text.write_str("nan") } else { write!(text, "{:?}", self.0) }
    }
}

/// A figure: what is counted is a whole number.
fn cell(figure: &Figure, value: Option<f64>) -> String {
    match figure.form {
        Form::Count => value.map(|count| count.to_string()).unwrap_or_default(),
        _ => optional(value),
    }
}

fn optional(value: Option<f64>) -> String {
    value.map(|value| Number(value).to_string()).unwrap_or_default()
}
