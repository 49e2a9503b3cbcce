//! Limits of resources that a guest's QEMU runs with.

use virtus_conf::domain::Domain;
use virtus_conf::domain::device::hostdev::HostDevSource;
use virtus_host::process::{Resource, Spawn};

use crate::settings::{Core, Settings};

/// Sets what the definition and the settings ask for.
pub(super) fn set(model: &Domain, settings: &Settings, spawn: &mut Spawn) {
    if settings.max_processes > 0 {
        spawn.limit(Resource::Nproc, Some(u64::from(settings.max_processes)));
    }
    if settings.max_files > 0 {
        // libvirt's limit is one above what is set, and programs that count on it may need that one
        spawn.limit(Resource::Nofile, Some(u64::from(settings.max_files) + 1));
    }
    match settings.max_core {
        Core::Bytes(most) if most > 0 => drop(spawn.limit(Resource::Core, Some(most))),
        Core::Unlimited => drop(spawn.limit(Resource::Core, None)),
        _ => {}
    }
    if let Some(limit) = locked_memory(model) {
        spawn.limit(Resource::Memlock, limit);
    }
}

/// How much memory may be locked, in bytes: `None` leaves it as it is, `Some(None)` is without limit.
fn locked_memory(model: &Domain) -> Option<Option<u64>> {
    let locked = model.memory_backing.as_ref().is_some_and(|backing| backing.locked);
    let passes = |source: &HostDevSource| matches!(source, HostDevSource::Pci(_) | HostDevSource::Mdev(_));
    let passes = model.devices.hostdevs.iter().any(|dev| passes(&dev.source));
    let hard =
        model.memtune.as_ref().and_then(|tune| tune.hard_limit).map(|limit| limit.0.saturating_mul(1024));
    // a device of the host sees all of the guest's memory, and some more
    let whole = model.memory.size.0.saturating_add(1 << 20).saturating_mul(1024);
    match (locked, passes, hard) {
        (true, _, hard) => Some(hard),
        (false, true, hard) => Some(Some(hard.unwrap_or(whole))),
        (false, false, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use virtus_conf::domain::ParseOptions;

    use super::*;

    #[test]
    fn locked_memory_may_be_as_much_as_the_hard_limit() {
        let device = "<hostdev type='pci'><source><address bus='1'/></source></hostdev>";
        let limit = "<memtune><hard_limit unit='KiB'>2048</hard_limit></memtune>";
        let locked = "<memoryBacking><locked/></memoryBacking>";
        for (xml, want) in [
            (String::new(), None),
            (limit.to_owned(), None),
            (locked.to_owned(), Some(None)),
            (format!("{limit}{locked}"), Some(Some(2048 << 10))),
            (format!("<devices>{device}</devices>"), Some(Some((65536 + (1 << 20)) << 10))),
            (format!("{limit}<devices>{device}</devices>"), Some(Some(2048 << 10))),
        ] {
            let xml = format!(
                "<domain type='qemu'><name>g</name><memory>65536</memory><os><type>hvm</type></os>{xml}</domain>"
            );
            let options = ParseOptions { skip_validate: true, ..ParseOptions::default() };
            assert_eq!(locked_memory(&Domain::parse(&xml, &options).unwrap()), want, "{xml}");
        }
    }
}
