//! Terminal multiplexers: what stands between us and the terminal, and what it lets through.
//!
//! tmux is asked instead of the terminal behind it: an answer that comes through tmux late goes to whichever
//! pane is active, as typed text. Nothing of the user's tmux is changed unless that is asked for.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Serialize;

/// How long a tmux client may take: an old one waits for ever for the answer of a newer server.
const PATIENCE: Duration = Duration::from_millis(300);

/// What stands between us and the terminal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Multiplexer {
    /// Nothing that is known.
    #[default]
    None,
    /// tmux on this machine, with what it says of itself.
    Tmux(Tmux),
    /// tmux or screen on the machine that this was logged in from, which cannot be asked.
    Remote,
    /// GNU screen.
    Screen,
    /// Zellij.
    Zellij,
}

/// What tmux says of itself and of the terminal it is shown in. Empty where it does not answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tmux {
    /// Version of the server.
    pub version: String,
    /// `allow-passthrough` of this pane: `off`, `on` or `all`.
    pub passthrough: String,
    /// Name and version of the terminal behind it.
    pub terminal: String,
    /// What tmux knows that terminal can do, with commas.
    pub features: String,
    /// `focus-events`: `off` or `on`.
    pub focus_events: String,
}

impl Tmux {
    fn of_answer(said: &str) -> Tmux {
        let mut lines = said.lines().map(str::to_owned);
        let mut line = || lines.next().unwrap_or_default();
        // Formats tell options by number.
        let option = |value: String| match value.as_str() {
            "0" => "off".to_owned(),
            "1" => "on".to_owned(),
            "2" => "all".to_owned(),
            _ => value,
        };
        Tmux {
            version: line(),
            passthrough: option(line()),
            terminal: line(),
            features: line(),
            focus_events: option(line()),
        }
    }

    /// Whether wrapped sequences reach the terminal.
    pub fn passes(&self) -> bool {
        matches!(self.passthrough.as_str(), "on" | "all")
    }
}

impl Multiplexer {
    /// Name for people.
    pub fn name(&self) -> &'static str {
        match self {
            Multiplexer::None => "none",
            Multiplexer::Tmux(_) => "tmux",
            Multiplexer::Remote => "tmux or screen on the machine you came from",
            Multiplexer::Screen => "GNU screen",
            Multiplexer::Zellij => "Zellij",
        }
    }

    /// What the environment says. tmux has not been asked yet.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Multiplexer {
        let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        let term = variable("TERM").unwrap_or_default();
        let by_term = term.starts_with("tmux") || term.starts_with("screen");
        // A terminal that was started inside tmux inherits TMUX, but has a TERM of its own.
        if set("TMUX") && (by_term || variable("TERM_PROGRAM").as_deref() == Some("tmux")) {
            Multiplexer::Tmux(Tmux::default())
        } else if set("STY") && by_term {
            Multiplexer::Screen
        } else if by_term {
            Multiplexer::Remote
        } else if set("ZELLIJ") {
            Multiplexer::Zellij
        } else {
            Multiplexer::None
        }
    }
}

/// Asks the tmux of this pane.
pub fn ask_tmux(variable: impl Fn(&str) -> Option<String>) -> Tmux {
    let fields = ["version", "allow-passthrough", "client_termtype", "client_termfeatures", "focus-events"];
    let format: String = fields.iter().map(|field| format!("#{{{field}}}\n")).collect();
    Tmux::of_answer(&tmux(&variable, &["display-message", "-p", &format]).unwrap_or_default())
}

/// Lets this pane of tmux pass sequences on. False if tmux did not do it.
pub fn allow_passthrough(variable: impl Fn(&str) -> Option<String>) -> bool {
    tmux(&variable, &["set-option", "-p", "allow-passthrough", "on"]).is_some()
}

/// Runs a tmux command on this pane and returns what it prints; none if it fails or takes too long.
fn tmux(variable: &impl Fn(&str) -> Option<String>, arguments: &[&str]) -> Option<String> {
    let (command, options) = arguments.split_first()?;
    let pane = variable("TMUX_PANE")?;
    let mut child = Command::new(server(&variable("TMUX").unwrap_or_default()))
        .arg(command)
        .args(["-t", &pane])
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let begin = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if begin.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(5)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    };
    // A few words, which the pipe has room for.
    let mut said = String::new();
    child.stdout.take()?.read_to_string(&mut said).ok()?;
    status.success().then_some(said)
}

/// The server's own program, which is the right client for it even if another is in the path.
fn server(tmux: &str) -> PathBuf {
    let program = tmux.split(',').nth(1).map(|pid| PathBuf::from(format!("/proc/{pid}/exe")));
    program.filter(|program| program.exists()).unwrap_or_else(|| PathBuf::from("tmux"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Multiplexer {
        Multiplexer::of_environment(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn an_inherited_variable_is_no_multiplexer() {
        let tmux = ("TMUX", "/tmp/tmux-0/default,1,0");
        assert_eq!(of(&[tmux, ("TERM", "tmux-256color")]).name(), "tmux");
        assert_eq!(of(&[tmux, ("TERM", "xterm-256color"), ("TERM_PROGRAM", "tmux")]).name(), "tmux");
        assert_eq!(of(&[tmux, ("TERM", "xterm-kitty")]), Multiplexer::None);
        assert_eq!(of(&[("STY", "1.pts"), ("TERM", "screen.xterm-256color")]), Multiplexer::Screen);
        assert_eq!(of(&[("TERM", "tmux-256color")]), Multiplexer::Remote);
        assert_eq!(of(&[("ZELLIJ", "0"), ("TERM", "xterm-256color")]), Multiplexer::Zellij);
    }

    #[test]
    fn an_answer_is_read_line_by_line() {
        let tmux = Tmux::of_answer("3.3a\n1\nkitty(0.43.1)\n256,RGB\n0\n");
        assert_eq!((tmux.version.as_str(), tmux.passthrough.as_str()), ("3.3a", "on"));
        assert_eq!((tmux.terminal.as_str(), tmux.focus_events.as_str()), ("kitty(0.43.1)", "off"));
        assert_eq!(Tmux::of_answer(""), Tmux::default());
    }

    #[test]
    fn only_on_and_all_pass() {
        let tmux = |passthrough: &str| Tmux { passthrough: passthrough.into(), ..Tmux::default() };
        assert!(tmux("on").passes() && tmux("all").passes());
        assert!(!tmux("off").passes() && !tmux("").passes());
    }
}
