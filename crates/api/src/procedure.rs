//! The procedure table: what is known of a procedure, and the permissions it asks for.

use std::pin::Pin;
use std::sync::Arc;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

use crate::{Call, Drivers};

/// A future that can be kept and polled anywhere.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;

/// The program a packet is for; others exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Program(pub u32);

impl Program {
    /// The API proper.
    pub const REMOTE: Program = Program(0x2000_8086);
    /// What only QEMU has.
    pub const QEMU: Program = Program(0x2000_8087);
    /// What only LXC has.
    pub const LXC: Program = Program(0x0006_8000);
    /// The daemon's own administration.
    pub const ADMIN: Program = Program(0x0690_0690);
    /// Signs of life.
    pub const KEEPALIVE: Program = Program(0x6b65_6570);
    /// The one version each of them has.
    pub const VERSION: u32 = 1;
}

/// Whether a call may pass a client's limit of concurrent calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// It never waits for a guest or a disk.
    High,
    /// It may wait.
    Low,
}

/// A right over a kind of object, e.g. `domain.start`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The kind of object.
    pub object: &'static str,
    /// What may be done with it.
    pub name: &'static str,
}

impl Permission {
    /// Whether it only lets one look at what is no secret: all a read-only connection has.
    pub fn is_read(&self) -> bool {
        matches!(self.name, "none" | "getattr" | "read") || self.name.starts_with("search_")
    }
}

/// A permission a procedure asks for.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// The permission.
    pub permission: Permission,
    /// The condition on the arguments under which it is asked for, as it stands in the declaration.
    pub condition: Option<&'static str>,
}

/// What else a declaration says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The call opens a stream.
    Stream,
    /// A read-only caller may make it whatever its permissions say.
    ReadOnlyMay,
    /// A read-only caller may not make it whatever its permissions say.
    ReadOnlyMayNot,
}

/// Runs one call: decodes, checks permissions, asks the driver, encodes the reply.
pub type Handler = fn(&'static Procedure, &Drivers, Arc<Call>, &[u8]) -> BoxFuture<Result<Vec<u8>>>;

/// A row of the procedure table.
pub struct Procedure {
    /// The program it belongs to.
    pub program: Program,
    /// Its number in the program.
    pub number: i32,
    /// The driver method's name.
    pub name: &'static str,
    /// The C function's name.
    pub function: &'static str,
    /// Where its own errors come from.
    pub errors: ErrorDomain,
    /// Whether it may pass the limit of concurrent calls.
    pub priority: Priority,
    /// The permissions it asks for.
    pub checks: &'static [Check],
    /// What else was declared.
    pub marks: &'static [Mark],
    pub(crate) handler: Handler,
}

impl Procedure {
    /// Runs the call that `body` holds the arguments of.
    pub fn run(&'static self, drivers: &Drivers, call: Arc<Call>, body: &[u8]) -> BoxFuture<Result<Vec<u8>>> {
        (self.handler)(self, drivers, call, body)
    }

    /// Whether it was declared with this mark.
    pub fn has(&self, mark: Mark) -> bool {
        self.marks.contains(&mark)
    }
}

impl std::fmt::Debug for Procedure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({:#x}:{})", self.function, self.program.0, self.number)
    }
}

/// A driver trait's rows of the table.
pub(crate) trait Declared {
    const PROCEDURES: &'static [Procedure];
}

/// The driver does not have `function`.
pub(crate) fn unsupported(domain: ErrorDomain, function: &str) -> Error {
    Error::new(domain, ErrorCode::NO_SUPPORT, function)
}

/// The arguments are not those of the procedure. A document that is no text is an ill-formed one, as it is for
/// libvirt, which looks into it only there.
pub(crate) fn bad_payload(procedure: &Procedure, body: &[u8], wrong: virtus_xdr::Error) -> Error {
    if let virtus_xdr::Error::NotUtf8 { left, length } = wrong {
        let begin = body.len().saturating_sub(left);
        let text = body.get(begin..).and_then(|rest| rest.get(..length)).unwrap_or_default();
        if text.trim_ascii_start().starts_with(b"<") {
            return virtus_base::error::not_utf8(text, procedure.errors);
        }
    }
    Error::new(ErrorDomain::RPC, ErrorCode::RPC, "Unable to decode message payload")
}

/// The reply's bytes.
pub(crate) fn reply<T: virtus_xdr::Encode>(value: &T) -> Result<Vec<u8>> {
    virtus_xdr::encode(value).map_err(|e| {
        Error::new(ErrorDomain::RPC, ErrorCode::RPC, format!("Unable to encode message payload: {e}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_that_is_no_text_is_ill_formed() {
        let define = crate::procedures().find(|p| p.function == "virDomainDefineXML").unwrap();
        let said = |text: &[u8]| {
            let body = [&7_u32.to_be_bytes(), text, &[0]].concat();
            let wrong = virtus_xdr::decode::<(String,)>(&body).unwrap_err();
            bad_payload(define, &body, wrong).message().to_owned()
        };
        let want = "at line 1: Input is not proper UTF-8, indicate encoding !\nBytes: 0xFF 0x3C 0x2F 0x61\n<a>\u{fffd}</a\n---^";
        assert_eq!(said(b"<a>\xff</a"), want);
        assert_eq!(said(b"abc\xffefg"), "Unable to decode message payload");
    }
}
