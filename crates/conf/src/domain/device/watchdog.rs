//! `<watchdog>`.

use virtus_xml::{Xml, keywords};

use super::info::DeviceInfo;

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
