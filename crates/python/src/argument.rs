//! What Python gives, as the client crate's methods take it. Errors are those of Python's own way of reading arguments
//! of C functions, which programs know.

use std::os::fd::OwnedFd;

use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};
use virtus::{Domain, Error, ErrorDomain, StorageVolume, TypedParam, TypedValue, Uuid};

use crate::descriptor::copy;
use crate::error;
use crate::handle;
use crate::site::Place;

/// A type of argument: what is kept of it while a call is made, and how the method is lent that.
pub(crate) trait Argument {
    type Kept: 'static;
    type Lent<'a>;
    type Given<'a>;

    fn keep(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<Self::Kept>;
    fn lend(kept: &Self::Kept) -> Self::Lent<'_>;
    fn give<'a>(lent: &'a Self::Lent<'a>) -> Self::Given<'a>;
}

/// Types of which `keep` says all.
macro_rules! kept {
    ($($type:ty: $kept:ty, $lent:ty, |$value:ident, $place:ident| $keep:expr, |$it:ident| $lend:expr;)*) => {$(
        impl Argument for $type {
            type Kept = $kept;
            type Lent<'a> = $lent;
            type Given<'a> = $lent;

            fn keep($value: &Bound<'_, PyAny>, $place: &Place<'_>) -> PyResult<$kept> {
                $keep
            }

            fn lend($it: &Self::Kept) -> Self::Lent<'_> {
                $lend
            }

            fn give<'a>(lent: &'a Self::Lent<'a>) -> Self::Given<'a> {
                *lent
            }
        }
    )*};
}

kept! {
    u32: u32, u32, |value, _place| wrapped(value).map(|bits| bits as u32), |it| *it;
    i32: i32, i32, |value, _place| signed(value), |it| *it;
    bool: bool, bool, |value, _place| signed(value).map(|number| number != 0), |it| *it;
    i64: i64, i64, |value, _place| long(value), |it| *it;
    // a negative number becomes a very large one, which whoever is asked refuses
    u64: u64, u64, |value, _place| long(value).map(i64::cast_unsigned), |it| *it;
    &str: String, &'a str, |value, place| needed(value, place), |it| it;
    Option<&str>: Option<String>, Option<&'a str>, |value, place| text(value, place), |it| it.as_deref();
    &[u8]: Vec<u8>, &'a [u8], |value, place| bytes(value, place), |it| it;
    Uuid: Uuid, Uuid, |value, place| uuid(value, place), |it| *it;
    &[u32]: Vec<u32>, &'a [u32], |value, _place| list(value)?.iter().map(|one| one.extract()).collect(), |it| it;
    &[u64]: Vec<u64>, &'a [u64], |value, _place| list(value)?.iter().map(|one| one.extract()).collect(), |it| it;
    &[TypedParam]: Vec<TypedParam>, &'a [TypedParam], |value, _place| parameters(value), |it| it;
    &StorageVolume: StorageVolume, &'a StorageVolume,
        |value, place| Ok(handle::of::<StorageVolume>(value, place.site)?.get().0.clone()), |it| it;
    &[Domain]: Vec<Domain>, &'a [Domain], |value, place| list(value)?.iter()
        .map(|one| Ok(handle::of::<Domain>(&one, place.site)?.get().0.clone())).collect(), |it| it;
}

impl Argument for &[&str] {
    type Kept = Vec<String>;
    type Lent<'a> = Vec<&'a str>;
    type Given<'a> = &'a [&'a str];

    fn keep(value: &Bound<'_, PyAny>, _: &Place<'_>) -> PyResult<Vec<String>> {
        if value.is_none() {
            return Ok(Vec::new());
        }
        list(value)?.iter().map(|one| Ok(one.cast::<PyString>()?.to_cow()?.into_owned())).collect()
    }

    fn lend(kept: &Vec<String>) -> Vec<&str> {
        kept.iter().map(String::as_str).collect()
    }

    fn give<'a>(lent: &'a Vec<&'a str>) -> &'a [&'a str] {
        lent
    }
}

/// Descriptors, of which a call gets copies of its own.
pub(crate) enum Files {}

impl Argument for Files {
    type Kept = Vec<OwnedFd>;
    type Lent<'a> = ();
    type Given<'a> = ();

    fn keep(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<Vec<OwnedFd>> {
        let copied = |number| {
            copy(number).map_err(|e| {
                error::reset();
                let error = Error::system(ErrorDomain::RPC, format!("Cannot duplicate FD {number}"), &e);
                error::raise(value.py(), place.site.function, error)
            })
        };
        list(value)?.iter().map(|one| copied(signed(&one)?)).collect()
    }

    fn lend(_: &Vec<OwnedFd>) {}

    fn give((): &()) {}
}

/// An integer, or Python's error about what is none.
fn integer<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let name = value.get_type().name()?;
    match value.call_method0("__index__") {
        Ok(index) => Ok(index),
        Err(_) => Err(PyTypeError::new_err(format!("'{name}' object cannot be interpreted as an integer"))),
    }
}

/// The lowest bits of an integer of any size: C's unsigned ints are read so.
fn wrapped(value: &Bound<'_, PyAny>) -> PyResult<u64> {
    if let Ok(number) = value.extract::<u64>()
        && !value.is_instance_of::<pyo3::types::PyFloat>()
    {
        return Ok(number);
    }
    integer(value)?.call_method1("__and__", (u64::MAX,))?.extract()
}

fn signed(value: &Bound<'_, PyAny>) -> PyResult<i32> {
    let number = long(value)?;
    i32::try_from(number).map_err(|_| {
        let text = if number > 0 {
            "signed integer is greater than maximum"
        } else {
            "signed integer is less than minimum"
        };
        PyOverflowError::new_err(text)
    })
}

fn long(value: &Bound<'_, PyAny>) -> PyResult<i64> {
    integer(value)?
        .extract()
        .map_err(|_| PyOverflowError::new_err("Python int too large to convert to C long"))
}

/// Text, or `None`.
pub(crate) fn text(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<Option<String>> {
    if value.is_none() {
        return Ok(None);
    }
    let Ok(text) = value.cast::<PyString>() else {
        let (function, number, found) = (place.site.function, place.number, value.get_type().name()?);
        let text = format!("{function}() argument {number} must be str or None, not {found}");
        return Err(PyTypeError::new_err(text));
    };
    let text = text.to_cow()?;
    match text.contains('\0') {
        true => Err(PyValueError::new_err("embedded null character")),
        false => Ok(Some(text.into_owned())),
    }
}

/// Text that has to be there.
fn needed(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<String> {
    text(value, place)?.ok_or_else(|| missing(value.py(), place))
}

/// libvirt's error about an argument that is not there.
fn missing(py: Python<'_>, place: &Place<'_>) -> PyErr {
    let (function, argument) = (place.site.function, in_c(place.name));
    let text = format!("{argument} in {function} must not be NULL");
    error::reset();
    error::raise(py, function, Error::invalid_arg(place.site.errors, function, &argument, text))
}

/// An argument's name in C: `xml_desc` is `xmlDesc`.
fn in_c(name: &str) -> String {
    let mut parts = name.split('_');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

fn bytes(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<Vec<u8>> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(text.to_cow()?.as_bytes().to_vec());
    }
    if value.is_none() {
        return Err(missing(value.py(), place));
    }
    if value.is_instance_of::<pyo3::types::PyByteArray>()
        || value.is_instance_of::<pyo3::types::PyMemoryView>()
    {
        return value
            .call_method0("__bytes__")
            .or_else(|_| value.py().get_type::<PyBytes>().call1((value,)))?
            .extract();
    }
    let found = value.get_type().name()?;
    Err(PyTypeError::new_err(format!("a bytes-like object is required, not '{found}'")))
}

fn uuid(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<Uuid> {
    let given = if value.is_none() { Vec::new() } else { bytes(value, place)? };
    match <[u8; 16]>::try_from(given) {
        Ok(uuid) => Ok(Uuid(uuid)),
        // nothing was called, and so the last error stays
        Err(_) => Err(error::failed(value.py(), place.site.function)),
    }
}

/// The elements of a list or tuple.
fn list<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
    if let Ok(list) = value.cast::<PyList>() {
        return Ok(list.to_tuple());
    }
    match value.cast::<PyTuple>() {
        Ok(tuple) => Ok(tuple.clone()),
        Err(_) => Err(PyTypeError::new_err(format!("list is required, not '{}'", value.get_type().name()?))),
    }
}

/// Named values: whole numbers are as large as can be, and a list is a name with several values.
pub(crate) fn parameters(value: &Bound<'_, PyAny>) -> PyResult<Vec<TypedParam>> {
    if value.is_none() {
        return Ok(Vec::new());
    }
    let Ok(given) = value.cast::<PyDict>() else {
        return Err(PyTypeError::new_err(format!("dict is required, not '{}'", value.get_type().name()?)));
    };
    let mut parameters = Vec::new();
    for (name, value) in given {
        let name = name.cast::<PyString>()?.to_cow()?.into_owned();
        if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
            for one in list(&value)? {
                parameters.push(TypedParam { value: parameter(&name, &one)?, field: name.clone() });
            }
        } else {
            parameters.push(TypedParam { value: parameter(&name, &value)?, field: name });
        }
    }
    Ok(parameters)
}

/// A value with its type, for parameters that are of a certain one.
#[pyclass(frozen, name = "Typed", module = "libvirt._native")]
#[derive(Debug)]
pub(crate) struct Typed(TypedValue);

#[pymethods]
impl Typed {
    /// `kind` is one of `int`, `uint`, `llong`, `ullong`, `double`, `boolean` and `string`.
    #[new]
    fn new(kind: &str, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        let like = match kind {
            "int" => TypedValue::Int(0),
            "uint" => TypedValue::UInt(0),
            "llong" => TypedValue::LLong(0),
            "ullong" => TypedValue::ULLong(0),
            "double" => TypedValue::Double(0.0),
            "boolean" => TypedValue::Boolean(false),
            _ => TypedValue::String(String::new()),
        };
        parameter_like(value, &like).map(Typed)
    }
}

/// The value that says its type itself, if it is one.
fn typed(value: &Bound<'_, PyAny>) -> PyResult<Option<TypedValue>> {
    Ok(value.cast::<Typed>().ok().map(|typed| typed.get().0.clone()))
}

fn parameter(name: &str, value: &Bound<'_, PyAny>) -> PyResult<TypedValue> {
    use pyo3::types::{PyBool, PyFloat, PyInt};
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(TypedValue::String(text.to_cow()?.into_owned()));
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(TypedValue::Boolean(flag.is_true()));
    }
    if value.is_instance_of::<PyInt>() {
        return match value.extract::<u64>() {
            Ok(number) => Ok(TypedValue::ULLong(number)),
            Err(_) => long(value).map(TypedValue::LLong),
        };
    }
    if let Ok(number) = value.cast::<PyFloat>() {
        return Ok(TypedValue::Double(number.value()));
    }
    // a value that says its type itself
    if let Some(typed) = typed(value)? {
        return Ok(typed);
    }
    Err(PyTypeError::new_err(format!("Unknown type of \"{name}\" field")))
}

/// A value of the type that the parameter has.
pub(crate) fn parameter_like(value: &Bound<'_, PyAny>, like: &TypedValue) -> PyResult<TypedValue> {
    let number = matches!(
        like,
        TypedValue::Int(_) | TypedValue::UInt(_) | TypedValue::LLong(_) | TypedValue::ULLong(_)
    );
    if number && !value.is_instance_of::<pyo3::types::PyInt>() {
        integer(value)?;
    }
    Ok(match like {
        TypedValue::Int(_) => TypedValue::Int(signed(value)?),
        TypedValue::UInt(_) => TypedValue::UInt(value.extract()?),
        TypedValue::LLong(_) => TypedValue::LLong(long(value)?),
        TypedValue::ULLong(_) => TypedValue::ULLong(value.extract()?),
        TypedValue::Double(_) => TypedValue::Double(value.extract()?),
        TypedValue::Boolean(_) => TypedValue::Boolean(value.is_truthy()?),
        TypedValue::String(_) => match value.cast::<PyString>() {
            Ok(text) => TypedValue::String(text.to_cow()?.into_owned()),
            Err(_) => TypedValue::String(value.str()?.to_cow()?.into_owned()),
        },
    })
}
