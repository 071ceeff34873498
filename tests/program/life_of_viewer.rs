//! The life of a viewer: left alone by its terminal, told to go, stopped and continued; the worker goes on.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gialab::run::{Health, RunDirectory, Status, Store};
use gialab::tui::fixture;

use crate::lab::{Lab, kill};
use crate::screen::Screen;

const GIALAB: &str = env!("CARGO_BIN_EXE_gialab");

/// How soon a viewer is gone, and the time on a processor that it may use for it: no more than for a frame or
/// two. One that spins uses all of the time.
const SOON: Duration = Duration::from_secs(2);
const LITTLE: Duration = Duration::from_millis(250);

/// A run that goes on for as long as any test.
fn endless(lab: &Lab) -> String {
    lab.detach(&["ig-lenet", "--set", "attack.iterations=1000000", "--set", "run.checkpoint_seconds=0.5"])
}

/// The viewer that runs in this laboratory, wherever it was started.
fn viewer(lab: &Lab) -> Option<u32> {
    lab.processes().into_iter().find(|pid| {
        let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        arguments.strip_suffix(b"\0") == Some(GIALAB.as_bytes())
    })
}

fn wait_for_viewer(lab: &Lab) -> u32 {
    lab.wait_for("the viewer", || viewer(lab).is_some());
    viewer(lab).unwrap()
}

/// State of a process, and the time it has spent on processors.
fn vitals(pid: u32) -> Option<(char, Duration)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Some((fields[0].chars().next()?, Duration::from_millis(10 * ticks)))
}

fn state(pid: u32) -> char {
    vitals(pid).map_or('X', |(state, _)| state)
}

/// Does something to a viewer that it should not survive, and sees it off.
fn sees_off(pid: u32, how: &str, cause: impl FnOnce()) {
    let (_, before) = vitals(pid).unwrap();
    let begin = Instant::now();
    cause();
    let mut spent = before;
    while let Some((state, now)) = vitals(pid) {
        spent = now;
        if matches!(state, 'Z' | 'X') {
            break;
        }
        assert!(begin.elapsed() < SOON, "{how}: still there after {:?}", begin.elapsed());
        std::thread::sleep(Duration::from_millis(5));
    }
    let spent = spent.saturating_sub(before);
    assert!(spent < LITTLE, "{how}: used {spent:?} of a processor");
}

/// The worker computes on, and a viewer started now shows it live.
fn goes_on(lab: &Lab, run: &str) {
    let before = lab.events(run).len();
    lab.wait_for("the worker to go on", || lab.events(run).len() > before + 2);
    let mut again = Screen::open(lab, 100, 30);
    shows_live(&mut again);
    again.press("q");
    again.wait_for_exit(Duration::from_secs(10));
}

/// Goes to the list of runs, on which one is live.
fn shows_live(screen: &mut Screen) {
    screen.wait_for("gialab");
    screen.press("2");
    screen.wait_for("1 run is live");
}

/// A viewer that shows `run` live.
fn watching(lab: &Lab, run: &str) -> (Screen, u32) {
    let mut screen = Screen::open(lab, 100, 30);
    shows_live(&mut screen);
    screen.press("\r");
    screen.wait_for("it/s");
    assert!(RunDirectory::at(lab.run_path(run)).health().unwrap().is_live());
    let pid = screen.child.process_id().unwrap();
    (screen, pid)
}

#[test]
fn whatever_takes_the_viewer_away_the_worker_goes_on() {
    let lab = Lab::new();
    let run = endless(&lab);

    let (mut screen, pid) = watching(&lab, &run);
    sees_off(pid, "closed window", || screen.hang_up());
    screen.wait_for_exit(SOON);

    for signal in ["-TERM", "-HUP"] {
        let (mut screen, pid) = watching(&lab, &run);
        sees_off(pid, signal, || kill(u64::from(pid), signal));
        screen.wait_for_exit(SOON);
        lab.wait_for("the restored screen", || screen.is_restored());
    }

    // A dead line: nothing takes what would restore the screen.
    let (mut screen, pid) = watching(&lab, &run);
    screen.stall();
    lab.wait_for("the viewer to write in vain", || waits_for_the_terminal(pid));
    sees_off(pid, "signal on a dead line", || kill(u64::from(pid), "-TERM"));
    screen.wait_for_exit(SOON);

    // A launcher that keeps the hang-up from the viewer.
    let mut screen = Screen::run(&lab, &["/usr/bin/setsid", "--wait", GIALAB], 100, 30);
    shows_live(&mut screen);
    let pid = wait_for_viewer(&lab);
    sees_off(pid, "hang-up without its signal", || screen.hang_up());

    goes_on(&lab, &run);
    lab.succeed(&["stop", &run]);
}

/// Whether a thread of the process sleeps in a write to a terminal.
fn waits_for_the_terminal(pid: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    threads.into_iter().any(|thread| {
        // The system call's number: 1 is write on this machine's kind.
        let call = std::fs::read_to_string(thread.path().join("syscall")).unwrap_or_default();
        call.starts_with("1 0x1 ") || call.starts_with("64 0x1 ")
    })
}

#[test]
fn two_viewers_show_one_run_and_neither_minds_the_other() {
    let lab = Lab::new();
    let run = endless(&lab);
    let (mut first, _) = watching(&lab, &run);
    let (mut second, pid) = watching(&lab, &run);
    first.press(" ");
    second.wait_for("paused");
    second.press(" ");
    first.wait_for("running");
    sees_off(pid, "closed window", || second.hang_up());
    second.wait_for_exit(SOON);
    first.press("1");
    first.wait_for("Deep Leakage from Gradients");
    first.press("q");
    assert_eq!(first.wait_for_exit(Duration::from_secs(10)), 0);
    goes_on(&lab, &run);
    lab.succeed(&["stop", &run]);
}

#[test]
fn a_killed_session_of_tmux_takes_the_viewer_and_leaves_the_worker() {
    if Command::new("tmux").arg("-V").output().is_err() {
        eprintln!("tmux is not here: its sessions were not tried");
        return;
    }
    let lab = Lab::new();
    let run = endless(&lab);
    let socket = lab.path("tmux");
    let tmux = |arguments: &[&str]| {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(&socket).args(["-f", "/dev/null"]).args(arguments);
        let lab = lab.command(&[]);
        command.envs(lab.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = command.env_remove("TMUX").env("LANG", "C.UTF-8").stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{}", crate::lab::text(&output.stderr));
        crate::lab::text(&output.stdout)
    };
    tmux(&["new-session", "-d", "-x", "100", "-y", "30", "-s", "keeps", "sleep 1000"]);
    for command in ["kill-session", "kill-pane", "kill-server"] {
        tmux(&["new-session", "-d", "-x", "100", "-y", "30", "-s", "lab", GIALAB]);
        let shows = |words: &str| tmux(&["capture-pane", "-p", "-t", "lab"]).contains(words);
        lab.wait_for("the viewer in tmux", || shows("gialab"));
        tmux(&["send-keys", "-t", "lab", "2"]);
        lab.wait_for("the run in it", || shows("1 run is live"));
        let pid = wait_for_viewer(&lab);
        let target = if command == "kill-server" { vec![command] } else { vec![command, "-t", "lab"] };
        sees_off(pid, command, || drop(tmux(&target)));
    }
    goes_on(&lab, &run);
    lab.succeed(&["stop", &run]);
}

/// A shell with job control in a terminal, and the viewer as its job.
fn in_a_shell(lab: &Lab, command: &str) -> (Screen, u32) {
    let mut shell = Screen::run(lab, &["/bin/bash", "--norc", "--noprofile", "-i"], 100, 30);
    shell.press(&format!("PS1='ready> '; {command}\r"));
    shell.wait_for("dlg-lenet");
    let pid = wait_for_viewer(lab);
    (shell, pid)
}

#[test]
fn ctrl_z_gives_the_shell_back_and_fg_the_screen() {
    let lab = Lab::new();
    // As the shell's own job, and as the child of one that waits.
    for command in [GIALAB.to_owned(), format!("sh -c '{GIALAB}; true'")] {
        let (mut shell, pid) = in_a_shell(&lab, &command);
        for stop in ["key", "signal"] {
            if stop == "key" {
                shell.press("\x1a");
            } else {
                kill(u64::from(pid), "-TSTP");
            }
            lab.wait_for("the viewer to stop", || state(pid) == 'T');
            shell.wait_for("ready>");
            assert!(shell.is_restored(), "{stop}:\n{}", shell.text());
            shell.press("echo works-$((1+1))\r");
            shell.wait_for("works-2");
            shell.press("fg\r");
            shell.wait_for("Deep Leakage from Gradients");
            lab.wait_for("the viewer to go on", || state(pid) != 'T');
        }
        shell.press("q");
        lab.wait_for("the viewer to leave", || viewer(&lab).is_none());
        shell.press("stty -a\r");
        // The terminal is as the shell left it.
        shell.wait_for(" icanon");
        shell.press("exit\r");
        shell.wait_for_exit(Duration::from_secs(10));
    }
}

#[test]
fn a_stopped_viewer_leaves_when_its_terminal_is_closed() {
    let lab = Lab::new();
    let (mut shell, pid) = in_a_shell(&lab, GIALAB);
    shell.press("\x1a");
    lab.wait_for("the viewer to stop", || state(pid) == 'T');
    sees_off(pid, "closed window of a stopped viewer", || shell.hang_up());
}

#[test]
fn where_nobody_could_continue_it_ctrl_z_does_not_stop_the_viewer() {
    let lab = Lab::new();
    let mut screen = Screen::open(&lab, 100, 30);
    screen.wait_for("dlg-lenet");
    let pid = screen.child.process_id().unwrap();
    for _ in 0..2 {
        screen.press("\x1a");
        screen.wait_for("no shell here could continue gialab");
        assert_ne!(state(pid), 'T');
        // Also when it is asked from outside.
        kill(u64::from(pid), "-TSTP");
    }
    screen.press("2");
    screen.wait_for("No runs yet");
    screen.press("q");
    assert_eq!(screen.wait_for_exit(Duration::from_secs(10)), 0);
}

#[test]
fn a_killed_worker_is_shown_as_crashed_with_its_last_words_and_r_resumes_it() {
    let lab = Lab::new();
    let run = endless(&lab);
    lab.wait_for_checkpoint(&run);
    let (mut screen, _) = watching(&lab, &run);
    let log = lab.run_path(&run).join("run.log");
    std::fs::write(log, "cudaMalloc: \x1b[31mout of memory\x1b[0m, wanted 12 GB\n").unwrap();
    kill(lab.manifest(&run)["pid"].as_u64().unwrap(), "-9");
    screen.wait_for("crashed");
    screen.wait_for("out of memory, wanted 12 GB");
    screen.wait_for("r resumes from the last checkpoint");
    screen.press("r");
    lab.wait_for("the next worker", || lab.status(&run) == "running");
    lab.wait_for("its words to go", || {
        let text = screen.text();
        !text.contains("out of memory") && text.contains("it/s") && !text.contains("crashed")
    });
    screen.press("q");
    screen.wait_for_exit(Duration::from_secs(10));
    lab.succeed(&["stop", &run]);
}

#[test]
fn the_end_of_a_long_run_rings_where_nobody_looks() {
    let lab = Lab::new();
    let store = Store::in_data_dir(&lab.path("data"));
    let run = fixture::write_run(&store, "dlg-lenet", Health::Running, fixture::NOW);
    let log = std::fs::read_to_string(run.events_path()).unwrap();
    std::fs::write(run.events_path(), log.replace("\"t\":24.0", "\"t\":240.0")).unwrap();
    let live = run.manifest().unwrap();
    let mut screen = Screen::open(&lab, 100, 30);
    screen.wait_for("gialab");
    screen.press("2");
    let rung = |screen: &Screen| String::from_utf8_lossy(&screen.raw()).contains('\x07');
    for (focus, rings) in [("\x1b[I", false), ("\x1b[O", true)] {
        run.write_manifest(&live).unwrap();
        screen.wait_for("1 run is live");
        screen.press(focus);
        let done = gialab::run::Manifest { status: Status::Done, ..live.clone() };
        run.write_manifest(&done).unwrap();
        screen.wait_for("nothing is running");
        if rings {
            lab.wait_for("the bell", || rung(&screen));
        }
        assert_eq!(rung(&screen), rings);
    }
    screen.press("q");
    screen.wait_for_exit(Duration::from_secs(10));
}
