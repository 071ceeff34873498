//! `gialab presets [NAME]`: the presets there are, or one in full.

use std::io::Write;

use gialab::config::preset;
use gialab::expectation::{Experience, Source};
use gialab::{backend, sys, threads};

use super::{Context, DONE, complete, output};

#[derive(clap::Args)]
pub struct Arguments {
    /// Explain this preset and print its text, ready to be saved and changed
    #[arg(add = complete::presets())]
    name: Option<String>,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let mut out = output::lines();
    let directory = context.paths.presets();
    if let Some(name) = &arguments.name {
        let preset = preset::load(name, &[], &directory)?;
        let config = &preset.config;
        writeln!(out, "# {}\n# threat model {}", config.title, config.threat_model())?;
        match preset::shipped_text(name) {
            Some(text) => write!(out, "{text}")?,
            None => write!(out, "{}", toml::to_string(config)?)?,
        }
        return Ok(DONE);
    }
    let (mut presets, errors) = preset::all(&directory);
    let (backend, threads) = (if backend::has_device() { "cuda" } else { "flex" }, threads::allowed().count);
    // In groups as they first appear.
    let mut groups: Vec<String> = Vec::new();
    for preset in &presets {
        if !groups.contains(&preset.config.group) {
            groups.push(preset.config.group.clone());
        }
    }
    presets.sort_by_key(|preset| groups.iter().position(|group| *group == preset.config.group));
    let width = presets.iter().map(|preset| preset.name.len()).max().unwrap_or(0);
    let experience = experience(context, backend);
    let (mut sources, mut varies) = (Vec::new(), false);
    let mut group = String::new();
    for preset in &presets {
        if preset.config.group != group {
            group.clone_from(&preset.config.group);
            writeln!(out, "{group}")?;
        }
        let (config, expect) = (&preset.config, preset.config.expect.as_ref());
        let time = experience.expected(config, config, backend, threads);
        sources.extend(time.map(|time| time.source));
        let mark = if time.is_some_and(|time| time.source == Source::Measured) { '*' } else { ' ' };
        varies |= time.is_some_and(|time| time.varies);
        let time = time.map_or_else(String::new, |time| time.short());
        let psnr = expect.map_or_else(String::new, |expect| expect.in_words(1));
        writeln!(out, "  {:<width$}  {time:>7}{mark} {psnr:>7}  {}", preset.name, config.title)?;
    }
    writeln!(out, "\n{}", origin(&sources))?;
    if varies {
        writeln!(out, "~ less or more: its trials end early")?;
    }
    writeln!(out, "own presets: {}/*.toml", directory.display())?;
    errors.iter().for_each(output::complain);
    Ok(DONE)
}

/// What is known of the speed of this machine. A store that cannot be read says so when it is listed.
fn experience(context: &Context, backend: &str) -> Experience {
    let mut experience = Experience::kept(&context.paths.cache, [backend]);
    experience.take_up(&context.store.list().unwrap_or_default(), &sys::host_name());
    experience
}

/// Where the times are from, in a sentence.
fn origin(sources: &[Source]) -> String {
    let has = |source| sources.contains(&source);
    let rest = match (has(Source::Estimated), has(Source::Reference)) {
        (true, _) => "times are estimated for this machine",
        (false, true) => "times are those of the reference machine (gialab presets NAME names it)",
        (false, false) => "times were measured here",
    };
    let measured = if has(Source::Measured) { "; * the median of the last runs here" } else { "" };
    format!("{rest}{measured}")
}
