//! What a name says: of a file which kind it is, of a folder whether it is a part of a set.

use std::ffi::OsStr;
use std::path::Path;

use super::super::name_of;

/// Which part of a set a folder holds, by its name: `train`, `val2017`, `test_set`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    pub part: Part,
    /// The name says nothing else, so that no class is called so.
    pub exact: bool,
}

/// A part of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Training,
    Validation,
    Test,
}

impl Split {
    /// What the name of a folder says.
    pub fn of(name: &str) -> Option<Split> {
        let name = name.to_lowercase();
        let mut words = name.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
        let part = words.clone().find_map(part)?;
        Some(Split { part, exact: words.all(part_or_set) })
    }
}

fn part(word: &str) -> Option<Part> {
    match word {
        "train" | "training" | "trainset" | "traindata" => Some(Part::Training),
        "val" | "valid" | "validation" | "valset" | "dev" | "devel" | "eval" | "evaluation" => {
            Some(Part::Validation)
        }
        "test" | "testing" | "testset" | "testdata" | "holdout" => Some(Part::Test),
        _ => None,
    }
}

fn part_or_set(word: &str) -> bool {
    part(word).is_some() || ["set", "data", "split", "images", "imgs"].contains(&word)
}

/// `.png`, `.jpg` and those of the other formats that are read, in any case.
pub fn has_picture_extension(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
    let read = [
        "png", "jpg", "jpeg", "jpe", "jfif", "bmp", "dib", "webp", "tif", "tiff", "ppm", "pgm", "pbm", "pnm",
    ];
    extension.is_some_and(|extension| read.contains(&extension.as_str()))
}

/// What a file is that is not read: its extension, and what that stands for where it is a picture of another kind.
pub fn of(path: &Path) -> String {
    let name = name_of(path).to_lowercase();
    let Some((stem, extension)) = name.rsplit_once('.') else { return "without extension".into() };
    // Compressed, and still what it was.
    let extension = match stem.rsplit_once('.') {
        Some((_, inner)) if extension == "gz" => format!("{inner}.gz"),
        _ => extension.to_owned(),
    };
    match known(&extension) {
        Some((kind, _)) if !kind.eq_ignore_ascii_case(&extension) => format!(".{extension} ({kind})"),
        _ => format!(".{extension}"),
    }
}

/// The way out for files of these kinds, by the first that is known.
pub fn remedy<'a>(kinds: impl Iterator<Item = &'a String>) -> &'static str {
    let mut extensions =
        kinds.filter_map(|kind| kind.strip_prefix('.')).map(|kind| kind.split(' ').next().unwrap_or(kind));
    extensions.find_map(known).map_or(CONVERT, |(_, remedy)| remedy)
}

const CONVERT: &str = "convert them to PNG or JPEG";
const SLICES: &str = "save their pictures or slices as PNG, in Python with pydicom or nibabel";
const UNPACK: &str = "unpack them";

/// Kinds of pictures, volumes and archives that are not read, and the way out.
fn known(extension: &str) -> Option<(&'static str, &'static str)> {
    Some(match extension {
        "gif" => ("GIF", CONVERT),
        "heic" | "heif" | "hif" => ("HEIC", CONVERT),
        "avif" => ("AVIF", CONVERT),
        "jxl" => ("JPEG XL", CONVERT),
        "jp2" | "j2k" | "jpx" => ("JPEG 2000", CONVERT),
        "svg" => ("SVG", CONVERT),
        "psd" => ("Photoshop", CONVERT),
        "exr" => ("OpenEXR", CONVERT),
        "hdr" => ("HDR or Analyze", CONVERT),
        "tga" => ("TGA", CONVERT),
        "ico" => ("icon", CONVERT),
        "raw" | "dng" | "cr2" | "cr3" | "nef" | "arw" | "raf" | "orf" | "rw2" | "pef" | "srw" => {
            ("camera RAW", CONVERT)
        }
        "dcm" | "dicom" | "ima" => ("DICOM", SLICES),
        "nii" | "nii.gz" => ("NIfTI", SLICES),
        "mha" | "mhd" => ("MetaImage", SLICES),
        "nrrd" => ("NRRD", SLICES),
        "mp4" | "avi" | "mov" | "mkv" | "webm" => ("video", "save pictures of them as PNG"),
        "zip" | "tar" | "tar.gz" | "tgz" | "7z" | "rar" => ("archive", UNPACK),
        "tfrecord" | "tfrecords" => ("TFRecord", "save their pictures as PNG"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_set_are_told_by_their_names() {
        for (name, part, exact) in [
            ("train", Part::Training, true),
            ("Training", Part::Training, true),
            ("train2017", Part::Training, true),
            ("seg_train", Part::Training, false),
            ("test_set", Part::Test, true),
            ("testing", Part::Test, true),
            ("dev", Part::Validation, true),
            ("eval", Part::Validation, true),
            ("Validation", Part::Validation, true),
            ("steam train", Part::Training, false),
        ] {
            assert_eq!(Split::of(name), Some(Split { part, exact }), "{name}");
        }
        for name in ["cat", "contest", "trainer", "device", "value", "0"] {
            assert_eq!(Split::of(name), None, "{name}");
        }
    }

    #[test]
    fn files_that_are_not_read_have_names() {
        for (name, kind) in [
            ("a.GIF", ".gif"),
            ("a.dcm", ".dcm (DICOM)"),
            ("a.nii.gz", ".nii.gz (NIfTI)"),
            ("a.cr2", ".cr2 (camera RAW)"),
            ("a.heic", ".heic"),
            ("a.txt", ".txt"),
            ("README", "without extension"),
        ] {
            assert_eq!(of(Path::new(name)), kind);
        }
        let kinds = [".dcm (DICOM)".to_owned(), ".txt".to_owned()];
        assert!(remedy(kinds.iter()).contains("pydicom"));
        assert_eq!(remedy([".txt".to_owned()].iter()), CONVERT);
    }
}
