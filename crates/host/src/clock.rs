//! The host's time zone.
#![allow(unsafe_code)]

/// How many seconds local time is ahead of UTC now.
pub fn utc_offset() -> i64 {
    // SAFETY: `time` takes a null pointer; `localtime_r` writes to the `tm` it is given, which all zero bytes
    // are a valid value of.
    unsafe {
        let now = libc::time(std::ptr::null_mut());
        let mut local: libc::tm = std::mem::zeroed();
        match libc::localtime_r(&now, &mut local).is_null() {
            true => 0,
            false => local.tm_gmtoff,
        }
    }
}
