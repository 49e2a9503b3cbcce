//! Reading: an element of a parsed document, which remembers what was asked of it.

use std::cell::RefCell;

use roxmltree::{Document as Tree, Node, ParsingOptions};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

use crate::{Xml, syntax};

/// A variant of a document that a field can be limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Only {
    /// The definition of a running object.
    Live,
    /// The persistent definition.
    Inactive,
    /// Written for those who may see secrets; always read.
    Secure,
    /// Written for another host; always read.
    Migratable,
    /// The daemon's own status file.
    Status,
}

/// Which variant is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOptions {
    /// A persistent definition: what only a running object has is passed over.
    pub inactive: bool,
    /// The daemon's own status file.
    pub status: bool,
    /// Whether to remember what is read, for [`Document::unknown`].
    pub track: bool,
}

/// A well-formed document.
#[derive(Debug)]
pub struct Document<'a> {
    tree: Tree<'a>,
    options: ReadOptions,
    seen: RefCell<Seen>,
}

/// What was read: nodes by their id, attributes by their place in the source.
#[derive(Debug, Default)]
struct Seen {
    nodes: Vec<bool>,
    /// Elements whose text was asked for.
    texts: std::collections::HashSet<usize>,
    attributes: std::collections::HashSet<usize>,
}

impl<'a> Document<'a> {
    /// Parses `text`. An ill-formed one is `XML_DETAIL` from `domain`, with libxml2's text and line.
    pub fn parse(text: &'a str, domain: ErrorDomain, options: &ReadOptions) -> Result<Self> {
        syntax::check(text, domain)?;
        // the scanner lets no entity pass
        let parsing = ParsingOptions { allow_dtd: true, nodes_limit: u32::MAX, ..Default::default() };
        let tree = Tree::parse_with_options(text, parsing).map_err(|e| syntax::error(text, &e, domain))?;
        Ok(Document { tree, options: *options, seen: RefCell::default() })
    }

    /// The root element.
    pub fn root(&self) -> Element<'_> {
        let root = Element {
            node: self.tree.root_element(),
            doc: Reader { tree: &self.tree, options: &self.options, seen: &self.seen },
        };
        root.see();
        root
    }

    /// The root element, which must be `name`.
    pub fn root_named(&self, name: &str) -> Result<Element<'_>> {
        let root = self.root();
        match root.name() {
            found if found == name => Ok(root),
            // libvirt looks at the root in its code for XML, whosever document it is
            found => Err(Error::new(
                ErrorDomain::XML,
                ErrorCode::XML_ERROR,
                format!("expecting root element of '{name}', not '{found}'"),
            )),
        }
    }

    /// The first element, attribute or text that nobody asked for, with its line: `("element", name, line)`; a text
    /// has the name of its element.
    /// Only of a document read with [`ReadOptions::track`].
    pub fn unknown(&self) -> Option<(&'static str, &str, u32)> {
        let seen = self.seen.borrow();
        let known = |node: &Node<'_, '_>| seen.nodes.get(node.id().get_usize()).copied().unwrap_or(false);
        for node in self.tree.root().descendants().filter(Node::is_element) {
            // below an unknown element everything is unknown; the outermost is the one to name
            if !known(&node) {
                if node.parent_element().as_ref().is_none_or(known) {
                    let line = self.tree.text_pos_at(node.range().start).row;
                    return Some(("element", node.tag_name().name(), line));
                }
                continue;
            }
            let words =
                || node.children().any(|n| n.is_text() && n.text().is_some_and(|t| !t.trim().is_empty()));
            if !seen.texts.contains(&node.id().get_usize()) && words() {
                let line = self.tree.text_pos_at(node.range().start).row;
                return Some(("text", node.tag_name().name(), line));
            }
            for attribute in node.attributes() {
                if attribute.namespace().is_none() && !seen.attributes.contains(&attribute.range().start) {
                    let line = self.tree.text_pos_at(attribute.range().start).row;
                    return Some(("attribute", attribute.name(), line));
                }
            }
        }
        None
    }
}

/// Reads a whole document whose root is `name`.
pub fn read_document<T: Xml>(
    text: &str,
    name: &str,
    domain: ErrorDomain,
    options: &ReadOptions,
) -> Result<T> {
    let document = Document::parse(text, domain, options)?;
    T::read(document.root_named(name)?)
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    tree: &'a Tree<'a>,
    options: &'a ReadOptions,
    seen: &'a RefCell<Seen>,
}

/// An element being read.
#[derive(Clone, Copy)]
pub struct Element<'a> {
    node: Node<'a, 'a>,
    doc: Reader<'a>,
}

impl std::fmt::Debug for Element<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<{}> at line {}", self.name(), self.line())
    }
}

impl<'a> Element<'a> {
    /// The name without its prefix.
    pub fn name(&self) -> &'a str {
        self.node.tag_name().name()
    }

    /// The namespace's URI, if it has one.
    pub fn namespace(&self) -> Option<&'a str> {
        self.node.tag_name().namespace()
    }

    /// The line of the source it begins in, from 1.
    pub fn line(&self) -> u32 {
        self.doc.tree.text_pos_at(self.node.range().start).row
    }

    /// The name of the element it stands in.
    pub fn parent_name(&self) -> Option<&'a str> {
        self.node.parent_element().map(|n| n.tag_name().name())
    }

    /// How the document is being read.
    pub fn options(&self) -> &'a ReadOptions {
        self.doc.options
    }

    /// Whether a field limited to `only` is read.
    pub fn reads(&self, only: Only) -> bool {
        match only {
            Only::Live => !self.doc.options.inactive,
            Only::Inactive => self.doc.options.inactive,
            Only::Status => self.doc.options.status,
            Only::Secure | Only::Migratable => true,
        }
    }

    /// An attribute without namespace, empty or not.
    pub fn attr(&self, name: &str) -> Option<&'a str> {
        let attribute = self.node.attributes().find(|a| a.name() == name && a.namespace().is_none())?;
        if self.doc.options.track {
            self.doc.seen.borrow_mut().attributes.insert(attribute.range().start);
        }
        Some(attribute.value())
    }

    /// As [`Element::attr`], without counting as read.
    pub fn peek(&self, name: &str) -> Option<&'a str> {
        self.node.attributes().find(|a| a.name() == name && a.namespace().is_none()).map(|a| a.value())
    }

    /// The first child element of this name, without namespace.
    pub fn child(&self, name: &str) -> Option<Element<'a>> {
        self.children(name).next()
    }

    /// The element at the end of `path`, taking the first of each name; this one when the path is empty.
    pub fn descend(&self, path: &[&str]) -> Option<Element<'a>> {
        path.iter().try_fold(*self, |e, name| e.child(name))
    }

    /// The child elements of this name, without namespace.
    pub fn children<'n>(&self, name: &'n str) -> impl Iterator<Item = Element<'a>> + use<'a, 'n> {
        let doc = self.doc;
        self.node
            .children()
            .filter(move |n| {
                n.is_element() && n.tag_name().name() == name && n.tag_name().namespace().is_none()
            })
            .map(move |node| {
                let e = Element { node, doc };
                e.see();
                e
            })
    }

    /// The child elements of this name in namespace `uri`.
    pub fn children_ns<'n>(
        &self,
        uri: &'n str,
        name: &'n str,
    ) -> impl Iterator<Item = Element<'a>> + use<'a, 'n> {
        let doc = self.doc;
        self.node.children().filter(move |n| n.has_tag_name((uri, name))).map(move |node| {
            let e = Element { node, doc };
            e.see();
            e
        })
    }

    /// This element and those of its name beside it, in the order of the document.
    pub fn twins(&self) -> impl Iterator<Item = Element<'a>> + use<'a> {
        let (doc, tag) = (self.doc, self.node.tag_name());
        let parent = self.node.parent().unwrap_or(self.node);
        parent.children().filter(move |n| n.is_element() && n.tag_name() == tag).map(move |node| {
            let e = Element { node, doc };
            e.see();
            e
        })
    }

    /// All child elements. Each counts as read only after [`Element::accept`].
    pub fn elements(&self) -> impl Iterator<Item = Element<'a>> + use<'a> {
        let doc = self.doc;
        self.node.children().filter(Node::is_element).map(move |node| Element { node, doc })
    }

    /// Marks the element as known.
    pub fn accept(self) -> Self {
        self.see();
        self
    }

    /// Marks the element, its attributes and all below as known: a subtree kept as it is.
    pub fn accept_all(self) -> Self {
        if self.doc.options.track {
            for node in self.node.descendants().filter(Node::is_element) {
                let e = Element { node, doc: self.doc };
                e.see();
                let mut seen = self.doc.seen.borrow_mut();
                seen.texts.insert(node.id().get_usize());
                seen.attributes.extend(node.attributes().map(|a| a.range().start));
            }
        }
        self
    }

    /// The whole text inside; `None` when there is none (libvirt does not tell `<x/>` from no `<x>`).
    pub fn text(&self) -> Option<String> {
        if self.doc.options.track {
            self.doc.seen.borrow_mut().texts.insert(self.node.id().get_usize());
        }
        self.whole_text()
    }

    /// As [`Element::text`], without counting as read.
    pub fn peek_text(&self) -> String {
        self.whole_text().unwrap_or_default()
    }

    fn whole_text(&self) -> Option<String> {
        let texts = self.node.descendants().filter(Node::is_text).filter(|text| !is_filling(text));
        let text: String = texts.filter_map(|n| n.text()).collect();
        (!text.is_empty()).then_some(text)
    }

    /// The node itself, for what the mapping does not cover.
    pub fn node(&self) -> Node<'a, 'a> {
        self.node
    }

    fn see(&self) {
        if self.doc.options.track {
            let mut seen = self.doc.seen.borrow_mut();
            let id = self.node.id().get_usize();
            if seen.nodes.len() <= id {
                seen.nodes.resize(id + 1, false);
            }
            if let Some(slot) = seen.nodes.get_mut(id) {
                *slot = true;
            }
        }
    }
}

/// Whether a text only sets elements apart, as libvirt's parser takes it: blanks in an element that has others and
/// does not begin with words. Such texts are not there for it.
fn is_filling(text: &Node<'_, '_>) -> bool {
    let blank = |n: &Node<'_, '_>| n.text().is_some_and(|t| t.trim().is_empty());
    let Some(parent) = text.parent() else { return false };
    let words_first = parent.first_child().is_some_and(|first| first.is_text() && !blank(&first));
    blank(text) && !words_first && parent.children().any(|n| n.is_element())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_asked_for_is_named_with_its_line() {
        let text = "<a x='1'>\n  <b/>\n  <c>\n    <d/>\n  </c>\n</a>";
        let options = ReadOptions { track: true, ..Default::default() };
        let doc = Document::parse(text, ErrorDomain::DOMAIN, &options).unwrap();
        let root = doc.root();
        assert_eq!(doc.unknown(), Some(("attribute", "x", 1)));
        assert_eq!(root.attr("x"), Some("1"));
        assert_eq!(doc.unknown(), Some(("element", "b", 2)));
        assert!(root.child("b").is_some());
        assert_eq!(doc.unknown(), Some(("element", "c", 3)));
        assert!(root.descend(&["c", "d"]).is_some());
        assert_eq!(doc.unknown(), None);
    }

    #[test]
    fn so_is_text_that_nobody_asked_for() {
        let options = ReadOptions { track: true, ..Default::default() };
        let doc = Document::parse("<a>\n  <b>words</b></a>", ErrorDomain::DOMAIN, &options).unwrap();
        let b = doc.root().child("b").unwrap();
        assert_eq!((b.peek("x"), b.peek_text().as_str()), (None, "words"));
        assert_eq!(doc.unknown(), Some(("text", "b", 2)));
        assert_eq!(b.text().as_deref(), Some("words"));
        assert_eq!(doc.unknown(), None);
    }

    #[test]
    fn a_wrong_root_is_libvirts_error() {
        let doc = Document::parse("<a/>", ErrorDomain::DOMAIN, &ReadOptions::default()).unwrap();
        let e = doc.root_named("domain").unwrap_err();
        assert_eq!(e.message(), "XML error: expecting root element of 'domain', not 'a'");
    }
}
