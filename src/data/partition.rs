//! A set spread over the clients of a federation, and what is held out of it. Pure: labels and a generator in,
//! positions out.

use std::collections::BTreeMap;

use rand::Rng;
use rand::seq::SliceRandom;
use rand_distr::{Distribution, Gamma};

use crate::config::Partition;

/// Spreads `samples` over `clients`: every sample goes to exactly one of them. `labels[i]` is the class of
/// `samples[i]`. No client is empty if there are as many samples as clients.
pub fn partition(
    labels: &[usize],
    samples: &[usize],
    clients: usize,
    kind: Partition,
    generator: &mut impl Rng,
) -> Vec<Vec<usize>> {
    if clients == 0 {
        return Vec::new();
    }
    let mut shares = match kind {
        Partition::Iid => {
            let mut all = samples.to_vec();
            all.shuffle(generator);
            cut(&all, clients)
        }
        Partition::Dirichlet(concentration) => dirichlet(labels, samples, clients, concentration, generator),
        Partition::Shards(each) => shards(labels, samples, clients, each.max(1), generator),
    };
    fill_empty(&mut shares);
    shares
}

/// Keeps back `share` (0 to 1) of the samples of each class, rounded, but never all of a class: returns those
/// that are left for training, then those held out, both in the order given.
pub fn held_out(
    labels: &[usize],
    samples: &[usize],
    share: f64,
    generator: &mut impl Rng,
) -> (Vec<usize>, Vec<usize>) {
    let mut out = vec![false; samples.len()];
    for mut places in by_class(labels).into_values() {
        places.shuffle(generator);
        let count = (places.len() as f64 * share.clamp(0.0, 1.0)).round() as usize;
        places.iter().take(count.min(places.len() - 1)).for_each(|&place| out[place] = true);
    }
    let of = |held: bool| {
        samples.iter().zip(&out).filter(|(_, out)| **out == held).map(|(sample, _)| *sample).collect()
    };
    (of(false), of(true))
}

/// Places in `labels` of each class, classes ascending so that the draws have one order.
fn by_class(labels: &[usize]) -> BTreeMap<usize, Vec<usize>> {
    let mut places: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (place, &label) in labels.iter().enumerate() {
        places.entry(label).or_default().push(place);
    }
    places
}

/// `parts` runs whose lengths differ by one at most.
fn cut(all: &[usize], parts: usize) -> Vec<Vec<usize>> {
    (0..parts).map(|part| all[part * all.len() / parts..(part + 1) * all.len() / parts].to_vec()).collect()
}

/// Each class is divided by shares drawn from Dirichlet(concentration, ..., concentration).
fn dirichlet(
    labels: &[usize],
    samples: &[usize],
    clients: usize,
    concentration: f64,
    generator: &mut impl Rng,
) -> Vec<Vec<usize>> {
    let mut shares = vec![Vec::new(); clients];
    for mut places in by_class(labels).into_values() {
        places.shuffle(generator);
        let weights = proportions(clients, concentration, generator);
        let mut from = 0;
        let mut sum = 0.0;
        for (client, weight) in weights.iter().enumerate() {
            sum += weight;
            let to = if client + 1 == clients {
                places.len()
            } else {
                (sum * places.len() as f64).round() as usize
            };
            let to = to.clamp(from, places.len());
            shares[client].extend(places[from..to].iter().map(|&place| samples[place]));
            from = to;
        }
    }
    shares
}

/// One draw from a symmetric Dirichlet distribution: independent Gamma draws over their sum.
fn proportions(clients: usize, concentration: f64, generator: &mut impl Rng) -> Vec<f64> {
    let draws: Vec<f64> = match Gamma::new(concentration, 1.0) {
        Ok(gamma) => gamma.sample_iter(&mut *generator).take(clients).collect(),
        Err(_) => vec![1.0; clients],
    };
    let sum: f64 = draws.iter().sum();
    if sum > 0.0 && sum.is_finite() {
        return draws.into_iter().map(|draw| draw / sum).collect();
    }
    // A tiny concentration underflows every draw; its limit gives all to one client.
    let only = generator.random_range(0..clients);
    (0..clients).map(|client| if client == only { 1.0 } else { 0.0 }).collect()
}

/// Sorted by class, cut into `clients * each` shards, `each` of them to every client.
fn shards(
    labels: &[usize],
    samples: &[usize],
    clients: usize,
    each: usize,
    generator: &mut impl Rng,
) -> Vec<Vec<usize>> {
    let sorted: Vec<usize> = by_class(labels).into_values().flatten().map(|place| samples[place]).collect();
    // No more shards than samples: the rest would be empty.
    let count = clients.saturating_mul(each).min(samples.len().max(clients));
    let mut pieces = cut(&sorted, count);
    pieces.shuffle(generator);
    (0..clients)
        .map(|client| pieces.iter().skip(client).step_by(clients).flatten().copied().collect())
        .collect()
}

/// Gives every empty client one sample of the client that has most.
fn fill_empty(shares: &mut [Vec<usize>]) {
    while let Some(empty) = shares.iter().position(Vec::is_empty) {
        let Some(sample) = shares.iter_mut().max_by_key(|share| share.len()).filter(|share| share.len() > 1)
        else {
            return;
        };
        if let Some(sample) = sample.pop() {
            shares[empty].push(sample);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::seed::Seed;

    fn spread(labels: &[usize], clients: usize, kind: Partition, seed: u64) -> Vec<Vec<usize>> {
        // Samples are not their places: 1000, 1001, ...
        let samples: Vec<usize> = (1000..1000 + labels.len()).collect();
        partition(labels, &samples, clients, kind, &mut Seed(seed).stream("partition", &[]))
    }

    fn classes_of(labels: &[usize], share: &[usize]) -> BTreeSet<usize> {
        share.iter().map(|sample| labels[sample - 1000]).collect()
    }

    /// Ten classes of 100.
    fn balanced() -> Vec<usize> {
        (0..1000).map(|i| i % 10).collect()
    }

    fn kinds() -> impl Strategy<Value = Partition> {
        prop_oneof![
            Just(Partition::Iid),
            (1e-320..1e6).prop_map(Partition::Dirichlet),
            (1e-3..10.0).prop_map(Partition::Dirichlet),
            (1_usize..9).prop_map(Partition::Shards),
            Just(Partition::Shards(usize::MAX)),
        ]
    }

    proptest! {
        #[test]
        fn every_sample_has_one_client_and_no_client_none(
            labels in proptest::collection::vec(0_usize..7, 0..200),
            clients in 1_usize..30,
            kind in kinds(),
            seed in any::<u64>(),
        ) {
            let shares = spread(&labels, clients, kind, seed);
            prop_assert_eq!(shares.len(), clients);
            let mut all: Vec<usize> = shares.iter().flatten().copied().collect();
            all.sort_unstable();
            prop_assert_eq!(all, (1000..1000 + labels.len()).collect::<Vec<_>>());
            if labels.len() >= clients {
                prop_assert!(shares.iter().all(|share| !share.is_empty()), "{:?}", shares);
            }
            prop_assert_eq!(spread(&labels, clients, kind, seed), shares);
        }

        #[test]
        fn what_is_held_out_is_a_share_of_every_class(
            labels in proptest::collection::vec(0_usize..5, 0..200),
            share in 0.0..1.0_f64,
            seed in any::<u64>(),
        ) {
            let samples: Vec<usize> = (1000..1000 + labels.len()).collect();
            let split = |seed| held_out(&labels, &samples, share, &mut Seed(seed).stream("held out", &[]));
            let (train, held) = split(seed);
            prop_assert_eq!(split(seed), (train.clone(), held.clone()));
            let mut all = [train.clone(), held.clone()].concat();
            all.sort_unstable();
            prop_assert_eq!(&all, &samples);
            for class in 0..5 {
                let of = |part: &[usize]| part.iter().filter(|sample| labels[**sample - 1000] == class).count();
                let (kept, out) = (of(&train), of(&held));
                let wanted = (kept + out) as f64 * share;
                prop_assert!(kept > 0 || out == 0);
                prop_assert!((out as f64 - wanted).abs() <= 1.0, "{} of {} at {}", out, kept + out, share);
            }
        }
    }

    #[test]
    fn iid_shares_are_equal_and_hold_every_class() {
        let labels = balanced();
        for share in spread(&labels, 8, Partition::Iid, 3) {
            assert_eq!(share.len(), 125);
            assert_eq!(classes_of(&labels, &share).len(), 10);
        }
        let sizes: BTreeSet<usize> = spread(&labels, 7, Partition::Iid, 3).iter().map(Vec::len).collect();
        assert_eq!(sizes, BTreeSet::from([142, 143]));
    }

    #[test]
    fn another_seed_spreads_otherwise() {
        let labels = balanced();
        for kind in [Partition::Iid, Partition::Dirichlet(0.5), Partition::Shards(2)] {
            assert_ne!(spread(&labels, 10, kind, 1), spread(&labels, 10, kind, 2), "{kind:?}");
        }
    }

    /// Mean over clients of the share of a client's most frequent class: 0.1 if all classes are alike.
    fn skew(labels: &[usize], shares: &[Vec<usize>]) -> f64 {
        let largest = |share: &Vec<usize>| {
            let count = |class| share.iter().filter(|sample| labels[**sample - 1000] == class).count();
            (0..10).map(count).max().unwrap() as f64 / share.len() as f64
        };
        shares.iter().map(largest).sum::<f64>() / shares.len() as f64
    }

    #[test]
    fn a_small_concentration_skews_the_classes() {
        let labels = balanced();
        let of = |kind| skew(&labels, &spread(&labels, 10, kind, 4));
        let (strong, weak) = (of(Partition::Dirichlet(0.1)), of(Partition::Dirichlet(100.0)));
        assert!(strong > 0.5 && weak < 0.2, "{strong} {weak}");
        let one_class_one_client = spread(&labels, 10, Partition::Dirichlet(1e-320), 4);
        let largest = one_class_one_client.iter().map(Vec::len).max().unwrap();
        assert!(largest >= 99, "{largest}");
    }

    #[test]
    fn dirichlet_shares_have_the_distributions_variance() {
        // A share of Dirichlet(a, ..., a) over n has mean 1/n and variance (1/n)(1 - 1/n)/(n a + 1).
        let (clients, concentration) = (5, 0.5);
        let generator = &mut Seed(0).stream("variance", &[]);
        let draws: Vec<f64> =
            (0..20_000).map(|_| proportions(clients, concentration, generator)[2]).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        assert!((mean - 0.2).abs() < 0.01, "{mean}");
        assert!((variance - 0.2 * 0.8 / 3.5).abs() < 0.003, "{variance}");
    }

    #[test]
    fn a_shard_adds_one_class_or_two() {
        let labels = balanced();
        for each in 1..4 {
            let shares = spread(&labels, 10, Partition::Shards(each), 5);
            assert!(shares.iter().all(|share| share.len().abs_diff(100) <= each));
            // Shards of a balanced set end at a class or inside one.
            let most = shares.iter().map(|share| classes_of(&labels, share).len()).max().unwrap();
            assert!(most <= each + 1, "{each}: {most}");
        }
        let shares = spread(&labels, 10, Partition::Shards(2), 5);
        assert!(shares.iter().all(|share| classes_of(&labels, share).len() <= 2));
    }
}
