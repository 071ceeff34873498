//! `attack.variable` and `attack.then`: what a search moves, and what after that.

use serde::{Deserialize, Serialize};

use super::validate::Fault;

/// What a search moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VariableKind {
    /// The model's input itself.
    #[default]
    Pixels,
    /// Scores of the fields of a table: words through softmax, numbers through sigmoid (Vero et al. 2023).
    Fields,
    /// Pictures this factor smaller, enlarged by cubic curves (Yue et al. 2023).
    LowResolution(usize),
    /// The samples of every local epoch by themselves (Dimitrov et al. 2022).
    Epochs,
    /// Codes of the generator that the attacker is granted (Jeon et al. 2021, Li et al. 2022).
    Latent,
    /// Its weights, at codes that stay (Jeon et al. 2021).
    Weights,
    /// What it makes of its codes behind its n-th non-linearity, 1 or more (Fang et al. 2023).
    Features(usize),
    /// What the equations of the layers leave open of one sample (Chen and Campbell 2021).
    NullSpace,
    /// The weights of a generator that nobody trained, at codes that stay (Zhang et al. 2023).
    Untrained,
}

/// A stretch of a search that begins where the one before it ended.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// What it moves.
    pub variable: VariableKind,
    /// Optimiser steps, 1 or more.
    pub iterations: usize,
    /// Step size.
    pub lr: f64,
    /// Largest sum of absolute changes of one sample's features; without it they are free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub radius: Option<f64>,
}

impl VariableKind {
    /// Whether it needs a generator that the attacker is granted.
    pub fn needs_generator(self) -> bool {
        matches!(self, VariableKind::Latent | VariableKind::Weights | VariableKind::Features(_))
    }

    /// Whether what it finds is made by a network, trained or not: then the same search on noise shows what of it the
    /// network alone makes.
    pub fn is_generated(self) -> bool {
        self.needs_generator() || self == VariableKind::Untrained
    }

    /// For descriptions.
    pub fn title(self) -> String {
        match self {
            VariableKind::Pixels => "pixels".to_owned(),
            VariableKind::Fields => "fields".to_owned(),
            VariableKind::LowResolution(factor) => format!("pictures {factor} times smaller"),
            VariableKind::NullSpace => "what the equations of the layers leave open".to_owned(),
            VariableKind::Epochs => "the samples of each epoch".to_owned(),
            VariableKind::Latent => "codes of a generator".to_owned(),
            VariableKind::Weights => "weights of a generator".to_owned(),
            VariableKind::Features(at) => format!("features {at} of a generator"),
            VariableKind::Untrained => "weights of an untrained generator".to_owned(),
        }
    }

    fn check(self, key: &'static str) -> Result<(), Fault> {
        let fault = |message: String| Err(Fault { key, message: format!("{key} {message}") });
        match self {
            VariableKind::LowResolution(factor) if !(2..=64).contains(&factor) => {
                fault(format!("= {{ low-resolution = {factor} }}, must be 2 to 64"))
            }
            VariableKind::Features(0) => fault("= { features = 0 }, must be 1 or more".to_owned()),
            _ => Ok(()),
        }
    }
}

/// Whether the stretches of a search go on from each other.
pub(super) fn check(first: VariableKind, then: &[Stage]) -> Result<(), Fault> {
    first.check("attack.variable")?;
    let fault =
        |message: String| Err(Fault { key: "attack.then", message: format!("attack.then {message}") });
    if matches!(first, VariableKind::Weights | VariableKind::Features(_)) {
        let message = "begins at codes; set it to \"latent\" and go on under attack.then".to_owned();
        return Err(Fault { key: "attack.variable", message: format!("attack.variable {message}") });
    }
    let mut before = first;
    for stage in then {
        stage.variable.check("attack.then")?;
        if stage.iterations == 0 {
            return fault("iterations = 0, must be 1 or more".to_owned());
        }
        if !(stage.lr.is_finite() && stage.lr > 0.0) {
            return fault(format!("lr = {}, must be finite and above 0", stage.lr));
        }
        if stage.radius.is_some_and(|radius| !(radius.is_finite() && radius > 0.0)) {
            return fault("radius must be finite and above 0".to_owned());
        }
        let goes_on = match (before, stage.variable) {
            (VariableKind::Latent, VariableKind::Weights | VariableKind::Features(_)) => true,
            (VariableKind::Features(from), VariableKind::Features(to)) => to > from,
            _ => false,
        };
        if !goes_on {
            let (from, to) = (before.title(), stage.variable.title());
            return fault(format!(
                "goes from {from} to {to}; it can go from latent to weights or features, and from features to later ones"
            ));
        }
        if stage.radius.is_some() && !matches!(stage.variable, VariableKind::Features(_)) {
            return fault("radius is for features alone".to_owned());
        }
        before = stage.variable;
    }
    Ok(())
}
