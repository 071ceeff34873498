//! Samples and data sets: the readers, the sets built into the program, how images are cropped, resized and
//! normalised, how a batch is drawn, and how a set is spread over clients.
//!
//! Everything here is plain numbers on the host; tensors are made of them elsewhere. [`open`] finds a set by
//! name or path, [`Dataset::batch`] yields the client's private batch. What cannot be read is refused with a
//! [`DataError`], never guessed at.
//!
//! ```
//! let set = gialab::data::open("photos")?;
//! let batch = set.batch(&[0, 2], Some(32))?;
//! assert_eq!(batch.images.shape(), [2, 3, 32, 32]);
//! let values = set.normalisation().apply(&batch.images);
//! assert_eq!(values.len(), 2 * 3 * 32 * 32);
//! # Ok::<(), gialab::data::DataError>(())
//! ```

mod arrays;
mod builtin;
mod cifar;
mod cifar_python;
mod draw;
mod error;
mod folder;
mod foreign;
mod gzip;
mod idx;
mod images;
mod normalisation;
mod partition;
mod picture;
mod raster;
mod statistics;
mod table;

pub use builtin::{CatalogueEntry, catalogue};
pub use error::DataError;
pub use images::Images;
pub use normalisation::Normalisation;
pub use partition::{held_out, partition};
pub use table::{
    Column, ColumnKind, Field, FieldAccuracy, TOLERANCE, Table, Value, field_accuracy, right_fields,
};

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use self::picture::Picture;
use self::raster::Raster;
use crate::reading::Reading;

pub use crate::config::{MAX_SIDE, MIN_SIDE};
/// Largest data set file that is read, in bytes after decompression.
const MAX_BYTES: u64 = 2 << 30;
/// Classes of a set that names fewer than two, and of pictures without classes of their own.
const DEFAULT_CLASSES: usize = 10;

/// Labelled samples of one kind. Pictures are decoded only when a batch asks for them.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Name of the built-in set, or of the file or folder.
    pub name: String,
    /// Class names; labels are positions in it.
    pub classes: Vec<String>,
    /// 1 (grey, or a table) or 3 (red, green, blue).
    pub channels: usize,
    /// Height and width of every sample in pixels; absent where they may differ. Rows of a table are as many
    /// values wide and 1 high.
    pub size: Option<(usize, usize)>,
    /// What the values mean, if the samples are rows of a table.
    pub table: Option<Table>,
    /// How its files were read.
    pub reading: Reading,
    /// The set's published normalisation, if it has one.
    known: Option<Normalisation>,
    labels: Vec<usize>,
    samples: Samples,
}

/// Where the pixels are.
#[derive(Debug, Clone)]
enum Samples {
    /// 8-bit pixels `[samples, channels, height, width]`.
    Stored { height: usize, width: usize, pixels: Vec<u8> },
    /// One picture each.
    Pictures(Vec<Picture>),
    /// Values in [0, 1], `[samples, width]`.
    Rows { width: usize, values: Vec<f64> },
}

/// The private samples of one client.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// `[samples, channels, height, width]`, range [0, 1]; exact 8-bit levels, unless they are rows of a table.
    pub images: Images,
    /// One per sample.
    pub labels: Vec<usize>,
    /// One per sample, for people.
    pub names: Vec<String>,
}

impl Batch {
    /// The samples of a class alone.
    #[must_use]
    pub fn of_class(&self, class: usize) -> Batch {
        let own: Vec<usize> = (0..self.labels.len()).filter(|i| self.labels[*i] == class).collect();
        self.in_order(&own)
    }

    /// The samples at these places.
    #[must_use]
    pub fn in_order(&self, places: &[usize]) -> Batch {
        let pixels = places.iter().flat_map(|i| self.images.sample(*i).iter().copied()).collect();
        Batch {
            images: Images { samples: places.len(), pixels, ..self.images },
            labels: places.iter().map(|i| self.labels[*i]).collect(),
            names: places.iter().filter_map(|i| self.names.get(*i).cloned()).collect(),
        }
    }
}

impl Dataset {
    /// Number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Values of each field of a row, where samples are rows of a table.
    pub fn fields(&self) -> Option<Arc<[usize]>> {
        self.table.as_ref().map(|table| table.columns.iter().map(|of| of.kind.width()).collect())
    }

    /// Whether there are no samples; no set that [`open`] returns is empty.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The samples of another part of the same set behind its own; `None` if theirs are of another size.
    fn joined(mut self, other: Dataset) -> Option<Dataset> {
        let (
            Samples::Stored { height, width, pixels },
            Samples::Stored { height: h, width: w, pixels: more },
        ) = (&mut self.samples, &other.samples)
        else {
            return None;
        };
        if (*height, *width, self.channels) != (*h, *w, other.channels) {
            return None;
        }
        pixels.extend_from_slice(more);
        self.labels.extend(other.labels);
        Some(self)
    }

    /// Class of sample `i`, less than the number of classes.
    pub fn label(&self, i: usize) -> Option<usize> {
        self.labels.get(i).copied()
    }

    /// Classes of all samples.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// Name of sample `i` for people: the picture's file name without extension, or class and position.
    pub fn sample_name(&self, i: usize) -> Option<String> {
        let label = self.label(i)?;
        Some(match &self.samples {
            Samples::Pictures(pictures) => pictures[i].name(),
            Samples::Stored { .. } | Samples::Rows { .. } => format!("{} #{i}", self.classes[label]),
        })
    }

    /// The samples at `indices`, which may repeat.
    ///
    /// With a `size`, an image is cropped to its largest centred square and resized to `size` x `size` with a
    /// Lanczos filter (a = 3), rounded to 8 bit; without one it keeps its own. Rows of a table have none.
    ///
    /// # Errors
    /// [`DataError`] if there are no indices, more than samples, or one out of range; if the size is not
    /// [`MIN_SIDE`] to [`MAX_SIDE`], or one is given for a table; if images of several sizes meet without one;
    /// if a picture cannot be read.
    pub fn batch(&self, indices: &[usize], size: Option<usize>) -> Result<Batch, DataError> {
        let set = || self.name.clone();
        if indices.is_empty() {
            return Err(DataError::EmptyBatch { set: set() });
        }
        if indices.len() > self.len() {
            return Err(DataError::BatchTooLarge { batch: indices.len(), set: set(), len: self.len() });
        }
        match size {
            Some(_) if self.table.is_some() => return Err(DataError::SizeOfTable { set: set() }),
            Some(side) => check_size(side, side)?,
            None => {}
        }
        let mut batch = Batch {
            images: Images { samples: 0, channels: self.channels, height: 0, width: 0, pixels: Vec::new() },
            labels: Vec::with_capacity(indices.len()),
            names: Vec::with_capacity(indices.len()),
        };
        let images = &mut batch.images;
        for &index in indices {
            let (Some(label), Some(name)) = (self.label(index), self.sample_name(index)) else {
                return Err(DataError::NoSuchSample { index, set: set(), len: self.len() });
            };
            let (other, values) = self.values(index, size)?;
            let first = (images.height, images.width);
            if images.samples > 0 && first != other {
                return Err(DataError::MixedSizes { set: set(), name, first, other });
            }
            (images.height, images.width) = other;
            images.pixels.extend(values);
            images.samples += 1;
            batch.labels.push(label);
            batch.names.push(name);
        }
        Ok(batch)
    }

    /// Reads every picture of these samples, as [`Dataset::batch`] does one by one while others wait.
    ///
    /// # Errors
    /// As [`Dataset::batch`], of the first that cannot be used.
    pub fn check(&self, samples: &[usize], size: Option<usize>) -> Result<(), DataError> {
        if !matches!(self.samples, Samples::Pictures(_)) {
            return Ok(());
        }
        let read = |&sample: &usize| self.batch(&[sample], size).map(drop);
        samples.par_iter().map(read).collect::<Vec<_>>().into_iter().collect()
    }

    /// Height, width and values of sample `i`, which exists.
    fn values(&self, i: usize, size: Option<usize>) -> Result<((usize, usize), Vec<f64>), DataError> {
        let raster = match &self.samples {
            Samples::Rows { width, values } => {
                return Ok(((1, *width), values[i * width..(i + 1) * width].to_vec()));
            }
            Samples::Stored { height, width, pixels } => {
                let length = self.channels * height * width;
                let bytes = pixels[i * length..(i + 1) * length].to_vec();
                Raster { channels: self.channels, height: *height, width: *width, bytes }
            }
            Samples::Pictures(pictures) => pictures[i].decode()?,
        };
        let Raster { height, width, bytes, .. } = match size {
            Some(side) => raster.square(side),
            None => raster,
        };
        check_size(height, width)?;
        Ok(((height, width), bytes.into_iter().map(|byte| f64::from(byte) / 255.0).collect()))
    }
}

/// Opens a data set: a built-in one by name (see [`catalogue`]), or a path: one picture (PNG, JPEG, BMP, WebP,
/// TIFF, PNM), a folder of them, IDX images (plain or .gz, labels beside them), CIFAR-10 or CIFAR-100 binary or as
/// Python's pickles (a file, or the folder of all), 8-bit pictures and labels in an .npz (MedMNIST, Keras), or a table
/// as text (.csv, .tsv, .data, .txt, plain or .gz). A built-in name wins over a path; `./photos` is always a path. What
/// a file leaves open is told from its content, and said in [`Dataset::reading`].
///
/// The columns of a table are typed by `NAME.schema.toml` beside `NAME.csv` (`target = "income"`, and below
/// `[columns]` lines such as `age = { kind = "numeric", min = 0, max = 120 }`,
/// `sex = { kind = "categorical", values = ["female", "male"] }` and `id = { kind = "ignore" }`), and by their
/// content where that says nothing. The target is then the one column named `target`, `label`, `class` or `y`, else
/// the last. `header = true` or `false` says whether the first line holds the names, `missing = "drop"` or `"mean"`
/// what becomes of fields without a value, which are refused among numbers if nothing is said.
///
/// # Errors
/// [`DataError`] if there is no such set or path, or its content cannot be used.
pub fn open(data: &str) -> Result<Dataset, DataError> {
    if let Some(set) = builtin::open(data) {
        return set;
    }
    let path = Path::new(data);
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(not_found(data)),
        Err(reason) => return Err(io_error(path, reason)),
    };
    let mut set = if metadata.is_dir() && cifar_python::is_folder(path) {
        cifar_python::open_folder(path)?
    } else if metadata.is_dir() {
        folder::open(path)?
    } else if metadata.is_file() {
        open_file(path, metadata.len())?
    } else {
        return Err(DataError::NotAFile { path: path.into() });
    };
    set.reading = set.reading.of(&set.name);
    Ok(set)
}

/// Chooses the reader by content, and by name where the content could be anything.
fn open_file(path: &Path, length: u64) -> Result<Dataset, DataError> {
    let mut start = Vec::new();
    crate::files::open(path)
        .and_then(|file| file.take(512).read_to_end(&mut start))
        .map_err(|reason| io_error(path, reason))?;
    let name = name_of(path);
    if picture::begins(&start) {
        picture::open(path)
    } else if arrays::is_arrays(path, &start) {
        arrays::open(path)
    } else if let Some(kind) = foreign::kind(path) {
        Err(DataError::Foreign { path: path.into(), what: kind.what, remedy: kind.remedy })
    } else if foreign::is_table(path) {
        table::open(path)
    } else if name.ends_with(".bin") {
        cifar::open(path)
    } else if matches!(start[..], [0x1f, 0x8b, ..] | [0, 0, 8, 1 | 3, ..]) || name.contains("-ubyte") {
        idx::open(path)
    } else if folder::is_picture(path) {
        picture::open(path)
    } else if length > 0 && cifar::is_whole(length) {
        cifar::open(path)
    } else if foreign::is_text(&start) {
        table::open(path)
    } else {
        Err(DataError::UnknownFormat { path: path.into() })
    }
}

/// A word may be a misspelt set; what has a separator or an extension is a path.
fn not_found(data: &str) -> DataError {
    if data.contains(['/', '\\', '.']) {
        return DataError::Missing { path: data.into() };
    }
    let names: Vec<&'static str> = catalogue().iter().map(|entry| entry.name).collect();
    let nearest = crate::text::nearest(data, names.iter().copied());
    DataError::UnknownSet { name: data.into(), nearest, known: names.join(", ") }
}

fn check_size(height: usize, width: usize) -> Result<(), DataError> {
    if height.min(width) < MIN_SIDE || height.max(width) > MAX_SIDE {
        return Err(DataError::Size { width, height });
    }
    Ok(())
}

/// Adds unnamed classes up to [`DEFAULT_CLASSES`]: with a single class the softmax is constant and there
/// would be no gradient to invert.
fn pad_classes(mut classes: Vec<String>) -> Vec<String> {
    let named = classes.len();
    classes.extend((named..DEFAULT_CLASSES).map(|class| format!("class {class}")));
    classes
}

/// Last part of a path, for people.
fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn io_error(path: &Path, reason: io::Error) -> DataError {
    DataError::Io { path: path.into(), reason }
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn message(data: &str) -> String {
        open(data).unwrap_err().to_string()
    }

    #[test]
    fn a_misspelt_set_gets_the_nearest_name() {
        assert_eq!(
            message("digit28"),
            "no data set is called \"digit28\", did you mean digits28?; the built-in sets are photos, digits28, \
             fashion28, crops32, histology32, medical, digits8, breast-cancer, wine, iris, anything else is a path"
        );
        assert!(!message("zzzzzzzzzzzz").contains("did you mean"));
        assert!(message("").starts_with("no data set is called \"\""));
    }

    #[test]
    fn a_missing_path_is_said_to_be_missing() {
        assert_eq!(
            message("pictures/me.png"),
            "pictures/me.png does not exist: check the path, which is relative to the current folder"
        );
    }

    #[test]
    fn unknown_content_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.txt");
        fs::write(&path, "").unwrap();
        assert!(message(path.to_str().unwrap()).ends_with("data.txt: it is empty"));
        fs::write(&path, "Hello\nworld\n").unwrap();
        assert!(
            message(path.to_str().unwrap()).contains("data.txt: it has one column; separate the columns by")
        );
        let path = folder.path().join("data.what");
        fs::write(&path, [1, 2, 3, 4, 5]).unwrap();
        assert!(
            message(path.to_str().unwrap()).contains("is neither a picture (PNG, JPEG, ..) nor an IDX file")
        );
        let truncated = folder.path().join("train-images-idx3-ubyte");
        fs::write(&truncated, [0, 0]).unwrap();
        assert!(message(truncated.to_str().unwrap()).contains("is truncated: 16 bytes expected, 2 found"));
    }

    #[cfg(unix)]
    #[test]
    fn what_the_system_refuses_is_passed_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("me.png");
        fs::write(&path, "").unwrap();
        let inside = path.join("photo.png");
        let error = message(inside.to_str().unwrap());
        assert!(error.starts_with("cannot read ") && error.contains("Not a directory"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_not_data() {
        assert_eq!(
            message("/dev/null"),
            "/dev/null is neither a file nor a folder: copy the data into a file first"
        );
    }

    #[test]
    fn indices_are_checked_against_the_set() {
        let set = open("digits28").unwrap();
        let error = |indices: &[usize]| set.batch(indices, None).unwrap_err().to_string();
        assert_eq!(error(&[600]), "sample 600 of digits28, which has 500: use 0 to 499");
        assert_eq!(error(&[0; 501]), "a batch of 501 samples from digits28, which has 500: use 500 or fewer");
        assert_eq!(error(&[]), "a batch of no samples from digits28: name at least one index");
        assert_eq!(set.batch(&[499, 499], None).unwrap().images.samples, 2);
    }

    #[test]
    fn a_size_is_kept_within_its_range() {
        let set = open("photos").unwrap();
        for side in [0, 7, 1025, usize::MAX] {
            let error = set.batch(&[0], Some(side)).unwrap_err().to_string();
            assert!(error.ends_with("pixels: set the size to 8 to 1024 pixels"), "{error}");
        }
        assert_eq!(set.batch(&[0], Some(8)).unwrap().images.shape(), [1, 3, 8, 8]);
    }

    #[test]
    fn stored_sets_keep_their_size_unless_one_is_given() {
        let set = open("digits28").unwrap();
        assert_eq!(set.batch(&[0], None).unwrap().images.shape(), [1, 1, 28, 28]);
        assert_eq!(set.batch(&[0], Some(28)).unwrap(), set.batch(&[0], None).unwrap());
        assert_eq!(set.batch(&[0], Some(32)).unwrap().images.shape(), [1, 1, 32, 32]);
    }
}
