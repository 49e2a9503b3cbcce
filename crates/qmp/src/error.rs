//! What can go wrong between Virtus and QEMU.

use std::time::Duration;

use virtus_base::{ErrorCode, ErrorDomain};

/// A result of talking to QEMU or to a guest agent.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a monitor or agent command has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// QEMU refused a command.
    Command {
        /// The command's name, e.g. `device_add`.
        command: String,
        /// QEMU's error class, e.g. `GenericError`, `DeviceNotFound`, `CommandNotFound`.
        class: String,
        /// QEMU's explanation.
        desc: String,
    },
    /// The other side closed the connection, or the connection was closed here.
    Closed {
        /// The domain's name, for the text.
        vm: String,
    },
    /// Reading or writing failed.
    Io {
        /// What was tried, as libvirt words it.
        what: &'static str,
        /// The `errno`.
        errno: i32,
    },
    /// No reply in time. The command may still take effect.
    Timeout {
        /// The command's name.
        command: String,
        /// How long the caller waited.
        after: Duration,
    },
    /// The other side broke the protocol.
    Protocol(String),
    /// The guest agent refused a command.
    Agent {
        /// The command's name.
        command: String,
        /// The agent's error class, if it gave one.
        class: String,
        /// The explanation, as libvirt shows it.
        desc: String,
    },
    /// The guest agent went away during a command.
    AgentGone,
    /// The guest agent did not answer the synchronisation or the command in time.
    AgentTimeout {
        /// Whether the synchronisation before the command was what failed.
        synchronising: bool,
        /// How long the caller waited.
        after: Duration,
    },
}

impl Error {
    /// Whether QEMU or the agent does not know the command.
    pub fn is_command_not_found(&self) -> bool {
        self.class() == Some("CommandNotFound")
    }

    /// Whether QEMU does not know the device named.
    pub fn is_device_not_found(&self) -> bool {
        self.class() == Some("DeviceNotFound")
    }

    /// Whether the connection is gone, so that no later command can succeed.
    pub fn is_closed(&self) -> bool {
        matches!(self, Error::Closed { .. } | Error::Io { .. } | Error::AgentGone)
    }

    /// The error class the other side gave, if it refused the command.
    pub fn class(&self) -> Option<&str> {
        match self {
            Error::Command { class, .. } | Error::Agent { class, .. } => Some(class),
            _ => None,
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Command { command, desc, .. } if desc.is_empty() => {
                write!(f, "unable to execute QEMU command '{command}'")
            }
            Error::Command { command, desc, .. } => {
                write!(f, "unable to execute QEMU command '{command}': {desc}")
            }
            Error::Closed { vm } => write!(f, "End of file from qemu monitor (vm='{vm}')"),
            Error::Io { what, errno } => {
                let text = std::io::Error::from_raw_os_error(*errno).to_string();
                write!(f, "{what}: {}", text.split(" (os error").next().unwrap_or_default())
            }
            Error::Timeout { command, after } => {
                write!(f, "QEMU did not answer command '{command}' within {} seconds", after.as_secs_f64())
            }
            Error::Protocol(text) => f.write_str(text),
            Error::Agent { command, desc, .. } => {
                write!(f, "unable to execute QEMU agent command '{command}': {desc}")
            }
            Error::AgentGone => f.write_str("Guest agent disappeared while executing command"),
            Error::AgentTimeout { synchronising: true, after } => {
                write!(
                    f,
                    "guest agent didn't respond to synchronization within '{}' seconds",
                    after.as_secs()
                )
            }
            Error::AgentTimeout { synchronising: false, after } => {
                write!(f, "guest agent didn't respond to command within '{}' seconds", after.as_secs())
            }
        }
    }
}

impl std::error::Error for Error {}

impl From<Error> for virtus_base::Error {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::Io { what, errno } => {
                let source = std::io::Error::from_raw_os_error(*errno);
                return virtus_base::Error::system(ErrorDomain::QEMU, what, &source);
            }
            Error::Timeout { .. } => ErrorCode::OPERATION_TIMEOUT,
            Error::AgentGone => ErrorCode::AGENT_UNRESPONSIVE,
            Error::AgentTimeout { synchronising: true, .. } => ErrorCode::AGENT_UNRESPONSIVE,
            Error::AgentTimeout { synchronising: false, .. } => ErrorCode::AGENT_COMMAND_TIMEOUT,
            Error::Command { .. } | Error::Closed { .. } | Error::Protocol(_) | Error::Agent { .. } => {
                ErrorCode::INTERNAL_ERROR
            }
        };
        virtus_base::Error::new(ErrorDomain::QEMU, code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_libvirts() {
        let refused = Error::Command {
            command: "device_del".into(),
            class: "DeviceNotFound".into(),
            desc: "Device 'x' not found".into(),
        };
        assert!(refused.is_device_not_found() && !refused.is_closed());
        let e = virtus_base::Error::from(refused);
        assert_eq!(
            e.message(),
            "internal error: unable to execute QEMU command 'device_del': Device 'x' not found"
        );
        let e = virtus_base::Error::from(Error::AgentTimeout {
            synchronising: true,
            after: Duration::from_secs(5),
        });
        assert_eq!(
            e.message(),
            "Guest agent is not responding: guest agent didn't respond to synchronization within '5' seconds"
        );
        let e = virtus_base::Error::from(Error::Io { what: "Unable to write to monitor", errno: 32 });
        assert_eq!(e.message(), "Unable to write to monitor: Broken pipe");
    }
}
