//! `l2-positions` (Lu et al. 2022, APRIL's search): squared differences, and the direction of the gradient to the positions of a vision
//! transformer, which for one sample is that to its tokens.

use super::{Match, Measure};
use crate::config::Distance;
use crate::model::{Net, Parameters};

/// The learnt positions of a vision transformer.
const POSITIONS: &str = "pos_embed";

/// D = |g - h|^2 + a (1 - cos(g_p, h_p)) with p the positions. Without positions, and where one of both is zero, the second term is a
/// and does not pull.
#[derive(Debug)]
pub(super) struct L2Positions {
    observed: Parameters,
    positions: Option<usize>,
    alpha: f64,
}

impl L2Positions {
    pub(super) fn new(config: Distance, observed: Parameters) -> Self {
        L2Positions { positions: observed.position(POSITIONS), alpha: config.alpha(), observed }
    }
}

/// Whether a network has positions.
pub(super) fn fits(net: &Net) -> bool {
    net.parameter_specs().iter().any(|spec| spec.name == POSITIONS)
}

impl Measure for L2Positions {
    fn compare(&self, g: Parameters) -> Match {
        let of_g = g.products_by_tensor(&self.observed);
        let of_h = self.observed.products_by_tensor(&self.observed);
        let square = of_g.iter().zip(&of_h).map(|((gg, gh), (hh, _))| gg - 2.0 * gh + hh).sum::<f64>();
        let (mut a, mut b) = (vec![2.0; of_g.len()], vec![-2.0; of_g.len()]);
        let mut direction = 1.0;
        if let Some(at) = self.positions {
            let ((gg, gh), (hh, _)) = (of_g[at], of_h[at]);
            let norms = (gg * hh).sqrt();
            if norms > 0.0 {
                direction = 1.0 - gh / norms;
                a[at] += self.alpha * gh / norms / gg;
                b[at] -= self.alpha / norms;
            }
        }
        let cotangent = g.combine_by_tensor(&a, &self.observed, &b);
        Match { distance: (square + self.alpha * direction).into(), cotangent }
    }

    fn of_nothing(&self) -> f64 {
        self.observed.norm().powi(2) + self.alpha
    }
}
