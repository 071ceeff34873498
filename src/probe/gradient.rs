//! What a gradient looks like, tensor by tensor.

use serde::Serialize;

use crate::backend;
use crate::model::Parameters;

/// Figures of one tensor of a gradient, or of all.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// PyTorch's name.
    pub name: String,
    /// Scalars.
    pub count: usize,
    /// l2 norm.
    #[serde(with = "crate::figure::number")]
    pub norm: f64,
    /// Share of scalars that are exactly zero, range [0, 1].
    pub zeros: f64,
}

/// Of every tensor, in the order of the parameters.
pub fn tensors(gradient: &Parameters) -> Vec<Figures> {
    let pairs = gradient.specs().iter().zip(gradient.tensors());
    pairs.map(|(spec, tensor)| figures(spec.name.clone(), &backend::values(tensor))).collect()
}

/// Of all tensors as one vector.
pub fn total(tensors: &[Figures]) -> Figures {
    let count: usize = tensors.iter().map(|tensor| tensor.count).sum();
    let zeros: f64 = tensors.iter().map(|tensor| tensor.zeros * tensor.count as f64).sum();
    let norm = tensors.iter().map(|tensor| tensor.norm * tensor.norm).sum::<f64>().sqrt();
    Figures { name: "all".into(), count, norm, zeros: zeros / count as f64 }
}

fn figures(name: String, values: &[f64]) -> Figures {
    let zeros = values.iter().filter(|value| **value == 0.0).count() as f64 / values.len() as f64;
    let norm = values.iter().map(|value| value * value).sum::<f64>().sqrt();
    Figures { name, count: values.len(), norm, zeros }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norms_and_zeros_add_up() {
        let parts = [figures("a".into(), &[3.0, 0.0]), figures("b".into(), &[0.0, 4.0, 0.0, 0.0])];
        assert_eq!((parts[0].norm, parts[0].zeros, parts[1].zeros), (3.0, 0.5, 0.75));
        let all = total(&parts);
        assert_eq!((all.count, all.norm), (6, 5.0));
        assert!((all.zeros - 4.0 / 6.0).abs() < 1e-12);
    }
}
