//! LPIPS v0.1 (Zhang et al. 2018) on a backbone that the user gives: torchvision's AlexNet, SqueezeNet 1.1 or
//! VGG-16, told from the tensors of the file. gialab ships the weights of the taps alone.

use std::path::{Path, PathBuf};

use super::perceptual::{Backbone, Layer, Perceptual, Unfit};
use crate::weights::{WeightFile, WeightFileError};

/// A backbone with its weights of the taps; see `assets/NOTICE.md`.
struct Net {
    name: &'static str,
    backbone: Backbone,
    heads: &'static [u8],
}

macro_rules! heads {
    ($net:literal) => {
        include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/assets/weights/lpips_",
            $net,
            "_heads.safetensors"
        ))
    };
}

const fn conv(name: &'static str, input: usize, output: usize, kernel: usize) -> Layer {
    Layer::Conv { name, input, output, kernel, stride: 1, padding: kernel / 2 }
}

const fn fire(name: &'static str, input: usize, squeeze: usize, expand: usize) -> Layer {
    Layer::Fire { name, input, squeeze, expand }
}

const ALEX_POOL: Layer = Layer::MaxPool { kernel: 3, stride: 2, ceil: false };
const SQUEEZE_POOL: Layer = Layer::MaxPool { kernel: 3, stride: 2, ceil: true };
const VGG_POOL: Layer = Layer::MaxPool { kernel: 2, stride: 2, ceil: false };

static NETS: [Net; 3] = [
    Net {
        name: "alex",
        backbone: Backbone {
            layers: &[
                Layer::Conv { name: "features.0", input: 3, output: 64, kernel: 11, stride: 4, padding: 2 },
                Layer::Relu,
                Layer::Tap,
                ALEX_POOL,
                conv("features.3", 64, 192, 5),
                Layer::Relu,
                Layer::Tap,
                ALEX_POOL,
                conv("features.6", 192, 384, 3),
                Layer::Relu,
                Layer::Tap,
                conv("features.8", 384, 256, 3),
                Layer::Relu,
                Layer::Tap,
                conv("features.10", 256, 256, 3),
                Layer::Relu,
                Layer::Tap,
            ],
            least_side: 31,
        },
        heads: heads!("alex"),
    },
    Net {
        name: "squeeze",
        backbone: Backbone {
            layers: &[
                Layer::Conv { name: "features.0", input: 3, output: 64, kernel: 3, stride: 2, padding: 0 },
                Layer::Relu,
                Layer::Tap,
                SQUEEZE_POOL,
                fire("features.3", 64, 16, 64),
                fire("features.4", 128, 16, 64),
                Layer::Tap,
                SQUEEZE_POOL,
                fire("features.6", 128, 32, 128),
                fire("features.7", 256, 32, 128),
                Layer::Tap,
                SQUEEZE_POOL,
                fire("features.9", 256, 48, 192),
                Layer::Tap,
                fire("features.10", 384, 48, 192),
                Layer::Tap,
                fire("features.11", 384, 64, 256),
                Layer::Tap,
                fire("features.12", 512, 64, 256),
                Layer::Tap,
            ],
            least_side: 25,
        },
        heads: heads!("squeeze"),
    },
    Net {
        name: "vgg",
        backbone: Backbone {
            layers: &[
                conv("features.0", 3, 64, 3),
                Layer::Relu,
                conv("features.2", 64, 64, 3),
                Layer::Relu,
                Layer::Tap,
                VGG_POOL,
                conv("features.5", 64, 128, 3),
                Layer::Relu,
                conv("features.7", 128, 128, 3),
                Layer::Relu,
                Layer::Tap,
                VGG_POOL,
                conv("features.10", 128, 256, 3),
                Layer::Relu,
                conv("features.12", 256, 256, 3),
                Layer::Relu,
                conv("features.14", 256, 256, 3),
                Layer::Relu,
                Layer::Tap,
                VGG_POOL,
                conv("features.17", 256, 512, 3),
                Layer::Relu,
                conv("features.19", 512, 512, 3),
                Layer::Relu,
                conv("features.21", 512, 512, 3),
                Layer::Relu,
                Layer::Tap,
                VGG_POOL,
                conv("features.24", 512, 512, 3),
                Layer::Relu,
                conv("features.26", 512, 512, 3),
                Layer::Relu,
                conv("features.28", 512, 512, 3),
                Layer::Relu,
                Layer::Tap,
            ],
            least_side: 16,
        },
        heads: heads!("vgg"),
    },
];

/// LPIPS on one backbone.
#[derive(Debug)]
pub struct Lpips {
    /// `alex`, `squeeze` or `vgg`: part of the metric's name.
    pub net: &'static str,
    /// The distance itself.
    pub distance: Perceptual,
}

/// Why a file is no backbone of LPIPS.
#[derive(Debug, thiserror::Error)]
pub enum LpipsError {
    /// It cannot be read.
    #[error("run.lpips: {0}")]
    Unreadable(#[from] WeightFileError),
    /// It is another network.
    #[error(
        "run.lpips: {} is no backbone of LPIPS; give torchvision's alexnet, squeezenet1_1 or vgg16", path.display()
    )]
    OtherNet {
        /// The file.
        path: PathBuf,
    },
    /// No features can be computed with it.
    #[error("run.lpips: {} cannot be used: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl Lpips {
    /// Reads a backbone and tells which of the three it is.
    ///
    /// # Errors
    /// [`LpipsError`] if the file cannot be read or is none of them.
    pub fn read(path: &Path) -> Result<Lpips, LpipsError> {
        Lpips::new(&WeightFile::read(path)?, path)
    }

    /// Names of the backbones, with names and shapes of their parameters.
    #[cfg(test)]
    pub(crate) fn backbones() -> impl Iterator<Item = (&'static str, Vec<(String, Vec<usize>)>)> {
        NETS.iter().map(|net| (net.name, net.backbone.parameters()))
    }

    /// Makes it of what `path` holds.
    pub(crate) fn new(file: &WeightFile, path: &Path) -> Result<Lpips, LpipsError> {
        let found = NETS.iter().find_map(|net| Some((net, net.backbone.prefix(file)?)));
        let Some((net, prefix)) = found else { return Err(LpipsError::OtherNet { path: path.into() }) };
        let made = WeightFile::parse(net.heads)
            .map_err(Unfit::from)
            .and_then(|heads| Perceptual::new(&net.backbone, file, prefix, &heads));
        match made {
            Ok(distance) => Ok(Lpips { net: net.name, distance }),
            Err(error) => Err(LpipsError::Unusable { path: path.into(), reason: error.to_string() }),
        }
    }
}
