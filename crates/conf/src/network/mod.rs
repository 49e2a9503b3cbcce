//! Virtual networks: the `<network>` document.

mod dhcp;
mod dns;
mod forward;
mod ip;
pub mod port;
mod read;
mod route;
mod update;
mod validate;
mod write;

pub use dhcp::{Bootp, Dhcp, DhcpHost, DhcpRange, Lease, LeaseUnit};
pub use dns::{Dns, DnsForwarder, DnsHost, DnsSrv, DnsTxt};
pub use forward::{Forward, ForwardInterface, ForwardMode, Nat, PciAddress};
pub use ip::{Family, Ip};
pub use port::{NetworkPort, Plug};
pub use route::Route;
pub use update::Command;

use virtus_base::{Error, ErrorCode, ErrorDomain, Uuid};
use virtus_xml::{OnOff, RawElement, YesNo, keywords};

use crate::net::{Bandwidth, MacAddr, VirtualPort, Vlan};

/// The namespace of `<dnsmasq:options>`.
pub const DNSMASQ_NAMESPACE: &str = "http://libvirt.org/schemas/network/dnsmasq/1.0";

keywords! {
    /// Who keeps a bridge's table of MAC addresses.
    pub enum MacTableManager { Kernel = "kernel", Libvirt = "libvirt" }
}

/// A network's own domain name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DomainName {
    /// The name.
    pub name: Option<String>,
    /// Whether names in it are never asked of others.
    pub local_only: Option<YesNo>,
    /// Whether it is registered with the host's resolver.
    pub register: Option<YesNo>,
}

/// The bridge of a network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bridge {
    /// Its device name; made up where the network has its own bridge and names none.
    pub name: Option<String>,
    /// Its firewalld zone.
    pub zone: Option<String>,
    /// Whether it speaks the spanning tree protocol; on unless said otherwise.
    pub stp: Option<OnOff>,
    /// Its forwarding delay in seconds.
    pub delay: Option<u64>,
    /// Who keeps its table of MAC addresses.
    pub mac_table_manager: Option<MacTableManager>,
}

/// What the interfaces that name a group share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PortGroup {
    /// The group's name.
    pub name: Option<String>,
    /// Whether interfaces that name none belong to it.
    pub default: bool,
    /// Whether the host believes the guest's receive filters.
    pub trust_guest_rx_filters: Option<YesNo>,
    /// The VLANs.
    pub vlan: Option<Vlan>,
    /// What the switch is told.
    pub virtual_port: Option<VirtualPort>,
    /// The rates.
    pub bandwidth: Option<Bandwidth>,
}

/// A network's definition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uuid: Uuid,
    /// Whether the document gave the identity, or it was made up.
    pub uuid_given: bool,
    /// A line for a person.
    pub title: Option<String>,
    /// Text for a person.
    pub description: Option<String>,
    /// What applications keep here.
    pub metadata: Vec<RawElement>,
    /// Whether IPv6 is let through between guests although no address is defined.
    pub ipv6: Option<YesNo>,
    /// Whether the host believes the guests' receive filters.
    pub trust_guest_rx_filters: Option<YesNo>,
    /// How it is connected to the rest of the world; isolated without.
    pub forward: Option<Forward>,
    /// Its bridge.
    pub bridge: Bridge,
    /// The bridge's MAC address.
    pub mac: Option<MacAddr>,
    /// The largest packet, in bytes.
    pub mtu: Option<u32>,
    /// Its domain name.
    pub domain: DomainName,
    /// What its name server answers.
    pub dns: Dns,
    /// The VLANs of its guests.
    pub vlan: Option<Vlan>,
    /// The rates of the whole network.
    pub bandwidth: Option<Bandwidth>,
    /// Whether guests cannot reach each other.
    pub port_isolated: Option<YesNo>,
    /// The bridge's addresses.
    pub ips: Vec<Ip>,
    /// Routes through its guests.
    pub routes: Vec<Route>,
    /// What the switch is told.
    pub virtual_port: Option<VirtualPort>,
    /// Groups of settings.
    pub portgroups: Vec<PortGroup>,
    /// Lines for dnsmasq's configuration.
    pub dnsmasq_options: Vec<String>,
}

impl Network {
    /// How it is connected to the rest of the world.
    pub fn mode(&self) -> Option<ForwardMode> {
        self.forward.as_ref().map(|f| f.mode)
    }

    /// Whether the network's bridge is made by us.
    pub fn has_own_bridge(&self) -> bool {
        matches!(self.mode(), None | Some(ForwardMode::Nat | ForwardMode::Route | ForwardMode::Open))
    }
}

pub(crate) fn xml_error(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::NETWORK, ErrorCode::XML_ERROR, text)
}

pub(crate) fn unsupported(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::NETWORK, ErrorCode::CONFIG_UNSUPPORTED, text)
}

/// libvirt's `XML_DETAIL`, whose sentence is the detail alone.
pub(crate) fn xml_detail(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::NETWORK, ErrorCode::XML_DETAIL, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAT: &str = "<network>
  <name>default</name>
  <uuid>81ff0d90-c91e-6742-64da-4a736edb9a9b</uuid>
  <forward mode='nat'>
    <nat>
      <port start='1024' end='65535'/>
    </nat>
  </forward>
  <bridge name='virbr0' stp='on' delay='0'/>
  <mac address='52:54:00:12:34:56'/>
  <domain name='lan' localOnly='yes'/>
  <dns>
    <txt name='example' value='example value'/>
    <srv service='ldap' protocol='tcp' domain='lan' target='a.lan' port='389'/>
    <host ip='192.168.122.2'>
      <hostname>gateway</hostname>
    </host>
  </dns>
  <ip address='192.168.122.1' netmask='255.255.255.0'>
    <dhcp>
      <range start='192.168.122.2' end='192.168.122.254'/>
      <host mac='00:16:3e:77:e2:ed' name='a.example.com' ip='192.168.122.10'/>
    </dhcp>
  </ip>
  <ip family='ipv6' address='2001:db8:ac10:fd01::1' prefix='64'>
  </ip>
  <route family='ipv6' address='2001:db8:ac10:fc00::' prefix='64' gateway='2001:db8:ac10:fd01::1:24'/>
</network>
";

    #[test]
    fn a_document_comes_back_as_it_went_in() {
        let network = Network::parse(NAT, true).unwrap();
        assert_eq!(network.format(true), NAT);
        assert_eq!(network.validate(), Ok(()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let with = |from: &str, to: &str| Network::parse(&NAT.replace(from, to), false).unwrap_err();
        for (from, to, text) in [
            ("<name>default</name>", "", "missing name information"),
            ("mode='nat'", "mode='nut'", "unsupported configuration: unknown forwarding type 'nut'"),
            (
                "mode='nat'",
                "mode='route'",
                "XML error: The <nat> element can only be used when <forward> 'mode' is 'nat' in network default",
            ),
            (
                "52:54:00:12:34:56",
                "01:54:00:12:34:56",
                "XML error: Invalid multicast bridge mac address '01:54:00:12:34:56' in network 'default'",
            ),
            (
                "end='192.168.122.254'",
                "end='192.168.123.254'",
                "internal error: range 192.168.122.2 - 192.168.123.254 is not entirely within network 192.168.122.1/24",
            ),
            (
                "fd01::1:24",
                "fd02::1:24",
                "unsupported configuration: unreachable static route gateway '2001:db8:ac10:fd02::1:24' specified for network 'default'",
            ),
            ("ip='192.168.122.2'", "ip='gateway'", "Invalid IP address in network 'default' DNS HOST record"),
        ] {
            assert_eq!(with(from, to).message(), text);
        }
        let strange = Network::parse(&NAT.replace("<mac ", "<mak "), true).unwrap_err();
        assert_eq!(strange.code(), ErrorCode::XML_INVALID_SCHEMA);
        assert!(strange.message().contains("line 10: unexpected element mak"), "{strange}");
    }

    #[test]
    fn one_protocol_has_one_dhcp_server() {
        let second = "<ip address='10.0.0.1' prefix='24'><dhcp><range start='10.0.0.2' end='10.0.0.9'/></dhcp></ip></network>";
        let network = Network::parse(&NAT.replace("</network>", second), true).unwrap();
        assert!(network.validate().unwrap_err().message().contains("Multiple IPv4 dhcp sections found"));
    }
}
