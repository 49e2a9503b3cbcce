//! What there is to know of volumes: `vol-info`, `vol-dumpxml`, `vol-key`, `vol-name`, `vol-path`, `vol-pool` and
//! `vol-list`.

use virtus::calls::Remote;
use virtus::constants::VIR_STORAGE_VOL_GET_PHYSICAL;

use super::{IN_POOL, POOL, VOL, VOL_BY_KEY, all, by_key_or_path, pool, volume};
use crate::command::{Command, OUTPUT, Opt, WRAP, XPATH};
use crate::grammar::Arguments;
use crate::objects::fact;
use crate::shell::{OrSay, Outcome, Shell, out};
use crate::show::{Cell, Table, size};
use crate::xml;

/// What a volume is.
fn kind(kind: i8) -> &'static str {
    let words = ["file", "block", "dir", "network", "netdir", "ploop"];
    usize::try_from(kind).ok().and_then(|kind| words.get(kind)).copied().unwrap_or("unknown")
}

pub(super) static INFO: Command = Command {
    name: "vol-info",
    summary: "the most important facts about a volume",
    options: &[
        VOL,
        IN_POOL,
        Opt::flag("bytes", "print sizes in bytes"),
        Opt::flag("physical", "tell how large it is on its storage"),
    ],
    run: info,
    ..Command::PLAIN
};

fn info(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let volume = volume(shell, arguments)?;
    let physical = arguments.has("physical");
    fact(shell, "Name:", &volume.name);
    let (kind_of, capacity, allocation) = match physical {
        true => {
            let request = Remote::storage_vol_get_info_flags(volume, VIR_STORAGE_VOL_GET_PHYSICAL);
            let info = shell.call(request)?;
            (info.kind, info.capacity, info.allocation)
        }
        false => {
            let info = shell.call(Remote::storage_vol_get_info(volume))?;
            (info.kind, info.capacity, info.allocation)
        }
    };
    fact(shell, "Type:", kind(kind_of));
    let second = if physical { "Physical:" } else { "Allocation:" };
    for (title, bytes) in [("Capacity:", capacity), (second, allocation)] {
        let (value, unit) = size::pretty(bytes);
        match arguments.has("bytes") {
            true => fact(shell, title, format_args!("{bytes} bytes")),
            false => fact(shell, title, format_args!("{value:.2} {unit}")),
        }
    }
    Ok(())
}

pub(super) static DUMPXML: Command = Command {
    name: "vol-dumpxml",
    summary: "print what is known of a volume, as XML",
    options: &[VOL, IN_POOL, XPATH, WRAP],
    run: dumpxml,
    ..Command::PLAIN
};

fn dumpxml(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let volume = volume(shell, arguments)?;
    let text = shell.call(Remote::storage_vol_get_xml_desc(volume, 0))?;
    xml::show(shell, &text, arguments.xpath()?, arguments.has("wrap"))
}

pub(super) static KEY: Command = Command {
    name: "vol-key",
    summary: "the key of a volume",
    options: &[VOL, IN_POOL],
    run: key,
    ..Command::PLAIN
};

fn key(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let volume = volume(shell, arguments)?;
    out!(shell, "{}\n", volume.key);
    Ok(())
}

pub(super) static PATH: Command = Command {
    name: "vol-path",
    summary: "the path of a volume",
    options: &[VOL, IN_POOL],
    run: path,
    ..Command::PLAIN
};

fn path(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let volume = volume(shell, arguments)?;
    let path = shell.call(Remote::storage_vol_get_path(volume))?;
    out!(shell, "{path}\n");
    Ok(())
}

pub(super) static NAME: Command = Command {
    name: "vol-name",
    summary: "the name of the volume with a key or path",
    options: &[VOL_BY_KEY],
    run: name,
    ..Command::PLAIN
};

fn name(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let volume = by_key_or_path(shell, arguments.needed("vol")?, "")?;
    out!(shell, "{}\n", volume.name);
    Ok(())
}

pub(super) static POOL_OF: Command = Command {
    name: "vol-pool",
    summary: "the pool of the volume with a key or path",
    options: &[VOL_BY_KEY, Opt::flag("uuid", "the pool's UUID, not its name")],
    run: pool_of,
    ..Command::PLAIN
};

fn pool_of(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let volume = by_key_or_path(shell, arguments.needed("vol")?, "")?;
    let pool =
        shell.call(Remote::storage_pool_lookup_by_volume(volume)).or_say("failed to get parent pool")?;
    match arguments.has("uuid") {
        true => out!(shell, "{}\n", pool.uuid),
        false => out!(shell, "{}\n", pool.name),
    }
    Ok(())
}

pub(super) static LIST: Command = Command {
    name: "vol-list",
    summary: "list the volumes of a pool",
    options: &[POOL, Opt::flag("details", "tell more about each"), OUTPUT],
    run: list,
    ..Command::PLAIN
};

fn list(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let details = arguments.has("details");
    let pool = pool(shell, arguments)?;
    let volumes = all(shell, pool)?;
    let columns = ["Name", "Path", "Type", "Capacity", "Allocation"];
    let mut table = Table::new(if details { &columns } else { &columns[..2] });
    for volume in volumes {
        let unknown = || Cell::new("unknown", serde_json::Value::Null);
        let path = shell.call(Remote::storage_vol_get_path(volume.clone()));
        let mut row = vec![volume.name.as_str().into(), path.map_or_else(|_| unknown(), Cell::from)];
        if details {
            match shell.call(Remote::storage_vol_get_info(volume)) {
                Err(_) => row.extend([unknown(), unknown(), unknown()]),
                Ok(info) => {
                    row.push(kind(info.kind).into());
                    row.extend([info.capacity, info.allocation].map(|bytes| {
                        let (value, unit) = size::pretty(bytes);
                        Cell::new(format!("{value:.2} {unit}"), bytes)
                    }));
                }
            }
        }
        table.row(row);
    }
    table.show(shell, arguments)
}
