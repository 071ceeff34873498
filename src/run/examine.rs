//! What a finished round is examined for besides what every reconstruction is: figures that need the model or
//! the whole data set. Uses the ground truth; nothing of it goes back to an attack.

use super::event::{AtTruth, Baselines, Metrics, Probe, Ratio};
use super::recorder::Evaluator;
use super::rows::Tabulator;
use crate::attack::{Aim, GradientMatching, Guess, LabelVariable, Reconstruction};
use crate::backend;
use crate::config::{BatchNormMode, RunConfig};
use crate::data::{self, Batch, Dataset, FieldAccuracy, Images, Normalisation, TOLERANCE, field_accuracy};
use crate::equation::Equation;
use crate::fl::{AttackerView, opened};
use crate::metric;
use crate::probe::{self, Quartiles, Samples, Settings};
use crate::seed::Seed;
use crate::text;

/// All metrics of the reconstruction that was chosen: the evaluator's, IIP, and the difference of the victim's
/// last features (model in eval mode). Absent without ground truth.
pub fn metrics(
    evaluator: &Evaluator,
    guess: &Guess,
    set: Option<&Dataset>,
    config: &RunConfig,
    view: &AttackerView,
) -> Option<Metrics> {
    let (images, metrics) = evaluator.compare(guess);
    let (mut metrics, truth) = (metrics?, evaluator.truth.as_ref()?);
    // A set that is gone by now costs this figure, not the run.
    let identify = |set| metric::identification(truth, &images, set, config.victim.size);
    metrics.fields = set.and_then(|set| fields(set, &truth.images, &images));
    let identified =
        set.and_then(|set| identify(set).inspect_err(|error| tracing::warn!("no IIP: {error}")).ok());
    if let Some(Some(identified)) = identified {
        (metrics.iip, metrics.iip_pool) = (Some(identified.precision), Some(identified.pool));
    }
    let features = |images: &Images, normalisation: &Normalisation| {
        let input = normalisation.apply(&images.clamped());
        let input = view.compute.tensor(&input, images.shape());
        view.model.last_features(BatchNormMode::Eval, &input)
    };
    let (own, taken) = (&evaluator.clients, &evaluator.normalisation);
    if let (Some(a), Some(b)) = (features(&truth.images, own), features(&images, taken)) {
        metrics.feature_mse = Some(metric::distance(&metric::rows_mse(a, b)));
    }
    Some(metrics)
}

/// The private samples in the order in which an attacker has them who tells each from the others, with the labels that it takes them
/// for; as they are for any other.
pub fn in_its_order(view: &AttackerView, aim: Option<Aim>, truth: &Batch, clients: &Normalisation) -> Batch {
    let Some(Aim::Each(class)) = aim else { return truth.clone() };
    let x = view.compute.tensor(&clients.apply(&truth.images), truth.images.shape());
    let scores = backend::values(&view.model.scores(BatchNormMode::Eval, &x));
    let classes = scores.len() / truth.labels.len().max(1);
    let mut order: Vec<usize> = (0..truth.labels.len()).collect();
    order.sort_by(|a, b| scores[a * classes + class].total_cmp(&scores[b * classes + class]));
    Batch { labels: vec![class; order.len()], ..truth.in_order(&order) }
}

/// The attack's objective at the private samples, in the attacker's order and with the labels that it takes them for, as it simulates
/// the clients.
pub fn at_truth(
    evaluator: &Evaluator,
    private: Option<&Batch>,
    answer: &Reconstruction,
    config: &RunConfig,
    view: &AttackerView,
) -> Option<AtTruth> {
    let truth = private?;
    let labels = LabelVariable::Fixed(truth.labels.clone());
    let supposed = answer.supposed.map(|way| view.supposing(way));
    let objective = GradientMatching::at(supposed.as_ref().unwrap_or(view), config.attack.search()?, labels);
    let there = objective.evaluate(&evaluator.clients.apply(&truth.images));
    Some(AtTruth {
        matching: there.matching,
        prior: there.prior,
        answer_prior: answer.prior,
        of_nothing: objective.of_nothing(),
    })
}

/// The same equation with its unknown at the private sample: of one output the logit of the label, of several the length of the
/// gradient to the scores.
pub fn with_truth(equation: Equation, evaluator: &Evaluator, view: &AttackerView) -> Equation {
    let truth = evaluator.truth.as_ref().filter(|truth| truth.labels.len() == 1).and_then(|truth| {
        let x = evaluator.clients.apply(&truth.images);
        let x = view.compute.tensor(&x, truth.images.shape());
        let scores = backend::values(&view.model.scores(BatchNormMode::Eval, &x));
        let label = *truth.labels.first()?;
        Some(match scores.as_slice() {
            [score] if label == 1 => *score,
            [score] => -score,
            scores => length_of_error(scores, label),
        })
    });
    Equation { truth: truth.filter(|truth| truth.is_finite()), ..equation }
}

/// |softmax(s) - e_y|.
fn length_of_error(scores: &[f64], label: usize) -> f64 {
    let most = scores.iter().fold(f64::NEG_INFINITY, |most, score| most.max(*score));
    let powers: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
    let sum: f64 = powers.iter().sum();
    let off = powers.iter().enumerate().map(|(at, power)| power / sum - f64::from(u8::from(at == label)));
    off.map(|off| off * off).sum::<f64>().sqrt()
}

/// What a grey picture and the mean of the other samples score.
pub fn baselines(evaluator: &Evaluator, config: &RunConfig) -> Option<Baselines> {
    let truth = &evaluator.truth.as_ref()?.images;
    let score = |picture: &[f64]| Ratio(metric::score_of(truth, picture));
    let set = set(config);
    let is_table = set.as_ref().is_some_and(|set| set.table.is_some());
    let grey = (!is_table).then(|| score(&vec![0.5; truth.sample_len()]));
    let mean = set.and_then(|set| metric::mean_of_others(&set, truth, config.victim.size));
    Some(Baselines { grey, mean: mean.as_deref().map(score), noise: None })
}

/// Share of a table's fields that are right, over all rows; absent for pictures.
fn fields(set: &Dataset, truth: &Images, images: &Images) -> Option<f64> {
    let table = set.table.as_ref()?;
    let images = images.clamped();
    let mut all = FieldAccuracy::default();
    for row in 0..truth.samples {
        all += field_accuracy(table, truth.sample(row), images.sample(row), TOLERANCE);
    }
    all.share()
}

/// What the values of these samples mean, if they are rows of a table.
pub fn tabulator(shape: [usize; 4], truth: Option<&Batch>, config: &RunConfig) -> Option<Tabulator> {
    let [_, _, height, _] = shape;
    let set = (height == 1).then(|| set(config)).flatten();
    Tabulator::of(shape, truth, set.as_ref())
}

/// What the set calls the classes of these labels; nothing if it only counts them.
pub fn names(set: &Dataset, labels: &[usize]) -> Vec<String> {
    let name = |&label: &usize| {
        let name = set.classes.get(label).map_or("", String::as_str);
        let counts = *name == label.to_string() || *name == format!("class {label}");
        if counts { String::new() } else { text::one_line(name).into_owned() }
    };
    let names: Vec<String> = labels.iter().map(name).collect();
    if names.iter().all(String::is_empty) { Vec::new() } else { names }
}

/// The victim's data set, or that whose columns its samples have; absent beside a captured update without one, and if it is gone.
pub fn set(config: &RunConfig) -> Option<Dataset> {
    let table = || config.victim.captured.as_ref()?.table.as_ref();
    let named = Some(&config.victim.data).filter(|data| !data.is_empty()).or_else(table)?;
    let set = match config.victim.captured {
        Some(_) => data::open(named),
        None => opened(config).map(|(set, _)| set),
    };
    set.inspect_err(|error| tracing::warn!("no figures that need the data set: {error}")).ok()
}

/// IGSA of the true samples under the attacked model. Absent without ground truth, and if the set is gone.
pub fn probe(
    evaluator: &Evaluator,
    private: Option<&Batch>,
    config: &RunConfig,
    view: &AttackerView,
) -> Option<Probe> {
    let truth = private?;
    let set = set(config)?;
    let deviation = evaluator.normalisation.deviation_of(&set.normalisation());
    let input = evaluator.normalisation.apply(&truth.images);
    let samples = Samples { input: &input, labels: &truth.labels, deviation: &deviation };
    let seed = Seed(config.run.seed);
    let found = probe::igsa::probe(&view.compute, &view.model, samples, Settings::default(), seed, |_, _| {});
    let median = |figure: fn(&probe::Smoothness) -> f64| Quartiles::of(found.iter().map(figure)).median;
    Some(Probe {
        igsa: median(|found| found.igsa),
        igsa_rel: median(|found| found.igsa_rel),
        r_eff: median(|found| found.r_eff),
        samples: found.len(),
    })
}
