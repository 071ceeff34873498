//! Pictures of a run, read for an export, and how they differ.

use std::path::{Component, Path};

use image::RgbImage;

use super::ExportError;
use super::record::{self, Record};
use crate::run::picture;
pub use crate::run::picture::Loaded;
use crate::run::state::{Picture, RoundState};

/// Truth, if there is one, and reconstruction of one round.
#[derive(Debug)]
pub struct Pair<'a> {
    /// The private batch.
    pub truth: Option<Loaded>,
    /// What the attack made of it.
    pub judged: Loaded,
    /// What `judged` is: `reconstruction`, `best so far`, `newest iterate`.
    pub name: &'static str,
    /// The stored picture that `judged` is.
    pub stored: &'a Picture,
}

/// Reads what there is to see of a round; nothing if truth or reconstruction are not stored yet.
pub fn pair<'a>(record: &Record, round: &'a RoundState) -> Result<Option<Pair<'a>>, ExportError> {
    let Some((stored, name)) = record::shown_picture(round) else { return Ok(None) };
    if stored.is_of_table() {
        return Ok(None);
    }
    if round.truth.is_none() && record.config().has_truth() {
        return Ok(None);
    }
    let truth = round.truth.as_ref().map(|truth| load(record, truth)).transpose()?;
    let judged = load(record, stored)?;
    if truth.as_ref().is_some_and(|truth| truth.pixels.dimensions() != judged.pixels.dimensions()) {
        return Err(ExportError::Picture {
            path: record.directory.path().join(stored.file().unwrap_or_default()),
            reason: "its size is not that of the truth".to_owned(),
        });
    }
    Ok(Some(Pair { truth, judged, name, stored }))
}

/// Reads what the same search made of noise, where it was made.
pub fn control(record: &Record, round: &RoundState) -> Result<Option<Loaded>, ExportError> {
    round.control.as_ref().map(|control| load(record, control)).transpose()
}

/// What the attacker's enhancer made of the reconstruction, where it has one.
pub fn enhanced(record: &Record, round: &RoundState) -> Result<Option<Loaded>, ExportError> {
    round.enhanced.as_ref().map(|enhanced| load(record, enhanced)).transpose()
}

/// Reads one picture.
pub fn load(record: &Record, picture: &Picture) -> Result<Loaded, ExportError> {
    let file = picture.file().unwrap_or_default();
    let path = record.directory.path().join(file);
    let refuse = |reason: String| ExportError::Picture { path: path.clone(), reason };
    let inside = Path::new(file).components().all(|part| matches!(part, Component::Normal(_)));
    if !inside {
        return Err(refuse("it lies outside the run".to_owned()));
    }
    picture::read(&path).map_err(|error| refuse(error.reason))
}

impl Pair<'_> {
    /// The absolute difference, amplified by the largest power of two that clips nothing, and that factor.
    pub fn difference(&self) -> Option<(RgbImage, u8)> {
        let mut difference = self.truth.as_ref()?.pixels.clone();
        for (value, other) in difference.iter_mut().zip(self.judged.pixels.iter()) {
            *value = value.abs_diff(*other);
        }
        let largest = difference.iter().copied().max().unwrap_or(0);
        let factor = if largest == 0 { 1 } else { 1 << largest.leading_zeros() };
        difference.iter_mut().for_each(|value| *value *= factor);
        Some((difference, factor))
    }
}

/// The factor that brings a side of `side` pixels nearest to `wanted`, never below 1.
pub fn scale(side: u32, wanted: u32) -> u32 {
    (wanted / side.max(1)).max(1)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use image::Rgb;

    use super::*;
    use crate::run::event::Tiles;
    use crate::run::state::Content;

    #[test]
    fn a_difference_is_amplified_as_far_as_nothing_clips() {
        let stored = Picture {
            iteration: 1,
            content: Content::File(String::new()),
            tiles: Tiles { samples: 1, columns: 1, width: 2, height: 1 },
            metrics: None,
        };
        let factor = |a: [u8; 2], b: [u8; 2]| {
            let loaded = |values: [u8; 2]| Loaded {
                file: Vec::new(),
                pixels: RgbImage::from_fn(2, 1, |x, _| Rgb([values[x as usize]; 3])),
            };
            let pair = Pair { truth: Some(loaded(a)), judged: loaded(b), name: "", stored: &stored };
            let (difference, factor) = pair.difference().unwrap();
            ([difference.get_pixel(0, 0).0[0], difference.get_pixel(1, 0).0[0]], factor)
        };
        assert_eq!(factor([10, 0], [20, 3]), ([160, 48], 16));
        assert_eq!(factor([0, 0], [255, 1]), ([255, 1], 1));
        assert_eq!(factor([0, 0], [127, 1]), ([254, 2], 2));
        assert_eq!(factor([1, 5], [0, 5]), ([128, 0], 128));
        assert_eq!(factor([9, 9], [9, 9]), ([0, 0], 1));
    }
}
