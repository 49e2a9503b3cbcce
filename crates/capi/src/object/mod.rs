//! The kinds of objects that C has handles of.

use std::ffi::CString;
use std::sync::atomic::{AtomicI32, Ordering};

use virtus::{Error, ErrorCode, ErrorDomain, Result};

use crate::declare::opaque;
use crate::handle::{Held, Object, Of};
use crate::memory;

pub(crate) use crate::admin::connection::AdmConnect;
pub(crate) use crate::connect::Connect;
use crate::nodedev::ParentName;
pub(crate) use crate::stream::Stream;

opaque! {
    virConnect
    virDomain
    virDomainSnapshot
    virDomainCheckpoint
    virNetwork
    virNetworkPort
    virInterface
    virStoragePool
    virStorageVol
    virNodeDevice
    virNWFilter
    virNWFilterBinding
    virSecret
    virStream
    virAdmConnect
    virAdmServer
    virAdmClient
}

/// What is said of a handle that is none of the kind, and where an object belongs.
pub(crate) trait Kind: Object {
    /// The error for something that is no such handle.
    const INVALID: ErrorCode;
    /// Where that error comes from; `None` for the place that the function's errors come from.
    const ERRORS: Option<ErrorDomain>;

    /// Its connection.
    fn connection(this: &Of<Self>) -> Option<Of<Connect>>;
}

/// An object that hangs on another one, and keeps it.
pub(crate) trait Child: Kind {
    /// What it hangs on.
    type Parent: Kind;
    /// What the client crate has for it.
    type Value;

    /// A new one.
    fn child(parent: Held<Self::Parent>, value: Self::Value) -> Self;

    /// What it hangs on.
    fn parent(&self) -> &Held<Self::Parent>;
}

impl<P: Kind> Of<P> {
    /// A new object that hangs on this one.
    ///
    /// # Errors
    /// That this one was freed meanwhile.
    pub(crate) fn adopt<T: Child<Parent = P>>(&self, value: T::Value) -> Result<Held<T>> {
        let gone = || Error::new(P::ERRORS.unwrap_or(ErrorDomain::NONE), P::INVALID, "");
        Ok(Held::new(T::child(self.hold().ok_or_else(gone)?, value)))
    }
}

/// Declares the kinds: what C has, what it hangs on, what the client crate has, the error for what is none, where that
/// comes from, and which texts C may ask for that live as long as the object.
macro_rules! kinds {
    ($(
        $(#[$docs:meta])*
        $kind:ident($c:ident) of $parent:ident, $invalid:ident from $errors:ident, texts[$($text:ident)*]
            $(with $field:ident: $type:ty = $make:expr)?;
    )*) => {$(
        $(#[$docs])*
        #[derive(Debug)]
        pub(crate) struct $kind {
            parent: Held<$parent>,
            value: virtus::$kind,
            $(pub(crate) $text: CString,)*
            $(pub(crate) $field: $type,)?
        }

        impl Object for $kind {
            type C = $c;
        }

        impl Kind for $kind {
            const INVALID: ErrorCode = ErrorCode::$invalid;
            const ERRORS: Option<ErrorDomain> = Some(ErrorDomain::$errors);

            fn connection(this: &Of<Self>) -> Option<Of<Connect>> {
                $parent::connection(&this.parent.of())
            }
        }

        impl Child for $kind {
            type Parent = $parent;
            type Value = virtus::$kind;

            fn child(parent: Held<$parent>, value: virtus::$kind) -> Self {
                $(let $text = memory::kept(value.$text());)*
                $(let $field = { let make: fn(&virtus::$kind) -> $type = $make; make(&value) };)?
                $kind { parent, value, $($text,)* $($field)? }
            }

            fn parent(&self) -> &Held<$parent> {
                &self.parent
            }
        }

        impl std::ops::Deref for $kind {
            type Target = virtus::$kind;

            fn deref(&self) -> &virtus::$kind {
                &self.value
            }
        }
    )*};
}

kinds! {
    /// A domain.
    Domain(virDomain) of Connect, INVALID_DOMAIN from DOM, texts[name]
        with id: AtomicI32 = |domain| AtomicI32::new(domain.reference().id);
    /// What a domain was at a moment.
    DomainSnapshot(virDomainSnapshot) of Domain, INVALID_DOMAIN_SNAPSHOT from DOMAIN_SNAPSHOT, texts[name];
    /// A moment since which a domain's disks keep what changes.
    DomainCheckpoint(virDomainCheckpoint) of Domain, INVALID_DOMAIN_CHECKPOINT from DOMAIN_CHECKPOINT, texts[name];
    /// A network.
    Network(virNetwork) of Connect, INVALID_NETWORK from NETWORK, texts[name];
    /// What is plugged into a network.
    NetworkPort(virNetworkPort) of Network, INVALID_NETWORK_PORT from NETWORK, texts[];
    /// A network interface of the host.
    Interface(virInterface) of Connect, INVALID_INTERFACE from INTERFACE, texts[name mac];
    /// A storage pool.
    StoragePool(virStoragePool) of Connect, INVALID_STORAGE_POOL from STORAGE, texts[name];
    /// A volume.
    StorageVolume(virStorageVol) of Connect, INVALID_STORAGE_VOL from STORAGE, texts[name key];
    /// A device of the host.
    NodeDevice(virNodeDevice) of Connect, INVALID_NODE_DEVICE from NODEDEV, texts[name]
        with parent_name: ParentName = |_| ParentName::default();
    /// Rules for packets.
    NwFilter(virNWFilter) of Connect, INVALID_NWFILTER from NWFILTER, texts[name];
    /// Where a filter applies.
    NwFilterBinding(virNWFilterBinding) of Connect, INVALID_NWFILTER_BINDING from NWFILTER, texts[portdev filtername];
    /// A secret.
    Secret(virSecret) of Connect, INVALID_SECRET from SECRET, texts[usage_id];
    /// A daemon's server.
    AdminServer(virAdmServer) of AdmConnect, INVALID_CONN from ADMIN, texts[name];
    /// Who is connected to one.
    AdminClient(virAdmClient) of AdminServer, INVALID_CONN from ADMIN, texts[];
}

impl Domain {
    /// Its number while it runs, or -1: as it was when something last told us.
    pub(crate) fn last_id(&self) -> i32 {
        self.id.load(Ordering::Relaxed)
    }

    /// It has a number now, or none any more.
    pub(crate) fn set_id(&self, id: i32) {
        self.id.store(id, Ordering::Relaxed);
    }
}
