//! Tensors that are there, but of a kind that is not read.

use std::borrow::Cow;

/// What such a tensor is, and what makes a plain one of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// `a sparse tensor`.
    pub what: Cow<'static, str>,
    /// `dense tensors, tensor.to_dense()`.
    pub instead: &'static str,
}

impl Unread {
    pub(super) const SPARSE: Unread =
        Unread { what: Cow::Borrowed("a sparse tensor"), instead: "dense tensors, tensor.to_dense()" };
    pub(super) const QUANTISED: Unread =
        Unread { what: Cow::Borrowed("a quantised tensor"), instead: "floats, tensor.dequantize()" };
    pub(super) const NESTED: Unread = Unread {
        what: Cow::Borrowed("a nested tensor"),
        instead: "each of its parts by itself, tensor.unbind()",
    };
    pub(super) const META: Unread = Unread {
        what: Cow::Borrowed("a tensor of the meta device, without values"),
        instead: "the model after its weights were loaded",
    };

    /// Of a type that is not read: fp8, complex numbers.
    pub(super) fn dtype(name: &str) -> Unread {
        let name = name.strip_prefix("torch.").unwrap_or(name);
        let lower = name.to_lowercase();
        if lower.starts_with('q') {
            return Unread { what: format!("a quantised tensor ({name})").into(), ..Unread::QUANTISED };
        }
        let kind = if ["float8", "f8_", "float4", "f4", "f6_"].iter().any(|start| lower.starts_with(start)) {
            "fp8 or less"
        } else if lower.starts_with("complex") || lower.starts_with('c') {
            "complex numbers"
        } else {
            "a type that is none of float16 to float64, integers and bool"
        };
        Unread { what: format!("{name} ({kind})").into(), instead: "float32, tensor.to(torch.float32)" }
    }

    /// Of a class that is not known.
    pub(super) fn class(name: &str) -> Unread {
        let what = format!("a tensor of the class {}", super::shown(name)).into();
        Unread { what, instead: "plain dense tensors, for instance tensor.full_tensor() or tensor.float()" }
    }
}
