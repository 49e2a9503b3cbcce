//! One domain: its published view, its job gate, and its QEMU while it runs.

pub mod definition;
mod moments;
pub mod running;
pub mod state;
pub mod status;
pub mod transition;
pub mod view;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};
use virtus_api::DomainRef;
use virtus_base::{Result, Uuid};
use virtus_conf::domain::device::Disk;
use virtus_conf::domain::device::storage::Location;
use virtus_state::{Gate, Object};

pub use definition::{Definition, DiskSummary, Live, Summary};
pub(crate) use moments::Moments;
pub use state::State;
pub use view::{Affects, View};

use crate::error::not_running;
use running::Running;

/// A domain. Readers take its [`view`](Domain::view); who changes it holds a job of its gate, or is the task
/// that follows its QEMU's events.
#[derive(Debug)]
pub struct Domain {
    uuid: Uuid,
    view: ArcSwap<View>,
    /// Held while a new view is made, so that none is lost; never across a wait.
    writer: Mutex<()>,
    pub(crate) gate: Gate,
    /// Held while the persistent definition is replaced on disk.
    pub(crate) config: tokio::sync::Mutex<()>,
    pub(crate) running: ArcSwapOption<Running>,
    /// Its snapshots and checkpoints, once somebody asked for them.
    pub(crate) moments: Mutex<Option<Moments>>,
    /// How fast it may migrate, in MiB/s.
    pub(crate) migration_speed: AtomicU64,
}

/// The fastest a migration may be set to, in MiB/s: as many bytes as a signed number holds.
pub(crate) const MAX_MIGRATION_SPEED: u64 = 8_796_093_022_207;

impl Object for Domain {
    fn uuid(&self) -> Uuid {
        self.uuid
    }
    fn name(&self) -> Arc<str> {
        Arc::clone(&self.view.load().name)
    }
    fn id(&self) -> Option<i32> {
        self.view.load().id
    }
}

impl Domain {
    /// A domain with its first view.
    pub fn new(uuid: Uuid, view: View) -> Arc<Domain> {
        Arc::new(Domain {
            uuid,
            view: ArcSwap::from_pointee(view),
            writer: Mutex::new(()),
            gate: Gate::default(),
            config: tokio::sync::Mutex::new(()),
            running: ArcSwapOption::empty(),
            moments: Mutex::new(None),
            migration_speed: AtomicU64::new(MAX_MIGRATION_SPEED),
        })
    }

    /// The domain as it is now.
    pub fn view(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// Changes the view: `change` gets a copy, `publish` is told of it before and after readers can see it.
    /// Nobody else changes it meanwhile.
    pub(crate) fn update<R>(
        &self,
        change: impl FnOnce(&mut View) -> R,
        persist: impl FnOnce(&View),
        tell: impl FnOnce(&View),
    ) -> R {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut view = View::clone(&self.view.load());
        let result = change(&mut view);
        persist(&view);
        let view = Arc::new(view);
        self.view.store(Arc::clone(&view));
        tell(&view);
        result
    }

    /// How the wire names it.
    pub fn reference(&self) -> DomainRef {
        reference(self.uuid, &self.view.load())
    }

    /// Its QEMU.
    ///
    /// # Errors
    /// When it does not run.
    pub(crate) fn running(&self) -> Result<Arc<Running>> {
        self.running.load_full().ok_or_else(not_running)
    }
}

/// How the wire names the domain of this view.
pub fn reference(uuid: Uuid, view: &View) -> DomainRef {
    DomainRef { name: view.name.to_string(), uuid, id: view.number() }
}

/// The file or device a disk is in, if it is in one.
pub(crate) fn disk_path(disk: &Disk) -> Option<&str> {
    match &disk.source.location {
        Location::File(source) => source.file.as_deref(),
        Location::Block(source) => source.dev.as_deref(),
        Location::Dir(source) => source.dir.as_deref(),
        Location::Network(source) => source.name.as_deref(),
        _ => None,
    }
}
