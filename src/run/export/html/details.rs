//! What a reader needs to judge one run and to make it again.

use maud::{Markup, html};

use super::chart::{Curve, chart, swatch};
use super::words::{self, count, duration, fixed};
use super::{COST, Entry, QUALITY, heading, legend};
use crate::figure::{FIGURES, Figure, figure};
use crate::fl::post;
use crate::run::event::{Level, TrialOutcome};
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
    let written = |words: String| Some(words).filter(|words| !words.is_empty());
    let tags: Vec<&str> = record.notebook.tags.iter().map(String::as_str).collect();
    let facts = [
        ("title", written(record.notebook.title.clone())),
        ("what", Some(config.title.clone())),
        ("tags", written(tags.join(", "))),
        ("note", written(record.notebook.note.clone())),
        ("preset", Some(manifest.preset.clone())),
        ("status", Some(record.health.name().to_owned())),
        ("error", manifest.error.clone()),
        ("victim", Some(format!("{}, {samples}, batch of {}", victim.source(), config.batch()))),
        ("model", Some(model(record))),
        (
            "attacker",
            Some(format!(
                "{}, labels {}, threat model {}",
                config.attack.kind.name(),
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

/// What was measured besides the figures of the first table.
fn further(entry: &Entry<'_>, round: &RoundState) -> Markup {
    let measured = entry.measured();
    let recovered = entry.record.config().run.recovered_psnr;
    let result = round.result.as_ref();
    let came_back = match &round.result {
        Some(result) => labels::of_round(entry.record.config(), result),
        None => round.shown_trial().and_then(|trial| labels::of_trial(entry.record.config(), trial)),
    };
    let said = [
        ("labels read", round.labels_read.as_ref().map(labels::read)),
        ("came back", came_back),
        ("a sample is recovered from", measured.metrics.map(|_| format!("{} dB", fixed(recovered, 1)))),
        ("told from the update", result.and_then(|result| result.inferred.as_deref()).map(post::in_words)),
        ("steps", result.map(|result| result.stages.join("; ")).filter(|steps| !steps.is_empty())),
        ("outcome", result.and_then(verdict::sentence)),
        ("what may help", result.and_then(Verdict::of).and_then(Verdict::remedy).map(str::to_owned)),
        ("answer", result.and_then(|result| verdict::answer(result, &entry.record.config().attack))),
        ("baselines", result.and_then(verdict::baselines)),
    ];
    let said = said.into_iter().map(|(name, value)| (name.to_owned(), value));
    let in_first_table = |figure: &&Figure| [&QUALITY[..], &COST].concat().contains(&figure.word.key);
    let others = FIGURES
        .iter()
        .filter(|figure| !in_first_table(figure))
        .map(|figure| (heading(figure), figure.value(&measured).map(|value| words::of(figure, value))));
    let all: Vec<(String, String)> =
        said.chain(others).filter_map(|(name, value)| Some((name, value?))).collect();
    html! {
        @if !all.is_empty() {
            h3 { "Further figures" @if entry.record.state.rounds.len() > 1 { ", round " (round.round) } }
            dl.facts { @for (name, value) in all { div { dt { (name) } dd { (value) } } } }
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
                        th { "trial" } th { "ended" } th.number { "iterations" }
                        @for key in TRIAL { th.number { (heading(figure(key))) } }
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

/// Figures of a trial.
const TRIAL: [&str; 5] = ["match", "psnr", "iteration", "evaluations", "seconds"];

fn row(style: usize, trial: &TrialState, chosen: bool, planned: usize) -> Markup {
    let measured = trial.measured();
    html! {
        tr.chosen[chosen] {
            th scope="row" { (swatch(style)) " " (trial.trial + 1) @if chosen { " chosen" } }
            td { (trial.end.as_ref().map_or("not ended", |end| ending(end.outcome))) }
            td.number { (count(trial.iteration)) " of " (count(planned)) }
            @for figure in TRIAL.map(figure) {
                td.number { (or_dash(figure.value(&measured).map(|value| words::of(figure, value)))) }
            }
        }
    }
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "–".to_owned())
}

fn ending(outcome: TrialOutcome) -> &'static str {
    match outcome {
        TrialOutcome::Completed => "all iterations done",
        TrialOutcome::Converged => "converged",
        TrialOutcome::Stalled => "stalled",
        TrialOutcome::NonFinite => "not finite",
        TrialOutcome::OutOfTime => "its seconds were spent",
    }
}

/// Every sample of a batch.
fn samples(entry: &Entry<'_>, round: &RoundState) -> Markup {
    let stored = record::shown_picture(round).and_then(|(picture, _)| picture.metrics.as_deref());
    let metrics = entry.measured().metrics;
    let Some(metrics) =
        metrics.filter(|m| !m.samples.is_empty()).or(stored).filter(|m| !m.samples.is_empty())
    else {
        return html! {};
    };
    let has = |figure: &&Figure| metrics.samples.iter().any(|sample| figure.of_sample(sample).is_some());
    let figures: Vec<&Figure> = FIGURES.iter().filter(has).collect();
    html! {
        h3 { "Samples" }
        p { "In the order of the pictures, row by row." }
        div.wide {
            table.samples {
                thead { tr { th { "sample" } @for figure in &figures { th.number { (heading(figure)) } } } }
                tbody {
                    @for (i, sample) in metrics.samples.iter().enumerate() {
                        tr {
                            th scope="row" { (i + 1) }
                            @for figure in &figures {
                                td.number { (or_dash(figure.of_sample(sample).map(|value| words::of(figure, value)))) }
                            }
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
