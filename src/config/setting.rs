//! Every setting of a preset that can be changed by hand: its key, unit, range and a line of help.
//!
//! The one table behind forms, checks of single values, help, completions and the manual. How values go together is
//! checked by `validate`.

use super::captured::MAX_BATCH;
use super::{MAX_SIDE, MIN_SIDE, Precision};
use crate::range::{Range, above, above_to, from, from_below, within, words};

/// Largest batch that is drawn: far above what any attack recovers.
const MAX_DRAWN: usize = 100_000;

/// One setting.
#[derive(Debug, PartialEq)]
pub struct Setting {
    /// Dotted key, as in `--set`.
    pub key: &'static str,
    /// What its values look like.
    pub kind: Kind,
    /// Unit; empty if it has none.
    pub unit: &'static str,
    /// Values it can have.
    pub range: Range,
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
pub const SECTIONS: [&str; 9] =
    ["data", "model", "training", POST_PROCESSING, "attack", "knowledge", "run", "captured update", "preset"];

/// The part of a form that lists the steps of post-processing, with what the attacker knows of them.
pub const POST_PROCESSING: &str = "post-processing";

impl Setting {
    /// What its values can be, with their unit.
    pub fn values(&self) -> String {
        match (self.kind, self.range.to_string()) {
            (Kind::Choice(choices), _) => choices.join(", "),
            (Kind::Flag, range) if range.is_empty() => "true or false".to_owned(),
            (Kind::Flag, range) => format!("true, false, {range}"),
            (_, _) => self.range.of_unit(self.unit),
        }
    }

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
            () if ["post", "knowledge.post"].contains(&self.key) => POST_PROCESSING,
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
    range: Range,
    help: &'static str,
) -> Setting {
    Setting { key, kind, unit, range, help }
}

/// All settings, in the order of a form.
pub static SETTINGS: &[Setting] = &[
    setting("victim.data", Kind::Data, "", words("a built-in set or a path"), "whose data is attacked"),
    setting(
        "victim.indices",
        Kind::Typed,
        "",
        words("positions from 0, as [0, 1]"),
        "the samples of the private batch",
    ),
    setting(
        "victim.sample.count",
        Kind::Optional,
        "",
        within(1.0, MAX_DRAWN as f64).or("those of indices"),
        "draws the batch with the seed instead",
    ),
    setting(
        "victim.sample.classes",
        Kind::Optional,
        "",
        words("any, same, unique, 3, [3, 5]"),
        "of which classes samples are drawn",
    ),
    setting(
        "victim.size",
        Kind::Optional,
        "pixels",
        within(MIN_SIDE as f64, MAX_SIDE as f64).or("the set's own"),
        "side that images are resized to",
    ),
    setting(
        "victim.normalise",
        Kind::Flag,
        "",
        words("client, or { mean = [..], std = [..] }"),
        "the client feeds pixels by the set's mean and deviation, or by its own",
    ),
    setting(
        "victim.model",
        Kind::Model,
        "",
        words("a model of gialab"),
        "the network whose update is attacked",
    ),
    setting(
        "victim.classes",
        Kind::Optional,
        "",
        within(1.0, 100000.0).or("the set's own"),
        "outputs of the model; 1 is a sigmoid of two labels",
    ),
    setting(
        "victim.weights",
        Kind::Path,
        "",
        words("a file").or("untrained"),
        "trained weights: safetensors, PyTorch or npz",
    ),
    setting(
        "victim.mode",
        Kind::Choice(&["eval", "eval-client", "train"]),
        "",
        words(""),
        "BatchNorm: public statistics, the client's, or the batch's",
    ),
    setting(
        "knowledge.statistics",
        Kind::Choice(&["running", "exact"]),
        "",
        words(""),
        "BatchNorm statistics that the attacker knows: public ones, or the batch's",
    ),
    setting(
        "knowledge.normalisation",
        Kind::Flag,
        "",
        words(""),
        "the attacker is granted a client's own mean and deviation",
    ),
    setting(
        "knowledge.manipulate",
        Kind::Flag,
        "",
        words(""),
        "the server may change the model that it sends",
    ),
    setting(
        "knowledge.choose",
        Kind::Flag,
        "",
        words(""),
        "the server may send different models to different clients",
    ),
    setting(
        "knowledge.generator",
        Kind::Path,
        "",
        words("fashion28-vae, fashion28-autoencoder or a file").or("none"),
        "a generator of like pictures that the attacker has",
    ),
    setting(
        "knowledge.enhancer",
        Kind::Optional,
        "",
        words("srcnn.pth, { file = \"dncnn.pth\", residual = \"subtract\" }").or("none"),
        "a network of convolutions that the attacker passes its answer through",
    ),
    setting("knowledge.labels", Kind::Flag, "", words(""), "the attacker is granted the labels"),
    setting("attack.kind", Kind::Attack, "", words("an attack of gialab"), "which attack"),
    setting(
        "attack.labels",
        Kind::Typed,
        "",
        words("given, { wrong = 1 }, optimise, { rule = \"ilrg\" }"),
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
            "half-l2",
        ]),
        "",
        words(""),
        "how gradients are compared",
    ),
    setting("attack.prior.tv", Kind::Optional, "", from(0.0).or("0"), "weight of the total-variation prior"),
    setting("attack.prior.bn", Kind::Optional, "", from(0.0).or("0"), "weight of the BatchNorm statistics"),
    setting(
        "attack.prior.bn-equal",
        Kind::Optional,
        "",
        from(0.0).or("0"),
        "weight of the BatchNorm statistics, the first layer counting as the others",
    ),
    setting(
        "attack.prior.group",
        Kind::Optional,
        "",
        from(0.0).or("0"),
        "weight of the agreement of members",
    ),
    setting(
        "attack.prior.loss",
        Kind::Optional,
        "",
        from(0.0).or("0"),
        "weight of the task loss at the labels",
    ),
    setting(
        "attack.prior.order-inv",
        Kind::Optional,
        "",
        from(0.0).or("0"),
        "weight of the prior that epochs hold the same on the average",
    ),
    setting(
        "attack.prior.order-inv-max",
        Kind::Optional,
        "",
        from(0.0).or("0"),
        "weight of the prior that epochs hold the same largest values",
    ),
    setting(
        "attack.prior.order-inv-conv",
        Kind::Optional,
        "",
        from(0.0).or("0"),
        "weight of the prior that epochs hold the same largest features of a random convolution",
    ),
    setting(
        "attack.prior.feat",
        Kind::Optional,
        "",
        from(0.0).or("0"),
        "weight of the prior that the last features are those which the last layer's gradient gives away",
    ),
    setting(
        "attack.prior.kl-z",
        Kind::Optional,
        "",
        from(0.0).or("0"),
        "weight of the prior on the spread of a generator's codes",
    ),
    setting(
        "attack.prior.norm-z",
        Kind::Optional,
        "",
        from(0.0).or("0"),
        "weight of the prior on the length of a generator's codes",
    ),
    setting("attack.prior.l2norm", Kind::Optional, "", from(0.0).or("0"), "weight of the l2-norm prior"),
    setting("attack.box", Kind::Flag, "", words(""), "clamp to valid pixels after every step"),
    setting(
        "attack.optimiser.kind",
        Kind::Choice(&["adam", "lbfgs", "cma-es"]),
        "",
        words(""),
        "optimiser of the reconstruction",
    ),
    setting(
        "attack.optimiser.lr",
        Kind::Typed,
        "",
        above(0.0),
        "step size; of cma-es the deviation of the first population",
    ),
    setting(
        "attack.optimiser.signed",
        Kind::Typed,
        "",
        words("true, false, soft"),
        "Adam on the sign of the gradient, or on its hyperbolic tangent",
    ),
    setting(
        "attack.optimiser.langevin",
        Kind::Optional,
        "step sizes",
        from(0.0).or("0"),
        "deviation of what is added to the gradient in every step",
    ),
    setting(
        "attack.optimiser.ahead",
        Kind::Optional,
        "",
        within(0.0, 1.0).or("0"),
        "share of the gradient that is taken further up its slope",
    ),
    setting(
        "attack.optimiser.population",
        Kind::Optional,
        "",
        within(4.0, 10_000.0).or("4 + 3 ln n"),
        "members of a population of cma-es",
    ),
    setting(
        "attack.optimiser.decay",
        Kind::Choice(&["none", "step", "cosine"]),
        "",
        words(""),
        "schedule of the step size",
    ),
    setting(
        "attack.optimiser.line_search",
        Kind::Choice(&["none", "strong-wolfe"]),
        "",
        words(""),
        "line search of lbfgs",
    ),
    setting(
        "attack.variable",
        Kind::Typed,
        "",
        words("pixels, fields, epochs, latent, untrained, null-space, { low-resolution = 4 }"),
        "what is searched: the input, a table's fields, or what makes pictures",
    ),
    setting(
        "attack.then",
        Kind::Optional,
        "",
        words("[{ variable = \"weights\", iterations = 100, lr = 0.001 }]").or("nothing"),
        "what is searched after that: weights or features of a generator",
    ),
    setting(
        "attack.surrogate",
        Kind::Optional,
        "",
        within(0.0, 1.0).or("the steps themselves"),
        "one gradient this share of the way between the weights stands for all steps",
    ),
    setting(
        "attack.guess",
        Kind::Optional,
        "",
        words("{ learning_rate = [0.01, 0.1], epochs = [1, 5], batch = [4] }").or("nothing"),
        "ways in which the client may have trained, where nobody tells; the smallest matching loss wins",
    ),
    setting(
        "attack.start",
        Kind::Typed,
        "",
        words("normal, uniform, zeros, { patterned = 4 }"),
        "where a trial begins",
    ),
    setting(
        "attack.members",
        Kind::Typed,
        "",
        within(1.0, 1000.0),
        "candidates that a trial holds side by side; its answer is what they agree on",
    ),
    setting(
        "attack.bins",
        Kind::Optional,
        "",
        within(2.0, 4096.0).or("128"),
        "of an imprint layer, which sorts samples into them",
    ),
    setting(
        "attack.variant",
        Kind::Optional,
        "",
        words("linear, sparse, one-shot"),
        "how bins of an imprint layer are read",
    ),
    setting(
        "attack.mean",
        Kind::Optional,
        "",
        within(0.0, 1.0).or("0.45"),
        "of an imprint layer: what the means of samples are taken to be on the average, 0 black and 1 white",
    ),
    setting(
        "attack.deviation",
        Kind::Optional,
        "",
        above_to(0.0, 1.0).or("0.15"),
        "of an imprint layer: how far the means of samples are taken to lie around attack.mean; its bins are quantiles",
    ),
    setting(
        "attack.factor",
        Kind::Optional,
        "",
        within(0.0, 1.0).or("0.97"),
        "of trap weights: the positive half of a row to the negative one; the smaller, the fewer samples switch a neuron on",
    ),
    setting(
        "attack.target",
        Kind::Optional,
        "",
        words("rarest, 3, each").or("rarest"),
        "of fishing: the class whose samples the changed model singles out, or each sample by asking several times",
    ),
    setting(
        "attack.queries",
        Kind::Optional,
        "",
        within(4.0, 1e5).or("100"),
        "of fishing for each sample: how often the client is asked at most, with the same batch",
    ),
    setting(
        "attack.draws",
        Kind::Optional,
        "",
        within(1.0, 1e9).or("400000"),
        "of SPEAR: sets of rows that are tried at most",
    ),
    setting("attack.iterations", Kind::Typed, "", within(1.0, 1e8), "optimiser steps of one trial"),
    setting("attack.trials", Kind::Typed, "", within(1.0, 1e5), "restarts; the smallest matching loss wins"),
    setting(
        "attack.budget",
        Kind::Optional,
        "",
        words("5000 evaluations, \"60s\"").or("the iterations"),
        "what each attacked round may spend, instead of iterations",
    ),
    setting(
        "attack.stop_below",
        Kind::Typed,
        "",
        from(0.0),
        "a matching loss that counts as solved; of updates below norm 1 a share of their square",
    ),
    setting(
        "attack.answer",
        Kind::Choice(&["best", "after-warm-up", "last-quarter", "last"]),
        "",
        words(""),
        "the iterates whose smallest objective is the answer of a trial",
    ),
    setting("run.seed", Kind::Typed, "", words("0 or more"), "of everything random: weights, first guesses"),
    setting(
        "run.precision",
        Kind::Choice(&Precision::NAMES),
        "",
        words(""),
        "width of floats; on GPUs f32 may round factors to 10 bits (TF32)",
    ),
    setting("run.snapshot_every", Kind::Typed, "iterations", within(1.0, 1e8), "between two stored pictures"),
    setting(
        "run.checkpoint_seconds",
        Kind::Typed,
        "seconds",
        above_to(0.0, 86_400.0),
        "between two checkpoints",
    ),
    setting(
        "run.recovered_psnr",
        Kind::Typed,
        "dB",
        within(0.0, 100.0),
        "from this PSNR on a sample is recovered (BRR, WSRR)",
    ),
    setting(
        "run.lpips",
        Kind::Path,
        "",
        words("a file").or("no LPIPS"),
        "torchvision's alexnet, squeezenet1_1 or vgg16, for LPIPS",
    ),
    setting(
        "run.probe",
        Kind::Flag,
        "",
        words(""),
        "measure IGSA of the true samples after each attacked round",
    ),
    setting(
        "victim.options.activation",
        Kind::Optional,
        "",
        words("relu, leaky-relu, sigmoid, tanh, gelu"),
        "non-linearity of the model, if not its own",
    ),
    setting(
        "victim.options.norm",
        Kind::Optional,
        "",
        words("batch, group, layer, none"),
        "normalisation of feature maps, if not its own",
    ),
    setting(
        "victim.options.width",
        Kind::Optional,
        "",
        above_to(0.0, 64.0).or("1"),
        "factor on the model's channels",
    ),
    setting(
        "victim.options.depth",
        Kind::Optional,
        "",
        within(1.0, 1000.0).or("its own"),
        "repeated layers or blocks of the model",
    ),
    setting(
        "victim.options.skip",
        Kind::Optional,
        "",
        words("true, false").or("true"),
        "skip connections of the model",
    ),
    setting(
        "victim.options.bias",
        Kind::Optional,
        "",
        words("true, false").or("its own"),
        "biases of convolutions and full layers",
    ),
    setting(
        "victim.options.initialisation",
        Kind::Optional,
        "",
        words("pytorch, uniform, he").or("its own"),
        "how fresh weights are drawn",
    ),
    setting(
        "victim.loss",
        Kind::Optional,
        "",
        words("ce, ce-sum, { label-smoothing = 0.1 }, bce, mse, mse-softmax").or("ce"),
        "the task loss whose gradient clients take",
    ),
    setting(
        "victim.weights_key",
        Kind::Text,
        "",
        words("a key, as state_dict"),
        "which state dict of the weights, if the file has several",
    ),
    setting(
        "victim.by_order",
        Kind::Flag,
        "",
        words(""),
        "weights and captured update by order, where names differ",
    ),
    setting(
        "victim.share_buffers",
        Kind::Flag,
        "",
        words(""),
        "the client sends its BatchNorm statistics along",
    ),
    setting(
        "knowledge.local",
        Kind::Optional,
        "",
        words("none, { assumed = { learning_rate = 0.01, optimiser = \"adam\" } }").or("known"),
        "what the attacker knows of local steps",
    ),
    setting(
        "knowledge.order",
        Kind::Flag,
        "",
        words(""),
        "the attacker knows in which order a client shuffled",
    ),
    setting(
        "knowledge.same_batch",
        Kind::Flag,
        "",
        words(""),
        "told that the attacked rounds have one batch, and matches them all",
    ),
    setting(
        "federation.algorithm",
        Kind::Choice(&["fedsgd", "fedavg"]),
        "",
        words(""),
        "one gradient, or the weight difference after local steps",
    ),
    setting(
        "federation.clients",
        Kind::Typed,
        "",
        within(1.0, 100000.0),
        "clients, the attacked one among them",
    ),
    setting(
        "federation.clients_per_round",
        Kind::Optional,
        "",
        words("1 to all").or("all"),
        "clients that are drawn for a round",
    ),
    setting(
        "federation.partition",
        Kind::Optional,
        "",
        words("iid, { dirichlet = 0.5 }, { shards = 2 }").or("iid"),
        "how the data is spread over the other clients",
    ),
    setting(
        "federation.held_out",
        Kind::Typed,
        "",
        within(0.0, 0.9),
        "share of the data that measures accuracy",
    ),
    setting(
        "federation.rounds",
        Kind::Optional,
        "",
        within(0.0, 1e6).or("to the last attacked"),
        "federated rounds to train",
    ),
    setting(
        "federation.attack_rounds",
        Kind::Typed,
        "",
        words("ascending, as [0, 5, 20]; 0 is the initial model"),
        "rounds that are attacked",
    ),
    setting(
        "federation.local_epochs",
        Kind::Typed,
        "",
        within(1.0, 10000.0),
        "passes over a client's data in a round",
    ),
    setting(
        "federation.local_batch",
        Kind::Optional,
        "samples",
        words("1 to a client's").or("all"),
        "samples of one batch of the local steps",
    ),
    setting("federation.learning_rate", Kind::Optional, "", above(0.0), "step size of training"),
    setting(
        "federation.optimiser",
        Kind::Choice(&["sgd", "adam", "adamw"]),
        "",
        words(""),
        "what makes a local step of a gradient",
    ),
    setting("federation.momentum", Kind::Typed, "", from_below(0.0, 1.0), "momentum of local steps (SGD)"),
    setting("federation.nesterov", Kind::Flag, "", words(""), "Nesterov's momentum in local steps (SGD)"),
    setting(
        "federation.dampening",
        Kind::Optional,
        "",
        within(0.0, 1.0).or("0"),
        "share of a gradient that does not join the momentum (SGD)",
    ),
    setting(
        "federation.betas",
        Kind::Optional,
        "",
        words("as [0.9, 0.999]").or("that"),
        "decay of the two moments of local steps (Adam)",
    ),
    setting(
        "federation.eps",
        Kind::Optional,
        "",
        above(0.0).or("1e-8"),
        "added to the root of the second moment (Adam)",
    ),
    setting(
        "federation.weight_decay",
        Kind::Optional,
        "",
        from(0.0).or("0, 0.01 for adamw"),
        "weight decay of local steps",
    ),
    setting(
        "federation.clip",
        Kind::Optional,
        "",
        above(0.0).or("none"),
        "largest norm of the gradient of a local step",
    ),
    setting(
        "federation.proximal",
        Kind::Optional,
        "",
        from(0.0).or("0"),
        "FedProx's mu: local steps are pulled to the global model",
    ),
    setting(
        "federation.accumulate",
        Kind::Optional,
        "batches",
        words("1 or more, { sum = 4 }").or("1"),
        "batches that make one local step; sum: not divided",
    ),
    setting("federation.shuffle", Kind::Flag, "", words(""), "each epoch takes the samples in another order"),
    setting(
        "federation.server_learning_rate",
        Kind::Typed,
        "",
        above(0.0),
        "factor on the mean update that the server applies",
    ),
    setting(
        "federation.secure_aggregation",
        Kind::Typed,
        "clients",
        words("1 to all, 1: none"),
        "whose updates the server sees only as one sum",
    ),
    setting(
        "post",
        Kind::Optional,
        "",
        words("as [{ kind = \"clip\", norm = 1.0 }]").or("none"),
        "what a client does to its update, in order; gialab defences",
    ),
    setting(
        "knowledge.post",
        Kind::Choice(&["known", "estimated", "none"]),
        "",
        words("").or("known"),
        "what the attacker knows of post-processing: each step, or what the update shows, or nothing",
    ),
    setting("title", Kind::Text, "", words("text"), "one line for lists"),
    setting(
        "victim.state",
        Kind::Optional,
        "",
        words("untrained, { train-rounds = 10 }").or("untrained"),
        "federated rounds before the first that can be attacked",
    ),
    setting(
        "victim.captured.weights",
        Kind::Path,
        "",
        words("a file").or("no captured update"),
        "the global model that a real client was sent",
    ),
    setting(
        "victim.captured.update",
        Kind::Path,
        "",
        words("a file"),
        "what the client sent back, instead of a simulated update",
    ),
    setting(
        "victim.captured.kind",
        Kind::Choice(&["gradient", "delta", "negative-delta", "weights"]),
        "",
        words(""),
        "what the captured update holds",
    ),
    setting(
        "victim.captured.batch",
        Kind::Optional,
        "samples",
        within(1.0, MAX_BATCH as f64),
        "samples behind the update",
    ),
    setting(
        "victim.captured.scale",
        Kind::Optional,
        "",
        words("a number other than 0, estimated").or("1"),
        "factor on what was sent, as of a loss scaler",
    ),
    setting(
        "victim.captured.local",
        Kind::Optional,
        "",
        words("{ epochs = 1, batch = 2, learning_rate = 0.01 }").or("not known"),
        "how the client trained, if it took local steps",
    ),
    setting(
        "victim.captured.input",
        Kind::Optional,
        "",
        words("as [3, 32, 32]").or("that of the truth"),
        "shape of one sample: channels, height, width",
    ),
    setting(
        "victim.captured.labels",
        Kind::Optional,
        "",
        words("as [3, 7]").or("none"),
        "labels of the samples, if they are granted",
    ),
    setting(
        "victim.captured.truth",
        Kind::Path,
        "",
        words("a file").or("none"),
        "the true samples, to measure by",
    ),
    setting(
        "victim.captured.table",
        Kind::Optional,
        "",
        words("a data set").or("none"),
        "whose columns the samples have, if they are rows",
    ),
    setting(
        "attack.prior.tv-l2",
        Kind::Optional,
        "",
        from(0.0).or("0"),
        "weight of the total variation by length",
    ),
    setting(
        "attack.prior.tv-sq",
        Kind::Optional,
        "",
        from(0.0).or("0"),
        "weight of the total variation by squares",
    ),
    setting(
        "attack.prior.tv-color",
        Kind::Optional,
        "",
        from(0.0).or("0"),
        "weight of the total variation of colours and their differences",
    ),
    setting(
        "attack.prior.clip-box",
        Kind::Optional,
        "",
        from(0.0).or("0"),
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
