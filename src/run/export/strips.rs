//! A strip of pictures for a paper: each truth once, and below it what every run or round made of it.

use std::rc::Rc;

use image::{RgbImage, imageops};

use super::entry::{self, Entry};
use super::latex::letter;
use super::picture;
use super::record::Record;
use crate::figure::figure;
use crate::paper::Width;
use crate::paper::strip::{Row, Strip, most};
use crate::run::event::Tiles;

/// More rows than a page has room for are thinned out.
const ROWS: usize = 24;
/// What is said beside a picture.
const FIGURES: [(&str, &str); 2] = [("psnr", "PSNR"), ("ssim", "SSIM")];

/// One run in one round, with what there is to see.
struct Seen<'a> {
    entry: &'a Entry<'a>,
    /// What it is, but for a finished reconstruction.
    is_of: &'static str,
    truth: Option<Rc<RgbImage>>,
    judged: RgbImage,
    tiles: Tiles,
}

/// The strip of these runs; nothing where none has pictures. `names` are theirs.
pub fn strip(records: &[Record], names: &[String], about: &str, width: Width) -> Option<Strip> {
    let entries = entry::entries(records);
    let (mut seen, mut notes) = (Vec::<Seen<'_>>::new(), Vec::new());
    for entry in &entries {
        let Some(round) = entry.round else { continue };
        match picture::pair(entry.record, round) {
            Ok(Some(pair)) => {
                // One truth for all that have the same.
                let truth = pair.truth.map(|truth| {
                    let known = seen.iter().filter_map(|other| other.truth.clone());
                    known.into_iter().find(|other| **other == truth.pixels).unwrap_or(Rc::new(truth.pixels))
                });
                let (judged, tiles) = (pair.judged.pixels, pair.stored.tiles);
                seen.push(Seen { entry, is_of: pair.name, truth, judged, tiles });
            }
            Ok(None) => {}
            Err(error) => notes.push(format!("{error}.")),
        }
    }
    if seen.is_empty() {
        return None;
    }
    let all = seen.len();
    let seen = thinned(seen);
    if seen.len() < all {
        notes.push(format!("{} of {all} rows are shown.", seen.len()));
    }
    let shown = most(width);
    let samples = seen.iter().map(|seen| seen.tiles.samples).max().unwrap_or(0);
    if samples > shown {
        notes.push(format!("The first {shown} of {samples} samples are shown."));
    }
    let groups = conditions(&seen);
    let mut rows = Vec::new();
    let mut told: Vec<usize> = Vec::new();
    for (at, one) in seen.iter().enumerate() {
        if told.contains(&at) {
            continue;
        }
        let same = |other: &Seen<'_>| match (&one.truth, &other.truth) {
            (Some(one), Some(other)) => Rc::ptr_eq(one, other) || one == other,
            (None, None) => true,
            _ => false,
        };
        if let Some(truth) = &one.truth {
            rows.push(Row {
                name: "truth (private)".to_owned(),
                lines: Vec::new(),
                pictures: samples_of(truth, one.tiles, shown),
                is_first: true,
            });
        }
        for (place, other) in seen.iter().enumerate().filter(|(_, other)| same(other)) {
            told.push(place);
            rows.push(row(other, records, names, &groups, shown));
        }
    }
    notes.extend(match groups.as_slice() {
        [only] => vec![only.clone()],
        several => several.iter().enumerate().map(|(at, of)| format!("{} {of}", letter(at))).collect(),
    });
    notes.extend(entry::readings(records.iter()));
    if seen.iter().any(|seen| seen.truth.is_some()) {
        notes.push("The truth is known to you, never to the attacker.".to_owned());
    }
    Some(Strip { title: "Truth and reconstructions".to_owned(), about: about.to_owned(), rows, notes })
}

/// Evenly, with the first and the last.
fn thinned<T>(mut seen: Vec<T>) -> Vec<T> {
    let all = seen.len();
    let mut kept = (0..ROWS).map(|i| i * (all - 1) / (ROWS - 1)).peekable();
    let mut at = 0;
    seen.retain(|_| {
        let keeps = all <= ROWS || kept.next_if_eq(&at).is_some();
        at += 1;
        keeps
    });
    seen
}

/// The conditions that there are, each once.
fn conditions(seen: &[Seen<'_>]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for conditions in seen.iter().map(|seen| seen.entry.conditions()) {
        if !all.contains(&conditions) {
            all.push(conditions);
        }
    }
    all
}

fn row(seen: &Seen<'_>, records: &[Record], names: &[String], groups: &[String], most: usize) -> Row {
    let entry = seen.entry;
    let place = records.iter().position(|record| std::ptr::eq(record, entry.record)).unwrap_or(0);
    let name = entry.called(&names[place]);
    let conditions = entry.conditions();
    let group = groups.iter().position(|group| *group == conditions).filter(|_| groups.len() > 1);
    let group = group.map(|group| format!(" {}", letter(group))).unwrap_or_default();
    let measured = entry.measured();
    let quality = FIGURES.iter().filter_map(|&(key, name)| {
        let figure = figure(key);
        let unit = if figure.unit.is_empty() { String::new() } else { format!(" {}", figure.unit) };
        Some(format!("{name} {}{unit}", figure.text(figure.value(&measured)?).trim()))
    });
    let quality = quality.collect::<Vec<_>>().join(", ");
    let mean = if seen.tiles.samples > 1 && !quality.is_empty() { " (mean)" } else { "" };
    let standing = (seen.is_of != "reconstruction").then(|| seen.is_of.to_owned());
    let lines = [standing, Some(format!("{quality}{mean}")).filter(|line| !line.is_empty())];
    Row {
        name: format!("{name}{group}"),
        lines: lines.into_iter().flatten().collect(),
        pictures: samples_of(&seen.judged, seen.tiles, most),
        is_first: seen.truth.is_none(),
    }
}

/// The first samples of a batch, each by itself.
fn samples_of(batch: &RgbImage, tiles: Tiles, most: usize) -> Vec<RgbImage> {
    let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    let (width, height, columns) = (side(tiles.width), side(tiles.height), side(tiles.columns).max(1));
    (0..side(tiles.samples.min(most)))
        .map(|at| {
            // What lies outside of the picture is left out by the crop.
            let (x, y) = ((at % columns).saturating_mul(width), (at / columns).saturating_mul(height));
            imageops::crop_imm(batch, x, y, width, height).to_image()
        })
        .filter(|sample| sample.width() > 0 && sample.height() > 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use image::Rgb;

    use super::*;

    /// Samples of 3 by 2 pixels, each of a colour of its own, in so many columns.
    fn batch(samples: usize, columns: usize) -> (RgbImage, Tiles) {
        let tiles = Tiles { samples, columns, width: 3, height: 2 };
        let rows = samples.div_ceil(columns);
        let shade = |x: u32, y: u32| (y / 2) as usize * columns + (x / 3) as usize;
        let picture =
            RgbImage::from_fn((3 * columns) as u32, (2 * rows) as u32, |x, y| Rgb([shade(x, y) as u8, 0, 0]));
        (picture, tiles)
    }

    #[test]
    fn samples_are_cut_out_of_a_batch_in_their_order() {
        let (picture, tiles) = batch(5, 2);
        let shades = |most: usize| -> Vec<u8> {
            let samples = samples_of(&picture, tiles, most);
            assert!(samples.iter().all(|sample| sample.dimensions() == (3, 2)));
            // One colour each, so none has a part of its neighbour.
            assert!(samples.iter().all(|sample| sample.pixels().collect::<HashSet<_>>().len() == 1));
            samples.iter().map(|sample| sample.get_pixel(0, 0)[0]).collect()
        };
        assert_eq!((shades(9), shades(3)), (vec![0, 1, 2, 3, 4], vec![0, 1, 2]));
        // A picture that is smaller than its log claims has fewer.
        let claimed = Tiles { samples: 8, ..tiles };
        assert_eq!(samples_of(&picture, claimed, 9).len(), 6);
    }

    #[test]
    fn many_rows_are_thinned_out_with_the_first_and_the_last() {
        for all in [ROWS + 1, 60, 500] {
            let kept = thinned((0..all).collect::<Vec<_>>());
            assert!((kept[0], kept[kept.len() - 1]) == (0, all - 1) && kept.len() == ROWS, "{all}: {kept:?}");
            let widest = kept.windows(2).map(|pair| pair[1] - pair[0]).max();
            assert!(widest.is_some_and(|widest| widest <= all.div_ceil(ROWS - 1)), "{all}: {kept:?}");
        }
        assert_eq!(thinned(vec![1, 2, 3]), [1, 2, 3]);
    }
}
