//! The USB devices of this host.

use std::io;
use std::path::Path;

/// Where the kernel lists them.
const DEVICES: &str = "/sys/bus/usb/devices";

/// A device that is plugged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsbDevice {
    /// The bus it is on.
    pub bus: u32,
    /// Its number there, which it gets anew each time it is plugged in.
    pub device: u32,
    /// Who made it.
    pub vendor: u32,
    /// What it is.
    pub product: u32,
}

/// All devices, hubs included.
///
/// # Errors
/// When the kernel has no USB.
pub fn devices() -> io::Result<Vec<UsbDevice>> {
    list(Path::new(DEVICES))
}

/// The directory that [`devices`] reads, for errors.
pub fn directory() -> &'static str {
    DEVICES
}

fn list(directory: &Path) -> io::Result<Vec<UsbDevice>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let number = |file: &str, radix: u32| {
            let text = std::fs::read_to_string(path.join(file)).ok()?;
            u32::from_str_radix(text.trim(), radix).ok()
        };
        // interfaces of devices are here too and have none of these
        if let (Some(bus), Some(device), Some(vendor), Some(product)) =
            (number("busnum", 10), number("devnum", 10), number("idVendor", 16), number("idProduct", 16))
        {
            found.push(UsbDevice { bus, device, vendor, product });
        }
    }
    found.sort_unstable_by_key(|d| (d.bus, d.device));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_told_from_their_interfaces() {
        let dir = tempfile::tempdir().unwrap();
        let device = dir.path().join("1-2");
        std::fs::create_dir_all(&device).unwrap();
        for (file, text) in
            [("busnum", "1\n"), ("devnum", "12\n"), ("idVendor", "046d\n"), ("idProduct", "c31c\n")]
        {
            std::fs::write(device.join(file), text).unwrap();
        }
        std::fs::create_dir(dir.path().join("1-2:1.0")).unwrap();
        let found = list(dir.path()).unwrap();
        assert_eq!(found, [UsbDevice { bus: 1, device: 12, vendor: 0x46d, product: 0xc31c }]);
        assert!(list(&dir.path().join("none")).is_err());
    }
}
