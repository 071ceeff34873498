//! Pictures of whole screens. After a change: `INSTA_UPDATE=always cargo test --release --lib tui::`, then
//! look at every one that changed.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use insta::assert_snapshot;

use super::fixture::{self, drawn};
use super::model::{Model, Panes, Screen};
use super::msg::Msg;
use super::overlay::Overlay;
use super::update::update;
use crate::config::preset;
use crate::run::cost;
use crate::run::details::Details;
use crate::run::{Event, Health, Line};

fn live(width: u16, height: u16) -> Model {
    let mut model = fixture::model(width, height);
    fixture::open(&mut model, fixture::events(300, false), Health::Running);
    model
}

fn done(width: u16, height: u16) -> Model {
    let mut model = fixture::model(width, height);
    fixture::open(&mut model, fixture::events(300, true), Health::Done);
    model
}

fn runs(width: u16, height: u16, more: usize) -> Model {
    let mut model = fixture::model(width, height);
    update(&mut model, Msg::RunsListed(fixture::rows(more)));
    model.screen = Screen::Runs;
    model
}

#[test]
fn presets() {
    for (width, height) in [(80, 24), (100, 30), (120, 40), (200, 60)] {
        assert_snapshot!(format!("presets_{width}x{height}"), drawn(&fixture::model(width, height)));
    }
}

#[test]
fn presets_with_times_of_this_machine() {
    for (width, height) in [(80, 24), (100, 30), (120, 40), (200, 60)] {
        let mut model = fixture::model(width, height);
        let mut rows: Vec<_> = fixture::rows(5).into_iter().filter(|row| !row.health.is_live()).collect();
        rows.iter_mut().for_each(|row| row.config = Some(model.presets[3].config.clone().into()));
        update(&mut model, Msg::RunsListed(rows));
        update(&mut model, Msg::Calibrated(Ok(Some(fixture::calibration("flex", 1.5)))));
        assert_snapshot!(format!("presets_estimated_{width}x{height}"), drawn(&model));
        press(&mut model, "jjj");
        assert_snapshot!(format!("presets_measured_{width}x{height}"), drawn(&model));
    }
}

#[test]
fn trials_that_end_early() {
    for (width, height) in [(80, 24), (100, 30), (120, 40), (200, 60)] {
        let mut model = fixture::model(width, height);
        fixture::open(&mut model, fixture::trials(&[40, 60], 150), Health::Running);
        press(&mut model, "t");
        assert_snapshot!(format!("run_trials_{width}x{height}"), drawn(&model));
    }
}

#[test]
fn a_changed_preset() {
    for (width, height) in SIZES {
        let mut model = fixture::model(width, height);
        press(&mut model, "i");
        assert_snapshot!(format!("changed_{width}x{height}"), drawn(&model));
        update(&mut model, Msg::Key(crossterm::event::KeyCode::Enter.into()));
        assert_snapshot!(format!("changed_start_{width}x{height}"), drawn(&model));
    }
}

#[test]
fn run_live() {
    assert_snapshot!("run_live_80x24", drawn(&live(80, 24)));
    assert_snapshot!("run_live_120x40", drawn(&live(120, 40)));
    let mut large = live(80, 24);
    large.panes = Panes::Only;
    assert_snapshot!("run_live_pictures_80x24", drawn(&large));
    large.panes = Panes::Hidden;
    assert_snapshot!("run_live_chart_80x24", drawn(&large));
}

#[test]
fn run_done() {
    for (width, height) in SIZES {
        assert_snapshot!(format!("run_done_{width}x{height}"), drawn(&done(width, height)));
    }
}

#[test]
fn a_heading_is_explained() {
    for (width, height) in [(80, 24), (100, 30), (120, 40), (200, 60)] {
        let mut model = done(width, height);
        press(&mut model, "wlll");
        assert_snapshot!(format!("explain_{width}x{height}"), drawn(&model));
    }
    let mut model = done(80, 24);
    model.theme.ascii = true;
    press(&mut model, "w");
    assert!(drawn(&model).is_ascii(), "{}", drawn(&model));
}

#[test]
fn run_in_ascii() {
    let mut model = live(80, 24);
    model.theme.ascii = true;
    let screen = drawn(&model);
    assert!(screen.is_ascii(), "{screen}");
    assert_snapshot!("run_live_ascii_80x24", screen);
}

#[test]
fn list_of_runs() {
    assert_snapshot!("runs_80x24", drawn(&runs(80, 24, 4)));
    assert_snapshot!("runs_120x40", drawn(&runs(120, 40, 40)));
    assert_snapshot!("runs_100x30", drawn(&runs(100, 30, 40)));
    assert_snapshot!("runs_200x60", drawn(&runs(200, 60, 40)));
    for (width, height) in [(80, 24), (100, 30), (120, 40), (200, 60)] {
        let mut model = runs(width, height, 36);
        press(&mut model, "oooO/took<70 status:d psnr>");
        assert_snapshot!(format!("runs_filtered_{width}x{height}"), drawn(&model));
        press(&mut model, "38");
        update(&mut model, Msg::Key(crossterm::event::KeyCode::Enter.into()));
        press(&mut model, "   Gx");
        assert_snapshot!(format!("runs_delete_{width}x{height}"), drawn(&model));
    }
}

#[test]
fn details_of_a_run() {
    let text = |line: &str, count: usize| (1..=count).map(|at| format!("{line} {at}")).collect::<Vec<_>>();
    for (width, height) in [(80, 24), (100, 30), (120, 40), (200, 60)] {
        let mut model = runs(width, height, 4);
        press(&mut model, "jjjd");
        let run = model.visible_runs()[3].id.clone();
        let failure =
            "thread 'worker' ended: the device reported an error that is longer than the screen is wide, \
                       and that is not cut off but goes on in the next row"
                .to_owned();
        let failure = Some([vec![failure], text("  at frame", 40)].concat());
        let details = Details { failure, settings: text("setting", 9), log: text("line", 9) };
        update(&mut model, Msg::DetailsRead { run, details: Box::new(details) });
        assert_snapshot!(format!("details_{width}x{height}"), drawn(&model));
    }
}

#[test]
fn empty_store() {
    let mut model = fixture::model(80, 24);
    update(&mut model, Msg::RunsListed(Vec::new()));
    model.screen = Screen::Runs;
    assert_snapshot!("runs_empty_80x24", drawn(&model));
}

#[test]
fn overlays() {
    let mut model = fixture::model(80, 24);
    model.overlays.push(Overlay::Help { scroll: 0 });
    assert_snapshot!("help_80x24", drawn(&model));
    let mut model = live(80, 24);
    update(&mut model, Msg::Key(crossterm::event::KeyCode::Char('s').into()));
    assert_snapshot!("confirm_stop_80x24", drawn(&model));
    let mut model = fixture::model(80, 24);
    update(&mut model, Msg::Key(crossterm::event::KeyCode::Char('c').into()));
    assert_snapshot!("edit_80x24", drawn(&model));
}

#[test]
fn too_small() {
    assert_snapshot!("too_small_50x12", drawn(&fixture::model(50, 12)));
}

#[test]
fn every_size_from_the_smallest_up_can_be_drawn() {
    for width in [1, 20, 60, 61, 79, 99, 100, 133, 220] {
        for height in [1, 3, 16, 17, 30, 70] {
            for ascii in [false, true] {
                for mut model in [
                    fixture::model(width, height),
                    live(width, height),
                    runs(width, height, 3),
                    comparing(width, height),
                ] {
                    model.theme.ascii = ascii;
                    for panes in [Panes::Beside, Panes::Only, Panes::Hidden] {
                        model.panes = panes;
                        drawn(&model);
                    }
                    model.overlays.push(Overlay::Help { scroll: 100 });
                    drawn(&model);
                    update(&mut model, Msg::Key(crossterm::event::KeyCode::Esc.into()));
                    update(&mut model, Msg::Key(crossterm::event::KeyCode::Char('c').into()));
                    drawn(&model);
                    update(&mut model, Msg::Key(crossterm::event::KeyCode::Esc.into()));
                    press(&mut model, ":");
                    drawn(&model);
                }
            }
        }
    }
}

fn comparing(width: u16, height: u16) -> Model {
    comparing_of(width, height, |lines| lines)
}

/// Two runs compared, with their events changed.
pub(super) fn comparing_of(width: u16, height: u16, changed: impl Fn(Vec<Line>) -> Vec<Line>) -> Model {
    let mut model = runs(width, height, 4);
    for key in "jj  c".chars() {
        update(&mut model, Msg::Key(crossterm::event::KeyCode::Char(key).into()));
    }
    let ids: Vec<String> = model.compare.runs.iter().map(|(id, _)| id.clone()).collect();
    for (id, (iterations, seed)) in ids.into_iter().zip([(300, "0"), (600, "7")]) {
        let mut manifest = Box::new(fixture::manifest(&id, "dlg-lenet", Health::Done, fixture::NOW));
        manifest.config = crate::config::preset::change(&manifest.config, [("run.seed", seed)]).unwrap();
        let (run, health) = (id.clone(), Health::Done);
        let mut effects = update(&mut model, Msg::ManifestArrived { run, manifest: Ok(manifest), health });
        let lines = changed(fixture::events(iterations, true));
        let arrived = Msg::LinesArrived { run: id, restarted: false, lines, more: false };
        effects.extend(update(&mut model, arrived));
        fixture::load(&mut model, effects);
    }
    model
}

/// A clean run, one of noise alone, and one defence met by who ignores it and by who knows of it.
fn defended(width: u16, height: u16) -> Model {
    let mut model = runs(width, height, 6);
    press(&mut model, "jj    c");
    let sparsify = |changes: &[&str]| {
        let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
        preset::load("sparsify", &changes, Path::new("/nonexistent")).unwrap().config
    };
    let configs = [
        sparsify(&["post=", "title=clean"]),
        sparsify(&["post=[{ kind = \"noise-only\" }]"]),
        sparsify(&["knowledge.post=none"]),
        sparsify(&[]),
    ];
    let ids: Vec<String> = model.compare.runs.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(ids.len(), 4);
    for ((run, config), psnr) in ids.into_iter().zip(configs).zip([46.0, 6.0, 14.0, 38.0]) {
        let cost = cost::applies(&config).then(|| cost::fixture(&config));
        let mut manifest = Box::new(fixture::manifest(&run, "sparsify", Health::Done, fixture::NOW));
        manifest.config = config;
        let arrived = Msg::ManifestArrived { run: run.clone(), manifest: Ok(manifest), health: Health::Done };
        update(&mut model, arrived);
        update(&mut model, Msg::CostArrived(run.clone(), cost.map(Box::new)));
        let mut lines = fixture::events(300, true);
        for line in &mut lines {
            if let Event::RoundFinished(result) = &mut line.event {
                let metrics = result.metrics.as_mut().unwrap();
                metrics.psnr = metrics.psnr.map(|of| crate::figure::Spread { mean: psnr, ..of });
            }
        }
        let effects = update(&mut model, Msg::LinesArrived { run, restarted: false, lines, more: false });
        fixture::load(&mut model, effects);
    }
    model
}

#[test]
fn leakage_against_utility() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut model = defended(width, height);
        assert!(!drawn(&model).contains("leakage against utility"));
        press(&mut model, "u");
        assert_snapshot!(format!("utility_{width}x{height}"), drawn(&model));
        let tradeoff = crate::tui::screen::compare::tradeoff(&model).unwrap();
        assert_eq!((tradeoff.marks.len(), tradeoff.joined.as_slice()), (2, [(0, 1)].as_slice()));
        assert_eq!(tradeoff.ends.iter().map(|end| end.leaked).collect::<Vec<_>>(), [46.0, 6.0]);
        press(&mut model, "u");
        assert!(!drawn(&model).contains("leakage against utility"));
    }
    // Nothing to show, and why.
    let mut model = comparing(80, 24);
    press(&mut model, "u");
    assert!(model.notice.as_ref().unwrap().text.contains("gialab utility PRESET"), "{:?}", model.notice);
}

pub(super) fn press(model: &mut Model, keys: &str) {
    for key in keys.chars() {
        let effects = update(model, Msg::Key(crossterm::event::KeyCode::Char(key).into()));
        fixture::load(model, effects);
    }
}

#[test]
fn post_processing_is_named_where_a_run_is_chosen_and_where_it_is_watched() {
    for width in [80, 120] {
        let mut model = done(width, 24);
        let defended = preset::load("sparsify", &[], Path::new("/nonexistent")).unwrap().config;
        model.run_mut().unwrap().manifest.as_mut().unwrap().config = defended.clone();
        assert!(drawn(&model).contains("sparsify 0.9 (known)"), "{}", drawn(&model));
        let mut model = fixture::model(width, 40);
        model.presets.iter_mut().for_each(|entry| entry.config = defended.clone());
        assert!(drawn(&model).contains("FedSGD, then sparsify"), "{}", drawn(&model));
    }
}

#[test]
fn an_earlier_round() {
    for (width, height) in SIZES {
        let mut model = fixture::model(width, height);
        fixture::open(&mut model, fixture::federation(&[0, 2, 5, 10], 300), Health::Done);
        press(&mut model, "kk");
        assert_snapshot!(format!("rounds_{width}x{height}"), drawn(&model));
    }
}

#[test]
fn compare() {
    assert_snapshot!("compare_80x24", drawn(&comparing(80, 24)));
    assert_snapshot!("compare_120x40", drawn(&comparing(120, 40)));
    assert_snapshot!("compare_100x30", drawn(&comparing(100, 30)));
    assert_snapshot!("compare_200x60", drawn(&comparing(200, 60)));
    let mut pictures = comparing(80, 24);
    press(&mut pictures, "t");
    assert_snapshot!("compare_pictures_80x24", drawn(&pictures));
}

#[test]
fn a_batch_and_one_sample_of_it() {
    let mut model = fixture::model(120, 40);
    fixture::open(&mut model, fixture::batch_events(200, 6), Health::Running);
    press(&mut model, "tt");
    assert_snapshot!("batch_120x40", drawn(&model));
    press(&mut model, "nnz");
    assert_snapshot!("batch_enlarged_120x40", drawn(&model));
}

#[test]
fn looking_back_with_a_cursor() {
    for (width, height) in SIZES {
        let mut model = done(width, height);
        press(&mut model, "hhh,,t");
        assert_snapshot!(format!("run_scrubbed_{width}x{height}"), drawn(&model));
    }
}

#[test]
fn the_smallest_screen() {
    assert_snapshot!("presets_60x16", drawn(&fixture::model(60, 16)));
    assert_snapshot!("runs_60x16", drawn(&runs(60, 16, 4)));
    assert_snapshot!("run_live_60x16", drawn(&live(60, 16)));
    assert_snapshot!("compare_60x16", drawn(&comparing(60, 16)));
}

#[test]
fn lists_and_forms() {
    let mut model = runs(80, 24, 4);
    press(&mut model, ":");
    assert_snapshot!("palette_80x24", drawn(&model));
    press(&mut model, "re");
    assert_snapshot!("palette_typed_80x24", drawn(&model));
    let mut model = live(80, 24);
    press(&mut model, "e");
    assert_snapshot!("export_80x24", drawn(&model));
    let mut model = live(80, 24);
    press(&mut model, "a");
    assert_snapshot!("again_80x24", drawn(&model));
    let control = crossterm::event::KeyModifiers::CONTROL;
    let save = crossterm::event::KeyEvent::new(crossterm::event::KeyCode::Char('s'), control);
    update(&mut model, Msg::Key(save));
    assert_snapshot!("save_80x24", drawn(&model));
}

/// Colours of the screen: every style that is used, with the characters that have it, row by row.
fn colours(model: &Model) -> String {
    let buffer = fixture::buffer(model);
    let mut text = String::new();
    for y in 0..buffer.area.height {
        let mut x = 0;
        while x < buffer.area.width {
            let style = buffer[(x, y)].style();
            let begin = x;
            let mut run = String::new();
            while x < buffer.area.width && buffer[(x, y)].style() == style {
                run.push_str(buffer[(x, y)].symbol());
                x += 1;
            }
            if !run.trim().is_empty() && style.fg != Some(ratatui::style::Color::Reset) {
                let colour = style.fg.map_or(String::new(), |colour| colour.to_string());
                text.push_str(&format!("{y:2} {begin:3} {colour:<8} {}\n", run.trim_end()));
            }
        }
    }
    text
}

#[test]
fn themes_and_depths() {
    use crate::gfx::Depth;
    use crate::tui::theme::{Theme, load};
    for (name, depth) in [
        ("light", Depth::Indexed),
        ("dark", Depth::True),
        ("high-contrast", Depth::Indexed),
        ("neutral", Depth::Sixteen),
    ] {
        let mut model = runs(80, 24, 4);
        model.theme = Theme::new(&load(name, std::path::Path::new("")).unwrap(), depth, false);
        assert_snapshot!(format!("runs_{name}_{depth:?}"), colours(&model));
    }
    let mut mono = runs(80, 24, 4);
    mono.theme = Theme::new(&load("mono", std::path::Path::new("")).unwrap(), Depth::True, false);
    assert_eq!(colours(&mono), "", "without colours there is no colour");
    let mut compare = comparing(80, 24);
    compare.theme = Theme::new(&load("light", std::path::Path::new("")).unwrap(), Depth::Indexed, false);
    assert_snapshot!("compare_light_Indexed", colours(&compare));
}

#[test]
fn every_screen_is_ascii_where_only_that_can_be_shown() {
    let mut batch = fixture::model(120, 40);
    fixture::open(&mut batch, fixture::batch_events(200, 6), Health::Running);
    for mut model in [fixture::model(80, 24), live(100, 30), runs(80, 24, 4), comparing(100, 40), batch] {
        model.theme.ascii = true;
        for keys in ["", "t", "t", "z", "v", ",", ":", "e"] {
            press(&mut model, keys);
            let screen = drawn(&model);
            assert!(screen.is_ascii(), "{keys}: {screen}");
        }
    }
}

const SIZES: [(u16, u16); 4] = [(80, 24), (100, 30), (120, 40), (200, 60)];

#[test]
fn the_form_with_sections_filter_and_what_is_wrong() {
    use crossterm::event::KeyCode::Enter;
    for (width, height) in SIZES {
        let mut model = fixture::model(width, height);
        press(&mut model, "c");
        assert_snapshot!(format!("form_{width}x{height}"), drawn(&model));
        press(&mut model, "/learning");
        assert_snapshot!(format!("form_filter_{width}x{height}"), drawn(&model));
        for _ in 0.."learning".len() {
            update(&mut model, Msg::Key(crossterm::event::KeyCode::Backspace.into()));
        }
        press(&mut model, "attack.kind");
        update(&mut model, Msg::Key(Enter.into()));
        press(&mut model, "idgl");
        assert_snapshot!(format!("form_wrong_{width}x{height}"), drawn(&model));
    }
}

/// Two steps, as they are filled in from nothing.
fn processing(width: u16, height: u16) -> Model {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    let mut model = fixture::model(width, height);
    press(&mut model, "c");
    let Some(Overlay::Form(form)) = model.overlays.last_mut() else { panic!("no form") };
    let list = form.fields.iter().position(|field| field.key() == "post").unwrap();
    form.look_at(list);
    for (defence, value) in [("clip", "1.0"), ("sparsify", "0.9")] {
        update(&mut model, Msg::Key(KeyEvent::new(KeyCode::Char('n'), KeyModifiers::CONTROL)));
        press(&mut model, defence);
        update(&mut model, Msg::Key(KeyCode::Enter.into()));
        press(&mut model, value);
    }
    model
}

#[test]
fn post_processing_in_the_form_with_what_it_does() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut model = processing(width, height);
        assert_snapshot!(format!("form_post_computing_{width}x{height}"), drawn(&model));
        let Some(Overlay::Form(form)) = model.overlays.last() else { panic!("no form") };
        let config = Box::new(form.checked.clone().unwrap());
        update(&mut model, Msg::Previewed(config.clone(), Ok(fixture::effects())));
        assert_snapshot!(format!("form_post_{width}x{height}"), drawn(&model));
        model.theme.ascii = true;
        assert_snapshot!(format!("form_post_ascii_{width}x{height}"), drawn(&model));
        assert!(drawn(&model).is_ascii() || width > 80, "{}", drawn(&model));
    }
    let mut model = processing(80, 24);
    for key in [crossterm::event::KeyCode::Up, crossterm::event::KeyCode::Down] {
        update(&mut model, Msg::Key(key.into()));
    }
    press(&mut model, "5");
    assert_snapshot!("form_post_wrong_80x24", drawn(&model));
}

#[test]
fn where_an_export_goes() {
    for (width, height) in SIZES {
        let mut model = live(width, height);
        press(&mut model, "ecsv");
        update(&mut model, Msg::Key(crossterm::event::KeyCode::Enter.into()));
        assert_snapshot!(format!("destination_{width}x{height}"), drawn(&model));
    }
}

#[test]
fn pictures_of_one_sample_enlarged() {
    for (width, height) in SIZES {
        let mut model = live(width, height);
        press(&mut model, "z");
        assert_snapshot!(format!("enlarged_{width}x{height}"), drawn(&model));
    }
}

/// A live run with a preset, a data path, weights and a device of long names.
fn long_names(width: u16, height: u16) -> Model {
    let mut model = live(width, height);
    let run = model.run_mut().unwrap();
    let long = |name: &str| format!("{name}-{}", "of-a-very-long-name-".repeat(12));
    let manifest = run.manifest.as_mut().unwrap();
    manifest.preset = long("preset");
    manifest.config.victim.data = format!("/data/{}.png", long("picture"));
    manifest.config.victim.weights = Some(format!("/models/{}.pth", long("weights")));
    run.live.started.as_mut().unwrap().device = long("device");
    model
}

#[test]
fn long_names_are_shortened_and_the_rest_of_a_header_stays() {
    for (width, height) in SIZES {
        let mut model = long_names(width, height);
        let screen = drawn(&model);
        let line = |words: &str| screen.lines().find(|line| line.contains(words)).unwrap_or("").to_owned();
        for part in ["preset-of-a-", "picture-of-a-", "lenet", "…"] {
            assert!(line(" preset-of").contains(part), "{width}: {part}: {screen}");
        }
        assert!(width < 100 || line(" preset-of").contains("BN eval"), "{screen}");
        assert!(line("[3 Run]").contains("running"), "{screen}");
        assert_snapshot!(format!("long_names_{width}x{height}"), screen);
        // Forms, lists and questions about it keep their words.
        for (keys, words) in [("a", "again on flex"), ("e", "export 20261122"), ("s", "y yes")] {
            press(&mut model, keys);
            assert!(drawn(&model).contains(words), "{keys}: {}", drawn(&model));
            update(&mut model, Msg::Key(crossterm::event::KeyCode::Esc.into()));
        }
        // Before its manifest is there a run has its name alone.
        model.run_mut().unwrap().manifest = None;
        model.run_mut().unwrap().id = "run-".repeat(100);
        model.opened = Some("run-".repeat(100));
        assert!(drawn(&model).contains("run-run-") && drawn(&model).contains('…'), "{}", drawn(&model));
    }
    let mut compared = comparing(80, 24);
    for view in &mut compared.views {
        let config = &mut view.manifest.as_mut().unwrap().config;
        config.victim.weights = Some("w".repeat(300));
    }
    let screen = drawn(&compared);
    assert!(screen.contains("all: lenet · weights www") && screen.contains("… · BN eval"), "{screen}");
}

#[test]
fn pictures_that_may_be_better_say_so_in_the_footer() {
    use crate::gfx::caps::Shortfall;
    for (width, height) in SIZES {
        let mut model = live(width, height);
        (model.protocol, model.shortfall) = ("half blocks", Some(Shortfall::NoAnswer));
        let footer = |model: &Model| drawn(model).lines().last().unwrap().to_owned();
        assert!(
            footer(&model).contains("half blocks: Ctrl-L asks again") || width >= 120,
            "{}",
            footer(&model)
        );
        assert!(
            footer(&model).contains("the terminal did not answer") == (width >= 120),
            "{}",
            footer(&model)
        );
        assert!(footer(&model).contains("? help"), "{}", footer(&model));
        assert_snapshot!(format!("shortfall_{width}x{height}"), footer(&model));
        model.shortfall = Some(Shortfall::Remedy);
        assert!(footer(&model).contains("gialab doctor"), "{}", footer(&model));
        // Where there are none, and where blocks are asked for, there is nothing to say.
        model.blocks = true;
        assert!(!footer(&model).contains("doctor"));
        model.blocks = false;
        model.screen = Screen::Presets;
        assert!(!footer(&model).contains("doctor"));
    }
}
