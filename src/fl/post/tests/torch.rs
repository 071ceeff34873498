//! Steps that look at samples, weights or draws, against PyTorch (`tests/golden/posts.py`).

use burn::tensor::Tensor;
use serde_json::Value;

use super::*;
use crate::backend::Plain;
use crate::dual::Activation;
use crate::fl::Protocol;
use crate::fl::post::censor::Censor;
use crate::fl::post::dcs::Dcs;
use crate::fl::post::gaussian_noise::noised;
use crate::fl::post::mixing::Draws;
use crate::fl::post::outpost::Outpost;
use crate::model::rows;

/// The network and the samples of the vectors, and the gradient of them all.
struct Reference {
    json: Value,
    model: Model,
    x: Tensor<Plain, 4>,
    targets: Targets,
}

fn numbers(json: &Value) -> Vec<f64> {
    json.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

fn whole(json: &Value) -> usize {
    json.as_u64().unwrap() as usize
}

/// Values in a row as tensors like these.
fn shaped(like: &Parameters, values: &[f64]) -> Parameters {
    assert_eq!(like.count(), values.len());
    let mut at = 0;
    like.mapped(|_, tensor| {
        let end = at + tensor.len();
        tensor.copy_from_slice(&values[at..end]);
        at = end;
    })
}

impl Reference {
    fn load() -> Reference {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/posts.json");
        let json: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let compute = Compute::select("flex", Precision::F64).unwrap();
        let shape = |at: usize| (whole(&json["shapes"][at][0]), whole(&json["shapes"][at][1]));
        let ((features, pixels), (classes, _)) = (shape(0), shape(2));
        let layers = vec![
            Layer::Flatten,
            Layer::linear("fc1", pixels, features),
            Layer::Activation(Activation::Tanh),
            Layer::linear("fc2", features, classes),
        ];
        let net = Net::new(layers, [1, 1, pixels], Initialisation::PyTorch).unwrap();
        let labels: Vec<usize> = json["labels"].as_array().unwrap().iter().map(whole).collect();
        let parameters = shaped(&net.initial_parameters(&compute, Seed(0)), &numbers(&json["weights"]));
        let model = Model { parameters, buffers: net.initial_buffers(&compute), net };
        let x = compute.tensor(&numbers(&json["x"]), [labels.len(), 1, 1, pixels]);
        let targets = Targets::hard(&compute, &labels, classes);
        Reference { json, model, x, targets }
    }

    fn own(&self) -> At<'_> {
        At { model: &self.model, mode: BatchNormMode::Eval, x: &self.x, targets: &self.targets }
    }

    /// A flat list of the vectors as an update.
    fn update(&self, json: &Value) -> Parameters {
        shaped(&self.model.parameters, &numbers(json))
    }

    /// What a client sends with one step.
    fn sent(&self, written: &str) -> Parameters {
        let posts = Posts::of(&[read(written)], self.model.net.parameter_specs()).unwrap();
        let client = &Protocol::fed_sgd(self.x.dims()[0]).clients[0];
        posts.send(client, self.own(), 0, &mut Residue::default(), &mut generator()).update.values
    }

    fn cases(&self, name: &str) -> &[Value] {
        let cases = self.json[name].as_array().unwrap();
        assert!(cases.len() > 1, "{name}");
        cases
    }
}

fn near(what: &str, found: &Parameters, expected: &Parameters) {
    let off = found.clone().combine(1.0, expected, -1.0).norm();
    assert!(off < 1e-12 * expected.norm(), "{what}: {off:e} of {:e}", expected.norm());
}

#[test]
fn soteria_leaves_out_the_columns_that_pytorch_does() {
    let reference = Reference::load();
    near("g", &reference.sent("kind = \"clip\", norm = 1e9"), &reference.update(&reference.json["g"]));
    for case in reference.cases("soteria") {
        let sent = reference.sent(&format!("kind = \"soteria\", share = {}", case["share"]));
        near("soteria", &sent, &reference.update(&case["sent"]));
    }
}

#[test]
fn dp_sgd_sends_what_pytorch_does_but_for_the_draws() {
    let reference = Reference::load();
    for case in reference.cases("dp-sgd") {
        let (norm, z) = (case["norm"].as_f64().unwrap(), case["z"].as_f64().unwrap());
        let sent = reference.sent(&format!("kind = \"dp-sgd\", norm = {norm:?}, noise_multiplier = {z:?}"));
        let theirs = reference.update(&case["noise"]);
        let ours = noised(&theirs.clone().scaled(0.0), 1.0, &mut generator());
        let exchanged = ours.combine(1.0, &theirs, -1.0);
        let share = z * norm / reference.x.dims()[0] as f64;
        near("dp-sgd", &sent, &reference.update(&case["sent"]).combine(1.0, &exchanged, share));
    }
}

#[test]
fn outpost_prunes_and_noises_what_pytorch_does() {
    let reference = Reference::load();
    for case in reference.cases("outpost") {
        let number = |key: &str| case[key].as_f64().unwrap();
        let step =
            Outpost { beta: 0.0, noised: number("noised"), pruned: number("pruned"), scale: number("scale") };
        let (g, noise) = (reference.update(&reference.json["g"]), reference.update(&case["noise"]));
        let sent = step.perturbed(g, &reference.model.parameters, &noise);
        near("outpost", &sent, &reference.update(&case["sent"]));
    }
}

#[test]
fn censor_chooses_the_direction_that_pytorch_does() {
    let reference = Reference::load();
    let g = || reference.update(&reference.json["g"]);
    let mut fell_back = 0;
    for case in reference.cases("censor") {
        let draws = case["drawn"].as_array().unwrap();
        let step = Censor { trials: draws.len(), step: case["step"].as_f64().unwrap() };
        let sent = step.chosen(g(), reference.own(), |trial| reference.update(&draws[trial]));
        near("censor", &sent, &reference.update(&case["sent"]));
        fell_back += usize::from(flat(&sent) == flat(&g()));
    }
    // Some directions lower the loss, some do not.
    assert!((1..reference.cases("censor").len()).contains(&fell_back), "{fell_back}");
}

#[test]
fn concealed_samples_are_those_that_pytorch_finds() {
    let reference = Reference::load();
    let compute = Compute::select("flex", Precision::F64).unwrap();
    for case in reference.cases("dcs") {
        let number = |key: &str| case[key].as_f64().unwrap();
        let step =
            Dcs { iterations: whole(&case["iterations"]), far: number("far"), weight: number("weight") };
        let others: Vec<usize> = case["others"].as_array().unwrap().iter().map(whole).collect();
        let others = Targets::hard(&compute, &others, reference.model.net.classes());
        let g = reference.update(&reference.json["g"]);
        let sent = step.concealed(g, reference.own(), &others, &numbers(&case["noise"]));
        let expected = reference.update(&case["sent"]);
        let off = sent.combine(1.0, &expected, -1.0).norm();
        assert!(off < 1e-8 * expected.norm(), "{off:e}");
    }
}

#[test]
fn dropout_sends_what_pytorch_does_with_the_mask_that_it_drew() {
    let reference = Reference::load();
    let (x, targets) = (rows(&reference.x, &[0]), reference.targets.rows(&[0]));
    let own = At { model: &reference.model, mode: BatchNormMode::Eval, x: &x, targets: &targets };
    let client = &Protocol::fed_sgd(1).clients[0];
    let weight = &reference.model.net.parameter_specs()[2];
    let (classes, features) = (reference.model.net.classes(), weight.count() / reference.model.net.classes());
    let mut drawn = std::collections::HashSet::new();
    for case in reference.cases("dropout") {
        let step = format!("kind = \"dropout\", rate = {}", case["rate"]);
        let posts = Posts::of(&[read(&step)], reference.model.net.parameter_specs()).unwrap();
        for seed in 0..8 {
            let mut generator = Seed(seed).stream("masks", &[]);
            let sent = posts.send(client, own, 0, &mut Residue::default(), &mut generator).update.values;
            // Its mask shows: what was left out has no gradient. tanh is never 0.
            let values = flat(&sent);
            let begin = values.len() - classes - classes * features;
            let mask: Vec<f64> = (0..features)
                .map(|f| f64::from(u8::from((0..classes).any(|c| values[begin + c * features + f] != 0.0))))
                .collect();
            let masks = case["masks"].as_array().unwrap();
            let at = masks.iter().position(|one| numbers(one) == mask).unwrap();
            near("dropout", &sent, &reference.update(&case["sent"][at]));
            drawn.insert(at);
        }
    }
    assert!(drawn.len() > 4, "{drawn:?}");
}

#[test]
fn mixtures_have_the_gradient_that_pytorch_takes() {
    let reference = Reference::load();
    let rows = |json: &Value| json.as_array().unwrap().clone();
    for case in reference.cases("mixture") {
        let partners = rows(&case["partners"]);
        let draws = Draws {
            partners: partners.iter().map(|order| rows(order).iter().map(whole).collect()).collect(),
            shares: rows(&case["shares"]).iter().map(numbers).collect(),
            flipped: rows(&case["flipped"]).iter().map(|flipped| flipped.as_bool().unwrap()).collect(),
        };
        let (x, targets) = draws.mixed(reference.own());
        let sent = reference.model.gradient(BatchNormMode::Eval, &x, &targets).1;
        near("mixture", &sent, &reference.update(&case["sent"]));
    }
}

#[test]
fn a_mean_is_denoised_as_by_pytorch() {
    for case in Reference::load().cases("denoise") {
        let mean = numbers(&case["mean"]);
        // Cut into two tensors anywhere.
        let sizes = [mean.len() / 3, mean.len() - mean.len() / 3];
        let sent = denoise::denoised(parameters(&sizes, &mean), case["variance"].as_f64().unwrap());
        near("denoise", &sent, &parameters(&sizes, &numbers(&case["sent"])));
    }
}

#[test]
fn a_bottleneck_has_the_gradient_that_pytorch_takes() {
    let reference = Reference::load();
    for case in reference.cases("precode") {
        let width = whole(&case["width"]);
        let net = reference.model.net.with_bottleneck(width, case["beta"].as_f64().unwrap()).unwrap();
        let compute = Compute::select("flex", Precision::F64).unwrap();
        let (outer, inner) = (numbers(&reference.json["weights"]), numbers(&case["inner"]));
        // fc1, the encoder, the noise, the decoder, fc2.
        let counts: Vec<usize> = net.parameter_specs().iter().map(TensorSpec::count).collect();
        let (before, encoder) = (counts[0] + counts[1], counts[2] + counts[3]);
        let of_sample = |noise: Vec<f64>| {
            let ones: Vec<f64> = noise.iter().map(|noise| 1.0 + noise).collect();
            [&outer[..before], &inner[..encoder], &ones, &inner[encoder..], &outer[before..]].concat()
        };
        let like = net.initial_parameters(&compute, Seed(0));
        let mut sum = like.clone().scaled(0.0);
        let samples = reference.x.dims()[0];
        for sample in 0..samples {
            let values = of_sample(numbers(&case["noise"][sample]));
            let model = Model {
                parameters: shaped(&like, &values),
                buffers: net.initial_buffers(&compute),
                net: net.clone(),
            };
            let (x, targets) = (rows(&reference.x, &[sample]), reference.targets.rows(&[sample]));
            let gradient = model.gradient(BatchNormMode::Eval, &x, &targets).1;
            sum = sum.combine(1.0, &gradient, 1.0 / samples as f64);
        }
        let theirs = numbers(&case["sent"]);
        let expected = [&theirs[..before + encoder], &vec![0.0; width], &theirs[before + encoder..]].concat();
        near("precode", &sum, &shaped(&like, &expected));
    }
}
