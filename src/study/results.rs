//! What came of a study so far: a row a cell, and what the figures say of every expectation.

use std::collections::BTreeMap;

use super::StudyError;
use super::conduct::{Standing, standing};
use super::definition::{Asked, Hypothesis, Way};
use super::grid::{Member, Place, Scale, Study};
use super::statistics::{Interval, bootstrap, mean, median, spearman};
use crate::run::Pulse;
use crate::run::event::Finished;

/// Pairs below which nothing is said of an expectation.
const FEWEST: usize = 3;

/// All of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Results {
    /// A row a cell, in the order of the study's.
    pub cells: Vec<Filled>,
    /// What was found of every hypothesis.
    pub judged: Vec<Judged>,
}

/// A run of a study as it was seen.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Which one.
    pub member: Member,
    /// How it stands.
    pub standing: Standing,
    /// Its result, if it has one.
    pub finished: Option<Finished>,
}

impl Seen {
    /// Looks at these runs of a study.
    ///
    /// # Errors
    /// If a manifest cannot be read.
    pub fn read(study: &Study, place: &Place, members: Vec<Member>) -> Result<Vec<Seen>, StudyError> {
        let look = |member| {
            let run = place.run(&study.id(member));
            let standing = standing(&run, &mut Pulse::default())?;
            let finished = matches!(standing, Standing::Done(_)).then(|| run.result()).flatten();
            Ok(Seen { member, standing, finished })
        };
        members.into_iter().map(look).collect()
    }
}

/// A cell with what there is of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Filled {
    /// How each of its runs stands, pair by pair.
    pub runs: Vec<(u32, Standing)>,
    /// A figure of the study each, in its order; nothing where no run has it.
    pub figures: Vec<Option<Shown>>,
}

/// A figure over the runs of a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shown {
    /// Runs that have it.
    pub runs: usize,
    /// Median.
    pub median: f64,
    /// Mean.
    pub mean: f64,
    /// Least and most.
    pub range: (f64, f64),
    /// 95 % bootstrap interval over pairs: of the mean for shares, whose median is 0 or 1, else of the median.
    pub interval: Option<Interval>,
    /// What the interval is of.
    pub middle: f64,
}

/// What the figures say of a hypothesis.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// In words.
    pub says: String,
    /// What was computed, in words.
    pub by: String,
    /// Its value, if there is enough to say.
    pub value: Option<f64>,
    /// 95 % bootstrap interval over pairs.
    pub interval: Option<Interval>,
    /// Pairs that count.
    pub pairs: usize,
    /// What follows.
    pub outcome: Outcome,
}

impl Judged {
    /// `rank correlation of PSNR dB with B (Spearman): -0.83 [-0.90, -0.71], 20 pairs`.
    pub fn in_words(&self) -> String {
        format!("{}: {}", self.by, self.found())
    }
}

/// What follows for an expectation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The whole interval is on its side.
    AsExpected,
    /// The whole interval is on the other side.
    Opposite,
    /// It could be either.
    Inconclusive,
}

impl Outcome {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::AsExpected => "as expected",
            Outcome::Opposite => "opposite",
            Outcome::Inconclusive => "inconclusive",
        }
    }
}

/// Figures of runs: by name, then by cell and pair.
type Values = BTreeMap<String, BTreeMap<(usize, u32), f64>>;

impl Results {
    /// Reads what there is of a study, of the runs at this scale.
    ///
    /// # Errors
    /// If a manifest cannot be read.
    pub fn read(study: &Study, place: &Place, scale: Scale) -> Result<Results, StudyError> {
        Ok(Results::of(study, &Seen::read(study, place, study.members(scale))?))
    }

    /// What these runs say.
    pub fn of(study: &Study, seen: &[Seen]) -> Results {
        let mut values = Values::new();
        for Seen { member, finished, .. } in seen {
            if let Some(finished) = finished {
                take_up(study, &mut values, *member, finished);
            }
        }
        let shown = |cell: usize, asked: &Asked, name: &String| {
            let of: Vec<f64> =
                values.get(name)?.range((cell, 0)..=(cell, u32::MAX)).map(|(_, value)| *value).collect();
            Shown::of(asked, &of)
        };
        let names = study.definition.figures.iter();
        let figures: Vec<(&String, Asked)> =
            names.filter_map(|name| Some((name, Asked::named(name)?))).collect();
        let cells = (0..study.cells.len()).map(|cell| Filled {
            runs: Vec::new(),
            figures: figures.iter().map(|(name, asked)| shown(cell, asked, name)).collect(),
        });
        let judged = study.definition.hypotheses.iter().map(|of| judge(study, &values, of));
        let mut results = Results { cells: cells.collect(), judged: judged.collect() };
        results.stand(seen);
        results
    }

    /// Takes up how the runs stand, where no figure is another one.
    pub fn stand(&mut self, seen: &[Seen]) {
        self.cells.iter_mut().for_each(|cell| cell.runs.clear());
        for Seen { member, standing, .. } in seen {
            self.cells[member.cell].runs.push((member.pair, standing.clone()));
        }
    }

    /// What follows from all hypotheses together; nothing where there is none.
    pub fn outcome(&self) -> Option<Outcome> {
        let is_any = |outcome| self.judged.iter().any(|judged| judged.outcome == outcome);
        (!self.judged.is_empty()).then(|| match () {
            () if is_any(Outcome::Opposite) => Outcome::Opposite,
            () if is_any(Outcome::Inconclusive) => Outcome::Inconclusive,
            () => Outcome::AsExpected,
        })
    }

    /// Runs with a result, and all runs.
    pub fn count(&self) -> (usize, usize) {
        let runs = || self.cells.iter().flat_map(|cell| &cell.runs);
        (runs().filter(|(_, standing)| matches!(standing, Standing::Done(_))).count(), runs().count())
    }
}

/// The figures that a run of the study is asked for.
fn take_up(study: &Study, values: &mut Values, member: Member, finished: &Finished) {
    let hypotheses = study.definition.hypotheses.iter().flat_map(Hypothesis::figures);
    for name in study.definition.figures.iter().chain(hypotheses) {
        let Some(asked) = Asked::named(name) else { continue };
        if let Some(value) = value(&asked, finished) {
            values.entry(name.clone()).or_default().insert((member.cell, member.pair), value);
        }
    }
}

/// What a run has of a figure, if that can be counted with.
pub(super) fn value(asked: &Asked, finished: &Finished) -> Option<f64> {
    let round = if asked.of_first { finished.rounds.first() } else { finished.rounds.last() };
    let value = asked.figure.value(&round?.measured())?;
    // A perfect picture counts as 100 dB, as in means over a batch.
    let value = if value == f64::INFINITY && asked.figure.unit == "dB" { 100.0 } else { value };
    value.is_finite().then_some(value)
}

/// The middle of a figure: of shares the mean, whose median is often 0 or 1, else the median.
fn middle(asked: &Asked, values: &[f64]) -> Option<f64> {
    if asked.is_mean() { mean(values) } else { median(values) }
}

impl Shown {
    fn of(asked: &Asked, values: &[f64]) -> Option<Shown> {
        let drawn = |drawn: &[usize]| drawn.iter().map(|at| values[*at]).collect::<Vec<_>>();
        let range = (values.iter().copied().reduce(f64::min)?, values.iter().copied().reduce(f64::max)?);
        Some(Shown {
            runs: values.len(),
            median: median(values)?,
            mean: mean(values)?,
            range,
            interval: bootstrap(values.len(), |units| middle(asked, &drawn(units))),
            middle: middle(asked, values)?,
        })
    }
}

/// What the figures say of a hypothesis.
fn judge(study: &Study, values: &Values, of: &Hypothesis) -> Judged {
    let name = Asked::named(&of.figure).map_or_else(|| of.figure.clone(), |asked| asked.heading());
    let (by, found) = match (&of.along, &of.with, &of.of) {
        (Some(along), _, _) if of.faster_than.is_some() => {
            let other = of.faster_than.clone().unwrap_or_default();
            let heading = Asked::named(&other).map_or_else(|| other.clone(), |asked| asked.heading());
            (
                format!(
                    "{name} less {heading}, mean of what each gained along {along} since its first point"
                ),
                ahead(study, values, of, along, &other),
            )
        }
        (Some(along), _, _) => {
            (format!("rank correlation of {name} with {along} (Spearman)"), trend(study, values, of, along))
        }
        (_, Some(with), _) => {
            let other = Asked::named(with).map_or_else(|| with.clone(), |asked| asked.heading());
            (format!("rank correlation of {name} with {other} (Spearman)"), together(study, values, of, with))
        }
        _ => {
            let mean = Asked::named(&of.figure).is_some_and(|asked| asked.is_mean());
            (
                format!("{} difference of {name}, pair by pair", if mean { "mean" } else { "median" }),
                differences(study, values, of),
            )
        }
    };
    let Found { value, interval, pairs } = found;
    let outcome = match interval.filter(|_| pairs >= FEWEST) {
        Some(interval) => of.outcome(interval),
        None => Outcome::Inconclusive,
    };
    Judged { says: of.says.clone(), by, value, interval, pairs, outcome }
}

impl Hypothesis {
    /// By where the whole interval lies.
    fn outcome(&self, Interval { low, high }: Interval) -> Outcome {
        if let Some(within) = self.within {
            return match () {
                () if -within <= low && high <= within => Outcome::AsExpected,
                () if within < low || high < -within => Outcome::Opposite,
                () => Outcome::Inconclusive,
            };
        }
        let (low, high) = if self.is == Some(Way::Falling) { (-high, -low) } else { (low, high) };
        match () {
            () if low > 0.0 => Outcome::AsExpected,
            () if high < 0.0 => Outcome::Opposite,
            () => Outcome::Inconclusive,
        }
    }
}

/// A statistic with its interval.
struct Found {
    value: Option<f64>,
    interval: Option<Interval>,
    pairs: usize,
}

impl Found {
    /// Over pairs that were drawn independently, each with all it brings.
    fn of<T: Copy>(pairs: BTreeMap<u32, Vec<T>>, statistic: impl Fn(&[T]) -> Option<f64>) -> Found {
        let pairs: Vec<Vec<T>> = pairs.into_values().collect();
        let drawn = |units: &[usize]| {
            statistic(&units.iter().flat_map(|at| pairs[*at].iter().copied()).collect::<Vec<_>>())
        };
        let all: Vec<usize> = (0..pairs.len()).collect();
        Found { value: drawn(&all), interval: bootstrap(pairs.len(), drawn), pairs: pairs.len() }
    }
}

/// How a figure goes along an axis, over all runs.
fn trend(study: &Study, values: &Values, of: &Hypothesis, along: &str) -> Found {
    let axis = study.definition.axes.iter().position(|axis| axis.name == along).unwrap_or(0);
    let mut pairs: BTreeMap<u32, Vec<(f64, f64)>> = BTreeMap::new();
    let cells = study.selected(&of.only);
    for (&(cell, pair), &value) in values.get(&of.figure).into_iter().flatten() {
        if cells.contains(&cell) {
            pairs.entry(pair).or_default().push((study.cells[cell].at[axis] as f64, value));
        }
    }
    Found::of(pairs, spearman)
}

/// How much more a figure has gained than another one at the points of an axis after the first, where all else is the same.
fn ahead(study: &Study, values: &Values, of: &Hypothesis, along: &str, other: &str) -> Found {
    let axis = study.definition.axes.iter().position(|axis| axis.name == along).unwrap_or(0);
    let cells = study.selected(&of.only);
    let place = |cell: usize| study.cells[cell].at[axis];
    let is_beside = |one: usize, two: usize| {
        let points = study.cells[one].at.iter().zip(&study.cells[two].at).enumerate();
        points.into_iter().all(|(at, (one, two))| at == axis || one == two)
    };
    let mut pairs: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    let (Some(figure), Some(beside)) = (values.get(&of.figure), values.get(other)) else {
        return Found::of(pairs, mean);
    };
    for &cell in &cells {
        let line = cells.iter().copied().filter(|one| is_beside(*one, cell));
        let Some(first) = line.min_by_key(|one| place(*one)).filter(|first| *first != cell) else { continue };
        for (&(_, pair), value) in figure.range((cell, 0)..=(cell, u32::MAX)) {
            let gained = |of: &BTreeMap<(usize, u32), f64>, now: f64| Some(now - of.get(&(first, pair))?);
            let both = gained(figure, *value)
                .zip(beside.get(&(cell, pair)).and_then(|other| gained(beside, *other)));
            if let Some((one, other)) = both {
                pairs.entry(pair).or_default().push(one - other);
            }
        }
    }
    Found::of(pairs, mean)
}

/// How two figures of the same runs go together.
fn together(study: &Study, values: &Values, of: &Hypothesis, with: &str) -> Found {
    let mut pairs: BTreeMap<u32, Vec<(f64, f64)>> = BTreeMap::new();
    let cells = study.selected(&of.only);
    let other = values.get(with);
    for (&(cell, pair), &value) in values.get(&of.figure).into_iter().flatten() {
        if let Some(&other) =
            other.and_then(|other| other.get(&(cell, pair))).filter(|_| cells.contains(&cell))
        {
            pairs.entry(pair).or_default().push((value, other));
        }
    }
    Found::of(pairs, spearman)
}

/// How much higher a figure is in some cells than in others, where all else is the same.
fn differences(study: &Study, values: &Values, of: &Hypothesis) -> Found {
    let none = BTreeMap::new();
    let values = values.get(&of.figure).unwrap_or(&none);
    let (Some(asked), Some(first)) = (Asked::named(&of.figure), &of.of) else {
        return Found { value: None, interval: None, pairs: 0 };
    };
    let Some(second) = of.above.as_ref().or(of.like.as_ref()) else {
        return Found { value: None, interval: None, pairs: 0 };
    };
    let within = study.selected(&of.only);
    let rest = |cell: usize| {
        let axes = study.definition.axes.iter().zip(&study.cells[cell].at);
        let is_named = |name: &String| first.contains_key(name) || second.contains_key(name);
        axes.filter(|(axis, _)| !is_named(&axis.name)).map(|(_, at)| *at).collect::<Vec<_>>()
    };
    let mut pairs: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for &one in study.selected(first).iter().filter(|cell| within.contains(cell)) {
        for &other in
            study.selected(second).iter().filter(|cell| within.contains(cell) && rest(**cell) == rest(one))
        {
            for (&(_, pair), &value) in values.range((one, 0)..=(one, u32::MAX)) {
                if let Some(beside) = values.get(&(other, pair)) {
                    pairs.entry(pair).or_default().push(value - beside);
                }
            }
        }
    }
    Found::of(pairs, |differences| middle(&asked, differences))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(is: Option<Way>, within: Option<f64>, low: f64, high: f64) -> Outcome {
        let of = Hypothesis {
            says: String::new(),
            figure: "psnr".into(),
            only: BTreeMap::new(),
            along: None,
            with: None,
            is,
            faster_than: None,
            of: None,
            above: None,
            like: None,
            within,
        };
        of.outcome(Interval { low, high })
    }

    #[test]
    fn the_whole_interval_decides() {
        use Outcome::{AsExpected, Inconclusive, Opposite};
        assert_eq!(outcome(Some(Way::Rising), None, 0.1, 0.9), AsExpected);
        assert_eq!(outcome(Some(Way::Falling), None, 0.1, 0.9), Opposite);
        assert_eq!(outcome(Some(Way::Falling), None, -0.9, -0.1), AsExpected);
        assert_eq!(outcome(Some(Way::Falling), None, -0.9, 0.0), Inconclusive);
        assert_eq!(outcome(None, None, 0.1, 2.0), AsExpected);
        assert_eq!(outcome(None, None, -2.0, -0.1), Opposite);
        // About as high: within the margin, beyond it on either side, or across an end of it.
        assert_eq!(outcome(None, Some(1.0), -0.9, 1.0), AsExpected);
        assert_eq!(outcome(None, Some(1.0), 1.1, 3.0), Opposite);
        assert_eq!(outcome(None, Some(1.0), -3.0, -1.1), Opposite);
        assert_eq!(outcome(None, Some(1.0), 0.5, 1.5), Inconclusive);
    }
}
