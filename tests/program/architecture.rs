//! The walls of ARCHITECTURE.md, held by reading the sources.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use gialab::seed::{Seed, normal};

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
const FLOORS: [&[&str]; 11] = [
    &[
        "catalogue",
        "cgroup",
        "device",
        "equation",
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
    &["audit"],
    &["gfx"],
    &["cli", "tui"],
];

/// A text without what only its tests see: each item behind a `#[cfg(test)]`, be it a line or a block.
fn program(text: &str) -> String {
    let mut kept = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mark = line.trim_start();
        if !mark.starts_with("#[cfg(test)]") && !mark.starts_with("#[cfg(all(test") {
            kept.push_str(line);
            kept.push('\n');
            continue;
        }
        let close = format!("{}}}", &line[..line.len() - mark.len()]);
        let mut inside = false;
        for line in lines.by_ref().skip_while(|line| line.trim_start().starts_with('#')) {
            inside |= line.ends_with('{');
            let over = if inside { line.starts_with(&close) } else { line.ends_with([';', ',']) };
            if over {
                break;
            }
        }
    }
    kept
}

#[test]
fn tests_are_cut_out_of_a_text_and_nothing_else() {
    let text = "use crate::a;\n#[cfg(test)]\nmod tests;\nuse crate::b;\n    #[cfg(test)]\n    at: usize,\n\
                #[cfg(all(test, feature = \"tui\"))]\n#[path = \"x.rs\"]\nmod tests {\n    use crate::c;\n    fn f() {\n    }\n}\n\
                use crate::d::{E, f::g};\n";
    assert_eq!(program(text), "use crate::a;\nuse crate::b;\nuse crate::d::{E, f::g};\n");
    assert_eq!(imports(text), ["a", "b", "d::E", "d::f::g"]);
}

/// Paths of the crate that a text names, but for its tests: `fl::post::noise_like`.
fn imports(text: &str) -> Vec<String> {
    /// The paths behind `before`, and what is left of the text.
    fn paths<'a>(mut rest: &'a str, before: &str, found: &mut Vec<String>) -> &'a str {
        rest = rest.trim_start();
        if let Some(list) = rest.strip_prefix('{') {
            rest = list;
            loop {
                rest = paths(rest, before, found).trim_start();
                rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
                if rest.is_empty() || rest.starts_with('}') {
                    return rest.strip_prefix('}').unwrap_or(rest);
                }
            }
        }
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let path = format!("{before}{}", &rest[..end]);
        match rest[end..].strip_prefix("::") {
            Some(deeper) if !deeper.starts_with('<') => paths(deeper, &format!("{path}::"), found),
            // A line must end somewhere, whatever stands there.
            _ if end == 0 => rest.get(rest.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default(),
            _ => {
                found.push(path);
                &rest[end..]
            }
        }
    }
    let mut found = Vec::new();
    for after in program(text).split("crate::").skip(1) {
        paths(after, "", &mut found);
    }
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
            // Constants and types of the crate's root have none.
            let Some(other) = floor(import.split("::").next().unwrap()) else { continue };
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

/// What an attack may know of the federation: the attacker's view, and what it says that the clients do.
const SEEN: [&str; 10] = [
    "fl::AttackerView",
    "fl::At",
    "fl::Client",
    "fl::Knowledge",
    "fl::Protocol",
    "fl::Simulated",
    "fl::Update",
    "fl::UpdateKind",
    "fl::post::noise_like",
    // What is granted, as its file has it.
    "weights::TrainedGenerator",
];

#[test]
fn attacks_see_no_ground_truth() {
    let engine = ["backend", "catalogue", "config", "dual", "equation", "model", "seed", "text"];
    let mut seen = 0;
    for (path, text) in sources("attack") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.contains("tests") {
            continue;
        }
        for import in imports(&text) {
            let first = import.split("::").next().unwrap();
            let own = first == "attack" || engine.contains(&first);
            assert!(own || SEEN.contains(&import.as_str()), "{} imports {import}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen}");
}

/// Purposes that the sources of these folders draw for.
fn purposes(folders: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let files = folders.iter().flat_map(|folder| sources(folder));
    for (_, text) in files.filter(|(path, _)| !path.to_string_lossy().contains("tests")) {
        let text = program(&text);
        let drawn = text.split(".stream(\"").skip(1).filter_map(|after| after.split('"').next());
        found.extend(drawn.map(str::to_owned));
    }
    found.sort();
    found.dedup();
    found
}

/// What the attacker is given makes no stream of what the run draws: neither for the same purpose nor for any other, whatever
/// the round, the client, the epoch, the trial.
#[test]
fn nothing_that_the_victim_draws_can_be_drawn_from_the_attackers_seed() {
    let (victims, attackers) = (purposes(&["fl", "data", "model"]), purposes(&["attack"]));
    for known in
        ["order", "post-processing", "batch of a client", "clients of a round", "sample", "partition"]
    {
        assert!(victims.iter().any(|purpose| purpose == known), "{known}: {victims:?}");
    }
    assert!(attackers.iter().any(|purpose| purpose == "initial guess"), "{attackers:?}");
    let counters: [&[u64]; 8] = [&[], &[0], &[1], &[0, 0], &[1, 0], &[0, 1], &[0, 0, 0], &[2, 1, 1]];
    let draws = |seed: Seed, purposes: &[String]| -> Vec<Vec<u64>> {
        let streams = purposes.iter().flat_map(|purpose| counters.map(|at| (purpose, at)));
        let bits = |(purpose, at): (&String, &[u64])| {
            let first = normal(&mut seed.stream(purpose, at), 2);
            first.into_iter().map(f64::to_bits).collect()
        };
        streams.map(bits).collect()
    };
    let all: Vec<String> = victims.iter().chain(&attackers).cloned().collect();
    for seed in [0, 1, 7, u64::MAX] {
        let secret: HashSet<Vec<u64>> = draws(Seed(seed), &victims).into_iter().collect();
        // Among themselves the streams are different ones.
        assert_eq!(secret.len(), victims.len() * counters.len());
        let drawn = draws(Seed(seed).attacker(), &all);
        assert!(drawn.iter().all(|drawn| !secret.contains(drawn)), "seed {seed}");
        assert!(draws(Seed(seed), &all).iter().any(|drawn| secret.contains(drawn)), "a leak would show");
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
