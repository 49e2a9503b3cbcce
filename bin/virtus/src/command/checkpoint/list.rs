//! `checkpoint-list`

use virtus::calls::Remote;
use virtus::constants::*;

use super::find;
use crate::command::{Command, DOMAIN, OUTPUT, moment};
use crate::complete;
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, fail};

pub(super) static COMMAND: Command = Command {
    name: "checkpoint-list",
    summary: "list the checkpoints of a domain",
    options: &[
        DOMAIN,
        moment::PARENT,
        moment::ROOTS,
        moment::LEAVES,
        moment::NO_LEAVES,
        moment::TREE,
        moment::FROM.asks(complete::checkpoints),
        moment::DESCENDANTS,
        moment::NAME,
        moment::TOPOLOGICAL,
        OUTPUT,
    ],
    run,
    ..Command::PLAIN
};

const FILTERS: [(&str, u32); 2] =
    [("leaves", VIR_DOMAIN_CHECKPOINT_LIST_LEAVES), ("no-leaves", VIR_DOMAIN_CHECKPOINT_LIST_NO_LEAVES)];

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    moment::check(arguments, &FILTERS)?;
    let flags = arguments.flags(&FILTERS)
        | arguments.flags(&[
            ("topological", VIR_DOMAIN_CHECKPOINT_LIST_TOPOLOGICAL),
            ("roots", VIR_DOMAIN_CHECKPOINT_LIST_ROOTS),
            ("descendants", VIR_DOMAIN_CHECKPOINT_LIST_DESCENDANTS),
        ]);
    let from = arguments.has("from");
    if arguments.has("descendants") && !from {
        fail!("--descendants requires --from");
    }
    let domain = shell.domain(arguments)?;
    let start = from.then(|| find(shell, arguments, "from", &domain)).transpose()?;
    let listed = match &start {
        Some(start) => shell
            .call(Remote::domain_checkpoint_list_all_children(start.clone(), 1, flags))
            .map(|reply| reply.checkpoints),
        None => {
            shell.call(Remote::domain_list_all_checkpoints(domain, 1, flags)).map(|reply| reply.checkpoints)
        }
    };
    let checkpoints = listed.or_say("unexpected problem querying checkpoints")?;
    moment::list(shell, arguments, checkpoints.0, start)
}
