//! What is declared is what libvirt 11.3 has: symbols, version nodes, headers, prototypes.

#![allow(clippy::expect_used)]

use std::collections::BTreeMap;

use virtus_capi_package::coverage::{self, Fact};

/// Library, node, header, prototype.
const FACTS: &str = include_str!("data/functions.txt");

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
    for ours in coverage::ours() {
        let name = ours.name();
        let Some(theirs) = theirs.get(name) else { panic!("{name} is none of libvirt's") };
        assert_eq!(ours.library, theirs.library, "{name}");
        assert_eq!(ours.node, theirs.node, "{name}");
        assert_eq!(ours.header, theirs.header, "{name}");
        assert_eq!(plain(&ours.prototype), plain(&theirs.prototype), "{name}");
    }
}
