//! What the searches of an audit may spend, and what each of them has of it.

use super::AuditError;
use crate::text;

/// Seconds that a search needs at least to begin anything.
const LEAST: f64 = 1.0;

/// What all searches of an audit may spend.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// As it was asked.
    pub text: String,
    /// Seconds, or else evaluations.
    pub amount: Amount,
}

/// Of what.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// Seconds of all cores.
    Seconds(f64),
    /// Evaluations.
    Evaluations(usize),
}

impl Budget {
    /// What each of so many searches has, so many of them at once, as `attack.budget` takes it.
    pub(super) fn each(&self, searches: usize, at_once: usize) -> Result<String, AuditError> {
        let searches = searches.max(1);
        match self.amount {
            Amount::Seconds(seconds) => {
                let each = seconds * at_once.min(searches) as f64 / searches as f64;
                let least = (LEAST * searches as f64 / at_once.min(searches) as f64).ceil();
                if each < LEAST {
                    return Err(AuditError::Budget {
                        given: self.text.clone(),
                        attempts: searches,
                        each: text::duration(each),
                        least: format!("{least}s"),
                    });
                }
                Ok(format!("{each:.1}s"))
            }
            Amount::Evaluations(count) => {
                let each = count / searches;
                if each < 10 {
                    return Err(AuditError::Budget {
                        given: self.text.clone(),
                        attempts: searches,
                        each: format!("{each} evaluations"),
                        least: (10 * searches).to_string(),
                    });
                }
                Ok(each.to_string())
            }
        }
    }
}
