//! Tensors by their place instead of their names: lists of arrays, and models whose names are others.

use std::borrow::Cow;

use super::Tensor;
use super::level::Level;
use crate::model::{Net, TensorSpec};

/// How BatchNorm's counters end.
pub(super) const COUNTER: &str = "num_batches_tracked";

/// Names of a model in its order, as lists have them: its parameters, PyTorch's state dict, and that without the
/// counters of BatchNorm.
fn orders(net: &Net) -> [Vec<String>; 3] {
    let trainable = net.parameter_specs().iter().map(|spec| spec.name.clone()).collect();
    let state = state_dict(net);
    let counted = state.iter().filter(|name| !is_counter(name)).cloned().collect();
    [trainable, state, counted]
}

/// How many tensors a list of a model has: its parameters, or its state dict.
pub fn lengths(net: &Net) -> (usize, usize) {
    (net.parameter_specs().len(), state_dict(net).len())
}

impl<'a> Level<'a> {
    /// Whether it is a list of arrays: `numpy.savez(file, *arrays)` calls them `arr_0`, `arr_1`, ..., a pickled list
    /// has their positions.
    pub fn is_list(&self) -> bool {
        !self.tensors.is_empty() && self.tensors.iter().all(|(name, _)| position(name).is_some())
    }

    /// How many places a list has, those without a tensor included.
    pub fn length(&self) -> usize {
        self.tensors.len() + self.absent.iter().filter(|name| position(name).is_some()).count()
    }

    /// A list under the model's names. Flower sends the whole state dict in order, others the parameters alone; the
    /// number of places tells them apart. `None` if it is of another length.
    pub fn by_place(&self, net: &Net) -> Option<Level<'a>> {
        let mut places: Vec<(usize, Option<&'a Tensor>)> = self
            .tensors
            .iter()
            .map(|(name, tensor)| (name, Some(*tensor)))
            .chain(self.absent.iter().map(|name| (name, None)))
            .filter_map(|(name, tensor)| Some((position(name)?, tensor)))
            .collect();
        places.sort_by_key(|(position, _)| *position);
        let names = orders(net).into_iter().find(|names| names.len() == places.len())?;
        let (mut tensors, mut absent) = (Vec::new(), Vec::new());
        for (name, (_, tensor)) in names.into_iter().zip(places) {
            match tensor {
                Some(tensor) => tensors.push((Cow::Owned(name), tensor)),
                None => absent.push(Cow::Owned(name)),
            }
        }
        Some(Level::new(self.prefix.clone(), tensors, absent))
    }

    /// Names in the file beside those that the tensors have here.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let pair =
            |(name, tensor): &(Cow<'_, str>, &Tensor)| (tensor.name.clone(), name.clone().into_owned());
        self.tensors.iter().map(pair).collect()
    }

    /// The same tensors under the model's names, if they have its shapes in its order.
    pub fn by_order(&self, net: &Net) -> Option<Level<'a>> {
        let specs = || net.parameter_specs().iter().chain(net.buffer_specs().iter());
        let fits = |name: &str, tensor: &Tensor| match is_counter(name) {
            true => tensor.values.len() == 1,
            false => specs().find(|spec| spec.name == name).is_some_and(|spec| spec.shape == tensor.shape),
        };
        let names = orders(net).into_iter().find(|names| {
            names.len() == self.tensors.len()
                && names.iter().zip(&self.tensors).all(|(name, (_, tensor))| fits(name, tensor))
        })?;
        let tensors = names.into_iter().zip(&self.tensors);
        let tensors = tensors.map(|(name, (_, tensor))| (Cow::Owned(name), *tensor)).collect();
        Some(Level::new(self.prefix.clone(), tensors, Vec::new()))
    }
}

/// `7` or `arr_7`.
fn position(name: &str) -> Option<usize> {
    name.strip_prefix("arr_").unwrap_or(name).parse().ok()
}

fn is_counter(name: &str) -> bool {
    name.rsplit('.').next() == Some(COUNTER)
}

/// Names of PyTorch's state dict in its order: behind the parameters of a module its buffers.
pub(super) fn state_dict(net: &Net) -> Vec<String> {
    fn module(name: &str) -> &str {
        name.rsplit_once('.').map_or("", |(module, _)| module)
    }
    let specs: &[TensorSpec] = net.parameter_specs();
    let mut names = Vec::new();
    for (i, spec) in specs.iter().enumerate() {
        names.push(spec.name.clone());
        let own = module(&spec.name);
        if specs.get(i + 1).is_some_and(|next| module(&next.name) == own) {
            continue;
        }
        let before = names.len();
        let buffers = net.buffer_specs().iter().filter(|buffer| module(&buffer.name) == own);
        names.extend(buffers.map(|buffer| buffer.name.clone()));
        if names.len() > before {
            names.push(format!("{own}.{COUNTER}"));
        }
    }
    names
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::ModelOptions;
    use crate::model::architecture;

    #[test]
    fn the_state_dict_has_buffers_behind_their_modules() {
        let net = architecture("resnet20").unwrap().net(&ModelOptions::default(), [3, 32, 32], 10).unwrap();
        let names = state_dict(&net);
        let expected = [
            "conv1.weight",
            "bn1.weight",
            "bn1.bias",
            "bn1.running_mean",
            "bn1.running_var",
            "bn1.num_batches_tracked",
            "layer1.0.conv1.weight",
        ];
        assert_eq!(names[..7], expected);
        // Three buffers for two statistics.
        assert_eq!(names.len(), net.parameter_specs().len() + net.buffer_specs().len() * 3 / 2);
    }
}
