//! The command that makes a run once more.

use crate::config::{RunConfig, preset};
use crate::run::Manifest;

/// `gialab run PRESET --set KEY=VALUE... --backend NAME`, quoted for the shell. Nothing if the run's preset is not
/// shipped with this gialab, or differs in a way that `--set` cannot say: then its config, saved as a file, is the
/// way.
pub fn command(manifest: &Manifest) -> Option<String> {
    preset::shipped_text(&manifest.preset)?;
    // One --set after the other would leave half a captured update in between.
    if manifest.config.victim.captured.is_some() {
        return None;
    }
    let nowhere = std::path::Path::new("");
    let shipped = flat(&preset::load(&manifest.preset, &[], nowhere).ok()?.config)?;
    let wanted = flat(&manifest.config)?;
    let kept = |key: &str| wanted.iter().any(|(known, _)| known == key);
    if !shipped.iter().all(|(key, _)| kept(key)) {
        return None;
    }
    let changes = wanted.iter().filter(|setting| !shipped.contains(setting));
    let mut command = format!("gialab run {}", manifest.preset);
    for (key, value) in changes {
        command += &format!(" --set {}", quoted(&format!("{key}={}", spelled(value))));
    }
    command += &format!(" --backend {}", quoted(&manifest.backend));
    Some(command)
}

/// What decides a run, by dotted key.
fn flat(config: &RunConfig) -> Option<Vec<(String, toml::Value)>> {
    fn collect(prefix: &str, table: toml::Table, into: &mut Vec<(String, toml::Value)>) {
        for (key, value) in table {
            let key = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
            match value {
                toml::Value::Table(inner) => collect(&key, inner, into),
                value => into.push((key, value)),
            }
        }
    }
    let mut table = toml::Table::try_from(config).ok()?;
    // For people alone.
    for key in ["title", "about", "group", "expect"] {
        table.remove(key);
    }
    let mut settings = Vec::new();
    collect("", table, &mut settings);
    Some(settings)
}

/// As `--set` takes it: a word stands without quotes unless it would be read as something else.
fn spelled(value: &toml::Value) -> String {
    let written = value.to_string();
    match value {
        toml::Value::String(word)
            if word.trim() == word && toml::from_str::<toml::Table>(&format!("v = {word}")).is_err() =>
        {
            word.clone()
        }
        _ => written,
    }
}

/// One word for a POSIX shell.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::run::Status;

    fn manifest(preset: &str, changes: &[&str]) -> Manifest {
        let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
        let config = preset::load(preset, &changes, Path::new("")).unwrap().config;
        Manifest {
            schema: 1,
            run: "run".into(),
            preset: preset.into(),
            config,
            weights_sha256: None,
            update_sha256: None,
            granted_sha256: Vec::new(),
            reading: crate::reading::Reading::default(),
            created: 0.0,
            gialab: "0.1.0".into(),
            burn: "0.21.0".into(),
            backend: "flex".into(),
            host: "lab".into(),
            pid: 0,
            status: Status::Done,
            heartbeat: 0.0,
            threads: None,
            memory_kills: None,
            device: None,
            chosen: None,
            standing: None,
            error: None,
        }
    }

    #[test]
    fn a_shipped_preset_is_named_with_what_was_changed() {
        assert_eq!(command(&manifest("dlg-lenet", &[])).unwrap(), "gialab run dlg-lenet --backend flex");
        let changes = [
            "victim.data=crops32",
            "attack.prior.tv=1e-3",
            "attack.optimiser.lr=0.5",
            "victim.indices=[1, 2]",
        ];
        assert_eq!(
            command(&manifest("ig-lenet", &changes)).unwrap(),
            "gialab run ig-lenet --set attack.optimiser.lr=0.5 --set attack.prior.tv=0.001 --set victim.data=crops32 \
             --set 'victim.indices=[1, 2]' --backend flex"
        );
    }

    /// Splits a command as `sh` does; only what `quoted` makes.
    fn words(command: &str) -> Vec<String> {
        let output =
            std::process::Command::new("sh").args(["-c", &format!("printf '%s\\0' {command}")]).output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        text.split_terminator('\0').map(str::to_owned).collect()
    }

    #[test]
    fn the_command_makes_the_same_config_whatever_the_path_is_called() {
        for data in
            ["/home/ada/it's mine; rm -rf $HOME.png", "/tmp/true", "/tmp/a \"b\" = [1].png", "true", "7"]
        {
            let mut manifest = manifest("dlg-lenet", &["run.seed=7", "attack.trials=2"]);
            manifest.config.victim.data = data.into();
            let words = words(&command(&manifest).unwrap());
            assert_eq!(words[..3], ["gialab", "run", "dlg-lenet"]);
            let changes: Vec<String> =
                words[3..].chunks(2).filter(|pair| pair[0] == "--set").map(|pair| pair[1].clone()).collect();
            let again = preset::load("dlg-lenet", &changes, Path::new("")).unwrap();
            assert_eq!(again.config, manifest.config, "{data}");
        }
    }

    #[test]
    fn a_file_of_the_same_name_with_less_in_it_is_no_shipped_preset() {
        let mut manifest = manifest("dlg-lenet", &[]);
        manifest.config.victim.size = None;
        assert_eq!(command(&manifest), None);
        manifest.preset = "mine".into();
        assert_eq!(command(&manifest), None);
    }
}
