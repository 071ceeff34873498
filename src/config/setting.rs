//! Every setting of a preset that can be changed by hand: its key, unit, range and a line of help.
//!
//! For forms and help; the values themselves are checked by `validate`.

use super::Precision;

/// One setting.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// Dotted key, as in `--set`.
    pub key: &'static str,
    /// What its values look like.
    pub kind: Kind,
    /// Unit; empty if it has none.
    pub unit: &'static str,
    /// Values it can have, in words.
    pub range: &'static str,
    /// One line.
    pub help: &'static str,
}

/// What values of a setting look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number, a list, or text that is typed.
    Typed,
    /// Typed, or empty to leave it to its default.
    Optional,
    /// Words as they are typed.
    Text,
    /// A file.
    Path,
    /// One of these.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A built-in data set, or a path.
    Data,
    /// A model of the registry.
    Model,
    /// An attack of the registry.
    Attack,
}

impl Kind {
    /// Whether what is typed is taken as text, whatever it looks like.
    pub fn is_text(self) -> bool {
        use Kind::{Attack, Choice, Data, Flag, Model, Optional, Path, Text, Typed};
        match self {
            Text | Path | Choice(_) | Data | Model | Attack => true,
            Typed | Optional | Flag => false,
        }
    }
}

/// Parts of a form, in their order.
pub const SECTIONS: [&str; 8] =
    ["data", "model", "training", "attack", "knowledge", "run", "captured update", "preset"];

impl Setting {
    /// The part of a form that it belongs to.
    pub fn section(&self) -> &'static str {
        const DATA: [&str; 5] =
            ["victim.data", "victim.indices", "victim.sample", "victim.size", "victim.normalise"];
        let begins = |prefix: &str| self.key.starts_with(prefix);
        match () {
            () if DATA.iter().any(|prefix| begins(prefix)) => "data",
            () if begins("victim.captured.") => "captured update",
            () if begins("victim.") => "model",
            () if begins("federation.") => "training",
            () if begins("attack.") => "attack",
            () if begins("knowledge.") => "knowledge",
            () if begins("run.") => "run",
            () => "preset",
        }
    }
}

/// A setting by its key.
pub fn of(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

const fn setting(
    key: &'static str,
    kind: Kind,
    unit: &'static str,
    range: &'static str,
    help: &'static str,
) -> Setting {
    Setting { key, kind, unit, range, help }
}

/// All settings, in the order of a form.
pub static SETTINGS: &[Setting] = &[
    setting("victim.data", Kind::Data, "", "a built-in set or a path", "whose data is attacked"),
    setting(
        "victim.indices",
        Kind::Typed,
        "",
        "positions from 0, as [0, 1]",
        "the samples of the private batch",
    ),
    setting(
        "victim.sample.count",
        Kind::Optional,
        "",
        "1 or more, empty: those of indices",
        "draws the batch with the seed instead",
    ),
    setting(
        "victim.sample.classes",
        Kind::Optional,
        "",
        "any, same, unique, 3, [3, 5]",
        "of which classes samples are drawn",
    ),
    setting(
        "victim.size",
        Kind::Optional,
        "pixels",
        "8 to 1024, empty: the set's own",
        "side that images are resized to",
    ),
    setting(
        "victim.normalise",
        Kind::Flag,
        "",
        "or { mean = [..], std = [..] }",
        "the client feeds pixels by the set's mean and deviation",
    ),
    setting("victim.model", Kind::Model, "", "a model of gialab", "the network whose update is attacked"),
    setting(
        "victim.classes",
        Kind::Optional,
        "",
        "1 to 100000, empty: the set's own",
        "outputs of the model; 1 is a sigmoid of two labels",
    ),
    setting(
        "victim.weights",
        Kind::Path,
        "",
        "a file, empty: untrained",
        "trained weights: safetensors, PyTorch or npz",
    ),
    setting(
        "victim.mode",
        Kind::Choice(&["eval", "eval-client", "train"]),
        "",
        "",
        "BatchNorm: public statistics, the client's, or the batch's",
    ),
    setting(
        "knowledge.statistics",
        Kind::Choice(&["running", "exact"]),
        "",
        "",
        "BatchNorm statistics that the attacker knows: public ones, or the batch's",
    ),
    setting("knowledge.manipulate", Kind::Flag, "", "", "the server may change the model that it sends"),
    setting("knowledge.labels", Kind::Flag, "", "", "the attacker is granted the labels"),
    setting("attack.kind", Kind::Attack, "", "an attack of gialab", "which attack"),
    setting(
        "attack.labels",
        Kind::Typed,
        "",
        "given, optimise, { rule = \"ilrg\" }",
        "what the attack does about the labels",
    ),
    setting(
        "attack.distance",
        Kind::Choice(&[
            "l2",
            "cosine",
            "l1",
            "angular",
            "layer-cosine",
            "masked-cosine",
            "tag",
            "gauss",
            "layer-l2",
        ]),
        "",
        "",
        "how gradients are compared",
    ),
    setting(
        "attack.prior.tv",
        Kind::Optional,
        "",
        "0 or more, empty: 0",
        "weight of the total-variation prior",
    ),
    setting(
        "attack.prior.bn",
        Kind::Optional,
        "",
        "0 or more, empty: 0",
        "weight of the BatchNorm statistics",
    ),
    setting(
        "attack.prior.group",
        Kind::Optional,
        "",
        "0 or more, empty: 0",
        "weight of the agreement of members",
    ),
    setting(
        "attack.prior.loss",
        Kind::Optional,
        "",
        "0 or more, empty: 0",
        "weight of the task loss at the labels",
    ),
    setting("attack.prior.l2norm", Kind::Optional, "", "0 or more, empty: 0", "weight of the l2-norm prior"),
    setting("attack.box", Kind::Flag, "", "", "clamp to valid pixels after every step"),
    setting(
        "attack.optimiser.kind",
        Kind::Choice(&["adam", "lbfgs"]),
        "",
        "",
        "optimiser of the reconstruction",
    ),
    setting("attack.optimiser.lr", Kind::Typed, "", "above 0", "step size"),
    setting("attack.optimiser.signed", Kind::Flag, "", "", "Adam on the sign of the gradient"),
    setting(
        "attack.optimiser.decay",
        Kind::Choice(&["none", "step", "cosine"]),
        "",
        "",
        "schedule of the step size",
    ),
    setting(
        "attack.optimiser.line_search",
        Kind::Choice(&["none", "strong-wolfe"]),
        "",
        "",
        "line search of lbfgs",
    ),
    setting(
        "attack.variable",
        Kind::Choice(&["pixels", "fields"]),
        "",
        "",
        "what is searched: the input itself, or scores of a table's fields",
    ),
    setting(
        "attack.start",
        Kind::Typed,
        "",
        "normal, uniform, zeros, { patterned = 4 }",
        "where a trial begins",
    ),
    setting(
        "attack.members",
        Kind::Typed,
        "",
        "1 to 1000",
        "candidates that a trial holds side by side; its answer is what they agree on",
    ),
    setting(
        "attack.bins",
        Kind::Optional,
        "",
        "2 to 4096",
        "of an imprint layer, which sorts samples into them",
    ),
    setting("attack.variant", Kind::Optional, "", "linear, sparse", "how bins of an imprint layer are read"),
    setting("attack.iterations", Kind::Typed, "", "1 or more", "optimiser steps of one trial"),
    setting("attack.trials", Kind::Typed, "", "1 or more", "restarts; the smallest matching loss wins"),
    setting(
        "attack.stop_below",
        Kind::Typed,
        "",
        "0 or more, 0 never stops",
        "a matching loss that counts as solved; of updates below norm 1 a share of their square",
    ),
    setting(
        "attack.answer",
        Kind::Choice(&["best", "after-warm-up", "last-quarter", "last"]),
        "",
        "",
        "the iterates whose smallest objective is the answer of a trial",
    ),
    setting("run.seed", Kind::Typed, "", "0 or more", "of everything random: weights, first guesses"),
    setting(
        "run.precision",
        Kind::Choice(&Precision::NAMES),
        "",
        "",
        "width of floats; on GPUs f32 may round factors to 10 bits (TF32)",
    ),
    setting("run.snapshot_every", Kind::Typed, "iterations", "1 or more", "between two stored pictures"),
    setting(
        "run.checkpoint_seconds",
        Kind::Typed,
        "seconds",
        "above 0, at most 86400",
        "between two checkpoints",
    ),
    setting(
        "run.recovered_psnr",
        Kind::Typed,
        "dB",
        "0 to 100",
        "from this PSNR on a sample is recovered (BRR, WSRR)",
    ),
    setting(
        "run.lpips",
        Kind::Path,
        "",
        "a file, empty: no LPIPS",
        "torchvision's alexnet, squeezenet1_1 or vgg16, for LPIPS",
    ),
    setting("run.probe", Kind::Flag, "", "", "measure IGSA of the true samples after each attacked round"),
    setting(
        "victim.options.activation",
        Kind::Optional,
        "",
        "relu, leaky-relu, sigmoid, tanh, gelu",
        "non-linearity of the model, if not its own",
    ),
    setting(
        "victim.options.norm",
        Kind::Optional,
        "",
        "batch, group, layer, none",
        "normalisation of feature maps, if not its own",
    ),
    setting(
        "victim.options.width",
        Kind::Optional,
        "",
        "above 0, at most 64, empty: 1",
        "factor on the model's channels",
    ),
    setting(
        "victim.options.depth",
        Kind::Optional,
        "",
        "1 to 1000, empty: its own",
        "repeated layers or blocks of the model",
    ),
    setting(
        "victim.options.skip",
        Kind::Optional,
        "",
        "true, false, empty: true",
        "skip connections of the model",
    ),
    setting(
        "victim.options.bias",
        Kind::Optional,
        "",
        "true, false, empty: its own",
        "biases of convolutions and full layers",
    ),
    setting(
        "victim.options.initialisation",
        Kind::Optional,
        "",
        "pytorch, uniform, he, empty: its own",
        "how fresh weights are drawn",
    ),
    setting(
        "victim.loss",
        Kind::Optional,
        "",
        "ce, ce-sum, { label-smoothing = 0.1 }, bce, mse, mse-softmax, empty: ce",
        "the task loss whose gradient clients take",
    ),
    setting(
        "victim.weights_key",
        Kind::Text,
        "",
        "a key, as state_dict",
        "which state dict of the weights, if the file has several",
    ),
    setting(
        "victim.by_order",
        Kind::Flag,
        "",
        "",
        "weights and captured update by order, where names differ",
    ),
    setting("victim.share_buffers", Kind::Flag, "", "", "the client sends its BatchNorm statistics along"),
    setting(
        "knowledge.local",
        Kind::Optional,
        "",
        "none, { assumed = { learning_rate = 0.01, optimiser = \"adam\" } }, empty: known",
        "what the attacker knows of local steps",
    ),
    setting("knowledge.order", Kind::Flag, "", "", "the attacker knows in which order a client shuffled"),
    setting(
        "federation.algorithm",
        Kind::Choice(&["fedsgd", "fedavg"]),
        "",
        "",
        "one gradient, or the weight difference after local steps",
    ),
    setting("federation.clients", Kind::Typed, "", "1 to 100000", "clients, the attacked one among them"),
    setting(
        "federation.clients_per_round",
        Kind::Optional,
        "",
        "1 to all, empty: all",
        "clients that are drawn for a round",
    ),
    setting(
        "federation.partition",
        Kind::Optional,
        "",
        "iid, { dirichlet = 0.5 }, { shards = 2 }, empty: iid",
        "how the data is spread over the other clients",
    ),
    setting("federation.held_out", Kind::Typed, "", "0 to 0.9", "share of the data that measures accuracy"),
    setting(
        "federation.rounds",
        Kind::Optional,
        "",
        "up to 1000000, empty: to the last attacked",
        "federated rounds to train",
    ),
    setting(
        "federation.attack_rounds",
        Kind::Typed,
        "",
        "ascending, as [0, 5, 20]; 0 is the initial model",
        "rounds that are attacked",
    ),
    setting(
        "federation.local_epochs",
        Kind::Typed,
        "",
        "1 to 10000",
        "passes over a client's data in a round",
    ),
    setting(
        "federation.local_batch",
        Kind::Optional,
        "samples",
        "1 to a client's, empty: all",
        "samples of one batch of the local steps",
    ),
    setting("federation.learning_rate", Kind::Optional, "", "above 0", "step size of training"),
    setting(
        "federation.optimiser",
        Kind::Choice(&["sgd", "adam", "adamw"]),
        "",
        "",
        "what makes a local step of a gradient",
    ),
    setting("federation.momentum", Kind::Typed, "", "0 or more, below 1", "momentum of local steps (SGD)"),
    setting("federation.nesterov", Kind::Flag, "", "", "Nesterov's momentum in local steps (SGD)"),
    setting(
        "federation.dampening",
        Kind::Optional,
        "",
        "0 to 1, empty: 0",
        "share of a gradient that does not join the momentum (SGD)",
    ),
    setting(
        "federation.betas",
        Kind::Optional,
        "",
        "as [0.9, 0.999], empty: that",
        "decay of the two moments of local steps (Adam)",
    ),
    setting(
        "federation.eps",
        Kind::Optional,
        "",
        "above 0, empty: 1e-8",
        "added to the root of the second moment (Adam)",
    ),
    setting(
        "federation.weight_decay",
        Kind::Optional,
        "",
        "0 or more, empty: 0, 0.01 for adamw",
        "weight decay of local steps",
    ),
    setting(
        "federation.clip",
        Kind::Optional,
        "",
        "above 0, empty: none",
        "largest norm of the gradient of a local step",
    ),
    setting(
        "federation.proximal",
        Kind::Optional,
        "",
        "0 or more, empty: 0",
        "FedProx's mu: local steps are pulled to the global model",
    ),
    setting(
        "federation.accumulate",
        Kind::Optional,
        "batches",
        "1 or more, { sum = 4 }, empty: 1",
        "batches that make one local step; sum: not divided",
    ),
    setting("federation.shuffle", Kind::Flag, "", "", "each epoch takes the samples in another order"),
    setting(
        "federation.server_learning_rate",
        Kind::Typed,
        "",
        "above 0",
        "factor on the mean update that the server applies",
    ),
    setting(
        "federation.secure_aggregation",
        Kind::Typed,
        "clients",
        "1 to all, 1: none",
        "whose updates the server sees only as one sum",
    ),
    setting(
        "post",
        Kind::Optional,
        "",
        "as [{ kind = \"clip\", norm = 1.0 }], empty: none",
        "what a client does to its update, in order; gialab defences",
    ),
    setting(
        "knowledge.post",
        Kind::Choice(&["known", "estimated", "none"]),
        "",
        "",
        "what the attacker knows of post-processing, and simulates",
    ),
    setting("title", Kind::Text, "", "text", "one line for lists"),
    setting(
        "victim.state",
        Kind::Optional,
        "",
        "untrained, { train-rounds = 10 }, empty: untrained",
        "federated rounds before the first that can be attacked",
    ),
    setting(
        "victim.captured.weights",
        Kind::Path,
        "",
        "a file, empty: no captured update",
        "the global model that a real client was sent",
    ),
    setting(
        "victim.captured.update",
        Kind::Path,
        "",
        "a file",
        "what the client sent back, instead of a simulated update",
    ),
    setting(
        "victim.captured.kind",
        Kind::Choice(&["gradient", "delta", "negative-delta", "weights"]),
        "",
        "",
        "what the captured update holds",
    ),
    setting("victim.captured.batch", Kind::Optional, "samples", "1 to 65536", "samples behind the update"),
    setting(
        "victim.captured.scale",
        Kind::Optional,
        "",
        "a number other than 0, estimated, empty: 1",
        "factor on what was sent, as of a loss scaler",
    ),
    setting(
        "victim.captured.local",
        Kind::Optional,
        "",
        "{ epochs = 1, batch = 2, learning_rate = 0.01 }, empty: not known",
        "how the client trained, if it took local steps",
    ),
    setting(
        "victim.captured.input",
        Kind::Optional,
        "",
        "as [3, 32, 32], empty: that of the truth",
        "shape of one sample: channels, height, width",
    ),
    setting(
        "victim.captured.labels",
        Kind::Optional,
        "",
        "as [3, 7], empty: none",
        "labels of the samples, if they are granted",
    ),
    setting(
        "victim.captured.truth",
        Kind::Path,
        "",
        "a file, empty: none",
        "the true samples, to measure by",
    ),
    setting(
        "attack.prior.tv-l2",
        Kind::Optional,
        "",
        "0 or more, empty: 0",
        "weight of the total variation by length",
    ),
    setting(
        "attack.prior.tv-sq",
        Kind::Optional,
        "",
        "0 or more, empty: 0",
        "weight of the total variation by squares",
    ),
    setting(
        "attack.prior.tv-color",
        Kind::Optional,
        "",
        "0 or more, empty: 0",
        "weight of the total variation of colours and their differences",
    ),
    setting(
        "attack.prior.clip-box",
        Kind::Optional,
        "",
        "0 or more, empty: 0",
        "weight of what lies outside the range of real values",
    ),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;
    use crate::config::preset;

    /// What the format has room for and the program refuses, and what describes rather than decides.
    const NOT_HERE: [&str; 4] = ["schema", "about", "group", "expect."];

    #[test]
    fn every_key_of_every_preset_has_its_setting() {
        for name in preset::shipped_names() {
            let preset = preset::load(name, &[], Path::new("/nonexistent")).unwrap();
            for key in preset::flat(&preset.config).into_keys() {
                let known = SETTINGS.iter().any(|setting| setting.key == key);
                let left_out = NOT_HERE.iter().any(|prefix| key.starts_with(prefix));
                assert!(known || left_out, "{name}: {key}");
            }
        }
    }

    #[test]
    fn options_of_the_model_are_set_and_emptied() {
        let preset = preset::load("ig-lenet", &[], Path::new("/nonexistent")).unwrap();
        let given = [
            ("victim.options.activation", "leaky-relu"),
            ("victim.options.norm", "group"),
            ("victim.options.width", "2"),
            ("victim.options.depth", "3"),
            ("victim.options.skip", "false"),
            ("victim.options.bias", "true"),
            ("victim.options.initialisation", "he"),
        ];
        assert!(given.iter().all(|(key, _)| SETTINGS.iter().any(|setting| setting.key == *key)));
        let changed = preset::change(&preset.config, given).unwrap();
        assert_eq!(changed.victim.options.given().count(), given.len());
        let emptied = preset::change(&changed, given.map(|(key, _)| (key, ""))).unwrap();
        assert_eq!(emptied, preset.config);
        assert_eq!(
            preset::change(&preset.config, [("victim.options.width", "0")]).unwrap_err().key,
            "victim.options.width"
        );
    }

    #[test]
    fn local_training_is_set_and_emptied() {
        let fedavg = [
            ("federation.algorithm", "fedavg"),
            ("federation.learning_rate", "0.1"),
            ("victim.indices", "[0, 1, 2, 3]"),
            ("federation.local_batch", "1"),
        ];
        let preset = preset::load("ig-lenet", &[], Path::new("/nonexistent")).unwrap();
        let preset = preset::change(&preset.config, fedavg).unwrap();
        let sgd = [("federation.momentum", "0.9"), ("federation.dampening", "0.5")];
        let adam = [
            ("federation.optimiser", "adamw"),
            ("federation.betas", "[0.8, 0.9]"),
            ("federation.eps", "1e-6"),
            ("federation.weight_decay", "0.1"),
            ("federation.clip", "2.0"),
            ("federation.proximal", "0.5"),
            ("federation.accumulate", "{ sum = 2 }"),
        ];
        for given in [&sgd[..], &adam] {
            assert!(given.iter().all(|(key, _)| SETTINGS.iter().any(|setting| setting.key == *key)));
            let changed = preset::change(&preset, given.iter().copied()).unwrap();
            let shown = preset::flat(&changed);
            assert!(
                given.iter().all(|(key, value)| shown.get(*key).is_some_and(|shown| shown == value)),
                "{shown:?}"
            );
            let emptied = given.iter().map(|(key, _)| (*key, ""));
            assert_eq!(preset::change(&changed, emptied).unwrap(), preset);
        }
    }

    #[test]
    fn every_choice_of_a_setting_is_understood() {
        let preset = preset::load("ig-lenet", &[], Path::new("/nonexistent")).unwrap();
        for setting in SETTINGS {
            let Kind::Choice(choices) = setting.kind else { continue };
            for choice in choices {
                match preset::change(&preset.config, [(setting.key, *choice)]) {
                    Ok(_) => {}
                    // Two settings may exclude each other; an unknown word may not be.
                    Err(refused) => assert!(!refused.message.contains("is not known"), "{refused:?}"),
                }
            }
        }
    }
}
