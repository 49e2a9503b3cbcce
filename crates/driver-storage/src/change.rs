//! Changing a volume that is there: its size, its bytes, its being there.

use std::fs::{self, File};
use std::io::{self, Write};

use virtus_api::SecretValues;
use virtus_api::constants::*;
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::device::storage::EncryptionFormat;
use virtus_conf::storage::{Volume, VolumeFormat, VolumeKind};
use virtus_host::program::{Program, Runner};
use virtus_state::definitions::blocking;

use crate::keys::HeldKey;
use crate::{build, error, image};

fn system(text: impl std::fmt::Display, e: &io::Error) -> Error {
    Error::system(ErrorDomain::STORAGE, text, e)
}

fn invalid(text: &str) -> Error {
    error(ErrorCode::INVALID_ARG, text)
}

/// Removes the volume's file.
///
/// # Errors
/// libvirt's, when it cannot be removed.
pub(crate) fn delete(volume: &Volume) -> Result<()> {
    let path = &volume.target.path;
    let removed = match volume.kind {
        VolumeKind::File => fs::remove_file(path).map_err(|e| ("cannot unlink file", e)),
        VolumeKind::Dir => fs::remove_dir(path).map_err(|e| ("cannot remove directory", e)),
        _ => {
            let text = format!("removing block or network volumes is not supported: {path}");
            return Err(error(ErrorCode::NO_SUPPORT, text));
        }
    };
    match removed {
        // somebody else was faster
        Err((_, e)) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.map_err(|(what, e)| system(format_args!("{what} '{path}'"), &e)),
    }
}

/// The capacity a resize with these flags comes to, in bytes.
///
/// # Errors
/// libvirt's, when that is less than it may be.
pub(crate) fn new_capacity(volume: &Volume, wanted: u64, flags: u32) -> Result<u64> {
    let (delta, shrink) =
        (flags & VIR_STORAGE_VOL_RESIZE_DELTA != 0, flags & VIR_STORAGE_VOL_RESIZE_SHRINK != 0);
    let capacity = match (delta, shrink) {
        (false, _) => wanted,
        (true, true) => volume.capacity.saturating_sub(wanted),
        (true, false) => volume.capacity.checked_add(wanted).ok_or_else(|| {
            error(ErrorCode::OVERFLOW, format!("capacity {} and {wanted} more", volume.capacity))
        })?,
    };
    if capacity < volume.allocation.unwrap_or(0) {
        return Err(invalid("can't shrink capacity below existing allocation"));
    }
    if capacity < volume.capacity && !shrink {
        return Err(invalid(
            "Can't shrink capacity below current capacity unless shrink flag explicitly specified",
        ));
    }
    Ok(capacity)
}

/// Gives a volume another capacity, in bytes.
///
/// # Errors
/// libvirt's, when its format has no such change, or it fails.
pub(crate) async fn resize(
    volume: &Volume,
    capacity: u64,
    flags: u32,
    programs: &dyn Runner,
    secrets: &dyn SecretValues,
) -> Result<()> {
    let target = &volume.target;
    let all = flags & VIR_STORAGE_VOL_RESIZE_ALLOCATE != 0;
    if target.format == VolumeFormat::Raw && target.encryption.is_none() {
        let path = target.path.clone();
        return blocking(move || set_length(&path, capacity, all)).await;
    }
    if all {
        let text = match target.format {
            VolumeFormat::Raw => "preallocate is only supported for an unencrypted raw volume",
            _ => "preallocate is only supported for raw type volume",
        };
        return Err(error(ErrorCode::OPERATION_UNSUPPORTED, text));
    }
    if target.encryption.as_ref().is_some_and(|e| e.format != EncryptionFormat::Luks) {
        let text = "resize of qcow2 encrypted image is not supported";
        return Err(error(ErrorCode::CONFIG_UNSUPPORTED, text));
    }
    let key = HeldKey::of(target.encryption.as_ref(), secrets)?;
    let shrink = flags & VIR_STORAGE_VOL_RESIZE_SHRINK != 0;
    let program = image::resize(volume, capacity, shrink, key.as_ref().map(HeldKey::key))?;
    programs.run(&program).await?.success(&program).map(drop)
}

fn set_length(path: &str, length: u64, all: bool) -> Result<()> {
    let none = ErrorDomain::NONE;
    let opened = fs::OpenOptions::new().write(true).open(path);
    let file = opened.map_err(|e| Error::system(none, format_args!("Unable to open '{path}'"), &e))?;
    if all {
        build::allocate(&file, length).map_err(|e| {
            Error::system(none, format_args!("Failed to pre-allocate space for file '{path}'"), &e)
        })?;
    }
    file.set_len(length)
        .map_err(|e| Error::system(none, format_args!("Failed to truncate file '{path}'"), &e))
}

/// How libvirt names the ways of wiping, and what scrub calls them.
const ALGORITHMS: [(i32, Option<&str>); 9] = [
    (VIR_STORAGE_VOL_WIPE_ALG_ZERO, None),
    (VIR_STORAGE_VOL_WIPE_ALG_NNSA, Some("nnsa")),
    (VIR_STORAGE_VOL_WIPE_ALG_DOD, Some("dod")),
    (VIR_STORAGE_VOL_WIPE_ALG_BSI, Some("bsi")),
    (VIR_STORAGE_VOL_WIPE_ALG_GUTMANN, Some("gutmann")),
    (VIR_STORAGE_VOL_WIPE_ALG_SCHNEIER, Some("schneier")),
    (VIR_STORAGE_VOL_WIPE_ALG_PFITZNER7, Some("pfitzner7")),
    (VIR_STORAGE_VOL_WIPE_ALG_PFITZNER33, Some("pfitzner33")),
    (VIR_STORAGE_VOL_WIPE_ALG_RANDOM, Some("random")),
];

/// How a volume is to be wiped, by libvirt's number.
///
/// # Errors
/// libvirt's, for what nobody knows.
pub(crate) fn check_algorithm(number: u32) -> Result<()> {
    match i32::try_from(number) {
        Ok(number) if number < VIR_STORAGE_VOL_WIPE_ALG_LAST => Ok(()),
        _ => Err(invalid(&format!("wiping algorithm {number} not supported"))),
    }
}

/// Overwrites a volume's bytes.
///
/// # Errors
/// libvirt's, when that cannot be done.
pub(crate) async fn wipe(volume: &Volume, algorithm: u32, programs: &dyn Runner) -> Result<()> {
    let found = ALGORITHMS.iter().find(|(number, _)| u32::try_from(*number) == Ok(algorithm));
    let path = volume.target.path.clone();
    match found {
        None => Err(error(ErrorCode::ARGUMENT_UNSUPPORTED, "'trim' algorithm not supported")),
        Some((_, Some(pattern))) => {
            let program = Program::new("scrub").args(["-f", "-p", pattern]).arg(&path);
            programs.run(&program).await?.success(&program).map(drop)
        }
        Some((_, None)) => {
            let allocation = volume.allocation.unwrap_or(volume.capacity);
            blocking(move || zero(&path, allocation)).await
        }
    }
}

/// Writes zeros over what a file has; one with holes loses all it has instead.
fn zero(path: &str, allocation: u64) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let opened = fs::OpenOptions::new().write(true).open(path);
    let mut file =
        opened.map_err(|e| system(format_args!("Failed to open storage volume with path '{path}'"), &e))?;
    let found = file
        .metadata()
        .map_err(|e| system(format_args!("Failed to stat storage volume with path '{path}'"), &e))?;
    if found.is_file() && found.blocks() < found.len() / 512 {
        let cut = |length| {
            file.set_len(length).map_err(|e| {
                system(format_args!("Failed to truncate volume with path '{path}' to {length} bytes"), &e)
            })
        };
        return cut(0).and_then(|()| cut(found.len()));
    }
    let length = if found.is_file() { found.len() } else { allocation };
    write_zeros(&mut file, length)
        .map_err(|e| system(format_args!("cannot sync data to volume with path '{path}'"), &e))
}

fn write_zeros(file: &mut File, length: u64) -> io::Result<()> {
    let zeros = vec![0; 1024 * 1024];
    let mut left = length;
    while left > 0 {
        let piece = usize::try_from(left).unwrap_or(zeros.len()).min(zeros.len());
        file.write_all(zeros.get(..piece).unwrap_or_default())?;
        left = left.saturating_sub(u64::try_from(piece).unwrap_or(left));
    }
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;
    use virtus_conf::storage::Capacity;

    fn volume(capacity: u64, allocation: u64) -> Volume {
        let text = format!(
            "<volume><name>v</name><capacity>{capacity}</capacity><allocation>{allocation}</allocation></volume>"
        );
        Volume::parse(&text, Capacity::UnlessBacked, false).unwrap()
    }

    #[test]
    fn sizes_shrink_only_when_asked() {
        let (delta, shrink) = (VIR_STORAGE_VOL_RESIZE_DELTA, VIR_STORAGE_VOL_RESIZE_SHRINK);
        let volume = volume(100, 10);
        assert_eq!(new_capacity(&volume, 200, 0).unwrap(), 200);
        assert_eq!(new_capacity(&volume, 5, delta).unwrap(), 105);
        assert_eq!(new_capacity(&volume, 90, delta | shrink).unwrap(), 10);
        assert_eq!(new_capacity(&volume, 50, shrink).unwrap(), 50);
        for (wanted, flags) in [(50, 0), (5, shrink), (95, delta | shrink), (u64::MAX, delta)] {
            assert!(new_capacity(&volume, wanted, flags).is_err());
        }
    }

    #[test]
    fn nothing_is_left_of_what_was_wiped() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("v");
        fs::write(&path, [7; 3000]).unwrap();
        zero(path.to_str().unwrap(), 3000).unwrap();
        assert_eq!(fs::read(&path).unwrap(), [0; 3000]);
        // one with holes
        File::options().write(true).open(&path).unwrap().set_len(1 << 20).unwrap();
        zero(path.to_str().unwrap(), 3000).unwrap();
        assert!(fs::read(&path).unwrap().iter().all(|b| *b == 0));
        assert!(check_algorithm(10).is_err() && check_algorithm(9).is_ok());
    }
}
