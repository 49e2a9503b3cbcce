//! The way through `ssh`: what is run here, and what there.

use std::process::Command;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

use super::library::Library;

/// What connects to the daemon on the other host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proxy {
    /// libvirt's helper if it is there, else netcat.
    Auto,
    /// Netcat.
    Netcat,
    /// libvirt's helper, which finds the socket itself.
    Native,
}

impl Proxy {
    /// The one of this name.
    ///
    /// # Errors
    /// `INVALID_ARG` (libvirt's text has a letter wrong, and so has this).
    pub(crate) fn named(name: &str) -> Result<Self> {
        match name {
            "auto" => Ok(Proxy::Auto),
            "netcat" => Ok(Proxy::Netcat),
            "native" => Ok(Proxy::Native),
            _ => Err(Error::new(
                ErrorDomain::REMOTE,
                ErrorCode::INVALID_ARG,
                format!("Unnkown proxy type '{name}'"),
            )),
        }
    }
}

/// What is known of the way.
#[derive(Clone, Debug)]
pub(crate) struct Ssh {
    /// The library in whose place it runs.
    pub(crate) library: Option<Library>,
    pub(crate) program: String,
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) user: Option<String>,
    pub(crate) key: Option<String>,
    /// Options of its configuration, as `Name=value`.
    pub(crate) options: Vec<String>,
    /// Nobody is there to be asked for a password.
    pub(crate) no_tty: bool,
    pub(crate) no_verify: bool,
    pub(crate) proxy: Proxy,
    pub(crate) netcat: Option<String>,
    pub(crate) socket: String,
    /// The URI as the other host's helper is to open it.
    pub(crate) uri: String,
    pub(crate) read_only: bool,
}

/// What of our surroundings the program gets.
const PASSED: [&str; 16] = [
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "TERM",
    "XDG_RUNTIME_DIR",
    "KRB5CCNAME",
    "SSH_AUTH_SOCK",
    "SSH_ASKPASS",
    "OPENSSL_CONF",
    "DISPLAY",
    "XAUTHORITY",
    "WAYLAND_DISPLAY",
];

/// A program that gets of our surroundings what helps it to ask for passwords, and says its errors in English.
pub(crate) fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env_clear().env("LC_ALL", "C");
    command.envs(PASSED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command
}

impl Ssh {
    /// The command that is run here.
    pub(crate) fn command(&self) -> Command {
        let mut command = program(&self.program);
        let mut option = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                command.arg(name).arg(value);
            }
        };
        option("-p", self.port.map(|port| port.to_string()));
        option("-l", self.user.clone());
        option("-i", self.key.clone());
        self.options.iter().for_each(|o| option("-o", Some(o.clone())));
        command.args(["-T", "-e", "none"]);
        if self.no_tty {
            command.args(["-o", "BatchMode=yes"]);
        }
        if self.no_verify {
            command.args(["-o", "StrictHostKeyChecking=no"]);
        }
        command.args(["--", &self.host, &self.remote_command()]);
        command
    }

    /// The command that the other host's shell runs. It runs a shell of its own: hence everything quoted twice.
    fn remote_command(&self) -> String {
        let netcat = quote(&quote(self.netcat.as_deref().unwrap_or("nc")));
        // some netcats end with their input, before the answer has come, unless told to wait
        let netcat = format!(
            "if '{netcat}' -q 2>&1 | grep \"requires an argument\" >/dev/null 2>&1; then ARG=-q0;else ARG=;fi;\
             '{netcat}' $ARG -U {}",
            self.socket
        );
        let read_only = if self.read_only { "-r " } else { "" };
        let helper = format!("virt-ssh-helper {read_only}'{}'", quote(&quote(&self.uri)));
        // whoever names a netcat wants it
        match self.proxy {
            Proxy::Auto if self.netcat.is_none() => format!(
                "sh -c 'which virt-ssh-helper 1>/dev/null 2>&1; if test $? = 0; then     {helper}; \
                 else    {netcat}; fi'"
            ),
            Proxy::Native => format!("sh -c '{helper}'"),
            Proxy::Auto | Proxy::Netcat => format!("sh -c '{netcat}'"),
        }
    }
}

/// The text as one word of a shell's command line.
fn quote(text: &str) -> String {
    const SPECIAL: &str = "\r\t\n !\"#$&'()*;<>?[\\]^`{|}~";
    match !text.is_empty() && !text.contains(|c| SPECIAL.contains(c)) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ssh() -> Ssh {
        Ssh {
            library: None,
            program: "ssh".into(),
            host: "host".into(),
            port: None,
            user: None,
            key: None,
            options: Vec::new(),
            no_tty: false,
            no_verify: false,
            proxy: Proxy::Auto,
            netcat: None,
            socket: "/s".into(),
            uri: "qemu:///system".into(),
            read_only: false,
        }
    }

    fn arguments(ssh: &Ssh) -> Vec<String> {
        ssh.command().get_args().map(|a| a.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn options_stand_before_the_host() {
        let all = Ssh {
            port: Some(22),
            user: Some("u".into()),
            key: Some("/k x".into()),
            no_tty: true,
            no_verify: true,
            proxy: Proxy::Native,
            ..ssh()
        };
        let expected = "-p 22 -l u -i|/k x|-T -e none -o BatchMode=yes -o StrictHostKeyChecking=no -- host|\
             sh -c 'virt-ssh-helper 'qemu:///system''";
        assert_eq!(arguments(&all).join(" "), expected.replace('|', " "));
    }

    #[test]
    fn what_runs_there_is_quoted_for_two_shells() {
        let netcat = Ssh { netcat: Some("/bin/my nc".into()), ..ssh() };
        let command = arguments(&netcat).pop().unwrap_or_default();
        assert!(command.starts_with("sh -c 'if '''\\''/bin/my nc'\\'''' -q 2>&1 | grep"), "{command}");
        assert!(command.ends_with("'''\\''/bin/my nc'\\'''' $ARG -U /s'"), "{command}");
        let session = Ssh { uri: "qemu:///session?mode=legacy".into(), read_only: true, ..ssh() };
        let command = arguments(&session).pop().unwrap_or_default();
        assert!(
            command.contains("virt-ssh-helper -r '''\\''qemu:///session?mode=legacy'\\''''; else"),
            "{command}"
        );
        assert_eq!(quote(""), "''");
        assert_eq!(quote("it's"), "'it'\\''s'");
    }
}
