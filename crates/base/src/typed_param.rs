//! Named values of several types (`virTypedParameter`): statistics, tunables, migration parameters.

/// A value with a name of at most 79 bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct TypedParam {
    /// The parameter's name, e.g. `state.state`.
    pub field: String,
    /// Its value.
    pub value: TypedValue,
}

/// The types a [`TypedParam`] can have; the discriminants are libvirt's (`virTypedParameterType`).
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum TypedValue {
    Int(i32),
    UInt(u32),
    LLong(i64),
    ULLong(u64),
    Double(f64),
    Boolean(bool),
    String(String),
}

impl TypedValue {
    /// The type's number on the wire.
    pub fn type_number(&self) -> i32 {
        match self {
            TypedValue::Int(_) => 1,
            TypedValue::UInt(_) => 2,
            TypedValue::LLong(_) => 3,
            TypedValue::ULLong(_) => 4,
            TypedValue::Double(_) => 5,
            TypedValue::Boolean(_) => 6,
            TypedValue::String(_) => 7,
        }
    }

    /// The type's name in libvirt's error texts.
    pub fn type_name(&self) -> &'static str {
        match self {
            TypedValue::Int(_) => "int",
            TypedValue::UInt(_) => "uint",
            TypedValue::LLong(_) => "llong",
            TypedValue::ULLong(_) => "ullong",
            TypedValue::Double(_) => "double",
            TypedValue::Boolean(_) => "boolean",
            TypedValue::String(_) => "string",
        }
    }
}

macro_rules! from {
    ($($type:ty => $variant:ident),*) => {$(
        impl From<$type> for TypedValue {
            fn from(value: $type) -> Self { TypedValue::$variant(value) }
        }
    )*};
}
from!(i32 => Int, u32 => UInt, i64 => LLong, u64 => ULLong, f64 => Double, bool => Boolean, String => String);

impl From<&str> for TypedValue {
    fn from(value: &str) -> Self {
        TypedValue::String(value.to_owned())
    }
}

impl TypedParam {
    /// A parameter of this name and value.
    pub fn new(field: impl Into<String>, value: impl Into<TypedValue>) -> Self {
        TypedParam { field: field.into(), value: value.into() }
    }
}
