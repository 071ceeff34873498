//! Data sets in files of arrays: the arrays, lists of numbers and names of an `.npz` or of a pickled dictionary, by
//! name and as they are stored.

use super::dtype::{Dtype, Endian};
use super::numpy;
use super::pickle::{self, Id, Pickle, Value};
use super::view::{self, View};
use super::zip::Archive;
use super::{Fault, shown};

/// A file of named arrays.
pub(crate) enum Named<'a> {
    /// `numpy.savez`.
    Npz(Archive<'a>),
    /// A dictionary.
    Pickle(Pickle),
}

/// An array, row-major and little-endian.
pub(crate) struct Plain {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

impl Plain {
    /// The values, if they are whole numbers.
    pub fn integers(&self) -> Option<Vec<i64>> {
        let values = self.dtype.decode(&self.bytes, Endian::Little);
        let whole = |value: f64| (value.fract() == 0.0 && value.abs() < 1e9).then_some(value as i64);
        values.into_iter().map(whole).collect()
    }
}

impl<'a> Named<'a> {
    /// An archive of arrays, or a pickle.
    ///
    /// # Errors
    /// [`Fault`] if it is damaged.
    pub fn open(bytes: &'a [u8]) -> Result<Named<'a>, Fault> {
        match bytes {
            [b'P', b'K', ..] => Ok(Named::Npz(Archive::new(bytes)?)),
            _ => Ok(Named::Pickle(pickle::load(bytes)?.0)),
        }
    }

    /// All names, in the order of the file.
    pub fn names(&self) -> Vec<String> {
        match self {
            Named::Npz(archive) => {
                let names = archive.entries().iter().filter_map(|entry| entry.name.strip_suffix(".npy"));
                names.map(str::to_owned).collect()
            }
            Named::Pickle(pickle) => {
                let names = entries(pickle).iter().filter_map(|(key, _)| pickle.text(*key));
                names.map(|name| name.into_owned()).collect()
            }
        }
    }

    /// An array, or a list of numbers.
    ///
    /// # Errors
    /// [`Fault`] if it cannot be read.
    pub fn array(&self, name: &str) -> Result<Option<Plain>, Fault> {
        match self {
            Named::Npz(archive) => {
                let file = format!("{name}.npy");
                let Some(entry) = archive.find(|entry| entry == file) else { return Ok(None) };
                numpy::plain(name, &archive.content(entry)?).map(Some)
            }
            Named::Pickle(pickle) => {
                let Some(id) = entry(pickle, name) else { return Ok(None) };
                match pickle.get(id) {
                    Value::List(items) => Ok(Some(numbers(pickle, name, items)?)),
                    Value::Array(Some(array)) => {
                        let damaged =
                            || Fault::Unsupported(format!("holds {} as no plain array", shown(name)));
                        let Value::Dtype(dtype) = pickle.get(array.dtype) else { return Err(damaged()) };
                        let endian = dtype.endian;
                        let dtype = numpy::dtype(&dtype.kind).ok_or_else(damaged)?;
                        let bytes = pickle.bytes(array.data).ok_or_else(damaged)?;
                        row_major(name, dtype, endian, array.fortran, array.shape.clone(), &bytes).map(Some)
                    }
                    _ => Ok(None),
                }
            }
        }
    }

    /// A list of texts.
    pub fn texts(&self, name: &str) -> Option<Vec<String>> {
        let Named::Pickle(pickle) = self else { return None };
        let Value::List(items) = pickle.get(entry(pickle, name)?) else { return None };
        items.iter().map(|item| pickle.text(*item).map(|text| text.into_owned())).collect()
    }
}

fn entries(pickle: &Pickle) -> &[(Id, Id)] {
    match pickle.top() {
        Value::Dict(pairs) => pairs,
        _ => &[],
    }
}

fn entry(pickle: &Pickle, name: &str) -> Option<Id> {
    let mut pairs = entries(pickle).iter();
    pairs.find(|(key, _)| pickle.text(*key).is_some_and(|key| key == name)).map(|(_, value)| *value)
}

fn numbers(pickle: &Pickle, name: &str, items: &[Id]) -> Result<Plain, Fault> {
    let number = |id: &Id| match pickle.get(*id) {
        Value::Integer(number) => Ok(number.to_le_bytes()),
        _ => {
            Err(Fault::Unsupported(format!("holds {} as a list of other things than integers", shown(name))))
        }
    };
    let bytes: Vec<[u8; 8]> = items.iter().map(number).collect::<Result<_, _>>()?;
    Ok(Plain { dtype: Dtype::I64, shape: vec![items.len()], bytes: bytes.into_flattened() })
}

/// The bytes of an array in the order of its axes, least significant first.
pub(super) fn row_major(
    name: &str,
    dtype: Dtype,
    endian: Endian,
    fortran: bool,
    shape: Vec<usize>,
    bytes: &[u8],
) -> Result<Plain, Fault> {
    let strides = numpy::strides(&shape, fortran);
    let size = dtype.size();
    let view = View { name, offset: 0, shape: &shape, strides: &strides };
    let count = view.check(bytes.len() / size)?;
    let mut ordered = match strides == view::contiguous(&shape) {
        true => bytes[..count * size].to_vec(),
        false => view.bytes(bytes, size, count),
    };
    if endian == Endian::Big {
        ordered.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    }
    Ok(Plain { dtype, shape, bytes: ordered })
}
