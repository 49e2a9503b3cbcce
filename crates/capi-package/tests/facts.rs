//! What is declared is what libvirt 11.3 has: symbols, version nodes, headers, prototypes.

#![allow(clippy::expect_used)]

use std::collections::BTreeMap;

use virtus_capi_package::coverage::{self, Fact};

/// Library, node, header, prototype.
const FACTS: &str = include_str!("data/functions.txt");
/// What is covered, for readers.
const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/c-api.md");

fn facts() -> Vec<Fact> {
    let facts: Vec<Fact> = FACTS.lines().map(|line| Fact::read(line).expect(line)).collect();
    assert_eq!(facts.len(), FACTS.lines().count());
    facts
}

/// How a type is written when it does not matter where blanks are and what is constant for the function alone.
fn plain(prototype: &str) -> String {
    prototype.replace(" const,", ",").replace(" const)", ")").replace(' ', "")
}

#[test]
fn every_symbol_is_declared_as_libvirt_has_it() {
    let theirs: BTreeMap<_, _> = facts().into_iter().map(|f| (f.name().to_owned(), f)).collect();
    let mut wrong = Vec::new();
    for ours in coverage::ours() {
        match theirs.get(ours.name()) {
            None => wrong.push(format!("{} is none of libvirt's", ours.name())),
            Some(theirs) => {
                let plain = |fact: &Fact| Fact { prototype: plain(&fact.prototype), ..fact.clone() };
                if plain(&ours) != plain(theirs) {
                    wrong.push(format!("{ours:?}\n  instead of {theirs:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_is_what_there_is() {
    let now = coverage::table(&facts());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(TABLE, &now).expect("docs can be written");
    }
    let kept = std::fs::read_to_string(TABLE).unwrap_or_default();
    assert!(kept == now, "docs/c-api.md is stale: UPDATE=1 cargo test -p virtus-capi-package --test facts");
}
