//! The addresses of a guest's network cards: by the agent, by the neighbours of the host, by leases.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use virtus_api::constants::*;
use virtus_api::domain::agent::{DomainInterface, DomainIpAddr};
use virtus_api::network::NetworkDhcpLease;
use virtus_api::{Call, DomainRef};
use virtus_base::{ErrorCode, Result};
use virtus_conf::domain::device::Interface;
use virtus_state::gate::AgentJob;
use virtus_xdr::List;

use super::{list, text};
use crate::Driver;
use crate::agent::command;
use crate::domain::Domain;
use crate::error::{error, internal};
use crate::process::taps;

/// `virDomainInterfaceAddresses`.
pub(super) async fn addresses(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    source: u32,
) -> Result<List<DomainInterface, 2_048>> {
    let domain = driver.find(dom)?;
    let view = domain.view();
    let live = Arc::clone(view.live()?);
    let interfaces = &live.model.devices.interfaces;
    let found = match i32::try_from(source).unwrap_or(-1) {
        VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE => leased(&taps::leases(&driver.0, &live.model).await?),
        VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT => {
            let name = "guest-network-get-interfaces";
            read(&command(driver, call, &domain, AgentJob::Query, name, Value::Null).await?)?
        }
        VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP => {
            let table = std::fs::read_to_string("/proc/net/arp")
                .map_err(|e| crate::error::system("cannot read the neighbours of the host", &e))?;
            neighbours(&table, interfaces)
        }
        other => {
            let text = format!("Unknown IP address data source {other}");
            return Err(error(ErrorCode::ARGUMENT_UNSUPPORTED, text));
        }
    };
    Ok(List(found.into_iter().take(2_048).collect()))
}

/// The addresses of cards by their leases.
fn leased(leases: &[(Interface, Vec<NetworkDhcpLease>)]) -> Vec<DomainInterface> {
    let address = |lease: &NetworkDhcpLease| DomainIpAddr {
        kind: lease.kind,
        addr: lease.ipaddr.clone(),
        prefix: lease.prefix,
    };
    let card = |(interface, leases): &(Interface, Vec<NetworkDhcpLease>)| DomainInterface {
        name: crate::devices::host_interface(interface).unwrap_or_default().to_owned(),
        hwaddr: interface.mac.as_ref().map(|mac| mac.address.to_string()),
        addrs: List(leases.iter().take(2_048).map(address).collect()),
    };
    leases.iter().map(card).collect()
}

/// The name a guest gave for its lease.
pub(super) async fn leased_name(driver: &Driver, domain: &Arc<Domain>) -> Result<Option<String>> {
    let Some(live) = domain.view().live.clone() else { return Ok(None) };
    let leases = taps::leases(&driver.0, &live.model).await?;
    Ok(leases.into_iter().flat_map(|(_, leases)| leases).find_map(|lease| lease.hostname))
}

/// Reads the reply of `guest-network-get-interfaces`. Aliases (`eth0:1`) belong to their interface.
pub(super) fn read(reply: &Value) -> Result<Vec<DomainInterface>> {
    let mut order: Vec<String> = Vec::new();
    let mut all: BTreeMap<String, DomainInterface> = BTreeMap::new();
    for found in list(reply, "qemu agent didn't return an array of interfaces")? {
        let name = text(found, "name").ok_or_else(|| internal("qemu agent didn't provide 'name' field"))?;
        let plain = name.split(':').next().unwrap_or(name);
        if !all.contains_key(plain) {
            order.push(plain.to_owned());
        }
        let entry = all.entry(plain.to_owned()).or_insert_with(|| DomainInterface {
            name: plain.to_owned(),
            hwaddr: text(found, "hardware-address").map(str::to_owned),
            addrs: List::default(),
        });
        let Some(addresses) = found.get("ip-addresses") else { continue };
        let not_list = "Malformed ip-addresses array";
        for address in list(addresses, not_list)? {
            let lacks = |field: &str| {
                internal(format!("qemu agent didn't provide '{field}' field for interface '{plain}'"))
            };
            let kind = match text(address, "ip-address-type").ok_or_else(|| lacks("ip-address-type"))? {
                "ipv4" => VIR_IP_ADDR_TYPE_IPV4,
                "ipv6" => VIR_IP_ADDR_TYPE_IPV6,
                other => return Err(internal(format!("unknown ip address type '{other}'"))),
            };
            let addr = text(address, "ip-address").ok_or_else(|| lacks("ip-address"))?.to_owned();
            let prefix = address.get("prefix").and_then(Value::as_u64).and_then(|p| u32::try_from(p).ok());
            let prefix = prefix.ok_or_else(|| internal("malformed 'prefix' field"))?;
            if entry.addrs.len() < 2_048 {
                entry.addrs.0.push(DomainIpAddr { kind, addr, prefix });
            }
        }
    }
    Ok(order.iter().filter_map(|name| all.remove(name)).collect())
}

/// The host's neighbours (`/proc/net/arp`) that are a guest's cards.
fn neighbours(table: &str, interfaces: &[Interface]) -> Vec<DomainInterface> {
    let entries: Vec<(&str, &str)> = table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut fields = line.split_ascii_whitespace();
            let (address, mac) = (fields.next()?, fields.nth(2)?);
            Some((address, mac))
        })
        .collect();
    let mut found = Vec::new();
    for interface in interfaces {
        let Some(mac) = interface.mac.as_ref().map(|mac| mac.address.to_string()) else { continue };
        let own = entries.iter().filter(|(_, known)| known.eq_ignore_ascii_case(&mac));
        let addrs: Vec<DomainIpAddr> = own
            .map(|(addr, _)| DomainIpAddr {
                kind: VIR_IP_ADDR_TYPE_IPV4,
                addr: (*addr).to_owned(),
                prefix: 0,
            })
            .collect();
        if !addrs.is_empty() {
            let name = crate::devices::host_interface(interface).unwrap_or_default().to_owned();
            found.push(DomainInterface { name, hwaddr: Some(mac), addrs: List(addrs) });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_belong_to_their_interface() {
        let reply = serde_json::json!([
            { "name": "lo", "ip-addresses": [
                { "ip-address-type": "ipv4", "ip-address": "127.0.0.1", "prefix": 8 }] },
            { "name": "eth0", "hardware-address": "52:54:00:00:00:01" },
            { "name": "eth0:0", "ip-addresses": [
                { "ip-address-type": "ipv6", "ip-address": "fe80::1", "prefix": 64 }] },
        ]);
        let found = read(&reply).unwrap();
        let seen: Vec<_> = found.iter().map(|i| (i.name.as_str(), i.addrs.len())).collect();
        assert_eq!(seen, [("lo", 1), ("eth0", 1)]);
        assert_eq!(found[1].hwaddr.as_deref(), Some("52:54:00:00:00:01"));
        let wrong = serde_json::json!([{ "name": "e", "ip-addresses": [{ "ip-address-type": "ipv4" }] }]);
        assert_eq!(
            read(&wrong).unwrap_err().message(),
            "internal error: qemu agent didn't provide 'ip-address' field for interface 'e'"
        );
    }
}
