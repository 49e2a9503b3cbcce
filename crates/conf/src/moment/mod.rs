//! What snapshots and checkpoints have in common: moments of a domain's life that build on each other.

mod tree;

use virtus_xml::Element;

pub use tree::Tree;

/// A moment of a domain's life.
pub trait Moment: Clone + Send + Sync + 'static {
    /// What libvirt's texts call it.
    const KIND: &'static str;
    /// Its name.
    fn name(&self) -> &str;
    /// The moment it builds on.
    fn parent(&self) -> Option<&str>;
    /// Has it build on another one.
    fn set_parent(&mut self, parent: Option<String>);
}

/// A definition inside of another document as a document of its own, whatever its element is called there.
pub fn domain_text(e: Element<'_>) -> String {
    e.accept_all();
    let node = e.node();
    let text = node.document().input_text().get(node.range()).unwrap_or_default();
    match e.name() {
        "domain" => text.to_owned(),
        name => {
            let inside = text.strip_prefix(&format!("<{name}")).unwrap_or_default();
            let inside = inside.strip_suffix(&format!("</{name}>")).unwrap_or_default();
            format!("<domain{inside}</domain>")
        }
    }
}
