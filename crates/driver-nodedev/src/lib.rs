//! The node device driver: the host's devices as sysfs has them, mediated devices that are defined or run, virtual
//! ports of fibre channel adapters.
//!
//! All devices are read at the start and whenever the kernel tells of one (`scan`); what came, went or changed is
//! told from the difference. Readers get the last look; only a device's document is made from a new one.

mod calls;
mod create;
mod mdevctl;
mod scan;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use virtus_api::constants::{
    VIR_NODE_DEVICE_EVENT_CREATED, VIR_NODE_DEVICE_EVENT_DEFINED, VIR_NODE_DEVICE_EVENT_DELETED,
    VIR_NODE_DEVICE_EVENT_UNDEFINED,
};
use virtus_api::{Event, EventSink, NodeDeviceEvent, NodeDeviceRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::nodedev::host::{Capability, NodeDevice};
use virtus_host::program::Runner;
use virtus_host::uevent::Uevents;

/// The node device driver. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Driver(Arc<Shared>);

/// A device, and what is to be done with it.
#[derive(Clone, Debug, PartialEq)]
struct Known {
    device: NodeDevice,
    /// It is there, not only defined.
    active: bool,
    /// It is there again after a boot of the host because it is defined.
    persistent: bool,
    /// It starts by itself.
    autostart: bool,
}

type Devices = BTreeMap<String, Known>;

/// What calls and the task that listens share.
struct Shared {
    root: PathBuf,
    devices: ArcSwap<Devices>,
    runner: Arc<dyn Runner>,
    events: Arc<dyn EventSink>,
    /// One look at a time, so that none is older than what was told.
    looking: Mutex<()>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("root", &self.root).finish_non_exhaustive()
    }
}

/// How long after the start devices are read if nobody has asked for them: the daemon has more urgent things to do.
const FIRST: Duration = Duration::from_secs(2);

/// Places in sysfs that the kernel speaks of often and where no node device is: `misc` has `/dev/kvm`, which tells of
/// each guest that comes or goes.
const UNINTERESTING: [&str; 5] =
    ["/devices/virtual/misc/", "/devices/virtual/bdi/", "/module/", "/kernel/", "/bus/"];

/// Whether a node device may have come, gone or changed by an event like `add@/devices/virtual/net/tap0`. Events that
/// were missed (`None`) may have been about anything.
fn matters(event: Option<&str>) -> bool {
    let place = event.and_then(|event| event.split_once('@')).map(|(_, place)| place);
    place.is_none_or(|place| {
        !place.contains("/queues/") && !UNINTERESTING.iter().any(|p| place.starts_with(p))
    })
}

/// How long events are gathered before they are looked after: a device comes with many.
const SETTLE: Duration = Duration::from_millis(20);

impl Driver {
    /// A driver for the host whose files are below `root` (`/`). Devices are read in the background. Needs a tokio
    /// runtime.
    pub fn start(root: PathBuf, runner: Arc<dyn Runner>, events: Arc<dyn EventSink>) -> Driver {
        let shared =
            Arc::new(Shared { root, devices: ArcSwap::default(), runner, events, looking: Mutex::new(()) });
        let weak = Arc::downgrade(&shared);
        tokio::spawn(async move {
            // who asks before that looks for himself
            tokio::time::sleep(FIRST).await;
            let Some(first) = weak.upgrade() else { return };
            // it fails only with the daemon
            let _ = tokio::task::spawn_blocking(move || first.look()).await;
            let events = match Uevents::open() {
                Ok(events) => events,
                Err(e) => return tracing::warn!("the kernel does not tell of devices: {e}"),
            };
            while let Ok(event) = events.next().await {
                if !matters(event.as_deref()) {
                    continue;
                }
                while tokio::time::timeout(SETTLE, events.next()).await.is_ok_and(|event| event.is_ok()) {}
                let Some(shared) = weak.upgrade() else { return };
                if tokio::task::spawn_blocking(move || shared.look()).await.is_err() {
                    return;
                }
            }
        });
        Driver(shared)
    }

    /// All devices as they were seen last; for the first caller, as they are.
    async fn devices(&self) -> Arc<Devices> {
        let seen = self.0.devices.load_full();
        // there is always the computer itself
        if !seen.is_empty() {
            return seen;
        }
        let shared = Arc::clone(&self.0);
        // it fails only with the daemon
        let _ = tokio::task::spawn_blocking(move || shared.look()).await;
        self.0.devices.load_full()
    }

    async fn find(&self, name: &str) -> Result<Known> {
        self.devices().await.get(name).cloned().ok_or_else(|| missing(name))
    }
}

impl Shared {
    /// Reads all devices again and tells what is new.
    fn look(&self) {
        let _one = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next: Devices = scan::all(&self.root)
            .into_iter()
            .map(|device| {
                let always = matches!(device.capability, Capability::System(_));
                (device.name.clone(), Known { device, active: true, persistent: always, autostart: always })
            })
            .collect();
        mdevctl::defined(self.runner.as_ref(), &mut next);
        let before = self.devices.swap(Arc::new(next.clone()));
        if !before.is_empty() {
            self.tell(&before, &next);
        }
    }

    fn tell(&self, before: &Devices, next: &Devices) {
        let lifecycle = |event| NodeDeviceEvent::Lifecycle { event, detail: 0 };
        for (name, known) in before {
            let now = next.get(name);
            if known.active && now.is_none_or(|now| !now.active) {
                self.event(name, lifecycle(VIR_NODE_DEVICE_EVENT_DELETED));
            }
            if known.persistent && now.is_none_or(|now| !now.persistent) {
                self.event(name, lifecycle(VIR_NODE_DEVICE_EVENT_UNDEFINED));
            }
        }
        for (name, known) in next {
            let old = before.get(name);
            if known.persistent && old.is_none_or(|old| !old.persistent) {
                self.event(name, lifecycle(VIR_NODE_DEVICE_EVENT_DEFINED));
            }
            if known.active && old.is_none_or(|old| !old.active) {
                self.event(name, lifecycle(VIR_NODE_DEVICE_EVENT_CREATED));
            } else if old.is_some_and(|old| old.device != known.device) {
                self.event(name, NodeDeviceEvent::Update {});
            }
        }
    }

    fn event(&self, name: &str, event: NodeDeviceEvent) {
        self.events.publish(Event::NodeDevice(NodeDeviceRef { name: name.to_owned() }, event));
    }
}

fn missing(name: &str) -> Error {
    let text = format!("no node device with matching name '{name}'");
    Error::new(ErrorDomain::NODEDEV, ErrorCode::NO_NODE_DEVICE, text)
}

#[cfg(test)]
mod tests;
