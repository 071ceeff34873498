//! What control groups allow this process: memory and processor time, in both versions of the interface (Linux). A
//! group's limit holds for all below it, so that each is asked, from this process up to where the groups are mounted.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Limits larger than this are none: version 1 says so with the largest number it has.
const NO_LIMIT: u64 = 1 << 60;

/// One limit of memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryLimit {
    /// The file that holds it.
    pub file: PathBuf,
    /// Bytes.
    pub limit: u64,
    /// Bytes of it that are in use and cannot be had back.
    pub used: u64,
}

/// Kills for want of memory in a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryKills {
    /// The file that counts them.
    pub file: PathBuf,
    /// How many there were.
    pub count: u64,
}

/// The groups that this process is in.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Groups {
    /// Innermost first, of version 1 with its controller, of version 2 with none.
    groups: Vec<(Option<&'static str>, PathBuf)>,
}

/// Limits of memory that hold for this process.
pub fn memory_limits() -> Vec<MemoryLimit> {
    Groups::of_this_process().memory_limits()
}

/// Processors' worth of time that this process may have, the least of its groups.
pub fn processors() -> Option<f64> {
    Groups::of_this_process().processors()
}

/// How often the system has killed for want of memory in the innermost group of this process.
pub fn memory_kills() -> Option<MemoryKills> {
    let groups = Groups::of_this_process();
    let files = groups.groups.iter().filter_map(|(controller, group)| match controller {
        None => Some(group.join("memory.events")),
        Some("memory") => Some(group.join("memory.oom_control")),
        Some(_) => None,
    });
    files.filter_map(|file| memory_kills_in(&file).map(|count| MemoryKills { file, count })).next()
}

/// The count in a file of that kind.
pub fn memory_kills_in(file: &Path) -> Option<u64> {
    value(&fs::read_to_string(file).ok()?, "oom_kill")
}

impl Groups {
    fn of_this_process() -> Groups {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Groups::from(&read("/proc/self/cgroup"), &read("/proc/self/mountinfo"), Path::new("/"))
    }

    /// From the texts of `/proc/self/cgroup` and `/proc/self/mountinfo`, of a machine whose files are below `root`.
    fn from(membership: &str, mounts: &str, root: &Path) -> Groups {
        let mut groups = Vec::new();
        for controller in [None, Some("memory"), Some("cpu")] {
            let own = membership.lines().find_map(|line| {
                let mut parts = line.splitn(3, ':').skip(1);
                let (names, path) = (parts.next()?, parts.next()?);
                let is_it = match controller {
                    None => names.is_empty(),
                    Some(controller) => names.split(',').any(|name| name == controller),
                };
                is_it.then_some(path)
            });
            let mount = mounts.lines().find_map(|line| mount(line, controller));
            let (Some(own), Some((top, mounted))) = (own, mount) else { continue };
            let mounted = root.join(mounted.trim_start_matches('/'));
            // In a container only what is below its own group may be mounted.
            let below = Path::new(own).strip_prefix(top).unwrap_or(Path::new(""));
            let below = below.strip_prefix("/").unwrap_or(below);
            let innermost = Some(mounted.join(below)).filter(|group| group.is_dir());
            let innermost = innermost.unwrap_or_else(|| mounted.clone());
            let chain = innermost.ancestors().take_while(|group| group.starts_with(&mounted));
            groups.extend(chain.map(|group| (controller, group.to_path_buf())));
        }
        Groups { groups }
    }

    fn memory_limits(&self) -> Vec<MemoryLimit> {
        let mut limits = Vec::new();
        for (controller, group) in &self.groups {
            let (names, used, cache): (&[&str], _, _) = match controller {
                None => (&["memory.max", "memory.high"], "memory.current", "inactive_file"),
                Some("memory") => {
                    (&["memory.limit_in_bytes"], "memory.usage_in_bytes", "total_inactive_file")
                }
                Some(_) => continue,
            };
            let statistics = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
            // What was read from files lately is given back when it is needed.
            let reclaimable = value(&statistics, cache).unwrap_or(0);
            for name in names {
                let file = group.join(name);
                let (Some(limit), Some(used)) = (number(&file), number(&group.join(used))) else { continue };
                if limit < NO_LIMIT {
                    limits.push(MemoryLimit { file, limit, used: used.saturating_sub(reclaimable) });
                }
            }
        }
        limits
    }

    fn processors(&self) -> Option<f64> {
        let shares = self.groups.iter().filter_map(|(controller, group)| {
            let (quota, period) = match controller {
                None => {
                    let text = fs::read_to_string(group.join("cpu.max")).ok()?;
                    let (quota, period) = text.trim().split_once(' ')?;
                    (quota.parse().ok()?, period.parse().ok()?)
                }
                Some("cpu") => {
                    (number(&group.join("cpu.cfs_quota_us"))?, number(&group.join("cpu.cfs_period_us"))?)
                }
                Some(_) => return None,
            };
            (quota > 0 && period > 0).then(|| quota as f64 / period as f64)
        });
        shares.min_by(f64::total_cmp)
    }
}

/// The root of a mounted hierarchy within it, and where it is mounted, if the line of `mountinfo` is of that controller.
fn mount<'a>(line: &'a str, controller: Option<&str>) -> Option<(&'a str, &'a str)> {
    let (place, kind) = line.split_once(" - ")?;
    let mut kind = kind.split(' ');
    let is_it = match (kind.next()?, controller) {
        ("cgroup2", None) => true,
        ("cgroup", Some(controller)) => kind.nth(1)?.split(',').any(|option| option == controller),
        _ => false,
    };
    let mut place = place.split(' ').skip(3);
    is_it.then_some((place.next()?, place.next()?))
}

/// The number in a file; `max` and -1 are none.
fn number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// The number after a word at the beginning of a line.
fn value(text: &str, word: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new(files: &[(&str, &str)]) -> Tree {
            let tree = Tree(tempfile::tempdir().unwrap());
            for (name, content) in files {
                let path = tree.0.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, content).unwrap();
            }
            tree
        }

        fn groups(&self, membership: &str, mounts: &str) -> Groups {
            Groups::from(membership, mounts, self.0.path())
        }
    }

    const TWO: &str = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
    const ONE: &str = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n\
                       35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
                       32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n";

    #[test]
    fn version_two_is_asked_from_the_innermost_group_upwards() {
        let tree = Tree::new(&[
            ("sys/fs/cgroup/user.slice/job/memory.max", "max\n"),
            ("sys/fs/cgroup/user.slice/job/memory.high", "3000\n"),
            ("sys/fs/cgroup/user.slice/job/memory.current", "900\n"),
            ("sys/fs/cgroup/user.slice/job/memory.stat", "anon 10\ninactive_file 400\n"),
            ("sys/fs/cgroup/user.slice/job/cpu.max", "max 100000\n"),
            ("sys/fs/cgroup/user.slice/memory.max", "2000\n"),
            ("sys/fs/cgroup/user.slice/memory.current", "1500\n"),
            ("sys/fs/cgroup/user.slice/cpu.max", "150000 100000\n"),
        ]);
        let groups = tree.groups("0::/user.slice/job\n", TWO);
        let limits: Vec<(u64, u64)> =
            groups.memory_limits().iter().map(|limit| (limit.limit, limit.used)).collect();
        assert_eq!(limits, [(3000, 500), (2000, 1500)]);
        assert!(groups.memory_limits()[1].file.ends_with("user.slice/memory.max"));
        assert_eq!(groups.processors(), Some(1.5));
    }

    #[test]
    fn version_one_has_a_tree_for_each_controller() {
        let tree = Tree::new(&[
            ("sys/fs/cgroup/memory/slurm/job/memory.limit_in_bytes", "2000\n"),
            ("sys/fs/cgroup/memory/slurm/job/memory.usage_in_bytes", "1000\n"),
            ("sys/fs/cgroup/memory/slurm/job/memory.stat", "inactive_file 1\ntotal_inactive_file 300\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "7000\n"),
            ("sys/fs/cgroup/cpu,cpuacct/slurm/cpu.cfs_quota_us", "200000\n"),
            ("sys/fs/cgroup/cpu,cpuacct/slurm/cpu.cfs_period_us", "100000\n"),
            ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n"),
            ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
        ]);
        let membership = "4:memory:/slurm/job\n2:cpu,cpuacct:/slurm\n0::/\n";
        let groups = tree.groups(membership, ONE);
        let limits = groups.memory_limits();
        assert_eq!(limits.len(), 1);
        assert_eq!((limits[0].limit, limits[0].used), (2000, 700));
        assert_eq!(groups.processors(), Some(2.0));
    }

    #[test]
    fn in_a_container_what_is_mounted_is_its_own_group() {
        let tree = Tree::new(&[
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "5000\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "10\n"),
        ]);
        // With the host's path, mounted from it, and with a path that cannot be seen from inside.
        for mounts in [ONE.replace(":32 / ", ":32 /docker/abc "), ONE.to_owned()] {
            let limits = tree.groups("4:memory:/docker/abc\n", &mounts).memory_limits();
            assert_eq!((limits[0].limit, limits[0].used), (5000, 10));
        }
    }

    #[test]
    fn without_groups_there_are_no_limits() {
        let tree = Tree::new(&[]);
        for (membership, mounts) in [("", ""), ("0::/\n", TWO), ("nonsense", "nonsense - cgroup2")] {
            let groups = tree.groups(membership, mounts);
            assert_eq!((groups.memory_limits(), groups.processors()), (Vec::new(), None));
        }
    }
}
