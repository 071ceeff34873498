//! Pictures of the screen of audits, and its keys.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use crossterm::event::KeyCode;
use insta::assert_snapshot;

use super::effect::Effect;
use super::fixture::{self, drawn};
use super::model::{Model, Screen};
use super::msg::{Msg, Outcome};
use super::snapshot_tests::press;
use super::studies::Attention;
use super::update::update;
use crate::audit::Report;
use crate::audit::fixture::report;
use crate::audit::shelf::Kept;

fn kept() -> Vec<Kept> {
    let of = |name: &str, live: bool, report: Option<Result<Box<Report>, String>>| Kept {
        name: name.into(),
        path: PathBuf::from(format!("/data/gialab/audits/{name}")),
        live,
        at: fixture::NOW - 120.0,
        runs: (3, 5),
        report,
    };
    vec![
        of("dlg-lenet-0a1b2c3d", true, None),
        of("ig-lenet-4e5f6a7b", false, Some(Ok(Box::new(report())))),
        of("client.pt-99887766", false, None),
        of("other-01020304", false, Some(Err("expected value at line 1 column 1".into()))),
    ]
}

fn list(width: u16, height: u16) -> Model {
    let mut model = fixture::model(width, height);
    press(&mut model, "7");
    update(&mut model, Msg::AuditsListed(kept()));
    press(&mut model, "j");
    model
}

/// What a key sets off.
fn key(model: &mut Model, key: &str) -> Vec<Effect> {
    let code = KeyCode::Char(key.chars().next().unwrap());
    update(model, Msg::Key(code.into()))
}

#[test]
fn list_of_audits_with_a_report_and_the_report_alone() {
    for (width, height) in [(80, 24), (100, 30), (120, 40), (200, 60)] {
        let mut model = list(width, height);
        assert_snapshot!(format!("audits_{width}x{height}"), drawn(&model));
        update(&mut model, Msg::Key(KeyCode::Enter.into()));
        assert_snapshot!(format!("audit_{width}x{height}"), drawn(&model));
    }
    let mut model = fixture::model(80, 24);
    press(&mut model, "7");
    assert!(drawn(&model).contains("reading the audits"));
    update(&mut model, Msg::AuditsListed(Vec::new()));
    assert!(drawn(&model).contains("none yet: press A on a preset"));
}

#[test]
fn a_report_scrolls_to_its_end_and_no_further() {
    let mut model = list(80, 24);
    update(&mut model, Msg::Key(KeyCode::Enter.into()));
    assert!(!drawn(&model).contains("as a page"));
    press(&mut model, "G");
    let end = model.audits_view.top;
    assert!(end > 0 && drawn(&model).contains("as a page"));
    press(&mut model, "j");
    assert_eq!(model.audits_view.top, end);
    update(&mut model, Msg::Key(KeyCode::Esc.into()));
    assert!(!model.audits_view.reading && model.screen == Screen::Audits);
}

#[test]
fn audits_are_read_while_they_are_shown_begun_from_a_preset_and_stopped() {
    let mut model = fixture::model(100, 30);
    press(&mut model, "A");
    let asked = drawn(&model);
    assert!(asked.contains("Audit dlg-lenet?"), "{asked}");
    let begun = Effect::Audit { preset: "dlg-lenet".into(), changes: Vec::new() };
    assert_eq!(key(&mut model, "y"), [begun]);
    update(&mut model, Msg::Finished(Outcome::Audited("dlg-lenet".into(), Err("no disk".into()))));
    assert!(drawn(&model).contains("no disk"));
    update(&mut model, Msg::Key(KeyCode::Esc.into()));
    assert!(key(&mut model, "7").contains(&Effect::Attend(Attention::Audits)));
    update(&mut model, Msg::AuditsListed(kept()));
    press(&mut model, "s");
    let place = PathBuf::from("/data/gialab/audits/dlg-lenet-0a1b2c3d");
    assert_eq!(key(&mut model, "y"), [Effect::StopAudit(place)]);
    // One that nobody makes cannot be stopped.
    press(&mut model, "js");
    assert!(drawn(&model).contains("not being made"));
    assert!(key(&mut model, "2").contains(&Effect::Attend(Attention::Nothing)));
}
