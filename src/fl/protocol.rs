//! What the clients behind one update do with their samples: one gradient (FedSGD) or local steps (FedAvg), averaged
//! over the clients. Client and attacker run the same code, each with the settings that they know.

use burn::tensor::Tensor;

use crate::backend::{self, Plain, Tape};
use crate::config::BatchNormMode;
use crate::model::{Descent, Kept, Model, Parameters, Targets, Trace, rows};

/// The work of all clients whose updates the server sees as one, by positions in the private batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Protocol {
    /// One or, under secure aggregation, several.
    pub clients: Vec<Client>,
}

/// What one client does.
#[derive(Debug, Clone, PartialEq)]
pub struct Client {
    /// Its samples; their number is its weight in the average.
    pub samples: Vec<usize>,
    /// Its local steps; one gradient of all its samples if absent.
    pub descent: Option<Descent>,
}

/// A candidate at a model: what the clients are taken to compute on.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
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
    One(Kept),
    /// Of each client's local steps, where it made some.
    Each(Vec<Option<Trace>>),
}

/// Gradient of `<simulated gradient, v> + prior` with `v` held fixed.
#[derive(Debug, Clone)]
pub struct Back {
    /// Value of the prior, 0 without one.
    pub prior: f64,
    /// To the pixels, row-major `[batch, channels, height, width]`.
    pub to_input: Vec<f64>,
    /// To the label logits, row-major `[batch, classes]`, for soft targets.
    pub to_labels: Option<Vec<f64>>,
}

impl Protocol {
    /// One client, one gradient of its whole batch.
    pub fn fed_sgd(samples: usize) -> Protocol {
        Protocol { clients: vec![Client { samples: (0..samples).collect(), descent: None }] }
    }

    /// The same update from at most so many samples at once: the gradient of a client is the mean of those of its
    /// parts, in eval mode. Local steps stay whole.
    #[must_use]
    pub fn in_parts(self, most: usize) -> Protocol {
        let parts = |client: Client| match client.descent {
            Some(_) => vec![client],
            None => {
                let part = |samples: &[usize]| Client { samples: samples.to_vec(), descent: None };
                client.samples.chunks(most.max(1)).map(part).collect()
            }
        };
        Protocol { clients: self.clients.into_iter().flat_map(parts).collect() }
    }

    /// Samples of all clients.
    pub fn samples(&self) -> usize {
        self.clients.iter().map(|client| client.samples.len()).sum()
    }

    /// The update of these clients for a candidate, in units of a gradient.
    pub fn simulate(&self, candidate: Candidate<'_>) -> Simulated {
        let Candidate { model, mode, x, targets } = candidate;
        if self.is_one_gradient(x.dims()[0]) {
            let first = model.first_pass(mode, x, targets);
            return Simulated { gradient: first.gradient, trail: Trail::One(first.kept) };
        }
        let mut gradient: Option<Parameters> = None;
        let mut traces = Vec::with_capacity(self.clients.len());
        for client in &self.clients {
            let (own, trace) = match &client.descent {
                None => {
                    let (x, targets) = (rows(x, &client.samples), targets.rows(&client.samples));
                    (model.gradient(mode, &x, &targets).1, None)
                }
                Some(descent) => {
                    let keep_every = descent.keep_every(model.parameters.bytes());
                    let trace = model.trace(mode, x, targets, descent, keep_every);
                    let rate = 1.0 / descent.learning_rate;
                    (model.parameters.clone().combine(rate, &trace.end, -rate), Some(trace))
                }
            };
            let weight = self.weight(client);
            gradient = Some(match gradient {
                Some(sum) => sum.combine(1.0, &own, weight),
                None if weight == 1.0 => own,
                None => own.scaled(weight),
            });
            traces.push(trace);
        }
        let gradient = gradient.unwrap_or_else(|| model.parameters.clone().scaled(0.0));
        Simulated { gradient, trail: Trail::Each(traces) }
    }

    /// The way back along the trail of [`Protocol::simulate`] for the cotangent `v` of its gradient, with a prior on x.
    pub fn back(
        &self,
        candidate: Candidate<'_>,
        trail: &Trail,
        v: &Parameters,
        prior: impl Fn(Tensor<Tape, 4>) -> Option<Tensor<Tape, 1>>,
    ) -> Back {
        let Candidate { model, mode, x, targets } = candidate;
        let traces = match trail {
            Trail::Each(traces) => traces,
            Trail::One(kept) => {
                let through = model.second_pass(kept, mode, x, targets, v, prior);
                return Back {
                    prior: through.prior.map_or(0.0, backend::scalar),
                    to_input: backend::values(&through.to_input),
                    to_labels: through.to_labels.map(|to_labels| backend::values(&to_labels)),
                };
            }
        };
        let mut back = of_prior(x, prior);
        for (client, trace) in self.clients.iter().zip(traces) {
            let weight = self.weight(client);
            let samples = &client.samples;
            let (to_input, to_labels) = match (&client.descent, trace) {
                (Some(descent), Some(trace)) => {
                    // The simulated gradient is -(theta_K - theta_0) / eta.
                    let v = v.clone().scaled(-weight / descent.learning_rate);
                    let through = model.descend_through(mode, x, targets, descent, trace, &v);
                    (through.to_input, through.to_labels)
                }
                _ => {
                    let (own, targets) = (rows(x, samples), targets.rows(samples));
                    let through = model.directional(mode, &own, &targets, &v.clone().scaled(weight), false);
                    let spread = |part: Vec<f64>| scatter(&part, samples, x.dims()[0]);
                    (
                        spread(backend::values(&through.to_input)),
                        through.to_labels.map(|to_labels| spread(backend::values(&to_labels))),
                    )
                }
            };
            add(&mut back.to_input, &to_input);
            back.to_labels = match (back.to_labels.take(), to_labels) {
                (Some(mut sum), Some(part)) => {
                    add(&mut sum, &part);
                    Some(sum)
                }
                (sum, part) => sum.or(part),
            };
        }
        back
    }

    /// Whether the update is one gradient of the whole batch.
    fn is_one_gradient(&self, batch: usize) -> bool {
        matches!(self.clients.as_slice(), [Client { descent: None, samples }] if samples.iter().copied().eq(0..batch))
    }

    fn weight(&self, client: &Client) -> f64 {
        client.samples.len() as f64 / self.samples() as f64
    }
}

fn of_prior(x: &Tensor<Plain, 4>, prior: impl Fn(Tensor<Tape, 4>) -> Option<Tensor<Tape, 1>>) -> Back {
    let leaf = Tensor::from_inner(x.clone()).require_grad();
    match prior(leaf.clone()) {
        Some(value) => {
            let gradients = value.backward();
            let to_input = leaf.grad(&gradients).unwrap_or_else(|| x.zeros_like());
            Back {
                prior: backend::scalar(value.inner()),
                to_input: backend::values(&to_input),
                to_labels: None,
            }
        }
        None => Back { prior: 0.0, to_input: vec![0.0; x.shape().num_elements()], to_labels: None },
    }
}

/// Rows of some samples in a batch of zeros.
fn scatter(part: &[f64], samples: &[usize], batch: usize) -> Vec<f64> {
    let width = part.len() / samples.len().max(1);
    let mut all = vec![0.0; batch * width];
    for (&sample, row) in samples.iter().zip(part.chunks(width)) {
        all[sample * width..(sample + 1) * width].copy_from_slice(row);
    }
    all
}

fn add(sum: &mut [f64], part: &[f64]) {
    sum.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
}
