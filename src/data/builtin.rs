//! The sets that are part of the program, so that it works without a checkout and without a network. Their
//! sources and licences are in `assets/NOTICE.md`.

use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;

use super::picture::Picture;
use super::{DataError, Dataset, Normalisation, Samples, cifar, idx, io_error, table};
use crate::reading::Reading;

/// One built-in set, for lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogueEntry {
    /// What [`super::open`] takes.
    pub name: &'static str,
    /// Number of samples.
    pub samples: usize,
    /// 1 (grey, or a table) or 3 (red, green, blue).
    pub channels: usize,
    /// Height and width in pixels; absent where the samples differ. Rows of a table are 1 high.
    pub size: Option<(usize, usize)>,
    /// Number of classes.
    pub classes: usize,
    /// One line.
    pub about: &'static str,
}

/// An embedded set: its entry and its files.
struct Set {
    entry: CatalogueEntry,
    content: Content,
}

enum Content {
    Idx {
        images: &'static [u8],
        labels: &'static [u8],
        classes: [&'static str; 10],
        normalisation: fn() -> Normalisation,
    },
    Cifar {
        records: &'static [u8],
        classes: &'static str,
    },
    /// Name and file; each picture is its own class.
    Pictures(&'static [(&'static str, &'static [u8])]),
    /// Rows of 8 x 8 grey levels from 0 to 16 and a digit, gzip-compressed.
    Digits8(&'static [u8]),
    /// Comma-separated rows under a header.
    Table(&'static str),
}

macro_rules! asset {
    ($path:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/", $path))
    };
}

static PHOTOS: [(&str, &[u8]); 17] = [
    ("astronaut_face", asset!("photos/astronaut_face.png")),
    ("astronaut", asset!("photos/astronaut.png")),
    ("brick", asset!("photos/brick.png")),
    ("camera", asset!("photos/camera.png")),
    ("cat", asset!("photos/cat.png")),
    ("cell", asset!("photos/cell.png")),
    ("china", asset!("photos/china.png")),
    ("coffee", asset!("photos/coffee.png")),
    ("coins", asset!("photos/coins.png")),
    ("flower", asset!("photos/flower.png")),
    ("grace_hopper", asset!("photos/grace_hopper.png")),
    ("grass", asset!("photos/grass.png")),
    ("gravel", asset!("photos/gravel.png")),
    ("hubble", asset!("photos/hubble.png")),
    ("ihc", PHOTO_IHC),
    ("retina", PHOTO_RETINA),
    ("rocket", asset!("photos/rocket.png")),
];

// Both also belong to `medical` and are embedded once.
static PHOTO_IHC: &[u8] = asset!("photos/ihc.png");
static PHOTO_RETINA: &[u8] = asset!("photos/retina.png");

static MEDICAL: [(&str, &[u8]); 6] = [
    ("ct", asset!("medical/ct.png")),
    ("mr", asset!("medical/mr.png")),
    ("brain_mri", asset!("medical/brain_mri_s1045.png")),
    ("retina_fundus", PHOTO_RETINA),
    ("microaneurysms", asset!("medical/microaneurysms.png")),
    ("ihc_colon", PHOTO_IHC),
];

static SETS: [Set; 10] = [
    Set {
        entry: CatalogueEntry {
            name: "photos",
            samples: 17,
            channels: 3,
            size: Some((256, 256)),
            classes: 17,
            about: "photographs, portraits first; each is its own class",
        },
        content: Content::Pictures(&PHOTOS),
    },
    Set {
        entry: CatalogueEntry {
            name: "digits28",
            samples: 500,
            channels: 1,
            size: Some((28, 28)),
            classes: 10,
            about: "handwritten digits (MNIST), 50 of each",
        },
        content: Content::Idx {
            images: asset!("digits28/digits500-images-idx3-ubyte"),
            labels: asset!("digits28/digits500-labels-idx1-ubyte"),
            classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
            normalisation: Normalisation::mnist,
        },
    },
    Set {
        entry: CatalogueEntry {
            name: "fashion28",
            samples: 500,
            channels: 1,
            size: Some((28, 28)),
            classes: 10,
            about: "clothes (Fashion-MNIST), 50 of each kind",
        },
        content: Content::Idx {
            images: asset!("fashion28/fashion500-images-idx3-ubyte"),
            labels: asset!("fashion28/fashion500-labels-idx1-ubyte"),
            classes: [
                "T-shirt/top",
                "Trouser",
                "Pullover",
                "Dress",
                "Coat",
                "Sandal",
                "Shirt",
                "Sneaker",
                "Bag",
                "Ankle boot",
            ],
            normalisation: Normalisation::fashion_mnist,
        },
    },
    Set {
        entry: CatalogueEntry {
            name: "crops32",
            samples: 120,
            channels: 3,
            size: Some((32, 32)),
            classes: 15,
            about: "details of photographs, 8 of each of 15 scenes",
        },
        content: Content::Cifar {
            records: asset!("crops32/crops32.bin"),
            classes: include_str!("../../assets/crops32/batches.meta.txt"),
        },
    },
    Set {
        entry: CatalogueEntry {
            name: "histology32",
            samples: 128,
            channels: 3,
            size: Some((32, 32)),
            classes: 2,
            about: "tissue patches, stained or not (by colour, not a diagnosis)",
        },
        content: Content::Cifar {
            records: asset!("histology32/histology32.bin"),
            classes: include_str!("../../assets/histology32/batches.meta.txt"),
        },
    },
    Set {
        entry: CatalogueEntry {
            name: "medical",
            samples: 6,
            channels: 3,
            size: None,
            classes: 6,
            about: "CT, MRI, retina and tissue; each is its own class",
        },
        content: Content::Pictures(&MEDICAL),
    },
    Set {
        entry: CatalogueEntry {
            name: "digits8",
            samples: 1797,
            channels: 1,
            size: Some((8, 8)),
            classes: 10,
            about: "handwritten digits, tiny: for quick looks",
        },
        content: Content::Digits8(asset!("digits8/digits.csv.gz")),
    },
    Set {
        entry: CatalogueEntry {
            name: "breast-cancer",
            samples: 569,
            channels: 1,
            size: Some((1, 30)),
            classes: 2,
            about: "table: 30 measures of cell nuclei, malignant or benign",
        },
        content: Content::Table(include_str!("../../assets/tables/breast-cancer.csv")),
    },
    Set {
        entry: CatalogueEntry {
            name: "wine",
            samples: 178,
            channels: 1,
            size: Some((1, 13)),
            classes: 3,
            about: "table: 13 chemical measures of wines of three growers",
        },
        content: Content::Table(include_str!("../../assets/tables/wine.csv")),
    },
    Set {
        entry: CatalogueEntry {
            name: "iris",
            samples: 150,
            channels: 1,
            size: Some((1, 4)),
            classes: 3,
            about: "table: 4 measures of flowers of three species",
        },
        content: Content::Table(include_str!("../../assets/tables/iris.csv")),
    },
];

/// The built-in sets, in the order in which lists show them.
pub fn catalogue() -> Vec<CatalogueEntry> {
    SETS.iter().map(|set| set.entry).collect()
}

/// The built-in set of this name, if there is one.
pub(super) fn open(name: &str) -> Option<Result<Dataset, DataError>> {
    let set = SETS.iter().find(|set| set.entry.name == name)?;
    Some(match &set.content {
        Content::Idx { images, labels, classes, normalisation } => {
            idx::embedded(name, images, labels, classes.map(String::from).into(), normalisation())
        }
        Content::Cifar { records, classes } => cifar::embedded(name, records, classes),
        Content::Pictures(pictures) => Ok(Dataset {
            name: name.into(),
            classes: pictures.iter().map(|(name, _)| name.to_string()).collect(),
            channels: set.entry.channels,
            size: set.entry.size,
            table: None,
            reading: Reading::default(),
            known: Some(Normalisation::cifar10()),
            labels: (0..pictures.len()).collect(),
            samples: Samples::Pictures(
                pictures.iter().map(|&(name, bytes)| Picture::Embedded { name, bytes }).collect(),
            ),
        }),
        Content::Digits8(packed) => digits8(name, packed),
        Content::Table(text) => table::embedded(name, text),
    })
}

/// Levels 0 to 16 become 0 to 255, rounded.
fn digits8(name: &str, packed: &[u8]) -> Result<Dataset, DataError> {
    const SIDE: usize = 8;
    let mut text = String::new();
    GzDecoder::new(packed).read_to_string(&mut text).map_err(|reason| io_error(Path::new(name), reason))?;
    let (mut labels, mut pixels) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let numbers: Vec<u32> = line.split(',').filter_map(|number| number.parse().ok()).collect();
        let (label, levels) = numbers.split_last().unwrap_or((&0, &[]));
        labels.push(*label as usize);
        pixels.extend(levels.iter().map(|level| ((level * 255 + 8) / 16) as u8));
    }
    Ok(Dataset {
        name: name.into(),
        classes: (0..10).map(|digit| digit.to_string()).collect(),
        channels: 1,
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
    use super::*;
    use crate::data;

    #[test]
    fn the_catalogue_tells_the_truth() {
        for entry in catalogue() {
            let set = data::open(entry.name).unwrap();
            assert_eq!(set.name, entry.name);
            assert_eq!(set.len(), entry.samples, "{}", entry.name);
            assert_eq!(set.channels, entry.channels);
            assert_eq!(set.size, entry.size);
            assert_eq!(set.classes.len(), entry.classes);
            let normalisation = set.normalisation();
            assert_eq!((normalisation.mean.len(), normalisation.std.len()), (set.channels, set.channels));
            assert_eq!(set.table.is_some(), entry.about.starts_with("table: "), "{}", entry.name);
            for i in 0..set.len() {
                assert!(set.label(i).unwrap() < set.classes.len());
                let images = set.batch(&[i], None).unwrap().images;
                assert_eq!((images.samples, images.channels), (1, entry.channels));
                if let Some(size) = entry.size {
                    assert_eq!((images.height, images.width), size, "sample {i} of {}", entry.name);
                }
            }
        }
    }

    #[test]
    fn classes_are_balanced_as_their_notice_says() {
        for (name, each) in
            [("digits28", 50), ("fashion28", 50), ("crops32", 8), ("photos", 1), ("medical", 1), ("iris", 50)]
        {
            let set = data::open(name).unwrap();
            for class in 0..set.classes.len() {
                let count = (0..set.len()).filter(|&i| set.label(i) == Some(class)).count();
                assert_eq!(count, each, "class {class} of {name}");
            }
        }
    }

    #[test]
    fn pixels_are_the_files_bytes() {
        let digits: &[u8] = asset!("digits28/digits500-images-idx3-ubyte");
        let batch = data::open("digits28").unwrap().batch(&[3], None).unwrap();
        let expected: Vec<f64> =
            digits[16 + 3 * 784..16 + 4 * 784].iter().map(|&b| f64::from(b) / 255.0).collect();
        assert_eq!(batch.images.pixels, expected);
        assert!(expected.iter().any(|&value| value > 0.9));

        let crops: &[u8] = asset!("crops32/crops32.bin");
        let batch = data::open("crops32").unwrap().batch(&[1], None).unwrap();
        assert_eq!(batch.labels, [usize::from(crops[3073])]);
        assert_eq!(batch.images.pixels[0], f64::from(crops[3074]) / 255.0);
        assert_eq!(batch.images.pixels[3071], f64::from(crops[2 * 3073 - 1]) / 255.0);
    }

    #[test]
    fn small_digits_are_the_files_levels() {
        let set = data::open("digits8").unwrap();
        // The first line of the file: 0,0,5,13,9,1,0,0,0,0,13,15,10,15,5,0, ... and the digit 0.
        let batch = set.batch(&[0], None).unwrap();
        assert_eq!((batch.labels[0], batch.names[0].as_str()), (0, "0 #0"));
        let levels: Vec<f64> = batch.images.pixels[..16].iter().map(|pixel| (pixel * 16.0).round()).collect();
        assert_eq!(levels, [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0].map(f64::from));
        let all: Vec<usize> = (0..set.len()).collect();
        let pixels = set.batch(&all, None).unwrap().images.pixels;
        assert!(pixels.contains(&0.0) && pixels.contains(&1.0));
        assert_eq!(set.labels().iter().filter(|label| **label == 3).count(), 183);
    }

    #[test]
    fn tables_name_their_fields_and_classes() {
        let set = data::open("breast-cancer").unwrap();
        assert_eq!(set.classes, ["benign", "malignant"]);
        assert_eq!(set.labels().iter().filter(|label| **label == 1).count(), 212);
        let batch = set.batch(&[0], None).unwrap();
        assert_eq!((batch.images.shape(), batch.names[0].as_str()), ([1, 1, 1, 30], "malignant #0"));
        assert!(batch.images.pixels.iter().all(|value| (0.0..=1.0).contains(value)));
        let fields = set.table.as_ref().unwrap().decode(&batch.images.pixels);
        for (i, name, number) in
            [(0, "mean radius", 17.99), (3, "mean area", 1001.0), (20, "worst radius", 25.38)]
        {
            assert_eq!(fields[i].name, name);
            assert!(
                matches!(fields[i].value, data::Value::Number(n) if (n - number).abs() < 1e-9),
                "{fields:?}"
            );
        }
    }

    #[test]
    fn the_portrait_comes_first() {
        let set = data::open("photos").unwrap();
        assert_eq!(set.sample_name(0).unwrap(), "astronaut_face");
        assert_eq!(set.sample_name(1).unwrap(), "astronaut");
        assert!(set.classes[1..].is_sorted());
        let batch = set.batch(&[0, 10], Some(32)).unwrap();
        assert_eq!(batch.names, ["astronaut_face", "grace_hopper"]);
        assert_eq!(batch.labels, [0, 10]);
    }

    #[test]
    fn grey_medical_pictures_have_three_equal_channels() {
        let images = data::open("medical").unwrap().batch(&[0], Some(64)).unwrap().images;
        assert_eq!(images.shape(), [1, 3, 64, 64]);
        assert_eq!(images.pixels[..4096], images.pixels[4096..8192]);
        assert!(images.pixels.iter().any(|&value| value > 0.5));
    }
}
