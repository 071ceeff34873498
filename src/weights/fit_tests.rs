//! Files held against the built-in models.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use super::tests::shared;
use super::*;
use crate::backend::{self, Compute, Precision};
use crate::config::{BatchNormMode, ModelOptions};
use crate::model::{self, Model, Net, Parameters, TensorSpec};
use crate::weights::Choice;

fn net(name: &str, input: [usize; 3], classes: usize) -> Net {
    model::architecture(name).unwrap().net(&ModelOptions::default(), input, classes).unwrap()
}

/// A file with every tensor of a model, under a prefix; values count up.
fn file(net: &Net, prefix: &str) -> WeightFile {
    let specs = net.parameter_specs().iter().chain(net.buffer_specs().iter());
    let tensors = specs.enumerate().map(|(i, spec)| Tensor {
        name: format!("{prefix}{}", spec.name),
        dtype: Dtype::F32,
        shape: spec.shape.clone(),
        values: vec![i as f64; spec.count()],
    });
    WeightFile { tensors: tensors.collect(), sha256: "0".repeat(64), ..WeightFile::default() }
}

fn other(name: &str, shape: &[usize]) -> Tensor {
    let values = vec![0.0; shape.iter().product()];
    Tensor { name: name.into(), dtype: Dtype::I64, shape: shape.to_vec(), values }
}

#[test]
fn wrappers_counters_and_optimisers_do_not_hide_a_model() {
    let net = net("resnet20", [3, 32, 32], 10);
    for prefix in ["", "module.", "state_dict.module.", "model_state_dict._orig_mod.", "net.", "mine.model."]
    {
        let mut file = file(&net, prefix);
        file.tensors.push(other(&format!("{prefix}bn1.num_batches_tracked"), &[]));
        if prefix.contains("state_dict") {
            file.tensors.push(other("optimizer.state.0.exp_avg", &[16]));
        }
        let table = file.compare(&net);
        assert!(table.is_exact() && table.prefix == prefix, "{prefix}: {}", table.summary());
        let trained = file.trained(&net).unwrap();
        let parameters = net.parameter_specs().len();
        assert_eq!(trained.parameters.iter().map(|v| v[0] as usize).collect::<Vec<_>>(), {
            (0..parameters).collect::<Vec<_>>()
        });
        assert_eq!(trained.buffers[1][0] as usize, parameters + 1);
    }
}

/// Two files in one, the second with other values.
fn two(net: &Net, first: &str, second: &str) -> WeightFile {
    let mut both = file(net, first);
    let mut other = file(net, second);
    other.tensors.iter_mut().for_each(|tensor| tensor.values.iter_mut().for_each(|value| *value += 0.5));
    both.tensors.extend(other.tensors);
    both
}

fn under(file: &WeightFile, key: &str) -> WeightFile {
    file.clone().choosing(Choice { key: Some(key.into()), by_order: false })
}

#[test]
fn of_several_state_dicts_the_plain_one_wins_over_averages_and_nothing_else() {
    let net = net("lenet", [3, 32, 32], 10);
    let first = |trained: &Trained| trained.parameters[0][0];
    for (plain, averaged) in [
        ("state_dict.", "ema_state_dict."),
        ("state_dict.", "state_dict_ema.module."),
        ("model.", "model_ema.module."),
        ("net.", "swa.module."),
        ("checkpoint.weights.", "checkpoint.averaged_weights."),
    ] {
        for file in [two(&net, plain, averaged), {
            let mut file = two(&net, plain, averaged);
            file.tensors.rotate_left(8);
            file
        }] {
            let trained = file.trained(&net).unwrap();
            assert_eq!((first(&trained), trained.key.as_deref()), (0.0, plain.strip_suffix('.')), "{plain}");
            let fit = file.fit().unwrap();
            assert!(!fit.ambiguous && fit.others.len() == 1 && fit.table.prefix == plain);
            assert_eq!(first(&under(&file, averaged.trim_end_matches('.')).trained(&net).unwrap()), 0.5);
        }
    }
    for (a, b) in [("net.", "global."), ("net_global.", "net_local."), ("student.", "teacher."), ("0.", "1.")]
    {
        let file = two(&net, a, b);
        let keys = vec![a.trim_end_matches('.').to_owned(), b.trim_end_matches('.').to_owned()];
        assert_eq!(file.trained(&net), Err(Misfit::Several { keys: keys.clone() }));
        assert_eq!(file.update(&net), Err(Misfit::Several { keys: keys.clone() }));
        assert!(file.fit().unwrap().ambiguous);
        assert_eq!(first(&under(&file, &keys[1]).trained(&net).unwrap()), 0.5);
        let nowhere = Misfit::NoKey { key: "nowhere".into(), keys };
        assert_eq!(under(&file, "nowhere").trained(&net).unwrap_err(), nowhere);
    }
    // An average alone is taken under its key, which is said.
    for key in ["state_dict_ema", "model_ema", "swa"] {
        let lone = file(&net, &format!("{key}."));
        let trained = lone.trained(&net).unwrap();
        assert_eq!(trained.key.as_deref(), Some(key));
        assert!(is_averaged(key) && !is_averaged("state_dict"));
        assert_eq!(under(&lone, key).trained(&net).unwrap().key, None);
    }
    // The same twice is no choice.
    let mut same = file(&net, "state_dict.");
    same.tensors.extend(file(&net, "best.").tensors);
    assert_eq!(same.trained(&net).unwrap().key, None);
    // More than are looked at, but one is named.
    let mut many = file(&net, "client_0.");
    for i in 1..12 {
        many.tensors.extend(file(&net, &format!("client_{i}.")).tensors);
    }
    assert!(under(&many, "client_11").trained(&net).is_ok());
}

#[test]
fn wrappers_in_the_middle_and_parts_are_taken_off_where_names_then_fit() {
    let net = net("resnet20", [3, 32, 32], 10);
    let renamed = |change: &dyn Fn(&str) -> String| {
        let mut file = file(&net, "");
        file.tensors.iter_mut().for_each(|tensor| tensor.name = change(&tensor.name));
        file
    };
    let compiled = renamed(&|name| name.replace("layer1.", "layer1._orig_mod."));
    let checkpointed = renamed(&|name| name.replace(".conv1.", "._checkpoint_wrapped_module.conv1."));
    let backbone = renamed(&|name| match name.starts_with("fc") {
        true => format!("model.{name}"),
        false => format!("model.backbone.{name}"),
    });
    for (file, inner) in
        [(compiled, "_orig_mod"), (checkpointed, "_checkpoint_wrapped_module"), (backbone, "backbone")]
    {
        let table = file.compare(&net);
        assert!(table.is_exact() && table.inner == [inner], "{inner}: {}", table.summary());
        assert_eq!(file.trained(&net).unwrap().parameters[0][0], 0.0);
        assert_eq!(file.fit().unwrap().architecture, "resnet20");
    }
}

#[test]
fn names_that_differ_are_taken_by_order_only_if_that_is_asked() {
    let net = net("resnet20", [3, 32, 32], 10);
    let mut file = file(&net, "");
    for (i, tensor) in file.tensors.iter_mut().enumerate() {
        tensor.name = format!("body.{i}.w");
    }
    // What SGD keeps has the same shapes in the same order.
    let kept = file.tensors.clone();
    file.tensors.extend(kept.into_iter().enumerate().map(|(i, tensor)| Tensor {
        name: format!("optimizer.state.{i}.momentum_buffer"),
        values: tensor.values.iter().map(|value| value + 0.5).collect(),
        ..tensor
    }));
    // Parameters first and then the statistics is no order of PyTorch's.
    assert!(matches!(file.trained(&net), Err(Misfit::Shapes(table)) if !table.in_order));
    let parameters = net.parameter_specs().len();
    file.tensors.retain(|tensor| {
        match tensor.name.split('.').nth(1).and_then(|place| place.parse::<usize>().ok()) {
            Some(place) => place < parameters,
            None => true,
        }
    });
    assert!(matches!(file.update(&net), Err(Misfit::Shapes(table)) if table.in_order));
    let asked = file.clone().choosing(Choice { key: None, by_order: true });
    let update = asked.update(&net).unwrap();
    assert_eq!(
        update.iter().map(|values| values.as_ref().unwrap()[0] as usize).collect::<Vec<_>>(),
        (0..parameters).collect::<Vec<_>>()
    );
    // Two of one shape that were exchanged cannot be told; of two shapes they are.
    let mut swapped = asked.clone();
    swapped.tensors.swap(0, 1);
    assert!(matches!(swapped.update(&net), Err(Misfit::Shapes(table)) if !table.in_order));
    let mut lists = asked;
    for (i, tensor) in lists.tensors.iter_mut().enumerate() {
        tensor.name = format!("arr_{i}");
    }
    lists.tensors.truncate(parameters);
    assert!(lists.update(&net).is_ok());
}

#[test]
fn what_keeps_weights_from_being_read_is_said_before_what_is_missing() {
    let net = net("lenet", [3, 32, 32], 10);
    let mut sparse = file(&net, "state_dict.");
    sparse.tensors.remove(0);
    sparse.unread = vec![("state_dict.conv1.weight".into(), Unread::SPARSE)];
    let unread = Misfit::Unread { name: "state_dict.conv1.weight".into(), unread: Unread::SPARSE };
    assert_eq!(sparse.trained(&net), Err(unread));
    // A whole model beside what its optimiser keeps.
    let hidden = Hidden { name: "model".into(), class: "my.Net".into() };
    let kept = Tensor { name: "optimizer.state.0.exp_avg".into(), ..other("", &[3]) };
    let whole = WeightFile { tensors: vec![kept], hidden: vec![hidden.clone()], ..WeightFile::default() };
    assert_eq!(whole.trained(&net), Err(Misfit::Hidden(hidden.clone())));
    assert_eq!(under(&whole, "model").trained(&net), Err(Misfit::Hidden(hidden)));
}

#[test]
fn lists_of_arrays_name_their_model() {
    for (name, input, classes) in [("lenet", [3, 32, 32], 10), ("convnet64", [3, 32, 32], 7)] {
        let net = net(name, input, classes);
        let mut file = file(&net, "");
        file.tensors.truncate(net.parameter_specs().len());
        if !net.buffer_specs().is_empty() {
            continue;
        }
        for (i, tensor) in file.tensors.iter_mut().enumerate() {
            tensor.name = format!("arr_0.{i}");
        }
        let fit = file.fit().unwrap();
        assert_eq!((fit.architecture, fit.classes, fit.table.is_exact()), (name, classes, true));
    }
}

#[test]
fn what_differs_is_named() {
    let net = net("lenet", [3, 32, 32], 10);
    let mut file = file(&net, "");
    let at = |file: &WeightFile, name: &str| file.tensors.iter().position(|t| t.name == name).unwrap();
    let fc = at(&file, "fc.weight");
    file.tensors[fc].shape.reverse();
    let conv = at(&file, "conv2.weight");
    file.tensors[conv] = other("conv2.weight", &[12, 12, 3, 3]);
    file.tensors.remove(at(&file, "conv1.bias"));
    file.tensors.push(other("head.weight", &[5]));
    let Err(Misfit::Shapes(table)) = file.trained(&net) else { panic!("it fits") };
    assert_eq!(table.matched, 5);
    assert_eq!(
        table.summary(),
        "1 missing (conv1.bias 12), 1 unexpected (head.weight 5), 2 of another shape \
         (conv2.weight is 12x12x3x3, not 12x12x5x5, fc.weight is 768x10, transposed, not 10x768)"
    );
    assert!(table.misshapen[1].is_transposed() && !table.misshapen[0].is_transposed());
}

#[test]
fn values_that_are_not_finite_are_refused_with_name_and_count() {
    let net = net("lenet", [1, 28, 28], 10);
    let mut file = file(&net, "");
    file.tensors[2].values[..3].copy_from_slice(&[f64::NAN, f64::INFINITY, f64::NAN]);
    let Err(Misfit::NotFinite { name, what }) = file.trained(&net) else { panic!("it fits") };
    assert_eq!((name.as_str(), what.as_str()), ("conv2.weight", "2 NaN and 1 infinite value"));
}

#[test]
fn the_likely_model_is_found_with_its_classes() {
    for (name, input, classes) in [
        ("resnet20", [3, 32, 32], 100),
        ("lenet", [1, 28, 28], 10),
        ("mlp", [3, 32, 32], 7),
        ("convnet64", [3, 32, 32], 10),
    ] {
        let fit = file(&net(name, input, classes), "module.").fit().unwrap();
        assert_eq!((fit.architecture, fit.classes), (name, classes));
        assert!(fit.table.is_exact(), "{name}: {}", fit.table.summary());
    }
    // Nearly: one layer has another name.
    let mut file = file(&net("resnet18", [3, 32, 32], 10), "");
    for tensor in &mut file.tensors {
        tensor.name = tensor.name.replace("fc.", "classifier.");
    }
    let fit = file.fit().unwrap();
    assert_eq!((fit.name().as_str(), fit.table.is_exact()), ("resnet18 for 10 classes", false));
    assert_eq!(fit.table.missing.len(), 2);
    let stranger = WeightFile { tensors: vec![other("w", &[3])], ..file };
    assert!(stranger.fit().is_none());
}

/// The public CIFAR-10 ResNet-20 is right on each of the first 200 training pictures, from every file of it.
#[test]
fn a_real_residual_network_recognises_real_pictures() {
    let Some(pictures) = shared("shared-only/cifar10/cifar10_train_first1000_lossless.bin") else { return };
    let records = std::fs::read(pictures).unwrap();
    for name in ["resnet20_cifar10.safetensors", "resnet20-12fca82f.th"] {
        let file =
            WeightFile::read(&shared(&format!("shared-only/weights-cifar-resnet/{name}")).unwrap()).unwrap();
        let fit = file.fit().filter(|fit| fit.table.is_exact()).unwrap();
        let net = net(fit.architecture, [3, 32, 32], 10);
        assert_eq!(right(&file, net, &records, 200), 200, "{name}");
    }
}

/// How many of the first pictures the model of a file puts into the right class.
fn right(file: &WeightFile, net: Net, records: &[u8], count: usize) -> usize {
    let compute = Compute::select("flex", Precision::F32).unwrap();
    let trained = file.trained(&net).unwrap();
    let filled = |specs: &Arc<[TensorSpec]>, values: &[Vec<f64>]| {
        let mut values = values.iter();
        Parameters::from_values(&compute, specs.clone(), |_| values.next().unwrap().clone())
    };
    let parameters = filled(net.parameter_specs(), &trained.parameters);
    let buffers = filled(net.buffer_specs(), &trained.buffers);
    let model = Model { net, parameters, buffers };
    // What the model was trained with: the mean and deviation of ImageNet.
    let (mean, std) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
    let mut right = 0;
    for batch in records.chunks(3073).take(count).collect::<Vec<_>>().chunks(50) {
        let pixel = |(i, byte): (usize, &u8)| (f64::from(*byte) / 255.0 - mean[i / 1024]) / std[i / 1024];
        let x: Vec<f64> = batch.iter().flat_map(|record| record[1..].iter().enumerate().map(pixel)).collect();
        let x = compute.tensor(&x, [batch.len(), 3, 32, 32]);
        let scores = backend::values(&model.scores(BatchNormMode::Eval, &x));
        for (record, scores) in batch.iter().zip(scores.chunks(10)) {
            let best = (0..10).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap();
            right += usize::from(best == usize::from(record[0]));
        }
    }
    right
}
