//! The wire form of the ground's own types.

use virtus_base::{TypedParam, TypedValue, Uuid};

use crate::{Decode, Encode, Error, Reader};

impl Encode for Uuid {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}
impl Decode for Uuid {
    const MIN_SIZE: usize = 16;
    fn decode(from: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(Uuid(from.take(16)?.try_into().map_err(|_| Error::Short)?))
    }
}

impl Encode for TypedValue {
    fn encode(&self, out: &mut Vec<u8>) {
        self.type_number().encode(out);
        match self {
            TypedValue::Int(v) => v.encode(out),
            TypedValue::UInt(v) => v.encode(out),
            TypedValue::LLong(v) => v.encode(out),
            TypedValue::ULLong(v) => v.encode(out),
            TypedValue::Double(v) => v.encode(out),
            TypedValue::Boolean(v) => i32::from(*v).encode(out),
            TypedValue::String(v) => v.encode(out),
        }
    }
    fn check(&self) -> Result<(), Error> {
        match self {
            TypedValue::String(v) => v.check(),
            _ => Ok(()),
        }
    }
}
impl Decode for TypedValue {
    const MIN_SIZE: usize = 8;
    fn decode(from: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(match i32::decode(from)? {
            1 => TypedValue::Int(i32::decode(from)?),
            2 => TypedValue::UInt(u32::decode(from)?),
            3 => TypedValue::LLong(i64::decode(from)?),
            4 => TypedValue::ULLong(u64::decode(from)?),
            5 => TypedValue::Double(f64::decode(from)?),
            6 => TypedValue::Boolean(i32::decode(from)? != 0),
            7 => TypedValue::String(String::decode(from)?),
            _ => return Err(Error::Invalid("type of a typed parameter")),
        })
    }
}

impl Encode for TypedParam {
    fn encode(&self, out: &mut Vec<u8>) {
        self.field.encode(out);
        self.value.encode(out);
    }
    fn check(&self) -> Result<(), Error> {
        self.field.check()?;
        self.value.check()
    }
}
impl Decode for TypedParam {
    const MIN_SIZE: usize = String::MIN_SIZE + TypedValue::MIN_SIZE;
    fn decode(from: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(TypedParam { field: String::decode(from)?, value: TypedValue::decode(from)? })
    }
}
