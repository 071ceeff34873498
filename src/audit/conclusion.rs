//! What an audit comes to: what came back, what would keep it from that, what a client can do.

use super::in_words::things;
use super::report::{Attempt, Report};
use crate::config::RunConfig;

/// What would keep it from coming back.
pub(super) fn protection(report: &Report) -> String {
    let limit = match report.limit {
        0.0 => "lets nothing through".to_owned(),
        limit => format!("lets at most {:.0} % of the samples through", 100.0 * limit),
    };
    match (report.cheapest(), &report.unprotected) {
        (Some(cheapest), _) if cheapest.cost.is_none() => format!(
            "the first of those tried that {limit}: {}; which is cheapest is not known, as no cost was measured",
            cheapest.steps.join(", ")
        ),
        (Some(cheapest), _) => {
            let cost = format!("at a cost of {}", cheapest.cost.as_deref().unwrap_or_default());
            let psnr = cheapest.attempt.worst_round().and_then(|round| round.psnr);
            let psnr = psnr.map_or_else(String::new, |[mean, ..]| {
                format!("; the best attack that knows of it has {mean:.1} dB")
            });
            format!("cheapest of those tried that {limit}: {}, {cost}{psnr}", cheapest.steps.join(", "))
        }
        (None, Some(why)) => format!("none tried: {why}"),
        (None, None) => {
            format!("none of {} that were tried {limit}", report.protections.len())
        }
    }
}

/// What a client can do about a server that changes the model, where such a one brought something back.
pub(super) fn refusal(report: &Report) -> Option<String> {
    let changes = |attempt: &&Attempt| "FGH".contains(&attempt.threat_model);
    let by: Vec<&str> = report
        .attempts
        .iter()
        .filter(changes)
        .filter(|attempt| attempt.recovered().unwrap_or(0) > 0)
        .map(|attempt| attempt.title.as_str())
        .collect();
    let seen =
        report.bounds.received.iter().filter(|(title, found)| by.contains(&&**title) && !found.is_empty());
    (!by.is_empty()).then(|| {
        format!(
            "Against {} it helps to look at the model before training on it: what was sent in {} of {} such attempts would have been \
             noticed (gialab inspect --received FILE --reference FILE), and a client need not answer. Whether clients look is not \
             known here.",
            by.join(" and "),
            seen.count(),
            by.len()
        )
    })
}

/// What it comes to, in a sentence or two.
pub(super) fn conclusion(report: &Report) -> String {
    let samples = report.subject.samples;
    let things = things(report);
    let ended: Vec<&Attempt> = report.attempts.iter().filter(|attempt| attempt.failed.is_none()).collect();
    let count = ended.len();
    let attempts = format!("{count} attempt{}", if count == 1 { "" } else { "s" });
    let limits = format!("{attempts} ({})", report.budget);
    let labels = labels_told(&ended).map_or_else(String::new, |words| format!(" {words}"));
    let looked_at: Vec<usize> = report.clients.iter().filter_map(Attempt::recovered).collect();
    let others = match looked_at.iter().filter(|count| **count > 0).count() {
        _ if looked_at.is_empty() => String::new(),
        count => format!(" Something was recovered of {count} of {} other clients too.", looked_at.len()),
    };
    if !report.subject.has_truth {
        return format!(
            "Nothing to compare with: {limits} were run, and what they found is to be looked at. Give the private samples with \
             --truth FILE to have it judged."
        );
    }
    let weakest = ended.iter().find(|attempt| attempt.recovered().unwrap_or(0) > 0);
    let test = report.self_test.as_ref().filter(|test| report.subject.captured && !test.holds());
    match weakest {
        // An attack that simulates another client fails for that reason.
        None if test.is_some() && report.taken.is_empty() => format!(
            "Nothing follows: the simulated client does not make this update (see the self-test), so that {limits} did not \
             recover anything proves nothing. Find out what the client did otherwise, and audit again."
        ),
        None => format!(
            "Not recovered by these attacks with this budget: {limits}. That is no proof: other attacks, more time or more \
             knowledge may do it.{others}{labels}"
        ),
        Some(weakest) => {
            let recovered = || ended.iter().filter_map(|attempt| attempt.recovered());
            let most = recovered().max().unwrap_or(0);
            let by = recovered().filter(|count| *count > 0).count();
            format!(
                "Up to {most} of {samples} {things} came back, by {by} of {limits}; the least that an attacker must know for it \
                 is threat model {} ({}: {}).{others}{labels}",
                weakest.threat_model,
                weakest.title,
                weakest.knows.join(", ")
            )
        }
    }
}

/// What of the labels came back from an attack that was not given them, by the one that knew least among those with most.
fn labels_told(ended: &[&Attempt]) -> Option<String> {
    let share = |attempt: &Attempt| {
        let rounds = attempt.rounds.iter().filter_map(|round| round.figures.get("label_accuracy").copied());
        rounds.reduce(f64::max)
    };
    let is_granted = |attempt: &Attempt| {
        toml::from_str::<RunConfig>(&attempt.config).is_ok_and(|config| config.attack.labels.are_granted())
    };
    let told = ended.iter().rev().filter(|attempt| !is_granted(attempt));
    let told = told.filter_map(|attempt| Some((attempt, share(attempt)?)));
    let (attempt, share) = told.max_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, share)| *share > 0.0)?;
    Some(format!(
        "Of the labels, the class that each sample is of, {:.0} % came back for threat model {} ({}); a guess is right once in as \
         many times as there are classes.",
        100.0 * share,
        attempt.threat_model,
        attempt.title
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::fixture::{attempt, report, test};
    use crate::audit::in_words::lines;

    #[test]
    fn what_was_not_recovered_is_never_called_safe() {
        let mut report = report();
        assert!(conclusion(&report).starts_with("Up to 1 of 4 pictures came back, by 1 of 2 attempts"));
        assert!(conclusion(&report).contains("threat model B (Inverting Gradients: the labels)"));
        report.attempts = vec![attempt("A", "Deep Leakage", 0, 12.0)];
        assert!(conclusion(&report).contains("no proof"));
        report.subject.has_truth = false;
        assert!(conclusion(&report).contains("Nothing to compare with"));
        for line in lines(&report) {
            assert!(!line.words.to_lowercase().contains("safe"), "{line:?}");
        }
    }

    #[test]
    fn nothing_follows_where_another_client_is_simulated() {
        let mut report = report();
        report.attempts = vec![attempt("A", "Deep Leakage", 0, 12.0)];
        report.subject.captured = true;
        report.self_test = Some(test(false, &[]));
        assert!(conclusion(&report).starts_with("Nothing follows"));
        // What was found is simulated from there on.
        report.self_test = Some(test(true, &["the other sign"]));
        report.taken = vec!["victim.captured.scale=-1".into()];
        assert!(conclusion(&report).contains("no proof"));
    }
}
