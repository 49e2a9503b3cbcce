//! Who a domain is: `domid`, `domname`, `domuuid` and `domrename`.

use virtus::calls::Remote;

use crate::command::{ACTIVE_DOMAIN, Command, DOMAIN, Opt};
use crate::domain::By;
use crate::shell::{extra, out};

pub(super) static DOMID: Command = Command {
    name: "domid",
    summary: "tell a domain's ID",
    options: &[ACTIVE_DOMAIN],
    run: |shell, arguments| {
        match shell.domain_by(arguments, By::NameOrUuid)?.id {
            -1 => out!(shell, "-\n"),
            id => out!(shell, "{id}\n"),
        }
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static DOMNAME: Command = Command {
    name: "domname",
    summary: "tell a domain's name",
    options: &[DOMAIN],
    run: |shell, arguments| {
        let domain = shell.domain_by(arguments, By::IdOrUuid)?;
        out!(shell, "{}\n", domain.name);
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static DOMUUID: Command = Command {
    name: "domuuid",
    summary: "tell a domain's UUID",
    options: &[DOMAIN],
    run: |shell, arguments| {
        let domain = shell.domain_by(arguments, By::IdOrName)?;
        out!(shell, "{}\n", domain.uuid);
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static DOMRENAME: Command = Command {
    name: "domrename",
    summary: "rename a domain",
    options: &[ACTIVE_DOMAIN, Opt::text("new-name", "the new name").positional().required()],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let name = arguments.needed("new-name")?.to_owned();
        shell.call(Remote::domain_rename(domain, Some(name), 0))?;
        extra!(shell, "Domain successfully renamed\n");
        Ok(())
    },
    ..Command::PLAIN
};
