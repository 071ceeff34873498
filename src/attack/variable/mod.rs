//! What a search moves: a vector z that decodes to the model's input.
//!
//! A new variable is a file with a [`Variable`], a word in `config::VariableKind` and a line in [`variable`].

mod fields;
mod pixels;

use std::fmt::Debug;
use std::sync::Arc;

use crate::config::VariableKind;
use crate::fl::AttackerView;

/// A vector z that stands for samples x, `[batch, channels, height, width]`.
pub trait Variable: Debug + Send + Sync {
    /// Entries of z.
    fn count(&self) -> usize;

    /// x.
    fn decode(&self, z: &[f64]) -> Vec<f64>;

    /// The gradient to z of what has this gradient to x.
    fn pull(&self, z: &[f64], to_x: Vec<f64>) -> Vec<f64>;

    /// Keeps z where x is possible.
    fn project(&self, z: &mut [f64]);

    /// One answer from several decoded ones.
    fn pool(&self, members: &[Vec<f64>]) -> Vec<f64>;

    /// How sure each field of each sample is, 0 to 1, row by row, as members agree; nothing where that is not told.
    fn confidence(&self, _members: &[Vec<f64>]) -> Vec<f64> {
        Vec::new()
    }
}

/// The variable of a search on this view.
pub fn variable(kind: VariableKind, view: &AttackerView) -> Arc<dyn Variable> {
    match kind {
        VariableKind::Pixels => Arc::new(pixels::Pixels::new(view)),
        VariableKind::Fields => Arc::new(fields::Fields::new(view)),
    }
}
