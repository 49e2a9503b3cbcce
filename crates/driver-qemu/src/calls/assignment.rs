//! Devices of the host taken from it for domains, and given back.

use std::path::Path;

use async_trait::async_trait;
use virtus_api::{Call, NodeDeviceAssignment};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::device::hostdev::HostDevSource;
use virtus_host::pci::{PciDevice, can_be_given};

use super::flags;
use crate::Driver;

/// The driver that lets guests have a device.
const VFIO: &str = "vfio-pci";

/// The device that is called `name` among the host's devices.
fn device(name: &str) -> Result<PciDevice> {
    let not_pci = || {
        let text = format!("device {name} is not a PCI device");
        Error::new(ErrorDomain::DOMAIN, ErrorCode::INVALID_ARG, text)
    };
    let address = name.strip_prefix("pci_").ok_or_else(not_pci)?;
    let mut parts = address.split('_');
    let mut next = || parts.next().unwrap_or_default();
    let address = format!("{}:{}:{}.{}", next(), next(), next(), next());
    PciDevice::find(Path::new("/"), &address).ok_or_else(|| {
        let text = format!("no node device with matching name '{name}'");
        Error::new(ErrorDomain::NODEDEV, ErrorCode::NO_NODE_DEVICE, text)
    })
}

impl Driver {
    /// Refuses what would take a device from under a guest.
    fn not_in_use(&self, device: &PciDevice) -> Result<()> {
        for domain in self.registry.list().iter() {
            let view = domain.view();
            let hostdevs = view.live.iter().flat_map(|live| &live.model.devices.hostdevs);
            let uses = hostdevs.filter_map(|hostdev| match &hostdev.source {
                HostDevSource::Pci(pci) => Some(&pci.address),
                _ => None,
            });
            for address in uses {
                let (domain, bus, slot) = (address.domain, address.bus, address.slot);
                if format!("{domain:04x}:{bus:02x}:{slot:02x}.{:x}", address.function) == device.address() {
                    let text = format!(
                        "PCI device {} is in use by driver QEMU, domain {}",
                        device.address(),
                        view.name
                    );
                    return Err(Error::new(ErrorDomain::NONE, ErrorCode::OPERATION_INVALID, text));
                }
            }
        }
        Ok(())
    }

    /// Does something with a device that no guest uses; that may wait for the hardware.
    async fn with_device(
        &self,
        name: &str,
        work: impl FnOnce(PciDevice) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let device = device(name)?;
        self.not_in_use(&device)?;
        self.blocking(move || work(device)).await
    }
}

#[async_trait]
impl NodeDeviceAssignment for Driver {
    async fn node_device_dettach(&self, call: &Call, name: String) -> Result<()> {
        self.node_device_detach_flags(call, name, None, 0).await
    }

    async fn node_device_detach_flags(
        &self,
        _: &Call,
        name: String,
        driver_name: Option<String>,
        given: u32,
    ) -> Result<()> {
        flags(given, 0, "qemuNodeDeviceDetachFlags")?;
        if !can_be_given(Path::new("/")) {
            let text = "VFIO device assignment is currently not supported on this system";
            return Err(Error::new(ErrorDomain::QEMU, ErrorCode::ARGUMENT_UNSUPPORTED, text));
        }
        let driver = driver_name.filter(|name| name != "vfio").unwrap_or_else(|| VFIO.to_owned());
        self.with_device(&name, move |device| device.give_to(&driver)).await
    }

    async fn node_device_re_attach(&self, _: &Call, name: String) -> Result<()> {
        self.with_device(&name, |device| device.give_back()).await
    }

    async fn node_device_reset(&self, _: &Call, name: String) -> Result<()> {
        self.with_device(&name, |device| device.reset()).await
    }
}
