//! What a pickle can make here.

use std::sync::Arc;

use super::word::Word;
use crate::weights::dtype::{Dtype, Endian};
use crate::weights::unread::Unread;

/// Position of a value in its arena.
pub type Id = usize;

/// A value of a pickle. None of them does anything.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `None`.
    None,
    /// A truth value.
    Flag(bool),
    /// An integer that fits 64 bit.
    Integer(i64),
    /// An integer that does not, little-endian two's complement.
    Long(Vec<u8>),
    /// A float.
    Number(f64),
    /// A scalar of NumPy's: its type and its bytes.
    Scalar {
        /// A [`Value::Dtype`].
        dtype: Id,
        /// Bytes.
        data: Id,
    },
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Bytes that are written as the Latin-1 text at this place: protocol 2 has no others.
    Latin1(Id),
    /// A list, tuple or set.
    List(Vec<Id>),
    /// A dictionary, in the order of insertion.
    Dict(Vec<(Id, Id)>),
    /// A name of the allow-list.
    Word(Word),
    /// Any other name: a class or a function, which is never called.
    Foreign(Arc<str>),
    /// What Python would make with such a name, and what it would set its attributes from.
    Object {
        /// The name.
        class: Arc<str>,
        /// The attributes.
        state: Option<Id>,
    },
    /// The content of a tensor, kept outside the pickle or in a nested one.
    Storage(Box<Storage>),
    /// A view of a storage.
    Tensor(Box<TensorOf>),
    /// A tensor of a kind that is not read.
    Unread(Box<Unread>),
    /// A type of NumPy's.
    Dtype(Box<DtypeOf>),
    /// An array of NumPy's; empty until its state is set.
    Array(Option<Box<ArrayOf>>),
}

/// Type of the values of a storage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stored {
    /// One that is read.
    Plain(Dtype),
    /// Bytes: each tensor says what they are.
    Untyped,
    /// One that is not read: its name and the bytes of a value.
    Other(&'static str, usize),
}

impl Stored {
    /// Bytes of one value.
    pub fn size(self) -> usize {
        match self {
            Stored::Plain(dtype) => dtype.size(),
            Stored::Untyped => 1,
            Stored::Other(_, size) => size,
        }
    }
}

/// Where the content of tensors is.
#[derive(Debug, Clone, PartialEq)]
pub enum Storage {
    /// Outside, under a key.
    Outside {
        /// Type of the values.
        stored: Stored,
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
    /// Type of the values, if the storage does not say.
    pub dtype: Option<Dtype>,
    /// Position of the first value.
    pub offset: usize,
    /// Sizes.
    pub shape: Vec<usize>,
    /// Strides.
    pub strides: Vec<usize>,
}

/// A type of NumPy's: `f4`, `O8`, `U10`, and the order of its bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct DtypeOf {
    /// Kind and size.
    pub kind: String,
    /// Order of the bytes.
    pub endian: Endian,
}

/// An array of NumPy's as a pickle describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct ArrayOf {
    /// A [`Value::Dtype`].
    pub dtype: Id,
    /// Sizes.
    pub shape: Vec<usize>,
    /// The first axis runs fastest.
    pub fortran: bool,
    /// Bytes, or a list of what an object array holds.
    pub data: Id,
}
