//! What libxml2 shows of a document, and how it writes names and special characters.

use roxmltree::{Attribute, Node};

/// The children without the blanks that only indent.
pub(super) fn shown_children<'a, 'i>(node: Node<'a, 'i>) -> Vec<Node<'a, 'i>> {
    let has_elements = node.children().any(|child| child.is_element());
    node.children()
        .filter(|child| {
            !(has_elements && child.is_text() && child.text().is_none_or(|t| t.trim().is_empty()))
        })
        .collect()
}

/// The name of an element with its prefix.
pub(super) fn qualified(node: Node<'_, '_>) -> String {
    let tag = node.tag_name();
    match tag.namespace().and_then(|uri| node.lookup_prefix(uri)) {
        Some(prefix) if !prefix.is_empty() => format!("{prefix}:{}", tag.name()),
        _ => tag.name().to_owned(),
    }
}

/// The attributes of an element in order, after the namespaces that it declares.
pub(super) fn attributes(node: Node<'_, '_>) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for namespace in node.namespaces() {
        let inherited = node.parent().is_some_and(|parent| parent.namespaces().any(|n| n == namespace));
        if !inherited {
            let prefix = namespace.name().map(|prefix| format!(":{prefix}")).unwrap_or_default();
            all.push((format!("xmlns{prefix}"), namespace.uri().to_owned()));
        }
    }
    all.extend(
        node.attributes().map(|attribute| (attribute_name(node, &attribute), attribute.value().to_owned())),
    );
    all
}

/// The name of an attribute of `owner` with its prefix.
pub(super) fn attribute_name(owner: Node<'_, '_>, attribute: &Attribute<'_, '_>) -> String {
    match attribute.namespace().and_then(|uri| owner.lookup_prefix(uri)) {
        Some(prefix) => format!("{prefix}:{}", attribute.name()),
        None => attribute.name().to_owned(),
    }
}

/// Adds `value` to `text` with its special characters as references; in an attribute there are more of them.
pub(super) fn escape(text: &mut String, value: &str, attribute: bool) {
    for c in value.chars() {
        match c {
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '&' => text.push_str("&amp;"),
            '\r' => text.push_str("&#13;"),
            '"' if attribute => text.push_str("&quot;"),
            '\n' if attribute => text.push_str("&#10;"),
            '\t' if attribute => text.push_str("&#9;"),
            c => text.push(c),
        }
    }
}
