//! Devices of the host.

use std::collections::HashSet;

use virtus_base::{Result, Uuid};
use virtus_xml::OnOff;

use super::{refuse, refuse_xml};
use crate::domain::Domain;
use crate::domain::device::HostDev;
use crate::domain::device::address::{Address, PciAddress};
use crate::domain::device::disk::Sgio;
use crate::domain::device::hostdev::{HostDevSource, ScsiSource};
use crate::domain::device::interface::TeamingType;
use crate::domain::parse::internal;

pub(super) fn hostdev(hostdev: &HostDev) -> Result<()> {
    let address = hostdev.info.address.as_ref();
    match &hostdev.source {
        HostDevSource::Pci(_)
            if address.is_some_and(|a| !matches!(a, Address::Pci(_) | Address::Unassigned)) =>
        {
            return Err(internal("PCI host devices must use 'pci' or 'unassigned' address type"));
        }
        HostDevSource::Scsi(scsi) => {
            let drive = address.is_none_or(|a| matches!(a, Address::Drive(_)));
            refuse(&[
                (!drive, "SCSI host device must use 'drive' address type"),
                (scsi.sgio == Some(Sgio::Unfiltered), "unfiltered sgio is no longer supported"),
            ])?;
        }
        HostDevSource::ScsiHost(_) => {
            let known = address.is_none_or(|a| matches!(a, Address::Pci(_) | Address::Ccw(_)));
            refuse(&[(!known, "SCSI_host host device must use 'pci' or 'ccw' address type")])?;
        }
        HostDevSource::Usb(_) => {
            let usb = address.is_none_or(|a| matches!(a, Address::Usb(_)));
            refuse(&[(!usb, "USB host device must use 'usb' address type")])?;
        }
        _ => {}
    }
    let Some(teaming) = &hostdev.teaming else { return Ok(()) };
    let pci = matches!(hostdev.source, HostDevSource::Pci(_));
    refuse(&[
        (teaming.kind != TeamingType::Transient, "teaming hostdev devices must have type='transient'"),
        (teaming.persistent.is_none(), "missing required persistent attribute in hostdev teaming element"),
        (!pci, "teaming is only supported for pci hostdev devices"),
    ])
}

/// No device twice, and one frame buffer at most.
pub(super) fn together(domain: &Domain) -> Result<()> {
    let list = &domain.devices.hostdevs;
    let mut seen = HashSet::new();
    let twice = list.iter().any(|hostdev| !seen.insert(Identity::of(&hostdev.source)));
    refuse_xml(&[(twice, "Hostdev already exists in the domain configuration")])?;
    let framebuffers = list
        .iter()
        .filter(|h| matches!(&h.source, HostDevSource::Mdev(mdev) if mdev.ramfb == Some(OnOff::On)));
    refuse(&[(framebuffers.count() > 1, "Only one vgpu device can have 'ramfb' enabled")])
}

/// Whether two descriptions find the same device.
pub fn same(one: &HostDevSource, other: &HostDevSource) -> bool {
    Identity::of(one) == Identity::of(other)
}

/// What tells a device of the host from others.
#[derive(PartialEq, Eq, Hash)]
enum Identity<'a> {
    Pci(u32, u32, u32, u32),
    /// Two of a kind can be told apart by their place.
    UsbPlace(Option<u32>, Option<u32>, Option<&'a str>),
    UsbKind(Option<u32>, Option<u32>),
    Scsi {
        adapter: &'a str,
        bus: u32,
        target: u32,
        unit: u64,
    },
    Iscsi {
        name: Option<&'a str>,
        host: Option<(Option<&'a str>, Option<&'a str>)>,
    },
    ScsiHost(&'a str),
    Mdev(Uuid),
    Storage(&'a str),
    Misc(&'a str),
    Net(&'a str),
}

impl<'a> Identity<'a> {
    fn of(source: &'a HostDevSource) -> Identity<'a> {
        match source {
            HostDevSource::Pci(pci) => {
                let PciAddress { domain, bus, slot, function, .. } = pci.address;
                Identity::Pci(domain, bus, slot, function)
            }
            HostDevSource::Usb(usb) => match &usb.address {
                Some(place) => Identity::UsbPlace(place.bus, place.device, place.port.as_deref()),
                None => Identity::UsbKind(usb.vendor, usb.product),
            },
            HostDevSource::Scsi(scsi) => match &scsi.source {
                ScsiSource::Host { adapter, bus, target, unit } => {
                    Identity::Scsi { adapter, bus: *bus, target: *target, unit: *unit }
                }
                ScsiSource::Iscsi { name, hosts, .. } => Identity::Iscsi {
                    name: name.as_deref(),
                    host: hosts.first().map(|host| (host.name.as_deref(), host.port.as_deref())),
                },
            },
            HostDevSource::ScsiHost(adapter) => Identity::ScsiHost(&adapter.wwpn),
            HostDevSource::Mdev(mdev) => Identity::Mdev(mdev.uuid),
            HostDevSource::Storage { block } => Identity::Storage(block),
            HostDevSource::Misc { char } => Identity::Misc(char),
            HostDevSource::Net { interface } => Identity::Net(interface),
        }
    }
}
