//! Priors R(x) on a candidate alone: plain functions with a gradient, in 64 bit on the host. They never enter a pass.
//!
//! A new prior is a file, a line in [`function`], and what is known of it in `config::PRIORS`.

mod clip_box;
mod l2norm;
#[cfg(test)]
mod tests;
mod tv;
mod tv_color;
mod tv_l2;
mod tv_sq;

use crate::config::{self, Candidates, PriorKind};

/// A candidate as a prior sees it.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Row-major normalised values.
    pub x: &'a [f64],
    /// `[batch, channels, height, width]`.
    pub shape: [usize; 4],
    /// Smallest and largest normalised value of each channel.
    pub range: &'a [(f64, f64)],
}

impl Candidate<'_> {
    /// Where each channel of each sample begins, and its size.
    fn planes(&self) -> (impl Iterator<Item = usize> + use<>, usize) {
        let [batch, channels, height, width] = self.shape;
        let size = height * width;
        ((0..batch * channels).map(move |plane| plane * size), size)
    }
}

/// The value R(x), whose gradient times the weight is added to `to`.
pub type Prior = fn(Candidate<'_>, weight: f64, to: &mut [f64]) -> f64;

/// The function of a prior.
pub fn function(kind: PriorKind) -> Prior {
    match kind {
        PriorKind::Tv => tv::tv,
        PriorKind::TvL2 => tv_l2::tv_l2,
        PriorKind::TvSq => tv_sq::tv_sq,
        PriorKind::TvColor => tv_color::tv_color,
        PriorKind::L2norm => l2norm::l2norm,
        PriorKind::ClipBox => clip_box::clip_box,
    }
}

/// The weighted sum of priors, whose gradient is added to `to`.
pub fn add(priors: &config::Priors, candidate: Candidate<'_>, to: &mut [f64]) -> f64 {
    priors.weights().map(|(kind, weight)| weight * function(kind)(candidate, weight, to)).sum()
}

/// Whether priors fit candidates of this shape, `[channels, height, width]`; rows of a table are one value high.
///
/// # Errors
/// One sentence with the prior that does not.
pub fn check(priors: &config::Priors, [channels, height, _]: [usize; 3]) -> Result<(), String> {
    for (kind, _) in priors.weights() {
        let facts = kind.facts();
        let why = match facts.of {
            Candidates::Pictures | Candidates::ColourPictures if height == 1 => {
                "is for pictures, but the samples are rows of a table, whose fields have no neighbours"
                    .to_owned()
            }
            Candidates::ColourPictures if channels != 3 => {
                format!("compares three colours, but the samples have {channels} channel(s)")
            }
            _ => continue,
        };
        return Err(format!("{} {why}; remove it: --set {}=0", facts.key, facts.key));
    }
    Ok(())
}
