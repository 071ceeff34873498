//! What a person writes to a run: a title, a note, tags. A small file of its own in the run's directory, so that a worker and
//! a person never write the same one.

use std::collections::BTreeSet;
use std::io::ErrorKind;

use serde::{Deserialize, Serialize};

use super::directory::write_atomically;
use super::{RunDirectory, RunError};
use crate::{files, text};

/// Characters of a tag and of a title, at most.
const SHORT: usize = 80;
/// Bytes of a note, at most.
const LONG: usize = 64 << 10;

/// What a person wrote.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Notebook {
    /// What the run is called in lists; its directory keeps its name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Anything.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Words to find it by.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
}

/// What cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(String);

/// A change of what is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Another title.
    Title(String),
    /// Another note; an empty one takes it away.
    Note(String),
    /// These tags come, those go.
    Tags(Vec<String>, Vec<String>),
}

impl Entry {
    /// A title.
    ///
    /// # Errors
    /// It is empty, too long, or would act on a terminal.
    pub fn title(text: &str) -> Result<Entry, Unfit> {
        let text = text.trim();
        match text.chars().count() {
            0 => Err(Unfit("a title has at least one character".to_owned())),
            1..=SHORT if !text.contains(text::acts) => Ok(Entry::Title(text.to_owned())),
            1..=SHORT => Err(Unfit("a title has no control characters".to_owned())),
            _ => Err(Unfit(format!("a title has at most {SHORT} characters"))),
        }
    }

    /// A note; lines of it may be broken.
    ///
    /// # Errors
    /// It is too long, or would act on a terminal.
    pub fn note(text: &str) -> Result<Entry, Unfit> {
        let text = text.trim();
        if text.len() > LONG {
            return Err(Unfit("a note has at most 64 KiB; write more into a file of yours".to_owned()));
        }
        match text.chars().any(|c| c != '\n' && text::acts(c)) {
            false => Ok(Entry::Note(text.to_owned())),
            true => Err(Unfit("a note has no control characters but the ends of lines".to_owned())),
        }
    }

    /// Changes of tags, as `+paper -draft`; a tag without a sign comes.
    ///
    /// # Errors
    /// A tag that is none.
    pub fn tags<'a>(changes: impl IntoIterator<Item = &'a str>) -> Result<Entry, Unfit> {
        let (mut come, mut go) = (Vec::new(), Vec::new());
        for change in changes {
            match change.strip_prefix('-') {
                Some(tag) => go.push(tagged(tag)?),
                None => come.push(tagged(change.strip_prefix('+').unwrap_or(change))?),
            }
        }
        Ok(Entry::Tags(come, go))
    }
}

/// A tag as it is kept: in small letters, as filters find it.
fn tagged(tag: &str) -> Result<String, Unfit> {
    let shown = text::one_line(tag);
    let why = match tag.chars().count() {
        0 => "a tag has at least one character, as in +paper".to_owned(),
        _ if tag.contains(text::acts) => format!("the tag \"{shown}\" has a control character; leave it out"),
        _ if tag.contains(char::is_whitespace) => {
            format!(
                "the tag \"{shown}\" has a space; write one tag a word, as in +{}",
                shown.replace(' ', "-")
            )
        }
        _ if tag.starts_with(['+', '-']) => {
            format!("the tag \"{shown}\" begins with a sign; it has one alone")
        }
        1..=SHORT => return Ok(tag.to_lowercase()),
        _ => format!("a tag has at most {SHORT} characters"),
    };
    Err(Unfit(why))
}

impl Notebook {
    /// What is written to a run; nothing if nothing is.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged.
    pub fn read(run: &RunDirectory) -> Result<Notebook, RunError> {
        let path = run.notebook_path();
        let text = match files::read(&path, files::TEXT) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Notebook::default()),
            Err(error) => return Err(RunError::io("read", &path, error)),
        };
        serde_json::from_slice(&text).map_err(|source| RunError::Manifest { path, source })
    }

    /// Writes to a run.
    ///
    /// # Errors
    /// What is there cannot be read, and is left as it is; or nothing can be written.
    pub fn enter(run: &RunDirectory, entry: Entry) -> Result<Notebook, RunError> {
        // A name that leads nowhere is said as such.
        run.manifest()?;
        let mut notebook = Notebook::read(run)?;
        match entry {
            Entry::Title(title) => notebook.title = title,
            Entry::Note(note) => notebook.note = note,
            Entry::Tags(come, go) => {
                notebook.tags.extend(come);
                notebook.tags.retain(|tag| !go.contains(tag));
            }
        }
        let path = run.notebook_path();
        let json = serde_json::to_vec_pretty(&notebook)
            .map_err(|source| RunError::Manifest { path: path.clone(), source })?;
        write_atomically(&path, &json)?;
        Ok(notebook)
    }

    /// Title and tags in a line: `first try #paper #draft`; empty if there is neither.
    pub fn in_line(&self) -> String {
        let title = Some(self.title.clone()).filter(|title| !title.is_empty());
        let tags = self.tags.iter().map(|tag| format!("#{tag}"));
        title.into_iter().chain(tags).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_cannot_be_a_tag_or_a_title_is_said_in_a_sentence() {
        let tags = |changes: &[&str]| Entry::tags(changes.iter().copied());
        let both = Entry::Tags(vec!["paper".into(), "b".into()], vec!["draft".into()]);
        assert_eq!(tags(&["+Paper", "-draft", "b"]).unwrap(), both);
        for (tag, why) in
            [("+", "at least one"), ("a b", "has a space"), ("a\u{1b}[31m", "control character")]
        {
            let said = tags(&[tag]).unwrap_err().to_string();
            assert!(said.contains(why) && !said.contains('\u{1b}'), "{said}");
        }
        assert!(tags(&[&"x".repeat(81)]).is_err() && tags(&["+-x"]).is_err());
        assert!(Entry::title("  ").unwrap_err().to_string().contains("at least one"));
        assert!(Entry::title("a\u{7}b").is_err() && Entry::title(&"x".repeat(81)).is_err());
        assert_eq!(Entry::title(" my run ").unwrap(), Entry::Title("my run".into()));
        assert!(Entry::note("a\nb").is_ok() && Entry::note("a\u{1b}b").is_err());
    }
}

#[cfg(all(test, feature = "tui"))]
mod tests_on_disk {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::run::{Health, Store};
    use crate::tui::fixture::{self, NOW};

    #[test]
    fn entries_are_kept_in_a_private_file_and_damage_is_never_written_over() {
        let data = tempfile::tempdir().unwrap();
        let run = fixture::write_run(&Store::in_data_dir(data.path()), "dlg-lenet", Health::Done, NOW);
        assert_eq!(Notebook::read(&run).unwrap(), Notebook::default());
        Notebook::enter(&run, Entry::tags(["+paper", "+draft"]).unwrap()).unwrap();
        Notebook::enter(&run, Entry::title("first").unwrap()).unwrap();
        let notebook = Notebook::enter(&run, Entry::tags(["-draft", "-never"]).unwrap()).unwrap();
        assert_eq!(
            (notebook.in_line().as_str(), &notebook),
            ("first #paper", &Notebook::read(&run).unwrap())
        );
        let mode = std::fs::metadata(run.notebook_path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(run.notebook_path(), "{").unwrap();
        assert!(
            Notebook::enter(&run, Entry::note("x").unwrap()).unwrap_err().to_string().contains("is damaged")
        );
        assert_eq!(std::fs::read_to_string(run.notebook_path()).unwrap(), "{");
        std::fs::remove_dir_all(run.path()).unwrap();
        assert!(Notebook::enter(&run, Entry::note("x").unwrap()).is_err());
    }
}
