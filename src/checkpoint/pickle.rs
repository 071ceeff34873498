//! A pickle reader that executes nothing.
//!
//! Pickle is a program for a stack machine; Python's own reader calls whatever the program names. This one knows
//! the few words that `torch.save` writes and gives each an inert meaning; every other name is refused before the
//! program goes on. Values live in one arena and refer to each other by position, so that neither cycles nor depth
//! can do harm; an instruction adds one value, and what it copies is bounded: memory grows as the file does.

use std::collections::HashMap;

use super::dtype::Dtype;
use super::{Fault, shown};

/// Most instructions: a state dict takes about thirty a tensor.
const MAX_INSTRUCTIONS: usize = 5_000_000;
/// Most arguments of a call, axes of a tensor, and bytes of a storage's key.
const MAX_SHORT: usize = 32;

/// Position of a value in its arena.
pub type Id = usize;

/// What a pickle can make here.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `None`, or something of no interest to us: it can be carried about, but not looked into.
    Nothing,
    /// A truth value.
    Flag(bool),
    /// An integer that fits 64 bit.
    Integer(i64),
    /// An integer that does not, little-endian two's complement.
    Long(Vec<u8>),
    /// A float; its value is of no interest.
    Float,
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list, tuple or set.
    List(Vec<Id>),
    /// A dictionary, in the order of insertion.
    Dict(Vec<(Id, Id)>),
    /// A name of the allow-list.
    Word(Word),
    /// The content of a tensor, kept outside the pickle or in a nested one.
    Storage(Box<Storage>),
    /// A view of a storage.
    Tensor(Box<TensorOf>),
}

/// Where the content of tensors is.
#[derive(Debug, Clone, PartialEq)]
pub enum Storage {
    /// Outside, under a key.
    Outside {
        /// Type of the values.
        dtype: Dtype,
        /// Its name in the file.
        key: String,
        /// How many values it has.
        count: usize,
    },
    /// A `torch.save` of its own, as bytes.
    Nested(Id),
}

/// A tensor as a pickle describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorOf {
    /// A [`Value::Storage`].
    pub storage: Id,
    /// Position of the first value.
    pub offset: usize,
    /// Sizes.
    pub shape: Vec<usize>,
    /// Strides.
    pub strides: Vec<usize>,
}

/// Names that a pickle may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// `collections.OrderedDict`.
    OrderedDict,
    /// `torch._utils._rebuild_tensor` and `_rebuild_tensor_v2`.
    RebuildTensor,
    /// `torch._utils._rebuild_parameter`.
    RebuildParameter,
    /// `torch.storage._load_from_bytes`.
    LoadFromBytes,
    /// `torch.Size`.
    Size,
    /// `torch.FloatStorage` and its kin.
    StorageOf(Dtype),
    /// Scalars of NumPy, as in an accuracy beside the weights: read over.
    Inert,
}

/// The allow-list.
fn word(module: &str, name: &str) -> Option<Word> {
    Some(match (module, name) {
        ("collections", "OrderedDict") => Word::OrderedDict,
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Word::RebuildTensor,
        ("torch._utils", "_rebuild_parameter") => Word::RebuildParameter,
        ("torch.storage", "_load_from_bytes") => Word::LoadFromBytes,
        ("torch", "Size") => Word::Size,
        ("torch", "HalfStorage") => Word::StorageOf(Dtype::F16),
        ("torch", "BFloat16Storage") => Word::StorageOf(Dtype::Bf16),
        ("torch", "FloatStorage") => Word::StorageOf(Dtype::F32),
        ("torch", "DoubleStorage") => Word::StorageOf(Dtype::F64),
        ("torch", "CharStorage") => Word::StorageOf(Dtype::I8),
        ("torch", "ShortStorage") => Word::StorageOf(Dtype::I16),
        ("torch", "IntStorage") => Word::StorageOf(Dtype::I32),
        ("torch", "LongStorage") => Word::StorageOf(Dtype::I64),
        ("torch", "ByteStorage") => Word::StorageOf(Dtype::U8),
        ("torch", "BoolStorage") => Word::StorageOf(Dtype::Bool),
        ("numpy", "dtype") | ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Word::Inert,
        ("_codecs", "encode") => Word::Inert,
        _ => return None,
    })
}

/// Reads one pickle at the start of `bytes`; returns it and what comes after it.
pub fn load(bytes: &[u8]) -> Result<(Pickle, &[u8]), Fault> {
    let mut machine = Machine { input: bytes, ..Machine::default() };
    for _ in 0..MAX_INSTRUCTIONS {
        if let Some(root) = machine.step()? {
            return Ok((Pickle { values: machine.values, root }, machine.input));
        }
    }
    Err(Fault::Limit(format!("holds a pickle of more than {MAX_INSTRUCTIONS} instructions")))
}

/// A pickle as data.
#[derive(Debug)]
pub struct Pickle {
    values: Vec<Value>,
    /// The value it stands for.
    pub root: Id,
}

impl Pickle {
    /// The value at a position, which comes from this pickle.
    pub fn get(&self, id: Id) -> &Value {
        &self.values[id]
    }

    /// All values, in the order in which they were made.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The value that the pickle stands for.
    pub fn top(&self) -> &Value {
        self.get(self.root)
    }
}

#[derive(Default)]
struct Machine<'a> {
    input: &'a [u8],
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Heights of the stack at the marks.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

fn wrong(what: &str) -> Fault {
    Fault::Damaged(format!("its pickle {what}"))
}

impl<'a> Machine<'a> {
    fn take(&mut self, count: u64) -> Result<&'a [u8], Fault> {
        let count = usize::try_from(count).ok();
        let (taken, rest) = count
            .and_then(|count| self.input.split_at_checked(count))
            .ok_or_else(|| Fault::cut("its pickle"))?;
        self.input = rest;
        Ok(taken)
    }

    fn number<const N: usize>(&mut self) -> Result<u64, Fault> {
        Ok(self.take(N as u64)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// A length of `N` bytes and as many bytes as it says.
    fn counted<const N: usize>(&mut self) -> Result<&'a [u8], Fault> {
        let count = self.number::<N>()?;
        self.take(count)
    }

    fn line(&mut self) -> Result<&'a str, Fault> {
        let end =
            self.input.iter().position(|&byte| byte == b'\n').ok_or_else(|| Fault::cut("its pickle"))?;
        let line = &self.take(end as u64 + 1)?[..end];
        std::str::from_utf8(line).map_err(|_| wrong("has a name that is no text"))
    }

    fn text(bytes: &[u8]) -> Result<Value, Fault> {
        let text = std::str::from_utf8(bytes).map_err(|_| wrong("has text that is not UTF-8"))?;
        Ok(Value::Text(text.to_owned()))
    }

    /// Strings of Python 2: Latin-1.
    fn old_text(bytes: &[u8]) -> Value {
        Value::Text(bytes.iter().map(|&byte| char::from(byte)).collect())
    }

    fn push(&mut self, value: Value) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    /// Nothing below the newest mark may be taken.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Result<Id, Fault> {
        if self.stack.len() <= self.floor() {
            return Err(wrong("takes more than it has"));
        }
        self.stack.pop().ok_or_else(|| wrong("takes more than it has"))
    }

    fn top(&self) -> Result<Id, Fault> {
        let above = self.stack.get(self.floor()..).unwrap_or_default();
        above.last().copied().ok_or_else(|| wrong("takes more than it has"))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, Fault> {
        let mark = self.marks.pop().ok_or_else(|| wrong("has no mark where it needs one"))?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn pop_some(&mut self, count: usize) -> Result<Vec<Id>, Fault> {
        let mut items = (0..count).map(|_| self.pop()).collect::<Result<Vec<_>, _>>()?;
        items.reverse();
        Ok(items)
    }

    fn remember(&mut self, index: u64) -> Result<(), Fault> {
        let top = self.top()?;
        self.memo.insert(index, top);
        Ok(())
    }

    fn recall(&mut self, index: u64) -> Result<(), Fault> {
        let id = *self.memo.get(&index).ok_or_else(|| wrong("recalls what it never stored"))?;
        self.stack.push(id);
        Ok(())
    }

    /// One instruction; the root after the last.
    fn step(&mut self) -> Result<Option<Id>, Fault> {
        let code = self.number::<1>()? as u8;
        match code {
            b'.' => return self.pop().map(Some),
            // PROTO and FRAME: nothing depends on them.
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => match self.marks.last() {
                Some(&mark) if mark == self.stack.len() => drop(self.marks.pop()),
                _ => drop(self.pop()?),
            },
            b'1' => drop(self.pop_to_mark()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            b'N' => self.push(Value::Nothing),
            0x88 => self.push(Value::Flag(true)),
            0x89 => self.push(Value::Flag(false)),
            b'J' => {
                let number = self.number::<4>()? as u32;
                self.push(Value::Integer(number.cast_signed().into()));
            }
            b'K' => self.integer::<1>()?,
            b'M' => self.integer::<2>()?,
            0x8a => {
                let bytes = self.counted::<1>()?;
                self.push(long(bytes));
            }
            0x8b => {
                let bytes = self.counted::<4>()?;
                self.push(long(bytes));
            }
            b'G' => {
                self.take(8)?;
                self.push(Value::Float);
            }
            b'X' => {
                let text = Self::text(self.counted::<4>()?)?;
                self.push(text);
            }
            0x8c => {
                let text = Self::text(self.counted::<1>()?)?;
                self.push(text);
            }
            0x8d => {
                let text = Self::text(self.counted::<8>()?)?;
                self.push(text);
            }
            b'T' => {
                let text = Self::old_text(self.counted::<4>()?);
                self.push(text);
            }
            b'U' => {
                let text = Self::old_text(self.counted::<1>()?);
                self.push(text);
            }
            b'C' => {
                let bytes = self.counted::<1>()?.to_vec();
                self.push(Value::Bytes(bytes));
            }
            b'B' => {
                let bytes = self.counted::<4>()?.to_vec();
                self.push(Value::Bytes(bytes));
            }
            0x8e | 0x96 => {
                let bytes = self.counted::<8>()?.to_vec();
                self.push(Value::Bytes(bytes));
            }
            b']' | b')' | 0x8f => self.push(Value::List(Vec::new())),
            b'l' | b't' | 0x91 => {
                let items = self.pop_to_mark()?;
                self.push(Value::List(items));
            }
            0x85..=0x87 => {
                let items = self.pop_some(usize::from(code) - 0x84)?;
                self.push(Value::List(items));
            }
            b'a' => {
                let item = self.pop()?;
                self.extend(vec![item])?;
            }
            b'e' | 0x90 => {
                let items = self.pop_to_mark()?;
                self.extend(items)?;
            }
            b'}' => self.push(Value::Dict(Vec::new())),
            b'd' => {
                let items = self.pop_to_mark()?;
                self.push(Value::Dict(Vec::new()));
                self.insert(items)?;
            }
            b's' => {
                let items = self.pop_some(2)?;
                self.insert(items)?;
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.insert(items)?;
            }
            b'q' => {
                let index = self.number::<1>()?;
                self.remember(index)?;
            }
            b'r' => {
                let index = self.number::<4>()?;
                self.remember(index)?;
            }
            0x94 => self.remember(self.memo.len() as u64)?,
            b'h' => {
                let index = self.number::<1>()?;
                self.recall(index)?;
            }
            b'j' => {
                let index = self.number::<4>()?;
                self.recall(index)?;
            }
            // GLOBAL and INST name something to call; the latter calls it at once.
            b'c' | b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                let word = named(module, name)?;
                if code == b'c' {
                    self.push(Value::Word(word));
                } else {
                    let arguments = self.pop_to_mark()?;
                    self.call(word, &arguments)?;
                }
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Value::Text(module), Value::Text(name)) = (&self.values[module], &self.values[name])
                else {
                    return Err(wrong("names something by what is no text"));
                };
                let word = named(module, name)?;
                self.push(Value::Word(word));
            }
            // REDUCE and NEWOBJ: in our words both are a call.
            b'R' | 0x81 => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                let (Value::Word(word), Value::List(arguments)) =
                    (&self.values[function], &self.values[arguments])
                else {
                    return Err(wrong("calls what is no function"));
                };
                let (word, arguments) = (*word, short(arguments)?.to_vec());
                self.call(word, &arguments)?;
            }
            // BUILD sets attributes, as the `_metadata` of a state dict. Nothing here has any.
            b'b' => {
                self.pop()?;
                self.top()?;
            }
            b'Q' => {
                let id = self.pop()?;
                let storage = self.persistent(id)?;
                self.push(Value::Storage(Box::new(storage)));
            }
            other => {
                return Err(wrong(&format!(
                    "has the instruction {other:#04x}, which torch.save never writes"
                )));
            }
        }
        Ok(None)
    }

    fn integer<const N: usize>(&mut self) -> Result<(), Fault> {
        let number = self.number::<N>()?;
        self.push(Value::Integer(number as i64));
        Ok(())
    }

    fn extend(&mut self, items: Vec<Id>) -> Result<(), Fault> {
        let list = self.top()?;
        match &mut self.values[list] {
            Value::List(list) => list.extend(items),
            _ => return Err(wrong("appends to what is no list")),
        }
        Ok(())
    }

    fn insert(&mut self, items: Vec<Id>) -> Result<(), Fault> {
        let dict = self.top()?;
        let Value::Dict(dict) = &mut self.values[dict] else {
            return Err(wrong("sets an item of what is no dictionary"));
        };
        let (pairs, rest) = items.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(wrong("sets a key without a value"));
        }
        dict.extend(pairs.iter().map(|&[key, value]| (key, value)));
        Ok(())
    }

    /// Pushes what a word makes of its arguments.
    fn call(&mut self, word: Word, arguments: &[Id]) -> Result<(), Fault> {
        let of = |id: Id| &self.values[id];
        let misused = || wrong("calls a function with arguments that it does not take");
        let value = match (word, arguments) {
            (Word::OrderedDict, []) => Value::Dict(Vec::new()),
            // Python 2 gives all pairs at once. They move, for a copy could be asked for again and again.
            (Word::OrderedDict, &[items]) => {
                let Value::List(pairs) = of(items) else { return Err(misused()) };
                let pair = |id: &Id| match of(*id) {
                    Value::List(pair) if pair.len() == 2 => Ok((pair[0], pair[1])),
                    _ => Err(misused()),
                };
                let pairs = pairs.iter().map(pair).collect::<Result<_, _>>()?;
                self.values[items] = Value::Nothing;
                Value::Dict(pairs)
            }
            (Word::RebuildTensor, [storage, offset, shape, strides, ..]) => {
                let (Value::Storage(_), Value::Integer(offset)) = (of(*storage), of(*offset)) else {
                    return Err(misused());
                };
                let offset = usize::try_from(*offset).map_err(|_| misused())?;
                let (shape, strides) = (self.sizes(*shape)?, self.sizes(*strides)?);
                Value::Tensor(Box::new(TensorOf { storage: *storage, offset, shape, strides }))
            }
            (Word::LoadFromBytes, [bytes]) if matches!(of(*bytes), Value::Bytes(_)) => {
                Value::Storage(Box::new(Storage::Nested(*bytes)))
            }
            // The same value under another type.
            (Word::RebuildParameter, [same, ..]) if matches!(of(*same), Value::Tensor(_)) => {
                self.stack.push(*same);
                return Ok(());
            }
            (Word::Size, [same]) if matches!(of(*same), Value::List(_)) => {
                self.stack.push(*same);
                return Ok(());
            }
            (Word::Inert, _) => Value::Nothing,
            _ => return Err(misused()),
        };
        self.push(value);
        Ok(())
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

    /// `('storage', torch.FloatStorage, '0', 'cpu', 432)`, in old files with `None` at the end.
    fn persistent(&self, id: Id) -> Result<Storage, Fault> {
        let wrong = || wrong("refers to a storage in a way that is not known");
        let Value::List(parts) = &self.values[id] else { return Err(wrong()) };
        let (parts, view) = parts.split_at(parts.len().min(5));
        let [tag, of, key, _, count] = parts else { return Err(wrong()) };
        match (&self.values[*tag], &self.values[*of], &self.values[*key], &self.values[*count]) {
            (
                Value::Text(tag),
                Value::Word(Word::StorageOf(dtype)),
                Value::Text(key),
                Value::Integer(count),
            ) if tag == "storage" => {
                if view.iter().any(|id| self.values[*id] != Value::Nothing) {
                    return Err(Fault::Unsupported("holds storages that are parts of others".into()));
                }
                short(key.as_bytes())?;
                let count = usize::try_from(*count).map_err(|_| wrong())?;
                Ok(Storage::Outside { dtype: *dtype, key: key.clone(), count })
            }
            _ => Err(wrong()),
        }
    }
}

/// What may be copied any number of times.
fn short<T>(items: &[T]) -> Result<&[T], Fault> {
    if items.len() > MAX_SHORT {
        return Err(wrong(&format!("has a call, a shape or a key longer than {MAX_SHORT}")));
    }
    Ok(items)
}

fn named(module: &str, name: &str) -> Result<Word, Fault> {
    word(module, name).ok_or_else(|| Fault::Code(shown(&format!("{module}.{name}"))))
}

/// Little-endian two's complement of any length.
fn long(bytes: &[u8]) -> Value {
    if bytes.len() > 8 {
        return Value::Long(bytes.to_vec());
    }
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut word = [if negative { 0xff } else { 0 }; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    Value::Integer(i64::from_le_bytes(word))
}
