//! Whether a guest could tell two definitions apart: the parts that only QEMU's guests have come on top.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::Domain;
use virtus_conf::domain::memory::MemorySource;
use virtus_conf::domain::stable::Stable as _;

fn differs(text: String) -> Error {
    Error::new(ErrorDomain::QEMU, ErrorCode::CONFIG_UNSUPPORTED, text)
}

/// Refuses a definition `to` that a guest which has the definition `from` could tell from it.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` with the first difference.
pub fn check_stable(from: &Domain, to: &Domain) -> Result<()> {
    from.check_stable(to)?;
    let source = |domain: &Domain| {
        let source = domain.memory_backing.as_ref().and_then(|backing| backing.source);
        source.map_or("none", MemorySource::as_str)
    };
    let (ours, theirs) = (source(from), source(to));
    if ours != theirs {
        return Err(differs(format!(
            "Target memoryBacking source '{theirs}' doesn't match source memoryBacking source'{ours}'"
        )));
    }
    // QEMU names the memory of a device by its alias in what is migrated
    for (from, to) in from.devices.memories.iter().zip(&to.devices.memories) {
        let told = |alias: &Option<String>| alias.clone().unwrap_or_else(|| "<null>".to_owned());
        if from.info.alias != to.info.alias {
            return Err(differs(format!(
                "Target memory device alias '{}' doesn't match source alias '{}'",
                told(&to.info.alias),
                told(&from.info.alias)
            )));
        }
    }
    Ok(())
}
