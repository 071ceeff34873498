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

/// How long rounds of training take.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TrainingPace {
    /// The round that trains, and since when.
    since: Option<(u32, f64)>,
    seconds: f64,
    rounds: u32,
}

impl TrainingPace {
    /// Once a round was trained.
    pub fn per_round(&self) -> Option<f64> {
        (self.rounds > 0).then(|| self.seconds / f64::from(self.rounds))
    }

    /// This round begins, or its attack is over: training is what comes next.
    pub fn begin(&mut self, round: u32, seconds: f64) {
        if let Some((before, since)) = self.since
            && round > before
            && seconds >= since
        {
            self.seconds += seconds - since;
            self.rounds += round - before;
        }
        self.since = Some((round, seconds));
    }

    /// Something else takes the time.
    pub fn interrupt(&mut self) {
        self.since = None;
    }
}
