//! What the images of disks are: whether they are there, what they build on, which file holds their data.

use std::path::Path;

use virtus_api::DomainEvent;
use virtus_api::constants::*;
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain as conf;
use virtus_conf::domain::device::Disk;
use virtus_conf::domain::device::disk::DiskDevice;
use virtus_conf::domain::device::storage::{
    BackingImage, BackingStore, DataStore, FileSource, Location, SourceCommon, StartupPolicy, StorageSource,
};
use virtus_host::image::{Format, Layer, Source, backing_chain, locate};
use virtus_host::process::Credentials;

use super::volumes::{Volumes, local_path};

/// Formats whose images may build on others.
const BUILDING: [&str; 5] = ["cow", "qcow", "qcow2", "qed", "vmdk"];

/// Takes away what is not there and need not be: media of drives, and whole disks. Answers what is to be told of it.
pub(super) fn drop_missing(model: &mut conf::Domain, volumes: &Volumes) -> Vec<DomainEvent> {
    let mut told = Vec::new();
    model.devices.disks.retain_mut(|disk| {
        if disk.source.common.startup_policy != Some(StartupPolicy::Optional) {
            return true;
        }
        let Some(path) = local_path(&disk.source, volumes).filter(|path| !Path::new(path).exists()) else {
            return true;
        };
        let drive = matches!(disk.device, DiskDevice::Cdrom | DiskDevice::Floppy);
        told.push(DomainEvent::DiskChange {
            old_src_path: Some(path),
            new_src_path: None,
            dev_alias: disk.info.alias.clone().unwrap_or_default(),
            reason: match drive {
                true => VIR_DOMAIN_EVENT_DISK_CHANGE_MISSING_ON_START,
                false => VIR_DOMAIN_EVENT_DISK_DROP_MISSING_ON_START,
            },
        });
        if drive {
            let location = Location::File(FileSource::default());
            disk.source = StorageSource { location, common: SourceCommon::default() };
        }
        drive
    });
    told
}

/// Whether the images of all disks are there.
pub(crate) fn there(model: &conf::Domain, user: Option<&Credentials>) -> Result<()> {
    let local = model.devices.disks.iter().filter_map(|disk| disk.source.path());
    local.into_iter().try_for_each(|path| match std::fs::metadata(path) {
        Ok(_) => Ok(()),
        Err(e) => Err(inaccessible(path, user, &e)),
    })
}

/// Looks at the images of all disks and fills in what they build on.
pub(super) fn chains(model: &mut conf::Domain, volumes: &Volumes, user: Option<&Credentials>) -> Result<()> {
    model.devices.disks.iter_mut().try_for_each(|disk| chain(disk, volumes, user))
}

/// Looks at the image of a disk and fills in what it builds on.
pub(crate) fn chain(disk: &mut Disk, volumes: &Volumes, user: Option<&Credentials>) -> Result<()> {
    let Some(path) = local_path(&disk.source, volumes) else { return Ok(()) };
    // whose images build on others is looked at as the guest's user
    let builds = disk.driver.format.as_deref().is_some_and(|format| BUILDING.contains(&format));
    std::fs::metadata(&path).map_err(|e| inaccessible(&path, user.filter(|_| builds), &e))?;
    if disk.backing.is_some() {
        return Ok(());
    }
    let format = disk.driver.format.as_deref().and_then(Format::from_name);
    let layers = match backing_chain(Path::new(&path), format) {
        // what is not of its format QEMU says better
        Err(e) if e.code() == ErrorCode::SYSTEM_ERROR && e.fields().int1 == -1 => Vec::new(),
        layers => layers?,
    };
    if let Some(top) = layers.first() {
        disk.source.common.data_store = disk.source.common.data_store.take().or_else(|| data_file(top));
    }
    disk.backing = Some(below(&layers, 1));
    Ok(())
}

/// The file that holds a qcow2 image's data, if another does.
fn data_file(layer: &Layer) -> Option<Box<DataStore>> {
    let (Source::File(path), Some(name)) = (&layer.source, layer.image.qcow2.as_ref()?.data_file.as_ref())
    else {
        return None;
    };
    let path = match locate(path, name) {
        Source::File(path) => path.to_string_lossy().into_owned(),
        Source::Other(name) => name,
    };
    Some(Box::new(DataStore { format: "raw".to_owned(), source: StorageSource::file(path) }))
}

fn below(layers: &[Layer], depth: usize) -> BackingStore {
    let Some(layer) = layers.get(depth) else { return BackingStore::End };
    let path = match &layer.source {
        Source::File(path) => path.to_string_lossy().into_owned(),
        Source::Other(name) => name.clone(),
    };
    let mut source = StorageSource::file(path);
    source.common.data_store = data_file(layer);
    BackingStore::Image(Box::new(BackingImage {
        format: Some(layer.image.format.name().to_owned()),
        metadata_cache_max: None,
        source,
        backing: Some(below(layers, depth.saturating_add(1))),
        backing_detected: true,
    }))
}

fn inaccessible(path: &str, user: Option<&Credentials>, e: &std::io::Error) -> Error {
    let what = match user {
        Some(user) => format!("Cannot access storage file '{path}' (as uid:{}, gid:{})", user.uid, user.gid),
        None => format!("Cannot access storage file '{path}'"),
    };
    Error::system(ErrorDomain::STORAGE, what, e)
}
