//! TLS over TCP, with certificates where libvirt has them.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, poll};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

use super::{Credentials, Socket, Transport};

/// A TLS session on a socket.
#[derive(Debug)]
pub(crate) struct Tls {
    socket: Socket,
    session: Mutex<ClientConnection>,
}

impl Tls {
    /// Shakes hands with the server `host` and awaits its word that it takes our certificate.
    ///
    /// # Errors
    /// `AUTH_FAILED` when one side does not trust the other, `SYSTEM_ERROR` when the connection breaks.
    pub(crate) fn connect(socket: Socket, host: &str, credentials: &Credentials) -> Result<Self> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|e| failed(ErrorCode::INVALID_ARG, format!("{host}: {e}")))?;
        let config: Arc<ClientConfig> = credentials.config()?;
        let session = ClientConnection::new(config, name)
            .map_err(|e| failed(ErrorCode::SYSTEM_ERROR, format!("Failed to initialize TLS session: {e}")))?;
        let tls = Tls { socket, session: Mutex::new(session) };
        tls.handshake()?;
        tls.confirmation()?;
        Ok(tls)
    }

    fn session(&self) -> MutexGuard<'_, ClientConnection> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn await_socket(&self, events: PollFlags) -> Result<()> {
        loop {
            match poll(&mut [PollFd::from_borrowed_fd(self.socket.fd(), events)], None) {
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(e) => return Err(Error::system(ErrorDomain::RPC, "poll on socket failed", &e.into())),
            }
        }
    }

    fn handshake(&self) -> Result<()> {
        loop {
            let mut session = self.session();
            let done = (|| -> io::Result<bool> {
                self.send(&mut session)?;
                if session.is_handshaking() {
                    self.receive(&mut session)?;
                    self.send(&mut session)?;
                }
                Ok(!session.is_handshaking())
            })();
            let writes = session.wants_write();
            drop(session);
            match done {
                Ok(true) if !writes => return Ok(()),
                Ok(_) => self.await_socket(if writes { PollFlags::OUT } else { PollFlags::IN })?,
                Err(e) => return Err(handshake_error(&e)),
            }
        }
    }

    /// After the handshake the server says whether it lets us in.
    fn confirmation(&self) -> Result<()> {
        let mut word = [0];
        loop {
            match self.read(&mut word, &mut VecDeque::new()) {
                Ok(None) => self.await_socket(PollFlags::IN)?,
                Ok(Some(1)) if word == [1] => return Ok(()),
                Ok(Some(0)) => {
                    let gone = io::Error::from_raw_os_error(rustix::io::Errno::IO.raw_os_error());
                    return Err(Error::system(ErrorDomain::RPC, "Unable to read TLS confirmation", &gone));
                }
                Ok(Some(_)) => {
                    let text = "server verification (of our certificate or IP address) failed";
                    return Err(failed(ErrorCode::RPC, text.to_owned()));
                }
                Err(e) => {
                    return Err(Error::system(ErrorDomain::RPC, "Unable to read TLS confirmation", &e));
                }
            }
        }
    }

    /// Passes what the session has to say on to the socket, as much as it takes.
    fn send(&self, session: &mut ClientConnection) -> io::Result<()> {
        while session.wants_write() {
            match session.write_tls(&mut Plain(&self.socket)) {
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Gives the session what the socket has; whether there was anything, and whether it was the end.
    fn receive(&self, session: &mut ClientConnection) -> io::Result<Received> {
        match session.read_tls(&mut Plain(&self.socket)) {
            Ok(0) => Ok(Received::End),
            Ok(_) => match session.process_new_packets() {
                Ok(_) => Ok(Received::Some),
                Err(e) => {
                    // it is told why, if it still listens
                    let _ = self.send(session);
                    Err(io::Error::new(io::ErrorKind::InvalidData, e))
                }
            },
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(Received::Nothing),
            Err(e) => Err(e),
        }
    }
}

enum Received {
    Some,
    Nothing,
    End,
}

impl Transport for Tls {
    fn fd(&self) -> BorrowedFd<'_> {
        self.socket.fd()
    }

    fn read(&self, buffer: &mut [u8], _: &mut VecDeque<OwnedFd>) -> io::Result<Option<usize>> {
        let mut session = self.session();
        loop {
            match session.reader().read(buffer) {
                Ok(count) => return Ok(Some(count)),
                // a server that goes without a farewell has gone all the same
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(Some(0)),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => return Err(e),
            }
            match self.receive(&mut session)? {
                Received::Some => self.send(&mut session)?,
                Received::Nothing => return Ok(None),
                Received::End => return Ok(Some(0)),
            }
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<Option<usize>> {
        let mut session = self.session();
        self.send(&mut session)?;
        // the session keeps what the socket does not take: no more than its limit
        let count = session.writer().write(bytes)?;
        self.send(&mut session)?;
        Ok((count > 0).then_some(count))
    }

    fn flush(&self) -> io::Result<()> {
        self.send(&mut self.session())
    }

    fn wants_write(&self) -> bool {
        self.session().wants_write()
    }

    fn holds_unread(&self) -> bool {
        self.session().process_new_packets().is_ok_and(|state| state.plaintext_bytes_to_read() > 0)
    }

    fn is_secure(&self) -> bool {
        true
    }

    fn is_encrypted(&self) -> bool {
        true
    }
}

/// The socket as what the session reads and writes.
struct Plain<'a>(&'a Socket);

impl Read for Plain<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer, &mut VecDeque::new())?.ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }
}

impl Write for Plain<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)?.ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn failed(code: ErrorCode, text: String) -> Error {
    Error::new(ErrorDomain::RPC, code, text)
}

fn handshake_error(e: &io::Error) -> Error {
    let inner = e.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(_)) => {
            failed(ErrorCode::AUTH_FAILED, "Failed to verify peer's certificate".to_owned())
        }
        Some(other) => failed(ErrorCode::AUTH_FAILED, format!("TLS handshake failed: {other}")),
        None => failed(ErrorCode::AUTH_FAILED, format!("TLS handshake failed: {e}")),
    }
}
