//! What is measured, as logs and exports hold it. Absent is what was not measured; NaN and infinity survive.

use serde::{Deserialize, Serialize};

use super::number;

/// Over the samples of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Mean over samples (PSNR: infinite values count as 100 dB).
    #[serde(with = "number")]
    pub mean: f64,
    /// Best sample.
    #[serde(with = "number")]
    pub best: f64,
    /// Worst sample.
    #[serde(with = "number")]
    pub worst: f64,
}

/// Quality of a reconstruction after optimal assignment of its samples to the ground truth.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Metrics {
    /// Mean squared error per sample, range [0, 1] pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mse: Option<Spread>,
    /// Peak signal-to-noise ratio in dB, range 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub psnr: Option<Spread>,
    /// `ssim_gauss`: Gaussian window 11, sigma 1.5; absent below 11 pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssim: Option<Spread>,
    /// Share of labels the attack got right, as a multiset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_accuracy: Option<f64>,
    /// ST-LPIPS: a shift-tolerant perceptual distance, 0 for equal images. Not comparable with LPIPS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub st_lpips: Option<Spread>,
    /// LPIPS v0.1 on the backbone that the user gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lpips: Option<Spread>,
    /// BRR, gialab's definition: share of the batch that is recovered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovered: Option<f64>,
    /// Whether the worst sample of the batch is recovered; its share over batches is WSRR, gialab's definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_recovered: Option<bool>,
    /// Share of all classes of which the attack knows whether the batch holds them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_existence: Option<f64>,
    /// Share of all classes of which the attack knows how often the batch holds them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_count: Option<f64>,
    /// IIP: share of reconstructions that are nearest (pixel l2) to their own image among all of its class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iip: Option<f64>,
    /// Candidates of the smallest class that IIP was taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iip_pool: Option<usize>,
    /// Mean squared difference of the victim's last features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feature_mse: Option<Spread>,
    /// Share of a table's fields that are right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<f64>,
    /// Each sample of a batch, in the order of the ground truth. Empty for a batch of one and in the live
    /// metrics, which would fill the log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Sample>,
}

/// How smoothly the gradient depends on the input around the true samples; gialab's definitions. Medians over the
/// samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// IGSA: 1 / mean |d gradient / d input|_F; infinite for a dead net.
    #[serde(with = "number")]
    pub igsa: f64,
    /// IGSA without the scales of gradient, input and deviation.
    #[serde(with = "number")]
    pub igsa_rel: f64,
    /// Effective number of input directions that show in the gradient.
    #[serde(with = "number")]
    pub r_eff: f64,
    /// Samples that were probed.
    pub samples: usize,
}

/// Quality of one reconstructed sample.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Sample {
    /// Mean squared error, range [0, 1] pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mse: Option<Ratio>,
    /// Peak signal-to-noise ratio in dB, range 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub psnr: Option<Ratio>,
    /// `ssim_gauss`; absent below 11 pixels, NaN where the reconstruction has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssim: Option<Ratio>,
    /// ST-LPIPS; absent where the batch has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub st_lpips: Option<Ratio>,
}

/// A number that may be NaN or infinite, in JSON as `number` writes it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ratio(#[serde(with = "number")] pub f64);

/// The attack's objective at the private samples, with the attacker's own assumptions about the clients. Beside the
/// one that was reached it tells a search that failed from a problem with several answers (the verdict).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AtTruth {
    /// Matching loss at the private samples.
    #[serde(with = "number")]
    pub matching: f64,
    /// Prior at the private samples.
    #[serde(with = "number")]
    pub prior: f64,
    /// Prior at the answer.
    #[serde(with = "number")]
    pub answer_prior: f64,
    /// Matching loss of a zero gradient.
    #[serde(with = "number")]
    pub of_nothing: f64,
}

/// PSNR in dB, mean over the batch, of what can be said without any update.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Baselines {
    /// Of a grey picture, 0.5 everywhere; absent for tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grey: Option<Ratio>,
    /// Of the mean of the other samples of the set; absent without a set, and where it has no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<Ratio>,
    /// Of the same search on noise of the update's norm; absent where no generator makes the pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<Ratio>,
}

/// The update that is sent beside the clean one. Of several clients the mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// Norm of what is sent over that of the clean update.
    pub norm: f64,
    /// Cosine of the two.
    pub cosine: f64,
    /// Norm of their difference over that of the clean update.
    pub change: f64,
    /// Share of numbers that are sent as zero.
    pub zeros: f64,
    /// Bits for each number of the clean update, in the shortest of a few plain forms.
    pub bits: f64,
}

/// All that was measured of a round, or of one trial of it, when it is complete or so far: what figures are read from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measured<'a> {
    /// The round is complete and its trial chosen.
    pub complete: bool,
    /// Quality of the reconstruction; absent before the first measurement and without ground truth.
    pub metrics: Option<&'a Metrics>,
    /// How much the attacked gradient gives away; absent unless asked for.
    pub probe: Option<Probe>,
    /// The attack's objective at the private samples; absent without ground truth.
    pub at_truth: Option<AtTruth>,
    /// What pictures score that need no update; absent without ground truth.
    pub baselines: Option<Baselines>,
    /// PSNR in dB if the truth picked among the trials, sample by sample; absent of one trial and without ground truth.
    pub picked: Option<f64>,
    /// PSNR in dB of what the attacker's enhancer makes of the answer, and of noise; absent without one and without ground truth.
    pub enhanced: Option<[f64; 2]>,
    /// Its matching loss.
    pub matching: Option<f64>,
    /// Iteration of the trial that the answer is from.
    pub iteration: Option<usize>,
    /// 0-based trial it comes from.
    pub trial: Option<usize>,
    /// Trials that were run, or begun.
    pub trials: usize,
    /// Evaluations over all trials.
    pub evaluations: Option<usize>,
    /// Seconds of computing over all trials.
    pub seconds: Option<f64>,
    /// Share of held-out samples that the attacked model classifies rightly.
    pub accuracy: Option<f64>,
    /// What of it post-processing has cost.
    pub accuracy_lost: Option<f64>,
    /// l2 norm of the update.
    pub update_norm: Option<f64>,
    /// What post-processing did to it; absent without any.
    pub processed: Option<Effect>,
}
