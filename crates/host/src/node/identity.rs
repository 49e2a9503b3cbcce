//! Which host this is.

use std::sync::OnceLock;

use virtus_base::Uuid;

/// The host's UUID from its firmware. A host without one gets a random one for as long as the daemon runs.
///
/// A daemon told to use the machine id (`host_uuid_source = "machine-id"`) passes `true`.
pub fn host_uuid(use_machine_id: bool) -> Option<Uuid> {
    static FIRMWARE: OnceLock<Option<Uuid>> = OnceLock::new();
    if use_machine_id {
        return read("/etc/machine-id").or_else(|| read("/var/lib/dbus/machine-id"));
    }
    *FIRMWARE.get_or_init(|| {
        let files = ["/sys/devices/virtual/dmi/id/product_uuid", "/sys/class/dmi/id/product_uuid"];
        files.into_iter().find_map(read).or_else(|| Uuid::random().ok())
    })
}

fn read(path: &str) -> Option<Uuid> {
    let text = std::fs::read_to_string(path).ok()?;
    Uuid::parse(text.trim()).filter(usable)
}

/// Firmware that was never given a UUID repeats one byte.
fn usable(uuid: &Uuid) -> bool {
    let text = uuid.to_string().replace('-', "");
    let mut pairs = text.as_bytes().chunks(2);
    let first = pairs.next();
    !pairs.all(|pair| Some(pair) == first)
}

/// An id that changes with every boot; with a pid and its start time it names a process for ever.
pub fn boot_id() -> &'static str {
    static BOOT_ID: OnceLock<String> = OnceLock::new();
    BOOT_ID.get_or_init(|| {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        text.trim().to_owned()
    })
}

/// The host's name: as the kernel has it, or with its domain when it can be found. May ask DNS, so not for tasks that
/// must not wait.
#[allow(unsafe_code)]
pub fn fully_qualified_hostname() -> String {
    use std::ffi::{CStr, CString};

    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() || name.starts_with("localhost") || name.contains('.') {
        return name;
    }
    let Ok(c_name) = CString::new(name.clone()) else { return name };
    // SAFETY: the hints are a valid, otherwise zero structure; the list is read before it is freed and its canonical
    // name, if there is one, is a string ended by null.
    let canonical = unsafe {
        let mut hints: libc::addrinfo = std::mem::zeroed();
        hints.ai_flags = libc::AI_CANONNAME;
        hints.ai_family = libc::AF_UNSPEC;
        let mut found: *mut libc::addrinfo = std::ptr::null_mut();
        if libc::getaddrinfo(c_name.as_ptr(), std::ptr::null(), &raw const hints, &raw mut found) != 0 {
            return name;
        }
        let text = match found.as_ref() {
            Some(first) if !first.ai_canonname.is_null() => {
                Some(CStr::from_ptr(first.ai_canonname).to_string_lossy().into_owned())
            }
            _ => None,
        };
        libc::freeaddrinfo(found);
        text
    };
    // a resolver that calls this host localhost helps nobody
    canonical.filter(|found| !found.starts_with("localhost")).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_of_one_byte_is_none() {
        let uuid = |text: &str| Uuid::parse(text).unwrap();
        assert!(!usable(&uuid("00000000-0000-0000-0000-000000000000")));
        assert!(!usable(&uuid("ffffffff-ffff-ffff-ffff-ffffffffffff")));
        assert!(usable(&uuid("ffffffff-ffff-ffff-ffff-fffffffffffe")));
        assert_eq!(host_uuid(false), host_uuid(false));
        assert!(host_uuid(false).is_some());
    }

    #[test]
    fn this_host_has_a_name_and_a_boot() {
        assert!(!fully_qualified_hostname().is_empty());
        assert_eq!(boot_id().len(), 36);
    }
}
