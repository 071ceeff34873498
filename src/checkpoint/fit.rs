//! A file held against a model: which names are missing, unexpected or of another shape, and which built-in model
//! fits best.

use std::collections::HashMap;

use super::{Checkpoint, Statistics, Tensor, shown};
use crate::config::ModelOptions;
use crate::model::{self, Net, TensorSpec};

/// Keys and modules that training code wraps around a model.
const WRAPPERS: [&str; 8] =
    ["state_dict", "model_state_dict", "model", "net", "network", "weights", "module", "_orig_mod"];
/// Deepest nesting of such wrappers, and most prefixes that are tried.
const MAX_WRAPPERS: usize = 4;
const MAX_LEVELS: usize = 16;
/// Sides of inputs that are tried for models whose shapes depend on it, in pixels.
const SIDES: [usize; 8] = [32, 28, 64, 224, 128, 96, 48, 16];

/// A name that both know, with two shapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misshapen {
    /// The model's name for it.
    pub name: String,
    /// Shape in the model.
    pub expected: Vec<usize>,
    /// Shape in the file.
    pub found: Vec<usize>,
}

/// A file beside a model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// What was taken off the names in the file, as `state_dict.module.`.
    pub prefix: String,
    /// Names with the right shape.
    pub matched: usize,
    /// Tensors of the model that the file lacks.
    pub missing: Vec<TensorSpec>,
    /// Tensors of the file, under the prefix, that the model has no place for.
    pub unexpected: Vec<TensorSpec>,
    /// Of another shape.
    pub misshapen: Vec<Misshapen>,
}

/// The built-in model that is most like a file.
#[derive(Debug, Clone)]
pub struct Fit {
    /// Its name.
    pub architecture: &'static str,
    /// Input that it was built for, `[channels, height, width]`.
    pub input: [usize; 3],
    /// Its outputs.
    pub classes: usize,
    /// What differs.
    pub table: Table,
}

/// Values for every tensor of a model, in its order.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Trainable tensors.
    pub parameters: Vec<Vec<f64>>,
    /// Running statistics.
    pub buffers: Vec<Vec<f64>>,
}

/// The tensors under one prefix.
pub(super) struct Level<'a> {
    pub(super) prefix: String,
    tensors: HashMap<&'a str, &'a Tensor>,
    order: Vec<&'a str>,
}

impl Checkpoint {
    /// Holds the file against a model, under the prefix that suits it best.
    pub fn compare(&self, net: &Net) -> Table {
        best(&self.renamed().levels(), net, true)
    }

    /// The model's values, if every tensor of it is there and finite.
    ///
    /// # Errors
    /// What does not fit, or is not finite.
    pub fn trained(&self, net: &Net) -> Result<Trained, Misfit> {
        let file = self.named(net)?;
        let levels = file.levels();
        let table = best(&levels, net, true);
        let level = levels.iter().find(|level| level.prefix == table.prefix);
        let Some(level) = level.filter(|_| table.is_exact()) else { return Err(Misfit::Shapes(table)) };
        let (parameters, buffers) = (level.values(net.parameter_specs())?, level.values(net.buffer_specs())?);
        Ok(Trained { sha256: self.sha256.clone(), parameters, buffers })
    }

    /// The built-in model that is most like the file; `None` if none is like it at all.
    pub fn fit(&self) -> Option<Fit> {
        let file = self.renamed();
        let levels = file.levels();
        let classes = file.guessed_classes();
        let mut channels: Vec<usize> = file.guessed_channels().into_iter().chain([3, 1]).collect();
        channels.dedup();
        let mut found: Option<(isize, Fit)> = None;
        for architecture in model::ARCHITECTURES.iter() {
            for input in channels.iter().flat_map(|&c| SIDES.map(|side| [c, side, side])) {
                let Ok(net) = architecture.net(&ModelOptions::default(), input, classes) else { continue };
                if !levels.iter().any(|level| level.is_like(&net)) {
                    continue;
                }
                let table = best(&levels, &net, true);
                let score = table.score();
                if table.is_likely() && found.as_ref().is_none_or(|(most, _)| score > *most) {
                    found = Some((score, Fit { architecture: architecture.name, input, classes, table }));
                }
            }
        }
        found.map(|(_, fit)| fit)
    }

    /// Scores of the classifier: rows of the last matrix.
    fn guessed_classes(&self) -> usize {
        let matrices = self.tensors.iter().rev().filter(|tensor| tensor.shape.len() == 2);
        let rows = matrices.map(|tensor| tensor.shape[0]);
        // Without matrices a convolution gives the scores: the one with the fewest channels.
        let kernels = self.tensors.iter().filter(|tensor| tensor.shape.len() == 4);
        let fewest = || kernels.map(|tensor| tensor.shape[0]).filter(|rows| *rows > 1).min();
        rows.into_iter().find(|rows| (2..=100_000).contains(rows)).or_else(fewest).unwrap_or(10)
    }

    /// Input channels of the first convolution.
    fn guessed_channels(&self) -> Option<usize> {
        let kernel = self.tensors.iter().find(|tensor| tensor.shape.len() == 4)?;
        Some(kernel.shape[1]).filter(|channels| (1..=4).contains(channels))
    }

    /// The file as it is, and under every wrapper that could be taken off.
    pub(super) fn levels(&self) -> Vec<Level<'_>> {
        let mut levels = vec![self.level(String::new())];
        let mut next = 0;
        while next < levels.len() && levels.len() < MAX_LEVELS {
            let level = &levels[next];
            let heads: Vec<&str> =
                level.order.iter().map(|name| name.split_once('.').map_or("", |(head, _)| head)).collect();
            let mut wrappers: Vec<&str> = heads
                .iter()
                .copied()
                .filter(|head| WRAPPERS.contains(head) || head.ends_with("state_dict"))
                .collect();
            // What all names begin with may be a wrapper too.
            if let [first, rest @ ..] = heads.as_slice()
                && !first.is_empty()
                && rest.iter().all(|head| head == first)
            {
                wrappers.push(first);
            }
            wrappers.sort_unstable();
            wrappers.dedup();
            let depth = level.prefix.matches('.').count();
            if depth < MAX_WRAPPERS {
                let inner: Vec<String> =
                    wrappers.iter().map(|wrapper| format!("{}{wrapper}.", level.prefix)).collect();
                levels.extend(inner.into_iter().map(|prefix| self.level(prefix)));
            }
            next += 1;
        }
        levels
    }

    fn level(&self, prefix: String) -> Level<'_> {
        let inside = |tensor: &'_ Tensor| tensor.name.starts_with(&prefix);
        let tensors: Vec<&Tensor> = self.tensors.iter().filter(|tensor| inside(tensor)).collect();
        let order: Vec<&str> = tensors.iter().map(|tensor| &tensor.name[prefix.len()..]).collect();
        let tensors = order.iter().copied().zip(tensors).collect();
        Level { prefix, tensors, order }
    }
}

/// Why a file cannot become the parameters of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// Names or shapes differ.
    Shapes(Table),
    /// A list of arrays of another length.
    Count {
        /// Arrays in the file.
        found: usize,
        /// Trainable tensors of the model.
        parameters: usize,
        /// Tensors of its whole state dict.
        state: usize,
    },
    /// A tensor has values that no network can compute with.
    NotFinite {
        /// The tensor.
        name: String,
        /// `3 NaN`.
        what: String,
    },
}

/// The model beside the level that suits it best; buffers must be there, or may.
pub(super) fn best(levels: &[Level], net: &Net, buffers: bool) -> Table {
    let tables = levels.iter().map(|level| level.beside(net, buffers));
    // Of equals the first: the shortest prefix.
    tables.reduce(|best, table| if table.score() > best.score() { table } else { best }).unwrap_or_default()
}

impl Level<'_> {
    /// A quick look: at least half of the model is there.
    fn is_like(&self, net: &Net) -> bool {
        let specs = || net.parameter_specs().iter().chain(net.buffer_specs().iter());
        let here =
            |spec: &&TensorSpec| self.tensors.get(spec.name.as_str()).is_some_and(|t| t.shape == spec.shape);
        2 * specs().filter(here).count() > specs().count()
    }

    /// Values of these tensors, which are there.
    pub(super) fn values(&self, specs: &[TensorSpec]) -> Result<Vec<Vec<f64>>, Misfit> {
        let one = |spec: &TensorSpec| {
            let values = self.tensors.get(spec.name.as_str()).map(|tensor| tensor.values.clone());
            let values = values.unwrap_or_default();
            match Statistics::of(&values).not_finite() {
                Some(what) => Err(Misfit::NotFinite { name: shown(&spec.name), what }),
                None => Ok(values),
            }
        };
        specs.iter().map(one).collect()
    }

    fn beside(&self, net: &Net, buffers: bool) -> Table {
        let mut table = Table { prefix: self.prefix.clone(), ..Table::default() };
        let specs: HashMap<&str, &TensorSpec> = net
            .parameter_specs()
            .iter()
            .chain(net.buffer_specs().iter())
            .map(|spec| (spec.name.as_str(), spec))
            .collect();
        let needed = if buffers { net.buffer_specs() } else { &[][..] };
        for spec in net.parameter_specs().iter().chain(needed) {
            match self.tensors.get(spec.name.as_str()) {
                None => table.missing.push(spec.clone()),
                Some(tensor) if tensor.shape == spec.shape => table.matched += 1,
                Some(tensor) => table.misshapen.push(Misshapen {
                    name: spec.name.clone(),
                    expected: spec.shape.clone(),
                    found: tensor.shape.clone(),
                }),
            }
        }
        // BatchNorm counts its batches; nothing here depends on it.
        let counts = |name: &str| name.rsplit('.').next() == Some("num_batches_tracked");
        let unknown = self.order.iter().filter(|name| !specs.contains_key(**name) && !counts(name));
        table.unexpected = unknown
            .map(|name| TensorSpec { name: shown(name), shape: self.tensors[name].shape.clone() })
            .collect();
        table
    }
}

impl Misshapen {
    /// The same sizes the other way round, as TensorFlow and JAX keep matrices.
    pub fn is_transposed(&self) -> bool {
        self.found.len() > 1 && self.found.iter().rev().eq(&self.expected)
    }
}

impl Table {
    /// Nothing is missing, unexpected or of another shape.
    pub fn is_exact(&self) -> bool {
        self.differences() == 0
    }

    /// At least half of the model is there.
    pub fn is_likely(&self) -> bool {
        self.matched > self.missing.len() + self.misshapen.len()
    }

    fn differences(&self) -> usize {
        self.missing.len() + self.unexpected.len() + self.misshapen.len()
    }

    fn score(&self) -> isize {
        2 * self.matched as isize - self.differences() as isize
    }

    /// `3 missing (fc.weight 10x64, ...), 1 of another shape (...)`.
    pub fn summary(&self) -> String {
        let specs = |specs: &[TensorSpec]| {
            specs.iter().map(|spec| format!("{} {}", spec.name, sizes(&spec.shape))).collect::<Vec<_>>()
        };
        let misshapen = |m: &Misshapen| {
            let (found, expected) = (sizes(&m.found), sizes(&m.expected));
            let how = if m.is_transposed() { "transposed, not" } else { "not" };
            format!("{} is {found}, {how} {expected}", m.name)
        };
        let kinds = [
            ("missing", specs(&self.missing)),
            ("unexpected", specs(&self.unexpected)),
            ("of another shape", self.misshapen.iter().map(misshapen).collect()),
        ];
        let kinds = kinds.iter().filter(|(_, items)| !items.is_empty()).map(|(kind, items)| {
            let more = if items.len() > 2 { ", ..." } else { "" };
            format!("{} {kind} ({}{more})", items.len(), items[..items.len().min(2)].join(", "))
        });
        kinds.collect::<Vec<_>>().join(", ")
    }
}

impl Fit {
    /// `resnet20 for 10 classes`.
    pub fn name(&self) -> String {
        format!("{} for {} classes", self.architecture, self.classes)
    }
}

/// `64x3x5x5`; `scalar` without axes.
pub fn sizes(shape: &[usize]) -> String {
    match shape {
        [] => "scalar".to_owned(),
        shape => shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x"),
    }
}
