//! Events as calls of C's functions.

use std::ffi::{c_int, c_uint, c_void};

use virtus::{Event, NetworkEvent, NodeDeviceEvent, SecretEvent, StoragePoolEvent};

use super::{Function, domain};
use crate::ctype::Char;
use crate::declare::callbacks;
use crate::event::Callback;
use crate::handle::Of;
use crate::object::{
    Connect, Domain, Network, NodeDevice, Secret, StoragePool, virConnect, virDomain, virNetwork,
    virNodeDevice, virSecret, virStoragePool,
};

callbacks! {
    /// Something happened to a network.
    virConnectNetworkEventGenericCallback(conn: *mut virConnect, net: *mut virNetwork, opaque: *mut c_void);
    /// A network came, went, or changed its state.
    virConnectNetworkEventLifecycleCallback(
        conn: *mut virConnect, net: *mut virNetwork, event: c_int, detail: c_int, opaque: *mut c_void
    );
    /// A network's metadata changed.
    virConnectNetworkEventMetadataChangeCallback(
        conn: *mut virConnect, net: *mut virNetwork, r#type: c_int, nsuri: *const Char, opaque: *mut c_void
    );
    /// Something happened to a storage pool.
    virConnectStoragePoolEventGenericCallback(
        conn: *mut virConnect, pool: *mut virStoragePool, opaque: *mut c_void
    );
    /// A storage pool came, went, or changed its state.
    virConnectStoragePoolEventLifecycleCallback(
        conn: *mut virConnect, pool: *mut virStoragePool, event: c_int, detail: c_int, opaque: *mut c_void
    );
    /// Something happened to a device of the host.
    virConnectNodeDeviceEventGenericCallback(
        conn: *mut virConnect, dev: *mut virNodeDevice, opaque: *mut c_void
    );
    /// A device of the host came, went, or changed its state.
    virConnectNodeDeviceEventLifecycleCallback(
        conn: *mut virConnect, dev: *mut virNodeDevice, event: c_int, detail: c_int, opaque: *mut c_void
    );
    /// Something happened to a secret.
    virConnectSecretEventGenericCallback(conn: *mut virConnect, secret: *mut virSecret, opaque: *mut c_void);
    /// A secret came or went.
    virConnectSecretEventLifecycleCallback(
        conn: *mut virConnect, secret: *mut virSecret, event: c_int, detail: c_int, opaque: *mut c_void
    );
    /// A QEMU told something.
    virConnectDomainQemuMonitorEventCallback(
        conn: *mut virConnect, dom: *mut virDomain, event: *const Char, seconds: i64, micros: c_uint,
        details: *const Char, opaque: *mut c_void
    );
}

/// Calls a function of C's as one of that type.
macro_rules! call {
    ($callback:expr, $type:ident, $conn:expr, $object:expr $(, $arg:expr)*) => {{
        // SAFETY: C has registered it for an event whose functions are of this type
        let function: $type = unsafe { std::mem::transmute($callback.function) };
        if let Some(function) = function.0 {
            // SAFETY: C has given it to be called so
            unsafe { function($conn.as_c(), $object.as_c(), $($arg,)* $callback.opaque.0); }
        }
    }};
}

pub(super) use call;

/// Tells of an event. Objects live as long as the call.
pub(super) fn deliver(conn: &Of<Connect>, callback: &Callback<Function>, event: &Event) {
    let client = || (**conn).clone();
    match event {
        Event::Domain(domain, event) => {
            let value = virtus::Domain::new(client(), domain.clone());
            let Ok(object) = conn.adopt::<Domain>(value) else { return };
            domain::deliver(conn, &object, callback, event);
        }
        Event::Network(network, event) => {
            let value = virtus::Network::new(client(), network.clone());
            let Ok(object) = conn.adopt::<Network>(value) else { return };
            match event {
                NetworkEvent::Lifecycle { event, detail } => {
                    call!(callback, virConnectNetworkEventLifecycleCallback, conn, object, *event, *detail);
                }
                NetworkEvent::MetadataChange { kind, nsuri } => {
                    let nsuri = domain::Text::new(nsuri.as_deref());
                    call!(
                        callback,
                        virConnectNetworkEventMetadataChangeCallback,
                        conn,
                        object,
                        *kind,
                        nsuri.as_ptr()
                    );
                }
            }
        }
        Event::StoragePool(pool, event) => {
            let value = virtus::StoragePool::new(client(), pool.clone());
            let Ok(object) = conn.adopt::<StoragePool>(value) else { return };
            match event {
                StoragePoolEvent::Lifecycle { event, detail } => {
                    call!(
                        callback,
                        virConnectStoragePoolEventLifecycleCallback,
                        conn,
                        object,
                        *event,
                        *detail
                    );
                }
                StoragePoolEvent::Refresh {} => {
                    call!(callback, virConnectStoragePoolEventGenericCallback, conn, object);
                }
            }
        }
        Event::NodeDevice(device, event) => {
            let value = virtus::NodeDevice::new(client(), device.clone());
            let Ok(object) = conn.adopt::<NodeDevice>(value) else { return };
            match event {
                NodeDeviceEvent::Lifecycle { event, detail } => {
                    call!(
                        callback,
                        virConnectNodeDeviceEventLifecycleCallback,
                        conn,
                        object,
                        *event,
                        *detail
                    );
                }
                NodeDeviceEvent::Update {} => {
                    call!(callback, virConnectNodeDeviceEventGenericCallback, conn, object);
                }
            }
        }
        Event::Secret(secret, event) => {
            let value = virtus::Secret::new(client(), secret.clone());
            let Ok(object) = conn.adopt::<Secret>(value) else { return };
            match event {
                SecretEvent::Lifecycle { event, detail } => {
                    call!(callback, virConnectSecretEventLifecycleCallback, conn, object, *event, *detail);
                }
                SecretEvent::ValueChanged {} => {
                    call!(callback, virConnectSecretEventGenericCallback, conn, object);
                }
            }
        }
        Event::QemuMonitor(domain, event) => {
            let value = virtus::Domain::new(client(), domain.clone());
            let Ok(object) = conn.adopt::<Domain>(value) else { return };
            let (name, details) =
                (domain::Text::new(Some(&event.event)), domain::Text::new(event.details.as_deref()));
            call!(
                callback,
                virConnectDomainQemuMonitorEventCallback,
                conn,
                object,
                name.as_ptr(),
                event.seconds,
                event.micros,
                details.as_ptr()
            );
        }
    }
}
