//! The thread that reads keys; the only reader of the terminal.

use std::sync::mpsc::SyncSender;
use std::thread;

use crossterm::event::{self, Event};

use super::msg::Msg;

/// Reads until the terminal is gone or nobody listens.
pub fn spawn(inbox: SyncSender<Msg>) {
    thread::spawn(move || {
        while let Ok(event) = event::read() {
            let msg = match event {
                Event::Key(key) => Msg::Key(key),
                Event::Paste(text) => Msg::Paste(text),
                Event::Resize(columns, rows) => Msg::Resized(columns, rows),
                Event::FocusGained => Msg::Damaged,
                Event::FocusLost | Event::Mouse(_) => continue,
            };
            if inbox.send(msg).is_err() {
                return;
            }
        }
        let _ = inbox.send(Msg::Terminate);
    });
}
