//! The studies there are, as they stand here, looked at again and again: what has a result is not read anew, and
//! expectations are judged anew only when there is another result.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::conduct::{Standing, standing};
use super::definition::{self, Definition};
use super::detached::is_conducted;
use super::grid::{Member, Place, Scale, Study, begun};
use super::groups::Groups;
use super::pace::Pace;
use super::results::{Outcome, Results, Seen};
use crate::config::ConfigError;
use crate::expectation::Experience;
use crate::run::Pulse;

/// A study in a line of a list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Brief {
    /// Its name.
    pub name: String,
    /// One line.
    pub title: String,
    /// What it is about.
    pub about: String,
    /// The preset that is varied.
    pub preset: String,
    /// The attack that it waits for.
    pub lacks: Option<String>,
    /// Why it cannot be run.
    pub error: Option<String>,
    /// Its cells.
    pub cells: usize,
    /// Its runs.
    pub whole: Count,
    /// Those of the part that takes minutes, if it has one.
    pub quick: Option<Count>,
    /// What follows so far.
    pub outcome: Option<Outcome>,
    /// A process of this machine runs it.
    pub is_conducted: bool,
}

/// How many runs stand how.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Count {
    /// All.
    pub all: usize,
    /// With a result.
    pub done: usize,
    /// That a worker is on.
    pub live: usize,
    /// That ended with an error.
    pub failed: usize,
    /// Begun, and no worker is on them.
    pub left: usize,
    /// Seconds to go, about, if that can be told.
    pub seconds: Option<f64>,
}

impl Count {
    /// Whether nothing is to do.
    pub fn is_complete(&self) -> bool {
        self.done == self.all
    }
}

/// A study as it stands, to be looked into.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// What it is.
    pub study: Arc<Study>,
    /// Where its runs are.
    pub place: Place,
    /// In a line.
    pub brief: Brief,
    /// What came of it.
    pub results: Arc<Results>,
}

/// Where studies are computed unless a person says otherwise, as `gialab study run` does.
#[derive(Debug, Clone)]
pub struct Means {
    /// How fast this machine is.
    pub experience: Experience,
    /// `flex` or `cuda`.
    pub backend: String,
    /// Threads that computations may use.
    pub threads: usize,
}

impl Means {
    fn at_once(&self) -> usize {
        if self.backend == "cuda" { 1 } else { self.threads.max(1) }
    }
}

/// All studies.
#[derive(Debug)]
pub struct Shelf {
    data: PathBuf,
    presets: PathBuf,
    means: Means,
    books: Vec<Book>,
}

/// One study with what was seen of it.
#[derive(Debug)]
struct Book {
    name: String,
    place: Place,
    brief: Brief,
    study: Option<Arc<Study>>,
    /// Every run with the name of its directory, and whether it is one of the quick part.
    members: Vec<(Member, String, bool)>,
    pace: Option<Pace>,
    seen: HashMap<Member, (Seen, Pulse)>,
    results: Option<Arc<Results>>,
}

impl Shelf {
    /// The studies that ship and those that were begun in a data directory. Nothing is read yet.
    pub fn new(data: &Path, presets: &Path, means: Means) -> Shelf {
        Shelf { data: data.to_path_buf(), presets: presets.to_path_buf(), means, books: Vec::new() }
    }

    /// Finds the studies that came or went, and returns the names of all.
    pub fn names(&mut self) -> Vec<String> {
        let mut found: Vec<(String, Option<Result<Definition, ConfigError>>)> =
            definition::shipped_names().map(|name| (name.to_owned(), None)).collect();
        for (name, definition) in begun(&self.data) {
            if !found.iter().any(|(known, _)| *known == name) {
                found.push((name, Some(definition)));
            }
        }
        let mut before = std::mem::take(&mut self.books);
        for (name, definition) in found {
            let known = before.iter().position(|book| book.name == name);
            self.books.push(match known {
                Some(at) => before.swap_remove(at),
                None => {
                    let definition = definition
                        .unwrap_or_else(|| definition::load(&name).map(|(_, _, definition)| definition));
                    Book::new(name, definition, &self.data, &self.presets)
                }
            });
        }
        self.books.iter().map(|book| book.name.clone()).collect()
    }

    /// Looks at a study.
    pub fn look(&mut self, name: &str) -> Option<Brief> {
        let book = self.books.iter_mut().find(|book| book.name == name)?;
        book.look(&self.means);
        Some(book.brief.clone())
    }

    /// Estimates how long a study takes, unless that is done; whether it was done now. Every cell of it is planned for that.
    pub fn estimate(&mut self, name: &str) -> bool {
        let means = &self.means;
        let Some(book) = self.books.iter_mut().find(|book| book.name == name) else { return false };
        if book.pace.is_some() || book.brief.error.is_some() {
            return false;
        }
        let Some(study) = book.study.clone() else { return false };
        match Pace::new(&study, &means.experience, &means.backend, means.threads) {
            Ok(mut pace) => {
                for (seen, _) in book.seen.values() {
                    if let Standing::Done(Some(seconds)) = seen.standing {
                        pace.learn(seen.member.cell, seconds);
                    }
                }
                book.pace = Some(pace);
            }
            Err(error) => book.brief.error = Some(error.to_string()),
        }
        true
    }

    /// Cells of a study beside each other, with the runs that were seen of them.
    ///
    /// # Errors
    /// A sentence.
    pub fn groups(&self, name: &str, cells: &[usize]) -> Result<Groups, String> {
        let snapshot = self.snapshot(name)?;
        let book = self.books.iter().find(|book| book.name == name);
        if cells.iter().any(|cell| *cell >= snapshot.study.cells.len()) {
            return Err(format!("study {name} has other cells now; select some of them again"));
        }
        let seen: Vec<Seen> = book.map(Book::seen).unwrap_or_default();
        Ok(Groups::of(&snapshot.study, &seen, cells))
    }

    /// A study as it was looked at last, or why it cannot be looked into.
    ///
    /// # Errors
    /// A sentence.
    pub fn snapshot(&self, name: &str) -> Result<Snapshot, String> {
        let book = self.books.iter().find(|book| book.name == name);
        let book = book.ok_or_else(|| format!("there is no study {name} any more"))?;
        match (&book.study, &book.results) {
            (Some(study), Some(results)) => Ok(Snapshot {
                study: study.clone(),
                place: book.place.clone(),
                brief: book.brief.clone(),
                results: results.clone(),
            }),
            _ => Err(book.brief.why_not().unwrap_or_else(|| format!("study {name} was not read yet"))),
        }
    }
}

impl Brief {
    /// Why it cannot be run.
    pub fn why_not(&self) -> Option<String> {
        let lacks = self.lacks.as_ref();
        let lacks = lacks
            .map(|attack| format!("it needs the attack \"{attack}\", which this gialab does not have yet"));
        lacks.or_else(|| self.error.clone())
    }

    /// Whether somebody computes it.
    pub fn is_live(&self) -> bool {
        self.is_conducted || self.whole.live > 0
    }

    /// Whether there is anything of it here.
    pub fn is_begun(&self) -> bool {
        let Count { done, live, failed, left, .. } = self.whole;
        self.is_conducted || done + live + failed + left > 0
    }
}

impl Book {
    fn new(name: String, definition: Result<Definition, ConfigError>, data: &Path, presets: &Path) -> Book {
        let place = Place::of(data, &name);
        let mut book = Book {
            brief: Brief { name: name.clone(), ..Brief::default() },
            name,
            place,
            study: None,
            members: Vec::new(),
            pace: None,
            seen: HashMap::new(),
            results: None,
        };
        let definition = match definition {
            Ok(definition) => definition,
            Err(error) => {
                book.brief.error = Some(error.to_string());
                return book;
            }
        };
        book.brief.title.clone_from(&definition.title);
        book.brief.about.clone_from(&definition.about);
        book.brief.preset.clone_from(&definition.preset);
        book.brief.lacks = definition.lacks().map(str::to_owned);
        if book.brief.lacks.is_some() {
            return book;
        }
        match Study::of(book.name.clone(), &format!("study \"{}\"", book.name), definition, presets) {
            Ok(study) => book.take(study),
            Err(error) => book.brief.error = Some(error.to_string()),
        }
        book
    }

    fn take(&mut self, study: Study) {
        let quick: HashSet<Member> = match study.definition.quick {
            Some(_) => study.members(Scale { quick: true, pairs: None }).into_iter().collect(),
            None => HashSet::new(),
        };
        let members = study.members(Scale::default());
        self.members =
            members.into_iter().map(|member| (member, study.id(member), quick.contains(&member))).collect();
        self.brief.cells = study.cells.len();
        self.study = Some(Arc::new(study));
    }

    /// Looks at every run without a result that has a directory.
    fn look(&mut self, means: &Means) {
        let Some(study) = self.study.clone() else { return };
        let items = std::fs::read_dir(self.place.store().path()).into_iter().flatten().flatten();
        let there: HashSet<String> = items.filter_map(|item| item.file_name().into_string().ok()).collect();
        let mut is_news = self.results.is_none();
        for (member, id, _) in &self.members {
            let before = self.seen.get_mut(member);
            if !there.contains(id) {
                is_news |= self.seen.remove(member).is_some_and(|(seen, _)| seen.finished.is_some());
                continue;
            }
            if before.as_ref().is_some_and(|(seen, _)| matches!(seen.standing, Standing::Done(_))) {
                continue;
            }
            let run = self.place.run(id);
            let mut pulse = before.map_or_else(Pulse::default, |(_, pulse)| *pulse);
            let standing = standing(&run, &mut pulse).unwrap_or_else(|e| Standing::Failed(e.to_string()));
            let finished = match &standing {
                Standing::Done(seconds) => {
                    is_news = true;
                    if let (Some(pace), Some(seconds)) = (&mut self.pace, seconds) {
                        pace.learn(member.cell, *seconds);
                    }
                    run.result()
                }
                _ => None,
            };
            self.seen.insert(*member, (Seen { member: *member, standing, finished }, pulse));
        }
        let seen = self.seen();
        match &mut self.results {
            Some(results) if !is_news => Arc::make_mut(results).stand(&seen),
            results => *results = Some(Arc::new(Results::of(&study, &seen))),
        }
        self.brief.whole = self.count(means, |_| true);
        let has_quick = study.definition.quick.is_some();
        self.brief.quick = has_quick.then(|| self.count(means, |is_quick| is_quick));
        let any = self.brief.whole.done > 0;
        self.brief.outcome = self.results.as_ref().filter(|_| any).and_then(|results| results.outcome());
        self.brief.is_conducted = is_conducted(&self.place);
    }

    /// All runs, in their order.
    fn seen(&self) -> Vec<Seen> {
        let as_seen = |member: Member| {
            let seen = self.seen.get(&member).map(|(seen, _)| seen.clone());
            seen.unwrap_or(Seen { member, standing: Standing::Open, finished: None })
        };
        self.members.iter().map(|(member, ..)| as_seen(*member)).collect()
    }

    fn count(&self, means: &Means, counts: impl Fn(bool) -> bool) -> Count {
        let mut count = Count::default();
        let mut missing = Vec::new();
        for (member, _, _) in self.members.iter().filter(|(.., is_quick)| counts(*is_quick)) {
            let standing = self.seen.get(member).map_or(&Standing::Open, |(seen, _)| &seen.standing);
            count.all += 1;
            match standing {
                Standing::Done(_) => count.done += 1,
                Standing::Live => count.live += 1,
                Standing::Failed(_) => count.failed += 1,
                Standing::Left => count.left += 1,
                Standing::Open => {}
            }
            if !matches!(standing, Standing::Done(_)) {
                missing.push(*member);
            }
        }
        count.seconds = self.pace.as_ref().map(|pace| pace.left(missing, means.at_once()));
        count
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn means() -> Means {
        Means { experience: Experience::default(), backend: "flex".into(), threads: 2 }
    }

    #[test]
    fn every_study_has_a_line_and_those_that_cannot_be_run_say_why() {
        let data = tempfile::tempdir().unwrap();
        let broken = Place::of(data.path(), "mine");
        std::fs::create_dir_all(broken.path()).unwrap();
        std::fs::write(broken.definition(), "schema = 1\ntitle = 3").unwrap();
        let later = Place::of(data.path(), "later");
        std::fs::create_dir_all(later.path()).unwrap();
        let waits = crate::study::shipped_text("a2")
            .unwrap()
            .replace("pairs = 10", "pairs = 10\nneeds = [\"telepathy\"]");
        std::fs::write(later.definition(), waits).unwrap();
        let mut shelf = Shelf::new(data.path(), Path::new("/nonexistent"), means());
        let names = shelf.names();
        assert_eq!(names.last().unwrap(), "mine");
        let briefs: Vec<Brief> = names.iter().map(|name| shelf.look(name).unwrap()).collect();
        for brief in &briefs {
            assert_eq!(brief.why_not().is_none(), brief.whole.all > 0, "{brief:?}");
            assert!(!brief.is_begun() && !brief.is_live() && brief.outcome.is_none());
        }
        assert!(shelf.snapshot("mine").unwrap_err().contains("study.toml"));
        assert!(briefs.iter().any(|brief| brief.lacks.is_some()));
        let t1 = shelf.snapshot("t1").unwrap();
        assert_eq!(t1.brief.whole, Count { all: 220, ..Count::default() });
        assert_eq!(t1.brief.quick, Some(Count { all: 30, ..Count::default() }));
        // Gone again, and a study that was read stays as it is.
        std::fs::remove_dir_all(broken.path()).unwrap();
        assert_eq!(shelf.names().len(), names.len() - 1);
        assert!(Arc::ptr_eq(&t1.study, &shelf.snapshot("t1").unwrap().study));
    }

    #[test]
    fn an_estimate_is_made_once_and_shrinks_with_what_is_done() {
        let data = tempfile::tempdir().unwrap();
        let mut shelf = Shelf::new(data.path(), Path::new("/nonexistent"), means());
        shelf.names();
        assert_eq!(shelf.look("figure4").unwrap().whole.seconds, None);
        assert!(shelf.estimate("figure4") && !shelf.estimate("figure4"));
        let brief = shelf.look("figure4").unwrap();
        let (whole, quick) = (brief.whole.seconds.unwrap(), brief.quick.unwrap().seconds.unwrap());
        assert!(0.0 < quick && quick < whole, "{quick} {whole}");
        // A directory that no manifest was written to yet is no run.
        let study = shelf.snapshot("figure4").unwrap();
        let id = study.study.id(Member { cell: 0, pair: 0 });
        std::fs::create_dir_all(study.place.run(&id).path()).unwrap();
        assert!(!shelf.look("figure4").unwrap().is_begun());
    }
}
