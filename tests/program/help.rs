//! Help, manual and completions, as a newcomer and a packager get them.

use std::process::{Command, Stdio};

use crate::lab::{Lab, text, write};

/// Commands that a user sees.
const COMMANDS: [&str; 16] = [
    "run",
    "resume",
    "stop",
    "list",
    "rm",
    "show",
    "compare",
    "export",
    "presets",
    "inspect",
    "models",
    "probe",
    "train",
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

#[test]
fn every_shell_completes_every_command() {
    let lab = Lab::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = lab.succeed(&["completions", shell]);
        for word in COMMANDS.iter().chain(&["data-dir", "require"]) {
            assert!(script.contains(word), "{shell}: {word}");
        }
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
}

#[test]
fn bash_offers_commands_and_formats() {
    let lab = Lab::new();
    let path = write(&lab.path("gialab.bash"), lab.succeed(&["completions", "bash"]).as_bytes());
    let offered = |words: &str, last: usize| {
        let script = format!(
            "source {path}; COMP_WORDS=({words}); COMP_CWORD={last}; \
             _gialab gialab \"${{COMP_WORDS[{last}]}}\" \"${{COMP_WORDS[{last} - 1]}}\"; echo \"${{COMPREPLY[*]}}\""
        );
        let Ok(output) = Command::new("bash").args(["-c", &script]).output() else { return None };
        Some(text(&output.stdout).trim().to_owned())
    };
    let Some(commands) = offered("gialab ex", 1) else { return };
    assert_eq!(commands, "export");
    assert_eq!(offered("gialab export last --to ''", 4).unwrap(), "csv json png html");
}
