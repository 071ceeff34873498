//! Parameters, gradients and buffers: named tensors in PyTorch's state-dict order and layout.
//!
//! The one place for vector algebra over all parameters.

use std::sync::{Arc, OnceLock};

use burn::tensor::{Tensor, TensorData};

use crate::backend::{self, Compute, Plain, Vector};

use super::vector;

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

/// Named tensors, each stored flat: on the device, in the computer's memory, or both. Whichever is missing is made
/// when it is asked for, once; clones share it.
#[derive(Debug, Clone)]
pub struct Parameters {
    specs: Arc<[TensorSpec]>,
    store: Arc<Store>,
}

#[derive(Debug, Default)]
struct Store {
    tensors: OnceLock<Vec<Vector>>,
    host: OnceLock<Vec<TensorData>>,
    device: Option<burn::DispatchDevice>,
}

impl Parameters {
    /// Pairs specs with flat tensors of the same order and sizes.
    pub fn new(specs: Arc<[TensorSpec]>, tensors: Vec<Vector>) -> Self {
        debug_assert_eq!(specs.len(), tensors.len());
        let device = tensors.first().map(Tensor::device);
        let store = Store { tensors: OnceLock::from(tensors), device, ..Store::default() };
        Parameters { specs, store: Arc::new(store) }
    }

    /// Pairs specs with flat values of the same order and sizes, which belong to `device`.
    pub fn from_host(specs: Arc<[TensorSpec]>, host: Vec<TensorData>, device: &burn::DispatchDevice) -> Self {
        debug_assert_eq!(specs.len(), host.len());
        let store = Store { host: OnceLock::from(host), device: Some(device.clone()), ..Store::default() };
        Parameters { specs, store: Arc::new(store) }
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
        Parameters::new(specs, tensors)
    }

    /// Names and shapes in order.
    pub fn specs(&self) -> &Arc<[TensorSpec]> {
        &self.specs
    }

    /// Flat tensors in order.
    pub fn tensors(&self) -> &[Vector] {
        self.store.tensors.get_or_init(|| {
            let (Some(host), Some(device)) = (self.store.host.get(), &self.store.device) else {
                return Vec::new();
            };
            host.iter().map(|data| Tensor::from_data(data.clone(), (device, data.dtype))).collect()
        })
    }

    /// The same values in the computer's memory. Waits for the device.
    pub fn host(&self) -> &[TensorData] {
        self.store.host.get_or_init(|| self.tensors().iter().map(Tensor::to_data).collect())
    }

    /// Where they belong; `None` without any tensor.
    pub fn device(&self) -> Option<&burn::DispatchDevice> {
        self.store.device.as_ref()
    }

    /// Whether vector algebra is done in the computer's memory, as the passes of [`super::cpu`] are.
    fn on_host(&self) -> bool {
        self.device().is_some_and(backend::is_flex)
    }

    /// Position of a name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.specs.iter().position(|spec| spec.name == name)
    }

    /// Row-major values of one tensor.
    pub fn values(&self, name: &str) -> Option<Vec<f64>> {
        self.position(name).map(|i| match self.store.host.get() {
            Some(host) => host[i].iter::<f64>().collect(),
            None => backend::values(&self.tensors()[i]),
        })
    }

    /// Number of scalars, P.
    pub fn count(&self) -> usize {
        self.specs.iter().map(TensorSpec::count).sum()
    }

    /// `<self, other>` over all tensors as one vector. Waits for the device.
    pub fn dot(&self, other: &Parameters) -> f64 {
        if self.on_host() {
            return vector::dot(self.host(), other.host());
        }
        let mut total: Option<Vector> = None;
        for (a, b) in self.tensors().iter().zip(other.tensors()) {
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
        if let Some(device) = self.device().filter(|_| self.on_host()) {
            let sum = vector::combine(self.host(), a, other.host(), b);
            return Parameters::from_host(self.specs.clone(), sum, device);
        }
        let tensors = self
            .tensors()
            .iter()
            .zip(other.tensors())
            .map(|(x, y)| x.clone().mul_scalar(a) + y.clone().mul_scalar(b))
            .collect();
        Parameters::new(self.specs.clone(), tensors)
    }

    /// `a * self`.
    pub fn scaled(&self, a: f64) -> Parameters {
        if let Some(device) = self.device().filter(|_| self.on_host()) {
            let scaled = vector::scaled(self.host(), a);
            return Parameters::from_host(self.specs.clone(), scaled, device);
        }
        let tensors = self.tensors().iter().map(|x| x.clone().mul_scalar(a)).collect();
        Parameters::new(self.specs.clone(), tensors)
    }

    /// One tensor in its own shape.
    ///
    /// # Panics
    /// If `D` is not the number of dimensions; shapes come from the architecture, never from outside.
    pub fn shaped<const D: usize>(&self, index: usize) -> Tensor<Plain, D> {
        let mut shape = [0; D];
        shape.copy_from_slice(&self.specs[index].shape);
        self.tensors()[index].clone().reshape(shape)
    }
}
