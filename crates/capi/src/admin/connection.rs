//! Connections to a daemon's administration, and what concerns the daemon as a whole.

use std::ffi::{c_int, c_uint};
use std::sync::Arc;

use virtus::{Admin, ErrorCode, ErrorDomain, Result};

use super::close::Closing;
use crate::arg::{Out, OutList, Text};
use crate::connect::{Connect, VERSION};
use crate::ctype::Char;
use crate::declare::exports;
use crate::handle::{Held, Object, Of};
use crate::memory;
use crate::object::{AdminServer, Kind, virAdmConnect};

/// A connection that C has to a daemon's administration.
#[derive(Debug)]
pub(crate) struct AdmConnect {
    admin: Admin,
    closing: Arc<Closing>,
}

impl AdmConnect {
    /// How it ends.
    pub(super) fn closing(&self) -> &Arc<Closing> {
        &self.closing
    }
}

impl Object for AdmConnect {
    type C = virAdmConnect;
}

impl Kind for AdmConnect {
    const INVALID: ErrorCode = ErrorCode::INVALID_CONN;
    const ERRORS: Option<ErrorDomain> = Some(ErrorDomain::ADMIN);

    fn connection(_: &Of<Self>) -> Option<Of<Connect>> {
        // errors are the thread's alone
        None
    }
}

impl std::ops::Deref for AdmConnect {
    type Target = Admin;

    fn deref(&self) -> &Admin {
        &self.admin
    }
}

exports! {
    header ADMIN, errors ADMIN;

    "2.0.0" fn virAdmConnectOpen(name: Option<Text>, flags: c_uint) -> Held<AdmConnect> = open(name, flags);
    "2.0.0" fn virAdmConnectClose(conn: Option<Of<AdmConnect>>) -> bool = Ok(conn.is_some_and(Of::release));
    "2.0.0" fn virAdmConnectRef(conn: Of<AdmConnect>) -> () = conn.add();
    "2.0.0" fn virAdmConnectIsAlive(conn: Option<Of<AdmConnect>>) -> bool
        = Ok(conn.is_some_and(|conn| conn.connection().is_alive()));
    "2.0.0" fn virAdmConnectGetURI(conn: Of<AdmConnect>) -> String = Ok(conn.connection().uri().to_owned());
    "2.0.0" fn virAdmConnectGetLibVersion(conn: Of<AdmConnect>, libVer: Out<u64>) -> ()
        = conn.lib_version().map(|version| libVer.put(version));
    "2.0.0" fn virAdmConnectListServers(conn: Of<AdmConnect>, servers: OutList<AdminServer>, flags: c_uint) -> usize
        = servers.fill(&conn, conn.list_servers(flags)?);
    "2.0.0" fn virAdmConnectLookupServer(conn: Of<AdmConnect>, name: Text, flags: c_uint) -> Held<AdminServer>
        = conn.adopt(conn.lookup_server(&name, flags)?);

    "3.0.0" fn virAdmConnectGetLoggingOutputs(conn: Of<AdmConnect>, outputs: Out<*mut Char>, flags: c_uint) -> usize
        = {
            let reply = conn.logging_outputs(flags)?;
            outputs.put(memory::text(&reply.outputs)?.as_ptr());
            count(reply.noutputs)
        };
    "3.0.0" fn virAdmConnectGetLoggingFilters(conn: Of<AdmConnect>, filters: Out<*mut Char>, flags: c_uint) -> usize
        = {
            let reply = conn.logging_filters(flags)?;
            filters.put(memory::optional_text(reply.filters.as_deref())?);
            count(reply.nfilters)
        };
    "3.0.0" fn virAdmConnectSetLoggingOutputs(conn: Of<AdmConnect>, outputs: Option<Text>, flags: c_uint) -> ()
        = conn.set_logging_outputs(outputs.as_deref(), flags);
    "3.0.0" fn virAdmConnectSetLoggingFilters(conn: Of<AdmConnect>, filters: Option<Text>, flags: c_uint) -> ()
        = conn.set_logging_filters(filters.as_deref(), flags);
    "8.6.0" fn virAdmConnectSetDaemonTimeout(conn: Of<AdmConnect>, timeout: c_uint, flags: c_uint) -> ()
        = conn.set_daemon_timeout(timeout, flags);
    "11.2.0" fn virAdmConnectDaemonShutdown(conn: Of<AdmConnect>, flags: c_uint) -> () = conn.daemon_shutdown(flags);

    plain {
        "2.0.0" fn virAdmInitialize() -> c_int = 0;
        // SAFETY: null or room for a number, as the C API says
        "2.0.0" fn virAdmGetVersion(libVer: *mut u64) -> c_int = unsafe { version(libVer) };
    }
}

fn open(name: Option<Text>, flags: c_uint) -> Result<Held<AdmConnect>> {
    let admin = Admin::open_flags(name.as_deref(), flags)?;
    let closing = Closing::new(admin.connection().clone());
    Ok(Held::new(AdmConnect { admin, closing }))
}

/// # Safety
/// `room` is null or has room.
unsafe fn version(room: *mut u64) -> c_int {
    crate::error::reset();
    if room.is_null() {
        return -1;
    }
    // SAFETY: not null, as the caller promises
    unsafe { room.write(VERSION.into()) };
    0
}

fn count(number: u32) -> Result<usize> {
    Ok(usize::try_from(number).unwrap_or(usize::MAX))
}
