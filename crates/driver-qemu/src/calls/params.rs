//! Typed parameters of calls: checked against what the call takes, as libvirt does.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result, TypedParam, TypedValue};

/// The types a parameter can have; the numbers are the wire's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Int = 1,
    UInt = 2,
    LLong = 3,
    ULLong = 4,
    Boolean = 6,
    String = 7,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Int => "int",
            Kind::UInt => "uint",
            Kind::LLong => "llong",
            Kind::ULLong => "ullong",
            Kind::Boolean => "boolean",
            Kind::String => "string",
        }
    }
}

/// Refuses parameters that are not known, are of another type, or come more than once.
pub(super) fn check(params: &[TypedParam], known: &[(&str, Kind)]) -> Result<()> {
    let wrong = |code, text: String| Err(Error::new(ErrorDomain::NONE, code, text));
    let mut sorted: Vec<&TypedParam> = params.iter().collect();
    sorted.sort_by(|a, b| a.field.cmp(&b.field));
    let mut last = None;
    for param in sorted {
        let field = param.field.as_str();
        let Some((_, kind)) = known.iter().find(|(name, _)| *name == field) else {
            return wrong(ErrorCode::ARGUMENT_UNSUPPORTED, format!("parameter '{field}' not supported"));
        };
        if last == Some(field) {
            return wrong(ErrorCode::INVALID_ARG, format!("parameter '{field}' occurs multiple times"));
        }
        if *kind as i32 != param.value.type_number() {
            let (is, wanted) = (param.value.type_name(), kind.name());
            let text = format!("invalid type '{is}' for parameter '{field}', expected '{wanted}'");
            return wrong(ErrorCode::INVALID_ARG, text);
        }
        last = Some(field);
    }
    Ok(())
}

/// A parameter's value, if it is given.
fn value<'a>(params: &'a [TypedParam], field: &str) -> Option<&'a TypedValue> {
    params.iter().find(|param| param.field == field).map(|param| &param.value)
}

macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident: $variant:ident => $type:ty;)*) => {$(
        $(#[$doc])*
        pub(super) fn $name(params: &[TypedParam], field: &str) -> Option<$type> {
            match value(params, field)? {
                TypedValue::$variant(value) => Some(value.clone()),
                _ => None,
            }
        }
    )*};
}
getters! {
    /// A parameter of this type.
    int: Int => i32;
    /// A parameter of this type.
    uint: UInt => u32;
    /// A parameter of this type.
    ullong: ULLong => u64;
    /// A parameter of this type.
    llong: LLong => i64;
    /// A parameter of this type.
    text: String => String;
}

/// Parameters for a caller with room for `room` of them; with none it only wants to know how many there are.
/// `max` is how many there can be on the wire.
///
/// # Errors
/// When there would be room for more than that.
pub(super) fn fit(mut params: Vec<TypedParam>, room: i32, max: i32) -> Result<(Vec<TypedParam>, i32)> {
    if room > max {
        return Err(Error::internal(ErrorDomain::RPC, "nparams too large"));
    }
    let count = i32::try_from(params.len()).unwrap_or(i32::MAX);
    match usize::try_from(room) {
        Ok(0) | Err(_) => Ok((Vec::new(), count)),
        Ok(room) => {
            params.truncate(room);
            let count = i32::try_from(params.len()).unwrap_or(i32::MAX);
            Ok((params, count))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        const KNOWN: &[(&str, Kind)] = &[("a", Kind::ULLong), ("b", Kind::String)];
        let (a, b) = (TypedParam::new("a", 1u64), TypedParam::new("b", "x"));
        assert!(check(&[b.clone(), a.clone()], KNOWN).is_ok());
        let message = |params: &[TypedParam]| check(params, KNOWN).unwrap_err().message().to_owned();
        assert_eq!(
            message(&[TypedParam::new("c", 1u64)]),
            "argument unsupported: parameter 'c' not supported"
        );
        assert_eq!(message(&[a.clone(), a.clone()]), "invalid argument: parameter 'a' occurs multiple times");
        assert_eq!(
            message(&[TypedParam::new("a", 1i32)]),
            "invalid argument: invalid type 'int' for parameter 'a', expected 'ullong'"
        );
        assert_eq!(ullong(std::slice::from_ref(&a), "a"), Some(1));
        assert_eq!(fit(vec![a.clone(), b], 1, 16).unwrap(), (vec![a], 1));
        assert_eq!(fit(Vec::new(), 17, 16).unwrap_err().message(), "internal error: nparams too large");
    }
}
