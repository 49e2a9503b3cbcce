//! `snapshot-edit`

use virtus::calls::Remote;
use virtus::constants::*;
use virtus::{DomainRef, DomainSnapshotRef};

use super::{find, is_of_disks};
use crate::command::{Command, DOMAIN, Opt};
use crate::complete;
use crate::edit::{self, Edit};
use crate::grammar::{Arguments, exclusive};
use crate::shell::{Failure, Outcome, Shell, extra};

pub(super) static COMMAND: Command = Command {
    name: "snapshot-edit",
    summary: "change what is known of a snapshot, in an editor",
    options: &[
        DOMAIN,
        Opt::text("snapshotname", "the name of the snapshot").positional().asks(complete::snapshots),
        Opt::flag("current", "make it the current one"),
        Opt::flag("rename", "let the name be changed"),
        Opt::flag("clone", "keep the old one beside the new"),
    ],
    run,
    ..Command::PLAIN
};

/// A snapshot's XML in an editor.
struct Snapshot {
    domain: DomainRef,
    snapshot: DomainSnapshotRef,
    flags: u32,
    edited: Option<DomainSnapshotRef>,
}

impl Edit for Snapshot {
    fn get(&mut self, shell: &mut Shell) -> Outcome<String> {
        let request = Remote::domain_snapshot_get_xml_desc(self.snapshot.clone(), VIR_DOMAIN_XML_SECURE);
        let text = shell.call(request)?;
        if is_of_disks(&text) {
            self.flags |= VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY;
        }
        Ok(text)
    }

    fn set(&mut self, shell: &mut Shell, text: String) -> Outcome {
        let request = Remote::domain_snapshot_create_xml(self.domain.clone(), text, self.flags);
        self.edited = Some(shell.call(request)?);
        Ok(())
    }

    /// To become the current one is a change, too.
    fn set_unchanged(&self) -> bool {
        self.flags & VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT != 0
    }
}

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (rename, clone) = (arguments.has("rename"), arguments.has("clone"));
    exclusive(("rename", rename), ("clone", clone))?;
    let mut flags = VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE;
    if arguments.has("current") && arguments.has("snapshotname") {
        flags |= VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT;
    }
    let domain = shell.domain(arguments)?;
    let snapshot = find(shell, arguments, "snapshotname", false, &domain)?;
    let name = snapshot.name.clone();
    let mut document = Snapshot { domain, snapshot, flags, edited: None };
    let mut work = || -> Outcome {
        if !edit::run(shell, &mut document)? {
            extra!(shell, "Snapshot {name} XML configuration not changed.\n");
            return Ok(());
        }
        let Some(edited) = document.edited.take() else { return Ok(()) };
        if edited.name == name {
            extra!(shell, "Snapshot {name} edited.\n");
        } else if clone {
            extra!(shell, "Snapshot {name} cloned to {}.\n", edited.name);
        } else {
            let new_name = edited.name.clone();
            let (extra, extra_name) = match rename {
                true => (document.snapshot.clone(), &name),
                false => (edited, &new_name),
            };
            let flags = VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY;
            if let Err(error) = shell.call(Remote::domain_snapshot_delete(extra, flags)) {
                shell.error(error.message());
                return Err(Failure::new(format_args!("Failed to clean up {extra_name}")));
            }
            if !rename {
                return Err(Failure::new(format_args!(
                    "Must use --rename or --clone to change {name} to {new_name}"
                )));
            }
        }
        Ok(())
    };
    let outcome = work();
    outcome.map_err(|failure| failure.and(format_args!("Failed to update {name}")))
}
