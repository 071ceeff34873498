//! Types of stored values, and their conversion to f64.

use half::{bf16, f16};

/// Type of stored values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Dtype {
    F16,
    Bf16,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Bool,
}

/// Order of the bytes of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endian {
    /// Least significant first.
    Little,
    /// Most significant first.
    Big,
}

impl Dtype {
    /// Bytes of one value.
    pub fn size(self) -> usize {
        match self {
            Dtype::I8 | Dtype::U8 | Dtype::Bool => 1,
            Dtype::F16 | Dtype::Bf16 | Dtype::I16 | Dtype::U16 => 2,
            Dtype::F32 | Dtype::I32 | Dtype::U32 => 4,
            Dtype::F64 | Dtype::I64 | Dtype::U64 => 8,
        }
    }

    /// For tables: `f32`, `bf16`, `bool`.
    pub fn name(self) -> &'static str {
        match self {
            Dtype::F16 => "f16",
            Dtype::Bf16 => "bf16",
            Dtype::F32 => "f32",
            Dtype::F64 => "f64",
            Dtype::I8 => "i8",
            Dtype::I16 => "i16",
            Dtype::I32 => "i32",
            Dtype::I64 => "i64",
            Dtype::U8 => "u8",
            Dtype::U16 => "u16",
            Dtype::U32 => "u32",
            Dtype::U64 => "u64",
            Dtype::Bool => "bool",
        }
    }

    /// Can hold fractions.
    pub fn is_float(self) -> bool {
        matches!(self, Dtype::F16 | Dtype::Bf16 | Dtype::F32 | Dtype::F64)
    }

    /// The values in `bytes`; a part of a value at the end is left out.
    pub(super) fn decode(self, bytes: &[u8], endian: Endian) -> Vec<f64> {
        fn each<const N: usize>(bytes: &[u8], endian: Endian, of: impl Fn([u8; N]) -> f64) -> Vec<f64> {
            let one = |chunk: &[u8]| {
                let mut word = [0; N];
                word.copy_from_slice(chunk);
                if endian == Endian::Big {
                    word.reverse();
                }
                of(word)
            };
            bytes.chunks_exact(N).map(one).collect()
        }
        match self {
            Dtype::F16 => each(bytes, endian, |b| f16::from_le_bytes(b).to_f64()),
            Dtype::Bf16 => each(bytes, endian, |b| bf16::from_le_bytes(b).to_f64()),
            Dtype::F32 => each(bytes, endian, |b| f32::from_le_bytes(b).into()),
            Dtype::F64 => each(bytes, endian, f64::from_le_bytes),
            Dtype::I8 => each(bytes, endian, |b| i8::from_le_bytes(b).into()),
            Dtype::I16 => each(bytes, endian, |b| i16::from_le_bytes(b).into()),
            Dtype::I32 => each(bytes, endian, |b| i32::from_le_bytes(b).into()),
            Dtype::I64 => each(bytes, endian, |b| i64::from_le_bytes(b) as f64),
            Dtype::U8 => each(bytes, endian, |b| u8::from_le_bytes(b).into()),
            Dtype::U16 => each(bytes, endian, |b| u16::from_le_bytes(b).into()),
            Dtype::U32 => each(bytes, endian, |b| u32::from_le_bytes(b).into()),
            Dtype::U64 => each(bytes, endian, |b| u64::from_le_bytes(b) as f64),
            Dtype::Bool => each(bytes, endian, |b: [u8; 1]| f64::from(u8::from(b[0] != 0))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_becomes_f64() {
        let little = |dtype: Dtype, bytes: &[u8]| dtype.decode(bytes, Endian::Little);
        assert_eq!(little(Dtype::F16, &[0x00, 0x3c, 0x00, 0xc0]), [1.0, -2.0]);
        assert_eq!(little(Dtype::Bf16, &[0x80, 0x3f, 0x00, 0xc0]), [1.0, -2.0]);
        assert_eq!(little(Dtype::F32, &1.5_f32.to_le_bytes()), [1.5]);
        assert_eq!(little(Dtype::F64, &(-0.1_f64).to_le_bytes()), [-0.1]);
        assert_eq!(little(Dtype::I8, &[0xff, 1]), [-1.0, 1.0]);
        assert_eq!(little(Dtype::I16, &(-300_i16).to_le_bytes()), [-300.0]);
        assert_eq!(little(Dtype::I32, &(-70_000_i32).to_le_bytes()), [-70_000.0]);
        assert_eq!(little(Dtype::I64, &(1_i64 << 40).to_le_bytes()), [(1_i64 << 40) as f64]);
        assert_eq!(little(Dtype::U8, &[255]), [255.0]);
        assert_eq!(little(Dtype::Bool, &[0, 1, 7]), [0.0, 1.0, 1.0]);
        assert_eq!(Dtype::F32.decode(&1.5_f32.to_be_bytes(), Endian::Big), [1.5]);
        assert_eq!(Dtype::I16.decode(&(-300_i16).to_be_bytes(), Endian::Big), [-300.0]);
    }

    #[test]
    fn the_smallest_half_and_its_specials() {
        let of = |bits: u16| Dtype::F16.decode(&bits.to_le_bytes(), Endian::Little)[0];
        assert_eq!(of(1), 2.0_f64.powi(-24));
        assert_eq!(of(0x7c00), f64::INFINITY);
        assert!(of(0x7e00).is_nan());
    }
}
