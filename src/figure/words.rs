//! Words of the field that are no figures.

use super::Word;

const fn word(
    key: &'static str,
    heading: &'static str,
    also: &'static [&'static str],
    about: &'static str,
    source: &'static str,
) -> Word {
    Word { key, heading, ascii: heading, also, about, source }
}

const OURS: &str = "as gialab says it";
const SOK: &str = "Carletti et al. 2025, SoK of gradient inversion, as gialab grants them";

/// Every word there is.
pub static WORDS: &[Word] = &[
    word(
        "prior",
        "prior",
        &["priors", "regulariser"],
        "What the attacker holds to be likely of a sample before seeing the update, as a penalty beside the matching loss: \
         total variation for smooth pictures, a small l2 norm. Too weak it leaves noise, too strong it paints over the \
         picture; it helps where many samples match equally well.",
        "attack.prior",
    ),
    word(
        "total",
        "total",
        &["objective"],
        "Matching loss and weighted priors: what a trial minimises. Trials are compared by their matching loss, iterates of \
         one trial by this.",
        OURS,
    ),
    word(
        "distance",
        "distance",
        &["attack distance"],
        "How the difference of two updates becomes one number: squared l2, or one minus the cosine, which leaves their \
         lengths out. L2 suits small smooth nets, the cosine deep and trained ones.",
        "attack.distance",
    ),
    word(
        "labels_known",
        "labels known",
        &[],
        "The attacker is granted the true labels. It is the most favourable case, threat model B, and not the everyday one: \
         say it with every figure.",
        "knowledge.labels",
    ),
    word(
        "labels_inferred",
        "labels inferred",
        &["infer"],
        "The attacker reads the labels off the update before it searches, mostly from the last layer. It is exact for one \
         sample under cross-entropy; in a batch with repeated labels it may err, which the labels' figure shows.",
        "Zhao et al. 2020 (iDLG)",
    ),
    word(
        "labels_optimised",
        "labels optimised",
        &["optimise"],
        "The attacker searches for the labels together with the samples. It needs nothing to be granted, and is the hardest: \
         a search that settles on a wrong label does not find the picture.",
        "Zhu et al. 2019 (DLG)",
    ),
    word(
        "bn_eval_public",
        "BN eval (public)",
        &["eval (public)", "BatchNorm eval"],
        "BatchNorm normalises with its stored statistics, which are part of the model that everybody has. It is the most \
         favourable case for an attacker: what a client really does in training is train mode.",
        "victim.mode = \"eval\"",
    ),
    word(
        "bn_eval_client",
        "BN eval (client's)",
        &["eval (client's, shared)", "eval (client's, not shared)"],
        "BatchNorm normalises with statistics that the client has taken of its own data. Shared, the attacker has them too; \
         not shared, it simulates another client than there is.",
        "victim.mode = \"eval-client\"",
    ),
    word(
        "bn_train",
        "BN train",
        &["train (shared)", "train (not shared)", "BatchNorm train"],
        "BatchNorm normalises with the statistics of the batch itself, as a client in training does: every sample depends on \
         all others. Shared statistics tell the attacker mean and spread of every layer, which is threat model E.",
        "victim.mode = \"train\"",
    ),
    word(
        "threat_model",
        "threat model",
        &["threat models"],
        "What the attacker is granted, as a letter from A (least) on. A figure is worth what its letter says: B to E grant \
         something that an eavesdropper has not.",
        SOK,
    ),
    word(
        "epsilon",
        "epsilon",
        &["differential privacy", "dp", "privacy"],
        "What differential privacy promises: whether one sample is added or taken out, all that is sent is at most e^epsilon \
         times as likely, but for events of probability delta. Said of dp-sgd alone, with its unit, the number of updates and who \
         must be trusted; below 1 it is strong, from about 10 on it promises little. gialab privacy computes it.",
        "Abadi et al. 2016, arXiv 1607.00133",
    ),
    word(
        "threat_model_a",
        "threat model A",
        &["eavesdropper", "a"],
        "The attacker has the update, the model and the batch size, and nothing else. What comes back here comes back to \
         anyone who sees the update, an honest but curious server first.",
        SOK,
    ),
    word(
        "threat_model_b",
        "threat model B",
        &["informed", "b"],
        "As A, and the labels are granted. Many published figures stand here without saying so; labels can often, not \
         always, be inferred.",
        SOK,
    ),
    word(
        "threat_model_c",
        "threat model C",
        &["parameter-aware", "c"],
        "As A, and the attacker knows the client's local training: epochs, batch size, learning rate. It is what a server \
         knows that prescribes them; without it several local steps are simulated wrongly.",
        SOK,
    ),
    word(
        "threat_model_d",
        "threat model D",
        &["data-enhanced", "d"],
        "As A, and the attacker has data of the same kind, or a generator trained on them. A search \
         through the generator finds likely pictures even where the update says little: what it scores on noise stands beside it.",
        SOK,
    ),
    word(
        "threat_model_e",
        "threat model E",
        &["statistical-informed", "e"],
        "As A, and the client shares the BatchNorm statistics of its batch. They say mean and spread of every layer, which \
         helps a search even where the gradient alone does not.",
        SOK,
    ),
    word(
        "threat_model_f",
        "threat model F",
        &["active manipulator", "f", "malicious server"],
        "The server changes the model that it sends so that updates leak, as by a layer that sorts samples into bins. A \
         client that compares the model with the one that was agreed on can see it.",
        SOK,
    ),
    word(
        "threat_model_g",
        "threat model G",
        &["data-enhanced manipulator", "g"],
        "As F, and the attacker has data like the client's, by which it chooses what it changes. Bins of imprint that are set by \
         such data are an example.",
        SOK,
    ),
    word(
        "threat_model_h",
        "threat model H",
        &["active client manipulator", "h"],
        "As G, and the server chooses which clients it asks, or sends different models to different clients. Clients that \
         compare what they were sent can see it.",
        SOK,
    ),
    word(
        "members",
        "members",
        &["ensemble", "candidates"],
        "Candidates that one trial searches side by side. Their mean or median is its answer, and where they agree the \
         attacker can be sure of it without any truth; a prior can pull them together.",
        "attack.members; Yin et al. 2021, Vero et al. 2023",
    ),
    word(
        "round",
        "round",
        &["federated round"],
        "One exchange of federated learning: the server sends the model, clients send updates, the server applies their \
         mean. Round 0 is the first model; later ones are better trained and mostly harder to attack.",
        OURS,
    ),
    word(
        "trial",
        "trial",
        &["trials", "restart"],
        "One search from its own first guess. Of several, the one with the smallest matching loss is the answer, never the \
         one with the best picture: an attacker cannot see that.",
        "attack.trials",
    ),
    word(
        "sample",
        "sample",
        &["samples"],
        "One picture or row of the private batch. Reconstructions are put beside the samples they fit best before anything \
         is measured, since a gradient does not say their order.",
        OURS,
    ),
    word(
        "status",
        "status",
        &["outcome of a trial"],
        "How a round or trial stands: its share while it goes on, then done, converged (the match fell below \
         attack.stop_below), stalled (the optimiser cannot move) or non-finite. A stalled trial is no failure: see its match.",
        OURS,
    ),
    word(
        "baselines",
        "grey, mean",
        &["baseline"],
        "PSNR without any update, in dB: of a grey picture, and of the mean of the other samples of the set. An answer that \
         is not above them says nothing.",
        "gialab's evaluator, with the ground truth",
    ),
    word(
        "verdict",
        "verdict",
        &["outcome"],
        "What became of an attack: recovered, search failed (the truth matches better), ambiguous (the answer matches as \
         well) or another client (not even the truth matches). It says whether a longer search, a prior or other settings \
         may help.",
        "gialab's definition: docs/quality.md",
    ),
    word(
        "dimension_bound",
        "dimension bound",
        &["bound"],
        "A gradient with fewer numbers than the batch has pixels does not determine the batch: many batches share it. That \
         there are enough proves nothing.",
        "counted: see gialab models",
    ),
    word(
        "fedsgd",
        "FedSGD",
        &["gradient"],
        "The client sends one gradient of its batch. It is the update that gives away most: nothing is mixed over steps.",
        "McMahan et al. 2017",
    ),
    word(
        "fedavg",
        "FedAvg",
        &["local steps"],
        "The client trains for several steps and sends the difference of the models. The more steps and the larger the \
         learning rate, the harder it is to go back; one who does not know them has to guess.",
        "McMahan et al. 2017",
    ),
    word(
        "secure_aggregation",
        "secure aggregation",
        &["secagg"],
        "The server sees only the sum of several clients' updates. For an attacker it is one larger batch, of which each \
         client holds a part.",
        "Bonawitz et al. 2017",
    ),
    word(
        "post_processing",
        "post-processing",
        &["post", "defence", "noise", "clip", "sparsify", "quantise", "sign"],
        "What a client does to its update before it is sent: noise, clipping, leaving numbers or layers out, rounding. An \
         attacker that knows it simulates it, which is how a defence is to be judged; against one that ignores it nearly \
         everything looks safe.",
        "[[post]] and knowledge.post of a preset; gialab defences",
    ),
];
