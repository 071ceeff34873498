//! Where a trial begins.

use rand_chacha::ChaCha8Rng;

use crate::config::Start;
use crate::seed;

/// First values of a candidate: `inputs` of samples `[batch, channels, height, width]`, then label logits, which are always
/// from N(0, 1).
pub fn first(
    start: Start,
    generator: &mut ChaCha8Rng,
    count: usize,
    (inputs, shape): (usize, [usize; 4]),
) -> Vec<f64> {
    let mut z = seed::normal(generator, count);
    let own = &mut z[..inputs];
    match start {
        Start::Normal => {}
        Start::Uniform => own.copy_from_slice(&seed::uniform(generator, 1.0, inputs)),
        Start::Zeros => own.fill(0.0),
        Start::Patterned(side) => tile(own, shape, side),
    }
    z
}

/// Repeats the upper left corner of each plane over all of it.
fn tile(values: &mut [f64], [.., height, width]: [usize; 4], side: usize) {
    for plane in values.chunks_mut(height * width) {
        for at in 0..plane.len() {
            plane[at] = plane[(at / width % side) * width + at % width % side];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    fn of(start: Start) -> Vec<f64> {
        first(start, &mut Seed(1).stream("start", &[]), 2 * 12 + 3, (24, [1, 2, 3, 4]))
    }

    #[test]
    fn patches_repeat_over_each_plane_and_logits_stay() {
        let (plain, tiled) = (of(Start::Normal), of(Start::Patterned(2)));
        for plane in 0..2 {
            for (row, column) in (0..3).flat_map(|row| (0..4).map(move |column| (row, column))) {
                let corner = plain[plane * 12 + row % 2 * 4 + column % 2];
                assert_eq!(tiled[plane * 12 + row * 4 + column].to_bits(), corner.to_bits());
            }
        }
        assert_eq!(plain[24..], tiled[24..]);
        assert!(of(Start::Zeros)[..24].iter().all(|value| *value == 0.0));
        let uniform = of(Start::Uniform);
        assert!(uniform[..24].iter().all(|value| value.abs() <= 1.0) && uniform[..24] != plain[..24]);
    }
}
