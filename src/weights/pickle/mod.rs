//! A pickle reader that executes nothing.
//!
//! Pickle is a program for a stack machine; Python's own reader calls whatever the program names. This one calls
//! nothing: it knows a few words that make data (`word`), gives each an inert meaning (`call`), and carries every
//! other name about as a name. What Python would make with such a name is an object that is not looked into. Values
//! live in one arena and refer to each other by position, so that neither cycles nor depth can do harm; an
//! instruction adds one value, and what it copies is bounded: memory grows as the file does.

mod call;
mod value;
mod word;

pub use value::{ArrayOf, Id, Storage, Stored, TensorOf, Value};

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use super::{Fault, shown};

/// Most instructions: a state dict takes about thirty a tensor.
const MAX_INSTRUCTIONS: usize = 5_000_000;
/// Most arguments of a call, axes of a tensor, and bytes of a storage's key or a type's name.
const MAX_SHORT: usize = 32;
/// Longest name of a class or function in bytes.
const MAX_NAME: usize = 200;

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

    /// Where the content of bytes is: themselves, or the text that they are written as.
    pub fn origin(&self, id: Id) -> Id {
        match self.get(id) {
            Value::Latin1(text) => *text,
            _ => id,
        }
    }

    /// Bytes, however they are written.
    pub fn bytes(&self, id: Id) -> Option<Cow<'_, [u8]>> {
        match self.get(self.origin(id)) {
            Value::Bytes(bytes) => Some(Cow::Borrowed(bytes)),
            Value::Text(text) => latin1(text).map(Cow::Owned),
            _ => None,
        }
    }

    /// Text, also such as Python 2 or a pickle of bytes has.
    pub fn text(&self, id: Id) -> Option<Cow<'_, str>> {
        match self.get(id) {
            Value::Text(text) => Some(Cow::Borrowed(text)),
            Value::Bytes(_) | Value::Latin1(_) => {
                String::from_utf8(self.bytes(id)?.into_owned()).ok().map(Cow::Owned)
            }
            _ => None,
        }
    }
}

/// The bytes that a Latin-1 text stands for.
fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

#[derive(Default)]
struct Machine<'a> {
    input: &'a [u8],
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Heights of the stack at the marks.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
    /// Names that are not known, each kept once.
    names: HashMap<String, Arc<str>>,
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
            b'N' => self.push(Value::None),
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
                let bytes = self.take(8)?.try_into().unwrap_or([0; 8]);
                self.push(Value::Number(f64::from_be_bytes(bytes)));
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
            // GLOBAL and INST name something to call; the latter would call it at once.
            b'c' | b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                let named = self.named(module, name)?;
                self.push(named);
                if code == b'i' {
                    let function = self.pop()?;
                    let arguments = self.pop_to_mark()?;
                    self.reduce(function, Some(&arguments))?;
                }
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Value::Text(module), Value::Text(name)) = (&self.values[module], &self.values[name])
                else {
                    return Err(wrong("names something by what is no text"));
                };
                short_name(module, name)?;
                let (module, name) = (module.clone(), name.clone());
                let named = self.named(&module, &name)?;
                self.push(named);
            }
            // REDUCE and NEWOBJ: in our words both are a call.
            b'R' | 0x81 => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                self.reduce_with(function, arguments)?;
            }
            // NEWOBJ_EX has arguments by name as well.
            0x92 => {
                let (_, arguments, class) = (self.pop()?, self.pop()?, self.pop()?);
                self.reduce_with(class, arguments)?;
            }
            b'b' => {
                let state = self.pop()?;
                let object = self.top()?;
                self.build(object, state)?;
            }
            b'Q' => {
                let id = self.pop()?;
                self.persistent(id)?;
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
            // A list, set or dictionary of a class of its own: its items are not looked into.
            Value::Object { .. } => {}
            _ => return Err(wrong("appends to what is no list")),
        }
        Ok(())
    }

    fn insert(&mut self, items: Vec<Id>) -> Result<(), Fault> {
        let dict = self.top()?;
        let dict = match &mut self.values[dict] {
            Value::Dict(dict) => dict,
            Value::Object { .. } => return Ok(()),
            _ => return Err(wrong("sets an item of what is no dictionary")),
        };
        let (pairs, rest) = items.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(wrong("sets a key without a value"));
        }
        dict.extend(pairs.iter().map(|&[key, value]| (key, value)));
        Ok(())
    }

    /// A word, or a name that stays one.
    fn named(&mut self, module: &str, name: &str) -> Result<Value, Fault> {
        short_name(module, name)?;
        if word::is_hostile(module, name) {
            return Err(Fault::Code(shown(&format!("{module}.{name}"))));
        }
        if module.starts_with("joblib.numpy_pickle") {
            let instead = "save its arrays with np.savez, or with torch.save".into();
            return Err(Fault::Other { what: "a file of joblib".into(), instead });
        }
        if let Some(word) = word::word(module, name) {
            return Ok(Value::Word(word));
        }
        let full = format!("{module}.{name}");
        let kept = self.names.entry(full).or_insert_with_key(|full| full.as_str().into());
        Ok(Value::Foreign(kept.clone()))
    }
}

fn short_name(module: &str, name: &str) -> Result<(), Fault> {
    if module.len() + name.len() > MAX_NAME {
        return Err(wrong(&format!("names a class or function by more than {MAX_NAME} bytes")));
    }
    Ok(())
}

/// What may be copied any number of times.
fn short<T>(items: &[T]) -> Result<&[T], Fault> {
    if items.len() > MAX_SHORT {
        return Err(wrong(&format!("has a call, a shape or a key longer than {MAX_SHORT}")));
    }
    Ok(items)
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
