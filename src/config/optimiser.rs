//! `attack.optimiser`: how a search moves.

use serde::{Deserialize, Serialize};

use super::validate::Fault;

/// Optimiser of the reconstruction.
#[derive(Debug, Clone, PartialEq)]
pub struct OptimiserConfig {
    /// `adam` or `lbfgs`.
    pub kind: OptimiserKind,
    /// Step size.
    pub lr: f64,
    /// Adam on the sign of the gradient (Geiping et al.).
    pub signed: bool,
    /// Schedule of the step size over the run.
    pub decay: Decay,
    /// L-BFGS line search; none is PyTorch's default.
    pub line_search: LineSearch,
}

/// Which optimiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimiserKind {
    /// Adam(0.9, 0.999, 1e-8).
    Adam,
    /// Limited-memory BFGS, history 100, 20 inner iterations and at most 25 evaluations an outer step.
    Lbfgs,
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
    signed: Option<bool>,
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
            decay: Some(config.decay),
            line_search: Some(config.line_search),
        }
    }
}

impl OptimiserConfig {
    /// Whether the values are in range and go together; `clamp` says whether candidates are kept in a box.
    pub(super) fn check(&self, clamp: bool) -> Result<(), Fault> {
        let require = |holds: bool, key: &'static str, message: String| {
            if holds { Ok(()) } else { Err(Fault { key, message: format!("{key} {message}") }) }
        };
        if self.kind == OptimiserKind::Lbfgs {
            let reason = "breaks the curvature estimate of lbfgs; use adam with it";
            require(!clamp, "attack.box", format!("= true {reason}"))?;
            return require(!self.signed, "attack.optimiser.signed", format!("= true {reason}"));
        }
        let message = "= \"strong-wolfe\" is for lbfgs; adam has no line search".to_owned();
        require(self.line_search == LineSearch::None, "attack.optimiser.line_search", message)
    }
}
