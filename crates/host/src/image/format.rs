//! The formats libvirt knows, and those whose header is a table's entry.

use super::header::Header;
use super::{Backing, Encryption, Image};

/// QEMU allows no longer name of a backing file, in bytes.
pub(super) const MAX_NAME: u64 = 1023;

macro_rules! formats {
    ($($name:ident = $text:literal,)*) => {
        /// An image format by libvirt's name.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs)]
        pub enum Format { #[default] $($name,)* }

        impl Format {
            /// All formats.
            pub const ALL: [Format; 16] = [$(Format::$name,)*];

            /// libvirt's name of it, which is QEMU's where QEMU has it.
            pub fn name(self) -> &'static str {
                match self { $(Format::$name => $text,)* }
            }

            /// The format of this name.
            pub fn from_name(name: &str) -> Option<Format> {
                match name { $($text => Some(Format::$name),)* _ => None }
            }
        }
    };
}

formats! {
    Raw = "raw",
    Dir = "dir",
    Bochs = "bochs",
    Cloop = "cloop",
    Dmg = "dmg",
    Iso = "iso",
    Vpc = "vpc",
    Vdi = "vdi",
    Fat = "fat",
    Vhd = "vhd",
    Ploop = "ploop",
    Cow = "cow",
    Qcow = "qcow",
    Qcow2 = "qcow2",
    Qed = "qed",
    Vmdk = "vmdk",
}

impl Format {
    /// Whether files of this format have no header to recognise.
    pub fn is_plain(self) -> bool {
        matches!(self, Format::Raw | Format::Dir | Format::Cloop | Format::Dmg | Format::Fat | Format::Vhd)
    }

    /// Whether images of this format can build on others.
    pub fn has_backing(self) -> bool {
        matches!(self, Format::Cow | Format::Qcow | Format::Qcow2 | Format::Qed | Format::Vmdk)
    }

    /// The format a file's first bytes look like; raw when like none.
    pub(super) fn detect(head: Header<'_>) -> Format {
        let be = |offset, versions: &[u32]| head.be32(offset).is_some_and(|v| versions.contains(&v));
        let le = |offset, versions: &[u32]| head.le32(offset).is_some_and(|v| versions.contains(&v));
        let marks = [
            (Format::Qcow2, head.has(0, b"QFI\xfb") && be(4, &[2, 3])),
            (Format::Qcow, head.has(0, b"QFI\xfb") && be(4, &[1])),
            (Format::Qed, head.has(0, b"QED\0")),
            (Format::Vmdk, head.has(0, b"KDMV") && le(4, &[1, 2, 3])),
            (Format::Vdi, head.has(64, b"\x7f\x10\xda\xbe") && le(68, &[0x0001_0001])),
            (Format::Vpc, head.has(0, b"conectix") && be(12, &[0x0001_0000])),
            (Format::Bochs, head.has(0, b"Bochs Virtual HD Image") && le(64, &[0x20000])),
            (Format::Cow, head.has(0, b"OOOM") && be(4, &[2])),
            (Format::Ploop, head.has(0, b"WithoutFreeSpace") || head.has(0, b"WithouFreSpacExt")),
            (Format::Iso, head.has(32769, b"CD001")),
        ];
        marks.into_iter().find_map(|(format, here)| here.then_some(format)).unwrap_or_default()
    }
}

/// Reads a header other than qcow2's. What a short or odd header does not say is left out.
pub(super) fn parse(format: Format, head: Header<'_>, length: u64) -> Image {
    let sectors = |count: Option<u64>| count.and_then(|n| n.checked_mul(512));
    let virtual_size = match format {
        Format::Qcow => head.be64(24),
        Format::Qed => head.le64(48),
        Format::Vmdk => sectors(head.le64(12)),
        Format::Vdi => head.le64(368),
        Format::Vpc => head.be64(48),
        Format::Bochs => head.le64(84),
        Format::Cow => head.be64(1036),
        Format::Ploop => sectors(head.le64(36)),
        // a LUKS header says where what it guards begins
        Format::Raw if head.has(0, b"LUKS\xba\xbe\0\x01") => {
            sectors(head.be32(104).map(u64::from)).and_then(|start| length.checked_sub(start))
        }
        _ => Some(length),
    };
    let name = |offset: Option<u64>, length: Option<u32>| {
        let length = u64::from(length?);
        (length <= MAX_NAME).then(|| head.text(offset?, length))?
    };
    let unknown = |file: String| Backing { file, format: None };
    let backing = match format {
        Format::Qcow => name(head.be64(8), head.be32(16)).map(unknown),
        Format::Cow => name(Some(8), Some(1023)).map(unknown),
        Format::Qed => qed_backing(head),
        Format::Vmdk => vmdk_parent(head).map(unknown),
        _ => None,
    };
    let encryption = match format {
        Format::Qcow => head.be32(36).filter(|method| *method != 0).map(|_| Encryption::Aes),
        Format::Raw if head.has(0, b"LUKS\xba\xbe") => {
            head.be16(6).filter(|v| matches!(v, 1 | 2)).map(Encryption::Luks)
        }
        _ => None,
    };
    Image { format, virtual_size: virtual_size.unwrap_or(length), backing, encryption, qcow2: None }
}

fn qed_backing(head: Header<'_>) -> Option<Backing> {
    const HAS_BACKING: u64 = 1;
    const BACKING_IS_RAW: u64 = 4;
    let features = head.le64(16)?;
    if features & HAS_BACKING == 0 {
        return None;
    }
    let length = u64::from(head.le32(60)?);
    let file =
        (length <= MAX_NAME).then(|| head.text(u64::from(head.le32(56).unwrap_or(u32::MAX)), length))??;
    Some(Backing { file, format: (features & BACKING_IS_RAW != 0).then_some(Format::Raw) })
}

/// The parent named in the text a sparse VMDK holds behind its header.
fn vmdk_parent(head: Header<'_>) -> Option<String> {
    const KEY: &[u8] = b"parentFileNameHint=\"";
    let start = head.le64(28)?.checked_mul(512).filter(|offset| *offset > 0).unwrap_or(512);
    let text = head.0.get(usize::try_from(start).ok()?..)?;
    let text = text.get(..text.len().min(20 * 512))?;
    let found = text.windows(KEY.len()).position(|part| part == KEY)?;
    let rest = text.get(found.checked_add(KEY.len())?..)?;
    let end = rest.iter().position(|b| *b == b'"')?;
    (end > 0).then(|| String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned())
}
