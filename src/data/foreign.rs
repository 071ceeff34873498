//! What a file is that people have and that is not read: told from its first bytes, by its name where they could be
//! anything, with the way out.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::gzip::unpacked;
use super::name_of;

/// Bytes from which a kind is told.
const START: usize = 512;

/// A kind of file that is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Foreign {
    /// With its article.
    pub what: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

const TO_CSV: &str = "write it as CSV, in pandas df.to_csv(\"table.csv\", index=False)";
const TO_PNG: &str = "save its pictures as PNG in a folder for each class";
const UNPACK: &str = "unpack it and name the folder or file inside";
const FETCH: &str = "download the file itself";

/// Kinds by the bytes that they begin with.
static MAGIC: [(usize, &[u8], &str, &str); 33] = [
    (128, b"DICM", "a DICOM file", "save its picture as PNG, in Python with pydicom and PIL"),
    (0, b"PAR1", "a Parquet file", TO_CSV),
    (0, b"ARROW1", "an Arrow file", TO_CSV),
    (0, b"FEA1", "a Feather file", TO_CSV),
    (0, b"ORC", "an ORC file", TO_CSV),
    (0, b"Obj\x01", "an Avro file", TO_CSV),
    (
        0,
        b"\x89HDF\r\n\x1a\n",
        "an HDF5 file",
        "save its tables as CSV or its pictures as PNG, in Python with h5py",
    ),
    (0, b"CDF\x01", "a NetCDF file", TO_CSV),
    (
        0,
        b"MATLAB 5.0",
        "a MATLAB file",
        "save its pictures as PNG or its table as CSV, in Python with scipy.io.loadmat",
    ),
    (0, b"SQLite format 3", "an SQLite database", TO_CSV),
    (0, b"$FL2", "an SPSS file", TO_CSV),
    (0, b"<stata_dta>", "a Stata file", TO_CSV),
    (0, b"RDX", "an R file", "write it as CSV, in R write.csv(x, \"table.csv\", row.names = FALSE)"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Office file", "save the sheet as CSV"),
    (0, b"version https://git-lfs", "a Git LFS pointer, not the file itself", "fetch it with git lfs pull"),
    (0, b"%PDF", "a PDF document", FETCH),
    (0, b"GIF8", "a GIF picture", "convert it to PNG"),
    (0, b"8BPS", "a Photoshop picture", "convert it to PNG"),
    (0, b"\0\0\x01\0", "an icon", "convert it to PNG"),
    (4, b"ftypheic", "a HEIC picture", "convert it to PNG or JPEG"),
    (4, b"ftypmif1", "a HEIF picture", "convert it to PNG or JPEG"),
    (4, b"ftypavif", "an AVIF picture", "convert it to PNG or JPEG"),
    (4, b"ftyp", "a video", "save pictures of it as PNG"),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000 picture", "convert it to PNG or JPEG"),
    (0, b"\xff\x0a", "a JPEG XL picture", "convert it to PNG or JPEG"),
    (257, b"ustar", "a tar archive", UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (0, b"Rar!", "a RAR archive", UNPACK),
    (0, b"\xfd7zXZ\0", "an xz archive", UNPACK),
    (0, b"BZh", "a bzip2 archive", UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "a zstd archive", UNPACK),
    (0, b"\0\x05\x16\x07", "what macOS keeps beside a file, not the file itself", "name the file without ._"),
    (344, b"n+1\0", "a NIfTI volume", "save slices of it as PNG, in Python with nibabel"),
];

/// The kind of a file that is not read, if it is one of those known.
pub fn kind(path: &Path) -> Option<Foreign> {
    let mut start = Vec::new();
    File::open(path).ok()?.take(START as u64).read_to_end(&mut start).ok()?;
    let name = name_of(path).to_lowercase();
    if start.starts_with(b"\x1f\x8b") {
        start.clear();
        // What cannot be unpacked is for its reader to say.
        unpacked(path).ok()?.take(START as u64).read_to_end(&mut start).ok()?;
    }
    of(&start, &name)
}

/// The kind by the first bytes, unpacked, and the name in lower case.
fn of(start: &[u8], name: &str) -> Option<Foreign> {
    let known = |what: &'static str, remedy: &'static str| Some(Foreign { what, remedy });
    for (at, magic, what, remedy) in MAGIC {
        if start.get(at..).is_some_and(|rest| rest.starts_with(magic)) {
            return known(what, remedy);
        }
    }
    let stem = name.strip_suffix(".gz").unwrap_or(name);
    let has = |end: &str| stem.ends_with(end);
    if (start.starts_with(b"\x5c\x01\0\0") || start.starts_with(b"\0\0\x01\x5c"))
        && (has(".nii") || has(".hdr"))
    {
        return known("a NIfTI volume", "save slices of it as PNG, in Python with nibabel");
    }
    if start.starts_with(b"PK") {
        let holds = |part: &[u8]| start.windows(part.len()).any(|window| window == part);
        if has(".xlsx") || has(".xlsm") || holds(b"[Content_Types].xml") || holds(b"xl/") {
            return known("an Excel file", "save the sheet as CSV");
        }
        if has(".ods") || holds(b"opendocument.spreadsheet") {
            return known("an OpenDocument sheet", "save the sheet as CSV");
        }
        let arrays = has(".npz") || has(".pt") || has(".pth") || holds(b".npy") || holds(b"data.pkl");
        return if arrays { None } else { known("a zip archive", UNPACK) };
    }
    if [".tfrecord", ".tfrecords"].iter().any(|end| has(end)) {
        return known("a TFRecord file", TO_PNG);
    }
    if ["_x.bin", "_y.bin"].iter().any(|end| has(end)) {
        return known(
            "STL-10 in its binary form",
            "save its pictures as PNG in a folder for each class, in Python with torchvision.datasets.STL10",
        );
    }
    text_kind(start, stem)
}

/// Kinds of text.
fn text_kind(start: &[u8], name: &str) -> Option<Foreign> {
    let text = String::from_utf8_lossy(start).to_lowercase();
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let known = |what: &'static str, remedy: &'static str| Some(Foreign { what, remedy });
    let begins = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
    if begins(&["<!doctype html", "<html", "<head", "<body"]) {
        return known("an HTML page, as a failed download leaves", FETCH);
    }
    if begins(&["<svg"]) || (begins(&["<?xml"]) && text.contains("<svg")) {
        return known("an SVG drawing", "convert it to PNG");
    }
    if begins(&["<?xml"]) {
        return known("an XML file", TO_CSV);
    }
    let json = begins(&["{\"", "[{", "[[", "[\"", "[]", "{}"])
        || (begins(&["{\n", "{\r\n", "[\n", "[\r\n", "{ ", "[ "]));
    if json || ((name.ends_with(".json") || name.ends_with(".jsonl")) && begins(&["{", "["])) {
        return known("a JSON file", TO_CSV);
    }
    let first = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('%'));
    if first.is_some_and(|line| line.starts_with("@relation")) {
        return known("an ARFF file", "write it as CSV: the lines after @data under a line with the names");
    }
    if begins(&["%%matrixmarket"]) {
        return known("a Matrix Market file", TO_CSV);
    }
    None
}

/// Whether a file is a table by its name.
pub fn is_table(path: &Path) -> bool {
    let name = name_of(path).to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    [".csv", ".tsv", ".tab", ".psv", ".ssv", ".data", ".dat", ".txt"].iter().any(|end| name.ends_with(end))
}

/// Whether a file begins as text does.
pub fn is_text(start: &[u8]) -> bool {
    let cut = start.len().saturating_sub(3);
    let is_wide = start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff");
    let whole = std::str::from_utf8(start).map_or_else(|error| error.valid_up_to() >= cut, |_| true);
    let controls = start.iter().any(|byte| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c));
    !start.is_empty() && (is_wide || (whole && !controls))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::data;

    fn message(name: &str, content: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let prefix = format!("{}/", folder.path().display());
        data::open(path.to_str().unwrap())
            .map(|set| format!("{} samples", set.len()))
            .unwrap_or_else(|error| error.to_string().replace(&prefix, ""))
    }

    fn packed(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn at(offset: usize, magic: &[u8]) -> Vec<u8> {
        [vec![0; offset], magic.to_vec(), vec![0; 300]].concat()
    }

    #[test]
    fn files_of_other_kinds_are_called_by_their_name() {
        let nifti = [&[0x5c, 1, 0, 0][..], &[0; 400]].concat();
        for (name, content, expected) in [
            (
                "img.dcm",
                at(128, b"DICM"),
                "img.dcm is a DICOM file: save its picture as PNG, in Python with pydicom and PIL",
            ),
            ("img.nii", nifti.clone(), "img.nii is a NIfTI volume: save slices of it as PNG"),
            ("img.nii.gz", packed(&nifti), "img.nii.gz is a NIfTI volume: save slices of it as PNG"),
            ("t.parquet", at(0, b"PAR1"), "t.parquet is a Parquet file: write it as CSV"),
            ("t.csv", at(0, b"PAR1"), "t.csv is a Parquet file: write it as CSV"),
            ("t.xlsx", at(0, b"PK\x03\x04"), "t.xlsx is an Excel file: save the sheet as CSV"),
            (
                "t.xls",
                at(0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
                "t.xls is an old Excel or Office file: save the sheet",
            ),
            ("a.zip", at(0, b"PK\x03\x04"), "a.zip is a zip archive: unpack it and name the folder"),
            ("a.tar", at(257, b"ustar"), "a.tar is a tar archive: unpack it"),
            ("a.tar.gz", packed(&at(257, b"ustar")), "a.tar.gz is a tar archive: unpack it"),
            ("t.json", b"[{\"a\":1,\"label\":0}]".to_vec(), "t.json is a JSON file: write it as CSV"),
            ("t.csv", b"{\n \"a\": 1}".to_vec(), "t.csv is a JSON file: write it as CSV"),
            (
                "t.arff",
                b"% x\n@RELATION x\n@attribute a numeric\n@data\n1\n".to_vec(),
                "t.arff is an ARFF file: write it",
            ),
            (
                "train_X.bin",
                vec![7; 27648],
                "train_X.bin is STL-10 in its binary form: save its pictures as PNG",
            ),
            (
                "iris.csv",
                b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n".to_vec(),
                "iris.csv is a Git LFS pointer, not the file itself: fetch it with git lfs pull",
            ),
            ("a.png", b"version https://git-lfs.github.com/spec/v1\n".to_vec(), "a.png is a Git LFS pointer"),
            (
                "iris.csv",
                b"\n<!DOCTYPE html><html>404</html>".to_vec(),
                "iris.csv is an HTML page, as a failed download leaves",
            ),
            (
                "a.jpg",
                b"<html>404</html>".to_vec(),
                "a.jpg is an HTML page, as a failed download leaves: download the file",
            ),
            (
                "t.h5",
                at(0, b"\x89HDF\r\n\x1a\n"),
                "t.h5 is an HDF5 file: save its tables as CSV or its pictures as PNG",
            ),
            (
                "train_32x32.mat",
                at(0, b"MATLAB 5.0 MAT-file"),
                "train_32x32.mat is a MATLAB file: save its pictures",
            ),
            ("a.gif", at(0, b"GIF89a"), "a.gif is a GIF picture: convert it to PNG"),
        ] {
            let error = message(name, &content);
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn text_is_told_from_bytes() {
        assert!(is_text("länge,1\n".as_bytes()) && is_text(b"\xff\xfea\0"));
        assert!(!is_text(b"\x80\x02cposix") && !is_text(b"") && !is_text(b"a\0b"));
    }
}
