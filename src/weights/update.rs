//! A file as one tensor for each parameter of a model: the update of a client, by name or, in a list, by order.

use super::{Misfit, WeightFile};
use crate::model::Net;

impl WeightFile {
    /// Values for the parameters of the model, in its order; nothing for those that were not sent, as those of frozen
    /// layers. Buffers may be there and are left out.
    ///
    /// # Errors
    /// What does not fit, or is not finite.
    pub fn update(&self, net: &Net) -> Result<Vec<Option<Vec<f64>>>, Misfit> {
        let level = self.select_some(net)?.level;
        let values = level.values(net.parameter_specs())?;
        let sent = net.parameter_specs().iter().map(|spec| level.get(&spec.name).is_some());
        Ok(sent.zip(values).map(|(sent, values)| sent.then_some(values)).collect())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::ModelOptions;
    use crate::model::architecture;
    use crate::weights::order::{COUNTER, state_dict};
    use crate::weights::{Dtype, Tensor};

    fn net(name: &str) -> Net {
        architecture(name).unwrap().net(&ModelOptions::default(), [3, 32, 32], 10).unwrap()
    }

    /// Tensors of these shapes, each filled with its position.
    fn file(tensors: impl IntoIterator<Item = (String, Vec<usize>)>) -> WeightFile {
        let filled = |(i, (name, shape)): (usize, (String, Vec<usize>))| Tensor {
            name,
            dtype: Dtype::F32,
            values: vec![i as f64; shape.iter().product()],
            shape,
        };
        let tensors = tensors.into_iter().enumerate().map(filled).collect();
        WeightFile { tensors, ..WeightFile::default() }
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

    fn first(values: &[Option<Vec<f64>>]) -> Vec<f64> {
        values.iter().map(|tensor| tensor.as_ref().unwrap()[0]).collect()
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
    fn none_in_a_list_keeps_its_place() {
        let net = net("lenet");
        let mut list =
            file(named(&net).into_iter().enumerate().map(|(i, (_, shape))| (i.to_string(), shape)));
        list.tensors.drain(..2);
        list.absent = vec!["0".into(), "1".into()];
        let sent: Vec<Option<f64>> =
            list.update(&net).unwrap().into_iter().map(|tensor| tensor.map(|values| values[0])).collect();
        assert_eq!(sent[..3], [None, None, Some(2.0)]);
        assert_eq!(sent.len(), 8);
    }

    #[test]
    fn what_was_not_sent_is_absent_and_nothing_else_may_be_there() {
        let net = net("lenet");
        let head = named(&net).into_iter().filter(|(name, _)| name.starts_with("fc"));
        let present = |sent: &[Option<Vec<f64>>]| sent.iter().filter(|tensor| tensor.is_some()).count();
        assert_eq!(present(&file(head.clone()).update(&net).unwrap()), 2);
        let with_more = head.chain([("adapter.weight".to_owned(), vec![3, 3])]);
        assert!(matches!(file(with_more).update(&net), Err(Misfit::Shapes(_))));
    }

    #[test]
    fn integers_are_no_update() {
        let net = net("lenet");
        let mut file = file(named(&net));
        for tensor in &mut file.tensors {
            tensor.dtype = Dtype::I8;
        }
        let integers = Misfit::Integers { name: "conv1.weight".into(), dtype: "i8" };
        assert_eq!(file.update(&net), Err(integers.clone()));
        // Their scales beside them do not change that.
        let mut scale = file.tensors[1].clone();
        scale.name += "_scale";
        file.tensors.push(scale);
        assert_eq!(file.update(&net), Err(integers));
    }

    #[test]
    fn names_are_read_with_any_prefix_and_buffers_are_left_out() {
        let net = net("resnet20");
        let wrapped =
            named(&net).into_iter().map(|(name, shape)| (format!("state_dict.module.{name}"), shape));
        let buffers = net.buffer_specs().iter().map(|spec| (spec.name.clone(), spec.shape.clone()));
        let buffers = buffers.map(|(name, shape)| (format!("state_dict.module.{name}"), shape));
        assert_eq!(file(wrapped.clone().chain(buffers)).update(&net).unwrap().len(), 65);
        assert_eq!(file(wrapped).update(&net).unwrap()[64].as_ref().unwrap().len(), 10);
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
        let other = error(&|all| all[1].0 = "bias".into());
        assert_eq!(other, "1 missing (conv1.bias 12), 1 unexpected (bias 12)");
        assert_eq!(error(&|all| all.push(("extra".into(), vec![2]))), "1 unexpected (extra 2)");
        let transposed = error(&|all| all[6].1.reverse());
        assert_eq!(transposed, "1 of another shape (fc.weight is 768x10, transposed, not 10x768)");
        let mut tensors = file(named(&lenet));
        tensors.tensors[3].values[1] = f64::NAN;
        let error = tensors.update(&lenet).unwrap_err();
        assert_eq!(error, Misfit::NotFinite { name: "conv2.bias".into(), what: "1 NaN".into() });
    }
}
