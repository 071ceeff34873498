//! Copies text, over SSH too: by OSC 52 outside tmux, through tmux's buffer inside, and always into a file.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crossterm::clipboard::CopyToClipboard;

use crate::files::{self, Access};

/// A tmux that does not answer in this time is given up: an older client may hang for ever.
const PATIENCE: Duration = Duration::from_millis(300);

/// Copies the text; says where it is to be found.
///
/// # Errors
/// If not even the file could be written.
pub fn copy(text: &str, directory: &Path, in_tmux: bool, out: &mut impl Write) -> Result<String, String> {
    let file = directory.join("copied.tsv");
    files::write(&file, text.as_bytes(), Access::Private)
        .map_err(|e| format!("cannot write {}: {e}", file.display()))?;
    let beside = format!("also in {}", file.display());
    if in_tmux {
        return Ok(match load_buffer(&file) {
            Ok(()) => format!("copied into tmux's buffer; {beside}"),
            Err(_) => format!("tmux took no copy; it is in {}", file.display()),
        });
    }
    match osc52(text, out) {
        // Nobody answers OSC 52: whether the terminal took it is not known.
        Ok(()) => Ok(format!("copied if the terminal allows it; {beside}")),
        Err(_) => Ok(format!("the terminal took no copy; it is in {}", file.display())),
    }
}

fn osc52(text: &str, out: &mut impl Write) -> io::Result<()> {
    crossterm::execute!(out, CopyToClipboard::to_clipboard_from(text))
}

/// `tmux load-buffer -w`, which also reaches the outer terminal's clipboard where tmux may set it.
fn load_buffer(file: &Path) -> io::Result<()> {
    let run = |arguments: &[&str]| -> io::Result<bool> {
        let mut tmux = Command::new("tmux");
        tmux.args(arguments).arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut tmux = tmux.spawn()?;
        let begin = Instant::now();
        loop {
            match tmux.try_wait()? {
                Some(status) => return Ok(status.success()),
                None if begin.elapsed() > PATIENCE => {
                    tmux.kill()?;
                    tmux.wait()?;
                    return Ok(false);
                }
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    };
    // -w is known from 3.2 on.
    if run(&["load-buffer", "-w"])? || run(&["load-buffer"])? {
        return Ok(());
    }
    Err(io::Error::other("tmux refused"))
}

/// Where copies are kept.
pub fn directory(log_file: &Path) -> PathBuf {
    log_file.parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn outside_tmux_the_terminal_gets_it_and_the_file_holds_it() {
        let directory = tempfile::tempdir().unwrap();
        let mut out = Vec::new();
        let said = copy("a\tb\n", directory.path(), false, &mut out).unwrap();
        assert_eq!(out, b"\x1b]52;c;YQliCg==\x1b\\");
        assert_eq!(std::fs::read_to_string(directory.path().join("copied.tsv")).unwrap(), "a\tb\n");
        assert!(said.contains("copied.tsv"));
    }

    #[test]
    fn without_a_place_for_the_file_it_says_why() {
        let said = copy("a", Path::new("/nonexistent"), false, &mut Vec::new()).unwrap_err();
        assert!(said.contains("/nonexistent"), "{said}");
    }
}
