//! Writing reports: as what, where, and what is in the way.

use std::path::{Path, PathBuf};

use super::*;
use crate::run::export::Format;

fn typed(model: &Model) -> &str {
    match model.overlays.last() {
        Some(Overlay::Destination(destination)) => destination.input.value(),
        other => panic!("{other:?}"),
    }
}

/// The destination is asked for, and Enter writes there.
fn asked(model: &mut Model, format: &str) -> Vec<Effect> {
    press(model, "e");
    press(model, format);
    assert!(without_saving(code(model, KeyCode::Enter)).is_empty(), "nothing is written unasked");
    typed(model);
    code(model, KeyCode::Enter)
}

#[test]
fn a_report_asks_where_and_proposes_the_name_of_the_run() {
    let mut model = live();
    let effects = asked(&mut model, "html");
    let [Effect::Export { runs, format, out, replace }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((runs.len(), *format, *replace), (1, Format::Html, false));
    assert_eq!(out, Path::new("20261122-125501-dlg-lenet.html"));
    assert!(code(&mut model, KeyCode::Enter).is_empty(), "it is being written");
}

#[test]
fn the_path_is_edited_and_completed() {
    let mut model = live();
    press(&mut model, "ecsv");
    code(&mut model, KeyCode::Enter);
    control(&mut model, 'u');
    press(&mut model, "~/re");
    assert_eq!(code(&mut model, KeyCode::Tab), [Effect::CompletePath("~/re".into())]);
    let completed = |typed: &str, path: &str| {
        Msg::Finished(Outcome::Completed { typed: typed.into(), path: path.into() })
    };
    update(&mut model, completed("~/r", "~/rest/"));
    assert_eq!(typed(&model), "~/re", "an answer to what was typed before");
    update(&mut model, completed("~/re", "~/reports/"));
    press(&mut model, "x.csv");
    let effects = code(&mut model, KeyCode::Enter);
    assert!(matches!(&effects[..], [Effect::Export { out, .. }] if out == Path::new("~/reports/x.csv")));
    update(&mut model, Msg::Finished(Outcome::Exported(Err("there is no directory ~/reports".into()))));
    assert!(fixture::drawn(&model).contains("there is no directory ~/reports"));
    control(&mut model, 'u');
    assert!(code(&mut model, KeyCode::Enter).is_empty(), "a name is needed");
    code(&mut model, KeyCode::Esc);
    assert!(model.overlays.is_empty());
}

#[test]
fn a_file_in_the_way_is_asked_about_and_a_free_name_is_proposed() {
    let there = || {
        Msg::Finished(Outcome::InTheWay {
            out: "x.html".into(),
            there: vec!["x.html".into()],
            free: "x-2.html".into(),
        })
    };
    let mut model = live();
    asked(&mut model, "html");
    update(&mut model, there());
    let Some(Overlay::Confirm { question, .. }) = model.overlays.last() else {
        panic!("{:?}", model.overlays)
    };
    assert_eq!(question, "Replace x.html?");
    assert!(press(&mut model, "n").is_empty());
    assert_eq!(typed(&model), "x-2.html");
    let effects = code(&mut model, KeyCode::Enter);
    assert!(
        matches!(&effects[..], [Effect::Export { out, replace: false, .. }] if out == Path::new("x-2.html"))
    );
    update(&mut model, there());
    let effects = press(&mut model, "y");
    assert!(
        matches!(&effects[..], [Effect::Export { out, replace: true, .. }] if out == Path::new("x.html"))
    );
}

#[test]
fn every_file_that_was_written_is_named() {
    let written = |paths: &[&str]| {
        let mut model = live();
        asked(&mut model, "csv");
        let paths = paths.iter().map(PathBuf::from).collect();
        update(&mut model, Msg::Finished(Outcome::Exported(Ok(paths))));
        model
    };
    let short = written(&["x.csv", "x-curves.csv"]);
    assert!(short.overlays.is_empty());
    assert!(fixture::drawn(&short).contains("wrote x.csv and x-curves.csv"));
    let long =
        ["/home/ada/a/long/way/20261122-dlg-lenet.csv", "/home/ada/a/long/way/20261122-dlg-lenet-curves.csv"];
    let drawn = fixture::drawn(&written(&long));
    assert!(long.iter().all(|path| drawn.contains(path)), "{drawn}");
}
