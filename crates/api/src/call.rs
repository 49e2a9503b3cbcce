//! Who calls, and what travels beside a call's arguments.

use std::os::fd::OwnedFd;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use virtus_base::{Error, ErrorCode, ErrorDomain, Result, TypedParam};

use crate::stream::StreamPair;
use crate::{Mark, Permission, Procedure};

/// A connection, for as long as the daemon runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// Who is at the other end of a socket, as the kernel or an authentication says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identity {
    /// User id of a local peer.
    pub uid: Option<u32>,
    /// Group id of a local peer.
    pub gid: Option<u32>,
    /// Process id of a local peer, with its start time in clock ticks since boot.
    pub process: Option<(i32, u64)>,
    /// User name from SASL.
    pub sasl_user: Option<String>,
    /// Distinguished name from TLS.
    pub x509_name: Option<String>,
    /// What a trusted peer said of the one it speaks for (`virConnectSetIdentity`).
    pub delegated: Vec<TypedParam>,
}

type CloseHook = Box<dyn FnOnce() + Send>;

/// A connection's state that drivers need to know.
pub struct Caller {
    /// Which connection it is.
    pub id: ConnectionId,
    /// Who is at its other end.
    pub identity: Identity,
    read_only: AtomicBool,
    hooks: Mutex<Option<Vec<CloseHook>>>,
}

impl Caller {
    /// A caller over the socket for reading only, or the other.
    pub fn new(id: ConnectionId, identity: Identity, read_only: bool) -> Self {
        Caller { id, identity, read_only: AtomicBool::new(read_only), hooks: Mutex::new(Some(Vec::new())) }
    }

    /// Whether it may only look.
    pub fn is_read_only(&self) -> bool {
        self.read_only.load(Ordering::Relaxed)
    }

    /// From now on it may only look; there is no way back.
    pub fn make_read_only(&self) {
        self.read_only.store(true, Ordering::Relaxed);
    }

    /// Has `hook` run when the connection ends; at once when it already has.
    pub fn on_close(&self, hook: impl FnOnce() + Send + 'static) {
        let mut hooks = self.hooks.lock().unwrap_or_else(|e| e.into_inner());
        match hooks.as_mut() {
            Some(hooks) => hooks.push(Box::new(hook)),
            None => {
                drop(hooks);
                hook();
            }
        }
    }

    /// The connection has ended: runs the hooks, once.
    pub fn closed(&self) {
        let hooks = self.hooks.lock().unwrap_or_else(|e| e.into_inner()).take();
        hooks.into_iter().flatten().for_each(|hook| hook());
    }
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller")
            .field("id", &self.id)
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

/// One call: its caller, and what travels beside its arguments and its reply.
#[derive(Debug)]
pub struct Call {
    /// Who calls.
    pub caller: std::sync::Arc<Caller>,
    /// The C name of the function that is called; empty for calls the daemon makes itself.
    pub function: &'static str,
    beside: Mutex<Beside>,
}

#[derive(Debug, Default)]
struct Beside {
    received: Vec<OwnedFd>,
    sent: Vec<OwnedFd>,
    stream: Option<StreamPair>,
}

impl Call {
    /// A call of `function` that came with these descriptors.
    pub fn new(caller: std::sync::Arc<Caller>, function: &'static str, received: Vec<OwnedFd>) -> Self {
        Call { caller, function, beside: Mutex::new(Beside { received, ..Beside::default() }) }
    }

    fn beside(&self) -> std::sync::MutexGuard<'_, Beside> {
        self.beside.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Takes the descriptors that came with the call.
    pub fn take_fds(&self) -> Vec<OwnedFd> {
        std::mem::take(&mut self.beside().received)
    }

    /// Has a descriptor go out with the reply.
    pub fn send_fd(&self, fd: OwnedFd) {
        self.beside().sent.push(fd);
    }

    /// Hands over the stream this call opens.
    pub fn open_stream(&self, stream: StreamPair) {
        self.beside().stream = Some(stream);
    }

    /// Takes the descriptors that go out with the reply.
    pub fn take_sent(&self) -> Vec<OwnedFd> {
        std::mem::take(&mut self.beside().sent)
    }

    /// Takes the stream the call has opened.
    pub fn take_stream(&self) -> Option<StreamPair> {
        self.beside().stream.take()
    }

    /// Refuses the call if its caller lacks the permission.
    pub fn permit(&self, procedure: &Procedure, object: &'static str, name: &'static str) -> Result<()> {
        let reads = Permission { object, name }.is_read();
        let allowed = !self.caller.is_read_only()
            || (reads && !procedure.has(Mark::ReadOnlyMayNot))
            || procedure.has(Mark::ReadOnlyMay);
        match allowed {
            true => Ok(()),
            false => Err(read_only(procedure.errors, procedure.function)),
        }
    }
}

/// A read-only connection may not call `function`.
pub fn read_only(domain: ErrorDomain, function: &str) -> Error {
    Error::new(domain, ErrorCode::OPERATION_DENIED, format!("read only access prevents {function}"))
}
