//! `gialab train`: a victim's model trained on its data, as weights to attack.

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use gialab::backend::Compute;
use gialab::config::RunConfig;
use gialab::config::preset;
use gialab::fl::Setup;
use gialab::fl::training::{Training, train, train_autoencoder, train_generator};
use gialab::model::generator::{Schedule, Standing};
use gialab::model::{Parameters, TensorSpec};
use gialab::run::global_model;

use super::usage::{self, Misuse};
use super::{Context, DONE, complete, computing, output, show};

#[derive(clap::Args)]
pub struct Arguments {
    /// The preset whose data, model and seed are taken
    #[arg(add = complete::presets())]
    preset: String,
    /// Where the weights go
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Change a setting, as victim.model=lenet5; can be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", add = complete::settings())]
    overrides: Vec<String>,
    /// Passes over the data
    #[arg(long, value_name = "N", default_value_t = 10, allow_hyphen_values = true,
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    epochs: u32,
    /// Samples of a step
    #[arg(long, value_name = "N", default_value_t = 64, allow_hyphen_values = true,
        value_parser = clap::value_parser!(u32).range(1..=65_536))]
    batch: u32,
    /// Step size at the beginning; it falls to 0 as half a cosine [default: 0.05, of a generator 0.001]
    #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
    learning_rate: Option<f64>,
    /// Train a generator of such pictures instead, for knowledge.generator: the decoder of a variational autoencoder
    #[arg(long, group = "pictures", conflicts_with_all = ["momentum", "weight_decay"])]
    generator: bool,
    /// Train the front of the model as an encoder instead, with a generator that makes pictures of its features again: for
    /// knowledge.generator of scale-mia
    #[arg(long, group = "pictures", conflicts_with_all = ["latent", "momentum", "weight_decay"])]
    autoencoder: bool,
    /// Numbers of a generator's code
    #[arg(long, value_name = "N", default_value_t = 32, requires = "generator", allow_hyphen_values = true,
        value_parser = clap::value_parser!(u32).range(1..=4096))]
    latent: u32,
    /// Channels of a generator's smallest map
    #[arg(long, value_name = "N", default_value_t = 32, requires = "pictures", allow_hyphen_values = true,
        value_parser = clap::value_parser!(u32).range(2..=1024))]
    width: u32,
    /// Momentum
    #[arg(long, value_name = "BETA", default_value_t = 0.9, allow_hyphen_values = true)]
    momentum: f64,
    /// Weight decay
    #[arg(long, value_name = "LAMBDA", default_value_t = 5e-4, allow_hyphen_values = true)]
    weight_decay: f64,
    /// Where to compute
    #[arg(long, value_name = "BACKEND", default_value = "auto", value_parser = gialab::backend::NAMES)]
    backend: String,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let makes_pictures = arguments.generator || arguments.autoencoder;
    let rate = arguments.learning_rate.unwrap_or(if makes_pictures { 1e-3 } else { 0.05 });
    let misuse = |what: String| Err(Misuse(what));
    if !(rate.is_finite() && rate > 0.0) {
        misuse(format!("--learning-rate {rate}: must be a finite number above 0"))?;
    }
    let momentum = arguments.momentum;
    if !(0.0..1.0).contains(&momentum) {
        misuse(format!("--momentum {momentum}: must be 0 or more and below 1"))?;
    }
    let decay = arguments.weight_decay;
    if !(decay.is_finite() && decay >= 0.0) {
        misuse(format!("--weight-decay {decay}: must be a finite number, 0 or more"))?;
    }
    // Said before hours of training, not after.
    usage::writable(&arguments.out)?;
    let folder = arguments.out.parent().filter(|folder| !folder.as_os_str().is_empty());
    if !folder.is_none_or(std::path::Path::is_dir) {
        misuse(format!("--out {}: there is no such folder; make it first", arguments.out.display()))?;
    }
    let presets = &context.paths.presets();
    let mut config = preset::load(&arguments.preset, &arguments.overrides, presets)?.config;
    anyhow::ensure!(
        config.victim.captured.is_none(),
        "a captured update has no data to train on; use a preset with victim.data"
    );
    // One client has everything that is neither attacked nor held out.
    config.federation.secure_aggregation = 1;
    config.federation.clients = 2;
    config.federation.rounds = Some(1);
    let setup = Setup::new(&config)?;
    show::reading(&mut output::notes(), &setup.reading)?;
    let compute = computing::choose(&arguments.backend, &config, &setup.net)?;
    if makes_pictures {
        let (epochs, batch) = (arguments.epochs, arguments.batch as usize);
        let schedule = Schedule { epochs, batch, learning_rate: rate };
        let train = if arguments.generator { generator } else { autoencoder };
        return train(arguments, &setup, &config, schedule, &compute);
    }
    let training = Training {
        epochs: arguments.epochs,
        batch: arguments.batch as usize,
        learning_rate: rate,
        momentum,
        weight_decay: decay,
    };

    let population = setup.population.as_ref();
    let samples: usize = population.map_or(0, |population| population.clients().iter().map(Vec::len).sum());
    let mut out = output::lines();
    writeln!(
        out,
        "{} on {samples} samples of {}, {} held out, {} parameters, {}",
        config.victim.model,
        config.victim.data,
        population.map_or(0, |population| population.held_out().len()),
        setup.net.parameter_count(),
        compute.description()
    )?;
    let begin = Instant::now();
    let mut last = None;
    let model = train(&setup, &config, training, &compute, &mut |epoch, standing| {
        last = standing;
        let figures = standing.map_or_else(String::new, |standing| {
            format!("  loss {:.4}  accuracy {:.1} %", standing.loss, 100.0 * standing.accuracy)
        });
        // Progress only: a reader that went away must not end the training.
        let _ = writeln!(
            out,
            "epoch {epoch:>4}/{}{figures}  {:.0} s",
            training.epochs,
            begin.elapsed().as_secs_f64()
        );
    })?;
    let mut metadata = HashMap::from([
        ("model".to_owned(), config.victim.model.clone()),
        ("data".to_owned(), config.victim.data.clone()),
        ("seed".to_owned(), config.run.seed.to_string()),
        ("epochs".to_owned(), training.epochs.to_string()),
    ]);
    if let Some(standing) = last {
        metadata.insert("held_out_accuracy".to_owned(), format!("{:.4}", standing.accuracy));
    }
    let file = global_model::serialise(&[&model.parameters, &model.buffers], metadata)
        .map_err(anyhow::Error::msg)?;
    gialab::run::directory::write_atomically(&arguments.out, &file)?;
    writeln!(out, "weights  {}", arguments.out.display())?;
    Ok(DONE)
}

/// Says a line of every epoch. Progress only: a reader that went away must not end the training.
fn told<T>(epochs: u32, words: impl Fn(T) -> String) -> impl FnMut(u32, T) {
    let (mut out, begin) = (output::lines(), Instant::now());
    move |epoch, standing| {
        let (words, seconds) = (words(standing), begin.elapsed().as_secs_f64());
        let _ = writeln!(out, "epoch {epoch:>4}/{epochs}  {words}  {seconds:.0} s");
    }
}

/// Trains a generator instead of the victim's model.
fn generator(
    arguments: &Arguments,
    setup: &Setup,
    config: &RunConfig,
    schedule: Schedule,
    compute: &Compute,
) -> anyhow::Result<u8> {
    let sizes = (arguments.latent as usize, arguments.width as usize);
    let mut report = told(schedule.epochs, |standing: Standing| {
        format!("pixels {:.2} nats  code {:.2} nats", standing.pixels, standing.code)
    });
    let made = train_generator(setup, config, sizes, schedule, compute, &mut report)?;
    // Of how many classes a code tells is told by a tensor's shape, as everything else is.
    let classes = made.net.classes();
    let shares = vec![1.0 / classes as f64; classes];
    let spec = TensorSpec { name: "classes".to_owned(), shape: vec![classes] };
    let classes = Parameters::from_values(compute, std::sync::Arc::new([spec]), |_| shares.clone());
    let parts = [&made.parameters, &made.buffers, &classes];
    write(arguments, config, "generator", &parts)?;
    writeln!(
        output::lines(),
        "generator  {} parameters, {}",
        made.net.parameter_count(),
        arguments.out.display()
    )?;
    Ok(DONE)
}

/// Trains the front of the victim's model as an encoder, with its decoder.
fn autoencoder(
    arguments: &Arguments,
    setup: &Setup,
    config: &RunConfig,
    schedule: Schedule,
    compute: &Compute,
) -> anyhow::Result<u8> {
    let width = arguments.width as usize;
    let mut report = told(schedule.epochs, |error: f64| {
        format!("squared error {error:.5}, {:.1} dB", -10.0 * error.log10())
    });
    let made = train_autoencoder(setup, config, width, schedule, compute, &mut report)?;
    let decoder = &made.decoder;
    let parts = [&made.encoder, &decoder.parameters, &decoder.buffers, &made.measured];
    write(arguments, config, "autoencoder", &parts)?;
    writeln!(
        output::lines(),
        "autoencoder  {} features, {} and {} parameters, {}",
        decoder.net.latent(),
        made.encoder.count(),
        decoder.net.parameter_count(),
        arguments.out.display()
    )?;
    Ok(DONE)
}

/// Writes what was trained to make pictures.
fn write(arguments: &Arguments, config: &RunConfig, what: &str, parts: &[&Parameters]) -> anyhow::Result<()> {
    let metadata = HashMap::from([
        (what.to_owned(), "upsampling".to_owned()),
        ("data".to_owned(), config.victim.data.clone()),
        ("seed".to_owned(), config.run.seed.to_string()),
        ("epochs".to_owned(), arguments.epochs.to_string()),
    ]);
    let file = global_model::serialise(parts, metadata).map_err(anyhow::Error::msg)?;
    gialab::run::directory::write_atomically(&arguments.out, &file)?;
    Ok(())
}
