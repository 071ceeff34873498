//! Labels read off an update before the search.
//!
//! A rule looks at the gradient of the classifier alone. A new one is one file with a [`Rule`] and one line in
//! [`RULES`].

mod bias_corrected;
mod counts;
mod evidence;
mod idlg;
mod ilrg;
mod llg;
mod need;
mod negative_bias;
mod yin;
mod zlg;

pub use evidence::Evidence;
pub use need::{Need, Standing};

use super::matching::LabelVariable;
use super::{AttackError, Sink, Task};
use crate::config::{Labels, RunConfig, not_known};
use crate::fl::AttackerView;
use crate::seed::Seed;

/// A rule by name.
pub struct Rule {
    /// Name in presets.
    pub name: &'static str,
    /// Paper.
    pub source: &'static str,
    /// What must hold for its answer to mean anything.
    pub needs: &'static [Need],
    /// Reads the labels, given that the needs hold; else one sentence that says what is in the way.
    read: fn(&Evidence<'_>) -> Result<Answer, String>,
}

/// All rules.
pub static RULES: [Rule; 7] = [
    idlg::IDLG,
    negative_bias::NEGATIVE_BIAS,
    yin::YIN,
    bias_corrected::BIAS_CORRECTED,
    llg::LLG,
    zlg::ZLG,
    ilrg::ILRG,
];

/// What a rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Labels in ascending order, as often as the rule counts them: the order of samples is not in an update.
    pub labels: Vec<usize>,
    /// Why they may be wrong, where the rule can tell.
    pub doubt: Option<String>,
}

impl Answer {
    /// These classes, without a doubt.
    fn of(mut labels: Vec<usize>) -> Answer {
        labels.sort_unstable();
        Answer { labels, doubt: None }
    }
}

impl Rule {
    /// The labels of an update.
    ///
    /// # Errors
    /// One sentence on what the rule needs and does not have.
    pub fn infer(&self, view: &AttackerView, seed: Seed) -> Result<Answer, AttackError> {
        let refused = |why| AttackError::Labels { rule: self.name, why };
        let evidence = Evidence::of(view, seed).map_err(refused)?;
        let standing = evidence.standing(self.needs);
        match self.needs.iter().find(|need| need.unmet(&standing).is_some()) {
            // What else could be done depends on the features as well.
            Some(need) => {
                Err(refused(need.unmet(&evidence.standing(&[Need::PositiveSums])).unwrap_or_default()))
            }
            None => (self.read)(&evidence).map_err(refused),
        }
    }
}

/// The rule of this name.
pub fn rule(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name)
}

/// Whether the rule that a config names is there and can do with what the config says; of other ways to the labels
/// there is nothing to check.
pub fn check(config: &RunConfig) -> Result<(), String> {
    let Labels::Rule(name) = &config.attack.labels else { return Ok(()) };
    let Some(rule) = rule(name) else {
        return Err(not_known("attack.labels: the rule", name, RULES.iter().map(|rule| rule.name)));
    };
    let standing = Standing::planned(config);
    match rule.needs.iter().find_map(|need| need.unmet(&standing)) {
        Some(why) => Err(format!("attack.labels = {}: {why}", config.attack.labels.key())),
        None => Ok(()),
    }
}

/// What the search knows of the labels, as the attack's settings say: given, read off the update, or variables.
pub fn variable(task: &Task<'_>, sink: &mut dyn Sink) -> Result<LabelVariable, AttackError> {
    let name = match &task.config.labels {
        Labels::Optimise => return Ok(LabelVariable::Logits),
        Labels::Given => return granted(task.view, 0),
        Labels::Wrong(wrong) => return granted(task.view, *wrong),
        Labels::Unused => return Err(AttackError::NoLabels),
        Labels::Rule(name) => name,
    };
    let rule = rule(name).ok_or_else(|| AttackError::NoRule { name: name.clone() })?;
    let answer = rule.infer(task.view, task.seed)?;
    // The log of a worker before this one has it already.
    if task.resume.is_none() {
        sink.labels_read(rule.name, &answer);
    }
    let (named, samples) = (answer.labels.len(), task.view.update.samples);
    if named != samples {
        let refused = |why| AttackError::Labels { rule: rule.name, why };
        let evidence = Evidence::of(task.view, task.seed).map_err(refused)?;
        let instead = need::instead(&evidence.standing(&[Need::PositiveSums]));
        return Err(refused(format!(
            "it tells which classes are there, not how often: {named} for {samples} samples; {instead}"
        )));
    }
    Ok(LabelVariable::Fixed(answer.labels))
}

/// The labels that are granted, the first `wrong` of them as the class after.
fn granted(view: &AttackerView, wrong: usize) -> Result<LabelVariable, AttackError> {
    let mut labels = view.knowledge.labels.clone().ok_or(AttackError::NoLabels)?;
    let classes = view.model.net.classes();
    labels.iter_mut().take(wrong).for_each(|label| *label = (*label + 1) % classes);
    Ok(LabelVariable::Fixed(labels))
}

#[cfg(test)]
mod tests;
