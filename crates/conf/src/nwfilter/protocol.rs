//! What rules can look at: protocols, and the attributes of each with the values they take.

use virtus_xml::keywords;

/// What an attribute's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A MAC address or a mask of one.
    Mac,
    /// An IPv4 address.
    Ip,
    /// The length of an IPv4 prefix, or a mask.
    IpMask,
    /// An IPv6 address.
    Ip6,
    /// The length of an IPv6 prefix, or a mask.
    Ip6Mask,
    /// A number up to this one.
    Number(u32),
    /// An Ethernet type of at least 0x600, or its name.
    EtherType,
    /// An ARP operation up to 65535, or its name.
    ArpOperation,
    /// An IP protocol up to 255, or its name.
    IpProtocol,
    /// Connection states with commas between.
    State,
    /// TCP flags: those looked at, a slash, those set.
    TcpFlags,
    /// Any text, of which 256 bytes are kept.
    Text,
    /// Yes or no in its many spellings.
    Boolean,
    /// The name of an ipset.
    IpSet,
    /// Which addresses are looked up in an ipset.
    IpSetFlags,
}

/// An attribute of a protocol.
#[derive(Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// What its value is.
    pub kind: Kind,
}

const U8: Kind = Kind::Number(255);
const U16: Kind = Kind::Number(65_535);
const U32: Kind = Kind::Number(u32::MAX);

macro_rules! attributes {
    ($($const:ident = $($name:literal: $kind:expr),* $(,)?;)*) => {
        $(const $const: &[Attribute] = &[$(Attribute { name: $name, kind: $kind }),*];)*
    };
}

attributes! {
    MACS = "srcmacaddr": Kind::Mac, "srcmacmask": Kind::Mac, "dstmacaddr": Kind::Mac, "dstmacmask": Kind::Mac;
    SOURCE_MAC = "srcmacaddr": Kind::Mac;
    STP = "srcmacaddr": Kind::Mac, "srcmacmask": Kind::Mac, "type": U8, "flags": U8,
        "root-priority": U16, "root-priority-hi": U16, "root-address": Kind::Mac, "root-address-mask": Kind::Mac,
        "root-cost": U32, "root-cost-hi": U32, "sender-priority": U16, "sender-priority-hi": U16,
        "sender-address": Kind::Mac, "sender-address-mask": Kind::Mac, "port": U16, "port-hi": U16,
        "age": U16, "age-hi": U16, "max-age": U16, "max-age-hi": U16, "hello-time": U16, "hello-time-hi": U16,
        "forward-delay": U16, "forward-delay-hi": U16;
    MAC = "protocolid": Kind::EtherType;
    VLAN = "vlanid": Kind::Number(4095), "encap-protocol": Kind::EtherType;
    ARP = "hwtype": U16, "protocoltype": U16, "opcode": Kind::ArpOperation,
        "arpsrcmacaddr": Kind::Mac, "arpdstmacaddr": Kind::Mac,
        "arpsrcipaddr": Kind::Ip, "arpsrcipmask": Kind::IpMask,
        "arpdstipaddr": Kind::Ip, "arpdstipmask": Kind::IpMask;
    GRATUITOUS = "gratuitous": Kind::Boolean;
    IP_ADDRESSES = "srcipaddr": Kind::Ip, "srcipmask": Kind::IpMask, "dstipaddr": Kind::Ip, "dstipmask": Kind::IpMask;
    IP6_ADDRESSES = "srcipaddr": Kind::Ip6, "srcipmask": Kind::Ip6Mask, "dstipaddr": Kind::Ip6, "dstipmask": Kind::Ip6Mask;
    IP_RANGES = "srcipfrom": Kind::Ip, "srcipto": Kind::Ip, "dstipfrom": Kind::Ip, "dstipto": Kind::Ip;
    IP6_RANGES = "srcipfrom": Kind::Ip6, "srcipto": Kind::Ip6, "dstipfrom": Kind::Ip6, "dstipto": Kind::Ip6;
    PROTOCOL = "protocol": Kind::IpProtocol;
    PORTS = "srcportstart": U16, "srcportend": U16, "dstportstart": U16, "dstportend": U16;
    DSCP = "dscp": Kind::Number(63);
    TRACKING = "connlimit-above": U16, "state": Kind::State, "ipset": Kind::IpSet, "ipsetflags": Kind::IpSetFlags;
    TCP = "option": U8, "flags": Kind::TcpFlags;
    ICMP = "type": U8, "code": U8;
    ICMP_RANGES = "type": U8, "typeend": U8, "code": U8, "codeend": U8;
    COMMENT = "comment": Kind::Text;
}

keywords! {
    /// The protocols.
    pub enum Protocol {
        Mac = "mac", Vlan = "vlan", Stp = "stp", Arp = "arp", Rarp = "rarp", Ip = "ip", Ipv6 = "ipv6",
        Tcp = "tcp", Icmp = "icmp", Igmp = "igmp", Udp = "udp", UdpLite = "udplite", Esp = "esp", Ah = "ah",
        Sctp = "sctp", All = "all",
        TcpIpv6 = "tcp-ipv6", Icmpv6 = "icmpv6", UdpIpv6 = "udp-ipv6", UdpLiteIpv6 = "udplite-ipv6",
        EspIpv6 = "esp-ipv6", AhIpv6 = "ah-ipv6", SctpIpv6 = "sctp-ipv6", AllIpv6 = "all-ipv6",
    }
}

impl Protocol {
    /// Its attributes, in the order they are written.
    pub fn attributes(self) -> impl Iterator<Item = &'static Attribute> {
        use Protocol as P;
        let groups: &[&[Attribute]] = match self {
            P::Mac => &[MACS, MAC, COMMENT],
            P::Vlan => &[MACS, VLAN, COMMENT],
            P::Stp => &[STP, COMMENT],
            P::Arp => &[MACS, ARP, GRATUITOUS, COMMENT],
            P::Rarp => &[MACS, ARP, GRATUITOUS, COMMENT],
            P::Ip => &[MACS, IP_ADDRESSES, PROTOCOL, PORTS, DSCP, COMMENT],
            P::Ipv6 => &[MACS, IP6_ADDRESSES, PROTOCOL, PORTS, ICMP_RANGES, COMMENT],
            P::Tcp => &[SOURCE_MAC, IP_ADDRESSES, IP_RANGES, DSCP, PORTS, TCP, TRACKING, COMMENT],
            P::Udp | P::Sctp => &[SOURCE_MAC, IP_ADDRESSES, IP_RANGES, DSCP, PORTS, TRACKING, COMMENT],
            P::Icmp => &[SOURCE_MAC, IP_ADDRESSES, IP_RANGES, DSCP, ICMP, TRACKING, COMMENT],
            P::Igmp | P::UdpLite | P::Esp | P::Ah | P::All => {
                &[SOURCE_MAC, IP_ADDRESSES, IP_RANGES, DSCP, TRACKING, COMMENT]
            }
            P::TcpIpv6 => &[SOURCE_MAC, IP6_ADDRESSES, IP6_RANGES, DSCP, PORTS, TCP, TRACKING, COMMENT],
            P::UdpIpv6 | P::SctpIpv6 => {
                &[SOURCE_MAC, IP6_ADDRESSES, IP6_RANGES, DSCP, PORTS, TRACKING, COMMENT]
            }
            P::Icmpv6 => &[SOURCE_MAC, IP6_ADDRESSES, IP6_RANGES, DSCP, ICMP, TRACKING, COMMENT],
            P::UdpLiteIpv6 | P::EspIpv6 | P::AhIpv6 | P::AllIpv6 => {
                &[SOURCE_MAC, IP6_ADDRESSES, IP6_RANGES, DSCP, TRACKING, COMMENT]
            }
        };
        groups.iter().copied().flatten()
    }
}

/// Names for Ethernet types.
pub(super) const ETHER_TYPES: &[(u32, &str)] =
    &[(0x806, "arp"), (0x8035, "rarp"), (0x800, "ipv4"), (0x86dd, "ipv6"), (0x8100, "vlan")];

/// Names for ARP operations.
pub(super) const ARP_OPERATIONS: &[(u32, &str)] = &[
    (1, "Request"),
    (2, "Reply"),
    (3, "Request_Reverse"),
    (4, "Reply_Reverse"),
    (5, "DRARP_Request"),
    (6, "DRARP_Reply"),
    (7, "DRARP_Error"),
    (8, "InARP_Request"),
    (9, "ARP_NAK"),
];

/// Names for IP protocols.
pub(super) const IP_PROTOCOLS: &[(u32, &str)] = &[
    (6, "tcp"),
    (17, "udp"),
    (136, "udplite"),
    (50, "esp"),
    (51, "ah"),
    (1, "icmp"),
    (2, "igmp"),
    (132, "sctp"),
    (58, "icmpv6"),
];

/// Bits of the states a connection can be in.
pub(super) const STATES: &[(u32, &str)] =
    &[(1, "NEW"), (2, "ESTABLISHED"), (4, "RELATED"), (8, "INVALID"), (16, "NONE")];

/// Bits of TCP flags.
pub(super) const TCP_FLAGS: &[(u32, &str)] = &[
    (0x1, "FIN"),
    (0x2, "SYN"),
    (0x4, "RST"),
    (0x8, "PSH"),
    (0x10, "ACK"),
    (0x20, "URG"),
    (0x3f, "ALL"),
    (0x0, "NONE"),
];
