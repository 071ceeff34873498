//! The figures there are, as one table: what prints a figure, asks for one or explains it reads it from here. Beside them
//! the words of the field. The ground floor: nothing above is imported.

mod condition;
mod measured;
pub mod number;
mod page;
mod table;
mod words;

pub use condition::{Condition, ConditionError, Relation};
pub use measured::{AtTruth, Baselines, Effect, Measured, Metrics, Probe, Ratio, Sample, Spread};
pub use page::page;
pub use table::FIGURES;
pub use words::WORDS;

use std::cmp::Ordering;

use crate::{format, text};

/// A word with its meaning.
#[derive(Debug)]
pub struct Word {
    /// Its name for programs.
    pub key: &'static str,
    /// Its name in headings, with an arrow to the better side.
    pub heading: &'static str,
    /// The same in ASCII, without the arrow.
    pub ascii: &'static str,
    /// Other names that it is found by.
    pub also: &'static [&'static str],
    /// What it means, and what is good.
    pub about: &'static str,
    /// Where it comes from.
    pub source: &'static str,
}

/// A word with a value: something that is measured.
#[derive(Debug)]
pub struct Figure {
    /// What it is called and means.
    pub word: Word,
    /// Its unit; empty for a plain number.
    pub unit: &'static str,
    /// Which side is the better one, for the attacker.
    pub better: Better,
    /// How it is written.
    pub form: Form,
    /// How badly a table needs it: 0 always; where room is short, the highest go first.
    pub rank: u8,
    /// How it is read off, and what it is of.
    pub read: Read,
}

/// Which of several values is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// The highest.
    Higher,
    /// The lowest.
    Lower,
    /// None: it says something about the problem, not about the answer.
    Neither,
}

/// How a figure is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// With so many decimals.
    Fixed(usize),
    /// `3.1e-03`.
    Power,
    /// A share, in percent.
    Share,
    /// A whole number.
    Count,
    /// Seconds, as a clock shows them.
    Clock,
}

/// How a figure is read off what was measured.
#[derive(Debug, Clone, Copy)]
pub enum Read {
    /// Of every sample; of the batch the mean, the best and the worst.
    Samples(fn(&Metrics) -> Option<Spread>, fn(&Sample) -> Option<Ratio>),
    /// Of a batch.
    Batch(fn(&Metrics) -> Option<f64>),
    /// Of a round, with the ground truth.
    Truth(fn(&Measured) -> Option<f64>),
    /// Of a round, without the ground truth.
    Round(fn(&Measured) -> Option<f64>),
}

impl Better {
    /// The arrow of a heading.
    pub fn arrow(self) -> &'static str {
        match self {
            Better::Higher => "↑",
            Better::Lower => "↓",
            Better::Neither => "",
        }
    }

    /// In words, for tables that programs read.
    pub fn name(self) -> &'static str {
        match self {
            Better::Higher => "higher",
            Better::Lower => "lower",
            Better::Neither => "neither",
        }
    }

    /// The best first, the highest where none is better; what is not known comes last.
    pub fn order(self, a: Option<f64>, b: Option<f64>) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) if self == Better::Lower => a.total_cmp(&b),
            (Some(a), Some(b)) => b.total_cmp(&a),
            (a, b) => b.is_some().cmp(&a.is_some()),
        }
    }

    /// The place of the best of several values, if one is better than all others.
    pub fn of(self, values: &[Option<f64>]) -> Option<usize> {
        let finite =
            values.iter().enumerate().filter_map(|(at, v)| v.filter(|v| !v.is_nan()).map(|v| (at, v)));
        let best = match self {
            Better::Higher => finite.max_by(|a, b| a.1.total_cmp(&b.1)),
            Better::Lower => finite.min_by(|a, b| a.1.total_cmp(&b.1)),
            Better::Neither => None,
        };
        // One that others equal is no better than they are.
        let is_alone = |(at, best): &(usize, f64)| {
            values.iter().enumerate().all(|(other, value)| other == *at || *value != Some(*best))
        };
        best.filter(is_alone).filter(|_| values.len() > 1).map(|(at, _)| at)
    }
}

impl Figure {
    /// Its value: of samples the mean.
    pub fn value(&self, of: &Measured) -> Option<f64> {
        match self.read {
            Read::Samples(..) => self.spread(of).map(|spread| spread.mean),
            Read::Batch(read) => read(of.metrics?),
            Read::Truth(read) | Read::Round(read) => read(of),
        }
    }

    /// Mean, best and worst over the samples; nothing for a figure that is not of samples.
    pub fn spread(&self, of: &Measured) -> Option<Spread> {
        match self.read {
            Read::Samples(read, _) => read(of.metrics?),
            _ => None,
        }
    }

    /// Of one sample; nothing for a figure that is not of samples.
    pub fn of_sample(&self, sample: &Sample) -> Option<f64> {
        match self.read {
            Read::Samples(_, read) => read(sample).map(|value| value.0),
            _ => None,
        }
    }

    /// Whether it has a value for every sample.
    pub fn is_of_samples(&self) -> bool {
        matches!(self.read, Read::Samples(..))
    }

    /// Whether it cannot be measured without the ground truth.
    pub fn needs_truth(&self) -> bool {
        !matches!(self.read, Read::Round(_))
    }

    /// What it is of.
    pub fn of(&self) -> &'static str {
        match self.read {
            Read::Samples(..) => "sample",
            Read::Batch(_) => "batch",
            Read::Truth(_) | Read::Round(_) => "round",
        }
    }

    /// A value as tables show it, in a width that does not jump.
    pub fn text(&self, value: f64) -> String {
        match self.form {
            Form::Fixed(decimals) => format::fixed(value, decimals),
            Form::Power => format::loss(value),
            Form::Share => format!("{:.0} %", 100.0 * value),
            Form::Count => format::fixed(value, 0),
            Form::Clock => format::clock(value),
        }
    }
}

impl Word {
    /// Whether a person means this word: its key, its heading or another of its names, whatever their case, with spaces,
    /// dashes or underscores.
    pub fn is(&self, name: &str) -> bool {
        let name = plain(name);
        self.names().any(|known| plain(known) == name)
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        [self.key, self.heading, self.ascii].into_iter().chain(self.also.iter().copied())
    }

    /// Its figure, if it is the name of one.
    pub fn figure(&self) -> Option<&'static Figure> {
        FIGURES.iter().find(|figure| figure.word.key == self.key)
    }

    /// Heading, unit and better side in one line.
    pub fn title(&self) -> String {
        let Some(figure) = self.figure() else { return self.ascii.to_owned() };
        let name = match figure.unit {
            "" => self.ascii.to_owned(),
            unit => format!("{}, {unit}", self.ascii.trim_end_matches(unit).trim_end()),
        };
        match figure.better {
            Better::Higher => format!("{name}: higher is better"),
            Better::Lower => format!("{name}: lower is better"),
            Better::Neither => name,
        }
    }
}

/// Lower case, words apart by one space, without arrows.
fn plain(name: &str) -> String {
    let parts = name.split([' ', '_', '-', '\u{a0}']).map(|part| part.trim_matches(['↑', '↓']));
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ").to_lowercase()
}

/// The figure of this key. Keys in the source are held by a test.
///
/// # Panics
/// If there is none.
pub fn figure(key: &str) -> &'static Figure {
    let found = FIGURES.iter().find(|figure| figure.word.key == key);
    match found {
        Some(figure) => figure,
        None => unreachable!("{key} is no figure"),
    }
}

/// All words: those of the figures, then those of the field.
pub fn words() -> impl Iterator<Item = &'static Word> {
    FIGURES.iter().map(|figure| &figure.word).chain(WORDS)
}

/// The word that a person means.
pub fn find(name: &str) -> Option<&'static Word> {
    // A key before a heading that happens to be the same.
    let key = plain(name);
    words().find(|word| plain(word.key) == key).or_else(|| words().find(|word| word.is(name)))
}

/// What is said of a figure that there is not, with the nearest one.
pub fn unknown(name: &str) -> String {
    let near = nearest(name, FIGURES.iter().map(|figure| &figure.word))
        .map_or_else(|| "`gialab explain` lists them".to_owned(), |near| format!("did you mean \"{near}\"?"));
    format!("there is no figure \"{name}\"; {near}")
}

/// The key that is nearest to a name, if any is near.
pub fn nearest(name: &str, among: impl Iterator<Item = &'static Word>) -> Option<&'static str> {
    let name = plain(name);
    let known: Vec<(String, &'static str)> =
        among.flat_map(|word| word.names().map(|known| (plain(known), word.key))).collect();
    let near = text::nearest(&name, known.iter().map(|(known, _)| known.as_str()))?;
    known.iter().find(|(known, _)| known == near).map(|(_, key)| *key)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_best_is_one_alone() {
        assert_eq!(Better::Higher.of(&[Some(1.0), Some(3.0), None, Some(2.0)]), Some(1));
        assert_eq!(Better::Lower.of(&[Some(1.0), Some(3.0), Some(f64::NAN)]), Some(0));
        assert_eq!(Better::Higher.of(&[Some(3.0), Some(3.0), Some(2.0)]), None);
        assert_eq!(Better::Neither.of(&[Some(1.0), Some(2.0)]), None);
        assert_eq!(Better::Higher.of(&[Some(1.0)]), None);
    }

    #[test]
    fn a_heading_is_its_ascii_form_with_the_arrow_of_the_better_side() {
        for figure in FIGURES {
            let Word { heading, ascii, .. } = figure.word;
            let arrow = figure.better.arrow();
            let expected = match figure.unit {
                "" => format!("{ascii}{arrow}"),
                unit => {
                    ascii.strip_suffix(unit).map(|name| format!("{}{arrow} {unit}", name.trim_end())).unwrap()
                }
            };
            assert_eq!(heading, expected);
            assert!(ascii.is_ascii(), "{ascii}");
        }
    }

    #[test]
    fn every_word_is_found_by_all_its_names_and_says_what_is_good() {
        for word in words() {
            for name in word.names() {
                assert_eq!(find(name).unwrap().key, word.key, "{name}");
            }
            assert!(word.key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'));
            assert!(word.about.ends_with('.') && word.about.matches(". ").count() >= 1, "{}", word.key);
            assert!(word.about.is_ascii() && word.source.is_ascii(), "{}", word.key);
            assert!(!word.source.is_empty(), "{}", word.key);
        }
        assert_eq!(find("At Truth").unwrap().key, "match_at_truth");
        assert_eq!(find("st-lpips↓").unwrap().key, "st_lpips");
        assert!(find("beauty").is_none());
        assert_eq!(nearest("pnsr", words()), Some("psnr"));
        assert_eq!(nearest("zzzzzzzzzzzz", words()), None);
    }

    #[test]
    fn figures_are_read_off_what_was_measured_and_nothing_is_compulsory() {
        let spread = |mean| Some(Spread { mean, best: 2.0 * mean, worst: 0.0 });
        let metrics = Metrics { psnr: spread(20.0), worst_recovered: Some(false), ..Metrics::default() };
        let measured = Measured { metrics: Some(&metrics), matching: Some(1e-3), ..Measured::default() };
        let value = |key: &str| figure(key).value(&measured);
        assert_eq!((value("psnr"), value("wsrr"), value("match")), (Some(20.0), Some(0.0), Some(1e-3)));
        assert_eq!(figure("psnr").spread(&measured).unwrap().best, 40.0);
        assert_eq!((value("mse"), value("igsa"), value("accuracy")), (None, None, None));
        assert!(FIGURES.iter().all(|figure| figure.value(&Measured::default()).is_none()));
        assert_eq!(figure("psnr").of_sample(&Sample::default()), None);
        let infinite = Sample { psnr: Some(Ratio(f64::INFINITY)), ..Sample::default() };
        let read: Sample = serde_json::from_str(&serde_json::to_string(&infinite).unwrap()).unwrap();
        assert_eq!(figure("psnr").of_sample(&read), Some(f64::INFINITY));
    }
}
