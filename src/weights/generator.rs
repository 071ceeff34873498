//! Generators in files: which architecture the names and shapes are of, and its values.

use super::WeightFile;
use super::level::Level;
use crate::backend::Compute;
use crate::model::TensorSpec;
use crate::model::generator::{Generator, GeneratorNet, dcgan, upsampling_of};

/// Layers of a generator with the values of a file.
#[derive(Debug, Clone)]
pub struct TrainedGenerator {
    /// The layers.
    pub net: GeneratorNet,
    /// Weights, in the order of its specs.
    pub weights: Vec<Vec<f64>>,
    /// Running statistics.
    pub buffers: Vec<Vec<f64>>,
    /// What else the file holds: of an autoencoder its encoder, and what was measured of its features.
    pub beside: Vec<(TensorSpec, Vec<f64>)>,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
}

impl TrainedGenerator {
    /// The generator itself, for computing.
    pub fn on(&self, compute: &Compute) -> Generator {
        self.net.clone().with(compute, self.weights.clone(), self.buffers.clone())
    }
}

impl WeightFile {
    /// The generator that a file holds: one that `gialab train --generator` made, or a DCGAN.
    ///
    /// # Errors
    /// What is in the way, in words that follow the name of the file.
    pub fn generator(&self) -> Result<TrainedGenerator, String> {
        let mut why = "is no generator that gialab knows (its own, which has code.weight and picture.weight, or a DCGAN of \
                       4x4 transposed convolutions)"
            .to_owned();
        for level in self.levels() {
            match architecture(&level) {
                Some(Ok(net)) => return self.filled(&level, net),
                Some(Err(reason)) => why = format!("is no generator that can be used: {reason}"),
                None => {}
            }
        }
        Err(why)
    }

    fn filled(&self, level: &Level, net: GeneratorNet) -> Result<TrainedGenerator, String> {
        let values = |specs: &[TensorSpec]| {
            let value = |spec: &TensorSpec| match level.get(&spec.name) {
                None => Err(format!("lacks {} of the generator", spec.name)),
                Some(tensor) if tensor.shape != spec.shape => Err(format!(
                    "has {} of the shape {:?}, where the generator has {:?}",
                    spec.name, tensor.shape, spec.shape
                )),
                Some(tensor) if tensor.values.iter().any(|value| !value.is_finite()) => {
                    Err(format!("has numbers in {} that are not finite", spec.name))
                }
                Some(tensor) => Ok(tensor.values.clone()),
            };
            specs.iter().map(value).collect::<Result<Vec<_>, String>>()
        };
        let (weights, buffers) = (values(net.parameter_specs())?, values(net.buffer_specs())?);
        let own = |name: &str| {
            let mut specs = net.parameter_specs().iter().chain(net.buffer_specs().iter());
            specs.any(|spec| spec.name == name)
        };
        let beside = level.all().filter(|(name, _)| !own(name)).filter_map(|(name, shape)| {
            let values = level.get(name)?.values.clone();
            let finite = values.iter().all(|value| value.is_finite());
            finite.then(|| (TensorSpec { name: name.to_owned(), shape: shape.to_vec() }, values))
        });
        let beside = beside.collect();
        Ok(TrainedGenerator { net, weights, buffers, beside, sha256: self.sha256.clone() })
    }
}

/// The architecture whose names these are; nothing if they are of no generator.
fn architecture(level: &Level) -> Option<Result<GeneratorNet, String>> {
    let shape = |name: &str| level.get(name).map(|tensor| tensor.shape.as_slice());
    if let (Some(code), Some(up), Some(picture)) =
        (shape("code.weight"), shape("up1.weight"), shape("picture.weight"))
    {
        let classes = shape("classes").and_then(|shape| shape.first().copied()).unwrap_or(0);
        return Some(upsampling_of(code, up, picture, classes));
    }
    let of_four = |shape: &[usize]| shape.len() == 4 && shape[2..] == [4, 4];
    let mut convolutions: Vec<(usize, &str, &[usize])> = level
        .all()
        .filter(|(name, shape)| name.ends_with(".weight") && of_four(shape))
        .filter_map(|(name, shape)| {
            let module = name.strip_suffix(".weight")?;
            let number = module.rsplit('.').next()?.parse().ok()?;
            Some((number, name, shape))
        })
        .collect();
    convolutions.sort_unstable_by_key(|(number, ..)| *number);
    if convolutions.len() < 2 {
        return None;
    }
    let named: Vec<(&str, &[usize])> =
        convolutions.into_iter().map(|(_, name, shape)| (name, shape)).collect();
    Some(dcgan(&named))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_classifier_is_no_generator() {
        let victim = WeightFile::open("fashion-lenet5").unwrap();
        assert!(victim.generator().unwrap_err().starts_with("is no generator that gialab knows"));
    }
}
