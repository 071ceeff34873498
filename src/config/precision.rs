//! The width of floats.

use serde::{Deserialize, Serialize};

/// Floating-point width of a computation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bit. The matrix units of a GPU may round factors of products to TF32, 10 bits of mantissa.
    #[default]
    F32,
    /// 64 bit, everywhere.
    F64,
}

impl Precision {
    /// As a user types them.
    pub const NAMES: [&'static str; 2] = ["f32", "f64"];

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "f32" => Some(Precision::F32),
            "f64" => Some(Precision::F64),
            _ => None,
        }
    }

    /// What a header says of it after the name of a backend; nothing of what is usual.
    pub fn on(self, backend: &str) -> &'static str {
        match (self, backend) {
            (Precision::F32, "cuda") => ", 32 bit or TF32",
            (Precision::F32, _) => "",
            (Precision::F64, _) => ", 64 bit",
        }
    }

    /// Bytes of one float.
    pub fn bytes(self) -> u64 {
        match self {
            Precision::F32 => 4,
            Precision::F64 => 8,
        }
    }
}
