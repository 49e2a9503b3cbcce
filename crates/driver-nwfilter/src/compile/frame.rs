//! Rules that look at frames, which libvirt has in ebtables.

use virtus_base::Result;
use virtus_conf::nwfilter::{Protocol, Rule, RuleValue};

use super::flow::GRATUITOUS;
use super::matching::{Matching, turned};
use super::{prefix, verdict};

const ARP: &str = "ether type 0x0806";
const RARP: &str = "ether type 0x8035";
const IPV4: &str = "ether type 0x0800";
const IPV6: &str = "ether type 0x86dd";
const VLAN: &str = "ether type 0x8100";
/// Where spanning tree speaks to.
const STP: &str = "ether daddr 01:80:c2:00:00:00";

/// Whether rules of this protocol look at frames.
pub(super) fn is_one(protocol: Option<Protocol>) -> bool {
    use Protocol as P;
    matches!(protocol, None | Some(P::Mac | P::Vlan | P::Stp | P::Arp | P::Rarp | P::Ip | P::Ipv6))
}

/// Which packets pass a chain of this name, told by its beginning, with a blank behind.
pub(super) fn of_chain(chain: &str) -> String {
    let kind = chain.split_once('-').map_or(chain, |(kind, _)| kind);
    let guard = match kind {
        "vlan" => VLAN,
        "stp" => STP,
        "arp" => ARP,
        "rarp" => RARP,
        "ipv4" => IPV4,
        "ipv6" => IPV6,
        _ => return String::new(),
    };
    format!("{guard} ")
}

/// A rule's line; `swapped` is for a rule of both ways on the way from the guest, whose source is the other end.
pub(super) fn line(interface: &str, rule: &Rule, swapped: bool) -> Result<String> {
    let mut matching = Matching::default();
    let m = &mut matching;
    match rule.protocol {
        None => {}
        Some(Protocol::Mac) => {
            macs(m, rule, swapped);
            m.equal(rule, "protocolid", "ether type");
        }
        Some(Protocol::Vlan) => {
            m.add(VLAN);
            macs(m, rule, swapped);
            m.equal(rule, "vlanid", "vlan id");
            m.equal(rule, "encap-protocol", "vlan type");
        }
        Some(Protocol::Stp) => stp(m, rule),
        Some(Protocol::Ip) => {
            m.add(IPV4);
            macs(m, rule, swapped);
            m.addresses(rule, swapped, false);
            m.equal(rule, "protocol", "meta l4proto");
            m.ports(rule, swapped);
            m.equal(rule, "dscp", "ip dscp");
        }
        Some(Protocol::Ipv6) => {
            m.add(IPV6);
            macs(m, rule, swapped);
            m.addresses(rule, swapped, true);
            m.equal(rule, "protocol", "meta l4proto");
            m.ports(rule, swapped);
            m.range(rule, "type", "typeend", "icmpv6 type");
            m.range(rule, "code", "codeend", "icmpv6 code");
        }
        Some(kind) => arp(m, rule, kind, swapped, &prefix(interface)),
    }
    Ok(format!("{}counter {}", matching.text(), verdict(rule.action, false)))
}

fn macs(m: &mut Matching, rule: &Rule, swapped: bool) {
    for (end, address, mask) in [("src", "srcmacaddr", "srcmacmask"), ("dst", "dstmacaddr", "dstmacmask")] {
        let field = if turned(end, swapped) == "src" { "ether saddr" } else { "ether daddr" };
        m.mac(rule, address, mask, field);
    }
}

/// ARP and RARP have one form, of which nft knows fields by name for the former alone.
fn arp(m: &mut Matching, rule: &Rule, kind: Protocol, swapped: bool, prefix: &str) {
    m.add(if kind == Protocol::Rarp { RARP } else { ARP });
    macs(m, rule, swapped);
    m.equal(rule, "hwtype", "@nh,0,16");
    m.equal(rule, "protocoltype", "@nh,16,16");
    m.equal(rule, "opcode", "@nh,48,16");
    let gratuitous = rule.item("gratuitous");
    let looks_inside = ["arpsrcmacaddr", "arpdstmacaddr", "arpsrcipaddr", "arpdstipaddr"]
        .iter()
        .any(|name| rule.item(name).is_some());
    if looks_inside || gratuitous.is_some() {
        // addresses are where they are when they are those of Ethernet and IPv4; nothing else matches
        m.add("@nh,16,32 0x08000604");
    }
    for (end, name) in [("src", "arpsrcmacaddr"), ("dst", "arpdstmacaddr")] {
        let Some(item) = rule.item(name) else { continue };
        let RuleValue::Mac(mac) = &item.value else { continue };
        let number = mac.0.iter().fold(0u64, |all, byte| all << 8 | u64::from(*byte));
        let field = if turned(end, swapped) == "src" { "@nh,64,48" } else { "@nh,144,48" };
        m.add(format_args!("{field} {}0x{number:012x}", if item.negated { "!= " } else { "" }));
    }
    for (end, address, mask) in
        [("src", "arpsrcipaddr", "arpsrcipmask"), ("dst", "arpdstipaddr", "arpdstipmask")]
    {
        let Some(item) = rule.item(address) else { continue };
        let RuleValue::Ip(std::net::IpAddr::V4(ip)) = item.value else { continue };
        let bits = rule.item(mask).and_then(|item| item.value.number()).unwrap_or(32);
        let mask = u32::MAX.checked_shl(32u32.saturating_sub(bits)).unwrap_or(0);
        let field = if turned(end, swapped) == "src" { "@nh,112,32" } else { "@nh,192,32" };
        let operator = if item.negated { "!=" } else { "==" };
        let wanted = ip.to_bits() & mask;
        m.add(format_args!("{field} & 0x{mask:08x} {operator} 0x{wanted:08x}"));
    }
    // who asks for its own address; yes is the only value that says something, as in ebtables
    if gratuitous.is_some_and(|item| item.value == RuleValue::Boolean(true)) && kind == Protocol::Arp {
        let negated = gratuitous.is_some_and(|item| item.negated);
        let (own, asked) = ("arp saddr ether . arp saddr ip", "arp saddr ether . arp daddr ip");
        let operator = if negated { "!= " } else { "" };
        m.add(format_args!(
            "update @{prefix}{GRATUITOUS} {{ {own} timeout 1s }} {asked} {operator}@{prefix}{GRATUITOUS} \
             delete @{prefix}{GRATUITOUS} {{ {own} }}"
        ));
    }
}

/// The fields of a spanning tree message: name, whether it is one of a range, place and length in bits.
const STP_FIELDS: &[(&str, bool, u32, u32)] = &[
    ("type", false, 160, 8),
    ("flags", false, 168, 8),
    ("root-priority", true, 176, 16),
    ("root-cost", true, 240, 32),
    ("sender-priority", true, 272, 16),
    ("port", true, 336, 16),
    ("age", true, 352, 16),
    ("max-age", true, 368, 16),
    ("hello-time", true, 384, 16),
    ("forward-delay", true, 400, 16),
];

fn stp(m: &mut Matching, rule: &Rule) {
    m.add(STP);
    m.mac(rule, "srcmacaddr", "srcmacmask", "ether saddr");
    for (name, ranged, offset, length) in STP_FIELDS {
        let last = if *ranged { format!("{name}-hi") } else { String::new() };
        m.range(rule, name, &last, &format!("@ll,{offset},{length}"));
    }
    for (name, offset) in [("root-address", 192u32), ("sender-address", 288)] {
        let Some(item) = rule.item(name) else { continue };
        let RuleValue::Mac(mac) = &item.value else { continue };
        let number = |mac: &[u8; 6]| mac.iter().fold(0u64, |all, byte| all << 8 | u64::from(*byte));
        let mask = match rule.item(&format!("{name}-mask")).map(|item| &item.value) {
            Some(RuleValue::Mac(mask)) => number(&mask.0),
            _ => 0xffff_ffff_ffff,
        };
        let operator = if item.negated { "!=" } else { "==" };
        let wanted = number(&mac.0) & mask;
        m.add(format_args!("@ll,{offset},48 & 0x{mask:012x} {operator} 0x{wanted:012x}"));
    }
}
