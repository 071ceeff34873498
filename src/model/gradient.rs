//! The two passes of gradient matching: the gradient to the parameters, and the gradient *through* it.

use burn::tensor::backend::AutodiffBackend;
use burn::tensor::{Tensor, TensorData, activation};

use crate::backend::{self, Compute, Plain, Tape, Vector};
use crate::config::{BatchNormMode, Loss};
use crate::dual::{Dual, loss, sigmoid};

use super::direct::Found;
pub use super::direct::Kept;
use super::net::{Inputs, LastFeatures, Net, Observed, Penalties, Weights};
use super::parameters::Parameters;
use super::shown::{self, Pull};

/// How far one pass in train mode moves the running statistics, PyTorch's default.
const MOMENTUM: f64 = 0.1;

/// A network with its state: what the server sends to a client.
#[derive(Debug, Clone)]
pub struct Model {
    /// The architecture.
    pub net: Net,
    /// theta.
    pub parameters: Parameters,
    /// Running statistics of BatchNorm.
    pub buffers: Parameters,
}

/// Targets of the task loss, `[batch, classes]`; of a single output, the probability of label 1.
#[derive(Debug, Clone)]
pub enum Targets {
    /// Rows of labels.
    Hard(Tensor<Plain, 2>),
    /// Label logits u, used as `softmax(u)` (of a single output `sigmoid(u)`) and differentiated.
    Soft(Tensor<Plain, 2>),
}

/// Result of [`Model::second_pass`] and [`Model::directional`].
#[derive(Debug, Clone)]
pub struct Through {
    /// `<g(x), v>`, one element.
    pub directional: Vector,
    /// Gradient of `<g(x), v>` to x, `[batch, channels, height, width]`.
    pub to_input: Tensor<Plain, 4>,
    /// Gradient to the label logits, `[batch, classes]`, for soft targets.
    pub to_labels: Option<Tensor<Plain, 2>>,
    /// Gradient to the parameters of `<g(x), v>`: the Hessian times `v`; if asked for.
    pub to_parameters: Option<Parameters>,
}

/// Result of [`Model::first_pass`].
#[derive(Debug, Clone)]
pub struct FirstPass {
    /// Task loss, one element.
    pub loss: Vector,
    /// Its gradient g to the parameters, mean over the batch.
    pub gradient: Parameters,
    /// What the second pass at the same point need not compute again.
    pub kept: Kept,
}

impl Model {
    /// The first pass of gradient matching: as [`Model::gradient`], and what it leaves for
    /// [`Model::second_pass`].
    pub fn first_pass(&self, mode: BatchNormMode, x: &Tensor<Plain, 4>, targets: &Targets) -> FirstPass {
        if self.is_direct() {
            let found = self.direct_first(mode, x, targets);
            let (loss, gradient) = (on_device(found.loss, x), self.trained(found.gradient));
            return FirstPass { loss, gradient, kept: found.kept };
        }
        let (loss, gradient) = self.gradient_with(mode, x, targets, None);
        FirstPass { loss, gradient, kept: Kept::Nothing }
    }

    /// The second pass: the gradient of `<g(x), v>` to the input (and to soft labels), with `v` held fixed, at
    /// the very point (theta, mode, x, targets) of the first pass that `kept` this.
    ///
    /// `<g(x), v>` is the derivative of the loss along `v` in parameter space, so one forward pass with
    /// tangents and one reverse pass give it: no gradient of a gradient is taken.
    pub fn second_pass(
        &self,
        kept: &Kept,
        mode: BatchNormMode,
        x: &Tensor<Plain, 4>,
        targets: &Targets,
        v: &Parameters,
    ) -> Through {
        self.pull(kept, mode, x, targets, &Pull::gradient(v))
    }

    pub(super) fn direct_through(
        &self,
        kept: &Kept,
        x: &Tensor<Plain, 4>,
        targets: &Targets,
        pull: &Pull<'_>,
        with_hessian: bool,
    ) -> Through {
        let back = self.direct_second(kept, x.dims(), pull, with_hessian);
        Through {
            directional: on_device(back.directional, x),
            to_input: on_device(back.to_input, x),
            to_labels: matches!(targets, Targets::Soft(_)).then(|| on_device(back.to_labels, x)),
            to_parameters: back.hessian.map(|hessian| self.trained(hessian)),
        }
    }

    /// Task loss (one element) and its gradient g to the parameters, mean over the batch.
    ///
    /// `x` is normalised, `[batch, channels, height, width]`.
    pub fn gradient(
        &self,
        mode: BatchNormMode,
        x: &Tensor<Plain, 4>,
        targets: &Targets,
    ) -> (Vector, Parameters) {
        let FirstPass { loss, gradient, .. } = self.first_pass(mode, x, targets);
        (loss, gradient)
    }

    /// As [`Model::gradient`], with the running statistics after the pass: moved towards those of the batch by PyTorch's
    /// momentum in train mode, unchanged in eval mode.
    pub fn gradient_and_statistics(
        &self,
        mode: BatchNormMode,
        x: &Tensor<Plain, 4>,
        targets: &Targets,
    ) -> (Vector, Parameters, Parameters) {
        self.with_statistics(mode, x, targets, Model::direct_first)
    }

    /// The same as a client finds it: on the CPU in 64 bit inside, rounded at the end.
    pub fn gradient_of_client(
        &self,
        mode: BatchNormMode,
        x: &Tensor<Plain, 4>,
        targets: &Targets,
    ) -> (Vector, Parameters, Parameters) {
        self.with_statistics(mode, x, targets, Model::direct_exact)
    }

    fn with_statistics(
        &self,
        mode: BatchNormMode,
        x: &Tensor<Plain, 4>,
        targets: &Targets,
        direct: fn(&Model, BatchNormMode, &Tensor<Plain, 4>, &Targets) -> Found,
    ) -> (Vector, Parameters, Parameters) {
        let (loss, g, observed) = if self.is_direct() {
            let found = direct(self, mode, x, targets);
            (on_device(found.loss, x), self.trained(found.gradient), found.observed)
        } else {
            let observed = Observed::default();
            let (loss, g) = self.gradient_with(mode, x, targets, Some(&observed));
            (loss, g, observed.statistics(&self.buffers))
        };
        let buffers = match mode {
            BatchNormMode::Train => self.buffers.clone().combine(1.0 - MOMENTUM, &observed, MOMENTUM),
            BatchNormMode::Eval | BatchNormMode::EvalClient => self.buffers.clone(),
        };
        (loss, g, buffers)
    }

    fn gradient_with(
        &self,
        mode: BatchNormMode,
        x: &Tensor<Plain, 4>,
        targets: &Targets,
        observed: Option<&Observed>,
    ) -> (Vector, Parameters) {
        let leaves = self.on_tape(true);
        let t = Tensor::from_inner(targets.probabilities());
        let penalties = Penalties::default();
        let weights = Weights { observed, penalties: Some(&penalties), ..self.weights(&leaves, None, mode) };
        let scores = self.net.forward(&weights, Tensor::from_inner(x.clone()));
        let share = self.net.loss().share(x.dims()[0], 1);
        let loss = penalties.added(loss(self.net.loss(), scores, t), share).value;
        let gradients = loss.backward();
        (loss.inner(), self.trained(self.gradients_of(&leaves, &gradients)))
    }

    /// Of a vector over all parameters what belongs to those that are trained.
    pub(super) fn trained(&self, vector: Parameters) -> Parameters {
        vector.without(self.net.frozen())
    }

    /// BatchNorm statistics of a batch in train mode: mean and unbiased variance of the input of each layer, as
    /// PyTorch feeds them to its running statistics.
    pub fn statistics(&self, x: &Tensor<Plain, 4>) -> Parameters {
        let observed = Observed::default();
        let values = self.on_tape(false);
        let weights =
            Weights { observed: Some(&observed), ..self.weights(&values, None, BatchNormMode::Train) };
        self.net.forward(&weights, Tensor::from_inner(x.clone()));
        observed.statistics(&self.buffers)
    }

    /// The gradient of `<g(x), v>` to the input (and to soft labels), and the product of the Hessian and `v` if asked
    /// for, where no first pass was made at this point.
    pub fn directional(
        &self,
        mode: BatchNormMode,
        x: &Tensor<Plain, 4>,
        targets: &Targets,
        v: &Parameters,
        with_hessian: bool,
    ) -> Through {
        let kept = match self.is_direct() {
            true => self.direct_first(mode, x, targets).kept,
            false => Kept::Nothing,
        };
        self.directional_after(&kept, mode, x, targets, v, with_hessian)
    }

    /// As [`Model::directional`], where a first pass at this point kept this.
    pub fn directional_after(
        &self,
        kept: &Kept,
        mode: BatchNormMode,
        x: &Tensor<Plain, 4>,
        targets: &Targets,
        v: &Parameters,
        with_hessian: bool,
    ) -> Through {
        match kept {
            Kept::Nothing => self.reverse(mode, x, targets, &Pull::gradient(v), with_hessian),
            kept => self.direct_through(kept, x, targets, &Pull::gradient(v), with_hessian),
        }
    }

    pub(super) fn reverse(
        &self,
        mode: BatchNormMode,
        x: &Tensor<Plain, 4>,
        targets: &Targets,
        pull: &Pull<'_>,
        with_hessian: bool,
    ) -> Through {
        let values = self.on_tape(with_hessian);
        let x = Tensor::from_inner(x.clone()).require_grad();
        let (t, u) = targets.on_tape();
        let v = self.trained(pull.gradient.clone());
        let inputs = Inputs::default();
        let noted = (!pull.shown.moments.is_empty()).then_some(&inputs);
        let features = LastFeatures::default();
        let penalties = Penalties::default();
        let weights = Weights {
            inputs: noted,
            features: Some(&features),
            penalties: Some(&penalties),
            ..self.weights(&values, Some(&v), mode)
        };
        let scores = self.net.forward(&weights, x.clone());
        let share = self.net.loss().share(x.dims()[0], 1);
        let loss = penalties.added(loss(self.net.loss(), scores, t), share);
        let directional = loss
            .tangent
            .unwrap_or_else(|| unreachable!("the scores depend on the last layer's weights, which move"));
        let mut pulled = directional.clone();
        if pull.shown.loss != 0.0 {
            pulled = pulled + loss.value.mul_scalar(pull.shown.loss);
        }
        let of_moments = shown::product(inputs.taken(), &pull.shown.moments);
        let of_features = shown::product_of_features(features.taken(), &pull.shown.features);
        for term in of_moments.into_iter().chain(of_features) {
            pulled = pulled + term;
        }
        let gradients = pulled.backward();
        Through {
            directional: directional.inner(),
            to_input: x.grad(&gradients).unwrap_or_else(|| x.clone().inner().zeros_like()),
            to_labels: u.map(|u| u.grad(&gradients).unwrap_or_else(|| u.inner().zeros_like())),
            to_parameters: with_hessian.then(|| self.trained(self.gradients_of(&values, &gradients))),
        }
    }

    /// The parameters on the tape.
    pub(super) fn on_tape(&self, as_leaves: bool) -> Vec<Tensor<Tape, 1>> {
        let place = |tensor: &Vector| {
            let tensor = Tensor::from_inner(tensor.clone());
            if as_leaves { tensor.require_grad() } else { tensor }
        };
        self.parameters.tensors().iter().map(place).collect()
    }

    /// The gradient to each leaf; zero where nothing depends on it.
    fn gradients_of(
        &self,
        leaves: &[Tensor<Tape, 1>],
        gradients: &<Tape as AutodiffBackend>::Gradients,
    ) -> Parameters {
        let gradient = |leaf: &Tensor<Tape, 1>| {
            leaf.grad(gradients).unwrap_or_else(|| leaf.clone().inner().zeros_like())
        };
        Parameters::new(self.parameters.specs().clone(), leaves.iter().map(gradient).collect())
    }

    /// Scores `[batch, classes]` of normalised inputs.
    pub fn scores(&self, mode: BatchNormMode, x: &Tensor<Plain, 4>) -> Tensor<Plain, 2> {
        if self.is_direct() {
            return self.direct_scores(mode, x);
        }
        let values = self.on_tape(false);
        let weights = self.weights(&values, None, mode);
        self.net.forward(&weights, Tensor::from_inner(x.clone())).value.inner()
    }

    /// Last features `[batch, features]` of normalised inputs; `None` if no fully connected layer ends the network.
    pub fn last_features(&self, mode: BatchNormMode, x: &Tensor<Plain, 4>) -> Option<Tensor<Plain, 2>> {
        let values: Vec<Tensor<Tape, 1>> =
            self.parameters.tensors().iter().map(|tensor| Tensor::from_inner(tensor.clone())).collect();
        let weights = self.weights(&values, None, mode);
        Some(self.net.last_features(&weights, Tensor::from_inner(x.clone()))?.value.inner())
    }

    pub(super) fn weights<'a>(
        &'a self,
        values: &'a [Tensor<Tape, 1>],
        tangents: Option<&'a Parameters>,
        mode: BatchNormMode,
    ) -> Weights<'a> {
        Weights {
            specs: self.parameters.specs(),
            values,
            tangents,
            buffers: &self.buffers,
            mode,
            observed: None,
            inputs: None,
            features: None,
            penalties: None,
        }
    }
}

impl Net {
    /// The task loss of scores `[batch, classes]`, a mean over the batch where clients take the sum too.
    pub fn mean_loss(&self, scores: &Tensor<Plain, 2>, targets: &Targets) -> f64 {
        let kind = match self.loss() {
            Loss::CeSum => Loss::Ce,
            kind => kind,
        };
        let scores = Dual::constant(Tensor::from_inner(scores.clone()));
        backend::scalar(loss(kind, scores, Tensor::from_inner(targets.probabilities())).value.inner())
    }
}

/// Values on the device of `x`.
pub(super) fn on_device<const D: usize>(data: TensorData, x: &Tensor<Plain, 4>) -> Tensor<Plain, D> {
    let dtype = data.dtype;
    Tensor::from_data(data, (&x.device(), dtype))
}

impl Targets {
    /// Rows of zeros with a one at each label; with a single output the labels themselves, 0 or 1.
    pub fn hard(compute: &Compute, labels: &[usize], classes: usize) -> Targets {
        let mut rows = vec![0.0; labels.len() * classes];
        for (row, &label) in rows.chunks_mut(classes).zip(labels) {
            match row {
                [single] => *single = label as f64,
                row => row[label] = 1.0,
            }
        }
        Targets::Hard(compute.tensor(&rows, [labels.len(), classes]))
    }

    /// Rows of probabilities.
    pub fn probabilities(&self) -> Tensor<Plain, 2> {
        match self {
            Targets::Hard(t) => t.clone(),
            Targets::Soft(u) if u.dims()[1] == 1 => sigmoid(u.clone()),
            Targets::Soft(u) => activation::softmax(u.clone(), 1),
        }
    }

    /// Probabilities on the tape and, for soft targets, the logits as leaf.
    fn on_tape(&self) -> (Tensor<Tape, 2>, Option<Tensor<Tape, 2>>) {
        match self {
            Targets::Hard(t) => (Tensor::from_inner(t.clone()), None),
            Targets::Soft(u) => {
                let u = Tensor::from_inner(u.clone()).require_grad();
                let single = u.dims()[1] == 1;
                let t = if single { sigmoid(u.clone()) } else { activation::softmax(u.clone(), 1) };
                (t, Some(u))
            }
        }
    }
}
