//! A pseudo-terminal with the real program in it, for tests of what a person sees.
#![allow(unsafe_code)]

use std::ffi::OsString;
use std::io::{ErrorKind, Read, Write};
use std::num::NonZero;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::lab::Lab;

/// One terminal and what runs in it.
pub struct Screen {
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Option<Box<dyn Write + Send>>,
    pub child: Box<dyn Child + Send + Sync>,
    bytes: Arc<Mutex<Vec<u8>>>,
    open: Arc<AtomicBool>,
    hung_up: Arc<AtomicBool>,
    size: (u16, u16),
}

impl Screen {
    /// The terminal application in a terminal of that size.
    pub fn open(lab: &Lab, columns: u16, rows: u16) -> Screen {
        Screen::run(lab, &[env!("CARGO_BIN_EXE_gialab")], columns, rows)
    }

    /// Any program with its arguments; its path must be absolute.
    pub fn run(lab: &Lab, program: &[&str], columns: u16, rows: u16) -> Screen {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::from_argv(program.iter().map(OsString::from).collect());
        for (name, value) in [
            ("GIALAB_DATA_DIR", lab.path("data")),
            ("HOME", lab.path("")),
            ("XDG_CONFIG_HOME", lab.path("config")),
            ("XDG_STATE_HOME", lab.path("state")),
            ("XDG_CACHE_HOME", lab.path("cache")),
        ] {
            command.env(name, value);
        }
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        // What tells of the terminal that the tests themselves run in.
        for name in ["COLORTERM", "NO_COLOR", "TMUX", "TERM_PROGRAM", "LC_TERMINAL", "SSH_CONNECTION"] {
            command.env_remove(name);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let bytes = Arc::new(Mutex::new(Vec::new()));
        // A blocked reader would hold the terminal open when it is to be hung up.
        let descriptor = pair.master.as_raw_fd().unwrap();
        // SAFETY: the master is open for as long as this borrow.
        let descriptor = unsafe { BorrowedFd::borrow_raw(descriptor) };
        rustix::fs::fcntl_setfl(descriptor, rustix::fs::OFlags::NONBLOCK).unwrap();
        let (mut reader, sink) = (pair.master.try_clone_reader().unwrap(), bytes.clone());
        let (open, hung_up) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
        let (goes_on, ended) = (open.clone(), hung_up.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while goes_on.load(Ordering::Relaxed) {
                match reader.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => sink.lock().unwrap().extend(&buffer[..count]),
                    Err(e) if e.kind() == ErrorKind::WouldBlock => {
                        std::thread::sleep(Duration::from_millis(5));
                    }
                    Err(_) => break,
                }
            }
            drop(reader);
            ended.store(true, Ordering::Relaxed);
        });
        let keys = pair.master.take_writer().unwrap();
        Screen {
            master: Some(pair.master),
            keys: Some(keys),
            child,
            bytes,
            open,
            hung_up,
            size: (rows, columns),
        }
    }

    /// Takes nothing from the program any more, as a terminal at the other end of a dead line.
    pub fn stall(&mut self) {
        self.open.store(false, Ordering::Relaxed);
        while !self.hung_up.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Closes the terminal under the program.
    pub fn hang_up(&mut self) {
        self.stall();
        self.keys.take();
        self.master.take();
    }

    /// Every byte written so far.
    pub fn raw(&self) -> Vec<u8> {
        self.bytes.lock().unwrap().clone()
    }

    /// The screen as it stands.
    pub fn text(&self) -> String {
        let mut parser =
            vt100::Parser::new(NonZero::new(self.size.0).unwrap(), NonZero::new(self.size.1).unwrap(), 0);
        parser.process(&self.raw());
        parser.screen().contents()
    }

    /// Types.
    pub fn press(&mut self, keys: &str) {
        self.keys.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until these words stand on the screen.
    pub fn wait_for(&self, words: &str) {
        let begin = Instant::now();
        while !self.text().contains(words) {
            assert!(begin.elapsed() < Duration::from_secs(60), "no {words:?} on:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Waits until these words stand there no more.
    pub fn wait_until_gone(&self, words: &str) {
        let begin = Instant::now();
        while self.text().contains(words) {
            assert!(begin.elapsed() < Duration::from_secs(60), "{words:?} still on:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Waits for the end of the program; its exit code.
    pub fn wait_for_exit(&mut self, limit: Duration) -> u32 {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(begin.elapsed() < limit, "still running:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The alternate screen was left and the cursor is shown again.
    pub fn is_restored(&self) -> bool {
        let raw = String::from_utf8_lossy(&self.raw()).into_owned();
        let last = |on: &str, off: &str| raw.rfind(off) > raw.rfind(on);
        last("\x1b[?1049h", "\x1b[?1049l") && last("\x1b[?25l", "\x1b[?25h")
    }
}
