//! Every variable through the whole objective: its gradient against finite differences in 64 bit.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use crate::attack::{GradientMatching, LabelVariable};
use crate::backend::{Compute, Precision};
use crate::config::{RunConfig, preset};
use crate::fl::{AttackerView, Server, Setup, Source};
use crate::model::generator::upsampling;
use crate::seed::{Seed, normal};

fn compute() -> Compute {
    Compute::select("flex", Precision::F64).unwrap()
}

/// A preset changed, and what its attacker sees.
fn view(preset: &str, changes: &[&str]) -> (RunConfig, AttackerView) {
    let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
    let config = preset::load(preset, &changes, Path::new("/nonexistent")).unwrap().config;
    let setup = Setup::new(&config).unwrap();
    let server = Server::new(&setup, &config, compute());
    let view = Source::new(setup, &config, compute()).view(&server.model, 0).0;
    (config, view)
}

fn objective<'a>(config: &RunConfig, view: &'a AttackerView) -> GradientMatching<'a> {
    let labels = LabelVariable::Fixed(view.knowledge.labels.clone().unwrap());
    GradientMatching::of(view, config.attack.search().unwrap(), labels, Seed(5)).unwrap()
}

/// The slope along a direction drawn by `number`, and the difference quotient.
fn agrees(what: &str, objective: &GradientMatching<'_>, z: &[f64]) {
    let found = objective.evaluate(z);
    for number in 0..3 {
        let along = normal(&mut Seed(number).stream("along", &[]), z.len());
        let slope: f64 = found.gradient.iter().zip(&along).map(|(g, a)| g * a).sum();
        let at = |step: f64| {
            let moved: Vec<f64> = z.iter().zip(&along).map(|(z, a)| z + step * a).collect();
            let (value, whole) = (objective.value(&moved).total(), objective.evaluate(&moved).total());
            assert!((value - whole).abs() < 1e-12 * (1.0 + whole.abs()), "{what}: {value} {whole}");
            value
        };
        // Short, so that no kink of a leaky ReLU lies between.
        let quotient = (at(1e-8) - at(-1e-8)) / 2e-8;
        assert!((slope - quotient).abs() < 1e-4 * (1e-3 + quotient.abs()), "{what}: {slope} {quotient}");
    }
}

fn first(objective: &GradientMatching<'_>, config: &RunConfig) -> Vec<f64> {
    objective.first(config.attack.search().unwrap().start, &mut Seed(3).stream("first", &[]))
}

#[test]
fn what_equations_leave_open_has_the_slope_and_no_gradient() {
    let (config, view) = view("copa", &[]);
    let objective = objective(&config, &view);
    assert!(
        objective.words().iter().any(|words| words.starts_with("rank deficit")),
        "{:?}",
        objective.words()
    );
    let z = normal(&mut Seed(3).stream("z", &[]), objective.count());
    agrees("null space", &objective, &z);
    // All of these have the gradient that was sent: what tells them apart is the prior.
    let (there, solved) = (objective.evaluate(&z), objective.evaluate(&vec![0.0; z.len()]));
    assert!(
        there.matching < 1e-12 * objective.of_nothing() && solved.matching < 1e-12 * objective.of_nothing()
    );
    assert!(there.prior > 1.5 * solved.prior, "{} {}", there.prior, solved.prior);
}

#[test]
fn pictures_made_smaller_have_the_slope() {
    let (config, view) = view("ig-lenet", &["attack.variable={ low-resolution = 4 }"]);
    let objective = objective(&config, &view);
    let z = first(&objective, &config);
    assert_eq!(z.len() * 16, view.shape().iter().product::<usize>());
    agrees("low resolution", &objective, &z);
}

#[test]
fn members_that_are_to_agree_have_the_slope() {
    let changes = ["victim.indices=[0,1]", "victim.size=16", "knowledge.labels=true", "attack.labels=given"];
    let of = |group: &str| {
        let members = ["attack.members=3", "attack.prior.bn-equal=0.001", group];
        let (config, view) = view("gradinversion", &[&changes[..], &members].concat());
        let objective = objective(&config, &view);
        let z = first(&objective, &config);
        assert_eq!(z.len(), 3 * view.shape().iter().product::<usize>());
        agrees(group, &objective, &z);
        (objective.evaluate(&z), z)
    };
    let ((with, z), (without, _)) = (of("attack.prior.group=0.02"), of("attack.prior.group=0"));
    // What the agreement adds is what the formula says, and most of the slope.
    let each = z.len() / 3;
    let mean = |at: usize| (z[at] + z[each + at] + z[2 * each + at]) / 3.0;
    let off: f64 = (0..z.len()).map(|at| (z[at] - mean(at % each)).powi(2)).sum::<f64>() / 3.0;
    assert!((with.prior - without.prior - 0.02 * off).abs() < 1e-9 * with.prior, "{with:?} {off}");
    for (at, (with, without)) in with.gradient.iter().zip(&without.gradient).enumerate() {
        let slope = 0.02 * 2.0 / 3.0 * (z[at] - mean(at % each));
        assert!((with - without - slope).abs() < 1e-9, "{at}: {with} {without} {slope}");
    }
}

#[test]
fn largest_values_of_epochs_have_the_slope() {
    for prior in ["attack.prior.order-inv-max=0.3", "attack.prior.order-inv-conv=0.03"] {
        let (config, view) =
            view("local-steps", &["attack.variable=epochs", prior, "federation.local_epochs=3"]);
        let objective = objective(&config, &view);
        let z = first(&objective, &config);
        agrees(prior, &objective, &z);
        let plain = self::view("local-steps", &["attack.variable=epochs", "federation.local_epochs=3"]);
        assert!(objective.value(&z).prior > self::objective(&plain.0, &plain.1).value(&z).prior, "{prior}");
    }
}

#[test]
fn features_that_the_update_tells_have_the_slope() {
    let features = "attack.prior.feat=0.4";
    // By the tape, by the rules of the CPU, over local steps and over epochs apart.
    for (preset, changes) in [
        ("ig-lenet", &[features][..]),
        ("ig-lenet", &["victim.model=vit", features]),
        ("local-steps", &[features]),
        ("local-steps", &["attack.variable=epochs", "federation.local_epochs=3", features]),
    ] {
        let (config, view) = view(preset, changes);
        let objective = objective(&config, &view);
        let z = first(&objective, &config);
        agrees(preset, &objective, &z);
        let without: Vec<&str> = changes.iter().copied().filter(|change| *change != features).collect();
        let plain = self::view(preset, &without);
        assert!(objective.value(&z).prior > self::objective(&plain.0, &plain.1).value(&z).prior, "{preset}");
    }
}

#[test]
fn the_samples_of_each_epoch_have_the_slope() {
    let (config, view) = view(
        "local-steps",
        &["attack.variable=epochs", "attack.prior.order-inv=0.3", "federation.local_epochs=3"],
    );
    let objective = objective(&config, &view);
    let z = first(&objective, &config);
    assert_eq!(z.len(), 3 * view.shape().iter().product::<usize>());
    agrees("epochs", &objective, &z);
    // The same samples in every epoch are what the client has: the loss there is that of one variable for all.
    let (shared, _) = (
        GradientMatching::at(
            &view,
            config.attack.search().unwrap(),
            LabelVariable::Fixed(view.knowledge.labels.clone().unwrap()),
        ),
        (),
    );
    let once = &z[..z.len() / 3];
    let (apart, together) = (objective.value(&once.repeat(3)), shared.value(once));
    assert!((apart.matching - together.matching).abs() < 1e-12, "{apart:?} {together:?}");
    assert_eq!(objective.guess(&once.repeat(3)).samples.values().len(), once.len());
}

#[test]
fn a_surrogate_has_the_slope_to_its_place() {
    let (config, view) = view("local-steps", &["attack.surrogate=0.4"]);
    let objective = objective(&config, &view);
    let z = first(&objective, &config);
    assert_eq!(z.len(), view.shape().iter().product::<usize>() + 1);
    agrees("surrogate", &objective, &z);
    // Alone along its place: large enough to be seen.
    let mut along = z.clone();
    let mut at = |place: f64| {
        *along.last_mut().unwrap() = place;
        objective.value(&along).total()
    };
    let quotient = (at(1e-2) - at(-1e-2)) / 2e-2;
    let slope = *objective.evaluate(&z).gradient.last().unwrap();
    assert!((slope - quotient).abs() < 1e-6 * quotient.abs().max(1e-6), "{slope} {quotient}");
    let mut far = z.clone();
    *far.last_mut().unwrap() = 1e6;
    objective.keep_between(&mut far);
    assert_eq!(far[..far.len() - 1], z[..z.len() - 1], "pixels stay where no box is asked for");
    assert!((far.last().unwrap() - 600.0).abs() < 1e-9, "alpha is 1 at most");
}

#[test]
fn what_a_generator_makes_has_the_slope_in_every_stage() {
    let changes = ["attack.variable=untrained", "attack.box=false"];
    let (config, mut view) = view("local-steps", &changes);
    let untrained = objective(&config, &view);
    agrees("untrained", &untrained, &first(&untrained, &config));

    let net = upsampling(4, 10, [1, 28, 28], 4).unwrap();
    view.knowledge.generator = Some(Arc::new(net.untrained(&compute(), Seed(1))));
    let then = "attack.then=[{ variable = { features = 1 }, iterations = 1, lr = 0.1, radius = 0.5 }, \
                { variable = { features = 3 }, iterations = 1, lr = 0.1 }]";
    let granted = "knowledge.generator=fashion28-vae";
    let changes =
        [granted, "attack.variable=latent", "attack.prior.kl-z=0.1", "attack.prior.norm-z=0.001", then];
    let (config, _) = self::view("local-steps", &changes);
    let codes = objective(&config, &view);
    let z = first(&codes, &config);
    assert_eq!(z.len(), 16);
    agrees("codes", &codes, &z);
    let stages = &config.attack.search().unwrap().then;
    let (features, begin) = codes.then(&z, &stages[0]).unwrap();
    assert_eq!(features.value(&begin).matching, codes.value(&z).matching, "it begins where codes stand");
    agrees("features", &features, &begin);
    let mut moved: Vec<f64> = begin.iter().map(|value| value + 1.0).collect();
    features.project(&mut moved);
    let each = begin.len() / 4;
    let moves = |i: usize| (moved[i] - begin[i]).abs();
    let far: f64 = (0..each).map(moves).sum();
    assert!((far - 0.5).abs() < 1e-9, "{far}");
    let (later, begin) = features.then(&begin, &stages[1]).unwrap();
    assert!((later.value(&begin).matching - codes.value(&z).matching).abs() < 1e-12);
    agrees("later features", &later, &begin);
    let weights = crate::config::Stage {
        variable: crate::config::VariableKind::Weights,
        iterations: 1,
        lr: 0.1,
        radius: None,
    };
    let (weights, begin) = codes.then(&z, &weights).unwrap();
    assert_eq!(weights.value(&begin).matching, codes.value(&z).matching);
    agrees("weights", &weights, &begin);
}
