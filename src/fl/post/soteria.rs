//! Soteria: a fully connected layer whose most telling features are not sent.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use super::mask::{LeftOut, Mask};
use super::sparsify::kept;
use super::{Code, Post, Received, Sending, Transform};
use crate::config::{RunConfig, Settings};
use crate::fl::At;
use crate::model::{FullLayer, Net, Parameters, Sensitivity, TensorSpec};

/// Zeros in the columns of dW for the features f with the largest |r_f| / |dr_f/dx| (Sun et al. 2021, in the form of their
/// code). Its bias and every other layer are sent as they are.
///
/// Of a batch the ratios of the samples are added up, as in that code, so one mask serves all. Differing from it: signs
/// do not matter, exactly floor(p n) columns go, and a feature that is zero and depends on nothing (a dead unit) goes last,
/// where the code's 0/0 switches the defence off.
#[derive(Debug)]
struct Soteria {
    /// p.
    share: f64,
    /// The first fully connected layer rather than the last.
    first: bool,
}

/// The step with these settings.
pub fn build(settings: &Settings, _: &[TensorSpec]) -> Result<Arc<dyn Post>, String> {
    Ok(Arc::new(Soteria { share: settings.number("share"), first: settings.word("layer") == "first" }))
}

impl Soteria {
    fn layer(&self, net: &Net) -> Option<FullLayer> {
        let layers = net.full_layers();
        if self.first { layers.into_iter().next() } else { layers.into_iter().last() }
    }

    /// Features that are cut of so many.
    fn cut(&self, features: usize) -> usize {
        features - kept(features, self.share).min(features)
    }

    /// 0 in the columns of the layer that are zero in every row, else 1; nothing if they are fewer than were cut.
    fn sent_columns(&self, layer: &FullLayer, sent: &Parameters) -> Option<Parameters> {
        let name = &sent.specs()[layer.weight].name;
        let mut empty = 0;
        let mask = sent.mapped(|spec, values| {
            if spec.name != *name {
                return values.fill(1.0);
            }
            let is_sent = |f: usize| values.iter().skip(f).step_by(layer.input).any(|value| *value != 0.0);
            let seen: Vec<f64> = (0..layer.input).map(|f| f64::from(u8::from(is_sent(f)))).collect();
            empty = seen.iter().filter(|seen| **seen == 0.0).count();
            values.chunks_mut(layer.input).for_each(|row| row.copy_from_slice(&seen));
        });
        (empty >= self.cut(layer.input)).then_some(mask)
    }
}

impl Post for Soteria {
    fn code(&self, before: Code) -> Code {
        Code { places: true, ..before }
    }

    fn fits(&self, net: &Net, _: &RunConfig) -> Result<(), String> {
        match self.layer(net) {
            None => Err("cuts features of a fully connected layer, and this model has none".to_owned()),
            Some(layer) if layer.sees_input => Err(format!(
                "cuts features of {}, which sees the pixels themselves; choose a model with a layer before it, or layer = \"last\"",
                layer.name
            )),
            Some(_) => Ok(()),
        }
    }

    fn apply(&self, update: Parameters, at: &Sending<'_>, _: &mut ChaCha8Rng) -> Parameters {
        let At { model, mode, x, .. } = at.own;
        let Some(layer) = self.layer(&model.net) else { return update };
        let Some(sensitivity) = model.sensitivity(mode, x, layer.at) else { return update };
        let cut = most_telling(&sensitivity, layer.input, self.cut(layer.input));
        let name = update.specs()[layer.weight].name.clone();
        update.mapped(|spec, values| {
            if spec.name == name {
                values.chunks_mut(layer.input).for_each(|row| cut.iter().for_each(|&f| row[f] = 0.0));
            }
        })
    }

    /// The columns that are zero in what one client sent. The whole weight is left out where they do not show: a later
    /// step filled them, or every client of a sum cut others.
    fn transform(&self, received: &Received<'_>) -> Option<Arc<dyn Transform>> {
        let layer = self.layer(received.net)?;
        let shown = received.alone.and_then(|sent| self.sent_columns(&layer, sent));
        Some(match shown {
            Some(mask) => Arc::new(Mask(mask)),
            None => Arc::new(LeftOut(vec![layer.weight])),
        })
    }
}

/// So many of the features, those with the largest sum over the samples of |r_f| / |dr_f/dx|; of equal ones the first.
fn most_telling(sensitivity: &Sensitivity, count: usize, cut: usize) -> Vec<usize> {
    let mut ratios = vec![0.0; count];
    let rows = sensitivity.features.chunks(count).zip(sensitivity.norms.chunks(count));
    for (features, norms) in rows {
        for (ratio, (r, norm)) in ratios.iter_mut().zip(features.iter().zip(norms)) {
            // A value that is there whatever the sample holds tells nothing, but is not zero either.
            *ratio += if *r == 0.0 { 0.0 } else { r.abs() / norm };
        }
    }
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| ratios[b].total_cmp(&ratios[a]).then(a.cmp(&b)));
    order.truncate(cut);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_features_with_the_largest_ratios_go_and_dead_ones_stay() {
        // Ratios over both samples: 2 + 1, 0 (dead), 1 + 4, infinite (depends on no pixel), 3 + 0.
        let features = vec![2.0, 0.0, -1.0, 5.0, 6.0, 1.0, 0.0, 8.0, 0.0, 0.0];
        let norms = vec![1.0, 0.0, 1.0, 0.0, 2.0, 1.0, 0.0, 2.0, 0.0, 1.0];
        let sensitivity = Sensitivity { features, norms };
        assert_eq!(most_telling(&sensitivity, 5, 1), [3]);
        assert_eq!(most_telling(&sensitivity, 5, 2), [3, 2]);
        // Equal ratios: the first.
        assert_eq!(most_telling(&sensitivity, 5, 3), [3, 2, 0]);
        assert_eq!(most_telling(&sensitivity, 5, 4), [3, 2, 0, 4]);
    }
}
