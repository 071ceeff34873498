//! `gialab doctor`: terminal, backends and directories, each problem with its remedy.

use std::io::{IsTerminal, Write};
use std::path::Path;

use gialab::backend;

use super::{Context, DONE};

#[derive(clap::Args)]
pub struct Arguments {}

/// Below this a run of a few hundred pictures may not fit.
const LITTLE_SPACE: u64 = 200 << 20;

pub fn run(context: &Context, _: &Arguments) -> anyhow::Result<u8> {
    let mut out = std::io::stdout().lock();
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    writeln!(out, "gialab   {} (burn {})", env!("CARGO_PKG_VERSION"), gialab::BURN_VERSION)?;

    writeln!(out, "\nterminal")?;
    let on_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    writeln!(
        out,
        "  terminal       {}",
        if on_terminal { "yes" } else { "no: run prints plain lines, the terminal application needs one" }
    )?;
    writeln!(out, "  TERM           {}", or_none(&variable("TERM")))?;
    let truecolor = matches!(variable("COLORTERM").as_str(), "truecolor" | "24bit")
        || variable("TERM").ends_with("-direct");
    writeln!(
        out,
        "  colours        {}",
        if truecolor {
            "24 bit"
        } else {
            "256 (ssh seldom forwards COLORTERM; export COLORTERM=truecolor if yours can do more)"
        }
    )?;
    let multiplexer = match (variable("TMUX").is_empty(), variable("STY").is_empty()) {
        (false, _) => "tmux",
        (true, false) => "screen",
        (true, true) => "none",
    };
    writeln!(out, "  multiplexer    {multiplexer}")?;
    writeln!(out, "  over ssh       {}", if variable("SSH_CONNECTION").is_empty() { "no" } else { "yes" })?;
    writeln!(out, "  pictures       half blocks")?;
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .map(variable)
        .find(|value| !value.is_empty())
        .unwrap_or_default();
    let utf8 = locale.to_uppercase().replace('-', "").contains("UTF8");
    writeln!(
        out,
        "  locale         {}{}",
        or_none(&locale),
        if utf8 { "" } else { ": not UTF-8, so --ascii is used; export LANG=C.UTF-8 for lines and pictures" }
    )?;

    writeln!(out, "\nbackends")?;
    for (name, reason) in backend::availability() {
        match reason {
            None => writeln!(out, "  {name:<13}  ok")?,
            Some(reason) => writeln!(out, "  {name:<13}  {reason}")?,
        }
    }
    writeln!(out, "  threads        {} (RAYON_NUM_THREADS changes it)", rayon::current_num_threads())?;

    writeln!(out, "\ndirectories")?;
    writeln!(out, "  runs           {}", context.store.path().display())?;
    match writable(context.store.path()) {
        Ok(free) if free < LITTLE_SPACE => writeln!(
            out,
            "                 only {} MB free: delete runs or choose another place with --data-dir",
            free >> 20
        )?,
        Ok(free) => writeln!(out, "                 writable, {:.1} GB free", free as f64 / 1e9)?,
        Err(error) => writeln!(
            out,
            "                 {error}; choose another place with --data-dir or GIALAB_DATA_DIR"
        )?,
    }
    writeln!(out, "  own presets    {}", context.paths.presets().display())?;
    writeln!(out, "  session, log   {}", context.paths.state.display())?;
    Ok(DONE)
}

fn or_none(value: &str) -> &str {
    if value.is_empty() { "(not set)" } else { value }
}

/// Free bytes of a directory that can be written to; it is made if it does not exist.
fn writable(path: &Path) -> Result<u64, String> {
    let describe = |error: std::io::Error| format!("cannot be written: {error}");
    std::fs::create_dir_all(path).map_err(describe)?;
    let probe = path.join(format!(".probe-{}", std::process::id()));
    std::fs::write(&probe, b"probe").map_err(describe)?;
    std::fs::remove_file(&probe).map_err(describe)?;
    let space = rustix::fs::statvfs(path).map_err(|error| describe(error.into()))?;
    Ok(space.f_bavail * space.f_frsize)
}
