//! Architectures with the weights of public checkpoints: what they are known to answer.
//!
//! The files are not part of the repository; without them a test says so and ends.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::backend::{self, Compute, Precision};
use crate::config::{BatchNormMode, ModelOptions};
use crate::data;
use crate::model::{Model, Parameters, TensorSpec, architecture};
use crate::weights::WeightFile;

/// A file beside the repository, if it is there.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn shared(path: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(path);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not here", path.display());
    None
}

/// The model with a file's weights.
fn model(name: &str, input: [usize; 3], classes: usize, file: &Path) -> Model {
    let net = architecture(name).unwrap().net(&ModelOptions::default(), input, classes).unwrap();
    let trained = WeightFile::read(file).unwrap().trained(&net).unwrap();
    let compute = Compute::select("flex", Precision::F32).unwrap();
    let filled = |specs: &Arc<[TensorSpec]>, values: Vec<Vec<f64>>| {
        let mut values = values.into_iter();
        Parameters::from_values(&compute, specs.clone(), |_| values.next().unwrap())
    };
    Model {
        parameters: filled(net.parameter_specs(), trained.parameters),
        buffers: filled(net.buffer_specs(), trained.buffers),
        net,
    }
}

/// Scores of pixels in [0, 1] that are normalised by mean and deviation of each channel.
fn scores(model: &Model, images: &data::Images, mean: &[f64], std: &[f64]) -> Vec<Vec<f64>> {
    let normalisation = data::Normalisation { mean: mean.to_vec(), std: std.to_vec() };
    let compute = Compute::select("flex", Precision::F32).unwrap();
    let x = compute.tensor(&normalisation.apply(images), images.shape());
    let scores = backend::values(&model.scores(BatchNormMode::Eval, &x));
    scores.chunks(model.net.classes()).map(<[f64]>::to_vec).collect()
}

fn best(scores: &[f64]) -> usize {
    (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap()
}

fn right(model: &Model, set: &data::Dataset, count: usize, mean: &[f64], std: &[f64]) -> usize {
    let batch = set.batch(&(0..count).collect::<Vec<_>>(), None).unwrap();
    let scores = scores(model, &batch.images, mean, std);
    scores.iter().zip(&batch.labels).filter(|(scores, label)| best(scores) == **label).count()
}

#[test]
fn resnet20_with_public_weights_knows_cifar() {
    let (Some(weights), Some(images)) = (
        shared("shared-only/weights-cifar-resnet/resnet20_cifar10.safetensors"),
        shared("shared-only/cifar10/cifar10_train_first1000_lossless.bin"),
    ) else {
        return;
    };
    let model = model("resnet20-a", [3, 32, 32], 10, &weights);
    let set = data::open(images.to_str().unwrap()).unwrap();
    assert_eq!(right(&model, &set, 200, &[0.485, 0.456, 0.406], &[0.229, 0.224, 0.225]), 200);
}

#[test]
fn the_digit_network_and_lenet5_know_digits() {
    let set = data::open("digits28").unwrap();
    if let Some(weights) = shared("weights/mnist-cnn-digit-recognizer/model.safetensors") {
        let model = model("digit-cnn", [1, 28, 28], 10, &weights);
        assert_eq!(right(&model, &set, 500, &[0.1307], &[0.3081]), 499);
    }
    if let Some(weights) = shared("shared-only/weights-mnist-csinva/lenet5_relu.safetensors") {
        let model = model("lenet5", [1, 28, 28], 10, &weights);
        assert_eq!(right(&model, &set, 500, &[0.0], &[1.0]), 488);
    }
}

#[test]
fn efficientnet_lite0_with_public_weights_knows_a_cat() {
    let (Some(weights), Some(cat)) = (
        shared("weights/efficientnet-lite0/efficientnet_lite0_f16.safetensors"),
        shared("ship/photos256/cat.png"),
    ) else {
        return;
    };
    let model = model("efficientnet-lite0", [3, 224, 224], 1000, &weights);
    let picture = image::open(cat).unwrap().to_rgb8();
    let pixels: Vec<f64> = (0..3)
        .flat_map(|c| (0..224u32).flat_map(move |y| (0..224u32).map(move |x| (c, x + 16, y + 16))))
        .map(|(c, x, y)| (f64::from(picture.get_pixel(x, y).0[c]) - 127.0) / 128.0)
        .collect();
    let compute = Compute::select("flex", Precision::F32).unwrap();
    let scores =
        backend::values(&model.scores(BatchNormMode::Eval, &compute.tensor(&pixels, [1, 3, 224, 224])));
    // The known scores are those of 32-bit weights; these weights are rounded to 16 bit.
    for (class, score) in [(282, 9.229), (285, 9.0793), (281, 8.4037)] {
        assert!((scores[class] - score).abs() < 0.05, "{class}: {}", scores[class]);
    }
    assert_eq!(best(&scores), 282);
}

#[test]
fn mini_xception_with_public_weights_sees_a_smile() {
    let (Some(weights), Some(face)) = (
        shared("weights/fer-mini-xception/emotion_model_oihw.safetensors"),
        shared("ship/photos256/astronaut_face.png"),
    ) else {
        return;
    };
    let model = model("mini-xception", [1, 64, 64], 7, &weights);
    let picture = image::open(face).unwrap().to_luma8();
    let picture = image::imageops::crop_imm(&picture, 40, 60, 175, 175).to_image();
    let picture = image::imageops::resize(&picture, 64, 64, image::imageops::FilterType::Triangle);
    let pixels: Vec<f64> = picture.pixels().map(|pixel| 2.0 * f64::from(pixel.0[0]) / 255.0 - 1.0).collect();
    let compute = Compute::select("flex", Precision::F32).unwrap();
    let scores =
        backend::values(&model.scores(BatchNormMode::Eval, &compute.tensor(&pixels, [1, 1, 64, 64])));
    // Angry, disgust, fear, happy, sad, surprise, neutral.
    assert_eq!(best(&scores), 3);
    let sum: f64 = scores.iter().map(|score| (score - scores[3]).exp()).sum();
    assert!(1.0 / sum > 0.99, "{scores:?}");
}

/// A DCGAN of 64x64 faces from PyPI, which does not ship; its pictures stand beside it.
#[test]
fn a_dcgan_is_told_from_its_file() {
    let Some(path) = shared("weights/face-dcgan-64/generator.safetensors") else { return };
    let made = WeightFile::read(&path).unwrap().generator().unwrap();
    assert_eq!((made.net.latent(), made.net.classes(), made.net.shape()), (100, 0, [3, 64, 64]));
    let compute = Compute::select("flex", crate::backend::Precision::F32).unwrap();
    let generator = made.on(&compute);
    let code = crate::seed::normal(&mut crate::seed::Seed(1).stream("code", &[]), 100);
    let face = generator.through(&compute, generator.net.whole(), 1, &code);
    let mean = face.iter().sum::<f64>() / face.len() as f64;
    let deviation = (face.iter().map(|p| (p - mean).powi(2)).sum::<f64>() / face.len() as f64).sqrt();
    assert!((0.2..0.8).contains(&mean) && deviation > 0.1, "{mean} {deviation}");
}

/// What is attacked in the built-in set was in no training of a generator.
#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn attacked_pictures_are_not_among_those_that_generators_saw() {
    let all = "/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz";
    if !std::path::Path::new(all).exists() {
        eprintln!("skipped: {all} is not there (Debian's dataset-fashion-mnist)");
        return;
    }
    let pictures = |data: &str| -> std::collections::HashSet<Vec<u8>> {
        let set = crate::data::open(data).unwrap();
        let indices: Vec<usize> = (0..set.len()).collect();
        let chunks = indices.chunks(500).flat_map(|chunk| {
            let images = set.batch(chunk, None).unwrap().images;
            let bytes = |at: usize| images.sample(at).iter().map(|p| (p * 255.0).round() as u8).collect();
            (0..images.samples).map(bytes).collect::<Vec<Vec<u8>>>()
        });
        chunks.collect()
    };
    let (seen, attacked) = (pictures(all), pictures("fashion28"));
    assert!(seen.len() > 59_000 && attacked.len() == 500);
    assert_eq!(attacked.intersection(&seen).count(), 0);
}
