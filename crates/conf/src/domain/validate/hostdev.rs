//! Devices of the host.

use virtus_base::Result;
use virtus_xml::OnOff;

use super::{refuse, refuse_xml};
use crate::domain::Domain;
use crate::domain::device::HostDev;
use crate::domain::device::address::Address;
use crate::domain::device::disk::Sgio;
use crate::domain::device::hostdev::HostDevSource;
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
    for (i, one) in list.iter().enumerate() {
        let twice = list.iter().skip(i + 1).any(|other| same(&one.source, &other.source));
        refuse_xml(&[(twice, "Hostdev already exists in the domain configuration")])?;
    }
    let framebuffers = list
        .iter()
        .filter(|h| matches!(&h.source, HostDevSource::Mdev(mdev) if mdev.ramfb == Some(OnOff::On)));
    refuse(&[(framebuffers.count() > 1, "Only one vgpu device can have 'ramfb' enabled")])
}

/// Whether two descriptions find the same device.
pub fn same(one: &HostDevSource, other: &HostDevSource) -> bool {
    use crate::domain::device::hostdev::ScsiSource::{Host, Iscsi};
    match (one, other) {
        (HostDevSource::Pci(a), HostDevSource::Pci(b)) => {
            (a.address.domain, a.address.bus, a.address.slot, a.address.function)
                == (b.address.domain, b.address.bus, b.address.slot, b.address.function)
        }
        (HostDevSource::Usb(a), HostDevSource::Usb(b)) => match (&a.address, &b.address) {
            // two of a kind can be told apart by their place
            (Some(a), Some(b)) => (a.bus, a.device, &a.port) == (b.bus, b.device, &b.port),
            (None, None) => (a.vendor, a.product) == (b.vendor, b.product),
            _ => false,
        },
        (HostDevSource::Scsi(a), HostDevSource::Scsi(b)) => match (&a.source, &b.source) {
            (
                Host { adapter, bus, target, unit },
                Host { adapter: adapter2, bus: bus2, target: target2, unit: unit2 },
            ) => (adapter, bus, target, unit) == (adapter2, bus2, target2, unit2),
            (Iscsi { name, hosts, .. }, Iscsi { name: name2, hosts: hosts2, .. }) => {
                name == name2
                    && hosts.first().map(|h| (&h.name, &h.port)) == hosts2.first().map(|h| (&h.name, &h.port))
            }
            _ => false,
        },
        (HostDevSource::ScsiHost(a), HostDevSource::ScsiHost(b)) => a.wwpn == b.wwpn,
        (HostDevSource::Mdev(a), HostDevSource::Mdev(b)) => a.uuid == b.uuid,
        _ => one.mode() == "capabilities" && one == other,
    }
}
