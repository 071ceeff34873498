//! Files of weights, changed at random (see [`crate::golden::fuzz`]).
#![allow(clippy::unwrap_used)]

use super::WeightFile;
use super::tests::{cases, good, opaque, shared};
use crate::golden::fuzz::fuzz;

#[test]
#[ignore = "runs for as long as asked"]
fn fuzz_weights() {
    let mut files: Vec<Vec<u8>> = good().into_iter().map(|(_, file)| file).chain(opaque()).collect();
    for name in ["lpips_alex_legacy.pth", "dists_alpha_beta_legacy.pt", "lpips_lins.npz"] {
        files.extend(
            shared(&format!("weights/reader-fixtures/{name}")).map(|path| std::fs::read(path).unwrap()),
        );
    }
    for name in [
        "02-flower-object-array/list_as_one.npz",
        "02-flower-object-array/list.npy",
        "02-flower-object-array/ndarrays.pkl",
        "05-args-in-checkpoint/torchvision_ref.pth",
        "07-not-weights/whole_model.pt",
        "08-quantised-sharded/fp8.pth",
        "08-quantised-sharded/g_sparse.pth",
    ] {
        files.extend(cases(name).map(|path| std::fs::read(path).unwrap()));
    }
    fuzz("weights", &files, |file| WeightFile::parse(file).is_ok());
}
