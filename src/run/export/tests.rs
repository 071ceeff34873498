//! Exports of runs made from code.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::config::preset;
use crate::reading::Reading;
use crate::run::cost::{self, Costs};
use crate::run::event::{
    Event, Finished, Level, Line, Metrics, PictureOf, Point, Probe, Ratio, RoundResult, Sample, Spread,
    Tiles, TrialOutcome, VERSION,
};
use crate::run::launch::As;
use crate::run::{Manifest, Notebook, RunState, Status, Store};

pub(super) struct Lab {
    home: TempDir,
    store: Store,
}

impl Lab {
    pub(super) fn new() -> Lab {
        let home = tempfile::tempdir().unwrap();
        let store = Store::in_data_dir(home.path());
        fs::create_dir(home.path().join("out")).unwrap();
        Lab { home, store }
    }

    pub(super) fn out(&self, name: &str) -> PathBuf {
        self.home.path().join("out").join(name)
    }

    /// Names of what lies in the directory that exports go to.
    pub(super) fn written(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.home.path().join("out"))
            .unwrap()
            .map(|item| item.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// A run of a shipped preset under another name, complete if its events say so.
    pub(super) fn run(&self, name: &str, changes: &[&str], events: Vec<(f64, Event)>) -> RunDirectory {
        let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
        let config = preset::load("dlg-lenet", &changes, Path::new("")).unwrap().config;
        let (directory, _lock) = self
            .store
            .create(name, &config, "flex", &Reading::default(), 1_795_352_101.0, As::default())
            .unwrap();
        let done = events.iter().any(|(_, event)| matches!(event, Event::Finished(_)));
        let status = if done { Status::Done } else { Status::Stopped };
        let manifest = Manifest { status, ..directory.manifest().unwrap() };
        directory.write_manifest(&manifest).unwrap();
        let mut log = fs::File::create(directory.events_path()).unwrap();
        for (t, event) in events {
            if let Event::Picture { file, what, tiles, .. } = &event {
                save(&directory, file, *what, *tiles);
            }
            writeln!(log, "{}", serde_json::to_string(&Line { v: VERSION, t, event }).unwrap()).unwrap();
        }
        directory
    }

    pub(super) fn export(&self, runs: &[RunDirectory], format: Format, name: &str) -> String {
        write(runs, format, Some(&self.out(name)), true).unwrap();
        fs::read_to_string(self.out(name)).unwrap()
    }

    /// The sentence of an export that must fail and leave nothing behind.
    pub(super) fn refused(&self, runs: &[RunDirectory], format: Format) -> String {
        let error = write(runs, format, Some(&self.out("refused")), false).unwrap_err().to_string();
        assert!(self.written().is_empty(), "{format:?}: {:?}", self.written());
        assert_eq!(error.lines().count(), 1, "{error}");
        error
    }
}

/// Truth: red rises to the right. Anything else: the same, 3 darker.
fn pixel(what: PictureOf, x: u32, y: u32) -> Rgb<u8> {
    let darker = if what == PictureOf::Truth { 0 } else { 3 };
    Rgb([100 + x as u8 - darker, 50 + y as u8 - darker, 40 - darker])
}

fn save(directory: &RunDirectory, file: &str, what: PictureOf, tiles: Tiles) {
    let rows = tiles.samples.div_ceil(tiles.columns);
    let (width, height) = ((tiles.columns * tiles.width) as u32, (rows * tiles.height) as u32);
    let picture = RgbImage::from_fn(width, height, |x, y| pixel(what, x, y));
    picture.save(directory.path().join(file)).unwrap();
}

fn spread(mean: f64) -> Spread {
    Spread { mean, best: mean + 1.0, worst: mean - 1.0 }
}

fn metrics(psnr: f64) -> Metrics {
    Metrics {
        mse: Some(spread(0.25)),
        psnr: Some(spread(psnr)),
        label_accuracy: Some(1.0),
        ..Metrics::default()
    }
}

fn round(trials: usize) -> Event {
    Event::Round {
        round: 0,
        update_norm: 3.5,
        accuracy: None,
        batch: 1,
        parameters: 15_826,
        input: 3072,
        trials,
        iterations: 40,
    }
}

fn trial(trial: usize) -> Event {
    Event::Trial { round: 0, trial, labels: vec![7] }
}

/// With losses that a binary fraction holds exactly.
fn point(trial: usize, iteration: usize) -> Point {
    Point { iteration, matching: (1024 - iteration - 100 * trial) as f64 / 1024.0, prior: 0.25 }
}

fn progress(trial: usize, from: usize, to: usize) -> Event {
    let points = (from..=to).map(|iteration| point(trial, iteration)).collect();
    progress_of(trial, points)
}

fn progress_of(trial: usize, points: Vec<Point>) -> Event {
    let last = points.last().unwrap().iteration;
    Event::Progress {
        round: 0,
        trial,
        points,
        evaluations: last,
        learning_rate: 1.0,
        best_iteration: last,
        best: 0.1,
    }
}

fn picture(what: PictureOf, trial: Option<usize>, iteration: usize, samples: usize) -> Event {
    let name = format!("pictures/{what:?}-{}-{iteration}.png", trial.unwrap_or(0)).to_lowercase();
    let columns = if samples > 1 { 2 } else { 1 };
    let tiles = Tiles { samples, columns, width: 32, height: 32 };
    Event::Picture { round: 0, trial, iteration, what, file: name, tiles, metrics: None }
}

fn trial_finished(trial: usize, matching: f64, psnr: f64) -> Event {
    Event::TrialFinished {
        round: 0,
        trial,
        outcome: TrialOutcome::Completed,
        best: matching,
        matching,
        best_iteration: 40,
        evaluations: 48,
        seconds: 2.5,
        metrics: Some(metrics(psnr)),
        labels: vec![3],
    }
}

/// Two trials, of which the second was chosen.
pub(super) fn done() -> Vec<(f64, Event)> {
    let result = RoundResult {
        labels: vec![3],
        label_names: vec!["portrait".into()],
        round: 0,
        metrics: Some(metrics(43.25)),
        probe: None,
        accuracy: None,
        accuracy_lost: None,
        inferred: None,
        stages: Vec::new(),
        update_norm: None,
        processed: None,
        loss: 3.1e-7,
        iteration: None,
        undescended: false,
        picked: None,
        enhanced: None,
        equation: None,
        at_truth: None,
        baselines: None,
        trial: 1,
        trials: 2,
        evaluations: 1096,
        seconds: 5.0,
    };
    let finished = Finished {
        status: Status::Done,
        run: "run".into(),
        rounds: vec![result.clone()],
        error: None,
        interrupted: false,
    };
    let warning = Event::Log { level: Level::Warning, message: "beware of the <dog>".into() };
    let mut events = vec![
        (
            0.0,
            Event::Started {
                run: "r".into(),
                preset: "p".into(),
                backend: "flex".into(),
                device: "flex, 2 threads".into(),
            },
        ),
        (0.0, picture(PictureOf::Truth, None, 0, 1)),
        (0.1, round(2)),
        (0.1, warning),
    ];
    for at in 0..2 {
        events.push((0.5, trial(at)));
        events.push((1.0, progress(at, 1, 20)));
        events.push((1.0, picture(PictureOf::Current, Some(at), 20, 1)));
        events.push((1.5, progress(at, 21, 40)));
        events.push((1.5, picture(PictureOf::Current, Some(at), 40, 1)));
        events.push((2.5, trial_finished(at, 3.1e-7 * (2 - at) as f64, 30.0 + at as f64)));
    }
    events.push((5.0, picture(PictureOf::Reconstruction, None, 40, 1)));
    events.push((5.0, Event::RoundFinished(Box::new(result))));
    events.push((5.0, Event::Finished(finished)));
    events
}

/// Rows of cells, as RFC 4180 has them.
pub(super) fn parse(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => cell.push(letters.next().unwrap()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            letter => cell.push(letter),
        }
    }
    assert!(!quoted && cell.is_empty() && row.is_empty(), "{text}");
    rows
}

/// The cell of a row under a heading.
fn cell<'a>(table: &'a [Vec<String>], row: usize, column: &str) -> &'a str {
    let at = table[0].iter().position(|name| name == column).unwrap_or_else(|| panic!("{column}"));
    &table[row][at]
}

#[test]
fn metrics_have_a_row_a_run_with_their_conditions() {
    let lab = Lab::new();
    let name = "we\"ird, one";
    let runs = [
        lab.run(name, &["victim.indices=[0, 1]"], done()),
        lab.run(
            "live",
            &["knowledge.labels=true", "victim.mode=train"],
            vec![
                (0.0, round(4)),
                (0.0, trial(0)),
                (1.0, progress(0, 1, 10)),
                (1.0, Event::Metrics { round: 0, trial: 0, iteration: 10, metrics: metrics(f64::NAN) }),
            ],
        ),
        lab.run("early", &[], vec![(0.0, Event::Paused)]),
    ];
    let table = parse(&lab.export(&runs, Format::Csv, "x.csv"));
    assert_eq!(lab.written(), ["x-curves.csv", "x.csv"]);
    assert_eq!(table.len(), 4);
    assert!(table.iter().all(|row| row.len() == table[0].len()));
    let of = |row: usize, columns: &[&str]| {
        columns.iter().map(|column| cell(&table, row, column)).collect::<Vec<_>>().join("|")
    };
    assert_eq!(cell(&table, 1, "preset"), name);
    let conditions = ["labels", "batchnorm", "state", "batch", "threat_model", "trial_chosen_by"];
    assert_eq!(of(1, &conditions), "optimised|eval (public)|untrained|2|A|matching loss");
    assert_eq!(of(2, &conditions), "optimised|train (not shared)|untrained|1|B|matching loss");
    let figures = [
        "status",
        "complete",
        "round",
        "psnr",
        "psnr_best",
        "psnr_worst",
        "ssim",
        "match",
        "trial",
        "evaluations",
    ];
    assert_eq!(of(1, &figures), "done|true|0|43.25|44.25|42.25||3.1e-7|1|1096");
    assert_eq!(of(2, &figures), "stopped|false|0|nan|nan|nan||0.990234375|0|10");
    assert_eq!(of(3, &figures), "stopped|false||||||||");
}

/// (trial, iteration, matching) as the table of curves has them.
fn curves_of(lab: &Lab, run: &RunDirectory) -> Vec<(usize, usize, f64)> {
    lab.export(std::slice::from_ref(run), Format::Csv, "c.csv");
    let table = parse(&fs::read_to_string(lab.out("c-curves.csv")).unwrap());
    (1..table.len())
        .map(|row| {
            let number = |column: &str| cell(&table, row, column).parse::<f64>().unwrap();
            assert_eq!(number("total"), number("matching") + number("prior"));
            (number("trial") as usize, number("iteration") as usize, number("matching"))
        })
        .collect()
}

/// The same as a viewer has them, which keeps as many points apart as these runs have.
fn curves_as_seen(events: &[(f64, Event)]) -> Vec<(usize, usize, f64)> {
    let mut state = RunState::default();
    for (t, event) in events {
        state.apply(Line { v: VERSION, t: *t, event: event.clone() });
    }
    let of_trial = |trial: &crate::run::state::TrialState| {
        let point = |bucket: &crate::series::Bucket| (trial.trial, bucket.last as usize, bucket.value);
        trial.matching.buckets().iter().map(point).collect::<Vec<_>>()
    };
    state.rounds.iter().flat_map(|round| &round.trials).flat_map(of_trial).collect()
}

#[test]
fn curves_are_what_a_viewer_shows_whatever_was_taken_back() {
    let resumed = |trial, iteration| Event::Resumed { round: 0, trial, iteration };
    let stories: [Vec<Event>; 7] = [
        vec![round(2), trial(0), progress(0, 1, 30), trial(1), progress(1, 1, 7)],
        // On from a checkpoint in the middle of a line.
        vec![round(2), trial(0), progress(0, 1, 30), resumed(0, 17), progress(0, 18, 40)],
        // Twice, further back the second time.
        vec![
            round(2),
            trial(0),
            progress(0, 1, 30),
            resumed(0, 20),
            progress(0, 21, 25),
            resumed(0, 10),
            progress(0, 11, 12),
        ],
        // Back into an earlier trial: the later one is computed anew.
        vec![
            round(2),
            trial(0),
            progress(0, 1, 40),
            trial(1),
            progress(1, 1, 9),
            round(2),
            resumed(0, 38),
            progress(0, 39, 40),
            trial(1),
            progress(1, 1, 3),
        ],
        // Begun anew without a checkpoint.
        vec![round(2), trial(0), progress(0, 1, 9), round(2), trial(0), progress(0, 1, 4)],
        // Lines that are lost: of a resume, of a trial, of the round.
        vec![round(1), trial(0), progress(0, 1, 9), progress(0, 5, 12), progress(3, 1, 2), progress(0, 7, 8)],
        vec![trial(0), progress(0, 1, 9), resumed(0, 3)],
    ];
    for (i, story) in stories.into_iter().enumerate() {
        let events: Vec<(f64, Event)> = story.into_iter().map(|event| (1.0, event)).collect();
        let lab = Lab::new();
        let run = lab.run("run", &[], events.clone());
        assert_eq!(curves_of(&lab, &run), curves_as_seen(&events), "story {i}");
    }
}

#[test]
fn numbers_that_are_none_are_words_in_tables_and_in_json() {
    let lab = Lab::new();
    let matching = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e-300];
    let points =
        matching.into_iter().zip(1..).map(|(matching, iteration)| Point { iteration, matching, prior: 0.0 });
    let run =
        lab.run("run", &[], vec![(0.0, round(1)), (0.0, trial(0)), (0.25, progress_of(0, points.collect()))]);
    lab.export(std::slice::from_ref(&run), Format::Csv, "x.csv");
    let table = parse(&fs::read_to_string(lab.out("x-curves.csv")).unwrap());
    let column: Vec<&str> = (1..5).map(|row| cell(&table, row, "matching")).collect();
    assert_eq!(column, ["nan", "inf", "-inf", "1e-300"]);
    assert_eq!(cell(&table, 1, "seconds"), "0.25");
    let json: Value = serde_json::from_str(&lab.export(&[run], Format::Json, "x.json")).unwrap();
    let curves = &json["runs"][0]["rounds"][0]["trials"][0]["curves"];
    assert_eq!(curves["matching"]["value"], serde_json::json!(["nan", "nan", "nan", 1e-300]));
    assert_eq!(curves["not_finite"], serde_json::json!([1, 1, 1, 0]));
}

#[test]
fn what_is_measured_besides_quality_is_in_table_and_report() {
    let lab = Lab::new();
    let mut events = done();
    for (_, event) in &mut events {
        if let Event::RoundFinished(result) = event {
            let metrics = result.metrics.as_mut().unwrap();
            metrics.st_lpips = Some(Spread { mean: 0.125, best: 0.0625, worst: 0.25 });
            (metrics.recovered, metrics.worst_recovered) = (Some(0.75), Some(false));
            (metrics.iip, metrics.iip_pool) = (Some(0.5), Some(1_234));
            (metrics.label_existence, metrics.label_count) = (Some(0.9), Some(0.8));
            result.probe = Some(Probe { igsa: f64::INFINITY, igsa_rel: 0.5, r_eff: 12.5, samples: 4 });
        }
    }
    let run = lab.run("one", &[], events);
    lab.export(std::slice::from_ref(&run), Format::Csv, "x.csv");
    let table = parse(&fs::read_to_string(lab.out("x.csv")).unwrap());
    for (column, value) in [
        ("st_lpips", "0.125"),
        ("st_lpips_best", "0.0625"),
        ("st_lpips_worst", "0.25"),
        ("lpips", ""),
        ("brr", "0.75"),
        ("wsrr", "0.0"),
        ("iip", "0.5"),
        ("iip_pool", "1234"),
        ("label_existence", "0.9"),
        ("label_count", "0.8"),
        ("igsa", "inf"),
        ("r_eff", "12.5"),
        ("igsa_samples", "4"),
        ("accuracy", ""),
    ] {
        assert_eq!(cell(&table, 1, column), value, "{column}");
    }
    let html = lab.export(&[run], Format::Html, "x.html");
    for part in [">0.125<", ">75 %<", ">0 %<", ">50 %<", ">1,234<", "IGSA", "gialab's definition"] {
        assert!(html.contains(part), "{part}");
    }
}

#[test]
fn a_report_tells_what_a_defence_protects_from_only_beside_what_it_costs() {
    let lab = Lab::new();
    let post = "post=[{ kind = \"clip\", norm = 1.0 }]";
    let defended = lab.run("defended", &[post], done());
    let html = |run: &RunDirectory| lab.export(std::slice::from_ref(run), Format::Html, "x.html");
    let psnr = ">43.25<";
    let clean = html(&lab.run("clean", &[], done()));
    assert!(clean.contains(psnr) && !clean.contains("costs"), "{clean}");
    let withheld = html(&defended);
    assert!(!withheld.contains(psnr) && !withheld.contains("dB<"));
    assert!(
        withheld.contains("what it costs is not measured") && withheld.contains("gialab utility defended")
    );
    // A table of numbers has them all the same.
    assert!(lab.export(std::slice::from_ref(&defended), Format::Csv, "x.csv").contains("43.25"));
    let config = defended.manifest().unwrap().config;
    Costs::beside(&defended).keep(&cost::fixture(&config)).unwrap();
    let told = html(&defended);
    assert!(
        told.contains(psnr) && told.contains("it costs 3.0 (3.0 to 3.0) points of 77.0 % accuracy"),
        "{told}"
    );
    let control = html(&lab.run("control", &["post=[{ kind = \"noise-only\" }]"], done()));
    assert!(control.contains(psnr));
}

#[test]
fn what_a_person_wrote_to_a_run_is_in_every_export() {
    use crate::run::notebook::Entry;
    let lab = Lab::new();
    let run = lab.run("plain", &[], done());
    let bare: Value =
        serde_json::from_str(&lab.export(std::slice::from_ref(&run), Format::Json, "bare.json")).unwrap();
    assert!(["title", "note", "tags"].iter().all(|key| bare["runs"][0][key].is_null()), "{bare}");
    let tags = Entry::Tags(vec!["paper".into(), "a".into()], Vec::new());
    for entry in [Entry::title("the baseline").unwrap(), Entry::Note("it, too".into()), tags] {
        Notebook::enter(&run, entry).unwrap();
    }
    let runs = [run];
    let json: Value = serde_json::from_str(&lab.export(&runs, Format::Json, "x.json")).unwrap();
    let written = &json["runs"][0];
    assert_eq!(
        (written["title"].as_str(), written["note"].as_str()),
        (Some("the baseline"), Some("it, too"))
    );
    assert_eq!(written["tags"], serde_json::json!(["a", "paper"]));
    let table = parse(&lab.export(&runs, Format::Csv, "x.csv"));
    let of = ["title", "tags", "note"].map(|column| cell(&table, 1, column));
    assert_eq!(of, ["the baseline", "a paper", "it, too"]);
    let html = lab.export(&runs, Format::Html, "x.html");
    assert!(["the baseline", "a, paper", "it, too"].iter().all(|words| html.contains(words)));
    assert!(lab.export(&runs, Format::Latex, "x.tex").contains("the baseline &"));
}

#[test]
fn json_holds_conditions_results_trials_curves_and_pictures() {
    let lab = Lab::new();
    let mut events = done();
    let samples = vec![Sample {
        mse: Some(Ratio(0.5)),
        psnr: Some(Ratio(f64::INFINITY)),
        ssim: Some(Ratio(f64::NAN)),
        st_lpips: None,
    }];
    for (_, event) in &mut events {
        if let Event::RoundFinished(result) = event {
            result.metrics.as_mut().unwrap().samples = samples.clone();
        }
    }
    let run = lab.run("one", &["attack.trials=2"], events);
    // Twice the same is once.
    let json: Value =
        serde_json::from_str(&lab.export(&[run.clone(), run.clone()], Format::Json, "x.json")).unwrap();
    assert_eq!((json["version"].as_u64(), json["runs"].as_array().unwrap().len()), (Some(1), 1));
    let one = &json["runs"][0];
    assert_eq!(one["run"], run.id().as_str());
    assert_eq!(one["status"], "done");
    assert_eq!((&one["backend"], &one["device"]), (&Value::from("flex"), &Value::from("flex, 2 threads")));
    assert_eq!(one["threat_model"]["labels"], "optimised");
    assert_eq!(one["threat_model"]["trial_chosen_by"], "matching loss");
    assert_eq!(one["config"]["attack"]["trials"], 2);
    // The preset is called "one" and not shipped.
    assert!(one.get("reproduce").is_none());
    let round = &one["rounds"][0];
    assert_eq!(round["result"]["metrics"]["psnr"]["mean"], 43.25);
    assert_eq!(
        round["result"]["metrics"]["samples"][0],
        serde_json::json!({"mse": 0.5, "psnr": "inf", "ssim": "nan"})
    );
    assert_eq!(
        (&round["result"]["labels"], &round["result"]["label_names"]),
        (&[3].into(), &["portrait"].into())
    );
    assert_eq!(round["trials"][1]["labels"], serde_json::json!([3]));
    assert_eq!(round["truth"]["file"], "pictures/truth-0-0.png");
    assert_eq!(round["trials"][1]["outcome"], "completed");
    assert_eq!(round["trials"][1]["pictures"][1]["iteration"], 40);
    let curves = &round["trials"][1]["curves"];
    assert_eq!(curves["iteration"].as_array().unwrap().len(), 40);
    assert_eq!(curves["matching"]["min"][39], point(1, 40).matching);
    assert_eq!(curves["total"]["value"].as_array().unwrap().len(), 40);
}

#[test]
fn the_grid_shows_truth_reconstruction_and_difference_pixel_by_pixel() {
    let lab = Lab::new();
    let runs = [lab.run("one", &[], done()), lab.run("two", &[], done())];
    write(&runs, Format::Png, Some(&lab.out("x.png")), true).unwrap();
    let grid = image::open(lab.out("x.png")).unwrap().to_rgb8();
    // 224 pixels each, enlarged 7 times, with gaps of 16 and a margin of 20.
    assert_eq!(grid.width(), 3 * 224 + 2 * 16 + 2 * 20);
    let tops: Vec<u32> = (0..grid.height() - 224)
        .filter(|&top| {
            (0..224).all(|i| *grid.get_pixel(20 + i, top + i) == pixel(PictureOf::Truth, i / 7, i / 7))
        })
        .collect();
    assert_eq!(tops.len(), 2, "one row a run");
    for top in tops {
        for (x, y) in [(0, 0), (100, 3), (223, 223)] {
            let at = |column: u32| *grid.get_pixel(20 + column * 240 + x, top + y);
            assert_eq!(at(0), pixel(PictureOf::Truth, x / 7, y / 7));
            assert_eq!(at(1), pixel(PictureOf::Reconstruction, x / 7, y / 7));
            // 3 apart everywhere, 64 times as much.
            assert_eq!(at(2), Rgb([192; 3]));
        }
        // A label above.
        assert!((0..20).any(|y| (20..200).any(|x| grid.get_pixel(x, top - 1 - y).0[0] < 100)));
    }
}

#[test]
fn the_report_says_everything_and_needs_nothing() {
    let lab = Lab::new();
    let runs = [
        lab.run("one", &[], done()),
        lab.run("two", &["knowledge.labels=true", "victim.mode=train"], done()),
    ];
    let html = lab.export(&runs, Format::Html, "x.html");
    for part in [
        "2 runs compared",
        "Threat model A (eavesdropper: update, model and batch size): labels optimised, FedSGD, BatchNorm eval (public), \
         model untrained, batch of 1; trials are chosen by their matching loss",
        "Threat model B",
        "labels optimised, FedSGD, BatchNorm train (not shared)",
        ">43.25<",
        ">3.1e-7<",
        "2 of 2",
        ">1,096<",
        "difference × 64",
        "flex, 2 threads",
        "gialab 0.1.0, burn 0.21.0",
        "beware of the &lt;dog&gt;",
        "[attack.optimiser]",
        "image-rendering: pixelated",
        "@media print",
        "prefers-color-scheme: dark",
        "5·10⁻¹",
        "all iterations done",
        "2 chosen",
        "label 3 (portrait, right)",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert!(html.contains(&format!(">{}<", runs[0].id())), "its name stands alone somewhere");
    assert!(html.contains(&runs[1].path().display().to_string()));
    self_contained(&html);
    // Three pictures and two of the history, each run.
    assert_eq!(html.matches("<img src=\"data:image/png;base64,").count(), 10);
}

/// Nothing of a page comes from elsewhere, and nothing in it is run.
fn self_contained(html: &str) {
    for word in
        ["http://", "https://", "<script", "<link", "@import", "url(", "<iframe", "srcset", "javascript:"]
    {
        assert!(!html.contains(word), "{word}");
    }
    assert_eq!(html.matches(" src=").count(), html.matches(" src=\"data:image/png;base64,").count());
}

#[test]
fn text_of_a_preset_cannot_break_out_of_the_report() {
    let lab = Lab::new();
    let evil = "<script>alert(\"x\")</script>";
    let run = lab.run("one", &[&format!("title='{evil}'"), &format!("about='{evil} & more'")], done());
    let html = lab.export(&[run], Format::Html, "x.html");
    assert!(html.contains("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;"), "the title is there");
    self_contained(&html);
}

#[test]
fn a_shipped_preset_comes_with_its_command() {
    let lab = Lab::new();
    let run = lab.run("dlg-lenet", &["attack.iterations=40", "victim.indices=[3]"], done());
    let command = "gialab run dlg-lenet --set attack.iterations=40 --set";
    let html = lab.export(std::slice::from_ref(&run), Format::Html, "x.html");
    assert!(html.contains(command), "{html}");
    let json: Value = serde_json::from_str(&lab.export(&[run], Format::Json, "x.json")).unwrap();
    assert_eq!(json["runs"][0]["reproduce"], format!("{command} 'victim.indices=[3]' --backend flex"));
}

#[test]
fn a_batch_shows_its_samples_and_a_live_run_how_it_stands() {
    let lab = Lab::new();
    let mut of_best = picture(PictureOf::Best, Some(0), 10, 3);
    if let Event::Picture { metrics: of_picture, .. } = &mut of_best {
        let sample = |psnr| Sample {
            mse: Some(Ratio(0.1)),
            psnr: Some(Ratio(psnr)),
            ssim: Some(Ratio(0.5)),
            st_lpips: None,
        };
        let samples = [11.125, f64::INFINITY, f64::NAN].map(sample).to_vec();
        *of_picture = Some(Box::new(Metrics { samples, ..metrics(17.5) }));
    }
    let run = lab.run(
        "batch",
        &["victim.indices=[0, 1, 2]"],
        vec![
            (0.0, round(4)),
            (0.0, picture(PictureOf::Truth, None, 0, 3)),
            (0.0, trial(0)),
            (1.0, progress(0, 1, 10)),
            (1.0, of_best),
        ],
    );
    let html = lab.export(std::slice::from_ref(&run), Format::Html, "x.html");
    for part in
        ["stopped, so far", "best so far, iteration 10, 17.50 dB", ">11.12<", ">∞<", ">NaN<", "batch of 3"]
    {
        assert!(html.contains(part), "{part}");
    }
    write(&[run], Format::Png, Some(&lab.out("x.png")), true).unwrap();
    let grid = image::open(lab.out("x.png")).unwrap().to_rgb8();
    // Tiles as stored: 64 pixels wide, enlarged 3 times.
    assert_eq!(grid.width(), 3 * 192 + 2 * 16 + 2 * 20);
}

#[test]
fn a_torn_log_is_read_as_far_as_it_goes_and_the_report_says_so() {
    let lab = Lab::new();
    let run = lab.run("torn", &[], done());
    let log = fs::read_to_string(run.events_path()).unwrap();
    let torn = log.replacen("{\"v\":1", "garbage\n{\"v\":1", 1);
    fs::write(run.events_path(), &torn[..torn.len() - 20]).unwrap();
    let html = lab.export(std::slice::from_ref(&run), Format::Html, "x.html");
    assert!(
        html.contains("1 lines of the event log could not be read") && html.contains(">43.25<"),
        "{html}"
    );
    let json: Value = serde_json::from_str(&lab.export(&[run], Format::Json, "x.json")).unwrap();
    assert_eq!(json["runs"][0]["lines_skipped"], 1);
}

#[test]
fn a_run_without_events_is_refused_and_one_without_pictures_has_its_figures() {
    let lab = Lab::new();
    let empty = lab.run("empty", &[], Vec::new());
    for format in Format::ALL {
        assert!(lab.refused(std::slice::from_ref(&empty), format).contains("no events yet"));
    }
    let blind = lab.run("blind", &[], vec![(0.0, round(1)), (0.0, trial(0)), (1.0, progress(0, 1, 3))]);
    let error = lab.refused(std::slice::from_ref(&blind), Format::Png);
    assert!(error.contains("no picture of both") && error.contains("csv"), "{error}");
    assert!(lab.export(&[blind], Format::Html, "x.html").contains("No pictures were recorded."));
    assert!(write(&[], Format::Html, None, false).is_err());
}

#[test]
fn a_picture_that_is_missing_damaged_or_elsewhere_is_named() {
    let lab = Lab::new();
    let run = lab.run("one", &[], done());
    let file = run.pictures_path().join("reconstruction-0-40.png");
    let both = |word: &str| {
        for format in [Format::Png, Format::Html] {
            let error = lab.refused(std::slice::from_ref(&run), format);
            assert!(error.contains("reconstruction-0-40.png") && error.contains(word), "{error}");
        }
    };
    fs::write(&file, b"no picture").unwrap();
    both("cannot be used");
    RgbImage::new(31, 32).save(&file).unwrap();
    both("its size is not that of the truth");
    fs::remove_file(&file).unwrap();
    both("No such file");
    // Tables need no pictures.
    lab.export(std::slice::from_ref(&run), Format::Csv, "x.csv");

    let lab = Lab::new();
    let mut events = done();
    for (_, event) in &mut events {
        if let Event::Picture { file, what: PictureOf::Reconstruction, .. } = event {
            *file = "pictures/../../elsewhere.png".into();
        }
    }
    let run = lab.run("one", &[], events);
    assert!(lab.refused(&[run], Format::Html).contains("outside the run"));
}

#[test]
fn a_place_that_is_none_for_a_file_is_refused() {
    let lab = Lab::new();
    let run = [lab.run("one", &[], done())];
    let refused = |path: &Path| write(&run, Format::Json, Some(path), true).unwrap_err().to_string();
    let directory = lab.home.path().join("out");
    assert!(refused(&directory).contains("it is a directory"));
    assert!(refused(&lab.out("no/such/x.json")).contains("there is no directory"));
    assert!(refused(Path::new("/dev/null")).contains("not a regular file"));
    assert!(fs::metadata("/dev/null").is_ok_and(|null| !null.is_file()), "it is still there");
    assert!(refused(Path::new("..")).contains("names no file"));
    // The second table cannot be written, so the first is not either.
    fs::create_dir(lab.out("x-curves.csv")).unwrap();
    fs::write(lab.out("x.csv"), "older").unwrap();
    write(&run, Format::Csv, Some(&lab.out("x.csv")), true).unwrap_err();
    assert_eq!(fs::read_to_string(lab.out("x.csv")).unwrap(), "older");
    assert_eq!(lab.written(), ["x-curves.csv", "x.csv"]);
}

#[test]
fn an_older_file_is_replaced_and_nothing_is_written_through_a_link() {
    let lab = Lab::new();
    let run = [lab.run("one", &[], done())];
    fs::write(lab.out("real.json"), "older").unwrap();
    std::os::unix::fs::symlink("real.json", lab.out("link.json")).unwrap();
    for force in [true, false] {
        let error = write(&run, Format::Json, Some(&lab.out("link.json")), force).unwrap_err().to_string();
        assert!(error.contains("symbolic link") && error.contains("name real.json itself"), "{error}");
        assert_eq!(fs::read_to_string(lab.out("real.json")).unwrap(), "older");
    }
    write(&run, Format::Json, Some(&lab.out("real.json")), true).unwrap();
    assert!(fs::read_to_string(lab.out("real.json")).unwrap().contains("\"version\":1"));
    assert_eq!(lab.written(), ["link.json", "real.json"]);
}

#[test]
fn files_are_named_after_the_first_run() {
    let lab = Lab::new();
    let runs = [lab.run("one", &[], done()), lab.run("two", &[], done())];
    let name = |runs: &[RunDirectory]| default_path(runs, Format::Csv);
    assert_eq!(name(&runs[..1]), PathBuf::from(format!("{}.csv", runs[0].id())));
    assert_eq!(name(&runs), PathBuf::from(format!("{}-and-1-more.csv", runs[0].id())));
    assert_eq!(with_suffix(Path::new("a/b.c.csv"), "-curves"), Path::new("a/b.c-curves.csv"));
    assert_eq!(with_suffix(Path::new("table"), "-curves"), Path::new("table-curves"));
}

/// A reader that leaves after some bytes.
struct Leaving(usize);

impl Write for Leaving {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        if taken == 0 { Err(std::io::ErrorKind::BrokenPipe.into()) } else { Ok(taken) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_stream_gets_every_format_and_may_end_early() {
    let lab = Lab::new();
    let run = [lab.run("one", &[], done())];
    for format in Format::ALL {
        let mut out = Vec::new();
        print(&run, format, &mut out).unwrap();
        write(&run, format, Some(&lab.out("file")), true).unwrap();
        let file = fs::read(lab.out("file")).unwrap();
        assert_eq!(out.len(), file.len(), "{format:?}");
        let error = print(&run, format, &mut Leaving(10)).unwrap_err();
        let ExportError::Output(reason) = error else { panic!("{error}") };
        assert_eq!(reason.kind(), std::io::ErrorKind::BrokenPipe, "{format:?}");
    }
}

#[test]
fn a_file_that_is_there_is_left_alone_and_a_free_name_is_told() {
    let lab = Lab::new();
    let run = [lab.run("one", &[], done())];
    for older in ["x.csv", "y-curves.csv", "y-2.csv"] {
        fs::write(lab.out(older), "older").unwrap();
    }
    for (name, format, there, free) in [
        ("x.csv", Format::Csv, "x.csv", "x-2.csv"),
        // Its second table is in the way.
        ("y.csv", Format::Csv, "y-curves.csv", "y-3.csv"),
    ] {
        match write(&run, format, Some(&lab.out(name)), false) {
            Err(ExportError::Exists { there: found, free: proposed }) => {
                assert_eq!((found, proposed), (vec![lab.out(there)], lab.out(free)), "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    assert_eq!(fs::read_to_string(lab.out("x.csv")).unwrap(), "older");
    assert_eq!(lab.written().len(), 3, "{:?}", lab.written());
    let said = write(&run, Format::Csv, Some(&lab.out("x.csv")), false).unwrap_err().to_string();
    assert!(said.contains("x.csv exists already") && said.contains("--force"), "{said}");
    assert_eq!(write(&run, Format::Csv, Some(&lab.out("x.csv")), true).unwrap().len(), 2);
}
