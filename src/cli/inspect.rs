//! `gialab inspect FILE`: what a file of weights holds, and which built-in model it fits.

use std::io::Write;
use std::path::PathBuf;

use gialab::checkpoint::{Checkpoint, Fit, Misshapen, Statistics, Table, sizes};
use gialab::model::TensorSpec;
use gialab::text::one_line;
use serde::Serialize;

use super::{Context, DONE, output};

#[derive(clap::Args)]
pub struct Arguments {
    /// Weights as .safetensors, PyTorch (.pth, .pt, .th) or .npz; what it is is told from its content
    file: PathBuf,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// All that is reported. Names and meanings of the fields stay; more may come.
#[derive(Serialize)]
struct Report<'a> {
    file: String,
    format: &'static str,
    sha256: &'a str,
    /// Scalars of all tensors.
    values: usize,
    /// Without running statistics.
    parameters: usize,
    /// Entries that are no tensors.
    others: usize,
    tensors: Vec<Row<'a>>,
    model: Option<Model<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    dtype: &'static str,
    shape: &'a [usize],
    #[serde(flatten)]
    statistics: Statistics,
}

/// The built-in model that fits best.
#[derive(Serialize)]
struct Model<'a> {
    name: &'static str,
    classes: usize,
    input: [usize; 3],
    /// Nothing differs.
    exact: bool,
    /// Taken off the names in the file.
    prefix: &'a str,
    matched: usize,
    missing: Vec<Named<'a>>,
    unexpected: Vec<Named<'a>>,
    misshapen: Vec<Shapes<'a>>,
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    shape: &'a [usize],
}

#[derive(Serialize)]
struct Shapes<'a> {
    name: &'a str,
    expected: &'a [usize],
    found: &'a [usize],
    transposed: bool,
}

pub fn run(_: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let checkpoint = Checkpoint::open(&arguments.file.to_string_lossy())?;
    let fit = checkpoint.fit();
    let report = Report::new(arguments, &checkpoint, fit.as_ref());
    let mut out = output::whole(arguments.json);
    if arguments.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        report.print(&mut out)?;
        model(&mut out, fit.as_ref())?;
    }
    out.flush()?;
    Ok(DONE)
}

impl<'a> Report<'a> {
    fn new(arguments: &Arguments, checkpoint: &'a Checkpoint, fit: Option<&'a Fit>) -> Report<'a> {
        let tensors = checkpoint.tensors.iter().map(|tensor| Row {
            name: &tensor.name,
            dtype: tensor.dtype.name(),
            shape: &tensor.shape,
            statistics: Statistics::of(&tensor.values),
        });
        Report {
            file: arguments.file.display().to_string(),
            format: checkpoint.format.name(),
            sha256: &checkpoint.sha256,
            values: checkpoint.count(),
            parameters: checkpoint.parameter_count(),
            others: checkpoint.others,
            tensors: tensors.collect(),
            model: fit.map(Model::new),
        }
    }

    fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        writeln!(out, "file     {}", self.file)?;
        writeln!(out, "format   {}", self.format)?;
        writeln!(out, "sha256   {}", self.sha256)?;
        let parameters = match self.values - self.parameters {
            0 => "all parameters".to_owned(),
            _ => format!("{} of them parameters", self.parameters),
        };
        let others = match self.others {
            0 => String::new(),
            1 => ", and 1 entry that is no tensor".to_owned(),
            count => format!(", and {count} entries that are no tensors"),
        };
        writeln!(out, "tensors  {}, {} values, {parameters}{others}\n", self.tensors.len(), self.values)?;
        let names: Vec<String> = self.tensors.iter().map(|row| one_line(row.name).into_owned()).collect();
        let shapes: Vec<String> = self.tensors.iter().map(|row| sizes(row.shape)).collect();
        let wide = |column: &[String], title: &str| {
            column.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(title.len())
        };
        let (name, shape) = (wide(&names, "name"), wide(&shapes, "shape"));
        writeln!(
            out,
            "{:<name$}  {:<5} {:<shape$} {:>9} {:>10} {:>9} {:>10} {:>10}",
            "name", "dtype", "shape", "count", "mean", "std", "min", "max"
        )?;
        for (row, (title, sizes)) in self.tensors.iter().zip(names.iter().zip(&shapes)) {
            let s = &row.statistics;
            writeln!(
                out,
                "{title:<name$}  {:<5} {sizes:<shape$} {:>9} {:>10} {:>9} {:>10} {:>10}{}",
                row.dtype,
                s.count,
                figure(s.mean),
                figure(s.std),
                figure(s.min),
                figure(s.max),
                s.not_finite().map(|what| format!("  {what}")).unwrap_or_default()
            )?;
        }
        let bad: Vec<&Row> =
            self.tensors.iter().filter(|row| row.statistics.not_finite().is_some()).collect();
        if let Some(first) = bad.first() {
            let (name, tensors) = (one_line(first.name), bad.len());
            writeln!(
                out,
                "\nnot finite in {tensors} of the tensors, first in {name}: no victim can have these weights"
            )?;
        }
        Ok(())
    }
}

impl<'a> Model<'a> {
    fn new(fit: &'a Fit) -> Model<'a> {
        let Table { prefix, matched, missing, unexpected, misshapen } = &fit.table;
        fn named(specs: &[TensorSpec]) -> Vec<Named<'_>> {
            specs.iter().map(|spec| Named { name: &spec.name, shape: &spec.shape }).collect()
        }
        let shapes = |m: &'a Misshapen| Shapes {
            name: &m.name,
            expected: &m.expected,
            found: &m.found,
            transposed: m.is_transposed(),
        };
        Model {
            name: fit.architecture,
            classes: fit.classes,
            input: fit.input,
            exact: fit.table.is_exact(),
            prefix,
            matched: *matched,
            missing: named(missing),
            unexpected: named(unexpected),
            misshapen: misshapen.iter().map(shapes).collect(),
        }
    }
}

/// Which built-in model it is, with the table of what differs.
fn model(out: &mut impl Write, fit: Option<&Fit>) -> std::io::Result<()> {
    let Some(fit) = fit else {
        return writeln!(out, "\nno built-in model is like it, by names (PyTorch's) and shapes");
    };
    let table = &fit.table;
    writeln!(out)?;
    if table.is_exact() {
        writeln!(out, "fits {} exactly", fit.name())?;
    } else {
        writeln!(out, "looks like {}, but differs", fit.name())?;
    }
    if !table.prefix.is_empty() {
        writeln!(out, "with {} taken off the names", one_line(&table.prefix))?;
    }
    if table.is_exact() {
        return Ok(());
    }
    writeln!(out, "\n{:<12} name", "")?;
    writeln!(out, "{:<12} {} tensors", "matched", table.matched)?;
    for spec in &table.missing {
        writeln!(out, "{:<12} {} {}", "missing", one_line(&spec.name), sizes(&spec.shape))?;
    }
    for spec in &table.unexpected {
        writeln!(out, "{:<12} {} {}", "unexpected", one_line(&spec.name), sizes(&spec.shape))?;
    }
    for m in &table.misshapen {
        let kind = if m.is_transposed() { "transposed" } else { "other shape" };
        writeln!(out, "{kind:<12} {} {}, not {}", one_line(&m.name), sizes(&m.found), sizes(&m.expected))?;
    }
    Ok(())
}

/// Four significant digits in ten columns; `n/a` without finite values.
fn figure(value: f64) -> String {
    match value.abs() {
        size if size.is_nan() => "n/a".to_owned(),
        0.0 => "0".to_owned(),
        0.001..10_000.0 => format!("{value:.4}"),
        _ => format!("{value:.2e}"),
    }
}
