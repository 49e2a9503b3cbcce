//! Devices of the host.

use virtus_base::Result;
use virtus_conf::domain::device::Address;
use virtus_conf::domain::device::hostdev::{HostDev, HostDevSource, Mdev, MdevModel};
use virtus_xml::OnOff;

use super::{Checks, internal, unsupported};

impl Checks<'_> {
    pub(super) fn hostdevs(&self, hostdev: &HostDev) -> Result<()> {
        let boots = hostdev.info.boot.is_some();
        match &hostdev.source {
            HostDevSource::Storage { .. } | HostDevSource::Misc { .. } | HostDevSource::Net { .. } => {
                Err(unsupported(format!(
                    "hostdev mode 'capabilities' is not supported in {}",
                    self.domain.virt_type
                )))
            }
            HostDevSource::Usb(usb) => match usb.guest_reset {
                Some(_) => self.need(
                    "usb-host.guest-resets-all",
                    "guestReset is not supported with this version of QEMU",
                ),
                None => Ok(()),
            },
            HostDevSource::Scsi(_) => match &hostdev.info.address {
                Some(Address::Drive(drive)) if drive.bus != 0 => {
                    Err(internal("SCSI controller only supports 1 bus"))
                }
                _ => Ok(()),
            },
            HostDevSource::Pci(pci) => {
                if pci.display == Some(OnOff::On) && self.domain.devices.graphics.is_empty() {
                    return Err(unsupported(
                        "graphics device is needed for attribute value 'display=on' in <hostdev>",
                    ));
                }
                self.need("vfio-pci", "VFIO PCI device assignment is not supported by this version of qemu")?;
                if pci.write_filtering.is_some() {
                    return Err(unsupported(
                        "Write filtering of PCI device configuration space is not supported by qemu",
                    ));
                }
                Ok(())
            }
            HostDevSource::ScsiHost(_) => {
                self.need("vhost-scsi", "This QEMU doesn't support vhost-scsi devices")?;
                if boots {
                    return Err(unsupported(
                        "booting from assigned devices is not supported by vhost SCSI devices",
                    ));
                }
                Ok(())
            }
            HostDevSource::Mdev(mdev) => self.mdev(mdev, boots),
        }
    }

    fn mdev(&self, mdev: &Mdev, boots: bool) -> Result<()> {
        let cannot_boot = |model: MdevModel| {
            Err(unsupported(format!(
                "booting from assigned devices is not supported by mediated devices of model {model}"
            )))
        };
        match mdev.model {
            MdevModel::VfioPci => {
                self.need("vfio-pci", "VFIO PCI device assignment is not supported by this version of QEMU")?;
                if boots {
                    return cannot_boot(mdev.model);
                }
                if mdev.display == Some(OnOff::On) && self.domain.devices.graphics.is_empty() {
                    return Err(unsupported(
                        "graphics device is needed for attribute value 'display=on' in <hostdev>",
                    ));
                }
                Ok(())
            }
            MdevModel::VfioAp => {
                self.need("vfio-ap", "VFIO AP device assignment is not supported by this version of QEMU")?;
                if boots {
                    return cannot_boot(mdev.model);
                }
                let count = self.domain.devices.hostdevs.iter().filter(
                    |hostdev| matches!(&hostdev.source, HostDevSource::Mdev(other) if other.model == MdevModel::VfioAp),
                );
                match count.count() {
                    0 | 1 => Ok(()),
                    _ => Err(unsupported("Only one hostdev of model vfio-ap is supported")),
                }
            }
            MdevModel::VfioCcw => {
                self.need("vfio-ccw", "VFIO CCW device assignment is not supported by this version of QEMU")
            }
        }
    }
}
