//! From the root of a pickle to all its tensors and arrays; names are the keys on the way, joined by dots. What else
//! lies there is counted by its kind and left out.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::dtype::Endian;
use super::numpy;
use super::pickle::{ArrayOf, Id, Pickle, Storage, Stored, TensorOf, Value};
use super::torch;
use super::unread::Unread;
use super::view::View;
use super::{Contents, Fault, Hidden, MAX_TENSORS, Tensor, shown};

/// How deep dictionaries may lie in each other.
const MAX_DEPTH: usize = 16;
/// Most entries of all dictionaries and lists, counted each time they are reached.
const MAX_ENTRIES: usize = 3 * MAX_TENSORS;
/// Longest name of a tensor in bytes.
const MAX_NAME: usize = 500;
/// Most times that the values of a storage may be seen by tensors: tied weights see it twice.
const MAX_VIEWS: usize = 16;
/// Most numbers that are remembered by name.
const MAX_NUMBERS: usize = 10_000;
/// Most objects with tensors inside that are remembered by name.
const MAX_HIDDEN: usize = 16;

/// The content of a storage.
#[derive(Clone)]
pub struct Raw<'a> {
    pub stored: Stored,
    pub endian: Endian,
    pub bytes: Cow<'a, [u8]>,
    /// Values that tensors have seen of it so far.
    pub seen: usize,
}

/// Gives the bytes of a storage by its key, if it is there.
pub type Fetched<'a> = Result<Option<(Endian, Cow<'a, [u8]>)>, Fault>;

struct Walk<'a, 'c, F> {
    pickle: &'a Pickle,
    fetch: F,
    storages: HashMap<String, Raw<'a>>,
    /// Bytes of arrays, and how many of them arrays have seen so far.
    bytes: HashMap<Id, (Cow<'a, [u8]>, usize)>,
    entries: usize,
    /// Values that were searched for hidden tensors.
    searched: Vec<bool>,
    contents: &'c mut Contents,
}

/// Adds all tensors of a pickle to the contents, under a name.
pub fn walk<'a>(
    pickle: &'a Pickle,
    name: &str,
    contents: &mut Contents,
    fetch: impl Fn(&str) -> Fetched<'a>,
) -> Result<(), Fault> {
    if let Value::Object { class, .. } | Value::Foreign(class) = pickle.top() {
        contents.whole = Some(shown(class));
    }
    let searched = vec![false; pickle.values().len()];
    let (storages, bytes) = (HashMap::new(), HashMap::new());
    let mut walk = Walk { pickle, fetch, storages, bytes, entries: 0, searched, contents };
    let mut ahead: Vec<(String, Id, usize)> = vec![(name.to_owned(), pickle.root, 0)];
    while let Some((path, id, depth)) = ahead.pop() {
        let children = walk.visit(path, id)?;
        if depth >= MAX_DEPTH && !children.is_empty() {
            return Err(Fault::Limit(format!("nests dictionaries deeper than {MAX_DEPTH}")));
        }
        ahead.extend(children.into_iter().rev().map(|(name, id)| (name, id, depth + 1)));
    }
    Ok(())
}

impl<'a, F: Fn(&str) -> Fetched<'a>> Walk<'a, '_, F> {
    /// Takes one value and gives what lies in it.
    fn visit(&mut self, path: String, id: Id) -> Result<Vec<(String, Id)>, Fault> {
        let pickle = self.pickle;
        let below = |key: &str| match path.len() + key.len() {
            0..MAX_NAME if path.is_empty() => Ok(key.to_owned()),
            0..MAX_NAME => Ok(format!("{path}.{key}")),
            _ => Err(Fault::Limit(format!("holds a name longer than {MAX_NAME} bytes"))),
        };
        let numbered = |items: &[Id]| -> Result<Vec<(String, Id)>, Fault> {
            items.iter().enumerate().map(|(i, item)| Ok((below(&i.to_string())?, *item))).collect()
        };
        let children: Vec<(String, Id)> = match pickle.get(id) {
            Value::Tensor(tensor) => {
                self.tensor(named(path), tensor)?;
                return Ok(Vec::new());
            }
            Value::Unread(unread) => {
                self.contents.unread.push((named(path), (**unread).clone()));
                return Ok(Vec::new());
            }
            Value::Array(Some(array)) => match objects(pickle, array) {
                None => {
                    self.array(named(path), array)?;
                    return Ok(Vec::new());
                }
                // An array of one object and no axes stands for the object.
                Some([item]) if array.shape.is_empty() => {
                    self.count(1)?;
                    return Ok(vec![(path, *item)]);
                }
                Some(items) => {
                    self.count(items.len())?;
                    numbered(items)?
                }
            },
            Value::Dict(pairs) => {
                self.count(pairs.len())?;
                let named = |&(key, value): &(Id, Id)| {
                    let name = match pickle.get(key) {
                        Value::Integer(number) => below(&number.to_string()),
                        _ => below(pickle.text(key).as_deref().unwrap_or("?")),
                    };
                    Ok((name?, value))
                };
                pairs.iter().map(named).collect::<Result<_, Fault>>()?
            }
            Value::List(items) => {
                self.count(items.len())?;
                numbered(items)?
            }
            Value::Object { class, state } => {
                if self.contents.hidden.len() < MAX_HIDDEN
                    && state.is_some_and(|state| self.holds_tensors(state))
                {
                    self.contents.hidden.push(Hidden { name: path, class: shown(class) });
                }
                self.contents.leave_out(&shown(class));
                return Ok(Vec::new());
            }
            other => {
                self.contents.leave_out(kind(other));
                if let Some(number) = self.number(other) {
                    self.contents.numbers.push((path, number));
                }
                return Ok(Vec::new());
            }
        };
        // `None` among tensors is a tensor that was left out; elsewhere it is a setting like any other.
        let is_tensor =
            |id: Id| matches!(pickle.get(id), Value::Tensor(_) | Value::Array(_) | Value::Unread(_));
        if children.iter().any(|(_, id)| is_tensor(*id)) {
            let (absent, here): (Vec<_>, Vec<_>) =
                children.into_iter().partition(|(_, id)| *pickle.get(*id) == Value::None);
            self.contents.absent.extend(absent.into_iter().map(|(name, _)| name));
            return Ok(here);
        }
        Ok(children)
    }

    /// A number that is no tensor, as far as there is room for it.
    fn number(&self, value: &Value) -> Option<f64> {
        let number = match value {
            Value::Integer(number) => *number as f64,
            Value::Number(number) => *number,
            Value::Scalar { dtype, data } => {
                let Value::Dtype(described) = self.pickle.get(*dtype) else { return None };
                let dtype = numpy::dtype(&described.kind)?;
                let bytes = self.pickle.bytes(*data).filter(|bytes| bytes.len() == dtype.size())?;
                dtype.decode(&bytes, described.endian).first().copied()?
            }
            _ => return None,
        };
        (self.contents.numbers.len() < MAX_NUMBERS).then_some(number)
    }

    /// Entries reached so far. A dictionary that holds another one twice, and so on, multiplies them.
    fn count(&mut self, more: usize) -> Result<(), Fault> {
        self.entries += more;
        if self.entries > MAX_ENTRIES {
            return Err(Fault::Limit(format!("holds more than {MAX_ENTRIES} entries")));
        }
        Ok(())
    }

    /// Whether tensors lie below a value, each value being searched once for all questions.
    fn holds_tensors(&mut self, start: Id) -> bool {
        let mut ahead = vec![start];
        while let Some(id) = ahead.pop() {
            if std::mem::replace(&mut self.searched[id], true) {
                continue;
            }
            match self.pickle.get(id) {
                Value::Tensor(_) | Value::Unread(_) => return true,
                Value::Dict(pairs) => ahead.extend(pairs.iter().map(|(_, value)| *value)),
                Value::List(items) => ahead.extend(items),
                Value::Object { state: Some(state), .. } => ahead.push(*state),
                _ => {}
            }
        }
        false
    }

    fn tensor(&mut self, name: String, tensor: &TensorOf) -> Result<(), Fault> {
        let missing = || Fault::Damaged(format!("{} has no storage", shown(&name)));
        let Value::Storage(storage) = self.pickle.get(tensor.storage) else { return Err(missing()) };
        let key = match &**storage {
            Storage::Outside { key, .. } => key.clone(),
            Storage::Nested(bytes) => format!("nested {}", self.pickle.origin(*bytes)),
        };
        if !self.storages.contains_key(&key) {
            let raw = match &**storage {
                Storage::Outside { stored, key, count } => {
                    let (endian, bytes) = (self.fetch)(key)?.ok_or_else(|| {
                        Fault::Damaged(format!("the values of {} are missing", shown(&name)))
                    })?;
                    raw(*stored, endian, bytes, *count, &name)?
                }
                Storage::Nested(bytes) => torch::nested(self.pickle, *bytes, &name)?,
            };
            self.storages.insert(key.clone(), raw);
        }
        let raw = self.storages.get_mut(&key).ok_or_else(missing)?;
        let stored = match &**storage {
            Storage::Outside { stored, .. } => *stored,
            Storage::Nested(_) => raw.stored,
        };
        let dtype = match (stored, tensor.dtype) {
            (Stored::Plain(dtype), None) | (Stored::Untyped, Some(dtype)) => dtype,
            (Stored::Other(name_of_type, _), _) => {
                self.contents.unread.push((name, Unread::dtype(name_of_type)));
                return Ok(());
            }
            _ => return Err(Fault::Damaged(format!("{} and its storage are of two types", shown(&name)))),
        };
        let length = raw.bytes.len() / dtype.size();
        let view =
            View { name: &name, offset: tensor.offset, shape: &tensor.shape, strides: &tensor.strides };
        let count = view.check(length)?;
        raw.seen += count;
        often(raw.seen, length, &name)?;
        self.contents.admit(count)?;
        let values = view.gather(&raw.bytes, dtype, raw.endian, count);
        self.contents.tensors.push(Tensor { name, dtype, shape: tensor.shape.clone(), values });
        Ok(())
    }

    fn array(&mut self, name: String, array: &ArrayOf) -> Result<(), Fault> {
        let Value::Dtype(described) = self.pickle.get(array.dtype) else {
            self.contents.leave_out("NumPy array of a type of its own");
            return Ok(());
        };
        let Some(dtype) = numpy::dtype(&described.kind) else {
            match described.kind.as_bytes() {
                [b'c', ..] => self.contents.unread.push((name, Unread::dtype("complex"))),
                _ => self.contents.leave_out(&format!("NumPy array of {}", shown(&described.kind))),
            }
            return Ok(());
        };
        let origin = self.pickle.origin(array.data);
        if let Entry::Vacant(vacant) = self.bytes.entry(origin) {
            let bytes = self.pickle.bytes(origin);
            let missing = || Fault::Damaged(format!("the values of {} are missing", shown(&name)));
            vacant.insert((bytes.ok_or_else(missing)?, 0));
        }
        let Some((bytes, seen)) = self.bytes.get_mut(&origin) else { return Ok(()) };
        let strides = numpy::strides(&array.shape, array.fortran);
        let view = View { name: &name, offset: 0, shape: &array.shape, strides: &strides };
        let count = view.check(bytes.len() / dtype.size())?;
        *seen += count * dtype.size();
        often(*seen, bytes.len(), &name)?;
        self.contents.admit(count)?;
        let values = view.gather(bytes, dtype, described.endian, count);
        self.contents.tensors.push(Tensor { name, dtype, shape: array.shape.clone(), values });
        Ok(())
    }
}

fn often(seen: usize, length: usize, name: &str) -> Result<(), Fault> {
    if seen > MAX_VIEWS * length {
        return Err(Fault::Limit(format!("uses the values of {} more than {MAX_VIEWS} times", shown(name))));
    }
    Ok(())
}

fn named(path: String) -> String {
    if path.is_empty() { "tensor".to_owned() } else { path }
}

/// What an array of objects holds.
fn objects<'a>(pickle: &'a Pickle, array: &ArrayOf) -> Option<&'a [Id]> {
    match (pickle.get(array.dtype), pickle.get(array.data)) {
        (Value::Dtype(dtype), Value::List(items)) if dtype.kind.starts_with('O') => Some(items),
        _ => None,
    }
}

/// What a value is that is no tensor, for people.
fn kind(value: &Value) -> &str {
    match value {
        Value::None => "None",
        Value::Flag(_) => "flag",
        Value::Integer(_) | Value::Long(_) | Value::Number(_) | Value::Scalar { .. } => "number",
        Value::Text(_) => "text",
        Value::Bytes(_) | Value::Latin1(_) => "bytes",
        Value::Foreign(name) => name,
        Value::Dtype(_) => "NumPy type",
        Value::Storage(_) => "storage",
        _ => "name",
    }
}

/// A storage of so many values, if the bytes are there.
pub fn raw<'a>(
    stored: Stored,
    endian: Endian,
    bytes: Cow<'a, [u8]>,
    count: usize,
    name: &str,
) -> Result<Raw<'a>, Fault> {
    match count.checked_mul(stored.size()) {
        Some(length) if length <= bytes.len() => Ok(Raw { stored, endian, bytes, seen: 0 }),
        _ => {
            let (found, size) = (bytes.len(), stored.size());
            Err(Fault::Damaged(format!("{} has {found} bytes for {count} values of {size}", shown(name))))
        }
    }
}
