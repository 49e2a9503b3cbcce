//! Addresses that networks gave out.

use std::ffi::{c_int, c_uint};
use std::ptr::null_mut;

use virtus::Result;
use virtus::types::NetworkDhcpLease;

use crate::arg::{Out, Text};
use crate::ctype::Char;
use crate::declare::{exports, structs};
use crate::handle::Of;
use crate::memory;
use crate::object::Network;

structs! {
    /// An address that a network gave out.
    virNetworkDHCPLease {
        iface: *mut Char,
        expirytime: i64,
        r#type: c_int,
        mac: *mut Char,
        iaid: *mut Char,
        ipaddr: *mut Char,
        prefix: c_uint,
        hostname: *mut Char,
        clientid: *mut Char,
    }
}

exports! {
    header NETWORK, errors NETWORK;

    "1.2.6" fn virNetworkGetDHCPLeases(
        network: Of<Network>, mac: Option<Text>, leases: Option<Out<*mut *mut virNetworkDHCPLease>>, flags: c_uint
    ) -> usize
        = list(&network, mac.as_deref(), leases.as_ref(), flags);

    plain {
        "1.2.6" fn virNetworkDHCPLeaseFree(lease: *mut virNetworkDHCPLease) = {
            // SAFETY: it is null or one of the above, as the C API says
            unsafe { free(lease) }
        };
    }
}

fn list(
    network: &Network,
    mac: Option<&str>,
    room: Option<&Out<*mut *mut virNetworkDHCPLease>>,
    flags: c_uint,
) -> Result<usize> {
    if let Some(room) = room {
        room.put(null_mut());
    }
    let leases = network.dhcp_leases(mac, flags)?;
    if let Some(room) = room {
        // with a null at the end
        let list = memory::array::<*mut virNetworkDHCPLease>(leases.len() + 1)?;
        for (place, lease) in leases.iter().enumerate() {
            let lease = memory::copy(&[give(lease)?])?.as_ptr();
            // SAFETY: there is room for one more than all leases
            unsafe { list.add(place).write(lease) };
        }
        room.put(list.as_ptr());
    }
    Ok(leases.len())
}

fn give(lease: &NetworkDhcpLease) -> Result<virNetworkDHCPLease> {
    Ok(virNetworkDHCPLease {
        iface: memory::text(&lease.iface)?.as_ptr(),
        expirytime: lease.expirytime,
        r#type: lease.kind,
        mac: memory::optional_text(lease.mac.as_deref())?,
        iaid: memory::optional_text(lease.iaid.as_deref())?,
        ipaddr: memory::text(&lease.ipaddr)?.as_ptr(),
        prefix: lease.prefix,
        hostname: memory::optional_text(lease.hostname.as_deref())?,
        clientid: memory::optional_text(lease.clientid.as_deref())?,
    })
}

/// # Safety
/// `lease` is null or one that [`list`] gave, and is not used any more.
unsafe fn free(lease: *mut virNetworkDHCPLease) {
    if lease.is_null() {
        return;
    }
    // SAFETY: not null, hence a lease, as the caller promises
    let texts = unsafe { *lease };
    for text in [texts.iface, texts.mac, texts.iaid, texts.ipaddr, texts.hostname, texts.clientid] {
        // SAFETY: the lease's own texts came from `memory`
        unsafe { memory::free(text) };
    }
    // SAFETY: the lease came from `memory`
    unsafe { memory::free(lease) };
}
