//! A folder of PNG and JPEG pictures: side by side, each its own class, or in sub-folders, which are the
//! classes. Pictures are told by extension when listing and by content when decoding.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::picture::Picture;
use super::{DataError, Dataset, Samples, io_error, name_of, pad_classes};
use crate::reading::Reading;

/// Pictures in a flat folder, each of which is one output of the model.
const MAX_FLAT: usize = 1000;
/// Folders that are parts of a set rather than classes.
const SPLITS: [&str; 6] = ["train", "training", "val", "valid", "validation", "test"];

/// Opens a folder. Names starting with a dot are skipped, everything is sorted by name, deeper folders than
/// one level are not entered. A folder of nothing but `train`, `val` and `test` is refused: one of them is the set.
pub(super) fn open(path: &Path) -> Result<Dataset, DataError> {
    let (pictures, folders) = list(path)?;
    if pictures.is_empty() && fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none()) {
        return Err(DataError::EmptyFolder { path: path.into() });
    }
    if pictures.is_empty() {
        refuse_splits(path, &folders)?;
    }
    let mut classes = Vec::new();
    let mut inside = Vec::new();
    for folder in folders {
        let (pictures, _) = list(&folder)?;
        if !pictures.is_empty() {
            inside.extend(pictures.into_iter().map(|picture| (classes.len(), picture)));
            classes.push(name_of(&folder));
        }
    }
    let labelled = match (pictures.is_empty(), inside.is_empty()) {
        (true, true) => return Err(DataError::NoPictures { path: path.into() }),
        (false, false) => return Err(DataError::MixedFolder { path: path.into() }),
        (true, false) => inside,
        (false, true) if pictures.len() > MAX_FLAT => {
            return Err(DataError::TooManyClasses {
                path: path.into(),
                pictures: pictures.len(),
                max: MAX_FLAT,
            });
        }
        (false, true) => {
            classes = pictures.iter().map(|path| Picture::File(path.clone()).name()).collect();
            classes = pad_classes(classes);
            pictures.into_iter().enumerate().collect()
        }
    };
    if classes.len() < 2 {
        classes = pad_classes(classes);
    }
    let (labels, pictures): (Vec<usize>, Vec<Picture>) =
        labelled.into_iter().map(|(label, path)| (label, Picture::File(path))).unzip();
    Ok(Dataset {
        name: name_of(path),
        classes,
        channels: 3,
        size: None,
        table: None,
        reading: Reading::default(),
        known: None,
        labels,
        samples: Samples::Pictures(pictures),
    })
}

/// An error if all of the folders are splits by name.
fn refuse_splits(path: &Path, folders: &[PathBuf]) -> Result<(), DataError> {
    let names: Vec<String> = folders.iter().map(|folder| name_of(folder)).collect();
    match folders.first() {
        Some(first) if names.iter().all(|name| SPLITS.contains(&name.to_lowercase().as_str())) => {
            Err(DataError::Splits { path: path.into(), splits: names.join(", "), first: first.into() })
        }
        _ => Ok(()),
    }
}

/// Pictures and folders directly in `path`, sorted by name.
fn list(path: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), DataError> {
    let mut pictures = Vec::new();
    let mut folders = Vec::new();
    for entry in fs::read_dir(path).map_err(|reason| io_error(path, reason))? {
        let entry = entry.map_err(|reason| io_error(path, reason))?.path();
        if name_of(&entry).starts_with('.') {
            continue;
        }
        if entry.is_dir() {
            folders.push(entry);
        } else if entry.is_file() && has_picture_extension(&entry) {
            pictures.push(entry);
        }
    }
    pictures.sort();
    folders.sort();
    Ok((pictures, folders))
}

/// `.png`, `.jpg` and those of the other formats that are read, in any case.
pub(super) fn has_picture_extension(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
    let read = ["png", "jpg", "jpeg", "jfif", "bmp", "webp", "tif", "tiff", "ppm", "pgm", "pbm"];
    extension.is_some_and(|extension| read.contains(&extension.as_str()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;
    use crate::data;

    fn save(path: &Path, side: u32, value: u8) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        RgbImage::from_pixel(side, side, Rgb([value; 3])).save(path).unwrap();
    }

    fn open_folder(path: &Path) -> Result<Dataset, DataError> {
        data::open(path.to_str().unwrap())
    }

    #[test]
    fn pictures_side_by_side_are_each_a_class_in_name_order() {
        let folder = tempfile::tempdir().unwrap();
        for (name, value) in [("b.png", 20), ("a.JPG", 10), ("c.png", 30), (".hidden.png", 0)] {
            save(&folder.path().join(name), 16, value);
        }
        fs::write(folder.path().join("notes.txt"), "not a picture").unwrap();
        let set = open_folder(folder.path()).unwrap();
        assert_eq!(set.len(), 3);
        assert_eq!(set.classes.len(), 10);
        assert_eq!(set.classes[..3], ["a", "b", "c"]);
        let batch = set.batch(&[2, 1, 1], Some(8)).unwrap();
        assert_eq!(batch.labels, [2, 1, 1]);
        assert_eq!(batch.names, ["c", "b", "b"]);
        assert_eq!(batch.images.shape(), [3, 3, 8, 8]);
        assert_eq!(batch.images.sample(0)[0], 30.0 / 255.0);
    }

    #[test]
    fn sub_folders_are_classes() {
        let folder = tempfile::tempdir().unwrap();
        for (name, value) in [("dog/1.png", 1), ("cat/9.png", 2), ("cat/10.png", 3)] {
            save(&folder.path().join(name), 9, value);
        }
        fs::create_dir(folder.path().join("empty")).unwrap();
        let set = open_folder(folder.path()).unwrap();
        assert_eq!(set.classes, ["cat", "dog"]);
        assert_eq!((0..3).map(|i| set.label(i).unwrap()).collect::<Vec<_>>(), [0, 0, 1]);
        assert_eq!(set.sample_name(0).unwrap(), "10");
        save(&folder.path().join("top.png"), 9, 0);
        let error = open_folder(folder.path()).unwrap_err().to_string();
        assert!(error.contains("also sub-folders with pictures"), "{error}");
    }

    #[test]
    fn splits_are_no_classes() {
        let folder = tempfile::tempdir().unwrap();
        for (name, side) in [("train/cat/1.png", 224), ("train/dog/1.jpg", 300), ("test/cat/1.png", 224)] {
            save(&folder.path().join(name), side, 3);
        }
        let train = folder.path().join("train");
        let error = open_folder(folder.path()).unwrap_err().to_string();
        let expected = format!("{} holds parts of a set (test, train), not classes", folder.path().display());
        assert!(error.starts_with(&expected), "{error}");
        assert!(
            error.ends_with(&format!("name one of them, such as {}/test", folder.path().display())),
            "{error}"
        );
        let set = open_folder(&train).unwrap();
        assert_eq!(set.classes[..2], ["cat", "dog"]);
        assert_eq!(set.batch(&[0, 1], Some(224)).unwrap().images.shape(), [2, 3, 224, 224]);
        save(&folder.path().join("cat/1.png"), 16, 3);
        assert_eq!(open_folder(folder.path()).unwrap().len(), 1);
    }

    #[test]
    fn folders_without_pictures_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(open_folder(folder.path()), Err(DataError::EmptyFolder { .. })));
        fs::write(folder.path().join("notes.txt"), "text").unwrap();
        assert!(matches!(open_folder(folder.path()), Err(DataError::NoPictures { .. })));
    }

    #[test]
    fn a_batch_of_several_sizes_needs_a_size() {
        let folder = tempfile::tempdir().unwrap();
        save(&folder.path().join("a.png"), 16, 1);
        save(&folder.path().join("b.png"), 20, 2);
        let set = open_folder(folder.path()).unwrap();
        let error = set.batch(&[0, 1], None).unwrap_err().to_string();
        assert!(error.starts_with("the batch mixes images of 16x16 and 20x20 pixels (b of "), "{error}");
        assert!(error.ends_with("set a size for all of them"), "{error}");
        assert!(set.batch(&[0, 1], Some(16)).is_ok());
    }

    #[test]
    fn a_damaged_picture_is_named_when_it_is_used() {
        let folder = tempfile::tempdir().unwrap();
        save(&folder.path().join("a.png"), 16, 1);
        fs::write(folder.path().join("b.png"), "text").unwrap();
        let set = open_folder(folder.path()).unwrap();
        assert!(set.batch(&[0], None).is_ok());
        let error = set.batch(&[1], None).unwrap_err().to_string();
        assert!(error.contains("b.png is not a readable picture"), "{error}");
    }
}
