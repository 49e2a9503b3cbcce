//! Documents that are already in libvirt's own form come back as they are.
//!
//! `VIRTUS_DOMAIN_XML_DIR` names a directory of such documents (`*.xml`, persistent definitions as libvirt
//! dumps them); the ones beside this test are always read.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use virtus_conf::domain::{Domain, FormatOptions, ParseOptions, post_parse, validate};

/// The document once through the model.
fn again(text: &str) -> Result<String, String> {
    let options = ParseOptions { inactive: true, skip_validate: true, ..Default::default() };
    let mut domain = Domain::parse(text, &options).map_err(|e| format!("{e:?}"))?;
    post_parse::generic(&mut domain).map_err(|e| format!("{e:?}"))?;
    Ok(domain.format(&FormatOptions { inactive: true, secure: true, ..Default::default() }))
}

fn check(dir: &Path) -> (usize, Vec<String>) {
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "xml"))
        .collect();
    files.sort();
    let mut bad = Vec::new();
    for path in &files {
        let text = std::fs::read_to_string(path).unwrap();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        match again(&text) {
            Ok(out) if out == text => {}
            Ok(out) => {
                let line = text.lines().zip(out.lines()).find(|(a, b)| a != b);
                bad.push(format!("{name}: {line:?}"));
            }
            Err(e) => bad.push(format!("{name}: {e}")),
        }
    }
    (files.len(), bad)
}

#[test]
fn the_projects_own_documents() {
    let (count, bad) = check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/domains"));
    assert!(count > 0);
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
#[ignore = "needs VIRTUS_DOMAIN_XML_DIR"]
fn the_documents_of_a_directory() {
    let dir = std::env::var_os("VIRTUS_DOMAIN_XML_DIR").expect("VIRTUS_DOMAIN_XML_DIR");
    let (count, bad) = check(Path::new(&dir));
    println!("{}", bad.join("\n"));
    println!("{}/{count} are fixed points", count - bad.len());
    assert!(bad.is_empty());
}

/// Documents as people write them: `NAME.err` beside `NAME.xml` is what libvirt said to one it refused
/// (`code domain text`); the others it took.
#[test]
#[ignore = "needs VIRTUS_DOMAIN_INPUT_DIR"]
fn what_is_taken_and_what_is_refused() {
    let dir = std::env::var_os("VIRTUS_DOMAIN_INPUT_DIR").expect("VIRTUS_DOMAIN_INPUT_DIR");
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().filter_map(|e| Some(e.ok()?.path())).collect();
    files.sort();
    let options = ParseOptions { inactive: true, ..Default::default() };
    let mut counts = std::collections::BTreeMap::<&str, u32>::new();
    for path in files.iter().filter(|p| p.extension().is_some_and(|e| e == "xml")) {
        let text = std::fs::read_to_string(path).unwrap();
        let wanted = std::fs::read_to_string(path.with_extension("err")).ok();
        let got = Domain::parse(&text, &options)
            .and_then(|mut domain| post_parse::generic(&mut domain).map(|()| domain))
            .and_then(|domain| validate::domain(&domain))
            .err()
            .map(|e| format!("{} {} {}", e.code().0, e.domain().0, e.message()));
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let verdict = match (&wanted, &got) {
            (None, None) => "taken",
            (Some(w), Some(g)) if w == g => "refused alike",
            (Some(_), Some(_)) => "refused otherwise",
            (Some(_), None) => "not refused",
            (None, Some(_)) => "refused wrongly",
        };
        *counts.entry(verdict).or_default() += 1;
        if !matches!(verdict, "taken" | "refused alike") {
            println!("{verdict}: {name}: {} | {}", got.unwrap_or_default(), wanted.unwrap_or_default());
        }
    }
    println!("{counts:?}");
}
