//! Steps that look at single samples, or at the samples besides the update.

use super::*;
use crate::backend::Plain;
use crate::config::RunConfig;
use crate::fl::Protocol;
use burn::tensor::Tensor;

pub(super) struct World {
    config: RunConfig,
    pub compute: Compute,
    pub setup: Setup,
    pub server: Server,
    pub x: Tensor<Plain, 4>,
    pub targets: Targets,
}

pub(super) fn world(changes: &[&str]) -> World {
    let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
    let config = preset::load("ig-lenet", &changes, Path::new("/nonexistent")).unwrap().config;
    let compute = Compute::select("flex", Precision::F64).unwrap();
    let setup = Setup::new(&config).unwrap();
    let server = Server::new(&setup, &config, compute.clone());
    let batch = setup.batch.clone().unwrap();
    let x = compute.tensor(&setup.normalisation.apply(&batch.images), batch.images.shape());
    let targets = Targets::hard(&compute, &batch.labels, server.model.net.classes());
    World { config, compute, setup, server, x, targets }
}

impl World {
    pub fn own(&self) -> At<'_> {
        At { model: &self.server.model, mode: BatchNormMode::Eval, x: &self.x, targets: &self.targets }
    }

    /// What is sent in a round, and what that did.
    pub fn sent(&self, round: u32) -> (Parameters, Effect) {
        let clients = Protocol::fed_sgd(self.x.dims()[0]).clients;
        let sent = self.setup.posts.send(
            &clients[0],
            self.own(),
            round,
            &mut Residue::default(),
            &mut Seed(u64::from(round)).stream("test", &[]),
        );
        (sent.update.values, sent.effect.unwrap())
    }

    /// The gradient of one sample, or the mean over all.
    pub fn gradient(&self, sample: Option<usize>) -> Parameters {
        let all: Vec<usize> = (0..self.x.dims()[0]).collect();
        let some = sample.map_or(all, |sample| vec![sample]);
        let (x, targets) = (rows(&self.x, &some), self.targets.rows(&some));
        self.server.model.gradient(BatchNormMode::Eval, &x, &targets).1
    }
}

pub(super) const FOUR: &str = "victim.indices=[0,1,2,3]";

#[test]
fn every_sample_is_clipped_before_the_mean() {
    let norms: Vec<f64> = (0..4).map(|sample| world(&[FOUR]).gradient(Some(sample)).norm()).collect();
    // Some are longer, some are not.
    let bound = 0.5
        * (norms.iter().copied().fold(f64::INFINITY, f64::min) + norms.iter().copied().fold(0.0, f64::max));
    for loss in ["ce", "ce-sum"] {
        let world = world(&[
            FOUR,
            &format!("victim.loss={loss}"),
            &format!("post=[{{ kind = \"clip\", norm = {bound}, of = \"sample\" }}]"),
        ]);
        let of_sample = if loss == "ce" { 0.25 } else { 1.0 };
        let mut expected = world.gradient(None).scaled(0.0);
        for (sample, norm) in norms.iter().enumerate() {
            let factor = of_sample * (bound / norm).min(1.0);
            expected = expected.combine(1.0, &world.gradient(Some(sample)), factor);
        }
        let (sent, effect) = world.sent(0);
        let off = sent.combine(1.0, &expected, -1.0).norm();
        assert!(off < 1e-12 * expected.norm(), "{off:e}");
        assert!(effect.norm < 0.95 && effect.bits == 32.0, "{effect:?}");
    }
}

#[test]
fn dp_sgd_adds_noise_to_the_sum_of_clipped_gradients() {
    for (loss, share) in [("ce", 0.25), ("ce-sum", 1.0)] {
        let loss = format!("victim.loss={loss}");
        let post = "post=[{ kind = \"dp-sgd\", norm = 0.01, noise_multiplier = 3.0 }]";
        let clipped =
            world(&[FOUR, &loss, "post=[{ kind = \"clip\", norm = 0.01, of = \"sample\" }]"]).sent(0).0;
        let noise = world(&[FOUR, &loss, post]).sent(0).0.combine(1.0, &clipped, -1.0);
        let deviation = noise.norm() / (noise.count() as f64).sqrt();
        let expected = share * 3.0 * 0.01;
        // The deviation of so many numbers is known to 1 / sqrt(2 n).
        let off = (deviation / expected - 1.0) * (2.0 * noise.count() as f64).sqrt();
        assert!(off.abs() < 4.0, "{loss}: {deviation:e} {expected:e}");
    }
}

#[test]
fn an_attacker_who_knows_clips_every_sample_and_finds_its_way_back() {
    let clip = "post=[{ kind = \"clip\", norm = 0.3, of = \"sample\" }]";
    for changes in [&[FOUR][..], &[FOUR, "federation.clients=2", "federation.secure_aggregation=2"]] {
        let share =
            |known: &str| at_the_truth(&[changes, &[clip, &format!("knowledge.post={known}")]].concat()).0;
        let (known, none) = (share("known"), share("none"));
        assert!(known < 1e-20 && none > 0.01, "{known:e} {none:e}");
    }
    let world = world(&["victim.indices=[0,1]", "victim.size=8", clip]);
    let mut protocol = Protocol::fed_sgd(2);
    protocol.clients[0].each = world.setup.posts.each();
    let v = world.gradient(Some(1));
    let own = world.own();
    let simulate = |x: &Tensor<Plain, 4>| protocol.simulate(At { x, ..own });
    let simulated = simulate(own.x);
    let norm = world.gradient(Some(0)).norm();
    assert!(norm > 0.3, "not clipped: {norm}");
    let back = protocol.back(own, &simulated.trail, &v);
    let pixels = backend::values(own.x);
    for at in (0..pixels.len()).step_by(7) {
        let shifted = |h: f64| {
            let mut pixels = pixels.clone();
            pixels[at] += h;
            simulate(&world.compute.tensor(&pixels, own.x.dims())).gradient.dot(&v)
        };
        let numeric = (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
        assert!((numeric - back.to_input[at]).abs() < 1e-7, "pixel {at}: {numeric} {}", back.to_input[at]);
    }
}

#[test]
fn how_features_depend_on_pixels_is_what_finite_differences_say() {
    let world = world(&["victim.indices=[0,1,2]", "victim.size=8"]);
    let (model, own) = (&world.server.model, world.own());
    let layer = model.net.full_layers().pop().unwrap();
    let found = model.sensitivity(BatchNormMode::Eval, own.x, layer.at).unwrap();
    let features =
        |x: &Tensor<Plain, 4>| backend::values(&model.last_features(BatchNormMode::Eval, x).unwrap());
    assert_eq!(found.features, features(own.x));
    let pixels = backend::values(own.x);
    let width = pixels.len() / 3;
    let mut squares = vec![0.0; found.norms.len()];
    for at in 0..width {
        let shifted = |h: f64| {
            // The same pixel of all samples: none has a say in the features of another.
            let mut pixels = pixels.clone();
            (0..3).for_each(|sample| pixels[sample * width + at] += h);
            features(&world.compute.tensor(&pixels, own.x.dims()))
        };
        let (more, less) = (shifted(1e-5), shifted(-1e-5));
        squares
            .iter_mut()
            .zip(more.iter().zip(less))
            .for_each(|(sum, (a, b))| *sum += ((a - b) / 2e-5).powi(2));
    }
    for (at, (norm, square)) in found.norms.iter().zip(&squares).enumerate() {
        assert!(
            (norm - square.sqrt()).abs() < 1e-8 * square.sqrt().max(1e-3),
            "{at}: {norm} {}",
            square.sqrt()
        );
    }
}

#[test]
fn soteria_cuts_columns_of_one_layer_alone_and_a_knowing_attacker_leaves_them_out() {
    let post = "post=[{ kind = \"soteria\", share = 0.6 }]";
    let world = world(&["victim.indices=[0,1]", post]);
    let (clean, (sent, effect)) = (world.gradient(None), world.sent(0));
    let layer = world.server.model.net.full_layers().pop().unwrap();
    for (at, spec) in clean.specs().iter().enumerate() {
        let (before, after) = (backend::values(&clean.tensors()[at]), backend::values(&sent.tensors()[at]));
        if at != layer.weight {
            assert_eq!(before, after, "{}", spec.name);
            continue;
        }
        let column = |values: &[f64], f: usize| -> Vec<f64> {
            values.iter().skip(f).step_by(layer.input).copied().collect()
        };
        let kept = |f: &usize| column(&after, *f) == column(&before, *f);
        let cut = |f: &usize| column(&after, *f).iter().all(|value| *value == 0.0);
        let all = || 0..layer.input;
        assert_eq!(all().filter(cut).count(), (0.6 * layer.input as f64) as usize);
        assert!(all().all(|f| kept(&f) || cut(&f)));
    }
    assert!(effect.zeros > 0.0 && effect.cosine < 1.0, "{effect:?}");
    for changes in [&["victim.indices=[0,1]"][..], &["victim.indices=[0]", "victim.model=resnet20"]] {
        let share =
            |known: &str| at_the_truth(&[changes, &[post, &format!("knowledge.post={known}")]].concat()).0;
        let (known, none) = (share("known"), share("none"));
        assert!(known < 1e-20 && none > 0.01, "{changes:?} {known:e} {none:e}");
        // Behind smooth activations the columns tell it.
        if !changes.contains(&"victim.model=resnet20") {
            let estimated = share("estimated");
            assert!(estimated < 1e-20, "{changes:?} {estimated:e}");
        }
    }
}

#[test]
fn what_is_sent_in_the_place_of_an_update_is_as_long_and_tells_another_direction() {
    let noise = world(&[FOUR, "post=[{ kind = \"noise-only\" }]"]).sent(0).1;
    assert!((noise.norm - 1.0).abs() < 1e-12 && noise.cosine.abs() < 0.05, "{noise:?}");
    let censor = world(&[FOUR, "post=[{ kind = \"censor\" }]"]);
    let (clean, (sent, effect)) = (censor.gradient(None), censor.sent(0));
    assert!((effect.norm - 1.0).abs() < 1e-9 && effect.cosine.abs() < 1e-9, "{effect:?}");
    for ((clean, along), (there, _)) in
        clean.products_by_tensor(&sent).iter().zip(sent.products_by_tensor(&sent))
    {
        assert!((there / clean - 1.0).abs() < 1e-9 && along.abs() < 1e-9 * clean);
    }
    // The one that lowers the loss most lowers it.
    let loss = |step: f64| {
        let own = censor.own();
        let parameters = own.model.parameters.clone().combine(1.0, &sent, -step);
        let model = Model { parameters, ..own.model.clone() };
        backend::scalar(model.gradient(own.mode, own.x, own.targets).0)
    };
    assert!(loss(1e-4) < loss(0.0));
}

#[test]
fn outpost_prunes_and_noises_where_the_update_tells_most_and_less_and_less_often() {
    let world = world(&[FOUR, "post=[{ kind = \"outpost\", scale = 0.0 }]"]);
    // The first round always: without noise the zeros of pruning stay.
    let (sent, effect) = world.sent(0);
    assert!((effect.zeros - 0.8).abs() < 0.01, "{effect:?}");
    for (before, after) in world.gradient(None).tensors().iter().zip(sent.tensors()) {
        let (before, after) = (backend::values(before), backend::values(after));
        let most_cut =
            before.iter().zip(&after).filter(|(_, a)| **a == 0.0).map(|(b, _)| b.abs()).fold(0.0, f64::max);
        let least_kept = after.iter().filter(|a| **a != 0.0).map(|a| a.abs()).fold(f64::INFINITY, f64::min);
        assert!(most_cut <= least_kept, "{most_cut} {least_kept}");
    }
    let left_alone = |from: u32| (from..from + 200).filter(|&round| world.sent(round).1.zeros < 0.1).count();
    // 1 - 1/(1 + beta i): about 7/8 at round 56, 0.97 at 256.
    let (early, late) = (left_alone(1), left_alone(400));
    assert!(early < late && (180..=200).contains(&late), "{early} {late}");
    let noised = self::world(&[FOUR, "post=[{ kind = \"outpost\" }]"]).sent(0).1;
    assert!(noised.zeros < 0.75 && noised.zeros > 0.3, "{noised:?}");
}

#[test]
fn a_bottleneck_draws_for_every_sample_and_who_knows_of_it_matches_what_lies_before() {
    let step = "post=[{ kind = \"precode\", width = 16 }]";
    let world = world(&[FOUR, step]);
    let net = &world.server.model.net;
    let first =
        net.parameter_specs().iter().position(|spec| spec.name == "bottleneck.encoder.weight").unwrap();
    let noise = net.parameter_specs().iter().position(|spec| spec.name == "bottleneck.noise").unwrap();
    assert_eq!(net.frozen(), [noise]);
    let (one, another) = (world.sent(0).0, world.sent(1).0);
    assert!(
        one.tensors()
            .iter()
            .zip(another.tensors())
            .enumerate()
            .all(|(at, (one, another))| { at == noise || backend::values(one) != backend::values(another) })
    );
    // Without its noise it is a network like any other: the divergence is a part of its gradient.
    let loss = |parameters: Parameters| {
        let model = Model { parameters, ..world.server.model.clone() };
        backend::scalar(model.gradient(BatchNormMode::Eval, &world.x, &world.targets).0)
    };
    let (gradient, theta) = (world.gradient(None), world.server.model.parameters.clone());
    let along = gradient.clone();
    let moved = |step: f64| loss(theta.clone().combine(1.0, &along, step));
    let slope = (moved(1e-7) - moved(-1e-7)) / 2e-7;
    let square: f64 = gradient.products_by_tensor(&gradient).iter().map(|(square, _)| square).sum();
    assert!((slope / square - 1.0).abs() < 1e-5, "{slope} {square}");
    let transforms = world.setup.posts.transforms(&of_sum(&world.server.model.net));
    let (known, _) = transforms.forward(gradient.clone());
    for (at, (known, own)) in known.tensors().iter().zip(gradient.tensors()).enumerate() {
        let (known, own) = (backend::values(known), backend::values(own));
        assert!(if at < first { known == own } else { known.iter().all(|value| *value == 0.0) }, "{at}");
    }
}

#[test]
fn graddefense_noises_runs_of_numbers_drawn_anew_and_leaves_the_others_as_they_are() {
    let step = |noised: u32| {
        let step = format!("post=[{{ kind = \"graddefense\", sigma = 0.1, noised = {noised} }}]");
        world(&[FOUR, &step])
    };
    let some = step(5);
    let flat =
        |update: &Parameters| -> Vec<f64> { update.tensors().iter().flat_map(backend::values).collect() };
    let clean = flat(&some.gradient(None));
    let noised = |world: &World, round: u32| -> Vec<bool> {
        clean.iter().zip(flat(&world.sent(round).0)).map(|(before, after)| *before != after).collect()
    };
    let first = noised(&some, 0);
    let runs = 1 + first.windows(2).filter(|two| two[0] != two[1]).count();
    assert!((2..=11).contains(&runs) && first.contains(&false), "{runs}");
    assert!((1..5).any(|round| noised(&some, round) != first));
    assert!(!noised(&step(10), 0).contains(&false));
    let refused = |changes: &[&str]| {
        let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
        let config = preset::load("ig-lenet", &changes, Path::new("/nonexistent")).unwrap().config;
        Setup::new(&config).err().map(|error| error.to_string()).unwrap_or_default()
    };
    let said = refused(&["post=[{ kind = \"graddefense\", noised = 11 }]"]);
    assert!(said.contains("post[0].noised is 11, and there are 10 slices"), "{said}");
}

#[test]
fn mixtures_are_sums_of_samples_with_their_labels_and_their_gradient_is_sent() {
    for kind in ["mixup", "instahide"] {
        let post = format!("post=[{{ kind = \"{kind}\", samples = 3, most = 0.6 }}]");
        let world = world(&[FOUR, &post]);
        let step = world.setup.posts.steps[0].clone();
        let mut generator = Seed(0).stream("test", &[]);
        let (x, targets) =
            step.on_samples().unwrap().change(world.own(), &world.setup.normalisation, &mut generator);
        let width = backend::values(&x).len() / 4;
        let (own, mixed) = (backend::values(world.own().x), backend::values(&x));
        let labels = backend::values(&targets.probabilities());
        let classes = labels.len() / 4;
        let hard: Vec<usize> = backend::values(&world.targets.probabilities())
            .chunks(classes)
            .map(|row| row.iter().position(|value| *value == 1.0).unwrap())
            .collect();
        for sample in 0..4 {
            let shares = &labels[sample * classes..(sample + 1) * classes];
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{shares:?}");
            assert!(shares[hard[sample]] > 0.0, "a sample is in its own mixture");
            // Four garments of four kinds: the labels tell the coefficients.
            if hard.iter().all(|label| hard.iter().filter(|other| *other == label).count() == 1) {
                for at in (0..width).step_by(97) {
                    let sum: f64 = (0..4).map(|of| shares[hard[of]] * own[of * width + at]).sum();
                    let found = mixed[sample * width + at];
                    let (sum, found) =
                        if kind == "instahide" { (sum.abs(), found.abs()) } else { (sum, found) };
                    assert!((sum - found).abs() < 1e-12, "{kind}, value {at}: {sum} {found}");
                }
            }
        }
        // What is sent is the update of the mixtures.
        let (sent, effect) = world.sent(0);
        assert!(effect.change > 0.01, "{effect:?}");
        let mut generator = Seed(0).stream("test", &[]);
        let (x, targets) =
            step.on_samples().unwrap().change(world.own(), &world.setup.normalisation, &mut generator);
        let expected = world.server.model.gradient(BatchNormMode::Eval, &x, &targets).1;
        assert!(sent.combine(1.0, &expected, -1.0).norm() < 1e-12 * expected.norm());
    }
}

#[test]
fn what_has_no_meaning_for_these_clients_is_refused_with_the_way_out() {
    let refused = |changes: &[&str]| {
        let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
        let config = preset::load("ig-lenet", &changes, Path::new("/nonexistent")).unwrap().config;
        Setup::new(&config).unwrap_err().to_string()
    };
    let dp = "post=[{ kind = \"dp-sgd\", norm = 1.0, noise_multiplier = 1.0 }]";
    let fedavg = ["federation.algorithm=fedavg", "federation.learning_rate=0.1"];
    let error = refused(&[&[dp][..], &fedavg].concat());
    assert!(
        error.contains("post[0].kind = \"dp-sgd\"")
            && error.contains("use federation.algorithm = \"fedsgd\""),
        "{error}"
    );
    let sample = "post=[{ kind = \"clip\", norm = 1.0, of = \"sample\" }]";
    let error = refused(&[sample, "victim.model=resnet20", "victim.mode=train"]);
    assert!(error.contains("use victim.mode = \"eval\""), "{error}");
    let error =
        refused(&["post=[{ kind = \"sign\" }, { kind = \"dp-sgd\", norm = 1.0, noise_multiplier = 1.0 }]"]);
    assert!(
        error.contains("post[1].kind = \"dp-sgd\"") && error.contains("comes before post[0], \"sign\""),
        "{error}"
    );
    let error =
        refused(&["post=[{ kind = \"soteria\", share = 0.5, layer = \"first\" }]", "victim.model=mlp"]);
    assert!(error.contains("sees the pixels themselves"), "{error}");
    let error = refused(&[&["post=[{ kind = \"censor\" }]"][..], &fedavg].concat());
    assert!(error.contains("use federation.algorithm"), "{error}");
    let error = refused(&["post=[{ kind = \"mixup\" }]"]);
    assert!(error.contains("this one has one; use several"), "{error}");
    let error = refused(&["post=[{ kind = \"dropout\" }]", fedavg[0], fedavg[1]]);
    assert!(
        error.contains("post[0].kind = \"dropout\"") && error.contains("use federation.algorithm"),
        "{error}"
    );
    let error = refused(&["post=[{ kind = \"ats\", policy = \"3-1-50\" }]"]);
    assert!(error.contains("post[0].policy: there is no operation 50; they are 0 to 49"), "{error}");
    let error = refused(&["post=[{ kind = \"dropout\" }, { kind = \"ats\", policy = \"3\" }]"]);
    assert!(error.contains("post[1].kind = \"ats\" acts on the samples"), "{error}");
    let error = refused(&[FOUR, "post=[{ kind = \"clip\", norm = 1.0 }, { kind = \"mixup\" }]"]);
    assert!(
        error.contains("post[1].kind = \"mixup\" acts on the samples, so it comes before post[0], \"clip\""),
        "{error}"
    );
    // A network whose BatchNorm is in eval mode has gradients of single samples.
    let world = world(&[dp, "victim.model=resnet20"]);
    assert!(world.config.privacy().is_some());
}
