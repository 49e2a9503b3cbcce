//! What is known without a daemon: constants, and what each function is for.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::wrap_pyfunction;
use virtus::constants::{HEADERS, LIBVIR_VERSION_NUMBER};
use virtus::manual;

/// Headers whose constants belong to modules of their own.
const APART: &[&str] = &["libvirt-qemu", "libvirt-lxc", "libvirt-admin"];

/// Names that end like those of sentinels and are none.
const NO_SENTINELS: &[&str] = &["VIR_DOMAIN_MEMORY_STAT_LAST", "VIR_NETWORK_UPDATE_COMMAND_ADD_LAST"];

/// The constants of the module `libvirt`, or those of one of the headers that have a module of their own: numbers of
/// enumerations without their sentinels, and texts. What else C has is for declaring arrays.
#[pyfunction(name = "constants")]
#[pyo3(signature = (header=None))]
fn constants_of<'py>(py: Python<'py>, header: Option<&str>) -> PyResult<Bound<'py, PyDict>> {
    let all = PyDict::new(py);
    let wanted = |name: &str| match header {
        Some(header) => name == header,
        None => !APART.contains(&name),
    };
    for header in HEADERS.iter().filter(|header| wanted(header.name)) {
        for (name, number) in header.enums.iter().flat_map(|e| e.values) {
            if !name.ends_with("_LAST") || NO_SENTINELS.contains(name) {
                all.set_item(name, number)?;
            }
        }
        for (name, text) in header.texts.iter().copied().flatten() {
            all.set_item(name, text)?;
        }
    }
    Ok(all)
}

/// What each function of the C API is for.
#[pyfunction(name = "manual")]
fn manual_of(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let all = PyDict::new(py);
    for entry in manual::entries() {
        all.set_item(entry.function, entry.text)?;
    }
    Ok(all)
}

pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("VERSION", LIBVIR_VERSION_NUMBER)?;
    module.add_function(wrap_pyfunction!(constants_of, module)?)?;
    module.add_function(wrap_pyfunction!(manual_of, module)?)
}
