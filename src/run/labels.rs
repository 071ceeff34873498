//! What an attack says of the labels, in words.

use super::event::{LabelsRead, Metrics, RoundResult};
use super::state::TrialState;
use crate::config::{Labels, RunConfig};

/// Labels that are told one by one.
const TOLD: usize = 8;

/// How right labels are, where there is a ground truth to tell.
#[derive(Debug, Clone, Copy, Default)]
struct Judged {
    /// Share of the true labels that are named.
    right: Option<f64>,
    /// Share of all classes known to be there or not.
    existence: Option<f64>,
    /// Share of all classes whose count is known.
    count: Option<f64>,
}

impl Judged {
    fn by(metrics: Option<&Metrics>) -> Judged {
        metrics.map_or_else(Judged::default, |metrics| Judged {
            right: metrics.label_accuracy,
            existence: metrics.label_existence,
            count: metrics.label_count,
        })
    }

    /// `existence 90 %, count 80 %`.
    fn classes(self) -> Option<String> {
        let (existence, count) = self.existence.zip(self.count)?;
        Some(format!("existence {:.0} %, count {:.0} %", 100.0 * existence, 100.0 * count))
    }
}

/// What a rule said before the search: `labels by ilrg: 7 of 8 right (existence 90 %, count 80 %): 1, 3, 3, ...`.
pub fn read(read: &LabelsRead) -> String {
    let judged = Judged { right: read.accuracy, existence: read.existence, count: read.count };
    let told = told(&read.labels, &[], read.batch, judged).unwrap_or_else(|| "no label".into());
    let doubt = read.doubt.as_ref().map(|doubt| format!("; {doubt}")).unwrap_or_default();
    format!("{} reads {told}{doubt}", read.rule)
}

/// Those of a round's reconstruction; nothing where the attacker was given them.
pub fn of_round(config: &RunConfig, result: &RoundResult) -> Option<String> {
    came_back(config, &result.labels, &result.label_names, result.metrics.as_ref())
}

/// Those of a trial as it stands.
pub fn of_trial(config: &RunConfig, trial: &TrialState) -> Option<String> {
    came_back(config, trial.labels(), &[], trial.latest_metrics())
}

fn came_back(
    config: &RunConfig,
    labels: &[usize],
    names: &[String],
    metrics: Option<&Metrics>,
) -> Option<String> {
    let given = config.attack.labels == Labels::Given;
    (!given).then(|| told(labels, names, config.batch(), Judged::by(metrics))).flatten()
}

/// Labels one by one: `label 7 (cat, right)`, `labels 3 of 4 right (existence 100 %, count 80 %): 1, 3, 3, 7`, and
/// without a ground truth `label 7 (cat)`. Nothing where there are none. `names` are those of the classes, as far as
/// they have some.
fn told(labels: &[usize], names: &[String], batch: usize, judged: Judged) -> Option<String> {
    let name = |at: usize| names.get(at).map(String::as_str).filter(|name| !name.is_empty());
    match labels {
        [] => None,
        [label] if batch == 1 => {
            let verdict = judged.right.map(|right| if right > 0.5 { "right" } else { "wrong" });
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
            let classes = judged.classes().map(|classes| format!(" ({classes})")).unwrap_or_default();
            Some(match judged.right {
                Some(right) => {
                    format!("labels {:.0} of {batch} right{classes}: {list}", right * batch as f64)
                }
                None => format!("labels {list}"),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;
    use crate::config::preset;

    fn said(labels: &[usize], names: &[&str], right: Option<f64>) -> Option<String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        told(labels, &names, labels.len(), Judged { right, ..Judged::default() })
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
        let config = |name: &str| preset::load(name, &[], Path::new("/nonexistent")).unwrap().config;
        assert_eq!(came_back(&config("ig-lenet"), &[7], &[], None), None);
        assert_eq!(came_back(&config("idlg-lenet"), &[7], &[], None).as_deref(), Some("label 7"));
    }

    #[test]
    fn what_a_rule_reads_is_told_with_how_right_it_is() {
        let judged = LabelsRead {
            round: 0,
            rule: "negative-bias".into(),
            labels: vec![1, 3],
            batch: 4,
            accuracy: Some(0.5),
            existence: Some(1.0),
            count: Some(0.8),
            doubt: Some("counts may be off".into()),
        };
        let says =
            "negative-bias reads labels 2 of 4 right (existence 100 %, count 80 %): 1, 3; counts may be off";
        assert_eq!(read(&judged), says);
        // A captured update without its pictures.
        let blind =
            LabelsRead { accuracy: None, existence: None, count: None, doubt: None, ..judged.clone() };
        assert_eq!(read(&blind), "negative-bias reads labels 1, 3");
        let single = LabelsRead { rule: "idlg".into(), labels: vec![7], batch: 1, ..blind.clone() };
        assert_eq!(read(&single), "idlg reads label 7");
        assert_eq!(read(&LabelsRead { labels: Vec::new(), ..blind }), "negative-bias reads no label");
    }
}
