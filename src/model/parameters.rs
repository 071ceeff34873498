//! Parameters, gradients and buffers: named tensors in PyTorch's state-dict order and layout.
//!
//! The one place for vector algebra over all parameters.

use std::sync::Arc;

use burn::tensor::Tensor;

use crate::backend::{self, Compute, Plain, Vector};

/// Name and shape of one tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorSpec {
    /// PyTorch's name, for instance `layer1.0.conv1.weight`.
    pub name: String,
    /// PyTorch's shape; OIHW for convolutions.
    pub shape: Vec<usize>,
}

impl TensorSpec {
    /// Number of scalars.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }
}

/// Named tensors, each stored flat.
#[derive(Debug, Clone)]
pub struct Parameters {
    specs: Arc<[TensorSpec]>,
    tensors: Vec<Vector>,
}

impl Parameters {
    /// Pairs specs with flat tensors of the same order and sizes.
    pub fn new(specs: Arc<[TensorSpec]>, tensors: Vec<Vector>) -> Self {
        debug_assert_eq!(specs.len(), tensors.len());
        Parameters { specs, tensors }
    }

    /// Fills the specs with values, tensor by tensor.
    pub fn from_values(
        compute: &Compute,
        specs: Arc<[TensorSpec]>,
        mut values: impl FnMut(&TensorSpec) -> Vec<f64>,
    ) -> Self {
        let tensors = specs
            .iter()
            .map(|spec| {
                let values = values(spec);
                compute.tensor(&values, [spec.count()])
            })
            .collect();
        Parameters { specs, tensors }
    }

    /// Names and shapes in order.
    pub fn specs(&self) -> &Arc<[TensorSpec]> {
        &self.specs
    }

    /// Flat tensors in order.
    pub fn tensors(&self) -> &[Vector] {
        &self.tensors
    }

    /// Position of a name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.specs.iter().position(|spec| spec.name == name)
    }

    /// Row-major values of one tensor.
    pub fn values(&self, name: &str) -> Option<Vec<f64>> {
        self.position(name).map(|i| backend::values(&self.tensors[i]))
    }

    /// Number of scalars, P.
    pub fn count(&self) -> usize {
        self.specs.iter().map(TensorSpec::count).sum()
    }

    /// `<self, other>` over all tensors as one vector. Waits for the device.
    pub fn dot(&self, other: &Parameters) -> f64 {
        let mut total: Option<Vector> = None;
        for (a, b) in self.tensors.iter().zip(&other.tensors) {
            let term = (a.clone() * b.clone()).sum();
            total = Some(match total {
                Some(total) => total + term,
                None => term,
            });
        }
        total.map_or(0.0, backend::scalar)
    }

    /// l2 norm over all tensors as one vector. Waits for the device.
    pub fn norm(&self) -> f64 {
        self.dot(self).sqrt()
    }

    /// `a * self + b * other`.
    pub fn combine(&self, a: f64, other: &Parameters, b: f64) -> Parameters {
        let tensors = self
            .tensors
            .iter()
            .zip(&other.tensors)
            .map(|(x, y)| x.clone().mul_scalar(a) + y.clone().mul_scalar(b))
            .collect();
        Parameters { specs: self.specs.clone(), tensors }
    }

    /// `a * self`.
    pub fn scaled(&self, a: f64) -> Parameters {
        let tensors = self.tensors.iter().map(|x| x.clone().mul_scalar(a)).collect();
        Parameters { specs: self.specs.clone(), tensors }
    }

    /// One tensor in its own shape.
    ///
    /// # Panics
    /// If `D` is not the number of dimensions; shapes come from the architecture, never from outside.
    pub fn shaped<const D: usize>(&self, index: usize) -> Tensor<Plain, D> {
        let mut shape = [0; D];
        shape.copy_from_slice(&self.specs[index].shape);
        self.tensors[index].clone().reshape(shape)
    }
}
