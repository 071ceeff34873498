//! What came of a study, in words: figures with their intervals, and what was computed of an expectation.

use super::results::{Judged, Shown};
use super::statistics::Interval;
use crate::figure::{Figure, Form};

impl Shown {
    /// The middle of a figure: `44.4`, `45 %`.
    pub fn middle_text(&self, figure: &Figure) -> String {
        let unit = if figure.form == Form::Share { " %" } else { "" };
        format!("{}{unit}", short(figure, self.middle))
    }

    /// Its interval: `[43.0, 49.1]`.
    pub fn interval_text(&self, figure: &Figure) -> Option<String> {
        let Interval { low, high } = self.interval?;
        Some(format!("[{}, {}]", short(figure, low), short(figure, high)))
    }

    /// `44.4 [43.0, 49.1]`.
    pub fn text(&self, figure: &Figure) -> String {
        let parts = [Some(self.middle_text(figure)), self.interval_text(figure)];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

impl Judged {
    /// What was found: `-0.83 [-0.90, -0.71], 20 pairs`.
    pub fn found(&self) -> String {
        let value = self.value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
        let interval = self
            .interval
            .map_or_else(String::new, |Interval { low, high }| format!(" [{low:.2}, {high:.2}]"));
        let pairs = match self.pairs {
            1 => "1 pair, too few to say".to_owned(),
            0..3 => format!("{} pairs, too few to say", self.pairs),
            pairs => format!("{pairs} pairs"),
        };
        format!("{value}{interval}, {pairs}")
    }
}

/// With no more digits than an interval leaves meaning to.
pub(super) fn short(figure: &Figure, value: f64) -> String {
    match figure.form {
        Form::Fixed(2) => format!("{value:.1}"),
        Form::Share => format!("{:.0}", 100.0 * value),
        _ => figure.text(value).trim().to_owned(),
    }
}
