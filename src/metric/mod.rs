//! How good a reconstruction is, judged with the ground truth. Attacks never call this: the evaluator does.
//!
//! All images are de-normalised and clamped to [0, 1] first. Metrics are taken sample by sample after an
//! optimal assignment and averaged last; `ssim_gauss` is the SSIM of Wang et al. with its Gaussian window. BRR and
//! WSRR are gialab's own definitions: no published formula was available.

mod assignment;
mod baseline;
mod feature;
mod identification;
mod labels;
mod lpips;
mod mse;
mod perceptual;
mod picked;
mod psnr;
mod ssim;
mod st_lpips;

pub use assignment::assign;
pub use baseline::{mean_of_others, score_of};
pub use feature::rows_mse;
pub use identification::{Identification, identification};
pub use labels::{ClassAccuracy, class_accuracy, label_accuracy};
pub use lpips::{Lpips, LpipsError};
pub use mse::mse;
pub use perceptual::Perceptual;
pub use picked::Picked;
pub use psnr::psnr;
pub use ssim::ssim_gauss;
pub use st_lpips::st_lpips;

use std::sync::Arc;

use crate::data::Images;
use crate::figure::{Metrics, Ratio, Sample, Spread};

/// What reconstructions of a run are held against, besides the truth.
#[derive(Debug, Clone)]
pub struct Scoring {
    /// Classes of the model, C.
    pub classes: usize,
    /// A sample with this PSNR or a better one counts as recovered, in dB.
    pub recovered_psnr: f64,
    /// LPIPS, if the user gave a backbone.
    pub lpips: Option<Arc<Lpips>>,
}

/// Quality of one reconstructed batch, by true sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// For each true sample the index of the reconstruction it is compared with.
    pub assignment: Vec<usize>,
    /// Mean squared error, range [0, 1].
    pub mse: Vec<f64>,
    /// Peak signal-to-noise ratio in dB; infinite for a perfect reconstruction.
    pub psnr: Vec<f64>,
    /// `ssim_gauss`, at most 1; absent for images below 11 pixels.
    pub ssim: Option<Vec<f64>>,
    /// Share of labels the attack got right, range [0, 1]; absent if it claims none.
    pub label_accuracy: Option<f64>,
    /// What the attack knows of every class; absent if it claims no labels.
    pub class_accuracy: Option<ClassAccuracy>,
    /// Whether each sample is recovered: its PSNR reaches [`Scoring::recovered_psnr`].
    pub recovered: Vec<bool>,
    /// ST-LPIPS, 0 for equal images; absent until [`Evaluation::perceive`], and for small images.
    pub st_lpips: Option<Vec<f64>>,
    /// LPIPS on the backbone that the user gave; absent as ST-LPIPS is.
    pub lpips: Option<Vec<f64>>,
}

/// Judges a reconstruction. It is clamped to [0, 1] before, where pictures are; a field of a row may lie beyond
/// what is public of its column (see `Dataset::without_telling`). `labels` are the attack's, if it claims any.
/// A reconstruction with NaN gives NaN metrics for the samples it is in.
///
/// # Panics
/// If the two have different shapes.
pub fn evaluate(
    truth: &Images,
    reconstruction: &Images,
    true_labels: &[usize],
    labels: Option<&[usize]>,
    scoring: &Scoring,
) -> Evaluation {
    assert_eq!(truth.shape(), reconstruction.shape(), "a reconstruction has the shape of the truth");
    let reconstruction = reconstruction.clamped();
    let samples = 0..truth.samples;
    let pair = |i: usize, j: usize| mse(truth.sample(i), reconstruction.sample(j));
    let errors: Vec<Vec<f64>> =
        samples.clone().map(|i| samples.clone().map(|j| pair(i, j)).collect()).collect();
    let ratios: Vec<Vec<f64>> = errors.iter().map(|row| row.iter().copied().map(psnr).collect()).collect();
    let assignment = assign(&ratios);
    let chosen = |table: &[Vec<f64>]| -> Vec<f64> {
        assignment.iter().enumerate().map(|(i, &j)| table[i][j]).collect()
    };
    let [_, channels, height, width] = truth.shape();
    let ssim = (assignment.iter().enumerate())
        .map(|(i, &j)| ssim_gauss(truth.sample(i), reconstruction.sample(j), channels, height, width))
        .collect();
    let psnr = chosen(&ratios);
    Evaluation {
        mse: chosen(&errors),
        recovered: psnr.iter().map(|&psnr| psnr >= scoring.recovered_psnr).collect(),
        psnr,
        ssim,
        label_accuracy: labels.map(|labels| label_accuracy(true_labels, labels)),
        class_accuracy: labels.map(|labels| class_accuracy(true_labels, labels, scoring.classes)),
        st_lpips: None,
        lpips: None,
        assignment,
    }
}

impl Evaluation {
    /// The reconstruction in the order of the truth.
    pub fn aligned(&self, reconstruction: &Images) -> Images {
        let samples = self.assignment.iter().flat_map(|&i| reconstruction.sample(i).iter().copied());
        Images { pixels: samples.collect(), ..*reconstruction }
    }

    /// Adds the perceptual distances, which take milliseconds a sample. Both as [`evaluate`] had them.
    pub fn perceive(&mut self, truth: &Images, reconstruction: &Images, scoring: &Scoring) {
        let aligned = self.aligned(reconstruction);
        self.st_lpips = st_lpips().distances(truth, &aligned);
        self.lpips = scoring.lpips.as_ref().and_then(|lpips| lpips.distance.distances(truth, &aligned));
    }

    /// The metrics as the event log holds them. A PSNR beyond 100 dB counts as 100. A NaN sample
    /// makes mean and worst NaN; the best is over the others.
    pub fn summary(&self) -> Metrics {
        let capped: Vec<f64> =
            self.psnr.iter().map(|&value| if value > psnr::CAP { psnr::CAP } else { value }).collect();
        let samples = self.recovered.len() as f64;
        let psnr = Spread { mean: mean(&capped), ..spread(&capped, f64::max, f64::min) };
        Metrics {
            mse: Some(distance(&self.mse)),
            psnr: Some(psnr),
            ssim: self.ssim.as_ref().map(|ssim| spread(ssim, f64::max, f64::min)),
            label_accuracy: self.label_accuracy,
            label_existence: self.class_accuracy.map(|classes| classes.existence),
            label_count: self.class_accuracy.map(|classes| classes.count),
            recovered: Some(self.recovered.iter().filter(|recovered| **recovered).count() as f64 / samples),
            worst_recovered: Some(self.recovered.iter().all(|recovered| *recovered)),
            st_lpips: self.st_lpips.as_deref().map(distance),
            lpips: self.lpips.as_deref().map(distance),
            samples: if self.mse.len() > 1 { self.samples() } else { Vec::new() },
            ..Metrics::default()
        }
    }

    fn samples(&self) -> Vec<Sample> {
        let at = |values: &Option<Vec<f64>>, i: usize| values.as_ref()?.get(i).copied().map(Ratio);
        let pairs = self.mse.iter().zip(&self.psnr).enumerate();
        let sample = |(i, (&mse, &psnr))| Sample {
            mse: Some(Ratio(mse)),
            psnr: Some(Ratio(psnr)),
            ssim: at(&self.ssim, i),
            st_lpips: at(&self.st_lpips, i),
        };
        pairs.map(sample).collect()
    }
}

/// Of a quantity that is better the smaller it is.
pub fn distance(values: &[f64]) -> Spread {
    spread(values, f64::min, f64::max)
}

/// `better` and `worse` choose one of two numbers; f64's own ignore a NaN if the other is a number.
fn spread(values: &[f64], better: fn(f64, f64) -> f64, worse: fn(f64, f64) -> f64) -> Spread {
    let best = values.iter().copied().fold(f64::NAN, better);
    let worst = if values.iter().any(|value| value.is_nan()) {
        f64::NAN
    } else {
        values.iter().copied().fold(f64::NAN, worse)
    };
    Spread { mean: mean(values), best, worst }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use safetensors::SafeTensors;
    use serde_json::Value;

    use super::*;

    fn scoring() -> Scoring {
        Scoring { classes: 10, recovered_psnr: 20.0, lpips: None }
    }

    fn images(samples: usize, side: usize, value: impl Fn(usize) -> f64) -> Images {
        let pixels = (0..samples * side * side).map(value).collect();
        Images { samples, channels: 1, height: side, width: side, pixels }
    }

    /// Image pairs and what scikit-image 0.26 says of them; see `tests/golden/README.md`.
    #[test]
    fn scikit_image_agrees_on_18_pairs() {
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/");
        let bytes = fs::read(format!("{golden}metrics.f32.safetensors")).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let manifest: Value =
            serde_json::from_slice(&fs::read(format!("{golden}manifest.json")).unwrap()).unwrap();
        let rows = manifest["cases"]["metrics"]["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 18);
        for row in rows {
            let load = |key: &str| {
                let tensor = tensors.tensor(row[key].as_str().unwrap()).unwrap();
                let [channels, height, width] = tensor.shape() else { panic!("{key}: not an image") };
                let stored: Vec<f64> = (tensor.data().chunks_exact(4))
                    .map(|bytes| f64::from(f32::from_le_bytes(bytes.try_into().unwrap())))
                    .collect();
                // All but the noisy images are stored with the channels last, whatever their shape says.
                let channels_first = key == "b" && row["kind"].as_str().unwrap().starts_with("noise");
                let plane = height * width;
                let place = |i: usize| if channels_first { i } else { i % plane * channels + i / plane };
                Images {
                    samples: 1,
                    channels: *channels,
                    height: *height,
                    width: *width,
                    pixels: (0..stored.len()).map(|i| stored[place(i)]).collect(),
                }
            };
            let evaluation = evaluate(&load("a"), &load("b"), &[0], None, &scoring());
            let close = |value: f64, key: &str| {
                let expected = row[key].as_f64().unwrap_or(f64::INFINITY);
                let same = value == expected || (value - expected).abs() <= 1e-9 * expected.abs();
                assert!(same, "{} {key}: {value} instead of {expected}", row["kind"]);
            };
            close(evaluation.mse[0], "mse");
            close(evaluation.psnr[0], "psnr");
            close(evaluation.ssim.unwrap()[0], "ssim_gauss");
        }
    }

    #[test]
    fn a_shuffled_batch_is_assigned_back() {
        let truth = images(5, 12, |i| (i * 37 % 101) as f64 / 100.0);
        let order = [3, 0, 4, 1, 2];
        let mut shuffled = truth.clone();
        shuffled.pixels = order.iter().flat_map(|&i| truth.sample(i).to_vec()).collect();
        let evaluation = evaluate(&truth, &shuffled, &[0, 1, 2, 3, 4], Some(&[4, 3, 2, 1, 1]), &scoring());
        assert_eq!(evaluation.assignment, [1, 3, 4, 0, 2]);
        assert_eq!(evaluation.mse, [0.0; 5]);
        assert_eq!(evaluation.psnr, [f64::INFINITY; 5]);
        assert_eq!(evaluation.label_accuracy, Some(0.8));
        let summary = evaluation.summary();
        assert_eq!(summary.psnr.unwrap(), Spread { mean: 100.0, best: 100.0, worst: 100.0 });
        assert!((summary.ssim.unwrap().worst - 1.0).abs() < 1e-12);
        // Of ten classes 0 is missing and 1 is named twice.
        assert_eq!((summary.label_existence, summary.label_count), (Some(0.9), Some(0.8)));
    }

    #[test]
    fn a_batch_is_recovered_sample_by_sample_and_whole_by_its_worst() {
        let truth = images(4, 12, |_| 0.5);
        // 20 dB is enough; the third sample misses it.
        let offsets = [0.1, 0.01, 0.11, 0.0];
        let judged = |bound: f64| {
            let reconstruction = images(4, 12, |i| 0.5 + offsets[i / 144]);
            let scoring = Scoring { recovered_psnr: bound, ..scoring() };
            let summary = evaluate(&truth, &reconstruction, &[0; 4], None, &scoring).summary();
            (summary.recovered.unwrap(), summary.worst_recovered.unwrap())
        };
        assert_eq!(judged(19.9999), (0.75, false));
        assert_eq!(judged(19.0), (1.0, true));
        assert_eq!(judged(60.0), (0.25, false));
        let broken = evaluate(&truth, &images(4, 12, |_| f64::NAN), &[0; 4], None, &scoring()).summary();
        assert_eq!((broken.recovered, broken.worst_recovered), (Some(0.0), Some(false)));
    }

    #[test]
    fn perceptual_distances_follow_the_assignment() {
        let truth = images(2, 24, |i| ((i * 31 + i / 576 * 7) % 97) as f64 / 96.0);
        let swapped = Images { pixels: [truth.sample(1), truth.sample(0)].concat(), ..truth.clone() };
        let mut evaluation = evaluate(&truth, &swapped, &[0, 1], None, &scoring());
        assert_eq!(evaluation.summary().st_lpips, None);
        evaluation.perceive(&truth, &swapped, &scoring());
        assert_eq!(evaluation.st_lpips, Some(vec![0.0, 0.0]));
        assert_eq!(evaluation.summary().samples[1].st_lpips, Some(Ratio(0.0)));
        assert_eq!(evaluation.lpips, None);
    }

    #[test]
    fn best_is_the_largest_psnr_and_the_smallest_error() {
        let truth = images(2, 8, |_| 0.5);
        let reconstruction = images(2, 8, |i| if i < 64 { 0.6 } else { 0.51 });
        let summary = evaluate(&truth, &reconstruction, &[0, 0], None, &scoring()).summary();
        assert!(
            (summary.mse.unwrap().best - 1e-4).abs() < 1e-12
                && (summary.mse.unwrap().worst - 1e-2).abs() < 1e-12
        );
        assert!(
            (summary.psnr.unwrap().best - 40.0).abs() < 1e-9
                && (summary.psnr.unwrap().worst - 20.0).abs() < 1e-9
        );
        assert!((summary.psnr.unwrap().mean - 30.0).abs() < 1e-9);
        assert_eq!((summary.ssim, summary.label_accuracy), (None, None));
    }

    #[test]
    fn values_are_clamped_before_they_are_judged() {
        let truth = images(1, 8, |i| (i % 2) as f64);
        let wild = images(1, 8, |i| if i % 2 == 0 { -40.0 } else { 9.0 });
        assert_eq!(evaluate(&truth, &wild, &[0], None, &scoring()).psnr, [f64::INFINITY]);
    }

    #[test]
    fn nan_reconstructions_give_nan_in_the_given_order() {
        let truth = images(3, 11, |i| (i % 7) as f64 / 7.0);
        let evaluation = evaluate(&truth, &images(3, 11, |_| f64::NAN), &[0, 0, 0], None, &scoring());
        assert_eq!(evaluation.assignment, [0, 1, 2]);
        let summary = evaluation.summary();
        for spread in [summary.mse, summary.psnr, summary.ssim].map(Option::unwrap) {
            assert!(spread.mean.is_nan() && spread.best.is_nan() && spread.worst.is_nan());
        }
        let mut partly = truth.clone();
        partly.pixels[0] = f64::NAN;
        let summary = evaluate(&truth, &partly, &[0, 0, 0], None, &scoring()).summary();
        assert!(summary.psnr.unwrap().mean.is_nan() && summary.psnr.unwrap().worst.is_nan());
        assert_eq!(summary.psnr.unwrap().best, 100.0);
    }
}
