//! The body of an answer that is an error (`remote_error`).

use virtus_base::error::Fields;
use virtus_base::{Error, ErrorCode, ErrorDomain, ErrorLevel, Uuid};
use virtus_xdr::{Decode, Encode, Reader};

type Domain = (String, Uuid, i32);
type Network = (String, Uuid);

/// Appends an error. The objects it could name are never sent: libvirt's own daemon does not either.
pub fn encode_error(error: &Error, out: &mut Vec<u8>) {
    let f = error.fields();
    (f.code.0, f.domain.0).encode(out);
    Some(f.message.clone()).encode(out);
    (f.level as i32).encode(out);
    None::<Domain>.encode(out);
    f.str1.encode(out);
    f.str2.encode(out);
    f.str3.encode(out);
    (f.int1, f.int2).encode(out);
    None::<Network>.encode(out);
}

/// Reads an error.
///
/// # Errors
/// When the bytes are none.
pub fn decode_error(bytes: &[u8]) -> Result<Error, virtus_xdr::Error> {
    let mut from = Reader::new(bytes);
    let (code, domain): (i32, i32) = Decode::decode(&mut from)?;
    let message = Option::<String>::decode(&mut from)?;
    let level = i32::decode(&mut from)?;
    Option::<Domain>::decode(&mut from)?;
    let str1 = Decode::decode(&mut from)?;
    let str2 = Decode::decode(&mut from)?;
    let str3 = Decode::decode(&mut from)?;
    let (int1, int2) = Decode::decode(&mut from)?;
    Option::<Network>::decode(&mut from)?;
    Ok(Error::from_fields(Fields {
        code: ErrorCode(code),
        domain: ErrorDomain(domain),
        message: message.unwrap_or_default(),
        level: match level {
            0 => ErrorLevel::None,
            1 => ErrorLevel::Warning,
            _ => ErrorLevel::Error,
        },
        str1,
        str2,
        str3,
        int1,
        int2,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_comes_back_as_it_went() {
        let error = Error::new(ErrorDomain::QEMU, ErrorCode::NO_DOMAIN, "no domain with matching name 'x'")
            .with_int1(7);
        let mut bytes = Vec::new();
        encode_error(&error, &mut bytes);
        assert_eq!(decode_error(&bytes), Ok(error));
    }
}
