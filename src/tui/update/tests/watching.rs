//! Looking back through one run: pictures, samples, trials, curves, table.

use super::*;
use crate::tui::model::Rows;
use crate::tui::widget::metric_table;

fn shown(model: &Model) -> usize {
    model.run().unwrap().current_picture().unwrap().iteration
}

/// A complete run with one stored picture every 50 iterations.
fn done() -> Model {
    let mut model = fixture::model(120, 40);
    fixture::open(&mut model, fixture::events(1000, true), Health::Done);
    model
}

fn batch() -> Model {
    let mut model = fixture::model(120, 40);
    fixture::open(&mut model, fixture::batch_events(200, 6), Health::Running);
    model
}

#[test]
fn arrows_walk_one_and_ten_pictures_and_truth_and_difference_go_with_them() {
    let mut model = done();
    assert!(model.run().unwrap().judges_best(), "at the end stands the reconstruction");
    let before = model.run().unwrap().pictures.difference.clone().unwrap().0;
    let effects = press(&mut model, "H");
    fixture::load(&mut model, effects);
    assert_eq!(shown(&model), 500);
    assert!(!model.run().unwrap().judges_best());
    let after = model.run().unwrap().pictures.difference.clone().unwrap().0;
    assert!(before != after, "the difference is that of the picture looked at");
    press(&mut model, "h");
    assert_eq!(shown(&model), 450);
    press(&mut model, "L");
    assert_eq!(shown(&model), 950);
    press(&mut model, "L");
    assert_eq!((shown(&model), model.run().unwrap().scrub), (1000, None), "beyond the newest lies following");
    press(&mut model, "g");
    assert_eq!(shown(&model), 50);
    press(&mut model, "HH");
    assert_eq!(shown(&model), 50);
}

#[test]
fn pictures_pass_by_themselves_until_the_newest() {
    let mut model = done();
    let effects = press(&mut model, "v");
    fixture::load(&mut model, effects);
    assert!(model.is_playing());
    let mut seen = vec![shown(&model)];
    for _ in 0..40 {
        let effects = update(&mut model, Msg::Beat);
        fixture::load(&mut model, effects);
        seen.push(shown(&model));
    }
    let every: Vec<usize> = (1..=20).map(|n| 50 * n).collect();
    assert_eq!(seen[..20], every);
    assert!(!model.is_playing() && model.run().unwrap().scrub.is_none());
}

#[test]
fn a_picture_that_is_still_loading_is_waited_for() {
    let mut model = done();
    press(&mut model, "v");
    let at = shown(&model);
    update(&mut model, Msg::Beat);
    assert_eq!(shown(&model), at);
}

#[test]
fn scrubbing_stays_at_its_iteration_while_pictures_arrive() {
    let mut model = live();
    code(&mut model, KeyCode::Left);
    assert_eq!(shown(&model), 100);
    let run = model.run().unwrap().id.clone();
    let lines = fixture::events(600, false);
    update(&mut model, Msg::LinesArrived { run, restarted: true, lines, more: false });
    assert_eq!(shown(&model), 100);
}

#[test]
fn one_sample_of_a_batch_is_enlarged_everywhere() {
    let mut model = batch();
    let run = model.run().unwrap();
    assert_eq!((run.samples(), run.shown_sample()), (6, None));
    let whole = run.pictures.shown[0].clone().unwrap();
    press(&mut model, "znn");
    let run = model.run().unwrap();
    assert_eq!(run.shown_sample(), Some(2));
    let [truth, current, _] = &run.pictures.shown;
    let (truth, current) = (truth.clone().unwrap(), current.clone().unwrap());
    assert_eq!((truth.width * 3, truth.height * 2), (whole.width, whole.height));
    assert_eq!((current.width, current.height), (truth.width, truth.height));
    assert!(*truth == whole.tile(3, 2, 2));
    press(&mut model, "NNN");
    assert_eq!(model.run().unwrap().shown_sample(), Some(5));
    code(&mut model, KeyCode::Esc);
    assert_eq!((model.run().unwrap().shown_sample(), model.screen), (None, Screen::Run));
}

#[test]
fn one_sample_is_enlarged_too_and_stands_as_before_afterwards() {
    let mut model = live();
    let before = fixture::drawn(&model);
    for back in [KeyCode::Char('z'), KeyCode::Esc, KeyCode::Char('p')] {
        press(&mut model, "z");
        let large = fixture::drawn(&model);
        assert!(before.contains("loss (") && !large.contains("loss ("), "{large}");
        code(&mut model, back);
        assert_eq!((fixture::drawn(&model), model.screen), (before.clone(), Screen::Run), "{back:?}");
    }
    // Hidden pictures are brought out.
    model.panes = Panes::Hidden;
    press(&mut model, "z");
    assert!(fixture::drawn(&model).contains("truth*"));
}

/// Sides in pixels of the pictures that were placed.
struct Sides {
    cell: (usize, usize),
    seen: Vec<usize>,
}

impl crate::gfx::Surface for Sides {
    fn cell(&self) -> (usize, usize) {
        self.cell
    }

    fn place(
        &mut self,
        _: &mut ratatui::buffer::Buffer,
        area: ratatui::layout::Rect,
        _: usize,
        picture: &std::sync::Arc<crate::gfx::Raster>,
    ) -> ratatui::layout::Rect {
        let (columns, rows) = (area.width.into(), area.height.into());
        self.seen.push(crate::gfx::fit::size(picture.width, picture.height, columns, rows, self.cell).0);
        area
    }
}

#[test]
fn enlarging_makes_no_picture_smaller() {
    use crate::tui::{screen, view};
    for (width, height) in [(60, 16), (80, 24), (100, 30), (120, 40), (133, 50), (200, 60), (300, 20)] {
        for (samples, cell) in [(1, (1, 2)), (1, (10, 20)), (6, (1, 2)), (6, (10, 20)), (16, (9, 18))] {
            for panes in [Panes::Beside, Panes::Only, Panes::Hidden] {
                let mut model = fixture::model(width, height);
                fixture::open(&mut model, fixture::batch_events(300, samples), Health::Running);
                model.panes = panes;
                let side = |model: &Model| {
                    let backend = ratatui::backend::TestBackend::new(width, height);
                    let mut terminal = ratatui::Terminal::new(backend).unwrap();
                    let (mut sides, mut hits) = (Sides { cell, seen: Vec::new() }, view::Hits::default());
                    let draw = |frame: &mut ratatui::Frame| {
                        let surface = &mut sides;
                        screen::draw(model, &mut view::View { frame, surface, hits: &mut hits });
                    };
                    terminal.draw(draw).unwrap();
                    let columns = if model.run().unwrap().enlarged {
                        1
                    } else {
                        model.run().unwrap().tiles().unwrap().columns
                    };
                    sides.seen.iter().max().map_or(0, |side| side / columns)
                };
                let before = side(&model);
                press(&mut model, "z");
                let after = side(&model);
                let what = format!("{width}x{height}, {samples} in cells of {cell:?}, {panes:?}");
                assert!(after > 0 && after >= before, "{what}: {before} to {after}");
            }
        }
    }
}

#[test]
fn the_table_goes_through_rounds_trials_and_samples_and_sorts() {
    let mut model = batch();
    press(&mut model, "t");
    assert_eq!(model.run().unwrap().table.rows, Rows::Trials);
    press(&mut model, "to");
    let run = model.run().unwrap();
    assert_eq!((run.table.rows, run.table.sort), (Rows::Samples, Some(0)));
    press(&mut model, "oO");
    let table = metric_table::of(model.run().unwrap(), model.theme);
    let psnr: Vec<f64> = table.rows.iter().map(|row| row.cells[1].value.unwrap()).collect();
    assert_eq!(psnr.len(), 6);
    assert!(psnr.windows(2).all(|pair| pair[0] >= pair[1]), "{psnr:?}");
}

#[test]
fn trials_stand_in_the_order_of_their_matching_loss() {
    let mut model = live();
    press(&mut model, "t");
    let table = metric_table::of(model.run().unwrap(), model.theme);
    let losses: Vec<f64> = table.rows.iter().map(|row| row.cells[1].value.unwrap()).collect();
    assert_eq!(losses.len(), 2);
    assert!(losses[0] <= losses[1]);
}

#[test]
fn the_table_is_copied_with_all_digits() {
    let mut model = live();
    let effects = press(&mut model, "y");
    let [Effect::Copy(text)] = effects.as_slice() else { panic!("{effects:?}") };
    let mut lines = text.lines();
    let headings: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let values: Vec<&str> = lines.next().unwrap().split('\t').collect();
    assert_eq!(headings.len(), values.len());
    let ssim = headings.iter().position(|heading| *heading == "SSIM").unwrap();
    assert!(values[ssim].len() > 6, "{values:?}");
}

#[test]
fn a_frozen_screen_holds_still_while_the_run_goes_on() {
    let mut model = live();
    let before = fixture::drawn(&model);
    press(&mut model, "f");
    let run = model.run().unwrap().id.clone();
    let lines = fixture::events(600, false);
    update(&mut model, Msg::LinesArrived { run, restarted: true, lines, more: false });
    assert_eq!(model.run().unwrap().state().rounds[0].iterations, 300);
    assert_eq!(model.run().unwrap().live.rounds[0].iterations, 600);
    let frozen = fixture::drawn(&model);
    assert!(frozen.contains("frozen"));
    let chart = |screen: &str| screen.lines().skip(4).take(6).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(chart(&before), chart(&frozen));
    press(&mut model, "f");
    assert_eq!(model.run().unwrap().state().rounds[0].iterations, 600);
}

#[test]
fn the_cursor_reads_off_and_escape_takes_it_away_first() {
    let mut model = live();
    press(&mut model, ",,");
    assert!((model.chart.cursor.unwrap() - 0.49).abs() < 1e-9);
    assert!(fixture::drawn(&model).contains("it 147"));
    code(&mut model, KeyCode::Esc);
    assert_eq!((model.chart.cursor, model.screen), (None, Screen::Run));
}

#[test]
fn how_curves_are_drawn_is_kept_for_the_next_time() {
    let mut model = live();
    press(&mut model, "lmx");
    let session = model.session();
    assert!(!session.chart.log && !session.chart.smooth && session.chart.clock);
    assert!(fixture::drawn(&model).contains("loss (linear)"));
}
