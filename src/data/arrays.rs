//! Pictures and labels as arrays of NumPy: `.npz` with `train_images` and `train_labels` (MedMNIST), `x_train` and
//! `y_train` (Keras) or `images` and `labels`. Pixels are 8-bit, `[N, H, W]`, `[N, H, W, 1 or 3]`, `[N, 1 or 3, H, W]`
//! or `[N, 3 x 32 x 32]`; labels are whole numbers, `[N]` or `[N, 1]`.

use std::io::Read;
use std::path::Path;

use super::{DataError, Dataset, MAX_BYTES, Samples, cifar_python, io_error, name_of};
use crate::weights::{Dtype, Named, Plain, sizes};

/// Names of pictures and their labels; of a file with several parts the first is the set.
const PAIRS: [(&str, &str); 12] = [
    ("train_images", "train_labels"),
    ("x_train", "y_train"),
    ("X_train", "y_train"),
    ("images", "labels"),
    ("data", "labels"),
    ("images", "targets"),
    ("data", "targets"),
    ("x", "y"),
    ("X", "y"),
    ("val_images", "val_labels"),
    ("test_images", "test_labels"),
    ("x_test", "y_test"),
];
/// What a file should be.
const INSTEAD: &str = "save np.savez(\"set.npz\", images=images, labels=labels), 8-bit pictures [N, H, W, 3] and class numbers [N]";

/// Whether a file is one of arrays or a pickle, by its first bytes and, where they are any archive's, by its name.
pub(super) fn is_arrays(path: &Path, start: &[u8]) -> bool {
    let extension = path.extension().and_then(|end| end.to_str()).unwrap_or_default().to_lowercase();
    match start {
        [0x80, 2..=5, ..] | [0x93, b'N', b'U', b'M', ..] => true,
        [b'P', b'K', 3 | 5, ..] => ["npz", "pt", "pth", "ckpt"].contains(&extension.as_str()),
        _ => false,
    }
}

/// Opens such a file.
pub(super) fn open(path: &Path) -> Result<Dataset, DataError> {
    let bytes = content(path)?;
    let wrong = |what: String| DataError::Arrays { path: path.into(), what };
    if bytes.starts_with(b"\x93NUM") {
        return Err(wrong(format!("is one array without labels: {INSTEAD}")));
    }
    let file = Named::open(&bytes).map_err(|fault| wrong(fault.to_string()))?;
    if matches!(file, Named::Pickle(_)) {
        return cifar_python::dataset(path, &file);
    }
    let names = file.names();
    let has = |name: &str| names.iter().any(|other| other == name);
    let Some((images, labels)) = PAIRS.iter().find(|(images, labels)| has(images) && has(labels)) else {
        if names.is_empty() {
            return Err(wrong(format!("holds no arrays of NumPy, so it is no data set: {INSTEAD}")));
        }
        let first = names.iter().take(6).map(|name| name.escape_default().to_string());
        let found = first.collect::<Vec<_>>().join(", ");
        return Err(wrong(format!("holds {found}, no pictures with labels by a known name: {INSTEAD}")));
    };
    let set = pictures(path, &file, images)?;
    let own = classes(path, &file, labels, set.count)?;
    // The other parts of a set may show classes that this one does not.
    let all = PAIRS
        .iter()
        .filter(|(_, other)| has(other))
        .filter_map(|(_, other)| file.array(other).ok().flatten()?.integers()?.into_iter().max());
    let count = all.max().and_then(|label| usize::try_from(label).ok()).unwrap_or(0) + 1;
    let names = (0..count.max(2)).map(|class| class.to_string()).collect();
    Ok(set.dataset(name_of(path), own, names))
}

/// The bytes of a file within the limit.
pub(super) fn content(path: &Path) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    let file = crate::files::open(path).map_err(|reason| io_error(path, reason))?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|reason| io_error(path, reason))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(DataError::TooManyBytes { path: path.into(), most: MAX_BYTES });
    }
    Ok(bytes)
}

/// 8-bit pictures `[count, channels, height, width]`.
pub(super) struct Pictures {
    pub count: usize,
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub pixels: Vec<u8>,
}

impl Pictures {
    pub fn dataset(self, name: String, labels: Vec<usize>, classes: Vec<String>) -> Dataset {
        let Pictures { channels, height, width, pixels, .. } = self;
        Dataset {
            name,
            classes,
            channels,
            size: Some((height, width)),
            table: None,
            reading: crate::reading::Reading::default(),
            known: None,
            labels,
            samples: Samples::Stored { height, width, pixels },
        }
    }
}

/// The pictures of this name.
pub(super) fn pictures(path: &Path, file: &Named, name: &str) -> Result<Pictures, DataError> {
    let wrong = |what: String| DataError::Arrays { path: path.into(), what };
    let array = file.array(name).map_err(|fault| wrong(fault.to_string()))?;
    let Some(Plain { dtype, shape, bytes }) = array else {
        return Err(wrong(format!("holds no array {name}: {INSTEAD}")));
    };
    if dtype != Dtype::U8 {
        let kind = dtype.name();
        return Err(wrong(format!(
            "holds {name} as {kind}, not as 8-bit pixels: save them from 0 to 255, for instance (255 * x).astype(\"uint8\")"
        )));
    }
    let (count, channels, height, width, last) = match shape[..] {
        [count, height, width] => (count, 1, height, width, false),
        [count, height, width, channels @ (1 | 3)] => (count, channels, height, width, true),
        [count, channels @ (1 | 3), height, width] => (count, channels, height, width, false),
        [count, 3072] => (count, 3, 32, 32, false),
        [count, 784] => (count, 1, 28, 28, false),
        _ => {
            let shape = sizes(&shape);
            return Err(wrong(format!(
                "holds {name} of shape {shape}, which is none of pictures: {INSTEAD}"
            )));
        }
    };
    if count == 0 || height == 0 || width == 0 {
        return Err(DataError::NoSamples { path: path.into() });
    }
    let pixels = if last && channels > 1 { planar(&bytes, channels, height * width) } else { bytes };
    Ok(Pictures { count, channels, height, width, pixels })
}

/// Pictures of so many pixels whose channels come last, with their channels first.
fn planar(bytes: &[u8], channels: usize, area: usize) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(bytes.len());
    for picture in bytes.chunks_exact(channels * area) {
        for channel in 0..channels {
            pixels.extend(picture.iter().skip(channel).step_by(channels));
        }
    }
    pixels
}

/// The labels of this name, one for each of so many pictures.
pub(super) fn classes(path: &Path, file: &Named, name: &str, count: usize) -> Result<Vec<usize>, DataError> {
    let wrong = |what: String| DataError::Arrays { path: path.into(), what };
    let array = file.array(name).map_err(|fault| wrong(fault.to_string()))?;
    let Some(array) = array else { return Err(wrong(format!("holds no labels {name}: {INSTEAD}"))) };
    if !matches!(array.shape[..], [_] | [_, 1]) {
        let shape = sizes(&array.shape);
        return Err(wrong(format!(
            "holds {name} of shape {shape}, several numbers for a picture: save one class number each, for instance \
             {name}.argmax(1)"
        )));
    }
    if array.shape[0] != count {
        let found = array.shape[0];
        return Err(wrong(format!("holds {count} pictures, but {found} {name}: use arrays of the same set")));
    }
    let labels = array.integers().unwrap_or_default().into_iter();
    let labels: Option<Vec<usize>> =
        labels.map(|label| usize::try_from(label).ok().filter(|label| *label < 100_000)).collect();
    labels.filter(|labels| labels.len() == count).ok_or_else(|| {
        wrong(format!("holds {name} that are no class numbers: save whole numbers from 0 to 99999"))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::data;
    use crate::weights::forge::{npy, zip};

    fn array(kind: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        npy(1, &format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"), data)
    }

    fn open(arrays: &[(&str, Vec<u8>)]) -> Result<data::Dataset, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set.npz");
        let entries: Vec<(&str, &[u8])> = arrays.iter().map(|(name, array)| (*name, &array[..])).collect();
        std::fs::write(&path, zip(&entries, true)).unwrap();
        data::open(path.to_str().unwrap()).map_err(|error| error.to_string())
    }

    /// Two pictures of 8 x 9 with three channels, which come last.
    fn colours() -> Vec<u8> {
        (0..2 * 8 * 9 * 3).map(|i| (i % 200) as u8).collect()
    }

    #[test]
    fn medmnist_and_keras_are_read_in_every_layout() {
        let set = open(&[
            ("train_images.npy", array("|u1", "(2, 8, 9, 3)", &colours())),
            ("train_labels.npy", array("|u1", "(2, 1)", &[1, 0])),
            ("test_images.npy", array("|u1", "(1, 8, 9, 3)", &colours()[..216])),
            ("test_labels.npy", array("|u1", "(1, 1)", &[6])),
        ])
        .unwrap();
        assert_eq!((set.len(), set.labels(), set.channels, set.size), (2, &[1, 0][..], 3, Some((8, 9))));
        // A class that only the test part shows is a class.
        assert_eq!(set.classes.len(), 7);
        let image = set.batch(&[1], None).unwrap().images;
        for (channel, row, column) in [(0, 0, 0), (1, 2, 3), (2, 7, 8)] {
            let stored = colours()[216 + (row * 9 + column) * 3 + channel];
            assert_eq!(image.pixels[(channel * 8 + row) * 9 + column], f64::from(stored) / 255.0);
        }
        let pixels: Vec<u8> = (0..128).collect();
        for shape in ["(2, 8, 8)", "(2, 8, 8, 1)", "(2, 1, 8, 8)"] {
            let set = open(&[
                ("x_train.npy", array("|u1", shape, &pixels)),
                ("y_train.npy", array("<i8", "(2,)", &[3, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0])),
            ])
            .unwrap();
            assert_eq!((set.labels(), set.channels, set.classes.len()), (&[3, 9][..], 1, 10), "{shape}");
            assert_eq!(set.batch(&[1], None).unwrap().images.pixels[63], 127.0 / 255.0);
        }
    }

    #[test]
    fn what_is_no_set_of_pictures_says_what_is_missing() {
        let pixels = array("|u1", "(2, 8, 8)", &[0; 128]);
        let message = |arrays: &[(&str, Vec<u8>)]| open(arrays).unwrap_err();
        assert!(message(&[("images.npy", pixels.clone())]).contains("holds images, no pictures with labels"));
        let labelled =
            |images: Vec<u8>, labels: Vec<u8>| message(&[("images.npy", images), ("labels.npy", labels)]);
        let two = || array("|u1", "(2,)", &[0, 1]);
        let floats = labelled(array("<f4", "(2, 8, 8)", &[0; 512]), two());
        assert!(floats.contains("images as f32, not as 8-bit pixels"), "{floats}");
        assert!(labelled(pixels.clone(), array("|u1", "(3,)", &[0; 3])).contains("2 pictures, but 3 labels"));
        assert!(labelled(pixels.clone(), array("|u1", "(2, 5)", &[0; 10])).contains("labels.argmax(1)"));
        assert!(labelled(pixels.clone(), array("|i1", "(2,)", &[255, 0])).contains("no class numbers"));
        assert!(labelled(array("|u1", "(2, 8, 8, 7)", &[0; 896]), two()).contains("of shape 2x8x8x7"));
        assert!(labelled(array("|u1", "(0, 8, 8)", &[]), array("|u1", "(0,)", &[])).contains("no samples"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("images.npy");
        std::fs::write(&path, pixels).unwrap();
        let error = data::open(path.to_str().unwrap()).unwrap_err().to_string();
        assert!(
            error.contains("images.npy is one array without labels: save np.savez(\"set.npz\", images="),
            "{error}"
        );
    }
}
