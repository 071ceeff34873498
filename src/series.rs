//! A loss curve in constant memory: bounded history that keeps the extremes.
//!
//! Points arrive with increasing x. When the history is full, neighbouring buckets are merged in pairs, so
//! the resolution halves while minimum and maximum of every bucket stay exact. Pure; knows no screen.

/// Weight of the past in the moving average, per point.
const SMOOTHING: f64 = 0.9;

/// Several neighbouring points as one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// x of its first point.
    pub first: f64,
    /// x of its last point.
    pub last: f64,
    /// Smallest finite value; NaN if there is none.
    pub min: f64,
    /// Largest finite value; NaN if there is none.
    pub max: f64,
    /// Value of the last finite point; NaN if there is none.
    pub value: f64,
    /// Moving average up to this bucket; NaN before the first positive value.
    pub smooth: f64,
    /// Points that were NaN or infinite.
    pub marks: u32,
    points: u32,
    ema: Ema,
}

/// State of the moving average: of logarithms, since losses fall over many decades and an average of the
/// values themselves would hang at the first decade for hundreds of points.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Ema {
    sum: f64,
    weight: f64,
}

impl Ema {
    fn push(&mut self, y: f64) {
        if y > 0.0 && y.is_finite() {
            self.sum = SMOOTHING * self.sum + (1.0 - SMOOTHING) * y.ln();
            self.weight = SMOOTHING * self.weight + (1.0 - SMOOTHING);
        }
    }

    /// Divided by the weight so far, so that the first points are not pulled towards 1.
    fn value(self) -> f64 {
        if self.weight > 0.0 { (self.sum / self.weight).exp() } else { f64::NAN }
    }
}

/// A bounded history of (x, y) with strictly increasing x.
#[derive(Debug, Clone)]
pub struct Series {
    capacity: usize,
    /// Points a bucket takes before the next one is opened.
    stride: u32,
    buckets: Vec<Bucket>,
    ema: Ema,
}

impl Series {
    /// An empty history of at most `capacity` buckets (2 or more).
    pub fn new(capacity: usize) -> Self {
        Series { capacity: capacity.max(2), stride: 1, buckets: Vec::new(), ema: Ema::default() }
    }

    /// Adds a point. A point whose x is not beyond the last one is ignored.
    pub fn push(&mut self, x: f64, y: f64) {
        if !x.is_finite() || self.last_x().is_some_and(|last| x <= last) {
            return;
        }
        self.ema.push(y);
        let finite = y.is_finite();
        let value = if finite { y } else { f64::NAN };
        let point = Bucket {
            first: x,
            last: x,
            min: value,
            max: value,
            value,
            smooth: self.ema.value(),
            marks: u32::from(!finite),
            points: 1,
            ema: self.ema,
        };
        match self.buckets.last_mut() {
            Some(open) if open.points < self.stride => *open = open.merged(&point),
            _ => {
                if self.buckets.len() == self.capacity {
                    self.halve();
                }
                self.buckets.push(point);
            }
        }
    }

    fn halve(&mut self) {
        let merged = self.buckets.chunks(2).map(|pair| match pair {
            [a, b] => a.merged(b),
            [a] => *a,
            _ => unreachable!("chunks of two"),
        });
        self.buckets = merged.collect();
        self.stride = self.stride.saturating_mul(2);
    }

    /// Keeps at most `capacity` buckets (2 or more) from now on.
    pub fn limit(&mut self, capacity: usize) {
        self.capacity = self.capacity.min(capacity.max(2));
        while self.buckets.len() > self.capacity {
            self.halve();
        }
        self.buckets.shrink_to_fit();
    }

    /// Forgets what lies beyond `x`, for a run that continues from a checkpoint. A bucket that straddles `x`
    /// is kept: its later points are computed again and are the same.
    pub fn truncate_after(&mut self, x: f64) {
        self.buckets.retain(|bucket| bucket.first <= x);
        if let Some(last) = self.buckets.last_mut() {
            last.last = last.last.min(x);
        }
        self.ema = self.buckets.last().map(|bucket| bucket.ema).unwrap_or_default();
    }

    /// The history, oldest first.
    pub fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }

    /// Whether nothing was pushed.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// x of the newest point.
    pub fn last_x(&self) -> Option<f64> {
        self.buckets.last().map(|bucket| bucket.last)
    }

    /// Smallest and largest finite value.
    pub fn range(&self) -> Option<(f64, f64)> {
        self.buckets
            .iter()
            .filter(|bucket| !bucket.min.is_nan())
            .map(|bucket| (bucket.min, bucket.max))
            .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// Smallest positive value, the floor of a log axis. Approximate where a bucket mixes signs.
    pub fn smallest_positive(&self) -> Option<f64> {
        self.buckets
            .iter()
            .flat_map(|bucket| [bucket.min, bucket.value, bucket.max])
            .filter(|y| *y > 0.0)
            .reduce(f64::min)
    }
}

impl Bucket {
    fn merged(&self, later: &Bucket) -> Bucket {
        Bucket {
            first: self.first,
            last: later.last,
            // f64::min and max prefer the number over NaN.
            min: self.min.min(later.min),
            max: self.max.max(later.max),
            value: if later.value.is_nan() { self.value } else { later.value },
            smooth: later.smooth,
            marks: self.marks.saturating_add(later.marks),
            points: self.points.saturating_add(later.points),
            ema: later.ema,
        }
    }
}

/// Base-10 logarithm for a log axis; `None` for what has no place on one.
pub fn log10(y: f64) -> Option<f64> {
    (y > 0.0 && y.is_finite()).then(|| y.log10())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn filled(capacity: usize, values: &[f64]) -> Series {
        let mut series = Series::new(capacity);
        for (i, y) in values.iter().enumerate() {
            series.push((i + 1) as f64, *y);
        }
        series
    }

    proptest! {
        #[test]
        fn never_more_than_capacity(capacity in 2usize..40, values in prop::collection::vec(-1e6f64..1e6, 0..600)) {
            prop_assert!(filled(capacity, &values).buckets().len() <= capacity);
        }

        #[test]
        fn extremes_are_never_lost(capacity in 2usize..40, values in prop::collection::vec(-1e6f64..1e6, 1..600)) {
            let min = values.iter().copied().fold(f64::INFINITY, f64::min);
            let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            prop_assert_eq!(filled(capacity, &values).range(), Some((min, max)));
        }

        #[test]
        fn order_is_kept(capacity in 2usize..40, values in prop::collection::vec(0f64..10.0, 0..600)) {
            let series = filled(capacity, &values);
            for bucket in series.buckets() {
                prop_assert!(bucket.first <= bucket.last && bucket.min <= bucket.max);
            }
            for pair in series.buckets().windows(2) {
                prop_assert!(pair[0].last < pair[1].first);
            }
            prop_assert_eq!(series.last_x(), (!values.is_empty()).then_some(values.len() as f64));
        }

        #[test]
        fn nothing_survives_beyond_a_truncation(
            capacity in 2usize..40,
            values in prop::collection::vec(0f64..10.0, 0..600),
            cut in 0usize..700,
        ) {
            let mut series = filled(capacity, &values);
            series.truncate_after(cut as f64);
            prop_assert!(series.last_x().is_none_or(|x| x <= cut as f64));
            series.push(cut as f64 + 1.0, 3.0);
            prop_assert_eq!(series.last_x(), Some(cut as f64 + 1.0));
        }
    }

    #[test]
    fn non_finite_points_stay_as_marks_and_do_not_touch_the_range() {
        let series = filled(2, &[1.0, f64::NAN, 2.0, f64::INFINITY, f64::NEG_INFINITY]);
        assert_eq!(series.buckets().iter().map(|b| b.marks).sum::<u32>(), 3);
        assert_eq!(series.range(), Some((1.0, 2.0)));
        assert!(filled(8, &[f64::NAN]).range().is_none());
    }

    #[test]
    fn a_limit_keeps_extremes_and_the_end() {
        let mut series = filled(64, &[3.0, -7.0, 9.0, 2.0, 5.0, 4.0]);
        series.limit(2);
        assert!(series.buckets().len() <= 2);
        assert_eq!((series.range(), series.last_x()), (Some((-7.0, 9.0)), Some(6.0)));
        series.push(7.0, 11.0);
        assert!(series.buckets().len() <= 2);
        assert_eq!(series.range(), Some((-7.0, 11.0)));
    }

    #[test]
    fn a_point_that_goes_back_is_ignored() {
        let mut series = filled(8, &[1.0, 2.0]);
        series.push(2.0, 9.0);
        series.push(f64::NAN, 9.0);
        assert_eq!(series.range(), Some((1.0, 2.0)));
    }

    #[test]
    fn smoothing_is_exact_for_a_constant_and_follows_decades() {
        let constant = filled(4, &[5.0; 100]);
        assert!((constant.buckets().last().unwrap().smooth - 5.0).abs() < 1e-12);
        let falling: Vec<f64> = (0..100).map(|i| 10f64.powf(-0.1 * f64::from(i))).collect();
        let last = *filled(200, &falling).buckets().last().unwrap();
        // Lags by nine points, not by decades.
        assert!((last.smooth.log10() - (last.value.log10() + 0.9)).abs() < 0.01);
    }

    #[test]
    fn smoothing_does_not_depend_on_thinning() {
        let values: Vec<f64> = (1..=500).map(|i| 1.0 / f64::from(i)).collect();
        let fine = filled(1000, &values).buckets().last().unwrap().smooth;
        let coarse = filled(7, &values).buckets().last().unwrap().smooth;
        assert_eq!(fine, coarse);
    }

    #[test]
    fn logarithms_only_where_they_exist() {
        assert_eq!(log10(1000.0), Some(3.0));
        assert_eq!(log10(0.0), None);
        assert_eq!(log10(-1.0), None);
        assert_eq!(log10(f64::NAN), None);
        assert_eq!(log10(f64::INFINITY), None);
    }
}
