//! qcow2's header and its extensions.

use super::format::MAX_NAME;
use super::header::Header;
use super::{Backing, Encryption, Format, Image};

/// Extension types.
const END: u32 = 0;
const BACKING_FORMAT: u32 = 0xe279_2aca;
const DATA_FILE: u32 = 0x4441_5441;

/// Feature bits.
const INCOMPATIBLE_DATA_FILE: u64 = 1 << 2;
const INCOMPATIBLE_EXTENDED_L2: u64 = 1 << 4;
const COMPATIBLE_LAZY_REFCOUNTS: u64 = 1;
const AUTOCLEAR_RAW_DATA_FILE: u64 = 1 << 1;

/// What only qcow2 has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Qcow2 {
    /// 2 (`compat=0.10`) or 3 (`compat=1.1`).
    pub version: u32,
    /// The size of a cluster, in bytes.
    pub cluster_size: u64,
    /// Whether reference counts may lag behind.
    pub lazy_refcounts: bool,
    /// Whether clusters have parts.
    pub extended_l2: bool,
    /// The file that holds the data, if another does.
    pub data_file: Option<String>,
    /// Whether that file alone is a raw image.
    pub data_file_raw: bool,
}

pub(super) fn parse(head: Header<'_>, length: u64) -> Image {
    let version = head.be32(4).unwrap_or(2);
    let features = |offset: u64| if version >= 3 { head.be64(offset).unwrap_or(0) } else { 0 };
    let (incompatible, compatible, autoclear) = (features(72), features(80), features(88));
    let extensions = Extensions::read(head, version);
    let backing_file = match (head.be64(8), head.be32(16)) {
        (Some(offset), Some(size)) if offset != 0 && u64::from(size) <= MAX_NAME => {
            head.text(offset, u64::from(size))
        }
        _ => None,
    };
    Image {
        format: Format::Qcow2,
        virtual_size: head.be64(24).unwrap_or(length),
        backing: backing_file.map(|file| Backing { file, format: extensions.backing_format }),
        encryption: match head.be32(32) {
            Some(1) => Some(Encryption::Aes),
            Some(2) => Some(Encryption::Luks(1)),
            _ => None,
        },
        qcow2: Some(Qcow2 {
            version,
            cluster_size: head.be32(20).and_then(|bits| 1_u64.checked_shl(bits)).unwrap_or(0),
            lazy_refcounts: compatible & COMPATIBLE_LAZY_REFCOUNTS != 0,
            extended_l2: incompatible & INCOMPATIBLE_EXTENDED_L2 != 0,
            data_file: extensions.data_file.filter(|_| incompatible & INCOMPATIBLE_DATA_FILE != 0),
            data_file_raw: autoclear & AUTOCLEAR_RAW_DATA_FILE != 0,
        }),
    }
}

#[derive(Default)]
struct Extensions {
    backing_format: Option<Format>,
    data_file: Option<String>,
}

impl Extensions {
    fn read(head: Header<'_>, version: u32) -> Extensions {
        let mut found = Extensions::default();
        let mut at = match version {
            3.. => u64::from(head.be32(100).unwrap_or(104)),
            _ => 72,
        };
        // each step moves forward by 8 at least, so the end of the head ends it
        while let (Some(kind), Some(size)) = (head.be32(at), at.checked_add(4).and_then(|at| head.be32(at))) {
            let data = at.saturating_add(8);
            match kind {
                END => break,
                BACKING_FORMAT => {
                    found.backing_format =
                        head.text(data, u64::from(size)).and_then(|name| Format::from_name(&name));
                }
                DATA_FILE => found.data_file = head.text(data, u64::from(size)),
                _ => {}
            }
            at = data.saturating_add(u64::from(size).next_multiple_of(8));
        }
        found
    }
}
