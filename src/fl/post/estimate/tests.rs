//! Clean updates show nothing, and every defence is told with its strength, on nets of several kinds.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use super::*;
use crate::backend::{Compute, Precision};
use crate::config::preset;
use crate::fl::post::Posts;
use crate::fl::post::tests::applied;
use crate::fl::{Server, Setup, Source, Victim};
use crate::seed::Seed;

/// What an attacker has before it knows of any post-processing.
struct World {
    name: String,
    model: Model,
    clients: Vec<Client>,
    update: Update,
}

const EIGHT: &str = "victim.indices=[0,1,2,3,4,5,6,7]";
const TRAINED: [&str; 3] = ["victim.data=fashion28", "victim.model=lenet5", "victim.weights=fashion-lenet5"];
const RESIDUAL: [&str; 4] = [
    "victim.data=fashion28",
    "victim.model=resnet20",
    "victim.options={ width = 0.5 }",
    "victim.weights=fashion-resnet20",
];
const RELU: [&str; 2] = ["victim.data=fashion28", "victim.options={ activation = \"relu\" }"];

fn world(changes: &[&str]) -> World {
    let all: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
    let config = preset::load("ig-lenet", &all, Path::new("/nonexistent")).unwrap().config;
    let compute = Compute::select("flex", Precision::F32).unwrap();
    let setup = Setup::new(&config).unwrap();
    let server = Server::new(&setup, &config, compute.clone());
    let batch = setup.batch.clone().unwrap();
    let victim = Victim::new(batch, setup.normalisation, Posts::default(), &config, compute);
    let view = victim.view(&server.model, victim.send(&server.model, 0), 0);
    World {
        name: changes.join(" "),
        model: view.model,
        clients: view.knowledge.protocol.clients,
        update: view.update,
    }
}

/// One and eight samples; sigmoid, ReLU with dead units, a wide layer on the pixels, trained and sure, residual, local steps.
fn worlds() -> Vec<World> {
    let fedavg = ["victim.data=fashion28", EIGHT, "federation.algorithm=fedavg", "federation.local_batch=4"];
    let rate = |rate| [&fedavg[..], &[rate]].concat();
    [
        vec![],
        vec![EIGHT],
        RELU.to_vec(),
        [&RELU[..], &[EIGHT]].concat(),
        vec!["victim.data=digits28", "victim.model=mlp"],
        vec!["victim.data=digits28", "victim.model=mlp", EIGHT],
        TRAINED.to_vec(),
        [&TRAINED[..], &[EIGHT]].concat(),
        [&RESIDUAL[..], &[EIGHT]].concat(),
        rate("federation.learning_rate=0.1"),
        rate("federation.learning_rate=0.0001"),
    ]
    .iter()
    .map(|changes| world(changes))
    .collect()
}

fn post(steps: &str) -> Vec<config::Post> {
    #[derive(Deserialize)]
    struct Steps {
        post: Vec<config::Post>,
    }
    let Steps { post } = toml::from_str(&format!("post = [{steps}]")).unwrap();
    post
}

impl World {
    /// What is told of the update after these steps.
    fn told(&self, steps: &str) -> Vec<Inferred> {
        let posts = Posts::of(&post(steps), self.update.values.specs()).unwrap();
        let mut generator = Seed(5).stream("test", &[]);
        let clean = self.update.values.clone();
        let values = posts.steps.iter().fold(clean, |update, step| applied(step, update, &mut generator));
        estimate(&Update { values, ..self.update.clone() }, &self.model, &self.clients)
    }

    /// A bound on the norm, and on a number, that is much of the update.
    fn bounds(&self) -> (f64, f64) {
        let (norm, count) = (self.update.values.norm(), self.update.values.count() as f64);
        (rounded(0.3 * norm, 2), rounded(norm / count.sqrt(), 2))
    }

    /// Share of zeros before any step.
    fn zeros(&self) -> f64 {
        crate::fl::post::effect::zeros(&self.update.values)
    }

    /// Sums over the classes.
    fn sums(&self) -> f64 {
        self.model.net.classifier().unwrap().features as f64
    }
}

fn words(inferred: &[Inferred]) -> Vec<String> {
    inferred.iter().map(|inferred| inferred.step.in_words()).collect()
}

/// The only step that was told, and its number of this name.
fn number(inferred: &[Inferred], kind: &str, name: &str) -> Option<f64> {
    let [Inferred { step, .. }] = inferred else { return None };
    let value = step.settings.get(name)?;
    let number = value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64))?;
    (step.kind == kind).then_some(number)
}

#[test]
fn a_clean_update_shows_nothing() {
    for world in worlds() {
        let told = world.told("");
        assert!(told.is_empty(), "{}: {}", world.name, in_words(&told));
        assert_eq!(in_words(&told), "nothing that can be told");
    }
}

#[test]
fn steps_are_told_as_they_are_written() {
    let mut wrong = Vec::new();
    for world in worlds() {
        let (norm, number) = world.bounds();
        let entries = format!("{{ kind = \"clip\", norm = {number:e}, of = \"entry\" }}");
        for steps in [
            format!("{{ kind = \"clip\", norm = {norm:e} }}"),
            format!("{{ kind = \"clip\", norm = {:e}, of = \"layer\" }}", rounded(norm / 3.0, 2)),
            entries.clone(),
            "{ kind = \"sparsify\", share = 0.9 }".into(),
            "{ kind = \"sparsify\", share = 0.975 }".into(),
            "{ kind = \"quantise\", levels = 1 }".into(),
            "{ kind = \"quantise\", levels = 4 }".into(),
            "{ kind = \"quantise\", levels = 16, rounding = \"nearest\" }".into(),
            "{ kind = \"cast\", format = \"fp16\" }".into(),
            "{ kind = \"cast\", format = \"bf16\" }".into(),
            "{ kind = \"cast\", format = \"int8\" }".into(),
            "{ kind = \"sign\" }".into(),
            "{ kind = \"sign\", scaled = false }".into(),
            format!("{entries}, {{ kind = \"sparsify\", share = 0.9 }}"),
            "{ kind = \"sparsify\", share = 0.9 }, { kind = \"cast\", format = \"fp16\" }".into(),
            "{ kind = \"sparsify\", share = 0.9 }, { kind = \"cast\", format = \"int8\" }".into(),
            "{ kind = \"sparsify\", share = 0.9 }, { kind = \"sign\" }".into(),
        ] {
            let (given, told) = (post(&steps), world.told(&steps));
            let expected: Vec<String> =
                given.iter().map(|step| step.in_words().replace(" nearest", "")).collect();
            let found = words(&told);
            // Where nine of ten numbers are zero by themselves little is left out, and rounding does the rest.
            let is_hidden = world.zeros() > 0.8 && found.iter().all(|step| expected.contains(step));
            if !(found == expected || is_hidden && given.len() > 1) {
                wrong.push(format!("{}: {steps} was told as {}", world.name, in_words(&told)));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn layers_that_are_not_sent_are_named() {
    for world in worlds() {
        let specs = world.update.values.specs();
        let of = |at: usize| specs[at].name.rsplit_once('.').unwrap().0.to_owned();
        let (first, last) = (of(0), of(specs.len() - 1));
        for (layers, names, sureness) in [("first", first, Sureness::Likely), ("last", last, Sureness::Sure)]
        {
            let told = world.told(&format!("{{ kind = \"drop-layers\", layers = \"{layers}\" }}"));
            assert_eq!(words(&told), [format!("drop-layers {names}")], "{}", world.name);
            assert_eq!(told[0].sureness, sureness, "{}", world.name);
        }
        // One tensor of a layer.
        let told = world.told(&format!("{{ kind = \"drop-layers\", layers = [\"{}\"] }}", specs[0].name));
        let expected = if specs[1].name.starts_with(&of(0)) { specs[0].name.clone() } else { of(0) };
        assert_eq!(words(&told), [format!("drop-layers {expected}")], "{}", world.name);
    }
}

/// Within four standard errors of the sums over the classes.
#[test]
fn noise_is_told_with_its_deviation() {
    for world in worlds() {
        let (norm, deviation) = world.bounds();
        let tolerance = 4.0 / (2.0 * world.sums()).sqrt();
        let noise = format!("{{ kind = \"gaussian-noise\", sigma = {deviation:e} }}");
        for steps in [noise.clone(), format!("{{ kind = \"clip\", norm = {norm:e} }}, {noise}")] {
            let told = world.told(&steps);
            let sigma = number(&told, "gaussian-noise", "sigma")
                .unwrap_or_else(|| panic!("{}: {steps}: {}", world.name, in_words(&told)));
            assert!((sigma / deviation - 1.0).abs() < tolerance, "{}: {sigma} {deviation}", world.name);
        }
        let told = world.told(&format!("{{ kind = \"laplace-noise\", scale = {deviation:e} }}"));
        let sigma = number(&told, "gaussian-noise", "sigma");
        let scale =
            sigma.or_else(|| number(&told, "laplace-noise", "scale").map(|scale| scale * 2_f64.sqrt()));
        let scale = scale.unwrap_or_else(|| panic!("{}: {}", world.name, in_words(&told))) / 2_f64.sqrt();
        assert!((scale / deviation - 1.0).abs() < 1.5 * tolerance, "{}: {scale} {deviation}", world.name);
    }
}

/// Weight decay that nobody speaks of makes sums over the classes as noise does, but those of the weights.
#[test]
fn weight_decay_is_not_taken_for_noise() {
    for world in worlds().into_iter().filter(|world| world.update.kind == UpdateKind::Gradient) {
        for decay in [5e-4, 1e-2] {
            let values = world.update.values.clone().combine(1.0, &world.model.parameters, decay);
            let update = Update { values, ..world.update.clone() };
            let told = estimate(&update, &world.model, &world.clients);
            assert!(told.is_empty(), "{} {decay}: {}", world.name, in_words(&told));
        }
    }
}

/// OUTPOST leaves numbers out and has noise on others: what looks like Gaussian noise on all of them is not called sure.
#[test]
fn noise_on_a_part_of_the_numbers_is_not_sure() {
    let tanh = ["victim.data=fashion28", "victim.options={ activation = \"tanh\" }"];
    for changes in [&tanh[..], &[&tanh[..], &[EIGHT]].concat(), &[]] {
        let told = inferred(&[changes, &["post=[{ kind = \"outpost\" }]"]].concat());
        assert!(
            told.iter().all(|told| told.sureness == Sureness::Likely),
            "{changes:?}: {}",
            in_words(&told)
        );
        for noise in told.iter().filter(|told| told.step.kind == "gaussian-noise") {
            assert!(noise.evidence.contains("OUTPOST"), "{changes:?}: {noise}");
        }
    }
}

/// The largest numbers of a whole update leave full columns as well, but nothing small in them.
#[test]
fn outpost_is_told_by_what_fills_its_columns() {
    let fresh =
        ["victim.data=fashion28", "victim.options={ activation = \"tanh\", initialisation = \"pytorch\" }"];
    for changes in [&fresh[..], &[&fresh[..], &[EIGHT]].concat()] {
        let told = inferred(&[changes, &["post=[{ kind = \"outpost\" }]"]].concat());
        let noised = number(&told, "outpost", "noised");
        assert!(noised.is_some_and(|it| (it - 0.4).abs() < 0.1), "{changes:?}: {}", in_words(&told));
        // Where no tensor is without noise, the share is not told.
        let pruned = number(&told, "outpost", "pruned");
        assert!(pruned.is_none_or(|it| (it - 0.8).abs() < 0.05), "{changes:?}: {}", in_words(&told));
    }
    // Where weights are wide, so is the noise, and nothing small is among what it fills: that is not told.
    let wide = [
        "victim.data=fashion28",
        "victim.options={ activation = \"tanh\" }",
        "post=[{ kind = \"outpost\" }]",
    ];
    assert!(words(&inferred(&wide)).iter().all(|step| !step.starts_with("outpost")));
    for world in worlds() {
        let mut sizes: Vec<f64> =
            world.update.values.tensors().iter().flat_map(backend::values).map(f64::abs).collect();
        sizes.sort_by(f64::total_cmp);
        let least = sizes[sizes.len() / 2].max(f64::MIN_POSITIVE);
        let values = world.update.values.mapped(|_, values| {
            values.iter_mut().filter(|value| value.abs() < least).for_each(|value| *value = 0.0);
        });
        let told = estimate(&Update { values, ..world.update.clone() }, &world.model, &world.clients);
        assert!(told.iter().all(|it| it.step.kind != "outpost"), "{}: {}", world.name, in_words(&told));
    }
}

#[test]
fn gaussian_and_laplace_noise_are_told_apart_where_sums_are_many_and_of_few_numbers() {
    let changes = ["victim.data=breast-cancer", "victim.model=mlp", "victim.size=", "victim.classes="];
    let prior = ["attack.prior={}", "victim.indices=[0]"];
    let world = world(&[&changes[..], &prior].concat());
    let (_, deviation) = world.bounds();
    let deviation = 3.0 * deviation;
    let told = world.told(&format!("{{ kind = \"gaussian-noise\", sigma = {deviation:e} }}"));
    let sigma = number(&told, "gaussian-noise", "sigma").unwrap();
    assert!((sigma / deviation - 1.0).abs() < 0.1, "{sigma}");
    assert!(told[0].evidence.contains("excess kurtosis"), "{}", told[0]);
    let told = world.told(&format!("{{ kind = \"laplace-noise\", scale = {deviation:e} }}"));
    let scale = number(&told, "laplace-noise", "scale").unwrap_or_else(|| panic!("{}", in_words(&told)));
    assert!((scale / deviation - 1.0).abs() < 0.1, "{scale}");
}

#[test]
fn what_is_drawn_is_told_within_its_chance() {
    for world in worlds() {
        let told = world.told("{ kind = \"sparsify\", share = 0.7, choice = \"random\" }");
        // Dead units hide the share, where there are many.
        match number(&told, "sparsify", "share") {
            Some(share) => {
                assert!((share - 0.7).abs() < 0.03, "{}: {share}", world.name);
                assert_eq!(told[0].step.settings["choice"].as_str(), Some("random"), "{}", world.name);
            }
            None => assert!(told.is_empty() && world.zeros() > 0.3, "{}: {}", world.name, in_words(&told)),
        }
        let told =
            world.told("{ kind = \"quantise\", levels = 16, scale = \"l2\", rounding = \"stochastic\" }");
        let levels = number(&told, "quantise", "levels")
            .unwrap_or_else(|| panic!("{}: {}", world.name, in_words(&told)));
        assert!((levels - 16.0).abs() <= 2.0, "{}: {levels}", world.name);
    }
}

/// A norm is not seen any more behind sparsification, and what was left out not behind noise; nothing false is told.
#[test]
fn what_a_later_step_hides_is_not_told() {
    for world in worlds() {
        let (norm, deviation) = world.bounds();
        let clip = format!("{{ kind = \"clip\", norm = {norm:e} }}");
        let told = world.told(&format!("{clip}, {{ kind = \"sparsify\", share = 0.9 }}"));
        assert_eq!(words(&told), ["sparsify 0.9"], "{}", world.name);
        let noise = format!("{{ kind = \"gaussian-noise\", sigma = {deviation:e} }}");
        let told = world.told(&format!("{{ kind = \"sparsify\", share = 0.9 }}, {noise}"));
        let sigma = number(&told, "gaussian-noise", "sigma");
        let is_near = sigma.is_some_and(|sigma| (0.5..2.0).contains(&(sigma / deviation)));
        assert!(told.is_empty() || is_near, "{}: {}", world.name, in_words(&told));
    }
}

/// What the attacker of a preset with these changes infers.
fn inferred(changes: &[&str]) -> Vec<Inferred> {
    let all = [&["knowledge.post=estimated"], changes].concat();
    let all: Vec<String> = all.into_iter().map(str::to_owned).collect();
    let config = preset::load("ig-lenet", &all, Path::new("/nonexistent")).unwrap().config;
    config.check().unwrap();
    let compute = Compute::select("flex", Precision::F32).unwrap();
    let setup = Setup::new(&config).unwrap();
    let server = Server::new(&setup, &config, compute.clone());
    let (view, _) = Source::new(setup, &config, compute).view(&server.model, 0);
    view.knowledge.protocol.post.inferred.unwrap()
}

#[test]
fn of_several_clients_their_mean_is_told_and_nothing_that_it_hides() {
    let sum = ["victim.indices=[0,1,2,3]", "federation.clients=2", "federation.secure_aggregation=2"];
    let of = |steps: &str| inferred(&[&sum[..], &[&format!("post=[{steps}]")]].concat());
    for steps in [
        "",
        "{ kind = \"clip\", norm = 1.0 }",
        "{ kind = \"clip\", norm = 0.5, of = \"layer\" }",
        "{ kind = \"clip\", norm = 0.1, of = \"entry\" }",
        "{ kind = \"quantise\", levels = 4 }",
        "{ kind = \"cast\", format = \"bf16\" }",
        "{ kind = \"sign\", scaled = false }",
    ] {
        let told = of(steps);
        assert!(
            told.iter().all(|it| it.step.kind == "gaussian-noise" && it.sureness == Sureness::Likely),
            "{steps}: {}",
            in_words(&told)
        );
        assert!(
            told.is_empty() || !steps.is_empty() && !steps.contains("clip"),
            "{steps}: {}",
            in_words(&told)
        );
    }
    assert_eq!(words(&of("{ kind = \"drop-layers\", layers = \"last\" }")), ["drop-layers fc"]);
    let told = of("{ kind = \"gaussian-noise\", sigma = 0.1 }");
    let sigma = number(&told, "gaussian-noise", "sigma").unwrap();
    assert!((sigma - 0.1).abs() < 0.01, "{sigma}");
    assert!(told[0].evidence.contains("in the mean of 2 clients"), "{}", told[0]);
}

#[test]
fn cut_features_are_told_with_their_share_and_with_what_cut_them() {
    let soteria = "post=[{ kind = \"soteria\", share = 0.8 }]";
    let tanh = ["victim.data=fashion28", "victim.options={ activation = \"tanh\" }"];
    for changes in [&[][..], &tanh, &[EIGHT]] {
        let told = inferred(&[changes, &[soteria]].concat());
        assert_eq!(number(&told, "soteria", "share"), Some(0.8), "{changes:?}: {}", in_words(&told));
        assert_eq!(told[0].sureness, Sureness::Sure);
    }
    // Features that were active by their own rows, behind ReLU.
    let mlp = ["victim.data=digits28", "victim.model=mlp"];
    let told = inferred(&[&mlp[..], &["post=[{ kind = \"soteria\", share = 0.2 }]"]].concat());
    assert!(number(&told, "soteria", "share").is_some_and(|share| share >= 0.2), "{}", in_words(&told));
    assert_eq!(told[0].sureness, Sureness::Likely);
    // Trained and behind ReLU, nothing is sure.
    let told = inferred(&[&TRAINED[..], &[soteria]].concat());
    assert!(told.iter().all(|told| told.sureness == Sureness::Likely), "{}", in_words(&told));
    for (layers, model) in [("last", "lenet"), ("all", "lenet5")] {
        let model = format!("victim.model={model}");
        let dropout = format!("post=[{{ kind = \"dropout\", rate = 0.25, layers = \"{layers}\" }}]");
        let told = inferred(&[&tanh[..], &[&model, &dropout]].concat());
        let rate = number(&told, "dropout", "rate");
        assert!(rate.is_some_and(|rate| (rate - 0.25).abs() < 0.1), "{model}: {}", in_words(&told));
    }
}

#[test]
fn whoever_estimates_needs_no_list_of_steps() {
    assert_eq!(inferred(&[]), []);
    let told = inferred(&["post=[{ kind = \"clip\", norm = 2.0 }]"]);
    assert_eq!(words(&told), ["clip 2.0"]);
    assert_eq!(told[0].sureness, Sureness::Likely);
    let all = ["knowledge.post=none".to_owned()];
    let refused = preset::load("ig-lenet", &all, Path::new("/nonexistent")).unwrap_err();
    assert!(refused.message.contains("there is none"), "{}", refused.message);
}

#[test]
fn the_shortest_share_between_two_is_told() {
    for (low, high, expected) in [(0.898, 0.903, 0.9), (0.9742, 0.9758, 0.975), (0.2, 0.3, 0.2)] {
        assert_eq!(zeros::shortest(low, high), expected);
    }
}
