//! A folder of pictures: side by side, each its own class, or in sub-folders, which are the classes. Pictures are told
//! by extension when listing and by content when decoding; their headers are read at once, so that a broken one is
//! named before anything is computed. What is not read, other files and pictures in deeper folders, is counted and said.

mod kind;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use self::kind::{Split, has_picture_extension};
use super::picture::Picture;
use super::{DataError, Dataset, Samples, io_error, name_of, pad_classes};
use crate::reading::Reading;

pub(super) use self::kind::has_picture_extension as is_picture;

/// Pictures in a flat folder, each of which is one output of the model.
const MAX_FLAT: usize = 1000;
/// Folders around the classes, as archives have them, through which the set is looked for.
const MAX_AROUND: usize = 4;
/// Deepest folders, and most of them, in which pictures are looked for that are not read.
const MAX_DEPTH: usize = 6;
const MAX_FOLDERS: usize = 10_000;

/// Folders that systems and programs leave behind, besides those whose names start with a dot.
const LEFT_BEHIND: [&str; 3] = ["__MACOSX", "@eaDir", "$RECYCLE.BIN"];

/// Opens a folder. Names starting with a dot are skipped, everything is sorted by name as text, as torchvision's
/// ImageFolder does (10 before 2). A folder that holds nothing but one with pictures below it stands for that one.
/// A folder with `train`, `val` and `test`, there or further down, is refused: one of them is the set.
pub(super) fn open(path: &Path) -> Result<Dataset, DataError> {
    let mut reading = Reading::default();
    let mut around = path.to_owned();
    for _ in 0..MAX_AROUND {
        let found = Found::in_folder(&around)?;
        match found.only_below(&around)? {
            Some(inner) => around = inner,
            None => {
                if around != path {
                    reading.note(format!("the set is the folder {}", relative(&around, path)));
                }
                return found.dataset(path, &around, reading);
            }
        }
    }
    Err(DataError::NoPictures { path: path.into() })
}

/// What lies in a folder and in those directly in it.
struct Found {
    /// Directly in it.
    pictures: Vec<PathBuf>,
    /// With the pictures directly in them.
    folders: Vec<(PathBuf, Vec<PathBuf>)>,
    /// Folders that have pictures in deeper ones, and how many.
    deeper: Vec<(PathBuf, usize)>,
    /// Files that are not read, by kind.
    left_out: BTreeMap<String, usize>,
}

impl Found {
    fn in_folder(path: &Path) -> Result<Found, DataError> {
        let mut left_out = BTreeMap::new();
        let (pictures, folders) = list(path, &mut left_out)?;
        if pictures.is_empty() && fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none()) {
            return Err(DataError::EmptyFolder { path: path.into() });
        }
        let mut found = Found { pictures, folders: Vec::new(), deeper: Vec::new(), left_out };
        let mut left = MAX_FOLDERS;
        for folder in folders {
            let (pictures, inside) = list(&folder, &mut found.left_out)?;
            let below = inside.iter().map(|folder| count_below(folder, MAX_DEPTH, &mut left)).sum();
            if below > 0 {
                found.deeper.push((folder.clone(), below));
            }
            found.folders.push((folder, pictures));
        }
        found.refuse_splits(path)?;
        Ok(found)
    }

    /// The folder that all pictures are in, if none lies in this one or directly in those in it.
    ///
    /// # Errors
    /// Several of them have pictures further down.
    fn only_below(&self, path: &Path) -> Result<Option<PathBuf>, DataError> {
        if !self.pictures.is_empty() || self.folders.iter().any(|(_, pictures)| !pictures.is_empty()) {
            return Ok(None);
        }
        match &self.deeper[..] {
            [] => Ok(None),
            [(only, _)] => Ok(Some(only.clone())),
            [(first, _), ..] => Err(DataError::Deep {
                path: path.into(),
                folders: self.deeper.iter().map(|(folder, _)| name_of(folder)).collect::<Vec<_>>().join(", "),
                first: first.clone(),
            }),
        }
    }

    /// An error if the folders with pictures, or two kinds of them beside no classes, are parts of a set by name.
    fn refuse_splits(&self, path: &Path) -> Result<(), DataError> {
        let deep = |folder: &PathBuf| self.deeper.iter().any(|(deep, _)| deep == folder);
        let holders = self.folders.iter().filter(|(folder, pictures)| !pictures.is_empty() || deep(folder));
        let mut splits: Vec<(&PathBuf, Split)> = Vec::new();
        let mut classes = 0;
        for (folder, pictures) in holders {
            match Split::of(&name_of(folder)) {
                Some(split) => splits.push((folder, split)),
                None => classes += usize::from(!pictures.is_empty()),
            }
        }
        let Some(&(first, kind)) = splits.first() else { return Ok(()) };
        let several = splits.iter().any(|(_, other)| other.part != kind.part);
        // One alone is a set in parts only if it is called nothing else.
        let alone = self.pictures.is_empty() && splits.iter().all(|(_, split)| split.exact);
        if classes > 0 || !(several || alone) {
            return Ok(());
        }
        Err(DataError::Splits {
            path: path.into(),
            splits: splits.iter().map(|(folder, _)| name_of(folder)).collect::<Vec<_>>().join(", "),
            first: first.clone(),
        })
    }

    /// The set: `path` is as it was given, `around` the folder that was found in it.
    fn dataset(self, path: &Path, around: &Path, mut reading: Reading) -> Result<Dataset, DataError> {
        let Found { pictures, folders, deeper, left_out } = self;
        let mut classes = Vec::new();
        let mut inside = Vec::new();
        for (folder, pictures) in folders {
            if !pictures.is_empty() {
                inside.extend(pictures.into_iter().map(|picture| (classes.len(), picture)));
                classes.push(name_of(&folder));
            }
        }
        let is_flat = !pictures.is_empty();
        let labelled = match (pictures.is_empty(), inside.is_empty()) {
            (true, true) if !left_out.is_empty() => {
                return Err(DataError::OtherFiles {
                    path: around.into(),
                    found: counted(&left_out),
                    remedy: kind::remedy(left_out.keys()),
                });
            }
            (true, true) => return Err(DataError::NoPictures { path: around.into() }),
            (false, false) => return Err(DataError::MixedFolder { path: around.into() }),
            (true, false) => inside,
            (false, true) if pictures.len() > MAX_FLAT => {
                return Err(DataError::TooManyClasses {
                    path: around.into(),
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
        if !is_flat {
            let numbered: Vec<String> = classes
                .iter()
                .take(12)
                .enumerate()
                .map(|(label, class)| format!("{label} = {class}"))
                .collect();
            let more = if classes.len() > numbered.len() { ", ..." } else { "" };
            reading.note(format!(
                "classes are the sub-folders in the order of text: {}{more}",
                numbered.join(", ")
            ));
        }
        if classes.len() < 2 {
            classes = pad_classes(classes);
            reading.note(format!(
                "one sub-folder is one class, {} without samples are added",
                classes.len() - 1
            ));
        }
        let below = deeper.iter().map(|(folder, count)| {
            let pictures = if *count == 1 { "picture" } else { "pictures" };
            format!("{count} {pictures} in folders below {}", name_of(folder))
        });
        let files = Some(counted(&left_out)).filter(|files| !files.is_empty());
        let left_out: Vec<String> = files.into_iter().chain(below).collect();
        if !left_out.is_empty() {
            reading.note(format!("left out: {}", left_out.join(", ")));
        }
        let (labels, pictures): (Vec<usize>, Vec<Picture>) =
            labelled.into_iter().map(|(label, path)| (label, Picture::File(path))).unzip();
        let checked: Vec<Result<(), DataError>> = pictures.par_iter().map(Picture::check).collect();
        checked.into_iter().collect::<Result<(), _>>()?;
        Ok(Dataset {
            name: name_of(path),
            classes,
            channels: 3,
            size: None,
            table: None,
            reading,
            known: None,
            labels,
            samples: Samples::Pictures(pictures),
        })
    }
}

/// What was left out, with its count.
fn counted(left_out: &BTreeMap<String, usize>) -> String {
    left_out.iter().map(|(what, count)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
}

/// A folder below another one, as it goes on from that.
fn relative(folder: &Path, path: &Path) -> String {
    folder.strip_prefix(path).unwrap_or(folder).display().to_string()
}

/// Pictures in a folder and below it; what cannot be looked into has none.
fn count_below(folder: &Path, depth: usize, left: &mut usize) -> usize {
    if depth == 0 || *left == 0 {
        return 0;
    }
    *left -= 1;
    let Ok((pictures, folders)) = list(folder, &mut BTreeMap::new()) else { return 0 };
    pictures.len() + folders.iter().map(|folder| count_below(folder, depth - 1, left)).sum::<usize>()
}

/// Pictures and folders directly in `path`, sorted by name. Files of other kinds are counted by kind.
fn list(
    path: &Path,
    left_out: &mut BTreeMap<String, usize>,
) -> Result<(Vec<PathBuf>, Vec<PathBuf>), DataError> {
    let mut pictures = Vec::new();
    let mut folders = Vec::new();
    for entry in fs::read_dir(path).map_err(|reason| io_error(path, reason))? {
        let entry = entry.map_err(|reason| io_error(path, reason))?.path();
        let name = name_of(&entry);
        if name.starts_with('.') || LEFT_BEHIND.contains(&name.as_str()) {
            continue;
        }
        if entry.is_dir() {
            folders.push(entry);
        } else if entry.is_file() && has_picture_extension(&entry) {
            pictures.push(entry);
        } else if !["thumbs.db", "desktop.ini"].contains(&name.to_lowercase().as_str()) {
            *left_out.entry(kind::of(&entry)).or_default() += 1;
        }
    }
    pictures.sort();
    folders.sort();
    Ok((pictures, folders))
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
        let set = open_folder(folder.path()).unwrap();
        assert_eq!(set.len(), 1);
        let left_out = "1 picture in folders below test, 2 pictures in folders below train";
        assert!(set.reading.notes().iter().any(|note| note.contains(left_out)), "{:?}", set.reading);
    }

    #[test]
    fn folders_without_pictures_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(open_folder(folder.path()), Err(DataError::EmptyFolder { .. })));
        fs::write(folder.path().join("notes.txt"), "text").unwrap();
        let error = open_folder(folder.path()).unwrap_err().to_string();
        assert!(
            error.ends_with("holds no pictures that are read, but 1 .txt: convert them to PNG or JPEG"),
            "{error}"
        );
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
    fn a_damaged_picture_is_named_at_once() {
        let folder = tempfile::tempdir().unwrap();
        save(&folder.path().join("a.png"), 16, 1);
        fs::write(folder.path().join("b.png"), "text").unwrap();
        let error = open_folder(folder.path()).unwrap_err().to_string();
        assert!(error.contains("b.png is not a readable picture"), "{error}");
    }

    #[test]
    fn what_is_left_out_is_counted_and_classes_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "0/x.png",
            "1/x.BMP",
            "10/x.webp",
            "2/x.tiff",
            "2/.hidden.png",
            "__MACOSX/x.png",
            ".ipynb_checkpoints/x.png",
        ] {
            save(&folder.path().join(name), 9, 5);
        }
        for name in ["0/Thumbs.db", "0/a.gif", "1/b.gif", "1/notes.txt"] {
            fs::write(folder.path().join(name), "other").unwrap();
        }
        let set = open_folder(folder.path()).unwrap();
        assert_eq!(set.classes, ["0", "1", "10", "2"]);
        assert_eq!(set.batch(&[0, 1, 2, 3], None).unwrap().labels, [0, 1, 2, 3]);
        let notes: Vec<&str> =
            set.reading.notes().iter().filter_map(|note| note.split_once(": ")).map(|n| n.1).collect();
        assert_eq!(
            notes,
            [
                "classes are the sub-folders in the order of text: 0 = 0, 1 = 1, 2 = 10, 3 = 2",
                "left out: 2 .gif, 1 .txt"
            ]
        );
    }

    #[test]
    fn parts_of_a_set_are_named_beside_folders_without_pictures() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["train/a/1.png", "val/a/1.png"] {
            save(&folder.path().join(name), 9, 5);
        }
        fs::create_dir(folder.path().join("annotations")).unwrap();
        let error = open_folder(folder.path()).unwrap_err().to_string();
        assert!(error.contains("holds parts of a set (train, val)") && error.ends_with("/train"), "{error}");
    }

    #[test]
    fn a_picture_that_is_damaged_inside_is_found_before_it_is_needed() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a/1.png", "a/2.png", "b/1.png"] {
            save(&folder.path().join(name), 64, 1);
        }
        let path = folder.path().join("a/2.png");
        let mut file = fs::read(&path).unwrap();
        let data = file.windows(4).position(|window| window == b"IDAT").unwrap();
        file[data + 6..data + 12].fill(0xff);
        fs::write(&path, file).unwrap();
        let set = open_folder(folder.path()).unwrap();
        assert!(set.check(&[0, 2], Some(32)).is_ok());
        let error = set.check(&[0, 1, 2], Some(32)).unwrap_err().to_string();
        assert!(error.contains("a/2.png"), "{error}");
    }

    #[test]
    fn a_cut_picture_is_named_at_once() {
        let folder = tempfile::tempdir().unwrap();
        save(&folder.path().join("a/1.png"), 64, 1);
        save(&folder.path().join("b/1.jpg"), 64, 1);
        for (name, expected) in [("b/1.jpg", "b/1.jpg"), ("a/1.png", "a/1.png is cut off")] {
            let path = folder.path().join(name);
            let whole = fs::read(&path).unwrap();
            fs::write(&path, &whole[..whole.len() * 2 / 3]).unwrap();
            let error = open_folder(folder.path()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            fs::write(&path, whole).unwrap();
        }
    }

    /// A folder with a small picture under each of these names.
    fn with(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        names.iter().for_each(|name| save(&folder.path().join(name), 9, 5));
        folder
    }

    #[test]
    fn parts_of_a_set_are_named_wherever_they_lie() {
        for (names, splits, first) in [
            (&["images/train/a/1.png", "images/val/a/1.png"][..], "(train, val)", "images/train"),
            (&["set/images/train/a/1.png", "set/images/test/a/1.png"], "(test, train)", "set/images/test"),
            (&["training/1.png", "testing/1.png"], "(testing, training)", "testing"),
            (&["train/a/1.png", "dev/a/1.png", "eval/a/1.png"], "(dev, eval, train)", "dev"),
            (&["train2017/1.png", "val2017/1.png"], "(train2017, val2017)", "train2017"),
            (&["seg_train/a/1.png", "seg_test/a/1.png"], "(seg_test, seg_train)", "seg_test"),
            (&["training_set/a/1.png", "test_set/a/1.png"], "(test_set, training_set)", "test_set"),
            // Something to look at beside them.
            (&["train/a/1.png", "val/a/1.png", "overview.png"], "(train, val)", "train"),
        ] {
            let folder = with(names);
            let error = open_folder(folder.path()).unwrap_err().to_string();
            assert!(error.contains(&format!("holds parts of a set {splits}")), "{names:?}: {error}");
            assert!(error.ends_with(&format!("such as {}", folder.path().join(first).display())), "{error}");
            assert!(open_folder(&folder.path().join(first)).is_ok(), "{first}");
        }
        // Vehicles.
        let folder = with(&["steam train/1.png", "bullet train/1.png", "train/1.png", "bus/1.png"]);
        assert_eq!(
            open_folder(folder.path()).unwrap().classes,
            ["bullet train", "bus", "steam train", "train"]
        );
    }

    #[test]
    fn folders_around_the_classes_are_passed_through_and_said() {
        let folder = with(&["set/images/cat/1.png", "set/images/dog/1.png"]);
        fs::create_dir(folder.path().join("set/annotations")).unwrap();
        let set = open_folder(folder.path()).unwrap();
        assert_eq!((set.len(), &set.classes[..2]), (2, &["cat".to_owned(), "dog".to_owned()][..]));
        assert!(set.reading.notes()[0].ends_with("the set is the folder set/images"), "{:?}", set.reading);
        let folder = with(&["cat/small/1.png", "dog/small/1.png"]);
        let error = open_folder(folder.path()).unwrap_err().to_string();
        assert!(error.contains("has its pictures in folders below its sub-folders (cat, dog)"), "{error}");
        assert!(!error.contains("  "), "{error}");
        assert!(error.contains(&format!("such as {}", folder.path().join("cat").display())), "{error}");
    }

    #[test]
    fn pictures_in_deeper_folders_are_counted_and_named() {
        let folder =
            with(&["cat/1.png", "dog/1.png", "train/cat/1.png", "train/dog/2.png", "cat/more/3.png"]);
        let set = open_folder(folder.path()).unwrap();
        assert_eq!((set.len(), set.classes.len()), (2, 2));
        let left_out = "left out: 1 picture in folders below cat, 2 pictures in folders below train";
        assert!(set.reading.notes().iter().any(|note| note.ends_with(left_out)), "{:?}", set.reading);
        let flat = with(&["1.png", "2.png", "old/all/3.png"]);
        let set = open_folder(flat.path()).unwrap();
        assert!(set.reading.notes().iter().any(|note| note.ends_with("1 picture in folders below old")));
    }

    #[test]
    fn files_that_are_not_read_are_named_with_the_way_out() {
        for (names, says) in [
            (&["a.gif", "b.heic", "c.avif"][..], "1 .avif, 1 .gif, 1 .heic: convert them to PNG or JPEG"),
            (&["a.nef", "b.dng"], "1 .dng (camera RAW), 1 .nef (camera RAW): convert them to PNG or JPEG"),
            (&["a/1.dcm", "b/1.dcm"], "2 .dcm (DICOM): save their pictures or slices as PNG"),
            (&["a.nii.gz", "a.json"], "1 .json, 1 .nii.gz (NIfTI): save their pictures or slices as PNG"),
            (&["set.zip"], "1 .zip (archive): unpack them"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            for name in names {
                let path = folder.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, "other").unwrap();
            }
            let error = open_folder(folder.path()).unwrap_err().to_string();
            assert!(error.contains(&format!("holds no pictures that are read, but {says}")), "{error}");
        }
    }
}
