//! What is moved within a picture, by the inverse map: where each place of the result comes from.

use super::picture::Picture;

/// What stands where a shifted or sheared picture comes from outside.
const BLACK: u8 = 0;

/// The same of a rotated one.
const GREY: u8 = 128;

/// One in 16.16 fixed point, in which the imaging library rotates.
const ONE: f64 = 65536.0;

impl Picture {
    /// The value at (x, y) is the one `by` further on, taken as it is.
    pub fn shifted(&self, right: f64, down: f64) -> Picture {
        self.from(BLACK, |channel, x, y| {
            let place = |at: usize, by: f64| (at as f64 + 0.5 + by).floor();
            self.value(channel, place(x, right) as i64, place(y, down) as i64)
        })
    }

    /// The value at (x, y) is the one at the row y + `by` x, between rows and columns by cubic interpolation.
    pub fn sheared_down(&self, by: f64) -> Picture {
        self.from(BLACK, |channel, x, y| {
            let (x, y) = (x as f64 + 0.5, y as f64 + 0.5);
            self.between(channel, x, y + by * x)
        })
    }

    /// Turned by an angle against the clock about its middle.
    pub fn rotated(&self, angle: f64) -> Picture {
        let round = |value: f64| (value * 1e15).round() / 1e15;
        let (cos, sin) = (round((-angle).cos()), round((-angle).sin()));
        let (middle_x, middle_y) = (self.width as f64 / 2.0, self.height as f64 / 2.0);
        let fixed = |value: f64| (value * ONE + 0.5).floor() as i64;
        let from = |a: f64, b: f64, middle: f64| {
            let c = a * -middle_x + b * -middle_y + middle;
            let (a_fixed, b_fixed, c) = (fixed(a), fixed(b), fixed(c + a * 0.5 + b * 0.5));
            move |x: usize, y: usize| (c + a_fixed * x as i64 + b_fixed * y as i64) >> 16
        };
        let (column, row) = (from(cos, sin, middle_x), from(-sin, cos, middle_y));
        self.from(GREY, |channel, x, y| self.value(channel, column(x, y), row(x, y)))
    }

    /// Every place from another one, or `outside`.
    fn from(&self, outside: u8, value: impl Fn(&[u8], usize, usize) -> Option<u8>) -> Picture {
        let width = self.width;
        self.with(|channel| {
            let places = 0..channel.len();
            places.map(|at| value(channel, at % width, at / width).unwrap_or(outside)).collect()
        })
    }

    fn value(&self, channel: &[u8], x: i64, y: i64) -> Option<u8> {
        let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
        (x < self.width && y < self.height).then(|| channel[y * self.width + x])
    }

    /// Bicubic with a = -1, at a point of the plane in which the first value lies at (0.5, 0.5).
    fn between(&self, channel: &[u8], x: f64, y: f64) -> Option<u8> {
        let inside = |at: f64, side: usize| at >= 0.0 && at < side as f64;
        if !inside(x, self.width) || !inside(y, self.height) {
            return None;
        }
        let (x, y) = (x - 0.5, y - 0.5);
        let clipped = |at: i64, side: usize| at.clamp(0, side as i64 - 1) as usize;
        let row = |y: i64| {
            let row = clipped(y, self.height) * self.width;
            let of = |by: i64| f64::from(channel[row + clipped(x.floor() as i64 + by, self.width)]);
            cubic([of(-1), of(0), of(1), of(2)], x - x.floor())
        };
        let first = y.floor() as i64;
        let value = cubic([row(first - 1), row(first), row(first + 1), row(first + 2)], y - y.floor());
        Some(value.clamp(0.0, 255.0) as u8)
    }
}

/// Between the second and the third of four values.
fn cubic([a, b, c, d]: [f64; 4], at: f64) -> f64 {
    let (first, second, third) = (c - a, 2.0 * (a - b) + c - d, b - a - c + d);
    b + at * (first + at * (second + at * third))
}
