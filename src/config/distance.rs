//! `attack.distance`: how a simulated gradient is compared with the observed one. A word, or a table with options.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::validate::Fault;

/// Which matching distance D(g, h).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DistanceKind {
    /// Sum of squared differences.
    L2,
    /// 1 - cosine over all parameters as one vector.
    Cosine,
    /// Sum of absolute differences.
    L1,
    /// The angle between both, as a share of half a turn.
    Angular,
    /// 1 - cosine of each tensor.
    LayerCosine,
    /// 1 - cosine over some of the entries.
    MaskedCosine,
    /// Squared and absolute differences.
    Tag,
    /// A Gaussian kernel on each tensor.
    Gauss,
    /// Distance of each tensor, not squared.
    LayerL2,
    /// Half the sum of squared differences.
    HalfL2,
    /// Squared differences, and the direction of the gradient to a transformer's positions.
    L2Positions,
}

/// What is known of a distance.
#[derive(Debug)]
pub struct DistanceFacts {
    /// Which.
    pub kind: DistanceKind,
    /// As written in presets.
    pub name: &'static str,
    /// For descriptions.
    pub title: &'static str,
    /// Paper.
    pub source: &'static str,
    /// Options that it takes.
    pub takes: &'static [&'static str],
    /// Whether a positive factor on h changes nothing.
    pub ignores_scale: bool,
}

const fn facts(
    kind: DistanceKind,
    name: &'static str,
    title: &'static str,
    source: &'static str,
    takes: &'static [&'static str],
    ignores_scale: bool,
) -> DistanceFacts {
    DistanceFacts { kind, name, title, source, takes, ignores_scale }
}

/// All distances.
pub static DISTANCES: [DistanceFacts; 11] = [
    facts(DistanceKind::L2, "l2", "squared distance", "Zhu et al. 2019", &["layers"], false),
    facts(DistanceKind::Cosine, "cosine", "cosine distance", "Geiping et al. 2020", &["layers"], true),
    facts(
        DistanceKind::L1,
        "l1",
        "absolute distance",
        "Deng et al. 2021, its second term alone",
        &["layers"],
        false,
    ),
    facts(
        DistanceKind::Angular,
        "angular",
        "angle",
        "the arc of the cosine of Geiping et al. 2020",
        &[],
        true,
    ),
    facts(
        DistanceKind::LayerCosine,
        "layer-cosine",
        "cosine distance by layer",
        "Balunovic et al. 2022",
        &["over", "layers"],
        true,
    ),
    facts(
        DistanceKind::MaskedCosine,
        "masked-cosine",
        "masked cosine distance",
        "for sparse updates",
        &["mask", "keep", "alpha"],
        true,
    ),
    facts(
        DistanceKind::Tag,
        "tag",
        "squared and absolute distance",
        "Deng et al. 2021",
        &["alpha", "layers"],
        false,
    ),
    facts(
        DistanceKind::Gauss,
        "gauss",
        "Gaussian kernel distance",
        "Wang et al. 2020 (SAPAG)",
        &["layers"],
        false,
    ),
    facts(DistanceKind::LayerL2, "layer-l2", "distance by layer", "Yin et al. 2021", &[], false),
    facts(
        DistanceKind::HalfL2,
        "half-l2",
        "half the squared distance",
        "public re-implementations",
        &["layers"],
        false,
    ),
    facts(
        DistanceKind::L2Positions,
        "l2-positions",
        "squared distance and direction to positions",
        "Lu et al. 2022 (APRIL, its search)",
        &["alpha"],
        false,
    ),
];

impl DistanceKind {
    /// What is known of it.
    pub fn facts(self) -> &'static DistanceFacts {
        let found = DISTANCES.iter().find(|facts| facts.kind == self);
        found.unwrap_or_else(|| unreachable!("every kind has a line in the table"))
    }
}

/// How much the parameter tensors count, from the input side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LayerWeights {
    /// All the same.
    #[default]
    Equal,
    /// `(n - l) / n` of tensor l of n.
    Linear,
    /// `e^-l` of tensor l.
    Exp,
}

impl LayerWeights {
    /// The weight of each of `count` tensors.
    pub fn of(self, count: usize) -> Vec<f64> {
        let weight = |l: usize| match self {
            LayerWeights::Equal => 1.0,
            LayerWeights::Linear => (count - l) as f64 / count as f64,
            LayerWeights::Exp => (-(l as f64)).exp(),
        };
        (0..count).map(weight).collect()
    }
}

/// What becomes of the distances of the tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Over {
    /// Their sum.
    #[default]
    Sum,
    /// Their mean.
    Mean,
}

/// Which entries are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mask {
    /// Those that are not zero in the observed gradient.
    #[default]
    NonZero,
    /// The largest of each tensor of the observed gradient.
    TopK,
    /// The largest of the whole observed gradient.
    TopKWhole,
}

/// A distance with its options; what is absent is as [`DistanceFacts`] and the methods say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distance {
    /// Which.
    pub kind: DistanceKind,
    /// How much each tensor counts.
    pub layers: Option<LayerWeights>,
    /// Factor of the second term.
    pub alpha: Option<f64>,
    /// Sum or mean over the tensors.
    pub over: Option<Over>,
    /// Which entries count.
    pub mask: Option<Mask>,
    /// Share of the entries that are kept.
    pub keep: Option<f64>,
}

impl From<DistanceKind> for Distance {
    fn from(kind: DistanceKind) -> Self {
        Distance { kind, layers: None, alpha: None, over: None, mask: None, keep: None }
    }
}

impl Distance {
    /// Factor of the second term. Of absolute differences 0.01 unless said otherwise, as the authors of LAMP ran it; of the
    /// direction to positions 1, which is ours; beside a masked cosine 0.
    pub fn alpha(&self) -> f64 {
        self.alpha.unwrap_or(match self.kind {
            DistanceKind::L2Positions => 1.0,
            DistanceKind::MaskedCosine => 0.0,
            _ => 0.01,
        })
    }

    /// Share of the entries that a mask of the largest keeps: a quarter unless said otherwise.
    pub fn keep(&self) -> f64 {
        self.keep.unwrap_or(0.25)
    }

    /// Whether a positive factor on the observed gradient changes nothing.
    pub fn ignores_scale(&self) -> bool {
        let beside_a_cosine = self.kind == DistanceKind::MaskedCosine && self.alpha() > 0.0;
        self.kind.facts().ignores_scale && !beside_a_cosine
    }

    /// For descriptions: `squared distance`, `squared distance, layers linear`.
    pub fn title(&self) -> String {
        let given = self.given().into_iter().map(|(name, value)| format!(", {name} {value}"));
        std::iter::once(self.kind.facts().title.to_owned()).chain(given).collect()
    }

    /// The options that are given, as words.
    fn given(&self) -> Vec<(&'static str, String)> {
        fn word(value: impl Serialize) -> String {
            toml::Value::try_from(value)
                .ok()
                .and_then(|word| word.as_str().map(str::to_owned))
                .unwrap_or_default()
        }
        [
            ("alpha", self.alpha.map(|alpha| alpha.to_string())),
            ("layers", self.layers.map(word)),
            ("over", self.over.map(word)),
            ("mask", self.mask.map(word)),
            ("keep", self.keep.map(|keep| keep.to_string())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }

    /// Whether the options fit the kind and are in range.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let key = "attack.distance";
        let require = |holds: bool, message: String| {
            if holds { Ok(()) } else { Err(Fault { key, message: format!("{key} {message}") }) }
        };
        let facts = self.kind.facts();
        for (name, _) in self.given() {
            let takes = match facts.takes {
                [] => "it has no options".to_owned(),
                takes => format!("its options are {}", takes.join(" and ")),
            };
            let message = format!("= {{ kind = \"{}\" }} takes no {name}; {takes}", facts.name);
            require(facts.takes.contains(&name), message)?;
        }
        let alpha = self.alpha();
        let message = format!("has alpha = {alpha}, must be finite and 0 or more");
        require(alpha.is_finite() && alpha >= 0.0, message)?;
        let keep = self.keep();
        require(keep > 0.0 && keep <= 1.0, format!("has keep = {keep}, must be above 0 and at most 1"))?;
        let message = "has keep, but a mask of what is not zero keeps all of that; set mask = \"top-k\" or \"top-k-whole\"";
        require(self.keep.is_none() || self.mask.unwrap_or_default() != Mask::NonZero, message.into())
    }
}

/// As a table in a preset.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    kind: Option<DistanceKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    layers: Option<LayerWeights>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alpha: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    over: Option<Over>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mask: Option<Mask>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keep: Option<f64>,
}

impl Serialize for Distance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Distance { kind, layers, alpha, over, mask, keep } = *self;
        if *self == Distance::from(kind) {
            return kind.serialize(serializer);
        }
        Table { kind: Some(kind), layers, alpha, over, mask, keep }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Distance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrTable;
        impl<'de> de::Visitor<'de> for WordOrTable {
            type Value = Distance;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a distance, as \"l2\" or { kind = \"tag\", alpha = 0.1 }")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Distance, E> {
                DistanceKind::deserialize(de::value::StrDeserializer::new(word)).map(Distance::from)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Distance, A::Error> {
                let table = Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
                let Table { kind, layers, alpha, over, mask, keep } = table;
                let lacking = "attack.distance lacks kind; say which, as { kind = \"tag\" }";
                let kind = kind.ok_or_else(|| de::Error::custom(lacking))?;
                Ok(Distance { kind, layers, alpha, over, mask, keep })
            }
        }
        deserializer.deserialize_any(WordOrTable)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;
    use crate::config::preset;

    fn load(distance: &str) -> Result<Distance, String> {
        let change = format!("attack.distance={distance}");
        let preset = preset::load("ig-lenet", &[change], Path::new("/nonexistent"));
        preset
            .map(|preset| preset.config.attack.search().unwrap().distance)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_distance_is_a_word_and_stays_what_it_is_when_it_is_written() {
        for facts in &DISTANCES {
            let read = load(facts.name).unwrap();
            assert_eq!(read, facts.kind.into(), "{}", facts.name);
            assert_eq!(toml::Value::try_from(read).unwrap().as_str(), Some(facts.name));
        }
        let tag = load("{ kind = \"tag\", alpha = 0.1, layers = \"linear\" }").unwrap();
        assert_eq!((tag.kind, tag.alpha(), tag.layers), (DistanceKind::Tag, 0.1, Some(LayerWeights::Linear)));
        assert_eq!(tag.title(), "squared and absolute distance, alpha 0.1, layers linear");
        let config = preset::load("ig-lenet", &[], Path::new("/nonexistent")).unwrap().config;
        let mut changed = config.clone();
        changed.attack.search_mut().unwrap().distance = tag;
        let flat = preset::flat(&changed);
        let change = [("attack.distance", flat["attack.distance"].as_str())];
        assert_eq!(preset::change(&config, change).unwrap(), changed);
    }

    #[test]
    fn what_cannot_be_used_is_said_with_what_can() {
        for (distance, said) in [
            ("cosin", "`cosin` is not known; did you mean `cosine`?"),
            ("{ kind = \"tagg\" }", "`tagg` is not known; did you mean `tag`?"),
            ("{ kind = \"tag\", alfa = 1 }", "`alfa` is no setting; did you mean `alpha`?"),
            ("{ kind = \"l2\", layers = \"liner\" }", "`liner` is not known; did you mean `linear`?"),
            ("{ alpha = 0.1 }", "attack.distance lacks kind; say which"),
            (
                "{ kind = \"angular\", alpha = 0.1 }",
                "{ kind = \"angular\" } takes no alpha; it has no options",
            ),
            ("{ kind = \"l2\", over = \"mean\" }", "{ kind = \"l2\" } takes no over; its options are layers"),
            ("{ kind = \"tag\", alpha = -1 }", "has alpha = -1, must be finite and 0 or more"),
            ("{ kind = \"tag\", alpha = nan }", "has alpha = NaN, must be finite and 0 or more"),
            ("{ kind = \"masked-cosine\", mask = \"top-k\", keep = 0 }", "has keep = 0, must be above 0"),
            ("{ kind = \"masked-cosine\", keep = 0.5 }", "set mask = \"top-k\""),
        ] {
            let error = load(distance).unwrap_err();
            assert!(
                error.starts_with("--set attack.distance=") && error.contains(said),
                "{distance}: {error}"
            );
        }
    }

    #[test]
    fn weights_fall_from_the_input_side() {
        assert_eq!(LayerWeights::Equal.of(2), [1.0, 1.0]);
        assert_eq!(LayerWeights::Linear.of(4), [1.0, 0.75, 0.5, 0.25]);
        assert_eq!(LayerWeights::Exp.of(2), [1.0, (-1.0f64).exp()]);
    }
}
