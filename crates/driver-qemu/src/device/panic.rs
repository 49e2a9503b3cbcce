//! Panic notifiers. That of Hyper-V is a CPU feature, pSeries' and s390's are part of the board.

use virtus_base::Result;
use virtus_conf::domain::device::panic::PanicModel;
use virtus_conf::domain::device::{Address, Panic};

use crate::command::build::Build;
use crate::command::guest::Guest;
use crate::command::props::Props;

/// All notifiers that are devices.
pub(crate) fn add(build: &mut Build<'_>) -> Result<()> {
    let guest = build.guest;
    for panic in &guest.domain.devices.panics {
        match panic.model {
            None | Some(PanicModel::Isa) => build.device(isa(panic)),
            Some(PanicModel::Pvpanic) => build.device(pci(&guest, panic)?),
            Some(PanicModel::Hyperv | PanicModel::Pseries | PanicModel::S390) => {}
        }
    }
    Ok(())
}

fn isa(panic: &Panic) -> Props {
    let port = match &panic.info.address {
        Some(Address::Isa(isa)) => isa.iobase,
        _ => None,
    };
    Props::device("pvpanic").maybe("ioport", port)
}

fn pci(guest: &Guest<'_>, panic: &Panic) -> Result<Props> {
    Ok(Props::device("pvpanic-pci").join(guest.address(&panic.info)?))
}
