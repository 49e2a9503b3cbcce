//! Ill-formed documents, told as libxml2 tells them: clients print the text, people search for it.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

/// The error of a document that roxmltree refused.
pub(crate) fn error(text: &str, refused: &roxmltree::Error, domain: ErrorDomain) -> Error {
    let (offset, message) = diagnose(text).unwrap_or_else(|| {
        let pos = refused.pos();
        (offset_of(text, pos.row, pos.col), sentence(refused))
    });
    detail(text, offset, &message, domain)
}

/// An element with more attributes is refused: each is compared with all others.
const MAX_ATTRIBUTES: usize = 4096;

/// Refuses a document nested deeper than `limit` before the parser recurses into it, and elements with so many
/// attributes that comparing them would take long.
pub(crate) fn check_depth(text: &str, limit: usize, domain: ErrorDomain) -> Result<()> {
    let (mut depth, mut rest) = (0usize, 0usize);
    while let Some(at) = text.get(rest..).and_then(|t| t.find('<')).map(|i| i + rest) {
        check_references(text, rest, at, domain)?;
        let tail = text.get(at..).unwrap_or_default();
        let skip = |end: &str| tail.find(end).map_or(text.len(), |i| at + i + end.len());
        if tail.starts_with("<!--") {
            rest = skip("-->");
        } else if tail.starts_with("<![CDATA[") {
            rest = skip("]]>");
        } else if tail.starts_with("<?") {
            rest = skip("?>");
        } else if tail.starts_with("</") {
            depth = depth.saturating_sub(1);
            rest = at + 2;
        } else {
            let (end, attributes) = tag_end(tail);
            if attributes > MAX_ATTRIBUTES {
                let message = format!("More than {MAX_ATTRIBUTES} attributes in an element");
                return Err(detail(text, at, &message, domain));
            }
            let empty = end.is_some_and(|e| tail.get(..e).is_some_and(|t| t.ends_with('/')));
            if !empty {
                depth += 1;
            }
            if depth > limit {
                let message = format!("Excessive depth in document: {limit} use XML_PARSE_HUGE option");
                return Err(detail(text, at, &message, domain));
            }
            rest = end.map_or(text.len(), |e| at + e);
            check_references(text, at, rest, domain)?;
        }
    }
    Ok(())
}

/// Refuses references to characters that XML does not have; the parser would take them for another one.
fn check_references(text: &str, from: usize, to: usize, domain: ErrorDomain) -> Result<()> {
    let mut at = from;
    while let Some(start) = text.get(at..to).and_then(|part| part.find("&#")).map(|i| at + i + 2) {
        at = start;
        let Some(number) = text.get(start..to).and_then(|tail| tail.split_once(';')).map(|(n, _)| n) else {
            return Ok(());
        };
        let value = match number.strip_prefix('x') {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        let there = value.as_ref().is_ok_and(|value| match value {
            0x9 | 0xa | 0xd => true,
            0xfffe | 0xffff => false,
            value => *value >= 0x20 && char::from_u32(*value).is_some(),
        });
        let digits = number.strip_prefix('x').unwrap_or(number).bytes().all(|b| b.is_ascii_hexdigit());
        if !there && digits && !number.is_empty() {
            let shown = value.map_or(0x11_0000, |value| value.min(0x11_0000));
            let message = format!("xmlParseCharRef: invalid xmlChar value {shown}");
            return Err(detail(text, start + number.len() + 1, &message, domain));
        }
    }
    Ok(())
}

/// The offset of the `>` that ends the tag `tail` begins with, past quoted values, and how many of these there are.
fn tag_end(tail: &str) -> (Option<usize>, usize) {
    let (mut quote, mut values) = (None, 0);
    for (i, b) in tail.bytes().enumerate() {
        match (quote, b) {
            (None, b'"' | b'\'') => quote = Some(b),
            (Some(q), b) if q == b => {
                quote = None;
                values += 1;
            }
            (None, b'>') => return (Some(i), values),
            _ => {}
        }
    }
    (None, values)
}

/// libvirt's shape of it: line, sentence, the line itself and a pointer to the place.
fn detail(text: &str, offset: usize, message: &str, domain: ErrorDomain) -> Error {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let (context, column) = match text.is_empty() {
        true => ("(null)", 0),
        false => {
            // libxml2 shows the last line that has something on it
            let trimmed = before.trim_end_matches(['\n', '\r']);
            let start = trimmed.rfind('\n').map_or(0, |i| i + 1);
            let end = text
                .get(trimmed.len()..)
                .and_then(|t| t.find('\n'))
                .map_or(text.len(), |i| trimmed.len() + i);
            (text.get(start..end).unwrap_or_default(), trimmed.len() - start)
        }
    };
    let context: String = context.chars().take(80).collect();
    let pointer = "-".repeat(column.min(79));
    Error::new(domain, ErrorCode::XML_DETAIL, format!("at line {line}: {message}\n{context}\n{pointer}^"))
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

/// Finds what libxml2 would stop at in the structure of tags.
fn diagnose(text: &str) -> Option<(usize, String)> {
    if text.trim().is_empty() {
        let message = if text.is_empty() { "Document is empty" } else { "Start tag expected, '<' not found" };
        return Some((text.len(), message.to_owned()));
    }
    let mut open: Vec<(&str, usize)> = Vec::new();
    let mut at = 0;
    // lines are counted as they are passed, not each time from the beginning
    let mut counted = (0, 1);
    let mut line_of = |offset: usize| {
        let (from, line) = counted;
        counted = (offset, line + text.get(from..offset).map_or(0, |passed| passed.matches('\n').count()));
        counted.1
    };
    let mut root_seen = false;
    loop {
        let rest = text.get(at..)?;
        let Some(next) = rest.find('<').map(|i| at + i) else {
            return match open.last() {
                Some((name, line)) => {
                    Some((text.len(), format!("Premature end of data in tag {name} line {line}")))
                }
                None if !root_seen => {
                    let start = text.len() - text.trim_start().len();
                    Some((start, "Start tag expected, '<' not found".to_owned()))
                }
                None => extra(text, at),
            };
        };
        if root_seen && open.is_empty() && !text.get(at..next)?.trim().is_empty() {
            return extra(text, at);
        }
        if !root_seen && !text.get(at..next)?.trim().is_empty() {
            return Some((at, "Start tag expected, '<' not found".to_owned()));
        }
        let tail = text.get(next..)?;
        let past = |end: &str| tail.find(end).map(|i| next + i + end.len());
        if tail.starts_with("<!--") {
            at = past("-->")?;
        } else if tail.starts_with("<![CDATA[") {
            at = past("]]>")?;
        } else if tail.starts_with("<?") {
            at = past("?>")?;
        } else if tail.starts_with("<!") {
            return None;
        } else if let Some(name) = tail.strip_prefix("</") {
            let name = name_of(name);
            let end = next + 2 + name.len();
            match open.pop() {
                Some((opened, _)) if opened == name => {
                    let after = text.get(end..)?;
                    let blanks = after.len() - after.trim_start().len();
                    if !after.trim_start().starts_with('>') {
                        return Some((end + blanks, "expected '>'".to_owned()));
                    }
                    at = end + blanks + 1;
                }
                Some((opened, line)) => {
                    let end = end + usize::from(text.get(end..)?.starts_with('>'));
                    return Some((
                        end,
                        format!("Opening and ending tag mismatch: {opened} line {line} and {name}"),
                    ));
                }
                None => return extra(text, next),
            }
        } else {
            if root_seen && open.is_empty() {
                return extra(text, next);
            }
            let name = name_of(tail.get(1..)?);
            if name.is_empty() {
                return Some((next + 1, "StartTag: invalid element name".to_owned()));
            }
            let (line, after) = (line_of(next), next + 1 + name.len());
            root_seen = true;
            match start_tag(text, after, name, line) {
                Ok((end, empty)) => {
                    at = end;
                    if !empty {
                        open.push((name, line));
                    }
                }
                Err(found) => return Some(found),
            }
        }
    }
}

fn extra(text: &str, at: usize) -> Option<(usize, String)> {
    let rest = text.get(at..)?;
    let start = at + rest.len() - rest.trim_start().len();
    (start < text.len()).then(|| (start, "Extra content at the end of the document".to_owned()))
}

fn name_of(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || ":_-.".contains(c))).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// Reads the attributes of a start tag from `at` on; the offset after its `>` and whether it closes itself.
fn start_tag(
    text: &str,
    mut at: usize,
    name: &str,
    line: usize,
) -> std::result::Result<(usize, bool), (usize, String)> {
    let unfinished = |at: usize| Err((at, format!("Couldn't find end of Start Tag {name} line {line}")));
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let trimmed = rest.trim_start();
        let blanks = rest.len() - trimmed.len();
        at += blanks;
        if trimmed.starts_with('>') {
            return Ok((at + 1, false));
        }
        if trimmed.starts_with("/>") {
            return Ok((at + 2, true));
        }
        let attribute = name_of(trimmed);
        if attribute.is_empty() {
            return unfinished(at);
        }
        if blanks == 0 {
            return Err((at, "attributes construct error".to_owned()));
        }
        at += attribute.len();
        let rest = text.get(at..).unwrap_or_default();
        let Some(value) = rest.trim_start().strip_prefix('=') else {
            return Err((at, format!("Specification mandates value for attribute {attribute}")));
        };
        let value = value.trim_start();
        at = text.len() - value.len();
        let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            return Err((at, "AttValue: \" or ' expected".to_owned()));
        };
        let inner = value.get(1..).unwrap_or_default();
        let end = inner.find(quote);
        if let Some(bad) = inner.find('<').filter(|bad| end.is_none_or(|end| *bad < end)) {
            return Err((at + 1 + bad, "Unescaped '<' not allowed in attributes values".to_owned()));
        }
        match end {
            Some(end) => at += end + 2,
            None => return Err((text.len(), "AttValue: ' expected".to_owned())),
        }
    }
}

fn sentence(refused: &roxmltree::Error) -> String {
    use roxmltree::Error as E;
    match refused {
        E::UnknownEntityReference(name, _) => format!("Entity '{name}' not defined"),
        E::DuplicatedAttribute(name, _) => format!("Attribute {name} redefined"),
        E::UnknownNamespace(name, _) => format!("Namespace prefix {name} is not defined"),
        E::MalformedEntityReference(_) => "xmlParseEntityRef: no name".to_owned(),
        E::NonXmlChar(c, _) => format!("PCDATA invalid Char value {}", u32::from(*c)),
        E::InvalidComment(_) => "Comment must not contain '--' (double-hyphen)".to_owned(),
        E::DtdDetected => "DTD is not allowed".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Document, ErrorCode, ErrorDomain, ReadOptions};

    fn said(text: &str) -> String {
        let e = Document::parse(text, ErrorDomain::DOMAIN, &ReadOptions::default()).unwrap_err();
        assert_eq!(e.code(), ErrorCode::XML_DETAIL);
        e.message().to_owned()
    }

    #[test]
    fn the_texts_are_libxml2s() {
        for (text, want) in [
            ("", "at line 1: Document is empty\n(null)\n^"),
            ("<dom\n", "at line 2: Couldn't find end of Start Tag dom line 1\n<dom\n----^"),
            ("<device", "at line 1: Couldn't find end of Start Tag device line 1\n<device\n-------^"),
            (
                "<a>\n<b></c></a>",
                "at line 2: Opening and ending tag mismatch: b line 2 and c\n<b></c></a>\n-------^",
            ),
            ("<a>", "at line 1: Premature end of data in tag a line 1\n<a>\n---^"),
            ("<a/><b/>", "at line 1: Extra content at the end of the document\n<a/><b/>\n----^"),
            ("hi", "at line 1: Start tag expected, '<' not found\nhi\n^"),
        ] {
            assert_eq!(said(text), want, "{text:?}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = "<a>".repeat(100_000);
        assert!(said(&deep).contains("Excessive depth"));
        let many: String = (0..100_000).map(|i| format!(" a{i}=''")).collect();
        assert!(said(&format!("<a{many}/>")).contains("attributes in an element"));
        let unclosed = format!("<a>{}", "<b/>\n".repeat(200_000));
        assert!(said(&unclosed).contains("Premature end of data in tag a line 1"));
        let wide = format!("<a>{}</a>", "<b c='>'/>".repeat(10_000));
        assert!(Document::parse(&wide, ErrorDomain::DOMAIN, &ReadOptions::default()).is_ok());
    }
}
