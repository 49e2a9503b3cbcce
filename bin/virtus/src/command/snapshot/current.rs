//! `snapshot-current`

use virtus::calls::Remote;
use virtus::constants::*;

use super::is_of_disks;
use crate::command::{Command, DOMAIN, Opt};
use crate::complete;
use crate::grammar::Arguments;
use crate::shell::{Outcome, Shell, extra, fail, out};

pub(super) static COMMAND: Command = Command {
    name: "snapshot-current",
    summary: "tell or choose the current snapshot",
    options: &[
        DOMAIN,
        Opt::flag("name", "print its name only"),
        Opt::flag("security-info", "print passwords and the like, too"),
        Opt::text("snapshotname", "make this one the current").positional().asks(complete::snapshots),
    ],
    run,
    ..Command::PLAIN
};

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    arguments.exclusive("name", "snapshotname")?;
    let domain = shell.domain(arguments)?;
    if let Some(name) = arguments.text("snapshotname")? {
        let request = Remote::domain_snapshot_lookup_by_name(domain.clone(), name.to_owned(), 0);
        let snapshot = shell.call(request)?;
        let text = shell.call(Remote::domain_snapshot_get_xml_desc(snapshot, VIR_DOMAIN_XML_SECURE))?;
        let mut flags = VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE | VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT;
        if is_of_disks(&text) {
            flags |= VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY;
        }
        shell.call(Remote::domain_snapshot_create_xml(domain, text, flags))?;
        extra!(shell, "Snapshot {name} set as current");
        return Ok(());
    }
    if shell.call(Remote::domain_has_current_snapshot(domain.clone(), 0))? == 0 {
        fail!("domain '{}' has no current snapshot", arguments.needed("domain")?);
    }
    let snapshot = shell.call(Remote::domain_snapshot_current(domain, 0))?;
    if arguments.has("name") {
        out!(shell, "{}", snapshot.name);
        return Ok(());
    }
    let flags = arguments.flags(&[("security-info", VIR_DOMAIN_XML_SECURE)]);
    let text = shell.call(Remote::domain_snapshot_get_xml_desc(snapshot, flags))?;
    out!(shell, "{text}");
    Ok(())
}
