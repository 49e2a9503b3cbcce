//! PCI devices.

use virtus_conf::nodedev::host::{Capability, MdevType, Named, PciAddress, PciDevice, PcieLink};

use super::entry::Entry;
use super::ids;

/// Where a device's configuration has the kind of its header, its status and the list of what it can do.
const HEADER_TYPE: usize = 0x0e;
const STATUS: usize = 0x06;
const HAS_LIST: u8 = 0x10;
const LIST: usize = 0x34;
const EXPRESS: u8 = 0x10;
/// The size of a configuration without PCI express, in bytes.
const PCI_SIZE: usize = 256;

pub(super) fn read(entry: &Entry<'_>) -> Option<Capability> {
    let (vendor, product) = (entry.number("vendor", 16)?, entry.number("device", 16)?);
    let (vendor_name, product_name) = ids::pci(entry.root, vendor, product);
    let config = std::fs::read(entry.path.join("config")).unwrap_or_default();
    let functions: Vec<PciAddress> = {
        let mut names: Vec<String> =
            entry.names("").into_iter().filter(|n| n.starts_with("virtfn")).collect();
        names.sort_by_key(|name| (name.len(), name.clone()));
        names.iter().filter_map(|name| PciAddress::parse(&entry.link_name(name)?)).collect()
    };
    let most = entry.number("sriov_totalvfs", 10);
    Some(Capability::Pci(Box::new(PciDevice {
        class: entry.number_property("PCI_CLASS", 16),
        address: PciAddress::parse(&entry.name)?,
        product: Named { id: product, name: product_name },
        vendor: Named { id: vendor, name: vendor_name },
        physical_function: entry.link_name("physfn").and_then(|name| PciAddress::parse(&name)),
        virtual_functions: most
            .filter(|most| *most > 0 || !functions.is_empty())
            .map(|most| (most, functions)),
        header: match config.get(HEADER_TYPE).map(|kind| kind & 0x7f) {
            Some(1) => Some("pci-bridge"),
            Some(2) => Some("cardbus-bridge"),
            _ => None,
        },
        mdev_types: mdev_types(entry),
        iommu_group: iommu_group(entry),
        numa_node: entry.attribute("numa_node").and_then(|text| text.parse().ok()),
        express: express(&config),
    })))
}

fn iommu_group(entry: &Entry<'_>) -> Option<(u32, Vec<PciAddress>)> {
    let number = entry.link_name("iommu_group")?.parse().ok()?;
    let devices = entry.names("iommu_group/devices").iter().filter_map(|n| PciAddress::parse(n)).collect();
    Some((number, devices))
}

/// The kinds of mediated devices a device can have.
pub(super) fn mdev_types(entry: &Entry<'_>) -> Vec<MdevType> {
    let one = |id: String| {
        let file = |name: &str| entry.attribute(&format!("mdev_supported_types/{id}/{name}"));
        Some(MdevType {
            name: file("name").filter(|name| !name.is_empty()),
            api: file("device_api")?,
            available: file("available_instances")?.parse().ok()?,
            id,
        })
    };
    entry.names("mdev_supported_types").into_iter().filter_map(one).collect()
}

/// What a configuration says of PCI express; one that is larger than PCI's is such a device's in any case.
fn express(config: &[u8]) -> Option<Option<[PcieLink; 2]>> {
    capability(config).map(|at| links(config, at)).or((config.len() > PCI_SIZE).then_some(None))
}

/// Where a configuration has what it says of PCI express.
fn capability(config: &[u8]) -> Option<usize> {
    if config.get(STATUS)? & HAS_LIST == 0 {
        return None;
    }
    let mut at = usize::from(*config.get(LIST)?) & !3;
    // a list that goes in circles ends here
    for _ in 0..48 {
        if at == 0 {
            return None;
        }
        if *config.get(at)? == EXPRESS {
            return Some(at);
        }
        at = usize::from(*config.get(at + 1)?) & !3;
    }
    None
}

fn links(config: &[u8], at: usize) -> Option<[PcieLink; 2]> {
    let word = |offset: usize| {
        config.get(at + offset..).and_then(|rest| rest.first_chunk()).map(|bytes| u32::from_le_bytes(*bytes))
    };
    let kind = word(2)? >> 4 & 0xf;
    // what is part of the root complex has no link
    if matches!(kind, 9 | 10) {
        return None;
    }
    let (can, is) = (word(0xc)?, word(0x10)? >> 16);
    let link = |value: u32, port: Option<u32>| PcieLink {
        port,
        speed: match value & 0xf {
            1 => "2.5",
            2 => "5",
            3 => "8",
            4 => "16",
            5 => "32",
            6 => "64",
            _ => "",
        },
        width: value >> 4 & 0x3f,
    };
    Some([link(can, Some(can >> 24)), link(is, None)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_are_followed_to_their_link() {
        let mut config = vec![0; 256];
        assert_eq!(express(&config), None);
        config[STATUS] = HAS_LIST;
        config[LIST] = 0x40;
        config[0x40..0x42].copy_from_slice(&[5, 0x50]);
        config[0x50..0x54].copy_from_slice(&[EXPRESS, 0, 0x12, 0]);
        config[0x5c..0x60].copy_from_slice(&[0x83, 0, 0, 7]);
        config[0x62..0x64].copy_from_slice(&[0x41, 0]);
        let [can, is] = express(&config).unwrap().unwrap();
        assert_eq!((can.port, can.speed, can.width), (Some(7), "8", 8));
        assert_eq!((is.port, is.speed, is.width), (None, "2.5", 4));
        config[0x52] = 0x92;
        assert_eq!(express(&config), Some(None));
        // in circles
        config[0x50] = 0;
        config[0x51] = 0x40;
        assert_eq!(express(&config), None);
        assert_eq!(express(&[]), None);
        assert_eq!(express(&[0; 4096]), Some(None));
    }
}
