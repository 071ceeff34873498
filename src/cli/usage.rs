//! What is wrong with the words of a call, in one sentence.

use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// The value of an option that cannot be, beyond what clap can tell.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Misuse(pub String);

/// Whether something may be written at the path of --out.
pub fn writable(out: &Path) -> Result<(), Misuse> {
    gialab::files::refuse_link(out).map_err(|link| Misuse(format!("--out {}: {link}", out.display())))
}

/// What clap found, without its paragraphs.
pub fn sentence(error: &clap::Error) -> String {
    let strings = |kind| match error.get(kind) {
        Some(ContextValue::Strings(all)) => all.clone(),
        Some(ContextValue::String(one)) => vec![one.clone()],
        _ => Vec::new(),
    };
    let (arguments, others) = (strings(ContextKind::InvalidArg), strings(ContextKind::PriorArg));
    let said = match error.kind() {
        ErrorKind::MissingRequiredArgument if !arguments.is_empty() => {
            let are = if arguments.len() == 1 { "is" } else { "are" };
            format!("{} {are} needed as well", arguments.join(" and "))
        }
        ErrorKind::ArgumentConflict if arguments.len() == 1 && !others.is_empty() => {
            format!("{} cannot be used with {}", arguments[0], others.join(" or "))
        }
        _ => paragraphs(&error.render().to_string()),
    };
    format!("{said}; see {} --help", command(error))
}

/// The first paragraph and the tips, joined.
fn paragraphs(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let kept = text.split("\n\n").filter(|part| !part.is_empty());
    let kept = kept.filter(|part| !part.starts_with("Usage:") && !part.starts_with("For more information"));
    let joined = |part: &str| part.split_whitespace().collect::<Vec<_>>().join(" ");
    let parts: Vec<String> = kept.map(|part| joined(part).trim_start_matches("tip: ").to_owned()).collect();
    parts.join("; ")
}

/// The command that was called, as far as its words are commands.
fn command(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let usage = text.split_once("Usage: ").map_or("gialab", |(_, usage)| usage);
    let is_command = |word: &&str| word.starts_with(|c: char| c.is_ascii_lowercase());
    usage.split_whitespace().take_while(is_command).collect::<Vec<_>>().join(" ")
}
