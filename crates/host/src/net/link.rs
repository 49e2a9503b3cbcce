//! The host's links: bridges made and removed, ports' settings, a list of all.

use std::io;

use virtus_base::{Error, ErrorDomain};

use super::netlink::{self, Attributes, Message};

pub(super) const IFLA_ADDRESS: u16 = 1;
pub(super) const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
pub(super) const IFLA_LINK: u16 = 5;
const IFLA_MASTER: u16 = 10;
const IFLA_PROTINFO: u16 = 12;
pub(super) const IFLA_LINKINFO: u16 = 18;
pub(super) const IFLA_INFO_KIND: u16 = 1;
pub(super) const IFLA_INFO_DATA: u16 = 2;
const IFLA_BR_FORWARD_DELAY: u16 = 1;
const IFLA_BR_STP_STATE: u16 = 5;
const IFLA_BR_VLAN_FILTERING: u16 = 7;
const IFLA_BR_VLAN_DEFAULT_PVID: u16 = 39;
const IFLA_BRPORT_LEARNING: u16 = 8;
const IFLA_BRPORT_UNICAST_FLOOD: u16 = 9;
const IFLA_BRPORT_ISOLATED: u16 = 33;
/// The length of `struct ifinfomsg`.
const HEADER: usize = 16;

pub(super) fn header(family: i32, index: u32) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    let [f, _, _, _, i0, i1, i2, i3, ..] = &mut header;
    *f = u8::try_from(family).unwrap_or_default();
    [*i0, *i1, *i2, *i3] = index.to_ne_bytes();
    header
}

fn failed(what: String, error: &io::Error) -> Error {
    Error::system(ErrorDomain::NONE, what, error)
}

/// What a bridge is made with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BridgeOptions {
    /// Its name.
    pub name: String,
    /// Its hardware address, which then stays whatever ports it gets.
    pub mac: Option<[u8; 6]>,
    /// How large its packets may be, in bytes.
    pub mtu: Option<u32>,
    /// Whether it speaks the spanning tree protocol.
    pub stp: bool,
    /// How long a new port waits before it forwards, in seconds.
    pub delay: u32,
    /// Whether it keeps VLANs apart, which it must when somebody else keeps its table of addresses.
    pub vlan_filtering: bool,
}

impl BridgeOptions {
    /// Makes the bridge. It is still turned off.
    ///
    /// # Errors
    /// When there is such an interface already or the right to make one is missing.
    pub fn create(&self) -> Result<(), Error> {
        let make = || {
            if self.name.is_empty() || self.name.len() > super::MAX_NAME {
                return Err(io::Error::from_raw_os_error(libc::ERANGE));
            }
            let mut message = Message::new(
                libc::RTM_NEWLINK,
                libc::NLM_F_ACK | libc::NLM_F_CREATE | libc::NLM_F_EXCL,
                &header(libc::AF_UNSPEC, 0),
            )
            .text(IFLA_IFNAME, &self.name);
            if let Some(mac) = &self.mac {
                message = message.attr(IFLA_ADDRESS, mac);
            }
            if let Some(mtu) = self.mtu {
                message = message.attr(IFLA_MTU, &mtu.to_ne_bytes());
            }
            // the kernel counts hundredths of a second, and takes the delay before it turns STP on
            let delay = self.delay.saturating_mul(100);
            netlink::request(message.nested(IFLA_LINKINFO, |m| {
                m.text(IFLA_INFO_KIND, "bridge").nested(IFLA_INFO_DATA, |m| {
                    let m = m
                        .attr(IFLA_BR_FORWARD_DELAY, &delay.to_ne_bytes())
                        .attr(IFLA_BR_STP_STATE, &u32::from(self.stp).to_ne_bytes());
                    match self.vlan_filtering {
                        true => m
                            .attr(IFLA_BR_VLAN_FILTERING, &[1])
                            .attr(IFLA_BR_VLAN_DEFAULT_PVID, &1u16.to_ne_bytes()),
                        false => m,
                    }
                })
            }))
        };
        make().map_err(|e: io::Error| match e.raw_os_error() {
            Some(libc::EOPNOTSUPP | libc::EINVAL) if self.vlan_filtering => {
                failed(format!("Unable to set bridge {} vlan_filtering", self.name), &e)
            }
            _ => failed(format!("error creating bridge interface {}", self.name), &e),
        })
    }
}

/// Removes a link.
///
/// # Errors
/// When it does not exist or the right to remove it is missing.
pub fn delete_link(name: &str) -> Result<(), Error> {
    let delete = || {
        let message = Message::new(libc::RTM_DELLINK, libc::NLM_F_ACK, &header(libc::AF_UNSPEC, 0));
        netlink::request(message.text(IFLA_IFNAME, name))
    };
    delete().map_err(|e| failed(format!("error destroying network device {name}"), &e))
}

/// What a bridge does with one of its ports; `None` leaves it as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortOptions {
    /// Whether it cannot reach other isolated ports.
    pub isolated: Option<bool>,
    /// Whether the addresses of what comes from it are learned.
    pub learning: Option<bool>,
    /// Whether what is for nobody known goes to it.
    pub unicast_flood: Option<bool>,
}

/// Changes what a bridge does with one of its ports.
///
/// # Errors
/// When the interface is no port of a bridge or the right to change it is missing.
pub fn set_port(port: &str, options: &PortOptions) -> Result<(), Error> {
    let index = super::index(port)?;
    let settings = [
        (IFLA_BRPORT_ISOLATED, options.isolated),
        (IFLA_BRPORT_LEARNING, options.learning),
        (IFLA_BRPORT_UNICAST_FLOOD, options.unicast_flood),
    ];
    let message = Message::new(libc::RTM_SETLINK, libc::NLM_F_ACK, &header(libc::AF_BRIDGE, index)).nested(
        IFLA_PROTINFO,
        |m| {
            settings
                .iter()
                .filter_map(|(kind, value)| Some((kind, (*value)?)))
                .fold(m, |m, (kind, value)| m.attr(*kind, &[u8::from(value)]))
        },
    );
    netlink::request(message).map_err(|e| failed(format!("Unable to set bridge port {port}"), &e))
}

const IFLA_AF_SPEC: u16 = 26;
const IFLA_BRIDGE_VLAN_INFO: u16 = 2;
/// The VLAN a port has when nobody gave it one.
const DEFAULT_VLAN: u16 = 1;

/// A VLAN of a bridge's port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortVlan {
    /// Its number.
    pub id: u16,
    /// Whether what comes without a tag is in it.
    pub native: bool,
    /// Whether what is in it leaves without a tag.
    pub untagged: bool,
}

/// Gives a bridge's port these VLANs and no others.
///
/// # Errors
/// When the interface is no port of a bridge or the kernel does not filter VLANs.
pub fn set_port_vlans(port: &str, vlans: &[PortVlan]) -> Result<(), Error> {
    let index = super::index(port)?;
    let change = |kind: u16, vlan: PortVlan| {
        let flags = (u16::from(vlan.native) << 1) | (u16::from(vlan.untagged) << 2);
        let [f0, f1] = flags.to_ne_bytes();
        let [v0, v1] = vlan.id.to_ne_bytes();
        let message = Message::new(kind, libc::NLM_F_ACK, &header(libc::AF_BRIDGE, index));
        netlink::request(message.nested(IFLA_AF_SPEC, |m| m.attr(IFLA_BRIDGE_VLAN_INFO, &[f0, f1, v0, v1])))
    };
    if vlans.iter().all(|vlan| vlan.id != DEFAULT_VLAN) {
        // a bridge that does not filter has no VLAN to remove, and says so below
        let _ = change(libc::RTM_DELLINK, PortVlan { id: DEFAULT_VLAN, native: false, untagged: false });
    }
    for vlan in vlans {
        change(libc::RTM_SETLINK, *vlan)
            .map_err(|e| failed(format!("error adding vlan filter to interface {port}"), &e))?;
    }
    Ok(())
}

const RTM_NEWQDISC: u16 = 36;
const TCA_KIND: u16 = 1;
const ROOT: u32 = u32::MAX;

/// Has packets for an interface wait nowhere: what a guest's device would queue, the guest's own queue holds already.
///
/// # Errors
/// When the interface does not exist or the kernel has no such discipline.
pub fn set_noqueue(name: &str) -> Result<(), Error> {
    let [i0, i1, i2, i3] = super::index(name)?.to_ne_bytes();
    let [r0, r1, r2, r3] = ROOT.to_ne_bytes();
    let message = Message::new(
        RTM_NEWQDISC,
        libc::NLM_F_ACK | libc::NLM_F_CREATE | libc::NLM_F_REPLACE,
        &[0, 0, 0, 0, i0, i1, i2, i3, 0, 0, 0, 0, r0, r1, r2, r3, 0, 0, 0, 0],
    )
    .text(TCA_KIND, "noqueue");
    netlink::request(message).map_err(|e| failed(format!("Failed to set root qdisc of {name}"), &e))
}

/// What a bridge knows of a port by itself (`NUD_PERMANENT | NUD_NOARP`), and that the bridge is meant.
const STATIC: u16 = 0x80 | 0x40;
const NTF_MASTER: u8 = 0x04;
const NDA_LLADDR: u16 = 2;

/// Has a bridge know that an address is behind one of its ports, for bridges that do not learn.
///
/// # Errors
/// When the interface is no port of a bridge or the right to change it is missing.
pub fn add_to_mac_table(port: &str, mac: [u8; 6]) -> Result<(), Error> {
    let [i0, i1, i2, i3] = super::index(port)?.to_ne_bytes();
    let [s0, s1] = STATIC.to_ne_bytes();
    let family = u8::try_from(libc::AF_BRIDGE).unwrap_or_default();
    let message = Message::new(
        libc::RTM_NEWNEIGH,
        libc::NLM_F_ACK | libc::NLM_F_CREATE,
        &[family, 0, 0, 0, i0, i1, i2, i3, s0, s1, NTF_MASTER, 0],
    )
    .attr(NDA_LLADDR, &mac);
    netlink::request(message).map_err(|e| failed(format!("error adding fdb entry for {port}"), &e))
}

/// A link of this host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Its number.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// What it is as the kernel counts (`ARPHRD_…`).
    pub hardware: u16,
    /// Its flags (`IFF_…`).
    pub flags: u32,
    /// Its hardware address; empty where it has none.
    pub address: Vec<u8>,
    /// How large its packets may be, in bytes.
    pub mtu: u32,
    /// The number of the bridge or bond it is a port of.
    pub master: Option<u32>,
    /// The number of the link it is made on.
    pub lower: Option<u32>,
    /// Its kind where it is no plain device: `bridge`, `veth`, `vlan`, …
    pub kind: Option<String>,
}

/// All links of this host.
///
/// # Errors
/// When the kernel cannot be asked.
pub fn links() -> Result<Vec<Link>, Error> {
    let message = Message::new(libc::RTM_GETLINK, libc::NLM_F_DUMP, &header(libc::AF_UNSPEC, 0));
    let answers = netlink::dump(message).map_err(|e| failed("cannot list network links".into(), &e))?;
    Ok(answers.iter().filter(|a| a.kind == libc::RTM_NEWLINK).filter_map(read_link).collect())
}

fn read_link(answer: &netlink::Answer) -> Option<Link> {
    let [_, _, h0, h1, i0, i1, i2, i3, f0, f1, f2, f3, ..] = answer.header::<HEADER>()?;
    let mut link = Link {
        index: u32::from_ne_bytes([i0, i1, i2, i3]),
        hardware: u16::from_ne_bytes([h0, h1]),
        flags: u32::from_ne_bytes([f0, f1, f2, f3]),
        ..Link::default()
    };
    for (kind, value) in answer.attributes(HEADER) {
        match kind {
            IFLA_IFNAME => link.name = netlink::name(value),
            IFLA_ADDRESS => link.address = value.to_vec(),
            IFLA_MTU => link.mtu = netlink::number(value).unwrap_or(0),
            IFLA_MASTER => link.master = netlink::number(value),
            IFLA_LINK => link.lower = netlink::number(value),
            IFLA_LINKINFO => {
                link.kind = Attributes::inside(value).get(IFLA_INFO_KIND).map(netlink::name);
            }
            _ => {}
        }
    }
    Some(link)
}

/// The names of a bridge's ports.
///
/// # Errors
/// When there is no such bridge.
pub fn ports(bridge: &str) -> Result<Vec<String>, Error> {
    let index = super::index(bridge)?;
    Ok(links()?.into_iter().filter(|link| link.master == Some(index)).map(|link| link.name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_is_in_the_list() {
        let all = links().unwrap();
        let lo = all.iter().find(|l| l.name == "lo").unwrap();
        assert_eq!((lo.index, lo.hardware, lo.address.as_slice()), (1, libc::ARPHRD_LOOPBACK, &[0; 6][..]));
        assert_eq!(lo.flags & 8, 8, "it loops back");
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
        let bridge = BridgeOptions { name: "a-name-that-is-too-long".into(), ..BridgeOptions::default() };
        assert!(bridge.create().unwrap_err().message().starts_with("error creating bridge interface"));
        assert!(delete_link("no-such-if").is_err());
        assert!(ports("no-such-if").is_err());
    }
}
