//! Where a command computes, and what to say where `auto` had a choice.

use std::io::Write;

use gialab::backend::{self, Compute};
use gialab::config::RunConfig;
use gialab::model::Net;
use gialab::run::automatic;

use super::output;

/// What `--device` counts: CUDA's devices.
#[derive(clap::Args)]
pub struct Device {
    /// Compute on this CUDA device of several, from 0, as CUDA_VISIBLE_DEVICES leaves them
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    device: Option<usize>,
}

impl Device {
    /// The backend as it was asked for, on this device where one was named.
    ///
    /// # Errors
    /// If the backend has no devices.
    pub fn of(&self, backend: &str) -> anyhow::Result<String> {
        match (self.device, backend) {
            (None, backend) => Ok(backend.to_owned()),
            (Some(_), "auto" | "cuda") => Ok(backend::one_of("cuda", self.device)),
            (Some(number), backend) => {
                let message = format!("is for CUDA; --backend {backend} has no devices");
                Err(gialab::config::ConfigError::new(format!("--device {number}"), message).into())
            }
        }
    }

    /// The number that was named.
    pub fn number(&self) -> Option<usize> {
        self.device
    }
}

/// Whether `backend` leaves a choice between CPU and device, which depends on the network.
pub fn is_open(backend: &str) -> bool {
    backend == "auto" && backend::has_device()
}

/// Says that a machine is timed first, where it is.
pub fn announce(backend: &str) -> std::io::Result<()> {
    if backend == "auto" && automatic::must_measure() {
        writeln!(output::notes(), "CPU and device are timed once, for auto to take the faster")?;
    }
    Ok(())
}

/// Where something of a config is computed on its network; what `auto` came to is said.
pub fn choose(backend: &str, config: &RunConfig, net: &Net) -> anyhow::Result<Compute> {
    announce(backend)?;
    let (compute, chosen) = automatic::resolve(backend, config, net)?;
    if let Some(why) = chosen.why {
        writeln!(output::notes(), "{why}")?;
    }
    Ok(compute)
}
