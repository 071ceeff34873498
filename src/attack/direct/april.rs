//! APRIL (Lu et al. 2022): the tokens in front of the first attention in closed form. With z the tokens and A = dL/dz, which is
//! the gradient to the positions of one sample, `A^T z = W_q^T dW_q + W_k^T dW_k + W_v^T dW_v`.

use faer::Mat;

use super::super::{AttackError, Task};
use super::logit::label_of;
use super::{Desk, Found, Of, certificate, least_squares};
use crate::backend;
use crate::config::{Direct, Precision};
use crate::model::{Layer, Net};

/// What stands in the model: side of a patch, tokens with the class token, features of a token, name of the layer that makes
/// queries, keys and values.
struct Shape<'a> {
    side: usize,
    tokens: usize,
    width: usize,
    qkv: &'a str,
}

fn shape(net: &Net) -> Result<Shape<'_>, String> {
    let choose = "choose vit-april with options = { skip = false }, or attack with inverting-gradients";
    let (side, tokens, width, behind) = match net.layers() {
        [Layer::Patches { side, tokens, width, .. }, behind @ ..] => (*side, *tokens, *width, behind),
        _ => {
            return Err(format!(
                "april reads the positions of a vision transformer, and this model is none; {choose}"
            ));
        }
    };
    let qkv = match behind {
        [Layer::Linear { name, .. }, Layer::Attention { .. }, ..] => name,
        [Layer::LayerNorm { .. }, ..] => {
            return Err(format!(
                "april needs attention on the embedded patches themselves, but a LayerNorm stands before it; {choose}"
            ));
        }
        [Layer::Residual { .. }, ..] => {
            return Err(format!(
                "april needs all of the tokens' gradient to come through attention, but a skip connection goes around it; {choose}"
            ));
        }
        _ => return Err(format!("april needs attention on the embedded patches themselves; {choose}")),
    };
    if tokens > width {
        return Err(format!(
            "april solves for {tokens} tokens, but attention has only {width} features, and so as many equations; take smaller \
             pictures (victim.size), or a wider model"
        ));
    }
    Ok(Shape { side, tokens, width, qkv })
}

/// z, `[tokens, width]`, of attention's weights and their gradient, `[3 width, width]` (in any order of queries, keys and values,
/// the same in both), and the gradient to the positions, `[tokens, width]`.
///
/// # Errors
/// Why there is none.
pub(super) fn tokens(
    weight: &Mat<f64>,
    to_weight: &Mat<f64>,
    to_positions: &Mat<f64>,
    tolerance: f64,
) -> Result<least_squares::Solved, String> {
    let right = weight.transpose() * to_weight;
    least_squares::solve(to_positions.transpose(), right.as_ref(), tolerance)
}

pub(super) fn check(of: &Of<'_>) -> Result<(), String> {
    shape(of.net).map(|_| ())
}

pub(super) fn solve(task: &Task<'_>, _settings: &Direct, desk: &mut Desk<'_>) -> Result<Found, AttackError> {
    let unsolved = |why: String| AttackError::Unsolved { why };
    let net = &task.view.model.net;
    let Shape { side, tokens, width, qkv } = shape(net).map_err(unsolved)?;
    let (observed, specs) = (task.view.observed(), net.parameter_specs());
    let both = |name: &str| {
        let at = specs.iter().position(|spec| spec.name == name);
        let of = |all: &crate::model::Parameters, at: usize| backend::values(&all.tensors()[at]);
        at.map(|at| (of(&task.view.model.parameters, at), of(&observed, at)))
            .ok_or_else(|| unsolved(format!("the model has no {name}")))
    };
    let (weight, to_weight) = both(&format!("{qkv}.weight"))?;
    let (positions, to_positions) = both("pos_embed")?;
    let (class, _) = both("cls_token")?;
    let (kernel, _) = both("patch_embed.proj.weight")?;
    let (offset, _) = both("patch_embed.proj.bias")?;

    // Queries, keys and values stand below each other in one weight, so that their three products are one.
    let matrix = |values: &[f64]| Mat::from_fn(values.len() / width, width, |i, j| values[i * width + j]);
    let tolerance = match task.view.compute.precision() {
        Precision::F32 => 1e-7,
        Precision::F64 => 1e-11,
    };
    let z = self::tokens(&matrix(&weight), &matrix(&to_weight), &matrix(&to_positions), tolerance)
        .map_err(unsolved)?;
    desk.say(format!(
        "attention: {width} equations for {tokens} tokens: rank {}, condition {:.0e}, residual {:.0e}",
        z.rank, z.condition, z.residual
    ));
    if z.rank < tokens {
        desk.say(format!(
            "{} combinations of tokens are told by nothing, and are left at zero: the picture comes back as far as the others tell it",
            tokens - z.rank
        ));
    }
    // The class token is public: how well it comes back needs no truth.
    let known = |feature: usize| class[feature] + positions[feature];
    let off: f64 = (0..width).map(|j| (z.x[(0, j)] - known(j)).powi(2)).sum::<f64>().sqrt();
    let norm: f64 = (0..width).map(|j| known(j).powi(2)).sum::<f64>().sqrt();
    desk.say(format!(
        "the class token, which is public, comes back to {:.0e} of its norm",
        off / norm.max(f64::MIN_POSITIVE)
    ));

    let [channels, height, columns] = net.input();
    let inputs = channels * side * side;
    let embedding = Mat::from_fn(width, inputs, |i, j| kernel[i * inputs + j]);
    let embedded = Mat::from_fn(width, tokens - 1, |j, patch| {
        z.x[(patch + 1, j)] - positions[(patch + 1) * width + j] - offset[j]
    });
    let patches = least_squares::solve(embedding.as_ref(), embedded.as_ref(), tolerance).map_err(unsolved)?;
    desk.say(format!(
        "patches: {width} equations for {inputs} values each: rank {}, condition {:.0e}, residual {:.0e}",
        patches.rank, patches.condition, patches.residual
    ));
    let mut x = vec![0.0; channels * height * columns];
    let across = columns / side;
    for patch in 0..tokens - 1 {
        let (top, left) = (patch / across * side, patch % across * side);
        for at in 0..inputs {
            let (channel, row, column) = (at / (side * side), at / side % side, at % side);
            x[(channel * height + top + row) * columns + left + column] = patches.x[(at, patch)];
        }
    }
    let last_bias = net.classifier().and_then(|last| last.bias);
    let label = last_bias.map(|bias| label_of(&backend::values(&observed.tensors()[bias])));
    let Some(label) = label else {
        return Ok(Found::unlabelled(vec![x], (z.residual * z.residual).min(1.0)));
    };
    let difference = certificate::difference(task.view, &x, &[label]);
    desk.say(certificate::in_words(difference));
    let unexplained = if difference.is_finite() { (difference * difference).min(1.0) } else { 1.0 };
    Ok(Found { samples: vec![x], labels: vec![label], unexplained, equation: None })
}
