//! What is read from tables and refused.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::read::dataset;
use super::schema::{Schema, schema_name};
use super::*;
use crate::data;
use crate::data::Dataset;

const ADULTS: &str = "age,sex,id,income\n\
                      39, Male ,a,<=50K\n\
                      50,Female,b,>50K\n\
                      28,Male,c,<=50K\n";

/// A table of this name and content, with a schema unless it is empty.
fn open_as(name: &str, content: &[u8], schema: &str) -> Result<Dataset, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    if !schema.is_empty() {
        fs::write(folder.path().join(schema_name(&path)), schema).unwrap();
    }
    let prefix = format!("{}/", folder.path().display());
    data::open(path.to_str().unwrap()).map_err(|error| error.to_string().replace(&prefix, ""))
}

fn refused(content: &str, schema: &str) -> String {
    open_as("t.csv", content.as_bytes(), schema).unwrap_err()
}

fn row(set: &Dataset, i: usize) -> Vec<f64> {
    set.batch(&[i], None).unwrap().images.pixels
}

#[test]
fn types_are_inferred_from_the_content() {
    let set = open_as("adults.csv", ADULTS.as_bytes(), "").unwrap();
    assert_eq!((set.len(), set.size, set.channels), (3, Some((1, 3)), 1));
    assert_eq!(set.classes, ["<=50K", ">50K"]);
    assert_eq!(set.labels(), [0, 1, 0]);
    // Age by its range, then female, male; the id is left out.
    assert_eq!(row(&set, 0), [0.5, 0.0, 1.0]);
    assert_eq!(row(&set, 1), [1.0, 1.0, 0.0]);
    assert_eq!(set.sample_name(1).unwrap(), ">50K #1");
    let table = set.table.as_ref().unwrap();
    assert_eq!(table.target, "income");
    let fields: Vec<String> =
        table.decode(&row(&set, 0)).iter().map(|f| format!("{}={}", f.name, f.value)).collect();
    assert_eq!(fields, ["age=39", "sex=Male"]);
    let ColumnKind::Numeric { std, .. } = table.columns[0].kind else { panic!("{table:?}") };
    assert!((std - (242.0_f64 / 3.0).sqrt()).abs() < 1e-9, "{std}");
}

#[test]
fn a_schema_decides_where_it_speaks() {
    let schema = "target = \"sex\"\n[columns]\n\
                  age = { kind = \"numeric\", min = 0, max = 100 }\n\
                  id = { kind = \"ignore\" }\n\
                  sex = { kind = \"categorical\", values = [\"Male\", \"Female\", \"Other\"] }\n";
    let set = open_as("adults.csv.gz", ADULTS.as_bytes(), schema).unwrap();
    assert_eq!(set.classes, ["Male", "Female", "Other"]);
    assert_eq!(set.labels(), [0, 1, 0]);
    assert_eq!(row(&set, 0), [0.39, 1.0, 0.0]);
    let numbers = "a,b,class\n1,0,x\n0,5,y\n";
    let schema = "[columns]\na = { kind = \"categorical\" }\n";
    assert_eq!(row(&open_as("t.csv", numbers.as_bytes(), schema).unwrap(), 0), [0.0, 1.0, 0.0]);
}

#[test]
fn the_target_is_the_column_of_that_name_or_the_last() {
    let target = |text: &str| open_as("t.csv", text.as_bytes(), "").unwrap().table.unwrap().target;
    assert_eq!(target("Label,a,b\nx,1,2\ny,2,3\n"), "Label");
    assert_eq!(target("a,b,c\n1,2,x\n2,3,y\n"), "c");
    assert_eq!(target("label,class,c\nu,v,x\nv,w,y\n"), "c");
    assert_eq!(target("1.5,2,0\n2.5,3,1\n"), "column 3");
}

#[test]
fn lines_of_numbers_have_no_header_and_classes_go_by_size() {
    let set = open_as("t.tsv", b"1.5\tu\t10\n2.5\tv\t9\n2.0\tu\t10\n", "").unwrap();
    assert_eq!((set.len(), set.classes.clone()), (3, vec!["9".to_owned(), "10".to_owned()]));
    assert_eq!(set.table.as_ref().unwrap().columns[1].name, "column 2");
    assert_eq!(row(&set, 2), [0.5, 1.0, 0.0]);
}

#[test]
fn a_column_that_never_changes_is_zero_and_comes_back() {
    let set = open_as("t.csv", b"a,b,class\n7,1,x\n7,2,y\n", "").unwrap();
    assert_eq!(row(&set, 1), [0.0, 1.0]);
    assert_eq!(set.table.unwrap().decode(&[0.3, 0.0])[0].value, Value::Number(7.0));
}

#[test]
fn packed_tables_are_read_and_cut_ones_refused() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(ADULTS.as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    assert_eq!(open_as("t.csv.gz", &packed, "").unwrap().len(), 3);
    let error = open_as("t.csv.gz", &packed[..packed.len() - 12], "").unwrap_err();
    assert!(error.starts_with("cannot read t.csv.gz: "), "{error}");
}

#[test]
fn a_table_has_no_size_in_pixels() {
    let set = open_as("t.csv", ADULTS.as_bytes(), "").unwrap();
    assert_eq!(
        set.batch(&[0], Some(32)).unwrap_err().to_string(),
        "t.csv is a table, its rows have no size in pixels: leave victim.size out (--set victim.size=)"
    );
}

#[test]
fn bad_tables_are_refused_in_one_sentence() {
    let fix = "correct it, or declare the column in t.schema.toml";
    for (content, expected) in [
        ("", "t.csv: it is empty".to_owned()),
        ("a,b\n", "t.csv holds no samples".to_owned()),
        ("a\n1\n", "t.csv: it has one column; separate the columns by commas, semicolons, tabs, | or spaces".to_owned()),
        (
            "a,b,c\n1,2,x\n1,2\n",
            "t.csv: line 3 has 2 fields where the others have 3; the file may be truncated".to_owned(),
        ),
        ("a,a,c\n1,2,x\n", "t.csv: line 1: columns 1 and 2 are both called \"a\"; rename one".to_owned()),
        (
            "a,c\n1,x\n2,y\nNaN,x\n",
            "t.csv: line 4, column a: it is \"NaN\", as 1 of its fields; set missing = \"drop\" or missing = \"mean\" in \
             t.schema.toml"
                .to_owned(),
        ),
        (
            "a,c\n1,x\n,y\n3,x\n",
            "t.csv: line 3, column a: it is empty, as 1 of its fields; set missing = \"drop\" or missing = \"mean\" in \
             t.schema.toml"
                .to_owned(),
        ),
        (
            "a,c\n1,x\n1e999,y\n3,x\n",
            format!("t.csv: line 3, column a: \"1e999\" is not a finite number, as the other fields of the column are; {fix}"),
        ),
        (
            "a,c\n1,x\n2,x\n",
            "t.csv, column c: it is the target and always \"x\"; with a single class there is no gradient to invert, \
             name another column as target in t.schema.toml"
                .to_owned(),
        ),
        (
            "a,c\n1,0.5\n2,1.5\n3,2\n",
            "t.csv, column c: as the target it would have 3 classes, it looks like a quantity; name the column of \
             classes as target in t.schema.toml"
                .to_owned(),
        ),
    ] {
        assert_eq!(refused(content, ""), expected, "{content:?}");
    }
    let many: String = (0..2200).map(|i| format!("word{},{}\n", i / 2, i % 2)).collect();
    assert_eq!(
        refused(&format!("word,class\n{many}"), ""),
        "t.csv, column word: it has more than 1000 different words; give it kind = \"ignore\" in t.schema.toml"
    );
}

#[test]
fn bad_schemas_are_refused_in_one_sentence() {
    let rows = "age,sex,income\n30,m,x\n40,f,y\n";
    for (schema, expected) in [
        ("target = \"incom\"", "t.schema.toml: the table has no column \"incom\"; did you mean \"income\"?"),
        ("[columns]\nzip = { kind = \"ignore\" }", "t.schema.toml: the table has no column \"zip\""),
        ("[columns]\nage = { kind = \"number\" }", "t.schema.toml: line 2: `number` is not known"),
        ("[columns]\nage = { kind = \"numeric\", mim = 0 }", "t.schema.toml: line 2: `mim` is no setting"),
        ("targt = \"income\"", "t.schema.toml: line 1: `targt` is no setting"),
        ("target =", "t.schema.toml: line 1: "),
        (
            "[columns]\nage = { kind = \"numeric\", min = 5, max = 5 }",
            "t.schema.toml: column \"age\" has min 5 and max 5; min must be smaller",
        ),
        (
            "[columns]\nage = { kind = \"numeric\", max = 35 }",
            "t.csv: line 3, column age: \"40\" is outside of the declared 30 to 35; correct it",
        ),
        (
            "[columns]\nsex = { kind = \"categorical\", values = [\"m\"] }",
            "t.csv: line 3, column sex: \"f\" is none of the declared values; add it to the values in t.schema.toml",
        ),
        (
            "[columns]\nsex = { kind = \"categorical\", values = [\"m\", \"m\"] }",
            "t.schema.toml: the values of column \"sex\" must be 1 to 1000 different words",
        ),
        (
            "target = \"income\"\n[columns]\nincome = { kind = \"ignore\" }",
            "t.schema.toml: the target \"income\" holds the classes and must be categorical",
        ),
        (
            "[columns]\nage = { kind = \"ignore\" }\nsex = { kind = \"ignore\" }",
            "t.csv: a row has 0 values for the model, must be 1 to 65536",
        ),
    ] {
        let error = refused(rows, schema);
        assert!(error.starts_with(expected), "{schema}: {error}");
        assert!(!error.trim_end().contains('\n'), "{error}");
    }
}

/// What was said of a table, without its name.
fn notes(set: &Dataset) -> String {
    set.reading.notes().join("\n")
}

#[test]
fn numbers_are_read_as_people_write_them() {
    for (fields, values, says) in [
        (["3.81 cm", "4.12 cm", "5 cm"], [0.0, 0.31 / 1.19, 1.0], "cm are left out of the numbers of a"),
        (["3.81cm", "4.12cm", "5cm"], [0.0, 0.31 / 1.19, 1.0], "cm are left out"),
        (["USD 3.81", "USD 4.12", "USD 5"], [0.0, 0.31 / 1.19, 1.0], "USD are left out"),
        (["1_100", "1_200", "1_300"], [0.0, 0.5, 1.0], "separators of thousands are left out"),
        (["1e3", "2E3", "3e+3"], [0.0, 0.5, 1.0], "numbers a"),
        (["(3.81)", "0", "3.81"], [0.0, 0.5, 1.0], "numbers in parentheses in a are taken as negative"),
        (["\u{2212}3", "0", "3"], [0.0, 0.5, 1.0], "numbers a"),
        (["1\u{a0}000", "2\u{a0}000", "3\u{202f}000"], [0.0, 0.5, 1.0], "separators of thousands"),
        (["1 000", "2 000", "3 000"], [0.0, 0.5, 1.0], "separators of thousands"),
        (["1,00,000", "2,00,000", "3,00,000"], [0.0, 0.5, 1.0], "separators of thousands"),
        (["1.000,5", "2.000,5", "3.000,5"], [0.0, 0.5, 1.0], "separators of thousands"),
    ] {
        let rows: String = fields.iter().zip(["x", "y", "x"]).map(|(f, c)| format!("{f};{c}\n")).collect();
        let set = open_as("t.csv", format!("a;class\n{rows}").as_bytes(), "").unwrap();
        assert_eq!(set.len(), 3, "{fields:?}");
        for (i, value) in values.iter().enumerate() {
            let found = row(&set, i);
            assert!(found.len() == 1 && (found[0] - value).abs() < 1e-9, "{fields:?}: {found:?}");
        }
        assert!(notes(&set).contains(says), "{fields:?}: {}", notes(&set));
    }
}

#[test]
fn numbers_in_two_ways_are_refused_with_their_lines() {
    for (fields, says) in [
        (["3,81", "4.12", "5,5", "6.5"], "line 3 has \"4.12\""),
        (
            ["4.12", "3,81", "6.5", "5,5"],
            "line 3 has \"3,81\", with a comma before the fraction, but line 2 \"4.12\"",
        ),
        (
            ["3.81 cm", "38.1 mm", "4 cm", "5 cm"],
            "line 3 has \"38.1 mm\", in another unit than \"3.81 cm\" in line 2",
        ),
        (["3.5", "4.5", "5,5", "6.5"], "line 4, column a: \"5,5\" has a comma before its fraction"),
        (["3 kg", "4 kg", "5", "6 kg"], "line 4 has \"5\", without the unit"),
    ] {
        let rows: String =
            fields.iter().zip(["x", "y", "x", "y"]).map(|(f, c)| format!("{f};{c}\n")).collect();
        let content = format!("a;class\n{rows}");
        let error = refused(&content, "");
        let first_is_comma = fields[0] == "3,81";
        let says = if first_is_comma { "line 2 has \"3,81\"" } else { says };
        assert!(error.contains(says) && error.contains("declare the column in t.schema.toml"), "{error}");
        let words = "[columns]\na = { kind = \"categorical\" }\n";
        assert!(open_as("t.csv", content.as_bytes(), words).is_ok());
    }
}

#[test]
fn what_is_passed_over_among_the_rows_is_said() {
    let text = "a,b,class\n1,2,x\n# a remark\n3,4,y\n,,\n\na,b,class\n5,6,x\n7,8,y,\n";
    let set = open_as("t.csv", text.as_bytes(), "").unwrap();
    assert_eq!(set.len(), 4);
    for says in [
        "1 line that begins with # is left out, line 3",
        "1 row without any value is left out, line 5",
        "1 line that repeats the names of the columns is left out, line 7",
        "1 empty field behind the last column is left out, line 9",
    ] {
        assert!(notes(&set).contains(says), "{}", notes(&set));
    }
    let error = refused("a,b,class\n1,2,x\n3,4\n5,6,y\n", "");
    assert!(error.ends_with(
        "line 3 has 2 fields where the others have 3; add those that it lacks, or remove the line"
    ));
    let error = refused("a,class\n1,x\n2,\"y\n3,x\n4,y\n", "");
    assert!(error.contains("line 3 opens a quote that is never closed"), "{error}");
}

#[test]
fn words_without_a_value_are_what_the_schema_says() {
    let rows = "a,b,class\n1,u,x\n2,,y\n3,u,x\n4,v,y\n";
    let set = open_as("t.csv", rows.as_bytes(), "missing = \"mean\"").unwrap();
    assert!(
        notes(&set).contains("b has no value in 1 rows, set to its most frequent word \"u\""),
        "{}",
        notes(&set)
    );
    assert_eq!(row(&set, 1)[1..], [1.0, 0.0]);
    let set = open_as("t.csv", rows.as_bytes(), "missing = \"drop\"").unwrap();
    assert!(notes(&set).contains("1 row that lacks a value is left out"), "{}", notes(&set));
    let error = refused(rows, "[columns]\nb = { kind = \"categorical\", values = [\"u\", \"v\"] }");
    assert!(error.contains("line 3, column b: it has no value; set missing = \"drop\""), "{error}");
}

#[test]
fn a_schema_is_a_small_regular_file_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("t.csv");
    fs::write(&table, ADULTS).unwrap();
    let schema = folder.path().join("t.schema.toml");
    let refused = || data::open(table.to_str().unwrap()).unwrap_err().to_string();
    rustix::fs::mknodat(rustix::fs::CWD, &schema, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert!(refused().contains("it is a pipe (FIFO), not a regular file; a schema is a small text in TOML"));
    fs::remove_file(&schema).unwrap();
    fs::create_dir(&schema).unwrap();
    assert!(refused().contains("it is a directory, not a regular file"), "{}", refused());
    fs::remove_dir(&schema).unwrap();
    fs::File::create(&schema).unwrap().set_len(1 << 40).unwrap();
    assert!(refused().contains("and at most 1,048,576 are read"), "{}", refused());
    fs::remove_file(&schema).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &schema).unwrap();
    assert!(refused().contains("it is a device"), "{}", refused());
    fs::remove_file(&schema).unwrap();
    std::os::unix::fs::symlink("nothing", &schema).unwrap();
    assert!(refused().contains("it is a link to nothing"), "{}", refused());
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "[a-c0-9,.\"\n\r \u{e9}-]{0,120}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = embedded("t.csv", &text);
        let _ = dataset("t.csv".into(), &bytes, &Schema::default(), Path::new("t.csv"));
    }

    #[test]
    fn rows_come_back_as_they_were(numbers in proptest::collection::vec(-1e6..1e6_f64, 2..20)) {
        let text: String = numbers.iter().enumerate().map(|(i, n)| format!("{n},w{},c{}\n", i % 3, i % 2)).collect();
        let set = embedded("t.csv", &text).unwrap();
        let table = set.table.as_ref().unwrap();
        for (i, number) in numbers.iter().enumerate() {
            let values = row(&set, i);
            prop_assert!(values.iter().all(|value| (0.0..=1.0).contains(value)));
            let fields = table.decode(&values);
            prop_assert!(matches!(fields[0].value, Value::Number(n) if (n - number).abs() < 1e-6));
            prop_assert_eq!(fields[1].value.to_string(), format!("w{}", i % 3));
            prop_assert!(data::field_accuracy(table, &values, &values, data::TOLERANCE).share() == Some(1.0));
        }
    }
}
