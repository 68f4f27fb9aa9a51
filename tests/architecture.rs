//! Which module may know which: the arrows that keep the core readable.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

/// A library and the parts of the tree that may use it.
const LIBRARIES: [(&str, &[&str]); 5] = [
    ("pyo3", &["python", "lib.rs"]),
    ("rayon", &["engine"]),
    ("chrono", &["time.rs"]),
    ("arrow_", &["input", "output", "engine", "python", "error.rs"]),
    ("unsafe ", &["python/bridge.rs"]),
];

/// The crate's modules, from the ground up: each may know only those before it, and its own parts.
const ORDER: [&str; 19] = [
    "error",
    "time",
    "options",
    "rules",
    "scoring",
    "event",
    "intervals",
    "walk",
    "session",
    "flags",
    "score",
    "engagement",
    "retention",
    "input",
    "output",
    "engine",
    "python",
    "lib",
    "",
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Every source file: its path below `src/` and its code without comments and unit tests.
fn sources() -> Vec<(String, String)> {
    let mut paths = Vec::new();
    files(Path::new(SOURCE), &mut paths);
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        let name = path.strip_prefix(SOURCE).unwrap().to_string_lossy().into_owned();
        (name, lines.collect::<Vec<_>>().join("\n"))
    };
    paths.iter().map(read).collect()
}

fn room(file: &str) -> &str {
    let top = file.split('/').next().unwrap_or(file);
    top.strip_suffix(".rs").unwrap_or(top)
}

#[test]
fn libraries_stay_in_their_rooms() {
    let sources = sources();
    assert!(sources.len() > 40, "only {} files were found", sources.len());
    for (library, allowed) in LIBRARIES {
        let users: Vec<_> =
            sources.iter().filter(|(_, code)| code.contains(library)).map(|(file, _)| file).collect();
        assert!(!users.is_empty(), "nothing uses {library:?}");
        for file in users {
            let is_allowed =
                |place: &&str| file.starts_with(*place) || room(file) == place.trim_end_matches(".rs");
            assert!(allowed.iter().any(is_allowed), "{file} uses {library:?}");
        }
    }
}

#[test]
fn modules_know_only_those_below() {
    let mut arrows = 0;
    for (file, code) in sources() {
        let place = ORDER.iter().position(|&name| name == room(&file));
        let place = place.unwrap_or_else(|| panic!("{file} belongs to no room: add it to the order"));
        for below in code.split("crate::").skip(1) {
            let name: String = below.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let Some(known) = ORDER.iter().position(|&room| room == name) else { continue };
            // The output's columns show key types, which are the input's; results are ordered, so input comes first.
            assert!(known <= place, "{file} knows {name}, which stands above it");
            arrows += 1;
        }
    }
    assert!(arrows > 60, "only {arrows} arrows were found");
}
