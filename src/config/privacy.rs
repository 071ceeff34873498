//! The differential privacy that a client's post-processing has, where it has any.

use std::fmt;

use serde::Serialize;

use super::RunConfig;
use crate::catalogue::defence::Stage;
use crate::privacy::{Account, Mechanism};

/// What DP-SGD promises to one sample of the attacked client in a whole run: added to the batch or taken out of it, all
/// that the client sends differs by at most this. Nobody need be trusted, as the client clips and adds the noise itself.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Privacy {
    /// Epsilon; infinite if the noise is too small for a finite one.
    pub epsilon: f64,
    /// Delta.
    pub delta: f64,
    /// Updates that the client sends at most. The batch is in all of them: no draw of samples is counted in its favour.
    pub releases: u32,
}

impl fmt::Display for Privacy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Privacy { epsilon, delta, releases } = self;
        let updates = if *releases == 1 { "1 update".to_owned() } else { format!("{releases} updates") };
        write!(
            f,
            "epsilon {epsilon:.2} at delta {delta:e} for one sample added or taken out, in {updates}, noise added by the client, no credit for sampling"
        )
    }
}

impl RunConfig {
    /// What the client's post-processing promises. Nothing if it promises nothing: clipping or noise alone does not, nor
    /// does noise that is followed by a step which looks at the samples again.
    pub fn privacy(&self) -> Option<Privacy> {
        if self.victim.captured.is_some() {
            return None;
        }
        let read: Vec<_> =
            self.post.iter().enumerate().map(|(at, step)| step.read(at)).collect::<Result<_, _>>().ok()?;
        let is_private = |(defence, _): &&(&crate::catalogue::defence::Defence, _)| defence.name == PRIVATE;
        let (_, settings) = read.iter().find(is_private)?;
        // Of mixtures a sample is in several.
        if read.iter().any(|(defence, _)| defence.stage == Stage::Data) {
            return None;
        }
        let first = read.iter().position(|step| is_private(&step))?;
        // A step on the update cannot come before one on the gradients it is made of: there is no such run.
        let acts_on_update =
            |(defence, settings): &(&crate::catalogue::defence::Defence, super::Settings)| {
                matches!(defence.stage, Stage::Batch | Stage::Update) && settings.word("of") != "sample"
            };
        if read[..first].iter().any(acts_on_update) {
            return None;
        }
        let last = read.iter().rposition(|step| is_private(&step))?;
        if read[last..].iter().any(|(defence, _)| defence.stage == Stage::Batch) {
            return None;
        }
        let delta = settings.number("delta");
        let releases =
            self.rounds().max(self.attacked_rounds().into_iter().max().unwrap_or(0).saturating_add(1));
        let mechanism = Mechanism::new(settings.number("noise_multiplier"), 1.0).ok()?;
        let epsilon = mechanism.epsilon(Account::ClosedForm, u64::from(releases), delta).ok()?;
        Some(Privacy { epsilon, delta, releases })
    }
}

/// The defence that promises something.
const PRIVATE: &str = "dp-sgd";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use crate::config::{RunConfig, preset};

    fn config(changes: &[&str]) -> RunConfig {
        let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
        preset::load("ig-lenet", &changes, Path::new("/nonexistent")).unwrap().config
    }

    const DP: &str = "{ kind = \"dp-sgd\", norm = 1.0, noise_multiplier = 1.0 }";

    #[test]
    fn an_epsilon_counts_every_update_of_the_client() {
        let one = config(&[&format!("post=[{DP}]")]).privacy().unwrap();
        assert_eq!((one.delta, one.releases), (1e-5, 1));
        assert!((one.epsilon - 4.3772).abs() < 1e-4, "{one:?}");
        let told = "epsilon 4.38 at delta 1e-5 for one sample added or taken out, in 1 update, noise added by the client, no credit for sampling";
        assert_eq!(one.to_string(), told);
        let federation = ["federation.clients=5", "federation.learning_rate=0.1", "federation.rounds=20"];
        let post = format!("post=[{DP}]");
        let changes = [&federation[..], &[&post]].concat();
        let many = config(&changes).privacy().unwrap();
        assert_eq!(many.releases, 20);
        assert!(many.epsilon > 20.0, "{many:?}");
        // What comes after the noise and looks at nothing but the update takes nothing away.
        assert_eq!(config(&[&format!("post=[{DP}, {{ kind = \"sign\" }}]")]).privacy(), Some(one));
    }

    #[test]
    fn clipping_or_noise_alone_promises_nothing_nor_does_noise_before_another_look_at_the_samples() {
        for steps in [
            "{ kind = \"clip\", norm = 1.0, of = \"sample\" }, { kind = \"gaussian-noise\", sigma = 1.0 }"
                .to_owned(),
            format!("{DP}, {{ kind = \"soteria\", share = 0.5 }}"),
            format!("{DP}, {{ kind = \"censor\" }}"),
            format!("{{ kind = \"mixup\" }}, {DP}"),
            format!("{{ kind = \"clip\", norm = 1.0 }}, {DP}"),
        ] {
            assert_eq!(config(&[&format!("post=[{steps}]")]).privacy(), None, "{steps}");
        }
    }
}
