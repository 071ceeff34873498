//! `[attack.prior]`: what the attacker takes for likely, as weights by name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Which prior R(x) on a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PriorKind {
    /// Total variation: mean absolute differences of neighbours.
    Tv,
    /// Total variation by the length of the gradient.
    TvL2,
    /// Total variation by squared differences.
    TvSq,
    /// Total variation of colours and of their differences.
    TvColor,
    /// Mean square.
    L2norm,
    /// What lies outside the range of real values.
    ClipBox,
    /// Moments of BatchNorm's inputs against those that are known.
    Bn,
    /// The same, the first layer counting as the others do.
    BnEqual,
    /// Last features against those that the last layer's gradient gives away.
    Feat,
    /// Agreement of the members of a trial.
    Group,
    /// The task loss.
    Loss,
    /// Agreement of what epochs hold, whatever the order.
    OrderInv,
    /// The same of the largest values that epochs hold.
    OrderInvMax,
    /// The same of the largest features of a fixed random convolution.
    OrderInvConv,
    /// Codes whose entries are spread as those of N(0, 1).
    KlZ,
    /// Codes of the length that those of N(0, 1) have.
    NormZ,
}

/// What is known of a prior.
#[derive(Debug)]
pub struct PriorFacts {
    /// Which.
    pub kind: PriorKind,
    /// Its dotted key.
    pub key: &'static str,
    /// Paper.
    pub source: &'static str,
    /// What a candidate must be.
    pub of: Candidates,
}

/// What candidates a prior is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Candidates {
    /// Pictures and rows of a table.
    All,
    /// Pictures: what stands side by side must belong together.
    Pictures,
    /// Pictures with three colours.
    ColourPictures,
    /// Those of a network with BatchNorm layers.
    Normalised,
    /// Several side by side.
    Members,
    /// Those whose labels are known.
    Labelled,
    /// Those whose labels are known, of a network that a fully connected layer with a bias ends.
    Featured,
    /// Samples of each local epoch by themselves.
    OfEpochs,
    /// Codes of a generator.
    Codes,
}

const fn facts(kind: PriorKind, key: &'static str, source: &'static str, of: Candidates) -> PriorFacts {
    PriorFacts { kind, key, source, of }
}

/// All priors.
pub static PRIORS: [PriorFacts; 16] = [
    facts(PriorKind::Tv, "attack.prior.tv", "Geiping et al. 2020", Candidates::Pictures),
    facts(PriorKind::TvL2, "attack.prior.tv-l2", "Rudin, Osher, Fatemi 1992", Candidates::Pictures),
    facts(PriorKind::TvSq, "attack.prior.tv-sq", "Tikhonov's, squared differences", Candidates::Pictures),
    facts(
        PriorKind::TvColor,
        "attack.prior.tv-color",
        "public re-implementations",
        Candidates::ColourPictures,
    ),
    facts(PriorKind::L2norm, "attack.prior.l2norm", "Yin et al. 2021", Candidates::All),
    facts(PriorKind::ClipBox, "attack.prior.clip-box", "Dimitrov et al. 2022", Candidates::All),
    facts(PriorKind::Bn, "attack.prior.bn", "Yin et al. 2021", Candidates::Normalised),
    facts(PriorKind::BnEqual, "attack.prior.bn-equal", "Yin et al. 2021, unweighted", Candidates::Normalised),
    facts(PriorKind::Feat, "attack.prior.feat", "public re-implementations", Candidates::Featured),
    facts(PriorKind::Group, "attack.prior.group", "Yin et al. 2021", Candidates::Members),
    facts(PriorKind::Loss, "attack.prior.loss", "Wei et al. 2020", Candidates::Labelled),
    facts(PriorKind::OrderInv, "attack.prior.order-inv", "Dimitrov et al. 2022", Candidates::OfEpochs),
    facts(PriorKind::OrderInvMax, "attack.prior.order-inv-max", "Dimitrov et al. 2022", Candidates::OfEpochs),
    facts(
        PriorKind::OrderInvConv,
        "attack.prior.order-inv-conv",
        "Dimitrov et al. 2022",
        Candidates::OfEpochs,
    ),
    facts(PriorKind::KlZ, "attack.prior.kl-z", "Li et al. 2022", Candidates::Codes),
    facts(PriorKind::NormZ, "attack.prior.norm-z", "Li et al. 2022, its length alone", Candidates::Codes),
];

impl PriorKind {
    /// What is known of it.
    pub fn facts(self) -> &'static PriorFacts {
        let found = PRIORS.iter().find(|facts| facts.kind == self);
        found.unwrap_or_else(|| unreachable!("every kind has a line in the table"))
    }
}

/// Weights of priors; what is absent has none.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Priors(BTreeMap<PriorKind, f64>);

impl Priors {
    /// One prior alone.
    pub fn one(kind: PriorKind, weight: f64) -> Priors {
        Priors(BTreeMap::from([(kind, weight)]))
    }

    /// These, and over them others, name by name.
    #[must_use]
    pub fn with(mut self, others: Priors) -> Priors {
        self.0.extend(others.0);
        self
    }

    /// The weight of one; 0 where it has none.
    pub fn weight(&self, kind: PriorKind) -> f64 {
        self.0.get(&kind).copied().unwrap_or_default()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those with a weight above 0, in the order of [`PRIORS`].
    pub fn weights(&self) -> impl Iterator<Item = (PriorKind, f64)> + '_ {
        self.0.iter().map(|(kind, weight)| (*kind, *weight)).filter(|(_, weight)| *weight != 0.0)
    }

    /// For descriptions: `tv 0.001, l2norm 1e-6`.
    pub fn title(&self) -> String {
        let name = |kind: PriorKind| kind.facts().key.rsplit('.').next().unwrap_or_default();
        let all = self.weights().map(|(kind, weight)| format!("{} {weight}", name(kind)));
        all.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;
    use crate::config::preset;

    fn load(change: &str) -> Result<Priors, String> {
        let preset = preset::load("ig-lenet", &[change.to_owned()], Path::new("/nonexistent"));
        preset
            .map(|preset| preset.config.attack.search().unwrap().prior.clone())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_prior_has_a_weight_by_its_key() {
        for facts in &PRIORS {
            let priors = load(&format!("{}=0.5", facts.key)).unwrap();
            assert!(priors.weights().any(|found| found == (facts.kind, 0.5)), "{}", facts.key);
        }
        assert_eq!(load("attack.prior.tv=0").unwrap().weights().count(), 0);
        assert!(load("attack.prior=").unwrap().is_empty());
        assert_eq!(load("attack.prior.l2norm=1e-6").unwrap().title(), "tv 0.01, l2norm 0.000001");
    }

    #[test]
    fn what_cannot_be_used_is_said_with_what_can() {
        for (change, said) in [
            ("attack.prior.tvv=1", "`tvv` is not known; did you mean `tv`?"),
            ("attack.prior.tv_l2=1", "`tv_l2` is not known; did you mean `tv-l2`?"),
            ("attack.prior.tv=-1", "attack.prior.tv = -1, must be 0 or more"),
            ("attack.prior.clip-box=nan", "attack.prior.clip-box = NaN, must be finite and 0 or more"),
            ("attack.prior.tv=much", "much is no number"),
            ("attack.tv=1e-3", "`tv` is no setting; did you mean `attack.prior.tv`?"),
            ("attack.l2norm=1", "`l2norm` is no setting; did you mean `attack.prior.l2norm`?"),
        ] {
            let error = load(change).unwrap_err();
            assert!(
                error.starts_with(&format!("--set {change}")) && error.contains(said),
                "{change}: {error}"
            );
        }
    }
}
