//! Serial and parallel ports, consoles and channels.

use serde_json::json;
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::device::console::{ChannelTarget, Console, ConsoleType, SerialType};
use virtus_conf::domain::device::{Address, Channel, Device, DeviceInfo, Parallel, Serial};

use super::chardev;
use super::part::{self, Part};
use crate::command::build::Build;
use crate::command::guest::{Guest, internal, unsupported};
use crate::command::props::Props;

/// Whether a console is but another name of a serial port.
pub(super) fn is_serial(console: &Console) -> bool {
    matches!(console.kind, None | Some(ConsoleType::Serial))
}

/// What a character device is made of.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` for a model the emulator does not have, or that is part of the board.
pub(super) fn parts(guest: &Guest<'_>, device: &Device) -> Result<Vec<Part>> {
    let (info, chardev) = match device {
        Device::Serial(x) => (&x.info, &x.chardev),
        Device::Parallel(x) => (&x.info, &x.chardev),
        Device::Console(x) => (&x.info, &x.chardev),
        Device::Channel(x) => (&x.info, &x.chardev),
        other => return Err(internal(format!("'{}' is no character device", other.kind().name()))),
    };
    let alias = guest.alias(info);
    let id = chardev::id(&alias);
    let front = match device {
        Device::Serial(serial) => Part::Device(
            serial_props(guest, serial, &id)?.ok_or_else(|| unsupported("Cannot hotplug platform device"))?,
        ),
        Device::Parallel(parallel) => Part::Device(parallel_props(guest, parallel, &id)),
        Device::Console(console) => Part::Device(console_props(guest, console, &id)?),
        Device::Channel(channel) if matches!(channel.target, ChannelTarget::GuestFwd { .. }) => {
            Part::Netdev(forward(guest, channel, &id))
        }
        Device::Channel(channel) => Part::Device(channel_props(guest, channel, &id)?),
        _ => return Err(internal("no character device")),
    };
    let mut parts = part::chardev(guest, &alias, chardev)?;
    parts.push(front);
    Ok(parts)
}

/// Serial ports.
pub(crate) fn add_serials(build: &mut Build<'_>) -> Result<()> {
    for serial in &build.guest.domain.devices.serials {
        let alias = build.guest.alias(&serial.info);
        let id = chardev::add(build, &alias, &serial.chardev)?;
        if let Some(props) = serial_props(&build.guest, serial, &id)? {
            build.device(props);
        } else {
            build.line.option("serial", format!("chardev:{id}"));
        }
    }
    Ok(())
}

/// A serial port; none for those that are part of the board.
///
/// # Errors
/// `INTERNAL_ERROR` for one without a model.
pub fn serial_props(guest: &Guest<'_>, serial: &Serial, chardev: &str) -> Result<Option<Props>> {
    let target = &serial.target;
    let driver = match (target.kind, target.model.as_deref()) {
        // one that nothing is known of is taken for a part of the board
        (Some(SerialType::System), Some("pl011" | "16550a")) | (None, _) => return Ok(None),
        (Some(SerialType::Pci), _) if !guest.has("pci-serial") => {
            return Err(unsupported("'pci-serial' is not supported in this QEMU binary"));
        }
        (Some(_), Some(model)) => model,
        (Some(_), None) => return Err(internal("Invalid target model for serial device")),
    };
    let mut props = Props::device(driver).with("chardev", chardev).with("id", guest.alias(&serial.info));
    if driver == "isa-serial" {
        props.opt("index", target.port);
    }
    Ok(Some(props.join(guest.address(&serial.info)?)))
}

/// Parallel ports.
pub(crate) fn add_parallels(build: &mut Build<'_>) -> Result<()> {
    for parallel in &build.guest.domain.devices.parallels {
        let alias = build.guest.alias(&parallel.info);
        let id = chardev::add(build, &alias, &parallel.chardev)?;
        build.device(parallel_props(&build.guest, parallel, &id));
    }
    Ok(())
}

/// A parallel port.
pub fn parallel_props(guest: &Guest<'_>, parallel: &Parallel, chardev: &str) -> Props {
    Props::device("isa-parallel").with("chardev", chardev).with("id", guest.alias(&parallel.info))
}

/// Channels.
pub(crate) fn add_channels(build: &mut Build<'_>) -> Result<()> {
    for channel in &build.guest.domain.devices.channels {
        let alias = build.guest.alias(&channel.info);
        let id = chardev::add(build, &alias, &channel.chardev)?;
        match &channel.target {
            ChannelTarget::GuestFwd { .. } => {
                let props = forward(&build.guest, channel, &id);
                build.line.json("netdev", &props);
            }
            _ => build.device(channel_props(&build.guest, channel, &id)?),
        }
    }
    Ok(())
}

/// A port of the guest's user network that ends in a chardev.
fn forward(guest: &Guest<'_>, channel: &Channel, chardev: &str) -> Props {
    let mut props = Props::new().with("type", "user");
    if let ChannelTarget::GuestFwd { address, port } = &channel.target {
        props.set("guestfwd", json!([{"str": format!("tcp:{address}:{port}-chardev:{chardev}")}]));
    }
    props.with("id", guest.alias(&channel.info))
}

/// A virtio channel.
///
/// # Errors
/// `INTERNAL_ERROR` for other channels and without a controller.
pub fn channel_props(guest: &Guest<'_>, channel: &Channel, chardev: &str) -> Result<Props> {
    match &channel.target {
        ChannelTarget::Virtio { name, .. } => {
            Ok(virtio_port(guest, "virtserialport", &channel.info, chardev)?.maybe("name", name.clone()))
        }
        // libvirt says no more of it
        _ => Err(Error::new(
            ErrorDomain::NONE,
            ErrorCode::INTERNAL_ERROR,
            "An error occurred, but the cause is unknown",
        )),
    }
}

/// Consoles that are not serial ports.
pub(crate) fn add_consoles(build: &mut Build<'_>) -> Result<()> {
    for console in build.guest.domain.devices.consoles.iter().filter(|console| !is_serial(console)) {
        let alias = build.guest.alias(&console.info);
        let id = chardev::add(build, &alias, &console.chardev)?;
        build.device(console_props(&build.guest, console, &id)?);
    }
    Ok(())
}

/// A console.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` for a type QEMU does not have.
pub fn console_props(guest: &Guest<'_>, console: &Console, chardev: &str) -> Result<Props> {
    let sclp =
        |driver: &str| Props::device(driver).with("chardev", chardev).with("id", guest.alias(&console.info));
    match console.kind {
        Some(ConsoleType::Virtio) => virtio_port(guest, "virtconsole", &console.info, chardev),
        Some(ConsoleType::Sclp) if guest.has("sclpconsole") => Ok(sclp("sclpconsole")),
        Some(ConsoleType::Sclplm) if guest.has("sclplmconsole") => Ok(sclp("sclplmconsole")),
        Some(kind @ (ConsoleType::Sclp | ConsoleType::Sclplm)) => {
            Err(unsupported(format!("{}console is not supported in this QEMU binary", kind.as_str())))
        }
        kind => Err(unsupported(format!(
            "unsupported console target type {}",
            kind.map_or("NULL", ConsoleType::as_str)
        ))),
    }
}

fn virtio_port(guest: &Guest<'_>, driver: &str, info: &DeviceInfo, chardev: &str) -> Result<Props> {
    let mut props = Props::device(driver);
    match &info.address {
        Some(Address::VirtioSerial(port)) => {
            let controller = guest.controller_alias("virtio-serial", port.controller)?;
            props.set("bus", format!("{controller}.{}", port.bus));
            props.set("nr", port.port);
        }
        Some(Address::Ccw(_)) | None => {}
        Some(_) => return Err(internal("virtio serial device has invalid address type")),
    }
    Ok(props.with("chardev", chardev).with("id", guest.alias(info)))
}
