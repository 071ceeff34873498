//! A server that others use too: what they can see, what holds a run, what a worker that was killed leaves behind.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::lab::{LONG, Lab, QUICK, kill, text, write};

/// So long that it is never waited for.
fn endless() -> Vec<&'static str> {
    LONG.iter().chain(&["--set", "attack.iterations=1000000"]).copied().collect()
}

fn pid(lab: &Lab, run: &str) -> u64 {
    lab.manifest(run)["pid"].as_u64().unwrap()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Runs a line of the shell as another user.
fn as_nobody(line: &str) -> std::process::Output {
    Command::new("su").args(["nobody", "-s", "/bin/sh", "-c", line]).output().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

fn below(path: &Path) -> Vec<PathBuf> {
    let mut all = vec![path.to_path_buf()];
    if path.is_dir() {
        all.extend(fs::read_dir(path).unwrap().flatten().flat_map(|item| below(&item.path())));
    }
    all
}

fn fifo(path: &Path) -> String {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    path.to_str().unwrap().to_owned()
}

#[test]
fn what_is_written_is_private_whatever_the_umask_and_an_export_obeys_it() {
    let lab = Lab::new();
    for umask in ["000", "022", "277"] {
        let before = format!("umask {umask}");
        let arguments: Vec<&str> = ["run"].iter().chain(&QUICK).copied().collect();
        let output = lab.under(&before, &arguments);
        assert!(output.status.success(), "{umask}: {}", text(&output.stderr));
        for path in below(&lab.path("data")) {
            let wanted = if path.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode(&path), wanted, "umask {umask}: {}", path.display());
        }
    }
    let captured = lab.path("captured");
    let arguments = ["capture", "dlg-lenet", "--out", captured.to_str().unwrap()];
    assert!(lab.under("umask 000", &arguments).status.success());
    assert!(below(&captured).iter().all(|path| mode(path) == if path.is_dir() { 0o700 } else { 0o600 }));
    for (umask, wanted) in [("022", 0o644), ("077", 0o600), ("002", 0o664)] {
        let out = lab.path(&format!("table-{umask}.json"));
        let arguments = ["export", "last", "--to", "json", "--out", out.to_str().unwrap()];
        assert!(lab.under(&format!("umask {umask}"), &arguments).status.success());
        assert_eq!(mode(&out), wanted, "umask {umask}");
    }
}

#[test]
fn another_user_sees_nothing_and_can_hold_nothing() {
    if !is_root() {
        eprintln!("skipped: only root can be somebody else");
        return;
    }
    let lab = Lab::new();
    let run = lab.detach(&endless());
    lab.wait_for_checkpoint(&run);
    // All that leads there is open; the runs are not.
    let folder = lab.path("data").parent().unwrap().to_path_buf();
    for path in [folder.as_path(), &lab.path("data")] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let directory = lab.run_path(&run);
    let shown = directory.display();
    for line in [
        format!("ls {shown}"),
        format!("cat {shown}/manifest.json"),
        format!("flock -n {shown}/lock true"),
        format!("touch {shown}/control"),
    ] {
        assert!(!as_nobody(&line).status.success(), "{line}");
    }
    let program = lab.path("gialab");
    fs::copy(env!("CARGO_BIN_EXE_gialab"), &program).unwrap();
    let list = format!("HOME=/tmp {} list --data-dir {}", program.display(), lab.path("data").display());
    let output = as_nobody(&list);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("Permission denied") && error.trim().lines().count() == 1, "{error}");
    lab.succeed(&["stop", &run]);
}

#[test]
fn a_lock_that_a_stranger_holds_on_an_old_open_run_is_no_workers() {
    if !is_root() || Command::new("flock").arg("--version").output().is_err() {
        eprintln!("skipped: only root can be somebody else, by su and flock");
        return;
    }
    let lab = Lab::new();
    let run = lab.detach(&LONG);
    lab.wait_for_checkpoint(&run);
    lab.succeed(&["stop", &run]);
    // As an earlier gialab left it under a umask of 022.
    let lock = lab.run_path(&run).join("lock");
    let folder = lab.path("data").parent().unwrap().to_path_buf();
    for path in [folder, lab.path("data"), lab.path("data").join("runs"), lab.run_path(&run)] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::set_permissions(&lock, fs::Permissions::from_mode(0o644)).unwrap();
    let line = format!("exec flock {} sh -c 'echo held; exec cat'", lock.display());
    let mut stranger = Command::new("su")
        .args(["nobody", "-s", "/bin/sh", "-c", &line])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = [0; 4];
    std::io::Read::read_exact(stranger.stdout.as_mut().unwrap(), &mut said).unwrap();
    lab.succeed(&["resume", &run]);
    assert_eq!(lab.status(&run), "done");
    assert_eq!((mode(&lock), mode(&lab.run_path(&run))), (0o600, 0o700));
    // It goes when there is nothing more to read.
    drop(stranger.stdin.take());
    stranger.wait().unwrap();
}

#[test]
fn doctor_names_what_is_open_and_closes_it() {
    let lab = Lab::new();
    lab.succeed(&["run", QUICK[0], "--trials", "1", "--set", "attack.iterations=3"]);
    let all = below(&lab.path("data").join("runs"));
    for path in &all {
        let open = if path.is_dir() { 0o755 } else { 0o644 };
        fs::set_permissions(path, fs::Permissions::from_mode(open)).unwrap();
    }
    let said = lab.succeed(&["doctor"]);
    let run = all.iter().find(|path| path.join("manifest.json").exists()).unwrap();
    assert!(said.contains("others can look into") && said.contains("doctor --fix"), "{said}");
    assert!(said.contains(run.to_str().unwrap()), "{said}");
    let said = lab.succeed(&["doctor", "--fix"]);
    assert!(!said.contains("others can look into") && said.contains("closed"), "{said}");
    assert!(all.iter().all(|path| mode(path) & 0o077 == 0));
    assert!(!lab.succeed(&["doctor"]).contains("others can look into"));
}

#[test]
fn nothing_is_written_through_a_link() {
    let lab = Lab::new();
    let run = lab.detach(&LONG);
    lab.wait_for_checkpoint(&run);
    lab.succeed(&["stop", &run]);
    let directory = lab.run_path(&run);
    let theirs = lab.path("theirs");
    for name in ["events.jsonl", "run.log", "lock"] {
        write(&theirs, b"kept");
        let (there, aside) = (directory.join(name), lab.path("aside"));
        fs::rename(&there, &aside).unwrap();
        symlink(&theirs, &there).unwrap();
        let error = lab.fail(&["resume", &run], 1);
        assert!(error.contains(name) && error.contains("symbolic link"), "{name}: {error}");
        assert_eq!(fs::read_to_string(&theirs).unwrap(), "kept", "{name}");
        fs::remove_file(&there).unwrap();
        fs::rename(&aside, &there).unwrap();
    }
    // What is replaced as a whole takes the place of the link.
    for name in ["control", "manifest.json", "checkpoint.safetensors"] {
        let there = directory.join(name);
        let target = lab.path(name);
        fs::rename(&there, &target).unwrap();
        symlink(&target, &there).unwrap();
    }
    let pictures = directory.join("pictures");
    fs::rename(&pictures, lab.path("pictures")).unwrap();
    symlink(lab.path("pictures"), &pictures).unwrap();
    let error = lab.fail(&["resume", &run], 1);
    assert!(error.contains("is a symbolic link"), "{error}");
    fs::remove_file(&pictures).unwrap();
    let moved = lab.path("moved");
    fs::rename(&directory, &moved).unwrap();
    symlink(&moved, &directory).unwrap();
    let error = lab.fail(&["resume", &run], 1);
    assert!(error.contains("is a symbolic link"), "{error}");
    fs::remove_file(&directory).unwrap();
    fs::rename(&moved, &directory).unwrap();
    // The directory of pictures is made anew.
    lab.succeed(&["resume", &run]);
    assert!(directory.join("pictures/truth.png").exists());
    assert!(!fs::symlink_metadata(directory.join("manifest.json")).unwrap().is_symlink());
}

#[test]
fn a_suspended_worker_is_alive_is_kept_and_can_be_stopped() {
    let lab = Lab::new();
    let run = lab.detach(&endless());
    lab.wait_for_checkpoint(&run);
    kill(pid(&lab, &run), "-STOP");
    // Silent for long, and by a clock that is wrong.
    let manifest = lab.run_path(&run).join("manifest.json");
    let mut content = lab.manifest(&run);
    content["heartbeat"] = 1e9.into();
    write(&manifest, content.to_string().as_bytes());
    assert_eq!(lab.status(&run), "running");
    let error = lab.fail(&["resume", &run], 1);
    assert!(error.contains("is being computed by process"), "{error}");
    let store = gialab::run::Store::in_data_dir(&lab.path("data"));
    let error = store.delete(&gialab::run::RunDirectory::at(lab.run_path(&run))).unwrap_err().to_string();
    assert!(error.contains("is being computed"), "{error}");
    // Nor while its manifest is not readable.
    write(&manifest, b"{");
    assert!(store.delete(&gialab::run::RunDirectory::at(lab.run_path(&run))).is_err());
    write(&manifest, content.to_string().as_bytes());
    lab.succeed(&["stop", &run]);
    assert_eq!(lab.status(&run), "stopped");
}

#[test]
fn a_number_that_another_program_has_now_is_no_worker() {
    let lab = Lab::new();
    let run = lab.detach(&LONG);
    lab.wait_for_checkpoint(&run);
    kill(pid(&lab, &run), "-9");
    lab.wait_for("the crash to show", || lab.status(&run) == "crashed");
    let manifest = lab.run_path(&run).join("manifest.json");
    let mut content = lab.manifest(&run);
    // This test's own, which is alive.
    (content["pid"], content["heartbeat"]) = (std::process::id().into(), 4e9.into());
    write(&manifest, content.to_string().as_bytes());
    assert_eq!(lab.status(&run), "crashed");
    let error = lab.fail(&["stop", &run], 1);
    assert!(error.contains("is not running: it is crashed"), "{error}");
    lab.succeed(&["resume", &run]);
    assert_eq!(lab.status(&run), "done");
}

#[test]
fn a_run_whose_worker_never_came_can_be_resumed_at_once() {
    let lab = Lab::new();
    let run = lab.detach(&QUICK);
    lab.wait_for("the end", || lab.status(&run) == "done");
    let manifest = lab.run_path(&run).join("manifest.json");
    let mut content = lab.manifest(&run);
    (content["pid"], content["status"]) = (0.into(), "queued".into());
    content["heartbeat"] = 4e9.into();
    write(&manifest, content.to_string().as_bytes());
    assert_eq!(lab.status(&run), "crashed");
    assert!(lab.succeed(&["show", &run]).contains("its worker never began"));
    fs::remove_file(lab.run_path(&run).join("result.json")).unwrap();
    lab.succeed(&["resume", &run]);
    assert_eq!(lab.status(&run), "done");
}

#[test]
fn a_worker_that_was_killed_says_by_what() {
    let lab = Lab::new();
    let arguments: Vec<&str> = ["run"].iter().chain(&endless()).copied().collect();
    let mut viewer = lab
        .command(&arguments)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let runs = lab.path("data").join("runs");
    let name = || fs::read_dir(&runs).ok()?.flatten().next()?.file_name().into_string().ok();
    lab.wait_for("the run", || name().is_some());
    let run = name().unwrap();
    lab.wait_for_checkpoint(&run);
    let left = lab.run_path(&run).join(format!(".gialab-{}-00ff.tmp", pid(&lab, &run)));
    kill(pid(&lab, &run), "-9");
    assert_eq!(viewer.wait().unwrap().code(), Some(1));
    let mut error = String::new();
    std::io::Read::read_to_string(viewer.stderr.as_mut().unwrap(), &mut error).unwrap();
    // Memory is blamed where it is not known that there was enough.
    let by = [
        ", probably out of memory",
        ": by hand or by a limit, for the system has not killed for want of memory",
    ];
    let says = |text: &str| by.iter().any(|by| text.contains(&format!("killed by signal 9{by}")));
    assert!(says(&error), "{error}");
    assert!(error.contains(&format!("gialab resume {run}")) && error.trim().lines().count() == 1, "{error}");
    let shown = lab.succeed(&["show", &run]).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(says(&shown), "{shown}");
    assert!(lab.succeed(&["list"]).contains("killed by signal 9"));
    // What it had half written goes when it goes on.
    write(&left, b"half");
    lab.succeed(&["resume", &run, "--detach"]);
    assert!(!left.exists());
    lab.succeed(&["stop", &run]);
}

/// Nobody saw it end, so what is said is no more than what is known.
#[test]
fn a_worker_that_nobody_saw_end_is_said_to_be_gone() {
    let lab = Lab::new();
    let run = lab.detach(&endless());
    lab.wait_for_checkpoint(&run);
    kill(pid(&lab, &run), "-9");
    lab.wait_for("its end", || lab.status(&run) == "crashed");
    let shown = lab.succeed(&["show", &run]).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        shown.contains("gone without a word: it was killed, by hand or by a limit")
            || shown.contains("gone without a word: it was killed, or its machine lost power"),
        "{shown}"
    );
    assert!(!shown.contains("probably out of memory"), "{shown}");
    assert!(lab.succeed(&["list"]).contains("crashed"));
}

#[test]
fn a_start_that_fails_says_why_at_once() {
    let lab = Lab::new();
    let arguments: Vec<&str> = ["run"].iter().chain(&QUICK).copied().collect();
    // Somewhere on the way down the worker does not come up any more.
    for kilobytes in [200_000, 120_000, 80_000, 60_000, 50_000] {
        let output = lab.under(&format!("ulimit -v {kilobytes}"), &arguments);
        let error = text(&output.stderr);
        assert!(output.status.success() || !error.is_empty(), "{kilobytes} kB: {output:?}");
        let list = lab.succeed(&["list"]);
        assert!(!list.contains("queued") && !list.contains("running"), "{kilobytes} kB: {list}");
    }
}

#[test]
fn the_limit_of_address_space_is_counted_as_memory() {
    let lab = Lab::new();
    let big = ["run", "ig-resnet18", "--set", "victim.indices=[0,1,2,3]", "--detach"];
    let output = lab.under("ulimit -v 400000", &big);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("left of the limit of address space (ulimit -v)"), "{error}");
    let said = text(&lab.under("ulimit -v 400000", &["doctor"]).stdout);
    assert!(said.contains("address space (ulimit -v); this one binds"), "{said}");
}

/// A control group of version 1 or 2 with so many bytes, if this machine lets one be made.
struct Group(PathBuf);

impl Group {
    fn new(bytes: u64) -> Option<Group> {
        let name = format!("gialab-test-{}", std::process::id());
        let one = Path::new("/sys/fs/cgroup/memory").join(&name);
        let two = Path::new("/sys/fs/cgroup").join(&name);
        for (path, limit) in [(one, "memory.limit_in_bytes"), (two, "memory.max")] {
            if fs::create_dir(&path).is_ok() {
                let group = Group(path);
                if fs::write(group.0.join(limit), bytes.to_string()).is_ok() {
                    return Some(group);
                }
            }
        }
        None
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // It may still be emptying.
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn the_limit_of_a_control_group_is_counted_as_memory() {
    let Some(group) = Group::new(150 << 20) else {
        eprintln!("skipped: no control group can be made here");
        return;
    };
    let lab = Lab::new();
    let enter = format!("echo $$ > {}/cgroup.procs", group.0.display());
    let said = text(&lab.under(&enter, &["doctor"]).stdout);
    assert!(said.contains("left of the control group's limit") && said.contains("this one binds"), "{said}");
    let big = ["run", "ig-resnet18", "--set", "victim.indices=[0,1,2,3]", "--detach"];
    let output = lab.under(&enter, &big);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("left of the control group's limit"), "{error}");
}

#[test]
fn the_least_of_what_is_given_decides_the_threads() {
    let lab = Lab::new();
    let threads = |variables: &[(&str, &str)]| {
        let mut command = lab.command(&["doctor", "--json"]);
        for name in ["RAYON_NUM_THREADS", "SLURM_CPUS_PER_TASK", "OMP_NUM_THREADS"] {
            command.env_remove(name);
        }
        let output = command.envs(variables.iter().copied()).output().unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let machine = &report["machine"];
        (machine["threads"].as_u64().unwrap(), machine["threads_by"].as_str().unwrap().to_owned())
    };
    assert_eq!(threads(&[("RAYON_NUM_THREADS", "3")]), (3, "RAYON_NUM_THREADS".into()));
    assert_eq!(threads(&[("SLURM_CPUS_PER_TASK", "1")]).0, 1);
    assert_eq!(threads(&[("OMP_NUM_THREADS", "1"), ("SLURM_CPUS_PER_TASK", "2")]).0, 1);
    assert_eq!(threads(&[("SLURM_CPUS_PER_TASK", "4096")]), threads(&[]));
    let all: Vec<(&str, &str)> = vec![("RAYON_NUM_THREADS", "5"), ("OMP_NUM_THREADS", "1")];
    assert_eq!(threads(&all).0, 5);
}

#[test]
fn a_run_goes_on_with_the_threads_that_it_began_with() {
    let lab = Lab::new();
    let arguments: Vec<&str> = ["run", "--detach"].iter().chain(&LONG).copied().collect();
    let begin = lab.command(&arguments).env("RAYON_NUM_THREADS", "3").output().unwrap();
    let run = text(&begin.stdout).trim().to_owned();
    lab.wait_for_checkpoint(&run);
    lab.succeed(&["stop", &run]);
    assert_eq!(lab.manifest(&run)["threads"], 3);
    lab.succeed(&["resume", &run, "--detach"]);
    assert_eq!(lab.manifest(&run)["threads"], 3);
    lab.gialab(&["stop", &run]);
    let other = lab.command(&["resume", &run]).env("RAYON_NUM_THREADS", "2").output().unwrap();
    if other.status.success() {
        assert!(
            text(&other.stdout).contains("began with 3 threads and goes on with 2"),
            "{}",
            text(&other.stdout)
        );
    }
}

#[test]
fn a_pipe_is_refused_wherever_a_file_is_read() {
    let lab = Lab::new();
    let pipe = fifo(&lab.path("pipe"));
    let presets = lab.path("config").join("gialab/presets");
    fs::create_dir_all(&presets).unwrap();
    let says = |error: &str| {
        let words = ["it is a pipe", "is not a file", "is neither a file nor a folder"];
        assert!(words.iter().any(|word| error.contains(word)), "{error}");
    };
    for arguments in [
        &["run", &pipe] as &[&str],
        &["run", "dlg-lenet", "--image", &pipe],
        &["run", "dlg-lenet", "--set", &format!("victim.data={pipe}")],
        &["run", "dlg-lenet", "--set", &format!("victim.weights={pipe}")],
        &["run", "dlg-lenet", "--set", &format!("run.lpips={pipe}")],
    ] {
        says(&lab.fail(arguments, 2));
    }
    says(&lab.fail(&["inspect", &pipe], 1));
    for name in ["x.png", "x.csv", "x.bin", "x-images-idx3-ubyte", "x.npz", "x.pth"] {
        let path = fifo(&lab.path(name));
        says(&lab.fail(&["run", "dlg-lenet", "--set", &format!("victim.data={path}")], 2));
    }
    fifo(&presets.join("mine.toml"));
    let output = lab.gialab(&["presets"]);
    assert!(output.status.success() && text(&output.stderr).contains("pipe"), "{}", text(&output.stderr));
    fs::remove_file(presets.join("mine.toml")).unwrap();
    for name in ["config.toml", "keymap.toml"] {
        fifo(&lab.path("config").join("gialab").join(name));
        assert!(text(&lab.gialab(&["doctor"]).stdout).contains("pipe"), "{name}");
        fs::remove_file(lab.path("config").join("gialab").join(name)).unwrap();
    }
}

#[test]
fn a_pipe_in_a_run_hangs_nobody() {
    let lab = Lab::new();
    for name in [
        "manifest.json",
        "events.jsonl",
        "control",
        "lock",
        "run.log",
        "checkpoint.safetensors",
        "result.json",
        "pictures/truth.png",
    ] {
        let run = lab.detach(&LONG);
        lab.wait_for_checkpoint(&run);
        lab.succeed(&["stop", &run]);
        let path = lab.run_path(&run).join(name);
        let _ = fs::remove_file(&path);
        fifo(&path);
        lab.succeed(&["list"]);
        for arguments in [&["show", &run] as &[&str], &["export", &run, "--to", "html", "--out", "-"]] {
            let output = lab.gialab(arguments);
            assert!(!text(&output.stderr).contains("panicked"), "{name}: {}", text(&output.stderr));
        }
        let output = lab.gialab(&["resume", &run]);
        let error = text(&output.stderr);
        if !output.status.success() {
            assert!(error.contains("pipe") && error.trim().lines().count() == 1, "{name}: {error}");
        }
        lab.gialab(&["stop", &run]);
    }
}

#[test]
fn a_forged_picture_hangs_nobody() {
    let lab = Lab::new();
    let run = lab.detach(&QUICK);
    lab.wait_for("the end", || lab.status(&run) == "done");
    let log = lab.run_path(&run).join("events.jsonl");
    let lines = fs::read_to_string(&log).unwrap();
    assert!(lines.contains("\"samples\":1,\"columns\":1,"), "{lines}");
    for tiles in ["\"samples\":1000000000,\"columns\":1,", "\"samples\":1000000000,\"columns\":1000000000,"] {
        write(&log, lines.replace("\"samples\":1,\"columns\":1,", tiles).as_bytes());
        for to in ["csv", "json", "html", "png"] {
            let output = lab.gialab(&["export", &run, "--to", to, "--out", "-"]);
            assert!(!text(&output.stderr).contains("panicked"), "{to}: {}", text(&output.stderr));
        }
        lab.succeed(&["show", &run]);
    }
}

#[test]
fn nothing_that_a_file_says_acts_on_the_terminal() {
    let lab = Lab::new();
    let hostile = "evil\x1b]0;title\x07\u{9b}2J\rx";
    let acts = |bytes: &[u8]| text(bytes).contains(|c: char| c.is_control() && c != '\n');
    let quiet = |arguments: &[&str]| {
        let output = lab.gialab(arguments);
        assert!(!acts(&output.stdout), "{arguments:?}: {:?}", text(&output.stdout));
        assert!(!acts(&output.stderr), "{arguments:?}: {:?}", text(&output.stderr));
    };
    let run = lab.detach(&QUICK);
    lab.wait_for("the end", || lab.status(&run) == "done");
    let mut content = lab.manifest(&run);
    for key in ["preset", "host", "error", "backend", "gialab"] {
        content[key] = hostile.into();
    }
    content["config"]["title"] = format!("{hostile}\nfake line").into();
    content["config"]["victim"]["data"] = hostile.into();
    write(&lab.run_path(&run).join("manifest.json"), content.to_string().as_bytes());
    let log = lab.run_path(&run).join("events.jsonl");
    let line = serde_json::json!({"v": 1, "t": 0.0, "event": "log", "level": "info", "message": hostile});
    write(&log, format!("{line}\n{}", fs::read_to_string(&log).unwrap()).as_bytes());
    assert!(!lab.succeed(&["show", &run]).contains("\nfake line"));
    let elsewhere = lab.path("data").join("runs").join(hostile);
    fs::create_dir(&elsewhere).unwrap();
    let presets = lab.path("config").join("gialab/presets");
    fs::create_dir_all(&presets).unwrap();
    let preset = lab.succeed(&["presets", "dlg-lenet"]);
    let named = preset.replacen("title = \"", "title = \"\\u001b]0;x\\u0007\\u009b", 1);
    write(&presets.join("mine.toml"), named.as_bytes());
    write(&presets.join(format!("{hostile}.toml")), b"title = 1");
    for to in ["csv", "json", "html"] {
        quiet(&["export", &run, "--to", to, "--out", "-"]);
    }
    let image = lab.path(hostile);
    write(&image, b"no picture");
    for arguments in [
        &["show", &run] as &[&str],
        &["show", hostile],
        &["list"],
        &["list", "--json"],
        &["presets"],
        &["presets", "mine"],
        &["presets", hostile],
        &["inspect", image.to_str().unwrap()],
        &["run", "dlg-lenet", "--image", image.to_str().unwrap()],
        &["run", "dlg-lenet", "--set", &format!("victim.data={hostile}")],
        &["run", "dlg-lenet", "--set", hostile],
        &["resume", hostile],
        &["stop", hostile],
        &["export", hostile, "--to", "csv"],
        &["doctor"],
        &["doctor", "--json"],
        &["probe", hostile],
        &["run", "dlg-lenet", "--require", hostile],
        &["bench", "--workload", hostile],
        &["no-such-command\x1b[31m"],
    ] {
        quiet(arguments);
    }
}

#[test]
fn no_name_is_a_formula_in_a_table() {
    let lab = Lab::new();
    let run = lab.detach(&QUICK);
    lab.wait_for("the end", || lab.status(&run) == "done");
    let mut content = lab.manifest(&run);
    for (key, word) in [("preset", "=1+1"), ("host", "@SUM(A1)"), ("backend", "+cmd"), ("gialab", "\t-x")] {
        content[key] = word.into();
    }
    write(&lab.run_path(&run).join("manifest.json"), content.to_string().as_bytes());
    let table = lab.succeed(&["export", &run, "--to", "csv", "--out", "-"]);
    let mut rows = csv::Reader::from_reader(table.as_bytes());
    let headers = rows.headers().unwrap().clone();
    let row = rows.records().next().unwrap().unwrap();
    let cell = |name: &str| row.get(headers.iter().position(|header| header == name).unwrap()).unwrap();
    assert_eq!((cell("preset"), cell("host"), cell("backend")), ("'=1+1", "'@SUM(A1)", "'+cmd"));
    let number = |name: &str| cell(name).parse::<f64>().unwrap();
    assert!(number("psnr").is_finite() && number("match").is_finite());
    assert!(row.iter().all(|cell| !cell.starts_with(['=', '+', '@', '\t', '\r'])), "{row:?}");
}
