//! Keras' names for what PyTorch calls weight, bias and running statistics.

use std::borrow::Cow;

use super::WeightFile;

/// Ends of names in Keras and in PyTorch. The halves of a separable convolution are tensors in Keras, modules in PyTorch.
const ENDS: [(&str, &str); 7] = [
    (".gamma", ".weight"),
    (".beta", ".bias"),
    (".moving_mean", ".running_mean"),
    (".moving_variance", ".running_var"),
    (".depthwise_kernel", ".depthwise.weight"),
    (".pointwise_kernel", ".pointwise.weight"),
    (".kernel", ".weight"),
];

/// Whether a file has Keras' names. Values and shapes are those of the file: kernels must be stored as PyTorch lays
/// them out (OIHW).
pub fn is_keras(file: &WeightFile) -> bool {
    let names = file.tensors.iter().map(|tensor| &tensor.name);
    names.into_iter().any(|name| name.ends_with("kernel") || name.ends_with(".gamma"))
}

/// PyTorch's name for one of Keras'.
pub fn renamed(name: &str) -> Cow<'_, str> {
    let end = ENDS.iter().find_map(|(keras, torch)| Some((name.strip_suffix(keras)?, torch)));
    end.map_or(Cow::Borrowed(name), |(stem, torch)| Cow::Owned(format!("{stem}{torch}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::weights::tests::shared;
    use crate::weights::{Dtype, Tensor, WeightFile};

    fn names(names: &[&str]) -> Vec<String> {
        let tensor = |name: &&str| Tensor {
            name: (*name).to_owned(),
            dtype: Dtype::F32,
            shape: vec![1],
            values: vec![0.5],
        };
        let file = WeightFile { tensors: names.iter().map(tensor).collect(), ..WeightFile::default() };
        file.levels()[0].tensors.iter().map(|(name, _)| name.to_string()).collect()
    }

    #[test]
    fn keras_words_become_pytorchs_and_nothing_else_does() {
        let keras =
            names(&["conv.kernel", "conv.bias", "bn.gamma", "bn.moving_variance", "sep.depthwise_kernel"]);
        assert_eq!(
            keras,
            ["conv.weight", "conv.bias", "bn.weight", "bn.running_var", "sep.depthwise.weight"]
        );
        assert_eq!(names(&["conv.weight", "layer.beta"]), ["conv.weight", "layer.beta"]);
    }

    #[test]
    fn the_public_mini_xception_fits_as_it_is() {
        let Some(path) = shared("weights/fer-mini-xception/emotion_model_oihw.safetensors") else { return };
        let fit = WeightFile::read(&path).unwrap().fit().unwrap();
        assert_eq!((fit.architecture, fit.classes), ("mini-xception", 7));
        assert!(fit.table.is_exact(), "{}", fit.table.summary());
    }
}
