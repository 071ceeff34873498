//! A condition on a figure, as a person writes it: `psnr>=20`.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{FIGURES, Figure, find, nearest};

/// How a figure is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Relation {
    #[serde(rename = ">=")]
    AtLeast,
    #[serde(rename = "<=")]
    AtMost,
    #[serde(rename = ">")]
    Above,
    #[serde(rename = "<")]
    Below,
}

/// As they are written; the longer ones first.
const RELATIONS: [(&str, Relation); 4] =
    [(">=", Relation::AtLeast), ("<=", Relation::AtMost), (">", Relation::Above), ("<", Relation::Below)];

/// A figure beside a bound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// As it was written.
    pub text: String,
    /// Key of the figure.
    #[serde(rename = "figure")]
    key: String,
    /// How it is compared.
    relation: Relation,
    /// What it is compared with.
    bound: f64,
}

/// A condition that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// It is no comparison.
    #[error("{0}: a condition looks like 'psnr>=20' or 'match<1e-4', quoted for the shell")]
    Form(String),
    /// It compares something that is not measured.
    #[error("{text}: no figure is called \"{name}\"; {near}")]
    Unknown { text: String, name: String, near: String },
    /// It compares with something that is no number.
    #[error("{text}: \"{bound}\" is not a number; shares go from 0 to 1, times are in seconds")]
    Bound { text: String, bound: String },
}

impl FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Condition, ConditionError> {
        let split = |(sign, relation): &(&str, Relation)| {
            let (name, bound) = text.split_once(sign)?;
            Some((name.trim(), *relation, bound.trim()))
        };
        let Some((name, relation, bound)) = RELATIONS.iter().find_map(split) else {
            return Err(ConditionError::Form(text.to_owned()));
        };
        let Some(figure) = find(name).and_then(|word| word.figure()) else {
            let near = nearest(name, FIGURES.iter().map(|figure| &figure.word));
            let near = near.map(|near| format!("did you mean {near}?"));
            let near = near.unwrap_or_else(|| "gialab explain lists them".to_owned());
            return Err(ConditionError::Unknown { text: text.to_owned(), name: name.to_owned(), near });
        };
        match bound.parse::<f64>() {
            Ok(bound) if bound.is_finite() => {
                let key = figure.word.key.to_owned();
                Ok(Condition { text: text.to_owned(), key, relation, bound })
            }
            _ => Err(ConditionError::Bound { text: text.to_owned(), bound: bound.to_owned() }),
        }
    }
}

impl Condition {
    /// Whether a value of the figure meets it; NaN meets none.
    pub fn holds(&self, value: f64) -> bool {
        match self.relation {
            Relation::AtLeast => value >= self.bound,
            Relation::AtMost => value <= self.bound,
            Relation::Above => value > self.bound,
            Relation::Below => value < self.bound,
        }
    }

    /// Key of the figure.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The figure; none of a condition that was kept by a gialab that had others.
    pub fn figure(&self) -> Option<&'static Figure> {
        find(&self.key).and_then(|word| word.figure())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_condition_is_read_kept_and_compared() {
        for (text, value, holds) in [
            ("psnr>=20", 20.0, true),
            ("psnr > 20", 20.0, false),
            ("loss <= 1e-5", 0.0, true),
            ("brr<0.5", 0.5, false),
            ("ST-LPIPS<0.25", 0.2, true),
            ("psnr>=20", f64::NAN, false),
        ] {
            let condition: Condition = text.parse().unwrap();
            assert_eq!(condition.holds(value), holds, "{text}");
            let kept = serde_json::to_string(&condition).unwrap();
            assert_eq!(serde_json::from_str::<Condition>(&kept).unwrap(), condition);
        }
        assert_eq!("match<1".parse::<Condition>().unwrap().figure().unwrap().word.key, "match");
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["psnr", "psnr=20", "beauty>=1", "psnr>=x", "psnr>=nan", "psnr>inf", "", "trial>=1"] {
            assert!(text.parse::<Condition>().is_err(), "{text}");
        }
        let near = "pnsr>=20".parse::<Condition>().unwrap_err().to_string();
        assert!(near.contains("did you mean psnr?"), "{near}");
    }
}
