//! FC inversion (Phong et al. 2017; Geiping et al. 2020): a = (dL/dW)_i / (dL/db)_i.
//!
//! Exact where one sample alone has a say in row i. Of a batch most rows are mixtures, `sum k_n a_n / sum k_n`; those of one
//! sample alone say the same thing several times, which mixtures do not.

use super::super::{AttackError, Task};
use super::Found;
use super::rows::Rows;
use crate::backend;
use crate::config::Direct;
use crate::model::{FullLayer, Net};

/// A row whose bias gradient is smaller than this share of the largest is rounding. Ours.
const ACTIVE: f64 = 1e-6;

/// Rows are taken to say the same if they differ by no more than this share of their size: far above rounding in 32 bit,
/// far below the difference of two mixtures. Ours.
const SAME: f64 = 1e-3;

/// The first layer that is fully connected, has a bias, and sees the input itself; with its bias.
fn layer(net: &Net) -> Option<(FullLayer, usize)> {
    let layers = net.full_layers().into_iter().filter(|layer| layer.sees_input);
    layers.filter_map(|layer| layer.bias.map(|bias| (layer, bias))).next()
}

pub(super) fn check(_settings: &Direct, net: &Net) -> Result<(), String> {
    match layer(net) {
        Some(_) => Ok(()),
        None => Err(
            "fc-inversion gives the input of a fully connected layer, but that of this model is not the network's own: \
             choose a model that begins with one (mlp), or attack with inverting-gradients"
                .to_owned(),
        ),
    }
}

/// What several rows agree on.
struct Cluster {
    x: Vec<f64>,
    rows: usize,
    /// Of its rows the largest |dL/db|.
    weight: f64,
    /// Share of values that are possible.
    inside: f64,
}

pub(super) fn solve(
    task: &Task<'_>,
    _settings: &Direct,
    say: &mut dyn FnMut(String),
) -> Result<Found, AttackError> {
    let net = &task.view.model.net;
    let Some((layer, bias)) = layer(net) else {
        return Err(AttackError::Unsolved { why: "no fully connected layer sees the input".to_owned() });
    };
    let update = task.view.observed();
    let values = |at: usize| backend::values(&update.tensors()[at]);
    let rows = Rows { width: layer.input, weight: values(layer.weight), bias: values(bias) };
    let largest = rows.bias.iter().fold(0.0f64, |most, value| most.max(value.abs()));
    if largest == 0.0 {
        let why = format!("the gradient of {}.bias is zero, so that no row can be divided by it", layer.name);
        return Err(AttackError::Unsolved { why });
    }
    let mut active: Vec<usize> =
        (0..rows.bias.len()).filter(|&i| rows.bias[i].abs() > ACTIVE * largest).collect();
    active.sort_by(|&a, &b| rows.bias[b].abs().total_cmp(&rows.bias[a].abs()));
    let clusters = clusters(&rows, &active, task);
    let alone: usize = clusters.iter().filter(|cluster| cluster.rows > 1).map(|cluster| cluster.rows).sum();
    let certain = clusters.iter().filter(|cluster| cluster.rows > 1).count();
    let batch = task.view.update.samples;
    say(format!(
        "layer {}: {} of {} rows are active, {alone} of them ({:.0} %) agree with another on one sample: {certain} \
         different ones for a batch of {batch}",
        layer.name,
        active.len(),
        rows.bias.len(),
        100.0 * alone as f64 / active.len() as f64
    ));
    if certain < batch {
        say(format!(
            "{} of {batch} samples stand alone in no two rows: what is shown of them is the likeliest mixture",
            batch - certain.min(batch)
        ));
    }
    let samples: Vec<Vec<f64>> = clusters.into_iter().take(batch).map(|cluster| cluster.x).collect();
    let unexplained = rows.unexplained(&samples);
    say(format!("they leave {unexplained:.1e} of the layer's gradient unexplained"));
    Ok(Found { samples, unexplained })
}

/// What the active rows say, each thing once: what most rows agree on first, then what is possible.
fn clusters(rows: &Rows, active: &[usize], task: &Task<'_>) -> Vec<Cluster> {
    let [_, channels, height, width] = task.view.shape();
    let inside = |x: &[f64]| {
        let possible = x.iter().enumerate().filter(|(at, value)| {
            let (low, high) = task.view.range[at / (height * width) % channels];
            let slack = 1e-3 * (high - low);
            (low - slack..=high + slack).contains(*value)
        });
        possible.count() as f64 / x.len().max(1) as f64
    };
    let mut clusters: Vec<Cluster> = Vec::new();
    for &row in active {
        let x = rows.quotient(row);
        let size: f64 = x.iter().map(|value| value * value).sum();
        let same = |known: &&mut Cluster| {
            let apart: f64 = known.x.iter().zip(&x).map(|(a, b)| (a - b) * (a - b)).sum();
            apart <= SAME * SAME * size
        };
        match clusters.iter_mut().find(same) {
            Some(known) => known.rows += 1,
            None => {
                let inside = inside(&x);
                clusters.push(Cluster { inside, x, rows: 1, weight: rows.bias[row].abs() });
            }
        }
    }
    let rank = |cluster: &Cluster| (cluster.rows > 1, cluster.rows, cluster.inside, cluster.weight);
    clusters.sort_by(|a, b| {
        let (a, b) = (rank(a), rank(b));
        b.0.cmp(&a.0).then(b.2.total_cmp(&a.2).then(b.1.cmp(&a.1))).then(b.3.total_cmp(&a.3))
    });
    clusters
}
