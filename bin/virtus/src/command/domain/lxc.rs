//! `lxc-enter-namespace`

use std::fs;
use std::os::fd::AsRawFd;
use std::process::Command as Program;

use virtus::calls::{Lxc, Remote};
use virtus::{Error, ErrorCode, ErrorDomain};

use crate::command::{ACTIVE_DOMAIN, Command, Opt};
use crate::grammar::Arguments;
use crate::shell::{Failure, Outcome, Shell};

pub(super) static COMMAND: Command = Command {
    name: "lxc-enter-namespace",
    summary: "run a program inside a container",
    about: "Runs a program, which has to be named by its path, in the namespaces of a container of this host.",
    options: &[
        ACTIVE_DOMAIN,
        Opt::flag("noseclabel", "do not take the container's security label"),
        Opt::many("cmd", "the command with its arguments").positional().required(),
    ],
    run,
    ..Command::PLAIN
};

/// Namespaces as /proc names them, with nsenter's option for each.
const KINDS: [(&str, &str); 8] = [
    ("mnt", "--mount"),
    ("uts", "--uts"),
    ("ipc", "--ipc"),
    ("net", "--net"),
    ("pid", "--pid"),
    ("user", "--user"),
    ("cgroup", "--cgroup"),
    ("time", "--time"),
];

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let domain = shell.domain(arguments)?;
    let command = arguments.many("cmd");
    let ((), namespaces) =
        shell.connection()?.call_with_fds(Lxc::domain_open_namespace(domain.clone(), 0), Vec::new())?;
    let label = match arguments.has("noseclabel") {
        true => Vec::new(),
        false => {
            let security = shell.call(Remote::node_get_security_model())?;
            let label = shell.call(Remote::domain_get_security_label(domain))?;
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned();
            confinement(&text(&security.model.0), text(&label.label.0))?
        }
    };
    let own = std::process::id();
    let mut program = Program::new("nsenter");
    for namespace in &namespaces {
        let path = format!("/proc/{own}/fd/{}", namespace.as_raw_fd());
        let link = fs::read_link(&path).unwrap_or_default().to_string_lossy().into_owned();
        let kind = link.split(':').next().unwrap_or_default();
        match KINDS.iter().find(|(name, _)| *name == kind) {
            Some((_, option)) => program.arg(format!("{option}={path}")),
            None => return Err(failed(format!("unknown kind of namespace '{link}'"))),
        };
    }
    program.arg("--").args(label).args(command);
    shell.flush();
    match program.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(format!("Child process unexpected {status}"))),
        Err(error) => Err(failed(format!("cannot run nsenter: {error}"))),
    }
}

/// What to put before a program that is to be confined as the container is.
fn confinement(model: &str, label: String) -> Outcome<Vec<String>> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    match model {
        "" | "none" => Ok(Vec::new()),
        "apparmor" => Ok(words(&["aa-exec", "-p", &label, "--"])),
        "selinux" => Ok(words(&["runcon", &label, "--"])),
        other => Err(Failure::from(Error::new(
            ErrorDomain::NONE,
            ErrorCode::ARGUMENT_UNSUPPORTED,
            format!("Security model {other} cannot be entered"),
        ))),
    }
}

fn failed(text: String) -> Failure {
    Error::new(ErrorDomain::NONE, ErrorCode::INTERNAL_ERROR, text).into()
}
