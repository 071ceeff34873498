//! Dots in cells: braille, or one character a cell where only ASCII can be shown.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Dots of braille in a cell, across and down.
const DOTS: (usize, usize) = (2, 4);

/// How a curve is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Pen {
    /// Colour.
    pub style: Style,
    /// In ASCII, this character.
    pub ascii: char,
    /// Of so many dots (second), the first so many are set.
    pub dashes: (usize, usize),
}

/// Dots of one plot; a cell takes the style of the last curve that touched it.
pub struct Canvas {
    area: Rect,
    ascii: bool,
    cells: Vec<(u8, char, Style)>,
}

impl Canvas {
    /// An empty plot.
    pub fn new(area: Rect, ascii: bool) -> Self {
        let cells = vec![(0, ' ', Style::new()); usize::from(area.width) * usize::from(area.height)];
        Canvas { area, ascii, cells }
    }

    fn dots(&self) -> (usize, usize) {
        if self.ascii { (1, 1) } else { DOTS }
    }

    /// Dots across and down.
    pub fn size(&self) -> (usize, usize) {
        let dots = self.dots();
        (usize::from(self.area.width) * dots.0, usize::from(self.area.height) * dots.1)
    }

    fn dot(&mut self, x: usize, y: usize, pen: &Pen) {
        const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
        let dots = self.dots();
        let at = (y / dots.1) * usize::from(self.area.width) + x / dots.0;
        if let Some(cell) = self.cells.get_mut(at) {
            let bit = if self.ascii { 1 } else { BITS[x % 2][y % 4] };
            // Dots of another curve in this cell stay, in the new colour: a cell has one.
            *cell = (cell.0 | bit, pen.ascii, pen.style);
        }
    }

    /// A vertical line.
    pub fn vertical(&mut self, x: usize, a: usize, b: usize, pen: &Pen) {
        for y in a.min(b)..=a.max(b) {
            if x % pen.dashes.1 < pen.dashes.0 {
                self.dot(x, y, pen);
            }
        }
    }

    /// A line from one dot to another further right.
    pub fn join(&mut self, (x0, y0): (usize, usize), (x1, y1): (usize, usize), pen: &Pen) {
        let steps = x1.saturating_sub(x0);
        let at = |n: usize| {
            (y0 as f64 + (y1 as f64 - y0 as f64) * n as f64 / steps.max(1) as f64).round() as usize
        };
        for n in 1..=steps {
            self.vertical(x0 + n, at(n - 1), at(n), pen);
        }
    }

    /// Writes the dots.
    pub fn paint(&self, buffer: &mut Buffer) {
        for (at, (bits, ascii, style)) in self.cells.iter().enumerate().filter(|(_, cell)| cell.0 != 0) {
            let width = usize::from(self.area.width);
            let place = (self.area.x + (at % width) as u16, self.area.y + (at / width) as u16);
            if let Some(cell) = buffer.cell_mut(place) {
                let symbol = if self.ascii {
                    *ascii
                } else {
                    char::from_u32(0x2800 + u32::from(*bits)).unwrap_or(' ')
                };
                cell.set_char(symbol).set_style(*style);
            }
        }
    }
}
