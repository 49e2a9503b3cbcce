//! QEMU's events: an open set, with typed data for those a driver acts on.
//!
//! To add one, write its entry in the [`events!`] list.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Deserialize;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::error::{Error, Result};

/// Above this many unread events, repeated kinds that carry no state are dropped.
const FULL: usize = 4096;

/// Something QEMU told of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Which event.
    pub kind: EventKind,
    /// Its data as QEMU gave it; `Null` when it has none.
    pub data: Value,
    /// When QEMU raised it.
    pub timestamp: Option<Timestamp>,
}

/// Wall-clock time of an event; -1 in both when the host could not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Timestamp {
    /// Seconds since the epoch.
    pub seconds: i64,
    /// Microseconds within the second.
    pub microseconds: i64,
}

/// The typed data of one kind of event.
pub trait EventData: serde::de::DeserializeOwned {
    /// The event's name in the protocol.
    const NAME: &'static str;
}

impl Event {
    /// The event's data, typed.
    ///
    /// # Errors
    /// When the event is of another kind or its data does not have the members of its kind.
    pub fn read<T: EventData>(&self) -> Result<T> {
        let name = self.kind.name();
        if name != T::NAME {
            return Err(Error::Protocol(format!("event {name} is not {}", T::NAME)));
        }
        let read = match &self.data {
            Value::Null => T::deserialize(Value::Object(serde_json::Map::new())),
            data => T::deserialize(data),
        };
        read.map_err(|e| Error::Protocol(format!("cannot read data of event {name}: {e}")))
    }
}

macro_rules! events {
    ($($(#[$doc:meta])* $kind:ident = $name:literal { $($(#[$meta:meta])* $field:ident: $type:ty),* $(,)? })*) => {
        /// Which event; kinds this list does not know keep their name.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum EventKind {
            $($(#[$doc])* $kind,)*
            /// An event without typed data here.
            Other(Box<str>),
        }

        impl EventKind {
            /// The event's name in the protocol.
            pub fn name(&self) -> &str {
                match self {
                    $(EventKind::$kind => $name,)*
                    EventKind::Other(name) => name,
                }
            }
        }

        impl From<String> for EventKind {
            fn from(name: String) -> Self {
                match name.as_str() {
                    $($name => EventKind::$kind,)*
                    _ => EventKind::Other(name.into_boxed_str()),
                }
            }
        }

        /// The typed data of the events, one struct each.
        #[allow(missing_docs)]
        pub mod data {
            use super::*;
            $(
                $(#[$doc])*
                #[derive(Clone, Debug, PartialEq, Deserialize)]
                #[serde(rename_all = "kebab-case")]
                pub struct $kind { $($(#[$meta])* pub $field: $type,)* }

                impl EventData for $kind {
                    const NAME: &'static str = $name;
                }
            )*
        }
    };
}

events! {
    /// The guest asked to be turned off or QEMU was told to quit.
    Shutdown = "SHUTDOWN" { guest: Option<bool>, reason: Option<String> }
    /// CPUs stopped.
    Stop = "STOP" {}
    /// CPUs run.
    Resume = "RESUME" {}
    /// The machine was reset.
    Reset = "RESET" { guest: Option<bool>, reason: Option<String> }
    /// The power button was pressed by command.
    Powerdown = "POWERDOWN" {}
    /// The guest sleeps.
    Suspend = "SUSPEND" {}
    /// The guest was saved to its own disk.
    SuspendDisk = "SUSPEND_DISK" {}
    /// The guest woke.
    Wakeup = "WAKEUP" {}
    /// The guest set its clock; `offset` in seconds against the clock QEMU started with.
    RtcChange = "RTC_CHANGE" { offset: i64, qom_path: Option<String> }
    /// The watchdog fired; `action` is what QEMU does.
    Watchdog = "WATCHDOG" { action: String }
    /// The guest's kernel panicked.
    GuestPanicked = "GUEST_PANICKED" { action: String, info: Option<Value> }
    /// The guest loaded its crash kernel.
    GuestCrashloaded = "GUEST_CRASHLOADED" { action: String, info: Option<Value> }
    /// The balloon has `actual` bytes for the guest.
    BalloonChange = "BALLOON_CHANGE" { actual: u64 }
    /// A device is gone; the path stays when it had no id.
    DeviceDeleted = "DEVICE_DELETED" { device: Option<String>, path: String }
    /// The guest refused to give up a device.
    DeviceUnplugGuestError = "DEVICE_UNPLUG_GUEST_ERROR" { device: Option<String>, path: String }
    /// A memory device could not be unplugged.
    MemUnplugError = "MEM_UNPLUG_ERROR" { device: String, msg: String }
    /// A memory device has another size, in bytes.
    MemoryDeviceSizeChange = "MEMORY_DEVICE_SIZE_CHANGE" { id: Option<String>, size: u64, qom_path: Option<String> }
    /// Memory of the guest is broken.
    MemoryFailure = "MEMORY_FAILURE" { recipient: String, action: String, flags: Value }
    /// The guest's answer to an unplug request through ACPI.
    AcpiDeviceOst = "ACPI_DEVICE_OST" { info: AcpiOst }
    /// A read or write of the guest failed.
    BlockIoError = "BLOCK_IO_ERROR" {
        device: String, qom_path: Option<String>, node_name: Option<String>, operation: String, action: String,
        nospace: Option<bool>, reason: Option<String>,
    }
    /// A node passed its write threshold, in bytes.
    BlockWriteThreshold = "BLOCK_WRITE_THRESHOLD" { node_name: String, amount_exceeded: u64, write_threshold: u64 }
    /// A block job is done.
    BlockJobCompleted = "BLOCK_JOB_COMPLETED" {
        r#type: String, device: String, len: u64, offset: u64, speed: u64, error: Option<String>,
    }
    /// A block job was cancelled.
    BlockJobCancelled = "BLOCK_JOB_CANCELLED" { r#type: String, device: String, len: u64, offset: u64, speed: u64 }
    /// A block job met an error.
    BlockJobError = "BLOCK_JOB_ERROR" { device: String, operation: String, action: String }
    /// A mirror is in step and may be completed.
    BlockJobReady = "BLOCK_JOB_READY" { r#type: String, device: String, len: u64, offset: u64, speed: u64 }
    /// A job went to another state.
    JobStatusChange = "JOB_STATUS_CHANGE" { id: String, status: String }
    /// A tray opened or closed.
    DeviceTrayMoved = "DEVICE_TRAY_MOVED" { device: String, id: String, tray_open: bool }
    /// A persistent-reservation helper came or went.
    PrManagerStatusChanged = "PR_MANAGER_STATUS_CHANGED" { id: String, connected: bool }
    /// A network card's receive filter changed; QEMU says so once until it is queried.
    NicRxFilterChanged = "NIC_RX_FILTER_CHANGED" { name: Option<String>, path: String }
    /// A failover pair lost its primary.
    UnplugPrimary = "UNPLUG_PRIMARY" { #[serde(rename = "device-id")] device: String }
    /// A stream network backend connected.
    NetdevStreamConnected = "NETDEV_STREAM_CONNECTED" { netdev_id: String, addr: Value }
    /// A stream network backend lost its peer.
    NetdevStreamDisconnected = "NETDEV_STREAM_DISCONNECTED" { netdev_id: String }
    /// A program in the guest opened or closed a port.
    VserportChange = "VSERPORT_CHANGE" { id: String, open: bool }
    /// Migration went to another state.
    Migration = "MIGRATION" { status: String }
    /// Migration began its next pass over memory.
    MigrationPass = "MIGRATION_PASS" { pass: u64 }
    /// A dump is done; `result` as of `query-dump`.
    DumpCompleted = "DUMP_COMPLETED" { result: Value, error: Option<String> }
    /// A VNC client connected, not yet authenticated.
    VncConnected = "VNC_CONNECTED" { server: VncAddress, client: VncAddress }
    /// A VNC client is ready.
    VncInitialized = "VNC_INITIALIZED" { server: VncAddress, client: VncAddress }
    /// A VNC client left.
    VncDisconnected = "VNC_DISCONNECTED" { server: VncAddress, client: VncAddress }
    /// A SPICE client connected.
    SpiceConnected = "SPICE_CONNECTED" { server: SpiceAddress, client: SpiceAddress }
    /// A SPICE client is ready.
    SpiceInitialized = "SPICE_INITIALIZED" { server: SpiceAddress, client: SpiceAddress }
    /// A SPICE client left.
    SpiceDisconnected = "SPICE_DISCONNECTED" { server: SpiceAddress, client: SpiceAddress }
    /// SPICE handed its client over.
    SpiceMigrateCompleted = "SPICE_MIGRATE_COMPLETED" {}
}

/// What the guest's firmware says of a hot-unplug or hot-plug request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub struct AcpiOst {
    pub device: Option<String>,
    pub slot: String,
    pub slot_type: String,
    pub source: u64,
    pub status: u64,
}

/// One end of a VNC connection.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[allow(missing_docs)]
pub struct VncAddress {
    pub host: String,
    pub service: String,
    pub family: String,
    pub auth: Option<String>,
    pub x509_dname: Option<String>,
    pub sasl_username: Option<String>,
}

/// One end of a SPICE connection.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[allow(missing_docs)]
pub struct SpiceAddress {
    pub host: String,
    pub port: String,
    pub family: String,
    pub auth: Option<String>,
}

/// The events of one monitor, in QEMU's order.
#[derive(Debug)]
pub struct Events {
    receiver: mpsc::UnboundedReceiver<Event>,
    unread: Arc<AtomicUsize>,
}

impl Events {
    pub(crate) fn channel() -> (EventSender, Events) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let unread = Arc::new(AtomicUsize::new(0));
        (EventSender { sender, unread: Arc::clone(&unread) }, Events { receiver, unread })
    }

    /// The next event; `None` when the connection has ended and all its events were read.
    pub async fn next(&mut self) -> Option<Event> {
        let event = self.receiver.recv().await;
        if event.is_some() {
            self.unread.fetch_sub(1, Ordering::Relaxed);
        }
        event
    }

    /// The next event if there is one now.
    pub fn try_next(&mut self) -> Option<Event> {
        let event = self.receiver.try_recv().ok();
        if event.is_some() {
            self.unread.fetch_sub(1, Ordering::Relaxed);
        }
        event
    }
}

/// The monitor's end. The reader must not wait for whoever handles events, because that one may be waiting for a
/// reply; so the queue has no bound for events that change a domain's state, which are few.
#[derive(Debug)]
pub(crate) struct EventSender {
    sender: mpsc::UnboundedSender<Event>,
    unread: Arc<AtomicUsize>,
}

impl EventSender {
    pub(crate) fn send(&self, event: Event) {
        if self.unread.load(Ordering::Relaxed) >= FULL && event.kind.a_guest_can_repeat() {
            tracing::warn!(target: "virtus_qmp", event = event.kind.name(), "too many unread events, one dropped");
            return;
        }
        self.unread.fetch_add(1, Ordering::Relaxed);
        // nobody listens to a monitor that only probes
        if self.sender.send(event).is_err() {
            self.unread.store(0, Ordering::Relaxed);
        }
    }
}

impl EventKind {
    /// Whether a guest can raise this event without end, each one replacing the last.
    fn a_guest_can_repeat(&self) -> bool {
        use EventKind as K;
        matches!(
            self,
            K::RtcChange | K::BlockIoError | K::NicRxFilterChanged | K::VserportChange | K::BalloonChange
        ) || matches!(self, K::MemoryDeviceSizeChange | K::AcpiDeviceOst | K::Other(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(name: &str, data: Value) -> Event {
        Event { kind: name.to_owned().into(), data, timestamp: None }
    }

    #[test]
    fn data_is_typed_by_kind() {
        let e = event("DEVICE_TRAY_MOVED", json!({"device": "", "id": "ide0", "tray-open": true}));
        assert!(e.read::<data::DeviceTrayMoved>().unwrap().tray_open);
        assert!(e.read::<data::Shutdown>().is_err());
        let e = event(
            "ACPI_DEVICE_OST",
            json!({"info": {"device": "d1", "slot": "0", "slot-type": "DIMM", "source": 1, "status": 0}}),
        );
        assert_eq!(e.read::<data::AcpiDeviceOst>().unwrap().info.slot_type, "DIMM");
        assert!(event("STOP", Value::Null).read::<data::Stop>().is_ok());
        assert!(event("BALLOON_CHANGE", json!({"actual": "x"})).read::<data::BalloonChange>().is_err());
    }

    #[test]
    fn unknown_events_keep_their_name() {
        assert_eq!(event("X_NEW", Value::Null).kind.name(), "X_NEW");
    }

    #[test]
    fn a_flood_is_bounded_but_keeps_what_matters() {
        let (sender, mut events) = Events::channel();
        for _ in 0..FULL + 10 {
            sender.send(event("RTC_CHANGE", json!({"offset": 1})));
        }
        sender.send(event("SHUTDOWN", json!({"guest": true})));
        let mut count = 0;
        let mut last = None;
        while let Some(e) = events.try_next() {
            count += 1;
            last = Some(e.kind);
        }
        assert_eq!((count, last), (FULL + 1, Some(EventKind::Shutdown)));
    }
}
