//! Data sets, changed at random (see [`crate::golden::fuzz`]).
#![allow(clippy::unwrap_used)]

use std::io::{Cursor, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

use super::open;
use crate::golden::fuzz::fuzz;
use crate::weights::forge::{Pickler, npy, zip};

const SCHEMA: &[u8] = b"target = \"income\"\nmissing = \"mean\"\n[columns]\n\
    age = { kind = \"numeric\", min = 0, max = 120 }\nsex = { kind = \"categorical\", values = [\"f\", \"m\"] }\n\
    id = { kind = \"ignore\" }\n";

/// Tables as people write them.
fn tables() -> Vec<Vec<u8>> {
    let texts = [
        "age,sex,id,income\n39, m ,a,<=50K\n50,f,b,>50K\n28,m,c,<=50K\n",
        "sep=;\nage;sex;id;income\n1,5;f;x;a\n2,25;m;y;b\n",
        "# a title\n0\t1\t2\n1\t\"1,000\"\t3%\n2\t$2000\t?\n",
        "\u{feff}\"a \"\"b\"\"\",\"c\nd\",target\r\n1,2,x\r\n,NaN,y\r\n",
        "5.1 3.5 1\n4.9 3.0 2\n\n",
    ];
    let mut files: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    let utf16 = texts[0].encode_utf16().flat_map(u16::to_le_bytes);
    files.push([0xff, 0xfe].into_iter().chain(utf16).collect());
    files
}

/// Whether a file of this name can be opened and its first sample taken.
fn reads(folder: &Path, name: &str, file: &[u8]) -> bool {
    let path = folder.join(name);
    std::fs::write(&path, file).unwrap();
    open(path.to_str().unwrap()).and_then(|set| set.batch(&[0], None)).is_ok()
}

#[test]
#[ignore = "runs for as long as asked"]
fn fuzz_tables() {
    let folder = tempfile::tempdir().unwrap();
    fuzz("tables", &tables(), |file| reads(folder.path(), "t.csv", file));
    let file = &tables()[0];
    let mut zipped = GzEncoder::new(Vec::new(), Compression::default());
    zipped.write_all(file).unwrap();
    fuzz("tables, compressed", &[zipped.finish().unwrap()], |file| reads(folder.path(), "z.csv.gz", file));
    std::fs::write(folder.path().join("s.csv"), file).unwrap();
    fuzz("schemas", &[SCHEMA.to_vec()], |schema| {
        std::fs::write(folder.path().join("s.schema.toml"), schema).unwrap();
        reads(folder.path(), "s.csv", file)
    });
}

#[test]
#[ignore = "runs for as long as asked"]
fn fuzz_arrays() {
    let folder = tempfile::tempdir().unwrap();
    let grey: Vec<u8> = (0..3 * 64).collect();
    let array = |shape: &str, data: &[u8]| {
        npy(1, &format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"), data)
    };
    let (images, labels) = (array("(3, 8, 8)", &grey), array("(3,)", &[0, 1, 2]));
    let entries = [("images.npy", &images[..]), ("labels.npy", &labels[..])];
    let files = [true, false].map(|compressed| zip(&entries, compressed));
    fuzz("npz", &files, |file| reads(folder.path(), "a.npz", file));
    std::fs::write(folder.path().join("train-labels-idx1-ubyte"), [0, 0, 8, 1, 0, 0, 0, 3, 0, 1, 2]).unwrap();
    fuzz("idx", &[idx(&grey)], |file| reads(folder.path(), "train-images-idx3-ubyte", file));
}

/// Three pictures of 8x8 pixels.
fn idx(pixels: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, 3];
    file.extend([3_u32, 8, 8].iter().flat_map(|size| size.to_be_bytes()));
    file.extend(pixels);
    file
}

/// A batch of CIFAR's as Python writes it, of one picture.
fn cifar_python() -> Vec<u8> {
    let pixels: Vec<u8> = (0..3072).map(|i| (i % 251) as u8).collect();
    let fields = Pickler::new().raw(b"}").text("data").array("u1", &[1, 3072], &pixels).raw(b"s");
    fields.text("labels").raw(b"](").integer(3).raw(b"es").end()
}

#[test]
#[ignore = "runs for as long as asked"]
fn fuzz_cifar() {
    let folder = tempfile::tempdir().unwrap();
    let binary: Vec<u8> = (0..2 * 3073).map(|i| (i % 3073 % 10) as u8).collect();
    fuzz("CIFAR, binary", &[binary], |file| reads(folder.path(), "data_batch_1.bin", file));
    fuzz("CIFAR, python", &[cifar_python()], |file| reads(folder.path(), "data_batch_1", file));
}

#[test]
#[ignore = "runs for as long as asked"]
fn fuzz_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let picture = RgbImage::from_fn(16, 12, |x, y| Rgb([x as u8 * 9, y as u8 * 9, 200]));
    let written = |format| {
        let mut file = Cursor::new(Vec::new());
        DynamicImage::ImageRgb8(picture.clone()).write_to(&mut file, format).unwrap();
        file.into_inner()
    };
    use ImageFormat::{Bmp, Jpeg, Png, Pnm, Tiff, WebP};
    let files = [Png, Jpeg, Bmp, WebP, Tiff, Pnm].map(written);
    fuzz("pictures", &files, |file| reads(folder.path(), "p.png", file));
}
