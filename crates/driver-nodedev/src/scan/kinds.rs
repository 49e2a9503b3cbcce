//! What kind of device an entry of sysfs is.

use virtus_base::Uuid;
use virtus_conf::nodedev::host::{Capability, LinkInfo, Mdev, Named, ScsiHost};

use super::entry::Entry;
use super::{pci, storage};

/// What an entry is, and what its name ends with; `None` for what is nothing that is told of.
pub(super) fn read(entry: &Entry<'_>) -> Option<(Capability, Option<String>)> {
    let alone = |capability: Option<Capability>| capability.map(|c| (c, None));
    match entry.property("DEVTYPE") {
        Some("usb_device") => return alone(usb_device(entry)),
        Some("usb_interface") => return alone(usb_interface(entry)),
        Some("scsi_host") => return alone(scsi_host(entry)),
        Some("scsi_target") => return alone(scsi_target(entry)),
        Some("scsi_device") => return alone(scsi(entry)),
        Some("disk") => return storage::read(entry),
        Some("drm_minor") => return alone(drm(entry)),
        Some("partition") => return None,
        _ => {}
    }
    match entry.subsystem.as_str() {
        "pci" => alone(pci::read(entry)),
        "net" => net(entry),
        "scsi_generic" => {
            let file = super::device_file(entry.property("DEVNAME")?);
            alone(Some(Capability::ScsiGeneric { file }))
        }
        "mdev" => alone(mdev(entry)),
        "vdpa" => alone(vdpa(entry)),
        "ccw" => alone(channel(entry).map(|address| Capability::Ccw { address })),
        "css" => {
            let mdev_types = pci::mdev_types(entry);
            alone(channel(entry).map(|address| Capability::Css { address, mdev_types }))
        }
        "ap" => alone(ap(entry)),
        "matrix" if entry.name == "matrix" => {
            alone(Some(Capability::ApMatrix { mdev_types: pci::mdev_types(entry) }))
        }
        _ => None,
    }
}

fn usb_device(entry: &Entry<'_>) -> Option<Capability> {
    let text = |property: &str, file: &str| {
        entry
            .property(property)
            .map(str::to_owned)
            .or_else(|| entry.attribute(file))
            .filter(|t| !t.is_empty())
    };
    Some(Capability::UsbDevice {
        bus: entry.number_property("BUSNUM", 10)?,
        device: entry.number_property("DEVNUM", 10)?,
        product: Named {
            id: entry.number("idProduct", 16)?,
            name: text("ID_MODEL_FROM_DATABASE", "product"),
        },
        vendor: Named {
            id: entry.number("idVendor", 16)?,
            name: text("ID_VENDOR_FROM_DATABASE", "manufacturer"),
        },
    })
}

fn usb_interface(entry: &Entry<'_>) -> Option<Capability> {
    Some(Capability::UsbInterface {
        number: entry.number("bInterfaceNumber", 16)?,
        class: entry.number("bInterfaceClass", 16)?,
        subclass: entry.number("bInterfaceSubClass", 16)?,
        protocol: entry.number("bInterfaceProtocol", 16)?,
    })
}

fn net(entry: &Entry<'_>) -> Option<(Capability, Option<String>)> {
    let interface = entry.property("INTERFACE")?.to_owned();
    let address = entry.attribute("address");
    let capability = Capability::Net {
        link: link(entry),
        features: virtus_host::net::features(&interface),
        wireless: entry.property("DEVTYPE") == Some("wlan"),
        address: address.clone(),
        interface,
    };
    Some((capability, address))
}

fn link(entry: &Entry<'_>) -> LinkInfo {
    let state = entry.attribute("operstate");
    let up = state.as_deref() == Some("up");
    // one that is not up says nothing, or something old
    let speed = entry.attribute("speed").filter(|_| up).and_then(|text| text.parse().ok());
    LinkInfo { speed: speed.filter(|speed| *speed > 0), state }
}

fn scsi_host(entry: &Entry<'_>) -> Option<Capability> {
    let host = entry.name.strip_prefix("host")?.parse().ok()?;
    let of_class = |class: &str, name: &str| {
        let path = entry.root.join(format!("sys/class/{class}/host{host}/{name}"));
        Some(std::fs::read_to_string(path).ok()?.trim().to_owned())
    };
    let wwn = |name: &str| of_class("fc_host", name).map(|text| text.trim_start_matches("0x").to_owned());
    let fc_host = wwn("node_name").zip(wwn("port_name"));
    let ports = |name: &str| {
        of_class("fc_host", name).or_else(|| of_class("scsi_host", name)).and_then(|text| text.parse().ok())
    };
    Some(Capability::ScsiHost(ScsiHost {
        host,
        unique_id: of_class("scsi_host", "unique_id").and_then(|text| text.parse().ok()),
        fc_host: fc_host.map(|(node, port)| [node, port, wwn("fabric_name").unwrap_or_default()]),
        vports: ports("max_npiv_vports").zip(ports("npiv_vports_inuse")),
    }))
}

fn scsi_target(entry: &Entry<'_>) -> Option<Capability> {
    let above = entry.path.parent()?.file_name()?.to_str()?;
    let remote_port = above.starts_with("rport-").then(|| {
        let path = entry.root.join(format!("sys/class/fc_remote_ports/{above}/port_name"));
        let wwpn = std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        (above.to_owned(), wwpn)
    });
    Some(Capability::ScsiTarget { target: entry.name.clone(), remote_port })
}

fn scsi(entry: &Entry<'_>) -> Option<Capability> {
    let mut parts = entry.name.split(':').map(|part| part.parse::<u32>().ok());
    let mut next = || parts.next().flatten();
    let address = [next()?, next()?, next()?, next()?];
    let kind = entry.number("type", 10).and_then(|number| {
        Some(match number {
            0x00 => "disk",
            0x01 => "tape",
            0x03 => "processor",
            0x04 => "worm",
            0x05 => "cdrom",
            0x06 => "scanner",
            0x07 => "mod",
            0x08 => "changer",
            0x0c => "raid",
            0x0d => "enclosure",
            _ => return None,
        })
    });
    Some(Capability::Scsi { address, kind })
}

fn drm(entry: &Entry<'_>) -> Option<Capability> {
    let kind = match entry.number_property("MINOR", 10)? >> 6 {
        0 => "primary",
        1 => "control",
        2 => "render",
        _ => return None,
    };
    Some(Capability::Drm { kind })
}

fn mdev(entry: &Entry<'_>) -> Option<Capability> {
    let parent = entry.path.parent()?.file_name()?.to_str()?.to_owned();
    Some(Capability::Mdev(Mdev {
        kind: entry.link_name("mdev_type")?,
        uuid: Some(Uuid::parse(&entry.name)?),
        parent: Some(parent),
        iommu_group: entry.link_name("iommu_group").and_then(|name| name.parse().ok()).unwrap_or(0),
        attributes: Vec::new(),
    }))
}

fn vdpa(entry: &Entry<'_>) -> Option<Capability> {
    let file = entry.names("").into_iter().find(|name| name.starts_with("vhost-vdpa"))?;
    Some(Capability::Vdpa { file: format!("/dev/{file}") })
}

/// An address on a channel: `0.0.fffe`.
fn channel(entry: &Entry<'_>) -> Option<[u32; 3]> {
    let mut parts = entry.name.split('.').map(|part| u32::from_str_radix(part, 16).ok());
    let mut next = || parts.next().flatten();
    Some([next()?, next()?, next()?])
}

fn ap(entry: &Entry<'_>) -> Option<Capability> {
    let hex = |digits: &str| u32::from_str_radix(digits, 16).ok();
    match entry.name.strip_prefix("card") {
        Some(adapter) => Some(Capability::ApCard { adapter: hex(adapter)? }),
        None => {
            let (adapter, domain) = entry.name.split_once('.')?;
            Some(Capability::ApQueue { adapter: hex(adapter)?, domain: hex(domain)? })
        }
    }
}
