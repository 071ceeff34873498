//! What runs wait for: the processors that this process may use, or the device.

use crate::threads;

/// The backend that computes on a device.
const CUDA: &str = "cuda";

/// Something that carries so much at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Runs with the same name wait for each other.
    pub name: String,
    /// Threads on processors, one run on a device.
    pub capacity: usize,
}

impl Resource {
    /// How much a resource of this name carries, as this process is bound.
    pub fn capacity_of(name: &str) -> usize {
        if name.starts_with(CUDA) { 1 } else { threads::allowed().count }
    }

    /// Whether it is a device.
    pub fn is_device(&self) -> bool {
        self.name.starts_with(CUDA)
    }

    /// What a run on this backend, or on one device of it (`cuda:1`), needs, as this process is bound.
    pub fn of(backend: &str) -> Resource {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        named(backend, variable, threads::processors().as_deref())
    }
}

/// Jobs of a batch system have processors and devices of their own, under the same numbers.
fn named(backend: &str, variable: impl Fn(&str) -> Option<String>, processors: Option<&str>) -> Resource {
    let (kind, ordinal) = backend.split_once(':').unwrap_or((backend, "0"));
    let mut name = match kind {
        CUDA => {
            // Those that are visible are counted anew.
            let visible = variable("CUDA_VISIBLE_DEVICES");
            let nth = |list| str::split(list, ',').nth(ordinal.parse().ok()?).map(str::trim);
            format!("{CUDA} {}", visible.as_deref().and_then(nth).unwrap_or(ordinal))
        }
        _ => format!("cpu {}", processors.unwrap_or("all")),
    };
    if let Some(job) = variable("SLURM_JOB_ID") {
        name = format!("{name} job {job}");
    }
    let capacity = Resource::capacity_of(&name);
    Resource { name, capacity }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_wait_for_those_that_use_the_same() {
        let name = |backend: &str, variables: &[(&str, &str)]| {
            let variable = |name: &str| {
                variables.iter().find(|variable| variable.0 == name).map(|variable| variable.1.to_owned())
            };
            named(backend, variable, Some("0-3")).name
        };
        assert_eq!(name("flex", &[]), "cpu 0-3");
        assert_eq!(name("ndarray", &[]), name("flex", &[("CUDA_VISIBLE_DEVICES", "1")]));
        assert_eq!(name("cuda", &[]), name("cuda", &[("CUDA_VISIBLE_DEVICES", "0,1")]));
        assert_eq!(name("cuda", &[("CUDA_VISIBLE_DEVICES", "1,0")]), "cuda 1");
        assert_eq!(name("cuda:1", &[]), "cuda 1");
        assert_eq!(name("cuda:1", &[("CUDA_VISIBLE_DEVICES", "3, 0")]), "cuda 0");
        assert_eq!(name("cuda:1", &[("CUDA_VISIBLE_DEVICES", "GPU-a,GPU-b")]), "cuda GPU-b");
        assert_ne!(name("cuda:1", &[]), name("cuda", &[]));
        assert_ne!(name("cuda", &[("SLURM_JOB_ID", "7")]), name("cuda", &[("SLURM_JOB_ID", "8")]));
        assert_eq!(named("cuda:1", |_| None, None).capacity, 1);
        assert_eq!(named("cuda", |_| None, None).capacity, 1);
    }
}
