//! A network's own bridge: the name and the MAC address its definition does not say, and the device.

use std::path::Path;

use virtus_base::Result;
use virtus_conf::net::MacAddr;
use virtus_conf::network::{MacTableManager, Network};
use virtus_host::net::BridgeOptions;
use virtus_state::definitions::Definitions;

use crate::internal;
use crate::live::Definition;

/// The last number tried for a bridge's name.
const LAST_NUMBER: u32 = 256;
/// The first three bytes of made up MAC addresses.
const MAC_PREFIX: [u8; 3] = [0x52, 0x54, 0x00];

/// Names the bridge and gives it a MAC address, where the network has a bridge of its own.
///
/// # Errors
/// When the name is another network's, or no name is left.
pub(crate) fn complete(network: &mut Network, networks: &Definitions<Definition>) -> Result<()> {
    if !network.has_own_bridge() {
        return Ok(());
    }
    let in_use = |bridge: &str| {
        networks.list().iter().map(|entry| entry.definition()).any(|other| {
            [other.current(), other.next()]
                .iter()
                .any(|other| other.name != network.name && other.bridge.name.as_deref() == Some(bridge))
        })
    };
    let template = match network.bridge.name.as_deref() {
        Some(name) if !name.contains("%d") => {
            if in_use(name) {
                return Err(internal(format!("bridge name '{name}' already in use.")));
            }
            None
        }
        Some(name) if name.matches('%').count() == 1 => Some(name.to_owned()),
        _ => Some("virbr%d".to_owned()),
    };
    if let Some(template) = template {
        let free = |name: &String| !in_use(name) && !Path::new("/sys/class/net").join(name).exists();
        let found = (0..=LAST_NUMBER).map(|n| template.replace("%d", &n.to_string())).find(free);
        network.bridge.name =
            Some(found.ok_or_else(|| internal(format!("Bridge generation exceeded max id {LAST_NUMBER}")))?);
    }
    complete_mac(network)
}

/// Gives the network's own bridge a MAC address, if it has none.
///
/// # Errors
/// When the host has no random numbers.
pub(crate) fn complete_mac(network: &mut Network) -> Result<()> {
    if network.has_own_bridge() && network.mac.is_none() {
        let mut random = [0; 3];
        getrandom::fill(&mut random).map_err(|e| internal(format!("cannot make a MAC address: {e}")))?;
        network.mac = Some(MacAddr::generated(MAC_PREFIX, random));
    }
    Ok(())
}

/// Makes the bridge; it is still turned off.
///
/// # Errors
/// When there is such an interface already or the kernel refuses.
pub(crate) fn create(network: &Network) -> Result<()> {
    let bridge = &network.bridge;
    BridgeOptions {
        name: name(network)?.to_owned(),
        mac: network.mac.map(|mac| mac.0),
        mtu: network.mtu,
        stp: bridge.stp.is_none_or(|stp| stp.is_true()),
        delay: bridge.delay.and_then(|delay| u32::try_from(delay).ok()).unwrap_or(0),
        vlan_filtering: bridge.mac_table_manager == Some(MacTableManager::Libvirt),
    }
    .create()
}

/// The bridge's name.
///
/// # Errors
/// When the network has none, which only happens to one that has no bridge.
pub(crate) fn name(network: &Network) -> Result<&str> {
    let missing = || internal(format!("network '{}' does not have a bridge name.", network.name));
    network.bridge.name.as_deref().ok_or_else(missing)
}
