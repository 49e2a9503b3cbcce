//! What can be refused before anything is described: limits of QEMU, and what the host lacks.

use virtus_base::Result;
use virtus_conf::domain::device::Graphics;
use virtus_conf::domain::device::hostdev::HostDevSource;
use virtus_conf::domain::device::interface::InterfaceSource;
use virtus_conf::domain::device::video::VideoDriverName;
use virtus_conf::domain::os::SmbiosMode;
use virtus_conf::domain::sysinfo::SysInfo;

use super::guest::{Guest, unsupported};
use super::memory;

/// Checks a guest.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` with libvirt's texts.
pub(super) fn all(guest: &Guest<'_>) -> Result<()> {
    displays(guest)?;
    passthrough(guest)?;
    helpers(guest)?;
    numa_nodes(guest)?;
    smbios(guest)
}

/// QEMU has one display of each kind.
fn displays(guest: &Guest<'_>) -> Result<()> {
    let graphics = &guest.domain.devices.graphics;
    let same = |a: &Graphics, b: &Graphics| std::mem::discriminant(a) == std::mem::discriminant(b);
    if graphics.iter().any(|a| graphics.iter().filter(|b| same(a, b)).count() > 1) {
        return Err(unsupported(
            "only 1 graphics device of each type (sdl, vnc, spice, headless, dbus, rdp) is supported",
        ));
    }
    Ok(())
}

/// PCI devices of the host go through VFIO.
fn passthrough(guest: &Guest<'_>) -> Result<()> {
    let devices = &guest.domain.devices;
    let pci = devices.hostdevs.iter().any(|hostdev| matches!(hostdev.source, HostDevSource::Pci(_)))
        || devices.interfaces.iter().any(|net| matches!(net.source, InterfaceSource::HostDev(_)));
    match pci && !guest.context.vfio {
        true => Err(unsupported("host doesn't support passthrough of host PCI devices")),
        false => Ok(()),
    }
}

fn smbios(guest: &Guest<'_>) -> Result<()> {
    if guest.domain.os.smbios != Some(SmbiosMode::Sysinfo) {
        return Ok(());
    }
    let boards = guest.domain.sysinfo.iter().map(|info| match info {
        SysInfo::Smbios(tables) => tables.base_boards.len(),
        SysInfo::FwCfg { .. } => 0,
    });
    match boards.sum::<usize>() > 1 {
        true => Err(unsupported("qemu does not support more than one entry to Type 2 in SMBIOS table")),
        false => Ok(()),
    }
}

/// Graphics cards outside QEMU need their program.
fn helpers(guest: &Guest<'_>) -> Result<()> {
    for video in &guest.domain.devices.videos {
        if video.driver.name == Some(VideoDriverName::VhostUser) {
            crate::device::video::socket(guest, video)?;
        }
    }
    Ok(())
}

/// Memory is kept on nodes that are there.
fn numa_nodes(guest: &Guest<'_>) -> Result<()> {
    let Some(tune) = &guest.domain.numatune else { return Ok(()) };
    let whole = tune.memory.as_ref().and_then(|memory| memory.nodeset.as_ref());
    for nodes in whole.into_iter().chain(tune.memnodes.iter().map(|memnode| &memnode.nodeset)) {
        memory::available(guest, nodes)?;
    }
    Ok(())
}
