//! What a run needs of memory, before it starts, against what there is.

use crate::backend::Compute;
use crate::config::{
    BatchNormMode, LocalTraining, OptimiserKind, Precision, RunConfig, Search, Target, VariableKind,
};
use crate::machine::{self, Bound};
use crate::model::{self, Descent, Net, Optimiser, Step};
use crate::threads;

/// The program itself and its metrics, with pictures of no size.
const PROGRAM: u64 = 64 << 20;

/// Bytes for each position of a picture: what ST-LPIPS makes of two of them.
const PER_POSITION: u64 = 5000;

/// Copies of the candidate in 64 bit: iterates, optimiser, truth, pictures.
const CANDIDATES: u64 = 16;

/// Copies of the parameters that live at once: theta, the observed update, g, v and what makes them. In halves, as
/// measured. In 32 bit a client computes in 64.
const HALF_COPIES: u64 = 14;
const HALF_COPIES_WIDE: u64 = 11;

/// With a tape, and more for the way back through local steps, for post-processing, and for a search on noise besides.
const HALF_COPIES_TAPE: u64 = 12;
const HALF_COPIES_STEPS: u64 = 20;
const HALF_COPIES_POST: u64 = 2;
const HALF_COPIES_CONTROL: u64 = 4;

/// More where a step's way back makes its gradient again, and for Adam's arithmetic.
const HALF_COPIES_GRADIENT: u64 = 2;
const HALF_COPIES_ADAM: u64 = 8;

/// Copies of all maps of a sample: inputs and gradients of the first pass, tangents of the second; memory is used again
/// from layer to layer. In halves; in 32 bit those of a client, which are twice as wide.
const HALF_MAPS: u64 = 11;
const HALF_MAPS_WIDE: u64 = 5;
const HALF_MAPS_TAPE: u64 = 7;

/// Blocks of maps and kernels that convolutions work on, where no tape is needed.
const BLOCKS: u64 = 16 << 20;

/// More for each member of a population beyond the first that is evaluated beside it: a gradient and the maps of a pass that
/// never turns back.
const HALF_COPIES_MEMBER: u64 = 6;
const HALF_MAPS_MEMBER: u64 = 3;

/// More for each sample that is told apart from the others, what it sends, where that counts and what it is held against, and for
/// asking.
const COPIES_EACH: u64 = 6;
const COPIES_ASKED: u64 = 12;

/// The same where they were never measured.
const HALF_COPIES_CUDA: u64 = 14;
const HALF_MAPS_CUDA: u64 = 16;

/// A run's need. An estimate from the shapes alone: on a CPU never below measured peaks and at most 1.6 times
/// them (`tests`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Bytes for any batch.
    pub fixed: u64,
    /// Bytes more for each sample that is computed at once.
    pub per_sample: u64,
}

/// How a run fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// All samples at once.
    Whole,
    /// At most so many samples at once: the gradient of a batch is the mean of those of its parts.
    Parts(usize),
}

/// Why a run does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this run needs about {needed} of memory and {available} are {bound}; {remedy}")]
pub struct TooLarge {
    needed: String,
    available: String,
    bound: String,
    remedy: String,
}

impl Need {
    /// Of a config on its network.
    pub fn of(config: &RunConfig, net: &Net, backend: &str) -> Need {
        let float = config.run.precision.bytes();
        let parameters = float * net.parameter_count() as u64;
        let (copies, maps) = match backend {
            "cuda" => (HALF_COPIES_CUDA, HALF_MAPS_CUDA),
            "flex" if model::needs_no_tape(net) => match config.run.precision {
                Precision::F32 => (HALF_COPIES, HALF_MAPS),
                Precision::F64 => (HALF_COPIES_WIDE, HALF_MAPS_WIDE),
            },
            _ => (HALF_COPIES_TAPE, HALF_MAPS_TAPE),
        };
        let steps = descents(config).map_or(0, |(clients, descent)| {
            let again = if descent.reads_gradient() { HALF_COPIES_GRADIENT } else { 0 };
            let adam = if matches!(descent.optimiser, Optimiser::Adam { .. }) { HALF_COPIES_ADAM } else { 0 };
            let copies = HALF_COPIES_STEPS + again + adam;
            copies * parameters / 2 + clients * descent.bytes(parameters)
        });
        let [channels, height, width] = net.input().map(|n| n as u64);
        // A search over the samples of each epoch holds them all.
        let by_epochs = config.attack.search().is_some_and(|search| search.variable == VariableKind::Epochs);
        let most = || config.supposed().iter().map(|local| u64::from(local.epochs)).max();
        let epochs = if by_epochs { most().unwrap_or(1) } else { 1 };
        let pictures = PER_POSITION * height * width
            + CANDIDATES * 8 * channels * height * width * config.batch() as u64 * epochs;
        let members = members_at_once(config, backend);
        let processed = if config.post.is_empty() { 0 } else { HALF_COPIES_POST };
        let searched = config.attack.search().is_some_and(Search::has_control);
        let copies = copies + processed + if searched { HALF_COPIES_CONTROL } else { 0 };
        let blocks = if backend == "flex" && model::needs_no_tape(net) { BLOCKS } else { 0 };
        let each = config.attack.search().is_some_and(|search| search.target == Some(Target::Each));
        let apart = if each { (COPIES_ASKED + COPIES_EACH * config.batch() as u64) * parameters } else { 0 };
        // What each client keeps back, and the model of the federation without post-processing.
        let kept_back = config.post.iter().filter(|step| step.feeds_back()).count() as u64;
        let beside = match config.trains() && !config.post.is_empty() {
            true => (u64::from(config.federation.clients) * kept_back + 1) * parameters,
            false => 0,
        };
        Need {
            fixed: PROGRAM
                + beside
                + apart
                + pictures
                + blocks
                + (copies + members * HALF_COPIES_MEMBER) * parameters / 2
                + steps,
            per_sample: (maps + members * HALF_MAPS_MEMBER) * float * net.entries() / 2,
        }
    }

    /// How a batch fits into what is available. Only a gradient in eval mode may be taken in parts.
    ///
    /// # Errors
    /// [`TooLarge`], with what would help.
    pub fn fit(self, batch: usize, in_parts: bool, bound: &Bound) -> Result<Fit, TooLarge> {
        let available = bound.available;
        let all = self.fixed + self.per_sample * batch as u64;
        if all <= available {
            return Ok(Fit::Whole);
        }
        let most = (available.saturating_sub(self.fixed) / self.per_sample.max(1)) as usize;
        if in_parts && most >= 1 {
            return Ok(Fit::Parts(most));
        }
        let remedy = match most {
            0 => "take a smaller model, smaller pictures, or a machine with more".to_owned(),
            1 => "one sample would fit".to_owned(),
            most => format!("a batch of {most} would fit"),
        };
        let bound = bound.what.clone();
        Err(TooLarge { needed: size(all), available: size(available), bound, remedy })
    }
}

/// How a run fits on this machine now; whole where the system does not tell.
///
/// # Errors
/// [`TooLarge`].
pub fn fit(config: &RunConfig, net: &Net, compute: &Compute) -> Result<Fit, TooLarge> {
    let bound = match compute.name() {
        "cuda" => crate::sys::cuda_free_memory(compute.ordinal())
            .map(|available| Bound { what: "free on the CUDA device".to_owned(), available }),
        _ => machine::memory_bounds().into_iter().next(),
    };
    let Some(bound) = bound else { return Ok(Fit::Whole) };
    let one_gradient = config.local().is_none() && config.supposed().is_empty();
    let in_parts = one_gradient && config.victim.mode != BatchNormMode::Train;
    Need::of(config, net, compute.name()).fit(at_once(config), in_parts, &bound)
}

/// Members of a population that are evaluated beside the first.
fn members_at_once(config: &RunConfig, backend: &str) -> u64 {
    let search = config.attack.search().filter(|search| search.optimiser.kind == OptimiserKind::CmaEs);
    match search {
        Some(search) if backend != "cuda" => {
            let members = search.optimiser.evaluations();
            members.min(threads::allowed().count).saturating_sub(1) as u64
        }
        _ => 0,
    }
}

/// Clients whose local steps are simulated together, and the steps of each, at most.
fn descents(config: &RunConfig) -> Option<(u64, Descent)> {
    let clients = config.federation.secure_aggregation.max(1);
    let steps = |local: &LocalTraining| local.steps(config.batch() / clients as usize);
    let local = config.supposed().into_iter().max_by_key(steps)?;
    let steps = vec![Step::of(Vec::new()); steps(&local)];
    Some((clients.into(), Descent::of(&local, steps)))
}

/// Samples that one pass computes at once, of the clients or of the attacker who simulates them.
pub fn at_once(config: &RunConfig) -> usize {
    let batch = config.batch();
    let of = |local: Option<LocalTraining>| match local {
        None => batch,
        Some(local) => {
            let each = batch / config.federation.secure_aggregation.max(1) as usize;
            let batch = local.batch.map_or(each, |most| each.min(most as usize));
            // All micro-batches of a step wait where its gradient is asked for first.
            let waiting = match Descent::of(&local, Vec::new()).reads_gradient() {
                true => local.accumulate.batches() as usize,
                false => 1,
            };
            each.min(batch * waiting)
        }
    };
    let supposed = config.supposed();
    let taken = supposed.iter().map(|local| of(Some(*local))).max().unwrap_or_else(|| of(None));
    of(config.local()).max(taken)
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000_000 => format!("{:.0} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::preset;

    fn need(model: &str, side: usize, batch: usize, changes: &[&str], backend: &str) -> u64 {
        let samples = format!("victim.indices={:?}", (0..batch).collect::<Vec<_>>());
        let changes = changes.iter().copied().chain([samples.as_str(), "victim.classes=17"]);
        let changes: Vec<String> = changes.map(str::to_owned).collect();
        let config = preset::load("ig-resnet18", &changes, "/nonexistent".as_ref()).unwrap().config;
        let net = model::architecture(model).unwrap();
        let net = net.net(&config.victim.options, [3, side, side], 10).unwrap();
        let need = Need::of(&config, &net, backend);
        need.fixed + need.per_sample * at_once(&config) as u64
    }

    /// Model, side of its pictures, batch, changes to the preset, backend, peak in MB.
    type Run<'a> = (&'a str, usize, usize, &'a [&'a str], &'a str, u64);

    /// Peaks of real runs of three iterations on two cores, in MB.
    #[test]
    fn measured_peaks_lie_a_little_below() {
        let gn = ["victim.options.norm=group"];
        let wide = ["run.precision=f64"];
        let fedavg = |epochs: &'static str| {
            [
                epochs,
                "federation.algorithm=fedavg",
                "federation.local_batch=2",
                "federation.learning_rate=0.01",
            ]
        };
        let (one, four, sixteen) = (
            fedavg("federation.local_epochs=1"),
            fedavg("federation.local_epochs=4"),
            fedavg("federation.local_epochs=16"),
        );
        let momentum = [&four[..], &["federation.momentum=0.9"]].concat();
        let nesterov = [&momentum[..], &["federation.nesterov=true"]].concat();
        let adam = [&four[..], &["federation.optimiser=adam"]].concat();
        let clip = [&four[..], &["federation.clip=1"]].concat();
        let accumulated =
            [&adam[..], &clip[4..], &["federation.local_batch=1", "federation.accumulate=4"]].concat();
        let four_wide = [&four[..], &wide[..]].concat();
        let each = ["attack.kind=fishing", "attack.target=each", "knowledge.manipulate=true"];
        let runs: [Run; 42] = [
            ("lenet", 32, 1, &[], "flex", 64),
            ("lenet", 32, 16, &[], "flex", 78),
            ("lenet", 128, 1, &[], "flex", 123),
            ("lenet", 224, 1, &[], "flex", 317),
            ("lenet", 224, 4, &[], "flex", 414),
            ("mlp", 32, 1, &[], "flex", 214),
            ("vgg11-bn", 32, 1, &[], "flex", 320),
            ("vgg11-bn", 32, 16, &[], "flex", 511),
            ("mobilenet-v2", 32, 1, &[], "flex", 118),
            ("densenet121", 32, 4, &[], "flex", 303),
            ("wrn16-4", 32, 4, &[], "flex", 273),
            ("resnet20", 32, 1, &[], "flex", 89),
            ("resnet20", 32, 4, &[], "flex", 121),
            ("resnet20", 32, 16, &[], "flex", 266),
            ("resnet20", 32, 4, &wide, "flex", 112),
            ("resnet20", 32, 4, &gn, "flex", 144),
            ("resnet20", 32, 4, &[], "ndarray", 79),
            ("resnet20", 224, 1, &[], "flex", 833),
            ("convnet64", 32, 1, &[], "flex", 226),
            ("convnet64", 32, 4, &[], "flex", 462),
            ("convnet64", 32, 16, &[], "flex", 1308),
            ("convnet64", 32, 4, &gn, "flex", 612),
            ("resnet18", 32, 1, &[], "flex", 413),
            ("resnet18", 32, 16, &[], "flex", 879),
            ("resnet18", 32, 4, &wide, "flex", 593),
            ("resnet18", 32, 4, &gn, "flex", 556),
            ("resnet18", 32, 1, &[], "ndarray", 295),
            ("resnet18", 32, 4, &one, "flex", 820),
            ("resnet18", 32, 4, &four, "flex", 1143),
            ("resnet18", 32, 4, &sixteen, "flex", 1292),
            ("resnet18", 32, 4, &momentum, "flex", 1554),
            ("resnet18", 32, 4, &nesterov, "flex", 1523),
            ("resnet18", 32, 4, &adam, "flex", 1949),
            ("resnet18", 32, 4, &clip, "flex", 1147),
            ("resnet18", 32, 4, &accumulated, "flex", 1563),
            ("resnet18", 32, 4, &four_wide, "flex", 2078),
            ("resnet18", 32, 2, &each, "flex", 1320),
            ("resnet18", 32, 6, &each, "flex", 2304),
            ("resnet18-imagenet", 224, 4, &[], "flex", 1263),
            ("resnet50-imagenet", 224, 1, &[], "flex", 1378),
            ("vit", 32, 4, &[], "flex", 311),
            ("vit", 32, 16, &[], "flex", 674),
        ];
        let mut beyond = Vec::new();
        for (model, side, batch, changes, backend, peak) in runs {
            let need = need(model, side, batch, changes, backend) / 1_000_000;
            if need < peak || 3 * need > 5 * peak {
                beyond.push(format!("{model} {side} B={batch} {changes:?} {backend}: {need} MB for {peak}"));
            }
        }
        assert!(beyond.is_empty(), "{}", beyond.join("\n"));
    }

    #[test]
    fn a_pass_computes_what_the_client_or_the_attacker_takes_at_once() {
        let fedavg =
            ["federation.algorithm=fedavg", "federation.local_batch=2", "federation.learning_rate=0.01"];
        let count = |changes: &[&str]| {
            let changes = [&["victim.indices=[0,1,2,3]"], changes].concat();
            let changes: Vec<String> = changes.into_iter().map(str::to_owned).collect();
            at_once(&preset::load("ig-resnet18", &changes, "/nonexistent".as_ref()).unwrap().config)
        };
        assert_eq!(count(&[]), 4);
        assert_eq!(count(&fedavg), 2);
        // Where a step asks for its gradient first, what its batches kept waits.
        let accumulated = [&fedavg[..], &["federation.local_batch=1", "federation.accumulate=3"]].concat();
        assert_eq!(count(&accumulated), 1);
        assert_eq!(count(&[&accumulated[..], &["federation.clip=1"]].concat()), 3);
        // It takes the update for one gradient of the whole batch.
        assert_eq!(count(&[&fedavg[..], &["knowledge.local=none"]].concat()), 4);
        let assumed = "knowledge.local={ assumed = { learning_rate = 0.01, batch = 1 } }";
        assert_eq!(count(&[&fedavg[..], &[assumed]].concat()), 2);
        // Two clients with two samples each take them all.
        let [algorithm, _, rate] = fedavg;
        let summed = [algorithm, rate, "federation.clients=2", "federation.secure_aggregation=2"];
        assert_eq!(count(&summed), 2);
    }

    #[test]
    fn twice_the_width_needs_more_memory() {
        let net = model::architecture("resnet18").unwrap();
        let net = net.net(&Default::default(), [3, 32, 32], 10).unwrap();
        let of = |precision| {
            let change = [format!("run.precision={precision}")];
            let preset = preset::load("ig-resnet18", &change, "/nonexistent".as_ref()).unwrap();
            Need::of(&preset.config, &net, "flex")
        };
        // In 32 bit a client computes in 64: what is saved is the attacker's part.
        let (narrow, wide) = (of("f32"), of("f64"));
        assert_eq!(wide.per_sample * HALF_MAPS, 2 * narrow.per_sample * HALF_MAPS_WIDE);
        let parameters = 4 * net.parameter_count() as u64;
        assert_eq!(wide.fixed - narrow.fixed, (2 * HALF_COPIES_WIDE - HALF_COPIES) * parameters / 2);
    }

    #[test]
    fn a_batch_is_whole_in_parts_or_refused() {
        let need = Need { fixed: 1_000_000_000, per_sample: 500_000_000 };
        let free = |available| Bound { what: "free on this machine".to_owned(), available };
        assert_eq!(need.fit(4, true, &free(3_000_000_000)), Ok(Fit::Whole));
        assert_eq!(need.fit(4, true, &free(2_999_999_999)), Ok(Fit::Parts(3)));
        let refused = need.fit(4, false, &free(2_999_999_999)).unwrap_err().to_string();
        assert_eq!(
            refused,
            "this run needs about 3.0 GB of memory and 3.0 GB are free on this machine; a batch of 3 would fit"
        );
        let refused = need.fit(1, true, &free(1_200_000_000)).unwrap_err().to_string();
        assert!(
            refused.ends_with("take a smaller model, smaller pictures, or a machine with more"),
            "{refused}"
        );
    }
}
