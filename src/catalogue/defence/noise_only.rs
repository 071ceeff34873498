//! Noise in the place of an update: no defence, but the end of the scale that every figure on one is read against.

use super::{Defence, Stage};

/// Gaussian noise of the update's norm.
pub static NOISE_ONLY: Defence = Defence {
    name: "noise-only",
    also: &["control"],
    title: "Noise alone (control)",
    source: "gialab's own",
    year: 2026,
    stage: Stage::Update,
    about: "a control, no defence: sends noise of the update's norm in its place, which tells nothing",
    parameters: &[],
    adaptive: "can do nothing: what they still show is the work of their prior",
};
