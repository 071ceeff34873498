//! Reference vectors computed with PyTorch (`tests/golden/`), and the tests against them.
#![allow(clippy::unwrap_used)]

mod architectures;
mod attacks;
mod clients;
mod cuda;
mod descent;
pub mod fuzz;
mod losses;
mod models;
mod objectives;
mod operations;
mod perceptual;
mod weights;

use std::collections::BTreeMap;

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

use crate::backend::{Compute, Precision};
use crate::config::BatchNormMode;
use crate::dual::{Activation, PoolShape};
use crate::model::{Initialisation, Layer, Model, Net, Parameters};

/// One case of the manifest with its tensors in float64.
pub struct Case {
    pub name: &'static str,
    pub manifest: Value,
    tensors: Tensors,
}

/// Shapes and values by name.
pub(crate) type Tensors = BTreeMap<String, (Vec<usize>, Vec<f64>)>;

/// The tensors of one file.
pub fn tensors(name: &str) -> Tensors {
    let path = format!("{}/tests/golden/{name}.safetensors", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(path).unwrap();
    let numbers = |view: &safetensors::tensor::TensorView| -> Vec<f64> {
        let eights = view.data().chunks(8).map(|bytes| bytes.try_into().unwrap());
        let pairs = view.data().chunks(2).map(|bytes| bytes.try_into().unwrap());
        match view.dtype() {
            Dtype::F64 => eights.map(f64::from_le_bytes).collect(),
            Dtype::I64 => eights.map(|bytes| i64::from_le_bytes(bytes) as f64).collect(),
            Dtype::F16 => pairs.map(|bytes| half::f16::from_le_bytes(bytes).to_f64()).collect(),
            Dtype::BF16 => pairs.map(|bytes| half::bf16::from_le_bytes(bytes).to_f64()).collect(),
            Dtype::U8 => view.data().iter().map(|&byte| f64::from(byte)).collect(),
            other => panic!("{name} holds {other:?}"),
        }
    };
    let file = SafeTensors::deserialize(&bytes).unwrap();
    file.iter().map(|(key, view)| (key.to_owned(), (view.shape().to_vec(), numbers(&view)))).collect()
}

/// The backends and precisions under test, with the relative tolerance that holds for each.
pub fn settings() -> Vec<(Compute, f64)> {
    ["flex", "ndarray"]
        .into_iter()
        .flat_map(|name| {
            [(Precision::F64, 1e-9), (Precision::F32, 2e-5)]
                .map(|(precision, tolerance)| (Compute::select(name, precision).unwrap(), tolerance))
        })
        .collect()
}

impl Case {
    pub fn load(name: &'static str) -> Case {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
        let manifest: Value =
            serde_json::from_str(&std::fs::read_to_string(format!("{folder}/manifest.json")).unwrap())
                .unwrap();
        let tensors = tensors(&format!("{name}.f64"));
        Case { name, manifest: manifest["cases"][name].clone(), tensors }
    }

    pub fn values(&self, key: &str) -> &[f64] {
        &self.tensors.get(key).unwrap_or_else(|| panic!("{} has no {key}", self.name)).1
    }

    pub fn shape<const D: usize>(&self, key: &str) -> [usize; D] {
        self.tensors[key].0.as_slice().try_into().unwrap()
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    pub fn scalar(&self, key: &str) -> f64 {
        self.manifest["scalars"]["f64"][key].as_f64().unwrap()
    }

    pub fn series(&self, key: &str) -> Vec<f64> {
        let list = self.manifest["scalars"]["f64"][key].as_array().unwrap();
        list.iter().map(|v| v.as_f64().unwrap()).collect()
    }

    pub fn labels(&self) -> Vec<usize> {
        self.values("labels").iter().map(|&v| v as usize).collect()
    }

    pub fn mode(&self) -> BatchNormMode {
        if self.manifest["train"].as_bool().unwrap() { BatchNormMode::Train } else { BatchNormMode::Eval }
    }

    pub fn model(&self, compute: &Compute) -> Model {
        let net = net(&self.manifest);
        let named = |prefix: &'static str| {
            move |spec: &crate::model::TensorSpec| self.values(&format!("{prefix}.{}", spec.name)).to_vec()
        };
        let order: Vec<&str> =
            self.manifest["param_order"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
        assert_eq!(net.parameter_specs().iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), order);
        Model {
            parameters: Parameters::from_values(compute, net.parameter_specs().clone(), named("param")),
            buffers: if self.mode() == BatchNormMode::Eval || self.keys().any(|k| k.starts_with("buffer.")) {
                Parameters::from_values(compute, net.buffer_specs().clone(), named("buffer"))
            } else {
                net.initial_buffers(compute)
            },
            net,
        }
    }
}

/// A network of a manifest: its layers and the shape of its input.
pub fn net(manifest: &Value) -> Net {
    let input: Vec<usize> = serde_json::from_value(manifest["in_shape"].clone()).unwrap();
    Net::new(layers(&manifest["spec"]), input.try_into().unwrap(), Initialisation::PyTorch).unwrap()
}

fn layers(spec: &Value) -> Vec<Layer> {
    spec.as_array().unwrap().iter().map(layer).collect()
}

fn layer(spec: &Value) -> Layer {
    let (kind, name, options) = (spec[0].as_str().unwrap(), spec[1].as_str().unwrap(), &spec[2]);
    let number = |key: &str| options[key].as_u64().unwrap_or_else(|| panic!("{spec} has no {key}")) as usize;
    match kind {
        "conv" if options["bias"] == true => {
            Layer::conv(name, number("in"), number("out"), number("k"), number("s"), number("p"))
        }
        "conv" => {
            Layer::conv_without_bias(name, number("in"), number("out"), number("k"), number("s"), number("p"))
        }
        "linear" => Layer::linear(name, number("in"), number("out")).with_bias(options["bias"] != false),
        "bn" => Layer::batch_norm(name, number("n")),
        "leaky" => Layer::Activation(Activation::LeakyRelu(options["slope"].as_f64().unwrap())),
        "relu" => Layer::Activation(Activation::Relu),
        "sigmoid" => Layer::Activation(Activation::Sigmoid),
        "tanh" => Layer::Activation(Activation::Tanh),
        "maxpool" => Layer::MaxPool(PoolShape { kernel: number("k"), stride: number("k"), padding: 0 }),
        "flatten" => Layer::Flatten,
        "gap" => Layer::GlobalAvgPool,
        "res" => Layer::Residual {
            body: layers(&options["body"]),
            shortcut: options.get("short").map(layers).unwrap_or_default(),
            activation: Some(Activation::Relu),
        },
        other => panic!("unknown layer {other}"),
    }
}

/// Largest difference relative to the largest reference value.
pub fn relative_error(actual: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(actual.len(), expected.len());
    let scale = expected.iter().fold(1e-30, |max: f64, v| max.max(v.abs()));
    actual.iter().zip(expected).map(|(a, e)| (a - e).abs() / scale).fold(0.0, f64::max)
}

/// Fails with a name if values differ by more than the tolerance, relative to the largest.
pub fn assert_close(what: &str, actual: &[f64], expected: &[f64], tolerance: f64) {
    let error = relative_error(actual, expected);
    assert!(error <= tolerance, "{what}: relative error {error:.2e} > {tolerance:.0e}");
}
