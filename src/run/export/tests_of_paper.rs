//! Tables and figures for papers.
#![allow(clippy::unwrap_used)]

use std::slice::from_ref;

use super::tests::{Lab, done};
use super::*;
use crate::run::cost::{self, Costs};

const CLIP: &str = "post=[{ kind = \"clip\", norm = 1.0 }]";

/// Cells of the rows of the table, as LaTeX would have them.
fn rows(table: &str) -> Vec<Vec<&str>> {
    let inside = table.split("\\toprule").nth(1).unwrap().split("\\bottomrule").next().unwrap();
    let rows = inside.lines().filter_map(|line| line.trim().strip_suffix("\\\\"));
    rows.map(|row| row.split(" & ").map(str::trim).collect()).collect()
}

fn caption(table: &str) -> &str {
    table.lines().find_map(|line| line.trim().strip_prefix("\\caption{")).unwrap()
}

#[test]
fn a_table_has_figures_in_rows_and_conditions_in_its_caption() {
    let lab = Lab::new();
    let run = lab.run("one_50%", &[], done());
    let table = lab.export(from_ref(&run), Format::Latex, "x.tex");
    let rows = rows(&table);
    assert_eq!(rows.len(), 2, "{table}");
    assert_eq!(
        rows[0][1..],
        ["PSNR (dB) $\\uparrow$", "labels (\\%) $\\uparrow$", "matching loss $\\downarrow$"]
    );
    assert_eq!(rows[1][1..], ["43.25", "100", "$3.1\\times 10^{-7}$"]);
    assert!(rows[1][0].contains("one\\_50\\%"), "{table}");
    let caption = caption(&table);
    for part in [
        "those of a single run",
        "Threat model A",
        "labels optimised",
        "FedSGD",
        "BatchNorm eval (public)",
        "model untrained",
        "batch of 1",
    ] {
        assert!(caption.contains(part), "{part}: {caption}");
    }
    assert!(!caption.contains("median") && !table.contains("accuracy lost"), "{table}");
    // What goes in must come out.
    for (open, close) in [("\\begin{table}", "\\end{table}"), ("\\begin{tabular}", "\\end{tabular}")] {
        assert_eq!((table.matches(open).count(), table.matches(close).count()), (1, 1));
    }
}

#[test]
fn what_differs_is_a_column_and_conditions_are_groups() {
    let lab = Lab::new();
    let runs = [
        lab.run("one", &[], done()),
        lab.run("two", &["victim.mode=train"], done()),
        lab.run("three", &["run.seed=7"], done()),
    ];
    let table = lab.export(&runs, Format::Latex, "x.tex");
    let rows = rows(&table);
    let names: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    assert!(rows[0].contains(&"victim.mode") && rows[0].contains(&"run.seed"), "{table}");
    assert!(rows.iter().filter(|row| row.len() > 1).all(|row| row.len() == rows[0].len()));
    assert_eq!(names.len(), 6, "{table}");
    assert!(names[1].contains("(a)") && names[2].contains("one") && names[3].contains("three"), "{names:?}");
    assert!(names[4].contains("(b)") && names[5].contains("two"), "{names:?}");
    let caption = caption(&table);
    let (a, b) = (caption.find("(a)~").unwrap(), caption.find("(b)~").unwrap());
    assert!(caption[a..b].contains("BatchNorm eval (public)"), "{caption}");
    assert!(caption[b..].contains("BatchNorm train"), "{caption}");
    assert!(caption.contains("Every row is a single run"), "{caption}");
}

#[test]
fn figures_of_a_defence_stand_beside_its_cost_or_not_at_all() {
    let lab = Lab::new();
    let defended = lab.run("defended", &[CLIP], done());
    let withheld = lab.export(from_ref(&defended), Format::Latex, "x.tex");
    assert!(!withheld.contains("PSNR") && !withheld.contains("43.25"), "{withheld}");
    assert!(caption(&withheld).contains("figures of its protection are left out"), "{withheld}");
    Costs::beside(&defended).keep(&cost::fixture(&defended.manifest().unwrap().config)).unwrap();
    let told = lab.export(from_ref(&defended), Format::Latex, "x.tex");
    let rows = rows(&told);
    assert_eq!(rows[0].last(), Some(&"points of accuracy lost"));
    assert_eq!((rows[1][1], rows[1].last()), ("43.25", Some(&"3.0 (3.0 to 3.0)")));
    assert!(caption(&told).contains("median over the seeds"), "{told}");
}

#[test]
fn a_table_ends_in_tex() {
    let lab = Lab::new();
    let run = lab.run("one", &[], done());
    let path = default_path(from_ref(&run), Format::Latex);
    assert_eq!(path, PathBuf::from(format!("{}.tex", run.id())));
}
