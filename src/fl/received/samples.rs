//! What a received model does with the client's own samples: gradients of each by itself.

use burn::tensor::Tensor;

use super::Finding;
use crate::backend::{self, Compute, Plain};
use crate::config::BatchNormMode;
use crate::model::{Model, Targets};

/// Of so few samples one often stands out by itself. Ours, from honest models (see the tests).
const LEAST: usize = 8;

/// Neurons that one sample alone switches on are told from this share of those that any does. Ours.
const SINGLE: f64 = 0.5;

/// Beyond this D-SNR a layer's gradient is one sample's. Ours, above what honest models show (see the tests).
const DOMINATED: f64 = 5.0;

/// What speaks against a model, by the gradients of each of these samples. `x` is normalised, `[batch, channels, height, width]`.
/// Of fewer than [`LEAST`] samples nothing is said.
pub fn of_samples(model: &Model, x: &Tensor<Plain, 4>, labels: &[usize], compute: &Compute) -> Vec<Finding> {
    if labels.len() < LEAST {
        return Vec::new();
    }
    let specs = model.parameters.specs().clone();
    let mut norms = vec![Vec::with_capacity(labels.len()); specs.len()];
    // Of each bias how many samples move an entry.
    let mut movers: Vec<Vec<usize>> = specs.iter().map(|spec| vec![0; spec.count()]).collect();
    for (sample, &label) in labels.iter().enumerate() {
        let one = x.clone().narrow(0, sample, 1);
        let targets = Targets::hard(compute, &[label], model.net.classes());
        let (_, gradient) = model.gradient(BatchNormMode::Eval, &one, &targets);
        for (at, tensor) in gradient.tensors().iter().enumerate() {
            let values = backend::values(tensor);
            norms[at].push(values.iter().map(|value| value * value).sum::<f64>());
            if specs[at].shape.len() == 1 {
                movers[at]
                    .iter_mut()
                    .zip(&values)
                    .filter(|(_, value)| **value != 0.0)
                    .for_each(|(n, _)| *n += 1);
            }
        }
    }
    let mut findings = Vec::new();
    for (spec, counts) in specs.iter().zip(&movers) {
        let on = counts.iter().filter(|count| **count > 0).count();
        let single = counts.iter().filter(|count| **count == 1).count();
        if on >= 16 && single as f64 > SINGLE * on as f64 {
            findings.push(Finding::new(
                "single neurons",
                format!(
                    "{single} of the {on} neurons of {} that any of {} own samples moves are moved by one alone",
                    spec.name.trim_end_matches(".bias"),
                    labels.len()
                ),
            ));
        }
    }
    let weights = specs.iter().zip(&norms).filter(|(spec, _)| spec.shape.len() >= 2);
    let most =
        weights.map(|(spec, squares)| (signal_to_noise(squares), spec)).max_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((ratio, spec)) = most.filter(|(ratio, _)| *ratio > DOMINATED) {
        let ratio = if ratio.is_finite() { format!("{ratio:.1}") } else { "beyond measure".to_owned() };
        findings.push(Finding::new(
            "D-SNR",
            format!(
                "the gradient to {} is nearly one sample's: D-SNR {ratio} over {} own samples",
                spec.name,
                labels.len()
            ),
        ));
    }
    findings
}

/// max_i |g_i| / sqrt(sum_j |g_j|^2 - max_i |g_i|^2), of squared norms.
pub(super) fn signal_to_noise(squares: &[f64]) -> f64 {
    let most = squares.iter().fold(0.0f64, |most, square| most.max(*square));
    let rest: f64 = squares.iter().sum::<f64>() - most;
    if most == 0.0 { 0.0 } else { (most / rest.max(0.0)).sqrt() }
}
