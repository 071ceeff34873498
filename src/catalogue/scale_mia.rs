//! Scale-MIA: the honest network's own layers become an encoder and a measurement of its features; a decoder makes pictures of them.

use super::{Facts, Family, LabelUse, Need};

/// The front of the network is that of an autoencoder trained on like pictures, its first fully connected layer sorts features
/// by their mean, the next one gives every row the same gradient: the features between two rows are a sample's.
pub static SCALE_MIA: Facts = Facts {
    name: "scale-mia",
    title: "Scale-MIA, features sorted and decoded",
    source: "Shi, Wang, Xiao, Zhang, Shi, Hou, Lou, NDSS 2025, arXiv 2311.05808",
    year: 2025,
    family: Family::Malicious,
    labels: LabelUse::Without,
    needs: &[Need::Manipulate, Need::OneGradient, Need::Pictures, Need::Autoencoder],
    threat_model: 'G',
    bounds: "rows of the first fully connected layer against the batch; what the decoder makes of exact features",
    recipe: "",
};
