//! How fast a run is.

/// Seconds after which a change of speed shows by two thirds.
const SPEED_WINDOW_S: f64 = 5.0;

/// Iterations a second, averaged over the last seconds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Speed {
    anchor: Option<(f64, usize)>,
    per_second: Option<f64>,
}

impl Speed {
    /// Once it is known.
    pub fn per_second(&self) -> Option<f64> {
        self.per_second.filter(|speed| *speed > 0.0)
    }

    /// Waits for the next observation to count from.
    pub fn pause(&mut self) {
        self.anchor = None;
    }

    /// Counts from here.
    pub fn restart(&mut self, seconds: f64, iteration: usize) {
        self.anchor = Some((seconds, iteration));
    }

    /// So many iterations are done at that time.
    pub fn observe(&mut self, seconds: f64, iteration: usize) {
        let Some((from, done)) = self.anchor else {
            return self.restart(seconds, iteration);
        };
        let passed = seconds - from;
        if passed <= 0.0 || iteration <= done {
            return;
        }
        let now = (iteration - done) as f64 / passed;
        let weight = 1.0 - (-passed / SPEED_WINDOW_S).exp();
        self.per_second = Some(match self.per_second {
            Some(before) => before + weight * (now - before),
            None => now,
        });
        self.anchor = Some((seconds, iteration));
    }
}
