//! Typed parameters (`libvirt-common.h`): C's form of them, and how they are read and handed over.

mod access;

use std::ffi::{CStr, c_int, c_uint};
use std::ptr::NonNull;

use virtus::{Error, ErrorCode, ErrorDomain, Result, TypedParam, TypedValue};

use crate::arg::{InMut, Out};
use crate::call::Call;
use crate::ctype::{CType, Char};
use crate::declare::structs;
use crate::memory;

pub(crate) use access::EXPORTS;
pub use access::*;

/// How long a name may be, with its end.
const FIELD: usize = 80;

/// The value of a typed parameter; its type says which.
#[derive(Clone, Copy)]
#[repr(C)]
#[allow(missing_docs)]
pub union virTypedParameterValue {
    pub i: c_int,
    pub ui: c_uint,
    pub l: i64,
    pub ul: u64,
    pub d: f64,
    pub b: Char,
    pub s: *mut Char,
}

impl std::fmt::Debug for virTypedParameterValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("value")
    }
}

impl CType for virTypedParameterValue {
    fn name() -> String {
        "union { int i; unsigned int ui; long long int l; unsigned long long int ul; double d; char b; char *s; }"
            .to_owned()
    }
}

structs! {
    /// A typed parameter, as C sees it.
    virTypedParameter {
        field: [Char; FIELD],
        r#type: c_int,
        value: virTypedParameterValue,
    }
}

impl virTypedParameter {
    /// C's form; a text is handed over with it.
    ///
    /// # Errors
    /// `NO_MEMORY`.
    pub(crate) fn new(param: &TypedParam) -> Result<Self> {
        let value = match &param.value {
            TypedValue::Int(i) => virTypedParameterValue { i: *i },
            TypedValue::UInt(ui) => virTypedParameterValue { ui: *ui },
            TypedValue::LLong(l) => virTypedParameterValue { l: *l },
            TypedValue::ULLong(ul) => virTypedParameterValue { ul: *ul },
            TypedValue::Double(d) => virTypedParameterValue { d: *d },
            // the byte alone would leave the others as they were
            TypedValue::Boolean(b) => virTypedParameterValue { ul: u64::from(*b).to_le() },
            TypedValue::String(s) => virTypedParameterValue { s: memory::text(s)?.as_ptr() },
        };
        Ok(virTypedParameter { field: memory::chars(&param.field), r#type: param.value.type_number(), value })
    }

    /// Its name, as far as it is UTF-8.
    fn name(&self) -> String {
        let bytes: Vec<u8> = self.field.iter().map(|c| c.0 as u8).take_while(|b| *b != 0).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What it says.
    ///
    /// # Safety
    /// Its value is of its type; a text has its end.
    unsafe fn read(&self, call: &Call) -> Result<TypedParam> {
        let field = self.name();
        if field.len() >= FIELD {
            return Err(wrong(call, format!("string parameter name '{field}' too long")));
        }
        // SAFETY: as the caller promises
        let value = unsafe {
            match self.r#type {
                1 => TypedValue::Int(self.value.i),
                2 => TypedValue::UInt(self.value.ui),
                3 => TypedValue::LLong(self.value.l),
                4 => TypedValue::ULLong(self.value.ul),
                5 => TypedValue::Double(self.value.d),
                6 => TypedValue::Boolean(self.value.b.0 != 0),
                7 if self.value.s.is_null() => {
                    return Err(wrong(call, format!("NULL string parameter '{field}'")));
                }
                7 => TypedValue::String(CStr::from_ptr(self.value.s.cast()).to_string_lossy().into_owned()),
                other => {
                    let text = format!("unknown parameter type: {other}");
                    return Err(call.error(ErrorCode::RPC, text));
                }
            }
        };
        Ok(TypedParam { field, value })
    }

    /// Frees its text.
    ///
    /// # Safety
    /// A text came from `malloc` and is not used any more.
    unsafe fn clear(&mut self) {
        if self.r#type == 7 {
            // SAFETY: as the caller promises
            unsafe {
                memory::free(self.value.s);
                self.value.s = std::ptr::null_mut();
            }
        }
    }
}

fn wrong(call: &Call, text: String) -> Error {
    Error::invalid_arg(ErrorDomain::NONE, call.function, "params", text)
}

/// Reads a caller's parameters.
///
/// # Safety
/// They are so many, unless the pointer is null.
///
/// # Errors
/// `INVALID_ARG` when they are not there or not what they say they are.
pub(crate) unsafe fn read<N: TryInto<usize>>(
    params: &InMut<virTypedParameter>,
    count: N,
    call: &Call,
) -> Result<Vec<TypedParam>> {
    // SAFETY: as the caller promises
    let params = unsafe { params.values(count, call, "params")? };
    // those that nobody has set are passed over
    let set = params.iter().filter(|param| param.r#type != 0);
    // SAFETY: as the caller promises
    set.map(|param| unsafe { param.read(call) }).collect()
}

/// Room for parameters: none is needed by those who only want to know how many there are.
///
/// # Errors
/// `INVALID_ARG`.
pub(crate) fn check_room(call: &Call, room: &InMut<virTypedParameter>, nparams: &Out<c_int>) -> Result<()> {
    match nparams.get() {
        ..=-1 => Err(call.wrong("*nparams", "must be zero or greater")),
        1.. if room.is_null() => Err(call.wrong("params", "must not be NULL")),
        _ => Ok(()),
    }
}

/// Room for some parameters.
///
/// # Errors
/// `INVALID_ARG`.
pub(crate) fn check_some(call: &Call, nparams: &Out<c_int>) -> Result<()> {
    if nparams.get() > 0 { Ok(()) } else { Err(call.wrong("*nparams", "must be greater than zero")) }
}

/// Puts parameters where the caller has room for `*nparams` of them, and says there how many. A caller who has room
/// for none, or null, is only told how many there are.
///
/// # Safety
/// There is room for as many as it says, unless the pointer is null.
///
/// # Errors
/// `NO_MEMORY`.
pub(crate) unsafe fn fill(
    room: &InMut<virTypedParameter>,
    nparams: &Out<c_int>,
    params: &[TypedParam],
) -> Result<()> {
    let count = match usize::try_from(nparams.get()) {
        Ok(places) if places > 0 && !room.is_null() => {
            let count = places.min(params.len());
            for (place, param) in params.iter().take(count).enumerate() {
                let param = virTypedParameter::new(param)?;
                // SAFETY: there is room, as the caller promises
                unsafe { room.as_ptr().add(place).write(param) };
            }
            count
        }
        _ => params.len(),
    };
    nparams.put(c_int::try_from(count).unwrap_or(c_int::MAX));
    Ok(())
}

/// Asks for as many parameters as the caller has room for, and puts them there. One who has room for none is told how
/// many there are.
macro_rules! tuned {
    ($call:ident, $object:ident, $params:ident, $nparams:ident, $request:ident($($before:expr),*; $($after:expr),*)) => {{
        $crate::params::check_room($call, &$params, &$nparams)?;
        let reply = $object.connection().call(virtus::calls::Remote::$request(
            $object.reference().clone(), $($before,)* $nparams.get(), $($after),*
        ))?;
        match $nparams.get() {
            0 => Ok($nparams.put(reply.nparams)),
            // SAFETY: there is room for `*nparams`
            _ => unsafe { $crate::params::fill(&$params, &$nparams, &reply.params) },
        }
    }};
}

pub(crate) use tuned;

/// The parameters as an array that the caller frees.
///
/// # Errors
/// `NO_MEMORY`.
pub(crate) fn array(params: &[TypedParam]) -> Result<NonNull<virTypedParameter>> {
    let params = params.iter().map(virTypedParameter::new).collect::<Result<Vec<_>>>()?;
    memory::copy(&params)
}

/// Hands all parameters over.
///
/// # Errors
/// `NO_MEMORY`.
pub(crate) fn give<N: TryFrom<usize>>(
    place: &Out<*mut virTypedParameter>,
    nparams: &Out<N>,
    params: &[TypedParam],
    call: &Call,
) -> Result<()> {
    let count =
        N::try_from(params.len()).map_err(|_| call.error(ErrorCode::OVERFLOW, "too many parameters"))?;
    place.put(match params.is_empty() {
        true => std::ptr::null_mut(),
        false => array(params)?.as_ptr(),
    });
    nparams.put(count);
    Ok(())
}

/// Frees the texts of so many parameters.
///
/// # Safety
/// They are so many, unless the pointer is null; their texts came from `malloc`.
pub(crate) unsafe fn clear(params: *mut virTypedParameter, count: c_int) {
    if params.is_null() {
        return;
    }
    for place in 0..usize::try_from(count).unwrap_or_default() {
        // SAFETY: as the caller promises
        unsafe { (*params.add(place)).clear() };
    }
}
