//! Columns of zeros: features of a fully connected layer that were cut, by Soteria or by dropout.

use super::{Inferred, Seen, Sureness, zeros};
use crate::backend;
use crate::dual::Activation;
use crate::fl::diagnosis::softmax;
use crate::fl::{Update, UpdateKind};
use crate::model::{FullLayer, Layer, Model, Net};

/// Shares of empty columns below which they are taken for the clean update's own, and of zeros outside of them above
/// which numbers were left out one by one.
const LEAST: f64 = 0.05;
const FEW: f64 = 0.01;
/// How far scores may be from the probabilities that their gradient implies: the weights lie in 32 bit.
const EXPLAINED: f64 = 1e-3;

/// A layer with columns that were cut.
struct Cut<'a> {
    layer: &'a FullLayer,
    /// Columns of zeros.
    empty: usize,
    /// Whether what is in front of it cannot give zeros by itself.
    is_smooth: bool,
}

/// Features that were cut; `all` holds every tensor that is trained, `samples` are those of the one client.
pub(super) fn columns(all: &[Seen<'_>], update: &Update, model: &Model, samples: usize) -> Option<Inferred> {
    let layers = model.net.full_layers();
    let cuts: Vec<Cut<'_>> =
        layers.iter().enumerate().filter_map(|(at, _)| cut(all, &model.net, &layers, at)).collect();
    let first = cuts.first()?;
    let sureness = if cuts.iter().all(|cut| cut.is_smooth) { Sureness::Sure } else { Sureness::Likely };
    let columns =
        |cut: &Cut<'_>| format!("{} of {} columns of {}", cut.empty, cut.layer.input, cut.layer.name);
    let shown = cuts.iter().map(columns).collect::<Vec<_>>().join(" and ");
    let rate = (100.0 * first.empty as f64 / first.layer.input as f64).round().min(99.0) / 100.0;
    if cuts.len() > 1 {
        let evidence = format!("{shown} are zero");
        return Some(Inferred::new("dropout", dropout(rate, "all"), sureness, evidence));
    }
    let is_last = layers.last() == Some(first.layer);
    if is_last && samples == 1 && explains_scores(update, model, first.layer) {
        let evidence = format!("{shown} are zero, and the others alone give the scores");
        return Some(Inferred::new("dropout", dropout(rate, "last"), sureness, evidence));
    }
    let layer = if is_last { "last" } else { "first" };
    let evidence = format!("{shown} are zero");
    let features = first.layer.input as f64;
    let share = zeros::shortest(first.empty as f64 / features, (first.empty + 1) as f64 / features);
    let settings = [("share", share.into()), ("layer", layer.into())];
    (is_last || layers.first() == Some(first.layer))
        .then(|| Inferred::new("soteria", settings, sureness, evidence))
}

fn dropout(rate: f64, layers: &str) -> [(&'static str, toml::Value); 2] {
    [("rate", rate.into()), ("layers", layers.into())]
}

/// What was cut of the layer at this place among the fully connected ones.
fn cut<'a>(all: &[Seen<'_>], net: &Net, layers: &'a [FullLayer], at: usize) -> Option<Cut<'a>> {
    let layer = &layers[at];
    let named = |name: &str, what: &str| all.iter().find(|seen| seen.name == format!("{name}.{what}"));
    let weight = named(&layer.name, "weight").filter(|_| !layer.sees_input)?;
    let rows: Vec<&[f64]> = weight.values.chunks(layer.input).collect();
    let is_empty = |feature: usize| rows.iter().all(|row| row[feature] == 0.0);
    let empty: Vec<usize> = (0..layer.input).filter(|feature| is_empty(*feature)).collect();
    let share = empty.len() as f64 / layer.input as f64;
    // Units behind it that were cut or are not active have rows of zeros.
    let kept = layer.input - empty.len();
    let alive = rows.iter().filter(|row| row.iter().any(|value| *value != 0.0)).count();
    let dense = kept * alive;
    let scattered = dense + weight.zeros() - weight.values.len();
    if share < LEAST || dense == 0 || scattered as f64 > FEW * dense as f64 || weight.is_coarse() {
        return None;
    }
    let is_smooth = is_smooth(&net.layers()[..layer.at]);
    // The gradient to a unit that is never active is zero as well, and so its own row.
    let before = at.checked_sub(1).map(|at| &layers[at]).filter(|before| {
        let between = &net.layers()[before.at + 1..layer.at];
        between.iter().all(|layer| matches!(layer, Layer::Activation(_)))
    });
    let is_active = |feature: &usize| {
        let row = before.and_then(|before| {
            let weight = named(&before.name, "weight")?;
            weight.values.chunks(before.input).nth(*feature)
        });
        row.is_some_and(|row| row.iter().any(|value| *value != 0.0))
    };
    let were_active = empty.iter().filter(|feature| is_active(feature)).count();
    let is_cut = is_smooth || were_active as f64 >= LEAST * layer.input as f64;
    is_cut.then_some(Cut { layer, empty: empty.len(), is_smooth })
}

/// Whether what comes out of these layers is zero by no more than chance.
fn is_smooth(layers: &[Layer]) -> bool {
    layers.iter().all(|layer| match layer {
        Layer::Activation(activation) => matches!(activation, Activation::Sigmoid | Activation::Tanh),
        Layer::Conv { .. }
        | Layer::Linear { .. }
        | Layer::BatchNorm { .. }
        | Layer::MaxPool(_)
        | Layer::AvgPool(_)
        | Layer::GlobalAvgPool
        | Layer::Flatten => true,
        _ => false,
    })
}

/// Whether the features that one sample's gradient shows are all that its scores were made of: dropout leaves features out
/// of the pass, Soteria out of the update alone. The gradient to the bias is p - y, and to the weights that times the
/// features.
fn explains_scores(update: &Update, model: &Model, layer: &FullLayer) -> bool {
    let Some(bias) = layer.bias.filter(|_| update.kind == UpdateKind::Gradient) else { return false };
    if !model.net.loss().is_cross_entropy() {
        return false;
    }
    let sent = |at: usize| backend::values(&update.values.tensors()[at]);
    let theta = |at: usize| backend::values(&model.parameters.tensors()[at]);
    let (to_bias, to_weight) = (sent(bias), sent(layer.weight));
    let largest = (0..to_bias.len()).max_by(|&a, &b| to_bias[a].abs().total_cmp(&to_bias[b].abs()));
    let Some(largest) = largest.filter(|&at| to_bias[at] != 0.0) else { return false };
    let row = &to_weight[largest * layer.input..(largest + 1) * layer.input];
    let features: Vec<f64> = row.iter().map(|value| value / to_bias[largest]).collect();
    let scores: Vec<f64> = theta(layer.weight)
        .chunks(layer.input)
        .zip(theta(bias))
        .map(|(row, bias)| row.iter().zip(&features).map(|(w, h)| w * h).sum::<f64>() + bias)
        .collect();
    let label = |at: usize| f64::from(u8::from(to_bias[at] < 0.0));
    let misses = softmax(&scores).into_iter().zip(&to_bias).enumerate();
    misses.fold(0.0_f64, |most, (at, (p, to_bias))| most.max((p - label(at) - to_bias).abs())) < EXPLAINED
}
