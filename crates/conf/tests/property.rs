//! What is read and written once comes back the same ever after, whatever the document.

use proptest::prelude::*;
use virtus_conf::domain::device::Disk;
use virtus_conf::domain::device::storage::{Location, NetProtocol};
use virtus_conf::domain::{Domain, FormatOptions, ParseOptions, post_parse, validate};

const DOCUMENTS: &[&str] = &[include_str!("domains/linux-q35.xml"), include_str!("domains/every-kind.xml")];

/// A change to one place of a document.
#[derive(Clone, Debug)]
enum Change {
    /// A line goes.
    Drop(prop::sample::Index),
    /// A line comes twice.
    Double(prop::sample::Index),
    /// A quoted value is another.
    Value(prop::sample::Index, String),
    /// A byte is another.
    Byte(prop::sample::Index, u8),
}

fn change() -> impl Strategy<Value = Change> {
    let word = prop_oneof![
        Just(String::new()),
        "[a-z]{1,8}",
        "-?[0-9]{1,20}",
        "0x[0-9a-f]{1,8}",
        Just("yes".to_owned()),
        Just("virtio".to_owned()),
        Just("0-3,^2".to_owned()),
        "\\PC{0,6}".prop_map(|s| s.replace(['<', '&', '\''], "")),
    ];
    prop_oneof![
        3 => any::<prop::sample::Index>().prop_map(Change::Drop),
        2 => any::<prop::sample::Index>().prop_map(Change::Double),
        4 => (any::<prop::sample::Index>(), word).prop_map(|(at, word)| Change::Value(at, word)),
        1 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
    ]
}

fn apply(text: &str, change: &Change) -> String {
    match change {
        Change::Drop(at) | Change::Double(at) => {
            let mut lines: Vec<&str> = text.lines().collect();
            if lines.is_empty() {
                return String::new();
            }
            let i = at.index(lines.len());
            match change {
                Change::Drop(_) => drop(lines.remove(i)),
                _ => lines.insert(i, lines[i]),
            }
            lines.join("\n")
        }
        Change::Value(at, word) => {
            let mut parts: Vec<&str> = text.split('\'').collect();
            let values = parts.len() / 2;
            if values > 0 {
                parts[2 * at.index(values) + 1] = word;
            }
            parts.join("'")
        }
        Change::Byte(at, byte) => {
            let mut bytes = text.as_bytes().to_vec();
            if !bytes.is_empty() {
                let i = at.index(bytes.len());
                bytes[i] = *byte;
            }
            String::from_utf8_lossy(&bytes).into_owned()
        }
    }
}

fn read(text: &str, inactive: bool) -> Option<Domain> {
    Domain::parse(text, &ParseOptions { inactive, ..Default::default() }).ok()
}

/// libvirt takes an empty name of an image on the network, writes it not at all, and misses it then.
fn nameless(disk: &Disk) -> bool {
    matches!(&disk.source.location, Location::Network(source)
        if source.name.is_none() && source.protocol != Some(NetProtocol::Nbd))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..Default::default() })]

    #[test]
    fn reading_and_writing_settle_at_once(
        which in 0..DOCUMENTS.len(),
        changes in prop::collection::vec(change(), 0..4),
        inactive: bool,
    ) {
        let text = changes.iter().fold(DOCUMENTS[which].to_owned(), |text, change| apply(&text, change));
        let Some(domain) = read(&text, inactive) else { return Ok(()) };
        if domain.devices.disks.iter().any(nameless) {
            return Ok(());
        }
        let options = FormatOptions { inactive, secure: true, ..Default::default() };
        let once = domain.format(&options);
        let again = read(&once, inactive);
        prop_assert!(again.is_some(), "not read back: {:?}", Domain::parse(&once, &ParseOptions { inactive, ..Default::default() }).err());
        let twice = again.map(|d| d.format(&options)).unwrap_or_default();
        prop_assert_eq!(&once, &twice);
    }

    #[test]
    fn completing_twice_changes_nothing(
        which in 0..DOCUMENTS.len(),
        changes in prop::collection::vec(change(), 0..4),
    ) {
        let text = changes.iter().fold(DOCUMENTS[which].to_owned(), |text, change| apply(&text, change));
        let Some(mut domain) = read(&text, true) else { return Ok(()) };
        if post_parse::generic(&mut domain).is_err() {
            return Ok(());
        }
        let once = domain.clone();
        prop_assert!(post_parse::generic(&mut domain).is_ok());
        prop_assert_eq!(&once, &domain);
        // validation may say anything, but has to say it
        let _ = validate::domain(&domain);
    }

    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,200}") {
        let _ = read(&text, true);
        let _ = read(&format!("<domain type='qemu'>{text}</domain>"), false);
    }
}
