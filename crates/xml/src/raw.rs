//! Subtrees kept as they are: `<metadata>`, foreign namespaces.

use std::borrow::Cow;
use std::collections::HashSet;

use roxmltree::{Node, NodeType};
use virtus_base::{Error, ErrorCode};

use crate::{Document, Element, ErrorDomain, ReadOptions, Result, Writer, Xml, writer::escape};

/// A subtree nests no deeper. Documents may be a little deeper, for it is written into others, which have to be read.
const MAX_DEPTH: usize = 240;

/// A subtree that Virtus does not interpret. It is written as libxml2 dumps it: double quotes, its own
/// namespace declarations, indented where it holds no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawElement {
    name: String,
    /// Namespace declarations made here: prefix (empty for the default one) and URI.
    namespaces: Vec<(String, String)>,
    uri: Option<String>,
    attributes: Vec<(String, String)>,
    children: Vec<RawNode>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum RawNode {
    Element(RawElement),
    Text(String),
    Comment(String),
}

impl RawElement {
    /// The namespace's URI.
    pub fn namespace(&self) -> Option<&str> {
        self.uri.as_deref()
    }

    /// The name with its prefix.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The prefix before the name; empty when there is none.
    pub fn prefix(&self) -> &str {
        self.name.split_once(':').map_or("", |(prefix, _)| prefix)
    }

    /// Reads a document of one element.
    ///
    /// # Errors
    /// `XML_DETAIL` when it is ill-formed.
    pub fn parse(text: &str, domain: ErrorDomain) -> Result<Self> {
        let document = Document::parse(text, domain, &ReadOptions::default())?;
        RawElement::read(document.root())
    }

    /// An element with nothing in it.
    pub fn new(name: impl Into<String>) -> Self {
        RawElement {
            name: name.into(),
            namespaces: Vec::new(),
            uri: None,
            attributes: Vec::new(),
            children: Vec::new(),
        }
    }

    /// Declares namespace `uri` as `prefix` and puts the element and all in it that have no namespace into it.
    pub fn set_namespace(&mut self, prefix: &str, uri: &str) {
        self.namespaces.retain(|(p, _)| p != prefix);
        self.namespaces.push((prefix.to_owned(), uri.to_owned()));
        self.each_element(&mut |e| {
            if e.uri.is_none() {
                e.name = format!("{prefix}:{}", e.name);
                e.uri = Some(uri.to_owned());
            }
        });
    }

    /// The element as its application gave it before [`RawElement::set_namespace`]: without namespace `uri`.
    #[must_use]
    pub fn without_namespace(mut self, uri: &str) -> Self {
        self.namespaces.retain(|(_, declared)| declared != uri);
        self.each_element(&mut |e| {
            if e.uri.as_deref() == Some(uri) {
                e.uri = None;
                if let Some((_, local)) = e.name.split_once(':') {
                    e.name = local.to_owned();
                }
            }
        });
        self
    }

    fn each_element(&mut self, visit: &mut dyn FnMut(&mut RawElement)) {
        visit(self);
        for child in &mut self.children {
            if let RawNode::Element(e) = child {
                e.each_element(visit);
            }
        }
    }

    /// An attribute's value.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Sets an attribute.
    pub fn set_attribute(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let name = name.into();
        self.attributes.retain(|(n, _)| *n != name);
        self.attributes.push((name, value.into()));
    }

    /// The text directly inside.
    pub fn text(&self) -> String {
        let texts = self.children.iter().filter_map(|c| match c {
            RawNode::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    /// Adds text at the end.
    pub fn push_text(&mut self, text: impl Into<String>) {
        self.children.push(RawNode::Text(text.into()));
    }

    /// The elements directly inside.
    pub fn elements(&self) -> impl Iterator<Item = &RawElement> {
        self.children.iter().filter_map(|c| match c {
            RawNode::Element(e) => Some(e),
            _ => None,
        })
    }

    /// Keeps of the elements directly inside those that `keep` says.
    pub fn retain_elements(&mut self, mut keep: impl FnMut(&RawElement) -> bool) {
        self.children.retain(|c| match c {
            RawNode::Element(e) => keep(e),
            _ => true,
        });
    }

    /// Adds an element at the end.
    pub fn push(&mut self, element: RawElement) {
        self.children.push(RawNode::Element(element));
    }

    /// The element as a document of its own, without indentation before it.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, 0);
        out.truncate(out.trim_end().len());
        out
    }

    fn of<'a>(node: Node<'a, 'a>, inherited: &[(&'a str, &'a str)]) -> Self {
        let tag = node.tag_name();
        let (namespaces, scope) = if declares(node) {
            // the declarations in scope here that the outside does not make
            let outside: HashSet<_> = inherited.iter().collect();
            let scope = in_scope(node);
            (scope.iter().filter(|n| !outside.contains(n)).copied().collect(), Cow::Owned(scope))
        } else {
            (Vec::new(), Cow::Borrowed(inherited))
        };
        let qualified = |prefix: Option<&str>, name: &str| match prefix {
            Some(prefix) if !prefix.is_empty() => format!("{prefix}:{name}"),
            _ => name.to_owned(),
        };
        let attributes = node
            .attributes()
            .map(|a| {
                let prefix = a.namespace().and_then(|uri| match uri {
                    roxmltree::NS_XML_URI => Some("xml"),
                    _ => node.lookup_prefix(uri),
                });
                (qualified(prefix, a.name()), a.value().to_owned())
            })
            .collect();
        let mut children: Vec<_> = node
            .children()
            .filter_map(|child| match child.node_type() {
                NodeType::Element => Some(RawNode::Element(RawElement::of(child, &scope))),
                NodeType::Text => child.text().map(|t| RawNode::Text(t.to_owned())),
                NodeType::Comment => child.text().map(|t| RawNode::Comment(t.to_owned())),
                _ => None,
            })
            .collect();
        // blanks between elements are layout, not text
        let blank = |c: &RawNode| matches!(c, RawNode::Text(t) if t.trim().is_empty());
        let mixed = children.iter().any(|c| matches!(c, RawNode::Text(_)) && !blank(c));
        if !mixed && (children.iter().any(|c| !blank(c))) {
            children.retain(|c| !blank(c));
        }
        // roxmltree keeps the URI alone, so the prefix is the source's
        let prefix = tag.namespace().and_then(|uri| {
            let source = node.document().input_text().get(node.range().start + 1..).unwrap_or_default();
            let written = source.split([' ', '\t', '\r', '\n', '>', '/']).next().unwrap_or_default();
            match written.split_once(':') {
                Some((prefix, _)) => Some(prefix),
                None => node.lookup_prefix(uri).filter(|p| p.is_empty()),
            }
        });
        RawElement {
            name: qualified(prefix, tag.name()),
            namespaces: namespaces
                .into_iter()
                .map(|(p, uri): (&str, &str)| (p.to_owned(), uri.to_owned()))
                .collect(),
            uri: tag.namespace().map(str::to_owned),
            attributes,
            children,
        }
    }

    fn write(&self, out: &mut String, depth: usize) {
        let indent = |out: &mut String, depth: usize| (0..depth).for_each(|_| out.push_str("  "));
        indent(out, depth);
        self.write_inline(out, depth);
        out.push('\n');
    }

    fn write_inline(&self, out: &mut String, depth: usize) {
        out.push('<');
        out.push_str(&self.name);
        for (prefix, uri) in &self.namespaces {
            out.push_str(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
            out.push_str(prefix);
            quoted(out, uri);
        }
        for (name, value) in &self.attributes {
            out.push(' ');
            out.push_str(name);
            quoted(out, value);
        }
        if self.children.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        let layout = !self.children.iter().any(|c| matches!(c, RawNode::Text(_)));
        for child in &self.children {
            if layout {
                out.push('\n');
                (0..=depth).for_each(|_| out.push_str("  "));
            }
            match child {
                RawNode::Element(e) => e.write_inline(out, depth + 1),
                RawNode::Text(text) => text_dump(out, text),
                RawNode::Comment(text) => {
                    out.push_str("<!--");
                    out.push_str(text);
                    out.push_str("-->");
                }
            }
        }
        if layout {
            out.push('\n');
            (0..depth).for_each(|_| out.push_str("  "));
        }
        out.push_str("</");
        out.push_str(&self.name);
        out.push('>');
    }
}

fn quoted(out: &mut String, value: &str) {
    out.push_str("=\"");
    for c in value.chars() {
        match c {
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\r' => out.push_str("&#13;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            _ => out.push(c),
        }
    }
    out.push('"');
}

fn text_dump(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            _ => out.push(c),
        }
    }
}

impl Xml for RawElement {
    fn read(e: Element<'_>) -> Result<Self> {
        let node = e.accept_all().node();
        if depth(node) > MAX_DEPTH {
            return Err(too_deep(e));
        }
        // what is declared outside is declared here if it is used in here, and else left behind
        let outside: Vec<_> = node.parent_element().map(in_scope).unwrap_or_default();
        let mut raw = RawElement::of(node, &outside);
        let used = used(node);
        let here = |prefix: &str| raw.namespaces.iter().any(|(p, _)| p == prefix);
        let used: Vec<_> = outside
            .into_iter()
            .filter(|(prefix, uri)| used.contains(uri) && !here(prefix))
            .map(|(prefix, uri)| (prefix.to_owned(), uri.to_owned()))
            .collect();
        raw.namespaces.extend(used);
        Ok(raw)
    }
    fn write_attrs(&self, _: &mut Writer) {}
    fn write_body(&self, _: &mut Writer) {}
    fn write_element(&self, _: &'static str, w: &mut Writer) {
        w.raw_element(self);
    }
}

/// Prefix and URI of what is declared at this element and around it.
fn in_scope<'a>(node: Node<'a, 'a>) -> Vec<(&'a str, &'a str)> {
    let declared = node.namespaces().filter(|n| n.name() != Some("xml"));
    declared.map(|n| (n.name().unwrap_or_default(), n.uri())).collect()
}

/// Whether the element itself may declare a namespace. Most do not, and what is around them need not be looked at.
fn declares(node: Node<'_, '_>) -> bool {
    let range = node.range();
    let end = node.first_child().map_or(range.end, |child| child.range().start);
    let tag = node.document().input_text().get(range.start..end);
    tag.is_none_or(|tag| tag.contains("xmlns"))
}

/// The namespaces of all elements and attributes in here.
fn used<'a>(node: Node<'a, 'a>) -> HashSet<&'a str> {
    let names = |n: Node<'a, 'a>| {
        n.tag_name().namespace().into_iter().chain(n.attributes().filter_map(|a| a.namespace()))
    };
    node.descendants().flat_map(names).collect()
}

/// How many elements are in one another.
fn depth(node: Node<'_, '_>) -> usize {
    let (mut depth, mut deepest, mut at) = (1, 1, node);
    loop {
        let inner = at.first_element_child();
        let next = inner.or_else(|| at.next_sibling_element().filter(|_| depth > 1));
        depth += usize::from(inner.is_some());
        deepest = deepest.max(depth);
        at = match next {
            Some(next) => next,
            None => loop {
                let Some(parent) = at.parent_element().filter(|_| depth > 1) else { return deepest };
                (at, depth) = (parent, depth - 1);
                if depth == 1 {
                    return deepest;
                }
                if let Some(next) = at.next_sibling_element() {
                    break next;
                }
            },
        };
    }
}

fn too_deep(e: Element<'_>) -> Error {
    let text = format!("at line {}: Excessive depth in document: 256 use XML_PARSE_HUGE option", e.line());
    Error::new(ErrorDomain::XML, ErrorCode::XML_DETAIL, text)
}

impl Writer {
    /// Writes a kept subtree at the present depth.
    pub fn raw_element(&mut self, element: &RawElement) {
        self.raw_with(|out, depth| element.write(out, depth));
    }

    /// The text escaped as this writer escapes it.
    pub fn escaped(text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        escape(&mut out, text);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subtree_comes_back_as_libxml2_dumps_it() {
        let text =
            "<m xmlns:a='u:a'><a:x b='1 &quot;2&quot;'>\n <a:y/><z xmlns='u:z'>t &amp; u</z></a:x></m>";
        let doc = Document::parse(text, ErrorDomain::DOMAIN, &ReadOptions::default()).unwrap();
        let inner = doc.root().elements().next().unwrap();
        let raw = RawElement::read(inner).unwrap();
        assert_eq!(raw.namespace(), Some("u:a"));
        assert_eq!(
            raw.to_text(),
            "<a:x xmlns:a=\"u:a\" b=\"1 &quot;2&quot;\">\n  <a:y/>\n  <z xmlns=\"u:z\">t &amp; u</z>\n</a:x>"
        );
    }

    #[test]
    fn what_is_kept_can_be_written_into_another_document() {
        let nested =
            |depth: usize| format!("{}<i/><i><j/></i>{}", "<a>".repeat(depth), "<i/></a>".repeat(depth));
        let kept = RawElement::parse(&nested(238), ErrorDomain::DOMAIN).unwrap();
        let around =
            format!("<domstatus><domain><metadata>{}</metadata></domain></domstatus>", kept.to_text());
        assert!(Document::parse(&around, ErrorDomain::DOMAIN, &ReadOptions::default()).is_ok());
        let e = RawElement::parse(&nested(239), ErrorDomain::DOMAIN).unwrap_err();
        assert!(e.message().contains("Excessive depth"), "{e}");
    }

    #[test]
    fn many_namespaces_and_many_elements_take_no_longer() {
        let before = std::time::Instant::now();
        let spaces: String = (0..250).map(|i| format!(" xmlns:n{i}='{i}'")).collect();
        let text = format!("<r{spaces}>{}</r>", "<n7:b/>".repeat(10_000));
        let document = Document::parse(&text, ErrorDomain::DOMAIN, &ReadOptions::default()).unwrap();
        let kept: Vec<_> = document.root().elements().map(|e| RawElement::read(e).unwrap()).collect();
        assert!(kept.iter().all(|raw| raw.namespaces.len() == 1));
        assert_eq!(RawElement::read(document.root()).unwrap().namespaces.len(), 250);
        assert!(before.elapsed().as_secs() < 20, "{:?}", before.elapsed());
    }
}
