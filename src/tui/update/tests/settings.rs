//! The form of settings, saving and editing presets, runs made again.

use super::*;
use crate::config::setting::SETTINGS;

/// Moves the form to a setting and types a value in place of the old one.
fn set(model: &mut Model, key: &str, value: &str) {
    let at = SETTINGS.iter().position(|setting| setting.key == key).unwrap();
    let Some(Overlay::Form(form)) = model.overlays.last_mut() else { panic!("no form") };
    form.focus = at;
    control(model, 'u');
    press(model, value);
}

fn problem(model: &Model) -> Option<String> {
    let Some(Overlay::Form(form)) = model.overlays.last() else { panic!("no form") };
    form.problem.as_ref().map(|problem| problem.message.clone())
}

#[test]
fn the_form_refuses_what_cannot_be_used_and_keeps_what_can() {
    let mut model = fixture::model(80, 24);
    press(&mut model, "c");
    set(&mut model, "attack.iterations", "0");
    assert!(problem(&model).unwrap().contains("attack.iterations = 0"));
    code(&mut model, KeyCode::Enter);
    assert!(matches!(model.overlays.last(), Some(Overlay::Form(_))), "it stays open");
    set(&mut model, "attack.iterations", "50");
    set(&mut model, "run.seed", "7");
    assert_eq!(problem(&model), None);
    code(&mut model, KeyCode::Enter);
    assert!(model.overlays.is_empty());
    let changes = &model.changes["dlg-lenet"];
    assert_eq!((changes["attack.iterations"].as_str(), changes["run.seed"].as_str()), ("50", "7"));
    assert_eq!(changes.len(), 2, "{changes:?}");
    code(&mut model, KeyCode::Enter);
    let effects = without_saving(code(&mut model, KeyCode::Enter));
    let [Effect::Start { config, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((config.attack.iterations, config.run.seed), (50, 7));
}

#[test]
fn a_setting_that_excludes_another_is_said_while_typing() {
    let mut model = fixture::model(80, 24);
    press(&mut model, "c");
    set(&mut model, "attack.box", "true");
    assert!(problem(&model).unwrap().contains("lbfgs"));
    set(&mut model, "attack.optimiser.kind", "adam");
    assert_eq!(problem(&model), None);
}

#[test]
fn arrows_go_through_the_values_that_are_allowed() {
    let mut model = fixture::model(80, 24);
    press(&mut model, "c");
    set(&mut model, "attack.distance", "l2");
    code(&mut model, KeyCode::Right);
    code(&mut model, KeyCode::Enter);
    assert_eq!(model.changes["dlg-lenet"]["attack.distance"], "cosine");
}

#[test]
fn a_path_can_be_pasted() {
    let mut model = fixture::model(80, 24);
    press(&mut model, "c");
    set(&mut model, "victim.data", "");
    update(&mut model, Msg::Paste(" /home/ada/me.png\n".into()));
    code(&mut model, KeyCode::Enter);
    assert_eq!(model.changes["dlg-lenet"]["victim.data"], "/home/ada/me.png");
}

#[test]
fn an_empty_value_leaves_an_optional_setting_to_its_default() {
    let mut model = fixture::model(80, 24);
    press(&mut model, "c");
    set(&mut model, "victim.size", "");
    code(&mut model, KeyCode::Enter);
    let entry = model.chosen_preset().unwrap().clone();
    assert_eq!(model.config_of(&entry).victim.size, None);
}

#[test]
fn control_r_brings_the_presets_own_value_back() {
    let mut model = fixture::model(80, 24);
    press(&mut model, "c");
    set(&mut model, "attack.trials", "99");
    control(&mut model, 'r');
    code(&mut model, KeyCode::Enter);
    assert!(model.changes["dlg-lenet"].is_empty());
}

#[test]
fn escape_leaves_the_form_without_a_change() {
    let mut model = fixture::model(80, 24);
    press(&mut model, "c");
    set(&mut model, "attack.trials", "9");
    code(&mut model, KeyCode::Esc);
    assert!(model.changes.is_empty() && model.overlays.is_empty());
}

#[test]
fn settings_are_saved_as_a_preset_with_a_name_that_can_be_used() {
    let mut model = fixture::model(80, 24);
    press(&mut model, "c");
    set(&mut model, "attack.trials", "9");
    control(&mut model, 's');
    control(&mut model, 'u');
    press(&mut model, "dlg-lenet");
    assert!(without_saving(code(&mut model, KeyCode::Enter)).is_empty(), "a shipped preset has this name");
    control(&mut model, 'u');
    press(&mut model, "mine");
    let effects = without_saving(code(&mut model, KeyCode::Enter));
    let [Effect::SavePreset { name, config }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((name.as_str(), config.attack.trials, config.group.as_str()), ("mine", 9, "yours"));
    assert!(config.expect.is_none(), "what was measured with other settings is no expectation");
    assert!(model.overlays.is_empty());
}

#[test]
fn a_run_is_made_again_with_its_own_settings_on_its_own_backend() {
    let mut model = live();
    press(&mut model, "a");
    set(&mut model, "run.seed", "5");
    let effects = without_saving(code(&mut model, KeyCode::Enter));
    let [Effect::Start { preset, config, backend }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((preset.as_str(), config.run.seed, backend.as_str()), ("dlg-lenet", 5, "flex"));
    assert!(model.changes.is_empty(), "the preset itself is not changed");
}

#[test]
fn changes_that_an_edited_preset_no_longer_takes_are_left_out() {
    let mut model = fixture::model(80, 24);
    let changes = [("attack.trials", "3"), ("attack.box", "true"), ("attack.gone", "1")];
    let changes = changes.map(|(key, value)| (key.to_owned(), value.to_owned()));
    model.changes.insert("dlg-lenet".into(), changes.into());
    let entry = model.chosen_preset().unwrap().clone();
    let config = model.config_of(&entry);
    assert_eq!((config.attack.trials, config.attack.clamp), (3, false));
}

#[test]
fn presets_that_cannot_be_read_are_said_and_the_others_stay() {
    let mut model = fixture::model(80, 24);
    let presets = fixture::presets().into_iter().skip(1).collect();
    update(&mut model, Msg::PresetsLoaded(presets, vec!["mine.toml:3: unknown field".into()]));
    assert!(
        matches!(model.overlays.last(), Some(Overlay::Error { message }) if message.contains("mine.toml:3"))
    );
    assert_eq!(model.chosen_preset().unwrap().name, "idlg-lenet");
}

#[test]
fn capital_e_opens_the_chosen_preset_in_an_editor() {
    let mut model = fixture::model(80, 24);
    let effects = press(&mut model, "E");
    assert_eq!(without_saving(effects), [Effect::EditPreset { name: "dlg-lenet".into() }]);
}
