//! Who the host is: `hostname`, `uri` and `sysinfo`.

use virtus::calls::Remote;

use crate::command::Command;
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, out};

pub(super) static HOSTNAME: Command =
    Command { name: "hostname", summary: "the host's name", run: hostname, ..Command::PLAIN };

fn hostname(shell: &mut Shell, _: &Arguments) -> Outcome {
    let name = shell.call(Remote::connect_get_hostname()).or_say("failed to get hostname")?;
    out!(shell, "{name}\n");
    Ok(())
}

pub(super) static URI: Command =
    Command { name: "uri", summary: "the URI of the connection", run: uri, ..Command::PLAIN };

fn uri(shell: &mut Shell, _: &Arguments) -> Outcome {
    let uri = shell.connection()?.uri().to_owned();
    out!(shell, "{uri}\n");
    Ok(())
}

pub(super) static SYSINFO: Command = Command {
    name: "sysinfo",
    summary: "what the host's firmware says of the machine, as XML",
    run: sysinfo,
    ..Command::PLAIN
};

fn sysinfo(shell: &mut Shell, _: &Arguments) -> Outcome {
    let text = shell.call(Remote::connect_get_sysinfo(0)).or_say("failed to get sysinfo")?;
    out!(shell, "{text}");
    Ok(())
}
