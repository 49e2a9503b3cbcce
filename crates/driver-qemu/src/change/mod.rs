//! Devices that join, leave and change.

mod compatible;
pub(crate) mod find;
pub(crate) mod live;
pub mod persistent;

use std::sync::Arc;

use virtus_base::{Error, ErrorDomain, Result};
use virtus_conf::domain::device::Device;
use virtus_conf::domain::{Domain, ParseOptions, post_parse};
use virtus_xml::{Document, ReadOptions};

use crate::emulator::{Emulator, Environment};
use crate::postparse;

/// A device that a document describes.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) device: Device,
    /// Whether an interface's document names its MAC address; else reading has made one up.
    pub(crate) mac: bool,
}

impl Asked {
    /// Reads a device and fills in what it leaves out, as it would be in `domain`.
    ///
    /// # Errors
    /// What is wrong with the document.
    pub(crate) fn read(
        domain: &Domain,
        xml: &str,
        options: &ParseOptions,
        environment: &dyn Environment,
    ) -> Result<(Asked, Arc<dyn Emulator>)> {
        let emulator = environment.emulator(domain.devices.emulator.as_deref().unwrap_or_default())?;
        let mut device = Device::parse(xml, options)?;
        let mac = match device {
            Device::Interface(_) => names_mac(xml, options)?,
            _ => false,
        };
        postparse::one_device(&mut device, domain, &*emulator, environment)?;
        let kind = device.kind();
        let mut around = domain.clone();
        if names_port(&device) {
            // whether the port is free is not asked here
            around.devices.serials.clear();
            around.devices.parallels.clear();
            around.devices.consoles.clear();
            around.devices.channels.clear();
        }
        around.devices.push(device);
        post_parse::devices(&mut around)?;
        let device =
            around.devices.pop(kind).ok_or_else(|| Error::internal(ErrorDomain::QEMU, "device is lost"))?;
        Ok((Asked { device, mac }, emulator))
    }

    /// The device of an alias.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` when there is none.
    pub(crate) fn of_alias(domain: &Domain, alias: &str) -> Result<Asked> {
        Ok(Asked { device: find::by_alias(&domain.devices, alias)?, mac: true })
    }
}

fn names_mac(xml: &str, options: &ParseOptions) -> Result<bool> {
    let read = ReadOptions { inactive: options.inactive, status: false, track: false };
    let document = Document::parse(xml, ErrorDomain::DOMAIN, &read)?;
    Ok(document.root().child("mac").is_some())
}

/// Whether a serial port or its like says which it is.
fn names_port(device: &Device) -> bool {
    match device {
        Device::Serial(serial) => serial.target.port.is_some(),
        Device::Parallel(parallel) => parallel.port.is_some(),
        Device::Console(console) => console.port.is_some(),
        _ => false,
    }
}
