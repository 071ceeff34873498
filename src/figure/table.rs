//! All figures. Order is that of tables and pages: what is looked at first stands first.

use super::Better::{Higher, Lower, Neither};
use super::Form::{Clock, Count, Fixed, Power, Share};
use super::Read::{Batch, Round, Samples, Truth};
use super::{Figure, Word};

/// Every figure there is.
pub static FIGURES: &[Figure] = &[
    Figure {
        word: Word {
            key: "psnr",
            heading: "PSNR↑ dB",
            ascii: "PSNR dB",
            also: &["PSNR", "peak signal-to-noise ratio"],
            about: "-10 log10 of the mean squared error of a picture in [0, 1], its mean over the batch; infinite for a \
                    perfect one, which counts as 100 dB in a mean. About 10 dB is what a grey picture scores, 15 shows \
                    shapes, 20 is recognisable, 30 hides little, and 43 cannot be told from the truth by eye. A mean \
                    over a batch hides its worst sample.",
            source: "standard; range 1, after clamping to [0, 1]",
        },
        unit: "dB",
        better: Higher,
        form: Fixed(2),
        rank: 0,
        read: Samples(|m| m.psnr, |s| s.psnr),
    },
    Figure {
        word: Word {
            key: "ssim",
            heading: "SSIM↑",
            ascii: "SSIM",
            also: &["structural similarity", "ssim_gauss"],
            about: "How alike two pictures are in brightness, contrast and structure, window by window; 1 for equal ones, \
                    about 0 where no structure is right. No value is a border: read it beside the picture. Pictures below \
                    11 pixels have none.",
            source: "Wang et al. 2004; Gaussian window of 11 pixels, sigma 1.5",
        },
        unit: "",
        better: Higher,
        form: Fixed(3),
        rank: 0,
        read: Samples(|m| m.ssim, |s| s.ssim),
    },
    Figure {
        word: Word {
            key: "st_lpips",
            heading: "ST-LPIPS↓",
            ascii: "ST-LPIPS",
            also: &["shift-tolerant LPIPS"],
            about: "A perceptual distance: how far two pictures are apart for a network that was trained on what people \
                    find alike, and that a shift by a pixel does not disturb; 0 for equal ones. It has no \
                    published scale: compare answers on the same pictures, and never with LPIPS.",
            source: "Ghildyal, Liu 2022, with its AlexNet; from 21 pixels on",
        },
        unit: "",
        better: Lower,
        form: Fixed(3),
        rank: 1,
        read: Samples(|m| m.st_lpips, |s| s.st_lpips),
    },
    Figure {
        word: Word {
            key: "brr",
            heading: "BRR↑",
            ascii: "BRR",
            also: &["batch recovery rate"],
            about: "Share of the batch that is recovered: samples whose PSNR reaches run.recovered_psnr, 20 dB unless said \
                    otherwise. 0 % is what a defence should reach; a mean PSNR cannot tell one perfect sample from \
                    several poor ones, this can.",
            source: "gialab's definition; no published formula was available",
        },
        unit: "",
        better: Higher,
        form: Share,
        rank: 2,
        read: Batch(|m| m.recovered),
    },
    Figure {
        word: Word {
            key: "label_accuracy",
            heading: "labels↑",
            ascii: "labels",
            also: &["label accuracy", "labels right"],
            about: "Share of the batch's labels that the attack has right, whatever their order: the gradient of a batch \
                    does not hold it. Without right labels a picture seldom comes back; where labels are granted it is \
                    100 %.",
            source: "a recall over multisets",
        },
        unit: "",
        better: Higher,
        form: Share,
        rank: 1,
        read: Batch(|m| m.label_accuracy),
    },
    Figure {
        word: Word {
            key: "match",
            heading: "match↓",
            ascii: "match",
            also: &["matching loss", "loss", "matching", "matching_loss"],
            about: "The matching loss of the answer: how far the update that it would make is from the one that was seen, \
                    by the attack's distance. It is what an attacker can see, and what chooses among trials; how low is \
                    low tells only the match at the truth beside it. Losses of different distances cannot be compared.",
            source: "the attack's distance: attack.distance",
        },
        unit: "",
        better: Lower,
        form: Power,
        rank: 0,
        read: Round(|r| r.matching),
    },
    Figure {
        word: Word {
            key: "seconds",
            heading: "time",
            ascii: "time",
            also: &["took", "duration"],
            about: "Seconds of computing over all trials of a round, pauses left out. It depends on machine, backend and \
                    threads: compare evaluations where machines differ.",
            source: "the worker's steady clock",
        },
        unit: "",
        better: Neither,
        form: Clock,
        rank: 0,
        read: Round(|r| r.seconds),
    },
    Figure {
        word: Word {
            key: "mse",
            heading: "MSE↓",
            ascii: "MSE",
            also: &["mean squared error"],
            about: "Mean squared error over the pixels of a sample in [0, 1], its mean over the batch. 0.1 is what a grey \
                    picture scores, 0.01 is recognisable (20 dB), 5e-5 cannot be told from the truth by eye. PSNR says \
                    the same in decibels.",
            source: "standard; after clamping to [0, 1]",
        },
        unit: "",
        better: Lower,
        form: Power,
        rank: 5,
        read: Samples(|m| m.mse, |s| s.mse),
    },
    Figure {
        word: Word {
            key: "lpips",
            heading: "LPIPS↓",
            ascii: "LPIPS",
            also: &["LPIPS v0.1"],
            about: "A perceptual distance: weighted differences of the features of a network, 0 for equal pictures. Below \
                    0.2 is close by the convention of the field. It is measured where run.lpips names a backbone, and can \
                    be compared only with figures of the same one.",
            source: "Zhang et al. 2018, v0.1",
        },
        unit: "",
        better: Lower,
        form: Fixed(3),
        rank: 5,
        read: Samples(|m| m.lpips, |_| None),
    },
    Figure {
        word: Word {
            key: "wsrr",
            heading: "WSRR↑",
            ascii: "WSRR",
            also: &["worst-sample recovery rate"],
            about: "Whether the worst sample of the batch is recovered, 100 % or 0 %; its mean over batches is the rate. It \
                    is the strictest figure of a batch: never above BRR.",
            source: "gialab's definition; no published formula was available",
        },
        unit: "",
        better: Higher,
        form: Share,
        rank: 3,
        read: Batch(|m| m.worst_recovered.map(|all| f64::from(u8::from(all)))),
    },
    Figure {
        word: Word {
            key: "label_existence",
            heading: "classes there↑",
            ascii: "classes there",
            also: &["label existence", "LeAcc", "exist"],
            about: "Share of all classes, absent ones included, of which the attack knows whether the batch holds them. Of \
                    1,000 classes most are absent, so that knowing nothing already scores well: read the labels beside it.",
            source: "Ma et al. 2023 (iLRG), LeAcc",
        },
        unit: "",
        better: Higher,
        form: Share,
        rank: 6,
        read: Batch(|m| m.label_existence),
    },
    Figure {
        word: Word {
            key: "label_count",
            heading: "classes counted↑",
            ascii: "classes counted",
            also: &["label count", "LnAcc", "count"],
            about: "Share of all classes, absent ones included, of which the attack knows how often the batch holds them. \
                    It is never above the share of classes known to be there or not; read the labels beside it.",
            source: "Ma et al. 2023 (iLRG), LnAcc",
        },
        unit: "",
        better: Higher,
        form: Share,
        rank: 6,
        read: Batch(|m| m.label_count),
    },
    Figure {
        word: Word {
            key: "iip",
            heading: "IIP↑",
            ascii: "IIP",
            also: &["image identifiability precision"],
            about: "Share of reconstructions that are nearer to their own image than to any other of its class in the data \
                    set, in pixels. A picture too poor to please the eye may still say whose it is; chance scores one \
                    over the candidates.",
            source: "Yin et al. 2021 (GradInversion), with pixel l2",
        },
        unit: "",
        better: Higher,
        form: Share,
        rank: 6,
        read: Batch(|m| m.iip),
    },
    Figure {
        word: Word {
            key: "iip_pool",
            heading: "IIP candidates",
            ascii: "IIP candidates",
            also: &["pool"],
            about: "Candidates of the smallest class that IIP was taken over, at most 5,000. The more there are, the more \
                    IIP says.",
            source: "counted in the data set",
        },
        unit: "",
        better: Neither,
        form: Count,
        rank: 7,
        read: Batch(|m| m.iip_pool.map(|pool| pool as f64)),
    },
    Figure {
        word: Word {
            key: "feature_mse",
            heading: "feature MSE↓",
            ascii: "feature MSE",
            also: &["features", "FMSE"],
            about: "Mean squared difference of the victim's last features, the input of its classifier, in eval mode. It \
                    says whether the model takes the answer for the truth; its scale is that of the model, so that \
                    different models cannot be compared.",
            source: "as Li et al. 2022 (GGL) measure it",
        },
        unit: "",
        better: Lower,
        form: Power,
        rank: 6,
        read: Batch(|m| m.feature_mse.map(|spread| spread.mean)),
    },
    Figure {
        word: Word {
            key: "fields",
            heading: "fields↑",
            ascii: "fields",
            also: &["fields right", "field accuracy"],
            about: "Share of a table's fields that are right: a category if it is the true one, a number within 0.319 of \
                    its feature's standard deviation. Fields that are the same in most rows are right without any update.",
            source: "Vero et al. 2023 (TabLeak), with its tolerance",
        },
        unit: "",
        better: Higher,
        form: Share,
        rank: 6,
        read: Batch(|m| m.fields),
    },
    Figure {
        word: Word {
            key: "match_at_truth",
            heading: "at truth",
            ascii: "at truth",
            also: &["match at truth", "matching loss at truth"],
            about: "The matching loss at the private samples, as the attacker simulates the clients. Far below the match of \
                    the answer, the search failed; as high, other samples make the same update; large itself, another \
                    client is simulated. The attacker never sees it.",
            source: "gialab's evaluator, with the ground truth",
        },
        unit: "",
        better: Neither,
        form: Power,
        rank: 3,
        read: Truth(|r| r.at_truth.map(|truth| truth.matching)),
    },
    Figure {
        word: Word {
            key: "psnr_grey",
            heading: "grey dB",
            ascii: "grey dB",
            also: &["grey", "grey baseline"],
            about: "PSNR of a grey picture, 0.5 everywhere, mean over the batch: what can be said without any update. An \
                    answer that is not above it says nothing.",
            source: "gialab's evaluator, with the ground truth",
        },
        unit: "dB",
        better: Neither,
        form: Fixed(1),
        rank: 7,
        read: Truth(|r| r.baselines?.grey.map(|score| score.0)),
    },
    Figure {
        word: Word {
            key: "psnr_mean",
            heading: "mean of others dB",
            ascii: "mean of others dB",
            also: &["mean of others", "mean baseline"],
            about: "PSNR of the mean of the other samples of the set (256 at most), mean over the batch: what one who knows \
                    the kind of data can say without any update. An answer that is not above it says nothing.",
            source: "gialab's evaluator, with the ground truth",
        },
        unit: "dB",
        better: Neither,
        form: Fixed(1),
        rank: 7,
        read: Truth(|r| r.baselines?.mean.map(|score| score.0)),
    },
    Figure {
        word: Word {
            key: "psnr_noise",
            heading: "on noise dB",
            ascii: "on noise dB",
            also: &["control", "noise control", "control on noise"],
            about: "PSNR of the same search on noise of the update's norm, with the same labels, mean over the batch: what the \
                    generator makes without any leakage. Only what is above it came out of the update.",
            source: "the control that Guo et al. (arXiv 2503.11514) ask for; chosen by matching loss, as the answer is",
        },
        unit: "dB",
        better: Neither,
        form: Fixed(1),
        rank: 3,
        read: Truth(|r| r.baselines?.noise.map(|score| score.0)),
    },
    Figure {
        word: Word {
            key: "psnr_excess",
            heading: "excess↑ dB",
            ascii: "excess dB",
            also: &["excess", "excess over the control"],
            about: "PSNR of the answer less that of the same search on noise, in dB: what came out of the update and not out \
                    of the generator. Near 0 nothing leaked, however good the picture looks.",
            source: "gialab's definition, after the control of Guo et al. (arXiv 2503.11514)",
        },
        unit: "dB",
        better: Higher,
        form: Fixed(1),
        rank: 3,
        read: Truth(|r| Some(r.metrics?.psnr?.mean - r.baselines?.noise?.0)),
    },
    Figure {
        word: Word {
            key: "psnr_picked",
            heading: "picked by truth dB",
            ascii: "picked by truth dB",
            also: &["picked", "oracle", "picked by the truth"],
            about: "PSNR if the truth picked among the answers of all trials, sample by sample, mean over the batch: an oracle, \
                    which no attacker has, and what demonstrations report that choose their outputs by the ground truth. \
                    What it is above the PSNR of the answer is owed to that choice. Of one trial there is none.",
            source: "gialab's definition, after the demonstration of FedLeak (arXiv 2506.08435)",
        },
        unit: "dB",
        better: Neither,
        form: Fixed(1),
        rank: 7,
        read: Truth(|r| r.picked),
    },
    Figure {
        word: Word {
            key: "psnr_enhanced",
            heading: "enhanced↑ dB",
            ascii: "enhanced dB",
            also: &["enhanced", "enhancer", "super-resolution"],
            about: "PSNR of what the attacker's network makes of the answer (knowledge.enhancer), mean over the batch. PSNR is \
                    that of the answer itself: what lies between is the network's work, and what it makes of noise \
                    (psnr_enhanced_noise) came out of no update.",
            source: "Yue et al., USENIX Security 2023 (arXiv 2206.04055), as the last step of ROG",
        },
        unit: "dB",
        better: Higher,
        form: Fixed(1),
        rank: 7,
        read: Truth(|r| r.enhanced.map(|[answer, _]| answer)),
    },
    Figure {
        word: Word {
            key: "psnr_enhanced_noise",
            heading: "enhanced noise dB",
            ascii: "enhanced noise dB",
            also: &["enhancer alone"],
            about: "PSNR of what the attacker's network (knowledge.enhancer) makes of noise, mean over the batch. It is what \
                    that network gives without any update.",
            source: "gialab's definition, a control",
        },
        unit: "dB",
        better: Neither,
        form: Fixed(1),
        rank: 7,
        read: Truth(|r| r.enhanced.map(|[_, noise]| noise)),
    },
    Figure {
        word: Word {
            key: "accuracy",
            heading: "acc",
            ascii: "acc",
            also: &["model accuracy", "held-out accuracy"],
            about: "Share of held-out samples that the attacked global model classifies rightly, before the round. It says \
                    how far training is: to gradient matching a trained model mostly gives away less.",
            source: "federation.held_out samples that no client has",
        },
        unit: "",
        better: Neither,
        form: Share,
        rank: 4,
        read: Round(|r| r.accuracy),
    },
    Figure {
        word: Word {
            key: "accuracy_lost",
            heading: "lost↓",
            ascii: "lost",
            also: &["accuracy lost", "utility", "cost"],
            about: "Points of accuracy that post-processing has cost by this round: the same federation is trained without it \
                    beside the run's own, from the same seed. A protection is worth what it leaves of this.",
            source: "gialab's own",
        },
        unit: "",
        better: Lower,
        form: Fixed(1),
        rank: 4,
        read: Round(|r| r.accuracy_lost.map(|lost| 100.0 * lost)),
    },
    Figure {
        word: Word {
            key: "update_norm",
            heading: "|update|",
            ascii: "|update|",
            also: &["update norm", "update"],
            about: "l2 norm of the update that the server received. A norm near zero has little to give away, and what is \
                    left may be lost in rounding.",
            source: "computed from the update",
        },
        unit: "",
        better: Neither,
        form: Fixed(3),
        rank: 4,
        read: Round(|r| r.update_norm),
    },
    Figure {
        word: Word {
            key: "norm_kept",
            heading: "norm kept",
            ascii: "norm kept",
            also: &["norm", "norm of what is sent"],
            about: "l2 norm of what is sent, as a part of the clean update's, of several clients the mean. Clipping and sparsification \
                    lower it, noise raises it.",
            source: "computed from the update",
        },
        unit: "",
        better: Neither,
        form: Fixed(3),
        rank: 5,
        read: Round(|r| r.processed.map(|effect| effect.norm)),
    },
    Figure {
        word: Word {
            key: "cosine",
            heading: "cosine",
            ascii: "cosine",
            also: &["cosine to the clean update"],
            about: "Cosine of the angle between what is sent and the clean update: 1 where post-processing changed its length alone, 0 \
                    where nothing of its direction is left. An attack that matches by cosine sees what this leaves.",
            source: "computed from the update",
        },
        unit: "",
        better: Neither,
        form: Fixed(3),
        rank: 5,
        read: Round(|r| r.processed.map(|effect| effect.cosine)),
    },
    Figure {
        word: Word {
            key: "change",
            heading: "changed",
            ascii: "changed",
            also: &["noise relative to the norm", "relative change"],
            about: "Norm of the difference between what is sent and the clean update, as a part of the clean update's norm. Of noise it \
                    says how large it is beside the update: 1 is as large.",
            source: "computed from the update",
        },
        unit: "",
        better: Neither,
        form: Fixed(3),
        rank: 5,
        read: Round(|r| r.processed.map(|effect| effect.change)),
    },
    Figure {
        word: Word {
            key: "zeros",
            heading: "zeros",
            ascii: "zeros",
            also: &["share of zeros"],
            about: "Share of the update's numbers that are sent as zero, by sparsification or by themselves. Many ReLUs leave \
                    half of them zero without any.",
            source: "computed from the update",
        },
        unit: "",
        better: Neither,
        form: Share,
        rank: 5,
        read: Round(|r| r.processed.map(|effect| effect.zeros)),
    },
    Figure {
        word: Word {
            key: "bits",
            heading: "bits",
            ascii: "bits",
            also: &["bits per parameter", "bits a number"],
            about: "Bits sent for each number of the clean update. It is 32 without post-processing, and else in the shortest of three plain forms: all \
                    numbers, those that are not zero with a bit for each, or with their places.",
            source: "computed from the update",
        },
        unit: "",
        better: Neither,
        form: Fixed(1),
        rank: 5,
        read: Round(|r| r.processed.map(|effect| effect.bits)),
    },
    Figure {
        word: Word {
            key: "igsa",
            heading: "IGSA",
            ascii: "IGSA",
            also: &["input-gradient smoothness"],
            about: "1 / mean |d gradient / d input|: how smoothly the gradient depends on the input around the true \
                    samples, median over them. Higher is smoother and is meant to be easier to invert, which is a \
                    hypothesis; it is infinite where the gradient does not depend on the input, and nothing can come back.",
            source: "gialab's definition; no published formula was available",
        },
        unit: "",
        better: Neither,
        form: Power,
        rank: 4,
        read: Truth(|r| r.probe.map(|probe| probe.igsa)),
    },
    Figure {
        word: Word {
            key: "igsa_rel",
            heading: "IGSA_rel",
            ascii: "IGSA_rel",
            also: &["relative IGSA"],
            about: "IGSA without the scales of gradient, input and their spread, so that models of different width can be \
                    compared. Higher is smoother; read it as IGSA.",
            source: "gialab's definition",
        },
        unit: "",
        better: Neither,
        form: Power,
        rank: 7,
        read: Truth(|r| r.probe.map(|probe| probe.igsa_rel)),
    },
    Figure {
        word: Word {
            key: "r_eff",
            heading: "r_eff",
            ascii: "r_eff",
            also: &["effective rank"],
            about: "Effective number of input directions that show in the gradient, median over the true samples. Far below \
                    the number of inputs, most of a sample cannot be read off however long one searches.",
            source: "participation ratio of the Jacobian, gialab's estimate",
        },
        unit: "",
        better: Neither,
        form: Fixed(1),
        rank: 7,
        read: Truth(|r| r.probe.map(|probe| probe.r_eff)),
    },
    Figure {
        word: Word {
            key: "igsa_samples",
            heading: "samples probed",
            ascii: "samples probed",
            also: &[],
            about: "True samples that IGSA and r_eff are medians over. Of few samples a median says little.",
            source: "counted",
        },
        unit: "",
        better: Neither,
        form: Count,
        rank: 7,
        read: Truth(|r| r.probe.map(|probe| probe.samples as f64)),
    },
    Figure {
        word: Word {
            key: "evaluations",
            heading: "evals",
            ascii: "evals",
            also: &["evaluations", "gradient matches"],
            about: "Evaluations over all trials of a round: one gradient match with its own gradient each. It is the cost of \
                    an attack that does not depend on the machine.",
            source: "counted by the attack",
        },
        unit: "",
        better: Neither,
        form: Count,
        rank: 5,
        read: Round(|r| r.evaluations.map(|count| count as f64)),
    },
    Figure {
        word: Word {
            key: "iteration",
            heading: "best @",
            ascii: "best @",
            also: &["answer", "best iteration"],
            about: "Iteration of the chosen trial whose iterate is the answer. Near the last one, a longer search may find \
                    more; which iterates may be the answer says attack.answer.",
            source: "smallest objective among those of attack.answer",
        },
        unit: "",
        better: Neither,
        form: Count,
        rank: 3,
        read: Round(|r| r.iteration.map(|iteration| iteration as f64)),
    },
];
