//! The forward pass of every layer, on duals.

use burn::tensor::Tensor;

use crate::dual::{
    ConvShape, Dual, Statistics, attention, avg_pool, batch_norm, concat, conv_transpose2d, conv2d,
    global_avg_pool, group_norm, layer_norm, linear, max_pool, pad, reparametrise, upsample, zero_channels,
};

use super::layer::{BATCH_NORM_EPS, Layer};
use super::net::Weights;

/// LayerNorm's epsilon in vision transformers.
const LAYER_NORM_EPS: f64 = 1e-6;

/// What flows between layers.
#[derive(Debug, Clone)]
pub enum Signal {
    /// `[batch, channels, height, width]`.
    Map(Dual<4>),
    /// `[batch, tokens, features]`.
    Tokens(Dual<3>),
    /// `[batch, features]`.
    Features(Dual<2>),
}

use Signal::{Features, Map, Tokens};

impl Layer {
    /// The layer on duals. Shapes were checked when the net was made.
    pub(super) fn forward(&self, signal: Signal, weights: &Weights) -> Signal {
        match (self, signal) {
            (Layer::Conv { name, shape, bias, .. }, Map(a)) => {
                let bias = bias.then(|| weights.get(name, "bias"));
                Map(conv2d(a, weights.get(name, "weight"), bias, *shape))
            }
            (Layer::ConvTranspose { name, stride, padding, bias, .. }, Map(a)) => {
                let bias = bias.then(|| weights.get(name, "bias"));
                Map(conv_transpose2d(a, weights.get(name, "weight"), bias, *stride, *padding))
            }
            (Layer::Upsample { factor, filter }, Map(a)) => Map(upsample(a, *factor, *filter)),
            (Layer::Linear { name, bias, .. }, Features(a)) => {
                let bias = bias.then(|| weights.get(name, "bias"));
                Features(linear(a, weights.get(name, "weight"), bias))
            }
            (Layer::Linear { name, output, bias, .. }, Tokens(a)) => {
                let [batch, tokens, features] = a.value.dims();
                let bias = bias.then(|| weights.get(name, "bias"));
                let rows = a.map_linear(|a| a.reshape([batch * tokens, features]));
                let rows = linear(rows, weights.get(name, "weight"), bias);
                Tokens(rows.map_linear(|a| a.reshape([batch, tokens, *output])))
            }
            (Layer::BatchNorm { name, eps, .. }, Map(a)) => {
                let (gamma, beta) = (weights.get(name, "weight"), weights.get(name, "bias"));
                if let Some(observed) = weights.observed {
                    observed.note(name, a.value.clone().inner());
                }
                if let Some(inputs) = weights.inputs {
                    inputs.note(a.value.clone());
                }
                Map(batch_norm(a, gamma, beta, weights.statistics(name), *eps))
            }
            (Layer::GroupNorm { name, groups, .. }, Map(a)) => {
                let (gamma, beta) = (weights.get(name, "weight"), weights.get(name, "bias"));
                Map(group_norm(a, gamma, beta, *groups, BATCH_NORM_EPS))
            }
            (Layer::LayerNorm { name, .. }, Tokens(a)) => {
                let (gamma, beta) = (weights.get(name, "weight"), weights.get(name, "bias"));
                Tokens(layer_norm(a, gamma, beta, LAYER_NORM_EPS))
            }
            (Layer::Activation(activation), Map(a)) => Map(activation.apply(a)),
            (Layer::Activation(activation), Tokens(a)) => Tokens(activation.apply(a)),
            (Layer::Activation(activation), Features(a)) => Features(activation.apply(a)),
            (Layer::MaxPool(pool), Map(a)) => Map(max_pool(a, *pool)),
            (Layer::AvgPool(pool), Map(a)) => Map(avg_pool(a, *pool)),
            (Layer::GlobalAvgPool, Map(a)) => Features(global_avg_pool(a)),
            (Layer::Flatten, Map(a)) => Features(a.flatten()),
            (Layer::Unflatten([channels, height, width]), Features(a)) => {
                let [batch, _] = a.value.dims();
                Map(a.map_linear(|a| a.reshape([batch, *channels, *height, *width])))
            }
            (Layer::Pad { rows, columns, value }, Map(a)) => Map(pad(a, *rows, *columns, *value)),
            (Layer::ZeroChannels { before, after }, Map(a)) => Map(zero_channels(a, *before, *after)),
            (Layer::Residual { body, shortcut, activation }, a) => {
                let (body, skip) = (through(body, a.clone(), weights), through(shortcut, a, weights));
                let sum = match (body, skip) {
                    (Map(body), Map(skip)) => Map(body.plus(skip)),
                    (Tokens(body), Tokens(skip)) => Tokens(body.plus(skip)),
                    _ => {
                        unreachable!("both ways of a residual block have one shape: checked by output_shape")
                    }
                };
                match activation {
                    Some(activation) => Layer::Activation(*activation).forward(sum, weights),
                    None => sum,
                }
            }
            (Layer::Concat { branch }, Map(a)) => match through(branch, Map(a.clone()), weights) {
                Map(more) => Map(concat(a, more, 1)),
                _ => unreachable!("a dense block of maps gives maps: checked by output_shape"),
            },
            (Layer::Patches { side, tokens, width, .. }, Map(a)) => {
                Tokens(patches(a, *side, *tokens, *width, weights))
            }
            (Layer::Attention { heads }, Tokens(qkv)) => Tokens(attention(qkv, *heads)),
            (Layer::ClassToken, Tokens(a)) => {
                let [batch, _, width] = a.value.dims();
                Features(a.map_linear(|a| a.narrow(1, 0, 1).reshape([batch, width])))
            }
            (Layer::Reparametrise { name, beta, .. }, Features(a)) => {
                let (z, bits) = reparametrise(a, weights.get(name, "noise"));
                if let Some(penalties) = weights.penalties {
                    penalties.note(bits.map_linear(|bits| bits.mul_scalar(*beta)));
                }
                Features(z)
            }
            (layer, _) => unreachable!("{layer:?} got a signal that output_shape refuses"),
        }
    }
}

fn through(layers: &[Layer], signal: Signal, weights: &Weights) -> Signal {
    layers.iter().fold(signal, |signal, layer| layer.forward(signal, weights))
}

fn patches(a: Dual<4>, side: usize, tokens: usize, width: usize, weights: &Weights) -> Dual<3> {
    let [batch, ..] = a.value.dims();
    let (kernel, bias) = (weights.get("patch_embed.proj", "weight"), weights.get("patch_embed.proj", "bias"));
    let maps = conv2d(a, kernel, Some(bias), ConvShape::new(side, 0));
    let patches = maps.map_linear(|a| a.reshape([batch, width, tokens - 1]).swap_dims(1, 2));
    let class = weights.tensor("cls_token").expand([batch, 1, width]);
    concat(class, patches, 1).plus(weights.tensor("pos_embed").expand([batch, tokens, width]))
}

impl Statistics {
    /// Eval-mode statistics from flat buffers.
    pub(super) fn running(mean: crate::backend::Vector, variance: crate::backend::Vector) -> Self {
        Statistics::Running { mean: Tensor::from_inner(mean), variance: Tensor::from_inner(variance) }
    }
}
