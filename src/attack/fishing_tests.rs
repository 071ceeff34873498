//! That what is singled out is the gradient of the samples of a class, and of nobody else.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use crate::attack::{aim, craft, isolated};
use crate::backend::{Compute, Precision};
use crate::config::{RunConfig, preset};
use crate::fl::{At, AttackerView, Server, Setup, Source};
use crate::model::Targets;

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
    let range = setup.normalisation.range();
    let made = craft(config, aim, &server.model, &range, &compute).unwrap().unwrap();
    let own = setup.normalisation.apply(&batch.of_class(aim.unwrap()).images);
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
    assert_eq!(aim(&config, Some(&[3, 1, 3, 2, 2, 1, 4])), Ok(Some(4)));
    assert!(aim(&config, None).unwrap_err().contains("knowledge.labels = false does not grant"));
    // A view in which nobody has the class is no place to search.
    let (mut view, _) = seen(&config);
    view.update.values = view.update.values.clone().scaled(0.0);
    let error = isolated(view, Some(4)).unwrap_err().to_string();
    assert!(error.contains("nothing below the classifier came of a sample of class 4"), "{error}");
}
