//! A table for a paper: a row a run and round, the conditions in its caption. It needs the packages `booktabs` and `graphicx`.

use std::io::{self, Write};

use super::entry::{self, Entry};
use super::record::Record;
use crate::figure::{Figure, figure};
use crate::paper::tex::{Column, Table, escaped, heading, number};
use crate::run::comparison;
use crate::run::cost::Cost;

/// The figures, as far as a row has them, with their names in headings.
const FIGURES: [(&str, &str); 7] = [
    ("psnr", "PSNR"),
    ("ssim", "SSIM"),
    ("st_lpips", "ST-LPIPS"),
    ("label_accuracy", "labels"),
    ("brr", "BRR"),
    ("match", "matching loss"),
    ("match_at_truth", "at the truth"),
];
/// What PSNR is worth without any update: said once where all rows share it, else a column.
const BASELINES: [(&str, &str); 2] =
    [("psnr_grey", "grey picture"), ("psnr_mean", "mean of the other samples")];
/// More settings than a page has room for are named in the caption.
const SETTINGS: usize = 4;

/// Settings that rows say themselves, or that change no figure here.
const BESIDE: [&str; 2] = ["federation.attack_rounds", "run.probe"];

/// Writes the table.
pub fn table(records: &[Record], out: &mut dyn Write) -> io::Result<()> {
    let records: &[Record] = &records.iter().map(Record::for_report).collect::<Vec<_>>();
    let entries = entry::entries(records);
    let ids: Vec<String> = records.iter().map(Record::id).collect();
    let names = comparison::names(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    let run = |entry: &Entry<'_>| records.iter().position(|record| std::ptr::eq(record, entry.record));
    let groups = entry::groups(&entries);
    // In the order of the table, where the members of a group stand together.
    let rows: Vec<&Entry<'_>> = groups.iter().flat_map(|(_, members)| members.iter().copied()).collect();
    let of_run = |entry: &&Entry<'_>| run(entry).unwrap_or(0);
    let name = |entry: &&Entry<'_>| {
        let title = &entry.record.notebook.title;
        row_name(entry, if title.is_empty() { &names[of_run(entry)] } else { title })
    };

    let mut columns =
        vec![Column { heading: "run".into(), is_number: false, cells: rows.iter().map(name).collect() }];
    let sides: Vec<_> = records.iter().zip(&ids).map(|(record, id)| record.side(id)).collect();
    let mut differing = if sides.len() > 1 { comparison::settings(&sides) } else { Vec::new() };
    differing.retain(|setting| !BESIDE.contains(&setting.key));
    let (shown, further) = differing.split_at(differing.len().min(SETTINGS));
    let short = |key: &'static str| key.rsplit('.').next().unwrap_or(key);
    let is_clear =
        |key: &'static str| shown.iter().filter(|other| short(other.key) == short(key)).count() == 1;
    for setting in shown {
        let cell = |entry: &&Entry<'_>| match setting.cells.get(of_run(entry)).map(|cell| cell.text.as_str())
        {
            None | Some("-") => "--".to_owned(),
            Some(value) => escaped(value),
        };
        columns.push(Column {
            heading: escaped(if is_clear(setting.key) { short(setting.key) } else { setting.key }),
            is_number: false,
            cells: rows.iter().map(cell).collect(),
        });
    }
    columns.extend(FIGURES.iter().filter_map(|&(key, name)| measured(figure(key), name, &rows)));
    columns.extend(lost(&rows));
    let mut baselines = Vec::new();
    for (key, name) in BASELINES {
        let Some(column) = measured(figure(key), name, &rows) else { continue };
        match column.cells.split_first() {
            Some((first, others)) if others.iter().all(|other| other == first) => {
                baselines.push(format!("{first}~dB for {}", article(name)));
            }
            _ => columns.push(column),
        }
    }

    let further: Vec<String> = further.iter().map(|setting| escaped(setting.key)).collect();
    let caption = caption(&rows, &groups, &baselines, &further);
    let mut bodies = Vec::new();
    let mut at = 0;
    for (group, (_, members)) in groups.iter().enumerate() {
        let name = (groups.len() > 1).then(|| letter(group));
        bodies.push((name, at..at + members.len()));
        at += members.len();
    }
    let about = ids.iter().map(|id| format!("run {id}")).collect();
    let label = ids.first().map(String::as_str).unwrap_or_default();
    Table { about, caption, label, columns, bodies }.write(out)
}

/// With how it stands, where its figures are not final.
fn row_name(entry: &Entry<'_>, run: &str) -> String {
    let name = entry.called(run);
    match entry.measured().complete {
        true => escaped(&name),
        false => escaped(&format!("{name} ({}, so far)", entry.record.health.name())),
    }
}

/// A figure of every row; nothing where no row has it.
fn measured(figure: &Figure, name: &str, rows: &[&Entry<'_>]) -> Option<Column> {
    let values: Vec<Option<f64>> = rows.iter().map(|row| figure.value(&row.measured())).collect();
    values.iter().any(Option::is_some).then(|| Column {
        heading: heading(figure, name),
        is_number: true,
        cells: values
            .into_iter()
            .map(|value| value.map_or_else(|| "--".into(), |value| number(figure, value)))
            .collect(),
    })
}

/// Points of accuracy that post-processing costs, where that is known of any row.
fn lost(rows: &[&Entry<'_>]) -> Option<Column> {
    let costs = rows.iter().map(|row| row.record.cost.as_ref());
    let cell = |cost: Option<&Cost>| {
        cost.map_or_else(|| "--".into(), |cost| escaped(&cost.drop.times(100.0).to_string()))
    };
    rows.iter().any(|row| row.record.cost.is_some()).then(|| Column {
        heading: "points of accuracy lost".into(),
        is_number: true,
        cells: costs.map(cell).collect(),
    })
}

fn article(baseline: &str) -> String {
    let article = if baseline.starts_with("mean") { "the" } else { "a" };
    format!("{article} {baseline}")
}

/// What a reader must know of every figure.
fn caption(
    rows: &[&Entry<'_>],
    groups: &[(String, Vec<&Entry<'_>>)],
    baselines: &[String],
    further: &[String],
) -> String {
    let mut sentences = vec!["Gradient inversion.".to_owned()];
    sentences.push(match rows {
        [_] => "The figures are those of a single run, no statistic over several.".to_owned(),
        _ if rows.iter().any(|row| row.record.state.rounds.len() > 1) => {
            "Every row is one round of a single run, no statistic over several.".to_owned()
        }
        _ => "Every row is a single run, no statistic over several.".to_owned(),
    });
    match groups {
        [(conditions, _)] => sentences.push(escaped(conditions)),
        several => sentences.extend(
            several
                .iter()
                .enumerate()
                .map(|(at, (conditions, _))| format!("{}~{}", letter(at), escaped(conditions))),
        ),
    }
    if rows.iter().any(|row| row.record.config().batch() > 1) {
        sentences.push("Figures of a batch are means over its samples.".to_owned());
    }
    if !baselines.is_empty() {
        sentences.push(format!("Without any update, PSNR is {}.", baselines.join(" and ")));
    }
    let seeds = rows.iter().filter_map(|row| Some(row.record.cost.as_ref()?.seeds));
    if let Some(least) = seeds.min() {
        let of = if least > 1 {
            "the median over the seeds named, with least and most"
        } else {
            "those of single pairs of trainings"
        };
        sentences.push(format!("Points of accuracy lost are {of}."));
    }
    // What an update is likely to be belongs to its figures.
    let read = entry::readings(rows.iter().map(|row| row.record));
    sentences.extend(read.iter().map(|sentence| escaped(sentence)));
    if !further.is_empty() {
        sentences.push(format!("The runs also differ in {}.", further.join(", ")));
    }
    sentences.join(" ")
}

/// `(a)`, `(b)` to `(z)`, `(27)`.
pub fn letter(group: usize) -> String {
    match u8::try_from(group) {
        Ok(group @ 0..26) => format!("({})", char::from(b'a' + group)),
        _ => format!("({})", group + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_letters() {
        assert_eq!([0, 25, 26].map(letter), ["(a)", "(z)", "(27)"]);
    }
}
