//! `--require psnr>=20`: a condition on the result, for scripts.

use gialab::figure::{Condition, ConditionError};
use gialab::run::event::RoundResult;

/// A condition that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("--require {0}")]
pub struct RequirementError(#[from] ConditionError);

/// Reads what must be so in every attacked round.
pub fn read(text: &str) -> Result<Condition, RequirementError> {
    Ok(text.parse::<Condition>()?)
}

/// Why a round does not meet a condition, if so. Of samples the mean over the batch is compared.
pub fn unmet(condition: &Condition, result: &RoundResult) -> Option<String> {
    let Some(value) = condition.figure().and_then(|figure| figure.value(&result.measured())) else {
        return Some(format!("{} is not met in round {}: not measured", condition.text, result.round));
    };
    let digits = if value.abs() < 1e-3 { format!("{value:.3e}") } else { format!("{value:.4}") };
    (!condition.holds(value))
        .then(|| format!("{} is not met in round {}: {digits}", condition.text, result.round))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use gialab::figure::FIGURES;
    use gialab::run::event::{Metrics, Spread};

    fn result(psnr: f64) -> RoundResult {
        let spread = |mean| Spread { mean, best: mean, worst: mean };
        RoundResult {
            labels: Vec::new(),
            label_names: Vec::new(),
            round: 0,
            metrics: Some(Metrics { psnr: Some(spread(psnr)), ..Metrics::default() }),
            probe: None,
            accuracy: None,
            accuracy_lost: None,
            inferred: None,
            stages: Vec::new(),
            update_norm: None,
            processed: None,
            loss: 1e-6,
            iteration: None,
            undescended: false,
            picked: None,
            enhanced: None,
            equation: None,
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
        let requirement = read("psnr>=20").unwrap();
        assert_eq!(unmet(&requirement, &result(20.0)), None);
        assert!(unmet(&requirement, &result(19.9)).unwrap().contains("19.9"));
        assert!(unmet(&requirement, &result(f64::NAN)).is_some());
        assert_eq!(unmet(&read("loss <= 1e-5").unwrap(), &result(0.0)), None);
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
            ("mse<=1", false),
            ("match<1e-5", true),
            ("match<1e-6", false),
            ("match > 1e-7", true),
            ("evaluations<=1", true),
            ("ST-LPIPS<0.25", true),
            ("accuracy>=0", false),
        ] {
            assert_eq!(unmet(&read(condition).unwrap(), &recovered).is_none(), met, "{condition}");
        }
        assert!(unmet(&read("ssim>=0.1").unwrap(), &result(0.0)).is_some());
    }

    #[test]
    fn every_figure_can_be_asked_for_and_what_was_not_measured_is_not_met() {
        for figure in FIGURES {
            let key = figure.word.key;
            let requirement = read(&format!("{key}>=-1")).unwrap();
            let mut bare = result(0.0);
            bare.metrics = None;
            let measured = ["match", "evaluations", "seconds"].contains(&key);
            assert_eq!(unmet(&requirement, &bare).is_none(), measured, "{key}");
        }
    }
}
