//! L-BFGS with PyTorch's behaviour: history 100, 20 inner iterations and at most 25 evaluations an outer
//! step, first step scaled by min(1, 1/|g|_1), no line search unless asked for.
//!
//! An own one because a run must checkpoint it exactly and count its evaluations; burn-optim's works on
//! modules and hides both.

use std::collections::VecDeque;

use super::{Evaluation, Objective, Optimiser, Step, Turn};
use crate::attack::state::{State, StateError};
use crate::config::LineSearch;

const HISTORY: usize = 100;
const INNER_ITERATIONS: usize = 20;
const MAX_EVALUATIONS: usize = INNER_ITERATIONS * 5 / 4;
const TOLERANCE_GRADIENT: f64 = 1e-7;
const TOLERANCE_CHANGE: f64 = 1e-9;
/// Curvature pairs below this would make the Hessian estimate indefinite.
const MIN_CURVATURE: f64 = 1e-10;

/// One curvature pair.
#[derive(Debug, Clone)]
struct Pair {
    /// Change of the gradient.
    y: Vec<f64>,
    /// Change of the candidate.
    s: Vec<f64>,
    /// 1 / <y, s>.
    rho: f64,
}

/// Limited-memory BFGS.
#[derive(Debug, Clone)]
pub struct Lbfgs {
    line_search: LineSearch,
    /// The size of losses: it works on them divided by it.
    unit: f64,
    pairs: VecDeque<Pair>,
    /// Inner iterations so far, over all outer steps.
    iterations: u64,
    direction: Vec<f64>,
    step_length: f64,
    /// Scale of the initial inverse Hessian, <y, s> / <y, y>.
    scale: f64,
    previous_gradient: Vec<f64>,
}

impl Lbfgs {
    /// Without history, for losses of the size `unit`. The tolerances are PyTorch's, of the loss divided by it: absolute
    /// ones take every iterate of a small loss for a minimum.
    pub fn new(line_search: LineSearch, unit: f64) -> Self {
        Lbfgs {
            line_search,
            unit,
            pairs: VecDeque::new(),
            iterations: 0,
            direction: Vec::new(),
            step_length: 0.0,
            scale: 1.0,
            previous_gradient: Vec::new(),
        }
    }

    /// Takes up the newest curvature pair and sets the direction by the two-loop recursion.
    fn update_direction(&mut self, gradient: &[f64]) {
        if self.iterations == 1 {
            self.direction = gradient.iter().map(|g| -g).collect();
            return;
        }
        let y: Vec<f64> = gradient.iter().zip(&self.previous_gradient).map(|(g, p)| g - p).collect();
        let s: Vec<f64> = self.direction.iter().map(|d| d * self.step_length).collect();
        let curvature = dot(&y, &s);
        if curvature > MIN_CURVATURE {
            if self.pairs.len() == HISTORY {
                self.pairs.pop_front();
            }
            self.scale = curvature / dot(&y, &y);
            self.pairs.push_back(Pair { y, s, rho: 1.0 / curvature });
        }
        let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut alphas = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.iter().rev() {
            let alpha = pair.rho * dot(&pair.s, &q);
            add_scaled(&mut q, -alpha, &pair.y);
            alphas.push(alpha);
        }
        q.iter_mut().for_each(|v| *v *= self.scale);
        for (pair, alpha) in self.pairs.iter().zip(alphas.into_iter().rev()) {
            let beta = pair.rho * dot(&pair.y, &q);
            add_scaled(&mut q, alpha - beta, &pair.s);
        }
        self.direction = q;
    }
}

impl Optimiser for Lbfgs {
    fn step(&mut self, z: &mut Vec<f64>, turn: &mut Turn, objective: &mut dyn Objective) -> Step {
        let (unit, lr) = (self.unit, turn.lr);
        let evaluate = &mut |z: &[f64]| {
            let mut evaluation = objective.evaluate(z);
            evaluation.matching /= unit;
            evaluation.prior /= unit;
            evaluation.gradient.iter_mut().for_each(|g| *g /= unit);
            evaluation
        };
        let first = evaluate(z);
        let (mut loss, mut gradient) = (first.total(), first.gradient);
        let mut evaluations = 1;
        if max_abs(&gradient) <= TOLERANCE_GRADIENT {
            return Step::Stalled;
        }
        for inner in 1..=INNER_ITERATIONS {
            self.iterations += 1;
            self.update_direction(&gradient);
            let previous_loss = loss;
            let slope = dot(&gradient, &self.direction);
            self.step_length =
                if self.iterations == 1 { lr * f64::min(1.0, 1.0 / sum_abs(&gradient)) } else { lr };
            self.previous_gradient = gradient.clone();
            if slope > -TOLERANCE_CHANGE {
                return if inner == 1 { Step::Stalled } else { Step::Moved };
            }
            match self.line_search {
                LineSearch::StrongWolfe => {
                    let begin = Point { t: 0.0, loss, gradient, slope };
                    let found = strong_wolfe(z, &self.direction, begin, self.step_length, evaluate);
                    evaluations += found.evaluations;
                    self.step_length = found.point.t;
                    (loss, gradient) = (found.point.loss, found.point.gradient);
                    add_scaled(z, self.step_length, &self.direction);
                }
                LineSearch::None => {
                    add_scaled(z, self.step_length, &self.direction);
                    // As PyTorch: nothing reads an evaluation after the last inner iteration.
                    if inner != INNER_ITERATIONS {
                        let next = evaluate(z);
                        evaluations += 1;
                        (loss, gradient) = (next.total(), next.gradient);
                    }
                }
            }
            let change = max_abs(&self.direction) * self.step_length.abs();
            if !loss.is_finite()
                || evaluations >= MAX_EVALUATIONS
                || max_abs(&gradient) <= TOLERANCE_GRADIENT
                || change <= TOLERANCE_CHANGE
                || (loss - previous_loss).abs() < TOLERANCE_CHANGE
            {
                break;
            }
        }
        Step::Moved
    }

    fn save(&self, state: &mut State) {
        state.put_number("lbfgs.iterations", self.iterations as f64);
        state.put_number("lbfgs.step_length", self.step_length);
        state.put_number("lbfgs.scale", self.scale);
        state.put("lbfgs.direction", &self.direction);
        state.put("lbfgs.previous_gradient", &self.previous_gradient);
        let flat = |part: fn(&Pair) -> &[f64]| -> Vec<f64> {
            self.pairs.iter().flat_map(|pair| part(pair).iter().copied()).collect()
        };
        state.put("lbfgs.y", &flat(|pair| &pair.y));
        state.put("lbfgs.s", &flat(|pair| &pair.s));
        state.put("lbfgs.rho", &self.pairs.iter().map(|pair| pair.rho).collect::<Vec<_>>());
    }

    fn load(&mut self, state: &State, count: usize) -> Result<(), StateError> {
        self.iterations = state.number("lbfgs.iterations")? as u64;
        self.step_length = state.number("lbfgs.step_length")?;
        self.scale = state.number("lbfgs.scale")?;
        let started = if self.iterations == 0 { 0 } else { count };
        self.direction = state.vector("lbfgs.direction", started)?;
        self.previous_gradient = state.vector("lbfgs.previous_gradient", started)?;
        let rho = state.any_vector("lbfgs.rho")?;
        let y = state.vector("lbfgs.y", rho.len() * count)?;
        let s = state.vector("lbfgs.s", rho.len() * count)?;
        self.pairs = rho
            .iter()
            .enumerate()
            .map(|(i, &rho)| {
                let range = i * count..(i + 1) * count;
                Pair { y: y[range.clone()].to_vec(), s: s[range].to_vec(), rho }
            })
            .collect();
        Ok(())
    }
}

/// The objective along the search direction.
#[derive(Debug, Clone)]
struct Point {
    t: f64,
    loss: f64,
    gradient: Vec<f64>,
    /// Derivative along the direction.
    slope: f64,
}

struct Found {
    point: Point,
    evaluations: usize,
}

/// Line search for the strong Wolfe conditions (Nocedal & Wright, Numerical Optimization, algorithms 3.5
/// and 3.6) with cubic interpolation; at most 25 evaluations. Returns the best point found.
fn strong_wolfe(
    z: &[f64],
    direction: &[f64],
    begin: Point,
    first_step: f64,
    evaluate: &mut dyn FnMut(&[f64]) -> Evaluation,
) -> Found {
    const SUFFICIENT_DECREASE: f64 = 1e-4;
    const CURVATURE: f64 = 0.9;
    const MAX_SEARCH: usize = 25;

    let mut evaluations = 0;
    let mut probe = |t: f64| {
        evaluations += 1;
        let mut trial = z.to_vec();
        add_scaled(&mut trial, t, direction);
        let evaluation = evaluate(&trial);
        let slope = dot(&evaluation.gradient, direction);
        Point { t, loss: evaluation.total(), gradient: evaluation.gradient, slope }
    };
    let too_high = |point: &Point, than: &Point| {
        point.loss > begin.loss + SUFFICIENT_DECREASE * point.t * begin.slope
            || point.loss >= than.loss
            || !point.loss.is_finite()
    };
    let flat_enough = |point: &Point| point.slope.abs() <= -CURVATURE * begin.slope;

    // Bracket: step out until a minimum lies between two points.
    let mut low = begin.clone();
    let mut point = probe(first_step);
    let mut used = 1;
    let (mut low, mut high) = loop {
        if too_high(&point, &low) {
            break (low, point);
        }
        if flat_enough(&point) {
            return Found { point, evaluations };
        }
        if point.slope >= 0.0 {
            break (point, low);
        }
        if used >= MAX_SEARCH {
            return Found { point, evaluations };
        }
        let (near, far) = (point.t + 0.01 * (point.t - low.t), point.t * 10.0);
        let next = cubic_minimum(&low, &point, near, far);
        low = std::mem::replace(&mut point, probe(next));
        used += 1;
    };
    // Zoom: shrink the bracket around the minimum; `low` is always the best point.
    while used < MAX_SEARCH && (high.t - low.t).abs() * max_abs(direction) > TOLERANCE_CHANGE {
        let (left, right) = (low.t.min(high.t), low.t.max(high.t));
        let margin = 0.1 * (right - left);
        let t = cubic_minimum(&low, &high, left + margin, right - margin);
        let point = probe(t);
        used += 1;
        if too_high(&point, &low) {
            high = point;
        } else {
            if flat_enough(&point) {
                return Found { point, evaluations };
            }
            if point.slope * (high.t - low.t) >= 0.0 {
                high = low;
            }
            low = point;
        }
    }
    Found { point: low, evaluations }
}

/// Minimum of the cubic through two points with slopes, kept within the bounds; their middle if the cubic
/// has none.
fn cubic_minimum(a: &Point, b: &Point, from: f64, to: f64) -> f64 {
    let (a, b) = if a.t <= b.t { (a, b) } else { (b, a) };
    let d1 = a.slope + b.slope - 3.0 * (a.loss - b.loss) / (a.t - b.t);
    let square = d1 * d1 - a.slope * b.slope;
    if square < 0.0 || !square.is_finite() {
        return 0.5 * (from + to);
    }
    let d2 = square.sqrt();
    let minimum = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2));
    if minimum.is_finite() { minimum.clamp(from.min(to), from.max(to)) } else { 0.5 * (from + to) }
}

/// In eight sums side by side, so that the processor need not wait for each addition; the order is fixed.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(x, y)| x * y).sum();
    let mut sums = [0.0; 8];
    for (a, b) in a.zip(b) {
        for ((sum, x), y) in sums.iter_mut().zip(a).zip(b) {
            *sum += x * y;
        }
    }
    sums.iter().sum::<f64>() + rest
}

fn add_scaled(a: &mut [f64], factor: f64, b: &[f64]) {
    a.iter_mut().zip(b).for_each(|(x, y)| *x += factor * y);
}

fn max_abs(a: &[f64]) -> f64 {
    a.iter().fold(0.0, |max, v| f64::max(max, v.abs()))
}

fn sum_abs(a: &[f64]) -> f64 {
    a.iter().map(|v| v.abs()).sum()
}

#[cfg(test)]
mod tests {
    /// It draws nothing.
    fn turn() -> Turn {
        Turn { lr: 1.0, left: 1.0, draw: crate::seed::Seed(0).stream("nothing", &[]) }
    }

    use super::*;

    /// Rosenbrock's valley; minimum 0 at (1, 1).
    fn rosenbrock(z: &[f64]) -> Evaluation {
        let (x, y) = (z[0], z[1]);
        Evaluation {
            matching: (1.0 - x).powi(2) + 100.0 * (y - x * x).powi(2),
            prior: 0.0,
            gradient: vec![-2.0 * (1.0 - x) - 400.0 * x * (y - x * x), 200.0 * (y - x * x)],
        }
    }

    #[test]
    fn strong_wolfe_walks_rosenbrocks_valley() {
        let mut optimiser = Lbfgs::new(LineSearch::StrongWolfe, 1.0);
        let mut z = vec![-1.2, 1.0];
        for _ in 0..5 {
            optimiser.step(&mut z, &mut turn(), &mut rosenbrock);
        }
        assert!((z[0] - 1.0).abs() < 1e-4 && (z[1] - 1.0).abs() < 1e-4, "{z:?}");
    }

    #[test]
    fn it_stalls_at_a_minimum() {
        let mut optimiser = Lbfgs::new(LineSearch::None, 1.0);
        assert_eq!(optimiser.step(&mut vec![1.0, 1.0], &mut turn(), &mut rosenbrock), Step::Stalled);
    }

    /// The loss of a small update is small everywhere.
    #[test]
    fn a_small_loss_is_followed_as_far_as_a_large_one() {
        let reached = |size: f64, unit: f64| {
            let mut bowl = |z: &[f64]| Evaluation {
                matching: size
                    * z.iter().zip(1..).map(|(v, i)| f64::from(i) * (v - 0.3).powi(2)).sum::<f64>(),
                prior: 0.0,
                gradient: z.iter().zip(1..).map(|(v, i)| size * 2.0 * f64::from(i) * (v - 0.3)).collect(),
            };
            let mut optimiser = Lbfgs::new(LineSearch::None, unit);
            let mut z = vec![1.0, -1.0, 2.0];
            for _ in 0..20 {
                if optimiser.step(&mut z, &mut turn(), &mut bowl) == Step::Stalled {
                    break;
                }
            }
            z.iter().fold(0.0, |most: f64, v| most.max((v - 0.3).abs()))
        };
        assert!(reached(1.0, 1.0) < 1e-6);
        assert!(reached(1e-9, 1.0) > 0.1, "absolute tolerances stall at once");
        assert!(reached(1e-9, 1e-9) < 1e-6, "{}", reached(1e-9, 1e-9));
    }

    #[test]
    fn a_saved_state_goes_on_bit_for_bit() {
        for line_search in [LineSearch::None, LineSearch::StrongWolfe] {
            let bowl = |z: &[f64]| Evaluation {
                matching: z.iter().enumerate().map(|(i, v)| (i + 1) as f64 * (v - 0.3).powi(4)).sum(),
                prior: 0.0,
                gradient: z
                    .iter()
                    .enumerate()
                    .map(|(i, v)| 4.0 * (i + 1) as f64 * (v - 0.3).powi(3))
                    .collect(),
            };
            let mut straight = Lbfgs::new(line_search, 1.0);
            let mut z = vec![1.0; 7];
            straight.step(&mut z, &mut turn(), &mut { bowl });
            let mut state = State::default();
            straight.save(&mut state);
            let mut resumed = Lbfgs::new(line_search, 1.0);
            resumed.load(&state, 7).expect("a state just saved");
            let mut z_resumed = z.clone();
            straight.step(&mut z, &mut turn(), &mut { bowl });
            resumed.step(&mut z_resumed, &mut turn(), &mut { bowl });
            assert_eq!(z, z_resumed);
        }
    }
}
