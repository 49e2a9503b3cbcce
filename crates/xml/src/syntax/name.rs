//! Names of elements, attributes and instructions.

use super::Found;

/// No name is longer, in bytes.
const MAX_NAME: usize = 50_000;

/// The name at `at`; empty where none begins.
pub(super) fn at(text: &str, at: usize) -> Result<&str, Found> {
    let rest = text.get(at..).unwrap_or_default();
    let letters = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || b":_-.".contains(b)).count();
    let length = match rest.as_bytes().get(letters) {
        Some(0x80..) => rest.find(|c: char| !goes_on(c)).unwrap_or(rest.len()),
        _ => letters,
    };
    let name = rest.get(..length).unwrap_or_default();
    if !name.chars().next().is_some_and(begins) {
        return Ok("");
    }
    match length > MAX_NAME {
        true => Err((at, "Name too long: NCName".to_owned())),
        false => Ok(name),
    }
}

fn begins(c: char) -> bool {
    c.is_alphabetic() || matches!(c, '_' | ':')
}

fn goes_on(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, ':' | '_' | '-' | '.' | '\u{b7}')
}
