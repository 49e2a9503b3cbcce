//! s390's identities of PCI devices: each device on a PCI bus has a number by which the user knows it and one by which
//! the machine does.

use std::collections::BTreeSet;

use virtus_base::{Error, ErrorDomain, Result};
use virtus_conf::domain::Domain;
use virtus_conf::domain::device::{Address, DeviceInfo, DeviceKind};

use crate::machine::Machine;

/// User's numbers begin with 1 and end here.
const LAST_UID: u32 = 0xffff;

/// Numbers the devices that have no numbers yet.
///
/// # Errors
/// `INTERNAL_ERROR` when a number is taken twice or none is left.
pub(super) fn assign(domain: &mut Domain, supported: bool) -> Result<()> {
    if !supported || !Machine::of(domain).is_s390() {
        return Ok(());
    }
    let (mut uids, mut fids) = (BTreeSet::new(), BTreeSet::new());
    let mut twice = None;
    domain.devices.each_info(|kind, info| {
        let Some(zpci) = address(kind, info).and_then(|pci| pci.zpci) else { return };
        for (name, number, taken) in [("uid", zpci.uid, &mut uids), ("fid", zpci.fid, &mut fids)] {
            if let Some(number) = number.filter(|number| !taken.insert(*number)) {
                twice.get_or_insert((name, number));
            }
        }
    });
    if let Some((name, number)) = twice {
        let text = format!("zPCI {name} {number:o} is already reserved");
        return Err(Error::internal(ErrorDomain::DOMAIN, text));
    }
    let mut free_uids = (1..=LAST_UID).filter(|uid| !uids.contains(uid));
    let mut free_fids = (0..=u32::MAX).filter(|fid| !fids.contains(fid));
    let mut exhausted = false;
    domain.devices.each_info_mut(|kind, info| {
        if address(kind, info).is_none() {
            return;
        }
        let Some(Address::Pci(pci)) = &mut info.address else { return };
        let zpci = pci.zpci.get_or_insert_default();
        zpci.uid = zpci.uid.or_else(|| free_uids.next());
        zpci.fid = zpci.fid.or_else(|| free_fids.next());
        exhausted |= zpci.uid.is_none() || zpci.fid.is_none();
    });
    match exhausted {
        true => Err(Error::internal(ErrorDomain::DOMAIN, "There are no more free zPCI uids.")),
        false => Ok(()),
    }
}

/// The PCI address of a device that has such an identity; ports and consoles have none.
fn address(kind: DeviceKind, info: &DeviceInfo) -> Option<&virtus_conf::domain::device::PciAddress> {
    let port =
        matches!(kind, DeviceKind::Serial | DeviceKind::Parallel | DeviceKind::Console | DeviceKind::Channel);
    match &info.address {
        Some(Address::Pci(pci)) if !port && !pci.is_empty() => Some(pci),
        _ => None,
    }
}
