//! What `torch.save` writes: a zip archive (since 1.6), a stream of pickles with the storages at its end (before),
//! or a bare pickle whose storages are inside.

use std::borrow::Cow;
use std::collections::HashMap;

use super::dtype::Endian;
use super::pickle::{self, Id, Pickle, Storage, Value};
use super::walk::{Raw, raw, walk};
use super::zip::Archive;
use super::{Contents, Fault, Format, shown};

/// First value of a legacy file, little-endian.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/// The legacy format that is known.
const PROTOCOL: i64 = 1001;

pub fn read_zip(archive: &Archive) -> Result<Contents, Fault> {
    let main = archive.find(|name| name == "data.pkl" || name.ends_with("/data.pkl"));
    let main = main.ok_or(Fault::Unknown)?;
    let folder = main.name.strip_suffix("data.pkl").unwrap_or_default();
    let content = |name: &str| {
        let path = format!("{folder}{name}");
        archive.find(|name| name == path).map(|entry| archive.content(entry)).transpose()
    };
    let endian = match content("byteorder")?.as_deref() {
        None | Some(b"little") => Endian::Little,
        Some(b"big") => Endian::Big,
        Some(_) => return Err(Fault::Damaged("its byte order is neither little nor big".into())),
    };
    let main = archive.content(main)?;
    let (pickle, _) = pickle::load(&main)?;
    let mut contents = Contents::default();
    walk(&pickle, "", &mut contents, |key| {
        let bytes = content(&format!("data/{key}"))?;
        Ok(bytes.map(|bytes| (endian, bytes)))
    })?;
    Ok(contents)
}

/// A file that begins with a pickle.
pub fn read_stream(bytes: &[u8]) -> Result<(Format, Contents), Fault> {
    let (first, rest) = pickle::load(bytes)?;
    if *first.top() != Value::Long(MAGIC.to_vec()) {
        let mut contents = Contents::default();
        walk(&first, "", &mut contents, |_| Ok(None))?;
        return Ok((Format::Pickle, contents));
    }
    let (root, storages) = legacy(rest)?;
    let mut contents = Contents::default();
    walk(&root, "", &mut contents, |key| {
        Ok(storages.get(key).map(|bytes| (Endian::Little, Cow::Borrowed(*bytes))))
    })?;
    Ok((Format::TorchLegacy, contents))
}

/// What follows the magic number: version, facts of the machine, the object, the keys of the storages, and for
/// each its number of values and the values, little-endian on every machine.
fn legacy(bytes: &[u8]) -> Result<(Pickle, HashMap<String, &[u8]>), Fault> {
    let (version, bytes) = pickle::load(bytes)?;
    if *version.top() != Value::Integer(PROTOCOL) {
        return Err(Fault::Unsupported("has another version of the legacy format".into()));
    }
    let (_, bytes) = pickle::load(bytes)?;
    let (root, bytes) = pickle::load(bytes)?;
    let (keys, mut bytes) = pickle::load(bytes)?;
    let Value::List(ids) = keys.top() else {
        return Err(Fault::Damaged("it has no list of storages".into()));
    };
    let sizes: HashMap<&str, usize> = root.storages().collect();
    let mut storages = HashMap::new();
    for id in ids {
        let Value::Text(key) = keys.get(*id) else {
            return Err(Fault::Damaged("the name of a storage is no text".into()));
        };
        let cut = || Fault::cut(&format!("storage {}", shown(key)));
        let (count, rest) = bytes.split_first_chunk::<8>().ok_or_else(cut)?;
        let size =
            *sizes.get(key.as_str()).ok_or_else(|| Fault::Damaged("it has a storage of no tensor".into()))?;
        let length =
            usize::try_from(u64::from_le_bytes(*count)).ok().and_then(|count| count.checked_mul(size));
        let (content, rest) = length.and_then(|length| rest.split_at_checked(length)).ok_or_else(cut)?;
        storages.insert(key.clone(), content);
        bytes = rest;
    }
    Ok((root, storages))
}

impl Pickle {
    /// Key and bytes of a value of every storage outside.
    fn storages(&self) -> impl Iterator<Item = (&str, usize)> {
        self.values().iter().filter_map(|value| match value {
            Value::Storage(storage) => match &**storage {
                Storage::Outside { stored, key, .. } => Some((key.as_str(), stored.size())),
                Storage::Nested(_) => None,
            },
            _ => None,
        })
    }
}

/// A storage that was saved by itself, in the legacy format, inside a pickle. It holds no further one.
pub fn nested<'a>(pickle: &'a Pickle, bytes: Id, name: &str) -> Result<Raw<'a>, Fault> {
    let damaged = || Fault::Damaged(format!("the storage of {} cannot be read", shown(name)));
    let bytes = pickle.bytes(bytes).ok_or_else(damaged)?;
    let (first, rest) = pickle::load(&bytes)?;
    if *first.top() != Value::Long(MAGIC.to_vec()) {
        return Err(damaged());
    }
    let (root, storages) = legacy(rest)?;
    let Value::Storage(storage) = root.top() else { return Err(damaged()) };
    let Storage::Outside { stored, key, count } = &**storage else { return Err(damaged()) };
    let content = storages.get(key).ok_or_else(damaged)?;
    raw(*stored, Endian::Little, Cow::Owned(content.to_vec()), *count, name)
}
