//! The values of a rule's attributes.

use std::net::IpAddr;

use super::protocol::{ARP_OPERATIONS, ETHER_TYPES, IP_PROTOCOLS, Kind, STATES, TCP_FLAGS};
use crate::net::{MacAddr, address};

/// An attribute's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleValue {
    /// A variable, with the place in its list: `$IP`, `$IP[2]`, `$IP[@1]`.
    Variable(String),
    /// A MAC address or mask.
    Mac(MacAddr),
    /// An address.
    Ip(IpAddr),
    /// A number; `hex` says how the document wrote it.
    Number {
        /// The number.
        value: u32,
        /// Whether it was hexadecimal.
        hex: bool,
    },
    /// A number that has a name.
    Named {
        /// The number.
        value: u32,
        /// Its name.
        name: &'static str,
    },
    /// Connection states, as bits.
    State(u32),
    /// TCP flags: those looked at, those of them set.
    TcpFlags(u32, u32),
    /// Text.
    Text(String),
    /// Yes or no.
    Boolean(bool),
}

/// A comment is cut to this many bytes.
const COMMENT_MAX: usize = 256;
/// The longest name of an ipset.
const IPSET_NAME_MAX: usize = 31;
/// How many addresses can be looked up in an ipset at once.
const IPSET_FLAGS_MAX: usize = 6;

impl RuleValue {
    /// Reads a value; `None` is libvirt's "has illegal value".
    pub fn parse(text: &str, kind: Kind) -> Option<Self> {
        if text.starts_with('$') && kind != Kind::Text {
            return variable(text).map(RuleValue::Variable);
        }
        match kind {
            Kind::Mac => MacAddr::parse(text).map(RuleValue::Mac),
            Kind::Ip => address::parse_ip(text).filter(IpAddr::is_ipv4).map(RuleValue::Ip),
            Kind::Ip6 => address::parse_ip(text).filter(IpAddr::is_ipv6).map(RuleValue::Ip),
            Kind::IpMask => mask(text, 32),
            Kind::Ip6Mask => mask(text, 128),
            Kind::Number(max) => number(text, max),
            Kind::EtherType => {
                named(text, ETHER_TYPES, 65_535).filter(|v| v.number().is_some_and(|n| n >= 0x600))
            }
            Kind::ArpOperation => named(text, ARP_OPERATIONS, 65_535),
            Kind::IpProtocol => named(text, IP_PROTOCOLS, 255),
            Kind::State => bits(text, STATES).map(RuleValue::State),
            Kind::TcpFlags => {
                let (mask, set) = text.split_once('/')?;
                Some(RuleValue::TcpFlags(bits(mask, TCP_FLAGS)?, bits(set, TCP_FLAGS)?))
            }
            Kind::Text => {
                let mut end = text.len().min(COMMENT_MAX);
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                text.get(..end).map(|t| RuleValue::Text(t.to_owned()))
            }
            Kind::Boolean => match text {
                "1" | "yes" | "true" => Some(RuleValue::Boolean(true)),
                "0" | "no" | "false" => Some(RuleValue::Boolean(false)),
                _ => None,
            },
            Kind::IpSet => {
                let allowed = |c: char| c.is_ascii_alphanumeric() || "_.:-+ ".contains(c);
                (text.len() <= IPSET_NAME_MAX && text.chars().all(allowed))
                    .then(|| RuleValue::Text(text.to_owned()))
            }
            Kind::IpSetFlags => {
                let words: Vec<String> = text.split(',').map(|w| w.trim().to_ascii_lowercase()).collect();
                (words.len() <= IPSET_FLAGS_MAX && words.iter().all(|w| w == "src" || w == "dst"))
                    .then(|| RuleValue::Text(words.join(",")))
            }
        }
    }

    /// The number it is, if it is one.
    pub fn number(&self) -> Option<u32> {
        match self {
            RuleValue::Number { value, .. } | RuleValue::Named { value, .. } => Some(*value),
            _ => None,
        }
    }
}

impl std::fmt::Display for RuleValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RuleValue::Variable(text) | RuleValue::Text(text) => f.write_str(text),
            RuleValue::Mac(mac) => mac.fmt(f),
            RuleValue::Ip(ip) => ip.fmt(f),
            RuleValue::Number { value, hex: true } => write!(f, "0x{value:x}"),
            RuleValue::Number { value, hex: false } => value.fmt(f),
            RuleValue::Named { name, .. } => f.write_str(name),
            RuleValue::State(set) => f.write_str(&names(*set, STATES)),
            RuleValue::TcpFlags(mask, set) => {
                write!(f, "{}/{}", names(*mask, TCP_FLAGS), names(*set, TCP_FLAGS))
            }
            RuleValue::Boolean(value) => f.write_str(if *value { "true" } else { "false" }),
        }
    }
}

/// A variable as libvirt writes it: its name, and the place in its list unless that is the usual one.
fn variable(text: &str) -> Option<String> {
    let rest = text.strip_prefix('$')?;
    let (name, place) = match rest.split_once('[') {
        None => (rest, None),
        Some((name, place)) => (name, Some(place)),
    };
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return None;
    }
    let Some(place) = place else { return Some(text.to_owned()) };
    let place = place.trim_end().strip_suffix(']')?.trim();
    let (iterator, number) = match place.strip_prefix('@') {
        Some(number) => ("@", number),
        None => ("", place),
    };
    let number: u32 = number.bytes().all(|b| b.is_ascii_digit()).then(|| number.parse().ok())??;
    // iterating with the first iterator is what a bare name does
    Some(match (iterator, number) {
        ("@", 0) => format!("${name}"),
        _ => format!("${name}[{iterator}{number}]"),
    })
}

fn number(text: &str, max: u32) -> Option<RuleValue> {
    let (value, hex) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (u32::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?, true),
        None => (text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())??, false),
    };
    (value <= max).then_some(RuleValue::Number { value, hex })
}

fn named(text: &str, names: &'static [(u32, &'static str)], max: u32) -> Option<RuleValue> {
    let by_name = names.iter().find(|(_, name)| name.eq_ignore_ascii_case(text));
    if let Some((value, name)) = by_name {
        return Some(RuleValue::Named { value: *value, name });
    }
    let found = number(text, max)?;
    // a number that has a name is written by its name
    Some(match names.iter().find(|(value, _)| Some(*value) == found.number()) {
        Some((value, name)) => RuleValue::Named { value: *value, name },
        None => found,
    })
}

fn mask(text: &str, width: u32) -> Option<RuleValue> {
    if let Some(found) = number(text, width).filter(|_| !text.starts_with("0x")) {
        return Some(found);
    }
    let ip = address::parse_ip(text).filter(|ip| address::width(*ip) == width)?;
    let (ones, zeros) = match ip {
        IpAddr::V4(v4) => (v4.to_bits().leading_ones(), v4.to_bits().trailing_zeros()),
        IpAddr::V6(v6) => (v6.to_bits().leading_ones(), v6.to_bits().trailing_zeros()),
    };
    let written = text.contains(['.', ':']);
    (written && ones + zeros >= width).then_some(RuleValue::Number { value: ones, hex: false })
}

fn bits(text: &str, names: &[(u32, &str)]) -> Option<u32> {
    if text.is_empty() {
        return Some(0);
    }
    text.split(',').try_fold(0, |set, word| {
        names.iter().find(|(_, name)| name.eq_ignore_ascii_case(word.trim())).map(|(bit, _)| set | bit)
    })
}

fn names(set: u32, names: &[(u32, &str)]) -> String {
    if let Some((_, all)) = names.iter().find(|(bits, name)| *bits == set && matches!(*name, "ALL" | "NONE"))
    {
        return (*all).to_owned();
    }
    let single = names.iter().filter(|(bit, _)| bit.is_power_of_two() && set & bit != 0);
    single.map(|(_, name)| *name).collect::<Vec<_>>().join(",")
}
