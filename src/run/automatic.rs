//! What `auto` comes to: the CPU or the device, whichever is the faster for the network of a run. That there is a device does
//! not say so: the kernels of a small network take longer to launch than a CPU takes to compute it.

use super::{launch, memory};
use crate::backend::{self, BackendError, Compute};
use crate::calibration::Calibration;
use crate::config::RunConfig;
use crate::format;
use crate::model::{self, Net};
use crate::paths::Paths;

/// How many times longer an evaluation takes on the CPU that goes through the tape: 5 to 7 times where both ways were timed
/// (`docs/performance.md`, "What made the difference").
const TAPE: f64 = 6.0;

/// What is computed at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Work {
    /// 10^9 floating-point operations of both passes over the samples that are taken at once.
    pub gflop: f64,
    /// Whether the CPU needs a tape for it.
    pub tape: bool,
}

impl Work {
    /// Of an attack on a network.
    pub fn of(config: &RunConfig, net: &Net) -> Work {
        let gflop = crate::bench::gflop(net, memory::at_once(config));
        Work { gflop, tape: !model::needs_no_tape(net) }
    }
}

/// Where a run computes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    /// `flex`, `ndarray` or `cuda`.
    pub backend: String,
    /// Which device, if not the first.
    pub device: Option<usize>,
    /// Why, in a sentence, where it was chosen by what was measured.
    pub why: Option<String>,
}

impl From<&str> for Chosen {
    fn from(backend: &str) -> Chosen {
        Chosen { backend: backend.to_owned(), ..Chosen::default() }
    }
}

impl From<&Compute> for Chosen {
    fn from(compute: &Compute) -> Chosen {
        let device = Some(compute.ordinal()).filter(|ordinal| *ordinal > 0);
        Chosen { device, ..Chosen::from(compute.name()) }
    }
}

/// The faster of both for this work, by what both took for the workloads of a calibration.
pub fn faster(work: Work, cpu: &Calibration, device: &Calibration) -> Chosen {
    let on_cpu = cpu.milliseconds(work.gflop) * if work.tape { TAPE } else { 1.0 };
    let on_device = device.milliseconds(work.gflop);
    let [cpu_ms, device_ms] = [on_cpu, on_device].map(format::number);
    let (backend, why) = if on_device < on_cpu {
        ("cuda", format!("auto takes the device: about {device_ms} ms an evaluation, {cpu_ms} on the CPU"))
    } else {
        ("flex", format!("auto takes the CPU: about {cpu_ms} ms an evaluation, {device_ms} on the device"))
    };
    Chosen { why: Some(why), ..Chosen::from(backend) }
}

/// Where a run computes that was begun on `backend`, one of [`backend::NAMES`] or a device. Where `auto` has a choice and
/// either was not measured yet, it is measured now, which takes seconds, and longer where a device compiles its first kernels.
///
/// # Errors
/// If the backend cannot be used.
pub fn resolve(backend: &str, config: &RunConfig, net: &Net) -> Result<(Compute, Chosen), BackendError> {
    let precision = config.run.precision;
    if backend != "auto" || !backend::has_device() {
        let compute = Compute::select(backend, precision)?;
        let chosen = Chosen::from(&compute);
        return Ok((compute, chosen));
    }
    let chosen = match (measured("flex"), measured("cuda")) {
        (Some(cpu), Some(device)) => faster(Work::of(config, net), &cpu, &device),
        _ => {
            let why = "auto takes the device: this machine is too busy to time it beside the CPU".to_owned();
            Chosen { why: Some(why), ..Chosen::from("cuda") }
        }
    };
    Ok((Compute::select(&chosen.backend, precision)?, chosen))
}

/// Whether `auto` has a choice that would have to be measured first.
pub fn must_measure() -> bool {
    let cache = Paths::new(None, None).cache;
    backend::has_device() && ["flex", "cuda"].iter().any(|name| Calibration::read(&cache, name).is_none())
}

/// How fast a backend is, as it was kept or as it is found to be now.
fn measured(backend: &str) -> Option<Calibration> {
    let cache = Paths::new(None, None).cache;
    Calibration::read(&cache, backend).or_else(|| {
        let found = launch::calibrate(backend).ok().flatten()?;
        // What cannot be kept is measured again.
        let _ = found.write(&cache);
        Some(found)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::preset;
    use crate::model::architecture;

    /// The reference machine, and a device that takes three milliseconds for anything small.
    fn both() -> (Calibration, Calibration) {
        (Calibration::measured("flex", 0.32, 73.9), Calibration::measured("cuda", 3.0, 6.0))
    }

    fn chosen(preset: &str, changes: &[&str], model: &str, side: usize) -> Chosen {
        let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
        let config = preset::load(preset, &changes, "/nonexistent".as_ref()).unwrap().config;
        let net = architecture(model).unwrap();
        let net = net.net(&config.victim.options, [3, side, side], 10).unwrap();
        let (cpu, device) = both();
        faster(Work::of(&config, &net), &cpu, &device)
    }

    #[test]
    fn small_networks_stay_on_the_cpu_and_large_ones_go_to_the_device() {
        for (preset, model, side, backend) in [
            ("dlg-lenet", "lenet", 32, "flex"),
            ("ig-lenet", "lenet", 32, "flex"),
            ("ig-convnet64", "convnet64", 32, "cuda"),
            ("ig-resnet18", "resnet18", 32, "cuda"),
            ("ig-resnet18", "resnet50-imagenet", 224, "cuda"),
        ] {
            let chosen = chosen(preset, &[], model, side);
            assert_eq!(chosen.backend, backend, "{preset} {model}: {:?}", chosen.why);
        }
        let said = chosen("ig-lenet", &[], "lenet", 32).why.unwrap();
        assert!(said.starts_with("auto takes the CPU: about 0.3"), "{said}");
        assert!(said.ends_with("on the device"), "{said}");
        let said = chosen("ig-convnet64", &[], "convnet64", 32).why.unwrap();
        assert!(said.starts_with("auto takes the device: about 6"), "{said}");
    }

    #[test]
    fn what_counts_is_what_is_computed_at_once() {
        // A device that is hardly faster: a batch decides.
        let (cpu, device) = (both().0, Calibration::measured("cuda", 20.0, 22.0));
        let net = architecture("resnet20").unwrap().net(&Default::default(), [3, 32, 32], 10).unwrap();
        let of = |changes: &[&str]| {
            let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
            let config = preset::load("ig-resnet18", &changes, "/nonexistent".as_ref()).unwrap().config;
            faster(Work::of(&config, &net), &cpu, &device).backend
        };
        assert_eq!(of(&[]), "flex");
        assert_eq!(of(&["victim.indices=[0,1,2,3,4,5,6,7]"]), "cuda");
    }

    #[test]
    fn a_tape_counts_against_the_cpu() {
        let (cpu, device) = both();
        let work = |tape| Work { gflop: 0.03, tape };
        assert_eq!(faster(work(false), &cpu, &device).backend, "flex");
        assert_eq!(faster(work(true), &cpu, &device).backend, "cuda");
    }

    #[test]
    fn a_slow_device_is_never_taken() {
        let slow = Calibration::measured("cuda", 50.0, 500.0);
        for gflop in [1e-6, 1e-3, 1.0, 1e3] {
            assert_eq!(faster(Work { gflop, tape: false }, &both().0, &slow).backend, "flex", "{gflop}");
        }
    }

    #[test]
    fn without_a_device_it_is_flex_and_nothing_is_said() {
        if backend::has_device() {
            return;
        }
        let config = preset::load("ig-lenet", &[], "/nonexistent".as_ref()).unwrap().config;
        let net = architecture("lenet").unwrap().net(&Default::default(), [3, 32, 32], 10).unwrap();
        let (compute, chosen) = resolve("auto", &config, &net).unwrap();
        assert_eq!((compute.name(), chosen), ("flex", Chosen::from("flex")));
        assert!(resolve("cuda:1", &config, &net).unwrap_err().to_string().starts_with("the backend cuda"));
        assert!(resolve("cuda:x", &config, &net).unwrap_err().to_string().contains("no backend"));
    }
}
