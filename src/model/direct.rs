//! Between models and the CPU's own passes: widths, devices, and what is kept from pass 1 to pass 2.

use std::sync::Arc;

use burn::tensor::{DType, Tensor, TensorData};

use crate::backend::{self, Plain};
use crate::config::BatchNormMode;
use crate::threads;

use super::cpu::{self, Buffer, First, Real, Second};
use super::gradient::{Model, Targets};
use super::parameters::Parameters;
use super::shown::Pull;
use super::vector::slice;

/// What pass 1 kept for pass 2, in either width.
#[derive(Debug, Clone)]
pub enum Kept {
    /// The tape keeps nothing.
    Nothing,
    /// 32 bit.
    Narrow(Arc<First<f32>>),
    /// 64 bit.
    Wide(Arc<First<f64>>),
}

/// What pass 1 found: loss, gradient, statistics after the pass.
pub struct Found {
    /// The loss.
    pub loss: TensorData,
    /// g.
    pub gradient: Parameters,
    /// Statistics of BatchNorm's inputs by buffer, in train mode; those of the model where there are none.
    pub observed: Parameters,
    /// For pass 2.
    pub kept: Kept,
}

/// What pass 2 found.
pub struct SecondPass {
    /// `<g(x), v>`.
    pub directional: TensorData,
    /// Its gradient to x, in the shape of x.
    pub to_input: TensorData,
    /// Its gradient to label logits, `[batch, classes]`.
    pub to_labels: TensorData,
    /// H v.
    pub hessian: Option<Parameters>,
}

impl Model {
    /// Whether the CPU's own passes can be taken instead of the tape.
    pub(super) fn is_direct(&self) -> bool {
        self.parameters.device().is_some_and(backend::is_flex) && cpu::supports(&self.net)
    }

    fn is_wide(&self) -> bool {
        self.parameters.host().first().is_some_and(|data| data.dtype == DType::F64)
    }

    /// Pass 1.
    pub(super) fn direct_first(&self, mode: BatchNormMode, x: &Tensor<Plain, 4>, targets: &Targets) -> Found {
        if self.is_wide() {
            self.first_in::<f64>(mode, x, targets, |first| Kept::Wide(Arc::new(first)))
        } else {
            self.first_in::<f32>(mode, x, targets, |first| Kept::Narrow(Arc::new(first)))
        }
    }

    /// Pass 1 of a client that computes in 32 bit, in 64 bit from the same values, its gradient rounded at the end: no
    /// unit lands on the other side of a kink by rounding, and fast convolutions lose nothing. It is run once where an
    /// attacker runs hundreds.
    pub(super) fn direct_exact(&self, mode: BatchNormMode, x: &Tensor<Plain, 4>, targets: &Targets) -> Found {
        if self.is_wide() {
            return self.direct_first(mode, x, targets);
        }
        let wide = |data: &TensorData| -> Vec<f64> {
            slice::<f32>(data).iter().map(|value| f64::from(*value)).collect()
        };
        let all = |of: &Parameters| of.host().iter().map(wide).collect::<Vec<_>>();
        let (theta, buffers) = (all(&self.parameters), all(&self.buffers));
        let theta: Vec<&[f64]> = theta.iter().map(Vec::as_slice).collect();
        let running: Option<Vec<&[f64]>> = match mode {
            BatchNormMode::Train => None,
            BatchNormMode::Eval | BatchNormMode::EvalClient => {
                Some(buffers.iter().map(Vec::as_slice).collect())
            }
        };
        let (input, t) = (wide(&x.to_data()), wide(&targets.probabilities().to_data()));
        let run = || First::run(&self.net, &theta, running.as_deref(), (&input, x.dims()), &t);
        let (_, loss, g, observed) = self.on_pool(x.dims()[0], run);
        self.found(
            loss as f32,
            g.iter().map(|g| narrow(g)),
            observed.iter().map(|seen| seen.as_deref().map(narrow)),
            Kept::Nothing,
            x,
        )
    }

    /// Pass 2.
    pub(super) fn direct_second(
        &self,
        kept: &Kept,
        x: [usize; 4],
        pull: &Pull<'_>,
        hessian: bool,
    ) -> SecondPass {
        match kept {
            Kept::Nothing => unreachable!("pass 1 without a tape keeps what pass 2 reads"),
            Kept::Narrow(first) => self.second_in(first, x, pull, hessian),
            Kept::Wide(first) => self.second_in(first, x, pull, hessian),
        }
    }

    /// Scores `[batch, classes]`.
    pub(super) fn direct_scores(&self, mode: BatchNormMode, x: &Tensor<Plain, 4>) -> Tensor<Plain, 2> {
        let scores =
            if self.is_wide() { self.scores_in::<f64>(mode, x) } else { self.scores_in::<f32>(mode, x) };
        super::gradient::on_device(scores, x)
    }

    fn scores_in<T: Real>(&self, mode: BatchNormMode, x: &Tensor<Plain, 4>) -> TensorData {
        let (theta, running) = (slices::<T>(&self.parameters), self.running(mode));
        let data = x.to_data();
        let scores = cpu::scores(&self.net, &theta, running.as_deref(), (slice(&data), x.dims()));
        TensorData::new(scores, [x.dims()[0], self.net.classes()])
    }

    fn first_in<T: Real>(
        &self,
        mode: BatchNormMode,
        x: &Tensor<Plain, 4>,
        targets: &Targets,
        keep: impl FnOnce(First<T>) -> Kept,
    ) -> Found {
        let (theta, running) = (slices::<T>(&self.parameters), self.running(mode));
        let (data, t) = (x.to_data(), targets.probabilities().to_data());
        let run = || First::run(&self.net, &theta, running.as_deref(), (slice(&data), x.dims()), slice(&t));
        let (first, loss, g, observed) = self.on_pool(x.dims()[0], run);
        self.found(loss, g, observed, keep(first), x)
    }

    fn found<T: Real, V: Into<Vec<T>>, W: Into<Vec<T>>>(
        &self,
        loss: T,
        g: impl IntoIterator<Item = V>,
        observed: impl IntoIterator<Item = Option<W>, IntoIter: ExactSizeIterator>,
        kept: Kept,
        x: &Tensor<Plain, 4>,
    ) -> Found {
        let (device, observed) = (x.device(), observed.into_iter());
        let observed = if observed.len() == 0 {
            self.buffers.clone()
        } else {
            let pairs = self.buffers.host().iter().zip(observed);
            let data = pairs.map(|(buffer, seen)| seen.map_or_else(|| buffer.clone(), flat));
            Parameters::from_host(self.buffers.specs().clone(), data.collect(), &device)
        };
        let gradient = Parameters::from_host(
            self.parameters.specs().clone(),
            g.into_iter().map(flat).collect(),
            &device,
        );
        Found { loss: TensorData::new(vec![loss], [1]), gradient, observed, kept }
    }

    fn second_in<T: Real>(
        &self,
        first: &First<T>,
        x: [usize; 4],
        pull: &Pull<'_>,
        hessian: bool,
    ) -> SecondPass {
        let gradient = self.trained(pull.gradient.clone());
        let (theta, v) = (slices::<T>(&self.parameters), slices::<T>(&gradient));
        let Second { directional, to_input, to_labels, hessian } =
            self.on_pool(x[0], || first.through(&theta, &v, pull.shown, hessian));
        let device = self.parameters.device().cloned().unwrap_or_default();
        let of_parameters = |tensors: Vec<Buffer<T>>| {
            let host = tensors.into_iter().map(flat).collect();
            Parameters::from_host(self.parameters.specs().clone(), host, &device)
        };
        SecondPass {
            directional: TensorData::new(vec![directional], [1]),
            to_input: TensorData::new(to_input, x),
            to_labels: TensorData::new(to_labels, [x[0], self.net.classes()]),
            hessian: hessian.map(of_parameters),
        }
    }

    /// On a thread of the pool, which shares work out without waiting for another to wake up. Small networks have
    /// nothing to share.
    fn on_pool<R: Send>(&self, batch: usize, work: impl FnOnce() -> R + Send) -> R {
        let small = self.net.multiply_adds() * (batch as u64) < 8_000_000;
        if small { work() } else { threads::awake(work) }
    }

    fn running<T: Real>(&self, mode: BatchNormMode) -> Option<Vec<&[T]>> {
        match mode {
            BatchNormMode::Train => None,
            BatchNormMode::Eval | BatchNormMode::EvalClient => Some(slices(&self.buffers)),
        }
    }
}

fn slices<T: Real>(parameters: &Parameters) -> Vec<&[T]> {
    parameters.host().iter().map(slice).collect()
}

fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|value| *value as f32).collect()
}

fn flat<T: Real>(values: impl Into<Vec<T>>) -> TensorData {
    let values = values.into();
    let count = values.len();
    TensorData::new(values, [count])
}
