//! IDX files, the format of MNIST and its relatives: images of unsigned bytes and their labels beside them,
//! plain or gzip-compressed. Format: <http://yann.lecun.com/exdb/mnist/>.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::gzip::unpacked;
use super::{DataError, Dataset, MAX_BYTES, MAX_SIDE, MIN_SIDE, Normalisation, Samples, io_error, name_of};
use crate::reading::Reading;

/// First four bytes of images: unsigned bytes in three dimensions.
pub(super) const IMAGES_MAGIC: u32 = 0x0000_0803;
/// First four bytes of labels: unsigned bytes in one dimension.
pub(super) const LABELS_MAGIC: u32 = 0x0000_0801;

/// Classes of a set from disk unless its labels need more: MNIST and its relatives have ten, and a part of
/// a set need not show them all.
const USUAL_CLASSES: usize = 10;

/// Pixels as an IDX file holds them, `[samples, height, width]`.
#[derive(Debug, PartialEq)]
struct Grey {
    samples: usize,
    height: usize,
    width: usize,
    pixels: Vec<u8>,
}

/// Opens an images file; its labels are found beside it.
pub(super) fn open(path: &Path) -> Result<Dataset, DataError> {
    let images = read_images(unpacked(path)?, path)?;
    let labels_path = labels_beside(path)?;
    let labels = read_labels(unpacked(&labels_path)?, &labels_path)?;
    let count = labels.iter().map(|&label| usize::from(label) + 1).max().unwrap_or(0).max(USUAL_CLASSES);
    let classes = (0..count).map(|class| class.to_string()).collect();
    dataset(name_of(path), images, (labels, &labels_path), path, classes, None)
}

/// Opens an embedded pair of files.
pub(super) fn embedded(
    name: &str,
    images: &[u8],
    labels: &[u8],
    classes: Vec<String>,
    normalisation: Normalisation,
) -> Result<Dataset, DataError> {
    let path = Path::new(name);
    let images = read_images(images, path)?;
    let labels = read_labels(labels, path)?;
    dataset(name.into(), images, (labels, path), path, classes, Some(normalisation))
}

fn dataset(
    name: String,
    images: Grey,
    (labels, labels_path): (Vec<u8>, &Path),
    path: &Path,
    classes: Vec<String>,
    known: Option<Normalisation>,
) -> Result<Dataset, DataError> {
    let Grey { samples, height, width, pixels } = images;
    if samples != labels.len() {
        return Err(DataError::CountMismatch {
            path: path.into(),
            labels_path: labels_path.into(),
            images: samples,
            labels: labels.len(),
        });
    }
    Ok(Dataset {
        name,
        classes,
        channels: 1,
        size: Some((height, width)),
        table: None,
        reading: Reading::default(),
        known,
        labels: labels.into_iter().map(usize::from).collect(),
        samples: Samples::Stored { height, width, pixels },
    })
}

/// `train-images-idx3-ubyte[.gz]` to `train-labels-idx1-ubyte`, with or without `.gz`.
fn labels_beside(path: &Path) -> Result<PathBuf, DataError> {
    let name = name_of(path);
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    // Some copies of MNIST write a dot for the first dash.
    let tried = plain.replace("images-idx3", "labels-idx1").replace("images.idx3", "labels.idx1");
    let packed = format!("{tried}.gz");
    let order = if name.ends_with(".gz") { [&packed, &tried] } else { [&tried, &packed] };
    order
        .into_iter()
        .map(|candidate| path.with_file_name(candidate))
        .find(|candidate| tried != plain && candidate.is_file())
        .ok_or_else(|| {
            let tried = if tried == plain { "NAME-labels-idx1-ubyte".into() } else { tried.clone() };
            DataError::NoLabels { path: path.into(), tried }
        })
}

fn read_images(mut input: impl Read, path: &Path) -> Result<Grey, DataError> {
    let [samples, height, width] = header(&mut input, path, "IDX images", IMAGES_MAGIC)?;
    if samples == 0 {
        return Err(DataError::NoSamples { path: path.into() });
    }
    if height.min(width) < MIN_SIDE {
        return Err(DataError::TooSmall { path: path.into(), width, height });
    }
    if height.max(width) > MAX_SIDE {
        return Err(DataError::Size { width, height });
    }
    let pixels = body(&mut input, path, 16, (samples as u64).saturating_mul((height * width) as u64))?;
    Ok(Grey { samples, height, width, pixels })
}

fn read_labels(mut input: impl Read, path: &Path) -> Result<Vec<u8>, DataError> {
    let [count] = header(&mut input, path, "IDX labels", LABELS_MAGIC)?;
    body(&mut input, path, 8, count as u64)
}

/// The magic number and `N` sizes, all big-endian.
fn header<const N: usize>(
    input: &mut impl Read,
    path: &Path,
    what: &'static str,
    magic: u32,
) -> Result<[usize; N], DataError> {
    let length = 4 + 4 * N;
    let mut bytes = Vec::with_capacity(length);
    input.take(length as u64).read_to_end(&mut bytes).map_err(|reason| io_error(path, reason))?;
    let words: Vec<u32> = bytes
        .chunks_exact(4)
        .map(|word| word.iter().fold(0, |all, &byte| all << 8 | u32::from(byte)))
        .collect();
    if let Some(&found) = words.first()
        && found != magic
    {
        return Err(DataError::WrongMagic { path: path.into(), what, found, expected: magic });
    }
    if bytes.len() < length {
        return Err(DataError::Truncated {
            path: path.into(),
            expected: length as u64,
            found: bytes.len() as u64,
        });
    }
    Ok(std::array::from_fn(|i| words[i + 1] as usize))
}

/// The `length` bytes that follow a header of `offset` bytes: neither fewer nor more.
fn body(input: &mut impl Read, path: &Path, offset: u64, length: u64) -> Result<Vec<u8>, DataError> {
    if length > MAX_BYTES {
        return Err(DataError::TooManyBytes { path: path.into(), most: MAX_BYTES });
    }
    let mut bytes = Vec::new();
    input.take(length + 1).read_to_end(&mut bytes).map_err(|reason| io_error(path, reason))?;
    let (expected, found) = (offset + length, offset + bytes.len() as u64);
    if found < expected {
        return Err(DataError::Truncated { path: path.into(), expected, found });
    }
    if found > expected {
        return Err(DataError::Overlong { path: path.into(), expected });
    }
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;
    use crate::data;

    const IMAGES: &[u8] = include_bytes!("../../assets/digits28/digits500-images-idx3-ubyte");
    const LABELS: &[u8] = include_bytes!("../../assets/digits28/digits500-labels-idx1-ubyte");

    fn idx(magic: u32, sizes: &[u32], body: &[u8]) -> Vec<u8> {
        let mut file = magic.to_be_bytes().to_vec();
        sizes.iter().for_each(|size| file.extend(size.to_be_bytes()));
        file.extend(body);
        file
    }

    fn images(input: &[u8]) -> Result<Grey, DataError> {
        read_images(input, Path::new("images"))
    }

    #[test]
    fn a_file_cut_anywhere_is_truncated() {
        let whole = idx(IMAGES_MAGIC, &[2, 8, 9], &[7; 144]);
        assert_eq!(images(&whole).unwrap(), Grey { samples: 2, height: 8, width: 9, pixels: vec![7; 144] });
        for cut in 0..whole.len() {
            let error = images(&whole[..cut]).unwrap_err();
            assert!(matches!(error, DataError::Truncated { .. }), "cut at {cut}: {error}");
        }
        let labels = idx(LABELS_MAGIC, &[3], &[1, 2, 3]);
        for cut in 0..labels.len() {
            let error = read_labels(&labels[..cut], Path::new("labels")).unwrap_err();
            assert!(matches!(error, DataError::Truncated { .. }), "cut at {cut}: {error}");
        }
        let error = images(&IMAGES[..1000]).unwrap_err().to_string();
        assert_eq!(error, "images is truncated: 392016 bytes expected, 1000 found; fetch it again");
    }

    #[test]
    fn wrong_magic_says_what_it_is() {
        let error = images(LABELS).unwrap_err().to_string();
        assert_eq!(
            error,
            "images starts with 0x00000801, but IDX images start with 0x00000803: \
             these are IDX labels, name the images file"
        );
        let floats = idx(0x0d03, &[1, 8, 8], &[0; 256]);
        assert!(
            images(&floats).unwrap_err().to_string().ends_with("only IDX files of unsigned bytes are read")
        );
    }

    #[test]
    fn sizes_that_make_no_sense_are_refused() {
        let error = |sizes: &[u32]| images(&idx(IMAGES_MAGIC, sizes, &[0; 64])).unwrap_err().to_string();
        assert_eq!(error(&[0, 8, 8]), "images holds no samples");
        assert_eq!(error(&[1, 1, 1]), "images is 1x1 pixels, too small: use pictures of 8x8 or more");
        assert_eq!(error(&[1, 2000, 8]), "images of 8x2000 pixels: set the size to 8 to 1024 pixels");
        assert_eq!(error(&[u32::MAX, 1024, 1024]), "images holds more than 2048 MiB: take a part of it");
        let trailing = images(&idx(IMAGES_MAGIC, &[1, 8, 8], &[0; 65])).unwrap_err().to_string();
        assert_eq!(trailing, "images has more than the 80 bytes its header promises; fetch it again");
    }

    #[test]
    fn files_are_found_plain_or_packed() {
        let pack = |bytes: &[u8]| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        };
        for (images, labels) in [
            ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
            ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
            ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte"),
            ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte.gz"),
            ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            for (name, bytes) in [(images, IMAGES), (labels, LABELS)] {
                let content = if name.ends_with(".gz") { pack(bytes) } else { bytes.to_vec() };
                fs::write(folder.path().join(name), content).unwrap();
            }
            let set = data::open(folder.path().join(images).to_str().unwrap()).unwrap();
            assert_eq!((set.len(), set.channels, set.size), (500, 1, Some((28, 28))));
            assert_eq!(set.classes.len(), 10);
            let batch = set.batch(&[499], None).unwrap();
            assert_eq!(batch.labels, [usize::from(LABELS[8 + 499])]);
            let expected: Vec<f64> = IMAGES[16 + 499 * 784..].iter().map(|&b| f64::from(b) / 255.0).collect();
            assert_eq!(batch.images.pixels, expected);
        }
    }

    #[test]
    fn a_cut_gzip_file_is_refused() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(IMAGES).unwrap();
        let packed = encoder.finish().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("images-idx3-ubyte.gz");
        fs::write(&path, &packed[..packed.len() / 2]).unwrap();
        let error = data::open(path.to_str().unwrap()).unwrap_err();
        assert!(matches!(error, DataError::Truncated { .. } | DataError::Io { .. }), "{error}");
    }

    #[test]
    fn missing_and_mismatching_labels_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x-images-idx3-ubyte");
        fs::write(&path, IMAGES).unwrap();
        let open = || data::open(path.to_str().unwrap()).unwrap_err().to_string();
        assert!(open().contains("has no labels beside it: put x-labels-idx1-ubyte into the same folder"));
        let labels = folder.path().join("x-labels-idx1-ubyte");
        fs::write(&labels, idx(LABELS_MAGIC, &[3], &[1, 2, 3])).unwrap();
        assert!(open().contains("holds 500 images, but"), "{}", open());
        fs::write(&labels, IMAGES).unwrap();
        assert!(open().contains("these are IDX images"), "{}", open());
    }

    #[test]
    fn more_labels_than_ten_make_more_classes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("letters-images-idx3-ubyte");
        fs::write(&path, idx(IMAGES_MAGIC, &[2, 8, 8], &[0; 128])).unwrap();
        fs::write(path.with_file_name("letters-labels-idx1-ubyte"), idx(LABELS_MAGIC, &[2], &[1, 26]))
            .unwrap();
        assert_eq!(data::open(path.to_str().unwrap()).unwrap().classes.len(), 27);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = images(&bytes);
            let _ = read_labels(bytes.as_slice(), Path::new("labels"));
        }

        #[test]
        fn arbitrary_sizes_never_panic(sizes in any::<[u32; 3]>(), small in any::<[u8; 3]>()) {
            let _ = images(&idx(IMAGES_MAGIC, &sizes, &[0; 100]));
            let _ = images(&idx(IMAGES_MAGIC, &small.map(u32::from), &[0; 100]));
            let _ = read_labels(idx(LABELS_MAGIC, &sizes[..1], &[0; 100]).as_slice(), Path::new("labels"));
        }
    }
}
