//! IGSA: how smoothly the gradient depends on the input. gialab's definition; the name is that of a quantity
//! whose formula was not available.
//!
//! IGSA(x, y) = 1 / mean_s |J(x_s)|_F with J = d(gradient of the task loss of one sample)/dx and
//! x_s = x + noise. Higher is smoother, and is *meant* to be easier to invert: a hypothesis, not an axiom. |J|_F^2
//! is estimated as the mean of |J^T v|^2 over v ~ N(0, I), by `Model::second_pass`. The root
//! biases the norm low, so figures with different numbers of probes cannot be compared.

use burn::tensor::Tensor;

use crate::backend::{self, Compute, Plain};
use crate::config::BatchNormMode;
use crate::model::{FirstPass, Model, Parameters, Targets};
use crate::seed::{self, Seed};

/// Most input scalars of one pass, a bound on memory: 32 images of 3x64x64.
const PASS: usize = 32 * 3 * 64 * 64;

/// How finely is probed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Noisy copies of each sample, S.
    pub points: usize,
    /// Deviation of the noise, in deviations of the data.
    pub sigma: f64,
    /// Random cotangents for each copy, m; 2 or more.
    pub probes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { points: 8, sigma: 0.1, probes: 16 }
    }
}

/// How the gradient of one sample depends on its input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Smoothness {
    /// 1 / mean |J|_F; infinite if the gradient does not depend on the input (a dead or saturated network), where
    /// there is nothing to recover.
    pub igsa: f64,
    /// mean |g| / (mean |J|_F * deviation of the data * sqrt(d)): without the scales of loss, weights and input.
    pub igsa_rel: f64,
    /// Participation ratio |J|_F^4 / |J J^T|_F^2, an effective number of input directions that show in the
    /// gradient; 0 where J = 0.
    pub r_eff: f64,
}

/// Samples to probe, as the model sees them.
#[derive(Debug, Clone, Copy)]
pub struct Samples<'a> {
    /// Normalised, `[samples, channels, height, width]` row-major.
    pub input: &'a [f64],
    /// Their true labels.
    pub labels: &'a [usize],
    /// Deviation of the data in each channel, in the space of the input.
    pub deviation: &'a [f64],
}

/// Probes each sample by itself: the loss of that sample, BatchNorm with its running statistics.
///
/// `report` hears how many of all passes are done. Costs `points * probes` passes over all samples, and `points`
/// gradients for each.
pub fn probe(
    compute: &Compute,
    model: &Model,
    samples: Samples,
    settings: Settings,
    seed: Seed,
    mut report: impl FnMut(usize, usize),
) -> Vec<Smoothness> {
    let count = samples.labels.len();
    let input = model.net.input_count();
    let [channels, ..] = model.net.input();
    let deviation = |i: usize| samples.deviation[i / (input / channels)];
    let scale = (0..input).map(|i| deviation(i).powi(2)).sum::<f64>().sqrt();
    let passes = settings.points * settings.probes;
    let chunk = (PASS / input).clamp(1, count.max(1));
    let mut found: Vec<Draws> = vec![Draws::default(); count];
    for point in 0..settings.points {
        let noisy = |sample: usize| -> Vec<f64> {
            let mut generator = seed.stream("igsa noise", &[sample as u64, point as u64]);
            let noise = seed::normal(&mut generator, input).into_iter().enumerate();
            let own = &samples.input[sample * input..(sample + 1) * input];
            noise.map(|(i, noise)| own[i] + settings.sigma * deviation(i) * noise).collect()
        };
        let copies: Vec<Vec<f64>> = (0..count).map(noisy).collect();
        for ((copy, &label), draws) in copies.iter().zip(samples.labels).zip(&mut found) {
            let (x, targets) = batch(compute, model, std::slice::from_ref(copy), &[label]);
            draws.gradients.push(model.gradient(BatchNormMode::Eval, &x, &targets).1.norm());
            draws.squares.push(Vec::with_capacity(settings.probes));
        }
        // The first pass depends on the samples alone; every probe goes back through it.
        let parts: Vec<Part> = copies
            .chunks(chunk)
            .zip(samples.labels.chunks(chunk))
            .map(|(copies, labels)| Part::new(compute, model, copies, labels))
            .collect();
        for probe in 0..settings.probes {
            let mut generator = seed.stream("igsa probe", &[point as u64, probe as u64]);
            let specs = model.parameters.specs().clone();
            let v =
                Parameters::from_values(compute, specs, |spec| seed::normal(&mut generator, spec.count()));
            let squares = parts.iter().flat_map(|part| part.squares(model, &v));
            for (draws, square) in found.iter_mut().zip(squares) {
                draws.squares[point].push(square);
            }
            report(point * settings.probes + probe + 1, passes);
        }
    }
    found.iter().map(|draws| draws.smoothness(scale)).collect()
}

/// Samples that are computed at once, with their first pass.
struct Part {
    input: Tensor<Plain, 4>,
    targets: Targets,
    first: FirstPass,
}

impl Part {
    fn new(compute: &Compute, model: &Model, x: &[Vec<f64>], labels: &[usize]) -> Part {
        let (input, targets) = batch(compute, model, x, labels);
        let first = model.first_pass(BatchNormMode::Eval, &input, &targets);
        Part { input, targets, first }
    }

    /// |J^T v|^2 of each sample. In eval mode samples do not meet, and the mean loss weighs each by 1 / batch.
    fn squares(&self, model: &Model, v: &Parameters) -> Vec<f64> {
        let mode = BatchNormMode::Eval;
        let through = model.second_pass(&self.first.kept, mode, &self.input, &self.targets, v);
        let values = backend::values(&through.to_input);
        let weight = (self.input.dims()[0] as f64).powi(2);
        let samples = values.chunks(model.net.input_count());
        samples.map(|sample| weight * sample.iter().map(|value| value * value).sum::<f64>()).collect()
    }
}

fn batch(compute: &Compute, model: &Model, x: &[Vec<f64>], labels: &[usize]) -> (Tensor<Plain, 4>, Targets) {
    let [channels, height, width] = model.net.input();
    let input = compute.tensor(&x.concat(), [x.len(), channels, height, width]);
    (input, Targets::hard(compute, labels, model.net.classes()))
}

/// What was measured of one sample, point by point.
#[derive(Debug, Clone, Default)]
struct Draws {
    /// |g|.
    gradients: Vec<f64>,
    /// |J^T v|^2, one for each probe.
    squares: Vec<Vec<f64>>,
}

impl Draws {
    /// `scale` is the deviation of a whole sample: that of the data times sqrt(d), if all channels have one.
    fn smoothness(&self, scale: f64) -> Smoothness {
        let norms = mean(self.squares.iter().map(|squares| mean(squares.iter().copied()).sqrt()));
        // mean and variance of |J^T v|^2 are |J|_F^2 and 2 |J J^T|_F^2; both are averaged over the points first.
        let square = mean(self.squares.iter().map(|squares| mean(squares.iter().copied()).powi(2)));
        let spread = mean(self.squares.iter().map(|squares| variance(squares)));
        if norms == 0.0 {
            return Smoothness { igsa: f64::INFINITY, igsa_rel: f64::INFINITY, r_eff: 0.0 };
        }
        Smoothness {
            igsa: 1.0 / norms,
            igsa_rel: mean(self.gradients.iter().copied()) / (norms * scale),
            r_eff: 2.0 * square / spread,
        }
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

fn variance(values: &[f64]) -> f64 {
    let centre = mean(values.iter().copied());
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    squares / (values.len() - 1) as f64
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::backend::Precision;
    use crate::config::{ActivationKind, ModelOptions};
    use crate::model::architecture;

    const CHANNELS: [f64; 1] = [0.5];

    /// A small smooth network in 64 bit.
    fn model(compute: &Compute) -> Model {
        let options = ModelOptions {
            activation: Some(ActivationKind::Tanh),
            width: Some(0.02),
            depth: Some(1),
            ..ModelOptions::default()
        };
        let net = architecture("mlp").unwrap().net(&options, [1, 3, 3], 4).unwrap();
        let (parameters, buffers) = (net.initial_parameters(compute, Seed(3)), net.initial_buffers(compute));
        Model { net, parameters, buffers }
    }

    fn input(samples: usize) -> Vec<f64> {
        (0..9 * samples).map(|i| (i * 7 % 11) as f64 / 5.0 - 1.0).collect()
    }

    /// |J|_F and |J J^T|_F^2 by finite differences of the gradient, for one sample.
    fn stacked(compute: &Compute, model: &Model, x: &[f64], label: usize) -> (f64, f64) {
        let gradient = |x: Vec<f64>| -> Vec<f64> {
            let (x, targets) = batch(compute, model, &[x], &[label]);
            let (_, gradient) = model.gradient(BatchNormMode::Eval, &x, &targets);
            gradient.tensors().iter().flat_map(backend::values).collect()
        };
        let columns: Vec<Vec<f64>> = (0..x.len())
            .map(|i| {
                let moved = |step: f64| {
                    let mut x = x.to_vec();
                    x[i] += step;
                    gradient(x)
                };
                let pairs = moved(1e-5).into_iter().zip(moved(-1e-5));
                pairs.map(|(above, below)| (above - below) / 2e-5).collect()
            })
            .collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let square: f64 = columns.iter().map(|column| dot(column, column)).sum();
        // J^T J has the eigenvalues of J J^T.
        let fourth = columns.iter().flat_map(|a| columns.iter().map(|b| dot(a, b).powi(2))).sum();
        (square.sqrt(), fourth)
    }

    #[test]
    fn the_estimate_is_as_close_to_the_stacked_jacobian_as_it_claims() {
        let compute = Compute::select("flex", Precision::F64).unwrap();
        let model = model(&compute);
        let (x, labels) = (input(3), [0, 3, 1]);
        let samples = Samples { input: &x, labels: &labels, deviation: &CHANNELS };
        let settings = Settings { points: 1, sigma: 0.0, probes: 800 };
        let found = probe(&compute, &model, samples, settings, Seed(1), |_, _| {});
        for (i, found) in found.iter().enumerate() {
            let (norm, fourth) = stacked(&compute, &model, &x[9 * i..9 * (i + 1)], labels[i]);
            let r_eff = norm.powi(4) / fourth;
            // Relative sd of the norm: half of that of its square, sqrt(2 / (r_eff m)).
            let sd = 0.5 * (2.0 / (r_eff * settings.probes as f64)).sqrt();
            let error = (1.0 / found.igsa - norm).abs() / norm;
            assert!(error < 4.0 * sd, "sample {i}: off by {error}, sd {sd}");
            assert!(sd < 0.5 * (2.0 / settings.probes as f64).sqrt() + 1e-12);
            assert!((found.r_eff / r_eff - 1.0).abs() < 0.5, "sample {i}: {} for {r_eff}", found.r_eff);
            let (single, targets) = batch(&compute, &model, &[x[9 * i..9 * (i + 1)].to_vec()], &[labels[i]]);
            let gradient = model.gradient(BatchNormMode::Eval, &single, &targets).1.norm();
            let relative = gradient * found.igsa / (0.5 * 3.0);
            assert!((found.igsa_rel - relative).abs() < 1e-9 * relative);
        }
    }

    #[test]
    fn few_probes_scatter_as_the_default_settings_claim() {
        let compute = Compute::select("flex", Precision::F64).unwrap();
        let model = model(&compute);
        let x = input(1);
        let (norm, _) = stacked(&compute, &model, &x, 2);
        let samples = Samples { input: &x, labels: &[2], deviation: &CHANNELS };
        let settings = Settings { sigma: 0.0, ..Settings::default() };
        let runs = 40;
        let squares: f64 = (0..runs)
            .map(|seed| {
                let found = probe(&compute, &model, samples, settings, Seed(seed), |_, _| {})[0];
                (1.0 / found.igsa / norm - 1.0).powi(2)
            })
            .sum();
        let scatter = (squares / runs as f64).sqrt();
        assert!(scatter < 0.0625 * 1.3, "{scatter}");
        assert!(scatter > 0.005, "probes that do not differ: {scatter}");
    }

    #[test]
    fn samples_are_probed_alone_whatever_is_beside_them() {
        let compute = Compute::select("flex", Precision::F64).unwrap();
        let model = model(&compute);
        let x = input(2);
        let probed = |count: usize| {
            let samples = Samples { input: &x[..9 * count], labels: &[1, 2][..count], deviation: &CHANNELS };
            probe(&compute, &model, samples, Settings::default(), Seed(5), |_, _| {})[0]
        };
        let (alone, beside) = (probed(1), probed(2));
        assert!(
            (alone.igsa / beside.igsa - 1.0).abs() < 1e-9 && (alone.r_eff / beside.r_eff - 1.0).abs() < 1e-9
        );
    }

    #[test]
    fn a_dead_network_has_nothing_to_recover() {
        let compute = Compute::select("flex", Precision::F32).unwrap();
        let mut model = model(&compute);
        model.parameters = model.parameters.scaled(0.0);
        // No weight lets the input through to a gradient but that of the first layer, which is zero.
        let x = input(1);
        let samples = Samples { input: &x, labels: &[0], deviation: &CHANNELS };
        let dead = probe(&compute, &model, samples, Settings::default(), Seed(0), |_, _| {})[0];
        assert_eq!(dead, Smoothness { igsa: f64::INFINITY, igsa_rel: f64::INFINITY, r_eff: 0.0 });
    }

    #[test]
    fn equal_directions_are_counted() {
        // J with `rank` equal singular values: |J^T v|^2 is chi-squared.
        for rank in [1_usize, 10] {
            let mut generator = Seed(9).stream("test", &[rank as u64]);
            let square = |_| seed::normal(&mut generator, rank).iter().map(|v| 4.0 * v * v).sum();
            let draws = Draws { gradients: vec![6.0], squares: vec![(0..20_000).map(square).collect()] };
            let found = draws.smoothness(3.0);
            assert!((found.r_eff / rank as f64 - 1.0).abs() < 0.1, "{} for {rank}", found.r_eff);
            let norm = 2.0 * (rank as f64).sqrt();
            assert!(
                (found.igsa * norm - 1.0).abs() < 0.02 && (found.igsa_rel * norm / 2.0 - 1.0).abs() < 0.02
            );
        }
    }

    #[test]
    fn progress_ends_at_all_passes() {
        let compute = Compute::select("flex", Precision::F32).unwrap();
        let x = input(1);
        let samples = Samples { input: &x, labels: &[0], deviation: &CHANNELS };
        let mut heard = Vec::new();
        let settings = Settings { points: 2, sigma: 0.1, probes: 3 };
        probe(&compute, &model(&compute), samples, settings, Seed(0), |done, all| heard.push((done, all)));
        assert_eq!(heard, (1..=6).map(|done| (done, 6)).collect::<Vec<_>>());
    }
}
