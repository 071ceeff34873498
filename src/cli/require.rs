//! `--require psnr>=20`: a condition on the result, for scripts.

use std::str::FromStr;

use gialab::figure::{FIGURES, Figure, find, nearest};
use gialab::run::event::RoundResult;

/// A condition on every attacked round.
#[derive(Debug, Clone)]
pub struct Requirement {
    text: String,
    figure: &'static Figure,
    relation: Relation,
    bound: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    AtLeast,
    AtMost,
    Above,
    Below,
}

/// As they are written; the longer ones first.
const RELATIONS: [(&str, Relation); 4] =
    [(">=", Relation::AtLeast), ("<=", Relation::AtMost), (">", Relation::Above), ("<", Relation::Below)];

/// A condition that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RequirementError {
    /// It is no comparison.
    #[error("--require {0}: a condition looks like 'psnr>=20' or 'match<1e-4', quoted for the shell")]
    Form(String),
    /// It compares something that is not measured.
    #[error("--require {text}: no figure is called \"{name}\"; {near}")]
    Unknown { text: String, name: String, near: String },
    /// It compares with something that is no number.
    #[error("--require {text}: \"{bound}\" is not a number; shares go from 0 to 1, times are in seconds")]
    Bound { text: String, bound: String },
}

impl FromStr for Requirement {
    type Err = RequirementError;

    fn from_str(text: &str) -> Result<Self, RequirementError> {
        let split = |(sign, relation): &(&str, Relation)| {
            let (name, bound) = text.split_once(sign)?;
            Some((name.trim(), *relation, bound.trim()))
        };
        let Some((name, relation, bound)) = RELATIONS.iter().find_map(split) else {
            return Err(RequirementError::Form(text.to_owned()));
        };
        let Some(figure) = find(name).and_then(|word| word.figure()) else {
            let near = nearest(name, FIGURES.iter().map(|figure| &figure.word));
            let near = near.map(|near| format!("did you mean {near}?"));
            let near = near.unwrap_or_else(|| "gialab explain lists them".to_owned());
            return Err(RequirementError::Unknown { text: text.to_owned(), name: name.to_owned(), near });
        };
        match bound.parse::<f64>() {
            Ok(bound) if !bound.is_nan() => {
                Ok(Requirement { text: text.to_owned(), figure, relation, bound })
            }
            _ => Err(RequirementError::Bound { text: text.to_owned(), bound: bound.to_owned() }),
        }
    }
}

impl Requirement {
    /// Why a round does not meet the condition, if so. Of samples the mean over the batch is compared.
    pub fn unmet(&self, result: &RoundResult) -> Option<String> {
        let Some(value) = self.figure.value(&result.measured()) else {
            return Some(format!("{} is not met in round {}: not measured", self.text, result.round));
        };
        let met = match self.relation {
            Relation::AtLeast => value >= self.bound,
            Relation::AtMost => value <= self.bound,
            Relation::Above => value > self.bound,
            Relation::Below => value < self.bound,
        };
        let digits = if value.abs() < 1e-3 { format!("{value:.3e}") } else { format!("{value:.4}") };
        (!met).then(|| format!("{} is not met in round {}: {digits}", self.text, result.round))
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
            ("mse<=1", false),
            ("match<1e-5", true),
            ("match<1e-6", false),
            ("match > 1e-7", true),
            ("evaluations<=1", true),
            ("ST-LPIPS<0.25", true),
            ("accuracy>=0", false),
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
    fn every_figure_can_be_asked_for_and_what_was_not_measured_is_not_met() {
        for figure in FIGURES {
            let key = figure.word.key;
            let requirement: Requirement = format!("{key}>=-1").parse().unwrap();
            let mut bare = result(0.0);
            bare.metrics = None;
            let measured = ["match", "evaluations", "seconds"].contains(&key);
            assert_eq!(requirement.unmet(&bare).is_none(), measured, "{key}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["psnr", "psnr=20", "beauty>=1", "psnr>=x", "psnr>=nan", "", "trial>=1"] {
            assert!(text.parse::<Requirement>().is_err(), "{text}");
        }
        let near = "pnsr>=20".parse::<Requirement>().unwrap_err().to_string();
        assert!(near.contains("did you mean psnr?"), "{near}");
    }
}
