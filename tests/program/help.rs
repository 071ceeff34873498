//! Help, manual and completions, as a newcomer and a packager get them.

use std::process::{Command, Stdio};

use crate::lab::{Lab, text, write};

/// Commands that a user sees.
const COMMANDS: [&str; 26] = [
    "run",
    "resume",
    "stop",
    "queue",
    "list",
    "rm",
    "trash",
    "note",
    "tag",
    "rename",
    "show",
    "compare",
    "explain",
    "export",
    "presets",
    "inspect",
    "attacks",
    "defences",
    "tour",
    "models",
    "probe",
    "train",
    "effect",
    "bench",
    "doctor",
    "completions",
];

#[test]
fn help_is_as_it_was_agreed_on() {
    let lab = Lab::new();
    let in_100_columns = |arguments: &[&str]| {
        let output = lab.command(arguments).env("COLUMNS", "100").output().unwrap();
        text(&output.stdout)
    };
    insta::assert_snapshot!("help", in_100_columns(&["--help"]));
    insta::assert_snapshot!("help_short", in_100_columns(&["-h"]));
    insta::assert_snapshot!("help_run", in_100_columns(&["run", "--help"]));
    insta::assert_snapshot!("help_export", in_100_columns(&["export", "--help"]));
}

#[test]
fn every_command_explains_itself_with_an_example() {
    let lab = Lab::new();
    let overview = lab.succeed(&["--help"]);
    for command in COMMANDS {
        assert!(overview.contains(&format!("\n  {command} ")), "{command}");
        let help = lab.succeed(&[command, "--help"]);
        let (paragraph, _) = help.split_once("\nUsage:").unwrap();
        assert!(paragraph.trim().lines().count() > 2, "{command}: {paragraph}");
        assert!(help.contains(&format!("\n  gialab {command}")), "{command}: {help}");
    }
    for hidden in ["worker", "man"] {
        assert!(!overview.contains(&format!("\n  {hidden} ")), "{hidden}");
    }
}

#[test]
fn the_manual_is_as_it_was_agreed_on() {
    let lab = Lab::new();
    let page = lab.succeed(&["man"]);
    insta::assert_snapshot!("man", page.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
    let directory = lab.path("man");
    lab.succeed(&["man", "--out", directory.to_str().unwrap()]);
    for command in COMMANDS {
        let page = std::fs::read_to_string(directory.join(format!("gialab-{command}.1"))).unwrap();
        assert!(page.contains(".SH NAME") && page.contains(".SH EXAMPLE"), "{command}");
        assert!(page.contains(&format!("gialab {command}").replace('-', "\\-")), "{command}");
    }
    assert_eq!(std::fs::read_to_string(directory.join("gialab.1")).unwrap(), page);
    let file = write(&lab.path("file"), b"");
    assert!(lab.fail(&["man", "--out", &file], 1).contains("cannot write the manual"));
}

/// What gialab offers for the last of these words, asked as that shell asks.
fn offered(lab: &Lab, shell: &str, words: &[&str]) -> Vec<String> {
    let last = words.len() - 1;
    let mut command = lab.command(&[]);
    command
        .env("GIALAB_COMPLETE", shell)
        .env("_CLAP_IFS", "\n")
        .env("_CLAP_COMPLETE_INDEX", last.to_string());
    let output = command.arg("--").args(words).output().unwrap();
    assert!(output.status.success(), "{shell} {words:?}: {}", text(&output.stderr));
    // Behind a value stands its help: after a tab in fish and PowerShell, after a colon in zsh.
    let value = |line: &str| {
        let line = line.split('\t').next().unwrap_or_default();
        line.split(':').next().unwrap_or_default().to_owned()
    };
    text(&output.stdout).lines().map(value).collect()
}

#[test]
fn every_shell_is_offered_commands_presets_runs_and_settings() {
    let lab = Lab::new();
    let mine = lab.succeed(&["presets", "ig-lenet"]);
    let presets = lab.path("config/gialab/presets");
    std::fs::create_dir_all(&presets).unwrap();
    std::fs::write(presets.join("mine.toml"), mine).unwrap();
    for run in ["20260101-000000-ig-lenet", "20260102-000000-dlg-lenet", "20260103-000000-dlg-lenet"] {
        std::fs::create_dir_all(lab.run_path(run)).unwrap();
    }
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let offered = |words: &[&str]| offered(&lab, shell, words);
        let commands = offered(&["gialab", ""]);
        assert!(COMMANDS.iter().all(|command| commands.iter().any(|known| known == command)), "{commands:?}");
        assert!(!commands.iter().any(|known| known == "worker"), "{commands:?}");
        assert_eq!(offered(&["gialab", "expo"]), ["export"]);
        assert_eq!(
            offered(&["gialab", "export", "last", "--to", ""]),
            ["csv", "json", "png", "html", "latex", "svg", "pdf"]
        );
        assert_eq!(offered(&["gialab", "run", "dlg-"]), ["dlg-lenet", "dlg-digits"]);
        assert_eq!(offered(&["gialab", "run", "min"]), ["mine"], "a preset of the person's");
        let runs = offered(&["gialab", "show", ""]);
        assert!(runs.starts_with(&["last".into(), "20260103-000000-dlg-lenet".into()]), "{runs:?}");
        assert_eq!(offered(&["gialab", "stop", "ig-len"]), ["20260101-000000-ig-lenet"], "the only one");
        assert_eq!(offered(&["gialab", "rm", "last", "20260102"]), ["20260102-000000-dlg-lenet"]);
        let keys = offered(&["gialab", "run", "ig-lenet", "--set", "attack.optimiser.l"]);
        let expected =
            ["attack.optimiser.lr=", "attack.optimiser.langevin=", "attack.optimiser.line_search="];
        assert_eq!(keys, expected);
        let values = offered(&["gialab", "train", "ig-lenet", "--set", "attack.distance="]);
        assert_eq!(values[..3], ["attack.distance=l2", "attack.distance=cosine", "attack.distance=l1"]);
        assert_eq!(offered(&["gialab", "study", "export", "m1", "--to", "svg", "--along", ""]), ["round"]);
        assert_eq!(
            offered(&["gialab", "run", "x", "--set", "victim.model=resnet18-"]),
            ["victim.model=resnet18-imagenet"]
        );
    }
    // Runs of the directory that the line names.
    let other = lab.path("other");
    std::fs::create_dir_all(other.join("runs/elsewhere")).unwrap();
    let words = ["gialab", "--data-dir", other.to_str().unwrap(), "show", "else"];
    assert_eq!(offered(&lab, "fish", &words), ["elsewhere"]);
}

#[test]
fn every_shell_reads_its_script() {
    let lab = Lab::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = lab.succeed(&["completions", shell]);
        assert!(script.contains("GIALAB_COMPLETE") && script.contains("gialab"), "{shell}: {script}");
        // Those shells that are here read it without complaint.
        if ["bash", "zsh", "fish"].contains(&shell) {
            let path = write(&lab.path(shell), script.as_bytes());
            let Ok(read) = Command::new(shell).args(["-n", &path]).stdin(Stdio::null()).output() else {
                continue;
            };
            assert!(read.status.success(), "{shell}: {}", text(&read.stderr));
        }
    }
    assert_eq!(lab.gialab(&["completions", "tcsh"]).status.code(), Some(2));
    // A variable that is set to something else is one sentence.
    let output = lab.command(&["list"]).env("GIALAB_COMPLETE", "tcsh").output().unwrap();
    assert!(
        !output.status.success() && text(&output.stderr).contains("unknown shell"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn bash_completes_words_with_an_equals_sign_too() {
    let lab = Lab::new();
    let path = write(&lab.path("gialab.bash"), lab.succeed(&["completions", "bash"]).as_bytes());
    // As readline hands them over: `=` is a word of its own.
    let offered = |line: &str, words: &str, current: &str| {
        let script = format!(
            "source {path}; COMP_LINE='{line}'; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _clap_complete_gialab gialab '{current}' ''; echo \"${{COMPREPLY[*]}}\""
        );
        let mut bash = Command::new("bash");
        let asked = lab.command(&[]);
        bash.envs(asked.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = bash.args(["-c", &script]).output().ok()?;
        Some(text(&output.stdout).trim().to_owned())
    };
    let Some(commands) = offered("gialab expo", "gialab expo", "expo") else { return };
    assert_eq!(commands, "export");
    let set = "gialab run ig-lenet --set attack.distance";
    assert!(offered(&format!("{set}="), &format!("{set} ="), "").unwrap().starts_with("l2 cosine l1 "));
    assert_eq!(offered(&format!("{set}=c"), &format!("{set} = c"), "c").unwrap(), "cosine");
    // Runs are remembered by their presets, behind the time; with several the typed part stays.
    for run in ["20260101-120000-dlg-lenet", "20260102-120000-dlg-digits", "20260103-120000-ig-lenet"] {
        std::fs::create_dir_all(lab.run_path(run)).unwrap();
    }
    for command in ["compare", "export", "rm", "show", "resume", "stop", "queue hold"] {
        let line = format!("gialab {command} dlg");
        let both = offered(&line, &line, "dlg").unwrap();
        assert_eq!(both, "20260102-120000-dlg-digits 20260101-120000-dlg-lenet dlg", "{command}");
    }
    let one = offered("gialab compare ig-", "gialab compare ig-", "ig-").unwrap();
    assert_eq!(one, "20260103-120000-ig-lenet");
    let condition = "gialab run quick --require ssi";
    assert_eq!(offered(condition, condition, "ssi").unwrap(), "ssim>=");
    let filter = "gialab list --filter sta";
    assert!(offered(filter, filter, "sta").unwrap().starts_with("status:"));
    assert_eq!(offered("gialab explain st_l", "gialab explain st_l", "st_l").unwrap(), "st_lpips");
    let after = format!("{set}=l2 --backend ");
    assert_eq!(offered(&after, &format!("{set} = l2 --backend ''"), "").unwrap(), "auto flex ndarray cuda");
}
