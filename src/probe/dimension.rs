//! The dimension bound: a gradient with fewer informative numbers than the batch has pixels cannot determine it.

use crate::config::BatchNormMode;
use crate::model::{Layer, Net};

/// Beside every verdict: what it does not say.
pub const CAVEATS: &str = "about the relaxed problem: priors and 8-bit pixels can break ties, and it says nothing of how \
    image-like the twins are; P_eff >= B*d proves nothing";

/// Numbers of an update against unknowns of the samples it was computed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dimension {
    /// Trainable scalars, P.
    pub parameters: usize,
    /// An upper bound on those whose gradient is informative, P_eff.
    pub informative: usize,
    /// Samples behind the update, B.
    pub samples: usize,
    /// Input scalars of one sample, d.
    pub input: usize,
}

impl Dimension {
    /// Of a network's update on so many samples.
    ///
    /// Left out of P are the biases of convolutions in front of a train-mode BatchNorm, whose gradient is zero,
    /// and what the softmax makes dependent: the gradients of the last layer's rows add up to zero.
    pub fn of(net: &Net, mode: BatchNormMode, samples: usize) -> Dimension {
        let parameters = net.parameter_count();
        let dependent = match net.layers().last() {
            Some(Layer::Linear { input, bias, .. }) if net.loss().is_cross_entropy() => {
                input + usize::from(*bias)
            }
            _ => 0,
        };
        let idle = match mode {
            BatchNormMode::Train => idle_biases(net.layers()),
            BatchNormMode::Eval | BatchNormMode::EvalClient => 0,
        };
        let informative = parameters.saturating_sub(dependent + idle);
        Dimension { parameters, informative, samples, input: net.input_count() }
    }

    /// Unknowns, B d.
    pub fn unknowns(&self) -> usize {
        self.samples * self.input
    }

    /// Whether a generic batch shares its gradient with others.
    pub fn is_ambiguous(&self) -> bool {
        self.informative < self.unknowns()
    }

    /// Both numbers and what follows from them.
    pub fn verdict(&self) -> String {
        let (numbers, unknowns) = (self.informative, self.unknowns());
        if self.is_ambiguous() {
            format!("P_eff = {numbers} < B*d = {unknowns}: not unique (generic)")
        } else {
            format!("P_eff = {numbers} >= B*d = {unknowns}: no verdict")
        }
    }
}

/// Biases that a BatchNorm in train mode takes out again.
fn idle_biases(layers: &[Layer]) -> usize {
    let inside = layers.iter().map(|layer| match layer {
        Layer::Residual { body, shortcut, .. } => idle_biases(body) + idle_biases(shortcut),
        Layer::Concat { branch } => idle_biases(branch),
        _ => 0,
    });
    let here = layers.windows(2).map(|pair| match pair {
        [Layer::Conv { output, bias: true, .. }, Layer::BatchNorm { .. }] => *output,
        _ => 0,
    });
    inside.sum::<usize>() + here.sum::<usize>()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::ModelOptions;
    use crate::model::architecture;

    fn of(model: &str, options: ModelOptions, mode: BatchNormMode, samples: usize) -> Dimension {
        Dimension::of(&architecture(model).unwrap().net(&options, [3, 32, 32], 10).unwrap(), mode, samples)
    }

    #[test]
    fn lenet_determines_five_images_at_most() {
        let plain = ModelOptions::default();
        let five = of("lenet", plain, BatchNormMode::Eval, 5);
        assert_eq!((five.parameters, five.informative, five.unknowns()), (15_826, 15_826 - 769, 15_360));
        // P alone would say that five fit.
        assert_eq!(five.verdict(), "P_eff = 15057 < B*d = 15360: not unique (generic)");
        let four = of("lenet", plain, BatchNormMode::Eval, 4);
        assert_eq!(four.verdict(), "P_eff = 15057 >= B*d = 12288: no verdict");
    }

    #[test]
    fn biases_in_front_of_a_train_mode_batch_norm_do_not_count() {
        let biased = ModelOptions { bias: Some(true), ..ModelOptions::default() };
        let informative = |options, mode| of("resnet20", options, mode, 1).informative;
        let plain = informative(ModelOptions::default(), BatchNormMode::Eval);
        let convolutions = informative(biased, BatchNormMode::Eval) - plain;
        assert!(convolutions > 0);
        assert_eq!(informative(biased, BatchNormMode::Train), plain);
    }
}
