//! What libvirt's QEMU driver adds to a definition when it is given one: emulator, machine type, CPU, default
//! devices and everything else that is left open but has to be the same at every start.

mod cpu;
mod defaults;
mod device;
mod domain;
mod firmware;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::Domain;
use virtus_conf::domain::device::Device;
use virtus_conf::domain::validate;

use crate::emulator::{Emulator, Environment};

/// Architecture and emulator: what has to be known before anything else.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` when the host has no emulator for the architecture.
pub fn basic(domain: &mut Domain, environment: &dyn Environment) -> Result<()> {
    let arch = domain.os.kind.arch.get_or_insert_with(|| environment.host_arch().to_owned());
    if domain.devices.emulator.is_none() {
        let emulator = environment.default_emulator(arch);
        domain.devices.emulator =
            Some(emulator.ok_or_else(|| unsupported(format!("No emulator found for arch '{arch}'")))?);
    }
    Ok(())
}

/// The definition as a whole: machine, default devices, CPU, features.
///
/// # Errors
/// libvirt's, for what cannot be had on the machine.
pub fn whole(domain: &mut Domain, emulator: &dyn Emulator, environment: &dyn Environment) -> Result<()> {
    domain::machine(domain, emulator)?;
    validate::boot(domain)?;
    firmware::fill(domain, environment)?;
    defaults::devices(domain, emulator)?;
    cpu::default_model(domain, emulator)?;
    domain::features(domain, emulator);
    domain::displays(domain, environment);
    domain::vcpus(domain)?;
    cpu::complete(domain, emulator)?;
    domain::tseg(domain, emulator)?;
    domain::numa(domain)?;
    Ok(())
}

/// One device that is to become part of `domain`.
///
/// # Errors
/// libvirt's, for what the device cannot do.
pub fn one_device(
    device: &mut Device,
    domain: &Domain,
    emulator: &dyn Emulator,
    environment: &dyn Environment,
) -> Result<()> {
    device::complete(device, domain, emulator, environment)
}

/// The devices that others brought with them.
///
/// # Errors
/// As [`devices`].
pub fn implied(domain: &mut Domain, emulator: &dyn Emulator, environment: &dyn Environment) -> Result<()> {
    device::implied_controllers(domain);
    device::all(domain, emulator, environment)
}

/// Each device by itself.
///
/// # Errors
/// libvirt's, for what QEMU's devices cannot do.
pub fn devices(domain: &mut Domain, emulator: &dyn Emulator, environment: &dyn Environment) -> Result<()> {
    device::all(domain, emulator, environment)
}

pub(crate) fn unsupported(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::QEMU, ErrorCode::CONFIG_UNSUPPORTED, text)
}

pub(crate) fn xml_error(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::QEMU, ErrorCode::XML_ERROR, text)
}

pub(crate) fn internal(text: impl Into<String>) -> Error {
    Error::internal(ErrorDomain::QEMU, text)
}
