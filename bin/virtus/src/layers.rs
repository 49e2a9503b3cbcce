//! The modules of this program stand above one another: none knows one that knows it.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn sources(directory: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => sources(&path, found),
            false if path.extension().is_some_and(|extension| extension == "rs") => found.push(path),
            false => {}
        }
    }
}

/// The modules that a text names after `crate::`, alone or in braces.
fn named(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for rest in text.split("crate::").skip(1) {
        let word = |text: &str| -> String {
            text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
        };
        match rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((list, _)) => found.extend(list.split(',').map(word)),
            None => {
                found.insert(word(rest));
            }
        }
    }
    found
}

#[test]
fn arrows_go_one_way() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in &files {
        let place = file.strip_prefix(&root).unwrap();
        let module = place.iter().next().unwrap().to_string_lossy().trim_end_matches(".rs").to_owned();
        // these are about all of them
        if ["main", "coverage", "layers"].contains(&module.as_str()) {
            continue;
        }
        let text = std::fs::read_to_string(file).unwrap();
        // tests may look anywhere
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        arrows.entry(module).or_default().extend(named(&code));
    }
    let modules: BTreeSet<String> = arrows.keys().cloned().collect();
    assert!(modules.len() > 20, "{modules:?}");
    for (module, to) in &mut arrows {
        to.retain(|other| other != module && modules.contains(other));
    }
    // who knows nobody else is taken away, until none is left
    while !arrows.is_empty() {
        let lowest: Vec<String> =
            arrows.iter().filter(|(_, to)| to.is_empty()).map(|(module, _)| module.clone()).collect();
        assert!(!lowest.is_empty(), "these know each other: {arrows:#?}");
        for module in lowest {
            arrows.remove(&module);
            arrows.values_mut().for_each(|to| {
                to.remove(&module);
            });
        }
    }
}
