//! What a volume's file says of itself: sizes, owner, times, format.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::device::storage::{Encryption, EncryptionFormat};
use virtus_conf::storage::{
    Features, Permissions, Time, Timestamps, Volume, VolumeFormat, VolumeKind, VolumeTarget,
};
use virtus_host::image::{self, Format, Image, Source};

use crate::error;

/// Opens what may be a volume, without waiting for whatever else the name may stand for.
fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits();
    let flags = i32::try_from(nonblocking).unwrap_or_default();
    let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let found = file.metadata()?;
    Ok((file, found))
}

fn is_bytes(found: &Metadata) -> bool {
    found.is_file() || found.file_type().is_block_device()
}

/// The volume that an entry of a pool's directory is, or nothing.
///
/// # Errors
/// When it cannot be opened.
pub(crate) fn find(name: String, path: &Path) -> io::Result<Option<Volume>> {
    let (file, found) = open(path)?;
    let text = path.to_string_lossy();
    let mut volume = Volume {
        kind: VolumeKind::File,
        name,
        key: text.clone().into_owned(),
        capacity: 0,
        allocation: Some(0),
        physical: 0,
        target: VolumeTarget::new(text.clone(), VolumeFormat::Raw),
        backing: None,
    };
    touch(&mut volume.target, &found);
    if found.is_dir() {
        volume.kind = VolumeKind::Dir;
        volume.target.format = VolumeFormat::Dir;
        return Ok(Some(volume));
    }
    if !is_bytes(&found) {
        return Ok(None);
    }
    let image = image::probe(&file)?;
    if found.file_type().is_block_device() {
        volume.kind = VolumeKind::Block;
    }
    volume.target.format = model(image.format);
    measure(&mut volume, &found, Some(&image));
    volume.target.encryption = image.encryption.map(encryption);
    if let Some(qcow2) = &image.qcow2 {
        volume.target.cluster_size = qcow2.cluster_size;
        if qcow2.version >= 3 {
            volume.target.compat = Some("1.1".into());
            volume.target.features =
                Some(Features { lazy_refcounts: qcow2.lazy_refcounts, extended_l2: qcow2.extended_l2 });
        }
    }
    volume.backing = image.backing.as_ref().map(|backing| below(path, backing));
    Ok(Some(volume))
}

/// The volume as it is now. What its document said beyond that stays.
///
/// # Errors
/// libvirt's, when it cannot be looked at.
pub(crate) fn again(volume: &Volume) -> Result<Volume> {
    let path = Path::new(&volume.target.path);
    let (file, found) = open(path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => error(
            ErrorCode::NO_STORAGE_VOL,
            format!("no storage vol with matching path '{}'", path.display()),
        ),
        _ => Error::system(ErrorDomain::STORAGE, format!("cannot open volume '{}'", path.display()), &e),
    })?;
    let mut volume = volume.clone();
    touch(&mut volume.target, &found);
    if is_bytes(&found) {
        let image = image::read_as(&file, host(volume.target.format)).ok();
        measure(&mut volume, &found, image.as_ref());
    } else {
        (volume.capacity, volume.allocation) = (0, Some(0));
    }
    if let Some(backing) = &mut volume.backing {
        let path = Path::new(&backing.path);
        if let Ok((_, found)) = open(path)
            && is_bytes(&found)
        {
            touch(backing, &found);
        }
    }
    Ok(volume)
}

/// The format a file without a stated one has.
pub(crate) fn format_of(path: &Path) -> io::Result<VolumeFormat> {
    let (file, found) = open(path)?;
    match is_bytes(&found) {
        true => image::probe(&file).map(|image| model(image.format)),
        false => Ok(VolumeFormat::Raw),
    }
}

/// What an image builds on, as far as it can be seen.
fn below(path: &Path, backing: &image::Backing) -> VolumeTarget {
    let stated = backing.format.map(model);
    match image::locate(path, &backing.file) {
        Source::Other(name) => VolumeTarget::new(name, stated.unwrap_or(VolumeFormat::Raw)),
        Source::File(file) => {
            let format = stated.or_else(|| format_of(&file).ok()).unwrap_or(VolumeFormat::Raw);
            let mut target = VolumeTarget::new(file.to_string_lossy(), format);
            if let Ok((_, found)) = open(&file)
                && is_bytes(&found)
            {
                touch(&mut target, &found);
            }
            target
        }
    }
}

fn touch(target: &mut VolumeTarget, found: &Metadata) {
    let time = |seconds, nanos: i64| Time { seconds, nanos: u32::try_from(nanos).unwrap_or(0) };
    target.times = Some(Timestamps {
        access: time(found.atime(), found.atime_nsec()),
        modification: time(found.mtime(), found.mtime_nsec()),
        change: time(found.ctime(), found.ctime_nsec()),
        birth: Time::default(),
    });
    target.permissions = Permissions {
        mode: Some(found.mode() & 0o777),
        owner: Some(found.uid()),
        group: Some(found.gid()),
        label: None,
    };
}

fn measure(volume: &mut Volume, found: &Metadata, image: Option<&Image>) {
    let length = match found.is_file() {
        true => found.len(),
        false => image.map_or(0, |image| image.virtual_size),
    };
    let allocated = match found.is_file() {
        true => found.blocks().saturating_mul(512),
        false => length,
    };
    volume.physical = length;
    volume.allocation = Some(allocated);
    let inside = image.map_or(0, |image| image.virtual_size);
    let keeps_own = volume.target.encryption.is_some() && volume.target.format == VolumeFormat::Raw;
    volume.capacity = match volume.target.format {
        // a LUKS header takes its part, which the image's own header tells
        VolumeFormat::Raw if !keeps_own => inside.min(length),
        _ if inside > 0 => inside,
        _ => length,
    };
}

fn encryption(found: image::Encryption) -> Encryption {
    let format = match found {
        image::Encryption::Aes => EncryptionFormat::Qcow,
        image::Encryption::Luks(2) => EncryptionFormat::Luks2,
        image::Encryption::Luks(_) => EncryptionFormat::Luks,
    };
    Encryption { format, engine: None, secrets: Vec::new(), cipher: None, ivgen: None }
}

/// The two lists of formats have the same names, which a test makes sure of.
fn model(format: Format) -> VolumeFormat {
    VolumeFormat::from_word(format.name()).unwrap_or(VolumeFormat::Raw)
}

fn host(format: VolumeFormat) -> Format {
    Format::from_name(format.as_str()).unwrap_or(Format::Raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_have_the_same_names() {
        for format in Format::ALL {
            assert_eq!(model(format).as_str(), format.name());
        }
        assert_eq!(VolumeFormat::ALL.len(), Format::ALL.len());
    }

    #[test]
    fn files_directories_and_other_things() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("v");
        fs::write(&path, [7; 5000]).unwrap();
        let volume = find("v".into(), &path).unwrap().unwrap();
        assert_eq!((volume.capacity, volume.physical, volume.kind), (5000, 5000, VolumeKind::File));
        File::options().write(true).open(&path).unwrap().set_len(9000).unwrap();
        assert_eq!(again(&volume).unwrap().capacity, 9000);
        let directory = find("d".into(), root.path()).unwrap().unwrap();
        assert_eq!((directory.kind, directory.target.format), (VolumeKind::Dir, VolumeFormat::Dir));
        assert!(find("null".into(), Path::new("/dev/null")).unwrap().is_none());
        fs::remove_file(&path).unwrap();
        assert_eq!(again(&volume).unwrap_err().code(), ErrorCode::NO_STORAGE_VOL);
    }
}
