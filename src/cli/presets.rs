//! `gialab presets [NAME]`: the presets there are, or one in full.

use std::io::Write;

use gialab::config::preset;

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
    // In groups as they first appear.
    let mut groups: Vec<String> = Vec::new();
    for preset in &presets {
        if !groups.contains(&preset.config.group) {
            groups.push(preset.config.group.clone());
        }
    }
    presets.sort_by_key(|preset| groups.iter().position(|group| *group == preset.config.group));
    let width = presets.iter().map(|preset| preset.name.len()).max().unwrap_or(0);
    let mut group = String::new();
    for preset in &presets {
        if preset.config.group != group {
            group.clone_from(&preset.config.group);
            writeln!(out, "{group}")?;
        }
        let expected = preset.config.expect.as_ref().map_or_else(String::new, |e| {
            format!("{:>5} s {:>5.1} dB", (10.0 * e.seconds).round() / 10.0, e.psnr)
        });
        writeln!(out, "  {:<width$}  {expected:<15}  {}", preset.name, preset.config.title)?;
    }
    writeln!(out, "\nown presets: {}/*.toml", directory.display())?;
    errors.iter().for_each(output::complain);
    Ok(DONE)
}
