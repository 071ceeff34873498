//! `gialab bench`: the standard workloads on this machine, each in a process of its own.

use std::io::Write;
use std::process::Command;

use anyhow::Context as _;
use gialab::backend::{self, BackendError, Compute, Precision};
use gialab::bench::{Measurement, Workload, large, matrix_product_peak, series, workloads};
use gialab::calibration::Calibration;
use serde::Serialize;

use super::{DONE, computing};

#[derive(clap::Args)]
pub struct Arguments {
    /// Where to compute; auto is the device, if there is one
    #[arg(long, default_value = "auto", value_parser = backend::NAMES)]
    backend: String,
    #[command(flatten)]
    device: computing::Device,
    /// Measure on every backend that can be used here, side by side
    #[arg(long, conflicts_with = "backend")]
    compare: bool,
    /// Measure how the time grows with batch, pixels, parameters, local steps and trials
    #[arg(long, conflicts_with_all = ["workload", "compare"])]
    scale: bool,
    /// Width of floats
    #[arg(long, default_value = "f32", value_parser = Precision::NAMES)]
    precision: String,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
    /// Measure only this workload; can be given several times
    #[arg(long, value_name = "NAME")]
    workload: Vec<String>,
    /// Evaluations to time, 2 or more
    #[arg(long, default_value_t = 30, allow_hyphen_values = true,
        value_parser = clap::value_parser!(u32).range(2..=100_000))]
    evaluations: u32,
    /// Seed of weights, samples and guesses
    #[arg(long, default_value_t = 0, allow_hyphen_values = true)]
    seed: u64,
    /// Measure one workload in this process and print its JSON object
    #[arg(long, hide = true)]
    inside: bool,
    /// Measure how fast this machine is next to the reference machine, and print a JSON object;
    /// null while it is busy
    #[arg(long, hide = true)]
    calibrate: bool,
}

/// A measurement with the share of what the machine can do.
#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    measurement: Measurement,
    gflop_per_second: f64,
    peak_gflop_per_second: f64,
    share_of_peak: f64,
}

impl Arguments {
    /// The backend that was asked for.
    fn asked(&self) -> anyhow::Result<Compute> {
        let backend = match self.backend.as_str() {
            "auto" if backend::has_device() => "cuda",
            backend => backend,
        };
        Ok(self.compute(&self.device.of(backend)?)?)
    }

    /// One of those that can be used, on the device that was asked for.
    fn compute(&self, backend: &str) -> Result<Compute, BackendError> {
        let backend = match backend {
            "cuda" => &backend::one_of(backend, self.device.number()),
            backend => backend,
        };
        Compute::select(backend, Precision::named(&self.precision).unwrap_or_default())
    }
}

impl Row {
    fn new(measurement: Measurement, peak: f64) -> Row {
        let speed = measurement.gflop_per_evaluation / (measurement.ms_per_evaluation / 1e3);
        Row { measurement, gflop_per_second: speed, peak_gflop_per_second: peak, share_of_peak: speed / peak }
    }
}

pub fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    if arguments.calibrate {
        let compute = arguments.asked()?;
        serde_json::to_writer(std::io::stdout(), &Calibration::measure(&compute))?;
        return Ok(DONE);
    }
    let standard = workloads();
    let grown = series().into_iter().flat_map(|(_, points)| points).map(|(_, workload)| workload);
    let grown: Vec<Workload> = grown.chain([large()]).collect();
    // The first points of series are standard ones.
    let known = || standard.iter().chain(grown.iter().filter(|grown| !standard.contains(grown)));
    let names: Vec<&str> = standard.iter().map(|workload| workload.name.as_str()).collect();
    if let Some(unknown) = arguments.workload.iter().find(|name| !known().any(|w| w.name == **name)) {
        anyhow::bail!("there is no workload \"{unknown}\"; use one of {}", names.join(", "));
    }
    let wanted =
        |workload: &&Workload| arguments.workload.is_empty() || arguments.workload.contains(&workload.name);
    if arguments.inside {
        let compute = arguments.asked()?;
        let workload = known().find(wanted).context("no workload was named")?;
        let mut workload = workload.clone();
        workload.seed = arguments.seed;
        let measurement = workload.measure(&compute, arguments.evaluations as usize)?;
        let measurement = measurement.context("the workload's model cannot be built")?;
        serde_json::to_writer(std::io::stdout(), &measurement)?;
        return Ok(DONE);
    }
    let rows = if arguments.scale {
        scale(arguments)?
    } else if arguments.compare {
        compare(arguments, standard.iter().filter(wanted))?
    } else if arguments.workload.is_empty() {
        table(arguments, &standard.iter().collect::<Vec<_>>())?
    } else {
        table(arguments, &known().filter(wanted).collect::<Vec<_>>())?
    };
    if arguments.json {
        let mut out = std::io::stdout();
        serde_json::to_writer(&mut out, &rows)?;
        writeln!(out)?;
    }
    Ok(DONE)
}

/// One backend, with what it reaches of the machine's matrix products.
fn table(arguments: &Arguments, workloads: &[&Workload]) -> anyhow::Result<Vec<Row>> {
    let compute = arguments.asked()?;
    let peak = matrix_product_peak(&compute);
    let mut out = std::io::stdout();
    if !arguments.json {
        writeln!(out, "{}; matrix product {peak:.0} GFLOP/s", compute.description())?;
        writeln!(
            out,
            "{:<22} {:>12} {:>10} {:>11} {:>9} {:>7} {:>8} {:>8}",
            "workload", "ms/eval", "first ms", "GFLOP/eval", "GFLOP/s", "share", "peak MB", "error"
        )?;
    }
    let mut rows = Vec::new();
    for workload in workloads {
        let row = Row::new(measure_apart(&workload.name, compute.name(), arguments)?, peak);
        if !arguments.json {
            let Row { measurement, gflop_per_second, share_of_peak, .. } = &row;
            writeln!(
                out,
                "{:<22} {:>12.3} {:>10.1} {:>11.3} {gflop_per_second:>9.1} {:>6.0}% {:>8} {:>8}",
                measurement.workload,
                measurement.ms_per_evaluation,
                measurement.ms_first,
                measurement.gflop_per_evaluation,
                100.0 * share_of_peak,
                memory(measurement),
                error(measurement),
            )?;
        }
        rows.push(row);
    }
    Ok(rows)
}

/// Every backend that can be used here: milliseconds, and ratios to flex.
fn compare<'a>(
    arguments: &Arguments,
    workloads: impl Iterator<Item = &'a Workload>,
) -> anyhow::Result<Vec<Row>> {
    let mut out = std::io::stdout();
    let mut usable = Vec::new();
    for (name, reason) in backend::availability().into_iter().filter(|(name, _)| *name != "auto") {
        match reason {
            None => {
                let compute = arguments.compute(name)?;
                usable.push((name, matrix_product_peak(&compute)));
                if !arguments.json {
                    writeln!(out, "{}", compute.description())?;
                }
            }
            Some(reason) if !arguments.json => writeln!(out, "{name}: {reason}")?,
            Some(_) => {}
        }
    }
    if !arguments.json {
        write!(out, "{:<22}", "ms/eval (flex=1) error")?;
        usable.iter().try_for_each(|(name, _)| write!(out, " {name:>26}"))?;
        writeln!(out)?;
    }
    let mut rows = Vec::new();
    for workload in workloads {
        let mut first = None;
        if !arguments.json {
            write!(out, "{:<22}", workload.name)?;
        }
        for (name, peak) in &usable {
            let measurement = measure_apart(&workload.name, name, arguments)?;
            let milliseconds = measurement.ms_per_evaluation;
            let ratio = milliseconds / *first.get_or_insert(milliseconds);
            if !arguments.json {
                let cell = format!("{milliseconds:.2} ({ratio:.2}) {}", error(&measurement));
                write!(out, " {cell:>26}")?;
                out.flush()?;
            }
            rows.push(Row::new(measurement, *peak));
        }
        if !arguments.json {
            writeln!(out)?;
        }
    }
    Ok(rows)
}

/// Each series by itself: how time and memory grow against the first point.
fn scale(arguments: &Arguments) -> anyhow::Result<Vec<Row>> {
    let compute = arguments.asked()?;
    let peak = matrix_product_peak(&compute);
    let mut out = std::io::stdout();
    let mut rows = Vec::new();
    if !arguments.json {
        writeln!(out, "{}; exponent: time grows as the quantity to this power", compute.description())?;
    }
    for (quantity, points) in series() {
        if !arguments.json {
            writeln!(
                out,
                "\n{quantity:<12} {:>12} {:>12} {:>9} {:>8}",
                "ms/eval", "times first", "exponent", "peak MB"
            )?;
        }
        let mut before: Option<(f64, f64)> = None;
        let mut first = None;
        for (value, workload) in points {
            let measurement = measure_apart(&workload.name, compute.name(), arguments)?;
            let milliseconds = measurement.ms_per_evaluation;
            let times = milliseconds / *first.get_or_insert(milliseconds);
            if !arguments.json {
                let exponent = before.map_or_else(String::new, |(at, took)| {
                    format!("{:.2}", (milliseconds / took).ln() / (value / at).ln())
                });
                writeln!(
                    out,
                    "{value:<12} {milliseconds:>12.2} {times:>12.2} {exponent:>9} {:>8}",
                    memory(&measurement)
                )?;
            }
            before = Some((value, milliseconds));
            rows.push(Row::new(measurement, peak));
        }
    }
    Ok(rows)
}

/// See [`Measurement::error`].
fn error(measurement: &Measurement) -> String {
    measurement.error.map_or_else(|| "n/a".to_owned(), |error| format!("{error:.0e}"))
}

fn memory(measurement: &Measurement) -> String {
    measurement.peak_rss_mb.map_or_else(|| "n/a".to_owned(), |mb| format!("{mb:.0}"))
}

/// Peak memory is a figure of a process, so each workload gets one.
fn measure_apart(workload: &str, backend: &str, arguments: &Arguments) -> anyhow::Result<Measurement> {
    let output = Command::new(std::env::current_exe()?)
        .args(["bench", "--inside", "--workload", workload, "--backend", backend])
        .args(arguments.device.number().filter(|_| backend == "cuda").map(|n| format!("--device={n}")))
        .args(["--evaluations", &arguments.evaluations.to_string(), "--precision", &arguments.precision])
        .args(["--seed", &arguments.seed.to_string()])
        .output()?;
    if !output.status.success() {
        anyhow::bail!("{workload} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
