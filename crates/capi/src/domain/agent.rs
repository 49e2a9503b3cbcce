//! What the agent in the guest does.

use std::ffi::{c_int, c_uint};

use virtus::Result;
use virtus::constants::*;

use crate::arg::{InMut, Later, Out, Rw, Text};
use crate::call::Call;
use crate::connect::{borrowed, texts};
use crate::ctype::Char;
use crate::declare::{exports, structs};
use crate::flags::exclusive;
use crate::handle::Of;
use crate::memory;
use crate::object::Domain;
use crate::params::{self, virTypedParameter};

structs! {
    /// A file system of the guest.
    virDomainFSInfo {
        mountpoint: *mut Char,
        name: *mut Char,
        fstype: *mut Char,
        ndevAlias: usize,
        devAlias: *mut *mut Char,
    }
    /// An address of the guest.
    virDomainIPAddress {
        r#type: c_int,
        addr: *mut Char,
        prefix: c_uint,
    }
    /// A network interface of the guest.
    virDomainInterface {
        name: *mut Char,
        hwaddr: *mut Char,
        naddrs: c_uint,
        addrs: *mut virDomainIPAddress,
    }
}

exports! {
    header DOMAIN, errors DOMAIN;

    "1.2.5" fn virDomainFSFreeze[call](
        dom: Rw<Domain>, mountpoints: InMut<*const Char>, nmountpoints: c_uint, flags: c_uint
    ) -> c_int = dom.fsfreeze(&borrowed(&points(call, &mountpoints, nmountpoints)?), flags);
    "1.2.5" fn virDomainFSThaw[call](
        dom: Rw<Domain>, mountpoints: InMut<*const Char>, nmountpoints: c_uint, flags: c_uint
    ) -> c_int = dom.fsthaw(&borrowed(&points(call, &mountpoints, nmountpoints)?), flags);
    "1.0.1" fn virDomainFSTrim(dom: Rw<Domain>, mountPoint: Option<Text>, minimum: u64, flags: c_uint) -> ()
        = dom.fstrim(mountPoint.as_deref(), minimum, flags);
    "1.2.5" fn virDomainGetTime(
        dom: Rw<Domain>, seconds: Option<Out<i64>>, nseconds: Option<Out<c_uint>>, flags: c_uint
    ) -> () = {
        let said = dom.time(flags)?;
        if let Some(seconds) = seconds {
            seconds.put(said.seconds);
        }
        Ok(nseconds.map_or((), |nseconds| nseconds.put(said.nseconds)))
    };
    "1.2.5" fn virDomainSetTime(dom: Rw<Domain>, seconds: i64, nseconds: c_uint, flags: c_uint) -> ()
        = dom.set_time(seconds, nseconds, flags);
    "1.2.16" fn virDomainSetUserPassword(dom: Rw<Domain>, user: Text, password: Text, flags: c_uint) -> ()
        = dom.set_user_password(Some(&user), Some(&password), flags);
    "5.10.0" fn virDomainAgentSetResponseTimeout(domain: Rw<Domain>, timeout: c_int, flags: c_uint) -> c_int
        = domain.agent_set_response_timeout(timeout, flags);
    "6.10.0" fn virDomainAuthorizedSSHKeysGet(
        domain: Later<Domain>, user: Text, keys: Out<*mut *mut Char>, flags: c_uint
    ) -> usize = {
        let said = domain.authorized_ssh_keys_get(&user, flags)?;
        keys.put(memory::texts(&said)?);
        Ok(said.len())
    };
    "6.10.0" fn virDomainAuthorizedSSHKeysSet[call](
        domain: Later<Domain>, user: Text, keys: InMut<*const Char>, nkeys: c_uint, flags: c_uint
    ) -> () = {
        exclusive!(call, flags,
            VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_APPEND ^ VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_REMOVE);
        if flags & (VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_APPEND | VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_REMOVE) != 0 {
            if keys.is_null() {
                return Err(call.wrong("keys", "must not be NULL"));
            }
            if nkeys == 0 {
                return Err(call.wrong("nkeys", "must not be zero"));
            }
        }
        call.within(usize::try_from(nkeys).unwrap_or_default(), 2048, || {
            "remoteDomainAuthorizedSSHKeysSet: returned number of keys exceeds limit".to_owned()
        })?;
        let keys = if keys.is_null() { Vec::new() } else { texts(call, &keys, nkeys, "keys")? };
        domain.authorized_ssh_keys_set(&user, &borrowed(&keys), flags)
    };
    "5.7.0" fn virDomainGetGuestInfo[call](
        domain: Rw<Domain>, types: c_uint, params: Out<*mut virTypedParameter>, nparams: Out<c_int>, flags: c_uint
    ) -> () = params::give(&params, &nparams, &domain.guest_info(types, flags)?, call);
    "2.0.0" fn virDomainGetGuestVcpus[call](
        domain: Rw<Domain>, params: Out<*mut virTypedParameter>, nparams: Out<c_uint>, flags: c_uint
    ) -> () = params::give(&params, &nparams, &domain.guest_vcpus(flags)?, call);
    "2.0.0" fn virDomainSetGuestVcpus(domain: Rw<Domain>, cpumap: Text, state: c_int, flags: c_uint) -> ()
        = domain.set_guest_vcpus(&cpumap, state, flags);
    "1.2.11" fn virDomainGetFSInfo(dom: Rw<Domain>, info: Out<*mut *mut virDomainFSInfo>, flags: c_uint) -> usize = {
        info.put(std::ptr::null_mut());
        let copies = dom.fsinfo(flags)?.iter().map(|fs| {
            memory::one(virDomainFSInfo {
                mountpoint: memory::text(&fs.mountpoint)?.as_ptr(),
                name: memory::text(&fs.name)?.as_ptr(),
                fstype: memory::text(&fs.fstype)?.as_ptr(),
                ndevAlias: fs.dev_aliases.len(),
                devAlias: memory::texts(&fs.dev_aliases)?,
            })
        }).collect::<Result<Vec<_>>>()?;
        info.put(memory::list(&copies)?);
        Ok(copies.len())
    };
    "1.2.14" fn virDomainInterfaceAddresses[call](
        dom: Of<Domain>, ifaces: Out<*mut *mut virDomainInterface>, source: c_uint, flags: c_uint
    ) -> usize = {
        ifaces.put(std::ptr::null_mut());
        if source == VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT.cast_unsigned() {
            call.check_write()?;
        }
        let copies = dom.interface_addresses(source, flags)?.iter().map(|iface| {
            let addrs = iface.addrs.iter().map(|address| {
                Ok(virDomainIPAddress {
                    r#type: address.kind,
                    addr: memory::text(&address.addr)?.as_ptr(),
                    prefix: address.prefix,
                })
            }).collect::<Result<Vec<_>>>()?;
            memory::one(virDomainInterface {
                name: memory::text(&iface.name)?.as_ptr(),
                hwaddr: memory::optional_text(iface.hwaddr.as_deref())?,
                naddrs: c_uint::try_from(addrs.len()).unwrap_or_default(),
                addrs: memory::copy(&addrs)?.as_ptr(),
            })
        }).collect::<Result<Vec<_>>>()?;
        ifaces.put(memory::list(&copies)?);
        Ok(copies.len())
    };

    plain {
        "1.2.11" fn virDomainFSInfoFree(info: *mut virDomainFSInfo)
            // SAFETY: as the caller promises
            = unsafe {
            if let Some(info) = info.as_mut() {
                memory::free_list(info.devAlias, info.ndevAlias);
                memory::free(info.mountpoint);
                memory::free(info.name);
                memory::free(info.fstype);
                memory::free(info);
            }
        };
        "1.2.14" fn virDomainInterfaceFree(iface: *mut virDomainInterface)
            // SAFETY: as the caller promises
            = unsafe {
            if let Some(iface) = iface.as_mut() {
                for place in 0..usize::try_from(iface.naddrs).unwrap_or_default() {
                    memory::free((*iface.addrs.add(place)).addr);
                }
                memory::free(iface.addrs);
                memory::free(iface.name);
                memory::free(iface.hwaddr);
                memory::free(iface);
            }
        };
    }
}

/// Where file systems are mounted; none for all of them.
fn points(call: &Call, points: &InMut<*const Char>, count: c_uint) -> Result<Vec<String>> {
    call.measure(count, 256, "mountpoints length greater than maximum")?;
    match (points.is_null(), count) {
        (true, 0) => Ok(Vec::new()),
        _ => texts(call, points, count, "mountpoints"),
    }
}
