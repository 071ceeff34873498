//! Standard workloads for measuring a machine: one evaluation of an attack's objective and its gradient.

use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::attack::objective::Distance;
use crate::attack::{GradientMatching, LabelVariable};
use crate::backend::{BackendError, Compute, Precision, is_flex};
use crate::config::{BatchNormMode, DistanceKind, ModelOptions, PriorKind, Priors};
use crate::fl::{AttackerView, Client, Protocol};
use crate::model::{self, Descent, Model, Step, Targets};
use crate::seed::{self, Seed};

/// An attack on a model with a batch of random colour images and ten classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// `attack-model-bN`, with what is not standard behind it.
    pub name: String,
    /// Image and soft labels with `l2`; else image alone with `cos` and total variation.
    joint: bool,
    model: &'static str,
    batch: usize,
    /// Height and width.
    side: usize,
    /// Multiple of the standard channels.
    width: Option<f64>,
    /// Local steps, each on the whole batch; one gradient without.
    steps: Option<usize>,
    /// Reconstructions from different initial guesses; an evaluation is one of each.
    trials: usize,
    /// Of weights, samples and guesses.
    pub seed: u64,
}

/// The standard workloads, cheapest first.
pub fn workloads() -> Vec<Workload> {
    let dlg = [("lenet", 1), ("lenet", 8)].map(|(model, batch)| ("dlg", model, batch));
    let ig = [
        ("lenet", 1),
        ("resnet20", 1),
        ("convnet64", 1),
        ("convnet64", 4),
        ("resnet18", 1),
        ("resnet18", 4),
        ("resnet18", 16),
    ];
    let all = dlg.into_iter().chain(ig.map(|(model, batch)| ("ig", model, batch)));
    all.map(|(attack, model, batch)| Workload::standard(attack, model, batch)).collect()
}

/// A workload that asks for a large device: a batch of photographs through a ResNet-50. Measured when it is named.
pub fn large() -> Workload {
    Workload {
        name: "ig-resnet50-b8-224px".into(),
        side: 224,
        ..Workload::standard("ig", "resnet50-imagenet", 8)
    }
}

/// Workloads in which one quantity grows and all others stay: its name, and workloads by its value.
pub fn series() -> Vec<(&'static str, Vec<(f64, Workload)>)> {
    let base = |batch| Workload::standard("ig", "resnet20", batch);
    let batch = [1, 2, 4, 8, 16, 32].map(|n| (n as f64, base(n)));
    let side = [16, 32, 64, 128].map(|side: usize| {
        let name = format!("ig-resnet20-b1-{side}px");
        ((side * side) as f64, Workload { name, side, ..base(1) })
    });
    let width = [0.5, 1.0, 2.0, 4.0].map(|width| {
        let wide = Workload { name: format!("ig-resnet20-b1-w{width}"), width: Some(width), ..base(1) };
        (wide.net().map_or(0, |net| net.parameter_count()) as f64, wide)
    });
    let steps = [1, 2, 4, 8, 16].map(|steps| {
        let name = format!("ig-resnet20-b1-k{steps}");
        (steps as f64, Workload { name, steps: Some(steps), ..base(1) })
    });
    let trials = [1, 2, 4, 8].map(|trials| {
        let name = format!("ig-resnet20-b1-t{trials}");
        (trials as f64, Workload { name, trials, ..base(1) })
    });
    vec![
        ("batch", batch.into()),
        ("pixels", side.into()),
        ("parameters", width.into()),
        ("local steps", steps.into()),
        ("trials", trials.into()),
    ]
}

/// What a workload took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Its name.
    pub workload: String,
    /// `flex`, `ndarray` or `cuda`.
    pub backend: String,
    /// Backend with threads or device.
    pub device: String,
    /// Median over the evaluations after the first ones.
    pub ms_per_evaluation: f64,
    /// Evaluations timed.
    pub evaluations: usize,
    /// Milliseconds of the very first evaluation, with everything that is set up on first use.
    pub ms_first: f64,
    /// 10^9 floating-point operations of one evaluation (see [`Workload::gflop`]).
    pub gflop_per_evaluation: f64,
    /// Largest resident memory of the process in MB, where the system tells.
    pub peak_rss_mb: Option<f64>,
    /// Largest difference of the first gradient to the image from that in 64 bit, relative to its largest entry: what
    /// 32 bit, or the shorter numbers of a device's matrix units, do to the result. Not measured for the largest.
    pub error: Option<f64>,
}

/// 10^9 floating-point operations of both passes over so many samples; see [`Workload::gflop`].
pub fn gflop(net: &model::Net, samples: usize) -> f64 {
    (7 * 2 * samples as u64 * net.multiply_adds()) as f64 / 1e9
}

/// No workload is evaluated for longer, but for two evaluations: ndarray takes a minute for one of the largest.
const LONGEST: Duration = Duration::from_secs(30);

/// Workloads beyond it are not computed again in 64 bit.
const MOST_GFLOP_IN_64_BIT: f64 = 300.0;

impl Workload {
    /// 10^9 floating-point operations of the products in one evaluation, in the least number of forward passes' worth
    /// that is known: seven. The gradient takes three (forward, to weights, to activations), its derivative along
    /// v two forward and two back. A multiply-add counts as two. (The tape takes nine; local steps take more, for
    /// the Hessian.)
    pub fn gflop(&self) -> f64 {
        let passes = self.batch * self.steps.unwrap_or(1) * self.trials;
        self.net().map_or(0.0, |net| gflop(&net, passes))
    }

    fn standard(attack: &str, model: &'static str, batch: usize) -> Workload {
        Workload {
            name: format!("{attack}-{model}-b{batch}"),
            joint: attack == "dlg",
            model,
            batch,
            side: 32,
            width: None,
            steps: None,
            trials: 1,
            seed: 0,
        }
    }

    fn net(&self) -> Option<model::Net> {
        let architecture = model::architecture(self.model)?;
        let options = ModelOptions { width: self.width, ..ModelOptions::default() };
        architecture.net(&options, [3, self.side, self.side], 10).ok()
    }

    fn protocol(&self) -> Protocol {
        let samples: Vec<usize> = (0..self.batch).collect();
        let descent = self.steps.map(|steps| Descent::sgd(1e-2, vec![Step::of(samples.clone()); steps]));
        Protocol::of(vec![Client::new(samples, descent)])
    }

    /// What the attacker sees of it, with the same random values on every backend.
    fn view(&self, compute: &Compute) -> Option<AttackerView> {
        let (seed, net) = (Seed(self.seed), self.net()?);
        let shape = [self.batch, 3, self.side, self.side];
        let model = Model {
            parameters: net.initial_parameters(compute, seed),
            buffers: net.initial_buffers(compute),
            net,
        };
        let labels = self.labels();
        let count = shape.iter().product();
        let truth = compute.tensor(&seed::uniform(&mut seed.stream("truth", &[]), 1.0, count), shape);
        let targets = Targets::hard(compute, &labels, 10);
        let (_, values) = model.gradient(BatchNormMode::Eval, &truth, &targets);
        let mut view = AttackerView::of_gradient(compute, model, values, labels, BatchNormMode::Eval);
        view.knowledge.protocol = self.protocol();
        Some(view)
    }

    fn labels(&self) -> Vec<usize> {
        (0..self.batch).map(|i| i % 10).collect()
    }

    fn objective<'a>(&self, view: &'a AttackerView) -> GradientMatching<'a> {
        let (kind, variable, priors) = if self.joint {
            (DistanceKind::L2, LabelVariable::Logits, Priors::default())
        } else {
            let tv = Priors::one(PriorKind::Tv, 1e-4);
            (DistanceKind::Cosine, LabelVariable::Fixed(self.labels()), tv)
        };
        let distance = Distance::new(kind, view.update.values.clone());
        GradientMatching::new(view, distance, priors, variable)
    }

    /// Times `evaluations` evaluations, fewer if they take long.
    ///
    /// # Errors
    /// If there is no place to compute the figures in 64 bit that these are held against.
    pub fn measure(
        &self,
        compute: &Compute,
        evaluations: usize,
    ) -> Result<Option<Measurement>, BackendError> {
        let Some(view) = self.view(compute) else { return Ok(None) };
        let objective = self.objective(&view);
        let start = self.guesses(&objective).into_iter().next().unwrap_or_default();
        let Times { milliseconds, first_gradient } = self.time(&objective, evaluations, LONGEST);
        let (first, count, median) = steady(milliseconds);
        // Before the figures in 64 bit, which need twice as much.
        let peak_rss_mb = crate::sys::peak_resident_bytes().map(|bytes| bytes as f64 / 1e6);
        let error = match first_gradient.filter(|_| self.gflop() < MOST_GFLOP_IN_64_BIT) {
            Some(gradient) => self.error(&gradient, &start)?,
            None => None,
        };
        Ok(Some(Measurement {
            workload: self.name.clone(),
            backend: compute.name().to_owned(),
            device: compute.description(),
            ms_per_evaluation: median,
            evaluations: count,
            ms_first: first,
            gflop_per_evaluation: self.gflop(),
            peak_rss_mb,
            error,
        }))
    }

    /// Milliseconds of an evaluation: the median of so many, fewer if they take longer than `longest` together. Nothing if
    /// the model cannot be built.
    pub fn milliseconds(&self, compute: &Compute, evaluations: usize, longest: Duration) -> Option<f64> {
        let view = self.view(compute)?;
        let times = self.time(&self.objective(&view), evaluations, longest);
        let (_, _, median) = steady(times.milliseconds);
        Some(median)
    }

    fn guesses(&self, objective: &GradientMatching) -> Vec<Vec<f64>> {
        let generator = |trial| Seed(self.seed).stream("initial guess", &[trial]);
        let guess = |trial| seed::normal(&mut generator(trial), objective.count());
        (0..self.trials as u64).map(guess).collect()
    }

    fn time(&self, objective: &GradientMatching, evaluations: usize, longest: Duration) -> Times {
        let evaluations = evaluations.max(2);
        let mut guesses = self.guesses(objective);
        let mut milliseconds = Vec::with_capacity(evaluations);
        let mut first_gradient = None;
        let started = Instant::now();
        for done in 0..evaluations {
            if done >= 2 && started.elapsed() > longest {
                break;
            }
            let begin = Instant::now();
            let found: Vec<_> = guesses.iter().map(|z| objective.evaluate(z)).collect();
            milliseconds.push(begin.elapsed().as_secs_f64() * 1e3);
            // A small step, so that no evaluation repeats the one before.
            for (z, evaluation) in guesses.iter_mut().zip(&found) {
                let scale = largest(&evaluation.gradient).max(1e-30);
                z.iter_mut().zip(&evaluation.gradient).for_each(|(z, g)| *z -= 0.01 * g / scale);
            }
            first_gradient = first_gradient.or_else(|| found.into_iter().next().map(|first| first.gradient));
        }
        Times { milliseconds, first_gradient }
    }

    /// How far a gradient at `z` is from that in 64 bit.
    fn error(&self, gradient: &[f64], z: &[f64]) -> Result<Option<f64>, BackendError> {
        let exact = Compute::select("flex", Precision::F64)?;
        let Some(view) = self.view(&exact) else { return Ok(None) };
        let exact = self.objective(&view).evaluate(z).gradient;
        let differences: Vec<f64> = gradient.iter().zip(&exact).map(|(a, b)| a - b).collect();
        Ok(Some(largest(&differences) / largest(&exact)))
    }
}

/// What the evaluations took, in order, and the gradient of the first.
struct Times {
    milliseconds: Vec<f64>,
    first_gradient: Option<Vec<f64>>,
}

/// The first time, and of those after the first five, for which everything is set up, how many there are and their median.
fn steady(mut milliseconds: Vec<f64>) -> (f64, usize, f64) {
    let first = milliseconds[0];
    let mut steady = milliseconds.split_off(5.min(milliseconds.len() - 1));
    steady.sort_by(f64::total_cmp);
    (first, steady.len(), steady[steady.len() / 2])
}

/// The largest absolute value; NaN if there is one.
fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |max: f64, value| if value.is_nan() { *value } else { max.max(value.abs()) })
}

/// 10^9 floating-point operations a second of a 1024x1024 matrix product: what the machine could do.
///
/// On flex every thread computes a band of it, as the attacks share out their own products.
pub fn matrix_product_peak(compute: &Compute) -> f64 {
    const SIDE: usize = 1024;
    let values = seed::normal(&mut Seed(0).stream("matrix", &[]), SIDE * SIDE);
    let a = compute.tensor(&values, [SIDE, SIDE]);
    let bands = if is_flex(compute.device()) { rayon::current_num_threads() } else { 1 };
    let mut best: f64 = 0.0;
    for _ in 0..8 {
        let begin = Instant::now();
        (0..bands).into_par_iter().for_each(|band| {
            let rows = band * SIDE / bands..(band + 1) * SIDE / bands;
            let product = a.clone().slice([rows, 0..SIDE]).matmul(a.clone());
            // Reading one number back waits for the device.
            crate::backend::scalar(product.slice([0..1, 0..1]).reshape([1]));
        });
        best = best.max(2.0 * (SIDE as f64).powi(3) / begin.elapsed().as_secs_f64() / 1e9);
    }
    best
}
