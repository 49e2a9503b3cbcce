//! Contradictions libvirt refuses while it reads, also in definitions that are on disk already.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

use super::Domain;
use super::device::controller::{ControllerKind, UsbModel};
use super::device::hostdev::HostDevSource;
use super::device::input::InputBus;
use super::parse::{internal, unsupported, xml_error};
use crate::architecture::is_architecture;

/// Checks a definition just read.
pub(super) fn check(domain: &Domain) -> Result<()> {
    if let Some(arch) = domain.os.kind.arch.as_deref().filter(|a| !is_architecture(a)) {
        return Err(unsupported(format!("Unknown architecture {arch}")));
    }
    if domain.vcpu.max == 0 {
        // no CPU is the last one, which libvirt notices here first
        return Err(internal("CPU IDs in <numa> exceed the <vcpu> count"));
    }
    numa(domain)?;
    usb(domain)?;
    single_devices(domain)
}

/// Guest NUMA cells cannot have more CPUs than there are.
fn numa(domain: &Domain) -> Result<()> {
    let numa = domain.cpu.as_ref().and_then(|cpu| cpu.numa.as_ref());
    let cells = numa.map(|numa| numa.cells.as_slice()).unwrap_or_default();
    let count: usize = cells.iter().filter_map(|cell| cell.cpus.as_ref()).map(virtus_base::Bitmap::len).sum();
    match count > usize::try_from(domain.vcpu.max).unwrap_or(usize::MAX) {
        true => Err(internal("Number of CPUs in <numa> exceeds the <vcpu> count")),
        false => Ok(()),
    }
}

/// A contradiction, which libvirt tells with the number of a syntax error.
fn detail_error(text: &str) -> Error {
    Error::new(ErrorDomain::DOMAIN, ErrorCode::XML_DETAIL, text)
}

fn usb(domain: &Domain) -> Result<()> {
    let detail = |text: &str| Err(detail_error(text));
    let d = &domain.devices;
    let usb = || d.controllers.iter().filter(|c| matches!(c.kind, ControllerKind::Usb { .. }));
    let none = usb().any(|c| matches!(c.kind, ControllerKind::Usb { model: Some(UsbModel::None), .. }));
    if none && usb().count() > 1 {
        return detail("Can't add another USB controller: USB is disabled for this domain");
    }
    // a companion controller says which port of its master it begins at
    if usb().count() > 0 && usb().all(|c| c.info.master.is_some()) {
        return detail("No master USB controller specified");
    }
    if !none {
        return Ok(());
    }
    if d.inputs.iter().any(|i| i.bus == Some(InputBus::Usb)) {
        return Err(unsupported("Can't add USB input device. USB bus is disabled"));
    }
    if d.hostdevs.iter().any(|h| matches!(h.source, HostDevSource::Usb(_))) {
        return Err(unsupported("Can't add host USB device: USB is disabled in this host"));
    }
    if !d.hubs.is_empty() {
        return Err(unsupported("Can't add USB hub: USB is disabled for this domain"));
    }
    Ok(())
}

fn single_devices(domain: &Domain) -> Result<()> {
    let d = &domain.devices;
    if d.memballoons.len() > 1 {
        return Err(internal("only a single memory balloon device is supported"));
    }
    let single = [
        (d.nvrams.len(), "only a single nvram device is supported"),
        (d.iommus.len(), "only a single IOMMU device is supported"),
        (d.vsocks.len(), "only a single vsock device is supported"),
        (d.pstores.len(), "only a single pstore device is supported"),
        (d.redirfilters.len(), "only one set of redirection filter rule is supported"),
    ];
    match single.iter().find(|(count, _)| *count > 1) {
        Some((_, text)) => Err(xml_error(*text)),
        None => Ok(()),
    }
}
