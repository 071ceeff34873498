//! The command line: one file per command.
//!
//! Exit codes: 0 done, 1 failed, 2 usage, 3 a `--require` was not met, 130 interrupted.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod attacks;
mod audit;
mod audits;
mod bench;
mod capture;
mod captured;
mod catalogue;
mod compare;
mod complete;
mod completions;
mod computing;
mod defences;
mod doctor;
mod effect;
mod explain;
mod export;
mod help;
#[cfg(feature = "tui")]
mod images;
mod inspect;
mod list;
mod man;
mod models;
mod notebook;
mod output;
mod presets;
mod privacy;
mod probe;
mod progress;
mod queue;
mod records;
mod require;
mod resume;
mod rm;
mod run;
mod selection;
mod show;
mod stop;
mod study;
#[cfg(feature = "tui")]
mod terminal;
mod tour;
mod train;
mod trash;
mod usage;
mod utility;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use gialab::config::ConfigError;
use gialab::fl::utility::UtilityError;
use gialab::paths::Paths;
use gialab::run::Store;
use gialab::run::launch::BeginError;
use gialab::run::trash::TrashError;
use gialab::study::StudyError;
use gialab::study::export::StudyExportError;
#[cfg(feature = "tui")]
use gialab::tui::preferences::{self, Preferences};
use gialab::{text, threads};

/// Everything went well.
const DONE: u8 = 0;
/// Something failed.
const FAILED: u8 = 1;
/// The command line or the config cannot be used.
const USAGE: u8 = 2;
/// A `--require` was not met.
const NOT_MET: u8 = 3;
/// Ended by Ctrl-C.
const INTERRUPTED: u8 = 130;

/// Version with the backends that are built in.
const VERSION: &str = if cfg!(feature = "cuda") {
    concat!(env!("CARGO_PKG_VERSION"), "\nbackends built in: flex, ndarray, cuda (burn 0.21.0)")
} else {
    concat!(env!("CARGO_PKG_VERSION"), "\nbackends built in: flex, ndarray (burn 0.21.0)")
};

/// An interactive laboratory for gradient inversion attacks on federated learning.
///
/// A client sends the gradient of its private pictures; an attacker tries to get the pictures back from it. Without a
/// command, the terminal application starts: pick a preset, watch the attack, find it again.
#[derive(Parser)]
#[command(name = "gialab", version = VERSION, after_help = help::FIRST_STEPS, after_long_help = help::GUIDE)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Where runs are kept [default: the data directory of this user, or GIALAB_DATA_DIR]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[cfg(feature = "tui")]
    #[command(flatten)]
    images: images::Arguments,
    #[cfg(feature = "tui")]
    #[command(flatten)]
    terminal: terminal::Arguments,
}

#[derive(Subcommand)]
enum Command {
    /// Run a preset: set up the victim, attack it, keep everything
    ///
    /// The attack runs in a process of its own and is followed until it ends; Ctrl-C stops it, and `gialab resume` goes
    /// on. In a terminal truth and reconstruction are shown at the end. Everything is kept in a directory of the run.
    #[command(after_long_help = help::RUN)]
    Run(run::Arguments),
    /// Go on with a run that was stopped or killed
    ///
    /// The attack goes on from its last checkpoint, a few seconds back at most, and comes to the same result as without
    /// the interruption.
    #[command(after_long_help = help::RESUME)]
    Resume(resume::Arguments),
    /// Stop a run; it can be resumed
    ///
    /// The worker writes a checkpoint after its current iteration and ends; the command waits until it has.
    #[command(after_long_help = help::STOP)]
    Stop(stop::Arguments),
    /// Show the runs that wait for their turn, and change their order
    ///
    /// Runs beyond what this machine carries wait: on a CPU until the threads of those that compute leave enough, on a
    /// GPU one computes at a time. They begin in their order, whoever started them; a run that is stopped, killed,
    /// paused or suspended makes room for the next. Times are expectations.
    #[command(after_long_help = help::QUEUE)]
    Queue(queue::Arguments),
    /// List all runs
    ///
    /// Live runs come first, then the newest. PSNR and matching loss are those of the last attacked round. A filter holds
    /// words of a row, and conditions: psnr, loss, took and started with <, <=, >, >= or =; status, preset, changed,
    /// backend, host, run, model, data, attack, tag, note and title with : and a word. All must hold.
    #[command(after_long_help = help::LIST)]
    List(list::Arguments),
    /// Move runs to the trash, after asking, or bring them back
    ///
    /// A run that a worker is on is left alone: stop it first. The trash is a folder beside the runs; it takes their room
    /// until gialab trash --empty.
    #[command(after_long_help = help::RM, mut_arg("runs", |runs| runs.required_unless_present("undo")))]
    Rm(rm::Arguments),
    /// Look into the trash, or empty it
    ///
    /// Runs that were deleted lie there until it is emptied, those of studies as well; gialab rm --undo brings the last ones
    /// back to where they were.
    #[command(after_long_help = help::TRASH)]
    Trash(trash::Arguments),
    /// Write a note to a run, or read it
    ///
    /// Notes, tags and titles are kept in the run's directory. Lists find them: gialab list --filter 'note:again tag:paper'.
    #[command(after_long_help = help::NOTE)]
    Note(notebook::Note),
    /// Put tags on runs, or take them off
    ///
    /// A tag is a word to find runs by: gialab list --filter tag:paper. Without changes the tags of a run are printed,
    /// without a run all there are.
    #[command(after_long_help = help::TAG)]
    Tag(notebook::Tag),
    /// Call a run something else in lists
    ///
    /// Only the title changes: the run's directory keeps its name, and commands go on to find it by that.
    #[command(after_long_help = help::RENAME)]
    Rename(notebook::Rename),
    /// Show a run: what it was, how it went, and its picture
    ///
    /// Prints who attacked what under which conditions, the metrics of every round, and in a terminal truth and
    /// reconstruction beside each other.
    #[command(after_long_help = help::SHOW)]
    Show(show::Arguments),
    /// Compare runs: what differs in their settings, and how they did
    ///
    /// One column a run: the settings that are not the same for all, then the figures of the newest round, each with the
    /// best marked where the runs attack the same pictures. A figure that needs a ground truth is n/a where there is none.
    #[command(after_long_help = help::COMPARE)]
    Compare(compare::Arguments),
    /// Explain a figure, a heading or a word of the field
    ///
    /// What it means, what is good, and where it comes from: psnr, brr, "at truth", "threat model B". Without a word,
    /// all of them are listed. The same stands in docs/figures.md, and behind w on the screens of runs.
    #[command(after_long_help = help::EXPLAIN)]
    Explain(explain::Arguments),
    /// Write runs as tables, as JSON, as a picture, as a report or for a paper
    ///
    /// csv makes two tables: metrics with a row a run and round, and beside it, with -curves in its name, losses with
    /// a row an iteration. json is one document with everything but the pixels. png is a grid of truth,
    /// reconstruction and amplified difference, a row a run. html is one page that needs nothing else, to read, print
    /// and pass on. latex is a table for a paper with the conditions in its caption; svg and pdf are figures for one,
    /// svg to edit, pdf to print: losses and, with -rounds, -tradeoff and -pictures in the name, PSNR by round, PSNR
    /// over the accuracy that post-processing costs, and the pictures, truth once. --figure draws another one. Rounds
    /// and trials are counted from 0 in csv and json. A file that is there already is left alone, but for --force.
    /// The paths written are printed. A run that is not complete is written as it stands.
    #[command(after_long_help = help::EXPORT)]
    Export(export::Arguments),
    /// List the presets, or explain one
    ///
    /// A preset says whose data and model are attacked, what the attacker is granted, and how it attacks. The text of
    /// one is a start for your own.
    #[command(after_long_help = help::PRESETS)]
    Presets(presets::Arguments),
    /// Look into a file of weights: names, shapes, figures, and which model it fits
    ///
    /// Reads .safetensors, PyTorch's .pth, .pt and .th, and .npz, and runs nothing of them. Each tensor comes with its
    /// type, its shape and figures of its values; then the built-in model that fits, or what differs from the nearest.
    /// A file that fits can be attacked: gialab run PRESET --set victim.weights=FILE.
    #[command(after_long_help = help::INSPECT)]
    Inspect(inspect::Arguments),
    /// Write a preset's update, weights and batch as files for other tools
    ///
    /// Computes the update of the first attacked round and writes it with the weights that the client was sent, its
    /// batch, and a preset that attacks exactly these files. The other way round, a preset attacks an update that came
    /// from PyTorch or Flower: [victim] captured, explained in docs/captured.md.
    #[command(after_long_help = help::CAPTURE)]
    Capture(capture::Arguments),
    /// Audit an update or a federation: what comes back, under which threat model, and what would protect
    ///
    /// Of a captured update (--weights, --update) or of a preset's federation: first whether the simulated client makes the
    /// update, and which setting does if it does not; then the bounds; then attacks from little knowledge to much within a
    /// budget, adapting to post-processing that the update shows, with controls; then the cheapest post-processing that keeps
    /// recovery under --limit, with its cost. A report as a page and as JSON is kept beside the runs; the same command goes on
    /// where it was left. Nothing leaves this machine. Without --truth nothing can be judged.
    #[command(after_long_help = help::AUDIT)]
    Audit(Box<audit::Arguments>),
    /// List the attacks there are, by year: those that run here, and those that do not
    ///
    /// For each attack its family, the threat model that it is put under, what it must know besides the update and the
    /// model, and what it does here. Of one, named, all that is known: what bounds it, what was published, how sure that
    /// is. A preset names one that runs here as [attack] kind; what it does not name is as the attack's recipe says.
    #[command(after_long_help = help::ATTACKS)]
    Attacks(attacks::Arguments),
    /// List the defences there are, by year: those that run here, and those that do not
    ///
    /// For each defence what of a client's work it acts on, the threat models under which it holds, as others rated it,
    /// and what it does. Of one, named, also its parameters with their ranges and defaults, what attackers who know of it
    /// do, and which attacks were made against it. A preset lists those of a client as [[post]], in order; what the
    /// attacker knows of them is knowledge.post; "estimated" is told nothing and goes by what the update shows.
    #[command(after_long_help = help::DEFENCES)]
    Defences(defences::Arguments),
    /// Walk through the field in six runs of seconds
    ///
    /// From one gradient that gives everything away to an update that is defended: each step says in a few sentences what to
    /// know, runs a preset, and says what it came to. It can be left after any step and goes on from there; its runs are
    /// kept like all others.
    #[command(after_long_help = help::TOUR)]
    Tour(tour::Arguments),
    /// List the models with their size
    ///
    /// For each model the trainable parameters, the multiply-adds of one image, and B: the largest batch whose pixels
    /// are not more than the parameters. Beyond it a gradient does not determine its batch. Options of a model
    /// (activation, norm, width, ...) are given in a preset, as [victim] options = { width = 2 }.
    #[command(after_long_help = help::MODELS)]
    Models(models::Arguments),
    /// Say what a model's gradient gives away of its input, without an attack
    ///
    /// How smoothly the gradient depends on the input (IGSA, IGSA_rel, r_eff: gialab's definitions), whether it has
    /// enough numbers to determine the batch (the dimension bound), and its norms and zeros, for the model and data of a
    /// preset as it is in round 0. It takes 128 evaluations of every sample: seconds for a LeNet, minutes a sample for
    /// large networks on a CPU; --samples 4 gives a first idea.
    #[command(after_long_help = help::PROBE)]
    Probe(probe::Arguments),
    /// Train the model of a preset on its data, as weights to attack
    ///
    /// Not federated: SGD on all samples of the data set but the attacked ones and those held out (federation.held_out),
    /// which measure the accuracy after every epoch. The weights are written as safetensors; attack them with
    /// gialab run PRESET --set victim.weights=FILE.
    #[command(after_long_help = help::TRAIN)]
    Train(train::Arguments),
    /// Run studies: a preset varied along axes, with intervals and a verdict
    ///
    /// A study says what is varied, how often, and what is expected. All its cells attack the same pairs of seed and
    /// pictures, so that they differ by what is varied alone. Its runs are kept with the data, apart from single ones.
    Study(study::Arguments),
    /// Say what post-processing does to an update, step by step
    ///
    /// Computes the clean update of the attacked clients in the first attacked round, and what is left of it after the
    /// first step of the preset's post-processing, after the first two, and so on: norm, cosine to the clean update,
    /// change, zeros, bits a number and bytes. Nothing is attacked and no run is made. A preset on standard input is -.
    #[command(after_long_help = help::EFFECT)]
    Effect(effect::Arguments),
    /// Measure what post-processing costs: accuracy with it and without it
    ///
    /// Trains the federation of a preset with its post-processing and without it, for equal rounds and from the same
    /// seeds, and says the accuracy of both, the points lost, and what becomes of an update: bytes, norm, cosine to the
    /// clean one. A preset with one client alone gets ten, and a step size of 0.1 if it has none. A model that cannot
    /// learn in these rounds loses nothing: look at the accuracy without, and raise --rounds until it is a model worth
    /// protecting.
    #[command(after_long_help = help::UTILITY)]
    Utility(utility::Arguments),
    /// Say the differential privacy of clipped sums with Gaussian noise
    ///
    /// Epsilon at a delta for releases of the Poisson-subsampled Gaussian mechanism, close to the true one and by Renyi
    /// divergences, or the noise that an epsilon needs; with its unit, its trust model and what it holds for. It is about
    /// a mechanism: of a preset with dp-sgd the run itself says epsilon, and any other post-processing has none.
    #[command(after_long_help = help::PRIVACY)]
    Privacy(privacy::Arguments),
    /// Measure this machine on the standard workloads
    ///
    /// Times single evaluations, one gradient match with its own gradient each, of models of several sizes, and
    /// compares them with the machine's matrix product.
    #[command(after_long_help = help::BENCH)]
    Bench(bench::Arguments),
    /// Look at terminal, backends and directories, and say what is wrong
    ///
    /// Each problem comes with its remedy. Start here when pictures look wrong or CUDA is not found.
    #[command(after_long_help = help::DOCTOR)]
    Doctor(doctor::Arguments),
    /// Print what a shell needs to complete commands, options, presets, runs and settings
    ///
    /// Have your shell read the output at every start. At Tab it asks gialab itself, which knows the presets and runs
    /// there are, every setting for --set, and what a setting can be.
    #[command(after_long_help = help::COMPLETIONS)]
    Completions(completions::Arguments),
    /// Print the manual page (for packagers)
    #[command(hide = true)]
    Man(man::Arguments),
    /// Compute a run (started by `run` and by the terminal application)
    #[command(hide = true)]
    Worker(worker::Arguments),
}

/// What a command needs to know of its surroundings.
struct Context {
    paths: Paths,
    store: Store,
    /// How pictures are shown.
    #[cfg(feature = "tui")]
    wishes: gialab::gfx::Wishes,
    /// What the person prefers.
    #[cfg(feature = "tui")]
    preferences: Preferences,
    /// What is wrong with the file of preferences, if something is.
    #[cfg(feature = "tui")]
    mistake: Option<String>,
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    match completions::answer() {
        Ok(false) => {}
        Ok(true) => return ExitCode::from(DONE),
        Err(error) => return usage(&error),
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    if !matches!(arguments.command, Some(Command::Worker(_))) {
        // A worker looks first how many its run began with.
        threads::start(None);
    }
    let environment = std::env::var_os("GIALAB_DATA_DIR");
    let paths = Paths::new(arguments.data_dir.as_deref(), environment.as_deref());
    #[cfg(feature = "tui")]
    let (preferences, mistake) = match preferences::load(&paths.config.join("config.toml")) {
        Ok(preferences) => (preferences, None),
        Err(error) => (Preferences::default(), Some(format!("{error}; the preferences are as shipped"))),
    };
    #[cfg(feature = "tui")]
    let wishes = match arguments.images.wishes(preferences.images) {
        Ok(wishes) => wishes,
        Err(error) => {
            output::complain(text::sentence(&error));
            return ExitCode::from(USAGE);
        }
    };
    let context = Context {
        store: Store::in_data_dir(&paths.data),
        paths,
        #[cfg(feature = "tui")]
        wishes,
        #[cfg(feature = "tui")]
        preferences,
        #[cfg(feature = "tui")]
        mistake,
    };
    let result = match arguments.command {
        Some(Command::Run(arguments)) => run::run(&context, &arguments),
        Some(Command::Resume(arguments)) => resume::run(&context, &arguments),
        Some(Command::Stop(arguments)) => stop::run(&context, &arguments),
        Some(Command::Queue(arguments)) => queue::run(&context, &arguments),
        Some(Command::List(arguments)) => list::run(&context, &arguments),
        Some(Command::Trash(arguments)) => trash::run(&context, &arguments),
        Some(Command::Note(arguments)) => notebook::note(&context, &arguments),
        Some(Command::Tag(arguments)) => notebook::tag(&context, &arguments),
        Some(Command::Rename(arguments)) => notebook::rename(&context, &arguments),
        Some(Command::Rm(arguments)) => rm::run(&context, &arguments),
        Some(Command::Show(arguments)) => show::run(&context, &arguments),
        Some(Command::Compare(arguments)) => compare::run(&context, &arguments),
        Some(Command::Explain(arguments)) => explain::run(&arguments),
        Some(Command::Export(arguments)) => export::run(&context, &arguments),
        Some(Command::Presets(arguments)) => presets::run(&context, &arguments),
        Some(Command::Inspect(arguments)) => inspect::run(&context, &arguments),
        Some(Command::Capture(arguments)) => capture::run(&context, &arguments),
        Some(Command::Audit(arguments)) => audit::run(&context, &arguments),
        Some(Command::Attacks(arguments)) => attacks::run(&context, &arguments),
        Some(Command::Defences(arguments)) => defences::run(&context, &arguments),
        Some(Command::Tour(arguments)) => tour::run(&context, &arguments),
        Some(Command::Models(arguments)) => models::run(&arguments),
        Some(Command::Probe(arguments)) => probe::run(&context, &arguments),
        Some(Command::Train(arguments)) => train::run(&context, &arguments),
        Some(Command::Privacy(arguments)) => privacy::run(&arguments),
        Some(Command::Study(arguments)) => study::run(&context, &arguments),
        Some(Command::Effect(arguments)) => effect::run(&context, &arguments),
        Some(Command::Utility(arguments)) => utility::run(&context, &arguments),
        Some(Command::Bench(arguments)) => bench::run(&arguments),
        Some(Command::Doctor(arguments)) => doctor::run(&context, &arguments),
        Some(Command::Completions(arguments)) => completions::run(&arguments),
        Some(Command::Man(arguments)) => man::run(&arguments),
        Some(Command::Worker(arguments)) => worker::run(&context, &arguments),
        #[cfg(feature = "tui")]
        None => terminal::run(&context, &arguments.terminal),
        #[cfg(not(feature = "tui"))]
        None => Err(anyhow::anyhow!("this build has no terminal application; see gialab --help")),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            // A reader that went away, as in `gialab list | head`, is no failure.
            if broken_pipe(&error) {
                return ExitCode::from(DONE);
            }
            output::complain(text::sentence(&error));
            ExitCode::from(exit_code(&error))
        }
    }
}

/// Whether a word is a command.
fn is_command(word: &str) -> bool {
    Command::has_subcommand(word)
}

/// What clap says: help and version as they are, what is wrong in one line.
fn usage(error: &clap::Error) -> ExitCode {
    use clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand as Help;
    if !error.use_stderr() || error.kind() == Help {
        error.exit()
    }
    output::complain(usage::sentence(error));
    ExitCode::from(USAGE)
}

/// 2 for what the user can correct in the call or the preset, else 1.
fn exit_code(error: &anyhow::Error) -> u8 {
    let usage = error.is::<ConfigError>()
        || error.is::<require::RequirementError>()
        || error.is::<gialab::run::filter::Mistake>()
        || error.is::<gialab::run::notebook::Unfit>()
        || matches!(error.downcast_ref(), Some(TrashError::Empty))
        || error.is::<gialab::backend::BackendError>()
        || matches!(error.downcast_ref(), Some(BeginError::Plan(_) | BeginError::Backend(_)))
        || error.is::<UtilityError>()
        || error.is::<usage::Misuse>()
        || matches!(error.downcast_ref(), Some(audit_error) if audit::is_usage(audit_error))
        || matches!(error.downcast_ref(), Some(study_error) if is_usage(study_error))
        || matches!(error.downcast_ref(), Some(StudyExportError::Study(error)) if is_usage(error));
    if usage { USAGE } else { FAILED }
}

/// What the user can correct about a study.
fn is_usage(error: &StudyError) -> bool {
    !matches!(error, StudyError::Run(_) | StudyError::Begin(BeginError::Run(_)))
}

fn broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let direct = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        // serde_json does not show the error inside as its source.
        let inside = || cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        direct.or_else(inside) == Some(std::io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use std::any::TypeId;

    use clap::CommandFactory;

    use super::Arguments;

    /// Otherwise `--seed -1` is taken for an option `-1` that nobody knows.
    #[test]
    fn every_option_that_takes_a_number_takes_a_negative_one() {
        let numbers = [
            TypeId::of::<f64>(),
            TypeId::of::<i64>(),
            TypeId::of::<i128>(),
            TypeId::of::<u8>(),
            TypeId::of::<u16>(),
            TypeId::of::<u32>(),
            TypeId::of::<u64>(),
            TypeId::of::<usize>(),
        ];
        let mut seen = 0;
        let mut commands = vec![Arguments::command()];
        while let Some(command) = commands.pop() {
            for option in command.get_arguments() {
                let kind = option.get_value_parser().type_id();
                if numbers.iter().any(|number| kind == *number) {
                    seen += 1;
                    let name = (command.get_name(), option.get_id());
                    assert!(option.is_allow_hyphen_values_set(), "{name:?}");
                }
            }
            commands.extend(command.get_subcommands().cloned());
        }
        assert!(seen > 10, "{seen}");
    }
}
