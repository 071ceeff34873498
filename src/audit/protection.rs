//! Post-processing that is tried against the best attack, from what changes the update least.

use crate::config::{RunConfig, preset};

/// Shares of zeros, and noise as a share of the update's norm.
const SPARSE: [f64; 2] = [0.9, 0.99];
const NOISE: [f64; 3] = [0.3, 1.0, 3.0];

/// What is tried where nothing is asked for, as `post=...`: quantisation, sparsification, noise. `norm` is that of the clean
/// update, of so many numbers.
pub(super) fn usual(norm: f64, numbers: usize) -> Vec<String> {
    let quantise = ["[{ kind = \"quantise\", levels = 7 }]".to_owned()];
    let sparse = SPARSE.map(|share| format!("[{{ kind = \"sparsify\", share = {share} }}]"));
    let noise = NOISE.map(|share| {
        let sigma = share * norm / (numbers.max(1) as f64).sqrt();
        format!("[{{ kind = \"gaussian-noise\", sigma = {sigma:.1e} }}]")
    });
    quantise.into_iter().chain(sparse).chain(noise).collect()
}

/// An attack's config against clients that put this on, which it knows of and adapts to.
pub(super) fn against(best: &RunConfig, post: &str) -> Result<RunConfig, preset::Refused> {
    preset::change(best, [("post", post), ("knowledge.post", "known")])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;

    #[test]
    fn every_usual_step_can_be_put_on() {
        let config = preset::load("ig-lenet", &[], Path::new("/nonexistent")).unwrap().config;
        for post in usual(2.0, 16_000) {
            let with = against(&config, &post).unwrap();
            assert_eq!(with.post.len(), 1, "{post}");
        }
    }
}
