//! XML documents in both directions, as libvirt reads and writes them.
//!
//! A type says once where its fields stand; `#[derive(Xml)]` makes the reader and the writer of it:
//!
//! ```
//! use virtus_xml::{ReadOptions, Writer, WriteOptions, Xml, keywords, read_document};
//! use virtus_base::ErrorDomain;
//!
//! keywords! {
//!     /// How the host caches.
//!     pub enum Cache { None = "none", Writeback = "writeback" }
//! }
//!
//! #[derive(Debug, Xml)]
//! struct Disk {
//!     #[xml(at = "driver/@name")]
//!     driver: Option<String>,
//!     #[xml(at = "driver/@cache")]
//!     cache: Option<Cache>,
//!     #[xml(flatten)]
//!     source: Source,
//!     #[xml(flag)]
//!     readonly: bool,
//!     #[xml(value = "iotune/read_iops_sec")]
//!     read_iops: Option<u64>,
//!     #[xml(at = "alias/@name", only = "live")]
//!     alias: Option<String>,
//! }
//!
//! #[derive(Debug, Xml)]
//! #[xml(tag = "type", default = "file")]
//! enum Source {
//!     File { #[xml(at = "source/@file")] file: Option<String> },
//!     Block { #[xml(at = "source/@dev")] dev: Option<String> },
//! }
//!
//! let text = "<disk type='block'>\n  <driver name='qemu' cache='none'/>\n  <source dev='/dev/sda'/>\n  \
//!             <readonly/>\n</disk>\n";
//! let disk: Disk = read_document(text, "disk", ErrorDomain::DOMAIN, &ReadOptions::default()).unwrap();
//! assert_eq!(disk.cache, Some(Cache::None));
//! let mut w = Writer::new(WriteOptions::default());
//! w.element("disk", &disk);
//! assert_eq!(w.finish(), text);
//! ```
//!
//! # Attributes of a field
//!
//! | attribute | the field is |
//! |---|---|
//! | `attr`, `attr = "name"`, `at = "driver/@cache"` | an attribute of this element or of one below |
//! | `value`, `value = "iotune/weight"` | the text of an element (`Vec`: of each such element) |
//! | `child = "source/slices/slice"`, or nothing | an element mapped by its own type |
//! | `flag = "readonly"` | whether an element is there |
//! | `text` | the text of this element |
//! | `flatten` | attributes and children of this element, mapped by the field's type |
//! | `skip` | not in the document |
//!
//! `Option` fields are written when there is a value; others are required unless `default` or
//! `default = …` is given; `omit_default` does not write the default. `only = "live"`, `"inactive"`,
//! `"secure"`, `"migratable"`, `"status"` reads and writes the field in that variant of the document alone; `reads = "live"` reads it there alone and writes it always; `unless = "migratable"` does not write it there.
//! `format = "0x{:02x}"` and `base = 0` are for numbers, `rule = "nonzero" | "nonnegative"` limits them;
//! `order(a, b, fn path, c)` on a type says in which order fields are read, with functions in between that look
//! at the element, or (`fn path(a, b)`) at fields already read: what is wrong with a document is told by the first of them that finds it so. Fields not named come last.
//!
//! `nonempty` takes an empty attribute for none, `lenient` a bad value,
//! `none = "-1"` a word; `missing = "…"`, `invalid = "… '{}'"` and `code = CONFIG_UNSUPPORTED` replace libvirt's usual error.
//!
//! Output has the order of the fields; an element in the middle of a path is written where the first field
//! names it, and not at all when it would be empty (unless a field below it says `keep_empty`).
//!
//! An enum has `#[xml(tag = "type")]`: that attribute chooses the variant (its lower-case name, or
//! `#[xml(name = "…")]`), whose fields are flattened into the element. `#[xml(check = path)]` on a type
//! names a `fn(&mut Self, Element) -> Result<()>` that runs after reading; `bare` on an enum leaves writing the
//! tag to the type around.

extern crate self as virtus_xml;

mod element;
pub mod field;
mod keyword;
mod number;
mod raw;
mod syntax;
mod value;
mod writer;

pub use element::{Document, Element, Only, ReadOptions, read_document};
pub use raw::RawElement;
pub use value::{OnOff, Value, YesNo};
pub use virtus_base::{ErrorCode, ErrorDomain, Result};
pub use virtus_xml_derive::Xml;
pub use writer::{WriteOptions, Writer};

/// A type mapped to an element. Derive it, or write it by hand where a form is irregular.
pub trait Xml: Sized {
    /// Reads the element's attributes and children.
    fn read(e: Element<'_>) -> Result<Self>;
    /// Writes the attributes of the element that is open.
    fn write_attrs(&self, w: &mut Writer);
    /// Writes what stands inside the element.
    fn write_body(&self, w: &mut Writer);
    /// Writes the whole element.
    fn write_element(&self, name: &'static str, w: &mut Writer) {
        w.start(name);
        self.write_attrs(w);
        self.write_body(w);
        w.end();
    }
}

impl<T: Xml> Xml for Box<T> {
    fn read(e: Element<'_>) -> Result<Self> {
        T::read(e).map(Box::new)
    }
    fn write_attrs(&self, w: &mut Writer) {
        T::write_attrs(self, w);
    }
    fn write_body(&self, w: &mut Writer) {
        T::write_body(self, w);
    }
}
