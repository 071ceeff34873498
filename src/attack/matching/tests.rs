#![allow(clippy::unwrap_used)]
use std::path::Path;

use super::*;
use crate::attack::objective::Distance;
use crate::attack::{self, Ended, Flow, Progress, Sink, Task, TrialEnd};
use crate::backend::{Compute, Precision};
use crate::config::preset;
use crate::fl::{Server, Setup, Source};

/// The attacker's views of the same samples in rounds 0, 1 and 2 of a federation that trains between them.
fn views(changes: &[&str]) -> (Vec<AttackerView>, Vec<f64>, Search) {
    let mut all = vec!["victim.size=8", "victim.indices=[0,1]", "federation.clients=3"];
    all.extend(["federation.learning_rate=0.5", "federation.attack_rounds=[0,1,2]"]);
    all.extend(changes);
    let changes: Vec<String> = all.iter().map(|change| (*change).to_owned()).collect();
    let config = preset::load("noise", &changes, Path::new("/nonexistent")).unwrap().config;
    let compute = Compute::select("flex", Precision::F64).unwrap();
    let setup = Setup::new(&config).unwrap();
    let truth = setup.normalisation.apply(&setup.batch.clone().unwrap().images);
    let mut server = Server::new(&setup, &config, compute.clone());
    let source = Source::new(setup, &config, compute);
    let Source::Simulated(victim) = &source else { unreachable!() };
    let mut views = Vec::new();
    for round in 0..3 {
        views.push(source.view_after(server.residues(), &server.model, round).0);
        server.train(round, victim).unwrap();
    }
    (views, truth, config.attack.search().unwrap().clone())
}

fn objective<'a>(view: &'a AttackerView, search: &Search) -> GradientMatching<'a> {
    let labels = LabelVariable::Fixed(view.knowledge.labels.clone().unwrap());
    GradientMatching::at(view, search, labels)
}

#[test]
fn updates_of_several_rounds_count_alike_and_lead_back_to_the_same_samples() {
    for post in ["[{ kind = \"gaussian-noise\", sigma = 0.01 }]", "[{ kind = \"clip\", norm = 0.1 }]"] {
        let (views, truth, search) = views(&[&format!("post={post}"), "attack.distance=l2"]);
        let together = AttackerView { earlier: views[..2].to_vec(), ..views[2].clone() };
        let mut z = truth;
        z.iter_mut().enumerate().for_each(|(at, value)| *value += 0.3 * (at as f64).sin());
        let joint = objective(&together, &search);
        let found = joint.evaluate(&z);
        let alone: Vec<f64> =
            views.iter().map(|view| objective(view, &search).evaluate(&z).matching).collect();
        let mean = alone.iter().sum::<f64>() / 3.0;
        assert!((found.matching / mean - 1.0).abs() < 1e-12, "{post}: {} {mean}", found.matching);
        assert!((joint.value(&z).matching / mean - 1.0).abs() < 1e-12);
        for at in (0..z.len()).step_by(11) {
            let shifted = |h: f64| {
                let mut z = z.clone();
                z[at] += h;
                let there = joint.value(&z);
                there.matching + there.prior
            };
            let numeric = (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
            let gradient = found.gradient[at];
            assert!(
                (numeric - gradient).abs() < 1e-6 * gradient.abs().max(0.01),
                "{at}: {numeric} {gradient}"
            );
        }
    }
}

#[test]
fn a_round_without_earlier_ones_is_matched_as_before() {
    let (views, truth, search) = views(&[]);
    let own = objective(&views[1], &search);
    let distance = Distance::new(search.distance, views[1].observed());
    let labels = LabelVariable::Fixed(views[1].knowledge.labels.clone().unwrap());
    let plain = GradientMatching::new(&views[1], distance, search.prior.clone(), labels);
    assert_eq!(own.evaluate(&truth), plain.evaluate(&truth));
    assert_eq!(own.of_nothing(), plain.of_nothing());
}

/// Keeps what the members of a trial came to.
struct Last(Vec<f64>);

impl Sink for Last {
    fn trial_started(&mut self, _: usize, _: &[usize]) {}
    fn trial_resumed(&mut self, _: usize, _: usize) {}
    fn iterated(&mut self, _: &dyn Progress) -> Flow {
        Flow::Continue
    }
    fn trial_finished(&mut self, end: &TrialEnd) {
        self.0.clone_from(&end.best.z);
    }
}

/// How far the three members of a search on a noisy update end from their mean: the mean square.
fn spread(seed: u64, group: f64) -> f64 {
    let changes = [
        format!("run.seed={seed}"),
        format!("victim.indices=[{seed}]"),
        format!("attack.prior.group={group}"),
        "attack.members=3".into(),
        "victim.size=16".into(),
        "attack.iterations=150".into(),
        "attack.prior.tv=0".into(),
        "post=[{ kind = \"gaussian-noise\", sigma = 0.003 }]".into(),
    ];
    let config = preset::load("ig-lenet", &changes, Path::new("/nonexistent")).unwrap().config;
    let compute = Compute::select("flex", Precision::F32).unwrap();
    let setup = Setup::new(&config).unwrap();
    let server = Server::new(&setup, &config, compute.clone());
    let view = Source::new(setup, &config, compute).view(&server.model, 0).0;
    let seed = Seed(config.run.seed).attacker();
    let task = Task { view: &view, config: &config.attack, seed, round: 0, resume: None };
    let mut last = Last(Vec::new());
    let Ended::Reconstructed(found) = attack::run(task, &mut last).unwrap() else { unreachable!() };
    let mean = found.guess.samples.values();
    let apart = |member: &[f64]| member.iter().zip(mean).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    last.0.chunks(mean.len()).map(apart).sum::<f64>() / last.0.len() as f64
}

/// Middle of five.
fn median(mut of: [f64; 5]) -> f64 {
    of.sort_by(f64::total_cmp);
    of[2]
}

#[test]
fn members_that_are_to_agree_come_together() {
    let of = |group| median([0, 1, 2, 3, 4].map(|seed| spread(seed, group)));
    let (strangers, agreed) = (of(0.0), of(1e-2));
    assert!(agreed < 1e-3 * strangers, "{agreed} {strangers}");
}
