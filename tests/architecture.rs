//! Which file may know which: the arrows that keep the core readable.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

/// A library and the parts of the tree that may use it.
const LIBRARIES: [(&str, &[&str]); 7] = [
    ("pyo3", &["python", "lib.rs"]),
    ("rayon", &["engine", "files", "input/lines.rs"]),
    ("parquet::", &["files"]),
    ("chrono", &["time.rs"]),
    ("statrs", &["moments/shares.rs"]),
    ("arrow_", &["input", "output", "files", "engine", "python", "error.rs"]),
    ("unsafe ", &["python/bridge.rs"]),
];

/// The crate's rooms, from the ground up: each may know only those before it, and its own parts.
const ROOMS: &[&str] = &[
    "error",
    "time",
    "options",
    "rules",
    "scoring",
    "event",
    "intervals",
    "walk",
    "session",
    "duration",
    "flags",
    "score",
    "engagement",
    "retention",
    "moments",
    // The output's columns show key types, which are the input's.
    "input",
    "output",
    "files",
    "engine",
    "python",
];

/// The engine's rooms likewise: the ground floor, the four steps, what holds them together, and the other verbs.
const ENGINE_ROOMS: &[&str] = &[
    "pool",
    "prefix",
    "group",
    "order",
    "walk",
    "build",
    "spill",
    "partitions",
    "events",
    "parts",
    "sessions",
    "watched",
    "results",
    "viewings",
    "retention",
    "moments",
    "scopes",
    "explain",
    "validate",
    "schemas",
    "steps",
];

/// The files that know each other, and no others do.
const MUTUAL: [[&str; 2]; 2] = [
    // The keys of a column may be codes of a dictionary, whose values are keys.
    ["input/keys/column.rs", "input/keys/dictionary.rs"],
    // What is unsafe lies in one file: it reads what the other one judges, and imports what that has judged.
    ["python/bridge.rs", "python/claims.rs"],
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// Every source file: its path below `src/` and its code without comments and unit tests, which a large module has in
/// a `tests.rs` of their own.
fn sources() -> BTreeMap<String, String> {
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

/// The file of a module, and what of its path is an item in it.
fn file_of<'p>(sources: &BTreeMap<String, String>, path: &'p [String]) -> (String, &'p [String]) {
    let file = |length: usize| format!("{}.rs", path[..length].join("/"));
    let length = (1..=path.len()).rev().find(|&length| sources.contains_key(&file(length)));
    length.map_or_else(|| ("lib.rs".to_owned(), path), |length| (file(length), &path[length..]))
}

/// The words and signs of code, without its strings; `::` is one sign.
fn tokens(code: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else if first == '"' {
            let end = rest[1..].char_indices().scan(false, |escaped, (at, c)| {
                let is_end = c == '"' && !*escaped;
                *escaped = c == '\\' && !*escaped;
                Some((at, is_end))
            });
            end.into_iter().find_map(|(at, is_end)| is_end.then_some(at + 2)).unwrap_or(rest.len())
        } else if ["'\"'", "'{'", "'}'"].iter().any(|quoted| rest.starts_with(quoted)) {
            3
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        let (token, later) = rest.split_at(length);
        if !token.starts_with(['"', '\'']) && !token.trim().is_empty() {
            tokens.push(token.to_owned());
        }
        rest = later;
    }
    tokens
}

/// What one file says of others.
#[derive(Default)]
struct Mentions {
    /// The modules that it declares.
    modules: Vec<Vec<String>>,
    /// The paths that it uses, from the crate's root.
    paths: Vec<Vec<String>>,
}

/// Reads the paths that begin at `at` with `prefix` before them, as `a::{b::c, d}`, and tells where they end.
fn read_paths(
    tokens: &[String],
    mut at: usize,
    mut prefix: Vec<String>,
    found: &mut Vec<Vec<String>>,
) -> usize {
    let token = |at: usize| tokens.get(at).map_or("", String::as_str);
    loop {
        match token(at) {
            "{" => {
                at += 1;
                while token(at) != "}" && at < tokens.len() {
                    at = read_paths(tokens, at, prefix.clone(), found);
                    // What it is called here says nothing.
                    at += if token(at) == "as" { 2 } else { 0 } + usize::from(token(at) == ",");
                }
                return at + 1;
            }
            "super" => drop(prefix.pop()),
            "self" | "crate" => {}
            name => prefix.push(name.to_owned()),
        }
        if token(at + 1) != "::" {
            found.push(prefix);
            return at + 1;
        }
        at += 2;
    }
}

/// What the code of the module `module` says of others.
fn mentions(module: &[String], code: &str) -> Mentions {
    let (tokens, mut found) = (tokens(code), Mentions::default());
    let token = |at: usize| tokens.get(at).map_or("", String::as_str);
    // The modules that are written out here, each with how deep in braces it lies.
    let (mut inside, mut depth): (Vec<(String, usize)>, _) = (Vec::new(), 0);
    let mut at = 0;
    while at < tokens.len() {
        let here = || module.iter().chain(inside.iter().map(|(name, _)| name)).cloned().collect::<Vec<_>>();
        let is_start = at == 0 || token(at - 1) != "::";
        let is_own = found.modules.iter().any(|own| own.last().is_some_and(|name| name == token(at)));
        match (token(at), token(at + 1)) {
            ("mod", name) if token(at + 2) == ";" => {
                found.modules.push(here().into_iter().chain([name.to_owned()]).collect());
            }
            ("mod", name) if token(at + 2) == "{" => inside.push((name.to_owned(), depth)),
            ("{", _) => depth += 1,
            ("}", _) => {
                depth -= 1;
                inside.retain(|&(_, outside)| outside < depth);
            }
            ("crate", "::") if is_start => {
                at = read_paths(&tokens, at, Vec::new(), &mut found.paths);
                continue;
            }
            (start, "::") if is_start && (["super", "self"].contains(&start) || is_own) => {
                at = read_paths(&tokens, at, here(), &mut found.paths);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The module of a file, as its path from the crate's root.
fn module_of(file: &str) -> Vec<String> {
    let path = file.trim_end_matches(".rs");
    if path == "lib" { Vec::new() } else { path.split('/').map(str::to_owned).collect() }
}

/// Which other files each file knows.
fn arrows(sources: &BTreeMap<String, String>) -> BTreeMap<String, BTreeSet<String>> {
    let known = |(file, code): (&String, &String)| {
        let found = mentions(&module_of(file), code);
        let files = found.paths.iter().map(|path| file_of(sources, path).0);
        (file.clone(), files.filter(|other| other != file).collect())
    };
    sources.iter().map(known).collect()
}

/// The files that each file knows, and those that these know, and so on.
fn reachable(arrows: &BTreeMap<String, BTreeSet<String>>) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut all = BTreeMap::new();
    for start in arrows.keys() {
        let (mut seen, mut next) = (BTreeSet::new(), vec![start.as_str()]);
        while let Some(file) = next.pop() {
            next.extend(arrows[file].iter().map(String::as_str).filter(|&other| seen.insert(other)));
        }
        all.insert(start.as_str(), seen);
    }
    all
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
fn every_file_is_seen() {
    let sources = sources();
    let modules = sources.iter().flat_map(|(file, code)| mentions(&module_of(file), code).modules);
    let declared: BTreeSet<_> = modules.map(|module| format!("{}.rs", module.join("/"))).collect();
    let files: BTreeSet<_> = sources.keys().filter(|&file| file != "lib.rs").cloned().collect();
    assert_eq!(declared, files, "these are declared by a `mod`, and these are there");
    let arrows = arrows(&sources);
    let known: BTreeSet<_> = arrows.values().flatten().collect();
    for file in &files {
        assert!(known.contains(file) || !arrows[file].is_empty(), "no arrow from or to {file} was seen");
    }
}

#[test]
fn rooms_know_only_those_below() {
    let sources = sources();
    let arrows = arrows(&sources);
    for (folder, rooms) in [("", ROOMS), ("engine/", ENGINE_ROOMS)] {
        let mut used = BTreeSet::new();
        let inside = |file: &String| {
            let file = file.strip_prefix(folder)?;
            let place = rooms.iter().position(|&name| name == room(file));
            Some(place.unwrap_or_else(|| panic!("{folder}{file} belongs to no room: add it to the order")))
        };
        for (file, known) in arrows.iter().filter(|(file, _)| *file != "lib.rs") {
            let Some(place) = inside(file) else { continue };
            for other in known.iter().filter(|other| *other != "lib.rs") {
                let Some(below) = inside(other) else { continue };
                assert!(below <= place, "{file} knows {other}, which stands above it");
                used.insert((place, below));
            }
        }
        let seen: BTreeSet<_> = used.iter().flat_map(|&(place, below)| [place, below]).collect();
        let unseen: Vec<_> = (0..rooms.len()).filter(|room| !seen.contains(room)).collect();
        assert!(unseen.is_empty(), "no arrow of these was seen: {:?}", unseen.iter().map(|&at| rooms[at]));
    }
}

#[test]
fn no_files_know_each_other() {
    let arrows = arrows(&sources());
    let reachable = reachable(&arrows);
    let mut circles = BTreeSet::new();
    for (file, known) in &reachable {
        let back = known.iter().copied().filter(|&other| reachable[other].contains(file));
        circles.insert(back.collect::<BTreeSet<_>>());
    }
    circles.retain(|circle| !circle.is_empty());
    for files in MUTUAL {
        let allowed = BTreeSet::from(files);
        assert!(circles.remove(&allowed), "{files:?} know each other no more, and need not be allowed to");
    }
    assert!(circles.is_empty(), "files that know each other: {circles:?}");
}
