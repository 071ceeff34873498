//! A plot, still without a size: curves, marks and intervals on two axes, with a legend and notes below.

mod layout;

pub use layout::drawing;

use super::axis::{Decades, round_step};
use crate::figure::{Figure, Form};

/// The style of marks that stand for those of any colour.
pub const BLACK: usize = 3;

/// Curves, marks and intervals on two axes.
#[derive(Debug, Clone)]
pub struct Plot {
    /// What it shows, in a few words.
    pub title: String,
    /// The conditions of all that is shown.
    pub about: String,
    /// Across.
    pub x: Axis,
    /// Upwards.
    pub y: Axis,
    /// Points in their order.
    pub curves: Vec<Curve>,
    /// Single points.
    pub marks: Vec<Mark>,
    /// Points to be joined.
    pub joined: Vec<((f64, f64), (f64, f64))>,
    /// Values across the whole plot, with their names.
    pub rules: Vec<(f64, String)>,
    /// The legend.
    pub keys: Vec<Key>,
    /// Sentences below the legend.
    pub notes: Vec<String>,
}

/// An axis.
#[derive(Debug, Clone)]
pub struct Axis {
    /// With its unit, where there is one.
    pub name: String,
    /// Where values lie.
    pub scale: Scale,
}

/// Where values lie on an axis.
#[derive(Debug, Clone)]
pub enum Scale {
    /// Evenly.
    Linear {
        /// The lower end.
        from: f64,
        /// The upper end.
        to: f64,
        /// From one tick to the next.
        step: f64,
        /// Ticks are multiples of this, which they are divided by: 0.01 for percent.
        unit: f64,
    },
    /// By their logarithm.
    Log(Decades),
    /// Points with names, the first one at 0, the next at 1.
    Named(Vec<String>),
}

/// Points in their order.
#[derive(Debug, Clone)]
pub struct Curve {
    /// Its name.
    pub name: String,
    /// Decides colour, dashes and marks.
    pub style: usize,
    /// Where it goes.
    pub points: Vec<(f64, f64)>,
    /// Place, lower and upper end of intervals.
    pub intervals: Vec<(f64, f64, f64)>,
    /// Whether points are marked.
    pub has_marks: bool,
    /// Whether a line joins them.
    pub is_joined: bool,
}

/// A single point.
#[derive(Debug, Clone)]
pub struct Mark {
    /// Where it is.
    pub at: (f64, f64),
    /// Decides colour and shape.
    pub style: usize,
    /// Whether its inside is white.
    pub is_hollow: bool,
}

/// An entry of the legend.
#[derive(Debug, Clone)]
pub enum Key {
    /// Of a curve.
    Curve {
        /// Its name.
        name: String,
        /// Its style.
        style: usize,
        /// Whether its points are marked.
        has_marks: bool,
        /// Whether a line joins them.
        is_joined: bool,
    },
    /// Of marks.
    Mark {
        /// What they stand for.
        name: String,
        /// Their style.
        style: usize,
        /// Whether their inside is white.
        is_hollow: bool,
    },
}

impl Plot {
    /// Two axes with nothing on them yet.
    pub fn new(title: impl Into<String>, x: Axis, y: Axis) -> Plot {
        Plot {
            title: title.into(),
            about: String::new(),
            x,
            y,
            curves: Vec::new(),
            marks: Vec::new(),
            joined: Vec::new(),
            rules: Vec::new(),
            keys: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The same with these curves, each in the legend.
    #[must_use]
    pub fn with_curves(mut self, curves: Vec<Curve>) -> Plot {
        let key = |curve: &Curve| Key::Curve {
            name: curve.name.clone(),
            style: curve.style,
            has_marks: curve.has_marks,
            is_joined: curve.is_joined,
        };
        self.keys = curves.iter().map(key).collect();
        self.curves = curves;
        self
    }
}

impl Axis {
    /// An axis with a name.
    pub fn new(name: impl Into<String>, scale: Scale) -> Axis {
        Axis { name: name.into(), scale }
    }

    /// The axis of a figure that takes these values: decibels and shares from 0 on, losses by their logarithm.
    pub fn of(figure: &Figure, name: &str, values: impl Iterator<Item = f64>) -> Axis {
        let values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(*value), high.max(*value))
        });
        let positive = || values.iter().copied().filter(|value| *value > 0.0);
        let unit = match figure.form {
            Form::Share => " (%)".to_owned(),
            _ if figure.unit.is_empty() => String::new(),
            _ => format!(" ({})", figure.unit),
        };
        let name = name.trim_end_matches(figure.unit).trim_end();
        let scale = match figure.form {
            Form::Power if positive().count() > 0 => {
                Scale::Log(Decades::around(positive().fold(f64::INFINITY, f64::min), high))
            }
            Form::Share => Scale::percent(low, high),
            _ if figure.unit == "dB" => Scale::linear(low.min(0.0), high.max(10.0)),
            _ => Scale::linear(low.min(0.0), high.max(low.min(0.0))),
        };
        Axis::new(format!("{name}{unit}"), scale)
    }
}

impl Scale {
    /// With about five ticks, from a multiple of their distance to another.
    pub fn linear(lowest: f64, highest: f64) -> Scale {
        let step = round_step(((highest - lowest) / 5.0).max(1e-3));
        let (from, to) = ((lowest / step).floor() * step, (highest / step).ceil() * step);
        Scale::Linear { from, to: to.max(from + step), step, unit: 1.0 }
    }

    /// Of shares, from 0 to 100 % and as far beyond as values are.
    fn percent(lowest: f64, highest: f64) -> Scale {
        match Scale::linear(lowest.min(0.0), highest.max(1.0)) {
            Scale::Linear { from, to, step, .. } => Scale::Linear { from, to, step, unit: 0.01 },
            other => other,
        }
    }

    /// Where a value lies, 0 to 1; nothing for what the axis does not have.
    pub fn share(&self, value: f64) -> Option<f64> {
        match self {
            Scale::Linear { from, to, .. } => {
                value.is_finite().then(|| ((value - from) / (to - from)).clamp(0.0, 1.0))
            }
            Scale::Log(decades) => decades.share(value),
            Scale::Named(names) => {
                value.is_finite().then(|| ((value + 0.5) / names.len().max(1) as f64).clamp(0.0, 1.0))
            }
        }
    }
}
