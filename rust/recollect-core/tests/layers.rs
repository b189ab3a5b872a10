//! The house: a room imports only from lower levels, and no file imports in a circle.

#![expect(clippy::unwrap_used, reason = "a check that cannot read the sources has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms from the ground up; `../README.md` shows the same ladder.
const LEVELS: &[&[&str]] = &[
    &["error"],
    &["bytes", "cancel", "chunked", "id", "interner", "seed", "slot_table", "time"],
    &[
        "bitmap",
        "calendar",
        "entropy",
        "ids",
        "intervals",
        "namespace",
        "pages",
        "pieces",
        "record",
        "scored",
        "simd",
    ],
    &["filter", "kvcache", "vector"],
    &["collection", "facts", "graph", "journal", "lexical", "lsh", "segmentation", "session", "timeline"],
    &["activation", "association"],
    &["recall"],
    &["store"],
];

/// Most lines of a file.
const LONGEST: usize = 400;

/// The sources of the core, or of the binding beside it.
fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).join("src")
}

fn sources(root: &Path) -> Vec<PathBuf> {
    fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
        let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|x| x.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|x| x == "rs") {
                out.push(path);
            }
        }
    }
    let mut out = Vec::new();
    walk(root, &mut out);
    out
}

/// The module path of a file, such as `["store", "cell"]`; a `mod.rs` stands for its folder.
fn module(root: &Path, path: &Path) -> Vec<String> {
    let relative = path.strip_prefix(root).unwrap().with_extension("");
    let parts = relative.iter().map(|x| x.to_str().unwrap().to_owned());
    parts.filter(|x| x != "mod" && x != "lib").collect()
}

/// The code of a file without comments, and without its unit tests, which may look anywhere.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

/// Every `crate::a::b` and `super::a` of a file as module paths, braces expanded.
fn imports(root: &Path, path: &Path) -> BTreeSet<Vec<String>> {
    let (code, own) = (code(path), module(root, path));
    let mut found = BTreeSet::new();
    for (start, parents) in [("crate::", own.len()), ("super::", 1)] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let base = own[..own.len().saturating_sub(parents)].to_vec();
            expand(&code[at + start.len()..], &base, &mut found);
        }
    }
    found
}

fn expand(text: &str, base: &[String], found: &mut BTreeSet<Vec<String>>) {
    if let Some(inner) = text.strip_prefix('{') {
        let (mut depth, mut start) = (0, 0);
        for (at, c) in inner.char_indices() {
            match c {
                '{' => depth += 1,
                ',' | '}' if depth == 0 => {
                    expand(inner[start..at].trim_start(), base, found);
                    start = at + 1;
                    if c == '}' {
                        break;
                    }
                }
                '}' => depth -= 1,
                _ => {}
            }
        }
        return;
    }
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() || name == "self" {
        found.insert(base.to_vec());
        return;
    }
    let mut path = base.to_vec();
    path.push(name.to_owned());
    match rest.strip_prefix("::") {
        Some(rest) => expand(rest, &path, found),
        None => {
            found.insert(path);
        }
    }
}

fn level(room: &str) -> usize {
    LEVELS.iter().position(|rooms| rooms.contains(&room)).unwrap_or_else(|| panic!("{room} has no level"))
}

#[test]
fn rooms_import_only_from_lower_levels() {
    let (root, mut wrong) = (root("recollect-core"), Vec::new());
    for path in sources(&root) {
        let own = module(&root, &path);
        let Some(room) = own.first() else { continue };
        for import in imports(&root, &path) {
            let Some(other) = import.first() else { continue };
            if other != room && level(other) >= level(room) {
                wrong.push(format!("{} imports {}", path.display(), import.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_file_imports_in_a_circle() {
    for name in ["recollect-core", "recollect-py"] {
        refuse_circles(&root(name));
    }
}

fn refuse_circles(root: &Path) {
    let files: BTreeMap<Vec<String>, PathBuf> =
        sources(root).into_iter().map(|x| (module(root, &x), x)).collect();
    // What a folder re-exports belongs to the file it comes from.
    let mut exported: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    for (own, path) in files.iter().filter(|x| x.1.ends_with("mod.rs")) {
        for (at, _) in code(path).match_indices("pub use ") {
            let mut names = BTreeSet::new();
            expand(code(path)[at + 8..].trim_start_matches("self::"), own, &mut names);
            for mut name in names {
                let target = name.clone();
                let Some(last) = name.pop() else { continue };
                exported.insert([own.clone(), vec![last]].concat(), target);
            }
        }
    }
    let resolve = |import: &Vec<String>| -> Option<Vec<String>> {
        let mut path = exported.get(import).unwrap_or(import).clone();
        while !path.is_empty() {
            if files.contains_key(&path) {
                return Some(path);
            }
            path.pop();
        }
        None
    };
    let edges: BTreeMap<Vec<String>, BTreeSet<Vec<String>>> = files
        .iter()
        .filter(|x| !x.1.ends_with("mod.rs") && !x.1.ends_with("lib.rs"))
        .map(|(own, path)| {
            let targets = imports(root, path).into_iter().filter_map(|x| resolve(&x)).filter(|x| x != own);
            (own.clone(), targets.filter(|x| !files[x].ends_with("mod.rs")).collect())
        })
        .collect();
    let mut done = BTreeSet::new();
    for start in edges.keys() {
        follow(start, &edges, &mut Vec::new(), &mut done);
    }
}

fn follow(
    at: &Vec<String>,
    edges: &BTreeMap<Vec<String>, BTreeSet<Vec<String>>>,
    trail: &mut Vec<Vec<String>>,
    done: &mut BTreeSet<Vec<String>>,
) {
    assert!(!trail.contains(at), "a circle: {trail:?} and again {at:?}");
    if done.contains(at) {
        return;
    }
    trail.push(at.clone());
    for next in edges.get(at).into_iter().flatten() {
        follow(next, edges, trail, done);
    }
    trail.pop();
    done.insert(at.clone());
}

#[test]
fn files_are_short_and_named_for_an_idea() {
    let all = ["recollect-core", "recollect-py"].map(root);
    for (root, path) in all.iter().flat_map(|root| sources(root).into_iter().map(move |path| (root, path))) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= LONGEST, "{} has {lines} lines", path.display());
        let name = module(root, &path).join("/");
        for vague in ["util", "helper", "common", "manager", "misc"] {
            assert!(!name.contains(vague), "{name}: find the idea");
        }
    }
}

#[test]
fn the_check_sees_what_it_should() {
    let mut found = BTreeSet::new();
    expand("vector::{Metric, flat::{self, FlatIndex}};", &[], &mut found);
    let expected = [vec!["vector", "Metric"], vec!["vector", "flat"], vec!["vector", "flat", "FlatIndex"]];
    let expected: BTreeSet<Vec<String>> =
        expected.iter().map(|x| x.iter().map(|s| (*s).to_owned()).collect()).collect();
    assert_eq!(found, expected);
}
