//! The ground truth of a captured update: a file with the samples and labels of the client, in the forms in which
//! people have them. What is not in the form that is documented (`images` in [0, 1] or `inputs` as the model saw
//! them, `[batch, channels, height, width]`, and `labels`, one whole number each) is brought to it and said to be,
//! or refused.

use std::collections::BTreeMap;
use std::path::Path;

use super::{CapturedError, VictimError};
use crate::config::Captured;
use crate::data::{Batch, Images, Normalisation};
use crate::reading::Reading;
use crate::weights::{Dtype, Statistics, Tensor, WeightFile, sizes};

/// How far a ground truth may leave [0, 1] by rounding.
const ROUNDING: f64 = 1e-3;
/// Floats between 0 and 255 are taken for levels from here on: normalised pixels stay below.
const LEVELS: f64 = 16.0;
/// Names of samples as the model saw them.
const INPUTS: [&str; 4] = ["inputs", "input", "normalised", "normalized"];
/// Names of samples that may be either: the values decide.
const IMAGES: [&str; 11] = [
    "images",
    "image",
    "imgs",
    "img",
    "pictures",
    "x",
    "data",
    "samples",
    "sample",
    "pixel_values",
    "features",
];
/// Names of labels.
const LABELS: [&str; 5] = ["labels", "label", "targets", "target", "y"];

/// What the file holds, brought to one layout.
pub(super) struct Truth {
    path: String,
    /// What the samples are called.
    name: String,
    /// Whether they are by their name as the model saw them.
    inputs: bool,
    /// Whether they are whole bytes.
    bytes: bool,
    values: Images,
    labels: Vec<usize>,
    reading: Reading,
}

impl Truth {
    /// Reads a file. `classes` are the outputs of the model; number, shape and labels of the samples as configured
    /// settle what the file leaves open.
    pub fn read(path: &str, captured: &Captured, classes: usize) -> Result<Truth, VictimError> {
        let key = "victim.captured.truth";
        let file = WeightFile::read(path.as_ref()).map_err(|error| VictimError::File { key, error })?;
        let mut reading = Reading::default();
        let wrong = |what: String| CapturedError::Truth { path: path.to_owned(), what };
        let file = gathered(file);
        let (samples, labels) = find(&file, &mut reading).map_err(wrong)?;
        if let Some(what) = Statistics::of(&samples.values).not_finite() {
            let name = &samples.name;
            return Err(wrong(format!("has {what} in {name}; save the samples that the client used")).into());
        }
        let values = arranged(samples, captured, &mut reading).map_err(wrong)?;
        let labels = match (labels, &captured.labels) {
            (Some(_), Some(_)) => {
                let what = "has labels of its own, beside victim.captured.labels; remove the latter";
                return Err(wrong(what.into()).into());
            }
            (Some(labels), None) => whole(labels, values.samples, classes, &mut reading).map_err(wrong)?,
            (None, Some(labels)) => labels.clone(),
            (None, None) => {
                return Err(wrong(format!(
                    "has {} but no labels; save {} whole number(s) as labels beside it, or give victim.captured.labels",
                    samples.name, values.samples
                ))
                .into());
            }
        };
        let last = last(&samples.name);
        Ok(Truth {
            path: path.to_owned(),
            name: samples.name.clone(),
            inputs: INPUTS.contains(&last.as_str()),
            bytes: matches!(samples.dtype, Dtype::U8 | Dtype::Bool),
            values,
            labels,
            reading,
        })
    }

    /// Channels of a sample.
    pub fn channels(&self) -> usize {
        self.values.channels
    }

    /// The samples as pictures in [0, 1], and how the file was read.
    pub fn batch(mut self, normalisation: &Normalisation) -> Result<(Batch, Reading), CapturedError> {
        let images = self.pictures(normalisation)?;
        let names = (1..=images.samples).map(|sample| format!("sample {sample}")).collect();
        let file = Path::new(&self.path)
            .file_name()
            .map_or(self.path.as_str().into(), |name| name.to_string_lossy());
        let reading = self.reading.of(&file);
        Ok((Batch { images, labels: self.labels, names }, reading))
    }

    fn pictures(&mut self, normalisation: &Normalisation) -> Result<Images, CapturedError> {
        let name = &self.name;
        let wrong = |what: String| CapturedError::Truth { path: self.path.clone(), what };
        let (least, most) = range(&self.values.pixels);
        let undone = || normalisation.undo(&self.values.pixels, self.values.shape());
        let is_stated = *normalisation != Normalisation::identity(self.values.channels);
        let span = format!("{name} has values from {least:.3} to {most:.3}");
        if self.inputs {
            let images = undone();
            if is_unit(&images.pixels) {
                return Ok(images);
            }
            let by = if is_stated {
                let (least, most) = range(&images.pixels);
                format!(
                    "{span}, which victim.normalise takes to {least:.3} to {most:.3}, outside of [0, 1]; set it to \
                     what the client used"
                )
            } else {
                format!("{span}, outside of [0, 1]; set victim.normalise to what the client used")
            };
            return Err(wrong(by));
        }
        if is_unit(&self.values.pixels) {
            return Ok(self.values.clone());
        }
        let is_whole = self.values.pixels.iter().all(|value| value.fract() == 0.0);
        if least >= 0.0 && most <= 255.0 && (self.bytes || is_whole || most > LEVELS) {
            self.reading.note(format!("{name} from 0 to 255, divided by 255"));
            let mut images = self.values.clone();
            images.pixels.iter_mut().for_each(|value| *value /= 255.0);
            return Ok(images);
        }
        let images = undone();
        if is_stated && is_unit(&images.pixels) {
            self.reading
                .note(format!("{span}: taken as normalised, brought back to [0, 1] by victim.normalise"));
            return Ok(images);
        }
        Err(wrong(if is_stated {
            let (least, most) = range(&images.pixels);
            format!(
                "holds no pictures in [0, 1]: {span}, and victim.normalise takes them to {least:.3} to {most:.3}; set \
                 it to what the client used, or save the pictures before they are normalised"
            )
        } else {
            format!(
                "holds no pictures in [0, 1]: {span}, as normalised ones have; set victim.normalise to the mean and \
                 std the client used, or save the pictures before they are normalised"
            )
        }))
    }
}

/// Numbers and lists as tensors of their own: a label as `3` or `[3, 5]`, or pictures and labels in a list each.
fn gathered(mut file: WeightFile) -> WeightFile {
    let mut tensors: Vec<Tensor> = Vec::new();
    let scalar = |(name, value): (String, f64)| {
        let dtype = if value.fract() == 0.0 { Dtype::I64 } else { Dtype::F64 };
        Tensor { name, dtype, shape: Vec::new(), values: vec![value] }
    };
    let mut numbers: Vec<Tensor> = file.numbers.drain(..).map(scalar).collect();
    // A list of lists is one of lists of numbers first.
    for _ in 0..2 {
        numbers = stacked(numbers);
    }
    let known = |tensor: &Tensor| {
        let last = last(&tensor.name);
        LABELS.contains(&last.as_str())
            || IMAGES.contains(&last.as_str())
            || ["0", "1"].contains(&last.as_str())
    };
    tensors.extend(stacked(std::mem::take(&mut file.tensors)));
    let taken = |name: &str| tensors.iter().any(|tensor| tensor.name == name);
    let numbers: Vec<Tensor> = numbers.into_iter().filter(|one| known(one) && !taken(&one.name)).collect();
    tensors.extend(numbers);
    WeightFile { tensors, ..file }
}

/// Lists whose members are all of one shape as one tensor each; all others as they are.
fn stacked(tensors: Vec<Tensor>) -> Vec<Tensor> {
    fn place(name: &str) -> Option<(&str, usize)> {
        let (list, at) = name.rsplit_once('.')?;
        Some((list, at.parse().ok()?))
    }
    let mut lists: BTreeMap<String, Vec<(usize, &Tensor)>> = BTreeMap::new();
    for tensor in &tensors {
        if let Some((list, at)) = place(&tensor.name) {
            lists.entry(list.to_owned()).or_default().push((at, tensor));
        }
    }
    let alike = |members: &[(usize, &Tensor)]| {
        let is_like = |(i, (at, tensor)): (usize, &(usize, &Tensor))| {
            let first = members[0].1;
            *at == i && tensor.shape == first.shape && tensor.dtype == first.dtype
        };
        members.iter().enumerate().all(is_like)
    };
    lists.retain(|_, members| alike(members));
    let stack = |(name, members): (&String, &Vec<(usize, &Tensor)>)| Tensor {
        name: name.clone(),
        dtype: members[0].1.dtype,
        shape: [&[members.len()], &members[0].1.shape[..]].concat(),
        values: members.iter().flat_map(|(_, tensor)| tensor.values.iter().copied()).collect(),
    };
    let made: Vec<Tensor> = lists.iter().map(stack).collect();
    let is_member = |tensor: &Tensor| place(&tensor.name).is_some_and(|(list, _)| lists.contains_key(list));
    let others: Vec<Tensor> = tensors.iter().filter(|tensor| !is_member(tensor)).cloned().collect();
    others.into_iter().chain(made).collect()
}

/// Smallest and largest value.
fn range(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), &v| (least.min(v), most.max(v)))
}

fn is_unit(values: &[f64]) -> bool {
    values.iter().all(|value| (-ROUNDING..=1.0 + ROUNDING).contains(value))
}

/// Last key of a name, in lower case: that of `batch.Images` is `images`.
fn last(name: &str) -> String {
    name.rsplit('.').next().unwrap_or(name).to_lowercase()
}

/// The tensors that hold samples and labels: by their names, else a pair in this order, else the only tensor.
fn find<'a>(file: &'a WeightFile, reading: &mut Reading) -> Result<(&'a Tensor, Option<&'a Tensor>), String> {
    let named = |names: &[&str]| {
        names.iter().find_map(|name| file.tensors.iter().find(|tensor| last(&tensor.name) == *name))
    };
    let samples = named(&IMAGES[..1]).or(named(&INPUTS[..1])).or(named(&IMAGES)).or(named(&INPUTS));
    let labels = named(&LABELS);
    let is_pair = |a: &Tensor, b: &Tensor| {
        let order = |tensor: &Tensor| last(&tensor.name).trim_start_matches("arr_").to_owned();
        order(a) == "0" && order(b) == "1"
    };
    // In the order of names, whatever that of the file is.
    let is_labels = |tensor: &Tensor| labels.is_some_and(|labels| labels.name == tensor.name);
    let mut rest: Vec<&Tensor> = file.tensors.iter().filter(|tensor| !is_labels(tensor)).collect();
    rest.sort_by(|a, b| a.name.cmp(&b.name));
    let samples = match (samples, &rest[..]) {
        (Some(samples), _) => samples,
        (None, &[first, second]) if labels.is_none() && is_pair(first, second) => {
            reading.note("a pair: the first taken as the pictures, the second as the labels");
            return Ok((first, Some(second)));
        }
        (None, &[only]) => only,
        (None, rest) => {
            let some =
                rest.iter().take(4).map(|tensor| format!("{} ({})", tensor.name, sizes(&tensor.shape)));
            let more = if rest.len() > 4 { ", ..." } else { "" };
            return Err(format!(
                "has neither images nor inputs, it holds {}{more}; save the samples under one of these names, and labels",
                some.collect::<Vec<_>>().join(", ")
            ));
        }
    };
    let called = |tensor: &Tensor, names: &[&str]| names.contains(&tensor.name.as_str());
    match labels {
        Some(labels) if !(called(samples, &["images", "inputs"]) && called(labels, &["labels"])) => {
            reading.note(format!("{} taken as the pictures, {} as the labels", samples.name, labels.name));
        }
        None if !called(samples, &["images", "inputs"]) => {
            reading.note(format!("{} taken as the pictures", samples.name));
        }
        _ => {}
    }
    Ok((samples, labels))
}

/// The samples as `[batch, channels, height, width]`.
fn arranged(tensor: &Tensor, captured: &Captured, reading: &mut Reading) -> Result<Images, String> {
    let is_channels = |size: usize| matches!(size, 1 | 3);
    let name = &tensor.name;
    let batch = captured.batch;
    let (shape, first) = match tensor.shape[..] {
        [n, a, b, c] => match captured.input {
            Some(input) if input == [a, b, c] => ([n, a, b, c], true),
            Some(input) if input == [c, a, b] => ([n, c, a, b], false),
            _ if is_channels(a) => ([n, a, b, c], true),
            _ if is_channels(c) => ([n, c, a, b], false),
            _ => {
                return Err(format!(
                    "has {name} of shape {}; save them as batch x channels x height x width with 1 or 3 channels",
                    sizes(&tensor.shape)
                ));
            }
        },
        // Grey pictures without an axis for it, as many as the batch.
        [n, height, width] if n == batch && batch > 1 => {
            reading.note(format!("{name} of shape {} are grey pictures", sizes(&tensor.shape)));
            ([n, 1, height, width], true)
        }
        [a, b, c] if is_channels(a) => {
            reading.note(format!("{name} of shape {} is one picture", sizes(&tensor.shape)));
            ([1, a, b, c], true)
        }
        [a, b, c] if is_channels(c) => {
            reading.note(format!("{name} of shape {} is one picture", sizes(&tensor.shape)));
            ([1, c, a, b], false)
        }
        [n, width] => match captured.input {
            Some([c, h, w]) if width == c * h * w => {
                reading.note(format!("{name} of shape {} are rows of {c}x{h}x{w}", sizes(&tensor.shape)));
                ([n, c, h, w], true)
            }
            _ if n == batch => {
                reading.note(format!("{name} of shape {} are rows of a table", sizes(&tensor.shape)));
                ([n, 1, 1, width], true)
            }
            _ => {
                reading.note(format!("{name} of shape {} is one grey picture", sizes(&tensor.shape)));
                ([1, 1, n, width], true)
            }
        },
        _ => {
            return Err(format!(
                "has {name} of shape {}; save them as batch x channels x height x width",
                sizes(&tensor.shape)
            ));
        }
    };
    let [samples, channels, height, width] = shape;
    let pixels = if first {
        tensor.values.clone()
    } else {
        reading.note(format!("{name} had its channels last"));
        let pixel = |i: usize| {
            let (sample, rest) = (i / (channels * height * width), i % (channels * height * width));
            let (channel, at) = (rest / (height * width), rest % (height * width));
            tensor.values[(sample * height * width + at) * channels + channel]
        };
        (0..tensor.values.len()).map(pixel).collect()
    };
    Ok(Images { samples, channels, height, width, pixels })
}

/// The labels as whole numbers, one for each sample.
fn whole(
    labels: &Tensor,
    samples: usize,
    classes: usize,
    reading: &mut Reading,
) -> Result<Vec<usize>, String> {
    let (name, shape) = (&labels.name, &labels.shape);
    let is_label = |value: &f64| value.fract() == 0.0 && (0.0..1e9).contains(value);
    let one_each = labels.values.len() == samples;
    let columns = match shape[..] {
        [rows, columns] if rows == samples && columns > 1 => Some(columns),
        [columns] if samples == 1 && columns > 1 => Some(columns),
        _ => None,
    };
    let expected = format!("save {samples} whole number(s)");
    if let Some(columns) = columns {
        let hot = |row: &[f64]| {
            let ones = row.iter().filter(|value| **value == 1.0).count();
            let zeros = row.iter().filter(|value| **value == 0.0).count();
            (ones == 1 && zeros + 1 == row.len())
                .then(|| row.iter().position(|value| *value == 1.0))
                .flatten()
        };
        let hot: Option<Vec<usize>> = labels.values.chunks(columns).map(hot).collect();
        let hot = hot.ok_or_else(|| {
            format!("has {name} of shape {}, which are not one-hot; {expected}", sizes(shape))
        })?;
        if columns != classes {
            return Err(format!(
                "has one-hot {name} of {columns} classes, but victim.classes = {classes}; make them one number"
            ));
        }
        reading.note(format!("{name} were one-hot"));
        return Ok(hot);
    }
    if !one_each {
        return Err(format!("has {name} of shape {} for {samples} sample(s); {expected}", sizes(shape)));
    }
    if let Some(value) = labels.values.iter().find(|value| !is_label(value)) {
        return Err(format!("has {value} among {name}, which is no class; {expected}, counted from 0"));
    }
    if *shape != [samples] {
        let form =
            if shape.is_empty() { "one number".to_owned() } else { format!("of shape {}", sizes(shape)) };
        reading.note(format!("{name} were {form}"));
    }
    Ok(labels.values.iter().map(|&label| label as usize).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::weights::forge::{Pickler, floats, torch_zip};

    /// Two pictures of 1x2x2, and labels as Python writes them.
    fn saved(labels: impl Fn(Pickler) -> Pickler) -> WeightFile {
        let images = Pickler::new().raw(b"}(").text("images").tensor("0", 8, 0, &[2, 1, 2, 2], &[4, 4, 2, 1]);
        let pickle = labels(images.text("labels")).raw(b"u").end();
        let values = floats(&[0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]);
        WeightFile::parse(&torch_zip(&pickle, &[("0", &values)])).unwrap()
    }

    fn labels(file: WeightFile, samples: usize) -> Result<Vec<usize>, String> {
        let file = gathered(file);
        let mut reading = Reading::default();
        let (images, labels) = find(&file, &mut reading)?;
        assert_eq!(images.shape, [2, 1, 2, 2]);
        whole(labels.ok_or("none")?, samples, 10, &mut reading)
    }

    #[test]
    fn labels_are_numbers_and_lists_of_python() {
        let list = |pickler: Pickler| pickler.raw(b"](").integer(3).integer(5).raw(b"e");
        assert_eq!(labels(saved(list), 2), Ok(vec![3, 5]));
        assert_eq!(labels(saved(|pickler| pickler.integer(7)), 1), Ok(vec![7]));
        let column = |pickler: Pickler| {
            let one = |pickler: Pickler, label| pickler.raw(b"](").integer(label).raw(b"e");
            one(one(pickler.raw(b"]("), 3), 5).raw(b"e")
        };
        assert_eq!(labels(saved(column), 2), Ok(vec![3, 5]));
        let floats = |pickler: Pickler| {
            let number = |pickler: Pickler, label: f64| pickler.raw(b"G").raw(&label.to_be_bytes());
            number(number(pickler.raw(b"]("), 3.0), 5.0).raw(b"e")
        };
        assert_eq!(labels(saved(floats), 2), Ok(vec![3, 5]));
        let error = labels(saved(|pickler| pickler.integer(7)), 2).unwrap_err();
        assert!(error.starts_with("has labels of shape scalar for 2 sample(s)"), "{error}");
        let error = labels(saved(|pickler| pickler.text("cat")), 2).unwrap_err();
        assert_eq!(error, "none");
    }

    #[test]
    fn a_list_of_one_shape_is_one_tensor_and_a_pair_stays_two() {
        let tensor = |name: &str, shape: &[usize]| Tensor {
            name: name.into(),
            dtype: Dtype::F32,
            shape: shape.to_vec(),
            values: vec![0.5; shape.iter().product()],
        };
        let names = |tensors: Vec<Tensor>| -> Vec<String> {
            stacked(tensors)
                .iter()
                .map(|tensor| format!("{} {}", tensor.name, sizes(&tensor.shape)))
                .collect()
        };
        let pair = vec![tensor("batch.0", &[2, 3, 4, 4]), tensor("batch.1", &[2])];
        assert_eq!(names(pair), ["batch.0 2x3x4x4", "batch.1 2"]);
        let list =
            vec![tensor("images.0", &[3, 4, 4]), tensor("images.1", &[3, 4, 4]), tensor("labels", &[2])];
        assert_eq!(names(list), ["labels 2", "images 2x3x4x4"]);
    }
}
