//! What a person does in the terminal application besides watching: editing, saving, copying, exporting, clicking,
//! with files of their own that may have mistakes.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use crate::lab::{Lab, QUICK};
use crate::screen::Screen;

const PROGRAM: &str = env!("CARGO_BIN_EXE_gialab");

fn configure(lab: &Lab, file: &str, text: &str) {
    let path = lab.path("config/gialab").join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// The application with an editor that is this shell script; its argument is the file.
fn with_editor(lab: &Lab, script: &str) -> Screen {
    let editor = lab.path("editor");
    std::fs::write(&editor, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).unwrap();
    let variable = format!("EDITOR={}", editor.display());
    Screen::run(lab, &["/usr/bin/env", "-u", "VISUAL", &variable, PROGRAM], 100, 30)
}

/// What the box over the screen holds that says an error; nothing if there is none.
fn error_box(text: &str) -> String {
    let rows: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
    let title: Vec<char> = "╭ that did not work".chars().collect();
    let left = rows.iter().find_map(|row| row.windows(title.len()).position(|part| part == title));
    let Some(left) = left else { return String::new() };
    let inside = |row: &Vec<char>| {
        let row = row.get(left..)?.strip_prefix(&['│'][..])?;
        let end = row.iter().position(|sign| *sign == '│')?;
        Some(row[..end].iter().collect::<String>())
    };
    rows.iter().filter_map(inside).collect()
}

/// Long paths make sentences break anywhere.
fn wait_for_wrapped(screen: &Screen, words: &str) {
    let flat = |text: String| error_box(&text).replace(' ', "");
    let begin = Instant::now();
    while !flat(screen.text()).contains(&words.replace(' ', "")) {
        assert!(begin.elapsed() < Duration::from_secs(30), "no {words:?} on:\n{}", screen.text());
        std::thread::sleep(Duration::from_millis(30));
    }
}

fn leave(screen: &mut Screen) {
    screen.press("q");
    assert_eq!(screen.wait_for_exit(Duration::from_secs(10)), 0);
    assert!(screen.is_restored());
}

#[test]
fn a_shipped_preset_is_copied_and_edited_in_the_persons_editor() {
    let lab = Lab::new();
    let mut screen = with_editor(&lab, "sed -i 's/^trials = 8/trials = 3/' \"$1\"");
    screen.wait_for("Deep Leakage from Gradients");
    screen.press("E");
    screen.wait_for("my-dlg-lenet");
    // The copy is chosen at once.
    screen.wait_for("300 iterations x 3 trials");
    leave(&mut screen);
    let own = std::fs::read_to_string(lab.path("config/gialab/presets/my-dlg-lenet.toml")).unwrap();
    assert!(own.contains("trials = 3"));
}

#[test]
fn keys_typed_into_the_editor_do_not_reach_the_screen_behind_it() {
    let lab = Lab::new();
    let mut screen =
        with_editor(&lab, "echo waiting for a word; read word; echo \"$word\" > \"$(dirname \"$0\")/word\"");
    screen.wait_for("Deep Leakage from Gradients");
    screen.press("E");
    screen.wait_for("waiting for a word");
    screen.press("quit\r");
    screen.wait_for("my-dlg-lenet");
    assert_eq!(std::fs::read_to_string(lab.path("word")).unwrap(), "quit\n");
    leave(&mut screen);
}

#[test]
fn a_preset_that_was_broken_in_the_editor_is_said_with_its_line_and_nothing_is_lost() {
    let lab = Lab::new();
    let mut screen = with_editor(&lab, "sed -i 's/^iterations/iteratons/' \"$1\"");
    screen.wait_for("Deep Leakage from Gradients");
    screen.press("E");
    wait_for_wrapped(&screen, "did you mean `iterations`?");
    screen.press("\r");
    screen.wait_for(" presets; your own");
    leave(&mut screen);
}

#[test]
fn an_editor_that_is_not_there_is_said() {
    let lab = Lab::new();
    let arguments = ["/usr/bin/env", "-u", "VISUAL", "EDITOR=/no/such/editor", PROGRAM];
    let mut screen = Screen::run(&lab, &arguments, 100, 30);
    screen.wait_for("Deep Leakage from Gradients");
    screen.press("E");
    screen.wait_for("/no/such/editor");
    screen.press("\r");
    leave(&mut screen);
}

#[test]
fn changed_settings_are_saved_as_a_preset() {
    let lab = Lab::new();
    let mut screen = Screen::open(&lab, 100, 30);
    screen.wait_for("Deep Leakage from Gradients");
    screen.press("c");
    screen.wait_for("settings of dlg-lenet");
    // Up from the first field is the last one, the title.
    screen.press("\x1b[A\x15Mine alone\x13");
    screen.wait_for("save as a preset of yours");
    screen.press("\x15mine\r");
    screen.wait_for("Mine alone");
    leave(&mut screen);
    assert!(lab.succeed(&["presets", "mine"]).contains("title = \"Mine alone\""));
}

#[test]
fn mistakes_in_files_of_the_person_are_said_with_their_line_and_the_defaults_are_used() {
    let lab = Lab::new();
    configure(&lab, "config.toml", "mouse = true\ntheem = \"dark\"\n");
    configure(&lab, "keymap.toml", "[run]\n\npause = [\"s\"]\n");
    configure(&lab, "presets/mine.toml", "schema = 2\ntitle = 3\n");
    let mut screen = Screen::run(&lab, &[PROGRAM, "--theme", "ligth"], 120, 30);
    let said =
        ["config.toml:2", "did you mean `theme`?", "keymap.toml:3", "both pause and stop", "mine.toml:2"];
    for words in said.into_iter().chain(["\"light\"?"]) {
        wait_for_wrapped(&screen, words);
    }
    screen.press("\r");
    screen.wait_for(" presets; your own");
    leave(&mut screen);
    let report = lab.succeed(&["doctor"]);
    for words in ["config.toml:2", "keymap.toml:3", "mine.toml:2", "3 problems"] {
        assert!(report.contains(words), "{report}");
    }
}

#[test]
fn keys_of_the_person_replace_the_shipped_ones() {
    let lab = Lab::new();
    configure(&lab, "keymap.toml", "[everywhere]\nquit = [\"Q\"]\n");
    let mut screen = Screen::open(&lab, 80, 24);
    screen.wait_for("Q quit");
    screen.press("q?");
    screen.wait_for("start the attack and watch it");
    screen.press("\x1b");
    // Escape and a key in one breath would be Alt and that key.
    screen.wait_until_gone("start the attack and watch it");
    screen.wait_for("Q quit");
    screen.press("Q");
    assert_eq!(screen.wait_for_exit(Duration::from_secs(10)), 0);
}

#[test]
fn a_theme_of_the_person_colours_the_screen() {
    let lab = Lab::new();
    configure(&lab, "config.toml", "theme = \"mine\"\n");
    configure(&lab, "themes/mine.toml", "base = \"dark\"\naccent = \"201\"\n");
    let mut screen = Screen::open(&lab, 80, 24);
    screen.wait_for(" presets; your own");
    assert!(String::from_utf8_lossy(&screen.raw()).contains("38;5;201"));
    leave(&mut screen);
}

#[test]
fn without_colours_nothing_is_coloured() {
    let lab = Lab::new();
    let mut screen = Screen::run(&lab, &["/usr/bin/env", "NO_COLOR=1", PROGRAM], 80, 24);
    screen.wait_for(" presets; your own");
    let raw = String::from_utf8_lossy(&screen.raw()).into_owned();
    assert!(!raw.contains("38;5;") && !raw.contains("48;5;") && !raw.contains("38;2;"), "{raw:?}");
    leave(&mut screen);
}

#[test]
fn clicks_and_the_wheel_do_what_keys_do_unless_they_are_turned_off() {
    let lab = Lab::new();
    let mut screen = Screen::open(&lab, 80, 24);
    screen.wait_for(" presets; your own");
    // The second tab, then a turn of the wheel over the list of presets.
    screen.press("\x1b[<0;15;1M\x1b[<0;15;1m");
    screen.wait_for("No runs yet");
    screen.press("\x1b[<0;5;1M");
    screen.wait_for(" presets; your own");
    screen.press("\x1b[<65;10;5M");
    screen.wait_for("Inverting Gradients");
    leave(&mut screen);
    let mut screen = Screen::run(&lab, &[PROGRAM, "--no-mouse"], 80, 24);
    screen.wait_for(" presets; your own");
    assert!(!String::from_utf8_lossy(&screen.raw()).contains("\x1b[?1000h"));
    leave(&mut screen);
}

#[test]
fn a_table_is_copied_and_a_report_is_written() {
    let lab = Lab::new();
    let run = ["run"].into_iter().chain(QUICK).collect::<Vec<_>>();
    lab.succeed(&run);
    let mut screen = Screen::open(&lab, 100, 30);
    screen.wait_for(" presets; your own");
    screen.press("2");
    screen.wait_for("done");
    screen.press("\r");
    screen.wait_for("reconstruction");
    screen.press("y");
    screen.wait_for("copied.tsv");
    let raw = String::from_utf8_lossy(&screen.raw()).into_owned();
    assert!(raw.contains("\x1b]52;c;"), "the terminal's clipboard is asked");
    let copied = std::fs::read_to_string(lab.path("state/gialab/copied.tsv")).unwrap();
    assert!(
        copied.starts_with("round\tacc\tlost\t|update|\tmatch\t") && copied.lines().count() == 2,
        "{copied}"
    );
    // Where it goes is asked; relative paths begin where the program was started, here the home directory.
    screen.press("ehtml\r");
    screen.wait_for("nothing is replaced unasked");
    std::fs::create_dir(lab.path("reports")).unwrap();
    screen.press("\x15~/rep\t");
    screen.wait_for("~/reports/");
    screen.press("one.html\r");
    screen.wait_for("wrote ");
    let report = lab.path("reports/one.html");
    assert!(report.is_file());
    std::fs::write(&report, "older").unwrap();
    screen.press("ehtml\r");
    screen.wait_for("nothing is replaced unasked");
    screen.press("\x15reports/one.html\r");
    screen.wait_for("Replace reports/one.html?");
    screen.press("n");
    screen.wait_for("reports/one-2.html");
    screen.press("\r");
    screen.wait_for("wrote reports/one-2.html");
    assert_eq!(std::fs::read_to_string(&report).unwrap(), "older");
    screen.press("ehtml\r\x15reports/one.html\r");
    screen.wait_for("Replace reports/one.html?");
    screen.press("y");
    screen.wait_for("wrote reports/one.html");
    leave(&mut screen);
    assert!(std::fs::read_to_string(&report).unwrap().starts_with("<!DOCTYPE html>"));
}

#[test]
fn the_palette_starts_a_preset_by_its_name() {
    let lab = Lab::new();
    let mut screen = Screen::open(&lab, 100, 30);
    screen.wait_for(" presets; your own");
    screen.press(":digits");
    screen.wait_for("preset dlg-digits");
    screen.press("\r\r");
    screen.wait_for("converged");
    leave(&mut screen);
}

#[test]
fn two_runs_are_compared() {
    let lab = Lab::new();
    for seed in ["1", "2"] {
        let run = ["run"].into_iter().chain(QUICK).chain(["--seed", seed]).collect::<Vec<_>>();
        lab.succeed(&run);
    }
    let mut screen = Screen::open(&lab, 120, 40);
    screen.wait_for(" presets; your own");
    screen.press("2");
    screen.wait_for("done");
    screen.press("  c");
    screen.wait_for("what differs");
    screen.wait_for("run.seed");
    screen.wait_for("truth*");
    screen.press("\x1b");
    screen.wait_for("2 selected");
    leave(&mut screen);
}
