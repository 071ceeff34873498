//! Updates that are not what they are taken for, and what is set for those that are unusual.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::Value;

use crate::lab::{Lab, cases, finished, text, today, write};

/// Tensors of a captured file by name: shape and values.
type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

fn read(path: &Path) -> Tensors {
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let values = |view: &TensorView| -> Vec<f32> {
        view.data().chunks(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
    };
    file.iter().map(|(name, view)| (name.to_owned(), (view.shape().to_vec(), values(&view)))).collect()
}

fn store(path: &Path, tensors: &Tensors) -> String {
    let bytes: BTreeMap<&str, Vec<u8>> = tensors
        .iter()
        .map(|(name, (_, values))| (name.as_str(), values.iter().flat_map(|v| v.to_le_bytes()).collect()))
        .collect();
    let views = tensors.iter().map(|(name, (shape, _))| {
        (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), &bytes[name.as_str()]).unwrap())
    });
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A captured problem: the gradient of one picture on a LeNet, unless settings say otherwise.
struct Problem {
    lab: Lab,
    folder: PathBuf,
}

impl Problem {
    fn new(settings: &[&str]) -> Problem {
        let lab = Lab::new();
        let folder = lab.path("files");
        let out = folder.to_str().unwrap();
        let sets = settings.iter().flat_map(|setting| ["--set", setting]);
        let arguments: Vec<&str> = ["capture", "dlg-lenet", "--out", out].into_iter().chain(sets).collect();
        lab.succeed(&arguments);
        Problem { lab, folder }
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    /// The update after a change of its tensors, under another name.
    fn changed(&self, change: impl Fn(&mut Tensors)) -> String {
        let mut tensors = read(&self.folder.join("update.safetensors"));
        change(&mut tensors);
        store(&self.folder.join("changed.safetensors"), &tensors)
    }

    /// Arguments that attack an update in the place of the captured one.
    fn attack(&self, update: &str, settings: &[&str]) -> Vec<String> {
        let own = format!("victim.captured.update={update}");
        let settings = [&[own.as_str()], settings].concat();
        let sets = settings.iter().flat_map(|setting| ["--set".to_owned(), (*setting).to_owned()]);
        ["run".to_owned(), self.file("preset.toml"), "--json".into()].into_iter().chain(sets).collect()
    }

    fn refused(&self, update: &str, settings: &[&str]) -> String {
        let arguments = self.attack(update, settings);
        self.lab.fail(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), 2)
    }

    /// PSNR, and what was said on standard error.
    fn attacked(&self, update: &str, settings: &[&str]) -> (f64, String) {
        let arguments = self.attack(update, settings);
        let output = self.lab.gialab(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(output.status.success(), "{}", text(&output.stderr));
        let psnr: Value = finished(&text(&output.stdout))["rounds"][0]["metrics"]["psnr"]["mean"].clone();
        (psnr.as_f64().unwrap(), text(&output.stderr))
    }
}

fn times(factor: f32) -> impl Fn(&mut Tensors) {
    move |tensors| {
        tensors.values_mut().flat_map(|(_, values)| values).for_each(|value| *value *= factor);
    }
}

#[test]
fn an_update_that_is_not_what_it_is_taken_for_is_refused_with_the_setting_that_fits() {
    let problem = Problem::new(&[]);
    let weights = read(&problem.folder.join("weights.safetensors"));
    type Change<'a> = Box<dyn Fn(&mut Tensors) + 'a>;
    let cases: Vec<(Change, &str)> = vec![
        (Box::new(times(-1.0)), "has the opposite sign of a gradient; set victim.captured.scale = -1"),
        (
            Box::new(times(65_536.0)),
            "is scaled by 65536: a loss scaler that was not undone; set victim.captured.scale",
        ),
        (Box::new(times(0.5)), "is 0.5 times the gradient of one sample; set victim.captured.scale = 0.5"),
        (Box::new(times(-0.01)), "set victim.captured.scale = -0.01"),
        (Box::new(times(0.0)), "is all zero"),
        (Box::new(|all| *all = weights.clone()), "holds the weights that were sent out, not an update"),
        (
            Box::new(|all| all.get_mut("fc.bias").unwrap().1[3] = f32::INFINITY),
            "fc.bias has 1 infinite value: mixed precision overflowed",
        ),
        (
            Box::new(|all| {
                for (name, (_, values)) in all.iter_mut() {
                    values.iter_mut().zip(&weights[name].1).for_each(|(g, w)| *g += 0.1 * w);
                }
            }),
            "has weight decay in it: 0.1 times the weights were added to the gradient; set victim.captured.kind = \
             \"negative-delta\" and victim.captured.local = { learning_rate = 1, weight_decay = 0.1 }",
        ),
    ];
    for (change, says) in cases {
        let error = problem.refused(&problem.changed(change), &[]);
        assert!(error.contains(says), "{says}: {error}");
    }
    // A difference of weights taken for one of the other sign, and for the weights themselves.
    let update = problem.changed(times(-0.01));
    for (kind, says) in [
        ("negative-delta", "has the sign of delta; set victim.captured.kind = \"delta\""),
        ("weights", "holds no weights that these could have become, but an update"),
    ] {
        let kind = format!("victim.captured.kind={kind}");
        let error = problem.refused(&update, &[&kind, "victim.captured.local={ learning_rate = 0.01 }"]);
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn the_setting_that_a_refusal_names_recovers_the_picture() {
    let problem = Problem::new(&[]);
    let weights = read(&problem.folder.join("weights.safetensors"));
    let scaled = problem.changed(times(-256.0));
    let (psnr, said) = problem.attacked(&scaled, &["victim.captured.scale=-256"]);
    assert!(psnr > 30.0 && said.is_empty(), "{psnr} {said}");
    let decayed = problem.changed(|all| {
        for (name, (_, values)) in all.iter_mut() {
            values.iter_mut().zip(&weights[name].1).for_each(|(g, w)| *g += 0.1 * w);
        }
    });
    let local = [
        "victim.captured.kind=negative-delta",
        "victim.captured.local={ learning_rate = 1, weight_decay = 0.1 }",
    ];
    let (psnr, said) = problem.attacked(&decayed, &local);
    assert!(psnr > 30.0 && said.is_empty(), "{psnr} {said}");
}

#[test]
fn a_scale_that_nobody_knows_is_found_by_the_search() {
    let problem = Problem::new(&[]);
    let update = problem.changed(times(37.5));
    let (psnr, _) = problem.attacked(&update, &["victim.captured.scale=estimated"]);
    assert!(psnr > 25.0, "{psnr}");
    let list: Value = serde_json::from_str(&problem.lab.succeed(&["list", "--json"])).unwrap();
    let run = list[0]["run"].as_str().unwrap();
    let log = std::fs::read_to_string(problem.lab.run_path(run).join("events.jsonl")).unwrap();
    assert!(log.contains("scale: the update is 37.5"), "{log}");
}

#[test]
fn the_loss_that_an_update_is_of_is_recognised_and_attacked() {
    // The softmax of so confident a network has hardly a gradient under a squared error: it is recognised only.
    for (loss, key, least) in [
        ("ce-sum", None, 30.0),
        ("{ label-smoothing = 0.1 }", Some("{ label-smoothing = 0.1 }"), 30.0),
        ("bce", Some("\"bce\""), 17.0),
        ("mse", Some("\"mse\""), 30.0),
        ("mse-softmax", Some("\"mse-softmax\""), 0.0),
    ] {
        let setting = format!("victim.loss={loss}");
        let problem = Problem::new(&[&setting]);
        let update = problem.file("update.safetensors");
        let (psnr, said) = problem.attacked(&update, &["attack.trials=4"]);
        assert!(psnr > least && said.is_empty(), "{loss}: {psnr} dB {said}");
        // Of one sample a sum is the mean.
        if let Some(key) = key {
            let error = problem.refused(&update, &["victim.loss=ce"]);
            assert!(error.contains(&format!("set victim.loss = {key}")), "{loss}: {error}");
            let other = problem.refused(&problem.changed(times(-2.0)), &["victim.loss=ce"]);
            assert!(other.contains(&format!("{key} and victim.captured.scale = -2")), "{loss}: {other}");
        }
    }
    // One output: a sigmoid of the labels 0 and 1, whose label can be inferred.
    let problem = Problem::new(&["victim.loss=bce", "victim.classes=1"]);
    let update = problem.file("update.safetensors");
    for labels in [&[][..], &["attack.labels={ rule = \"idlg\" }", "attack.kind=idlg"]] {
        let (psnr, said) = problem.attacked(&update, labels);
        assert!(psnr > 25.0 && said.is_empty(), "{psnr} {said}");
    }
}

#[test]
fn what_was_sent_of_an_update_is_matched_and_the_rest_left_out() {
    let problem = Problem::new(&[]);
    let whole = problem.attacked(&problem.file("update.safetensors"), &[]).0;
    let first = |all: &mut Tensors| all.retain(|name, _| !name.starts_with("conv1"));
    let zeros = |all: &mut Tensors| {
        all.iter_mut()
            .filter(|(name, _)| name.starts_with("conv1"))
            .for_each(|(_, (_, values))| values.fill(0.0));
    };
    let partial = problem.attacked(&problem.changed(first), &[]);
    assert!(
        partial.1.contains("matches 6 of 8 tensors, 98 % of the numbers: conv1.weight, conv1.bias"),
        "{}",
        partial.1
    );
    // Zeros of a frozen layer are the same, to the last digit.
    assert_eq!(problem.attacked(&problem.changed(zeros), &[]).0, partial.0);
    let biases = |all: &mut Tensors| all.retain(|name, _| !name.ends_with("bias"));
    let (without, said) = problem.attacked(&problem.changed(biases), &[]);
    assert!(said.contains("matches 4 of 8 tensors, 99 % of the numbers"), "{said}");
    assert!(whole > 30.0 && without > 30.0, "{whole} {without}");
    // The label cannot be read off a layer that was not sent.
    let head = |all: &mut Tensors| all.retain(|name, _| !name.starts_with("fc"));
    let update = problem.changed(head);
    let labels = ["attack.labels={ rule = \"idlg\" }", "attack.kind=idlg"];
    let arguments = problem.attack(&update, &labels);
    let output = problem.lab.gialab(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("its gradient was not sent"), "{}", text(&output.stderr));
    // Another network's tensors are none of it.
    let other = |all: &mut Tensors| {
        let bias = all.remove("conv1.bias").unwrap();
        all.insert("stem.bias".into(), bias);
    };
    assert!(
        problem.refused(&problem.changed(other), &[]).contains("1 missing (conv1.bias 12), 1 unexpected")
    );
}

#[test]
fn what_is_only_likely_is_said_and_attacked() {
    let problem = Problem::new(&["victim.indices=[0,1]"]);
    let update = problem.file("update.safetensors");
    let settings = ["attack.iterations=2", "attack.trials=1"];
    let (_, said) = problem.attacked(&update, &settings);
    assert_eq!(said, "");
    let sign = |all: &mut Tensors| {
        all.values_mut().flat_map(|(_, values)| values).for_each(|value| *value = value.signum());
    };
    let (_, said) = problem.attacked(&problem.changed(sign), &settings);
    assert!(said.contains("holds signs alone, as signSGD sends them"), "{said}");
    // Said to be of one picture: the truth has two, so it is not given.
    let blind = [
        "victim.captured.batch=1",
        "victim.captured.truth=",
        "victim.captured.input=[3,32,32]",
        "attack.iterations=2",
        "attack.trials=1",
    ];
    let arguments = problem.attack(&update, &blind);
    let output = problem.lab.gialab(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(text(&output.stderr).contains("is not of one sample"), "{}", text(&output.stderr));
    // And it stands in what is kept of the run.
    let shown = problem.lab.succeed(&["show", "last"]);
    assert!(shown.contains("is not of one sample"), "{shown}");
}

/// Few samples beside the classes are taken apart by the last layer, however much their scores differ.
#[test]
fn scale_sign_and_loss_of_few_samples_with_other_scores_are_told() {
    let trained = [
        "victim.data=fashion28",
        "victim.classes=10",
        "victim.model=lenet5",
        "victim.weights=fashion-lenet5",
    ];
    for settings in [&["victim.data=fashion28", "victim.classes=10"][..], &trained] {
        let problem = Problem::new(&[settings, &["victim.indices=[0,1,4]"]].concat());
        let weights = problem.file("weights.safetensors");
        let inspect = |update: &str, more: &[&str]| {
            let arguments =
                [&["inspect", "--update", update, "--weights", &weights, "--batch", "3"], more].concat();
            let output = problem.lab.gialab(&arguments);
            format!("{}{}", text(&output.stdout), text(&output.stderr))
        };
        let said = inspect(&problem.file("update.safetensors"), &[]);
        assert!(said.contains("nothing speaks against it\n") && !said.contains("not seen"), "{said}");
        for (factor, says) in [
            (3.0, "is too large for a mean over 3 samples, as a sum over them or over accumulated steps is"),
            (0.5, "set victim.captured.scale = 0.5"),
            (1024.0, "is scaled by 1024: a loss scaler that was not undone"),
            (-1.0, "has the opposite sign of a gradient; set victim.captured.scale = -1"),
        ] {
            let said = inspect(&problem.changed(times(factor)), &[]);
            assert!(said.contains(says) && said.contains("cannot be attacked like this"), "{factor}: {said}");
        }
        let sum = inspect(&problem.changed(times(3.0)), &["--set", "victim.loss=ce-sum"]);
        assert!(sum.contains("nothing speaks against it\n"), "{sum}");
    }
    for loss in ["bce", "{ label-smoothing = 0.1 }"] {
        let own = format!("victim.loss={loss}");
        let problem =
            Problem::new(&["victim.data=fashion28", "victim.classes=10", "victim.indices=[0,1,4]", &own]);
        let error = problem.refused(&problem.file("update.safetensors"), &["victim.loss=ce"]);
        let says = format!("set victim.loss = {}", if loss == "bce" { "\"bce\"" } else { loss });
        assert!(error.contains(&says), "{error}");
    }
}

/// Silence is no finding: what the check cannot see of this network and batch is named.
#[test]
fn what_an_update_does_not_show_is_said() {
    let trained = [
        "victim.data=fashion28",
        "victim.classes=10",
        "victim.model=lenet5",
        "victim.weights=fashion-lenet5",
    ];
    let nine = "victim.indices=[0,1,2,3,4,5,6,7,8]";
    for (settings, batch, says) in [
        (&[&trained[..], &[nine]].concat(), "9", "its 10 outputs tell of 4 at most what each is"),
        (
            &vec!["victim.data=fashion28", "victim.classes=1", "victim.loss=bce", "victim.indices=[0,1,10]"],
            "3",
            "one output shows of 3 samples",
        ),
    ] {
        let problem = Problem::new(settings);
        let (update, weights) = (problem.file("update.safetensors"), problem.file("weights.safetensors"));
        let loss = if settings.contains(&"victim.loss=bce") { "victim.loss=bce" } else { "victim.loss=ce" };
        let call = ["inspect", "--update", &update, "--weights", &weights, "--batch", batch, "--set", loss];
        let said = problem.lab.succeed(&call);
        assert!(said.contains("not seen  a wrong scale, a sum for a mean") && said.contains(says), "{said}");
        let report: Value =
            serde_json::from_str(&problem.lab.succeed(&[&call[..], &["--json"]].concat())).unwrap();
        assert!(report["unchecked"].as_str().unwrap().contains(says), "{report}");
    }
}

/// Beside gradients of random inputs a tensor that was scaled by itself stands out; a network has more than a few.
#[test]
fn a_tensor_that_was_scaled_by_itself_is_named() {
    let problem = Problem::new(&["victim.indices=[0,1]"]);
    for (factor, says) in [(1000.0, "has conv2.weight about"), (0.001, "has conv2.weight about"), (2.0, "")] {
        let update = problem.changed(|all| {
            all.get_mut("conv2.weight").unwrap().1.iter_mut().for_each(|value| *value *= factor);
        });
        let (_, said) = problem.attacked(&update, &["attack.iterations=2", "attack.trials=1"]);
        assert!(said.contains(says) && says.is_empty() == said.is_empty(), "{factor}: {said}");
    }
}

/// What an update may be instead stands wherever its figures do.
#[test]
fn a_doubt_goes_with_the_figures() {
    let problem = Problem::new(&["victim.indices=[0,1]"]);
    let update = problem.changed(|all| {
        all.get_mut("conv2.weight").unwrap().1.iter_mut().for_each(|value| *value *= 1000.0);
    });
    let arguments = problem.attack(&update, &["attack.iterations=20", "attack.trials=1"]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let run = finished(&problem.lab.succeed(&arguments))["run"].as_str().unwrap().to_owned();
    let shown = problem.lab.succeed(&["show", &run]);
    assert!(shown.contains("has conv2.weight about"), "{shown}");
    let here = problem.lab.path("here");
    std::fs::create_dir_all(&here).unwrap();
    for to in ["latex", "svg", "html"] {
        let output = problem.lab.command(&["export", &run, "--to", to]).current_dir(&here).output().unwrap();
        let paths = text(&output.stdout);
        assert!(output.status.success() && !paths.is_empty(), "{}", text(&output.stderr));
        for path in paths.lines() {
            let written = std::fs::read_to_string(here.join(path)).unwrap();
            assert!(written.contains("conv2.weight"), "{to}: {written}");
        }
    }
}

/// The same where weight decay is known, and that it cannot be seen under statistics that only the client has.
#[test]
fn where_single_tensors_cannot_be_looked_at_is_said() {
    let local = ["federation.algorithm=fedavg", "federation.learning_rate=0.1"];
    let decay = Problem::new(&["victim.indices=[0,1]", local[0], local[1], "federation.weight_decay=0.01"]);
    let update = decay.changed(|all| {
        all.get_mut("conv2.weight").unwrap().1.iter_mut().for_each(|value| *value *= 1000.0);
    });
    let inspect = |problem: &Problem, update: &str, settings: &[&str]| {
        let weights = problem.file("weights.safetensors");
        let sets = settings.iter().flat_map(|setting| ["--set", setting]);
        let call = ["inspect", "--update", update, "--weights", &weights, "--batch", "2", "--kind", "delta"];
        problem.lab.succeed(&call.into_iter().chain(sets).collect::<Vec<_>>())
    };
    let with_decay = "victim.captured.local={ learning_rate = 0.1, weight_decay = 0.01 }";
    let said = inspect(&decay, &update, &[with_decay]);
    assert!(said.contains("has conv2.weight about"), "{said}");
    let own = "victim.mode=eval-client";
    let net = ["victim.model=resnet20", "victim.options.width=0.25", "victim.classes=100"];
    let settings = [&["victim.indices=[0,1]", own][..], &local, &net].concat();
    let problem = Problem::new(&settings);
    let settings = [&[own, "victim.captured.local={ learning_rate = 0.1 }"][..], &net].concat();
    let said = inspect(&problem, &problem.file("update.safetensors"), &settings);
    let says =
        "a tensor that was scaled by itself: only the client has the statistics of its BatchNorm layers";
    assert!(said.contains("not seen  ") && said.contains(says), "{said}");
}

#[test]
fn an_update_is_looked_at_without_an_attack() {
    let problem = Problem::new(&[]);
    let (update, weights) = (problem.file("update.safetensors"), problem.file("weights.safetensors"));
    let inspect = |update: &str, more: &[&str]| {
        let arguments = [&["inspect", "--update", update, "--weights", &weights], more].concat();
        problem.lab.gialab(&arguments)
    };
    let fine = inspect(&update, &[]);
    let said = text(&fine.stdout);
    assert!(fine.status.success() && said.contains("lenet for 100 classes"), "{said}");
    assert!(said.contains("nothing speaks against it"), "{said}");
    assert!(said.contains("told      nothing that can be told"), "{said}");
    let sign = |all: &mut Tensors| {
        all.values_mut().flat_map(|(_, values)| values).for_each(|value| *value = value.signum());
    };
    let signs = text(&inspect(&problem.changed(sign), &[]).stdout);
    assert!(signs.contains("told      sign not scaled, sure: the numbers of a tensor differ"), "{signs}");
    let delta = problem.changed(times(-0.05));
    let one_step = inspect(&delta, &["--kind", "delta"]);
    assert!(
        text(&one_step.stdout).contains("one step on one sample with learning rate 0.05"),
        "{}",
        text(&one_step.stdout)
    );
    let wrong = inspect(&delta, &["--json"]);
    assert_eq!(wrong.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&wrong.stdout).unwrap();
    assert!(report["refused"].as_str().unwrap().contains("set victim.captured.scale = -0.05"), "{report}");
    let alone = problem.lab.gialab(&["inspect", "--update", &update]);
    assert_eq!(alone.status.code(), Some(2));
    assert!(text(&alone.stderr).contains("--weights"), "{}", text(&alone.stderr));
}

#[test]
fn post_processing_of_a_captured_update_is_told_from_it_and_kept() {
    let problem = Problem::new(&["victim.indices=[0,1]"]);
    let settings = ["attack.iterations=2", "attack.trials=1", "knowledge.post=estimated"];
    let cut = |all: &mut Tensors| {
        for (_, values) in all.values_mut() {
            let mut sizes: Vec<f32> = values.iter().map(|value| value.abs()).collect();
            sizes.sort_by(f32::total_cmp);
            let least = sizes[values.len() * 8 / 10];
            values.iter_mut().filter(|value| value.abs() < least).for_each(|value| *value = 0.0);
        }
    };
    for (update, says) in [
        (problem.changed(cut), "sparsify 0.8, sure: zeros are 80.0 % of"),
        (problem.file("update.safetensors"), "nothing that can be told"),
    ] {
        problem.attacked(&update, &settings);
        let shown = problem.lab.succeed(&["show", "last"]);
        assert!(shown.contains(&format!("told     from the update: {says}")), "{shown}");
    }
}

/// Files that PyTorch made, of LeNets under other losses and with frozen layers.
#[test]
fn updates_of_pytorch_are_told_apart() {
    let Some(folder) = cases("") else { return };
    let lab = Lab::new();
    // Their presets name files beside them.
    let run = |preset: &str, more: &[&str]| {
        let (inside, _) = preset.split_once('/').unwrap();
        let text = std::fs::read_to_string(folder.join(preset)).unwrap();
        let file = write(&lab.path("case.toml"), today(&text).as_bytes());
        let mut command = lab.command(&[&["run", file.as_str(), "--json"], more].concat());
        command.current_dir(folder.join(inside)).output().unwrap()
    };
    for (preset, says) in [
        ("11-other-losses/amp_inf.toml", "mixed precision overflowed"),
        ("11-other-losses/amp_scaled.toml", "set victim.captured.scale = 65536"),
        ("11-other-losses/bce.toml", "set victim.loss = \"bce\""),
        ("11-other-losses/bce_cos.toml", "set victim.loss = \"bce\""),
        ("11-other-losses/delta_as_negative.toml", "set victim.captured.kind = \"delta\""),
        ("11-other-losses/half.toml", "set victim.captured.scale = 0.5"),
        ("11-other-losses/minus.toml", "set victim.captured.scale = -1"),
        ("11-other-losses/minus_cos.toml", "set victim.captured.scale = -1"),
    ] {
        let output = run(preset, &[]);
        let error = text(&output.stderr);
        assert!(output.status.code() == Some(2) && error.contains(says), "{preset}: {error}");
    }
    for (preset, change, least, says) in [
        ("11-other-losses/mean.toml", "", 40.0, ""),
        ("11-other-losses/delta_right.toml", "", 40.0, ""),
        ("11-other-losses/bce.toml", "victim.loss=bce", 30.0, ""),
        ("11-other-losses/half.toml", "victim.captured.scale=0.5", 40.0, ""),
        ("11-other-losses/minus.toml", "victim.captured.scale=-1", 40.0, ""),
        ("11-other-losses/amp_scaled.toml", "victim.captured.scale=estimated", 25.0, ""),
        ("11-other-losses/wd.toml", "", 40.0, "0.0005 times the weights were added"),
        ("10-frozen-layers/all.toml", "", 40.0, ""),
        ("10-frozen-layers/first_frozen.toml", "", 11.0, "matches 6 of 8 tensors"),
        ("10-frozen-layers/first_none.toml", "", 11.0, "matches 6 of 8 tensors"),
        ("10-frozen-layers/first_zero.toml", "", 11.0, "matches 6 of 8 tensors"),
        ("10-frozen-layers/no_bias.toml", "", 40.0, "matches 4 of 8 tensors"),
        ("10-frozen-layers/weights_frozen.toml", "", 11.0, "matches 6 of 8 tensors"),
    ] {
        let set = ["--set", change];
        let output = run(preset, if change.is_empty() { &[] } else { &set });
        let said = text(&output.stderr);
        assert!(output.status.success() && said.contains(says), "{preset}: {said}");
        let psnr = finished(&text(&output.stdout))["rounds"][0]["metrics"]["psnr"]["mean"].as_f64().unwrap();
        assert!(psnr > least, "{preset} {change}: {psnr} dB");
    }
    // What is said of them: of a scale that a cosine does not see, and nothing of what is as it is taken.
    let short = ["--set", "attack.iterations=2", "--set", "attack.trials=1"];
    for (preset, change, says) in [
        ("mean_cos.toml", "victim.loss=ce", ""),
        ("mean2.toml", "victim.loss=ce", ""),
        ("sum2.toml", "victim.loss=ce-sum", ""),
        (
            "half_cos.toml",
            "victim.loss=ce",
            "is 0.5 times the gradient of one sample, which the matching does not see",
        ),
        (
            "amp_scaled_cos.toml",
            "victim.loss=ce",
            "a loss scaler that was not undone, which the matching does not see",
        ),
        ("wd_cos.toml", "victim.loss=ce", "0.0005 times the weights were added"),
    ] {
        let output = run(&format!("11-other-losses/{preset}"), &[&short[..], &["--set", change]].concat());
        let said = text(&output.stderr);
        assert!(output.status.success() && said.contains(says), "{preset}: {said}");
        assert!(!says.is_empty() || said.is_empty(), "{preset}: {said}");
    }
}
