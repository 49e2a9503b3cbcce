//! Parameters whose types the daemon decides: what may be set, and of which type each is, is looked up in what there is.

use pyo3::exceptions::{PyLookupError, PySystemError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use virtus::{Connection, Domain, ErrorDomain, NetworkPort, TypedParam};

use crate::argument::{Argument, Typed, parameter_like};
use crate::functions::Registry;
use crate::site::Site;

/// The parameters of a dictionary, with the types that they have among `known`.
fn like(given: &Bound<'_, PyDict>, known: &[TypedParam]) -> PyResult<Vec<TypedParam>> {
    let mut parameters = Vec::new();
    for (name, value) in given {
        let name = name.cast::<PyString>()?.to_cow()?.into_owned();
        let Some(found) = known.iter().find(|parameter| parameter.field == name) else {
            return Err(PyLookupError::new_err(format!("Attribute name \"{name}\" could not be recognized")));
        };
        parameters.push(TypedParam { value: parameter_like(&value, &found.value)?, field: name });
    }
    Ok(parameters)
}

/// Setters: the object, arguments before the parameters and after them, how to look up, how to set. Those with flags
/// are given those to look up with as well.
macro_rules! setters {
    ($(
        $function:ident($object:ident, [$($before:ident: $before_type:ty),*], params $(, $after:ident: $after_type:ty, $looked_with:ident: $looked_type:ty)?)
            = $look:ident($($looked:expr),*), $set:ident;
    )*) => {
        pub(crate) fn add(registry: &Registry<'_, '_>) -> PyResult<()> {
            registry.class::<Typed>()?;
            $(registry.add(
                Site { function: stringify!($function), errors: ErrorDomain::DOMAIN },
                |mut arguments| {
                    let object = arguments.object::<$object>()?;
                    $(let $before = arguments.take::<$before_type>(stringify!($before))?;)*
                    let given = arguments.any()?;
                    $(
                        let $after = arguments.take::<$after_type>(stringify!($after))?;
                        // what there is, is looked up with flags of its own
                        let $looked_with = arguments.take::<$looked_type>(stringify!($after))?;
                    )?
                    arguments.end()?;
                    let Ok(given) = given.cast::<PyDict>() else {
                        return Err(PySystemError::new_err("bad argument to internal function"));
                    };
                    if given.is_empty() {
                        return Err(PyLookupError::new_err("Need non-empty dictionary to set attributes"));
                    }
                    let object = &object.get().0;
                    $(let $before = <$before_type as Argument>::lend(&$before);)*
                    let known = arguments.run(|| object.$look($($looked),*))?;
                    if known.is_empty() {
                        return Err(PyLookupError::new_err("Domain has no settable attributes"));
                    }
                    let parameters = like(given, &known)?;
                    arguments.answer(|| object.$set($($before,)* &parameters $(, $after)?))
                },
            )?;)*
            Ok(())
        }
    };
}

setters! {
    virDomainSetSchedulerParameters(Domain, [], params) = scheduler_parameters(), set_scheduler_parameters;
    virDomainSetSchedulerParametersFlags(Domain, [], params, flags: u32, looked: u32)
        = scheduler_parameters_flags(looked), set_scheduler_parameters_flags;
    virDomainSetBlkioParameters(Domain, [], params, flags: u32, looked: u32) = blkio_parameters(looked), set_blkio_parameters;
    virDomainSetMemoryParameters(Domain, [], params, flags: u32, looked: u32) = memory_parameters(looked), set_memory_parameters;
    virDomainSetNumaParameters(Domain, [], params, flags: u32, looked: u32) = numa_parameters(looked), set_numa_parameters;
    virDomainSetPerfEvents(Domain, [], params, flags: u32, looked: u32) = perf_events(looked), set_perf_events;
    virDomainSetInterfaceParameters(Domain, [device: &str], params, flags: u32, looked: u32)
        = interface_parameters(device, looked), set_interface_parameters;
    virDomainSetBlockIoTune(Domain, [disk: &str], params, flags: u32, looked: u32) = block_io_tune(Some(disk), looked), set_block_io_tune;
    virNodeSetMemoryParameters(Connection, [], params, flags: u32, looked: u32)
        = node_memory_parameters(looked), node_set_memory_parameters;
    virNetworkPortSetParameters(NetworkPort, [], params, flags: u32, looked: u32) = parameters(looked), set_parameters;
}
