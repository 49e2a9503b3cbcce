//! dnsmasq's settings for a network: each a line of its own that cannot be more than one.

use std::fmt::Display;
use std::net::IpAddr;
use std::path::Path;

use virtus_base::Result;
use virtus_conf::net::Subnet;
use virtus_conf::net::address::range_size;
use virtus_conf::network::{Dhcp, DnsForwarder, DnsSrv, Ip, Network};
use virtus_xml::YesNo;

use super::line::{checked, lease_time};
use crate::unsupported;

/// What the settings are made from.
pub(super) struct Settings<'a> {
    pub(super) network: &'a Network,
    pub(super) bridge: &'a str,
    pub(super) pid_file: &'a Path,
    pub(super) hosts_file: &'a Path,
    pub(super) names_file: &'a Path,
}

/// The lines so far.
struct Lines(String);

impl Lines {
    /// A setting that has no value.
    fn flag(&mut self, name: &str) {
        self.0.push_str(name);
        self.0.push('\n');
    }

    /// A setting.
    fn set(&mut self, name: &str, value: impl Display) -> Result<()> {
        self.raw(&format!("{name}={value}"))
    }

    /// A setting that is a path, in which dnsmasq would take some characters for more than themselves.
    fn path(&mut self, name: &str, path: &Path) -> Result<()> {
        let path = path.display().to_string();
        match path.contains(['"', '\\', '#']) {
            false => self.set(name, path),
            true => self.set(name, format_args!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\""))),
        }
    }

    /// A line as somebody else wrote it.
    fn raw(&mut self, line: &str) -> Result<()> {
        let line = checked(line)?;
        self.flag(&line);
        Ok(())
    }
}

impl Settings<'_> {
    /// The file's text.
    ///
    /// # Errors
    /// When something cannot be said to dnsmasq.
    pub(super) fn text(&self) -> Result<String> {
        let network = self.network;
        let mut lines = Lines(String::new());
        let names = network.dns.enable != Some(YesNo::No);
        lines.flag("##WARNING:  THIS IS AN AUTO-GENERATED FILE. CHANGES TO IT ARE LIKELY TO BE");
        lines.flag("##OVERWRITTEN AND LOST.  Changes to this configuration should be made using:");
        lines.raw(&format!("##    virsh net-edit {}", network.name))?;
        lines.flag("## or other application using the libvirt API.");
        lines.flag("##");
        lines.flag("## dnsmasq conf file created by libvirt");
        lines.flag("strict-order");
        match names {
            true => forwarders(&mut lines, &network.dns.forwarders)?,
            false => lines.set("port", 0)?,
        }
        self.domain(&mut lines)?;
        lines.path("pid-file", self.pid_file)?;
        lines.set("except-interface", "lo")?;
        lines.flag("bind-dynamic");
        lines.set("interface", self.bridge)?;
        if network.forward.is_none() {
            // guests are told of no way out, and no question of theirs goes there either
            lines.set("dhcp-option", 3)?;
            lines.flag("no-resolv");
            lines.set("ra-param", "*,0,0")?;
        }
        for txt in network.dns.txts.iter().filter(|_| names) {
            lines.set(
                "txt-record",
                format_args!("{},{}", txt.name, txt.value.as_deref().unwrap_or_default()),
            )?;
        }
        for srv in network.dns.srvs.iter().filter(|_| names) {
            lines.set("srv-host", service(srv))?;
        }
        self.addresses(&mut lines)?;
        if names {
            lines.path("addn-hosts", self.names_file)?;
        }
        if let Some(mtu) = network.mtu.filter(|mtu| *mtu > 0) {
            lines.set("dhcp-option", format_args!("option:mtu,{mtu}"))?;
        }
        self.router_advertisements(&mut lines)?;
        network.dnsmasq_options.iter().try_for_each(|option| lines.raw(option))?;
        Ok(lines.0)
    }

    fn domain(&self, lines: &mut Lines) -> Result<()> {
        let network = self.network;
        if let Some(domain) = &network.domain.name {
            if network.domain.local_only == Some(YesNo::Yes) {
                lines.set("local", format_args!("/{domain}/"))?;
            }
            lines.set("domain", domain)?;
            lines.flag("expand-hosts");
        }
        if network.dns.forward_plain_names == Some(YesNo::No) {
            lines.flag("domain-needed");
            lines.set("local", "//")?;
        }
        for ip in network.ips.iter().filter(|ip| ip.local_ptr == Some(YesNo::Yes)) {
            lines.set("local", format_args!("/{}/", reverse_domain(ip)?))?;
        }
        Ok(())
    }

    fn addresses(&self, lines: &mut Lines) -> Result<()> {
        let mut leases: u64 = 0;
        let mut any = false;
        for v4 in [true, false] {
            let ips = || self.network.ips.iter().filter(|ip| ip.address.is_ipv4() == v4);
            if let Some(root) = ips().find_map(|ip| ip.tftp_root.as_ref()) {
                lines.flag("enable-tftp");
                lines.set("tftp-root", root)?;
            }
            let serving = ips().filter_map(|ip| Some((ip, ip.dhcp.as_ref()?)));
            for (ip, dhcp) in serving.filter(|(ip, _)| super::serves(ip)) {
                any = true;
                leases = leases.saturating_add(ranges(lines, ip, dhcp)?);
                if v4 {
                    lines.flag("dhcp-no-override");
                    lines.flag("dhcp-authoritative");
                    if let Some(boot) = &dhcp.bootp {
                        let server = boot.server.as_ref().map(|s| format!(",,{s}")).unwrap_or_default();
                        lines.set("dhcp-boot", format_args!("{}{server}", boot.file))?;
                    }
                }
            }
        }
        if leases > 0 {
            lines.set("dhcp-lease-max", leases)?;
        }
        if any {
            lines.path("dhcp-hostsfile", self.hosts_file)?;
        }
        Ok(())
    }

    /// Guests learn of IPv6 networks by advertisements, with or without addresses from here.
    fn router_advertisements(&self, lines: &mut Lines) -> Result<()> {
        let ips = || self.network.ips.iter().filter(|ip| ip.address.is_ipv6());
        if ips().any(super::serves) {
            lines.flag("enable-ra");
            return Ok(());
        }
        for ip in ips() {
            lines.set("dhcp-range", format_args!("{},ra-only", ip.address))?;
        }
        Ok(())
    }
}

fn forwarders(lines: &mut Lines, forwarders: &[DnsForwarder]) -> Result<()> {
    let mut instead = false;
    for forwarder in forwarders {
        let domain = forwarder.domain.as_ref().map(|d| format!("/{d}/")).unwrap_or_default();
        instead |= forwarder.domain.is_none() && forwarder.address.is_some();
        match forwarder.address {
            Some(address) => lines.set("server", format_args!("{domain}{address}"))?,
            // whom the host itself asks
            None => lines.set("server", format_args!("{domain}#"))?,
        }
    }
    if instead {
        lines.flag("no-resolv");
    }
    Ok(())
}

/// The ranges of an address's guests, and how many addresses there are in them.
fn ranges(lines: &mut Lines, ip: &Ip, dhcp: &Dhcp) -> Result<u64> {
    let prefix = ip.prefix_length().unwrap_or_default();
    let width = match ip.address {
        IpAddr::V4(_) => {
            let mask = u32::MAX.checked_shl(32u32.saturating_sub(prefix)).unwrap_or(0);
            std::net::Ipv4Addr::from_bits(mask).to_string()
        }
        IpAddr::V6(_) => prefix.to_string(),
    };
    let mut size: u64 = 0;
    for range in &dhcp.ranges {
        let time = range.lease.as_ref().map(|l| format!(",{}", lease_time(l))).unwrap_or_default();
        lines.set("dhcp-range", format_args!("{},{},{width}{time}", range.start, range.end))?;
        let within = Some((ip.address, Some(prefix)));
        size = size.saturating_add(range_size(range.start, range.end, within)?.into());
    }
    if dhcp.ranges.is_empty() {
        let width = if ip.address.is_ipv6() { format!(",{width}") } else { String::new() };
        lines.set("dhcp-range", format_args!("{},static{width}", ip.address))?;
    }
    Ok(size)
}

/// A service's record. What is left out at its end has dnsmasq's defaults.
fn service(srv: &DnsSrv) -> String {
    let mut text = format!(
        "_{}._{}",
        srv.service.as_deref().unwrap_or_default(),
        srv.protocol.as_deref().unwrap_or_default()
    );
    if let Some(domain) = &srv.domain {
        text.push_str(&format!(".{domain}"));
    }
    // a service that is not to be had has no more to say
    if let Some(target) = srv.target.as_deref().filter(|target| *target != ".") {
        text.push_str(&format!(",{target}"));
        let given = |value: Option<u16>| value.filter(|v| *v > 0);
        let all =
            [given(srv.port).or(Some(1)), given(srv.priority).or(Some(0)), given(srv.weight).or(Some(0))];
        let last = [srv.port, srv.priority, srv.weight].iter().rposition(|v| given(*v).is_some());
        for value in all.iter().take(last.map_or(0, |last| last + 1)).flatten() {
            text.push_str(&format!(",{value}"));
        }
    }
    text
}

/// The domain of the names that addresses of a network are looked up by.
fn reverse_domain(ip: &Ip) -> Result<String> {
    let prefix = ip.prefix_length().unwrap_or_default();
    let network = Subnet { address: ip.address, prefix }.network();
    let (digits, bits, suffix): (Vec<String>, u32, &str) = match network {
        IpAddr::V4(v4) => (v4.octets().iter().map(u8::to_string).collect(), 8, "in-addr.arpa"),
        IpAddr::V6(v6) => {
            let halves = |byte: &u8| [format!("{:x}", byte >> 4), format!("{:x}", byte & 15)];
            (v6.octets().iter().flat_map(halves).collect(), 4, "ip6.arpa")
        }
    };
    if prefix == 0 || !prefix.is_multiple_of(bits) {
        return Err(unsupported(format!(
            "PTR domain for {network} network with prefix {prefix} cannot be automatically created"
        )));
    }
    let count = usize::try_from(prefix / bits).unwrap_or(0);
    let labels: Vec<_> = digits.iter().take(count).rev().map(String::as_str).collect();
    Ok(format!("{}.{suffix}", labels.join(".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(inside: &str) -> Result<Vec<String>> {
        let text = format!("<network><name>n</name><bridge name='b'/>{inside}</network>");
        let network = Network::parse(&text, false)?;
        let settings = Settings {
            network: &network,
            bridge: "b",
            pid_file: Path::new("/p"),
            hosts_file: Path::new("/h"),
            names_file: Path::new("/a"),
        };
        Ok(settings.text()?.lines().filter(|l| !l.starts_with('#')).map(str::to_owned).collect())
    }

    #[test]
    fn everything_is_said_in_order() {
        let said = settings(
            "<forward/><mtu size='1400'/><domain name='lan.x' localOnly='yes'/>
<dns><forwarder domain='a.b' addr='8.8.8.8'/><forwarder addr='1.1.1.1'/><txt name='t' value='hello, world'/>
<srv service='ldap' protocol='tcp' domain='lan.x' target='a.lan.x' weight='2'/></dns>
<ip address='10.1.0.1' prefix='24' localPtr='yes'><tftp root='/t'/><dhcp><range start='10.1.0.10' end='10.1.0.99'><lease expiry='2' unit='hours'/></range>
<bootp file='pxe.0' server='10.1.0.1'/></dhcp></ip>
<ip family='ipv6' address='2001:db8:1::1' prefix='64'><dhcp><host id='0:1:2' name='h6' ip='2001:db8:1::20'/></dhcp></ip>",
        )
        .unwrap();
        assert_eq!(
            said,
            [
                "strict-order",
                "server=/a.b/8.8.8.8",
                "server=1.1.1.1",
                "no-resolv",
                "local=/lan.x/",
                "domain=lan.x",
                "expand-hosts",
                "local=/0.1.10.in-addr.arpa/",
                "pid-file=/p",
                "except-interface=lo",
                "bind-dynamic",
                "interface=b",
                "txt-record=t,hello, world",
                "srv-host=_ldap._tcp.lan.x,a.lan.x,1,0,2",
                "enable-tftp",
                "tftp-root=/t",
                "dhcp-range=10.1.0.10,10.1.0.99,255.255.255.0,2h",
                "dhcp-no-override",
                "dhcp-authoritative",
                "dhcp-boot=pxe.0,,10.1.0.1",
                "dhcp-range=2001:db8:1::1,static,64",
                "dhcp-lease-max=90",
                "dhcp-hostsfile=/h",
                "addn-hosts=/a",
                "dhcp-option=option:mtu,1400",
                "enable-ra",
            ]
        );
    }

    #[test]
    fn a_line_cannot_be_two() {
        let ip = "<ip address='10.1.0.1' prefix='24'/>";
        for inside in [
            format!("<dns><txt name='t' value='a&#10;dhcp-script=/evil'/></dns>{ip}"),
            format!("<domain name='a&#10;b'/>{ip}"),
            format!("<dns><srv service='s' protocol='tcp' domain='a&#13;b'/></dns>{ip}"),
        ] {
            let e = settings(&inside).unwrap_err();
            assert!(e.message().contains("control character"), "{e}");
        }
    }

    #[test]
    fn addresses_have_reverse_domains() {
        let said = |ip: &str| settings(ip).map(|lines| lines.into_iter().find(|l| l.starts_with("local=")));
        let v6 = "<ip family='ipv6' address='2001:db8:ac10::1' prefix='48' localPtr='yes'/>";
        assert_eq!(said(v6).unwrap().as_deref(), Some("local=/0.1.c.a.8.b.d.0.1.0.0.2.ip6.arpa/"));
        let odd = "<ip address='10.1.0.1' prefix='25' localPtr='yes'/>";
        assert!(said(odd).unwrap_err().message().contains("PTR domain for 10.1.0.0 network with prefix 25"));
    }
}
