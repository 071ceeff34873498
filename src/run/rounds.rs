//! The rounds of a run: the global model trains, chosen rounds are attacked.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::bridge::{Bridge, Clock, Orders, hold};
use super::checkpoint::Checkpoint;
use super::directory::RunDirectory;
use super::effect;
use super::event::{Baselines, Event, Finished, Level, PictureOf, Ratio, RoundResult};
use super::examine;
use super::exchange::{Observed, observe, seen};
use super::global_model;
use super::logged;
use super::manifest::{Manifest, Status};
use super::memory::{self, Fit};
use super::panics;
use super::plan::Plan;
use super::queue::Place;
use super::recorder::{Evaluator, Place as At, Reporter};
use super::undefended::Undefended;
use crate::attack::{
    self, Aim, AttackError, Craft, Ended, Flow, Guess, Guessed, Means, Reconstruction, Task,
};
use crate::backend::Compute;
use crate::data::DataError;
use crate::fl::received::Finding;
use crate::fl::{AttackerView, Server, Source, post};
use crate::metric::Scoring;
use crate::model::Model;
use crate::seed::Seed;
use crate::{format, text};

/// Everything that the rounds of a run share.
struct Rounds<'a> {
    directory: &'a RunDirectory,
    manifest: &'a Manifest,
    compute: Compute,
    server: Server,
    source: Source,
    evaluator: Evaluator,
    reporter: &'a Reporter,
    orders: Orders<'a>,
    clock: Clock,
    /// The same federation without post-processing, where there is some and training.
    undefended: Option<Undefended>,
    /// State of an attack to go on with.
    resume: Option<Checkpoint>,
    /// What a model is made with that the server sends instead of the honest one.
    means: Means,
    /// What needs no update, the same in every round.
    baselines: Option<Baselines>,
    /// What the attacker saw in attacked rounds so far, if it is told that all have the same samples.
    earlier: Vec<AttackerView>,
}

/// Runs the rounds that are left, and returns the status that the run ended with. `note` is for whoever reads the log.
///
/// # Errors
/// What went wrong; it is recorded in the run as well.
pub fn run(
    directory: &RunDirectory,
    manifest: &mut Manifest,
    plan: Plan,
    note: Option<String>,
    terminate: &Arc<AtomicBool>,
    place: &Place,
) -> Result<Status, anyhow::Error> {
    let config = manifest.config.clone();
    let config = &config;
    let compute = Compute::select(&manifest.place(), config.run.precision)?;
    let resume = Checkpoint::read(directory, config)?;
    let mut server = Server::new(&plan.setup, config, compute.clone());
    let saved = global_model::read(&directory.model_path(), config, &server.model, &compute)?;
    let [channels, height, width] = plan.setup.net.input();
    // Of an attack that is after some samples alone, these are the truth.
    let whole = plan.setup.batch.clone();
    let truth = match plan.aim {
        Some(Aim::Class(class)) => whole.map(|batch| batch.of_class(class)),
        Some(Aim::Each(_)) | None => whole,
    };
    let samples = truth.as_ref().map_or(config.batch(), |truth| truth.labels.len());
    let shape = [samples, channels, height, width];
    let evaluator = Evaluator {
        shape,
        names_labels: !matches!(plan.aim, Some(Aim::Each(_))),
        tabulator: examine::tabulator(shape, truth.as_ref(), config),
        truth,
        normalisation: plan.setup.taken.clone(),
        clients: plan.setup.normalisation.clone(),
        scoring: Scoring {
            classes: plan.setup.net.labels(),
            recovered_psnr: config.run.recovered_psnr,
            lpips: plan.lpips.map(Arc::new),
        },
    };
    let seconds = resume.as_ref().map_or(0.0, |resume| resume.seconds);
    let begin = saved.as_ref().map_or(0, |saved| saved.round);
    let seconds = saved.as_ref().map_or(seconds, |saved| seconds.max(saved.seconds));
    // What clients keep back and what they sent is in no file: then their rounds are trained once more, to the same model.
    let again = if plan.setup.posts.feed_back() || config.knowledge.same_batch { begin } else { 0 };
    if let Some(saved) = saved.filter(|_| again == 0) {
        server.model = saved.model;
    }
    // Attacks on rounds before the one to go on with are over, if the log says so.
    let first = resume.as_ref().map_or(begin, |resume| begin.max(resume.round));
    let done = if config.trains() { logged::rounds(directory, first)? } else { BTreeMap::new() };

    let range = evaluator.normalisation.range();
    let means = Means { aim: plan.aim, range, generator: plan.setup.generator.clone() };
    let fit = memory::fit(config, &plan.sent, &compute)?;
    let undefended = Undefended::new(&plan.setup, config, &compute);
    let mut source = Source::new(plan.setup, config, compute.clone());
    if let Fit::Parts(most) = fit {
        tracing::warn!(
            "memory is short: gradients are taken of {most} samples at a time, which takes longer"
        );
        source = source.in_parts(most);
    }
    let timed = measure_budget(directory, manifest, means.aim, || {
        Ok(observe(&source, &server, config, &means, &compute, begin)?.view)
    })?;
    let config = manifest.config.clone();
    let config = &config;

    // Whoever wrote a line of it worked on this run before.
    let interrupted = std::fs::metadata(directory.events_path()).is_ok_and(|log| log.len() > 0);
    let reporter = Reporter::start(directory.clone(), manifest.clone(), evaluator.clone())?;
    let clock = Clock { begin: Instant::now(), before: seconds, interrupted };
    reporter.event(
        clock.now(),
        Event::Started {
            run: directory.id(),
            preset: manifest.preset.clone(),
            backend: compute.name().to_owned(),
            device: compute.description(),
        },
    );
    let chosen = manifest.chosen.clone().filter(|_| !interrupted);
    let notes = [(Level::Info, chosen), (Level::Warning, note), (Level::Info, timed)];
    for (level, message) in notes.into_iter().filter_map(|(level, note)| Some((level, note?))) {
        reporter.event(clock.now(), Event::Log { level, message });
    }
    let mut earlier = Vec::new();
    if let Source::Simulated(victim) = &source {
        for round in 0..again {
            earlier.extend(seen(&source, &server, config, round));
            server.train(round, victim)?;
        }
    }
    let baselines = examine::baselines(&evaluator, config);
    let mut rounds = Rounds {
        means,
        baselines,
        directory,
        manifest,
        compute: compute.clone(),
        server,
        source,
        undefended,
        evaluator,
        reporter: &reporter,
        orders: Orders { terminate, place },
        clock,
        resume,
        earlier,
    };
    // A panic of a backend becomes the run's status, with the log closed in order.
    let mut results: Vec<RoundResult> = done.into_values().collect();
    let ended = catch_unwind(AssertUnwindSafe(|| rounds.run(begin, &mut results)))
        .unwrap_or_else(|panic| Err(anyhow::anyhow!("{}", panics::in_words(&*panic))));
    let seconds = rounds.clock.now();
    let (status, error) = match (ended, reporter.failure()) {
        (_, Some(failure)) => (Status::Failed, Some(failure)),
        (Err(error), None) => (Status::Failed, Some(text::sentence(&error))),
        (Ok(Flow::Stop), None) => (Status::Stopped, None),
        (Ok(Flow::Continue | Flow::Enough), None) => match panics::passed_over() {
            Some(failure) => (Status::Failed, Some(failure)),
            None => (Status::Done, None),
        },
    };
    let interrupted = rounds.clock.interrupted;
    let rounds = if status == Status::Done { results } else { Vec::new() };
    let finished = Finished { status, run: directory.id(), rounds, error: error.clone(), interrupted };
    reporter.close(seconds, finished).map_err(anyhow::Error::msg)?;
    match error {
        Some(error) => Err(anyhow::Error::msg(error)),
        None => Ok(status),
    }
}

/// Makes evaluations of a budget of seconds, by what one takes here, and keeps them with the run, so that it can go on and be
/// repeated. What to say of it.
fn measure_budget(
    directory: &RunDirectory,
    manifest: &mut Manifest,
    aim: Option<Aim>,
    view: impl FnOnce() -> Result<AttackerView, anyhow::Error>,
) -> Result<Option<String>, anyhow::Error> {
    let attack = &manifest.config.attack;
    let Some(budget) = attack.search().and_then(|search| search.budget) else { return Ok(None) };
    let (Some(seconds), None) = (budget.seconds, budget.evaluations) else { return Ok(None) };
    let (view, _) = attack::isolated(view()?, aim)?;
    let seed = Seed(manifest.config.run.seed).attacker();
    let each =
        attack::seconds_per_evaluation(Task { view: &view, config: attack, seed, round: 0, resume: None })?;
    manifest.config.attack = attack.within(budget.at(each)).map_err(anyhow::Error::msg)?;
    directory.write_manifest(manifest)?;
    let search = manifest.config.attack.search();
    let planned = search.and_then(|search| search.budget?.evaluations).unwrap_or_default();
    Ok(Some(format!(
        "a budget of {} is taken for {planned} evaluations, at {} ms each; attack.budget={planned} repeats this run",
        text::duration(seconds),
        format::number(1e3 * each),
    )))
}

impl Rounds<'_> {
    /// Attacks and trains from round `begin` on; `results` are those of earlier rounds.
    fn run(&mut self, begin: u32, results: &mut Vec<RoundResult>) -> Result<Flow, anyhow::Error> {
        let config = &self.manifest.config;
        let attacked = config.attacked_rounds();
        let pause = Duration::from_secs_f64(config.run.checkpoint_seconds);
        let mut saved = Instant::now();
        if let Some(undefended) = &mut self.undefended {
            undefended.go_on(begin, self.directory, config, &self.compute)?;
        }
        for round in begin..=config.rounds() {
            let standing = if config.trains() { self.server.standing()? } else { None };
            if let Some(standing) = standing {
                let event = Event::Trained { round, loss: standing.loss, accuracy: standing.accuracy };
                self.reporter.event(self.clock.now(), event);
            }
            let attack_now = attacked.contains(&round) && !results.iter().any(|result| result.round == round);
            if round > begin && (attack_now || saved.elapsed() >= pause) {
                saved = Instant::now();
                self.save(round)?;
            }
            if attack_now {
                match self.attack_round(round, standing.map(|standing| standing.accuracy))? {
                    Some(result) => results.push(result),
                    None => return Ok(Flow::Stop),
                }
            }
            if round == config.rounds() {
                break;
            }
            self.earlier.extend(seen(&self.source, &self.server, config, round));
            if hold(self.reporter, self.orders, &mut self.clock) == Flow::Stop {
                self.save(round)?;
                return Ok(Flow::Stop);
            }
            // A captured update has one round, which is never trained.
            if let Source::Simulated(victim) = &self.source {
                self.server.train(round, victim)?;
            }
            if let Some(undefended) = &mut self.undefended {
                undefended.train(round)?;
            }
            anyhow::ensure!(
                self.server.model.parameters.norm().is_finite(),
                "training diverged in round {round}: the global model is not finite any more; lower \
                 federation.learning_rate"
            );
        }
        Ok(Flow::Continue)
    }

    fn log(&self, level: Level, message: String) {
        self.reporter.event(self.clock.now(), Event::Log { level, message });
    }

    /// What a reconstruction from an update from outside says of the settings it was made with.
    fn judge(&self, reconstruction: &Reconstruction) {
        if let Some(scale) = reconstruction.scale {
            self.log(
                Level::Info,
                format!("scale: the update is {scale:.4} times the gradient of the reconstruction"),
            );
        }
        let share = reconstruction.unexplained;
        if matches!(self.source, Source::Captured(_)) && share > UNEXPLAINED {
            self.log(
                Level::Warning,
                format!(
                    "no trial matches: {:.0} % of the update's distance is left; the search failed, or victim.captured, \
                     victim.loss, victim.mode or knowledge are not what the client did",
                    100.0 * share
                ),
            );
        }
    }

    /// What needs no update, with the score of what the search made of noise.
    fn baselines_with(&self, control: Option<&Guess>) -> Option<Baselines> {
        let psnr = |guess| Some(Ratio(self.evaluator.compare(guess).1?.psnr?.mean));
        let noise = control.and_then(psnr);
        self.baselines.map(|baselines| Baselines { noise, ..baselines })
    }

    /// PSNR of each; nothing without ground truth.
    fn scores(&self, guesses: [&Guess; 2]) -> Option<[Ratio; 2]> {
        let [one, other] = guesses.map(|guess| Some(Ratio(self.evaluator.compare(guess).1?.psnr?.mean)));
        Some([one?, other?])
    }

    /// What was sent instead of the honest model, how good it still is, and what clients would find who look at it.
    fn on_craft(
        server: &Server,
        source: &Source,
        craft: &Craft,
        honest: &Model,
    ) -> Result<Vec<String>, DataError> {
        let mut words = craft.words.clone();
        if let (Some(before), Some(now)) = (server.standing_of(honest)?, server.standing_of(&craft.model)?) {
            words.push(format!(
                "of samples that no client has the honest model names {:.0} % rightly, what was sent {:.0} %",
                100.0 * before.accuracy,
                100.0 * now.accuracy
            ));
        }
        let Source::Simulated(victim) = source else { return Ok(words) };
        let findings = victim.findings(&craft.model, honest);
        if findings.is_empty() {
            words.push("a client that looks finds nothing, by any test".to_owned());
        }
        let found = |Finding { test, words }| format!("a client that looks finds ({test}): {words}");
        words.extend(findings.into_iter().map(found));
        Ok(words)
    }

    fn save(&self, round: u32) -> Result<(), super::RunError> {
        let (seconds, config) = (self.clock.now(), &self.manifest.config);
        if let Some(undefended) = &self.undefended {
            undefended.save(round, self.directory, config)?;
        }
        global_model::write(&self.directory.model_path(), config, round, seconds, &self.server.model)
    }

    /// Attacks one round; nothing if it was stopped.
    fn attack_round(
        &mut self,
        round: u32,
        accuracy: Option<f64>,
    ) -> Result<Option<RoundResult>, anyhow::Error> {
        let config = &self.manifest.config;
        let resume = self.resume.take().filter(|resume| resume.round == round);
        let began = resume.as_ref().map_or_else(|| self.clock.now(), |resume| resume.began);
        let honest = &self.server.model;
        let Observed { craft, source, mut view, effect } =
            observe(&self.source, &self.server, config, &self.means, &self.compute, round)?;
        let sent = craft.as_ref().map_or(honest, |craft| &craft.model);
        view.earlier.extend(self.earlier.iter().cloned());
        let update_norm = view.update.values.norm();
        if let (true, Source::Simulated(victim)) = (!update_norm.is_normal(), &source)
            && let Some(culprit) = effect::culprit(victim, self.server.residues(), sent, round, &config.post)
        {
            anyhow::bail!("round {round}: {culprit}");
        }
        // A log that goes on from a checkpoint has this line already; without one, what it holds is void.
        if resume.is_none() {
            self.reporter.event(
                began,
                Event::Round {
                    round,
                    update_norm,
                    accuracy,
                    batch: view.update.samples,
                    parameters: view.model.net.parameter_count(),
                    input: view.model.net.input_count(),
                    trials: config.attack.trials(),
                    iterations: config.attack.iterations(),
                },
            );
        }
        let on_craft = match &craft {
            Some(craft) => Self::on_craft(&self.server, &source, craft, honest)?,
            None => Vec::new(),
        };
        for words in on_craft.iter().filter(|_| resume.is_none()) {
            self.log(Level::Info, words.clone());
        }
        if let Some(effect) = effect.filter(|_| resume.is_none()) {
            self.reporter.event(self.clock.now(), Event::Processed { round, effect });
            self.log(Level::Info, format!("post-processing: {}", effect.in_words()));
            if let Some(order) = config.better_order() {
                self.log(
                    Level::Info,
                    format!("post-processing stands in another order than the usual one: {order}"),
                );
            }
            if let Some(privacy) = config.privacy() {
                self.log(Level::Info, format!("differential privacy: {privacy}"));
            }
        }
        let inferred = view.knowledge.protocol.post.inferred.clone();
        if let Some(inferred) = inferred.as_deref().filter(|_| resume.is_none()) {
            self.log(Level::Info, format!("told from the update: {}", post::in_words(inferred)));
        }
        let (view, singled_out) = attack::isolated(view, self.means.aim)?;
        if let Some(words) = singled_out.as_ref().filter(|_| resume.is_none()) {
            self.log(Level::Info, words.clone());
        }
        let nothing = Guess { samples: Guessed::Images(Vec::new()), labels: Vec::new() };
        let at = At { round, trial: None, iteration: 0 };
        self.reporter.picture(at, self.clock.now(), PictureOf::Truth, nothing);

        let mut bridge =
            Bridge::new(self.reporter, &self.evaluator, self.orders, self.clock, began, round, config);
        if resume.is_some() {
            logged::trials(self.directory, round, &mut bridge.picked)?;
        }
        let task = Task {
            view: &view,
            config: &config.attack,
            seed: Seed(config.run.seed).attacker(),
            round,
            resume: resume.as_ref().map(|checkpoint| &checkpoint.state),
        };
        let ended = attack::run(task, &mut bridge).map_err(|error| match &error {
            AttackError::NonFinite { .. } if config.trains() => anyhow::anyhow!(
                "{error}; where the clients' own training diverged, lower federation.learning_rate"
            ),
            _ => anyhow::Error::new(error),
        })?;
        self.clock = bridge.clock;
        let picked = bridge.picked.psnr().map(Ratio);
        let Ended::Reconstructed(reconstruction) = ended else { return Ok(None) };
        self.judge(&reconstruction);
        // Of the attack, without the examination that follows.
        let seconds = self.clock.now() - began;
        let set = examine::set(config);
        let without = self.undefended.as_ref().map(Undefended::accuracy).transpose()?.flatten();
        let labels = self.evaluator.labels(&reconstruction.guess);
        let clients = &self.evaluator.clients;
        let private = self
            .evaluator
            .truth
            .as_ref()
            .map(|truth| examine::in_its_order(&view, self.means.aim, truth, clients));
        let private = private.as_ref();
        let result = RoundResult {
            round,
            metrics: examine::metrics(&self.evaluator, &reconstruction.guess, set.as_ref(), config, &view),
            probe: config
                .run
                .probe
                .then(|| examine::probe(&self.evaluator, private, config, &view))
                .flatten(),
            accuracy,
            accuracy_lost: without.zip(accuracy).map(|(without, with)| without - with),
            update_norm: Some(Ratio(update_norm)),
            processed: effect,
            inferred,
            stages: on_craft.into_iter().chain(singled_out).chain(reconstruction.stages.clone()).collect(),
            equation: reconstruction
                .equation
                .clone()
                .map(|equation| Box::new(examine::with_truth(equation, &self.evaluator, &view))),
            loss: reconstruction.matching,
            iteration: Some(reconstruction.iteration),
            undescended: !reconstruction.descended,
            picked,
            enhanced: reconstruction
                .enhanced
                .as_ref()
                .and_then(|made| self.scores([&made.answer, &made.of_noise])),
            at_truth: examine::at_truth(&self.evaluator, private, &reconstruction, config, &view),
            baselines: self.baselines_with(reconstruction.control.as_ref()),
            label_names: set.as_ref().map_or_else(Vec::new, |set| examine::names(set, &labels)),
            labels,
            trial: reconstruction.trial,
            trials: reconstruction.trials,
            evaluations: reconstruction.evaluations,
            seconds,
        };
        let at = At { round, trial: None, iteration: reconstruction.iteration };
        self.reporter.picture(at, self.clock.now(), PictureOf::Reconstruction, reconstruction.guess);
        if let Some(control) = reconstruction.control {
            self.reporter.picture(at, self.clock.now(), PictureOf::Control, control);
        }
        if let Some(enhanced) = reconstruction.enhanced {
            self.reporter.picture(at, self.clock.now(), PictureOf::Enhanced, enhanced.answer);
        }
        self.reporter.event(self.clock.now(), Event::RoundFinished(Box::new(result.clone())));

        Ok(Some(result))
    }
}

/// Share of an update from outside that a match may leave unexplained without a word. Ours.
const UNEXPLAINED: f64 = 0.05;
