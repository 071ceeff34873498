//! The feature attack: a client is asked several times, and all its samples are told apart by one number of each.

use super::{NO_CLASSIFIER, class, classifier, counted, own_row};
use crate::attack::AttackError;
use crate::attack::craft::{Ask, Asked, Craft, Honest};
use crate::backend;
use crate::fl::{AttackerView, Client, Knowledge, Protocol, Update};
use crate::model::{Classifier, Model, Parameters};

/// What scores are times, in units of their typical size: so steep a softmax is a step, at the precision of 32 bit.
const GAIN: f64 = 1e6;

/// Counts of samples are whole numbers up to this, unless one lies on the cut.
const WHOLE: f64 = 1e-4;

/// Samples nearer to each other than this share of the typical size of their numbers are not told apart.
const APART: f64 = 3e-5;

/// Where a cut parts two others; the next one where a sample lies on it.
const SHARES: [f64; 5] = [0.5, 0.3, 0.7, 0.4, 0.6];

/// A model that was sent and what came back: below the cut are so many samples of the batch.
struct Query {
    cut: f64,
    below: usize,
    update: Parameters,
    /// Cuts between it and the next one that a sample lay on.
    missed: usize,
}

/// Samples that no cut has parted, and what they send alone, as the class attack's model would have them.
struct Group {
    samples: usize,
    update: Parameters,
}

/// Asks for the same batch until every sample stands alone, or so many times; what is seen of each then, as if it had been asked alone.
///
/// The score of class t is G (w . h - c) for features h, and 0 for all others: the softmax is 1 above the cut c and 0 below. So a sample
/// of class t has a gradient below the classifier only under the cut, and one of any other class only above it, with the other sign. The
/// difference of the updates for two cuts is that of the samples between them, whatever their classes, and how many they are is the
/// difference of the gradients of t's bias. Bisection by counts parts them. Differing from the paper, w is t's own row, where a single
/// feature of a network that does not pool sees a part of the picture only, and G is larger.
///
/// # Errors
/// If the network has no classifier, or its samples cannot be told apart.
pub fn each(
    honest: &Honest<'_>,
    class: usize,
    queries: usize,
    ask: &mut Ask<'_>,
) -> Result<Asked, AttackError> {
    let unsolved = |why: &str| AttackError::Unsolved { why: why.to_owned() };
    let last = classifier(&honest.model.net).ok_or_else(|| unsolved(NO_CLASSIFIER))?;
    let Craft { model, .. } = class::craft(class, honest).map_err(|why| unsolved(&why))?;
    let view = ask(&model);
    let labels = view.knowledge.labels.clone().ok_or(AttackError::NoLabels)?;
    let (middle, size) = scores(&view, &model, last, class)?;
    let of_other_classes = labels.iter().filter(|label| **label != class).count();
    let mut asking = Asking { last, class, of_other_classes, base: model, gain: GAIN / size, ask, asked: 1 };

    let mut cuts = asking.ends((middle, size), labels.len(), queries)?;
    while asking.asked < queries {
        let Some(at) = widest(&cuts, size) else { break };
        let (low, high) = (cuts[at].cut, cuts[at + 1].cut);
        let share = SHARES[cuts[at].missed];
        match asking.query(low + share * (high - low)) {
            Some(query) => insert(&mut cuts, query),
            None => cuts[at].missed += 1,
        }
    }
    let (asked, gain, model) = (asking.asked, asking.gain, asking.model(middle));
    let groups = groups(&view, last, gain, &cuts);
    let together = groups.iter().filter(|group| group.samples > 1).map(|group| group.samples).sum::<usize>();
    let mut words = vec![format!(
        "sent instead of the honest model, {asked} times one after another to a client that takes the same {} samples each time: of \
         the classifier the row of class {class} alone, {:.0e} times, under other biases, so that a sample's gradient appears or \
         goes where its score passes a cut",
        labels.len(),
        gain
    )];
    words.push(match together {
        0 => format!("all {} samples stand apart: each is searched from a gradient of its own", labels.len()),
        _ => format!(
            "{} of {} samples stand apart; {together} others are searched together, in {} groups, since {}",
            labels.len() - together,
            labels.len(),
            groups.iter().filter(|group| group.samples > 1).count(),
            if asked < queries { "they are as good as equal" } else { "attack.queries are used up" }
        ),
    });
    let view = singled_out(&view, class, last, groups).ok_or(AttackError::Silent { class })?;
    Ok(Asked { craft: Craft { model, own: Vec::new(), words }, view })
}

/// The first of two neighbouring cuts that part what is farthest apart of what more than one sample lies in.
fn widest(cuts: &[Query], size: f64) -> Option<usize> {
    let width = |at: usize| cuts[at + 1].cut - cuts[at].cut;
    let can_part = |at: &usize| {
        let (low, high) = (&cuts[*at], &cuts[at + 1]);
        high.below > low.below + 1 && width(*at) > APART * size && low.missed < SHARES.len()
    };
    let places = (0..cuts.len().saturating_sub(1)).filter(can_part);
    places.max_by(|&a, &b| width(a).total_cmp(&width(b)))
}

/// Puts a cut in its place. Of neighbours with as many samples below them, the ends of where none lies, two are enough.
fn insert(cuts: &mut Vec<Query>, query: Query) {
    let at = cuts.partition_point(|known| known.cut < query.cut);
    if let Some(low) = at.checked_sub(1) {
        cuts[low].missed = 0;
    }
    cuts.insert(at, query);
    let is_between_equals = |at: usize| {
        at > 0
            && at + 1 < cuts.len()
            && cuts[at - 1].below == cuts[at].below
            && cuts[at].below == cuts[at + 1].below
    };
    if let Some(spare) = (0..cuts.len()).find(|at| is_between_equals(*at)) {
        cuts.remove(spare);
    }
}

/// A client that is asked.
struct Asking<'a, 'b> {
    last: (Classifier, usize),
    /// Its row is kept.
    class: usize,
    /// Samples of other classes.
    of_other_classes: usize,
    /// The model of the class attack.
    base: Model,
    /// What its row is times.
    gain: f64,
    ask: &'a mut Ask<'b>,
    /// How often so far.
    asked: usize,
}

impl Asking<'_, '_> {
    /// The model that parts samples at this cut.
    fn model(&self, cut: f64) -> Model {
        let (last, bias) = self.last;
        let specs = self.base.net.parameter_specs();
        let (weight, bias) = (&specs[last.weight].name, &specs[bias].name);
        let parameters = self.base.parameters.mapped(|spec, values| {
            if spec.name == *weight {
                values.iter_mut().for_each(|value| *value *= self.gain);
            } else if spec.name == *bias {
                values.fill(0.0);
                values[self.class] = -self.gain * cut;
            }
        });
        Model { net: self.base.net.clone(), parameters, buffers: self.base.buffers.clone() }
    }

    /// What comes back for this cut; nothing if a sample lies on it.
    fn query(&mut self, cut: f64) -> Option<Query> {
        let model = self.model(cut);
        let view = (self.ask)(&model);
        self.asked += 1;
        let sum = -backend::values(&view.update.values.tensors()[self.last.1])[self.class] / counted(&view);
        let below = sum + self.of_other_classes as f64;
        let whole = (below - below.round()).abs() < WHOLE && below > -0.5;
        whole.then(|| Query { cut, below: below.round() as usize, update: view.update.values, missed: 0 })
    }

    /// A cut that no sample is below, and one that all are.
    fn ends(
        &mut self,
        (middle, size): (f64, f64),
        samples: usize,
        queries: usize,
    ) -> Result<Vec<Query>, AttackError> {
        let mut found = Vec::with_capacity(2);
        for (side, below) in [(-1.0, 0), (1.0, samples)] {
            let mut step = size;
            loop {
                if self.asked >= queries {
                    let why =
                        format!("{queries} queries do not reach around all samples; raise attack.queries");
                    return Err(AttackError::Unsolved { why });
                }
                match self.query(middle + side * step).filter(|query| query.below == below) {
                    Some(query) => break found.push(query),
                    None => step *= 2.0,
                }
            }
        }
        Ok(found)
    }
}

/// Mean score of the samples of the class, and how large scores are, by the answer to the class attack's model.
fn scores(
    view: &AttackerView,
    sent: &Model,
    (last, bias): (Classifier, usize),
    class: usize,
) -> Result<(f64, f64), AttackError> {
    let row = |values: &Parameters, at: usize| -> Vec<f64> {
        backend::values(&values.tensors()[at])
            .into_iter()
            .skip(class * last.features)
            .take(last.features)
            .collect()
    };
    let update = &view.update.values;
    let count = backend::values(&update.tensors()[bias])[class];
    let features: Vec<f64> = row(update, last.weight).into_iter().map(|sum| sum / count).collect();
    let weights = row(&sent.parameters, last.weight);
    let norm = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>().sqrt();
    let size = norm(&features) * norm(&weights);
    if !size.is_normal() {
        return Err(AttackError::Silent { class });
    }
    Ok((features.iter().zip(&weights).map(|(h, w)| h * w).sum(), size))
}

/// What the samples between neighbouring cuts send to the class attack's model.
fn groups(view: &AttackerView, (last, bias): (Classifier, usize), gain: f64, cuts: &[Query]) -> Vec<Group> {
    let loss = view.model.net.loss();
    let between = |pair: &[Query]| {
        let samples = pair[1].below.saturating_sub(pair[0].below);
        let difference = pair[1].update.clone().combine(1.0, &pair[0].update, -1.0);
        // What reaches the layers below has passed the row, which the classifier's own gradient has not.
        let update = difference.clone().scaled(1.0 / gain).with(&[last.weight, bias], &difference);
        (samples > 0)
            .then(|| Group { samples, update: update.scaled(loss.share(samples, 1) / counted(view)) })
    };
    cuts.windows(2).filter_map(between).collect()
}

/// What is seen of every group as if it had been asked alone, all other samples of the batch being somewhere else.
fn singled_out(
    view: &AttackerView,
    class: usize,
    last: (Classifier, usize),
    groups: Vec<Group>,
) -> Option<AttackerView> {
    let Knowledge { protocol, .. } = &view.knowledge;
    let client = protocol.clients.first()?;
    let samples = view.update.samples;
    let mut first = 0;
    let mut views = groups.into_iter().map(|group| {
        let own_row = own_row(&group.update, &view.model.net, last, class);
        let own = (first..first + group.samples).collect();
        first += group.samples;
        let alone = Client { samples: own, descent: None, ..client.clone() };
        let values = group.update.times(&own_row);
        let protocol = Protocol { clients: vec![alone], post: protocol.post.clone().then_masked(own_row) };
        // Moments that are granted are of the whole batch.
        let knowledge = Knowledge {
            labels: Some(vec![class; samples]),
            protocol,
            moments: None,
            ..view.knowledge.clone()
        };
        let update = Update { values, samples, ..view.update };
        AttackerView { update, knowledge, earlier: Vec::new(), ..view.clone() }
    });
    let view = views.next()?;
    Some(AttackerView { earlier: views.collect(), ..view })
}
