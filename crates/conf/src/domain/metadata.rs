//! `<metadata>`: subtrees of applications, one per namespace, kept as they are.

use virtus_base::Result;
use virtus_xml::{Element, RawElement, Writer, Xml};

/// `<metadata>`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    pub elements: Vec<RawElement>,
}

impl Metadata {
    /// The element of namespace `uri`.
    pub fn get(&self, uri: &str) -> Option<&RawElement> {
        self.elements.iter().find(|e| e.namespace() == Some(uri))
    }

    /// Puts `element` in the place of the one of namespace `uri`, or takes that one out.
    pub fn set(&mut self, uri: &str, element: Option<RawElement>) {
        self.elements.retain(|e| e.namespace() != Some(uri));
        self.elements.extend(element);
    }
}

impl Xml for Metadata {
    fn read(e: Element<'_>) -> Result<Self> {
        let mut elements: Vec<RawElement> = Vec::new();
        for child in e.elements() {
            let raw = RawElement::read(child)?;
            // an element without namespace, or a second one of the same, is dropped
            if raw.namespace().is_some() && !elements.iter().any(|other| other.namespace() == raw.namespace())
            {
                elements.push(raw);
            }
        }
        Ok(Metadata { elements })
    }
    fn write_attrs(&self, _: &mut Writer) {}
    fn write_body(&self, w: &mut Writer) {
        for element in &self.elements {
            w.raw_element(element);
        }
    }
}
