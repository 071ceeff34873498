//! What bad input gets: one clear sentence, the right exit code, nothing lost.

use crate::lab::{LONG, Lab, QUICK, kill, text, write};

/// A failed start leaves no run behind.
fn refused(lab: &Lab, arguments: &[&str]) -> String {
    let arguments: Vec<&str> = ["run"].iter().chain(arguments).copied().collect();
    let error = lab.fail(&arguments, 2);
    let runs = lab.path("data").join("runs");
    assert!(std::fs::read_dir(runs).map_or(true, |mut runs| runs.next().is_none()), "{arguments:?}");
    error
}

fn data(lab: &Lab, path: &str) -> String {
    let data = format!("victim.data={path}");
    refused(lab, &["dlg-lenet", "--set", &data])
}

#[test]
fn a_preset_with_a_wrong_key_type_or_model() {
    let lab = Lab::new();
    let good = lab.succeed(&["presets", "ig-lenet"]);
    let with = |from: &str, to: &str| {
        let path = write(&lab.path("mine.toml"), good.replace(from, to).as_bytes());
        refused(&lab, &[&path])
    };
    let error = with("tv = ", "tvv = ");
    assert!(error.contains("mine.toml:") && error.contains("did you mean `tv`?"), "{error}");
    let error = with("lr = 0.1", "lr = \"fast\"");
    assert!(error.contains("mine.toml:") && error.contains("fast is no number"), "{error}");
    let error = with("model = \"lenet\"", "model = \"lenett\"");
    assert!(error.contains("did you mean `lenet`?"), "{error}");
    let error = with("kind = \"inverting-gradients\"", "kind = \"inverting-gradient\"");
    assert!(error.contains("did you mean `inverting-gradients`?"), "{error}");
    let error = with("[victim]", "[victim");
    assert!(error.contains("mine.toml:"), "{error}");
    let error = refused(&lab, &["no-such-preset"]);
    assert!(error.contains("no such preset"), "{error}");
    let error = refused(&lab, &["ig-lenet", "--set", "victim.size=8", "--set", "victim.model=convnet64"]);
    assert!(error.contains("does not fit") && error.contains("victim.size"), "{error}");
}

#[test]
fn options_that_belong_together_or_do_not() {
    let lab = Lab::new();
    for (call, says) in [
        (
            &["inspect", "--update", "u.pth"][..],
            "--weights <FILE> is needed as well; see gialab inspect --help",
        ),
        (&["inspect", "--weights", "w.pth"], "--update <FILE> is needed as well"),
        (&["inspect", "--kind", "delta"], "are needed as well; see gialab inspect --help"),
        (&["inspect", "--update", "u.pth", "--batch", "2"], "--weights <FILE> is needed as well"),
        (&["inspect", "--set", "victim.loss=mse"], "are needed as well"),
        (&["inspect"], "<FILE> is needed as well"),
        (&["inspect", "f.pth", "--update", "u.pth", "--weights", "w.pth"], "cannot be used with"),
        (&["run"], "<PRESET> is needed as well; see gialab run --help"),
        (&["run", "dlg-lenet", "--detach", "--json"], "--detach cannot be used with --json"),
        (&["run", "dlg-lenet", "--detach", "--require", "psnr>1"], "cannot be used with"),
        (
            &["run", "dlg-lenet", "--sed", "1"],
            "unexpected argument '--sed' found; a similar argument exists: '--seed'",
        ),
        (
            &["run", "dlg-lenet", "--seed", "x"],
            "--seed <SEED>: \"x\" is not a whole number; see gialab run --help",
        ),
        (
            &["privacy", "--noise-multiplier", "x"],
            "--noise-multiplier <Z>: \"x\" is not a number; see gialab privacy",
        ),
        (&["tour", "x"], "[STEP]: \"x\" is not a whole number; see gialab tour --help"),
        (&["probe"], "<PRESET> is needed as well; see gialab probe --help"),
        (&["capture", "dlg-lenet"], "--out <DIR> is needed as well; see gialab capture --help"),
        (&["train", "ig-lenet"], "--out <FILE> is needed as well; see gialab train --help"),
        (&["train", "ig-lenet", "--out", "w", "--latent", "8"], "--generator is needed as well"),
        (&["train", "ig-lenet", "--out", "w", "--generator", "--momentum", "0.5"], "cannot be used with"),
        (&["train", "ig-lenet", "--out", "w", "--width", "8"], "is needed as well"),
        (&["train", "ig-lenet", "--out", "w", "--autoencoder", "--latent", "8"], "cannot be used with"),
        (&["train", "ig-lenet", "--out"], "a value is required for '--out <FILE>'"),
        (&["study", "run"], "is needed as well; see gialab study run --help"),
        (&["xyzzy"], "unrecognized subcommand 'xyzzy'; see gialab --help"),
        (
            &["train", "ig-lenet", "--out", "w", "--learning-rate", "inf"],
            "inf: must be a finite number above 0",
        ),
        (
            &["train", "ig-lenet", "--out", "w", "--learning-rate", "nan"],
            "NaN: must be a finite number above 0",
        ),
        (&["train", "ig-lenet", "--out", "w", "--weight-decay", "inf"], "must be a finite number, 0 or more"),
        (&["train", "ig-lenet", "--out", "w", "--momentum", "nan"], "must be 0 or more and below 1"),
        (&["train", "ig-lenet", "--out", "nowhere/w"], "there is no such folder; make it first"),
    ] {
        let error = lab.fail(call, 2);
        assert!(error.starts_with("gialab: ") && error.contains(says), "{call:?}: {error}");
    }
}

#[test]
fn numbers_of_a_config_are_finite() {
    let lab = Lab::new();
    for (setting, says) in [
        ("victim.normalise={ mean = [nan, 0.5, 0.5], std = [1, 1, 1] }", "a mean of NaN, must be finite"),
        (
            "victim.normalise={ mean = [0, 0, 0], std = [inf, 1, 1] }",
            "a std of inf, must be finite and above 0",
        ),
        ("attack.distance={ kind = \"tag\", alpha = inf }", "alpha = inf, must be finite and 0 or more"),
        ("attack.distance={ kind = \"tag\", alpha = nan }", "alpha = NaN, must be finite and 0 or more"),
        ("federation.partition={ dirichlet = inf }", "dirichlet = inf }, must be finite and above 0"),
    ] {
        let error = refused(&lab, &["ig-lenet", "--set", setting]);
        assert!(error.contains(says), "{setting}: {error}");
    }
}

/// Nothing is written through a symbolic link, whoever made it.
#[test]
fn a_place_to_write_to_is_no_link() {
    use std::os::unix::fs::symlink;
    let lab = Lab::new();
    lab.succeed(&[&["run"][..], &QUICK].concat());
    std::fs::create_dir(lab.path("real")).unwrap();
    write(&lab.path("file"), b"kept");
    symlink(lab.path("real"), lab.path("folder")).unwrap();
    symlink(lab.path("file"), lab.path("link")).unwrap();
    let (folder, link) = (lab.path("folder").display().to_string(), lab.path("link").display().to_string());
    let slash = format!("{folder}/");
    for (call, code) in [
        (&["capture", "ig-lenet", "--out", &folder][..], 2),
        (&["capture", "ig-lenet", "--out", &slash], 2),
        (&["train", "ig-lenet", "--out", &link], 2),
        (&["export", "last", "--to", "json", "--out", &link], 2),
        (&["export", "last", "--to", "json", "--force", "--out", &link], 2),
    ] {
        let error = lab.fail(call, code);
        assert!(
            error.contains(": it is a symbolic link, and nothing is written through one; name ")
                && error.contains("--out /"),
            "{error}"
        );
    }
    assert_eq!(std::fs::read_to_string(lab.path("file")).unwrap(), "kept");
    assert_eq!(std::fs::read_dir(lab.path("real")).unwrap().count(), 0);
    // A file in a folder that is reached through one is the caller's business.
    lab.succeed(&["export", "last", "--to", "json", "--out", &format!("{folder}/run.json")]);
    assert!(lab.path("real").join("run.json").is_file());
    let tiny = ["--set", "victim.indices=[0, 1]", "--epochs", "1"];
    let weights = format!("{folder}/weights.safetensors");
    lab.succeed(&[&["train", "dlg-digits", "--out", &weights], &tiny[..]].concat());
    assert!(lab.path("real").join("weights.safetensors").is_file());
    lab.succeed(&["capture", "ig-lenet", "--out", &format!("{folder}/inner/problem")]);
    assert!(lab.path("real").join("inner/problem/preset.toml").is_file());
}

#[test]
fn an_attack_that_is_not_granted_what_it_needs() {
    let lab = Lab::new();
    let error = refused(&lab, &["ig-lenet", "--set", "attack.labels=optimise"]);
    assert!(error.contains("needs labels"), "{error}");
    let error = refused(&lab, &["idlg-lenet", "--set", "victim.indices=[0, 1]"]);
    assert!(error.contains("single sample"), "{error}");
}

#[test]
fn an_image_that_is_none_or_too_small_or_too_large() {
    let lab = Lab::new();
    let image = |path: &str| refused(&lab, &["dlg-lenet", "--image", path]);
    let error = image(&write(&lab.path("text.png"), b"this is no picture"));
    assert!(error.contains("text.png"), "{error}");
    let tiny = lab.path("tiny.png");
    image::RgbImage::new(1, 1).save(&tiny).unwrap();
    let error = image(tiny.to_str().unwrap());
    assert!(error.contains("tiny.png") && error.contains('1'), "{error}");
    let error = image(&write(&lab.path("huge.png"), &png_header(20_000, 20_000)));
    assert!(error.contains("huge.png") && error.contains("20000"), "{error}");
    let error = image(lab.path("absent.png").to_str().unwrap());
    assert!(error.contains("absent.png"), "{error}");
}

/// A PNG that claims a size and then ends.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut small = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(8, 8).write_to(&mut small, image::ImageFormat::Png).unwrap();
    let mut bytes = small.into_inner();
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    bytes
}

#[test]
fn truncated_files() {
    let lab = Lab::new();
    let mut idx = vec![0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28];
    idx.extend(vec![7; 1000]);
    let error = data(&lab, &write(&lab.path("cut-images-idx3-ubyte"), &idx));
    assert!(error.contains("cut-images-idx3-ubyte"), "{error}");
    let error = data(&lab, &write(&lab.path("cut.bin"), &vec![1; 5000]));
    assert!(error.contains("cut.bin"), "{error}");
}

#[test]
fn labels_batches_and_indices_that_do_not_fit() {
    let lab = Lab::new();
    let error = refused(&lab, &["dlg-lenet", "--set", "victim.indices=[9]", "--set", "victim.classes=4"]);
    assert!(error.contains("victim.classes = 4") && error.contains("10 or more"), "{error}");
    let many = format!("victim.indices=[{}]", vec!["0"; 18].join(","));
    let error = refused(&lab, &["dlg-lenet", "--set", &many]);
    assert!(error.contains("18") && error.contains("17"), "{error}");
    let error = refused(&lab, &["dlg-lenet", "--set", "victim.indices=[600]"]);
    assert!(error.contains("600"), "{error}");
}

#[test]
fn a_data_directory_that_cannot_be_written() {
    let lab = Lab::new();
    let blocked = write(&lab.path("file"), b"not a directory");
    let arguments: Vec<&str> =
        ["run"].iter().chain(&QUICK).chain(&["--data-dir", &blocked]).copied().collect();
    let error = lab.fail(&arguments, 1);
    assert!(error.contains("cannot create"), "{error}");
}

#[test]
fn a_disk_that_takes_no_more_fails_the_run_and_keeps_its_checkpoint() {
    let lab = Lab::new();
    let run = lab.detach(&LONG);
    lab.wait_for_checkpoint(&run);
    lab.succeed(&["stop", &run]);
    // A limit of the size of files says so as a full disk does.
    let full = lab.under("trap '' XFSZ; ulimit -f 24", &["resume", &run]);
    let error = text(&full.stderr);
    assert_eq!(full.status.code(), Some(1), "{error}");
    assert!(error.contains("File too large") && error.contains("--data-dir"), "{error}");
    assert_eq!(error.trim().lines().count(), 1, "{error}");
    assert_eq!(lab.status(&run), "failed");
    assert!(lab.run_path(&run).join("checkpoint.safetensors").exists());
    lab.succeed(&["resume", &run]);
    assert_eq!(lab.status(&run), "done");
}

#[test]
fn a_run_directory_of_a_newer_version() {
    let lab = Lab::new();
    let run = lab.detach(&QUICK);
    lab.wait_for("the end", || lab.status(&run) == "done");
    let path = lab.run_path(&run).join("manifest.json");
    let text = std::fs::read_to_string(&path).unwrap().replacen("\"schema\": 1", "\"schema\": 99", 1);
    write(&path, text.as_bytes());
    for command in ["show", "resume"] {
        let error = lab.fail(&[command, &run], 1);
        assert!(error.contains("newer gialab (format 99"), "{error}");
    }
    assert!(lab.succeed(&["list"]).contains("newer gialab"));
}

#[test]
fn a_loss_that_is_not_finite() {
    let lab = Lab::new();
    let arguments = ["run", "ig-lenet", "--set", "attack.prior.tv=1e308", "--set", "attack.iterations=5"];
    let error = lab.fail(&arguments, 1);
    assert!(error.contains("became NaN or infinite in the only trial"), "{error}");
    let run = std::fs::read_dir(lab.path("data").join("runs")).unwrap().flatten().next().unwrap();
    assert_eq!(lab.status(run.file_name().to_str().unwrap()), "failed");
}

#[test]
fn a_damaged_or_foreign_checkpoint() {
    let lab = Lab::new();
    let run = lab.detach(&LONG);
    lab.wait_for_checkpoint(&run);
    kill(lab.manifest(&run)["pid"].as_u64().unwrap(), "-9");
    lab.wait_for("the crash to show", || lab.status(&run) == "crashed");
    let path = lab.run_path(&run).join("checkpoint.safetensors");
    let whole = std::fs::read(&path).unwrap();
    write(&path, &whole[..whole.len() / 2]);
    let error = lab.fail(&["resume", &run], 1);
    assert!(error.contains("checkpoint.safetensors") && error.contains("damaged"), "{error}");
    let output = lab.gialab(&["resume", &run, "--json"]);
    let last = crate::lab::finished(&text(&output.stdout));
    assert_eq!((output.status.code(), last["status"].as_str()), (Some(1), Some("failed")));
    assert!(last["error"].as_str().unwrap().contains("damaged"));

    write(&path, &whole);
    let manifest = lab.run_path(&run).join("manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    write(&manifest, text.replacen("\"seed\": 0", "\"seed\": 1", 1).as_bytes());
    let error = lab.fail(&["resume", &run], 1);
    assert!(error.contains("belongs to another config"), "{error}");
}

#[test]
fn a_run_that_does_not_exist() {
    let lab = Lab::new();
    for command in ["show", "resume", "stop"] {
        let error = lab.fail(&[command, "nowhere"], 1);
        assert!(error.contains("no run \"nowhere\"") && error.contains("gialab list"), "{error}");
    }
}

#[test]
fn a_backend_that_is_not_there() {
    let lab = Lab::new();
    if cfg!(feature = "cuda") {
        eprintln!("skipped: this build has CUDA");
        return;
    }
    let error = refused(&lab, &["dlg-lenet", "--backend", "cuda"]);
    assert!(error.contains("not in this build"), "{error}");
}

#[test]
fn a_loss_that_diverges_in_every_trial_is_a_failure() {
    let lab = Lab::new();
    // The first guess has a finite loss; no later one has.
    let settings = [
        "ig-lenet",
        "--set",
        "attack.box=false",
        "--set",
        "attack.optimiser.lr=1e200",
        "--set",
        "attack.iterations=20",
    ];
    for (trials, says) in [("1", "in the only trial"), ("2", "in all 2 trials")] {
        let arguments = [&["run"], &settings[..], &["--trials", trials]].concat();
        let output = lab.gialab(&arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains("became NaN or infinite") && error.contains(says), "{error}");
    }
    let list = lab.succeed(&["list", "--json"]);
    assert_eq!(list.matches("\"failed\"").count(), 2, "{list}");
}

#[test]
fn a_batch_norm_with_one_value_a_channel() {
    let lab = Lab::new();
    let train = ["ig-resnet18", "--set", "victim.model=mobilenet-v2", "--set", "victim.mode=train"];
    let error = refused(&lab, &train);
    assert!(
        error.contains("mobilenet-v2 gets one value a channel") && error.contains("take more samples"),
        "{error}"
    );
    // The last batch of three in twos is one.
    let steps = [
        "victim.indices=[0,1,2]",
        "federation.algorithm=fedavg",
        "federation.learning_rate=0.1",
        "federation.local_batch=2",
    ];
    let steps: Vec<&str> = steps.iter().flat_map(|setting| ["--set", setting]).collect();
    let arguments: Vec<&str> = train.iter().copied().chain(steps).collect();
    assert!(refused(&lab, &arguments).contains("one value a channel"));
}

#[test]
fn the_bound_of_models_is_that_of_a_probe() {
    let lab = Lab::new();
    let models: serde_json::Value = serde_json::from_str(&lab.succeed(&["models", "--json"])).unwrap();
    let lenet = models.as_array().unwrap().iter().find(|row| row["model"] == "lenet").unwrap();
    // 15,826 parameters, of which 769 are dependent: 4 pictures of 3,072 numbers, not 5.
    assert_eq!((lenet["parameters"].as_u64(), lenet["batch_bound"].as_u64()), (Some(15_826), Some(4)));
}
