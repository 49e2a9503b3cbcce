//! The headers say what libvirt's say.

use std::collections::BTreeSet;

use super::*;

#[test]
fn every_type_that_is_declared_is_in_a_header() {
    let headers: BTreeSet<_> = types::all().collect();
    let declared = virtus_capi::structs().chain(virtus_capi::callbacks()).map(|t| t.name);
    let missing: Vec<_> = declared
        .chain(virtus_capi::opaque().iter().copied())
        .filter(|name| !headers.contains(name))
        .collect();
    assert!(missing.is_empty(), "in no header: {missing:?}");
}

#[test]
fn each_part_is_guarded() {
    for header in all() {
        let (opened, closed) =
            (header.text.matches("\n#if").count(), header.text.matches("\n#endif").count());
        let first = usize::from(header.text.starts_with("#if"));
        assert_eq!(
            opened + first + header.text.matches("\n# if").count(),
            closed + header.text.matches("\n# endif").count(),
            "{}",
            header.file
        );
    }
}
