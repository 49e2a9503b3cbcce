//! Disk images: what a file's header says, what it builds on, whose it is.
//!
//! No program runs and no backing file is opened unless its chain is asked for. All numbers of a header are the
//! guest's or a stranger's and are checked.

mod chain;
mod format;
mod header;
mod owner;
mod qcow2;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

pub use chain::{Layer, Source, backing_chain, locate};
pub use format::Format;
pub use owner::{Ownership, chown_remember, restore};
pub use qcow2::Qcow2;

use header::Header;

/// How much of a file is looked at, in bytes: the ISO 9660 mark is the furthest.
const HEAD: usize = 64 * 1024;

/// What an image's header says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// Its format.
    pub format: Format,
    /// What the guest sees, in bytes.
    pub virtual_size: u64,
    /// What it builds on.
    pub backing: Option<Backing>,
    /// How it is encrypted.
    pub encryption: Option<Encryption>,
    /// What only qcow2 has.
    pub qcow2: Option<Qcow2>,
}

/// What an image builds on, as it says itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backing {
    /// A path, perhaps relative to the image's, a URI, or `json:{…}`.
    pub file: String,
    /// The backing image's format; an image that does not say leaves it to guessing, which is not safe.
    pub format: Option<Format>,
}

/// How an image is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// The old scheme of qcow and qcow2.
    Aes,
    /// LUKS of this version.
    Luks(u16),
}

/// Finds an image's format from its header and reads it.
///
/// A guest that may write to a raw disk can make it look like anything: use the result only where nothing can be
/// lost by that, and [`read_as`] where the format is known.
///
/// # Errors
/// When the file cannot be read.
pub fn probe(file: &File) -> io::Result<Image> {
    let (head, length) = head(file)?;
    Ok(parse(Format::detect(Header(&head)), Header(&head), length))
}

/// Reads an image's header as of a known format.
///
/// # Errors
/// When the file cannot be read, or with `InvalidData` when it is not of that format.
pub fn read_as(file: &File, format: Format) -> io::Result<Image> {
    let (head, length) = head(file)?;
    if !format.is_plain() && Format::detect(Header(&head)) != format {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(parse(format, Header(&head), length))
}

fn parse(format: Format, head: Header<'_>, length: u64) -> Image {
    match format {
        Format::Qcow2 => qcow2::parse(head, length),
        other => format::parse(other, head, length),
    }
}

/// The first bytes of a file and its length, which for a block device is the device's.
fn head(file: &File) -> io::Result<(Vec<u8>, u64)> {
    let length = rustix::fs::seek(file, rustix::fs::SeekFrom::End(0))?;
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(HEAD).min(HEAD)];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    bytes.truncate(filled);
    Ok((bytes, length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_header_is_too_odd(
            magic in prop::sample::select(vec![&b"QFI\xfb\0\0\0\x03"[..], b"QFI\xfb\0\0\0\x01", b"QED\0", b"KDMV\x01\0\0\0",
                b"LUKS\xba\xbe\0\x01", b"conectix", b"OOOM\0\0\0\x02", b"WithoutFreeSpace", b""]),
            rest in prop::collection::vec(any::<u8>(), 0..600),
            length in any::<u64>(),
        ) {
            let bytes = [magic, &rest].concat();
            for format in Format::ALL {
                parse(format, Header(&bytes), length);
            }
            Format::detect(Header(&bytes));
        }
    }

    /// Whether qemu-img is here; the formats are checked against what it makes.
    fn make(arguments: &[&str], directory: &std::path::Path) -> bool {
        match std::process::Command::new("qemu-img").args(arguments).current_dir(directory).output() {
            Ok(output) => {
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                true
            }
            Err(e) => {
                eprintln!("skipped: no qemu-img ({e})");
                false
            }
        }
    }

    #[test]
    fn images_of_qemu_img_are_understood() {
        let directory = tempfile::tempdir().unwrap();
        for format in ["raw", "qcow", "qcow2", "qed", "vmdk", "vdi", "vpc"] {
            let name = format!("a.{format}");
            let mut arguments = vec!["create", "-q", "-f", format];
            if format == "vpc" {
                arguments.extend(["-o", "force_size=on"]);
            }
            arguments.extend([name.as_str(), "64M"]);
            if !make(&arguments, directory.path()) {
                return;
            }
            let image = probe(&File::open(directory.path().join(&name)).unwrap()).unwrap();
            assert_eq!((image.format.name(), image.virtual_size), (format, 64 << 20), "{format}");
            assert_eq!((image.backing, image.encryption), (None, None), "{format}");
        }
    }

    #[test]
    fn backing_files_and_encryption_are_seen() {
        let directory = tempfile::tempdir().unwrap();
        let open = |name: &str| File::open(directory.path().join(name)).unwrap();
        if !make(&["create", "-q", "-f", "raw", "base", "1M"], directory.path()) {
            return;
        }
        for format in ["qcow", "qcow2", "qed", "vmdk"] {
            let base = if format == "vmdk" { "base.vmdk" } else { "base" };
            let base_format = if format == "vmdk" { "vmdk" } else { "raw" };
            if format == "vmdk" {
                make(&["create", "-q", "-f", "vmdk", "base.vmdk", "1M"], directory.path());
            }
            let name = format!("top.{format}");
            make(&["create", "-q", "-f", format, "-b", base, "-F", base_format, &name], directory.path());
            let backing = probe(&open(&name)).unwrap().backing.unwrap();
            assert_eq!(backing.file, base, "{format}");
            let says = matches!(format, "qcow2" | "qed");
            assert_eq!(backing.format, says.then_some(Format::Raw), "{format}");
        }
        make(
            &[
                "create",
                "-q",
                "--object",
                "secret,id=s,data=x",
                "-f",
                "qcow2",
                "-o",
                "encrypt.format=aes,encrypt.key-secret=s",
                "e",
                "1M",
            ],
            directory.path(),
        );
        assert_eq!(probe(&open("e")).unwrap().encryption, Some(Encryption::Aes));
        // making LUKS takes seconds of key stretching; its mark is enough
        let file = File::options().write(true).open(directory.path().join("e")).unwrap();
        file.write_at(&[0, 0, 0, 2], 32).unwrap();
        assert_eq!(probe(&open("e")).unwrap().encryption, Some(Encryption::Luks(1)));
        std::fs::write(directory.path().join("l"), b"LUKS\xba\xbe\0\x02").unwrap();
        assert_eq!(probe(&open("l")).unwrap().encryption, Some(Encryption::Luks(2)));
        make(
            &[
                "create",
                "-q",
                "-f",
                "qcow2",
                "-o",
                "data_file=d.raw,lazy_refcounts=on,cluster_size=128k",
                "x",
                "1M",
            ],
            directory.path(),
        );
        let qcow2 = probe(&open("x")).unwrap().qcow2.unwrap();
        assert_eq!(qcow2.data_file.as_deref(), Some("d.raw"));
        assert!(qcow2.lazy_refcounts && !qcow2.extended_l2 && qcow2.version == 3);
        assert_eq!(qcow2.cluster_size, 128 << 10);
    }

    #[test]
    fn a_known_format_is_not_guessed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        std::fs::write(&path, b"QFI\xfb\0\0\0\x03 a raw disk in disguise").unwrap();
        let file = File::open(path).unwrap();
        let raw = read_as(&file, Format::Raw).unwrap();
        assert_eq!((raw.format, raw.backing, raw.virtual_size), (Format::Raw, None, 31));
        assert_eq!(read_as(&file, Format::Vmdk).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
