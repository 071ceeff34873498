//! Scale-MIA (Shi et al. 2025): no layer is added. The honest network's own front becomes the encoder of an autoencoder,
//! its first fully connected layer measures the mean of the features as an imprint does of the input, and the next one gives
//! every row the same gradient. What is between two quantiles is then the features of a sample, of which the decoder makes a
//! picture again.

use super::super::{AttackError, Task};
use super::imprint::{self, Reading, quantile};
use super::rows::Rows;
use super::{Craft, Desk, Found, Honest, Of};
use crate::backend;
use crate::config::{Direct, Variant};
use crate::dual::Activation;
use crate::model::generator::{self, MEASURED};
use crate::model::{FullLayer, Layer, Model, Net, Parameters};
use crate::weights::TrainedGenerator;

/// Where a network is changed.
struct Place {
    /// The first fully connected layer, and where its bias is.
    measure: (FullLayer, usize),
    /// Its rows.
    rows: usize,
    /// Where the weight of the next one is.
    next: usize,
}

/// Where a network is changed, or in one sentence why it cannot be.
fn place(net: &Net) -> Result<Place, String> {
    let cannot = |why: &str| {
        format!(
            "scale-mia makes the layers in front of a network's first fully connected one an encoder, but the model {why}; \
             choose one with convolutions, then two fully connected layers with a ReLU in between (lenet5), or attack with \
             imprint"
        )
    };
    generator::front(net).map_err(|why| cannot(&why))?;
    let mut full = net.full_layers().into_iter();
    let (Some(first), Some(second)) = (full.next(), full.next()) else {
        return Err(cannot("has one fully connected layer alone"));
    };
    let between = &net.layers()[first.at + 1..second.at];
    if !matches!(between, [Layer::Activation(Activation::Relu)]) {
        return Err(cannot("has no ReLU alone between its first two fully connected layers"));
    }
    let bias = first.bias.ok_or_else(|| cannot("has no bias in its first fully connected layer"))?;
    let rows = net.parameter_specs()[bias].shape[0];
    Ok(Place { measure: (first, bias), rows, next: second.weight })
}

/// What is put in place of the honest values.
struct Encoder<'a> {
    /// Of the layers in front, tensor by tensor.
    front: Vec<&'a [f64]>,
    /// Of the mean of a picture's features.
    mean: f64,
    /// Likewise.
    deviation: f64,
}

/// What an autoencoder has for this network, or in one sentence why it is not its.
fn encoder<'a>(net: &Net, place: &Place, trained: &'a TrainedGenerator) -> Result<Encoder<'a>, String> {
    let train = "train one with gialab train PRESET --autoencoder";
    let held = |name: &str, shape: &[usize]| {
        let own = trained.beside.iter().find(|(spec, _)| spec.name == name && spec.shape == shape);
        own.map(|(_, values)| values.as_slice()).ok_or_else(|| {
            format!(
                "knowledge.generator is no autoencoder of this model: its file lacks {name} of the shape {shape:?}; {train}"
            )
        })
    };
    // Those of the front are the first.
    let specs = &net.parameter_specs()[..place.measure.0.weight];
    let front = specs.iter().map(|spec| held(&spec.name, &spec.shape)).collect::<Result<_, _>>()?;
    let [mean, deviation] = MEASURED.map(|name| held(name, &[1]).map(|values| values[0]));
    let (mean, deviation) = (mean?, deviation?);
    let decoder = &trained.net;
    if decoder.latent() != place.measure.0.input || decoder.classes() > 0 || decoder.shape() != net.input() {
        let ([c, h, w], [channels, height, width]) = (decoder.shape(), net.input());
        return Err(format!(
            "knowledge.generator makes pictures of {c}x{h}x{w} of {} numbers, the model features of {channels}x{height}x{width}, \
             {} of them; {train}",
            decoder.latent() + decoder.classes(),
            place.measure.0.input
        ));
    }
    Ok(Encoder { front, mean, deviation })
}

pub(super) fn check(of: &Of<'_>) -> Result<(), String> {
    let place = place(of.net)?;
    of.generator.map_or(Ok(()), |trained| encoder(of.net, &place, trained).map(|_| ()))
}

/// The honest model with another front and another first fully connected layer.
pub(super) fn craft(_: &Direct, honest: &Honest<'_>) -> Result<Craft, String> {
    let Honest { model, generator, compute, .. } = honest;
    let place = place(&model.net)?;
    let trained = generator.ok_or("scale-mia needs an autoencoder in knowledge.generator")?;
    let Encoder { front, mean, deviation } = encoder(&model.net, &place, trained)?;
    let Place { measure: (layer, bias), rows, next } = place;
    let (specs, features) = (model.net.parameter_specs(), layer.input);
    let edge = |row: usize| mean + deviation * quantile((row + 1) as f64 / (rows + 1) as f64);
    let values = |at: usize| -> Vec<f64> {
        match at {
            _ if at < front.len() => front[at].to_vec(),
            _ if at == layer.weight => vec![1.0 / features as f64; rows * features],
            _ if at == bias => (0..rows).map(|row| -edge(row)).collect(),
            // Alike for all rows, and two sizes by turns: gradients to scores sum to zero, and with two sizes no class cancels.
            _ if at == next => {
                let of = |output: usize| vec![(1 + output % 2) as f64 / rows as f64; rows];
                (0..specs[at].shape[0]).flat_map(of).collect()
            }
            _ => backend::values(&model.parameters.tensors()[at]),
        }
    };
    let mut all = (0..specs.len()).map(values);
    let parameters = Parameters::from_values(compute, specs.clone(), |_| all.next().unwrap_or_default());
    let changed = parameters.clone().combine(1.0, &model.parameters, -1.0).norm() / model.parameters.norm();
    let names: Vec<&str> = specs[..front.len()].iter().map(|spec| spec.name.as_str()).collect();
    let words = vec![format!(
        "sent instead of the honest model: {} are those of an encoder, {}.weight [{rows}, {features}] and its bias sort their \
             features, {} is alike for all rows, nothing is added; the parameters moved by {changed:.1} times their norm",
        names.join(", "),
        layer.name,
        specs[next].name,
    )];
    let model = Model { net: model.net.clone(), parameters, buffers: model.buffers.clone() };
    Ok(Craft { model, own: Vec::new(), words })
}

pub(super) fn solve(task: &Task<'_>, _: &Direct, desk: &mut Desk<'_>) -> Result<Found, AttackError> {
    let view = task.view;
    let unsolved = |why: String| AttackError::Unsolved { why };
    let Place { measure: (layer, bias), rows: bins, .. } = place(&view.model.net).map_err(unsolved)?;
    let Some(decoder) = view.knowledge.generator.as_deref() else {
        return Err(unsolved("no autoencoder is granted; set knowledge.generator".to_owned()));
    };
    let update = view.observed();
    let values = |at: usize| backend::values(&update.tensors()[at]);
    let rows = Rows { width: layer.input, weight: values(layer.weight), bias: values(bias) };
    let batch = view.update.samples;
    let Reading { bins: mut found, floor } = imprint::read(&rows, Variant::Linear, batch);
    found.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    found.truncate(batch);
    desk.say(format!("{} of {bins} bins hold features of a batch of {batch}", found.len()));
    imprint::say_noise(desk, &found, floor);
    if found.len() < batch {
        desk.say(format!(
            "at least {} samples are not alone in a bin, or in none: what is shown of a shared bin is made of a mixture of \
             features; a model with more rows in {} may part them",
            batch - found.len(),
            layer.name
        ));
    }
    let features: Vec<Vec<f64>> = found.into_iter().map(|bin| bin.x).collect();
    if features.is_empty() {
        return Ok(Found::unlabelled(Vec::new(), 1.0));
    }
    let unexplained = rows.unexplained(&features);
    desk.say(format!("they leave {unexplained:.1e} of the layer's gradient unexplained"));
    let pixels = decoder.through(&view.compute, decoder.net.whole(), features.len(), &features.concat());
    let shape = decoder.net.shape();
    let plane = shape[1] * shape[2];
    let normalised = |(at, pixel): (usize, &f64)| {
        let (low, high) = view.range[at / plane % shape[0]];
        low + (high - low) * pixel
    };
    let pixels: Vec<f64> = pixels.iter().enumerate().map(normalised).collect();
    let samples = pixels.chunks(shape[0] * plane).map(<[f64]>::to_vec).collect();
    Ok(Found::unlabelled(samples, unexplained))
}
