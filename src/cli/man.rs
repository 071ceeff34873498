//! `gialab man`: the manual, for packagers.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use gialab::config::setting::SETTINGS;

use super::DONE;

#[derive(clap::Args)]
pub struct Arguments {
    /// Write gialab.1 and a page for each command into this directory, instead of gialab.1 to standard output
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    // The version in one line, as the header of a page needs it.
    let mut command =
        super::Arguments::command().version(env!("CARGO_PKG_VERSION")).disable_help_subcommand(true);
    command.build();
    let Some(directory) = &arguments.out else {
        std::io::stdout().write_all(&page(&command)?)?;
        return Ok(DONE);
    };
    let failed = || format!("cannot write the manual into {}", directory.display());
    fs::create_dir_all(directory).with_context(failed)?;
    let mut pages = vec![&command];
    while let Some(command) = pages.pop() {
        pages.extend(command.get_subcommands().filter(|command| !command.is_hide_set()));
        let name = Man::new(command.clone()).get_filename();
        fs::write(directory.join(name), page(command)?).with_context(failed)?;
    }
    Ok(DONE)
}

/// What `--set` can change.
fn settings(page: &mut Vec<u8>) -> std::io::Result<()> {
    let plain = |text: &str| text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
    writeln!(page, ".SH SETTINGS\nKeys of \\fB\\-\\-set\\fR and of preset files.")?;
    for setting in SETTINGS {
        writeln!(page, ".TP\n\\fB{}\\fR", plain(setting.key))?;
        writeln!(page, "\\&{} ({})", plain(setting.help), plain(&setting.values()))?;
    }
    Ok(())
}

/// One page: what clap knows, then the paragraphs below the options as sections.
fn page(command: &Command) -> std::io::Result<Vec<u8>> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let below = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    for paragraph in below.split("\n\n") {
        let Some((heading, lines)) = paragraph.split_once(":\n") else { continue };
        writeln!(page, ".SH {}\n.nf", heading.to_uppercase())?;
        for line in lines.lines() {
            writeln!(page, "\\&{}", line.trim_start().replace('\\', "\\e").replace('-', "\\-"))?;
        }
        writeln!(page, ".fi")?;
    }
    if command.get_name() == "run" {
        settings(&mut page)?;
    }
    Ok(page)
}
