//! A file in the making, under a temporary name beside its final one.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::ExportError;
use crate::files::{self, Access};

/// Becomes the file `path` when it is published; without that nothing of it stays.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    file: files::Draft,
}

impl Draft {
    /// Begins the file `path`.
    ///
    /// # Errors
    /// If `path` is no place for a file.
    pub fn create(path: &Path) -> Result<Draft, ExportError> {
        let refuse = |reason: String| Err(ExportError::Target { path: path.to_path_buf(), reason });
        if path.file_name().is_none() {
            return refuse("it names no file".to_owned());
        }
        if let Err(link) = files::refuse_link(path) {
            return refuse(link.to_string());
        }
        match fs::metadata(path) {
            Ok(known) if known.is_dir() => return refuse("it is a directory; name a file in it".to_owned()),
            // A device or a pipe would be replaced by the renaming.
            Ok(known) if !known.is_file() => {
                return refuse(
                    "it is not a regular file; use --out - and lead standard output there".to_owned(),
                );
            }
            _ => {}
        }
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
            _ => PathBuf::from("."),
        };
        if !parent.is_dir() {
            return refuse(format!("there is no directory {}; make it first", parent.display()));
        }
        // What an export left that was killed here.
        files::sweep(&parent);
        let file = files::Draft::create(path, Access::Umask)
            .map_err(|reason| ExportError::Write { path: path.to_path_buf(), reason })?;
        Ok(Draft { path: path.to_path_buf(), file })
    }

    /// The file it is to become.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Brings everything onto the disk, which may turn out to be full only now.
    pub fn complete(&mut self) -> io::Result<()> {
        self.file.complete()
    }

    /// Gives it its name.
    pub fn publish(self) -> Result<PathBuf, ExportError> {
        match self.file.publish() {
            Ok(()) => Ok(self.path),
            Err(reason) => Err(ExportError::Write { path: self.path, reason }),
        }
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
