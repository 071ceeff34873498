//! What an attack says of the labels, in words.

use super::event::RoundResult;
use super::state::TrialState;
use crate::config::{KnowledgeConfig, Labels, RunConfig};

/// Labels that are told one by one.
const TOLD: usize = 8;

/// The labels that came back: `label 7 (cat, right)`, `labels 3 of 4 right: 1, 3, 3, 7`, and without a ground truth
/// `label 7 (cat)`. Nothing where the attacker was given them, or before it has any. `names` are those of the classes,
/// as far as they have some; `right` is the share that is right.
pub fn came_back(
    knowledge: &KnowledgeConfig,
    labels: &[usize],
    names: &[String],
    right: Option<f64>,
) -> Option<String> {
    if knowledge.labels == Labels::Known {
        return None;
    }
    let name = |at: usize| names.get(at).map(String::as_str).filter(|name| !name.is_empty());
    match labels {
        [] => None,
        [label] => {
            let verdict = right.map(|right| if right > 0.5 { "right" } else { "wrong" });
            let inside: Vec<&str> = name(0).into_iter().chain(verdict).collect();
            Some(match inside.as_slice() {
                [] => format!("label {label}"),
                words => format!("label {label} ({})", words.join(", ")),
            })
        }
        several => {
            let told = several.iter().take(TOLD).enumerate().map(|(at, label)| match name(at) {
                Some(name) => format!("{label} ({name})"),
                None => label.to_string(),
            });
            let more = several.len().saturating_sub(TOLD);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let list = format!("{}{more}", told.collect::<Vec<_>>().join(", "));
            let count = several.len();
            Some(match right {
                Some(right) => format!("labels {:.0} of {count} right: {list}", right * count as f64),
                None => format!("labels {list}"),
            })
        }
    }
}

/// Those of a round's reconstruction.
pub fn of_round(config: &RunConfig, result: &RoundResult) -> Option<String> {
    let right = result.metrics.as_ref().and_then(|metrics| metrics.label_accuracy);
    came_back(&config.knowledge, &result.labels, &result.label_names, right)
}

/// Those of a trial as it stands.
pub fn of_trial(config: &RunConfig, trial: &TrialState) -> Option<String> {
    let right = trial.latest_metrics().and_then(|metrics| metrics.label_accuracy);
    came_back(&config.knowledge, trial.labels(), &[], right)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(labels: &[usize], names: &[&str], right: Option<f64>) -> Option<String> {
        let knowledge = KnowledgeConfig {
            labels: Labels::Infer,
            local: Default::default(),
            order: false,
            post: Default::default(),
        };
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        came_back(&knowledge, labels, &names, right)
    }

    #[test]
    fn one_label_is_told_with_its_name_and_whether_it_is_right() {
        assert_eq!(said(&[7], &[], Some(1.0)).as_deref(), Some("label 7 (right)"));
        assert_eq!(said(&[7], &[], Some(0.0)).as_deref(), Some("label 7 (wrong)"));
        assert_eq!(said(&[7], &["cat"], Some(1.0)).as_deref(), Some("label 7 (cat, right)"));
        assert_eq!(said(&[7], &["cat"], None).as_deref(), Some("label 7 (cat)"));
        assert_eq!(said(&[7], &[], None).as_deref(), Some("label 7"));
    }

    #[test]
    fn labels_of_a_batch_are_counted_and_told() {
        assert_eq!(said(&[1, 3, 3, 7], &[], Some(0.75)).as_deref(), Some("labels 3 of 4 right: 1, 3, 3, 7"));
        assert_eq!(said(&[1, 3], &["cat", ""], None).as_deref(), Some("labels 1 (cat), 3"));
        let many: Vec<usize> = (0..32).collect();
        let told = said(&many, &[], Some(1.0));
        assert_eq!(told.as_deref(), Some("labels 32 of 32 right: 0, 1, 2, 3, 4, 5, 6, 7 and 24 more"));
    }

    #[test]
    fn labels_that_were_given_or_are_not_there_did_not_come_back() {
        assert_eq!(said(&[], &[], None), None);
        let given = KnowledgeConfig {
            labels: Labels::Known,
            local: Default::default(),
            order: false,
            post: Default::default(),
        };
        assert_eq!(came_back(&given, &[7], &[], Some(1.0)), None);
    }
}
