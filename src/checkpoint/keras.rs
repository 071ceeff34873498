//! Keras' names for what PyTorch calls weight, bias and running statistics.

use std::borrow::Cow;

use super::{Checkpoint, Tensor};

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

impl Checkpoint {
    /// The file under PyTorch's names, if it has Keras'; else as it is. Values and shapes stay: kernels must be stored
    /// as PyTorch lays them out (OIHW).
    pub(super) fn renamed(&self) -> Cow<'_, Checkpoint> {
        let is_keras = self
            .tensors
            .iter()
            .any(|tensor| tensor.name.ends_with("kernel") || tensor.name.ends_with(".gamma"));
        if !is_keras {
            return Cow::Borrowed(self);
        }
        let renamed = |name: &str| {
            let end = ENDS.iter().find_map(|(keras, torch)| Some((name.strip_suffix(keras)?, torch)));
            end.map_or_else(|| name.to_owned(), |(stem, torch)| format!("{stem}{torch}"))
        };
        let tensors = self
            .tensors
            .iter()
            .map(|tensor| Tensor { name: renamed(&tensor.name), ..tensor.clone() })
            .collect();
        Cow::Owned(Checkpoint { tensors, sha256: self.sha256.clone(), ..*self })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::checkpoint::tests::shared;
    use crate::checkpoint::{Checkpoint, Dtype, Format, Tensor};

    fn file(names: &[&str]) -> Checkpoint {
        let tensor = |name: &&str| Tensor {
            name: (*name).to_owned(),
            dtype: Dtype::F32,
            shape: vec![1],
            values: vec![0.5],
        };
        Checkpoint {
            format: Format::Npz,
            tensors: names.iter().map(tensor).collect(),
            others: 0,
            sha256: String::new(),
        }
    }

    #[test]
    fn keras_words_become_pytorchs_and_nothing_else_does() {
        let keras =
            file(&["conv.kernel", "conv.bias", "bn.gamma", "bn.moving_variance", "sep.depthwise_kernel"]);
        let names: Vec<String> = keras.renamed().tensors.iter().map(|tensor| tensor.name.clone()).collect();
        assert_eq!(
            names,
            ["conv.weight", "conv.bias", "bn.weight", "bn.running_var", "sep.depthwise.weight"]
        );
        let torch = file(&["conv.weight", "layer.beta"]);
        assert_eq!(torch.renamed().tensors, torch.tensors);
    }

    #[test]
    fn the_public_mini_xception_fits_as_it_is() {
        let Some(path) = shared("weights/fer-mini-xception/emotion_model_oihw.safetensors") else { return };
        let fit = Checkpoint::read(&path).unwrap().fit().unwrap();
        assert_eq!((fit.architecture, fit.classes), ("mini-xception", 7));
        assert!(fit.table.is_exact(), "{}", fit.table.summary());
    }
}
