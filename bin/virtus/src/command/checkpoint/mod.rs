//! Commands about checkpoints of domains.

mod create;
mod edit;
mod list;
mod one;

use virtus::calls::Remote;
use virtus::{DomainCheckpointRef, DomainRef, ErrorCode};

use super::Group;
use super::moment::Moment;
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell};

pub(crate) static GROUP: Group = Group {
    name: "Checkpoint",
    keyword: "checkpoint",
    commands: &[
        &create::CREATE,
        &create::CREATE_AS,
        &one::DELETE,
        &one::DUMPXML,
        &edit::COMMAND,
        &one::INFO,
        &list::COMMAND,
        &one::PARENT,
    ],
};

/// The checkpoint that an option names.
fn find(
    shell: &Shell,
    arguments: &Arguments,
    option: &str,
    domain: &DomainRef,
) -> Outcome<DomainCheckpointRef> {
    let name = arguments.needed(option)?.to_owned();
    Ok(shell.call(Remote::domain_checkpoint_lookup_by_name(domain.clone(), name, 0))?)
}

impl Moment for DomainCheckpointRef {
    const STATE: bool = false;

    fn name(&self) -> &str {
        &self.name
    }

    fn xml(&self, shell: &Shell) -> virtus::Result<String> {
        shell.call(Remote::domain_checkpoint_get_xml_desc(self.clone(), 0))
    }

    fn parent(&self, shell: &Shell) -> Outcome<Option<String>> {
        match shell.call(Remote::domain_checkpoint_get_parent(self.clone(), 0)) {
            Ok(parent) => Ok(Some(parent.name)),
            Err(error) if error.code() == ErrorCode::NO_DOMAIN_CHECKPOINT => Ok(None),
            Err(error) => Err(error).or_say("unable to determine if checkpoint has parent"),
        }
    }
}
