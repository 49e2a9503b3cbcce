//! Ill-formed documents, told as libxml2 tells them: clients print the text, people search for it.
//!
//! Every document passes the scanner before the parser sees it. It finds what libxml2 would stop at, and what would
//! make the parser slow or large; it looks at each byte once and keeps nothing but the names of open elements.

mod name;
mod reference;
mod scan;
mod tag;

use virtus_base::error::xml_detail;
use virtus_base::{Error, ErrorDomain, Result};

/// What is wrong, and the offset of the place.
type Found = (usize, String);
/// How a step of the scanner ends: the offset of what follows.
type Step = std::result::Result<usize, Found>;

fn wrong<T>(at: usize, message: impl Into<String>) -> std::result::Result<T, Found> {
    Err((at, message.into()))
}

/// Refuses what is no document, or one that would take too much to read.
pub(crate) fn check(text: &str, domain: ErrorDomain) -> Result<()> {
    scan::document(text).map_err(|(at, message)| xml_detail(text.as_bytes(), at, &message, domain))
}

/// The error of a document that the scanner let pass and the parser did not.
pub(crate) fn error(text: &str, refused: &roxmltree::Error, domain: ErrorDomain) -> Error {
    let pos = refused.pos();
    let at = offset_of(text, pos.row, pos.col);
    xml_detail(text.as_bytes(), at, &sentence(refused), domain)
}

fn offset_of(text: &str, row: u32, col: u32) -> usize {
    let line_start = text
        .split_inclusive('\n')
        .take(usize::try_from(row.saturating_sub(1)).unwrap_or(0))
        .map(str::len)
        .sum::<usize>();
    let line = text.get(line_start..).unwrap_or_default();
    let column = usize::try_from(col.saturating_sub(1)).unwrap_or(0);
    line_start + line.char_indices().nth(column).map_or(line.len(), |(i, _)| i)
}

fn sentence(refused: &roxmltree::Error) -> String {
    use roxmltree::Error as E;
    match refused {
        E::DuplicatedAttribute(name, _) => format!("Attribute {name} redefined"),
        E::UnknownNamespace(name, _) => format!("Namespace prefix {name} is not defined"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
