//! A report in plain words, a line each, for the shell and the screen. Never "safe": what these attacks did not recover with this
//! budget, others may.

use super::conclusion::{conclusion, protection, refusal};
use super::report::{Attempt, Protection, Report, Round};
use crate::config::{Labels, LocalKnowledge, PostKnowledge, RunConfig, StatisticsKnowledge};
use crate::fl::self_test::{REPRODUCED, SelfTest};

/// A line of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What it is about, in a few words; empty where it goes on.
    pub about: String,
    /// What there is to say.
    pub words: String,
    /// How it looks.
    pub tone: Tone,
}

/// What a line means to whoever asked for the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It is as one wants it.
    Good,
    /// Something came back.
    Bad,
    /// It is neither.
    Plain,
}

/// The most that came back, in a few words.
pub fn found(report: &Report) -> String {
    let most = report.best().and_then(|best| Some((best, best.recovered()?)));
    match most {
        None => "nothing to compare with".to_owned(),
        Some((_, 0)) => "not recovered by these attacks".to_owned(),
        Some((best, count)) => {
            format!("{count} of {} by {} ({})", report.subject.samples, best.title, best.threat_model)
        }
    }
}

/// What an attack knows, in words.
pub(super) fn knows(config: &RunConfig) -> Vec<String> {
    let knowledge = &config.knowledge;
    let mut knows = Vec::new();
    knows.push(match (&config.attack.labels, knowledge.labels) {
        (Labels::Given, _) => "the labels".to_owned(),
        (labels, _) => format!("labels {}", labels.name()),
    });
    if config.takes_steps() {
        knows.push(match knowledge.local {
            LocalKnowledge::Known => "the client's local training".to_owned(),
            LocalKnowledge::None => match config.supposed().len() {
                0 => "nothing of the local training".to_owned(),
                ways => format!("nothing of the local training, which it guesses among {ways} ways"),
            },
            LocalKnowledge::Assumed(_) => "local training that it assumes".to_owned(),
        });
    }
    if knowledge.statistics == StatisticsKnowledge::Exact {
        knows.push("the BatchNorm statistics of the private batch".into());
    }
    if let Some(generator) = &knowledge.generator {
        knows.push(format!("a generator of like data ({generator})"));
    }
    if let Some(enhancer) = &knowledge.enhancer {
        knows.push(format!("a network that enhances like data ({})", enhancer.file));
    }
    if !config.post.is_empty() {
        knows.push(match knowledge.post {
            PostKnowledge::Known => "the post-processing, and adapts".to_owned(),
            PostKnowledge::Estimated => {
                "post-processing as it tells it from the update, and adapts".to_owned()
            }
            PostKnowledge::None => "nothing of post-processing".to_owned(),
        });
    }
    if config.manipulates() {
        knows.push("it changes the model that it sends".into());
    }
    if knowledge.choose && config.manipulates() {
        knows.push("it may send clients different models".into());
    }
    knows
}

/// Who can know a setting that the self-test found.
pub(super) const FOUND_OUT: &str =
    ": found with the private samples, an attacker would have to know it or guess it";

/// The whole report.
pub fn lines(report: &Report) -> Vec<Said> {
    let mut lines = Vec::new();
    let mut say = |about: &str, words: String, tone: Tone| {
        lines.push(Said { about: about.to_owned(), words, tone });
    };
    let subject = &report.subject;
    let things = things(report);
    say("subject", format!("{}, {} {things}", subject.name, subject.samples), Tone::Plain);
    say("", subject.conditions.join("; "), Tone::Plain);
    for note in &subject.reading {
        say("read", note.clone(), Tone::Plain);
    }
    let (words, holds) = self_test(report.self_test.as_ref(), subject.captured);
    let tone = match holds {
        Some(true) => Tone::Good,
        Some(false) => Tone::Bad,
        None => Tone::Plain,
    };
    say("self-test", words, tone);
    if !report.taken.is_empty() {
        say("", format!("everything below is with {}{FOUND_OUT}", report.taken.join(" and ")), Tone::Plain);
    }
    if let Some(post) = &subject.post {
        say("processed", format!("{post}; the attacks adapt to it"), Tone::Plain);
    }
    if let Some(privacy) = &subject.privacy {
        say("privacy", privacy.clone(), Tone::Plain);
    }
    say("bounds", bounds(report), Tone::Plain);
    for attempt in &report.attempts {
        let (words, tone) = came_back(attempt, report);
        let about = format!("{} {}", attempt.threat_model, attempt.title);
        say(&about, words, tone);
    }
    for (title, found) in &report.bounds.received {
        let words = if found.is_empty() { "was not looked at".to_owned() } else { found.join("; ") };
        say(&format!("model of {title}"), words, Tone::Plain);
    }
    if let Some(control) = &report.control {
        let (words, _) = came_back(control, report);
        let tone = if control.score().0 > 0.0 { Tone::Bad } else { Tone::Good };
        say("control on noise", words, tone);
    }
    for attempt in &report.clients {
        let (words, tone) = came_back(attempt, report);
        say(&client(attempt), format!("{}: {words}", attempt.title), tone);
    }
    for (at, left) in report.not_tried.iter().enumerate() {
        let about = if at == 0 { "not tried" } else { "" };
        say(about, format!("{} {}: {}", left.threat_model, left.title, left.why), Tone::Plain);
    }
    say(if report.not_tried.is_empty() { "not tried" } else { "" }, others(report), Tone::Plain);
    for protection in &report.protections {
        say(&format!("with {}", protection.steps.join(", ")), protected(protection, report), Tone::Plain);
    }
    for words in &report.unfit {
        say("not put on", words.clone(), Tone::Plain);
    }
    say("protection", protection(report), Tone::Plain);
    if let Some(words) = refusal(report) {
        say("", words, Tone::Plain);
    }
    for threshold in &report.thresholds {
        match threshold.met.as_slice() {
            [] => say("threshold", format!("{} is so nowhere", threshold.condition.text), Tone::Good),
            met => {
                let words = format!("{} is so: {}", threshold.condition.text, met.join("; "));
                say("threshold", words, Tone::Bad);
            }
        }
    }
    say("conclusion", conclusion(report), Tone::Plain);
    lines
}

/// Which client of the federation an attempt is on: `client 2`.
pub(super) fn client(attempt: &Attempt) -> String {
    attempt.run.split('_').next().unwrap_or_default().replace('-', " ")
}

/// `pictures` or `records`, as many as there are.
pub(super) fn things(report: &Report) -> &'static str {
    match (report.subject.rows, report.subject.samples) {
        (true, 1) => "record",
        (true, _) => "records",
        (false, 1) => "picture",
        (false, _) => "pictures",
    }
}

/// What the self-test says, and whether it holds.
pub fn self_test(test: Option<&SelfTest>, captured: bool) -> (String, Option<bool>) {
    let Some(test) = test else {
        let words = "not made: without the private samples (--truth FILE) nothing can show whether the simulated client makes \
                     this update";
        return (words.to_owned(), None);
    };
    let share = |left: f64| match left {
        small if small < 1e-6 => "less than 0.0001 % of its norm".to_owned(),
        small if small < 1e-3 => format!("{:.4} % of its norm", 100.0 * small),
        left => format!("{:.1} % of its norm", 100.0 * left),
    };
    let told =
        test.told.as_ref().map_or_else(String::new, |told| format!("; with {told}, as told from the update"));
    let noise = test.noise.map_or_else(String::new, |noise| format!("; its noise alone is {}", share(noise)));
    let told = format!("{told}{noise}");
    if !captured {
        let left = test.left.unwrap_or(1.0);
        let words = format!(
            "the client is gialab's own; what an attacker simulates who knows what it did differs from its update by {}",
            share(left)
        );
        return (format!("{words}{told}"), Some(left <= REPRODUCED));
    }
    let as_it_is = match (&test.refused, test.left) {
        (Some(why), _) => format!("the update is not what it is taken for: {why}"),
        (None, Some(left)) => format!("with the settings as they are {} is left over", share(left)),
        (None, None) => "the settings as they are cannot be used".to_owned(),
    };
    match &test.nearest {
        Some(nearest) if nearest.makes_it && nearest.words.is_empty() => (
            format!("the simulated client makes this update: {} is left over{told}", share(nearest.left)),
            Some(true),
        ),
        Some(nearest) if nearest.makes_it => {
            let setting = match nearest
                .changes
                .iter()
                .filter(|change| !change.starts_with("knowledge."))
                .collect::<Vec<_>>()
            {
                settings if settings.is_empty() => String::new(),
                settings => {
                    format!(" (--set {})", settings.into_iter().cloned().collect::<Vec<_>>().join(" --set "))
                }
            };
            let words = nearest.words.join(", and ");
            (
                format!(
                    "{as_it_is}; what makes it: {words}{setting}, which leaves {}{told}",
                    share(nearest.left)
                ),
                Some(false),
            )
        }
        Some(nearest) => {
            let words = if nearest.words.is_empty() {
                "the settings as they are".to_owned()
            } else {
                nearest.words.join(", and ")
            };
            let words = format!(
                "{as_it_is}; none of {} simulations makes it; nearest: {words}, which leaves {}{told}",
                test.simulations,
                share(nearest.left)
            );
            (words, Some(false))
        }
        None => (as_it_is, Some(false)),
    }
}

fn bounds(report: &Report) -> String {
    let bounds = &report.bounds;
    let r_eff = bounds.r_eff.map_or_else(String::new, |r_eff| {
        format!(
            "; {r_eff:.0} of {} directions of an input show in the gradient of the honest model (r_eff)",
            bounds.input
        )
    });
    format!("{}{r_eff}", bounds.dimension)
}

/// What an attack brought back, in the round with most.
pub(super) fn came_back(attempt: &Attempt, report: &Report) -> (String, Tone) {
    if let Some(failed) = &attempt.failed {
        return (format!("did not end: {failed}"), Tone::Plain);
    }
    let Some(round) = attempt.worst_round() else { return ("did not end".into(), Tone::Plain) };
    let mut parts = Vec::new();
    if let Some(labels) = &round.labels {
        parts.push(labels.clone());
    }
    let (samples, things) = (report.subject.samples, things(report));
    let tone = match round.recovered {
        Some(0) => {
            parts.push(format!("0 of {samples} {things} recovered"));
            Tone::Good
        }
        Some(count) => {
            parts.push(format!("{count} of {samples} {things} RECOVERED"));
            Tone::Bad
        }
        None => {
            parts.push("nothing to compare with: look at what it found".into());
            Tone::Plain
        }
    };
    parts.extend(scores(round));
    if attempt.rounds.len() > 1 {
        parts.push(format!("worst of {} rounds, round {}", attempt.rounds.len(), round.round));
    }
    (parts.join("; "), tone)
}

/// PSNR, fields, and what needs no update.
pub(super) fn scores(round: &Round) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(share) = round.figures.get("fields") {
        parts.push(format!("{:.0} % of the fields right", 100.0 * share));
    }
    if let Some([mean, best, worst]) = round.psnr {
        let spread = if (best - worst).abs() < 0.05 {
            format!("{mean:.1} dB")
        } else {
            format!("worst {worst:.1}, mean {mean:.1}, best {best:.1} dB")
        };
        let without = round.without_update.map_or_else(String::new, |without| {
            format!(" ({:+.1} over what needs no update)", mean - without)
        });
        parts.push(format!("{spread}{without}"));
    }
    parts
}

/// What the gialab that made it has not.
pub(super) fn others(report: &Report) -> String {
    format!(
        "{} attacks that were published and that gialab does not have, learned inverters and attacks on text and graphs among them \
         (gialab attacks lists them)",
        report.elsewhere
    )
}

fn protected(protection: &Protection, report: &Report) -> String {
    let (words, _) = came_back(&protection.attempt, report);
    let cost = match (&protection.cost, &protection.unmeasured) {
        (Some(cost), _) => format!("; costs {cost}"),
        (None, Some(why)) if protection.holds => format!("; its cost is not measured: {why}"),
        _ => String::new(),
    };
    format!("{}, which knows of it: {words}{cost}", protection.attempt.title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::fixture::test;

    #[test]
    fn a_self_test_says_what_makes_the_update_or_what_comes_nearest() {
        let said = |test: &SelfTest| self_test(Some(test), true);
        assert_eq!(said(&test(true, &[])).1, Some(true));
        let (words, holds) = said(&test(true, &["BatchNorm in train mode"]));
        assert!(words.contains("what makes it: BatchNorm in train mode") && holds == Some(false), "{words}");
        let (words, _) = said(&test(false, &["momentum of 0.9"]));
        assert!(words.contains("none of 9 simulations makes it; nearest: momentum of 0.9"), "{words}");
        assert_eq!(self_test(None, true).1, None);
    }
}
