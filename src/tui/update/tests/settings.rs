//! The form of settings, saving and editing presets, runs made again.

use super::*;

fn form(model: &mut Model) -> &mut crate::tui::overlay::form::Form {
    let Some(Overlay::Form(form)) = model.overlays.last_mut() else { panic!("no form") };
    form
}

/// Moves the form to a setting.
fn look_at(model: &mut Model, key: &str) {
    let at = form(model).fields.iter().position(|field| field.key() == key).unwrap();
    form(model).look_at(at);
}

/// Moves the form to a setting and types a value in place of the old one.
fn set(model: &mut Model, key: &str, value: &str) {
    look_at(model, key);
    match value {
        "" => drop(control(model, 'u')),
        value => drop(press(model, value)),
    }
}

fn value(model: &mut Model) -> String {
    let form = form(model);
    form.fields[form.focus].input.value().to_owned()
}

fn key(model: &mut Model) -> String {
    let form = form(model);
    form.fields[form.focus].key().into_owned()
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
    assert_eq!((config.attack.iterations(), config.run.seed), (50, 7));
}

#[test]
fn another_attack_brings_its_own_settings_except_what_was_typed() {
    let mut model = fixture::model(80, 24);
    press(&mut model, "c");
    set(&mut model, "attack.iterations", "77");
    let shown = |model: &mut Model, key: &str| {
        form(model).fields.iter().find(|field| field.key() == key).unwrap().input.value().to_owned()
    };
    let before = shown(&mut model, "attack.labels");
    set(&mut model, "attack.kind", "idlg");
    assert!(!before.contains("idlg") && shown(&mut model, "attack.labels").contains("idlg"), "{before}");
    assert_eq!(shown(&mut model, "attack.iterations"), "77");
    assert_eq!(problem(&model), None);
    let changed = form(&mut model).changes();
    assert_eq!(changed.keys().collect::<Vec<_>>(), ["attack.iterations", "attack.kind"]);
    let config = form(&mut model).config().unwrap();
    assert_eq!((config.attack.kind.name(), config.attack.iterations()), ("idlg", 77));
    // Back again, everything is as it was.
    set(&mut model, "attack.kind", "dlg");
    assert_eq!(shown(&mut model, "attack.labels"), before);
    assert_eq!(form(&mut model).changes().keys().collect::<Vec<_>>(), ["attack.iterations"]);
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
    assert_eq!((name.as_str(), config.attack.trials(), config.group.as_str()), ("mine", 9, "yours"));
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
    assert_eq!((config.attack.trials(), config.attack.search().unwrap().clamp), (3, false));
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

#[test]
fn typing_on_a_field_replaces_its_value_and_other_keys_edit_it() {
    let mut model = fixture::model(80, 24);
    press(&mut model, "c");
    look_at(&mut model, "attack.iterations");
    press(&mut model, "12");
    assert_eq!(value(&mut model), "12", "the first character replaces, the second does not");
    for (first, then, expected) in [
        (KeyCode::Left, "7", "3070"),
        (KeyCode::Home, "7", "7300"),
        (KeyCode::End, "7", "3007"),
        (KeyCode::Backspace, "7", "307"),
        (KeyCode::Right, "7", "3007"),
    ] {
        control(&mut model, 'r');
        code(&mut model, first);
        press(&mut model, then);
        assert_eq!(value(&mut model), expected, "{first:?}");
    }
    code(&mut model, KeyCode::Down);
    code(&mut model, KeyCode::Up);
    press(&mut model, "5");
    assert_eq!(value(&mut model), "5", "who comes back begins anew");
    code(&mut model, KeyCode::Down);
    code(&mut model, KeyCode::Up);
    update(&mut model, Msg::Paste("99".into()));
    assert_eq!(value(&mut model), "99");
}

#[test]
fn a_filter_of_settings_finds_key_help_and_value() {
    let mut model = fixture::model(80, 24);
    press(&mut model, "c");
    for (words, expected) in [
        ("total var", "attack.prior.tv"),
        ("checkpoint_sec", "run.checkpoint_seconds"),
        ("lbfgs opt", "attack.optimiser.kind"),
        ("photos", "victim.data"),
        ("captured real client", "victim.captured.weights"),
    ] {
        press(&mut model, "/");
        control(&mut model, 'u');
        press(&mut model, words);
        code(&mut model, KeyCode::Enter);
        assert_eq!(key(&mut model), expected, "{words}");
    }
    // Kept, it says which fields the keys go through.
    press(&mut model, "/");
    control(&mut model, 'u');
    press(&mut model, "optimiser. step");
    code(&mut model, KeyCode::Enter);
    let shown = form(&mut model).visible().len();
    assert!((2..6).contains(&shown), "{shown}");
    let first = key(&mut model);
    (0..shown).for_each(|_| drop(code(&mut model, KeyCode::Tab)));
    assert_eq!(key(&mut model), first);
    code(&mut model, KeyCode::Esc);
    assert!(form(&mut model).visible().len() > 50, "the first Esc clears the filter");
    code(&mut model, KeyCode::Esc);
    assert!(model.overlays.is_empty(), "the second one leaves");
}

#[test]
fn a_value_takes_a_slash_and_a_path_that_began_the_filter_finds_its_field() {
    let mut model = fixture::model(80, 24);
    press(&mut model, "c");
    set(&mut model, "victim.data", "../me.png");
    assert_eq!(value(&mut model), "../me.png");
    look_at(&mut model, "victim.data");
    press(&mut model, "/home/ada/me.png");
    assert!(fixture::drawn(&model).contains("Enter makes /home/ada/me.png the value of victim.data"));
    code(&mut model, KeyCode::Enter);
    assert_eq!((key(&mut model), value(&mut model)), ("victim.data".into(), "/home/ada/me.png".into()));
    // Where no path belongs, and after Esc, nothing is taken.
    look_at(&mut model, "attack.prior.tv");
    press(&mut model, "/home/ada/other.png");
    code(&mut model, KeyCode::Enter);
    assert!(fixture::drawn(&model).contains("no setting has these words"));
    code(&mut model, KeyCode::Esc);
    assert_eq!((key(&mut model), value(&mut model)), ("attack.prior.tv".into(), String::new()));
}

#[test]
fn every_setting_stands_in_its_section() {
    let mut model = fixture::model(200, 60);
    press(&mut model, "c");
    let sections: Vec<&str> = form(&mut model).fields.iter().map(|field| field.section()).collect();
    let mut seen = sections.clone();
    seen.dedup();
    assert_eq!(seen, crate::config::setting::SECTIONS);
    let drawn = fixture::drawn(&model);
    assert!(["data ──", "model ──", "training ──"].iter().all(|heading| drawn.contains(heading)), "{drawn}");
}

#[test]
fn mistakes_are_said_in_the_words_of_a_person() {
    for (key, typed, says) in [
        ("attack.prior.tv", "2e-6abc", "2e-6abc is no number"),
        ("attack.trials", "1.5", "1.5 is no whole number of 0 or more"),
        ("attack.trials", "-1", "-1 is no whole number of 0 or more"),
        ("attack.box", "maybe", "maybe is neither true nor false"),
        ("victim.indices", "3", "3 is no list, as [0, 1]"),
        ("victim.indices", "[0, x]", "\"[0, x]\" is no list, as [0, 1]"),
        ("victim.model", "lenett", "the model `lenett` is not known; did you mean `lenet`?"),
        ("attack.kind", "idgl", "the attack `idgl` is not known; did you mean `idlg`?"),
        ("attack.optimiser.kind", "adamm", "`adamm` is not known; did you mean `adam`?"),
        ("victim.mode", "evall", "`evall` is not known; did you mean `eval`?"),
        ("federation.partition", "7", "7 cannot be used here; use iid, { dirichlet = 0.5 }"),
        (
            "federation.partition",
            "{ dirichlet = x }",
            "`{ dirichlet = x }` is not known; use iid, dirichlet or shards",
        ),
        ("federation.betas", "[0.9]", "must have 2"),
        ("victim.captured.kind", "delta", "victim.captured.weights is missing"),
    ] {
        let mut model = fixture::model(80, 24);
        press(&mut model, "c");
        set(&mut model, key, typed);
        let said = problem(&model).unwrap_or_default();
        assert!(said.contains(says), "{key} = {typed}: {said}");
        for word in ["invalid", "expected", "variant", "string", "sequence", "f64", "usize", "struct"] {
            assert!(!said.contains(word), "{key} = {typed}: {said}");
        }
    }
}

#[test]
fn a_captured_update_is_filled_in_field_by_field() {
    let mut model = fixture::model(80, 24);
    press(&mut model, "c");
    set(&mut model, "victim.captured.update", "update.npz");
    assert_eq!(problem(&model).as_deref(), Some("victim.captured.weights is missing"));
    code(&mut model, KeyCode::Enter);
    assert_eq!(key(&mut model), "victim.captured.weights", "what is missing gets the keys");
    set(&mut model, "victim.captured.weights", "global.pth");
    set(&mut model, "victim.captured.kind", "gradient");
    set(&mut model, "victim.captured.batch", "1");
    assert_eq!(problem(&model), None, "with victim.data as its ground truth");
    set(&mut model, "victim.captured.truth", "truth.pth");
    assert!(problem(&model).unwrap().contains("both name a ground truth"));
    set(&mut model, "victim.data", "");
    set(&mut model, "victim.size", "");
    assert_eq!(problem(&model), None);
    code(&mut model, KeyCode::Enter);
    let entry = model.chosen_preset().unwrap().clone();
    let config = model.config_of(&entry);
    let captured = config.victim.captured.as_ref().unwrap();
    assert_eq!((captured.update.as_str(), captured.batch), ("update.npz", 1));
    // What it knows comes back into the form.
    press(&mut model, "c");
    look_at(&mut model, "victim.captured.kind");
    assert_eq!(value(&mut model), "gradient");
    // Without its files it is a simulated client again.
    for key in ["weights", "update", "kind", "batch", "truth"] {
        set(&mut model, &format!("victim.captured.{key}"), "");
    }
    set(&mut model, "victim.data", "photos");
    assert_eq!(problem(&model), None);
}
