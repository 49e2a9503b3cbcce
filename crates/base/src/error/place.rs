//! Where a document is ill-formed, as libvirt shows it: the line's number, what is wrong, the line itself and a pointer
//! to the place.

use super::{Error, ErrorCode, ErrorDomain};

/// A line is shown and pointed into up to here, in bytes: clients refuse an error that is larger than their limit.
const SHOWN: usize = 64 * 1024;

/// `XML_DETAIL` for what is wrong at `offset` of `text`.
pub fn xml_detail(text: &[u8], offset: usize, message: &str, domain: ErrorDomain) -> Error {
    let end_of_line = |b: &u8| matches!(b, b'\n' | b'\r');
    let before = text.get(..offset).unwrap_or(text);
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    // at the end of a line, or of the document, it is the last line with something on it that is shown
    let trimmed = match text.get(offset) {
        Some(b) if !end_of_line(b) => offset,
        _ => before.iter().rposition(|b| !end_of_line(b)).map_or(0, |last| last + 1),
    };
    let start = before.iter().take(trimmed).rposition(end_of_line).map_or(0, |last| last + 1);
    let rest = text.get(start..).unwrap_or_default();
    let length =
        rest.iter().skip(trimmed - start).position(end_of_line).map_or(rest.len(), |n| n + trimmed - start);
    let shown = rest.get(..length.min(SHOWN)).unwrap_or_default();
    let context = if text.is_empty() { "(null)".into() } else { String::from_utf8_lossy(shown) };
    let passed = rest.iter().take((trimmed - start).min(SHOWN));
    let pointer: String = passed.map(|b| if *b == b'\t' { '\t' } else { '-' }).collect();
    Error::new(domain, ErrorCode::XML_DETAIL, format!("at line {line}: {message}\n{context}\n{pointer}^"))
}

/// The error of a document whose bytes are no text.
pub fn not_utf8(text: &[u8], domain: ErrorDomain) -> Error {
    let offset = std::str::from_utf8(text).map_or_else(|e| e.valid_up_to(), str::len);
    let message = match text.get(offset..).unwrap_or_default() {
        // half of a pair of UTF-16
        [0xed, second @ 0xa0..=0xbf, third @ 0x80..=0xbf, ..] => {
            let char = 0xd000 | (u32::from(second & 0x3f) << 6) | u32::from(third & 0x3f);
            format!("Char 0x{char:X} out of allowed range")
        }
        wrong => {
            let bytes: String = wrong.iter().take(4).map(|b| format!(" 0x{b:02X}")).collect();
            format!("Input is not proper UTF-8, indicate encoding !\nBytes:{bytes}")
        }
    };
    xml_detail(text, offset, &message, domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_pointed_at() {
        let said = |text: &[u8]| not_utf8(text, ErrorDomain::DOMAIN).message().to_owned();
        assert_eq!(
            said(b"<a>\n\t<b>x\xff\xfe</b>"),
            "at line 2: Input is not proper UTF-8, indicate encoding !\nBytes: 0xFF 0xFE 0x3C 0x2F\n\t<b>x\u{fffd}\u{fffd}</b>\n\t----^"
        );
        assert!(said(b"<a>\xed\xa0\x80").starts_with("at line 1: Char 0xD800 out of allowed range\n<a>"));
    }

    #[test]
    fn an_endless_line_is_not_shown_to_its_end() {
        let text = vec![b'x'; 4 << 20];
        assert!(xml_detail(&text, text.len(), "long", ErrorDomain::DOMAIN).message().len() < 3 * SHOWN);
    }
}
