//! Steps that act on the samples' passes, or on pictures before them.

use super::samples::{FOUR, World, world};
use super::*;
use crate::fl::Protocol;
use burn::tensor::Tensor;

#[test]
fn dropout_is_a_network_whose_last_layer_reads_some_inputs_alone() {
    let post = "post=[{ kind = \"dropout\", rate = 0.4 }]";
    let world = world(&["victim.indices=[0,1]", post]);
    let model = &world.server.model;
    let layer = model.net.full_layers().pop().unwrap();
    let step = world.setup.posts.steps[0].clone();
    let mut generator = Seed(0).stream("test", &[]);
    let draw = |generator: &mut ChaCha8Rng| {
        step.on_pass().unwrap().factors(&model.net, &model.parameters, generator)
    };
    let factors = [draw(&mut generator), draw(&mut generator)];
    let mut expected = model.parameters.clone().scaled(0.0);
    for (sample, factors) in factors.iter().enumerate() {
        let weight = backend::values(&factors.tensors()[layer.weight]);
        let kept = &weight[..layer.input];
        assert!(weight.chunks(layer.input).all(|row| row == kept), "of inputs, not of weights");
        let share = kept.iter().filter(|factor| **factor > 0.0).count() as f64 / layer.input as f64;
        assert!((share - 0.6).abs() < 0.1, "{share}");
        assert!(kept.iter().all(|factor| *factor == 0.0 || (factor * 0.6 - 1.0).abs() < 1e-12));
        // By hand, from what the layer reads: dL/dW = (p - y) (m h)^T / (1 - p).
        let (x, targets) = (rows(&world.x, &[sample]), world.targets.rows(&[sample]));
        let dropped = Model { parameters: model.parameters.times(factors), ..model.clone() };
        let g = dropped.gradient(BatchNormMode::Eval, &x, &targets).1.times(factors);
        let h = backend::values(&model.last_features(BatchNormMode::Eval, &x).unwrap());
        let delta = backend::values(&g.tensors()[layer.bias.unwrap()]);
        let columns = backend::values(&g.tensors()[layer.weight]);
        for (at, value) in columns.iter().enumerate() {
            let by_hand = delta[at / layer.input] * h[at % layer.input] * kept[at % layer.input];
            assert!((value - by_hand).abs() < 1e-12, "{at}: {value} {by_hand}");
        }
        expected = expected.combine(1.0, &g, 0.5);
    }
    let (sent, effect) = world.sent(0);
    assert!(sent.combine(1.0, &expected, -1.0).norm() < 1e-12 * expected.norm());
    assert!(effect.change > 0.01, "{effect:?}");
    // A summed loss is summed.
    let summed = self::world(&["victim.indices=[0,1]", post, "victim.loss=ce-sum"]).sent(0).0;
    assert!(summed.combine(1.0, &expected, -2.0).norm() < 1e-12 * expected.norm());
}

#[test]
fn an_attacker_reads_the_mask_of_one_sample_off_its_update_and_finds_the_way_back() {
    for (model, layers) in [("lenet", "last"), ("lenet5", "all"), ("resnet20", "last")] {
        let post = format!("post=[{{ kind = \"dropout\", rate = 0.3, layers = \"{layers}\" }}]");
        let share = |known: &str| {
            let changes = [&format!("victim.model={model}"), &post, &format!("knowledge.post={known}")];
            at_the_truth(&changes.map(String::as_str)).0
        };
        let (known, none) = (share("known"), share("none"));
        assert!(known < 1e-20 && none > 1e-3, "{model}: {known:e} {none:e}");
        // Behind clipping of samples the same way.
        let both = post.replace("]", ", { kind = \"clip\", norm = 0.01, of = \"sample\" }]");
        let both = at_the_truth(&[&format!("victim.model={model}"), &both, "knowledge.post=known"]).0;
        assert!(both < 1e-20, "{model}: {both:e}");
    }
    // Noise fills the columns: the layer is left out, and what is below it was passed by unknown ones.
    let noise = "post=[{ kind = \"dropout\" }, { kind = \"gaussian-noise\", sigma = 1e-9 }]";
    assert!(at_the_truth(&[noise, "knowledge.post=known"]).0 > 1e-3);
    for each in ["", ", { kind = \"clip\", norm = 0.1, of = \"sample\" }"] {
        let world = world(&["victim.size=8", &format!("post=[{{ kind = \"dropout\", rate = 0.3 }}{each}]")]);
        let sent = world.sent(0).0;
        let mut protocol = Protocol::fed_sgd(1);
        let received = Received { net: &world.server.model.net, alone: Some(&sent), samples: 1 };
        protocol.clients[0].factors = world.setup.posts.factors(&received);
        protocol.clients[0].each = world.setup.posts.each();
        let own = world.own();
        let v = world.gradient(None);
        let simulate = |x: &Tensor<Plain, 4>| protocol.simulate(At { x, ..own });
        let back = protocol.back(own, &simulate(own.x).trail, &v);
        let pixels = backend::values(own.x);
        for at in 0..pixels.len() {
            let shifted = |h: f64| {
                let mut pixels = pixels.clone();
                pixels[at] += h;
                simulate(&world.compute.tensor(&pixels, own.x.dims())).gradient.dot(&v)
            };
            let numeric = (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
            assert!(
                (numeric - back.to_input[at]).abs() < 1e-7,
                "pixel {at}: {numeric} {}",
                back.to_input[at]
            );
        }
    }
}

#[test]
fn a_layer_whose_cut_features_do_not_show_is_left_out_of_the_match() {
    let noise = "{ kind = \"gaussian-noise\", sigma = 1e-3 }";
    for step in ["{ kind = \"soteria\", share = 0.8 }", "{ kind = \"dropout\" }"] {
        let shown = world(&[&format!("post=[{step}]")]);
        let hidden = world(&[&format!("post=[{step}, {noise}]")]);
        let net = &shown.server.model.net;
        let layer = net.full_layers().pop().unwrap();
        let g = shown.gradient(None);
        let simulated = |world: &World, alone: Option<&Parameters>, samples: usize| {
            let transforms = world.setup.posts.transforms(&Received { net, alone, samples });
            transforms.forward(g.clone()).0
        };
        let is_left_out = |simulated: Parameters| {
            let zero =
                |at: usize| backend::values(&simulated.tensors()[at]).iter().all(|value| *value == 0.0);
            assert!((0..g.specs().len()).all(|at| at == layer.weight || !zero(at)), "{step}");
            zero(layer.weight)
        };
        let (seen, filled) = (shown.sent(0).0, hidden.sent(0).0);
        assert!(is_left_out(simulated(&hidden, Some(&filled), 1)), "{step} under noise");
        assert!(is_left_out(simulated(&shown, None, 1)), "{step} in a sum");
        assert!(!is_left_out(simulated(&shown, Some(&seen), 1)), "{step}");
    }
    // The mean over the masks of several samples is the network without dropout.
    let two = world(&["victim.indices=[0,1]", "post=[{ kind = \"dropout\" }]"]);
    let (net, sent) = (&two.server.model.net, two.sent(0).0);
    assert!(two.setup.posts.transforms(&Received { net, alone: Some(&sent), samples: 2 }).is_empty());
}

#[test]
fn the_gradient_of_augmented_pictures_is_sent_with_their_own_labels() {
    // 29 is invert.
    let world = world(&[FOUR, "post=[{ kind = \"ats\", policy = \"29\" }]"]);
    let images = world.setup.batch.as_ref().unwrap().images.clone();
    let inverted = crate::data::Images {
        pixels: images.pixels.iter().map(|pixel| (255.0 - (255.0 * pixel).round()) / 255.0).collect(),
        ..images
    };
    let x = world.compute.tensor(&world.setup.normalisation.apply(&inverted), inverted.shape());
    let expected = world.server.model.gradient(BatchNormMode::Eval, &x, &world.targets).1;
    let (sent, effect) = world.sent(0);
    assert!(sent.combine(1.0, &expected, -1.0).norm() < 1e-9 * expected.norm() && effect.change > 0.1);
    // One of the policies for every sample, anew every round; none moves a picture whose operation has no effect (28).
    let idle = self::world(&[FOUR, "post=[{ kind = \"ats\", policy = \"28\" }]"]).sent(0).1;
    assert!(idle.change < 1e-9, "{idle:?}");
    let hybrid = self::world(&["post=[{ kind = \"ats\", policy = \"28+29\" }]"]);
    let idle = (0..200).filter(|&round| hybrid.sent(round).1.change < 1e-9).count();
    assert!((70..=130).contains(&idle), "{idle}");
}
