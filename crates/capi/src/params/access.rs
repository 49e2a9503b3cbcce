//! The functions that look for parameters and add them.

use std::ffi::{CStr, c_int, c_uint};
use std::ptr::null_mut;

use virtus::{ErrorCode, Result, TypedParam, TypedValue};

use super::{FIELD, clear, virTypedParameter, virTypedParameterValue};
use crate::arg::{InMut, Out, Text};
use crate::call::Call;
use crate::ctype::Char;
use crate::declare::exports;
use crate::memory;
use crate::ret::Parent;

type Params = *mut virTypedParameter;

/// A field of the value.
macro_rules! field {
    ($field:ident) => {
        |value: virTypedParameterValue| {
            // SAFETY: asked of values of the field's type only
            unsafe { value.$field }
        }
    };
}

exports! {
    header COMMON, errors NONE;

    "1.0.2" fn virTypedParamsGet[call](params: InMut<virTypedParameter>, nparams: c_int, name: Option<Text>)
        -> Parent<virTypedParameter>
        = Ok(Parent(find(call, &params, nparams, name.as_deref()).map_or(std::ptr::null(), std::ptr::from_ref).cast_mut()));
    "1.0.2" fn virTypedParamsGetInt[call](
        params: InMut<virTypedParameter>, nparams: c_int, name: Option<Text>, value: Option<Out<c_int>>
    ) -> bool = get(call, find(call, &params, nparams, name.as_deref()), 1, value, field!(i));
    "1.0.2" fn virTypedParamsGetUInt[call](
        params: InMut<virTypedParameter>, nparams: c_int, name: Option<Text>, value: Option<Out<c_uint>>
    ) -> bool = get(call, find(call, &params, nparams, name.as_deref()), 2, value, field!(ui));
    "1.0.2" fn virTypedParamsGetLLong[call](
        params: InMut<virTypedParameter>, nparams: c_int, name: Option<Text>, value: Option<Out<i64>>
    ) -> bool = get(call, find(call, &params, nparams, name.as_deref()), 3, value, field!(l));
    "1.0.2" fn virTypedParamsGetULLong[call](
        params: InMut<virTypedParameter>, nparams: c_int, name: Option<Text>, value: Option<Out<u64>>
    ) -> bool = get(call, find(call, &params, nparams, name.as_deref()), 4, value, field!(ul));
    "1.0.2" fn virTypedParamsGetDouble[call](
        params: InMut<virTypedParameter>, nparams: c_int, name: Option<Text>, value: Option<Out<f64>>
    ) -> bool = get(call, find(call, &params, nparams, name.as_deref()), 5, value, field!(d));
    "1.0.2" fn virTypedParamsGetBoolean[call](
        params: InMut<virTypedParameter>, nparams: c_int, name: Option<Text>, value: Option<Out<c_int>>
    ) -> bool = get(call, find(call, &params, nparams, name.as_deref()), 6, value, |value| (field!(b)(value).0 != 0).into());
    "1.0.2" fn virTypedParamsGetString[call](
        params: InMut<virTypedParameter>, nparams: c_int, name: Option<Text>, value: Option<Out<*const Char>>
    ) -> bool = get(call, find(call, &params, nparams, name.as_deref()), 7, value, |value| field!(s)(value).cast_const());
    "1.0.2" fn virTypedParamsAddInt[call](
        params: Out<Params>, nparams: Out<c_int>, maxparams: Out<c_int>, name: Text, value: c_int
    ) -> () = add(call, &(params, nparams, maxparams), &name, value);
    "1.0.2" fn virTypedParamsAddUInt[call](
        params: Out<Params>, nparams: Out<c_int>, maxparams: Out<c_int>, name: Text, value: c_uint
    ) -> () = add(call, &(params, nparams, maxparams), &name, value);
    "1.0.2" fn virTypedParamsAddLLong[call](
        params: Out<Params>, nparams: Out<c_int>, maxparams: Out<c_int>, name: Text, value: i64
    ) -> () = add(call, &(params, nparams, maxparams), &name, value);
    "1.0.2" fn virTypedParamsAddULLong[call](
        params: Out<Params>, nparams: Out<c_int>, maxparams: Out<c_int>, name: Text, value: u64
    ) -> () = add(call, &(params, nparams, maxparams), &name, value);
    "1.0.2" fn virTypedParamsAddDouble[call](
        params: Out<Params>, nparams: Out<c_int>, maxparams: Out<c_int>, name: Text, value: f64
    ) -> () = add(call, &(params, nparams, maxparams), &name, value);
    "1.0.2" fn virTypedParamsAddBoolean[call](
        params: Out<Params>, nparams: Out<c_int>, maxparams: Out<c_int>, name: Text, value: c_int
    ) -> () = add(call, &(params, nparams, maxparams), &name, value != 0);
    "1.0.2" fn virTypedParamsAddString[call](
        params: Out<Params>, nparams: Out<c_int>, maxparams: Out<c_int>, name: Text, value: Option<Text>
    ) -> () = add(call, &(params, nparams, maxparams), &name, value.map_or_else(String::new, |value| value.0));
    "1.2.17" fn virTypedParamsAddStringList[call](
        params: Out<Params>, nparams: Out<c_int>, maxparams: Out<c_int>, name: Text, values: InMut<*const Char>
    ) -> c_int = add_list(call, &(params, nparams, maxparams), &name, &values);
    "1.0.2" fn virTypedParamsAddFromString[call](
        params: Out<Params>, nparams: Out<c_int>, maxparams: Out<c_int>, name: Text, r#type: c_int,
        value: Option<Text>
    ) -> () = add(call, &(params, nparams, maxparams), &name, parse(call, &name, r#type, value.as_deref())?);

    plain {
        "1.0.2" fn virTypedParamsClear(params: *mut virTypedParameter, nparams: c_int)
            // SAFETY: as the caller promises
            = unsafe { clear(params, nparams) };
        "1.0.2" fn virTypedParamsFree(params: *mut virTypedParameter, nparams: c_int)
            // SAFETY: as the caller promises
            = unsafe {
            clear(params, nparams);
            memory::free(params);
        };
    }
}

fn find<'a>(
    call: &Call,
    params: &'a InMut<virTypedParameter>,
    nparams: c_int,
    name: Option<&str>,
) -> Option<&'a virTypedParameter> {
    let name = name?;
    // SAFETY: the caller has so many
    let params = unsafe { params.values(nparams.max(0), call, "params") };
    params.unwrap_or_default().iter().find(|param| param.name() == name)
}

/// Whether it is there; puts its value where the caller wants it.
fn get<T>(
    call: &Call,
    found: Option<&virTypedParameter>,
    kind: c_int,
    place: Option<Out<T>>,
    value: impl FnOnce(virTypedParameterValue) -> T,
) -> Result<bool> {
    let Some(found) = found else { return Ok(false) };
    if found.r#type != kind {
        let text = format!(
            "Invalid type '{}' requested for parameter '{}', actual type is '{}'",
            type_name(kind),
            found.name(),
            type_name(found.r#type)
        );
        return Err(call.error(ErrorCode::INVALID_ARG, text));
    }
    if let Some(place) = place {
        place.put(value(found.value));
    }
    Ok(true)
}

fn type_name(kind: c_int) -> &'static str {
    match kind {
        1 => "int",
        2 => "uint",
        3 => "llong",
        4 => "ullong",
        5 => "double",
        6 => "boolean",
        7 => "string",
        _ => "unknown",
    }
}

/// A caller's array that grows: where it is, how many are in it, and how many have room.
type Growing = (Out<Params>, Out<c_int>, Out<c_int>);

fn add(call: &Call, growing: &Growing, name: &str, value: impl Into<TypedValue>) -> Result<()> {
    let (params, nparams, maxparams) = growing;
    if name.len() >= FIELD {
        return Err(call.error(ErrorCode::INTERNAL_ERROR, format!("Field name '{name}' too long")));
    }
    let param = virTypedParameter::new(&TypedParam { field: name.to_owned(), value: value.into() })?;
    let count = usize::try_from(nparams.get()).unwrap_or_default();
    let room = usize::try_from(maxparams.get()).unwrap_or_default();
    if count >= room || params.get().is_null() {
        let more = (room + (room / 2).max(1)).max(count + 1);
        let max =
            c_int::try_from(more).map_err(|_| call.error(ErrorCode::OVERFLOW, "too many parameters"))?;
        let bytes = more.checked_mul(size_of::<virTypedParameter>());
        // SAFETY: the array is null or came from `malloc`, as the caller promises
        let grown = bytes.map_or(null_mut(), |bytes| unsafe { libc::realloc(params.get().cast(), bytes) });
        if grown.is_null() {
            return Err(call.error(ErrorCode::NO_MEMORY, ""));
        }
        params.put(grown.cast());
        maxparams.put(max);
    }
    // SAFETY: there is room for it now
    unsafe { params.get().add(count).write(param) };
    nparams.put(c_int::try_from(count + 1).unwrap_or(c_int::MAX));
    Ok(())
}

/// Adds each text of a list that ends with null. An empty list is a failure of which libvirt says nothing.
fn add_list(call: &Call, growing: &Growing, name: &str, values: &InMut<*const Char>) -> Result<c_int> {
    if values.is_null() {
        return Ok(0);
    }
    let mut result = -1;
    for place in 0.. {
        // SAFETY: the list ends with null, as the caller promises
        let value = unsafe { *values.as_ptr().add(place) };
        if value.is_null() {
            break;
        }
        // SAFETY: not null, hence a text with its end
        let value = unsafe { CStr::from_ptr(value.cast()) }.to_string_lossy().into_owned();
        add(call, growing, name, value)?;
        result = 0;
    }
    Ok(result)
}

fn parse(call: &Call, name: &str, kind: c_int, value: Option<&str>) -> Result<TypedValue> {
    let Some(value) = value else {
        return Err(call.error(ErrorCode::INVALID_ARG, format!("NULL value for field '{name}'")));
    };
    let text = value.trim_start();
    let parsed = match kind {
        1 => text.parse().ok().map(TypedValue::Int),
        2 => text.parse().ok().map(TypedValue::UInt),
        3 => text.parse().ok().map(TypedValue::LLong),
        4 => text.parse().ok().map(TypedValue::ULLong),
        5 => text.parse().ok().map(TypedValue::Double),
        6 => match value {
            "0" => Some(TypedValue::Boolean(false)),
            "1" => Some(TypedValue::Boolean(true)),
            _ => {
                let text = format!("Invalid boolean value for field '{name}'");
                return Err(call.error(ErrorCode::INVALID_ARG, text));
            }
        },
        7 => Some(TypedValue::String(value.to_owned())),
        other => {
            let text = format!("unexpected type {other} for field {name}");
            return Err(call.error(ErrorCode::INTERNAL_ERROR, text));
        }
    };
    let expected = match kind {
        1 => "int",
        2 => "unsigned int",
        3 => "long long",
        4 => "unsigned long long",
        _ => "double",
    };
    parsed.ok_or_else(|| {
        call.error(ErrorCode::INVALID_ARG, format!("Invalid value for field '{name}': expected {expected}"))
    })
}
