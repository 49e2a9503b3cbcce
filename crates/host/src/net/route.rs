//! This host's routes.

use std::net::IpAddr;

use virtus_base::{Error, ErrorDomain};

use super::address::{bytes, family, read};
use super::netlink::{self, Message};

const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PRIORITY: u16 = 6;
const RTA_TABLE: u16 = 15;
/// The length of `struct rtmsg`.
const HEADER: usize = 12;
const MAIN_TABLE: u8 = 254;

/// A route to a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The network's first address.
    pub network: IpAddr,
    /// How many leading bits are the network's.
    pub prefix: u8,
    /// Who it is reached through.
    pub gateway: Option<IpAddr>,
    /// How far it is; the kernel's default when 0.
    pub metric: u32,
    /// The number of the interface it is reached by.
    pub interface: u32,
}

/// Adds a route through an interface.
///
/// # Errors
/// When it is there already, the gateway cannot be reached, or the right to add it is missing.
pub fn add_route(interface: &str, route: &Route) -> Result<(), Error> {
    let index = super::index(interface)?;
    // the last four bytes before the flags: table, who made it (boot time), scope, a unicast route
    let header = [family(route.network), route.prefix, 0, 0, MAIN_TABLE, 3, 0, 1, 0, 0, 0, 0];
    let mut message =
        Message::new(libc::RTM_NEWROUTE, libc::NLM_F_ACK | libc::NLM_F_CREATE | libc::NLM_F_EXCL, &header)
            .attr(RTA_DST, &bytes(route.network))
            .attr(RTA_OIF, &index.to_ne_bytes());
    if let Some(gateway) = route.gateway {
        message = message.attr(RTA_GATEWAY, &bytes(gateway));
    }
    if route.metric > 0 {
        message = message.attr(RTA_PRIORITY, &route.metric.to_ne_bytes());
    }
    netlink::request(message).map_err(|e| {
        let what = format!("Failed to add route to {}/{} on {interface}", route.network, route.prefix);
        Error::system(ErrorDomain::NONE, what, &e)
    })
}

/// The routes of the main table.
///
/// # Errors
/// When the kernel cannot be asked.
pub fn routes() -> Result<Vec<Route>, Error> {
    let message = Message::new(libc::RTM_GETROUTE, libc::NLM_F_DUMP, &[0; HEADER]);
    let answers =
        netlink::dump(message).map_err(|e| Error::system(ErrorDomain::NONE, "cannot list routes", &e))?;
    Ok(answers.iter().filter(|a| a.kind == libc::RTM_NEWROUTE).filter_map(read_route).collect())
}

fn read_route(answer: &netlink::Answer) -> Option<Route> {
    let [family, prefix, _, _, table, ..] = answer.header::<HEADER>()?;
    let all = answer.attributes(HEADER);
    let table = all.get(RTA_TABLE).and_then(netlink::number).unwrap_or(table.into());
    if table != u32::from(MAIN_TABLE) {
        return None;
    }
    let any = match i32::from(family) {
        libc::AF_INET => IpAddr::from([0; 4]),
        libc::AF_INET6 => IpAddr::from([0; 16]),
        _ => return None,
    };
    Some(Route {
        network: all.get(RTA_DST).map_or(Some(any), read)?,
        prefix,
        gateway: all.get(RTA_GATEWAY).and_then(read),
        metric: all.get(RTA_PRIORITY).and_then(netlink::number).unwrap_or(0),
        interface: all.get(RTA_OIF).and_then(netlink::number).unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_listed_and_need_an_interface() {
        assert!(routes().is_ok());
        let route =
            Route { network: [10, 0, 0, 0].into(), prefix: 8, gateway: None, metric: 0, interface: 0 };
        assert!(add_route("no-such-if", &route).is_err());
    }
}
