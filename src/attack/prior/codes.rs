//! `kl-z` and `norm-z` (Li et al. 2022): codes as those that a generator was trained on, from N(0, I).

/// -1/2 sum(1 + log s^2 - m^2 - s^2) with mean m and variance s^2 of a code's entries, as public code has it: / term; mean over the samples.
pub(super) fn kl_z(codes: &[f64], latent: usize, weight: f64, to: &mut [f64]) -> f64 {
    let n = latent as f64;
    let mut value = 0.0;
    for (code, to) in codes.chunks(latent).zip(to.chunks_mut(latent)) {
        let mean = code.iter().sum::<f64>() / n;
        let variance = code.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / n;
        value += -0.5 * (1.0 + variance.ln() - mean * mean - variance);
        let to_variance = -0.5 * (1.0 / variance - 1.0);
        for (z, to) in code.iter().zip(to) {
            *to += weight * (mean / n + to_variance * 2.0 * (z - mean) / n);
        }
    }
    value
}

/// (|z|^2 - dim z)^2, sum over the samples.
pub(super) fn norm_z(codes: &[f64], latent: usize, weight: f64, to: &mut [f64]) -> f64 {
    let mut value = 0.0;
    for (code, to) in codes.chunks(latent).zip(to.chunks_mut(latent)) {
        let excess = code.iter().map(|z| z * z).sum::<f64>() - latent as f64;
        value += excess * excess;
        code.iter().zip(to).for_each(|(z, to)| *to += weight * 4.0 * excess * z);
    }
    value
}
