//! Pictures in pretended terminals of every kind, and in a real tmux.

use std::process::Command;
use std::time::{Duration, Instant};

use gialab::run::{Health, Store};
use serde_json::Value;

use crate::lab::Lab;
use crate::scripted::{self, Kind, Manner, Scripted};

const PLACEHOLDERS: &str = "\x1b_Ga=T,q=2,U=1,i=";
const INLINE: &str = "\x1b]1337;File=inline=1;";
const SIXEL: &str = "\x1bP0;1;0q";
const CURSOR: &str = "\x1b_Ga=T,q=2,p=1,C=1,i=";
const VIUERS_BLOCK: &str = "▄";
const HALF_BLOCK: &str = "▀";

/// A lab with one finished run that has pictures.
fn lab_with_a_run() -> Lab {
    let lab = Lab::new();
    let store = Store::in_data_dir(&lab.path("data"));
    gialab::tui::fixture::write_run(&store, "dlg-lenet", Health::Done, 1_790_000_000.0);
    lab
}

/// Opens the run.
fn open_run(terminal: &Scripted) {
    terminal.wait_for_text("gialab");
    terminal.press("2");
    terminal.wait_for_text("done");
    terminal.press("\r");
    terminal.wait_for_text("truth");
}

fn leave(terminal: &mut Scripted) {
    terminal.press("q");
    assert_eq!(terminal.wait_for_exit(Duration::from_secs(10)), 0);
    assert!(terminal.is_restored());
}

#[test]
fn every_terminal_gets_pictures_in_its_own_way() {
    for (kind, sign) in [
        (scripted::KITTY_0_43, PLACEHOLDERS),
        (scripted::GHOSTTY, PLACEHOLDERS),
        (scripted::WEZTERM, INLINE),
        (scripted::ITERM2, INLINE),
        (scripted::VS_CODE, INLINE),
        (scripted::FOOT, SIXEL),
        (scripted::XTERM, SIXEL),
        (scripted::WINDOWS_TERMINAL, SIXEL),
        (scripted::LINUX_CONSOLE, "truth"),
    ] {
        let lab = lab_with_a_run();
        let mut terminal = Scripted::open(&lab, kind, Manner::Prompt, &[]);
        open_run(&terminal);
        terminal.wait_for_bytes(sign);
        leave(&mut terminal);
        for other in [PLACEHOLDERS, INLINE, SIXEL].into_iter().filter(|other| *other != sign) {
            assert!(!terminal.wrote(other), "{} got {other:?}", kind.name);
        }
        if kind.name == "linux" {
            assert!(!terminal.wrote(HALF_BLOCK), "the Linux console gets ASCII");
        }
    }
}

#[test]
fn placeholder_pictures_are_shown_and_every_one_is_deleted() {
    let lab = lab_with_a_run();
    let mut terminal = Scripted::open(&lab, scripted::KITTY_0_43, Manner::Prompt, &[]);
    open_run(&terminal);
    terminal.wait_for_bytes("\u{10EEEE}\u{305}\u{305}");
    // Help lies over it and goes.
    terminal.press("?");
    terminal.wait_for_text("hold the attack");
    terminal.press("\x1b");
    terminal.wait_for_text("? help");
    leave(&mut terminal);
    let sent = terminal.count(PLACEHOLDERS);
    assert!(sent >= 2, "{sent}");
    assert_eq!(terminal.count("\x1b_Ga=d,d=I,i="), sent);
    let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
    assert_eq!(
        raw.matches("\x1b[?2026h").count(),
        raw.matches("\x1b[?2026l").count() - 1,
        "one more on leaving"
    );
}

#[test]
fn b_flips_between_the_terminals_own_pixels_and_half_blocks() {
    let lab = lab_with_a_run();
    let mut terminal = Scripted::open(&lab, scripted::KITTY_0_43, Manner::Prompt, &[]);
    open_run(&terminal);
    terminal.wait_for_bytes("\u{10EEEE}\u{305}\u{305}");
    assert!(!terminal.wrote(HALF_BLOCK));
    let sent = terminal.count(PLACEHOLDERS);
    terminal.press("b");
    terminal.wait_for_bytes(HALF_BLOCK);
    terminal.wait_for_bytes("\x1b_Ga=d,d=I,i=");
    terminal.press("b");
    let begin = Instant::now();
    while terminal.count(PLACEHOLDERS) == sent {
        assert!(begin.elapsed() < Duration::from_secs(20), "no pictures after b");
        std::thread::sleep(Duration::from_millis(20));
    }
    leave(&mut terminal);
}

#[test]
fn a_silent_terminal_costs_the_deadline_and_no_more() {
    let lab = lab_with_a_run();
    let begin = Instant::now();
    let mut terminal = Scripted::open(&lab, scripted::KITTY_0_43, Manner::Silent, &[]);
    terminal.wait_for_text("gialab");
    assert!(begin.elapsed() < Duration::from_secs(5));
    open_run(&terminal);
    terminal.wait_for_bytes(HALF_BLOCK);
    leave(&mut terminal);
    assert!(!terminal.wrote(PLACEHOLDERS));
}

#[test]
fn answers_that_come_late_are_no_keys_and_bring_better_pictures() {
    // After the deadline; after the question was put again by itself, which makes two late answers.
    for milliseconds in [600, 2600] {
        for kind in [scripted::FOOT, scripted::KITTY_0_43] {
            let lab = lab_with_a_run();
            // The answers hold letters that would filter, sort and start, and a q.
            let mut terminal = Scripted::open(&lab, kind, Manner::Late(milliseconds), &[]);
            open_run(&terminal);
            terminal.wait_for_bytes(if kind.name == "foot" { SIXEL } else { PLACEHOLDERS });
            terminal.wait_for_text("truth");
            assert!(!terminal.text().contains("asks again"), "{}", terminal.text());
            leave(&mut terminal);
        }
    }
}

#[test]
fn a_late_answer_may_be_split_and_mixed_with_keys() {
    for at in [3, 9, 40] {
        let lab = lab_with_a_run();
        let terminal = Scripted::open(&lab, scripted::FOOT, Manner::LateAndSplit(500, at), &[]);
        terminal.wait_for_text("gialab");
        // Typed while the answer is on its way.
        terminal.press("2");
        terminal.wait_for_text("done");
        terminal.press("\r");
        terminal.wait_for_bytes(SIXEL);
        let mut terminal = terminal;
        leave(&mut terminal);
    }
}

#[test]
fn a_silent_terminal_is_asked_once_more_by_itself_and_then_by_ctrl_l_and_focus() {
    let lab = lab_with_a_run();
    let mut terminal = Scripted::open(&lab, scripted::FOOT, Manner::SilentUntil(3), &[]);
    open_run(&terminal);
    terminal.wait_for_text("the terminal did not answer, Ctrl-L asks again");
    terminal.wait_until("the second question", |terminal| terminal.count("\x1b[>q") == 2);
    // Keys work while it is listened to.
    terminal.press("?");
    terminal.wait_for_text("hold the attack, or go on with it");
    terminal.press("?");
    terminal.wait_until("the closed help", |terminal| !terminal.text().contains("hold the attack"));
    terminal.press("\x0c");
    terminal.wait_until("the third question", |terminal| terminal.count("\x1b[>q") == 3);
    assert!(!terminal.wrote(SIXEL));
    terminal.press("\x1b[I");
    terminal.wait_for_bytes(SIXEL);
    assert_eq!(terminal.count("\x1b[>q"), 4);
    // Whoever has answered is not asked for the focus alone.
    terminal.press("\x1b[I?");
    terminal.wait_for_text("hold the attack, or go on with it");
    terminal.press("?");
    terminal.wait_until("the closed help", |terminal| !terminal.text().contains("hold the attack"));
    assert_eq!(terminal.count("\x1b[>q"), 4);
    leave(&mut terminal);
}

#[test]
fn garbage_is_no_answer() {
    let lab = lab_with_a_run();
    let mut terminal = Scripted::open(&lab, scripted::FOOT, Manner::Garbage, &[]);
    terminal.wait_for_text("gialab");
    // It ends in the middle of what could be an answer, which is forgotten after a moment.
    std::thread::sleep(Duration::from_secs(1));
    open_run(&terminal);
    leave(&mut terminal);
    assert!(!terminal.wrote(SIXEL));
}

#[test]
fn a_terminal_that_vanishes_while_it_is_asked_leaves_no_process() {
    for arguments in [&[][..], &["doctor"]] {
        let lab = Lab::new();
        let mut terminal = Scripted::open(&lab, scripted::FOOT, Manner::Vanishing, arguments);
        terminal.vanish();
        terminal.wait_for_exit(Duration::from_secs(5));
    }
}

/// The report as JSON, from such a terminal.
fn doctor(kind: Kind, manner: Manner) -> Value {
    let lab = Lab::new();
    let mut terminal = Scripted::open(&lab, kind, manner, &["doctor", "--json"]);
    assert_eq!(terminal.wait_for_exit(Duration::from_secs(10)), 0);
    terminal.wait_for_bytes("\r\n}\r\n");
    let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
    // Answers that come after its end are echoed behind the report.
    let mut values = serde_json::Deserializer::from_str(&raw[raw.find('{').unwrap()..]).into_iter();
    values.next().unwrap().unwrap_or_else(|error| panic!("{error}: {raw}"))
}

#[test]
fn doctor_says_what_each_terminal_can_do() {
    for (kind, protocol) in [
        (scripted::KITTY_0_43, "kitty-placeholders"),
        (scripted::GHOSTTY, "kitty-placeholders"),
        (scripted::WEZTERM, "iterm"),
        (scripted::ITERM2, "iterm"),
        (scripted::VS_CODE, "iterm"),
        (scripted::FOOT, "sixel"),
        (scripted::XTERM, "sixel"),
        (scripted::WINDOWS_TERMINAL, "sixel"),
        (scripted::LINUX_CONSOLE, "ascii"),
    ] {
        let report = doctor(kind, Manner::Prompt);
        let terminal = &report["terminal"];
        assert_eq!(terminal["protocol"], protocol, "{}: {terminal}", kind.name);
        assert!(terminal["why"].as_str().unwrap().len() > 5);
    }
    let foot = doctor(scripted::FOOT, Manner::Prompt);
    assert_eq!(foot["terminal"]["cell"], serde_json::json!([9, 18]));
    assert_eq!(foot["terminal"]["version"], "foot(1.16.2)");
    assert_eq!(foot["terminal"]["depth"], "true");
    assert_eq!(doctor(scripted::ITERM2, Manner::Prompt)["terminal"]["light"], true);
}

#[test]
fn doctor_does_not_wait_for_ever() {
    let begin = Instant::now();
    let report = doctor(scripted::KITTY_0_43, Manner::Silent);
    assert!(begin.elapsed() < Duration::from_secs(8));
    assert_eq!(report["terminal"]["protocol"], "blocks");
    assert!(report["terminal"]["why"].as_str().unwrap().contains("did not answer"), "{report}");
}

#[test]
fn over_ssh_a_terminal_has_more_time() {
    const SSH: &[(&str, &str)] = &[("TERM", "foot"), ("SSH_CONNECTION", "10.0.0.1 5000 10.0.0.2 22")];
    let report = doctor(Kind { environment: SSH, ..scripted::FOOT }, Manner::Late(350));
    assert_eq!(
        (&report["terminal"]["protocol"], &report["terminal"]["over_ssh"]),
        (&"sixel".into(), &true.into())
    );
    assert_eq!(doctor(scripted::FOOT, Manner::Late(350))["terminal"]["protocol"], "blocks");
}

#[test]
fn a_reply_may_be_split_at_any_byte() {
    // Every cut of the answers to version and kitty question, and of the first bytes after them.
    let length = "\x1bP>|kitty(0.43.1)\x1b\\\x1b_Gi=31;OK\x1b\\\x1b[6".len();
    for cut in 1..length {
        let report = doctor(scripted::KITTY_0_43, Manner::Split(cut));
        assert_eq!(report["terminal"]["protocol"], "kitty-placeholders", "cut at {cut}");
    }
}

#[test]
fn doctor_works_without_a_terminal() {
    let lab = Lab::new();
    let report: Value = serde_json::from_str(&lab.succeed(&["doctor", "--json"])).unwrap();
    assert_eq!(report["terminal"]["is_terminal"], false);
    assert_eq!(report["terminal"]["replies"], serde_json::json!([]));
    assert!(report["directories"].as_array().unwrap().iter().all(|entry| entry["free"].is_u64()));
    assert!(report["machine"]["threads"].as_u64().unwrap() > 0);
    assert!(report["backends"].as_array().unwrap().iter().any(|entry| entry["name"] == "flex"));
    let text = lab.succeed(&["doctor"]);
    let problems = report["problems"].as_array().unwrap().len();
    let count = match problems {
        0 => "no problems".to_owned(),
        1 => "1 problem".to_owned(),
        many => format!("{many} problems"),
    };
    assert_eq!(text.lines().last(), Some(count.as_str()));
}

#[test]
fn doctor_says_when_runs_cannot_be_kept_and_what_to_do() {
    let lab = Lab::new();
    std::fs::write(lab.path("data"), "a file in the way").unwrap();
    let output = lab.gialab(&["doctor"]);
    let text = crate::lab::text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("cannot be written") && text.contains("--data-dir"), "{text}");
}

#[test]
fn doctor_keeps_the_bytes_of_the_last_session() {
    let lab = lab_with_a_run();
    let mut terminal = Scripted::open(&lab, scripted::FOOT, Manner::Prompt, &[]);
    open_run(&terminal);
    terminal.wait_for_bytes(SIXEL);
    leave(&mut terminal);
    let report: Value = serde_json::from_str(&lab.succeed(&["doctor", "--json"])).unwrap();
    let last = &report["last_session"];
    assert_eq!(last["protocol"], "sixel");
    let written = last["frames"].as_u64().unwrap() + last["pictures"].as_u64().unwrap();
    let heard = terminal.raw().len() as u64;
    // What takes the screen and gives it back is not counted.
    assert!(written < heard && heard < written + 2000, "{written} of {heard}");
    assert!(last["pictures"].as_u64().unwrap() > 1000);
}

#[test]
fn show_draws_in_the_plain_shell_by_the_same_choice() {
    let lab = lab_with_a_run();
    for (kind, manner, arguments, sign) in [
        (scripted::KITTY_0_43, Manner::Prompt, &[][..], CURSOR),
        (scripted::GHOSTTY, Manner::Prompt, &[][..], CURSOR),
        (scripted::WEZTERM, Manner::Prompt, &[][..], INLINE),
        (scripted::VS_CODE, Manner::Prompt, &[][..], INLINE),
        (scripted::FOOT, Manner::Prompt, &[][..], SIXEL),
        (scripted::FOOT, Manner::Silent, &[][..], VIUERS_BLOCK),
        (scripted::FOOT, Manner::Prompt, &["--images", "blocks"][..], VIUERS_BLOCK),
        (scripted::FOOT, Manner::Prompt, &["--images", "ascii"][..], "="),
        (scripted::FOOT, Manner::Prompt, &["--images", "off"][..], "picture  "),
    ] {
        let arguments = [&["show", "last"], arguments].concat();
        let mut terminal = Scripted::open(&lab, kind, manner, &arguments);
        assert_eq!(terminal.wait_for_exit(Duration::from_secs(20)), 0, "{}", terminal.text());
        assert!(terminal.wrote(sign), "{} {arguments:?}: {}", kind.name, terminal.text());
        assert!(terminal.wrote("picture  "), "the path stands in any case");
        assert!(!terminal.wrote("^["), "no answer is echoed: {}", terminal.text());
        for other in [CURSOR, INLINE, SIXEL, VIUERS_BLOCK].into_iter().filter(|other| *other != sign) {
            assert!(!terminal.wrote(other), "{} {arguments:?} got {other:?}", kind.name);
        }
    }
}

#[test]
fn the_option_wins_over_the_environment_and_a_wrong_word_is_said() {
    let lab = lab_with_a_run();
    let blocks = Kind { environment: &[("TERM", "foot"), ("GIALAB_IMAGES", "blocks")], ..scripted::FOOT };
    let by_environment = doctor(blocks, Manner::Prompt);
    assert_eq!(by_environment["terminal"]["protocol"], "blocks");
    let mut terminal =
        Scripted::open(&lab, blocks, Manner::Prompt, &["doctor", "--json", "--images", "sixel"]);
    assert_eq!(terminal.wait_for_exit(Duration::from_secs(10)), 0);
    assert!(terminal.wrote("asked for with sixel"));
    let output = lab.command(&["list"]).env("GIALAB_IMAGES", "png").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = crate::lab::text(&output.stderr);
    assert!(
        error.contains("GIALAB_IMAGES") && error.contains("iterm") && error.lines().count() == 1,
        "{error}"
    );
}

/// A tmux of our own, with a pretended kitty attached to it.
struct Tmux<'a> {
    lab: &'a Lab,
    socket: String,
    terminal: Scripted,
}

impl<'a> Tmux<'a> {
    /// None, with a notice, if there is no tmux.
    fn start(lab: &'a Lab, name: &str) -> Option<Tmux<'a>> {
        if Command::new("tmux").arg("-V").output().is_err() {
            eprintln!("skipped: there is no tmux");
            return None;
        }
        let socket = format!("gialab-{name}-{}", std::process::id());
        let arguments = ["-u", "-L", &socket, "-f", "/dev/null", "new-session", "sh"];
        // tmux knows no xterm-kitty here, and asks for the version whatever TERM says.
        let kind = Kind { environment: &[("TERM", "xterm-256color")], ..scripted::KITTY_0_43 };
        let tmux = which("tmux");
        let terminal = Scripted::run(lab, kind, Manner::Prompt, &tmux, &arguments);
        let this = Tmux { lab, socket, terminal };
        this.lab.wait_for("a session in tmux", || this.ask("#{session_name}") == "0");
        Some(this)
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux").args(["-L", &self.socket]).args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn ask(&self, format: &str) -> String {
        self.tmux(&["display-message", "-p", format])
    }

    fn type_line(&self, line: &str) {
        self.tmux(&["send-keys", "-l", line]);
        self.tmux(&["send-keys", "Enter"]);
    }

    fn open_run(&self, command: &str) {
        self.type_line(command);
        self.terminal.wait_for_text("Presets");
        self.tmux(&["send-keys", "2"]);
        self.terminal.wait_for_text("done");
        self.tmux(&["send-keys", "Enter"]);
        self.terminal.wait_for_text("truth");
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

fn which(program: &str) -> String {
    let paths = std::env::var_os("PATH").unwrap();
    let found = std::env::split_paths(&paths).map(|path| path.join(program)).find(|path| path.exists());
    found.unwrap().to_str().unwrap().to_owned()
}

#[test]
fn tmux_without_passthrough_shows_blocks_and_says_why() {
    let lab = lab_with_a_run();
    let Some(tmux) = Tmux::start(&lab, "off") else { return };
    lab.wait_for("the terminal's name in tmux", || tmux.ask("#{client_termtype}") == "kitty(0.43.1)");
    let title = tmux.ask("#{pane_title}");
    tmux.open_run(env!("CARGO_BIN_EXE_gialab"));
    tmux.terminal.wait_for_bytes(HALF_BLOCK);
    tmux.terminal.wait_for_text("allow-passthrough is off");
    assert!(!tmux.terminal.wrote("\x1b_Ga=T"));
    assert_eq!(tmux.ask("#{pane_title}"), title, "no question of ours became the title");
    assert_eq!(tmux.tmux(&["show-options", "-A", "-p", "-v", "allow-passthrough"]), "off", "left as it was");
}

#[test]
fn tmux_with_passthrough_shows_the_terminals_own_pixels() {
    let lab = lab_with_a_run();
    let Some(tmux) = Tmux::start(&lab, "on") else { return };
    lab.wait_for("the terminal's name in tmux", || tmux.ask("#{client_termtype}") == "kitty(0.43.1)");
    let title = tmux.ask("#{pane_title}");
    tmux.open_run(&format!("{} --tmux-passthrough", env!("CARGO_BIN_EXE_gialab")));
    tmux.terminal.wait_for_bytes(PLACEHOLDERS);
    tmux.terminal.wait_for_bytes("\u{10EEEE}\u{305}\u{305}");
    assert_eq!(tmux.ask("#{pane_title}"), title);
    // The id is in an indexed colour, which tmux keeps.
    let raw = String::from_utf8_lossy(&tmux.terminal.raw()).into_owned();
    let id: u32 = raw.split(PLACEHOLDERS).nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
    assert!((1..=255).contains(&id));
    // The first 16 have names of their own, by which tmux says them.
    let colour = match id {
        ..8 => format!("3{id}m"),
        8..16 => format!("9{}m", id - 8),
        _ => format!("38;5;{id}m"),
    };
    lab.wait_for("cells in the colour of the id", || {
        String::from_utf8_lossy(&tmux.terminal.raw()).contains(&colour)
    });
    tmux.tmux(&["send-keys", "q"]);
    tmux.terminal.wait_for_bytes(&format!("\x1b_Ga=d,d=I,i={id},q=2;"));
}
