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

/// The house from the ground up. What stands on a floor imports from its own and those below.
const FLOORS: [&[&str]; 10] = [
    &[
        "catalogue",
        "cgroup",
        "figure",
        "files",
        "format",
        "machine",
        "number",
        "paper",
        "paths",
        "privacy",
        "range",
        "reading",
        "seed",
        "series",
        "sys",
        "text",
        "threads",
    ],
    &["config"],
    &["backend", "dual", "model"],
    &["weights", "data"],
    &["fl", "metric", "probe"],
    &["attack"],
    &["bench", "calibration", "expectation", "run"],
    &["study"],
    &["gfx"],
    &["cli", "tui"],
];

/// Modules of the crate that a text names, but for its tests.
fn imports(text: &str) -> Vec<String> {
    let tests = ["#[cfg(test)]", "#[cfg(all(test"].iter().filter_map(|mark| text.find(mark)).min();
    let program = &text[..tests.unwrap_or(text.len())];
    let mut found = Vec::new();
    for after in program.split("crate::").skip(1) {
        let names = match after.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or_default(),
            None => after,
        };
        let several = after.starts_with('{');
        for name in names.split(',').take(if several { usize::MAX } else { 1 }) {
            let word: String =
                name.trim().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            found.push(word);
        }
    }
    found.retain(|word| !word.is_empty());
    found
}

#[test]
fn lower_floors_never_import_higher_ones() {
    let floor = |module: &str| FLOORS.iter().position(|floor| floor.contains(&module));
    let mut seen = 0;
    for (path, text) in sources("") {
        let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
        let first = inside.iter().next().unwrap().to_string_lossy().into_owned();
        let module = first.trim_end_matches(".rs");
        // What holds the house together, and what only tests it.
        let name = inside.file_name().unwrap().to_string_lossy().into_owned();
        let is_test = ["tests", "fuzz", "forge", "honest", "fixture"].iter().any(|word| name.contains(word));
        if ["lib", "main", "golden"].contains(&module) || is_test || inside.iter().any(|part| part == "tests")
        {
            continue;
        }
        let own = floor(module).unwrap_or_else(|| panic!("{module} stands on no floor"));
        for import in imports(&text) {
            // Constants and types of the crate's root.
            let Some(other) = floor(&import) else { continue };
            assert!(other <= own, "{} is below {import}, which it imports", inside.display());
            seen += 1;
        }
    }
    assert!(seen > 500, "{seen}");
}

#[test]
fn the_engine_prints_nothing() {
    let engine = ["weights", "dual", "model", "data", "fl", "attack", "metric", "probe"];
    assert_none_names(&engine, &["ratatui", "crossterm", "viuer", "println!", "eprintln!"]);
}

#[test]
fn the_screen_knows_no_engine() {
    let engine = ["weights", "dual", "model", "data", "fl", "attack", "metric", "probe", "backend"];
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
        "attack", "backend", "bench", "weights", "config", "data", "dual", "fl", "gfx", "metric", "model",
        "probe", "run", "tui",
    ];
    let paths: Vec<String> = above.iter().map(|module| format!("crate::{module}")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    assert_none_names(&["figure"], &paths);
    assert_none_names(&["metric", "probe"], &["crate::run"]);
}
