//! `gialab export` on real runs, read back.

use std::path::{Path, PathBuf};
use std::process::Command;

use gialab::run::event::Event;
use image::Rgb;
use serde_json::Value;

use crate::lab::{Lab, QUICK, finished, text};

/// A quick run; its name.
fn quick(lab: &Lab, more: &[&str]) -> String {
    let arguments = [&["run"], &QUICK[..], more, &["--json"]].concat();
    finished(&lab.succeed(&arguments))["run"].as_str().unwrap().to_owned()
}

/// A quick run of two trials; its name.
fn two_trials(lab: &Lab) -> String {
    let arguments =
        ["run", "dlg-lenet", "--trials", "2", "--set", "attack.iterations=3", "--seed", "3", "--json"];
    finished(&lab.succeed(&arguments))["run"].as_str().unwrap().to_owned()
}

/// The command, run in an empty directory of the laboratory.
fn export(lab: &Lab, arguments: &[&str]) -> Command {
    let here = lab.path("here");
    std::fs::create_dir_all(&here).unwrap();
    let mut command = lab.command(&[&["export"], arguments].concat());
    command.current_dir(here);
    command
}

/// Exports and returns the paths that were printed.
fn exported(lab: &Lab, arguments: &[&str]) -> Vec<PathBuf> {
    let output = export(lab, arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout).lines().map(|line| lab.path("here").join(line)).collect()
}

/// A clean gradient's logit is at one of its equation's roots, and noise moves the roots away from it; both are drawn.
#[test]
fn the_equation_of_a_logit_is_kept_and_drawn() {
    let lab = Lab::new();
    let of = |more: &[&str]| {
        let document = finished(&lab.succeed(&[&["run", "logit", "--json"], more].concat()));
        let run = document["run"].as_str().unwrap().to_owned();
        (run, document["rounds"][0]["equation"].clone())
    };
    let off = |equation: &Value| {
        let truth = equation["truth"].as_f64().unwrap();
        let roots = equation["roots"].as_array().unwrap().iter().map(|root| root.as_f64().unwrap());
        roots.map(|root| (root - truth).abs()).fold(f64::INFINITY, f64::min)
    };
    let (clean, equation) = of(&[]);
    assert!(off(&equation) < 1e-4, "{equation}");
    assert_eq!(equation["roots"].as_array().unwrap().len(), 2);
    let noise = "post=[{ kind = \"gaussian-noise\", sigma = 0.003 }]";
    let (noisy, moved) = of(&["--set", noise]);
    assert!(off(&moved) > 1e-3, "{moved}");
    let files = exported(&lab, &[&clean, &noisy, "--to", "svg"]);
    let drawn = files.iter().map(|file| std::fs::read_to_string(file).unwrap());
    let drawn = drawn.into_iter().find(|svg| svg.contains("The equation of the logit")).unwrap();
    for word in
        ["root that was taken", "the private sample, which no attack knows", "mu, the logit of the label"]
    {
        assert!(drawn.contains(word), "{word}");
    }
}

/// The sentence of an export that must fail with `code` and leave nothing behind.
fn refused(lab: &Lab, arguments: &[&str], code: i32) -> String {
    let output = export(lab, arguments).output().unwrap();
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
    assert!(!error.contains("panicked"), "{error}");
    assert!(files(&lab.path("here")).is_empty(), "{arguments:?}: {:?}", files(&lab.path("here")));
    error
}

fn files(directory: &Path) -> Vec<String> {
    let items = std::fs::read_dir(directory).unwrap();
    items.map(|item| item.unwrap().file_name().into_string().unwrap()).collect()
}

/// Cells by row; these tables have no quoted ones.
fn table(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(!text.contains('"'), "{text}");
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn cell<'a>(table: &'a [Vec<String>], row: usize, column: &str) -> &'a str {
    &table[row][table[0].iter().position(|name| name == column).unwrap()]
}

#[test]
fn csv_holds_the_metrics_and_every_point_of_the_event_log() {
    let lab = Lab::new();
    let run = two_trials(&lab);
    let paths = exported(&lab, &["last", "--to", "csv"]);
    let name = |suffix: &str| lab.path("here").join(format!("{run}{suffix}.csv"));
    assert_eq!(paths, [name(""), name("-curves")]);

    let events = lab.events(&run);
    let result = events.iter().find_map(|line| match &line.event {
        Event::RoundFinished(result) => Some(result),
        _ => None,
    });
    let result = result.unwrap();
    let metrics = table(&paths[0]);
    assert_eq!(metrics.len(), 2);
    let number = |column: &str| cell(&metrics, 1, column).parse::<f64>().unwrap();
    let judged = result.metrics.as_ref().unwrap();
    assert_eq!(number("psnr"), judged.psnr.unwrap().mean);
    assert_eq!(number("ssim"), judged.ssim.unwrap().mean);
    assert_eq!(number("match"), result.loss);
    assert_eq!((number("seed"), number("trials")), (3.0, result.trials as f64));
    for (column, value) in [
        ("run", run.as_str()),
        ("labels", "optimised"),
        ("batchnorm", "eval (public)"),
        ("state", "untrained"),
        ("batch", "1"),
        ("threat_model", "A"),
        ("trial_chosen_by", "matching loss"),
        ("status", "done"),
        ("complete", "true"),
    ] {
        assert_eq!(cell(&metrics, 1, column), value, "{column}");
    }

    let mut expected = Vec::new();
    for line in &events {
        if let Event::Progress { trial, points, .. } = &line.event {
            expected.extend(points.iter().map(|point| (*trial, *point, line.t)));
        }
    }
    let curves = table(&paths[1]);
    assert_eq!(curves.len() - 1, expected.len());
    assert!(expected.iter().any(|(trial, _, _)| *trial == 1), "both trials are there");
    for (row, (trial, point, t)) in (1..).zip(expected) {
        let number = |column: &str| cell(&curves, row, column).parse::<f64>().unwrap();
        assert_eq!((number("trial"), number("iteration")), (trial as f64, point.iteration as f64));
        assert_eq!((number("matching"), number("prior")), (point.matching, point.prior));
        assert_eq!((number("total"), number("seconds")), (point.total(), t));
    }
}

#[test]
fn json_is_one_document_for_all_runs() {
    let lab = Lab::new();
    let runs = [quick(&lab, &[]), quick(&lab, &["--seed", "4"])];
    let output = export(&lab, &[&runs[0], &runs[1], "last", "--to", "json", "--out", "-"]).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["runs"].as_array().unwrap().len(), 2);
    for (exported, run) in document["runs"].as_array().unwrap().iter().zip(&runs) {
        assert_eq!(exported["run"], run.as_str());
        let result = lab.run_path(run).join("result.json");
        let result: Value = serde_json::from_slice(&std::fs::read(result).unwrap()).unwrap();
        assert_eq!(exported["rounds"][0]["result"], result["rounds"][0]);
        assert_eq!(exported["config"], lab.manifest(run)["config"]);
        assert_eq!(exported["rounds"][0]["trials"][0]["curves"]["iteration"].as_array().unwrap().len(), 3);
        let picture = exported["rounds"][0]["reconstruction"]["file"].as_str().unwrap();
        assert!(Path::new(exported["directory"].as_str().unwrap()).join(picture).is_file());
    }
    // The command that is given makes the same run.
    let command = document["runs"][1]["reproduce"].as_str().unwrap().replace('\'', "");
    let arguments: Vec<&str> = command.split(' ').skip(1).chain(["--json"]).collect();
    let loss = |run: &Value| run["rounds"][0]["loss"].as_f64().unwrap();
    let again = finished(&lab.succeed(&arguments));
    assert_eq!(loss(&again), document["runs"][1]["rounds"][0]["result"]["loss"].as_f64().unwrap());
}

#[test]
fn png_shows_the_pixels_that_were_stored() {
    let lab = Lab::new();
    let runs = [quick(&lab, &[]), quick(&lab, &["--set", "victim.indices=[1]"])];
    let paths = exported(&lab, &[&runs[0], &runs[1], "--to", "png", "--out", "both.png"]);
    assert_eq!(paths, [lab.path("here").join("both.png")]);
    let grid = image::open(&paths[0]).unwrap().to_rgb8();
    // Pictures of 32 pixels, enlarged 7 times; gaps of 16, margins of 20.
    assert_eq!(grid.width(), 3 * 224 + 2 * 16 + 2 * 20);
    for run in &runs {
        let stored =
            |file: &str| image::open(lab.run_path(run).join("pictures").join(file)).unwrap().to_rgb8();
        let (truth, judged) = (stored("truth.png"), stored("round-0-reconstruction.png"));
        // First and last pixel of the squares on the diagonal.
        let square =
            |top: u32, i: u32, inside: u32| *grid.get_pixel(20 + 7 * i + inside, top + 7 * i + inside);
        let shows_truth =
            |top: u32| (0..32).all(|i| [0, 6].iter().all(|&at| square(top, i, at) == *truth.get_pixel(i, i)));
        let tops: Vec<u32> = (0..grid.height() - 224).filter(|&top| shows_truth(top)).collect();
        let [top] = tops[..] else { panic!("{run}: {tops:?}") };
        for (x, y) in [(0, 0), (31, 0), (13, 17), (31, 31)] {
            for inside in [0, 6] {
                let at =
                    |column: u32| *grid.get_pixel(20 + 240 * column + 7 * x + inside, top + 7 * y + inside);
                assert_eq!(at(0), *truth.get_pixel(x, y));
                assert_eq!(at(1), *judged.get_pixel(x, y));
                let apart =
                    [0, 1, 2].map(|c| truth.get_pixel(x, y).0[c].abs_diff(judged.get_pixel(x, y).0[c]));
                // Three iterations leave some pixel so far off that nothing can be amplified.
                assert_eq!(at(2), Rgb(apart));
            }
        }
    }
}

#[test]
fn html_is_one_page_that_says_it_all_and_needs_nothing() {
    let lab = Lab::new();
    let run = two_trials(&lab);
    let paths = exported(&lab, &["last", "--to", "html"]);
    assert_eq!(paths, [lab.path("here").join(format!("{run}.html"))]);
    let html = std::fs::read_to_string(&paths[0]).unwrap();
    let result = lab.run_path(&run).join("result.json");
    let result: Value = serde_json::from_slice(&std::fs::read(result).unwrap()).unwrap();
    let round = &result["rounds"][0];
    let manifest = lab.manifest(&run);
    for part in [
        format!(">{:.2}<", round["metrics"]["psnr"]["mean"].as_f64().unwrap()),
        format!(">{:.3}<", round["metrics"]["ssim"]["mean"].as_f64().unwrap()),
        format!(">{:.1e}<", round["loss"].as_f64().unwrap()),
        format!("{} of 2", round["trial"].as_u64().unwrap() + 1),
        "labels optimised, FedSGD, BatchNorm eval (public), model untrained, batch of 1".to_owned(),
        "chosen by their matching loss".to_owned(),
        "difference × 1".to_owned(),
        manifest["config"]["title"].as_str().unwrap().to_owned(),
        manifest["host"].as_str().unwrap().to_owned(),
        "burn 0.21.0".to_owned(),
        "gialab run dlg-lenet --set attack.iterations=3 --set attack.trials=2 --set run.seed=3".to_owned(),
        "iterations = 3".to_owned(),
    ] {
        assert!(html.contains(&part), "{part}");
    }
    for outside in ["http:", "https:", "<script", "<link", "url(", "@import"] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert_eq!(html.matches(" src=").count(), html.matches(" src=\"data:image/png;base64,").count());
    assert_eq!(html.matches("<html").count(), html.matches("</html>").count());
}

#[test]
fn a_pipe_that_closes_early_is_no_failure() {
    let lab = Lab::new();
    quick(&lab, &[]);
    let shell = format!("'{}' export last --to html --out - | head -c 20", env!("CARGO_BIN_EXE_gialab"));
    let output = Command::new("bash")
        .args(["-c", &format!("set -o pipefail; {shell}")])
        .env("GIALAB_DATA_DIR", lab.path("data"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).starts_with("<!DOCTYPE html>"));
}

#[test]
fn what_cannot_be_exported_is_refused_in_one_sentence() {
    let lab = Lab::new();
    let run = quick(&lab, &[]);
    let sentence = |arguments: &[&str]| {
        let error = refused(&lab, arguments, 1);
        assert_eq!(error.trim().lines().count(), 1, "{error}");
        error
    };
    assert!(sentence(&["no-such-run", "--to", "csv"]).contains("there is no run"));
    let here = lab.path("here");
    let error = sentence(&["last", "--to", "html", "--out", here.to_str().unwrap()]);
    assert!(error.contains("it is a directory"), "{error}");
    assert!(sentence(&["last", "--to", "html", "--out", "no/x.html"]).contains("no directory"));
    let pictures = lab.run_path(&run).join("pictures");
    std::fs::write(pictures.join("truth.png"), b"not any more").unwrap();
    for format in ["png", "html"] {
        assert!(sentence(&["last", "--to", format]).contains("truth.png"));
    }
    let events = lab.run_path(&run).join("events.jsonl");
    std::fs::remove_file(&events).unwrap();
    assert!(sentence(&["last", "--to", "json"]).contains("no events yet"));
    let manifest = lab.run_path(&run).join("manifest.json");
    let newer = std::fs::read_to_string(&manifest).unwrap().replacen("\"schema\": 1", "\"schema\": 99", 1);
    std::fs::write(&manifest, newer).unwrap();
    assert!(sentence(&[&run, "--to", "json"]).contains("newer gialab"));
    // Usage, as clap says it.
    assert!(refused(&lab, &[&run, "--to", "svg", "--width", "5"], 2).contains("3.3, 7"));
    assert!(refused(&lab, &[&run, "--to", "docx"], 2).contains("csv, json, png, html, latex, svg"));
    assert!(refused(&lab, &[&run], 2).contains("--to"));
    assert!(refused(&lab, &["--to", "csv"], 2).contains("<RUN>"));
}

#[test]
fn a_file_that_is_there_is_replaced_by_force_alone() {
    let lab = Lab::new();
    quick(&lab, &[]);
    let here = lab.path("here");
    std::fs::create_dir(&here).unwrap();
    std::fs::write(here.join("x-curves.csv"), "older").unwrap();
    let arguments = ["last", "--to", "csv", "--out", "x.csv"];
    let output = export(&lab, &arguments).output().unwrap();
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("x-curves.csv exists already") && error.contains("--out, as x-2.csv"), "{error}");
    assert!(error.contains("--force") && error.trim().lines().count() == 1, "{error}");
    assert_eq!(files(&here), ["x-curves.csv"]);
    assert_eq!(std::fs::read_to_string(here.join("x-curves.csv")).unwrap(), "older");
    let written = exported(&lab, &[&arguments[..], &["--force"]].concat());
    assert_eq!(written, [here.join("x.csv"), here.join("x-curves.csv")], "every file is named");
    assert_ne!(std::fs::read_to_string(here.join("x-curves.csv")).unwrap(), "older");
}

#[test]
fn a_disk_that_fills_up_leaves_nothing_half_written() {
    let lab = Lab::new();
    quick(&lab, &[]);
    let here = lab.path("here");
    std::fs::create_dir(&here).unwrap();
    std::fs::write(here.join("report.html"), "older").unwrap();
    // A file may not grow beyond 4 KiB, and the signal for it is ignored, so that writing fails.
    let limited = "trap '' XFSZ; ulimit -f 4; exec \"$0\" export last --to html --out report.html --force";
    let output = Command::new("bash")
        .args(["-c", limited, env!("CARGO_BIN_EXE_gialab")])
        .env("GIALAB_DATA_DIR", lab.path("data"))
        .current_dir(&here)
        .output()
        .unwrap();
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("cannot write report.html") && error.trim().lines().count() == 1, "{error}");
    assert_eq!(files(&here), ["report.html"]);
    assert_eq!(std::fs::read_to_string(here.join("report.html")).unwrap(), "older");
}
