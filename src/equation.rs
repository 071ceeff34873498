//! An equation of one unknown, as an attack that solves met it: a curve, the value that it has to take, and where it does.

use serde::{Deserialize, Serialize};

/// The equation, ready to be drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Equation {
    /// The unknown, in a few words: `mu, the logit of the label`.
    pub unknown: String,
    /// Its left side, in ASCII.
    pub left: String,
    /// The unknown, ascending, with the left side there.
    pub points: Vec<(f64, f64)>,
    /// What the left side has to be.
    pub value: f64,
    /// Where it is, ascending.
    pub roots: Vec<f64>,
    /// The root that the answer was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<f64>,
    /// The unknown at the private sample: the evaluator's, which no attack knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truth: Option<f64>,
}

impl Equation {
    /// The left side, between two points in proportion; nothing outside of all.
    pub fn at(&self, unknown: f64) -> Option<f64> {
        let after = self.points.iter().position(|(x, _)| *x >= unknown)?;
        let (x1, y1) = self.points[after];
        let Some(&(x0, y0)) = after.checked_sub(1).and_then(|before| self.points.get(before)) else {
            return (x1 == unknown).then_some(y1);
        };
        Some(y0 + (y1 - y0) * (unknown - x0) / (x1 - x0))
    }

    /// `-mu / (1 + e^mu) = -0.1234 at 0.2871 (taken) and 3.1020; the truth is at 0.2871`.
    pub fn in_words(&self) -> String {
        let is_taken = |root: &f64| self.taken.is_some_and(|taken| taken == *root);
        let root = |root: &f64| format!("{root:.4}{}", if is_taken(root) { " (taken)" } else { "" });
        let roots: Vec<String> = self.roots.iter().map(root).collect();
        let roots = match roots.as_slice() {
            [] => "nowhere".to_owned(),
            roots => format!("at {}", roots.join(" and ")),
        };
        let truth = self.truth.map_or_else(String::new, |truth| format!("; the truth is at {truth:.4}"));
        format!("{} = {:.4} {roots}{truth}", self.left, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_equation_says_where_it_holds() {
        let equation = Equation {
            unknown: "mu".into(),
            left: "mu^2".into(),
            points: vec![(-2.0, 4.0), (0.0, 0.0), (1.0, 1.0)],
            value: 1.0,
            roots: vec![-1.0, 1.0],
            taken: Some(1.0),
            truth: Some(0.5),
        };
        assert_eq!(
            equation.in_words(),
            "mu^2 = 1.0000 at -1.0000 and 1.0000 (taken); the truth is at 0.5000"
        );
        let none = Equation { roots: Vec::new(), truth: None, ..equation.clone() };
        assert_eq!(none.in_words(), "mu^2 = 1.0000 nowhere");
        assert_eq!(
            [-2.0, -1.0, 0.5, 1.1, -2.1].map(|x| equation.at(x)),
            [Some(4.0), Some(2.0), Some(0.5), None, None]
        );
    }
}
