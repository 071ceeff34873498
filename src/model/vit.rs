//! Vision transformers (Dosovitskiy et al. 2021) by timm's names.

use super::{Architecture, Initialisation, Layer, Net};
use crate::config::ModelOptions;
use crate::dual::Activation::Gelu;

const SWITCHES: &[&str] = &["activation", "width", "depth", "skip", "bias", "initialisation"];

/// Features of a head.
const HEAD: usize = 64;

/// 5,362,762 parameters at 10 classes of 32x32 images.
pub const VIT: Architecture = Architecture {
    name: "vit",
    about: "Dosovitskiy et al. 2021: ViT-Tiny, twelve blocks of width 192; patches of 4, from 64 pixels of 16",
    switches: SWITCHES,
    build: |options, input, classes| vit(options, input, classes, true),
};

/// Without the normalisation in front of the first attention, tokens leak in closed form (Lu et al. 2022).
pub const VIT_APRIL: Architecture = Architecture {
    name: "vit-april",
    about: "vit without LayerNorm in front of the first attention, as APRIL needs it (Lu et al. 2022)",
    switches: SWITCHES,
    build: |options, input, classes| vit(options, input, classes, false),
};

fn vit(options: &ModelOptions, input: [usize; 3], classes: usize, first_norm: bool) -> Result<Net, String> {
    let [channels, height, columns] = input;
    let side = if height.min(columns) < 64 { 4 } else { 16 };
    // Three heads as published, however wide they are.
    let heads = 192 / HEAD;
    let width = options.channels(HEAD) * heads;
    let tokens = (height / side) * (columns / side) + 1;
    let linear = |name: &str, from, to| Layer::linear(name, from, to).with_bias(options.bias(true));
    let mut layers = vec![Layer::Patches { input: channels, side, tokens, width }];
    for block in 0..options.depth(12) {
        let name = |module: &str| format!("blocks.{block}.{module}");
        let mut attention = Vec::new();
        if block > 0 || first_norm {
            attention.push(Layer::layer_norm(&name("norm1"), width));
        }
        attention.push(linear(&name("attn.qkv"), width, 3 * width));
        attention.push(Layer::Attention { heads });
        attention.push(linear(&name("attn.proj"), width, width));
        layers.extend(options.residual(attention, Vec::new(), None));
        let mixer = vec![
            Layer::layer_norm(&name("norm2"), width),
            linear(&name("mlp.fc1"), width, 4 * width),
            Layer::Activation(options.activation(Gelu)),
            linear(&name("mlp.fc2"), 4 * width, width),
        ];
        layers.extend(options.residual(mixer, Vec::new(), None));
    }
    layers.push(Layer::layer_norm("norm", width));
    layers.push(Layer::ClassToken);
    layers.push(linear("head", width, classes));
    Net::new(layers, input, options.initialisation(Initialisation::PyTorch))
}
