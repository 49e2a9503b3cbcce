//! The network `default`, which a host has from its first day on: where there never was a directory of networks, one
//! with address translation is defined, starts with the daemon, and takes a subnet that nobody has. A host that was
//! set up once, even with no network left, is left as it is.

use virtus_conf::net::Subnet;
use virtus_conf::network::Network;
use virtus_host::net;

use crate::Shared;

/// The third byte of the subnets that are tried, after 192.168.
const FIRST: u8 = 122;

impl Shared {
    /// Defines the first network of a host.
    pub(crate) fn define_default(&self) {
        let taken: Vec<Subnet> = net::routes()
            .unwrap_or_default()
            .iter()
            // the way to everywhere is not a subnet of this host
            .filter(|route| route.prefix > 0)
            .map(|route| Subnet { address: route.network, prefix: route.prefix.into() })
            .collect();
        let Some(byte) = free(&taken) else {
            tracing::warn!("no network 'default': all subnets of 192.168.0.0/16 are in use");
            return;
        };
        let defined = Network::parse(&document(byte), true).and_then(|network| self.define(network));
        let done = defined.and_then(|network| self.set_autostart(&network, true).map(|()| network));
        match done {
            Ok(network) => {
                tracing::info!("network '{}' was defined with 192.168.{byte}.0/24", network.name);
            }
            Err(e) => tracing::error!("cannot define the network 'default': {e}"),
        }
    }
}

/// The first free subnet's third byte: the usual one, those after it, those before.
fn free(taken: &[Subnet]) -> Option<u8> {
    let subnet = |byte: u8| Subnet { address: [192, 168, byte, 0].into(), prefix: 24 };
    (FIRST..=254).chain(1..FIRST).find(|byte| !taken.iter().any(|other| other.overlaps(&subnet(*byte))))
}

fn document(byte: u8) -> String {
    format!(
        "<network><name>default</name><forward mode='nat'/><bridge name='virbr%d' stp='on' delay='0'/>
<ip address='192.168.{byte}.1' netmask='255.255.255.0'><dhcp>
<range start='192.168.{byte}.2' end='192.168.{byte}.254'/></dhcp></ip></network>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_subnet_is_taken_where_the_usual_one_is_used() {
        let used = |text: &str, prefix| Subnet { address: text.parse().unwrap(), prefix };
        assert_eq!(free(&[]), Some(122));
        assert_eq!(free(&[used("192.168.122.0", 24), used("192.168.123.77", 32)]), Some(124));
        assert_eq!(free(&[used("192.168.0.0", 16)]), None);
        let network = Network::parse(&document(7), true).unwrap();
        assert_eq!(network.validate(), Ok(()));
    }
}
