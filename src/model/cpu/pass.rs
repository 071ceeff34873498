//! Both passes over a network.

use std::sync::Arc;

use crate::model::net::Net;
use crate::model::{Moments, Shown};

use super::buffer::Buffer;
use super::chain::{self, Kept, Source};
use super::loss::Loss;
use super::map::Map;
use super::real::Real;

/// What pass 1 found, and all that pass 2 reads.
#[derive(Debug, Clone)]
pub struct First<T: Real> {
    layers: Vec<Kept<T>>,
    loss: Loss<T>,
}

/// What pass 2 found.
#[derive(Debug, Clone)]
pub struct Second<T: Real> {
    /// `<g(x), v>`.
    pub directional: T,
    /// Its gradient to x, row-major `[batch, channels, height, width]`.
    pub to_input: Vec<T>,
    /// Its gradient to the label logits, row-major `[batch, classes]`, if the targets are their softmax.
    pub to_labels: Vec<T>,
    /// H v per tensor, if asked for.
    pub hessian: Option<Vec<Buffer<T>>>,
}

/// Statistics of BatchNorm's inputs in train mode: mean and unbiased variance, in the order of buffers; absent where
/// one value has no variance.
pub type Observed<T> = Vec<Option<Vec<T>>>;

/// Whether every layer of a network has rules here.
pub fn supports(net: &Net) -> bool {
    chain::supports(net.layers())
}

/// Scores, row-major `[batch, classes]`.
pub fn scores<T: Real>(net: &Net, theta: &[&[T]], running: Option<&[&[T]]>, x: (&[T], [usize; 4])) -> Vec<T> {
    let mut source = Source { theta, running, at: (0, 0), observed: Vec::new() };
    chain::forward(net.layers(), &mut source, Arc::new(Map::from_rows(x.0, x.1))).0.to_rows()
}

impl<T: Real> First<T> {
    /// The loss, its gradient g per tensor, and the statistics of BatchNorm's inputs in train mode.
    ///
    /// `running` is `None` in train mode; `x` is row-major with its shape; `targets` are row-major
    /// `[batch, classes]`.
    pub fn run(
        net: &Net,
        theta: &[&[T]],
        running: Option<&[&[T]]>,
        x: (&[T], [usize; 4]),
        targets: &[T],
    ) -> (Self, T, Vec<Buffer<T>>, Observed<T>) {
        let mut source = Source { theta, running, at: (0, 0), observed: Vec::new() };
        let input = Arc::new(Map::from_rows(x.0, x.1));
        let (scores, mut layers) = chain::forward(net.layers(), &mut source, input);
        let loss = Loss::new(net.loss(), &scores, targets.to_vec());
        let mut g: Vec<Buffer<T>> = theta.iter().map(|_| Buffer::default()).collect();
        chain::reverse(&mut layers, theta, Arc::new(loss.to_scores()), true, &mut g);
        let observed = source.observed.into_iter().flat_map(|(mean, variance, count)| {
            let unbiased = T::of(count as f64 / (count as f64 - 1.0));
            let variance = variance.into_iter().map(|v| v * unbiased).collect();
            if count < 2 { [None, None] } else { [Some(mean), Some(variance)] }
        });
        let observed = observed.collect();
        let value = loss.value;
        (First { layers, loss }, value, g, observed)
    }

    /// Moments of BatchNorm's inputs, layer by layer.
    pub fn moments(&self) -> Vec<Moments> {
        let mut moments = Vec::new();
        chain::moments(&self.layers, &mut moments);
        moments
    }

    /// The last features, row-major `[batch, features]`; none if no fully connected layer ends the network.
    pub fn features(&self) -> Vec<f64> {
        let features = self.layers.last().and_then(Kept::features);
        features.map_or_else(Vec::new, |features| features.to_rows().into_iter().map(Real::wide).collect())
    }

    /// The gradient to x of `<g(x), v>`, with `v` held fixed, plus the inner product of what the model shows with `shown`.
    pub fn through(&self, theta: &[&[T]], v: &[&[T]], shown: &Shown, hessian: bool) -> Second<T> {
        let (dz, moved) = chain::tangent(&self.layers, (theta, v), None, hessian);
        let dz =
            dz.unwrap_or_else(|| unreachable!("the scores depend on the last layer's weights, which move"));
        let mut dg = hessian.then(|| theta.iter().map(|_| Buffer::default()).collect());
        let mut dp = self.loss.to_scores_moved(&dz);
        if shown.loss != 0.0 {
            let p = self.loss.to_scores();
            dp.data.iter_mut().zip(&p.data[..]).for_each(|(dp, &p)| *dp += T::of(shown.loss) * p);
        }
        let to_input = chain::reverse_moved(&self.layers, &moved, (theta, v), Arc::new(dp), shown, &mut dg);
        Second {
            directional: self.loss.tangent(&dz),
            to_input: to_input.to_rows(),
            to_labels: self.loss.tangent_to_labels(&dz),
            hessian: dg,
        }
    }
}
