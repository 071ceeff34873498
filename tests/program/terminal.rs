//! The terminal application: the real binary in a pseudo-terminal.

use std::time::Duration;

use crate::lab::Lab;
use crate::screen::Screen;

#[test]
fn an_attack_is_started_watched_and_found_again() {
    let lab = Lab::new();
    let mut screen = Screen::open(&lab, 100, 30);
    screen.wait_for("dlg-lenet");
    screen.wait_for("Deep Leakage from Gradients");
    screen.press("\r");
    screen.wait_for("PSNR");
    screen.wait_for("it/s");
    screen.press("q");
    assert_eq!(screen.wait_for_exit(Duration::from_secs(10)), 0);
    assert!(screen.is_restored());
    // What was written last may still be on its way.
    lab.wait_for("the farewell", || screen.text().contains("goes on") || screen.text().contains("go on"));

    let run = std::fs::read_dir(lab.path("data/runs")).unwrap().flatten().next().unwrap();
    let run = run.file_name().into_string().unwrap();
    assert_eq!(lab.status(&run), "running", "the attack outlives its viewer");
    let mut again = Screen::open(&lab, 80, 24);
    again.wait_for("gialab");
    again.press("2");
    again.wait_for("running");
    again.press("q");
    again.wait_for_exit(Duration::from_secs(10));
    lab.succeed(&["stop", &run]);
}

#[test]
fn small_terminals_are_told_what_is_needed() {
    let lab = Lab::new();
    let mut screen = Screen::open(&lab, 50, 12);
    screen.wait_for("gialab needs 60x16; this terminal is 50x12");
    screen.press("q");
    screen.wait_for_exit(Duration::from_secs(10));
    assert!(screen.is_restored());
}

#[test]
fn signals_leave_the_terminal_restored() {
    for signal in ["-TERM", "-HUP", "-INT", "-QUIT"] {
        let lab = Lab::new();
        let mut screen = Screen::open(&lab, 80, 24);
        screen.wait_for("dlg-lenet");
        crate::lab::kill(u64::from(screen.child.process_id().unwrap()), signal);
        screen.wait_for_exit(Duration::from_secs(10));
        // What was written last may still be on its way.
        lab.wait_for("the restored screen", || screen.is_restored());
    }
}

#[test]
fn a_viewer_whose_terminal_is_gone_leaves() {
    let lab = Lab::new();
    let mut screen = Screen::open(&lab, 80, 24);
    screen.wait_for("dlg-lenet");
    screen.hang_up();
    screen.wait_for_exit(Duration::from_secs(5));
}

#[test]
fn a_terminal_without_a_size_is_told_so_and_commands_do_with_a_usual_one() {
    let lab = Lab::new();
    for (columns, rows) in [(0, 0), (0, 24), (80, 0)] {
        let mut screen = Screen::open(&lab, columns, rows);
        assert_eq!(screen.wait_for_exit(Duration::from_secs(20)), 1);
        let said = || String::from_utf8_lossy(&screen.raw()).into_owned();
        lab.wait_for("the sentence", || said().contains("`stty cols 80 rows 24`"));
        let said = said();
        assert!(!said.contains("panicked") && !said.contains("\x1b[?1049h"), "{columns}x{rows}: {said}");
    }
    let store = gialab::run::Store::in_data_dir(&lab.path("data"));
    gialab::tui::fixture::write_run(&store, "dlg-lenet", gialab::run::Health::Done, 1_790_000_000.0);
    for arguments in [&["show", "last"][..], &["list"], &["presets"], &["--help"], &["export", "--help"]] {
        let program = [&[env!("CARGO_BIN_EXE_gialab")][..], arguments].concat();
        let mut screen = Screen::run(&lab, &program, 0, 0);
        assert_eq!(screen.wait_for_exit(Duration::from_secs(20)), 0, "{arguments:?}");
        lab.wait_for("what it says", || !screen.raw().is_empty());
        for size in ["0", "-3", "x"] {
            let output = lab.command(arguments).env("COLUMNS", size).env("LINES", size).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "COLUMNS={size} {arguments:?}");
        }
    }
}
