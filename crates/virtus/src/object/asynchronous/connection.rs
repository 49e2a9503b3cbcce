//! What a connection does beside the calls of its objects, to be awaited.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use virtus_api::{Event, Request};
use virtus_xdr::Decode;

use super::*;
use crate::{CloseReason, OpenOptions, Registration, Subject};

/// Has the runtime watch a descriptor.
#[expect(deprecated, reason = "what took its place is unsafe; an owned descriptor is what that asks for")]
fn watched(descriptor: OwnedFd) -> std::io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(descriptor, Interest::READABLE)
}

impl Connection {
    /// Opens a connection for reading and writing.
    ///
    /// # Errors
    /// See [`OpenOptions::open`].
    pub async fn open(uri: &str) -> Result<Self> {
        Self::open_with(OpenOptions::new(), Some(uri)).await
    }

    /// Opens a connection that can only look.
    ///
    /// # Errors
    /// See [`OpenOptions::open`].
    pub async fn open_read_only(uri: &str) -> Result<Self> {
        Self::open_with(OpenOptions::new().read_only(true), Some(uri)).await
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// See [`OpenOptions::open`].
    pub async fn open_with(options: OpenOptions, uri: Option<&str>) -> Result<Self> {
        let uri = uri.map(str::to_owned);
        blocking(move || options.open(uri.as_deref())).await.map(Connection)
    }

    /// Makes any call of the protocol.
    ///
    /// # Errors
    /// As [`Connection::call`](crate::Connection::call).
    pub async fn call<R: Decode + Send + 'static>(&self, request: Request<R>) -> Result<R> {
        run(&self.0, move |connection| connection.call(request)).await
    }

    /// Makes a call that opens a stream.
    ///
    /// # Errors
    /// As [`Connection::call`](crate::Connection::call).
    pub async fn open_stream<R: Decode + Send + 'static>(&self, request: Request<R>) -> Result<(R, Stream)> {
        let (reply, stream) = run(&self.0, move |connection| connection.open_stream(request)).await?;
        Ok((reply, stream.into()))
    }

    /// The URI it was opened with, or the one the daemon picked.
    pub fn uri(&self) -> &str {
        self.0.uri()
    }

    /// Whether it can only look.
    pub fn is_read_only(&self) -> bool {
        self.0.is_read_only()
    }

    /// See [`Connection::is_alive`](crate::Connection::is_alive).
    pub fn is_alive(&self) -> bool {
        self.0.is_alive()
    }

    /// Why it has ended, once it has.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.0.close_reason()
    }

    /// See [`Connection::set_keepalive`](crate::Connection::set_keepalive). Somebody has to be in
    /// [`Connection::run_events`], or wait for a call.
    pub fn set_keepalive(&self, interval: Duration, count: u32) {
        self.0.set_keepalive(interval, count);
    }

    /// Says good-bye and ends the connection for everyone who has it.
    ///
    /// # Errors
    /// The daemon's; the connection ends all the same.
    pub async fn close(&self) -> Result<()> {
        run(&self.0, crate::Connection::close).await
    }

    /// Has `callback` called for events of this number, whenever somebody is in [`Connection::run_events`]. It is
    /// called on a thread that may wait, and given the connection whose methods do.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> virtus::Result<()> {
    /// use virtus::asynchronous::Connection;
    /// use virtus::{Subject, constants::VIR_DOMAIN_EVENT_ID_LIFECYCLE};
    ///
    /// let connection = Connection::open("test:///default").await?;
    /// let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    /// let lifecycle = VIR_DOMAIN_EVENT_ID_LIFECYCLE;
    /// connection
    ///     .on_event(Subject::Domain(None), lifecycle, move |_, event| {
    ///         // nobody may listen any more
    ///         let _ = tell.send(event.clone());
    ///     })
    ///     .await?;
    /// let xml = "<domain type='test'><name>brief</name><memory>1024</memory><os><type>hvm</type></os></domain>";
    /// connection.define_domain(xml).await?.undefine().await?;
    /// connection.run_events(None).await?;
    /// println!("{:?}", told.recv().await);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The daemon's, e.g. for a number that no event has.
    pub async fn on_event(
        &self,
        subject: Subject,
        event: i32,
        callback: impl FnMut(&crate::Connection, &Event) + Send + 'static,
    ) -> Result<Registration> {
        run(&self.0, move |connection| connection.on_event(subject, event, callback)).await
    }

    /// See [`Connection::on_monitor_event`](crate::Connection::on_monitor_event).
    ///
    /// # Errors
    /// The daemon's.
    pub async fn on_monitor_event(
        &self,
        domain: Option<DomainRef>,
        event: Option<&str>,
        flags: u32,
        callback: impl FnMut(&crate::Connection, &Event) + Send + 'static,
    ) -> Result<Registration> {
        let event = event.map(str::to_owned);
        run(&self.0, move |connection| connection.on_monitor_event(domain, event.as_deref(), flags, callback))
            .await
    }

    /// Has a callback called no more.
    ///
    /// # Errors
    /// `INVALID_ARG` when it is not registered; the daemon's.
    pub async fn forget(&self, registration: Registration) -> Result<()> {
        run(&self.0, move |connection| connection.forget(registration)).await
    }

    /// See [`Connection::on_close`](crate::Connection::on_close).
    ///
    /// # Errors
    /// The daemon's.
    pub async fn on_close(
        &self,
        callback: impl FnMut(&crate::Connection, CloseReason) + Send + 'static,
    ) -> Result<()> {
        run(&self.0, move |connection| connection.on_close(callback)).await
    }

    /// See [`Connection::on_reconnect`](crate::Connection::on_reconnect).
    pub fn on_reconnect(&self, callback: impl FnMut(&crate::Connection) + Send + 'static) {
        self.0.on_reconnect(callback);
    }

    /// Waits for events, no longer than `timeout`, has the callbacks called for those that came, and says how many
    /// did. It may be given up at any moment: no event is lost.
    ///
    /// # Errors
    /// Why the connection has ended, after the callbacks for that; why it could not be made again.
    pub async fn run_events(&self, timeout: Option<Duration>) -> Result<usize> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let failed = |e: &std::io::Error| Error::system(ErrorDomain::RPC, "poll on socket failed", e);
        let descriptor = self.0.as_fd().try_clone_to_owned().map_err(|e| failed(&e))?;
        let descriptor = watched(descriptor).map_err(|e| failed(&e))?;
        let mut lost: Option<Instant> = None;
        loop {
            let count = run(&self.0, |connection| connection.run_events(Some(Duration::ZERO))).await?;
            let now = Instant::now();
            if count > 0 || deadline.is_some_and(|deadline| deadline <= now) {
                return Ok(count);
            }
            match self.0.patience().filter(|_| !self.0.is_alive()) {
                None => lost = None,
                Some(patience) if now.saturating_duration_since(*lost.get_or_insert(now)) >= patience => {
                    run(&self.0, move |connection| connection.living(Some(now)).map(drop)).await?;
                }
                Some(_) => {}
            }
            // whoever waits on the descriptor says what for
            self.0.wants_write();
            let until = [deadline, self.0.due()].into_iter().flatten().min();
            let ready = match until {
                None => Some(descriptor.readable().await),
                Some(until) => tokio::time::timeout_at(until.into(), descriptor.readable()).await.ok(),
            };
            if let Some(ready) = ready {
                ready.map_err(|e| failed(&e))?.clear_ready();
            }
        }
    }
}
