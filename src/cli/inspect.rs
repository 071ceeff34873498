//! `gialab inspect FILE`: what a file of weights holds, and which built-in model it fits; with `--update` whether an
//! update is what it is taken for.

mod received;
mod update;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use gialab::model::TensorSpec;
use gialab::text::one_line;
use gialab::weights::{self, Choice, Fit, Misshapen, Statistics, Table, WeightFile, sizes};
use serde::Serialize;

use super::{Context, DONE, output};

/// Most kinds of things left out that are named.
const MAX_KINDS: usize = 8;

/// Options that take the place of a file to look into.
const INSTEAD: [&str; 9] =
    ["update", "weights", "truth", "kind", "batch", "changes", "received", "reference", "other"];

#[derive(clap::Args)]
pub struct Arguments {
    /// Weights as .safetensors, PyTorch (.pth, .pt, .th, .ckpt), pickle or .npz, or the .index.json of several files; what it
    /// is is told from its content
    #[arg(required_unless_present_any = INSTEAD, conflicts_with = "update")]
    file: Option<PathBuf>,
    /// Take tensors by their order where their names are not the model's, and print which is which
    #[arg(long)]
    by_order: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    received: received::Arguments,
    #[command(flatten)]
    update: update::Arguments,
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
    /// The same by kind, as `argparse.Namespace`.
    kinds: &'a BTreeMap<String, usize>,
    /// Places among tensors that hold `None`.
    absent: &'a [String],
    /// Tensors of kinds that are not read.
    unread: Vec<Unread<'a>>,
    /// Whole models, which are not looked into.
    hidden: Vec<Hidden<'a>>,
    tensors: Vec<Row<'a>>,
    model: Option<Model<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    dtype: &'static str,
    #[serde(skip)]
    floats: bool,
    shape: &'a [usize],
    #[serde(flatten)]
    statistics: Statistics,
}

#[derive(Serialize)]
struct Unread<'a> {
    name: &'a str,
    what: &'a str,
}

#[derive(Serialize)]
struct Hidden<'a> {
    name: &'a str,
    class: &'a str,
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
    /// Taken out of the names in the file.
    inner: &'a [&'static str],
    /// The names differ, but the shapes are the model's in this order.
    in_order: bool,
    /// Names in the file and the model's names, where tensors are taken by their order.
    by_order: &'a [(String, String)],
    /// Keys of other parts of the file that fit as well.
    others: &'a [String],
    /// Which of them is meant must be said.
    ambiguous: bool,
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
    if arguments.received.are_given() {
        return received::run(&arguments.received, arguments.json);
    }
    let Some(file) = &arguments.file else {
        return update::run(&arguments.update, arguments.by_order, arguments.json);
    };
    let checkpoint = WeightFile::open(&file.to_string_lossy())?.choosing(choice(arguments.by_order));
    let fit = checkpoint.fit();
    let report = Report::new(file, &checkpoint, fit.as_ref());
    let mut out = output::whole(arguments.json);
    if arguments.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        report.print(&mut out)?;
        model(&mut out, file, fit.as_ref(), arguments.by_order)?;
        report.not_taken(&mut out, fit.as_ref())?;
    }
    out.flush()?;
    Ok(DONE)
}

/// Which tensors are meant.
fn choice(by_order: bool) -> Choice {
    Choice { key: None, by_order }
}

impl<'a> Report<'a> {
    fn new(file: &Path, checkpoint: &'a WeightFile, fit: Option<&'a Fit>) -> Report<'a> {
        let tensors = checkpoint.tensors.iter().map(|tensor| Row {
            name: &tensor.name,
            dtype: tensor.dtype.name(),
            floats: tensor.dtype.is_float(),
            shape: &tensor.shape,
            statistics: Statistics::of(&tensor.values),
        });
        Report {
            file: file.display().to_string(),
            format: checkpoint.format.name(),
            sha256: &checkpoint.sha256,
            values: checkpoint.count(),
            parameters: checkpoint.parameter_count(),
            others: checkpoint.left_out(),
            kinds: &checkpoint.others,
            absent: &checkpoint.absent,
            unread: checkpoint.unread.iter().map(|(name, what)| Unread { name, what: &what.what }).collect(),
            hidden: checkpoint.hidden.iter().map(|it| Hidden { name: &it.name, class: &it.class }).collect(),
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
        writeln!(out, "tensors  {}, {} values, {parameters}{others}", self.tensors.len(), self.values)?;
        if !self.kinds.is_empty() {
            let mut kinds: Vec<(&String, &usize)> = self.kinds.iter().collect();
            kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            let most = kinds.iter().take(MAX_KINDS).map(|(kind, count)| {
                // Classes keep their names.
                let more = **count > 1 && ["number", "flag", "text"].contains(&kind.as_str());
                format!("{count} {}{}", one_line(kind), if more { "s" } else { "" })
            });
            let more = if kinds.len() > MAX_KINDS { ", ..." } else { "" };
            writeln!(out, "left out {}{more}; nothing of it was run", most.collect::<Vec<_>>().join(", "))?;
        }
        for one in &self.unread {
            writeln!(out, "not read {} is {}", one_line(one.name), one.what)?;
        }
        for one in &self.hidden {
            let (name, class) = (one_line(one.name), one.class);
            writeln!(out, "not read {name} is a whole pickled model ({class}); save its state dict")?;
        }
        writeln!(out)?;
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
        Ok(())
    }

    /// What keeps the model from being attacked with these values; what lies beside it does not.
    fn not_taken(&self, out: &mut impl Write, fit: Option<&Fit>) -> std::io::Result<()> {
        let is_inside = |name: &str| fit.is_none_or(|fit| name.starts_with(&fit.table.prefix));
        let is_models = |row: &&Row| is_inside(row.name);
        let absent: Vec<&String> = self.absent.iter().filter(|name| is_inside(name)).collect();
        if let Some(first) = absent.first() {
            writeln!(out, "\n{} are None in the file, first {}", absent.len(), one_line(first))?;
        }
        let bad = |row: &&Row| row.statistics.not_finite().is_some();
        let models = || self.tensors.iter().filter(is_models);
        if let Some(first) = models().find(bad) {
            let (name, tensors) = (one_line(first.name), models().filter(bad).count());
            writeln!(
                out,
                "\nnot finite in {tensors} of the tensors, first in {name}: no victim can have these weights"
            )?;
        } else if let Some(first) = self.tensors.iter().find(bad) {
            let name = one_line(first.name);
            writeln!(
                out,
                "\nnot finite outside of the model, first in {name}: the model's own values are finite"
            )?;
        }
        let integers = |row: &&Row| !row.floats && row.shape.iter().product::<usize>() > 1;
        if fit.is_some()
            && let Some(first) = models().find(integers)
        {
            let (name, dtype) = (one_line(first.name), first.dtype);
            writeln!(
                out,
                "\n{name} holds integers ({dtype}): no victim takes them; multiply quantised values by their scale and \
                 save them as float32"
            )?;
        }
        Ok(())
    }
}

impl<'a> Model<'a> {
    fn new(fit: &'a Fit) -> Model<'a> {
        let Table { prefix, inner, matched, missing, unexpected, misshapen, in_order, .. } = &fit.table;
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
            inner,
            in_order: *in_order,
            by_order: &fit.pairs,
            others: &fit.others,
            ambiguous: fit.ambiguous,
            matched: *matched,
            missing: named(missing),
            unexpected: named(unexpected),
            misshapen: misshapen.iter().map(shapes).collect(),
        }
    }
}

/// Which built-in model it is, with the table of what differs.
fn model(out: &mut impl Write, file: &Path, fit: Option<&Fit>, by_order: bool) -> std::io::Result<()> {
    writeln!(out)?;
    match fit {
        Some(fit) if !fit.pairs.is_empty() => return ordered(out, fit),
        Some(fit) if by_order && fit.table.is_exact() => {
            writeln!(out, "the names fit, so none is taken by order")?
        }
        _ if by_order => writeln!(out, "no built-in model has these shapes in this order")?,
        _ => {}
    }
    let shard = weights::shard(file).map(|(number, count)| {
        format!("it is file {number} of {count}: name their index instead, which ends in .index.json")
    });
    let Some(fit) = fit else {
        writeln!(out, "no built-in model is like it, by names (PyTorch's) and shapes")?;
        return shard.map_or(Ok(()), |shard| writeln!(out, "{shard}"));
    };
    let table = &fit.table;
    if table.in_order {
        return writeln!(
            out,
            "same shapes as {} in this order, under other names: victim.by_order = true (--by-order) takes them so",
            fit.name()
        );
    }
    if table.is_exact() {
        writeln!(out, "fits {} exactly", fit.name())?;
    } else {
        writeln!(out, "looks like {}, but differs", fit.name())?;
    }
    let keys: Vec<String> = fit.others.iter().map(|key| format!("{:?}", one_line(key))).collect();
    if fit.ambiguous {
        let (all, first) = (keys.join(" and "), &keys[0]);
        return writeln!(out, "under {all}: say which one is meant, as victim.weights_key = {first}");
    }
    if !keys.is_empty() {
        let all = keys.join(" and ");
        writeln!(out, "averaged copies under {all} are passed over; victim.weights_key names one")?;
    }
    if !table.prefix.is_empty() {
        writeln!(out, "with {} taken off the names", one_line(&table.prefix))?;
    }
    if !table.inner.is_empty() {
        writeln!(out, "with {} taken out of the names", table.inner.join(", "))?;
    }
    if table.is_exact() {
        return Ok(());
    }
    if let Some(shard) = shard {
        writeln!(out, "{shard}")?;
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

/// Which tensor is taken for which of the model.
fn ordered(out: &mut impl Write, fit: &Fit) -> std::io::Result<()> {
    writeln!(out, "fits {} by order: victim.by_order = true (--by-order) takes\n", fit.name())?;
    let named = |name: &str| one_line(name).into_owned();
    let wide = fit.pairs.iter().map(|(found, _)| named(found).chars().count()).max().unwrap_or(0);
    for (found, own) in &fit.pairs {
        writeln!(out, "{:<wide$}  as {}", named(found), named(own))?;
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
