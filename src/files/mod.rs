//! Files, opened with care. What is read is a regular file of bearable size: never a pipe that would hang, a device, or
//! gigabytes where kilobytes are meant. What is written goes through no symbolic link and, but for what a person asked
//! for, belongs to its writer alone, whatever the umask says.

mod draft;

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::text::grouped;

pub use draft::{Access, Draft, sweep};

/// Texts that a person writes: presets, themes, keys, preferences.
pub const TEXT: u64 = 1 << 20;

/// Documents of ours: manifests and results.
pub const DOCUMENT: u64 = 64 << 20;

/// States of attacks and models: read as a whole.
pub const STATE: u64 = 16 << 30;

/// Pictures of a run.
pub const PICTURE: u64 = 64 << 20;

/// Permissions of group and others.
const OTHERS: u32 = 0o077;

/// Opens a regular file for reading.
///
/// # Errors
/// As the system says, or that it is no regular file. Never waits.
pub fn open(path: &Path) -> io::Result<File> {
    // Some devices act when they are opened.
    regular(&fs::metadata(path)?)?;
    let file = OpenOptions::new().read(true).custom_flags(flags(OFlags::NONBLOCK)).open(path)?;
    regular(&file.metadata()?)?;
    Ok(file)
}

/// Reads a regular file of at most `most` bytes.
///
/// # Errors
/// As [`open`], or that it is larger.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let length = file.metadata()?.len();
    let too_large = |length: u64| {
        let sentence = format!("it has {} bytes, and at most {} are read", grouped(length), grouped(most));
        io::Error::new(ErrorKind::FileTooLarge, sentence)
    };
    if length > most {
        return Err(too_large(length));
    }
    let mut bytes = Vec::with_capacity(length as usize);
    // It may grow meanwhile.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(too_large(bytes.len() as u64)) } else { Ok(bytes) }
}

/// Reads a regular file of at most `most` bytes of UTF-8.
///
/// # Errors
/// As [`read`], or that it is no UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(read(path, most)?)
        .map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not text in UTF-8"))
}

/// Opens a file of ours for reading and appending; it is made if it is not there.
///
/// # Errors
/// As the system says, or that it is a symbolic link or no regular file.
pub fn append(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(flags(OFlags::NOFOLLOW | OFlags::NONBLOCK))
        .open(path)
        .map_err(through_link)?;
    regular(&file.metadata()?)?;
    close_file(&file, 0o600)?;
    Ok(file)
}

/// Makes a directory of ours and those above it that are missing.
///
/// # Errors
/// As the system says.
pub fn create_directories(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_directories(parent)?;
    }
    match create_directory(path) {
        // Somebody else was faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}

/// Makes one directory of ours.
///
/// # Errors
/// As the system says; also if anything is there, a symbolic link for one.
pub fn create_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)?;
    // The umask may have taken from the mode, rules of the directory above may have added.
    fs::set_permissions(path, Permissions::from_mode(0o700))
}

/// Writes a file as a whole: readers see the old content or the new one.
///
/// # Errors
/// As the system says; then the old content stands.
pub fn write(path: &Path, content: &[u8], access: Access) -> io::Result<()> {
    let mut draft = Draft::create(path, access)?;
    io::Write::write_all(&mut draft, content)?;
    draft.publish()
}

/// Refuses a place to write to that is a symbolic link, to a file or to a folder: who made it says what it points to.
///
/// # Errors
/// That it is one, and where it leads.
pub fn refuse_link(path: &Path) -> io::Result<()> {
    // Without a slash behind it, which would be looked behind.
    let path: PathBuf = path.components().collect();
    match fs::read_link(&path) {
        Ok(target) => Err(io::Error::new(
            ErrorKind::InvalidInput,
            format!(
                "it is a symbolic link, and nothing is written through one; name {} itself",
                target.display()
            ),
        )),
        Err(_) => Ok(()),
    }
}

/// Whether group or others may do anything with it.
pub fn is_open(metadata: &Metadata) -> bool {
    !metadata.file_type().is_symlink() && metadata.permissions().mode() & OTHERS != 0
}

/// Takes away what group and others may do. Symbolic links are left alone.
///
/// # Errors
/// As the system says: it is somebody else's.
pub fn close(path: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if !is_open(&metadata) {
        return Ok(());
    }
    let mode = metadata.permissions().mode() & 0o7777 & !OTHERS;
    fs::set_permissions(path, Permissions::from_mode(mode))
}

/// Gives a file of ours its mode, whatever made it.
fn close_file(file: &File, mode: u32) -> io::Result<()> {
    if file.metadata()?.permissions().mode() & 0o777 == mode {
        return Ok(());
    }
    file.set_permissions(Permissions::from_mode(mode))
}

/// # Errors
/// If it is no regular file.
pub fn regular(metadata: &Metadata) -> io::Result<()> {
    let kind = metadata.file_type();
    let what = match () {
        () if kind.is_file() => return Ok(()),
        () if kind.is_dir() => "a directory",
        () if kind.is_fifo() => "a pipe (FIFO)",
        () if kind.is_socket() => "a socket",
        () if kind.is_symlink() => "a symbolic link",
        () => "a device",
    };
    Err(io::Error::new(ErrorKind::InvalidInput, format!("it is {what}, not a regular file")))
}

/// What the system says of a symbolic link where none may be is easily misread.
fn through_link(error: io::Error) -> io::Error {
    if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
        return io::Error::new(
            ErrorKind::InvalidInput,
            "it is a symbolic link, and nothing is written through one",
        );
    }
    error
}

fn flags(flags: OFlags) -> i32 {
    flags.bits() as i32
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    pub fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn fifo(path: &Path) {
        rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    }

    #[test]
    fn only_regular_files_of_bearable_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("text"), "12345").unwrap();
        symlink(at("text"), at("link")).unwrap();
        assert_eq!(read_text(&at("text"), 5).unwrap(), "12345");
        assert_eq!(read_text(&at("link"), 5).unwrap(), "12345");
        let error = read(&at("text"), 4).unwrap_err().to_string();
        assert_eq!(error, "it has 5 bytes, and at most 4 are read");
        fs::write(at("bytes"), [0xff]).unwrap();
        assert_eq!(read_text(&at("bytes"), 5).unwrap_err().to_string(), "it is not text in UTF-8");

        fifo(&at("pipe"));
        for path in [at("pipe"), "/dev/zero".into(), folder.path().into()] {
            let error = read(&path, 5).unwrap_err().to_string();
            assert!(error.ends_with("not a regular file"), "{}: {error}", path.display());
        }
        assert_eq!(read(&at("nothing"), 5).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_large_file_is_refused_by_its_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sparse");
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let error = read(&path, TEXT).unwrap_err().to_string();
        assert_eq!(error, "it has 1,099,511,627,776 bytes, and at most 1,048,576 are read");
    }

    #[test]
    fn nothing_is_appended_through_a_link_or_to_a_pipe() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("theirs"), "kept").unwrap();
        symlink(at("theirs"), at("log")).unwrap();
        assert!(append(&at("log")).unwrap_err().to_string().contains("symbolic link"));
        assert_eq!(fs::read_to_string(at("theirs")).unwrap(), "kept");
        fifo(&at("pipe"));
        assert!(append(&at("pipe")).unwrap_err().to_string().contains("pipe"));
    }

    #[test]
    fn a_place_to_write_to_is_no_link() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("real")).unwrap();
        symlink("real", at("link")).unwrap();
        symlink("nothing", at("dangling")).unwrap();
        for name in ["link", "link/", "dangling"] {
            let error = refuse_link(&at(name)).unwrap_err().to_string();
            assert!(error.starts_with("it is a symbolic link"), "{name}: {error}");
        }
        for name in ["real", "nothing", "link/file"] {
            refuse_link(&at(name)).unwrap();
        }
    }

    #[test]
    fn what_is_ours_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        create_directories(&at("a/b")).unwrap();
        assert_eq!((mode(&at("a")), mode(&at("a/b"))), (0o700, 0o700));
        create_directories(&at("a/b")).unwrap();
        symlink(at("a"), at("planted")).unwrap();
        assert_eq!(create_directory(&at("planted")).unwrap_err().kind(), ErrorKind::AlreadyExists);
        append(&at("log")).unwrap();
        assert_eq!(mode(&at("log")), 0o600);
        fs::set_permissions(at("log"), Permissions::from_mode(0o644)).unwrap();
        assert!(is_open(&fs::metadata(at("log")).unwrap()));
        append(&at("log")).unwrap();
        assert_eq!(mode(&at("log")), 0o600);
        fs::set_permissions(at("a"), Permissions::from_mode(0o755)).unwrap();
        close(&at("a")).unwrap();
        assert_eq!(mode(&at("a")), 0o700);
    }
}
