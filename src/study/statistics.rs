//! What several values say together: the middle, an interval, a rank correlation. `tests/golden/statistics.json` holds
//! them against SciPy.

use rand::Rng;

use crate::seed::Seed;

/// Resamples of a bootstrap, as many as SciPy takes.
const RESAMPLES: usize = 9999;

/// Ends of a 95 % interval.
const ENDS: [f64; 2] = [0.025, 0.975];

/// A 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Mean of the values; nothing of none.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Median of the values; nothing of none.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    (!sorted.is_empty()).then(|| quantile(&sorted, 0.5))
}

/// Between the two nearest of values in ascending order, as NumPy does by default.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let (below, above) = (at.floor() as usize, at.ceil() as usize);
    sorted[below] + (at - at.floor()) * (sorted[above] - sorted[below])
}

/// Percentile bootstrap over `units` that were drawn independently (pairs of seed and pictures, each with all its values):
/// `statistic` is told which are drawn, some of them several times. Nothing for fewer than two, and where a statistic
/// of all of them has no value.
pub fn bootstrap(units: usize, statistic: impl Fn(&[usize]) -> Option<f64>) -> Option<Interval> {
    let all: Vec<usize> = (0..units).collect();
    statistic(&all)?;
    if units < 2 {
        return None;
    }
    let mut generator = Seed(0).stream("bootstrap", &[]);
    let mut drawn = all;
    // One that draws the same unit again and again may have none.
    let mut found: Vec<f64> = (0..RESAMPLES)
        .filter_map(|_| {
            drawn.iter_mut().for_each(|unit| *unit = generator.random_range(0..units));
            statistic(&drawn)
        })
        .collect();
    found.sort_by(f64::total_cmp);
    let [low, high] = ENDS.map(|end| (!found.is_empty()).then(|| quantile(&found, end)));
    Some(Interval { low: low?, high: high? })
}

/// Spearman's rank correlation, equal values with their mean rank; nothing for fewer than three points, or where one side
/// is constant.
pub fn spearman(points: &[(f64, f64)]) -> Option<f64> {
    if points.len() < 3 {
        return None;
    }
    let x = ranks(points.iter().map(|point| point.0));
    let y = ranks(points.iter().map(|point| point.1));
    let middle = (points.len() + 1) as f64 / 2.0;
    let product =
        |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| (a - middle) * (b - middle)).sum() };
    let scale = (product(&x, &x) * product(&y, &y)).sqrt();
    (scale > 0.0).then(|| product(&x, &y) / scale)
}

/// Ranks from 1 on.
fn ranks(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let values: Vec<f64> = values.collect();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    for equal in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let first = order.iter().position(|at| *at == equal[0]).unwrap_or(0);
        let rank = first as f64 + (equal.len() + 1) as f64 / 2.0;
        equal.iter().for_each(|at| ranks[*at] = rank);
    }
    ranks
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde::Deserialize;

    /// One set of points with what SciPy says of them.
    #[derive(Deserialize)]
    struct Case {
        x: Vec<f64>,
        y: Vec<f64>,
        spearman: f64,
        median: f64,
        mean: f64,
        /// `scipy.stats.bootstrap`, percentile method: of the mean, the median, and the rank correlation of pairs.
        mean_interval: [f64; 2],
        median_interval: [f64; 2],
        spearman_interval: [f64; 2],
        /// How far two runs of SciPy with other seeds are apart, at most.
        tolerance: [f64; 3],
    }

    #[test]
    fn scipy_says_the_same() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/statistics.json");
        let cases: Vec<Case> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert!(cases.len() >= 5);
        for case in cases {
            let points: Vec<(f64, f64)> = case.x.iter().copied().zip(case.y.iter().copied()).collect();
            let of = |drawn: &[usize]| drawn.iter().map(|at| case.y[*at]).collect::<Vec<_>>();
            let pairs = |drawn: &[usize]| drawn.iter().map(|at| points[*at]).collect::<Vec<_>>();
            assert!((spearman(&points).unwrap() - case.spearman).abs() < 1e-12);
            assert!((median(&case.y).unwrap() - case.median).abs() < 1e-12);
            assert!((mean(&case.y).unwrap() - case.mean).abs() < 1e-9);
            let intervals = [
                bootstrap(points.len(), |drawn| mean(&of(drawn))),
                bootstrap(points.len(), |drawn| median(&of(drawn))),
                bootstrap(points.len(), |drawn| spearman(&pairs(drawn))),
            ];
            let expected = [case.mean_interval, case.median_interval, case.spearman_interval];
            for ((found, expected), tolerance) in intervals.into_iter().zip(expected).zip(case.tolerance) {
                let found = found.unwrap();
                assert!((found.low - expected[0]).abs() <= tolerance, "{found:?} {expected:?} {tolerance}");
                assert!((found.high - expected[1]).abs() <= tolerance, "{found:?} {expected:?} {tolerance}");
            }
        }
    }

    #[test]
    fn what_has_no_value_has_none() {
        assert_eq!((mean(&[]), median(&[])), (None, None));
        assert_eq!(spearman(&[(1.0, 2.0), (2.0, 3.0)]), None);
        assert_eq!(spearman(&[(1.0, 2.0), (2.0, 2.0), (3.0, 2.0)]), None);
        assert_eq!(bootstrap(1, |_| Some(1.0)), None);
        assert_eq!(bootstrap(5, |_| None), None);
        assert_eq!(bootstrap(5, |_| Some(2.0)), Some(Interval { low: 2.0, high: 2.0 }));
    }
}
