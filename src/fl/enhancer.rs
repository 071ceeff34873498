//! The network that an attacker passes its answer through.

use std::sync::Arc;

use super::VictimError;
use super::setup::file_name;
use crate::config::{self, Residual};
use crate::model::enhancer::Enhancer;
use crate::reading::Reading;
use crate::weights::WeightFile;

/// Reads `knowledge.enhancer`, for pictures of so many channels, and says how.
///
/// # Errors
/// The file cannot be read, holds no enhancer, or one of other pictures.
pub fn granted(
    named: Option<&config::Enhancer>,
    channels: usize,
    reading: &mut Reading,
) -> Result<Option<(Arc<Enhancer>, String)>, VictimError> {
    let Some(config::Enhancer { file, residual }) = named else { return Ok(None) };
    const KEY: &str = "knowledge.enhancer";
    let unusable = |what: String| VictimError::Unusable { key: KEY, path: file.clone(), what };
    let read = WeightFile::read(file.as_ref()).map_err(|error| VictimError::File { key: KEY, error })?;
    let sha256 = read.sha256.clone();
    let enhancer = read.enhancer(*residual).map_err(unusable)?;
    if ![1, channels].contains(&enhancer.channels()) {
        return Err(unusable(format!(
            "makes pictures of {} channels, the victim's have {channels}",
            enhancer.channels()
        )));
    }
    let gives = match residual {
        Residual::None => "are the picture",
        Residual::Add => "are added to the picture",
        Residual::Subtract => "are taken off the picture",
    };
    let apart = if enhancer.channels() == channels { "" } else { ", each channel by itself" };
    let mut read = Reading::default();
    read.note(format!(
        "{} convolutions with ReLUs between them, whose values {gives}{apart}",
        enhancer.depth()
    ));
    reading.extend(read.of(&file_name(file)));
    Ok(Some((Arc::new(enhancer), sha256)))
}
