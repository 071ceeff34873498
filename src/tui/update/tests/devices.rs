//! What a device adds to the screen.

use super::*;
use crate::device::Standing;
use crate::tui::model::RunRow;

fn with_device() -> Model {
    let mut model = fixture::model(120, 40);
    model.backends.iter_mut().for_each(|entry| entry.unavailable = None);
    model
}

#[test]
fn a_run_on_a_device_says_how_it_stands_while_it_computes() {
    let mut model = fixture::model(120, 40);
    fixture::open(&mut model, fixture::events(30, false), Health::Running);
    assert!(!fixture::drawn(&model).contains("device:"));
    let standing =
        Standing { used: 2_500_000_000, memory: 141_000_000_000, busy: Some(63), celsius: Some(41) };
    let run = model.views[0].id.clone();
    let mut manifest = fixture::manifest(&run, "dlg-lenet", Health::Running, NOW - 60.0);
    manifest.standing = Some(standing);
    let arrived = Msg::ManifestArrived { run, manifest: Ok(Box::new(manifest)), health: Health::Running };
    update(&mut model, arrived);
    let drawn = fixture::drawn(&model);
    assert!(
        drawn.contains("device: 2.5 of 141.0 GB in use, busy 63 %, 41 °C; the attack goes on"),
        "{drawn}"
    );
}

#[test]
fn where_auto_has_a_choice_both_are_measured_and_the_faster_counts() {
    let mut model = with_device();
    let at_rest: Vec<RunRow> = fixture::rows(0).into_iter().filter(|row| !row.health.is_live()).collect();
    update(&mut model, Msg::RunsListed(at_rest));
    let mut measured = Vec::new();
    for _ in 0..20 {
        let later = Msg::Tick(model.now + 1.0);
        for effect in update(&mut model, later) {
            let Effect::Calibrate(backend) = effect else { continue };
            // The device is slow for small networks.
            let factor = if backend == "cuda" { 9.0 } else { 2.0 };
            update(&mut model, Msg::Calibrated(Ok(Some(fixture::calibration(&backend, factor)))));
            measured.push(backend);
        }
    }
    assert_eq!(measured, ["flex", "cuda"]);
    let entry = model.preset("dlg-lenet").unwrap();
    let seconds = |model: &Model| model.expected(model.preset("dlg-lenet").unwrap()).unwrap().seconds;
    let reference = entry.config.expect.as_ref().unwrap().seconds;
    assert!((seconds(&model) / reference - 2.0).abs() < 1e-9);
    // One that is named is taken.
    model.backend = "cuda".into();
    assert!((seconds(&model) / reference - 9.0).abs() < 1e-9);
}
