//! A file in the making, under a temporary name beside its final one.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Who may read a file once it is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Its owner alone.
    Private,
    /// Whom the umask, or the file that is replaced, lets: what a person asked a program to write.
    Umask,
}

/// Becomes the file `path` when it is published; without that nothing of it stays. Private until then.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    temporary: PathBuf,
    access: Access,
    file: BufWriter<File>,
}

impl Draft {
    /// Begins the file `path`, in the directory that holds it.
    ///
    /// # Errors
    /// If no file can be made there.
    pub fn create(path: &Path, access: Access) -> io::Result<Draft> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        loop {
            let temporary = parent.join(unguessable());
            // Exclusively: nothing that is there, not even a link to nowhere, is opened.
            let made = OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .mode(0o600)
                .custom_flags(super::flags(OFlags::NOFOLLOW))
                .open(&temporary);
            match made {
                Ok(file) => {
                    super::close_file(&file, 0o600)?;
                    // It says that the file is in use; where there are no locks the process says so.
                    let _ = file.try_lock();
                    return Ok(Draft { path: path.into(), temporary, access, file: BufWriter::new(file) });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Brings everything onto the disk, which may turn out to be full only now.
    ///
    /// # Errors
    /// As the system says.
    pub fn complete(&mut self) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_ref().sync_data()
    }

    /// Gives it its name. A symbolic link of that name is replaced, not followed.
    ///
    /// # Errors
    /// As the system says.
    pub fn publish(mut self) -> io::Result<()> {
        self.complete()?;
        if self.access == Access::Umask {
            let before = fs::symlink_metadata(&self.path).ok().filter(fs::Metadata::is_file);
            let mode = before.map_or_else(|| 0o666 & !umask(), |file| file.permissions().mode() & 0o777);
            super::close_file(self.file.get_ref(), mode)?;
        }
        fs::rename(&self.temporary, &self.path)
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

impl Drop for Draft {
    fn drop(&mut self) {
        // Renamed away if it was published.
        let _ = fs::remove_file(&self.temporary);
    }
}

const BEGIN: &str = ".gialab-";
const END: &str = ".tmp";

/// A name that nobody can lay something under beforehand: the hasher's keys come from the system's randomness.
fn unguessable() -> String {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    format!("{BEGIN}{}-{:016x}{END}", std::process::id(), hasher.finish())
}

/// The process that made a temporary file of this name.
fn maker(name: &str) -> Option<u32> {
    let (process, count) = name.strip_prefix(BEGIN)?.strip_suffix(END)?.split_once('-')?;
    let is_hexadecimal = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hexadecimal.then(|| process.parse().ok())?
}

/// Removes the temporary files that killed processes left in a directory. Those of a living process stay, here (by its
/// id) and on another host (by its lock).
pub fn sweep(directory: &Path) {
    for item in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = item.file_name();
        let Some(pid) = name.to_str().and_then(maker) else { continue };
        let is_ours = item.file_type().is_ok_and(|kind| kind.is_file());
        if !is_ours || crate::sys::process_exists(pid) {
            continue;
        }
        let is_free = super::open(&item.path()).is_ok_and(|file| file.try_lock().is_ok());
        if is_free {
            // What stays is only disk space.
            let _ = fs::remove_file(item.path());
        }
    }
}

/// What this process takes from the modes of files that it makes.
fn umask() -> u32 {
    // The system tells it only in exchange for another one; a file of another thread is private meanwhile.
    let umask = rustix::process::umask(0o077.into());
    rustix::process::umask(umask);
    umask.bits()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::files::write;
    use std::os::unix::fs::symlink;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_draft_is_private_and_nothing_until_it_is_published() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut draft = Draft::create(&path, Access::Umask).unwrap();
        draft.write_all(b"content").unwrap();
        assert_eq!(mode(&draft.temporary), 0o600);
        assert!(!path.exists());
        draft.publish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"content");
        drop(Draft::create(&path, Access::Private).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_in_the_way_is_replaced_and_its_target_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (path, theirs) = (folder.path().join("file"), folder.path().join("theirs"));
        fs::write(&theirs, "kept").unwrap();
        symlink(&theirs, &path).unwrap();
        write(&path, b"ours", Access::Private).unwrap();
        assert_eq!((mode(&path), fs::read(&path).unwrap()), (0o600, b"ours".to_vec()));
        assert_eq!(fs::read_to_string(&theirs).unwrap(), "kept");
    }

    #[test]
    fn what_a_person_asked_for_keeps_the_mode_of_what_it_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        write(&path, b"new", Access::Umask).unwrap();
        assert_eq!(mode(&path), 0o640);
        write(&path, b"new", Access::Private).unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn no_two_names_are_alike_and_each_tells_its_maker() {
        let names: std::collections::HashSet<String> = (0..100).map(|_| unguessable()).collect();
        assert_eq!(names.len(), 100);
        assert!(names.iter().all(|name| maker(name) == Some(std::process::id())));
        for other in ["notes.tmp", "a.12-5.tmp", ".gialab-12-.tmp", ".gialab-12.tmp", "events.jsonl"] {
            assert_eq!(maker(other), None, "{other}");
        }
    }

    #[test]
    fn what_dead_processes_left_is_swept_and_what_is_in_use_stays() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let dead = child.id();
        child.wait().unwrap();
        let left = folder.path().join(format!(".gialab-{dead}-00ff.tmp"));
        fs::write(&left, "half").unwrap();
        let in_use = folder.path().join(format!(".gialab-{dead}-00aa.tmp"));
        let other_host = File::create(&in_use).unwrap();
        other_host.lock().unwrap();
        let mine = folder.path().join(format!("notes.{dead}-0.tmp"));
        fs::write(&mine, "mine").unwrap();
        let draft = Draft::create(&folder.path().join("x"), Access::Private).unwrap();
        sweep(folder.path());
        assert!(!left.exists());
        assert!(in_use.exists() && draft.temporary.exists() && mine.exists());
    }
}
