//! What `torch.save` writes: a zip archive (since 1.6), a stream of pickles with the storages at its end (before),
//! or a bare pickle whose storages are inside.

use std::borrow::Cow;
use std::collections::HashMap;

use super::dtype::{Dtype, Endian};
use super::pickle::{self, Id, Pickle, Storage, TensorOf, Value};
use super::view::View;
use super::zip::Archive;
use super::{Contents, Fault, Format, MAX_TENSORS, Tensor, shown};

/// First value of a legacy file, little-endian.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/// The legacy format that is known.
const PROTOCOL: i64 = 1001;
/// How deep dictionaries may lie in each other.
const MAX_DEPTH: usize = 16;
/// Most entries of all dictionaries and lists, counted each time they are reached.
const MAX_ENTRIES: usize = 3 * MAX_TENSORS;
/// Longest name of a tensor in bytes.
const MAX_NAME: usize = 500;
/// Most times that the values of a storage may be seen by tensors: tied weights see it twice.
const MAX_VIEWS: usize = 16;

/// The content of a storage.
#[derive(Clone)]
struct Raw<'a> {
    dtype: Dtype,
    endian: Endian,
    bytes: Cow<'a, [u8]>,
    /// Values that tensors have seen of it so far.
    seen: usize,
}

type Storages<'a> = HashMap<String, Raw<'a>>;

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
    read_tensors(&pickle, |key| {
        let bytes = content(&format!("data/{key}"))?;
        Ok(bytes.map(|bytes| (endian, bytes)))
    })
}

/// A file that begins with a pickle.
pub fn read_stream(bytes: &[u8]) -> Result<(Format, Contents), Fault> {
    let (first, rest) = pickle::load(bytes)?;
    if *first.top() != Value::Long(MAGIC.to_vec()) {
        return Ok((Format::Pickle, read_tensors(&first, |_| Ok(None))?));
    }
    let (root, storages) = legacy(rest)?;
    let contents = read_tensors(&root, |key| {
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
                Storage::Outside { dtype, key, .. } => Some((key.as_str(), dtype.size())),
                Storage::Nested(_) => None,
            },
            _ => None,
        })
    }
}

/// Gives the bytes of a storage by its key, if it is there.
type Fetched<'a> = Result<Option<(Endian, Cow<'a, [u8]>)>, Fault>;

/// Walks from the root to all tensors; names are the keys on the way, joined by dots.
fn read_tensors<'a>(pickle: &'a Pickle, fetch: impl Fn(&str) -> Fetched<'a>) -> Result<Contents, Fault> {
    let mut contents = Contents::default();
    let mut storages = Storages::new();
    let mut entries = 0;
    let mut ahead: Vec<(String, Id, usize)> = vec![(String::new(), pickle.root, 0)];
    while let Some((path, id, depth)) = ahead.pop() {
        let below = |key: &str| match path.len() + key.len() {
            0..MAX_NAME if path.is_empty() => Ok(key.to_owned()),
            0..MAX_NAME => Ok(format!("{path}.{key}")),
            _ => Err(Fault::Limit(format!("holds a name longer than {MAX_NAME} bytes"))),
        };
        let children: Vec<(String, Id)> = match pickle.get(id) {
            Value::Tensor(tensor) => {
                let name = if path.is_empty() { "tensor".to_owned() } else { path };
                let tensor = read_tensor(pickle, name, tensor, &mut storages, &fetch, &mut contents)?;
                contents.tensors.push(tensor);
                continue;
            }
            Value::Dict(pairs) => {
                count(&mut entries, pairs.len())?;
                let named = |&(key, value): &(Id, Id)| {
                    let name = match pickle.get(key) {
                        Value::Text(text) => below(text),
                        Value::Integer(number) => below(&number.to_string()),
                        _ => below("?"),
                    };
                    Ok((name?, value))
                };
                pairs.iter().map(named).collect::<Result<_, _>>()?
            }
            Value::List(items) => {
                count(&mut entries, items.len())?;
                let numbered = items.iter().enumerate();
                numbered.map(|(i, item)| Ok((below(&i.to_string())?, *item))).collect::<Result<_, _>>()?
            }
            _ => {
                contents.others += 1;
                continue;
            }
        };
        if depth >= MAX_DEPTH && !children.is_empty() {
            return Err(Fault::Limit(format!("nests dictionaries deeper than {MAX_DEPTH}")));
        }
        ahead.extend(children.into_iter().rev().map(|(name, id)| (name, id, depth + 1)));
    }
    Ok(contents)
}

/// Entries reached so far. A dictionary that holds another one twice, and so on, multiplies them.
fn count(entries: &mut usize, more: usize) -> Result<(), Fault> {
    *entries += more;
    if *entries > MAX_ENTRIES {
        return Err(Fault::Limit(format!("holds more than {MAX_ENTRIES} entries")));
    }
    Ok(())
}

fn read_tensor<'a>(
    pickle: &'a Pickle,
    name: String,
    tensor: &TensorOf,
    storages: &mut Storages<'a>,
    fetch: &impl Fn(&str) -> Fetched<'a>,
    contents: &mut Contents,
) -> Result<Tensor, Fault> {
    let Value::Storage(storage) = pickle.get(tensor.storage) else {
        return Err(Fault::Damaged(format!("{} has no storage", shown(&name))));
    };
    let key = match &**storage {
        Storage::Outside { key, .. } => key.clone(),
        Storage::Nested(bytes) => format!("nested {bytes}"),
    };
    if !storages.contains_key(&key) {
        let raw = match &**storage {
            Storage::Outside { dtype, key, count } => {
                let (endian, bytes) = fetch(key)?
                    .ok_or_else(|| Fault::Damaged(format!("the values of {} are missing", shown(&name))))?;
                raw(*dtype, endian, bytes, *count, &name)?
            }
            Storage::Nested(bytes) => nested(pickle, *bytes, &name)?,
        };
        storages.insert(key.clone(), raw);
    }
    let Some(raw) = storages.get_mut(&key) else {
        return Err(Fault::Damaged(format!("{} has no storage", shown(&name))));
    };
    let dtype = match &**storage {
        Storage::Outside { dtype, .. } => *dtype,
        Storage::Nested(_) => raw.dtype,
    };
    let length = raw.bytes.len() / dtype.size();
    let view = View { name: &name, offset: tensor.offset, shape: &tensor.shape, strides: &tensor.strides };
    let count = view.check(length)?;
    raw.seen += count;
    if raw.seen > MAX_VIEWS * length {
        return Err(Fault::Limit(format!("uses the values of {} more than {MAX_VIEWS} times", shown(&name))));
    }
    contents.admit(count)?;
    let values = view.gather(&raw.bytes, dtype, raw.endian, count);
    Ok(Tensor { name, dtype, shape: tensor.shape.clone(), values })
}

fn raw<'a>(
    dtype: Dtype,
    endian: Endian,
    bytes: Cow<'a, [u8]>,
    count: usize,
    name: &str,
) -> Result<Raw<'a>, Fault> {
    match count.checked_mul(dtype.size()) {
        Some(length) if length <= bytes.len() => Ok(Raw { dtype, endian, bytes, seen: 0 }),
        _ => {
            let (found, size) = (bytes.len(), dtype.size());
            Err(Fault::Damaged(format!("{} has {found} bytes for {count} values of {size}", shown(name))))
        }
    }
}

/// A storage that was saved by itself, in the legacy format, inside a pickle. It holds no further one.
fn nested<'a>(pickle: &'a Pickle, bytes: Id, name: &str) -> Result<Raw<'a>, Fault> {
    let damaged = || Fault::Damaged(format!("the storage of {} cannot be read", shown(name)));
    let Value::Bytes(bytes) = pickle.get(bytes) else { return Err(damaged()) };
    let (first, rest) = pickle::load(bytes)?;
    if *first.top() != Value::Long(MAGIC.to_vec()) {
        return Err(damaged());
    }
    let (root, storages) = legacy(rest)?;
    let Value::Storage(storage) = root.top() else { return Err(damaged()) };
    let Storage::Outside { dtype, key, count } = &**storage else { return Err(damaged()) };
    let content = storages.get(key).ok_or_else(damaged)?;
    raw(*dtype, Endian::Little, Cow::Borrowed(content), *count, name)
}
