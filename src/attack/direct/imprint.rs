//! Robbing the Fed (Fowl et al. 2022): two layers in front of the network. Every row of the first measures the mean of the
//! input, h(x), and is active from its own quantile on; the second gives every row the same gradient. What is between two
//! quantiles is then the difference of two rows.

use super::super::{AttackError, Task};
use super::rows::Rows;
use super::{Craft, Desk, Found, Honest, Of};
use crate::backend;
use crate::config::{Direct, Variant};
use crate::dual::Activation;
use crate::model::{Layer, Model, Net, Parameters};
use crate::text::grouped;

/// Names of what stands in front.
const MEASURE: &str = "imprint.0";
const RETURN: &str = "imprint.2";

/// A bin with a smaller share of the largest bias gradient is empty. Ours; rounding in 32 bit stays below.
const EMPTY: f64 = 1e-6;

/// Of noise of deviation 1 no bin of thousands is larger.
const NOISE: f64 = 4.5;

/// A sample's values lie in its range but for this share of them and of the range, and for noise. Ours.
const SLACK: f64 = 1e-3;

/// Rows that measure, and how they are read. The one-shot variant has the two edges of its bin, whatever `bins` says.
pub(super) fn settings(settings: &Direct) -> (usize, Variant) {
    match settings.variant.unwrap_or(Variant::Linear) {
        Variant::OneShot => (2, Variant::OneShot),
        variant => (settings.bins.unwrap_or(128), variant),
    }
}

/// The means of samples, as shares of their range, are taken to be normal with this mean and deviation: no data are looked
/// at.
fn taken(settings: &Direct) -> (f64, f64) {
    (settings.mean.unwrap_or(0.45), settings.deviation.unwrap_or(0.15))
}

/// Fewer bins than samples are sorted all the same: what is shared is said.
pub(super) fn check(_: &Of<'_>) -> Result<(), String> {
    Ok(())
}

/// Edges of the bins in normalised values, one more than there are bins: normal quantiles, the last as far as the one
/// before it. Of the one-shot variant the middle bin that one of so many samples is expected in.
pub(super) fn edges(settings: &Direct, honest: &Honest<'_>) -> Vec<f64> {
    let Honest { model, range, samples, .. } = honest;
    let [channels, ..] = model.net.input();
    let ((bins, variant), (centre, deviation)) = (self::settings(settings), taken(settings));
    let mean = |of: fn(&(f64, f64)) -> f64| range.iter().map(of).sum::<f64>() / channels as f64;
    let (low, high) = (mean(|range| range.0), mean(|range| range.1));
    let at = |i: usize| {
        let below = match variant {
            Variant::OneShot => 0.5 + (i as f64 - 0.5) / (*samples).max(1) as f64,
            Variant::Linear | Variant::Sparse => (i + 1) as f64 / (bins + 1) as f64,
        };
        let share = centre + deviation * quantile(below);
        low + (high - low) * share
    };
    let mut edges: Vec<f64> = (0..bins).map(at).collect();
    edges.push(2.0 * edges[bins - 1] - edges[bins.saturating_sub(2)]);
    edges
}

/// z with Phi(z) = p.
pub(super) fn quantile(p: f64) -> f64 {
    let phi = |z: f64| 0.5 * (1.0 + libm::erf(z / std::f64::consts::SQRT_2));
    let (mut low, mut high) = (-9.0, 9.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if phi(middle) < p { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// The honest network behind two layers that sort its input.
pub(super) fn net(settings: &Direct, honest: &Net, _clients: usize) -> Result<Net, String> {
    let (bins, variant) = self::settings(settings);
    let [channels, height, width] = honest.input();
    let inputs = channels * height * width;
    let activation = match variant {
        Variant::Linear | Variant::OneShot => Activation::Relu,
        Variant::Sparse => Activation::Relu6,
    };
    let linear =
        |name: &str, input, output| Layer::Linear { name: name.to_owned(), input, output, bias: true };
    let front = vec![
        Layer::Flatten,
        linear(MEASURE, inputs, bins),
        Layer::Activation(activation),
        linear(RETURN, bins, inputs),
        Layer::Unflatten([channels, height, width]),
    ];
    honest.behind(front)
}

/// The honest model behind two layers that sort its input.
pub(super) fn craft(settings: &Direct, honest: &Honest<'_>) -> Result<Craft, String> {
    let (edges, samples) = (edges(settings, honest), honest.samples.max(1) as f64);
    let Honest { model: honest, compute, .. } = honest;
    let (bins, variant) = self::settings(settings);
    let inputs = honest.net.input_count();
    let net = net(settings, &honest.net, 1)?;
    // Relu6 is cut off at 6, where the published layer is at 1.
    let factor = |bin: usize| match variant {
        Variant::Linear | Variant::OneShot => 1.0,
        Variant::Sparse => 6.0 / (edges[bin + 1] - edges[bin]),
    };
    let own = [
        (0..bins).flat_map(|bin| vec![factor(bin) / inputs as f64; inputs]).collect::<Vec<f64>>(),
        (0..bins).map(|bin| -edges[bin] * factor(bin)).collect(),
        vec![1.0 / bins as f64; inputs * bins],
        vec![0.0; inputs],
    ];
    let honest_values = honest.parameters.tensors().iter().map(backend::values);
    let mut values = own.into_iter().chain(honest_values);
    let specs = net.parameter_specs().clone();
    let parameters = Parameters::from_values(compute, specs, |_| values.next().unwrap_or_default());
    let added = grouped((net.parameter_count() - honest.net.parameter_count()) as u64);
    let mut words = vec![format!(
        "sent instead of the honest model: two fully connected layers in front of it, {MEASURE} [{bins}, {inputs}] and \
             {RETURN} [{inputs}, {bins}], {added} parameters more"
    )];
    if variant == Variant::OneShot {
        let alone = 100.0 * (1.0 - 1.0 / samples).powf(samples - 1.0);
        words.push(format!(
            "one sample of {samples} is expected in the one bin, and is alone there in {alone:.0} % of all batches"
        ));
    }
    let model = Model { net, parameters, buffers: honest.buffers.clone() };
    Ok(Craft { model, own: Vec::new(), words })
}

pub(super) fn solve(task: &Task<'_>, settings: &Direct, desk: &mut Desk<'_>) -> Result<Found, AttackError> {
    let (bins, variant) = self::settings(settings);
    let view = task.view;
    let position = |suffix: &str| {
        let name = format!("{MEASURE}.{suffix}");
        view.model.net.parameter_specs().iter().position(|spec| spec.name == name)
    };
    let Some((weight, bias)) = position("weight").zip(position("bias")) else {
        let why =
            format!("the client was sent a model without {MEASURE}; a captured update has no second model");
        return Err(AttackError::Unsolved { why });
    };
    let update = view.observed();
    let values = |at: usize| backend::values(&update.tensors()[at]);
    let bias = values(bias);
    let rows = Rows { width: view.model.net.input_count(), weight: values(weight), bias };
    let batch = view.update.samples;
    let Reading { bins: mut found, floor } = read(&rows, variant, batch);
    let [_, channels, height, width] = view.shape();
    let of_channel = |at: usize| view.range[at / (height * width) % channels];
    for bin in &mut found {
        let values = bin.x.iter().enumerate();
        let off = values.filter(|(at, value)| {
            let (low, high) = of_channel(*at);
            let slack = SLACK * (high - low) + NOISE * floor / bin.weight;
            !(low - slack..=high + slack).contains(*value)
        });
        bin.possible = off.count() as f64 <= SLACK * bin.x.len() as f64;
    }
    let possible = found.iter().filter(|bin| bin.possible).count();
    match variant {
        Variant::OneShot => desk.say(match (found.len(), possible) {
            (0, _) => format!("no sample of a batch of {batch} fell into the bin; another round has others"),
            (_, 0) => "what fell into the bin cannot be one sample: it is a mixture of several".to_owned(),
            _ => format!(
                "what fell into the bin can be one sample of a batch of {batch}, of which it shows no more"
            ),
        }),
        Variant::Linear | Variant::Sparse => desk.say(format!(
            "{} of {bins} bins hold something of a batch of {batch}, {possible} of them what a sample can be",
            found.len()
        )),
    }
    if variant != Variant::OneShot || !found.is_empty() {
        say_noise(desk, &found, floor);
    }
    if possible < batch && variant != Variant::OneShot {
        desk.say(format!(
            "at least {} samples are not alone in a bin: what is shown of a shared bin is a mixture; more attack.bins, or \
             attack.mean and attack.deviation nearer to those of the samples' means, may part them",
            batch - possible
        ));
    }
    found.sort_by(|a, b| b.possible.cmp(&a.possible).then(b.weight.total_cmp(&a.weight)));
    let samples: Vec<Vec<f64>> = found.into_iter().take(batch).map(|bin| bin.x).collect();
    let unexplained = rows.unexplained(&samples);
    desk.say(format!("they leave {unexplained:.1e} of the layer's gradient unexplained"));
    Ok(Found::unlabelled(samples, unexplained))
}

/// What noise hides.
pub(super) fn say_noise(desk: &mut Desk<'_>, found: &[Bin], floor: f64) {
    let largest = found.iter().fold(0.0f64, |most, bin| most.max(bin.weight));
    if found.is_empty() {
        desk.say("no bin holds more than noise does".to_owned());
    } else if NOISE * floor > EMPTY * largest {
        let share = NOISE * floor / largest;
        desk.say(format!(
            "there is noise: a bin with less than {share:.1e} of the largest one's gradient cannot be told from none"
        ));
    }
}

/// What a bin holds.
pub(super) struct Bin {
    /// Which, from the lowest.
    #[cfg(test)]
    pub at: usize,
    /// The sample, or the mixture of several.
    pub x: Vec<f64>,
    /// Size of its bias gradient.
    pub weight: f64,
    /// Its values are in the range of a sample's, but for noise.
    possible: bool,
}

/// What the bins hold.
pub(super) struct Reading {
    /// Those that hold something.
    pub bins: Vec<Bin>,
    /// Noise on the gradient of a bin, about.
    pub floor: f64,
}

/// Bins that are not empty: of the linear variant the differences of neighbouring rows, of the last the row itself, which is
/// no bin of the one-shot variant. Where
/// there are more bins than samples one is empty for sure, and what it holds is noise: a bin with no more is taken for empty.
pub(super) fn read(rows: &Rows, variant: Variant, batch: usize) -> Reading {
    let bins = rows.bias.len();
    let next = |bin: usize| (variant != Variant::Sparse && bin + 1 < bins).then_some(bin + 1);
    let held = |bin: usize| {
        let next = next(bin).map(|next| rows.row(next));
        let own = rows.row(bin).iter().enumerate();
        own.map(move |(at, value)| value - next.map_or(0.0, |next| next[at]))
    };
    let bias: Vec<f64> =
        (0..bins).map(|bin| rows.bias[bin] - next(bin).map_or(0.0, |next| rows.bias[next])).collect();
    // The last bin is no difference, and has less noise.
    let sizes = (0..bins)
        .filter(|&bin| variant == Variant::Sparse || bin + 1 < bins)
        .map(|bin| (held(bin).map(|value| value * value).sum::<f64>() / rows.width.max(1) as f64).sqrt());
    let floor = if bins > batch + 1 { sizes.fold(f64::INFINITY, f64::min) } else { 0.0 };
    let largest = bias.iter().fold(0.0f64, |most, value| most.max(value.abs()));
    let empty = (EMPTY * largest).max(NOISE * floor);
    let read = if variant == Variant::OneShot { 1 } else { bins };
    let full = (0..read).filter(|&bin| bias[bin].abs() > empty).map(|bin| Bin {
        #[cfg(test)]
        at: bin,
        x: held(bin).map(|value| value / bias[bin]).collect(),
        weight: bias[bin].abs(),
        possible: true,
    });
    Reading { bins: full.collect(), floor }
}
