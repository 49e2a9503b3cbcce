//! What a line for dnsmasq may have in it.

use virtus_base::Result;
use virtus_conf::network::{Lease, LeaseUnit};

use crate::unsupported;

/// A line that is one.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` when it has characters that would end it.
pub(super) fn checked(line: &str) -> Result<String> {
    match line.chars().find(|c| c.is_control() && *c != '\t') {
        None => Ok(line.to_owned()),
        Some(_) => Err(unsupported(format!(
            "control character in '{}', which is meant for dnsmasq",
            line.escape_default()
        ))),
    }
}

/// How long an address is kept, as dnsmasq takes it.
pub(super) fn lease_time(lease: &Lease) -> String {
    let unit = match lease.unit {
        _ if lease.expiry == 0 => return "infinite".to_owned(),
        LeaseUnit::Seconds => 's',
        LeaseUnit::Minutes => 'm',
        LeaseUnit::Hours => 'h',
    };
    format!("{}{unit}", lease.expiry)
}
