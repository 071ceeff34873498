//! Whether a worker still lives, for a reader that looks again and again. The lock of a run tells, and where it cannot,
//! on another host, the heartbeat does.
//!
//! Clocks of two hosts differ, and the wall clock of one jumps: by hand, by a time server, over a suspend. So only
//! the first look compares the heartbeat with the wall clock; after it the silence is counted on the steady clock
//! of this machine, which neither jumps nor runs while the machine sleeps.

use std::time::Instant;

use super::RunDirectory;
use super::manifest::{Health, Manifest, Worker};

/// How long the worker of one run has been silent, as far as this reader has seen.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pulse {
    seen: Option<Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    heartbeat: f64,
    since: Instant,
    /// Seconds of silence before it was first seen.
    before: f64,
}

impl Pulse {
    /// The status of the run in `directory` as a viewer on this machine should show it now.
    pub fn health(&mut self, directory: &RunDirectory, manifest: &Manifest) -> Health {
        let silence = self.silence(manifest.heartbeat, super::now(), Instant::now());
        let worker =
            if manifest.status.is_unfinished() { directory.worker(manifest) } else { Worker::Unknown };
        manifest.health(silence, worker)
    }

    /// Seconds since the worker's last sign of life; `wall` is in seconds since the epoch, `steady` never jumps.
    pub fn silence(&mut self, heartbeat: f64, wall: f64, steady: Instant) -> f64 {
        let seen = match self.seen {
            Some(seen) if seen.heartbeat == heartbeat => seen,
            Some(_) => Seen { heartbeat, since: steady, before: 0.0 },
            // Clocks of two hosts: what comes from the future is as good as new.
            None => Seen { heartbeat, since: steady, before: (wall - heartbeat).max(0.0) },
        };
        self.seen = Some(seen);
        seen.before + steady.saturating_duration_since(seen.since).as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const BEAT: f64 = 1_795_352_101.0;
    const HOUR: f64 = 3600.0;

    /// Silences at `(seconds of steady time, wall clock, heartbeat)`.
    fn silences(looks: &[(u64, f64, f64)]) -> Vec<f64> {
        let begin = Instant::now();
        let mut pulse = Pulse::default();
        let looks = looks.iter();
        looks.map(|&(at, wall, beat)| pulse.silence(beat, wall, begin + Duration::from_secs(at))).collect()
    }

    #[test]
    fn the_first_look_trusts_the_wall_clock_and_later_ones_count_from_there() {
        assert_eq!(silences(&[(0, BEAT + 20.0, BEAT), (15, BEAT + 35.0, BEAT)]), [20.0, 35.0]);
    }

    #[test]
    fn a_wall_clock_that_jumps_while_one_looks_changes_nothing() {
        for jump in [-5.0 * HOUR, 5.0 * HOUR] {
            let looks = [(0, BEAT, BEAT), (1, BEAT + 1.0 + jump, BEAT), (2, BEAT + 2.0 + jump, BEAT)];
            assert_eq!(silences(&looks), [0.0, 1.0, 2.0]);
        }
    }

    #[test]
    fn a_beat_is_a_sign_of_life_whatever_its_time() {
        // A host whose clock is an hour behind, and one whose clock is set back.
        let behind =
            [(0, BEAT + HOUR, BEAT), (1, BEAT + HOUR + 1.0, BEAT + 1.0), (3, BEAT + HOUR, BEAT + 1.0)];
        assert_eq!(silences(&behind), [HOUR, 0.0, 2.0]);
        assert_eq!(silences(&[(0, BEAT, BEAT), (1, BEAT + 1.0, BEAT - HOUR)]), [0.0, 0.0]);
    }

    #[test]
    fn a_heartbeat_from_the_future_grows_old_all_the_same() {
        assert_eq!(silences(&[(0, BEAT, BEAT + HOUR), (31, BEAT + 31.0, BEAT + HOUR)]), [0.0, 31.0]);
    }
}
