//! Looking into XML, and `--xpath`.

use crate::shell::{Failure, Outcome, Shell, out};

pub(crate) mod build;
mod libxml;
pub(crate) mod tree;
mod xpath;

pub(crate) use roxmltree::{Document, Node};

/// Reads what a daemon says; `what` names it in the complaint.
///
/// # Errors
/// It is no XML.
pub(crate) fn parse<'a>(text: &'a str, what: &str) -> Outcome<Document<'a>> {
    Document::parse(text).map_err(|_| Failure::new(format_args!("Failed to parse {what} description xml")))
}

/// The element at a path of names below `node`: the first of each.
pub(crate) fn child<'a, 'i>(node: Node<'a, 'i>, path: &str) -> Option<Node<'a, 'i>> {
    path.split('/').try_fold(node, |node, name| node.children().find(|child| child.has_tag_name(name)))
}

/// All elements at a path of names below `node`.
pub(crate) fn children<'a, 'i>(node: Node<'a, 'i>, path: &str) -> Vec<Node<'a, 'i>> {
    let mut found = vec![node];
    for name in path.split('/') {
        found = found
            .into_iter()
            .flat_map(|node| {
                node.children()
                    .filter(move |child| name == "*" && child.is_element() || child.has_tag_name(name))
            })
            .collect();
    }
    found
}

/// An attribute of the element at a path.
pub(crate) fn attribute<'a>(node: Node<'a, '_>, path: &str, name: &str) -> Option<&'a str> {
    if path.is_empty() {
        return node.attribute(name);
    }
    child(node, path)?.attribute(name)
}

/// The text of the element at a path.
pub(crate) fn text<'a>(node: Node<'a, '_>, path: &str) -> Option<&'a str> {
    child(node, path)?.text()
}

/// Prints a document, or what an XPath expression selects of it.
///
/// # Errors
/// The expression is none.
pub(crate) fn show(shell: &mut Shell, text: &str, expression: Option<&str>, wrap: bool) -> Outcome {
    let Some(expression) = expression else {
        out!(shell, "{text}");
        return Ok(());
    };
    if wrap {
        let selected = xpath::select_wrapped(text, expression)?;
        out!(shell, "{selected}\n");
        return Ok(());
    }
    for node in xpath::select(text, expression)? {
        out!(shell, "{node}\n");
    }
    Ok(())
}
