//! `gialab utility PRESET`: what post-processing costs in accuracy.

use std::io::{IsTerminal as _, Write};

use gialab::config::preset;
use gialab::figure::Effect;
use gialab::fl::utility::{Pair, Trained, federation, pair};
use gialab::run::cost::{Cost, Costs, Spread};
use gialab::run::launch::BeginError;
use gialab::run::plan;
use serde::Serialize;

use super::{Context, DONE, complete, computing, output};

#[derive(clap::Args)]
pub struct Arguments {
    /// The preset whose post-processing is measured
    #[arg(add = complete::presets())]
    preset: String,
    /// Change a setting, as federation.learning_rate=0.05; can be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", add = complete::settings())]
    changes: Vec<String>,
    /// Federated rounds that are trained
    #[arg(long, value_name = "N", default_value_t = 100, allow_hyphen_values = true,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rounds: u32,
    /// Pairs of trainings, each with a seed of its own, the preset's and those after it
    #[arg(long, value_name = "N", default_value_t = 3, allow_hyphen_values = true,
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
    let setup = plan::plan(&config).map_err(BeginError::Plan)?.setup;
    let compute = computing::choose(&arguments.backend, &config, &setup.net)?;
    let parameters = setup.net.parameter_count();
    let parameters_without = setup.without_posts().net.parameter_count();
    let shows_progress = std::io::stderr().is_terminal();
    let mut pairs = Vec::new();
    for number in 0..arguments.seeds {
        let seed = config.run.seed.saturating_add(u64::from(number));
        let both = 2 * arguments.rounds;
        let mut report = |round: u32| {
            if shows_progress && (round.is_multiple_of(10) || round == both) {
                output::progress(&format!("seed {seed}: round {round} of {both}, with and without"));
            }
        };
        pairs.push(pair(&config, seed, &compute, &mut report)?);
    }
    if shows_progress {
        output::progress("");
    }
    let Some(cost) = Cost::of(&preset.config, &config, (parameters, parameters_without), &pairs) else {
        anyhow::bail!("nothing was trained")
    };
    let kept = match Costs::in_data_dir(&context.paths.data).keep(&cost)? {
        None => "Kept: shown with every run of this post-processing.".to_owned(),
        Some((Cost { seeds, rounds, .. }, file)) => format!(
            "Not kept: one of {seeds} seeds over {rounds} rounds stands; delete {} to replace it.",
            file.display()
        ),
    };
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
            bytes: cost.bytes,
            bytes_without: cost.bytes_without,
            pairs: pairs.iter().map(Row::from).collect(),
        };
        serde_json::to_writer(&mut out, &document)?;
        writeln!(out)?;
        out.flush()?;
        if kept.starts_with("Not") {
            writeln!(output::notes(), "{kept}")?;
        }
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
    let loss = |of: fn(&Pair) -> Trained| {
        let losses = Spread::of(pairs.iter().map(|pair| of(pair).standing.loss));
        losses.map(two).unwrap_or_default()
    };
    writeln!(out, "            accuracy %                 loss")?;
    let percent = |accuracy: Spread| accuracy.times(100.0).to_string();
    writeln!(out, "  without   {:<25}  {}", percent(cost.without), loss(|pair| pair.without))?;
    writeln!(out, "  with      {:<25}  {}", percent(cost.with), loss(|pair| pair.with))?;
    writeln!(out, "  drop      {} points, seed by seed", percent(cost.drop))?;
    writeln!(out, "  bytes     {} an update instead of {}", cost.bytes, cost.bytes_without)?;
    writeln!(out, "  update    {}", cost.effect.in_words())?;
    if cost.diverged > 0 {
        writeln!(
            out,
            "  diverged  {} of {} with post-processing, which count with what they came to",
            cost.diverged,
            pairs.len()
        )?;
    }
    writeln!(
        out,
        "Medians, with the least and the most of the seeds; measured on samples that no client has. {kept}"
    )?;
    out.flush()?;
    Ok(DONE)
}

/// Losses, of which one that diverges would fill the line.
fn two(spread: Spread) -> String {
    let two = |value: f64| if value < 1e4 { format!("{value:.2}") } else { format!("{value:.1e}") };
    format!("{} ({} to {})", two(spread.median), two(spread.least), two(spread.most))
}
