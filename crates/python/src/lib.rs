//! What the Python module `libvirt` stands on: the client crate's calls as functions under their C names.
//!
//! Which calls there are, what they are given and what they return follows from the client crate's lists of methods
//! ([`functions`]); what of that Python programs see, and in which shape, is said in the Python sources beside this
//! crate. No call is waited for while the interpreter's lock is held.

#[macro_use]
mod functions;
mod answer;
mod argument;
mod calls;
mod connect;
mod descriptor;
mod error;
mod events;
mod facts;
mod handle;
mod learned;
mod lxc;
mod site;
mod stream;

use pyo3::prelude::*;

use functions::Registry;

/// The functions, and the types of what stands for objects.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    handle::add(module)?;
    error::add(module)?;
    facts::add(module)?;
    stream::add(module)?;
    let registry = Registry::new(module);
    calls::add(&registry)?;
    connect::add(&registry)?;
    events::add(&registry)?;
    learned::add(&registry)?;
    lxc::add(&registry)?;
    stream::functions(&registry)
}
