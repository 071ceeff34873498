//! Signals and hang-ups: the viewer leaves, the terminal is restored, workers go on.

use std::io;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use super::msg::Msg;
use super::terminal;

/// How long the loop may take to leave after a signal before it is left behind, and the terminal to take what
/// restores it: one that is stopped by Ctrl-S or behind a dead line takes nothing.
const PATIENCE: Duration = Duration::from_millis(700);

/// Starts the thread that takes signals and the one that watches for a hang-up.
///
/// # Errors
/// If the signals cannot be registered.
pub fn spawn(inbox: SyncSender<Msg>) -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGTSTP, SIGCONT])?;
    thread::spawn(move || {
        for signal in &mut signals {
            match signal {
                // If the terminal is gone, nobody is there to write to.
                SIGHUP if crate::sys::terminal_hung_up(Duration::ZERO) => low_level::exit(129),
                SIGCONT => {
                    let _ = inbox.try_send(Msg::Damaged);
                }
                SIGTSTP => {
                    let _ = inbox.try_send(Msg::Suspend);
                }
                // Ctrl-C in an editor that has the terminal is the editor's.
                SIGINT | SIGQUIT if !terminal::is_owned() => {}
                _ => {
                    let _ = inbox.try_send(Msg::Terminate);
                    thread::spawn(move || {
                        thread::sleep(PATIENCE);
                        terminal::restore();
                        low_level::exit(128 + signal);
                    });
                    thread::spawn(move || {
                        thread::sleep(2 * PATIENCE);
                        low_level::exit(128 + signal);
                    });
                }
            }
        }
    });
    // crossterm 0.29 spins and never returns once its terminal is gone (crossterm-rs/crossterm#793), and
    // launchers swallow SIGHUP. This may go when that is fixed.
    thread::spawn(|| {
        while !crate::sys::terminal_hung_up(Duration::from_secs(1)) {}
        low_level::exit(129);
    });
    Ok(())
}
