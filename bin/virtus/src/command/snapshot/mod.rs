//! Commands about snapshots of domains.

mod create;
mod current;
mod edit;
mod list;
mod one;

use virtus::calls::Remote;
use virtus::{DomainRef, DomainSnapshotRef, ErrorCode};

use super::Group;
use super::moment::Moment;
use crate::grammar::Arguments;
use crate::shell::{Failure, OrSay, Outcome, Shell, fail};
use crate::xml;

pub(crate) static GROUP: Group = Group {
    name: "Snapshot",
    keyword: "snapshot",
    commands: &[
        &create::CREATE,
        &create::CREATE_AS,
        &current::COMMAND,
        &one::DELETE,
        &one::DUMPXML,
        &edit::COMMAND,
        &one::INFO,
        &list::COMMAND,
        &one::PARENT,
        &one::REVERT,
    ],
};

/// The snapshot that an option names, or, with `--current`, the current one.
fn find(
    shell: &Shell,
    arguments: &Arguments,
    option: &str,
    exclusive: bool,
    domain: &DomainRef,
) -> Outcome<DomainSnapshotRef> {
    let current = arguments.has("current");
    let name = arguments.text(option)?;
    match name {
        Some(_) if exclusive && current => fail!("--{option} and --current are mutually exclusive"),
        Some(name) => {
            Ok(shell.call(Remote::domain_snapshot_lookup_by_name(domain.clone(), name.to_owned(), 0))?)
        }
        None if current => Ok(shell.call(Remote::domain_snapshot_current(domain.clone(), 0))?),
        None => fail!("--{option} or --current is required"),
    }
}

impl Moment for DomainSnapshotRef {
    const STATE: bool = true;

    fn name(&self) -> &str {
        &self.name
    }

    fn xml(&self, shell: &Shell) -> virtus::Result<String> {
        shell.call(Remote::domain_snapshot_get_xml_desc(self.clone(), 0))
    }

    fn parent(&self, shell: &Shell) -> Outcome<Option<String>> {
        match shell.call(Remote::domain_snapshot_get_parent(self.clone(), 0)) {
            Ok(parent) => return Ok(Some(parent.name)),
            Err(error) if error.code() == ErrorCode::NO_DOMAIN_SNAPSHOT => return Ok(None),
            Err(_) => {}
        }
        // a daemon of old tells it in the XML only
        let text = self.xml(shell).or_say("unable to determine if snapshot has parent")?;
        let document = xml::Document::parse(&text)
            .map_err(|_| Failure::new("unable to determine if snapshot has parent"))?;
        Ok(xml::text(document.root_element(), "parent/name").map(str::to_owned))
    }
}

/// Whether the snapshot of this XML is one of disks only, which has to be said when it is defined again.
fn is_of_disks(text: &str) -> bool {
    text.contains("<state>disk-snapshot</state>")
}
