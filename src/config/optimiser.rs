//! `attack.optimiser`: how a search moves.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::validate::Fault;

/// Optimiser of the reconstruction.
#[derive(Debug, Clone, PartialEq)]
pub struct OptimiserConfig {
    /// `adam`, `lbfgs` or `cma-es`.
    pub kind: OptimiserKind,
    /// Step size; of a population its first deviation.
    pub lr: f64,
    /// Adam on the sign of the gradient.
    pub signed: Sign,
    /// Deviation of what is added to the gradient in every step, in step sizes (Yin et al. 2021).
    pub langevin: f64,
    /// Share of the gradient that is taken a little further up its slope, which penalises its norm (Zhao, Zhang, Hu 2022).
    pub ahead: f64,
    /// Members of a population; absent it follows from the size of the candidate.
    pub population: Option<usize>,
    /// Schedule of the step size over the run.
    pub decay: Decay,
    /// L-BFGS line search; none is PyTorch's default.
    pub line_search: LineSearch,
}

impl OptimiserConfig {
    /// Evaluations of one iteration, about: L-BFGS has 20 inner iterations, a population some twenty members.
    pub fn evaluations(&self) -> usize {
        match self.kind {
            OptimiserKind::Adam if self.ahead > 0.0 => 2,
            OptimiserKind::Adam => 1,
            OptimiserKind::Lbfgs => 20,
            OptimiserKind::CmaEs => self.population.unwrap_or(20),
        }
    }

    /// How many evaluations with a gradient take as long as one iteration, about: one without takes a third.
    pub fn work(&self) -> usize {
        match self.kind {
            OptimiserKind::CmaEs => self.evaluations().div_ceil(3),
            OptimiserKind::Adam | OptimiserKind::Lbfgs => self.evaluations(),
        }
    }
}

/// Which optimiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimiserKind {
    /// Adam(0.9, 0.999, 1e-8).
    Adam,
    /// Limited-memory BFGS, history 100, 20 inner iterations and at most 25 evaluations an outer step.
    Lbfgs,
    /// A population that needs no gradient (Hansen 2016).
    CmaEs,
}

/// What Adam takes of the gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sign {
    /// The gradient itself.
    #[default]
    None,
    /// Its sign (Geiping et al. 2020).
    Hard,
    /// tanh(s g) / s, with s falling from 1 to 0 over the steps (public code of the authors of Inverting Gradients).
    Soft,
}

impl Sign {
    /// What is taken of one entry, with this share of the steps left.
    pub fn of(self, gradient: f64, left: f64) -> f64 {
        match self {
            Sign::None => gradient,
            // `f64::signum` has no 0.
            Sign::Hard if gradient == 0.0 => 0.0,
            Sign::Hard => gradient.signum(),
            Sign::Soft if left > 0.0 => (left * gradient).tanh() / left,
            Sign::Soft => gradient,
        }
    }
}

impl Serialize for Sign {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Sign::None => serializer.serialize_bool(false),
            Sign::Hard => serializer.serialize_bool(true),
            Sign::Soft => serializer.serialize_str("soft"),
        }
    }
}

impl<'de> Deserialize<'de> for Sign {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Sign, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Flag(bool),
            Word(String),
        }
        let wrong = || de::Error::custom("signed is true, false or \"soft\"");
        match Written::deserialize(deserializer).map_err(|_| wrong())? {
            Written::Flag(false) => Ok(Sign::None),
            Written::Flag(true) => Ok(Sign::Hard),
            Written::Word(word) if word == "soft" => Ok(Sign::Soft),
            Written::Word(_) => Err(wrong()),
        }
    }
}

/// Learning-rate schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decay {
    /// Constant.
    #[default]
    None,
    /// Times 0.1 at 3/8, 5/8 and 7/8 of the iterations (Geiping et al.).
    Step,
    /// Half a cosine down to zero, after 50 iterations of linear warm-up.
    Cosine,
}

/// Line search of L-BFGS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineSearch {
    /// Fixed step, as PyTorch does by default.
    #[default]
    None,
    /// Strong Wolfe conditions.
    StrongWolfe,
}

/// The optimiser as a preset writes it: what is absent is as the recipe says.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NamedOptimiser {
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<OptimiserKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lr: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed: Option<Sign>,
    #[serde(skip_serializing_if = "Option::is_none")]
    langevin: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ahead: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    population: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decay: Option<Decay>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line_search: Option<LineSearch>,
}

impl NamedOptimiser {
    /// What is named, over a recipe; of another kind of optimiser the recipe says nothing.
    pub(super) fn over(
        named: Option<NamedOptimiser>,
        recipe: Option<NamedOptimiser>,
    ) -> Result<OptimiserConfig, String> {
        let (named, recipe) = (named.unwrap_or_default(), recipe.unwrap_or_default());
        let is_other = named.kind.is_some() && named.kind != recipe.kind;
        let recipe = if is_other { NamedOptimiser::default() } else { recipe };
        Ok(OptimiserConfig {
            kind: named.kind.or(recipe.kind).ok_or("missing field `kind`")?,
            lr: named.lr.or(recipe.lr).ok_or("missing field `lr`")?,
            signed: named.signed.or(recipe.signed).unwrap_or_default(),
            langevin: named.langevin.or(recipe.langevin).unwrap_or_default(),
            ahead: named.ahead.or(recipe.ahead).unwrap_or_default(),
            population: named.population.or(recipe.population),
            decay: named.decay.or(recipe.decay).unwrap_or_default(),
            line_search: named.line_search.or(recipe.line_search).unwrap_or_default(),
        })
    }
}

impl From<OptimiserConfig> for NamedOptimiser {
    fn from(config: OptimiserConfig) -> NamedOptimiser {
        NamedOptimiser {
            kind: Some(config.kind),
            lr: Some(config.lr),
            signed: Some(config.signed),
            langevin: Some(config.langevin).filter(|langevin| *langevin != 0.0),
            ahead: Some(config.ahead).filter(|ahead| *ahead != 0.0),
            population: config.population,
            decay: Some(config.decay),
            line_search: Some(config.line_search),
        }
    }
}

impl OptimiserConfig {
    /// With nothing but a step size.
    pub fn new(kind: OptimiserKind, lr: f64) -> OptimiserConfig {
        OptimiserConfig {
            kind,
            lr,
            signed: Sign::None,
            langevin: 0.0,
            ahead: 0.0,
            population: None,
            decay: Decay::None,
            line_search: LineSearch::None,
        }
    }

    /// The same with another step size, for a stage that goes on from a first one: a population has found its place by then,
    /// and what follows takes gradients.
    #[must_use]
    pub fn with_lr(self, lr: f64) -> OptimiserConfig {
        match self.kind {
            OptimiserKind::CmaEs => OptimiserConfig::new(OptimiserKind::Adam, lr),
            OptimiserKind::Adam | OptimiserKind::Lbfgs => OptimiserConfig { lr, ..self },
        }
    }

    /// Whether the values are in range and go together; `clamp` says whether candidates are kept in a box.
    pub(super) fn check(&self, clamp: bool) -> Result<(), Fault> {
        let require = |holds: bool, key: &'static str, message: &str| {
            if holds { Ok(()) } else { Err(Fault { key, message: format!("{key} {message}") }) }
        };
        let adam = self.kind == OptimiserKind::Adam;
        if self.kind == OptimiserKind::Lbfgs {
            let reason = "= true breaks the curvature estimate of lbfgs; use adam with it";
            require(!clamp, "attack.box", reason)?;
        }
        let of_adam = "is for adam alone; remove it, or set attack.optimiser.kind = \"adam\"";
        require(adam || self.signed == Sign::None, "attack.optimiser.signed", of_adam)?;
        require(adam || self.langevin == 0.0, "attack.optimiser.langevin", of_adam)?;
        require(adam || self.ahead == 0.0, "attack.optimiser.ahead", of_adam)?;
        require(
            self.kind == OptimiserKind::CmaEs || self.population.is_none(),
            "attack.optimiser.population",
            "is for cma-es alone; remove it",
        )?;
        let line_search = "= \"strong-wolfe\" is for lbfgs; the others have no line search";
        let searches = self.kind == OptimiserKind::Lbfgs || self.line_search == LineSearch::None;
        require(searches, "attack.optimiser.line_search", line_search)?;
        let steady = self.kind == OptimiserKind::Adam
            || self.decay == Decay::None
            || self.kind == OptimiserKind::Lbfgs;
        require(
            steady,
            "attack.optimiser.decay",
            "is not for cma-es, which adapts its step by itself; remove it",
        )
    }
}
