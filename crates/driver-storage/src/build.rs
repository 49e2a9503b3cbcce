//! Making a volume's file.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::Path;

use rustix::fs::{FallocateFlags, SeekFrom, fallocate, ioctl_ficlone, seek};
use virtus_api::SecretValues;
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::storage::{Volume, VolumeFormat, VolumeTarget};
use virtus_host::program::{Program, Runner};
use virtus_state::definitions::blocking;

use crate::keys::HeldKey;
use crate::{error, image};

/// The mode of a volume that does not say which.
const DEFAULT_MODE: u32 = 0o600;

/// How a volume is to be made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct How {
    /// Its clusters have their places from the beginning.
    pub(crate) preallocate: bool,
    /// It shares the blocks of what it is made from.
    pub(crate) reflink: bool,
}

/// Makes the file; when that fails nothing is left of it.
///
/// # Errors
/// libvirt's, by what went wrong.
pub(crate) async fn build(
    volume: &Volume,
    from: Option<&Volume>,
    how: How,
    programs: &dyn Runner,
    secrets: &dyn SecretValues,
) -> Result<()> {
    let target = &volume.target;
    let plain = |v: &Volume| v.target.format == VolumeFormat::Raw && v.target.encryption.is_none();
    match target.format {
        VolumeFormat::Dir => {
            let (volume, copied) = (volume.clone(), from.is_some());
            blocking(move || directory(&volume, copied)).await
        }
        VolumeFormat::Ploop => {
            Err(Error::internal(ErrorDomain::STORAGE, "unable to find ploop, please install ploop tools"))
        }
        VolumeFormat::Raw if plain(volume) && from.is_none_or(plain) => {
            let (volume, from) = (volume.clone(), from.cloned());
            blocking(move || raw(&volume, from.as_ref(), how)).await
        }
        _ => by_program(volume, from, how.preallocate, programs, secrets).await,
    }
}

fn system(text: impl std::fmt::Display, e: &io::Error) -> Error {
    Error::system(ErrorDomain::STORAGE, text, e)
}

fn directory(volume: &Volume, copied: bool) -> Result<()> {
    if copied {
        let text = "cannot copy from volume to a directory volume";
        return Err(Error::internal(ErrorDomain::STORAGE, text));
    }
    if volume.backing.is_some() {
        let text = "backing storage not supported for directories volumes";
        return Err(error(ErrorCode::NO_SUPPORT, text));
    }
    let path = &volume.target.path;
    let made = fs::DirBuilder::new().mode(DEFAULT_MODE).create(path);
    made.map_err(|e| system(format_args!("failed to create directory '{path}'"), &e))?;
    hand_over(&volume.target).inspect_err(|_| {
        // it is empty still
        let _ = fs::remove_dir(path);
    })
}

/// Gives the new file its owner and mode.
fn hand_over(target: &VolumeTarget) -> Result<()> {
    let (path, permissions) = (Path::new(&target.path), &target.permissions);
    if permissions.owner.is_some() || permissions.group.is_some() {
        chown(path, permissions.owner, permissions.group).map_err(|e| {
            let (owner, group) = (permissions.owner, permissions.group);
            let number = |id: Option<u32>| id.map_or(-1, i64::from);
            let text = format!("cannot chown '{}' to ({}, {})", target.path, number(owner), number(group));
            system(text, &e)
        })?;
    }
    let mode = permissions.mode.unwrap_or(DEFAULT_MODE);
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(|e| system(format_args!("cannot set mode of '{}' to {mode:04o}", target.path), &e))
}

/// A new, empty file that only the daemon may use yet.
fn new_file(path: &str) -> Result<File> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(DEFAULT_MODE);
    options.open(path).map_err(|e| system(format_args!("Failed to create file '{path}'"), &e))
}

fn raw(volume: &Volume, from: Option<&Volume>, how: How) -> Result<()> {
    if volume.backing.is_some() {
        return Err(error(ErrorCode::NO_SUPPORT, "backing storage not supported for raw volumes"));
    }
    if how.preallocate {
        let text = "metadata preallocation is not supported for raw volumes";
        return Err(error(ErrorCode::CONFIG_UNSUPPORTED, text));
    }
    let path = &volume.target.path;
    let file = new_file(path)?;
    let made = fill(&file, volume, from, how.reflink).and_then(|()| hand_over(&volume.target));
    made.inspect_err(|_| {
        // what is told is why it could not be made
        let _ = fs::remove_file(path);
    })
}

fn fill(file: &File, volume: &Volume, from: Option<&Volume>, reflink: bool) -> Result<()> {
    let path = &volume.target.path;
    file.set_len(volume.capacity).map_err(|e| system(format_args!("cannot extend file '{path}'"), &e))?;
    let wanted = volume.allocation.unwrap_or(volume.capacity);
    if wanted > 0 && !reflink {
        allocate(file, wanted)
            .map_err(|e| system(format_args!("cannot allocate {wanted} bytes in file '{path}'"), &e))?;
    }
    if let Some(from) = from {
        let source = &from.target.path;
        let input = File::open(source)
            .map_err(|e| system(format_args!("could not open input path '{source}'"), &e))?;
        if reflink {
            ioctl_ficlone(file, &input)
                .map_err(|e| system(format_args!("failed to clone files from '{source}'"), &e.into()))?;
        } else {
            copy(&input, file)
                .map_err(|e| system(format_args!("failed reading from file '{source}'"), &e))?;
        }
    }
    file.sync_all().map_err(|e| system(format_args!("cannot sync data to file '{path}'"), &e))
}

/// Has the first bytes of a file have their place on the disk.
pub(crate) fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    match fallocate(file, FallocateFlags::empty(), 0, bytes) {
        // some file systems can only be made to by writing, which is not done behind a user's back
        Err(rustix::io::Errno::OPNOTSUPP) => file.set_len(file.metadata()?.len().max(bytes)),
        other => other.map_err(io::Error::from),
    }
}

/// Copies what is there of a file; its holes stay holes.
fn copy(input: &File, output: &File) -> io::Result<()> {
    const PIECE: usize = 1024 * 1024;
    let mut piece = vec![0; PIECE];
    let end = seek(input.as_fd(), SeekFrom::End(0))?;
    let mut at = 0;
    while at < end {
        // a file system without holes has data everywhere
        let start = match seek(input.as_fd(), SeekFrom::Data(at)) {
            Ok(start) => start,
            Err(rustix::io::Errno::NXIO) => return Ok(()),
            Err(_) => at,
        };
        let stop = seek(input.as_fd(), SeekFrom::Hole(start)).unwrap_or(end);
        at = start;
        while at < stop {
            let room = usize::try_from(stop - at).unwrap_or(PIECE).min(PIECE);
            let Some(buffer) = piece.get_mut(..room) else { break };
            let read = input.read_at(buffer, at)?;
            if read == 0 {
                return Ok(());
            }
            output.write_all_at(buffer.get(..read).unwrap_or_default(), at)?;
            at = at.saturating_add(u64::try_from(read).unwrap_or(0));
        }
    }
    Ok(())
}

async fn by_program(
    volume: &Volume,
    from: Option<&Volume>,
    preallocate: bool,
    programs: &dyn Runner,
    secrets: &dyn SecretValues,
) -> Result<()> {
    let key = HeldKey::of(volume.target.encryption.as_ref(), secrets)?;
    let from_key = match from {
        Some(from) => HeldKey::of(from.target.encryption.as_ref(), secrets)?,
        None => None,
    };
    image::check(volume, preallocate)?;
    let (key, from_key) = (key.as_ref().map(HeldKey::key), from_key.as_ref().map(HeldKey::key));
    let mut steps = Vec::new();
    if from.is_none() || key.is_some() || from_key.is_some() {
        steps.push(image::create(volume, preallocate, key)?);
    }
    if let Some(from) = from {
        steps.push(image::convert(volume, from, preallocate, [from_key, key])?);
    }
    // the name is taken, and nobody else may look, before anything is in it
    let path = volume.target.path.clone();
    blocking(move || new_file(&path).map(drop)).await?;
    let (ran, target) = (run(programs, &steps).await, volume.target.clone());
    blocking(move || {
        ran.and_then(|()| hand_over(&target)).inspect_err(|_| {
            let _ = fs::remove_file(&target.path);
        })
    })
    .await
}

async fn run(programs: &dyn Runner, steps: &[Program]) -> Result<()> {
    for step in steps {
        programs.run(step).await?.success(step)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn copies_keep_their_holes() {
        let root = tempfile::tempdir().unwrap();
        let (a, b) = (root.path().join("a"), root.path().join("b"));
        let input =
            fs::OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&a).unwrap();
        input.set_len(8 << 20).unwrap();
        input.write_all_at(b"middle", 3 << 20).unwrap();
        let output = new_file(b.to_str().unwrap()).unwrap();
        output.set_len(8 << 20).unwrap();
        copy(&input, &output).unwrap();
        assert_eq!(fs::read(&a).unwrap(), fs::read(&b).unwrap());
        assert!(output.metadata().unwrap().blocks() * 512 < 4 << 20);
        assert!(new_file(b.to_str().unwrap()).is_err(), "what is there is not taken over");
    }
}
