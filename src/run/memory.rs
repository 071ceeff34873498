//! What a run needs of memory, before it starts, against what there is.

use crate::backend::Compute;
use crate::config::{BatchNormMode, LocalKnowledge, LocalTraining, OptimiserKind, RunConfig, VariableKind};
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
/// measured.
const HALF_COPIES: u64 = 9;

/// More for a tape, and for the way back through local steps.
const HALF_COPIES_TAPE: u64 = 1;
const HALF_COPIES_STEPS: u64 = 8;

/// More where a step's way back makes its gradient again, and for Adam's arithmetic.
const HALF_COPIES_GRADIENT: u64 = 2;
const HALF_COPIES_ADAM: u64 = 8;

/// Copies of all maps of a sample: inputs and gradients of the first pass, tangents of the second; memory is used again
/// from layer to layer. In halves.
const HALF_MAPS: u64 = 5;
const HALF_MAPS_TAPE: u64 = 6;

/// More for each member of a population beyond the first that is evaluated beside it: a gradient and the maps of a pass that
/// never turns back.
const HALF_COPIES_MEMBER: u64 = 4;
const HALF_MAPS_MEMBER: u64 = 3;

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
            "flex" if model::needs_no_tape(net) => (HALF_COPIES, HALF_MAPS),
            _ => (HALF_COPIES + HALF_COPIES_TAPE, HALF_MAPS_TAPE),
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
        let epochs = config.local().filter(|_| by_epochs).map_or(1, |local| u64::from(local.epochs));
        let pictures = PER_POSITION * height * width
            + CANDIDATES * 8 * channels * height * width * config.batch() as u64 * epochs;
        let members = members_at_once(config, backend);
        // What each client keeps back, and the model of the federation without post-processing.
        let kept_back = config.post.iter().filter(|step| step.feeds_back()).count() as u64;
        let beside = match config.trains() && !config.post.is_empty() {
            true => (u64::from(config.federation.clients) * kept_back + 1) * parameters,
            false => 0,
        };
        Need {
            fixed: PROGRAM
                + beside
                + pictures
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
    let in_parts = config.local().is_none() && config.victim.mode != BatchNormMode::Train;
    Need::of(config, net, compute.name()).fit(at_once(config), in_parts, &bound)
}

/// Local training as the attacker simulates it.
fn assumed(config: &RunConfig) -> Option<LocalTraining> {
    match config.knowledge.local {
        LocalKnowledge::Known => config.local(),
        LocalKnowledge::None => None,
        LocalKnowledge::Assumed(local) => config.local().map(|_| local),
    }
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

/// Clients whose local steps are simulated together, and the steps of each.
fn descents(config: &RunConfig) -> Option<(u64, Descent)> {
    let local = assumed(config)?;
    let clients = config.federation.secure_aggregation.max(1);
    let steps = vec![Step::of(Vec::new()); local.steps(config.batch() / clients as usize)];
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
    of(config.local()).max(of(assumed(config)))
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
        let runs: [Run; 40] = [
            ("lenet", 32, 1, &[], "flex", 51),
            ("lenet", 32, 16, &[], "flex", 63),
            ("lenet", 128, 1, &[], "flex", 100),
            ("lenet", 224, 1, &[], "flex", 302),
            ("lenet", 224, 4, &[], "flex", 352),
            ("mlp", 32, 1, &[], "flex", 178),
            ("vgg11-bn", 32, 1, &[], "flex", 203),
            ("vgg11-bn", 32, 16, &[], "flex", 319),
            ("mobilenet-v2", 32, 1, &[], "flex", 83),
            ("densenet121", 32, 4, &[], "flex", 174),
            ("wrn16-4", 32, 4, &[], "flex", 160),
            ("resnet20", 32, 1, &[], "flex", 60),
            ("resnet20", 32, 4, &[], "flex", 75),
            ("resnet20", 32, 16, &[], "flex", 125),
            ("resnet20", 32, 4, &wide, "flex", 95),
            ("resnet20", 32, 4, &gn, "flex", 77),
            ("resnet20", 32, 4, &[], "ndarray", 68),
            ("resnet20", 224, 1, &[], "flex", 472),
            ("convnet64", 32, 1, &[], "flex", 151),
            ("convnet64", 32, 4, &[], "flex", 240),
            ("convnet64", 32, 16, &[], "flex", 518),
            ("convnet64", 32, 4, &gn, "flex", 243),
            ("resnet18", 32, 1, &[], "flex", 248),
            ("resnet18", 32, 16, &[], "flex", 445),
            ("resnet18", 32, 4, &wide, "flex", 552),
            ("resnet18", 32, 4, &gn, "flex", 339),
            ("resnet18", 32, 1, &[], "ndarray", 285),
            ("resnet18", 32, 4, &one, "flex", 532),
            ("resnet18", 32, 4, &four, "flex", 815),
            ("resnet18", 32, 4, &sixteen, "flex", 968),
            ("resnet18", 32, 4, &momentum, "flex", 1113),
            ("resnet18", 32, 4, &nesterov, "flex", 1165),
            ("resnet18", 32, 4, &adam, "flex", 1651),
            ("resnet18", 32, 4, &clip, "flex", 851),
            ("resnet18", 32, 4, &accumulated, "flex", 1146),
            ("resnet18", 32, 4, &four_wide, "flex", 1581),
            ("resnet18-imagenet", 224, 4, &[], "flex", 740),
            ("resnet50-imagenet", 224, 1, &[], "flex", 785),
            ("vit", 32, 4, &[], "flex", 278),
            ("vit", 32, 16, &[], "flex", 639),
        ];
        for (model, side, batch, changes, backend, peak) in runs {
            let need = need(model, side, batch, changes, backend) / 1_000_000;
            let within = peak <= need && 3 * need <= 5 * peak;
            assert!(within, "{model} {side} B={batch} {changes:?} {backend}: {need} MB for {peak}");
        }
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
    fn twice_the_width_needs_twice_the_memory() {
        let net = model::architecture("resnet18").unwrap();
        let net = net.net(&Default::default(), [3, 32, 32], 10).unwrap();
        let of = |precision| {
            let change = [format!("run.precision={precision}")];
            let preset = preset::load("ig-resnet18", &change, "/nonexistent".as_ref()).unwrap();
            Need::of(&preset.config, &net, "flex")
        };
        let (narrow, wide) = (of("f32"), of("f64"));
        assert_eq!(wide.per_sample, 2 * narrow.per_sample);
        let parameters = 4 * net.parameter_count() as u64;
        assert_eq!(wide.fixed - narrow.fixed, HALF_COPIES * parameters / 2);
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
