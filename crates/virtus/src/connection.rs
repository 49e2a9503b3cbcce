//! A connection to a daemon.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use virtus_api::Request;
use virtus_api::calls::{Administration, Remote};
use virtus_base::Result;
use virtus_xdr::Decode;

use crate::callbacks::Callbacks;
use crate::lasting::Lasting;
use crate::peer::{CloseReason, Peer};

/// A connection to a daemon. Clones are the same connection; it is closed when the last of them and of the objects
/// they brought is gone.
#[derive(Clone, Debug)]
pub struct Connection {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    line: Line,
    read_only: bool,
    /// It goes to a daemon's administration.
    admin: bool,
    uri: OnceLock<String>,
    callbacks: Callbacks<Connection>,
}

/// Who answers the calls.
#[derive(Debug)]
enum Line {
    /// One, until it ends.
    Once(Arc<dyn Peer>),
    /// One after the other.
    Lasting(Box<Lasting>),
}

impl Connection {
    /// A connection that ends with its peer.
    pub(crate) fn once(peer: Arc<dyn Peer>, read_only: bool) -> Self {
        Self::with(Line::Once(peer), read_only, false)
    }

    /// A connection that is made again.
    pub(crate) fn lasting(lasting: Lasting, read_only: bool) -> Self {
        Self::with(Line::Lasting(Box::new(lasting)), read_only, false)
    }

    /// A connection to a daemon's administration.
    pub(crate) fn new_admin(peer: Arc<dyn Peer>) -> Self {
        Self::with(Line::Once(peer), false, true)
    }

    fn with(line: Line, read_only: bool, admin: bool) -> Self {
        Connection {
            shared: Arc::new(Shared {
                line,
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

    pub(crate) fn callbacks(&self) -> &Callbacks<Connection> {
        &self.shared.callbacks
    }

    /// Who answers calls now, dead or alive.
    pub(crate) fn peer(&self) -> Arc<dyn Peer> {
        self.peer_of_today().0
    }

    /// The same with its number among those that have answered.
    pub(crate) fn peer_of_today(&self) -> (Arc<dyn Peer>, u64) {
        match &self.shared.line {
            Line::Once(peer) => (peer.clone(), 0),
            Line::Lasting(lasting) => lasting.peer(),
        }
    }

    /// Who answers calls, after finding one if there is none and the connection is one that is made again.
    ///
    /// # Errors
    /// Why there is nobody until `deadline`, or until patience is at its end.
    pub(crate) fn living(&self, deadline: Option<Instant>) -> Result<Arc<dyn Peer>> {
        let lasting = match &self.shared.line {
            Line::Once(peer) => return Ok(peer.clone()),
            Line::Lasting(lasting) => lasting,
        };
        lasting.living(deadline, |fresh| {
            self.callbacks().renew(fresh, || lasting.replace(fresh.clone()))?;
            lasting.tell(true);
            Ok(())
        })
    }

    /// Whether it is made again when it is lost.
    pub(crate) fn lasts(&self) -> bool {
        matches!(&self.shared.line, Line::Lasting(lasting) if !lasting.is_closed())
    }

    /// How long somebody waits for it to be there again, if it is made again.
    #[cfg(feature = "tokio")]
    pub(crate) fn patience(&self) -> Option<Duration> {
        match &self.shared.line {
            Line::Lasting(lasting) if !lasting.is_closed() => Some(lasting.patience()),
            _ => None,
        }
    }

    /// Has those who wait on the descriptor look after the connection, or no more.
    pub(crate) fn tell_waiting(&self, news: bool) {
        if let Line::Lasting(lasting) = &self.shared.line {
            lasting.tell(news);
        }
    }

    /// Ends the connection of this number, of which nothing more is to be had.
    pub(crate) fn give_up(&self, generation: u64) {
        let (peer, of_today) = self.peer_of_today();
        if of_today == generation {
            peer.close();
        }
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
        self.living(None)?.ask_with_fds(request, fds)
    }

    /// The URI it was opened with, or the one the daemon picked.
    pub fn uri(&self) -> &str {
        self.shared.uri.get().map_or("", String::as_str)
    }

    /// Whether its calls are answered in this process (`test:///`).
    pub fn is_local(&self) -> bool {
        self.peer().is_local()
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
        self.living(None)?.supports_feature(feature)
    }

    /// Asks the daemon for a sign of life after `interval` of silence, and gives it up after `count` in vain.
    /// An `interval` of zero stops that.
    pub fn set_keepalive(&self, interval: Duration, count: u32) {
        let settings = (!interval.is_zero()).then_some((interval, count));
        match &self.shared.line {
            Line::Once(peer) => peer.set_keepalive(settings),
            Line::Lasting(lasting) => lasting.set_keepalive(settings),
        }
    }

    /// When somebody has to look after the connection, with [`Connection::run_events`], though nothing comes from the
    /// daemon: for programs that wait on its descriptor in a loop of their own.
    pub fn due(&self) -> Option<Instant> {
        match &self.shared.line {
            Line::Once(peer) => peer.due(),
            Line::Lasting(lasting) => lasting.due(),
        }
    }

    /// Whether something waits for room to write. The descriptor that is watched becomes readable then, too.
    pub fn wants_write(&self) -> bool {
        match &self.shared.line {
            Line::Once(peer) => peer.wants_write(),
            Line::Lasting(lasting) => lasting.wants_write(),
        }
    }

    /// How many have it: clones, and objects that it brought.
    pub fn holders(&self) -> usize {
        Arc::strong_count(&self.shared)
    }

    /// Says good-bye and ends the connection for everyone who has it.
    ///
    /// # Errors
    /// The daemon's; the connection ends all the same.
    pub fn close(&self) -> Result<()> {
        let peer = match &self.shared.line {
            Line::Once(peer) => peer.clone(),
            Line::Lasting(lasting) => lasting.close(),
        };
        let said = self.shared.say_farewell(&*peer);
        peer.close();
        said
    }
}

/// What becomes readable when there is something for [`Connection::run_events`] to look after, be it a message that
/// a thread took in while it waited for the answer to a call.
impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.shared.line {
            Line::Once(peer) => peer.as_fd(),
            Line::Lasting(lasting) => lasting.as_fd(),
        }
    }
}

impl Shared {
    fn say_farewell(&self, peer: &dyn Peer) -> Result<()> {
        peer.ask(match self.admin {
            true => Administration::connect_close(),
            false => Remote::connect_close(),
        })
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let peer = match &self.line {
            Line::Once(peer) => peer.clone(),
            Line::Lasting(lasting) => lasting.peer().0,
        };
        if peer.ended().is_none() && self.uri.get().is_some() {
            let _ = self.say_farewell(&*peer);
        }
    }
}
