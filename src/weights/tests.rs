//! Real files of every format, forged good ones, and everything that is wrong with bad ones.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::path::PathBuf;

use proptest::prelude::*;

use super::forge::{self, Pickler, floats};
use super::*;

/// A line on standard error, also of tests that pass.
pub fn notice(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

pub fn skipped(why: &str) {
    notice(&format!("skipped: {why}"));
}

/// A file of the shared sample data, or a notice that the test is skipped.
pub fn shared(path: &str) -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(path);
    if found.exists() {
        return Some(found);
    }
    skipped(&format!("{} is not there", found.display()));
    None
}

/// A file as users have them, or a notice that the test is skipped.
pub fn cases(path: &str) -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases").join(path);
    if found.exists() {
        return Some(found);
    }
    skipped(&format!("{} is not there", found.display()));
    None
}

fn real(path: &str) -> Option<WeightFile> {
    shared(path).map(|path| WeightFile::read(&path).unwrap())
}

fn shapes(file: &WeightFile) -> Vec<(&str, &[usize])> {
    file.tensors.iter().map(|tensor| (tensor.name.as_str(), tensor.shape.as_slice())).collect()
}

fn message(bytes: &[u8]) -> String {
    WeightFile::parse(bytes).unwrap_err().to_string()
}

/// The same words in other hands: what lies beside tensors, and arrays of NumPy, for changes at random.
pub fn opaque() -> Vec<Vec<u8>> {
    let values = floats(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let arrays = Pickler::new()
        .raw(b"](")
        .array("f4", &[2, 3], &values)
        .raw(b"N")
        .array("i2", &[3], &[1, 0, 2, 0, 3, 0])
        .raw(b"e")
        .end();
    let beside = forge::state_dict("w", |p| {
        p.tensor("0", 6, 0, &[2, 3], &[3, 1])
            .raw(b"s")
            .text("args")
            .global("argparse", "Namespace")
            .raw(b")\x81}")
            .text("lr")
            .raw(b"G\0\0\0\0\0\0\0\0sbs")
            .text("sparse")
            .global("torch._utils", "_rebuild_sparse_tensor")
            .raw(b")R")
    });
    let objects = Pickler::new().objects(&[1], |p| p.array("f4", &[6], &values)).end();
    let header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }";
    let list = forge::npy(1, header, &objects);
    vec![
        arrays,
        forge::torch_zip(&beside, &[("0", &values)]),
        forge::zip(&[("arr_0.npy", &list)], false),
        list,
    ]
}

/// `{"w": [[1, 2, 3], [4, 5, 6]]}` in every format.
pub fn good() -> Vec<(Format, Vec<u8>)> {
    let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let pickle = forge::state_dict("w", |p| p.tensor("0", 6, 0, &[2, 3], &[3, 1]));
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }     \n";
    let array = forge::npy(1, header, &floats(&values));
    vec![
        (Format::Safetensors, forge::safetensors("F32", &[2, 3], &floats(&values))),
        (Format::TorchZip, forge::torch_zip(&pickle, &[("0", &floats(&values))])),
        (Format::TorchLegacy, forge::torch_legacy(&pickle, "0", &values)),
        (Format::Npz, forge::zip(&[("w.npy", &array)], true)),
        (Format::Pickle, bare_pickle(&values)),
    ]
}

/// `pickle.dumps` of a state dict: the storage is a legacy file of its own inside.
fn bare_pickle(values: &[f32]) -> Vec<u8> {
    let storage = Pickler::new().raw(b"(").text("storage").global("torch", "FloatStorage").text("7");
    let storage = storage.text("cpu").integer(values.len() as i32).raw(b"NtQ").end();
    let inner = forge::torch_legacy(&storage, "7", values);
    forge::state_dict("w", |p| {
        p.global("torch._utils", "_rebuild_tensor_v2")
            .raw(b"(")
            .global("torch.storage", "_load_from_bytes")
            .raw(b"B")
            .raw(&(inner.len() as u32).to_le_bytes())
            .raw(&inner)
            .raw(b"\x85R")
            .integer(0)
            .sizes(&[2, 3])
            .sizes(&[3, 1])
            .raw(b"\x89NtR")
    })
}

#[test]
fn every_format_is_told_by_its_content_and_gives_the_same() {
    for (format, file) in good() {
        let read = WeightFile::parse(&file).unwrap();
        assert_eq!(read.format, format);
        assert_eq!(shapes(&read), [("w", &[2, 3][..])], "{format:?}");
        assert_eq!(read.tensors[0].values, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "{format:?}");
        assert_eq!((read.tensors[0].dtype, read.left_out()), (Dtype::F32, 0));
    }
}

#[test]
fn real_files_of_every_format() {
    if let Some(read) = real("weights/reader-fixtures/mnist_cnn_zip.pth") {
        assert_eq!((read.format, read.count(), read.tensors.len()), (Format::TorchZip, 390_410, 10));
    }
    if let Some(read) = real("weights/reader-fixtures/lpips_alex_legacy.pth") {
        assert_eq!((read.format, read.tensors.len()), (Format::TorchLegacy, 5));
        assert_eq!(shapes(&read)[0], ("lin0.model.1.weight", &[1, 64, 1, 1][..]));
        // The same heads elsewhere, in other formats.
        let same = real("weights/lpips-heads-v0.1/lpips_alex_heads.safetensors").unwrap();
        assert_eq!(same.format, Format::Safetensors);
        for (a, b) in read.tensors.iter().zip(&same.tensors) {
            assert_eq!((&a.shape, &a.values), (&b.shape, &b.values), "{}", a.name);
        }
    }
    if let Some(read) = real("weights/reader-fixtures/lpips_lins.npz") {
        assert_eq!((read.format, read.tensors.len()), (Format::Npz, 5));
        let same = real("weights/lpips-heads-v0.1/lpips_vgg_heads.safetensors").unwrap();
        for (a, b) in read.tensors.iter().zip(&same.tensors) {
            assert_eq!(a.values, b.values, "{}", a.name);
        }
    }
    if let Some(read) = real("weights/reader-fixtures/dists_alpha_beta_legacy.pt") {
        assert_eq!(read.format, Format::TorchLegacy);
        assert_eq!(shapes(&read).iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["alpha", "beta"]);
    }
}

/// What Python's own pickler writes, protocol by protocol (`make.py` beside the files).
#[test]
fn every_protocol_of_pickle() {
    for protocol in 2..=5 {
        let path = format!("{}/tests/fixtures/checkpoint/protocol{protocol}.pth", env!("CARGO_MANIFEST_DIR"));
        let read = WeightFile::read(Path::new(&path)).unwrap();
        assert_eq!(shapes(&read), [("state_dict.w", &[2, 3][..]), ("state_dict.w.T", &[3, 2])], "{protocol}");
        assert_eq!(read.tensors[0].values, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(read.tensors[1].values, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        // Epoch, accuracy and note.
        assert_eq!(read.left_out(), 3, "{protocol}");
    }
}

#[test]
fn what_numpy_writes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/checkpoint/numpy.npz");
    let read = WeightFile::read(Path::new(path)).unwrap();
    let names: Vec<&str> = read.tensors.iter().map(|tensor| tensor.name.as_str()).collect();
    assert_eq!(names, ["half", "fortran", "big", "scalar", "flags", "empty"]);
    for tensor in &read.tensors[..3] {
        assert_eq!(tensor.shape, [2, 3]);
        assert_eq!(tensor.values, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "{}", tensor.name);
    }
    assert_eq!((&read.tensors[3].shape[..], &read.tensors[3].values[..]), (&[][..], &[7.0][..]));
    assert_eq!((read.tensors[4].dtype, &read.tensors[4].values[..]), (Dtype::Bool, &[1.0, 0.0][..]));
    assert_eq!((&read.tensors[5].shape[..], read.tensors[5].values.len()), (&[0, 4][..], 0));
}

#[test]
fn every_real_file_can_be_read() {
    let Some(folder) = shared("weights") else { return };
    let mut files = Vec::new();
    for entry in [folder, shared("shared-only").unwrap()].iter().flat_map(|f| std::fs::read_dir(f).unwrap()) {
        files.extend(std::fs::read_dir(entry.unwrap().path()).into_iter().flatten().flatten());
    }
    let weights = |path: &Path| {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        ["safetensors", "pth", "pt", "th", "npz"].contains(&extension)
    };
    let read: Vec<PathBuf> = files.iter().map(|file| file.path()).filter(|path| weights(path)).collect();
    assert!(read.len() >= 15, "{read:?}");
    for path in read {
        let file = WeightFile::read(&path).unwrap();
        assert!(file.count() > 100, "{}", path.display());
        assert!(file.tensors.iter().all(|t| t.values.iter().all(|v| v.is_finite())), "{}", path.display());
    }
}

#[test]
fn the_same_residual_network_in_two_formats() {
    let Some(legacy) = real("shared-only/weights-cifar-resnet/resnet20-12fca82f.th") else { return };
    let plain = real("shared-only/weights-cifar-resnet/resnet20_cifar10.safetensors").unwrap();
    // Beside the weights: an accuracy.
    assert_eq!(legacy.left_out(), 1);
    assert!(legacy.sha256.starts_with("12fca82f"));
    for tensor in &plain.tensors {
        let name = format!("state_dict.module.{}", tensor.name);
        let same = legacy.tensors.iter().find(|other| other.name == name).unwrap();
        assert_eq!((&same.shape, &same.values), (&tensor.shape, &tensor.values), "{name}");
    }
}

#[test]
fn views_share_a_storage() {
    let values = floats(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let two = |p: Pickler| {
        p.tensor("0", 6, 0, &[3, 2], &[1, 3]).raw(b"s").text("tied").tensor("0", 6, 2, &[2], &[1])
    };
    let read = WeightFile::parse(&forge::torch_zip(&forge::state_dict("w", two), &[("0", &values)])).unwrap();
    assert_eq!(read.tensors[0].values, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    assert_eq!(read.tensors[1].values, [3.0, 4.0]);
}

#[test]
fn big_endian_archives() {
    let pickle = forge::state_dict("w", |p| p.tensor("0", 2, 0, &[2], &[1]));
    let values: Vec<u8> = [1.5_f32, -2.0].iter().flat_map(|value| value.to_be_bytes()).collect();
    let archive = |order: &[u8]| {
        forge::zip(&[("a/data.pkl", &pickle), ("a/byteorder", order), ("a/data/0", &values)], true)
    };
    assert_eq!(WeightFile::parse(&archive(b"big")).unwrap().tensors[0].values, [1.5, -2.0]);
    assert!(message(&archive(b"middle")).contains("byte order"));
}

#[test]
fn arrays_of_numpy_in_every_version_order_and_type() {
    let read = |version, header: &str, data: &[u8]| {
        WeightFile::parse(&forge::zip(&[("w.npy", &forge::npy(version, header, data))], false))
    };
    for version in 1..=3 {
        let header = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }";
        let w = read(version, header, &floats(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0])).unwrap();
        assert_eq!(w.tensors[0].values, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    }
    let header = "{'shape': (2L,), 'fortran_order': False, 'descr': '>i2'}";
    assert_eq!(read(1, header, &[1, 0, 0, 2]).unwrap().tensors[0].values, [256.0, 2.0]);
    let header = "{'descr': '|b1', 'fortran_order': False, 'shape': ()}";
    assert_eq!(read(1, header, &[1]).unwrap().tensors[0].shape, [0; 0]);
    for (header, word) in [
        ("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", "its pickle has the instruction"),
        ("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", "as <c8"),
        ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "structured"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "header of w"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", "beyond its storage"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4294967296)}", "shape"),
        ("{'descr': '<f4', 'shape': (1,)}", "header of w"),
        ("__import__('os').system('true')", "header of w"),
        ("", "header of w"),
    ] {
        let error = read(2, header, &[0; 8]).unwrap_err().to_string();
        assert!(error.contains(word), "{header}: {error}");
    }
}

#[test]
fn code_is_refused_by_its_name_and_never_run() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("ran");
    let command = format!("touch {}", trace.display());
    let reduce = Pickler::new().global("posix", "system").text(&command).raw(b"\x85R").end();
    // The same by name on the stack (protocol 4), by INST, and hidden in the attributes of a state dict.
    let stack = Pickler::new().text("os").text("system").raw(b"\x93").text(&command).raw(b"\x85R").end();
    let inst = Pickler::new().raw(b"(").text(&command).raw(b"ios\nsystem\n").end();
    let nested = forge::state_dict("w", |p| {
        p.tensor("0", 1, 0, &[1], &[1])
            .raw(b"s")
            .text("more")
            .global("builtins", "eval")
            .text("1")
            .raw(b"\x85R")
    });
    for (pickle, name) in
        [(reduce, "posix.system"), (stack, "os.system"), (inst, "os.system"), (nested, "builtins.eval")]
    {
        for file in [
            pickle.clone(),
            forge::torch_zip(&pickle, &[("0", &[0; 4])]),
            forge::torch_legacy(&pickle, "0", &[0.0]),
        ] {
            let error = message(&file);
            assert!(
                error.starts_with(&format!("asks to run `{name}`; nothing was run: save the")),
                "{error}"
            );
        }
    }
    assert!(!trace.exists());
    // Words of the allow-list cannot be put to another use.
    for (module, name) in [("torch._utils", "_rebuild_tensor_v2"), ("torch.storage", "_load_from_bytes")] {
        let file = Pickler::new().global(module, name).text("x").raw(b"\x85R").end();
        assert!(message(&file).contains("arguments that it does not take"));
    }
    let control = Pickler::new().global("os\x1b[2J", "system").end();
    assert!(message(&control).contains("`os\\u{1b}[2J.system`"), "{}", message(&control));
}

#[test]
fn bombs_are_refused_by_a_limit_that_is_said() {
    let zeros = vec![0; 100 << 20];
    let bomb = forge::zip(&[("w.npy", &zeros)], true);
    assert!(bomb.len() < 200_000);
    assert!(message(&bomb).contains("above the limit of 200 to 1"), "{}", message(&bomb));

    // A header that lies about its size does not help.
    let mut liar = bomb.clone();
    let at = liar.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    liar[at + 24..at + 28].copy_from_slice(&100_u32.to_le_bytes());
    assert!(message(&liar).contains("length announced"), "{}", message(&liar));

    // Dictionaries that hold each other twice: 2^30 tensors.
    let mut laughs = Pickler::new().raw(b"}").text("w").tensor("0", 1, 0, &[1], &[1]).raw(b"sq\x00");
    for _ in 0..15 {
        laughs = laughs.raw(b"}(K\x01h\x00K\x02h\x00K\x03h\x00K\x04h\x00uq\x00");
    }
    let error = message(&forge::torch_zip(&laughs.end(), &[("0", &[0; 4])]));
    assert!(error.contains("entries") || error.contains("more than 16 times"), "{error}");

    // One that holds itself, and ten thousand within each other.
    let cycle = Pickler::new().raw(b"}q\x00").text("self").raw(b"h\x00s").end();
    assert!(message(&cycle).contains("deeper than 16"), "{}", message(&cycle));
    let deep = (0..10_000).fold(Pickler::new().raw(b")"), |p, _| p.raw(b"\x85")).end();
    assert!(message(&deep).contains("deeper than 16"));

    // A storage seen again and again.
    let many = (0..20).fold(Pickler::new().raw(b"}"), |p, i| {
        p.text(&i.to_string()).tensor("0", 1000, 0, &[1000], &[1]).raw(b"s")
    });
    let error = message(&forge::torch_zip(&many.end(), &[("0", &[0; 4000])]));
    assert!(error.contains("more than 16 times"), "{error}");

    // Lengths that only a header knows of.
    assert!(message(b"\x80\x02B\xff\xff\xff\xff.").contains("ends within"));
    assert!(message(b"\x80\x02\x8e\xff\xff\xff\xff\xff\xff\xff\xff.").contains("ends within"));
    let mut huge = (1_u64 << 60).to_le_bytes().to_vec();
    huge.extend(b"{}");
    assert!(WeightFile::parse(&huge).is_err());
    let legacy = forge::torch_legacy(&forge::state_dict("w", |p| p.tensor("0", 1, 0, &[1], &[1])), "0", &[]);
    let mut legacy = legacy[..legacy.len() - 8].to_vec();
    legacy.extend(u64::MAX.to_le_bytes());
    assert!(message(&legacy).contains("ends within storage 0"), "{}", message(&legacy));
}

#[test]
fn tensors_that_lie_about_their_storage() {
    let with = |shape: &[i32], strides: &[i32], offset: i32, count: i32| {
        let pickle = forge::state_dict("w", |p| p.tensor("0", count, offset, shape, strides));
        message(&forge::torch_zip(&pickle, &[("0", &[0; 16])]))
    };
    assert!(with(&[2, 2], &[0, 1], 0, 4).contains("overlapping strides"));
    assert!(with(&[4], &[1], 1, 4).contains("beyond its storage"));
    assert!(with(&[4], &[1], -1, 4).contains("arguments that it does not take"));
    assert!(with(&[-4], &[1], 0, 4).contains("no sizes"));
    assert!(with(&[i32::MAX; 9], &[1; 9], 0, 4).contains("the shape of w"));
    assert!(with(&[4], &[1], 0, 5).contains("16 bytes for 5 values"));
    let missing = forge::state_dict("w", |p| p.tensor("1", 4, 0, &[4], &[1]));
    assert!(message(&forge::torch_zip(&missing, &[("0", &[0; 16])])).contains("values of w are missing"));
}

#[test]
fn a_wrong_checksum_an_encrypted_entry_and_an_unknown_method() {
    let (_, good) = good().remove(1);
    let at = good.windows(16).position(|window| window == &floats(&[1.0, 2.0, 3.0, 4.0])[..]).unwrap();
    let mut bad = good.clone();
    bad[at] ^= 1;
    assert!(message(&bad).contains("the checksum of archive/data/0 is wrong"), "{}", message(&bad));
    let entry = good.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let mut bad = good.clone();
    bad[entry + 8] |= 1;
    assert!(message(&bad).contains("encrypted"));
    let mut bad = good;
    bad[entry + 10] = 12;
    assert!(message(&bad).contains("method 12"));
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for (format, file) in good() {
        for length in 0..file.len() {
            let error = WeightFile::parse(&file[..length]);
            assert!(error.is_err(), "{format:?} cut to {length} of {}", file.len());
        }
    }
}

#[test]
fn what_is_not_weights_says_so() {
    assert!(message(b"").contains("it is empty"));
    assert!(message(b"hello, world").starts_with("is neither safetensors nor"));
    assert!(
        message(&forge::zip(&[("readme.txt", b"hi")], false)).starts_with("is a zip archive without weights")
    );
    assert!(message(&Pickler::new().raw(b"}.").0).starts_with("holds no tensors"));
    assert!(message(&forge::safetensors("F8_E4M3", &[1], &[0])).contains("F8_E4M3"));
    let twice = [("w.npy", &good_array()[..]), ("w.npy", &good_array()[..])];
    assert!(message(&forge::zip(&twice, false)).contains("\"w\" twice"));
    let read = |path: &str| WeightFile::read(Path::new(path)).unwrap_err().to_string();
    assert!(read("/nowhere/w.pth").contains("does not exist"));
    assert!(read("/").contains("it is a directory, not a regular file"));
    assert!(read("/dev/zero").contains("it is a device, not a regular file"));
}

fn good_array() -> Vec<u8> {
    forge::npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", &[0; 4])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// No change of a few bytes brings the reader down. What it still reads is consistent.
    #[test]
    fn changed_files_are_read_or_refused(
        which in 0_usize..5,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let (_, mut file) = good().swap_remove(which);
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
        }
        if let Ok(read) = WeightFile::parse(&file) {
            for tensor in &read.tensors {
                prop_assert_eq!(tensor.shape.iter().product::<usize>(), tensor.values.len());
            }
        }
    }

    /// The same of files with objects, arrays and tensors of other kinds.
    #[test]
    fn changed_files_of_other_words_are_read_or_refused(
        which in 0_usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut file = opaque().swap_remove(which);
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if let Ok(read) = WeightFile::parse(&file) {
            for tensor in &read.tensors {
                prop_assert_eq!(tensor.shape.iter().product::<usize>(), tensor.values.len());
            }
        }
    }

    /// Any sequence of instructions, well formed or not.
    #[test]
    fn any_pickle_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut file = b"\x80\x02".to_vec();
        file.extend(bytes);
        let _ = WeightFile::parse(&file);
    }
}

/// `torch.save` of PyTorch 2.15, today's format and the one before.
#[test]
fn state_dicts_that_pytorch_saved_are_read() {
    for (name, format) in [("zip", Format::TorchZip), ("legacy", Format::TorchLegacy)] {
        let path = format!("{}/tests/fixtures/checkpoint/torch-{name}.pth", env!("CARGO_MANIFEST_DIR"));
        let read = WeightFile::read(Path::new(&path)).unwrap();
        assert_eq!(read.format, format);
        let expected: [(&str, &[usize]); 7] = [
            ("0.weight", &[2, 3]),
            ("0.bias", &[2]),
            ("1.weight", &[2]),
            ("1.bias", &[2]),
            ("1.running_mean", &[2]),
            ("1.running_var", &[2]),
            ("1.num_batches_tracked", &[]),
        ];
        assert_eq!(shapes(&read), expected, "{name}");
        assert_eq!(read.tensors[0].values[2], -0.38119974732398987, "{name}");
        assert_eq!(read.tensors[1].values, [-0.5685338377952576, 0.16453784704208374], "{name}");
        assert_eq!(read.tensors[6].dtype, Dtype::I64, "{name}");
    }
}

/// An index and two files of one tensor each; what is wrong with them.
#[test]
fn an_index_and_its_files_are_one_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors.index.json");
    let one = |name: &str| {
        let header = format!("{{\"{name}\":{{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}}}");
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &floats(&[1.0])].concat()
    };
    let write = |name: &str, content: &[u8]| std::fs::write(folder.path().join(name), content).unwrap();
    let index = |map: &str| format!("{{\"metadata\":{{}},\"weight_map\":{{{map}}}}}").into_bytes();
    let whole = index("\"a\":\"1.safetensors\",\"b\":\"2.safetensors\"");
    write("1.safetensors", &one("a"));
    write("2.safetensors", &one("b"));
    write("model.safetensors.index.json", &whole);
    assert_eq!(shapes(&WeightFile::read(&path).unwrap()), [("a", &[1][..]), ("b", &[1])]);
    let refused = |content: &[u8]| {
        std::fs::write(&path, content).unwrap();
        WeightFile::read(&path).unwrap_err().to_string()
    };
    let two = "index and files are of two checkpoints, download both again";
    for (content, says) in [
        (
            index("\"a\":\"1.safetensors\",\"b\":\"3.safetensors\""),
            "needs 3.safetensors beside it (file 2 of 2)",
        ),
        (
            index("\"a\":\"1.safetensors\",\"c\":\"2.safetensors\""),
            "says that c is in 2.safetensors, which does not have it",
        ),
        (
            index("\"a\":\"2.safetensors\",\"b\":\"2.safetensors\""),
            "says that a is in 2.safetensors, which does not have it",
        ),
        (
            index("\"a\":\"../x\""),
            "is an index of files outside of its folder (../x): nothing there was read",
        ),
        (index("\"a\":\"/etc/passwd\""), "is an index of files outside of its folder (/etc/passwd)"),
        (index("\"a\":\"sub/x\""), "is an index of files outside of its folder (sub/x)"),
        (index(""), "it is an index that names no file"),
        (whole[..whole.len() - 5].to_vec(), "is damaged or cut off (an index of files whose JSON is broken"),
        (index("\"a\":5"), "is damaged or cut off (an index of files whose JSON is broken"),
    ] {
        let error = refused(&content);
        assert!(error.contains(says) && !error.contains('\n'), "{says}: {error}");
    }
    // A file of another checkpoint that was split elsewhere.
    write("1.safetensors", &{
        let header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\
                      \"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}";
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &floats(&[1.0, 2.0])].concat()
    });
    let error = refused(&whole);
    assert!(error.contains("says that b is in 2.safetensors, but 1.safetensors has it"), "{error}");
    assert!(error.ends_with(two), "{error}");
    write("1.safetensors", &one("a")[..20]);
    let error = refused(&whole);
    assert!(error.contains("1.safetensors is damaged or cut off"), "{error}");
}

/// A header of 0x0280 to 0x0580 bytes has the beginning of a pickle in its length.
#[test]
fn safetensors_are_told_from_pickles_whatever_the_length_of_their_header() {
    for length in [0x0280usize, 0x0380, 0x0480, 0x0580, 0x0003_4b50] {
        let header = r#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
        let mut file = (length as u64).to_le_bytes().to_vec();
        file.extend(header.bytes().chain(std::iter::repeat(b' ')).take(length));
        file.extend([1.0f32, 2.0].iter().flat_map(|value| value.to_le_bytes()));
        let read = WeightFile::parse(&file).unwrap();
        assert_eq!((read.format, read.count()), (Format::Safetensors, 2), "{length:#x}");
    }
}
