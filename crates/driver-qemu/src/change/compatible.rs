//! Whether a definition can have a device that is about to join it, or to take another one's place.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::Domain;
use virtus_conf::domain::device::console::SerialType;
use virtus_conf::domain::device::controller::{ControllerKind, UsbModel};
use virtus_conf::domain::device::disk::DiskBus;
use virtus_conf::domain::device::filesystem::FsDriverType;
use virtus_conf::domain::device::hostdev::HostDevSource;
use virtus_conf::domain::device::input::InputBus;
use virtus_conf::domain::device::sound::SoundModel;
use virtus_conf::domain::device::{Address, Device, DeviceInfo};

fn unsupported(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::DOMAIN, ErrorCode::CONFIG_UNSUPPORTED, text)
}

/// Whether `device` can join.
///
/// # Errors
/// `CONFIG_UNSUPPORTED`: an alias or a boot order that is taken, no USB, no room for memory.
pub(crate) fn joins(domain: &Domain, device: &Device) -> Result<()> {
    unique_alias(domain, device)?;
    fits(domain, device, None)?;
    let Device::Memory(memory) = device else { return Ok(()) };
    let size = memory.target.size.0;
    let max = domain.max_memory.as_ref().map_or(0, |max| max.size.0);
    if domain.memory.size.0.saturating_add(size) > max {
        return Err(unsupported(format!(
            "Attaching memory device with size '{size}' would exceed domain's maxMemory config size '{max}'"
        )));
    }
    Ok(())
}

/// Whether `device` can take the place of a device that has `old`; of a running guest if `live`.
///
/// # Errors
/// `OPERATION_DENIED` for another alias or ACPI index in a running guest, otherwise as [`joins`].
pub(crate) fn replaces(domain: &Domain, device: &Device, old: Option<&DeviceInfo>, live: bool) -> Result<()> {
    if let (true, Some(new), Some(old)) = (live, device.info(), old) {
        let denied = |text| Err(Error::new(ErrorDomain::DOMAIN, ErrorCode::OPERATION_DENIED, text));
        if new.alias.is_some() && old.alias.is_some() && new.alias != old.alias {
            return denied("changing device alias is not allowed");
        }
        if new.acpi_index != old.acpi_index {
            return denied("changing device 'acpi index' is not allowed");
        }
    }
    fits(domain, device, old)
}

fn unique_alias(domain: &Domain, device: &Device) -> Result<()> {
    let Some(alias) = device.info().and_then(|info| info.alias.as_deref()) else { return Ok(()) };
    let mut taken = false;
    domain.devices.each_info(|_, info| taken |= info.alias.as_deref() == Some(alias));
    if taken { Err(unsupported(format!("non unique alias detected: {alias}"))) } else { Ok(()) }
}

fn fits(domain: &Domain, device: &Device, old: Option<&DeviceInfo>) -> Result<()> {
    let has_usb = domain.devices.controllers.iter().any(|controller| {
        matches!(&controller.kind, ControllerKind::Usb { model, .. } if *model != Some(UsbModel::None))
    });
    if !has_usb && is_usb(device) {
        return Err(unsupported("Device configuration is not compatible: Domain has no USB bus support"));
    }
    if let Some(order) = device.info().and_then(|info| info.boot.as_ref()).map(|boot| boot.order) {
        if !domain.os.boot.is_empty() {
            return Err(unsupported(
                "per-device boot elements cannot be used together with os/boot elements",
            ));
        }
        let mut taken = false;
        domain.devices.each_info(|_, info| {
            let same = old.is_some_and(|old| std::ptr::eq(old, info));
            taken |= !same && info.boot.as_ref().is_some_and(|boot| boot.order == order);
        });
        if taken {
            return Err(unsupported(format!("boot order {order} is already used by another device")));
        }
    }
    if matches!(device, Device::Memory(_)) && domain.max_memory.is_none() {
        return Err(unsupported("cannot use/hotplug a memory device when domain 'maxMemory' is not defined"));
    }
    Ok(())
}

fn is_usb(device: &Device) -> bool {
    match device {
        Device::Hub(_) | Device::RedirDev(_) => true,
        Device::HostDev(hostdev) => matches!(hostdev.source, HostDevSource::Usb(_)),
        Device::Disk(disk) => disk.bus() == Some(DiskBus::Usb),
        Device::Interface(net) => net.model() == Some("usb-net"),
        Device::Controller(controller) => matches!(controller.kind, ControllerKind::Ccid { .. }),
        Device::Input(input) => input.bus == Some(InputBus::Usb),
        Device::Serial(serial) => serial.target.kind == Some(SerialType::Usb),
        Device::Sound(sound) => sound.model == SoundModel::Usb,
        Device::Filesystem(filesystem) => filesystem.driver.kind == Some(FsDriverType::Mtp),
        _ => false,
    }
}

/// Whether a device of the definition is at this address.
pub(crate) fn address_taken(domain: &Domain, address: &Address) -> bool {
    let mut taken = false;
    domain.devices.each_info(|_, info| taken |= info.address.as_ref() == Some(address));
    taken
}
