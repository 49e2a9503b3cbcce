//! The one error type that crosses Virtus' layers and its wire.

mod code;
mod domain;
mod label;
mod place;

pub use code::ErrorCode;
pub use domain::ErrorDomain;
pub use place::{not_utf8, xml_detail};

/// A result whose error is libvirt's.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How grave a report is (`virErrorLevel`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(i32)]
pub enum ErrorLevel {
    /// Nothing is reported.
    None = 0,
    /// A warning.
    Warning = 1,
    /// An error.
    #[default]
    Error = 2,
}

/// An error as libvirt's clients know it: number, origin, text and the raw values behind the text.
///
/// Boxed inside, so that a `Result` of it stays small.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Fields>);

/// The fields of an [`Error`], in the order of the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    /// The error's number.
    pub code: ErrorCode,
    /// The part of the system it comes from.
    pub domain: ErrorDomain,
    /// The full text for a person.
    pub message: String,
    /// How grave it is.
    pub level: ErrorLevel,
    /// First raw value; libvirt puts the sentence's template here.
    pub str1: Option<String>,
    /// Second raw value; libvirt puts the detail here.
    pub str2: Option<String>,
    /// Third raw value.
    pub str3: Option<String>,
    /// First raw number; `-1` when there is none.
    pub int1: i32,
    /// Second raw number; `-1` when there is none.
    pub int2: i32,
}

impl Error {
    /// An error whose text is the sentence of `code` around `detail`.
    pub fn new(domain: ErrorDomain, code: ErrorCode, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Error(Box::new(Fields {
            code,
            domain,
            message: code.sentence(&detail),
            level: ErrorLevel::Error,
            str1: Some(code.template(!detail.is_empty())),
            str2: (!detail.is_empty()).then_some(detail),
            str3: None,
            int1: -1,
            int2: -1,
        }))
    }

    /// An error as it came over the wire.
    pub fn from_fields(fields: Fields) -> Self {
        Error(Box::new(fields))
    }

    /// The driver does not implement `function` (the C name of the call).
    pub fn no_support(function: &str) -> Self {
        Error::new(ErrorDomain::NONE, ErrorCode::NO_SUPPORT, function)
    }

    /// An internal error: something that should not happen, told with its context.
    pub fn internal(domain: ErrorDomain, detail: impl Into<String>) -> Self {
        Error::new(domain, ErrorCode::INTERNAL_ERROR, detail)
    }

    /// `argument` of `function` (C names) is wrong. `text` is the whole message: libvirt puts no sentence before it.
    pub fn invalid_arg(domain: ErrorDomain, function: &str, argument: &str, text: impl Into<String>) -> Self {
        Error(Box::new(Fields {
            code: ErrorCode::INVALID_ARG,
            domain,
            message: text.into(),
            level: ErrorLevel::Error,
            str1: Some(function.to_owned()),
            str2: Some(argument.to_owned()),
            str3: None,
            int1: 0,
            int2: 0,
        }))
    }

    /// A failed system call: `what: strerror`, with `errno` in `int1` as libvirt has it.
    pub fn system(domain: ErrorDomain, what: impl std::fmt::Display, error: &std::io::Error) -> Self {
        let text = match error.raw_os_error() {
            // std appends " (os error N)", which libvirt's text does not have
            Some(_) => {
                let full = error.to_string();
                full.split(" (os error").next().unwrap_or_default().to_owned()
            }
            None => error.to_string(),
        };
        let mut e = Error::new(domain, ErrorCode::SYSTEM_ERROR, format!("{what}: {text}"));
        e.0.int1 = error.raw_os_error().unwrap_or(-1);
        e
    }

    /// An argument that `function` refuses by itself: unlike others of its code the text has no sentence around
    /// it, and the raw values name the function and the argument.
    pub fn invalid_argument(domain: ErrorDomain, function: &str, argument: &str, text: String) -> Self {
        Error(Box::new(Fields {
            code: ErrorCode::INVALID_ARG,
            domain,
            message: text,
            level: ErrorLevel::Error,
            str1: Some(function.to_owned()),
            str2: Some(argument.to_owned()),
            str3: None,
            int1: 0,
            int2: 0,
        }))
    }

    /// Flags outside `supported` were given to `function` (the C name libvirt reports: often the driver's).
    pub fn check_flags(domain: ErrorDomain, flags: u32, supported: u32, function: &str) -> Result<()> {
        match flags & !supported {
            0 => Ok(()),
            extra => {
                let text = format!("unsupported flags (0x{extra:x}) in function {function}");
                Err(Error::invalid_argument(domain, function, "flags", text))
            }
        }
    }

    /// Adds a raw number, e.g. a line.
    pub fn with_int1(mut self, value: i32) -> Self {
        self.0.int1 = value;
        self
    }

    /// The error's number.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The part of the system it comes from.
    pub fn domain(&self) -> ErrorDomain {
        self.0.domain
    }

    /// The full text for a person.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// All fields.
    pub fn fields(&self) -> &Fields {
        &self.0
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}/{:?}: {}", self.0.domain, self.0.code, self.0.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_the_sentence_around_the_detail() {
        let e = Error::new(ErrorDomain::QEMU, ErrorCode::NO_DOMAIN, "no domain with matching name 'x'");
        assert_eq!(e.message(), "Domain not found: no domain with matching name 'x'");
        assert_eq!(e.fields().str1.as_deref(), Some("Domain not found: %1$s"));
        assert_eq!(e.fields().str2.as_deref(), Some("no domain with matching name 'x'"));
        let bare = Error::new(ErrorDomain::RPC, ErrorCode::OPERATION_DENIED, "");
        assert_eq!(bare.message(), "operation forbidden for read only access");
    }

    #[test]
    fn system_errors_carry_errno_and_plain_text() {
        let e = Error::system(ErrorDomain::QEMU, "cannot open /x", &std::io::Error::from_raw_os_error(2));
        assert_eq!(e.message(), "cannot open /x: No such file or directory");
        assert_eq!(e.fields().int1, 2);
    }

    #[test]
    fn unknown_flags_are_named() {
        assert!(Error::check_flags(ErrorDomain::QEMU, 3, 3, "f").is_ok());
        let e = Error::check_flags(ErrorDomain::QEMU, 0x41, 1, "qemuDomainX").unwrap_err();
        assert_eq!(e.message(), "unsupported flags (0x40) in function qemuDomainX");
    }
}
