//! Weights in several files: `model.safetensors.index.json` says which tensor is in which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Contents, Fault, WeightFile, WeightFileError, hex, parse, shown};

/// Most files of one file.
const MAX_SHARDS: usize = 1000;

/// The part of an index that says where tensors are.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The files that an index names, if it is one; each of them lies beside it.
pub fn index(bytes: &[u8]) -> Option<Result<Vec<String>, Fault>> {
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    let index: Index = serde_json::from_slice(bytes).ok()?;
    let files: BTreeSet<String> = index.weight_map.into_values().collect();
    if files.is_empty() || files.len() > MAX_SHARDS {
        let count = files.len();
        return Some(Err(Fault::Limit(format!("is an index of {count} files, 1 to {MAX_SHARDS} are read"))));
    }
    let beside = |name: &String| {
        let mut parts = Path::new(name).components();
        matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None))
    };
    match files.iter().find(|name| !beside(name)) {
        Some(name) => {
            Some(Err(Fault::Unsupported(format!("is an index of files elsewhere ({})", shown(name)))))
        }
        None => Some(Ok(files.into_iter().collect())),
    }
}

/// Reads the files that the index at a path names. `read` gives the bytes of one, within the limit that is left.
pub fn read(
    path: &Path,
    index: &[u8],
    files: &[String],
    mut read: impl FnMut(&Path) -> Result<Vec<u8>, WeightFileError>,
) -> Result<WeightFile, WeightFileError> {
    let mut hash = Sha256::new();
    hash.update(index);
    let mut all = Contents::default();
    let mut format = None;
    for (i, name) in files.iter().enumerate() {
        let shard = path.with_file_name(name);
        let bytes = match read(&shard) {
            Err(WeightFileError::Missing { .. }) => {
                return Err(WeightFileError::MissingShard {
                    path: path.into(),
                    shard: shown(name),
                    number: i + 1,
                    count: files.len(),
                });
            }
            bytes => bytes?,
        };
        let fault = |fault| WeightFileError::Fault { path: shard.clone(), fault };
        hash.update(&bytes);
        let (found, contents) = parse(&bytes).map_err(fault)?;
        format.get_or_insert(found);
        all.join(contents).map_err(fault)?;
    }
    let fault = |fault| WeightFileError::Fault { path: path.into(), fault };
    let format = format.unwrap_or_default();
    WeightFile::new(format, all, hex(&hash.finalize())).map_err(fault)
}

/// Whether a file is one of several by its name, as `model-00001-of-00002.safetensors`: its number and their count.
pub fn shard(path: &Path) -> Option<(usize, usize)> {
    let stem = path.file_stem()?.to_str()?;
    let (rest, count) = stem.rsplit_once("-of-")?;
    let (_, number) = rest.rsplit_once('-')?;
    let digits = |text: &str| text.len() >= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(number) && digits(count)).then(|| Some((number.parse().ok()?, count.parse().ok()?)))?
}
