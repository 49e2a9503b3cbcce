//! References (`&amp;`, `&#65;`), and which characters there may be.

use super::{Step, name, wrong};

/// Whether XML has the character of this number.
fn is_char(number: u32) -> bool {
    match number {
        0x9 | 0xa | 0xd => true,
        0xfffe | 0xffff => false,
        number => number >= 0x20 && char::from_u32(number).is_some(),
    }
}

/// The character at `at`, which is none that XML has.
pub(super) enum Odd {
    Control(u32),
    /// Not even in the encoding.
    Never(u32),
}

/// Whether the byte at `at` begins a character that may not stand in a document.
pub(super) fn odd(bytes: &[u8], at: usize) -> Option<Odd> {
    match bytes.get(at..)? {
        [0x9 | 0xa | 0xd, ..] => None,
        [control, ..] if *control < 0x20 => Some(Odd::Control(u32::from(*control))),
        [0xef, 0xbf, last @ 0xbe..=0xbf, ..] => Some(Odd::Never(0xff00 | 0xc0 | u32::from(last & 0x3f))),
        _ => None,
    }
}

impl Odd {
    /// What is said of it where a control character is told of as `control` says.
    pub(super) fn message(&self, control: impl Fn(u32) -> String) -> String {
        match self {
            Odd::Control(number) => control(*number),
            Odd::Never(number) => format!("Char 0x{number:X} out of allowed range"),
        }
    }
}

/// The reference whose `&` is at `at`.
pub(super) fn reference(text: &str, at: usize) -> Step {
    let start = at + 1;
    if text.as_bytes().get(start) == Some(&b'#') {
        return character(text, start + 1);
    }
    let name = name::at(text, start)?;
    let end = start + name.len();
    if name.is_empty() {
        return wrong(start, "xmlParseEntityRef: no name");
    }
    if text.as_bytes().get(end) != Some(&b';') {
        return wrong(end, "EntityRef: expecting ';'");
    }
    match name {
        "lt" | "gt" | "amp" | "quot" | "apos" => Ok(end + 1),
        other => wrong(end + 1, format!("Entity '{other}' not defined")),
    }
}

/// The number of a reference, from what follows the `&#`.
fn character(text: &str, mut at: usize) -> Step {
    let bytes = text.as_bytes();
    let (base, kind) = match bytes.get(at) {
        Some(b'x') => (16, "hexadecimal"),
        _ => (10, "decimal"),
    };
    at += usize::from(base == 16);
    // it need not be known how far a number is from being a character
    let mut number = 0_u32;
    let first = at;
    while let Some(digit) = bytes.get(at).and_then(|b| char::from(*b).to_digit(base)) {
        number = (number * base + digit).min(0x11_0000);
        at += 1;
    }
    if at == first || bytes.get(at) != Some(&b';') {
        return wrong(at, format!("CharRef: invalid {kind} value"));
    }
    match number {
        0x11_0000.. => wrong(at + 1, "xmlParseCharRef: character reference out of bounds"),
        number if !is_char(number) => {
            wrong(at + 1, format!("xmlParseCharRef: invalid xmlChar value {number}"))
        }
        _ => Ok(at + 1),
    }
}
