//! Values of several types.

use virtus::TypedValue;

/// A typed parameter's value.
pub(crate) fn param(value: &TypedValue) -> String {
    match value {
        TypedValue::Int(value) => value.to_string(),
        TypedValue::UInt(value) => value.to_string(),
        TypedValue::LLong(value) => value.to_string(),
        TypedValue::ULLong(value) => value.to_string(),
        TypedValue::Double(value) => format!("{value:.6}"),
        TypedValue::Boolean(value) => (if *value { "yes" } else { "no" }).to_owned(),
        TypedValue::String(value) => value.clone(),
    }
}
