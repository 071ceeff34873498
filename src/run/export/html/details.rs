//! What a reader needs to judge one run and to make it again.

use maud::{Markup, html};

use super::chart::{Curve, chart, swatch};
use super::words::{self, count, duration, error, fixed, loss, percent};
use super::{Entry, legend};
use crate::run::event::{Level, Metrics, Ratio, TrialOutcome};
use crate::run::export::record::{self, Record};
use crate::run::export::reproduce;
use crate::run::labels;
use crate::run::state::{RoundState, TrialState};
use crate::run::{Verdict, verdict};

/// The section of one run.
pub fn section(record: &Record, entries: &[Entry<'_>]) -> Markup {
    let of_run = entries.iter().filter(|entry| std::ptr::eq(entry.record, record));
    html! {
        section.run {
            h2 { (record.id()) }
            (facts(record))
            @for entry in of_run {
                @if let Some(round) = entry.round {
                    (further(entry, round))
                    (trials(round))
                    (samples(entry, round))
                }
            }
            (notices(record))
            (again(record))
        }
    }
}

fn facts(record: &Record) -> Markup {
    let (manifest, config) = (&record.manifest, record.config());
    let victim = &config.victim;
    let samples = match victim.positions() {
        positions if victim.captured.is_none() && !positions.is_empty() => {
            format!("sample {}", positions.iter().map(usize::to_string).collect::<Vec<_>>().join(", "))
        }
        _ => victim.which(),
    };
    let facts = [
        ("what", Some(config.title.clone())),
        ("preset", Some(manifest.preset.clone())),
        ("status", Some(record.health.name().to_owned())),
        ("error", manifest.error.clone()),
        ("victim", Some(format!("{}, {samples}, batch of {}", victim.source(), config.batch()))),
        ("model", Some(model(record))),
        (
            "attacker",
            Some(format!(
                "{}, labels {}, threat model {}",
                config.attack.kind,
                config.attack.labels.name(),
                config.threat_model()
            )),
        ),
        ("backend", Some(record.device().to_owned())),
        ("seed", Some(config.run.seed.to_string())),
        ("host", Some(manifest.host.clone())),
        ("versions", Some(format!("gialab {}, burn {}", manifest.gialab, manifest.burn))),
        ("begun", Some(words::moment(manifest.created))),
        ("computed", Some(duration(record.state.seconds))),
        ("files", Some(record.directory.path().display().to_string())),
    ];
    html! {
        dl.facts {
            @for (name, value) in facts {
                @if let Some(value) = value { div { dt { (name) } dd { (value) } } }
            }
            @for note in manifest.reading.notes() { div { dt { "read" } dd { (note) } } }
        }
    }
}

fn model(record: &Record) -> String {
    let config = record.config();
    let size = record.state.rounds.first().map(|round| {
        format!(", {} parameters, update of norm {}", count(round.parameters), fixed(round.update_norm, 3))
    });
    format!(
        "{}, {}, BatchNorm {}{}",
        config.victim.model,
        config.training(),
        config.victim.batch_norm(),
        size.unwrap_or_default()
    )
}

/// What was measured besides the metrics of the first table.
fn further(entry: &Entry<'_>, round: &RoundState) -> Markup {
    let figures = entry.figures();
    let metrics = figures.and_then(|figures| figures.metrics);
    let probe = figures.and_then(|figures| figures.probe);
    let share = |of: fn(&Metrics) -> Option<f64>| metrics.and_then(of).map(percent);
    let recovered = entry.record.config().run.recovered_psnr;
    let result = round.result.as_ref();
    let iip = metrics.and_then(|m| Some((m.iip?, m.iip_pool?)));
    let came_back = match &round.result {
        Some(result) => labels::of_round(entry.record.config(), result),
        None => round.shown_trial().and_then(|trial| labels::of_trial(entry.record.config(), trial)),
    };
    let measured = [
        ("labels read", round.labels_read.as_ref().map(labels::read)),
        ("came back", came_back),
        ("a sample is recovered from", metrics.map(|_| format!("{} dB", fixed(recovered, 1)))),
        ("LPIPS v0.1, mean", metrics.and_then(|m| m.lpips).map(|distance| fixed(distance.mean, 3))),
        ("classes known to be there or not", share(|m| m.label_existence)),
        ("classes with known count", share(|m| m.label_count)),
        (
            "IIP, nearest in pixels",
            iip.map(|(share, pool)| {
                format!("{}, among {} candidates of the class", percent(share), count(pool))
            }),
        ),
        ("feature MSE, mean", metrics.and_then(|m| m.feature_mse).map(|spread| error(spread.mean))),
        ("fields right", share(|m| m.fields)),
        ("outcome", result.and_then(verdict::sentence)),
        ("what may help", result.and_then(Verdict::of).and_then(Verdict::remedy).map(str::to_owned)),
        ("answer", result.and_then(|result| verdict::answer(result, &entry.record.config().attack))),
        ("baselines", result.and_then(verdict::baselines)),
        ("accuracy of the model", round.accuracy.map(|accuracy| format!("{} %", fixed(100.0 * accuracy, 1)))),
        ("IGSA (gialab's definition)", probe.map(|probe| loss(probe.igsa))),
        ("IGSA_rel (gialab's definition)", probe.map(|probe| loss(probe.igsa_rel))),
        ("r_eff", probe.map(|probe| fixed(probe.r_eff, 1))),
    ];
    html! {
        @if measured.iter().any(|(_, value)| value.is_some()) {
            h3 { "Further figures" @if entry.record.state.rounds.len() > 1 { ", round " (round.round) } }
            dl.facts {
                @for (name, value) in measured {
                    @if let Some(value) = value { div { dt { (name) } dd { (value) } } }
                }
            }
        }
    }
}

/// The restarts beside each other, if there were several.
fn trials(round: &RoundState) -> Markup {
    if round.trials.len() < 2 {
        return html! {};
    }
    let chosen = round.result.as_ref().map(|result| result.trial);
    let is_chosen = |trial: &TrialState| chosen == Some(trial.trial);
    let curves: Vec<Curve<'_>> = round
        .trials
        .iter()
        .enumerate()
        .map(|(style, trial)| Curve { series: &trial.matching, style, strong: is_chosen(trial) })
        .collect();
    html! {
        h3 { "Trials" }
        figure.curves {
            figcaption {
                "Matching loss of every trial by iteration, logarithmic scale"
                @if chosen.is_some() { "; the chosen one is thicker" }
            }
            (chart("Matching loss of every trial by iteration", &curves))
            (legend(&[], &curves))
        }
        div.wide {
            table {
                thead {
                    tr {
                        th { "trial" } th { "ended" } th.number { "match\u{a0}↓" } th.number { "PSNR dB\u{a0}↑" }
                        th.number { "best at" } th.number { "iterations" } th.number { "evaluations" }
                        th.number { "time" }
                    }
                }
                tbody {
                    @for (style, trial) in round.trials.iter().enumerate() {
                        (row(style, trial, is_chosen(trial), round.iterations))
                    }
                }
            }
        }
    }
}

fn row(style: usize, trial: &TrialState, chosen: bool, planned: usize) -> Markup {
    let dash = || "–".to_owned();
    html! {
        tr.chosen[chosen] {
            th scope="row" { (swatch(style)) " " (trial.trial + 1) @if chosen { " chosen" } }
            td { (trial.end.as_ref().map_or("not ended", |end| ending(end.outcome))) }
            td.number { (trial.matching_loss().map_or_else(dash, loss)) }
            td.number { (trial.latest_metrics().map_or_else(dash, |m| fixed(m.psnr.mean, 2))) }
            td.number { (count(trial.best_iteration)) }
            td.number { (count(trial.iteration)) " of " (count(planned)) }
            td.number { (count(trial.evaluations)) }
            td.number { (trial.end.as_ref().map_or_else(dash, |end| duration(end.seconds))) }
        }
    }
}

fn ending(outcome: TrialOutcome) -> &'static str {
    match outcome {
        TrialOutcome::Completed => "all iterations done",
        TrialOutcome::Converged => "converged",
        TrialOutcome::Stalled => "stalled",
        TrialOutcome::NonFinite => "not finite",
    }
}

/// Every sample of a batch.
fn samples(entry: &Entry<'_>, round: &RoundState) -> Markup {
    let stored = record::shown_picture(round).and_then(|(picture, _)| picture.metrics.as_deref());
    let metrics: Option<&Metrics> = entry.figures().and_then(|figures| figures.metrics);
    let Some(metrics) =
        metrics.filter(|m| !m.samples.is_empty()).or(stored).filter(|m| !m.samples.is_empty())
    else {
        return html! {};
    };
    let three = |value: Option<Ratio>| value.map_or_else(|| "–".to_owned(), |value| fixed(value.0, 3));
    html! {
        h3 { "Samples" }
        p { "In the order of the pictures, row by row." }
        div.wide {
            table.samples {
                thead {
                    tr {
                        th { "sample" } th.number { "PSNR dB\u{a0}↑" } th.number { "SSIM\u{a0}↑" }
                        th.number { "ST-LPIPS\u{a0}↓" } th.number { "MSE\u{a0}↓" }
                    }
                }
                tbody {
                    @for (i, sample) in metrics.samples.iter().enumerate() {
                        tr {
                            th scope="row" { (i + 1) }
                            td.number { (fixed(sample.psnr, 2)) }
                            td.number { (three(sample.ssim)) }
                            td.number { (three(sample.st_lpips)) }
                            td.number { (error(sample.mse)) }
                        }
                    }
                }
            }
        }
    }
}

/// What to know when judging the run.
fn notices(record: &Record) -> Markup {
    let worth = record.state.log.iter().filter(|line| line.level != Level::Info);
    let mut notices: Vec<String> = worth.map(|line| line.message.clone()).collect();
    if record.skipped > 0 {
        notices
            .push(format!("{} lines of the event log could not be read and were left out.", record.skipped));
    }
    if record.state.unknown > 0 {
        notices.push(format!(
            "{} events are of kinds that gialab {} does not know.",
            record.state.unknown,
            env!("CARGO_PKG_VERSION")
        ));
    }
    html! {
        @if !notices.is_empty() {
            h3 { "Notices" }
            ul { @for notice in notices { li { (notice) } } }
        }
    }
}

fn again(record: &Record) -> Markup {
    let config =
        toml::to_string(record.config()).unwrap_or_else(|error| format!("# cannot be shown: {error}"));
    html! {
        h3 { "To reproduce it" }
        @match reproduce::command(&record.manifest) {
            Some(command) => pre.command { (command) },
            None => {
                p { "The preset is not shipped with gialab: save the configuration below, then run it." }
                pre.command {
                    "gialab run ./" (record.manifest.preset) ".toml --backend " (record.manifest.backend)
                }
            }
        }
        h3 { "Configuration" }
        pre.config { (config.trim()) }
    }
}
