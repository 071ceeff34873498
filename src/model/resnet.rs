//! Residual networks of He et al. 2016. Projection shortcuts go by torchvision's names; those with option A
//! (every second pixel, and zeros for the missing channels) by the names of the public CIFAR checkpoints.

use super::{Architecture, Initialisation, Layer, Net};
use crate::config::{ModelOptions, NormKind};
use crate::dual::{Activation::Relu, PoolShape};

const SWITCHES: &[&str] = &["activation", "norm", "width", "depth", "skip", "bias", "initialisation"];

/// 11,173,962 parameters at 10 classes.
pub const RESNET18: Architecture = Architecture {
    name: "resnet18",
    about: "He et al. 2016 with a CIFAR stem: four stages of two blocks, width 64 to 512",
    switches: SWITCHES,
    build: |options, input, classes| Plan::wide([2, 2, 2, 2]).net(options, input, classes),
};

/// As torchvision's, but for the stem.
pub const RESNET34: Architecture = Architecture {
    name: "resnet34",
    about: "the same with stages of 3, 4, 6 and 3 blocks",
    switches: SWITCHES,
    build: |options, input, classes| Plan::wide([3, 4, 6, 3]).net(options, input, classes),
};

/// As torchvision's, but for the stem.
pub const RESNET50: Architecture = Architecture {
    name: "resnet50",
    about: "the same with bottleneck blocks, width 256 to 2048",
    switches: SWITCHES,
    build: |options, input, classes| Plan::wide([3, 4, 6, 3]).bottleneck().net(options, input, classes),
};

/// torchvision's `resnet18`.
pub const RESNET18_IMAGENET: Architecture = Architecture {
    name: "resnet18-imagenet",
    about: "resnet18 with the ImageNet stem: 7x7 of stride 2 and a maximum of stride 2 (torchvision)",
    switches: SWITCHES,
    build: |options, input, classes| Plan::wide([2, 2, 2, 2]).imagenet().net(options, input, classes),
};

/// torchvision's `resnet34`.
pub const RESNET34_IMAGENET: Architecture = Architecture {
    name: "resnet34-imagenet",
    about: "resnet34 with the ImageNet stem (torchvision)",
    switches: SWITCHES,
    build: |options, input, classes| Plan::wide([3, 4, 6, 3]).imagenet().net(options, input, classes),
};

/// torchvision's `resnet50`.
pub const RESNET50_IMAGENET: Architecture = Architecture {
    name: "resnet50-imagenet",
    about: "resnet50 with the ImageNet stem (torchvision)",
    switches: SWITCHES,
    build: |options, input, classes| {
        Plan::wide([3, 4, 6, 3]).bottleneck().imagenet().net(options, input, classes)
    },
};

/// Three stages of three blocks; projection shortcuts.
pub const RESNET20: Architecture = Architecture {
    name: "resnet20",
    about: "He et al. 2016 for CIFAR: three stages of three blocks, width 16 to 64, projection shortcuts",
    switches: SWITCHES,
    build: |options, input, classes| Plan::cifar(3).net(options, input, classes),
};

/// Three stages of five blocks; projection shortcuts.
pub const RESNET32: Architecture = Architecture {
    name: "resnet32",
    about: "the same with five blocks a stage",
    switches: SWITCHES,
    build: |options, input, classes| Plan::cifar(5).net(options, input, classes),
};

/// Three stages of nine blocks; projection shortcuts.
pub const RESNET56: Architecture = Architecture {
    name: "resnet56",
    about: "the same with nine blocks a stage",
    switches: SWITCHES,
    build: |options, input, classes| Plan::cifar(9).net(options, input, classes),
};

/// 269,722 parameters at 10 classes.
pub const RESNET20_A: Architecture = Architecture {
    name: "resnet20-a",
    about: "resnet20 with option-A shortcuts, as the public CIFAR checkpoints",
    switches: SWITCHES,
    build: |options, input, classes| Plan::cifar(3).option_a().net(options, input, classes),
};

/// 464,154 parameters at 10 classes.
pub const RESNET32_A: Architecture = Architecture {
    name: "resnet32-a",
    about: "resnet32 with option-A shortcuts",
    switches: SWITCHES,
    build: |options, input, classes| Plan::cifar(5).option_a().net(options, input, classes),
};

/// 658,586 parameters at 10 classes.
pub const RESNET44_A: Architecture = Architecture {
    name: "resnet44-a",
    about: "the same with seven blocks a stage",
    switches: SWITCHES,
    build: |options, input, classes| Plan::cifar(7).option_a().net(options, input, classes),
};

/// 853,018 parameters at 10 classes.
pub const RESNET56_A: Architecture = Architecture {
    name: "resnet56-a",
    about: "resnet56 with option-A shortcuts",
    switches: SWITCHES,
    build: |options, input, classes| Plan::cifar(9).option_a().net(options, input, classes),
};

/// What tells one residual network from another.
struct Plan {
    /// Blocks and width of each stage; the first block of every later stage halves the resolution.
    stages: Vec<(usize, usize)>,
    /// Bottleneck blocks, which give four times the width, instead of two 3x3 convolutions.
    bottleneck: bool,
    /// 7x7 of stride 2 and a maximum of stride 2 instead of a 3x3 convolution.
    imagenet: bool,
    /// Shortcuts without parameters instead of projections.
    option_a: bool,
}

impl Plan {
    fn new(stages: Vec<(usize, usize)>) -> Plan {
        Plan { stages, bottleneck: false, imagenet: false, option_a: false }
    }

    fn wide(blocks: [usize; 4]) -> Plan {
        Plan::new(blocks.into_iter().zip([64, 128, 256, 512]).collect())
    }

    fn cifar(blocks: usize) -> Plan {
        Plan::new([16, 32, 64].into_iter().map(|width| (blocks, width)).collect())
    }

    fn bottleneck(self) -> Plan {
        Plan { bottleneck: true, ..self }
    }

    fn imagenet(self) -> Plan {
        Plan { imagenet: true, ..self }
    }

    fn option_a(self) -> Plan {
        Plan { option_a: true, ..self }
    }

    fn net(&self, options: &ModelOptions, input: [usize; 3], classes: usize) -> Result<Net, String> {
        let activation = options.activation(Relu);
        let mut from = options.channels(self.stages[0].1);
        let (kernel, stride, padding) = if self.imagenet { (7, 2, 3) } else { (3, 1, 1) };
        let mut layers = vec![
            Layer::conv("conv1", input[0], from, kernel, stride, padding).with_bias(options.bias(false)),
        ];
        layers.extend(options.norm(NormKind::Batch, "bn1", from));
        layers.push(Layer::Activation(activation));
        if self.imagenet {
            layers.push(Layer::MaxPool(PoolShape { kernel: 3, stride: 2, padding: 1 }));
        }
        for (stage, &(blocks, width)) in self.stages.iter().enumerate() {
            let width = options.channels(width);
            let to = if self.bottleneck { 4 * width } else { width };
            for block in 0..options.depth(blocks) {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let name = format!("layer{}.{block}", stage + 1);
                let body = self.body(options, &name, [from, width, to], stride);
                let shortcut = self.shortcut(options, &name, from, to, stride);
                layers.extend(options.residual(body, shortcut, Some(activation)));
                from = to;
            }
        }
        layers.push(Layer::GlobalAvgPool);
        let head = if self.option_a { "linear" } else { "fc" };
        layers.push(Layer::linear(head, from, classes).with_bias(options.bias(true)));
        Net::new(layers, input, options.initialisation(Initialisation::PyTorch))
    }

    fn body(
        &self,
        options: &ModelOptions,
        name: &str,
        [from, width, to]: [usize; 3],
        stride: usize,
    ) -> Vec<Layer> {
        // Channels in, channels out, kernel, stride.
        let convolutions = if self.bottleneck {
            vec![(from, width, 1, 1), (width, width, 3, stride), (width, to, 1, 1)]
        } else {
            vec![(from, width, 3, stride), (width, to, 3, 1)]
        };
        let mut layers = Vec::new();
        for (i, (from, to, kernel, stride)) in convolutions.into_iter().enumerate() {
            if i > 0 {
                layers.push(Layer::Activation(options.activation(Relu)));
            }
            let conv = format!("{name}.conv{}", i + 1);
            layers.push(
                Layer::conv(&conv, from, to, kernel, stride, kernel / 2).with_bias(options.bias(false)),
            );
            layers.extend(options.norm(NormKind::Batch, &format!("{name}.bn{}", i + 1), to));
        }
        layers
    }

    fn shortcut(
        &self,
        options: &ModelOptions,
        name: &str,
        from: usize,
        to: usize,
        stride: usize,
    ) -> Vec<Layer> {
        if stride == 1 && from == to {
            return Vec::new();
        }
        if self.option_a {
            let before = (to - from) / 2;
            return vec![
                Layer::AvgPool(PoolShape { kernel: 1, stride, padding: 0 }),
                Layer::ZeroChannels { before, after: to - from - before },
            ];
        }
        let projection = format!("{name}.downsample.0");
        let mut layers =
            vec![Layer::conv(&projection, from, to, 1, stride, 0).with_bias(options.bias(false))];
        layers.extend(options.norm(NormKind::Batch, &format!("{name}.downsample.1"), to));
        layers
    }
}
