//! `gialab doctor`: terminal, backends and directories, each problem with its remedy.

use std::io::Write;
use std::path::PathBuf;

use gialab::machine::{self, Machine};
use gialab::{backend, sys};
use serde::Serialize;

use super::{Context, DONE, FAILED};

#[derive(clap::Args)]
pub struct Arguments {
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// Below this a run of a few hundred pictures may not fit.
const LITTLE_SPACE: u64 = 200 << 20;

/// Below this an attack on a large model may be killed.
const LITTLE_MEMORY: u64 = 1 << 30;

/// All that is reported. Names and meanings of the fields stay; more may come.
#[derive(Serialize)]
struct Report {
    gialab: &'static str,
    burn: &'static str,
    #[cfg(feature = "tui")]
    terminal: terminal::Terminal,
    machine: Machine,
    backends: Vec<Backend>,
    cuda: Option<Cuda>,
    directories: Vec<Directory>,
    #[cfg(feature = "tui")]
    last_session: Option<gialab::tui::wire::Figures>,
    problems: Vec<Problem>,
    #[serde(skip)]
    is_usable: bool,
}

#[derive(Serialize)]
struct Backend {
    name: &'static str,
    /// Why it cannot be used, if so.
    unavailable: Option<String>,
}

#[derive(Serialize)]
struct Cuda {
    driver: Option<sys::CudaDriver>,
    error: Option<String>,
    has_compiler: bool,
}

#[derive(Serialize)]
struct Directory {
    name: &'static str,
    path: PathBuf,
    /// Free bytes, if it can be written to.
    free: Option<u64>,
    error: Option<String>,
}

/// Something that could be better, and how.
#[derive(Serialize)]
struct Problem {
    what: String,
    remedy: String,
}

fn problem(what: impl Into<String>, remedy: impl Into<String>) -> Problem {
    Problem { what: what.into(), remedy: remedy.into() }
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let report = Report::new(context);
    let mut out = std::io::stdout().lock();
    if arguments.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        report.print(&mut out)?;
    }
    Ok(if report.is_usable { DONE } else { FAILED })
}

impl Report {
    fn new(context: &Context) -> Report {
        let mut problems = Vec::new();
        #[cfg(feature = "tui")]
        let terminal = terminal::Terminal::look(context.wishes, &mut problems);
        let machine = Machine::look();
        if machine.available.is_some_and(|bytes| bytes < LITTLE_MEMORY) {
            problems.push(problem(
                "less than 1 GB of memory is free",
                "close other programs, or use small models",
            ));
        }
        let directories = directories(context, &mut problems);
        if machine::kills_at_logout() {
            problems.push(problem(
                "this system kills what you started when you log out (KillUserProcesses=yes), running attacks too",
                "start gialab in tmux under `systemd-run --user --scope`, or `loginctl enable-linger`",
            ));
        }
        let backends = backend::availability().into_iter();
        Report {
            gialab: env!("CARGO_PKG_VERSION"),
            burn: gialab::BURN_VERSION,
            #[cfg(feature = "tui")]
            terminal,
            machine,
            backends: backends.map(|(name, unavailable)| Backend { name, unavailable }).collect(),
            cuda: cuda(&mut problems),
            is_usable: directories.iter().all(|directory| directory.error.is_none()),
            directories,
            #[cfg(feature = "tui")]
            last_session: gialab::tui::wire::Figures::read(&context.paths.state),
            problems,
        }
    }

    fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        line(out, 0, "gialab", &format!("{} (burn {})", self.gialab, self.burn))?;
        #[cfg(feature = "tui")]
        self.terminal.print(out)?;

        writeln!(out, "\nbackends")?;
        for backend in &self.backends {
            line(out, 2, backend.name, backend.unavailable.as_deref().unwrap_or("ok"))?;
        }
        if let Some(cuda) = &self.cuda {
            cuda.print(out)?;
        }
        let Machine { processor, threads, vectors, memory, available } = &self.machine;
        line(out, 2, "processor", &format!("{processor}, {vectors}"))?;
        line(out, 2, "threads", &format!("{threads} (RAYON_NUM_THREADS changes it)"))?;
        if let (Some(memory), Some(available)) = (memory, available) {
            line(out, 2, "memory", &format!("{} free of {}", size(*available), size(*memory)))?;
        }

        writeln!(out, "\ndirectories")?;
        for Directory { name, path, free, error } in &self.directories {
            line(out, 2, name, &path.display().to_string())?;
            let state = match (free, error) {
                (Some(free), _) => format!("writable, {} free", size(*free)),
                (None, error) => error.clone().unwrap_or_default(),
            };
            line(out, 2, "", &state)?;
        }

        #[cfg(feature = "tui")]
        if let Some(last) = &self.last_session {
            writeln!(out, "\nlast session of the terminal application")?;
            let rate = (last.frames + last.pictures) as f64 / last.seconds.max(1.0);
            line(
                out,
                2,
                "on the wire",
                &format!("{} of frames, {} of pictures", size(last.frames), size(last.pictures)),
            )?;
            line(
                out,
                2,
                "",
                &format!("{} a second over {:.0} s, {}", size(rate as u64), last.seconds, last.protocol),
            )?;
        }

        writeln!(out)?;
        for Problem { what, remedy } in &self.problems {
            writeln!(out, "problem  {what}\n  remedy {remedy}")?;
        }
        match self.problems.len() {
            0 => writeln!(out, "no problems"),
            1 => writeln!(out, "1 problem"),
            count => writeln!(out, "{count} problems"),
        }
    }
}

impl Cuda {
    fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        match (&self.driver, &self.error) {
            (Some(driver), _) => {
                line(out, 2, "CUDA driver", &format!("knows CUDA {}", driver.version))?;
                for device in &driver.devices {
                    line(out, 2, "CUDA device", &format!("{}, {}", device.name, size(device.memory as u64)))?;
                }
            }
            (None, error) => line(out, 2, "CUDA driver", error.as_deref().unwrap_or("none"))?,
        }
        line(out, 2, "NVRTC", if self.has_compiler { "loads" } else { "does not load" })
    }
}

/// One line with its label, aligned.
fn line(out: &mut impl Write, indent: usize, label: &str, value: &str) -> std::io::Result<()> {
    writeln!(out, "{:indent$}{label:<width$} {value}", "", width = 17 - indent)
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        10_000_000..1_000_000_000 => format!("{:.0} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

fn directories(context: &Context, problems: &mut Vec<Problem>) -> Vec<Directory> {
    let paths = &context.paths;
    let named = [
        ("runs", context.store.path().to_path_buf(), "--data-dir or GIALAB_DATA_DIR"),
        ("own presets", paths.presets(), "XDG_CONFIG_HOME"),
        ("session, log", paths.state.clone(), "XDG_STATE_HOME"),
    ];
    let mut look = |(name, path, elsewhere): (&'static str, PathBuf, &str)| {
        let (free, error) = match machine::writable(&path) {
            Ok(free) => (Some(free), None),
            Err(error) => (None, Some(error)),
        };
        let shown = path.display();
        match (free, &error) {
            (Some(free), _) if free < LITTLE_SPACE => problems.push(problem(
                format!("only {} free in {shown}", size(free)),
                format!("delete runs, or choose another place with {elsewhere}"),
            )),
            (_, Some(error)) => problems
                .push(problem(format!("{shown} {error}"), format!("choose another place with {elsewhere}"))),
            _ => {}
        }
        Directory { name, path, free, error }
    };
    named.into_iter().map(&mut look).collect()
}

#[cfg(not(feature = "cuda"))]
fn cuda(_: &mut Vec<Problem>) -> Option<Cuda> {
    None
}

#[cfg(feature = "cuda")]
fn cuda(problems: &mut Vec<Problem>) -> Option<Cuda> {
    let (driver, error) = match sys::cuda_driver() {
        Ok(driver) => (Some(driver), None),
        Err(error) => (None, Some(error)),
    };
    let reason =
        backend::availability().into_iter().find(|entry| entry.0 == "cuda").and_then(|entry| entry.1);
    if let Some(reason) = reason {
        problems
            .push(problem(format!("the backend cuda cannot be used: {reason}"), "flex computes meanwhile"));
    }
    Some(Cuda { driver, error, has_compiler: sys::has_nvrtc() })
}

#[cfg(feature = "tui")]
mod terminal {
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
            let (capabilities, answers) = {
                let _raw = is_terminal.then(RawMode::enter);
                gfx::look(wishes)
            };
            let variable = |name: &str| std::env::var(name).unwrap_or_default();
            let locale =
                ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().map(variable).find(|value| !value.is_empty());
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
}
