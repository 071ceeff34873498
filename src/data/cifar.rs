//! CIFAR-10's binary format: records of one label byte and 3 x 32 x 32 pixel bytes, and the class names in
//! `batches.meta.txt` beside them. Format: <https://www.cs.toronto.edu/~kriz/cifar.html>.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use super::{DataError, Dataset, MAX_BYTES, Normalisation, Samples, io_error, name_of};

/// Height and width in pixels.
const SIDE: usize = 32;
/// Bytes of one record.
pub(super) const RECORD: usize = 1 + 3 * SIDE * SIDE;
/// File with one class name a line.
const META: &str = "batches.meta.txt";

/// CIFAR-10's own classes, for files without [`META`].
const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// Opens a file of records; class names come from [`META`] beside it, CIFAR-10's own if there is none.
pub(super) fn open(path: &Path) -> Result<Dataset, DataError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|reason| io_error(path, reason))?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|reason| io_error(path, reason))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(DataError::TooManyBytes { path: path.into() });
    }
    let meta = path.with_file_name(META);
    let classes = if meta.is_file() {
        names(&fs::read_to_string(&meta).map_err(|reason| io_error(&meta, reason))?)
    } else {
        CLASSES.map(String::from).into()
    };
    records(name_of(path), &bytes, classes, path)
}

/// Opens embedded records with their class names, one a line.
pub(super) fn embedded(name: &str, bytes: &[u8], meta: &str) -> Result<Dataset, DataError> {
    records(name.into(), bytes, names(meta), Path::new(name))
}

fn names(meta: &str) -> Vec<String> {
    meta.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from).collect()
}

fn records(name: String, bytes: &[u8], classes: Vec<String>, path: &Path) -> Result<Dataset, DataError> {
    if bytes.is_empty() {
        return Err(DataError::NoSamples { path: path.into() });
    }
    if !bytes.len().is_multiple_of(RECORD) {
        return Err(DataError::CifarLength { path: path.into(), length: bytes.len() as u64 });
    }
    let mut labels = Vec::with_capacity(bytes.len() / RECORD);
    let mut pixels = Vec::with_capacity(bytes.len());
    for (record, bytes) in bytes.chunks_exact(RECORD).enumerate() {
        let label = usize::from(bytes[0]);
        if label >= classes.len() {
            return Err(DataError::LabelWithoutClass {
                path: path.into(),
                record,
                label,
                classes: classes.len(),
            });
        }
        labels.push(label);
        pixels.extend_from_slice(&bytes[1..]);
    }
    Ok(Dataset {
        name,
        classes,
        normalisation: Normalisation::cifar10(),
        channels: 3,
        size: Some((SIDE, SIDE)),
        labels,
        samples: Samples::Stored { height: SIDE, width: SIDE, pixels },
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

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
        fs::write(folder.path().join(META), "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\nn\no\n\n").unwrap();
        let set = data::open(path.to_str().unwrap()).unwrap();
        assert_eq!((set.len(), set.classes.len()), (120, 15));
    }

    #[test]
    fn a_truncated_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut.bin");
        for length in [0, 1, 3072, 3074, 10_000] {
            fs::write(&path, &CROPS[..length]).unwrap();
            let error = data::open(path.to_str().unwrap()).unwrap_err();
            match length {
                0 => assert!(matches!(error, DataError::NoSamples { .. }), "{error}"),
                _ => assert!(error.to_string().contains("not a multiple of the 3073"), "{error}"),
            }
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(
            start in proptest::collection::vec(any::<u8>(), 0..40),
            length in 0..3 * RECORD,
            classes in 0..12_usize,
        ) {
            let mut bytes = start;
            bytes.resize(length, 11);
            let _ = records("set".into(), &bytes, vec!["class".into(); classes], Path::new("set"));
        }
    }
}
