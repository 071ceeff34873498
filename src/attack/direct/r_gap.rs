//! R-GAP (Zhu and Blaschko 2021): from the logit down to the input. The gradient to a layer's output and that output itself are
//! known from above; its gradient and its output are equations for its input, which is the output of the layer below.

use faer::Mat;

use super::super::{AttackError, Task};
use super::conv::Conv;
use super::logit::{Head, Root, Told};
use super::{Desk, Found, Of, certificate, least_squares, rows};
use crate::backend;
use crate::config::{Direct, Precision};
use crate::dual::Activation;
use crate::equation::Equation;
use crate::fl::AttackerView;
use crate::model::layer::SampleShape;
use crate::model::{Layer, Net};

/// Values of a layer's input that can be solved for at once: a dense matrix and its singular values.
const MOST: usize = 6144;

/// A ReLU's output below this share of the largest was zero, and rounding made it something. Ours.
const OFF: f64 = 1e-5;

pub(super) fn check(of: &Of<'_>) -> Result<(), String> {
    goes_down(of.net)
}

/// Whether the equations of all layers can be solved, from the last down to the first.
///
/// # Errors
/// One sentence that says where not.
pub(in crate::attack) fn goes_down(net: &Net) -> Result<(), String> {
    let not = |what: String| {
        Err(format!(
            "r-gap goes down layer by layer, and cannot go through {what}; choose a network of convolutions, fully connected \
             layers and activations that can be inverted (lenet, mlp, with options = {{ activation = \"leaky-relu\" }}), or \
             attack with inverting-gradients"
        ))
    };
    let layers = net.layers();
    if !matches!(layers.last(), Some(Layer::Linear { .. })) {
        return not("what ends this model".to_owned());
    }
    let mut shape = SampleShape::Map(net.input());
    for layer in layers {
        match layer {
            Layer::Linear { .. } | Layer::Flatten | Layer::Unflatten(_) => {}
            Layer::Activation(activation) if slope(*activation, 0.5).is_some() => {}
            Layer::Conv { shape: geometry, .. } if geometry.groups == 1 => {
                if let SampleShape::Map([channels, height, width]) = shape
                    && channels * height * width > MOST
                {
                    return Err(format!(
                        "r-gap solves for all {} values in front of {} at once, and does so up to {MOST}; take smaller pictures \
                         (victim.size) or a narrower model",
                        channels * height * width,
                        layer.name(),
                    ));
                }
            }
            other => return not(other.name()),
        }
        shape = layer.output_shape(shape)?;
    }
    Ok(())
}

/// What the number of equations says ahead of any solution: a convolution has one for each of its weights and one for each of its
/// outputs that can be inverted, and needs as many as its input has values.
pub fn by_count(net: &Net) -> String {
    if let Err(why) = goes_down(net) {
        return why;
    }
    let Ok(shapes) = shapes(net) else { return String::new() };
    let size = |at: usize| match shapes[at] {
        SampleShape::Map([channels, height, width]) => channels * height * width,
        SampleShape::Tokens([tokens, features]) => tokens * features,
        SampleShape::Features(count) => count,
    };
    let short = net.layers().iter().enumerate().filter_map(|(at, layer)| {
        let Layer::Conv { name, .. } = layer else { return None };
        let weights =
            net.parameter_specs().iter().find(|spec| spec.name == format!("{name}.weight"))?.count();
        let (equations, unknowns) = (weights + size(at + 1), size(at));
        (equations < unknowns).then(|| format!("{name} (at most {equations} for {unknowns} values)"))
    });
    let short: Vec<String> = short.collect();
    match short.as_slice() {
        [] => "by their number the equations of every layer can suffice; what their rank is shows as it goes down".to_owned(),
        short => format!(
            "by their number the equations are too few in front of {}: it is not exact from there on, and copa searches what \
             they leave open",
            short.join(", ")
        ),
    }
}

/// What an activation's output says of its input, where that can be told, and the slope there.
fn slope(activation: Activation, a: f64) -> Option<(Option<f64>, f64)> {
    // Rounding may put an output where none can be.
    let open = |a: f64, low: f64| a.clamp(low + 1e-12, 1.0 - 1e-12);
    match activation {
        Activation::Sigmoid => {
            let a = open(a, 0.0);
            Some((Some((a / (1.0 - a)).ln()), a * (1.0 - a)))
        }
        Activation::Tanh => {
            let a = open(a, -1.0);
            Some((Some(a.atanh()), 1.0 - a * a))
        }
        Activation::LeakyRelu(leak) => Some(if a > 0.0 { (Some(a), 1.0) } else { (Some(a / leak), leak) }),
        Activation::Relu => Some(if a > 0.0 { (Some(a), 1.0) } else { (None, 0.0) }),
        Activation::Relu6 | Activation::Gelu => None,
    }
}

/// What is known in front of a layer: its values, where they can be told, and the gradient to them.
struct Known {
    values: Vec<Option<f64>>,
    gradient: Vec<f64>,
    /// Directions that the equations of the layer tell, as orthonormal columns; nothing if they tell all.
    told: Option<Mat<f64>>,
}

/// Parameters of a layer and their gradients.
struct OfLayer {
    weight: Vec<f64>,
    to_weight: Vec<f64>,
    bias: Option<Vec<f64>>,
    to_bias: Option<Vec<f64>>,
}

impl OfLayer {
    fn of(view: &AttackerView, observed: &crate::model::Parameters, name: &str) -> OfLayer {
        let (specs, parameters) = (view.model.net.parameter_specs(), &view.model.parameters);
        let at = |suffix: &str| {
            let name = format!("{name}.{suffix}");
            specs.iter().position(|spec| spec.name == name)
        };
        let values = |at: usize| {
            (backend::values(&parameters.tensors()[at]), backend::values(&observed.tensors()[at]))
        };
        let (weight, to_weight) = at("weight").map(values).unwrap_or_default();
        let (bias, to_bias) = at("bias").map(values).unzip();
        OfLayer { weight, to_weight, bias, to_bias }
    }
}

/// What the equations of all layers say of the input.
#[derive(Debug)]
pub(in crate::attack) struct Answer {
    /// The shortest input that solves those of the first layer.
    pub x: Vec<f64>,
    /// Directions of the input that these tell, as orthonormal columns; nothing if they tell all.
    pub told: Option<Mat<f64>>,
    label: usize,
    /// Norm of the difference between its gradient and the one that was sent, as a share of the latter's.
    off: f64,
    /// The equation of the logit that it begins with, of a last layer without a bias.
    pub equation: Option<Equation>,
}

pub(super) fn solve(task: &Task<'_>, _settings: &Direct, desk: &mut Desk<'_>) -> Result<Found, AttackError> {
    desk.say(by_count(&task.view.model.net));
    let granted = task.view.knowledge.labels.as_ref().and_then(|labels| labels.first());
    let Answer { x, label, off, equation, .. } =
        answer(task.view, granted.copied(), &mut |words| desk.say(words))?;
    Ok(Found { samples: vec![x], labels: vec![label], unexplained: (off * off).min(1.0), equation })
}

/// The best answer of all roots of the last layer, of this label if it is known.
pub(in crate::attack) fn answer(
    view: &AttackerView,
    label: Option<usize>,
    say: &mut dyn FnMut(String),
) -> Result<Answer, AttackError> {
    let unsolved = |why: String| AttackError::Unsolved { why };
    let net = &view.model.net;
    let observed = view.observed();
    let Some((Layer::Linear { name, .. }, below)) = net.layers().split_last() else {
        return Err(unsolved("no fully connected layer ends the model".to_owned()));
    };
    let last = OfLayer::of(view, &observed, name);
    let head = Head {
        classes: net.classes(),
        weight: &last.weight,
        to_weight: &last.to_weight,
        to_bias: last.to_bias.as_deref(),
    };
    let Told { mut roots, said, equation } = head.roots(net.loss()).map_err(unsolved)?;
    say(format!("layer {name}: {said}"));
    roots.retain(|root| label.is_none_or(|label| root.label == label));
    let inside = rows::inside(view);
    let mut best: Option<((bool, f64, f64), Answer)> = None;
    let several = roots.len();
    // More are near misses of an update that was changed.
    for (at, root) in roots.into_iter().take(4).enumerate() {
        if several > 1 {
            say(format!("root {} of {several}, at {:.4}, label {}", at + 1, root.at, root.label));
        }
        let (label, taken) = (root.label, root.at);
        let (x, told) = match down(view, &observed, below, (&last.weight, root), say) {
            Ok(found) => found,
            Err(why) => {
                say(format!("this root leads nowhere: {why}"));
                continue;
            }
        };
        let difference = certificate::difference(view, &x, &[label]);
        let off = if difference.is_finite() { difference } else { f64::MAX };
        let possible = inside(&x);
        say(format!("{}; {:.0} % of its values are possible", certificate::in_words(off), 100.0 * possible));
        let rank = (certificate::holds(off), possible, -off);
        if best.as_ref().is_none_or(|((holds, inside, other), _)| {
            rank.0.cmp(holds).then(rank.1.total_cmp(inside)).then(rank.2.total_cmp(other)).is_gt()
        }) {
            let equation = equation.clone().map(|equation| Equation { taken: Some(taken), ..equation });
            best = Some((rank, Answer { x, told, label, off, equation }));
        }
    }
    let none = || unsolved("no logit leads from the last layer's gradient down to an input".to_owned());
    best.map(|(_, answer)| answer).ok_or_else(none)
}

/// The input, from a root of the last layer (of this weight) down through the layers below.
fn down(
    view: &AttackerView,
    observed: &crate::model::Parameters,
    below: &[Layer],
    (weight, root): (&[f64], Root),
    say: &mut dyn FnMut(String),
) -> Result<(Vec<f64>, Option<Mat<f64>>), String> {
    let shapes = shapes(&view.model.net)?;
    let mut known = Known {
        gradient: transposed(weight, &root.to_scores, root.features.len()),
        values: root.features.into_iter().map(Some).collect(),
        told: None,
    };
    let mut open = Vec::new();
    for (at, layer) in below.iter().enumerate().rev() {
        match layer {
            Layer::Activation(activation) => {
                let largest = known.values.iter().flatten().fold(0.0f64, |most, a| most.max(a.abs()));
                let pairs = known.values.iter().zip(&known.gradient).map(|(a, k)| {
                    let a = a.unwrap_or_default();
                    let a = if *activation == Activation::Relu && a < OFF * largest { 0.0 } else { a };
                    let (z, slope) = slope(*activation, a).unwrap_or_default();
                    (z, k * slope)
                });
                let (values, gradient) = pairs.unzip();
                known = Known { values, gradient, told: known.told };
            }
            Layer::Linear { name, input, .. } => {
                let layer = OfLayer::of(view, observed, name);
                let (k, input) = (&known.gradient, *input);
                let square: f64 = k.iter().map(|k| k * k).sum();
                if square == 0.0 {
                    return Err(format!("no gradient reaches the output of {name}"));
                }
                let a = transposed(&layer.to_weight, k, input).into_iter().map(|sum| Some(sum / square));
                say(format!("layer {name}: its gradient over that of its output gives its {input} inputs"));
                known =
                    Known { values: a.collect(), gradient: transposed(&layer.weight, k, input), told: None };
            }
            Layer::Conv { name, kernel, shape, .. } => {
                let (SampleShape::Map(from), SampleShape::Map(to)) = (shapes[at], shapes[at + 1]) else {
                    return Err(format!("{name} is not a convolution of a map"));
                };
                let conv = Conv { kernel: *kernel, shape: *shape, from, to };
                known = through(view, &conv, &OfLayer::of(view, observed, name), &known, name, say)?;
                open.extend(known.told.as_ref().map(|told| (name, told.nrows() - told.ncols())));
            }
            _ => {}
        }
    }
    if !open.is_empty() {
        let layers: Vec<String> =
            open.iter().rev().map(|(name, open)| format!("{open} in front of {name}")).collect();
        say(format!(
            "rank deficit of the architecture: {} directions that the equations of its layers leave open ({}); R-GAP is exact at none",
            open.iter().map(|(_, open)| open).sum::<usize>(),
            layers.join(", ")
        ));
    }
    Ok((known.values.into_iter().map(Option::unwrap_or_default).collect(), known.told))
}

/// The input of a convolution: gradient and output are one system of equations.
fn through(
    view: &AttackerView,
    conv: &Conv,
    layer: &OfLayer,
    known: &Known,
    name: &str,
    say: &mut dyn FnMut(String),
) -> Result<Known, String> {
    let [_, rows, columns] = conv.to;
    let (of_gradient, of_output) = (conv.gradient(&known.gradient), conv.forward(&layer.weight));
    let told: Vec<(usize, f64)> =
        known.values.iter().enumerate().filter_map(|(at, z)| Some((at, (*z)?))).collect();
    // Both kinds in the same units: a row of each is about as long.
    let unit = |rows: &Mat<f64>| 1.0 / (rows.norm_l2() / (rows.nrows() as f64).sqrt()).max(f64::MIN_POSITIVE);
    let (first, second) = (unit(&of_gradient), unit(&of_output));
    let equations = of_gradient.nrows();
    let unknowns = of_gradient.ncols();
    let system = Mat::from_fn(equations + told.len(), unknowns, |i, j| match i.checked_sub(equations) {
        None => first * of_gradient[(i, j)],
        Some(i) => second * of_output[(told[i].0, j)],
    });
    let offset = |at: usize| layer.bias.as_ref().map_or(0.0, |bias| bias[at / (rows * columns)]);
    let right = Mat::from_fn(equations + told.len(), 1, |i, _| match i.checked_sub(equations) {
        None => first * layer.to_weight[i],
        Some(i) => second * (told[i].1 - offset(told[i].0)),
    });
    let tolerance = match view.compute.precision() {
        Precision::F32 => 1e-7,
        Precision::F64 => 1e-12,
    };
    let solved = least_squares::solve(system.as_ref(), right.as_ref(), tolerance)
        .map_err(|why| format!("layer {name}: {why}"))?;
    let open = unknowns - solved.rank;
    say(format!(
        "layer {name}: {equations} equations of its gradient, {} of its output for {unknowns} inputs: rank {}, condition {:.0e}, \
         residual {:.0e}{}",
        told.len(),
        solved.rank,
        solved.condition,
        solved.residual,
        if open > 0 {
            format!("; {open} directions are told by nothing, and are left at zero")
        } else {
            String::new()
        }
    ));
    let values = (0..unknowns).map(|i| Some(solved.x[(i, 0)])).collect();
    Ok(Known { values, gradient: conv.to_input(&layer.weight, &known.gradient), told: solved.told })
}

/// Shapes of one sample in front of every layer, and behind the last.
fn shapes(net: &Net) -> Result<Vec<SampleShape>, String> {
    let mut shapes = vec![SampleShape::Map(net.input())];
    for layer in net.layers() {
        let shape = shapes[shapes.len() - 1];
        shapes.push(layer.output_shape(shape)?);
    }
    Ok(shapes)
}

/// `M^T k` of a matrix with rows of this width.
fn transposed(matrix: &[f64], k: &[f64], width: usize) -> Vec<f64> {
    let mut sum = vec![0.0; width];
    for (row, k) in matrix.chunks(width).zip(k) {
        sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += k * value);
    }
    sum
}
