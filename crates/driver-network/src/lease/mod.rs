//! The addresses guests were given: a file for each bridge, written as dnsmasq tells of leases, read for whoever asks.

pub(crate) mod helper;

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use virtus_api::constants::{VIR_IP_ADDR_TYPE_IPV4, VIR_IP_ADDR_TYPE_IPV6};
use virtus_api::network::NetworkDhcpLease;
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::net::MacAddr;

use crate::live::Definition;
use crate::{Shared, internal};

/// A file of leases may be this large, in bytes.
const FILE_LIMIT: u64 = 32 * 1024 * 1024;

/// An address a guest was given. Names and order of the members are those of libvirt's file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Lease {
    /// The guest's interface's number for its identity (IPv6).
    #[serde(skip_serializing_if = "Option::is_none")]
    iaid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mac_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// The server's own identity (IPv6).
    #[serde(skip_serializing_if = "Option::is_none")]
    server_duid: Option<String>,
    /// When it ends, in seconds since 1970; 0 is never.
    #[serde(skip_serializing_if = "Option::is_none")]
    expiry_time: Option<i64>,
}

/// All leases of a file; none where there is no file.
fn read(path: &Path) -> Result<Vec<Lease>> {
    use std::io::Read;
    let unreadable = |e: std::io::Error| {
        let text = format!("Unable to read leases file: {}", path.display());
        Error::system(ErrorDomain::NETWORK, text, &e)
    };
    let file = match std::fs::File::open(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened.map_err(unreadable)?,
    };
    let mut text = String::new();
    file.take(FILE_LIMIT).read_to_string(&mut text).map_err(unreadable)?;
    if text.is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(&text).map_err(|_| internal(format!("invalid json in file: {}", path.display())))
}

pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

impl Lease {
    fn has_ended(&self, now: i64) -> bool {
        self.expiry_time.is_some_and(|end| end > 0 && end < now)
    }
}

impl Shared {
    /// The leases of a network's guests, of one card if `mac` names it.
    ///
    /// # Errors
    /// When `mac` is none or the file is damaged.
    pub(crate) fn leases(&self, definition: &Definition, mac: Option<&str>) -> Result<Vec<NetworkDhcpLease>> {
        let wanted = mac
            .map(|mac| {
                MacAddr::parse(mac)
                    .ok_or_else(|| Error::new(ErrorDomain::NETWORK, ErrorCode::INVALID_MAC, mac.to_owned()))
            })
            .transpose()?;
        let network = definition.current();
        let Some(bridge) = &network.bridge.name else { return Ok(Vec::new()) };
        let prefix = |v6: bool| {
            let of = network.ips.iter().find(|ip| ip.address.is_ipv6() == v6);
            of.and_then(|ip| ip.prefix_length()).unwrap_or(0)
        };
        let now = now();
        let mut found = Vec::new();
        for lease in read(&self.lease_file(bridge))? {
            let mac = lease.mac_address.clone();
            let mac = mac.ok_or_else(|| internal("found lease without mac-address"))?;
            if wanted.is_some() && MacAddr::parse(&mac) != wanted || lease.has_ended(now) {
                continue;
            }
            let ipaddr = lease.ip_address.ok_or_else(|| internal("found lease without ip-address"))?;
            let v6 = ipaddr.contains(':');
            found.push(NetworkDhcpLease {
                iface: bridge.clone(),
                expirytime: lease.expiry_time.ok_or_else(|| internal("found lease without expiry-time"))?,
                kind: if v6 { VIR_IP_ADDR_TYPE_IPV6 } else { VIR_IP_ADDR_TYPE_IPV4 },
                mac: Some(mac),
                iaid: lease.iaid,
                prefix: prefix(v6),
                ipaddr,
                hostname: lease.hostname,
                clientid: lease.client_id,
            });
        }
        Ok(found)
    }
}
