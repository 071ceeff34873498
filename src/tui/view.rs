//! What drawing needs beside the model, and what it leaves behind: where a click would land.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use super::keymap::Action;
use super::model::Screen;
use crate::gfx::{Cells, Surface};

/// One frame being drawn.
pub struct View<'a, 'b> {
    /// Text and lines.
    pub frame: &'a mut Frame<'b>,
    /// Pictures.
    pub surface: &'a mut dyn Surface,
    /// What was drawn where.
    pub hits: &'a mut Hits,
}

/// What a click means at some place of the screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// A tab.
    Tab(Screen),
    /// A line of a list, by its key: a preset's or a run's name.
    Row(String),
    /// A key shown in the footer, or a line of the palette.
    Key(Action),
    /// A plot: its area is that of its axes.
    Chart,
    /// A row of a run's table, by the number in its first cell.
    Entry(u32),
    /// A sample of a batch.
    Sample(usize),
    /// A column of a table.
    Column(usize),
    /// The name of a figure, by its key.
    Word(&'static str),
    /// A field of a form, or an item of a list, that lies over the screen.
    Item(usize),
    /// Nothing; covers what is below.
    Cover,
}

/// A click.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// What was clicked.
    pub target: Target,
    /// Where all of it is.
    pub area: Rect,
    /// Column of the click.
    pub column: u16,
    /// Row of the click.
    pub row: u16,
}

/// Targets of one frame; of overlapping ones the last drawn counts.
#[derive(Debug, Clone, Default)]
pub struct Hits(Vec<(Rect, Target)>);

impl Hits {
    /// Adds a target.
    pub fn add(&mut self, area: Rect, target: Target) {
        if area.area() > 0 {
            self.0.push((area, target));
        }
    }

    /// What a click at that column and row hits.
    pub fn at(&self, column: u16, row: u16) -> Option<Hit> {
        let here = |(area, _): &&(Rect, Target)| area.contains(Position::new(column, row));
        let (area, target) = self.0.iter().rev().find(here)?;
        Some(Hit { target: target.clone(), area: *area, column, row })
    }
}

/// Draws with cells alone, as tests do.
pub fn with_cells<'b>(frame: &mut Frame<'b>, cells: &mut Cells, draw: impl FnOnce(&mut View<'_, 'b>)) {
    draw(&mut View { frame, surface: cells, hits: &mut Hits::default() });
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn of_overlapping_targets_the_last_drawn_counts() {
        let mut hits = Hits::default();
        hits.add(Rect::new(0, 0, 10, 5), Target::Chart);
        hits.add(Rect::new(2, 2, 3, 1), Target::Sample(4));
        hits.add(Rect::new(0, 0, 0, 5), Target::Cover);
        let hit = hits.at(3, 2).unwrap();
        assert_eq!((hit.area, hit.target), (Rect::new(2, 2, 3, 1), Target::Sample(4)));
        assert_eq!(hits.at(0, 0).map(|hit| hit.target), Some(Target::Chart));
        assert_eq!(hits.at(10, 0), None);
    }
}
