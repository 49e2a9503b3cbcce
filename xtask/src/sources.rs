//! What every source file keeps to: size, `unsafe`, documentation, and no traces of anybody's machine.

use std::path::{Path, PathBuf};

use crate::Findings;

/// Lines after which a file is to be split.
const LONGEST: usize = 800;
/// Longer files, each with the reason.
const LONG: &[(&str, &str)] = &[
    ("docs/procedures.txt", "one line a procedure, written by a test"),
    ("Cargo.lock", "written by cargo"),
    ("crates/python/python/libvirt/__init__.pyi", "one line a name, written by a test"),
];
/// Where `unsafe` may stand: raw system calls, what C gives and gets, and descriptors that the service manager passes
/// by number.
const UNSAFE: &[&str] =
    &["crates/capi/", "crates/host/src/", "crates/python/src/descriptor.rs", "bin/virtusd/src/activation.rs"];
/// Directories of data for tests: as long as they need to be.
const DATA: &[&str] = &["/data/", "/golden/", "/snapshots/"];
/// Paths that exist on somebody's machine only. In two parts, so that this file does not find itself.
const MACHINES: &[(&str, &str)] = &[("/ho", "me/"), ("/roo", "t/"), ("/Us", "ers/")];

/// Looks at every file that git keeps.
pub(crate) fn check(root: &Path, files: &[PathBuf], findings: &mut Findings) {
    for file in files {
        let name = file.to_string_lossy();
        // a file that is gone, or not text, has nothing to find
        let Ok(text) = std::fs::read_to_string(root.join(file)) else { continue };
        size(&name, &text, findings);
        traces(&name, &text, findings);
        if name.ends_with(".rs") {
            unsafe_code(&name, &text, findings);
            documented(&name, &text, findings);
        }
    }
}

fn size(name: &str, text: &str, findings: &mut Findings) {
    let lines = text.lines().count();
    let data = DATA.iter().any(|d| name.contains(d)) || LONG.iter().any(|(file, _)| *file == name);
    if lines > LONGEST && !data {
        findings.add(name, &format!("has {lines} lines: split it before {LONGEST}"));
    }
}

fn traces(name: &str, text: &str, findings: &mut Findings) {
    // definitions and command lines for tests speak of homes that nobody has
    if DATA.iter().any(|d| name.contains(d)) || name.contains("/tests") || name.starts_with("tests/") {
        return;
    }
    for (number, line) in text.lines().enumerate() {
        for (a, b) in MACHINES {
            let path = format!("{a}{b}");
            // the beginning of an absolute path, not the middle of another one
            let hit = line
                .match_indices(&path)
                .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}~$".contains(c)));
            if hit {
                findings.add(name, &format!("line {}: names a path of a machine ({path})", number + 1));
            }
        }
    }
}

fn unsafe_code(name: &str, text: &str, findings: &mut Findings) {
    let (block, function) = (concat!("unsafe", " {"), concat!("unsafe", " fn"));
    let mut safety = false;
    for (number, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        if trimmed.starts_with("//") {
            safety |= trimmed.contains("SAFETY:") || trimmed.contains("# Safety");
            continue;
        }
        if line.contains(block) || line.contains(function) || line.contains(concat!("unsafe", " impl")) {
            if !UNSAFE.iter().any(|place| name.starts_with(place)) {
                findings.add(name, &format!("line {}: no unsafe code here", number + 1));
            } else if !safety {
                findings.add(name, &format!("line {}: say why it is safe (// SAFETY:)", number + 1));
            }
        }
        // a note holds for the statement below it, also where that begins a line earlier
        safety &= trimmed.starts_with('#') || !trimmed.ends_with(';') && !trimmed.ends_with('}');
    }
}

fn documented(name: &str, text: &str, findings: &mut Findings) {
    let crate_root = name.ends_with("src/lib.rs") || name.ends_with("src/main.rs");
    if crate_root && !text.trim_start().starts_with("//!") {
        findings.add(name, "says nothing about the crate (//!)");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(check: fn(&str, &str, &mut Findings), name: &str, text: &str) -> usize {
        let mut findings = Findings::default();
        check(name, text, &mut findings);
        findings.len()
    }

    #[test]
    fn long_files_are_found() {
        assert_eq!(found(size, "a.rs", &"x\n".repeat(LONGEST)), 0);
        assert_eq!(found(size, "a.rs", &"x\n".repeat(LONGEST + 1)), 1);
        assert_eq!(found(size, "crates/x/tests/data/a.xml", &"x\n".repeat(LONGEST + 1)), 0);
    }

    #[test]
    fn unsafe_code_needs_its_place_and_a_reason() {
        let with = concat!("// SAFETY: so\nlet x = uns", "afe { y() };\n");
        let without = concat!("let x = uns", "afe { y() };\n");
        assert_eq!(found(unsafe_code, "crates/host/src/a.rs", with), 0);
        assert_eq!(found(unsafe_code, "crates/host/src/a.rs", without), 1);
        assert_eq!(found(unsafe_code, "crates/conf/src/a.rs", with), 1);
        assert_eq!(found(unsafe_code, "crates/host/src/a.rs", &format!("{with}{without}")), 1);
    }

    #[test]
    fn traces_of_a_machine_are_found() {
        assert_eq!(found(traces, "a", concat!("see /ho", "me/me/x")), 1);
        assert_eq!(found(traces, "a", concat!("see target/ho", "me/x")), 0);
    }

    #[test]
    fn a_crate_speaks_of_itself() {
        assert_eq!(found(documented, "crates/x/src/lib.rs", "//! It is.\n"), 0);
        assert_eq!(found(documented, "crates/x/src/lib.rs", "mod x;\n"), 1);
    }
}
