//! Images as block nodes: each image of a chain is a storage node with, mostly, a format node on top.

mod location;
mod secret;

use serde_json::{Value, json};
use virtus_base::Result;
use virtus_conf::domain::device::disk::{CacheMode, DetectZeroes, DiscardMode, Disk, DriverOptions};
use virtus_conf::domain::device::storage::{
    BackingStore, EncryptionEngine, EncryptionFormat, Location, StorageSource,
};

use crate::command::guest::{Guest, unsupported};
use crate::command::props::Props;
use crate::device::part::Part;

pub use secret::{NeededSecret, SecretKind, needed_secrets};
pub(crate) use secret::{iscsi_secret, object as secret_object};

/// One thing that has to exist before a device can use an image, in the order of creation.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// For `-object` and `object-add`.
    Object(Props),
    /// For `-blockdev` and `blockdev-add`.
    Block(Props),
}

impl From<Node> for Part {
    fn from(node: Node) -> Part {
        match node {
            Node::Object(props) => Part::Object(props),
            Node::Block(props) => Part::Block(props),
        }
    }
}

/// How one image is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Opening<'a> {
    /// The image's format, `raw` when not known.
    pub format: &'a str,
    pub readonly: bool,
    /// It is a floppy (a directory is shown as one).
    pub floppy: bool,
    /// The disk's `<driver>`, for the whole chain's caching and for the top image's other settings.
    pub options: Option<&'a DriverOptions>,
    /// The image the guest writes to, not one below.
    pub top: bool,
    /// The cache of the format's metadata, in bytes.
    pub metadata_cache_max: Option<u64>,
    /// What is below: nodes are named after the image's number.
    pub backing: Option<Backing>,
}

/// What a format node says about the image below it.
#[derive(Clone, Copy, Debug)]
pub enum Backing {
    /// The chain is known to end.
    End,
    /// The image with this number, by its node of this kind.
    Image(u32, &'static str),
}

/// The names of an image's nodes.
#[derive(Clone, Debug)]
pub struct Names {
    prefix: String,
}

impl Names {
    /// Those of an image by its number.
    pub fn of(source: &StorageSource) -> Self {
        Names { prefix: format!("libvirt-{}", source.common.index.unwrap_or(0)) }
    }

    /// Those of firmware.
    pub fn pflash(unit: u32) -> Self {
        Names { prefix: format!("libvirt-pflash{unit}") }
    }

    /// The storage node.
    pub fn storage(&self) -> String {
        format!("{}-storage", self.prefix)
    }

    /// The format node.
    pub fn format(&self) -> String {
        format!("{}-format", self.prefix)
    }

    fn slice(&self) -> String {
        format!("{}-slice-sto", self.prefix)
    }
}

/// Whether an image takes a format node, or is used as it is stored.
pub fn has_format_node(source: &StorageSource, format: &str) -> bool {
    format != "raw" || encrypted_by_qemu(source)
}

fn encrypted_by_qemu(source: &StorageSource) -> bool {
    let Some(encryption) = &source.common.encryption else { return false };
    encryption.engine != Some(EncryptionEngine::Librbd)
}

/// What kind of node the guest's device (or the image above) uses.
fn top_kind(source: &StorageSource, format: &str) -> &'static str {
    match (has_format_node(source, format), source.common.slices.is_empty()) {
        (true, _) => "format",
        (false, false) => "slice-sto",
        (false, true) => "storage",
    }
}

/// The node the guest's device (or the image above) uses.
pub fn effective_node(source: &StorageSource, format: &str) -> String {
    format!("libvirt-{}-{}", source.common.index.unwrap_or(0), top_kind(source, format))
}

/// The nodes of a disk's whole chain, from its end to the top.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` for what QEMU cannot open, `INTERNAL_ERROR` for incomplete sources.
pub fn chain(guest: &Guest<'_>, disk: &Disk) -> Result<Vec<Node>> {
    let mut images =
        vec![(&disk.source, disk_format(disk), disk.driver.metadata_cache_max, disk.backing.as_ref())];
    let mut below = disk.backing.as_ref();
    while let Some(BackingStore::Image(image)) = below {
        let format = image.format.as_deref().unwrap_or("raw");
        images.push((&image.source, format, image.metadata_cache_max, image.backing.as_ref()));
        below = image.backing.as_ref();
    }
    let mut nodes = Vec::new();
    for (depth, (source, format, metadata_cache_max, backing)) in images.into_iter().enumerate().rev() {
        let backing = match backing {
            None => None,
            Some(BackingStore::End) => Some(Backing::End),
            Some(BackingStore::Image(image)) => Some(Backing::Image(
                image.source.common.index.unwrap_or(0),
                top_kind(&image.source, image.format.as_deref().unwrap_or("raw")),
            )),
        };
        let opening = Opening {
            format,
            readonly: depth > 0 || disk.rest.readonly,
            floppy: disk.device == virtus_conf::domain::device::disk::DiskDevice::Floppy,
            options: Some(&disk.driver.options),
            top: depth == 0,
            metadata_cache_max,
            backing,
        };
        image(guest, source, &Names::of(source), &opening, &mut nodes)?;
    }
    Ok(nodes)
}

/// The format of a disk's top image.
pub fn disk_format(disk: &Disk) -> &str {
    disk.driver.format.as_deref().unwrap_or(match disk.source.location {
        Location::Dir(_) => "fat",
        _ => "raw",
    })
}

/// The nodes of one image.
///
/// # Errors
/// As [`chain`].
pub fn image(
    guest: &Guest<'_>,
    source: &StorageSource,
    names: &Names,
    opening: &Opening<'_>,
    nodes: &mut Vec<Node>,
) -> Result<()> {
    let formatted = has_format_node(source, opening.format);
    secret::objects(guest, source, names, nodes)?;
    if let Some(data) = &source.common.data_store {
        let below = Opening {
            format: &data.format,
            options: opening.options,
            readonly: opening.readonly,
            ..Opening::default()
        };
        image(guest, &data.source, &Names::of(&data.source), &below, nodes)?;
    }
    nodes.push(Node::Block(storage_node(guest, source, names, opening, formatted)?));
    let mut file = names.storage();
    if let Some(slice) = source.common.slices.first() {
        let props = Props::device("raw")
            .with("node-name", names.slice())
            .with("offset", slice.offset)
            .with("size", slice.size)
            .with("file", file)
            .join(access(opening, formatted));
        nodes.push(Node::Block(props));
        file = names.slice();
    }
    if formatted {
        nodes.push(Node::Block(format_node(source, names, opening, file)?));
    }
    Ok(())
}

fn storage_node(
    guest: &Guest<'_>,
    source: &StorageSource,
    names: &Names,
    opening: &Opening<'_>,
    formatted: bool,
) -> Result<Props> {
    let aio = opening.options.and_then(|options| options.io).map(|io| io.as_str());
    let mut props = location::props(guest, source, names, opening, aio)?;
    props.set("node-name", names.storage());
    props = props.join(access(opening, formatted || !source.common.slices.is_empty()));
    if !matches!(source.location, Location::Dir(_)) {
        props.opt("cache", opening.options.and_then(cache));
    }
    Ok(props)
}

/// What may be done to a node: what the one above it asks for, or what the guest may.
fn access(opening: &Opening<'_>, below: bool) -> Props {
    match below {
        true => Props::new().with("auto-read-only", true).with("discard", "unmap"),
        false => Props::new().with("read-only", opening.readonly).join(zeroes(opening)),
    }
}

/// How the guest's discards and writes of zeroes are treated.
fn zeroes(opening: &Opening<'_>) -> Props {
    let Some(options) = opening.options else { return Props::new() };
    let discard = options.discard.map(DiscardMode::as_str);
    // what the guest writes only goes to the top
    let detect = options.detect_zeroes.filter(|_| opening.top).map(|mode| match mode {
        DetectZeroes::Unmap if options.discard != Some(DiscardMode::Unmap) => "on",
        mode => mode.as_str(),
    });
    Props::new().maybe("discard", discard).maybe("detect-zeroes", detect)
}

/// QEMU's cache flags of a mode.
fn cache(options: &DriverOptions) -> Option<Value> {
    let (direct, no_flush) = match options.cache? {
        CacheMode::Default => return None,
        CacheMode::None | CacheMode::Directsync => (true, false),
        CacheMode::Writethrough | CacheMode::Writeback => (false, false),
        CacheMode::Unsafe => (false, true),
    };
    Some(json!({"direct": direct, "no-flush": no_flush}))
}

fn format_node(source: &StorageSource, names: &Names, opening: &Opening<'_>, file: String) -> Result<Props> {
    let mut props = Props::new()
        .with("node-name", names.format())
        .with("read-only", opening.readonly)
        .join(zeroes(opening))
        .maybe("cache", opening.options.and_then(cache));
    let key = |unit: usize| format!("{}-encryption-secret{unit}", names.format());
    match opening.format {
        "raw" | "luks" if encrypted_by_qemu(source) => {
            props.set("driver", "luks");
            props.set("key-secret", key(0));
        }
        "raw" | "luks" => {
            props.set("driver", "raw");
        }
        // QEMU makes the FAT volume; it is used as it is
        "fat" => props.set("driver", "raw"),
        "aio" | "auto" | "none" | "dir" | "iso" => {
            return Err(unsupported(format!(
                "storage format '{}' is not directly supported by QEMU",
                opening.format
            )));
        }
        format => {
            props.set(
                "driver",
                match format {
                    "cow" => "raw",
                    "vpc" => "vpc",
                    format => format,
                },
            );
            if let (Some(encryption), true) = (&source.common.encryption, encrypted_by_qemu(source)) {
                let kind = match encryption.format {
                    EncryptionFormat::Qcow | EncryptionFormat::Default => "aes",
                    _ => "luks",
                };
                props.set("encrypt", json!({"format": kind, "key-secret": key(0)}));
            }
            if format == "qcow2" {
                props = props
                    .maybe("cache-size", opening.metadata_cache_max.filter(|size| *size > 0))
                    .switch("discard-no-unref", opening.options.and_then(|options| options.discard_no_unref))
                    .maybe(
                        "data-file",
                        source
                            .common
                            .data_store
                            .as_ref()
                            .map(|data| effective_node(&data.source, &data.format)),
                    );
            }
        }
    }
    props.set("file", file);
    match opening.backing {
        Some(Backing::End) if matches!(opening.format, "qcow2" | "qcow" | "qed" | "vmdk" | "cow") => {
            props.set("backing", Value::Null);
        }
        Some(Backing::Image(index, kind)) => {
            props.set("backing", format!("libvirt-{index}-{kind}"));
        }
        _ => {}
    }
    Ok(props)
}

/// The nodes of firmware: it has a format node even when raw.
///
/// # Errors
/// As [`image`].
pub fn firmware(
    guest: &Guest<'_>,
    path: &str,
    names: &Names,
    format: &str,
    readonly: bool,
    nodes: &mut Vec<Node>,
) -> Result<()> {
    let source = StorageSource::file(path);
    let opening = Opening { format, readonly, top: true, ..Opening::default() };
    nodes.push(Node::Block(storage_node(guest, &source, names, &opening, true)?));
    nodes.push(Node::Block(format_node(&source, names, &opening, names.storage())?));
    Ok(())
}
