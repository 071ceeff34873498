//! Steps of post-processing in the form: added, moved, changed, taken away, refused; and what they do.

use super::*;
use crate::config::{PostKnowledge, RunConfig, preset};
use crate::run::effect::Effects;
use crate::tui::overlay::form::Form;

fn form(model: &mut Model) -> &mut Form {
    let Some(Overlay::Form(form)) = model.overlays.last_mut() else { panic!("no form") };
    form
}

fn look_at(model: &mut Model, key: &str) {
    let at = form(model).fields.iter().position(|field| field.key() == key);
    form(model).look_at(at.unwrap_or_else(|| panic!("no {key}")));
}

fn set(model: &mut Model, key: &str, value: &str) -> Vec<Effect> {
    look_at(model, key);
    press(model, value)
}

fn focus(model: &mut Model) -> String {
    let form = form(model);
    form.fields[form.focus].key().into_owned()
}

fn problem(model: &mut Model) -> String {
    form(model).problem.as_ref().map(|problem| problem.message.clone()).unwrap_or_default()
}

/// Adds a step of this defence where the keys are.
fn add(model: &mut Model, defence: &str) -> Vec<Effect> {
    control(model, 'n');
    press(model, defence);
    code(model, KeyCode::Enter)
}

fn shifted(model: &mut Model, code: KeyCode) {
    update(model, Msg::Key(KeyEvent::new(code, KeyModifiers::SHIFT)));
}

/// The form on the list of steps of a preset without any.
fn at_list() -> Model {
    let mut model = fixture::model(80, 24);
    press(&mut model, "c");
    look_at(&mut model, "post");
    model
}

/// The same with two steps.
fn two() -> Model {
    let mut model = at_list();
    add(&mut model, "clip");
    press(&mut model, "1.0");
    add(&mut model, "sparsify");
    press(&mut model, "0.9");
    model
}

fn steps(model: &mut Model) -> Vec<String> {
    form(model).checked.as_ref().map(RunConfig::post_steps).unwrap_or_default()
}

fn previewed(effects: Vec<Effect>) -> Vec<Option<Vec<String>>> {
    let asked = effects.into_iter().filter_map(|effect| match effect {
        Effect::Preview(config) => Some(config.map(|config| config.post_steps())),
        _ => None,
    });
    asked.collect()
}

#[test]
fn a_step_is_chosen_from_the_defences_and_asks_for_what_it_must_have() {
    let mut model = at_list();
    control(&mut model, 'n');
    let drawn = fixture::drawn(&model);
    assert!(drawn.contains("clip: scales what is longer than a norm down to it"), "{drawn}");
    press(&mut model, "sparsify");
    code(&mut model, KeyCode::Enter);
    assert_eq!(focus(&mut model), "post[0].share", "what has no default gets the keys");
    assert!(
        problem(&mut model).starts_with("post[0].share is missing: the share of"),
        "{}",
        problem(&mut model)
    );
    assert!(fixture::drawn(&model).contains("post[0].choice                  (largest)"));
    press(&mut model, "0.9");
    assert_eq!((problem(&mut model).as_str(), steps(&mut model)), ("", vec!["sparsify 0.9".to_owned()]));
    // One that is given up adds nothing.
    control(&mut model, 'n');
    code(&mut model, KeyCode::Esc);
    assert_eq!(form(&mut model).steps(), 1);
}

#[test]
fn form_set_and_session_have_the_same_list() {
    let mut model = two();
    look_at(&mut model, "knowledge.post");
    press(&mut model, "estimated");
    code(&mut model, KeyCode::Enter);
    let changes = model.changes["dlg-lenet"].clone();
    let list = "[{ kind = \"clip\", norm = 1.0 }, { kind = \"sparsify\", share = 0.9 }]";
    assert_eq!(changes["post"], list);
    let entry = model.chosen_preset().unwrap().clone();
    let config = model.config_of(&entry);
    let typed = preset::change(&entry.config, [("post", list), ("knowledge.post", "estimated")]).unwrap();
    assert_eq!(config, typed);
    let words = crate::config::difference::in_words(&model.changes_of(&entry));
    assert_eq!(words, "post clip 1.0, sparsify 0.9, knowledge.post estimated");
    assert_eq!((config.post.len(), config.knowledge.post), (2, PostKnowledge::Estimated));
    // It comes back into the form and starts.
    press(&mut model, "c");
    assert_eq!(steps(&mut model), ["clip 1.0", "sparsify 0.9"]);
    code(&mut model, KeyCode::Enter);
    code(&mut model, KeyCode::Enter);
    let effects = without_saving(code(&mut model, KeyCode::Enter));
    let [Effect::Start { config, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(config.post, typed.post);
}

#[test]
fn steps_are_moved_with_what_was_typed_and_the_keys_go_along() {
    let mut model = two();
    assert_eq!(focus(&mut model), "post[1].share");
    shifted(&mut model, KeyCode::Up);
    assert_eq!(
        (focus(&mut model).as_str(), steps(&mut model)[0].as_str()),
        ("post[0].share", "sparsify 0.9")
    );
    shifted(&mut model, KeyCode::Up);
    assert!(model.notice.as_ref().unwrap().text.contains("it is the first step"), "{:?}", model.notice);
    shifted(&mut model, KeyCode::Down);
    assert_eq!(steps(&mut model), ["clip 1.0", "sparsify 0.9"]);
    shifted(&mut model, KeyCode::Down);
    assert!(model.notice.as_ref().unwrap().text.contains("it is the last step"), "{:?}", model.notice);
    // A new one comes behind the one in focus, not at the end.
    look_at(&mut model, "post[0].kind");
    add(&mut model, "sign");
    assert_eq!(steps(&mut model), ["clip 1.0", "sign", "sparsify 0.9"]);
}

#[test]
fn a_step_is_taken_away_and_without_any_nothing_is_changed() {
    let mut model = two();
    look_at(&mut model, "post[0].of");
    control(&mut model, 'x');
    assert_eq!(
        (focus(&mut model).as_str(), steps(&mut model)),
        ("post[0].kind", vec!["sparsify 0.9".to_owned()])
    );
    control(&mut model, 'x');
    assert_eq!((focus(&mut model).as_str(), form(&mut model).steps()), ("post", 0));
    control(&mut model, 'x');
    assert!(model.notice.as_ref().unwrap().text.contains("go to a step of post-processing first"));
    code(&mut model, KeyCode::Enter);
    assert!(model.changes["dlg-lenet"].is_empty(), "{:?}", model.changes);
}

#[test]
fn what_the_attacker_knows_of_no_step_is_refused_where_it_stands() {
    let mut model = two();
    set(&mut model, "knowledge.post", "none");
    assert_eq!(problem(&mut model), "");
    for _ in 0..2 {
        look_at(&mut model, "post[0].kind");
        control(&mut model, 'x');
    }
    assert!(problem(&mut model).contains("is about post-processing, but there is none"));
    code(&mut model, KeyCode::Enter);
    assert_eq!(focus(&mut model), "knowledge.post");
}

#[test]
fn values_are_refused_in_the_words_of_a_preset_and_get_the_keys() {
    let mut model = two();
    for (key, value, says) in [
        ("post[0].norm", "0", "post[0].norm = 0, must be above 0"),
        ("post[0].norm", "long", "post[0].norm = \"long\", must be above 0"),
        ("post[1].share", "1", "post[1].share = 1, must be above 0 and below 1"),
        ("post[1].choice", "best", "post[1].choice = \"best\", must be \"largest\" or \"random\""),
    ] {
        set(&mut model, key, value);
        assert_eq!(problem(&mut model), says);
        look_at(&mut model, "victim.data");
        code(&mut model, KeyCode::Enter);
        assert_eq!(focus(&mut model), key);
        let back = if key.ends_with("norm") { "2" } else { "0.5" };
        if key.ends_with("choice") {
            drop(control(&mut model, 'u'))
        } else {
            drop(press(&mut model, back))
        }
        assert_eq!(problem(&mut model), "", "{key}");
    }
}

#[test]
fn another_defence_brings_its_parameters_and_keeps_what_both_have() {
    let mut model = at_list();
    add(&mut model, "quantise");
    press(&mut model, "16");
    look_at(&mut model, "post[0].kind");
    let kind = |model: &mut Model| {
        let form = form(model);
        form.fields[form.focus].input.value().to_owned()
    };
    code(&mut model, KeyCode::Right);
    assert_eq!(kind(&mut model), "cast");
    assert!(form(&mut model).fields.iter().all(|field| field.key() != "post[0].levels"));
    // What is typed there does not make another defence.
    press(&mut model, "clip");
    assert_eq!(kind(&mut model), "cast");
    look_at(&mut model, "post[0].format");
    code(&mut model, KeyCode::Right);
    assert_eq!(steps(&mut model), ["cast fp16"]);
}

#[test]
fn a_choice_begins_at_the_default_and_an_empty_value_is_the_default_again() {
    let mut model = at_list();
    add(&mut model, "clip");
    press(&mut model, "2");
    look_at(&mut model, "post[0].of");
    code(&mut model, KeyCode::Right);
    assert_eq!(steps(&mut model), ["clip 2 layer"], "the next after the default");
    control(&mut model, 'u');
    assert_eq!(steps(&mut model), ["clip 2"]);
}

#[test]
fn the_presets_own_steps_come_back() {
    let mut model = fixture::model(80, 24);
    let own = "[{ kind = \"clip\", norm = 1.0 }]";
    model.presets[0].config = preset::change(&model.presets[0].config, [("post", own)]).unwrap();
    press(&mut model, "c");
    set(&mut model, "post[0].norm", "3");
    control(&mut model, 'r');
    assert_eq!(steps(&mut model), ["clip 1.0"]);
    look_at(&mut model, "post[0].kind");
    control(&mut model, 'r');
    assert_eq!(steps(&mut model), ["clip 1.0"]);
    assert!(model.notice.as_ref().unwrap().text.contains("on post the preset's own steps come back"));
    control(&mut model, 'x');
    assert_eq!((focus(&mut model).as_str(), form(&mut model).steps()), ("post", 0));
    code(&mut model, KeyCode::Enter);
    let entry = model.presets[0].clone();
    assert!(model.config_of(&entry).post.is_empty(), "a list can be emptied");
    press(&mut model, "c");
    look_at(&mut model, "post");
    control(&mut model, 'r');
    assert_eq!(steps(&mut model), ["clip 1.0"]);
}

#[test]
fn keys_of_steps_say_where_they_work() {
    let mut model = fixture::model(120, 40);
    press(&mut model, "c");
    assert!(!fixture::drawn(&model).contains("Ctrl-N"));
    control(&mut model, 'n');
    assert!(
        model.notice.as_ref().unwrap().text.contains("go to post-processing first"),
        "{:?}",
        model.notice
    );
    look_at(&mut model, "post");
    // What cannot be done is there, with the reason as far as it has room.
    let drawn = fixture::drawn(&model);
    assert!(drawn.contains("Ctrl-N add") && drawn.contains("Ctrl-X remove (go to a step"), "{drawn}");
    add(&mut model, "sign");
    let drawn = fixture::drawn(&model);
    assert!(drawn.contains("Ctrl-X remove  ") && drawn.contains("earlier (it is the first step)"), "{drawn}");
}

#[test]
fn what_the_steps_do_is_asked_for_once_and_given_up_with_the_form() {
    let mut model = at_list();
    assert_eq!(previewed(add(&mut model, "clip")), [], "a step that is not complete yet has no effect");
    assert_eq!(previewed(press(&mut model, "2")), [Some(vec!["clip 2".to_owned()])]);
    assert_eq!(previewed(code(&mut model, KeyCode::Down)), [], "the same is not asked again");
    let config = Box::new(form(&mut model).checked.clone().unwrap());
    assert!(fixture::drawn(&model).contains("…computing"));
    // An answer to what is not asked any more is not shown.
    let mut other = config.clone();
    other.run.seed = 99;
    update(&mut model, Msg::Previewed(other, Ok(fixture::effects())));
    assert!(fixture::drawn(&model).contains("…computing"));
    update(&mut model, Msg::Previewed(config, Ok(fixture::effects())));
    assert!(
        fixture::drawn(&model).contains("sent: norm kept 31 %, cosine 0.920, zeros 90 %, 6.4 bits a number")
    );
    // Elsewhere it is kept, and what changes there is asked for only back at the steps.
    assert_eq!(previewed(set(&mut model, "run.seed", "")), []);
    let changed: Vec<Effect> = press(&mut model, "7");
    assert_eq!(previewed(changed), [None], "what it was computed for is gone");
    look_at(&mut model, "post");
    assert_eq!(previewed(code(&mut model, KeyCode::Down)), [Some(vec!["clip 2".to_owned()])]);
    assert_eq!(previewed(code(&mut model, KeyCode::Esc)), [None]);
    assert!(model.overlays.is_empty());
}

#[test]
fn a_failure_is_said_below_the_steps_and_goes_with_the_next_change() {
    let mut model = two();
    let config = Box::new(form(&mut model).checked.clone().unwrap());
    let failure: Result<Effects, String> = Err("the model has no layer attic".into());
    update(&mut model, Msg::Previewed(config, failure));
    assert!(fixture::drawn(&model).contains("the model has no layer attic"));
    press(&mut model, "5");
    assert!(!fixture::drawn(&model).contains("attic"));
}
