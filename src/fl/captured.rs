//! An update that came from a real system: its files read, held against the model, and brought to the two kinds that
//! attacks know.

use std::sync::Arc;

use burn::tensor::Tensor;
use rand::Rng;

use super::client::descent;
use super::diagnosis::{self, Diagnosis, Finding, Suspect};
use super::grants::Grants;
use super::post::Posts;
use super::setup::{File, attacked, choice, file_name, fitted, taken};
use super::truth::Truth;
use super::{AttackerView, Client, Protocol, Setup, Update, UpdateKind, VictimError};
use crate::backend::{self, Compute, Plain};
use crate::config::{
    BatchNormMode, Captured, CapturedKind, LocalKnowledge, LocalTraining, Loss, Normalise, RunConfig,
};
use crate::data::{self, Batch, Normalisation};
use crate::model::{Model, Net, Parameters, Targets};
use crate::reading::Reading;
use crate::seed::{self, Seed};
use crate::weights::{Choice, Trained, sizes};

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
    /// It is not what the config takes it for.
    #[error("victim.captured.update: {path} {finding}")]
    Misread {
        /// The file.
        path: String,
        /// What it is.
        finding: Finding,
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
    /// Columns that the samples do not have.
    #[error(
        "victim.captured.table: {table} has {columns}, but a sample is {found:?}; name the table the samples are of"
    )]
    Table {
        /// The data set.
        table: String,
        /// What it has.
        columns: String,
        /// Shape of a sample.
        found: [usize; 3],
    },
    /// A label that the model does not have.
    #[error(
        "{place} has label {label}, but the model tells {classes} labels apart, 0 to {}: count from 0, or set \
         victim.classes to what the model has",
        classes.saturating_sub(1)
    )]
    Label {
        /// Where it is.
        place: String,
        /// It.
        label: usize,
        /// Outputs of the model.
        classes: usize,
    },
    /// Samples of a data set that the weights cannot have been used on.
    #[error(
        "the samples of victim.data are {found}, but the model of victim.captured.weights takes {needed} (channels x \
         height x width): set victim.size, or name the data that the client had"
    )]
    Size {
        /// Of a sample.
        found: String,
        /// Of what the model takes.
        needed: String,
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
    /// Whether the values are times a positive factor that is not known.
    pub up_to_scale: bool,
    /// What would not have been noticed of it, and why.
    pub unchecked: Option<String>,
}

/// Reads the files of a captured update. One that surely is not what it is taken for is refused, if it is `questioned`.
pub(super) fn setup(config: &RunConfig, captured: &Captured, questioned: bool) -> Result<Setup, VictimError> {
    let victim = &config.victim;
    let Known { batch, classes, normalisation, fields, reading } = known(config, captured)?;
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
    if let (Some(table), false) = (&captured.table, fits(fields.as_deref(), input)) {
        let columns = match &fields {
            Some(fields) => format!("rows of {} values", fields.iter().sum::<usize>()),
            None => "pictures".to_owned(),
        };
        return Err(CapturedError::Table { table: table.clone(), columns, found: input }.into());
    }
    let weights = File::read("victim.captured.weights", &captured.weights, choice(victim))?;
    let net = match (fitted(victim, input, classes), found) {
        // The weights are right, so it is the samples that are not.
        (net, Some(found)) if net.as_ref().is_ok_and(|net| !weights.fits(net)) || net.is_err() => {
            let needed = weights.input(|input| fitted(victim, input, classes).ok());
            match needed.filter(|needed| *needed != found) {
                Some(needed) => return Err(of_another_size(captured, found, needed).into()),
                None => net?,
            }
        }
        (net, _) => net?,
    };
    let weights = weights.of(&victim.model, &net, |file| file.trained(&net))?;
    let any = Choice { key: None, ..choice(victim) };
    let update = File::read("victim.captured.update", &captured.update, any)?;
    let (sha256, values) =
        update.of(&victim.model, &net, |file| Ok((file.sha256.clone(), file.update(&net)?)))?;
    // What was not sent is as it was sent out, or unchanged.
    let kept = |i: usize| match captured.kind {
        CapturedKind::Weights => weights.parameters[i].clone(),
        _ => vec![0.0; weights.parameters[i].len()],
    };
    let values: Vec<Vec<f64>> =
        values.into_iter().enumerate().map(|(i, tensor)| tensor.unwrap_or_else(|| kept(i))).collect();
    let sent = values.clone();
    let (kind, mut values) = canonical(captured.kind, values, &weights.parameters);
    if values.iter().flatten().all(|&value| value == 0.0) {
        let weights = captured.kind == CapturedKind::Weights;
        return Err(CapturedError::Zero { path: captured.update.clone(), weights }.into());
    }
    let factor = 1.0 / captured.scale.known();
    values.iter_mut().flatten().for_each(|value| *value *= factor);
    let mut notes = Reading::default();
    let net = frozen(net, &values, &mut notes);
    let diagnosis = diagnosed(config, captured, &net, &weights, (&sent, kind, &values));
    for finding in diagnosis.findings {
        if finding.sure && questioned {
            return Err(CapturedError::Misread { path: captured.update.clone(), finding }.into());
        }
        notes.note(finding.to_string());
    }
    let mut reading = reading;
    reading.extend(taken(&captured.weights, &weights));
    reading.extend(notes.of(&file_name(&captured.update)));
    let granted = captured.labels.as_ref().or(batch.as_ref().map(|batch| &batch.labels));
    let all = granted.into_iter().chain(batch.as_ref().map(|batch| &batch.labels)).flatten();
    if let Some(&label) = all.into_iter().find(|&&label| label >= net.labels()) {
        let place = match (&captured.labels, &captured.truth) {
            (None, Some(truth)) => format!("victim.captured.truth: {truth}"),
            (Some(_), _) => "victim.captured.labels".to_owned(),
            (None, None) => "the ground truth of victim.data".to_owned(),
        };
        return Err(CapturedError::Label { place, label, classes: net.labels() }.into());
    }
    let labels = granted.filter(|_| config.knowledge.labels).cloned();
    let posts = Posts::new(config, &net, &normalisation).map_err(VictimError::Post)?;
    let taken = normalisation.clone();
    let enhancer =
        super::enhancer::granted(config.knowledge.enhancer.as_ref(), net.input()[0], &mut reading)?;
    let (enhancer, enhancer_sha256) = enhancer.unzip();
    Ok(Setup {
        attacked: Vec::new(),
        posts,
        batch,
        normalisation,
        taken,
        net,
        bare: None,
        weights: Some(weights),
        population: None,
        captured: Some(CapturedUpdate {
            kind,
            values,
            sha256,
            labels,
            up_to_scale: captured.scale.is_estimated(),
            unchecked: diagnosis.unchecked,
        }),
        fields,
        enhancer,
        enhancer_sha256,
        generator: super::generator::granted(config.knowledge.generator.as_deref())?,
        reading,
    })
}

/// Samples that the weights cannot have been used on.
fn of_another_size(captured: &Captured, found: [usize; 3], needed: [usize; 3]) -> CapturedError {
    let (found, needed) = (sizes(&found), sizes(&needed));
    match &captured.truth {
        Some(path) => CapturedError::Truth {
            path: path.clone(),
            what: format!(
                "has samples of {found}, but the model of victim.captured.weights takes {needed} (channels x height x \
                 width): save the samples as the client's model took them"
            ),
        },
        None => CapturedError::Size { found, needed },
    }
}

/// Leaves out of the matching what was not sent: tensors of zeros, as those of frozen layers are.
fn frozen(net: Net, values: &[Vec<f64>], notes: &mut Reading) -> Net {
    let zeros = |i: &usize| values[*i].iter().all(|value| *value == 0.0);
    let zeros: Vec<usize> = (0..values.len()).filter(zeros).collect();
    if zeros.is_empty() {
        return net;
    }
    let (tensors, numbers) = (values.len(), net.parameter_count());
    let left = numbers - zeros.iter().map(|&i| values[i].len()).sum::<usize>();
    let names: Vec<&str> = zeros.iter().map(|&i| net.parameter_specs()[i].name.as_str()).collect();
    let more = if names.len() > 3 { format!(" and {} more", names.len() - 3) } else { String::new() };
    notes.note(format!(
        "matches {} of {tensors} tensors, {} % of the numbers: {}{more} all zero or not sent, taken for frozen and \
         left out",
        tensors - zeros.len(),
        100 * left / numbers,
        names[..names.len().min(3)].join(", "),
    ));
    net.with_frozen(zeros)
}

/// What speaks against the update being what it is taken for.
pub(super) fn diagnosed(
    config: &RunConfig,
    captured: &Captured,
    net: &Net,
    weights: &Trained,
    (sent, kind, values): (&[Vec<f64>], UpdateKind, &[Vec<f64>]),
) -> Diagnosis {
    let unit = match kind {
        UpdateKind::Gradient => 1.0,
        UpdateKind::Delta => -1.0 / captured.local.map_or(1.0, |local| local.learning_rate),
    };
    let gradient: Vec<Vec<f64>> =
        values.iter().map(|tensor| tensor.iter().map(|value| value * unit).collect()).collect();
    let suspect = Suspect {
        net,
        theta: &weights.parameters,
        sent,
        gradient: &gradient,
        captured,
        ignores_scale: config.attack.ignores_scale(),
        is_processed: !config.post.is_empty(),
        typical: &|| diagnosis::typical(&scores_of_noise(config, net, weights), net.classes()),
        usual: &|| norms_of_noise(config, captured.batch, net, weights),
    };
    suspect.diagnose()
}

/// Scores of the model that was sent out for a few random inputs, row by row.
fn scores_of_noise(config: &RunConfig, net: &Net, weights: &Trained) -> Vec<f64> {
    const SAMPLES: usize = 16;
    let Some((model, x)) = noise(config, net, weights, SAMPLES, 0) else { return Vec::new() };
    backend::values(&model.scores(config.victim.mode, &x))
}

/// Norms of the gradient of a few batches of random inputs and labels, tensor by tensor; the middle one of each.
///
/// # Errors
/// Why there are none.
fn norms_of_noise(
    config: &RunConfig,
    batch: usize,
    net: &Net,
    weights: &Trained,
) -> Result<Vec<f64>, &'static str> {
    const DRAWS: u64 = 3;
    /// Samples of a batch, beyond which its gradient hardly changes in size.
    const SAMPLES: usize = 8;
    /// Multiply-adds forward.
    const MOST: u64 = 4_000_000_000;
    if config.victim.mode == BatchNormMode::EvalClient && !net.buffer_specs().is_empty() {
        return Err("only the client has the statistics of its BatchNorm layers");
    }
    let least = if config.victim.mode == BatchNormMode::Train { 2 } else { 1 };
    // As many as there is time for.
    let room = (MOST / (net.multiply_adds() * DRAWS).max(1)) as usize;
    if room < least {
        return Err("the network is too large to be tried on random inputs in passing");
    }
    let batch = batch.clamp(least, SAMPLES.min(room));
    // A sum over a batch is brought to a mean.
    let unit = if net.loss() == Loss::CeSum { batch as f64 } else { 1.0 };
    let draws = (0..DRAWS).map(|draw| {
        let (model, x) = noise(config, net, weights, batch, draw)?;
        let mut labels = Seed(draw).stream("labels for noise", &[]);
        let labels: Vec<usize> = (0..batch).map(|_| labels.random_range(0..net.labels())).collect();
        let compute = Compute::select("flex", config.run.precision).ok()?;
        let targets = Targets::hard(&compute, &labels, net.classes());
        let gradient = model.first_pass(config.victim.mode, &x, &targets).gradient;
        let norm = |values: Vec<f64>| values.iter().map(|value| value * value).sum::<f64>().sqrt() / unit;
        Some(gradient.tensors().iter().map(|tensor| norm(backend::values(tensor))).collect::<Vec<f64>>())
    });
    let draws: Vec<Vec<f64>> = draws.collect::<Option<_>>().ok_or("there is no backend to try it on")?;
    let middle = |at: usize| {
        let mut all: Vec<f64> = draws.iter().map(|norms| norms[at]).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    Ok((0..weights.parameters.len()).map(middle).collect())
}

/// The model that was sent out, and random inputs.
fn noise(
    config: &RunConfig,
    net: &Net,
    weights: &Trained,
    samples: usize,
    draw: u64,
) -> Option<(Model, Tensor<Plain, 4>)> {
    let compute = Compute::select("flex", config.run.precision).ok()?;
    let tensors = |specs, values: &[Vec<f64>]| {
        let mut values = values.iter().cloned();
        Parameters::from_values(&compute, specs, |_| values.next().unwrap_or_default())
    };
    let model = Model {
        parameters: tensors(net.parameter_specs().clone(), &weights.parameters),
        buffers: tensors(net.buffer_specs().clone(), &weights.buffers),
        net: net.clone(),
    };
    let [channels, height, width] = net.input();
    let noise = seed::normal(&mut Seed(0).stream("probe of an update", &[draw]), samples * net.input_count());
    let x = compute.tensor(&noise, [samples, channels, height, width]);
    Some((model, x))
}

/// Brings what was captured to a gradient or to theta_K - theta_0.
pub(super) fn canonical(
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

/// Whether a sample of this shape is a row of these fields.
fn fits(fields: Option<&[usize]>, [channels, height, width]: [usize; 3]) -> bool {
    fields.is_some_and(|fields| [channels, height, width] == [1, 1, fields.iter().sum()])
}

/// What is known of the samples besides the update.
struct Known {
    batch: Option<Batch>,
    classes: usize,
    normalisation: Normalisation,
    /// Values of each field, where the samples are rows of a data set.
    fields: Option<Arc<[usize]>>,
    reading: Reading,
}

fn known(config: &RunConfig, captured: &Captured) -> Result<Known, VictimError> {
    let victim = &config.victim;
    let (key, known) = if victim.data.is_empty() {
        // The check of the config saw to the classes.
        let classes = victim.classes.unwrap_or_default();
        let file = captured.truth.as_ref().map(|path| Truth::read(path, captured, classes)).transpose()?;
        let channels = file.as_ref().map(Truth::channels);
        let channels = channels.or(captured.input.map(|input| input[0])).unwrap_or_default();
        let normalisation = match &victim.normalise {
            Normalise::By { mean, .. } if mean.len() != channels => {
                return Err(CapturedError::Channels { given: mean.len(), channels }.into());
            }
            Normalise::By { mean, std } => Normalisation { mean: mean.clone(), std: std.clone() },
            // Without a data set there is none of its own.
            Normalise::Own(_) | Normalise::Client(_) => Normalisation::identity(channels),
        };
        let (batch, reading) = file.map(|file| file.batch(&normalisation)).transpose()?.unzip();
        let reading = reading.unwrap_or_default();
        let fields = match &captured.table {
            Some(table) => data::open(table)?.fields(),
            None => None,
        };
        ("victim.captured.truth", Known { batch, classes, normalisation, fields, reading })
    } else {
        let dataset = data::open(&victim.data)?;
        let attacked = attacked(config, &dataset)?;
        let batch = Some(dataset.batch(&attacked, victim.size)?);
        let classes = victim.classes.unwrap_or(dataset.classes.len());
        let normalisation = dataset.normalised_by(&victim.normalise, &attacked)?;
        let mut reading = dataset.reading.clone();
        reading.extend(dataset.normalisation_reading(&victim.normalise, &attacked));
        let fields = dataset.fields();
        ("the ground truth of victim.data", Known { batch, classes, normalisation, fields, reading })
    };
    match known.batch.as_ref().map(|samples| samples.labels.len()) {
        Some(found) if found != captured.batch => {
            Err(CapturedError::Batch { key, found, batch: captured.batch }.into())
        }
        _ => Ok(known),
    }
}

impl CapturedUpdate {
    /// The attacker's world: what was sent out and back, and what the config grants.
    pub(super) fn view(&self, model: &Model, grants: &Grants) -> AttackerView {
        let config = &grants.config;
        let samples = config.batch();
        let mut values = self.values.iter().cloned();
        let values = Parameters::from_values(&grants.compute, model.parameters.specs().clone(), |_| {
            values.next().unwrap_or_default()
        });
        let local = match config.knowledge.local {
            LocalKnowledge::Known => config.local(),
            LocalKnowledge::None => None,
            LocalKnowledge::Assumed(local) => Some(local),
        };
        let update = Update { kind: self.kind, values, samples };
        let protocol = one_client(local, samples);
        let mut view = grants.view(model.clone(), update, self.labels.clone(), protocol);
        view.knowledge.scale = !self.up_to_scale;
        view
    }
}

/// One client that takes its samples in their order: in which it did is nothing that an update tells.
fn one_client(local: Option<LocalTraining>, samples: usize) -> Protocol {
    let samples: Vec<usize> = (0..samples).collect();
    let descent = local.map(|local| descent(local, &samples, |_| None::<rand::rngs::ThreadRng>));
    Protocol::of(vec![Client::new(samples, descent)])
}
