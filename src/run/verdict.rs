//! What became of an attack, in words: from the objective at its answer and at the private samples. For people, who
//! have the truth; nothing of it goes back to an attack.

use super::event::RoundResult;
use crate::config::AttackConfig;

/// Share of the update that may stay unexplained at the true samples. Ours: half-precision transport leaves 1e-5,
/// another order of the batches, another optimiser or a dropped batch 0.3 and more.
const SIMULATED: f64 = 0.01;

/// How many times the objective at the true samples a search may end at that has done its work. Ours.
const AS_LOW: f64 = 1.5;

/// What the arithmetic leaves of a distance, as a share of that of a zero gradient. Ours.
const ROUNDING: f64 = 1e-6;

/// What became of an attack on a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All samples are recovered.
    Recovered,
    /// Not even the true samples make the update: the attacker simulates another client.
    OtherClient,
    /// The true samples match better than what was found.
    SearchFailed,
    /// What was found fits as well as the true samples do.
    Ambiguous,
}

impl Verdict {
    /// Of a finished round; nothing without a ground truth.
    pub fn of(result: &RoundResult) -> Option<Verdict> {
        let metrics = result.metrics.as_ref()?;
        if metrics.worst_recovered == Some(true) {
            return Some(Verdict::Recovered);
        }
        let truth = result.at_truth?;
        let floor = ROUNDING * truth.of_nothing;
        let (reached, there) = (result.loss + truth.answer_prior, truth.matching + truth.prior);
        Some(if truth.matching > SIMULATED * truth.of_nothing {
            Verdict::OtherClient
        } else if reached > AS_LOW * there + floor {
            Verdict::SearchFailed
        } else {
            Verdict::Ambiguous
        })
    }

    /// A word for tables.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Recovered => "recovered",
            Verdict::OtherClient => "other-client",
            Verdict::SearchFailed => "search-failed",
            Verdict::Ambiguous => "ambiguous",
        }
    }

    /// What may help.
    pub fn remedy(self) -> Option<&'static str> {
        match self {
            Verdict::Recovered => None,
            Verdict::OtherClient => {
                Some("check knowledge.local, victim.mode, the order of the batches and knowledge.post")
            }
            Verdict::SearchFailed => Some("more iterations, more trials or another optimiser may find it"),
            Verdict::Ambiguous => Some("a longer search does not help; a prior or more knowledge may"),
        }
    }
}

/// What became of a finished round, with the figures that say so; nothing without a ground truth.
pub fn sentence(result: &RoundResult) -> Option<String> {
    let Some(truth) = result.at_truth else { return solved(result) };
    let (verdict, there, found) = (Verdict::of(result)?, truth.matching, result.loss);
    let said = match verdict {
        Verdict::Recovered => format!("recovered; the truth matches with {there:.1e}"),
        Verdict::OtherClient => format!(
            "another client is simulated, or the update was changed: even the truth leaves {:.0} % unexplained",
            100.0 * there / truth.of_nothing
        ),
        Verdict::SearchFailed => {
            format!("the search failed: the truth matches with {there:.1e}, the answer with {found:.1e}")
        }
        Verdict::Ambiguous => {
            format!("ambiguous: the answer matches with {found:.1e}, the truth no better with {there:.1e}")
        }
    };
    let said = above_noise(result).map_or_else(|| said.clone(), |above| format!("{above}; {said}"));
    let metrics = result.metrics.as_ref()?;
    let recovered = metrics.samples.len() as f64 * metrics.recovered.unwrap_or(0.0);
    Some(match verdict {
        Verdict::Recovered => said,
        _ if recovered < 0.5 => said,
        _ => format!("{recovered:.0} of {} samples recovered; {said}", metrics.samples.len()),
    })
}

/// What came out of the update and not out of a generator; nothing where none makes the pictures.
fn above_noise(result: &RoundResult) -> Option<String> {
    let (psnr, noise) = (result.metrics.as_ref()?.psnr?.mean, result.baselines?.noise?.0);
    Some(format!("{:.1} dB above the same search on noise", psnr - noise))
}

/// What became of a round of an attack that solves, which has no objective.
fn solved(result: &RoundResult) -> Option<String> {
    let metrics = result.metrics.as_ref().filter(|_| !result.stages.is_empty())?;
    let all = metrics.samples.len().max(1);
    let recovered = (all as f64 * metrics.recovered?).round();
    let said = if recovered as usize == all {
        "recovered".to_owned()
    } else {
        format!("{recovered:.0} of {all} samples recovered")
    };
    Some(format!("{said}; the answer leaves {:.1e} of the layer's gradient unexplained", result.loss))
}

/// What can be scored without any update, in a sentence; nothing without a ground truth.
pub fn baselines(result: &RoundResult) -> Option<String> {
    let baselines = result.baselines?;
    let scores = [
        ("a grey picture", baselines.grey),
        ("the mean of the other samples", baselines.mean),
        ("the same search on noise", baselines.noise),
    ];
    let scores: Vec<String> =
        scores.iter().filter_map(|(what, score)| Some(format!("{what} {:.1} dB", (*score)?.0))).collect();
    (!scores.is_empty()).then(|| format!("without any update score: {}", scores.join(", ")))
}

/// Which iterate is the answer of a finished round, and why.
pub fn answer(result: &RoundResult, config: &AttackConfig) -> Option<String> {
    let (iteration, search) = (result.iteration?, config.search()?);
    let stuck = if result.undescended {
        ", though none of it came below the objective that it began with: no better than a first guess"
    } else {
        ""
    };
    Some(format!(
        "iteration {iteration} of trial {}, {}{stuck}",
        result.trial + 1,
        search.answer.reason(iteration, search.iterations)
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::run::event::{AtTruth, Baselines, Metrics, Ratio, Spread};

    fn result(loss: f64, at_truth: f64, recovered: bool) -> RoundResult {
        let spread = |value| Spread { mean: value, best: value, worst: value };
        let metrics = Metrics {
            recovered: Some(f64::from(u8::from(recovered))),
            worst_recovered: Some(recovered),
            mse: Some(spread(0.1)),
            psnr: Some(spread(10.0)),
            ..Metrics::default()
        };
        RoundResult {
            round: 0,
            metrics: Some(metrics),
            probe: None,
            accuracy: None,
            accuracy_lost: None,
            inferred: None,
            stages: Vec::new(),
            update_norm: None,
            processed: None,
            loss,
            labels: Vec::new(),
            label_names: Vec::new(),
            iteration: Some(90),
            undescended: false,
            picked: None,
            enhanced: None,
            equation: None,
            at_truth: Some(AtTruth { matching: at_truth, prior: 0.0, answer_prior: 0.0, of_nothing: 1.0 }),
            baselines: Some(Baselines { grey: Some(Ratio(11.25)), mean: None, noise: None }),
            trial: 0,
            trials: 1,
            evaluations: 100,
            seconds: 1.0,
        }
    }

    fn verdict(loss: f64, at_truth: f64, recovered: bool) -> Verdict {
        Verdict::of(&result(loss, at_truth, recovered)).unwrap()
    }

    #[test]
    fn each_case_is_told_from_the_others() {
        assert_eq!(verdict(1e-3, 1e-9, false), Verdict::SearchFailed);
        assert_eq!(verdict(1e-7, 1e-9, false), Verdict::Ambiguous, "what rounding leaves is no failure");
        assert_eq!(verdict(5e-3, 5e-3, false), Verdict::Ambiguous);
        assert_eq!(verdict(1e-3, 0.44, false), Verdict::OtherClient);
        assert_eq!(verdict(1e-3, 1e-9, true), Verdict::Recovered);
    }

    #[test]
    fn the_prior_counts_on_both_sides() {
        let mut answer = result(1e-3, 1e-9, false);
        answer.at_truth = answer.at_truth.map(|truth| AtTruth { prior: 1e-2, ..truth });
        assert_eq!(Verdict::of(&answer), Some(Verdict::Ambiguous), "the objective prefers the answer");
    }

    #[test]
    fn sentences_carry_the_figures() {
        assert_eq!(
            sentence(&result(1e-3, 0.44, false)).unwrap(),
            "another client is simulated, or the update was changed: even the truth leaves 44 % unexplained"
        );
        assert_eq!(
            baselines(&result(1e-3, 0.44, false)).unwrap(),
            "without any update score: a grey picture 11.2 dB"
        );
    }

    #[test]
    fn what_a_generator_makes_is_told_by_what_is_above_its_control() {
        let mut generated = result(1e-3, 1e-9, true);
        generated.baselines = Some(Baselines { grey: None, mean: None, noise: Some(Ratio(6.5)) });
        let psnr = Spread { mean: 20.0, best: 20.0, worst: 20.0 };
        generated.metrics.as_mut().unwrap().psnr = Some(psnr);
        let said = sentence(&generated).unwrap();
        assert!(said.starts_with("13.5 dB above the same search on noise; recovered"), "{said}");
    }

    #[test]
    fn nothing_is_said_without_a_truth() {
        let without =
            RoundResult { metrics: None, at_truth: None, baselines: None, ..result(1e-3, 0.0, false) };
        assert_eq!((Verdict::of(&without), sentence(&without), baselines(&without)), (None, None, None));
    }
}
