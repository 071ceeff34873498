//! What headings mean.

use super::comparing::comparing;
use super::*;

/// Key of the word that is explained, and how many there are.
fn explained(model: &Model) -> (&'static str, usize) {
    match model.overlays.last() {
        Some(Overlay::Explain(explain)) => (explain.words[explain.at].key, explain.words.len()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_headings_of_a_run_are_explained_one_after_the_other() {
    let mut model = live();
    press(&mut model, "w");
    // The columns that have room in 80: round, match, labels, PSNR, SSIM, ST-LPIPS, time, status.
    assert_eq!(explained(&model), ("round", 8));
    press(&mut model, "lll");
    assert_eq!(explained(&model).0, "psnr");
    let drawn = fixture::drawn(&model);
    assert!(drawn.contains("PSNR, dB: higher is better") && drawn.contains("heading 4 of 8"), "{drawn}");
    press(&mut model, "hhhh");
    assert_eq!(explained(&model).0, "status");
    code(&mut model, KeyCode::Esc);
    assert!(model.overlays.is_empty() && model.screen == Screen::Run);
}

#[test]
fn help_on_a_column_explains_it_and_once_more_shows_the_keys() {
    let mut model = live();
    press(&mut model, "?");
    assert!(matches!(model.overlays.last(), Some(Overlay::Help { .. })));
    code(&mut model, KeyCode::Esc);
    // The fifth column that the table can be sorted by, whether it has room or not.
    press(&mut model, "ooooo?");
    assert_eq!(explained(&model).0, "match");
    press(&mut model, "?");
    assert!(matches!(model.overlays.as_slice(), [Overlay::Help { .. }]));
    // Of a hidden one it is told too.
    code(&mut model, KeyCode::Esc);
    press(&mut model, "o?");
    assert_eq!(explained(&model), ("match_at_truth", 1));
}

#[test]
fn trials_and_samples_have_headings_of_their_own() {
    let mut model = live();
    press(&mut model, "tw");
    assert_eq!(explained(&model).0, "trial");
    press(&mut model, "wttw");
    assert_eq!(explained(&model).0, "round");
    press(&mut model, "wttw");
    assert_eq!(explained(&model).0, "sample");
}

#[test]
fn figures_of_a_comparison_are_explained_and_settings_are_not() {
    let mut model = comparing();
    press(&mut model, "w");
    let (first, count) = explained(&model);
    assert_eq!(first, "status");
    let keys: Vec<&str> = (0..count)
        .map(|_| {
            press(&mut model, "l");
            explained(&model).0
        })
        .collect();
    assert!(keys.contains(&"psnr") && keys.contains(&"evaluations"), "{keys:?}");
    assert!(!keys.contains(&"run.seed"), "{keys:?}");
    code(&mut model, KeyCode::Enter);
    assert!(model.overlays.is_empty());
}

#[test]
fn the_palette_finds_words() {
    let mut model = live();
    press(&mut model, ":explain threat model b");
    code(&mut model, KeyCode::Enter);
    assert_eq!(explained(&model), ("threat_model_b", 1));
}

#[test]
fn without_a_run_there_is_nothing_to_explain() {
    let mut model = fixture::model(80, 24);
    press(&mut model, "w");
    assert!(model.overlays.is_empty());
}
