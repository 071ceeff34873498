//! Where a trial begins.

use rand_chacha::ChaCha8Rng;

use crate::config::Start;
use crate::seed;

/// First values `[batch, channels, height, width]`.
pub fn first(start: Start, generator: &mut ChaCha8Rng, shape: [usize; 4]) -> Vec<f64> {
    let count = shape.iter().product();
    // Drawn whatever becomes of them: what follows in the stream stays.
    let mut z = seed::normal(generator, count);
    match start {
        Start::Normal => {}
        Start::Uniform => z = seed::uniform(generator, 1.0, count),
        Start::Zeros => z.fill(0.0),
        Start::Patterned(side) => tile(&mut z, shape, side),
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
        first(start, &mut Seed(1).stream("start", &[]), [1, 2, 3, 4])
    }

    #[test]
    fn patches_repeat_over_each_plane() {
        let (plain, tiled) = (of(Start::Normal), of(Start::Patterned(2)));
        for plane in 0..2 {
            for (row, column) in (0..3).flat_map(|row| (0..4).map(move |column| (row, column))) {
                let corner = plain[plane * 12 + row % 2 * 4 + column % 2];
                assert_eq!(tiled[plane * 12 + row * 4 + column].to_bits(), corner.to_bits());
            }
        }
        assert!(of(Start::Zeros).iter().all(|value| *value == 0.0));
        let uniform = of(Start::Uniform);
        assert!(uniform.iter().all(|value| value.abs() <= 1.0) && uniform != plain);
    }
}
