//! Finding the daemon, and finding it again.

use std::time::Duration;

use virtus::{CloseReason, Connection, ErrorCode, ErrorDomain, OpenOptions};

use super::{Failure, Level, OrSay, Outcome, Shell, ask, extra, out};

/// Seconds of silence after which the daemon is asked for a sign of life, and how many may be missing.
const KEEPALIVE: (u32, u32) = (5, 6);

impl Shell {
    /// Connects to `uri`, or again to what it was connected to.
    ///
    /// # Errors
    /// The daemon cannot be reached.
    pub(crate) fn connect(&mut self, uri: Option<&str>, read_only: bool, forced: bool) -> Outcome {
        let read_only = read_only || (uri.is_none() && self.read_only);
        let was_connected = match self.connection.take() {
            Some(old) => {
                if old.is_alive() && old.close().is_err() {
                    self.tell_undisconnected();
                }
                true
            }
            None => false,
        };
        let name = uri.map(str::to_owned).or_else(|| self.uri.clone());
        let opened = self.open(name.as_deref(), read_only);
        if opened.is_err() && self.persona.is_admin() && name.is_none() {
            extra!(
                self,
                "NOTE: Connecting to default daemon. Specify daemon using '-c' (e.g. virtqemud:///system)\n"
            );
        }
        let connection =
            opened.or_say(match (self.persona.is_admin(), self.disconnected, was_connected) {
                (false, true, _) => "Failed to reconnect to the hypervisor",
                (false, false, _) => "failed to connect to the hypervisor",
                (true, _, true) => "Failed to reconnect to the admin server",
                (true, _, false) => "Failed to connect to the admin server",
            })?;
        self.uri = Some(name.unwrap_or_else(|| connection.uri().to_owned()));
        self.read_only = read_only;
        self.connection = Some(connection);
        self.disconnected = false;
        match self.persona.is_admin() {
            true if was_connected => out!(self, "Reconnected to the admin server\n"),
            false if was_connected && !forced => self.error("Reconnected to the hypervisor"),
            _ => {}
        }
        Ok(())
    }

    /// Opens a connection beside the shell's own, e.g. to where a domain is to go.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub(crate) fn open(&mut self, uri: Option<&str>, read_only: bool) -> virtus::Result<Connection> {
        self.flush();
        if self.persona.is_admin() {
            return Connection::open_admin(uri);
        }
        let terminal = self.terminal.clone();
        let connection = OpenOptions::new()
            .read_only(read_only)
            .auth(move |questions| ask::answer(&terminal, questions))
            .open(uri)?;
        self.keep_alive(&connection)?;
        Ok(connection)
    }

    /// Asks for signs of life. Nobody in this process gives any, which matters only to who asked for them.
    fn keep_alive(&mut self, connection: &Connection) -> virtus::Result<()> {
        let interval = self.keepalive_interval.unwrap_or(KEEPALIVE.0);
        let count = self.keepalive_count.unwrap_or(KEEPALIVE.1);
        let asked = self.keepalive_interval.is_some() || self.keepalive_count.is_some();
        match connection.is_local() && interval > 0 {
            false => connection.set_keepalive(Duration::from_secs(interval.into()), count),
            true if asked => {
                self.error("Cannot setup keepalive on connection as requested, disconnecting");
                let function = "virConnectSetKeepAlive";
                return Err(virtus::Error::new(virtus::ErrorDomain::NONE, ErrorCode::NO_SUPPORT, function));
            }
            true => self.debug(Level::Info, format_args!("Failed to setup keepalive on connection")),
        }
        Ok(())
    }

    /// Sees to it that there is a connection for the next command.
    ///
    /// # Errors
    /// The daemon cannot be reached.
    pub(crate) fn connected(&mut self) -> Outcome {
        self.notice_end();
        if self.connection.is_none() || self.disconnected {
            let admin = self.persona.is_admin();
            let outcome = self.connect(None, false, false);
            outcome.map_err(|failure| if admin { failure.and("no valid connection") } else { failure })?;
        }
        match &self.connection {
            Some(connection) if connection.is_alive() => Ok(()),
            _ => Err(Failure::new("no valid connection")),
        }
    }

    /// Connects if need be, and says nothing about it.
    pub(crate) fn be_connected(&mut self) -> bool {
        self.connection.as_ref().is_some_and(Connection::is_alive) || {
            let uri = self.uri.clone();
            self.connection = self.open(uri.as_deref(), self.read_only).ok();
            self.connection.is_some()
        }
    }

    /// Tells, once, that the daemon is gone.
    pub(crate) fn notice_end(&mut self) {
        if self.disconnected {
            return;
        }
        let why = match self.connection.as_ref().and_then(Connection::close_reason) {
            None | Some(CloseReason::Client) => return,
            Some(CloseReason::Error) => "I/O error",
            Some(CloseReason::Eof) => "end of file",
            Some(CloseReason::Keepalive) => "keepalive timeout",
        };
        self.disconnected = true;
        let uri = self.uri.clone().unwrap_or_default();
        self.error(format_args!("Disconnected from {uri} due to {why}"));
    }

    /// Whether a command failed because the daemon cannot be talked to any more.
    pub(crate) fn suspect(&mut self, failure: &Failure) {
        let Some(cause) = failure.cause() else { return };
        let lost = match cause.code() {
            ErrorCode::RPC | ErrorCode::NO_CONNECT | ErrorCode::INVALID_CONN => true,
            ErrorCode::SYSTEM_ERROR => cause.domain() == ErrorDomain::REMOTE,
            _ => false,
        };
        self.disconnected |= lost;
    }

    /// Ends the connection in the end.
    pub(crate) fn disconnect(&mut self) {
        if let Some(connection) = self.connection.take()
            && connection.is_alive()
            && connection.close().is_err()
            && connection.close_reason() == Some(CloseReason::Error)
        {
            self.tell_undisconnected();
        }
    }

    fn tell_undisconnected(&mut self) {
        let what = if self.persona.is_admin() { "admin server" } else { "hypervisor" };
        self.error(format_args!("Failed to disconnect from the {what}"));
    }
}
