//! The script that measures an NVIDIA device, as far as it goes without one: it takes any gialab, on any backend.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::lab::{Lab, text};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/cuda.sh");
const GIALAB: &str = env!("CARGO_BIN_EXE_gialab");

/// All that `--run` does, in its order.
const STEPS: [&str; 12] = [
    "doctor",
    "first",
    "agreement",
    "preset",
    "resume",
    "second",
    "busy",
    "cpu",
    "torch",
    "compiled",
    "launches",
    "compare",
];

/// Runs the script with this program, looking for CUDA in `cuda` of the laboratory alone.
fn script(lab: &Lab, script: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new("bash");
    command
        .arg(script)
        .args(arguments)
        .env("GIALAB", GIALAB)
        .env("LOOK_IN", lab.path("cuda"))
        .env("WORK", lab.path("work"))
        .env("HOME", lab.path("home"))
        .env_remove("ONLY")
        .envs(environment.iter().copied());
    command.output().unwrap()
}

fn table(out: &Path) -> String {
    std::fs::read_to_string(out.join("table.md")).unwrap()
}

/// The outcome of a step, as the table has it.
fn outcome<'a>(table: &'a str, step: &str) -> &'a str {
    let start = format!("| {step} | ");
    let row = table.lines().find_map(|line| line.strip_prefix(&start));
    row.unwrap_or_else(|| panic!("{step} is not in\n{table}")).split(" | ").next().unwrap()
}

fn touch(path: PathBuf, content: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

#[test]
fn what_a_device_needs_and_is_not_there_is_said_in_one_sentence() {
    let lab = Lab::new();
    let out = lab.path("out");
    let arguments = ["--run", out.to_str().unwrap()];
    let refused = || {
        let output = script(&lab, SCRIPT.as_ref(), &arguments, &[]);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert_eq!(error.trim().lines().count(), 1, "{error}");
        error
    };
    assert!(refused().contains("no NVIDIA driver"));
    touch(lab.path("cuda/lib/libcuda.so.1"), "");
    assert!(refused().contains("no run-time compiler"));
    // As pip lays out CUDA 12: a folder for each library.
    touch(lab.path("cuda/nvidia/cuda_nvrtc/lib/libnvrtc.so.12"), "");
    touch(lab.path("cuda/nvidia/cuda_nvrtc/lib/libnvrtc-builtins.so.12.8"), "");
    assert!(refused().contains("no CUDA headers for NVRTC 12.8"));
    // Those of another generation do not count.
    touch(lab.path("cuda/include/cuda_runtime_api.h"), "#define CUDART_VERSION 13000\n");
    assert!(refused().contains("no CUDA headers for NVRTC 12.8"));
    assert!(!out.join("table.md").exists());

    let include = lab.path("cuda/nvidia/cuda_runtime/include");
    touch(include.join("cuda_runtime_api.h"), "#define CUDART_VERSION 12080\n");
    touch(include.join("cuda_runtime.h"), "");
    touch(lab.path("cuda/nvidia/cuda_nvcc/include/crt/mma.h"), "");
    // All is there, as far as the script can tell. What fails then is named and stops nothing.
    let only = [("ONLY", "doctor preset agreement cpu"), ("WORKLOADS", "dlg-lenet-b1")];
    let output = script(&lab, SCRIPT.as_ref(), &arguments, &only);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let table = table(&out);
    assert!(table.contains("NVRTC 12.8"), "{table}");
    assert!(table.contains("without crt/mma.h or nv/target"), "{table}");
    assert_eq!(outcome(&table, "doctor"), "ok");
    assert_eq!(outcome(&table, "agreement"), "failed (1)");
    assert_eq!(outcome(&table, "cpu"), "ok");
    if !cfg!(feature = "cuda") {
        assert_eq!(outcome(&table, "preset"), "failed (2)", "{table}");
        assert!(table.contains("not in this build"), "{table}");
    }
    // The headers of all wheels lie in one folder.
    assert!(lab.path("work/cuda/include/crt/mma.h").exists());
    assert!(lab.path("work/cuda/include/cuda_runtime.h").exists());
}

#[test]
fn a_device_is_named_where_there_are_devices() {
    let lab = Lab::new();
    for command in [&["run", "dlg-lenet"][..], &["bench", "--workload", "dlg-lenet-b1"]] {
        let refused = lab.fail(&[command, &["--device", "1", "--backend", "flex"]].concat(), 2);
        assert!(refused.contains("--backend flex has no devices"), "{refused}");
        // No machine has so many.
        let refused = lab.fail(&[command, &["--device", "999"]].concat(), 2);
        assert!(refused.contains("the backend cuda cannot be used"), "{refused}");
    }
    let report = lab.succeed(&["doctor", "--device", "999"]);
    assert!(report.contains("there is no CUDA device 999"), "{report}");
}

/// The kit is one archive beside the script; here with a program that is this one.
#[test]
fn a_kit_is_unpacked_and_runs_dry() {
    let lab = Lab::new();
    let (kit, staged, out) = (lab.path("kit"), lab.path("staged"), lab.path("out"));
    for (name, does) in [("gialab", format!("exec '{GIALAB}' \"$@\"")), ("agreement", "exit 1".to_owned())] {
        let path = staged.join("bin").join(name);
        touch(path.clone(), &format!("#!/bin/sh\n{does}\n"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    touch(staged.join("VERSION"), "of-a-test\n");
    std::fs::create_dir_all(&kit).unwrap();
    std::fs::copy(SCRIPT, kit.join("cuda.sh")).unwrap();
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(&staged).arg("-cJf").arg(kit.join("kit.tar.xz")).arg(".");
    assert!(tar.status().unwrap().success());
    for (mode, steps) in [("--run", &STEPS[..]), ("--grow", &["large", "wide", "growth"])] {
        let arguments = ["--dry", mode, out.to_str().unwrap()];
        let kit_alone = [("GIALAB", ""), ("WORK", "")];
        let output = script(&lab, &kit.join("cuda.sh"), &arguments, &kit_alone);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let table = table(&out);
        assert!(table.starts_with("# gialab of-a-test on cuda"), "{table}");
        assert!(table.contains("Dry: no NVIDIA driver"), "{table}");
        for step in steps {
            let expected = if *step == "doctor" { "ok" } else { "dry" };
            assert_eq!(outcome(&table, step), expected, "{table}");
        }
        assert!(text(&output.stdout).ends_with(&table), "the table is printed at the end");
    }
}

#[test]
fn its_steps_measure_attack_and_go_on_after_a_kill() {
    let lab = Lab::new();
    let out = lab.path("out");
    let environment = [
        ("BACKEND", "flex"),
        ("WORKLOADS", "dlg-lenet-b1 no-such-workload"),
        ("ONLY", "first preset resume torch"),
        ("TORCH_BASELINE", "/nonexistent"),
    ];
    let arguments = ["--run", out.to_str().unwrap(), "/nonexistent/python"];
    let output = script(&lab, SCRIPT.as_ref(), &arguments, &environment);
    // A workload is not there, and PyTorch is not.
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let table = table(&out);
    assert!(table.contains("1 workloads measured, 1 failed"), "{table}");
    assert_eq!(outcome(&table, "preset"), "ok", "{table}");
    let psnr = table.split("PSNR ").nth(1).and_then(|rest| rest.split(' ').next());
    assert!(psnr.unwrap().parse::<f64>().unwrap() >= 40.0, "{table}");
    assert_eq!(outcome(&table, "resume"), "ok", "{table}");
    assert!(table.contains("has no torch"), "{table}");
    let row = table.lines().find(|line| line.starts_with("| dlg-lenet-b1 |")).unwrap();
    let cells: Vec<&str> = row.split('|').map(str::trim).collect();
    assert!(cells[2].parse::<f64>().unwrap() > 0.0 && cells[3].parse::<f64>().unwrap() > 0.0, "{row}");
    assert_eq!(cells[4..9], ["n/a"; 5], "{row}");
}
