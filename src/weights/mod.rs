//! Weights from outside: what a `.safetensors`, PyTorch or `.npz` file holds, read without running anything of it.
//!
//! The format is told from the content, never from the name. A file is untrusted: every size is checked against
//! what is really there before anything is allocated, a pickle is interpreted by a machine that knows a few inert
//! words and looks into nothing else, and what goes beyond the limits below is refused in words. Of several state
//! dicts in a file [`Choice`] names one. [`WeightFile::fit`] compares a file with the built-in models.

mod dtype;
mod enhancer;
mod error;
mod fit;
mod generator;
mod identify;
mod keras;
mod level;
mod named;
mod numpy;
mod order;
mod pickle;
mod safetensors;
mod select;
mod shards;
mod shipped;
mod statistics;
mod torch;
mod unread;
mod update;
mod view;
mod walk;
mod zip;

pub use dtype::Dtype;
pub use error::{Fault, WeightFileError};
pub use fit::{Fit, Misfit, Misshapen, Table, Trained, sizes};
pub use generator::TrainedGenerator;
pub(crate) use named::{Named, Plain};
pub use select::is_averaged;
pub use shards::shard;
pub use shipped::{GENERATORS, SHIPPED, shipped};
pub use statistics::Statistics;
pub use unread::Unread;

use std::collections::BTreeMap;
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// A JSON header and raw values.
    #[default]
    Safetensors,
    /// `torch.save` since 1.6: a zip archive around a pickle.
    TorchZip,
    /// `torch.save` before 1.6: pickles followed by raw values.
    TorchLegacy,
    /// A bare pickle of a state dict.
    Pickle,
    /// `numpy.savez`.
    Npz,
    /// `numpy.save`.
    Npy,
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
            Format::Npy => "NumPy (npy)",
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
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WeightFile {
    /// How the file is laid out.
    pub format: Format,
    /// In the order of the file; names are unique.
    pub tensors: Vec<Tensor>,
    /// Names, or places in a list, that have `None` beside tensors: layers that were frozen.
    pub absent: Vec<String>,
    /// Tensors of kinds that are not read: sparse, quantised, fp8.
    pub unread: Vec<(String, Unread)>,
    /// Objects that are not looked into and have tensors inside: whole models.
    pub hidden: Vec<Hidden>,
    /// What else is there and was left out, by kind: numbers, text, objects by their class. Nothing of it was run.
    pub others: BTreeMap<String, usize>,
    /// Numbers that are no tensors, by their paths: a label, or one of a list as `labels.0`.
    pub numbers: Vec<(String, f64)>,
    /// SHA-256 of the file, in hexadecimal; of the index and then its files, if there are several.
    pub sha256: String,
    /// Which of its tensors are meant.
    pub choice: Choice,
}

/// Which tensors of a file are a model's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// The key that they lie under, as `state_dict`, if the file has several state dicts.
    pub key: Option<String>,
    /// By their order, where their names are not the model's.
    pub by_order: bool,
}

/// An object that is not looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// Its path in the file; empty if it is the file.
    pub name: String,
    /// Its class, as `torchvision.models.resnet.ResNet`.
    pub class: String,
}

impl WeightFile {
    /// Opens weights by the name of a shipped victim, or reads a file.
    ///
    /// # Errors
    /// As [`WeightFile::read`].
    pub fn open(weights: &str) -> Result<WeightFile, WeightFileError> {
        match shipped(weights) {
            Some(file) => WeightFile::parse(file)
                .map_err(|fault| WeightFileError::Fault { path: weights.into(), fault }),
            None => WeightFile::read(weights.as_ref()),
        }
    }

    /// Reads a file, or an index of several.
    ///
    /// # Errors
    /// [`WeightFileError`] with the file and what is wrong with it, in one sentence.
    pub fn read(path: &Path) -> Result<WeightFile, WeightFileError> {
        let fault = |fault| WeightFileError::Fault { path: path.into(), fault };
        let bytes = content(path, MAX_BYTES)?;
        match shards::index(&bytes).transpose().map_err(fault)? {
            None => WeightFile::parse(&bytes).map_err(fault),
            Some(index) => {
                let mut left = MAX_BYTES;
                shards::read(path, &bytes, &index, |shard| {
                    let bytes = content(shard, left)?;
                    left -= bytes.len() as u64;
                    Ok(bytes)
                })
            }
        }
    }

    /// Reads the content of a file.
    ///
    /// # Errors
    /// [`Fault`] with what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<WeightFile, Fault> {
        let (format, contents) = parse(bytes)?;
        WeightFile::new(format, contents, hex(&Sha256::digest(bytes)))
    }

    fn new(format: Format, contents: Contents, sha256: String) -> Result<WeightFile, Fault> {
        let Contents { tensors, absent, unread, hidden, others, numbers, whole, .. } = contents;
        if tensors.is_empty() {
            return Err(match (unread.into_iter().next(), hidden.into_iter().next()) {
                (Some((name, unread)), _) => Fault::unread(&name, unread),
                (None, Some(hidden)) => Fault::Model(hidden.class),
                (None, None) => whole.map_or(Fault::Empty, Fault::Code),
            });
        }
        let mut names: Vec<&str> = tensors.iter().map(|tensor| tensor.name.as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Fault::Unsupported(format!("holds {:?} twice", shown(pair[0]))));
        }
        let choice = Choice::default();
        Ok(WeightFile { format, tensors, absent, unread, hidden, others, numbers, sha256, choice })
    }

    /// The same, of which other tensors are meant.
    pub fn choosing(self, choice: Choice) -> WeightFile {
        WeightFile { choice, ..self }
    }

    /// Entries that were left out.
    pub fn left_out(&self) -> usize {
        self.others.values().sum()
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

/// The bytes of a file of at most so many.
fn content(path: &Path, most: u64) -> Result<Vec<u8>, WeightFileError> {
    let io_error = |reason: io::Error| WeightFileError::Io { path: path.into(), reason };
    let fault = |fault| WeightFileError::Fault { path: path.into(), fault };
    if path.is_dir()
        && let Some(what) = identify::folder(path)
    {
        return Err(fault(what));
    }
    let mut file = match crate::files::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(WeightFileError::Missing { path: path.into() });
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            return Err(WeightFileError::NotAFile { path: path.into(), what: error.to_string() });
        }
        file => file.map_err(io_error)?,
    };
    let metadata = file.metadata().map_err(io_error)?;
    if metadata.len() > most {
        return Err(fault(Fault::too_large(metadata.len())));
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    file.by_ref().take(most).read_to_end(&mut bytes).map_err(io_error)?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a reader found.
#[derive(Debug, Default)]
struct Contents {
    tensors: Vec<Tensor>,
    absent: Vec<String>,
    unread: Vec<(String, Unread)>,
    hidden: Vec<Hidden>,
    others: BTreeMap<String, usize>,
    numbers: Vec<(String, f64)>,
    /// The class of an object that is all of the file.
    whole: Option<String>,
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

    /// Counts what is no tensor.
    fn leave_out(&mut self, kind: &str) {
        match self.others.get_mut(kind) {
            Some(count) => *count += 1,
            None => drop(self.others.insert(kind.to_owned(), 1)),
        }
    }

    /// Takes up what another file of the same file holds.
    fn join(&mut self, other: Contents) -> Result<(), Fault> {
        let Contents { tensors, absent, unread, hidden, others, numbers, .. } = other;
        for tensor in tensors {
            self.admit(tensor.values.len())?;
            self.tensors.push(tensor);
        }
        self.absent.extend(absent);
        self.unread.extend(unread);
        self.hidden.extend(hidden);
        self.numbers.extend(numbers);
        for (kind, count) in others {
            *self.others.entry(kind).or_default() += count;
        }
        Ok(())
    }
}

/// Chooses the reader by content.
fn parse(bytes: &[u8]) -> Result<(Format, Contents), Fault> {
    match bytes {
        [] => Err(Fault::Damaged("it is empty".into())),
        // First: the length in front of it can be what others begin with, 0x0280 to 0x0580 as a pickle.
        _ if safetensors::is_one(bytes) => Ok((Format::Safetensors, safetensors::read(bytes)?)),
        [b'P', b'K', 3 | 5, ..] => {
            let archive = zip::Archive::new(bytes)?;
            if let Some(program) = identify::program(&archive) {
                Err(program)
            } else if archive.find(|name| name == "data.pkl" || name.ends_with("/data.pkl")).is_some() {
                Ok((Format::TorchZip, torch::read_zip(&archive)?))
            } else if archive.find(|name| name.ends_with(".npy")).is_some() {
                Ok((Format::Npz, numpy::read(&archive)?))
            } else {
                Err(identify::archive(&archive))
            }
        }
        [0x80, 2..=5, ..] => torch::read_stream(bytes),
        _ if bytes.starts_with(numpy::MAGIC) => Ok((Format::Npy, numpy::read_one(bytes)?)),
        _ if safetensors::looks_like(bytes) => Ok((Format::Safetensors, safetensors::read(bytes)?)),
        _ => Err(identify::file(bytes)),
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
pub(crate) mod forge;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod opaque_tests;
#[cfg(test)]
mod tests;
