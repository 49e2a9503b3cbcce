//! What snapshots and checkpoints have in common: moments of a domain, each of which may come from another one.

use super::Opt;
use crate::grammar::{Arguments, Number};
use crate::shell::{Outcome, Shell, fail, out};
use crate::show::tree::{self, Node};
use crate::show::{Cell, Table, time};
use crate::xml;

pub(super) const PARENT: Opt = Opt::flag("parent", "name what each comes from");
pub(super) const ROOTS: Opt = Opt::flag("roots", "those that come from none");
pub(super) const LEAVES: Opt = Opt::flag("leaves", "those that nothing comes from");
pub(super) const NO_LEAVES: Opt = Opt::flag("no-leaves", "those that something comes from");
pub(super) const TREE: Opt = Opt::flag("tree", "print a tree");
pub(super) const FROM: Opt = Opt::text("from", "only what comes from this one").also_positional();
pub(super) const DESCENDANTS: Opt = Opt::flag("descendants", "with all that come from them");
pub(super) const NAME: Opt = Opt::flag("name", "print names only");
pub(super) const TOPOLOGICAL: Opt = Opt::flag("topological", "what comes from something stands below it");
pub(super) const CHILDREN: Opt = Opt::flag("children", "delete what depends on it, too");
pub(super) const CHILDREN_ONLY: Opt = Opt::flag("children-only", "delete only what depends on it");
pub(super) const METADATA: Opt = Opt::flag("metadata", "only libvirt's metadata");

/// A snapshot or a checkpoint, as calls name it.
pub(super) trait Moment {
    /// What the list tells of it beside its name, when it was and what it comes from.
    const STATE: bool;

    fn name(&self) -> &str;

    /// What is known of it.
    fn xml(&self, shell: &Shell) -> virtus::Result<String>;

    /// The name of the one that it comes from.
    fn parent(&self, shell: &Shell) -> Outcome<Option<String>>;
}

/// Refuses options of a list that do not go together; of `filters` no tree can be made.
pub(super) fn check(arguments: &Arguments, filters: &[(&str, u32)]) -> Outcome {
    let pairs =
        [("tree", "name"), ("parent", "roots"), ("parent", "tree"), ("roots", "tree"), ("roots", "from")];
    for (one, other) in pairs {
        arguments.exclusive(one, other)?;
    }
    if arguments.knows("current") {
        arguments.exclusive("roots", "current")?;
    }
    match filters.iter().find(|(name, _)| arguments.has("tree") && arguments.has(name)) {
        Some((filter, _)) => fail!("--{filter} and --tree are mutually exclusive"),
        None => Ok(()),
    }
}

fn sort<M: Moment>(moments: &mut [M]) {
    moments.sort_by_key(|moment| moment.name().to_lowercase());
}

/// Prints `moments`, which come from `start` if there is one.
///
/// # Errors
/// The daemon's.
pub(super) fn list<M: Moment>(
    shell: &mut Shell,
    arguments: &Arguments,
    mut moments: Vec<M>,
    start: Option<M>,
) -> Outcome {
    if !arguments.has("topological") {
        sort(&mut moments);
    }
    if arguments.has("tree") {
        return draw(shell, moments, start);
    }
    let (names, with_parent) = (arguments.has("name"), arguments.has("parent"));
    let mut columns = vec!["Name", "Creation Time"];
    columns.extend(M::STATE.then_some("State"));
    columns.extend(with_parent.then_some("Parent"));
    let mut table = Table::new(&columns);
    for moment in &moments {
        // one that went away meanwhile is not listed
        let Ok(text) = moment.xml(shell) else { continue };
        let Ok(document) = xml::Document::parse(&text) else { continue };
        let root = document.root_element();
        let parent = with_parent.then(|| xml::text(root, "parent/name")).flatten();
        if names {
            let parent = parent.map(|parent| format!("\t{parent}")).unwrap_or_default();
            out!(shell, "{}{parent}\n", moment.name());
            continue;
        }
        let Some(created) = xml::text(root, "creationTime").and_then(i64::read) else { continue };
        let mut row: Vec<Cell> = vec![moment.name().into(), time::stamp(created).into()];
        if M::STATE {
            let Some(state) = xml::text(root, "state") else { continue };
            row.push(state.into());
        }
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

fn draw<M: Moment>(shell: &mut Shell, mut moments: Vec<M>, start: Option<M>) -> Outcome {
    let root = start.as_ref().map(|start| start.name().to_owned());
    if let Some(start) = start {
        moments.push(start);
        sort(&mut moments);
    }
    let mut parents = Vec::new();
    for moment in &moments {
        parents.push(match root.as_deref() == Some(moment.name()) {
            true => None,
            false => moment.parent(shell)?,
        });
    }
    let nodes: Vec<Node<'_>> = moments
        .iter()
        .zip(&parents)
        .map(|(moment, parent)| Node { name: moment.name(), parent: parent.as_deref() })
        .collect();
    for (index, node) in nodes.iter().enumerate() {
        if node.parent.is_none() {
            let text = tree::draw(&nodes, index);
            out!(shell, "{text}");
        }
    }
    Ok(())
}
