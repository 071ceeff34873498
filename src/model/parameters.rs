//! Parameters, gradients and buffers: named tensors in PyTorch's state-dict order and layout.
//!
//! The one place for vector algebra over all parameters.

use std::sync::{Arc, OnceLock};

use burn::tensor::{DType, Tensor, TensorData};

use crate::backend::{self, Compute, Plain, Vector};

use super::scalar::Scalar;
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

#[derive(Debug)]
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
        let store = Store { tensors: OnceLock::from(tensors), host: OnceLock::new(), device };
        Parameters { specs, store: Arc::new(store) }
    }

    /// Pairs specs with flat values of the same order and sizes, which belong to `device`.
    pub fn from_host(specs: Arc<[TensorSpec]>, host: Vec<TensorData>, device: &burn::DispatchDevice) -> Self {
        debug_assert_eq!(specs.len(), host.len());
        let store =
            Store { tensors: OnceLock::new(), host: OnceLock::from(host), device: Some(device.clone()) };
        Parameters { specs, store: Arc::new(store) }
    }

    /// Fills the specs with values, tensor by tensor.
    pub fn from_values(
        compute: &Compute,
        specs: Arc<[TensorSpec]>,
        mut values: impl FnMut(&TensorSpec) -> Vec<f64>,
    ) -> Self {
        if backend::is_flex(compute.device()) {
            let host = specs.iter().map(|spec| compute.data(&values(spec), [spec.count()])).collect();
            return Parameters::from_host(specs, host, compute.device());
        }
        let tensors = specs.iter().map(|spec| compute.tensor(&values(spec), [spec.count()])).collect();
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

    /// Memory of the values.
    pub fn bytes(&self) -> u64 {
        let width = match self.store.host.get() {
            Some(host) => host.first().map(|data| data.dtype.size()),
            None => self.tensors().first().map(|tensor| tensor.dtype().size()),
        };
        (self.count() * width.unwrap_or(0)) as u64
    }

    /// `<self, other>` over all tensors as one vector. Waits for the device.
    pub fn dot(&self, other: &Parameters) -> f64 {
        if self.on_host() {
            return vector::dot(self.host(), other.host());
        }
        self.sum_of_products(other).read()
    }

    /// l2 norm over all tensors as one vector. Waits for the device.
    pub fn norm(&self) -> f64 {
        self.dot(self).sqrt()
    }

    /// `<self, self>`. Does not wait for the device.
    pub fn square(&self) -> Scalar {
        if self.on_host() { self.dot(self).into() } else { self.sum_of_products(self) }
    }

    /// `<self, self>` and `<self, other>`. Does not wait for the device.
    pub fn products(&self, other: &Parameters) -> (Scalar, Scalar) {
        if self.on_host() {
            let (own, both) = vector::products(self.host(), other.host());
            return (own.into(), both.into());
        }
        (self.sum_of_products(self), self.sum_of_products(other))
    }

    fn sum_of_products(&self, other: &Parameters) -> Scalar {
        let terms = self.tensors().iter().zip(other.tensors()).map(|(a, b)| (a.clone() * b.clone()).sum());
        terms.reduce(|sum, term| sum + term).map_or(Scalar::Here(0.0), Scalar::There)
    }

    /// `a * self + b * other`, in the memory of `self` if nobody else holds it.
    #[must_use]
    pub fn combine(self, a: impl Into<Scalar>, other: &Parameters, b: impl Into<Scalar>) -> Parameters {
        let (a, b) = (a.into(), b.into());
        if self.on_host() {
            let (a, b) = (a.read(), b.read());
            return self.changed(|own| vector::combine(own, a, other.host(), b));
        }
        let pairs = self.tensors().iter().zip(other.tensors());
        let tensors = pairs.map(|(x, y)| times(x, &a) + times(y, &b)).collect();
        Parameters::new(self.specs.clone(), tensors)
    }

    /// `a * self`, in the memory of `self` if nobody else holds it.
    #[must_use]
    pub fn scaled(self, a: f64) -> Parameters {
        if self.on_host() {
            return self.changed(|own| vector::scale(own, a));
        }
        let tensors = self.tensors().iter().map(|x| times(x, &a.into())).collect();
        Parameters::new(self.specs.clone(), tensors)
    }

    /// The product number by number.
    pub fn times(&self, other: &Parameters) -> Parameters {
        let pairs = self.tensors().iter().zip(other.tensors());
        Parameters::new(self.specs.clone(), pairs.map(|(a, b)| a.clone() * b.clone()).collect())
    }

    /// Every tensor changed in the computer's memory, in 64 bit.
    #[must_use]
    pub fn mapped(&self, mut change: impl FnMut(&TensorSpec, &mut [f64])) -> Parameters {
        let Some(device) = self.device() else { return self.clone() };
        let changed = self.specs.iter().zip(self.host()).map(|(spec, data)| {
            let mut values: Vec<f64> = data.iter().collect();
            change(spec, &mut values);
            match data.dtype {
                DType::F64 => TensorData::new(values, data.shape.clone()),
                _ => TensorData::new(values.iter().map(|&value| value as f32).collect(), data.shape.clone()),
            }
        });
        Parameters::from_host(self.specs.clone(), changed.collect(), device)
    }

    /// The same with zeros in the tensors at these positions.
    #[must_use]
    pub fn without(self, positions: &[usize]) -> Parameters {
        if positions.is_empty() {
            return self;
        }
        if self.on_host() {
            return self.changed(|data| positions.iter().for_each(|&i| vector::clear(&mut data[i])));
        }
        let zeroed = |(i, tensor): (usize, &Vector)| match positions.contains(&i) {
            true => tensor.zeros_like(),
            false => tensor.clone(),
        };
        let tensors = self.tensors().iter().enumerate().map(zeroed).collect();
        Parameters::new(self.specs.clone(), tensors)
    }

    /// The same with the tensors of `other` at these positions.
    #[must_use]
    pub fn with(self, positions: &[usize], other: &Parameters) -> Parameters {
        if positions.is_empty() {
            return self;
        }
        if self.on_host() {
            let others = other.host();
            return self.changed(|data| positions.iter().for_each(|&i| data[i] = others[i].clone()));
        }
        let chosen = |(i, tensor): (usize, &Vector)| match positions.contains(&i) {
            true => other.tensors()[i].clone(),
            false => tensor.clone(),
        };
        let tensors = self.tensors().iter().enumerate().map(chosen).collect();
        Parameters::new(self.specs.clone(), tensors)
    }

    /// What comes of several parameters element by element: `here` of 64-bit numbers in the computer's memory, `there` of
    /// tensors on a device.
    pub(super) fn map<const N: usize, const M: usize>(
        of: [&Parameters; N],
        here: impl Fn([f64; N]) -> [f64; M] + Sync,
        there: impl Fn([&Vector; N]) -> [Vector; M],
    ) -> [Parameters; M] {
        let specs = of[0].specs.clone();
        if let Some(device) = of[0].device().filter(|device| backend::is_flex(device)) {
            let found = vector::map(of.map(Parameters::host), here);
            return found.map(|host| Parameters::from_host(specs.clone(), host, device));
        }
        let mut found = [const { Vec::new() }; M];
        for i in 0..specs.len() {
            let made = there(of.map(|parameters| &parameters.tensors()[i]));
            found.iter_mut().zip(made).for_each(|(list, tensor)| list.push(tensor));
        }
        found.map(|tensors| Parameters::new(specs.clone(), tensors))
    }

    /// Values in memory, changed there if nobody else holds them.
    fn changed(mut self, change: impl FnOnce(&mut [TensorData])) -> Parameters {
        let alone = Arc::get_mut(&mut self.store).and_then(|store| store.host.take());
        let mut own = alone.unwrap_or_else(|| vector::copy(self.host()));
        change(&mut own);
        match self.device() {
            Some(device) => Parameters::from_host(self.specs.clone(), own, device),
            None => self,
        }
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

/// `a * x`. Waits for nothing.
fn times(x: &Vector, a: &Scalar) -> Vector {
    match a {
        Scalar::Here(a) => x.clone().mul_scalar(*a),
        Scalar::There(a) => x.clone() * a.clone(),
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let in_memory = self.device.as_ref().is_some_and(backend::is_flex) && self.tensors.get().is_none();
        if let Some(host) = self.host.take().filter(|_| in_memory) {
            vector::recycle(host);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::backend::Precision;

    fn of(compute: &Compute, values: &[f64]) -> Parameters {
        let specs = [TensorSpec { name: "w".into(), shape: vec![values.len()] }];
        Parameters::from_values(compute, specs.into(), |_| values.to_vec())
    }

    #[test]
    fn what_somebody_else_holds_stays_as_it_was() {
        for backend in ["flex", "ndarray"] {
            let compute = Compute::select(backend, Precision::F64).unwrap();
            let (a, b) = (of(&compute, &[1.0, 2.0]), of(&compute, &[10.0, 20.0]));
            let sum = a.clone().combine(2.0, &b, 1.0);
            assert_eq!(a.values("w").unwrap(), [1.0, 2.0], "{backend}");
            assert_eq!(sum.values("w").unwrap(), [12.0, 24.0], "{backend}");
            let own = b.clone().scaled(0.5).combine(1.0, &sum, -1.0);
            assert_eq!(own.values("w").unwrap(), [-7.0, -14.0], "{backend}");
            assert_eq!(b.values("w").unwrap(), [10.0, 20.0], "{backend}");
        }
    }

    #[test]
    fn sums_on_a_device_are_those_in_memory() {
        let read = |backend: &str| {
            let compute = Compute::select(backend, Precision::F64).unwrap();
            let (a, b) = (of(&compute, &[3.0, -1.0, 0.5]), of(&compute, &[2.0, 4.0, 8.0]));
            let (own, both) = a.products(&b);
            let root = own.clone().sqrt() * 2.0;
            let quotient = Scalar::from(1.0) - both.clone() / root;
            let moved = a.clone().combine(quotient.clone(), &b, Scalar::from(-1.0) / own.clone());
            [own.read(), both.read(), quotient.read(), a.square().read(), moved.norm()]
        };
        let (device, memory) = (read("ndarray"), read("flex"));
        for (a, b) in device.iter().zip(memory) {
            assert!((a - b).abs() < 1e-12, "{device:?} against {memory:?}");
        }
        assert_eq!(memory[..2], [10.25, 6.0]);
    }
}
