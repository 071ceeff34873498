//! What the clients behind one update do with their samples: one gradient (FedSGD) or local steps (FedAvg), averaged
//! over the clients. Client and attacker run the same code, each with the settings that they know.

use burn::tensor::Tensor;

use crate::backend::{self, Plain, Vector};
use crate::config::{BatchNormMode, LocalTraining};
use crate::model::{self, Kept, Model, Parameters, Pull, Targets, Trace};

use super::client::{Client, descent};
use super::post::{Passed, Transforms};
use super::sent::Mean;

/// The work of all clients whose updates the server sees as one, by positions in the private batch.
#[derive(Debug, Clone)]
pub struct Protocol {
    /// One or, under secure aggregation, several.
    pub clients: Vec<Client>,
    /// Post-processing of each client's update as the attacker simulates it.
    pub post: Transforms,
}

/// A candidate at a model: what the clients are taken to compute on.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    /// The model that the clients were sent.
    pub model: &'a Model,
    /// The mode of their passes.
    pub mode: BatchNormMode,
    /// Normalised pixels, `[batch, channels, height, width]`.
    pub x: &'a Tensor<Plain, 4>,
    /// Labels, `[batch, classes]`.
    pub targets: &'a Targets,
}

/// A simulated update in units of a gradient.
#[derive(Debug, Clone)]
pub struct Simulated {
    /// The mean over the clients of g, or of (theta_0 - theta_K) / eta.
    pub gradient: Parameters,
    /// What the way back needs.
    pub trail: Trail,
}

/// What was kept on the way to a simulated update.
#[derive(Debug, Clone)]
pub enum Trail {
    /// Of the one gradient that everything is.
    One(Kept, Passed, Vector),
    /// Of each client: its local steps, where it made some, and its post-processing.
    Each(Vec<(Option<Trace>, Passed)>),
}

/// What the model that was sent shows of a candidate.
#[derive(Debug, Clone)]
pub struct Shown {
    /// It.
    pub values: model::Shown,
    kept: Kept,
}

/// Gradient of `<simulated gradient, v>` with `v` held fixed.
#[derive(Debug, Clone)]
pub struct Back {
    /// To the pixels, row-major `[batch, channels, height, width]`.
    pub to_input: Vec<f64>,
    /// To the label logits, row-major `[batch, classes]`, for soft targets.
    pub to_labels: Option<Vec<f64>>,
}

impl Back {
    /// Adds what one client's samples have to say.
    pub fn add(&mut self, to_input: &[f64], to_labels: Option<&[f64]>) {
        add(&mut self.to_input, to_input);
        if let Some(part) = to_labels {
            match &mut self.to_labels {
                Some(sum) => add(sum, part),
                none => *none = Some(part.to_vec()),
            }
        }
    }
}

fn add(sum: &mut [f64], part: &[f64]) {
    sum.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
}

impl Protocol {
    /// These clients, without post-processing.
    pub fn of(clients: Vec<Client>) -> Protocol {
        Protocol { clients, post: Transforms::default() }
    }

    /// One client, one gradient of its whole batch.
    pub fn fed_sgd(samples: usize) -> Protocol {
        Protocol::of(vec![Client::new((0..samples).collect(), None)])
    }

    /// The same update from at most so many samples at once ([`Client::at_once`]).
    #[must_use]
    pub fn in_parts(mut self, most: usize) -> Protocol {
        self.clients.iter_mut().for_each(|client| client.at_once = most);
        self
    }

    /// The same clients as if each had trained so, taking its samples in their order.
    #[must_use]
    pub fn supposing(mut self, local: LocalTraining) -> Protocol {
        for client in &mut self.clients {
            client.descent = Some(descent(local, &client.samples, |_| None::<rand::rngs::ThreadRng>));
        }
        self
    }

    /// Samples of all clients.
    pub fn samples(&self) -> usize {
        self.clients.iter().map(|client| client.samples.len()).sum()
    }

    /// The update of these clients for a candidate, in units of a gradient.
    pub fn simulate(&self, candidate: At<'_>) -> Simulated {
        let At { model, mode, x, targets } = candidate;
        if self.is_one_gradient(x.dims()[0]) {
            let first = model.first_pass(mode, x, targets);
            let (gradient, passed) = self.post.forward(first.gradient);
            return Simulated { gradient, trail: Trail::One(first.kept, passed, first.loss) };
        }
        let mut mean = Mean::default();
        let mut traces = Vec::with_capacity(self.clients.len());
        for client in &self.clients {
            let (mut sent, trace) = client.simulate(candidate);
            let (values, passed) = self.post.forward(sent.update.values);
            sent.update.values = values;
            mean.add(sent);
            traces.push((trace, passed));
        }
        let values = mean.of(model).update.values;
        let gradient = match self.unit() {
            1.0 => values,
            unit => values.scaled(unit),
        };
        Simulated { gradient, trail: Trail::Each(traces) }
    }

    /// What an update is times to be a gradient: 1, or -1 / eta of a weight difference.
    pub fn unit(&self) -> f64 {
        let descent = self.clients.iter().find_map(|client| client.descent.as_ref());
        descent.map_or(1.0, |descent| -1.0 / descent.learning_rate)
    }

    /// What the model that was sent shows of a candidate besides the update, in a pass over the whole batch.
    pub fn shown(&self, candidate: At<'_>, trail: &Trail) -> Shown {
        let At { model, mode, x, targets } = candidate;
        let (kept, loss) = match trail {
            Trail::One(kept, _, loss) => (kept.clone(), loss.clone()),
            Trail::Each(_) => {
                let first = model.first_pass(mode, x, targets);
                (first.kept, first.loss)
            }
        };
        let (moments, features) = (model.moments(&kept, mode, x), model.features(&kept, mode, x));
        Shown { values: model::Shown { loss: backend::scalar(loss), moments, features }, kept }
    }

    /// As [`Protocol::back`], with cotangents of what the model shows.
    pub fn back_with(
        &self,
        candidate: At<'_>,
        trail: &Trail,
        v: &Parameters,
        (at, shown): (&Shown, &model::Shown),
    ) -> Back {
        let At { model, mode, x, targets } = candidate;
        let pull = |gradient: &Parameters| {
            let through = model.pull(&at.kept, mode, x, targets, &Pull { gradient, shown });
            Back {
                to_input: backend::values(&through.to_input),
                to_labels: through.to_labels.map(|to_labels| backend::values(&to_labels)),
            }
        };
        match trail {
            Trail::One(_, passed, _) => pull(&self.post.pull(passed, v.clone())),
            Trail::Each(_) => {
                let mut back = self.back(candidate, trail, v);
                let more = pull(&v.clone().scaled(0.0));
                back.add(&more.to_input, more.to_labels.as_deref());
                back
            }
        }
    }

    /// The way back along the trail of [`Protocol::simulate`] for the cotangent `v` of its gradient.
    pub fn back(&self, candidate: At<'_>, trail: &Trail, v: &Parameters) -> Back {
        let At { model, mode, x, targets } = candidate;
        let traces = match trail {
            Trail::Each(traces) => traces,
            Trail::One(kept, passed, _) => {
                let v = self.post.pull(passed, v.clone());
                let through = model.second_pass(kept, mode, x, targets, &v);
                return Back {
                    to_input: backend::values(&through.to_input),
                    to_labels: through.to_labels.map(|to_labels| backend::values(&to_labels)),
                };
            }
        };
        let mut back = Back { to_input: vec![0.0; x.shape().num_elements()], to_labels: None };
        for (client, (trace, passed)) in self.clients.iter().zip(traces) {
            let v = self.post.pull(passed, v.clone().scaled(self.unit() * self.weight(client)));
            client.back(candidate, trace.as_ref(), v, &mut back);
        }
        back
    }

    /// As [`Protocol::back`] for one gradient of the whole batch, also along a direction of the parameters: the slope of
    /// `<gradient, v>` there.
    pub fn back_along(
        &self,
        candidate: At<'_>,
        trail: &Trail,
        v: &Parameters,
        direction: &Parameters,
    ) -> (Back, f64) {
        let Trail::One(kept, passed, _) = trail else { return (self.back(candidate, trail, v), 0.0) };
        let At { model, mode, x, targets } = candidate;
        let v = self.post.pull(passed, v.clone());
        let through = model.directional_after(kept, mode, x, targets, &v, true);
        let slope = through.to_parameters.map_or(0.0, |hessian_v| hessian_v.dot(direction));
        let to_labels = through.to_labels.map(|to_labels| backend::values(&to_labels));
        (Back { to_input: backend::values(&through.to_input), to_labels }, slope)
    }

    /// The same work where a client meets other samples in every local epoch, and how many epochs there are: sample s of
    /// epoch e is at place `e * samples + s` of a batch.
    pub fn by_epochs(&self, samples: usize) -> (Protocol, usize) {
        let mut protocol = self.clone();
        let mut epochs = 1;
        for descent in protocol.clients.iter_mut().filter_map(|client| client.descent.as_mut()) {
            let mut visits = vec![0; samples];
            for sample in descent.steps.iter_mut().flat_map(|step| step.micro_batches.iter_mut().flatten()) {
                let visit = visits[*sample];
                visits[*sample] += 1;
                *sample += visit * samples;
            }
            epochs = epochs.max(visits.into_iter().max().unwrap_or(1));
        }
        (protocol, epochs)
    }

    /// Whether the update is one gradient of the whole batch.
    fn is_one_gradient(&self, batch: usize) -> bool {
        matches!(self.clients.as_slice(), [client] if client.is_one_gradient(batch))
    }

    fn weight(&self, client: &Client) -> f64 {
        client.samples.len() as f64 / self.samples() as f64
    }
}
