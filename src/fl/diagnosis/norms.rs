//! How large the tensors of an update are beside the gradient of random inputs and labels at the same weights: an honest
//! one is larger in some layers and smaller in others, but not by much in one tensor alone.

use super::head::norm;
use super::{Finding, MANY_STEPS, Steps, Suspect, UNSAID, rounded};

/// Factor beyond which a tensor is not as the others. Ours.
const FAR: f64 = 30.0;
/// The same of a scale or shift of BatchNorm, whose gradients differ more from input to input. Ours.
const FAR_OF_BATCH_NORM: f64 = 300.0;
/// Tensors on either side that one is held against.
const AROUND: usize = 3;
/// Numbers smaller than this beside the largest ones are zero but for rounding, as biases before BatchNorm.
const NOTHING: f64 = 1e-4;

/// A tensor that was compared: its place, and the logarithm of how many times as large it is.
struct Ratio {
    at: usize,
    log: f64,
}

impl Suspect<'_> {
    /// The scale as a whole, or of one tensor.
    ///
    /// # Errors
    /// Why nothing can be told.
    pub(super) fn unusual(&self) -> Result<Option<Finding>, &'static str> {
        let ratios = self.ratios()?;
        let middle = median(ratios.iter().map(|ratio| ratio.log)).exp();
        if middle > FAR && !self.is_blind_to_scale() {
            let what = format!(
                "is about {} times as large as gradients of random inputs and labels: presumably it is scaled",
                rounded(middle)
            );
            let remedy = "set victim.captured.scale, known or \"estimated\", or check victim.loss";
            return Ok(Some(Finding::new(false, what).with(remedy)));
        }
        Ok(self.alone(&ratios))
    }

    /// A tensor or a layer that was scaled by itself.
    ///
    /// # Errors
    /// Why nothing can be told.
    pub(super) fn one_tensor(&self) -> Result<Option<Finding>, &'static str> {
        Ok(self.alone(&self.ratios()?))
    }

    fn alone(&self, ratios: &[Ratio]) -> Option<Finding> {
        let beside = |i: usize| {
            let around = i.saturating_sub(AROUND)..ratios.len().min(i + AROUND + 1);
            ratios[i].log - median(around.filter(|&j| j != i).map(|j| ratios[j].log))
        };
        let name = |i: usize| self.net.parameter_specs()[ratios[i].at].name.as_str();
        let layer = |i: usize| layer_of(name(i));
        let is_batch_norm =
            |i: usize| self.net.buffer_specs().iter().any(|spec| layer_of(&spec.name) == layer(i));
        let most = |i: usize| if is_batch_norm(i) { FAR_OF_BATCH_NORM } else { FAR };
        let all = (0..ratios.len()).map(|i| (i, beside(i)));
        let far: Vec<(usize, f64)> = all.filter(|(i, log)| log.abs() > most(*i).ln()).collect();
        let &(first, log) = far.first()?;
        // One tensor, or all of one layer.
        let is_one = far.iter().all(|&(i, other)| layer(i) == layer(first) && other * log > 0.0);
        is_one.then(|| {
            let (what, factor) = if far.len() > 1 { (layer(first), log) } else { (name(first), log) };
            let size = match factor > 0.0 {
                true => format!("{} times as large", rounded(factor.exp())),
                false => format!("{} times as small", rounded((-factor).exp())),
            };
            Finding::new(
                false,
                format!(
                    "has {what} about {size} as the tensors around it suggest, beside gradients of random inputs: a layer that \
                     was scaled by itself, nearly frozen, or has a learning rate of its own"
                ),
            )
            .with("leave it out of both files (missing tensors are not matched), or undo what was done to it")
        })
    }

    fn ratios(&self) -> Result<Vec<Ratio>, &'static str> {
        if self.is_processed {
            return Err("post-processing went over it");
        }
        let decay = self.captured.local.map_or(0.0, |local| local.decay());
        let (factor, without_decay) = match self.steps() {
            Steps::Linear(factor) if decay != 0.0 => (factor, Some(self.without_decay(factor * decay))),
            Steps::Linear(factor) => (factor, None),
            Steps::Several(_) if decay != 0.0 => return Err("several steps with weight decay hide it"),
            Steps::Several(factor) => (factor, None),
            Steps::Unknown => return Err(UNSAID),
            Steps::Other => return Err(MANY_STEPS),
        };
        let gradient = without_decay.as_deref().unwrap_or(self.gradient);
        let usual = (self.usual)()?;
        let each = |norm: f64, at: usize| norm / (self.gradient[at].len() as f64).sqrt();
        let largest = self.present().map(|at| each(usual[at], at)).fold(0.0, f64::max);
        let is_there = |at: &usize| each(usual[*at], *at) > NOTHING * largest;
        let log = |at: usize| (norm(&gradient[at]) / usual[at] / self.unit(factor)).ln();
        let all = self.present().filter(is_there).map(|at| Ratio { at, log: log(at) });
        let all: Vec<Ratio> = all.filter(|ratio| ratio.log.is_finite()).collect();
        if all.len() <= 2 * AROUND {
            return Err("it has fewer than seven tensors that are not nearly zero");
        }
        Ok(all)
    }
}

/// The layer of a tensor, by its name.
fn layer_of(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(layer, _)| layer)
}

fn median(of: impl Iterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = of.collect();
    all.sort_by(f64::total_cmp);
    let middle = all.len() / 2;
    match all.len() % 2 {
        0 if middle > 0 => (all[middle - 1] + all[middle]) / 2.0,
        _ => all.get(middle).copied().unwrap_or(0.0),
    }
}
