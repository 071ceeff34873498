//! Every attack of the catalogue recovers what it should, fails on noise of the update's norm, and is refused where it
//! cannot work.

use gialab::catalogue;

use crate::lab::{Lab, finished};
use crate::recovery::{judge, noise, recover_from};

/// Mean PSNR of a preset, and the same of noise in place of the update.
fn psnr_and_control(preset: &str, changes: &[&str]) -> (f64, f64) {
    let (_, found) = recover_from(preset, changes, |_| {});
    let (_, control) = recover_from(preset, changes, noise);
    (found.psnr.unwrap().mean, control.psnr.unwrap().mean)
}

#[test]
fn fc_inversion_divides_rows_into_samples() {
    let (found, judged) = recover_from("fc-inversion", &[], |_| {});
    let psnr = judged.psnr.unwrap();
    assert!(psnr.worst > 60.0, "{psnr:?}");
    // Nothing is missing of the layer's gradient.
    assert!(found.unexplained < 1e-10, "{}", found.unexplained);
    let (found, judged) = recover_from("fc-inversion", &[], noise);
    let psnr = judged.psnr.unwrap();
    assert!(found.unexplained > 0.5 && psnr.mean < 16.0, "{} {psnr:?}", found.unexplained);
}

#[test]
fn an_imprint_sorts_samples_into_bins() {
    for variant in ["attack.variant=linear", "attack.variant=sparse"] {
        let (found, judged) = recover_from("imprint", &[variant], |_| {});
        assert!(judged.recovered.unwrap() > 0.7, "{variant} {judged:?}");
        assert!(found.unexplained < 1e-8, "{variant} {}", found.unexplained);
        let (found, judged) = recover_from("imprint", &[variant], noise);
        // Nothing is found in noise: what is shown is grey, which one flat photo of the eight is near.
        let psnr = judged.psnr.unwrap().mean;
        assert!(psnr < 14.0 && found.unexplained > 0.5, "{variant} {judged:?}");
    }
}

/// Numbers of the stage that tells what the bins hold: those with something, all of them, the batch, those with a sample.
fn bins(stages: &[String]) -> [usize; 4] {
    let said = stages.iter().find(|words| words.contains("bins hold something")).unwrap();
    let numbers: Vec<usize> =
        said.split(' ').filter_map(|word| word.trim_end_matches(',').parse().ok()).collect();
    numbers.try_into().unwrap()
}

/// One of sixteen is expected in the bin: (1 - 1/16)^15, 38 %, of batches have one alone there. Of twenty batches 2 to 14 are
/// within three deviations of that.
#[test]
fn a_one_shot_imprint_takes_one_sample_out_of_a_batch() {
    let data = ["victim.data=fashion28", "victim.sample={ count = 16, classes = \"any\" }", "victim.size="];
    let means =
        ["attack.variant=one-shot", "attack.mean=0.28", "attack.deviation=0.13", "victim.model=lenet"];
    let (mut alone, mut none) = (0, 0);
    for seed in 0..20 {
        let seed = format!("run.seed={seed}");
        let changes = [&data[..], &means, &["victim.classes=", &seed]].concat();
        let (found, judged) = recover_from("imprint", &changes, |_| {});
        let said = |words: &str| found.stages.iter().any(|stage| stage.contains(words));
        let best = judged.psnr.unwrap().best;
        alone += usize::from(best > 60.0 && said("can be one sample"));
        none += usize::from(said("no sample of a batch of 16 fell into the bin"));
        let (found, _) = recover_from("imprint", &changes, noise);
        assert!(!found.stages.iter().any(|stage| stage.contains("can be one sample")), "{:?}", found.stages);
    }
    assert!((2..=14).contains(&alone) && none > 0, "{alone} alone, {none} empty");
}

#[test]
fn an_imprint_takes_no_noise_for_a_sample() {
    for variant in ["attack.variant=linear", "attack.variant=sparse"] {
        let [clean, ..] = bins(&recover_from("imprint", &[variant], |_| {}).0.stages);
        for sigma in ["1e-6", "1e-4", "1e-3"] {
            let post = format!("post=[{{ kind = \"gaussian-noise\", sigma = {sigma} }}]");
            let (found, _) = recover_from("imprint", &[variant, &post], |_| {});
            let [full, all, batch, possible] = bins(&found.stages);
            assert!(full <= clean && possible <= full && (all, batch) == (128, 8), "{:?}", found.stages);
            let noise = found.stages.iter().any(|words| words.contains("there is noise"));
            assert!(noise || full == 0, "{:?}", found.stages);
        }
    }
}

#[test]
fn bins_of_an_imprint_lie_where_the_means_of_samples_are() {
    let digits = ["victim.data=digits28", "victim.size=28", "victim.model=lenet5", "victim.classes=10"];
    let recovered = |more: &[&str]| {
        let (found, judged) = recover_from("imprint", &[&digits[..], more].concat(), |_| {});
        let [_, _, batch, possible] = bins(&found.stages);
        let shared = found.stages.iter().find(|words| words.starts_with("at least "));
        let least = shared.map(|words| words.split(' ').nth(2).unwrap().parse::<usize>().unwrap());
        assert_eq!(least, (possible < batch).then(|| batch - possible), "{:?}", found.stages);
        judged.recovered.unwrap()
    };
    let (far, near) = (recovered(&[]), recovered(&["attack.mean=0.14", "attack.deviation=0.05"]));
    assert!(far < 0.5 && near > far + 0.3, "{far} {near}");
}

#[test]
fn cpl_recovers_a_photo_from_a_patterned_start() {
    let (psnr, control) = psnr_and_control("cpl", &["attack.iterations=120"]);
    assert!(psnr > 35.0 && control < 15.0, "{psnr} {control}");
}

#[test]
fn gradinversion_sees_a_portrait_with_the_statistics_of_its_batch() {
    let short =
        ["attack.iterations=220", "attack.optimiser.decay=none", "attack.members=1", "attack.prior.group=0"];
    let (psnr, control) = psnr_and_control("gradinversion", &short);
    // The statistics that are granted give a look by themselves.
    assert!(psnr > 14.5 && control < 13.5, "{psnr} {control}");
}

/// Of the chosen answer, and of the control that the attack makes by itself.
fn excess(preset: &str, changes: &[&str]) -> (f64, f64) {
    let (found, judged) = recover_from(preset, changes, |_| {});
    let control = judge(preset, changes, &found.control.unwrap());
    (judged.psnr.unwrap().mean, control.psnr.unwrap().mean)
}

#[test]
fn sapag_recovers_a_photo() {
    let (psnr, control) = psnr_and_control("sapag", &[]);
    assert!(psnr > 35.0 && control < 15.0, "{psnr} {control}");
}

#[test]
fn dimitrov_recovers_what_epochs_in_unknown_order_hold() {
    let (psnr, control) = psnr_and_control("dimitrov", &[]);
    assert!(psnr > control + 4.0 && control < 12.0, "{psnr} {control}");
}

#[test]
fn sme_recovers_from_one_gradient_in_the_middle_what_the_end_alone_does_not_tell() {
    let (psnr, control) = psnr_and_control("sme", &[]);
    let ends = ["attack.kind=inverting-gradients", "attack.prior.tv=0.005"];
    let (_, sent) = recover_from("sme", &ends, |_| {});
    let sent = sent.psnr.unwrap().mean;
    assert!(psnr > sent + 1.0 && psnr > control + 4.0 && control < 12.0, "{psnr} {sent} {control}");
}

/// Told nothing, an attacker finds how the client trained by what explains the update best, and recovers as much as one who is told;
/// of noise no way explains anything.
#[test]
fn local_training_that_nobody_tells_is_found_by_the_matching_loss() {
    let guess = "attack.guess={ learning_rate = [0.01, 0.05], epochs = [1, 2], batch = [2] }";
    let changes = [guess, "attack.iterations=200"];
    let (found, judged) = recover_from("local-guessed", &changes, |_| {});
    let way = found.supposed.unwrap();
    assert_eq!(way.name(), "2 epochs of 2, lr 0.05");
    let told = found.stages.last().unwrap();
    assert!(told.starts_with("of 4 ways to train best explained by 2 epochs of 2, lr 0.05 ("), "{told}");
    let known = ["attack.guess=", "knowledge.local=known", "attack.iterations=200"];
    let (_, known) = recover_from("local-guessed", &known, |_| {});
    let taken = ["attack.guess=", "attack.iterations=200"];
    let (_, taken) = recover_from("local-guessed", &taken, |_| {});
    let [psnr, known, taken] = [judged, known, taken].map(|judged| judged.psnr.unwrap().mean);
    assert!((psnr - known).abs() < 0.5 && psnr > taken + 4.0, "{psnr} {known} {taken}");
    let (found, judged) = recover_from("local-guessed", &changes, noise);
    let control = judged.psnr.unwrap().mean;
    assert!(control < 10.0 && found.unexplained > 0.5, "{control} {}", found.unexplained);
}

#[test]
fn rog_recovers_a_small_picture() {
    let (psnr, control) = psnr_and_control("rog", &[]);
    assert!(psnr > control + 6.0 && control < 14.0, "{psnr} {control}");
}

#[test]
fn generators_bring_back_more_than_they_make_of_noise() {
    for (preset, least) in [("gias", 5.0), ("gifd", 5.0), ("ggl", 3.0), ("ci-net", 5.0), ("fedleak", 3.0)] {
        let (psnr, control) = excess(preset, &[]);
        assert!(psnr > control + least, "{preset}: {psnr} {control}");
    }
}

#[test]
fn tableak_recovers_records_and_is_sure_where_it_is_right() {
    let (found, judged) = recover_from("tableak", &[], |_| {});
    assert!(judged.psnr.unwrap().worst > 40.0, "{judged:?}");
    // Four records of thirty fields.
    assert_eq!(found.guess.samples.confidence().len(), 120);
    let sure = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (control, judged) = recover_from("tableak", &[], noise);
    assert!(judged.psnr.unwrap().best < 25.0, "{judged:?}");
    let (right, wrong) = (sure(found.guess.samples.confidence()), sure(control.guess.samples.confidence()));
    assert!(right > 0.85 && wrong < 0.7, "{right} {wrong}");
}

#[test]
fn attacks_are_refused_for_what_they_need() {
    let lab = Lab::new();
    for (preset, change, said) in [
        (
            "gradinversion",
            "victim.model=lenet5",
            "gradinversion matches BatchNorm statistics, but the model has no",
        ),
        (
            "fc-inversion",
            "victim.model=lenet",
            "fc-inversion reads the input of a fully connected layer, but that",
        ),
        ("fc-inversion", "victim.options.bias=false", "but the model has no such layer"),
        ("tableak", "victim.data=photos", "tableak is for rows of tables, but the data are pictures"),
        (
            "imprint",
            "knowledge.manipulate=false",
            "imprint sends a changed model, which knowledge.manipulate = false",
        ),
        (
            "imprint",
            "federation={ algorithm = \"fedavg\", learning_rate = 0.1 }",
            "imprint reads one gradient, but",
        ),
        ("imprint", "attack.bins=1", "attack.bins = 1, must be 2 to 4096"),
        ("imprint", "attack.mean=1.5", "attack.mean = 1.5, must be 0 to 1"),
        ("imprint", "attack.deviation=0", "attack.deviation = 0, must be above 0 and at most 1"),
        ("cpl", "knowledge.labels=false", "attack.labels = \"given\" needs labels"),
        ("cpl", "attack.labels=optimise", "cpl needs labels, but"),
        ("cpl", "attack.start={ patterned = 0 }", "attack.start = 0, must be 1 to 1024"),
        ("ig-lenet", "attack.prior.group=1", "attack.prior.group compares the members of a trial"),
        ("ig-lenet", "attack.bins=8", "`bins` is no setting of inverting-gradients"),
        (
            "ig-lenet",
            "attack.kind=dimitrov",
            "dimitrov is about local steps, but the client sends one gradient",
        ),
        ("sme", "attack.surrogate=1.5", "attack.surrogate = 1.5, must be 0 to 1"),
        (
            "ig-lenet",
            "attack.surrogate=0.5",
            "attack.surrogate stands between the weights before and after local",
        ),
        ("ig-lenet", "attack.guess={ learning_rate = [0.1] }", "attack.guess is about local steps"),
        (
            "local-steps",
            "attack.guess={ learning_rate = [0.1] }",
            "attack.guess is for an attacker who is not told",
        ),
        ("local-guessed", "attack.guess={ learning_rate = [] }", "attack.guess has an empty list; name one"),
        (
            "local-guessed",
            "attack.guess={ learning_rate = [0.1, 0] }",
            "attack.guess supposes learning_rate = 0",
        ),
        (
            "local-guessed",
            "attack.guess.batch=[9]",
            "attack.guess supposes batch = 9, but the attacked client holds 4",
        ),
        ("local-guessed", "attack.surrogate=0.5", "attack.surrogate is one gradient for all steps"),
        ("ggl", "knowledge.generator=", "ggl searches what a generator makes, and none is granted"),
        ("ggl", "victim.size=32", "knowledge.generator makes pictures of 1x28x28, the victim's are 1x32x32"),
        ("ggl", "victim.data=photos", "knowledge.generator makes pictures of 1x28x28, the victim's are 3x"),
        ("ggl", "knowledge.generator=fashion-lenet5", "fashion-lenet5 does not exist: check the path"),
        ("gifd", "attack.variable=pixels", "attack.then goes from pixels to features 1"),
        ("gias", "attack.variable=weights", "attack.variable begins at codes"),
        ("ig-lenet", "attack.variable=latent", "no generator is granted"),
        ("ig-lenet", "attack.variable={ low-resolution = 1 }", "must be 2 to 64"),
        ("ig-lenet", "attack.prior.kl-z=1", "is for codes of a generator, but attack.variable is another"),
        ("ig-lenet", "attack.optimiser.population=8", "attack.optimiser.population is for cma-es alone"),
        ("dlg-lenet", "attack.optimiser.signed=soft", "attack.optimiser.signed is for adam alone"),
        ("ig-lenet", "attack.optimiser.signed=hard", "signed is true, false or"),
    ] {
        let error = lab.fail(&["run", preset, "--set", change], 2);
        assert!(error.contains(said) && error.lines().count() == 1, "{preset} {change}: {error}");
    }
}

/// The server that was is no server any more: neither sentence leads to the other.
#[test]
fn a_captured_update_is_no_place_for_a_changed_model() {
    let lab = Lab::new();
    let folder = lab.path("captured");
    lab.succeed(&["capture", "fc-inversion", "--out", folder.to_str().unwrap()]);
    let preset = folder.join("preset.toml");
    let preset = preset.to_str().unwrap();
    let granted = ["run", preset, "--set", "knowledge.manipulate=true"];
    assert!(lab.fail(&granted, 2).contains("was made on the model in its file; remove it"));
    let error = lab.fail(&["run", preset, "--set", "attack.kind=imprint"], 2);
    assert!(
        error.contains("a captured update was made on the model in its file; attack with an honest"),
        "{error}"
    );
    assert!(!error.contains("manipulate"), "{error}");
}

#[test]
fn what_was_sent_and_what_was_solved_is_said() {
    let lab = Lab::new();
    let round = finished(&lab.succeed(&["run", "imprint", "--json"]))["rounds"][0].clone();
    assert!(round["metrics"]["label_accuracy"].is_null(), "{round}");
    let shown = lab.succeed(&["show", "last"]);
    for said in [
        "threat model F (active manipulator",
        "sent instead of the honest model: two fully connected layers in front of it",
        "a client that looks finds (alike rows): ",
        "bins hold something of a batch of 8",
        "of the layer's gradient unexplained",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    assert!(!shown.contains("chosen by its matching loss"), "{shown}");
}

#[test]
fn every_attack_has_a_preset_that_loads() {
    let lab = Lab::new();
    let presets = lab.succeed(&["presets"]);
    for facts in catalogue::ATTACKS {
        // Inverting Gradients and DLG have several, by what is attacked.
        let name = facts.name.replace("inverting-gradients", "ig-lenet").replace("idlg", "idlg-lenet");
        assert!(presets.contains(&name), "{name}");
    }
}
