//! `gialab bench`: the standard workloads on this machine, each in a process of its own.

use std::io::Write;
use std::process::Command;

use anyhow::Context as _;
use gialab::backend::{self, Compute, Precision};
use gialab::bench::{Measurement, WORKLOADS, matrix_product_peak};
use serde::Serialize;

use super::DONE;

#[derive(clap::Args)]
pub struct Arguments {
    /// Where to compute
    #[arg(long, default_value = "auto", value_parser = backend::NAMES)]
    backend: String,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
    /// Measure only this workload; can be given several times
    #[arg(long, value_name = "NAME")]
    workload: Vec<String>,
    /// Evaluations to time, 2 or more
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(2..=100_000))]
    evaluations: u64,
    /// Measure one workload in this process and print its JSON object
    #[arg(long, hide = true)]
    inside: bool,
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

pub fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let names: Vec<&str> = WORKLOADS.iter().map(|workload| workload.name).collect();
    if let Some(unknown) = arguments.workload.iter().find(|name| !names.contains(&name.as_str())) {
        anyhow::bail!("there is no workload \"{unknown}\"; use one of {}", names.join(", "));
    }
    let compute = Compute::select(&arguments.backend, Precision::F32)?;
    let mut out = std::io::stdout();
    let wanted = |name: &str| arguments.workload.is_empty() || arguments.workload.iter().any(|w| w == name);
    let workloads = WORKLOADS.iter().filter(|workload| wanted(workload.name));
    if arguments.inside {
        for workload in workloads {
            let measurement = workload.measure(&compute, arguments.evaluations as usize);
            serde_json::to_writer(&mut out, &measurement.context("the workload's model cannot be built")?)?;
        }
        return Ok(DONE);
    }
    let peak = matrix_product_peak(&compute);
    if !arguments.json {
        writeln!(out, "{}; matrix product {peak:.0} GFLOP/s", compute.description())?;
        writeln!(
            out,
            "{:<16} {:>12} {:>10} {:>11} {:>9} {:>7} {:>8}",
            "workload", "ms/eval", "first ms", "GFLOP/eval", "GFLOP/s", "share", "peak MB"
        )?;
    }
    let mut rows = Vec::new();
    for workload in workloads {
        let measurement = measure_apart(workload.name, compute.name(), arguments.evaluations)?;
        let speed = measurement.gflop_per_evaluation / (measurement.ms_per_evaluation / 1e3);
        if !arguments.json {
            let memory = measurement.peak_rss_mb.map_or_else(|| "n/a".to_owned(), |mb| format!("{mb:.0}"));
            writeln!(
                out,
                "{:<16} {:>12.3} {:>10.1} {:>11.3} {speed:>9.1} {:>6.0}% {memory:>8}",
                measurement.workload,
                measurement.ms_per_evaluation,
                measurement.ms_first,
                measurement.gflop_per_evaluation,
                100.0 * speed / peak,
            )?;
        }
        rows.push(Row {
            measurement,
            gflop_per_second: speed,
            peak_gflop_per_second: peak,
            share_of_peak: speed / peak,
        });
    }
    if arguments.json {
        serde_json::to_writer(&mut out, &rows)?;
        writeln!(out)?;
    }
    Ok(DONE)
}

/// Peak memory is a figure of a process, so each workload gets one.
fn measure_apart(workload: &str, backend: &str, evaluations: u64) -> anyhow::Result<Measurement> {
    let output = Command::new(std::env::current_exe()?)
        .args(["bench", "--inside", "--workload", workload, "--backend", backend])
        .args(["--evaluations", &evaluations.to_string()])
        .output()?;
    if !output.status.success() {
        anyhow::bail!("{workload} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
