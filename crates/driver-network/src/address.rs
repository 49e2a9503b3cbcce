//! A network's addresses and routes on the host, and whether the host forwards packets for it.

use std::net::IpAddr;

use virtus_base::{Error, ErrorDomain, Result};
use virtus_conf::net::Subnet;
use virtus_conf::network::{ForwardMode, Network};
use virtus_host::net;

/// A route the kernel made from another router's advertisement has this flag in `/proc/net/ipv6_route`.
const ROUTE_ADVERTISED: u32 = 0x0004_0000;

/// An error that is no driver's own.
fn general(text: String) -> Error {
    Error::internal(ErrorDomain::NONE, text)
}

fn system(what: &str, e: &std::io::Error) -> Error {
    Error::system(ErrorDomain::NETWORK, what, e)
}

/// Whether an address of this protocol, or a route, is defined.
pub(crate) fn uses(network: &Network, v4: bool) -> bool {
    let ips = network.ips.iter().map(|ip| ip.address);
    let routes = network.routes.iter().map(|route| route.address);
    ips.chain(routes).any(|address| address.is_ipv4() == v4)
}

/// Refuses a network that another interface of the host is in already.
///
/// # Errors
/// `INTERNAL_ERROR` with the interface.
pub(crate) fn check_collision(network: &Network) -> Result<()> {
    if !uses(network, true) {
        return Ok(());
    }
    let links = net::links()?;
    let interface =
        |number: u32| links.iter().find(|link| link.index == number).map_or("?", |link| link.name.as_str());
    let taken = net::routes()?;
    let find = |subnet: Subnet| {
        taken
            .iter()
            .find(|route| route.network == subnet.network() && u32::from(route.prefix) == subnet.prefix)
    };
    let v4 = |subnet: &Subnet| subnet.address.is_ipv4();
    for subnet in network.ips.iter().filter_map(|ip| ip.subnet()).filter(v4) {
        if let Some(route) = find(subnet) {
            let interface = interface(route.interface);
            return Err(general(format!("Network is already in use by interface {interface}")));
        }
    }
    for subnet in network.routes.iter().filter_map(|route| route.subnet()).filter(v4) {
        if let Some(route) = find(subnet) {
            let (address, interface) = (subnet.network(), interface(route.interface));
            let text = format!("Route address '{address}' conflicts with IP address for '{interface}'");
            return Err(general(text));
        }
    }
    Ok(())
}

/// Sets what the bridge itself does with IPv6: nothing unless it has such an address; and it never believes what guests say
/// of routers.
pub(crate) fn set_ipv6(network: &Network, bridge: &str) -> Result<()> {
    let setting = |name: &str| format!("ipv6/conf/{bridge}/{name}");
    let enable = network.ips.iter().any(|ip| ip.address.is_ipv6());
    if net::sysctl(&setting("disable_ipv6")).is_err() {
        return match enable {
            true => Err(general(format!("cannot enable IPv6 on '{bridge}': the host has none"))),
            false => Ok(()),
        };
    }
    for (name, value) in
        [("disable_ipv6", if enable { "0" } else { "1" }), ("accept_ra", "0"), ("autoconf", "0")]
    {
        let name = setting(name);
        net::set_sysctl(&name, value)
            .map_err(|e| system(&format!("cannot write to /proc/sys/net/{name} on bridge '{bridge}'"), &e))?;
    }
    Ok(())
}

/// Gives the bridge those of its addresses that it does not have.
///
/// # Errors
/// When the kernel refuses.
pub(crate) fn add(network: &Network, bridge: &str) -> Result<()> {
    if network.ips.is_empty() {
        return Ok(());
    }
    let index = net::index(bridge)?;
    let present = net::addresses()?;
    for ip in &network.ips {
        let prefix = ip
            .prefix_length()
            .and_then(|p| u8::try_from(p).ok())
            .ok_or_else(|| general(format!("bridge '{bridge}' has an invalid netmask or IP address")))?;
        if !present.iter().any(|a| a.interface == index && a.ip == ip.address) {
            net::add_address(bridge, ip.address, prefix)?;
        }
    }
    Ok(())
}

/// Adds those of the network's routes that are not there.
///
/// # Errors
/// When the kernel refuses.
pub(crate) fn add_routes(network: &Network, bridge: &str) -> Result<()> {
    if network.routes.is_empty() {
        return Ok(());
    }
    let interface = net::index(bridge)?;
    let present = net::routes()?;
    for route in &network.routes {
        let subnet = route.subnet().ok_or_else(|| {
            general(format!(
                "network '{}' has an invalid netmask or IP address in route definition",
                network.name
            ))
        })?;
        let wanted = net::Route {
            network: subnet.network(),
            prefix: u8::try_from(subnet.prefix).unwrap_or(u8::MAX),
            gateway: Some(route.gateway),
            metric: route.metric.unwrap_or(1),
            interface,
        };
        let same = |r: &&net::Route| r.network == wanted.network && r.prefix == wanted.prefix;
        if !present.iter().any(|r| same(&r) && r.interface == interface && r.gateway == wanted.gateway) {
            net::add_route(bridge, &wanted)?;
        }
    }
    Ok(())
}

/// Has the host forward packets, if the network wants that.
///
/// # Errors
/// When it cannot, or would lose its own way into the world by it.
pub(crate) fn enable_forwarding(network: &Network) -> Result<()> {
    if !matches!(network.mode(), Some(ForwardMode::Nat | ForwardMode::Route | ForwardMode::Open)) {
        return Ok(());
    }
    let set =
        |setting: &str| net::set_sysctl(setting, "1").map_err(|e| system("cannot enable IP forwarding", &e));
    if uses(network, true) {
        set("ipv4/ip_forward")?;
    }
    if uses(network, false) {
        check_advertised_routes()?;
        set("ipv6/conf/all/forwarding")?;
    }
    Ok(())
}

/// A host that forwards IPv6 forgets the routes it learned from advertisements, unless told to keep them.
fn check_advertised_routes() -> Result<()> {
    let forwards = net::sysctl("ipv6/conf/all/forwarding").is_ok_and(|value| value == "1");
    if forwards {
        return Ok(());
    }
    let table = std::fs::read_to_string("/proc/net/ipv6_route").unwrap_or_default();
    let keeps = |interface: &str| {
        net::sysctl(&format!("ipv6/conf/{interface}/accept_ra")).is_ok_and(|value| value == "2")
    };
    match advertised(&table).find(|interface| !keeps(interface)) {
        None => Ok(()),
        Some(interface) => Err(general(format!(
            "Check the host setup: interface {interface} has kernel autoconfigured IPv6 routes and enabling \
             forwarding without accept_ra set to 2 will cause the kernel to flush them, breaking networking."
        ))),
    }
}

/// The interfaces with advertised default routes, in the text of `/proc/net/ipv6_route`.
fn advertised(table: &str) -> impl Iterator<Item = &str> {
    table.lines().filter_map(|line| {
        let mut fields = line.split_whitespace();
        let prefix = fields.nth(1)?;
        let flags = u32::from_str_radix(fields.nth(6)?, 16).ok()?;
        let interface = fields.next()?;
        (prefix == "00" && flags & ROUTE_ADVERTISED != 0 && interface != "lo").then_some(interface)
    })
}

/// Whether an address reaches everybody, so that it is never translated.
pub(crate) fn everybody(v4: bool) -> &'static [&'static str] {
    if v4 { &["224.0.0.0/24", "255.255.255.255"] } else { &["ff02::/16"] }
}

/// The network's subnet an address is in, as the packet filter takes it.
pub(crate) fn subnet_text(subnet: &Subnet) -> String {
    format!("{}/{}", subnet.network(), subnet.prefix)
}

/// The network's own subnets of a protocol.
pub(crate) fn subnets(network: &Network, v4: bool) -> impl Iterator<Item = Subnet> {
    let of = move |address: IpAddr| address.is_ipv4() == v4;
    network.ips.iter().filter(move |ip| of(ip.address)).filter_map(|ip| ip.subnet())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advertised_routes_are_seen() {
        let line = |prefix: &str, flags: &str, dev: &str| {
            let zero = "0".repeat(32);
            format!("{zero} {prefix} {zero} 00 {zero} 00000400 00000001 00000000 {flags} {dev}\n")
        };
        let table =
            line("00", "00450003", "eth0") + &line("00", "00200200", "lo") + &line("40", "00450001", "eth1");
        assert_eq!(advertised(&table).collect::<Vec<_>>(), ["eth0"]);
        assert_eq!(advertised("x\n\n").count(), 0);
    }
}
