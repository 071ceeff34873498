//! Updates from outside, from files to figures, and back: `gialab capture`.

use serde_json::Value;

use crate::lab::{Lab, finished, write};

/// FedAvg on a small federation: the update is the weight difference after local steps.
const FEDAVG: [&str; 6] = [
    "victim.data=digits28",
    "victim.indices=[0,60]",
    "victim.size=28",
    "federation.algorithm=fedavg",
    "federation.learning_rate=0.1",
    "federation.local_batch=1",
];

fn with<'a>(arguments: &[&'a str], settings: &[&'a str]) -> Vec<&'a str> {
    arguments.iter().copied().chain(settings.iter().flat_map(|setting| ["--set", setting])).collect()
}

/// Matching loss and PSNR of a run.
fn figures(lab: &Lab, arguments: &[&str], settings: &[&str]) -> (f64, f64) {
    let all = with(&[&["run"], arguments, &["--json"]].concat(), settings);
    let round = &finished(&lab.succeed(&all))["rounds"][0];
    (round["loss"].as_f64().unwrap(), round["metrics"]["psnr"]["mean"].as_f64().unwrap())
}

#[test]
fn what_is_captured_is_attacked_to_the_same_result() {
    let lab = Lab::new();
    for (name, settings) in
        [("sgd", &["attack.iterations=20"][..]), ("avg", &[&FEDAVG[..], &["attack.iterations=20"]].concat())]
    {
        let own = figures(&lab, &["ig-lenet"], settings);
        let folder = lab.path(name);
        let written =
            lab.succeed(&with(&["capture", "ig-lenet", "--out", folder.to_str().unwrap()], settings));
        for file in
            ["weights.safetensors", "update.safetensors", "batch.safetensors", "preset.toml", "README.md"]
        {
            assert!(written.contains(file) && folder.join(file).is_file(), "{name}: {file}");
        }
        let preset = folder.join("preset.toml");
        let again = figures(&lab, &[preset.to_str().unwrap()], &[]);
        assert!((own.0 - again.0).abs() < 1e-3 * own.0, "{name}: loss {own:?} {again:?}");
        assert!((own.1 - again.1).abs() < 0.05, "{name}: PSNR {own:?} {again:?}");
        let text = lab.succeed(&["inspect", folder.join("update.safetensors").to_str().unwrap()]);
        assert!(text.contains("fits lenet for 10 classes exactly"), "{text}");
    }
}

/// How a table's fields are encoded is told by the table that is named: words are searched as words.
#[test]
fn a_captured_row_is_attacked_by_its_fields() {
    let lab = Lab::new();
    let table = lab.path("people.csv");
    let rows: String =
        (0..30).map(|i| format!("{},{},{}\n", 20 + i, ["f", "m", "x"][i % 3], i % 2)).collect();
    std::fs::write(&table, format!("age,sex,target\n{rows}")).unwrap();
    let data = format!("victim.data={}", table.display());
    let settings = [data.as_str(), "victim.indices=[3,7]", "attack.iterations=120", "attack.members=5"];
    let folder = lab.path("rows");
    let own = figures(&lab, &["tableak"], &settings);
    lab.succeed(&with(&["capture", "tableak", "--out", folder.to_str().unwrap()], &settings));
    let preset = folder.join("preset.toml");
    let preset = preset.to_str().unwrap();
    let again = figures(&lab, &[preset], &[]);
    assert!((own.0 - again.0).abs() < 1e-3 * own.0.max(1e-6), "{own:?} {again:?}");
    let shown = lab.succeed(&["run", preset]);
    assert!(shown.contains("age") && shown.contains("sex"), "{shown}");
    let refused = lab.fail(&["run", preset, "--set", "victim.captured.table=wine"], 2);
    assert!(refused.contains("wine has rows of 13 values, but a sample is [1, 1, 4]"), "{refused}");
    let refused = lab.fail(&["run", preset, "--set", "victim.captured.table=photos"], 2);
    assert!(refused.contains("photos has pictures"), "{refused}");
}

/// A client that computes in 64 bit sends an update in 64 bit, and the simulated one makes the same.
#[test]
fn an_update_is_captured_as_wide_as_the_client_computes() {
    let lab = Lab::new();
    for (width, dtype, most) in [("f32", "F32", 1e-8), ("f64", "F64", 1e-25)] {
        let folder = lab.path(width);
        let precision = format!("run.precision={width}");
        let settings = ["attack.kind=idlg", "attack.distance=l2", "attack.prior.tv=0", "attack.iterations=2"];
        let settings = [
            &[precision.as_str(), "knowledge.labels=false", "attack.labels={ rule = \"idlg\" }"],
            &settings[..],
        ]
        .concat();
        lab.succeed(&with(&["capture", "ig-lenet", "--out", folder.to_str().unwrap()], &settings));
        for file in ["update.safetensors", "weights.safetensors", "batch.safetensors"] {
            let bytes = std::fs::read(folder.join(file)).unwrap();
            let text = String::from_utf8_lossy(&bytes[8..]).into_owned();
            assert!(text.contains(&format!("\"dtype\":\"{dtype}\"")), "{file}");
        }
        let preset = folder.join("preset.toml");
        let round = &finished(&lab.succeed(&["run", preset.to_str().unwrap(), "--json"]))["rounds"][0];
        let there = &round["at_truth"];
        let share = there["matching"].as_f64().unwrap() / there["of_nothing"].as_f64().unwrap();
        assert!(share < most, "{width}: {share:e}");
    }
}

#[test]
fn without_ground_truth_figures_say_so_everywhere() {
    let lab = Lab::new();
    let folder = lab.path("files");
    lab.succeed(&["capture", "dlg-lenet", "--out", folder.to_str().unwrap(), "--set", "attack.iterations=3"]);
    let preset = std::fs::read_to_string(folder.join("preset.toml")).unwrap();
    let truth = preset.lines().find(|line| line.starts_with("truth = ")).unwrap();
    let blind = write(&lab.path("blind.toml"), preset.replace(truth, "input = [3, 32, 32]").as_bytes());
    let error = lab.fail(&["run", &blind, "--trials", "1", "--require", "psnr>=1"], 3);
    assert!(error.contains("psnr>=1 is not met in round 0: not measured"), "{error}");
    let shown = lab.succeed(&["show", "last"]);
    assert!(shown.contains("victim   captured update.safetensors (gradient), batch of 1"), "{shown}");
    // PSNR, SSIM, MSE, labels and what else needs the truth; the matching loss does not.
    let rows: Vec<&str> = shown.lines().filter(|line| line.starts_with("    0  ")).collect();
    let unknown = rows.iter().flat_map(|row| row.split_whitespace()).filter(|word| *word == "n/a").count();
    assert!(unknown >= 8 && rows[0].contains('e') && !shown.contains("NaN"), "{shown}");
    assert!(lab.succeed(&["list"]).contains("     n/a  "));
    let other = lab.detach(&["dlg-lenet", "--trials", "1", "--set", "attack.iterations=1"]);
    lab.wait_for("a second run", || lab.status(&other) == "done");
    let table = lab.succeed(&["compare", "blind", &other]);
    let psnr = table.lines().find(|line| line.starts_with("PSNR dB")).unwrap();
    assert!(psnr.contains(" n/a ") && !psnr.contains('*'), "{table}");
    assert!(table.contains("victim.captured") && table.contains("attack different pictures"), "{table}");
    lab.succeed(&["rm", &other, "--yes"]);
    // The label that came back is told all the same.
    let json: Value =
        serde_json::from_str(&lab.succeed(&["export", "last", "--to", "json", "--out", "-"])).unwrap();
    let label = json["runs"][0]["rounds"][0]["result"]["labels"][0].as_u64().unwrap();
    assert!(shown.contains(&format!("Came back: label {label}.")), "{shown}");
    let round = &json["runs"][0]["rounds"][0];
    assert!(round["truth"].is_null() && round["result"]["metrics"].is_null(), "{round}");
    assert!(round["result"]["loss"].is_number(), "{round}");
    for format in ["csv", "html", "png"] {
        let out = lab.path(&format!("blind.{format}"));
        lab.succeed(&["export", "last", "--to", format, "--out", out.to_str().unwrap()]);
        let text = String::from_utf8_lossy(&std::fs::read(&out).unwrap()).into_owned();
        assert!(!text.contains("NaN") && !text.contains("truth (private)"), "{format}");
    }
    let page = std::fs::read_to_string(lab.path("blind.html")).unwrap();
    assert!(page.contains(&format!("label {label}<")), "{label}");
    assert!(page.contains("n/a") && page.contains("captured update.safetensors"));
}

#[test]
fn what_cannot_be_attacked_is_refused_before_anything_is_made() {
    let lab = Lab::new();
    let folder = lab.path("files");
    let out = folder.to_str().unwrap();
    lab.succeed(&["capture", "ig-lenet", "--out", out]);
    let preset = std::fs::read_to_string(folder.join("preset.toml")).unwrap();
    let evil = write(&lab.path("evil.pth"), b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.");
    let update = folder.join("update.safetensors").display().to_string();
    for (from, to, says) in [
        (update.as_str(), evil.as_str(), "evil.pth asks to run `posix.system`; nothing was run"),
        ("kind = \"gradient\"", "kind = \"delta\"", "victim.captured.local is missing"),
        ("kind = \"gradient\"", "kind = \"gradients\"", "did you mean `gradient`?"),
        ("batch = 1\n", "batch = 0\n", "victim.captured.batch = 0, must be 1"),
        ("model = \"lenet\"", "model = \"mlp\"", "victim.captured.weights: "),
    ] {
        assert!(preset.contains(from), "{from}");
        let file = write(&lab.path("bad.toml"), preset.replace(from, to).as_bytes());
        let error = lab.fail(&["run", &file], 2);
        assert!(error.contains(says), "{to}: {error}");
    }
    let runs = lab.path("data").join("runs");
    assert!(std::fs::read_dir(runs).map_or(true, |mut runs| runs.next().is_none()));
    let error = lab.fail(
        &[
            "capture",
            "ig-lenet",
            "--out",
            out,
            "--set",
            "federation.clients=2",
            "--set",
            "federation.secure_aggregation=2",
            "--set",
            "victim.indices=[0,1]",
        ],
        1,
    );
    assert!(error.contains("federation.secure_aggregation hides who sent what"), "{error}");
}
