//! Flags that libvirt refuses before it asks anybody.

use std::ffi::c_uint;

use virtus::{Error, Result};

use crate::arg::Arg;
use crate::call::Call;

/// `VIR_DOMAIN_AFFECT_…` among other flags: not both of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Affect(pub(crate) c_uint);

impl Arg for Affect {
    type C = c_uint;

    // SAFETY: what callers keep to is said where the method is declared
    unsafe fn take(c: c_uint, call: &mut Call, _: &str) -> Result<Self> {
        use virtus::constants::{VIR_DOMAIN_AFFECT_CONFIG, VIR_DOMAIN_AFFECT_LIVE};
        exclusive!(call, c, VIR_DOMAIN_AFFECT_LIVE ^ VIR_DOMAIN_AFFECT_CONFIG);
        Ok(Affect(c))
    }
}

/// Both flags are there, of which only one may be.
pub(crate) fn both(call: &Call, one: &str, other: &str) -> Error {
    let text = format!("Flags '{one}' and '{other}' are mutually exclusive");
    Error::invalid_arg(call.errors, call.function, "ctl", text)
}

/// A flag is there without the one that it needs.
pub(crate) fn lacks(call: &Call, needed: &str, flag: &str) -> Error {
    let text = format!("Flag '{needed}' is required by flag '{flag}'");
    Error::invalid_arg(call.errors, call.function, "ctl", text)
}

/// Refuses pairs of flags: `exclusive!(call, flags, A ^ B, A ^ C)`.
macro_rules! exclusive {
    ($call:expr, $flags:expr, $($one:ident ^ $other:ident),+ $(,)?) => {$(
        if $flags & $one != 0 && $flags & $other != 0 {
            return Err($crate::flags::both($call, stringify!($one), stringify!($other)));
        }
    )+};
}

/// Refuses flags without others that they need: `required!(call, flags, NEEDED by FLAG)`.
macro_rules! required {
    ($call:expr, $flags:expr, $($needed:ident by $flag:ident),+ $(,)?) => {$(
        if $flags & $flag != 0 && $flags & $needed == 0 {
            return Err($crate::flags::lacks($call, stringify!($needed), stringify!($flag)));
        }
    )+};
}

pub(crate) use {exclusive, required};
