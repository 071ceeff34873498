//! CIFAR-10 and CIFAR-100 as pickles of Python, which torchvision keeps: `cifar-10-batches-py` with `data_batch_1` to
//! `5` and `test_batch`, `cifar-100-python` with `train` and `test`. A file is a dictionary with `data`, 8-bit
//! `[N, 3072]`, and `labels` or `fine_labels`; the class names are in `batches.meta` or `meta` beside it. The pickles are
//! read as data, nothing of them is run. Format: <https://www.cs.toronto.edu/~kriz/cifar.html>.

use std::path::{Path, PathBuf};

use super::arrays::{self, Pictures};
use super::cifar::{CIFAR10, CIFAR100, Format};
use super::{DataError, Dataset, name_of};
use crate::weights::Named;

/// Batches of CIFAR-10 that are trained on.
const BATCHES: [&str; 5] = ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"];

/// Whether a folder is one of the two sets.
pub(super) fn is_folder(path: &Path) -> bool {
    !parts(path).is_empty()
}

/// The files of a set that are trained on, as many as there are.
fn parts(folder: &Path) -> Vec<PathBuf> {
    let there = |name: &str| folder.join(name).is_file();
    let batches: Vec<PathBuf> =
        BATCHES.into_iter().filter(|name| there(name)).map(|name| folder.join(name)).collect();
    match batches.is_empty() && there("train") && there("meta") {
        true => vec![folder.join("train")],
        false => batches,
    }
}

/// Opens the samples of a folder that are trained on; `test_batch` and `test` are sets of their own.
pub(super) fn open_folder(path: &Path) -> Result<Dataset, DataError> {
    let mut all: Option<Dataset> = None;
    for part in parts(path) {
        let bytes = arrays::content(&part)?;
        let wrong =
            |fault: crate::weights::Fault| DataError::Arrays { path: part.clone(), what: fault.to_string() };
        let next = dataset(&part, &Named::open(&bytes).map_err(wrong)?)?;
        all = Some(match all {
            None => Dataset { name: name_of(path), ..next },
            Some(set) => set.joined(next).ok_or_else(|| DataError::Arrays {
                path: part.clone(),
                what: "has pictures of another size than the batch before it: use files of the same set"
                    .into(),
            })?,
        });
    }
    all.ok_or_else(|| DataError::NoSamples { path: path.into() })
}

/// A pickled dictionary of pictures and labels.
pub(super) fn dataset(path: &Path, file: &Named) -> Result<Dataset, DataError> {
    let names = file.names();
    let has = |name: &str| names.iter().any(|other| other == name);
    let wrong = |what: &str| DataError::Arrays { path: path.into(), what: what.into() };
    let labels = ["fine_labels", "labels", "targets"].into_iter().find(|name| has(name));
    let Some(labels) = labels.filter(|_| has("data")) else {
        if has("label_names") || has("fine_label_names") {
            return Err(wrong(
                "holds the class names of CIFAR, not its pictures: name the folder that it is in",
            ));
        }
        return Err(wrong(
            "is a pickle, but none of CIFAR's (a dictionary with data and labels): \
             save np.savez(\"set.npz\", images=images, labels=labels)",
        ));
    };
    let format: &Format = if labels == "fine_labels" { &CIFAR100 } else { &CIFAR10 };
    let pictures = arrays::pictures(path, file, "data")?;
    let labels = arrays::classes(path, file, labels, pictures.count)?;
    let own = (format.classes)();
    let classes = named(path)?.unwrap_or_else(|| own.clone());
    let count = labels.iter().max().map_or(0, |label| label + 1);
    if count > classes.len() {
        let what = format!("has label {} but only {} class names beside it", count - 1, classes.len());
        return Err(wrong(&format!("{what}: put the batches.meta or meta of the same set there")));
    }
    let Pictures { channels, height, width, .. } = pictures;
    let is_own = classes == own && (channels, height, width) == (3, 32, 32);
    let set = pictures.dataset(name_of(path), labels, classes);
    Ok(Dataset { known: is_own.then(format.normalisation), ..set })
}

/// The class names beside a file.
fn named(path: &Path) -> Result<Option<Vec<String>>, DataError> {
    for (file, key) in [("batches.meta", "label_names"), ("meta", "fine_label_names")] {
        let meta = path.with_file_name(file);
        if !meta.is_file() {
            continue;
        }
        let bytes = arrays::content(&meta)?;
        let wrong = |what: String| DataError::Arrays { path: meta.clone(), what };
        let names = Named::open(&bytes).map_err(|fault| wrong(fault.to_string()))?.texts(key);
        let missing = || wrong(format!("holds no class names ({key}): fetch it again"));
        return names.filter(|names| names.len() > 1).ok_or_else(missing).map(Some);
    }
    Ok(None)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::data;
    use crate::weights::forge::Pickler;

    /// A batch as Python 3 writes it, of pixels that count up; labels are `first` and on.
    fn batch(labels: &str, count: usize, first: i32) -> Vec<u8> {
        let pixels: Vec<u8> = (0..3072 * count).map(|i| (i % 251) as u8).collect();
        let list = (0..count).fold(Pickler::new().raw(b"}").text("data"), |p, _| p);
        let list = list.array("u1", &[count as i32, 3072], &pixels).raw(b"s").text(labels).raw(b"](");
        let list = (0..count).fold(list, |p, i| p.integer(first + i as i32));
        list.raw(b"es").end()
    }

    fn meta(key: &str, names: &[&str]) -> Vec<u8> {
        let list = names.iter().fold(Pickler::new().raw(b"}").text(key).raw(b"]("), |p, name| p.text(name));
        list.raw(b"es").end()
    }

    #[test]
    fn the_folder_and_each_file_are_sets() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cifar-10-batches-py");
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("data_batch_1"), batch("labels", 3, 2)).unwrap();
        std::fs::write(path.join("data_batch_2"), batch("labels", 2, 8)).unwrap();
        std::fs::write(path.join("test_batch"), batch("labels", 1, 5)).unwrap();
        let set = data::open(path.to_str().unwrap()).unwrap();
        assert_eq!(
            (set.len(), set.labels(), set.name.as_str()),
            (5, &[2, 3, 4, 8, 9][..], "cifar-10-batches-py")
        );
        assert_eq!((set.channels, set.size, set.classes[3].as_str()), (3, Some((32, 32)), "cat"));
        let images = set.batch(&[1, 3], None).unwrap().images;
        assert_eq!(images.sample(0)[1024], f64::from((3072 + 1024) % 251) / 255.0);
        assert_eq!(images.sample(1)[1], 1.0 / 255.0);
        let test = data::open(path.join("test_batch").to_str().unwrap()).unwrap();
        assert_eq!((test.len(), test.label(0)), (1, Some(5)));
        // With names of its own it is another set.
        assert_eq!(set.normalisation(), crate::data::Normalisation::cifar10());
        std::fs::write(path.join("batches.meta"), meta("label_names", &["a"; 10])).unwrap();
        assert_eq!(data::open(path.to_str().unwrap()).unwrap().classes, ["a"; 10]);
        std::fs::write(path.join("batches.meta"), meta("label_names", &["a"; 5])).unwrap();
        let error = data::open(path.to_str().unwrap()).unwrap_err().to_string();
        assert!(error.contains("data_batch_2 has label 9 but only 5 class names"), "{error}");
        let error = data::open(path.join("batches.meta").to_str().unwrap()).unwrap_err().to_string();
        assert!(error.contains("holds the class names of CIFAR"), "{error}");
    }

    #[test]
    fn the_fine_labels_are_the_classes_of_cifar100() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("train"), batch("fine_labels", 2, 98)).unwrap();
        let names: Vec<String> = (0..100).map(|i| format!("class {i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        std::fs::write(folder.path().join("meta"), meta("fine_label_names", &names)).unwrap();
        let set = data::open(folder.path().to_str().unwrap()).unwrap();
        assert_eq!((set.len(), set.classes.len(), set.classes[99].as_str()), (2, 100, "class 99"));
    }

    #[test]
    fn other_pickles_and_code_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let message = |content: &[u8]| {
            let path = folder.path().join("batch");
            std::fs::write(&path, content).unwrap();
            data::open(path.to_str().unwrap()).unwrap_err().to_string()
        };
        assert!(message(&Pickler::new().raw(b"}").end()).contains("is a pickle, but none of CIFAR's"));
        let evil = Pickler::new().global("posix", "system").text("true").raw(b"\x85R").end();
        assert!(message(&evil).contains("asks to run `posix.system`; nothing was run"));
        let cut = batch("labels", 2, 0);
        assert!(message(&cut[..100]).contains("ends within"));
        let shape =
            Pickler::new().raw(b"}").text("data").array("u1", &[2, 7], &[0; 14]).raw(b"s").text("labels");
        assert!(message(&shape.raw(b"]s").end()).contains("data of shape 2x7"));
    }
}
