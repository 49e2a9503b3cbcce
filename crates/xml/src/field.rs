//! What the derived code calls: reading one field, with libvirt's errors.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

use crate::{Element, Value, Xml};

/// A limit on a number beyond its type's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberRule {
    /// None.
    Any,
    /// Zero is refused.
    NonZero,
    /// Below zero is refused.
    NonNegative,
    /// An `int` of libvirt's that may not be below zero: one past its range is no number at all.
    Int,
}

impl NumberRule {
    /// What is expected instead of `text`, where that is not the type's matter.
    fn expected(self, text: &str, base: u32) -> Option<&'static str> {
        if self != NumberRule::Int {
            return None;
        }
        Some(match <i32 as Value>::parse(text, base) {
            Some(_) => " Expected non-negative value",
            None => " Expected integer value",
        })
    }
}

/// How a field is read and what is said when it cannot be.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The text when it is missing, from the domain code; libvirt's usual one otherwise.
    pub missing: Option<&'static str>,
    /// The text for a bad value, with `{}` where the value goes.
    pub invalid: Option<&'static str>,
    /// The error's number for [`Rules::missing`].
    pub code: ErrorCode,
    /// The error's number for [`Rules::invalid`].
    pub invalid_code: ErrorCode,
    /// Where the errors of the two texts come from.
    pub domain: ErrorDomain,
    /// A limit on a number.
    pub number: NumberRule,
    /// A number's base.
    pub base: u32,
}

/// libvirt's error for a bad attribute.
pub fn invalid(e: Element<'_>, name: &str, value: &str, expected: &str, rules: &Rules) -> Error {
    match rules.invalid {
        Some(text) => Error::new(rules.domain, rules.invalid_code, text.replace("{}", value)),
        None => Error::new(
            ErrorDomain::XML,
            ErrorCode::XML_ERROR,
            format!("Invalid value for attribute '{name}' in element '{}': '{value}'.{expected}", e.name()),
        ),
    }
}

/// libvirt's error for an attribute that is not there.
pub fn missing(element: &str, name: &str, rules: &Rules) -> Error {
    match rules.missing {
        Some(text) => Error::new(rules.domain, rules.code, text),
        None => Error::new(
            ErrorDomain::XML,
            ErrorCode::XML_ERROR,
            format!("Missing required attribute '{name}' in element '{element}'"),
        ),
    }
}

/// The attribute that chooses a variant.
pub fn tag<'a>(e: Element<'a>, name: &str, default: Option<&'static str>, rules: &Rules) -> Result<&'a str> {
    e.attr(name).or(default).ok_or_else(|| missing(e.name(), name, rules))
}

/// An attribute of an element that may not be there.
pub fn attr<V: Value>(at: Option<Element<'_>>, name: &str, rules: &Rules) -> Result<Option<V>> {
    let Some((e, text)) = at.and_then(|e| Some((e, e.attr(name)?))) else { return Ok(None) };
    let expected = || rules.number.expected(text, rules.base).unwrap_or(V::EXPECTED);
    let own = || V::error(text).filter(|_| rules.invalid.is_none());
    let value = V::parse(text, rules.base)
        .ok_or_else(|| own().unwrap_or_else(|| invalid(e, name, text, expected(), rules)))?;
    match rules.number {
        NumberRule::NonZero if value.is_zero() => Err(match rules.invalid {
            Some(_) => invalid(e, name, text, "", rules),
            None => Error::new(
                ErrorDomain::XML,
                ErrorCode::XML_ERROR,
                format!(
                    "Invalid value for attribute '{name}' in element '{}': Zero is not permitted",
                    e.name()
                ),
            ),
        }),
        NumberRule::NonNegative if value.is_negative() => {
            Err(invalid(e, name, text, " Expected non-negative value", rules))
        }
        _ => Ok(Some(value)),
    }
}

/// An attribute that has to be there.
pub fn required_attr<V: Value>(
    at: Option<Element<'_>>,
    e: Element<'_>,
    name: &str,
    rules: &Rules,
) -> Result<V> {
    attr(at, name, rules)?.ok_or_else(|| missing(at.unwrap_or(e).name(), name, rules))
}

/// The text of an element that may not be there; an empty one counts as absent.
pub fn text<V: Value>(at: Option<Element<'_>>, rules: &Rules) -> Result<Option<V>> {
    let Some((e, text)) = at.and_then(|e| Some((e, e.text()?))) else { return Ok(None) };
    let value = V::parse(&text, rules.base).ok_or_else(|| match rules.invalid {
        Some(sentence) => Error::new(rules.domain, rules.invalid_code, sentence.replace("{}", &text)),
        None => V::error(&text).unwrap_or_else(|| {
            Error::new(
                ErrorDomain::XML,
                ErrorCode::XML_ERROR,
                format!("Invalid value '{text}' for element or attribute './{}'", e.name()),
            )
        }),
    })?;
    Ok(Some(value))
}

/// The text of an element that has to be there.
pub fn required_text<V: Value>(
    at: Option<Element<'_>>,
    _: Element<'_>,
    name: &str,
    rules: &Rules,
) -> Result<V> {
    text(at, rules)?.ok_or_else(|| match rules.missing {
        Some(text) => Error::new(rules.domain, rules.code, text),
        None => Error::new(
            ErrorDomain::XML,
            ErrorCode::XML_ERROR,
            format!("missing element or attribute './{name}'"),
        ),
    })
}

/// The texts of all elements of this name.
pub fn texts<V: Value>(at: Option<Element<'_>>, name: &str, rules: &Rules) -> Result<Vec<V>> {
    let Some(at) = at else { return Ok(Vec::new()) };
    at.children(name).filter_map(|e| text(Some(e), rules).transpose()).collect()
}

/// The first child of this name.
pub fn child<T: Xml>(at: Option<Element<'_>>, name: &str) -> Result<Option<T>> {
    at.and_then(|e| e.child(name)).map(T::read).transpose()
}

/// A child that has to be there.
pub fn required_child<T: Xml>(
    at: Option<Element<'_>>,
    _: Element<'_>,
    name: &str,
    rules: &Rules,
) -> Result<T> {
    match at.and_then(|e| e.child(name)) {
        Some(e) => T::read(e),
        None => Err(match rules.missing {
            Some(text) => Error::new(rules.domain, rules.code, text),
            None => Error::new(
                ErrorDomain::XML,
                ErrorCode::XML_ERROR,
                format!("missing element or attribute './{name}'"),
            ),
        }),
    }
}

/// All children of this name.
pub fn children<T: Xml>(at: Option<Element<'_>>, name: &str) -> Result<Vec<T>> {
    let Some(at) = at else { return Ok(Vec::new()) };
    at.children(name).map(T::read).collect()
}

/// A type mixed into the element, which decides by itself whether it is there.
pub fn flatten_option<T: Xml + Default + PartialEq>(e: Element<'_>) -> Result<Option<T>> {
    let value = T::read(e)?;
    Ok((value != T::default()).then_some(value))
}
