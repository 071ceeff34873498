#![allow(clippy::unwrap_used)]

use std::sync::mpsc;
use std::thread;

use super::*;
use crate::tui::fixture;

/// How long any single message may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A watcher of its own on a store of its own.
struct Watched {
    store: Store,
    commands: mpsc::Sender<Command>,
    messages: Receiver<Msg>,
    _data: tempfile::TempDir,
}

impl Watched {
    fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let store = Store::in_data_dir(data.path());
        let (commands, asked) = mpsc::channel();
        let (inbox, messages) = mpsc::sync_channel(32);
        let watched = store.clone();
        thread::spawn(move || watch(&watched, &asked, &inbox));
        Watched { store, commands, messages, _data: data }
    }

    fn follow(&self, runs: &[&RunDirectory]) {
        let runs = runs.iter().map(|run| (*run).clone()).collect();
        self.commands.send(Command::Follow(runs)).unwrap();
    }

    /// The first message that `wanted` makes something of.
    fn wait_for<T>(&self, mut wanted: impl FnMut(Msg) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(self.messages.recv_timeout(PATIENCE).unwrap()) {
                return found;
            }
        }
    }

    /// Waits for lines of `run`: whether they begin anew, and how many they are.
    fn lines_of(&self, run: &RunDirectory) -> (bool, usize) {
        self.wait_for(|msg| match msg {
            Msg::LinesArrived { run: of, restarted, lines, .. } if of == run.id() => {
                Some((restarted, lines.len()))
            }
            _ => None,
        })
    }
}

fn append(run: &RunDirectory, event: Event) {
    let line = serde_json::to_string(&Line { v: 1, t: 1.0, event }).unwrap();
    let mut log = fs::OpenOptions::new().append(true).open(run.events_path()).unwrap();
    std::io::Write::write_all(&mut log, format!("{line}\n").as_bytes()).unwrap();
}

#[test]
fn several_runs_are_followed_and_those_that_stay_keep_their_place() {
    let watched = Watched::new();
    let first = fixture::write_run(&watched.store, "dlg-lenet", Health::Running, fixture::NOW);
    let second = fixture::write_run(&watched.store, "ig-convnet64", Health::Running, fixture::NOW);
    watched.follow(&[&first, &second]);
    let whole = fixture::events(300, false).len();
    assert_eq!(watched.lines_of(&first), (true, whole));
    assert_eq!(watched.lines_of(&second), (true, whole));
    watched.follow(&[&second]);
    append(&first, Event::Paused);
    append(&second, Event::Paused);
    assert_eq!(watched.lines_of(&second), (false, 1));
    watched.follow(&[&first, &second]);
    append(&second, Event::Continued);
    let mut seen = Vec::new();
    while seen.len() < 2 {
        seen.push(watched.wait_for(|msg| match msg {
            Msg::LinesArrived { run, restarted, lines, .. } => Some((run, restarted, lines.len())),
            _ => None,
        }));
    }
    seen.sort();
    // The one that was left out begins anew, with what it gained meanwhile.
    assert_eq!(seen, [(first.id(), true, whole + 1), (second.id(), false, 1)]);
}

#[test]
fn pictures_of_every_followed_run_are_decoded_and_of_no_other() {
    let watched = Watched::new();
    let [first, second, other] = ["dlg-lenet", "ig-convnet64", "dlg-digits"]
        .map(|preset| fixture::write_run(&watched.store, preset, Health::Running, fixture::NOW));
    watched.follow(&[&first, &second]);
    for (run, is_followed) in [(&first, true), (&second, true), (&other, false)] {
        let key = PictureKey { run: run.id(), file: "pictures/truth.png".into(), iteration: 0 };
        watched.commands.send(Command::Decode(vec![key.clone()])).unwrap();
        let decoded = watched.wait_for(|msg| match msg {
            Msg::PictureArrived(of, decoded) if of == key => Some(decoded),
            _ => None,
        });
        assert_eq!(decoded.is_ok(), is_followed, "{}", run.id());
    }
}
