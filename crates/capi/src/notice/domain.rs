//! A domain's events as calls of C's functions, of which each event has its own type.

use std::ffi::{CString, c_int, c_uint, c_void};
use std::ptr::{null, null_mut};

use virtus::{DomainEvent, TypedParam};

use super::Function;
use super::deliver::call;
use crate::ctype::Char;
use crate::declare::{callbacks, structs};
use crate::event::Callback;
use crate::handle::{Held, Of};
use crate::memory;
use crate::object::{Connect, Domain, virConnect, virDomain};
use crate::params::{self, virTypedParameter};

structs! {
    /// One end of a connection to a guest's screen.
    virDomainEventGraphicsAddress {
        family: c_int,
        node: *mut Char,
        service: *mut Char,
    }
    /// Who somebody at a screen is.
    virDomainEventGraphicsSubjectIdentity {
        r#type: *mut Char,
        name: *mut Char,
    }
    /// All that is known of somebody at a screen.
    virDomainEventGraphicsSubject {
        nidentity: c_int,
        identities: *mut virDomainEventGraphicsSubjectIdentity,
    }
}

/// Types of functions which all begin with connection and domain, and end with what C wants to see again.
macro_rules! domain_callbacks {
    ($($(#[$docs:meta])* $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $ret:ty)?;)*) => {
        callbacks! {$(
            $(#[$docs])*
            $name(conn: *mut virConnect, dom: *mut virDomain, $($arg: $type,)* opaque: *mut c_void) $(-> $ret)?;
        )*}
    };
}

domain_callbacks! {
    /// A domain came, went, or changed its state.
    virConnectDomainEventCallback(event: c_int, detail: c_int) -> c_int;
    /// Something happened to a domain.
    virConnectDomainEventGenericCallback();
    /// The guest set its clock.
    virConnectDomainEventRTCChangeCallback(utcoffset: i64);
    /// The guest's watchdog fired.
    virConnectDomainEventWatchdogCallback(action: c_int);
    /// A disk had an error.
    virConnectDomainEventIOErrorCallback(srcPath: *const Char, devAlias: *const Char, action: c_int);
    /// A disk had an error, and why.
    virConnectDomainEventIOErrorReasonCallback(
        srcPath: *const Char, devAlias: *const Char, action: c_int, reason: *const Char
    );
    /// Somebody looks at the screen, or no more.
    virConnectDomainEventGraphicsCallback(
        phase: c_int, local: *const virDomainEventGraphicsAddress, remote: *const virDomainEventGraphicsAddress,
        authScheme: *const Char, subject: *const virDomainEventGraphicsSubject
    );
    /// A block job ended or is ready.
    virConnectDomainEventBlockJobCallback(disk: *const Char, r#type: c_int, status: c_int);
    /// A removable disk has another medium.
    virConnectDomainEventDiskChangeCallback(
        oldSrcPath: *const Char, newSrcPath: *const Char, devAlias: *const Char, reason: c_int
    );
    /// A tray was opened or closed.
    virConnectDomainEventTrayChangeCallback(devAlias: *const Char, reason: c_int);
    /// The guest woke up.
    virConnectDomainEventPMWakeupCallback(reason: c_int);
    /// The guest sleeps.
    virConnectDomainEventPMSuspendCallback(reason: c_int);
    /// The guest sleeps on disk.
    virConnectDomainEventPMSuspendDiskCallback(reason: c_int);
    /// The guest's memory is another size.
    virConnectDomainEventBalloonChangeCallback(actual: u64);
    /// A device has left.
    virConnectDomainEventDeviceRemovedCallback(devAlias: *const Char);
    /// A device has joined.
    virConnectDomainEventDeviceAddedCallback(devAlias: *const Char);
    /// A device did not want to leave.
    virConnectDomainEventDeviceRemovalFailedCallback(devAlias: *const Char);
    /// Metadata changed.
    virConnectDomainEventMetadataChangeCallback(r#type: c_int, nsuri: *const Char);
    /// A migration begins another round.
    virConnectDomainEventMigrationIterationCallback(iteration: c_int);
    /// A job has ended.
    virConnectDomainEventJobCompletedCallback(params: *mut virTypedParameter, nparams: c_int);
    /// Parameters were changed.
    virConnectDomainEventTunableCallback(params: *mut virTypedParameter, nparams: c_int);
    /// The agent in the guest came or went.
    virConnectDomainEventAgentLifecycleCallback(state: c_int, reason: c_int);
    /// More was written than was to be told of.
    virConnectDomainEventBlockThresholdCallback(
        dev: *const Char, path: *const Char, threshold: u64, excess: u64
    );
    /// The host's memory failed.
    virConnectDomainEventMemoryFailureCallback(recipient: c_int, action: c_int, flags: c_uint);
    /// A memory device is another size.
    virConnectDomainEventMemoryDeviceSizeChangeCallback(alias: *const Char, size: u64);
    /// An interface has another address.
    virConnectDomainEventNICMACChangeCallback(alias: *const Char, oldMAC: *const Char, newMAC: *const Char);
}

/// A text that C sees for the time of a call, or none.
pub(super) struct Text(Option<CString>);

impl Text {
    pub(super) fn new(text: Option<&str>) -> Self {
        Text(text.map(memory::kept))
    }

    pub(super) fn as_ptr(&self) -> *const Char {
        self.0.as_ref().map_or(null(), |text| text.as_ptr().cast())
    }
}

fn text(text: &str) -> Text {
    Text::new(Some(text))
}

/// Tells of a domain's event.
pub(super) fn deliver(
    conn: &Of<Connect>,
    dom: &Held<Domain>,
    callback: &Callback<Function>,
    event: &DomainEvent,
) {
    use DomainEvent as E;
    /// Calls `virConnectDomainEvent…Callback`; texts of the event stand as they are.
    macro_rules! tell {
        ($type:ident $(, $arg:expr)*) => {
            call!(callback, $type, conn, dom $(, $arg)*)
        };
    }
    match event {
        E::Lifecycle { event, detail } => tell!(virConnectDomainEventCallback, *event, *detail),
        E::Reboot {} | E::ControlError {} => tell!(virConnectDomainEventGenericCallback),
        E::RtcChange { offset } => tell!(virConnectDomainEventRTCChangeCallback, *offset),
        E::Watchdog { action } => tell!(virConnectDomainEventWatchdogCallback, *action),
        E::IoError { src_path, dev_alias, action } => {
            let (path, alias) = (text(src_path), text(dev_alias));
            tell!(virConnectDomainEventIOErrorCallback, path.as_ptr(), alias.as_ptr(), *action);
        }
        E::IoErrorReason { src_path, dev_alias, action, reason } => {
            let (path, alias, reason) = (text(src_path), text(dev_alias), text(reason));
            tell!(
                virConnectDomainEventIOErrorReasonCallback,
                path.as_ptr(),
                alias.as_ptr(),
                *action,
                reason.as_ptr()
            );
        }
        E::Graphics { phase, local, remote, auth_scheme, subject } => {
            let (local, remote) = (Address::new(local), Address::new(remote));
            let scheme = text(auth_scheme);
            let names: Vec<_> = subject.iter().map(|one| (text(&one.kind), text(&one.name))).collect();
            let mut identities: Vec<_> = names
                .iter()
                .map(|(kind, name)| virDomainEventGraphicsSubjectIdentity {
                    r#type: kind.as_ptr().cast_mut(),
                    name: name.as_ptr().cast_mut(),
                })
                .collect();
            let subject = virDomainEventGraphicsSubject {
                nidentity: c_int::try_from(identities.len()).unwrap_or_default(),
                identities: identities.as_mut_ptr(),
            };
            tell!(
                virConnectDomainEventGraphicsCallback,
                *phase,
                &raw const local.c,
                &raw const remote.c,
                scheme.as_ptr(),
                &raw const subject
            );
        }
        E::BlockJob { path: disk, kind, status } | E::BlockJob2 { dst: disk, kind, status } => {
            let disk = text(disk);
            tell!(virConnectDomainEventBlockJobCallback, disk.as_ptr(), *kind, *status);
        }
        E::DiskChange { old_src_path, new_src_path, dev_alias, reason } => {
            let (old, new) = (Text::new(old_src_path.as_deref()), Text::new(new_src_path.as_deref()));
            let alias = text(dev_alias);
            tell!(
                virConnectDomainEventDiskChangeCallback,
                old.as_ptr(),
                new.as_ptr(),
                alias.as_ptr(),
                *reason
            );
        }
        E::TrayChange { dev_alias, reason } => {
            let alias = text(dev_alias);
            tell!(virConnectDomainEventTrayChangeCallback, alias.as_ptr(), *reason);
        }
        E::Pmwakeup { reason } => tell!(virConnectDomainEventPMWakeupCallback, *reason),
        E::Pmsuspend { reason } => tell!(virConnectDomainEventPMSuspendCallback, *reason),
        E::PmsuspendDisk { reason } => tell!(virConnectDomainEventPMSuspendDiskCallback, *reason),
        E::BalloonChange { actual } => tell!(virConnectDomainEventBalloonChangeCallback, *actual),
        E::DeviceRemoved { dev_alias } => {
            let alias = text(dev_alias);
            tell!(virConnectDomainEventDeviceRemovedCallback, alias.as_ptr());
        }
        E::DeviceAdded { dev_alias } => {
            let alias = text(dev_alias);
            tell!(virConnectDomainEventDeviceAddedCallback, alias.as_ptr());
        }
        E::DeviceRemovalFailed { dev_alias } => {
            let alias = text(dev_alias);
            tell!(virConnectDomainEventDeviceRemovalFailedCallback, alias.as_ptr());
        }
        E::MetadataChange { kind, nsuri } => {
            let nsuri = Text::new(nsuri.as_deref());
            tell!(virConnectDomainEventMetadataChangeCallback, *kind, nsuri.as_ptr());
        }
        E::MigrationIteration { iteration } => {
            tell!(virConnectDomainEventMigrationIterationCallback, *iteration);
        }
        E::JobCompleted { params } => {
            let Some(params) = Params::new(params) else { return };
            tell!(virConnectDomainEventJobCompletedCallback, params.first, params.count);
        }
        E::Tunable { params } => {
            let Some(params) = Params::new(params) else { return };
            tell!(virConnectDomainEventTunableCallback, params.first, params.count);
        }
        E::AgentLifecycle { state, reason } => {
            tell!(virConnectDomainEventAgentLifecycleCallback, *state, *reason);
        }
        E::BlockThreshold { dev, path, threshold, excess } => {
            let (dev, path) = (text(dev), Text::new(path.as_deref()));
            tell!(
                virConnectDomainEventBlockThresholdCallback,
                dev.as_ptr(),
                path.as_ptr(),
                *threshold,
                *excess
            );
        }
        E::MemoryFailure { recipient, action, flags } => {
            tell!(virConnectDomainEventMemoryFailureCallback, *recipient, *action, *flags);
        }
        E::MemoryDeviceSizeChange { alias, size } => {
            let alias = text(alias);
            tell!(virConnectDomainEventMemoryDeviceSizeChangeCallback, alias.as_ptr(), *size);
        }
        E::NicMacChange { alias, old_mac, new_mac } => {
            let (alias, old, new) = (text(alias), text(old_mac), text(new_mac));
            tell!(virConnectDomainEventNICMACChangeCallback, alias.as_ptr(), old.as_ptr(), new.as_ptr());
        }
    }
}

/// An address with the texts that it points to.
struct Address {
    c: virDomainEventGraphicsAddress,
    _texts: (Text, Text),
}

impl Address {
    fn new(address: &virtus::types::DomainEventGraphicsAddress) -> Self {
        let (node, service) = (text(&address.node), text(&address.service));
        let c = virDomainEventGraphicsAddress {
            family: address.family,
            node: node.as_ptr().cast_mut(),
            service: service.as_ptr().cast_mut(),
        };
        Address { c, _texts: (node, service) }
    }
}

/// Parameters that C sees for the time of a call.
struct Params {
    first: *mut virTypedParameter,
    count: c_int,
}

impl Params {
    fn new(params: &[TypedParam]) -> Option<Self> {
        let count = c_int::try_from(params.len()).ok()?;
        let first = if count == 0 { null_mut() } else { params::array(params).ok()?.as_ptr() };
        Some(Params { first, count })
    }
}

impl Drop for Params {
    fn drop(&mut self) {
        // SAFETY: they are ours, and the call is over
        unsafe {
            params::clear(self.first, self.count);
            memory::free(self.first);
        }
    }
}
