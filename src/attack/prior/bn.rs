//! `bn` (Yin et al. 2021): moments of BatchNorm's inputs against those that the attacker knows.

use crate::model::Moments;

/// How much the first layer counts; the others count 1. As published.
const FIRST: f64 = 10.0;

/// `sum over the layers of m_l (|mean - known mean| + |variance - known variance|)`, norms not squared.
pub fn bn(seen: &[Moments], known: &[Moments]) -> (f64, Vec<Moments>) {
    weighted(seen, known, FIRST)
}

/// The same with the first layer counting 1 as well.
pub(super) fn bn_equal(seen: &[Moments], known: &[Moments]) -> (f64, Vec<Moments>) {
    weighted(seen, known, 1.0)
}

fn weighted(seen: &[Moments], known: &[Moments], first: f64) -> (f64, Vec<Moments>) {
    let mut value = 0.0;
    let layers = seen.iter().zip(known).enumerate().map(|(layer, (seen, known))| {
        let weight = if layer == 0 { first } else { 1.0 };
        let mut distance = |seen: &[f64], known: &[f64]| -> Vec<f64> {
            let difference: Vec<f64> = seen.iter().zip(known).map(|(seen, known)| seen - known).collect();
            let norm = difference.iter().map(|d| d * d).sum::<f64>().sqrt();
            value += weight * norm;
            let scale = if norm > 0.0 { weight / norm } else { 0.0 };
            difference.into_iter().map(|d| d * scale).collect()
        };
        let mean = distance(&seen.mean, &known.mean);
        Moments { mean, variance: distance(&seen.variance, &known.variance) }
    });
    let gradient = layers.collect();
    (value, gradient)
}
