//! Federations: what clients send is what a knowing attacker simulates; the global model learns.

#![allow(clippy::unwrap_used)]
use std::path::Path;

use super::*;
use crate::attack::objective::Distance;
use crate::backend::{self, Compute, Precision};
use crate::config::{BatchNormMode, DistanceKind, RunConfig, preset};
use crate::fl::AttackerView;
use crate::model::Targets;

struct World {
    setup: Setup,
    server: Server,
    victim: Victim,
    compute: Compute,
}

fn config(changes: &[&str]) -> RunConfig {
    let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
    preset::load("ig-lenet", &changes, Path::new("/nonexistent")).unwrap().config
}

fn world(changes: &[&str]) -> World {
    let config = config(changes);
    let compute = Compute::select("flex", Precision::F64).unwrap();
    let setup = Setup::new(&config).unwrap();
    let server = Server::new(&setup, &config, compute.clone());
    let victim = Victim::new(
        setup.batch.clone().unwrap(),
        setup.normalisation.clone(),
        setup.posts.clone(),
        &config,
        compute.clone(),
    );
    World { setup, server, victim, compute }
}

/// What clients do with which samples.
fn work(clients: &[Client]) -> Vec<(Vec<usize>, Option<crate::model::Descent>)> {
    clients.iter().map(|client| (client.samples.clone(), client.descent.clone())).collect()
}

impl World {
    fn view(&self, round: u32) -> AttackerView {
        let sent = self.victim.send(&self.server.model, round);
        self.victim.view(&self.server.model, sent, round)
    }

    /// The cosine distance that the attacker would measure at the private batch itself.
    fn distance_at_the_truth(&self, round: u32) -> f64 {
        let view = self.view(round);
        let batch = self.setup.batch.as_ref().unwrap();
        let images = &batch.images;
        let x = self.compute.tensor(&self.setup.normalisation.apply(images), images.shape());
        let targets = Targets::hard(&self.compute, &batch.labels, view.model.net.classes());
        let knowledge = &view.knowledge;
        let simulated = knowledge.protocol.simulate(At {
            model: &view.model,
            mode: knowledge.batch_norm,
            x: &x,
            targets: &targets,
        });
        Distance::new(DistanceKind::Cosine, view.observed()).compare(simulated.gradient).distance()
    }
}

const FEDAVG: [&str; 6] = [
    "victim.data=digits28",
    "victim.indices=[0,60,120,180]",
    "victim.size=28",
    "federation.algorithm=fedavg",
    "federation.learning_rate=0.5",
    "federation.local_batch=2",
];

/// Local training that is not plain SGD.
const KINDS: [&[&str]; 6] = [
    &["federation.optimiser=adam", "federation.learning_rate=0.01"],
    &["federation.optimiser=adamw", "federation.learning_rate=0.01", "federation.local_batch=1"],
    &["federation.momentum=0.9", "federation.nesterov=true", "federation.learning_rate=0.02"],
    &["federation.momentum=0.9", "federation.dampening=0.5", "federation.learning_rate=0.02"],
    &["federation.clip=0.5", "federation.proximal=0.1"],
    &["federation.local_batch=1", "federation.accumulate={ sum = 2 }"],
];

fn fedavg(changes: &[&str]) -> World {
    world(&[&FEDAVG[..], &["federation.local_epochs=3"], changes].concat())
}

#[test]
fn a_client_with_its_samples_alone_sends_what_it_sends_among_others() {
    let changes = [
        "federation.clients=2",
        "federation.secure_aggregation=2",
        "federation.shuffle=true",
        "knowledge.order=true",
    ];
    let world = fedavg(&changes);
    let view = world.view(0);
    let batch = world.setup.batch.as_ref().unwrap();
    let x = world.compute.tensor(&world.setup.normalisation.apply(&batch.images), batch.images.shape());
    let targets = Targets::hard(&world.compute, &batch.labels, view.model.net.classes());
    let mode = BatchNormMode::Eval;
    let all = At { model: &view.model, mode, x: &x, targets: &targets };
    assert_eq!(view.knowledge.protocol.clients.len(), 2);
    for client in &view.knowledge.protocol.clients {
        let (own, labels) = (crate::model::rows(&x, &client.samples), targets.rows(&client.samples));
        let own = At { x: &own, targets: &labels, ..all };
        let (among, alone) = (client.send(all), client.alone(post::Transforms::default()).send(own));
        let difference = among.update.values.clone().combine(1.0, &alone.update.values, -1.0).norm();
        assert!(difference < 1e-12 * among.update.values.norm(), "{:?}: {difference:e}", client.samples);
    }
}

#[test]
fn an_attacker_who_knows_the_local_steps_matches_the_update_exactly() {
    assert!(fedavg(&[]).distance_at_the_truth(0) < 1e-12);
    let momentum = ["federation.momentum=0.9", "federation.weight_decay=0.01"];
    assert!(fedavg(&momentum).distance_at_the_truth(0) < 1e-12);
    for kind in KINDS {
        assert!(fedavg(kind).distance_at_the_truth(0) < 1e-12, "{kind:?}");
    }
    assert!(fedavg(&["victim.model=convnet64", "victim.mode=train"]).distance_at_the_truth(0) < 1e-12);
}

#[test]
fn an_attacker_who_knows_less_does_not() {
    let assumed = "knowledge.local={ assumed = { learning_rate = 0.1, batch = 2, epochs = 3 } }";
    for change in [assumed, "knowledge.local=none"] {
        assert!(fedavg(&[change]).distance_at_the_truth(0) > 1e-9, "{change}");
    }
    // Assuming what is true is knowing it.
    let right = "knowledge.local={ assumed = { learning_rate = 0.5, batch = 2, epochs = 3 } }";
    assert!(fedavg(&[right]).distance_at_the_truth(0) < 1e-12);
}

#[test]
fn an_attacker_who_takes_other_local_training_for_plain_sgd_does_not_match() {
    for kind in KINDS {
        let rate = kind.iter().find_map(|change| change.strip_prefix("federation.learning_rate="));
        let batch = if kind.contains(&"federation.local_batch=1") { 1 } else { 2 };
        let rate = rate.unwrap_or("0.5");
        let taken = format!(
            "knowledge.local={{ assumed = {{ learning_rate = {rate}, batch = {batch}, epochs = 3 }} }}"
        );
        let distance = fedavg(&[kind, &[taken.as_str()]].concat()).distance_at_the_truth(0);
        assert!(distance > 1e-6, "{kind:?}: {distance}");
    }
    // Assuming what is true is knowing it.
    let right =
        "knowledge.local={ assumed = { learning_rate = 0.01, batch = 2, epochs = 3, optimiser = \"adam\" } }";
    assert!(fedavg(&[KINDS[0], &[right]].concat()).distance_at_the_truth(0) < 1e-12);
}

#[test]
fn the_order_of_a_client_that_shuffles_is_knowledge() {
    let ignorant = fedavg(&["federation.shuffle=true"]);
    assert!(ignorant.distance_at_the_truth(0) > 1e-8);
    let granted = fedavg(&["federation.shuffle=true", "knowledge.order=true"]);
    assert!(granted.distance_at_the_truth(0) < 1e-12);
    // Another order each round.
    let steps = |round| work(&granted.view(round).knowledge.protocol.clients);
    assert_ne!(steps(0), steps(1));
    assert_eq!(steps(1), steps(1));
}

fn gradient(world: &World) -> Vec<f64> {
    let sent = world.victim.send(&world.server.model, 0);
    sent.update.values.tensors().iter().flat_map(backend::values).collect()
}

fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn a_secure_sum_of_gradients_is_the_gradient_of_all_samples() {
    let batch =
        ["victim.data=digits28", "victim.size=28", "victim.indices=[0,60,120,180]", "federation.clients=2"];
    let summed = ["federation.secure_aggregation=2"];
    let one = world(&batch);
    let two = world(&[&batch[..], &summed].concat());
    assert!(largest_difference(&gradient(&one), &gradient(&two)) < 1e-12);
    assert!(two.distance_at_the_truth(0) < 1e-12);
    // In train mode each client has its own batch statistics, and the attacker knows that too.
    let net = ["victim.model=convnet64", "victim.mode=train"];
    let one = world(&[&batch[..], &net].concat());
    let two = world(&[&batch[..], &net, &summed].concat());
    assert!(largest_difference(&gradient(&one), &gradient(&two)) > 1e-6);
    assert!(two.distance_at_the_truth(0) < 1e-12);
    // FedAvg clients walk apart before they are summed.
    let steps = ["federation.clients=2", "federation.secure_aggregation=2"];
    let summed = fedavg(&steps);
    assert_eq!(summed.view(0).knowledge.protocol.clients.len(), 2);
    assert!(summed.distance_at_the_truth(0) < 1e-12);
    assert!(largest_difference(&gradient(&summed), &gradient(&fedavg(&[]))) > 1e-6);
}

#[test]
fn the_batch_norm_situations_differ_in_what_the_attacker_has() {
    let situation = |changes: &[&str]| {
        let all = ["victim.model=resnet20", "victim.options.width=0.25", "victim.indices=[0,3]"];
        world(&[&all[..], changes].concat())
    };
    assert!(situation(&[]).distance_at_the_truth(0) < 1e-12);
    assert!(situation(&["victim.mode=train"]).distance_at_the_truth(0) < 1e-12);
    let client = situation(&["victim.mode=eval-client", "victim.share_buffers=true"]);
    assert!(client.distance_at_the_truth(0) < 1e-12);
    let kept = situation(&["victim.mode=eval-client"]);
    assert!(kept.distance_at_the_truth(0) > 1e-3);
    assert_ne!(gradient(&client), gradient(&situation(&[])));
    assert_eq!(gradient(&client), gradient(&kept));
}

const TRAINING: [&str; 8] = [
    "victim.data=digits28",
    "victim.size=28",
    "victim.model=mlp",
    "victim.options.width=0.02",
    "victim.indices=[0,60,120,180]",
    "federation.clients=5",
    "federation.learning_rate=0.1",
    "federation.attack_rounds=[0, 4]",
];

fn trained(changes: &[&str], rounds: u32) -> World {
    let mut world = world(&[&TRAINING[..], changes].concat());
    for round in 0..rounds {
        world.server.train(round, &world.victim).unwrap();
    }
    world
}

#[test]
fn the_global_model_learns_from_its_clients() {
    for changes in [
        &["federation.algorithm=fedavg", "federation.local_batch=4", "federation.local_epochs=5"][..],
        &[
            "federation.algorithm=fedavg",
            "federation.local_batch=4",
            "federation.local_epochs=5",
            "federation.partition={ dirichlet = 1 }",
        ],
        &[
            "federation.algorithm=fedavg",
            "federation.local_batch=4",
            "federation.local_epochs=5",
            "federation.optimiser=adam",
            "federation.learning_rate=0.01",
        ],
    ] {
        let untrained = trained(changes, 0).server.standing().unwrap().unwrap();
        let trained = trained(changes, 4).server.standing().unwrap().unwrap();
        assert!(untrained.accuracy < 0.3, "{untrained:?}");
        assert!(trained.accuracy > 0.6 && trained.loss < untrained.loss, "{changes:?} {trained:?}");
    }
}

#[test]
fn a_round_depends_on_seed_and_model_alone() {
    let changes = ["federation.algorithm=fedavg", "federation.local_batch=4", "federation.shuffle=true"];
    let straight = trained(&changes, 3);
    let again = trained(&changes, 3);
    assert_eq!(straight.server.standing().unwrap(), again.server.standing().unwrap());
    // Going on from a stored model is going on.
    let mut resumed = trained(&changes, 0);
    resumed.server.model = trained(&changes, 2).server.model;
    resumed.server.train(2, &resumed.victim).unwrap();
    assert_eq!(straight.server.standing().unwrap(), resumed.server.standing().unwrap());
    let other = trained(&[&changes[..], &["run.seed=1"]].concat(), 3);
    assert_ne!(straight.server.standing().unwrap(), other.server.standing().unwrap());
}

#[test]
fn one_client_with_one_full_step_is_fed_sgd() {
    // The second client of two has so many samples that FedSGD takes them in parts.
    for clients in ["federation.clients=1", "federation.clients=2"] {
        let sgd = trained(&[clients], 2);
        let avg = trained(&[clients, "federation.algorithm=fedavg"], 2);
        let (a, b) = (&sgd.server.model.parameters, &avg.server.model.parameters);
        for (a, b) in a.tensors().iter().zip(b.tensors()) {
            assert!(largest_difference(&backend::values(a), &backend::values(b)) < 1e-12, "{clients}");
        }
    }
    let step = ["federation.clients=1", "federation.algorithm=fedavg"];
    let half = trained(&[&step[..], &["federation.server_learning_rate=0.5"]].concat(), 1);
    let whole = trained(&step, 1);
    let begin = trained(&step, 0).server.model.parameters;
    let way = |world: &World| world.server.model.parameters.clone().combine(1.0, &begin, -1.0).norm();
    assert!((2.0 * way(&half) / way(&whole) - 1.0).abs() < 1e-9);
}

#[test]
fn batch_norm_statistics_are_averaged_where_they_are_shared() {
    let net = ["victim.model=resnet20", "victim.options.width=0.25", "victim.mode=train"];
    let shared = trained(&[&net[..], &["victim.share_buffers=true"]].concat(), 1);
    let kept = trained(&net, 1);
    let mean = |world: &World| world.server.model.buffers.values("bn1.running_mean").unwrap();
    assert!(mean(&shared).iter().any(|mean| mean.abs() > 1e-4));
    assert!(mean(&kept).iter().all(|mean| *mean == 0.0));
    assert_eq!(config(&net).victim.mode, BatchNormMode::Train);
}

#[test]
fn what_cannot_be_dealt_is_refused() {
    let error =
        |changes: &[&str]| Setup::new(&config(&[&TRAINING[..], changes].concat())).unwrap_err().to_string();
    let many = error(&["federation.clients=600"]);
    assert!(many.contains("federation.clients = 600, but ") && many.contains("use fewer clients"), "{many}");
    let classes = error(&["victim.classes=5", "victim.indices=[0]"]);
    assert!(classes.contains("victim.classes = 5, but the data holds label"), "{classes}");
}

/// The files that a client's round leaves behind, and the config that attacks them.
fn captured(changes: &[&str], kind: &str, folder: &Path) -> (World, RunConfig) {
    let world = world(changes);
    let update = world.view(0).update.values;
    let model = &world.server.model;
    let values = match kind {
        "weights" => model.parameters.clone().combine(1.0, &update, 1.0),
        "negative-delta" => update.scaled(-1.0),
        _ => update,
    };
    let write = |name: &str, groups: &[&crate::model::Parameters]| {
        let path = folder.join(name);
        let file = crate::run::global_model::serialise(groups, std::collections::HashMap::new()).unwrap();
        std::fs::write(&path, file).unwrap();
        path.display().to_string()
    };
    let (weights, sent) =
        (write("weights", &[&model.parameters, &model.buffers]), write("update", &[&values]));
    let local = if kind == "gradient" {
        ""
    } else {
        ", local = { epochs = 1, batch = 2, learning_rate = 0.5, momentum = 0 }"
    };
    let line = format!(
        "victim.captured={{ weights = \"{weights}\", update = \"{sent}\", kind = \"{kind}\", batch = 4{local} }}"
    );
    let kept: Vec<&str> = changes
        .iter()
        .copied()
        .filter(|change| !change.starts_with("federation."))
        .chain([line.as_str()])
        .collect();
    (world, config(&kept))
}

#[test]
fn a_captured_update_of_every_kind_is_what_the_client_sent() {
    let folder = tempfile::tempdir().unwrap();
    let gradient = [&FEDAVG[..3], &["knowledge.labels=true"]].concat();
    let fedavg = [&FEDAVG[..], &["knowledge.labels=true"]].concat();
    for (changes, kind) in [
        (gradient, "gradient"),
        (fedavg.clone(), "delta"),
        (fedavg.clone(), "negative-delta"),
        (fedavg, "weights"),
    ] {
        let (world, config) = captured(&changes, kind, folder.path());
        let setup = Setup::new(&config).unwrap();
        let server = Server::new(&setup, &config, world.compute.clone());
        let view = Source::new(setup, &config, world.compute.clone()).view(&server.model, 0).0;
        let own = world.view(0);
        assert_eq!((view.update.kind, view.update.samples), (own.update.kind, 4), "{kind}");
        // Files keep 32 bit.
        let difference = view.observed().combine(1.0, &own.observed(), -1.0);
        assert!(difference.norm() < 1e-4 * own.observed().norm(), "{kind}: {}", difference.norm());
        let (known, own) = (view.knowledge, own.knowledge);
        assert_eq!((known.labels, known.batch_norm), (own.labels, own.batch_norm), "{kind}");
        assert_eq!(work(&known.protocol.clients), work(&own.protocol.clients), "{kind}");
        assert_eq!(known.scale, own.scale, "{kind}");
    }
}

#[test]
fn files_that_do_not_fit_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let gradient = [&FEDAVG[..3], &["knowledge.labels=true"]].concat();
    let (world, good) = captured(&gradient, "gradient", folder.path());
    let with = |change: &dyn Fn(&mut crate::config::Captured)| {
        let mut config = good.clone();
        change(config.victim.captured.as_mut().unwrap());
        Setup::new(&config).unwrap_err().to_string()
    };
    let write = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let tensors = |values: &crate::model::Parameters| {
        crate::run::global_model::serialise(&[values], std::collections::HashMap::new()).unwrap()
    };
    let parameters = &world.server.model.parameters;
    let zero = write("zero", &tensors(&parameters.clone().scaled(0.0)));
    assert!(with(&|c| c.update.clone_from(&zero)).contains("zero is all zero: there is nothing to match"));
    let nan = write("nan", &tensors(&parameters.clone().scaled(f64::NAN)));
    let error = with(&|c| c.update.clone_from(&nan));
    assert!(error.starts_with("victim.captured.update: ") && error.contains("conv1.weight has"), "{error}");
    let code = write("code.pth", b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.");
    for error in [with(&|c| c.update.clone_from(&code)), with(&|c| c.weights.clone_from(&code))] {
        assert!(error.contains("code.pth asks to run `posix.system`; nothing was run"), "{error}");
    }
    let sent_out = good.victim.captured.as_ref().unwrap().weights.clone();
    let same = with(&|c| {
        c.update.clone_from(&sent_out);
        c.kind = crate::config::CapturedKind::Weights;
    });
    assert!(same.contains("is all zero beside the weights sent out"), "{same}");
    let other = Setup::new(&config(&["victim.data=digits28", "victim.size=28", "victim.classes=7"])).unwrap();
    let other = Server::new(&other, &good, world.compute.clone()).model.parameters;
    let classes = write("classes", &tensors(&other));
    for (error, key) in [
        (with(&|c| c.update.clone_from(&classes)), "victim.captured.update: "),
        (with(&|c| c.weights.clone_from(&classes)), "victim.captured.weights: "),
    ] {
        assert!(error.starts_with(key) && error.contains("does not fit lenet for 10 classes"), "{error}");
        assert!(error.contains("fc.weight is 7x588, not 10x588"), "{error}");
        assert!(error.contains("it looks like lenet for 7 classes"), "{error}");
    }
    assert!(with(&|c| c.batch = 3).contains("has 4 sample(s), but victim.captured.batch = 3"));
    assert!(with(&|c| c.input = Some([3, 28, 28])).contains("ground truth are [1, 28, 28]"));
}

#[test]
fn a_gradient_in_parts_is_that_of_the_whole() {
    for loss in ["ce", "ce-sum"] {
        parts_make_the_whole(&format!("victim.loss={loss}"));
    }
}

fn parts_make_the_whole(loss: &str) {
    let whole = world(&["victim.model=resnet20", "victim.indices=[0,1,2,3,4]", loss]);
    let parts = whole.victim.clone().in_parts(2);
    let (a, b) = (whole.victim.send(&whole.server.model, 0), parts.send(&whole.server.model, 0));
    let values =
        |sent: &Sent| -> Vec<f64> { sent.update.values.tensors().iter().flat_map(backend::values).collect() };
    assert!(largest_difference(&values(&a), &values(&b)) < 1e-12);

    // And the way back through it.
    let view = |victim: &Victim, sent: Sent| victim.view(&whole.server.model, sent, 0);
    let (whole, parts) = (view(&whole.victim, a), view(&parts, b));
    assert_eq!(parts.knowledge.protocol.clients[0].at_once, 2);
    let z: Vec<f64> =
        (0..whole.shape().iter().product()).map(|i| f64::from(i as u32 % 17) / 9.0 - 1.0).collect();
    let evaluate = |view: &AttackerView| {
        let distance = Distance::new(DistanceKind::L2, view.observed());
        let priors = crate::config::Priors::one(crate::config::PriorKind::Tv, 1e-3);
        let labels = crate::attack::LabelVariable::Fixed(vec![0, 1, 2, 3, 4]);
        crate::attack::GradientMatching::new(view, distance, priors, labels).evaluate(&z)
    };
    let (a, b) = (evaluate(&whole), evaluate(&parts));
    assert!((a.matching - b.matching).abs() < 1e-10 * a.matching, "{} {}", a.matching, b.matching);
    let scale = a.gradient.iter().fold(0.0, |max: f64, g| max.max(g.abs()));
    assert!(largest_difference(&a.gradient, &b.gradient) < 1e-9 * scale);
}

#[test]
fn a_clients_own_mean_and_deviation_are_known_only_where_they_are_granted() {
    let of = |changes: &[&str]| {
        let config = config(&[&["victim.data=photos", "victim.normalise=client"], changes].concat());
        let setup = Setup::new(&config).unwrap();
        let (batch, own, taken) =
            (setup.batch.clone().unwrap(), setup.normalisation.clone(), setup.taken.clone());
        // The client's is that of its samples: what the model sees of them has mean 0 and deviation 1.
        let seen = own.apply(&batch.images);
        let count = seen.len() as f64;
        let mean = seen.iter().sum::<f64>() / count;
        assert!(mean.abs() < 0.1, "{mean}");
        let compute = Compute::select("flex", Precision::F64).unwrap();
        let server = Server::new(&setup, &config, compute.clone());
        let Source::Simulated(victim) = Source::new(setup, &config, compute) else { panic!("no client") };
        let view = victim.view(&server.model, victim.send(&server.model, 0), 0);
        assert_eq!(view.range, taken.range());
        (own, taken, config.own_normalisation().unwrap(), config.threat_model().split_once(' ').unwrap().0)
    };
    let (own, taken, header, letter) = of(&["victim.indices=[0]"]);
    let (other, public, ..) = of(&["victim.indices=[3]"]);
    assert!(own != taken && own != other, "{own:?}");
    assert_eq!(taken, public, "whichever is attacked");
    assert_eq!((header.as_str(), letter), ("client's own mean and deviation (not known)", "B"));
    let (own, taken, header, letter) = of(&["victim.indices=[0]", "knowledge.normalisation=true"]);
    assert_eq!(own, taken);
    assert_eq!((header.as_str(), letter), ("client's own mean and deviation (public)", "E"));
    for changes in [
        ["knowledge.normalisation=true", "victim.size=32"],
        ["victim.normalise=client", "federation.secure_aggregation=2"],
    ] {
        let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
        assert!(preset::load("ig-lenet", &changes, Path::new("/nonexistent")).is_err(), "{changes:?}");
    }
}
