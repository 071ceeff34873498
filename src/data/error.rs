//! What can be wrong with the data a run names. Each message says what failed, on what, and what to do.

use std::io;
use std::path::PathBuf;

use super::{MAX_SIDE, MIN_SIDE, picture};

/// Data that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Neither a built-in set nor anything on disk.
    #[error(
        "no data set is called {name:?}{}; the built-in sets are {known}, anything else is a path",
        did_you_mean(*nearest)
    )]
    UnknownSet {
        /// What was asked for.
        name: String,
        /// The built-in set with the most similar name.
        nearest: Option<&'static str>,
        /// Names of the built-in sets, comma separated.
        known: String,
    },
    /// The path does not exist.
    #[error("{} does not exist: check the path, which is relative to the current folder", path.display())]
    Missing {
        /// As given.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot read {}: {reason}", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// A device, a pipe or a socket.
    #[error("{} is neither a file nor a folder: copy the data into a file first", path.display())]
    NotAFile {
        /// As given.
        path: PathBuf,
    },
    /// The content is of no kind that can be read.
    #[error(
        "{} is neither a picture (PNG, JPEG, ..) nor an IDX file nor CIFAR binary nor a table (.csv, .tsv): \
         convert it to one of these",
        path.display()
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// A kind of file that is known and not read.
    #[error("{} is {what}: {remedy}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// With its article.
        what: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// A picture of which a part is missing.
    #[error("{} is {}: fetch it again, or remove it", path.display(), if *empty { "empty" } else { "cut off" })]
    CutPicture {
        /// The file.
        path: PathBuf,
        /// Nothing is left of it.
        empty: bool,
    },
    /// A picture that cannot be decoded.
    #[error("{} is not a readable picture ({reason}): convert it to PNG or JPEG", path.display())]
    NotAPicture {
        /// The file.
        path: PathBuf,
        /// What the decoder found.
        reason: String,
    },
    /// Too few pixels to attack.
    #[error(
        "{} is {width}x{height} pixels, too small: use pictures of {min}x{min} or more",
        path.display(), min = MIN_SIDE
    )]
    TooSmall {
        /// The file.
        path: PathBuf,
        /// Pixels.
        width: usize,
        /// Pixels.
        height: usize,
    },
    /// More pixels than are decoded; small files can claim billions.
    #[error(
        "{} is {width}x{height} pixels, too large: scale it down to {max}x{max} or less",
        path.display(), max = picture::MAX_DECODED_SIDE
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Pixels.
        width: usize,
        /// Pixels.
        height: usize,
    },
    /// A set too large for memory.
    #[error("{} holds more than {} MiB: take a part of it", path.display(), most >> 20)]
    TooManyBytes {
        /// The file.
        path: PathBuf,
        /// Bytes that are read at most.
        most: u64,
    },
    /// A folder with nothing in it.
    #[error("{} is an empty folder: put pictures into it, or sub-folders as classes", path.display())]
    EmptyFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A folder without pictures.
    #[error(
        "{} holds no pictures: put files named .png, .jpg or .jpeg into it or into sub-folders, \
         or name one IDX, CIFAR or CSV file",
        path.display()
    )]
    NoPictures {
        /// The folder.
        path: PathBuf,
    },
    /// A folder of files that are not read.
    #[error("{} holds no pictures that are read, but {found}: {remedy}", path.display())]
    OtherFiles {
        /// The folder.
        path: PathBuf,
        /// Kinds and numbers of its files.
        found: String,
        /// What to do with them.
        remedy: &'static str,
    },
    /// Pictures below several folders, deeper than classes are.
    #[error(
        "{} has its pictures in folders below its sub-folders ({folders}): classes are the folders directly below the \
         one that is named; name one of them, such as {}, or move the pictures up",
        path.display(), first.display()
    )]
    Deep {
        /// The folder.
        path: PathBuf,
        /// Names of its sub-folders, comma separated.
        folders: String,
        /// The first of them.
        first: PathBuf,
    },
    /// Pictures both beside and inside sub-folders: their classes would be a guess.
    #[error(
        "{} holds pictures and also sub-folders with pictures: move them all into sub-folders, one for each class",
        path.display()
    )]
    MixedFolder {
        /// The folder.
        path: PathBuf,
    },
    /// Nothing but `train`, `val` and `test`.
    #[error(
        "{} holds parts of a set ({splits}), not classes: name one of them, such as {}",
        path.display(), first.display()
    )]
    Splits {
        /// The folder.
        path: PathBuf,
        /// Names of its sub-folders, comma separated.
        splits: String,
        /// The first of them.
        first: PathBuf,
    },
    /// A flat folder would make each of its pictures a class.
    #[error(
        "{} holds {pictures} pictures side by side, each of which would be a class; \
         more than {max} need sub-folders, one for each class",
        path.display()
    )]
    TooManyClasses {
        /// The folder.
        path: PathBuf,
        /// Pictures in it.
        pictures: usize,
        /// Allowed.
        max: usize,
    },
    /// Fewer bytes than the header promises.
    #[error("{} is truncated: {expected} bytes expected, {found} found; fetch it again", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes after decompression.
        expected: u64,
        /// Bytes after decompression.
        found: u64,
    },
    /// More bytes than the header promises.
    #[error("{} has more than the {expected} bytes its header promises; fetch it again", path.display())]
    Overlong {
        /// The file.
        path: PathBuf,
        /// Bytes after decompression.
        expected: u64,
    },
    /// Another kind of IDX file, or none.
    #[error(
        "{} starts with {found:#010x}, but {what} start with {expected:#010x}: {hint}",
        path.display(), hint = magic_hint(*found)
    )]
    WrongMagic {
        /// The file.
        path: PathBuf,
        /// What was to be read: `IDX images`, `IDX labels`.
        what: &'static str,
        /// First four bytes, big-endian.
        found: u32,
        /// First four bytes of the right kind.
        expected: u32,
    },
    /// No labels file beside an IDX images file.
    #[error(
        "{} has no labels beside it: put {tried} into the same folder (the name with \
         images-idx3 replaced by labels-idx1, plain or .gz)",
        path.display()
    )]
    NoLabels {
        /// The images file.
        path: PathBuf,
        /// File name that was looked for.
        tried: String,
    },
    /// Images and labels of different sets.
    #[error(
        "{} holds {images} images, but {} holds {labels} labels: use files of the same set",
        path.display(), labels_path.display()
    )]
    CountMismatch {
        /// The images file.
        path: PathBuf,
        /// The labels file.
        labels_path: PathBuf,
        /// Images.
        images: usize,
        /// Labels.
        labels: usize,
    },
    /// A set without samples.
    #[error("{} holds no samples", path.display())]
    NoSamples {
        /// The file.
        path: PathBuf,
    },
    /// A file of arrays that is no set of labelled pictures.
    #[error("{} {what}", path.display())]
    Arrays {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what would be right.
        what: String,
    },
    /// Not a whole number of CIFAR records.
    #[error(
        "{} has {length} bytes, which is a multiple neither of the 3073 of a CIFAR-10 record nor of the 3074 of a \
         CIFAR-100 record: it is truncated or not CIFAR binary",
        path.display()
    )]
    CifarLength {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        length: u64,
    },
    /// A label without a class.
    #[error(
        "{}: record {record} has label {label} but only {classes} class names: \
         list them all, one a line, in {names} beside it",
        path.display()
    )]
    LabelWithoutClass {
        /// The file.
        path: PathBuf,
        /// Position in the file, from 0.
        record: usize,
        /// The label.
        label: usize,
        /// Classes that are named.
        classes: usize,
        /// File of the class names.
        names: &'static str,
    },
    /// A table that cannot be read.
    #[error("{}: {reason}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// A column that cannot be used as it is.
    #[error("{}, column {column}: {reason}", path.display())]
    Column {
        /// The table.
        path: PathBuf,
        /// Name of the column.
        column: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A schema that does not describe its table.
    #[error("{}: {reason}", path.display())]
    Schema {
        /// The schema's file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A row has no side.
    #[error("{set} is a table, its rows have no size in pixels: leave victim.size out (--set victim.size=)")]
    SizeOfTable {
        /// Name of the set.
        set: String,
    },
    /// Normalisation constants for another number of channels.
    #[error(
        "victim.normalise has {given} means and deviations, but the samples of {set} have {channels} channels: \
         give one for each"
    )]
    Channels {
        /// Constants given.
        given: usize,
        /// Name of the set.
        set: String,
        /// Channels of its samples.
        channels: usize,
    },
    /// Fewer samples than are to be drawn.
    #[error("victim.sample asks for {count} {what} of {set}, which has {len}; set a smaller count")]
    TooFewSamples {
        /// Samples asked for.
        count: usize,
        /// Of which kind: `samples of one class`.
        what: String,
        /// Name of the set.
        set: String,
        /// How many there are at most.
        len: usize,
    },
    /// No such class to draw from.
    #[error("victim.sample.classes names class {class} of {set}, which has {classes}: use 0 to {}", classes.saturating_sub(1))]
    NoSuchClass {
        /// Asked for.
        class: usize,
        /// Name of the set.
        set: String,
        /// Classes in it.
        classes: usize,
    },
    /// No such sample.
    #[error("sample {index} of {set}, which has {len}: use 0 to {}", len.saturating_sub(1))]
    NoSuchSample {
        /// Asked for.
        index: usize,
        /// Name of the set.
        set: String,
        /// Samples in it.
        len: usize,
    },
    /// More samples than there are.
    #[error("a batch of {batch} samples from {set}, which has {len}: use {len} or fewer")]
    BatchTooLarge {
        /// Samples asked for.
        batch: usize,
        /// Name of the set.
        set: String,
        /// Samples in it.
        len: usize,
    },
    /// No samples asked for.
    #[error("a batch of no samples from {set}: name at least one index")]
    EmptyBatch {
        /// Name of the set.
        set: String,
    },
    /// A side that is no use or no memory would hold.
    #[error("images of {width}x{height} pixels: set the size to {MIN_SIDE} to {MAX_SIDE} pixels")]
    Size {
        /// Pixels.
        width: usize,
        /// Pixels.
        height: usize,
    },
    /// One batch, several sizes.
    #[error(
        "the batch mixes images of {}x{} and {}x{} pixels ({name} of {set}): set a size for all of them",
        first.1, first.0, other.1, other.0
    )]
    MixedSizes {
        /// Name of the set.
        set: String,
        /// Name of the sample that differs.
        name: String,
        /// Height and width of the first sample.
        first: (usize, usize),
        /// Height and width of the one that differs.
        other: (usize, usize),
    },
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|name| format!(", did you mean {name}?")).unwrap_or_default()
}

fn magic_hint(found: u32) -> &'static str {
    match found {
        super::idx::LABELS_MAGIC => "these are IDX labels, name the images file",
        super::idx::IMAGES_MAGIC => "these are IDX images, a labels file is needed",
        0x0000_0900..=0x0000_0eff => "only IDX files of unsigned bytes are read",
        _ => "it is not such a file",
    }
}
