//! `gialab doctor`: terminal, backends and directories, each problem with its remedy.

mod privacy;
#[cfg(feature = "tui")]
mod terminal;

use std::io::Write;
use std::path::PathBuf;

use gialab::calibration::{Calibration, Factors};
use gialab::device::Standing;
use gialab::machine::{self, Bound, Machine};
use gialab::{backend, sys};
use serde::Serialize;

use super::{Context, DONE, FAILED, output};

#[derive(clap::Args)]
pub struct Arguments {
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Close runs and files of sessions that others can look into
    #[arg(long)]
    fix: bool,
    /// Look at this CUDA device of several alone, from 0, as CUDA_VISIBLE_DEVICES leaves them
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    device: Option<usize>,
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
    /// How fast it is, where that was measured.
    speed: Vec<Calibration>,
    backends: Vec<Backend>,
    cuda: Option<Cuda>,
    /// The device that was asked for.
    #[serde(skip)]
    device: Option<usize>,
    directories: Vec<Directory>,
    /// Runs, and files of sessions, that others can look into.
    open: Vec<PathBuf>,
    /// Those that were closed.
    closed: Vec<PathBuf>,
    #[cfg(feature = "tui")]
    files: Vec<gialab::tui::own_files::OwnFile>,
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
    /// How its devices stand, in their order; null for one that does not tell.
    standings: Vec<Option<Standing>>,
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
    let mut report = Report::new(context, arguments.device);
    if arguments.fix {
        report.fix();
    }
    let mut out = output::whole(arguments.json);
    if arguments.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        report.print(&mut out)?;
    }
    out.flush()?;
    Ok(if report.is_usable { DONE } else { FAILED })
}

impl Report {
    fn new(context: &Context, device: Option<usize>) -> Report {
        let mut problems = Vec::new();
        #[cfg(feature = "tui")]
        let terminal = terminal::Terminal::look(context.wishes, &mut problems);
        let machine = Machine::look();
        if machine.available.is_some_and(|bytes| bytes < LITTLE_MEMORY) {
            problems.push(problem(
                "less than 1 GB of memory can be had",
                "close other programs, raise the limit that binds, or use small models",
            ));
        }
        let directories = directories(context, &mut problems);
        let open = privacy::open_to_others(&context.store, &context.paths.state);
        problems.extend(privacy::problem(&open));
        if machine::kills_at_logout() {
            problems.push(problem(
                "this system kills what you started when you log out (KillUserProcesses=yes), running attacks too",
                "start gialab in tmux under `systemd-run --user --scope`, or `loginctl enable-linger`",
            ));
        }
        #[cfg(feature = "tui")]
        let files = gialab::tui::own_files::look(&context.paths.config, &context.preferences.theme);
        #[cfg(feature = "tui")]
        for mistake in files.iter().flat_map(|file| &file.mistakes) {
            problems.push(problem(mistake.clone(), "correct the file; until then the defaults are used"));
        }
        let backends = backend::availability().into_iter();
        let speed = backend::NAMES.iter().filter_map(|name| Calibration::read(&context.paths.cache, name));
        Report {
            gialab: env!("CARGO_PKG_VERSION"),
            burn: gialab::BURN_VERSION,
            #[cfg(feature = "tui")]
            terminal,
            machine,
            speed: speed.collect(),
            device,
            backends: backends.map(|(name, unavailable)| Backend { name, unavailable }).collect(),
            cuda: cuda(device, &mut problems),
            is_usable: directories.iter().all(|directory| directory.error.is_none()),
            directories,
            open,
            closed: Vec::new(),
            #[cfg(feature = "tui")]
            files,
            #[cfg(feature = "tui")]
            last_session: gialab::tui::wire::Figures::read(&context.paths.state),
            problems,
        }
    }

    /// Closes what is open.
    fn fix(&mut self) {
        self.problems.retain(|problem| problem.remedy != privacy::REMEDY);
        for path in std::mem::take(&mut self.open) {
            match privacy::close(&path) {
                Ok(()) => self.closed.push(path),
                Err(error) => {
                    let what = format!("{} cannot be closed: {error}", path.display());
                    self.problems.push(problem(what, "ask its owner to run gialab doctor --fix"));
                    self.open.push(path);
                }
            }
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
            cuda.print(self.device, out)?;
        }
        let Machine { processor, threads, vectors, memory, memory_bounds, .. } = &self.machine;
        line(out, 2, "processor", &format!("{processor}, {vectors}"))?;
        let (count, by) = (threads.count, threads.by);
        line(out, 2, "threads", &format!("{count}, by {by} (RAYON_NUM_THREADS changes it)"))?;
        for calibration in &self.speed {
            let Factors { light, heavy } = calibration.factors();
            let text = format!(
                "{}: {light:.2} of the reference machine's time for small networks, {heavy:.2} for large ones",
                calibration.backend
            );
            line(out, 2, "speed", &text)?;
        }
        if self.speed.is_empty() {
            line(out, 2, "speed", "not measured yet; the terminal application does while nothing runs")?;
        }
        if let Some(memory) = memory {
            line(out, 2, "memory", &format!("{} in this machine", size(*memory)))?;
        }
        for (at, Bound { what, available }) in memory_bounds.iter().enumerate() {
            let counts = if at == 0 && memory_bounds.len() > 1 { "; this one binds" } else { "" };
            line(out, 2, "", &format!("{} {what}{counts}", size(*available)))?;
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

        for (label, paths) in [("open", &self.open), ("closed", &self.closed)] {
            for (at, path) in paths.iter().enumerate() {
                line(out, 2, if at == 0 { label } else { "" }, &path.display().to_string())?;
            }
        }

        #[cfg(feature = "tui")]
        {
            writeln!(out, "\nfiles of yours")?;
            for file in &self.files {
                let state = match (file.exists, file.mistakes.len()) {
                    (false, _) => " (not there)",
                    (true, 0) => "",
                    (true, _) => " (has a mistake)",
                };
                line(out, 2, file.name, &format!("{}{state}", file.path.display()))?;
            }
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
    /// Of all devices, or of the one that was asked for.
    fn print(&self, only: Option<usize>, out: &mut impl Write) -> std::io::Result<()> {
        match (&self.driver, &self.error) {
            (Some(driver), _) => {
                line(out, 2, "CUDA driver", &format!("knows CUDA {}", driver.version))?;
                let devices = driver.devices.iter().zip(&self.standings).enumerate();
                for (number, (device, standing)) in
                    devices.filter(|(n, _)| only.is_none_or(|only| only == *n))
                {
                    let memory = size(device.memory as u64);
                    line(out, 2, &format!("CUDA device {number}"), &format!("{}, {memory}", device.name))?;
                    let standing = standing.map_or("how it stands is n/a".to_owned(), |s| s.in_words());
                    line(out, 2, "", &standing)?;
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
fn cuda(device: Option<usize>, problems: &mut Vec<Problem>) -> Option<Cuda> {
    problems.extend(device.map(|number| {
        problem(
            format!("there is no CUDA device {number}: CUDA is not in this build"),
            "cargo build --release --features cuda",
        )
    }));
    None
}

#[cfg(feature = "cuda")]
fn cuda(device: Option<usize>, problems: &mut Vec<Problem>) -> Option<Cuda> {
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
    let count = driver.as_ref().map_or(0, |driver| driver.devices.len());
    if let Some(number) = device.filter(|number| *number >= count) {
        problems.push(problem(
            format!("there is no CUDA device {number}: the driver shows {count}, counted from 0"),
            "leave --device out to see them all, and look at CUDA_VISIBLE_DEVICES",
        ));
    }
    let standings = (0..count).map(gialab::device::standing).collect();
    Some(Cuda { driver, error, has_compiler: sys::has_nvrtc(), standings })
}
