//! Files as people have them: weights, updates and data sets of real tools, on the real binary. The files lie beside the
//! repository; without them a test says so and ends. Kinds without a file here are forged in `src/checkpoint`.

use crate::lab::{Lab, cases, finished, write};

/// A preset of the case that attacks `update` of what was sent out as `weights`, in one trial.
fn preset(lab: &Lab, folder: &std::path::Path, weights: &str, update: &str, kind: &str) -> String {
    let file = |name: &str| folder.join(name).display().to_string();
    let local = if kind == "gradient" { "" } else { ", local = { epochs = 1, learning_rate = 0.01 }" };
    let (weights, update, truth) = (file(weights), file(update), file("truth.pth"));
    let text = format!(
        "schema = 2\ntitle = \"t\"\nabout = \"t\"\n[victim]\nmodel = \"lenet\"\nclasses = 10\ncaptured = {{ weights = \
         \"{weights}\", update = \"{update}\", kind = \"{kind}\", batch = 1, truth = \"{truth}\"{local} }}\n\
         [knowledge]\nlabels = false\n[attack]\nkind = \"dlg\"\nlabels = \"optimise\"\ndistance = \"l2\"\noptimiser = {{ kind = \
         \"lbfgs\", lr = 1.0 }}\niterations = 200\ntrials = 1\nstop_below = 1e-6\n"
    );
    write(&lab.path("case.toml"), text.as_bytes())
}

/// PSNR of the attack on a case, in dB.
fn psnr(lab: &Lab, arguments: &[&str]) -> f64 {
    let out = lab.succeed(&[&["run"], arguments, &["--json"]].concat());
    finished(&out)["rounds"][0]["metrics"]["psnr"]["mean"].as_f64().unwrap()
}

#[test]
fn updates_in_arrays_of_every_kind_are_attacked() {
    let lab = Lab::new();
    let Some(folder) = cases("02-flower-object-array") else { return };
    for update in ["list_as_one.npz", "list.npy", "ndarrays.pkl", "ndarrays.pth", "tuple.pth", "okc.npz"] {
        let reached = psnr(&lab, &[&preset(&lab, &folder, "global.pth", update, "gradient")]);
        assert!(reached > 30.0, "{update}: {reached} dB");
    }
    let Some(folder) = cases("03-nvflare-global") else { return };
    for (weights, update) in [("FL_global_model_numpy.pt", "diff.npz"), ("FL_global_model.pt", "fl_model.pt")]
    {
        let reached = psnr(&lab, &[&preset(&lab, &folder, weights, update, "delta")]);
        assert!(reached > 30.0, "{weights} {update}: {reached} dB");
    }
}

#[test]
fn what_lies_beside_the_tensors_is_named_and_never_in_the_way() {
    let lab = Lab::new();
    let Some(folder) = cases("05-args-in-checkpoint") else { return };
    for (file, left_out) in [
        ("torchvision_ref.pth", "1 argparse.Namespace"),
        ("dtype_device.pth", "1 torch.device, 1 torch.float32"),
        ("npfloat.pth", "2 numbers"),
        ("sets.pth", "1 __builtin__.set"),
        ("lightning.ckpt", "1 collections.Counter"),
        ("lightning_plain.ckpt", "flags"),
    ] {
        let said = lab.succeed(&["inspect", folder.join(file).to_str().unwrap()]);
        assert!(said.contains(left_out) && said.contains("nothing of it was run"), "{file}: {said}");
        assert!(said.contains("fits lenet for 10 classes exactly"), "{file}: {said}");
    }
    // Infinite in a callback of the trainer.
    let said = lab.succeed(&["inspect", folder.join("lightning_plain.ckpt").to_str().unwrap()]);
    assert!(said.contains("not finite outside of the model") && !said.contains("no victim can"), "{said}");
    let said = lab.succeed(&["inspect", folder.join("keep_vars.pth").to_str().unwrap()]);
    assert!(said.contains("fits lenet for 10 classes exactly") && !said.contains("left out"), "{said}");
}

#[test]
fn of_several_state_dicts_the_plain_one_is_taken_and_said_or_one_must_be_named() {
    let lab = Lab::new();
    let Some(folder) = cases("06-two-state-dicts") else { return };
    for (weights, key) in [("fixmatch.pth.tar", "state_dict"), ("torchvision_ema.pth", "model")] {
        let preset = preset(&lab, &folder, weights, "g.pth", "gradient");
        assert!(psnr(&lab, &[&preset]) > 30.0, "{weights}");
        let shown = lab.succeed(&["show", "last"]);
        assert!(shown.contains(&format!("weights {weights} under {key}")), "{shown}");
    }
    // The copy is another model.
    let named = preset(&lab, &folder, "fixmatch.pth.tar", "g.pth", "gradient");
    let reached = psnr(&lab, &[&named, "--set", "victim.weights_key=ema_state_dict"]);
    assert!(reached < 10.0, "{reached}");
    let file = preset(&lab, &folder, "net_global.pth", "g.pth", "gradient");
    let error = lab.fail(&["run", &file], 2);
    assert!(error.contains("holds several state dicts that fit (\"net\" and \"global\")"), "{error}");
    assert!(error.contains("victim.weights_key = \"net\""), "{error}");
    assert!(psnr(&lab, &[&file, "--set", "victim.weights_key=net"]) > 30.0);
    let error = lab.fail(&["run", &file, "--set", "victim.weights_key=local"], 2);
    assert!(
        error.contains("victim.weights_key: ") && error.contains("has no tensors under \"local\""),
        "{error}"
    );
    assert!(error.contains("its keys are net, global"), "{error}");
    let said = lab.succeed(&["inspect", folder.join("net_global.pth").to_str().unwrap()]);
    assert!(said.contains("under \"net\" and \"global\": say which one is meant"), "{said}");
    let plain = ["run", "dlg-lenet", "--set", "victim.weights_key=net"];
    assert!(lab.fail(&plain, 2).contains("names a part of a file of weights, but there is none"));
}

#[test]
fn what_a_file_is_that_is_no_weights_is_said_in_one_sentence() {
    let lab = Lab::new();
    let Some(folder) = cases("07-not-weights") else { return };
    for (file, says) in [
        ("best_local_model.zip", "is a zip archive that holds good.pth: unpack it and name that file"),
        ("download.pth", "is a web page, saved in place of the file"),
        ("empty.pth", "(it is empty): copy or download it again"),
        ("half.pth", "is damaged or cut off (the end of the archive is missing): copy or download it again"),
        ("lfs.pth", "is a Git LFS pointer"),
        ("model.h5", "is an HDF5 file"),
        ("model.onnx", "is an ONNX model"),
        ("traced.pt", "is a TorchScript program: save its state dict"),
        ("unpacked", "is a PyTorch file that was unpacked to a folder: pack it again"),
        ("whole_model.pt", "is a whole pickled model (common.LeNet)"),
    ] {
        let path = folder.join(file).display().to_string();
        let error = lab.fail(&["inspect", &path], 1);
        assert!(error.contains(says) && error.trim_end().lines().count() == 1, "{file}: {error}");
        let weights = format!("victim.weights={path}");
        assert!(lab.fail(&["run", "dlg-lenet", "--set", &weights], 2).contains(says), "{file}");
    }
}

#[test]
fn shards_integers_and_tensors_of_other_kinds() {
    let lab = Lab::new();
    let Some(folder) = cases("08-quantised-sharded") else { return };
    let reached = psnr(&lab, &[&preset(&lab, &folder, "model.safetensors.index.json", "g.pth", "gradient")]);
    assert!(reached > 30.0, "{reached}");
    for (weights, update, says) in [
        (
            "int8.safetensors",
            "g.pth",
            "conv1.weight holds integers (i8): multiply quantised values by their scale",
        ),
        ("int8_with_scales.safetensors", "g.pth", "conv1.weight holds integers (i8)"),
        ("model.safetensors.index.json", "int8.safetensors", "update: "),
        ("fp8.pth", "g.pth", "float8_e4m3fn (fp8 or less), which gialab does not read: save float32"),
        ("model.safetensors.index.json", "g_sparse.pth", "as a sparse tensor, which gialab does not read"),
        ("model-00001-of-00002.safetensors", "g.pth", "it is file 1 of 2: name their index instead"),
    ] {
        let error = lab.fail(&["run", &preset(&lab, &folder, weights, update, "gradient")], 2);
        assert!(error.contains(says), "{weights} {update}: {error}");
    }
    // A shard that is not there.
    for file in ["model.safetensors.index.json", "model-00002-of-00002.safetensors"] {
        std::fs::copy(folder.join(file), lab.path(file)).unwrap();
    }
    let error = lab.fail(&["inspect", lab.path("model.safetensors.index.json").to_str().unwrap()], 1);
    assert!(error.contains("needs model-00001-of-00002.safetensors beside it (file 1 of 2)"), "{error}");
}

#[test]
fn names_that_differ_are_offered_by_order_and_never_taken_so_unasked() {
    let lab = Lab::new();
    let Some(folder) = cases("23-foreign-names") else { return };
    for (weights, update) in [("dlg_names.pth", "dlg_g.pth"), ("dlg_names.pth", "list_g.pth")] {
        let preset = preset(&lab, &folder, weights, update, "gradient");
        let error = lab.fail(&["run", &preset], 2);
        assert!(
            error.contains("its shapes are the model's in this order: victim.by_order = true"),
            "{error}"
        );
        assert!(psnr(&lab, &[&preset, "--by-order"]) > 30.0, "{weights} {update}");
        let shown = lab.succeed(&["show", "last"]);
        assert!(shown.contains("weights dlg_names.pth by order"), "{shown}");
    }
    assert!(psnr(&lab, &[&preset(&lab, &folder, "list_w.pth", "list_g.pth", "gradient")]) > 30.0);
    let said = lab.succeed(&["inspect", folder.join("dlg_names.pth").to_str().unwrap()]);
    assert!(said.contains("same shapes as lenet for 10 classes in this order"), "{said}");
    let said = lab.succeed(&["inspect", "--by-order", folder.join("dlg_names.pth").to_str().unwrap()]);
    assert!(
        said.contains("fits lenet for 10 classes by order") && said.contains("  as conv1.weight"),
        "{said}"
    );
    let said = lab.succeed(&["inspect", folder.join("list_w.pth").to_str().unwrap()]);
    assert!(said.contains("fits lenet for 10 classes exactly"), "{said}");
}

#[test]
fn data_sets_in_pickles_and_npz_are_captured() {
    let lab = Lab::new();
    let Some(folder) = cases("21-data-formats") else { return };
    let arguments = |name: &str, out: &str| -> Vec<String> {
        let data = format!("victim.data={}", folder.join(name).display());
        let out = lab.path(out).display().to_string();
        let words = ["capture", "ig-lenet", "--out", &out, "--set", &data];
        let settings = ["--set", "victim.indices=[0]", "--set", "victim.size=", "--set", "victim.classes="];
        words.iter().chain(&settings).map(|word| (*word).to_owned()).collect()
    };
    for name in ["cifar-10-batches-py", "cifar-10-batches-py/test_batch", "pathmnist.npz"] {
        let arguments = arguments(name, "out");
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        assert!(lab.succeed(&words).contains("batch.safetensors"), "{name}");
        let side = if name.ends_with("npz") { "1x3x28x28" } else { "1x3x32x32" };
        let said = lab.succeed(&["inspect", lab.path("out/batch.safetensors").to_str().unwrap()]);
        assert!(said.contains(side), "{name}: {said}");
    }
    let arguments = arguments("images.npy", "none");
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let error = lab.fail(&words, 2);
    assert!(
        error.contains("images.npy is one array without labels: save np.savez(\"set.npz\", images="),
        "{error}"
    );
}
