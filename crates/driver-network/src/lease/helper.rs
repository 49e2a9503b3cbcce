//! The daemon's other life: dnsmasq runs its program for each lease that is given, renewed or ended, and, when it
//! starts, for those there are. It says what has happened by arguments and variables (`--dhcp-script` of dnsmasq(8)).

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use virtus_base::{Error, ErrorDomain, Result};
use virtus_conf::net::MacAddr;
use virtus_state::file::{self, Durability};

use super::{Lease, now, read};
use crate::internal;

/// Where dnsmasq's files are on every host: it starts this program without a word about that.
const DIRECTORY: &str = "/var/lib/libvirt/dnsmasq";
/// What dnsmasq tells of; of some of it nothing is kept.
const EVENTS: [&str; 8] = ["add", "old", "del", "init", "tftp", "arp-add", "arp-del", "relay-snoop"];

/// Whether a program was started by dnsmasq to be told of a lease.
pub fn is_lease_event(argument: &str) -> bool {
    EVENTS.contains(&argument) && std::env::var_os("VIR_BRIDGE_NAME").is_some()
}

/// Takes note of what dnsmasq tells with these arguments; the answer is what dnsmasq wants to read.
///
/// # Errors
/// When the file of leases cannot be read or written.
pub fn lease_event(arguments: &[String]) -> Result<String> {
    handle(Path::new(DIRECTORY), arguments, &std::env::vars().collect(), now())
}

fn handle(
    directory: &Path,
    arguments: &[String],
    variables: &HashMap<String, String>,
    now: i64,
) -> Result<String> {
    let argument = |at: usize| arguments.get(at).map(String::as_str).filter(|a| !a.is_empty());
    let variable = |name: &str| variables.get(name).filter(|v| !v.is_empty()).cloned();
    let bridge = variable("DNSMASQ_INTERFACE").or_else(|| variable("VIR_BRIDGE_NAME"));
    let bridge = bridge.filter(|b| !b.contains('/')).ok_or_else(|| internal("no bridge is named"))?;
    let path = directory.join(format!("{bridge}.status"));
    let event = argument(0).unwrap_or_default();
    if event == "init" {
        return Ok(listing(&read(&path)?, now));
    }
    if !matches!(event, "add" | "old" | "del") {
        return Ok(String::new());
    }
    let ip = argument(2).ok_or_else(|| internal("dnsmasq tells of a lease without an address"))?;
    let mut leases = read(&path)?;
    let before = leases.clone();
    let known = leases.iter().find(|l| l.ip_address.as_deref() == Some(ip)).cloned();
    leases.retain(|l| l.ip_address.as_deref() != Some(ip) && !l.has_ended(now));
    if event != "del" {
        leases.extend(lease(ip, argument(1), argument(3), &variable, known));
    }
    if leases == before {
        return Ok(String::new());
    }
    let mut text =
        serde_json::to_string_pretty(&leases).map_err(|e| internal(format!("cannot write leases: {e}")))?;
    text.push('\n');
    file::write(&path, text.as_bytes(), 0o644, Durability::Process).map_err(|e| {
        Error::system(ErrorDomain::NETWORK, format!("Unable to write to leases file: {}", path.display()), &e)
    })?;
    Ok(String::new())
}

/// The lease dnsmasq tells of; none when nobody knows whose it is.
fn lease(
    ip: &str,
    id: Option<&str>,
    hostname: Option<&str>,
    variable: &dyn Fn(&str) -> Option<String>,
    known: Option<Lease>,
) -> Option<Lease> {
    let v6 = ip.contains(':');
    // of IPv6 the identity comes as an argument, and the address of the card if it happens to be known
    let (mac, client_id) = match v6 {
        true => (variable("DNSMASQ_MAC"), id.map(str::to_owned)),
        false => (id.map(str::to_owned), variable("DNSMASQ_CLIENT_ID")),
    };
    // dnsmasq puts the kind of hardware in front where it is not Ethernet
    let mac = mac.map(|m| m.rsplit_once('-').map_or(m.clone(), |(_, address)| address.to_owned()));
    let mac = mac.filter(|m| MacAddr::parse(m).is_some()).or_else(|| known?.mac_address)?;
    let expiry = variable("DNSMASQ_LEASE_EXPIRES").and_then(|e| e.trim().parse().ok()).unwrap_or(0);
    Some(Lease {
        iaid: variable("DNSMASQ_IAID").filter(|_| v6),
        ip_address: Some(ip.to_owned()),
        mac_address: Some(mac),
        hostname: hostname.map(str::to_owned),
        client_id,
        server_duid: variable("DNSMASQ_SERVER_DUID").filter(|_| v6),
        expiry_time: Some(expiry),
    })
}

/// The leases as dnsmasq keeps them itself: IPv4 first, then IPv6 after the server's identity.
fn listing(leases: &[Lease], now: i64) -> String {
    let mut text = String::new();
    let or_star = |word: &Option<String>| word.clone().unwrap_or_else(|| "*".to_owned());
    let valid = |lease: &&Lease| !lease.has_ended(now);
    let v6 = |lease: &&Lease| lease.ip_address.as_ref().is_some_and(|ip| ip.contains(':'));
    for lease in leases.iter().filter(valid).filter(|l| !v6(l)) {
        let (Some(mac), Some(ip)) = (&lease.mac_address, &lease.ip_address) else { continue };
        let (name, id) = (or_star(&lease.hostname), or_star(&lease.client_id));
        let _ = writeln!(text, "{} {mac} {ip} {name} {id}", lease.expiry_time.unwrap_or(0));
    }
    let server = leases.iter().find_map(|l| l.server_duid.as_ref());
    if let Some(server) = server {
        let _ = writeln!(text, "duid {server}");
        for lease in leases.iter().filter(valid).filter(v6) {
            let (Some(iaid), Some(ip)) = (&lease.iaid, &lease.ip_address) else { continue };
            let (name, id) = (or_star(&lease.hostname), or_star(&lease.client_id));
            let _ = writeln!(text, "{} {iaid} {ip} {name} {id}", lease.expiry_time.unwrap_or(0));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_come_stay_and_go() {
        let root = tempfile::tempdir().unwrap();
        let told = |arguments: &str, variables: &[(&str, &str)]| {
            let mut all: HashMap<String, String> = [("VIR_BRIDGE_NAME".to_owned(), "br".to_owned())].into();
            all.extend(variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
            let arguments: Vec<_> = arguments.split(' ').map(str::to_owned).collect();
            handle(root.path(), &arguments, &all, 1000).unwrap()
        };
        let text = || std::fs::read_to_string(root.path().join("br.status")).unwrap();
        told(
            "add 52:54:00:00:00:01 10.0.0.5 one",
            &[("DNSMASQ_LEASE_EXPIRES", "2000"), ("DNSMASQ_CLIENT_ID", "01:52")],
        );
        assert_eq!(
            text(),
            "[\n  {\n    \"ip-address\": \"10.0.0.5\",\n    \"mac-address\": \"52:54:00:00:00:01\",\n    \"hostname\": \"one\",\n    \"client-id\": \"01:52\",\n    \"expiry-time\": 2000\n  }\n]\n"
        );
        let v6 = [
            ("DNSMASQ_LEASE_EXPIRES", "3000"),
            ("DNSMASQ_MAC", "52:54:00:00:00:02"),
            ("DNSMASQ_IAID", "7"),
            ("DNSMASQ_SERVER_DUID", "00:01"),
        ];
        told("add 00:04:aa 2001:db8::5 two", &v6);
        // renewed by a relay: the card is known from before
        told(
            "old 00:04:aa 2001:db8::5",
            &[("DNSMASQ_LEASE_EXPIRES", "4000"), ("DNSMASQ_IAID", "7"), ("DNSMASQ_SERVER_DUID", "00:01")],
        );
        told("add 52:54:00:00:00:03 10.0.0.6", &[("DNSMASQ_LEASE_EXPIRES", "999")]);
        assert_eq!(
            told("init", &[]),
            "2000 52:54:00:00:00:01 10.0.0.5 one 01:52\nduid 00:01\n4000 7 2001:db8::5 * 00:04:aa\n"
        );
        told("del 52:54:00:00:00:01 10.0.0.5", &[]);
        assert!(
            !text().contains("10.0.0.5") && !text().contains("10.0.0.6") && text().contains("2001:db8::5")
        );
        assert_eq!(told("tftp 10 10.0.0.9 /x", &[]), "");
    }
}
