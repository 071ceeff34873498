//! Exports of runs on rows of a table.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::slice::from_ref;

use serde_json::Value as Json;

use super::tests::{Lab, done, parse};
use super::*;
use crate::run::event::{Event, PictureOf, Tiles};
use crate::run::rows::{Cell, Field, Row, Rows, Value};

fn rows(of_truth: bool, radius: f64, confidence: Option<f64>) -> Rows {
    let judged = |right: bool| (!of_truth).then_some(right);
    let cell = |value, right| Cell { value, right: judged(right), confidence };
    let field = |name: &str, decimals| Field { name: name.into(), decimals };
    let colour = if of_truth { "red, deep" } else { "blue <b>" };
    Rows {
        set: "people.csv".into(),
        samples: 1,
        width: 2,
        fields: vec![field("=radius", Some(2)), field("colour", None)],
        target: "diagnosis".into(),
        rows: vec![Row {
            cells: vec![cell(Value::Number(radius), true), cell(Value::Word(colour.into()), false)],
            label: Some(Cell { confidence: None, ..cell(Value::Word("malignant".into()), true) }),
            right: judged(true).map(usize::from),
            baseline: of_truth.then_some(0),
        }],
    }
}

fn of_table(has_truth: bool, confidence: Option<f64>) -> Vec<(f64, Event)> {
    let rows = |(t, event)| {
        let Event::Picture { round, trial, iteration, what, metrics, .. } = event else {
            return Some((t, event));
        };
        let is_truth = what == PictureOf::Truth;
        let table = match is_truth {
            true => rows(true, 14.25, None),
            false => rows(false, 14.5, confidence),
        };
        let event = Event::Rows { round, trial, iteration, what, table: Box::new(table), metrics };
        (has_truth || !is_truth).then_some((t, event))
    };
    done().into_iter().filter_map(rows).collect()
}

#[test]
fn the_third_table_of_csv_has_a_row_a_field() {
    let lab = Lab::new();
    let run = lab.run("one", &[], of_table(true, None));
    lab.export(from_ref(&run), Format::Csv, "x.csv");
    assert_eq!(lab.written(), ["x-curves.csv", "x-records.csv", "x.csv"]);
    let table = parse(&fs::read_to_string(lab.out("x-records.csv")).unwrap());
    let heading = "run,round,iteration,record,field,true,recovered,off_by,confidence,right,source";
    assert_eq!(table[0].join(","), heading);
    let said = |row: usize| table[row][1..].to_vec();
    assert_eq!(said(1), ["0", "40", "0", "'=radius", "14.25", "14.5", "0.25", "", "true", ""]);
    assert_eq!(said(2), ["0", "40", "0", "colour", "red, deep", "blue <b>", "", "", "false", ""]);
    assert_eq!(said(3), ["0", "40", "0", "diagnosis", "malignant", "malignant", "", "", "true", "optimised"]);
    assert_eq!(table.len(), 4);
    let error = write(from_ref(&run), Format::Csv, Some(&lab.out("x.csv")), false).unwrap_err().to_string();
    assert!(error.contains("x.csv") && error.contains("exist"), "{error}");
    // A run on images has no third table.
    let lab = Lab::new();
    lab.export(&[lab.run("one", &[], done())], Format::Csv, "x.csv");
    assert_eq!(lab.written(), ["x-curves.csv", "x.csv"]);
}

#[test]
fn an_older_third_table_is_left_alone() {
    let lab = Lab::new();
    let run = lab.run("one", &[], of_table(true, None));
    fs::write(lab.out("x-records.csv"), "older").unwrap();
    let error = write(&[run], Format::Csv, Some(&lab.out("x.csv")), false).unwrap_err().to_string();
    assert!(error.contains("x-records.csv exists already"), "{error}");
    assert_eq!(lab.written(), ["x-records.csv"]);
}

#[test]
fn json_holds_the_records_of_the_answer_and_no_file() {
    let lab = Lab::new();
    let run = lab.run("one", &[], of_table(true, Some(0.5)));
    let document: Json = serde_json::from_str(&lab.export(&[run], Format::Json, "x.json")).unwrap();
    let round = &document["runs"][0]["rounds"][0];
    let row = &round["reconstruction"]["table"]["rows"][0];
    assert_eq!(row["cells"][0], serde_json::json!({ "number": 14.5, "right": true, "confidence": 0.5 }));
    assert_eq!((&row["right"], &round["truth"]["table"]["rows"][0]["baseline"]), (&1.into(), &0.into()));
    assert!(round["reconstruction"].get("file").is_none());
    let iterate = &round["trials"][0]["pictures"][0];
    assert!(iterate.get("table").is_none() && iterate["iteration"] == 20, "{iterate}");
}

#[test]
fn the_report_has_a_table_where_pictures_stand() {
    let lab = Lab::new();
    let html = lab.export(&[lab.run("one", &[], of_table(true, None))], Format::Html, "x.html");
    assert!(html.contains("<h2>Records</h2>") && !html.contains("<img"), "{html}");
    for text in [
        "record 1 of 1, people.csv, reconstruction",
        "<th scope=\"row\">=radius</th>",
        "14.25",
        "blue &lt;b&gt;",
        "✗ no",
        "optimised",
        "1 of 2 fields within tolerance (0.319 sd, TabLeak's) · mean or mode 0 of 2.",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
    assert!(!html.contains("confidence"));
    let sure = lab.export(&[lab.run("two", &[], of_table(true, Some(0.75)))], Format::Html, "y.html");
    assert!(sure.contains("confidence") && sure.contains("0.75"), "{sure}");
}

#[test]
fn without_a_ground_truth_its_columns_are_left_out_or_empty() {
    let lab = Lab::new();
    let run = lab.run("one", &[], of_table(false, None));
    let html = lab.export(from_ref(&run), Format::Html, "x.html");
    assert!(!html.contains("true (private)") && html.contains("14.50"), "{html}");
    lab.export(&[run], Format::Csv, "x.csv");
    let table = parse(&fs::read_to_string(lab.out("x-records.csv")).unwrap());
    assert_eq!(table[1][5..8], ["", "14.5", ""]);
}

#[test]
fn rows_are_no_pictures() {
    let lab = Lab::new();
    let run = lab.run("one", &[], of_table(true, None));
    let error = lab.refused(from_ref(&run), Format::Png);
    let says = "attacks rows of a table, which are no pictures; csv, json and html hold them field by field";
    assert!(error.ends_with(says), "{error}");
}

#[test]
fn strips_of_an_earlier_gialab_are_not_shown() {
    let lab = Lab::new();
    let mut events = done();
    for (_, event) in &mut events {
        if let Event::Picture { tiles, .. } = event {
            *tiles = Tiles { samples: 1, columns: 1, width: 30, height: 1 };
        }
    }
    let run = lab.run("one", &[], events);
    let html = lab.export(from_ref(&run), Format::Html, "x.html");
    assert!(html.contains("An earlier gialab kept no fields") && !html.contains("<img"), "{html}");
    fs::remove_file(lab.out("x.html")).unwrap();
    assert!(lab.refused(from_ref(&run), Format::Png).contains("rows of a table"));
    let json = lab.export(&[run], Format::Json, "x.json");
    assert!(json.contains("pictures/truth-0-0.png"), "what it stored is named: {json}");
}
