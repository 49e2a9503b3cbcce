//! The functions that register and deregister.

use std::ffi::{c_int, c_void};

use virtus::{DomainRef, Result, Subject};

use super::{
    Function, virConnectCloseFunc, virConnectDomainEventCallback, virConnectDomainEventGenericCallback,
    virConnectDomainQemuMonitorEventCallback, virConnectNetworkEventGenericCallback,
    virConnectNodeDeviceEventGenericCallback, virConnectSecretEventGenericCallback,
    virConnectStoragePoolEventGenericCallback,
};
use crate::arg::{Arg, NonNegative};
use crate::call::Call;
use crate::connect::Connect;
use crate::declare::{Export, exports};
use crate::error::Opaque;
use crate::event::{Callback, virFreeCallback};
use crate::handle::Of;
use crate::object::{Child, Domain, Network, NodeDevice, Secret, StoragePool};

pub use close::*;
pub use domains::*;
pub use networks::*;
pub use node_devices::*;
pub use secrets::*;
pub use storage_pools::*;

pub(super) const EXPORTS: &[&[Export]] = &[
    close::EXPORTS,
    domains::EXPORTS,
    networks::EXPORTS,
    node_devices::EXPORTS,
    secrets::EXPORTS,
    storage_pools::EXPORTS,
];

/// Functions of C's that must be there.
macro_rules! functions {
    ($($type:ident)*) => {$(
        impl Arg for $type {
            type C = $type;

            // SAFETY: what callers keep to is said where the method is declared
            unsafe fn take(c: $type, call: &mut Call, name: &str) -> Result<Self> {
                if c.0.is_none() { Err(call.wrong(name, "must not be NULL")) } else { Ok(c) }
            }
        }
    )*};
}

functions! {
    virConnectCloseFunc
    virConnectDomainEventCallback
    virConnectDomainEventGenericCallback
    virConnectNetworkEventGenericCallback
    virConnectStoragePoolEventGenericCallback
    virConnectNodeDeviceEventGenericCallback
    virConnectSecretEventGenericCallback
    virConnectDomainQemuMonitorEventCallback
}

impl Arg for virFreeCallback {
    type C = virFreeCallback;

    // SAFETY: what callers keep to is said where the method is declared
    unsafe fn take(c: virFreeCallback, _: &mut Call, _: &str) -> Result<Self> {
        Ok(c)
    }
}

mod close {
    use super::*;

    exports! {
        header HOST, errors DOMAIN;

        "0.10.0" fn virConnectRegisterCloseCallback(
            conn: Of<Connect>, cb: virConnectCloseFunc, opaque: *mut c_void, freecb: virFreeCallback
        ) -> () = match conn.is_local() {
            // what is in this process does not go away
            true => Ok(()),
            false => conn.notices().register_close(
                &conn, Callback { function: cb, opaque: Opaque(opaque), free: freecb }
            ),
        };
        "0.10.0" fn virConnectUnregisterCloseCallback(conn: Of<Connect>, cb: virConnectCloseFunc) -> ()
            = if conn.is_local() { Ok(()) } else { conn.notices().deregister_close(cb) };
    }
}

mod domains {
    use super::*;

    exports! {
        header DOMAIN, errors DOMAIN;

        "0.5.0" fn virConnectDomainEventRegister(
            conn: Of<Connect>, cb: virConnectDomainEventCallback, opaque: *mut c_void, freecb: virFreeCallback
        ) -> () = {
            let function = any(cb.address());
            let what = (Subject::Domain(None), virtus::constants::VIR_DOMAIN_EVENT_ID_LIFECYCLE);
            let callback = Callback { function, opaque: Opaque(opaque), free: freecb };
            conn.notices().register(&conn, what, callback, true).map(drop)
        };
        "0.5.0" fn virConnectDomainEventDeregister(conn: Of<Connect>, cb: virConnectDomainEventCallback) -> ()
            = conn.notices().deregister_function(cb.address());
        "0.8.0" fn virConnectDomainEventRegisterAny[call](
            conn: Of<Connect>, dom: Option<Of<Domain>>, eventID: NonNegative<c_int>,
            cb: virConnectDomainEventGenericCallback, opaque: *mut c_void, freecb: virFreeCallback
        ) -> c_int = {
            same(call, &conn, dom.as_ref(), "dom", |dom| format!("domain '{}'", virtus::Domain::name(dom)))?;
            // whether it runs does not make it another one
            let domain = dom.map(|dom| DomainRef { id: -1, ..dom.reference().clone() });
            let what = (Subject::Domain(domain), eventID.0);
            register(call, &conn, what, cb.address(), opaque, freecb)
        };
        "0.8.0" fn virConnectDomainEventDeregisterAny(conn: Of<Connect>, callbackID: NonNegative<c_int>) -> ()
            = conn.notices().deregister(callbackID.0);
    }
}

/// The pair of functions that the other kinds have.
macro_rules! kinds {
    ($($module:ident: $header:ident, $since:literal, $register:ident, $deregister:ident,
        $kind:ident $arg:ident $callback:ident |$object:ident| $name:expr;)*) => {$(
        mod $module {
            use super::*;

            exports! {
                header $header, errors $header;

                $since fn $register[call](
                    conn: Of<Connect>, $arg: Option<Of<$kind>>, eventID: NonNegative<c_int>, cb: $callback,
                    opaque: *mut c_void, freecb: virFreeCallback
                ) -> c_int = {
                    same(call, &conn, $arg.as_ref(), stringify!($arg), |$object| $name)?;
                    let what = (Subject::$kind($arg.map(|object| object.reference().clone())), eventID.0);
                    register(call, &conn, what, cb.address(), opaque, freecb)
                };
                $since fn $deregister(conn: Of<Connect>, callbackID: NonNegative<c_int>) -> ()
                    = conn.notices().deregister(callbackID.0);
            }
        }
    )*};
}

kinds! {
    networks: NETWORK, "1.2.1", virConnectNetworkEventRegisterAny, virConnectNetworkEventDeregisterAny,
        Network net virConnectNetworkEventGenericCallback
        |net| format!("network '{}' in virConnectNetworkEventRegisterAny", virtus::Network::name(net));
    storage_pools: STORAGE, "2.0.0", virConnectStoragePoolEventRegisterAny,
        virConnectStoragePoolEventDeregisterAny,
        StoragePool pool virConnectStoragePoolEventGenericCallback |pool| {
            format!("storage pool '{}' in virConnectStoragePoolEventRegisterAny", virtus::StoragePool::name(pool))
        };
    node_devices: NODEDEV, "2.2.0", virConnectNodeDeviceEventRegisterAny, virConnectNodeDeviceEventDeregisterAny,
        NodeDevice dev virConnectNodeDeviceEventGenericCallback |dev| {
            format!("node device '{}' in virConnectNodeDeviceEventRegisterAny", virtus::NodeDevice::name(dev))
        };
    secrets: SECRET, "3.0.0", virConnectSecretEventRegisterAny, virConnectSecretEventDeregisterAny,
        Secret secret virConnectSecretEventGenericCallback
        |secret| format!("secret '{}' in virConnectSecretEventRegisterAny", secret.uuid());
}

/// A function of some type, as it is kept.
pub(crate) fn any(address: usize) -> Function {
    // SAFETY: it is null or a function that C has given; it is called as one of its own type only
    unsafe { std::mem::transmute::<usize, Function>(address) }
}

fn register(
    call: &Call,
    conn: &Of<Connect>,
    what: (Subject, c_int),
    function: usize,
    opaque: *mut c_void,
    free: virFreeCallback,
) -> Result<c_int> {
    check_number(call, &what)?;
    let callback = Callback { function: any(function), opaque: Opaque(opaque), free };
    conn.notices().register(conn, what, callback, false)
}

/// Refuses numbers that no event has in this version, of which nobody would know how they are told.
fn check_number(call: &Call, (subject, number): &(Subject, c_int)) -> Result<()> {
    use virtus::constants::*;
    let last = match subject {
        Subject::Domain(_) => VIR_DOMAIN_EVENT_ID_NIC_MAC_CHANGE,
        Subject::Network(_) => VIR_NETWORK_EVENT_ID_METADATA_CHANGE,
        Subject::StoragePool(_) => VIR_STORAGE_POOL_EVENT_ID_REFRESH,
        Subject::NodeDevice(_) => VIR_NODE_DEVICE_EVENT_ID_UPDATE,
        Subject::Secret(_) => VIR_SECRET_EVENT_ID_VALUE_CHANGED,
    };
    let which = match subject {
        Subject::Domain(_) => String::new(),
        _ => format!(" in {}", call.function),
    };
    match *number > last {
        true => Err(call.refused("eventID", format!("eventID{which} must be less than {}", last + 1))),
        false => Ok(()),
    }
}

/// The object must be of the connection.
fn same<T: Child<Parent = Connect>>(
    call: &Call,
    conn: &Of<Connect>,
    object: Option<&Of<T>>,
    argument: &str,
    what: impl FnOnce(&T) -> String,
) -> Result<()> {
    match object {
        Some(object) if object.parent().as_c() != conn.as_c() => {
            Err(call.refused(argument, format!("{} must match connection", what(object))))
        }
        _ => Ok(()),
    }
}
