//! `pool-list`, `pool-info`, `pool-name` and `pool-uuid`.

use virtus::StoragePoolRef;
use virtus::calls::Remote;
use virtus::constants::*;

use super::build::TYPES;
use super::{POOL, pool, pool_by, pools};
use crate::command::{Command, OUTPUT, Opt};
use crate::grammar::Arguments;
use crate::objects::{Lookup, fact, holds, list_or, names_then, sort_by_name, word, yes_no};
use crate::shell::{OrSay, Outcome, Shell, fail, out};
use crate::show::{Cell, Table, escape, size};

pub(super) static LIST: Command = Command {
    name: "pool-list",
    summary: "list pools",
    about: "Lists active pools, or those that the options ask for.",
    options: &[
        Opt::flag("inactive", "pools that are not active"),
        Opt::flag("all", "pools that are active and pools that are not"),
        Opt::flag("transient", "pools without a stored definition"),
        Opt::flag("persistent", "pools with a stored definition"),
        Opt::flag("autostart", "pools that start with the daemon"),
        Opt::flag("no-autostart", "pools that do not start with the daemon"),
        Opt::text("type", "pools made of one of these, with commas between them")
            .also_positional()
            .one_of(&TYPES),
        Opt::flag("details", "tell more about each"),
        Opt::flag("uuid", "print UUIDs"),
        Opt::flag("name", "print names"),
        OUTPUT,
    ],
    run: list,
    ..Command::PLAIN
};

/// The flags for what pools are made of, in the order of their names.
const OF_TYPE: [u32; 14] = [
    VIR_CONNECT_LIST_STORAGE_POOLS_DIR,
    VIR_CONNECT_LIST_STORAGE_POOLS_FS,
    VIR_CONNECT_LIST_STORAGE_POOLS_NETFS,
    VIR_CONNECT_LIST_STORAGE_POOLS_LOGICAL,
    VIR_CONNECT_LIST_STORAGE_POOLS_DISK,
    VIR_CONNECT_LIST_STORAGE_POOLS_ISCSI,
    VIR_CONNECT_LIST_STORAGE_POOLS_ISCSI_DIRECT,
    VIR_CONNECT_LIST_STORAGE_POOLS_SCSI,
    VIR_CONNECT_LIST_STORAGE_POOLS_MPATH,
    VIR_CONNECT_LIST_STORAGE_POOLS_RBD,
    VIR_CONNECT_LIST_STORAGE_POOLS_SHEEPDOG,
    VIR_CONNECT_LIST_STORAGE_POOLS_GLUSTER,
    VIR_CONNECT_LIST_STORAGE_POOLS_ZFS,
    VIR_CONNECT_LIST_STORAGE_POOLS_VSTORAGE,
];

/// Which pools the options ask for.
fn filter(arguments: &Arguments) -> Outcome<u32> {
    arguments.exclusive("all", "inactive")?;
    let mut flags = match (arguments.has("all"), arguments.has("inactive")) {
        (true, _) => VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE | VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE,
        (false, true) => VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE,
        (false, false) => VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE,
    };
    flags |= arguments.flags(&[
        ("autostart", VIR_CONNECT_LIST_STORAGE_POOLS_AUTOSTART),
        ("no-autostart", VIR_CONNECT_LIST_STORAGE_POOLS_NO_AUTOSTART),
        ("persistent", VIR_CONNECT_LIST_STORAGE_POOLS_PERSISTENT),
        ("transient", VIR_CONNECT_LIST_STORAGE_POOLS_TRANSIENT),
    ]);
    let types = arguments.text("type")?;
    arguments.exclusive("details", "uuid")?;
    arguments.exclusive("details", "name")?;
    for name in types.map(escape::split).unwrap_or_default() {
        match TYPES.iter().zip(OF_TYPE).find(|(known, _)| **known == name) {
            Some((_, flag)) => flags |= flag,
            None => fail!("Invalid pool type '{name}'"),
        }
    }
    Ok(flags)
}

fn list(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = filter(arguments)?;
    let [details, uuids, names] = ["details", "uuid", "name"].map(|name| arguments.has(name));
    let listed = shell.call(Remote::connect_list_all_storage_pools(1, flags)).map(|reply| reply.pools.0);
    let mut pools = list_or(listed, "Failed to list pools", || by_names(shell, flags))?;
    sort_by_name(&mut pools, |pool| &pool.name);
    if uuids || names {
        for pool in pools {
            match (uuids, names) {
                (true, true) => out!(shell, "{} {}\n", pool.uuid, pool.name),
                (true, false) => out!(shell, "{}\n", pool.uuid),
                _ => out!(shell, "{}\n", pool.name),
            }
        }
        return Ok(());
    }
    let columns = ["Name", "State", "Autostart", "Persistent", "Capacity", "Allocation", "Available"];
    let mut table = Table::new(if details { &columns } else { &columns[..3] });
    for pool in &pools {
        table.row(row(shell, pool, details));
    }
    table.show(shell, arguments)
}

/// Those that are active, those that are not, or both, from a driver that only has the older calls.
fn by_names(shell: &Shell, flags: u32) -> Outcome<Vec<StoragePoolRef>> {
    if OF_TYPE.iter().any(|flag| flags & flag != 0) {
        fail!("Filtering using --type is not supported by this libvirt");
    }
    let mut names = Vec::new();
    if flags & VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE != 0 {
        let count = shell.call(Remote::connect_num_of_storage_pools());
        let count = count.or_say("Failed to get the number of active pools ")?;
        let listed = shell.call(Remote::connect_list_storage_pools(count));
        names.extend(listed.or_say("Failed to list active pools")?.0);
    }
    if flags & VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE != 0 {
        let count = shell.call(Remote::connect_num_of_defined_storage_pools());
        let count = count.or_say("Failed to get the number of inactive pools")?;
        let listed = shell.call(Remote::connect_list_defined_storage_pools(count));
        names.extend(listed.or_say("Failed to list inactive pools")?.0);
    }
    Ok(names_then(names, |name| shell.call(Remote::storage_pool_lookup_by_name(name)).ok()))
}

fn row(shell: &mut Shell, pool: &StoragePoolRef, details: bool) -> Vec<Cell> {
    let autostart = match shell.call(Remote::storage_pool_get_autostart(pool.clone())) {
        Ok(on) => Cell::flag(on != 0, "yes", "no"),
        Err(_) => Cell::new("no autostart", false),
    };
    let info = shell.call(Remote::storage_pool_get_info(pool.clone()));
    if info.is_err() {
        shell.error("Could not retrieve pool information");
    }
    let name = pool.name.as_str().into();
    if !details {
        let active = holds(shell, Remote::storage_pool_is_active(pool.clone()));
        let state = match &info {
            Err(_) => "unknown",
            Ok(_) if active => "active",
            Ok(_) => "inactive",
        };
        return vec![name, state.into(), autostart];
    }
    let persistent = match shell.call(Remote::storage_pool_is_persistent(pool.clone())) {
        Ok(yes) => Cell::flag(yes != 0, "yes", "no"),
        Err(_) => Cell::new("unknown", serde_json::Value::Null),
    };
    let mut row = vec![name];
    match info {
        Err(_) => {
            let unknown = || Cell::new("unknown", serde_json::Value::Null);
            row.extend([unknown(), autostart, persistent, unknown(), unknown(), unknown()]);
        }
        Ok(info) => {
            row.extend([state(info.state).into(), autostart, persistent]);
            let known = has_sizes(info.state);
            row.extend([info.capacity, info.allocation, info.available].map(|bytes| match known {
                true => {
                    let (value, unit) = size::pretty(bytes);
                    Cell::new(format!("{value:.2} {unit}"), bytes)
                }
                false => Cell::new("-", serde_json::Value::Null),
            }));
        }
    }
    row
}

fn state(state: u8) -> &'static str {
    let words = ["inactive", "building", "running", "degraded", "inaccessible"];
    words.get(usize::from(state)).copied().unwrap_or("unknown")
}

/// Whether a pool in this state knows how large it is: it is running or degraded.
fn has_sizes(state: u8) -> bool {
    matches!(state, 2 | 3)
}

pub(super) static INFO: Command = Command {
    name: "pool-info",
    summary: "the most important facts about a pool",
    options: &[POOL, Opt::flag("bytes", "print sizes in bytes")],
    run: info,
    ..Command::PLAIN
};

fn info(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let pool = pool(shell, arguments)?;
    fact(shell, "Name:", &pool.name);
    fact(shell, "UUID:", pool.uuid);
    let info = shell.call(Remote::storage_pool_get_info(pool.clone()))?;
    fact(shell, "State:", state(info.state));
    match shell.call(Remote::storage_pool_is_persistent(pool.clone())) {
        Ok(yes) => fact(shell, "Persistent:", yes_no(yes != 0)),
        Err(_) => fact(shell, "Persistent:", "unknown"),
    }
    let autostart = shell.call(Remote::storage_pool_get_autostart(pool));
    fact(shell, "Autostart:", word(autostart, "no autostart"));
    if has_sizes(info.state) {
        let sizes =
            [("Capacity:", info.capacity), ("Allocation:", info.allocation), ("Available:", info.available)];
        for (title, bytes) in sizes {
            let (value, unit) = size::pretty(bytes);
            match arguments.has("bytes") {
                true => fact(shell, title, bytes),
                false => fact(shell, title, format_args!("{value:.2} {unit}")),
            }
        }
    }
    Ok(())
}

pub(super) static NAME: Command = Command {
    name: "pool-name",
    summary: "the name of the pool with a UUID",
    options: &[Opt::text("pool", "the pool's UUID").positional().required()],
    run: name,
    ..Command::PLAIN
};

fn name(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let pool = pool_by(shell, arguments.needed("pool")?, Lookup::Uuid)?;
    out!(shell, "{}\n", pool.name);
    Ok(())
}

pub(super) static UUID: Command = Command {
    name: "pool-uuid",
    summary: "the UUID of the pool with a name",
    options: &[Opt::text("pool", "the pool's name").positional().required().asks(pools)],
    run: uuid,
    ..Command::PLAIN
};

fn uuid(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let pool = pool_by(shell, arguments.needed("pool")?, Lookup::Name)?;
    out!(shell, "{}\n", pool.uuid);
    Ok(())
}
