//! `gialab compare --study NAME`: cells of a study beside each other.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use gialab::format;
use gialab::run::RunDirectory;
use gialab::study::groups::Row;
use gialab::study::{Groups, Mean, Member, Scale, Seen, Study};
use serde::Serialize;

use super::super::{Context, DONE, output};
use super::find;

/// As wide as a page of text.
const WIDTH: usize = 100;

/// A mean in the JSON object.
#[derive(Serialize)]
struct Told {
    /// Runs that have the figure.
    runs: usize,
    mean: f64,
    /// Ends of the 95 % interval; null for a single run.
    low: Option<f64>,
    high: Option<f64>,
}

/// A figure of a group in the JSON object.
#[derive(Serialize)]
struct Figure {
    #[serde(flatten)]
    told: Option<Told>,
    /// Less the first group's, pair by pair.
    apart: Option<Told>,
}

/// A cell in the JSON object.
#[derive(Serialize)]
struct Cell<'a> {
    group: &'a str,
    /// Runs with a result.
    done: usize,
    runs: usize,
    figures: BTreeMap<&'static str, Figure>,
}

#[derive(Serialize)]
struct Document<'a> {
    study: &'a str,
    /// What all groups share of the axes.
    common: &'a [String],
    groups: Vec<Cell<'a>>,
}

/// Prints the cells of which these are runs: means over their runs, and how far each is from the first one.
pub fn compare(context: &Context, name: &str, runs: &[RunDirectory], json: bool) -> anyhow::Result<u8> {
    let (study, place) = find(context, name, None)?;
    let ids: BTreeSet<String> = runs.iter().map(RunDirectory::id).collect();
    let is_meant = |member: &Member| ids.contains(&study.id(*member));
    let members: Vec<Member> = study.members(every(&study, &ids)).into_iter().filter(is_meant).collect();
    anyhow::ensure!(!members.is_empty(), "none of these runs is of study {name} as it is now");
    let seen = Seen::read(&study, &place, members)?;
    let cells: BTreeSet<usize> = seen.iter().map(|seen| seen.member.cell).collect();
    let groups = Groups::of(&study, &seen, &cells.into_iter().collect::<Vec<_>>());
    let mut out = output::whole(json);
    match json {
        true => {
            serde_json::to_writer(&mut out, &document(&study, &groups))?;
            writeln!(out)?;
        }
        false => table(&mut out, &study, &groups)?,
    }
    out.flush()?;
    Ok(DONE)
}

/// More pairs than the study says may have been asked for.
fn every(study: &Study, ids: &BTreeSet<String>) -> Scale {
    let pairs = study.definition.pairs.max(u32::try_from(ids.len()).unwrap_or(u32::MAX));
    Scale { quick: false, pairs: Some(pairs) }
}

fn table(out: &mut impl Write, study: &Study, groups: &Groups) -> std::io::Result<()> {
    writeln!(out, "{}: {}", study.name, study.definition.title)?;
    let conditions: Vec<String> =
        study.conditions().into_iter().chain(groups.common.iter().cloned()).collect();
    for line in format::wrapped(&conditions.join(", "), WIDTH) {
        writeln!(out, "{line}")?;
    }
    writeln!(out)?;
    let runs = groups.groups.iter().map(|group| match group.done == group.all {
        true => group.all.to_string(),
        false => format!("{} of {}", group.done, group.all),
    });
    let names = groups.groups.iter().enumerate().map(|(at, group)| {
        let mark = if at == 0 { "*" } else { " " };
        format!("{mark} {}", group.name)
    });
    let headed = |heading: &str, cells: &mut dyn Iterator<Item = String>| -> Vec<String> {
        std::iter::once(heading.to_owned()).chain(cells).collect()
    };
    let mut columns = vec![headed("  group", &mut names.into_iter()), headed("runs", &mut runs.into_iter())];
    let asked = study.figures();
    let is_asked = |row: &&Row| asked.iter().any(|asked| asked.figure.word.key == row.key);
    for row in groups.rows.iter().filter(is_asked) {
        let figure = row.figure();
        let text = |mean: &Option<Mean>| mean.map_or_else(|| "-".to_owned(), |mean| mean.text(figure));
        let apart = |mean: &Option<Mean>| mean.map_or_else(|| "-".to_owned(), |mean| mean.text_apart(figure));
        columns.push(headed(figure.word.ascii, &mut row.means.iter().map(text)));
        columns.push(headed("less *", &mut row.apart.iter().map(apart)));
    }
    let width = |column: &Vec<String>| column.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = columns.iter().map(width).collect();
    for row in 0..=groups.groups.len() {
        let cells = columns.iter().zip(&widths).enumerate().map(|(at, (column, &width))| match at {
            0 => format!("{:<width$}", column[row]),
            _ => format!("{:>width$}", column[row]),
        });
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    writeln!(
        out,
        "means with 95 % bootstrap intervals over pairs of seed and pictures; less *: than the first, pair by pair"
    )
}

fn document<'a>(study: &'a Study, groups: &'a Groups) -> Document<'a> {
    let told = |mean: Option<Mean>| {
        mean.map(|mean| Told {
            runs: mean.runs,
            mean: mean.mean,
            low: mean.interval.map(|interval| interval.low),
            high: mean.interval.map(|interval| interval.high),
        })
    };
    let figure = |row: &Row, at: usize| Figure { told: told(row.means[at]), apart: told(row.apart[at]) };
    let cells = groups.groups.iter().enumerate().map(|(at, group)| Cell {
        group: &group.name,
        done: group.done,
        runs: group.all,
        figures: groups.rows.iter().map(|row| (row.key, figure(row, at))).collect(),
    });
    Document { study: &study.name, common: &groups.common, groups: cells.collect() }
}
