//! LOKI (Zhao et al. 2024): an imprint layer that a sum over clients does not blur. A convolution in front of it copies a client's
//! input to channels of that client's own, and gives zeros on all others; in the summed gradient of the layer behind it the clients
//! lie side by side.
//!
//! Ours: one more channel of a client is constant, so that the gradient to it is that to the bias by this client alone, which the sum
//! over clients would mix.

use super::super::{AttackError, Task};
use super::imprint;
use super::rows::{Rows, inside};
use super::{Craft, Desk, Found, Honest};
use crate::backend;
use crate::config::{Direct, Variant};
use crate::dual::Activation;
use crate::model::{Layer, Model, Net, Parameters};
use crate::text::grouped;

/// Names of what stands in front.
const COPY: &str = "loki.0";
const MEASURE: &str = "loki.2";
const RETURN: &str = "loki.4";

/// Side of the convolution's kernel.
const KERNEL: usize = 3;

/// The honest network behind a convolution to channels for each client and two layers that sort their input.
pub(super) fn net(settings: &Direct, honest: &Net, clients: usize) -> Result<Net, String> {
    let bins = imprint::settings(settings).0;
    let [channels, height, width] = honest.input();
    let copied = clients * (channels + 1);
    let (plane, inputs) = (height * width, channels * height * width);
    let linear =
        |name: &str, input, output| Layer::Linear { name: name.to_owned(), input, output, bias: true };
    let front = vec![
        Layer::conv(COPY, channels, copied, KERNEL, 1, KERNEL / 2),
        Layer::Flatten,
        linear(MEASURE, copied * plane, bins),
        Layer::Activation(Activation::Relu),
        linear(RETURN, bins, inputs),
        Layer::Unflatten([channels, height, width]),
    ];
    honest.behind(front)
}

/// A model for each client.
pub(super) fn craft(settings: &Direct, honest: &Honest<'_>) -> Result<Craft, String> {
    let edges = imprint::edges(settings, honest);
    let Honest { model: honest, clients, compute, .. } = honest;
    let clients = *clients;
    let bins = imprint::settings(settings).0;
    let net = net(settings, &honest.net, clients)?;
    let [channels, height, width] = honest.net.input();
    let (block, plane) = (channels + 1, height * width);
    let inputs = channels * plane;
    let specs = net.parameter_specs().clone();
    // The constant channels are not measured.
    let measured = (0..clients * block).flat_map(|channel| {
        let weight = if channel % block == channels { 0.0 } else { 1.0 / inputs as f64 };
        vec![weight; plane]
    });
    let measure = measured.collect::<Vec<f64>>().repeat(bins);
    let of_client = |client: usize| {
        let mut kernel = vec![0.0; clients * block * channels * KERNEL * KERNEL];
        let mut constant = vec![0.0; clients * block];
        for channel in 0..channels {
            let to = client * block + channel;
            kernel[(to * channels + channel) * KERNEL * KERNEL + KERNEL * KERNEL / 2] = 1.0;
        }
        constant[client * block + channels] = 1.0;
        let own = [
            kernel,
            constant,
            measure.clone(),
            (0..bins).map(|bin| -edges[bin]).collect(),
            vec![1.0 / bins as f64; inputs * bins],
            vec![0.0; inputs],
        ];
        let honest_values = honest.parameters.tensors().iter().map(backend::values);
        let mut values = own.into_iter().chain(honest_values);
        let parameters =
            Parameters::from_values(compute, specs.clone(), |_| values.next().unwrap_or_default());
        Model { net: net.clone(), parameters, buffers: honest.buffers.clone() }
    };
    let own: Vec<Model> = (0..clients).map(of_client).collect();
    let added = grouped((net.parameter_count() - honest.net.parameter_count()) as u64);
    let words = vec![format!(
        "sent instead of the honest model, another to each of {clients} clients: a convolution {COPY} to channels of that client's own \
         and two fully connected layers in front of it, {MEASURE} [{bins}, {}] and {RETURN} [{inputs}, {bins}], {added} parameters more",
        clients * block * plane
    )];
    let model = own.first().cloned().ok_or("there is no client to send a model to")?;
    Ok(Craft { model, own, words })
}

pub(super) fn solve(task: &Task<'_>, settings: &Direct, desk: &mut Desk<'_>) -> Result<Found, AttackError> {
    let bins = imprint::settings(settings).0;
    let view = task.view;
    let name = format!("{MEASURE}.weight");
    let Some(weight) = view.model.net.parameter_specs().iter().position(|spec| spec.name == name) else {
        return Err(AttackError::Unsolved {
            why: format!("the clients were sent a model without {MEASURE}"),
        });
    };
    let weight = backend::values(&view.observed().tensors()[weight]);
    let [batch, channels, height, width] = view.shape();
    let (block, plane) = (channels + 1, height * width);
    let columns = weight.len() / bins;
    let clients = columns / (block * plane);
    let each = batch / clients.max(1);
    let inside = inside(task.view);
    let (mut samples, mut left, mut all) = (Vec::new(), 0.0, 0.0);
    for client in 0..clients {
        let first = client * block * plane;
        let rows = weight.chunks(columns);
        let own = rows.clone().flat_map(|row| row[first..first + channels * plane].iter().copied());
        let constant = rows.map(|row| row[first + channels * plane]);
        let rows = Rows { width: channels * plane, weight: own.collect(), bias: constant.collect() };
        let mut found = imprint::read(&rows, Variant::Linear, each).bins;
        found.sort_by(|a, b| inside(&b.x).total_cmp(&inside(&a.x)).then(b.weight.total_cmp(&a.weight)));
        let possible = found.iter().filter(|bin| inside(&bin.x) >= 1.0).count();
        desk.say(format!(
            "client {}: {} of {bins} bins hold something of its {each} samples, {possible} of them what a sample can be",
            client + 1,
            found.len()
        ));
        let own: Vec<Vec<f64>> = found.into_iter().take(each).map(|bin| bin.x).collect();
        let size: f64 = rows.weight.iter().map(|value| value * value).sum();
        left += size * rows.unexplained(&own);
        all += size;
        samples.extend(own);
    }
    let unexplained = if all > 0.0 { left / all } else { 1.0 };
    desk.say(format!("they leave {unexplained:.1e} of the layer's gradient unexplained"));
    Ok(Found::unlabelled(samples, unexplained))
}
