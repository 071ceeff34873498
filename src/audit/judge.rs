//! What an audit is to fail on: `brr>0`, if any attack has that in any round.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{AuditError, Report};
use crate::figure::{FIGURES, Figure, find, nearest};

/// A condition on the figures of all attempts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// As it was asked.
    pub text: String,
    /// Key of the figure.
    pub figure: String,
    /// `>`, `>=`, `<` or `<=`.
    pub relation: String,
    /// What it is compared with.
    pub bound: f64,
    /// Where it is so, in words; none if it is so nowhere.
    #[serde(default)]
    pub met: Vec<String>,
}

/// Longer ones first.
const RELATIONS: [&str; 4] = [">=", "<=", ">", "<"];

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Threshold, String> {
        let parts = RELATIONS.iter().find_map(|sign| {
            let (name, bound) = text.split_once(sign)?;
            Some((name.trim(), *sign, bound.trim()))
        });
        let Some((name, relation, bound)) = parts else {
            return Err(format!(
                "{text}: a threshold looks like 'brr>0' or 'psnr>=20', quoted for the shell"
            ));
        };
        let Some(figure) = find(name).and_then(|word| word.figure()) else {
            let near = nearest(name, FIGURES.iter().map(|figure| &figure.word));
            let near = near.map_or_else(
                || "gialab explain lists them".to_owned(),
                |near| format!("did you mean {near}?"),
            );
            return Err(format!("{text}: no figure is called \"{name}\"; {near}"));
        };
        match bound.parse::<f64>() {
            Ok(bound) if bound.is_finite() => Ok(Threshold {
                text: text.to_owned(),
                figure: figure.word.key.to_owned(),
                relation: relation.to_owned(),
                bound,
                met: Vec::new(),
            }),
            _ => Err(format!("{text}: \"{bound}\" is not a number; shares go from 0 to 1")),
        }
    }
}

impl Threshold {
    /// Refuses one that nothing can be said about.
    ///
    /// # Errors
    /// If its figure compares with the truth and there is none.
    pub fn check(&self, has_truth: bool) -> Result<(), AuditError> {
        match self.figure() {
            Some(figure) if figure.needs_truth() && !has_truth => Err(AuditError::Threshold(format!(
                "--fail-if {}: {} compares with the private samples, and there are none; give them with --truth FILE",
                self.text, self.figure
            ))),
            _ => Ok(()),
        }
    }

    /// The same, told where it is so.
    ///
    /// # Errors
    /// If no attempt has its figure.
    pub(super) fn judge(mut self, report: &Report) -> Result<Threshold, AuditError> {
        let attempts = report.attempts.iter();
        let rounds = attempts.flat_map(|attempt| attempt.rounds.iter().map(move |round| (attempt, round)));
        let mut seen = false;
        for (attempt, round) in rounds {
            let Some(&value) = round.figures.get(&self.figure) else { continue };
            seen = true;
            let is_so = match self.relation.as_str() {
                ">=" => value >= self.bound,
                "<=" => value <= self.bound,
                ">" => value > self.bound,
                _ => value < self.bound,
            };
            if is_so {
                let told = self.figure().map_or_else(|| value.to_string(), |figure| figure.text(value));
                self.met.push(format!("{} in round {}: {told}", attempt.name(), round.round));
            }
        }
        match seen {
            true => Ok(self),
            false => Err(AuditError::Threshold(format!(
                "--fail-if {}: no attack has the figure {}; the report tells those it has",
                self.text, self.figure
            ))),
        }
    }

    fn figure(&self) -> Option<&'static Figure> {
        find(&self.figure).and_then(|word| word.figure())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn thresholds_are_read_or_refused_in_a_sentence() {
        let read: Threshold = "brr>0".parse().unwrap();
        assert_eq!((read.figure.as_str(), read.relation.as_str(), read.bound), ("brr", ">", 0.0));
        assert_eq!("psnr >= 20".parse::<Threshold>().unwrap().relation, ">=");
        let refused = |text: &str| text.parse::<Threshold>().unwrap_err();
        assert!(refused("brr").contains("looks like"));
        assert!(refused("bbr>0").contains("did you mean brr"));
        assert!(refused("brr>many").contains("not a number"));
        read.check(true).unwrap();
        assert!(read.check(false).unwrap_err().to_string().contains("--truth"));
    }
}
