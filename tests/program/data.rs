//! Tables, CIFAR-100, folders and drawn batches, from the command line to the table of rounds.

use std::fs;

use crate::lab::{Lab, write};

/// A whole attack of a second at most on a fully connected network, on data of any kind.
fn attack(lab: &Lab, changes: &[&str]) -> String {
    let quick = ["attack.iterations=3", "victim.size=", "victim.classes=", "victim.options.width=0.02"];
    let changes = quick.iter().chain(changes).flat_map(|change| ["--set", *change]);
    let arguments: Vec<&str> = ["run", "ig-mlp"].into_iter().chain(changes).collect();
    lab.succeed(&arguments)
}

fn refused(lab: &Lab, changes: &[&str]) -> String {
    let changes = changes.iter().flat_map(|change| ["--set", *change]);
    let arguments: Vec<&str> = ["run", "ig-mlp"].into_iter().chain(changes).collect();
    lab.fail(&arguments, 2)
}

#[test]
fn a_table_is_attacked_as_any_other_data() {
    let lab = Lab::new();
    let out = attack(&lab, &["victim.data=wine"]);
    assert!(out.contains("wine [0]"), "{out}");
    assert!(!out.contains("NaN"), "{out}");
    let own = write(&lab.path("people.csv"), b"age,job,income\n30,clerk,low\n61,judge,high\n44,clerk,high\n");
    let data = format!("victim.data={own}");
    assert!(attack(&lab, &[&data, "victim.indices=[1]"]).contains("people.csv [1]"));

    let error = refused(&lab, &["victim.data=wine"]);
    assert!(error.contains("wine is a table") && error.contains("--set victim.size="), "{error}");
    for model in ["lenet5", "alexnet", "vit"] {
        let model = format!("victim.model={model}");
        let error = refused(&lab, &["victim.data=wine", "victim.size=", "victim.mode=eval", &model]);
        assert!(
            error.contains("does not fit rows of a table of 1x1x13") && error.contains("use mlp"),
            "{error}"
        );
    }
    fs::write(&own, "age,job,income\n30,clerk,low\n61,judge\n").unwrap();
    let error = refused(&lab, &[&data, "victim.size="]);
    assert!(error.contains("people.csv: line 3 has 2 fields"), "{error}");
}

#[test]
fn cifar100_is_told_by_its_length() {
    let lab = Lab::new();
    let mut records = Vec::new();
    for fine in [7_u8, 99] {
        records.extend([3, fine]);
        records.extend((0..3072_usize).map(|i| (i * usize::from(fine) % 256) as u8));
    }
    let data = format!("victim.data={}", write(&lab.path("part.bin"), &records));
    assert!(attack(&lab, &[&data, "victim.indices=[1]"]).contains("part.bin [1]"));
    let error = refused(&lab, &[&data, "victim.indices=[2]"]);
    assert!(error.contains("sample 2 of part.bin, which has 2"), "{error}");
}

#[test]
fn a_folder_at_224_is_attacked_and_its_splits_are_named() {
    let lab = Lab::new();
    for (name, value) in [("train/cat/a.png", 20), ("train/dog/b.png", 200), ("test/cat/c.png", 90)] {
        let path = lab.path("set").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::RgbImage::from_fn(300, 224, |x, y| image::Rgb([value, x as u8, y as u8])).save(path).unwrap();
    }
    let data = |path: &str| format!("victim.data={}", lab.path(path).display());
    let error = refused(&lab, &[&data("set")]);
    assert!(error.contains("holds parts of a set (test, train)") && error.contains("set/test"), "{error}");
    let out = attack(&lab, &[&data("set/train"), "victim.size=224", "victim.options.width=0.005"]);
    assert!(out.contains("train [0]"), "{out}");
}

#[test]
fn a_batch_is_drawn_and_said_to_be() {
    let lab = Lab::new();
    let sample = "victim.sample={ count = 3, classes = \"unique\" }";
    let out = attack(&lab, &["victim.data=iris", sample, "knowledge.labels=known"]);
    assert!(out.contains("iris 3 drawn of different classes, batch of 3"), "{out}");
    let error = refused(
        &lab,
        &["victim.data=crops32", "victim.sample={ count = 9, classes = 3 }", "knowledge.labels=known"],
    );
    assert!(error.contains("9 samples of class 3 of crops32, which has 8"), "{error}");
    let error = refused(&lab, &["victim.sample.classes=unike"]);
    assert!(error.contains("victim.sample.classes is \"any\", \"same\", \"unique\""), "{error}");
}

#[test]
fn a_clients_normalisation_can_be_said() {
    let lab = Lab::new();
    let out = attack(&lab, &["victim.data=digits8", "victim.normalise={ mean = [0.5], std = [0.5] }"]);
    assert!(out.contains("digits8 [0]"), "{out}");
    let error =
        refused(&lab, &["victim.data=digits8", "victim.normalise={ mean = [0.5, 0.5], std = [0.5, 0.5] }"]);
    assert!(error.contains("the samples of digits8 have 1 channels"), "{error}");
    let error = refused(&lab, &["victim.normalise={ mean = [0.5, 0.5, 0.5], std = [0.5, 0.5, 0] }"]);
    assert!(error.contains("victim.normalise has a std of 0, must be above 0"), "{error}");
}
