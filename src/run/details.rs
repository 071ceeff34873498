//! What a run says of itself in full: why it failed, its settings as resolved, and its log. Every line is safe to show.

use std::fmt::Display;

use serde::Deserialize;

use super::{Health, Manifest, Pulse, RunDirectory, death, log};
use crate::{files, text};

/// The three texts, in lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Details {
    /// Why it failed or is gone; absent if it did neither.
    pub failure: Option<Vec<String>>,
    /// Where it computed, and its config as resolved.
    pub settings: Vec<String>,
    /// The end of what its worker, libraries and drivers said.
    pub log: Vec<String>,
}

impl Details {
    /// Reads them; what cannot be read says why.
    pub fn read(directory: &RunDirectory) -> Self {
        let log = log::end(&directory.log_path());
        match directory.manifest() {
            Ok(manifest) => {
                let health = Pulse::default().health(directory, &manifest);
                let failure = failure(directory, &manifest, health);
                Details { failure, settings: settings(&manifest), log }
            }
            Err(error) => {
                let unknown = "they are in manifest.json, which cannot be read".to_owned();
                Details { failure: Some(lines(error)), settings: vec![unknown], log }
            }
        }
    }
}

fn failure(directory: &RunDirectory, manifest: &Manifest, health: Health) -> Option<Vec<String>> {
    match (whole_error(directory), health) {
        (Some(error), _) => Some(lines(error)),
        (None, Health::Crashed) => Some(lines(death::of_silence(manifest))),
        (None, Health::Failed) => Some(vec!["no reason was given; its log may say why".to_owned()]),
        (None, _) => None,
    }
}

/// The reason as it was written, of which [`Manifest::in_lines`] makes one line.
fn whole_error(directory: &RunDirectory) -> Option<String> {
    #[derive(Deserialize)]
    struct Reason {
        error: Option<String>,
    }
    let manifest = files::read(&directory.manifest_path(), files::DOCUMENT).ok()?;
    serde_json::from_slice::<Reason>(&manifest).ok()?.error
}

fn settings(manifest: &Manifest) -> Vec<String> {
    let threads = manifest.threads.map_or_else(String::new, |threads| format!(", {threads} threads"));
    let mut text = format!(
        "# {}, preset {}\n# {}{threads} on {}, gialab {}, burn {}\n\n",
        manifest.run, manifest.preset, manifest.backend, manifest.host, manifest.gialab, manifest.burn
    );
    match toml::to_string_pretty(&manifest.config) {
        Ok(config) => text.push_str(&config),
        Err(error) => text.push_str(&format!("the config cannot be written as TOML: {error}")),
    }
    lines(text)
}

fn lines(text: impl Display) -> Vec<String> {
    let plain = |line: &str| text::one_line(&line.trim_end().replace('\t', "    ")).into_owned();
    text.to_string().lines().map(plain).collect()
}

#[cfg(all(test, feature = "tui"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::run::Store;
    use crate::tui::fixture::{self, NOW};

    #[test]
    fn the_whole_failure_the_settings_and_the_log_are_read_and_nothing_in_them_acts() {
        let data = tempfile::tempdir().unwrap();
        let store = Store::in_data_dir(data.path());
        let run = fixture::write_run(&store, "dlg-lenet", Health::Failed, NOW);
        let mut manifest = run.manifest().unwrap();
        manifest.error = Some("first line\n\tat \u{1b}[31mframe\u{7}".into());
        run.write_manifest(&manifest).unwrap();
        std::fs::write(run.log_path(), "\u{1b}]0;title\u{7}began\nended\n").unwrap();
        let details = Details::read(&run);
        assert_eq!(details.failure.unwrap(), ["first line", "    at ?[31mframe?"]);
        assert_eq!(details.log, ["began", "ended"]);
        assert!(details.settings[0].contains("preset dlg-lenet"), "{:?}", details.settings);
        let toml: Vec<&str> = details.settings.iter().map(String::as_str).collect();
        assert_eq!(toml::from_str::<crate::config::RunConfig>(&toml.join("\n")).unwrap(), manifest.config);
    }

    #[test]
    fn a_run_that_is_well_has_no_failure_and_one_that_is_gone_says_so() {
        let data = tempfile::tempdir().unwrap();
        let store = Store::in_data_dir(data.path());
        let run = fixture::write_run(&store, "dlg-lenet", Health::Done, NOW);
        assert_eq!(Details::read(&run).failure, None);
        std::fs::remove_dir_all(run.path()).unwrap();
        let details = Details::read(&run);
        assert!(details.failure.unwrap()[0].contains("is gone, deleted or moved"));
        assert!(details.log.is_empty());
    }
}
