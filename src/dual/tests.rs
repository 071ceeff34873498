//! Every operation against finite differences in 64 bit: its tangent against differences of its value, and the
//! reverse pass through its tangent against differences of the tangent.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::backend::{self, Compute, Precision};
use crate::config::Loss;
use crate::seed::{Seed, normal};

const STEP: f64 = 1e-5;
const TOLERANCE: f64 = 1e-6;

/// An operation on flat inputs; it gives its operands their shapes itself.
type Operation<'a> = &'a dyn Fn(&[Dual<1>]) -> Dual<1>;
/// Name, sizes of the inputs, operation.
type Case = (&'static str, Vec<usize>, Box<dyn Fn(&[Dual<1>]) -> Dual<1>>);

struct Check<'a> {
    name: &'a str,
    compute: &'a Compute,
    operation: Operation<'a>,
}

impl Check<'_> {
    /// Value and tangent at `x` along `u`; with leaves for a reverse pass.
    fn at(&self, x: &[Vec<f64>], u: &[Vec<f64>]) -> (Dual<1>, Vec<Tensor<Tape, 1>>) {
        let tape =
            |v: &Vec<f64>| -> Tensor<Tape, 1> { Tensor::from_inner(self.compute.tensor(v, [v.len()])) };
        let leaves: Vec<_> = x.iter().map(|v| tape(v).require_grad()).collect();
        let duals: Vec<_> = leaves.iter().zip(u).map(|(x, u)| Dual::new(x.clone(), tape(u))).collect();
        ((self.operation)(&duals), leaves)
    }

    fn value(&self, x: &[Vec<f64>], u: &[Vec<f64>]) -> Vec<f64> {
        backend::values(&self.at(x, u).0.value.inner())
    }

    fn tangent(&self, x: &[Vec<f64>], u: &[Vec<f64>]) -> Vec<f64> {
        backend::values(&self.at(x, u).0.tangent.unwrap().inner())
    }

    fn run(&self, sizes: &[usize]) {
        let mut generator = Seed(3).stream(self.name, &[]);
        let mut draw = || sizes.iter().map(|&n| normal(&mut generator, n)).collect::<Vec<_>>();
        let (x, u, p) = (draw(), draw(), draw());
        let moved = |along: &[Vec<f64>], step: f64| -> Vec<Vec<f64>> {
            let shift = |(x, a): (&Vec<f64>, &Vec<f64>)| x.iter().zip(a).map(|(x, a)| x + step * a).collect();
            x.iter().zip(along).map(shift).collect()
        };
        let difference = |plus: Vec<f64>, minus: Vec<f64>| -> Vec<f64> {
            plus.iter().zip(&minus).map(|(a, b)| (a - b) / (2.0 * STEP)).collect()
        };

        let tangent = self.tangent(&x, &u);
        let expected = difference(self.value(&moved(&u, STEP), &u), self.value(&moved(&u, -STEP), &u));
        self.close("tangent", &tangent, &expected);

        let w = normal(&mut Seed(4).stream(self.name, &[]), tangent.len());
        let weighted = |tangent: Vec<f64>| tangent.iter().zip(&w).map(|(t, w)| t * w).sum::<f64>();
        let (y, leaves) = self.at(&x, &u);
        let weights = Tensor::from_inner(self.compute.tensor(&w, [w.len()]));
        let gradients = (y.tangent.unwrap() * weights).sum().backward();
        let along_p: f64 = leaves
            .iter()
            .zip(&p)
            .filter_map(|(leaf, p)| Some((backend::values(&leaf.grad(&gradients)?), p)))
            .map(|(g, p)| g.iter().zip(p).map(|(g, p)| g * p).sum::<f64>())
            .sum();
        let s = |step: f64| weighted(self.tangent(&moved(&p, step), &u));
        self.close("reverse of the tangent", &[along_p], &difference(vec![s(STEP)], vec![s(-STEP)]));
    }

    fn close(&self, what: &str, actual: &[f64], expected: &[f64]) {
        let scale = expected.iter().fold(1e-3, |max: f64, v| max.max(v.abs()));
        let error = actual.iter().zip(expected).map(|(a, e)| (a - e).abs() / scale).fold(0.0, f64::max);
        assert!(error < TOLERANCE, "{} of {} on {}: {error:.1e}", what, self.name, self.compute.name());
    }
}

fn shaped<const D: usize>(d: &Dual<1>, shape: [usize; D]) -> Dual<D> {
    d.clone().map_linear(|t| t.reshape(shape))
}

fn flat<const D: usize>(d: Dual<D>) -> Dual<1> {
    let count = d.value.shape().num_elements();
    d.map_linear(|t| t.reshape([count]))
}

#[test]
fn every_operation_agrees_with_finite_differences() {
    const MAP: [usize; 4] = [2, 4, 6, 6];
    const COUNT: usize = 288;
    let x: fn(&[Dual<1>]) -> Dual<4> = |d| shaped(&d[0], MAP);
    let activate = |activation: Activation| move |d: &[Dual<1>]| activation.apply(d[0].clone());
    let conv = |shape: ConvShape| {
        move |d: &[Dual<1>]| {
            let weight = shaped(&d[1], [4, 4 / shape.groups, 3, 3]);
            flat(conv2d(shaped(&d[0], MAP), weight, Some(d[2].clone()), shape))
        }
    };
    let transposed = |stride, padding| {
        move |d: &[Dual<1>]| {
            let weight = shaped(&d[1], [4, 2, 4, 4]);
            flat(conv_transpose2d(shaped(&d[0], MAP), weight, Some(d[2].clone()), stride, padding))
        }
    };
    let enlarge = |filter| move |d: &[Dual<1>]| flat(upsample(shaped(&d[0], MAP), 3, filter));
    let square = |stride, padding, dilation, groups| ConvShape { stride, padding, dilation, groups };
    let pool = |kernel, stride, padding| PoolShape { kernel, stride, padding };
    let running = move |d: &[Dual<1>]| {
        let device_values = |v: [f64; 4]| -> Tensor<Tape, 1> {
            let like = d[1].value.clone();
            let data = burn::tensor::TensorData::from(v);
            Tensor::from_data(data, (&like.device(), like.dtype()))
        };
        let statistics = Statistics::Running {
            mean: device_values([0.1, -0.2, 0.3, 0.0]),
            variance: device_values([1.0, 0.5, 2.0, 0.8]),
        };
        flat(batch_norm(x(d), d[1].clone(), d[2].clone(), statistics, 1e-5))
    };
    let residual =
        move |d: &[Dual<1>]| flat(Activation::Tanh.apply(x(d)).plus(Activation::Sigmoid.apply(x(d))));
    let operations: Vec<Case> = vec![
        (
            "linear",
            vec![18, 30, 5],
            Box::new(|d| flat(linear(shaped(&d[0], [3, 6]), shaped(&d[1], [5, 6]), Some(d[2].clone())))),
        ),
        (
            "reparametrisation",
            vec![18, 3],
            Box::new(|d| flat(reparametrise(shaped(&d[0], [3, 6]), d[1].clone()).0)),
        ),
        ("divergence", vec![18, 3], Box::new(|d| reparametrise(shaped(&d[0], [3, 6]), d[1].clone()).1)),
        ("convolution", vec![COUNT, 144, 4], Box::new(conv(square(1, 1, 1, 1)))),
        ("strided convolution", vec![COUNT, 144, 4], Box::new(conv(square(2, 1, 1, 1)))),
        ("dilated convolution", vec![COUNT, 144, 4], Box::new(conv(square(1, 2, 2, 1)))),
        ("grouped convolution", vec![COUNT, 72, 4], Box::new(conv(square(1, 1, 1, 2)))),
        ("transposed convolution", vec![COUNT, 128, 2], Box::new(transposed(1, 0))),
        ("strided transposed convolution", vec![COUNT, 128, 2], Box::new(transposed(2, 1))),
        ("enlarging by repeating", vec![COUNT], Box::new(enlarge(Filter::Nearest))),
        ("enlarging by lines", vec![COUNT], Box::new(enlarge(Filter::Bilinear))),
        ("sigmoid", vec![40], Box::new(activate(Activation::Sigmoid))),
        ("tanh", vec![40], Box::new(activate(Activation::Tanh))),
        ("relu", vec![40], Box::new(activate(Activation::Relu))),
        (
            "relu6",
            vec![40],
            Box::new(|d| Activation::Relu6.apply(d[0].clone().map_linear(|x| x.mul_scalar(5.0)))),
        ),
        ("leaky relu", vec![40], Box::new(activate(Activation::LeakyRelu(0.1)))),
        ("gelu", vec![40], Box::new(activate(Activation::Gelu))),
        (
            "batch norm, batch statistics",
            vec![COUNT, 4, 4],
            Box::new(|d| {
                flat(batch_norm(shaped(&d[0], MAP), d[1].clone(), d[2].clone(), Statistics::Batch, 1e-5))
            }),
        ),
        ("batch norm, running statistics", vec![COUNT, 4, 4], Box::new(running)),
        ("max pool", vec![COUNT], Box::new(move |d| flat(max_pool(x(d), pool(2, 2, 0))))),
        ("overlapping max pool", vec![COUNT], Box::new(move |d| flat(max_pool(x(d), pool(3, 2, 1))))),
        ("average pool", vec![COUNT], Box::new(move |d| flat(avg_pool(x(d), pool(3, 1, 0))))),
        ("global average pool", vec![COUNT], Box::new(move |d| flat(global_avg_pool(x(d))))),
        ("flatten", vec![COUNT], Box::new(move |d| flat(x(d).flatten()))),
        ("depthwise convolution", vec![COUNT, 36, 4], Box::new(conv(square(2, 1, 1, 4)))),
        ("border", vec![COUNT], Box::new(move |d| flat(pad(x(d), [0, 1], [2, 0], -3.0)))),
        ("channels of zeros", vec![COUNT], Box::new(move |d| flat(zero_channels(x(d), 1, 2)))),
        (
            "joining",
            vec![COUNT, 48],
            Box::new(move |d| {
                flat(concat(x(d), shaped(&d[1], [2, 4, 6, 1]).map_linear(|t| t.expand([2, 4, 6, 6])), 1))
            }),
        ),
        (
            "group norm",
            vec![COUNT, 4, 4],
            Box::new(move |d| flat(group_norm(x(d), d[1].clone(), d[2].clone(), 2, 1e-5))),
        ),
        (
            "layer norm",
            vec![30, 5, 5],
            Box::new(|d| flat(layer_norm(shaped(&d[0], [2, 3, 5]), d[1].clone(), d[2].clone(), 1e-6))),
        ),
        ("softmax", vec![30], Box::new(|d| flat(softmax(shaped(&d[0], [2, 3, 5]))))),
        (
            "matrix product",
            vec![24, 40],
            Box::new(|d| flat(shaped(&d[0], [2, 3, 4]).matmul(shaped(&d[1], [2, 4, 5])))),
        ),
        ("attention", vec![72], Box::new(|d| flat(attention(shaped(&d[0], [2, 3, 12]), 2)))),
        ("sum", vec![COUNT], Box::new(residual)),
    ];
    for backend in ["flex", "ndarray"] {
        let compute = Compute::select(backend, Precision::F64).unwrap();
        for (name, sizes, operation) in &operations {
            Check { name, compute: &compute, operation }.run(sizes);
        }
        // Targets do not move with theta.
        let kinds =
            [Loss::Ce, Loss::CeSum, Loss::LabelSmoothing(0.1), Loss::Bce, Loss::Mse, Loss::MseSoftmax];
        for kind in kinds {
            let operation = |d: &[Dual<1>]| loss(kind, shaped(&d[0], [3, 5]), targets(&compute));
            Check { name: &kind.name(), compute: &compute, operation: &operation }.run(&[15]);
        }
    }
}

/// Soft targets whose rows do not sum to one.
fn targets(compute: &Compute) -> Tensor<Tape, 2> {
    let values: Vec<f64> = (0..15).map(|i| 0.1 + 0.05 * f64::from(i % 7)).collect();
    Tensor::from_inner(compute.tensor(&values, [3, 5]))
}

#[test]
fn without_tangents_nothing_is_carried() {
    let compute = Compute::select("flex", Precision::F32).unwrap();
    let constant = |count: usize, shape: [usize; 4]| {
        let values = normal(&mut Seed(5).stream("constant", &[count as u64]), count);
        Dual::constant(Tensor::from_inner(compute.tensor(&values, shape)))
    };
    let x = constant(48, [1, 3, 4, 4]);
    let y = conv2d(x, constant(54, [2, 3, 3, 3]), None, ConvShape::new(1, 1));
    let y = max_pool(Activation::Relu.apply(y), PoolShape { kernel: 2, stride: 2, padding: 0 });
    assert!(y.tangent.is_none() && y.flatten().tangent.is_none());
}

/// A single 1 is spread as the kernel that stands for it, at its place times the stride.
#[test]
fn a_transposed_convolution_spreads_the_kernel() {
    let compute = Compute::select("flex", Precision::F64).unwrap();
    let dual = |values: &[f64], shape: [usize; 4]| -> Dual<4> {
        Dual::constant(Tensor::from_inner(compute.tensor(values, shape)))
    };
    let kernel: Vec<f64> = (1..=9).map(f64::from).collect();
    let at = dual(&[0.0, 0.0, 1.0, 0.0], [1, 1, 2, 2]);
    let out = conv_transpose2d(at, dual(&kernel, [1, 1, 3, 3]), None, 2, 0).value;
    assert_eq!(out.dims(), [1, 1, 5, 5]);
    let out = backend::values(&out.inner());
    let spread: Vec<f64> = (2..5).flat_map(|row| out[5 * row..5 * row + 3].to_vec()).collect();
    assert_eq!(spread, kernel);
    assert_eq!(out.iter().sum::<f64>(), 45.0);
}
