//! What drivers tell unasked.

use virtus_base::TypedParam;
use virtus_xdr::{Decode, Error, List, Reader, record};

use crate::macros::events;
use crate::procedure::Program;
use crate::{DomainRef, NetworkRef, NodeDeviceRef, SecretRef, StoragePoolRef};

/// Where drivers put their events; it never waits.
pub trait EventSink: Send + Sync {
    /// Tells everyone who registered for it.
    fn publish(&self, event: Event);
}

/// Something that happened to an object.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Event {
    Domain(DomainRef, DomainEvent),
    Network(NetworkRef, NetworkEvent),
    StoragePool(StoragePoolRef, StoragePoolEvent),
    NodeDevice(NodeDeviceRef, NodeDeviceEvent),
    Secret(SecretRef, SecretEvent),
    QemuMonitor(DomainRef, QemuMonitorEvent),
}

/// A message that tells an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The callback it is for; `None` when it is for all who registered for such events in the old way.
    pub callback: Option<i32>,
    /// What happened.
    pub event: Event,
}

impl Event {
    /// Reads a message of the daemon; `None` when it tells no event.
    ///
    /// # Errors
    /// When its bytes are not those of the event its procedure tells.
    pub fn decode(program: Program, procedure: i32, body: &[u8]) -> Option<Result<Told, Error>> {
        if program == Program::QEMU {
            return (procedure == QemuMonitorEvent::PROCEDURE).then(|| QemuMonitorEvent::decode(body));
        }
        if program != Program::REMOTE {
            return None;
        }
        macro_rules! first_of {
            ($($enum:ident => $event:path;)*) => {
                None
                    $(.or_else(|| Some($enum::decode_callback(procedure, body)?.map(|(id, object, event)| {
                        Told { callback: Some(id), event: $event(object, event) }
                    }))))*
                    $(.or_else(|| Some($enum::decode_legacy(procedure, body)?.map(|(object, event)| {
                        Told { callback: None, event: $event(object, event) }
                    }))))*
            };
        }
        first_of! {
            DomainEvent => Event::Domain;
            NetworkEvent => Event::Network;
            StoragePoolEvent => Event::StoragePool;
            NodeDeviceEvent => Event::NodeDevice;
            SecretEvent => Event::Secret;
        }
    }
}

/// The value that is all of `body`.
pub(crate) fn whole<T>(
    body: &[u8],
    read: impl FnOnce(&mut Reader<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut from = Reader::new(body);
    let value = read(&mut from)?;
    match from.remaining() {
        0 => Ok(value),
        left => Err(Error::Trailing(left)),
    }
}

/// An event of a QEMU as its monitor told it (procedure 6 of the QEMU program).
#[derive(Clone, Debug, PartialEq)]
pub struct QemuMonitorEvent {
    /// The event's name.
    pub event: String,
    /// When it happened: seconds since 1970.
    pub seconds: i64,
    /// And microseconds.
    pub micros: u32,
    /// Its data as JSON.
    pub details: Option<String>,
}

impl QemuMonitorEvent {
    /// The procedure of the QEMU program that tells it.
    pub const PROCEDURE: i32 = 6;

    fn decode(body: &[u8]) -> Result<Told, Error> {
        whole(body, |from| {
            let (callback, domain) = Decode::decode(from)?;
            let (event, seconds, micros, details) = Decode::decode(from)?;
            let event = QemuMonitorEvent { event, seconds, micros, details };
            Ok(Told { callback: Some(callback), event: Event::QemuMonitor(domain, event) })
        })
    }
}

events! {
    /// What happens to domains.
    pub enum DomainEvent of DomainRef {
        Lifecycle = 0, legacy 107, callback 318 { event: i32, detail: i32 }
        Reboot = 1, legacy 169, callback 319 {  }
        RtcChange = 2, legacy 170, callback 320 { offset: i64 }
        Watchdog = 3, legacy 171, callback 321 { action: i32 }
        IoError = 4, legacy 172, callback 322 { src_path: String, dev_alias: String, action: i32 }
        Graphics = 5, legacy 173, callback 323 { phase: i32, local: DomainEventGraphicsAddress, remote: DomainEventGraphicsAddress, auth_scheme: String, subject: List<DomainEventGraphicsIdentity, 20> }
        IoErrorReason = 6, legacy 195, callback 324 { src_path: String, dev_alias: String, action: i32, reason: String }
        ControlError = 7, legacy 224, callback 325 {  }
        BlockJob = 8, legacy 241, callback 326 { path: String, kind: i32, status: i32 }
        DiskChange = 9, legacy 248, callback 327 { old_src_path: Option<String>, new_src_path: Option<String>, dev_alias: String, reason: i32 }
        TrayChange = 10, legacy 268, callback 328 { dev_alias: String, reason: i32 }
        Pmwakeup = 11, legacy 269, callback 329 before(reason: i32) {  }
        Pmsuspend = 12, legacy 270, callback 330 before(reason: i32) {  }
        BalloonChange = 13, legacy 276, callback 331 { actual: u64 }
        PmsuspendDisk = 14, legacy 292, callback 332 before(reason: i32) {  }
        DeviceRemoved = 15, legacy 311, callback 333 { dev_alias: String }
        BlockJob2 = 16, callback 339 { dst: String, kind: i32, status: i32 }
        Tunable = 17, callback 346 { params: List<TypedParam, 2_048> }
        AgentLifecycle = 18, callback 348 { state: i32, reason: i32 }
        DeviceAdded = 19, callback 354 { dev_alias: String }
        MigrationIteration = 20, callback 359 { iteration: i32 }
        JobCompleted = 21, callback 363 { params: List<TypedParam, 64> }
        DeviceRemovalFailed = 22, callback 367 { dev_alias: String }
        MetadataChange = 23, callback 379 { kind: i32, nsuri: Option<String> }
        BlockThreshold = 24, callback 385 { dev: String, path: Option<String>, threshold: u64, excess: u64 }
        MemoryFailure = 25, callback 423 { recipient: i32, action: i32, flags: u32 }
        MemoryDeviceSizeChange = 26, callback 438 { alias: String, size: u64 }
        NicMacChange = 27, callback 453 { alias: String, old_mac: String, new_mac: String }
    }
    /// What happens to networks.
    pub enum NetworkEvent of NetworkRef {
        Lifecycle = 0, callback 315 { event: i32, detail: i32 }
        MetadataChange = 1, callback 446 { kind: i32, nsuri: Option<String> }
    }
    /// What happens to storage pools.
    pub enum StoragePoolEvent of StoragePoolRef {
        Lifecycle = 0, callback 370 { event: i32, detail: i32 }
        Refresh = 1, callback 373 {  }
    }
    /// What happens to nodedevices.
    pub enum NodeDeviceEvent of NodeDeviceRef {
        Lifecycle = 0, callback 376 { event: i32, detail: i32 }
        Update = 1, callback 377 {  }
    }
    /// What happens to secrets.
    pub enum SecretEvent of SecretRef {
        Lifecycle = 0, callback 382 { event: i32, detail: i32 }
        ValueChanged = 1, callback 383 {  }
    }
}

record! {
    /// `remote_domain_event_graphics_address`.
    pub struct DomainEventGraphicsAddress {
        #[allow(missing_docs)]
        pub family: i32,
        #[allow(missing_docs)]
        pub node: String,
        #[allow(missing_docs)]
        pub service: String,
    }
    /// `remote_domain_event_graphics_identity`.
    pub struct DomainEventGraphicsIdentity {
        #[allow(missing_docs)]
        pub kind: String,
        #[allow(missing_docs)]
        pub name: String,
    }
}
