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
        ErrorKind::ValueValidation => {
            let value = strings(ContextKind::InvalidValue);
            let why = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            format!("{}: {}", arguments.join(" "), refused(&value.join(" "), &why))
        }
        _ => paragraphs(&error.render().to_string()),
    };
    format!("{said}; see {} --help", command(error))
}

/// Why a value cannot be, in a person's words where the reason is one of Rust's own for numbers.
fn refused(value: &str, why: &str) -> String {
    let of_numbers = [
        ("invalid digit found in string", "is not a whole number"),
        ("invalid float literal", "is not a number"),
        ("cannot parse", "is not a number"),
        ("number too large", "is too large"),
        ("number too small", "is too small"),
    ];
    match of_numbers.iter().find(|(start, _)| why.starts_with(start)) {
        Some((_, words)) => format!("{value:?} {words}"),
        // `0 is not in 1..=512`
        None => why.replacen("..=", " to ", 1),
    }
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
    let is_command = |word: &&str| word.starts_with(|c: char| c.is_ascii_lowercase());
    match text.split_once("Usage: ") {
        Some((_, usage)) => usage.split_whitespace().take_while(is_command).collect::<Vec<_>>().join(" "),
        None => {
            let words = std::env::args().skip(1);
            let called = words.filter(|word| is_command(&word.as_str())).find(|word| super::is_command(word));
            called.map_or_else(|| "gialab".to_owned(), |called| format!("gialab {called}"))
        }
    }
}
