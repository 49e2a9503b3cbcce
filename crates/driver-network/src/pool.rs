//! Host devices that a network without a bridge of its own hands out.

use std::path::{Path, PathBuf};

use virtus_base::Result;
use virtus_conf::network::{ForwardInterface, ForwardMode, Network, PciAddress};

use crate::{internal, unsupported};

/// Refuses devices that cannot be handed over by themselves.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` with the device.
pub(crate) fn check(network: &Network) -> Result<()> {
    let Some(forward) = network.forward.as_ref().filter(|f| f.mode == ForwardMode::Hostdev) else {
        return Ok(());
    };
    for interface in &forward.interfaces {
        let ForwardInterface::Pci { address, .. } = interface else { continue };
        let device = format!("/sys/bus/pci/devices/{address}");
        if !Path::new(&device).join("physfn").exists() {
            return Err(unsupported(format!(
                "device '{device}' in network '{}' is not an SR-IOV Virtual Function",
                network.name
            )));
        }
    }
    Ok(())
}

/// Lists the virtual functions of the device a pool is made from.
///
/// # Errors
/// When it has none that can be used.
pub(crate) fn fill(network: &mut Network) -> Result<()> {
    let Some(forward) = &mut network.forward else { return Ok(()) };
    let Some(device) = forward.pf.clone().filter(|_| forward.interfaces.is_empty()) else { return Ok(()) };
    let none = || internal(format!("No usable Vf's present on SRIOV PF {device}"));
    if device.contains('/') {
        return Err(none());
    }
    let functions = functions(&PathBuf::from("/sys/class/net").join(&device).join("device"));
    forward.interfaces = functions
        .iter()
        .filter_map(|function| match forward.mode {
            ForwardMode::Hostdev => {
                Some(ForwardInterface::Pci { address: address(function)?, connections: 0 })
            }
            _ => Some(ForwardInterface::Device { dev: interface(function)?, connections: 0 }),
        })
        .collect();
    if forward.interfaces.is_empty() { Err(none()) } else { Ok(()) }
}

/// The virtual functions of a device, in their order.
fn functions(device: &Path) -> Vec<PathBuf> {
    (0u32..)
        .map(|number| device.join(format!("virtfn{number}")))
        .take_while(|link| link.exists())
        .filter_map(|link| link.canonicalize().ok())
        .collect()
}

/// A device's place on the PCI bus, by its directory's name.
fn address(device: &Path) -> Option<PciAddress> {
    let name = device.file_name()?.to_str()?;
    let (place, function) = name.split_once('.')?;
    let mut parts = place.split(':').map(|part| u32::from_str_radix(part, 16).ok());
    let (domain, bus, slot) = (parts.next()??, parts.next()??, parts.next()??);
    Some(PciAddress { domain, bus, slot, function: u32::from_str_radix(function, 16).ok()? })
}

/// The network interface a device has on the host.
fn interface(device: &Path) -> Option<String> {
    std::fs::read_dir(device.join("net")).ok()?.find_map(|entry| entry.ok()?.file_name().into_string().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_by_their_links() {
        let root = tempfile::tempdir().unwrap();
        for (number, name) in ["0000:03:10.0", "0000:03:10.2"].iter().enumerate() {
            let function = root.path().join(name);
            std::fs::create_dir_all(function.join("net").join(format!("vf{number}"))).unwrap();
            std::os::unix::fs::symlink(&function, root.path().join(format!("virtfn{number}"))).unwrap();
        }
        let found = functions(root.path());
        let addresses: Vec<_> = found.iter().map(|f| address(f).unwrap().to_string()).collect();
        assert_eq!(addresses, ["0000:03:10.0", "0000:03:10.2"]);
        assert_eq!(found.iter().map(|f| interface(f).unwrap()).collect::<Vec<_>>(), ["vf0", "vf1"]);
        let xml = "<network><name>n</name><forward mode='hostdev'><pf dev='no-such'/></forward></network>";
        let e = fill(&mut Network::parse(xml, false).unwrap()).unwrap_err();
        assert_eq!(e.message(), "internal error: No usable Vf's present on SRIOV PF no-such");
    }
}
