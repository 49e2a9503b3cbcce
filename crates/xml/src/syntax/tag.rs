//! Start tags.

use super::reference::{odd, reference};
use super::{Found, Step, name, wrong};

/// An element with more attributes is refused: the parser compares each with all others.
const MAX_ATTRIBUTES: usize = 1000;

/// A start tag that has been read.
pub(super) struct Tag {
    /// The offset after its `>`.
    pub(super) end: usize,
    /// Whether it closes itself.
    pub(super) empty: bool,
    /// How many namespaces it declares.
    pub(super) namespaces: usize,
}

/// How many blanks there are at `at`.
pub(super) fn blanks(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count()
}

/// A name that is there twice.
fn twin<'a>(names: &[&'a str]) -> Option<&'a str> {
    if names.len() > 16 {
        let mut seen = std::collections::HashSet::with_capacity(names.len());
        return names.iter().find(|name| !seen.insert(**name)).copied();
    }
    let before = |(i, name): &(usize, &&str)| names.iter().take(*i).any(|other| other == *name);
    names.iter().enumerate().find(before).map(|(_, name)| *name)
}

/// The start tag of the element `element`, whose `<` is at `open`. `names` is room for its attributes' names.
pub(super) fn start<'a>(
    text: &'a str,
    open: usize,
    element: &str,
    names: &mut Vec<&'a str>,
) -> Result<Tag, Found> {
    let bytes = text.as_bytes();
    let mut at = open + 1 + element.len();
    let mut namespaces = 0;
    names.clear();
    at += blanks(bytes, at);
    loop {
        match bytes.get(at..).unwrap_or_default() {
            [b'>', ..] | [b'/', b'>', ..] => {
                if let Some(name) = twin(names) {
                    return wrong(at, format!("Attribute {name} redefined"));
                }
                let empty = bytes.get(at) == Some(&b'/');
                return Ok(Tag { end: at + 1 + usize::from(empty), empty, namespaces });
            }
            [first, ..] if *first >= 0x20 => {}
            _ => {
                let line = text.get(..open).unwrap_or_default().matches('\n').count() + 1;
                return wrong(at, format!("Couldn't find end of Start Tag {element} line {line}"));
            }
        }
        if !names.is_empty() && !matches!(bytes.get(at.wrapping_sub(1)), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            return wrong(at, "attributes construct error");
        }
        let attribute = name::at(text, at)?;
        if attribute.is_empty() {
            return wrong(at, "error parsing attribute name");
        }
        names.push(attribute);
        if names.len() > MAX_ATTRIBUTES {
            return wrong(at, format!("More than {MAX_ATTRIBUTES} attributes in an element"));
        }
        namespaces += usize::from(attribute.starts_with("xmlns"));
        at += attribute.len();
        at += blanks(bytes, at);
        if bytes.get(at) != Some(&b'=') {
            return wrong(at, format!("Specification mandates value for attribute {attribute}"));
        }
        at += 1;
        at += blanks(bytes, at);
        at = value(text, at)?;
        at += blanks(bytes, at);
    }
}

/// The value whose first quote is at `at`.
fn value(text: &str, mut at: usize) -> Step {
    let bytes = text.as_bytes();
    let Some(quote @ (b'"' | b'\'')) = bytes.get(at).copied() else {
        return wrong(at, "AttValue: \" or ' expected");
    };
    at += 1;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let plain = |b: &u8| *b != quote && !matches!(b, b'<' | b'&' | ..0x20 | 0xef);
        at += rest.iter().take_while(|b| plain(b)).count();
        match bytes.get(at) {
            None => return wrong(at, "AttValue: ' expected"),
            Some(b) if *b == quote => return Ok(at + 1),
            Some(b'<') => return wrong(at, "Unescaped '<' not allowed in attributes values"),
            Some(b'&') => at = reference(text, at)?,
            Some(_) => {
                if let Some(odd) = odd(bytes, at) {
                    return wrong(at, odd.message(|_| "invalid character in attribute value".to_owned()));
                }
                at += 1;
            }
        }
    }
}
