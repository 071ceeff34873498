//! Cells of a study beside each other: every figure's mean over all their runs, and pair by pair how far it is from that of
//! the first cell. Any number of runs makes one group.

use std::collections::BTreeMap;

use super::definition::Asked;
use super::grid::Study;
use super::in_words::short;
use super::results::{Seen, value};
use super::statistics::{Interval, bootstrap, mean};
use crate::figure::{FIGURES, Figure, Form};

/// Cells beside each other; the first is what the others are compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Groups {
    /// A group a cell.
    pub groups: Vec<Group>,
    /// What all of them share of the axes: `classes=any`.
    pub common: Vec<String>,
    /// A row a figure that any run has.
    pub rows: Vec<Row>,
}

/// The runs of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Place of the cell.
    pub cell: usize,
    /// Its points on the axes on which the cells differ.
    pub name: String,
    /// The same without the names of the axes, for lists that are narrow.
    pub short: String,
    /// Runs with a result.
    pub done: usize,
    /// All runs.
    pub all: usize,
}

/// A figure of all groups.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its key.
    pub key: &'static str,
    /// Over the runs of each group.
    pub means: Vec<Option<Mean>>,
    /// Of each group less the first one, pair by pair, where both have a result.
    pub apart: Vec<Option<Mean>>,
}

/// A mean over runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// Runs that have the figure.
    pub runs: usize,
    /// Their mean.
    pub mean: f64,
    /// 95 % bootstrap interval over pairs.
    pub interval: Option<Interval>,
}

impl Mean {
    fn of(values: &[f64]) -> Option<Mean> {
        let of = |drawn: &[usize]| mean(&drawn.iter().map(|at| values[*at]).collect::<Vec<_>>());
        Some(Mean { runs: values.len(), mean: mean(values)?, interval: bootstrap(values.len(), of) })
    }

    /// `45.2 [42.0, 48.1]`.
    pub fn text(&self, figure: &Figure) -> String {
        let unit = if figure.form == Form::Share { " %" } else { "" };
        let interval = self.interval.map_or_else(String::new, |Interval { low, high }| {
            format!(" [{}, {}]", short(figure, low), short(figure, high))
        });
        format!("{}{unit}{interval}", short(figure, self.mean))
    }

    /// The same of a difference: `-3.1 [-4.0, -2.2]`.
    pub fn text_apart(&self, figure: &Figure) -> String {
        let sign = if self.mean >= 0.0 { "+" } else { "" };
        format!("{sign}{}", self.text(figure))
    }
}

impl Row {
    /// The figure.
    pub fn figure(&self) -> &'static Figure {
        crate::figure::figure(self.key)
    }
}

impl Groups {
    /// These cells of a study, of whose runs this was seen.
    pub fn of(study: &Study, seen: &[Seen], cells: &[usize]) -> Groups {
        let Some(&first) = cells.first() else {
            return Groups { groups: Vec::new(), common: Vec::new(), rows: Vec::new() };
        };
        let axes = &study.definition.axes;
        let point = |cell: usize, axis: usize| axes[axis].names().swap_remove(study.cells[cell].at[axis]);
        let differs = |axis: &usize| {
            cells.iter().any(|cell| study.cells[*cell].at[*axis] != study.cells[first].at[*axis])
        };
        let (apart, shared): (Vec<usize>, Vec<usize>) = (0..axes.len()).partition(differs);
        let with_axis = |cell: usize, axis: usize| format!("{}={}", axes[axis].name, point(cell, axis));
        let group = |&cell: &usize| {
            let runs = || seen.iter().filter(|seen| seen.member.cell == cell);
            let name = apart.iter().map(|axis| with_axis(cell, *axis)).collect::<Vec<_>>().join(", ");
            Group {
                cell,
                short: apart.iter().map(|axis| point(cell, *axis)).collect::<Vec<_>>().join(", "),
                name: if name.is_empty() { study.cells[cell].name.clone() } else { name },
                done: runs().filter(|seen| seen.finished.is_some()).count(),
                all: runs().count(),
            }
        };
        let row = |figure: &'static Figure| {
            let asked = Asked { figure, of_first: false };
            let values: Vec<BTreeMap<u32, f64>> = cells
                .iter()
                .map(|cell| {
                    let of_cell = seen.iter().filter(|seen| seen.member.cell == *cell);
                    let found = of_cell
                        .filter_map(|seen| Some((seen.member.pair, value(&asked, seen.finished.as_ref()?)?)));
                    found.collect()
                })
                .collect();
            let all = |values: &BTreeMap<u32, f64>| Mean::of(&values.values().copied().collect::<Vec<_>>());
            let apart = |of: &BTreeMap<u32, f64>| {
                let both = of.iter().filter_map(|(pair, value)| Some(value - values[0].get(pair)?));
                Mean::of(&both.collect::<Vec<_>>())
            };
            let row = Row {
                key: figure.word.key,
                means: values.iter().map(all).collect(),
                apart: values.iter().skip(1).map(apart).collect(),
            };
            let has_any = row.means.iter().any(Option::is_some);
            // Of the first there is nothing to say.
            has_any.then(|| Row { apart: std::iter::once(None).chain(row.apart).collect(), ..row })
        };
        Groups {
            groups: cells.iter().map(group).collect(),
            common: shared.iter().map(|axis| with_axis(first, *axis)).collect(),
            rows: FIGURES.iter().filter_map(row).collect(),
        }
    }

    /// As spreadsheets take it: a row a group, with all digits.
    pub fn tsv(&self) -> String {
        let mut text = "group\truns".to_owned();
        for row in &self.rows {
            let key = row.key;
            text.push_str(&format!(
                "\t{key}\t{key} low\t{key} high\t{key} apart\t{key} apart low\t{key} apart high"
            ));
        }
        text.push('\n');
        let cells = |mean: Option<Mean>| match mean {
            None => "\t-\t-\t-".to_owned(),
            Some(Mean { mean, interval: Some(Interval { low, high }), .. }) => {
                format!("\t{mean}\t{low}\t{high}")
            }
            Some(Mean { mean, .. }) => format!("\t{mean}\t-\t-"),
        };
        for (at, group) in self.groups.iter().enumerate() {
            text.push_str(&format!("{}\t{}", crate::text::cell(&group.name), group.done));
            for row in &self.rows {
                text.push_str(&cells(row.means[at]));
                text.push_str(&cells(row.apart[at]));
            }
            text.push('\n');
        }
        text
    }
}

#[cfg(all(test, feature = "tui"))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::tui::fixture_studies::{batches, seen_of};

    #[test]
    fn differences_are_of_the_same_pair_and_names_say_what_differs() {
        // 50 dB less 4 for every cell, and as much more as the pair says: the same of a pair in all cells.
        let study = batches(66).study;
        let groups = Groups::of(&study, &seen_of(&study, 66), &[2, 0, 7]);
        assert_eq!(groups.groups[0].name, "classes=unique, B=4");
        assert_eq!(groups.groups[0].short, "unique, 4");
        assert!(groups.common.is_empty());
        let psnr = groups.rows.iter().find(|row| row.key == "psnr").unwrap();
        let (first, other) = (psnr.means[0].unwrap(), psnr.means[1].unwrap());
        assert_eq!((first.runs, other.runs), (6, 6));
        assert!((other.mean - first.mean - 8.0).abs() < 1e-9);
        let interval = other.interval.unwrap();
        assert!(interval.low < other.mean && other.mean < interval.high);
        // Pairs differ by more than that, yet no pair says otherwise.
        assert_eq!(psnr.apart[0], None);
        let apart = psnr.apart[1].unwrap();
        assert_eq!((apart.mean, apart.interval), (8.0, Some(Interval { low: 8.0, high: 8.0 })));
        assert_eq!(apart.text_apart(psnr.figure()), "+8.0 [8.0, 8.0]");
        assert!((psnr.apart[2].unwrap().mean + 20.0).abs() < 1e-9);
        let table = groups.tsv();
        assert!(table.lines().all(|line| line.split('\t').count() == 2 + 6 * groups.rows.len()), "{table}");
    }

    #[test]
    fn a_group_has_the_runs_that_are_done_and_a_single_one_no_interval() {
        let study = batches(12).study;
        let groups = Groups::of(&study, &seen_of(&study, 12), &[0, 5]);
        assert_eq!(
            groups.groups.iter().map(|group| (group.done, group.all)).collect::<Vec<_>>(),
            [(2, 6), (1, 6)]
        );
        let row = &groups.rows[0];
        assert!(row.means[1].unwrap().interval.is_none() && row.apart[1].unwrap().runs == 1);
        let none = Groups::of(&study, &seen_of(&study, 0), &[0, 5]);
        assert!(none.rows.is_empty() && none.groups[0].done == 0);
        assert_eq!(Groups::of(&study, &[], &[]).groups, []);
    }
}
