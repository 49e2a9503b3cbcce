//! The boot order.

use virtus_base::Result;

use crate::domain::Domain;
use crate::domain::os::{Boot, BootDevice, OsType};
use crate::domain::parse::unsupported;

/// A device's place in the boot order is its own, and excludes `<os><boot>`. Without either the disk boots.
pub(super) fn order(domain: &mut Domain) -> Result<()> {
    if domain.os.kind.name != OsType::Hvm {
        return Ok(());
    }
    let mut orders = std::collections::HashSet::new();
    let mut twice = None;
    domain.devices.each_info(|_, info| {
        if let Some(boot) = info.boot.as_ref().filter(|boot| !orders.insert(boot.order)) {
            twice.get_or_insert(boot.order);
        }
    });
    if let Some(order) = twice {
        return Err(unsupported(format!("boot order '{order}' used for more than one device")));
    }
    match (domain.os.boot.is_empty(), orders.is_empty()) {
        (false, false) => {
            Err(unsupported("per-device boot elements cannot be used together with os/boot elements"))
        }
        (true, true) => {
            domain.os.boot.push(Boot { dev: BootDevice::Disk });
            Ok(())
        }
        _ => Ok(()),
    }
}
