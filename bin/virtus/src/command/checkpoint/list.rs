//! `checkpoint-list`

use virtus::calls::Remote;
use virtus::constants::*;
use virtus::{DomainCheckpointRef, DomainRef};

use super::{find, parent};
use crate::command::{Command, DOMAIN, OUTPUT, Opt};
use crate::complete;
use crate::grammar::{Arguments, Number};
use crate::shell::{OrSay, Outcome, Shell, fail, out};
use crate::show::tree::{self, Node};
use crate::show::{Cell, Table, time};
use crate::xml;

pub(super) static COMMAND: Command = Command {
    name: "checkpoint-list",
    summary: "list the checkpoints of a domain",
    options: &[
        DOMAIN,
        Opt::flag("parent", "name what each comes from"),
        Opt::flag("roots", "those that come from none"),
        Opt::flag("leaves", "those that nothing comes from"),
        Opt::flag("no-leaves", "those that something comes from"),
        Opt::flag("tree", "print a tree"),
        Opt::text("from", "only what comes from this one").also_positional().asks(complete::checkpoints),
        Opt::flag("descendants", "with all that come from them"),
        Opt::flag("name", "print names only"),
        Opt::flag("topological", "what comes from something stands below it"),
        OUTPUT,
    ],
    run,
    ..Command::PLAIN
};

const FILTERS: [(&str, u32); 2] =
    [("leaves", VIR_DOMAIN_CHECKPOINT_LIST_LEAVES), ("no-leaves", VIR_DOMAIN_CHECKPOINT_LIST_NO_LEAVES)];

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let [as_tree, names, from, with_parent] =
        ["tree", "name", "from", "parent"].map(|name| arguments.has(name));
    for (one, other) in
        [("tree", "name"), ("parent", "roots"), ("parent", "tree"), ("roots", "tree"), ("roots", "from")]
    {
        arguments.exclusive(one, other)?;
    }
    if let Some((filter, _)) = FILTERS.iter().find(|(name, _)| as_tree && arguments.has(name)) {
        fail!("--{filter} and --tree are mutually exclusive");
    }
    let flags = arguments.flags(&FILTERS)
        | arguments.flags(&[
            ("topological", VIR_DOMAIN_CHECKPOINT_LIST_TOPOLOGICAL),
            ("roots", VIR_DOMAIN_CHECKPOINT_LIST_ROOTS),
            ("descendants", VIR_DOMAIN_CHECKPOINT_LIST_DESCENDANTS),
        ]);
    if arguments.has("descendants") && !from {
        fail!("--descendants requires --from");
    }
    let domain = shell.domain(arguments)?;
    let start = from.then(|| find(shell, arguments, "from", &domain)).transpose()?;
    let checkpoints = collect(shell, &domain, start.as_ref(), flags)?;
    if as_tree {
        return draw(shell, checkpoints, start);
    }
    let mut columns = vec!["Name", "Creation Time"];
    if with_parent {
        columns.push("Parent");
    }
    let mut table = Table::new(&columns);
    for checkpoint in &checkpoints {
        // one that went away meanwhile is not listed
        let request = Remote::domain_checkpoint_get_xml_desc(checkpoint.clone(), 0);
        let Ok(text) = shell.call(request) else { continue };
        let Ok(document) = xml::Document::parse(&text) else { continue };
        let root = document.root_element();
        let parent = with_parent.then(|| xml::text(root, "parent/name")).flatten();
        if names {
            let parent = parent.map(|parent| format!("\t{parent}")).unwrap_or_default();
            out!(shell, "{}{parent}\n", checkpoint.name);
            continue;
        }
        let Some(created) = xml::text(root, "creationTime").and_then(i64::read) else { continue };
        let mut row: Vec<Cell> = vec![checkpoint.name.as_str().into(), time::stamp(created).into()];
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
    start: Option<&DomainCheckpointRef>,
    flags: u32,
) -> Outcome<Vec<DomainCheckpointRef>> {
    let problem = "unexpected problem querying checkpoints";
    let mut checkpoints = match start {
        Some(start) => {
            let request = Remote::domain_checkpoint_list_all_children(start.clone(), 1, flags);
            shell.call(request).or_say(problem)?.checkpoints.0
        }
        None => {
            let request = Remote::domain_list_all_checkpoints(domain.clone(), 1, flags);
            shell.call(request).or_say(problem)?.checkpoints.0
        }
    };
    if flags & VIR_DOMAIN_CHECKPOINT_LIST_TOPOLOGICAL == 0 {
        checkpoints.sort_by_key(|checkpoint| checkpoint.name.to_lowercase());
    }
    Ok(checkpoints)
}

fn draw(
    shell: &mut Shell,
    mut checkpoints: Vec<DomainCheckpointRef>,
    start: Option<DomainCheckpointRef>,
) -> Outcome {
    let start_name = start.as_ref().map(|start| start.name.clone());
    if start.is_some() {
        checkpoints.extend(start);
        checkpoints.sort_by_key(|checkpoint| checkpoint.name.to_lowercase());
    }
    let mut parents = Vec::new();
    for checkpoint in &checkpoints {
        parents.push(match start_name.as_ref() == Some(&checkpoint.name) {
            true => None,
            false => parent(shell, checkpoint)?,
        });
    }
    let nodes: Vec<Node<'_>> = checkpoints
        .iter()
        .zip(&parents)
        .map(|(checkpoint, parent)| Node { name: &checkpoint.name, parent: parent.as_deref() })
        .collect();
    for (index, node) in nodes.iter().enumerate() {
        if node.parent.is_none() {
            let text = tree::draw(&nodes, index);
            out!(shell, "{text}");
        }
    }
    Ok(())
}
