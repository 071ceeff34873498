//! Attacks that solve: exact where they say so, with a certificate that needs no truth, nothing on noise of the update's norm, and
//! refused where they cannot work.

use gialab::attack::Guessed;
use gialab::fl::AttackerView;

use crate::lab::Lab;
use crate::recovery::{noise, recover_from};

fn says(stages: &[String], words: &str) -> bool {
    stages.iter().any(|stage| stage.contains(words))
}

/// That an attack recovers all samples of its preset, and that nothing comes of noise.
fn solves(preset: &str, changes: &[&str], least: f64) -> Vec<String> {
    let (found, judged) = recover_from(preset, changes, |_| {});
    let psnr = judged.psnr.unwrap();
    assert!(psnr.worst > least, "{preset} {changes:?}: {psnr:?} {:?}", found.stages);
    let (nothing, judged) = recover_from(preset, changes, noise);
    let psnr = judged.psnr.unwrap();
    assert!(psnr.mean < 16.0, "{preset} {changes:?} on noise: {psnr:?} {:?}", nothing.stages);
    let certified = nothing.stages.iter().any(|stage| stage.starts_with("certificate"));
    assert!(!certified, "{preset}: {:?}", nothing.stages);
    found.stages
}

#[test]
fn r_gap_goes_down_to_the_picture() {
    let certain = "certificate: what was found has the whole gradient";
    assert!(says(&solves("r-gap", &[], 60.0), certain));
    // Sigmoids and biases, as DLG's network is published.
    assert!(says(&solves("r-gap", &["victim.options=", "run.precision=f64"], 60.0), certain));
    // Two roots, one picture; and of many outputs one root.
    let stages = solves("logit", &[], 60.0);
    assert!(says(&stages, "the equation of the logit") && says(&stages, certain), "{stages:?}");
    let outputs = ["victim.classes=100", "victim.loss=ce"];
    assert!(says(&solves("logit", &outputs, 60.0), "1 of them with all scores right"));
}

/// Three seeds, each with a photo of its own, through a network with fewer equations than its input has values.
#[test]
fn a_search_completes_what_equations_leave_open() {
    for seed in 0..3 {
        let (seed_, index) = (format!("run.seed={seed}"), format!("victim.indices=[{seed}]"));
        let alone = [&*seed_, &*index, "attack.kind=r-gap"];
        let (found, solved) = recover_from("copa", &alone, |_| {});
        assert!(says(&found.stages, "rank deficit of the architecture"), "{:?}", found.stages);
        let (found, completed) = recover_from("copa", &alone[..2], |_| {});
        assert!(says(&found.stages, "rank deficit of the architecture"), "{:?}", found.stages);
        let (solved, completed) = (solved.psnr.unwrap().mean, completed.psnr.unwrap().mean);
        assert!(completed > solved + 2.0, "{seed}: {completed} dB with a search, {solved} without");
        // Noise below the last layer, whose own gradient has the label.
        let below = |view: &mut AttackerView| {
            let sent = view.update.values.clone();
            let last = sent.specs().len() - 1;
            noise(view);
            let head = sent.without(&(0..last).collect::<Vec<_>>());
            view.update.values = view.update.values.clone().without(&[last]).combine(1.0, &head, 1.0);
        };
        let (_, judged) = recover_from("copa", &alone[..2], below);
        let nothing = judged.psnr.unwrap().mean;
        assert!(nothing < 14.0 && nothing < completed - 4.0, "{seed}: {nothing} dB of noise");
    }
}

#[test]
fn what_was_changed_has_no_certificate() {
    for post in ["{ kind = \"gaussian-noise\", sigma = 0.001 }", "{ kind = \"sparsify\", share = 0.9 }"] {
        let post = format!("post=[{post}]");
        for preset in ["r-gap", "logit"] {
            let (found, _) = recover_from(preset, &[&post, "knowledge.post=none"], |_| {});
            assert!(says(&found.stages, "no certificate"), "{preset} {post}: {:?}", found.stages);
            assert!(found.unexplained > 1e-4, "{preset} {post}: {}", found.unexplained);
        }
    }
}

#[test]
fn april_reads_the_tokens() {
    let stages = solves("april", &["run.precision=f64"], 60.0);
    assert!(says(&stages, "rank 65") && says(&stages, "certificate: "), "{stages:?}");
    // In 32 bit the picture is seen.
    solves("april", &[], 25.0);
}

#[test]
fn spear_gives_every_sample_of_a_batch() {
    let stages = solves("spear", &[], 60.0);
    assert!(says(&stages, "8 of 8 samples are certain"), "{stages:?}");
    let few = ["attack.draws=1"];
    let (found, _) = recover_from("spear", &[&few[..], &["victim.sample.count=16"]].concat(), |_| {});
    assert!(says(&found.stages, "directions were not met"), "{:?}", found.stages);
    assert!(!says(&found.stages, "16 of 16 samples are certain"), "{:?}", found.stages);
}

#[test]
fn components_part_what_rows_mix() {
    let (found, judged) = recover_from("cpa", &[], |_| {});
    let (_, rows) = recover_from("cpa", &["attack.kind=fc-inversion"], |_| {});
    let (psnr, rows) = (judged.psnr.unwrap().mean, rows.psnr.unwrap().mean);
    assert!(psnr > 25.0, "{psnr} {rows} {:?}", found.stages);
    let (_, judged) = recover_from("cpa", &[], noise);
    assert!(judged.psnr.unwrap().mean < 16.0, "{judged:?}");
}

#[test]
fn trap_weights_bring_back_more_than_an_honest_layer() {
    let honest = ["attack.kind=fc-inversion", "knowledge.manipulate=false", "attack.factor="];
    let (found, judged) = recover_from("trap-weights", &[], |_| {});
    let (_, without) = recover_from("trap-weights", &honest, |_| {});
    let (share, without) = (judged.recovered.unwrap(), without.recovered.unwrap());
    assert!(share > without + 0.15, "{share} {without} {:?}", found.stages);
    let (_, judged) = recover_from("trap-weights", &[], noise);
    assert!(judged.recovered.unwrap() < 0.05, "{judged:?}");
}

#[test]
fn a_sum_over_clients_hides_nobody_from_loki() {
    let (found, judged) = recover_from("loki", &[], |_| {});
    assert!(judged.recovered.unwrap() > 0.6, "{judged:?} {:?}", found.stages);
    // The layer that all clients are sent alike mixes them in its bins.
    let same = ["attack.kind=imprint", "attack.variant=linear", "knowledge.choose=false"];
    let (_, alike) = recover_from("loki", &same, |_| {});
    assert!(judged.recovered.unwrap() > alike.recovered.unwrap() + 0.1, "{judged:?} {alike:?}");
    // Nothing is found in noise: what is shown is near flat crops.
    let (nothing, judged) = recover_from("loki", &[], noise);
    let psnr = judged.psnr.unwrap().mean;
    assert!(psnr < 14.0 && nothing.unexplained > 0.5, "{psnr} {}", nothing.unexplained);
}

/// What an attack makes of garments of these numbers in one batch of one client, in 64 bit: pictures and what it says.
fn decoded(indices: &str) -> (Vec<Vec<f64>>, Vec<String>) {
    let indices = format!("victim.indices={indices}");
    let one = ["victim.sample=", &indices, "federation.clients=1", "federation.secure_aggregation=1"];
    let (found, _) = recover_from("scale-mia", &[&one[..], &["run.precision=f64"]].concat(), |_| {});
    let Guessed::Images(pixels) = found.guess.samples else { panic!("garments are pictures") };
    (pixels.chunks(28 * 28).map(<[f64]>::to_vec).collect(), found.stages)
}

/// The largest difference of two pictures.
fn apart(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |most, (a, b)| (a - b).abs().max(most))
}

/// Whoever else is in a batch: alone between two rows a garment is what the decoder makes of its features, to rounding.
#[test]
fn features_are_parted_exactly() {
    let numbers = [0, 11, 22, 33, 44, 55];
    let (together, stages) = decoded("[0, 11, 22, 33, 44, 55]");
    assert!(says(&stages, "6 of 168 bins hold features of a batch of 6"), "{stages:?}");
    let alone: Vec<_> = numbers.iter().map(|number| decoded(&format!("[{number}]")).0.remove(0)).collect();
    for (number, alone) in numbers.iter().zip(&alone) {
        let nearest = together.iter().map(|found| apart(found, alone)).fold(f64::INFINITY, f64::min);
        assert!(nearest < 1e-6, "{number}: {nearest}");
    }
    assert!(apart(&alone[0], &alone[1]) > 0.1, "any two are alike");
    // Copies share a bin, which holds what both have; a batch of one class is as good as any.
    let (copies, stages) = decoded("[0, 0, 11]");
    assert!(says(&stages, "at least 1 samples are not alone in a bin"), "{stages:?}");
    assert!(copies[..2].iter().any(|found| apart(found, &alone[0]) < 1e-6));
    let (_, stages) = decoded("[0, 10, 20, 30]");
    assert!(says(&stages, "4 of 168 bins hold"), "{stages:?}");
}

#[test]
fn a_sum_over_clients_hides_no_features() {
    let (found, judged) = recover_from("scale-mia", &[], |_| {});
    let psnr = judged.psnr.unwrap().mean;
    assert!(psnr > 18.0 && found.unexplained < 1e-6, "{psnr} {:?}", found.stages);
    let (nothing, judged) = recover_from("scale-mia", &[], noise);
    let nothing_from = judged.psnr.unwrap().mean;
    assert!(nothing_from < 12.0 && nothing.unexplained > 0.5, "{nothing_from} {}", nothing.unexplained);
}

/// What is trained by the command is taken by the attack as it is, for the model that it was trained with alone.
#[test]
fn an_autoencoder_is_trained_and_taken() {
    let lab = Lab::new();
    let file = lab.path("made.safetensors");
    let file = file.to_str().unwrap();
    let narrow = ["--set", "victim.options.width=1"];
    let train = ["train", "scale-mia", "--autoencoder", "--epochs", "2", "--width", "8", "--out", file];
    let said = lab.succeed(&[&train[..], &narrow].concat());
    let error = |epoch: &str| -> f64 {
        let line = said.lines().find(|line| line.contains(epoch)).unwrap_or_else(|| panic!("{said}"));
        let (_, rest) = line.split_once("squared error ").unwrap();
        rest.split(',').next().unwrap().parse().unwrap()
    };
    assert!(error("2/2") < error("1/2") && said.contains("120 features"), "{said}");
    let granted = format!("knowledge.generator={file}");
    let run = ["run", "scale-mia", "--set", &granted];
    let said = lab.succeed(&[&run[..], &narrow].concat());
    assert!(said.contains("of 84 bins hold features of a batch of 32"), "{said}");
    let refused = lab.fail(&run, 2);
    assert!(refused.contains("lacks convnet.c1.weight of the shape [12, 1, 5, 5]"), "{refused}");
    let refused =
        lab.fail(&["train", "scale-mia", "--autoencoder", "--set", "victim.model=mlp", "--out", file], 1);
    assert!(
        refused.contains("an autoencoder cannot be trained: the model has no layer with weights"),
        "{refused}"
    );
}

#[test]
fn solvers_are_refused_where_they_cannot_work() {
    let lab = Lab::new();
    for (preset, change, said) in [
        ("r-gap", "victim.model=resnet20", "r-gap goes down layer by layer, and cannot go through"),
        ("r-gap", "victim.indices=[0,1]", "r-gap takes the update for that of one sample, but"),
        ("r-gap", "victim.size=64", "values in front of"),
        (
            "r-gap",
            "federation={ algorithm = \"fedavg\", learning_rate = 0.1 }",
            "r-gap reads one gradient, but",
        ),
        ("copa", "victim.model=resnet20", "r-gap goes down layer by layer, and cannot go through"),
        ("copa", "victim.indices=[0,1]", "copa takes the update for that of one sample, but"),
        ("batch-size", "attack.variable=null-space", "it is for one gradient of one sample; choose one"),
        ("april", "victim.options.skip=true", "but a skip connection goes around it"),
        ("april", "victim.model=vit", "but a LayerNorm stands before it"),
        (
            "april",
            "victim.options.width=0.25",
            "april solves for 65 tokens, but attention has only 48 features",
        ),
        ("spear", "victim.options.activation=tanh", "spear reads the zeros that a ReLU leaves"),
        ("spear", "victim.model=lenet", "spear reads the input of a fully connected layer, but that"),
        ("spear", "attack.draws=0", "attack.draws = 0, must be 1"),
        ("cpa", "victim.model=lenet", "cpa reads the input of a fully connected layer, but that"),
        ("cpa", "attack.draws=5", "`draws` is no setting of cpa, which takes none"),
        ("trap-weights", "knowledge.manipulate=false", "trap-weights sends a changed model, which"),
        ("trap-weights", "attack.factor=2", "attack.factor = 2, must be 0 to 1"),
        (
            "loki",
            "knowledge.choose=false",
            "loki sends clients different models, which knowledge.choose = false",
        ),
        ("scale-mia", "knowledge.manipulate=false", "scale-mia sends a changed model, which"),
        ("scale-mia", "knowledge.generator=", "scale-mia makes pictures of features by the decoder of an"),
        (
            "scale-mia",
            "knowledge.generator=fashion28-vae",
            "is no autoencoder of this model: its file lacks convnet.c1",
        ),
        (
            "scale-mia",
            "victim.options.width=1",
            "lacks convnet.c1.weight of the shape [6, 1, 5, 5]; train one with",
        ),
        (
            "scale-mia",
            "victim.model=lenet",
            "but the model has one fully connected layer alone; choose one with",
        ),
        ("scale-mia", "victim.model=mlp", "but the model has no layer with weights in front of its first"),
        ("scale-mia", "victim.model=resnet20", "but the model has BatchNorm in front of its first fully"),
        (
            "scale-mia",
            "victim.options.activation=tanh",
            "has no ReLU alone between its first two fully connected",
        ),
        ("scale-mia", "attack.bins=12", "`bins` is no setting of scale-mia, which takes none"),
        ("fc-inversion", "knowledge.choose=true", "but knowledge.manipulate = false does not let it"),
    ] {
        let error = lab.fail(&["run", preset, "--set", change], 2);
        assert!(error.contains(said) && error.lines().count() == 1, "{preset} {change}: {error}");
    }
}

#[test]
fn a_received_model_is_looked_at() {
    let lab = Lab::new();
    let captured = |preset: &str| {
        let folder = lab.path(preset);
        lab.succeed(&["capture", preset, "--out", folder.to_str().unwrap()]);
        folder.join("weights.safetensors").to_str().unwrap().to_owned()
    };
    let (agreed, other) = (captured("fc-inversion"), captured("ig-lenet"));
    let said = lab.succeed(&["inspect", "--received", &agreed, "--reference", &agreed]);
    assert!(said.contains("nothing found by these tests") && said.contains("alike rows"), "{said}");
    let ours = ["inspect", "--received", &other, "--reference", &agreed, "--other", &agreed];
    let json = lab.gialab(&[&ours[..], &["--json"]].concat());
    assert_eq!(json.status.code(), Some(3));
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let tests: Vec<&str> = json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["test"].as_str().unwrap())
        .collect();
    assert_eq!((tests[0], tests[tests.len() - 1]), ("architecture", "other clients"), "{tests:?}");
    let error = lab.fail(&["inspect", "--received", &agreed], 2);
    assert!(error.contains("--reference") && error.lines().count() == 1, "{error}");
    let error = lab.fail(&["inspect", "--received", &agreed, "--reference", "/nowhere"], 1);
    assert!(error.contains("/nowhere") && error.lines().count() == 1, "{error}");
}
