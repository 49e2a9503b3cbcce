//! The whole document, from its declaration to the last element's end.

use super::reference::{odd, reference};
use super::{Found, Step, name, tag, wrong};

/// No document nests deeper; libxml2's limit too, by whose count the root is not one.
const MAX_DEPTH: usize = 256;
/// What elements that declare namespaces may have inherited, all together, for each byte of the document: the parser
/// keeps the list anew for each element. In proportion, so that documents which pass also pass as parts of another.
const MAX_INHERITED: usize = 8;
/// And no more are in scope anywhere.
const MAX_NAMESPACES: usize = 256;

/// An element whose end has not come.
struct Open<'a> {
    name: &'a str,
    at: usize,
    /// How many namespaces are declared here and around it.
    namespaces: usize,
}

struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    open: Vec<Open<'a>>,
    /// Room for the names of a tag's attributes.
    names: Vec<&'a str>,
    inherited: usize,
}

/// Looks through a document.
pub(super) fn document(text: &str) -> Result<(), Found> {
    if text.is_empty() {
        return wrong(0, "Document is empty");
    }
    let mut scan = Scan { text, bytes: text.as_bytes(), open: Vec::new(), names: Vec::new(), inherited: 0 };
    let at = scan.prolog()?;
    if scan.bytes.get(at) != Some(&b'<') {
        return wrong(at, "Start tag expected, '<' not found");
    }
    let at = scan.start(at)?;
    let at = scan.content(at)?;
    let at = scan.around(at)?;
    match at < text.len() {
        true => wrong(at, "Extra content at the end of the document"),
        false => Ok(()),
    }
}

impl<'a> Scan<'a> {
    fn is(&self, at: usize, what: &str) -> bool {
        self.bytes.get(at..).is_some_and(|rest| rest.starts_with(what.as_bytes()))
    }

    /// What stands before the root.
    fn prolog(&self) -> Step {
        let mut at = if self.text.starts_with('\u{feff}') { 3 } else { 0 };
        if self.is(at, "<?xml") && tag::blanks(self.bytes, at + 5) > 0 {
            at = match self.text.get(at..).and_then(|rest| rest.find("?>")) {
                Some(length) => at + length + 2,
                None => return wrong(self.text.len(), "Blank needed here"),
            };
        }
        at = self.around(at)?;
        if self.is(at, "<!DOCTYPE") {
            at = self.around(self.doctype(at)?)?;
        }
        Ok(at)
    }

    /// Blanks, comments and instructions outside of the root.
    fn around(&self, mut at: usize) -> Step {
        loop {
            at += tag::blanks(self.bytes, at);
            at = match () {
                () if self.is(at, "<!--") => self.comment(at)?,
                () if self.is(at, "<?") => self.instruction(at)?,
                () => return Ok(at),
            };
        }
    }

    /// A document may name its type. It may not make up entities: a few of them can stand for any amount of text.
    fn doctype(&self, start: usize) -> Step {
        let mut at = start + "<!DOCTYPE".len();
        at += tag::blanks(self.bytes, at);
        if name::at(self.text, at)?.is_empty() {
            return wrong(at, "xmlParseDocTypeDecl : no DOCTYPE name !");
        }
        // wherever it stands: what is a comment or a text in here is not looked into
        if let Some(length) = self.text.get(at..).and_then(|rest| rest.find("<!ENTITY")) {
            return wrong(at + length, "Detected an entity reference loop");
        }
        let (mut inside, mut quote) = (false, None);
        while let Some(b) = self.bytes.get(at).copied() {
            match (quote, b) {
                (None, b'"' | b'\'') => quote = Some(b),
                (Some(q), b) if q == b => quote = None,
                (None, b'[') => inside = true,
                (None, b']') => inside = false,
                (None, b'>') if !inside => return Ok(at + 1),
                _ => {}
            }
            at += 1;
        }
        wrong(at, "DOCTYPE improperly terminated")
    }

    /// What stands in the root, to its end.
    fn content(&mut self, mut at: usize) -> Step {
        while let Some(inner) = self.open.last().map(|open| (open.name, open.at)) {
            let rest = self.bytes.get(at..).unwrap_or_default();
            at += rest.iter().take_while(|b| !matches!(b, b'<' | b'&' | b']' | ..0x20 | 0xef)).count();
            at = match self.bytes.get(at) {
                None => {
                    let ((name, _), line) = (inner, self.line(inner.1));
                    return wrong(at, format!("Premature end of data in tag {name} line {line}"));
                }
                Some(b'<') => self.markup(at)?,
                Some(b'&') => reference(self.text, at)?,
                Some(b']') if self.is(at, "]]>") => {
                    return wrong(at, "Sequence ']]>' not allowed in content");
                }
                Some(_) => match odd(self.bytes, at) {
                    Some(odd) => {
                        return wrong(
                            at,
                            odd.message(|number| format!("PCDATA invalid Char value {number}")),
                        );
                    }
                    None => at + 1,
                },
            };
        }
        Ok(at)
    }

    fn markup(&mut self, at: usize) -> Step {
        match () {
            () if self.is(at, "</") => self.end(at),
            () if self.is(at, "<!--") => self.comment(at),
            () if self.is(at, "<![CDATA[") => self.cdata(at),
            () if self.is(at, "<?") => self.instruction(at),
            () => self.start(at),
        }
    }

    fn start(&mut self, at: usize) -> Step {
        if self.open.len() > MAX_DEPTH {
            return wrong(at, format!("Excessive depth in document: {MAX_DEPTH} use XML_PARSE_HUGE option"));
        }
        let name = name::at(self.text, at + 1)?;
        if name.is_empty() {
            return wrong(at + 1, "StartTag: invalid element name");
        }
        let tag = tag::start(self.text, at, name, &mut self.names)?;
        let around = self.open.last().map_or(0, |open| open.namespaces);
        if tag.namespaces > 0 {
            self.inherited += around;
            let all = around + tag.namespaces;
            if all > MAX_NAMESPACES || self.inherited > MAX_INHERITED * self.text.len() {
                return wrong(at, "Too many namespaces");
            }
        }
        if !tag.empty {
            self.open.push(Open { name, at, namespaces: around + tag.namespaces });
        }
        Ok(tag.end)
    }

    fn end(&mut self, start: usize) -> Step {
        let name = name::at(self.text, start + 2)?;
        let mut at = start + 2 + name.len();
        at += tag::blanks(self.bytes, at);
        if self.bytes.get(at) != Some(&b'>') {
            return wrong(at, "expected '>'");
        }
        match self.open.pop() {
            Some(open) if open.name != name => {
                let (opened, line) = (open.name, self.line(open.at));
                let name = if name.is_empty() { "unparsable" } else { name };
                wrong(at + 1, format!("Opening and ending tag mismatch: {opened} line {line} and {name}"))
            }
            _ => Ok(at + 1),
        }
    }

    fn comment(&self, start: usize) -> Step {
        let first = start + "<!--".len();
        let mut at = first;
        loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            at += rest.iter().take_while(|b| !matches!(b, b'-' | ..0x20 | 0xef)).count();
            match self.bytes.get(at..).unwrap_or_default() {
                [] => return wrong(at, "Comment not terminated"),
                [b'-', b'-', b'>', ..] => return Ok(at + 3),
                [b'-', b'-', ..] if at == first => return wrong(at, "Double hyphen within comment"),
                [b'-', b'-', ..] => {
                    let said = head(self.text.get(first..at).unwrap_or_default());
                    return wrong(at, format!("Double hyphen within comment: <!--{said}"));
                }
                _ => {
                    if let Some(odd) = odd(self.bytes, at) {
                        let control = |number| format!("xmlParseComment: invalid xmlChar value {number}");
                        return wrong(at, odd.message(control));
                    }
                    at += 1;
                }
            }
        }
    }

    fn instruction(&self, start: usize) -> Step {
        let name = name::at(self.text, start + 2)?;
        let mut at = start + 2 + name.len();
        match name {
            "" => return wrong(at, "xmlParsePI : no target name"),
            "xml" => return wrong(at, "XML declaration allowed only at the start of the document"),
            _ => {}
        }
        if self.is(at, "?>") {
            return Ok(at + 2);
        }
        if tag::blanks(self.bytes, at) == 0 {
            return wrong(at, format!("ParsePI: PI {name} space expected"));
        }
        loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            at += rest.iter().take_while(|b| !matches!(b, b'?' | ..0x20 | 0xef)).count();
            let never_ends = |_| format!("ParsePI: PI {name} never end ...");
            match self.bytes.get(at..).unwrap_or_default() {
                [] => return wrong(at, never_ends(0)),
                [b'?', b'>', ..] => return Ok(at + 2),
                _ => match odd(self.bytes, at) {
                    Some(odd) => return wrong(at, odd.message(never_ends)),
                    None => at += 1,
                },
            }
        }
    }

    fn cdata(&self, start: usize) -> Step {
        let first = start + "<![CDATA[".len();
        let mut at = first;
        loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            at += rest.iter().take_while(|b| !matches!(b, b']' | ..0x20 | 0xef)).count();
            let unfinished = |_| {
                let said = self.text.get(first..at).unwrap_or_default();
                match said.char_indices().rev().nth(1) {
                    Some((end, _)) => {
                        format!("CData section not finished\n{}", head(said.get(..end).unwrap_or_default()))
                    }
                    None => "Unregistered error message".to_owned(),
                }
            };
            match self.bytes.get(at..).unwrap_or_default() {
                [] => return wrong(at, unfinished(0)),
                [b']', b']', b'>', ..] => return Ok(at + 3),
                _ => match odd(self.bytes, at) {
                    Some(odd) => return wrong(at, odd.message(unfinished)),
                    None => at += 1,
                },
            }
        }
    }

    fn line(&self, at: usize) -> usize {
        self.text.get(..at).unwrap_or_default().matches('\n').count() + 1
    }
}

/// As much of a text as an error repeats: 50 bytes.
fn head(text: &str) -> &str {
    let end = (0..=50.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}
