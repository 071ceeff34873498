//! `gialab completions SHELL`: what the shell needs to complete commands and options.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use super::DONE;

#[derive(clap::Args)]
pub struct Arguments {
    /// The shell that completes
    shell: Shell,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    // By way of memory: the generator knows no broken pipe.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::Arguments::command(), "gialab", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(DONE)
}
