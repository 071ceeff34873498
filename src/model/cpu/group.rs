//! Channels by groups and samples, so that what is normalised together lies together: normalisation over groups is then that over a
//! batch, and its factors and offsets by channel come after.

use super::map::Map;
use super::real::Real;

/// The groups of each sample as channels, over one sample of `[channels / groups, height * width]`.
pub fn gather<T: Real>(a: &Map<T>, groups: usize) -> Map<T> {
    let (each, places) = (a.channels / groups, a.height * a.width);
    let mut out = Map::any(a.batch * groups, [1, each, places]);
    for (row, part) in a.data.chunks_exact(places).enumerate() {
        let (channel, sample) = (row / a.batch, row % a.batch);
        let start = ((sample * groups + channel / each) * each + channel % each) * places;
        out.data[start..start + places].copy_from_slice(part);
    }
    out
}

/// The transpose, which is the inverse: maps `[channels, batch, height, width]` again.
pub fn scatter<T: Real>(a: &Map<T>, channels: usize, to: [usize; 3]) -> Map<T> {
    let (groups, places) = (a.channels / to[0], to[1] * to[2]);
    let each = channels / groups;
    let mut out = Map::any(channels, to);
    for (row, part) in out.data.chunks_exact_mut(places).enumerate() {
        let (channel, sample) = (row / to[0], row % to[0]);
        let start = ((sample * groups + channel / each) * each + channel % each) * places;
        part.copy_from_slice(&a.data[start..start + places]);
    }
    out
}
