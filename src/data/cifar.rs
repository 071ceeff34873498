//! The binary formats of CIFAR-10 and CIFAR-100: records of one label byte (CIFAR-100: a coarse one, then the
//! fine one, which is the class) and 3 x 32 x 32 pixel bytes, and the class names in a text file beside them.
//! Format: <https://www.cs.toronto.edu/~kriz/cifar.html>.

use std::io::Read;
use std::path::Path;

use super::{DataError, Dataset, MAX_BYTES, Normalisation, Samples, io_error, name_of};
use crate::files;
use crate::reading::Reading;

/// Height and width in pixels.
const SIDE: usize = 32;
/// Bytes of the pixels of one record.
const PIXELS: usize = 3 * SIDE * SIDE;

/// One of the two formats.
pub(super) struct Format {
    /// Bytes before the pixels; the last of them is the class.
    labels: usize,
    /// File with one class name a line.
    meta: &'static str,
    /// The set's own classes, for files without it.
    pub(super) classes: fn() -> Vec<String>,
    /// Of the set with its own classes.
    pub(super) normalisation: fn() -> Normalisation,
}

pub(super) static CIFAR10: Format = Format {
    labels: 1,
    meta: "batches.meta.txt",
    classes: || names(include_str!("../../assets/classes/cifar10.txt")),
    normalisation: Normalisation::cifar10,
};

pub(super) static CIFAR100: Format = Format {
    labels: 2,
    meta: "fine_label_names.txt",
    classes: || names(include_str!("../../assets/classes/cifar100.txt")),
    normalisation: Normalisation::cifar100,
};

impl Format {
    /// Bytes of one record.
    fn record(&self) -> usize {
        self.labels + PIXELS
    }

    /// The format of a file: by its length, by what is said of it where the length fits both.
    fn of(path: &Path, length: u64) -> Option<&'static Format> {
        let fits = |format: &Format| length.is_multiple_of(format.record() as u64);
        match (fits(&CIFAR10), fits(&CIFAR100)) {
            (true, false) => Some(&CIFAR10),
            (false, true) => Some(&CIFAR100),
            (true, true) => Some(if is_called_cifar100(path) { &CIFAR100 } else { &CIFAR10 }),
            (false, false) => None,
        }
    }
}

/// Whether a file length is a whole number of records.
pub(super) fn is_whole(length: u64) -> bool {
    [&CIFAR10, &CIFAR100].iter().any(|format| length.is_multiple_of(format.record() as u64))
}

/// By the name of the file or its folder, by CIFAR-100's own file names, or by the class names beside it.
fn is_called_cifar100(path: &Path) -> bool {
    let name = name_of(path).to_lowercase();
    let folder = path.parent().map(name_of).unwrap_or_default().to_lowercase();
    let says = |name: &str| name.replace(['-', '_'], "").contains("cifar100");
    says(&name)
        || says(&folder)
        || ["train.bin", "test.bin"].contains(&name.as_str())
        || path.with_file_name(CIFAR100.meta).is_file()
}

/// Opens a file of records. Class names come from the text file beside it, the set's own if there is none;
/// with its own names it is taken for the set, and has its normalisation.
pub(super) fn open(path: &Path) -> Result<Dataset, DataError> {
    let mut bytes = Vec::new();
    let file = files::open(path).map_err(|reason| io_error(path, reason))?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|reason| io_error(path, reason))?;
    let length = bytes.len() as u64;
    if length > MAX_BYTES {
        return Err(DataError::TooManyBytes { path: path.into(), most: MAX_BYTES });
    }
    let format =
        Format::of(path, length).ok_or_else(|| DataError::CifarLength { path: path.into(), length })?;
    let meta = path.with_file_name(format.meta);
    let own = (format.classes)();
    let classes = if meta.is_file() {
        names(&files::read_text(&meta, files::TEXT).map_err(|reason| io_error(&meta, reason))?)
    } else {
        own.clone()
    };
    let known = (classes == own).then(format.normalisation);
    Ok(Dataset { known, ..records(name_of(path), &bytes, format, classes, path)? })
}

/// Opens embedded records of CIFAR-10's format with their class names, one a line.
pub(super) fn embedded(name: &str, bytes: &[u8], meta: &str) -> Result<Dataset, DataError> {
    let set = records(name.into(), bytes, &CIFAR10, names(meta), Path::new(name))?;
    Ok(Dataset { known: Some(Normalisation::cifar10()), ..set })
}

fn names(meta: &str) -> Vec<String> {
    meta.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from).collect()
}

fn records(
    name: String,
    bytes: &[u8],
    format: &Format,
    classes: Vec<String>,
    path: &Path,
) -> Result<Dataset, DataError> {
    if bytes.is_empty() {
        return Err(DataError::NoSamples { path: path.into() });
    }
    if !bytes.len().is_multiple_of(format.record()) {
        return Err(DataError::CifarLength { path: path.into(), length: bytes.len() as u64 });
    }
    let mut labels = Vec::with_capacity(bytes.len() / format.record());
    let mut pixels = Vec::with_capacity(bytes.len());
    for (record, bytes) in bytes.chunks_exact(format.record()).enumerate() {
        let label = usize::from(bytes[format.labels - 1]);
        if label >= classes.len() {
            return Err(DataError::LabelWithoutClass {
                path: path.into(),
                record,
                label,
                classes: classes.len(),
                names: format.meta,
            });
        }
        labels.push(label);
        pixels.extend_from_slice(&bytes[format.labels..]);
    }
    Ok(Dataset {
        name,
        classes,
        channels: 3,
        size: Some((SIDE, SIDE)),
        table: None,
        reading: Reading::default(),
        known: None,
        labels,
        samples: Samples::Stored { height: SIDE, width: SIDE, pixels },
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use std::fs;

    use super::*;
    use crate::data;

    const CROPS: &[u8] = include_bytes!("../../assets/crops32/crops32.bin");

    fn record(label: u8) -> Vec<u8> {
        let mut bytes = vec![label; 1];
        bytes.extend((0..3072).map(|i| (i % 256) as u8));
        bytes
    }

    #[test]
    fn records_are_planar_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data_batch_1.bin");
        fs::write(&path, [record(3), record(9)].concat()).unwrap();
        let set = data::open(path.to_str().unwrap()).unwrap();
        assert_eq!((set.len(), set.channels, set.size), (2, 3, Some((32, 32))));
        let batch = set.batch(&[1, 0], None).unwrap();
        assert_eq!(batch.labels, [9, 3]);
        assert_eq!(batch.names, ["truck #1", "cat #0"]);
        assert_eq!(batch.images.sample(1)[1024 + 5], 5.0 / 255.0);
    }

    #[test]
    fn class_names_are_read_beside_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("crops.bin");
        fs::write(&path, CROPS).unwrap();
        let error = data::open(path.to_str().unwrap()).unwrap_err().to_string();
        assert!(
            error.ends_with(
                "record 10 has label 10 but only 10 class names: \
                 list them all, one a line, in batches.meta.txt beside it"
            ),
            "{error}"
        );
        fs::write(folder.path().join(CIFAR10.meta), "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\nn\no\n\n")
            .unwrap();
        let set = data::open(path.to_str().unwrap()).unwrap();
        assert_eq!((set.len(), set.classes.len()), (120, 15));
    }

    #[test]
    fn the_fine_label_is_the_class_of_cifar100() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part.bin");
        let fine = |coarse: u8, fine: u8| [vec![coarse], record(fine)].concat();
        fs::write(&path, [fine(4, 0), fine(19, 99), fine(1, 54)].concat()).unwrap();
        let set = data::open(path.to_str().unwrap()).unwrap();
        assert_eq!((set.len(), set.classes.len(), set.size), (3, 100, Some((32, 32))));
        assert_eq!(set.normalisation(), Normalisation::cifar100());
        let batch = set.batch(&[0, 1, 2], None).unwrap();
        assert_eq!(batch.names, ["apple #0", "worm #1", "orchid #2"]);
        assert_eq!(batch.images.sample(2)[..3], [0.0, 1.0 / 255.0, 2.0 / 255.0]);
        fs::write(folder.path().join("fine_label_names.txt"), "one\ntwo\n").unwrap();
        let error = data::open(path.to_str().unwrap()).unwrap_err().to_string();
        assert!(
            error.ends_with(
                "record 1 has label 99 but only 2 class names: \
            list them all, one a line, in fine_label_names.txt beside it"
            ),
            "{error}"
        );
    }

    #[test]
    fn a_length_that_fits_both_is_told_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let length = (PIXELS + 1) * (PIXELS + 2);
        let classes = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, vec![0; length]).unwrap();
            let set = data::open(path.to_str().unwrap()).unwrap();
            fs::remove_file(path).unwrap();
            (set.classes.len(), set.len())
        };
        let (ten, hundred) = ((10, PIXELS + 2), (100, PIXELS + 1));
        assert_eq!(classes("data_batch_1.bin"), ten);
        assert_eq!(classes("train.bin"), hundred);
        assert_eq!(classes("part-of-CIFAR-100.bin"), hundred);
        assert_eq!(classes("cifar-100-binary/part.bin"), hundred);
        fs::write(folder.path().join("fine_label_names.txt"), "a\nb\n").unwrap();
        assert_eq!(classes("data.bin"), (2, PIXELS + 1));
    }

    #[test]
    fn a_truncated_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut.bin");
        for length in [0, 1, 3072, 3075, 10_000] {
            fs::write(&path, &CROPS[..length]).unwrap();
            let error = data::open(path.to_str().unwrap()).unwrap_err();
            match length {
                0 => assert!(matches!(error, DataError::NoSamples { .. }), "{error}"),
                _ => assert!(error.to_string().contains("a multiple neither of the 3073"), "{error}"),
            }
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(
            start in proptest::collection::vec(any::<u8>(), 0..40),
            length in 0..3 * (PIXELS + 2),
            classes in 0..12_usize,
        ) {
            let mut bytes = start;
            bytes.resize(length, 11);
            for format in [&CIFAR10, &CIFAR100] {
                let _ = records("set".into(), &bytes, format, vec!["class".into(); classes], Path::new("set"));
            }
        }
    }
}
