//! `pool-build`, `pool-start`, `pool-refresh`, `pool-destroy`, `pool-delete`, `pool-undefine` and `pool-autostart`.

use virtus::calls::Remote;
use virtus::constants::{VIR_STORAGE_POOL_BUILD_NO_OVERWRITE, VIR_STORAGE_POOL_BUILD_OVERWRITE};

use super::{BUILD_TOO, NO_OVERWRITE, OVERWRITE, POOL, build_flags, pool};
use crate::command::{Command, Opt};
use crate::grammar::Arguments;
use crate::objects::{self, act};
use crate::shell::{Outcome, Shell};

pub(super) static BUILD: Command = Command {
    name: "pool-build",
    summary: "make what a pool is in, e.g. a directory or a file system",
    options: &[POOL, NO_OVERWRITE, OVERWRITE],
    run: build,
    ..Command::PLAIN
};

fn build(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (pool, name) = (pool(shell, arguments)?, arguments.needed("pool")?);
    let flags = arguments.flags(&[
        ("no-overwrite", VIR_STORAGE_POOL_BUILD_NO_OVERWRITE),
        ("overwrite", VIR_STORAGE_POOL_BUILD_OVERWRITE),
    ]);
    act(
        shell,
        Remote::storage_pool_build(pool, flags),
        format_args!("Pool {name} built"),
        format_args!("Failed to build pool {name}"),
    )
}

pub(super) static START: Command = Command {
    name: "pool-start",
    summary: "start a pool",
    options: &[POOL, BUILD_TOO, NO_OVERWRITE, OVERWRITE],
    run: start,
    ..Command::PLAIN
};

fn start(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (pool, name) = (pool(shell, arguments)?, arguments.needed("pool")?);
    let flags = build_flags(arguments)?;
    act(
        shell,
        Remote::storage_pool_create(pool, flags),
        format_args!("Pool {name} started"),
        format_args!("Failed to start pool {name}"),
    )
}

pub(super) static REFRESH: Command = Command {
    name: "pool-refresh",
    summary: "look anew for the volumes of a pool",
    options: &[POOL],
    run: refresh,
    ..Command::PLAIN
};

fn refresh(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (pool, name) = (pool(shell, arguments)?, arguments.needed("pool")?);
    act(
        shell,
        Remote::storage_pool_refresh(pool, 0),
        format_args!("Pool {name} refreshed"),
        format_args!("Failed to refresh pool {name}"),
    )
}

pub(super) static DESTROY: Command = Command {
    name: "pool-destroy",
    summary: "stop a pool",
    about: "Stops a pool. What is in its volumes stays; a pool without a stored definition is gone then.",
    options: &[POOL],
    run: destroy,
    ..Command::PLAIN
};

fn destroy(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (pool, name) = (pool(shell, arguments)?, arguments.needed("pool")?);
    act(
        shell,
        Remote::storage_pool_destroy(pool),
        format_args!("Pool {name} destroyed"),
        format_args!("Failed to destroy pool {name}"),
    )
}

pub(super) static DELETE: Command = Command {
    name: "pool-delete",
    summary: "delete what a pool is in",
    about: "Deletes what a pool that is not active is in, and with it all volumes. This cannot be undone.",
    options: &[POOL],
    run: delete,
    ..Command::PLAIN
};

fn delete(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (pool, name) = (pool(shell, arguments)?, arguments.needed("pool")?);
    act(
        shell,
        Remote::storage_pool_delete(pool, 0),
        format_args!("Pool {name} deleted"),
        format_args!("Failed to delete pool {name}"),
    )
}

pub(super) static UNDEFINE: Command = Command {
    name: "pool-undefine",
    summary: "remove the stored definition of a pool",
    options: &[POOL],
    run: undefine,
    ..Command::PLAIN
};

fn undefine(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (pool, name) = (pool(shell, arguments)?, arguments.needed("pool")?);
    act(
        shell,
        Remote::storage_pool_undefine(pool),
        format_args!("Pool {name} has been undefined"),
        format_args!("Failed to undefine pool {name}"),
    )
}

pub(super) static AUTOSTART: Command = Command {
    name: "pool-autostart",
    summary: "have a pool start with the daemon",
    options: &[POOL, Opt::flag("disable", "do not start it any more")],
    run: autostart,
    ..Command::PLAIN
};

fn autostart(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (pool, name) = (pool(shell, arguments)?, arguments.needed("pool")?);
    objects::autostart(shell, arguments, ("pool", "Pool"), name, |on| {
        Remote::storage_pool_set_autostart(pool, on)
    })
}
