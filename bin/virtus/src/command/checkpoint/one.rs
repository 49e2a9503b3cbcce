//! One checkpoint: `checkpoint-info`, `checkpoint-dumpxml`, `checkpoint-parent` and `checkpoint-delete`.

use virtus::ErrorCode;
use virtus::calls::Remote;
use virtus::constants::*;

use super::find;
use crate::command::moment::{self, Moment};
use crate::command::{ACTIVE_DOMAIN, Command, DOMAIN, Opt, WRAP, XPATH};
use crate::complete;
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, extra, fail, out};
use crate::xml;

pub(super) static INFO: Command = Command {
    name: "checkpoint-info",
    summary: "the most important facts about a checkpoint",
    options: &[
        DOMAIN,
        Opt::text("checkpointname", "the name of the checkpoint")
            .positional()
            .required()
            .asks(complete::checkpoints),
    ],
    run: info,
    ..Command::PLAIN
};

fn info(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let domain = shell.domain(arguments)?;
    let checkpoint = find(shell, arguments, "checkpointname", &domain)?;
    out!(shell, "{:<15} {}\n", "Name:", checkpoint.name);
    out!(shell, "{:<15} {}\n", "Domain:", domain.name);
    let parent = checkpoint
        .parent(shell)
        .map_err(|failure| failure.and("unexpected problem querying checkpoint state"))?;
    out!(shell, "{:<15} {}\n", "Parent:", parent.as_deref().unwrap_or("-"));
    for (title, flags) in [("Children:", 0), ("Descendants:", VIR_DOMAIN_CHECKPOINT_LIST_DESCENDANTS)] {
        match shell.call(Remote::domain_checkpoint_list_all_children(checkpoint.clone(), 0, flags)) {
            Ok(reply) => out!(shell, "{title:<15} {}\n", reply.ret),
            Err(error) if error.code() == ErrorCode::NO_SUPPORT => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

pub(super) static DUMPXML: Command = Command {
    name: "checkpoint-dumpxml",
    summary: "print what is known of a checkpoint, as XML",
    options: &[
        DOMAIN,
        Opt::text("checkpointname", "the name of the checkpoint")
            .positional()
            .required()
            .asks(complete::checkpoints),
        Opt::flag("security-info", "print passwords and the like, too"),
        Opt::flag("no-domain", "leave the definition of the domain out"),
        Opt::flag("size", "tell how much has been written since"),
        XPATH,
        WRAP,
    ],
    run: |shell, arguments| {
        let flags = arguments.flags(&[
            ("security-info", VIR_DOMAIN_CHECKPOINT_XML_SECURE),
            ("no-domain", VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN),
            ("size", VIR_DOMAIN_CHECKPOINT_XML_SIZE),
        ]);
        let domain = shell.domain(arguments)?;
        let xpath = arguments.xpath()?;
        let checkpoint = find(shell, arguments, "checkpointname", &domain)?;
        let text = shell.call(Remote::domain_checkpoint_get_xml_desc(checkpoint, flags))?;
        xml::show(shell, &text, xpath, arguments.has("wrap"))
    },
    ..Command::PLAIN
};

pub(super) static PARENT: Command = Command {
    name: "checkpoint-parent",
    summary: "tell which checkpoint a checkpoint comes from",
    options: &[
        DOMAIN,
        Opt::text("checkpointname", "the name of the checkpoint")
            .positional()
            .required()
            .asks(complete::checkpoints),
    ],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let checkpoint = find(shell, arguments, "checkpointname", &domain)?;
        match checkpoint.parent(shell)? {
            Some(parent) => out!(shell, "{parent}"),
            None => fail!("checkpoint '{}' has no parent", checkpoint.name),
        }
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static DELETE: Command = Command {
    name: "checkpoint-delete",
    summary: "delete a checkpoint",
    options: &[
        ACTIVE_DOMAIN,
        Opt::text("checkpointname", "the name of the checkpoint")
            .positional()
            .required()
            .asks(complete::checkpoints),
        moment::CHILDREN,
        moment::CHILDREN_ONLY,
        moment::METADATA,
    ],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let checkpoint = find(shell, arguments, "checkpointname", &domain)?;
        let name = checkpoint.name.clone();
        let flags = arguments.flags(&[
            ("children", VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN),
            ("children-only", VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY),
            ("metadata", VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY),
        ]);
        shell
            .call(Remote::domain_checkpoint_delete(checkpoint, flags))
            .or_say(format_args!("Failed to delete checkpoint {name}"))?;
        let what = if arguments.has("children-only") { " children" } else { "" };
        extra!(shell, "Domain checkpoint {name}{what} deleted\n");
        Ok(())
    },
    ..Command::PLAIN
};
