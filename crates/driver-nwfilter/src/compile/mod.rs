//! Rules as nftables has them. An interface gets four chains, each the beginning of one of the tables' base chains:
//! for what comes from the guest and what goes to it, and of each what is filtered as frames (`mac`, `arp`, `ip`, …)
//! and what as connections (`tcp`, `icmp`, `all`, …). libvirt has the former in ebtables, the latter in iptables, so
//! a packet passes both, frames first on its way from the guest, last on its way to it.

mod flow;
mod frame;
pub(crate) mod interim;
mod matching;
mod transport;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::nwfilter::{Action, Direction, Protocol};

use crate::expand::Placed;

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// From the guest.
    From,
    /// To the guest.
    To,
}

/// What this host's kernel can do with bridged packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Abilities {
    /// Whether it can tell a sender that its packet is refused.
    pub(crate) reject: bool,
    /// Whether it tracks their connections.
    pub(crate) conntrack: bool,
}

/// A chain of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    /// Its name behind the interface's.
    pub(crate) name: String,
    /// Its rules, each a line.
    pub(crate) rules: Vec<String>,
}

/// A set of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Set {
    /// Its name behind the interface's.
    pub(crate) name: &'static str,
    /// What it is, between its braces.
    pub(crate) body: &'static str,
}

/// What an interface gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Compiled {
    /// Its chains; those called as one of [`ENTRIES`] are where packets come in.
    pub(crate) chains: Vec<Chain>,
    /// Its sets.
    pub(crate) sets: Vec<Set>,
}

/// The four chains packets come in by.
pub(crate) const ENTRIES: [&str; 4] = ["from", "from-ip", "to", "to-ip"];

/// Where the objects of an interface are in the kernel: the beginning of their names, in which a slash cannot be the
/// interface's own. Characters that nft does not take are written as numbers.
pub(crate) fn prefix(interface: &str) -> String {
    format!("guest/{}/", encoded(interface))
}

fn encoded(name: &str) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => text.push(char::from(byte)),
            // writing to a string cannot fail
            _ => drop(write!(text, ".{byte:02x}")),
        }
    }
    text
}

/// The rules of an interface.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` for what this host's kernel cannot do.
pub(crate) fn compile(interface: &str, rules: &[Placed], abilities: Abilities) -> Result<Compiled> {
    let mut compiled = Compiled::default();
    for side in [Side::From, Side::To] {
        let chains = frames(interface, rules, side)?;
        compiled.chains.extend(chains);
        let lines = transports(interface, rules, side, abilities)?;
        if !lines.is_empty() {
            let name = if side == Side::From { "from-ip" } else { "to-ip" };
            compiled.chains.push(Chain { name: name.to_owned(), rules: lines });
        }
    }
    compiled.sets = flow::sets_used(&prefix(interface), &compiled.chains);
    Ok(compiled)
}

/// The chains for frames of one side, the one they come in by first. Chains of filters are jumped to from there,
/// among the rules of the root chain by their priorities.
fn frames(interface: &str, rules: &[Placed], side: Side) -> Result<Vec<Chain>> {
    let entry = if side == Side::From { "from" } else { "to" };
    let name = |chain: &str| format!("{entry}/{}", encoded(chain));
    let mut root: Vec<(i32, bool, String)> = Vec::new();
    let mut others: Vec<(Chain, i32, &str)> = Vec::new();
    for placed in rules.iter().filter(|placed| frame::is_one(placed.rule.protocol)) {
        let swapped = match (placed.rule.direction, side) {
            (Direction::Out, Side::From) | (Direction::In | Direction::InOut, Side::To) => false,
            (Direction::InOut, Side::From) => true,
            (Direction::Out, Side::To) | (Direction::In, Side::From) => continue,
        };
        let line = frame::line(interface, &placed.rule, swapped)?;
        if placed.chain == "root" {
            root.push((placed.rule.priority, true, line));
            continue;
        }
        let wanted = name(&placed.chain);
        match others.iter_mut().find(|(chain, ..)| chain.name == wanted) {
            Some((chain, ..)) => chain.rules.push(line),
            None => {
                let chain = Chain { name: wanted, rules: vec![line] };
                others.push((chain, placed.chain_priority, &placed.chain));
            }
        }
    }
    others.sort_by_key(|(_, priority, _)| *priority);
    for (chain, priority, filter_chain) in &others {
        let jump = format!("{}jump {}{}", frame::of_chain(filter_chain), prefix(interface), chain.name);
        root.push((*priority, false, jump));
    }
    if root.is_empty() {
        return Ok(Vec::new());
    }
    // a chain comes before rules of the same priority
    root.sort_by_key(|(priority, is_rule, _)| (*priority, *is_rule));
    let root = Chain { name: entry.to_owned(), rules: root.into_iter().map(|(.., line)| line).collect() };
    Ok(std::iter::once(root).chain(others.into_iter().map(|(chain, ..)| chain)).collect())
}

/// The rules for connections of one side.
fn transports(interface: &str, rules: &[Placed], side: Side, abilities: Abilities) -> Result<Vec<String>> {
    let prefix = prefix(interface);
    let mut lines = Vec::new();
    for placed in rules.iter().filter(|placed| !frame::is_one(placed.rule.protocol)) {
        transport::lines(&prefix, &placed.rule, side, abilities, &mut lines)?;
    }
    Ok(lines)
}

/// What becomes of a packet. Frames are never refused with an answer, as in libvirt.
fn verdict(action: Action, reject: bool) -> &'static str {
    match action {
        Action::Accept => "accept",
        Action::Drop => "drop",
        Action::Reject if reject => "reject",
        Action::Reject => "drop",
        Action::Return => "return",
        Action::Continue => "continue",
    }
}

fn unsupported(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::NWFILTER, ErrorCode::CONFIG_UNSUPPORTED, text)
}

/// The number of a protocol over IP, and whether that is IPv6; `None` for all of them.
fn transport_number(protocol: Protocol) -> (Option<u32>, bool) {
    use Protocol as P;
    match protocol {
        P::Tcp => (Some(6), false),
        P::TcpIpv6 => (Some(6), true),
        P::Udp => (Some(17), false),
        P::UdpIpv6 => (Some(17), true),
        P::UdpLite => (Some(136), false),
        P::UdpLiteIpv6 => (Some(136), true),
        P::Sctp => (Some(132), false),
        P::SctpIpv6 => (Some(132), true),
        P::Esp => (Some(50), false),
        P::EspIpv6 => (Some(50), true),
        P::Ah => (Some(51), false),
        P::AhIpv6 => (Some(51), true),
        P::Icmp => (Some(1), false),
        P::Icmpv6 => (Some(58), true),
        P::Igmp => (Some(2), false),
        P::AllIpv6 => (None, true),
        _ => (None, false),
    }
}

#[cfg(test)]
mod tests;
