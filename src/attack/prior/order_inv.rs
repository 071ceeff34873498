//! `order-inv` (Dimitrov et al. 2022): what an epoch holds does not hang on its order.

use super::Candidate;

/// Mean over the pairs of epochs of the mean square of psi_e - psi_e', where psi is the mean over an epoch's samples.
pub(super) fn order_inv(candidate: Candidate<'_>, weight: f64, to: &mut [f64]) -> f64 {
    let Candidate { x, shape: [batch, channels, height, width], epochs, .. } = candidate;
    let pixels = channels * height * width;
    if epochs < 2 {
        return 0.0;
    }
    let samples = batch / epochs;
    let means: Vec<Vec<f64>> = x
        .chunks(samples * pixels)
        .map(|epoch| {
            let mut mean = vec![0.0; pixels];
            for sample in epoch.chunks(pixels) {
                mean.iter_mut().zip(sample).for_each(|(mean, value)| *mean += value / samples as f64);
            }
            mean
        })
        .collect();
    let share = 2.0 / (epochs * (epochs - 1)) as f64 / pixels as f64;
    let mut value = 0.0;
    for pixel in 0..pixels {
        let sum: f64 = means.iter().map(|mean| mean[pixel]).sum();
        let squares: f64 = means.iter().map(|mean| mean[pixel] * mean[pixel]).sum();
        // Over the pairs, sum (a - b)^2 = E sum a^2 - (sum a)^2.
        value += share * (epochs as f64 * squares - sum * sum);
        for (epoch, mean) in means.iter().enumerate() {
            let slope = 2.0 * share * (epochs as f64 * mean[pixel] - sum) / samples as f64;
            for sample in 0..samples {
                to[(epoch * samples + sample) * pixels + pixel] += weight * slope;
            }
        }
    }
    value
}
