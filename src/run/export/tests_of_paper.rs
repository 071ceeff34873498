//! Tables and figures for papers.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::slice::from_ref;

use super::tests::{Lab, done};
use super::*;
use crate::run::cost::{self, Costs};
use crate::run::event::{Baselines, Event, Ratio, Spread};

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
        [
            "\\shortstack[r]{PSNR\\\\(dB) $\\uparrow$}",
            "\\shortstack[r]{labels\\\\(\\%) $\\uparrow$}",
            "matching loss $\\downarrow$"
        ]
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
    assert!(rows[0].contains(&"mode") && rows[0].contains(&"seed"), "{table}");
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
    assert_eq!(rows[0].last(), Some(&"\\shortstack[r]{points of\\\\accuracy lost}"));
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

/// Three attacked rounds of a federation.
fn federation() -> Vec<(f64, Event)> {
    let mut events = Vec::new();
    for at in [0, 5, 20] {
        for (t, mut event) in done() {
            match &mut event {
                Event::Round { round, .. } | Event::Trial { round, .. } | Event::Progress { round, .. } => {
                    *round = at
                }
                Event::TrialFinished { round, .. } => *round = at,
                Event::RoundFinished(result) => {
                    result.round = at;
                    let psnr = 43.25 - f64::from(at);
                    result.metrics.as_mut().unwrap().psnr =
                        Some(Spread { mean: psnr, best: psnr, worst: psnr });
                    result.baselines = Some(Baselines { grey: Some(Ratio(8.125)), mean: None, noise: None });
                }
                Event::Started { .. } if at == 0 => {}
                Event::Log { .. } => {}
                // Once, and pictures not at all.
                Event::Finished(_) if at == 20 => {}
                _ => continue,
            }
            events.push((t, event));
        }
    }
    events
}

/// Attributes of all elements of a class.
fn of_class<'a>(document: &'a roxmltree::Document<'_>, class: &str, attribute: &str) -> Vec<&'a str> {
    let elements = document.descendants().filter(|node| node.attribute("class") == Some(class));
    elements.map(|node| node.attribute(attribute).unwrap()).collect()
}

fn words(document: &roxmltree::Document<'_>) -> Vec<String> {
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    texts
        .map(|node| node.descendants().filter_map(|node| node.text().filter(|_| node.is_text())).collect())
        .collect()
}

const SVG: Format = Format::Svg(Look { width: Width::Column, figure: None });

#[test]
fn a_figure_that_is_asked_for_is_drawn_by_round_or_its_absence_said() {
    let lab = Lab::new();
    let of = |key| Format::Svg(Look { width: Width::Column, figure: Some(crate::figure::figure(key)) });
    let federation = lab.run("federation", &[], federation());
    let svg = lab.export(from_ref(&federation), of("match"), "x.svg");
    let document = roxmltree::Document::parse(&svg).unwrap();
    let words = words(&document);
    for word in ["federated round", "match"] {
        assert!(words.iter().any(|known| known.starts_with(word)), "{word}: {words:?}");
    }
    assert!(!words.iter().any(|known| known.contains("PSNR")), "{words:?}");
    let refused = |run: &RunDirectory, key| write(from_ref(run), of(key), Some(&lab.out("y.svg")), false);
    let single = lab.run("single", &[], done());
    assert!(matches!(refused(&single, "psnr"), Err(ExportError::OneValue { figure: "psnr" })));
    assert!(matches!(refused(&single, "igsa"), Err(ExportError::NoSuchFigure { figure: "igsa" })));
}

#[test]
fn the_cost_of_a_defence_is_a_column_of_the_csv() {
    let lab = Lab::new();
    let runs = [lab.run("clean", &[], done()), lab.run("defended", &[CLIP], done())];
    let column = || {
        let csv = lab.export(&runs, Format::Csv, "x.csv");
        let mut rows = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let at = rows.next().unwrap().iter().position(|name| *name == "cost").unwrap();
        assert_eq!(rows.next().unwrap()[at], "", "{csv}");
        csv.lines().nth(2).unwrap().to_owned()
    };
    assert!(column().contains("not measured"));
    Costs::beside(&runs[1]).keep(&cost::fixture(&runs[1].manifest().unwrap().config)).unwrap();
    let told = column();
    assert!(!told.contains("not measured") && told.contains("3.0"), "{told}");
}

#[test]
fn losses_are_one_path_a_run_told_apart_without_colour() {
    let lab = Lab::new();
    let runs: Vec<RunDirectory> =
        ["<one> & \"two\"", "second", "third"].map(|name| lab.run(name, &[], done())).into();
    let svg = lab.export(&runs, SVG, "x.svg");
    assert_eq!(lab.written(), ["x-pictures.svg", "x.svg"]);
    let document = roxmltree::Document::parse(&svg).unwrap();
    let root = document.root_element();
    assert_eq!(
        (root.attribute("width"), root.attribute("viewBox").map(|all| all.starts_with("0 0 237.6 "))),
        (Some("3.3in"), Some(true))
    );
    let distinct = |attribute: &str| {
        let found = of_class(&document, "curve", attribute);
        assert_eq!(found.len(), 3, "{svg}");
        found.into_iter().collect::<BTreeSet<_>>().len()
    };
    assert_eq!((distinct("stroke"), distinct("stroke-dasharray")), (3, 3));
    // 40 iterations of the chosen trial in one piece.
    let path = of_class(&document, "curve", "d")[0];
    assert_eq!((path.matches('M').count(), path.matches('L').count()), (1, 39), "{path}");
    let words = words(&document);
    for word in ["iteration", "matching loss", "40"] {
        assert!(words.iter().any(|known| known == word), "{word}: {words:?}");
    }
    assert!(words.iter().any(|word| word.starts_with("<one> & \"two\"")), "{words:?}");
    let about = document.descendants().find(|node| node.has_tag_name("desc")).unwrap().text().unwrap();
    assert!(about.contains("Single runs") && about.contains("Threat model A") && about.contains("BatchNorm"));
    let page = lab.export(&runs, Format::Svg(Look { width: Width::Page, figure: None }), "x.svg");
    assert!(page.contains("width=\"7in\""), "{page}");
    assert!(!svg.contains("like for like"), "{svg}");
    let trained = lab.run("batch", &["victim.indices=[0, 1]"], done());
    let unlike = lab.export(&[runs[0].clone(), trained], SVG, "x.svg");
    assert!(unlike.contains("Not like for like: the runs differ in batch size."), "{unlike}");
}

#[test]
fn psnr_by_round_is_a_figure_of_its_own() {
    let lab = Lab::new();
    let run = lab.run("federation", &[], federation());
    let paths = write(from_ref(&run), SVG, Some(&lab.out("x.svg")), false).unwrap();
    assert_eq!(paths, [lab.out("x.svg"), lab.out("x-rounds.svg")]);
    let svg = fs::read_to_string(&paths[1]).unwrap();
    let document = roxmltree::Document::parse(&svg).unwrap();
    assert_eq!(of_class(&document, "curve", "d").len(), 1, "{svg}");
    let points: Vec<f64> = of_class(&document, "curve", "d")[0]
        .split(['M', 'L'])
        .filter_map(|point| point.split_once(' ')?.1.parse().ok())
        .collect();
    assert!(points.len() == 3 && points.is_sorted() && points[0] < points[2], "{points:?}");
    let words = words(&document);
    for word in ["federated round", "PSNR (dB)", "grey picture", "20"] {
        assert!(words.iter().any(|known| known == word), "{word}: {words:?}");
    }
    // The losses are those of the last round.
    assert!(fs::read_to_string(&paths[0]).unwrap().contains("round 20"));
    // Neither file is replaced silently.
    fs::remove_file(&paths[0]).unwrap();
    match write(from_ref(&run), SVG, Some(&lab.out("x.svg")), false) {
        Err(ExportError::Exists { there, .. }) => assert_eq!(there, [lab.out("x-rounds.svg")]),
        other => panic!("{other:?}"),
    }
    assert_eq!(lab.written(), ["x-rounds.svg"]);
}

#[test]
fn leakage_is_drawn_over_what_post_processing_costs_once_that_is_known() {
    let lab = Lab::new();
    let naive = lab.run("naive", &[CLIP, "knowledge.post=none"], done());
    let runs = [lab.run("clean", &[], done()), lab.run("adaptive", &[CLIP], done()), naive];
    lab.export(&runs, SVG, "x.svg");
    assert_eq!(lab.written(), ["x-pictures.svg", "x.svg"]);
    Costs::beside(&runs[1]).keep(&cost::fixture(&runs[1].manifest().unwrap().config)).unwrap();
    lab.export(&runs, SVG, "x.svg");
    assert_eq!(lab.written(), ["x-pictures.svg", "x-tradeoff.svg", "x.svg"]);
    let svg = fs::read_to_string(lab.out("x-tradeoff.svg")).unwrap();
    let document = roxmltree::Document::parse(&svg).unwrap();
    let fills = of_class(&document, "mark", "fill");
    // Two runs and the three entries of the legend.
    assert_eq!((fills.len(), fills.iter().filter(|fill| **fill == "#ffffff").count()), (5, 2), "{svg}");
    assert_eq!(of_class(&document, "joined", "d").len(), 1);
    let words = words(&document);
    for word in ["PSNR (dB)", "whole update", "the attacker adapts", "the attacker ignores it"] {
        assert!(words.iter().any(|known| known == word), "{word}: {words:?}");
    }
    assert!(words.iter().any(|word| word.starts_with("accuracy lost (percentage points")), "{words:?}");
}

#[test]
fn without_losses_there_is_no_figure() {
    let lab = Lab::new();
    let early = lab.run("early", &[], vec![(0.0, Event::Paused)]);
    assert!(lab.refused(&[early], SVG).contains("nothing to draw"));
}
