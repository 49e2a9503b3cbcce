//! What an interface has as long as its guest's address is not known.

use virtus_conf::net::MacAddr;

use super::{Chain, Compiled};

fn chain(name: &str, rules: Vec<String>) -> Chain {
    Chain { name: name.to_owned(), rules }
}

/// The guest may speak IPv4 and ARP under its own hardware address, so that it shows its address.
pub(crate) fn any(mac: MacAddr) -> Compiled {
    let from = [
        format!("ether saddr != {mac} counter drop"),
        "ether type 0x0800 counter accept".to_owned(),
        "ether type 0x0806 counter accept".to_owned(),
        "counter drop".to_owned(),
    ];
    Compiled { chains: vec![chain("from", from.into())], sets: Vec::new() }
}

/// The guest may get an address by DHCP, from these servers if there are any named, and nothing else.
pub(crate) fn dhcp(mac: MacAddr, servers: &[std::net::Ipv4Addr]) -> Compiled {
    let from = vec![
        format!("ether type 0x0800 ether saddr {mac} meta l4proto 17 th sport 68 th dport 67 counter accept"),
        "counter drop".to_owned(),
    ];
    let servers: Vec<String> = match servers {
        [] => vec![String::new()],
        some => some.iter().map(|server| format!("ip saddr {server} ")).collect(),
    };
    let mut to = Vec::new();
    for server in &servers {
        for target in [mac.to_string(), "ff:ff:ff:ff:ff:ff".to_owned()] {
            to.push(format!(
                "ether type 0x0800 ether daddr {target} {server}meta l4proto 17 th sport 67 th dport 68 counter accept"
            ));
        }
    }
    to.push("counter drop".to_owned());
    Compiled { chains: vec![chain("from", from), chain("to", to)], sets: Vec::new() }
}
