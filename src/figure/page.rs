//! `docs/figures.md`, printed from the tables.

use std::fmt::Write;

use super::{FIGURES, WORDS};

const HEAD: &str = "\
# Figures and words

Printed from the table in `src/figure/`, as `gialab explain WORD`, the columns of every table and `--require` are. On the
screens of a run and of a comparison `w` explains the headings, and `?` the one that the table is sorted by.

The key of a figure is its name in `--require`, csv and `gialab compare --json`. A figure of samples is the mean over the
batch; csv has `KEY_best` and `KEY_worst` beside it. Shares go from 0 to 1 there, times are in seconds. Better is better
for the attacker.

| key | heading | better | of | needs the truth |
|---|---|---|---|---|
";

/// The page.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    for figure in FIGURES {
        let truth = if figure.needs_truth() { "yes" } else { "no" };
        let (key, heading) = (figure.word.key, figure.word.ascii.replace('|', "\\|"));
        // Writing to a string cannot fail.
        let _ =
            writeln!(page, "| `{key}` | {heading} | {} | {} | {truth} |", figure.better.name(), figure.of());
    }
    page.push_str("\n## What they mean\n");
    for figure in FIGURES {
        let word = &figure.word;
        let _ = write!(
            page,
            "\n**{}** (`{}`). {} Source: {}.\n",
            word.title(),
            word.key,
            word.about,
            word.source
        );
    }
    page.push_str("\n## Words\n");
    for word in WORDS {
        let _ = write!(
            page,
            "\n**{}** (`{}`). {} Source: {}.\n",
            word.heading, word.key, word.about, word.source
        );
    }
    page
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// `UPDATE_DOCS=1 cargo test --lib figure::` writes it.
    #[test]
    fn the_page_in_docs_is_the_table() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/figures.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, page()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), page());
    }
}
