//! What files are that people take for weights, and the way from each to weights.

use std::path::Path;

use super::Fault;
use super::zip::Archive;

/// Formats that are told by their first bytes: what it is, and the way out.
const STARTS: [(&[u8], &str, &str); 15] = [
    (
        b"version https://git-lfs",
        "a Git LFS pointer, not the file that it stands for",
        "fetch that with git lfs pull, or download it from the page of the repository",
    ),
    (
        b"\x89HDF\r\n\x1a\n",
        "an HDF5 file (Keras, TensorFlow)",
        "save its arrays as npz or safetensors, by PyTorch's names and with kernels as PyTorch lays them out",
    ),
    (b"GGUF", "a GGUF file, made for llama.cpp", "use the safetensors of the same model"),
    (b"\x1f\x8b", "packed with gzip", "unpack it and name the file inside"),
    (b"BZh", "packed with bzip2", "unpack it and name the file inside"),
    (b"\xfd7zXZ\0", "packed with xz", "unpack it and name the file inside"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd", "unpack it and name the file inside"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it and name the file inside"),
    (b"Rar!", "a RAR archive", "unpack it and name the file inside"),
    (b"\x89PNG", "a picture", "name the file that holds the weights"),
    (b"\xff\xd8\xff", "a picture", "name the file that holds the weights"),
    (b"MATLAB 5.0", "a MATLAB file", "save its arrays with np.savez(\"weights.npz\", **arrays)"),
    (b"PAR1", "a Parquet table", "name the file that holds the weights"),
    (b"SQLite format 3", "an SQLite database", "name the file that holds the weights"),
    (b"%PDF", "a PDF document", "name the file that holds the weights"),
];

/// One sentence for a file that is neither safetensors nor PyTorch's nor NumPy's.
pub fn file(bytes: &[u8]) -> Fault {
    let other = |what: &str, instead: &str| Fault::Other { what: what.into(), instead: instead.into() };
    if let Some((_, what, instead)) = STARTS.iter().find(|(start, ..)| bytes.starts_with(start)) {
        return other(what, instead);
    }
    let old = [&b"(dp"[..], b"(lp", b"]q\0", b"}q\0", b"ccollections\n", b"ctorch.", b"cnumpy"];
    if old.iter().any(|start| bytes.starts_with(start)) {
        return other(
            "a pickle of protocol 0 or 1",
            "write it again with pickle.dump(.., protocol=2), or torch.save",
        );
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return other("a tar archive", "unpack it and name the file inside");
    }
    if bytes.get(4..8) == Some(b"TFL3") {
        return other("a TensorFlow Lite model, made for inference", "use the model that it was made from");
    }
    if is_onnx(bytes) {
        return other(
            "an ONNX model",
            "save the state dict of the PyTorch model, or its initializers with np.savez, by PyTorch's names",
        );
    }
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(512)]).trim_start().to_lowercase();
    if ["<!doctype html", "<html", "<?xml", "<head"].iter().any(|tag| start.starts_with(tag)) {
        return other(
            "a web page, saved in place of the file (a notice or a login)",
            "download the file itself",
        );
    }
    if start.starts_with('{') || start.starts_with('[') {
        return other("JSON, not weights", "name the file that holds the tensors");
    }
    Fault::Unknown
}

/// The fields of a protobuf that come first: the version of the format, then the name of the producer.
fn is_onnx(bytes: &[u8]) -> bool {
    let name = |bytes: &[u8]| bytes.first().is_some_and(u8::is_ascii_alphanumeric);
    match bytes {
        [0x08, 1..=30, 0x12, 1..=64, rest @ ..] => name(rest),
        // Without a producer, the graph comes next.
        [0x08, 3..=30, 0x3a, ..] => true,
        _ => false,
    }
}

/// What a zip archive is that would be PyTorch's, but holds a program instead of a state dict.
pub fn program(archive: &Archive) -> Option<Fault> {
    let has = |end: &str| archive.find(|name| name == end || name.ends_with(&format!("/{end}"))).is_some();
    let other = |what: &str, instead: &str| Some(Fault::Other { what: what.into(), instead: instead.into() });
    let state_dict = |load: &str| format!("torch.save({load}.state_dict(), \"weights.pth\")");
    if has("serialized_exported_program.json") || has("archive_format") || has("models/model.json") {
        let load = "torch.export.load(FILE)";
        let instead =
            format!("save the state dict of the program, {}", state_dict(load).replace("dict()", "dict"));
        return other("a program of torch.export", &instead);
    }
    if has("bytecode.pkl") {
        return other(
            "a PyTorch model for mobile devices",
            "use the state dict of the model that it was made from",
        );
    }
    if has("constants.pkl") || archive.find(|name| name.contains("/code/__torch__")).is_some() {
        let instead = format!("save its state dict, {}", state_dict("torch.jit.load(FILE)"));
        return other("a TorchScript program", &instead);
    }
    None
}

/// One sentence for a zip archive that is neither PyTorch's nor NumPy's.
pub fn archive(archive: &Archive) -> Fault {
    let find = |wanted: &dyn Fn(&str) -> bool| archive.find(wanted).map(|entry| super::shown(&entry.name));
    if find(&|name| name.ends_with("model.weights.h5")).is_some() {
        return Fault::Other {
            what: "a Keras model".into(),
            instead: "save its arrays as npz or safetensors, by PyTorch's names and with kernels as PyTorch lays them out"
                .into(),
        };
    }
    let weights = |name: &str| {
        let name = name.to_lowercase();
        [".pth", ".pt", ".th", ".ckpt", ".bin", ".safetensors", ".npz", ".pkl", ".tar"]
            .iter()
            .any(|end| name.ends_with(end))
    };
    match find(&weights) {
        Some(name) => Fault::Other {
            what: format!("a zip archive that holds {name}"),
            instead: "unpack it and name that file".into(),
        },
        None => match archive.entries().first() {
            Some(first) => Fault::Other {
                what: format!("a zip archive without weights (it holds {})", super::shown(&first.name)),
                instead: "name the file that holds the weights".into(),
            },
            None => Fault::Other {
                what: "an empty archive".into(),
                instead: "name the file that holds the weights".into(),
            },
        },
    }
}

/// What a folder is that should be a file; `None` if nothing is known of it.
pub fn folder(path: &Path) -> Option<Fault> {
    let other = |what: &str, instead: String| Some(Fault::Other { what: what.into(), instead });
    let mut names: Vec<String> = std::fs::read_dir(path)
        .ok()?
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort_unstable();
    let inside = names.iter().find(|name| path.join(name).join("data.pkl").is_file());
    if inside.is_some() || names.iter().any(|name| name == "data.pkl") {
        let what = inside.map_or(".", String::as_str);
        return other(
            "a PyTorch file that was unpacked to a folder",
            format!("pack it again: cd {} && zip -0 -r weights.pth {}", path.display(), super::shown(what)),
        );
    }
    if names.iter().any(|name| name.ends_with(".distcp")) {
        return other(
            "a checkpoint of torch.distributed.checkpoint",
            "make one file of it: python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER weights.pth"
                .into(),
        );
    }
    if names.iter().any(|name| name == "saved_model.pb") {
        return other(
            "a TensorFlow SavedModel",
            "save its arrays as npz, by PyTorch's names and with kernels as PyTorch lays them out".into(),
        );
    }
    let likely = |ends: &[&str]| names.iter().find(|name| ends.iter().any(|end| name.ends_with(end)));
    let file = likely(&[".index.json"]).or_else(|| likely(&[".safetensors"]));
    let file = file.or_else(|| likely(&[".pth", ".pt", ".th", ".ckpt", ".bin", ".npz"]))?;
    other("a folder", format!("name the file in it, {}", path.join(file).display()))
}
