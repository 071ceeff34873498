//! Priors R(x): plain functions with a gradient, in 64 bit on the host. They never enter a pass; those on what a model
//! shows of the candidate are pulled on by it.
//!
//! A new prior is a file, a line in [`function`], and what is known of it in `config::PRIORS`.

mod bn;
mod clip_box;
mod codes;
mod feat;
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
use crate::model::{self, Moments, Net};

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

/// See [`Prior::OfFeatures`].
pub type OfFeatures = fn(seen: &[f64], known: &[f64]) -> (f64, Vec<f64>);

/// See [`Prior::OfMembers`].
pub type OfMembers = fn(members: &[Vec<f64>], weight: f64, to: &mut [Vec<f64>]) -> f64;

/// What a prior reads.
pub enum Prior {
    /// The candidate alone: the value R(x), whose gradient times the weight is added to `to`.
    OfCandidate(OfCandidate),
    /// The moments of BatchNorm's inputs beside those that are known: the value, and its gradient to them.
    OfMoments(OfMoments),
    /// The last features beside those that the update tells: the value, and its gradient to them.
    OfFeatures(OfFeatures),
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
        PriorKind::Feat => Prior::OfFeatures(feat::feat),
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

/// What priors on what the model shows hold it against.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Known {
    /// Moments of BatchNorm's inputs.
    pub moments: Vec<Moments>,
    /// Last features, row-major `[batch, features]`; NaN where they are not known.
    pub features: Vec<f64>,
}

/// Whether a prior reads what the model shows.
pub fn reads_model(priors: &config::Priors) -> bool {
    let reads = |prior| matches!(prior, Prior::OfMoments(_) | Prior::OfFeatures(_) | Prior::OfLoss);
    priors.weights().any(|(kind, _)| reads(function(kind)))
}

/// The weighted sum of priors on what the model shows, and its gradient to that.
pub fn of_shown(priors: &config::Priors, seen: &model::Shown, known: &Known) -> (f64, model::Shown) {
    let (mut sum, mut shown) = (0.0, model::Shown::default());
    for (kind, weight) in priors.weights() {
        match function(kind) {
            Prior::OfLoss => {
                sum += weight * seen.loss;
                shown.loss += weight;
            }
            Prior::OfFeatures(prior) => {
                let (value, to_features) = prior(&seen.features, &known.features);
                sum += weight * value;
                shown.features = to_features.into_iter().map(|to| weight * to).collect();
            }
            Prior::OfMoments(prior) => {
                let (value, mut to_moments) = prior(&seen.moments, &known.moments);
                sum += weight * value;
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
    (sum, shown)
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
            Candidates::Labelled | Candidates::Featured if *labels == Labels::Optimise => {
                "is for known labels, but attack.labels = \"optimise\"".to_owned()
            }
            Candidates::Featured if net.classifier().is_none_or(|last| last.bias.is_none()) => {
                "reads the last features off the gradient of a fully connected layer with a bias, which does not end this \
                 model"
                    .to_owned()
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
