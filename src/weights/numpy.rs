//! Arrays of NumPy: `.npy`, versions 1 to 3, in C or Fortran order, and `.npz`, a zip archive of them.

use super::dtype::{Dtype, Endian};
use super::named::{Plain, row_major};
use super::pickle;
use super::view::{self, View};
use super::walk::walk;
use super::zip::Archive;
use super::{Contents, Fault, Tensor, shown};

/// First bytes of an array.
pub const MAGIC: &[u8] = b"\x93NUMPY";

/// The arrays of an archive.
pub fn read(archive: &Archive) -> Result<Contents, Fault> {
    let mut contents = Contents::default();
    for entry in archive.entries() {
        match entry.name.strip_suffix(".npy") {
            Some(name) => array(name, &archive.content(entry)?, &mut contents)?,
            None => contents.leave_out("file in the archive"),
        }
    }
    Ok(contents)
}

/// One array by itself.
pub fn read_one(bytes: &[u8]) -> Result<Contents, Fault> {
    let mut contents = Contents::default();
    array("", bytes, &mut contents)?;
    Ok(contents)
}

fn array(name: &str, bytes: &[u8], contents: &mut Contents) -> Result<(), Fault> {
    let array = Array::new(name, bytes)?;
    let Some((dtype, endian)) = array.dtype else {
        // An array of objects is a pickle of the whole array.
        let (pickle, _) = pickle::load(array.data)?;
        return walk(&pickle, name, contents, |_| Ok(None));
    };
    let name = if name.is_empty() { "array" } else { name };
    let count = view::count(name, &array.shape)?;
    contents.admit(count)?;
    let strides = strides(&array.shape, array.fortran);
    let view = View { name, offset: 0, shape: &array.shape, strides: &strides };
    view.check(array.data.len() / dtype.size())?;
    let values = view.gather(array.data, dtype, endian, count);
    contents.tensors.push(Tensor { name: name.to_owned(), dtype, shape: array.shape, values });
    Ok(())
}

/// One array as it is stored.
pub fn plain(name: &str, bytes: &[u8]) -> Result<Plain, Fault> {
    let Array { dtype, fortran, shape, data } = Array::new(name, bytes)?;
    let objects = || Fault::Unsupported(format!("holds {} as objects", shown(name)));
    let (dtype, endian) = dtype.ok_or_else(objects)?;
    row_major(name, dtype, endian, fortran, shape, data)
}

/// Distances between neighbours along each axis, in values.
pub fn strides(shape: &[usize], fortran: bool) -> Vec<usize> {
    if !fortran {
        return view::contiguous(shape);
    }
    let reversed: Vec<usize> = shape.iter().rev().copied().collect();
    let mut strides = view::contiguous(&reversed);
    strides.reverse();
    strides
}

/// One array, header read.
struct Array<'a> {
    /// Type of the values; none of an array of objects.
    dtype: Option<(Dtype, Endian)>,
    fortran: bool,
    shape: Vec<usize>,
    data: &'a [u8],
}

impl<'a> Array<'a> {
    fn new(name: &str, bytes: &'a [u8]) -> Result<Array<'a>, Fault> {
        let damaged = || Fault::Damaged(format!("the header of {} cannot be read", shown(name)));
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(damaged)?;
        let (length, rest) = match rest {
            [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
            [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
            _ => return Err(damaged()),
        };
        let (header, data) = rest.split_at_checked(length).ok_or_else(|| Fault::cut(&shown(name)))?;
        let header = std::str::from_utf8(header).map_err(|_| damaged())?;
        let (mut dtype, mut fortran, mut shape) = (None, None, None);
        let mut words = Words(header.trim());
        words.expect("{").ok_or_else(damaged)?;
        while words.expect("}").is_none() {
            let key = words.text().ok_or_else(damaged)?;
            words.expect(":").ok_or_else(damaged)?;
            match key {
                "descr" => {
                    let unsupported =
                        |what: &str| Fault::Unsupported(format!("holds {} as {what}", shown(name)));
                    let descr = words.text().ok_or_else(|| unsupported("a structured array"))?;
                    dtype = Some(match descr {
                        "|O" => None,
                        _ => Some(described(descr).ok_or_else(|| unsupported(&shown(descr)))?),
                    });
                }
                "fortran_order" => fortran = Some(words.flag().ok_or_else(damaged)?),
                "shape" => shape = Some(words.sizes().ok_or_else(damaged)?),
                _ => return Err(damaged()),
            }
            if words.expect(",").is_none() {
                words.expect("}").ok_or_else(damaged)?;
                break;
            }
        }
        Ok(Array {
            dtype: dtype.ok_or_else(damaged)?,
            fortran: fortran.ok_or_else(damaged)?,
            shape: shape.ok_or_else(damaged)?,
            data,
        })
    }
}

/// `<f4` and its kin.
fn described(descr: &str) -> Option<(Dtype, Endian)> {
    let (order, kind) = descr.split_at_checked(1)?;
    let endian = match order {
        "<" | "|" | "=" => Endian::Little,
        ">" => Endian::Big,
        _ => return None,
    };
    Some((dtype(kind)?, endian))
}

/// `f4` and its kin.
pub fn dtype(kind: &str) -> Option<Dtype> {
    Some(match kind {
        "f2" => Dtype::F16,
        "f4" => Dtype::F32,
        "f8" => Dtype::F64,
        "i1" => Dtype::I8,
        "i2" => Dtype::I16,
        "i4" => Dtype::I32,
        "i8" => Dtype::I64,
        "u1" => Dtype::U8,
        "u2" => Dtype::U16,
        "u4" => Dtype::U32,
        "u8" => Dtype::U64,
        "b1" => Dtype::Bool,
        _ => return None,
    })
}

/// The few words of Python that a header is written in.
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    fn expect(&mut self, word: &str) -> Option<()> {
        self.0 = self.0.trim_start().strip_prefix(word)?;
        Some(())
    }

    /// A quoted word without escapes.
    fn text(&mut self) -> Option<&'a str> {
        let rest = self.0.trim_start();
        let quote = rest.chars().next().filter(|quote| ['\'', '"'].contains(quote))?;
        let (text, rest) = rest[1..].split_once(quote)?;
        self.0 = rest;
        Some(text)
    }

    fn flag(&mut self) -> Option<bool> {
        if self.expect("True").is_some() {
            return Some(true);
        }
        self.expect("False").map(|()| false)
    }

    /// `()`, `(3,)`, `(64, 3)`; Python 2 wrote `3L`.
    fn sizes(&mut self) -> Option<Vec<usize>> {
        self.expect("(")?;
        let (inside, rest) = self.0.split_once(')')?;
        self.0 = rest;
        let items = inside.split(',').map(str::trim).filter(|item| !item.is_empty());
        items.map(|item| item.trim_end_matches('L').parse().ok()).collect()
    }
}
