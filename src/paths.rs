//! Where things are kept: runs, presets of the user, the session of the terminal application.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

/// Directories of this user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Runs are under `runs/` here.
    pub data: PathBuf,
    /// Presets of the user are under `presets/` here.
    pub config: PathBuf,
    /// The session of the terminal application and its log.
    pub state: PathBuf,
    /// What can be made again: how fast this machine is.
    pub cache: PathBuf,
}

impl Paths {
    /// The platform's directories, or everything under `gialab` in the working directory if there is no home.
    /// `data` (from `--data-dir`), then `GIALAB_DATA_DIR` override where runs are kept.
    pub fn new(data: Option<&Path>, environment: Option<&std::ffi::OsStr>) -> Paths {
        let given =
            data.map(Path::to_path_buf).or_else(|| environment.filter(|v| !v.is_empty()).map(PathBuf::from));
        match ProjectDirs::from("", "", "gialab") {
            Some(project) => {
                let own = project.data_dir().to_path_buf();
                Paths {
                    // Only Linux has a directory for state.
                    state: project.state_dir().map_or_else(|| own.clone(), Path::to_path_buf),
                    config: project.config_dir().to_path_buf(),
                    cache: project.cache_dir().to_path_buf(),
                    data: given.unwrap_or(own),
                }
            }
            None => {
                let here = PathBuf::from("gialab");
                Paths {
                    data: given.unwrap_or_else(|| here.clone()),
                    config: here.clone(),
                    cache: here.clone(),
                    state: here,
                }
            }
        }
    }

    /// Presets of the user.
    pub fn presets(&self) -> PathBuf {
        self.config.join("presets")
    }
}

/// Where compiled kernels of devices are kept, for all runs of this user; `None` without a home.
pub fn kernels() -> Option<PathBuf> {
    ProjectDirs::from("", "", "gialab").map(|project| project.cache_dir().join("kernels"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_wins_over_the_environment() {
        let environment = std::ffi::OsStr::new("/from/environment");
        assert_eq!(
            Paths::new(Some(Path::new("/from/option")), Some(environment)).data,
            Path::new("/from/option")
        );
        assert_eq!(Paths::new(None, Some(environment)).data, Path::new("/from/environment"));
        assert_ne!(Paths::new(None, Some(std::ffi::OsStr::new(""))).data, Path::new(""));
    }
}
