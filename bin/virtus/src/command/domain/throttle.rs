//! Limits of disks: `blkdeviotune`, and groups of limits: `domthrottlegroupset`, `…del`, `…info` and `…list`.

use virtus::calls::Remote;
use virtus::constants::VIR_TYPED_PARAM_STRING_OKAY;

use super::params;
use crate::command::{CONFIG, CURRENT, Command, DOMAIN, LIVE, OUTPUT, Opt};
use crate::complete;
use crate::grammar::Arguments;
use crate::shell::{Failure, OrSay, Outcome, Shell, extra, out};
use crate::show::Table;
use crate::xml;

/// The options that set a limit, each with the name that scripts of old have for it.
macro_rules! limits {
    ([$($before:expr),*] [$($after:expr),*] $($old:literal, $name:literal, $help:literal;)*) => {
        &[$($before,)* $(Opt::alias($old, $name), Opt::number($name, $help),)* $($after),*]
    };
}

macro_rules! with_limits {
    ([$($before:expr),* $(,)?] [$($after:expr),* $(,)?]) => {
        limits! {
            [$($before),*] [$($after),*]
            "total_bytes_sec", "total-bytes-sec", "bytes a second, read and written";
            "read_bytes_sec", "read-bytes-sec", "bytes a second, read";
            "write_bytes_sec", "write-bytes-sec", "bytes a second, written";
            "total_iops_sec", "total-iops-sec", "reads and writes a second";
            "read_iops_sec", "read-iops-sec", "reads a second";
            "write_iops_sec", "write-iops-sec", "writes a second";
            "total_bytes_sec_max", "total-bytes-sec-max", "bytes a second for a while, read and written";
            "read_bytes_sec_max", "read-bytes-sec-max", "bytes a second for a while, read";
            "write_bytes_sec_max", "write-bytes-sec-max", "bytes a second for a while, written";
            "total_iops_sec_max", "total-iops-sec-max", "reads and writes a second for a while";
            "read_iops_sec_max", "read-iops-sec-max", "reads a second for a while";
            "write_iops_sec_max", "write-iops-sec-max", "writes a second for a while";
            "size_iops_sec", "size-iops-sec", "bytes that count as one read or write";
            "total_bytes_sec_max_length", "total-bytes-sec-max-length", "seconds that --total-bytes-sec-max lasts";
            "read_bytes_sec_max_length", "read-bytes-sec-max-length", "seconds that --read-bytes-sec-max lasts";
            "write_bytes_sec_max_length", "write-bytes-sec-max-length", "seconds that --write-bytes-sec-max lasts";
            "total_iops_sec_max_length", "total-iops-sec-max-length", "seconds that --total-iops-sec-max lasts";
            "read_iops_sec_max_length", "read-iops-sec-max-length", "seconds that --read-iops-sec-max lasts";
            "write_iops_sec_max_length", "write-iops-sec-max-length", "seconds that --write-iops-sec-max lasts";
        }
    };
}

/// Options that take a size, with their parameters.
const SIZES: [params::Field; 6] = [
    ("total-bytes-sec", "total_bytes_sec"),
    ("read-bytes-sec", "read_bytes_sec"),
    ("write-bytes-sec", "write_bytes_sec"),
    ("total-bytes-sec-max", "total_bytes_sec_max"),
    ("read-bytes-sec-max", "read_bytes_sec_max"),
    ("write-bytes-sec-max", "write_bytes_sec_max"),
];

/// Options that take a number, with their parameters.
const NUMBERS: [params::Field; 13] = [
    ("total-iops-sec", "total_iops_sec"),
    ("read-iops-sec", "read_iops_sec"),
    ("write-iops-sec", "write_iops_sec"),
    ("total-iops-sec-max", "total_iops_sec_max"),
    ("read-iops-sec-max", "read_iops_sec_max"),
    ("write-iops-sec-max", "write_iops_sec_max"),
    ("size-iops-sec", "size_iops_sec"),
    ("total-bytes-sec-max-length", "total_bytes_sec_max_length"),
    ("read-bytes-sec-max-length", "read_bytes_sec_max_length"),
    ("write-bytes-sec-max-length", "write_bytes_sec_max_length"),
    ("total-iops-sec-max-length", "total_iops_sec_max_length"),
    ("read-iops-sec-max-length", "read_iops_sec_max_length"),
    ("write-iops-sec-max-length", "write_iops_sec_max_length"),
];

/// What a group's definition has, in this order.
const FIELDS: [&str; 19] = [
    "total_bytes_sec",
    "read_bytes_sec",
    "write_bytes_sec",
    "total_iops_sec",
    "read_iops_sec",
    "write_iops_sec",
    "total_bytes_sec_max",
    "read_bytes_sec_max",
    "write_bytes_sec_max",
    "total_iops_sec_max",
    "read_iops_sec_max",
    "write_iops_sec_max",
    "size_iops_sec",
    "total_bytes_sec_max_length",
    "read_bytes_sec_max_length",
    "write_bytes_sec_max_length",
    "total_iops_sec_max_length",
    "read_iops_sec_max_length",
    "write_iops_sec_max_length",
];

/// The limits that the options set.
fn limits(arguments: &Arguments) -> Outcome<Vec<virtus::TypedParam>> {
    let read = || {
        let mut limits = params::sizes(arguments, &SIZES)?;
        limits.extend(params::numbers::<u64>(arguments, &NUMBERS)?);
        Ok(limits)
    };
    read().map_err(|failure: Failure| failure.and("Unable to parse integer parameter"))
}

const GROUP_NAME: Opt = Opt::text("group-name", "the name of the group").positional().required();
const INACTIVE: Opt = Opt::flag("inactive", "what holds from the next boot on");

pub(super) static BLKDEVIOTUNE: Command = Command {
    name: "blkdeviotune",
    summary: "tell or set limits of a disk",
    options: with_limits! {
        [
            DOMAIN,
            Opt::text("device", "the disk: its target or its source").positional().required().asks(complete::disk_targets),
        ]
        [
            Opt::alias("group_name", "group-name"),
            Opt::text("group-name", "the group of disks that have the limits together"),
            CONFIG,
            LIVE,
            CURRENT,
        ]
    },
    run: blkdeviotune,
    ..Command::PLAIN
};

fn blkdeviotune(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = super::affect(arguments)?;
    let domain = shell.domain(arguments)?;
    let disk = arguments.needed("device")?.to_owned();
    let mut changes = limits(arguments)?;
    let group = arguments.text("group-name");
    if let Some(group) = group.map_err(|failure| failure.and("Unable to parse group-name parameter"))? {
        changes.push(virtus::TypedParam::new("group_name", group));
    }
    if !changes.is_empty() {
        return shell
            .call(Remote::domain_set_block_io_tune(domain, disk, changes.into(), flags))
            .or_say("Unable to change block I/O throttle");
    }
    let flags = flags | VIR_TYPED_PARAM_STRING_OKAY;
    let count = shell
        .call(Remote::domain_get_block_io_tune(domain.clone(), None, 0, flags))
        .or_say("Unable to get number of block I/O throttle parameters")?
        .nparams;
    if count != 0 {
        let params = shell
            .call(Remote::domain_get_block_io_tune(domain, Some(disk), count, flags))
            .or_say("Unable to get block I/O throttle parameters")?
            .params;
        params::print(shell, &params);
    }
    Ok(())
}

pub(super) static GROUP_SET: Command = Command {
    name: "domthrottlegroupset",
    summary: "make or change a group of limits",
    options: with_limits! { [DOMAIN, GROUP_NAME] [CONFIG, LIVE, CURRENT] },
    run: |shell, arguments| {
        let flags = super::affect(arguments)?;
        let domain = shell.domain(arguments)?;
        let mut changes = limits(arguments)?;
        let group = arguments.needed("group-name")?.to_owned();
        changes.push(virtus::TypedParam::new("group_name", group.as_str()));
        shell
            .call(Remote::domain_set_throttle_group(domain, group, changes.into(), flags))
            .or_say("Unable to set throttle group")?;
        extra!(shell, "Throttle group set successfully\n");
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static GROUP_DEL: Command = Command {
    name: "domthrottlegroupdel",
    summary: "remove a group of limits",
    options: &[DOMAIN, GROUP_NAME, CONFIG, LIVE, CURRENT],
    run: |shell, arguments| {
        let flags = super::affect(arguments)?;
        let domain = shell.domain(arguments)?;
        let group = arguments.needed("group-name")?.to_owned();
        shell.call(Remote::domain_del_throttle_group(domain, Some(group), flags))?;
        extra!(shell, "Throttle group deleted successfully\n");
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static GROUP_INFO: Command = Command {
    name: "domthrottlegroupinfo",
    summary: "tell the limits of a group",
    options: &[DOMAIN, GROUP_NAME, INACTIVE],
    run: |shell, arguments| {
        let wanted = arguments.needed("group-name")?;
        let text = shell.domain_xml(arguments, arguments.has("inactive"))?;
        let document = xml::parse(&text, "domain")?;
        for group in xml::children(document.root_element(), "throttlegroups/throttlegroup") {
            if xml::text(group, "group_name") != Some(wanted) {
                continue;
            }
            for field in FIELDS {
                if let Some(value) = xml::text(group, field) {
                    out!(shell, "{field:<15}: {value}\n");
                }
            }
        }
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static GROUP_LIST: Command = Command {
    name: "domthrottlegrouplist",
    summary: "list the groups of limits of a domain",
    options: &[DOMAIN, INACTIVE, OUTPUT],
    run: |shell, arguments| {
        let text = shell.domain_xml(arguments, arguments.has("inactive"))?;
        let document = xml::parse(&text, "domain")?;
        let mut table = Table::new(&["Name"]);
        for group in xml::children(document.root_element(), "throttlegroups/throttlegroup") {
            table.row(vec![xml::text(group, "group_name").unwrap_or_default().into()]);
        }
        table.show(shell, arguments)
    },
    ..Command::PLAIN
};
