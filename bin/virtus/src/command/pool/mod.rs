//! Commands about storage pools.

mod build;
mod definition;
mod event;
mod lifecycle;
mod list;
mod sources;

use virtus::StoragePoolRef;
use virtus::calls::Remote;
use virtus::constants::*;

use super::{Group, Opt};
use crate::grammar::Arguments;
use crate::objects::{self, Lookup};
use crate::shell::{Outcome, Shell};

pub(crate) static GROUP: Group = Group {
    name: "Storage Pool",
    keyword: "pool",
    commands: &[
        &sources::FIND_AS,
        &sources::FIND,
        &lifecycle::AUTOSTART,
        &lifecycle::BUILD,
        &build::CREATE_AS,
        &definition::CREATE,
        &build::DEFINE_AS,
        &definition::DEFINE,
        &lifecycle::DELETE,
        &lifecycle::DESTROY,
        &definition::DUMPXML,
        &definition::EDIT,
        &list::INFO,
        &list::LIST,
        &list::NAME,
        &lifecycle::REFRESH,
        &lifecycle::START,
        &lifecycle::UNDEFINE,
        &list::UUID,
        &event::COMMAND,
        &sources::CAPABILITIES,
    ],
};

pub(crate) const POOL: Opt =
    Opt::text("pool", "the pool: its name or UUID").positional().required().asks(pools);
const BUILD_TOO: Opt = Opt::flag("build", "build the pool first");
const NO_OVERWRITE: Opt = Opt::flag("no-overwrite", "build it only where nothing is yet");
const OVERWRITE: Opt = Opt::flag("overwrite", "build it over whatever is there");

pub(crate) fn pools(shell: &mut Shell, _: &Arguments) -> Vec<String> {
    let flags = VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE | VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE;
    let listed = shell.call(Remote::connect_list_all_storage_pools(1, flags));
    listed.map(|reply| reply.pools.0.into_iter().map(|pool| pool.name).collect()).unwrap_or_default()
}

/// The pool that is meant.
///
/// # Errors
/// There is none.
pub(crate) fn pool(shell: &Shell, arguments: &Arguments) -> Outcome<StoragePoolRef> {
    pool_by(shell, arguments.needed("pool")?, Lookup::Any)
}

/// The pool of this name or UUID.
///
/// # Errors
/// There is none.
pub(crate) fn pool_by(shell: &Shell, name: &str, by: Lookup) -> Outcome<StoragePoolRef> {
    let by_uuid = Remote::storage_pool_lookup_by_uuid;
    let kind = ("pool", "virStoragePoolLookupByUUIDString");
    objects::find(shell, kind, name, by, by_uuid, Remote::storage_pool_lookup_by_name)
}

/// What `--build`, `--overwrite` and `--no-overwrite` say of a pool that starts.
fn build_flags(arguments: &Arguments) -> Outcome<u32> {
    arguments.exclusive("overwrite", "no-overwrite")?;
    Ok(arguments.flags(&[
        ("build", VIR_STORAGE_POOL_CREATE_WITH_BUILD),
        ("overwrite", VIR_STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE),
        ("no-overwrite", VIR_STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE),
    ]))
}
