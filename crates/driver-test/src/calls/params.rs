//! Typed parameters: what calls take, and what they tell.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result, TypedParam, TypedValue};

fn bad(text: String) -> Error {
    Error::new(ErrorDomain::NONE, ErrorCode::INVALID_ARG, text)
}

/// Refuses parameters that are not among `known`, are not of the type that stands there, or come twice.
pub(super) fn validate(params: &[TypedParam], known: &[(&str, &str)]) -> Result<()> {
    let mut sorted: Vec<&TypedParam> = params.iter().collect();
    sorted.sort_by(|a, b| a.field.cmp(&b.field));
    let mut last: Option<&str> = None;
    for param in sorted {
        let name = param.field.as_str();
        if last == Some(name) {
            return Err(bad(format!("parameter '{name}' occurs multiple times")));
        }
        last = Some(name);
        let Some((_, expected)) = known.iter().find(|(other, _)| *other == name) else {
            return Err(Error::new(
                ErrorDomain::NONE,
                ErrorCode::ARGUMENT_UNSUPPORTED,
                format!("parameter '{name}' not supported"),
            ));
        };
        let found = param.value.type_name();
        if found != *expected {
            return Err(bad(format!("invalid type '{found}' for parameter '{name}', expected '{expected}'")));
        }
    }
    Ok(())
}

/// The value of a parameter, if it is given.
pub(super) fn get<'a>(params: &'a [TypedParam], name: &str) -> Option<&'a TypedValue> {
    params.iter().find(|param| param.field == name).map(|param| &param.value)
}

/// The same for one that is not negative.
pub(super) fn number(params: &[TypedParam], name: &str) -> Option<u64> {
    match get(params, name)? {
        TypedValue::UInt(value) => Some(u64::from(*value)),
        TypedValue::ULLong(value) => Some(*value),
        _ => None,
    }
}

/// The same for a text.
pub(super) fn text<'a>(params: &'a [TypedParam], name: &str) -> Option<&'a str> {
    match get(params, name)? {
        TypedValue::String(value) => Some(value),
        _ => None,
    }
}

/// As many parameters as the caller has room for, with how many there are: a caller without room asks for that alone.
pub(super) fn fit(mut params: Vec<TypedParam>, room: i32) -> (Vec<TypedParam>, i32) {
    let all = i32::try_from(params.len()).unwrap_or(i32::MAX);
    match usize::try_from(room) {
        Ok(0) | Err(_) => (Vec::new(), all),
        Ok(room) => {
            params.truncate(room);
            let told = i32::try_from(params.len()).unwrap_or(all);
            (params, told)
        }
    }
}
