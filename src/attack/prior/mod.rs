//! Priors R(x): plain functions with a gradient, in 64 bit on the host. They never enter a pass; those on what a model
//! shows of the candidate are pulled on by it.
//!
//! A new prior is a file, a line in [`function`], and what is known of it in `config::PRIORS`.

mod bn;
mod clip_box;
mod codes;
mod group;
mod l2norm;
mod order_inv;
#[cfg(test)]
mod tests;
mod tv;
mod tv_color;
mod tv_l2;
mod tv_sq;

#[cfg(test)]
pub(crate) use order_inv::{Psi, of_features};

use crate::config::{self, Candidates, Labels, PriorKind, Search, VariableKind};
use crate::model::{Moments, Net};

/// A candidate as a prior sees it.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Row-major normalised values.
    pub x: &'a [f64],
    /// `[batch, channels, height, width]`.
    pub shape: [usize; 4],
    /// Smallest and largest normalised value of each channel.
    pub range: &'a [(f64, f64)],
    /// Parts of the batch that are the same samples in another epoch; 1 where each stands once.
    pub epochs: usize,
}

impl Candidate<'_> {
    /// Where each channel of each sample begins, and its size.
    fn planes(&self) -> (impl Iterator<Item = usize> + use<>, usize) {
        let [batch, channels, height, width] = self.shape;
        let size = height * width;
        ((0..batch * channels).map(move |plane| plane * size), size)
    }
}

/// See [`Prior::OfCandidate`].
pub type OfCandidate = fn(Candidate<'_>, weight: f64, to: &mut [f64]) -> f64;

/// See [`Prior::OfCodes`].
pub type OfCodes = fn(codes: &[f64], latent: usize, weight: f64, to: &mut [f64]) -> f64;

/// See [`Prior::OfMoments`].
pub type OfMoments = fn(seen: &[Moments], known: &[Moments]) -> (f64, Vec<Moments>);

/// See [`Prior::OfMembers`].
pub type OfMembers = fn(members: &[Vec<f64>], weight: f64, to: &mut [Vec<f64>]) -> f64;

/// What a prior reads.
pub enum Prior {
    /// The candidate alone: the value R(x), whose gradient times the weight is added to `to`.
    OfCandidate(OfCandidate),
    /// The moments of BatchNorm's inputs beside those that are known: the value, and its gradient to them.
    OfMoments(OfMoments),
    /// The task loss of the candidate.
    OfLoss,
    /// Codes of a generator, `latent` numbers a sample: the mean over the samples, whose gradient times the weight is added
    /// to `to`.
    OfCodes(OfCodes),
    /// All members of a trial, row by row: the value, whose gradient times the weight is added to `to`.
    OfMembers(OfMembers),
}

/// The function of a prior.
pub fn function(kind: PriorKind) -> Prior {
    match kind {
        PriorKind::Tv => Prior::OfCandidate(tv::tv),
        PriorKind::TvL2 => Prior::OfCandidate(tv_l2::tv_l2),
        PriorKind::TvSq => Prior::OfCandidate(tv_sq::tv_sq),
        PriorKind::TvColor => Prior::OfCandidate(tv_color::tv_color),
        PriorKind::L2norm => Prior::OfCandidate(l2norm::l2norm),
        PriorKind::ClipBox => Prior::OfCandidate(clip_box::clip_box),
        PriorKind::Bn => Prior::OfMoments(bn::bn),
        PriorKind::BnEqual => Prior::OfMoments(bn::bn_equal),
        PriorKind::Group => Prior::OfMembers(group::group),
        PriorKind::Loss => Prior::OfLoss,
        PriorKind::OrderInv => Prior::OfCandidate(order_inv::order_inv),
        PriorKind::OrderInvMax => Prior::OfCandidate(order_inv::order_inv_max),
        PriorKind::OrderInvConv => Prior::OfCandidate(order_inv::order_inv_conv),
        PriorKind::KlZ => Prior::OfCodes(codes::kl_z),
        PriorKind::NormZ => Prior::OfCodes(codes::norm_z),
    }
}

/// The weighted sum of priors on the candidate alone, whose gradient is added to `to`.
pub fn add(priors: &config::Priors, candidate: Candidate<'_>, to: &mut [f64]) -> f64 {
    let of_candidate = |(kind, weight)| match function(kind) {
        Prior::OfCandidate(prior) => weight * prior(candidate, weight, to),
        _ => 0.0,
    };
    priors.weights().map(of_candidate).sum()
}

/// The weighted sum of priors on codes of `latent` numbers a sample, whose gradient is added to `to`.
pub fn add_of_codes(priors: &config::Priors, codes: &[f64], latent: usize, to: &mut [f64]) -> f64 {
    let of_codes = |(kind, weight)| match function(kind) {
        Prior::OfCodes(prior) => weight * prior(codes, latent, weight, to),
        _ => 0.0,
    };
    priors.weights().map(of_codes).sum()
}

/// The weighted sum of priors on several candidates side by side, whose gradient is added to `to`.
pub fn add_of_members(priors: &config::Priors, members: &[Vec<f64>], to: &mut [Vec<f64>]) -> f64 {
    let of_members = |(kind, weight)| match function(kind) {
        Prior::OfMembers(prior) => weight * prior(members, weight, to),
        _ => 0.0,
    };
    priors.weights().map(of_members).sum()
}

/// What priors pull on of what the model shows of a candidate.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Shown {
    /// Their weighted sum.
    pub value: f64,
    /// Its gradient to the loss.
    pub loss: f64,
    /// Its gradient to the moments of BatchNorm's inputs; empty if none reads them.
    pub moments: Vec<Moments>,
}

/// Whether a prior reads what the model shows.
pub fn reads_model(priors: &config::Priors) -> bool {
    priors.weights().any(|(kind, _)| matches!(function(kind), Prior::OfMoments(_) | Prior::OfLoss))
}

/// The weighted sum of priors on what the model shows, with its gradient.
pub fn of_shown(priors: &config::Priors, loss: f64, seen: &[Moments], known: &[Moments]) -> Shown {
    let mut shown = Shown::default();
    for (kind, weight) in priors.weights() {
        match function(kind) {
            Prior::OfLoss => {
                shown.value += weight * loss;
                shown.loss += weight;
            }
            Prior::OfMoments(prior) => {
                let (value, mut to_moments) = prior(seen, known);
                shown.value += weight * value;
                for moments in &mut to_moments {
                    let entries = moments.mean.iter_mut().chain(&mut moments.variance);
                    entries.for_each(|entry| *entry *= weight);
                }
                for (moments, before) in to_moments.iter_mut().zip(&shown.moments) {
                    let entries = moments.mean.iter_mut().chain(&mut moments.variance);
                    let before = before.mean.iter().chain(&before.variance);
                    entries.zip(before).for_each(|(entry, before)| *entry += before);
                }
                shown.moments = to_moments;
            }
            Prior::OfCandidate(_) | Prior::OfCodes(_) | Prior::OfMembers(_) => {}
        }
    }
    shown
}

/// Whether the priors of a search fit this network and what it does about the labels; rows of a table are one value high.
///
/// # Errors
/// One sentence with the prior that does not.
pub fn check(search: &Search, net: &Net, labels: &Labels) -> Result<(), String> {
    let [channels, height, _] = net.input();
    for (kind, _) in search.prior.weights() {
        let facts = kind.facts();
        let why = match facts.of {
            Candidates::Pictures | Candidates::ColourPictures if height == 1 => {
                "is for pictures, but the samples are rows of a table, whose fields have no neighbours"
                    .to_owned()
            }
            Candidates::ColourPictures if channels != 3 => {
                format!("compares three colours, but the samples have {channels} channel(s)")
            }
            Candidates::Normalised if net.buffer_specs().is_empty() => {
                "matches BatchNorm statistics, but the model has no BatchNorm layer".to_owned()
            }
            Candidates::Members if search.members == 1 => {
                "compares the members of a trial, but attack.members = 1".to_owned()
            }
            Candidates::Labelled if *labels == Labels::Optimise => {
                "is the loss at known labels, but attack.labels = \"optimise\"".to_owned()
            }
            Candidates::OfEpochs if search.variable != VariableKind::Epochs => {
                "compares the epochs of a search over the samples of each, but attack.variable is another"
                    .to_owned()
            }
            Candidates::Codes if search.variable != VariableKind::Latent => {
                "is for codes of a generator, but attack.variable is another".to_owned()
            }
            _ => continue,
        };
        return Err(format!("{} {why}; remove it: --set {}=0", facts.key, facts.key));
    }
    Ok(())
}
