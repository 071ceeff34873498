//! Rows of a table that leak, from the attack to the exported files.

use std::fs;

use gialab::run::event::{Event, PictureOf};
use serde_json::Value;

use crate::lab::{Lab, finished};

const SUMMARY: &str = " of 30 fields within tolerance (0.319 sd, TabLeak's); mean or mode ";

#[test]
fn a_record_comes_back_field_by_field() {
    let lab = Lab::new();
    let said = lab.succeed(&["run", "table-row"]);
    assert!(said.contains(SUMMARY), "{said}");
    let shown = lab.succeed(&["show", "last"]);
    let line = |name: &str| {
        let line =
            shown.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {shown}"));
        line.trim_start_matches(name).split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(line("field"), ["true", "recovered", "off", "by", "right"]);
    // The first patient of the table, in its own units.
    assert_eq!((&*line("mean radius")[0], &*line("worst area")[0]), ("17.99", "2019"));
    assert_eq!(line("mean area").last().unwrap(), "yes");
    assert_eq!(line("class"), ["malignant", "malignant", "read", "off", "the", "update", "yes"]);
    let right: usize = shown.split(SUMMARY).next().unwrap().rsplit('\n').next().unwrap().parse().unwrap();
    let baseline = shown.split(SUMMARY).nth(1).unwrap().split(' ').next().unwrap().parse::<usize>().unwrap();
    assert!(right >= 28 && baseline < 15, "{shown}");
    assert!(!shown.contains("picture "), "{shown}");

    let lab_export = |format: &str, out: &str| {
        let path = lab.path(out);
        lab.succeed(&["export", "last", "--to", format, "--out", path.to_str().unwrap()]);
        fs::read_to_string(path).unwrap()
    };
    lab_export("csv", "x.csv");
    let records = fs::read_to_string(lab.path("x-records.csv")).unwrap();
    assert_eq!(records.lines().count(), 1 + 30 + 1, "{records}");
    assert!(
        records.contains(",0,mean radius,17.99,") && records.contains(",class,malignant,malignant,"),
        "{records}"
    );
    let json: Value = serde_json::from_str(&lab_export("json", "x.json")).unwrap();
    let round = &json["runs"][0]["rounds"][0];
    assert_eq!(round["reconstruction"]["table"]["rows"][0]["cells"].as_array().unwrap().len(), 30);
    let share = round["result"]["metrics"]["fields"].as_f64().unwrap();
    assert!((share - right as f64 / 30.0).abs() < 1e-12, "the figure and the record count alike");
    assert!(lab_export("html", "x.html").contains("mean fractal dimension"));
    let error = lab.fail(&["export", "last", "--to", "png", "--out", lab.path("x.png").to_str().unwrap()], 1);
    assert!(error.contains("rows of a table, which are no pictures"), "{error}");
}

#[test]
fn words_and_batches_are_recorded_too_and_no_picture_is_stored() {
    let lab = Lab::new();
    let path = lab.path("people.csv");
    let row =
        |i: usize| format!("{},{},{}\n", 20 + i, ["red", "green", "blue"][i % 3], ["no", "yes"][i / 2 % 2]);
    fs::write(&path, format!("age,colour,ill\n{}", (0..60).map(row).collect::<String>())).unwrap();
    let data = format!("victim.data={}", path.display());
    let sets = [&*data, "victim.indices=[4, 9]", "attack.labels=\"given\"", "knowledge.labels=true"];
    let sets = sets.iter().flat_map(|set| ["--set", set]);
    let arguments: Vec<&str> = ["run", "table-row", "--json"].into_iter().chain(sets).collect();
    let out = lab.succeed(&arguments);
    let run = finished(&out)["run"].as_str().unwrap().to_owned();
    assert_eq!(fs::read_dir(lab.run_path(&run).join("pictures")).unwrap().count(), 0);
    let tables =
        out.lines().filter_map(|line| match serde_json::from_str::<gialab::run::Line>(line).unwrap().event {
            Event::Rows { what: PictureOf::Truth | PictureOf::Reconstruction, table, .. } => Some(table),
            _ => None,
        });
    let tables: Vec<_> = tables.collect();
    assert_eq!((tables.len(), tables[0].rows.len(), &*tables[1].set), (2, 2, "people.csv"));
    let shown = lab.succeed(&["show", "last"]);
    assert!(shown.contains("record 2 of 2, people.csv") && shown.contains("given"), "{shown}");
    assert!(shown.contains("colour") && shown.contains("green") && shown.contains("29.0"), "{shown}");
}
