//! gialab: an interactive laboratory for gradient inversion attacks on federated learning.

pub mod attack;
pub mod audit;
pub mod backend;
pub mod bench;
pub mod calibration;
pub mod catalogue;
pub mod cgroup;
pub mod config;
pub mod data;
pub mod device;
pub mod dual;
pub mod equation;
pub mod expectation;
pub mod figure;
pub mod files;
pub mod fl;
pub mod format;
pub mod machine;
pub mod metric;
pub mod model;
pub mod paper;
pub mod paths;
pub mod privacy;
pub mod probe;
pub mod range;
pub mod reading;
pub mod run;
pub mod seed;
pub mod series;
pub mod study;
pub mod sys;
pub mod text;
pub mod threads;
pub mod weights;

#[cfg(feature = "tui")]
pub mod gfx;
#[cfg(feature = "tui")]
pub mod tui;

/// The version of burn this is built on.
pub const BURN_VERSION: &str = "0.21.0";

#[cfg(test)]
mod golden;
