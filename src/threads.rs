//! How many threads compute, and what says so.

use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use crate::cgroup;

/// A number of threads with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Threads {
    /// How many.
    #[serde(rename = "threads")]
    pub count: usize,
    /// What says so, for a line of `doctor`.
    #[serde(rename = "threads_by")]
    pub by: &'static str,
}

const RAYON: &str = "RAYON_NUM_THREADS";
const SLURM: &str = "SLURM_CPUS_PER_TASK";
const OPENMP: &str = "OMP_NUM_THREADS";

/// The threads that this process may use: as `RAYON_NUM_THREADS` says, else the least of the processors that it may run
/// on, the time that its control groups may have of them, `SLURM_CPUS_PER_TASK` and `OMP_NUM_THREADS`.
pub fn allowed() -> Threads {
    // Where the system does not tell which, it tells how many.
    let processors = processors()
        .and_then(|list| count(&list))
        .or_else(|| std::thread::available_parallelism().ok().map(usize::from));
    least(|name| std::env::var(name).ok(), processors, cgroup::processors())
}

/// Starts the pool that all computations share and returns its size: `wished` if that is given and no more than
/// `RAYON_NUM_THREADS` allows, else [`allowed`]. Once in a process; a pool that is there stays.
pub fn start(wished: Option<usize>) -> usize {
    let allowed = allowed();
    let count = match wished {
        Some(wished) if allowed.by != RAYON || wished <= allowed.count => wished,
        _ => allowed.count,
    };
    if let Err(error) = rayon::ThreadPoolBuilder::new().num_threads(count).build_global() {
        tracing::debug!("{error}");
    }
    rayon::current_num_threads()
}

/// Runs `work` on a thread of the pool, whose other threads stay awake meanwhile: they look for what is shared out until all is
/// done, since waking one takes as long as a small layer. Where other programs wait for a processor, they are let go first.
pub fn awake<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let done = AtomicBool::new(false);
    let wait = || {
        while !done.load(Ordering::Relaxed) {
            if rayon::yield_now() != Some(rayon::Yield::Executed) {
                std::thread::yield_now();
            }
        }
    };
    rayon::scope(|scope| {
        // Threads take from another the oldest first, so that a part of the work is taken only after all of these: none of them can
        // begin on top of a part that its end depends on.
        (1..rayon::current_num_threads()).for_each(|_| scope.spawn(|_| wait()));
        let _done = Done(&done);
        work()
    })
}

/// Says that work is done, also where it panicked.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn least(
    environment: impl Fn(&str) -> Option<String>,
    processors: Option<usize>,
    quota: Option<f64>,
) -> Threads {
    let number = |name: &'static str| {
        let text = environment(name)?;
        // OpenMP takes a number for each level of nesting.
        let count: usize = text.split(',').next()?.trim().parse().ok()?;
        (count > 0).then_some(Threads { count, by: name })
    };
    if let Some(threads) = number(RAYON) {
        return threads;
    }
    let bounds = [
        processors.map(|count| Threads { count, by: "the processors of this process" }),
        quota.map(|quota| Threads { count: (quota as usize).max(1), by: "the quota of its control group" }),
        number(SLURM),
        number(OPENMP),
    ];
    let least = bounds.into_iter().flatten().min_by_key(|threads| threads.count);
    least.unwrap_or(Threads { count: 1, by: "nothing known of the processors" })
}

/// Processors that this process may run on, as the system lists them (Linux): `0-3,8`.
pub fn processors() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).map(|list| list.trim().to_owned())
}

/// Numbers in a list like `0-3,8`.
fn count(list: &str) -> Option<usize> {
    let mut count = 0;
    for part in list.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        count += (first.parse::<usize>().ok()?..=last.parse().ok()?).count();
    }
    (count > 0).then_some(count)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rayon::iter::{IntoParallelIterator, ParallelIterator};

    use super::*;

    fn threads(variables: &[(&str, &str)], processors: usize, quota: Option<f64>) -> (usize, &'static str) {
        let environment = |name: &str| {
            variables.iter().find(|variable| variable.0 == name).map(|variable| variable.1.to_owned())
        };
        let threads = least(environment, Some(processors), quota);
        (threads.count, threads.by)
    }

    #[test]
    fn threads_that_stay_awake_never_wait_for_themselves() {
        let row = |i: u64| (0..64_u64).into_par_iter().map(|j| i * j).sum::<u64>();
        let work = || (0..8_u64).into_par_iter().map(row).sum::<u64>();
        for threads in 1..=5 {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            // Several at a time, and one inside another.
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        for _ in 0..30 {
                            assert_eq!(pool.install(|| awake(|| awake(work))), 28 * 2016);
                        }
                    });
                }
            });
        }
    }

    #[test]
    fn threads_that_stay_awake_help_and_let_go_of_work_that_panics() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let sum = pool.install(|| awake(|| (1..=1000_u64).into_par_iter().sum::<u64>()));
        assert_eq!(sum, 500_500);
        let failed = || pool.install(|| awake(|| -> u32 { panic!("as it should") }));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(failed)).is_err());
        assert_eq!(pool.install(|| awake(|| 7)), 7, "nobody waits any more");
    }

    #[test]
    fn the_least_counts_unless_rayons_own_variable_speaks() {
        let processors = "the processors of this process";
        assert_eq!(threads(&[], 8, None), (8, processors));
        assert_eq!(threads(&[], 8, Some(2.5)), (2, "the quota of its control group"));
        assert_eq!(threads(&[], 8, Some(0.5)), (1, "the quota of its control group"));
        assert_eq!(threads(&[(SLURM, "4"), (OPENMP, "6")], 8, None), (4, SLURM));
        assert_eq!(threads(&[(SLURM, "4"), (OPENMP, "3,2")], 8, None), (3, OPENMP));
        assert_eq!(threads(&[(SLURM, "64")], 8, None), (8, processors));
        assert_eq!(threads(&[(RAYON, "16"), (SLURM, "4")], 8, Some(1.0)), (16, RAYON));
        for nonsense in ["0", "", "many", "-1"] {
            assert_eq!(threads(&[(RAYON, nonsense), (SLURM, nonsense)], 8, None), (8, processors));
        }
    }

    #[test]
    fn lists_of_processors_are_counted() {
        assert_eq!(count("\t0-3,8"), Some(5));
        assert_eq!(count("0"), Some(1));
        assert_eq!((count(""), count("x-y"), count("3-1")), (None, None, None));
    }
}
