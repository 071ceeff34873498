//! What is printed: figures as drawings that are written as SVG or PDF, and the words of LaTeX tables. It knows no run; whoever
//! has something to show makes a [`plot::Plot`] or a [`strip::Strip`] of it.

pub mod axis;
pub mod drawing;
mod font;
mod path;
mod pdf;
pub mod plot;
pub mod strip;
mod svg;
pub mod tex;

pub use drawing::Drawing;
pub use path::Path;
pub use pdf::pdf;
pub use svg::svg;

/// How wide a figure is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Width {
    /// 3.3 inches, a column of two.
    #[default]
    Column,
    /// 7 inches, the width of a page.
    Page,
}

impl Width {
    /// All widths.
    pub const ALL: [Width; 2] = [Width::Column, Width::Page];

    /// Inches, as one writes them.
    pub fn name(self) -> &'static str {
        match self {
            Width::Column => "3.3",
            Width::Page => "7",
        }
    }

    /// In points, 72 to an inch.
    fn points(self) -> f64 {
        match self {
            Width::Column => 237.6,
            Width::Page => 504.0,
        }
    }
}

/// Size of letters, and from one line to the next, in points.
const SIZE: f64 = 7.0;
const LINE: f64 = 9.5;
