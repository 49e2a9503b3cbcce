//! The constants are libvirt 11.3's: all of them, with the same values.

use std::collections::BTreeSet;

use virtus_api::constants::{Constant, Value, constants};

/// Names and values in libvirt 11.3, a line each.
const EXPECTED: &str = include_str!("data/constants.txt");

fn line(constant: Constant) -> String {
    match constant.value {
        Value::Number(number) => format!("{} {number}", constant.name),
        Value::Text(text) => format!("{} \"{text}\"", constant.name),
    }
}

#[test]
fn every_constant_of_libvirt_is_declared_with_its_value() {
    let ours: BTreeSet<String> = constants().map(line).collect();
    let theirs: BTreeSet<String> = EXPECTED.lines().map(str::to_owned).collect();
    let missing: Vec<_> = theirs.difference(&ours).collect();
    let more: Vec<_> = ours.difference(&theirs).collect();
    assert!(missing.is_empty() && more.is_empty(), "missing: {missing:#?}\nnot in libvirt: {more:#?}");
}

#[test]
fn every_constant_is_declared_once() {
    let mut names = BTreeSet::new();
    let twice: Vec<_> = constants().map(|c| c.name).filter(|&n| !names.insert(n)).collect();
    assert!(twice.is_empty(), "{twice:?}");
}
