//! `<watchdog>`.

use virtus_xml::{Xml, keywords};

use super::info::DeviceInfo;
use crate::domain::stable::{Stable, told};
use virtus_base::Result;

keywords! {
    /// The device.
    pub enum WatchdogModel { I6300esb = "i6300esb", Ib700 = "ib700", Diag288 = "diag288", Itco = "itco" }
}
keywords! {
    /// What happens when the guest does not feed it.
    pub enum WatchdogAction {
        Reset = "reset", Shutdown = "shutdown", Poweroff = "poweroff", Pause = "pause", Dump = "dump",
        None = "none", InjectNmi = "inject-nmi",
    }
}

/// `<watchdog>`.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Watchdog {
    #[xml(attr)]
    pub model: WatchdogModel,
    #[xml(attr, default = WatchdogAction::Reset)]
    pub action: WatchdogAction,
    #[xml(flatten)]
    pub info: DeviceInfo,
}

impl Stable for Watchdog {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(self, to, |d| d.model, "Target watchdog model {to} does not match source {from}");
        self.info.check_stable(&to.info)
    }
}
