//! `test:///`: the test driver in this process, called as a daemon's would be.
//!
//! A call's encoded arguments go through the same table of procedures as in a daemon, so that all that stands on a
//! connection need not know where its calls are answered. The driver's futures never wait; should one do, the calling
//! thread waits for it.

mod queue;
mod streams;

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use virtus_api::constants::VIR_CONNECT_RO;
use virtus_api::{
    Call, Caller, ConnectionId, Drivers, Hypervisor, Identity, Program, Registrar, Registrations, Session,
    find_procedure,
};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_driver_test::{Defaults, Driver};
use virtus_rpc::client::{Message, Reply, StreamPiece};

use crate::auth::{self, Ask, CredentialKind};
use crate::peer::{CloseReason, Outgoing, Peer};
use crate::uri::Uri;

use queue::{Hub, Queue};
use streams::Streams;

/// The host that all connections to `test:///default` share.
static DEFAULT: Defaults<Hub> = Defaults::new();
static CONNECTIONS: AtomicU64 = AtomicU64::new(1);

/// A connection's end in this process.
#[derive(Debug)]
pub(crate) struct Local {
    drivers: Drivers,
    caller: Arc<Caller>,
    queue: Arc<Queue>,
    streams: Mutex<Streams>,
    serial: AtomicU32,
    /// Keeps the host.
    _host: Arc<(Driver, Arc<Hub>)>,
}

impl Local {
    /// Whether calls to what the URI names are answered here.
    pub(crate) fn answers(uri: &Uri) -> bool {
        uri.scheme.as_deref() == Some("test") && uri.server.as_deref().is_none_or(str::is_empty)
    }

    /// Opens what the URI names.
    ///
    /// # Errors
    /// What is wrong with the path or its file; `AUTH_FAILED` when the file asks for a name and a password, and what
    /// `ask` answers is not there.
    pub(crate) fn open(uri: &Uri, read_only: bool, ask: Option<&Ask>) -> Result<Self> {
        let host = DEFAULT.open(uri.path.as_deref().unwrap_or_default(), || Arc::new(Hub::default()))?;
        authenticate(&host.0, uri, ask)?;
        let queue = Arc::new(Queue::new()?);
        host.1.join(&queue);
        let mut drivers = host.0.drivers();
        let session = LocalSession {
            queue: queue.clone(),
            hypervisor: drivers.hypervisor.clone(),
            secrets: drivers.secret.is_some(),
        };
        drivers.session = Some(Arc::new(session));
        let id = ConnectionId(CONNECTIONS.fetch_add(1, Ordering::Relaxed));
        Ok(Local {
            drivers,
            caller: Arc::new(Caller::new(id, Identity::default(), read_only)),
            queue,
            streams: Mutex::default(),
            serial: AtomicU32::new(1),
            _host: host,
        })
    }

    fn streams(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A host may let in only those whom its file names.
fn authenticate(driver: &Driver, uri: &Uri, ask: Option<&Ask>) -> Result<()> {
    let users = driver.users();
    if users.is_empty() {
        return Ok(());
    }
    let of = ("test", "localhost");
    let prompt = "Enter username for localhost".to_owned();
    let name = auth::one(uri, of, (CredentialKind::AuthName, "username", prompt), ask)?;
    let known = users.iter().find(|(user, _)| *user == name).map(|(_, password)| password.as_deref());
    // who is not known is asked for a password all the same
    let allowed = match known {
        Some(None) => true,
        known => {
            let prompt = format!("Enter {name}'s password for localhost");
            let password = auth::one(uri, of, (CredentialKind::Passphrase, "password", prompt), ask)?;
            known == Some(Some(password.as_str()))
        }
    };
    match allowed {
        true => Ok(()),
        false => Err(Error::new(
            ErrorDomain::TEST,
            ErrorCode::AUTH_FAILED,
            "authentication failed, see test XML for the correct username/password",
        )),
    }
}

impl Peer for Local {
    fn call(&self, outgoing: Outgoing<'_>) -> Result<(u32, Reply)> {
        self.queue.check_open()?;
        let number = outgoing.procedure;
        let procedure = find_procedure(Program(outgoing.program), number).ok_or_else(|| {
            Error::new(ErrorDomain::RPC, ErrorCode::RPC, format!("unknown procedure: {number}"))
        })?;
        let call = Arc::new(Call::new(self.caller.clone(), procedure.function, outgoing.fds));
        let body = wait(procedure.run(&self.drivers, call.clone(), outgoing.arguments))?;
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        if let Some(pair) = call.take_stream().filter(|_| outgoing.stream) {
            self.streams().open(serial, pair);
        }
        Ok((serial, Reply { body, fds: call.take_sent() }))
    }

    fn send_piece(&self, _: (u32, i32), serial: u32, piece: &StreamPiece) -> Result<()> {
        self.queue.check_open()?;
        self.streams().send(serial, piece)
    }

    fn take_piece(&self, serial: u32, now: bool) -> Result<Option<StreamPiece>> {
        self.queue.check_open()?;
        self.streams().take(serial, now)
    }

    fn stream_failure(&self, serial: u32) -> Option<Error> {
        self.streams().failure(serial)
    }

    fn is_local(&self) -> bool {
        true
    }

    fn put_back(&self, serial: u32, piece: StreamPiece) {
        self.streams().put_back(serial, piece);
    }

    fn forget_stream(&self, serial: u32) {
        self.streams().forget(serial);
    }

    fn next_message(&self, deadline: Option<Instant>) -> Result<Option<Message>> {
        self.queue.next(deadline)
    }

    fn look(&self) {
        // what comes is put into the queue by those from whom it comes
    }

    fn set_keepalive(&self, _: Option<(Duration, u32)>) {
        // a driver in this process lives as long as the process
    }

    fn due(&self) -> Option<Instant> {
        None
    }

    fn wants_write(&self) -> bool {
        false
    }

    fn ended(&self) -> Option<CloseReason> {
        self.queue.ended()
    }

    fn close(&self) {
        self.queue.close();
        self.caller.closed();
    }

    fn passes_fds(&self) -> bool {
        true
    }

    fn is_secure(&self) -> bool {
        true
    }

    fn is_encrypted(&self) -> bool {
        false
    }
}

impl AsFd for Local {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

/// What a daemon answers by itself, here for one connection.
struct LocalSession {
    queue: Arc<Queue>,
    hypervisor: Option<Arc<dyn Hypervisor>>,
    secrets: bool,
}

impl Registrar for LocalSession {
    fn registrations(&self) -> MutexGuard<'_, Registrations> {
        self.queue.registrations()
    }

    fn has_secrets(&self) -> bool {
        self.secrets
    }

    fn has_monitors(&self) -> bool {
        self.hypervisor.as_ref().is_some_and(|driver| driver.has_monitors())
    }
}

#[async_trait::async_trait]
impl Session for LocalSession {
    async fn connect_open(&self, call: &Call, _: Option<String>, flags: u32) -> Result<()> {
        if flags & VIR_CONNECT_RO != 0 {
            call.caller.make_read_only();
        }
        Ok(())
    }

    async fn connect_close(&self, _: &Call) -> Result<()> {
        self.queue.registrations().clear();
        Ok(())
    }

    async fn connect_supports_feature(&self, _: &Call, feature: i32) -> Result<i32> {
        /// Callbacks have ids (`VIR_DRV_FEATURE_REMOTE_EVENT_CALLBACK`).
        const EVENT_CALLBACK: i32 = 14;
        let own = feature == EVENT_CALLBACK;
        Ok(i32::from(own || self.hypervisor.as_ref().is_some_and(|driver| driver.supports(feature))))
    }

    async fn connect_is_secure(&self, _: &Call) -> Result<i32> {
        Ok(1)
    }
}

/// Wakes the thread that waits.
struct Thread(std::thread::Thread);

impl Wake for Thread {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future on this thread.
fn wait<T>(mut future: impl Future<Output = T> + Unpin) -> T {
    let waker = Waker::from(Arc::new(Thread(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match std::pin::Pin::new(&mut future).poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}
