//! The walls of ARCHITECTURE.md, held by reading the sources.

use std::path::{Path, PathBuf};

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    fn collect(path: &Path, files: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(path).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                collect(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder), &mut files);
    assert!(!files.is_empty(), "{folder}");
    files.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

fn assert_none_names(folders: &[&str], words: &[&str]) {
    for folder in folders {
        for (path, text) in sources(folder) {
            for word in words {
                assert!(!text.contains(word), "{} names {word}", path.display());
            }
        }
    }
}

#[test]
fn the_engine_knows_no_screen() {
    let engine = ["checkpoint", "dual", "model", "data", "fl", "attack", "metric", "probe"];
    assert_none_names(&engine, &["ratatui", "crossterm", "viuer", "crate::tui", "crate::gfx"]);
    assert_none_names(&engine, &["println!", "eprintln!"]);
}

#[test]
fn the_screen_knows_no_engine() {
    let engine = ["checkpoint", "dual", "model", "data", "fl", "attack", "metric", "probe", "backend"];
    let paths: Vec<String> = engine.iter().map(|module| format!("crate::{module}::")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    assert_none_names(&["tui", "gfx"], &paths);
    assert_none_names(&["tui", "gfx"], &["burn::"]);
}

#[test]
fn attacks_see_no_ground_truth() {
    let words = ["crate::metric", "Evaluator", "fl::Victim", "crate::data", "psnr", "ssim", "ground truth"];
    for (path, text) in sources("attack") {
        // The type-level wall says in its own words what it keeps out.
        if path.ends_with("view.rs") {
            continue;
        }
        for word in words {
            assert!(!text.to_lowercase().contains(&word.to_lowercase()), "{} names {word}", path.display());
        }
    }
}

#[test]
fn the_ground_floor_imports_nothing_above() {
    let above = [
        "attack",
        "backend",
        "bench",
        "checkpoint",
        "config",
        "data",
        "dual",
        "fl",
        "gfx",
        "metric",
        "model",
        "probe",
        "run",
        "tui",
    ];
    let paths: Vec<String> = above.iter().map(|module| format!("crate::{module}")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    assert_none_names(&["figure"], &paths);
    assert_none_names(&["metric", "probe"], &["crate::run"]);
}
