//! Dropout: passes that leave out inputs of fully connected layers.

use std::sync::Arc;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::mask::LeftOut;
use super::{OnPass, Post, Received, Sending, Transform, single_samples};
use crate::config::{RunConfig, Settings};
use crate::model::{FullLayer, Net, Parameters, TensorSpec};

/// W (m h / (1 - p)) with m of Bernoulli(1 - p) for every sample and input h: the columns of W times m / (1 - p), and so the
/// gradient to them.
///
/// A column that is zero in what was sent of one sample was left out, or its input was zero and it does not matter.
#[derive(Debug)]
struct Dropout {
    /// p.
    rate: f64,
    all: bool,
}

/// The step with these settings.
pub fn build(settings: &Settings, _: &[TensorSpec]) -> Result<Arc<dyn Post>, String> {
    Ok(Arc::new(Dropout { rate: settings.number("rate"), all: settings.word("layers") == "all" }))
}

impl Dropout {
    fn layers(&self, net: &Net) -> Vec<FullLayer> {
        let layers = net.full_layers();
        let from = if self.all { 0 } else { layers.len().saturating_sub(1) };
        layers.into_iter().skip(from).filter(|layer| !layer.sees_input).collect()
    }

    /// Factors on the columns of the layers, which `kept` says of their values; 1 elsewhere.
    fn columns(
        &self,
        net: &Net,
        like: &Parameters,
        mut kept: impl FnMut(&[f64], usize) -> Vec<bool>,
    ) -> Parameters {
        let layers = self.layers(net);
        let mut place = 0;
        like.mapped(|_, values| {
            let layer = layers.iter().find(|layer| layer.weight == place);
            place += 1;
            let Some(layer) = layer else { return values.fill(1.0) };
            let kept = kept(values, layer.input);
            let factors: Vec<f64> =
                kept.iter().map(|kept| if *kept { 1.0 / (1.0 - self.rate) } else { 0.0 }).collect();
            values.chunks_mut(layer.input).for_each(|row| row.copy_from_slice(&factors));
        })
    }
}

impl OnPass for Dropout {
    fn factors(&self, net: &Net, like: &Parameters, generator: &mut ChaCha8Rng) -> Parameters {
        self.columns(net, like, |_, width| {
            (0..width).map(|_| generator.random::<f64>() >= self.rate).collect()
        })
    }

    /// Nothing where no column is zero: a later step filled them.
    fn read(&self, net: &Net, sent: &Parameters) -> Option<Parameters> {
        let mut any = false;
        let read = self.columns(net, sent, |values, width| {
            let kept: Vec<bool> =
                (0..width).map(|f| values.iter().skip(f).step_by(width).any(|value| *value != 0.0)).collect();
            any |= kept.contains(&false);
            kept
        });
        any.then_some(read)
    }
}

impl Post for Dropout {
    fn fits(&self, net: &Net, config: &RunConfig) -> Result<(), String> {
        single_samples(net, config)?;
        match self.layers(net).is_empty() {
            true => Err("leaves out inputs of fully connected layers behind others, and this model has none"
                .to_owned()),
            false => Ok(()),
        }
    }

    fn on_pass(&self) -> Option<&dyn OnPass> {
        Some(self)
    }

    fn apply(&self, update: Parameters, _: &Sending<'_>, _: &mut ChaCha8Rng) -> Parameters {
        update
    }

    /// The weights are left out where the mask of one sample cannot be read. Of several samples the mean over their masks
    /// is what the network without dropout gives.
    fn transform(&self, received: &Received<'_>) -> Option<Arc<dyn Transform>> {
        let is_read = received.alone.is_some_and(|sent| self.read(received.net, sent).is_some());
        let weights = self.layers(received.net).iter().map(|layer| layer.weight).collect();
        (received.samples == 1 && !is_read).then(|| Arc::new(LeftOut(weights)) as Arc<dyn Transform>)
    }
}
