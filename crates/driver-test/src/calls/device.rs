//! Devices that join, leave and change.

use async_trait::async_trait;
use virtus_api::constants::*;
use virtus_api::{Call, DomainDevices, DomainEvent, DomainRef, Event};
use virtus_base::{ErrorCode, Result};
use virtus_conf::domain::device::disk::{Disk, DiskBus, DiskDevice};
use virtus_conf::domain::device::hostdev::HostDevSource;
use virtus_conf::domain::device::interface::InterfaceSource;
use virtus_conf::domain::device::{Device, DeviceKind, HostDev, Interface};
use virtus_conf::domain::post_parse::order::insert_disk;
use virtus_conf::domain::{self as conf, ParseOptions, post_parse, validate};

use crate::domain::{Domain, INACTIVE, complete, videos};
use crate::error::generic;
use crate::{Driver, bad_argument, error, flags, internal};

const LIVE: u32 = VIR_DOMAIN_AFFECT_LIVE;
const IMPACT: u32 = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;

fn unsupported(text: String) -> virtus_base::Error {
    error(ErrorCode::OPERATION_UNSUPPORTED, text)
}

/// What errors call a kind of device.
fn name(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Serial | DeviceKind::Parallel | DeviceKind::Console | DeviceKind::Channel => "chr",
        other => other.name(),
    }
}

/// Reads a device and fills in what it leaves out, as it would be in `domain`.
fn read(domain: &conf::Domain, xml: &str, options: &ParseOptions) -> Result<Device> {
    let device = Device::parse(xml, options)?;
    let kind = device.kind();
    let mut around = domain.clone();
    if kind == DeviceKind::Disk {
        // only its own place matters here
        around.devices.disks.clear();
    }
    around.devices.push(device);
    videos(&mut around);
    post_parse::isa_serial_ports(&mut around)?;
    post_parse::devices(&mut around)?;
    let device = around.devices.pop(kind).ok_or_else(|| internal("the device is lost"))?;
    validate::device(&device, domain)?;
    Ok(device)
}

/// Refuses what the domain has no room for.
fn fits(domain: &conf::Domain, device: &Device) -> Result<()> {
    if let Some(alias) = device.info().and_then(|info| info.alias.as_deref()) {
        let mut taken = false;
        domain.devices.each_info(|_, info| taken |= info.alias.as_deref() == Some(alias));
        if taken {
            let text = format!("non unique alias detected: {alias}");
            return Err(generic(ErrorCode::CONFIG_UNSUPPORTED, text));
        }
    }
    let usb = match device {
        Device::Disk(disk) => disk.bus() == Some(DiskBus::Usb),
        Device::HostDev(hostdev) => matches!(hostdev.source, HostDevSource::Usb(_)),
        Device::Input(input) => input.bus.is_some_and(|bus| bus.as_str() == "usb"),
        _ => false,
    };
    let has_usb = domain.devices.controllers.iter().any(|controller| controller.kind.tag() == "usb");
    if usb && !has_usb {
        let text = "Device configuration is not compatible: Domain has no USB bus support";
        return Err(generic(ErrorCode::CONFIG_UNSUPPORTED, text));
    }
    Ok(())
}

/// Plugs a device into a running domain, and says its alias.
fn attach(domain: &mut Domain, device: Device) -> Result<Option<String>> {
    match device {
        Device::Disk(disk) => attach_disk(&mut domain.definition, *disk),
        Device::Interface(net) => attach_interface(&mut domain.definition, *net),
        Device::HostDev(hostdev) => attach_hostdev(&mut domain.definition, *hostdev),
        other => Err(unsupported(format!("live attach of device '{}' is not supported", name(other.kind())))),
    }
}

fn attach_disk(domain: &mut conf::Domain, mut disk: Disk) -> Result<Option<String>> {
    let bus = disk.bus().map_or("none", DiskBus::as_str);
    if disk.device == DiskDevice::Floppy {
        return Err(unsupported("floppy device hotplug isn't supported".to_owned()));
    }
    if disk.bus() != Some(DiskBus::Virtio) {
        return Err(unsupported(format!("disk bus '{bus}' cannot be hotplugged.")));
    }
    if let Some(other) = domain.devices.disks.iter().find(|other| other.dst() == disk.dst()) {
        let source = |disk: &Disk| disk.source.path().unwrap_or_default().to_owned();
        let text = format!(
            "target '{}' duplicated for disk sources '{}' and '{}'",
            disk.dst(),
            source(other),
            source(&disk)
        );
        return Err(generic(ErrorCode::XML_ERROR, text));
    }
    let number = number_of(disk.dst());
    let alias = disk.info.alias.get_or_insert_with(|| format!("virtio-disk{number}")).clone();
    insert_disk(&mut domain.devices.disks, disk);
    Ok(Some(alias))
}

/// Which disk of its bus a target names: 0 for `vda`, 26 for `vdaa`.
fn number_of(target: &str) -> u64 {
    let letters = target.get(2..).unwrap_or_default().bytes().take_while(u8::is_ascii_lowercase).take(8);
    letters.fold(0, |number: u64, letter| number * 26 + u64::from(letter - b'a') + 1).saturating_sub(1)
}

fn attach_interface(domain: &mut conf::Domain, mut net: Interface) -> Result<Option<String>> {
    if !matches!(net.source, InterfaceSource::Ethernet(_) | InterfaceSource::Bridge(_)) {
        let text = format!("hotplug of interface type of {} is not implemented yet", net.source.tag());
        return Err(unsupported(text));
    }
    let numbers = domain
        .devices
        .interfaces
        .iter()
        .filter_map(|net| net.info.alias.as_deref()?.strip_prefix("net")?.parse::<u32>().ok());
    let free = numbers.max().map_or(0, |last| last.saturating_add(1));
    let alias = net.info.alias.get_or_insert_with(|| format!("net{free}")).clone();
    domain.devices.interfaces.push(net);
    Ok(Some(alias))
}

fn attach_hostdev(domain: &mut conf::Domain, hostdev: HostDev) -> Result<Option<String>> {
    let refuse = |text: String| Err(error(ErrorCode::CONFIG_UNSUPPORTED, text));
    match &hostdev.source {
        HostDevSource::Pci(_) => {}
        HostDevSource::Storage { .. } | HostDevSource::Misc { .. } | HostDevSource::Net { .. } => {
            return refuse("hotplug is not supported for hostdev mode 'capabilities'".to_owned());
        }
        other => {
            return refuse(format!("hotplug is not supported for hostdev subsys type '{}'", other.tag()));
        }
    }
    if hostdev.driver.as_ref().and_then(|driver| driver.name).is_some_and(|name| name.as_str() == "xen") {
        return refuse("test hypervisor does not support device assignment mode 'xen'".to_owned());
    }
    let alias = hostdev.info.alias.clone();
    domain.devices.hostdevs.push(hostdev);
    Ok(alias)
}

/// Unplugs the device of an alias.
fn detach(domain: &mut conf::Domain, alias: &str) -> Result<()> {
    let mut found = Vec::new();
    domain.devices.each_info(|kind, info| {
        if info.alias.as_deref() == Some(alias) {
            found.push(kind);
        }
    });
    let has = |info: &conf::device::DeviceInfo| info.alias.as_deref() == Some(alias);
    match found.as_slice() {
        [] => Err(generic(ErrorCode::INTERNAL_ERROR, format!("no device found with alias {alias}"))),
        [DeviceKind::Disk] => {
            domain.devices.disks.retain(|disk| !has(&disk.info));
            Ok(())
        }
        [DeviceKind::HostDev] => {
            domain.devices.hostdevs.retain(|hostdev| !has(&hostdev.info));
            Ok(())
        }
        // the reference comes to every network interface twice, and so never takes one out
        [DeviceKind::Interface] | [_, _, ..] => {
            Err(generic(ErrorCode::OPERATION_FAILED, "multiple matching devices found"))
        }
        [other] => Err(unsupported(format!("live detach of device '{}' is not supported", name(*other)))),
    }
}

/// Puts a disk in the place of the one of its target.
fn update(domain: &conf::Domain, device: Device) -> Result<conf::Domain> {
    let Device::Disk(disk) = device else {
        let kind = name(device.kind());
        return Err(unsupported(format!("persistent update of device '{kind}' is not supported")));
    };
    let mut domain = domain.clone();
    let found = domain.devices.disks.iter_mut().find(|other| other.dst() == disk.dst());
    match found {
        Some(found) => *found = *disk,
        None => return Err(bad_argument(format!("target {} doesn't exist.", disk.dst()))),
    }
    let id = domain.id;
    let domain = complete(domain, ParseOptions { skip_validate: true, ..INACTIVE })?;
    Ok(conf::Domain { id, ..domain })
}

#[async_trait]
impl DomainDevices for Driver {
    async fn domain_attach_device(&self, call: &Call, dom: DomainRef, xml: String) -> Result<()> {
        self.domain_attach_device_flags(call, dom, xml, 0).await
    }

    async fn domain_attach_device_flags(
        &self,
        _: &Call,
        dom: DomainRef,
        xml: String,
        given: u32,
    ) -> Result<()> {
        self.change(|state, events| {
            let domain = state.domain(&dom)?;
            live_only(domain, given, "testDomainAttachDeviceLiveAndConfig")?;
            let device = read(&domain.definition, &xml, &INACTIVE)?;
            fits(&domain.definition, &device)?;
            if let Some(dev_alias) = attach(domain, device)? {
                events.push(Event::Domain(domain.reference(), DomainEvent::DeviceAdded { dev_alias }));
            }
            domain.find_taints();
            Ok(())
        })
    }

    async fn domain_update_device_flags(
        &self,
        _: &Call,
        dom: DomainRef,
        xml: String,
        given: u32,
    ) -> Result<()> {
        flags(given, IMPACT, "testDomainUpdateDeviceFlags")?;
        self.change(|state, events| {
            let domain = state.domain(&dom)?;
            let affects = domain.affects(given)?;
            let options = ParseOptions { inactive: affects.config && !affects.live, ..INACTIVE };
            // both are made before either takes effect
            let config = match affects.config {
                false => None,
                true => {
                    let config = domain.config();
                    Some(update(config, read(config, &xml, &options)?)?)
                }
            };
            if affects.live {
                let device = read(&domain.definition, &xml, &options)?;
                domain.definition = update(&domain.definition, device)?;
            }
            if let Some(config) = config {
                *domain.config() = config;
                let event = domain.lifecycle(VIR_DOMAIN_EVENT_DEFINED, VIR_DOMAIN_EVENT_DEFINED_UPDATED);
                events.push(event);
            }
            Ok(())
        })
    }

    async fn domain_detach_device_alias(
        &self,
        _: &Call,
        dom: DomainRef,
        alias: String,
        given: u32,
    ) -> Result<()> {
        self.change(|state, events| {
            let domain = state.domain(&dom)?;
            live_only(domain, given, "testDomainDetachDeviceAliasLiveAndConfig")?;
            detach(&mut domain.definition, &alias)?;
            let event = DomainEvent::DeviceRemoved { dev_alias: alias };
            events.push(Event::Domain(domain.reference(), event));
            Ok(())
        })
    }
}

/// Refuses to change what a domain is defined as: this driver plugs only.
fn live_only(domain: &Domain, given: u32, function: &str) -> Result<()> {
    let affects = domain.affects(given)?;
    let config = if affects.config { VIR_DOMAIN_AFFECT_CONFIG } else { 0 };
    flags(given | config, LIVE, function)
}

#[cfg(test)]
mod tests {
    use super::number_of;

    #[test]
    fn targets_are_numbered_by_their_letters() {
        assert_eq!([number_of("vda"), number_of("vdz"), number_of("vdaa"), number_of("vd")], [0, 25, 26, 0]);
    }
}
