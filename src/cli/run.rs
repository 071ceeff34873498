//! `gialab run PRESET`: starts a run and follows it to its end.

use std::io::Write;
use std::path::PathBuf;

use gialab::backend;
use gialab::config::{ConfigError, preset};
use gialab::figure::Condition;
use gialab::run::launch;

use super::{Context, DONE, complete, computing, output, progress, require, show};

/// More are a slip of the finger.
const MOST_THREADS: usize = 1024;

#[derive(clap::Args)]
pub struct Arguments {
    /// A shipped preset (see `gialab presets`), one of yours, or a preset file
    #[arg(add = complete::presets())]
    preset: String,
    /// Change a setting, as attack.prior.tv=1e-3; can be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", add = complete::settings())]
    changes: Vec<String>,
    /// Where to compute
    #[arg(long, default_value = "auto", value_parser = backend::NAMES)]
    backend: String,
    #[command(flatten)]
    device: computing::Device,
    /// Seed of everything random
    #[arg(long, allow_hyphen_values = true)]
    seed: Option<i128>,
    /// Restarts of the attack
    #[arg(long, allow_hyphen_values = true)]
    trials: Option<i64>,
    /// What each attacked round may spend, instead of iterations: evaluations, as 5000, or a time, as 60s or 5min
    #[arg(long, value_name = "BUDGET", allow_hyphen_values = true)]
    budget: Option<String>,
    /// Compute with so many threads instead of all that are allowed here
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    threads: Option<i64>,
    /// Attack this picture instead of the preset's
    #[arg(long, value_name = "PATH")]
    image: Option<PathBuf>,
    /// Take weights and captured update by order where their names are not the model's: victim.by_order=true
    #[arg(long)]
    by_order: bool,
    /// Start it and return; `gialab` and `gialab list` show it
    #[arg(long, conflicts_with_all = ["json", "require"])]
    detach: bool,
    #[command(flatten)]
    follow: Follow,
}

/// How a run is followed; also for `resume`.
#[derive(clap::Args)]
pub struct Follow {
    /// Print the events of the run, one JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Exit with 3 unless the result meets this, as 'psnr>=20' or 'match<1e-4' (quote it for the shell); takes any figure
    /// of `gialab explain`; can be given several times
    #[arg(long, value_name = "CONDITION", add = complete::conditions())]
    pub require: Vec<String>,
}

impl Follow {
    /// The conditions, checked.
    pub fn requirements(&self) -> anyhow::Result<Vec<Condition>> {
        Ok(self.require.iter().map(|text| require::read(text)).collect::<Result<_, _>>()?)
    }
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let requirements = arguments.follow.requirements()?;
    let preset = preset::load(&arguments.preset, &overrides(arguments)?, &context.paths.presets())?;
    let backend = arguments.device.of(&arguments.backend)?;
    computing::announce(&backend)?;
    let directory = launch::begin(
        &context.store,
        &preset.name,
        &preset.config,
        &backend,
        launch::As { threads: threads(arguments)?, ..launch::As::default() },
    )?;
    let manifest = directory.manifest()?;
    show::reading(&mut output::notes(), &manifest.reading)?;
    if let Some(why) = &manifest.chosen {
        writeln!(output::notes(), "{why}")?;
    }
    if arguments.detach {
        writeln!(output::lines(), "{}", directory.id())?;
        return Ok(DONE);
    }
    progress::follow(context, &directory, arguments.follow.json, &requirements)
}

/// How many threads it is to compute with, if that was said.
fn threads(arguments: &Arguments) -> Result<Option<usize>, ConfigError> {
    let Some(threads) = arguments.threads else { return Ok(None) };
    match usize::try_from(threads) {
        Ok(count @ 1..=MOST_THREADS) => Ok(Some(count)),
        _ => Err(ConfigError::new(format!("--threads {threads}"), format!("must be 1 to {MOST_THREADS}"))),
    }
}

/// The options that are short for a `--set`, after the ones given as such.
fn overrides(arguments: &Arguments) -> anyhow::Result<Vec<String>> {
    let mut changes = arguments.changes.clone();
    if let Some(seed) = arguments.seed {
        if !(0..=i128::from(i64::MAX)).contains(&seed) {
            let message = format!("must be 0 to {}", i64::MAX);
            return Err(ConfigError::new(format!("--seed {seed}"), message).into());
        }
        changes.push(format!("run.seed={seed}"));
    }
    if let Some(trials) = arguments.trials {
        changes.push(format!("attack.trials={trials}"));
    }
    if let Some(budget) = &arguments.budget {
        changes.push(format!("attack.budget={budget}"));
    }
    if arguments.by_order {
        changes.push("victim.by_order=true".to_owned());
    }
    if let Some(image) = &arguments.image {
        let Some(path) = image.to_str() else {
            return Err(ConfigError::new("--image", "the path is not valid UTF-8; rename the file").into());
        };
        // Never the name of a built-in set.
        let path = std::path::Path::new(".").join(path);
        changes.push(format!("victim.data={}", toml::Value::String(path.display().to_string())));
        changes.push("victim.indices=[0]".to_owned());
    }
    Ok(changes)
}
