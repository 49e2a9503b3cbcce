//! Memory that outlives a crash of the guest.

use virtus_base::Result;
use virtus_conf::domain::device::Pstore;

use crate::command::build::Build;
use crate::command::guest::Guest;
use crate::command::props::Props;

/// The device with its memory.
pub(crate) fn add(build: &mut Build<'_>) -> Result<()> {
    let guest = build.guest;
    for pstore in &guest.domain.devices.pstores {
        build.line.json("object", &memory(&guest, pstore));
        build.device(props(&guest, pstore)?);
    }
    Ok(())
}

/// The file behind it.
pub fn memory(guest: &Guest<'_>, pstore: &Pstore) -> Props {
    Props::object("memory-backend-file", format!("mem{}", guest.alias(&pstore.info)))
        .with("mem-path", pstore.path.clone().unwrap_or_default())
        .with("size", pstore.size.map_or(0, |size| size.bytes()))
        .with("share", true)
}

/// The device.
///
/// # Errors
/// `INTERNAL_ERROR` for an address that does not fit.
pub fn props(guest: &Guest<'_>, pstore: &Pstore) -> Result<Props> {
    let alias = guest.alias(&pstore.info);
    let memory = format!("mem{alias}");
    Ok(Props::device("acpi-erst").with("id", alias).with("memdev", memory).join(guest.address(&pstore.info)?))
}
