//! Records of a table: true beside recovered, field by field.

use maud::{Markup, html};

use super::super::record::Record;
use super::super::records::Found;
use crate::run::rows::{Sheet, Told, source};

/// Every kept record of a round, one table each.
pub fn records(found: &Found<'_>, record: &Record) -> Markup {
    let labels = source(&record.config().attack.labels);
    let what = match found.name {
        "reconstruction" => found.name.to_owned(),
        name => format!("{name}, iteration {}", found.iteration),
    };
    let sheets = (0..found.rows.rows.len()).map(|at| Sheet::new(found.truth, found.rows, at));
    let (kept, samples) = (found.rows.rows.len(), found.rows.samples);
    html! {
        @for sheet in sheets { (table(&sheet, &what, &labels)) }
        @if kept < samples { p.empty { "Of " (samples) " records the first " (kept) " are kept." } }
    }
}

fn table(sheet: &Sheet<'_>, what: &str, labels: &str) -> Markup {
    let (has_truth, has_confidence) = (sheet.has_truth(), sheet.has_confidence());
    let line = |told: &Told<'_>, off: &str| {
        html! {
            tr {
                th scope="row" { (told.field) }
                @if has_truth { td.number { (told.truth.as_deref().unwrap_or("–")) } }
                td.number.main { (told.found) }
                td.number { (off) }
                @if has_confidence {
                    td.number { (told.confidence.map(|sure| format!("{sure:.2}")).unwrap_or_default()) }
                }
                @if has_truth { td { (mark(told.right)) } }
            }
        }
    };
    html! {
        div.wide {
            table.record {
                caption { (sheet.title()) ", " (what) }
                thead {
                    tr {
                        th { "field" }
                        @if has_truth { th.number { "true (private)" } }
                        th.number { "recovered" }
                        th.number { @if has_truth { "off by" } }
                        @if has_confidence { th.number { "confidence" } }
                        @if has_truth { th { "right" } }
                    }
                }
                tbody {
                    @for told in sheet.fields() { (line(&told, told.off.as_deref().unwrap_or_default())) }
                    @if let Some(told) = sheet.label() { (line(&told, labels)) }
                }
            }
        }
        p.way {
            @if let Some(summary) = sheet.summaries(" · ").into_iter().next() { (summary) "." }
            @else if !has_truth { "There is no ground truth to judge it by." }
            @if sheet.rows().width > sheet.rows().fields.len() {
                " Of " (sheet.rows().width) " fields the first " (sheet.rows().fields.len()) " are kept."
            }
        }
    }
}

fn mark(right: Option<bool>) -> &'static str {
    match right {
        Some(true) => "✓ yes",
        Some(false) => "✗ no",
        None => "",
    }
}
