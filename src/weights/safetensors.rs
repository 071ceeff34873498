//! `.safetensors`: the crate checks header, offsets and overlaps.

use ::safetensors::{Dtype as Stored, SafeTensors};

use super::dtype::{Dtype, Endian};
use super::{Contents, Fault, Tensor, Unread, shown, view};

/// A header length within the file and the start of its JSON.
pub fn looks_like(bytes: &[u8]) -> bool {
    bytes.get(8) == Some(&b'{')
}

/// Whether the length in front is that of a header in this file, which says of tensors what a header says.
pub fn is_one(bytes: &[u8]) -> bool {
    looks_like(bytes) && SafeTensors::read_metadata(bytes).is_ok()
}

pub fn read(bytes: &[u8]) -> Result<Contents, Fault> {
    let damaged = |error: ::safetensors::SafeTensorError| Fault::Damaged(error.to_string());
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let mut contents = Contents::default();
    for name in header.offset_keys() {
        let stored = file.tensor(&name).map_err(damaged)?;
        let dtype = match stored.dtype() {
            Stored::F16 => Dtype::F16,
            Stored::BF16 => Dtype::Bf16,
            Stored::F32 => Dtype::F32,
            Stored::F64 => Dtype::F64,
            Stored::I8 => Dtype::I8,
            Stored::I16 => Dtype::I16,
            Stored::I32 => Dtype::I32,
            Stored::I64 => Dtype::I64,
            Stored::U8 => Dtype::U8,
            Stored::U16 => Dtype::U16,
            Stored::U32 => Dtype::U32,
            Stored::U64 => Dtype::U64,
            Stored::BOOL => Dtype::Bool,
            other => {
                contents.unread.push((name, Unread::dtype(&format!("{other:?}"))));
                continue;
            }
        };
        let count = view::count(&name, stored.shape())?;
        contents.admit(count)?;
        let values = dtype.decode(stored.data(), Endian::Little);
        if values.len() != count {
            return Err(Fault::Damaged(format!("{} has {} values, not {count}", shown(&name), values.len())));
        }
        contents.tensors.push(Tensor { name, dtype, shape: stored.shape().to_vec(), values });
    }
    Ok(contents)
}
