//! The catalogue, key by key.

use super::*;
use crate::catalogue::literature;

fn at_catalogue() -> Model {
    let mut model = fixture::model(120, 40);
    press(&mut model, "6");
    assert_eq!(model.screen, Screen::Catalogue);
    model
}

fn chosen(model: &Model) -> &'static str {
    &model.catalogue_view.chosen().unwrap().key
}

#[test]
fn the_list_moves_and_is_narrowed_by_threat_model_words_and_what_is_here() {
    let mut model = at_catalogue();
    assert_eq!(model.catalogue_view.visible().len(), literature::attacks().len());
    press(&mut model, "jj");
    assert_eq!(chosen(&model), literature::attacks()[2].key);
    press(&mut model, "A");
    assert!(model.catalogue_view.visible().iter().all(|entry| entry.threat_models() == "A"));
    assert!(fixture::drawn(&model).contains("threat model A"));
    press(&mut model, "A");
    assert_eq!(model.catalogue_view.threat_model, None);
    press(&mut model, "Dr/gif");
    assert_eq!((model.catalogue_view.visible().len(), chosen(&model)), (1, "gifd"));
    press(&mut model, "zzz");
    assert!(model.catalogue_view.visible().is_empty());
    assert!(fixture::drawn(&model).contains("nothing is found so"));
    code(&mut model, KeyCode::Enter);
    press(&mut model, "d");
    assert!(model.notice.as_ref().unwrap().text.contains("no entry is chosen"));
    code(&mut model, KeyCode::Esc);
    assert!(!model.catalogue_view.is_filtered());
    code(&mut model, KeyCode::Esc);
    assert!(model.notice.as_ref().unwrap().text.contains("nothing to go back to"));
}

#[test]
fn families_and_kinds_of_samples_are_gone_through_one_by_one() {
    let mut model = at_catalogue();
    let all = literature::attacks().len();
    let mut families = Vec::new();
    loop {
        press(&mut model, "f");
        let Some(family) = model.catalogue_view.family else { break };
        assert!(model.catalogue_view.visible().iter().all(|entry| entry.family == family), "{family}");
        assert!(fixture::drawn(&model).contains(&format!(", {family}")), "{family}");
        families.push((family, model.catalogue_view.visible().len()));
    }
    assert_eq!(families.iter().map(|(_, count)| count).sum::<usize>(), all, "{families:?}");
    assert_eq!(model.catalogue_view.visible().len(), all);
    press(&mut model, "mm");
    let modality = model.catalogue_view.modality.unwrap();
    let fits = |entry: &&literature::Entry| entry.modality() == "any" || entry.modality().contains(modality);
    assert!(model.catalogue_view.visible().iter().all(fits) && model.catalogue_view.visible().len() < all);
    // Those of defences are others, and nobody says what they are shown on.
    press(&mut model, "t");
    assert!(!model.catalogue_view.is_filtered());
    press(&mut model, "m");
    assert_eq!(model.catalogue_view.modality, None);
    press(&mut model, "f");
    assert!(model.catalogue_view.is_filtered());
    code(&mut model, KeyCode::Esc);
    assert!(!model.catalogue_view.is_filtered());
}

#[test]
fn enter_asks_at_the_preset_and_what_is_not_here_says_so() {
    let mut model = at_catalogue();
    press(&mut model, "/lamp");
    code(&mut model, KeyCode::Enter);
    assert_eq!(chosen(&model), "lamp");
    assert!(without_saving(code(&mut model, KeyCode::Enter)).is_empty());
    assert_eq!(model.notice.as_ref().unwrap().text, "not now: gialab does not have it");
    code(&mut model, KeyCode::Esc);
    press(&mut model, "/dlg,");
    code(&mut model, KeyCode::Esc);
    model.catalogue_view.selected = "dlg".into();
    code(&mut model, KeyCode::Enter);
    assert_eq!((model.screen, model.presets_view.selected.as_str()), (Screen::Presets, "dlg-lenet"));
    let Some(Overlay::Confirm { question, .. }) = model.overlays.last() else {
        panic!("{:?}", model.overlays)
    };
    assert_eq!(question, "Start dlg-lenet?");
    let effects = without_saving(press(&mut model, "y"));
    assert!(matches!(effects.as_slice(), [Effect::Start { preset, .. }] if preset == "dlg-lenet"));
}

#[test]
fn defences_are_a_key_away_and_a_text_tells_all() {
    let mut model = at_catalogue();
    press(&mut model, "t/soteria");
    code(&mut model, KeyCode::Enter);
    assert_eq!(chosen(&model), "soteria");
    press(&mut model, "d");
    let Some(Overlay::Text { title, body, .. }) = model.overlays.last() else {
        panic!("{:?}", model.overlays)
    };
    assert!(title == "Soteria" && body.contains("rated: ") && body.contains("acts on: batch"), "{body}");
    code(&mut model, KeyCode::Esc);
    press(&mut model, "w");
    assert!(matches!(model.overlays.last(), Some(Overlay::Explain(_))));
    code(&mut model, KeyCode::Esc);
    press(&mut model, ":tour 1");
    code(&mut model, KeyCode::Enter);
    let Some(Overlay::Confirm { question, detail, .. }) = model.overlays.last() else { panic!() };
    assert!(question == "Tour, 1 of 6: start dlg-digits?" && detail.contains("threat model A"), "{question}");
    let drawn = fixture::drawn(&model);
    assert!(drawn.contains("y yes"), "{drawn}");
    press(&mut model, "n:catalogue gifd");
    code(&mut model, KeyCode::Enter);
    assert_eq!((chosen(&model), model.catalogue_view.defences), ("gifd", false));
    press(&mut model, "w");
    let Some(Overlay::Explain(explain)) = model.overlays.last() else { panic!("{:?}", model.overlays) };
    assert_eq!(explain.words[explain.at].key, "threat_model_d");
}
