//! When those that wait are likely to begin.

use super::Resource;
use super::ticket::{Entry, Standing};
use crate::config::preset::Preset;
use crate::expectation::Experience;
use crate::run::{RunDirectory, progress};

/// Seconds until each of the sorted entries is likely to begin, as far as that can be told.
pub fn expected(entries: &[Entry], presets: &[Preset], experience: &Experience) -> Vec<Option<f64>> {
    let left: Vec<Option<f64>> = entries.iter().map(|entry| left(entry, presets, experience)).collect();
    starts(entries, &left, Resource::capacity_of)
}

/// Seconds that a run still takes once it computes, if that can be told.
fn left(entry: &Entry, presets: &[Preset], experience: &Experience) -> Option<f64> {
    let directory = RunDirectory::at(&entry.ticket.run);
    let manifest = directory.manifest().ok()?;
    let (state, _) = directory.state().ok()?;
    let config = &manifest.config;
    if entry.standing() == Standing::Running
        && let Some(eta) = progress::eta(config, &state)
    {
        return Some(eta.middle());
    }
    let own = &presets.iter().find(|preset| preset.name == manifest.preset)?.config;
    let whole = experience.expected(own, config, &manifest.backend, manifest.threads?)?;
    Some(whole.seconds * (1.0 - progress::share(config, &state)))
}

/// Seconds until each of the sorted entries begins, from the seconds that each of them still takes once it computes, as far as
/// that is known. Nothing for those that do not wait, and for those behind one of whom it is not known.
pub fn starts(entries: &[Entry], left: &[Option<f64>], capacity: impl Fn(&str) -> usize) -> Vec<Option<f64>> {
    let mut starts = vec![None; entries.len()];
    for group in entries.chunk_by(|a, b| a.ticket.resource == b.ticket.resource) {
        let Some(first) = group.first() else { continue };
        let capacity = capacity(&first.ticket.resource);
        let at = |entry: &Entry| entries.iter().position(|other| std::ptr::eq(other, entry));
        let known = |entry: &Entry| at(entry).and_then(|at| left.get(at).copied().flatten());
        let of = |standing: Standing| group.iter().filter(move |entry| entry.standing() == standing);
        // What each takes and when it ends.
        let mut computing: Vec<(usize, Option<f64>)> =
            of(Standing::Running).map(|entry| (entry.ticket.takes, known(entry))).collect();
        let mut now = 0.0f64;
        'waiting: for entry in of(Standing::Waiting) {
            let takes = entry.ticket.takes;
            while !computing.is_empty() && computing.iter().map(|run| run.0).sum::<usize>() + takes > capacity
            {
                let ends = computing.iter().enumerate().filter_map(|(at, run)| Some((at, run.1?)));
                let Some((next, end)) = ends.min_by(|a, b| a.1.total_cmp(&b.1)) else { break 'waiting };
                computing.remove(next);
                now = now.max(end);
            }
            computing.push((takes, known(entry).map(|seconds| now + seconds)));
            if let Some(start) = at(entry).and_then(|at| starts.get_mut(at)) {
                *start = Some(now);
            }
        }
    }
    starts
}
