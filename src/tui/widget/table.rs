//! A table of right-aligned columns: sorted, fitted to the width it has, and as tab-separated values.

use std::cmp::Ordering;

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

pub use crate::format::Cell;
use crate::text;
use crate::tui::theme::Theme;
use crate::tui::view::{Target, View};

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Key of the word that it is explained by.
    pub key: &'static str,
    /// Heading.
    pub heading: String,
    /// Heading in ASCII, also that of the copied table.
    pub ascii: String,
    /// Characters that every value fits in.
    pub width: usize,
    /// How badly it is needed: 0 always; where room is short, the highest go first.
    pub rank: u8,
}

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// One for every column.
    pub cells: Vec<Cell>,
    /// How it is drawn.
    pub style: Style,
    /// It is the one looked at, among others.
    pub open: bool,
}

impl Row {
    /// The number in its first cell, which names it.
    pub fn number(&self) -> Option<u32> {
        self.cells.first()?.value.map(|value| value as u32)
    }
}

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows.
    pub rows: Vec<Row>,
}

impl Table {
    /// Sorts the rows by a column: numbers by value, what is not known last.
    pub fn sort(&mut self, column: usize, reversed: bool) {
        let compare = |a: &Row, b: &Row| {
            let (Some(a), Some(b)) = (a.cells.get(column), b.cells.get(column)) else {
                return Ordering::Equal;
            };
            let order = |order: Ordering| if reversed { order.reverse() } else { order };
            match (a.value, b.value) {
                (Some(a), Some(b)) => order(a.total_cmp(&b)),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => order(a.text.cmp(&b.text)),
            }
        };
        self.rows.sort_by(compare);
    }

    /// Headings and all rows, as spreadsheets take them. Numbers have all their digits.
    pub fn tsv(&self) -> String {
        let line = |cells: Vec<String>| {
            let clean: Vec<_> = cells.iter().map(|cell| text::cell(cell)).collect();
            clean.join("\t") + "\n"
        };
        let headings = self.columns.iter().map(|column| column.ascii.clone()).collect();
        let of = |cell: &Cell| cell.value.map_or_else(|| cell.text.clone(), |value| value.to_string());
        let rows = self.rows.iter().map(|row| line(row.cells.iter().map(of).collect()));
        std::iter::once(line(headings)).chain(rows).collect()
    }

    /// Positions of the columns that fit, the least needed left out first.
    pub fn fitting(&self, width: usize) -> Vec<usize> {
        let mut kept: Vec<usize> = (0..self.columns.len()).collect();
        let needed = |kept: &[usize]| kept.iter().map(|i| self.columns[*i].width + 1).sum::<usize>();
        let most = self.columns.iter().map(|column| column.rank).max().unwrap_or(0);
        for rank in (1..=most).rev() {
            for i in (0..self.columns.len()).rev() {
                if needed(&kept) > width && self.columns[i].rank == rank {
                    kept.retain(|column| *column != i);
                }
            }
        }
        kept
    }

    /// Draws headings and rows from `first` on. `sorted` is the column in use with whether it is reversed; it gets
    /// an arrow where there is room for one.
    pub fn draw(
        &self,
        theme: Theme,
        area: Rect,
        first: usize,
        sorted: Option<(usize, bool)>,
        view: &mut View,
    ) {
        let columns = self.fitting(usize::from(area.width));
        // What is left is shared, so that a wide screen has air between the columns.
        let used: usize = columns.iter().map(|i| self.columns[*i].width).sum();
        let gap = (usize::from(area.width).saturating_sub(used + 1) / columns.len().max(1)).clamp(1, 4);
        let mut x = area.x;
        for i in &columns {
            let column = &self.columns[*i];
            let width = (gap + column.width) as u16;
            let heading = if theme.ascii { &column.ascii } else { &column.heading };
            let arrow = match sorted {
                Some((by, reversed)) if by == *i => match reversed {
                    false => theme.glyph("▴", "^"),
                    true => theme.glyph("▾", "v"),
                },
                _ => "",
            };
            let text = format!("{arrow}{heading}");
            let text = format!("{text:>width$}", width = usize::from(width));
            let style = if arrow.is_empty() { theme.dim() } else { theme.accent() };
            let place = Rect { x, width, height: 1, ..area }.intersection(area);
            view.frame.buffer_mut().set_stringn(x, area.y, text, place.width.into(), style);
            view.hits.add(place, Target::Column(*i));
            x += width;
        }
        let room = usize::from(area.height.saturating_sub(1));
        for (y, row) in self.rows.iter().skip(first).take(room).enumerate() {
            let text: String = columns
                .iter()
                .map(|i| {
                    let cell = row.cells.get(*i).map_or("", |cell| cell.text.as_str());
                    format!("{:gap$}{cell:>width$}", "", width = self.columns[*i].width)
                })
                .collect();
            let line = Line::from(Span::styled(text, row.style));
            let place = Rect { y: area.y + 1 + y as u16, height: 1, ..area };
            view.frame.buffer_mut().set_line(place.x, place.y, &line, place.width);
            if row.open {
                view.frame.buffer_mut().set_stringn(
                    place.x,
                    place.y,
                    theme.glyph("▸", ">"),
                    1,
                    theme.accent(),
                );
            }
            if let Some(number) = row.number() {
                view.hits.add(place, Target::Entry(number));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(values: &[(&str, Option<f64>)]) -> Table {
        let column = |key: &'static str, width, rank| Column {
            key,
            heading: key.to_owned(),
            ascii: key.to_owned(),
            width,
            rank,
        };
        let row = |(name, value): &(&str, Option<f64>)| Row {
            cells: vec![Cell::text(*name), Cell::maybe(*value, |value| format!("{value:.1}"))],
            style: Style::new(),
            open: false,
        };
        Table {
            columns: vec![column("name", 8, 0), column("value", 6, 1)],
            rows: values.iter().map(row).collect(),
        }
    }

    fn names(table: &Table) -> Vec<&str> {
        table.rows.iter().map(|row| row.cells[0].text.as_str()).collect()
    }

    #[test]
    fn what_is_not_known_comes_last_either_way() {
        let mut table = table(&[("b", Some(10.0)), ("a", None), ("c", Some(9.0))]);
        table.sort(1, false);
        assert_eq!(names(&table), ["c", "b", "a"]);
        table.sort(1, true);
        assert_eq!(names(&table), ["b", "c", "a"]);
        table.sort(0, false);
        assert_eq!(names(&table), ["a", "b", "c"]);
    }

    #[test]
    fn copied_numbers_have_all_their_digits() {
        let text = table(&[("a\tb", Some(0.123456789)), ("c", None)]).tsv();
        assert_eq!(text, "name\tvalue\na b\t0.123456789\nc\t-\n");
    }

    #[test]
    fn the_least_needed_column_goes_first() {
        assert_eq!(table(&[]).fitting(40), [0, 1]);
        assert_eq!(table(&[]).fitting(12), [0]);
    }
}
