//! The rows of a fully connected layer's gradient, and what samples explain of them.

use faer::Mat;

use super::super::{AttackError, Task};
use crate::backend;
use crate::fl::AttackerView;
use crate::model::{FullLayer, Net};

/// Gradient of a fully connected layer: row i is k_i a, summed over the samples, beside k_i.
#[derive(Debug, Clone)]
pub struct Rows {
    /// Values of a row: the features that the layer sees.
    pub width: usize,
    /// Of the weight, row by row.
    pub weight: Vec<f64>,
    /// Of the bias.
    pub bias: Vec<f64>,
}

/// The first layer that is fully connected, has a bias, and sees the input itself; with its bias.
pub fn first_layer(net: &Net) -> Option<(FullLayer, usize)> {
    let layers = net.full_layers().into_iter().filter(|layer| layer.sees_input);
    layers.filter_map(|layer| layer.bias.map(|bias| (layer, bias))).next()
}

/// That a network begins with such a layer.
///
/// # Errors
/// One sentence for the attack of this name.
pub fn begins_with_layer(attack: &str, net: &Net) -> Result<(), String> {
    match first_layer(net) {
        Some(_) => Ok(()),
        None => Err(format!(
            "{attack} reads the input of a fully connected layer, but that of this model is not the network's own: choose a \
             model that begins with one (mlp), or attack with inverting-gradients"
        )),
    }
}

impl Rows {
    /// Those of the first layer in the update that is attacked.
    ///
    /// # Errors
    /// If there is none, or nothing can be divided by its bias.
    pub fn of_first(task: &Task<'_>) -> Result<(Rows, FullLayer), AttackError> {
        let unsolved = |why: String| AttackError::Unsolved { why };
        let Some((layer, bias)) = first_layer(&task.view.model.net) else {
            return Err(unsolved("no fully connected layer sees the input".to_owned()));
        };
        let update = task.view.observed();
        let values = |at: usize| backend::values(&update.tensors()[at]);
        let rows = Rows { width: layer.input, weight: values(layer.weight), bias: values(bias) };
        if rows.bias.iter().all(|value| *value == 0.0) {
            let why =
                format!("the gradient of {}.bias is zero, so that no row can be divided by it", layer.name);
            return Err(unsolved(why));
        }
        Ok((rows, layer))
    }

    /// Row i.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.weight[i * self.width..(i + 1) * self.width]
    }

    /// What the row says if one sample alone has a say in it: (dL/dW)_i / (dL/db)_i.
    pub fn quotient(&self, i: usize) -> Vec<f64> {
        self.row(i).iter().map(|value| value / self.bias[i]).collect()
    }

    /// As a matrix.
    pub fn matrix(&self) -> Mat<f64> {
        Mat::from_fn(self.bias.len(), self.width, |i, j| self.weight[i * self.width + j])
    }

    /// The share of the rows, squared, that no combination of these samples gives.
    pub fn unexplained(&self, samples: &[Vec<f64>]) -> f64 {
        let all: f64 = self.weight.iter().map(|value| value * value).sum();
        if samples.is_empty() || all == 0.0 {
            return 1.0;
        }
        // An orthonormal basis of what they span; rows less their projection.
        let span = Mat::from_fn(self.width, samples.len(), |entry, sample| samples[sample][entry]);
        let q = span.qr().compute_thin_Q();
        let rows = self.matrix();
        let rest = &rows - (&rows * &q) * q.transpose();
        (rest.squared_norm_l2() / all).min(1.0)
    }
}

/// Share of a sample's values that are possible.
pub fn inside(view: &AttackerView) -> impl Fn(&[f64]) -> f64 {
    let [_, channels, height, width] = view.shape();
    move |x| {
        let possible = x.iter().enumerate().filter(|(at, value)| {
            let (low, high) = view.range[at / (height * width) % channels];
            let slack = 1e-3 * (high - low);
            (low - slack..=high + slack).contains(*value)
        });
        possible.count() as f64 / x.len().max(1) as f64
    }
}
