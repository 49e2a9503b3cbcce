//! The last figures a QEMU gave, for readers that must not wait for it.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use arc_swap::ArcSwapOption;
use serde_json::Value;
use virtus_qmp::command::BlockStats;

use crate::process::lock;

/// Figures of one QEMU, each group as it came last.
#[derive(Debug, Default)]
pub struct Samples {
    /// The balloon's statistics: the raw `guest-stats` and when they were taken.
    pub balloon: ArcSwapOption<Sample<Value>>,
    /// The memory the balloon leaves the guest, in bytes.
    pub balloon_actual: ArcSwapOption<Sample<u64>>,
    /// Block statistics of all devices.
    pub blocks: ArcSwapOption<Sample<Vec<BlockStats>>>,
    /// Block nodes, for sizes.
    pub nodes: ArcSwapOption<Sample<Vec<Value>>>,
    /// The last measurement of how fast memory is dirtied.
    pub dirty_rate: ArcSwapOption<Sample<Value>>,
    /// A refresh under way, and when it began: nobody asks a QEMU that has not answered yet once more.
    refreshing: Mutex<Option<Instant>>,
}

/// A figure and when it was taken.
#[derive(Clone, Debug)]
pub struct Sample<T> {
    /// The figure.
    pub value: T,
    /// When QEMU gave it.
    pub at: Instant,
}

impl<T> Sample<T> {
    /// A figure of now.
    pub fn now(value: T) -> Option<Arc<Sample<T>>> {
        Some(Arc::new(Sample { value, at: Instant::now() }))
    }
}

impl Samples {
    /// Whether the caller should ask QEMU now; it says [`Samples::refreshed`] afterwards.
    pub(crate) fn begin(&self) -> bool {
        let mut refreshing = lock(&self.refreshing);
        match *refreshing {
            Some(_) => false,
            None => {
                *refreshing = Some(Instant::now());
                true
            }
        }
    }

    /// QEMU has answered, or its connection has ended.
    pub(crate) fn refreshed(&self) {
        *lock(&self.refreshing) = None;
    }
}
