//! `<metadata>`: subtrees of applications, one per namespace, kept as they are.

use virtus_base::Result;
use virtus_xml::{Element, RawElement, Writer, Xml};

/// `<metadata>`.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    root: RawElement,
}

impl Default for Metadata {
    fn default() -> Self {
        Metadata { root: RawElement::new("metadata") }
    }
}

impl Metadata {
    /// The applications' elements.
    pub fn elements(&self) -> impl Iterator<Item = &RawElement> {
        self.root.elements()
    }

    /// The element of namespace `uri`.
    pub fn get(&self, uri: &str) -> Option<&RawElement> {
        self.elements().find(|e| e.namespace() == Some(uri))
    }

    /// Puts `element` in the place of the one of namespace `uri`, or takes that one out.
    pub fn set(&mut self, uri: &str, element: Option<RawElement>) {
        self.root.retain_elements(|e| e.namespace() != Some(uri));
        if let Some(element) = element {
            self.root.push(element);
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.elements().next().is_none()
    }
}

impl Xml for Metadata {
    fn read(e: Element<'_>) -> Result<Self> {
        let mut root = RawElement::read(e)?;
        // an element without namespace, or a second one of the same, is dropped
        let mut seen = std::collections::HashSet::new();
        root.retain_elements(|child| match child.namespace() {
            Some(uri) => seen.insert(uri.to_owned()),
            None => false,
        });
        Ok(Metadata { root })
    }
    fn write_attrs(&self, _: &mut Writer) {}
    fn write_body(&self, w: &mut Writer) {
        for element in self.elements() {
            w.raw_element(element);
        }
    }
    fn write_element(&self, _: &'static str, w: &mut Writer) {
        // the element's own tag may declare namespaces
        w.raw_element(&self.root);
    }
}
