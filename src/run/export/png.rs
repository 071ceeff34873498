//! A grid of pictures: a row a run and round with truth, reconstruction and difference, enlarged by whole factors.

use std::io::{Cursor, Write};

use image::{ImageFormat, Rgb, RgbImage, imageops};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

use super::ExportError;
use super::picture::{self, Pair};
use super::record::{self, Record};
use crate::figure::{Measured, Metrics, figure};
use crate::run::state::RoundState;

/// A picture is enlarged to about this many pixels.
const SIDE: u32 = 224;
/// Least width of a column, so that its caption fits.
const COLUMN: u32 = 160;
const MARGIN: u32 = 20;
const GAP: u32 = 16;
const LINE: u32 = 20;

const PAPER: Rgb<u8> = Rgb([255; 3]);
const INK: Rgb<u8> = Rgb([24, 26, 32]);
const DIM: Rgb<u8> = Rgb([96, 100, 112]);

/// Writes the grid as PNG, as a report tells runs.
pub fn grid(records: &[Record], out: &mut dyn Write) -> Result<(), ExportError> {
    let records: &[Record] = &records.iter().map(Record::for_report).collect::<Vec<_>>();
    let mut rows = Vec::new();
    for record in records {
        let before = rows.len();
        for round in &record.state.rounds {
            if let Some(pair) = picture::pair(record, round)? {
                rows.push(Row::new(record, round, &pair));
            }
        }
        if rows.len() == before {
            if record.is_of_table() {
                return Err(ExportError::Rows { run: record.id() });
            }
            return Err(ExportError::NoPictures { run: record.id() });
        }
    }
    let mut file = Cursor::new(Vec::new());
    drawn(&rows).write_to(&mut file, ImageFormat::Png).map_err(|e| std::io::Error::other(e.to_string()))?;
    Ok(out.write_all(file.get_ref())?)
}

/// One run and round.
struct Row {
    /// Above the pictures, the first line in ink and the others dimmed.
    lines: Vec<String>,
    /// Caption and enlarged picture.
    cells: Vec<(String, RgbImage)>,
}

impl Row {
    fn new(record: &Record, round: &RoundState, pair: &Pair<'_>) -> Row {
        let config = record.config();
        let many = record.state.rounds.len() > 1;
        let of_round = if many { format!(", round {}", round.round) } else { String::new() };
        let figures = record.state.measured(round);
        let metrics = pair.stored.metrics.as_deref().or(figures.metrics);
        let quality = metrics.map(quality).unwrap_or_else(|| {
            let missing = match config.has_truth() {
                true if record.lacks_cost() => "figures are left out",
                true => "not measured yet",
                false => "no ground truth, metrics n/a",
            };
            missing.to_owned()
        });
        let state = if figures.complete { String::new() } else { format!(", {}", record.health.name()) };
        let truth = pair.truth.as_ref().map(|truth| ("truth (private)".to_owned(), enlarged(&truth.pixels)));
        let judged = (pair.name.to_owned(), enlarged(&pair.judged.pixels));
        let difference = pair
            .difference()
            .map(|(difference, factor)| (format!("difference x{factor}"), enlarged(&difference)));
        let cost = record.cost_in_words().map(|cost| format!("post-processing: {cost}"));
        let lines = [
            format!("{}{of_round}{state}", record.id()),
            format!(
                "{} on {}, {}: {quality}",
                config.attack.kind.name(),
                config.victim.model,
                config.victim.source()
            ),
            format!(
                "threat model {}: labels {}, {}, BatchNorm {}, {}, batch of {}; trial chosen by matching loss",
                record::threat_model_letter(config),
                config.attack.labels.name(),
                config.protocol_and_knowledge(),
                config.victim.batch_norm(),
                config.training_in(round.round),
                config.batch()
            ),
        ];
        Row {
            lines: lines.into_iter().chain(cost).collect(),
            cells: truth.into_iter().chain([judged]).chain(difference).collect(),
        }
    }

    fn lines(&self, width: u32) -> impl Iterator<Item = (String, Rgb<u8>)> {
        let columns = (width / letter_width()) as usize;
        let wrap = move |(i, line): (usize, &String)| {
            let colour = if i == 0 { INK } else { DIM };
            wrapped(line, columns).into_iter().map(move |line| (line, colour))
        };
        self.lines.iter().enumerate().flat_map(wrap)
    }

    fn height(&self, width: u32) -> u32 {
        let pictures = self.cells.iter().map(|(_, picture)| picture.height()).max().unwrap_or(0);
        LINE * (self.lines(width).count() as u32 + 1) + GAP / 2 + pictures
    }
}

/// What stands beside a picture.
const QUALITY: [&str; 3] = ["psnr", "ssim", "mse"];

fn quality(metrics: &Metrics) -> String {
    let measured = Measured { metrics: Some(metrics), ..Measured::default() };
    let said = QUALITY.map(figure).into_iter().filter_map(|figure| {
        let spread = figure.spread(&measured)?;
        let best = match figure.word.key {
            "psnr" if !metrics.samples.is_empty() => format!(" (mean, best {})", figure.text(spread.best)),
            _ => String::new(),
        };
        let unit = if figure.unit.is_empty() { String::new() } else { format!(" {}", figure.unit) };
        let name = figure.word.ascii.trim_end_matches(figure.unit).trim_end();
        Some(format!("{name} {}{unit}{best}", figure.text(spread.mean)))
    });
    said.collect::<Vec<_>>().join(", ")
}

fn drawn(rows: &[Row]) -> RgbImage {
    let pictures = rows.iter().flat_map(|row| row.cells.iter().map(|(_, picture)| picture.width()));
    let column = pictures.max().unwrap_or(0).max(COLUMN);
    let width = 3 * column + 2 * GAP;
    let height: u32 = rows.iter().map(|row| row.height(width) + 2 * GAP).sum::<u32>() + LINE;
    let mut sheet = RgbImage::from_pixel(width + 2 * MARGIN, height + 2 * MARGIN, PAPER);
    let mut y = MARGIN;
    for row in rows {
        for (line, colour) in row.lines(width) {
            text(&mut sheet, MARGIN, y, &line, colour);
            y += LINE;
        }
        y += GAP / 2;
        let mut bottom = y;
        for (i, (caption, picture)) in row.cells.iter().enumerate() {
            let x = MARGIN + i as u32 * (column + GAP);
            text(&mut sheet, x, y, caption, INK);
            imageops::replace(&mut sheet, picture, i64::from(x), i64::from(y + LINE));
            bottom = bottom.max(y + LINE + picture.height());
        }
        y = bottom + 2 * GAP;
    }
    if rows.iter().any(|row| row.cells.len() > 1) {
        text(&mut sheet, MARGIN, y, "The truth is known to you, never to the attacker.", DIM);
    }
    sheet
}

/// Every pixel a square of equal pixels.
fn enlarged(picture: &RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let factor = picture::scale(width.max(height), SIDE);
    RgbImage::from_fn(width * factor, height * factor, |x, y| *picture.get_pixel(x / factor, y / factor))
}

fn letter_width() -> u32 {
    get_raster_width(FontWeight::Regular, RasterHeight::Size16) as u32
}

/// One line with its top at `y`; what the font does not have is a question mark.
fn text(sheet: &mut RgbImage, x: u32, y: u32, line: &str, ink: Rgb<u8>) {
    let raster = |letter| get_raster(letter, FontWeight::Regular, RasterHeight::Size16);
    for (i, letter) in line.chars().enumerate() {
        let Some(letter) = raster(letter).or_else(|| raster('?')) else { continue };
        for (dy, row) in letter.rows().enumerate() {
            for (dx, &cover) in row.iter().enumerate() {
                let at = (x + i as u32 * letter_width() + dx as u32, y + dy as u32);
                if let Some(pixel) = sheet.get_pixel_mut_checked(at.0, at.1) {
                    for (value, ink) in pixel.0.iter_mut().zip(ink.0) {
                        let mixed =
                            u32::from(ink) * u32::from(cover) + u32::from(*value) * (255 - u32::from(cover));
                        *value = (mixed / 255) as u8;
                    }
                }
            }
        }
    }
}

/// Lines of at most `columns` characters, broken at spaces where there are any.
fn wrapped(line: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut left = columns;
    for word in line.split_inclusive(' ') {
        if left < columns && word.trim_end().chars().count() > left {
            lines.push(String::new());
            left = columns;
        }
        for letter in word.chars() {
            // A space at the end has room in the margin.
            if left == 0 && letter != ' ' {
                lines.push(String::new());
                left = columns;
            }
            if let Some(last) = lines.last_mut() {
                last.push(letter);
            }
            left = left.saturating_sub(1);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_in_words_that_are_too_long() {
        assert_eq!(wrapped("one two three", 8), ["one two ", "three"]);
        assert_eq!(wrapped("one two", 7), ["one two"]);
        assert_eq!(wrapped("one two three", 7), ["one two ", "three"]);
        assert_eq!(wrapped("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrapped("", 4), [""]);
    }

    #[test]
    fn pixels_stay_squares() {
        let picture = RgbImage::from_fn(30, 20, |x, y| Rgb([x as u8, y as u8, 0]));
        let large = enlarged(&picture);
        assert_eq!(large.dimensions(), (210, 140));
        assert_eq!(large.get_pixel(209, 139), picture.get_pixel(29, 19));
        assert_eq!(large.get_pixel(6, 7), picture.get_pixel(0, 1));
        assert_eq!(enlarged(&RgbImage::new(1000, 3)).dimensions(), (1000, 3));
    }

    #[test]
    fn text_leaves_ink_where_it_stands_and_nowhere_else() {
        let mut sheet = RgbImage::from_pixel(100, 40, PAPER);
        text(&mut sheet, 10, 10, "Ab\u{1F600}", INK);
        let inked = |x: u32, y: u32| *sheet.get_pixel(x, y) != PAPER;
        let (right, bottom) = (10 + 3 * letter_width(), 10 + 16);
        assert!((10..right).any(|x| (10..bottom).any(|y| inked(x, y))));
        let outside = |x: u32, y: u32| x < 10 || x >= right || y < 10 || y >= bottom;
        assert!((0..100).all(|x| (0..40).all(|y| !outside(x, y) || !inked(x, y))));
    }
}
