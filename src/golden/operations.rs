//! Single operations: value, first- and second-order gradients.
//!
//! Of an operation y = f(in...) the vectors hold the gradients g_i of `<y, v>`, the sum s = sum_i <g_i, u_i>,
//! and the gradients h_i of s to in_i and hv of s to v. With tangents u_i on the inputs, s is the derivative
//! of `<y, v>` along u, and hv is the tangent of y itself.

use burn::tensor::Tensor;

use super::{Case, assert_close, settings};
use crate::backend::{self, Compute, Tape};
use crate::dual::{
    Activation, ConvShape, Dual, PoolShape, Statistics, avg_pool, batch_norm, conv2d, linear, max_pool,
};

/// Inputs of an operation as leaves with constant tangents.
struct Inputs<'a> {
    case: &'a Case,
    compute: &'a Compute,
    operation: &'a str,
}

impl Inputs<'_> {
    fn dual<const D: usize>(&self, i: usize) -> Dual<D> {
        let tensor = |kind: &str| -> Tensor<Tape, D> {
            let key = format!("{}.{kind}{i}", self.operation);
            Tensor::from_inner(self.compute.tensor(self.case.values(&key), self.case.shape(&key)))
        };
        Dual::new(tensor("in").require_grad(), tensor("u"))
    }

    /// `build` makes the output and its inputs afresh: a reverse pass uses its tape up.
    fn check<const D: usize>(&self, build: impl Fn() -> (Dual<D>, Vec<Box<dyn Leaf>>), tolerance: f64) {
        let (y, inputs) = build();
        let key = |kind: &str| format!("{}.{kind}", self.operation);
        let what = format!("{} on {} {:?}", self.operation, self.compute.name(), self.compute.precision());
        let v: Tensor<Tape, D> =
            Tensor::from_inner(self.compute.tensor(self.case.values(&key("v")), self.case.shape(&key("v"))));
        let tangent = y.tangent.expect("inputs have tangents");
        assert_close(&format!("{what}: value"), &plain(&y.value), self.case.values(&key("y")), tolerance);
        assert_close(&format!("{what}: tangent"), &plain(&tangent), self.case.values(&key("hv")), tolerance);

        let s = (tangent * v.clone()).sum();
        let expected = self.case.scalar(&key("s"));
        assert_close(&format!("{what}: s"), &plain(&s), &[expected], tolerance * 10.0);
        let second = s.backward();
        for (i, input) in inputs.iter().enumerate() {
            let h = key(&format!("h{i}"));
            if self.case.values(&h).iter().any(|value| value.abs() > 0.0) {
                let actual = input.gradient(&second);
                assert_close(&format!("{what}: h{i}"), &actual, self.case.values(&h), tolerance);
            }
        }
        let (y, inputs) = build();
        let first = (y.value * v).sum().backward();
        for (i, input) in inputs.iter().enumerate() {
            let g = key(&format!("g{i}"));
            assert_close(&format!("{what}: g{i}"), &input.gradient(&first), self.case.values(&g), tolerance);
        }
    }
}

fn plain<const D: usize>(tensor: &Tensor<Tape, D>) -> Vec<f64> {
    backend::values(&tensor.clone().inner())
}

type Gradients = <Tape as burn::tensor::backend::AutodiffBackend>::Gradients;

trait Leaf {
    fn gradient(&self, gradients: &Gradients) -> Vec<f64>;
}

impl<const D: usize> Leaf for Dual<D> {
    fn gradient(&self, gradients: &Gradients) -> Vec<f64> {
        match self.value.grad(gradients) {
            Some(gradient) => backend::values(&gradient),
            None => vec![0.0; self.value.shape().num_elements()],
        }
    }
}

#[test]
fn operations_agree_with_pytorch_to_second_order() {
    let case = Case::load("ops");
    for (compute, tolerance) in settings() {
        let of = |operation| Inputs { case: &case, compute: &compute, operation };

        let inputs = of("linear");
        let affine = || {
            let (a, w, b) = (inputs.dual::<2>(0), inputs.dual::<2>(1), inputs.dual::<1>(2));
            (linear(a.clone(), w.clone(), Some(b.clone())), leaves([Box::new(a), Box::new(w), Box::new(b)]))
        };
        inputs.check(affine, tolerance);

        for (operation, stride, padding, dilation, groups) in [
            ("conv_3x3_p1", 1, 1, 1, 1),
            ("conv_5x5_s2_p2", 2, 2, 1, 1),
            ("conv_3x3_s2_p1", 2, 1, 1, 1),
            ("conv_1x1_s2", 2, 0, 1, 1),
            ("conv_3x3_dil2_p2", 1, 2, 2, 1),
            ("conv_3x3_groups", 1, 1, 1, 2),
        ] {
            let inputs = of(operation);
            let shape = ConvShape { stride, padding, dilation, groups };
            let convolution = || {
                let (a, w, b) = (inputs.dual::<4>(0), inputs.dual::<4>(1), inputs.dual::<1>(2));
                let y = conv2d(a.clone(), w.clone(), Some(b.clone()), shape);
                (y, leaves([Box::new(a), Box::new(w), Box::new(b)]))
            };
            inputs.check(convolution, tolerance);
        }

        let map = |operation, apply: &dyn Fn(Dual<4>) -> Dual<4>| {
            let inputs = of(operation);
            let build = || {
                let a = inputs.dual::<4>(0);
                (apply(a.clone()), leaves([Box::new(a)]))
            };
            inputs.check(build, tolerance);
        };
        map("maxpool2", &|a| max_pool(a, PoolShape { kernel: 2, stride: 2, padding: 0 }));
        map("maxpool3_s2_p1", &|a| max_pool(a, PoolShape { kernel: 3, stride: 2, padding: 1 }));
        map("avgpool2", &|a| avg_pool(a, PoolShape { kernel: 2, stride: 2, padding: 0 }));
        map("sigmoid", &|a| Activation::Sigmoid.apply(a));
        map("tanh", &|a| Activation::Tanh.apply(a));
        map("relu", &|a| Activation::Relu.apply(a));
        map("leaky_relu", &|a| Activation::LeakyRelu(0.01).apply(a));
        map("gelu", &|a| Activation::Gelu.apply(a));

        let inputs = of("bn_train");
        let normalisation = || {
            let (x, gamma, beta) = (inputs.dual::<4>(0), inputs.dual::<1>(1), inputs.dual::<1>(2));
            let y = batch_norm(x.clone(), gamma.clone(), beta.clone(), Statistics::Batch, 1e-5);
            (y, leaves([Box::new(x), Box::new(gamma), Box::new(beta)]))
        };
        inputs.check(normalisation, tolerance);
    }
}

fn leaves<const N: usize>(leaves: [Box<dyn Leaf>; N]) -> Vec<Box<dyn Leaf>> {
    leaves.into()
}
