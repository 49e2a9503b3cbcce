//! XML documents: what is read and printed means the same when it is read again.

use virtus_base::{ErrorDomain, Result};
use virtus_conf::checkpoint::Checkpoint;
use virtus_conf::domain::device::Device;
use virtus_conf::domain::{Domain, FormatOptions, ParseOptions};
use virtus_conf::interface::Interface;
use virtus_conf::network::{Network, NetworkPort};
use virtus_conf::nodedev::NodeDevice;
use virtus_conf::nwfilter::{Binding, Filter};
use virtus_conf::secret::Secret;
use virtus_conf::snapshot::{Snapshot, SnapshotOptions};
use virtus_conf::storage::{Capacity, Pool, Volume};
use virtus_cpu::Definition;
use virtus_driver_qemu::domain::status::Status;
use virtus_xml::{Document, ReadOptions};

/// Whoever sends a document sends text; what is none is refused before.
fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// Reads, prints, reads and prints. To panic is how a target says that something is wrong.
#[allow(clippy::panic)]
fn same_again<T>(data: &[u8], read: impl Fn(&str) -> Result<T>, print: impl Fn(&T) -> String) {
    let Some(Ok(first)) = text(data).map(&read) else { return };
    let mut printed = print(&first);
    if data.windows(2).any(|two| two == b"&#") {
        // a line break that was written as a reference is printed as libvirt prints it, and is a blank from then on
        let Ok(blank) = read(&printed) else { return };
        printed = print(&blank);
    }
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

pub(crate) fn binding(data: &[u8]) {
    same_again(data, |xml| Binding::parse(xml, false), Binding::format);
    same_again(data, Binding::parse_status, Binding::format_status);
}

pub(crate) fn port(data: &[u8]) {
    same_again(data, |xml| NetworkPort::parse(xml, false), NetworkPort::format);
}

pub(crate) fn interface(data: &[u8]) {
    same_again(data, |xml| Interface::parse(xml, false), Interface::format);
}

pub(crate) fn nodedev(data: &[u8]) {
    same_again(data, |xml| NodeDevice::parse(xml, None), NodeDevice::format);
}

pub(crate) fn snapshot(data: &[u8]) {
    let redefine = SnapshotOptions { redefine: true, strict: false, now: 1 };
    let read = |xml: &str| Snapshot::parse(xml, redefine, &Domain::from_element);
    same_again(data, read, |snapshot| snapshot.format_file(true));
    if let Some(xml) = text(data) {
        // one that is to be taken says less, and is not written
        let _ = Snapshot::parse(xml, SnapshotOptions { redefine: false, ..redefine }, &Domain::from_element);
    }
}

pub(crate) fn checkpoint(data: &[u8]) {
    let read = |xml: &str| Checkpoint::parse_file(xml, &Domain::from_element);
    same_again(data, read, |checkpoint| checkpoint.format_file(true));
    if let Some(xml) = text(data) {
        let _ = Checkpoint::parse(xml, true, 1, &Domain::from_element);
    }
}

/// The file that a running guest is found again by.
pub(crate) fn status(data: &[u8]) {
    same_again(data, Status::parse, Status::format);
}

/// A CPU, compared with what else the input calls one.
pub(crate) fn cpu(data: &[u8]) {
    let Some(xml) = text(data) else { return };
    let all: Vec<_> =
        xml.split('\0').filter_map(|xml| Definition::parse(xml, None, false).ok()).take(4).collect();
    let again = |printed: &str| {
        Definition::parse(printed, Some(virtus_cpu::Kind::Guest), false).map(|cpu| cpu.format()).ok()
    };
    for cpu in &all {
        // a host's CPU is printed as a guest's, which is read with what a guest's has by default
        let printed = again(&cpu.format());
        assert_eq!(printed.as_deref().and_then(again), printed, "the CPU changed");
        assert!(printed.is_some(), "what was printed cannot be read: {}", cpu.format());
    }
    let _ = virtus_cpu::baseline(None, &all, &virtus_cpu::Limits::default());
}
