//! What a client may have done otherwise than is said of it.

use crate::config::{BatchNormMode, CapturedKind, LocalOptimiser, LocalTraining, Loss, Normalise, RunConfig};
use crate::model::Net;

/// One thing that may be otherwise.
pub(super) struct Supposition {
    /// What it is about: two of one kind exclude each other.
    pub about: &'static str,
    /// What it is, in words.
    pub words: String,
    change: Box<dyn Fn(&mut RunConfig)>,
}

impl Supposition {
    /// A config in which it is so.
    pub(super) fn on(&self, config: &RunConfig) -> RunConfig {
        let mut config = config.clone();
        (self.change)(&mut config);
        config
    }
}

/// Means and deviations of the channels of pictures that people normalise by.
const NORMALISATIONS: [(&str, &[f64], &[f64]); 5] = [
    ("by 0.5 and 0.5", &[0.5, 0.5, 0.5], &[0.5, 0.5, 0.5]),
    ("by ImageNet's mean and deviation", &[0.485, 0.456, 0.406], &[0.229, 0.224, 0.225]),
    ("by CIFAR-10's mean and deviation", &[0.4914, 0.4822, 0.4465], &[0.2470, 0.2435, 0.2616]),
    (
        "by CIFAR-10's mean and deviation as they are also written",
        &[0.4914, 0.4822, 0.4465],
        &[0.2023, 0.1994, 0.2010],
    ),
    ("by MNIST's mean and deviation", &[0.1307], &[0.3081]),
];

/// All that are worth a try for a captured update.
pub(super) fn of(config: &RunConfig, net: &Net) -> Vec<Supposition> {
    let mut all = Vec::new();
    let mut add = |about, words: String, change: Box<dyn Fn(&mut RunConfig)>| {
        all.push(Supposition { about, words, change });
    };
    let Some(captured) = &config.victim.captured else { return all };
    if !net.buffer_specs().is_empty() {
        let modes = [
            (BatchNormMode::Train, "BatchNorm in train mode"),
            (BatchNormMode::Eval, "BatchNorm in eval mode"),
        ];
        for (mode, words) in modes.into_iter().filter(|(mode, _)| *mode != config.victim.mode) {
            add("mode", words.into(), Box::new(move |config| config.victim.mode = mode));
        }
    }
    let losses = [
        Loss::Ce,
        Loss::LabelSmoothing(0.1),
        Loss::LabelSmoothing(0.2),
        Loss::Bce,
        Loss::Mse,
        Loss::MseSoftmax,
    ];
    // A sum is a mean times a factor, which is tried of everything.
    for loss in losses.into_iter().filter(|loss| *loss != config.victim.loss) {
        add("loss", loss.name(), Box::new(move |config| config.victim.loss = loss));
    }
    let channels = net.input()[0];
    for (name, mean, std) in NORMALISATIONS {
        let mean: Vec<f64> = mean.iter().cycle().take(channels).copied().collect();
        let std: Vec<f64> = std.iter().cycle().take(channels).copied().collect();
        let by = Normalise::By { mean, std };
        if by != config.victim.normalise {
            let words = format!("inputs normalised {name}");
            add("inputs", words, Box::new(move |config| config.victim.normalise = by.clone()));
        }
    }
    if config.victim.normalise != Normalise::Own(false) {
        add(
            "inputs",
            "inputs in [0, 1], not normalised".into(),
            Box::new(|config| {
                config.victim.normalise = Normalise::Own(false);
            }),
        );
    }
    if captured.kind.takes_steps() {
        let kinds = [
            (CapturedKind::Weights, "the weights after training"),
            (CapturedKind::Delta, "the difference of the weights"),
        ];
        for (kind, words) in kinds.into_iter().filter(|(kind, _)| *kind != captured.kind) {
            let change = move |config: &mut RunConfig| {
                config.victim.captured.iter_mut().for_each(|captured| captured.kind = kind);
            };
            add("kind", format!("{words} were sent"), Box::new(change));
        }
    }
    if let Some(local) = captured.local {
        for (about, words, other) in trainings(local, captured.batch) {
            let change = move |config: &mut RunConfig| {
                config
                    .victim
                    .captured
                    .iter_mut()
                    .filter_map(|captured| captured.local.as_mut())
                    .for_each(&other);
            };
            add(about, words, Box::new(change));
        }
    }
    all
}

/// What of local training is otherwise.
type Otherwise = Box<dyn Fn(&mut LocalTraining)>;

/// Local training in which one thing is otherwise.
fn trainings(own: LocalTraining, samples: usize) -> Vec<(&'static str, String, Otherwise)> {
    let mut all: Vec<(&str, String, Otherwise)> = Vec::new();
    let mut add = |about, words: String, otherwise: Otherwise| {
        let mut other = own;
        otherwise(&mut other);
        if other != own {
            all.push((about, words, otherwise));
        }
    };
    for decay in [0.0, 1e-5, 1e-4, 5e-4, 1e-3, 5e-3, 1e-2, 0.1] {
        let words = format!("weight decay of {decay}");
        add("decay", words, Box::new(move |local| local.weight_decay = Some(decay)));
    }
    for momentum in [0.0, 0.5, 0.9, 0.95, 0.99] {
        for nesterov in [false, true].into_iter().filter(|nesterov| !nesterov || momentum > 0.0) {
            let kind = if nesterov { "Nesterov's momentum" } else { "momentum" };
            let words = format!("{kind} of {momentum}");
            add(
                "momentum",
                words,
                Box::new(move |local| (local.momentum, local.nesterov) = (momentum, nesterov)),
            );
        }
    }
    let optimisers =
        [(LocalOptimiser::Sgd, "SGD"), (LocalOptimiser::Adam, "Adam"), (LocalOptimiser::AdamW, "AdamW")];
    for (optimiser, name) in optimisers.into_iter().filter(|(optimiser, _)| *optimiser != own.optimiser) {
        // What the other one takes is nothing to it.
        let bare = move |local: &mut LocalTraining| {
            let (momentum, dampening) = (0.0, 0.0);
            *local = LocalTraining { optimiser, momentum, dampening, nesterov: false, ..*local };
        };
        add("momentum", name.into(), Box::new(bare));
    }
    for clip in [0.1, 0.5, 1.0, 5.0, 10.0] {
        add("clip", format!("gradients clipped to {clip}"), Box::new(move |local| local.clip = Some(clip)));
    }
    for proximal in [0.001, 0.01, 0.1, 1.0] {
        add("proximal", format!("FedProx of {proximal}"), Box::new(move |local| local.proximal = proximal));
    }
    for epochs in [1, 2, 3, 4, 5, 10] {
        let words = if epochs == 1 { "1 epoch".to_owned() } else { format!("{epochs} epochs") };
        add("epochs", words, Box::new(move |local| local.epochs = epochs));
    }
    add("batches", "all samples in one batch".into(), Box::new(|local| local.batch = None));
    for batch in [1, 2, 4, 8, 16, 32, 64].into_iter().filter(|batch| (*batch as usize) < samples) {
        add("batches", format!("batches of {batch}"), Box::new(move |local| local.batch = Some(batch)));
    }
    for factor in [0.01, 0.1, 0.5, 2.0, 10.0, 100.0] {
        let rate = own.learning_rate * factor;
        let words = format!("a learning rate of {}", super::fit::rounded(rate));
        add("rate", words, Box::new(move |local| local.learning_rate = rate));
    }
    all
}
