//! Errors that are not the driver's own.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

/// An error of the generic domain code.
pub(crate) fn generic(code: ErrorCode, text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::DOMAIN, code, text)
}

/// Flags that libvirt itself looks at before it asks a driver, in its words; `domain` is that of its function.
fn refused(domain: ErrorDomain, function: &str, text: String) -> Result<()> {
    Err(Error::invalid_argument(domain, function, "flags", text))
}

/// A flag with its name.
pub(crate) type Flag = (u32, &'static str);

/// Of two flags only one may be there.
pub(crate) fn exclusive(
    (domain, function): (ErrorDomain, &str),
    given: u32,
    pairs: &[[Flag; 2]],
) -> Result<()> {
    match pairs.iter().find(|pair| pair.iter().all(|(flag, _)| given & flag != 0)) {
        Some([(_, one), (_, other)]) => {
            refused(domain, function, format!("Flags '{one}' and '{other}' are mutually exclusive"))
        }
        None => Ok(()),
    }
}

/// The second flag may be there only with the first.
pub(crate) fn required(
    (domain, function): (ErrorDomain, &str),
    given: u32,
    [needed, flag]: [Flag; 2],
) -> Result<()> {
    match given & flag.0 != 0 && given & needed.0 == 0 {
        true => refused(domain, function, format!("Flag '{}' is required by flag '{}'", needed.1, flag.1)),
        false => Ok(()),
    }
}

/// A flag with its name, by its name.
macro_rules! named {
    ($($flag:ident),+) => { [$(($flag, stringify!($flag))),+] };
}
pub(crate) use named;
