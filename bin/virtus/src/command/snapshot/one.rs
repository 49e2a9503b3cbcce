//! One snapshot: `snapshot-info`, `snapshot-dumpxml`, `snapshot-parent`, `snapshot-revert` and `snapshot-delete`.

use virtus::ErrorCode;
use virtus::calls::Remote;
use virtus::constants::*;

use super::find;
use crate::command::moment::{self, Moment};
use crate::command::{Command, DOMAIN, Opt, WRAP, XPATH};
use crate::complete;
use crate::grammar::Arguments;
use crate::shell::{Failure, OrSay, Outcome, Shell, extra, fail, out};
use crate::xml;

pub(super) static INFO: Command = Command {
    name: "snapshot-info",
    summary: "the most important facts about a snapshot",
    options: &[
        DOMAIN,
        Opt::text("snapshotname", "the name of the snapshot").positional().asks(complete::snapshots),
        Opt::flag("current", "the current one"),
    ],
    run: info,
    ..Command::PLAIN
};

fn info(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let domain = shell.domain(arguments)?;
    let snapshot = find(shell, arguments, "snapshotname", true, &domain)?;
    let line = |shell: &mut Shell, title: &str, value: &str| out!(shell, "{title:<15} {value}\n");
    let yes = |yes| if yes { "yes" } else { "no" };
    line(shell, "Name:", &snapshot.name);
    line(shell, "Domain:", &domain.name);
    let current = shell.call(Remote::domain_snapshot_is_current(snapshot.clone(), 0));
    line(shell, "Current:", yes(current.is_ok_and(|current| current > 0)));
    let text = shell.call(Remote::domain_snapshot_get_xml_desc(snapshot.clone(), 0))?;
    let unexpected = || Failure::new("unexpected problem reading snapshot xml");
    let document = xml::Document::parse(&text).map_err(|_| unexpected())?;
    let root = document.root_element();
    let state = xml::text(root, "state").ok_or_else(unexpected)?;
    line(shell, "State:", state);
    let external = match xml::child(root, "memory") {
        Some(memory) => {
            memory.attribute("snapshot") == Some("external")
                || xml::children(root, "disks/disk")
                    .iter()
                    .any(|disk| disk.attribute("snapshot") == Some("external"))
        }
        None => state == "disk-snapshot",
    };
    line(shell, "Location:", if external { "external" } else { "internal" });
    line(shell, "Parent:", xml::text(root, "parent/name").unwrap_or("-"));
    for (title, flags) in [("Children:", 0), ("Descendants:", VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS)] {
        match shell.call(Remote::domain_snapshot_num_children(snapshot.clone(), flags)) {
            Ok(count) => line(shell, title, &count.to_string()),
            Err(error) if error.code() == ErrorCode::NO_SUPPORT => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
    let metadata = shell
        .call(Remote::domain_snapshot_has_metadata(snapshot, 0))
        .or_else(|_| shell.call(Remote::domain_snapshot_num(domain, VIR_DOMAIN_SNAPSHOT_LIST_METADATA)));
    if let Ok(metadata) = metadata {
        line(shell, "Metadata:", yes(metadata != 0));
    }
    Ok(())
}

pub(super) static DUMPXML: Command = Command {
    name: "snapshot-dumpxml",
    summary: "print what is known of a snapshot, as XML",
    options: &[
        DOMAIN,
        Opt::text("snapshotname", "the name of the snapshot")
            .positional()
            .required()
            .asks(complete::snapshots),
        Opt::flag("security-info", "print passwords and the like, too"),
        XPATH,
        WRAP,
    ],
    run: |shell, arguments| {
        let flags = arguments.flags(&[("security-info", VIR_DOMAIN_XML_SECURE)]);
        let name = arguments.needed("snapshotname")?.to_owned();
        let domain = shell.domain(arguments)?;
        let snapshot = shell.call(Remote::domain_snapshot_lookup_by_name(domain, name, 0))?;
        let xpath = arguments.xpath()?;
        let text = shell.call(Remote::domain_snapshot_get_xml_desc(snapshot, flags))?;
        xml::show(shell, &text, xpath, arguments.has("wrap"))
    },
    ..Command::PLAIN
};

pub(super) static PARENT: Command = Command {
    name: "snapshot-parent",
    summary: "tell which snapshot a snapshot comes from",
    options: &[
        DOMAIN,
        Opt::text("snapshotname", "the name of the snapshot").positional().asks(complete::snapshots),
        Opt::flag("current", "of the current one"),
    ],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let snapshot = find(shell, arguments, "snapshotname", true, &domain)?;
        match snapshot.parent(shell)? {
            Some(parent) => out!(shell, "{parent}"),
            None => fail!("snapshot '{}' has no parent", snapshot.name),
        }
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static REVERT: Command = Command {
    name: "snapshot-revert",
    summary: "take a domain back to a snapshot",
    options: &[
        DOMAIN,
        Opt::text("snapshotname", "the name of the snapshot").positional().asks(complete::snapshots),
        Opt::flag("current", "the current one"),
        Opt::flag("running", "let it run when it is restored"),
        Opt::flag("paused", "leave it paused"),
        Opt::flag("force", "do it though the guest may break"),
        Opt::flag("reset-nvram", "reset the variables of its firmware"),
    ],
    run: revert,
    ..Command::PLAIN
};

fn revert(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = arguments.flags(&[
        ("running", VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING),
        ("paused", VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED),
        ("reset-nvram", VIR_DOMAIN_SNAPSHOT_REVERT_RESET_NVRAM),
    ]);
    let domain = shell.domain(arguments)?;
    let snapshot = find(shell, arguments, "snapshotname", true, &domain)?;
    let name = snapshot.name.clone();
    let mut outcome = shell.call(Remote::domain_revert_to_snapshot(snapshot.clone(), flags));
    // what is not risky is not forced
    if arguments.has("force")
        && matches!(&outcome, Err(error) if error.code() == ErrorCode::SNAPSHOT_REVERT_RISKY)
    {
        let flags = flags | VIR_DOMAIN_SNAPSHOT_REVERT_FORCE;
        outcome = shell.call(Remote::domain_revert_to_snapshot(snapshot, flags));
    }
    outcome.or_say(format_args!("Failed to revert snapshot {name}"))?;
    extra!(shell, "Domain snapshot {name} reverted\n");
    Ok(())
}

pub(super) static DELETE: Command = Command {
    name: "snapshot-delete",
    summary: "delete a snapshot",
    options: &[
        DOMAIN,
        Opt::text("snapshotname", "the name of the snapshot").positional().asks(complete::snapshots),
        Opt::flag("current", "the current one"),
        moment::CHILDREN,
        moment::CHILDREN_ONLY,
        moment::METADATA,
    ],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let snapshot = find(shell, arguments, "snapshotname", true, &domain)?;
        let name = snapshot.name.clone();
        let flags = arguments.flags(&[
            ("children", VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN),
            ("children-only", VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY),
            ("metadata", VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY),
        ]);
        shell
            .call(Remote::domain_snapshot_delete(snapshot, flags))
            .or_say(format_args!("Failed to delete snapshot {name}"))?;
        let what = if arguments.has("children-only") { " children" } else { "" };
        extra!(shell, "Domain snapshot {name}{what} deleted\n");
        Ok(())
    },
    ..Command::PLAIN
};
