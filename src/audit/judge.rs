//! What an audit is to fail on: `brr>0`, if any attack has that in any round.

use serde::{Deserialize, Serialize};

use super::{AuditError, Report};
use crate::figure::Condition;

/// A condition on the figures of all attempts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// What was asked.
    #[serde(flatten)]
    pub condition: Condition,
    /// Where it is so, in words; none if it is so nowhere.
    #[serde(default)]
    pub met: Vec<String>,
}

impl From<Condition> for Threshold {
    fn from(condition: Condition) -> Threshold {
        Threshold { condition, met: Vec::new() }
    }
}

impl Threshold {
    /// Refuses one that nothing can be said about.
    ///
    /// # Errors
    /// If its figure compares with the truth and there is none.
    pub fn check(&self, has_truth: bool) -> Result<(), AuditError> {
        match self.condition.figure() {
            Some(figure) if figure.needs_truth() && !has_truth => Err(AuditError::Threshold(format!(
                "--fail-if {}: {} compares with the private samples, and there are none; give them with --truth FILE",
                self.condition.text, figure.word.key
            ))),
            _ => Ok(()),
        }
    }

    /// The same, told where it is so.
    ///
    /// # Errors
    /// If no attempt has its figure.
    pub(super) fn judge(mut self, report: &Report) -> Result<Threshold, AuditError> {
        let attempts = report.attempts.iter().map(|attempt| (attempt.name(), attempt));
        let clients = report.clients.iter().enumerate();
        let clients =
            clients.map(|(number, client)| (format!("{} on client {}", client.name(), number + 2), client));
        let all: Vec<_> = attempts.chain(clients).collect();
        let rounds =
            all.iter().flat_map(|(name, attempt)| attempt.rounds.iter().map(move |round| (name, round)));
        let mut seen = false;
        for (name, round) in rounds {
            let Some(&value) = round.figures.get(self.condition.key()) else { continue };
            seen = true;
            if self.condition.holds(value) {
                let told =
                    self.condition.figure().map_or_else(|| value.to_string(), |figure| figure.text(value));
                self.met.push(format!("{name} in round {}: {told}", round.round));
            }
        }
        match seen {
            true => Ok(self),
            false => Err(AuditError::Threshold(format!(
                "--fail-if {}: no attack has the figure {}; the report tells those it has",
                self.condition.text,
                self.condition.key()
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_needs_a_truth_is_refused_without_one() {
        let read: Threshold = "brr>0".parse::<Condition>().unwrap().into();
        read.check(true).unwrap();
        assert!(read.check(false).unwrap_err().to_string().contains("--truth"));
    }
}
