//! `gialab study`: cells, kills, verdicts, refusals.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::lab::{Lab, kill, text};

/// Twelve cells of some fifty milliseconds each.
const SMALL: &str = r#"
schema = 1
title = "Small"
about = "For tests."
preset = "ig-lenet"
set = ["attack.trials=1", "run.checkpoint_seconds=0.1"]
pairs = 5
figures = ["psnr", "brr"]

[[axis]]
name = "iterations"
key = "attack.iterations"
values = [2, 40, 150]

[[axis]]
name = "size"
points = [
  { name = "small", set = ["victim.size=16"] },
  { name = "whole", set = [] },
]

[[skip]]
iterations = 2
size = "small"

[[hypothesis]]
says = "More iterations recover more"
figure = "psnr"
along = "iterations"
is = "rising"

[[hypothesis]]
says = "PSNR rises faster than that of a grey picture"
figure = "psnr"
along = "iterations"
is = "rising"
faster_than = "psnr_grey"

[[hypothesis]]
says = "The match is worth nothing"
figure = "match"
along = "iterations"
is = "rising"

[[hypothesis]]
says = "A long search recovers more than a short one"
figure = "psnr"
of = { iterations = 150, size = "whole" }
above = { iterations = 2, size = "whole" }

[quick]
pairs = 3
keep = { iterations = [2, 150] }
"#;

fn study(lab: &Lab, name: &str, text: &str) -> String {
    let path = lab.path(&format!("{name}.toml"));
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// PSNR of every cell: runs that have it, median and mean.
fn cells(lab: &Lab, name: &str) -> BTreeMap<String, Value> {
    let document: Value = serde_json::from_str(&lab.succeed(&["study", "show", name, "--json"])).unwrap();
    let cells = document["cells"].as_array().unwrap();
    cells
        .iter()
        .map(|cell| (cell["cell"].as_str().unwrap().to_owned(), cell["figures"]["psnr"].clone()))
        .collect()
}

/// The result files of the complete runs of a study with what tells whether one was written again. One that is killed
/// between its result and its manifest writes both again.
fn results(lab: &Lab, name: &str) -> BTreeMap<PathBuf, (u64, i64)> {
    let runs = lab.path("data").join("studies").join(name).join("runs");
    let runs = fs::read_dir(runs).into_iter().flatten().flatten().map(|run| run.path());
    let is_done = |run: &PathBuf| {
        fs::read_to_string(run.join("manifest.json")).is_ok_and(|text| text.contains("\"status\": \"done\""))
    };
    let files = runs.filter(is_done).map(|run| run.join("result.json"));
    files
        .filter_map(|file| Some((file.clone(), fs::metadata(file).ok()?)))
        .map(|(file, of)| (file, (of.ino(), of.mtime_nsec())))
        .collect()
}

#[test]
fn a_study_fills_its_cells_and_judges_what_was_expected() {
    let lab = Lab::new();
    let file = study(&lab, "small", SMALL);
    // The quick part first: its runs count for the whole.
    let quick = lab.succeed(&["study", "run", &file, "--quick"]);
    assert!(quick.contains("9 of 9 runs"), "{quick}");
    let before = results(&lab, "small");
    assert_eq!(before.len(), 9);
    let text = lab.succeed(&["study", "run", &file]);
    assert!(text.contains("25 of 25 runs"), "{text}");
    assert!(text.contains("as expected: More iterations recover more"), "{text}");
    assert!(text.contains("opposite: The match is worth nothing"), "{text}");
    assert!(text.contains("as expected: PSNR rises faster than that of a grey picture"), "{text}");
    assert!(text.contains("as expected: A long search recovers more"), "{text}");
    assert!(text.contains("Inverting Gradients") && text.contains("threat model B"), "{text}");
    let after = results(&lab, "small");
    assert!(before.iter().all(|(file, stamp)| after.get(file) == Some(stamp)), "a cell was computed twice");

    // A row a cell, and each run a run like any other.
    let document: Value = serde_json::from_str(&lab.succeed(&["study", "show", "small", "--json"])).unwrap();
    assert_eq!((document["done"].as_u64(), document["runs"].as_u64()), (Some(25), Some(25)));
    assert_eq!(document["outcome"], "opposite");
    let cells = document["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 5);
    let long = cells.iter().find(|cell| cell["cell"] == "iterations=150, size=whole").unwrap();
    let psnr = &long["figures"]["psnr"];
    let number = |key: &str| psnr[key].as_f64().unwrap();
    assert_eq!(psnr["runs"], 5);
    assert!(number("least") <= number("median") && number("median") <= number("most"));
    let ends = (psnr["interval"]["low"].as_f64().unwrap(), psnr["interval"]["high"].as_f64().unwrap());
    assert!(ends.0 <= number("median") && number("median") <= ends.1 && ends.0 < ends.1);
    let of_run = |pair: usize| {
        let path = PathBuf::from(document["path"].as_str().unwrap())
            .join("runs")
            .join(long["runs"][pair].as_str().unwrap());
        let result: Value = serde_json::from_slice(&fs::read(path.join("result.json")).unwrap()).unwrap();
        let manifest: Value = serde_json::from_slice(&fs::read(path.join("manifest.json")).unwrap()).unwrap();
        let config = &manifest["config"];
        assert_eq!(
            (manifest["threads"].as_u64(), config["run"]["seed"].as_u64()),
            (Some(1), Some(pair as u64))
        );
        assert_eq!(config["victim"]["indices"], serde_json::json!([pair + 1]));
        result["rounds"][0]["metrics"]["psnr"]["mean"].as_f64().unwrap()
    };
    let mut values: Vec<f64> = (0..5).map(of_run).collect();
    values.sort_by(f64::total_cmp);
    assert_eq!(number("median"), values[2]);

    // Its runs are found by the name of the study, and cells compared, each over its runs.
    assert_eq!(lab.succeed(&["list", "--study", "small"]).lines().count(), 26);
    assert_eq!(lab.succeed(&["list", "--study", "small", "--filter", "iterations>40"]).lines().count(), 11);
    let long = ["iterations-150_size-whole_pair-00", "--study", "small"];
    assert!(lab.succeed(&[&["show"], &long[..]].concat()).contains("studies/small/runs"));
    let compare = ["compare", "--study", "small", "*size-whole*"];
    let groups: Value = serde_json::from_str(&lab.succeed(&[&compare[..], &["--json"]].concat())).unwrap();
    assert_eq!(groups["common"], serde_json::json!(["size=whole"]));
    let of = |at: usize, key: &str| groups["groups"][at]["figures"]["psnr"][key].clone();
    assert_eq!((of(2, "runs").as_u64(), of(2, "mean")), (Some(5), psnr["mean"].clone()));
    assert_eq!(of(0, "apart"), Value::Null);
    let gained = of(2, "mean").as_f64().unwrap() - of(0, "mean").as_f64().unwrap();
    assert!((of(2, "apart")["mean"].as_f64().unwrap() - gained).abs() < 1e-9, "{groups}");
    let table = lab.succeed(&compare);
    assert!(table.contains("* iterations=2 ") && table.contains("less *"), "{table}");
    assert!(lab.fail(&["compare", "--study", "t4"], 2).contains("was not begun yet"));
    assert!(lab.fail(&["study", "stop", "small"], 1).contains("study small is not running; 25 of its runs"));

    // More pairs than there are pictures: that they come round is said.
    let more = lab.gialab(&["study", "run", &file, "--dry-run", "--pairs", "18"]);
    let notes = String::from_utf8_lossy(&more.stderr);
    assert!(notes.contains("photos has 17 samples and comes round"), "{notes}");

    // Nothing is left to do, and single runs are apart.
    let again = lab.gialab(&["study", "run", &file]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("all done"));
    assert_eq!(results(&lab, "small"), after);
    assert!(lab.succeed(&["list"]).contains("no runs"));
    assert!(lab.succeed(&["study", "list"]).contains("small"));
}

#[test]
fn whoever_is_killed_a_study_goes_on_and_computes_nothing_twice() {
    let lab = Lab::new();
    let file = study(&lab, "killed", SMALL);
    let whole = study(&lab, "whole", SMALL);
    for round in 0..20_u64 {
        let mut driver = lab
            .command(&["study", "run", &file])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(40 + 37 * (round % 7)));
        let before = results(&lab, "killed");
        // Driver and workers at once, or the driver alone, whose workers end what they are at.
        let mut all = vec![driver.id()];
        if round % 2 == 0 {
            all.extend(lab.processes());
        }
        // One may have come to its end meanwhile.
        let end =
            |process: &u32| std::process::Command::new("kill").args(["-9", &process.to_string()]).status();
        for process in &all {
            end(process).unwrap();
        }
        driver.wait().unwrap();
        let after = results(&lab, "killed");
        assert!(before.iter().all(|(file, stamp)| after.get(file) == Some(stamp)), "round {round}");
    }
    let before = results(&lab, "killed");
    lab.succeed(&["study", "run", &file]);
    let after = results(&lab, "killed");
    assert_eq!(after.len(), 25);
    assert!(before.iter().all(|(file, stamp)| after.get(file) == Some(stamp)));
    // To the same figures as without any kill.
    lab.succeed(&["study", "run", &whole]);
    assert_eq!(cells(&lab, "killed"), cells(&lab, "whole"));
}

#[test]
fn a_stopped_study_goes_on_with_the_same_command() {
    let lab = Lab::new();
    let long = SMALL
        .replace("[2, 40, 150]", "[2, 40, 20000]")
        .replace("= 150", "= 20000")
        .replace(", 150]", ", 20000]");
    let file = study(&lab, "long", &long);
    let mut driver =
        lab.command(&["study", "run", &file]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    lab.wait_for("a run", || !lab.processes().is_empty() && results(&lab, "long").len() > 2);
    let busy = lab.fail(&["study", "run", &file], 2);
    assert!(busy.contains("study long is being run by another process"), "{busy}");
    kill(u64::from(driver.id()), "-INT");
    assert_eq!(driver.wait().unwrap().code(), Some(130));
    lab.wait_for("the end of its workers", || lab.processes().is_empty());
    let shown = lab.succeed(&["study", "show", "long"]);
    assert!(shown.contains("so far"), "{shown}");

    // Somebody else can end it as well, wherever it was started.
    let mut driver =
        lab.command(&["study", "run", &file]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    lab.wait_for("a run", || lab.succeed(&["list", "--study", "long"]).contains(" running "));
    let stopped = lab.succeed(&["study", "stop", "long"]);
    assert!(stopped.contains("long is stopped") && stopped.contains("gialab study run long"), "{stopped}");
    assert_eq!(driver.wait().unwrap().code(), Some(130));
    lab.wait_for("the end of its workers", || lab.processes().is_empty());

    // A budget ends it by itself.
    let stopped = lab.gialab(&["study", "run", &file, "--budget", "1s", "--at-once", "1"]);
    let said = String::from_utf8_lossy(&stopped.stderr).into_owned();
    assert!(stopped.status.success() && said.contains("the same command goes on"), "{said}");
}

/// A small disk in the place of a directory, for root alone.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: PathBuf, size: &str) -> Option<Disk> {
        fs::create_dir_all(&at).unwrap();
        let option = format!("size={size}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &option, "tmpfs"]).arg(&at).output();
        match mounted {
            Ok(output) if output.status.success() => return Some(Disk(at)),
            Ok(output) => eprintln!("skipped: no disk can be mounted: {}", text(&output.stderr).trim()),
            Err(error) => eprintln!("skipped: no disk can be mounted: {error}"),
        }
        None
    }

    fn resize(&self, size: &str) {
        let option = format!("remount,size={size}");
        assert!(Command::new("mount").args(["-o", &option]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_ends_a_study_in_a_sentence_and_with_room_it_goes_on() {
    let lab = Lab::new();
    let file = study(&lab, "full", SMALL);
    let Some(disk) = Disk::mount(lab.path("data"), "600k") else { return };
    let output = lab.gialab(&["study", "run", &file]);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    let said: Vec<&str> = error.lines().filter(|line| line.starts_with("gialab: ")).collect();
    assert!(!said.is_empty() && said.iter().all(|line| line.contains("free some space")), "{error}");
    assert!(!error.contains("panicked"), "{error}");
    lab.wait_for("workers to end", || lab.processes().is_empty());
    let before = results(&lab, "full");
    assert!(before.len() < 25, "the disk was large enough");
    disk.resize("64m");
    assert!(lab.succeed(&["study", "run", &file]).contains("25 of 25 runs"));
    let after = results(&lab, "full");
    assert!(before.iter().all(|(file, stamp)| after.get(file) == Some(stamp)), "a cell was computed twice");
}

#[test]
fn a_job_array_computes_its_cells_one_by_one() {
    let lab = Lab::new();
    let file = study(&lab, "array", SMALL);
    // Left by one that was killed before it could write a manifest.
    let begun = lab.path("data").join("studies/array/runs/iterations-2_size-whole_pair-00");
    fs::create_dir_all(&begun).unwrap();
    let jobs: Vec<_> = ["0", "1", "4"]
        .map(|cell| {
            lab.command(&["study", "run", &file, "--cell", cell])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        })
        .into_iter()
        .collect();
    for mut job in jobs {
        assert!(job.wait().unwrap().success());
    }
    assert_eq!(results(&lab, "array").len(), 3);
    // Several at the same cell: one begins it, the others wait for it, and all say that it is complete.
    let same =
        || lab.command(&["study", "run", &file, "--cell", "7"]).stdout(Stdio::piped()).spawn().unwrap();
    for job in [same(), same(), same(), same()] {
        let output = job.wait_with_output().unwrap();
        assert!(output.status.success());
        assert_eq!(text(&output.stdout), "run iterations-40_size-whole_pair-01 is complete\n");
    }
    assert_eq!(results(&lab, "array").len(), 4);
    let error = lab.fail(&["study", "run", &file, "--cell", "25"], 2);
    assert!(error.contains("has 25 runs, 0 to 24"), "{error}");
}

#[test]
fn what_cannot_be_studied_is_refused_in_a_sentence() {
    let lab = Lab::new();
    for (from, to, said) in [
        ("schema = 1", "schema = 2", "of a newer gialab"),
        ("schema = 1", "", "is no study"),
        ("figures = [\"psnr\"", "figures = [\"pnsr\"", "did you mean \"psnr\"?"),
        ("key = \"attack.iterations\"", "key = \"attack.iteratons\"", "did you mean `iterations`?"),
        ("values = [2, 40, 150]", "values = [2, 2, 150]", "has the point 2 twice"),
        ("size = \"small\"", "size = \"tiny\"", "axis \"size\" has no point \"tiny\"; it has small, whole"),
        ("along = \"iterations\"", "along = \"iteration\"", "which is no axis"),
        ("is = \"rising\"", "", "cannot be tested"),
        ("pairs = 5", "pairs = 0", "pairs is 0"),
        (
            "pairs = 5",
            "pairs = 5\nneeds = [\"telepathy\"]",
            "needs the attack \"telepathy\", which this gialab",
        ),
        ("preset = \"ig-lenet\"", "preset = \"ig-lenets\"", "did you mean \"ig-lenet\"?"),
        ("victim.size=16", "victim.size=4", "victim.size"),
    ] {
        assert!(SMALL.contains(from), "{from}");
        let file = study(&lab, "bad", &SMALL.replacen(from, to, 1));
        let error = lab.fail(&["study", "run", &file], 2);
        assert!(error.contains(said), "{said}: {error}");
    }
    let error = lab.fail(&["study", "run", "t11"], 2);
    assert!(error.contains("there is no such study") && error.contains("did you mean \"t1\"?"), "{error}");
    let error = lab.fail(&["study", "show", "t1"], 2);
    assert!(error.contains("was not begun yet"), "{error}");
    for (budget, said) in
        [("soon", "is no time to come"), ("0s", "leaves no time"), ("-2h", "is no time to come")]
    {
        let error = lab.fail(&["study", "run", "t1", &format!("--budget={budget}")], 2);
        assert!(error.contains(said), "{error}");
    }
    // A study of a year, and the same with its consent to begin, which the budget ends at once.
    let year = study(
        &lab,
        "year",
        &SMALL
            .replace("[2, 40, 150]", "[2, 40, 1000000]")
            .replace("= 150", "= 40")
            .replace(", 150]", "]")
            .replace("pairs = 5", "pairs = 5000"),
    );
    let error = lab.fail(&["study", "run", &year], 2);
    assert!(error.contains("--yes") && error.contains(" h;"), "{error}");

    // Other settings than those it was begun with.
    let file = study(&lab, "other", SMALL);
    lab.succeed(&["study", "run", &file, "--pairs", "1"]);
    let other = study(&lab, "other", &SMALL.replace("attack.trials=1", "attack.trials=2"));
    let error = lab.fail(&["study", "run", &other], 2);
    assert!(error.contains("with another attack.trials") && error.contains("--as"), "{error}");
    lab.succeed(&["study", "run", &other, "--as", "other-2", "--pairs", "1", "--quick"]);
}

/// A small study with results, exported in an empty directory: what is printed, or the sentence of what is wrong.
fn export(lab: &Lab, study: &str, arguments: &[&str]) -> Result<String, (i32, String)> {
    let here = lab.path("exports");
    fs::create_dir_all(&here).unwrap();
    let mut command = lab.command(&[&["study", "export", study], arguments].concat());
    let output = command.current_dir(here).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.code() {
        Some(0) => Ok(text(&output.stdout)),
        code => Err((code.unwrap(), text(&output.stderr))),
    }
}

#[test]
fn a_study_is_exported_as_a_plot_a_table_and_rows() {
    let lab = Lab::new();
    let file = study(&lab, "small_50", &SMALL.replace("\"Small\"", "\"Small_50% & #1\""));
    let exported = |arguments: &[&str]| export(&lab, &file, arguments);
    let read = |name: &str| fs::read(lab.path("exports").join(name)).unwrap();
    let words = |name: &str| String::from_utf8(read(name)).unwrap();
    // Nothing was begun.
    let (code, sentence) = exported(&["--to", "svg"]).unwrap_err();
    assert!(code == 2 && sentence.contains("was not begun yet"), "{sentence}");
    lab.succeed(&["study", "run", &file, "--quick"]);

    assert_eq!(exported(&["--quick", "--to", "svg"]).unwrap(), "small_50.svg\n");
    let svg = words("small_50.svg");
    let drawing = roxmltree::Document::parse(&svg).unwrap();
    let of_class =
        |class: &str| drawing.descendants().filter(|node| node.attribute("class") == Some(class)).count();
    // Iterations across, a curve for each size: small was run with 150 iterations alone.
    assert_eq!((of_class("curve"), of_class("key"), of_class("interval")), (2, 2, 3), "{svg}");
    let texts: Vec<&str> = drawing
        .descendants()
        .filter(|node| node.has_tag_name("text"))
        .filter_map(|node| node.text())
        .collect();
    for word in ["iterations", "PSNR (dB)", "2", "150", "size=small", "size=whole"] {
        assert!(texts.contains(&word), "{word}: {texts:?}");
    }
    let all = texts.join(" ");
    assert!(all.contains("More iterations recover more") && !all.contains("The match is worth"), "{all}");
    assert!(all.contains("Median with 95 % bootstrap interval") && all.contains("threat model B"), "{all}");
    let about = drawing.descendants().find(|node| node.has_tag_name("desc")).unwrap().text().unwrap();
    assert!(about.contains("The match is worth nothing"), "{about}");

    // Neither replaced silently, nor with another name when it is to be replaced.
    let (code, sentence) = exported(&["--quick", "--to", "svg"]).unwrap_err();
    assert!(
        code == 1 && sentence.contains("small_50.svg exists already") && sentence.contains("small_50-2.svg"),
        "{sentence}"
    );
    exported(&["--quick", "--to", "svg", "--figure", "brr", "--along", "size", "--width", "7", "--force"])
        .unwrap();
    let svg = words("small_50.svg");
    assert!(
        svg.contains("width=\"7in\"") && svg.contains("BRR (%)") && svg.contains("Mean with 95 %"),
        "{svg}"
    );

    assert_eq!(exported(&["--quick", "--to", "pdf"]).unwrap(), "small_50.pdf\n");
    assert!(read("small_50.pdf").starts_with(b"%PDF-1.7"));

    assert_eq!(exported(&["--quick", "--to", "latex"]).unwrap(), "small_50.tex\n");
    let table = words("small_50.tex");
    for part in [
        "Small\\_50\\% \\& \\#1",
        "\\emph{More iterations recover more}: ",
        "Conditions of all cells",
        "\\toprule",
        "BRR (\\%)",
        "mean",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
    let rows = |text: &str| text.lines().filter(|line| line.ends_with("\\\\")).count();
    // The heading, a row for each cell, and one for each value of the axis that names them.
    assert_eq!(rows(&table), 6, "{table}");

    assert_eq!(exported(&["--to", "csv"]).unwrap(), "small_50.csv\n");
    let sheet = words("small_50.csv");
    let mut sheet = csv::Reader::from_reader(sheet.as_bytes());
    let head = sheet.headers().unwrap().clone();
    let column = |name: &str| head.iter().position(|known| known == name).unwrap_or_else(|| panic!("{name}"));
    let rows: Vec<csv::StringRecord> = sheet.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 5);
    let shown = cells(&lab, "small_50");
    for row in &rows {
        let median = shown[&row[1]]["median"].as_f64().map(|value| format!("{value:?}")).unwrap_or_default();
        assert_eq!(row[column("psnr_median")], median);
        assert_eq!(&row[column("threat_model")][..1], "B");
    }
    let json: Value = serde_json::from_str(&exported(&["--to", "json", "--out", "-"]).unwrap()).unwrap();
    assert_eq!(json["cells"].as_array().unwrap().len(), 5);
}

#[test]
fn what_a_study_cannot_export_is_said_in_one_sentence() {
    let lab = Lab::new();
    let file = study(&lab, "small", SMALL);
    lab.succeed(&["study", "run", &file, "--quick", "--pairs", "1"]);
    for (arguments, code, says) in [
        (&["--to", "svg", "--figure", "pnsr"][..], 2, "did you mean \"psnr\"?"),
        (&["--to", "svg", "--figure", "fields"], 1, "no run of study small has the figure fields"),
        (&["--to", "pdf", "--along", "B"], 2, "it has iterations, size"),
        (&["--to", "csv", "--width", "7"], 2, "is for plots"),
        (&["--to", "latex", "--out", "no/such/x.tex"], 1, "make it first"),
        (&["--to", "png"], 2, "possible values"),
    ] {
        let (found, sentence) = export(&lab, &file, arguments).unwrap_err();
        assert!(
            found == code && sentence.contains(says) && !sentence.contains("panicked"),
            "{arguments:?}: {sentence}"
        );
        assert!(says == "possible values" || sentence.lines().count() == 1, "{sentence}");
    }
    assert_eq!(fs::read_dir(lab.path("exports")).unwrap().count(), 0);
}
