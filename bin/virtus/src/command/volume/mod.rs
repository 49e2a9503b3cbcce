//! Commands about storage volumes.

mod create;
mod info;
mod one;
mod transfer;

use virtus::calls::Remote;
use virtus::{StoragePoolRef, StorageVolRef};

use super::pool::{POOL, pool, pool_by, pools};
use super::{Group, Opt};
use crate::grammar::Arguments;
use crate::objects::{Lookup, list_or, names_then, sort_by_name};
use crate::shell::{Failure, OrSay, Outcome, Shell, fail};

pub(crate) static GROUP: Group = Group {
    name: "Storage Volume",
    keyword: "volume",
    commands: &[
        &create::CLONE,
        &create::CREATE_AS,
        &create::CREATE,
        &create::CREATE_FROM,
        &one::DELETE,
        &transfer::DOWNLOAD,
        &info::DUMPXML,
        &info::INFO,
        &info::KEY,
        &info::LIST,
        &info::NAME,
        &info::PATH,
        &info::POOL_OF,
        &one::RESIZE,
        &transfer::UPLOAD,
        &one::WIPE,
    ],
};

const VOL: Opt = Opt::text("vol", "the volume: its name, key or path").positional().required().asks(volumes);
/// A volume that no pool is given for.
const VOL_BY_KEY: Opt = Opt::text("vol", "the volume: its key or path").positional().required().asks(keys);
const IN_POOL: Opt =
    Opt::text("pool", "the pool that the volume is in: its name or UUID").positional().asks(pools);

fn all(shell: &Shell, pool: StoragePoolRef) -> Outcome<Vec<StorageVolRef>> {
    let listed = shell.call(Remote::storage_pool_list_all_volumes(pool.clone(), 1, 0));
    let mut volumes = list_or(listed.map(|reply| reply.vols.0), "Failed to list volumes", || {
        let failed = "Failed to list storage volumes";
        let count = shell.call(Remote::storage_pool_num_of_volumes(pool.clone())).or_say(failed)?;
        let names = shell.call(Remote::storage_pool_list_volumes(pool.clone(), count)).or_say(failed)?;
        Ok(names_then(names.0, |name| {
            shell.call(Remote::storage_vol_lookup_by_name(pool.clone(), name)).ok()
        }))
    })?;
    sort_by_name(&mut volumes, |volume| &volume.name);
    Ok(volumes)
}

fn volumes(shell: &mut Shell, arguments: &Arguments) -> Vec<String> {
    let Ok(pool) = pool(shell, arguments) else { return Vec::new() };
    all(shell, pool).unwrap_or_default().into_iter().map(|volume| volume.name).collect()
}

fn keys(shell: &mut Shell, arguments: &Arguments) -> Vec<String> {
    let mut keys = Vec::new();
    for name in pools(shell, arguments) {
        let Ok(pool) = pool_by(shell, &name, Lookup::Name) else { continue };
        keys.extend(all(shell, pool).unwrap_or_default().into_iter().map(|volume| volume.key));
    }
    keys
}

/// The volume that `<vol>` and `--pool` name.
fn volume(shell: &Shell, arguments: &Arguments) -> Outcome<StorageVolRef> {
    volume_in(shell, arguments, "pool")
}

/// The volume that `<vol>` and the option for a pool name.
fn volume_in(shell: &Shell, arguments: &Arguments, pool_option: &str) -> Outcome<StorageVolRef> {
    let name = arguments.needed("vol")?;
    let Some(pool_name) = arguments.text(pool_option)? else {
        let help = format!(", specifying --{pool_option} might help");
        return by_key_or_path(shell, name, &help);
    };
    let pool = pool_by(shell, pool_name, Lookup::Any)?;
    if shell.call(Remote::storage_pool_is_active(pool.clone())).ok() != Some(1) {
        fail!("pool '{pool_name}' is not active");
    }
    let found = match shell.call(Remote::storage_vol_lookup_by_name(pool.clone(), name.to_owned())) {
        Ok(volume) => volume,
        Err(_) => by_key_or_path(shell, name, "")?,
    };
    match shell.call(Remote::storage_pool_lookup_by_volume(found.clone())) {
        Ok(other) if other.name != pool.name => {
            fail!("Requested volume '{name}' is not in pool '{}'", pool.name)
        }
        _ => Ok(found),
    }
}

/// The volume of this key or path; `help` is added to the complaint.
fn by_key_or_path(shell: &Shell, name: &str, help: &str) -> Outcome<StorageVolRef> {
    if let Ok(volume) = shell.call(Remote::storage_vol_lookup_by_key(name.to_owned())) {
        return Ok(volume);
    }
    shell
        .call(Remote::storage_vol_lookup_by_path(name.to_owned()))
        .map_err(|error| Failure::new(format_args!("failed to get vol '{name}'{help}")).because(error))
}
