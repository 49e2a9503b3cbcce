//! What the commands that tell or set parameters have in common.

use virtus::{TypedParam, TypedValue};

use crate::grammar::{Arguments, Number, Wrapping};
use crate::shell::{Failure, Outcome, Shell, out};
use crate::show;

/// Prints parameters, a line each.
pub(super) fn print(shell: &mut Shell, params: &[TypedParam]) {
    for param in params {
        out!(shell, "{:<15}: {}\n", param.field, show::param(&param.value));
    }
}

/// An option and the parameter it sets.
pub(super) type Field = (&'static str, &'static str);

/// The numbers among the options that were given, as parameters.
///
/// # Errors
/// One is no number.
pub(super) fn numbers<N: Number + Into<TypedValue>>(
    arguments: &Arguments,
    fields: &[Field],
) -> Outcome<Vec<TypedParam>> {
    let mut params = Vec::new();
    for (option, field) in fields {
        if let Some(value) = arguments.number::<N>(option)? {
            params.push(TypedParam::new(*field, value));
        }
    }
    Ok(params)
}

/// The sizes among the options that were given, in bytes, as parameters.
///
/// # Errors
/// One is no size.
pub(super) fn sizes(arguments: &Arguments, fields: &[Field]) -> Outcome<Vec<TypedParam>> {
    let mut params = Vec::new();
    for (option, field) in fields {
        if let Some(value) = arguments.size(option, 1, u64::MAX)? {
            params.push(TypedParam::new(*field, value));
        }
    }
    Ok(params)
}

/// The texts among the options that were given, as parameters.
///
/// # Errors
/// One is empty.
pub(super) fn texts(arguments: &Arguments, fields: &[Field]) -> Outcome<Vec<TypedParam>> {
    let mut params = Vec::new();
    for (option, field) in fields {
        if let Some(value) = arguments.text(option)? {
            params.push(TypedParam::new(*field, value));
        }
    }
    Ok(params)
}

/// A value of the same type as another one.
///
/// # Errors
/// The text is no such value.
pub(super) fn like(old: &TypedParam, text: &str) -> Outcome<TypedParam> {
    let wrong = |kind: &str| {
        let text = format!("Invalid value for field '{}': expected {kind}", old.field);
        Failure::from(virtus::Error::new(virtus::ErrorDomain::NONE, virtus::ErrorCode::INVALID_ARG, text))
    };
    let value = match &old.value {
        TypedValue::Int(_) => TypedValue::Int(i32::read(text).ok_or_else(|| wrong("int"))?),
        TypedValue::UInt(_) => TypedValue::UInt(Wrapping::read(text).ok_or_else(|| wrong("unsigned int"))?.0),
        TypedValue::LLong(_) => TypedValue::LLong(i64::read(text).ok_or_else(|| wrong("long long"))?),
        TypedValue::ULLong(_) => {
            TypedValue::ULLong(Wrapping::read(text).ok_or_else(|| wrong("unsigned long long"))?.0)
        }
        TypedValue::Double(_) => TypedValue::Double(text.parse().map_err(|_| wrong("double"))?),
        TypedValue::Boolean(_) => match text {
            "true" | "yes" | "1" => TypedValue::Boolean(true),
            "false" | "no" | "0" => TypedValue::Boolean(false),
            _ => {
                let text = format!("Invalid boolean value for field '{}'", old.field);
                let code = virtus::ErrorCode::INVALID_ARG;
                return Err(virtus::Error::new(virtus::ErrorDomain::NONE, code, text).into());
            }
        },
        TypedValue::String(_) => TypedValue::String(text.to_owned()),
    };
    Ok(TypedParam { field: old.field.clone(), value })
}
