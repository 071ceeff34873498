//! Where an expected time comes from, and what it is.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use super::*;
use crate::config::preset;
use crate::run::{RunDirectory, Summary};

const HOST: &str = "here";

fn config(name: &str, changes: &[&str]) -> RunConfig {
    let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
    preset::load(name, &changes, "/nonexistent".as_ref()).unwrap().config
}

/// A run that went through here on flex with two threads.
fn row(config: &RunConfig, seconds: f64) -> RunRow {
    RunRow {
        directory: RunDirectory::at("/runs/run"),
        id: "run".into(),
        preset: "preset".into(),
        backend: "flex".into(),
        host: HOST.into(),
        threads: Some(2),
        created: 0.0,
        heartbeat: 0.0,
        health: Health::Done,
        waits: None,
        notebook: crate::run::Notebook::default(),
        error: None,
        config: Some(Arc::new(config.clone())),
        summary: Summary { seconds: Some(seconds), in_one_go: true, ..Summary::default() },
    }
}

fn after(rows: &[RunRow]) -> Experience {
    let mut experience = Experience::default();
    experience.take_up(rows, HOST);
    experience
}

fn twice_as_slow() -> Calibration {
    serde_json::from_value(serde_json::json!({
        "gialab": "0.1.0", "backend": "flex", "threads": 2, "processor": "slow", "light": 0.64, "heavy": 147.8,
    }))
    .unwrap()
}

fn said(experience: &Experience, own: &RunConfig, config: &RunConfig) -> String {
    experience.expected(own, config, "flex", 2).map_or("not known".into(), |expected| expected.to_string())
}

#[test]
fn a_time_is_the_reference_then_an_estimate_then_what_runs_took() {
    let own = config("ig-resnet18", &[]);
    let mut experience = Experience::default();
    assert_eq!(said(&experience, &own, &own), "31 s on the reference machine");
    assert!(experience.lacks("flex") && experience.lacks("cuda") && !experience.lacks("ndarray"));
    experience.calibrations.push(twice_as_slow());
    assert!(!experience.lacks("flex") && experience.lacks("cuda"));
    assert_eq!(said(&experience, &own, &own), "about 62 s (estimated for this machine)");
    experience.take_up(&[row(&own, 55.0)], HOST);
    assert_eq!(said(&experience, &own, &own), "about 55 s (measured here)");
    // Other threads and other backends are another matter.
    assert_eq!(experience.expected(&own, &own, "flex", 4).unwrap().source, Source::Reference);
    assert_eq!(experience.expected(&own, &own, "ndarray", 2).unwrap().source, Source::Reference);
}

#[test]
fn where_trials_end_early_a_time_is_a_range_or_says_that_it_varies() {
    let own = config("dlg-lenet", &[]);
    let note = "; less or more, since trials end early";
    assert!(said(&Experience::default(), &own, &own).ends_with(&format!(" on the reference machine{note}")));
    assert_eq!(said(&after(&[row(&own, 14.0)]), &own, &own), format!("about 14 s (measured here){note}"));
    let several = after(&[row(&own, 14.0), row(&own, 31.0), row(&own, 22.0)]);
    assert_eq!(said(&several, &own, &own), "14 s to 31 s (measured here)");
    assert_eq!(several.expected(&own, &own, "flex", 2).unwrap().seconds, 22.0);
    // What runs to its end takes one time.
    let fixed = config("ig-resnet18", &[]);
    let several = after(&[row(&fixed, 50.0), row(&fixed, 60.0)]);
    assert_eq!(said(&several, &fixed, &fixed), "about 55 s (measured here)");
}

#[test]
fn the_median_of_the_newest_runs_counts() {
    let own = config("ig-resnet18", &[]);
    let rows = |seconds: &[f64]| -> Vec<RunRow> { seconds.iter().map(|s| row(&own, *s)).collect() };
    let expected = |seconds: &[f64]| after(&rows(seconds)).expected(&own, &own, "flex", 2).unwrap().seconds;
    assert_eq!(expected(&[10.0, 90.0, 20.0]), 20.0);
    assert_eq!(expected(&[10.0, 20.0]), 15.0);
    // The five newest: an old one that took long is forgotten.
    assert_eq!(expected(&[1.0, 2.0, 3.0, 4.0, 5.0, 600.0, 600.0, 600.0]), 3.0);
}

#[test]
fn only_runs_that_went_through_here_in_one_go_count() {
    let own = config("ig-resnet18", &[]);
    let good = row(&own, 5.0);
    let paused = Summary { in_one_go: false, ..good.summary.clone() };
    let others = [
        RunRow { health: Health::Stopped, ..good.clone() },
        RunRow { health: Health::Crashed, ..good.clone() },
        RunRow { summary: paused, ..good.clone() },
        RunRow { host: "elsewhere".into(), ..good.clone() },
        RunRow { threads: Some(8), ..good.clone() },
        RunRow { threads: None, ..good.clone() },
        RunRow { backend: "cuda".into(), ..good.clone() },
        RunRow { config: None, ..good.clone() },
    ];
    for other in others {
        assert_eq!(
            said(&after(std::slice::from_ref(&other)), &own, &own),
            "31 s on the reference machine",
            "{other:?}"
        );
    }
    assert_eq!(said(&after(&[good]), &own, &own), "about 5 s (measured here)");
}

#[test]
fn seed_and_picture_make_no_difference_and_iterations_do() {
    let own = config("ig-resnet18", &[]);
    let other = config("ig-resnet18", &["victim.indices=[5]", "run.seed=7", "title=Mine"]);
    let experience = after(&[row(&own, 40.0)]);
    assert_eq!(said(&experience, &own, &other), "about 40 s (measured here)");
    let double = config("ig-resnet18", &["attack.iterations=800"]);
    assert_eq!(said(&experience, &own, &double), "about 80 s (estimated for this machine)");
    assert_eq!(said(&Experience::default(), &own, &double), "62 s on the reference machine");
    let twice = config("ig-resnet18", &["attack.trials=2"]);
    assert_eq!(said(&experience, &own, &twice), "about 80 s (estimated for this machine)");
}

#[test]
fn what_cannot_be_scaled_is_not_known_until_it_was_run() {
    let own = config("ig-resnet18", &[]);
    let batch = config("ig-resnet18", &["victim.indices=[1, 2]"]);
    let larger = config("ig-resnet18", &["victim.size=64", "attack.iterations=800"]);
    let experience = after(&[row(&own, 40.0)]);
    assert_eq!(said(&experience, &own, &batch), "not known");
    assert_eq!(said(&experience, &own, &larger), "not known");
    let experience = after(&[row(&batch, 70.0), row(&own, 40.0)]);
    assert_eq!(said(&experience, &own, &batch), "about 70 s (measured here)");
    // Trials that end early do not take longer for being allowed more.
    let own = config("dlg-lenet", &[]);
    let more = config("dlg-lenet", &["attack.iterations=3000"]);
    assert_eq!(said(&Experience::default(), &own, &more), "not known");
}
