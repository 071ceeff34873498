//! Whether an update from outside is what it is taken for, told before it is attacked and without any ground truth:
//! from what the loss implies for the last layer, from the weights that were sent out, and from the numbers themselves.
//!
//! A wrong sign, scale, loss or kind makes every attack fail without a word. What is sure is a refusal, what is likely
//! a warning; both name the setting that fits.

mod counts;
mod head;
mod norms;
mod parts;
mod tally;
mod values;

pub(super) use self::head::softmax;
use self::head::{Head, Likeness, dot};
pub(super) use self::values::scattered;
use crate::config::{Accumulate, Captured, CapturedKind, LocalOptimiser, LocalTraining, Loss};
use crate::model::Net;

/// How far the rows of the last layer may be from adding up to zero: exact gradients in 32 bit stay below 1e-5.
const BALANCED: f64 = 3e-5;
/// Share of an update that weight decay may be without spoiling every attack.
const LITTLE: f64 = 0.1;
/// Relative error of the last layer from which on nothing is concluded from it.
const TOO_MUCH: f64 = 0.02;
/// What one sample may leave unexplained: exact gradients in 32 bit stay below 1e-4.
const EXPLAINED: f64 = 0.03;
/// Uncertainty of a score from which on nothing is concluded from scores.
const UNCERTAIN: f64 = 0.3;

/// Why nothing is told without the gradient to the last bias.
const NO_BIAS: &str = "the network has no last bias, or it was not sent";
/// Why little is told where nobody said how the client trained.
const UNSAID: &str = "victim.captured.local does not say how the client trained";
/// Why little is told of several local steps.
const MANY_STEPS: &str =
    "several local steps mix gradients at several weights, which shows no more than large factors";

/// An update that is not what it is taken for.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// No attack can succeed with the settings as they are; else it is likely that they are wrong, or worth to know.
    pub sure: bool,
    /// What it is, without its subject: `has the opposite sign`.
    pub what: String,
    /// What to set, if something fits.
    pub remedy: Option<String>,
}

impl Finding {
    fn new(sure: bool, what: impl Into<String>) -> Finding {
        Finding { sure, what: what.into(), remedy: None }
    }

    fn with(self, remedy: impl Into<String>) -> Finding {
        Finding { remedy: Some(remedy.into()), ..self }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.what)?;
        match &self.remedy {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

/// What was found out about an update.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Diagnosis {
    /// What speaks against it, the surest first.
    pub findings: Vec<Finding>,
    /// What would not have been noticed, and why: `scale, ...: the network has one output`.
    pub unchecked: Option<String>,
}

/// What the last layer says.
enum Said {
    /// The update is something else, or may be.
    Wrong(Finding),
    /// Loss, sign and scale are as they were taken.
    Right,
    /// A wrong scale or loss can be behind it, for this reason.
    Nothing(String),
}

/// An update beside what it is said to be.
pub struct Suspect<'a> {
    /// The network, with the loss it is taken for and what was not sent frozen.
    pub net: &'a Net,
    /// Parameters that were sent out.
    pub theta: &'a [Vec<f64>],
    /// What came back, as in the file.
    pub sent: &'a [Vec<f64>],
    /// The same in the sign and units of a gradient.
    pub gradient: &'a [Vec<f64>],
    /// What it is said to be.
    pub captured: &'a Captured,
    /// How it will be matched; a cosine does not see a scale.
    pub ignores_scale: bool,
    /// Whether post-processing is said to have gone over it, which may have changed its size.
    pub is_processed: bool,
    /// Mean and spread over random inputs of the softmax of the scores at theta, `classes` each.
    pub typical: &'a dyn Fn() -> (Vec<f64>, Vec<f64>),
    /// Norm of every tensor of the gradient of as many random inputs and labels, or why there is none.
    pub usual: &'a dyn Fn() -> Result<Vec<f64>, &'static str>,
}

/// What one plain step of the client makes of a gradient, or of the mean of several.
enum Steps {
    /// Times this.
    Linear(f64),
    /// A mean of gradients at several points, times a sum of weights.
    Several(f64),
    /// Nothing is known of them.
    Unknown,
    /// Something else.
    Other,
}

impl Suspect<'_> {
    /// What speaks against the update being what it is taken for, and what would not have been noticed.
    pub fn diagnose(&self) -> Diagnosis {
        if let Some(finding) = self.weights() {
            return Diagnosis { findings: vec![finding], unchecked: None };
        }
        let shape = |i: usize| self.net.parameter_specs()[i].shape.as_slice();
        let tensors: Vec<(&[usize], &[f64])> =
            self.present().map(|i| (shape(i), self.gradient[i].as_slice())).collect();
        let changed = values::transformed(&tensors).filter(|_| self.captured.kind != CapturedKind::Weights);
        // What was compressed is no exact gradient of anything.
        let said = match changed {
            Some(what) => Said::Wrong(Finding::new(false, what)),
            None => self.of_loss(),
        };
        let mut findings = Vec::new();
        let (of_loss, of_norms) = match said {
            Said::Wrong(finding) => {
                findings.push(finding);
                (None, Ok(None))
            }
            Said::Right => (None, self.one_tensor()),
            Said::Nothing(why) => (Some(why), self.unusual()),
        };
        let of_one = match of_norms {
            Ok(finding) => {
                findings.extend(finding);
                None
            }
            Err(why) => Some(why),
        };
        findings.extend(self.constant());
        findings.sort_by_key(|finding| !finding.sure);
        Diagnosis { findings, unchecked: unseen(of_loss, of_one) }
    }

    fn present(&self) -> impl Iterator<Item = usize> {
        (0..self.gradient.len()).filter(|i| !self.net.frozen().contains(i))
    }

    /// Weights given as an update, or an update as weights.
    fn weights(&self) -> Option<Finding> {
        let product =
            |a: &[Vec<f64>], b: &[Vec<f64>]| -> f64 { self.present().map(|i| dot(&a[i], &b[i])).sum() };
        let (sent, theta) = (product(self.sent, self.sent), product(self.theta, self.theta));
        let cosine = product(self.sent, self.theta) / (sent * theta).sqrt();
        match self.captured.kind {
            CapturedKind::Weights if cosine < 0.1 && sent < theta => Some(
                Finding::new(
                    true,
                    format!(
                        "holds no weights that these could have become, but an update (cosine {cosine:.2} to the weights \
                         sent out)"
                    ),
                )
                .with("set victim.captured.kind = \"delta\", \"negative-delta\" or \"gradient\""),
            ),
            CapturedKind::Weights => None,
            _ if cosine.abs() > 0.999 => Some(
                Finding::new(
                    true,
                    if (cosine - 1.0).abs() < 1e-12 && (sent / theta - 1.0).abs() < 1e-12 {
                        "holds the weights that were sent out, not an update".to_owned()
                    } else {
                        format!("holds weights, not an update (cosine {cosine:.5} to the weights sent out)")
                    },
                )
                .with("give what the client sent back; weights after training are kind = \"weights\""),
            ),
            _ => None,
        }
    }

    /// A tensor of equal numbers that are not zero.
    fn constant(&self) -> Option<Finding> {
        let constant = |i: &usize| {
            let values = &self.gradient[*i];
            values.len() > 2 && values[0] != 0.0 && values.iter().all(|value| *value == values[0])
        };
        let names: Vec<&str> =
            self.present().filter(constant).map(|i| self.net.parameter_specs()[i].name.as_str()).collect();
        let first = names.first()?;
        let more = if names.len() > 1 { format!(" and {} more", names.len() - 1) } else { String::new() };
        Some(Finding::new(false, format!("has the same number everywhere in {first}{more}")))
    }

    /// The relative error of what was sent, on the last layer: rounding, and of a difference that of the weights. A
    /// probability less one is wrong by what 32 bit leaves of one, however small it is: a confident network says little.
    fn noise(&self) -> f64 {
        let scores = self.net.parameter_specs().iter().zip(self.gradient).next_back();
        let scores = scores.filter(|(spec, _)| spec.shape.len() == 1);
        let largest = scores.map(|(_, bias)| bias.iter().fold(0.0f64, |most, value| most.max(value.abs())));
        let of_one = largest.filter(|largest| *largest > 0.0).map_or(0.0, |largest| 2f64.powi(-22) / largest);
        self.of_transport() + of_one
    }

    fn of_transport(&self) -> f64 {
        let rounding = values::rounding(self.present().flat_map(|i| &self.sent[i]));
        let head = self.net.parameter_specs().len().saturating_sub(2)..self.net.parameter_specs().len();
        let size = |tensors: &[Vec<f64>]| tensors[head.clone()].iter().map(|t| dot(t, t)).sum::<f64>().sqrt();
        let step =
            self.captured.local.map_or(1.0, |local| local.learning_rate) * self.captured.scale.known().abs();
        let lever = size(self.theta) / (size(self.gradient) * step).max(f64::MIN_POSITIVE);
        match self.captured.kind {
            CapturedKind::Gradient => rounding,
            CapturedKind::Weights => rounding * lever,
            CapturedKind::Delta | CapturedKind::NegativeDelta => rounding + 2f64.powi(-24) * lever,
        }
    }

    /// Whether a wrong scale does no harm.
    fn is_blind_to_scale(&self) -> bool {
        self.ignores_scale
            || self.is_processed
            || self.captured.scale.is_estimated()
            || self.steps_are_unknown()
    }

    fn steps_are_unknown(&self) -> bool {
        self.captured.kind.takes_steps() && self.captured.local.is_none()
    }

    /// A factor on what is taken for a gradient as a factor on what was sent.
    fn as_sent(&self, scale: f64) -> f64 {
        rounded(scale * self.captured.scale.known())
    }

    fn steps(&self) -> Steps {
        if !self.captured.kind.takes_steps() {
            return Steps::Linear(1.0);
        }
        let Some(local) = self.captured.local else { return Steps::Unknown };
        let LocalTraining { optimiser, clip, momentum, nesterov, dampening, accumulate, proximal, .. } =
            local;
        if optimiser != LocalOptimiser::Sgd || clip.is_some() || accumulate != Accumulate::default() {
            return Steps::Other;
        }
        let steps = local.steps(self.captured.batch);
        if steps == 1 {
            return Steps::Linear(if nesterov { 1.0 + momentum } else { 1.0 });
        }
        if nesterov || dampening != 0.0 || proximal != 0.0 {
            return Steps::Other;
        }
        // Each gradient stays in the momentum until the last step.
        let weight = |k: usize| (0..steps - k).map(|i| momentum.powi(i as i32)).sum::<f64>();
        Steps::Several((0..steps).map(weight).sum())
    }

    /// What the last layer implies.
    fn of_loss(&self) -> Said {
        let loss = self.net.loss();
        let noise = self.noise();
        if noise > TOO_MUCH {
            return Said::Nothing("rounding is much of the last layer's gradient".into());
        }
        let steps = self.steps();
        let decay = self.captured.local.map_or(0.0, |local| local.decay());
        let without_decay = match steps {
            _ if decay == 0.0 => None,
            Steps::Linear(factor) => Some(self.without_decay(factor * decay)),
            _ => return Said::Nothing("several steps with weight decay hide it".into()),
        };
        let Some(head) = Head::of(self.net, self.theta, without_decay.as_deref().unwrap_or(self.gradient))
        else {
            return Said::Nothing("the network ends in no fully connected layer that was sent".into());
        };
        let imbalance = head.imbalance();
        let is_balanced = imbalance < BALANCED + 8.0 * noise;
        let factor = match steps {
            Steps::Linear(factor) => Some(factor),
            // Of one step sign and loss are told all the same.
            Steps::Unknown => Some(1.0),
            Steps::Several(_) | Steps::Other => None,
        };
        let is_known = !matches!(steps, Steps::Unknown);
        if let (Some(factor), 1) = (factor, self.captured.batch) {
            let Some(p) = head.to_scores() else { return Said::Nothing(NO_BIAS.into()) };
            let single = head.single(noise).filter(|single| single.uncertain < UNCERTAIN);
            let Some(single) = single else {
                return Said::Nothing("the network is so sure that rounding hides what it thinks".into());
            };
            let tolerance = EXPLAINED + 4.0 * single.uncertain + 4.0 * noise;
            if is_balanced || !loss.is_cross_entropy() || head.decay().is_none() {
                let likeness = single.likeness(p, loss);
                let is_explained = single.rest < tolerance && likeness.residual < tolerance;
                return match is_explained {
                    true => self.compare(likeness, factor, tolerance).map_or(Said::Right, Said::Wrong),
                    false if is_known => Said::Wrong(self.unlike_one(&single, tolerance)),
                    false => Said::Nothing(UNSAID.into()),
                };
            }
        }
        let several = matches!(steps, Steps::Several(_));
        if let (true, Steps::Linear(factor) | Steps::Several(factor)) = (self.captured.batch > 1, &steps)
            && head.decay().is_none()
        {
            let parted = if several { None } else { self.parted(&head, *factor, noise) };
            if let Some(said) = parted {
                return said;
            }
            let wrong = self.tallied(&head, *factor, several, noise);
            if let Some(finding) = wrong.or_else(|| self.beyond_binary(&head, *factor)) {
                return Said::Wrong(finding);
            }
        }
        if loss.is_cross_entropy() && !is_balanced && !matches!(steps, Steps::Unknown | Steps::Other) {
            return Said::Wrong(self.unbalanced(&head, imbalance));
        }
        if !loss.is_cross_entropy() && imbalance < 1e-6 + 2.0 * noise && self.captured.batch > 1 {
            let what = format!(
                "has last rows that add up to zero, as under softmax cross-entropy, not {}",
                loss.name()
            );
            return Said::Wrong(Finding::new(false, what).with("set victim.loss = \"ce\""));
        }
        let (Steps::Linear(factor) | Steps::Several(factor)) = steps else {
            return Said::Nothing(if is_known { MANY_STEPS } else { UNSAID }.into());
        };
        if loss.is_cross_entropy()
            && let Some(finding) =
                self.counts(&head, factor, several, noise).or_else(|| self.rank(&head, several, noise))
        {
            return Said::Wrong(finding);
        }
        match several {
            true => Said::Nothing(MANY_STEPS.into()),
            false if self.is_counted(&head, factor, noise) => Said::Right,
            false => Said::Nothing(self.untold(&head, factor)),
        }
    }

    /// Why the last layer says nothing of the scale of several samples.
    fn untold(&self, head: &Head, factor: f64) -> String {
        let batch = self.captured.batch;
        let Some(g) = head.to_scores() else { return NO_BIAS.into() };
        let most = parts::most(head.classes);
        let mut why = match head.classes {
            1 => format!("one output shows of {batch} samples no more than bounds"),
            classes if batch > most => format!(
                "the network tells its {batch} samples apart, and its {classes} outputs tell of {most} at most what each is"
            ),
            _ => format!("what is left of some of the {batch} samples is as small as rounding"),
        };
        // Of a mean the negative entries, which labels make, add up to one at most.
        if self.net.loss().is_cross_entropy() {
            let labels: f64 = g.iter().map(|g| (-g).max(0.0)).sum();
            why += &format!(
                "; its last bias says that it is at least {} times the gradient",
                rounded(labels / self.unit(factor))
            );
        }
        why
    }

    /// The gradient less weight decay, which one step adds.
    fn without_decay(&self, decay: f64) -> Vec<Vec<f64>> {
        let pairs = self.gradient.iter().zip(self.theta);
        pairs.map(|(g, theta)| g.iter().zip(theta).map(|(g, theta)| g - decay * theta).collect()).collect()
    }

    /// One sample explains the update: as it was taken, or under another loss, sign or scale.
    fn compare(&self, found: Likeness, factor: f64, tolerance: f64) -> Option<Finding> {
        let loss = self.net.loss();
        let scale = found.scale / factor;
        let same = match (found.loss, loss) {
            (Loss::Ce, Loss::Ce | Loss::CeSum) => true,
            // Little smoothing and much rounding are hard to tell apart.
            (Loss::LabelSmoothing(a), Loss::LabelSmoothing(b)) => (a - b).abs() < 0.01 + tolerance,
            (Loss::LabelSmoothing(e), Loss::Ce | Loss::CeSum) => e < 0.005,
            (a, b) => a == b,
        };
        if !same {
            let what = format!("is the gradient of the {}, not of the {}", found.loss.name(), loss.name());
            let mut remedy = format!("set victim.loss = {}", found.loss.key());
            let right = (scale - 1.0).abs() < 0.1;
            if !right {
                remedy += &format!(" and victim.captured.scale = {}", self.as_sent(scale));
            }
            return Some(Finding::new(true, what).with(remedy));
        }
        if scale < 0.0 {
            return Some(self.opposite(true, -scale));
        }
        if self.is_processed || self.captured.scale.is_estimated() || (scale - 1.0).abs() < 0.05 + tolerance {
            return None;
        }
        if self.steps_are_unknown() {
            let rate = self.as_sent(scale);
            let what = format!("is one step on one sample with learning rate {rate}");
            let remedy = format!("set victim.captured.local = {{ learning_rate = {rate} }}");
            return Some(Finding::new(false, what).with(remedy));
        }
        let mut what = times(rounded(scale), 1);
        let mut remedy = format!("set victim.captured.scale = {}", self.as_sent(scale));
        if self.net.classes() == 1 {
            // Any number is some multiple of that of either label; round ones are hardly so by chance.
            if !is_power_of_two(scale) {
                what = format!(
                    "is not the gradient of one sample as it is: it would be {} times that of label {}, or of the opposite \
                     sign and another scale that of label {}",
                    rounded(scale),
                    found.label,
                    1 - found.label.min(1)
                );
            }
            remedy += ", or check victim.loss and victim.captured.batch: one output tells no more";
        }
        let blind = self.is_blind_to_scale();
        let what = if blind { format!("{what}, which the matching does not see") } else { what };
        Some(Finding::new(!blind, what).with(remedy))
    }

    /// The sign is wrong, by what is likely or sure.
    fn opposite(&self, sure: bool, scale: f64) -> Finding {
        let what = match self.captured.kind {
            CapturedKind::Gradient => "has the opposite sign of a gradient",
            CapturedKind::Delta => "has the sign of negative-delta",
            CapturedKind::NegativeDelta => "has the sign of delta",
            CapturedKind::Weights => "leads away from where a gradient step leads",
        };
        let as_is =
            (scale - 1.0).abs() < 0.05 || self.captured.scale.is_estimated() || self.steps_are_unknown();
        let remedy = match self.captured.kind {
            CapturedKind::Delta if as_is => "set victim.captured.kind = \"negative-delta\"".to_owned(),
            CapturedKind::NegativeDelta if as_is => "set victim.captured.kind = \"delta\"".to_owned(),
            _ => format!("set victim.captured.scale = {}", self.as_sent(if as_is { -1.0 } else { -scale })),
        };
        let likely = if sure { "" } else { "presumably " };
        Finding::new(sure, format!("{likely}{what}")).with(remedy)
    }

    /// A batch of one was said, but the last layer tells of something else.
    fn unlike_one(&self, single: &head::Single, tolerance: f64) -> Finding {
        if single.rest >= tolerance {
            let what = format!(
                "is not of one sample: {:.0} % of the last layer's gradient does not come from one",
                100.0 * single.rest.min(1.0)
            );
            return Finding::new(false, what).with(
                "check victim.captured.batch; post-processing and clients with local steps look like this as well",
            );
        }
        let what = "is no gradient of one sample and a hard label under cross-entropy, binary cross-entropy or squared \
                    error";
        Finding::new(false, what)
            .with("check victim.captured.batch, victim.loss, victim.mode and victim.captured.weights")
    }

    /// The rows of the last layer do not add up to zero.
    fn unbalanced(&self, head: &Head, imbalance: f64) -> Finding {
        if let Some(decay) = head.decay() {
            let size = |tensors: &[Vec<f64>]| tensors.iter().map(|t| dot(t, t)).sum::<f64>().sqrt();
            let sure = decay * size(self.theta) > LITTLE * size(self.gradient);
            let decay = rounded(decay);
            let what =
                format!("has weight decay in it: {decay} times the weights were added to the gradient");
            let remedy = match self.captured.kind {
                CapturedKind::Gradient => format!(
                    "set victim.captured.kind = \"negative-delta\" and victim.captured.local = {{ learning_rate = 1, \
                     weight_decay = {decay} }}, which says the same"
                ),
                _ => format!("set weight_decay = {decay} in victim.captured.local"),
            };
            return Finding::new(sure, what).with(remedy);
        }
        let what = format!(
            "is not of softmax cross-entropy: the rows of its last layer add up to {:.0} % of their size, not to zero",
            100.0 * imbalance
        );
        match imbalance > 0.1 {
            true => Finding::new(false, what)
                .with("set victim.loss = \"bce\" or \"mse\"; noise and other post-processing look like this as well"),
            false => Finding::new(false, what).with("weight decay or post-processing does this"),
        }
    }
}

/// What would not have been noticed: of the loss and scale for this reason, of a single tensor for that one.
fn unseen(of_loss: Option<String>, of_one: Option<&str>) -> Option<String> {
    const LOSS: &str = "a wrong scale, a sum for a mean, label smoothing or another loss";
    const TENSOR: &str = "a tensor that was scaled by itself";
    match (of_loss, of_one) {
        (Some(why), Some(same)) if why == same => Some(format!("{LOSS}, or {TENSOR}: {why}")),
        (Some(why), Some(other)) => Some(format!("{LOSS}: {why}; {TENSOR}: {other}")),
        (Some(why), None) => Some(format!("{LOSS}: {why}")),
        (None, of_one) => Some(format!("{TENSOR}: {}", of_one?)),
    }
}

/// Mean and spread of the softmax of rows of scores.
pub fn typical(scores: &[f64], classes: usize) -> (Vec<f64>, Vec<f64>) {
    let rows: Vec<Vec<f64>> = scores.chunks(classes).map(softmax).collect();
    let count = rows.len() as f64;
    let mean: Vec<f64> = (0..classes).map(|c| rows.iter().map(|row| row[c]).sum::<f64>() / count).collect();
    let spread =
        (0..classes).map(|c| (rows.iter().map(|row| (row[c] - mean[c]).powi(2)).sum::<f64>() / count).sqrt());
    let spread = spread.collect();
    (mean, spread)
}

/// `is 0.5 times the gradient of 4 samples`; what only a loss scaler does is called so.
fn times(scale: f64, samples: usize) -> String {
    let of = if samples == 1 { "one sample".to_owned() } else { format!("{samples} samples") };
    match is_power_of_two(scale) && scale >= 128.0 {
        true => format!("is scaled by {scale}: a loss scaler that was not undone"),
        false => format!("is {scale} times the gradient of {of}"),
    }
}

/// Three digits, and whole powers of two as they are.
fn rounded(value: f64) -> f64 {
    if is_power_of_two(value) {
        return 2f64.powi(value.log2().round() as i32);
    }
    let digits = 10f64.powi(2 - value.abs().log10().floor() as i32);
    (value * digits).round() / digits
}

fn is_power_of_two(value: f64) -> bool {
    let power = value.log2();
    power.is_finite() && (power - power.round()).abs() < 0.01
}

#[cfg(test)]
mod honest;
