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
