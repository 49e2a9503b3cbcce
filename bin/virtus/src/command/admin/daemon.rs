//! The daemon as a whole: `uri`, `version`, `connect`, `daemon-log-filters`, `daemon-log-outputs`,
//! `daemon-timeout` and `daemon-shutdown`.

use virtus::calls::Administration;

use crate::command::{Command, Opt};
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, extra, out};
use crate::version::{LIBVIRT, dotted};

pub(super) static URI: Command =
    Command { name: "uri", summary: "the URI of the connection", run: uri, ..Command::PLAIN };

fn uri(shell: &mut Shell, _: &Arguments) -> Outcome {
    let uri = shell.connection()?.uri().to_owned();
    out!(shell, "{uri}\n");
    Ok(())
}

pub(super) static VERSION: Command = Command {
    name: "version",
    summary: "versions of the program and of the daemon",
    run: version,
    ..Command::PLAIN
};

fn version(shell: &mut Shell, _: &Arguments) -> Outcome {
    let libvirt = dotted(LIBVIRT);
    out!(shell, "Compiled against library: libvirt {libvirt}\n");
    out!(shell, "Using library: libvirt {libvirt}\n");
    match shell.call(Administration::connect_get_lib_version()) {
        Ok(version) => out!(shell, "Running against daemon: {}\n", dotted(version)),
        Err(_) => shell.error("failed to get the daemon version"),
    }
    Ok(())
}

pub(super) static CONNECT: Command = Command {
    name: "connect",
    summary: "connect to a daemon, or again to the same",
    about: "Connects to the administration of the daemon of a URI, or, without one, once more to the present daemon.",
    options: &[Opt::text("name", "the daemon's URI").positional().may_be_empty()],
    run: connect,
    offline: true,
    ..Command::PLAIN
};

fn connect(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let name = arguments.text("name")?.map(str::to_owned);
    let before = shell.connection().is_ok();
    shell.connect(name.as_deref(), false, true)?;
    if !before {
        out!(shell, "Connected to the admin server\n");
    }
    Ok(())
}

pub(super) static LOG_FILTERS: Command = Command {
    name: "daemon-log-filters",
    summary: "show or change which messages the daemon logs",
    about: "Prints which messages of which of its parts a daemon logs, or changes that. Filters are LEVEL:NAME, \
            with blanks between them; levels are 1 (debug), 2 (info), 3 (warning) and 4 (error). An empty text \
            leaves none.",
    options: &[Opt::text("filters", "the new filters").positional().may_be_empty()],
    run: log_filters,
    ..Command::PLAIN
};

fn log_filters(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    if arguments.has("filters") {
        let filters = arguments.text("filters")?.map(str::to_owned);
        return shell
            .call(Administration::connect_set_logging_filters(filters, 0))
            .or_say("Unable to change daemon logging settings");
    }
    let reply = shell
        .call(Administration::connect_get_logging_filters(0))
        .or_say("Unable to get daemon logging filters information")?;
    extra!(shell, " Logging filters: ");
    out!(shell, "{}\n", reply.filters.unwrap_or_default());
    Ok(())
}

pub(super) static LOG_OUTPUTS: Command = Command {
    name: "daemon-log-outputs",
    summary: "show or change where the daemon logs to",
    about: "Prints where a daemon's messages go, or changes that. Outputs are LEVEL:stderr, LEVEL:syslog:NAME, \
            LEVEL:file:PATH or LEVEL:journald, with blanks between them.",
    options: &[Opt::text("outputs", "the new outputs").positional().may_be_empty()],
    run: log_outputs,
    ..Command::PLAIN
};

fn log_outputs(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    if arguments.has("outputs") {
        let outputs = arguments.text("outputs")?.map(str::to_owned);
        return shell
            .call(Administration::connect_set_logging_outputs(outputs, 0))
            .or_say("Unable to change daemon logging settings");
    }
    let reply = shell
        .call(Administration::connect_get_logging_outputs(0))
        .or_say("Unable to get daemon logging outputs information")?;
    extra!(shell, " Logging outputs: ");
    out!(shell, "{}\n", reply.outputs);
    Ok(())
}

pub(super) static TIMEOUT: Command = Command {
    name: "daemon-timeout",
    summary: "change how long the daemon stays when it has nothing to do",
    options: &[Opt::number("timeout", "after how many seconds it ends by itself, 0 for never")
        .required()
        .positional()],
    run: timeout,
    ..Command::PLAIN
};

fn timeout(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let seconds = arguments.number::<u32>("timeout")?.unwrap_or_default();
    Ok(shell.call(Administration::connect_set_daemon_timeout(seconds, 0))?)
}

pub(super) static SHUTDOWN: Command = Command {
    name: "daemon-shutdown",
    summary: "have the daemon end",
    about: "Has the daemon end once it is done with what it is doing.",
    options: &[Opt::flag("preserve", "save, suspend or shut down domains first as the configuration says")],
    run: shutdown,
    ..Command::PLAIN
};

/// `VIR_DAEMON_SHUTDOWN_PRESERVE`
const PRESERVE: u32 = 1;

fn shutdown(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = arguments.flags(&[("preserve", PRESERVE)]);
    Ok(shell.call(Administration::connect_daemon_shutdown(flags))?)
}
