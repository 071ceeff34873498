//! The ground truth of a captured update in the forms in which people have it: the same figures as from the form that
//! is documented, and a sentence on how it was read; or a sentence on what is not as expected.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::lab::{Lab, finished, text, today, write};

/// A tensor to be written: 32-bit floats, whole numbers of 64 bit, or bytes.
struct Array {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

fn floats(shape: &[usize], values: impl IntoIterator<Item = f32>) -> Array {
    let bytes = values.into_iter().flat_map(f32::to_le_bytes).collect();
    Array { dtype: Dtype::F32, shape: shape.to_vec(), bytes }
}

fn whole(shape: &[usize], values: &[i64]) -> Array {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Array { dtype: Dtype::I64, shape: shape.to_vec(), bytes }
}

fn bytes(shape: &[usize], values: impl IntoIterator<Item = u8>) -> Array {
    Array { dtype: Dtype::U8, shape: shape.to_vec(), bytes: values.into_iter().collect() }
}

/// A file as it is written.
type File<'a> = &'a [(&'a str, &'a Array)];

/// A captured update of a batch, and its ground truth.
struct Capture {
    lab: Lab,
    preset: String,
    /// File that the preset names as ground truth.
    truth: String,
    /// `[batch, 3, 32, 32]`, in [0, 1] and as the model saw them.
    images: Vec<f32>,
    inputs: Vec<f32>,
    labels: Vec<i64>,
}

impl Capture {
    fn new(indices: &str) -> Capture {
        let lab = Lab::new();
        let folder = lab.path("files");
        let indices = format!("victim.indices={indices}");
        let settings = [&indices, "attack.iterations=3", "knowledge.labels=true", "victim.size=32"];
        let settings = settings.iter().flat_map(|setting| ["--set", setting]);
        lab.succeed(
            &["capture", "ig-lenet", "--out", folder.to_str().unwrap()]
                .into_iter()
                .chain(settings)
                .collect::<Vec<_>>(),
        );
        let truth = folder.join("batch.safetensors");
        let content = std::fs::read(&truth).unwrap();
        let file = SafeTensors::deserialize(&content).unwrap();
        let floats = |name: &str| -> Vec<f32> {
            let data = file.tensor(name).unwrap().data().to_vec();
            data.as_chunks::<4>().0.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect()
        };
        let labels = file.tensor("labels").unwrap().data().to_vec();
        Capture {
            preset: folder.join("preset.toml").display().to_string(),
            truth: truth.display().to_string(),
            images: floats("images"),
            inputs: floats("inputs"),
            labels: labels.as_chunks::<8>().0.iter().map(|chunk| i64::from_le_bytes(*chunk)).collect(),
            lab,
        }
    }

    fn samples(&self) -> usize {
        self.labels.len()
    }

    fn shape(&self) -> [usize; 4] {
        [self.samples(), 3, 32, 32]
    }

    fn channels_last(&self) -> Array {
        let n = self.samples();
        let place = |i: usize| {
            let (sample, pixel, channel) = (i / 3072, i % 3072 / 3, i % 3);
            self.images[sample * 3072 + channel * 1024 + pixel]
        };
        floats(&[n, 32, 32, 3], (0..n * 3072).map(place))
    }

    fn save(&self, tensors: File<'_>) {
        let views = tensors.iter().map(|(name, array)| {
            (*name, TensorView::new(array.dtype, array.shape.clone(), &array.bytes).unwrap())
        });
        write(Path::new(&self.truth), &safetensors::serialize(views, None).unwrap());
    }

    /// PSNR against this ground truth, and how it was read.
    fn figures(&self, tensors: File<'_>, settings: &[&str]) -> (f64, Vec<String>) {
        self.save(tensors);
        let settings = settings.iter().flat_map(|setting| ["--set", setting]);
        let all: Vec<&str> = ["run", &self.preset, "--json"].into_iter().chain(settings).collect();
        let output = self.lab.gialab(&all);
        let (out, error) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{error}");
        assert!(out.lines().all(|line| line.starts_with('{')), "{out}");
        let finished = finished(&out);
        let psnr = finished["rounds"][0]["metrics"]["psnr"]["mean"].as_f64().unwrap();
        // Printed once, and stored.
        let said: Vec<String> =
            error.lines().filter_map(|line| line.strip_prefix("read     ")).map(str::to_owned).collect();
        let manifest = self.lab.manifest(finished["run"].as_str().unwrap());
        let stored: Vec<String> = serde_json::from_value(manifest["reading"].clone()).unwrap_or_default();
        assert_eq!(said, stored, "{error}");
        (psnr, said)
    }

    fn refused(&self, tensors: File<'_>, settings: &[&str]) -> String {
        self.save(tensors);
        let settings = settings.iter().flat_map(|setting| ["--set", setting]);
        let all: Vec<&str> = ["run", &self.preset].into_iter().chain(settings).collect();
        self.lab.fail(&all, 2)
    }
}

#[test]
fn other_names_layouts_ranges_and_labels_come_to_the_same_figures() {
    let capture = Capture::new("[0,2]");
    let shape = capture.shape();
    let images = floats(&shape, capture.images.iter().copied());
    let inputs = floats(&shape, capture.inputs.iter().copied());
    let levels = floats(&shape, capture.images.iter().map(|value| value * 255.0));
    let eight_bit = bytes(&shape, capture.images.iter().map(|value| (value * 255.0).round() as u8));
    let labels = whole(&[2], &capture.labels);
    let column = whole(&[2, 1], &capture.labels);
    let hot = |classes: i64| {
        let rows =
            capture.labels.iter().flat_map(|label| (0..classes).map(move |class| i64::from(class == *label)));
        whole(&[2, classes as usize], &rows.collect::<Vec<_>>())
    };
    let as_floats = floats(&[2], capture.labels.iter().map(|label| *label as f32));
    let last = capture.channels_last();

    let (own, said) = capture.figures(&[("images", &images), ("labels", &labels)], &[]);
    assert!(said.is_empty(), "{said:?}");
    let forms: [(File<'_>, &[&str]); 12] = [
        (&[("inputs", &inputs), ("labels", &labels)], &[]),
        (&[("images", &images), ("labels", &as_floats)], &[]),
        (&[("images", &images), ("labels", &hot(10))], &["labels were one-hot"]),
        (&[("images", &images), ("labels", &column)], &["labels were of shape 2x1"]),
        (&[("images", &last), ("labels", &labels)], &["images had its channels last"]),
        (&[("images", &levels), ("labels", &labels)], &["images from 0 to 255, divided by 255"]),
        (&[("images", &eight_bit), ("labels", &labels)], &["images from 0 to 255, divided by 255"]),
        (
            &[("images", &inputs), ("labels", &labels)],
            &["taken as normalised, brought back to [0, 1] by victim.normalise"],
        ),
        (&[("data", &images), ("targets", &labels)], &["data taken as the pictures, targets as the labels"]),
        (&[("x", &images), ("y", &labels)], &["x taken as the pictures, y as the labels"]),
        (&[("batch.image", &images), ("batch.label", &labels)], &["batch.image taken as the pictures"]),
        (&[("0", &images), ("1", &labels)], &["a pair: the first taken as the pictures"]),
    ];
    for (tensors, notes) in forms {
        let (psnr, said) = capture.figures(tensors, &[]);
        assert!((psnr - own).abs() < 0.02, "{notes:?}: {psnr} dB instead of {own}");
        assert_eq!(said.len(), notes.len(), "{said:?}");
        for (said, note) in said.iter().zip(notes) {
            assert!(said.starts_with("batch.safetensors: ") && said.contains(note), "{said}");
        }
    }
    let beside = format!("victim.captured.labels=[{},{}]", capture.labels[0], capture.labels[1]);
    let (psnr, _) = capture.figures(&[("images", &images)], &[&beside]);
    assert!((psnr - own).abs() < 0.02, "{psnr} {own}");
    // Everywhere the run is shown.
    capture.figures(&[("x", &last), ("y", &labels)], &[]);
    let expected = "read     batch.safetensors: x taken as the pictures, y as the labels";
    let shown = capture.lab.succeed(&["show", "last"]);
    assert!(shown.contains(expected) && shown.contains("x had its channels last"), "{shown}");
    for format in ["json", "html"] {
        let page = capture.lab.succeed(&["export", "last", "--to", format, "--out", "-"]);
        assert!(page.contains("x taken as the pictures, y as the labels"), "{format}");
    }
}

#[test]
fn a_single_picture_may_come_without_a_batch() {
    let capture = Capture::new("[1]");
    let images = floats(&capture.shape(), capture.images.iter().copied());
    let picture = floats(&[3, 32, 32], capture.images.iter().copied());
    let (scalar, one) = (whole(&[], &capture.labels), whole(&[1], &capture.labels));
    let (own, _) = capture.figures(&[("images", &images), ("labels", &one)], &[]);
    let (psnr, said) = capture.figures(&[("images", &picture), ("labels", &scalar)], &[]);
    assert!((psnr - own).abs() < 0.01, "{psnr} dB instead of {own}");
    assert_eq!(
        said,
        [
            "batch.safetensors: images of shape 3x32x32 is one picture",
            "batch.safetensors: labels were one number"
        ]
    );
}

#[test]
fn what_is_not_as_expected_is_said() {
    let capture = Capture::new("[0,2]");
    let shape = capture.shape();
    let images = floats(&shape, capture.images.iter().copied());
    let inputs = floats(&shape, capture.inputs.iter().copied());
    let labels = whole(&[2], &capture.labels);
    let wide = floats(&[2, 5, 32, 32], (0..2 * 5 * 1024).map(|_| 0.5));
    let soft = floats(&[2, 10], (0..20).map(|i| i as f32 / 20.0));
    let hot = whole(&[2, 3], &[1, 0, 0, 0, 0, 1]);
    let three = whole(&[3], &[1, 2, 3]);
    let half = floats(&[2], [0.5, 1.0]);
    let none = ["victim.normalise=false"];
    let cases: [(File<'_>, &[&str], &str); 9] = [
        (&[("images", &images)], &[], "has images but no labels; save 2 whole number(s) as labels"),
        (
            &[("images", &inputs), ("labels", &labels)],
            &none,
            "holds no pictures in [0, 1]: images has values from",
        ),
        (&[("images", &inputs), ("labels", &labels)], &none, "set victim.normalise to the mean and std"),
        (&[("inputs", &inputs), ("labels", &labels)], &none, "outside of [0, 1]; set victim.normalise"),
        (
            &[("images", &wide), ("labels", &labels)],
            &[],
            "has images of shape 2x5x32x32; save them as batch x channels x height x width",
        ),
        (&[("images", &images), ("labels", &soft)], &[], "has labels of shape 2x10, which are not one-hot"),
        (
            &[("images", &images), ("labels", &hot)],
            &[],
            "one-hot labels of 3 classes, but victim.classes = 10",
        ),
        (&[("images", &images), ("labels", &three)], &[], "has labels of shape 3 for 2 sample(s)"),
        (&[("images", &images), ("labels", &half)], &[], "has 0.5 among labels, which is no class"),
    ];
    for (tensors, settings, expected) in cases {
        let error = capture.refused(tensors, settings);
        assert!(error.contains("victim.captured.truth: ") && error.contains(expected), "{expected}: {error}");
    }
    let error = capture.refused(&[("a", &images), ("b", &labels), ("c", &labels)], &[]);
    assert!(error.contains("it holds a (2x3x32x32), b (2), c (2); save the samples"), "{error}");
    let error =
        capture.refused(&[("images", &images), ("labels", &labels)], &["victim.captured.labels=[1,2]"]);
    assert!(
        error.contains("has labels of its own, beside victim.captured.labels; remove the latter"),
        "{error}"
    );
    // Samples of another size: the weights are right.
    let small = floats(&[2, 3, 28, 28], (0..2 * 3 * 784).map(|_| 0.5));
    let grey = floats(&[2, 1, 32, 32], (0..2 * 1024).map(|_| 0.5));
    let tiny = floats(&[2, 3, 2, 2], (0..24).map(|_| 0.5));
    for (samples, found) in [(&small, "3x28x28"), (&grey, "1x32x32"), (&tiny, "3x2x2")] {
        let normalise = ["victim.normalise=false"];
        let error = capture.refused(&[("images", samples), ("labels", &labels)], &normalise);
        let says = format!("has samples of {found}, but the model of victim.captured.weights takes 3x32x32");
        assert!(error.contains("victim.captured.truth: ") && error.contains(&says), "{error}");
    }
    let beyond = whole(&[2], &[3, 10]);
    let error = capture.refused(&[("images", &images), ("labels", &beyond)], &[]);
    assert!(
        error.contains("batch.safetensors has label 10, but the model tells 10 labels apart, 0 to 9"),
        "{error}"
    );
    let error = capture.refused(&[("images", &images), ("labels", &labels)], &["victim.classes=2"]);
    assert!(error.contains("2 classes"), "{error}");
}

/// The same forms as PyTorch saves them.
#[test]
fn what_pytorch_saves_is_read_alike() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases/16-truth-forms");
    if !folder.is_dir() {
        eprintln!("skipped: {} is not there", folder.display());
        return;
    }
    let lab = Lab::new();
    let mut figures: HashMap<&str, f64> = HashMap::new();
    for (name, note) in [
        ("floatlabels", None),
        ("inputs", None),
        ("uint8", Some("images from 0 to 255, divided by 255")),
        ("nhwc", Some("images had its channels last")),
        ("onehot", Some("labels were one-hot")),
        ("data_targets", Some("data taken as the pictures, targets as the labels")),
        ("singular", Some("image taken as the pictures, label as the labels")),
        ("xy", Some("x taken as the pictures, y as the labels")),
        ("pair", Some("a pair: the first taken as the pictures, the second as the labels")),
        ("normalised_as_images", Some("brought back to [0, 1] by victim.normalise")),
    ] {
        let preset = std::fs::read_to_string(folder.join(format!("{name}.toml"))).unwrap();
        let gradient = if preset.contains("g01.pth") { "g01.pth" } else { "g.pth" };
        let preset = ["global.pth", gradient, &format!("{name}.pth")].iter().fold(preset, |preset, file| {
            preset.replace(&format!("\"{file}\""), &format!("\"{}\"", folder.join(file).display()))
        });
        let preset = write(&lab.path("own.toml"), today(&preset).as_bytes());
        let all = ["run", &preset, "--json", "--set", "attack.iterations=3"];
        let output = lab.gialab(&all);
        let error = text(&output.stderr);
        assert!(output.status.success(), "{name}: {error}");
        match note {
            Some(note) => assert!(error.contains(note), "{name}: {error}"),
            None => assert!(!error.contains("read "), "{name}: {error}"),
        }
        let psnr = finished(&text(&output.stdout))["rounds"][0]["metrics"]["psnr"]["mean"].as_f64().unwrap();
        let own = figures.entry(gradient).or_insert(psnr);
        assert!((psnr - *own).abs() < 0.02, "{name}: {psnr} dB instead of {own}");
    }
}
