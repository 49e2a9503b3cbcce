//! Pools that are directories of the host.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::Path;

use virtus_base::{Error, ErrorDomain, Result};
use virtus_conf::storage::{Permissions, Pool, Sizes, Target, Volume};

use crate::probe;

/// The mode of a directory that is made for a pool.
const DEFAULT_MODE: u32 = 0o711;

/// Makes the directory, or leaves the one that is there as it is but for what the definition says of it.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn build(target: &Target) -> Result<()> {
    let path = Path::new(&target.path);
    let permissions = &target.permissions;
    let failed = |e: io::Error| {
        Error::system(ErrorDomain::STORAGE, format_args!("cannot create path '{}'", target.path), &e)
    };
    let made = match path.is_dir() {
        true => false,
        false => {
            if let Some(parent) = path.parent() {
                fs::DirBuilder::new().recursive(true).mode(0o755).create(parent).map_err(failed)?;
            }
            fs::DirBuilder::new().mode(DEFAULT_MODE).create(path).map_err(failed)?;
            true
        }
    };
    if permissions.owner.is_some() || permissions.group.is_some() {
        chown(path, permissions.owner, permissions.group).map_err(failed)?;
    }
    match permissions.mode.or(made.then_some(DEFAULT_MODE)) {
        Some(mode) => fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(failed),
        None => Ok(()),
    }
}

/// What there is: the pool with its sizes and permissions, and its volumes.
///
/// # Errors
/// When the directory cannot be read.
pub(crate) fn look(pool: &Pool, target: &Target) -> Result<(Pool, Vec<Volume>)> {
    let path = Path::new(&target.path);
    let system = |what: &str, e: io::Error| {
        Error::system(ErrorDomain::NONE, format_args!("cannot {what} '{}'", target.path), &e)
    };
    let mut volumes = Vec::new();
    for entry in fs::read_dir(path).map_err(|e| system("open directory", e))? {
        let entry = entry.map_err(|e| system("read directory", e))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.chars().any(char::is_control) {
            continue;
        }
        // what goes between reading and looking, or may not be looked at, is no volume
        volumes.extend(probe::find(name, &entry.path()).ok().flatten());
    }
    let found = fs::metadata(path).map_err(|e| system("stat", e))?;
    let space = rustix::fs::statvfs(path).map_err(|e| system("statvfs path", e.into()))?;
    let capacity = space.f_frsize.saturating_mul(space.f_blocks);
    let available = space.f_frsize.saturating_mul(space.f_bfree);
    let permissions = Permissions {
        mode: Some(found.mode() & 0o7777),
        owner: Some(found.uid()),
        group: Some(found.gid()),
        label: target.permissions.label.clone(),
    };
    let sizes = Sizes { capacity, allocation: capacity.saturating_sub(available), available };
    let target = Some(Target { path: target.path.clone(), permissions });
    Ok((Pool { sizes, target, ..pool.clone() }, volumes))
}

/// Removes the directory, which has to be empty.
///
/// # Errors
/// When it cannot be removed.
pub(crate) fn delete(target: &Target) -> Result<()> {
    fs::remove_dir(&target.path).map_err(|e| {
        Error::system(ErrorDomain::STORAGE, format_args!("failed to remove pool '{}'", target.path), &e)
    })
}
