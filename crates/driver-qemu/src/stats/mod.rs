//! The last figures a QEMU gave, for readers that must not wait for it.

mod refresh;

pub(crate) use refresh::{Wanted, has_iothreads, refresh};

use std::sync::{Arc, Mutex};
use std::time::Instant;

use arc_swap::ArcSwapOption;
use serde_json::Value;
use tokio::sync::watch;
use virtus_qmp::command::{BlockStats, Iothread};

use virtus_state::lock;

/// Figures of one QEMU, each kind as it came last.
#[derive(Debug, Default)]
pub struct Samples {
    /// What the guest says of its memory through the balloon: `guest-stats`.
    pub balloon: Slot<Value>,
    /// What has been read and written, by device.
    pub blocks: Slot<Vec<BlockStats>>,
    /// The images, for their sizes.
    pub nodes: Slot<Vec<Value>>,
    /// The I/O threads.
    pub iothreads: Slot<Vec<Iothread>>,
    /// The last measurement of how fast memory is dirtied.
    pub dirty_rate: Slot<Value>,
    /// When the refresh that is under way began.
    since: Mutex<Option<Instant>>,
    /// How many refreshes have ended.
    ended: watch::Sender<u64>,
}

/// A figure that is replaced as a whole.
#[derive(Debug)]
pub struct Slot<T>(ArcSwapOption<Sample<T>>);

/// A figure and when it was taken.
#[derive(Debug)]
pub struct Sample<T> {
    /// The figure.
    pub value: T,
    /// When QEMU gave it.
    pub at: Instant,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Slot(ArcSwapOption::empty())
    }
}

impl<T> Slot<T> {
    /// The last figure, if there ever was one.
    pub fn last(&self) -> Option<Arc<Sample<T>>> {
        self.0.load_full()
    }

    fn put(&self, value: T) {
        self.0.store(Some(Arc::new(Sample { value, at: Instant::now() })));
    }
}

impl Samples {
    /// Begins a refresh, unless one is under way: then since when.
    fn begin(&self) -> Result<(), Instant> {
        let mut since = lock(&self.since);
        match *since {
            Some(began) => Err(began),
            None => {
                *since = Some(Instant::now());
                Ok(())
            }
        }
    }

    fn end(&self) {
        *lock(&self.since) = None;
        self.ended.send_modify(|ended| *ended = ended.wrapping_add(1));
    }
}
