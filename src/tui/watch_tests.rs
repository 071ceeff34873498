#![allow(clippy::unwrap_used)]

use std::fs;
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
        thread::spawn(move || watch(&watched, Starts::default(), &asked, &inbox));
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

impl Watched {
    /// Waits for news of the manifest of `run`: why it cannot be read, and its status.
    fn manifest_of(&self, run: &RunDirectory) -> (Option<String>, Health) {
        self.wait_for(|msg| match msg {
            Msg::ManifestArrived { run: of, manifest, health } if of == run.id() => {
                Some((manifest.err(), health))
            }
            _ => None,
        })
    }
}

#[test]
fn a_run_that_is_deleted_while_it_is_watched_is_said_to_be_gone_and_stays_on_the_screen() {
    let watched = Watched::new();
    let run = fixture::write_run(&watched.store, "dlg-lenet", Health::Running, fixture::NOW);
    watched.follow(&[&run]);
    let (mut is_listed, mut is_read) = (false, false);
    while !is_listed || !is_read {
        watched.wait_for(|msg| {
            is_listed |= matches!(&msg, Msg::RunsListed(rows) if !rows.is_empty());
            is_read |= matches!(msg, Msg::LinesArrived { .. });
            Some(())
        });
    }
    fs::remove_dir_all(run.path()).unwrap();
    let (mut listed, mut error) = (None, None);
    while listed.is_none() || error.is_none() {
        watched.wait_for(|msg| match msg {
            Msg::RunsListed(rows) if rows.is_empty() => listed.replace(()).or(Some(())),
            Msg::ManifestArrived { manifest: Err(text), .. } => error.replace(text).map(drop).or(Some(())),
            // The rest of what was there may still come; that it begins anew may not.
            Msg::LinesArrived { restarted: true, .. } => panic!("what was read must stay"),
            _ => None,
        });
    }
    assert!(error.unwrap().starts_with("the directory of this run is gone"));
    // Should it come back, it is read anew.
    let again = fixture::write_run(&watched.store, "dlg-lenet", Health::Running, fixture::NOW);
    assert_eq!(again, run);
    assert!(watched.lines_of(&run).0);
}

#[test]
fn what_cannot_be_read_is_said_in_one_sentence() {
    let watched = Watched::new();
    let run = fixture::write_run(&watched.store, "dlg-lenet", Health::Done, fixture::NOW);
    watched.follow(&[&run]);
    assert_eq!(watched.manifest_of(&run), (None, Health::Done));
    let whole = fs::read_to_string(run.manifest_path()).unwrap();
    for (content, words) in [
        (whole[..whole.len() / 2].to_owned(), "is damaged"),
        (whole.replace("\"schema\": 1", "\"schema\": 2"), "was written by a newer gialab"),
    ] {
        fs::write(run.manifest_path(), content).unwrap();
        // A writer that is no worker of ours may be caught in the middle.
        let error = watched.wait_for(|msg| match msg {
            Msg::ManifestArrived { manifest: Err(error), .. } if error.contains(words) => Some(error),
            _ => None,
        });
        assert_eq!(error.lines().count(), 1);
    }
    fs::write(run.manifest_path(), &whole).unwrap();
    assert_eq!(watched.manifest_of(&run), (None, Health::Done));
    // Unreadable for everybody, also for root.
    fs::remove_file(run.events_path()).unwrap();
    fs::create_dir(run.events_path()).unwrap();
    let (error, health) = watched.manifest_of(&run);
    assert!(error.is_some_and(|error| error.starts_with("cannot read")));
    assert_eq!(health, Health::Done);
}

#[test]
fn a_dead_workers_last_words_are_sent_and_taken_back_when_it_is_resumed() {
    let watched = Watched::new();
    let run = fixture::write_run(&watched.store, "dlg-lenet", Health::Running, fixture::NOW);
    fs::write(run.log_path(), "loading\nout of memory\n").unwrap();
    watched.follow(&[&run]);
    assert_eq!(watched.manifest_of(&run), (None, Health::Running));
    let words = || {
        watched.wait_for(|msg| match msg {
            Msg::LastWords { lines, .. } => Some(lines),
            _ => None,
        })
    };
    // The lock that a dead worker leaves is nobody's, as another file of its name is.
    fs::remove_file(run.lock_path()).unwrap();
    assert_eq!(watched.manifest_of(&run), (None, Health::Crashed));
    assert_eq!(words(), ["loading", "out of memory"]);
    let _lock = crate::run::lock::Lock::take(&run).unwrap();
    assert!(words().is_empty());
}
