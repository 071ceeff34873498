//! What the post-processing in a form does to the update, as far as it is known.

use crate::config::RunConfig;
use crate::run::effect::Effects;

/// The config that is looked at, and what came of it.
#[derive(Debug, Default)]
pub struct Preview {
    of: Option<Box<RunConfig>>,
    answer: Option<Result<Effects, String>>,
}

impl Preview {
    /// Asked of this config, or of none any more.
    pub fn of(config: Option<Box<RunConfig>>) -> Self {
        Preview { of: config, answer: None }
    }

    /// Whether nothing is asked.
    pub fn is_idle(&self) -> bool {
        self.of.is_none()
    }

    /// Whether it is this config that is looked at.
    pub fn is_of(&self, config: &RunConfig) -> bool {
        self.of.as_deref() == Some(config)
    }

    /// What is known of this config, or why it is not; nothing while that is computed.
    pub fn answer(&self, config: &RunConfig) -> Option<&Result<Effects, String>> {
        self.answer.as_ref().filter(|_| self.is_of(config))
    }

    /// Takes an answer up, unless another config is looked at by now.
    pub fn arrived(&mut self, config: &RunConfig, answer: Result<Effects, String>) {
        if self.is_of(config) {
            self.answer = Some(answer);
        }
    }
}
