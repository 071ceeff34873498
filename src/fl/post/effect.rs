//! What post-processing did to an update.

use serde::{Deserialize, Serialize};

use crate::model::Parameters;

/// The update that is sent beside the clean one. Of several clients the mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// Norm of what is sent over that of the clean update.
    pub norm: f64,
    /// Cosine of the two.
    pub cosine: f64,
    /// Norm of their difference over that of the clean update.
    pub change: f64,
    /// Share of numbers that are sent as zero.
    pub zeros: f64,
    /// Bits for each number of the clean update; in the shortest of a few plain forms.
    pub bits: f64,
}

impl Effect {
    pub(super) fn of(clean: &Parameters, sent: &Parameters, bits: f64) -> Effect {
        let (before, after) = (clean.norm(), sent.norm());
        let change = sent.clone().combine(1.0, clean, -1.0).norm();
        let over = |value: f64, by: f64| if by > 0.0 { value / by } else { 0.0 };
        Effect {
            norm: over(after, before),
            cosine: over(clean.dot(sent), before * after),
            change: over(change, before),
            zeros: zeros(sent),
            bits,
        }
    }

    /// The mean of the clients' effects.
    pub fn mean(effects: &[Effect]) -> Option<Effect> {
        Effect::pooled(effects, |values| values.iter().sum::<f64>() / values.len() as f64)
    }

    /// The middle of effects, figure by figure: a client whose clean update is almost zero makes ratios without bound.
    pub fn median(effects: &[Effect]) -> Option<Effect> {
        Effect::pooled(effects, |values| {
            values.sort_by(f64::total_cmp);
            0.5 * (values[(values.len() - 1) / 2] + values[values.len() / 2])
        })
    }

    /// Each figure of all effects made one; nothing of none.
    fn pooled(effects: &[Effect], one: fn(&mut [f64]) -> f64) -> Option<Effect> {
        let of = |figure: fn(&Effect) -> f64| one(&mut effects.iter().map(figure).collect::<Vec<_>>());
        (!effects.is_empty()).then(|| Effect {
            norm: of(|effect| effect.norm),
            cosine: of(|effect| effect.cosine),
            change: of(|effect| effect.change),
            zeros: of(|effect| effect.zeros),
            bits: of(|effect| effect.bits),
        })
    }

    /// For a line of a list.
    pub fn short(&self) -> String {
        let share = |value: f64| format!("{:.0} %", 100.0 * value);
        format!(
            "norm kept {}, cosine {:.3}, zeros {}, {:.1} bits a number",
            share(self.norm),
            self.cosine,
            share(self.zeros),
            self.bits
        )
    }

    /// For people.
    pub fn in_words(&self) -> String {
        format!(
            "{:.0} % of the norm kept, cosine {:.3} to the clean update, changed by {:.0} % of its norm, {:.0} % zeros, {:.1} bits a number",
            100.0 * self.norm,
            self.cosine,
            100.0 * self.change,
            100.0 * self.zeros,
            self.bits
        )
    }
}

/// Share of numbers that are zero.
pub(in crate::fl) fn zeros(update: &Parameters) -> f64 {
    let values = update.tensors().iter().map(crate::backend::values);
    let zeros: usize = values.map(|tensor| tensor.iter().filter(|value| **value == 0.0).count()).sum();
    zeros as f64 / update.count().max(1) as f64
}
