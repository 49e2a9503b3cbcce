//! pSeries' non-volatile memory.

use virtus_conf::domain::device::Address;

use crate::command::build::Build;

/// The command line's part: where it is on the bus.
pub(crate) fn add(b: &mut Build<'_>) {
    for nvram in &b.guest.domain.devices.nvrams {
        if let Some(Address::SpaprVio(vio)) = &nvram.info.address {
            let reg = vio.reg.unwrap_or(0);
            b.line.option("global", format!("spapr-nvram.reg=0x{reg:x}"));
        }
    }
}
