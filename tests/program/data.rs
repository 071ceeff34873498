//! Tables, CIFAR-100, folders and drawn batches, from the command line to the table of rounds.

use std::fs;

use crate::lab::{Lab, cases, text, write};

/// A whole attack of a second at most on a fully connected network, on data of any kind.
fn attack(lab: &Lab, changes: &[&str]) -> String {
    let quick = [
        "attack.iterations=3",
        "attack.prior.tv=0",
        "victim.size=",
        "victim.classes=",
        "victim.options.width=0.02",
    ];
    let changes = quick.iter().chain(changes).flat_map(|change| ["--set", *change]);
    let arguments: Vec<&str> = ["run", "ig-mlp"].into_iter().chain(changes).collect();
    lab.succeed(&arguments)
}

fn refused(lab: &Lab, changes: &[&str]) -> String {
    let changes = changes.iter().flat_map(|change| ["--set", *change]);
    let arguments: Vec<&str> = ["run", "ig-mlp"].into_iter().chain(changes).collect();
    lab.fail(&arguments, 2)
}

#[test]
fn a_table_is_attacked_as_any_other_data() {
    let lab = Lab::new();
    let out = attack(&lab, &["victim.data=wine"]);
    assert!(out.contains("wine [0]"), "{out}");
    assert!(!out.contains("NaN"), "{out}");
    let own = write(&lab.path("people.csv"), b"age,job,income\n30,clerk,low\n61,judge,high\n44,clerk,high\n");
    let data = format!("victim.data={own}");
    assert!(attack(&lab, &[&data, "victim.indices=[1]"]).contains("people.csv [1]"));

    let error = refused(&lab, &["victim.data=wine"]);
    assert!(error.contains("wine is a table") && error.contains("--set victim.size="), "{error}");
    for model in ["lenet5", "alexnet", "vit"] {
        let model = format!("victim.model={model}");
        let error = refused(&lab, &["victim.data=wine", "victim.size=", "victim.mode=eval", &model]);
        assert!(
            error.contains("does not fit rows of a table of 1x1x13") && error.contains("use mlp"),
            "{error}"
        );
    }
    let error = refused(&lab, &["victim.data=wine", "victim.size=", "victim.classes="]);
    assert!(
        error.contains("attack.prior.tv is for pictures, but the samples are rows of a table")
            && error.contains("--set attack.prior.tv=0"),
        "{error}"
    );
    fs::write(&own, "age,job,income\n30,clerk,low\n61,judge\n").unwrap();
    let error = refused(&lab, &[&data, "victim.size="]);
    assert!(error.contains("people.csv: line 3 has 2 fields"), "{error}");
}

#[test]
fn cifar100_is_told_by_its_length() {
    let lab = Lab::new();
    let mut records = Vec::new();
    for fine in [7_u8, 99] {
        records.extend([3, fine]);
        records.extend((0..3072_usize).map(|i| (i * usize::from(fine) % 256) as u8));
    }
    let data = format!("victim.data={}", write(&lab.path("part.bin"), &records));
    assert!(attack(&lab, &[&data, "victim.indices=[1]"]).contains("part.bin [1]"));
    let error = refused(&lab, &[&data, "victim.indices=[2]"]);
    assert!(error.contains("sample 2 of part.bin, which has 2"), "{error}");
}

#[test]
fn a_folder_at_224_is_attacked_and_its_splits_are_named() {
    let lab = Lab::new();
    for (name, value) in [("train/cat/a.png", 20), ("train/dog/b.png", 200), ("test/cat/c.png", 90)] {
        let path = lab.path("set").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::RgbImage::from_fn(300, 224, |x, y| image::Rgb([value, x as u8, y as u8])).save(path).unwrap();
    }
    let data = |path: &str| format!("victim.data={}", lab.path(path).display());
    let error = refused(&lab, &[&data("set")]);
    assert!(error.contains("holds parts of a set (test, train)") && error.contains("set/test"), "{error}");
    let out = attack(&lab, &[&data("set/train"), "victim.size=224", "victim.options.width=0.005"]);
    assert!(out.contains("train [0]"), "{out}");
}

#[test]
fn a_batch_is_drawn_and_said_to_be() {
    let lab = Lab::new();
    let sample = "victim.sample={ count = 3, classes = \"unique\" }";
    let out = attack(&lab, &["victim.data=iris", sample, "knowledge.labels=true", "attack.labels=given"]);
    assert!(out.contains("iris 3 drawn of different classes, batch of 3"), "{out}");
    let error = refused(
        &lab,
        &[
            "victim.data=crops32",
            "victim.sample={ count = 9, classes = 3 }",
            "knowledge.labels=true",
            "attack.labels=given",
        ],
    );
    assert!(error.contains("9 samples of class 3 of crops32, which has 8"), "{error}");
    let error = refused(&lab, &["victim.sample.classes=unike"]);
    assert!(error.contains("victim.sample.classes is \"any\", \"same\", \"unique\""), "{error}");
}

#[test]
fn a_clients_normalisation_can_be_said() {
    let lab = Lab::new();
    let out = attack(&lab, &["victim.data=digits8", "victim.normalise={ mean = [0.5], std = [0.5] }"]);
    assert!(out.contains("digits8 [0]"), "{out}");
    let error =
        refused(&lab, &["victim.data=digits8", "victim.normalise={ mean = [0.5, 0.5], std = [0.5, 0.5] }"]);
    assert!(error.contains("the samples of digits8 have 1 channels"), "{error}");
    let error = refused(&lab, &["victim.normalise={ mean = [0.5, 0.5, 0.5], std = [0.5, 0.5, 0] }"]);
    assert!(error.contains("victim.normalise has a std of 0, must be finite and above 0"), "{error}");
}

/// Width, classes and rows of a table as a run reads it, and what is said of it.
fn captured(lab: &Lab, path: &str) -> (usize, usize, Vec<f32>, String) {
    let out = lab.path("captured");
    let data = format!("victim.data={path}");
    let output = lab.gialab(&[
        "capture",
        "table-row",
        "--set",
        &data,
        "--set",
        "victim.indices=[0]",
        "--out",
        out.to_str().unwrap(),
    ]);
    let said = text(&output.stderr);
    assert!(output.status.success(), "{path}: {said}");
    let batch = fs::read(out.join("batch.safetensors")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&batch).unwrap();
    let images = file.tensor("images").unwrap();
    let first = images.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let preset = fs::read_to_string(out.join("preset.toml")).unwrap();
    let classes = preset.lines().find_map(|line| line.strip_prefix("classes = ")).unwrap().parse().unwrap();
    (images.shape()[3], classes, first, said)
}

#[test]
fn one_table_is_the_same_however_it_is_written() {
    let lab = Lab::new();
    let rows: Vec<String> = (0..40)
        .map(|i| format!("{}.5,{},{},{}", i % 7, (i * 3) % 11, ["a", "b"][i % 2], ["no", "yes"][i / 2 % 2]))
        .collect();
    let body = rows.join("\n") + "\n";
    let header = "length,width,kind,target\n";
    let plain = format!("{header}{body}");
    let wide: Vec<u8> = plain.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let write = |name: &str, content: &[u8]| write(&lab.path(name), content);
    let own = captured(&lab, &write("plain.csv", plain.as_bytes()));
    // Length and width as numbers, two words; 0.5 is the least length, 0 the least width.
    assert_eq!((own.0, own.1, own.2), (4, 2, vec![0.0, 0.0, 1.0, 0.0]));
    let indexed = |name: &str| -> String {
        let lines = rows.iter().enumerate().map(|(i, row)| format!("{i},{row}\n"));
        format!("{name},{header}") + &lines.collect::<String>()
    };
    let forms: [(&str, Vec<u8>, &str); 17] = [
        ("bom.csv", [b"\xef\xbb\xbf", plain.as_bytes()].concat(), "line 1 holds the names"),
        ("utf16.csv", [b"\xff\xfe", &wide[..]].concat(), "the text is UTF-16"),
        ("crlf.csv", plain.replace('\n', "\r\n").into(), "the target is target"),
        ("cr.csv", plain.replace('\n', "\r").into(), "the target is target"),
        ("semicolon.csv", plain.replace(',', ";").into(), "separated by semicolons"),
        (
            "decimal.csv",
            plain.replace(',', ";").replace('.', ",").into(),
            "length has a comma before its fractions",
        ),
        ("pipe.csv", plain.replace(',', "|").into(), "separated by |"),
        ("tab.csv", plain.replace(',', "\t").into(), "separated by tabs"),
        ("space.txt", body.replace(',', "   ").into(), "line 1 is taken as a row"),
        ("uci.data", body.clone().into(), "the columns are called column 1 to column 4"),
        ("integers.csv", format!("0,1,2,target\n{body}").into(), "line 1 holds the names"),
        ("years.csv", format!("2019,2020,kind,target\n{body}").into(), "line 1 holds the names"),
        ("index.csv", indexed("").into(), "column 1 is left out: counts the rows"),
        ("unnamed.csv", indexed("Unnamed: 0").into(), "Unnamed: 0 is left out: counts the rows"),
        ("trailing.csv", plain.replace('\n', ",\n").into(), "column 5 is left out: empty"),
        (
            "title.csv",
            format!("Report of measurements\n# exported\n{plain}").into(),
            "lines 1 to 2, no rows of the table",
        ),
        ("excel.csv", format!("sep=;\n{}", plain.replace(',', ";")).into(), "line 2 holds the names"),
    ];
    for (name, content, note) in forms {
        let (width, classes, first, said) = captured(&lab, &write(name, &content));
        assert_eq!((width, classes, first), (4, 2, vec![0.0, 0.0, 1.0, 0.0]), "{name}: {said}");
        assert!(said.contains(&format!("read     {name}: ")) && said.contains(note), "{name}: {said}");
    }
}

#[test]
fn missing_values_are_refused_until_it_is_said_what_they_become() {
    let lab = Lab::new();
    let path = lab.path("t.csv").display().to_string();
    let data = format!("victim.data={path}");
    let body = "a,b,target\n1,5,x\nHOLE,6,y\n3,7,x\n5,8,y\n";
    for hole in ["?", "NA", "nan", "", "-999"] {
        fs::write(&path, body.replace("HOLE", hole)).unwrap();
        let error = refused(&lab, &[&data, "victim.size="]);
        assert!(
            error.contains("t.csv: line 3, column a: ") && error.contains("missing = \"drop\""),
            "{error}"
        );
        fs::write(lab.path("t.schema.toml"), "missing = \"drop\"\n").unwrap();
        let (width, classes, _, said) = captured(&lab, &path);
        assert_eq!((width, classes), (2, 2));
        assert!(said.contains("1 row that lacks a value is left out"), "{said}");
        fs::write(lab.path("t.schema.toml"), "missing = \"mean\"\n").unwrap();
        captured(&lab, &path);
        fs::remove_file(lab.path("t.schema.toml")).unwrap();
    }
    fs::write(&path, "a,b,target\n1,5,x\n2,6,\n3,7,x\n5,8,y\n").unwrap();
    let error = refused(&lab, &[&data, "victim.size="]);
    assert!(
        error.contains("target target empty at line 3: remove the row, or set missing = \"drop\""),
        "{error}"
    );
    for (content, expected) in [
        ("", "t.csv: it is empty"),
        ("a,b,target\n1,2,x\n1,2,3,y\n2,3,y\n", "line 3 has 4 fields where the others have 3; put a field"),
        ("a,b,target\n1,2,x\n2,3,x\n", "it is the target and always \"x\""),
    ] {
        fs::write(&path, content).unwrap();
        let error = refused(&lab, &[&data, "victim.size="]);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn fields_are_read_as_a_person_reads_them() {
    let lab = Lab::new();
    let write = |name: &str, content: &[u8]| write(&lab.path(name), content);
    // Of the first row of forty: the number as a share of its range, the width, and what is said.
    let rows = |head: &str, field: &dyn Fn(usize) -> String| {
        let lines = (0..40).map(|i| format!("{},{},{}\n", field(i), i * 3 % 10, ["no", "yes"][i % 2]));
        format!("{head},width,target\n") + &lines.collect::<String>()
    };
    // Another row has the smallest number as well, which so is none of the first row's own.
    let again = |i: usize| i % 39;
    let cases: [(&str, Vec<u8>, usize, &str); 7] = [
        (
            "thousands.csv",
            rows("x", &|i| format!("\"{},500\"", again(i) + 1)).into(),
            2,
            "separators of thousands are",
        ),
        (
            "dollars.csv",
            rows("x", &|i| format!("${}", (again(i) + 1) * 100)).into(),
            2,
            "$ are left out of the numbers",
        ),
        (
            "percent.csv",
            rows("x", &|i| format!("{}%", again(i) + 3)).into(),
            2,
            "% are left out of the numbers",
        ),
        (
            "dates.csv",
            rows("x", &|i| format!("2024-01-{:02}", i % 28 + 1)).into(),
            2,
            "x holds dates, taken as days",
        ),
        ("ids.csv", rows("x", &|i| format!("user{i:05}")).into(), 1, "x is left out: different in every row"),
        ("constant.csv", rows("x", &|_| "4".into()).into(), 2, "x never changes and tells nothing of a row"),
        (
            "latin.csv",
            [b"l\xe4nge".to_vec(), rows("", &|i| again(i).to_string()).into_bytes()].concat(),
            2,
            "read as Windows-1252 (Latin-1)",
        ),
    ];
    for (name, content, width, note) in cases {
        let (columns, classes, first, said) = captured(&lab, &write(name, &content));
        assert_eq!((columns, classes, first), (width, 2, vec![0.0; width]), "{name}: {said}");
        assert!(said.contains(note), "{name}: {said}");
    }
    // A header of numbers only can be said to be one, or none.
    let years = "1,2,3\n4,5,0\n6,7,1\n8,9,0\n".as_bytes();
    for (header, values) in [("true", 3), ("false", 4)] {
        let path = write("years.csv", years);
        write("years.schema.toml", format!("header = {header}\n").as_bytes());
        let (.., said) = captured(&lab, &path);
        let last = refused(&lab, &[&format!("victim.data={path}"), "victim.size=", "victim.indices=[9]"]);
        assert!(last.contains(&format!("which has {values}: use 0 to")), "{header}: {last} {said}");
    }
}

/// Tables, folders and data sets that scripts made as the tools of public reports make them.
#[test]
fn data_as_people_have_it_is_read_or_told_what_it_is() {
    let Some(folder) = cases("") else { return };
    let lab = Lab::new();
    let capture = |preset: &str, file: &str, size: &str| {
        let out = lab.path("out").display().to_string();
        let data = format!("victim.data={}", folder.join(file).display());
        let size = format!("victim.size={size}");
        let settings =
            ["--set", "victim.indices=[0]", "--set", "victim.classes=", "--set", &size, "--set", &data];
        let output = lab.gialab(&[&["capture", preset, "--out", &out], &settings[..]].concat());
        (output.status.code().unwrap(), text(&output.stderr))
    };
    for (preset, file, size, code, says) in [
        ("table-row", "15-csv/bool_target.csv", "", 0, "2 classes: False, True"),
        ("table-row", "15-csv/minus999.csv", "", 2, "line 5, column length: -999 looks like a missing value"),
        ("table-row", "15-csv/missing_nan.csv", "", 2, "line 5, column length: it is \"nan\""),
        ("table-row", "15-csv/one_class.csv", "", 2, "it is the target and always \"yes\""),
        ("table-row", "15-csv/quoted_newline.csv", "", 0, "numbers width; words note"),
        ("table-row", "15-csv/regression.csv", "", 2, "it looks like a quantity"),
        ("table-row", "15-csv/trailing_comma.csv", "", 0, "column 5 is left out: empty"),
        ("table-row", "15-csv/utf16.csv", "", 0, "numbers length, width; words kind"),
        ("table-row", "21-data-formats/iris.data", "", 0, "2 classes: Iris-setosa, Iris-virginica"),
        ("ig-lenet", "21-data-formats/img.dcm", "", 2, "img.dcm is a DICOM file: save its picture as PNG"),
        ("ig-lenet", "21-data-formats/img.nii.gz", "", 2, "img.nii.gz is a NIfTI volume: save slices of it"),
        ("ig-lenet", "21-data-formats/t.arff", "", 2, "t.arff is an ARFF file: write it as CSV"),
        ("ig-lenet", "21-data-formats/t.json", "", 2, "t.json is a JSON file: write it as CSV"),
        ("ig-lenet", "21-data-formats/t.xlsx", "", 2, "t.xlsx is an Excel file: save the sheet as CSV"),
        ("ig-lenet", "21-data-formats/train.parquet", "", 2, "train.parquet is a Parquet file: write it as"),
        ("ig-lenet", "14-folders/broken", "32", 2, "broken/a/1.png is empty: fetch it again, or remove it"),
        ("ig-lenet", "14-folders/case", "32", 0, "order of text: 0 = A, 1 = a, 2 = b"),
        ("ig-lenet", "14-folders/checkpoints", "32", 0, "order of text: 0 = a, 1 = b"),
        ("ig-lenet", "14-folders/deep", "32", 2, "holds parts of a set (train, val), not classes"),
        ("ig-lenet", "14-folders/jfif", "32", 0, "0 = a, 1 = b"),
        ("ig-lenet", "14-folders/macos", "32", 0, "0 = a, 1 = b"),
        ("ig-lenet", "14-folders/mixed_webp", "32", 0, "0 = a, 1 = b"),
        ("ig-lenet", "14-folders/numbers", "32", 0, "2 = 10, 3 = 11, 4 = 2"),
        ("ig-lenet", "14-folders/one", "32", 0, "one sub-folder is one class"),
        ("ig-lenet", "14-folders/only_webp", "32", 0, "0 = a, 1 = b"),
    ] {
        let (ended, said) = capture(preset, file, size);
        assert!(ended == code && said.contains(says), "{file}: {ended} {said}");
        assert!(code == 0 || said.trim().lines().count() == 1, "{file}: {said}");
    }
}
