//! What words make of their arguments, and objects of their state. Nothing is called.

use std::sync::Arc;

use super::value::{ArrayOf, DtypeOf, Id, Storage, Stored, TensorOf, Value};
use super::word::{self, Kind, Word};
use super::{Machine, short, wrong};
use crate::weights::dtype::Endian;
use crate::weights::unread::Unread;
use crate::weights::{Fault, shown};

/// A word with arguments that it does not take.
fn misused() -> Fault {
    wrong("calls a function with arguments that it does not take")
}

impl Machine<'_> {
    /// As [`Machine::reduce`], of a tuple of arguments; of anything else nothing is known.
    pub(super) fn reduce_with(&mut self, function: Id, arguments: Id) -> Result<(), Fault> {
        let known = match (&self.values[function], &self.values[arguments]) {
            (Value::Word(_), Value::List(arguments)) => Some(short(arguments)?.to_vec()),
            _ => None,
        };
        self.reduce(function, known.as_deref())
    }

    /// Pushes what Python would get by calling a value: data if it is a word, else an object that is not looked into.
    pub(super) fn reduce(&mut self, function: Id, arguments: Option<&[Id]>) -> Result<(), Fault> {
        let class = match (&self.values[function], arguments) {
            (Value::Word(word), Some(arguments)) => return self.call(*word, arguments),
            (Value::Word(_), None) => return Err(misused()),
            (Value::Foreign(class) | Value::Object { class, .. }, _) => class.clone(),
            _ => return Err(wrong("calls what is no function")),
        };
        self.push(Value::Object { class, state: None });
        Ok(())
    }

    /// Pushes what a word makes of its arguments.
    fn call(&mut self, word: Word, arguments: &[Id]) -> Result<(), Fault> {
        let of = |id: Id| &self.values[id];
        let value = match (word, arguments) {
            (Word::OrderedDict, []) | (Word::DefaultDict, [] | [_]) => Value::Dict(Vec::new()),
            // Python 2 gives all pairs at once. They move, for a copy could be asked for again and again.
            (Word::OrderedDict, &[items]) => {
                let Value::List(pairs) = of(items) else { return Err(misused()) };
                let pair = |id: &Id| match of(*id) {
                    Value::List(pair) if pair.len() == 2 => Ok((pair[0], pair[1])),
                    _ => Err(misused()),
                };
                let pairs = pairs.iter().map(pair).collect::<Result<_, _>>()?;
                self.values[items] = Value::None;
                Value::Dict(pairs)
            }
            (Word::RebuildTensor, [storage, offset, shape, strides, ..]) => {
                self.tensor(*storage, *offset, *shape, *strides)?
            }
            (Word::RebuildTyped, [storage, offset, shape, strides, _, _, dtype, ..]) => {
                let Value::Foreign(name) = of(*dtype) else { return Err(misused()) };
                match (word::typed(name), self.tensor(*storage, *offset, *shape, *strides)?) {
                    (Some(dtype), Value::Tensor(mut tensor)) => {
                        tensor.dtype = Some(dtype);
                        Value::Tensor(tensor)
                    }
                    (Some(_), other) => other,
                    (None, _) => Value::Unread(Box::new(Unread::dtype(&shown(name)))),
                }
            }
            (Word::RebuildUnread(kind), _) => Value::Unread(Box::new(match kind {
                Kind::Sparse => Unread::SPARSE,
                Kind::Quantised => Unread::QUANTISED,
                Kind::Nested => Unread::NESTED,
                Kind::Meta => Unread::META,
            })),
            (Word::LoadFromBytes, [bytes]) if matches!(of(*bytes), Value::Bytes(_) | Value::Latin1(_)) => {
                Value::Storage(Box::new(Storage::Nested(*bytes)))
            }
            // The same value under another type.
            (Word::RebuildParameter, [same, ..])
                if matches!(of(*same), Value::Tensor(_) | Value::Unread(_) | Value::Object { .. }) =>
            {
                self.stack.push(*same);
                return Ok(());
            }
            (Word::Size, [same]) if matches!(of(*same), Value::List(_)) => {
                self.stack.push(*same);
                return Ok(());
            }
            (Word::RebuildFromType, [function, class, arguments, ..]) => {
                match (of(*function), of(*arguments)) {
                    // It holds one of the others, never itself.
                    (Value::Word(inner), Value::List(arguments)) if *inner != Word::RebuildFromType => {
                        let (inner, arguments) = (*inner, short(arguments)?.to_vec());
                        return self.call(inner, &arguments);
                    }
                    _ => {
                        let name = match of(*class) {
                            Value::Foreign(name) => shown(name),
                            _ => "torch.Tensor".into(),
                        };
                        Value::Unread(Box::new(Unread::class(&name)))
                    }
                }
            }
            (Word::Reconstruct, [class, ..]) => match of(*class) {
                Value::Word(Word::NdArray) => Value::Array(None),
                Value::Foreign(class) => Value::Object { class: class.clone(), state: None },
                _ => return Err(misused()),
            },
            (Word::FromBuffer, [data, dtype, shape, order, ..]) => {
                let fortran = matches!(of(*order), Value::Text(order) if order == "F");
                self.array(*shape, *dtype, fortran, *data)?
            }
            (Word::Dtype, [kind, ..]) => match of(*kind) {
                Value::Text(kind) => {
                    short(kind.as_bytes())?;
                    Value::Dtype(Box::new(DtypeOf { kind: kind.clone(), endian: Endian::Little }))
                }
                _ => Value::Object { class: "numpy.dtype".into(), state: None },
            },
            (Word::Encode, [text, encoding]) => match (of(*text), of(*encoding)) {
                (Value::Text(_), Value::Text(encoding))
                    if ["latin1", "latin-1"].contains(&encoding.as_str()) =>
                {
                    Value::Latin1(*text)
                }
                _ => Value::Object { class: "_codecs.encode".into(), state: None },
            },
            (Word::EmptyBytes, []) => Value::Bytes(Vec::new()),
            (Word::EmptyBytes, _) => Value::Object { class: "bytes".into(), state: None },
            (Word::Scalar, [dtype, data]) => Value::Scalar { dtype: *dtype, data: *data },
            (Word::Scalar, _) => Value::Number(f64::NAN),
            _ => return Err(misused()),
        };
        self.push(value);
        Ok(())
    }

    /// BUILD: gives a value its state. Dictionaries have attributes, as the `_metadata` of a state dict, which are of no
    /// interest.
    pub(super) fn build(&mut self, object: Id, state: Id) -> Result<(), Fault> {
        match &self.values[object] {
            Value::Object { class, .. } => {
                self.values[object] = Value::Object { class: class.clone(), state: Some(state) };
            }
            // `(version, shape, dtype, is Fortran, data)`.
            Value::Array(None) => {
                let Value::List(parts) = &self.values[state] else { return Err(misused()) };
                let [.., shape, dtype, fortran, data] = parts[..] else { return Err(misused()) };
                let fortran = self.values[fortran] == Value::Flag(true);
                self.values[object] = self.array(shape, dtype, fortran, data)?;
            }
            // `(version, byte order, ...)`.
            Value::Dtype(dtype) => {
                let Value::List(parts) = &self.values[state] else { return Err(misused()) };
                let big = |id: &Id| matches!(&self.values[*id], Value::Text(order) if order == ">");
                let endian = if parts.get(1).is_some_and(big) { Endian::Big } else { Endian::Little };
                let dtype = DtypeOf { endian, ..(**dtype).clone() };
                self.values[object] = Value::Dtype(Box::new(dtype));
            }
            _ => {}
        }
        Ok(())
    }

    fn tensor(&self, storage: Id, offset: Id, shape: Id, strides: Id) -> Result<Value, Fault> {
        let Value::Integer(offset) = self.values[offset] else { return Err(misused()) };
        match &self.values[storage] {
            Value::Storage(_) => {}
            // A storage of a class that is not known.
            Value::Object { class, .. } => return Ok(Value::Unread(Box::new(Unread::dtype(&shown(class))))),
            _ => return Err(misused()),
        }
        let offset = usize::try_from(offset).map_err(|_| misused())?;
        let (shape, strides) = (self.sizes(shape)?, self.sizes(strides)?);
        Ok(Value::Tensor(Box::new(TensorOf { storage, dtype: None, offset, shape, strides })))
    }

    fn array(&self, shape: Id, dtype: Id, fortran: bool, data: Id) -> Result<Value, Fault> {
        let shape = self.sizes(shape)?;
        Ok(Value::Array(Some(Box::new(ArrayOf { dtype, shape, fortran, data }))))
    }

    fn sizes(&self, id: Id) -> Result<Vec<usize>, Fault> {
        let wrong = || wrong("has a tensor whose sizes are no sizes");
        let Value::List(sizes) = &self.values[id] else { return Err(wrong()) };
        let size = |id: &Id| match &self.values[*id] {
            Value::Integer(size) => usize::try_from(*size).map_err(|_| wrong()),
            _ => Err(wrong()),
        };
        short(sizes)?.iter().map(size).collect()
    }

    /// Pushes what is kept outside: `('storage', torch.FloatStorage, '0', 'cpu', 432)`, in old files with `None` at the
    /// end, or `('module', class, file, source)`, the code of a class in old files.
    pub(super) fn persistent(&mut self, id: Id) -> Result<(), Fault> {
        let wrong = || wrong("refers to a storage in a way that is not known");
        let Value::List(parts) = &self.values[id] else { return Err(wrong()) };
        if let [tag, class, ..] = parts[..]
            && matches!(&self.values[tag], Value::Text(tag) if tag == "module")
        {
            self.stack.push(class);
            return Ok(());
        }
        let (parts, view) = parts.split_at(parts.len().min(5));
        let [tag, of, key, _, count] = parts else { return Err(wrong()) };
        let value = |id: &Id| &self.values[*id];
        let storage = match (value(tag), value(of), value(key), value(count)) {
            (Value::Text(tag), of, Value::Text(key), Value::Integer(count)) if tag == "storage" => {
                if view.iter().any(|id| *value(id) != Value::None) {
                    return Err(Fault::Unsupported("holds storages that are parts of others".into()));
                }
                short(key.as_bytes())?;
                let count = usize::try_from(*count).map_err(|_| wrong())?;
                let outside = |stored: Stored| Storage::Outside { stored, key: key.clone(), count };
                match of {
                    Value::Word(Word::StorageOf(stored)) => Value::Storage(Box::new(outside(*stored))),
                    Value::Foreign(class) => Value::Object { class: Arc::clone(class), state: None },
                    _ => return Err(wrong()),
                }
            }
            _ => return Err(wrong()),
        };
        self.push(storage);
        Ok(())
    }
}
