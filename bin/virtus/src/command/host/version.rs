//! `version`

use virtus::ErrorCode;
use virtus::calls::Remote;

use crate::command::{Command, Opt};
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, out};
use crate::version::{LIBVIRT, dotted};

pub(super) static COMMAND: Command = Command {
    name: "version",
    summary: "versions of the program, the daemon and the hypervisor",
    options: &[Opt::flag("daemon", "tell the daemon's version, too")],
    run,
    ..Command::PLAIN
};

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let kind = shell.call(Remote::connect_get_type()).or_say("failed to get hypervisor type")?;
    let libvirt = dotted(LIBVIRT);
    out!(shell, "Compiled against library: libvirt {libvirt}\n");
    out!(shell, "Using library: libvirt {libvirt}\n");
    out!(shell, "Using API: {kind} {libvirt}\n");
    match shell.call(Remote::connect_get_version()) {
        Ok(0) => out!(shell, "Cannot extract running {kind} hypervisor version\n"),
        Ok(version) => out!(shell, "Running hypervisor: {kind} {}\n", dotted(version)),
        Err(error) if error.code() == ErrorCode::NO_SUPPORT => {}
        error => return error.map(drop).or_say("failed to get the hypervisor version"),
    }
    if arguments.has("daemon") {
        match shell.call(Remote::connect_get_lib_version()) {
            Ok(version) => out!(shell, "Running against daemon: {}\n", dotted(version)),
            Err(_) => shell.error("failed to get the daemon version"),
        }
    }
    Ok(())
}
