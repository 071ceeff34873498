//! Rows from values and as text.

use super::*;
use crate::config::Labels;
use crate::data::{self, Batch, Column, ColumnKind, Dataset, Images};

/// Sixty people: age from 20 to 60, and one of three colours, of which red is the most frequent.
fn people() -> Dataset {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    let row = |i: usize| {
        let colour = ["red", "red", "green", "red", "blue"][i % 5];
        format!("{}.5,{colour},{}\n", 20 + i * 40 / 60, ["healthy", "ill"][i % 2])
    };
    let rows: String = (0..60).map(row).collect();
    std::fs::write(&path, format!("age,colour,state\n{rows}")).unwrap();
    data::open(path.to_str().unwrap()).unwrap()
}

fn tabulated(truth: &Batch, set: &Dataset, guess: &[f64], labels: &[usize]) -> (Rows, Rows) {
    let tabulator = Tabulator::of(truth.images.shape(), Some(truth), Some(set)).unwrap();
    let images = Images { pixels: guess.to_vec(), ..truth.images.clone() };
    (tabulator.truth(truth), tabulator.guess(&images, labels, Some(truth)))
}

#[test]
fn values_come_back_as_fields_that_are_right_or_not() {
    let set = people();
    let truth = set.batch(&[0], None).unwrap();
    // 20.5 and red; the range of ages is 39.
    assert_eq!(truth.images.pixels[..1], [0.0]);
    let (own, found) = tabulated(&truth, &set, &[0.1, 0.0, 0.2, 0.7], &[0]);
    let told = Sheet::new(Some(&own), &found, 0);
    let lines = told.fields();
    let said = |line: &Told| (line.field.to_owned(), line.truth.clone().unwrap(), line.found.clone());
    assert_eq!(said(&lines[0]), ("age".into(), "20.5".into(), "24.4".into()));
    // A third of the deviation of 11.5 is 3.7.
    assert_eq!((lines[0].off.as_deref(), lines[0].right), (Some("3.9"), Some(false)));
    assert_eq!(said(&lines[1]), ("colour".into(), "red".into(), "red".into()));
    assert_eq!((lines[1].off.as_deref(), lines[1].right), (None, Some(true)));
    let label = told.label().unwrap();
    assert_eq!(said(&label), ("state".into(), "healthy".into(), "healthy".into()));
    assert_eq!(label.right, Some(true));
    assert_eq!((found.rows[0].right, told.has_confidence()), (Some(1), false));
    // The others are 40 years old on average, and red.
    assert_eq!(own.rows[0].baseline, Some(1));
    assert_eq!(
        told.summaries("; ")[0],
        "1 of 2 fields within tolerance (0.319 sd, TabLeak's); mean or mode 1 of 2"
    );
    assert_eq!(told.title(), "record 1 of 1, people.csv");
}

#[test]
fn what_leaves_its_range_counts_as_the_end_of_it() {
    let set = people();
    let truth = set.batch(&[0], None).unwrap();
    let (own, found) = tabulated(&truth, &set, &[-7.0, f64::NAN, -2.0, 9.0], &[1]);
    let told = Sheet::new(Some(&own), &found, 0);
    assert_eq!((told.fields()[0].found.as_str(), told.fields()[0].off.as_deref()), ("20.5", Some("0.0")));
    assert_eq!(told.fields()[0].right, Some(true));
    assert_eq!(told.label().unwrap().right, Some(false));
    let (own, found) = tabulated(&truth, &set, &[f64::NAN; 4], &[]);
    let told = Sheet::new(Some(&own), &found, 0);
    assert_eq!((told.fields()[0].found.as_str(), told.fields()[0].right), ("NaN", Some(false)));
    assert_eq!(told.label(), None, "a class that the attacker has not is not made up");
}

#[test]
fn without_a_ground_truth_nothing_is_judged() {
    let set = people();
    let images = set.batch(&[3], None).unwrap().images;
    let tabulator = Tabulator::of(images.shape(), None, Some(&set)).unwrap();
    let found = tabulator.guess(&images, &[1], None);
    let told = Sheet::new(None, &found, 0);
    assert!(
        told.fields()
            .iter()
            .chain(&told.label())
            .all(|line| { (line.truth.as_ref(), line.off.as_ref(), line.right) == (None, None, None) })
    );
    assert!(told.summaries("; ").is_empty());
    let json = serde_json::to_string(&found).unwrap();
    assert!(!json.contains("right") && !json.contains("baseline"), "{json}");
}

#[test]
fn flat_values_without_a_table_are_numbers_that_nobody_judges() {
    let images = Images { samples: 1, channels: 1, height: 1, width: 3, pixels: vec![0.25, 0.5, 1.0] };
    let truth = Batch { images: images.clone(), labels: vec![2], names: vec!["a".into()] };
    let tabulator = Tabulator::of(images.shape(), Some(&truth), None).unwrap();
    let (own, found) = (tabulator.truth(&truth), tabulator.guess(&images, &[2], Some(&truth)));
    let told = Sheet::new(Some(&own), &found, 0);
    let lines = told.fields();
    assert_eq!((lines[0].field, lines[0].found.as_str(), lines[0].right), ("value 1", "0.2500", None));
    assert_eq!(told.label().unwrap().right, Some(true), "classes need no table");
    assert!(told.summaries("; ").is_empty());
    let picture = [1, 1, 8, 8];
    assert!(Tabulator::of(picture, None, None).is_none());
}

#[test]
fn a_line_of_the_log_is_bounded_and_says_what_it_leaves_out() {
    let set = people();
    let many: Vec<usize> = (0..20).collect();
    let truth = set.batch(&many, None).unwrap();
    let (own, found) = tabulated(&truth, &set, &truth.images.pixels, &truth.labels);
    assert_eq!((own.rows.len(), found.rows.len(), found.samples), (MOST_ROWS, MOST_ROWS, 20));
    let told = |at| Sheet::new(Some(&own), &found, at);
    assert_eq!(told(15).left_out(), None);
    assert_eq!(told(19).left_out().unwrap(), "of 20 records the first 16 are kept");
    assert!(told(19).fields().is_empty() && told(19).label().is_none());
    let wide = Images { samples: 16, channels: 1, height: 1, width: 2000, pixels: vec![0.5; 32_000] };
    let rows = Tabulator::of(wide.shape(), None, None).unwrap().guess(&wide, &[], None);
    assert_eq!((rows.rows.len(), rows.fields.len(), rows.width), (8, 512, 2000));
    assert_eq!(Sheet::new(None, &rows, 0).left_out().unwrap(), "of 2000 fields the first 512 are kept");
}

#[test]
fn rows_are_read_as_they_were_written_and_batches_have_a_size() {
    let set = people();
    let truth = set.batch(&[4, 7], None).unwrap();
    let (_, mut found) = tabulated(&truth, &set, &truth.images.pixels, &truth.labels);
    found.rows[0].cells[0].confidence = Some(0.5);
    let json = serde_json::to_string(&found).unwrap();
    assert!(json.contains(r#"{"number":22.5,"right":true,"confidence":0.5}"#), "{json}");
    assert!(json.contains(r#"{"word":"blue","right":true}"#), "{json}");
    assert_eq!(serde_json::from_str::<Rows>(&json).unwrap(), found);
    for samples in ["0", "1000000000"] {
        let claimed = json.replace(r#""samples":2"#, &format!(r#""samples":{samples}"#));
        assert!(serde_json::from_str::<Rows>(&claimed).is_err());
    }
    assert!(Sheet::new(None, &found, 0).has_confidence());
}

#[test]
fn a_class_says_where_it_comes_from() {
    assert_eq!(source(&Labels::Given), "given");
    assert_eq!(source(&Labels::Optimise), "optimised");
    assert_eq!(source(&Labels::Rule("idlg".into())), "read off the update");
}

#[test]
fn decimals_tell_apart_what_a_field_can_say() {
    let set = data::open("breast-cancer").unwrap();
    let table = set.table.as_ref().unwrap();
    let truth = set.batch(&[0], None).unwrap();
    let (own, found) = tabulated(&truth, &set, &truth.images.pixels, &truth.labels);
    let told = Sheet::new(Some(&own), &found, 0).fields();
    let of = |name: &str| told.iter().find(|line| line.field == name).unwrap();
    assert_eq!((told.len(), table.columns.len()), (30, 30));
    for name in ["mean area", "mean smoothness"] {
        let Column { kind: ColumnKind::Numeric { std, .. }, .. } =
            table.columns.iter().find(|column| column.name == name).unwrap()
        else {
            panic!("{name} is a number");
        };
        let decimals = of(name).found.split_once('.').map_or(0, |(_, decimals)| decimals.len() as i32);
        assert!(10f64.powi(-decimals) <= std / 100.0 && 10f64.powi(-decimals) > std / 1100.0, "{name}");
    }
    assert_eq!(found.rows[0].right, Some(30));
    assert!(told.iter().all(|line| line.off.as_ref().unwrap().trim_matches(['0', '.']).is_empty()));
}
