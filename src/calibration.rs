//! How fast this machine is, next to the one whose times the presets state.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::backend::Compute;
use crate::bench;
use crate::config::{OptimiserKind, RunConfig};
use crate::files::{self, Access};
use crate::{machine, threads};

/// A workload that both machines were timed on.
struct Yardstick {
    workload: &'static str,
    evaluations: usize,
    /// Milliseconds of an evaluation on the reference machine.
    reference: f64,
}

/// The reference machine is that of the presets: two cores of an AMD EPYC (Zen 4), flex, 2 threads. Its times are those of
/// the second table of `docs/performance.md`, from `RAYON_NUM_THREADS=2 gialab bench --workload NAME`.
const LIGHT: Yardstick = Yardstick { workload: "ig-lenet-b1", evaluations: 1000, reference: 0.32 };
const HEAVY: Yardstick = Yardstick { workload: "ig-convnet64-b1", evaluations: 20, reference: 73.9 };

impl Yardstick {
    fn known(&self) -> Option<bench::Workload> {
        bench::workloads().into_iter().find(|known| known.name == self.workload)
    }
}

/// The name of the first device; two of one machine are mostly alike.
fn device_name() -> Option<String> {
    #[cfg(feature = "cuda")]
    return Some(crate::sys::cuda_driver().ok()?.devices.into_iter().next()?.name);
    #[cfg(not(feature = "cuda"))]
    None
}

/// Waiting for a processor for this share of the time, a measurement says more of its neighbours than of the machine.
const BUSY: f64 = 0.2;

/// One of the two is timed for no longer.
const LONGEST: Duration = Duration::from_secs(2);

/// What a machine took for both, with all that it depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Version of gialab.
    pub gialab: String,
    /// `flex` or `cuda`.
    pub backend: String,
    /// Threads that computed.
    pub threads: usize,
    /// The name of the processor, or of the device.
    pub processor: String,
    /// Milliseconds of an evaluation that takes little: overheads decide.
    pub light: f64,
    /// Of one that takes much: products decide.
    pub heavy: f64,
}

/// Whether a machine is measured on this backend: ndarray would take minutes.
pub fn can_measure(backend: &str) -> bool {
    matches!(backend, "flex" | "cuda")
}

impl Calibration {
    /// Measures this machine, in about two seconds, a device after it has compiled its kernels, at a low priority: what else
    /// runs goes first. Nothing where that took the processor from it, or if a workload cannot be built.
    pub fn measure(compute: &Compute) -> Option<Calibration> {
        // A machine that refuses is measured as it is.
        let _ = rustix::process::nice(19);
        let time =
            |yardstick: &Yardstick| yardstick.known()?.milliseconds(compute, yardstick.evaluations, LONGEST);
        let both = || Some((time(&LIGHT)?, time(&HEAVY)?));
        if compute.name() == "cuda" {
            // The first time it compiles kernels and tries which are the fastest.
            both()?;
        }
        let (light, heavy) = both()?;
        let measured = Calibration { light, heavy, ..Calibration::of(compute.name()) };
        machine::share_waited().is_none_or(|waited| waited < BUSY).then_some(measured)
    }

    /// Of this machine, with these times.
    #[cfg(test)]
    pub(crate) fn measured(backend: &str, light: f64, heavy: f64) -> Calibration {
        Calibration { light, heavy, ..Calibration::of(backend) }
    }

    /// Of this machine as it is now, without times.
    fn of(backend: &str) -> Calibration {
        Calibration {
            gialab: env!("CARGO_PKG_VERSION").to_owned(),
            backend: backend.to_owned(),
            threads: threads::allowed().count,
            processor: match backend {
                "cuda" => device_name().unwrap_or_else(machine::processor),
                _ => machine::processor(),
            },
            light: f64::NAN,
            heavy: f64::NAN,
        }
    }

    /// What was kept for this backend, if it is still true of this machine.
    pub fn read(cache: &Path, backend: &str) -> Option<Calibration> {
        let text = files::read_text(&file(cache, backend), files::DOCUMENT).ok()?;
        let kept: Calibration = serde_json::from_str(&text).ok()?;
        let Calibration { light, heavy, .. } = kept;
        let is_time = |ms: f64| ms.is_finite() && ms > 0.0;
        let now = Calibration { light, heavy, ..Calibration::of(backend) };
        (kept == now && is_time(light) && is_time(heavy)).then_some(kept)
    }

    /// Keeps it.
    ///
    /// # Errors
    /// A sentence that says why it could not be written.
    pub fn write(&self, cache: &Path) -> Result<(), String> {
        let path = file(cache, &self.backend);
        let json = serde_json::to_vec_pretty(self).map_err(|e| e.to_string())?;
        files::create_directories(cache)
            .and_then(|()| files::write(&path, &json, Access::Private))
            .map_err(|e| format!("cannot write {}: {e}", path.display()))
    }

    /// Milliseconds of an evaluation of so many 10^9 operations: they grow from one of the two workloads that were timed to
    /// the other as a power of the work, and beyond. What is less than both takes as long as the smaller, by its overheads.
    pub fn milliseconds(&self, gflop: f64) -> f64 {
        let work = |yardstick: &Yardstick| yardstick.known().map_or(f64::NAN, |workload| workload.gflop());
        let (least, most) = (work(&LIGHT), work(&HEAVY));
        let power = ((self.heavy / self.light).ln() / (most / least).ln()).clamp(0.0, 1.0);
        self.light * (gflop / least).max(1.0).powf(power)
    }

    /// What takes a second on the reference machine takes so many here: by what one evaluation of the config takes there,
    /// between the two that were timed.
    pub fn factor(&self, config: &RunConfig, reference_seconds: f64) -> f64 {
        let Factors { light, heavy } = self.factors();
        let ms = 1e3 * reference_seconds / evaluations(config);
        let share = (ms / LIGHT.reference).ln() / (HEAVY.reference / LIGHT.reference).ln();
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        light.powf(1.0 - share) * heavy.powf(share)
    }

    /// Seconds here for a second there.
    pub fn factors(&self) -> Factors {
        Factors { light: self.light / LIGHT.reference, heavy: self.heavy / HEAVY.reference }
    }
}

/// Seconds here for a second on the reference machine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Factors {
    /// Of small networks.
    pub light: f64,
    /// Of large ones.
    pub heavy: f64,
}

/// Evaluations of a run, about: all that is planned, of restarts that may end early a single one.
fn evaluations(config: &RunConfig) -> f64 {
    let attack = &config.attack;
    let per_iteration = attack.search().map_or(1, |search| search.optimiser.work());
    let is_lbfgs = attack.search().is_some_and(|search| search.optimiser.kind == OptimiserKind::Lbfgs);
    let trials = if is_lbfgs { 1 } else { attack.trials() };
    (config.attacked_rounds().len().max(1) * trials * attack.iterations() * per_iteration) as f64
}

fn file(cache: &Path, backend: &str) -> PathBuf {
    cache.join(format!("speed-{backend}.json"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::preset;

    fn preset(name: &str) -> RunConfig {
        preset::load(name, &[], "/nonexistent".as_ref()).unwrap().config
    }

    fn measured(light: f64, heavy: f64) -> Calibration {
        Calibration::measured("flex", light, heavy)
    }

    #[test]
    fn time_grows_with_the_work_as_between_the_two_that_were_timed() {
        let same = measured(LIGHT.reference, HEAVY.reference);
        let ms = |name: &str| {
            let all = bench::workloads();
            same.milliseconds(all.iter().find(|workload| workload.name == name).unwrap().gflop())
        };
        assert!((ms(LIGHT.workload) - LIGHT.reference).abs() < 1e-9);
        assert!((ms(HEAVY.workload) - HEAVY.reference).abs() < 1e-6);
        assert!((same.milliseconds(0.0) - LIGHT.reference).abs() < 1e-9);
        // What was measured of others (docs/performance.md), within a factor of three.
        for (name, took) in [("ig-resnet20-b1", 7.4), ("ig-resnet18-b1", 51.9), ("ig-resnet18-b4", 139.0)] {
            let ratio = ms(name) / took;
            assert!((1.0 / 3.0..3.0).contains(&ratio), "{name}: {} for {took}", ms(name));
        }
    }

    #[test]
    fn the_reference_machine_is_as_fast_as_itself() {
        let same = measured(LIGHT.reference, HEAVY.reference);
        for name in preset::shipped_names() {
            let config = preset(name);
            let seconds = config.expect.as_ref().unwrap().seconds;
            assert!((same.factor(&config, seconds) - 1.0).abs() < 1e-12, "{name}");
        }
    }

    #[test]
    fn small_networks_scale_with_the_light_workload_and_large_ones_with_the_heavy() {
        // A device: slow to start, fast in products.
        let device = measured(10.0 * LIGHT.reference, 0.1 * HEAVY.reference);
        let factor = |name: &str| {
            let config = preset(name);
            let seconds = config.expect.as_ref().unwrap().seconds;
            device.factor(&config, seconds)
        };
        assert!((factor("ig-convnet64") - 0.1).abs() < 1e-3, "{}", factor("ig-convnet64"));
        assert!(factor("ig-lenet") > 5.0, "{}", factor("ig-lenet"));
        assert!(factor("dlg-lenet") > 5.0, "{}", factor("dlg-lenet"));
        let between = factor("skip-connections");
        assert!((0.2..5.0).contains(&between), "{between}");
    }

    #[test]
    fn what_was_kept_is_used_until_something_changes() {
        let directory = tempfile::tempdir().unwrap();
        let cache = directory.path().join("cache");
        assert_eq!(Calibration::read(&cache, "flex"), None);
        let kept = measured(0.5, 100.0);
        kept.write(&cache).unwrap();
        assert_eq!(Calibration::read(&cache, "flex"), Some(kept.clone()));
        assert_eq!(Calibration::read(&cache, "cuda"), None);
        let others = [
            Calibration { gialab: "0.0.1".into(), ..kept.clone() },
            Calibration { threads: kept.threads + 1, ..kept.clone() },
            Calibration { processor: "another".into(), ..kept.clone() },
            Calibration { light: 0.0, ..kept.clone() },
        ];
        for other in others {
            other.write(&cache).unwrap();
            assert_eq!(Calibration::read(&cache, "flex"), None, "{other:?}");
        }
        std::fs::write(file(&cache, "flex"), "{").unwrap();
        assert_eq!(Calibration::read(&cache, "flex"), None);
    }
}
