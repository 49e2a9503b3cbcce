//! `checkpoint-edit`

use virtus::calls::Remote;
use virtus::constants::*;
use virtus::{DomainCheckpointRef, DomainRef};

use super::find;
use crate::command::{Command, DOMAIN, Opt};
use crate::complete;
use crate::edit::{self, Edit};
use crate::grammar::Arguments;
use crate::shell::{Failure, Outcome, Shell, extra};

pub(super) static COMMAND: Command = Command {
    name: "checkpoint-edit",
    summary: "change what is known of a checkpoint, in an editor",
    options: &[
        DOMAIN,
        Opt::text("checkpointname", "the name of the checkpoint")
            .positional()
            .required()
            .asks(complete::checkpoints),
    ],
    run,
    ..Command::PLAIN
};

/// A checkpoint's XML in an editor.
struct Checkpoint {
    domain: DomainRef,
    checkpoint: DomainCheckpointRef,
    edited: Option<DomainCheckpointRef>,
}

impl Edit for Checkpoint {
    fn get(&mut self, shell: &mut Shell) -> Outcome<String> {
        let flags = VIR_DOMAIN_CHECKPOINT_XML_SECURE;
        Ok(shell.call(Remote::domain_checkpoint_get_xml_desc(self.checkpoint.clone(), flags))?)
    }

    fn set(&mut self, shell: &mut Shell, text: String) -> Outcome {
        let flags = VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE;
        self.edited =
            Some(shell.call(Remote::domain_checkpoint_create_xml(self.domain.clone(), text, flags))?);
        Ok(())
    }
}

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let domain = shell.domain(arguments)?;
    let checkpoint = find(shell, arguments, "checkpointname", &domain)?;
    let name = checkpoint.name.clone();
    let mut document = Checkpoint { domain, checkpoint, edited: None };
    let mut work = || -> Outcome {
        if !edit::run(shell, &mut document)? {
            extra!(shell, "Checkpoint {name} XML configuration not changed.\n");
            return Ok(());
        }
        let Some(edited) = document.edited.take() else { return Ok(()) };
        if edited.name == name {
            extra!(shell, "Checkpoint {name} edited.\n");
            return Ok(());
        }
        let new_name = edited.name.clone();
        let flags = VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY;
        if let Err(error) = shell.call(Remote::domain_checkpoint_delete(edited, flags)) {
            shell.error(error.message());
            return Err(Failure::new(format_args!("Failed to clean up {new_name}")));
        }
        Err(Failure::new(format_args!("Cannot rename checkpoint {name} to {new_name}")))
    };
    let outcome = work();
    outcome.map_err(|failure| failure.and(format_args!("Failed to update {name}")))
}
