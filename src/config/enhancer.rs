//! `knowledge.enhancer`: a network that makes a better picture of a poor one, as `"srcnn.pth"`, or `{ file = "dncnn.pth",
//! residual = "subtract" }`.

use serde::{Deserialize, Serialize};

use super::is_default;

/// A network that the attacker passes its answer through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Named", into = "Named")]
pub struct Enhancer {
    /// Its convolutions.
    pub file: String,
    /// What they give.
    pub residual: Residual,
}

/// What the last layer of an enhancer gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Residual {
    /// The picture.
    #[default]
    None,
    /// What is to be added to it (VDSR).
    Add,
    /// What is to be taken off it (DnCNN).
    Subtract,
}

#[derive(Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "knowledge.enhancer is a file, as \"srcnn.pth\", or { file = \"dncnn.pth\", residual = \"subtract\" } (or \"add\")"
)]
enum Named {
    Plain(String),
    Table {
        file: String,
        #[serde(default, skip_serializing_if = "is_default")]
        residual: Residual,
    },
}

impl From<Named> for Enhancer {
    fn from(named: Named) -> Enhancer {
        match named {
            Named::Plain(file) => Enhancer { file, residual: Residual::None },
            Named::Table { file, residual } => Enhancer { file, residual },
        }
    }
}

impl From<Enhancer> for Named {
    fn from(Enhancer { file, residual }: Enhancer) -> Named {
        match residual {
            Residual::None => Named::Plain(file),
            _ => Named::Table { file, residual },
        }
    }
}
