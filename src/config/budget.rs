//! `attack.budget`: what a search may spend on each attacked round, where that decides how many iterations there are.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Search;
use crate::text;

/// What a search may spend on an attacked round: on all of its trials and stages, and on the same on noise where it has
/// that control. In presets `5000` evaluations, or `"60s"`, `"5 min"`; a run keeps beside its seconds how many evaluations
/// it took them for, so that it can be repeated to the last bit: `{ seconds = 60, evaluations = 4312 }`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// Of computing.
    pub seconds: Option<f64>,
    /// Of the objective; of a budget of seconds nothing before they were measured.
    pub evaluations: Option<usize>,
}

/// More seconds are a slip of the finger: ten years.
const MOST_SECONDS: f64 = 10.0 * 365.0 * 86_400.0;

/// Share of the seconds that is planned for evaluations; the rest is for pictures, checkpoints and a busy machine.
const PLANNED: f64 = 0.95;

impl Budget {
    /// The same, with as many evaluations as fit into its seconds, each taking so many.
    #[must_use]
    pub fn at(self, seconds_per_evaluation: f64) -> Budget {
        let fit = self.seconds.map(|seconds| (PLANNED * seconds / seconds_per_evaluation).max(1.0) as usize);
        Budget { evaluations: fit.or(self.evaluations), ..self }
    }

    /// Its evaluations alone, if they are known: what it came to on the machine that measured it, however fast another one is.
    #[must_use]
    pub fn as_measured(self) -> Budget {
        Budget { seconds: self.seconds.filter(|_| self.evaluations.is_none()), ..self }
    }
}

/// `60.0 s`, `5,000 evaluations`, `60.0 s, taken for 4,312 evaluations`.
impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let evaluations =
            self.evaluations.map(|count| format!("{} evaluations", text::grouped(count as u64)));
        match (self.seconds.map(text::duration), evaluations) {
            (Some(time), Some(evaluations)) => write!(f, "{time}, taken for {evaluations}"),
            (time, evaluations) => f.write_str(&time.or(evaluations).unwrap_or_default()),
        }
    }
}

impl Serialize for Budget {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Measured {
            seconds: f64,
            evaluations: usize,
        }
        match (self.seconds, self.evaluations) {
            (Some(seconds), Some(evaluations)) => Measured { seconds, evaluations }.serialize(serializer),
            (Some(seconds), None) => serializer.serialize_str(&format!("{seconds}s")),
            (None, evaluations) => evaluations.unwrap_or_default().serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Budget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Budget, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Evaluations(i64),
            Time(String),
            Measured { seconds: f64, evaluations: usize },
        }
        let wrong = |what: &str| {
            de::Error::custom(format!(
                "attack.budget{what}: give evaluations above 0, as 5000, or seconds, as \"60s\" or \"5 min\""
            ))
        };
        let written =
            Written::deserialize(deserializer).map_err(|_| wrong(" is neither a number nor a time"))?;
        let (seconds, evaluations) = match written {
            Written::Evaluations(count) => (None, usize::try_from(count).ok()),
            Written::Time(time)
                if time.ends_with(|last: char| last.is_ascii_digit()) && !time.contains(':') =>
            {
                (None, time.parse().ok())
            }
            Written::Time(time) => (text::seconds(&time), None),
            Written::Measured { seconds, evaluations } => (Some(seconds), Some(evaluations)),
        };
        let good = match (seconds, evaluations) {
            (Some(seconds), _) => seconds > 0.0 && seconds <= MOST_SECONDS,
            (None, evaluations) => evaluations.is_some_and(|count| count > 0),
        };
        let wrong = || wrong(" is nothing that can be spent");
        good.then_some(Budget { seconds, evaluations }).ok_or_else(wrong)
    }
}

impl Search {
    /// Evaluations that a trial may spend, without the one at its end.
    pub fn most_evaluations(&self) -> Option<usize> {
        let all = self.budget?.evaluations?;
        Some((all / self.all_trials().max(1)).saturating_sub(1))
    }

    /// Seconds that a trial may take.
    pub fn most_seconds(&self) -> Option<f64> {
        Some(self.budget?.seconds? / self.all_trials().max(1) as f64)
    }

    /// Makes of the iterations of all stages, which say how they are shared, as many as the budget pays for.
    ///
    /// # Errors
    /// If it does not pay for one of each.
    pub(super) fn keep_to_budget(&mut self) -> Result<(), String> {
        let Some(most) = self.most_evaluations() else { return Ok(()) };
        let costs: Vec<usize> = std::iter::once(self.optimiser.evaluations())
            .chain(self.then.iter().map(|stage| self.optimiser.clone().with_lr(stage.lr).evaluations()))
            .collect();
        let mut counts: Vec<&mut usize> = std::iter::once(&mut self.iterations)
            .chain(self.then.iter_mut().map(|stage| &mut stage.iterations))
            .collect();
        let one_each: usize = costs.iter().sum();
        let planned: usize = counts.iter().zip(&costs).map(|(count, cost)| count.saturating_mul(*cost)).sum();
        // What pays for no further iteration of all stages is as planned already: planning twice changes nothing.
        if planned <= most && most - planned < one_each {
            return Ok(());
        }
        for count in &mut counts {
            **count = (**count as u128 * most as u128 / planned.max(1) as u128) as usize;
        }
        if counts.iter().any(|count| **count == 0) {
            let trials = self.all_trials();
            let given = self.budget.and_then(|budget| budget.evaluations).unwrap_or_default();
            return Err(format!(
                "attack.budget of {given} evaluations is less than one iteration in every trial takes, about {} in all of {trials}; \
                 give more, or fewer trials",
                trials * (one_each + 1)
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;
    use crate::config::{AttackConfig, preset};

    #[test]
    fn what_was_measured_is_kept_without_its_seconds() {
        let open = Budget { seconds: Some(5.0), evaluations: None };
        assert_eq!(open.as_measured(), open);
        let measured = open.at(0.01);
        assert_eq!(measured.seconds, Some(5.0));
        let (seconds, evaluations) = (None, Some(475));
        assert_eq!(measured.as_measured(), Budget { seconds, evaluations });
    }

    fn attack(name: &str, changes: &[&str]) -> Result<AttackConfig, String> {
        let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
        let loaded = preset::load(name, &changes, Path::new("/nonexistent"));
        loaded.map(|preset| preset.config.attack).map_err(|error| error.to_string())
    }

    fn again(attack: &AttackConfig) -> AttackConfig {
        toml::from_str(&toml::to_string(attack).unwrap()).unwrap()
    }

    #[test]
    fn evaluations_are_shared_by_trials_and_stages_and_never_exceeded() {
        for (name, changes, iterations) in [
            // A trial spends one more at its end.
            ("ig-lenet", vec!["attack.budget=2401"], vec![2400]),
            ("ig-lenet", vec!["attack.budget=1000", "attack.trials=4"], vec![249]),
            ("dlg-lenet", vec!["attack.budget=1608", "attack.trials=8"], vec![10]),
        ] {
            let attack = attack(name, &changes).unwrap();
            let search = attack.search().unwrap();
            let stages = search.then.iter().map(|stage| stage.iterations);
            assert_eq!(std::iter::once(search.iterations).chain(stages).collect::<Vec<_>>(), iterations);
            assert_eq!(again(&attack), attack);
        }
        for spend in [100, 1000, 1234, 99_999] {
            let attack = attack("gifd", &[&format!("attack.budget={spend}")]).unwrap();
            let search = attack.search().unwrap();
            let each = search.iterations + search.then.iter().map(|stage| stage.iterations).sum::<usize>();
            // The control on noise spends as much.
            let all = 2 * search.trials * (each + 1);
            assert!(all <= spend && spend - all < 2 * search.trials * 10, "{all} of {spend}");
            assert_eq!(again(&attack), attack);
        }
    }

    #[test]
    fn seconds_become_evaluations_once_they_were_measured() {
        let before = attack("ig-lenet", &["attack.budget=90s"]).unwrap();
        let search = before.search().unwrap();
        let budget = search.budget.unwrap();
        assert_eq!((budget.seconds, budget.evaluations, search.iterations), (Some(90.0), None, 2400));
        assert_eq!(again(&before), before);
        let measured = budget.at(0.01);
        assert_eq!(measured, Budget { seconds: Some(90.0), evaluations: Some(8550) });
        let after = before.within(measured).unwrap();
        assert_eq!(after.search().unwrap().iterations, 8549);
        assert_eq!(again(&after), after);
        // Another time is measured anew.
        let other = attack("ig-lenet", &["attack.budget=1:30"]).unwrap();
        assert_eq!(other, before);
    }

    #[test]
    fn what_cannot_be_spent_is_refused_in_one_sentence() {
        for (budget, said) in [
            ("0", "is nothing that can be spent"),
            ("-5", "is nothing that can be spent"),
            ("0s", "is nothing that can be spent"),
            ("soon", "is nothing that can be spent"),
            ("true", "is neither a number nor a time"),
            ("3", "is less than one iteration in every trial takes, about 168 in all of 8"),
        ] {
            let refused = attack("dlg-lenet", &[&format!("attack.budget={budget}")]).unwrap_err();
            assert!(refused.contains("attack.budget") && refused.contains(said), "{budget}: {refused}");
        }
        let refused = attack("fc-inversion", &["attack.budget=5"]).unwrap_err();
        assert!(refused.contains("`budget` is no setting of fc-inversion"), "{refused}");
    }
}
