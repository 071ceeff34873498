//! A report as one page to read, print and pass on, without scripts and without anything from elsewhere. It holds the report's
//! data as well, so that it can be checked again.

use std::path::Path;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::in_words::{self, Tone};
use super::report::{Attempt, Report};
use super::{AuditError, conclusion, seal};
use crate::catalogue::defence;
use crate::config::RunConfig;
use crate::config::difference::differences;
use crate::format::count;
use crate::run::RunDirectory;
use crate::run::export::{SHEET, by_round, recovered};
use crate::study::Place;

/// Where the data begin and end.
const DATA: (&str, &str) = ("<script type=\"application/json\" id=\"report\">", "</script>");

/// Attacks whose pictures are shown.
const SHOWN: usize = 3;

/// Attacks with a curve of their own.
const CURVES: usize = 6;

/// Threat models, in the words of a reader who has never heard of them (Carletti et al. 2025, table 1, shortened).
const THREAT_MODELS: [(&str, &str); 8] = [
    (
        "A",
        "reads the model, the update and the number of samples: every server does, and whoever listens on the line",
    ),
    ("B", "knows the labels of the samples as well"),
    ("C", "also knows how the client trains: steps, batches, learning rate"),
    ("D", "also has data of the same kind, or a program that makes such"),
    ("E", "also knows statistics of the client's own samples"),
    ("F", "is the server, and sends a model that was made to leak"),
    ("G", "is such a server, and has data of the same kind"),
    ("H", "is such a server, and sends clients different models"),
];

/// Words of the report, for whoever has not met them.
const WORDS: [(&str, &str); 18] = [
    (
        "federation, client, server",
        "many parties (clients) train one model together: a server sends them the model, each computes on its own samples how it would change it, and sends that back.",
    ),
    (
        "update",
        "what a client sends to the server after it has looked at its own samples: how it would change the model. The samples themselves are not sent.",
    ),
    (
        "gradient inversion",
        "looking for samples that would make the same update. If there is only one answer and the search finds it, it is the private samples.",
    ),
    (
        "recovered",
        "a picture that comes back with 20 dB or more, at which people recognise it; a record whose fields are all right. gialab's definition.",
    ),
    (
        "dB (PSNR)",
        "how near a picture is to the private one: -10 log10 of the mean squared error. 10 is what a grey square has, 20 is recognisable, above 40 no eye sees a difference.",
    ),
    (
        "over what needs no update",
        "the same score less that of a grey square, of the mean of other samples, or of the same search on noise, whichever is best: what the update itself gave away.",
    ),
    (
        "self-test",
        "the simulated client is given the private samples. If it does not make the update that was sent, an attack that simulates it fails for that reason alone, and its failure proves nothing.",
    ),
    (
        "control on noise",
        "the best attack once more, on noise as large as the update. Nothing must come back.",
    ),
    (
        "P_eff, B d",
        "numbers in the update that can tell something, and numbers in the private samples. Fewer of the first than of the second: several batches make the same update. With more of the first nothing is shown either way.",
    ),
    (
        "post-processing",
        "what a client does to its update before it sends it, as adding noise or sending a part. The attacks know of it and adapt.",
    ),
    (
        "label",
        "the class that a sample is of, as the garment that a picture shows, or a diagnosis. Labels are optimised (searched for beside the sample), read (computed from the update by a rule, as idlg), given, or not used.",
    ),
    (
        "seed, batch, local steps",
        "the number that all chance is drawn from; the samples that an update is computed from at once; how often a client changes its model before it sends what became of it.",
    ),
    (
        "a client that looks",
        "what a client would have found that compares the model it was sent with the one that was agreed on: layers that were added, rows of numbers that are copies of each other (alike), zero (silent) or extreme.",
    ),
    ("difference × 1", "a picture of how far the one that came back is from the private one, in each point."),
    (
        "membership, attributes",
        "whether somebody's sample was among those trained on, and properties of it: other questions than what it looks like.",
    ),
    (
        "flex, cuda, burn",
        "with what it was computed: on the processor, on a graphics card; the software for it.",
    ),
    (
        "preset, lenet5, FedSGD and the like",
        "names of gialab's, of the model and of how clients train; the settings in the appendix have them all. gialab explain WORD says more.",
    ),
    ("BatchNorm", "a part of some models that carries the mean and spread of the samples it was trained on."),
];

/// The page of a report whose runs are in this directory.
///
/// # Errors
/// If a run that is shown cannot be read.
pub fn page(report: &Report, place: &Path) -> Result<String, AuditError> {
    let place = Place::at(place.to_path_buf());
    let title = format!("Audit of {}", report.subject.name);
    let pictures = pictures(report, &place)?;
    let data = serde_json::to_string(&Report { seal: String::new(), ..report.clone() })
        .unwrap_or_default()
        .replace('<', "\\u003c");
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "gialab " (report.gialab) };
                title { (title) " · gialab" }
                style { (PreEscaped(SHEET)) }
            }
            body {
                header {
                    p.kind { "gialab · audit of what an update gives away" }
                    h1 { (title) }
                    p.about { (conclusion::conclusion(report)) }
                }
                main {
                    section { h2 { "What was audited" } (subject(report)) }
                    section { h2 { "Does the simulated client make this update?" } (test(report)) }
                    section { h2 { "What came back" } (attempts(report)) }
                    @if !pictures.is_empty() { section { h2 { "Seen" } @for picture in &pictures { (picture) } } }
                    @if report.attempts.iter().any(|attempt| attempt.rounds.len() > 1) {
                        section { h2 { "Round by round" } (rounds(report, &place)?) }
                    }
                    @if !report.clients.is_empty() {
                        section { h2 { "Client by client" } (clients(report, &place)?) }
                    }
                    section { h2 { "What would protect" } (protections(report)) }
                    section { h2 { "What was not tried" } (not_tried(report)) }
                    section { h2 { "What this is and is not" } (claims(report)) }
                    section { h2 { "Words" } (words()) }
                    section { h2 { "Appendix: to do it again" } (appendix(report)) }
                }
                footer {
                    p {
                        "Made by gialab " (report.gialab) " on this machine; nothing left it. "
                        "Seal: " code { (seal::open()) } ". " code { "gialab audit verify FILE" }
                        " tells whether a byte was changed since; it does not tell who made it."
                    }
                }
                (PreEscaped(format!("{}{data}{}", DATA.0, DATA.1)))
            }
        }
    };
    Ok(seal::closed(&page.into_string()))
}

/// The data in a page.
pub(super) fn data(page: &str) -> Option<String> {
    let (_, rest) = page.split_once(DATA.0)?;
    let (data, _) = rest.split_once(DATA.1)?;
    Some(data.to_owned())
}

fn subject(report: &Report) -> Markup {
    let subject = &report.subject;
    html! {
        p {
            (if subject.captured { "An update that a client sent: " } else { "A federation, simulated as the preset describes it: " })
            (subject.samples) " " (in_words::things(report)) " behind one update; " (subject.conditions.join("; ")) "."
        }
        @if let Some(post) = &subject.post { p { "Post-processing: " (post) ". The attacks adapt to it." } }
        @if !subject.has_truth {
            p { "The private samples were not given: what came back can be looked at, and not judged." }
        }
        @for note in &subject.reading { p.about { "Read: " (note) "." } }
    }
}

fn test(report: &Report) -> Markup {
    let (words, holds) = in_words::self_test(report.self_test.as_ref(), report.subject.captured);
    html! {
        p {
            b { (match holds { Some(true) => "Yes: ", Some(false) => "No: ", None => "Not known: " }) }
            (words) "."
        }
        @if !report.taken.is_empty() {
            p { "Everything below is with " code { (report.taken.join(", ")) } (in_words::FOUND_OUT) "." }
        }
        p.about {
            (report.bounds.dimension)
            @if let Some(r_eff) = report.bounds.r_eff {
                "; about " (format!("{r_eff:.0}")) " of the " (report.bounds.input) " directions of an input show in the gradient of the honest model"
            }
            "."
        }
    }
}

fn attempts(report: &Report) -> Markup {
    let of_this = |letter: &str| report.attempts.iter().any(|attempt| attempt.threat_model == letter);
    html! {
        p.about { "From little knowledge to much. Of several rounds the one in which most came back; of several samples also the worst and the best." }
        div.wide {
            table {
                thead { tr { th { "attacker" } th { "attack" } th { "knows besides" } th { "what came back" } } }
                tbody {
                    @for attempt in &report.attempts { (attempt_row(&attempt.threat_model, attempt, report)) }
                    @if let Some(control) = &report.control { (attempt_row("control on noise", control, report)) }
                }
            }
        }
        p.about { "Attackers (threat models of Carletti et al., USENIX Security 2025):" }
        div.wide {
            table.samples {
                tbody {
                    @for (letter, words) in THREAT_MODELS {
                        tr {
                            th scope="row" { (letter) }
                            td { (words) @if !of_this(letter) { " (no attack of this kind was run)" } }
                        }
                    }
                }
            }
        }
        @if report.bounds.received.iter().any(|(_, found)| !found.is_empty()) {
            h3 { "What the client could have seen of a model that was made to leak" }
            @for (title, found) in &report.bounds.received { p { (title) ": " (found.join("; ")) "." } }
        }
    }
}

fn attempt_row(who: &str, attempt: &Attempt, report: &Report) -> Markup {
    let (words, tone) = in_words::came_back(attempt, report);
    html! {
        tr.chosen[tone == Tone::Bad] {
            td { (who) }
            td { (attempt.title) br; span.aside { (attempt.source) } }
            td { (attempt.knows.join("; ")) }
            td { (words) }
        }
    }
}

/// Truth and reconstruction of those attacks that brought most back, and of the best that did not.
fn pictures(report: &Report, place: &Place) -> Result<Vec<Markup>, AuditError> {
    let mut ended: Vec<&Attempt> =
        report.attempts.iter().filter(|attempt| !attempt.rounds.is_empty()).collect();
    ended.sort_by(|a, b| b.by_score(a));
    let some = ended.iter().filter(|attempt| attempt.recovered().unwrap_or(0) > 0).count();
    // What does not count as recovered is to be seen as well: the best of it, without post-processing and with it.
    let best = ended.iter().take(some.min(SHOWN)).chain(ended.get(some)).copied();
    let holding = report.protections.iter().filter(|it| it.holds && !it.attempt.rounds.is_empty());
    let protected = holding.map(|it| &it.attempt).max_by(|a, b| a.by_score(b));
    let shown = best.chain(protected);
    let runs: Vec<RunDirectory> = shown.map(|attempt| place.run(&attempt.run)).collect();
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    Ok(recovered(&runs)?.into_iter().map(|(_, markup)| markup).collect())
}

/// PSNR by round of the attacks with most, and the figures of all.
fn rounds(report: &Report, place: &Place) -> Result<Markup, AuditError> {
    let mut ended: Vec<&Attempt> =
        report.attempts.iter().filter(|attempt| attempt.rounds.len() > 1).collect();
    ended.sort_by(|a, b| b.by_score(a));
    ended.truncate(CURVES);
    let runs: Vec<RunDirectory> = ended.iter().map(|attempt| place.run(&attempt.run)).collect();
    let names: Vec<String> = ended.iter().map(|attempt| attempt.name()).collect();
    let drawing = if runs.is_empty() { None } else { by_round(&runs, &names)? };
    Ok(html! {
        @if let Some(drawing) = &drawing { (figure(drawing)) }
        div.wide {
            table {
                thead { tr { th { "attack" } th.number { "round" } th { "what came back" } } }
                tbody {
                    @for attempt in &report.attempts {
                        @for round in &attempt.rounds {
                            tr {
                                th scope="row" { (attempt.name()) }
                                td.number { (round.round) }
                                td {
                                    @if let Some(count) = round.recovered { (count) " of " (report.subject.samples) "; " }
                                    (in_words::scores(round).join("; "))
                                }
                            }
                        }
                    }
                }
            }
        }
    })
}

/// The best attack on the client that was audited, and on others of the federation.
fn clients(report: &Report, place: &Place) -> Result<Markup, AuditError> {
    let audited = report.best();
    let others = report.clients.iter().map(|attempt| (in_words::client(attempt), attempt));
    let all: Vec<(String, &Attempt)> =
        audited.map(|attempt| ("the audited one".to_owned(), attempt)).into_iter().chain(others).collect();
    let several: Vec<_> = all.iter().filter(|(_, attempt)| attempt.rounds.len() > 1).collect();
    let runs: Vec<RunDirectory> = several.iter().map(|(_, attempt)| place.run(&attempt.run)).collect();
    let names: Vec<String> = several.iter().map(|(name, _)| name.clone()).collect();
    let drawing = if runs.is_empty() { None } else { by_round(&runs, &names)? };
    Ok(html! {
        p.about {
            "The attack that brought most back, on the samples of other clients as well: as many of each, in the place of those that "
            "were audited, with the same knowledge and as many evaluations. The rest of the data is dealt anew."
        }
        @if let Some(drawing) = &drawing { (figure(drawing)) }
        div.wide {
            table {
                thead { tr { th { "client" } th { "what came back" } } }
                tbody {
                    @for (name, attempt) in &all {
                        tr { th scope="row" { (name) } td { (in_words::came_back(attempt, report).0) } }
                    }
                }
            }
        }
    })
}

/// A drawing in a page: what makes it a file of its own stays out.
fn figure(drawing: &str) -> Markup {
    html! { figure { (PreEscaped(drawing.split_once("?>").map_or(drawing, |(_, drawing)| drawing))) } }
}

fn protections(report: &Report) -> Markup {
    html! {
        p { (conclusion::protection(report)) "." }
        @if let Some(words) = conclusion::refusal(report) { p { (words) } }
        @if !report.protections.is_empty() {
            div.wide {
                table {
                    thead {
                        tr {
                            th { "post-processing" }
                            th { "holds" }
                            th { "what came back for an attacker who knows of it" }
                            th { "accuracy lost" }
                            th.number { "bytes of an update" }
                        }
                    }
                    tbody {
                        @for protection in &report.protections {
                            @let (words, _) = in_words::came_back(&protection.attempt, report);
                            tr {
                                th scope="row" { (protection.steps.join(", ")) }
                                td { (if protection.holds { "yes" } else { "no" }) }
                                td { (protection.attempt.title) ": " (words) }
                                td { (protection.cost.as_deref().unwrap_or(if protection.holds { "not measured" } else { "–" })) }
                                td.number {
                                    @match protection.bytes {
                                        Some((with, without)) => { (count(with as usize)) " of " (count(without as usize)) }
                                        None => "–"
                                    }
                                }
                            }
                        }
                    }
                }
            }
            (steps(report))
        }
    }
}

/// What each step of post-processing does, where a report has any.
fn steps(report: &Report) -> Markup {
    let configs =
        report.protections.iter().filter_map(|it| toml::from_str::<RunConfig>(&it.attempt.config).ok());
    let mut kinds: Vec<String> = configs.flat_map(|config| config.post).map(|post| post.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let about = kinds.iter().filter_map(|kind| defence::defence(kind));
    html! {
        @for words in &report.unfit { p.about { "Not tried: " (words) "." } }
        p.about {
            "Each was set against the attack that had most, and the one that had most of those that search; both know of it and have as many "
            "evaluations as before, and the one that brought more back is shown. It holds where no more than may came back. A cost "
            "is measured of what holds."
        }
        dl { @for facts in about { dt { b { (facts.name) } } dd { (facts.about) } } }
    }
}

fn not_tried(report: &Report) -> Markup {
    html! {
        ul {
            @for left in &report.not_tried { li { (left.title) " (" (left.threat_model) "): " (left.why) } }
            li { (in_words::others(report)) }
        }
    }
}

/// What reviewers ask of such a document, and what it has of it.
fn claims(report: &Report) -> Markup {
    let privacy = report.subject.privacy.as_deref();
    html! {
        p {
            "It is a record of attempts on this one case: which attacks, with which knowledge, for how long, with what result (the "
            "European Data Protection Board's Opinion 28/2024 asks for such, case by case, where a model is said to be anonymous). "
            "What was not recovered by these attacks with this budget (" (report.budget) ") may be recovered by others. It is no "
            "proof of safety, and no statement on membership or attribute inference, which were not tried."
        }
        p {
            "Claims of differential privacy (what NIST SP 800-226 asks for): "
            @match privacy {
                Some(words) => {
                    (words) ". Unit: one sample of one client. Trust: the client adds the noise itself and trusts nobody. "
                    "Implementation: gialab's accountant of the subsampled Gaussian mechanism, in floating point."
                }
                None => "none is made, and none follows from anything here."
            }
        }
        p {
            "Every attack above is one run, of one seed and one batch: a single case, no average. What another seed or another batch "
            "would have is not in it. Only what post-processing costs is of several seeds, where it says so."
        }
    }
}

fn words() -> Markup {
    html! {
        dl { @for (word, meaning) in WORDS { dt { b { (word) } } dd { (meaning) } } }
    }
}

/// What of the settings of an attempt is not as in those of what was audited.
fn changed(report: &Report, attempt: &Attempt) -> Option<String> {
    let of = |text: &str| toml::from_str::<RunConfig>(text).ok();
    let changed = differences(&of(&report.subject.config)?, &of(&attempt.config)?);
    let changed = changed.iter().map(|change| format!("{} = {}", change.key, change.to));
    Some(changed.collect::<Vec<_>>().join("; "))
}

/// When it was made, the same wherever it is read.
fn date(seconds: f64) -> String {
    let at = jiff::Timestamp::from_second(seconds as i64).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn appendix(report: &Report) -> Markup {
    let protections = report.protections.iter().map(|protection| &protection.attempt);
    let other = report.control.iter().chain(&report.clients);
    let runs: Vec<&Attempt> = report.attempts.iter().chain(other).chain(protections).collect();
    html! {
        p { code { (report.command) } }
        p { "gialab " (report.gialab) ", burn " (report.burn) ", " (date(report.made)) ". Files, with their SHA-256:" }
        div.wide {
            table.samples {
                tbody {
                    @for input in &report.subject.files {
                        tr { th scope="row" { (input.what) } td { (input.path) } td { code { (input.sha256) } } }
                    }
                    @if report.subject.files.is_empty() { tr { td { "none: all of it is in gialab and in the settings below" } } }
                }
            }
        }
        details open { summary { "Settings of what was audited" } pre { (report.subject.config) } }
        @for attempt in runs {
            p {
                b { (attempt.run) } ": seed " (attempt.seed) ", " (attempt.backend)
                @if let Some(threads) = attempt.threads { ", " (threads) " thread(s)" }
                br;
                @if let Some(command) = &attempt.command { code { (command) } br; }
                @else if let Some(changed) = changed(report, attempt) { "with " code { (changed) } br; }
                "SHA-256 of its result: " code { (attempt.result_sha256) }
            }
            // On paper what is above says the same.
            details { summary { "its settings" } pre { (attempt.config) } }
        }
    }
}
