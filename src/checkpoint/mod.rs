//! Weights from outside: what a `.safetensors`, PyTorch or `.npz` file holds, read without running anything of it.
//!
//! The format is told from the content, never from the name. A file is untrusted: every size is checked against
//! what is really there before anything is allocated, a pickle is interpreted by a machine that knows a few inert
//! words, and what goes beyond the limits below is refused in words. [`Checkpoint::fit`] compares
//! a file with the built-in models.

mod dtype;
mod error;
mod fit;
mod keras;
mod npz;
mod pickle;
mod safetensors;
mod shipped;
mod statistics;
mod torch;
mod update;
mod view;
mod zip;

pub use dtype::Dtype;
pub use error::{CheckpointError, Fault};
pub use fit::{Fit, Misfit, Misshapen, Table, Trained, sizes};
pub use shipped::{SHIPPED, shipped};
pub use statistics::Statistics;

use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

/// Largest file that is read, and the most it may unpack to, in bytes.
pub const MAX_BYTES: u64 = 2 << 30;
/// Most scalars of all tensors together: twice VGG-16.
pub const MAX_VALUES: usize = 1 << 28;
/// Most tensors.
pub const MAX_TENSORS: usize = 100_000;

/// How a file is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// A JSON header and raw values.
    Safetensors,
    /// `torch.save` since 1.6: a zip archive around a pickle.
    TorchZip,
    /// `torch.save` before 1.6: pickles followed by raw values.
    TorchLegacy,
    /// A bare pickle of a state dict.
    Pickle,
    /// `numpy.savez`.
    Npz,
}

impl Format {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Format::Safetensors => "safetensors",
            Format::TorchZip => "PyTorch (zip)",
            Format::TorchLegacy => "PyTorch (legacy)",
            Format::Pickle => "pickle",
            Format::Npz => "NumPy (npz)",
        }
    }
}

/// One tensor of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Its path in the file: keys joined by dots, as `state_dict.conv1.weight`.
    pub name: String,
    /// Type of the values as stored.
    pub dtype: Dtype,
    /// Sizes; empty for a scalar.
    pub shape: Vec<usize>,
    /// Row-major. Integers above 2^53 are rounded.
    pub values: Vec<f64>,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// How the file is laid out.
    pub format: Format,
    /// In the order of the file; names are unique.
    pub tensors: Vec<Tensor>,
    /// Entries that are no tensors (epochs, settings) and were left out.
    pub others: usize,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
}

impl Checkpoint {
    /// Opens weights by the name of a shipped victim, or reads a file.
    ///
    /// # Errors
    /// As [`Checkpoint::read`].
    pub fn open(weights: &str) -> Result<Checkpoint, CheckpointError> {
        match shipped(weights) {
            Some(file) => Checkpoint::parse(file)
                .map_err(|fault| CheckpointError::Fault { path: weights.into(), fault }),
            None => Checkpoint::read(weights.as_ref()),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`CheckpointError`] with the file and what is wrong with it, in one sentence.
    pub fn read(path: &Path) -> Result<Checkpoint, CheckpointError> {
        let io_error = |reason: io::Error| CheckpointError::Io { path: path.into(), reason };
        let mut file = match crate::files::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(CheckpointError::Missing { path: path.into() });
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                return Err(CheckpointError::NotAFile { path: path.into() });
            }
            file => file.map_err(io_error)?,
        };
        let metadata = file.metadata().map_err(io_error)?;
        let fault = |fault| CheckpointError::Fault { path: path.into(), fault };
        if metadata.len() > MAX_BYTES {
            return Err(fault(Fault::too_large(metadata.len())));
        }
        let mut bytes = Vec::with_capacity(metadata.len() as usize);
        file.by_ref().take(MAX_BYTES).read_to_end(&mut bytes).map_err(io_error)?;
        Checkpoint::parse(&bytes).map_err(fault)
    }

    /// Reads the content of a file.
    ///
    /// # Errors
    /// [`Fault`] with what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Checkpoint, Fault> {
        let (format, contents) = parse(bytes)?;
        let Contents { tensors, others, .. } = contents;
        if tensors.is_empty() {
            return Err(Fault::Empty);
        }
        let mut names: Vec<&str> = tensors.iter().map(|tensor| tensor.name.as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Fault::Unsupported(format!("holds {:?} twice", shown(pair[0]))));
        }
        let sha256 = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Checkpoint { format, tensors, others, sha256 })
    }

    /// Scalars of all tensors.
    pub fn count(&self) -> usize {
        self.tensors.iter().map(|tensor| tensor.values.len()).sum()
    }

    /// Scalars that are trained, as far as names tell: without BatchNorm's running statistics and counters.
    pub fn parameter_count(&self) -> usize {
        let kept = |name: &str| {
            let last = name.rsplit('.').next().unwrap_or(name);
            ["running_mean", "running_var", "num_batches_tracked"].contains(&last)
        };
        let trained = self.tensors.iter().filter(|tensor| !kept(&tensor.name));
        trained.map(|tensor| tensor.values.len()).sum()
    }
}

/// What a reader found.
#[derive(Debug, Default)]
struct Contents {
    tensors: Vec<Tensor>,
    others: usize,
    /// Scalars admitted so far.
    values: usize,
}

impl Contents {
    /// Room for a tensor of so many scalars, or the limit that it breaks.
    fn admit(&mut self, count: usize) -> Result<(), Fault> {
        if self.tensors.len() >= MAX_TENSORS {
            return Err(Fault::Limit(format!("holds more than {MAX_TENSORS} tensors")));
        }
        self.values = self.values.saturating_add(count);
        if self.values > MAX_VALUES {
            return Err(Fault::Limit(format!("holds more than {MAX_VALUES} values")));
        }
        Ok(())
    }
}

/// Chooses the reader by content.
fn parse(bytes: &[u8]) -> Result<(Format, Contents), Fault> {
    match bytes {
        [] => Err(Fault::Damaged("it is empty".into())),
        [b'P', b'K', 3 | 5, ..] => {
            let archive = zip::Archive::new(bytes)?;
            if archive.find(|name| name == "data.pkl" || name.ends_with("/data.pkl")).is_some() {
                Ok((Format::TorchZip, torch::read_zip(&archive)?))
            } else if archive.find(|name| name.ends_with(".npy")).is_some() {
                Ok((Format::Npz, npz::read(&archive)?))
            } else {
                Err(Fault::Unknown)
            }
        }
        [0x80, 2..=5, ..] => torch::read_stream(bytes),
        _ if safetensors::looks_like(bytes) => Ok((Format::Safetensors, safetensors::read(bytes)?)),
        _ => Err(Fault::Unknown),
    }
}

/// A name from a file as it may be shown: no control characters, not endless.
fn shown(name: &str) -> String {
    const MOST: usize = 100;
    let mut text: String = name.chars().take(MOST).flat_map(char::escape_default).collect();
    if name.chars().nth(MOST).is_some() {
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod fit_tests;
#[cfg(test)]
mod forge;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
