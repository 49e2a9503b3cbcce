//! Names of the host's devices for guests' cards.

use std::sync::atomic::AtomicU32;

/// The last numbers in the names that devices were given: a number is not used again as long as the daemon runs, so
/// that nobody takes one guest's device for another's.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) vnet: AtomicU32,
    pub(crate) macvtap: AtomicU32,
}
