//! What stands for an object in Python: `_o` of the classes.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use virtus::{Error, ErrorCode, Uuid};

use crate::error;
use crate::site::Site;

/// An object that Python can hold.
pub(crate) trait Held: Sized {
    /// What Python holds.
    type Handle: pyo3::PyClass<Frozen = pyo3::pyclass::boolean_struct::True> + Sync;
    /// The error about one that is not there.
    const INVALID: ErrorCode;

    /// Puts it into Python's hands.
    fn hold(self, py: Python<'_>) -> PyResult<Py<Self::Handle>>;
}

macro_rules! handles {
    ($($object:ident $handle:ident $name:literal $invalid:ident;)*) => {
        $(
            #[doc = concat!("Stands for a `", stringify!($object), "`.")]
            #[pyclass(frozen, weakref, name = $name, module = "libvirt._native")]
            #[derive(Debug)]
            pub(crate) struct $handle(pub(crate) virtus::$object);

            impl Held for virtus::$object {
                type Handle = $handle;
                const INVALID: ErrorCode = ErrorCode::$invalid;

                fn hold(self, py: Python<'_>) -> PyResult<Py<$handle>> {
                    Py::new(py, $handle(self))
                }
            }
        )*

        /// The error about an object of this name that is not there.
        pub(crate) fn invalid(name: &str) -> ErrorCode {
            match name {
                $($name => ErrorCode::$invalid,)*
                _ => ErrorCode::INVALID_STREAM,
            }
        }

        pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
            $(module.add_class::<$handle>()?;)*
            Ok(())
        }
    };
}

handles! {
    Connection ConnectionHandle "virConnectPtr" INVALID_CONN;
    Domain DomainHandle "virDomainPtr" INVALID_DOMAIN;
    Network NetworkHandle "virNetworkPtr" INVALID_NETWORK;
    NetworkPort NetworkPortHandle "virNetworkPortPtr" INVALID_NETWORK_PORT;
    Interface InterfaceHandle "virInterfacePtr" INVALID_INTERFACE;
    StoragePool StoragePoolHandle "virStoragePoolPtr" INVALID_STORAGE_POOL;
    StorageVolume StorageVolumeHandle "virStorageVolPtr" INVALID_STORAGE_VOL;
    NodeDevice NodeDeviceHandle "virNodeDevicePtr" INVALID_NODE_DEVICE;
    NwFilter NwFilterHandle "virNWFilterPtr" INVALID_NWFILTER;
    NwFilterBinding NwFilterBindingHandle "virNWFilterBindingPtr" INVALID_NWFILTER_BINDING;
    Secret SecretHandle "virSecretPtr" INVALID_SECRET;
    DomainSnapshot DomainSnapshotHandle "virDomainSnapshotPtr" INVALID_DOMAIN_SNAPSHOT;
    DomainCheckpoint DomainCheckpointHandle "virDomainCheckpointPtr" INVALID_DOMAIN_CHECKPOINT;
}

/// The handle that `value` is; without one there is libvirt's error about it.
pub(crate) fn of<'py, T: Held>(value: &Bound<'py, PyAny>, site: Site) -> PyResult<Bound<'py, T::Handle>> {
    if value.is_none() {
        error::reset();
        let error = Error::new(site.errors, T::INVALID, site.function);
        return Err(error::raise(value.py(), site.function, error));
    }
    value.cast::<T::Handle>().cloned().map_err(|_| {
        let found = value.get_type().name().map(|name| name.to_string()).unwrap_or_default();
        PyTypeError::new_err(format!("{}() got a {found} where another object is needed", site.function))
    })
}

/// Properties of handles, which no daemon has to be asked for.
macro_rules! properties {
    ($($handle:ident { $($property:ident: $type:ty = $read:expr;)* })*) => {$(
        #[pymethods]
        impl $handle {
            $(
                #[getter]
                fn $property(&self, py: Python<'_>) -> PyResult<$type> {
                    ($read)(py, &self.0)
                }
            )*

            /// Where it is in memory.
            #[getter]
            fn address(&self) -> usize {
                std::ptr::from_ref(&self.0) as usize
            }
        }
    )*};
}

type Text = String;
type Bytes = Py<PyBytes>;

fn bytes(py: Python<'_>, uuid: Uuid) -> PyResult<Bytes> {
    Ok(PyBytes::new(py, &uuid.0).unbind())
}

macro_rules! text {
    ($field:ident $object:ident) => {
        |_, object: &virtus::$object| Ok(object.$field().to_owned())
    };
}

macro_rules! uuid {
    ($object:ident) => {
        |py, object: &virtus::$object| bytes(py, object.uuid())
    };
}

properties! {
    DomainHandle {
        name: Text = text!(name Domain);
        uuid: Bytes = uuid!(Domain);
        id: i32 = |_, domain: &virtus::Domain| Ok(domain.id().unwrap_or(-1));
    }
    NetworkHandle {
        name: Text = text!(name Network);
        uuid: Bytes = uuid!(Network);
    }
    NetworkPortHandle {
        uuid: Bytes = uuid!(NetworkPort);
    }
    InterfaceHandle {
        name: Text = text!(name Interface);
        mac: Text = text!(mac Interface);
    }
    StoragePoolHandle {
        name: Text = text!(name StoragePool);
        uuid: Bytes = uuid!(StoragePool);
    }
    StorageVolumeHandle {
        name: Text = text!(name StorageVolume);
        key: Text = text!(key StorageVolume);
    }
    NodeDeviceHandle {
        name: Text = text!(name NodeDevice);
    }
    NwFilterHandle {
        name: Text = text!(name NwFilter);
        uuid: Bytes = uuid!(NwFilter);
    }
    NwFilterBindingHandle {
        port_dev: Text = text!(portdev NwFilterBinding);
        filter_name: Text = text!(filtername NwFilterBinding);
    }
    SecretHandle {
        uuid: Bytes = uuid!(Secret);
        usage_id: Text = text!(usage_id Secret);
        usage_type: i32 = |_, secret: &virtus::Secret| Ok(secret.usage_type());
    }
    DomainSnapshotHandle {
        name: Text = text!(name DomainSnapshot);
    }
    DomainCheckpointHandle {
        name: Text = text!(name DomainCheckpoint);
    }
}
