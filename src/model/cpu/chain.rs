//! The four rules of every layer, and of chains of layers.

use std::sync::Arc;

use crate::dual::Activation;
use crate::model::layer::{BATCH_NORM_EPS, Layer, SampleShape};
use crate::model::{Moments, Shown};

use super::buffer::Buffer;
use super::geometry::Geometry;
use super::map::Map;
use super::norm::Scale;
use super::real::Real;
use super::{activation, conv, group, moments, pool};

/// What a layer keeps of pass 1.
#[derive(Debug, Clone)]
pub struct Kept<T: Real> {
    rule: Rule<T>,
    /// The input a. Where entries are only moved: a map of no entries that carries its shape.
    a: Arc<Map<T>>,
    /// The gradient p to the output, once the reverse pass was here; empty where it is not needed.
    p: Option<Arc<Map<T>>>,
}

#[derive(Debug, Clone)]
enum Rule<T: Real> {
    /// Position of the weight, the bias behind it or not.
    Conv {
        weight: usize,
        bias: bool,
        geometry: Geometry,
    },
    /// Position of gamma; beta is behind it. Which BatchNorm layer it is, from the input on, if it is one.
    Norm {
        gamma: usize,
        layer: Option<usize>,
        scale: Scale<T>,
    },
    /// Normalisation with no parameters of its own.
    Standardise(Scale<T>),
    /// Channels to groups of each sample, and back to so many channels.
    Group(usize),
    Ungroup {
        channels: usize,
        to: [usize; 3],
    },
    Activation(Activation),
    MaxPool {
        winners: Vec<u32>,
        to: [usize; 2],
    },
    AvgPool {
        shape: crate::dual::PoolShape,
        to: [usize; 2],
    },
    GlobalAvgPool,
    Flatten,
    Unflatten([usize; 2]),
    Pad {
        rows: [usize; 2],
        columns: [usize; 2],
    },
    ZeroChannels {
        before: usize,
        after: usize,
    },
    Residual {
        body: Vec<Kept<T>>,
        shortcut: Vec<Kept<T>>,
    },
    Concat {
        branch: Vec<Kept<T>>,
    },
}

/// What the reverse half of pass 2 needs of its forward half: the derivatives of inputs, layer by layer.
#[derive(Debug)]
pub struct Moved<T: Real> {
    da: Option<Arc<Map<T>>>,
    first: Vec<Moved<T>>,
    second: Vec<Moved<T>>,
}

/// Reads parameters and statistics in the order of the layers.
pub struct Source<'a, T> {
    /// theta.
    pub theta: &'a [&'a [T]],
    /// Running statistics; `None` in train mode.
    pub running: Option<&'a [&'a [T]]>,
    /// Where the next layer's begin.
    pub at: (usize, usize),
    /// Mean and biased variance per BatchNorm layer in train mode, with the count behind them.
    pub observed: Vec<(Vec<T>, Vec<T>, usize)>,
}

/// Whether every layer has rules here.
pub fn supports(layers: &[Layer]) -> bool {
    layers.iter().all(|layer| match layer {
        Layer::LayerNorm { .. }
        | Layer::Patches { .. }
        | Layer::Attention { .. }
        | Layer::ClassToken
        | Layer::Reparametrise { .. } => false,
        Layer::Residual { body, shortcut, .. } => supports(body) && supports(shortcut),
        Layer::Concat { branch } => supports(branch),
        _ => true,
    })
}

/// Forward through a chain.
pub fn forward<T: Real>(
    layers: &[Layer],
    source: &mut Source<T>,
    a: Arc<Map<T>>,
) -> (Arc<Map<T>>, Vec<Kept<T>>) {
    let mut kept = Vec::with_capacity(layers.len());
    let mut a = a;
    for layer in layers {
        let z = step(layer, source, a, &mut kept);
        a = z;
    }
    (a, kept)
}

fn step<T: Real>(
    layer: &Layer,
    source: &mut Source<T>,
    a: Arc<Map<T>>,
    kept: &mut Vec<Kept<T>>,
) -> Arc<Map<T>> {
    let shape = SampleShape::Map([a.channels, a.height, a.width]);
    let to = match layer.output_shape(shape) {
        Ok(SampleShape::Map([_, height, width])) => [height, width],
        _ => [1, 1],
    };
    let mut keep = |rule, a| kept.push(Kept { rule, a, p: None });
    match layer {
        Layer::Conv { input, output, kernel, shape, bias, .. } => {
            let to = [a.batch, to[0], to[1]];
            let geometry = Geometry {
                kernel: *kernel,
                shape: *shape,
                input: *input,
                output: *output,
                from: a.places(),
                to,
            };
            convolve(geometry, *bias, source, a, keep)
        }
        Layer::Linear { input, output, bias, .. } => {
            let (shape, places) = (crate::dual::ConvShape::new(1, 0), a.places());
            let geometry =
                Geometry { kernel: 1, shape, input: *input, output: *output, from: places, to: places };
            convolve(geometry, *bias, source, a, keep)
        }
        Layer::BatchNorm { eps, .. } => {
            let (gamma, statistics) = source.at;
            source.at = (gamma + 2, statistics + 2);
            let scale = match source.running {
                Some(running) => Scale::running(running[statistics], running[statistics + 1], *eps),
                None => {
                    let (scale, variance) = Scale::batch(&a, *eps);
                    source.observed.push((scale.mean.clone(), variance, a.columns()));
                    scale
                }
            };
            let z = Arc::new(scale.forward(&a, source.theta[gamma], source.theta[gamma + 1]));
            keep(Rule::Norm { gamma, layer: Some(statistics / 2), scale }, a);
            z
        }
        Layer::GroupNorm { channels, groups, .. } => {
            let gamma = source.at.0;
            source.at.0 += 2;
            let (one, zero) = (vec![T::one(); a.batch * groups], vec![T::zero(); a.batch * groups]);
            let grouped = Arc::new(group::gather(&a, *groups));
            let (scale, _) = Scale::batch(&grouped, BATCH_NORM_EPS);
            let standard = scale.forward(&grouped, &one, &zero);
            let z = Arc::new(group::scatter(&standard, *channels, a.places()));
            let plain = Scale::plain(*channels);
            let scaled = plain.forward(&z, source.theta[gamma], source.theta[gamma + 1]);
            keep(Rule::Group(*groups), outline(&a));
            keep(Rule::Standardise(scale), grouped);
            keep(Rule::Ungroup { channels: *channels, to: a.places() }, outline(&standard));
            keep(Rule::Norm { gamma, layer: None, scale: plain }, z);
            Arc::new(scaled)
        }
        Layer::Activation(activation) => activate(*activation, a, keep),
        Layer::MaxPool(shape) => {
            let (z, winners) = pool::max(&a, *shape, to);
            keep(Rule::MaxPool { winners, to }, outline(&a));
            Arc::new(z)
        }
        Layer::AvgPool(shape) => {
            keep(Rule::AvgPool { shape: *shape, to }, outline(&a));
            Arc::new(pool::mean(&a, *shape, to))
        }
        Layer::GlobalAvgPool => {
            keep(Rule::GlobalAvgPool, outline(&a));
            Arc::new(pool::global_mean(&a))
        }
        Layer::Flatten => {
            keep(Rule::Flatten, outline(&a));
            Arc::new(pool::flatten(&a))
        }
        Layer::Unflatten([_, height, width]) => {
            keep(Rule::Unflatten([*height, *width]), outline(&a));
            Arc::new(pool::unflatten(&a, [a.batch, *height, *width]))
        }
        Layer::Pad { rows, columns, value } => {
            keep(Rule::Pad { rows: *rows, columns: *columns }, outline(&a));
            Arc::new(pool::pad(&a, *rows, *columns, T::of(*value)))
        }
        Layer::ZeroChannels { before, after } => {
            keep(Rule::ZeroChannels { before: *before, after: *after }, outline(&a));
            Arc::new(widen(&a, *before, *after))
        }
        Layer::Residual { body, shortcut, activation } => {
            let (z, body) = forward(body, source, a.clone());
            let (skip, shortcut) = forward(shortcut, source, a.clone());
            let mut z = Arc::unwrap_or_clone(z);
            z.add(&skip);
            keep(Rule::Residual { body, shortcut }, outline(&a));
            match activation {
                Some(activation) => activate(*activation, Arc::new(z), keep),
                None => Arc::new(z),
            }
        }
        Layer::Concat { branch } => {
            let (z, branch) = forward(branch, source, a.clone());
            keep(Rule::Concat { branch }, outline(&a));
            Arc::new(join(&a, &z))
        }
        layer => unreachable!("{layer:?} has no rules here: see supports"),
    }
}

fn convolve<T: Real>(
    geometry: Geometry,
    bias: bool,
    source: &mut Source<T>,
    a: Arc<Map<T>>,
    mut keep: impl FnMut(Rule<T>, Arc<Map<T>>),
) -> Arc<Map<T>> {
    let weight = source.at.0;
    source.at.0 += if bias { 2 } else { 1 };
    let offset = bias.then(|| source.theta[weight + 1]);
    let z = conv::forward(&geometry, &[(source.theta[weight], &a)], offset);
    keep(Rule::Conv { weight, bias, geometry }, a);
    Arc::new(z)
}

fn activate<T: Real>(
    activation: Activation,
    z: Arc<Map<T>>,
    mut keep: impl FnMut(Rule<T>, Arc<Map<T>>),
) -> Arc<Map<T>> {
    let a = Arc::new(activation::value(activation, &z));
    let read = if activation::reads_output(activation) { a.clone() } else { z };
    keep(Rule::Activation(activation), read);
    a
}

/// Reverse through a chain: the gradient to its input, and gradients to parameters into `g`.
pub fn reverse<T: Real>(
    kept: &mut [Kept<T>],
    theta: &[&[T]],
    mut p: Arc<Map<T>>,
    first: bool,
    g: &mut [Buffer<T>],
) -> Arc<Map<T>> {
    for (index, layer) in kept.iter_mut().enumerate().rev() {
        // Nothing asks for the gradient to the input itself.
        let wanted = !(first && index == 0);
        p = layer.reverse(theta, p, wanted, g);
    }
    p
}

impl<T: Real> Kept<T> {
    fn reverse(&mut self, theta: &[&[T]], p: Arc<Map<T>>, wanted: bool, g: &mut [Buffer<T>]) -> Arc<Map<T>> {
        let (a, from) = (&self.a, self.a.places());
        let back = match &mut self.rule {
            Rule::Conv { weight, bias, geometry } => {
                if *bias {
                    g[*weight + 1] = p.per_channel(|channel| super::map::total(p.row(channel))).into();
                }
                self.p = Some(p.clone());
                if !wanted {
                    g[*weight] = conv::to_weight(geometry, &[(&p, a)]);
                    return p;
                }
                let back;
                (g[*weight], back) = conv::reverse(geometry, theta[*weight], &p, a);
                back
            }
            Rule::Norm { gamma, scale, .. } => {
                let (to_gamma, to_beta) = scale.to_parameters(a, &p);
                (g[*gamma], g[*gamma + 1]) = (to_gamma.into(), to_beta.into());
                let back = scale.to_input(a, theta[*gamma], &p);
                self.p = Some(p);
                back
            }
            Rule::Standardise(scale) => {
                let back = scale.to_input(a, &vec![T::one(); a.channels], &p);
                self.p = Some(p);
                back
            }
            Rule::Activation(activation) => {
                let back = activation::times_slope(*activation, a, &p);
                if !activation::is_piecewise_linear(*activation) {
                    self.p = Some(p);
                }
                back
            }
            Rule::Residual { body, shortcut } => {
                let skip = reverse(shortcut, theta, p.clone(), false, g);
                let mut back = Arc::unwrap_or_clone(reverse(body, theta, p, false, g));
                back.add(&skip);
                back
            }
            Rule::Concat { branch } => {
                let (mut back, of_branch) = part(&p, a.channels);
                back.add(&*reverse(branch, theta, Arc::new(of_branch), false, g));
                back
            }
            rule => rule.transpose(&p, a.channels, from),
        };
        Arc::new(back)
    }
}

impl<T: Real> Rule<T> {
    /// Layers that only move entries, forward.
    fn apply(&self, a: &Map<T>) -> Map<T> {
        match self {
            Rule::MaxPool { winners, to } => pool::gather(a, winners, *to),
            Rule::AvgPool { shape, to } => pool::mean(a, *shape, *to),
            Rule::GlobalAvgPool => pool::global_mean(a),
            Rule::Flatten => pool::flatten(a),
            Rule::Unflatten([height, width]) => pool::unflatten(a, [a.batch, *height, *width]),
            Rule::Pad { rows, columns } => pool::pad(a, *rows, *columns, T::zero()),
            Rule::ZeroChannels { before, after } => widen(a, *before, *after),
            Rule::Group(groups) => group::gather(a, *groups),
            Rule::Ungroup { channels, to } => group::scatter(a, *channels, *to),
            _ => unreachable!("has a rule of its own"),
        }
    }

    /// Layers that only move entries, backward.
    fn transpose(&self, p: &Map<T>, channels: usize, from: [usize; 3]) -> Map<T> {
        match self {
            Rule::MaxPool { winners, .. } => pool::scatter(p, winners, from),
            Rule::AvgPool { shape, .. } => pool::mean_back(p, *shape, from),
            Rule::GlobalAvgPool => pool::global_mean_back(p, from),
            Rule::Flatten => pool::unflatten(p, from),
            Rule::Unflatten(_) => pool::flatten(p),
            Rule::Pad { rows, columns } => pool::unpad(p, *rows, *columns, from),
            Rule::ZeroChannels { before, .. } => part(&part(p, *before).1, channels).0,
            Rule::Group(_) => group::scatter(p, channels, from),
            Rule::Ungroup { to, .. } => group::gather(p, channels / to[0]),
            _ => unreachable!("has a rule of its own"),
        }
    }
}

/// Forward half of pass 2: the derivative of the output for that of the input (absent where it is zero).
/// With `hessian`, what the derivative of g needs is kept too.
pub fn tangent<T: Real>(
    kept: &[Kept<T>],
    (theta, v): (&[&[T]], &[&[T]]),
    mut da: Option<Arc<Map<T>>>,
    hessian: bool,
) -> (Option<Arc<Map<T>>>, Vec<Moved<T>>) {
    let mut moved = Vec::with_capacity(kept.len());
    for layer in kept {
        let (dz, of_layer) = layer.tangent((theta, v), da, hessian);
        moved.push(of_layer);
        da = dz;
    }
    (da, moved)
}

impl<T: Real> Kept<T> {
    fn tangent(
        &self,
        (theta, v): (&[&[T]], &[&[T]]),
        da: Option<Arc<Map<T>>>,
        hessian: bool,
    ) -> (Option<Arc<Map<T>>>, Moved<T>) {
        let mut moved = Moved { da: None, first: Vec::new(), second: Vec::new() };
        let a = &self.a;
        let dz = match &self.rule {
            Rule::Conv { weight, bias, geometry } => {
                let mut terms = vec![(v[*weight], &**a)];
                terms.extend(da.as_deref().map(|da| (theta[*weight], da)));
                let dz = conv::forward(geometry, &terms, bias.then(|| v[*weight + 1]));
                moved.da = da.filter(|_| hessian);
                Some(dz)
            }
            Rule::Norm { gamma, scale, .. } => {
                let dz = scale.tangent(a, da.as_deref(), theta[*gamma], (v[*gamma], v[*gamma + 1]));
                moved.da = da.filter(|_| hessian || scale.of_batch);
                Some(dz)
            }
            Rule::Standardise(scale) => {
                let (one, zero) = (vec![T::one(); a.channels], vec![T::zero(); a.channels]);
                let dz = da.as_deref().map(|da| scale.tangent(a, Some(da), &one, (&zero, &zero)));
                moved.da = da;
                dz
            }
            Rule::Activation(activation) => {
                let dz = da.as_ref().map(|da| activation::times_slope(*activation, a, da));
                moved.da = da.filter(|_| !activation::is_piecewise_linear(*activation));
                dz
            }
            Rule::Residual { body, shortcut } => {
                let (of_body, first) = tangent(body, (theta, v), da.clone(), hessian);
                let (skip, second) = tangent(shortcut, (theta, v), da, hessian);
                (moved.first, moved.second) = (first, second);
                match (of_body, skip) {
                    (Some(body), Some(skip)) => {
                        let mut sum = Arc::unwrap_or_clone(body);
                        sum.add(&skip);
                        Some(sum)
                    }
                    (one, other) => one.or(other).map(Arc::unwrap_or_clone),
                }
            }
            Rule::Concat { branch } => {
                let (of_branch, first) = tangent(branch, (theta, v), da.clone(), hessian);
                moved.first = first;
                of_branch.map(|of_branch| {
                    let da = da.unwrap_or_else(|| Arc::new(Map::zeros(a.channels, a.places())));
                    join(&da, &of_branch)
                })
            }
            rule => da.map(|da| rule.apply(&da)),
        };
        (dz.map(Arc::new), moved)
    }
}

/// Reverse half of pass 2: the derivative of the gradient to the input, and of g into `dg` if it is wanted. `pulled` are
/// cotangents of what the model shows besides.
pub fn reverse_moved<T: Real>(
    kept: &[Kept<T>],
    moved: &[Moved<T>],
    weights: (&[&[T]], &[&[T]]),
    dp: Arc<Map<T>>,
    pulled: &Shown,
    dg: &mut Option<Vec<Buffer<T>>>,
) -> Arc<Map<T>> {
    let (Some((last, before)), Some((of_last, of_before))) = (kept.split_last(), moved.split_last()) else {
        return dp;
    };
    let mut dp = last.reverse_moved(of_last, weights, dp, &pulled.moments, dg);
    if !pulled.features.is_empty() {
        let mut sum = Arc::unwrap_or_clone(dp);
        let values: Vec<T> = pulled.features.iter().map(|&value| T::of(value)).collect();
        let [batch, height, width] = sum.places();
        sum.add(&Map::from_rows(&values, [batch, sum.channels, height, width]));
        dp = Arc::new(sum);
    }
    back_through(before, of_before, weights, dp, &pulled.moments, dg)
}

fn back_through<T: Real>(
    kept: &[Kept<T>],
    moved: &[Moved<T>],
    weights: (&[&[T]], &[&[T]]),
    mut dp: Arc<Map<T>>,
    pulled: &[Moments],
    dg: &mut Option<Vec<Buffer<T>>>,
) -> Arc<Map<T>> {
    for (layer, moved) in kept.iter().zip(moved).rev() {
        dp = layer.reverse_moved(moved, weights, dp, pulled, dg);
    }
    dp
}

impl<T: Real> Kept<T> {
    /// The input of a layer with weights of its own.
    pub fn features(&self) -> Option<&Map<T>> {
        matches!(self.rule, Rule::Conv { .. }).then_some(&*self.a)
    }

    fn reverse_moved(
        &self,
        moved: &Moved<T>,
        (theta, v): (&[&[T]], &[&[T]]),
        dp: Arc<Map<T>>,
        pulled: &[Moments],
        dg: &mut Option<Vec<Buffer<T>>>,
    ) -> Arc<Map<T>> {
        let (a, da) = (&*self.a, moved.da.as_deref());
        let p = || self.p.as_deref().unwrap_or_else(|| unreachable!("the reverse pass was here"));
        let back = match &self.rule {
            Rule::Conv { weight, bias, geometry } => {
                if let Some(dg) = dg {
                    let mut terms = vec![(&*dp, a)];
                    terms.extend(da.map(|da| (p(), da)));
                    dg[*weight] = conv::to_weight(geometry, &terms);
                    if *bias {
                        dg[*weight + 1] = dp.per_channel(|channel| super::map::total(dp.row(channel))).into();
                    }
                }
                conv::to_input(geometry, &[(theta[*weight], &dp), (v[*weight], p())])
            }
            Rule::Norm { gamma, layer, scale } => {
                if let Some(dg) = dg {
                    let (to_gamma, to_beta) = scale.to_parameters_moved((a, da), (p(), &dp));
                    (dg[*gamma], dg[*gamma + 1]) = (to_gamma.into(), to_beta.into());
                }
                let mut back = scale.to_input_moved((a, da), (theta[*gamma], v[*gamma]), (p(), &dp));
                if let Some(pulled) = layer.and_then(|layer| pulled.get(layer)) {
                    moments::pull(a, pulled, &mut back);
                }
                back
            }
            Rule::Standardise(scale) => {
                let (one, zero) = (vec![T::one(); a.channels], vec![T::zero(); a.channels]);
                scale.to_input_moved((a, da), (&one, &zero), (p(), &dp))
            }
            Rule::Activation(activation) => match da {
                Some(da) => activation::times_slope_moved(*activation, a, da, p(), &dp),
                None => activation::times_slope(*activation, a, &dp),
            },
            Rule::Residual { body, shortcut } => {
                let skip = back_through(shortcut, &moved.second, (theta, v), dp.clone(), pulled, dg);
                let back = back_through(body, &moved.first, (theta, v), dp, pulled, dg);
                let mut back = Arc::unwrap_or_clone(back);
                back.add(&skip);
                back
            }
            Rule::Concat { branch } => {
                let (mut back, of_branch) = part(&dp, a.channels);
                back.add(&*back_through(branch, &moved.first, (theta, v), Arc::new(of_branch), pulled, dg));
                back
            }
            rule => rule.transpose(&dp, a.channels, a.places()),
        };
        Arc::new(back)
    }
}

/// Moments of BatchNorm's inputs, layer by layer.
pub fn moments<T: Real>(kept: &[Kept<T>], into: &mut Vec<Moments>) {
    for layer in kept {
        match &layer.rule {
            Rule::Norm { layer: Some(_), .. } => into.push(moments::of(&layer.a)),
            Rule::Residual { body, shortcut } => {
                moments(body, into);
                moments(shortcut, into);
            }
            Rule::Concat { branch } => moments(branch, into),
            _ => {}
        }
    }
}

/// The shape of a map without its entries.
fn outline<T: Real>(a: &Map<T>) -> Arc<Map<T>> {
    Arc::new(Map { data: Buffer::default(), ..*a })
}

fn widen<T: Real>(a: &Map<T>, before: usize, after: usize) -> Map<T> {
    let mut out = Map::zeros(before + a.channels + after, a.places());
    let start = before * a.columns();
    out.data[start..start + a.data.len()].copy_from_slice(&a.data);
    out
}

fn join<T: Real>(a: &Map<T>, b: &Map<T>) -> Map<T> {
    let mut out = Map::any(a.channels + b.channels, a.places());
    let (first, second) = out.data.split_at_mut(a.data.len());
    first.copy_from_slice(&a.data);
    second.copy_from_slice(&b.data);
    out
}

/// The first channels, and the rest.
fn part<T: Real>(p: &Map<T>, channels: usize) -> (Map<T>, Map<T>) {
    let (first, rest) = p.data.split_at(channels * p.columns());
    let map = |data: &[T], channels| {
        let mut map = Map::any(channels, p.places());
        map.data.copy_from_slice(data);
        map
    };
    (map(first, channels), map(rest, p.channels - channels))
}
