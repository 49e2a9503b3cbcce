//! What the packet filter does for a network with a bridge of its own: who may reach whom through the host, and
//! whose addresses are translated.
//!
//! Each network has a table of its own, so that a change is one script the kernel takes as a whole, whatever was
//! there before: the table is made, if need be, removed, and made anew. Nothing else on the host is touched.
//!
//! ```text
//! table inet virtus_net_virbr0
//!   chain forward      what goes through the host to or from the bridge
//!   chain from_guests  a NAT network's guests may send from their own addresses, and nobody else
//!   chain to_guests    they get answers; guests of a routed network get everything
//!   chain postrouting  the guests' addresses become the host's
//! ```

use virtus_base::Result;
use virtus_conf::net::Subnet;
use virtus_conf::network::{ForwardMode, Nat, Network};
use virtus_host::nft;
use virtus_host::nft::Script;
use virtus_xml::YesNo;

use crate::address::{everybody, subnet_text, subnets};
use crate::{Shared, bridge};

/// What the names of our tables begin with.
pub(crate) const PREFIX: &str = "virtus_net_";

/// The ports a NAT network uses unless told otherwise.
pub(crate) const NAT_PORTS: (u16, u16) = (1024, 65535);

impl Shared {
    /// Puts a network's rules in place, whatever was there.
    ///
    /// # Errors
    /// What nft said.
    pub(crate) fn apply_rules(&self, network: &Network) -> Result<()> {
        rules(network)?.apply(self.runner())
    }

    /// Takes a network's rules away.
    ///
    /// # Errors
    /// What nft said.
    pub(crate) fn remove_rules(&self, network: &Network) -> Result<()> {
        if !has_rules(network) {
            return Ok(());
        }
        let table = table(bridge::name(network)?);
        // somebody may have ended nft; rules without a network are worth a second try
        self.remove_table(&table).or_else(|_| self.remove_table(&table))
    }

    /// Removes a table, if it is there.
    ///
    /// # Errors
    /// What nft said.
    pub(crate) fn remove_table(&self, table: &str) -> Result<()> {
        let mut script = Script::default();
        remove(&mut script, table);
        script.apply(self.runner())
    }
}

/// Whether a network has rules at all: an open one's are somebody else's.
pub(crate) fn has_rules(network: &Network) -> bool {
    network.has_own_bridge() && network.mode() != Some(ForwardMode::Open)
}

/// The name of a network's table, if it has one.
pub(crate) fn table_of(network: &Network) -> Option<String> {
    network.bridge.name.as_deref().filter(|_| has_rules(network)).map(table)
}

/// The name of a bridge's table: nft takes letters, digits and few others.
fn table(bridge: &str) -> String {
    let mut name = PREFIX.to_owned();
    for byte in bridge.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' => name.push(char::from(byte)),
            _ => name.push_str(&format!("_{byte:02x}")),
        }
    }
    name
}

fn remove(script: &mut Script, table: &str) {
    // removing what is not there would fail
    nft!(script, "add table inet {table}");
    nft!(script, "delete table inet {table}");
}

/// The rules of a network, as a script that replaces those there are.
///
/// # Errors
/// When the bridge's or a device's name is none.
pub(crate) fn rules(network: &Network) -> Result<Script> {
    let mut script = Script::default();
    if !has_rules(network) {
        return Ok(script);
    }
    let name = bridge::name(network)?;
    let (table, bridge) = (table(name), nft::interface(name)?);
    let mode = network.mode();
    let forward = network.forward.as_ref();
    let device = forward.and_then(|f| f.first_device()).map(nft::interface).transpose()?;
    let toward = device.as_ref().map(|d| format!(" oifname {d}")).unwrap_or_default();
    let coming = device.as_ref().map(|d| format!(" iifname {d}")).unwrap_or_default();
    let nat = forward.and_then(|f| f.nat.clone()).unwrap_or_default();
    let translated = |v4: bool| mode == Some(ForwardMode::Nat) && (v4 || nat.ipv6 == Some(YesNo::Yes));
    remove(&mut script, &table);
    nft!(script, "table inet {table} {{");
    nft!(script, "  chain from_guests {{");
    if mode.is_some() {
        for_each(network, |v4, subnet| {
            let ip = if v4 { "ip" } else { "ip6" };
            nft!(script, "    {ip} saddr {subnet}{toward} counter accept");
        });
    }
    nft!(script, "    counter reject");
    nft!(script, "  }}");
    nft!(script, "  chain to_guests {{");
    if mode.is_some() {
        for_each(network, |v4, subnet| {
            let ip = if v4 { "ip" } else { "ip6" };
            let known = if translated(v4) { " ct state established,related" } else { "" };
            nft!(script, "    {ip} daddr {subnet}{coming}{known} counter accept");
        });
    }
    nft!(script, "    counter reject");
    nft!(script, "  }}");
    nft!(script, "  chain forward {{");
    nft!(script, "    type filter hook forward priority filter; policy accept;");
    nft!(script, "    iifname {bridge} oifname {bridge} counter accept");
    nft!(script, "    iifname {bridge} jump from_guests");
    nft!(script, "    oifname {bridge} jump to_guests");
    nft!(script, "  }}");
    if mode == Some(ForwardMode::Nat) {
        nft!(script, "  chain postrouting {{");
        nft!(script, "    type nat hook postrouting priority srcnat; policy accept;");
        for v4 in [true, false].into_iter().filter(|v4| translated(*v4)) {
            for subnet in subnets(network, v4) {
                translate(&mut script, &subnet, v4, &nat, &toward);
            }
        }
        nft!(script, "  }}");
    }
    nft!(script, "}}");
    Ok(script)
}

fn for_each(network: &Network, mut rule: impl FnMut(bool, String)) {
    for v4 in [true, false] {
        for subnet in subnets(network, v4) {
            rule(v4, subnet_text(&subnet));
        }
    }
}

/// Has packets from a subnet to anywhere else leave with another address.
fn translate(script: &mut Script, subnet: &Subnet, v4: bool, nat: &Nat, toward: &str) {
    let ip = if v4 { "ip" } else { "ip6" };
    let subnet = subnet_text(subnet);
    for all in everybody(v4) {
        nft!(script, "    {ip} saddr {subnet} {ip} daddr {all}{toward} counter return");
    }
    let addresses = nat.addresses.filter(|(start, _)| start.is_ipv4() == v4);
    let target = |ports: Option<(u16, u16)>| {
        let ports = ports.map(|(start, end)| format!(":{start}-{end}")).unwrap_or_default();
        match addresses {
            None if ports.is_empty() => "masquerade".to_owned(),
            None => format!("masquerade to {ports}"),
            Some((start, end)) if v4 => format!("snat {ip} to {start}-{end}{ports}"),
            Some((start, end)) if ports.is_empty() => format!("snat {ip} to {start}-{end}"),
            Some((start, end)) => format!("snat {ip} to [{start}]-[{end}]{ports}"),
        }
    };
    let elsewhere = format!("{ip} saddr {subnet} {ip} daddr != {subnet}");
    let ports = target(Some(nat.ports.filter(|p| *p != (0, 0)).unwrap_or(NAT_PORTS)));
    nft!(script, "    meta l4proto {{ tcp, udp }} {elsewhere}{toward} counter {ports}");
    nft!(script, "    {elsewhere}{toward} counter {}", target(None));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(inside: &str) -> String {
        let text = format!("<network><name>n</name><bridge name='virbr7'/>{inside}</network>");
        rules(&Network::parse(&text, true).unwrap()).unwrap().text().to_owned()
    }

    #[test]
    fn a_nat_network_lets_out_and_back_in() {
        let text = script(
            "<forward mode='nat' dev='eth0'><nat><port start='5' end='9'/></nat></forward><ip address='10.1.0.1' prefix='24'/>",
        );
        for line in [
            "add table inet virtus_net_virbr7\ndelete table inet virtus_net_virbr7\n",
            "ip saddr 10.1.0.0/24 oifname \"eth0\" counter accept\n    counter reject",
            "ip daddr 10.1.0.0/24 iifname \"eth0\" ct state established,related counter accept",
            "meta l4proto { tcp, udp } ip saddr 10.1.0.0/24 ip daddr != 10.1.0.0/24 oifname \"eth0\" counter masquerade to :5-9",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }

    #[test]
    fn other_networks_are_not_translated() {
        let routed = script("<forward mode='route'/><ip address='10.1.0.1' prefix='24'/>");
        assert!(routed.contains("ip daddr 10.1.0.0/24 counter accept") && !routed.contains("masquerade"));
        let isolated = script("<ip address='10.1.0.1' prefix='24'/>");
        assert!(!isolated.contains("10.1.0") && isolated.contains("counter reject"));
        assert_eq!(script("<forward mode='open'/><ip address='10.1.0.1' prefix='24'/>"), "");
        let v6 = "<ip family='ipv6' address='2001:db8::1' prefix='64'/>";
        let plain = script(&format!("<forward/><ip address='10.1.0.1' prefix='24'/>{v6}"));
        assert!(
            plain.contains("ip6 saddr 2001:db8::/64 counter accept")
                && !plain.contains("ip6 saddr 2001:db8::/64 ip6 daddr")
        );
        let nat66 = script(&format!("<forward><nat ipv6='yes'/></forward>{v6}"));
        assert!(nat66.contains("ip6 daddr != 2001:db8::/64 counter masquerade to :1024-65535"), "{nat66}");
    }

    #[test]
    fn tables_have_names_nft_takes() {
        assert_eq!(table("br-0_a"), "virtus_net_br-0_5fa");
        assert_eq!(table("b@r"), "virtus_net_b_40r");
    }
}
