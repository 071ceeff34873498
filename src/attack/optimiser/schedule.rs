//! Learning rate by iteration.

use crate::config::{Decay, OptimiserConfig};

/// Iterations of linear warm-up in front of the cosine.
const WARM_UP: usize = 50;

/// Learning rate of `iteration` (0-based) of `iterations`.
pub fn learning_rate(config: &OptimiserConfig, iteration: usize, iterations: usize) -> f64 {
    let factor = match config.decay {
        Decay::None => 1.0,
        Decay::Step => {
            // Times 0.1 at 3/8, 5/8 and 7/8. Geiping et al.'s code divides with Python's `//`, which floors the
            // exact quotient: 16 // 1.6 is 9.
            let floor_divide = |divisor: f64| {
                let n = iterations as f64;
                ((n - n % divisor) / divisor).round() as usize
            };
            let passed = [2.667, 1.6, 1.142].iter().filter(|&&d| iteration >= floor_divide(d)).count();
            0.1_f64.powi(passed as i32)
        }
        Decay::Cosine if iteration < WARM_UP.min(iterations / 2) => {
            (iteration + 1) as f64 / WARM_UP.min(iterations / 2) as f64
        }
        Decay::Cosine => {
            let warm_up = WARM_UP.min(iterations / 2);
            let progress = (iteration - warm_up) as f64 / (iterations - warm_up).max(1) as f64;
            0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
        }
    };
    config.lr * factor
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{OptimiserKind, Sign};

    fn config(decay: Decay) -> OptimiserConfig {
        OptimiserConfig { signed: Sign::Hard, decay, ..OptimiserConfig::new(OptimiserKind::Adam, 0.1) }
    }

    #[test]
    fn step_decay_falls_at_the_published_milestones() {
        let rate = |i| learning_rate(&config(Decay::Step), i, 2400);
        assert_eq!(rate(898), 0.1);
        assert!((rate(899) - 0.01).abs() < 1e-15);
        assert!((rate(1498) - 0.01).abs() < 1e-15);
        assert!((rate(1499) - 1e-3).abs() < 1e-15);
        assert!((rate(2101) - 1e-4).abs() < 1e-15);
    }

    #[test]
    fn cosine_rises_through_the_warm_up_and_ends_near_zero() {
        let rate = |i| learning_rate(&config(Decay::Cosine), i, 1000);
        assert!((rate(0) - 0.1 / 50.0).abs() < 1e-15);
        assert!((rate(50) - 0.1).abs() < 1e-15);
        assert!(rate(999) < 1e-6);
        assert!((51..1000).all(|i| rate(i) < rate(i - 1)));
    }

    #[test]
    fn a_run_of_one_iteration_has_a_rate() {
        for decay in [Decay::None, Decay::Step, Decay::Cosine] {
            assert!(learning_rate(&config(decay), 0, 1).is_finite());
        }
    }
}
