//! InstaHide: gradients of mixtures whose values have random signs.

use std::sync::Arc;

use super::Post;
use super::mixing::Mixing;
use crate::config::Settings;
use crate::model::TensorSpec;

/// The step with these settings.
pub fn build(settings: &Settings, _: &[TensorSpec]) -> Result<Arc<dyn Post>, String> {
    Ok(Arc::new(Mixing::of(settings, true)))
}
