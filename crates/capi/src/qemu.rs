//! `libvirt-qemu.h`: what only QEMU has.

use std::ffi::{c_int, c_uint, c_void};
use std::os::fd::IntoRawFd;

use virtus::Result;

use crate::arg::{InMut, NonNegative, Out, Positive, Rw, Text};
use crate::call::Call;
use crate::connect::{Connect, files};
use crate::ctype::Char;
use crate::declare::exports;
use crate::error::Opaque;
use crate::event::{Callback, virFreeCallback};
use crate::handle::Of;
use crate::memory;
use crate::notice::{any, virConnectDomainQemuMonitorEventCallback};
use crate::object::{Child, Domain};

exports! {
    header QEMU, errors NONE;

    "0.8.3" fn virDomainQemuMonitorCommand(
        domain: Rw<Domain>, cmd: Text, result: Out<*mut Char>, flags: c_uint
    ) -> ()
        = {
            result.put(memory::text(&domain.monitor_command(&cmd, flags)?)?.as_ptr());
            Ok(())
        };
    "8.2.0" fn virDomainQemuMonitorCommandWithFiles[call](
        domain: Rw<Domain>, cmd: Text, ninfiles: c_uint, infiles: InMut<c_int>, noutfiles: Option<Out<c_uint>>,
        outfiles: Option<Out<*mut c_int>>, result: Out<*mut Char>, flags: c_uint
    ) -> ()
        = with_files(call, &domain, &cmd, (ninfiles, &infiles), (noutfiles, outfiles), &result, flags);
    "0.9.4" fn virDomainQemuAttach[call](
        conn: Rw<Connect>, pid_value: Positive<c_uint>, flags: c_uint
    ) -> virtus::Domain
        = match c_int::try_from(pid_value.0) {
            Ok(_) => conn.domain_attach(pid_value.0, flags),
            Err(_) => Err(call.wrong("pid_value", "is too large")),
        };
    "0.10.0" fn virDomainQemuAgentCommand(
        domain: Rw<Domain>, cmd: Text, timeout: c_int, flags: c_uint
    ) -> Option<String>
        = domain.agent_command(&cmd, timeout, flags);
    "1.2.3" fn virConnectDomainQemuMonitorEventRegister[call](
        conn: Of<Connect>, dom: Option<Of<Domain>>, event: Option<Text>,
        cb: virConnectDomainQemuMonitorEventCallback, opaque: *mut c_void, freecb: virFreeCallback, flags: c_uint
    ) -> c_int = register(call, &conn, dom.as_ref(), (event.as_deref(), flags), &Callback {
        function: cb, opaque: Opaque(opaque), free: freecb
    });
    "1.2.3" fn virConnectDomainQemuMonitorEventDeregister(conn: Of<Connect>, callbackID: NonNegative<c_int>) -> ()
        = conn.notices().deregister(callbackID.0);
}

/// Descriptors given and got, each with room for their number.
type Given<'a> = (c_uint, &'a InMut<c_int>);
type Got = (Option<Out<c_uint>>, Option<Out<*mut c_int>>);

fn with_files(
    call: &Call,
    domain: &Domain,
    command: &str,
    (count, given): Given<'_>,
    got: Got,
    result: &Out<*mut Char>,
    flags: c_uint,
) -> Result<()> {
    let files = files::duplicates(call, given, count, "infiles")?;
    let (reply, files) = domain.monitor_command_with_files(command, flags, files)?;
    let reply = memory::text(&reply)?;
    if let (Some(number), Some(place)) = got {
        let files: Vec<c_int> = files.into_iter().map(IntoRawFd::into_raw_fd).collect();
        number.put(c_uint::try_from(files.len()).unwrap_or(c_uint::MAX));
        place.put(if files.is_empty() { std::ptr::null_mut() } else { memory::copy(&files)?.as_ptr() });
    }
    result.put(reply.as_ptr());
    Ok(())
}

fn register(
    call: &Call,
    conn: &Of<Connect>,
    domain: Option<&Of<Domain>>,
    (event, flags): (Option<&str>, c_uint),
    callback: &Callback<virConnectDomainQemuMonitorEventCallback>,
) -> Result<c_int> {
    if let Some(domain) = domain.filter(|domain| domain.parent().as_c() != conn.as_c()) {
        let text =
            format!("domain '{}' in {} must match connection", virtus::Domain::name(domain), call.function);
        return Err(call.refused("dom", text));
    }
    call.check_write()?;
    let callback = callback.with(any(callback.function.address()));
    conn.notices().register_monitor(conn, domain.map(|dom| dom.reference().clone()), (event, flags), callback)
}
