//! `gialab probe PRESET`: what the gradient of a preset's model gives away of its data, without an attack.

use std::io::{IsTerminal, Write};

use anyhow::Context as _;
use gialab::config::{RunConfig, preset};
use gialab::data;
use gialab::fl::{Server, Victim};
use gialab::format::{self, number};
use gialab::probe::gradient::{self, Figures};
use gialab::probe::{Dimension, Quartiles, Rank, Samples, Settings, Smoothness, dimension, igsa, rank};
use gialab::run::launch::BeginError;
use gialab::run::plan;
use gialab::seed::Seed;
use gialab::{attack, backend};
use serde::Serialize;

use super::{Context, DONE, complete, computing, output, show};

#[derive(clap::Args)]
pub struct Arguments {
    /// A shipped preset (see `gialab presets`), one of yours, or a preset file
    #[arg(add = complete::presets())]
    preset: String,
    /// Change a setting, as victim.model=resnet20; can be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", add = complete::settings())]
    changes: Vec<String>,
    /// How many samples are probed, evenly spread over the data set (those of the model's classes)
    #[arg(long, value_name = "N", default_value_t = 32, allow_hyphen_values = true,
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    samples: u32,
    /// Where to compute
    #[arg(long, default_value = "auto", value_parser = backend::NAMES)]
    backend: String,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// Columns of what goes on in a next line.
const WIDTH: usize = 80;

/// All that is reported. Names and meanings of the fields stay; more may come.
#[derive(Serialize)]
struct Report {
    preset: String,
    data: String,
    model: String,
    state: String,
    /// BatchNorm of the client's update; IGSA is always taken in eval mode.
    batchnorm: &'static str,
    seed: u64,
    backend: &'static str,
    igsa: Igsa,
    dimension: Bound,
    /// Of dg/dX at the preset's batch, in 64 bit; absent with its reason.
    rank: Option<Rank>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_rank: Option<String>,
    /// What counting equations says of R-GAP on this model.
    r_gap: String,
    update: Update,
}

/// gialab's definitions.
#[derive(Serialize)]
struct Igsa {
    samples: usize,
    points: usize,
    sigma: f64,
    probes: usize,
    igsa: Quartiles,
    igsa_rel: Quartiles,
    r_eff: Quartiles,
}

#[derive(Serialize)]
struct Bound {
    parameters: usize,
    informative: usize,
    batch: usize,
    input: usize,
    unknowns: usize,
    verdict: String,
    caveats: &'static str,
}

/// What the client sends in round 0.
#[derive(Serialize)]
struct Update {
    batch: usize,
    #[serde(flatten)]
    total: Figures,
    tensors: Vec<Figures>,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let preset = preset::load(&arguments.preset, &arguments.changes, &context.paths.presets())?;
    let report = probe(&preset.name, &preset.config, arguments)?;
    let mut out = output::whole(arguments.json);
    if arguments.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{}", preset.config.title)?;
        report.print(&mut out)?;
    }
    out.flush()?;
    Ok(DONE)
}

fn probe(name: &str, config: &RunConfig, arguments: &Arguments) -> anyhow::Result<Report> {
    let setup = plan::plan(config).map_err(BeginError::Plan)?.setup;
    show::reading(&mut output::notes(), &setup.reading)?;
    // Looked at before the data is: a captured update may come without.
    let batch = setup.batch.clone().filter(|_| config.victim.captured.is_none());
    let batch =
        batch.context("a captured update has no client to probe; use a preset with victim.data alone")?;
    let compute = computing::choose(&arguments.backend, config, &setup.net)?;
    let set = data::open(&config.victim.data)?;
    // A model may have fewer outputs than the set has classes.
    let known = |&i: &usize| set.label(i).is_some_and(|label| label < setup.net.labels());
    let candidates: Vec<usize> = (0..set.len()).filter(known).collect();
    let count = candidates.len().min(arguments.samples as usize);
    let spread: Vec<usize> = (0..count).map(|i| candidates[i * candidates.len() / count]).collect();
    let samples = set.batch(&spread, config.victim.size)?;
    let input = setup.normalisation.apply(&samples.images);
    let deviation = setup.normalisation.deviation_of(&set.normalisation());
    let seed = Seed(config.run.seed);

    let model = Server::new(&setup, config, compute.clone()).model;
    let own = setup.normalisation.apply(&batch.images);
    let rank = rank::rank(&model, config.victim.mode, &own, &batch.labels, seed);
    let victim = Victim::new(batch, setup.normalisation, setup.posts, config, compute.clone());
    let view = victim.view(&model, victim.send(&model, 0), 0);
    let batch = view.update.samples;
    let bound = Dimension::of(&model.net, config.victim.mode, batch);
    let tensors = gradient::tensors(&view.update.values);
    let settings = Settings::default();
    let samples = Samples { input: &input, labels: &samples.labels, deviation: &deviation };
    let found = igsa::probe(&compute, &view.model, samples, settings, seed, progress);
    let quartiles = |figure: fn(&Smoothness) -> f64| Quartiles::of(found.iter().map(figure));
    Ok(Report {
        preset: name.to_owned(),
        data: config.victim.data.clone(),
        model: config.victim.model.clone(),
        state: config.training(),
        batchnorm: config.victim.batch_norm(),
        seed: seed.0,
        backend: compute.name(),
        igsa: Igsa {
            samples: count,
            points: settings.points,
            sigma: settings.sigma,
            probes: settings.probes,
            igsa: quartiles(|found| found.igsa),
            igsa_rel: quartiles(|found| found.igsa_rel),
            r_eff: quartiles(|found| found.r_eff),
        },
        dimension: Bound {
            parameters: bound.parameters,
            informative: bound.informative,
            batch: bound.samples,
            input: bound.input,
            unknowns: bound.unknowns(),
            verdict: bound.verdict(),
            caveats: dimension::CAVEATS,
        },
        no_rank: rank.as_ref().err().cloned(),
        rank: rank.ok(),
        r_gap: attack::r_gap_by_count(&model.net),
        update: Update { batch, total: gradient::total(&tensors), tensors },
    })
}

/// One line that is rewritten, for a person only.
fn progress(done: usize, all: usize) {
    let mut out = std::io::stderr();
    if !out.is_terminal() {
        return;
    }
    // A terminal that goes away takes nothing with it.
    let _ = match done == all {
        true => write!(out, "\r\x1b[K"),
        false => write!(out, "\rprobing, pass {done} of {all}"),
    };
    let _ = out.flush();
}

impl Report {
    fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        let Igsa { samples, points, sigma, probes, .. } = self.igsa;
        writeln!(out, "victim   {}, {} {}, BatchNorm {}", self.data, self.model, self.state, self.batchnorm)?;
        writeln!(out, "backend  {}, seed {}\n", self.backend, self.seed)?;
        writeln!(out, "{:<9} {:>10}  quartiles", "", "median")?;
        let figures =
            [("IGSA", self.igsa.igsa), ("IGSA_rel", self.igsa.igsa_rel), ("r_eff", self.igsa.r_eff)];
        for (name, figure) in figures {
            let Quartiles { lower, median, upper } = figure;
            writeln!(out, "{name:<9} {:>10}  {} to {}", number(median), number(lower), number(upper))?;
        }
        writeln!(
            out,
            "\ngialab's definitions, over {samples} samples, each alone: true label, BatchNorm in eval\n\
             mode, S = {points} copies with noise of {sigma} deviations of the data, m = {probes} cotangents each.\n\
             IGSA = 1 / mean |d gradient / d input|: higher is smoother, meant to be easier to\n\
             invert (a hypothesis). IGSA_rel leaves out the scales of loss, weights and input.\n\
             r_eff: input directions that show in the gradient."
        )?;
        let Bound { parameters, batch, input, verdict, caveats, .. } = &self.dimension;
        writeln!(out, "\ndimension  P = {parameters}, B = {batch}, d = {input}; {verdict}")?;
        writeln!(out, "           ({caveats})")?;
        let rank = self.rank.map(|rank| rank.verdict()).or_else(|| self.no_rank.clone()).unwrap_or_default();
        for (name, words) in [("local rank", &rank), ("R-GAP", &self.r_gap)] {
            for (at, line) in format::wrapped(words, WIDTH).iter().enumerate() {
                writeln!(out, "{:<10} {line}", if at == 0 { name } else { "" })?;
            }
        }
        let Update { batch, total, tensors } = &self.update;
        writeln!(out, "\nupdate of the preset's batch of {batch}")?;
        let width = tensors.iter().map(|tensor| tensor.name.len()).max().unwrap_or(0).max(6);
        writeln!(out, "{:<width$}  {:>10}  {:>10}  {:>7}", "tensor", "count", "norm", "zeros")?;
        for Figures { name, count, norm, zeros } in tensors.iter().chain([total]) {
            writeln!(out, "{name:<width$}  {count:>10}  {:>10}  {:>5.1} %", number(*norm), 100.0 * zeros)?;
        }
        Ok(())
    }
}
