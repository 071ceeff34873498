//! `model.safetensors`: the global model before a round, so that a run that goes on need not train again.

use std::collections::HashMap;
use std::path::Path;

use burn::tensor::DType;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::RunError;
use super::checkpoint::{belongs, fingerprint};
use super::directory::write_atomically;
use crate::backend::Compute;
use crate::config::RunConfig;
use crate::files;
use crate::model::{Model, Parameters};

/// A global model from disk.
pub struct Saved {
    /// The round that it is sent out in.
    pub round: u32,
    /// Seconds of computing spent on the run.
    pub seconds: f64,
    /// theta_r and the public statistics.
    pub model: Model,
}

/// Writes a global model of a run with this config.
///
/// # Errors
/// If the file cannot be written.
pub fn write(
    path: &Path,
    config: &RunConfig,
    round: u32,
    seconds: f64,
    model: &Model,
) -> Result<(), RunError> {
    let metadata = HashMap::from([
        ("config".to_owned(), fingerprint(config)),
        ("round".to_owned(), round.to_string()),
        ("seconds".to_owned(), seconds.to_string()),
    ]);
    let file = serialise(&[&model.parameters, &model.buffers], metadata)
        .map_err(|reason| RunError::Checkpoint { path: path.to_owned(), reason })?;
    write_atomically(path, &file)
}

/// Named tensors in their own widths, shapes and order, as safetensors.
///
/// # Errors
/// What safetensors refuses.
pub fn serialise(groups: &[&Parameters], metadata: HashMap<String, String>) -> Result<Vec<u8>, String> {
    let mut tensors = Vec::new();
    for group in groups {
        for (spec, data) in group.specs().iter().zip(group.host()) {
            let (dtype, bytes): (Dtype, Vec<u8>) = match data.dtype {
                DType::F64 => (Dtype::F64, data.iter::<f64>().flat_map(f64::to_le_bytes).collect()),
                _ => (Dtype::F32, data.iter::<f32>().flat_map(f32::to_le_bytes).collect()),
            };
            tensors.push((spec, dtype, bytes));
        }
    }
    let mut views = Vec::with_capacity(tensors.len());
    for (spec, dtype, bytes) in &tensors {
        let view = TensorView::new(*dtype, spec.shape.clone(), bytes).map_err(|e| e.to_string())?;
        views.push((spec.name.as_str(), view));
    }
    safetensors::serialize(views, Some(metadata)).map_err(|e| e.to_string())
}

/// Reads a global model of a run with this config, in the shape of `like`; `None` if there is none.
///
/// # Errors
/// If the file is damaged or belongs to another config.
pub fn read(
    path: &Path,
    config: &RunConfig,
    like: &Model,
    compute: &Compute,
) -> Result<Option<Saved>, RunError> {
    let file = match files::read(path, files::STATE) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(RunError::io("read", path, e)),
    };
    let damaged = |reason: &str| RunError::Checkpoint { path: path.to_owned(), reason: reason.to_owned() };
    let (_, header) = SafeTensors::read_metadata(&file).map_err(|_| damaged("it is damaged"))?;
    let tensors = SafeTensors::deserialize(&file).map_err(|_| damaged("it is damaged"))?;
    let said = |key: &str| header.metadata().as_ref().and_then(|metadata| metadata.get(key));
    belongs(said("config"), config).map_err(damaged)?;
    let number = |key: &str| said(key).and_then(|text| text.parse::<f64>().ok());
    let (Some(round), Some(seconds)) = (number("round"), number("seconds")) else {
        return Err(damaged("it does not say of which round it is"));
    };
    let mut missing = false;
    let mut filled = |like: &Parameters| {
        Parameters::from_values(compute, like.specs().clone(), |spec| {
            let tensor = tensors.tensor(&spec.name).ok();
            match tensor.filter(|tensor| tensor.shape() == spec.shape).and_then(|tensor| values(&tensor)) {
                Some(values) => values,
                None => {
                    missing = true;
                    vec![0.0; spec.count()]
                }
            }
        })
    };
    let (parameters, buffers) = (filled(&like.parameters), filled(&like.buffers));
    if missing {
        return Err(damaged("it is of another model"));
    }
    let model = Model { parameters, buffers, ..like.clone() };
    Ok(Some(Saved { round: round as u32, seconds, model }))
}

/// Values in either width that [`serialise`] writes.
fn values(tensor: &TensorView<'_>) -> Option<Vec<f64>> {
    let bytes = tensor.data();
    match tensor.dtype() {
        Dtype::F32 => {
            Some(bytes.as_chunks().0.iter().map(|&word| f64::from(f32::from_le_bytes(word))).collect())
        }
        Dtype::F64 => Some(bytes.as_chunks().0.iter().map(|&word| f64::from_le_bytes(word)).collect()),
        _ => None,
    }
}
