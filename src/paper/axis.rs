//! What charts of reports and of papers share: ticks, paths that break where a point is missing, marks.

use super::path::{Path, Step};

/// A logarithmic axis over whole powers of ten.
#[derive(Debug, Clone, Copy)]
pub struct Decades {
    /// The lower end.
    pub from: i32,
    /// The upper end.
    pub to: i32,
}

impl Decades {
    /// An axis that holds these values, which are above zero.
    pub fn around(lowest: f64, highest: f64) -> Decades {
        let from = lowest.log10().floor() as i32;
        Decades { from, to: (highest.log10().ceil() as i32).max(from + 1) }
    }

    /// Where a value lies, 0 to 1; nothing for what a logarithmic axis does not have.
    pub fn share(self, value: f64) -> Option<f64> {
        let share = (value.log10() - f64::from(self.from)) / f64::from(self.to - self.from);
        (value > 0.0 && value.is_finite()).then(|| share.clamp(0.0, 1.0))
    }

    /// Values with a label, upwards, as a factor of 1 to 9 and a power of ten.
    pub fn ticks(self) -> Vec<(u8, i32)> {
        let decades = self.to - self.from;
        let every = usize::try_from(decades).map_or(1, |decades| decades.div_ceil(8).max(1));
        let factors: &[u8] = match decades {
            1 => &[1, 2, 5],
            2 => &[1, 3],
            _ => &[1],
        };
        let of_power = |power: i32| {
            let inside = move |factor: &&u8| **factor == 1 || power < self.to;
            factors.iter().filter(inside).map(move |&factor| (factor, power))
        };
        (self.from..=self.to).step_by(every).flat_map(of_power).collect()
    }
}

/// 1, 2 or 5 times a power of ten, at least `least`.
pub fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.max(f64::MIN_POSITIVE).log10().floor());
    [1.0, 2.0, 5.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|step| *step >= least)
        .unwrap_or(10.0 * power)
}

/// Broken where a point is missing.
pub fn line(points: &[Option<(f64, f64)>]) -> Path {
    let mut steps = Vec::new();
    let mut is_down = false;
    for (i, point) in points.iter().enumerate() {
        let Some((x, y)) = *point else {
            is_down = false;
            continue;
        };
        steps.push(if is_down { Step::Line(x, y) } else { Step::Move(x, y) });
        // A point between two gaps still shows, as a dot.
        if !is_down && points.get(i + 1).is_none_or(Option::is_none) {
            steps.push(Step::Line(x, y));
        }
        is_down = true;
    }
    Path(steps)
}

/// The mark of a curve around the origin, some 8 units wide, and whether it is hollow; different for 7.
pub fn mark(style: usize) -> (Path, bool) {
    let shape = match style % 7 {
        0 | 5 => Path::circle(3.5),
        1 | 6 => Path::polygon(&[(-3.2, -3.2), (3.2, -3.2), (3.2, 3.2), (-3.2, 3.2)]),
        2 => Path::polygon(&[(0.0, -4.0), (4.0, 3.0), (-4.0, 3.0)]),
        3 => Path::polygon(&[(0.0, -4.5), (4.5, 0.0), (0.0, 4.5), (-4.5, 0.0)]),
        _ => Path::polygon(&[(0.0, 4.0), (4.0, -3.0), (-4.0, -3.0)]),
    };
    (shape, style % 7 > 4)
}
