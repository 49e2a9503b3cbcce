//! The calls of the protocol, from the client crate's lists.

use pyo3::PyResult;

use crate::functions::Registry;

/// A module for each list, so that each has its function `add`.
macro_rules! lists {
    ($($module:ident $list:ident;)*) => {
        $(mod $module {
            #[allow(unused_imports)]
            use virtus::{
                Connection, Domain, DomainCheckpoint, DomainSnapshot, Interface, Network, NetworkPort, NodeDevice,
                NwFilter, NwFilterBinding, Secret, StoragePool, StorageVolume, TypedParam, Uuid,
            };

            use crate::argument::Argument;

            virtus::$list!(functions);
        })*

        pub(crate) fn add(registry: &Registry<'_, '_>) -> PyResult<()> {
            $($module::add(registry)?;)*
            Ok(())
        }
    };
}

lists! {
    connection connection_methods;
    domain domain_methods;
    interface interface_methods;
    moment moment_methods;
    network network_methods;
    nodedev nodedev_methods;
    nwfilter nwfilter_methods;
    secret secret_methods;
    storage storage_methods;
}
