//! XPath over a document, and the selected nodes as text in libxml2's way of writing them.

use std::cmp::Ordering;
use std::fmt::Write;

use roxmltree::{Document, Node as Element};
use virtus::{Error, ErrorCode, ErrorDomain};
use xpath_eval::{EvaluationContext, ExpandedName, Node, NodeKind, Value, evaluate, parse};

use super::libxml::{attribute_name, escape, shown_children};
use super::tree::Tree;
use crate::shell::{Failure, Outcome};

/// What `expression` selects of a document, each node as text.
///
/// # Errors
/// The document is none, or the expression does not select nodes.
pub(super) fn select(text: &str, expression: &str) -> Outcome<Vec<String>> {
    with_selected(text, expression, |nodes| nodes.iter().map(|node| node.write(0)).collect())
}

/// The same in one element `nodes`.
///
/// # Errors
/// As [`select`].
pub(super) fn select_wrapped(text: &str, expression: &str) -> Outcome<String> {
    with_selected(text, expression, |nodes| {
        if nodes.is_empty() {
            return "<nodes/>".to_owned();
        }
        let attributes: String =
            nodes.iter().filter(|n| n.kind() == NodeKind::Attribute).map(|n| n.write(0)).collect();
        let inner: Vec<_> = nodes.iter().filter(|n| n.kind() != NodeKind::Attribute).collect();
        if inner.is_empty() {
            return format!("<nodes{attributes}/>");
        }
        if inner.iter().any(|node| node.kind() == NodeKind::Text) {
            let inner: String = inner.iter().map(|node| node.write(0)).collect();
            return format!("<nodes{attributes}>{inner}</nodes>");
        }
        let inner: String = inner.iter().map(|node| format!("  {}\n", node.write(1))).collect();
        format!("<nodes{attributes}>\n{inner}</nodes>")
    })
}

fn with_selected<R>(text: &str, expression: &str, use_nodes: impl FnOnce(&[At<'_>]) -> R) -> Outcome<R> {
    let document = Document::parse(text)
        .map_err(|e| Error::new(ErrorDomain::XML, ErrorCode::XML_ERROR, format!("{e}")))?;
    let selected = match parse(expression) {
        Ok(parsed) => evaluate(&parsed, &EvaluationContext::new(At::Tree(document.root_element()))).ok(),
        Err(error) => {
            // libxml2 writes this beside all error handling, and virsh goes on with no nodes
            eprintln!("XPath error : Invalid expression\n{expression}\n{:1$}^", "", error.position);
            None
        }
    };
    match selected {
        None => Ok(use_nodes(&[])),
        Some(Value::NodeSet(mut nodes)) => {
            nodes.sort_by(|a, b| a.document_order(*b));
            Ok(use_nodes(&nodes))
        }
        Some(_) => Err(Failure::from(Error::new(
            ErrorDomain::XML,
            ErrorCode::INTERNAL_ERROR,
            format!("Incorrect xpath '{expression}'"),
        ))),
    }
}

/// A node as XPath sees it.
#[derive(Clone, Copy)]
enum At<'a> {
    Tree(Element<'a, 'a>),
    /// The attribute at this place of the element.
    Attribute(Element<'a, 'a>, usize),
}

impl PartialEq for At<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for At<'_> {}

impl<'a> At<'a> {
    /// Where it stands in the document: attributes after their element, before what is in it.
    fn key(&self) -> (usize, usize) {
        match self {
            At::Tree(node) => (node.id().get_usize(), 0),
            At::Attribute(node, index) => (node.id().get_usize(), index + 1),
        }
    }

    fn write(&self, level: usize) -> String {
        let mut text = String::new();
        match self {
            At::Attribute(owner, index) => {
                if let Some(attribute) = owner.attributes().nth(*index) {
                    let _ = write!(text, " {}=\"", attribute_name(*owner, &attribute));
                    escape(&mut text, attribute.value(), true);
                    text.push('"');
                }
            }
            At::Tree(node) if node.is_root() => {
                text.push_str("<?xml version=\"1.0\"?>\n");
                for child in shown_children(*node) {
                    write_node(&mut text, child, 0, true);
                    text.push('\n');
                }
            }
            At::Tree(node) => write_node(&mut text, *node, level, true),
        }
        text
    }
}

impl<'a> Node<'a> for At<'a> {
    fn kind(self) -> NodeKind {
        match self {
            At::Attribute(..) => NodeKind::Attribute,
            At::Tree(node) if node.is_root() => NodeKind::Root,
            At::Tree(node) if node.is_element() => NodeKind::Element,
            At::Tree(node) if node.is_comment() => NodeKind::Comment,
            At::Tree(node) if node.is_pi() => NodeKind::ProcessingInstruction,
            At::Tree(_) => NodeKind::Text,
        }
    }

    fn parent(self) -> Option<Self> {
        match self {
            At::Tree(node) => node.parent().map(At::Tree),
            At::Attribute(node, _) => Some(At::Tree(node)),
        }
    }

    fn children(self) -> impl Iterator<Item = Self> + 'a {
        let children = match self {
            At::Tree(node) => shown_children(node),
            At::Attribute(..) => Vec::new(),
        };
        children.into_iter().map(At::Tree)
    }

    fn attributes(self) -> impl Iterator<Item = Self> + 'a {
        let (owner, count) = match self {
            At::Tree(node) => (node, node.attributes().count()),
            At::Attribute(node, _) => (node, 0),
        };
        (0..count).map(move |index| At::Attribute(owner, index))
    }

    fn namespaces(self) -> impl Iterator<Item = Self> + 'a {
        std::iter::empty()
    }

    fn expanded_name(self) -> Option<ExpandedName> {
        match self {
            At::Tree(node) if node.is_element() => Some(ExpandedName {
                namespace_uri: node.tag_name().namespace().map(str::to_owned),
                local_name: node.tag_name().name().to_owned(),
            }),
            At::Tree(node) => {
                node.pi().map(|pi| ExpandedName { namespace_uri: None, local_name: pi.target.to_owned() })
            }
            At::Attribute(node, index) => node.attributes().nth(index).map(|attribute| ExpandedName {
                namespace_uri: attribute.namespace().map(str::to_owned),
                local_name: attribute.name().to_owned(),
            }),
        }
    }

    fn string_value(self) -> String {
        match self {
            At::Attribute(node, index) => {
                node.attributes().nth(index).map(|a| a.value().to_owned()).unwrap_or_default()
            }
            At::Tree(node) if node.is_element() || node.is_root() => {
                node.descendants().filter(Element::is_text).filter_map(|t| t.text()).collect()
            }
            At::Tree(node) => node.text().unwrap_or_default().to_owned(),
        }
    }

    fn document_order(self, other: Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

fn write_node(text: &mut String, node: Element<'_, '_>, level: usize, indent: bool) {
    if node.is_comment() {
        let _ = write!(text, "<!--{}-->", node.text().unwrap_or_default());
    } else if let Some(pi) = node.pi() {
        let value = pi.value.map(|value| format!(" {value}")).unwrap_or_default();
        let _ = write!(text, "<?{}{value}?>", pi.target);
    } else if node.is_element() {
        Tree::of(node).write(text, level, indent);
    } else {
        escape(text, node.text().unwrap_or_default(), false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "<a xmlns:q='urn:x'>\n  <b k='1&lt;2'>\n    <c>t&amp;x</c>\n    <d/>\n  </b>\n  <q:e z='it&quot;s'/>\n</a>\n";

    #[test]
    fn nodes_are_written_as_libxml2_writes_them() {
        assert_eq!(select(TEXT, "//b").unwrap(), ["<b k=\"1&lt;2\">\n  <c>t&amp;x</c>\n  <d/>\n</b>"]);
        assert_eq!(select(TEXT, "//@k").unwrap(), [" k=\"1&lt;2\""]);
        assert_eq!(select(TEXT, "./b/d | ./b/c").unwrap(), ["<c>t&amp;x</c>", "<d/>"]);
        assert_eq!(select(TEXT, "//*[@z]").unwrap(), ["<q:e z=\"it&quot;s\"/>"]);
        assert_eq!(select(TEXT, "//nope").unwrap(), Vec::<String>::new());
        assert_eq!(
            select_wrapped(TEXT, "//b").unwrap(),
            "<nodes>\n  <b k=\"1&lt;2\">\n    <c>t&amp;x</c>\n    <d/>\n  </b>\n</nodes>"
        );
    }

    #[test]
    fn only_nodes_can_be_shown() {
        let error = select(TEXT, "count(//b)").unwrap_err();
        assert_eq!(error.lines().collect::<Vec<_>>(), ["internal error: Incorrect xpath 'count(//b)'"]);
    }
}
