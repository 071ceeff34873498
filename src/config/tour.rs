//! A way through the field: runs of seconds, each with what to know before it and what it came to.

use std::sync::OnceLock;

use serde::Deserialize;

use super::ConfigError;
use super::preset::{self, Preset};
use crate::figure::{FIGURES, Figure, Measured};

const TEXT: &str = include_str!("../../assets/tour.toml");

/// What stands behind a figure's key for that of the worst record.
const WORST: &str = "_worst";

/// A step of the tour.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What it shows, for lists.
    pub title: String,
    /// Name of the shipped preset that is run.
    pub preset: String,
    before: String,
    after: String,
}

#[derive(Default, Deserialize)]
struct Tour {
    step: Vec<Step>,
}

/// The steps, in their order.
pub fn steps() -> &'static [Step] {
    static STEPS: OnceLock<Vec<Step>> = OnceLock::new();
    STEPS.get_or_init(|| toml::from_str::<Tour>(TEXT).unwrap_or_default().step)
}

impl Step {
    /// Its run.
    ///
    /// # Errors
    /// As [`preset::load`].
    pub fn run(&self) -> Result<Preset, ConfigError> {
        preset::load(&self.preset, &[], std::path::Path::new(""))
    }

    /// What to know before it.
    pub fn before(&self) -> &str {
        &self.before
    }

    /// What it came to, with the figures of its run; a dash for what was not measured.
    pub fn after(&self, measured: &Measured<'_>) -> String {
        let mut text = self.after.clone();
        for figure in FIGURES {
            let key = figure.word.key;
            let say = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| said(figure, value));
            if text.contains(&format!("{{{key}")) {
                text = text.replace(&format!("{{{key}}}"), &say(figure.value(measured)));
                let worst = figure.spread(measured).map(|spread| spread.worst);
                text = text.replace(&format!("{{{key}{WORST}}}"), &say(worst));
            }
        }
        text
    }
}

fn said(figure: &Figure, value: f64) -> String {
    let text = figure.text(value);
    let text = text.trim();
    if figure.unit.is_empty() || text.ends_with(figure.unit) {
        text.to_owned()
    } else {
        format!("{text} {}", figure.unit)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_step_has_a_preset_of_seconds_and_names_figures_and_a_threat_model() {
        assert!(toml::from_str::<Tour>(TEXT).is_ok());
        assert_eq!(steps().len(), 6);
        let mut seconds = 0.0;
        for step in steps() {
            seconds += step.run().unwrap().config.expect.unwrap().seconds;
            assert!(step.before().contains("threat model"), "{}", step.title);
            let after = step.after(&Measured::default());
            assert!(after.contains("came back at -") && !after.contains(['{', '}']), "{after}");
            assert!(!step.before().contains('\n') && !after.contains('\n'));
        }
        assert!(seconds < 60.0, "{seconds}");
    }
}
