//! Sets of numbers, and whether they are on or off, as callers write them.

use virtus_base::{Bitmap, Error, ErrorCode, ErrorDomain, Result};

/// A set of numbers as a caller writes it. One that only takes numbers out is empty.
pub(super) fn parse_set(text: &str) -> Result<Bitmap> {
    let takes_out = !text.is_empty() && text.split(',').all(|item| item.trim_start().starts_with('^'));
    let parsed = match takes_out {
        true => Bitmap::parse(&text.replace('^', "")).map(|_| Bitmap::new()),
        false => Bitmap::parse(text),
    };
    let wrong = || {
        let text = format!("Failed to parse bitmap '{text}'");
        Error::new(ErrorDomain::NONE, ErrorCode::INVALID_ARG, text)
    };
    parsed.ok_or_else(wrong)
}

/// A state that is on or off.
pub(super) fn on_off(state: i32, function: &str) -> Result<bool> {
    match state {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::invalid_arg(ErrorDomain::QEMU, function, "state", "unsupported state value")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_that_only_takes_out_is_empty_and_no_set_is_an_error() {
        assert!(parse_set("^0").unwrap().is_empty());
        assert_eq!(parse_set("x").unwrap_err().message(), "invalid argument: Failed to parse bitmap 'x'");
        assert!(parse_set("").is_err() && parse_set("^x").is_err());
    }
}
