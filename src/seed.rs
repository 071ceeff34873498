//! The one source of randomness: a run's seed, split into independent streams by purpose.
//!
//! A stream depends on the seed, the purpose and its counters alone, so a resumed run draws the same
//! numbers without any generator state on disk.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1, StandardNormal, StandardUniform, Uniform};
use sha2::{Digest, Sha256};

/// The seed of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// A seed of its own for `purpose`, from which this one cannot be told: SHA-256 of both.
    pub fn child(self, purpose: &str) -> Seed {
        let digest = Sha256::new().chain_update(self.0.to_le_bytes()).chain_update(purpose).finalize();
        Seed(digest.iter().take(8).fold(0, |seed, &byte| (seed << 8) | u64::from(byte)))
    }

    /// The attacker's: of nothing that the victim draws by this seed is there a stream in it.
    pub fn attacker(self) -> Seed {
        self.child("attacker")
    }

    /// The generator for `purpose`, told apart by `counters` (round, trial, ...).
    pub fn stream(self, purpose: &str, counters: &[u64]) -> ChaCha8Rng {
        let mut generator = ChaCha8Rng::seed_from_u64(self.0);
        let counters = counters.iter().flat_map(|c| c.to_le_bytes());
        generator.set_stream(fnv1a(purpose.bytes().chain([0]).chain(counters)));
        generator
    }
}

/// `count` draws from N(0, 1).
pub fn normal(generator: &mut ChaCha8Rng, count: usize) -> Vec<f64> {
    StandardNormal.sample_iter(generator).take(count).collect()
}

/// `count` draws from U(-bound, bound).
pub fn uniform(generator: &mut ChaCha8Rng, bound: f64, count: usize) -> Vec<f64> {
    match Uniform::new_inclusive(-bound, bound) {
        Ok(distribution) => distribution.sample_iter(generator).take(count).collect(),
        Err(_) => vec![0.0; count],
    }
}

/// `count` draws from U[0, 1).
pub fn unit(generator: &mut ChaCha8Rng, count: usize) -> Vec<f64> {
    StandardUniform.sample_iter(generator).take(count).collect()
}

/// `count` draws from Lap(0, 1), each the difference of two exponential ones.
pub fn laplace(generator: &mut ChaCha8Rng, count: usize) -> Vec<f64> {
    let mut draw = || -> f64 { Exp1.sample(generator) };
    (0..count).map(|_| draw() - draw()).collect()
}

/// FNV-1a, 64 bit: a fixed hash, the same in every version of the program.
fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ_by_purpose_and_counter() {
        let draw = |seed, purpose, counters: &[u64]| normal(&mut Seed(seed).stream(purpose, counters), 4);
        assert_eq!(draw(1, "weights", &[0]), draw(1, "weights", &[0]));
        assert_ne!(draw(1, "weights", &[0]), draw(1, "weights", &[1]));
        assert_ne!(draw(1, "weights", &[0]), draw(1, "guess", &[0]));
        assert_ne!(draw(1, "weights", &[0]), draw(2, "weights", &[0]));
    }

    #[test]
    fn a_child_is_another_seed_for_every_parent_and_purpose() {
        let child = Seed(7).attacker();
        assert_eq!(child, Seed(7).child("attacker"));
        assert!(child != Seed(7) && child != Seed(7).child("victim") && child != Seed(8).attacker());
    }

    #[test]
    fn the_streams_stay_the_same_in_later_versions() {
        let first = normal(&mut Seed(0).stream("initial guess", &[0, 0]), 1)[0];
        assert!((first - FIRST_NORMAL).abs() < 1e-12, "{first}");
    }

    /// Drawn once; a change would break the promise that a seed reproduces a published run.
    const FIRST_NORMAL: f64 = -1.2450623141045358;
}
