//! `gialab man`: the manual, for packagers.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::CommandFactory;

use super::DONE;

#[derive(clap::Args)]
pub struct Arguments {
    /// Write gialab.1 and a page for each command into this directory, instead of gialab.1 to standard output
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    // In one line, as the header of a page needs it.
    let command = super::Arguments::command().version(env!("CARGO_PKG_VERSION"));
    if let Some(directory) = &arguments.out {
        let failed = || format!("cannot write the manual into {}", directory.display());
        std::fs::create_dir_all(directory).with_context(failed)?;
        clap_mangen::generate_to(command, directory).with_context(failed)?;
        return Ok(DONE);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    std::io::stdout().write_all(&page)?;
    Ok(DONE)
}
