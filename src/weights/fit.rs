//! A file held against a model: which names are missing, unexpected or of another shape, and which built-in model
//! fits best.

use std::collections::HashMap;

use super::level::Level;
use super::{Hidden, Statistics, Unread, WeightFile, shown};
use crate::config::ModelOptions;
use crate::model::{self, Net, TensorSpec};

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
    /// Wrappers that were taken out of the names, as `_orig_mod`.
    pub inner: Vec<&'static str>,
    /// Tensors were taken by their order, not by their names.
    pub by_order: bool,
    /// The names differ, but the shapes are the model's in this order.
    pub in_order: bool,
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
    /// Keys of other parts of the file that fit as well: averaged copies, or such that one must be named.
    pub others: Vec<String>,
    /// Which of them is meant must be said.
    pub ambiguous: bool,
    /// Names in the file and the model's names, where tensors are taken by their order.
    pub pairs: Vec<(String, String)>,
}

/// Values for every tensor of a model, in its order.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// The key that the tensors lie under, if the file has other state dicts as well or none but an averaged one.
    pub key: Option<String>,
    /// Trainable tensors.
    pub parameters: Vec<Vec<f64>>,
    /// Running statistics.
    pub buffers: Vec<Vec<f64>>,
}

impl Trained {
    /// The values of some tensors alone, by their names; those of a network that has some more than another.
    pub fn among(&self, all: &[TensorSpec], some: &[TensorSpec]) -> Trained {
        let values = |spec: &TensorSpec| {
            let at = all.iter().position(|other| other.name == spec.name);
            at.and_then(|at| self.parameters.get(at)).cloned().unwrap_or_default()
        };
        Trained { parameters: some.iter().map(values).collect(), ..self.clone() }
    }
}

impl WeightFile {
    /// Holds the file against a model, under the prefix that suits it best.
    pub fn compare(&self, net: &Net) -> Table {
        self.nearest(net, true)
    }

    /// The model's values, if every tensor of it is there and finite.
    ///
    /// # Errors
    /// What does not fit, or is not finite.
    pub fn trained(&self, net: &Net) -> Result<Trained, Misfit> {
        let selected = self.select(net, true)?;
        let level = &selected.level;
        let (parameters, buffers) = (level.values(net.parameter_specs())?, level.values(net.buffer_specs())?);
        let averaged = selected.averaged && self.choice.key.is_none();
        let key = (averaged || !selected.passed_over.is_empty()).then(|| level.key()).flatten();
        Ok(Trained { sha256: self.sha256.clone(), key, parameters, buffers })
    }

    /// The built-in model that is most like the file; `None` if none is like it at all.
    pub fn fit(&self) -> Option<Fit> {
        let mut levels = self.levels();
        let unwrapped: Vec<Level> = levels.iter().flat_map(Level::unwrapped).collect();
        levels.extend(unwrapped);
        let classes = self.guessed_classes();
        let (mut found, mut in_order): (Option<(isize, Fit)>, Option<Fit>) = (None, None);
        for architecture in model::ARCHITECTURES.iter() {
            for input in self.inputs() {
                let Ok(net) = architecture.net(&ModelOptions::default(), input, classes) else { continue };
                let fit = |table| Fit {
                    architecture: architecture.name,
                    input,
                    classes,
                    table,
                    others: Vec::new(),
                    ambiguous: false,
                    pairs: Vec::new(),
                };
                for level in &levels {
                    let table = match level.is_list() {
                        true => level.by_place(&net).map(|level| level.beside(&net, true)),
                        false => level.is_like(&net).then(|| level.beside(&net, true)),
                    };
                    let table = table.filter(Table::is_likely);
                    let score = table.as_ref().map_or(isize::MIN, Table::score);
                    if let Some(table) = table
                        && found.as_ref().is_none_or(|(most, _)| score > *most)
                    {
                        found = Some((score, fit(table)));
                    }
                    if in_order.is_none()
                        && !level.is_list()
                        && let Some(ordered) = level.by_order(&net)
                    {
                        in_order = Some(match self.choice.by_order {
                            true => Fit {
                                pairs: ordered.pairs(),
                                ..fit(Table { by_order: true, ..ordered.beside(&net, true) })
                            },
                            false => fit(Table { in_order: true, ..level.beside(&net, true) }),
                        });
                    }
                }
            }
        }
        let found = found.map(|(_, fit)| fit);
        match found {
            Some(fit) if fit.table.is_exact() => Some(self.beside_others(fit)),
            found => in_order.or(found),
        }
    }

    /// Inputs `[channels, height, width]` that a model with these tensors may take, the likelier ones first.
    pub fn inputs(&self) -> impl Iterator<Item = [usize; 3]> + use<> {
        let mut channels: Vec<usize> = self.guessed_channels().into_iter().chain([3, 1]).collect();
        channels.dedup();
        channels.into_iter().flat_map(|c| SIDES.map(|side| [c, side, side]))
    }

    /// A fit with what else in the file fits the same model.
    fn beside_others(&self, fit: Fit) -> Fit {
        let architecture = model::architecture(fit.architecture);
        let net = architecture.and_then(|it| it.net(&ModelOptions::default(), fit.input, fit.classes).ok());
        match net.map(|net| self.select(&net, true).map(|selected| (selected.table, selected.passed_over))) {
            Some(Ok((table, others))) => Fit { table, others, ..fit },
            Some(Err(Misfit::Several { keys })) => Fit { others: keys, ambiguous: true, ..fit },
            _ => fit,
        }
    }

    /// Scores of the classifier: rows of the last matrix.
    fn guessed_classes(&self) -> usize {
        let matrices = self.tensors.iter().rev().filter(|tensor| tensor.shape.len() == 2);
        let rows = matrices.map(|tensor| tensor.shape[0]);
        // Without matrices a convolution gives the scores: the one with the fewest channels.
        let kernels = self.tensors.iter().filter(|tensor| tensor.shape.len() == 4);
        let fewest = || kernels.map(|tensor| tensor.shape[0]).filter(|rows| *rows > 1).min();
        rows.into_iter().find(|rows| (1..=100_000).contains(rows)).or_else(fewest).unwrap_or(10)
    }

    /// Input channels of the first convolution.
    fn guessed_channels(&self) -> Option<usize> {
        let kernel = self.tensors.iter().find(|tensor| tensor.shape.len() == 4)?;
        Some(kernel.shape[1]).filter(|channels| (1..=4).contains(channels))
    }
}

/// Why a file cannot become the parameters of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// Names or shapes differ.
    Shapes(Box<Table>),
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
    /// A tensor holds integers: quantised values without what they are multiples of.
    Integers {
        /// The tensor.
        name: String,
        /// Type of its values.
        dtype: &'static str,
    },
    /// A tensor is of a kind that is not read.
    Unread {
        /// The tensor.
        name: String,
        /// What it is.
        unread: Unread,
    },
    /// What lies in the file is a whole model.
    Hidden(Hidden),
    /// Several state dicts fit.
    Several {
        /// Their keys; the first may be empty, the file itself.
        keys: Vec<String>,
    },
    /// Nothing lies under the key that was given.
    NoKey {
        /// It.
        key: String,
        /// Those that there are.
        keys: Vec<String>,
    },
}

impl Level<'_> {
    /// A quick look: at least half of the model is there.
    fn is_like(&self, net: &Net) -> bool {
        let specs = || net.parameter_specs().iter().chain(net.buffer_specs().iter());
        let here = |spec: &&TensorSpec| self.get(&spec.name).is_some_and(|t| t.shape == spec.shape);
        2 * self.tensors.len() > specs().count() && 2 * specs().filter(here).count() > specs().count()
    }

    /// That none of these tensors holds integers.
    pub(super) fn floats(&self, specs: &[TensorSpec]) -> Result<(), Misfit> {
        let integers = |spec: &&TensorSpec| {
            self.get(&spec.name).is_some_and(|tensor| tensor.shape == spec.shape && !tensor.dtype.is_float())
        };
        match specs.iter().find(integers) {
            Some(spec) => Err(Misfit::Integers {
                name: shown(&spec.name),
                dtype: self.get(&spec.name).map_or("", |tensor| tensor.dtype.name()),
            }),
            None => Ok(()),
        }
    }

    /// Values of these tensors, which are there.
    pub(super) fn values(&self, specs: &[TensorSpec]) -> Result<Vec<Vec<f64>>, Misfit> {
        self.floats(specs)?;
        let one = |spec: &TensorSpec| {
            let values = self.get(&spec.name).map(|tensor| tensor.values.clone()).unwrap_or_default();
            match Statistics::of(&values).not_finite() {
                Some(what) => Err(Misfit::NotFinite { name: shown(&spec.name), what }),
                None => Ok(values),
            }
        };
        specs.iter().map(one).collect()
    }

    /// The tensors beside a model's.
    pub(super) fn beside(&self, net: &Net, buffers: bool) -> Table {
        let (prefix, inner) = (self.prefix.clone(), self.inner.clone());
        let mut table = Table { prefix, inner, ..Table::default() };
        let specs: HashMap<&str, &TensorSpec> = net
            .parameter_specs()
            .iter()
            .chain(net.buffer_specs().iter())
            .map(|spec| (spec.name.as_str(), spec))
            .collect();
        let needed = if buffers { net.buffer_specs() } else { &[][..] };
        for spec in net.parameter_specs().iter().chain(needed) {
            match self.get(&spec.name) {
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
        let unknown = self.tensors.iter().filter(|(name, _)| !specs.contains_key(&**name) && !counts(name));
        table.unexpected = unknown
            .map(|(name, tensor)| TensorSpec { name: shown(name), shape: tensor.shape.clone() })
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

    pub(super) fn score(&self) -> isize {
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
