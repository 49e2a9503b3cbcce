//! Filling in what a document leaves out: libvirt's generic defaults, in steps, because a hypervisor's driver
//! fills in its own between them:
//!
//! 1. [`assign_controller_indexes`] and [`isa_serial_ports`], then the driver's defaults of the definition as a whole;
//! 2. the driver's defaults of each device, then [`devices`];
//! 3. [`common`], which may add devices, then the driver's defaults of those, then [`added`];
//! 4. the driver's addresses, then [`sync_console`].
//!
//! [`generic`] is all of it without a driver.

mod boot;
mod common;
mod controllers;
mod devices;
mod implicit;
pub mod order;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

use super::Domain;

pub use controllers::assign_indexes as assign_controller_indexes;
pub use devices::{added, generic as devices, input_bus, isa_serial_ports};
pub use implicit::sync_console;

/// The definition as a whole: vCPUs, memory sizes, boot order, timers, and the devices that others bring with
/// them (controllers, the console of the first serial port, a card for the screen).
///
/// # Errors
/// libvirt's, for what cannot be completed or contradicts itself: no memory size, a controller twice.
pub fn common(domain: &mut Domain) -> Result<()> {
    common::complete(domain)?;
    controllers::reject_duplicates(domain)?;
    common::reject_duplicate_panics(domain)?;
    boot::order(domain)?;
    common::timers(domain)?;
    implicit::controllers(domain);
    implicit::console(domain)?;
    implicit::video(domain);
    common::cpu(domain)
}

/// All generic defaults, with no driver's between.
///
/// # Errors
/// As the steps have them.
pub fn generic(domain: &mut Domain) -> Result<()> {
    assign_controller_indexes(domain);
    isa_serial_ports(domain)?;
    devices(domain)?;
    common(domain)?;
    added(domain)?;
    sync_console(domain);
    Ok(())
}

fn xml_error(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::DOMAIN, ErrorCode::XML_ERROR, text)
}
