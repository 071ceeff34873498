//! The names that mean something here. All others are carried about as names.

use super::value::Stored;
use crate::weights::dtype::Dtype;

/// A name that makes data of its arguments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Word {
    /// `collections.OrderedDict`.
    OrderedDict,
    /// `collections.defaultdict`: a dictionary; what it makes of missing keys is left out.
    DefaultDict,
    /// `torch._utils._rebuild_tensor` and `_rebuild_tensor_v2`.
    RebuildTensor,
    /// `torch._utils._rebuild_tensor_v3`, which says the type of the values.
    RebuildTyped,
    /// `torch._utils._rebuild_parameter` and `_rebuild_parameter_with_state`.
    RebuildParameter,
    /// `torch._tensor._rebuild_from_type_v2`: a tensor of a class of its own, made by another of these words.
    RebuildFromType,
    /// Tensors of a kind that is not read.
    RebuildUnread(Kind),
    /// `torch.storage._load_from_bytes`.
    LoadFromBytes,
    /// `torch.Size`.
    Size,
    /// `torch.FloatStorage` and its kin.
    StorageOf(Stored),
    /// `numpy.core.multiarray._reconstruct`: an array whose content comes later.
    Reconstruct,
    /// `numpy.core.numeric._frombuffer`: an array of bytes.
    FromBuffer,
    /// `numpy.core.multiarray.scalar`.
    Scalar,
    /// `numpy.ndarray`.
    NdArray,
    /// `numpy.dtype`.
    Dtype,
    /// `_codecs.encode`: how protocol 2 writes bytes.
    Encode,
    /// `bytes` without arguments.
    EmptyBytes,
}

/// Tensors that are recognised, but not read.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub enum Kind {
    Sparse,
    Quantised,
    Nested,
    Meta,
}

/// The allow-list.
pub fn word(module: &str, name: &str) -> Option<Word> {
    let stored = |stored| Some(Word::StorageOf(stored));
    let plain = |dtype| stored(Stored::Plain(dtype));
    let other = |name, size| stored(Stored::Other(name, size));
    Some(match (module, name) {
        ("collections", "OrderedDict") => Word::OrderedDict,
        ("collections", "defaultdict") => Word::DefaultDict,
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Word::RebuildTensor,
        ("torch._utils", "_rebuild_tensor_v3") => Word::RebuildTyped,
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => Word::RebuildParameter,
        ("torch._tensor" | "torch.tensor", "_rebuild_from_type" | "_rebuild_from_type_v2") => {
            Word::RebuildFromType
        }
        ("torch._utils", "_rebuild_sparse_tensor" | "_rebuild_sparse_csr_tensor") => {
            Word::RebuildUnread(Kind::Sparse)
        }
        ("torch._utils", "_rebuild_qtensor") => Word::RebuildUnread(Kind::Quantised),
        ("torch._utils", "_rebuild_nested_tensor") => Word::RebuildUnread(Kind::Nested),
        ("torch._utils", "_rebuild_meta_tensor_no_storage") => Word::RebuildUnread(Kind::Meta),
        ("torch.storage", "_load_from_bytes") => Word::LoadFromBytes,
        ("torch", "Size") => Word::Size,
        ("torch", "HalfStorage") => return plain(Dtype::F16),
        ("torch", "BFloat16Storage") => return plain(Dtype::Bf16),
        ("torch", "FloatStorage") => return plain(Dtype::F32),
        ("torch", "DoubleStorage") => return plain(Dtype::F64),
        ("torch", "CharStorage") => return plain(Dtype::I8),
        ("torch", "ShortStorage") => return plain(Dtype::I16),
        ("torch", "IntStorage") => return plain(Dtype::I32),
        ("torch", "LongStorage") => return plain(Dtype::I64),
        ("torch", "ByteStorage") => return plain(Dtype::U8),
        ("torch", "BoolStorage") => return plain(Dtype::Bool),
        ("torch", "ComplexFloatStorage") => return other("complex64", 8),
        ("torch", "ComplexDoubleStorage") => return other("complex128", 16),
        ("torch", "QInt8Storage") => return other("qint8", 1),
        ("torch", "QUInt8Storage") => return other("quint8", 1),
        ("torch", "QInt32Storage") => return other("qint32", 4),
        ("torch", "QUInt4x2Storage") => return other("quint4x2", 1),
        ("torch", "QUInt2x4Storage") => return other("quint2x4", 1),
        ("torch" | "torch.storage", "UntypedStorage") => return stored(Stored::Untyped),
        ("numpy", "dtype") => Word::Dtype,
        ("numpy", "ndarray") => Word::NdArray,
        ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => Word::Reconstruct,
        ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Word::Scalar,
        ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => Word::FromBuffer,
        ("_codecs", "encode") => Word::Encode,
        ("__builtin__" | "builtins", "bytes") => Word::EmptyBytes,
        _ => return None,
    })
}

/// Types that a typed tensor names.
pub fn typed(name: &str) -> Option<Dtype> {
    Some(match name.strip_prefix("torch.")? {
        "float16" => Dtype::F16,
        "bfloat16" => Dtype::Bf16,
        "float32" => Dtype::F32,
        "float64" => Dtype::F64,
        "int8" => Dtype::I8,
        "int16" => Dtype::I16,
        "int32" => Dtype::I32,
        "int64" => Dtype::I64,
        "uint8" => Dtype::U8,
        "uint16" => Dtype::U16,
        "uint32" => Dtype::U32,
        "uint64" => Dtype::U64,
        "bool" => Dtype::Bool,
        _ => return None,
    })
}

/// Names that no honest file of weights has a use for: whoever made it wants something to be run. Nothing would be
/// run without this list either; it only says so instead of reading on.
pub fn is_hostile(module: &str, name: &str) -> bool {
    match module {
        "subprocess" | "pty" | "runpy" | "importlib" | "ctypes" | "socket" | "webbrowser" | "commands" => {
            true
        }
        "os" | "posix" | "nt" => {
            ["system", "popen", "kill", "remove", "unlink", "rmdir", "removedirs", "rename", "putenv", "fork"]
                .contains(&name)
                || ["exec", "spawn", "posix_spawn", "popen"].iter().any(|start| name.starts_with(start))
        }
        "shutil" => name == "rmtree" || name == "move",
        "builtins" | "__builtin__" => {
            ["eval", "exec", "execfile", "compile", "open", "__import__", "breakpoint", "input"]
                .contains(&name)
        }
        _ => false,
    }
}
