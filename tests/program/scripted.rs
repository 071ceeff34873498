//! A pretended terminal: a pseudo-terminal that answers questions as some real terminal does, in some manner.
#![allow(unsafe_code)]

use std::io::{ErrorKind, Read, Write};
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::lab::Lab;

/// What a terminal answers, question by question.
#[derive(Clone, Copy)]
pub struct Kind {
    pub name: &'static str,
    pub environment: &'static [(&'static str, &'static str)],
    pub answers: &'static [(&'static str, &'static str)],
}

const VERSION: &str = "\x1b[>q";
const KITTY: &str = "\x1b_Gi=31,";
const CELL: &str = "\x1b[16t";
const BACKGROUND: &str = "\x1b]11;?";
const SYNCHRONIZED: &str = "\x1b[?2026$p";
const REGISTERS: &str = "\x1b[?1;1;0S";
const ATTRIBUTES: &str = "\x1b[c";
const SECONDARY: &str = "\x1b[>c";

const KITTY_OK: (&str, &str) = (KITTY, "\x1b_Gi=31;OK\x1b\\");
const CELL_10X20: (&str, &str) = (CELL, "\x1b[6;20;10t");
const DARK: (&str, &str) = (BACKGROUND, "\x1b]11;rgb:1d1d/1f1f/2121\x1b\\");
const KNOWS_2026: (&str, &str) = (SYNCHRONIZED, "\x1b[?2026;2$y");

pub const KITTY_0_43: Kind = Kind {
    name: "kitty",
    environment: &[("TERM", "xterm-kitty"), ("COLORTERM", "truecolor"), ("KITTY_WINDOW_ID", "1")],
    answers: &[
        (VERSION, "\x1bP>|kitty(0.43.1)\x1b\\"),
        KITTY_OK,
        CELL_10X20,
        DARK,
        KNOWS_2026,
        (ATTRIBUTES, "\x1b[?62;52;c"),
    ],
};
pub const GHOSTTY: Kind = Kind {
    name: "ghostty",
    environment: &[("TERM", "xterm-ghostty"), ("TERM_PROGRAM", "ghostty")],
    answers: &[
        (VERSION, "\x1bP>|ghostty 1.2.0\x1b\\"),
        KITTY_OK,
        CELL_10X20,
        DARK,
        KNOWS_2026,
        (ATTRIBUTES, "\x1b[?62;22;52c"),
    ],
};
pub const WEZTERM: Kind = Kind {
    name: "wezterm",
    environment: &[("TERM", "xterm-256color"), ("TERM_PROGRAM", "WezTerm"), ("COLORTERM", "truecolor")],
    answers: &[
        (VERSION, "\x1bP>|WezTerm 20240203-110809-5046fc22\x1b\\"),
        KITTY_OK,
        CELL_10X20,
        DARK,
        KNOWS_2026,
        (ATTRIBUTES, "\x1b[?65;4;6;18;22c"),
    ],
};
pub const ITERM2: Kind = Kind {
    name: "iterm2",
    environment: &[("TERM", "xterm-256color"), ("LC_TERMINAL", "iTerm2")],
    answers: &[
        (VERSION, "\x1bP>|iTerm2 3.5.10\x1b\\"),
        CELL_10X20,
        (BACKGROUND, "\x1b]11;rgb:ffff/ffff/ffff\x07"),
        KNOWS_2026,
        (ATTRIBUTES, "\x1b[?62;4c"),
    ],
};
pub const FOOT: Kind = Kind {
    name: "foot",
    environment: &[("TERM", "foot"), ("COLORTERM", "truecolor")],
    answers: &[
        (VERSION, "\x1bP>|foot(1.16.2)\x1b\\"),
        (CELL, "\x1b[6;18;9t"),
        DARK,
        KNOWS_2026,
        (REGISTERS, "\x1b[?1;0;1024S"),
        (ATTRIBUTES, "\x1b[?62;4;22;29c"),
    ],
};
pub const XTERM: Kind = Kind {
    name: "xterm",
    environment: &[("TERM", "xterm-256color"), ("XTERM_VERSION", "XTerm(379)")],
    answers: &[
        (VERSION, "\x1bP>|XTerm(379)\x1b\\"),
        (CELL, "\x1b[6;13;6t"),
        (BACKGROUND, "\x1b]11;rgb:ffff/ffff/ffff\x1b\\"),
        (SYNCHRONIZED, "\x1b[?2026;0$y"),
        (REGISTERS, "\x1b[?1;0;16S"),
        (ATTRIBUTES, "\x1b[?63;1;2;4;6;9;15;16;22;28c"),
    ],
};
pub const VS_CODE: Kind = Kind {
    name: "vscode",
    environment: &[("TERM", "xterm-256color"), ("TERM_PROGRAM", "vscode"), ("COLORTERM", "truecolor")],
    answers: &[
        (VERSION, "\x1bP>|xterm.js(5.6.0-beta.99)\x1b\\"),
        (CELL, "\x1b[6;17;8t"),
        DARK,
        KNOWS_2026,
        (ATTRIBUTES, "\x1b[?62;4;9;22c"),
    ],
};
pub const WINDOWS_TERMINAL: Kind = Kind {
    name: "windows-terminal",
    environment: &[("TERM", "xterm-256color"), ("WT_SESSION", "00000000-0000")],
    answers: &[CELL_10X20, DARK, KNOWS_2026, (ATTRIBUTES, "\x1b[?61;4;6;7;14;21;22;23;24;28;32;42c")],
};
pub const LINUX_CONSOLE: Kind =
    Kind { name: "linux", environment: &[("TERM", "linux")], answers: &[(ATTRIBUTES, "\x1b[?6c")] };

/// How the terminal behaves when it is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Answers at once.
    Prompt,
    /// Never says a word.
    Silent,
    /// Answers in two parts, the first so long, with a moment between them.
    Split(usize),
    /// Answers after so many milliseconds.
    Late(u64),
    /// Answers after so many milliseconds, in two parts, the first so long, with as much time between them.
    LateAndSplit(u64, usize),
    /// Says nothing to the first so many questions, and answers the next at once.
    SilentUntil(usize),
    /// Says something else.
    Garbage,
    /// Closes when it is asked.
    Vanishing,
}

pub struct Scripted {
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Arc<Mutex<Option<Box<dyn Write + Send>>>>,
    child: Box<dyn Child + Send + Sync>,
    bytes: Arc<Mutex<Vec<u8>>>,
    open: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

impl Scripted {
    /// Starts gialab in such a terminal.
    pub fn open(lab: &Lab, kind: Kind, manner: Manner, arguments: &[&str]) -> Scripted {
        Scripted::run(lab, kind, manner, env!("CARGO_BIN_EXE_gialab"), arguments)
    }

    /// Starts any program in such a terminal.
    pub fn run(lab: &Lab, kind: Kind, manner: Manner, program: &str, arguments: &[&str]) -> Scripted {
        let size = PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        for (name, value) in [
            ("PATH", std::env::var_os("PATH").unwrap_or_default()),
            ("HOME", lab.path("").into()),
            ("GIALAB_DATA_DIR", lab.path("data").into()),
            ("XDG_CONFIG_HOME", lab.path("config").into()),
            ("XDG_STATE_HOME", lab.path("state").into()),
            ("LANG", "C.UTF-8".into()),
        ] {
            command.env(name, value);
        }
        kind.environment.iter().for_each(|(name, value)| command.env(name, value));
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        // A blocked reader would hold the terminal open when it is to vanish.
        let descriptor = pair.master.as_raw_fd().unwrap();
        // SAFETY: the master is open for as long as this borrow.
        let descriptor = unsafe { BorrowedFd::borrow_raw(descriptor) };
        rustix::fs::fcntl_setfl(descriptor, rustix::fs::OFlags::NONBLOCK).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keys = Arc::new(Mutex::new(Some(pair.master.take_writer().unwrap())));
        let (bytes, open) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(true)));
        let (sink, goes_on, answering) = (bytes.clone(), open.clone(), keys.clone());
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 1 << 16];
            // Questions begin after what was answered last.
            let mut answered = 0;
            let mut asked = 0;
            while goes_on.load(Ordering::Relaxed) {
                match reader.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => {
                        let mut heard = sink.lock().unwrap();
                        heard.extend(&buffer[..count]);
                        let new = heard[answered..].to_vec();
                        // The last question of gialab, and of tmux.
                        if [ATTRIBUTES, SECONDARY].iter().any(|end| find(&new, end.as_bytes()).is_some()) {
                            answered = heard.len();
                            drop(heard);
                            if manner == Manner::Vanishing {
                                break;
                            }
                            asked += 1;
                            let manner = match manner {
                                Manner::SilentUntil(silent) if asked <= silent => Manner::Silent,
                                Manner::SilentUntil(_) => Manner::Prompt,
                                manner => manner,
                            };
                            answer(kind, manner, &new, &answering);
                        }
                    }
                    Err(e) if e.kind() == ErrorKind::WouldBlock => {
                        std::thread::sleep(Duration::from_millis(2));
                    }
                    Err(_) => break,
                }
            }
        });
        Scripted { master: Some(pair.master), keys, child, bytes, open, reader: Some(reader) }
    }

    /// Closes the terminal under the program once the script has ended.
    pub fn vanish(&mut self) {
        self.reader.take().unwrap().join().unwrap();
        self.keys.lock().unwrap().take();
        self.master.take();
    }

    /// Everything that was written to the terminal.
    pub fn raw(&self) -> Vec<u8> {
        self.bytes.lock().unwrap().clone()
    }

    pub fn wrote(&self, bytes: &str) -> bool {
        find(&self.raw(), bytes.as_bytes()).is_some()
    }

    pub fn count(&self, bytes: &str) -> usize {
        String::from_utf8_lossy(&self.raw()).matches(bytes).count()
    }

    /// What stands on the screen.
    pub fn text(&self) -> String {
        let mut parser = vt100::Parser::new(40.try_into().unwrap(), 120.try_into().unwrap(), 0);
        parser.process(&self.raw());
        parser.screen().contents()
    }

    pub fn press(&self, keys: &str) {
        self.keys.lock().unwrap().as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    pub fn wait_for_text(&self, words: &str) {
        self.wait(words, |this| this.text().contains(words));
    }

    pub fn wait_for_bytes(&self, bytes: &str) {
        self.wait(bytes, |this| this.wrote(bytes));
    }

    pub fn wait_until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        self.wait(what, condition);
    }

    fn wait(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let begin = Instant::now();
        while !condition(self) {
            assert!(begin.elapsed() < Duration::from_secs(60), "no {what:?} on:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for the end and returns the exit code.
    pub fn wait_for_exit(&mut self, limit: Duration) -> u32 {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // What was written last may still be on its way.
                std::thread::sleep(Duration::from_millis(20));
                return status.exit_code();
            }
            assert!(begin.elapsed() < limit, "still running:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The alternate screen was left and the cursor is shown again.
    pub fn is_restored(&self) -> bool {
        let raw = String::from_utf8_lossy(&self.raw()).into_owned();
        let last = |on: &str, off: &str| raw.rfind(off) > raw.rfind(on);
        last("\x1b[?1049h", "\x1b[?1049l") && last("\x1b[?25l", "\x1b[?25h")
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.open.store(false, Ordering::Relaxed);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes the answers to the questions that were heard, in their order.
fn answer(kind: Kind, manner: Manner, heard: &[u8], keys: &Mutex<Option<Box<dyn Write + Send>>>) {
    let mut asked: Vec<(usize, &str)> = kind
        .answers
        .iter()
        .filter_map(|(question, answer)| Some((find(heard, question.as_bytes())?, *answer)))
        .collect();
    asked.sort_unstable();
    let whole: String = asked.into_iter().map(|(_, answer)| answer).collect();
    let say = |bytes: &[u8]| {
        if let Some(keys) = keys.lock().unwrap().as_mut() {
            let _ = keys.write_all(bytes).and_then(|()| keys.flush());
        }
    };
    let pause = |milliseconds| std::thread::sleep(Duration::from_millis(milliseconds));
    match manner {
        Manner::Prompt => say(whole.as_bytes()),
        Manner::Silent | Manner::SilentUntil(_) | Manner::Vanishing => {}
        Manner::Split(at) => {
            let (first, second) = whole.as_bytes().split_at(at.min(whole.len()));
            say(first);
            pause(20);
            say(second);
        }
        Manner::LateAndSplit(milliseconds, at) => {
            let (first, second) = whole.as_bytes().split_at(at.min(whole.len()));
            pause(milliseconds);
            say(first);
            pause(milliseconds);
            say(second);
        }
        Manner::Late(milliseconds) => {
            pause(milliseconds);
            say(whole.as_bytes());
        }
        Manner::Garbage => say(b"\x1b[?;;;$y\x1b]11;rgb:zz\x07\x1bPq\xff\xfe\x1b\\\x1b_Gi=31\x1b\\\x1b[?1;2"),
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
