//! `snapshot-list`

use virtus::calls::Remote;
use virtus::constants::*;
use virtus::{DomainRef, DomainSnapshotRef};

use super::{find, parent};
use crate::command::{CURRENT, Command, DOMAIN, OUTPUT, Opt};
use crate::complete;
use crate::grammar::{Arguments, Number};
use crate::shell::{Outcome, Shell, fail, out};
use crate::show::tree::{self, Node};
use crate::show::{Cell, Table, time};
use crate::xml;

pub(super) static COMMAND: Command = Command {
    name: "snapshot-list",
    summary: "list the snapshots of a domain",
    options: &[
        DOMAIN,
        Opt::flag("parent", "name what each comes from"),
        Opt::flag("roots", "those that come from none"),
        Opt::flag("leaves", "those that nothing comes from"),
        Opt::flag("no-leaves", "those that something comes from"),
        Opt::flag("metadata", "those that libvirt has metadata of"),
        Opt::flag("no-metadata", "those that libvirt has no metadata of"),
        Opt::flag("inactive", "snapshots taken of a domain that did not run"),
        Opt::flag("active", "snapshots taken of a running domain"),
        Opt::flag("disk-only", "snapshots of disks only"),
        Opt::flag("internal", "internal snapshots"),
        Opt::flag("external", "external snapshots"),
        Opt::flag("tree", "print a tree"),
        Opt::text("from", "only what comes from this one").also_positional().asks(complete::snapshots),
        CURRENT,
        Opt::flag("descendants", "with all that come from them"),
        Opt::flag("name", "print names only"),
        Opt::flag("topological", "what comes from something stands below it"),
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
    let [as_tree, names, from, with_parent, current] =
        ["tree", "name", "from", "parent", "current"].map(|name| arguments.has(name));
    for (one, other) in [
        ("tree", "name"),
        ("parent", "roots"),
        ("parent", "tree"),
        ("roots", "tree"),
        ("roots", "from"),
        ("roots", "current"),
    ] {
        arguments.exclusive(one, other)?;
    }
    if let Some((filter, _)) = FILTERS.iter().find(|(name, _)| as_tree && arguments.has(name)) {
        fail!("--{filter} and --tree are mutually exclusive");
    }
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
    let snapshots = collect(shell, &domain, start.as_ref(), flags)?;
    if as_tree {
        return draw(shell, snapshots, start);
    }
    let mut columns = vec!["Name", "Creation Time", "State"];
    if with_parent {
        columns.push("Parent");
    }
    let mut table = Table::new(&columns);
    for snapshot in &snapshots {
        // one that went away meanwhile is not listed
        let Ok(text) = shell.call(Remote::domain_snapshot_get_xml_desc(snapshot.clone(), 0)) else {
            continue;
        };
        let Ok(document) = xml::Document::parse(&text) else { continue };
        let root = document.root_element();
        let parent = with_parent.then(|| xml::text(root, "parent/name")).flatten();
        if names {
            let parent = parent.map(|parent| format!("\t{parent}")).unwrap_or_default();
            out!(shell, "{}{parent}\n", snapshot.name);
            continue;
        }
        let Some(state) = xml::text(root, "state") else { continue };
        let Some(created) = xml::text(root, "creationTime").and_then(i64::read) else { continue };
        let mut row: Vec<Cell> =
            vec![snapshot.name.as_str().into(), time::stamp(created).into(), state.into()];
        if with_parent {
            row.push(parent.unwrap_or_default().into());
        }
        table.row(row);
    }
    match names {
        true => Ok(()),
        false => table.show(shell, arguments),
    }
}

fn collect(
    shell: &Shell,
    domain: &DomainRef,
    start: Option<&DomainSnapshotRef>,
    flags: u32,
) -> Outcome<Vec<DomainSnapshotRef>> {
    let mut snapshots = match start {
        Some(start) => {
            shell.call(Remote::domain_snapshot_list_all_children(start.clone(), 1, flags))?.snapshots.0
        }
        None => shell.call(Remote::domain_list_all_snapshots(domain.clone(), 1, flags))?.snapshots.0,
    };
    if flags & VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL == 0 {
        snapshots.sort_by_key(|snapshot| snapshot.name.to_lowercase());
    }
    Ok(snapshots)
}

fn draw(
    shell: &mut Shell,
    mut snapshots: Vec<DomainSnapshotRef>,
    start: Option<DomainSnapshotRef>,
) -> Outcome {
    let start_name = start.as_ref().map(|start| start.name.clone());
    if start.is_some() {
        snapshots.extend(start);
        snapshots.sort_by_key(|snapshot| snapshot.name.to_lowercase());
    }
    let mut parents = Vec::new();
    for snapshot in &snapshots {
        parents.push(match start_name.as_ref() == Some(&snapshot.name) {
            true => None,
            false => parent(shell, snapshot)?,
        });
    }
    let nodes: Vec<Node<'_>> = snapshots
        .iter()
        .zip(&parents)
        .map(|(snapshot, parent)| Node { name: &snapshot.name, parent: parent.as_deref() })
        .collect();
    for (index, node) in nodes.iter().enumerate() {
        if node.parent.is_none() {
            let text = tree::draw(&nodes, index);
            out!(shell, "{text}");
        }
    }
    Ok(())
}
