//! The part about the terminal.

use std::io::Write;

use gialab::gfx::mux::Multiplexer;
use gialab::gfx::probe::{Answers, RawMode, Reply};
use gialab::gfx::{self, Capabilities, Depth, Wishes};
use serde::Serialize;

use super::{Problem, line, problem};

#[derive(Serialize)]
pub struct Terminal {
    /// Stdin and stdout are a terminal.
    is_terminal: bool,
    term: String,
    term_program: String,
    locale: String,
    #[serde(flatten)]
    capabilities: Capabilities,
    light: Option<bool>,
    /// Every answer with its time in milliseconds.
    replies: Vec<Timed>,
    /// Milliseconds waited for answers; none if nothing was asked.
    waited: Option<f64>,
}

#[derive(Serialize)]
struct Timed {
    #[serde(flatten)]
    reply: Reply,
    milliseconds: f64,
}

impl Terminal {
    /// Asks the terminal, if there is one.
    pub fn look(wishes: Wishes, problems: &mut Vec<Problem>) -> Terminal {
        let is_terminal = gfx::is_terminal();
        let (capabilities, listener) = {
            let _raw = is_terminal.then(RawMode::enter);
            gfx::look(wishes)
        };
        let answers = listener.map(|listener| listener.answers).unwrap_or_default();
        let variable = |name: &str| std::env::var(name).unwrap_or_default();
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().map(variable).find(|value| !value.is_empty());
        let terminal = Terminal {
            is_terminal,
            term: variable("TERM"),
            term_program: variable("TERM_PROGRAM"),
            locale: locale.unwrap_or_default(),
            light: capabilities.is_light(),
            replies: timed(&answers),
            waited: answers.asked.map(|_| answers.waited.as_secs_f64() * 1e3),
            capabilities,
        };
        problems.extend(terminal.problems(&answers));
        terminal
    }

    fn problems(&self, answers: &Answers) -> Vec<Problem> {
        let capabilities = &self.capabilities;
        let mut problems = Vec::new();
        if let Some(remedy) = &capabilities.remedy {
            problems.push(problem(capabilities.why.clone(), remedy.clone()));
        }
        if answers.asked.is_some() && answers.attributes().is_none() {
            problems.push(problem(
                capabilities.why.clone(),
                "if it is a slow line, choose the protocol yourself with --images",
            ));
        }
        if self.is_terminal && gfx::only_ascii(|name| std::env::var(name).ok()) && self.term != "linux" {
            problems.push(problem(
                "the locale is not UTF-8, so only ASCII is drawn",
                "export LANG=C.UTF-8 for lines and pictures",
            ));
        }
        if self.is_terminal && capabilities.depth == Depth::Indexed && capabilities.over_ssh {
            problems.push(problem(
                "256 colours: ssh does not forward COLORTERM",
                "export COLORTERM=truecolor on this machine if your terminal shows 24 bits",
            ));
        }
        problems
    }

    pub fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        let capabilities = &self.capabilities;
        writeln!(out, "\nterminal")?;
        if !self.is_terminal {
            line(out, 2, "terminal", "no: run prints plain lines, the terminal application needs one")?;
        }
        let name = capabilities.brand.name();
        let version =
            capabilities.version.as_ref().map_or(String::new(), |version| format!(", says {version}"));
        line(out, 2, "brand", &format!("{name}{version}"))?;
        line(out, 2, "TERM", or_none(&self.term))?;
        line(out, 2, "TERM_PROGRAM", or_none(&self.term_program))?;
        line(out, 2, "multiplexer", capabilities.multiplexer.name())?;
        if let Multiplexer::Tmux(tmux) = &capabilities.multiplexer {
            line(
                out,
                2,
                "",
                &format!("version {}, shown in {}", or_none(&tmux.version), or_none(&tmux.terminal)),
            )?;
            line(
                out,
                2,
                "",
                &format!(
                    "allow-passthrough {}, focus-events {}",
                    or_none(&tmux.passthrough),
                    or_none(&tmux.focus_events)
                ),
            )?;
        }
        line(out, 2, "over ssh", if capabilities.over_ssh { "yes" } else { "no" })?;
        line(out, 2, "pictures", &format!("{}: {}", capabilities.protocol.name(), capabilities.why))?;
        let depth = match capabilities.depth {
            Depth::True => "24 bits",
            Depth::Indexed => "256",
            Depth::Sixteen => "16",
            Depth::Mono => "none",
        };
        line(out, 2, "colours", depth)?;
        let background = match (capabilities.background, self.light) {
            (Some([r, g, b]), Some(light)) => {
                format!("#{r:02x}{g:02x}{b:02x}, {}", if light { "light" } else { "dark" })
            }
            _ => "not known".to_owned(),
        };
        line(out, 2, "background", &background)?;
        let cell = capabilities.cell.map_or("not known".into(), |(w, h)| format!("{w}x{h} pixels"));
        line(out, 2, "cell", &cell)?;
        line(out, 2, "characters", if capabilities.ascii { "ASCII" } else { "UTF-8" })?;
        line(out, 2, "locale", or_none(&self.locale))?;
        for (at, Timed { reply, milliseconds }) in self.replies.iter().enumerate() {
            let label = if at == 0 { "answers" } else { "" };
            line(out, 2, label, &format!("{milliseconds:>5.1} ms  {}", describe(reply)))?;
        }
        match (self.waited, self.replies.is_empty()) {
            (None, _) => line(out, 2, "answers", "not asked"),
            (Some(waited), true) => line(out, 2, "answers", &format!("none within {waited:.0} ms")),
            (Some(_), false) => Ok(()),
        }
    }
}

fn timed(answers: &Answers) -> Vec<Timed> {
    let timed = |(reply, time): &(Reply, std::time::Duration)| Timed {
        reply: reply.clone(),
        milliseconds: (time.as_secs_f64() * 1e4).round() / 10.0,
    };
    answers.replies.iter().map(timed).collect()
}

fn describe(reply: &Reply) -> String {
    match reply {
        Reply::Version(text) => format!("version (XTVERSION): {text}"),
        Reply::Kitty(answer) => format!("kitty graphics: {answer}"),
        Reply::Cell(width, height) => format!("cell: {width}x{height} pixels"),
        Reply::Background([r, g, b]) => format!("background: #{r:02x}{g:02x}{b:02x}"),
        Reply::Synchronized(state) => format!("synchronized updates (2026): {state}"),
        Reply::Registers(count) => format!("sixel colours: {count}"),
        Reply::Attributes(list) => {
            let list: Vec<String> = list.iter().map(u32::to_string).collect();
            format!("attributes (DA1): {}", list.join(";"))
        }
    }
}

fn or_none(value: &str) -> &str {
    if value.is_empty() { "(not set)" } else { value }
}
