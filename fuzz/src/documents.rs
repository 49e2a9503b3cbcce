//! XML documents: what is read and printed means the same when it is read again.

use virtus_base::{ErrorDomain, Result};
use virtus_conf::domain::device::Device;
use virtus_conf::domain::{Domain, FormatOptions, ParseOptions};
use virtus_conf::network::Network;
use virtus_conf::nwfilter::Filter;
use virtus_conf::secret::Secret;
use virtus_conf::storage::{Capacity, Pool, Volume};
use virtus_xml::{Document, ReadOptions};

/// Whoever sends a document sends text; what is none is refused before.
fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// Reads, prints, reads and prints. To panic is how a target says that something is wrong.
#[allow(clippy::panic)]
fn same_again<T>(data: &[u8], read: impl Fn(&str) -> Result<T>, print: impl Fn(&T) -> String) {
    let Some(Ok(first)) = text(data).map(&read) else { return };
    let printed = print(&first);
    match read(&printed) {
        Ok(again) => assert_eq!(print(&again), printed, "the document changed"),
        Err(e) => panic!("what was printed cannot be read: {e}\n{printed}"),
    }
}

pub(crate) fn tree(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let options = ReadOptions { inactive: true, status: false, track: true };
    if let Ok(document) = Document::parse(text, ErrorDomain::DOMAIN, &options) {
        let _ = document.root().name();
    }
}

pub(crate) fn domain(data: &[u8]) {
    let options = ParseOptions { inactive: true, ..ParseOptions::default() };
    let shown = FormatOptions { inactive: true, secure: true, migratable: false, status: false, indent: 0 };
    // what is printed has been through all rules once, as a file that is read back has
    let again = ParseOptions { skip_validate: true, ..options };
    let first = std::cell::Cell::new(true);
    let read = |xml: &str| Domain::parse(xml, if first.replace(false) { &options } else { &again });
    same_again(data, read, |domain| domain.format(&shown));
}

pub(crate) fn device(data: &[u8]) {
    let options = ParseOptions { inactive: true, ..ParseOptions::default() };
    let shown = FormatOptions { inactive: true, secure: true, migratable: false, status: false, indent: 0 };
    same_again(data, |xml| Device::parse(xml, &options), |device| device.format(&shown));
}

pub(crate) fn network(data: &[u8]) {
    same_again(data, |xml| Network::parse(xml, false), |network| network.format(true));
}

pub(crate) fn pool(data: &[u8]) {
    same_again(data, |xml| Pool::parse(xml, false), Pool::format);
}

pub(crate) fn volume(data: &[u8]) {
    same_again(data, |xml| Volume::parse(xml, Capacity::Optional, false), Volume::format);
}

pub(crate) fn secret(data: &[u8]) {
    same_again(data, |xml| Secret::parse(xml, false), Secret::format);
}

pub(crate) fn filter(data: &[u8]) {
    same_again(data, |xml| Filter::parse(xml, false), Filter::format);
}
