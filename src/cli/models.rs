//! `gialab models`: the models there are, with their size and what the size says about an attack.

use std::io::Write;

use gialab::config::{BatchNormMode, ModelOptions};
use gialab::model::ARCHITECTURES;
use gialab::probe::Dimension;
use gialab::text::grouped;
use serde::Serialize;

use super::DONE;

#[derive(clap::Args)]
pub struct Arguments {
    /// Side of the images in pixels
    #[arg(long, value_name = "N", default_value_t = 32, allow_hyphen_values = true,
        value_parser = clap::value_parser!(u16).range(1..=512))]
    size: u16,
    /// Channels of the images: 1 is grey, 3 is colour
    #[arg(long, value_name = "N", default_value_t = 3, allow_hyphen_values = true,
        value_parser = clap::value_parser!(u8).range(1..=3))]
    channels: u8,
    /// Outputs of the model
    #[arg(long, value_name = "N", default_value_t = 10, allow_hyphen_values = true,
        value_parser = clap::value_parser!(u32).range(2..=100_000))]
    classes: u32,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// One model in the JSON array.
#[derive(Serialize)]
struct Row {
    model: &'static str,
    about: &'static str,
    options: &'static [&'static str],
    /// Trainable scalars, P.
    parameters: Option<usize>,
    /// Of one sample's forward pass.
    multiply_adds: Option<u64>,
    /// The largest batch with no more unknowns than equations, B d <= P_eff.
    batch_bound: Option<usize>,
    /// Why it does not fit the images.
    misfit: Option<String>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let side = usize::from(arguments.size);
    let input = [usize::from(arguments.channels), side, side];
    let rows: Vec<Row> = ARCHITECTURES
        .iter()
        .map(|architecture| {
            let net = architecture.net(&ModelOptions::default(), input, arguments.classes as usize);
            let (net, misfit) = match net {
                Ok(net) => (Some(net), None),
                Err(reason) => (None, Some(reason)),
            };
            Row {
                model: architecture.name,
                about: architecture.about,
                options: architecture.switches,
                parameters: net.as_ref().map(|net| net.parameter_count()),
                multiply_adds: net.as_ref().map(|net| net.multiply_adds()),
                batch_bound: net.as_ref().map(|net| {
                    let Dimension { informative, input, .. } = Dimension::of(net, BatchNormMode::Eval, 1);
                    informative / input
                }),
                misfit,
            }
        })
        .collect();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    if arguments.json {
        serde_json::to_writer(&mut out, &rows)?;
        writeln!(out)?;
    } else {
        table(&mut out, &rows)?;
        let [channels, height, width] = input;
        writeln!(out, "\nimages of {channels}x{height}x{width}, {} classes", arguments.classes)?;
        writeln!(
            out,
            "a larger batch than B has more pixels than the gradient has numbers: many batches share"
        )?;
        writeln!(out, "one gradient then; that a batch is not larger proves nothing")?;
    }
    out.flush()?;
    Ok(DONE)
}

fn table(out: &mut impl Write, rows: &[Row]) -> std::io::Result<()> {
    let width = rows.iter().map(|row| row.model.len()).max().unwrap_or(0);
    writeln!(out, "{:<width$}  {:>11}  {:>12}  {:>6}  about", "model", "parameters", "multiply-add", "B")?;
    for row in rows {
        let number = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), grouped);
        writeln!(
            out,
            "{:<width$}  {:>11}  {:>12}  {:>6}  {}",
            row.model,
            number(row.parameters.map(|count| count as u64)),
            row.multiply_adds.map_or_else(|| "-".to_owned(), short),
            number(row.batch_bound.map(|bound| bound as u64)),
            row.misfit.as_deref().unwrap_or(row.about),
        )?;
    }
    Ok(())
}

/// Three digits or so with a unit.
fn short(value: u64) -> String {
    match value {
        0..10_000_000 => format!("{:.2} M", value as f64 / 1e6),
        10_000_000..1_000_000_000 => format!("{:.0} M", value as f64 / 1e6),
        _ => format!("{:.2} G", value as f64 / 1e9),
    }
}
