//! From a URI, or from none, to a connection.

use std::sync::Arc;

use virtus_api::calls::Remote;
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

use crate::auth::{Ask, Credential};
use crate::config::Config;
use crate::connection::Connection;
use crate::lasting::{Lasting, Reconnect};
use crate::local::Local;
use crate::reach::Reach;
use crate::uri::Uri;
use crate::way::{FOR_THE_WAY, Way};

/// How a connection is opened.
///
/// ```no_run
/// # fn main() -> virtus::Result<()> {
/// let connection = virtus::OpenOptions::new().read_only(true).open(Some("qemu:///system"))?;
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct OpenOptions {
    read_only: bool,
    no_aliases: bool,
    ask: Option<Ask>,
    reconnect: Option<Reconnect>,
}

impl std::fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenOptions")
            .field("read_only", &self.read_only)
            .field("no_aliases", &self.no_aliases)
            .field("asks", &self.ask.is_some())
            .field("reconnect", &self.reconnect)
            .finish()
    }
}

impl OpenOptions {
    /// Reading and writing, no questions asked.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens for looking only (`VIR_CONNECT_RO`).
    #[must_use]
    pub fn read_only(mut self, yes: bool) -> Self {
        self.read_only = yes;
        self
    }

    /// Takes the URI as it is, though `libvirt.conf` may have an alias of that name (`VIR_CONNECT_NO_ALIASES`).
    #[must_use]
    pub fn no_aliases(mut self, yes: bool) -> Self {
        self.no_aliases = yes;
        self
    }

    /// Has `ask` asked for names and passwords that `auth.conf` does not have.
    ///
    /// ```no_run
    /// use virtus::{CredentialKind, OpenOptions};
    ///
    /// # fn main() -> virtus::Result<()> {
    /// let options = OpenOptions::new().auth(|questions| {
    ///     for question in questions {
    ///         question.answer = match question.kind {
    ///             CredentialKind::AuthName => Some("fred".to_owned()),
    ///             CredentialKind::Passphrase => std::env::var("PASSWORD").ok(),
    ///             _ => None,
    ///         };
    ///     }
    ///     Ok(())
    /// });
    /// let connection = options.open(Some("qemu+tls://host.example/system"))?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn auth(mut self, ask: impl Fn(&mut [Credential]) -> Result<()> + Send + Sync + 'static) -> Self {
        self.ask = Some(Arc::new(ask));
        self
    }

    /// Has the connection made again, as it was opened, after the daemon went away. Without this it has ended then.
    ///
    /// Calls that are under way fail with why the connection was lost, for nobody knows whether they have been
    /// carried out; streams are broken off. Those that are made later go through: the first of them, or whoever
    /// waits in [`Connection::run_events`], goes to the daemon the same way, asks the same questions for names and
    /// passwords, and has everything registered anew that was to be told of events. What happened meanwhile is not
    /// told; [`Connection::on_close`] and [`Connection::on_reconnect`] say between which moments that was. A
    /// connection that was closed with [`Connection::close`] stays closed, and the first opening is not tried twice.
    ///
    /// ```no_run
    /// use virtus::{Connection, OpenOptions, Reconnect, Subject, constants::VIR_DOMAIN_EVENT_ID_LIFECYCLE};
    ///
    /// # fn main() -> virtus::Result<()> {
    /// let connection = OpenOptions::new().reconnect(Reconnect::default()).open(Some("qemu:///system"))?;
    /// connection.on_event(Subject::Domain(None), VIR_DOMAIN_EVENT_ID_LIFECYCLE, |_, event| println!("{event:?}"))?;
    /// connection.on_close(|_, reason| eprintln!("the daemon has gone: {reason:?}"))?;
    /// connection.on_reconnect(|connection| {
    ///     let running = connection.list_all_domains(1).map_or(0, |domains| domains.len());
    ///     eprintln!("it is there again, and {running} domains run");
    /// });
    /// loop {
    ///     // an error means that patience came to its end; asking again goes on trying
    ///     if let Err(error) = connection.run_events(None) {
    ///         eprintln!("{error}");
    ///     }
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn reconnect(mut self, how: Reconnect) -> Self {
        self.reconnect = Some(how);
        self
    }

    /// Opens the connection. Without a URI it is the one of `LIBVIRT_DEFAULT_URI` or of `uri_default` in
    /// `libvirt.conf`, or else the one the local daemon picks.
    ///
    /// # Errors
    /// `NO_CONNECT` for a URI without a driver, what is wrong with the URI, why the daemon cannot be reached,
    /// why it does not let us in, or what it says to the URI.
    pub fn open(&self, uri: Option<&str>) -> Result<Connection> {
        let config = Config::load("libvirt.conf")?;
        let uri = match uri.filter(|uri| !uri.is_empty()) {
            Some(name) => Some(self.resolve(&config, name)?),
            None => default_uri(&config)?.map(|name| self.resolve(&config, &name)).transpose()?,
        };
        if let Some(uri) = uri.as_ref().filter(|uri| Local::answers(uri)) {
            let peer = Local::open(uri, self.read_only, self.ask.as_ref())?;
            let connection = Connection::once(Arc::new(peer), self.read_only);
            connection.opened(uri.to_string());
            return Ok(connection);
        }
        let way = Way::plan(uri.as_ref(), &config, self.read_only)?;
        let name = match &uri {
            None => String::new(),
            Some(uri) => match uri.parameter("name") {
                Some(name) => name.to_owned(),
                None if uri.driver() == "remote" => String::new(),
                None => uri.for_daemon(|name| !FOR_THE_WAY.iter().any(|own| own.eq_ignore_ascii_case(name))),
            },
        };
        let reach = Reach { way, uri, name, read_only: self.read_only, ask: self.ask.clone() };
        let peer = reach.connect()?;
        let uri = match &reach.uri {
            Some(uri) => uri.to_string(),
            None => peer.ask(Remote::connect_get_uri())?,
        };
        let connection = match self.reconnect {
            Some(how) => Connection::lasting(Lasting::new(how, reach, peer)?, self.read_only),
            None => Connection::once(peer, self.read_only),
        };
        connection.opened(uri);
        Ok(connection)
    }

    fn resolve(&self, config: &Config, name: &str) -> Result<Uri> {
        let name = match name {
            _ if name.eq_ignore_ascii_case("xen") || name.eq_ignore_ascii_case("xen://") => "xen:///system",
            _ if self.no_aliases => name,
            _ => config.alias(name)?.unwrap_or(name),
        };
        let uri = Uri::parse(name)?;
        match &uri.scheme {
            Some(scheme) if CLIENTS_ALONE.iter().any(|own| own.eq_ignore_ascii_case(scheme)) => {
                Err(Error::new(
                    ErrorDomain::NONE,
                    ErrorCode::CONFIG_UNSUPPORTED,
                    format!("libvirt was built without the '{scheme}' driver"),
                ))
            }
            Some(_) => Ok(uri),
            None => Err(Error::new(
                ErrorDomain::NONE,
                ErrorCode::NO_CONNECT,
                format!("URI '{name}' does not include a driver name"),
            )),
        }
    }
}

/// Hypervisors that only a client's library speaks to, and this one does not.
const CLIENTS_ALONE: [&str; 5] = ["vpx", "esx", "gsx", "hyperv", "parallels"];

impl Connection {
    /// Opens a connection for reading and writing.
    ///
    /// # Errors
    /// See [`OpenOptions::open`].
    pub fn open(uri: &str) -> Result<Self> {
        OpenOptions::new().open(Some(uri))
    }

    /// Opens a connection that can only look.
    ///
    /// # Errors
    /// See [`OpenOptions::open`].
    pub fn open_read_only(uri: &str) -> Result<Self> {
        OpenOptions::new().read_only(true).open(Some(uri))
    }
}

fn default_uri(config: &Config) -> Result<Option<String>> {
    match std::env::var("LIBVIRT_DEFAULT_URI") {
        Ok(uri) if !uri.is_empty() => Ok(Some(uri)),
        _ => Ok(config.text("uri_default")?.filter(|uri| !uri.is_empty()).map(str::to_owned)),
    }
}
