//! Making XML in libvirt's way: two blanks for each level, single quotes.

use std::fmt::Write;

use crate::show::escape;

/// An element that is being made.
#[derive(Default)]
pub(crate) struct Element {
    name: String,
    attributes: String,
    body: String,
}

impl Element {
    pub(crate) fn new(name: &str) -> Self {
        Element { name: name.to_owned(), ..Element::default() }
    }

    /// Adds an attribute, if there is a value.
    #[must_use]
    pub(crate) fn attribute(mut self, name: &str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            let _ = write!(self.attributes, " {name}='{}'", escape::xml(value));
        }
        self
    }

    /// Adds an element with a text, if there is one.
    pub(crate) fn text(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            let _ = writeln!(self.body, "<{name}>{}</{name}>", escape::xml(text));
        }
    }

    /// Adds XML as it is.
    pub(crate) fn raw(&mut self, xml: &str) {
        self.body.push_str(xml);
    }

    /// Adds an element, unless nothing is in it.
    pub(crate) fn child(&mut self, child: Element) {
        if !child.attributes.is_empty() || !child.body.is_empty() {
            self.body.push_str(&child.finish());
        }
    }

    /// The element as text, with an end tag even if nothing is in it.
    pub(crate) fn finish_open(self) -> String {
        match self.body.is_empty() {
            true => format!("<{0}{1}>\n</{0}>\n", self.name, self.attributes),
            false => self.finish(),
        }
    }

    /// The element as text.
    pub(crate) fn finish(self) -> String {
        let Element { name, attributes, body } = self;
        if body.is_empty() {
            return format!("<{name}{attributes}/>\n");
        }
        let mut text = format!("<{name}{attributes}>\n");
        for line in body.lines() {
            let _ = writeln!(text, "  {line}");
        }
        let _ = writeln!(text, "</{name}>");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_indented() {
        let mut outer = Element::new("disk").attribute("type", Some("file")).attribute("none", None);
        outer.child(Element::new("driver"));
        let mut source = Element::new("source").attribute("file", Some("/a'b"));
        source.text("name", Some("x<y"));
        outer.child(source);
        assert_eq!(
            outer.finish(),
            "<disk type='file'>\n  <source file='/a&apos;b'>\n    <name>x&lt;y</name>\n  </source>\n</disk>\n"
        );
    }
}
