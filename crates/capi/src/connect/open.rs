//! The library, opening and closing (`libvirt-host.h`).

use std::ffi::{c_int, c_uint};

use virtus::constants::{VIR_CONNECT_NO_ALIASES, VIR_CONNECT_RO};
use virtus::{Error, ErrorDomain, OpenOptions, Result};

use super::Connect;
use super::auth::{Answers, virConnectAuth};
use crate::arg::{Out, Text};
use crate::ctype::{Char, ULong};
use crate::declare::exports;
use crate::error;
use crate::handle::{Held, Of};

/// The version of libvirt whose API this is.
pub(crate) const VERSION: u32 = 11_003_000;

exports! {
    header HOST, errors NONE;

    "0.0.3" fn virConnectOpen(name: Option<Text>) -> Held<Connect> = open(name, OpenOptions::new());
    "0.0.3" fn virConnectOpenReadOnly(name: Option<Text>) -> Held<Connect>
        = open(name, OpenOptions::new().read_only(true));
    "0.4.0" fn virConnectOpenAuth(name: Option<Text>, auth: Option<Out<virConnectAuth>>, flags: c_uint)
        -> Held<Connect> = {
        let known = VIR_CONNECT_RO | VIR_CONNECT_NO_ALIASES;
        Error::check_flags(ErrorDomain::NONE, flags, known, "virConnectOpenAuth")?;
        let mut options = OpenOptions::new()
            .read_only(flags & VIR_CONNECT_RO != 0)
            .no_aliases(flags & VIR_CONNECT_NO_ALIASES != 0);
        if let Some(auth) = auth {
            // SAFETY: the caller has as many kinds as it says
            let answers = unsafe { Answers::new(&auth.get()) };
            options = options.auth(move |questions| answers.ask(questions));
        }
        open(name, options)
    };
    "0.0.3" fn virConnectClose(conn: Of<Connect>) -> bool = Ok(conn.release());

    plain {
        "0.1.0" fn virInitialize() -> c_int = 0;
        "0.0.3" fn virGetVersion(libVer: *mut ULong, r#type: *const Char, typeVer: *mut ULong) -> c_int
            // SAFETY: as the caller promises
            = unsafe { version(libVer, r#type, typeVer) };
    }
}

fn open(name: Option<Text>, options: OpenOptions) -> Result<Held<Connect>> {
    Connect::open(options.open(name.as_deref())?)
}

/// # Safety
/// Pointers are null or have room.
unsafe fn version(library: *mut ULong, _driver: *const Char, driver_version: *mut ULong) -> c_int {
    error::reset();
    if library.is_null() {
        error::raise(&error::unknown(), None);
        return -1;
    }
    // SAFETY: not null, as the caller promises
    unsafe { library.write(ULong(VERSION.into())) };
    if !driver_version.is_null() {
        // SAFETY: not null, as the caller promises
        unsafe { driver_version.write(ULong(VERSION.into())) };
    }
    0
}
