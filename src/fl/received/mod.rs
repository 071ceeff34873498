//! The client that looks: what a model that was received shows of a server that made it to leak. No test knows an attack; each
//! compares with the model that was agreed on, or looks at what the model does with the client's own samples.
//!
//! A new test is a function in [`tensors`] or [`samples`], and a line in [`TESTS`].

mod samples;
mod tensors;
#[cfg(test)]
mod tests;

use serde::Serialize;

pub use samples::of_samples;
pub use tensors::{Named, between, of_tensors};

/// A test of a received model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Test {
    /// In lists.
    pub name: &'static str,
    /// What it looks at.
    pub about: &'static str,
    /// Whose it is.
    pub source: &'static str,
}

/// All tests, in the order in which they are made.
pub static TESTS: [Test; 9] = [
    Test {
        name: "architecture",
        about: "tensors that were added, are missing, or have another shape than was agreed on",
        source: "Guo et al. 2025, arXiv 2503.11514 (validation of the model); ours in detail",
    },
    Test {
        name: "alike rows",
        about: "rows or columns of a weight that are multiples of each other",
        source: "ours; Fowl et al. 2022 name it as how their layer would be seen",
    },
    Test { name: "silent rows", about: "rows of a weight that are zero and were not", source: "ours" },
    Test { name: "rank", about: "a weight of low rank that was not", source: "ours" },
    Test { name: "extremes", about: "values far beyond those of the same tensor before", source: "ours" },
    Test { name: "change", about: "a tensor that moved by several times its norm", source: "ours" },
    Test {
        name: "single neurons",
        about: "neurons that one sample of the client's batch alone switches on",
        source: "ours; Boenisch et al. 2023 describe it of their weights",
    },
    Test {
        name: "D-SNR",
        about: "a layer whose gradient is one sample's: its norm to the root of the sum of the others' squares",
        source: "Garov et al., ICLR 2024, arXiv 2306.03013",
    },
    Test {
        name: "other clients",
        about: "clients of one round that were sent different models",
        source: "ours; Zhao et al. 2024 say that such a check stops their attack",
    },
];

/// Something that speaks against a received model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// The test that found it.
    pub test: &'static str,
    /// In a sentence.
    pub words: String,
}

impl Finding {
    fn new(test: &'static str, words: String) -> Finding {
        debug_assert!(TESTS.iter().any(|known| known.name == test), "{test}");
        Finding { test, words }
    }
}
