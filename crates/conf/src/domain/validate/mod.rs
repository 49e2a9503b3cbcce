//! What libvirt refuses whatever the hypervisor. A definition on disk may break these rules and is read all
//! the same; they are checked when it is defined or started.

mod character;
mod definition;
mod device;
mod disk;
mod hostdev;
mod input;
mod interface;
mod known;
mod memory;
mod topology;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

use super::Domain;
use super::device::{Device, VirtioOptions};
use super::parse::unsupported;

pub use definition::{boot, definition};
pub use device::devices;
pub use hostdev::same as same_host_device;
pub use known::Known;

/// Checks one device that is to join `domain`.
///
/// # Errors
/// As [`devices`].
pub fn device(device: &Device, domain: &Domain) -> Result<()> {
    Known::of(domain).device(device)
}

/// All of it: each device, then the definition as a whole.
///
/// # Errors
/// libvirt's, for the first rule that is broken.
pub fn domain(domain: &Domain) -> Result<()> {
    devices(domain)?;
    definition(domain)
}

/// The first of `rules` that is broken, as `CONFIG_UNSUPPORTED`.
fn refuse(rules: &[(bool, &str)]) -> Result<()> {
    match rules.iter().find(|(broken, _)| *broken) {
        Some((_, text)) => Err(unsupported(*text)),
        None => Ok(()),
    }
}

/// The first of `rules` that is broken, as `XML_ERROR`.
fn refuse_xml(rules: &[(bool, &str)]) -> Result<()> {
    match rules.iter().find(|(broken, _)| *broken) {
        Some((_, text)) => Err(super::parse::xml_error(*text)),
        None => Ok(()),
    }
}

/// A contradiction, which libvirt tells with the number of a syntax error.
fn detail(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::DOMAIN, ErrorCode::XML_DETAIL, text)
}

/// Refuses virtio options on a device that is not virtio's.
fn no_virtio(options: &VirtioOptions) -> Result<()> {
    refuse(&[
        (options.iommu.is_some(), "iommu driver option is only supported for virtio devices"),
        (options.ats.is_some(), "ats driver option is only supported for virtio devices"),
        (options.packed.is_some(), "packed driver option is only supported for virtio devices"),
        (options.page_per_vq.is_some(), "page_per_vq option is only supported for virtio devices"),
    ])
}

/// Whether all of the text can be printed.
fn printable(text: &str) -> bool {
    text.bytes().all(|b| (0x20..0x7f).contains(&b))
}
