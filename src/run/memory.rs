//! What a run needs of memory, before it starts, against what there is.

use crate::backend::Compute;
use crate::config::{BatchNormMode, RunConfig};
use crate::machine::Machine;
use crate::model::{self, Net};

/// The program itself, pictures and metrics.
const PROGRAM: u64 = 64 << 20;

/// Copies of the parameters that live at once: theta on the device and in the computer's memory, the observed update,
/// g, v and what makes them.
const COPIES: u64 = 7;

/// A run's need. An estimate from the shapes alone; measured peaks lie 10 to 40 percent below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Bytes for any batch.
    pub fixed: u64,
    /// Bytes more for each sample that is computed at once.
    pub per_sample: u64,
}

/// How a run fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// All samples at once.
    Whole,
    /// At most so many samples at once: the gradient of a batch is the mean of those of its parts.
    Parts(usize),
}

/// Why a run does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this run needs about {needed} of memory and {available} are free; {remedy}")]
pub struct TooLarge {
    needed: String,
    available: String,
    remedy: String,
}

impl Need {
    /// Of a config on its network.
    pub fn of(config: &RunConfig, net: &Net, backend: &str) -> Need {
        let float = config.run.precision.bytes();
        // Inputs and gradients of pass 1, tangents of pass 2, what is on its way; a tape holds each operation's.
        let direct = backend == "flex" && model::needs_no_tape(net);
        let maps = if direct { 4 } else { 8 };
        let parameters = float * net.parameter_count() as u64;
        // Kernels transformed for Winograd's algorithm have 36 entries for 9; two of them and their gradient.
        let kernels = net.parameter_specs().iter().filter(|spec| spec.shape.ends_with(&[3, 3]));
        let largest = kernels.map(|spec| float * spec.count() as u64).max().unwrap_or(0);
        let transformed = if direct { 3 * 4 * largest } else { 0 };
        let states = if config.federation.local().is_some() { 1 << 30 } else { 0 };
        // States of local steps are kept up to that size; fewer where fewer are made.
        let steps = config.federation.local().map_or(0, |local| {
            let per_epoch =
                config.batch().div_ceil(local.batch.map_or(config.batch(), |b| b as usize).max(1));
            2 * parameters * (u64::from(local.epochs) * per_epoch as u64)
        });
        Need {
            fixed: PROGRAM + COPIES * parameters + transformed + steps.min(states),
            per_sample: maps * float * net.entries(),
        }
    }

    /// How a batch fits into `available` bytes. Only a gradient in eval mode may be taken in parts.
    ///
    /// # Errors
    /// [`TooLarge`], with what would help.
    pub fn fit(self, batch: usize, in_parts: bool, available: u64) -> Result<Fit, TooLarge> {
        let all = self.fixed + self.per_sample * batch as u64;
        if all <= available {
            return Ok(Fit::Whole);
        }
        let most = (available.saturating_sub(self.fixed) / self.per_sample.max(1)) as usize;
        if in_parts && most >= 1 {
            return Ok(Fit::Parts(most));
        }
        let remedy = match most {
            0 => "take a smaller model, smaller pictures, or a machine with more".to_owned(),
            1 => "one sample would fit".to_owned(),
            most => format!("a batch of {most} would fit"),
        };
        Err(TooLarge { needed: gigabytes(all), available: gigabytes(available), remedy })
    }
}

/// How a run fits on this machine now; whole where the system does not tell.
///
/// # Errors
/// [`TooLarge`].
pub fn fit(config: &RunConfig, net: &Net, compute: &Compute) -> Result<Fit, TooLarge> {
    let available = match compute.name() {
        "cuda" => crate::sys::cuda_memory(),
        _ => Machine::look().available,
    };
    let Some(available) = available else { return Ok(Fit::Whole) };
    let in_parts = config.federation.local().is_none() && config.victim.mode != BatchNormMode::Train;
    Need::of(config, net, compute.name()).fit(config.batch(), in_parts, available)
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::preset;

    #[test]
    fn twice_the_width_needs_twice_the_memory() {
        let net = model::architecture("resnet18").unwrap();
        let net = net.net(&Default::default(), [3, 32, 32], 10).unwrap();
        let of = |precision| {
            let change = [format!("run.precision={precision}")];
            let preset = preset::load("ig-resnet18", &change, "/nonexistent".as_ref()).unwrap();
            Need::of(&preset.config, &net, "flex")
        };
        let (narrow, wide) = (of("f32"), of("f64"));
        assert_eq!(wide.per_sample, 2 * narrow.per_sample);
        assert_eq!(wide.fixed - PROGRAM, 2 * (narrow.fixed - PROGRAM));
    }

    #[test]
    fn a_batch_is_whole_in_parts_or_refused() {
        let need = Need { fixed: 1_000_000_000, per_sample: 500_000_000 };
        assert_eq!(need.fit(4, true, 3_000_000_000), Ok(Fit::Whole));
        assert_eq!(need.fit(4, true, 2_999_999_999), Ok(Fit::Parts(3)));
        let refused = need.fit(4, false, 2_999_999_999).unwrap_err().to_string();
        assert_eq!(
            refused,
            "this run needs about 3.0 GB of memory and 3.0 GB are free; a batch of 3 would fit"
        );
        let refused = need.fit(1, true, 1_200_000_000).unwrap_err().to_string();
        assert!(
            refused.ends_with("take a smaller model, smaller pictures, or a machine with more"),
            "{refused}"
        );
    }
}
