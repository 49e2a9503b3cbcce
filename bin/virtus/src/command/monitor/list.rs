//! `list`

use virtus::DomainRef;
use virtus::calls::Remote;
use virtus::constants::*;

use crate::command::domain::description;
use crate::command::{Command, OUTPUT, Opt};
use crate::grammar::Arguments;
use crate::shell::{Outcome, Shell, out};
use crate::show::{Cell, Table};
use crate::state;

pub(super) static COMMAND: Command = Command {
    name: "list",
    summary: "list domains",
    about: "Lists running domains, or those that the options ask for.",
    options: &[
        Opt::flag("inactive", "domains that do not run"),
        Opt::flag("all", "domains that run and domains that do not"),
        Opt::flag("transient", "domains without a stored definition"),
        Opt::flag("persistent", "domains with a stored definition"),
        Opt::flag("with-snapshot", "domains that have a snapshot"),
        Opt::flag("without-snapshot", "domains that have no snapshot"),
        Opt::flag("with-checkpoint", "domains that have a checkpoint"),
        Opt::flag("without-checkpoint", "domains that have no checkpoint"),
        Opt::flag("state-running", "domains that are running"),
        Opt::flag("state-paused", "domains that are paused"),
        Opt::flag("state-shutoff", "domains that are shut off"),
        Opt::flag("state-other", "domains in any other state"),
        Opt::flag("autostart", "domains that start with the daemon"),
        Opt::flag("no-autostart", "domains that do not start with the daemon"),
        Opt::flag("with-managed-save", "domains whose state the daemon has saved"),
        Opt::flag("without-managed-save", "domains without a state that the daemon has saved"),
        Opt::flag("uuid", "print UUIDs"),
        Opt::flag("name", "print names"),
        Opt::flag("id", "print IDs"),
        Opt::flag("table", "print a table (what happens without --uuid, --name and --id)"),
        Opt::flag("managed-save", "mark domains whose state the daemon has saved"),
        Opt::flag("title", "print titles"),
        OUTPUT,
    ],
    run,
    ..Command::PLAIN
};

/// Options that choose domains.
const FILTERS: [(&str, u32); 14] = [
    ("persistent", VIR_CONNECT_LIST_DOMAINS_PERSISTENT),
    ("transient", VIR_CONNECT_LIST_DOMAINS_TRANSIENT),
    ("with-managed-save", VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE),
    ("without-managed-save", VIR_CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE),
    ("autostart", VIR_CONNECT_LIST_DOMAINS_AUTOSTART),
    ("no-autostart", VIR_CONNECT_LIST_DOMAINS_NO_AUTOSTART),
    ("with-snapshot", VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT),
    ("without-snapshot", VIR_CONNECT_LIST_DOMAINS_NO_SNAPSHOT),
    ("with-checkpoint", VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT),
    ("without-checkpoint", VIR_CONNECT_LIST_DOMAINS_NO_CHECKPOINT),
    ("state-running", VIR_CONNECT_LIST_DOMAINS_RUNNING),
    ("state-paused", VIR_CONNECT_LIST_DOMAINS_PAUSED),
    ("state-shutoff", VIR_CONNECT_LIST_DOMAINS_SHUTOFF),
    ("state-other", VIR_CONNECT_LIST_DOMAINS_OTHER),
];

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let [managed, titles, uuids, names, ids] =
        ["managed-save", "title", "uuid", "name", "id"].map(|name| arguments.has(name));
    let mut flags = VIR_CONNECT_LIST_DOMAINS_ACTIVE;
    if arguments.has("inactive") || arguments.has("state-shutoff") {
        flags = VIR_CONNECT_LIST_DOMAINS_INACTIVE;
    }
    if arguments.has("all") {
        flags = VIR_CONNECT_LIST_DOMAINS_ACTIVE | VIR_CONNECT_LIST_DOMAINS_INACTIVE;
    }
    flags |= arguments.flags(&FILTERS);
    arguments.exclusive("table", "name")?;
    arguments.exclusive("table", "id")?;
    let mut domains = shell.call(Remote::connect_list_all_domains(1, flags))?.domains.0;
    sort(&mut domains);
    if !arguments.has("table") && (uuids || names || ids) {
        for domain in &domains {
            let mut fields = Vec::new();
            if uuids {
                fields.push(domain.uuid.to_string());
            }
            if ids {
                // IDs alone are for domains that have one
                if domain.id == -1 && !uuids && !names {
                    continue;
                }
                fields.push(id(domain).map_or_else(|| "-".to_owned(), |id| id.to_string()));
            }
            if names {
                fields.push(domain.name.clone());
            }
            out!(shell, "{}\n", fields.join(" "));
        }
        return Ok(());
    }
    let mut columns = vec!["Id", "Name", "State"];
    if titles {
        columns.push("Title");
    }
    if uuids {
        columns.push("UUID");
    }
    let mut table = Table::new(&columns);
    for domain in &domains {
        // one that went away meanwhile is not listed
        let Ok((state, _)) = state::of(shell, domain) else { continue };
        let mut word = state::name(state);
        if managed
            && state == VIR_DOMAIN_SHUTOFF
            && shell.call(Remote::domain_has_managed_save_image(domain.clone(), 0)).unwrap_or(0) > 0
        {
            word = "saved";
        }
        let mut row: Vec<Cell> = vec![Cell::maybe(id(domain)), domain.name.as_str().into(), word.into()];
        if titles {
            row.push(description::title(shell, domain)?.into());
        }
        if uuids {
            row.push(domain.uuid.to_string().into());
        }
        table.row(row);
    }
    table.show(shell, arguments)
}

fn id(domain: &DomainRef) -> Option<i32> {
    (domain.id != -1).then_some(domain.id)
}

/// Those that run first, by ID; then the others, by name.
pub(super) fn sort(domains: &mut [DomainRef]) {
    domains.sort_by(|a, b| match (id(a), id(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => a.name.to_lowercase().cmp(&b.name.to_lowercase()),
    });
}
