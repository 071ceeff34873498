//! The list of runs: what a filter finds, its order, and what is done to the selected ones.

use super::*;
use crate::run::details::Details;
use crate::run::queue::{Change, Turn};
use crate::tui::model::Sort;

/// So many runs that are done, and one of each other state, on their screen.
fn listed(done: usize) -> Model {
    let mut model = fixture::model(100, 30);
    update(&mut model, Msg::RunsListed(fixture::rows(done)));
    press(&mut model, "2");
    model
}

fn ids(model: &Model) -> Vec<String> {
    model.visible_runs().iter().map(|row| row.id.clone()).collect()
}

fn line(model: &Model, with: &str) -> String {
    let drawn = fixture::drawn(model);
    drawn.lines().find(|line| line.contains(with)).unwrap_or_else(|| panic!("{with}: {drawn}")).to_owned()
}

fn heading(model: &Model) -> String {
    fixture::drawn(model).lines().nth(2).unwrap().to_owned()
}

fn question(model: &Model) -> (String, Vec<String>) {
    let Some(Overlay::Confirm { question, detail, .. }) = model.overlays.last() else {
        panic!("no question: {:?}", model.overlays)
    };
    (question.clone(), detail.lines().map(str::to_owned).collect())
}

fn notice(model: &Model) -> &str {
    model.notice.as_ref().map_or("", |notice| notice.text.as_str())
}

#[test]
fn a_filter_says_how_many_it_finds_of_how_many() {
    let mut model = listed(34);
    assert!(line(&model, "╭").contains("runs, 1 of 40, newest first"), "{}", line(&model, "╭"));
    press(&mut model, "jj");
    assert!(line(&model, "╭").contains("runs, 3 of 40,"));
    press(&mut model, "/psnr>=44");
    // The first that is found is chosen where the chosen one is not.
    assert!(line(&model, "╭").contains("runs, 1 of 6 (40 in all),"), "{}", line(&model, "╭"));
    let psnr = |row: &&crate::tui::model::RunRow| row.summary.figure("psnr").unwrap();
    assert!(model.visible_runs().iter().all(|row| psnr(row) >= 44.0));
    code(&mut model, KeyCode::Enter);
    press(&mut model, "G");
    assert!(line(&model, "╭").contains("runs, 6 of 6 (40 in all),"));
    code(&mut model, KeyCode::Esc);
    assert!(line(&model, "╭").contains(" of 40,"));
}

#[test]
fn a_mistake_in_a_filter_is_said_in_place_and_hides_nothing() {
    let mut model = listed(3);
    let all = ids(&model);
    press(&mut model, "/psnr>abc");
    assert_eq!(ids(&model), all);
    let row = line(&model, "/ psnr>abc");
    assert!(row.contains("`abc` is no number; psnr> wants one, as in psnr>20"), "{row}");
    code(&mut model, KeyCode::Enter);
    assert!(line(&model, "/ psnr>abc").contains("is no number"), "it stays as long as the filter");
    press(&mut model, "/");
    for _ in 0..3 {
        code(&mut model, KeyCode::Backspace);
    }
    press(&mut model, "44");
    assert_eq!(model.runs_view.mistake, None);
    assert_eq!(ids(&model), all[..2]);
    code(&mut model, KeyCode::Esc);
    press(&mut model, "/no such words");
    assert!(fixture::drawn(&model).contains("no run is found by this filter; Esc shows all"));
    // A filter of the last session is read again.
    let mut next = fixture::model(100, 30);
    press(&mut model, "");
    let mut session = model.session();
    session.run_filter = "psnr>x".into();
    next.restore(session);
    update(&mut next, Msg::RunsListed(fixture::rows(3)));
    assert!(next.runs_view.mistake.is_some() && !next.visible_runs().is_empty());
}

#[test]
fn a_filter_finds_what_was_changed_as_the_presets_are_now() {
    let mut model = listed(3);
    press(&mut model, "/changed:seed");
    let before = ids(&model);
    let mut presets = fixture::presets();
    presets.iter_mut().for_each(|entry| entry.config.run.seed = 7);
    update(&mut model, Msg::PresetsLoaded(presets, Vec::new()));
    let after = ids(&model);
    assert_eq!((before.len(), after.len()), (3, 5));
    assert!(before.iter().all(|id| !after.contains(id)), "those are as their preset now");
}

#[test]
fn the_order_is_seen_in_the_headings_turns_round_and_keeps_the_selection_in_view() {
    let mut model = listed(60);
    press(&mut model, "jjjjjjjj");
    let chosen = model.chosen_run().unwrap().id.clone();
    assert!(heading(&model).contains("▾started"));
    let mut seen = Vec::new();
    for _ in 0..Sort::COLUMNS.len() {
        for _ in 0..2 {
            press(&mut model, "O");
            seen.push((model.runs_view.sort, model.runs_view.reversed));
            assert_eq!(model.chosen_run().unwrap().id, chosen, "{seen:?}");
            let hits = fixture::hits(&model);
            let target = crate::tui::view::Target::Row(chosen.clone());
            let is_seen = (0..30).any(|y| hits.at(5, y).is_some_and(|hit| hit.target == target));
            assert!(is_seen, "{seen:?}");
            let heading = heading(&model);
            let arrow = if model.runs_view.sort.grows(model.runs_view.reversed) { "▴" } else { "▾" };
            assert_eq!(heading.matches(['▴', '▾']).collect::<Vec<_>>(), [arrow], "{heading}");
        }
        press(&mut model, "o");
    }
    assert_eq!(model.runs_view.sort, Sort::Newest);
    assert_eq!(seen.len(), 12);
}

#[test]
fn what_is_not_known_comes_last_whichever_way_the_order_goes() {
    let mut model = listed(6);
    press(&mut model, "oo");
    let psnr = |model: &Model| -> Vec<Option<f64>> {
        model.visible_runs().iter().map(|row| row.summary.figure("psnr")).collect()
    };
    let falling = psnr(&model);
    press(&mut model, "O");
    let rising = psnr(&model);
    for values in [&falling, &rising] {
        assert!(values[..10].iter().all(Option::is_some) && values[10..] == [None, None], "{values:?}");
    }
    assert!(falling[..10].is_sorted_by(|a, b| a >= b) && rising[..10].is_sorted_by(|a, b| a <= b));
    // A click on a heading orders by it, a second one turns it round.
    let click = |model: &mut Model| {
        let hits = fixture::hits(model);
        let x = (0..100)
            .find(|x| hits.at(*x, 2).is_some_and(|hit| hit.target == crate::tui::view::Target::Column(4)));
        let hit = hits.at(x.unwrap(), 2).unwrap();
        update(model, Msg::Clicked(hit));
    };
    click(&mut model);
    assert_eq!((model.runs_view.sort, model.runs_view.reversed), (Sort::Took, false));
    click(&mut model);
    assert_eq!((model.runs_view.sort, model.runs_view.reversed), (Sort::Took, true));
    let session = model.session();
    let mut next = fixture::model(100, 30);
    next.restore(session);
    assert_eq!((next.runs_view.sort, next.runs_view.reversed), (Sort::Took, true));
}

#[test]
fn the_list_is_ordered_by_any_figure_which_then_has_a_column() {
    let mut model = listed(6);
    let ssim = |at: usize| (at != 2).then_some(0.1 * ((at * 7) % 5) as f64);
    for (at, row) in model.runs_view.rows.as_mut().unwrap().iter_mut().enumerate() {
        row.summary.figures.extend(ssim(at).map(|ssim| ("ssim", ssim)));
    }
    press(&mut model, "f");
    press(&mut model, "ssim");
    code(&mut model, KeyCode::Enter);
    assert_eq!(model.runs_view.sort, Sort::Figure("ssim"));
    let order = |model: &Model| -> Vec<Option<f64>> {
        model.visible_runs().iter().map(|row| row.summary.figure("ssim")).collect()
    };
    let falling = order(&model);
    assert!(falling.iter().flatten().is_sorted_by(|a, b| a >= b) && falling.last() == Some(&None));
    assert!(heading(&model).contains("▾SSIM") && !heading(&model).contains("PSNR"), "{}", heading(&model));
    press(&mut model, "O");
    let rising = order(&model);
    assert!(rising.iter().flatten().is_sorted() && rising.last() == Some(&None));
    assert!(heading(&model).contains("▴SSIM"), "{}", heading(&model));
    // The next column is the first one.
    press(&mut model, "o");
    assert_eq!(model.runs_view.sort, Sort::Newest);
    for sort in Sort::all() {
        let kept = serde_json::to_string(&sort).unwrap();
        assert_eq!(serde_json::from_str::<Sort>(&kept).unwrap(), sort);
    }
}

#[test]
fn deleting_takes_all_selected_runs_and_says_which_and_which_not() {
    let mut model = listed(3);
    let all = ids(&model);
    // The running one, the crashed one and the failed one.
    press(&mut model, " j  x");
    let (asked, detail) = question(&model);
    assert_eq!(asked, "Delete 2 runs?");
    assert_eq!(detail[..2], all[2..4]);
    assert_eq!(detail[3], format!("left alone: {} (stop it first)", all[0]));
    assert!(fixture::drawn(&model).contains("(stop it first)"));
    let effects = press(&mut model, "y");
    let [Effect::Delete(runs)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(runs.iter().map(RunDirectory::id).collect::<Vec<_>>(), all[2..4]);
    let results = vec![(all[2].clone(), Ok(())), (all[3].clone(), Ok(()))];
    update(&mut model, Msg::Finished(Outcome::Done(Deed::Delete, results)));
    assert_eq!(notice(&model), "deleted 2 runs; u brings back what was deleted last");
    assert_eq!(press(&mut model, "u"), [Effect::Undelete]);
    update(&mut model, Msg::Finished(Outcome::Undeleted(Ok(vec!["a".into(), "b".into()]))));
    assert_eq!(notice(&model), "brought back 2 runs");
    update(&mut model, Msg::Finished(Outcome::Undeleted(Err("there is nothing in the trash".into()))));
    assert!(matches!(model.overlays.last(), Some(Overlay::Error { message }) if message.contains("nothing")));
    assert_eq!(ids(&model).len(), all.len() - 2);
    assert_eq!(model.runs_view.marked.len(), 1, "the running one is still selected");
}

#[test]
fn a_question_about_eight_runs_names_them_all() {
    let mut model = listed(20);
    press(&mut model, "jjjjj        x");
    let drawn = fixture::drawn(&model);
    assert_eq!(question(&model).0, "Delete 8 runs?");
    for (id, _) in &model.runs_view.marked {
        assert!(drawn.contains(id.as_str()), "{id}: {drawn}");
    }
    assert!(drawn.contains("y yes"), "{drawn}");
}

#[test]
fn all_that_a_filter_finds_are_selected_by_one_key_and_taken_out_by_it() {
    let mut model = listed(30);
    press(&mut model, "/status:done");
    code(&mut model, KeyCode::Enter);
    press(&mut model, "*x");
    let (asked, detail) = question(&model);
    assert_eq!(asked, "Delete 30 runs?");
    assert_eq!((detail.len(), detail[8].as_str()), (10, "and 22 more"));
    press(&mut model, "n");
    assert!(line(&model, "╭").contains("30 selected"));
    press(&mut model, "*");
    assert!(model.runs_view.marked.is_empty());
    // What the filter hides is selected still, and none of it is done to live runs.
    press(&mut model, "*");
    code(&mut model, KeyCode::Esc);
    press(&mut model, "*");
    assert_eq!(model.runs_view.marked.len(), 36);
    press(&mut model, "s");
    let (asked, detail) = question(&model);
    assert_eq!(asked, "Stop 2 runs?");
    assert!(detail[3].ends_with(" and 31 more"), "{detail:?}");
}

#[test]
fn a_selected_run_that_another_program_deleted_is_said_and_dropped() {
    let mut model = listed(3);
    let all = ids(&model);
    press(&mut model, "jj  x");
    let effects = press(&mut model, "y");
    assert!(matches!(effects.as_slice(), [Effect::Delete(runs)] if runs.len() == 2));
    let results = vec![(all[2].clone(), Ok(())), (all[3].clone(), Err(Undone::Gone))];
    update(&mut model, Msg::Finished(Outcome::Done(Deed::Delete, results)));
    assert!(model.overlays.is_empty(), "it is no error: {:?}", model.overlays);
    assert_eq!(
        notice(&model),
        format!(
            "deleted {}; u brings back what was deleted last; {} is gone, deleted by another program",
            all[2], all[3]
        )
    );
    // Or it is seen by the listing.
    let mut model = listed(3);
    press(&mut model, "jj  ");
    let rows = fixture::rows(3).into_iter().filter(|row| row.id != all[2]).collect();
    update(&mut model, Msg::RunsListed(rows));
    assert_eq!(notice(&model), format!("{} is gone, deleted by another program", all[2]));
    assert_eq!(model.runs_view.marked.len(), 1);
    // What was deleted here is no news.
    press(&mut model, "x");
    press(&mut model, "y");
    model.notice = None;
    let rows = fixture::rows(3).into_iter().filter(|row| row.id != all[2] && row.id != all[3]).collect();
    update(&mut model, Msg::RunsListed(rows));
    assert_eq!((notice(&model), model.runs_view.marked.len()), ("", 0));
}

#[test]
fn what_could_not_be_deleted_is_an_error_beside_what_was() {
    let mut model = listed(3);
    let all = ids(&model);
    let results =
        vec![(all[5].clone(), Ok(())), (all[6].clone(), Err(Undone::Because("cannot delete it".into())))];
    update(&mut model, Msg::Finished(Outcome::Done(Deed::Delete, results)));
    assert!(
        matches!(model.overlays.last(), Some(Overlay::Error { message }) if message == "cannot delete it")
    );
    assert_eq!(notice(&model), format!("deleted {}; u brings back what was deleted last", all[5]));
}

#[test]
fn stopping_asks_once_for_all_selected_runs() {
    let mut model = listed(3);
    let all = ids(&model);
    press(&mut model, "   s");
    let (asked, detail) = question(&model);
    assert_eq!(asked, "Stop 2 runs?");
    assert_eq!(detail[..2], all[..2]);
    assert_eq!(detail[3], format!("left alone: {} (it is not running)", all[2]));
    let effects = press(&mut model, "y");
    let [Effect::Ask(runs, Request::Stop)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(runs.iter().map(RunDirectory::id).collect::<Vec<_>>(), all[..2]);
    let results = all[..2].iter().map(|id| (id.clone(), Ok(()))).collect();
    update(&mut model, Msg::Finished(Outcome::Done(Deed::Ask(Request::Stop), results)));
    assert_eq!(notice(&model), "asked 2 runs to stop");
    // Of one run alone, and of none that can be stopped.
    let mut model = listed(3);
    press(&mut model, "s");
    assert_eq!(question(&model).0, format!("Stop {}?", all[0]));
    press(&mut model, "n");
    press(&mut model, "jj  s");
    assert!(model.overlays.is_empty());
    assert_eq!(notice(&model), "not now: none of the selected runs is running");
}

#[test]
fn pausing_holds_those_that_run_and_where_none_does_those_held_go_on() {
    let mut model = listed(3);
    let all = ids(&model);
    let asked = |effects: Vec<Effect>| match without_saving(effects).as_slice() {
        [Effect::Ask(runs, request)] => (runs.iter().map(RunDirectory::id).collect::<Vec<_>>(), *request),
        other => panic!("{other:?}"),
    };
    let effects = press(&mut model, "   p");
    assert_eq!(asked(effects), (vec![all[0].clone()], Request::Pause));
    let left = format!("{} (it is held already), {} (it is not running)", all[1], all[2]);
    assert_eq!(notice(&model), format!("pausing {}; left alone: {left}", all[0]));
    let mut model = listed(3);
    let effects = press(&mut model, "j p");
    assert_eq!(asked(effects), (vec![all[1].clone()], Request::Run));
    assert_eq!(notice(&model), format!("going on with {}", all[1]));
}

#[test]
fn one_run_is_resumed_and_opened_several_are_resumed_after_asking() {
    let mut model = listed(3);
    let all = ids(&model);
    press(&mut model, "jj   r");
    let (asked, detail) = question(&model);
    assert_eq!((asked.as_str(), &detail[..3]), ("Resume 3 runs?", &all[2..5]));
    let effects = press(&mut model, "y");
    assert!(matches!(effects.as_slice(), [Effect::Resume(runs)] if runs.len() == 3), "{effects:?}");
    assert!(press(&mut model, "r").is_empty(), "a worker is being started");
    let results = all[2..5].iter().map(|id| (id.clone(), Ok(()))).collect();
    update(&mut model, Msg::Finished(Outcome::Done(Deed::Resume, results)));
    assert!(!model.starting);
    assert_eq!(notice(&model), "resumed 3 runs");
    let mut model = listed(3);
    let effects = press(&mut model, "jjr");
    assert!(matches!(&effects[0], Effect::Resume(runs) if runs[0].id() == all[2]), "{effects:?}");
    assert_eq!((model.screen, model.opened.as_deref()), (Screen::Run, Some(all[2].as_str())));
}

fn details(failure: Option<&[&str]>) -> Box<Details> {
    let owned = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    let log: Vec<String> = (1..=100).map(|nth| format!("line {nth} of the log")).collect();
    Box::new(Details { failure: failure.map(owned), settings: owned(&["[attack]", "trials = 4"]), log })
}

#[test]
fn details_show_the_whole_failure_the_settings_and_the_log_and_scroll() {
    let mut model = listed(3);
    let all = ids(&model);
    let effects = press(&mut model, "jjjd");
    let [Effect::ReadDetails(run)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(run.id(), all[3]);
    assert!(fixture::drawn(&model).contains("reading"));
    let long = "cause ".repeat(40);
    let read =
        |run: &str, failure: Option<&[&str]>| Msg::DetailsRead { run: run.into(), details: details(failure) };
    update(&mut model, read("another-run", None));
    assert!(fixture::drawn(&model).contains("reading"));
    update(&mut model, read(&all[3], Some(&["the device is lost", &long, "the end"])));
    let drawn = fixture::drawn(&model);
    assert!(drawn.contains("[failure]") && drawn.contains("the device is lost") && drawn.contains("the end"));
    assert_eq!(drawn.matches("cause").count(), 40, "nothing is cut off: {drawn}");
    code(&mut model, KeyCode::Tab);
    assert!(fixture::drawn(&model).contains("trials = 4"));
    code(&mut model, KeyCode::Tab);
    let drawn = fixture::drawn(&model);
    assert!(drawn.contains("line 100 of the log") && !drawn.contains("line 50 of"), "from its end: {drawn}");
    press(&mut model, "kk");
    assert!(!fixture::drawn(&model).contains("line 100 of"));
    press(&mut model, "jjjjjjjj");
    press(&mut model, "k");
    assert!(!fixture::drawn(&model).contains("line 100 of"), "it does not scroll past its end");
    press(&mut model, "g");
    assert!(fixture::drawn(&model).contains("line 1 of"));
    let copied = press(&mut model, "y");
    assert!(matches!(copied.as_slice(), [Effect::Copy(text)] if text.lines().count() == 100));
    press(&mut model, "d");
    assert!(model.overlays.is_empty());
}

#[test]
fn details_open_on_the_run_screen_with_the_log_where_nothing_failed() {
    let mut model = live();
    let run = model.run().unwrap().id.clone();
    assert!(matches!(press(&mut model, "d").as_slice(), [Effect::ReadDetails(of)] if of.id() == run));
    update(&mut model, Msg::DetailsRead { run, details: details(None) });
    let drawn = fixture::drawn(&model);
    assert!(drawn.contains("[run.log]") && drawn.contains("failure (none)"), "{drawn}");
    assert!(drawn.lines().last().unwrap().contains("scroll"), "its keys are shown: {drawn}");
    // Arrows scroll it, though the table below has one row only.
    code(&mut model, KeyCode::Up);
    assert_eq!(notice(&model), "");
}

/// A list in which three runs wait, one of them held.
fn with_queue() -> Model {
    let mut model = with_runs();
    let mut rows = fixture::rows(3);
    for (row, turn) in rows[..3].iter_mut().zip([Turn::Place(1), Turn::Place(2), Turn::Held]) {
        (row.health, row.waits) = (Health::Queued, Some(turn));
    }
    update(&mut model, Msg::RunsListed(rows));
    model
}

#[test]
fn runs_that_wait_are_held_released_and_ordered() {
    let mut model = with_queue();
    let ids: Vec<RunDirectory> = fixture::rows(3).into_iter().map(|row| row.directory).collect();
    model.runs_view.selected = ids[0].id();
    assert_eq!(press(&mut model, "h"), [Effect::Queue(vec![ids[0].clone()], Change::Hold)]);
    model.runs_view.selected = ids[2].id();
    assert_eq!(press(&mut model, "h"), [Effect::Queue(vec![ids[2].clone()], Change::Release)]);
    assert_eq!(press(&mut model, "["), [Effect::Queue(vec![ids[2].clone()], Change::First)]);
    // Of several those that wait.
    ids.iter().for_each(|run| model.runs_view.toggle(&run.id()));
    assert_eq!(press(&mut model, "]"), [Effect::Queue(ids[..3].to_vec(), Change::Last)]);
    let results = vec![(ids[0].id(), Ok(())), (ids[1].id(), Ok(()))];
    update(&mut model, Msg::Finished(Outcome::Done(Deed::Queue(Change::Last), results)));
    assert_eq!(model.notice.as_ref().unwrap().text, "last in the queue: 2 runs");
    let refused = vec![(ids[0].id(), Err(Undone::Because("it computes already".into())))];
    update(&mut model, Msg::Finished(Outcome::Done(Deed::Queue(Change::Hold), refused)));
    assert!(
        matches!(model.overlays.last(), Some(Overlay::Error { message }) if message == "it computes already")
    );
    // One that runs does not wait.
    let mut model = with_runs();
    press(&mut model, "h");
    assert!(model.notice.as_ref().unwrap().text.contains("it does not wait in the queue"));
}

#[test]
fn a_run_that_waits_says_its_place_and_when_it_begins() {
    let mut model = with_queue();
    let ids: Vec<String> = fixture::rows(3).into_iter().map(|row| row.id).collect();
    let starts = [(ids[1].clone(), NOW + 600.0), (ids[2].clone(), NOW + 60.0)];
    update(&mut model, Msg::StartsExpected(starts.into()));
    model.runs_view.selected = ids[1].clone();
    let drawn = fixture::drawn(&model);
    assert!(drawn.contains("waits 1") && drawn.contains("waits 2") && drawn.contains("held"), "{drawn}");
    let sentence = "queued: waits for its turn: 2nd in the queue, starts about 22 Nov 13:05";
    assert!(drawn.contains(sentence), "{drawn}");
    model.runs_view.selected = ids[2].clone();
    let drawn = fixture::drawn(&model);
    assert!(
        drawn.contains("queued: held in the queue until it is released") && !drawn.contains("starts about")
    );
}

#[test]
fn the_details_of_a_live_run_are_read_anew_and_stay_where_they_are() {
    let mut model = live();
    let effects = press(&mut model, "d");
    assert!(matches!(effects.as_slice(), [Effect::ReadDetails(_)]));
    assert!(update(&mut model, Msg::Tick(NOW + 1.0)).is_empty(), "they are on their way");
    let run = model.opened.clone().unwrap();
    let log_of = |run: &str, count: usize| {
        let log = (0..count).map(|at| format!("line {at}")).collect();
        Msg::DetailsRead { run: run.to_owned(), details: Box::new(Details { log, ..Details::default() }) }
    };
    let log = |count| log_of(&run, count);
    update(&mut model, log(100));
    assert!(fixture::drawn(&model).contains("line 99"));
    let effects = update(&mut model, Msg::Tick(NOW + 2.0));
    assert!(matches!(effects.as_slice(), [Effect::ReadDetails(_)]), "{effects:?}");
    update(&mut model, log(120));
    assert!(fixture::drawn(&model).contains("line 119"), "the end is followed");
    press(&mut model, "g");
    update(&mut model, log(140));
    assert!(fixture::drawn(&model).contains("line 0 "), "what is read stays");
    // One that has ended says nothing more.
    let mut model = with_runs();
    model.runs_view.selected = fixture::rows(3)[6].id.clone();
    press(&mut model, "d");
    update(&mut model, log_of(&fixture::rows(3)[6].id, 3));
    assert!(fixture::drawn(&model).contains("line 2"));
    assert!(
        update(&mut model, Msg::Tick(NOW + 3.0))
            .iter()
            .all(|effect| !matches!(effect, Effect::ReadDetails(_)))
    );
}

#[test]
fn title_note_and_tags_are_written_to_the_chosen_run_and_shown() {
    use crate::run::notebook::Entry;
    let mut model = listed(3);
    model.runs_view.rows.as_mut().unwrap()[0].notebook.tags.insert("draft".into());
    press(&mut model, "t");
    assert!(fixture::drawn(&model).contains("tags of "));
    press(&mut model, " +a");
    let effects = without_saving(code(&mut model, KeyCode::Enter));
    let [Effect::Write(_, Entry::Tags(come, go))] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((come.as_slice(), go.len()), (["draft".to_owned(), "a".to_owned()].as_slice(), 0));
    press(&mut model, "t");
    (0..5).for_each(|_| drop(code(&mut model, KeyCode::Backspace)));
    press(&mut model, "paper");
    let effects = without_saving(code(&mut model, KeyCode::Enter));
    let tags = Entry::Tags(vec!["paper".into()], vec!["draft".into()]);
    assert!(matches!(effects.as_slice(), [Effect::Write(_, entry)] if *entry == tags), "{effects:?}");
    press(&mut model, "R");
    assert!(without_saving(code(&mut model, KeyCode::Enter)).is_empty());
    assert!(fixture::drawn(&model).contains("a title has at least one character"));
    press(&mut model, "baseline");
    let effects = without_saving(code(&mut model, KeyCode::Enter));
    let title = Entry::Title("baseline".into());
    assert!(matches!(effects.as_slice(), [Effect::Write(_, entry)] if *entry == title), "{effects:?}");
    press(&mut model, "nx");
    code(&mut model, KeyCode::Esc);
    assert!(model.overlays.is_empty());
    let row = &mut model.runs_view.rows.as_mut().unwrap()[0];
    (row.notebook.title, row.notebook.note) = ("baseline".into(), "the loss jumps".into());
    let drawn = fixture::drawn(&model);
    assert!(drawn.contains(" baseline ") && drawn.contains("#draft the loss jumps"), "{drawn}");
    // On its own screen the title stands in front of the preset.
    code(&mut model, KeyCode::Enter);
    let id = model.opened.clone().unwrap();
    let manifest = fixture::manifest(&id, "dlg-lenet", Health::Done, NOW);
    model.run_mut().unwrap().manifest = Some(manifest);
    let drawn = fixture::drawn(&model);
    assert!(drawn.contains(" baseline · dlg-lenet · "), "{drawn}");
    press(&mut model, "2");
    for (filter, count) in
        [("tag:dra", 1), ("tag=draft", 1), ("tag=dra", 0), ("note:jumps", 1), ("title=baseline", 1)]
    {
        press(&mut model, &format!("/{filter}"));
        assert_eq!(model.visible_runs().len(), count, "{filter}");
        code(&mut model, KeyCode::Esc);
    }
}
