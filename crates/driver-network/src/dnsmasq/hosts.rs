//! The files of hosts that dnsmasq reads anew when it is told to: addresses for known cards, and names of addresses.

use virtus_base::Result;
use virtus_conf::network::{DhcpHost, Network};

use super::line::{checked, lease_time};

/// Addresses for known cards, one a line.
///
/// # Errors
/// When a line would be more than one.
pub(super) fn addresses(network: &Network) -> Result<String> {
    let mut text = String::new();
    for ip in &network.ips {
        for host in ip.dhcp.iter().flat_map(|dhcp| &dhcp.hosts) {
            text.push_str(&checked(&line(host, ip.address.is_ipv6()))?);
            text.push('\n');
        }
    }
    Ok(text)
}

fn line(host: &DhcpHost, v6: bool) -> String {
    let mut fields = Vec::new();
    let address = host.ip.map(|ip| if v6 { format!("[{ip}]") } else { ip.to_string() });
    match (v6, host.mac) {
        (true, _) => {
            fields.extend(host.id.as_ref().map(|id| format!("id:{id}")));
            fields.extend(host.name.clone());
            fields.extend(address);
        }
        (false, Some(mac)) => {
            fields.push(mac.to_string());
            fields.extend(address);
            fields.extend(host.name.clone());
        }
        (false, None) => {
            fields.extend(host.name.clone());
            fields.extend(address);
        }
    }
    fields.extend(host.lease.as_ref().map(lease_time));
    fields.join(",")
}

/// Names of addresses, one address a line.
///
/// # Errors
/// When a line would be more than one.
pub(super) fn names(network: &Network) -> Result<String> {
    let mut text = String::new();
    for host in &network.dns.hosts {
        let Some(ip) = host.ip else { continue };
        let mut line = format!("{ip}\t");
        for name in &host.names {
            line.push_str(&checked(name)?);
            line.push('\t');
        }
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_a_line_each() {
        let network = Network::parse(
            "<network><name>n</name><bridge name='b'/>
<dns><host ip='10.1.0.2'><hostname>gw</hostname><hostname>gw2</hostname></host></dns>
<ip address='10.1.0.1' prefix='24'><dhcp><host mac='52:54:00:00:00:01' name='h1' ip='10.1.0.5'><lease expiry='0'/></host>
<host name='h2' ip='10.1.0.6'><lease expiry='5'/></host></dhcp></ip>
<ip family='ipv6' address='2001:db8:1::1' prefix='64'><dhcp><host id='0:1:2' name='h6' ip='2001:db8:1::20'/></dhcp></ip></network>",
            true,
        )
        .unwrap();
        assert_eq!(
            addresses(&network).unwrap(),
            "52:54:00:00:00:01,10.1.0.5,h1,infinite\nh2,10.1.0.6,5m\nid:0:1:2,h6,[2001:db8:1::20]\n"
        );
        assert_eq!(names(&network).unwrap(), "10.1.0.2\tgw\tgw2\t\n");
        let mut bad = network;
        bad.dns.hosts[0].names[0] = "a\nb".into();
        assert!(names(&bad).is_err());
    }
}
