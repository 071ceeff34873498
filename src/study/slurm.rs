//! A study on Slurm: its missing runs as job arrays, one task a run. What the cluster has of it is asked of `squeue`, by
//! numbers of jobs that are kept beside the runs; what became of a task is what became of its run, so that no accounting
//! is needed.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde::{Deserialize, Serialize};

use super::grid::{Member, Place, Study};
use crate::files::{self, Access};
use crate::text;

/// Tasks of an array. Their numbers end below `MaxArraySize`, which is 1001 unless a site says otherwise.
const MOST: usize = 1000;

/// Why Slurm cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SlurmError {
    /// One of its programs is not there.
    #[error("{program} cannot be started: {source}; --slurm works where jobs can be submitted to Slurm")]
    Absent {
        /// Which one.
        program: &'static str,
        /// Why.
        source: io::Error,
    },
    /// One of its programs says no.
    #[error("{program} refuses: {said}")]
    Refused {
        /// Which one.
        program: &'static str,
        /// Its words.
        said: String,
    },
    /// What is kept of the jobs cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The jobs of a study that may have something of it in the queue, oldest first.
#[derive(Debug)]
pub struct Jobs {
    path: PathBuf,
    /// The name of them all.
    name: String,
    jobs: Vec<Job>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Job {
    id: u64,
    /// The run of each task.
    runs: Vec<String>,
}

/// A task of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Number of its job.
    pub job: u64,
    /// Its run.
    pub run: String,
}

/// What the queue has of a study, and what it has no more.
#[derive(Debug, Default)]
pub struct Seen {
    /// Tasks that compute.
    pub running: Vec<Task>,
    /// Tasks that wait, with Slurm's word for the reason.
    pub waiting: Vec<(Task, String)>,
    /// Tasks that came to an end since they were submitted.
    pub ended: Vec<Task>,
}

impl Jobs {
    /// Those that are kept beside the runs.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn kept(study: &Study, place: &Place) -> Result<Jobs, SlurmError> {
        let path = place.path().join("slurm.json");
        let failed = |source| SlurmError::Io { action: "read", path: path.clone(), source };
        let jobs = match files::read(&path, files::DOCUMENT) {
            Ok(text) => serde_json::from_slice(&text).map_err(|e| failed(e.into()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(failed(error)),
        };
        Ok(Jobs { path, name: name(study), jobs })
    }

    /// How their tasks stand. Jobs of which nothing is left in the queue are forgotten.
    ///
    /// # Errors
    /// If there are jobs, and Slurm is not there or does not say.
    pub fn look(&mut self) -> Result<Seen, SlurmError> {
        if self.jobs.is_empty() {
            return Ok(Seen::default());
        }
        let list = ["--noheader", "--array", "--me", "--format=%F|%K|%T|%r|%j"];
        let queue = ask("squeue", Command::new("squeue").args(list).stdin(Stdio::null()).output())?;
        let seen = self.read(&queue);
        let left = || seen.running.iter().chain(seen.waiting.iter().map(|(task, _)| task));
        self.jobs.retain(|job| left().any(|task| task.job == job.id));
        Ok(seen)
    }

    /// The lines of `squeue` that are about tasks of these jobs.
    fn read(&self, queue: &str) -> Seen {
        let mut states = BTreeMap::new();
        for line in queue.lines() {
            let mut fields = line.splitn(5, '|');
            let mut field = || fields.next().map(str::trim);
            let (Some(job), Some(task), Some(state), Some(reason), Some(name)) =
                (field(), field(), field(), field(), field())
            else {
                continue;
            };
            // Numbers may begin again: another job can have one of ours.
            if let (Ok(job), Ok(task), true) = (job.parse::<u64>(), task.parse::<usize>(), name == self.name)
            {
                states.insert((job, task), (state, reason));
            }
        }
        let mut seen = Seen::default();
        for job in &self.jobs {
            for (at, run) in job.runs.iter().enumerate() {
                let task = Task { job: job.id, run: run.clone() };
                match states.get(&(job.id, at)) {
                    // One that is being cleared away computes no more.
                    None | Some(("COMPLETING", _)) => seen.ended.push(task),
                    Some(("PENDING", reason)) => seen.waiting.push((task, (*reason).to_owned())),
                    Some(_) => seen.running.push(task),
                }
            }
        }
        seen
    }

    /// Submits a job and keeps it; its number.
    ///
    /// # Errors
    /// If Slurm is not there or refuses; also if the job cannot be kept, which is then cancelled.
    pub fn submit(&mut self, array: &Array) -> Result<u64, SlurmError> {
        let mut sbatch = Command::new("sbatch");
        sbatch.arg("--parsable").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let said = sbatch.spawn().and_then(|mut child| {
            if let Some(mut stdin) = child.stdin.take() {
                // One that ends before it has read all says why.
                let _ = stdin.write_all(array.script.as_bytes());
            }
            child.wait_with_output()
        });
        let said = ask("sbatch", said)?;
        // The number, and on some sites a cluster behind it.
        let number = said.lines().last().and_then(|line| line.split(';').next()?.trim().parse().ok());
        let Some(id) = number else {
            let said = format!("it gave no number of a job, but \"{}\"", text::one_line(said.trim()));
            return Err(SlurmError::Refused { program: "sbatch", said });
        };
        self.jobs.push(Job { id, runs: array.runs.clone() });
        self.keep().inspect_err(|_| {
            // What nobody knows of would be submitted again.
            let _ = Command::new("scancel").arg(id.to_string()).status();
        })?;
        Ok(id)
    }

    fn keep(&self) -> Result<(), SlurmError> {
        let failed = |source| SlurmError::Io { action: "write", path: self.path.clone(), source };
        let text = serde_json::to_vec(&self.jobs).map_err(|e| failed(e.into()))?;
        files::write(&self.path, &text, Access::Private).map_err(failed)
    }
}

/// A job array, not submitted yet.
#[derive(Debug)]
pub struct Array {
    /// What `sbatch` reads.
    pub script: String,
    /// The run of each task.
    pub runs: Vec<String>,
}

/// How the tasks of an array compute.
#[derive(Debug)]
pub struct Tasks<'a> {
    /// What a task calls before `--cell` and the number of its run.
    pub command: &'a [String],
    /// Processors of each.
    pub threads: u32,
    /// So many at once, if that is bounded.
    pub at_once: Option<u32>,
    /// Options of `sbatch` that the user gives.
    pub options: &'a [String],
}

/// Where the messages of tasks are, by job and task.
pub fn messages(place: &Place) -> PathBuf {
    place.path().join("slurm")
}

/// The arrays that compute these runs.
pub fn arrays(study: &Study, place: &Place, members: &[Member], tasks: &Tasks<'_>) -> Vec<Array> {
    members.chunks(MOST).map(|members| array(study, place, members, tasks)).collect()
}

fn array(study: &Study, place: &Place, members: &[Member], tasks: &Tasks<'_>) -> Array {
    let numbers: Vec<String> = members.iter().map(|member| study.number(*member).to_string()).collect();
    let at_once = tasks.at_once.map_or_else(String::new, |at_once| format!("%{at_once}"));
    let log = messages(place).display().to_string().replace('%', "%%") + "/%A_%a.log";
    let words = |words: &[String]| words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    let options = match tasks.options {
        [] => String::new(),
        given => format!("#SBATCH {}\n", words(given)),
    };
    let script = format!(
        "#!/bin/bash\n\
         #SBATCH --job-name={}\n\
         #SBATCH --array=0-{}{at_once}\n\
         #SBATCH --cpus-per-task={}\n\
         #SBATCH --output={}\n\
         #SBATCH --open-mode=append\n\
         {options}\
         # The run of each task, counted from 0 among all of the study.\n\
         runs=({})\n\
         exec {} --cell \"${{runs[$SLURM_ARRAY_TASK_ID]}}\"\n",
        quoted(&name(study)),
        members.len().saturating_sub(1),
        tasks.threads,
        quoted(&log),
        numbers.join(" "),
        words(tasks.command),
    );
    Array { script, runs: members.iter().map(|member| study.id(*member)).collect() }
}

/// The name of its jobs.
fn name(study: &Study) -> String {
    format!("gialab-{}", study.name)
}

/// A word as a shell, and `sbatch` in its comments, takes it for one.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// What a program of Slurm answers.
fn ask(program: &'static str, output: io::Result<Output>) -> Result<String, SlurmError> {
    let output = output.map_err(|source| SlurmError::Absent { program, source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let own = format!("{program}: ");
    let words = said.lines().map(|line| {
        let line = line.trim_start_matches(own.as_str());
        line.trim_start_matches("error: ").trim_start_matches("fatal: ").trim()
    });
    let words: Vec<&str> = words.filter(|line| !line.is_empty()).collect();
    let said = match words.is_empty() {
        true => output.status.to_string(),
        false => text::one_line(&words.join("; ")).into_owned(),
    };
    Err(SlurmError::Refused { program, said })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn jobs() -> Jobs {
        let runs = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Jobs {
            path: PathBuf::new(),
            name: "gialab-t1".to_owned(),
            jobs: vec![Job { id: 7, runs: runs(&["a", "b", "c"]) }, Job { id: 9, runs: runs(&["d"]) }],
        }
    }

    #[test]
    fn a_queue_is_read_by_job_task_and_name() {
        let seen = jobs().read(
            "7|0|RUNNING|None|gialab-t1\n7|1|PENDING|Resources|gialab-t1\n7|2|COMPLETING|None|gialab-t1\n\
             9|0|RUNNING|None|another|one\nslurm_load_jobs error\n8|0|PENDING|Priority|gialab-t1\n",
        );
        let task = |job, run: &str| Task { job, run: run.to_owned() };
        assert_eq!(seen.running, [task(7, "a")]);
        assert_eq!(seen.waiting, [(task(7, "b"), "Resources".to_owned())]);
        assert_eq!(seen.ended, [task(7, "c"), task(9, "d")]);
    }

    #[test]
    fn words_stay_words() {
        assert_eq!(quoted("--time=1:00:00"), "--time=1:00:00");
        assert_eq!(quoted("two words"), "'two words'");
        assert_eq!(quoted("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }
}
