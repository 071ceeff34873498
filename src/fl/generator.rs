//! The generator that an attacker is granted: pictures like the client's, made by a network that saw others.

use std::sync::Arc;

use super::VictimError;
use crate::weights::{GENERATORS, TrainedGenerator, WeightFile};

/// Reads `knowledge.generator`: a built-in name or a file.
///
/// # Errors
/// The file cannot be read, or holds no generator.
pub fn granted(name: Option<&str>) -> Result<Option<Arc<TrainedGenerator>>, VictimError> {
    let Some(name) = name else { return Ok(None) };
    const KEY: &str = "knowledge.generator";
    let shipped = GENERATORS.iter().find(|(shipped, _)| *shipped == name);
    let file = match shipped {
        Some((_, bytes)) => WeightFile::parse(bytes)
            .map_err(|fault| crate::weights::WeightFileError::Fault { path: name.into(), fault }),
        None => WeightFile::read(name.as_ref()),
    };
    let file = file.map_err(|error| VictimError::File { key: KEY, error })?;
    let generator = file.generator();
    let generator =
        generator.map_err(|what| VictimError::Unusable { key: KEY, path: name.to_owned(), what })?;
    Ok(Some(Arc::new(generator)))
}
