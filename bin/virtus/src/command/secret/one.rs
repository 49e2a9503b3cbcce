//! `secret-define`, `secret-dumpxml`, `secret-list` and `secret-undefine`.

use virtus::calls::Remote;
use virtus::constants::*;

use super::{SECRET, all, secret};
use crate::command::{Command, FILE, OUTPUT, Opt, VALIDATE, WRAP, XPATH};
use crate::grammar::Arguments;
use crate::objects::act;
use crate::shell::{OrSay, Outcome, Shell, extra};
use crate::show::Table;
use crate::{file, xml};

pub(super) static DEFINE: Command = Command {
    name: "secret-define",
    summary: "store a secret without its value, or change one",
    options: &[FILE, VALIDATE],
    run: define,
    ..Command::PLAIN
};

fn define(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let path = arguments.needed("file")?;
    let flags = arguments.flags(&[("validate", VIR_SECRET_DEFINE_VALIDATE)]);
    let text = file::read(path)?;
    let secret = shell
        .call(Remote::secret_define_xml(text, flags))
        .or_say(format_args!("Failed to set attributes from {path}"))?;
    extra!(shell, "Secret {} created\n", secret.uuid);
    Ok(())
}

pub(super) static DUMPXML: Command = Command {
    name: "secret-dumpxml",
    summary: "print what is known of a secret, as XML",
    options: &[SECRET, XPATH, WRAP],
    run: dumpxml,
    ..Command::PLAIN
};

fn dumpxml(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let secret = secret(shell, arguments)?;
    let text = shell.call(Remote::secret_get_xml_desc(secret, 0))?;
    xml::show(shell, &text, arguments.xpath()?, arguments.has("wrap"))
}

pub(super) static LIST: Command = Command {
    name: "secret-list",
    summary: "list secrets",
    options: &[
        Opt::flag("ephemeral", "secrets that are in memory only"),
        Opt::flag("no-ephemeral", "secrets that are stored"),
        Opt::flag("private", "secrets whose value nobody is told"),
        Opt::flag("no-private", "secrets whose value may be told"),
        OUTPUT,
    ],
    run: list,
    ..Command::PLAIN
};

fn list(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = arguments.flags(&[
        ("ephemeral", VIR_CONNECT_LIST_SECRETS_EPHEMERAL),
        ("no-ephemeral", VIR_CONNECT_LIST_SECRETS_NO_EPHEMERAL),
        ("private", VIR_CONNECT_LIST_SECRETS_PRIVATE),
        ("no-private", VIR_CONNECT_LIST_SECRETS_NO_PRIVATE),
    ]);
    let secrets = all(shell, flags)?;
    let mut table = Table::new(&["UUID", "Usage"]);
    for secret in secrets {
        let kinds = ["none", "volume", "ceph", "iscsi", "tls", "vtpm"];
        let kind = usize::try_from(secret.usage_type).ok().and_then(|kind| kinds.get(kind));
        let usage = match (secret.usage_type, kind) {
            (0, _) => "Unused".to_owned(),
            (_, kind) => format!("{} {}", kind.unwrap_or(&""), secret.usage_id),
        };
        table.row(vec![secret.uuid.to_string().into(), usage.into()]);
    }
    table.show(shell, arguments)
}

pub(super) static UNDEFINE: Command = Command {
    name: "secret-undefine",
    summary: "remove a secret",
    options: &[SECRET],
    run: undefine,
    ..Command::PLAIN
};

fn undefine(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (secret, name) = (secret(shell, arguments)?, arguments.needed("secret")?);
    act(
        shell,
        Remote::secret_undefine(secret),
        format_args!("Secret {name} deleted"),
        format_args!("Failed to delete secret {name}"),
    )
}
