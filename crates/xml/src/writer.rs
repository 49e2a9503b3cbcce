//! Writing: single quotes, two blanks a level, `<x/>` for what is empty.

use std::fmt;

use crate::{Only, Value, Xml};

/// Which variant is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// The persistent definition: nothing that only a running object has.
    pub inactive: bool,
    /// With passwords.
    pub secure: bool,
    /// For another host, possibly with an older libvirt.
    pub migratable: bool,
    /// The daemon's own status file.
    pub status: bool,
    /// The level of indentation to begin at.
    pub indent: usize,
}

/// Writes one document, or a part of one, into one string.
#[derive(Debug)]
pub struct Writer {
    out: String,
    options: WriteOptions,
    open: Vec<Open>,
    /// The innermost start tag still lacks its `>`.
    pending: bool,
}

#[derive(Debug)]
struct Open {
    name: &'static str,
    /// How long the output was before the element.
    start: usize,
    /// Whether the start tag around it lacked its `>` then.
    parent_pending: bool,
    /// How long the output was after `<name`.
    bare: usize,
    text: bool,
}

impl Writer {
    /// An empty writer.
    pub fn new(options: WriteOptions) -> Self {
        Writer { out: String::with_capacity(4096), options, open: Vec::new(), pending: false }
    }

    /// Which variant is written.
    pub fn options(&self) -> &WriteOptions {
        &self.options
    }

    /// Whether a field limited to `only` is written.
    pub fn shows(&self, only: Only) -> bool {
        match only {
            Only::Live => !self.options.inactive,
            Only::Inactive => self.options.inactive,
            // the other host has to have the secrets too
            Only::Secure => self.options.secure || self.options.migratable,
            Only::Migratable => self.options.migratable,
            Only::Status => self.options.status,
        }
    }

    /// Opens an element; close it with [`Writer::end`].
    pub fn start(&mut self, name: &'static str) {
        let (start, parent_pending) = (self.out.len(), self.pending);
        self.close_tag(true);
        self.indent(self.open.len());
        self.out.push('<');
        self.out.push_str(name);
        self.open.push(Open { name, start, parent_pending, bare: self.out.len(), text: false });
        self.pending = true;
    }

    /// Writes an attribute of the element just opened.
    pub fn attr(&mut self, name: &str, value: &str) {
        debug_assert!(self.pending, "attribute {name} after the start tag");
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("='");
        escape(&mut self.out, value);
        self.out.push('\'');
    }

    /// Writes an attribute, if there is a value.
    pub fn attr_opt(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.attr(name, value);
        }
    }

    /// Writes an attribute from a format, e.g. `format_args!("0x{:02x}", bus)`.
    pub fn attr_fmt(&mut self, name: &str, value: fmt::Arguments<'_>) {
        match value.as_str() {
            Some(text) => self.attr(name, text),
            None => self.attr(name, &value.to_string()),
        }
    }

    /// Writes an attribute from a typed value.
    pub fn attr_value<V: Value>(&mut self, name: &str, value: &V) {
        debug_assert!(self.pending, "attribute {name} after the start tag");
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("='");
        value.write(&mut self.out);
        self.out.push('\'');
    }

    /// Ends the start tag, so that the element is written `<x>` and `</x>` even when it stays empty.
    pub fn keep_open(&mut self) {
        self.close_tag(true);
    }

    /// Writes text inside the element just opened.
    pub fn text(&mut self, text: &str) {
        self.close_tag(false);
        escape(&mut self.out, text);
        self.mark_text();
    }

    /// Writes a typed value as the text of the element just opened.
    pub fn text_value<V: Value>(&mut self, value: &V) {
        self.close_tag(false);
        value.write(&mut self.out);
        self.mark_text();
    }

    /// Closes the innermost element.
    pub fn end(&mut self) {
        let Some(open) = self.open.pop() else { return };
        if self.pending {
            self.out.push_str("/>\n");
            self.pending = false;
        } else {
            if !open.text {
                self.indent(self.open.len());
            }
            self.out.push_str("</");
            self.out.push_str(open.name);
            self.out.push_str(">\n");
        }
    }

    /// Closes the innermost element, or takes it back when it has neither attributes nor content.
    pub fn end_unless_empty(&mut self) {
        match self.open.last() {
            Some(open) if self.pending && self.out.len() == open.bare => {
                self.out.truncate(open.start);
                self.pending = open.parent_pending;
                self.open.pop();
            }
            _ => self.end(),
        }
    }

    /// Writes an element of its own type.
    pub fn element<T: Xml>(&mut self, name: &'static str, value: &T) {
        value.write_element(name, self);
    }

    /// Writes `<name>text</name>`.
    pub fn element_text(&mut self, name: &'static str, text: &str) {
        self.start(name);
        self.text(text);
        self.end();
    }

    /// Writes `<name>value</name>`.
    pub fn element_value<V: Value>(&mut self, name: &'static str, value: &V) {
        self.start(name);
        self.text_value(value);
        self.end();
    }

    /// Writes `<name>…</name>` from a format.
    pub fn element_fmt(&mut self, name: &'static str, value: fmt::Arguments<'_>) {
        self.element_text(name, &value.to_string());
    }

    /// Writes `<name/>`.
    pub fn empty(&mut self, name: &'static str) {
        self.start(name);
        self.end();
    }

    /// Writes lines that are XML already, each at the present indentation.
    pub fn raw_lines(&mut self, lines: &str) {
        self.close_tag(true);
        for line in lines.lines() {
            self.indent(self.open.len());
            self.out.push_str(line);
            self.out.push('\n');
        }
    }

    /// Leaves a line empty.
    pub fn blank_line(&mut self) {
        self.close_tag(true);
        self.out.push('\n');
    }

    /// Writes a whole subtree, already indented for this depth.
    pub(crate) fn raw_with(&mut self, write: impl FnOnce(&mut String, usize)) {
        self.close_tag(true);
        let depth = self.open.len() + self.options.indent;
        write(&mut self.out, depth);
    }

    /// The text written.
    pub fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.end();
        }
        self.out
    }

    fn mark_text(&mut self) {
        if let Some(open) = self.open.last_mut() {
            open.text = true;
        }
    }

    fn close_tag(&mut self, line: bool) {
        if self.pending {
            self.out.push_str(if line { ">\n" } else { ">" });
            self.pending = false;
        }
    }

    fn indent(&mut self, depth: usize) {
        for _ in 0..depth + self.options.indent {
            self.out.push_str("  ");
        }
    }
}

/// Writes `text` with the five characters escaped that libvirt escapes, without the control characters
/// XML cannot have.
pub(crate) fn escape(out: &mut String, text: &str) {
    let mut clean = 0;
    for (i, byte) in text.bytes().enumerate() {
        let entity = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'\'' => "&apos;",
            b'"' => "&quot;",
            b'\t' | b'\n' | b'\r' => continue,
            0..0x20 => "",
            _ => continue,
        };
        out.push_str(text.get(clean..i).unwrap_or_default());
        out.push_str(entity);
        clean = i + 1;
    }
    out.push_str(text.get(clean..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_indents_as_libvirt_does() {
        let mut w = Writer::new(WriteOptions::default());
        w.start("a");
        w.attr("x", "it's <&>");
        w.start("empty");
        w.end_unless_empty();
        w.element_text("b", "\"t\u{1}\"");
        w.empty("c");
        w.end();
        assert_eq!(w.finish(), "<a x='it&apos;s &lt;&amp;&gt;'>\n  <b>&quot;t&quot;</b>\n  <c/>\n</a>\n");
    }

    #[test]
    fn an_element_that_stays_empty_closes_itself() {
        let mut w = Writer::new(WriteOptions { indent: 1, ..Default::default() });
        w.start("a");
        w.start("b");
        w.end_unless_empty();
        w.end();
        assert_eq!(w.finish(), "  <a/>\n");
    }
}
