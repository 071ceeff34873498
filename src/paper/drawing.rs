//! A drawing: paths, words and pictures at their places, one unit a point of print, y from the top down.

use image::RgbImage;

use super::path::Path;
use super::{SIZE, font};

/// Red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

/// Black.
pub const INK: Colour = Colour(0, 0, 0);
/// For what stands behind or beside.
pub const GREY: Colour = Colour(0x66, 0x66, 0x66);
/// Lines across a plot.
pub const FAINT: Colour = Colour(0xdd, 0xdd, 0xdd);
/// White.
pub const PAPER: Colour = Colour(0xff, 0xff, 0xff);

/// A figure in its size.
#[derive(Debug, Clone)]
pub struct Drawing {
    /// In points.
    pub width: f64,
    /// In points.
    pub height: f64,
    /// What it shows, in a few words.
    pub title: String,
    /// The conditions of all that is shown.
    pub about: String,
    /// What is drawn, in this order.
    pub items: Vec<Item>,
}

/// One thing that is drawn.
#[derive(Debug, Clone)]
pub enum Item {
    /// Lines and areas.
    Path(Shape),
    /// Words.
    Text(Words),
    /// Pixels.
    Picture(Picture),
}

/// A path with its looks.
#[derive(Debug, Clone)]
pub struct Shape {
    /// What it is for.
    pub class: &'static str,
    /// Where the pen goes.
    pub path: Path,
    /// Of the area.
    pub fill: Option<Colour>,
    /// Colour and width of the line.
    pub stroke: Option<(Colour, f64)>,
    /// Lengths of line and gap in turn; empty for a line without gaps.
    pub dashes: &'static [f64],
    /// What it stands for, told where the pointer is.
    pub name: Option<String>,
}

/// One line of words.
#[derive(Debug, Clone)]
pub struct Words {
    /// What they are for.
    pub class: &'static str,
    /// Their base line, at the anchor.
    pub at: (f64, f64),
    /// Which part of them stands there.
    pub anchor: Anchor,
    /// Their colour.
    pub colour: Colour,
    /// Read from below to above.
    pub is_upright: bool,
    /// What they say.
    pub text: String,
    /// A smaller, raised end: an exponent.
    pub raised: String,
}

/// Which part of a line stands at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// Its beginning.
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// Pixels, every one a square.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Upper left corner.
    pub at: (f64, f64),
    /// Width and height in print.
    pub size: (f64, f64),
    /// What it shows.
    pub name: String,
    /// The pixels.
    pub pixels: RgbImage,
}

/// Size of what is raised, and by how much, in points.
pub const RAISED: (f64, f64) = (5.0, 2.5);

impl Drawing {
    /// An empty one.
    pub fn new(width: f64, title: &str, about: &str) -> Drawing {
        Drawing { width, height: 0.0, title: title.to_owned(), about: about.to_owned(), items: Vec::new() }
    }

    /// Adds a path that is drawn as a line.
    pub fn stroke(
        &mut self,
        class: &'static str,
        path: Path,
        line: (Colour, f64),
        dashes: &'static [f64],
    ) -> &mut Shape {
        self.shape(Shape { class, path, fill: None, stroke: Some(line), dashes, name: None })
    }

    /// Adds a path that is filled.
    pub fn fill(&mut self, class: &'static str, path: Path, fill: Colour) -> &mut Shape {
        self.shape(Shape { class, path, fill: Some(fill), stroke: None, dashes: &[], name: None })
    }

    fn shape(&mut self, shape: Shape) -> &mut Shape {
        self.items.push(Item::Path(shape));
        match self.items.last_mut() {
            Some(Item::Path(shape)) => shape,
            _ => unreachable!("it was put there"),
        }
    }

    /// Adds words.
    pub fn words(
        &mut self,
        class: &'static str,
        text: impl Into<String>,
        at: (f64, f64),
        anchor: Anchor,
        colour: Colour,
    ) {
        let words =
            Words { class, at, anchor, colour, is_upright: false, text: text.into(), raised: String::new() };
        self.items.push(Item::Text(words));
    }
}

impl Words {
    /// How long they are, in points.
    pub fn width(&self) -> f64 {
        font::width(&self.text, SIZE) + font::width(&self.raised, RAISED.0)
    }

    /// Where the first letter begins, along the line, from the anchor.
    pub fn begins(&self) -> f64 {
        match self.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -self.width() / 2.0,
            Anchor::End => -self.width(),
        }
    }
}
