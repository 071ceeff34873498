//! When the speed of this machine is measured, and what the times on the screen say then.

use super::*;
use crate::tui::model::RunRow;

fn at_rest() -> Vec<RunRow> {
    fixture::rows(0).into_iter().filter(|row| !row.health.is_live()).collect()
}

fn ticks(model: &mut Model, seconds: usize) -> Vec<Effect> {
    (0..seconds).flat_map(|_| update(model, Msg::Tick(model.now + 1.0))).collect()
}

fn measure() -> Vec<Effect> {
    vec![Effect::Calibrate("flex".into())]
}

#[test]
fn a_machine_at_rest_is_measured_once_and_the_times_follow() {
    let mut model = fixture::model(120, 40);
    assert!(fixture::drawn(&model).contains("13 s on the reference machine"));
    assert_eq!(ticks(&mut model, 5), [], "not before the runs are known");
    update(&mut model, Msg::RunsListed(at_rest()));
    assert_eq!(ticks(&mut model, 2), []);
    assert_eq!(ticks(&mut model, 5), measure());
    let measured = fixture::calibration("flex", 2.0);
    let effects = update(&mut model, Msg::Calibrated(Ok(Some(measured.clone()))));
    assert_eq!(effects, [Effect::KeepCalibration(measured)]);
    assert_eq!(ticks(&mut model, 10), [], "known now");
    let drawn = fixture::drawn(&model);
    assert!(drawn.contains("about 26 s (estimated for this machine)"), "{drawn}");
    let row = drawn.lines().find(|line| line.contains("idlg-lenet")).unwrap();
    assert!(row.contains("22 s  48 dB"), "{row}");
}

#[test]
fn beside_a_run_nothing_is_measured_and_nothing_is_kept() {
    let mut model = fixture::model(120, 40);
    update(&mut model, Msg::RunsListed(fixture::rows(2)));
    assert_eq!(ticks(&mut model, 10), [], "a run is live");
    update(&mut model, Msg::RunsListed(at_rest()));
    assert_eq!(ticks(&mut model, 5), measure());
    // One that starts meanwhile slows the measurement.
    update(&mut model, Msg::RunsListed(fixture::rows(2)));
    assert_eq!(update(&mut model, Msg::Calibrated(Ok(Some(fixture::calibration("flex", 9.0))))), []);
    assert!(model.experience.lacks("flex"));
    update(&mut model, Msg::RunsListed(at_rest()));
    assert_eq!(ticks(&mut model, 5), measure(), "again, once it has ended");
}

#[test]
fn a_machine_that_cannot_be_measured_is_left_alone() {
    let mut model = fixture::model(120, 40);
    update(&mut model, Msg::RunsListed(at_rest()));
    assert_eq!(ticks(&mut model, 5), measure());
    assert_eq!(update(&mut model, Msg::Calibrated(Err("no memory".into()))), []);
    assert_eq!(ticks(&mut model, 60), []);
    assert!(model.overlays.is_empty() && model.notice.is_none());
    // One that others keep busy is tried again, later.
    let mut model = fixture::model(120, 40);
    update(&mut model, Msg::RunsListed(at_rest()));
    assert_eq!(ticks(&mut model, 5), measure());
    assert_eq!(update(&mut model, Msg::Calibrated(Ok(None))), []);
    assert_eq!((ticks(&mut model, 55), ticks(&mut model, 10)), (vec![], measure()));
    // A slow backend is never measured.
    let mut model = fixture::model(120, 40);
    model.backend = "ndarray".into();
    update(&mut model, Msg::RunsListed(at_rest()));
    assert_eq!(ticks(&mut model, 60), []);
}

#[test]
fn runs_that_went_through_here_refine_the_times() {
    let mut model = fixture::model(120, 40);
    let config = model.preset("dlg-lenet").unwrap().config.clone();
    let of = |seconds: f64| {
        let mut row = at_rest().remove(0);
        (row.health, row.config) = (Health::Done, Some(std::sync::Arc::new(config.clone())));
        (row.summary.seconds, row.summary.in_one_go) = (Some(seconds), true);
        row
    };
    update(&mut model, Msg::RunsListed(vec![of(7.0), of(8.0), of(90.0)]));
    assert!(fixture::drawn(&model).contains("7 s to 90 s (measured here)"));
    // Another picture of the same set is the same work; a change that is not is said.
    press(&mut model, "i");
    assert!(fixture::drawn(&model).contains("7 s to 90 s (measured here)"));
    press(&mut model, "u");
    let changes = [("victim.indices".to_owned(), "[0, 1, 2]".to_owned())];
    model.changes.insert("dlg-lenet".into(), changes.into());
    assert!(fixture::drawn(&model).contains("not known with these changes"), "{}", fixture::drawn(&model));
}
