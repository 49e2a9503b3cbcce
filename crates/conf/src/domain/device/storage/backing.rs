//! Chains of images.

use virtus_base::Result;
use virtus_xml::{Element, Only, Writer, Xml};

use super::StorageSource;
use crate::domain::parse::{keyword_attr, xml_error};

/// The formats libvirt knows of images.
const FORMATS: [&str; 16] = [
    "raw", "dir", "bochs", "cloop", "dmg", "iso", "vpc", "vdi", "fat", "vhd", "ploop", "cow", "qcow",
    "qcow2", "qed", "vmdk",
];

/// Whether `name` is that of a format.
pub(crate) fn is_format(name: &str) -> bool {
    FORMATS.contains(&name)
}

/// The external data file of a qcow2 image.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct DataStore {
    #[xml(at = "format/@type")]
    pub format: String,
    #[xml(flatten)]
    pub source: StorageSource,
}

/// `<backingStore>`: the next image of a chain, or the chain's known end.
#[derive(Clone, Debug, PartialEq)]
pub enum BackingStore {
    /// `<backingStore/>`: nothing follows.
    End,
    /// An image.
    Image(Box<BackingImage>),
}

/// One image below the top of a chain.
#[derive(Clone, Debug, PartialEq)]
pub struct BackingImage {
    /// The image's format.
    pub format: Option<String>,
    /// At most so many bytes of metadata are cached.
    pub metadata_cache_max: Option<u64>,
    pub source: StorageSource,
    /// What is below; unknown when absent.
    pub backing: Option<BackingStore>,
    /// What is below was found by looking, so it is not part of the persistent definition.
    pub backing_detected: bool,
}

impl Xml for BackingStore {
    fn read(e: Element<'_>) -> Result<Self> {
        if e.attr("type").is_none() && e.child("source").is_none() {
            return Ok(BackingStore::End);
        }
        if e.attr("type").is_none() {
            return Err(xml_error("missing disk backing store type"));
        }
        let mut source = StorageSource::read(e)?;
        if let Some(index) = keyword_attr(e, "index")? {
            source.common.index = e.reads(Only::Live).then_some(index);
        }
        let format = e.child("format").ok_or_else(|| xml_error("missing disk backing store format"))?;
        if let Some(name) = format.attr("type").filter(|name| !is_format(name)) {
            return Err(xml_error(format!("unknown storage source format '{name}'")));
        }
        Ok(BackingStore::Image(Box::new(BackingImage {
            format: format.attr("type").map(str::to_owned),
            metadata_cache_max: metadata_cache_max(format)?,
            source,
            backing: e.child("backingStore").map(BackingStore::read).transpose()?,
            backing_detected: false,
        })))
    }
    fn write_attrs(&self, w: &mut Writer) {
        if let BackingStore::Image(image) = self {
            image.source.write_attrs(w);
            if let Some(index) = &image.source.common.index {
                w.attr_value("index", index);
            }
        }
    }
    fn write_body(&self, w: &mut Writer) {
        if let BackingStore::Image(image) = self {
            w.start("format");
            w.attr_opt("type", image.format.as_deref());
            write_metadata_cache(w, image.metadata_cache_max);
            w.end();
            let mut source = image.source.clone();
            source.common.index = None;
            source.write_body(w);
            let shown = w.shows(Only::Live) || !image.backing_detected;
            if let Some(backing) = image.backing.as_ref().filter(|_| shown) {
                w.element("backingStore", backing);
            }
        }
    }
}

/// `<metadata_cache><max_size unit='bytes'>…` below `e`, in bytes.
pub(crate) fn metadata_cache_max(e: Element<'_>) -> Result<Option<u64>> {
    let size = e.descend(&["metadata_cache", "max_size"]);
    size.map_or(Ok(None), |size| crate::scaled::read_bytes(size, "bytes"))
}

/// Writes what [`metadata_cache_max`] reads.
pub(crate) fn write_metadata_cache(w: &mut Writer, max: Option<u64>) {
    if let Some(max) = max {
        w.start("metadata_cache");
        w.element("max_size", &crate::scaled::Bytes(max));
        w.end();
    }
}
