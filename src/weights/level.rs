//! The tensors of a file that lie under one key, which may be a model's: with the key and the wrappers of training
//! code taken off their names.

use std::borrow::Cow;
use std::collections::HashMap;

use super::keras;
use super::{Tensor, WeightFile};

/// Modules that training code puts between a model and its parts.
const INNER: [&str; 6] = [
    "_orig_mod",
    "_checkpoint_wrapped_module",
    "_fsdp_wrapped_module",
    "_forward_module",
    "_module",
    "module",
];
/// Modules that hold a part of a model whose rest lies beside them.
const PARTS: [&str; 5] = ["backbone", "encoder", "features_extractor", "base_model", "body"];
/// Deepest nesting of keys that may hold a model, most of them at one level, and most of all.
const MAX_DEPTH: usize = 4;
const MAX_BESIDE: usize = 8;
const MAX_LEVELS: usize = 48;

/// The tensors under one key, by the names that they have there.
#[derive(Clone)]
pub struct Level<'a> {
    /// What was taken off in front of the names, as `state_dict.module.`.
    pub prefix: String,
    /// Wrappers that were taken out of names.
    pub inner: Vec<&'static str>,
    /// In the order of the file.
    pub tensors: Vec<(Cow<'a, str>, &'a Tensor)>,
    /// Names, or places in a list, without a tensor.
    pub absent: Vec<Cow<'a, str>>,
    /// Positions by name.
    places: HashMap<Cow<'a, str>, usize>,
}

impl WeightFile {
    /// The file as it is, and under every key that could be a model's.
    pub(super) fn levels(&self) -> Vec<Level<'_>> {
        self.whole().levels()
    }

    /// The file as it is. What an optimiser keeps is left out.
    pub(super) fn whole(&self) -> Level<'_> {
        let is_keras = keras::is_keras(self);
        let named = |name| if is_keras { keras::renamed(name) } else { Cow::Borrowed(name) };
        let tensors = self.tensors.iter().filter(|tensor| !is_optimisers(&tensor.name));
        let tensors = tensors.map(|tensor| (named(&tensor.name), tensor)).collect();
        let absent = self.absent.iter().filter(|name| !is_optimisers(name)).map(|name| named(name)).collect();
        Level::new(String::new(), tensors, absent)
    }
}

/// Whether a name is of what an optimiser keeps of the parameters, which is of their shapes and in their order.
fn is_optimisers(name: &str) -> bool {
    const KEPT: [&str; 8] = [
        "momentum_buffer",
        "exp_avg",
        "exp_avg_sq",
        "max_exp_avg_sq",
        "square_avg",
        "grad_avg",
        "acc_delta",
        "exp_inf",
    ];
    let kept = name.rsplit('.').next().is_some_and(|last| KEPT.contains(&last));
    let keeps =
        |part: &str| part.starts_with("optim") || part.contains("optimizer") || part.contains("optimiser");
    kept || name.split('.').any(keeps)
}

impl<'a> Level<'a> {
    pub fn new(
        prefix: String,
        tensors: Vec<(Cow<'a, str>, &'a Tensor)>,
        absent: Vec<Cow<'a, str>>,
    ) -> Level<'a> {
        let places = tensors.iter().enumerate().map(|(i, (name, _))| (name.clone(), i)).collect();
        Level { prefix, inner: Vec::new(), tensors, absent, places }
    }

    /// All names with their shapes.
    pub fn all(&self) -> impl Iterator<Item = (&str, &'a [usize])> {
        self.tensors.iter().map(|(name, tensor)| (name.as_ref(), tensor.shape.as_slice()))
    }

    /// The tensor of this name.
    pub fn get(&self, name: &str) -> Option<&'a Tensor> {
        self.places.get(name).map(|&place| self.tensors[place].1)
    }

    /// First parts of the names, of most tensors first.
    fn heads(&self) -> Vec<String> {
        let mut counts: Vec<(&str, usize)> = Vec::new();
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for (name, _) in &self.tensors {
            let Some((head, _)) = name.split_once('.') else { continue };
            let place = *seen.entry(head).or_insert_with(|| {
                counts.push((head, 0));
                counts.len() - 1
            });
            counts[place].1 += 1;
        }
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counts.iter().take(MAX_BESIDE).map(|(head, _)| (*head).to_owned()).collect()
    }

    /// This one, and those under every key of it that could be a model's.
    pub fn levels(self) -> Vec<Level<'a>> {
        let mut levels = vec![self];
        let mut next = 0;
        while next < levels.len() && levels.len() < MAX_LEVELS {
            let level = &levels[next];
            if level.prefix.matches('.').count() < MAX_DEPTH {
                let inner: Vec<Level> = level.heads().iter().map(|head| level.below(head)).collect();
                levels.extend(inner);
            }
            next += 1;
        }
        levels
    }

    /// The tensors under a key.
    pub fn below(&self, head: &str) -> Level<'a> {
        let prefix = format!("{}{head}.", self.prefix);
        let inside = |name: &Cow<'a, str>| -> Option<Cow<'a, str>> {
            match name {
                Cow::Borrowed(name) => {
                    name.strip_prefix(head).and_then(|name| name.strip_prefix('.')).map(Cow::Borrowed)
                }
                Cow::Owned(name) => name
                    .strip_prefix(head)
                    .and_then(|name| name.strip_prefix('.'))
                    .map(|name| Cow::Owned(name.to_owned())),
            }
        };
        let tensors = self.tensors.iter().filter_map(|(name, tensor)| Some((inside(name)?, *tensor)));
        Level::new(prefix, tensors.collect(), self.absent.iter().filter_map(inside).collect())
    }

    /// The same without the wrappers between a model and its parts, and without the name of the module that holds most
    /// of it. Empty if there are none, or if two tensors would be called the same.
    pub fn unwrapped(&self) -> Vec<Level<'a>> {
        let without = |words: &[&'static str]| -> Option<Level<'a>> {
            let mut inner: Vec<&'static str> = Vec::new();
            let mut rename = |name: &Cow<'a, str>| -> Cow<'a, str> {
                let parts: Vec<&str> = name.split('.').collect();
                let mut kept = Vec::with_capacity(parts.len());
                for (i, part) in parts.iter().enumerate() {
                    let wrapper = words.iter().find(|word| {
                        *word == part && i + 1 < parts.len() && (i == 0 || INNER.contains(word))
                    });
                    match wrapper {
                        Some(word) if !inner.contains(word) => inner.push(word),
                        Some(_) => {}
                        None => kept.push(*part),
                    }
                }
                if kept.len() == parts.len() { name.clone() } else { Cow::Owned(kept.join(".")) }
            };
            let tensors: Vec<_> = self.tensors.iter().map(|(name, tensor)| (rename(name), *tensor)).collect();
            let absent = self.absent.iter().map(&mut rename).collect();
            let level = Level::new(self.prefix.clone(), tensors, absent);
            (!inner.is_empty() && level.places.len() == level.tensors.len())
                .then_some(Level { inner, ..level })
        };
        let all: Vec<&'static str> = INNER.iter().chain(&PARTS).copied().collect();
        [without(&INNER), without(&all)].into_iter().flatten().collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::weights::Dtype;

    fn file(names: &[&str]) -> WeightFile {
        let tensor = |name: &&str| Tensor {
            name: (*name).to_owned(),
            dtype: Dtype::F32,
            shape: vec![1],
            values: vec![0.5],
        };
        WeightFile { tensors: names.iter().map(tensor).collect(), ..WeightFile::default() }
    }

    #[test]
    fn keys_are_levels_and_what_an_optimiser_keeps_is_none() {
        let file = file(&[
            "net.a.weight",
            "ema.module.a.weight",
            "optimizer.state.0.momentum_buffer",
            "1.state.0.exp_avg",
        ]);
        let levels = file.levels();
        let prefixes: Vec<&str> = levels.iter().map(|level| level.prefix.as_str()).collect();
        assert_eq!(prefixes[..3], ["", "net.", "ema."]);
        assert!(prefixes.contains(&"ema.module.") && !prefixes.iter().any(|prefix| prefix.contains("state")));
        assert_eq!(levels[0].tensors.len(), 2);
    }

    #[test]
    fn wrappers_are_taken_out_of_names_unless_two_would_be_one() {
        let names = |file: &WeightFile| -> Vec<Vec<String>> {
            let levels = file.levels()[0].unwrapped();
            levels
                .iter()
                .map(|level| level.tensors.iter().map(|(name, _)| name.to_string()).collect())
                .collect()
        };
        let wrapped = file(&["layer1._orig_mod.0.weight", "backbone.conv.weight", "fc.weight"]);
        assert_eq!(
            names(&wrapped),
            [
                ["layer1.0.weight", "backbone.conv.weight", "fc.weight"],
                ["layer1.0.weight", "conv.weight", "fc.weight"]
            ]
        );
        assert!(names(&file(&["backbone.fc.weight", "fc.weight"])).is_empty());
        // A module in the middle that is called as a part is its own.
        assert!(names(&file(&["a.backbone.weight", "module"])).is_empty());
    }
}
