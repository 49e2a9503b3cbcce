//! PCI devices taken from the host's drivers and given back.

use std::io;
use std::path::{Path, PathBuf};

use virtus_base::{Error, ErrorDomain};

/// A PCI device of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PciDevice {
    root: PathBuf,
    address: String,
}

/// Whether guests can be given devices of the host below `root` (`/`): it keeps them apart, and lets programs use
/// them.
pub fn can_be_given(root: &Path) -> bool {
    let groups = std::fs::read_dir(root.join("sys/kernel/iommu_groups"));
    groups.is_ok_and(|mut groups| groups.next().is_some()) && root.join("dev/vfio/vfio").exists()
}

impl PciDevice {
    /// The device at an address (`0000:00:02.0`) of the host whose files are below `root` (`/`).
    pub fn find(root: &Path, address: &str) -> Option<PciDevice> {
        let known = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.');
        let device = PciDevice { root: root.to_owned(), address: address.to_owned() };
        let named = !address.is_empty() && address.chars().all(known) && !address.contains("..");
        (named && device.path().exists()).then_some(device)
    }

    fn path(&self) -> PathBuf {
        self.root.join("sys/bus/pci/devices").join(&self.address)
    }

    /// Its address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The driver it has.
    pub fn driver(&self) -> Option<String> {
        let target = std::fs::read_link(self.path().join("driver")).ok()?;
        Some(target.file_name()?.to_str()?.to_owned())
    }

    /// Has it used by this driver, and by no other.
    ///
    /// # Errors
    /// When the kernel does not do that.
    pub fn give_to(&self, driver: &str) -> Result<(), Error> {
        if self.driver().as_deref() == Some(driver) {
            return Ok(());
        }
        self.write("driver_override", driver)
            .and_then(|()| self.move_on())
            .map_err(|e| self.failed(format!("bind PCI device '{}' to {driver}", self.address), &e))?;
        match self.driver().as_deref() {
            Some(now) if now == driver => Ok(()),
            _ => Err(Error::internal(
                ErrorDomain::NONE,
                format!(
                    "Failed to bind PCI device '{}' to {driver}: the driver did not take it",
                    self.address
                ),
            )),
        }
    }

    /// Lets the host's own driver have it again.
    ///
    /// # Errors
    /// When the kernel does not do that.
    pub fn give_back(&self) -> Result<(), Error> {
        self.write("driver_override", "\n")
            .and_then(|()| self.move_on())
            .map_err(|e| self.failed(format!("give PCI device '{}' back", self.address), &e))
    }

    /// Takes it from the driver it has and lets the kernel find one.
    fn move_on(&self) -> io::Result<()> {
        if self.driver().is_some() {
            self.write("driver/unbind", &self.address)?;
        }
        write(&self.root.join("sys/bus/pci/drivers_probe"), &self.address)
    }

    /// Puts it into the state it has after power on.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` when it has no way to be.
    pub fn reset(&self) -> Result<(), Error> {
        // VFIO does that itself whenever the device is opened
        if self.driver().as_deref() == Some("vfio-pci") {
            return Ok(());
        }
        let done = match self.path().join("reset").exists() {
            true => self.write("reset", "1").map_err(|e| e.to_string()),
            false => Err("no FLR, PM reset or bus reset available".to_owned()),
        };
        done.map_err(|why| {
            Error::internal(ErrorDomain::NONE, format!("Unable to reset PCI device {}: {why}", self.address))
        })
    }

    fn write(&self, file: &str, text: &str) -> io::Result<()> {
        write(&self.path().join(file), text)
    }

    fn failed(&self, what: String, error: &io::Error) -> Error {
        Error::system(ErrorDomain::NONE, format!("Failed to {what}"), error)
    }
}

/// The kernel's files are there or not; none is ever made.
fn write(path: &Path, text: &str) -> io::Result<()> {
    io::Write::write_all(&mut std::fs::OpenOptions::new().write(true).open(path)?, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(files: &[&str]) -> (tempfile::TempDir, PciDevice) {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("sys/bus/pci/devices/0000:00:02.0");
        std::fs::create_dir_all(&path).unwrap();
        for file in files {
            std::fs::write(path.join(file), "").unwrap();
        }
        std::fs::write(root.path().join("sys/bus/pci/drivers_probe"), "").unwrap();
        let device = PciDevice::find(root.path(), "0000:00:02.0").unwrap();
        (root, device)
    }

    #[test]
    fn a_device_changes_hands_by_its_files() {
        let (root, device) = host(&["driver_override"]);
        // nobody takes it on a host of files
        let e = device.give_to("vfio-pci").unwrap_err();
        assert!(e.message().contains("Failed to bind PCI device '0000:00:02.0' to vfio-pci"), "{e}");
        let read = |path: PathBuf| std::fs::read_to_string(path).unwrap();
        assert_eq!(read(device.path().join("driver_override")), "vfio-pci");
        assert_eq!(read(root.path().join("sys/bus/pci/drivers_probe")), "0000:00:02.0");
        let drivers = root.path().join("sys/bus/pci/drivers/vfio-pci");
        std::fs::create_dir_all(&drivers).unwrap();
        std::os::unix::fs::symlink(&drivers, device.path().join("driver")).unwrap();
        device.give_to("vfio-pci").unwrap();
        device.reset().unwrap();
    }

    #[test]
    fn a_device_without_a_way_back_is_not_reset() {
        let (_root, device) = host(&[]);
        assert_eq!(
            device.reset().unwrap_err().message(),
            "internal error: Unable to reset PCI device 0000:00:02.0: no FLR, PM reset or bus reset available"
        );
        let (_root, device) = host(&["reset"]);
        device.reset().unwrap();
        assert_eq!(std::fs::read_to_string(device.path().join("reset")).unwrap(), "1");
    }

    #[test]
    fn odd_addresses_are_no_devices() {
        let (root, _) = host(&[]);
        for odd in ["", "..", "0000:00:02.1", "../devices/0000:00:02.0"] {
            assert!(PciDevice::find(root.path(), odd).is_none(), "{odd}");
        }
        assert!(!can_be_given(root.path()));
    }
}
