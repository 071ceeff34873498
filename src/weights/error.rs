//! What can be wrong with a file of weights. Each message says what failed, on what, and what to do.

use std::io;
use std::path::PathBuf;

use super::{MAX_BYTES, Unread, shown};

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WeightFileError {
    /// The path does not exist.
    #[error("{} does not exist: check the path, which is relative to the current folder", path.display())]
    Missing {
        /// As given.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot read {}: {reason}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// A folder, a device or a pipe.
    #[error("{}: {what}; name the file that holds the tensors", path.display())]
    NotAFile {
        /// As given.
        path: PathBuf,
        /// What it is: `it is a pipe (FIFO), not a regular file`.
        what: String,
    },
    /// One of several files is not there.
    #[error(
        "{} needs {shard} beside it (file {number} of {count}), which is not there: download it as well",
        path.display()
    )]
    MissingShard {
        /// The index.
        path: PathBuf,
        /// The file that it names.
        shard: String,
        /// Its number, from 1.
        number: usize,
        /// Files of the checkpoint.
        count: usize,
    },
    /// The files are not those of the index.
    #[error("{} {what}: index and files are of two checkpoints, download both again", path.display())]
    OtherShard {
        /// The index.
        path: PathBuf,
        /// What it says, and what is so.
        what: String,
    },
    /// The content cannot be used.
    #[error("{} {fault}", path.display())]
    Fault {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: Fault,
    },
}

/// What is wrong with the content; reads on after the name of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No known format.
    #[error("is neither safetensors nor a PyTorch file nor npz: save the weights as one of these")]
    Unknown,
    /// A known format that holds no weights for us.
    #[error("is {what}: {instead}")]
    Other {
        /// What it is.
        what: String,
        /// The way to weights.
        instead: String,
    },
    /// Truncated or changed.
    #[error("is damaged or cut off ({0}): copy or download it again")]
    Damaged(String),
    /// Tensors of a kind that is not read.
    #[error("holds {name} as {}, which gialab does not read: save {}", unread.what, unread.instead)]
    Unread {
        /// The first of them.
        name: String,
        /// What it is.
        unread: Unread,
    },
    /// A whole model instead of its state dict.
    #[error(
        "is a whole pickled model ({0}), which takes its own code to open; nothing was run: load it in Python where that \
         code is and save its state dict, torch.save(model.state_dict(), \"weights.pth\")"
    )]
    Model(String),
    /// A pickle that is nothing but an object of some class, or that names what only an attack on its reader has a use
    /// for.
    #[error(
        "asks to run `{0}`; nothing was run: save the state dict alone, torch.save(model.state_dict(), \"weights.pth\")"
    )]
    Code(String),
    /// Within the format, but more than any checkpoint needs.
    #[error("{0}, more than any checkpoint needs; nothing was loaded")]
    Limit(String),
    /// Valid, but nothing that can be used.
    #[error("{0}, which gialab does not read: save plain dense tensors as safetensors")]
    Unsupported(String),
    /// Not a single tensor.
    #[error("holds no tensors: save the state dict, torch.save(model.state_dict(), \"weights.pth\")")]
    Empty,
}

impl Fault {
    /// A file, or what it unpacks to, above [`MAX_BYTES`].
    pub(super) fn too_large(bytes: u64) -> Fault {
        Fault::Limit(format!("takes {bytes} bytes, above the limit of {MAX_BYTES}"))
    }

    pub(super) fn unread(name: &str, unread: Unread) -> Fault {
        Fault::Unread { name: shown(name), unread }
    }

    /// Ends in the middle of something.
    pub(super) fn cut(what: &str) -> Fault {
        Fault::Damaged(format!("it ends within {what}"))
    }
}
