//! Changes good files at random for as long as asked: `GIALAB_FUZZ_SECONDS=600 cargo test --release fuzz -- --ignored`.

use std::io::Write;
use std::time::{Duration, Instant};

use rand::prelude::*;
use rand_chacha::ChaCha8Rng;

/// Numbers that headers are made of, at their edges.
const EDGES: [u64; 8] = [0, 1, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, u64::MAX];

/// Has a reader read changed files, and counts those that it still takes. Fails where one takes too long; a panic is the
/// reader's.
pub fn fuzz(what: &str, files: &[Vec<u8>], mut read: impl FnMut(&[u8]) -> bool) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seconds = number("GIALAB_FUZZ_SECONDS").unwrap_or(10);
    let seed = number("GIALAB_FUZZ_SEED").unwrap_or(0);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (begin, mut tried, mut good, mut slowest) = (Instant::now(), 0_u64, 0_u64, Duration::ZERO);
    while begin.elapsed() < Duration::from_secs(seconds) {
        let file = changed(&mut random, files);
        let start = Instant::now();
        good += u64::from(read(&file));
        let spent = start.elapsed();
        slowest = slowest.max(spent);
        assert!(spent < Duration::from_secs(20), "{what}: {spent:?} with seed {seed} after {tried}");
        tried += 1;
    }
    // Also of a test that passes.
    let _ = writeln!(
        std::io::stderr(),
        "{what}, seed {seed}: {tried} files in {seconds} s, {good} of them still readable, slowest {slowest:?}"
    );
}

fn changed(random: &mut ChaCha8Rng, files: &[Vec<u8>]) -> Vec<u8> {
    let mut file = files.choose(random).unwrap().clone();
    for _ in 0..random.random_range(1..6) {
        if file.is_empty() {
            break;
        }
        // Headers are at the start and at the end.
        let near = file.len().min(400);
        let at = match random.random_range(0..3) {
            0 => random.random_range(0..near),
            1 => file.len() - near + random.random_range(0..near),
            _ => random.random_range(0..file.len()),
        };
        match random.random_range(0..7) {
            0 => file[at] = random.random(),
            1 => file[at] ^= 1 << random.random_range(0..8),
            2 => file.truncate(at),
            3 => file.insert(at, random.random()),
            4 => {
                let edge = EDGES.choose(random).unwrap().to_le_bytes();
                let end = file.len().min(at + [1, 2, 4, 8].choose(random).unwrap());
                let length = end - at;
                file[at..end].copy_from_slice(&edge[..length]);
            }
            // A piece of another file, or of this one once more.
            _ => {
                let other = files.choose(random).unwrap();
                let from = random.random_range(0..other.len());
                let to = other.len().min(from + random.random_range(1..80));
                if random.random() {
                    file.splice(at..at, other[from..to].iter().copied());
                } else {
                    let end = file.len().min(at + to - from);
                    file.splice(at..end, other[from..to].iter().copied());
                }
            }
        }
    }
    file
}
