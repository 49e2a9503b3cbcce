//! Devices of the host that are to be handed over: whether they are there, and whether the host can do that.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::device::HostDev;
use virtus_conf::domain::device::hostdev::{HostDevSource, UsbHost, UsbHostAddress};
use virtus_host::usb::{self, UsbDevice};

use crate::command::Context;
use crate::error::unsupported;

/// Finds the device on the host.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` when the host cannot hand such devices over, `INTERNAL_ERROR` when it has no such device.
pub(super) fn find(hostdev: &mut HostDev, context: &Context) -> Result<()> {
    match &mut hostdev.source {
        HostDevSource::Pci(_) if !context.vfio => {
            Err(unsupported("host doesn't support passthrough of host PCI devices"))
        }
        HostDevSource::Mdev(_) if !context.vfio => {
            Err(unsupported("Mediated host device assignment requires VFIO support"))
        }
        HostDevSource::Usb(asked) => {
            let failed = |e| {
                let what = format!("cannot open directory '{}'", usb::directory());
                Error::system(ErrorDomain::NONE, what, &e)
            };
            choose(asked, &usb::devices().map_err(failed)?)
        }
        _ => Ok(()),
    }
}

/// Notes where the device is that `asked` means.
fn choose(asked: &mut UsbHost, devices: &[UsbDevice]) -> Result<()> {
    let place = asked.address.as_ref().and_then(|a| Some((a.bus.filter(|bus| *bus > 0)?, a.device?)));
    let kind = asked.vendor.zip(asked.product);
    let is = |found: &UsbDevice| {
        place.is_none_or(|(bus, device)| (found.bus, found.device) == (bus, device))
            && kind.is_none_or(|(vendor, product)| (found.vendor, found.product) == (vendor, product))
    };
    let mut found = devices.iter().filter(|device| is(device));
    match (found.next(), found.next()) {
        (Some(only), None) => {
            let port = asked.address.take().and_then(|address| address.port);
            asked.address = Some(UsbHostAddress { bus: Some(only.bus), port, device: Some(only.device) });
            Ok(())
        }
        (Some(_), Some(_)) => {
            let (vendor, product) = kind.unwrap_or_default();
            let text =
                format!("Multiple USB devices for {vendor:x}:{product:x}, use <address> to specify one");
            Err(Error::new(ErrorDomain::NONE, ErrorCode::OPERATION_FAILED, text))
        }
        (None, _) => {
            let what = match (kind, place) {
                (Some((vendor, product)), Some((bus, device))) => {
                    format!("{vendor:04x}:{product:04x} bus:{bus} device:{device}")
                }
                (Some((vendor, product)), None) => format!("{vendor:04x}:{product:04x}"),
                (None, place) => {
                    let (bus, device) = place.unwrap_or_default();
                    format!("bus:{bus} device:{device}")
                }
            };
            Err(Error::internal(ErrorDomain::NONE, format!("Did not find USB device {what}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUSE: UsbDevice = UsbDevice { bus: 1, device: 4, vendor: 0x46d, product: 0xc077 };

    #[test]
    fn one_device_is_meant_or_none() {
        let asked = || UsbHost { vendor: Some(0x46d), product: Some(0xc077), ..UsbHost::default() };
        let other = UsbDevice { device: 5, ..MOUSE };
        let mut one = asked();
        choose(&mut one, &[MOUSE]).unwrap();
        assert_eq!(one.address.unwrap().device, Some(4));
        let many = choose(&mut asked(), &[MOUSE, other]).unwrap_err();
        assert_eq!(
            many.message(),
            "operation failed: Multiple USB devices for 46d:c077, use <address> to specify one"
        );
        let none = choose(&mut asked(), &[]).unwrap_err();
        assert_eq!(none.message(), "internal error: Did not find USB device 046d:c077");
    }
}
