//! DCGAN (Radford, Metz, Chintala 2016, arXiv 1511.06434), as PyTorch's example writes it: transposed convolutions of 4x4,
//! BatchNorm and ReLU between them, tanh at the end.

use super::{GeneratorNet, Output};
use crate::dual::Activation;
use crate::model::Layer;
use crate::model::layer::BATCH_NORM_EPS;

/// From the names and shapes of its convolutions' weights, `[in, out, 4, 4]`, in their order: the first one makes a map of 4x4
/// of a code, each of the others doubles it.
///
/// # Errors
/// What no DCGAN has.
pub fn dcgan(weights: &[(&str, &[usize])]) -> Result<GeneratorNet, String> {
    let mut layers = Vec::new();
    let mut latent = 0;
    for (at, (name, shape)) in weights.iter().enumerate() {
        let &[input, output, 4, 4] = *shape else {
            return Err(format!("{name} is {shape:?}, where a DCGAN has [in, out, 4, 4]"));
        };
        let module = name.strip_suffix(".weight").unwrap_or(name);
        let (stride, padding) = if at == 0 { (1, 0) } else { (2, 1) };
        if at == 0 {
            latent = input;
            layers.push(Layer::Unflatten([input, 1, 1]));
        }
        let name = module.to_owned();
        layers.push(Layer::ConvTranspose { name, input, output, kernel: 4, stride, padding, bias: false });
        if at + 1 == weights.len() {
            layers.push(Layer::Activation(Activation::Tanh));
            break;
        }
        // In a Sequential the BatchNorm stands behind its convolution.
        let (sequence, number) = module.rsplit_once('.').unwrap_or(("", module));
        let number: usize = number.parse().map_err(|_| format!("{module} has no number in its sequence"))?;
        let norm =
            if sequence.is_empty() { (number + 1).to_string() } else { format!("{sequence}.{}", number + 1) };
        layers.push(Layer::BatchNorm { name: norm, channels: output, eps: BATCH_NORM_EPS });
        layers.push(Layer::Activation(Activation::Relu));
    }
    GeneratorNet::new(layers, latent, 0, Output::Symmetric)
}
