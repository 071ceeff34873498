//! What lies beside tensors, arrays of NumPy, tensors that are not read, and files that are no weights.
#![allow(clippy::unwrap_used)]

use super::forge::{self, Pickler, floats};
use super::tests::cases;
use super::*;

fn read(bytes: &[u8]) -> WeightFile {
    WeightFile::parse(bytes).unwrap_or_else(|fault| panic!("{fault}"))
}

fn message(bytes: &[u8]) -> String {
    WeightFile::parse(bytes).unwrap_err().to_string()
}

fn names(file: &WeightFile) -> Vec<&str> {
    file.tensors.iter().map(|tensor| tensor.name.as_str()).collect()
}

/// A state dict with one tensor and something else beside it.
fn beside(name: &str, other: impl Fn(Pickler) -> Pickler) -> Vec<u8> {
    let pickle = forge::state_dict("w", |p| other(p.tensor("0", 1, 0, &[1], &[1]).raw(b"s").text(name)));
    forge::torch_zip(&pickle, &[("0", &floats(&[7.0]))])
}

#[test]
fn objects_beside_tensors_are_counted_and_never_looked_into() {
    let namespace =
        |p: Pickler| p.global("argparse", "Namespace").raw(b")\x81}").text("lr").integer(1).raw(b"sb");
    let counter =
        |p: Pickler| p.global("collections", "Counter").raw(b"}").text("a").integer(2).raw(b"s\x85R");
    let path = |p: Pickler| p.global("pathlib", "PosixPath").raw(b"(").text("runs").raw(b"tR");
    let set = |p: Pickler| p.global("__builtin__", "set").raw(b"](").integer(1).raw(b"e\x85R");
    let dtype = |p: Pickler| p.global("torch", "float32");
    // A list of a class of its own is filled after it was made, a function gives one that is called.
    let list = |p: Pickler| p.global("my", "List").raw(b")\x81(").integer(1).raw(b"e");
    let called = |p: Pickler| p.global("functools", "partial").raw(b")R)R");
    let by_name = |p: Pickler| p.global("my", "Class").raw(b")}\x92");
    let others: [(&str, &dyn Fn(Pickler) -> Pickler); 8] = [
        ("argparse.Namespace", &namespace),
        ("collections.Counter", &counter),
        ("pathlib.PosixPath", &path),
        ("__builtin__.set", &set),
        ("torch.float32", &dtype),
        ("my.List", &list),
        ("functools.partial", &called),
        ("my.Class", &by_name),
    ];
    for (kind, other) in others {
        let file = read(&beside("x", other));
        assert_eq!((names(&file), &file.tensors[0].values[..]), (vec!["w"], &[7.0][..]), "{kind}");
        assert_eq!((file.left_out(), file.others.get(kind)), (1, Some(&1)), "{kind}: {:?}", file.others);
    }
}

#[test]
fn a_class_in_a_tensors_place_cannot_make_one() {
    // A function that is not known, with the arguments of one that is.
    let file = beside("v", |p| {
        let tensor = p.tensor("0", 1, 0, &[1], &[1]).0;
        Pickler(tensor).raw(b"\x85").global("my", "rebuild").raw(b"0")
    });
    assert_eq!(names(&read(&file)), ["w", "v.0"]);
    let file = beside("v", |p| p.global("my", "rebuild").raw(b"(").tensor("0", 1, 0, &[1], &[1]).raw(b"tR"));
    let file = read(&file);
    assert_eq!((names(&file), file.others["my.rebuild"]), (vec!["w"], 1));
}

#[test]
fn a_whole_model_is_told_from_its_state_dict() {
    let object = |p: Pickler| {
        p.global("my.models", "Net").raw(b")\x81}").text("w").tensor("0", 1, 0, &[1], &[1]).raw(b"sb")
    };
    let model = forge::torch_zip(&object(Pickler::new()).end(), &[("0", &floats(&[7.0]))]);
    let error = message(&model);
    assert!(
        error.starts_with("is a whole pickled model (my.models.Net), which takes its own code to open"),
        "{error}"
    );
    assert!(error.contains("torch.save(model.state_dict(), \"weights.pth\")"), "{error}");
    let file = read(&beside("ema", object));
    assert_eq!(file.hidden, [Hidden { name: "ema".into(), class: "my.models.Net".into() }]);
}

#[test]
fn arrays_in_pickles_are_read_and_none_keeps_its_name_and_place() {
    let list = Pickler::new()
        .raw(b"](N")
        .array("f4", &[2, 1], &floats(&[1.0, -2.5]))
        .raw(b"N")
        .array("f8", &[], &3.5_f64.to_le_bytes())
        .raw(b"e")
        .end();
    let file = read(&list);
    assert_eq!((names(&file), &file.absent[..]), (vec!["1", "3"], &["0".to_owned(), "2".into()][..]));
    assert_eq!((&file.tensors[0].values[..], file.tensors[1].values[0]), (&[1.0, -2.5][..], 3.5));
    // A dictionary in an array of one object, as np.save(file, {..}) leaves it.
    let dict = Pickler::new()
        .objects(&[], |p| {
            p.raw(b"}").text("fc").array("f4", &[1], &floats(&[2.0])).raw(b"s").text("b").raw(b"Ns")
        })
        .end();
    let header = "{'descr': '|O', 'fortran_order': False, 'shape': (), }";
    let file = read(&forge::npy(1, header, &dict));
    assert_eq!(
        (file.format, names(&file), &file.absent[..]),
        (Format::Npy, vec!["fc"], &["b".to_owned()][..])
    );
    // None among settings is no tensor that is missing.
    let settings = beside("args", |p| p.raw(b"}").text("lr").raw(b"Ns"));
    let file = read(&settings);
    assert_eq!((file.absent.len(), file.others["None"]), (0, 1));
}

#[test]
fn arrays_cannot_lie_about_their_bytes_or_be_seen_without_end() {
    let of = |shape: &[i32], data: &[u8]| message(&Pickler::new().array("f4", shape, data).end());
    assert!(of(&[3], &floats(&[1.0, 2.0])).contains("beyond its storage"));
    assert!(of(&[i32::MAX, i32::MAX, i32::MAX, i32::MAX], &[]).contains("shape"));
    assert!(of(&[-1], &[]).contains("no sizes"));
    let many = (0..40)
        .fold(Pickler::new().array("f4", &[1000], &[0; 4000]).raw(b"q\x01](h\x01"), |p, _| p.raw(b"h\x01"));
    assert!(message(&many.raw(b"e").end()).contains("more than 16 times"));
    // Bytes that are asked for again and again are one.
    let text: String = vec!['\u{e9}'; 100_000].into_iter().collect();
    let mut bytes =
        Pickler::new().global("_codecs", "encode").raw(b"q\x01").text(&text).raw(b"q\x02").text("latin1");
    bytes = bytes.raw(b"\x86q\x03R0](");
    for _ in 0..100_000 {
        bytes = bytes.raw(b"h\x01h\x03R");
    }
    assert_eq!(message(&bytes.raw(b"e").end()), Fault::Empty.to_string());
    let long = "x".repeat(300);
    let name = Pickler::new().text(&long).text("f").raw(b"\x93").end();
    assert!(message(&name).contains("more than 200 bytes"));
}

#[test]
fn tensors_that_are_not_read_say_what_they_are_and_the_way_out() {
    let tensor = |name: &str, arguments: &[u8]| {
        message(&forge::state_dict("w", |p| p.global("torch._utils", name).raw(arguments).raw(b"R")))
    };
    assert!(
        tensor("_rebuild_sparse_tensor", b")")
            .contains("holds w as a sparse tensor, which gialab does not read")
    );
    assert!(tensor("_rebuild_sparse_tensor", b")").ends_with("save dense tensors, tensor.to_dense()"));
    assert!(tensor("_rebuild_qtensor", b")").contains("a quantised tensor"));
    assert!(tensor("_rebuild_qtensor", b")").ends_with("save floats, tensor.dequantize()"));
    assert!(tensor("_rebuild_meta_tensor_no_storage", b")").contains("meta device"));
    let of = |storage: &str| {
        let pickle = forge::state_dict("w", |p| p.tensor_of(storage, "0", 1, 0, &[1], &[1]));
        message(&forge::torch_zip(&pickle, &[("0", &[0; 16])]))
    };
    assert!(
        of("ComplexFloatStorage").contains("complex64 (complex numbers)"),
        "{}",
        of("ComplexFloatStorage")
    );
    assert!(of("QInt8Storage").contains("a quantised tensor (qint8)"));
    assert!(of("NewStorage").contains("w as torch.NewStorage") || of("NewStorage").contains("NewStorage ("));
    for dtype in ["F8_E4M3", "F8_E5M2"] {
        let error = message(&forge::safetensors(dtype, &[1], &[0]));
        assert!(
            error.contains(&format!("{dtype} (fp8 or less)")) && error.ends_with("tensor.to(torch.float32)"),
            "{error}"
        );
    }
}

#[test]
fn files_that_are_no_weights_are_told_what_they_are() {
    let mut tar = vec![0; 600];
    tar[257..262].copy_from_slice(b"ustar");
    let script = [("m/data.pkl", &b"x"[..]), ("m/constants.pkl", b"x"), ("m/code/__torch__.py", b"x")];
    let export = [("m/archive_format", &b"pt2"[..]), ("m/models/model.json", b"{}"), ("m/data.pkl", b"x")];
    for (file, what) in [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 4\n".to_vec(),
            "is a Git LFS pointer",
        ),
        (b"\n<!DOCTYPE html>\n<html></html>".to_vec(), "is a web page"),
        (b"<HTML><body>".to_vec(), "is a web page"),
        (b"\x08\x08\x12\x07pytorch\x1a\x062.15.0:\x10".to_vec(), "is an ONNX model"),
        (b"\x89HDF\r\n\x1a\n\0\0\0".to_vec(), "is an HDF5 file"),
        (b"GGUF\x03\0\0\0".to_vec(), "is a GGUF file"),
        (b"(lp0\n.".to_vec(), "is a pickle of protocol 0 or 1"),
        (b"]q\0.".to_vec(), "is a pickle of protocol 0 or 1"),
        (Pickler::new().global("joblib.numpy_pickle", "NumpyArrayWrapper").end(), "is a file of joblib"),
        (b"\x1f\x8b\x08\0".to_vec(), "is packed with gzip"),
        (b"{\"a\": 1}".to_vec(), "is JSON"),
        (tar, "is a tar archive"),
        (forge::zip(&[("model.weights.h5", b"x"), ("config.json", b"{}")], false), "is a Keras model"),
        (forge::zip(&[("run/good.pth", b"x")], false), "is a zip archive that holds run/good.pth: unpack it"),
        (
            forge::zip(&script, false),
            "is a TorchScript program: save its state dict, torch.save(torch.jit.load",
        ),
        (forge::zip(&export, false), "is a program of torch.export: save the state dict"),
        (b"PK\x03\x04\0\0".to_vec(), "is damaged or cut off (the end of the archive is missing)"),
    ] {
        assert!(message(&file).starts_with(what), "{what}: {}", message(&file));
    }
}

#[test]
fn folders_say_which_file_to_name() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str| WeightFile::read(&folder.path().join(name)).unwrap_err().to_string();
    for file in
        ["unpacked/good/data.pkl", "hub/model.safetensors.index.json", "dcp/__0_0.distcp", "empty/sub/x"]
    {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    assert!(read("unpacked").contains("is a PyTorch file that was unpacked to a folder: pack it again"));
    assert!(read("unpacked/good").contains("zip -0 -r weights.pth ."));
    assert!(
        read("hub").contains("is a folder: name the file in it, ") && read("hub").ends_with(".index.json")
    );
    assert!(read("dcp").contains("torch.distributed.checkpoint"));
    assert!(read("empty").contains("it is a directory, not a regular file"));
}

#[test]
fn shards_are_read_through_their_index() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| std::fs::write(folder.path().join(name), content).unwrap();
    let one = |name: &str, value: f32| {
        let pickle = forge::state_dict(name, |p| p.tensor("0", 1, 0, &[1], &[1]));
        forge::torch_zip(&pickle, &[("0", &floats(&[value]))])
    };
    write("m-00001-of-00002.bin", &one("a.weight", 1.0));
    write("m-00002-of-00002.bin", &one("b.weight", 2.0));
    let index = |first: &str| {
        format!(
            r#"{{"metadata":{{}},"weight_map":{{"a.weight":"{first}","b.weight":"m-00002-of-00002.bin"}}}}"#
        )
    };
    write("m.index.json", index("m-00001-of-00002.bin").as_bytes());
    let read = || WeightFile::read(&folder.path().join("m.index.json"));
    let file = read().unwrap();
    assert_eq!((names(&file), file.tensors[1].values[0]), (vec!["a.weight", "b.weight"], 2.0));
    let sha256 = file.sha256;
    write("m-00002-of-00002.bin", &one("b.weight", 3.0));
    assert_ne!(read().unwrap().sha256, sha256);
    // A file of another checkpoint, one that is not there, one that is elsewhere.
    write("m-00002-of-00002.bin", &one("a.weight", 3.0));
    assert!(read().unwrap_err().to_string().contains("says that b.weight is in m-00002-of-00002.bin"));
    std::fs::remove_file(folder.path().join("m-00001-of-00002.bin")).unwrap();
    let error = read().unwrap_err().to_string();
    assert!(
        error.contains(
            "m.index.json needs m-00001-of-00002.bin beside it (file 1 of 2), which is not there: download"
        ),
        "{error}"
    );
    for elsewhere in ["../m.bin", "/etc/passwd", "a/b.bin", ".."] {
        write("m.index.json", index(elsewhere).as_bytes());
        assert!(read().unwrap_err().to_string().contains("outside of its folder"), "{elsewhere}");
    }
    assert_eq!(shard(Path::new("x/model-00002-of-00005.safetensors")), Some((2, 5)));
    assert_eq!(shard(Path::new("model-2-of-5.safetensors")), None);
}

/// Every file of the cases: tensors that are read, or the start of the sentence.
#[test]
fn files_as_people_have_them() {
    for (path, tensors, others) in [
        ("02-flower-object-array/list_as_one.npz", 8, 0),
        ("02-flower-object-array/list.npy", 8, 0),
        ("02-flower-object-array/ndarrays.pkl", 8, 0),
        ("02-flower-object-array/ndarrays.pth", 8, 0),
        ("02-flower-object-array/tuple.pth", 8, 0),
        ("02-flower-object-array/with_none.pth", 6, 0),
        ("03-nvflare-global/FL_global_model_numpy.pt", 8, 1),
        ("03-nvflare-global/fl_model.pt", 8, 2),
        ("05-args-in-checkpoint/dtype_device.pth", 8, 2),
        ("05-args-in-checkpoint/keep_vars.pth", 8, 0),
        ("05-args-in-checkpoint/npfloat.pth", 8, 2),
        ("05-args-in-checkpoint/sets.pth", 8, 3),
        ("07-not-weights/good.pth", 8, 0),
        ("08-quantised-sharded/model.safetensors.index.json", 8, 0),
        ("08-quantised-sharded/bf16.safetensors", 8, 0),
    ] {
        let Some(path) = cases(path) else { continue };
        let file = WeightFile::read(&path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((file.tensors.len(), file.left_out()), (tensors, others), "{}", path.display());
        assert_eq!(file.absent.len(), if path.ends_with("with_none.pth") { 2 } else { 0 });
    }
    for (path, kind) in [
        ("torchvision_ref.pth", "argparse.Namespace"),
        ("lightning.ckpt", "collections.Counter"),
        ("lightning_plain.ckpt", "number"),
    ] {
        let Some(path) = cases(&format!("05-args-in-checkpoint/{path}")) else { continue };
        let file = WeightFile::read(&path).unwrap_or_else(|error| panic!("{error}"));
        assert!(file.others.contains_key(kind), "{:?}", file.others);
        let fit = file.fit().unwrap();
        assert!(fit.table.is_exact() && fit.architecture == "lenet" && !fit.ambiguous, "{}", path.display());
    }
    for (path, says) in [
        ("07-not-weights/best_local_model.zip", "is a zip archive that holds good.pth"),
        ("07-not-weights/download.pth", "is a web page"),
        ("07-not-weights/empty.pth", "it is empty"),
        ("07-not-weights/half.pth", "is damaged or cut off"),
        ("07-not-weights/lfs.pth", "is a Git LFS pointer"),
        ("07-not-weights/model.h5", "is an HDF5 file"),
        ("07-not-weights/model.onnx", "is an ONNX model"),
        ("07-not-weights/traced.pt", "is a TorchScript program"),
        ("07-not-weights/whole_model.pt", "is a whole pickled model (common.LeNet)"),
        ("07-not-weights/unpacked", "is a PyTorch file that was unpacked"),
        ("08-quantised-sharded/fp8.pth", "float8_e4m3fn (fp8 or less)"),
        ("08-quantised-sharded/g_sparse.pth", "as a sparse tensor"),
    ] {
        let Some(path) = cases(path) else { continue };
        let error = WeightFile::read(&path).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
