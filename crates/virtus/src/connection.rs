//! A connection to a daemon.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use virtus_api::Request;
use virtus_api::calls::{Administration, Remote};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_xdr::Decode;

use crate::events::Callbacks;
use crate::open::OpenOptions;
use crate::peer::{CloseReason, Outgoing, Peer};
use crate::stream::Stream;

/// A connection to a daemon. Clones are the same connection; it is closed when the last of them and of the objects
/// they brought is gone.
#[derive(Clone, Debug)]
pub struct Connection {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    peer: Box<dyn Peer>,
    read_only: bool,
    /// It goes to a daemon's administration.
    admin: bool,
    uri: OnceLock<String>,
    callbacks: Callbacks,
}

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

    pub(crate) fn new(peer: Box<dyn Peer>, read_only: bool) -> Self {
        Self::with(peer, read_only, false)
    }

    /// A connection to a daemon's administration.
    pub(crate) fn new_admin(peer: Box<dyn Peer>) -> Self {
        Self::with(peer, false, true)
    }

    fn with(peer: Box<dyn Peer>, read_only: bool, admin: bool) -> Self {
        Connection {
            shared: Arc::new(Shared {
                peer,
                read_only,
                admin,
                uri: OnceLock::new(),
                callbacks: Callbacks::default(),
            }),
        }
    }

    /// The daemon has opened what `uri` names.
    pub(crate) fn opened(&self, uri: String) {
        let _ = self.shared.uri.set(uri);
    }

    /// Refuses a way on which others can listen after an authentication that does not protect it.
    pub(crate) fn check_strength(&self) -> Result<()> {
        match self.peer().is_secure() {
            true => Ok(()),
            false => Err(Error::new(
                ErrorDomain::RPC,
                ErrorCode::AUTH_FAILED,
                "negotiation SSF 0 was not strong enough",
            )),
        }
    }

    pub(crate) fn callbacks(&self) -> &Callbacks {
        &self.shared.callbacks
    }

    pub(crate) fn peer(&self) -> &dyn Peer {
        &*self.shared.peer
    }

    /// Makes any call of the protocol, and waits for its answer.
    ///
    /// ```no_run
    /// use virtus::{Connection, calls::Remote};
    ///
    /// # fn main() -> virtus::Result<()> {
    /// let connection = Connection::open("qemu:///system")?;
    /// let domain = connection.call(Remote::domain_lookup_by_name("alpha".to_owned()))?;
    /// connection.call(Remote::domain_set_memory(domain, 1 << 20))?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The daemon's, or why it could not be asked.
    pub fn call<R: Decode>(&self, request: Request<R>) -> Result<R> {
        self.call_with_fds(request, Vec::new()).map(|(reply, _)| reply)
    }

    /// Makes a call that brings or returns descriptors.
    ///
    /// # Errors
    /// As [`Connection::call`]; `ARGUMENT_UNSUPPORTED` when the way to the daemon does not take descriptors.
    pub fn call_with_fds<R: Decode>(
        &self,
        request: Request<R>,
        fds: Vec<OwnedFd>,
    ) -> Result<(R, Vec<OwnedFd>)> {
        if !fds.is_empty() && !self.peer().passes_fds() {
            return Err(Error::new(
                ErrorDomain::REMOTE,
                ErrorCode::ARGUMENT_UNSUPPORTED,
                "Unable to pass file descriptors over this transport",
            ));
        }
        let (_, reply) = self.peer().call(Outgoing {
            program: request.program.0,
            procedure: request.number,
            arguments: request.arguments()?,
            fds,
            stream: false,
        })?;
        Ok((request.reply(&reply.body)?, reply.fds))
    }

    /// Makes a call that opens a stream.
    ///
    /// # Errors
    /// As [`Connection::call`].
    pub fn open_stream<R: Decode>(&self, request: Request<R>) -> Result<(R, Stream)> {
        let procedure = (request.program.0, request.number);
        let (serial, reply) = self.peer().call(Outgoing {
            program: procedure.0,
            procedure: procedure.1,
            arguments: request.arguments()?,
            fds: Vec::new(),
            stream: true,
        })?;
        let stream = Stream::new(self.clone(), procedure, serial);
        Ok((request.reply(&reply.body)?, stream))
    }

    /// The URI it was opened with, or the one the daemon picked.
    pub fn uri(&self) -> &str {
        self.shared.uri.get().map_or("", String::as_str)
    }

    /// Whether it can only look.
    pub fn is_read_only(&self) -> bool {
        self.shared.read_only
    }

    /// Whether the connection lives: it did not end, and the daemon did answer keepalive messages.
    pub fn is_alive(&self) -> bool {
        self.peer().ended().is_none()
    }

    /// Why it has ended, once it has.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.peer().ended()
    }

    /// Whether nobody between here and the hypervisor can listen.
    ///
    /// # Errors
    /// The daemon's.
    pub fn is_secure(&self) -> Result<bool> {
        Ok(self.call(Remote::connect_is_secure())? != 0 && self.peer().is_secure())
    }

    /// Whether what is said is encrypted.
    ///
    /// # Errors
    /// The daemon's.
    pub fn is_encrypted(&self) -> Result<bool> {
        Ok(self.call(Remote::connect_is_secure())? != 0 && self.peer().is_encrypted())
    }

    /// Whether the daemon has the feature of this number (`virDrvFeature`).
    ///
    /// # Errors
    /// The daemon's.
    pub fn supports_feature(&self, feature: i32) -> Result<bool> {
        Ok(self.call(Remote::connect_supports_feature(feature))? != 0)
    }

    /// Asks the daemon for a sign of life after `interval` of silence, and gives it up after `count` in vain.
    /// An `interval` of zero stops that.
    pub fn set_keepalive(&self, interval: Duration, count: u32) {
        self.peer().set_keepalive((!interval.is_zero()).then_some((interval, count)));
    }

    /// When somebody has to look after the connection though nothing comes from the daemon: for programs that wait
    /// on its descriptor in a loop of their own.
    pub fn due(&self) -> Option<Instant> {
        self.peer().due()
    }

    /// Whether the descriptor is to be watched for room to write, too.
    pub fn wants_write(&self) -> bool {
        self.peer().wants_write()
    }

    /// Says good-bye and ends the connection for everyone who has it.
    ///
    /// # Errors
    /// The daemon's; the connection ends all the same.
    pub fn close(&self) -> Result<()> {
        let said = self.call(self.shared.farewell());
        self.peer().close();
        said
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.peer().as_fd()
    }
}

impl Shared {
    fn farewell(&self) -> Request<()> {
        match self.admin {
            true => Administration::connect_close(),
            false => Remote::connect_close(),
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.peer.ended().is_none() && self.uri.get().is_some() {
            let request = self.farewell();
            let _ = request.arguments().and_then(|arguments| {
                self.peer.call(Outgoing {
                    program: request.program.0,
                    procedure: request.number,
                    arguments,
                    fds: Vec::new(),
                    stream: false,
                })
            });
        }
    }
}
