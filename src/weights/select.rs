//! Which part of a file is a model: the one that fits. Of several the plain one, never by a guess.

use super::fit::{Misfit, Table};
use super::level::Level;
use super::{Tensor, WeightFile, order, shown};
use crate::model::Net;

/// Words in the keys of averaged copies of a model, which is not the one that a client trains.
const AVERAGED: [&str; 8] = ["ema", "swa", "ewa", "avg", "averaged", "average", "shadow", "polyak"];

/// The part of a file that is taken for a model.
pub(super) struct Selected<'a> {
    pub level: Level<'a>,
    pub table: Table,
    /// Keys of the other parts that fit as well and hold other values.
    pub passed_over: Vec<String>,
    /// It is an averaged copy of a model, which itself is not there.
    pub averaged: bool,
}

/// One way to read a file beside a model.
struct Way<'a> {
    level: Level<'a>,
    table: Table,
}

impl WeightFile {
    /// The part that fits a model exactly; buffers must be there, or may.
    ///
    /// # Errors
    /// What does not fit, which keys fit equally well, or that there is no such key.
    pub(super) fn select(&self, net: &Net, buffers: bool) -> Result<Selected<'_>, Misfit> {
        let levels = self.meant()?;
        let mut candidates: Vec<Way> = ways(&levels, net, buffers).collect();
        if self.choice.by_order && !candidates.iter().any(|candidate| candidate.table.is_exact()) {
            candidates.extend(levels.iter().filter_map(|level| {
                let level = level.by_order(net)?;
                let table = Table { by_order: true, ..level.beside(net, buffers) };
                Some(Way { level, table })
            }));
        }
        let (exact, others): (Vec<_>, Vec<_>) =
            candidates.into_iter().partition(|candidate| candidate.table.is_exact());
        match plainest(exact, net) {
            Ok(Some(selected)) => Ok(selected),
            Ok(None) => Err(self.misfit(net, &levels, others)),
            Err(keys) => Err(Misfit::Several { keys }),
        }
    }

    /// As [`WeightFile::select`], of an update that need not have every parameter: the part with most of them, and
    /// nothing but them.
    pub(super) fn select_some(&self, net: &Net) -> Result<Selected<'_>, Misfit> {
        match self.select(net, false) {
            Err(misfit @ Misfit::Shapes(_)) => {
                let levels = self.meant()?;
                let only = |table: &Table| {
                    table.matched > 0 && table.unexpected.is_empty() && table.misshapen.is_empty()
                };
                let some = ways(&levels, net, false).filter(|candidate| only(&candidate.table));
                let selected = |Way { level, table }| Selected {
                    level,
                    table,
                    passed_over: Vec::new(),
                    averaged: false,
                };
                most_like(some).map(selected).ok_or(misfit)
            }
            selected => selected,
        }
    }

    /// The part that is most like a model, exact or not.
    pub(super) fn nearest(&self, net: &Net, buffers: bool) -> Table {
        let levels = self.levels();
        most_like(ways(&levels, net, buffers)).map(|candidate| candidate.table).unwrap_or_default()
    }

    /// The parts under the key that was given; all of them if there is none.
    fn meant(&self) -> Result<Vec<Level<'_>>, Misfit> {
        let Some(key) = &self.choice.key else { return Ok(self.levels()) };
        let meant = self.whole().below(key);
        if !meant.tensors.is_empty() {
            return Ok(meant.levels());
        }
        match self.hidden.iter().find(|hidden| hidden.name == *key) {
            Some(hidden) => Err(Misfit::Hidden(hidden.clone())),
            None => {
                // Not the modules of a model.
                let levels: Vec<Level> =
                    self.levels().into_iter().filter(|level| level.key().is_some()).collect();
                let most = levels.iter().map(|level| level.tensors.len()).max().unwrap_or(0);
                let large = levels.iter().filter(|level| 2 * level.tensors.len() > most);
                let keys = large.filter_map(Level::key).map(|key| shown(&key)).collect();
                Err(Misfit::NoKey { key: shown(key), keys })
            }
        }
    }

    /// Why nothing fits, from what is most like the model.
    fn misfit(&self, net: &Net, levels: &[Level], others: Vec<Way>) -> Misfit {
        let list = levels.iter().find(|level| level.is_list()).filter(|_| others.is_empty());
        if let Some(list) = list {
            let (parameters, state) = order::lengths(net);
            return Misfit::Count { found: list.length(), parameters, state };
        }
        let Some(best) = most_like(others) else { return Misfit::Shapes(Box::default()) };
        if let Err(misfit) = best.level.floats(net.parameter_specs()) {
            return misfit;
        }
        if best.table.matched == 0
            && let Some(hidden) = self.hidden.first()
        {
            return Misfit::Hidden(hidden.clone());
        }
        let ends = |name: &str| best.table.missing.iter().any(|spec| name.ends_with(&spec.name));
        if let Some((name, unread)) = self.unread.iter().find(|(name, _)| ends(name)) {
            return Misfit::Unread { name: shown(name), unread: unread.clone() };
        }
        let in_order = levels.iter().any(|level| level.by_order(net).is_some());
        Misfit::Shapes(Box::new(Table { in_order, ..best.table }))
    }
}

/// The ways to read the parts of a file: lists by their places, all else by names; first as they are, then without
/// wrappers.
fn ways<'a>(levels: &[Level<'a>], net: &Net, buffers: bool) -> impl Iterator<Item = Way<'a>> {
    let plain = levels.iter().filter_map(|level| match level.is_list() {
        true => level.by_place(net),
        false => Some(level.clone()),
    });
    let unwrapped = levels.iter().filter(|level| !level.is_list()).flat_map(Level::unwrapped);
    plain.chain(unwrapped).map(move |level| Way { table: level.beside(net, buffers), level })
}

/// Of equals the first: the shortest prefix, and the fewest wrappers.
fn most_like<'a>(candidates: impl IntoIterator<Item = Way<'a>>) -> Option<Way<'a>> {
    candidates
        .into_iter()
        .reduce(|best, other| if other.table.score() > best.table.score() { other } else { best })
}

/// Of parts that fit the one to take: averaged copies of a model stand back, and equal ones count once.
///
/// # Errors
/// The keys of those that nothing tells apart.
fn plainest<'a>(exact: Vec<Way<'a>>, net: &Net) -> Result<Option<Selected<'a>>, Vec<String>> {
    let (averaged, plain): (Vec<_>, Vec<_>) =
        exact.into_iter().partition(|candidate| candidate.level.is_averaged());
    let groups = [distinct(plain, net), distinct(averaged, net)];
    let Some(group) = groups.iter().position(|group| !group.is_empty()) else { return Ok(None) };
    let keys = |group: &[Way]| group.iter().map(|one| shown(&one.level.key().unwrap_or_default())).collect();
    if groups[group].len() > 1 {
        return Err(keys(&groups[group]));
    }
    let passed_over = if group == 0 { keys(&groups[1]) } else { Vec::new() };
    let first = groups.into_iter().flatten().next();
    Ok(first.map(|Way { level, table }| Selected { level, table, passed_over, averaged: group == 1 }))
}

/// Without those that give a model what one before them gives it.
fn distinct<'a>(candidates: Vec<Way<'a>>, net: &Net) -> Vec<Way<'a>> {
    let same = |a: &Tensor, b: &Tensor| std::ptr::eq(a, b) || a.values == b.values;
    let equal = |a: &Level, b: &Level| {
        net.parameter_specs().iter().all(|spec| match (a.get(&spec.name), b.get(&spec.name)) {
            (Some(a), Some(b)) => same(a, b),
            _ => false,
        })
    };
    let mut kept: Vec<Way> = Vec::new();
    for candidate in candidates {
        if !kept.iter().any(|before| equal(&before.level, &candidate.level)) {
            kept.push(candidate);
        }
    }
    kept
}

impl Level<'_> {
    /// What was taken off the names, as a key; none of a whole file.
    pub(super) fn key(&self) -> Option<String> {
        Some(self.prefix.strip_suffix('.')?.to_owned())
    }

    fn is_averaged(&self) -> bool {
        is_averaged(&self.prefix)
    }
}

/// Whether a key says that the model under it is an average of others.
pub fn is_averaged(key: &str) -> bool {
    let mut words = key.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| AVERAGED.contains(&word.to_lowercase().as_str()))
}
