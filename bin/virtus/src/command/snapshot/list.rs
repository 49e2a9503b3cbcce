//! `snapshot-list`

use virtus::calls::Remote;
use virtus::constants::*;

use super::find;
use crate::command::{CURRENT, Command, DOMAIN, OUTPUT, Opt, moment};
use crate::complete;
use crate::grammar::Arguments;
use crate::shell::{Outcome, Shell, fail};

pub(super) static COMMAND: Command = Command {
    name: "snapshot-list",
    summary: "list the snapshots of a domain",
    options: &[
        DOMAIN,
        moment::PARENT,
        moment::ROOTS,
        moment::LEAVES,
        moment::NO_LEAVES,
        Opt::flag("metadata", "those that libvirt has metadata of"),
        Opt::flag("no-metadata", "those that libvirt has no metadata of"),
        Opt::flag("inactive", "snapshots taken of a domain that did not run"),
        Opt::flag("active", "snapshots taken of a running domain"),
        Opt::flag("disk-only", "snapshots of disks only"),
        Opt::flag("internal", "internal snapshots"),
        Opt::flag("external", "external snapshots"),
        moment::TREE,
        moment::FROM.asks(complete::snapshots),
        CURRENT,
        moment::DESCENDANTS,
        moment::NAME,
        moment::TOPOLOGICAL,
        OUTPUT,
    ],
    run,
    ..Command::PLAIN
};

/// What a tree cannot be made of.
const FILTERS: [(&str, u32); 7] = [
    ("leaves", VIR_DOMAIN_SNAPSHOT_LIST_LEAVES),
    ("no-leaves", VIR_DOMAIN_SNAPSHOT_LIST_NO_LEAVES),
    ("inactive", VIR_DOMAIN_SNAPSHOT_LIST_INACTIVE),
    ("active", VIR_DOMAIN_SNAPSHOT_LIST_ACTIVE),
    ("disk-only", VIR_DOMAIN_SNAPSHOT_LIST_DISK_ONLY),
    ("internal", VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL),
    ("external", VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL),
];

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let [from, current] = ["from", "current"].map(|name| arguments.has(name));
    moment::check(arguments, &FILTERS)?;
    let flags = arguments.flags(&FILTERS)
        | arguments.flags(&[
            ("topological", VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL),
            ("roots", VIR_DOMAIN_SNAPSHOT_LIST_ROOTS),
            ("metadata", VIR_DOMAIN_SNAPSHOT_LIST_METADATA),
            ("no-metadata", VIR_DOMAIN_SNAPSHOT_LIST_NO_METADATA),
            ("descendants", VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS),
        ]);
    if arguments.has("descendants") && !from && !current {
        fail!("--descendants requires either --from or --current");
    }
    let domain = shell.domain(arguments)?;
    let start = match from || current {
        true => Some(find(shell, arguments, "from", true, &domain)?),
        false => None,
    };
    let snapshots = match &start {
        Some(start) => {
            shell.call(Remote::domain_snapshot_list_all_children(start.clone(), 1, flags))?.snapshots
        }
        None => shell.call(Remote::domain_list_all_snapshots(domain, 1, flags))?.snapshots,
    };
    moment::list(shell, arguments, snapshots.0, start)
}
