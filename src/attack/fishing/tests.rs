//! That what is singled out is the gradient of the samples of a class, and of nobody else.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use crate::attack::{Aim, Asked, AttackError, Means, aim, asked, craft, isolated};
use crate::backend::{self, Compute, Precision};
use crate::config::{BatchNormMode, RunConfig, preset};
use crate::fl::{At, AttackerView, Server, Setup, Source};
use crate::model::{Model, Targets};

const IN_64_BIT: &str = "run.precision=f64";

fn config(changes: &[&str]) -> RunConfig {
    let changes: Vec<String> = [changes, &[IN_64_BIT]].concat().into_iter().map(str::to_owned).collect();
    preset::load("fishing", &changes, Path::new("/nonexistent")).unwrap().config
}

/// What the attacker makes of a round, and the private samples of the class that it is after, as the model sees them.
fn seen(config: &RunConfig) -> (AttackerView, Vec<f64>) {
    let compute = Compute::select("flex", Precision::F64).unwrap();
    let setup = Setup::new(config).unwrap();
    let batch = setup.batch.clone().unwrap();
    let aim = aim(config, Some(&batch.labels)).unwrap();
    let server = Server::new(&setup, config, compute.clone());
    let means = Means { aim, range: setup.normalisation.range(), generator: None };
    let made = craft(config, &means, &server.model, &compute).unwrap().unwrap();
    let Some(Aim::Class(class)) = aim else { panic!("{aim:?}") };
    let own = setup.normalisation.apply(&batch.of_class(class).images);
    let view = Source::new(setup, config, compute).view(&made.model, 0).0;
    let (view, words) = isolated(view, aim).unwrap();
    assert!(words.unwrap().contains("sent one to the layers below"));
    (view, own)
}

/// Difference between what is seen and what these samples alone would have sent, as a share of its norm.
fn off(view: &AttackerView, samples: &[f64]) -> f64 {
    let AttackerView { model, compute, knowledge, .. } = view;
    let labels = knowledge.labels.clone().unwrap();
    let x = compute.tensor(samples, view.shape());
    let targets = Targets::hard(compute, &labels, model.net.classes());
    let at = At { model, mode: knowledge.batch_norm, x: &x, targets: &targets };
    let seen = view.observed();
    knowledge.protocol.simulate(at).gradient.combine(1.0, &seen, -1.0).norm() / seen.norm()
}

#[test]
fn what_is_singled_out_is_of_the_class_alone() {
    for (changes, samples) in [
        (&[][..], 1),
        (&["attack.target=5"], 1),
        (&["victim.loss=ce-sum"], 1),
        (
            &[
                "victim.indices=[0,1,2,3]",
                "federation.clients=4",
                "federation.secure_aggregation=4",
                "victim.loss=ce-sum",
            ],
            1,
        ),
        (&["victim.indices=[0,1,2,3]", "federation.clients=4", "federation.secure_aggregation=4"], 1),
        (&["victim.model=resnet20", "victim.size=16"], 1),
        (&["victim.indices=[3,1,3,2,2,1]", "attack.target=3"], 2),
        (&["post=[{ kind = \"sparsify\", share = 0.5 }]"], 1),
    ] {
        let (view, own) = seen(&config(changes));
        assert_eq!((view.update.samples, view.earlier.len()), (samples, 0), "{changes:?}");
        let (same, other) = (off(&view, &own), off(&view, &vec![0.1; own.len()]));
        assert!(same < 1e-9 && other > 1e-2, "{changes:?}: {same} of them, {other} of another");
    }
}

#[test]
fn the_rarest_class_is_aimed_at_and_nobody_else() {
    let config = config(&["victim.indices=[3,1,3,2,2,1,4]"]);
    assert_eq!(aim(&config, Some(&[3, 1, 3, 2, 2, 1, 4])), Ok(Some(Aim::Class(4))));
    assert!(aim(&config, None).unwrap_err().contains("knowledge.labels = false does not grant"));
    // A view in which nobody has the class is no place to search.
    let (mut view, _) = seen(&config);
    view.update.values = view.update.values.clone().scaled(0.0);
    let error = isolated(view, Some(Aim::Class(4))).unwrap_err().to_string();
    assert!(error.contains("nothing below the classifier came of a sample of class 4"), "{error}");
}

/// What a server makes of the client that it asks for each sample, the private samples in its order, and how often it asked.
fn each(changes: &[&str]) -> (Result<Asked, AttackError>, Vec<f64>, usize) {
    let config = config(&[&["attack.target=each"][..], changes].concat());
    let compute = Compute::select("flex", Precision::F64).unwrap();
    let setup = Setup::new(&config).unwrap();
    let batch = setup.batch.clone().unwrap();
    let aim = aim(&config, Some(&batch.labels)).unwrap();
    let server = Server::new(&setup, &config, compute.clone());
    let normalisation = setup.normalisation.clone();
    let means = Means { aim, range: normalisation.range(), generator: None };
    let source = Source::new(setup, &config, compute.clone());
    let mut queries = 0;
    let mut ask = |model: &Model| {
        queries += 1;
        source.view(model, 0).0
    };
    let found = asked(&config, &means, &server.model, &compute, &mut ask);
    let found = found.map(Option::unwrap);
    // In the order of their scores, as cuts part them.
    let samples = found.as_ref().map_or_else(
        |_| Vec::new(),
        |Asked { view, .. }| {
            let Some(Aim::Each(class)) = aim else { panic!("{aim:?}") };
            let x = compute.tensor(&normalisation.apply(&batch.images), batch.images.shape());
            let scores = backend::values(&view.model.scores(BatchNormMode::Eval, &x));
            let classes = view.model.net.classes();
            let mut order: Vec<usize> = (0..batch.labels.len()).collect();
            order.sort_by(|a, b| scores[a * classes + class].total_cmp(&scores[b * classes + class]));
            normalisation.apply(&batch.in_order(&order).images)
        },
    );
    (found, samples, queries)
}

#[test]
fn by_asking_again_every_sample_is_told_from_the_others_whatever_its_class() {
    for changes in [
        &[][..],
        &["victim.loss=ce-sum"],
        &["victim.indices=[3,1,3,2,2,1]"],
        &["victim.model=resnet20", "victim.size=16", "victim.indices=[0,1,2,3]"],
        &["victim.indices=[0,1,2,3]", "federation.clients=4", "federation.secure_aggregation=4"],
    ] {
        let (found, samples, queries) = each(changes);
        let Asked { view, craft } = found.unwrap();
        assert!(queries < 100, "{changes:?}: {queries}");
        let all = view.update.samples;
        let sizes: Vec<usize> = views(&view).map(|view| view.knowledge.protocol.samples()).collect();
        assert_eq!(sizes.iter().sum::<usize>(), all, "{changes:?}: {sizes:?}");
        // The same picture twice is one that cannot be told from the other.
        let together = sizes.iter().filter(|size| **size > 1).count();
        assert_eq!(together, if changes == ["victim.indices=[3,1,3,2,2,1]"] { 3 } else { 0 }, "{changes:?}");
        for view in views(&view) {
            let (same, other) = (off(view, &samples), off(view, &vec![0.1; samples.len()]));
            assert!(same < 3e-4 && other > 1e-2, "{changes:?}: {same} of them, {other} of others");
        }
        assert!(craft.words[0].contains(&format!("{queries} times one after another")), "{:?}", craft.words);
    }
}

/// What is seen of every group of samples.
fn views(view: &AttackerView) -> impl Iterator<Item = &AttackerView> {
    std::iter::once(view).chain(&view.earlier)
}

#[test]
fn queries_that_run_out_leave_samples_together() {
    let (found, samples, queries) = each(&["attack.queries=9"]);
    let Asked { view, craft } = found.unwrap();
    assert_eq!(queries, 9);
    assert!(view.earlier.len() < 15, "{}", view.earlier.len());
    assert!(craft.words[1].ends_with("since attack.queries are used up"), "{:?}", craft.words);
    for view in views(&view) {
        assert!(off(view, &samples) < 3e-4);
    }
}
