//! In which order a client took its samples, told from what each order makes of the update.

use super::{Simulation, fit};
use crate::fl::AttackerView;

/// Orders that are all tried; of more, samples change places as long as that helps.
const ALL: usize = 120;

/// Simulations at most where not all orders are tried.
const MOST: usize = 400;

/// Samples that are named one by one.
const NAMED: usize = 16;

/// An order of the samples, pass by pass.
pub(super) struct Order {
    passes: Vec<Vec<usize>>,
    /// Simulations it took to find it.
    pub simulations: usize,
}

/// The order that leaves least of the update over, or the first that leaves no more than `goal`. Nothing where the client takes
/// all its samples at once.
pub(super) fn search(simulation: &Simulation, goal: f64) -> Option<Order> {
    let [client] = simulation.view.knowledge.protocol.clients.as_slice() else { return None };
    let descent = client.descent.as_ref()?;
    let batches: Vec<usize> =
        descent.steps.iter().flat_map(|step| &step.micro_batches).map(Vec::len).collect();
    let count = client.samples.len();
    if batches.iter().all(|&batch| batch == count) {
        return None;
    }
    let size = *batches.first()?;
    let passes = descent.steps.iter().flat_map(|step| step.micro_batches.iter().flatten()).count() / count;
    let mut simulations = 0;
    let mut left = |order: &[Vec<usize>]| {
        simulations += 1;
        let fit = fit::of(&viewed(&simulation.view, order), &simulation.x, &simulation.targets);
        fit.as_is.min(fit.scaled.1)
    };
    let same: Vec<usize> = client.samples.clone();
    let mut best = vec![same.clone(); passes];
    let mut least = left(&best);
    match arrangements(&same, size, ALL).map(|all| (all.len().saturating_pow(passes as u32), all)) {
        Some((count, all)) if count <= ALL => {
            for number in 0..count {
                let pick = |pass: usize| all[number / all.len().pow(pass as u32) % all.len()].clone();
                let order: Vec<Vec<usize>> = (0..passes).map(pick).collect();
                let here = left(&order);
                if here < least {
                    (best, least) = (order, here);
                }
                if least <= goal {
                    break;
                }
            }
        }
        _ => {
            let mut tries = 0;
            let mut has_improved = true;
            while has_improved && tries < MOST && least > goal {
                has_improved = false;
                for pass in 0..passes {
                    for (one, other) in swaps(count, size) {
                        if tries >= MOST || least <= goal {
                            break;
                        }
                        tries += 1;
                        let mut order = best.clone();
                        order[pass].swap(one, other);
                        let here = left(&order);
                        if here < least {
                            (best, least, has_improved) = (order, here, true);
                        }
                    }
                }
            }
        }
    }
    let is_other = best.iter().any(|pass| *pass != same);
    is_other.then_some(Order { passes: best, simulations })
}

impl Order {
    /// What an attacker sees who knows it.
    pub(super) fn view(&self, view: &AttackerView) -> AttackerView {
        viewed(view, &self.passes)
    }

    pub(super) fn words(&self) -> String {
        let named = |pass: &Vec<usize>| {
            let numbers: Vec<String> = pass.iter().map(usize::to_string).collect();
            numbers.join(" ")
        };
        match self.passes.as_slice() {
            [pass] if pass.len() <= NAMED => {
                format!("shuffled: the samples in the order {}, counted from 0", named(pass))
            }
            passes if passes.iter().map(Vec::len).sum::<usize>() <= NAMED => {
                let passes: Vec<String> = passes.iter().map(named).collect();
                format!("shuffled: the samples in the orders {}, counted from 0", passes.join(", then "))
            }
            _ => "shuffled: the samples in another order".into(),
        }
    }
}

/// The view of an attacker who takes the client's samples to come in this order.
fn viewed(view: &AttackerView, order: &[Vec<usize>]) -> AttackerView {
    let mut view = view.clone();
    let mut order = order.iter().flatten().copied();
    let descents = view.knowledge.protocol.clients.iter_mut().filter_map(|client| client.descent.as_mut());
    let places = descents
        .flat_map(|descent| descent.steps.iter_mut())
        .flat_map(|step| step.micro_batches.iter_mut().flatten());
    for place in places {
        *place = order.next().unwrap_or(*place);
    }
    view
}

/// Places in different batches.
fn swaps(count: usize, size: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count)
        .flat_map(move |one| (one + 1..count).map(move |other| (one, other)))
        .filter(move |(one, other)| one / size != other / size)
}

/// All ways to put samples into batches of this size, in order; nothing if there are more than `most`.
fn arrangements(samples: &[usize], size: usize, most: usize) -> Option<Vec<Vec<usize>>> {
    if samples.len() <= size {
        return Some(vec![samples.to_vec()]);
    }
    let mut all = Vec::new();
    for first in choices(samples, size, most)? {
        let rest: Vec<usize> = samples.iter().copied().filter(|sample| !first.contains(sample)).collect();
        for rest in arrangements(&rest, size, most)? {
            all.push([first.as_slice(), &rest].concat());
        }
        if all.len() > most {
            return None;
        }
    }
    Some(all)
}

/// All ways to choose `count` of these; nothing if there are more than `most`.
fn choices(among: &[usize], count: usize, most: usize) -> Option<Vec<Vec<usize>>> {
    let mut all: Vec<Vec<usize>> = vec![Vec::new()];
    for (at, &sample) in among.iter().enumerate() {
        let rest = among.len() - at;
        // Those that can still be filled.
        let with = all.iter().filter(|chosen| chosen.len() < count).map(|chosen| {
            let mut chosen = chosen.clone();
            chosen.push(sample);
            chosen
        });
        let mut next: Vec<Vec<usize>> = with.collect();
        next.extend(
            all.iter().filter(|chosen| chosen.len() + rest > count || chosen.len() == count).cloned(),
        );
        all = next;
        if all.len() > 50 * most {
            return None;
        }
    }
    all.retain(|chosen| chosen.len() == count);
    all.sort();
    (all.len() <= most).then_some(all)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn all_orders_are_all_ways_to_fill_batches() {
        let all = arrangements(&[0, 1, 2, 3], 2, 120).unwrap();
        assert_eq!(all.len(), 6);
        assert_eq!(all[0], [0, 1, 2, 3]);
        assert!(all.contains(&vec![1, 3, 0, 2]));
        // The last batch may be smaller.
        assert_eq!(arrangements(&[0, 1, 2, 3, 4], 2, 120).unwrap().len(), 30);
        assert_eq!(arrangements(&[0, 1, 2], 3, 120).unwrap().len(), 1);
        assert_eq!(arrangements(&(0..16).collect::<Vec<_>>(), 4, 120), None);
    }
}
