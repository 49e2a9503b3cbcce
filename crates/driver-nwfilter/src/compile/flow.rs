//! Which connections an interface has. The kernel tracks bridged packets only where it has a module for that, and
//! then for all bridges alike; so what a rule has let begin is noted in sets of the interface, by the packets
//! themselves, and answers are let pass that belong to it. A guest can fill its own sets only, and they go with it.

use super::{Chain, Set, Side};

/// How long what has begun waits for an answer, and how long it lasts after one.
const BEGUN: &str = "2m";
const ANSWERED: &str = "1d";
/// Protocols with ports.
pub(super) const WITH_PORTS: &str = "{ 6, 17, 33, 132, 136 }";

/// The sets there are: by addresses and ports, by addresses alone, of each family. The guest's end comes first.
const SETS: &[Set] = &[
    Set {
        name: "flows4",
        body: "type inet_proto . ipv4_addr . inet_service . ipv4_addr . inet_service; \
               flags dynamic,timeout; timeout 2m; size 65536;",
    },
    Set {
        name: "flows6",
        body: "type inet_proto . ipv6_addr . inet_service . ipv6_addr . inet_service; \
               flags dynamic,timeout; timeout 2m; size 65536;",
    },
    Set {
        name: "pairs4",
        body: "type inet_proto . ipv4_addr . ipv4_addr; flags dynamic,timeout; timeout 2m; size 65536;",
    },
    Set {
        name: "pairs6",
        body: "type inet_proto . ipv6_addr . ipv6_addr; flags dynamic,timeout; timeout 2m; size 65536;",
    },
    Set {
        name: GRATUITOUS,
        body: "type ether_addr . ipv4_addr; flags dynamic,timeout; timeout 1s; size 1024;",
    },
];

/// The set that tells whether an ARP packet asks for its sender's own address.
pub(super) const GRATUITOUS: &str = "own";

/// The sets that chains use.
pub(super) fn sets_used(prefix: &str, chains: &[Chain]) -> Vec<Set> {
    let used = |set: &&Set| {
        let name = format!("@{prefix}{} ", set.name);
        chains.iter().flat_map(|chain| &chain.rules).any(|line| line.contains(&name))
    };
    SETS.iter().filter(used).cloned().collect()
}

/// How packets of one kind are told apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow<'a> {
    /// The beginning of the interface's names.
    pub(super) prefix: &'a str,
    /// Whether they are IPv6.
    pub(super) v6: bool,
    /// Whether they have ports.
    pub(super) ports: bool,
    /// Which way they go.
    pub(super) side: Side,
}

impl Flow<'_> {
    fn set(&self) -> String {
        let (kind, family) = (if self.ports { "flows" } else { "pairs" }, if self.v6 { 6 } else { 4 });
        format!("@{}{kind}{family}", self.prefix)
    }

    fn key(&self) -> String {
        let family = if self.v6 { "ip6" } else { "ip" };
        let ((guest, other), (guest_port, other_port)) = match self.side {
            Side::From => (("saddr", "daddr"), ("sport", "dport")),
            Side::To => (("daddr", "saddr"), ("dport", "sport")),
        };
        match self.ports {
            true => format!(
                "meta l4proto . {family} {guest} . th {guest_port} . {family} {other} . th {other_port}"
            ),
            false => format!("meta l4proto . {family} {guest} . {family} {other}"),
        }
    }

    /// Notes what begins, whether or not it has begun before.
    pub(super) fn begin(&self) -> String {
        format!("add {} {{ {} timeout {BEGUN} }} ", self.set(), self.key())
    }

    /// Only what has begun, which lasts on.
    pub(super) fn answer(&self) -> String {
        format!(
            "{} {} update {} {{ {} timeout {ANSWERED} }} ",
            self.key(),
            self.set(),
            self.set(),
            self.key()
        )
    }

    /// Only what has not begun, without noting it.
    pub(super) fn unknown(&self) -> String {
        format!("{} != {} ", self.key(), self.set())
    }

    /// Only what has begun, without any effect.
    pub(super) fn known(&self) -> String {
        format!("{} {} ", self.key(), self.set())
    }
}
