//! Documents that nobody writes in good faith get an error, soon and without much memory.

use std::time::{Duration, Instant};

use virtus_conf::domain::{Domain, ParseOptions};

fn domain(before: &str, attributes: &str, inside: &str) -> String {
    format!(
        "{before}<domain type='qemu'{attributes}><name>h</name><memory>65536</memory><os><type>hvm</type></os>{inside}</domain>"
    )
}

/// What is said of a document; how long that may take is generous, for it is quadratic work that would show.
fn said(document: &str) -> Result<(), String> {
    let begun = Instant::now();
    let options = ParseOptions { inactive: true, ..ParseOptions::default() };
    let read = Domain::parse(document, &options).map(drop).map_err(|e| e.message().to_owned());
    assert!(begun.elapsed() < Duration::from_secs(20), "it took {:?}", begun.elapsed());
    read
}

#[test]
fn hostile_documents_are_refused() {
    let attributes: String = (0..1_000_000).map(|i| format!(" a{i}='1'")).collect();
    let spaces: String = (0..100_000).map(|i| format!(" xmlns:a{i}='urn:{i}'")).collect();
    let laughs = "<!DOCTYPE d [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;'>]>";
    for (what, document, text) in [
        ("nested deeply", domain("", "", &"<a>".repeat(20_000)), "Excessive depth in document"),
        ("nested without an end", "<a>".repeat(1_000_000), "Excessive depth in document"),
        ("a million attributes", domain("", &attributes, ""), "attributes in an element"),
        ("many namespaces", domain("", &spaces, ""), "attributes in an element"),
        ("entities in entities", domain(laughs, "", "<title>&c;</title>"), ""),
        (
            "a file as an entity",
            domain("<!DOCTYPE d [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>", "", "<title>&e;</title>"),
            "",
        ),
        ("an entity nobody knows", domain("", "", "<title>&e;</title>"), ""),
        ("a control character", domain("", "", "<title>\u{1}</title>"), ""),
        ("a reference to one", domain("", "", "<title>&#1;</title>"), "invalid xmlChar value 1"),
        (
            "a reference to none",
            domain("", "", "<title>&#x110000;</title>"),
            "character reference out of bounds",
        ),
        ("no document", String::new(), "Document is empty"),
        ("two of them", domain("", "", "").repeat(2), "Extra content at the end of the document"),
        (
            "half a million tags and no end",
            format!("<domain>{}", "<a/>\n".repeat(500_000)),
            "Premature end of data",
        ),
        ("a name of a million letters", format!("<{}/>", "a".repeat(1_000_000)), ""),
    ] {
        let e = said(&document).expect_err(what);
        assert!(e.contains(text), "{what}: {e}");
        assert!(e.len() < 2_100_000, "{what}: the error has {} bytes", e.len());
    }
}

#[test]
fn large_documents_are_read() {
    let text = "x".repeat(3_000_000);
    said(&domain("", "", &format!("<description>{text}</description>"))).expect("a huge text");
    let disks: String = (0..2000)
        .map(|i| {
            let letter = |n: u32| char::from(b'a' + u8::try_from(n % 26).unwrap_or(0));
            let name: String = [letter(i / 676), letter(i / 26), letter(i)].iter().collect();
            format!("<disk type='file'><source file='/{i}'/><target dev='vd{name}' bus='virtio'/></disk>")
        })
        .collect();
    said(&domain("", "", &format!("<devices>{disks}</devices>"))).expect("many disks");
}
