//! `--require psnr>=20`: a condition on the result, for scripts.

use std::str::FromStr;

use gialab::run::event::RoundResult;

/// A condition on every attacked round.
#[derive(Debug, Clone, PartialEq)]
pub struct Requirement {
    text: String,
    quantity: Quantity,
    at_least: bool,
    bound: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantity {
    Psnr,
    Ssim,
    Mse,
    StLpips,
    Lpips,
    Brr,
    Wsrr,
    Iip,
    LabelAccuracy,
    Loss,
}

/// A condition that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "--require {0}: a condition looks like 'psnr>=20' or 'mse<=0.01', quoted for the shell; quantities are psnr, ssim, mse, st_lpips, lpips, brr, wsrr, iip, label_accuracy, loss"
)]
pub struct RequirementError(String);

impl FromStr for Requirement {
    type Err = RequirementError;

    fn from_str(text: &str) -> Result<Self, RequirementError> {
        let wrong = || RequirementError(text.to_owned());
        let (name, at_least, bound) = if let Some((name, bound)) = text.split_once(">=") {
            (name, true, bound)
        } else if let Some((name, bound)) = text.split_once("<=") {
            (name, false, bound)
        } else {
            return Err(wrong());
        };
        let quantity = match name.trim() {
            "psnr" => Quantity::Psnr,
            "ssim" => Quantity::Ssim,
            "mse" => Quantity::Mse,
            "st_lpips" => Quantity::StLpips,
            "lpips" => Quantity::Lpips,
            "brr" => Quantity::Brr,
            "wsrr" => Quantity::Wsrr,
            "iip" => Quantity::Iip,
            "label_accuracy" => Quantity::LabelAccuracy,
            "loss" => Quantity::Loss,
            _ => return Err(wrong()),
        };
        let bound: f64 = bound.trim().parse().map_err(|_| wrong())?;
        if bound.is_nan() {
            return Err(wrong());
        }
        Ok(Requirement { text: text.to_owned(), quantity, at_least, bound })
    }
}

impl Requirement {
    /// Why a round does not meet the condition, if so. Means over the batch are compared.
    pub fn unmet(&self, result: &RoundResult) -> Option<String> {
        let metrics = result.metrics.as_ref();
        let value = match self.quantity {
            Quantity::Psnr => metrics.map(|metrics| metrics.psnr.mean),
            Quantity::Ssim => metrics.and_then(|metrics| metrics.ssim).map(|ssim| ssim.mean),
            Quantity::Mse => metrics.map(|metrics| metrics.mse.mean),
            Quantity::StLpips => metrics.and_then(|metrics| metrics.st_lpips).map(|distance| distance.mean),
            Quantity::Lpips => metrics.and_then(|metrics| metrics.lpips).map(|distance| distance.mean),
            Quantity::Brr => metrics.and_then(|metrics| metrics.recovered),
            // Of one batch: 1 if its worst sample is recovered, else 0.
            Quantity::Wsrr => {
                metrics.and_then(|metrics| metrics.worst_recovered).map(|all| f64::from(u8::from(all)))
            }
            Quantity::Iip => metrics.and_then(|metrics| metrics.iip),
            Quantity::LabelAccuracy => metrics.and_then(|metrics| metrics.label_accuracy),
            Quantity::Loss => Some(result.loss),
        };
        let Some(value) = value else {
            return Some(format!("{} is not met in round {}: not measured", self.text, result.round));
        };
        let met = if self.at_least { value >= self.bound } else { value <= self.bound };
        (!met).then(|| format!("{} is not met in round {}: {value:.4}", self.text, result.round))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use gialab::run::event::{Metrics, Spread};

    fn result(psnr: f64) -> RoundResult {
        let spread = |mean| Spread { mean, best: mean, worst: mean };
        RoundResult {
            labels: Vec::new(),
            label_names: Vec::new(),
            round: 0,
            metrics: Some(Metrics::new(spread(0.01), spread(psnr))),
            probe: None,
            accuracy: None,
            update_norm: None,
            loss: 1e-6,
            iteration: None,
            at_truth: None,
            baselines: None,
            trial: 0,
            trials: 1,
            evaluations: 1,
            seconds: 1.0,
        }
    }

    #[test]
    fn conditions_hold_or_say_why_not() {
        let requirement: Requirement = "psnr>=20".parse().unwrap();
        assert_eq!(requirement.unmet(&result(20.0)), None);
        assert!(requirement.unmet(&result(19.9)).unwrap().contains("19.9"));
        assert!(requirement.unmet(&result(f64::NAN)).is_some());
        assert_eq!("loss <= 1e-5".parse::<Requirement>().unwrap().unmet(&result(0.0)), None);
        let mut recovered = result(30.0);
        let metrics = recovered.metrics.as_mut().unwrap();
        (metrics.recovered, metrics.worst_recovered) = (Some(0.75), Some(false));
        metrics.st_lpips = Some(Spread { mean: 0.2, best: 0.1, worst: 0.3 });
        for (condition, met) in [
            ("brr>=0.75", true),
            ("brr>=0.8", false),
            ("wsrr>=1", false),
            ("wsrr<=0", true),
            ("st_lpips<=0.2", true),
            ("st_lpips<=0.1", false),
            ("iip>=0", false),
        ] {
            assert_eq!(
                condition.parse::<Requirement>().unwrap().unmet(&recovered).is_none(),
                met,
                "{condition}"
            );
        }
        assert!("ssim>=0.1".parse::<Requirement>().unwrap().unmet(&result(0.0)).is_some());
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["psnr", "psnr>20", "beauty>=1", "psnr>=x", "psnr>=nan", ""] {
            assert!(text.parse::<Requirement>().is_err(), "{text}");
        }
    }
}
