//! Weights in several files: `model.safetensors.index.json` says which tensor is in which.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Component, Path};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Contents, Fault, Tensor, WeightFile, WeightFileError, hex, parse, shown};

/// Most files of one file.
const MAX_SHARDS: usize = 1000;
/// What tells an index from other JSON.
const KEY: &[u8] = b"\"weight_map\"";

/// The part of an index that says where tensors are.
#[derive(Deserialize)]
pub struct Index {
    /// File by tensor.
    weight_map: BTreeMap<String, String>,
    /// What it says of all files together, in `total_size` the bytes of their tensors.
    #[serde(default)]
    metadata: serde_json::Value,
}

impl Index {
    fn files(&self) -> BTreeSet<&String> {
        self.weight_map.values().collect()
    }

    /// That a file has the tensors that are said to be in it, and none that is said to be in another one.
    fn fits(&self, file: &str, contents: &Contents) -> Result<(), String> {
        let tensors = contents.tensors.iter().map(|tensor| tensor.name.as_str());
        let here: HashSet<&str> =
            tensors.chain(contents.unread.iter().map(|(name, _)| name.as_str())).collect();
        let mut own = self.weight_map.iter().filter(|(_, of)| *of == file);
        if let Some((name, _)) = own.find(|(name, _)| !here.contains(name.as_str())) {
            return Err(format!("says that {} is in {}, which does not have it", shown(name), shown(file)));
        }
        let elsewhere = |name: &&&str| self.weight_map.get(**name).is_some_and(|of| of != file);
        // In the order of names, whatever that of the set is.
        match here.iter().filter(elsewhere).min() {
            Some(name) => {
                let of = self.weight_map.get(*name).map_or("", String::as_str);
                Err(format!("says that {} is in {}, but {} has it", shown(name), shown(of), shown(file)))
            }
            None => Ok(()),
        }
    }

    /// That the tensors have as many bytes as it says; those that are one twice count once or twice, as who wrote it did.
    fn has_size(&self, contents: &Contents) -> Result<(), String> {
        // A number, or one as text.
        let told = &self.metadata["total_size"];
        let number = told.as_u64().or_else(|| told.as_f64().map(|size| size as u64));
        let Some(told) = number.or_else(|| told.as_str()?.parse().ok()) else { return Ok(()) };
        // Fewer bytes than tensors are a number that was made up.
        if !contents.unread.is_empty() || told < self.weight_map.len() as u64 {
            return Ok(());
        }
        let size = |tensor: &Tensor| (tensor.values.len() * tensor.dtype.size()) as u64;
        let all: u64 = contents.tensors.iter().map(size).sum();
        let is_again = |(at, tensor): &(usize, &Tensor)| {
            contents.tensors[..*at]
                .iter()
                .any(|other| other.shape == tensor.shape && other.values == tensor.values)
        };
        if told == all {
            return Ok(());
        }
        let again: u64 =
            contents.tensors.iter().enumerate().filter(is_again).map(|(_, tensor)| size(tensor)).sum();
        match (all - again..=all).contains(&told) {
            true => Ok(()),
            false => {
                Err(format!("says that its tensors have {told} bytes, but those of its files have {all}"))
            }
        }
    }
}

/// What a file says of others, if it is an index; each of them lies beside it.
pub fn index(bytes: &[u8]) -> Option<Result<Index, Fault>> {
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    let index: Index = match serde_json::from_slice(bytes) {
        Ok(index) => index,
        Err(error) if bytes.windows(KEY.len()).any(|window| window == KEY) => {
            return Some(Err(Fault::Damaged(format!("an index of files whose JSON is broken: {error}"))));
        }
        Err(_) => return None,
    };
    let files = index.files();
    if files.is_empty() {
        return Some(Err(Fault::Damaged("it is an index that names no file".into())));
    }
    if files.len() > MAX_SHARDS {
        let count = files.len();
        return Some(Err(Fault::Limit(format!(
            "is an index of {count} files, at most {MAX_SHARDS} are read"
        ))));
    }
    let beside = |name: &&&String| {
        let mut parts = Path::new(name).components();
        matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None))
    };
    let elsewhere = files.iter().find(|name| !beside(name)).map(|name| Fault::Other {
        what: format!("an index of files outside of its folder ({})", shown(name)),
        instead: "nothing there was read: put them beside it, and their names alone into it".into(),
    });
    match elsewhere {
        Some(fault) => Some(Err(fault)),
        None => Some(Ok(index)),
    }
}

/// Reads the files that the index at a path names. `read` gives the bytes of one, within the limit that is left.
pub fn read(
    path: &Path,
    bytes: &[u8],
    index: &Index,
    mut read: impl FnMut(&Path) -> Result<Vec<u8>, WeightFileError>,
) -> Result<WeightFile, WeightFileError> {
    let mut hash = Sha256::new();
    hash.update(bytes);
    let mut all = Contents::default();
    let mut format = None;
    let files = index.files();
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
        index
            .fits(name, &contents)
            .map_err(|what| WeightFileError::OtherShard { path: path.into(), what })?;
        format.get_or_insert(found);
        all.join(contents).map_err(fault)?;
    }
    index.has_size(&all).map_err(|what| WeightFileError::OtherShard { path: path.into(), what })?;
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
