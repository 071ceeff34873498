//! Soteria: a fully connected layer whose most telling features are not sent.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use super::mask::Mask;
use super::{Post, Sending, Transform};
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
}

impl Post for Soteria {
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
        let cut = most_telling(&sensitivity, layer.input, self.share);
        let name = update.specs()[layer.weight].name.clone();
        update.mapped(|spec, values| {
            if spec.name == name {
                values.chunks_mut(layer.input).for_each(|row| cut.iter().for_each(|&f| row[f] = 0.0));
            }
        })
    }

    /// The columns that are zero in what one client sent; of a sum of clients nothing is told.
    fn transform(&self, alone: Option<&Parameters>) -> Option<Arc<dyn Transform>> {
        Some(Arc::new(Mask(empty_columns(alone?))))
    }
}

/// The floor(p n) of n features with the largest sum over the samples of |r_f| / |dr_f/dx|; of equal ones the first.
fn most_telling(sensitivity: &Sensitivity, count: usize, share: f64) -> Vec<usize> {
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
    order.truncate(count - super::sparsify::kept(count, share).min(count));
    order
}

/// 0 in the columns of fully connected layers that are zero in every row, else 1.
fn empty_columns(update: &Parameters) -> Parameters {
    update.mapped(|spec, values| {
        let width = match spec.shape.as_slice() {
            &[_, width] if width > 1 => width,
            _ => return values.fill(1.0),
        };
        let mut seen = vec![0.0; width];
        values.chunks(width).flat_map(|row| row.iter().enumerate()).for_each(|(f, value)| {
            if *value != 0.0 {
                seen[f] = 1.0;
            }
        });
        values.chunks_mut(width).for_each(|row| row.copy_from_slice(&seen));
    })
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
        assert_eq!(most_telling(&sensitivity, 5, 0.2), [3]);
        assert_eq!(most_telling(&sensitivity, 5, 0.4), [3, 2]);
        // Equal ratios: the first.
        assert_eq!(most_telling(&sensitivity, 5, 0.6), [3, 2, 0]);
        assert_eq!(most_telling(&sensitivity, 5, 0.99), [3, 2, 0, 4]);
    }
}
