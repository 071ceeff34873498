//! `checkpoint.safetensors`: the state of an attack between two iterations, exact in 64 bit.

use std::collections::HashMap;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::RunError;
use super::directory::{RunDirectory, write_atomically};
use crate::attack::State;
use crate::config::RunConfig;
use crate::files;

/// What a worker needs to go on.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// Federated round under attack.
    pub round: u32,
    /// Seconds of computing spent on the run.
    pub seconds: f64,
    /// Seconds of computing when the attack on the round began.
    pub began: f64,
    /// State of the attack.
    pub state: State,
}

const ROUND: &str = "run.round";
const SECONDS: &str = "run.seconds";
const BEGAN: &str = "run.began";

impl Checkpoint {
    /// Writes the checkpoint of a run with this config.
    pub fn write(&self, directory: &RunDirectory, config: &RunConfig) -> Result<(), RunError> {
        let path = directory.checkpoint_path();
        let bytes = |values: &[f64]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
        let own =
            [(ROUND, vec![f64::from(self.round)]), (SECONDS, vec![self.seconds]), (BEGAN, vec![self.began])];
        let own = own.iter().map(|(name, values)| (*name, values.as_slice()));
        let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = self
            .state
            .entries()
            .chain(own)
            .map(|(name, values)| (name.to_owned(), vec![values.len()], bytes(values)))
            .collect();
        let damaged = |reason: String| RunError::Checkpoint { path: path.clone(), reason };
        let mut views = Vec::with_capacity(tensors.len());
        for (name, shape, data) in &tensors {
            let view =
                TensorView::new(Dtype::F64, shape.clone(), data).map_err(|e| damaged(e.to_string()))?;
            views.push((name.as_str(), view));
        }
        let metadata = HashMap::from([("config".to_owned(), fingerprint(config))]);
        let file = safetensors::serialize(views, Some(metadata)).map_err(|e| damaged(e.to_string()))?;
        write_atomically(&path, &file)
    }

    /// Reads the checkpoint of a run with this config; `None` if there is none yet.
    ///
    /// # Errors
    /// If the file is damaged or belongs to another config.
    pub fn read(directory: &RunDirectory, config: &RunConfig) -> Result<Option<Checkpoint>, RunError> {
        let path = directory.checkpoint_path();
        let file = match files::read(&path, files::STATE) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(RunError::io("read", &path, e)),
        };
        let damaged = |reason: String| RunError::Checkpoint { path: path.clone(), reason };
        let not_readable = |e: safetensors::SafeTensorError| damaged(format!("it is damaged ({e})"));
        let (_, header) = SafeTensors::read_metadata(&file).map_err(not_readable)?;
        let written_for = header.metadata().as_ref().and_then(|metadata| metadata.get("config"));
        belongs(written_for, config).map_err(|reason| damaged(reason.to_owned()))?;
        let tensors = SafeTensors::deserialize(&file).map_err(not_readable)?;
        let state: State = tensors
            .iter()
            .map(|(name, view)| {
                let values = view.data().chunks_exact(8).map(|bytes| {
                    let mut word = [0; 8];
                    word.copy_from_slice(bytes);
                    f64::from_le_bytes(word)
                });
                (name.to_owned(), values.collect())
            })
            .collect();
        let number = |name: &str| state.number(name).map_err(|e| damaged(e.to_string()));
        Ok(Some(Checkpoint {
            round: number(ROUND)? as u32,
            seconds: number(SECONDS)?,
            began: number(BEGAN)?,
            state,
        }))
    }
}

/// Whether a file with this fingerprint was written for this config. An earlier gialab knew fewer settings: one that it
/// did not know was as it is by default.
///
/// # Errors
/// Why not.
pub(super) fn belongs(written_for: Option<&String>, config: &RunConfig) -> Result<(), &'static str> {
    let written_for = written_for.ok_or("it does not say of which config it is")?;
    let now = fingerprint(config);
    if *written_for == now {
        return Ok(());
    }
    let known = serde_json::from_str::<RunConfig>(written_for)
        .map_err(|_| "it has settings that this gialab does not know; go on with the one that wrote it")?;
    if fingerprint(&known) == now { Ok(()) } else { Err("it belongs to another config") }
}

/// Everything of a config that decides the course of the attack.
pub(super) fn fingerprint(config: &RunConfig) -> String {
    let mut config = config.clone();
    // Words and cadence may change between two workers.
    (config.title, config.about, config.group, config.expect) = Default::default();
    config.run.snapshot_every = 1;
    config.run.checkpoint_seconds = 1.0;
    serde_json::to_string(&config).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::preset;

    fn config(changes: &[&str]) -> RunConfig {
        let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
        preset::load("ig-lenet", &changes, "/nonexistent".as_ref()).unwrap().config
    }

    /// A fingerprint without a setting, as a gialab that did not know it wrote it.
    fn without(config: &RunConfig, section: &str, key: &str) -> String {
        let mut all: serde_json::Value = serde_json::from_str(&fingerprint(config)).unwrap();
        assert!(all[section].as_object_mut().unwrap().remove(key).is_some(), "{key}");
        all.to_string()
    }

    #[test]
    fn a_setting_that_is_new_was_as_it_is_by_default() {
        let now = config(&[]);
        for (section, key) in [("run", "recovered_psnr"), ("victim", "share_buffers"), ("knowledge", "order")]
        {
            assert_eq!(belongs(Some(&without(&now, section, key)), &now), Ok(()), "{key}");
        }
        let changed = config(&["run.recovered_psnr=31.5"]);
        let before = without(&changed, "run", "recovered_psnr");
        assert_eq!(belongs(Some(&before), &changed), Err("it belongs to another config"));
    }

    #[test]
    fn another_config_an_unknown_setting_and_none_are_told_apart() {
        let now = config(&[]);
        assert_eq!(belongs(Some(&fingerprint(&now)), &now), Ok(()));
        let other = fingerprint(&config(&["run.seed=7"]));
        assert_eq!(belongs(Some(&other), &now), Err("it belongs to another config"));
        let newer = fingerprint(&now).replacen("\"run\":{", "\"run\":{\"foresight\":1,", 1);
        assert!(belongs(Some(&newer), &now).unwrap_err().contains("does not know"));
        assert!(belongs(None, &now).is_err());
    }

    #[test]
    fn numbers_survive_json_to_the_last_bit() {
        // Read wrongly by the fast way of reading floats.
        for bits in
            [0x3fb9_9999_9999_999a_u64, 0x3ff0_0000_0000_0001, 0x0010_0000_0000_0001, 0x7fef_ffff_ffff_fffe]
        {
            let begin = f64::from_bits(bits);
            for step in 0..2000 {
                let value = f64::from_bits(bits.wrapping_sub(step * 7919));
                let read: f64 = serde_json::from_str(&serde_json::to_string(&value).unwrap()).unwrap();
                assert_eq!(read.to_bits(), value.to_bits(), "{value:e} near {begin:e}");
            }
        }
    }
}
