//! Keys and signals: `send-key` and `send-process-signal`.

use virtus::calls::Remote;

use super::key_names;
use super::small::number_of;
use crate::command::{ACTIVE_DOMAIN, Command, Opt};
use crate::grammar::{Arguments, Number, c_number};
use crate::shell::{Outcome, Shell, fail};

/// Ways to number keys, by libvirt's number.
const CODESETS: [&str; 10] =
    ["linux", "xt", "atset1", "atset2", "atset3", "os_x", "xt_kbd", "usb", "win32", "qnum"];

/// How many keys can be pressed together.
const MOST_KEYS: usize = 16;

pub(super) static SEND_KEY: Command = Command {
    name: "send-key",
    summary: "press keys of a guest's keyboard",
    about: "Presses keys together, for example KEY_LEFTCTRL KEY_LEFTALT KEY_DELETE.",
    options: &[
        ACTIVE_DOMAIN,
        Opt::text("codeset", "which numbers the keys have (linux if it is left out)")
            .one_of(&["linux", "xt", "atset1", "atset2", "atset3", "os_x", "xt_kbd", "usb", "win32", "qnum"]),
        Opt::number("holdtime", "milliseconds to hold the keys"),
        Opt::many("keycode", "keys, by name or number").positional().required(),
    ],
    run: send_key,
    ..Command::PLAIN
};

fn send_key(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let domain = shell.domain(arguments)?;
    let codeset = match arguments.some_text("codeset") {
        None => "linux",
        Some("rfb") => "qnum",
        Some(word) => word,
    };
    let hold = arguments.number::<u32>("holdtime")?.unwrap_or(0);
    let Some(number) = number_of(&CODESETS, codeset) else { fail!("unknown codeset: '{codeset}'") };
    let mut keys = Vec::new();
    for word in arguments.many("keycode") {
        if keys.len() == MOST_KEYS {
            fail!("too many keycodes");
        }
        match key(codeset, word) {
            Some(key) => keys.push(key),
            None => fail!("invalid keycode: '{word}'"),
        }
    }
    Ok(shell.call(Remote::domain_send_key(domain, number, hold, keys.into(), 0))?)
}

/// The number of a key, which may be given by name.
fn key(codeset: &str, word: &str) -> Option<u32> {
    if let Some(number) = c_number(word).and_then(|number| u32::try_from(number).ok()) {
        return Some(number).filter(|number| *number <= 0xffff);
    }
    let names = match codeset {
        "linux" => key_names::LINUX,
        "os_x" => key_names::OSX,
        "win32" => key_names::WIN32,
        _ => return None,
    };
    names.iter().find(|(name, _)| *name == word).map(|(_, number)| *number)
}

/// Signals by number.
const SIGNALS: [&str; 32] = [
    "nop", "hup", "int", "quit", "ill", "trap", "abrt", "bus", "fpe", "kill", "usr1", "segv", "usr2", "pipe",
    "alrm", "term", "stkflt", "chld", "cont", "stop", "tstp", "ttin", "ttou", "urg", "xcpu", "xfsz",
    "vtalrm", "prof", "winch", "poll", "pwr", "sys",
];

pub(super) static SEND_SIGNAL: Command = Command {
    name: "send-process-signal",
    summary: "send a signal to a process of a guest",
    options: &[
        ACTIVE_DOMAIN,
        Opt::text("pid", "the process's number").positional().required(),
        Opt::text("signame", "the signal, by name or number")
            .positional()
            .required()
            .one_of(&["hup", "int", "quit", "kill", "usr1", "usr2", "term", "cont", "stop"]),
    ],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let pid = arguments.number::<i64>("pid")?.unwrap_or(0);
        let word = arguments.needed("signame")?;
        let Some(signal) = signal(word) else { fail!("malformed signal name: {word}") };
        Ok(shell.call(Remote::domain_send_process_signal(domain, pid, signal, 0))?)
    },
    ..Command::PLAIN
};

/// The number of a signal: `9`, `kill`, `SIGKILL`, `sig_kill`, `rt3`.
fn signal(word: &str) -> Option<u32> {
    let lower = word.to_ascii_lowercase();
    if let Some(number) = i32::read(&lower) {
        return u32::try_from(number).ok();
    }
    let name = lower.strip_prefix("sig_").or_else(|| lower.strip_prefix("sig")).unwrap_or(&lower);
    let real_time = || u32::read(name.strip_prefix("rt")?).filter(|number| *number <= 32).map(|n| n + 32);
    number_of(&SIGNALS, name).or_else(real_time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_names_and_numbers() {
        assert_eq!(key("linux", "KEY_ENTER"), Some(28));
        assert_eq!(key("linux", "0x1c"), Some(28));
        assert_eq!(key("win32", "VK_RETURN"), Some(13));
        assert_eq!(key("xt", "KEY_ENTER"), None);
        assert_eq!(key("linux", "65536"), None);
    }

    #[test]
    fn signals_have_many_names() {
        for word in ["9", "kill", "SIGKILL", "sig_kill", "Kill"] {
            assert_eq!(signal(word), Some(9), "{word}");
        }
        assert_eq!(signal("rt1"), Some(33));
        assert_eq!(signal("sigrt32"), Some(64));
        for word in ["", "nope", "rt33", "-1"] {
            assert_eq!(signal(word), None, "{word}");
        }
    }
}
