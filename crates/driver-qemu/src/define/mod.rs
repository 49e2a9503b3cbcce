//! From a document to a definition that can be kept and started: everything libvirt does when a domain is
//! defined, but for the host.

mod stable;

pub use stable::check_stable;

use std::sync::Arc;

use virtus_base::Result;
use virtus_conf::domain::device::input::InputBus;
use virtus_conf::domain::{Domain, ParseOptions, post_parse};

use crate::address::{self, AddressFacts};
use crate::emulator::{Emulator, Environment};
use crate::{postparse, validate};

/// Reads a document, completes it and (unless told not to) checks that the emulator can run it.
///
/// # Errors
/// libvirt's, with its codes and texts.
pub fn parse(xml: &str, options: &ParseOptions, environment: &dyn Environment) -> Result<Domain> {
    let mut domain = Domain::parse(xml, options)?;
    let emulator = complete(&mut domain, environment)?;
    if !options.skip_validate {
        validate::all(&domain, &*emulator)?;
    }
    Ok(domain)
}

/// Fills in what a definition leaves out, addresses included. Doing so again changes nothing.
///
/// # Errors
/// libvirt's, for what cannot be completed.
pub fn complete(domain: &mut Domain, environment: &dyn Environment) -> Result<Arc<dyn Emulator>> {
    postparse::basic(domain, environment)?;
    let emulator = environment.emulator(domain.devices.emulator.as_deref().unwrap_or_default());
    post_parse::assign_controller_indexes(domain);
    post_parse::isa_serial_ports(domain)?;
    let emulator = match emulator {
        Ok(emulator) => emulator,
        Err(error) => {
            // what is wrong with the document is told first
            post_parse::devices(domain)?;
            post_parse::common(domain)?;
            return Err(error);
        }
    };
    postparse::whole(domain, &*emulator, environment)?;
    postparse::devices(domain, &*emulator, environment)?;
    post_parse::devices(domain)?;
    post_parse::common(domain)?;
    postparse::implied(domain, &*emulator, environment)?;
    post_parse::added(domain)?;
    address::assign(domain, AddressFacts::of(&*emulator))?;
    post_parse::sync_console(domain);
    // no bus is written as nothing
    for input in domain.devices.inputs.iter_mut().filter(|input| input.bus == Some(InputBus::None)) {
        input.bus = None;
    }
    Ok(emulator)
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod growth;
