//! Errors as Python programs know them: raised, kept as the thread's last one, and told to a handler.

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;
use pyo3::{IntoPyObjectExt, wrap_pyfunction};
use virtus::{Error, ErrorLevel};

thread_local! {
    static LAST: RefCell<Option<Error>> = const { RefCell::new(None) };
}

/// The class of the exceptions, which is written in Python.
static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
/// Who is told of errors, and what is to be said to them first.
static HANDLER: Mutex<Option<(Py<PyAny>, Py<PyAny>)>> = Mutex::new(None);

/// A call begins: no error yet.
pub(crate) fn reset() {
    LAST.with(|last| last.replace(None));
}

/// The exception that says that `function` has failed with `error`, after it was told.
pub(crate) fn raise(py: Python<'_>, function: &str, error: Error) -> PyErr {
    tell(py, &error);
    LAST.with(|last| last.replace(Some(error)));
    failed(py, function)
}

/// The exception for the last error, or when there is none, that `function` has failed.
pub(crate) fn failed(py: Python<'_>, function: &str) -> PyErr {
    let text = format!("{function}() failed");
    let Some(class) = CLASS.get(py) else { return PyRuntimeError::new_err(text) };
    match class.bind(py).call1((text,)) {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

fn tell(py: Python<'_>, error: &Error) {
    let handler = {
        let handler = HANDLER.lock().unwrap_or_else(PoisonError::into_inner);
        handler.as_ref().map(|(function, context)| (function.clone_ref(py), context.clone_ref(py)))
    };
    let fields = error.fields();
    let Some((function, context)) = handler else {
        let level = match fields.level {
            ErrorLevel::None => "",
            ErrorLevel::Warning => "warning",
            ErrorLevel::Error => "error",
        };
        eprintln!("libvirt: {} {level} : {}", fields.domain.label(), fields.message);
        return;
    };
    let told = tuple(py, error).and_then(|tuple| function.call1(py, (context, tuple)));
    if let Err(error) = told {
        error.print(py);
    }
}

fn tuple(py: Python<'_>, error: &Error) -> PyResult<Py<PyAny>> {
    let fields = error.fields();
    let values = [
        fields.code.0.into_py_any(py)?,
        fields.domain.0.into_py_any(py)?,
        fields.message.as_str().into_py_any(py)?,
        (fields.level as i32).into_py_any(py)?,
        fields.str1.as_deref().into_py_any(py)?,
        fields.str2.as_deref().into_py_any(py)?,
        fields.str3.as_deref().into_py_any(py)?,
        fields.int1.into_py_any(py)?,
        fields.int2.into_py_any(py)?,
    ];
    PyTuple::new(py, values)?.into_py_any(py)
}

fn last<T>(read: impl FnOnce(Option<&Error>) -> T) -> T {
    LAST.with(|last| read(last.borrow().as_ref()))
}

#[pyfunction]
#[pyo3(name = "virGetLastError")]
fn get_last(py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
    let error = last(|error| error.cloned());
    error.map(|error| tuple(py, &error)).transpose()
}

#[pyfunction]
#[pyo3(name = "virGetLastErrorCode")]
fn get_last_code() -> i32 {
    last(|error| error.map_or(0, |error| error.code().0))
}

#[pyfunction]
#[pyo3(name = "virGetLastErrorDomain")]
fn get_last_domain() -> i32 {
    last(|error| error.map_or(0, |error| error.domain().0))
}

#[pyfunction]
#[pyo3(name = "virGetLastErrorMessage")]
fn get_last_message() -> String {
    last(|error| error.map_or_else(|| "no error".to_owned(), |error| error.message().to_owned()))
}

#[pyfunction]
#[pyo3(name = "virResetLastError")]
fn reset_last() {
    reset();
}

/// Has `function` told of errors instead of the standard error output; `None` goes back to that.
#[pyfunction]
#[pyo3(name = "virRegisterErrorHandler")]
fn register(function: Py<PyAny>, context: Py<PyAny>, py: Python<'_>) -> i32 {
    let handler = (!function.is_none(py)).then_some((function, context));
    let before = {
        let mut place = HANDLER.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *place, handler)
    };
    // what was there may run code of its own when it goes, and does so without the lock
    drop(before);
    1
}

/// Says which class exceptions are of.
#[pyfunction]
fn set_error_class(class: Py<PyAny>, py: Python<'_>) {
    let _ = CLASS.set(py, class);
}

pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(get_last, module)?)?;
    module.add_function(wrap_pyfunction!(get_last_code, module)?)?;
    module.add_function(wrap_pyfunction!(get_last_domain, module)?)?;
    module.add_function(wrap_pyfunction!(get_last_message, module)?)?;
    module.add_function(wrap_pyfunction!(reset_last, module)?)?;
    module.add_function(wrap_pyfunction!(register, module)?)?;
    module.add_function(wrap_pyfunction!(set_error_class, module)?)
}
