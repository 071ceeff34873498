//! A report: one page without scripts and without anything from elsewhere, to read, print and pass on.

mod chart;
mod details;
mod record;
mod style;
mod words;

use std::io::{Cursor, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{ImageFormat, RgbImage};
use maud::{DOCTYPE, Markup, PreEscaped, html};

pub use style::SHEET;

use super::ExportError;
use super::entry::{self, Entry};
use super::picture::{self, Pair};
use super::record::Record;
use crate::figure::{Figure, figure};
use crate::run::RunDirectory;
use crate::run::state::{Picture, RoundState};
use chart::{Curve, chart, swatch};
use words::{count, fixed};

/// A picture is enlarged to about this many pixels, one of its history to fewer.
const SIDE: u32 = 200;
const SMALL_SIDE: u32 = 64;
/// Pictures of the history that are shown.
const HISTORY: usize = 8;

impl Entry<'_> {
    fn name(&self) -> String {
        self.called(&self.record.id())
    }

    /// A figure as the page says it; `n/a` where it needs a truth and there is none.
    fn text(&self, figure: &Figure) -> String {
        match figure.value(&self.measured()) {
            None if figure.needs_truth() && !self.record.config().has_truth() => "n/a".to_owned(),
            value => value.map_or_else(|| "–".to_owned(), |value| words::of(figure, value)),
        }
    }
}

/// Writes the page.
pub fn page(records: &[Record], out: &mut dyn Write) -> Result<(), ExportError> {
    let records: &[Record] = &records.iter().map(Record::for_report).collect::<Vec<_>>();
    let entries = entry::entries(records);
    let title = match records {
        [one] => one.config().title.clone(),
        several => format!("{} runs compared", several.len()),
    };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                // The page needs nothing from elsewhere, and can get nothing.
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "gialab " (env!("CARGO_PKG_VERSION")) };
                title { (title) " · gialab" }
                style { (PreEscaped(style::SHEET)) }
            }
            body {
                header {
                    p.kind { "gialab · gradient inversion report" }
                    h1 { (title) }
                    @if let [one] = records { p.about { (one.config().about) } }
                }
                main {
                    section { h2 { "Result" } (results(&entries)) }
                    section { h2 { (seen(records)) } @for entry in &entries { (pictures(entry)?) } }
                    section { h2 { "Loss" } (losses(&entries)) }
                    @for record in records { (details::section(record, &entries)) }
                }
                footer {
                    p {
                        "The truth and every figure that depends on it are known to you, never to the attacker. PSNR and "
                        "MSE after clamping to [0, 1]; SSIM with a Gaussian window of 11 pixels, σ = 1.5. Of a batch the "
                        "mean, after the best assignment of reconstructions to samples, and the best sample in brackets; "
                        "an infinite PSNR counts as 100 dB in a mean. ST-LPIPS is a shift-tolerant perceptual distance, "
                        "not comparable with LPIPS. BRR, the share of the batch that is recovered, and WSRR, the share of "
                        "batches whose worst sample is, are gialab's definitions."
                    }
                    p { "Exported " (words::moment(crate::run::now())) " by gialab " (env!("CARGO_PKG_VERSION")) "." }
                }
            }
        }
    };
    Ok(out.write_all(page.into_string().as_bytes())?)
}

/// What there is to see of runs, one by one: pictures or records, round by round, for a page with [`style::SHEET`].
///
/// # Errors
/// If a run cannot be read, or a picture of it.
pub fn recovered(runs: &[RunDirectory]) -> Result<Vec<(String, Markup)>, ExportError> {
    let records = super::record::read(runs)?;
    let entries = entry::entries(&records);
    entries.iter().map(|entry| Ok((entry.record.id(), pictures(entry)?))).collect()
}

/// The metrics, with a heading for every set of conditions.
fn results(entries: &[Entry<'_>]) -> Markup {
    html! {
        div.wide {
            table.results {
                thead {
                    tr {
                        th { "run" }
                        @for key in QUALITY { th.number { (heading(figure(key))) } }
                        th.number { "trial" }
                        @for key in COST { th.number { (heading(figure(key))) } }
                    }
                }
                @for (conditions, members) in &entry::groups(entries) {
                    tbody {
                        tr.conditions { th colspan=(QUALITY.len() + COST.len() + 2) scope="rowgroup" { (conditions) } }
                        @for entry in members { (result(entry)) }
                    }
                }
            }
        }
    }
}

/// Figures of the first table, before and behind the trial; all others stand with their run.
const QUALITY: [&str; 8] = ["psnr", "ssim", "st_lpips", "mse", "brr", "wsrr", "label_accuracy", "match"];
const COST: [&str; 2] = ["evaluations", "seconds"];

/// A heading that does not break before its arrow.
fn heading(figure: &Figure) -> String {
    format!("{}\u{a0}{}", figure.word.ascii, figure.better.arrow()).trim_end().to_owned()
}

fn result(entry: &Entry<'_>) -> Markup {
    let measured = entry.measured();
    let is_batch = measured.metrics.is_some_and(|metrics| !metrics.samples.is_empty());
    let best = measured.metrics.and_then(|metrics| metrics.psnr).filter(|_| is_batch);
    let trial = measured.trial.map(|trial| format!("{} of {}", trial + 1, measured.trials));
    html! {
        tr {
            th scope="row" {
                (swatch(entry.style)) " " (entry.name())
                @if !measured.complete {
                    " " span.status { (entry.record.health.name()) ", so far" }
                }
            }
            @for key in QUALITY {
                td.number.main[key == "psnr"] {
                    (entry.text(figure(key)))
                    @if let Some(psnr) = best.filter(|_| key == "psnr") {
                        " " span.aside { "(" (words::of(figure(key), psnr.best)) ")" }
                    }
                }
            }
            td.number { (trial.unwrap_or_else(|| if entry.round.is_some() { String::new() } else { "–".to_owned() })) }
            @for key in COST { td.number { (entry.text(figure(key))) } }
        }
    }
}

/// What there is to see of these runs.
fn seen(records: &[Record]) -> &'static str {
    match records.iter().filter(|record| record.is_of_table()).count() {
        0 => "Pictures",
        tables if tables == records.len() => "Records",
        _ => "Pictures and records",
    }
}

/// Truth, reconstruction, difference, and how the reconstruction came to be.
fn pictures(entry: &Entry<'_>) -> Result<Markup, ExportError> {
    let records: Vec<_> = super::records::of(entry.record)
        .into_iter()
        .filter(|found| Some(found.round) == entry.round.map(|r| r.round))
        .collect();
    if !records.is_empty() {
        return Ok(html! {
            div.pictures {
                h3 { (swatch(entry.style)) " " (entry.name()) }
                @for found in &records { (record::records(found, entry.record)) }
            }
        });
    }
    let pair = match entry.round {
        Some(round) => picture::pair(entry.record, round)?.map(|pair| (round, pair)),
        None => None,
    };
    let Some((round, pair)) = pair else {
        return Ok(html! {
            div.pictures { h3 { (swatch(entry.style)) " " (entry.name()) } p.empty { (nothing(entry.record)) } }
        });
    };
    let metrics = pair.stored.metrics.as_deref().or(entry.measured().metrics);
    let psnr = metrics.and_then(|metrics| metrics.psnr);
    let quality = psnr.map_or_else(String::new, |psnr| format!(", {} dB", fixed(psnr.mean, 2)));
    let history = history(entry.record, round)?;
    let control = picture::control(entry.record, round)?;
    let enhanced = picture::enhanced(entry.record, round)?;
    let gained = entry
        .measured()
        .enhanced
        .map_or_else(String::new, |[answer, _]| format!(", {} dB", fixed(answer, 2)));
    Ok(html! {
        div.pictures {
            h3 { (swatch(entry.style)) " " (entry.name()) }
            div.row {
                @if let Some(truth) = &pair.truth {
                    (shown(&truth.file, truth.pixels.dimensions(), SIDE, "truth (private)"))
                }
                (shown(&pair.judged.file, pair.judged.pixels.dimensions(), SIDE, &caption(&pair, &quality)))
                @if let Some(better) = &enhanced {
                    (shown(&better.file, better.pixels.dimensions(), SIDE, &format!("enhanced by the attacker's network{gained}")))
                }
                @if let Some(noise) = &control {
                    (shown(&noise.file, noise.pixels.dimensions(), SIDE, &on_noise(entry)))
                }
                @if let Some((difference, factor)) = pair.difference() {
                    (shown(&encoded(&difference)?, difference.dimensions(), SIDE, &format!("difference × {factor}")))
                }
            }
            @if !history.is_empty() {
                p.way { "On the way there, by iteration:" }
                div.row.history {
                    @for (picture, loaded) in &history {
                        @let caption = iterate(picture);
                        (shown(&loaded.file, loaded.pixels.dimensions(), SMALL_SIDE, &caption))
                    }
                }
            }
        }
    })
}

/// What the picture is that the same search makes of noise.
fn on_noise(entry: &Entry<'_>) -> String {
    let score = entry.measured().baselines.and_then(|baselines| baselines.noise);
    let score = score.map_or_else(String::new, |score| format!(", {} dB", fixed(score.0, 2)));
    format!("the same search on noise{score}")
}

/// Why there is nothing to see.
fn nothing(record: &Record) -> &'static str {
    match record.is_of_table() {
        true => "An earlier gialab kept no fields of these records: run it again.",
        false => "No pictures were recorded.",
    }
}

fn caption(pair: &Pair<'_>, quality: &str) -> String {
    match pair.name {
        "reconstruction" => format!("reconstruction{quality}"),
        name => format!("{name}, iteration {}{quality}", pair.stored.iteration),
    }
}

fn iterate(picture: &Picture) -> String {
    let psnr = picture.metrics.as_ref().and_then(|metrics| metrics.psnr);
    let quality = psnr.map(|psnr| format!(", {}\u{a0}dB", fixed(psnr.mean, 1)));
    format!("{}{}", count(picture.iteration), quality.unwrap_or_default())
}

/// Iterates of the shown trial, spread evenly over those that were stored.
fn history<'a>(
    record: &Record,
    round: &'a RoundState,
) -> Result<Vec<(&'a Picture, picture::Loaded)>, ExportError> {
    let stored = round.shown_trial().map_or(&[][..], |trial| &trial.pictures);
    let shown = stored.len().min(HISTORY);
    let place = |i: usize| if shown < 2 { 0 } else { i * (stored.len() - 1) / (shown - 1) };
    let picked = (0..shown).filter_map(|i| stored.get(place(i)));
    picked.map(|stored| Ok((stored, picture::load(record, stored)?))).collect()
}

fn shown(file: &[u8], (width, height): (u32, u32), side: u32, caption: &str) -> Markup {
    let factor = picture::scale(width.max(height), side);
    html! {
        figure {
            img src={ "data:image/png;base64," (STANDARD.encode(file)) } width=(width * factor) height=(height * factor)
                alt=(caption);
            figcaption { (caption) }
        }
    }
}

fn encoded(picture: &RgbImage) -> std::io::Result<Vec<u8>> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Png).map_err(|e| std::io::Error::other(e.to_string()))?;
    Ok(file.into_inner())
}

/// The shown trial of every entry on shared axes; of a single one with its priors.
fn losses(entries: &[Entry<'_>]) -> Markup {
    let mut trials = entries.iter().filter_map(|entry| Some((entry, entry.round?.shown_trial()?)));
    let mut curves: Vec<(String, Curve<'_>)> = trials
        .clone()
        .map(|(entry, trial)| {
            let name = match entries {
                [_] => format!("matching loss of trial {}", trial.trial + 1),
                _ => format!("{}, trial {}", entry.name(), trial.trial + 1),
            };
            (name, Curve { series: &trial.matching, style: entry.style, strong: false })
        })
        .collect();
    if let ([_], Some((_, trial))) = (entries, trials.next())
        && trial.prior.range().is_some_and(|(_, high)| high > 0.0)
    {
        curves.push(("weighted priors".into(), Curve { series: &trial.prior, style: 1, strong: false }));
        curves.push((
            "total, what is minimised".into(),
            Curve { series: &trial.total, style: 2, strong: false },
        ));
    }
    let (names, curves): (Vec<String>, Vec<Curve<'_>>) = curves.into_iter().unzip();
    html! {
        figure.curves {
            figcaption { "Matching loss by iteration, logarithmic scale" }
            (chart("Matching loss by iteration, logarithmic scale", &curves))
            (legend(&names, &curves))
        }
    }
}

fn legend(names: &[String], curves: &[Curve<'_>]) -> Markup {
    let has_missing = curves
        .iter()
        .any(|curve| curve.series.buckets().iter().any(|bucket| bucket.marks > 0 || bucket.min <= 0.0));
    html! {
        ul.legend {
            @for (name, curve) in names.iter().zip(curves) { li { (swatch(curve.style)) " " (name) } }
            @if has_missing { li { b { "×" } " NaN, infinite, or not above zero" } }
        }
    }
}
