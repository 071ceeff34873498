//! What can be wrong with a file of weights. Each message says what failed, on what, and what to do.

use std::io;
use std::path::PathBuf;

use super::MAX_BYTES;

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
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
    #[error("{} is not a file: name the file that holds the weights", path.display())]
    NotAFile {
        /// As given.
        path: PathBuf,
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
    /// Truncated or changed.
    #[error("is damaged or cut off ({0}): copy or download it again")]
    Damaged(String),
    /// A pickle that names something outside the allow-list.
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

    /// Ends in the middle of something.
    pub(super) fn cut(what: &str) -> Fault {
        Fault::Damaged(format!("it ends within {what}"))
    }
}
