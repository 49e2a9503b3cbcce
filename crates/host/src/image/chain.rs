//! What an image builds on, down to the bottom.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use virtus_base::{Error, ErrorCode, ErrorDomain};

use super::{Format, Image, probe, read_as};

/// libvirt follows no longer chain.
const MAX_DEPTH: usize = 200;

/// Where a layer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file or block device of this host.
    File(PathBuf),
    /// Anything else QEMU can open: a URI or `json:{…}`.
    Other(String),
}

/// A layer of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Where it is.
    pub source: Source,
    /// What its header says; of what is not a local file only the format is known, if it was stated.
    pub image: Image,
    /// Its name as the layer above has it; none for the uppermost.
    pub named: Option<String>,
}

/// The image at `path` and all it builds on. `format` is the uppermost's if it is known; each other layer must have
/// its format stated by the one above, or be raw.
///
/// # Errors
/// libvirt's: a backing file that cannot be opened, a layer without a stated format, a chain that is endless.
pub fn backing_chain(path: &Path, format: Option<Format>) -> Result<Vec<Layer>, Error> {
    let top = read_layer(path, format).map_err(|e| {
        Error::system(ErrorDomain::STORAGE, format!("Failed to open file '{}'", path.display()), &e)
    })?;
    let mut layers = vec![Layer { source: Source::File(path.to_owned()), image: top, named: None }];
    let mut current = path.to_owned();
    let mut seen: Vec<PathBuf> = path.canonicalize().into_iter().collect();
    while let Some(backing) = layers.last().and_then(|layer| layer.image.backing.clone()) {
        let source = locate(&current, &backing.file);
        let Source::File(next) = &source else {
            let image = Image { format: backing.format.unwrap_or_default(), ..Image::default() };
            layers.push(Layer { source, image, named: Some(backing.file) });
            break;
        };
        let next = next.clone();
        let cannot = |e: &io::Error| {
            let text = format!(
                "Cannot access backing file '{}' of storage file '{}'",
                next.display(),
                current.display()
            );
            Error::system(ErrorDomain::STORAGE, text, e)
        };
        let real = next.canonicalize().map_err(|e| cannot(&e))?;
        if seen.contains(&real) || layers.len() >= MAX_DEPTH {
            let text =
                format!("backing store for {} is self-referential or too deeply nested", current.display());
            return Err(Error::internal(ErrorDomain::STORAGE, text));
        }
        let image = read_layer(&next, backing.format).map_err(|e| cannot(&e))?;
        if backing.format.is_none() && image.format != Format::Raw {
            let text = format!(
                "format of backing image '{}' of image '{}' was not specified in the image metadata (See \
                 https://libvirt.org/kbase/backing_chains.html for troubleshooting)",
                backing.file,
                current.display()
            );
            return Err(Error::new(ErrorDomain::STORAGE, ErrorCode::OPERATION_INVALID, text));
        }
        seen.push(real);
        current = next;
        layers.push(Layer { source, image, named: Some(backing.file) });
    }
    Ok(layers)
}

fn read_layer(path: &Path, format: Option<Format>) -> io::Result<Image> {
    // a pipe must not stop the daemon
    let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, rustix::fs::Mode::empty())?);
    if file.metadata()?.is_dir() {
        return Ok(Image { format: Format::Dir, ..Image::default() });
    }
    match format {
        Some(format) => read_as(&file, format),
        None => probe(&file),
    }
}

/// Where `name`, found in the image at `from`, is.
pub fn locate(from: &Path, name: &str) -> Source {
    let name = name.strip_prefix("file:").unwrap_or(name);
    // QEMU takes what stands before the first colon for a protocol, unless a slash comes first
    let protocol = name
        .split(['/', ':'])
        .next()
        .is_some_and(|first| name.get(first.len()..).is_some_and(|r| r.starts_with(':')));
    if protocol {
        return Source::Other(name.to_owned());
    }
    // an absolute name replaces the directory
    Source::File(from.parent().unwrap_or(Path::new("")).join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A qcow2 header with a backing file.
    fn qcow2(path: &Path, backing: Option<(&str, Option<&str>)>) {
        let mut bytes = vec![0_u8; 512];
        let mut put = |at: usize, data: &[u8]| bytes[at..at + data.len()].copy_from_slice(data);
        put(0, b"QFI\xfb\0\0\0\x03");
        put(20, &16_u32.to_be_bytes());
        put(24, &4096_u64.to_be_bytes());
        put(100, &104_u32.to_be_bytes());
        if let Some((file, format)) = backing {
            if let Some(format) = format {
                put(104, &0xe279_2aca_u32.to_be_bytes());
                put(108, &(format.len() as u32).to_be_bytes());
                put(112, format.as_bytes());
            }
            put(8, &256_u64.to_be_bytes());
            put(16, &(file.len() as u32).to_be_bytes());
            put(256, file.as_bytes());
        }
        std::fs::write(path, bytes).unwrap();
    }

    #[test]
    fn chains_are_followed_by_stated_formats() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        std::fs::create_dir(at("sub")).unwrap();
        std::fs::write(at("base"), [0; 100]).unwrap();
        qcow2(&at("sub/mid"), Some(("../base", None)));
        qcow2(&at("top"), Some(("sub/mid", Some("qcow2"))));
        let chain = backing_chain(&at("top"), Some(Format::Qcow2)).unwrap();
        assert_eq!(chain.len(), 3);
        assert_eq!(chain[2].image.format, Format::Raw);
        assert_eq!(chain[2].image.virtual_size, 100);
        assert_eq!(chain[1].source, Source::File(at("sub/mid")));
        // as raw, it has no chain
        assert_eq!(backing_chain(&at("top"), Some(Format::Raw)).unwrap().len(), 1);

        qcow2(&at("guess"), Some(("top", None)));
        let error = backing_chain(&at("guess"), None).unwrap_err();
        assert!(error.message().contains("format of backing image 'top' of image"), "{error}");
        qcow2(&at("loop"), Some(("loop", Some("qcow2"))));
        assert!(backing_chain(&at("loop"), None).unwrap_err().message().contains("self-referential"));
        qcow2(&at("lost"), Some(("/no/such/file", Some("raw"))));
        let error = backing_chain(&at("lost"), None).unwrap_err();
        assert_eq!(error.fields().int1, libc::ENOENT);
        qcow2(&at("net"), Some(("nbd://host/x", Some("raw"))));
        let chain = backing_chain(&at("net"), None).unwrap();
        assert_eq!(chain[1].source, Source::Other("nbd://host/x".to_owned()));
    }

    #[test]
    fn names_are_found_from_where_they_stand() {
        let file = |path: &str| Source::File(PathBuf::from(path));
        assert_eq!(locate(Path::new("/a/b"), "c"), file("/a/c"));
        assert_eq!(locate(Path::new("/a/b"), "/c:d"), file("/c:d"));
        assert_eq!(locate(Path::new("/a/b"), "./c:d"), file("/a/./c:d"));
        assert_eq!(locate(Path::new("/a/b"), "file:/c"), file("/c"));
        assert_eq!(locate(Path::new("/a/b"), "json:{}"), Source::Other("json:{}".to_owned()));
    }
}
