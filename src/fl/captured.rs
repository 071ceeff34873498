//! An update that came from a real system: its files read, held against the model, and brought to the two kinds that
//! attacks know.

use super::setup::{File, fitted, reading};
use super::victim::descent;
use super::{Client, Protocol, Setup, Update, UpdateKind, VictimError};
use crate::attack::{AttackerView, Knowledge, LabelKnowledge};
use crate::backend::Compute;
use crate::checkpoint::{Checkpoint, Reading, Statistics, sizes};
use crate::config::{Captured, CapturedKind, Labels, LocalKnowledge, LocalTraining, Normalise, RunConfig};
use crate::data::{self, Batch, Images, Normalisation};
use crate::model::{Model, Parameters};
use crate::seed::Seed;

/// How far a ground truth may leave [0, 1] by rounding.
const ROUNDING: f64 = 1e-3;

/// Why the files of a captured update cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CapturedError {
    /// Nothing to match.
    #[error(
        "victim.captured.update: {path} is all zero{}: there is nothing to match; check how it was saved",
        if *weights { " beside the weights sent out" } else { "" }
    )]
    Zero {
        /// The file.
        path: String,
        /// It holds weights, which equal those of the global model.
        weights: bool,
    },
    /// The ground truth has another number of samples than the update.
    #[error("{key} has {found} sample(s), but victim.captured.batch = {batch}; make them one number")]
    Batch {
        /// Where the ground truth is named.
        key: &'static str,
        /// Its samples.
        found: usize,
        /// As configured.
        batch: usize,
    },
    /// The shape that is configured is not that of the ground truth.
    #[error(
        "victim.captured.input = {configured:?}, but the samples of the ground truth are {found:?}; remove it"
    )]
    Input {
        /// As configured.
        configured: [usize; 3],
        /// Of the ground truth.
        found: [usize; 3],
    },
    /// Constants for another number of channels.
    #[error(
        "victim.normalise has {given} means, but the samples have {channels} channel(s); give one for each"
    )]
    Channels {
        /// Means.
        given: usize,
        /// Of the samples.
        channels: usize,
    },
    /// A label that the model does not have.
    #[error("label {label} is not one of the {classes} classes of the model; they count from 0")]
    Label {
        /// It.
        label: usize,
        /// Outputs of the model.
        classes: usize,
    },
    /// The file of the ground truth cannot be used.
    #[error("victim.captured.truth: {path} {what}")]
    Truth {
        /// The file.
        path: String,
        /// What is wrong and what would be right.
        what: String,
    },
}

/// What a captured update comes to: values of the canonical kinds.
#[derive(Debug, Clone, PartialEq)]
pub struct CapturedUpdate {
    /// Gradient, or theta_K - theta_0.
    pub kind: UpdateKind,
    /// One vector for each parameter of the model.
    pub values: Vec<Vec<f64>>,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Labels, if they are granted.
    pub labels: Option<Vec<usize>>,
}

/// Reads the files of a captured update.
pub(super) fn setup(config: &RunConfig, captured: &Captured) -> Result<Setup, VictimError> {
    let victim = &config.victim;
    let Truth { batch, classes, normalisation } = truth(config, captured)?;
    let found = batch.as_ref().map(|batch| {
        let [_, channels, height, width] = batch.images.shape();
        [channels, height, width]
    });
    let input = match (captured.input, found) {
        (Some(configured), Some(found)) if configured != found => {
            return Err(CapturedError::Input { configured, found }.into());
        }
        // One of them is there: the check of the config saw to it.
        (configured, found) => found.or(configured).unwrap_or_default(),
    };
    let net = fitted(victim, input, classes)?;
    let weights = File::read("victim.captured.weights", &captured.weights, reading(victim))?;
    let weights = weights.of(&victim.model, &net, |file| file.trained(&net))?;
    let any = Reading { key: None, ..reading(victim) };
    let update = File::read("victim.captured.update", &captured.update, any)?;
    let (sha256, values) =
        update.of(&victim.model, &net, |file| Ok((file.sha256.clone(), file.update(&net)?)))?;
    let (kind, values) = canonical(captured.kind, values, &weights.parameters);
    if values.iter().flatten().all(|&value| value == 0.0) {
        let weights = captured.kind == CapturedKind::Weights;
        return Err(CapturedError::Zero { path: captured.update.clone(), weights }.into());
    }
    let granted = captured.labels.as_ref().or(batch.as_ref().map(|batch| &batch.labels));
    let all = granted.into_iter().chain(batch.as_ref().map(|batch| &batch.labels)).flatten();
    if let Some(&label) = all.into_iter().find(|&&label| label >= classes) {
        return Err(CapturedError::Label { label, classes }.into());
    }
    let labels = granted.filter(|_| config.knowledge.labels == Labels::Known).cloned();
    Ok(Setup {
        attacked: Vec::new(),
        batch,
        normalisation,
        net,
        weights: Some(weights),
        population: None,
        captured: Some(CapturedUpdate { kind, values, sha256, labels }),
    })
}

/// Brings what was captured to a gradient or to theta_K - theta_0.
fn canonical(
    kind: CapturedKind,
    mut values: Vec<Vec<f64>>,
    sent_out: &[Vec<f64>],
) -> (UpdateKind, Vec<Vec<f64>>) {
    match kind {
        CapturedKind::Gradient => return (UpdateKind::Gradient, values),
        CapturedKind::Delta => {}
        CapturedKind::NegativeDelta => {
            values.iter_mut().flatten().for_each(|value| *value = -*value);
        }
        CapturedKind::Weights => {
            let pairs = values.iter_mut().flatten().zip(sent_out.iter().flatten());
            pairs.for_each(|(value, before)| *value -= before);
        }
    }
    (UpdateKind::Delta, values)
}

/// What is known of the samples besides the update.
struct Truth {
    batch: Option<Batch>,
    classes: usize,
    normalisation: Normalisation,
}

fn truth(config: &RunConfig, captured: &Captured) -> Result<Truth, VictimError> {
    let victim = &config.victim;
    let (key, truth) = if victim.data.is_empty() {
        let file = captured.truth.as_ref().map(|path| Samples::read(path)).transpose()?;
        let channels = file.as_ref().map(|file| file.values.channels);
        let channels = channels.or(captured.input.map(|input| input[0])).unwrap_or_default();
        let normalisation = match &victim.normalise {
            Normalise::By { mean, .. } if mean.len() != channels => {
                return Err(CapturedError::Channels { given: mean.len(), channels }.into());
            }
            Normalise::By { mean, std } => Normalisation { mean: mean.clone(), std: std.clone() },
            // Without a data set there is none of its own.
            Normalise::Own(_) => Normalisation::identity(channels),
        };
        let batch = file.map(|file| file.batch(&normalisation)).transpose()?;
        // The check of the config saw to the classes.
        let classes = victim.classes.unwrap_or_default();
        ("victim.captured.truth", Truth { batch, classes, normalisation })
    } else {
        let dataset = data::open(&victim.data)?;
        let attacked = match &victim.sample {
            Some(sampling) => dataset.draw(sampling, Seed(config.run.seed))?,
            None => victim.positions().to_vec(),
        };
        let batch = Some(dataset.batch(&attacked, victim.size)?);
        let classes = victim.classes.unwrap_or(dataset.classes.len());
        let normalisation = dataset.normalised_by(&victim.normalise)?;
        ("the ground truth of victim.data", Truth { batch, classes, normalisation })
    };
    match truth.batch.as_ref().map(|samples| samples.labels.len()) {
        Some(found) if found != captured.batch => {
            Err(CapturedError::Batch { key, found, batch: captured.batch }.into())
        }
        _ => Ok(truth),
    }
}

/// A file of samples: `images` in [0, 1], or else `inputs` as the model saw them, and `labels`.
struct Samples<'a> {
    path: &'a str,
    /// `images` or `inputs`.
    name: &'static str,
    values: Images,
    labels: Vec<usize>,
}

impl<'a> Samples<'a> {
    fn read(path: &'a str) -> Result<Samples<'a>, VictimError> {
        let key = "victim.captured.truth";
        let file = Checkpoint::read(path.as_ref()).map_err(|error| VictimError::File { key, error })?;
        let wrong = |what: String| CapturedError::Truth { path: path.to_owned(), what };
        let tensor = |name: &str| file.tensors.iter().find(|tensor| tensor.name == name);
        let found = ["images", "inputs"].into_iter().find_map(|name| Some((name, tensor(name)?)));
        let (name, found) = found.ok_or_else(|| {
            wrong("has neither images nor inputs; save one of them, [batch, channels, height, width]".into())
        })?;
        let [samples, channels, height, width] = found.shape[..] else {
            let shape = sizes(&found.shape);
            let what = format!("has {name} of shape {shape}; save them as batch x channels x height x width");
            return Err(wrong(what).into());
        };
        if let Some(what) = Statistics::of(&found.values).not_finite() {
            return Err(wrong(format!("has {what} in {name}; save the samples that the client used")).into());
        }
        let whole = |value: &f64| value.fract() == 0.0 && (0.0..1e9).contains(value);
        let labels = tensor("labels")
            .filter(|labels| labels.shape == [samples] && labels.values.iter().all(whole))
            .ok_or_else(|| wrong(format!("has no labels; save {samples} integers under that name")))?;
        Ok(Samples {
            path,
            name,
            values: Images { samples, channels, height, width, pixels: found.values.clone() },
            labels: labels.values.iter().map(|&label| label as usize).collect(),
        })
    }

    /// The samples as pictures.
    fn batch(self, normalisation: &Normalisation) -> Result<Batch, CapturedError> {
        let images = match self.name {
            "inputs" => normalisation.undo(&self.values.pixels, self.values.shape()),
            _ => self.values,
        };
        let range = -ROUNDING..=1.0 + ROUNDING;
        if let Some(value) = images.pixels.iter().find(|value| !range.contains(value)) {
            let what = format!(
                "has {value:.3} in {}, outside of [0, 1]; set victim.normalise to what the client used",
                self.name
            );
            return Err(CapturedError::Truth { path: self.path.to_owned(), what });
        }
        let names = (1..=images.samples).map(|sample| format!("sample {sample}")).collect();
        Ok(Batch { images, labels: self.labels, names })
    }
}

impl CapturedUpdate {
    /// The attacker's world: what was sent out and back, and what the config grants.
    pub fn view(
        &self,
        model: &Model,
        config: &RunConfig,
        normalisation: &Normalisation,
        compute: &Compute,
    ) -> AttackerView {
        let samples = config.batch();
        let mut values = self.values.iter().cloned();
        let values = Parameters::from_values(compute, model.parameters.specs().clone(), |_| {
            values.next().unwrap_or_default()
        });
        let labels = match (config.knowledge.labels, &self.labels) {
            (Labels::Known, Some(labels)) => LabelKnowledge::Known(labels.clone()),
            (Labels::Optimise, _) => LabelKnowledge::Optimised,
            _ => LabelKnowledge::Inferred,
        };
        let local = match config.knowledge.local {
            LocalKnowledge::Known => config.local(),
            LocalKnowledge::None => None,
            LocalKnowledge::Assumed(local) => Some(local),
        };
        AttackerView {
            compute: compute.clone(),
            model: model.clone(),
            update: Update { kind: self.kind, values, samples },
            range: normalisation.range(),
            knowledge: Knowledge {
                labels,
                batch_norm: config.victim.mode,
                protocol: one_client(local, samples),
            },
        }
    }
}

/// One client that takes its samples in their order: in which it did is nothing that an update tells.
fn one_client(local: Option<LocalTraining>, samples: usize) -> Protocol {
    let samples: Vec<usize> = (0..samples).collect();
    let descent = local.map(|local| descent(local, &samples, |_| None::<rand::rngs::ThreadRng>));
    Protocol { clients: vec![Client { samples, descent }] }
}
