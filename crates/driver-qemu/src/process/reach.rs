//! Whether the host has the nodes, sockets and devices that a definition names: said before QEMU is started, in
//! libvirt's order and words.

use std::io;
use std::path::Path;

use virtus_base::{Error, ErrorDomain, Result};
use virtus_conf::domain::Domain;
use virtus_conf::domain::device::chardev::{ChardevSource, SocketMode};
use virtus_conf::domain::device::hostdev::HostDevSource;
use virtus_conf::domain::device::interface::InterfaceSource;
use virtus_conf::domain::device::rng::RngBackend;
use virtus_conf::domain::device::smartcard::SmartcardMode;
use virtus_conf::domain::device::storage::Location;
use virtus_conf::domain::device::tpm::TpmBackend;
use virtus_conf::domain::device::{Chardev, Graphics};
use virtus_conf::domain::os::LoaderType;

use crate::error::{system, unsupported};

/// Where the kernel lists USB devices.
const USB: &str = "/sys/bus/usb/devices";

/// What the host has to have before anything is made for the guest; `vfio` is whether it hands devices over.
///
/// # Errors
/// `SYSTEM_ERROR` for a controller that is not there, `CONFIG_UNSUPPORTED` without VFIO.
pub(super) fn devices(model: &Domain, vfio: bool) -> Result<()> {
    for disk in &model.devices.disks {
        let Location::Nvme(nvme) = &disk.source.location else { continue };
        let Some(address) = &nvme.address else { continue };
        let name =
            format!("{:04x}:{:02x}:{:02x}.{}", address.domain, address.bus, address.slot, address.function);
        let config = format!("/sys/bus/pci/devices/{name}/config");
        let what = format!("Device {name} not found: could not access {config}");
        there(&config).map_err(|e| Error::system(ErrorDomain::NONE, what, &e))?;
    }
    if model.devices.hostdevs.iter().any(|dev| matches!(dev.source, HostDevSource::Usb(_))) {
        let what = format!("cannot open directory '{USB}'");
        there(USB).map_err(|e| Error::system(ErrorDomain::NONE, what, &e))?;
    }
    let mediated = model.devices.hostdevs.iter().any(|dev| matches!(dev.source, HostDevSource::Mdev(_)));
    match mediated && !vfio {
        true => Err(unsupported("Mediated host device assignment requires VFIO support")),
        false => Ok(()),
    }
}

/// What QEMU is going to open.
///
/// # Errors
/// `SYSTEM_ERROR` for what is not there.
pub(super) fn paths(model: &Domain) -> Result<()> {
    for net in &model.devices.interfaces {
        if let InterfaceSource::Vdpa { dev: Some(dev) } = &net.source {
            there(dev).map_err(|e| system(format_args!("Unable to open '{dev}' for vdpa device"), &e))?;
        }
    }
    for tpm in &model.devices.tpms {
        if let TpmBackend::Passthrough { path: Some(path) } = &tpm.backend {
            there(path).map_err(|e| system(format_args!("Could not open TPM device {path}"), &e))?;
        }
    }
    for path in nodes(model) {
        there(path).map_err(|e| {
            Error::system(ErrorDomain::CGROUP, format_args!("Path '{path}' is not accessible"), &e)
        })?;
    }
    for path in chardevs(model).filter_map(|chardev| connected(&chardev.source)) {
        there(path)
            .map_err(|e| Error::system(ErrorDomain::SECURITY, format_args!("unable to stat: {path}"), &e))?;
    }
    Ok(())
}

fn there(path: &str) -> io::Result<()> {
    Path::new(path).metadata().map(|_| ())
}

/// The nodes and files that a guest's control group lets it have.
fn nodes(model: &Domain) -> impl Iterator<Item = &str> {
    let devices = &model.devices;
    let rom = model.os.loader.as_ref().filter(|loader| loader.loader_type == Some(LoaderType::Rom));
    let rom = rom.and_then(|loader| loader.path.as_deref());
    let memory = devices.memories.iter().filter_map(|memory| memory.source.path.as_deref());
    let render = devices.graphics.iter().filter_map(|graphics| match graphics {
        Graphics::EglHeadless { rendernode } => rendernode.as_deref(),
        Graphics::Spice(spice) => spice.rendernode.as_deref(),
        Graphics::Dbus(dbus) => dbus.rendernode.as_deref(),
        _ => None,
    });
    let inputs = devices.inputs.iter().filter_map(|i| i.source.evdev.as_deref().or(i.source.dev.as_deref()));
    let ports = chardevs(model).filter_map(|chardev| match &chardev.source {
        ChardevSource::Dev { source } => source.path.as_deref(),
        _ => None,
    });
    let rngs = devices.rngs.iter().filter_map(|rng| match &rng.backend {
        RngBackend::Random { path } => path.as_deref(),
        _ => None,
    });
    rom.into_iter().chain(memory).chain(render).chain(inputs).chain(ports).chain(rngs)
}

fn chardevs(model: &Domain) -> impl Iterator<Item = &Chardev> {
    let devices = &model.devices;
    let cards = devices.smartcards.iter().filter_map(|card| match &card.mode {
        SmartcardMode::Passthrough(chardev) => Some(&**chardev),
        _ => None,
    });
    let rngs = devices.rngs.iter().filter_map(|rng| match &rng.backend {
        RngBackend::Egd(chardev) => Some(&**chardev),
        _ => None,
    });
    (devices.serials.iter().map(|d| &d.chardev))
        .chain(devices.parallels.iter().map(|d| &d.chardev))
        .chain(devices.channels.iter().map(|d| &d.chardev))
        .chain(devices.consoles.iter().map(|d| &d.chardev))
        .chain(devices.redirdevs.iter().map(|d| &d.chardev))
        .chain(cards)
        .chain(rngs)
}

/// The socket or pipe of somebody else that a character device leads to.
fn connected(source: &ChardevSource) -> Option<&str> {
    match source {
        ChardevSource::Unix { source } if source.mode != Some(SocketMode::Bind) => source.path.as_deref(),
        // a pipe is one for both ways, or two whose names say which
        ChardevSource::Pipe { source } => {
            let path = source.path.as_deref()?;
            let both = [".in", ".out"].iter().all(|end| Path::new(&format!("{path}{end}")).exists());
            (!both).then_some(path)
        }
        _ => None,
    }
}
