//! Volumes of pools that a definition names, as what they are on this host.

use std::collections::HashMap;

use virtus_api::{VolumePlace, VolumePlaces};
use virtus_base::Result;
use virtus_conf::domain::device::Disk;
use virtus_conf::domain::device::storage::{Location, StorageSource};

/// What places volumes have, by the pool's name and their own.
pub(crate) type Volumes = HashMap<(String, String), VolumePlace>;

/// The volumes that disks name.
///
/// # Errors
/// libvirt's, for a pool or volume that is not there.
pub(crate) fn places<'a>(
    disks: impl IntoIterator<Item = &'a Disk>,
    volumes: &dyn VolumePlaces,
) -> Result<Volumes> {
    let mut found = HashMap::new();
    for disk in disks {
        if let Some((pool, volume)) = names(&disk.source) {
            let place = volumes.place(&pool, &volume)?;
            found.insert((pool, volume), place);
        }
    }
    Ok(found)
}

fn names(source: &StorageSource) -> Option<(String, String)> {
    match &source.location {
        Location::Volume(v) => {
            Some((v.pool.clone().unwrap_or_default(), v.volume.clone().unwrap_or_default()))
        }
        _ => None,
    }
}

/// The file or device of this host that a source is.
pub(super) fn local_path(source: &StorageSource, volumes: &Volumes) -> Option<String> {
    match &source.location {
        Location::File(_) | Location::Block(_) => source.path().map(str::to_owned),
        _ => Some(volumes.get(&names(source)?)?.path.clone()),
    }
}
