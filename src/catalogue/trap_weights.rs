//! Trap weights: a first layer most of whose neurons are switched on by one sample at most.

use super::{Facts, Family, LabelUse, Need};

/// Half of a row is negative, the other half the same numbers times a little less than -1.
pub static TRAP_WEIGHTS: Facts = Facts {
    name: "trap-weights",
    title: "Trap weights",
    source: "Boenisch et al., EuroS&P 2023, arXiv 2112.02918",
    year: 2023,
    family: Family::Malicious,
    labels: LabelUse::Without,
    needs: &[Need::Manipulate, Need::OneGradient, Need::FullyConnected],
    threat_model: 'F',
    bounds: "how many samples switch a neuron on; a client that looks at the model sees neurons that hardly ever fire",
    recipe: "\nfactor = 0.97\n",
};
