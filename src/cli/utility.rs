//! `gialab utility PRESET`: what post-processing costs in accuracy.

use std::io::{IsTerminal as _, Write};

use gialab::backend::Compute;
use gialab::config::preset;
use gialab::fl::post::Effect;
use gialab::fl::utility::{Pair, Trained, federation, pair};
use gialab::run::launch::BeginError;
use gialab::run::plan;
use serde::Serialize;

use super::{Context, DONE, complete, output};

#[derive(clap::Args)]
pub struct Arguments {
    /// The preset whose post-processing is measured
    #[arg(add = complete::presets())]
    preset: String,
    /// Change a setting, as federation.learning_rate=0.05; can be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", add = complete::settings())]
    changes: Vec<String>,
    /// Federated rounds that are trained
    #[arg(long, value_name = "N", default_value_t = 100, allow_negative_numbers = true,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rounds: u32,
    /// Pairs of trainings, each with a seed of its own, the preset's and those after it
    #[arg(long, value_name = "N", default_value_t = 3, allow_negative_numbers = true,
        value_parser = clap::value_parser!(u32).range(1..=1000))]
    seeds: u32,
    /// Where to compute
    #[arg(long, value_name = "BACKEND", default_value = "auto", value_parser = gialab::backend::NAMES)]
    backend: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What was measured, in JSON.
#[derive(Serialize)]
struct Document<'a> {
    preset: &'a str,
    post: Vec<String>,
    rounds: u32,
    clients: u32,
    protocol: String,
    learning_rate: f64,
    parameters: usize,
    bytes: u64,
    bytes_without: u64,
    pairs: Vec<Row>,
}

/// A pair of trainings in JSON.
#[derive(Serialize)]
struct Row {
    seed: u64,
    accuracy: f64,
    accuracy_without: f64,
    drop: f64,
    loss: f64,
    loss_without: f64,
    diverged: Option<u32>,
    diverged_without: Option<u32>,
    effect: Effect,
}

impl From<&Pair> for Row {
    fn from(pair: &Pair) -> Row {
        Row {
            seed: pair.seed,
            accuracy: pair.with.standing.accuracy,
            accuracy_without: pair.without.standing.accuracy,
            drop: pair.drop(),
            loss: pair.with.standing.loss,
            loss_without: pair.without.standing.loss,
            diverged: pair.with.diverged,
            diverged_without: pair.without.diverged,
            effect: pair.effect,
        }
    }
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let preset = preset::load(&arguments.preset, &arguments.changes, &context.paths.presets())?;
    let config = federation(&preset.config, arguments.rounds)?;
    let compute = Compute::select(&arguments.backend, config.run.precision)?;
    let parameters = plan::plan(&config).map_err(BeginError::Plan)?.setup.net.parameter_count();
    let mut notes = output::notes();
    let shows_progress = std::io::stderr().is_terminal();
    let mut pairs = Vec::new();
    for number in 0..arguments.seeds {
        let seed = config.run.seed.saturating_add(u64::from(number));
        let both = 2 * arguments.rounds;
        let mut report = |round: u32| {
            if shows_progress && (round.is_multiple_of(10) || round == both) {
                let _ = write!(notes, "\rseed {seed}: round {round} of {both}, with and without  ");
                let _ = notes.flush();
            }
        };
        pairs.push(pair(&config, seed, &compute, &mut report)?);
    }
    if shows_progress {
        let _ = write!(notes, "\r{:60}\r", "");
    }
    let effects: Vec<Effect> = pairs.iter().map(|pair| pair.effect).collect();
    let Some(effect) = Effect::median(&effects) else { anyhow::bail!("nothing was trained") };
    let bytes = |bits: f64| (bits * parameters as f64 / 8.0).ceil() as u64;
    let mut out = output::whole(arguments.json);
    if arguments.json {
        let document = Document {
            preset: &preset.name,
            post: config.post_steps(),
            rounds: arguments.rounds,
            clients: config.federation.clients,
            protocol: config.protocol(),
            learning_rate: config.federation.learning_rate.unwrap_or_default(),
            parameters,
            bytes: bytes(effect.bits),
            bytes_without: bytes(32.0),
            pairs: pairs.iter().map(Row::from).collect(),
        };
        serde_json::to_writer(&mut out, &document)?;
        writeln!(out)?;
        out.flush()?;
        return Ok(DONE);
    }
    let steps = config.post_steps();
    writeln!(out, "{}: {}", preset.name, steps.join(", then "))?;
    writeln!(
        out,
        "{} rounds of {} clients, {}, {} on {}, learning rate {}; {} seed(s) from {}, {}",
        arguments.rounds,
        config.federation.clients,
        config.protocol(),
        config.victim.model,
        config.victim.data,
        config.federation.learning_rate.unwrap_or_default(),
        pairs.len(),
        config.run.seed,
        compute.description()
    )?;
    let accuracy = |of: fn(&Pair) -> Trained| spread(&pairs, |pair| 100.0 * of(pair).standing.accuracy);
    let loss = |of: fn(&Pair) -> Trained| spread(&pairs, |pair| of(pair).standing.loss);
    writeln!(out, "            accuracy %                 loss")?;
    writeln!(
        out,
        "  without   {:<25}  {}",
        accuracy(|pair| pair.without).one(),
        loss(|pair| pair.without).two()
    )?;
    writeln!(out, "  with      {:<25}  {}", accuracy(|pair| pair.with).one(), loss(|pair| pair.with).two())?;
    let drop = spread(&pairs, |pair| 100.0 * pair.drop());
    writeln!(out, "  drop      {} points, seed by seed", drop.one())?;
    writeln!(out, "  bytes     {} an update instead of {}", bytes(effect.bits), bytes(32.0))?;
    writeln!(out, "  update    {}", effect.in_words())?;
    let diverged = pairs.iter().filter(|pair| pair.with.diverged.is_some()).count();
    if diverged > 0 {
        writeln!(
            out,
            "  diverged  {diverged} of {} with post-processing, which count with what they came to",
            pairs.len()
        )?;
    }
    writeln!(
        out,
        "Medians, with the least and the most of the seeds; measured on samples that no client has."
    )?;
    out.flush()?;
    Ok(DONE)
}

/// Median, least and most.
struct Spread(f64, f64, f64);

fn spread(pairs: &[Pair], of: impl Fn(&Pair) -> f64) -> Spread {
    let mut values: Vec<f64> = pairs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
    Spread(0.5 * (low + high), values[0], values[values.len() - 1])
}

impl Spread {
    fn one(&self) -> String {
        format!("{:.1} ({:.1} to {:.1})", self.0, self.1, self.2)
    }

    fn two(&self) -> String {
        // What diverges would fill the line.
        let two = |value: f64| if value < 1e4 { format!("{value:.2}") } else { format!("{value:.1e}") };
        format!("{} ({} to {})", two(self.0), two(self.1), two(self.2))
    }
}
