//! A file as one tensor for each parameter of a model: the update of a client, by name or, in a list, by order.

use std::borrow::Cow;

use super::fit::best;
use super::{Checkpoint, Misfit, Tensor};
use crate::model::{Net, TensorSpec};

impl Checkpoint {
    /// The file with the model's names, if it is a list of arrays: `numpy.savez(file, *arrays)` calls them `arr_0`,
    /// `arr_1`, ..., a pickled list has their positions. Flower sends the whole state dict in order, others the
    /// parameters alone; the number of arrays tells them apart. A file with names stays as it is.
    ///
    /// # Errors
    /// If the list is of another length.
    pub(super) fn named(&self, net: &Net) -> Result<Cow<'_, Checkpoint>, Misfit> {
        let Some(prefix) = self.list() else { return Ok(self.renamed()) };
        let mut arrays: Vec<(usize, &Tensor)> = self
            .tensors
            .iter()
            .filter_map(|tensor| Some((position(tensor.name.strip_prefix(prefix)?)?, tensor)))
            .collect();
        arrays.sort_by_key(|(position, _)| *position);
        let trainable: Vec<String> = net.parameter_specs().iter().map(|spec| spec.name.clone()).collect();
        let state = state_dict(net);
        let counted = state.iter().filter(|name| !name.ends_with(COUNTER)).cloned().collect();
        let (parameters, whole) = (trainable.len(), state.len());
        let names = [trainable, state, counted].into_iter().find(|names| names.len() == arrays.len());
        let Some(names) = names else {
            return Err(Misfit::Count { found: arrays.len(), parameters, state: whole });
        };
        let named = names.into_iter().zip(arrays);
        let tensors = named.map(|(name, (_, tensor))| Tensor { name, ..tensor.clone() }).collect();
        Ok(Cow::Owned(Checkpoint { tensors, sha256: self.sha256.clone(), ..*self }))
    }

    /// Values for every parameter of the model, in its order. Buffers may be there and are left out.
    ///
    /// # Errors
    /// What does not fit, or is not finite.
    pub fn update(&self, net: &Net) -> Result<Vec<Vec<f64>>, Misfit> {
        let file = self.named(net)?;
        let levels = file.levels();
        let table = best(&levels, net, false);
        let level = levels.iter().find(|level| level.prefix == table.prefix);
        let Some(level) = level.filter(|_| table.is_exact()) else { return Err(Misfit::Shapes(table)) };
        level.values(net.parameter_specs())
    }

    /// What comes before the positions, if the file is a list.
    fn list(&self) -> Option<&str> {
        let first = &self.tensors.first()?.name;
        let prefix = first.rfind('.').map_or("", |dot| &first[..=dot]);
        let mut positions =
            self.tensors.iter().map(|tensor| tensor.name.strip_prefix(prefix).and_then(position));
        positions.all(|position| position.is_some()).then_some(prefix)
    }
}

const COUNTER: &str = ".num_batches_tracked";

/// `7` or `arr_7`.
fn position(name: &str) -> Option<usize> {
    name.strip_prefix("arr_").unwrap_or(name).parse().ok()
}

/// Names of PyTorch's state dict in its order: behind the parameters of a module its buffers.
fn state_dict(net: &Net) -> Vec<String> {
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
            names.push(format!("{own}{COUNTER}"));
        }
    }
    names
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::checkpoint::{Dtype, Format};
    use crate::config::ModelOptions;
    use crate::model::architecture;

    fn net(name: &str) -> Net {
        architecture(name).unwrap().net(&ModelOptions::default(), [3, 32, 32], 10).unwrap()
    }

    /// Tensors of these shapes, each filled with its position.
    fn file(tensors: impl IntoIterator<Item = (String, Vec<usize>)>) -> Checkpoint {
        let filled = |(i, (name, shape)): (usize, (String, Vec<usize>))| Tensor {
            name,
            dtype: Dtype::F32,
            values: vec![i as f64; shape.iter().product()],
            shape,
        };
        let tensors = tensors.into_iter().enumerate().map(filled).collect();
        Checkpoint { format: Format::Npz, tensors, others: 0, sha256: String::new() }
    }

    fn shape(net: &Net, name: &str) -> Vec<usize> {
        let all = net.parameter_specs().iter().chain(net.buffer_specs().iter());
        all.clone().find(|spec| spec.name == name).map_or(Vec::new(), |spec| spec.shape.clone())
    }

    /// Names with shapes.
    type Named = Vec<(String, Vec<usize>)>;

    fn named(net: &Net) -> Named {
        net.parameter_specs().iter().map(|spec| (spec.name.clone(), spec.shape.clone())).collect()
    }

    fn first(values: &[Vec<f64>]) -> Vec<f64> {
        values.iter().map(|tensor| tensor[0]).collect()
    }

    #[test]
    fn the_state_dict_has_buffers_behind_their_modules() {
        let names = state_dict(&net("resnet20"));
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
        let net = net("resnet20");
        // Three buffers for two statistics.
        assert_eq!(names.len(), net.parameter_specs().len() + net.buffer_specs().len() * 3 / 2);
    }

    #[test]
    fn lists_are_told_apart_by_their_length_and_read_by_their_numbers() {
        let net = net("resnet20");
        let arrays = |names: Vec<String>| {
            let mut list: Vec<_> =
                names.iter().enumerate().map(|(i, name)| (format!("arr_{i}"), shape(&net, name))).collect();
            // An archive need not keep the order.
            list.swap(2, 11);
            file(list)
        };
        let parameters: Vec<String> = net.parameter_specs().iter().map(|spec| spec.name.clone()).collect();
        let state = state_dict(&net);
        let counted: Vec<String> = state.iter().filter(|name| !name.ends_with(COUNTER)).cloned().collect();
        for names in [parameters, state, counted] {
            // What was filled with its position in the list comes out at the parameter of that position.
            let values = first(&arrays(names.clone()).update(&net).unwrap());
            for (spec, value) in net.parameter_specs().iter().zip(values) {
                let own = names.iter().position(|name| *name == spec.name).unwrap();
                let swapped = match own {
                    2 => 11,
                    11 => 2,
                    other => other,
                };
                assert_eq!(value, swapped as f64, "{}", spec.name);
            }
        }
        let short = arrays(net.parameter_specs()[1..].iter().map(|spec| spec.name.clone()).collect());
        assert!(matches!(short.update(&net), Err(Misfit::Count { found: 64, parameters: 65, .. })));
    }

    #[test]
    fn names_are_read_with_any_prefix_and_buffers_are_left_out() {
        let net = net("resnet20");
        let wrapped =
            named(&net).into_iter().map(|(name, shape)| (format!("state_dict.module.{name}"), shape));
        let buffers = net.buffer_specs().iter().map(|spec| (spec.name.clone(), spec.shape.clone()));
        let buffers = buffers.map(|(name, shape)| (format!("state_dict.module.{name}"), shape));
        assert_eq!(file(wrapped.clone().chain(buffers)).update(&net).unwrap().len(), 65);
        assert_eq!(file(wrapped).update(&net).unwrap()[64].len(), 10);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let lenet = net("lenet");
        let error = |change: &dyn Fn(&mut Named)| {
            let mut tensors = named(&lenet);
            change(&mut tensors);
            match file(tensors).update(&lenet).unwrap_err() {
                Misfit::Shapes(table) => table.summary(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(error(&|all| drop(all.remove(1))), "1 missing (conv1.bias 12)");
        assert_eq!(error(&|all| all.push(("extra".into(), vec![2]))), "1 unexpected (extra 2)");
        let transposed = error(&|all| all[6].1.reverse());
        assert_eq!(transposed, "1 of another shape (fc.weight is 768x10, transposed, not 10x768)");
        let mut tensors = file(named(&lenet));
        tensors.tensors[3].values[1] = f64::NAN;
        let error = tensors.update(&lenet).unwrap_err();
        assert_eq!(error, Misfit::NotFinite { name: "conv2.bias".into(), what: "1 NaN".into() });
    }
}
