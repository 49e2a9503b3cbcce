//! An element that can be changed and written again, in libxml2's way.

use super::{Node, libxml};

/// An element with what is in it, owned.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) content: Vec<Content>,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    Element(Tree),
    Text(String),
    Comment(String),
}

impl Tree {
    pub(crate) fn new(name: &str) -> Self {
        Tree { name: name.to_owned(), attributes: Vec::new(), content: Vec::new() }
    }

    /// A copy of an element.
    pub(crate) fn of(node: Node<'_, '_>) -> Self {
        let mut tree = Tree::new(&libxml::qualified(node));
        tree.attributes = libxml::attributes(node);
        for child in libxml::shown_children(node) {
            if child.is_element() {
                tree.content.push(Content::Element(Tree::of(child)));
            } else if child.is_comment() {
                tree.content.push(Content::Comment(child.text().unwrap_or_default().to_owned()));
            } else if child.is_text() {
                tree.content.push(Content::Text(child.text().unwrap_or_default().to_owned()));
            }
        }
        tree
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn set_attribute(&mut self, name: &str, value: &str) {
        match self.attributes.iter_mut().find(|(own, _)| own == name) {
            Some((_, own)) => value.clone_into(own),
            None => self.attributes.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Gets another name and loses its attributes.
    pub(crate) fn become_bare(&mut self, name: &str) {
        name.clone_into(&mut self.name);
        self.attributes.clear();
    }

    /// The first element of this name in it.
    pub(crate) fn child_mut(&mut self, name: &str) -> Option<&mut Tree> {
        self.content.iter_mut().find_map(|content| match content {
            Content::Element(tree) if tree.name == name => Some(tree),
            _ => None,
        })
    }

    /// Takes the first element of this name out.
    pub(crate) fn remove(&mut self, name: &str) -> Option<Tree> {
        let is_it = |content: &Content| matches!(content, Content::Element(tree) if tree.name == name);
        let place = self.content.iter().position(is_it)?;
        match self.content.remove(place) {
            Content::Element(tree) => Some(tree),
            _ => None,
        }
    }

    /// Puts an element behind all others.
    pub(crate) fn push(&mut self, tree: Tree) {
        self.content.push(Content::Element(tree));
    }

    /// Puts a text in place of all that is in it.
    pub(crate) fn set_text(&mut self, text: &str) {
        self.content = vec![Content::Text(text.to_owned())];
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, 0, true);
        text
    }

    pub(super) fn write(&self, text: &mut String, level: usize, indent: bool) {
        text.push('<');
        text.push_str(&self.name);
        for (name, value) in &self.attributes {
            text.push_str(&format!(" {name}=\""));
            libxml::escape(text, value, true);
            text.push('"');
        }
        if self.content.is_empty() {
            text.push_str("/>");
            return;
        }
        text.push('>');
        let indent = indent && !self.content.iter().any(|content| matches!(content, Content::Text(_)));
        for content in &self.content {
            if indent {
                text.push_str(&format!("\n{:1$}", "", (level + 1) * 2));
            }
            match content {
                Content::Element(tree) => tree.write(text, level + 1, indent),
                Content::Text(own) => libxml::escape(text, own, false),
                Content::Comment(own) => text.push_str(&format!("<!--{own}-->")),
            }
        }
        if indent {
            text.push_str(&format!("\n{:1$}", "", level * 2));
        }
        text.push_str(&format!("</{}>", self.name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::Document;

    #[test]
    fn changed_elements_are_written_as_libxml2_writes_them() {
        let document = Document::parse("<a x='1'>\n  <b/>\n  <c>t</c>\n</a>").unwrap();
        let mut tree = Tree::of(document.root_element());
        tree.set_attribute("x", "2");
        tree.set_attribute("y", "<");
        assert_eq!(tree.remove("b").unwrap().text(), "<b/>");
        tree.child_mut("c").unwrap().set_text("new");
        tree.push(Tree::new("d"));
        assert_eq!(tree.text(), "<a x=\"2\" y=\"&lt;\">\n  <c>new</c>\n  <d/>\n</a>");
    }
}
