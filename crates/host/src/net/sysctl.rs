//! Settings of the kernel's network code under `/proc/sys/net`.

use std::io;
use std::path::PathBuf;

fn path(setting: &str) -> PathBuf {
    PathBuf::from("/proc/sys/net").join(setting)
}

/// A setting's value, e.g. of `ipv4/ip_forward`, without blanks around it.
///
/// # Errors
/// When there is no such setting.
pub fn sysctl(setting: &str) -> io::Result<String> {
    Ok(std::fs::read_to_string(path(setting))?.trim().to_owned())
}

/// Sets a setting, unless it has this value already: a host whose settings are read-only is no trouble then.
///
/// # Errors
/// When there is no such setting or the right to change it is missing.
pub fn set_sysctl(setting: &str, value: &str) -> io::Result<()> {
    match sysctl(setting) {
        Ok(now) if now == value => Ok(()),
        _ => std::fs::write(path(setting), format!("{value}\n")),
    }
}
