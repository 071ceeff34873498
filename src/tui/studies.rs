//! The thread that reads studies and audits: their list while it is shown, or the study that is looked into. It has a thread of its
//! own, for planning the cells of a study and judging its figures take longer than a followed run may wait.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use super::msg::Msg;
use crate::audit::shelf::{self, Kept};
use crate::run::Store;
use crate::study::{Brief, Means, Shelf, Snapshot};

/// Between two looks at all studies, and at the one that is looked into.
const LISTING: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(500);

/// A look rests for so many times as long as it took.
const REST: u32 = 4;

/// What of the studies is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Attention {
    /// None of them.
    #[default]
    Nothing,
    /// All, a line each.
    List,
    /// The audits.
    Audits,
    /// This one.
    Study(String),
    /// These cells of one, beside each other.
    Groups(String, Vec<usize>),
}

/// What is needed to read them.
#[derive(Debug)]
pub struct Library {
    /// The directory with all of them.
    pub data: PathBuf,
    /// Presets of the user.
    pub presets: PathBuf,
    /// How fast this machine is, and what it has.
    pub means: Means,
    /// This machine.
    pub host: String,
}

/// Reads until the screen is gone.
pub fn read(library: Library, wanted: &Receiver<Attention>, inbox: &SyncSender<Msg>) {
    let mut reader: Option<Reader> = None;
    let mut attention = Attention::Nothing;
    loop {
        let begin = Instant::now();
        let rest = match &attention {
            Attention::Nothing => None,
            looked_at => {
                let reader = reader.get_or_insert_with(|| Reader::new(&library));
                let sent = match looked_at {
                    Attention::Study(name) => reader.one(name, inbox),
                    Attention::Groups(name, cells) => reader.groups(name, cells, inbox),
                    Attention::Audits => reader.audits(&library.data, inbox),
                    _ => reader.all(inbox),
                };
                let Some(rest) = sent else { return };
                Some(if rest.is_zero() { rest } else { rest.max(REST * begin.elapsed()) })
            }
        };
        let next = match rest {
            None => wanted.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(rest) => wanted.recv_timeout(rest),
        };
        match next {
            Ok(next) => {
                attention = next;
                if let Some(reader) = &mut reader {
                    (reader.listed, reader.sent, reader.compared) = (None, None, None);
                    reader.audits = None;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// The studies with what was sent of them last.
struct Reader {
    shelf: Shelf,
    listed: Option<Vec<Brief>>,
    sent: Option<Result<Box<Snapshot>, String>>,
    /// Runs that were done when groups were sent.
    compared: Option<usize>,
    audits: Option<Vec<Kept>>,
}

impl Reader {
    fn new(library: &Library) -> Reader {
        let mut means = library.means.clone();
        // What runs took here is no more than a help.
        let runs = Store::in_data_dir(&library.data).list().unwrap_or_default();
        means.experience.take_up(&runs, &library.host);
        Reader {
            shelf: Shelf::new(&library.data, &library.presets, means),
            listed: None,
            sent: None,
            compared: None,
            audits: None,
        }
    }

    /// Sends the list if it is not as before; how long to rest, or `None` if nobody listens.
    fn all(&mut self, inbox: &SyncSender<Msg>) -> Option<Duration> {
        let names = self.shelf.names();
        let briefs: Vec<Brief> = names.iter().filter_map(|name| self.shelf.look(name)).collect();
        if self.listed.as_ref() != Some(&briefs) {
            inbox.send(Msg::StudiesListed(briefs.clone())).ok()?;
            self.listed = Some(briefs);
        }
        // One after another, so that keys are answered between them.
        let estimated = names.iter().any(|name| self.shelf.estimate(name));
        Some(if estimated { Duration::ZERO } else { LISTING })
    }

    /// Sends the audits if they are not as before; how long to rest, or `None` if nobody listens.
    fn audits(&mut self, data: &Path, inbox: &SyncSender<Msg>) -> Option<Duration> {
        let kept = shelf::kept(data);
        if self.audits.as_ref() != Some(&kept) {
            inbox.send(Msg::AuditsListed(kept.clone())).ok()?;
            self.audits = Some(kept);
        }
        Some(LISTING)
    }

    /// Looks at a study, which may be new.
    fn look(&mut self, name: &str) -> Option<Brief> {
        self.shelf.look(name).or_else(|| {
            self.shelf.names();
            self.shelf.look(name)
        })
    }

    /// Sends cells beside each other if another run of the study is done; how long to rest, or `None` if nobody listens.
    fn groups(&mut self, name: &str, cells: &[usize], inbox: &SyncSender<Msg>) -> Option<Duration> {
        let done = self.look(name).map_or(0, |brief| brief.whole.done);
        if self.compared != Some(done) {
            let groups = self.shelf.groups(name, cells).map(Box::new);
            let (study, cells) = (name.to_owned(), cells.to_vec());
            inbox.send(Msg::GroupsRead { study, cells, groups }).ok()?;
            self.compared = Some(done);
        }
        Some(LOOK)
    }

    /// Sends how a study stands if it is not as before; how long to rest, or `None` if nobody listens.
    fn one(&mut self, name: &str, inbox: &SyncSender<Msg>) -> Option<Duration> {
        self.look(name);
        let snapshot = self.shelf.snapshot(name).map(Box::new);
        let is_news = match (&self.sent, &snapshot) {
            (Some(Ok(sent)), Ok(new)) => sent.brief != new.brief || sent.results != new.results,
            (Some(Err(sent)), Err(new)) => sent != new,
            _ => true,
        };
        if is_news {
            let study = name.to_owned();
            inbox.send(Msg::StudyRead { study, snapshot: snapshot.clone() }).ok()?;
            self.sent = Some(snapshot);
        }
        Some(if self.shelf.estimate(name) { Duration::ZERO } else { LOOK })
    }
}
