//! Attacks: from what the server sees to a reconstruction.
//!
//! An attack receives an [`AttackerView`] and nothing else, and reports through one [`Sink`]. What it needs to
//! be granted its facts state ([`crate::catalogue`]); a run that does not grant it is refused.
//!
//! A search is a recipe there, and runs here as it is. One that solves has its method in [`direct`]. What a malicious server sends
//! is in [`mod@craft`].

mod align;
mod craft;
mod direct;
mod enhance;
mod fishing;
pub mod label;
mod matching;
pub mod objective;
pub mod optimiser;
pub mod prior;
mod restarts;
mod start;
pub mod state;
mod surrogate;
mod trial;
pub mod variable;

pub use craft::{Aim, Asked, Craft, Means, aim, asked, craft, isolated, sent_net};
pub use direct::r_gap_by_count;
pub use enhance::Enhanced;
pub use matching::{GradientMatching, LabelVariable};
pub use restarts::Reconstruction;
pub use state::{State, StateError};
pub use trial::Best;

use crate::catalogue::Offer;
use crate::config::{AttackConfig, LocalKnowledge, Method, RunConfig};
use crate::fl::AttackerView;
use crate::model::Net;
use crate::seed::Seed;
use crate::weights::TrainedGenerator;

use serde::{Deserialize, Serialize};

/// Whether an attack can do with what a config says of the labels; what its own settings say is checked with them.
///
/// # Errors
/// One sentence that says what is missing.
pub fn check(config: &RunConfig) -> Result<(), String> {
    label::check(config)
}

/// Whether a run offers what an attack needs, and its settings fit the network, the samples (`rows` of a table, or pictures)
/// and the generator that is granted.
///
/// # Errors
/// One sentence that says what is missing, and what to do.
pub fn fits(
    config: &RunConfig,
    net: &Net,
    rows: bool,
    generator: Option<&TrainedGenerator>,
) -> Result<(), String> {
    let facts = config.attack.kind.facts();
    let offer = Offer {
        batch_norm: !net.buffer_specs().is_empty(),
        fully_connected: net.full_layers().iter().any(|layer| layer.bias.is_some()),
        rows,
        one_gradient: !config.takes_steps(),
        local_knowledge: config.knowledge.local != LocalKnowledge::None || !config.supposed().is_empty(),
        generator: config.knowledge.generator.is_some(),
        manipulate: config.knowledge.manipulate,
        choose: config.knowledge.choose,
        client: config.victim.captured.is_none(),
        one_sample: config.batch() == 1,
    };
    if rows && config.knowledge.enhancer.is_some() {
        return Err(
            "knowledge.enhancer makes better pictures, and the samples are rows of a table; remove it"
                .to_owned(),
        );
    }
    if let Some(why) = facts.needs.iter().find_map(|need| need.unmet(&offer)) {
        return Err(format!("{} {why}", facts.name));
    }
    match &config.attack.method {
        Method::Search(search) => {
            if search.target.is_some() {
                fishing::check(config, net)?;
            }
            objective::check(&search.distance, net)?;
            variable::check(search, config, net, rows, generator.map(|generator| &generator.net))?;
            prior::check(search, net, &config.attack.labels)
        }
        Method::Direct(_) => direct::check(facts.name, net, config.batch(), generator),
    }
}

/// Attacks one round.
///
/// # Errors
/// Why it could not go on.
pub fn run(task: Task<'_>, sink: &mut dyn Sink) -> Result<Ended, AttackError> {
    let ended = match &task.config.method {
        Method::Search(search) => {
            let labels = label::variable(&task, sink)?;
            restarts::run(task, search, labels, sink)
        }
        Method::Direct(settings) => direct::run(task, settings, sink),
    };
    ended.map(|ended| match ended {
        Ended::Stopped => Ended::Stopped,
        Ended::Reconstructed(found) => {
            let enhanced = enhance::enhanced(&task, &found.guess);
            Ended::Reconstructed(Reconstruction { enhanced, ..found })
        }
    })
}

/// Seconds that an evaluation takes here, of a search from its first guess.
///
/// # Errors
/// Why it cannot search.
pub fn seconds_per_evaluation(task: Task<'_>) -> Result<f64, AttackError> {
    struct Silent;
    impl Sink for Silent {
        fn trial_started(&mut self, _: usize, _: &[usize]) {}
        fn trial_resumed(&mut self, _: usize, _: usize) {}
        fn iterated(&mut self, _: &dyn Progress) -> Flow {
            Flow::Stop
        }
        fn trial_finished(&mut self, _: &TrialEnd) {}
    }
    let Method::Search(search) = &task.config.method else { return Ok(0.0) };
    let labels = label::variable(&task, &mut Silent)?;
    restarts::seconds_per_evaluation(task, search, labels)
}

/// One round to attack.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    /// What the attacker sees; of one who is after some samples alone, what it makes of that ([`isolated`]).
    pub view: &'a AttackerView,
    /// Settings of the attack.
    pub config: &'a AttackConfig,
    /// The attacker's own seed: a one-way child of the run's, so that nothing of what the victim draws can be drawn here.
    pub seed: Seed,
    /// Federated round; separates the random streams of rounds.
    pub round: u32,
    /// State of an earlier worker to go on from.
    pub resume: Option<&'a State>,
}

/// How an attack on a round came to its end.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one lives at a time")]
pub enum Ended {
    /// With a reconstruction.
    Reconstructed(Reconstruction),
    /// On request, before it was through.
    Stopped,
}

/// Whether to go on; the answer of a [`Sink`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Stop as soon as possible.
    Stop,
    /// End this trial: its seconds are spent.
    Enough,
}

/// A candidate as the attacker holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Guess {
    /// The samples of the batch.
    pub samples: Guessed,
    /// Labels it goes with; empty where the attack says nothing of them.
    pub labels: Vec<usize>,
}

/// Samples as the attacker holds them: normalised values, row-major `[batch, channels, height, width]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Guessed {
    /// Pixels.
    Images(Vec<f64>),
    /// Rows of a table, `[batch, 1, 1, width]`.
    Rows {
        /// The values of each field: one of a number, one for each word of a category.
        values: Vec<f64>,
        /// How sure the attacker is of each field of each row, 0 to 1; empty where that is not told.
        confidence: Vec<f64>,
    },
}

impl Guessed {
    /// What the view says that these values are.
    fn of(view: &AttackerView, values: Vec<f64>, confidence: Vec<f64>) -> Guessed {
        match view.knowledge.fields {
            None => Guessed::Images(values),
            Some(_) => Guessed::Rows { values, confidence },
        }
    }

    /// The values, whatever they are of.
    pub fn values(&self) -> &[f64] {
        match self {
            Guessed::Images(values) | Guessed::Rows { values, .. } => values,
        }
    }

    /// How sure the attacker is of each field; empty where that is not told.
    pub fn confidence(&self) -> &[f64] {
        match self {
            Guessed::Images(_) => &[],
            Guessed::Rows { confidence, .. } => confidence,
        }
    }
}

/// State of a trial after an iteration. Reading a guess or the checkpoint costs a copy; nothing is copied
/// unless asked for.
pub trait Progress {
    /// 0-based restart.
    fn trial(&self) -> usize;
    /// Iterations done.
    fn iteration(&self) -> usize;
    /// Matching distance and prior at the start of this iteration.
    fn losses(&self) -> (f64, f64);
    /// Step size in use.
    fn learning_rate(&self) -> f64;
    /// Evaluations of this trial.
    fn evaluations(&self) -> usize;
    /// The best iterate so far.
    fn best(&self) -> &Best;
    /// The current iterate.
    fn current(&self) -> Guess;
    /// The best iterate.
    fn best_guess(&self) -> Guess;
    /// Everything needed to go on from here in another process.
    fn checkpoint(&self) -> State;
}

/// Why a trial ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrialOutcome {
    /// All iterations were done.
    Completed,
    /// The matching loss fell below `stop_below`.
    Converged,
    /// The optimiser cannot move any more: its gradient or its step is below tolerance.
    Stalled,
    /// The loss became NaN or infinite; the best earlier iterate stands.
    NonFinite,
    /// Its share of a budget of seconds was spent before its iterations were done.
    OutOfTime,
}

/// End of one trial.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialEnd {
    /// 0-based restart.
    pub trial: usize,
    /// Why it ended.
    pub outcome: TrialOutcome,
    /// Its best iterate.
    pub best: Best,
    /// That iterate as pixels and labels.
    pub guess: Guess,
    /// Evaluations spent.
    pub evaluations: usize,
    /// The objective that it began with, in its last stage.
    pub start: f64,
}

impl TrialEnd {
    /// Whether its answer is any better than what it began with.
    pub fn descended(&self) -> bool {
        self.best.total() < self.start
    }
}

/// Where an attack reports to.
pub trait Sink {
    /// A rule has read the labels off the update.
    fn labels_read(&mut self, _rule: &'static str, _answer: &label::Answer) {}
    /// A step of an attack that solves is done, in words.
    fn stage(&mut self, _words: String) {}
    /// Whether an attack that solves is to stop, asked between steps.
    fn halted(&mut self) -> bool {
        false
    }
    /// A trial begins; labels are empty while they are optimised.
    fn trial_started(&mut self, trial: usize, labels: &[usize]);
    /// A trial goes on from a checkpoint.
    fn trial_resumed(&mut self, trial: usize, iteration: usize);
    /// An iteration is done.
    fn iterated(&mut self, progress: &dyn Progress) -> Flow;
    /// A trial ended.
    fn trial_finished(&mut self, end: &TrialEnd);
}

/// Why an attack could not go on.
#[derive(Debug, thiserror::Error)]
pub enum AttackError {
    /// The loss diverged in every trial.
    #[error(
        "the matching loss became NaN or infinite in {}; lower attack.optimiser.lr or try another --seed",
        if *trials == 1 { "the only trial".to_owned() } else { format!("all {trials} trials") }
    )]
    NonFinite {
        /// Trials that were run.
        trials: usize,
    },
    /// The update carries no information.
    #[error("the update is {what}: there is nothing to match; check the victim's weights and data")]
    Update {
        /// `zero` or `not finite`.
        what: &'static str,
    },
    /// Nothing came of the samples that a changed model was to single out.
    #[error(
        "nothing below the classifier came of a sample of class {class}: none has it, or the update was sent without it; set \
         attack.target to another class, or to \"rarest\""
    )]
    Silent {
        /// Theirs.
        class: usize,
    },
    /// An attack that solves was stopped: it [`Ended::Stopped`], which nobody sees as an error.
    #[error("it was stopped")]
    Stopped,
    /// An attack that solves cannot.
    #[error("there is no solution: {why}")]
    Unsolved {
        /// What is in the way.
        why: String,
    },
    /// A rule cannot tell the labels of this update.
    #[error("the labels cannot be read by {rule}: {why}")]
    Labels {
        /// The rule.
        rule: &'static str,
        /// What is in the way, and what to do.
        why: String,
    },
    /// What is to be moved cannot be made.
    #[error("{why}")]
    Variable {
        /// What is in the way, and what to do.
        why: String,
    },
    /// Labels are to be given, and nobody gives them.
    #[error("attack.labels = \"given\", but no labels are granted; set knowledge.labels = true")]
    NoLabels,
    /// No rule has this name.
    #[error("attack.labels: there is no rule {name}")]
    NoRule {
        /// As given.
        name: String,
    },
    /// A checkpoint does not fit.
    #[error(transparent)]
    State(#[from] StateError),
}
