//! The logit of one sample from the gradient of the last layer (Lemma 4.1 of the SoK; Zhu and Blaschko 2021): what the loss says
//! of its own gradient there is one equation for one number.
//!
//! The gradient of the last weight is dW = k a^T with k = dL/dscores and a the features. With a bias k is its gradient. Without
//! one, <W, dW> = <W a, k> and the shape of the loss leave the size of k open, which its equation closes.

use faer::Mat;

use crate::config::Loss;
use crate::equation::Equation;

/// Where the equation of one logit has its minimum, mu = 1.27846, and that minimum, -mu / (1 + e^mu).
const TURN: f64 = 1.278_464_542_761_073_7;

/// What a root says: the label, the gradient k to the scores, and the features a.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Root {
    pub label: usize,
    pub to_scores: Vec<f64>,
    pub features: Vec<f64>,
    /// The logit mu of the label, or the length c of k.
    pub at: f64,
    /// How far the equations of the other scores are off there, as a share of k.
    pub residual: f64,
}

/// What the last layer's gradient says of one sample.
#[derive(Debug)]
pub(super) struct Told {
    /// All that it can mean, the likeliest first.
    pub roots: Vec<Root>,
    /// What was found on the way.
    pub said: String,
    /// The equation that it came from, of a layer without a bias.
    pub equation: Option<Equation>,
}

/// Points of a curve.
const POINTS: usize = 160;

/// The last layer, row-major `[classes, features]`, and its gradient.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'a> {
    pub classes: usize,
    pub weight: &'a [f64],
    pub to_weight: &'a [f64],
    /// Gradient to its bias, if it has one.
    pub to_bias: Option<&'a [f64]>,
}

/// mu dL/dmu of the logistic loss log(1 + e^-mu).
pub(super) fn equation(mu: f64) -> f64 {
    -mu / (1.0 + mu.exp())
}

/// All mu with -mu / (1 + e^mu) = `value`: one where it is positive, two where it is between its minimum and 0.
pub(super) fn roots(value: f64) -> Vec<f64> {
    if value > 0.0 {
        // Falling from infinity to 0 at mu = 0; -mu/2 < value bounds it.
        return vec![between(-2.0 * value - 1.0 - 2.0 * value.abs(), 0.0, |mu| equation(mu) - value)];
    }
    if value == 0.0 {
        return vec![0.0];
    }
    // Rounding may push the value just below the minimum.
    let least = equation(TURN);
    if value <= least {
        return if value > least * (1.0 + 1e-3) { vec![TURN] } else { Vec::new() };
    }
    vec![between(0.0, TURN, |mu| equation(mu) - value), between(TURN, 800.0, |mu| value - equation(mu))]
}

/// Where a function that falls from `low` to `high` is zero.
fn between(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if f(middle) > 0.0 { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

impl Head<'_> {
    /// All that the last layer's gradient of one sample can mean.
    ///
    /// # Errors
    /// Why it can mean nothing.
    pub fn roots(&self, loss: Loss) -> Result<Told, String> {
        let features = self.weight.len() / self.classes;
        if let Some(k) = self.to_bias {
            let square: f64 = k.iter().map(|k| k * k).sum();
            if square == 0.0 {
                return Err("the gradient to the last bias is zero".to_owned());
            }
            let a = (0..features).map(|j| {
                let along = k.iter().enumerate().map(|(i, k)| k * self.to_weight[i * features + j]);
                along.sum::<f64>() / square
            });
            let (features, label) = (a.collect(), label_of(k));
            let root = Root { label, to_scores: k.to_vec(), features, at: square.sqrt(), residual: 0.0 };
            let said = "the last bias gives the gradient to the scores".to_owned();
            return Ok(Told { roots: vec![root], said, equation: None });
        }
        match (self.classes, loss) {
            (1, Loss::Bce) => self.of_one_output(),
            (2.., Loss::Ce | Loss::CeSum) => self.of_softmax(),
            _ => Err("without a last bias it solves the equation of the logit, which is known for softmax cross-entropy (\
                      victim.loss = \"ce\") and for one output under \"bce\" alone"
                .to_owned()),
        }
    }

    fn of_one_output(&self) -> Result<Told, String> {
        let value: f64 = self.weight.iter().zip(self.to_weight).map(|(w, dw)| w * dw).sum();
        let found = roots(value);
        let said = format!(
            "the equation of the logit, -mu / (1 + e^mu) = {value:.4}, has {}",
            match found.as_slice() {
                [] => "no root: the update is not one sample's, or was changed".to_owned(),
                [one] => format!("one root, mu = {one:.4}"),
                [one, other, ..] => format!("two roots, mu = {one:.4} and {other:.4}"),
            }
        );
        // y = +1 is label 1; the other sign turns the features round.
        let of = |mu: f64, label: usize| {
            let y = if label == 1 { 1.0 } else { -1.0 };
            let k = -y / (1.0 + mu.exp());
            let features = self.to_weight.iter().map(|dw| dw / k).collect();
            Root { label, to_scores: vec![k], features, at: mu, residual: 0.0 }
        };
        let (low, high) = found.iter().fold((0.0f64, TURN), |(low, high), mu| (low.min(*mu), high.max(*mu)));
        let equation = Equation {
            unknown: "mu, the logit of the label".to_owned(),
            left: "-mu / (1 + e^mu)".to_owned(),
            points: curve(low - 1.0, high + 3.0, equation),
            value,
            roots: found.clone(),
            taken: None,
            truth: None,
        };
        let roots = found.into_iter().flat_map(|mu| [of(mu, 0), of(mu, 1)]).collect();
        Ok(Told { roots, said, equation: Some(equation) })
    }

    fn of_softmax(&self) -> Result<Told, String> {
        let (classes, features) = (self.classes, self.weight.len() / self.classes);
        let gradient = Mat::from_fn(classes, features, |i, j| self.to_weight[i * features + j]);
        let svd =
            gradient.thin_svd().map_err(|_| "the last layer's gradient has no singular values".to_owned())?;
        let (size, rest) = (
            svd.S().column_vector()[0],
            svd.S().column_vector().iter().skip(1).fold(0.0f64, |m, s| m.max(*s)),
        );
        if size <= 0.0 {
            return Err("the gradient to the last weight is zero".to_owned());
        }
        let u: Vec<f64> = (0..classes).map(|i| svd.U()[(i, 0)]).collect();
        let w: Vec<f64> = (0..features).map(|j| svd.V()[(j, 0)]).collect();
        // k has one negative entry, that of the label, which is as long as all others together: of two classes, and where another
        // class has all the probability, either can be it.
        let mut sizes: Vec<(f64, usize)> = u.iter().map(|u| u.abs()).zip(0..).collect();
        sizes.sort_by(|a, b| b.0.total_cmp(&a.0));
        let own = -u[sizes[0].1].signum();
        let signs: &[f64] = if sizes[1].0 > 0.99 * sizes[0].0 { &[own, -own] } else { &[own] };
        let (mut all, mut curves) = (Vec::new(), Vec::new());
        for sign in signs {
            let u: Vec<f64> = u.iter().map(|u| u * sign).collect();
            let label = label_of(&u);
            let scores: Vec<f64> = (0..classes)
                .map(|i| (0..features).map(|j| self.weight[i * features + j] * w[j] * sign * size).sum())
                .collect();
            // softmax(W a) - e_y - c u, with a = (size / c) w.
            let off = |c: f64| -> Vec<f64> {
                let p = softmax(scores.iter().map(|score| score / c).collect());
                let rows = p.iter().zip(&u).enumerate();
                rows.map(|(i, (p, u))| p - f64::from(u8::from(i == label)) - c * u).collect()
            };
            let along = |c: f64| off(c).iter().zip(&u).map(|(off, u)| off * u).sum::<f64>();
            curves.push((label, curve(0.02, 1.5, along)));
            let grid: Vec<f64> = (0..=600).map(|i| 1e-6 * (1.5e6f64).powf(f64::from(i) / 600.0)).collect();
            for pair in grid.windows(2) {
                let (low, high) = (along(pair[0]), along(pair[1]));
                if low == 0.0 || low * high < 0.0 {
                    let c = between(pair[0], pair[1], |c| low.signum() * along(c));
                    let residual = off(c).iter().map(|off| off * off).sum::<f64>().sqrt() / c;
                    let features = w.iter().map(|w| w * sign * size / c).collect();
                    let to_scores = u.iter().map(|u| c * u).collect();
                    all.push(Root { label, to_scores, features, at: c, residual });
                }
            }
        }
        all.sort_by(|a, b| a.residual.total_cmp(&b.residual));
        let fitting = all.iter().filter(|root| root.residual < 1e-2).count();
        let said = format!(
            "the equation of the logits has {} root(s), {fitting} of them with all scores right to 1 %; the last gradient has rank 1 to \
             {:.0e}",
            all.len(),
            rest / size
        );
        // Of the label that is likeliest.
        let likeliest = all.first().map_or_else(|| curves[0].0, |root: &Root| root.label);
        let points = curves.into_iter().find(|(label, _)| *label == likeliest).map(|(_, points)| points);
        let mut roots: Vec<f64> =
            all.iter().filter(|root| root.label == likeliest).map(|root| root.at).collect();
        roots.sort_by(f64::total_cmp);
        let equation = Equation {
            unknown: "c, the length of the gradient to the scores".to_owned(),
            left: "<softmax(W a) - e_y - c u, u>".to_owned(),
            points: points.unwrap_or_default(),
            value: 0.0,
            roots,
            taken: None,
            truth: None,
        };
        Ok(Told { roots: all, said, equation: Some(equation) })
    }
}

/// A function at places that lie evenly between two.
fn curve(from: f64, to: f64, f: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    let at = |i: usize| from + (to - from) * i as f64 / (POINTS - 1) as f64;
    (0..POINTS).map(|i| (at(i), f(at(i)))).filter(|(_, value)| value.is_finite()).collect()
}

fn softmax(scores: Vec<f64>) -> Vec<f64> {
    let most = scores.iter().fold(f64::NEG_INFINITY, |most, score| most.max(*score));
    let powers: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

/// The label whose score the loss pulls up: the only negative entry of k, or of one output its sign.
pub(super) fn label_of(k: &[f64]) -> usize {
    match k {
        [single] => usize::from(*single < 0.0),
        _ => k.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(label, _)| label),
    }
}
